/* SPDX-License-Identifier: MIT */

/* A connection that is nobody's any more and has last words to send, such as a GOAWAY: it goes by
 * itself, and with the client at the latest. */
#ifndef WF_CLIENT_FAREWELL_H
#define WF_CLIENT_FAREWELL_H

#include <weft/client.h>
#include <weft/sys/stream.h>

#include "base/list.h"

/* Made while there is memory, for the end. */
struct wf_farewell {
    wf_list in_client;
    weft_client *client;
    weft_stream *stream; /* NULL: not begun */
    const weft_stream_kind *home;
    weft_stream_kind kind; /* the stream's, once it is begun */
};

/* NULL without memory. */
struct wf_farewell *wf_farewell_new(void);

/* `end` is weft_stream_end or weft_stream_finish; `home` the kind the stream had at first. */
void wf_farewell_begin(weft_client *client, struct wf_farewell *farewell, weft_stream *stream,
                       const weft_stream_kind *home, void (*end)(weft_stream *stream));

/* Waits until all of the client's have gone. */
WEFT_WAITS int wf_farewell_wait(weft_client *client);

/* Cuts short all of the client's. */
void wf_farewell_cut(weft_client *client);

#endif
