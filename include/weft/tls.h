/* SPDX-License-Identifier: MIT */

/*
 * TLS: a stream whose bytes nobody on the way can read or change.
 *
 *     WEFT_TRY(weft_tls_client_new(&tls, NULL));             // once
 *     WEFT_TRY(weft_connect_host(&stream, "example.com", 443, NULL));
 *     WEFT_TRY(weft_tls_connect(tls, stream, "example.com"));
 *     ... the stream is used as before ...
 *
 * The stream stays the same object, and everything that takes a stream still takes it: reads,
 * writes, readers, the HTTP server.  If the connection ends without the peer's announcement
 * (close_notify), reading returns -WEFT_ETRUNCATED instead of the end.  weft_stream_shutdown() and
 * weft_stream_close() announce our end.
 *
 * TLS 1.2 and 1.3.  A client accepts only a certificate that a trusted authority has signed, that
 * has not expired, and that is for the name it asked for.  Renegotiation is refused, and early data
 * is off.  Failures are -WEFT_ETLS, with a text that says what went wrong: "TLS handshake with
 * example.com:443: the peer does not speak TLS".
 *
 * In simulation the system's certificates are not known, and time is the simulated one.  Keys are
 * truly random there too, so the bytes on the wire differ from run to run.
 *
 * Library: weft-tls.
 */
#ifndef WEFT_TLS_H
#define WEFT_TLS_H

#include <weft/net.h>

WEFT_BEGIN_DECLS

typedef struct weft_tls weft_tls;

/* A certificate, followed by the intermediate ones of its chain, and its private key.  Each is the
 * path of a PEM file, or the PEM text itself, which begins with "-----BEGIN". */
typedef struct weft_tls_cert {
    const char *cert;
    const char *key;
} weft_tls_cert;

enum weft_tls_peer {
    WEFT_TLS_PEER_USUAL,    /* a client checks its server, a server asks for no certificate */
    WEFT_TLS_PEER_REQUIRED, /* who has no certificate that `trust` has signed is refused */
    WEFT_TLS_PEER_OPTIONAL, /* server: a client may have none, but not a wrong one */
    WEFT_TLS_PEER_ANYBODY,  /* client: no check.  For tests: whoever is on the way can read along */
};

/* Zero means "choose for me" in every field. */
typedef struct weft_tls_options {
    const weft_tls_cert
        *certs; /* a server's: the first whose names have the one that the client asks
                   for, else the first.  A client's: at most one, to show if asked */
    size_t cert_count;
    const char
        *trust; /* PEM, as above: who may sign; NULL: the system's (client), nobody (server) */
    enum weft_tls_peer peer;
    const char *alpn;        /* protocols, the best first: "h2,http/1.1"; NULL: none */
    bool is_1_3_only;        /* TLS 1.2 is refused too */
    weft_time handshake_max; /* 0: 10 s */
    const char *key_log; /* debugging: the keys of every connection are added to this file, so that
                            e.g. Wireshark can read it.  Everybody who has the file can */
} weft_tls_options;

/* Make in *out what connections have in common: who we are and whom we trust.  `options` (NULL: all
 * defaults) and the files it names are read now and copied.  0; -WEFT_ETLS or a file's error, with
 * a text that names it; -ENOMEM, -EINVAL. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_tls_client_new(weft_tls **out,
                                                          const weft_tls_options *options);
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_tls_server_new(weft_tls **out,
                                                          const weft_tls_options *options);

/* Reads the files again, for new connections; open ones go on as they are.  Earlier sessions can
 * still be resumed, unless certificates are checked and `trust` has changed or is the system's,
 * since resuming does not check the certificate again.  Errors as weft_tls_server_new(); then
 * everything stays as it was. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_tls_reload(weft_tls *tls);

/* Frees it.  Open connections go on.  NULL is fine. */
WEFT_API void weft_tls_free(weft_tls *tls);

/* ---- connections ---- */

/* Puts TLS on a stream, as the client, and waits for the handshake.  `name` is the host's name or
 * address, which the certificate must be for; a second connection to it resumes the first one's
 * session.
 *
 * 0; -WEFT_ETLS, -ETIMEDOUT, the stream's errors, each with a text; -ECANCELED.  After a failure
 * the stream cannot be used any more: abort it. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_tls_connect(weft_tls *tls, weft_stream *stream,
                                                       const char *name);

/* Like weft_tls_connect(), but offers the protocols `alpn` instead of those of the options; NULL:
 * none. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_tls_connect_as(weft_tls *tls, weft_stream *stream,
                                                          const char *name, const char *alpn);

/* Like weft_tls_connect(), as the server. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_tls_accept(weft_tls *tls, weft_stream *stream);

/* weft_tls_connect() and weft_tls_accept() without waiting, for streams that are used by callbacks:
 * the handshake is made as bytes come, and what is written meanwhile is sent after it.  A failed
 * handshake fails the stream.  0; -EINVAL with a text: the other side's settings, a name of none or
 * over 255 bytes; -EBUSY: the stream has a filter or unsent bytes; -EBADF, the stream's failure,
 * -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_tls_start_client(weft_tls *tls, weft_stream *stream,
                                                 const char *name);
WEFT_API WEFT_MUST_USE int weft_tls_start_server(weft_tls *tls, weft_stream *stream);

/* What both sides have agreed on.  Texts are borrowed while the stream lives. */
typedef struct weft_tls_info {
    const char *version;    /* "TLSv1.3" */
    const char *cipher;     /* "TLS_AES_256_GCM_SHA384" */
    const char *name;       /* that the client asked for; "" */
    weft_str protocol;      /* by ALPN; empty: none */
    bool is_resumed;        /* a session of before */
    bool has_peer_cert;     /* the peer has shown one, and it was checked */
    char peer_subject[128]; /* whose it is, as "CN=client,O=Test", cut; "" */
} weft_tls_info;

/* Fills *out with what is known of the connection.  0; -ENOTCONN: the stream has no TLS; -EAGAIN:
 * the handshake is not over. */
WEFT_API WEFT_MUST_USE int weft_tls_info_get(const weft_stream *stream, weft_tls_info *out);

/* A name that a certificate is for (subjectAltName). */
typedef struct weft_tls_name {
    const char *kind; /* "DNS", "IP", "URI" (a SPIFFE id, say), "email" */
    weft_str text;    /* ended by a NUL, which is not counted; none inside */
} weft_tls_name;

/* The certificate that the peer has shown.  Who is let in by it: is_checked, and then a name of it,
 * or its fingerprint; a subject is for people. */
typedef struct weft_tls_peer_cert {
    bool is_checked;     /* one of `trust` has signed it, and it is valid; else anybody's words */
    const char *subject; /* whose it is, as "CN=client,O=Test" (RFC 2253) */
    const char *issuer;  /* who has signed it, likewise */
    const weft_tls_name *names;
    size_t name_count;
    weft_str der;       /* all of it, as it came */
    uint8_t sha256[32]; /* its fingerprint: the digest of `der` */
} weft_tls_peer_cert;

/* Copies the peer's certificate to *out, which the caller frees; of a resumed session that of its
 * first connection.  Of a request's client: weft_http_get_stream() of <weft/http.h>.  0; -ENOENT:
 * the peer has shown none (a server's must be asked to, weft_tls_options.peer); -WEFT_ESYNTAX: its
 * names are malformed, as only one that is not checked can be; -ENOMEM; -ENOTCONN and -EAGAIN as
 * above. */
WEFT_API WEFT_MUST_USE int weft_tls_peer_cert_get(const weft_stream *stream,
                                                  weft_tls_peer_cert **out);

/* Frees it.  NULL is fine. */
WEFT_API void weft_tls_peer_cert_free(weft_tls_peer_cert *cert);

WEFT_END_DECLS

#endif
