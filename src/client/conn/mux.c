/* SPDX-License-Identifier: MIT */

/* A connection of HTTP/2: between the stream's callbacks and nghttp2's session. */

#include "client/conn/mux.h"

#include <weft/error.h>

#include "base/alloc.h"
#include "h2/session.h"

#include <stdio.h>

/* ---- the end ---- */

/* The stream is nobody's any more: `end` is how it goes, with a GOAWAY yet to be sent; NULL: at
 * once. */
static void drop_stream(struct wf_mux *mux, void (*end)(weft_stream *stream))
{
    weft_stream *stream = mux->conn->stream;
    mux->conn->stream = NULL;
    weft_stream_set_deadline(stream, WEFT_FOREVER);
    if (end != NULL) {
        wf_farewell_begin(mux->client, mux->farewell, stream, mux->home, end);
        mux->farewell = NULL;
        return;
    }
    weft_stream_set_kind(stream, mux->home);
    weft_stream_abort(stream);
}

static void stop_opening(struct wf_mux *mux, uint32_t room)
{
    if (!mux->is_opening)
        return;
    mux->is_opening = false;
    wf_conn_opened(mux->conn->origin, room);
}

/* Exchanges end with `rc`.  A server that has got a GOAWAY from us is to see it, whatever it still
 * sends. */
static void mux_die(struct wf_mux *mux, int rc)
{
    if (mux->is_dead)
        return;
    mux->is_dead = true;
    wf_mux_close_door(mux);
    drop_stream(mux, mux->code != NGHTTP2_NO_ERROR ? weft_stream_end : NULL);
    stop_opening(mux, 0);
    wf_list_each (link, &mux->exchanges) {
        struct weft_exchange *exchange = wf_container(link, struct weft_exchange, stream.in_mux);
        wf_mux_stream_closed(exchange, rc);
    }
}

void wf_mux_enter(struct wf_mux *mux)
{
    mux->user_count++;
}

void wf_mux_leave(struct wf_mux *mux)
{
    if (--mux->user_count == 0 && mux->is_dead && wf_list_is_empty(&mux->exchanges))
        wf_conn_cut(mux->client, mux->conn);
}

void wf_mux_free(struct wf_mux *mux)
{
    if (mux == NULL)
        return;
    if (!mux->is_dead) {
        (void)nghttp2_session_terminate_session(mux->session, NGHTTP2_NO_ERROR);
        int rc = wf_h2_send(mux->session, mux->conn->stream, &mux->held, &mux->sent_bytes);
        drop_stream(mux, rc == 0 ? weft_stream_finish : NULL);
        stop_opening(mux, 0);
    }
    nghttp2_session_del(mux->session);
    wf_h2_block_fini(&mux->block);
    wf_buf_fini(&mux->held);
    wf_free(mux->farewell);
    wf_free(mux);
}

void wf_mux_close_door(struct wf_mux *mux)
{
    mux->is_closing = true;
    wf_conn_close_door(mux->conn);
}

int wf_mux_stop(struct wf_mux *mux, uint32_t code)
{
    if (mux->code == NGHTTP2_NO_ERROR)
        mux->code = code;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---- sending ---- */

/* What our GOAWAY means to the exchanges. */
static int rc_of_code(uint32_t code)
{
    switch (code) {
    case NGHTTP2_NO_ERROR:
        return -WEFT_ETRUNCATED;
    case NGHTTP2_ENHANCE_YOUR_CALM:
        return -WEFT_ELIMIT;
    case NGHTTP2_INTERNAL_ERROR:
        return -ENOMEM;
    default:
        return -WEFT_ESYNTAX;
    }
}

static int mux_send(struct wf_mux *mux)
{
    mux->is_sending = true;
    int rc = wf_h2_send(mux->session, mux->conn->stream, &mux->held, &mux->sent_bytes);
    mux->is_sending = false;
    if (rc != NGHTTP2_ERR_NOMEM && rc != NGHTTP2_ERR_CALLBACK_FAILURE)
        return rc;
    int broken = weft_stream_get_error(mux->conn->stream);
    return broken < 0 ? broken : -ENOMEM;
}

/* GOAWAY, as far as it can be sent, and the end. */
static void mux_terminate(struct wf_mux *mux, uint32_t code)
{
    mux->code = code;
    (void)nghttp2_session_terminate_session(mux->session, code);
    (void)mux_send(mux);
    mux_die(mux, rc_of_code(code));
}

static bool mux_has_ended(const struct wf_mux *mux)
{
    return !nghttp2_session_want_read(mux->session) && !nghttp2_session_want_write(mux->session) &&
           wf_buf_bytes(&mux->held) == 0;
}

void wf_mux_push(struct wf_mux *mux)
{
    if (mux->is_receiving || mux->is_sending || mux->is_dead)
        return;
    int rc = mux_send(mux);
    if (rc < 0 && mux->code != NGHTTP2_NO_ERROR)
        mux_terminate(mux, mux->code);
    else if (rc < 0 || mux->is_failing)
        mux_die(mux, mux->is_failing ? -ENOMEM : rc);
    else if (mux_has_ended(mux))
        mux_die(mux, rc_of_code(mux->code));
}

static struct wf_mux *mux_of(const weft_stream *stream)
{
    return wf_container(weft_stream_get_kind(stream), struct wf_mux, kind);
}

static void mux_output(weft_stream *stream)
{
    struct wf_mux *mux = mux_of(stream);
    wf_mux_enter(mux);
    wf_mux_push(mux);
    wf_mux_leave(mux);
}

/* ---- receiving ---- */

/* From a header block's first byte to its last: nothing else comes meanwhile. */
#define BLOCK_TIME (10 * WEFT_SEC)

static weft_time block_deadline(const struct wf_mux *mux)
{
    return wf_h2_flood_block_deadline(&mux->flood, BLOCK_TIME);
}

/* More frames than this wait for a server that takes none: it only makes us remember. */
static bool mux_is_flooded(const struct wf_mux *mux)
{
    const weft_client_limits *limits = &mux->client->options.limits;
    return nghttp2_session_get_outbound_queue_size(mux->session) >
           (size_t)limits->h2_control_count_max + limits->h2_stream_count_max;
}

static uint32_t code_of(const struct wf_mux *mux, ssize_t rc)
{
    if (mux->code != NGHTTP2_NO_ERROR)
        return mux->code;
    if (rc == NGHTTP2_ERR_FLOODED)
        return NGHTTP2_ENHANCE_YOUR_CALM;
    return rc == NGHTTP2_ERR_NOMEM ? NGHTTP2_INTERNAL_ERROR : NGHTTP2_PROTOCOL_ERROR;
}

static void mux_receive(struct wf_mux *mux, weft_str input)
{
    mux->heard_at = wf_mux_now(mux);
    if (wf_h2_flood_count(&mux->flood, mux->heard_at, input) < input.len) {
        mux_terminate(mux, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    if (block_deadline(mux) != WEFT_FOREVER)
        wf_mux_arm(mux);
    mux->is_receiving = true;
    ssize_t count = nghttp2_session_mem_recv(mux->session, (const uint8_t *)input.ptr, input.len);
    mux->is_receiving = false;
    weft_stream_consume(mux->conn->stream, input.len);
    if (count < 0)
        mux_terminate(mux, code_of(mux, count));
    else if (mux_is_flooded(mux))
        mux_terminate(mux, NGHTTP2_ENHANCE_YOUR_CALM);
    else
        wf_mux_push(mux);
}

static void mux_input(weft_stream *stream)
{
    struct wf_mux *mux = mux_of(stream);
    int rc = weft_stream_get_error(stream);
    weft_str input = weft_stream_get_input(stream);
    wf_mux_enter(mux);
    if (rc < 0) {
        snprintf(mux->why, sizeof mux->why, "%s", weft_stream_get_error_text(stream));
        mux_die(mux, rc);
    } else if (input.len != 0) {
        mux_receive(mux, input);
    }
    bool is_of_use = !mux->is_closing || !wf_list_is_empty(&mux->exchanges);
    if (!mux->is_dead && (!is_of_use || weft_stream_is_ended(stream)))
        mux_die(mux, -WEFT_ETRUNCATED);
    wf_mux_leave(mux);
}

/* ---- time ---- */

static weft_time later(weft_time at, weft_time duration)
{
    return duration < WEFT_FOREVER - at ? at + duration : WEFT_FOREVER;
}

/* When the silence of a server that owes answers is too long. */
static weft_time silence_deadline(const struct wf_mux *mux)
{
    if (wf_list_is_empty(&mux->exchanges))
        return WEFT_FOREVER;
    weft_time since = mux->asked_at != WEFT_FOREVER ? mux->asked_at : mux->heard_at;
    return later(since, mux->client->options.limits.h2_silence_max);
}

void wf_mux_arm(struct wf_mux *mux)
{
    weft_time at = silence_deadline(mux), block_at = block_deadline(mux);
    weft_stream_set_deadline(mux->conn->stream, at < block_at ? at : block_at);
}

static bool takes_too_slowly(struct wf_mux *mux, weft_time now)
{
    const struct wf_pace_limits limits = wf_client_pace_limits(mux->client);
    return wf_pace_is_too_slow(&mux->pace, &limits, now, weft_stream_get_acked(mux->conn->stream));
}

/* What a server that reads at all takes at once, and can answer a PING behind. */
#define AT_ONCE 16384

/* A PING of now stands behind a body: much waits, or went out since the last one that did, so that
 * the server may have it and not have read it. */
static void mux_ask(struct wf_mux *mux, weft_time now)
{
    const weft_stream *stream = mux->conn->stream;
    uint64_t to = weft_stream_get_sent(stream) + weft_stream_get_unsent(stream);
    (void)takes_too_slowly(mux, now);
    mux->is_ask_behind =
        to - mux->pace.taken > AT_ONCE || (mux->is_ask_behind && to - mux->asked_to > AT_ONCE);
    mux->asked_at = now;
    mux->asked_to = to;
    mux->is_failing |= nghttp2_submit_ping(mux->session, NGHTTP2_FLAG_NONE, NULL) < 0;
    wf_mux_push(mux);
}

/* The server is still taking that body, or has yet to read the rest: its kernel may have half a
 * minute's worth. */
static bool ask_waits(struct wf_mux *mux, weft_time now)
{
    if (!mux->is_ask_behind || takes_too_slowly(mux, now))
        return false;
    mux->asked_at = now;
    return true;
}

/* The server does not answer the PING; or none was sent yet. */
static void mux_is_silent(struct wf_mux *mux, weft_time now)
{
    if (mux->asked_at == WEFT_FOREVER)
        mux_ask(mux, now);
    else if (!ask_waits(mux, now))
        mux_die(mux, -ETIMEDOUT);
}

static void mux_expired(weft_stream *stream)
{
    struct wf_mux *mux = mux_of(stream);
    weft_time now = weft_loop_now(mux->client->loop);
    wf_mux_enter(mux);
    if (now >= block_deadline(mux))
        mux_terminate(mux, NGHTTP2_ENHANCE_YOUR_CALM);
    else if (now >= silence_deadline(mux))
        mux_is_silent(mux, now);
    if (!mux->is_dead)
        wf_mux_arm(mux);
    wf_mux_leave(mux);
}

/* ---- places ---- */

static uint32_t mux_room(const struct wf_mux *mux)
{
    uint32_t ours = mux->client->options.limits.h2_stream_count_max;
    uint32_t theirs =
        nghttp2_session_get_remote_settings(mux->session, NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS);
    return ours < theirs ? ours : theirs;
}

void wf_mux_settle(struct wf_mux *mux)
{
    uint32_t room = mux_room(mux);
    stop_opening(mux, room != 0 ? room : 1);
}

/* Until its SETTINGS say more, a server is asked for one thing, whatever it will say. */
static bool has_room(const struct wf_mux *mux)
{
    return mux->is_opening ? mux->place_count == 0 : mux->place_count < mux_room(mux);
}

bool wf_mux_join(struct wf_mux *mux, struct weft_exchange *exchange)
{
    if (mux->is_closing || weft_stream_has_hung_up(mux->conn->stream) ||
        nghttp2_session_check_request_allowed(mux->session) == 0 || !has_room(mux))
        return false;
    exchange->stream = (struct mux_stream){0};
    if (wf_list_is_empty(&mux->exchanges))
        mux->heard_at = wf_mux_now(mux);
    wf_list_append(&mux->exchanges, &exchange->stream.in_mux);
    mux->place_count++;
    wf_mux_arm(mux);
    return true;
}

/* ---- the beginning ---- */

static int open_session(struct wf_mux *mux)
{
    const weft_client_limits *limits = &mux->client->options.limits;
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int rc = nghttp2_session_callbacks_new(&callbacks);
    if (rc == 0)
        rc = wf_h2_option_new(&option, limits->h2_control_count_max, limits->h2_table_bytes_max);
    if (rc == 0) {
        wf_mux_set_receive_callbacks(callbacks);
        wf_mux_set_send_callbacks(callbacks);
        rc = nghttp2_session_client_new3(&mux->session, callbacks, mux, option, &wf_h2_mem);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return rc == 0 ? 0 : -ENOMEM;
}

static int say_settings(struct wf_mux *mux)
{
    const weft_client_limits *limits = &mux->client->options.limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_ENABLE_PUSH, 0},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_bytes_max},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits->h2_table_bytes_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->h2_stream_window},
    };
    int rc = nghttp2_submit_settings(mux->session, NGHTTP2_FLAG_NONE, settings,
                                     sizeof settings / sizeof settings[0]);
    if (rc == 0)
        rc = nghttp2_session_set_local_window_size(mux->session, NGHTTP2_FLAG_NONE, 0,
                                                   (int32_t)limits->h2_window);
    return rc == 0 ? 0 : -ENOMEM;
}

static void limit_floods(struct wf_mux *mux)
{
    const weft_client_limits *limits = &mux->client->options.limits;
    const struct wf_h2_flood_limits flood = {
        .resets = {limits->h2_reset_burst, limits->h2_reset_rate},
        .odd = {limits->h2_odd_burst, limits->h2_odd_rate},
        .continuation_count_max = limits->h2_continuation_count_max,
    };
    wf_h2_flood_init(&mux->flood, &flood, /* preface_bytes= */ 0);
}

static int mux_new(struct wf_mux **out, weft_client *client)
{
    struct wf_mux *mux = wf_alloc(sizeof *mux);
    if (mux == NULL)
        return -ENOMEM;
    *mux = (struct wf_mux){
        .client = client,
        .asked_at = WEFT_FOREVER,
        .is_opening = true,
        .farewell = wf_farewell_new(),
        .kind = {.input = mux_input, .output = mux_output, .expired = mux_expired},
    };
    wf_list_init(&mux->exchanges);
    limit_floods(mux);
    int rc = mux->farewell != NULL ? open_session(mux) : -ENOMEM;
    if (rc == 0)
        rc = say_settings(mux);
    if (rc < 0) {
        nghttp2_session_del(mux->session);
        wf_free(mux->farewell);
        wf_free(mux);
        return rc;
    }
    *out = mux;
    return 0;
}

int wf_mux_open(weft_client *client, struct conn *conn)
{
    struct wf_mux *mux;
    WEFT_TRY(mux_new(&mux, client));
    mux->conn = conn;
    mux->home = weft_stream_get_kind(conn->stream);
    mux->heard_at = wf_mux_now(mux);
    conn->mux = mux;
    wf_list_append(&conn->origin->shared, &conn->in_origin);
    weft_stream_set_kind(conn->stream, &mux->kind);
    return 0;
}

bool wf_mux_is_there(void)
{
    return true;
}
