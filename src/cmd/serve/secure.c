/* SPDX-License-Identifier: MIT */

#include "cmd/serve/secure.h"

#include "cmd/say.h"

#include <weft/error.h>

bool secure_is_there(void)
{
    return true;
}

int secure_check(struct secure *secure, const char *command)
{
    if (secure->cert == NULL && secure->key != NULL)
        return say_usage(command, "--tls-key without --tls-cert");
    if (secure->cert != NULL && secure->key == NULL)
        secure->key = secure->cert;
    if (secure->cert != NULL && (secure->cert[0] == '\0' || secure->key[0] == '\0'))
        return say_usage(command, "--tls-cert, --tls-key: the name of the file is empty");
    return 0;
}

static int secure_stream(weft_stream *stream, void *tls)
{
    return weft_tls_start_server(tls, stream);
}

int secure_open(const struct secure *secure, weft_http_options *options, weft_tls **out)
{
    *out = NULL;
    if (secure->cert == NULL)
        return 0;
    const weft_tls_cert cert = {secure->cert, secure->key};
    const weft_tls_options settings = {.certs = &cert, .cert_count = 1, .alpn = weft_http_alpn()};
    WEFT_TRY(weft_tls_server_new(out, &settings));
    options->secure = secure_stream;
    options->secure_arg = *out;
    return 0;
}

int secure_reload(weft_tls *tls)
{
    return weft_tls_reload(tls);
}

void secure_close(weft_tls *tls)
{
    weft_tls_free(tls);
}
