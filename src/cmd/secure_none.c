/* SPDX-License-Identifier: MIT */

/* Where there is no OpenSSL. */
#include "cmd/secure.h"

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

int secure_open(struct secure *secure, weft_http_options *options)
{
    (void)secure;
    (void)options;
    return 0;
}

void secure_close(struct secure *secure)
{
    (void)secure;
}
