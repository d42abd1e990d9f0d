/* SPDX-License-Identifier: MIT */

/*
 * A connection that speaks HTTP/2.  nghttp2 knows frames, HPACK, windows and the states of streams;
 * what is here knows exchanges, and how often a peer may do what costs it nothing.
 *
 * Invariants.  An exchange is in `exchanges` from the first field of its request until its stream
 * is closed and no task is in it; its stream id is 0 from the close on.  nghttp2 is never asked to
 * send from inside one of its callbacks.  The connection's stream ends only when no exchange is
 * left: the last one's task may be what ends it.
 */
#ifndef WF_HTTP_H2_PRIV_H
#define WF_HTTP_H2_PRIV_H

#include "h2/block.h"
#include "h2/flood.h"
#include "http/exchange/request.h"
#include "http/h2/h2.h"
#include "http/server/server.h"

#include <nghttp2/nghttp2.h>

struct wf_h2 {
    struct wf_conn *conn;
    nghttp2_session *session;
    wf_list exchanges; /* by h2.link */
    uint32_t exchange_count;

    struct wf_h2_block block; /* the header block that is coming */
    nghttp2_nv *nva;          /* room for the fields of an answer */
    size_t nva_capacity;
    wf_buf held; /* a frame the stream had no room for */

    struct wf_h2_flood flood;
    weft_time armed;          /* the stream's deadline */
    weft_time drain_deadline; /* of the time between the two GOAWAYs; WEFT_FOREVER: not in it */
    bool is_receiving;        /* inside nghttp2's callbacks, or looking at each exchange */
    bool is_sending;
    bool is_draining;      /* GOAWAY was said */
    uint32_t code;         /* of the GOAWAY that wf_h2_stop asked for */
    int32_t stream_id_max; /* of all that the client has opened */
    bool is_failing;       /* memory ran out inside nghttp2: to die at the next push */
    bool is_dead;          /* no frame counts any more */
    bool is_broken;        /* and the stream is to be aborted */
};

static inline weft_time wf_h2_now(const struct wf_h2 *h2)
{
    return wf_http_now(h2->conn->server);
}

/* ---- h2_conn.c ---- */

/* Sends what there is to send, as far as the stream takes it, and ends what has ended. */
void wf_h2_push(struct wf_h2 *h2);

/* The stream's deadline is not later than this. */
void wf_h2_arm(struct wf_h2 *h2, weft_time at);

/* GOAWAY with this code, and the end: for nghttp2's callbacks, which return what this does. */
int wf_h2_stop(struct wf_h2 *h2, uint32_t code);

/* ---- h2_receive.c: nghttp2's callbacks for what comes ---- */

/* 408: its body does not come. */
void wf_h2_refuse_slow(weft_http_request *req);

void wf_h2_set_receive_callbacks(nghttp2_session_callbacks *callbacks);

/* ---- h2_exchange.c ---- */

extern const struct wf_transport wf_h2_transport;
void wf_h2_set_send_callbacks(nghttp2_session_callbacks *callbacks);

/* The client has sent all of the body. */
void wf_h2_body_ended(weft_http_request *req);

/* Its stream is no more.  The exchange goes, if no task is in it. */
void wf_h2_exchange_closed(weft_http_request *req, bool is_whole);

/* Handles its deadlines that have passed; the next one.  It may be gone afterwards. */
weft_time wf_h2_exchange_expire(weft_http_request *req, weft_time now);

/* Makes one, and gives it back. */
weft_http_request *wf_h2_exchange_new(struct wf_h2 *h2, int32_t stream_id);
void wf_h2_exchange_free(weft_http_request *req);

/* Ends its stream at once. */
void wf_h2_reset(weft_http_request *req, uint32_t code);

#endif
