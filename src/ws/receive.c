/* SPDX-License-Identifier: MIT */

/* What comes: frames become messages, and messages are handed to who receives. */

#include <weft/error.h>
#include <weft/task.h>

#include "ws/mask.h"
#include "ws/ws_priv.h"

#include <string.h>

/* Memory that a connection keeps between two messages. */
#define KEEP_BYTES_MAX ((size_t)4096)

/* Bytes of a compressed message that are looked at together: it bounds what they may become. */
#define COMPRESSED_STEP_BYTES ((size_t)4096)

/* ---- room ---- */

bool wf_ws_is_stalled(const weft_ws *ws)
{
    return !ws->is_dropping && (ws->is_whole || wf_buf_bytes(&ws->message) >= ws->ahead);
}

static bool may_take(const weft_ws *ws)
{
    return ws->rc == 0 && !ws->got_close && !wf_ws_is_stalled(ws);
}

/* ---- a piece of a message ---- */

static int add_plain(weft_ws *ws, const struct wf_ws_piece *piece)
{
    char *room = NULL;
    size_t count = piece->bytes.len;
    int rc = wf_buf_reserve(&ws->message, count, &room);
    if (rc < 0 || count == 0)
        return rc;
    if (ws->is_server)
        wf_ws_mask(room, piece->bytes.ptr, count, piece->key, piece->at);
    else
        memcpy(room, piece->bytes.ptr, count);
    wf_buf_commit(&ws->message, count);
    return 0;
}

static int add_compressed(weft_ws *ws, const struct wf_ws_piece *piece)
{
    const struct wf_ws_inflate_limits limits = {ws->limits.message_bytes_max,
                                                ws->limits.inflate_ratio_max};
    char plain[1024];
    size_t at = 0;
    int rc = 0;
    do {
        size_t left = piece->bytes.len - at;
        size_t count = left < sizeof plain ? left : sizeof plain;
        bool is_end = piece->is_end && count == left;
        if (count > 0)
            wf_ws_mask(plain, piece->bytes.ptr + at, count, piece->key, piece->at + at);
        rc = wf_ws_inflate(ws->deflate, (weft_str){plain, count}, is_end, &limits, &ws->message,
                           &ws->parser.fault);
        at += count;
    } while (rc == 0 && at < piece->bytes.len);
    return rc;
}

/* What was added since `before` bytes were there must be text, if the message is. */
static bool check_text(weft_ws *ws, size_t before, bool is_end)
{
    if (ws->type != WEFT_WS_TEXT)
        return true;
    size_t count = wf_buf_bytes(&ws->message) - before;
    return wf_ws_text_feed(&ws->text, wf_buf_ptr(&ws->message) + before, count) &&
           (!is_end || wf_ws_text_is_whole(&ws->text));
}

static void take_piece(weft_ws *ws, const struct wf_ws_piece *piece)
{
    if (ws->is_dropping)
        return;
    if (!ws->has_message) {
        ws->has_message = true;
        ws->type = piece->opcode;
        ws->text = (struct wf_ws_text){0};
    }
    size_t before = wf_buf_bytes(&ws->message);
    int rc = piece->is_compressed ? add_compressed(ws, piece) : add_plain(ws, piece);
    if (rc == -ENOMEM)
        wf_ws_fail(ws, rc, WF_WS_BROKEN, "no memory for a message");
    else if (rc < 0)
        wf_ws_fail(ws, rc, ws->parser.fault.code, ws->parser.fault.reason);
    else if (!check_text(ws, before, piece->is_end))
        wf_ws_fail(ws, -WEFT_ESYNTAX, WF_WS_NOT_UTF8, "text that is not UTF-8");
    else
        ws->is_whole = piece->is_end;
}

/* ---- control frames ---- */

/* Only the last ping must be answered (RFC 6455 5.5.3): one place is enough to owe it in. */
static void take_ping(weft_ws *ws)
{
    size_t count = ws->parser.control_bytes;
    if (ws->sent_close)
        return;
    int rc = wf_ws_put_control(ws, WF_WS_OP_PONG, ws->parser.control, count);
    if (rc == -EAGAIN) {
        ws->owes_pong = true;
        ws->pong_bytes = (uint8_t)count;
        memcpy(ws->pong, ws->parser.control, count);
    } else if (rc < 0) {
        wf_ws_fail(ws, rc, WF_WS_BROKEN, "a pong cannot be sent");
    }
}

static void take_close(weft_ws *ws)
{
    size_t count = ws->parser.control_bytes;
    struct wf_ws_close said;
    if (!wf_ws_close_read((weft_str){ws->parser.control, count}, &said, &ws->parser.fault)) {
        wf_ws_fail(ws, -WEFT_ESYNTAX, ws->parser.fault.code, ws->parser.fault.reason);
        return;
    }
    wf_ws_say_close(ws, said.code, (weft_str){"", 0});
    ws->got_close = true;
    ws->code = said.code;
    if (!ws->owes_close) { /* else the place is taken: its reason is lost */
        memcpy(ws->close, ws->parser.control, count);
        ws->close_bytes = (uint8_t)count;
    }
    wf_ws_arm(ws);
}

/* ---- all that comes ---- */

/* Takes one event's bytes; returns how many. */
static size_t take_event(weft_ws *ws, const char *bytes, size_t count)
{
    struct wf_ws_piece piece;
    size_t used;
    if (ws->deflate != NULL && count > COMPRESSED_STEP_BYTES)
        count = COMPRESSED_STEP_BYTES;
    int event = wf_ws_parse(&ws->parser, bytes, count, &used, &piece);
    switch (event) {
    case WF_WS_DATA:
        take_piece(ws, &piece);
        break;
    case WF_WS_PING:
        take_ping(ws);
        break;
    case WF_WS_CLOSE:
        take_close(ws);
        break;
    default:
        if (event < 0)
            wf_ws_fail(ws, event, ws->parser.fault.code, ws->parser.fault.reason);
        break;
    }
    return used;
}

/* Nothing is left to take: is that the end? */
static void check_end(weft_ws *ws)
{
    int rc = weft_stream_get_error(ws->stream);
    if (rc < 0)
        wf_ws_fail(ws, rc, WF_WS_LOST, "the connection is lost");
    else if (weft_stream_is_ended(ws->stream))
        wf_ws_fail(ws, -WEFT_ETRUNCATED, WF_WS_LOST, "the connection ended without a close");
}

static bool has_news(const weft_ws *ws)
{
    bool has_bytes = ws->is_read && wf_buf_bytes(&ws->message) > 0;
    bool has_begun = ws->has_message && !ws->is_receiving; /* somebody waits for that alone */
    return has_bytes || has_begun || ws->is_whole || ws->rc != 0 || ws->got_close;
}

static void tell(weft_ws *ws)
{
    weft_waiter *receiver = ws->receiver, *closer = ws->closer;
    if (receiver != NULL && has_news(ws)) {
        ws->receiver = NULL;
        weft_wake(receiver, 0);
    }
    ws->closer = NULL;
    if (closer != NULL)
        weft_wake(closer, 0);
    wf_ws_serve_more(ws);
}

void wf_ws_pump(weft_ws *ws)
{
    if (ws->stream == NULL)
        return;
    weft_str input = weft_stream_get_input(ws->stream);
    size_t at = 0;
    while (at < input.len && may_take(ws))
        at += take_event(ws, input.ptr + at, input.len - at);
    if (at > 0)
        weft_stream_consume(ws->stream, at);
    if (at == input.len) /* else what is left comes first */
        check_end(ws);
    tell(ws);
}

/* ---- receiving ---- */

static void receiver_cancel(weft_waiter *waiter)
{
    weft_ws *ws = waiter->object;
    ws->receiver = NULL;
    weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class receiver_class = {.what = "WebSocket receive",
                                               .cancel = receiver_cancel};

static int park_receiver(weft_ws *ws)
{
    weft_waiter self = WEFT_WAITER(&receiver_class, ws);
    return wf_ws_park(&ws->receiver, &self);
}

/* The bytes are done with: their memory goes, but for a little. */
static void buf_release(wf_buf *buf)
{
    if (buf->capacity > KEEP_BYTES_MAX)
        wf_buf_fini(buf);
    wf_buf_reset(buf);
}

static void message_end(weft_ws *ws)
{
    buf_release(&ws->message);
    ws->has_message = false;
    ws->is_whole = false;
    ws->is_read = false;
}

/* The message is the receiver's, and the next one has a place of its own: what is behind, pings
 * above all, is taken in meanwhile. */
static void message_give(weft_ws *ws, weft_ws_message *out)
{
    wf_buf given = ws->message;
    ws->message = ws->given;
    ws->given = given;
    out->type = ws->type;
    out->data = (weft_str){wf_buf_ptr(&given), wf_buf_bytes(&given)};
    message_end(ws);
}

static int receiver_enter(weft_ws *ws)
{
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    if (ws->stream == NULL || ws->is_dropping)
        return -EBADF;
    return ws->receiver != NULL ? -EBUSY : 0;
}

/* Until something is there: 1; 0: the peer has closed; or why nothing will come. */
static int wait_for_news(weft_ws *ws, bool (*is_there)(const weft_ws *ws))
{
    int rc = 0;
    wf_ws_pump(ws);
    while (rc == 0) {
        if (is_there(ws))
            return 1;
        if (ws->got_close)
            return 0;
        rc = wf_ws_say_failure(ws);
        if (rc == 0)
            rc = park_receiver(ws);
    }
    return rc;
}

static bool is_whole(const weft_ws *ws)
{
    return ws->is_whole;
}

static bool has_begun(const weft_ws *ws)
{
    return ws->has_message;
}

static bool has_bytes(const weft_ws *ws)
{
    return wf_buf_bytes(&ws->message) > 0 || ws->is_whole;
}

static int receive(weft_ws *ws, weft_ws_message *out)
{
    WEFT_TRY(receiver_enter(ws));
    if (ws->is_read)
        return -EBUSY;
    buf_release(&ws->given);
    size_t ahead = ws->ahead;
    ws->ahead = SIZE_MAX; /* the limit of a message holds */
    ws->is_receiving = true;
    int rc = wait_for_news(ws, is_whole);
    ws->ahead = ahead;
    ws->is_receiving = false;
    if (rc != 1)
        return rc;
    message_give(ws, out);
    return 1;
}

int weft_ws_receive(weft_ws *ws, weft_ws_message *out)
{
    WEFT_TRY(wf_ws_enter(ws));
    return wf_ws_leave(ws, receive(ws, out));
}

/* ---- piece by piece ---- */

static int read_begin(weft_ws *ws, enum weft_ws_type *out)
{
    WEFT_TRY(receiver_enter(ws));
    if (ws->is_read)
        return -EBUSY;
    buf_release(&ws->given);
    int rc = wait_for_news(ws, has_begun);
    if (rc != 1)
        return rc;
    ws->is_read = true;
    *out = ws->type;
    return 1;
}

int weft_ws_read_begin(weft_ws *ws, enum weft_ws_type *out)
{
    WEFT_TRY(wf_ws_enter(ws));
    return wf_ws_leave(ws, read_begin(ws, out));
}

static int read_some(weft_ws *ws, void *buf, size_t bytes)
{
    WEFT_TRY(receiver_enter(ws));
    if (!ws->is_read)
        return 0;
    int rc = wait_for_news(ws, has_bytes);
    if (rc < 0)
        return rc;
    size_t have = wf_buf_bytes(&ws->message);
    size_t count = have < bytes ? have : bytes;
    if (rc == 0)
        return weft_fail(-WEFT_ETRUNCATED, "WebSocket: the peer closed in the middle of a message");
    memcpy(buf, wf_buf_ptr(&ws->message), count);
    wf_buf_consume(&ws->message, count);
    if (have == 0)
        message_end(ws);
    return (int)count;
}

ssize_t weft_ws_read(weft_ws *ws, void *buf, size_t bytes)
{
    WEFT_TRY(wf_ws_enter(ws));
    return wf_ws_leave(ws, read_some(ws, buf, bytes < INT32_MAX ? bytes : INT32_MAX));
}

/* ---- iteration ---- */

static int messages(weft_gen *self, void *arg)
{
    weft_ws *ws = *(weft_ws **)arg;
    weft_ws_message message;
    int rc;
    while ((rc = weft_ws_receive(ws, &message)) > 0)
        WEFT_TRY(weft_gen_yield(self, &message));
    return rc;
}

weft_gen *weft_ws_messages(weft_ws *ws)
{
    return weft_gen_open_sized(messages, &ws, sizeof(ws));
}
