/* SPDX-License-Identifier: MIT */

/* What goes: messages become frames, one sender after the other. */

#include <weft/error.h>
#include <weft/task.h>

#include "base/sys.h"
#include "ws/mask.h"
#include "ws/ws_priv.h"

#include <assert.h>
#include <string.h>

#define FRAME_BYTES_MAX ((size_t)128 * 1024)

/* Shorter messages are not worth compressing. */
#define DEFLATE_BYTES_MIN ((size_t)64)

/* ---- frames ---- */

/* A client's masks must not be foreseen by who chose the payload (RFC 6455 10.3).  Many at a time,
 * since each asks the system. */
static int next_key(weft_ws *ws, uint8_t out[4])
{
    if (ws->key_count == 0) {
        WEFT_TRY(wf_sys_random(ws->keys, sizeof ws->keys));
        ws->key_count = WF_WS_KEY_COUNT;
    }
    memcpy(out, ws->keys[--ws->key_count], 4);
    return 0;
}

/* Writes a whole frame into the stream's output.  0; -EAGAIN: too much is unsent; or a failure. */
static int put_frame(weft_ws *ws, struct wf_ws_head *head, const char *bytes)
{
    char *room = NULL;
    size_t count = (size_t)head->length;
    WEFT_TRY(weft_stream_reserve(ws->stream, WF_WS_HEAD_BYTES_MAX + count, &room));
    head->is_masked = !ws->is_server;
    if (head->is_masked)
        WEFT_TRY(next_key(ws, head->key));
    assert(room != NULL && (bytes != NULL || count == 0));
    size_t at = wf_ws_write_head(room, head);
    if (head->is_masked)
        wf_ws_mask(room + at, bytes, count, head->key, 0);
    else if (count > 0)
        memcpy(room + at, bytes, count);
    weft_stream_commit(ws->stream, at + count);
    return 0;
}

int wf_ws_put_control(weft_ws *ws, uint8_t opcode, const char *bytes, size_t count)
{
    struct wf_ws_head head = {.opcode = opcode, .is_final = true, .length = count};
    assert(count <= WF_WS_CONTROL_BYTES_MAX);
    return put_frame(ws, &head, bytes);
}

/* ---- room ---- */

static void room_cancel(weft_waiter *waiter)
{
    weft_ws *ws = waiter->object;
    ws->room = NULL;
    weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class room_class = {.what = "WebSocket send", .cancel = room_cancel};

static int wait_for_room(weft_ws *ws)
{
    weft_waiter self = WEFT_WAITER(&room_class, ws);
    ws->stuck_at = wf_ws_pace_begin(ws);
    wf_ws_arm(ws);
    int rc = wf_ws_park(&ws->room, &self);
    if (!ws->sent_close)
        wf_ws_pace_rest(ws);
    return rc;
}

void wf_ws_go_on(weft_ws *ws)
{
    if (ws->owes_pong && !ws->sent_close) {
        ws->owes_pong = wf_ws_put_control(ws, WF_WS_OP_PONG, ws->pong, ws->pong_bytes) == -EAGAIN;
    }
    if (ws->owes_close) {
        ws->owes_close =
            wf_ws_put_control(ws, WF_WS_OP_CLOSE, ws->close, ws->close_bytes) == -EAGAIN;
        if (!ws->owes_close)
            ws->closing.to = wf_ws_unacked_to(ws);
    }
    weft_waiter *room = ws->room;
    ws->room = NULL;
    if (room != NULL)
        weft_wake(room, 0);
}

/* ---- places ---- */

static int check_open(const weft_ws *ws)
{
    if (ws->stream == NULL)
        return -EBADF;
    if (ws->rc != 0)
        return wf_ws_say_failure(ws);
    if (ws->sent_close || ws->got_close)
        return weft_fail(-WEFT_ECLOSED, "WebSocket: it is closed");
    return 0;
}

/* Messages are counted by halves of the limit: who begins another half must see the end of the one
 * before the last. */
static bool has_place(weft_ws *ws)
{
    uint64_t sent = weft_stream_get_sent(ws->stream), unsent = weft_stream_get_unsent(ws->stream);
    if (ws->fresh < (ws->limits.unsent_count_max + 1) / 2)
        return true;
    if (sent < ws->half_to && unsent != 0)
        return false;
    ws->half_to = sent + unsent;
    ws->fresh = 0;
    return true;
}

/* Waits until a message may begin. */
static int place_take(weft_ws *ws)
{
    int rc = check_open(ws);
    while (rc == 0 && !has_place(ws)) {
        weft_stream_watch_output(ws->stream);
        rc = wait_for_room(ws);
        if (rc == 0)
            rc = check_open(ws);
    }
    return rc;
}

/* ---- whose turn it is ---- */

static const weft_wait_class turn_class = {.what = "turn to send on a WebSocket"};

static int turn_take(weft_ws *ws)
{
    WEFT_TRY(weft_sp_enter());
    WEFT_TRY(check_open(ws));
    if (!ws->has_sender) {
        ws->has_sender = true;
        return 0;
    }
    weft_waiter self = WEFT_WAITER(&turn_class, ws);
    weft_waitq_push(&ws->senders, &self);
    return weft_park(&self);
}

static void turn_give(weft_ws *ws)
{
    weft_waiter *next = weft_waitq_pop(&ws->senders);
    if (next != NULL)
        weft_wake(next, 0); /* it is its turn from this instant */
    else
        ws->has_sender = false;
}

/* ---- whole messages ---- */

/* A frame of a message, when there is room for it. */
static int send_frame(weft_ws *ws, struct wf_ws_head *head, const char *bytes)
{
    for (;;) {
        WEFT_TRY(check_open(ws));
        int rc = put_frame(ws, head, bytes);
        if (rc == -EAGAIN)
            rc = wait_for_room(ws);
        else if (rc < 0)
            return weft_fail(rc, "WebSocket: the connection is lost");
        else
            break;
        if (rc < 0)
            return rc;
    }
    ws->fresh += head->is_final;
    return 0;
}

/* The peer waits for the rest of a message that will not come. */
static int give_up(weft_ws *ws, int rc)
{
    if (ws->stream != NULL)
        wf_ws_fail(ws, -WEFT_ECLOSED, WF_WS_BROKEN, "a message was not sent to its end");
    return rc;
}

static int send_frames(weft_ws *ws, uint8_t type, bool is_compressed, weft_str data)
{
    struct wf_ws_head head = {.opcode = type, .is_compressed = is_compressed};
    for (size_t at = 0;;) {
        size_t left = data.len - at;
        head.length = left < FRAME_BYTES_MAX ? left : FRAME_BYTES_MAX;
        head.is_final = head.length == left;
        int rc = send_frame(ws, &head, data.ptr + at);
        if (rc < 0)
            return at > 0 || is_compressed ? give_up(ws, rc) : rc;
        if (head.is_final)
            return 0;
        at += (size_t)head.length;
        head.opcode = WF_WS_CONTINUATION;
        head.is_compressed = false;
    }
}

/* What is compressed is part of what the peer will know: it must be sent. */
static int send_compressed(weft_ws *ws, uint8_t type, weft_str data)
{
    wf_buf small = {0};
    int rc = wf_ws_compress(ws->deflate, data, &small);
    if (rc < 0)
        rc = give_up(ws, rc);
    else
        rc = send_frames(ws, type, true, (weft_str){wf_buf_ptr(&small), wf_buf_bytes(&small)});
    wf_buf_fini(&small);
    return rc;
}

static bool is_text(weft_str data)
{
    struct wf_ws_text text = {0};
    return wf_ws_text_feed(&text, data.ptr, data.len) && wf_ws_text_is_whole(&text);
}

static int send_message(weft_ws *ws, enum weft_ws_type type, weft_str data)
{
    if (type != WEFT_WS_TEXT && type != WEFT_WS_BINARY)
        return weft_fail(-EINVAL, "WebSocket: no such type of message");
    if (type == WEFT_WS_TEXT && !is_text(data))
        return weft_fail(-EINVAL, "WebSocket: text that is not UTF-8");
    WEFT_TRY(turn_take(ws));
    int rc = place_take(ws);
    if (rc == 0 && ws->deflate != NULL && data.len >= DEFLATE_BYTES_MIN)
        rc = send_compressed(ws, (uint8_t)type, data);
    else if (rc == 0)
        rc = send_frames(ws, (uint8_t)type, false, data);
    turn_give(ws);
    return rc;
}

int weft_ws_send(weft_ws *ws, enum weft_ws_type type, weft_str data)
{
    WEFT_TRY(wf_ws_enter(ws));
    return wf_ws_leave(ws, send_message(ws, type, data));
}

int weft_ws_send_text(weft_ws *ws, const char *text)
{
    return weft_ws_send(ws, WEFT_WS_TEXT, weft_str_of(text));
}

/* ---- piece by piece ---- */

static int write_begin(weft_ws *ws, enum weft_ws_type type)
{
    if (type != WEFT_WS_TEXT && type != WEFT_WS_BINARY)
        return weft_fail(-EINVAL, "WebSocket: no such type of message");
    WEFT_TRY(turn_take(ws));
    int rc = place_take(ws);
    if (rc < 0) {
        turn_give(ws);
        return rc;
    }
    ws->writing = (uint8_t)type;
    ws->is_text_written = type == WEFT_WS_TEXT;
    ws->is_write_wrong = false;
    ws->written = (struct wf_ws_text){0};
    return 0;
}

int weft_ws_write_begin(weft_ws *ws, enum weft_ws_type type)
{
    WEFT_TRY(wf_ws_enter(ws));
    return wf_ws_leave(ws, write_begin(ws, type));
}

static int write_piece(weft_ws *ws, const char *bytes, size_t count, bool is_end)
{
    struct wf_ws_head head = {.opcode = ws->writing, .length = count, .is_final = is_end};
    int rc = send_frame(ws, &head, bytes);
    if (rc == 0)
        ws->writing = WF_WS_CONTINUATION;
    return rc;
}

static int write_some(weft_ws *ws, const char *bytes, size_t count)
{
    WEFT_TRY(weft_sp_enter());
    if (ws->is_write_wrong ||
        (ws->is_text_written && !wf_ws_text_feed(&ws->written, bytes, count))) {
        ws->is_write_wrong = true;
        return weft_fail(-EINVAL, "WebSocket: text that is not UTF-8");
    }
    int rc = 0;
    for (size_t at = 0; rc == 0 && at < count;) {
        size_t piece = count - at < FRAME_BYTES_MAX ? count - at : FRAME_BYTES_MAX;
        rc = write_piece(ws, bytes + at, piece, /* is_end= */ false);
        at += piece;
    }
    ws->is_write_wrong = rc < 0;
    return rc;
}

int weft_ws_write(weft_ws *ws, const void *bytes, size_t count)
{
    WEFT_TRY(wf_ws_enter(ws));
    return wf_ws_leave(ws, write_some(ws, bytes, count));
}

static int write_end(weft_ws *ws)
{
    bool is_right =
        !ws->is_write_wrong && (!ws->is_text_written || wf_ws_text_is_whole(&ws->written));
    int rc = is_right ? weft_sp_enter() : check_open(ws);
    if (rc == 0)
        rc = is_right ? write_piece(ws, NULL, 0, /* is_end= */ true)
                      : weft_fail(-EINVAL, "WebSocket: a message that cannot be ended");
    if (rc < 0)
        rc = give_up(ws, rc);
    turn_give(ws);
    return rc;
}

int weft_ws_write_end(weft_ws *ws)
{
    WEFT_TRY(wf_ws_enter(ws));
    return wf_ws_leave(ws, write_end(ws));
}
