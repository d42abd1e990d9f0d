/* SPDX-License-Identifier: MIT */

/* WebSockets over TLS: wss:// is asked as ws:// is. */

#include <weft/client.h>
#include <weft/ws.h>

#include "harness/harness.h"

#include "ends.h"

#include "http/site.h"

#include <stdio.h>
#include <stdlib.h>

static int secure(weft_stream *stream, void *arg)
{
    return weft_tls_start_server(arg, stream);
}

static int echo(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    int rc;
    (void)arg;
    while ((rc = weft_ws_receive(ws, &message)) > 0)
        WEFT_TRY(weft_ws_send(ws, message.type, message.data));
    return rc;
}

static int open_echo(weft_http_request *req, weft_http_response *res, void *arg)
{
    return weft_ws_serve(req, res, NULL, echo, arg);
}

static void talk(weft_ws *ws)
{
    enum { BYTES = 500000 };
    weft_ws_message message;
    char *bytes = malloc(BYTES);
    CHECK(bytes != NULL);
    for (size_t i = 0; i < BYTES; i++)
        bytes[i] = (char)(i * 7 + i / 251);
    for (size_t count = 1; count <= BYTES; count *= 10) {
        CHECK_OK(weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){bytes, count}));
        CHECK_EQ(weft_ws_receive(ws, &message), 1);
        CHECK_BYTES(message.data.ptr, message.data.len, bytes, count);
    }
    free(bytes);
}

TASK_TEST(wss_is_asked_as_ws_is)
{
    struct site site;
    char url[64];
    weft_client *client;
    weft_ws *ws;
    weft_tls *server = ends_server((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *trusting = ends_client((weft_tls_options){.alpn = "http/1.1"});
    site_handler = open_echo;
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    snprintf(url, sizeof url, "wss://127.0.0.1:%u/test", (unsigned)weft_addr_get_port(&site.addr));
    CHECK_OK(weft_client_new(&client, &(weft_client_options){.tls = trusting}));
    CHECK_OK(weft_ws_connect(&ws, client, url, NULL));
    talk(ws);
    CHECK_OK(weft_sleep(120 * WEFT_SEC)); /* pings go through it too */
    talk(ws);
    CHECK_EQ(weft_ws_close(ws, 1000, NULL), 0);
    weft_client_free(client);
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}
