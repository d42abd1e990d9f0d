/* SPDX-License-Identifier: MIT */

/* The HTTP client over TLS. */

#include <weft/client.h>

#include "harness/harness.h"

#include "ends.h"

#include "http/site.h"

#include <stdio.h>

static int secure(weft_stream *stream, void *arg)
{
    return weft_tls_start_server(arg, stream);
}

static int get(weft_tls *tls, const char *url, unsigned times)
{
    weft_client *client;
    weft_client_trace trace;
    int rc = 0;
    CHECK_OK(weft_client_new(&client, &(weft_client_options){.tls = tls}));
    for (unsigned i = 0; i < times && rc == 0; i++) {
        weft_client_request request = {.url = url, .trace = &trace};
        weft_client_response page;
        rc = weft_client_fetch(client, &request, &page);
        if (rc < 0)
            break;
        CHECK_EQ(page.status, 200);
        CHECK_BYTES(page.body.ptr, page.body.len, "ok\n", 3);
        CHECK_EQ(trace.is_reused, i > 0);
        weft_client_response_free(&page);
    }
    weft_client_free(client);
    return rc;
}

TASK_TEST(https_is_asked_as_http_is)
{
    struct site site;
    char url[64];
    weft_tls *server = ends_server((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *trusting = ends_client((weft_tls_options){.alpn = "http/1.1"});
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    snprintf(url, sizeof url, "https://127.0.0.1:%u/ok", (unsigned)weft_addr_get_port(&site.addr));
    CHECK_OK(get(trusting, url, 3));
    CHECK_EQ(get(NULL, url, 1), -WEFT_ETLS); /* nobody it knows has signed that */
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}
