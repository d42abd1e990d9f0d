/* SPDX-License-Identifier: MIT */

/* What a person is told of a path with which something failed. */
#ifndef WF_CORE_FILE_PATH_H
#define WF_CORE_FILE_PATH_H

#include <weft/error.h>

#include <string.h>

#define PATH_SHOWN ((size_t)110) /* leaves room for why */

/* Returns `rc`, with the text "PATH: why".  A cancel is of the task, not of the path. */
static inline int path_fail(int rc, const char *path)
{
    if (rc == -ECANCELED)
        return rc;
    if (path == NULL)
        return weft_fail(rc, "no path (NULL): %s", weft_strerror(rc));
    size_t shown = strnlen(path, PATH_SHOWN);
    while (path[shown] != '\0' && shown > 0 && ((unsigned char)path[shown] & 0xc0) == 0x80)
        shown--; /* not inside a character */
    return weft_fail(rc, "%.*s: %s", (int)shown, path, weft_strerror(rc));
}

#endif
