/* SPDX-License-Identifier: MIT */

/* A connection of HTTP/2: between the stream's callbacks and nghttp2's session. */

#include <weft/sys/stream.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "h2/session.h"
#include "http/h2/h2_priv.h"
#include "http/server/conn.h"
#include "http/server/server.h"

#include <string.h>

/* Between the GOAWAY that announces the end and the one that is it: until the client has answered a
 * PING, or this long. */
#define DRAIN_TIME WEFT_SEC

int wf_h2_stop(struct wf_h2 *h2, uint32_t code)
{
    if (h2->code == NGHTTP2_NO_ERROR)
        h2->code = code;
    return NGHTTP2_ERR_CALLBACK_FAILURE;
}

/* ---- the end ---- */

/* No stream is left, for nghttp2 or because the connection is no more: so are the exchanges. */
static void h2_drop_exchanges(struct wf_h2 *h2)
{
    wf_list_each_safe (link, &h2->exchanges) {
        weft_http_request *req = wf_container(link, weft_http_request, h2.link);
        wf_h2_exchange_closed(req, /* is_whole= */ false);
    }
}

static void h2_die(struct wf_h2 *h2, bool is_broken)
{
    h2->is_broken |= is_broken;
    if (h2->is_dead)
        return;
    h2->is_dead = true;
    h2_drop_exchanges(h2);
}

static bool h2_has_ended(const struct wf_h2 *h2)
{
    return !nghttp2_session_want_read(h2->session) && !nghttp2_session_want_write(h2->session) &&
           wf_buf_bytes(&h2->held) == 0;
}

static void h2_settle(struct wf_h2 *h2)
{
    struct wf_conn *conn = h2->conn;
    if (conn->state == WF_CONN_ENDING)
        return;
    if (!h2->is_dead && h2_has_ended(h2))
        h2_die(h2, /* is_broken= */ false);
    if (!h2->is_dead || h2->exchange_count != 0)
        return;
    if (h2->is_broken)
        wf_conn_abort(conn);
    else if (h2->is_draining)
        wf_conn_finish(conn);
    else
        wf_conn_end(conn);
}

/* ---- sending ---- */

static int h2_send(struct wf_h2 *h2)
{
    struct wf_conn *conn = h2->conn;
    return wf_h2_send(h2->session, conn->stream, &h2->held, &conn->server->stats.bytes_sent);
}

/* GOAWAY, as far as it can be sent, and no frame after it. */
static void h2_terminate(struct wf_h2 *h2, uint32_t code)
{
    h2->conn->server->stats.refused++;
    (void)nghttp2_session_terminate_session(h2->session, code);
    h2->is_sending = true;
    int rc = h2_send(h2);
    h2->is_sending = false;
    h2_die(h2, /* is_broken= */ rc < 0);
}

void wf_h2_push(struct wf_h2 *h2)
{
    if (h2->is_receiving || h2->is_sending)
        return;
    if (!h2->is_dead) {
        h2->is_sending = true;
        int rc = h2_send(h2);
        h2->is_sending = false;
        if (h2->code != NGHTTP2_NO_ERROR && !h2->is_dead)
            h2_terminate(h2, h2->code);
        else if (rc < 0 || h2->is_failing)
            h2_die(h2, /* is_broken= */ true);
    }
    h2_settle(h2);
}

void wf_h2_output(struct wf_conn *conn)
{
    wf_h2_push(conn->h2);
}

/* ---- receiving ---- */

/* More frames than this wait for a client that takes none: it only makes us remember. */
static bool h2_is_flooded(const struct wf_h2 *h2)
{
    const weft_http_limits *limits = &h2->conn->server->limits;
    return nghttp2_session_get_outbound_queue_size(h2->session) >
           (size_t)limits->h2_control_count_max + limits->h2_stream_count_max;
}

static uint32_t h2_code_of(const struct wf_h2 *h2, ssize_t rc)
{
    if (h2->code != NGHTTP2_NO_ERROR)
        return h2->code;
    if (rc == NGHTTP2_ERR_FLOODED)
        return NGHTTP2_ENHANCE_YOUR_CALM;
    return rc == NGHTTP2_ERR_BAD_CLIENT_MAGIC ? NGHTTP2_PROTOCOL_ERROR : NGHTTP2_INTERNAL_ERROR;
}

static weft_time h2_block_deadline(const struct wf_h2 *h2)
{
    return wf_h2_flood_block_deadline(&h2->flood, h2->conn->server->limits.head_time_max);
}

static void h2_receive(struct wf_h2 *h2, weft_str input)
{
    size_t fine = wf_h2_flood_count(&h2->flood, wf_h2_now(h2), input);
    wf_h2_arm(h2, h2_block_deadline(h2));
    h2->is_receiving = true;
    ssize_t count = nghttp2_session_mem_recv(h2->session, (const uint8_t *)input.ptr, fine);
    h2->is_receiving = false;
    weft_stream_consume(h2->conn->stream, input.len);
    if (count < 0)
        h2_terminate(h2, h2_code_of(h2, count));
    else if (fine < input.len || h2_is_flooded(h2))
        h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
}

/* The client has ended its half, or is gone.  Who still gets an answer has a little time. */
static void h2_ended(struct wf_h2 *h2)
{
    struct wf_conn *conn = h2->conn;
    if (h2->exchange_count == 0) {
        h2_die(h2, /* is_broken= */ false);
    } else if (conn->gone_deadline == WEFT_FOREVER) {
        conn->gone_deadline = wf_http_after(conn->server, conn->server->limits.half_close_grace);
        wf_h2_arm(h2, conn->gone_deadline);
    }
}

void wf_h2_input(struct wf_conn *conn)
{
    struct wf_h2 *h2 = conn->h2;
    weft_str input = weft_stream_get_input(conn->stream);
    if (weft_stream_get_error(conn->stream) < 0)
        h2_die(h2, /* is_broken= */ true);
    else if (h2->is_dead)
        weft_stream_consume(conn->stream, input.len);
    else if (input.len != 0)
        h2_receive(h2, input);
    if (!h2->is_dead && weft_stream_has_hung_up(conn->stream))
        h2_ended(h2);
    wf_h2_push(h2);
}

/* ---- deadlines ---- */

void wf_h2_arm(struct wf_h2 *h2, weft_time at)
{
    if (at >= h2->armed || h2->conn->state == WF_CONN_ENDING)
        return;
    h2->armed = at;
    weft_stream_set_deadline(h2->conn->stream, at);
}

static weft_time h2_expire_exchanges(struct wf_h2 *h2, weft_time now)
{
    weft_time next = WEFT_FOREVER;
    h2->is_receiving = true; /* nothing is sent, so no other exchange goes meanwhile */
    wf_list_each_safe (link, &h2->exchanges) {
        weft_http_request *req = wf_container(link, weft_http_request, h2.link);
        weft_time at = wf_h2_exchange_expire(req, now);
        next = at < next ? at : next;
    }
    h2->is_receiving = false;
    return next;
}

/* Says for good that the streams there are are the last. */
static void h2_say_last(struct wf_h2 *h2)
{
    h2->drain_deadline = WEFT_FOREVER;
    (void)nghttp2_submit_goaway(h2->session, NGHTTP2_FLAG_NONE,
                                nghttp2_session_get_last_proc_stream_id(h2->session),
                                NGHTTP2_NO_ERROR, NULL, 0);
}

static void h2_expire(struct wf_h2 *h2, weft_time now)
{
    struct wf_conn *conn = h2->conn;
    if (now >= conn->gone_deadline) {
        conn->gone_deadline = WEFT_FOREVER;
        h2_die(h2, /* is_broken= */ true);
    }
    if (!h2->is_dead && now >= h2_block_deadline(h2)) {
        conn->server->stats.timeouts++;
        h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if (now >= h2->drain_deadline)
        h2_say_last(h2);
    if (now < conn->deadline || h2->exchange_count != 0)
        return;
    if (wf_conn_is_reading(conn, now)) {
        conn->deadline = wf_http_later(now, conn->server->limits.keep_alive_max);
    } else {
        conn->deadline = WEFT_FOREVER;
        h2->is_draining = true;
        h2_say_last(h2);
    }
}

void wf_h2_expired(struct wf_conn *conn)
{
    struct wf_h2 *h2 = conn->h2;
    weft_time now = wf_h2_now(h2);
    h2->armed = WEFT_FOREVER;
    h2_expire(h2, now);
    wf_h2_arm(h2, h2_expire_exchanges(h2, now));
    wf_h2_arm(h2, conn->gone_deadline);
    if (!h2->is_dead)
        wf_h2_arm(h2, h2_block_deadline(h2));
    wf_h2_arm(h2, h2->drain_deadline);
    if (h2->exchange_count == 0)
        wf_h2_arm(h2, conn->deadline);
    wf_h2_push(h2);
}

/* ---- start and shutdown ---- */

void wf_h2_drain(struct wf_conn *conn)
{
    static const uint8_t last_call[8] = "drained";
    struct wf_h2 *h2 = conn->h2;
    if (h2->is_draining || h2->is_dead)
        return;
    h2->is_draining = true;
    int rc = nghttp2_submit_shutdown_notice(h2->session);
    if (rc == 0)
        rc = nghttp2_submit_ping(h2->session, NGHTTP2_FLAG_NONE, last_call);
    h2->drain_deadline = rc == 0 ? wf_http_after(conn->server, DRAIN_TIME) : wf_h2_now(h2);
    wf_h2_arm(h2, h2->drain_deadline);
    wf_h2_push(h2);
}

void wf_h2_abort(struct wf_conn *conn)
{
    h2_die(conn->h2, /* is_broken= */ true);
    h2_settle(conn->h2);
}

void wf_h2_free(struct wf_h2 *h2)
{
    if (h2 == NULL)
        return;
    nghttp2_session_del(h2->session);
    wf_h2_block_fini(&h2->block);
    wf_buf_fini(&h2->held);
    wf_free(h2->nva);
    wf_free(h2);
}

bool wf_h2_is_there(void)
{
    return true;
}

static int h2_open_session(struct wf_h2 *h2)
{
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    const weft_http_limits *limits = &h2->conn->server->limits;
    int rc = nghttp2_session_callbacks_new(&callbacks);
    if (rc == 0)
        rc = wf_h2_option_new(&option, limits->h2_control_count_max, limits->h2_table_bytes_max);
    if (rc == 0) {
        wf_h2_set_receive_callbacks(callbacks);
        wf_h2_set_send_callbacks(callbacks);
        rc = nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &wf_h2_mem);
    }
    nghttp2_option_del(option);
    nghttp2_session_callbacks_del(callbacks);
    return rc == 0 ? 0 : -ENOMEM;
}

static int h2_say_settings(struct wf_h2 *h2)
{
    const weft_http_limits *limits = &h2->conn->server->limits;
    const nghttp2_settings_entry settings[] = {
        {NGHTTP2_SETTINGS_MAX_CONCURRENT_STREAMS, limits->h2_stream_count_max},
        {NGHTTP2_SETTINGS_MAX_HEADER_LIST_SIZE, limits->head_bytes_max},
        {NGHTTP2_SETTINGS_HEADER_TABLE_SIZE, limits->h2_table_bytes_max},
        {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, limits->h2_stream_window},
    };
    int rc = nghttp2_submit_settings(h2->session, NGHTTP2_FLAG_NONE, settings,
                                     sizeof settings / sizeof settings[0]);
    if (rc == 0)
        rc = nghttp2_session_set_local_window_size(h2->session, NGHTTP2_FLAG_NONE, 0,
                                                   (int32_t)limits->h2_window);
    return rc == 0 ? 0 : -ENOMEM;
}

static void h2_limit_floods(struct wf_h2 *h2)
{
    const weft_http_limits *limits = &h2->conn->server->limits;
    const struct wf_h2_flood_limits flood = {
        .resets = {limits->h2_reset_burst, limits->h2_reset_rate},
        .odd = {limits->h2_odd_burst, limits->h2_odd_rate},
        .continuation_count_max = limits->h2_continuation_count_max,
    };
    wf_h2_flood_init(&h2->flood, &flood, WF_H2_PREFACE_BYTES);
}

int wf_h2_start(struct wf_conn *conn)
{
    struct wf_h2 *h2 = wf_alloc(sizeof *h2);
    if (h2 == NULL)
        return -ENOMEM;
    h2->conn = conn;
    h2_limit_floods(h2);
    h2->armed = h2->drain_deadline = WEFT_FOREVER;
    wf_list_init(&h2->exchanges);
    int rc = h2_open_session(h2);
    if (rc == 0)
        rc = h2_say_settings(h2);
    if (rc < 0) {
        if (h2->session != NULL)
            nghttp2_session_del(h2->session);
        wf_free(h2);
        return rc;
    }
    conn->h2 = h2;
    conn->transport = &wf_h2_transport;
    conn->state = WF_CONN_H2;
    conn->deadline = wf_http_after(conn->server, conn->server->limits.keep_alive_max);
    wf_h2_arm(h2, conn->deadline);
    return 0;
}
