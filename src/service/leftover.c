/* SPDX-License-Identifier: MIT */

#include "service/leftover.h"

#include "base/buf.h"
#include "base/sys.h"

#include <weft/file.h>

#include <string.h>

#define DIGITS 16 /* see weft_file_save() */

size_t leftover_file_bytes(const char *name)
{
    static const char mark[] = ".tmp-";
    size_t bytes = strlen(name), end = sizeof(mark) - 1 + DIGITS;
    if (bytes <= end)
        return 0;
    const char *tail = name + bytes - end;
    bool is_one = strncmp(tail, mark, sizeof(mark) - 1) == 0 &&
                  strspn(tail + sizeof(mark) - 1, "0123456789abcdef") == DIGITS;
    return is_one ? bytes - end : 0;
}

static bool is_leftover(const char *name, const char *file)
{
    size_t bytes = strlen(file);
    return bytes != 0 && leftover_file_bytes(name) == bytes && strncmp(name, file, bytes) == 0;
}

int leftover_remove(const char *path, weft_time age)
{
    struct stat info;
    int rc = weft_lstat(path, &info);
    if (rc < 0 || !S_ISREG(info.st_mode) ||
        (age != 0 && wf_sys_wall() - info.st_mtim.tv_sec * WEFT_SEC <= age))
        return rc == -ECANCELED ? rc : 0;
    rc = weft_unlink(path);
    return rc == -ECANCELED ? rc : 0;
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
        rc = name.rc < 0 ? 0 : leftover_remove(wf_buf_ptr(&name), age);
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
