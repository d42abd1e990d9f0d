/* SPDX-License-Identifier: MIT */

/* Remote: the bytes of a file that an HTTP server has, for readers that pull; the task waits. */
#ifndef WF_CMD_REMOTE_H
#define WF_CMD_REMOTE_H

#include <weft/catalog.h>
#include <weft/client.h>
#include <weft/error.h>

struct remote {
    weft_client *client;
    weft_exchange *exchange;
    uint64_t bytes, bytes_max;
    enum weft_file_format format; /* by what the server says it is; AUTO: it says nothing of use */
};

/* True for "http://…" and "https://…". */
bool remote_is_url(const char *source);

/* Asks for it; `time` is for all of it.  0; an exit code after saying why, or -ECANCELED. */
WEFT_WAITS int remote_open(struct remote *remote, const char *url, uint64_t bytes_max,
                           weft_time time);

/* A weft_catalog_read_fn; `arg` is the remote.  -WEFT_ELIMIT past bytes_max. */
WEFT_WAITS ssize_t remote_read(void *buf, size_t bytes, void *arg);

WEFT_WAITS void remote_close(struct remote *remote);

#endif
