/* SPDX-License-Identifier: MIT */

#include <weft/error.h>
#include <weft/sys/opened.h>

#include "client/client_priv.h"

/* Two may begin at once; the second one finds the first one's and drops its own. */
int wf_secure_prepare(weft_client *client)
{
    weft_tls *tls;
    if (client->tls != NULL)
        return 0;
    WEFT_TRY(weft_tls_client_new(&tls, NULL));
    if (client->tls != NULL) {
        weft_tls_free(tls);
        return 0;
    }
    weft_closed(tls, NULL); /* it is told by the client */
    client->own_tls = tls;
    client->tls = tls;
    return 0;
}

int wf_secure(weft_client *client, weft_stream *stream, const char *name, const char *alpn)
{
    return weft_tls_connect_as(client->tls, stream, name, alpn);
}

bool wf_secure_is_there(void)
{
    return true;
}

void wf_secure_fini(weft_client *client)
{
    weft_tls_free(client->own_tls);
}
