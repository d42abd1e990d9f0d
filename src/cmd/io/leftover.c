/* SPDX-License-Identifier: MIT */

#include "cmd/io/leftover.h"

#include "base/buf.h"
#include "base/sys.h"

#include <weft/file.h>

#include <string.h>

#define DIGITS 16

/* "FILE.tmp-0123456789abcdef" */
static bool is_leftover(const char *name, const char *file)
{
    static const char mark[] = ".tmp-";
    size_t bytes = strlen(file);
    if (strncmp(name, file, bytes) != 0 || strncmp(name + bytes, mark, sizeof(mark) - 1) != 0)
        return false;
    name += bytes + sizeof(mark) - 1;
    return strlen(name) == DIGITS && strspn(name, "0123456789abcdef") == DIGITS;
}

static int drop_old(const char *path, weft_time age)
{
    struct stat info;
    int rc = age != 0 ? weft_lstat(path, &info) : 0;
    if (rc == 0 && age != 0 && wf_sys_wall() - info.st_mtim.tv_sec * WEFT_SEC <= age)
        return 0;
    return rc == 0 ? weft_unlink(path) : rc;
}

/* Of a directory whose name, with its slash, is the first `folder_bytes` of `path`. */
static int drop_all(weft_dir *dir, const char *path, size_t folder_bytes, weft_time age)
{
    weft_dir_entry entry;
    int rc;
    while ((rc = weft_dir_next(dir, &entry)) > 0) {
        wf_buf name = {0};
        if (!is_leftover(entry.name, path + folder_bytes))
            continue;
        wf_buf_append(&name, path, folder_bytes);
        wf_buf_append(&name, entry.name, strlen(entry.name) + 1);
        rc = name.rc < 0 ? 0 : drop_old(wf_buf_ptr(&name), age);
        wf_buf_fini(&name);
        if (rc == -ECANCELED)
            return rc;
    }
    return rc == -ECANCELED ? rc : 0;
}

int leftover_drop(const char *path, weft_time age)
{
    const char *slash = strrchr(path, '/');
    size_t folder_bytes = slash != NULL ? (size_t)(slash - path) + 1 : 0;
    wf_buf folder = {0};
    weft_dir *dir;
    wf_buf_append(&folder, slash != NULL ? path : "./", slash != NULL ? folder_bytes : 2);
    wf_buf_putc(&folder, '\0');
    int rc = folder.rc < 0 ? folder.rc : weft_dir_open(&dir, wf_buf_ptr(&folder));
    wf_buf_fini(&folder);
    if (rc < 0)
        return rc == -ECANCELED ? rc : 0;
    rc = drop_all(dir, path, folder_bytes, age);
    weft_dir_close(dir);
    return rc;
}
