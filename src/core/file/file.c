/* SPDX-License-Identifier: MIT */

/* The system's file calls as operations, and the task parked on each. */

#include <weft/file.h>

#include <weft/io.h>
#include <weft/sys/loop.h>
#include <weft/sys/park.h>

#include "base/sys.h"
#include "core/look/opened.h"

#include <fcntl.h>
#include <sys/sysmacros.h>

/* A path that is none is what the kernel says of it, on every back end. */
static int path_wait(const weft_op_args *args)
{
    return args->path != NULL ? weft_op_wait(args) : -EFAULT;
}

int weft_open(const char *path, int flags, unsigned mode)
{
    /* Not to wait for the other end of a FIFO; then as the caller wants it. */
    int fd = path_wait(&(weft_op_args){
        .kind = WEFT_OP_OPEN,
        .path = path,
        .flags = (uint32_t)(flags | O_NONBLOCK | O_NOCTTY),
        .bytes = mode,
    });
    if (fd >= 0 && !(flags & O_NONBLOCK))
        wf_sys_set_blocking(fd, /* blocks= */ true);
    return wf_opened_fd(fd);
}

int weft_open_beneath(int dir, const char *path, int flags, unsigned how)
{
    if ((flags & (O_ACCMODE | O_CREAT | O_TRUNC)) != O_RDONLY)
        return -EINVAL;
    return wf_opened_fd(path_wait(&(weft_op_args){
        .kind = WEFT_OP_OPEN_BENEATH,
        .fd = dir,
        .path = path,
        .flags = (uint32_t)(flags | O_NONBLOCK | O_NOCTTY), /* not to wait for a FIFO's other end */
        .bytes = how & WEFT_BENEATH_NO_LINKS,
    }));
}

ssize_t weft_pread(int fd, void *buf, size_t bytes, int64_t offset)
{
    if (offset < 0)
        return -EINVAL;
    return weft_op_wait(&(weft_op_args){
        .kind = WEFT_OP_READ, .fd = fd, .buf = buf, .bytes = bytes, .offset = offset});
}

ssize_t weft_pwrite(int fd, const void *buf, size_t bytes, int64_t offset)
{
    if (offset < 0)
        return -EINVAL;
    return weft_op_wait(&(weft_op_args){
        .kind = WEFT_OP_WRITE, .fd = fd, .buf = (void *)buf, .bytes = bytes, .offset = offset});
}

int weft_fsync(int fd)
{
    return weft_op_wait(&(weft_op_args){.kind = WEFT_OP_FSYNC, .fd = fd});
}

int weft_truncate(int fd, int64_t bytes)
{
    if (bytes < 0)
        return -EINVAL;
    return weft_op_wait(&(weft_op_args){.kind = WEFT_OP_TRUNCATE, .fd = fd, .offset = bytes});
}

/* ---- what a name is ---- */

static struct timespec stat_time(struct statx_timestamp at)
{
    return (struct timespec){.tv_sec = at.tv_sec, .tv_nsec = at.tv_nsec};
}

static void stat_of_statx(const struct statx *in, struct stat *out)
{
    *out = (struct stat){
        .st_dev = makedev(in->stx_dev_major, in->stx_dev_minor),
        .st_ino = in->stx_ino,
        .st_mode = in->stx_mode,
        .st_nlink = in->stx_nlink,
        .st_uid = in->stx_uid,
        .st_gid = in->stx_gid,
        .st_rdev = makedev(in->stx_rdev_major, in->stx_rdev_minor),
        .st_size = (off_t)in->stx_size,
        .st_blksize = (blksize_t)in->stx_blksize,
        .st_blocks = (blkcnt_t)in->stx_blocks,
        .st_atim = stat_time(in->stx_atime),
        .st_mtim = stat_time(in->stx_mtime),
        .st_ctim = stat_time(in->stx_ctime),
    };
}

static int stat_wait(int fd, const char *path, uint32_t flags, struct stat *out)
{
    struct statx info;
    int rc = weft_op_wait(&(weft_op_args){
        .kind = WEFT_OP_STAT, .fd = fd, .path = path, .flags = flags, .buf = &info});
    if (rc >= 0)
        stat_of_statx(&info, out);
    return rc;
}

int weft_stat(const char *path, struct stat *out)
{
    return path != NULL ? stat_wait(-1, path, 0, out) : -EFAULT;
}

int weft_lstat(const char *path, struct stat *out)
{
    return path != NULL ? stat_wait(-1, path, AT_SYMLINK_NOFOLLOW, out) : -EFAULT;
}

int weft_fstat(int fd, struct stat *out)
{
    return stat_wait(fd, NULL, 0, out);
}

/* ---- names ---- */

int weft_rename(const char *from, const char *to)
{
    if (to == NULL)
        return -EFAULT;
    return path_wait(
        &(weft_op_args){.kind = WEFT_OP_RENAME, .path = from, .buf = (void *)(uintptr_t)to});
}

int weft_unlink(const char *path)
{
    return path_wait(&(weft_op_args){.kind = WEFT_OP_UNLINK, .path = path});
}

int weft_rmdir(const char *path)
{
    return path_wait(&(weft_op_args){.kind = WEFT_OP_UNLINK, .path = path, .flags = AT_REMOVEDIR});
}

int weft_mkdir(const char *path, unsigned mode)
{
    return path_wait(&(weft_op_args){.kind = WEFT_OP_MKDIR, .path = path, .bytes = mode});
}
