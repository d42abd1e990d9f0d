/* SPDX-License-Identifier: MIT */

/* The public calls on streams. */

#include "tls/tls_priv.h"

#include <weft/task.h>

#include <stdio.h>
#include <string.h>

/* ---- starting ---- */

int weft_tls_start_client(weft_tls *tls, weft_stream *stream, const char *name)
{
    if (tls->is_server || name == NULL || name[0] == '\0')
        return weft_fail(-EINVAL, "tls: a client's settings and the server's name are needed");
    return wf_tls_conn_open(tls, stream, name);
}

int weft_tls_start_server(weft_tls *tls, weft_stream *stream)
{
    if (!tls->is_server)
        return weft_fail(-EINVAL, "tls: a server's settings are needed");
    return wf_tls_conn_open(tls, stream, "");
}

static int wait_until_ready(weft_stream *stream)
{
    struct wf_tls_conn *conn = wf_tls_conn_of(stream);
    int rc = 0;
    while (rc == 0 && conn->state == WF_TLS_SHAKING)
        rc = weft_filter_wait(conn->filter);
    return rc;
}

/* "localhost:8443" */
static void where_text(const weft_stream *stream, const char *name, char *out, size_t out_bytes)
{
    weft_addr peer;
    bool is_v6 = strchr(name, ':') != NULL;
    int port = weft_stream_get_peer(stream, &peer) == 0 ? weft_addr_get_port(&peer) : -1;
    int used = snprintf(out, out_bytes, "%s%.100s%s", is_v6 ? "[" : "", name, is_v6 ? "]" : "");
    if (port > 0)
        snprintf(out + used, out_bytes - (size_t)used, ":%d", port);
}

static const char *text_plain(const char *text)
{
    static const char prefix[] = "tls: ";
    return strncmp(text, prefix, sizeof prefix - 1) == 0 ? text + sizeof prefix - 1 : text;
}

/* The handshake of a client, and whose it was if it fails.  Where to is asked before: a connection
 * that is reset has no peer. */
static int shake_with(weft_stream *stream, const char *name)
{
    char where[128];
    where_text(stream, name, where, sizeof where);
    int rc = wait_until_ready(stream);
    if (rc == 0 || rc != weft_stream_get_error(stream))
        return rc;
    const char *text = weft_stream_get_error_text(stream); /* its own, not an earlier stream's */
    return weft_fail(rc, "TLS handshake with %s: %s", where,
                     text[0] != '\0' ? text_plain(text) : weft_strerror(rc));
}

int weft_tls_connect(weft_tls *tls, weft_stream *stream, const char *name)
{
    int rc = weft_tls_start_client(tls, stream, name);
    return rc < 0 ? rc : shake_with(stream, name);
}

int weft_tls_connect_as(weft_tls *tls, weft_stream *stream, const char *name, const char *alpn)
{
    struct wf_tls_alpn names;
    WEFT_TRY(wf_tls_alpn_write(alpn, &names));
    WEFT_TRY(weft_tls_start_client(tls, stream, name));
    SSL *ssl = wf_tls_conn_of(stream)->ssl; /* which begins at the end of the turn */
    if (SSL_set_alpn_protos(ssl, names.wire, names.bytes) != 0)
        return -ENOMEM;
    return shake_with(stream, name);
}

int weft_tls_accept(weft_tls *tls, weft_stream *stream)
{
    int rc = weft_tls_start_server(tls, stream);
    return rc < 0 ? rc : wait_until_ready(stream);
}

/* ---- what was agreed on ---- */

static void subject_text(X509 *cert, char *out, size_t out_bytes)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    out[0] = '\0';
    if (text != NULL &&
        X509_NAME_print_ex(text, X509_get_subject_name(cert), 0, XN_FLAG_RFC2253) >= 0) {
        long count = BIO_get_mem_data(text, &bytes);
        if (count > 0)
            snprintf(out, out_bytes, "%.*s", (int)count, bytes);
    }
    BIO_free(text);
}

int weft_tls_info_get(const weft_stream *stream, weft_tls_info *out)
{
    const struct wf_tls_conn *conn = wf_tls_conn_of(stream);
    const unsigned char *protocol;
    unsigned bytes;
    if (conn == NULL)
        return -ENOTCONN;
    if (conn->state == WF_TLS_SHAKING || conn->state == WF_TLS_FAILED)
        return conn->state == WF_TLS_SHAKING ? -EAGAIN : -ENOTCONN;
    SSL_get0_alpn_selected(conn->ssl, &protocol, &bytes);
    X509 *cert = SSL_get0_peer_certificate(conn->ssl);
    *out = (weft_tls_info){
        .version = SSL_get_version(conn->ssl),
        .cipher = SSL_get_cipher_name(conn->ssl),
        .name = conn->name,
        .protocol = {(const char *)protocol, bytes},
        .is_resumed = SSL_session_reused(conn->ssl) == 1,
        .has_peer_cert = cert != NULL && SSL_get_verify_mode(conn->ssl) != SSL_VERIFY_NONE,
    };
    if (cert != NULL)
        subject_text(cert, out->peer_subject, sizeof out->peer_subject);
    return 0;
}
