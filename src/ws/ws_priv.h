/* SPDX-License-Identifier: MIT */

/*
 * A connection, and how its parts call each other.
 *
 *     stream's input -> frame.c -> [deflate.c] -> text.c -> `message` -> who receives
 *     who sends -> [deflate.c] -> frame.c -> stream's output
 *
 * While it lives the stream's callbacks are ours; before it goes the stream gets back the kind it
 * had, and with that its owner.
 *
 * Invariants.
 * - Bytes are taken from the stream only while there is room for what they may become: a message
 *   that is whole, or more than `ahead` of one, stops that.
 * - After `got_close` or a failure no byte is looked at; after `sent_close` no frame is sent.
 * - The record goes when it is closed and nobody is inside a call (`users`).
 */
#ifndef WF_WS_PRIV_H
#define WF_WS_PRIV_H

#include <weft/error.h>
#include <weft/sys/opened.h>
#include <weft/sys/park.h>
#include <weft/sys/stream.h>
#include <weft/ws.h>

#include "base/buf.h"
#include "base/pace.h"
#include "ws/deflate.h"
#include "ws/frame.h"
#include "ws/text.h"

#define WF_WS_REASON_BYTES_MAX (WF_WS_CONTROL_BYTES_MAX - 2)
#define WF_WS_KEY_COUNT 32

/* A frame that is to be answered. */
struct wf_ws_asked {
    uint64_t to; /* the stream's bytes before it; 0: none that the peer did not have; UINT64_MAX: it
                    is not among them yet */
    bool is_late; /* it was still behind them at the last look */
};

struct weft_ws {
    weft_stream *stream;          /* NULL once it is given back */
    const weft_stream_kind *home; /* of its owner */
    weft_stream_kind kind;        /* ours */
    weft_loop *loop;
    bool is_server;
    uint32_t users; /* calls under way: any number of tasks may send */
    bool is_gone;   /* closed: the last user frees it */
    const char *protocol;
    weft_ws_limits limits;
    struct wf_ws_frame_limits frame_limits;
    struct wf_ws_deflate *deflate; /* NULL: nothing is compressed */

    /* Served message by message; NULL: by a task that receives. */
    const weft_ws_handler *handler;
    void *handler_arg, *user;
    bool is_served; /* a task does so now */

    /* Receiving. */
    struct wf_ws_parser parser;
    struct wf_ws_text text; /* of the message under way */
    wf_buf message;         /* what has come of it and is not read */
    wf_buf given;           /* the message before it, in the hands of the receiver */
    size_t ahead;           /* of it that is taken in before somebody asks */
    weft_waiter *receiver;
    uint8_t type;      /* enum weft_ws_type of the message */
    bool has_message;  /* one has begun */
    bool is_whole;     /* and ended */
    bool is_read;      /* it is read piece by piece */
    bool is_receiving; /* a task is inside receive */
    bool is_dropping;  /* we close: what comes is not wanted */

    /* Sending. */
    weft_waitq senders; /* for their turn; empty while nobody has it */
    weft_waiter *room;  /* whose turn it is, waiting for room */
    bool has_sender;    /* it is somebody's turn */
    uint64_t half_to;   /* the stream's bytes at the end of the messages before the `fresh` ones */
    uint32_t fresh;     /* at most half of unsent_count_max */
    uint8_t writing;    /* opcode of the next frame of a message written in pieces */
    bool is_text_written;
    bool is_write_wrong; /* it cannot be ended well */
    struct wf_ws_text written;
    uint8_t keys[WF_WS_KEY_COUNT][4]; /* a client's masks, not used yet */
    uint8_t key_count;
    bool owes_pong, owes_close; /* there was no room for them */
    uint8_t pong_bytes, close_bytes;
    char pong[WF_WS_CONTROL_BYTES_MAX];
    char close[WF_WS_CONTROL_BYTES_MAX]; /* what we say, or what the peer said */

    /* The end. */
    int rc; /* why it failed, or 0 */
    const char *text_of_rc;
    uint16_t code; /* see weft_ws_get_close() */
    bool sent_close, got_close;
    weft_waiter *closer;

    /* Times. */
    weft_time heard_at;
    weft_time check_at;  /* is the peer alive? */
    weft_time pinged_at; /* 0: no ping is under way */
    weft_time close_at;  /* the peer's close is due */
    weft_time stuck_at;  /* who waits for room gives up */
    struct wf_pace pace; /* of a peer that owes a pong or a close, or room for who waits for it */

    struct wf_ws_asked ping, closing; /* our ping, our close */
    uint64_t acked;                   /* when the ping was looked at last */
};

/* How a conversation that came to `rc` is closed. */
static inline int wf_ws_code_of(int rc)
{
    return rc >= 0 ? WF_WS_NORMAL : rc == -ECANCELED ? WF_WS_GOING_AWAY : WF_WS_BROKEN;
}

/* ---- conn.c ---- */

extern const weft_open_kind wf_ws_open_kind; /* of those that are their user's to close */

/* Makes a record that is not connected.  NULL: no memory. */
weft_ws *wf_ws_new(const weft_ws_options *options, bool is_server);
void wf_ws_free(weft_ws *ws);

/* Puts it on the stream. */
void wf_ws_start(weft_ws *ws, weft_stream *stream);

/* Every call that may wait begins with the first and, if that is 0, ends with the second, which
 * hands `rc` on. */
int wf_ws_enter(weft_ws *ws);
int wf_ws_leave(weft_ws *ws, int rc);

/* The connection is of no more use: `rc` and `text` (a literal) say why to us, `code` to the peer;
 * WF_WS_LOST: nothing is said. */
void wf_ws_fail(weft_ws *ws, int rc, uint16_t code, const char *text);

/* Why it is of no more use; 0 if it is. */
int wf_ws_say_failure(const weft_ws *ws);

/* Where the bytes end that are put now; 0: the peer has them all. */
uint64_t wf_ws_unacked_to(weft_ws *ws);

/* Somebody begins to wait for the peer: when to look at it first; and does not any more. */
weft_time wf_ws_pace_begin(weft_ws *ws);
void wf_ws_pace_rest(weft_ws *ws);

/* Sends a close frame, or owes it. */
void wf_ws_say_close(weft_ws *ws, uint16_t code, weft_str reason);

/* Its stream is gone: frees it, or leaves that to its last user. */
void wf_ws_let_go(weft_ws *ws);

/* The server stops. */
void wf_ws_stop(void *ws);

/* Waits in one of the places for a waiter until it is woken and taken out. */
WEFT_WAITS int wf_ws_park(weft_waiter **place, weft_waiter *waiter);

void wf_ws_arm(weft_ws *ws);
void wf_ws_wake_all(weft_ws *ws, int rc);

/* ---- receive.c ---- */

/* Takes what has come, as far as there is room for it, and wakes who waits. */
void wf_ws_pump(weft_ws *ws);

/* True if there is no room for what comes. */
bool wf_ws_is_stalled(const weft_ws *ws);

/* ---- answer.c ---- */

/* There may be something to serve: begins a task for it.  May abort the stream. */
void wf_ws_serve_more(weft_ws *ws);

/* ---- send.c ---- */

/* A control frame.  0, -EAGAIN, or a failure. */
int wf_ws_put_control(weft_ws *ws, uint8_t opcode, const char *bytes, size_t count);

/* The stream has room again. */
void wf_ws_go_on(weft_ws *ws);

#endif
