/* SPDX-License-Identifier: MIT */

/* A connection's life: the stream's callbacks, its deadlines, and its end. */

#include <weft/error.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/utf8.h"
#include "ws/ws_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define AHEAD_BYTES ((size_t)64 * 1024)
#define WRITE_RATE_MIN 1024

static weft_ws *ws_of(const weft_stream *stream)
{
    const weft_stream_kind *kind = weft_stream_get_kind(stream);
    return wf_container((weft_stream_kind *)(uintptr_t)kind, weft_ws, kind);
}

static weft_time time_after(weft_time from, weft_time duration)
{
    return duration < WEFT_FOREVER - from ? from + duration : WEFT_FOREVER;
}

static weft_time ws_now(const weft_ws *ws)
{
    return weft_loop_turn_time(weft_stream_get_loop(ws->stream));
}

/* ---- deadlines ---- */

/* `stuck_at` of a sender that is long gone costs one look at the clock. */
void wf_ws_arm(weft_ws *ws)
{
    weft_time at = WEFT_FOREVER;
    if (ws->stream == NULL)
        return;
    if (ws->rc == 0 && !ws->got_close)
        at = ws->sent_close ? ws->close_at : ws->check_at;
    if (ws->stuck_at < at)
        at = ws->stuck_at;
    weft_stream_set_deadline(ws->stream, at);
}

static struct wf_pace_limits pace_limits(const weft_ws *ws)
{
    return (struct wf_pace_limits){ws->limits.write_idle_max, WRITE_RATE_MIN};
}

weft_time wf_ws_pace_begin(weft_ws *ws)
{
    const struct wf_pace_limits limits = pace_limits(ws);
    weft_time now = ws_now(ws);
    wf_pace_begin(&ws->pace, &limits, now);
    return time_after(now, wf_pace_first(&ws->pace, &limits));
}

void wf_ws_pace_rest(weft_ws *ws)
{
    if (ws->stream != NULL)
        wf_pace_rest(&ws->pace, ws_now(ws));
}

static bool is_stuck(weft_ws *ws, weft_time now)
{
    if (ws->room == NULL)
        ws->stuck_at = WEFT_FOREVER;
    if (now < ws->stuck_at)
        return false;
    const struct wf_pace_limits limits = pace_limits(ws);
    bool is_slow = wf_pace_is_too_slow(&ws->pace, &limits, now, weft_stream_get_acked(ws->stream));
    ws->stuck_at = wf_pace_next(&ws->pace, &limits, now);
    return is_slow;
}

uint64_t wf_ws_unacked_to(weft_ws *ws)
{
    uint64_t to = weft_stream_get_sent(ws->stream) + weft_stream_get_unsent(ws->stream);
    return weft_stream_get_acked(ws->stream) < to ? to : 0;
}

static void send_ping(weft_ws *ws, weft_time now)
{
    ws->ping = (struct wf_ws_asked){.to = wf_ws_unacked_to(ws)};
    ws->acked = weft_stream_get_acked(ws->stream);
    int rc = wf_ws_put_control(ws, WF_WS_OP_PING, NULL, 0);
    if (rc < 0 && rc != -EAGAIN) {
        wf_ws_fail(ws, rc, WF_WS_BROKEN, "a ping cannot be sent");
        return;
    }
    if (rc == -EAGAIN)
        ws->ping.to = UINT64_MAX;
    (void)wf_ws_pace_begin(ws);
    ws->pinged_at = now;
    ws->check_at = time_after(now, ws->limits.pong_max);
}

/* True if what is to be answered was behind other bytes when it was looked at last, or is now: the
 * answer has its time from now on. */
static bool is_late(struct wf_ws_asked *asked, uint64_t acked)
{
    bool was_late = asked->is_late;
    asked->is_late = acked < asked->to;
    return was_late || asked->is_late;
}

/* While bytes wait, a peer that takes some is reading, though the ping may be behind megabytes that
 * its system holds for it; it takes them at the pace of one for whom somebody waits. */
static bool ping_waits(weft_ws *ws, weft_time now)
{
    const struct wf_pace_limits limits = pace_limits(ws);
    uint64_t before = ws->acked;
    ws->acked = weft_stream_get_acked(ws->stream);
    bool has_more = is_late(&ws->ping, ws->acked) || weft_stream_get_unsent(ws->stream) != 0;
    bool is_slow = wf_pace_is_too_slow(&ws->pace, &limits, now, ws->acked);
    if (!has_more || ws->acked == before || is_slow)
        return false;
    if (ws->ping.to == UINT64_MAX)
        send_ping(ws, now);
    ws->check_at = time_after(now, ws->limits.pong_max);
    return true;
}

/* Whatever comes is a sign of life.  While we do not take what comes, the answer may be behind it.
 */
static void check_alive(weft_ws *ws, weft_time now)
{
    bool is_alive = ws->heard_at >= ws->pinged_at;
    if (now < ws->check_at)
        return;
    if (ws->pinged_at != 0 && !is_alive && !wf_ws_is_stalled(ws)) {
        if (ping_waits(ws, now))
            return;
        wf_ws_fail(ws, -ETIMEDOUT, WF_WS_BROKEN, "the peer is silent");
        return;
    }
    weft_time from = wf_ws_is_stalled(ws) ? now : ws->heard_at;
    if (ws->room == NULL)
        wf_ws_pace_rest(ws);
    ws->pinged_at = 0;
    ws->check_at = time_after(from, ws->limits.ping_every);
    if (ws->check_at <= now)
        send_ping(ws, now);
}

/* The answer to a close has its time from when the peer has what is before it. */
static bool close_is_due(weft_ws *ws, weft_time now)
{
    const struct wf_pace_limits limits = pace_limits(ws);
    if (now < ws->close_at)
        return false;
    uint64_t acked = weft_stream_get_acked(ws->stream);
    if (!is_late(&ws->closing, acked))
        return true;
    ws->close_at = time_after(now, ws->limits.close_max);
    return wf_pace_is_too_slow(&ws->pace, &limits, now, acked);
}

static void ws_expired(weft_stream *stream)
{
    weft_ws *ws = ws_of(stream);
    weft_time now = ws_now(ws);
    if (is_stuck(ws, now))
        wf_ws_fail(ws, -ETIMEDOUT, WF_WS_LATER, "the peer does not read");
    else if (ws->sent_close && close_is_due(ws, now))
        wf_ws_fail(ws, -ETIMEDOUT, WF_WS_LOST, "the peer does not answer the close");
    else if (!ws->sent_close && ws->rc == 0)
        check_alive(ws, now);
    wf_ws_arm(ws);
}

/* ---- the stream's other callbacks ---- */

static void ws_input(weft_stream *stream)
{
    weft_ws *ws = ws_of(stream);
    ws->heard_at = ws_now(ws);
    wf_ws_pump(ws);
}

static void ws_output(weft_stream *stream)
{
    wf_ws_go_on(ws_of(stream));
}

/* ---- waking ---- */

int wf_ws_park(weft_waiter **place, weft_waiter *waiter)
{
    assert(*place == NULL);
    *place = waiter;
    return weft_park(waiter);
}

static void wake(weft_waiter **place, int rc)
{
    weft_waiter *waiter = *place;
    *place = NULL;
    if (waiter != NULL)
        weft_wake(waiter, rc);
}

/* Senders that wait for their turn get it one after the other, and see for themselves. */
void wf_ws_wake_all(weft_ws *ws, int rc)
{
    wake(&ws->receiver, rc);
    wake(&ws->room, rc);
    wake(&ws->closer, rc);
}

/* ---- the end ---- */

void wf_ws_say_close(weft_ws *ws, uint16_t code, weft_str reason)
{
    char payload[WF_WS_CONTROL_BYTES_MAX];
    size_t count = 0;
    if (ws->sent_close)
        return;
    if (code != WF_WS_NO_CODE) {
        payload[0] = (char)(code >> 8);
        payload[1] = (char)code;
        size_t bytes = wf_utf8_cut(reason.ptr, reason.len, WF_WS_REASON_BYTES_MAX);
        if (bytes > 0)
            memcpy(payload + 2, reason.ptr, bytes);
        count = 2 + bytes;
    }
    ws->closing = (struct wf_ws_asked){.to = wf_ws_unacked_to(ws)};
    wf_ws_pace_rest(ws);
    (void)wf_ws_pace_begin(ws);
    int rc = wf_ws_put_control(ws, WF_WS_OP_CLOSE, payload, count);
    ws->sent_close = true; /* also if it did not work: nothing may follow */
    ws->owes_close = rc == -EAGAIN;
    if (ws->owes_close)
        ws->closing.to = UINT64_MAX;
    if (ws->owes_close)
        memcpy(ws->close, payload, count);
    ws->close_bytes = (uint8_t)count;
    ws->close_at = time_after(ws_now(ws), ws->limits.close_max);
    wake(&ws->room, 0);
    wf_ws_arm(ws);
}

void wf_ws_fail(weft_ws *ws, int rc, uint16_t code, const char *text)
{
    if (ws->rc != 0 || ws->got_close)
        return;
    if (code != WF_WS_LOST)
        wf_ws_say_close(ws, code, weft_str_of(text));
    ws->rc = rc;
    ws->code = code;
    ws->text_of_rc = text;
    wf_ws_wake_all(ws, 0);
    wf_ws_arm(ws);
    wf_ws_serve_more(ws);
}

int wf_ws_say_failure(const weft_ws *ws)
{
    return ws->rc == 0 ? 0 : weft_fail(ws->rc, "WebSocket: %s", ws->text_of_rc);
}

void wf_ws_stop(void *arg)
{
    weft_ws *ws = arg;
    if (ws->stream != NULL && ws->rc == 0)
        wf_ws_say_close(ws, WF_WS_GOING_AWAY, (weft_str){"", 0});
}

int weft_ws_get_close(const weft_ws *ws, weft_str *out_reason)
{
    bool has_reason = ws->got_close && ws->close_bytes > 2;
    weft_str reason = {"", 0};
    if (has_reason)
        reason = (weft_str){ws->close + 2, ws->close_bytes - 2u};
    else if (ws->rc != 0)
        reason = weft_str_of(ws->text_of_rc);
    if (out_reason != NULL)
        *out_reason = reason;
    return ws->code;
}

/* ---- closing ---- */

static void ws_name(const void *object, char *out, size_t bytes)
{
    const weft_ws *ws = object;
    snprintf(out, bytes, "of a %s", ws->is_server ? "server" : "client");
}

const weft_open_kind wf_ws_open_kind = {"WebSocket", "weft_ws_close()", ws_name};

/* The stream is its owner's again. */
static weft_stream *ws_detach(weft_ws *ws)
{
    weft_stream *stream = ws->stream;
    ws->stream = NULL;
    weft_stream_set_deadline(stream, WEFT_FOREVER);
    weft_stream_set_kind(stream, ws->home);
    wf_ws_wake_all(ws, -EBADF);
    for (weft_waiter *waiter; (waiter = weft_waitq_pop(&ws->senders)) != NULL;)
        weft_wake(waiter, -EBADF);
    return stream;
}

static void closer_cancel(weft_waiter *waiter)
{
    weft_ws *ws = waiter->object;
    ws->closer = NULL;
    weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class closer_class = {.what = "WebSocket close", .cancel = closer_cancel};

static int park_closer(weft_ws *ws)
{
    weft_waiter self = WEFT_WAITER(&closer_class, ws);
    return wf_ws_park(&ws->closer, &self);
}

/* Who connected leaves the first end of the connection to the server (RFC 6455 7.1.1). */
static bool is_over(const weft_ws *ws)
{
    const weft_stream *stream = ws->stream;
    bool is_done = ws->rc != 0 || weft_stream_get_error(stream) != 0;
    if (!is_done && ws->got_close)
        is_done = ws->is_server || weft_stream_is_ended(stream);
    return is_done;
}

static int wait_until_over(weft_ws *ws)
{
    int rc;
    do {
        weft_scope limit;
        rc = 0;
        (void)weft_scope_open(&limit, weft_after(ws->limits.close_max), WEFT_SCOPE_SHIELD);
        while (rc == 0 && !is_over(ws))
            rc = park_closer(ws);
        rc = weft_scope_close(&limit, rc);
    } while (rc == -ETIMEDOUT && !ws->got_close && !close_is_due(ws, ws_now(ws)));
    if (rc < 0 && !ws->got_close)
        wf_ws_fail(ws, rc, WF_WS_LOST, "the peer does not answer the close");
    return wf_ws_say_failure(ws);
}

void wf_ws_let_go(weft_ws *ws)
{
    ws->is_gone = true;
    if (ws->users == 0)
        wf_ws_free(ws);
}

int weft_ws_close(weft_ws *ws, int code, const char *reason)
{
    if (ws == NULL)
        return 0;
    WEFT_TRY(weft_loop_check(ws->loop, "WebSocket"));
    weft_closed(ws, &wf_ws_open_kind);
    unsigned sayable = wf_ws_code_is_sayable((unsigned)code) ? (unsigned)code : WF_WS_NORMAL;
    if (ws->rc == 0)
        wf_ws_say_close(ws, (uint16_t)sayable, weft_str_of(reason));
    ws->is_dropping = true;
    wf_buf_fini(&ws->message);
    wake(&ws->receiver, -EBADF);
    wf_ws_pump(ws);
    int rc = wait_until_over(ws);
    bool is_server = ws->is_server;
    weft_stream *stream = ws_detach(ws);
    bool is_lost = weft_stream_get_error(stream) != 0;
    wf_ws_let_go(ws);
    if (!is_server && is_lost)
        weft_stream_abort(stream);
    else if (!is_server)
        (void)weft_stream_close(stream);
    return rc;
}

void weft_ws_abort(weft_ws *ws)
{
    if (ws == NULL)
        return;
    weft_closed(ws, &wf_ws_open_kind);
    bool is_server = ws->is_server;
    weft_stream *stream = ws_detach(ws);
    wf_ws_let_go(ws);
    if (!is_server)
        weft_stream_abort(stream);
}

/* ---- making ---- */

#define OR(value, usual) ((value) != 0 ? (value) : (usual))

static weft_ws_limits limits_fill(const weft_ws_limits *given)
{
    return (weft_ws_limits){
        .frame_bytes_max = OR(given->frame_bytes_max, 1u << 20),
        .message_bytes_max = OR(given->message_bytes_max, 16u << 20),
        .fragment_count_max = OR(given->fragment_count_max, 1024),
        .inflate_ratio_max = OR(given->inflate_ratio_max, 200),
        .unsent_bytes_max = OR(given->unsent_bytes_max, 1u << 20),
        .unsent_count_max = OR(given->unsent_count_max, 256),
        .ping_every = OR(given->ping_every, 20 * WEFT_SEC),
        .pong_max = OR(given->pong_max, 20 * WEFT_SEC),
        .close_max = OR(given->close_max, 5 * WEFT_SEC),
        .write_idle_max = OR(given->write_idle_max, 30 * WEFT_SEC),
    };
}

weft_ws *wf_ws_new(const weft_ws_options *options, bool is_server)
{
    static const weft_ws_options usual;
    weft_ws *ws = wf_alloc(sizeof *ws);
    if (ws == NULL)
        return NULL;
    ws->loop = weft_loop_self();
    ws->is_server = is_server;
    ws->protocol = "";
    ws->ahead = AHEAD_BYTES;
    ws->stuck_at = WEFT_FOREVER;
    ws->limits = limits_fill(options != NULL ? &options->limits : &usual.limits);
    ws->frame_limits = (struct wf_ws_frame_limits){
        .frame_bytes_max = ws->limits.frame_bytes_max,
        .message_bytes_max = ws->limits.message_bytes_max,
        .fragment_count_max = ws->limits.fragment_count_max,
    };
    wf_ws_parser_init(&ws->parser, &ws->frame_limits, is_server);
    ws->kind = (weft_stream_kind){
        .input = ws_input,
        .output = ws_output,
        .expired = ws_expired,
        .output_high = ws->limits.unsent_bytes_max,
        .output_low = ws->limits.unsent_bytes_max / 4,
    };
    return ws;
}

void wf_ws_start(weft_ws *ws, weft_stream *stream)
{
    ws->stream = stream;
    ws->home = weft_stream_get_kind(stream);
    ws->parser.has_deflate = ws->deflate != NULL;
    weft_stream_set_kind(stream, &ws->kind);
    ws->heard_at = ws_now(ws);
    ws->check_at = time_after(ws->heard_at, ws->limits.ping_every);
    wf_ws_arm(ws);
}

void wf_ws_free(weft_ws *ws)
{
    if (ws == NULL)
        return;
    wf_ws_deflate_free(ws->deflate);
    wf_buf_fini(&ws->message);
    wf_buf_fini(&ws->given);
    wf_free(ws);
}

int wf_ws_enter(weft_ws *ws)
{
    WEFT_TRY(weft_loop_check(ws->loop, "WebSocket"));
    ws->users++;
    return 0;
}

int wf_ws_leave(weft_ws *ws, int rc)
{
    assert(ws->users > 0);
    ws->users--;
    if (ws->is_gone && ws->users == 0)
        wf_ws_free(ws);
    return rc;
}

const char *weft_ws_get_protocol(const weft_ws *ws)
{
    return ws->protocol;
}

bool weft_ws_is_deflated(const weft_ws *ws)
{
    return ws->deflate != NULL;
}

void weft_ws_set_user(weft_ws *ws, void *user)
{
    ws->user = user;
}

void *weft_ws_get_user(const weft_ws *ws)
{
    return ws->user;
}
