/* SPDX-License-Identifier: MIT */

/* Directory entries as the kernel lays them out (getdents64): read by who lists a directory, made
 * by the simulator. */
#ifndef WF_DIRENT_H
#define WF_DIRENT_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { WF_DIRENT_UNKNOWN = 0, WF_DIRENT_DIR = 4, WF_DIRENT_FILE = 8, WF_DIRENT_LINK = 10 };

struct wf_dirent {
    uint64_t inode;
    int64_t offset;
    uint16_t bytes; /* of the whole entry */
    uint8_t type;
    char name[]; /* ends with NUL */
};

#define WF_DIRENT_HEAD offsetof(struct wf_dirent, name)

static inline size_t wf_dirent_bytes(size_t name_bytes)
{
    return (WF_DIRENT_HEAD + name_bytes + 1 + 7) & ~(size_t)7;
}

static inline void wf_dirent_put(char *out, uint64_t inode, uint8_t type, const char *name)
{
    size_t name_bytes = strlen(name);
    struct wf_dirent head = {
        .inode = inode, .bytes = (uint16_t)wf_dirent_bytes(name_bytes), .type = type};
    memset(out, 0, head.bytes);
    memcpy(out, &head, WF_DIRENT_HEAD);
    memcpy(out + WF_DIRENT_HEAD, name, name_bytes);
}

#endif
