/* SPDX-License-Identifier: MIT */

/* Directories, a buffer of entries at a time. */

#include <weft/file.h>

#include <weft/io.h>
#include <weft/sys/loop.h>
#include <weft/sys/opened.h>
#include <weft/sys/park.h>

#include "base/alloc.h"
#include "core/backend/dirent.h"
#include "core/file/path.h"
#include "core/look/opened.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define DIR_BYTES 8192

/* Invariant: entries not yet told are mem[at, end). */
struct weft_dir {
    int fd;
    size_t at, end;
    _Alignas(8) char mem[DIR_BYTES];
};

static void dir_name(const void *object, char *out, size_t bytes)
{
    snprintf(out, bytes, "of descriptor %d", ((const weft_dir *)object)->fd);
}

static const weft_open_kind dir_opened = {"directory", "weft_dir_close()", dir_name};

int weft_dir_open(weft_dir **out, const char *path)
{
    weft_dir *dir = wf_alloc(sizeof *dir);
    if (dir == NULL)
        return -ENOMEM;
    dir->fd = weft_open(path, O_RDONLY | O_DIRECTORY, 0);
    if (dir->fd < 0) {
        int rc = dir->fd;
        wf_free(dir);
        return path_fail(rc, path);
    }
    wf_closed_fd(dir->fd); /* one object, not two */
    weft_opened(dir, &dir_opened);
    *out = dir;
    return 0;
}

static enum weft_dir_kind dir_kind(uint8_t type)
{
    switch (type) {
    case WF_DIRENT_UNKNOWN:
        return WEFT_DIR_UNKNOWN;
    case WF_DIRENT_DIR:
        return WEFT_DIR_DIRECTORY;
    case WF_DIRENT_FILE:
        return WEFT_DIR_FILE;
    default:
        return WEFT_DIR_OTHER;
    }
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

int weft_dir_next(weft_dir *dir, weft_dir_entry *out)
{
    for (;;) {
        if (dir->at == dir->end) {
            int rc = weft_op_wait(&(weft_op_args){
                .kind = WEFT_OP_READDIR, .fd = dir->fd, .buf = dir->mem, .bytes = DIR_BYTES});
            if (rc <= 0)
                return rc;
            dir->at = 0;
            dir->end = (size_t)rc;
        }
        const struct wf_dirent *entry = (const struct wf_dirent *)(void *)(dir->mem + dir->at);
        dir->at += entry->bytes;
        if (is_dots(entry->name))
            continue;
        *out = (weft_dir_entry){
            .name = entry->name, .kind = dir_kind(entry->type), .inode = entry->inode};
        return 1;
    }
}

void weft_dir_close(weft_dir *dir)
{
    if (dir == NULL)
        return;
    weft_closed(dir, &dir_opened);
    (void)weft_close(dir->fd);
    wf_free(dir);
}
