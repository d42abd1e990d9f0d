/* SPDX-License-Identifier: MIT */

#include "core/backend/file_call.h"

#include <weft/file.h>
#include <weft/sys/fault.h>

#include <fcntl.h>

/* Results are int: a longer transfer is done in parts. */
#define FILE_SHARE_BYTES ((size_t)256 * 1024)
#define FILE_BYTES_MAX ((size_t)1 << 30)

int wf_file_read_cached(const weft_op_args *args)
{
    const weft_platform *platform = weft_platform_get();
    size_t bytes = args->bytes < FILE_SHARE_BYTES ? args->bytes : FILE_SHARE_BYTES;
    if (platform->read_cached == NULL)
        return -EAGAIN;
    if (WEFT_FAULT(WEFT_FAULT_CALL, "read_cached"))
        return -EIO;
    return (int)platform->read_cached(args->fd, args->buf, bytes, args->offset);
}

int wf_file_open_cached(const weft_op_args *args)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "open_cached"))
        return -EMFILE;
    return weft_platform_get()->open_beneath(args->fd, args->path, (int)args->flags,
                                             (unsigned)args->bytes | WEFT_BENEATH_CACHED);
}

int wf_file_stat_cached(const weft_op_args *args)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "stat_cached"))
        return -EIO;
    return weft_platform_get()->statx(args->fd, "", (int)args->flags | AT_EMPTY_PATH, args->buf);
}

static ssize_t file_transfer(const weft_platform *platform, const weft_op_args *args)
{
    size_t bytes = args->bytes < FILE_BYTES_MAX ? args->bytes : FILE_BYTES_MAX;
    if (args->kind == WEFT_OP_READ)
        return args->offset >= 0 ? platform->pread(args->fd, args->buf, bytes, args->offset)
                                 : platform->read(args->fd, args->buf, bytes);
    return args->offset >= 0 ? platform->pwrite(args->fd, args->buf, bytes, args->offset)
                             : platform->write(args->fd, args->buf, bytes);
}

static int file_stat(const weft_platform *platform, const weft_op_args *args)
{
    if (args->path == NULL)
        return platform->statx(args->fd, "", (int)args->flags | AT_EMPTY_PATH, args->buf);
    return platform->statx(AT_FDCWD, args->path, (int)args->flags, args->buf);
}

int wf_file_call(const weft_platform *platform, const weft_op_args *args)
{
    switch (args->kind) {
    case WEFT_OP_OPEN:
        return platform->open(args->path, (int)args->flags, (int)args->bytes);
    case WEFT_OP_OPEN_BENEATH:
        return platform->open_beneath(args->fd, args->path, (int)args->flags,
                                      (unsigned)args->bytes);
    case WEFT_OP_FSYNC:
        return platform->fsync(args->fd);
    case WEFT_OP_TRUNCATE:
        return platform->truncate(args->fd, args->offset);
    case WEFT_OP_STAT:
        return file_stat(platform, args);
    case WEFT_OP_RENAME:
        return platform->rename(args->path, args->buf);
    case WEFT_OP_UNLINK:
        return platform->unlink(args->path, (int)args->flags);
    case WEFT_OP_MKDIR:
        return platform->mkdir(args->path, (int)args->bytes);
    case WEFT_OP_READDIR:
        return (int)platform->readdir(args->fd, args->buf, args->bytes);
    default:
        return (int)file_transfer(platform, args);
    }
}
