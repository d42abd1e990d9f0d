/* SPDX-License-Identifier: MIT */

/* A set: the OpenSSL contexts that a configuration is made into, one for each certificate. */

#include "tls/tls_priv.h"

#include <weft/file.h>

#include "base/alloc.h"
#include "base/sys.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

#define PEM_BYTES_MAX ((size_t)8 << 20)

/* ---- PEM ---- */

/* The text itself, or a file's; with a NUL behind it. */
static int pem_load(const char *what, weft_bytes *out)
{
    if (strncmp(what, "-----BEGIN", 10) == 0) {
        out->len = strlen(what);
        out->ptr = wf_strdup(what, out->len);
        return out->ptr != NULL ? 0 : -ENOMEM;
    }
    int rc = weft_file_load(what, PEM_BYTES_MAX, out);
    if (rc < 0 && rc != -ECANCELED && rc != -ENOMEM)
        return weft_fail(rc, "tls: %.96s: %s", what, weft_strerror(rc));
    return rc;
}

static const char *pem_name(const char *what)
{
    return strncmp(what, "-----BEGIN", 10) == 0 ? "the text given" : what;
}

/* ---- a certificate with its chain and key ---- */

static int chain_use(SSL_CTX *context, BIO *pem)
{
    X509 *cert = PEM_read_bio_X509_AUX(pem, NULL, NULL, NULL);
    int is_used = cert != NULL && SSL_CTX_use_certificate(context, cert) == 1;
    X509_free(cert);
    for (ERR_clear_error(); is_used; ERR_clear_error()) {
        X509 *above = PEM_read_bio_X509(pem, NULL, NULL, NULL);
        if (above == NULL)
            return wf_tls_pem_is_over() ? 0 : -WEFT_ESYNTAX;
        is_used = SSL_CTX_add0_chain_cert(context, above);
        if (!is_used)
            X509_free(above);
    }
    return -WEFT_ETLS;
}

/* A key that asks for a passphrase is refused: there is nobody to ask. */
static int no_passphrase(char *buf, int bytes, int is_written, void *arg)
{
    (void)buf;
    (void)bytes;
    (void)is_written;
    (void)arg;
    return -1;
}

static int key_use(SSL_CTX *context, BIO *pem)
{
    EVP_PKEY *key = PEM_read_bio_PrivateKey(pem, NULL, no_passphrase, NULL);
    int is_used = key != NULL && SSL_CTX_use_PrivateKey(context, key) == 1;
    EVP_PKEY_free(key);
    return is_used ? 0 : -WEFT_ETLS;
}

static int pem_use(SSL_CTX *context, const char *what, int use(SSL_CTX *context, BIO *pem))
{
    weft_bytes text = {0};
    int rc = pem_load(what, &text);
    if (rc < 0)
        return rc;
    BIO *pem = BIO_new_mem_buf(text.ptr, (int)text.len);
    ERR_clear_error();
    rc = pem != NULL ? use(context, pem) : -ENOMEM;
    BIO_free(pem);
    OPENSSL_cleanse(text.ptr, text.len);
    weft_bytes_free(&text);
    return rc;
}

static int cert_use(SSL_CTX *context, const weft_tls_cert *cert)
{
    int rc = pem_use(context, cert->cert, chain_use);
    if (rc == -WEFT_ETLS)
        return weft_fail(rc, "tls: there is no certificate in %.96s", pem_name(cert->cert));
    if (rc == -WEFT_ESYNTAX)
        return weft_fail(-WEFT_ETLS, "tls: a certificate of the chain in %.96s cannot be read",
                         pem_name(cert->cert));
    if (rc == 0)
        rc = pem_use(context, cert->key, key_use);
    if (rc == -WEFT_ETLS)
        return weft_fail(rc, "tls: %.96s has no key that fits the certificate, without passphrase",
                         pem_name(cert->key));
    return rc;
}

/* ---- what happens in a handshake ---- */

/* The first certificate that is for the name; without one, the first. */
static int name_asked(SSL *ssl, int *alert, void *arg)
{
    weft_tls *tls = arg;
    const char *name = SSL_get_servername(ssl, TLSEXT_NAMETYPE_host_name);
    (void)alert;
    for (size_t i = 0; name != NULL && i < tls->set.count; i++) {
        X509 *cert = SSL_CTX_get0_certificate(tls->set.contexts[i]);
        if (cert != NULL && X509_check_host(cert, name, 0, 0, NULL) == 1) {
            (void)SSL_set_SSL_CTX(ssl, tls->set.contexts[i]);
            break;
        }
    }
    return SSL_TLSEXT_ERR_OK;
}

/* Ours decide the order.  A client whose protocols we have none of is refused (RFC 7301, 3.2). */
static int protocol_chosen(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
                           const unsigned char *theirs, unsigned theirs_bytes, void *arg)
{
    const weft_tls *tls = arg;
    unsigned char *chosen;
    (void)ssl;
    if (SSL_select_next_proto(&chosen, out_bytes, tls->alpn.wire, tls->alpn.bytes, theirs,
                              theirs_bytes) != OPENSSL_NPN_NEGOTIATED)
        return SSL_TLSEXT_ERR_ALERT_FATAL;
    *out = chosen;
    return SSL_TLSEXT_ERR_OK;
}

static int session_made(SSL *ssl, SSL_SESSION *session)
{
    const struct wf_tls_conn *conn = wf_tls_conn_of_ssl(ssl);
    if (SSL_get_SSL_CTX(ssl) != conn->tls->set.contexts[0])
        return 0; /* checked by whom was trusted before */
    wf_tls_session_keep(conn->tls, conn->name, session);
    return 1; /* it is ours */
}

static void key_made(const SSL *ssl, const char *line)
{
    const struct wf_tls_conn *conn = wf_tls_conn_of_ssl(ssl);
    char text[512];
    int bytes = snprintf(text, sizeof text, "%s\n", line);
    size_t count = bytes > 0 && (size_t)bytes < sizeof text ? (size_t)bytes : 0;
    for (size_t done = 0; done < count;) { /* mostly one write, so lines of processes do not mix */
        ssize_t rc = wf_sys_write(conn->tls->key_log_fd, text + done, count - done);
        if (rc <= 0)
            break;
        done += (size_t)rc;
    }
    OPENSSL_cleanse(text, sizeof text);
}

/* ---- a context ---- */

static int context_set_up_server(weft_tls *tls, SSL_CTX *context)
{
    static const unsigned char id[] = "weft";
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF); /* tickets: the client keeps it */
    SSL_CTX_set_tlsext_servername_callback(context, name_asked);
    SSL_CTX_set_tlsext_servername_arg(context, tls);
    if (tls->alpn.bytes != 0)
        SSL_CTX_set_alpn_select_cb(context, protocol_chosen, tls);
    return SSL_CTX_set_session_id_context(context, id, sizeof id - 1) == 1 ? 0 : -ENOMEM;
}

static int context_set_up_client(weft_tls *tls, SSL_CTX *context)
{
    SSL_CTX_set_session_cache_mode(context,
                                   SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
    SSL_CTX_sess_set_new_cb(context, session_made);
    bool has_failed = tls->alpn.bytes != 0 && /* this one says 0 for success */
                      SSL_CTX_set_alpn_protos(context, tls->alpn.wire, tls->alpn.bytes) != 0;
    return has_failed ? -ENOMEM : 0;
}

static int context_make(weft_tls *tls, const char *trust_pem, SSL_CTX **out)
{
    SSL_CTX *context = SSL_CTX_new(tls->is_server ? TLS_server_method() : TLS_client_method());
    if (context == NULL)
        return -ENOMEM;
    *out = context;
    int least = tls->options.is_1_3_only ? TLS1_3_VERSION : TLS1_2_VERSION;
    if (SSL_CTX_set_min_proto_version(context, least) != 1)
        return -ENOMEM;
    SSL_CTX_set_options(context, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE | SSL_OP_PRIORITIZE_CHACHA);
    if (tls->key_log_fd >= 0)
        SSL_CTX_set_keylog_callback(context, key_made);
    int rc =
        tls->is_server ? context_set_up_server(tls, context) : context_set_up_client(tls, context);
    return rc == 0 ? wf_tls_trust_context(tls, context, trust_pem) : rc;
}

/* ---- the set ---- */

void wf_tls_set_free(struct wf_tls_set *set)
{
    for (size_t i = 0; i < set->count; i++)
        SSL_CTX_free(set->contexts[i]);
    set->count = 0;
}

static int set_fill(weft_tls *tls, const char *trust_pem, struct wf_tls_set *out)
{
    size_t count = tls->options.cert_count != 0 ? tls->options.cert_count : 1;
    for (size_t i = 0; i < count; i++) {
        out->contexts[i] = NULL;
        out->count = i + 1;
        int rc = context_make(tls, trust_pem, &out->contexts[i]);
        if (rc == 0 && tls->options.cert_count != 0)
            rc = cert_use(out->contexts[i], &tls->certs[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

int wf_tls_set_make(weft_tls *tls, struct wf_tls_set *out)
{
    weft_bytes trust = {0};
    struct wf_tls_set set = {.count = 0};
    int rc = tls->trust != NULL ? pem_load(tls->trust, &trust) : 0;
    if (rc == 0 && tls->trust != NULL &&
        EVP_Digest(trust.ptr, trust.len, set.trust_digest, NULL, EVP_sha256(), NULL) != 1)
        rc = -ENOMEM;
    if (rc == 0)
        rc = set_fill(tls, trust.ptr, &set);
    weft_bytes_free(&trust);
    if (rc < 0)
        wf_tls_set_free(&set);
    else
        *out = set;
    return rc;
}
