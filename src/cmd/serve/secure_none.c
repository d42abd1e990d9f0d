/* SPDX-License-Identifier: MIT */

/* Where there is no OpenSSL. */
#include "cmd/serve/secure.h"

#include "cmd/say.h"

bool secure_is_there(void)
{
    return false;
}

int secure_check(struct secure *secure, const char *command)
{
    if (secure->cert != NULL || secure->key != NULL)
        return say_usage(command, "--%s: this program was built without TLS (OpenSSL)",
                         secure->cert != NULL ? "tls-cert" : "tls-key");
    return 0;
}

int secure_open(const struct secure *secure, weft_http_options *options, weft_tls **out)
{
    (void)secure;
    (void)options;
    *out = NULL;
    return 0;
}

int secure_reload(weft_tls *tls)
{
    (void)tls;
    return 0;
}

void secure_close(weft_tls *tls)
{
    (void)tls;
}
