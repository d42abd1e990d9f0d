/* SPDX-License-Identifier: MIT */

/* A connection that speaks another protocol after its request. */

#include "site.h"

#include <weft/error.h>
#include <weft/http_log.h>
#include <weft/http_upgrade.h>
#include <weft/sys/stream.h>

/* ---- a handler that says each line again ---- */

static struct {
    int rc; /* of taking over */
    unsigned stops;
    weft_stream *stream;
} tunnel;

static void on_stop(void *arg)
{
    CHECK(arg == &tunnel);
    tunnel.stops++;
    (void)!weft_stream_put(tunnel.stream, "stop\n", 5);
}

static int echo_lines(weft_stream *stream)
{
    for (;;) {
        weft_str line;
        ssize_t bytes = weft_stream_peek_until(stream, (weft_str){"\n", 1}, 1000, &line);
        if (bytes <= 0)
            return (int)bytes;
        WEFT_TRY(weft_stream_write(stream, line.ptr, (size_t)bytes));
        weft_stream_consume(stream, (size_t)bytes);
    }
}

static int open_tunnel(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    if (!weft_http_wants_upgrade(req, "chatter"))
        return weft_http_fail(res, 426, NULL, "Only chatter is spoken here.");
    tunnel.rc = weft_http_set_field(res, "X-Test", (weft_str){"yes", 3});
    if (tunnel.rc == 0)
        tunnel.rc = weft_http_take_over(res, "chatter", on_stop, &tunnel, &tunnel.stream);
    if (tunnel.rc < 0)
        return tunnel.rc;
    CHECK_EQ(weft_http_take_over(res, "chatter", NULL, NULL, &tunnel.stream), -EALREADY);
    return echo_lines(tunnel.stream);
}

static void open_site(struct site *site, const weft_http_options *options)
{
    memset(&tunnel, 0, sizeof tunnel);
    site_handler = open_tunnel;
    CHECK_OK(site_open(site, options));
}

#define ASK "GET /test HTTP/1.1\r\nHost: a\r\n"
#define WANTS "Connection: keep-alive, Upgrade\r\nUpgrade: other, Chatter\r\n\r\n"

static void expect(weft_stream *client, const char *text)
{
    char seen[256];
    size_t len = strlen(text);
    ssize_t got = weft_stream_read_exact(client, seen, len);
    CHECK_EQ(got, (ssize_t)len);
    CHECK_BYTES(seen, len, text, len);
}

static const char switched[] = "HTTP/1.1 101 Switching Protocols\r\nX-Test: yes\r\n"
                               "Upgrade: chatter\r\nConnection: Upgrade\r\n\r\n";

/* ---- the way there and back ---- */

TASK_TEST(upgraded_connection_is_the_handlers_until_it_returns)
{
    struct site site;
    open_site(&site, NULL);
    weft_stream *client = client_open(&site);
    client_send(client, ASK WANTS "early\n"); /* also what does not wait for the answer */
    expect(client, switched);
    expect(client, "early\n");
    client_send(client, "hello\n");
    expect(client, "hello\n");
    CHECK_OK(weft_stream_shutdown(client));
    CHECK(client_is_closed(client));
    CHECK_OK(weft_stream_close(client));
    CHECK_OK(site_close(&site));
}

static int told_status;

static void tell(const weft_http_record *record, void *arg)
{
    (void)arg;
    told_status = record->status;
}

TASK_TEST(upgrade_is_told_with_its_status)
{
    struct site site;
    open_site(&site, &(weft_http_options){.done = tell});
    weft_stream *client = client_open(&site);
    client_send(client, ASK WANTS);
    expect(client, switched);
    CHECK_OK(weft_stream_shutdown(client));
    CHECK(client_is_closed(client));
    CHECK_OK(weft_stream_close(client));
    CHECK_OK(site_close(&site));
    CHECK_EQ(told_status, 101);
}

TASK_TEST(upgrade_comes_after_the_answers_before_it)
{
    struct site site;
    struct answer answer = {0};
    open_site(&site, NULL);
    weft_stream *client = client_open(&site);
    client_send(client, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n" ASK WANTS);
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    answer_fini(&answer);
    expect(client, switched);
    CHECK_OK(weft_stream_close(client));
    CHECK_OK(site_close(&site));
}

TASK_TEST(upgrade_that_is_not_wanted_is_not_made)
{
    static const char *const heads[] = {
        ASK "\r\n",
        ASK "Upgrade: chatter\r\n\r\n",
        ASK "Connection: upgrade\r\n\r\n",
        ASK "Connection: upgrade\r\nUpgrade: chatter2\r\n\r\n",
        "GET /test HTTP/1.0\r\nHost: a\r\n" WANTS,
        "POST /test HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\n" WANTS "x",
    };
    struct site site;
    open_site(&site, NULL);
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        note("head %zu", i);
        CHECK_EQ(ask(&site, heads[i], NULL), 426);
    }
    CHECK_OK(site_close(&site));
}

/* ---- limits ---- */

TASK_TEST(upgraded_connection_holds_no_slot_and_has_no_handler_time)
{
    struct site site;
    weft_http_options options = {.limits = {.in_hand_max = 1, .handler_time_max = WEFT_SEC}};
    weft_http_stats stats;
    open_site(&site, &options);
    weft_stream *client = client_open(&site);
    client_send(client, ASK WANTS);
    expect(client, switched);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\nHost: a\r\n\r\n", NULL), 200);
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.requests_in_hand, 0u);
    CHECK_EQ(stats.answers[1], 1u);
    CHECK_OK(weft_sleep(2 * 60 * WEFT_SEC));
    client_send(client, "late\n");
    expect(client, "late\n");
    CHECK_OK(weft_stream_close(client));
    CHECK_OK(site_close(&site));
}

/* ---- the end ---- */

TASK_TEST(upgraded_connection_is_told_that_the_server_stops)
{
    struct site site;
    open_site(&site, NULL);
    weft_stream *client = client_open(&site);
    client_send(client, ASK WANTS);
    expect(client, switched);
    weft_http_server_stop(site.server);
    expect(client, "stop\n");
    CHECK_EQ(tunnel.stops, 1u);
    client_send(client, "still here\n");
    expect(client, "still here\n");
    CHECK_OK(weft_stream_close(client));
    CHECK_OK(site_close(&site));
    CHECK_EQ(tunnel.stops, 1u);
}

TASK_TEST(upgraded_connection_ends_with_the_grace_time)
{
    struct site site;
    weft_http_options options = {.grace = 3 * WEFT_SEC};
    open_site(&site, &options);
    weft_stream *client = client_open(&site);
    client_send(client, ASK WANTS);
    expect(client, switched);
    weft_time from = weft_now();
    CHECK_OK(site_close(&site));
    CHECK_LE(weft_now() - from, 9 * WEFT_SEC);
    weft_stream_abort(client);
}

SCENARIO(connection_is_upgraded_and_used)
{
    struct site site;
    char seen[sizeof switched + 5];
    memset(&tunnel, 0, sizeof tunnel);
    site_handler = open_tunnel;
    WEFT_TRY(site_open(&site, NULL));
    weft_stream *client = NULL;
    int rc = weft_stream_connect(&client, &site.addr);
    if (rc == 0)
        rc = weft_stream_write(client, ASK WANTS "hello\n", sizeof(ASK WANTS "hello\n") - 1);
    if (rc == 0)
        rc = (int)weft_stream_read_exact(client, seen, sizeof switched - 1 + 6);
    weft_stream_abort(client);
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
