/* SPDX-License-Identifier: MIT */

/* OpenSSL's failures in words. */

#include "tls/tls_priv.h"

#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdio.h>
#include <string.h>

/* What happens to people, in words that say what to look at; else as OpenSSL has it. */
static const struct {
    int reason;
    const char *text;
} reasons[] = {
    {SSL_R_WRONG_VERSION_NUMBER, "the peer does not speak TLS"},
    {SSL_R_HTTP_REQUEST, "the peer speaks HTTP, not TLS"},
    {SSL_R_HTTPS_PROXY_REQUEST, "the peer speaks HTTP, not TLS"},
    {SSL_R_UNSUPPORTED_PROTOCOL, "the peer speaks no version of TLS that is allowed"},
    {SSL_R_NO_SHARED_CIPHER, "the peer has no cipher that is allowed"},
    {SSL_R_PEER_DID_NOT_RETURN_A_CERTIFICATE, "the peer shows no certificate"},
};

static const char *reason_text(unsigned long error)
{
    for (size_t i = 0; i < sizeof reasons / sizeof reasons[0]; i++) {
        if (ERR_GET_LIB(error) == ERR_LIB_SSL && ERR_GET_REASON(error) == reasons[i].reason)
            return reasons[i].text;
    }
    const char *text = ERR_reason_error_string(error);
    return text != NULL ? text : "for no known reason";
}

/* "tlsv13 alert certificate required" without its first words, where the short list of alerts has
 * no name for it. */
static const char *alert_text(unsigned long error, int alert)
{
    static const char word[] = " alert ";
    const char *text = SSL_alert_desc_string_long(alert);
    const char *reason = reason_text(error);
    const char *tail = strstr(reason, word);
    if (strcmp(text, "unknown") != 0)
        return text;
    return tail != NULL ? tail + sizeof word - 1 : reason;
}

/* Reasons from SSL_AD_REASON_OFFSET on are the peer's alerts. */
static bool is_of_peer(unsigned long error, int *out_alert)
{
    int reason = ERR_GET_REASON(error);
    *out_alert = reason - SSL_AD_REASON_OFFSET;
    return ERR_GET_LIB(error) == ERR_LIB_SSL && reason >= SSL_AD_REASON_OFFSET &&
           *out_alert <= UINT8_MAX;
}

int wf_tls_say_failed(struct wf_tls_conn *conn, int ssl_error)
{
    unsigned long error = ERR_peek_error();
    int alert;
    if (conn->text[0] != '\0')
        return -WEFT_ETLS; /* it was said where more is known */
    if (ssl_error == SSL_ERROR_SSL && ERR_GET_REASON(error) == ERR_R_MALLOC_FAILURE)
        return -ENOMEM;
    if (is_of_peer(error, &alert))
        snprintf(conn->text, sizeof conn->text, "tls: the peer refuses: %s",
                 alert_text(error, alert));
    else
        snprintf(conn->text, sizeof conn->text, "tls: %s", reason_text(error));
    return -WEFT_ETLS;
}

bool wf_tls_pem_is_over(void)
{
    unsigned long error = ERR_peek_last_error();
    ERR_clear_error();
    return ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE;
}
