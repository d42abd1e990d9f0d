/* SPDX-License-Identifier: MIT */

#include "core/platform/beneath.h"

#include <weft/file.h>
#include <weft/sys/platform.h>

#include <fcntl.h>
#include <limits.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#ifndef RESOLVE_CACHED
#define RESOLVE_CACHED 0x20 /* Linux 5.12 */
#endif

/* The kernel cannot say for sure while somebody moves directories about: rare, so few tries. */
#define TRIES_MAX 4

/* ---- part by part ---- */

static int open_part(int dir, const char *part, int flags)
{
    int fd;
    do
        fd = openat(dir, part, flags | O_NOFOLLOW | O_CLOEXEC);
    while (fd < 0 && errno == EINTR);
    return fd < 0 ? -errno : fd;
}

/* The next part into `part`: its length, 0 at the end, or an error. */
static int part_next(const char **path, char part[NAME_MAX + 1])
{
    *path += strspn(*path, "/");
    size_t len = strcspn(*path, "/");
    if (len > NAME_MAX)
        return -ENAMETOOLONG;
    if (len == 2 && memcmp(*path, "..", 2) == 0)
        return -EXDEV;
    memcpy(part, *path, len);
    part[len] = 0;
    *path += len;
    return (int)len;
}

int wf_host_walk_beneath(int dir, const char *path, int flags)
{
    char part[NAME_MAX + 1];
    if (path[0] == '/')
        return -EXDEV;
    int here = dir, rc = part_next(&path, part);
    if (rc == 0)
        return -ENOENT;
    while (rc > 0) {
        bool is_last = path[strspn(path, "/")] == 0;
        bool must_be_dir = !is_last || path[0] == '/';
        int fd = open_part(
            here, part, is_last ? flags | (must_be_dir ? O_DIRECTORY : 0) : O_PATH | O_DIRECTORY);
        if (here != dir)
            close(here);
        here = fd;
        if (fd < 0 || is_last)
            return fd;
        rc = part_next(&path, part);
    }
    if (here != dir)
        close(here);
    return rc;
}

/* ---- by the kernel ---- */

static int open_once(int dir, const char *path, int flags, unsigned how)
{
    struct open_how args = {
        .flags = (uint64_t)(flags | O_CLOEXEC),
        .resolve = RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS,
    };
    if (how & WEFT_BENEATH_NO_LINKS)
        args.resolve |= RESOLVE_NO_SYMLINKS;
    if (how & WEFT_BENEATH_CACHED)
        args.resolve |= RESOLVE_CACHED;
    long fd = syscall(SYS_openat2, dir, path, &args, sizeof args);
    return fd < 0 ? -errno : (int)fd;
}

int wf_host_open_beneath(int dir, const char *path, int flags, unsigned how)
{
    bool is_cached = (how & WEFT_BENEATH_CACHED) != 0;
    int rc = -EAGAIN;
    for (int i = 0; i < TRIES_MAX && (rc == -EAGAIN || rc == -EINTR); i++) {
        rc = open_once(dir, path, flags, how);
        if (is_cached && (rc == -EINVAL || rc == -EAGAIN || rc == -ENOSYS || rc == -EPERM))
            return -EAGAIN; /* an older kernel, or one that would have to ask the disk */
    }
    if (rc == -ENOSYS || rc == -EPERM) /* there is none, or a container forbids it */
        return wf_host_walk_beneath(dir, path, flags);
    return rc == -EAGAIN ? -EXDEV : rc;
}
