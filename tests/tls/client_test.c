/* SPDX-License-Identifier: MIT */

/* The HTTP client over TLS. */

#include <weft/client.h>

#include "harness/harness.h"

#include "ends.h"

#include "http/site.h"

#include <errno.h>
#include <stdio.h>

static int secure(weft_stream *stream, void *arg)
{
    return weft_tls_start_server(arg, stream);
}

static int get(const weft_client_options *options, const char *url, unsigned times)
{
    weft_client *client;
    weft_client_trace trace;
    int rc = 0;
    CHECK_OK(weft_client_new(&client, options));
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
    CHECK_OK(get(&(weft_client_options){.tls = trusting}, url, 3));
    CHECK_EQ(get(NULL, url, 1), -WEFT_ETLS); /* nobody it knows has signed that */
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}

/* ---- through a proxy ---- */

struct relay {
    weft_stream *from, *to;
};

static int relay_body(void *arg)
{
    const struct relay *relay = arg;
    for (;;) {
        weft_str input;
        ssize_t got = weft_stream_peek(relay->from, 1, &input);
        if (got <= 0) /* the end, also by a reset: clients cut what they need no more */
            return got == -ECANCELED ? -ECANCELED : 0;
        WEFT_TRY(weft_stream_write(relay->to, input.ptr, input.len));
        WEFT_TRY(weft_stream_flush(relay->to));
        weft_stream_consume(relay->from, input.len);
    }
}

/* A proxy that makes one tunnel, to wherever it is asked. */
static int tunnel_body(void *arg)
{
    weft_stream *client, *server;
    weft_addr addr;
    weft_str head;
    char target[64];
    WEFT_TRY(weft_listener_accept(arg, &client));
    ssize_t got = weft_stream_peek_until(client, (weft_str)WEFT_STR("\r\n\r\n"), 1024, &head);
    CHECK_OK(got);
    CHECK_EQ(sscanf(head.ptr, "CONNECT %63s HTTP/1.1", target), 1);
    weft_stream_consume(client, (size_t)got);
    CHECK_OK(weft_addr_parse(&addr, target));
    CHECK_OK(weft_stream_connect(&server, &addr));
    CHECK_OK(weft_stream_write(client, "HTTP/1.1 200 There\r\n\r\n", 22));
    CHECK_OK(weft_stream_flush(client));
    struct relay there = {client, server}, back = {server, client};
    CHECK_OK(weft_race(weft_spawn(relay_body, &there), weft_spawn(relay_body, &back)));
    weft_stream_abort(client);
    weft_stream_abort(server);
    return 0;
}

TASK_TEST(https_goes_through_the_tunnel_of_a_proxy)
{
    struct site site;
    weft_listener *proxy;
    weft_addr addr;
    char url[64], proxy_url[64];
    weft_tls *server = ends_server((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *trusting = ends_client((weft_tls_options){.alpn = "http/1.1"});
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&proxy, &addr, NULL));
    weft_task tunnel = weft_spawn(tunnel_body, proxy);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/ok", (unsigned)weft_addr_get_port(&site.addr));
    snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u",
             (unsigned)weft_addr_get_port(weft_listener_get_addr(proxy)));

    CHECK_OK(get(&(weft_client_options){.tls = trusting, .proxy = proxy_url}, url, 3));

    CHECK_OK(weft_await(tunnel));
    weft_listener_close(proxy);
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}
