/* SPDX-License-Identifier: MIT */

/* Whole files: read into memory, and replaced so that no crash leaves half of one. */

#include <weft/file.h>

#include <weft/error.h>
#include <weft/io.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "core/file/path.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define LOAD_BYTES_MIN ((size_t)4096)
#define SAVE_SUFFIX_BYTES 24 /* ".tmp-" and 16 hexadecimal digits */
#define SAVE_WRITE_BYTES ((size_t)4 << 20)
#define SAVE_SYNC_BYTES (4 * SAVE_WRITE_BYTES)

/* ---- load ---- */

/* Grows by doubling, whatever size the file claims: some claim none, some lie. */
static int load_make_room(weft_bytes *bytes, size_t *capacity, size_t wanted)
{
    if (wanted < *capacity) /* one more than is used, for the NUL */
        return 0;
    size_t grown = *capacity != 0 ? *capacity * 2 : LOAD_BYTES_MIN;
    char *ptr = wf_grow(bytes->ptr, grown, 1);
    if (ptr == NULL)
        return -ENOMEM;
    bytes->ptr = ptr;
    *capacity = grown;
    return 0;
}

static int load_all(int fd, const char *path, size_t bytes_max, weft_bytes *bytes)
{
    size_t capacity = 0;
    for (;;) {
        int rc = load_make_room(bytes, &capacity, bytes->len + 1);
        if (rc < 0)
            return rc;
        ssize_t count = weft_read(fd, bytes->ptr + bytes->len, capacity - bytes->len - 1);
        if (count < 0)
            return path_fail((int)count, path);
        bytes->len += (size_t)count;
        bytes->ptr[bytes->len] = '\0';
        if (bytes->len > bytes_max)
            return weft_fail(-WEFT_ELIMIT, "%.80s: more than %zu bytes", path, bytes_max);
        if (count == 0)
            return 0;
    }
}

int weft_file_load(const char *path, size_t bytes_max, weft_bytes *out)
{
    weft_bytes bytes = {0};
    int fd = weft_open(path, O_RDONLY, 0);
    if (fd < 0)
        return path_fail(fd, path);
    int rc = load_all(fd, path, bytes_max, &bytes);
    (void)weft_close(fd);
    if (rc < 0)
        weft_bytes_free(&bytes);
    else
        *out = bytes;
    return rc;
}

/* ---- save ---- */

/* Only a file can be replaced: who names a device or a FIFO means what is behind it.  A file's
 * permissions stay: it may have been made for few to see. */
static int save_look(const char *path, unsigned *mode)
{
    struct stat info;
    int rc = weft_stat(path, &info);
    if (rc < 0)
        return rc == -ENOENT ? 0 : rc;
    if (S_ISDIR(info.st_mode))
        return -EISDIR;
    if (!S_ISREG(info.st_mode))
        return -EOPNOTSUPP;
    *mode = info.st_mode & 0777;
    return 0;
}

/* A name nobody else has, beside the file, so that the rename stays on one file system. */
static char *save_temporary_name(const char *path)
{
    size_t bytes = strlen(path) + SAVE_SUFFIX_BYTES;
    uint64_t number;
    char *name = wf_alloc(bytes);
    if (name == NULL || wf_sys_random(&number, sizeof number) < 0) {
        wf_free(name);
        return NULL;
    }
    snprintf(name, bytes, "%s.tmp-%016llx", path, (unsigned long long)number);
    return name;
}

/* A write or a sync that the kernel has begun ends before a cancel does, so neither is of all of a
 * large file: 150 MB take 100 to 300 ms each.  In pieces they take as long in all. */
static ssize_t save_pieces(int fd, const char *bytes, size_t count)
{
    ssize_t rc = 0;
    for (size_t at = 0; at < count && rc >= 0;) {
        size_t piece = count - at < SAVE_WRITE_BYTES ? count - at : SAVE_WRITE_BYTES;
        if (at != 0 && at % SAVE_SYNC_BYTES == 0)
            rc = weft_fsync(fd);
        if (rc >= 0)
            rc = weft_write_all(fd, bytes + at, piece);
        at += piece;
    }
    return rc;
}

static int save_bytes(const char *name, const void *bytes, size_t count, unsigned mode)
{
    int fd = weft_open(name, O_WRONLY | O_CREAT | O_EXCL, mode);
    if (fd < 0)
        return fd;
    ssize_t rc = save_pieces(fd, bytes, count);
    if (rc >= 0)
        rc = weft_fsync(fd);
    int closed = weft_close(fd);
    return rc < 0 ? (int)rc : closed;
}

/* The directory of `path`: "." if it names none.  Cuts the caller's copy. */
static int save_sync_directory(char *path)
{
    char *slash = strrchr(path, '/');
    const char *dir = slash == NULL ? "." : slash == path ? "/" : path;
    if (slash != NULL && slash != path)
        *slash = '\0';
    int fd = weft_open(dir, O_RDONLY | O_DIRECTORY, 0);
    if (fd < 0)
        return fd;
    int rc = weft_fsync(fd);
    (void)weft_close(fd);
    return rc;
}

/* Also when the task is cancelled. */
static void save_clean_up(const char *name)
{
    WEFT_CLEANUP(cleanup);
    (void)!weft_unlink(name);
}

int weft_file_save(const char *path, const void *bytes, size_t count, unsigned mode)
{
    if (path == NULL)
        return path_fail(-EFAULT, path);
    int rc = save_look(path, &mode);
    if (rc < 0)
        return path_fail(rc, path);
    char *name = save_temporary_name(path);
    if (name == NULL)
        return -ENOMEM;
    rc = save_bytes(name, bytes, count, mode);
    if (rc == 0)
        rc = weft_rename(name, path);
    if (rc < 0)
        save_clean_up(name);
    else
        rc = save_sync_directory(name);
    wf_free(name);
    return rc < 0 ? path_fail(rc, path) : rc;
}
