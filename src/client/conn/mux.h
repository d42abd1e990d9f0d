/* SPDX-License-Identifier: MIT */

/*
 * A connection of HTTP/2, which carries many requests.  nghttp2 knows frames, HPACK, windows and
 * the states of streams; what is here knows exchanges, how many of them have room, when the server
 * is too silent and when it talks too much.
 *
 * Invariants.  An exchange is in `exchanges` from the time it got its place until it gives it back;
 * `place_count` counts also streams that exchanges have left and nghttp2 has not closed.  nghttp2
 * is never asked to send from inside one of its callbacks.  A mux that is dead has no stream, is in
 * no list, and goes with its last exchange.
 */
#ifndef WF_CLIENT_MUX_H
#define WF_CLIENT_MUX_H

#include "client/client_priv.h"
#include "client/conn/farewell.h"
#include "h2/block.h"
#include "h2/flood.h"

#include <nghttp2/nghttp2.h>

struct wf_mux {
    weft_client *client;
    struct conn *conn;
    nghttp2_session *session;
    weft_stream_kind kind; /* the stream's, as long as it is ours */
    const weft_stream_kind *home;
    struct wf_farewell *farewell; /* for the end; NULL: it has begun */
    wf_list exchanges;            /* by stream.in_mux */
    uint32_t place_count;
    uint32_t user_count; /* calls that are inside */

    struct wf_h2_block block; /* the header block that is coming */
    wf_buf held;              /* a frame the stream had no room for */
    struct wf_h2_flood flood;
    weft_time heard_at;  /* the server's last byte */
    weft_time asked_at;  /* a PING of ours that is not answered; WEFT_FOREVER: none */
    uint64_t asked_to;   /* what had been sent before the last PING */
    struct wf_pace pace; /* at which the server takes it */
    uint64_t sent_bytes;
    uint32_t code;      /* of the GOAWAY that wf_mux_stop asked for, or that nghttp2 has sent */
    bool is_ask_behind; /* the last PING stood behind a body */
    bool is_opening;    /* the server's SETTINGS have not come */
    bool is_failing;    /* memory ran out inside nghttp2: to die at the next push */
    bool is_closing;    /* it takes no more requests */
    bool is_receiving, is_sending;
    bool is_dead;
    char why[128];   /* what broke the stream, in words; "" */
    char goaway[64]; /* what the server's GOAWAY said, for the end of a sentence; "": none came */
};

static inline weft_time wf_mux_now(const struct wf_mux *mux)
{
    return weft_loop_turn_time(mux->client->loop);
}

/* ---- mux.c ---- */

/* Around what may end it: one that is dead goes with the last to leave. */
void wf_mux_enter(struct wf_mux *mux);
void wf_mux_leave(struct wf_mux *mux);

/* Sends what there is to send, as far as the stream takes it, and ends what has ended. */
void wf_mux_push(struct wf_mux *mux);

/* GOAWAY with this code, and the end: for nghttp2's callbacks, which return what this does. */
int wf_mux_stop(struct wf_mux *mux, uint32_t code);

/* The server's SETTINGS are there, or have changed. */
void wf_mux_settle(struct wf_mux *mux);

/* No request more; those that are under way go on. */
void wf_mux_close_door(struct wf_mux *mux);

/* The stream's deadline is not later than what the mux waits for. */
void wf_mux_arm(struct wf_mux *mux);

/* ---- mux_receive.c: nghttp2's callbacks for what comes ---- */

void wf_mux_set_receive_callbacks(nghttp2_session_callbacks *callbacks);

/* The exchange's stream is no more: why, if it is before its time; 0: by the server's and nghttp2's
 * words. */
void wf_mux_stream_closed(struct weft_exchange *exchange, int rc);

/* ---- mux_stream.c ---- */

void wf_mux_set_send_callbacks(nghttp2_session_callbacks *callbacks);

/* Ends its stream at once. */
void wf_mux_reset(struct weft_exchange *exchange, uint32_t code);

#endif
