/* SPDX-License-Identifier: MIT */

/* Trust: which certificates are accepted, and the text when one is not. */

#include "tls/tls_priv.h"

#include <weft/exec.h>

#include "base/sys.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <string.h>

/* ---- words ---- */

static void time_text(const ASN1_TIME *at, char *out, size_t out_bytes)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(at, &parts) == 1)
        snprintf(out, out_bytes, "%04d-%02d-%02d %02d:%02d UTC", parts.tm_year + 1900,
                 parts.tm_mon + 1, parts.tm_mday, parts.tm_hour, parts.tm_min);
    else
        snprintf(out, out_bytes, "an unknown time");
}

/* A name of a certificate that a host is asked by; empty for one of another kind. */
static void name_text(const GENERAL_NAME *name, char *out, size_t out_bytes)
{
    out[0] = '\0';
    if (name->type == GEN_DNS) {
        snprintf(out, out_bytes, "%.*s", ASN1_STRING_length(name->d.dNSName),
                 (const char *)ASN1_STRING_get0_data(name->d.dNSName));
    } else if (name->type == GEN_IPADD) {
        int family = ASN1_STRING_length(name->d.iPAddress) == 4 ? AF_INET : AF_INET6;
        if (family == AF_INET || ASN1_STRING_length(name->d.iPAddress) == 16)
            (void)inet_ntop(family, ASN1_STRING_get0_data(name->d.iPAddress), out,
                            (socklen_t)out_bytes);
    }
}

/* Whose it is, or who has signed it, in short. */
static void common_name(const X509_NAME *name, char *out, size_t out_bytes)
{
    if (name == NULL || X509_NAME_get_text_by_NID((X509_NAME *)(uintptr_t)name, NID_commonName, out,
                                                  (int)out_bytes) <= 0)
        snprintf(out, out_bytes, "somebody without a name");
}

/* The names a certificate is for, as far as there is room. */
static void names_text(const X509 *cert, char *out, size_t out_bytes)
{
    GENERAL_NAMES *names = X509_get_ext_d2i(cert, NID_subject_alt_name, NULL, NULL);
    size_t used = 0, room = out_bytes - sizeof ", ...";
    for (int i = 0; names != NULL && i < sk_GENERAL_NAME_num(names); i++) {
        char one[80];
        name_text(sk_GENERAL_NAME_value(names, i), one, sizeof one);
        if (one[0] == '\0')
            continue;
        if (used + strlen(one) + 2 > room) {
            used += (size_t)snprintf(out + used, out_bytes - used, used != 0 ? ", ..." : "...");
            break;
        }
        used += (size_t)snprintf(out + used, out_bytes - used, "%s%s", used != 0 ? ", " : "", one);
    }
    GENERAL_NAMES_free(names);
    if (used == 0)
        common_name(X509_get_subject_name(cert), out, out_bytes);
}

/* Text of a peer is shown only if it is plain. */
static void make_plain(char *text)
{
    for (; *text != '\0'; text++)
        if (*text < ' ' || *text > '~')
            *text = '?';
}

static void say_untrusted(struct wf_tls_conn *conn, X509 *cert, int error)
{
    char detail[96], who[72] = "the peer";
    if (conn->name[0] != '\0')
        snprintf(who, sizeof who, "'%.64s'", conn->name);
    switch (error) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        time_text(X509_get0_notAfter(cert), detail, sizeof detail);
        snprintf(conn->text, sizeof conn->text, "tls: the certificate of %s has expired on %s", who,
                 detail);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        time_text(X509_get0_notBefore(cert), detail, sizeof detail);
        snprintf(conn->text, sizeof conn->text, "tls: the certificate of %s begins only on %s", who,
                 detail);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        names_text(cert, detail, sizeof detail);
        snprintf(conn->text, sizeof conn->text, "tls: the certificate is for %s, not for %s",
                 detail, who);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
        snprintf(conn->text, sizeof conn->text,
                 "tls: the certificate of %s is not trusted: it is signed by itself", who);
        break;
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
        common_name(cert != NULL ? X509_get_issuer_name(cert) : NULL, detail, sizeof detail);
        snprintf(conn->text, sizeof conn->text,
                 "tls: the certificate of %s is not trusted: it is signed by '%.64s'", who, detail);
        break;
    default:
        snprintf(conn->text, sizeof conn->text, "tls: the certificate of %s is not trusted: %s",
                 who, X509_verify_cert_error_string(error));
        break;
    }
    make_plain(conn->text);
}

/* Called for each certificate of the chain; the first that is not right decides. */
static int cert_checked(int is_right, X509_STORE_CTX *store)
{
    const SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct wf_tls_conn *conn = wf_tls_conn_of_ssl(ssl);
    if (!is_right && conn->text[0] == '\0')
        say_untrusted(conn, X509_STORE_CTX_get_current_cert(store),
                      X509_STORE_CTX_get_error(store));
    return is_right;
}

/* ---- a context's ---- */

static int trust_pem(SSL_CTX *context, const char *text, bool tells_clients)
{
    X509_STORE *store = SSL_CTX_get_cert_store(context);
    BIO *pem = BIO_new_mem_buf(text, -1);
    int count = 0, rc = pem != NULL ? 0 : -ENOMEM;
    bool is_over = false;
    ERR_clear_error();
    while (rc == 0) {
        X509 *cert = PEM_read_bio_X509(pem, NULL, NULL, NULL);
        if (cert == NULL) {
            is_over = wf_tls_pem_is_over();
            break;
        }
        bool is_kept = X509_STORE_add_cert(store, cert) == 1 &&
                       (!tells_clients || SSL_CTX_add_client_CA(context, cert) == 1);
        rc = is_kept ? 0 : -ENOMEM;
        count++;
        X509_free(cert);
    }
    BIO_free(pem);
    ERR_clear_error();
    if (rc == 0 && is_over && count == 0)
        return weft_fail(-WEFT_ETLS, "tls: there is no certificate in what is to be trusted");
    if (rc == 0 && !is_over)
        return weft_fail(-WEFT_ETLS, "tls: a certificate in what is to be trusted cannot be read");
    return rc;
}

static int verify_mode(const weft_tls *tls)
{
    switch (tls->options.peer) {
    case WEFT_TLS_PEER_REQUIRED:
        return SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT;
    case WEFT_TLS_PEER_OPTIONAL:
        return SSL_VERIFY_PEER;
    case WEFT_TLS_PEER_ANYBODY:
        return SSL_VERIFY_NONE;
    default:
        return tls->is_server ? SSL_VERIFY_NONE : SSL_VERIFY_PEER;
    }
}

static int read_system(void *context)
{
    bool is_read = SSL_CTX_set_default_verify_paths(context) == 1;
    ERR_clear_error(); /* of this thread */
    return is_read ? 0 : -WEFT_ETLS;
}

/* Some 150 certificates, which is as long as many requests: the loop goes on meanwhile. */
static int trust_system(SSL_CTX *context)
{
    int rc =
        weft_loop_self() != NULL ? weft_run_blocking(read_system, context) : read_system(context);
    if (rc == -WEFT_ETLS)
        return weft_fail(rc, "tls: the system's certificates cannot be read");
    return rc;
}

int wf_tls_trust_context(const weft_tls *tls, SSL_CTX *context, const char *text)
{
    int mode = verify_mode(tls), rc = 0;
    if (text != NULL)
        rc = trust_pem(context, text, tls->is_server);
    else if (mode != SSL_VERIFY_NONE && strcmp(weft_platform_get()->name, "sim") != 0)
        rc = trust_system(context);
    SSL_CTX_set_verify(context, mode, mode != SSL_VERIFY_NONE ? cert_checked : NULL);
    return rc;
}

/* ---- a connection's ---- */

/* Not the wall clock of the C library: the simulator has another. */
static void trust_now(SSL *ssl)
{
    X509_VERIFY_PARAM_set_time(SSL_get0_param(ssl), (time_t)(wf_sys_wall() / WEFT_SEC));
}

int wf_tls_trust_peer(struct wf_tls_conn *conn)
{
    SSL *ssl = conn->ssl;
    char address[sizeof(struct in6_addr)];
    bool is_address = inet_pton(AF_INET, conn->name, address) == 1 ||
                      inet_pton(AF_INET6, conn->name, address) == 1;
    size_t bytes = strlen(conn->name);
    trust_now(ssl);
    if (conn->tls->is_server)
        return 0;
    if (bytes > 1 && conn->name[bytes - 1] == '.') /* certificates have no dot at the end */
        conn->name[bytes - 1] = '\0';
    if (is_address)
        return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), conn->name) == 1 ? 0 : -ENOMEM;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(ssl, conn->name) != 1 || SSL_set_tlsext_host_name(ssl, conn->name) != 1)
        return -ENOMEM;
    return 0;
}
