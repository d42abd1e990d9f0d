/* SPDX-License-Identifier: MIT */

/* The certificate that a peer has shown, copied out of the connection. */

#include "tls/tls_priv.h"

#include <weft/error.h>

#include <openssl/err.h>
#include <openssl/x509v3.h>

#include "base/alloc.h"
#include "base/arena.h"

#include <arpa/inet.h>
#include <string.h>

struct peer_cert {
    weft_tls_peer_cert public;
    wf_arena arena; /* all that it points to */
};

/* ---- texts ---- */

static bool distinguished_name(wf_arena *arena, const X509_NAME *name, const char **out)
{
    BIO *text = BIO_new(BIO_s_mem());
    char *bytes = NULL;
    weft_str copy = {NULL, 0};
    if (text != NULL && X509_NAME_print_ex(text, name, 0, XN_FLAG_RFC2253) >= 0) {
        long count = BIO_get_mem_data(text, &bytes);
        (void)wf_arena_copy(arena, (weft_str){count > 0 ? bytes : "", (size_t)count}, &copy);
    }
    BIO_free(text);
    *out = copy.ptr;
    return copy.ptr != NULL;
}

/* ---- names ---- */

static weft_str bytes_of(const ASN1_STRING *string)
{
    return (weft_str){(const char *)ASN1_STRING_get0_data(string),
                      (size_t)ASN1_STRING_length(string)};
}

/* Of the kinds that name a peer; ptr NULL: of another kind, or with a NUL in it, where who compares
 * strings would see less than who has signed. */
static weft_str name_text(const GENERAL_NAME *name, char address[INET6_ADDRSTRLEN],
                          const char **kind)
{
    static const weft_str none = {NULL, 0};
    int type;
    const ASN1_STRING *value = GENERAL_NAME_get0_value(name, &type);
    if (type == GEN_IPADD) {
        weft_str bytes = bytes_of(value);
        int family = bytes.len == 4 ? AF_INET : AF_INET6;
        *kind = "IP";
        if ((bytes.len != 4 && bytes.len != 16) ||
            inet_ntop(family, bytes.ptr, address, INET6_ADDRSTRLEN) == NULL)
            return none;
        return weft_str_of(address);
    }
    if (type != GEN_DNS && type != GEN_URI && type != GEN_EMAIL)
        return none;
    *kind = type == GEN_DNS ? "DNS" : type == GEN_URI ? "URI" : "email";
    weft_str text = bytes_of(value);
    return memchr(text.ptr, 0, text.len) == NULL ? text : none;
}

static bool names_copy(struct peer_cert *cert, const GENERAL_NAMES *all)
{
    char address[INET6_ADDRSTRLEN];
    int count = all != NULL ? sk_GENERAL_NAME_num(all) : 0;
    weft_tls_name *names =
        wf_arena_array(&cert->arena, count > 0 ? (size_t)count : 1, sizeof names[0]);
    if (names == NULL)
        return false;
    cert->public.names = names;
    for (int i = 0; i < count; i++) {
        weft_tls_name *name = &names[cert->public.name_count];
        weft_str text = name_text(sk_GENERAL_NAME_value(all, i), address, &name->kind);
        if (text.ptr == NULL)
            continue;
        if (!wf_arena_copy(&cert->arena, text, &name->text))
            return false;
        cert->public.name_count++;
    }
    return true;
}

/* Names that cannot be read are not none: who lets in by what is not there would be misled. */
static int take_names(struct peer_cert *cert, const X509 *x509)
{
    int found; /* -1: there are none; -2: twice */
    ERR_clear_error();
    GENERAL_NAMES *all = X509_get_ext_d2i(x509, NID_subject_alt_name, &found, NULL);
    bool is_short_of_memory = ERR_GET_REASON(ERR_peek_last_error()) == ERR_R_MALLOC_FAILURE;
    ERR_clear_error();
    if (all == NULL && is_short_of_memory)
        return -ENOMEM;
    if (all == NULL && found != -1)
        return weft_fail(-WEFT_ESYNTAX, "tls: the names (subjectAltName) of the peer's "
                                        "certificate are malformed");
    bool is_done = names_copy(cert, all);
    GENERAL_NAMES_free(all);
    return is_done ? 0 : -ENOMEM;
}

/* ---- all of it ---- */

static bool take_der(struct peer_cert *cert, X509 *x509)
{
    unsigned digest_bytes = 0;
    int bytes = i2d_X509(x509, NULL);
    unsigned char *der = bytes > 0 ? wf_arena_alloc(&cert->arena, (size_t)bytes) : NULL, *at = der;
    if (der == NULL || i2d_X509(x509, &at) != bytes)
        return false;
    cert->public.der = (weft_str){(const char *)der, (size_t)bytes};
    return X509_digest(x509, EVP_sha256(), cert->public.sha256, &digest_bytes) == 1;
}

static int take_all(struct peer_cert *cert, X509 *x509)
{
    if (!take_der(cert, x509) ||
        !distinguished_name(&cert->arena, X509_get_subject_name(x509), &cert->public.subject) ||
        !distinguished_name(&cert->arena, X509_get_issuer_name(x509), &cert->public.issuer))
        return -ENOMEM;
    return take_names(cert, x509);
}

int weft_tls_peer_cert_get(const weft_stream *stream, weft_tls_peer_cert **out)
{
    const struct wf_tls_conn *conn = wf_tls_conn_of(stream);
    if (conn == NULL || conn->state == WF_TLS_FAILED)
        return -ENOTCONN;
    if (conn->state == WF_TLS_SHAKING)
        return -EAGAIN;
    X509 *x509 = SSL_get0_peer_certificate(conn->ssl);
    if (x509 == NULL)
        return -ENOENT;
    struct peer_cert *cert = wf_alloc(sizeof *cert);
    if (cert == NULL)
        return -ENOMEM;
    cert->public.is_checked = SSL_get_verify_mode(conn->ssl) != SSL_VERIFY_NONE &&
                              SSL_get_verify_result(conn->ssl) == X509_V_OK;
    int rc = take_all(cert, x509);
    if (rc == 0)
        *out = &cert->public;
    else
        weft_tls_peer_cert_free(&cert->public);
    return rc;
}

void weft_tls_peer_cert_free(weft_tls_peer_cert *public)
{
    struct peer_cert *cert = (struct peer_cert *)public;
    if (cert == NULL)
        return;
    wf_arena_fini(&cert->arena);
    wf_free(cert);
}
