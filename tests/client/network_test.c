/* SPDX-License-Identifier: MIT */

/*
 * Our server and our client in two network namespaces, over the kernels' TCP and a wire that
 * misbehaves: every request ends in its time, and an answer is whole or an error.
 */

#include "harness/harness.h"
#include "wire.h"

#include <weft.h>
#include <weft/client.h>
#include <weft/http.h>
#include <weft/io.h>
#include <weft/run.h>

#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#define TALK_TIME (400 * WEFT_MS)
#define PATIENCE (8 * WEFT_SEC) /* for one answer, if the first packets have no luck */
#define REQUEST_TIME (400 * WEFT_MS)

/* The body of /N: its length, and what it consists of, follow from N. */
static size_t body_bytes(unsigned n)
{
    return n % 7 * 9001 + 100;
}

static char body_byte(unsigned n, size_t i)
{
    return (char)('a' + (n * 31 + i * 7 + i / 1000) % 26);
}

/* ---- the server's process ---- */

static int answer(weft_http_request *req, weft_http_response *res, void *arg)
{
    char name[16] = "", buf[1000];
    weft_str path = weft_http_path(req);
    (void)arg;
    memcpy(name, path.ptr + 1, path.len - 1 < sizeof name - 1 ? path.len - 1 : sizeof name - 1);
    unsigned n = (unsigned)strtoul(name, NULL, 10);
    if (n % 2 == 0) /* else chunked */
        WEFT_TRY(weft_http_set_length(res, body_bytes(n)));
    for (size_t at = 0; at < body_bytes(n);) {
        size_t count = 0;
        for (; count < sizeof buf && at < body_bytes(n); at++)
            buf[count++] = body_byte(n, at);
        WEFT_TRY(weft_http_write(res, buf, count));
    }
    return 0;
}

struct service {
    weft_http_server *server;
    int control;
};

static int stop_at_end(void *arg)
{
    const struct service *service = arg;
    char byte;
    ssize_t rc = weft_read(service->control, &byte, 1);
    weft_http_server_stop(service->server);
    return (int)rc;
}

static int serve(void *arg)
{
    struct service service = {.control = *(int *)arg};
    const weft_http_route route = {.method = "GET", .path = "/{n*}", .handler = answer};
    const weft_http_options options = {.grace = 100 * WEFT_MS};
    WEFT_TRY(weft_http_server_new(&service.server, &options));
    WEFT_TRY(weft_http_server_add(service.server, &route));
    WEFT_TRY(weft_http_server_listen(service.server, WIRE_SERVER ":80"));
    weft_task stopper = weft_spawn(stop_at_end, &service);
    if (write(service.control, "r", 1) != 1)
        return -EPIPE;
    int rc = weft_http_serve(service.server);
    int stopped = weft_await(stopper);
    weft_http_server_free(service.server);
    return rc < 0 ? rc : stopped;
}

static int server_main(int control)
{
    return weft_run(serve, &control) < 0;
}

/* ---- the client's process ---- */

struct counts {
    unsigned whole, failed, wrong;
};

static bool is_right(unsigned n, const weft_client_response *got)
{
    if (got->status != 200 || got->body.len != body_bytes(n))
        return false;
    for (size_t i = 0; i < got->body.len; i++)
        if (got->body.ptr[i] != body_byte(n, i))
            return false;
    return true;
}

static void ask(weft_client *client, unsigned n, struct counts *counts)
{
    char url[64];
    weft_client_response got;
    snprintf(url, sizeof url, "http://" WIRE_SERVER ":80/%u", n);
    if (weft_client_get(client, url, &got) < 0) {
        counts->failed++;
        return;
    }
    if (is_right(n, &got))
        counts->whole++;
    else if (got.status < 500)
        counts->wrong++;
    else
        counts->failed++;
    weft_client_response_free(&got);
}

static int talk(void *arg)
{
    struct counts *counts = arg;
    weft_client *client;
    weft_client_options options = {.limits = {.connect_max = REQUEST_TIME,
                                              .first_byte_max = REQUEST_TIME,
                                              .between_max = REQUEST_TIME,
                                              .total_max = REQUEST_TIME}};
    weft_time until = weft_after(TALK_TIME), patience = weft_after(PATIENCE);
    WEFT_TRY(weft_client_new(&client, &options));
    for (unsigned n = 0; n < 60 && weft_now() < until; n++)
        ask(client, n, counts);
    for (unsigned n = 60; counts->whole == 0 && weft_now() < patience; n++)
        ask(client, n, counts);
    weft_client_free(client);
    return 0;
}

static int client_main(int control)
{
    struct counts counts = {0};
    int rc = weft_run(talk, &counts);
    return rc < 0 || write(control, &counts, sizeof counts) != sizeof counts;
}

/* ---- both ---- */

static void start(struct wire_end *end, const char *address, wire_main *main)
{
    if (wire_end_start(end, address, main) < 0)
        SKIP("network namespaces are not permitted");
}

static struct counts talk_over(const struct wire_plan *plan)
{
    struct wire_end ends[2];
    struct counts counts;
    char ready;
    note("%s", plan->what);
    use_real_time();
    start(&ends[0], WIRE_SERVER, server_main);
    start(&ends[1], WIRE_CLIENT, client_main);
    wire_end_go(&ends[0]);
    CHECK_EQ(read(ends[0].control, &ready, 1), 1);
    wire_end_go(&ends[1]);
    bool is_over = wire_run(ends, plan, test_seed(), &ends[1], 20000);
    CHECK(is_over); /* nobody hangs */
    CHECK_EQ(recv(ends[1].control, &counts, sizeof counts, MSG_WAITALL), (ssize_t)sizeof counts);
    CHECK_EQ(wire_end_stop(&ends[1], 10000), 0);
    CHECK_EQ(wire_end_stop(&ends[0], 10000), 0);
    CHECK_EQ(counts.wrong, 0u);
    CHECK_GT(counts.whole + counts.failed, 0u);
    return counts;
}

TEST(class_26_answers_over_a_slow_wire_that_reorders_are_whole)
{
    const struct wire_plan plan = {
        .what = "delay, reorder", .delay_ms = 1, .jitter_ms = 3, .twice = 30};
    CHECK_GT(talk_over(&plan).whole, 0u);
}

TEST(class_26_answers_over_a_wire_that_loses_are_whole_or_errors)
{
    const struct wire_plan plan = {.what = "loss", .jitter_ms = 2, .loss = 40};
    CHECK_GT(talk_over(&plan).whole, 0u);
}

TEST(class_26_answers_whose_connection_is_reset_are_errors)
{
    const struct wire_plan plan = {.what = "reset", .jitter_ms = 1, .reset = 30};
    CHECK_GT(talk_over(&plan).whole, 0u);
}

TEST(class_26_a_wire_that_is_cut_for_a_while_stops_nobody_for_ever)
{
    const struct wire_plan plan = {
        .what = "cut for 200 ms", .delay_ms = 1, .cut_from_ms = 50, .cut_until_ms = 250};
    CHECK_GT(talk_over(&plan).whole, 0u);
}

TEST(class_26_a_wire_that_stays_cut_ends_every_request_in_its_time)
{
    const struct wire_plan plan = {
        .what = "cut for ever", .delay_ms = 1, .cut_from_ms = 30, .cut_until_ms = 1000000};
    CHECK_GT(talk_over(&plan).failed, 0u);
}
