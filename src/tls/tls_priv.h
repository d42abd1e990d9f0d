/* SPDX-License-Identifier: MIT */

/*
 * TLS's records.
 *
 *     weft_tls      what the user configured; has the newest
 *     wf_tls_set    what was made of it: a context a certificate.  A connection keeps the contexts
 *                   it began with, so a reload does not touch it
 *     wf_tls_conn   a connection: a filter of its stream
 */
#ifndef WF_TLS_PRIV_H
#define WF_TLS_PRIV_H

#include <weft/error.h>
#include <weft/sys/filter.h>
#include <weft/tls.h>

#include <openssl/ssl.h>

#include "base/list.h"

#define WF_TLS_CERTS_MAX 64
#define WF_TLS_SESSIONS_MAX 256 /* a client keeps, of the names asked last */
#define WF_TLS_NAME_BYTES 256

#define WF_TLS_DIGEST_BYTES 32

struct wf_tls_set {
    SSL_CTX *contexts[WF_TLS_CERTS_MAX];
    size_t count; /* at least one */
    unsigned char
        trust_digest[WF_TLS_DIGEST_BYTES]; /* digest of options.trust; zero: there is none */
};

/* What a client may resume. */
struct wf_tls_session {
    wf_list link; /* the one used longest ago is first */
    SSL_SESSION *session;
    char name[WF_TLS_NAME_BYTES];
};

/* "h2,http/1.1" as it is on the wire: each name behind its length. */
struct wf_tls_alpn {
    unsigned char wire[256];
    unsigned bytes;
};

struct weft_tls {
    bool is_server;
    uint32_t user_count; /* the owner and the connections */
    weft_tls_options options;
    weft_tls_cert certs[WF_TLS_CERTS_MAX]; /* our copies of the options' texts */
    char *trust, *key_log;
    struct wf_tls_alpn alpn;
    int key_log_fd; /* -1: none */
    struct wf_tls_set set;
    wf_list sessions;
    uint32_t session_count;
};

enum wf_tls_state { WF_TLS_SHAKING, WF_TLS_READY, WF_TLS_ENDED, WF_TLS_FAILED };

struct wf_tls_conn {
    weft_tls *tls;
    weft_filter *filter;
    SSL *ssl;
    weft_timer timer;  /* the handshake's end */
    uint8_t state;     /* enum wf_tls_state */
    const char *input; /* what has come and OpenSSL has not taken; inside `received` only */
    size_t input_bytes;
    int rc;             /* of memory, inside a call of OpenSSL's */
    uint32_t odd_count; /* key updates, alerts and the like lately */
    weft_time odd_since;
    char name[WF_TLS_NAME_BYTES];     /* the peer's, as the user or the client said it */
    char text[WEFT_ERROR_TEXT_BYTES]; /* the failure */
};

/* ---- context.c ---- */

/* `names` may be NULL: none.  0 or -EINVAL with a text. */
int wf_tls_alpn_write(const char *names, struct wf_tls_alpn *out);

void wf_tls_ref(weft_tls *tls);
void wf_tls_unref(weft_tls *tls);

/* ---- contexts of a set (set.c) ---- */

/* Reads the files and makes the contexts. */
WEFT_WAITS int wf_tls_set_make(weft_tls *tls, struct wf_tls_set *out);
void wf_tls_set_free(struct wf_tls_set *set);

/* ---- conn.c ---- */

/* Puts TLS on the stream; the handshake begins at the end of the turn. */
int wf_tls_conn_open(weft_tls *tls, weft_stream *stream, const char *name);

struct wf_tls_conn *wf_tls_conn_of(const weft_stream *stream);
struct wf_tls_conn *wf_tls_conn_of_ssl(const SSL *ssl);

/* ---- bio.c ---- */

/* Connects OpenSSL's ends to the stream's bytes. */
int wf_tls_bio_attach(struct wf_tls_conn *conn);

/* ---- trust.c ---- */

/* Sets up how certificates are verified, on a context and on a connection. */
int wf_tls_trust_context(const weft_tls *tls, SSL_CTX *context, const char *trust_pem);
int wf_tls_trust_peer(struct wf_tls_conn *conn);

/* ---- say.c ---- */

/* Writes into conn->text what OpenSSL's last failure was, and returns the code for it. */
int wf_tls_say_failed(struct wf_tls_conn *conn, int ssl_error);

/* OpenSSL has read no further certificate out of a text: there is none, rather than one that it
 * cannot read.  Takes note of its failure. */
bool wf_tls_pem_is_over(void);

/* ---- session.c ---- */

void wf_tls_session_keep(weft_tls *tls, const char *name, SSL_SESSION *session);
void wf_tls_session_offer(struct wf_tls_conn *conn);
void wf_tls_session_forget_all(weft_tls *tls);

#endif
