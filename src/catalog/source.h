/* SPDX-License-Identifier: MIT */

/* Bytes of a file in pieces of at most 64 KiB.  A byte order mark at the start is left out. */
#ifndef WF_SOURCE_H
#define WF_SOURCE_H

#include <weft/catalog.h>

typedef struct wf_source {
    weft_catalog_read_fn *read;
    void *arg;
    int fd;    /* of a file we opened; -1 */
    char *mem; /* Invariant: bytes not yet consumed are mem[at, end). */
    size_t at, end;
    bool is_begun, is_ended;
    const char *alien; /* what it is instead of text, by its first bytes; NULL: nothing known.
                        * Valid once there are some */
    uint64_t bytes;    /* read so far */
} wf_source;

/* `read` NULL: opens `path`. */
int wf_source_open(wf_source *source, const char *path, weft_catalog_read_fn *read, void *arg);
void wf_source_close(wf_source *source); /* zeroed with fd -1 is fine, and again */

/* Unless there are bytes, reads some.  1: there are; 0: the end; negative. */
int wf_source_fill(wf_source *source);

/* Reads some behind the bytes there are.  1: there are more now; 0: the end, or no room for more.
 */
int wf_source_more(wf_source *source);

#endif
