/* SPDX-License-Identifier: MIT */

/*
 * A connection: OpenSSL between a stream's socket and its user.
 *
 * Everything that comes is decrypted at once and handed on, so OpenSSL holds back no more than a
 * part of a record, and the stream's marks do their work on plain bytes.
 */

#include "tls/tls_priv.h"

#include "base/sys.h"

#include <assert.h>
#include <openssl/err.h>
#include <stdio.h>
#include <string.h>

#define RECORD_BYTES_MAX 16384
#define ODD_MAX 32u /* key updates, alerts and the like ... */
#define ODD_TIME (10 * WEFT_SEC)

static struct wf_tls_conn *conn_of(const weft_filter *filter)
{
    return weft_filter_get_user(filter);
}

static int conn_fail(struct wf_tls_conn *conn, int rc, const char *text)
{
    conn->state = WF_TLS_FAILED;
    if (conn->text[0] == '\0')
        snprintf(conn->text, sizeof conn->text, "tls: %.*s", (int)sizeof conn->text - 8, text);
    return rc;
}

/* Turns the result of a call of OpenSSL into ours.  0: it wants more bytes, or is done; else a
 * failure, after which OpenSSL must not be called any more for this connection. */
static int conn_result(struct wf_tls_conn *conn, int result)
{
    int error = SSL_get_error(conn->ssl, result);
    if (conn->rc < 0)
        return conn_fail(conn, conn->rc, "no memory to send");
    switch (error) {
    case SSL_ERROR_NONE:
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
    case SSL_ERROR_ZERO_RETURN:
        return 0;
    default:
        conn->state = WF_TLS_FAILED;
        return wf_tls_say_failed(conn, error);
    }
}

/* ---- the handshake ---- */

static void conn_shaken(struct wf_tls_conn *conn)
{
    conn->state = WF_TLS_READY;
    weft_timer_stop(weft_stream_get_loop(weft_filter_get_stream(conn->filter)), &conn->timer);
    if (conn->tls->is_server) {
        const char *name = SSL_get_servername(conn->ssl, TLSEXT_NAMETYPE_host_name);
        snprintf(conn->name, sizeof conn->name, "%s", name != NULL ? name : "");
    }
    weft_filter_push(conn->filter);
}

static int conn_shake(struct wf_tls_conn *conn)
{
    ERR_clear_error();
    int result = SSL_do_handshake(conn->ssl);
    if (result == 1) {
        conn_shaken(conn);
        return 0;
    }
    return conn_result(conn, result);
}

static void conn_timer(weft_timer *timer)
{
    struct wf_tls_conn *conn = wf_container(timer, struct wf_tls_conn, timer);
    char text[64];
    snprintf(text, sizeof text, "it took more than %.3g s (handshake_max)",
             (double)conn->tls->options.handshake_max / (double)WEFT_SEC);
    weft_filter_fail(conn->filter, conn_fail(conn, -ETIMEDOUT, text));
}

static int conn_start(weft_filter *filter)
{
    struct wf_tls_conn *conn = conn_of(filter);
    return conn->tls->is_server ? 0 : conn_shake(conn);
}

/* ---- bytes in ---- */

static int conn_read(struct wf_tls_conn *conn)
{
    char plain[RECORD_BYTES_MAX];
    for (;;) {
        ERR_clear_error();
        int count = SSL_read(conn->ssl, plain, sizeof plain);
        if (count <= 0) {
            int rc = conn_result(conn, count);
            if (rc == 0 && (SSL_get_shutdown(conn->ssl) & SSL_RECEIVED_SHUTDOWN) != 0) {
                conn->state = WF_TLS_ENDED;
                weft_filter_deliver_end(conn->filter);
            }
            return rc;
        }
        if (!weft_filter_deliver(conn->filter, plain, (size_t)count))
            return 0;
    }
}

static int conn_received(weft_filter *filter, const char *bytes, size_t count)
{
    struct wf_tls_conn *conn = conn_of(filter);
    int rc = 0;
    if (conn->state >= WF_TLS_ENDED)
        return 0; /* behind the end nothing counts */
    conn->input = bytes;
    conn->input_bytes = count;
    if (conn->state == WF_TLS_SHAKING)
        rc = conn_shake(conn);
    if (rc == 0 && conn->state == WF_TLS_READY)
        rc = conn_read(conn);
    conn->input = NULL;
    conn->input_bytes = 0;
    return rc;
}

static int conn_ended(weft_filter *filter)
{
    struct wf_tls_conn *conn = conn_of(filter);
    switch (conn->state) {
    case WF_TLS_SHAKING:
        return conn_fail(conn, -WEFT_ETRUNCATED, "the peer ended the connection in the handshake");
    case WF_TLS_READY:
        return conn_fail(conn, -WEFT_ETRUNCATED,
                         "the connection ended without the peer's announcing it: bytes may be "
                         "missing");
    default:
        return 0;
    }
}

/* ---- bytes out ---- */

static ssize_t conn_seal(weft_filter *filter, const char *bytes, size_t count)
{
    struct wf_tls_conn *conn = conn_of(filter);
    size_t taken = 0;
    if (conn->state == WF_TLS_SHAKING || conn->state == WF_TLS_FAILED)
        return 0;
    ERR_clear_error();
    int result = SSL_write_ex(conn->ssl, bytes, count, &taken);
    if (result == 1)
        return (ssize_t)taken;
    int rc = conn_result(conn, result);
    return rc < 0 ? rc : conn_fail(conn, -WEFT_ETLS, "it could not be sent");
}

static int conn_finish(weft_filter *filter)
{
    struct wf_tls_conn *conn = conn_of(filter);
    if (conn->state == WF_TLS_SHAKING || conn->state == WF_TLS_FAILED)
        return 0;
    ERR_clear_error();
    int result = SSL_shutdown(conn->ssl);
    return result < 0 ? conn_result(conn, result) : 0;
}

/* ---- what a peer may do too often ---- */

static void conn_count_odd(struct wf_tls_conn *conn)
{
    weft_time now = weft_loop_turn_time(weft_stream_get_loop(weft_filter_get_stream(conn->filter)));
    if (conn->odd_count == 0 || now - conn->odd_since >= ODD_TIME) {
        conn->odd_since = now;
        conn->odd_count = 0;
    }
    conn->odd_count++;
    if (conn->odd_count > ODD_MAX)
        conn->rc =
            conn_fail(conn, -WEFT_ELIMIT,
                      "over 32 key updates, tickets, alerts and the like of the peer in 10 s");
}

static void conn_saw(int is_ours, int version, int type, const void *bytes, size_t count, SSL *ssl,
                     void *arg)
{
    const struct wf_tls_conn *conn = arg;
    (void)version;
    (void)bytes;
    (void)ssl;
    if (is_ours || count == 0)
        return;
    /* After the handshake: a key update, a ticket, a request to renegotiate. */
    bool is_late = type == SSL3_RT_HANDSHAKE && conn->state != WF_TLS_SHAKING;
    if (is_late || type == SSL3_RT_ALERT)
        conn_count_odd(arg);
}

/* ---- its record ---- */

static void conn_stop(weft_filter *filter)
{
    struct wf_tls_conn *conn = conn_of(filter);
    weft_timer_stop(weft_stream_get_loop(weft_filter_get_stream(filter)), &conn->timer);
}

/* A connection that was cut off by us may be resumed, one that failed may not. */
static void conn_free(weft_filter *filter)
{
    struct wf_tls_conn *conn = conn_of(filter);
    if (conn->ssl != NULL && conn->state != WF_TLS_FAILED && conn->state != WF_TLS_SHAKING)
        SSL_set_shutdown(conn->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    SSL_free(conn->ssl);
    wf_tls_unref(conn->tls);
}

static weft_str conn_protocol(const weft_filter *filter)
{
    const unsigned char *name = NULL;
    unsigned bytes = 0;
    SSL_get0_alpn_selected(conn_of(filter)->ssl, &name, &bytes);
    return (weft_str){bytes != 0 ? (const char *)name : "", bytes};
}

static const char *conn_text(const weft_filter *filter)
{
    return conn_of(filter)->text;
}

static const weft_filter_class conn_class = {
    .start = conn_start,
    .received = conn_received,
    .ended = conn_ended,
    .seal = conn_seal,
    .finish = conn_finish,
    .stop = conn_stop,
    .free = conn_free,
    .text = conn_text,
    .protocol = conn_protocol,
    .user_bytes = sizeof(struct wf_tls_conn),
};

struct wf_tls_conn *wf_tls_conn_of(const weft_stream *stream)
{
    weft_filter *filter = weft_filter_of(stream, &conn_class);
    return filter != NULL ? conn_of(filter) : NULL;
}

struct wf_tls_conn *wf_tls_conn_of_ssl(const SSL *ssl)
{
    return SSL_get_app_data(ssl);
}

static int ssl_make(weft_tls *tls, SSL **out)
{
    SSL *ssl = SSL_new(tls->set.contexts[0]);
    if (ssl == NULL)
        return -ENOMEM;
    SSL_set_mode(ssl, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
    if (tls->is_server)
        SSL_set_accept_state(ssl);
    else
        SSL_set_connect_state(ssl);
    *out = ssl;
    return 0;
}

int wf_tls_conn_open(weft_tls *tls, weft_stream *stream, const char *name)
{
    weft_filter *filter;
    SSL *ssl;
    if (strlen(name) >= WF_TLS_NAME_BYTES)
        return weft_fail(-EINVAL, "tls: a name of over %d bytes", WF_TLS_NAME_BYTES - 1);
    int rc = ssl_make(tls, &ssl);
    if (rc < 0)
        return rc;
    rc = weft_filter_open(&filter, stream, &conn_class);
    if (rc < 0) {
        SSL_free(ssl);
        return rc;
    }
    struct wf_tls_conn *conn = conn_of(filter); /* from here on it is the stream's */
    wf_tls_ref(tls);
    conn->tls = tls;
    conn->filter = filter;
    conn->ssl = ssl;
    snprintf(conn->name, sizeof conn->name, "%s", name);
    SSL_set_app_data(ssl, conn);
    SSL_set_msg_callback(ssl, conn_saw);
    SSL_set_msg_callback_arg(ssl, conn);
    weft_timer_init(&conn->timer, conn_timer);
    weft_loop *loop = weft_stream_get_loop(stream);
    weft_timer_start(loop, &conn->timer, weft_loop_now(loop) + tls->options.handshake_max);
    rc = wf_tls_bio_attach(conn);
    if (rc == 0)
        rc = wf_tls_trust_peer(conn);
    if (rc == 0 && !tls->is_server)
        wf_tls_session_offer(conn);
    if (rc < 0)
        weft_filter_fail(filter, conn_fail(conn, rc, "no memory"));
    return rc;
}
