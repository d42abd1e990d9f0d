/* SPDX-License-Identifier: MIT */

/* What connections have in common: made from options, reference-counted, reloaded. */

#include "tls/tls_priv.h"

#include <weft/io.h>
#include <weft/sys/opened.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "base/sys.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define HANDSHAKE_MAX (10 * WEFT_SEC)

/* ---- the options, copied ---- */

static int text_copy(char **out, const char *text)
{
    if (text == NULL)
        return 0;
    *out = wf_strdup(text, strlen(text));
    return *out != NULL ? 0 : -ENOMEM;
}

static int certs_copy(weft_tls *tls, const weft_tls_options *options)
{
    if (options->cert_count > (tls->is_server ? WF_TLS_CERTS_MAX : 1u))
        return weft_fail(-EINVAL, "tls: %zu certificates; a server has at most %d, a client one",
                         options->cert_count, WF_TLS_CERTS_MAX);
    if (tls->is_server && options->cert_count == 0)
        return weft_fail(-EINVAL, "tls: a server needs a certificate");
    for (size_t i = 0; i < options->cert_count; i++) {
        char *cert = NULL, *key = NULL;
        int rc = text_copy(&cert, options->certs[i].cert);
        if (rc == 0)
            rc = text_copy(&key, options->certs[i].key);
        tls->certs[i] = (weft_tls_cert){cert, key};
        if (rc == 0 && (cert == NULL || key == NULL))
            rc = weft_fail(-EINVAL, "tls: a certificate needs its key");
        if (rc < 0)
            return rc;
    }
    return 0;
}

int wf_tls_alpn_write(const char *names, struct wf_tls_alpn *out)
{
    out->bytes = 0;
    while (names != NULL && *names != '\0') {
        size_t bytes = strcspn(names, ",");
        if (bytes == 0 || bytes + 1 > sizeof out->wire - out->bytes)
            return weft_fail(-EINVAL,
                             "tls: protocols are names between commas, of 255 bytes in all");
        out->wire[out->bytes++] = (unsigned char)bytes;
        memcpy(out->wire + out->bytes, names, bytes);
        out->bytes += (unsigned)bytes;
        names += bytes + (names[bytes] == ',');
    }
    return 0;
}

static int options_copy(weft_tls *tls, const weft_tls_options *options)
{
    tls->options = *options;
    tls->options.certs = NULL;
    tls->options.trust = tls->options.alpn = tls->options.key_log = NULL;
    if (tls->options.handshake_max == 0)
        tls->options.handshake_max = HANDSHAKE_MAX;
    int rc = certs_copy(tls, options);
    if (rc == 0)
        rc = wf_tls_alpn_write(options->alpn, &tls->alpn);
    if (rc == 0)
        rc = text_copy(&tls->trust, options->trust);
    if (rc == 0)
        rc = text_copy(&tls->key_log, options->key_log);
    return rc;
}

/* ---- made and freed ---- */

static void tls_destroy(weft_tls *tls)
{
    wf_tls_session_forget_all(tls);
    wf_tls_set_free(&tls->set);
    for (size_t i = 0; i < WF_TLS_CERTS_MAX; i++) {
        wf_free((void *)(uintptr_t)tls->certs[i].cert);
        wf_free((void *)(uintptr_t)tls->certs[i].key);
    }
    wf_sys_close(tls->key_log_fd);
    wf_free(tls->trust);
    wf_free(tls->key_log);
    wf_free(tls);
}

static int tls_fill(weft_tls *tls, const weft_tls_options *options)
{
    int rc = options_copy(tls, options);
    if (rc == 0 && tls->key_log != NULL) {
        rc = wf_sys_open(tls->key_log, O_WRONLY | O_APPEND | O_CREAT, 0600);
        if (rc < 0)
            return weft_fail(rc, "tls: the key log %.96s: %s", tls->key_log, weft_strerror(rc));
        tls->key_log_fd = rc;
        rc = 0;
    }
    return rc == 0 ? wf_tls_set_make(tls, &tls->set) : rc;
}

static void tls_name(const void *object, char *out, size_t bytes)
{
    const weft_tls *tls = object;
    snprintf(out, bytes, "for %s", tls->is_server ? "servers" : "clients");
}

static const weft_open_kind tls_kind = {"TLS context", "weft_tls_free()", tls_name};

static int tls_new(weft_tls **out, const weft_tls_options *options, bool is_server)
{
    static const weft_tls_options usual;
    if (weft_self().id == 0)
        return -EPERM;
    weft_tls *tls = wf_alloc(sizeof *tls);
    if (tls == NULL)
        return -ENOMEM;
    tls->is_server = is_server;
    tls->user_count = 1;
    tls->key_log_fd = -1;
    wf_list_init(&tls->sessions);
    int rc = tls_fill(tls, options != NULL ? options : &usual);
    if (rc < 0) {
        tls_destroy(tls);
        return rc;
    }
    weft_opened(tls, &tls_kind);
    *out = tls;
    return 0;
}

int weft_tls_client_new(weft_tls **out, const weft_tls_options *options)
{
    return tls_new(out, options, /* is_server= */ false);
}

int weft_tls_server_new(weft_tls **out, const weft_tls_options *options)
{
    return tls_new(out, options, /* is_server= */ true);
}

void wf_tls_ref(weft_tls *tls)
{
    tls->user_count++;
}

void wf_tls_unref(weft_tls *tls)
{
    if (tls == NULL)
        return;
    assert(tls->user_count > 0);
    tls->user_count--;
    if (tls->user_count == 0)
        tls_destroy(tls);
}

void weft_tls_free(weft_tls *tls)
{
    weft_closed(tls, &tls_kind);
    wf_tls_unref(tls);
}

/* ---- made anew ---- */

/* Tickets that clients have are opened by the first context's keys. */
static int ticket_keys_move(SSL_CTX *from, SSL_CTX *to)
{
    unsigned char keys[128];
    long bytes = SSL_CTX_get_tlsext_ticket_keys(from, NULL, 0);
    if (bytes <= 0 || (size_t)bytes > sizeof keys)
        return -WEFT_ETLS;
    bool is_done = SSL_CTX_get_tlsext_ticket_keys(from, keys, bytes) == 1 &&
                   SSL_CTX_set_tlsext_ticket_keys(to, keys, bytes) == 1;
    OPENSSL_cleanse(keys, sizeof keys);
    return is_done ? 0 : -WEFT_ETLS;
}

/* Resuming a session does not check the certificate again, so sessions are kept only if trust
 * cannot have changed; the system's may have, unseen. */
static bool may_resume(const weft_tls *tls, const struct wf_tls_set *new)
{
    bool is_checked = SSL_CTX_get_verify_mode(new->contexts[0]) != SSL_VERIFY_NONE;
    bool is_same = memcmp(tls->set.trust_digest, new->trust_digest, WF_TLS_DIGEST_BYTES) == 0;
    return !is_checked || (tls->trust != NULL && is_same);
}

int weft_tls_reload(weft_tls *tls)
{
    struct wf_tls_set set = {.count = 0};
    int rc = wf_tls_set_make(tls, &set);
    if (rc < 0)
        return rc;
    bool resumes = may_resume(tls, &set);
    for (size_t i = 0; rc == 0 && tls->is_server && resumes && i < set.count; i++)
        rc = ticket_keys_move(tls->set.contexts[0], set.contexts[i]);
    if (rc < 0) {
        wf_tls_set_free(&set);
        return rc;
    }
    if (!resumes)
        wf_tls_session_forget_all(tls);
    wf_tls_set_free(&tls->set);
    tls->set = set;
    return 0;
}
