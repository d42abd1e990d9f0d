/* SPDX-License-Identifier: MIT */

/* Built without OpenSSL. */

#include <weft/error.h>

#include "client/client_priv.h"

int wf_secure_prepare(weft_client *client)
{
    (void)client;
    return weft_fail(-EPROTONOSUPPORT, "https: this client is built without TLS");
}

int wf_secure(weft_client *client, weft_stream *stream, const char *name, const char *alpn)
{
    (void)stream;
    (void)name;
    (void)alpn;
    return wf_secure_prepare(client);
}

bool wf_secure_is_there(void)
{
    return false;
}

void wf_secure_fini(weft_client *client)
{
    (void)client;
}
