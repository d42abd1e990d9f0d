/* SPDX-License-Identifier: MIT */

/* The HTTP client over TLS. */

#include <weft/client.h>
#include <weft/sys/stream.h>

#include "harness/harness.h"

#include "ends.h"

#include "base/sys.h"
#include "http/site.h"

#include <errno.h>
#include <stdio.h>

static int secure(weft_stream *stream, void *arg)
{
    return weft_tls_start_server(arg, stream);
}

static int get(const weft_client_options *options, const char *url, unsigned times, int version)
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
        CHECK_EQ(page.version, version);
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
    CHECK_OK(get(&(weft_client_options){.tls = trusting}, url, 3, 11));
    CHECK_EQ(get(NULL, url, 1, 0), -WEFT_ETLS); /* nobody it knows has signed that */
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}

static char place[64];

static int send_elsewhere(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(weft_http_set_field(res, "Location", weft_str_of(place)));
    return weft_http_respond(res, 302, NULL, NULL, 0);
}

/* Whoever can write to the plain connection would answer in the name of the safe one. */
TASK_TEST(class_25_https_is_not_left_for_http_unless_that_is_allowed)
{
    struct site safe, plain;
    weft_http_stats stats;
    char url[64];
    weft_tls *server = ends_server((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *trusting = ends_client((weft_tls_options){0});
    CHECK_OK(site_open(&plain, NULL));
    CHECK_OK(site_open(&safe, &(weft_http_options){.secure = secure, .secure_arg = server}));
    site_handler = send_elsewhere;
    snprintf(place, sizeof place, "http://127.0.0.1:%u/ok",
             (unsigned)weft_addr_get_port(&plain.addr));
    snprintf(url, sizeof url, "https://127.0.0.1:%u/test",
             (unsigned)weft_addr_get_port(&safe.addr));
    CHECK_EQ(get(&(weft_client_options){.tls = trusting}, url, 1, 0), -EPERM);
    CHECK(strstr(weft_error_text(), "without TLS") != NULL);
    weft_http_server_get_stats(plain.server, &stats);
    CHECK_EQ(stats.requests, 0);
    CHECK_OK(get(&(weft_client_options){.tls = trusting, .allows_downgrade = true}, url, 1, 11));
    CHECK_OK(site_close(&safe));
    CHECK_OK(site_close(&plain));
    weft_tls_free(trusting);
    weft_tls_free(server);
}

struct cutter {
    weft_listener *listener;
    weft_tls *tls;
    bool is_polite;
};

/* Answers without a length, and ends: with a word of TLS, or as anybody on the way could. */
static int answer_and_cut(void *arg)
{
    static const char answer[] = "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nok\n";
    const struct cutter *cutter = arg;
    weft_stream *stream;
    weft_str head;
    WEFT_TRY(weft_listener_accept(cutter->listener, &stream));
    CHECK_OK(weft_tls_accept(cutter->tls, stream));
    CHECK_GT(weft_stream_peek_until(stream, weft_str_of("\r\n\r\n"), 8192, &head), 0);
    weft_stream_consume(stream, head.len);
    CHECK_OK(weft_stream_write(stream, answer, sizeof answer - 1));
    CHECK_OK(weft_stream_flush(stream));
    if (!cutter->is_polite)
        CHECK_OK(wf_sys_shutdown(weft_stream_get_fd(stream), SHUT_WR));
    (void)weft_stream_close(stream);
    return 0;
}

/* Half an answer must not pass for a whole one. */
TASK_TEST(class_26_an_answer_to_the_end_of_tls_is_whole_if_the_end_is_announced)
{
    weft_tls *trusting = ends_client((weft_tls_options){.alpn = "http/1.1"});
    struct cutter cutter = {.tls = ends_server((weft_tls_options){.alpn = "http/1.1"})};
    for (int is_polite = 0; is_polite < 2; is_polite++) {
        weft_addr addr;
        char url[64];
        cutter.is_polite = is_polite;
        CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
        CHECK_OK(weft_listener_open(&cutter.listener, &addr, NULL));
        snprintf(url, sizeof url, "https://127.0.0.1:%u/",
                 (unsigned)weft_addr_get_port(weft_listener_get_addr(cutter.listener)));
        const weft_client_options options = {.tls = trusting};
        weft_task task = weft_spawn(answer_and_cut, &cutter);
        CHECK_EQ(get(&options, url, 1, 11), is_polite ? 0 : -WEFT_ETRUNCATED);
        CHECK_OK(weft_await(task));
        weft_listener_close(cutter.listener);
    }
    weft_tls_free(trusting);
    weft_tls_free(cutter.tls);
}

/* Takes a connection and says nothing. */
static int be_silent(void *listener)
{
    weft_stream *stream;
    char bytes[512];
    CHECK_OK(weft_listener_accept(listener, &stream));
    while (weft_stream_read(stream, bytes, sizeof bytes) > 0)
        ;
    weft_stream_abort(stream);
    return 0;
}

/* A handshake has a time of its own, whatever is left of that for connecting. */
static void check_silence(const weft_client_options *options, weft_time limit)
{
    weft_listener *listener;
    weft_client *client;
    weft_client_trace trace;
    weft_client_response page;
    weft_addr any;
    char url[64];
    CHECK_OK(weft_addr_parse(&any, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&listener, &any, NULL));
    weft_task silent = weft_spawn(be_silent, listener);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/",
             (unsigned)weft_addr_get_port(weft_listener_get_addr(listener)));
    CHECK_OK(weft_client_new(&client, options));
    weft_client_request request = {.method = "POST", .url = url, .trace = &trace};
    weft_time from = weft_now();
    CHECK_EQ(weft_client_fetch(client, &request, &page), -ETIMEDOUT);
    CHECK_GE(weft_now() - from, limit);
    CHECK_LT(weft_now() - from, limit + WEFT_SEC);
    CHECK_EQ((int)trace.phase, (int)WEFT_CLIENT_TLS);
    CHECK(strstr(weft_error_text(), "handshake") != NULL);
    CHECK_OK(weft_await(silent));
    weft_client_free(client);
    weft_listener_close(listener);
}

TASK_TEST(class_37_a_server_that_is_silent_in_the_handshake_has_ten_seconds)
{
    weft_tls *trusting = ends_client((weft_tls_options){0});
    check_silence(&(weft_client_options){.tls = trusting}, 10 * WEFT_SEC);
    check_silence(&(weft_client_options){.tls = trusting, .limits = {.tls_max = 7 * WEFT_SEC}},
                  7 * WEFT_SEC);
    weft_tls_free(trusting);
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

static void check_tunnel(const char *alpn, int version)
{
    struct site site;
    weft_listener *proxy;
    weft_addr addr;
    char url[64], proxy_url[64];
    weft_tls *server = ends_server((weft_tls_options){.alpn = alpn});
    weft_tls *trusting = ends_client((weft_tls_options){0});
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&proxy, &addr, NULL));
    weft_task tunnel = weft_spawn(tunnel_body, proxy);
    snprintf(url, sizeof url, "https://127.0.0.1:%u/ok", (unsigned)weft_addr_get_port(&site.addr));
    snprintf(proxy_url, sizeof proxy_url, "http://127.0.0.1:%u",
             (unsigned)weft_addr_get_port(weft_listener_get_addr(proxy)));

    CHECK_OK(get(&(weft_client_options){.tls = trusting, .proxy = proxy_url}, url, 3, version));

    CHECK_OK(weft_await(tunnel));
    weft_listener_close(proxy);
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}

TASK_TEST(https_goes_through_the_tunnel_of_a_proxy)
{
    check_tunnel("http/1.1", 11);
}

/* ---- HTTP/2 by ALPN ---- */

static void skip_without_h2(void)
{
    if (strcmp(weft_http_alpn(), "h2,http/1.1") != 0)
        SKIP("no nghttp2");
}

TASK_TEST(https_goes_through_the_tunnel_of_a_proxy_by_http_2)
{
    skip_without_h2();
    check_tunnel("h2,http/1.1", 20);
}

static int serve_by(struct site *site, weft_tls *server, char url[64])
{
    int rc = site_open(site, &(weft_http_options){.secure = secure, .secure_arg = server});
    snprintf(url, 64, "https://127.0.0.1:%u/ok", (unsigned)weft_addr_get_port(&site->addr));
    return rc;
}

/* What the settings offer is not asked: the client says what it can. */
TASK_TEST(https_is_http_2_where_the_server_can)
{
    struct site site;
    char url[64];
    skip_without_h2();
    weft_tls *server = ends_server((weft_tls_options){.alpn = "h2,http/1.1"});
    weft_tls *trusting = ends_client((weft_tls_options){0});
    CHECK_OK(serve_by(&site, server, url));
    CHECK_OK(get(&(weft_client_options){.tls = trusting}, url, 3, 20));
    CHECK_OK(get(&(weft_client_options){.tls = trusting, .is_h1_only = true}, url, 3, 11));
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}

struct asker {
    weft_client *client;
    const char *url;
    int version;
};

static int ask_one(void *arg)
{
    const struct asker *asker = arg;
    weft_client_response page;
    WEFT_TRY(weft_client_get(asker->client, asker->url, &page));
    CHECK_EQ(page.version, asker->version);
    CHECK_BYTES(page.body.ptr, page.body.len, "ok\n", 3);
    weft_client_response_free(&page);
    return 0;
}

static uint32_t handshakes;

static int secure_counted(weft_stream *stream, void *arg)
{
    handshakes++;
    return weft_tls_start_server(arg, stream);
}

/* The first finds out what the server speaks, while the others wait: one handshake for HTTP/2, one
 * each for HTTP/1.1. */
static void check_crowd(const char *alpn, int version, uint32_t want)
{
    enum { CROWD = 20 };
    struct site site;
    char url[64];
    weft_task tasks[CROWD];
    weft_tls *server = ends_server((weft_tls_options){.alpn = alpn});
    weft_tls *trusting = ends_client((weft_tls_options){0});
    weft_client_options options = {.tls = trusting};
    struct asker asker = {.url = url, .version = version};
    handshakes = 0;
    CHECK_OK(
        site_open(&site, &(weft_http_options){.secure = secure_counted, .secure_arg = server}));
    snprintf(url, sizeof url, "https://127.0.0.1:%u/ok", (unsigned)weft_addr_get_port(&site.addr));
    CHECK_OK(weft_client_new(&asker.client, &options));
    for (int i = 0; i < CROWD; i++)
        tasks[i] = weft_spawn(ask_one, &asker);
    CHECK_OK(weft_gather_n(tasks, CROWD));
    CHECK_GT(handshakes, want / 2); /* some connections of HTTP/1.1 are free again in time */
    CHECK_LE(handshakes, want);
    weft_client_free(asker.client);
    CHECK_OK(site_close(&site));
    weft_tls_free(trusting);
    weft_tls_free(server);
}

TASK_TEST(a_crowd_for_one_server_makes_one_connection_of_http_2)
{
    skip_without_h2();
    check_crowd("h2,http/1.1", 20, 1);
}

TASK_TEST(a_crowd_for_a_server_of_http_1_is_not_held_up)
{
    check_crowd("http/1.1", 11, 20);
}
