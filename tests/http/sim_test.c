/* SPDX-License-Identifier: MIT */

/*
 * Both ends under the simulator: a server and clients that try again, while the network between
 * them delays, resets and cuts.  No hang, no leak, and no half answer taken as whole.
 *
 * Each plan gets 300 seeds, or with --seeds as many as there is time for.
 */

#include "site.h"

#include <weft/error.h>
#include <weft/scope.h>
#include <weft/sim.h>

#include <stdlib.h>

enum { CLIENTS = 3, TRIES_MAX = 30, SEEDS = 300, STEPS_MAX = 2000000 };

static const char *plan_text;
static unsigned answers, failures; /* of all seeds */

/* ---- one request, and what its answer must be ---- */

struct exchange {
    const char *head;
    size_t sent;    /* bytes of the pattern behind the head */
    size_t body_at; /* what comes back is the pattern from here on … */
    size_t body;    /* … so many bytes; 0: `text` */
    const char *text;
};

#define HOST "Host: a\r\n"

static const struct exchange exchanges[] = {
    {.head = "GET /ok HTTP/1.1\r\n" HOST "\r\n", .text = "ok\n"},
    {.head = "POST /echo HTTP/1.1\r\n" HOST "Content-Length: 20000\r\n\r\n",
     .sent = 20000,
     .body = 20000},
    {.head = "POST /layered HTTP/1.1\r\n" HOST "Content-Length: 20000\r\n\r\n",
     .sent = 20000,
     .body = 20000},
    {.head = "POST /stream HTTP/1.1\r\n" HOST "Content-Length: 9000\r\n\r\n",
     .sent = 9000,
     .body = 9000},
    {.head = "GET /count?n=4 HTTP/1.1\r\n" HOST "\r\n", .text = "line 0\nline 1\nline 2\nline 3\n"},
};
enum { EXCHANGES = sizeof exchanges / sizeof exchanges[0] };

static char pattern[20000];

static void pattern_fill(void)
{
    for (size_t i = 0; i < sizeof pattern; i++)
        pattern[i] = (char)(i * 31 + i / 256);
}

/* A whole answer is the right one.  The server may refuse one it cannot serve. */
static void check_answer(const struct exchange *exchange, const struct answer *answer)
{
    if (answer->status == 408 || answer->status == 503)
        return;
    CHECK_EQ(answer->status, 200);
    CHECK(!answer->is_to_end);
    if (exchange->text != NULL)
        CHECK_BYTES(answer->body, answer->body_bytes, exchange->text, strlen(exchange->text));
    else
        CHECK_BYTES(answer->body, answer->body_bytes, pattern, exchange->body);
    answers++;
}

/* 1: it was answered, and the connection goes on; 0: it ends. */
static int do_exchange(weft_stream *stream, const struct exchange *exchange)
{
    struct answer answer = {0};
    WEFT_TRY(weft_stream_write(stream, exchange->head, strlen(exchange->head)));
    WEFT_TRY(weft_stream_write(stream, pattern, exchange->sent));
    int rc = client_read(stream, &answer);
    if (rc >= 0) {
        check_answer(exchange, &answer);
        rc = answer_field(&answer, "Connection") == NULL;
    }
    answer_fini(&answer);
    return rc;
}

/* On one connection, from *next on, as many as it bears. */
static int do_connection(struct site *site, size_t *next)
{
    weft_stream *stream;
    WEFT_TRY(weft_stream_connect(&stream, &site->addr));
    int rc = 1;
    while (rc > 0 && *next < EXCHANGES) {
        rc = do_exchange(stream, &exchanges[*next]);
        *next += rc >= 0;
    }
    weft_stream_abort(stream);
    return rc;
}

struct
try {
    struct site *site;
    size_t next;
};

static int try_once(void *arg)
{
    struct try *try = arg;
    return do_connection(try->site, &try->next);
}

static int client(void *arg)
{
    struct try try = {.site = arg};
    for (int tries = 0; try.next < EXCHANGES; tries++) {
        if (tries == TRIES_MAX)
            return weft_fail(-ETIMEDOUT, "not served in %d tries", tries);
        int ended, rc = weft_wait_for(try_once, &try, 10 * WEFT_SEC);
        if (weft_done(try.site->task, &ended) == 1)
            return ended; /* the server gave up: without memory it may, at its start */
        failures += rc < 0;
        WEFT_TRY(weft_sleep(rc < 0 ? 100 * WEFT_MS : 0));
    }
    return 0;
}

/* ---- a run ---- */

static int both_ends(void *arg)
{
    weft_sim_stats stats;
    (void)arg;
    weft_sim_stats_get(&stats);
    note("\"%s\", seed %llu", plan_text, (unsigned long long)stats.seed);
    return site_meet(client, CLIENTS);
}

static void sweep(const char *text)
{
    plan_text = text;
    pattern_fill();
    uint64_t done = test_sweep_plan(text, SEEDS, STEPS_MAX, both_ends, NULL);
    CHECK_GE(answers, done * CLIENTS * EXCHANGES / 2);
}

TEST(http_both_ends_under_delay)
{
    sweep("delay 300ms");
    CHECK_EQ(failures, 0u);
}

TEST(http_both_ends_while_connections_break)
{
    sweep("delay 5ms, reset 1%");
    CHECK_GT(failures, 0u);
}

TEST(http_both_ends_while_connections_break_at_once_for_all)
{
    sweep("delay 20ms, break within 100ms every 500ms");
    CHECK_GT(failures, 0u);
}

TEST(http_both_ends_while_hosts_are_cut_from_each_other)
{
    sweep("delay 20ms, cut after 20ms within 200ms for 15s every 20s");
    CHECK_GT(failures, 0u);
}

/* ---- a slow reader ---- */

/* Reads an answer at 5 KB a second.  What stands between is a buffer of 4 MiB, which once it is
 * full takes nothing for four minutes. */
static int slow_reader(void *arg)
{
    static char buf[5000];
    struct site *site = arg;
    const char *ask = "GET /large?kib=12288 HTTP/1.1\r\n" HOST "\r\n";
    weft_stream *stream;
    WEFT_TRY(weft_stream_connect(&stream, &site->addr));
    WEFT_TRY(weft_stream_write(stream, ask, strlen(ask)));
    for (size_t left = (size_t)12288 * 1024; left > sizeof buf; left -= sizeof buf) {
        WEFT_TRY(weft_sleep(WEFT_SEC));
        ssize_t count = weft_stream_read_exact(stream, buf, sizeof buf);
        if (count < 0)
            return (int)count;
    }
    weft_stream_abort(stream);
    answers++;
    return 0;
}

/* Is not idle while it reads what the kernel holds for it: two minutes. */
static int slow_reader_goes_on(void *arg)
{
    static char buf[25000];
    struct site site;
    struct answer answer;
    weft_str head;
    (void)arg;
    WEFT_TRY(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /large?kib=3072 HTTP/1.1\r\n" HOST "\r\n");
    ssize_t count = weft_stream_peek_until(client, (weft_str){"\r\n\r\n", 4}, 8000, &head);
    CHECK_GT(count, 0);
    weft_stream_consume(client, (size_t)count);
    for (size_t left = (size_t)3072 * 1024; left > 0;) {
        size_t piece = left < sizeof buf ? left : sizeof buf;
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_EQ(weft_stream_read_exact(client, buf, piece), (ssize_t)piece);
        left -= piece;
    }
    client_send(client, "GET /ok HTTP/1.1\r\n" HOST "\r\n");
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    answer_fini(&answer);
    answers++;
    CHECK_OK(weft_stream_close(client));
    return site_close(&site);
}

/* But who reads a little of that now and then does not keep it for hours. */
static int crumb_reader(void *arg)
{
    static char buf[100000];
    const weft_http_options options = {.limits.keep_alive_max = 200 * WEFT_SEC};
    struct site site;
    weft_http_stats stats = {.connections_open = 1};
    (void)arg;
    WEFT_TRY(site_open(&site, &options));
    weft_stream *client = client_open(&site);
    client_send(client, "GET /large?kib=3072 HTTP/1.1\r\n" HOST "\r\n");
    weft_time from = weft_now();
    while (stats.connections_open != 0) {
        CHECK_OK(weft_sleep(190 * WEFT_SEC));
        ssize_t count = weft_stream_read_exact(client, buf, sizeof buf);
        CHECK(count > 0 || count == -ECONNRESET || count == -WEFT_ETRUNCATED);
        weft_http_server_get_stats(site.server, &stats);
        CHECK_LE(weft_now() - from, 1000 * WEFT_SEC);
    }
    answers++;
    weft_stream_abort(client);
    return site_close(&site);
}

static int slow_reader_is_served(void *arg)
{
    const weft_http_options options = {.limits.handler_time_max = 3600 * WEFT_SEC};
    struct site site;
    (void)arg;
    WEFT_TRY(site_open(&site, &options));
    int rc = slow_reader(&site);
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}

TEST(http_a_reader_that_is_slower_than_the_kernel_is_patient)
{
    uint64_t done = test_sweep_plan("buffer 4MiB", 4, STEPS_MAX, slow_reader_is_served, NULL);
    CHECK_EQ(answers, done);
}

TEST(http_a_client_that_reads_slowly_keeps_its_connection)
{
    uint64_t done = test_sweep_plan("buffer 4MiB", 4, STEPS_MAX, slow_reader_goes_on, NULL);
    CHECK_EQ(answers, done);
}

TEST(http_a_client_that_reads_crumbs_keeps_its_connection_for_minutes)
{
    uint64_t done = test_sweep_plan("buffer 4MiB", 4, STEPS_MAX, crumb_reader, NULL);
    CHECK_EQ(answers, done);
}

TEST(http_both_ends_on_a_slow_link)
{
    sweep("slow at 20KB, delay 50ms, buffer 4KiB");
}

TEST(http_both_ends_without_memory_now_and_then)
{
    sweep("delay 5ms, memory-errors 0.2%");
}
