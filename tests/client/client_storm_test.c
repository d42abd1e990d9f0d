/* SPDX-License-Identifier: MIT */

/* Many tasks over few connections to a server that does anything, cut off at any time. */

#include <weft.h>
#include <weft/client.h>

#include "client/client_priv.h"
#include "harness/harness.h"

#include <stdio.h>

#define ASKERS 50
#define ROUNDS 6

static uint64_t chance_state;

static uint32_t chance(uint32_t below)
{
    chance_state = chance_state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)((chance_state >> 33) % below);
}

/* In steps, so that many go on at the same instant: each instant costs a real back end a
 * millisecond. */
static weft_time pause_below(uint32_t steps)
{
    return chance(steps) * 10 * WEFT_MS;
}

/* ---- the server ---- */

static int say(weft_stream *stream, const char *text, size_t len)
{
    while (len > 0) {
        size_t part = chance(3) == 0 ? 1 + chance((uint32_t)len) : len;
        WEFT_TRY(weft_stream_write(stream, text, part));
        WEFT_TRY(weft_stream_flush(stream));
        if (part < len)
            WEFT_TRY(weft_sleep(pause_below(3)));
        text += part;
        len -= part;
    }
    return 0;
}

/* The body is the number of the request, ten times.  1: the connection goes on. */
static int answer(weft_stream *stream, const char *number)
{
    char body[128] = "", text[512];
    for (int i = 0; i < 10; i++)
        strcat(body, number); /* NOLINT: fits */
    size_t len = strlen(body);
    int bytes = 0;
    uint32_t what = chance(16);
    if (what == 0)
        bytes = snprintf(text, sizeof text,
                         "HTTP/1.1 302 Found\r\nLocation: /%s\r\nContent-"
                         "Length: 2\r\n\r\nno",
                         number);
    else if (what == 1)
        bytes = snprintf(text, sizeof text, "HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n");
    else if (what < 8)
        bytes = snprintf(text, sizeof text,
                         "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
                         "3\r\n%.3s\r\n%zx\r\n%s\r\n0\r\n\r\n%s",
                         body, len - 3, body + 3, what == 2 ? "HTTP/1.1 200 OK\r\n\r\nlie" : "");
    else
        bytes = snprintf(text, sizeof text, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n%s", len,
                         body);
    uint32_t end = chance(12);
    size_t sent = end == 0 ? chance((uint32_t)bytes) : (size_t)bytes;
    WEFT_TRY(say(stream, text, sent));
    if (end == 1)
        return weft_sleep(chance(3) * WEFT_SEC);
    return end > 2;
}

static int serve_one(void *arg)
{
    weft_stream *stream = arg;
    weft_str head;
    int rc = 1;
    while (rc > 0) {
        ssize_t got = weft_stream_peek_until(stream, (weft_str){"\r\n\r\n", 4}, 4096, &head);
        char number[8] = "";
        if (got <= 0 || sscanf(head.ptr, "GET /%7[0-9] ", number) != 1)
            break;
        weft_stream_consume(stream, (size_t)got);
        rc = weft_sleep(pause_below(4));
        if (rc == 0)
            rc = answer(stream, number);
    }
    weft_stream_abort(stream);
    return 0;
}

static int serve_all(void *arg)
{
    weft_stream *stream;
    int rc = 0;
    WEFT_GROUP(group);
    while (rc == 0) {
        rc = weft_listener_accept(arg, &stream);
        if (rc == 0)
            rc = weft_group_spawn(group, serve_one, stream);
    }
    weft_group_cancel(group, "the storm is over");
    int ended = weft_group_wait(group);
    return rc < 0 ? rc : ended;
}

/* ---- the clients ---- */

struct storm {
    weft_client *client;
    uint16_t port;
    unsigned next, whole;
};

static void ask_one(struct storm *storm)
{
    char url[64], number[8];
    weft_client_response page;
    snprintf(number, sizeof number, "%05u", storm->next++);
    snprintf(url, sizeof url, "http://127.0.0.1:%u/%s", (unsigned)storm->port, number);
    WEFT_TIMEOUT(limit, chance(3) == 0 ? pause_below(40) : 100 * WEFT_SEC);
    int rc = weft_client_get(storm->client, url, &page);
    if (rc == 0 && page.status == 200) {
        CHECK_EQ(page.body.len, 50);
        for (size_t i = 0; i < 50; i++)
            CHECK_EQ(page.body.ptr[i], number[i % 5]);
        storm->whole++;
    }
    if (rc == 0)
        weft_client_response_free(&page);
    rc = weft_scope_close(&limit, rc);
    if (rc == -EHOSTDOWN) /* it is let alone for a while: so do we */
        CHECK(weft_sleep(chance(6) * WEFT_SEC) <= 0);
}

static int ask_some(void *arg)
{
    for (int i = 0; i < ROUNDS && weft_check() == 0; i++)
        ask_one(arg);
    return 0;
}

static void storm_blow(struct storm *storm)
{
    weft_task tasks[ASKERS];
    for (int i = 0; i < ASKERS; i++)
        tasks[i] = weft_spawn(ask_some, storm);
    for (int i = 0; i < ASKERS / 3; i++) {
        CHECK_OK(weft_sleep(pause_below(5)));
        weft_cancel(tasks[chance(ASKERS)], "by chance");
        CHECK_LE(storm->client->conn_count, 16);
    }
    for (int i = 0; i < ASKERS; i++)
        (void)weft_await(tasks[i]);
}

static void check_balance(const weft_client *client)
{
    unsigned idle = 0;
    wf_list_each (at, &client->idle)
        idle++;
    CHECK_EQ(client->exchange_count, 0);
    CHECK_EQ(client->conn_count, idle);
    CHECK_EQ(weft_sem_units(&client->slots), 16);
    wf_list_each (at, &client->origins)
        CHECK_EQ(weft_sem_units(&wf_container(at, struct origin, in_client)->slots), 12);
}

TASK_TEST(a_storm_mixes_nothing_up_and_leaves_nothing)
{
    weft_client_options options = {
        .limits = {.total_count_max = 16, .per_origin_max = 12, .slot_max = 60 * WEFT_SEC}};
    weft_listener *listener;
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&listener, &addr, NULL));
    weft_task server = weft_spawn(serve_all, listener);
    chance_state = test_seed() * 7919;
    struct storm storm = {.port = (uint16_t)weft_addr_get_port(weft_listener_get_addr(listener))};
    CHECK_OK(weft_client_new(&storm.client, &options));
    storm_blow(&storm);
    check_balance(storm.client);
    CHECK_GT(storm.whole, ASKERS / 10);
    weft_client_free(storm.client);
    weft_cancel(server, "the storm is over");
    (void)weft_await(server);
    weft_listener_close(listener);
}
