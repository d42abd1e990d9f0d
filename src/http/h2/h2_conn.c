/* SPDX-License-Identifier: MIT */

/* A connection of HTTP/2: between the stream's callbacks and nghttp2's session. */

#include "http/h2/h2_priv.h"

#include "base/alloc.h"

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

/* One frame.  1; 0: the stream has no room, it is held back; or a failure. */
static int h2_put(struct wf_h2 *h2, const uint8_t *bytes, size_t count)
{
    int rc = weft_stream_put(h2->conn->stream, bytes, count);
    if (rc == -EAGAIN) {
        rc = wf_buf_append(&h2->held, bytes, count);
        return rc < 0 ? rc : 0;
    }
    h2->conn->server->stats.bytes_sent += rc == 0 ? count : 0;
    return rc < 0 ? rc : 1;
}

static int h2_put_held(struct wf_h2 *h2)
{
    size_t count = wf_buf_bytes(&h2->held);
    if (count == 0)
        return 1;
    int rc = weft_stream_put(h2->conn->stream, wf_buf_ptr(&h2->held), count);
    if (rc == -EAGAIN)
        return 0;
    h2->conn->server->stats.bytes_sent += rc == 0 ? count : 0;
    wf_buf_fini(&h2->held);
    return rc < 0 ? rc : 1;
}

static int h2_send(struct wf_h2 *h2)
{
    int rc = h2_put_held(h2);
    while (rc > 0) {
        const uint8_t *bytes;
        ssize_t count = nghttp2_session_mem_send(h2->session, &bytes);
        if (count <= 0)
            return (int)count;
        rc = h2_put(h2, bytes, (size_t)count);
    }
    return rc;
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

static void h2_receive(struct wf_h2 *h2, weft_str input)
{
    if (!wf_h2_count_frames(h2, input)) {
        weft_stream_consume(h2->conn->stream, input.len);
        h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
        return;
    }
    h2->is_receiving = true;
    ssize_t count = nghttp2_session_mem_recv(h2->session, (const uint8_t *)input.ptr, input.len);
    h2->is_receiving = false;
    weft_stream_consume(h2->conn->stream, input.len);
    if (count < 0)
        h2_terminate(h2, h2_code_of(h2, count));
    else if (h2_is_flooded(h2))
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
    if (now >= h2->block_deadline) {
        h2->block_deadline = WEFT_FOREVER;
        conn->server->stats.timeouts++;
        h2_terminate(h2, NGHTTP2_ENHANCE_YOUR_CALM);
    }
    if (now >= h2->drain_deadline)
        h2_say_last(h2);
    if (now >= conn->deadline && h2->exchange_count == 0) {
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
    wf_h2_arm(h2, h2->block_deadline);
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

/* nghttp2's memory is ours: each call a fault point.  wf_grow: it asks for no zeroes. */

static void *mem_malloc(size_t bytes, void *arg)
{
    (void)arg;
    return wf_grow(NULL, bytes, 1);
}

static void *mem_calloc(size_t count, size_t bytes, void *arg)
{
    (void)arg;
    return wf_array(count, bytes);
}

static void *mem_realloc(void *ptr, size_t bytes, void *arg)
{
    (void)arg;
    return wf_grow(ptr, bytes, 1);
}

static void mem_free(void *ptr, void *arg)
{
    (void)arg;
    wf_free(ptr);
}

static void h2_set_options(nghttp2_option *option, const weft_http_limits *limits)
{
    nghttp2_option_set_no_auto_window_update(option, 1);
    nghttp2_option_set_max_outbound_ack(option, limits->h2_control_count_max);
    nghttp2_option_set_max_deflate_dynamic_table_size(option, limits->h2_table_bytes_max);
    for (unsigned type = WF_H2_TYPE_UNKNOWN; type <= UINT8_MAX; type++) /* so that we are told */
        nghttp2_option_set_user_recv_extension_type(option, (uint8_t)type);
        /* Counted here, with a GOAWAY that says why. */
#if WF_NGHTTP2_HAS_RESET_LIMIT
    nghttp2_option_set_stream_reset_rate_limit(option, UINT32_MAX, UINT32_MAX);
#endif
#if WF_NGHTTP2_HAS_CONTINUATION_LIMIT
    nghttp2_option_set_max_continuations(option, UINT32_MAX);
#endif
}

static int h2_open_session(struct wf_h2 *h2)
{
    static nghttp2_mem mem = {NULL, mem_malloc, mem_free, mem_calloc, mem_realloc};
    nghttp2_session_callbacks *callbacks = NULL;
    nghttp2_option *option = NULL;
    int rc = nghttp2_session_callbacks_new(&callbacks);
    if (rc == 0)
        rc = nghttp2_option_new(&option);
    if (rc == 0) {
        h2_set_options(option, &h2->conn->server->limits);
        wf_h2_set_receive_callbacks(callbacks);
        wf_h2_set_send_callbacks(callbacks);
        rc = nghttp2_session_server_new3(&h2->session, callbacks, h2, option, &mem);
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

int wf_h2_start(struct wf_conn *conn)
{
    struct wf_h2 *h2 = wf_alloc(sizeof *h2);
    if (h2 == NULL)
        return -ENOMEM;
    h2->conn = conn;
    h2->frames.left = WF_H2_PREFACE_BYTES;
    h2->armed = h2->block_deadline = h2->drain_deadline = WEFT_FOREVER;
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
