/* SPDX-License-Identifier: MIT */

/* The simulated network by a plan: hosts cut from each other, slow and broken connections,
 * datagrams that get lost (rule Z04). */

#include "harness/harness.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/udp.h>

#include <string.h>

#define SERVER "10.0.0.1"
#define CLIENT "10.0.0.2"
#define THIRD "10.0.0.3"

/* ---- a server that echoes, and clients elsewhere ---- */

static weft_listener *listener;

static weft_addr addr_of(const char *text)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, text));
    return addr;
}

static int echo(void *arg)
{
    weft_stream *stream = arg;
    char buf[1000];
    ssize_t count = 0;
    int rc = 0;
    while (rc == 0 && (count = weft_stream_read(stream, buf, sizeof buf)) > 0)
        rc = weft_stream_write(stream, buf, (size_t)count);
    weft_stream_abort(stream);
    return 0;
}

static int serve(void *arg)
{
    (void)arg;
    CHECK_OK(weft_sim_host(SERVER));
    WEFT_GROUP(group);
    for (;;) {
        weft_stream *stream;
        WEFT_TRY(weft_listener_accept(listener, &stream));
        CHECK_OK(weft_group_spawn(group, echo, stream));
    }
}

/* From `host`; the connection in *out. */
static int connect_from(const char *host, weft_stream **out)
{
    weft_addr addr = addr_of(SERVER ":80");
    WEFT_TRY(weft_sim_host(host));
    return weft_stream_connect(out, &addr);
}

/* Sends and waits for the answer: how long that took, or the error. */
static int64_t ask(weft_stream *stream, size_t bytes)
{
    static char out[100000], in[100000];
    weft_time begin = weft_now();
    WEFT_TRY(weft_stream_write(stream, out, bytes));
    WEFT_TRY(weft_stream_flush(stream));
    ssize_t count = weft_stream_read_exact(stream, in, bytes);
    return count < 0 ? count : weft_now() - begin;
}

struct world {
    int (*body)(void);
};

static int world_main(void *arg)
{
    const struct world *world = arg;
    weft_addr addr = addr_of("0.0.0.0:80");
    CHECK_OK(weft_sim_host(SERVER));
    CHECK_OK(weft_listener_open(&listener, &addr, NULL));
    weft_task server = weft_spawn(serve, NULL);
    int rc = world->body();
    weft_cancel(server, "enough");
    (void)weft_await(server);
    weft_listener_close(listener);
    return rc;
}

/* Runs `body` beside the server under ten seeds. */
static void run_world(const char *text, int (*body)(void))
{
    struct world world = {.body = body};
    for (uint64_t seed = 1; seed <= 10; seed++) {
        weft_sim_options plan = {.seed = seed};
        weft_sim_stats stats;
        note("seed %llu", (unsigned long long)seed);
        CHECK_OK(weft_sim_plan(&plan, text));
        CHECK_OK(weft_sim_run_with(&plan, world_main, &world));
        weft_sim_stats_get(&stats);
        CHECK_EQ(stats.descriptor_count, 0u);
    }
}

/* ---- cut ---- */

static int ask_across_a_cut(void)
{
    weft_stream *stream;
    WEFT_TRY(connect_from(CLIENT, &stream));
    CHECK_LT(ask(stream, 10), 200 * WEFT_MS);
    WEFT_TRY(weft_sleep(2 * WEFT_SEC)); /* it began after one, and lasts three */
    int64_t took = ask(stream, 10);
    CHECK_GT(took, 1500 * WEFT_MS);
    CHECK_LT(took, 2500 * WEFT_MS);
    CHECK_LT(ask(stream, 10), 200 * WEFT_MS);
    return weft_stream_close(stream);
}

TEST(test_Z04_bytes_wait_while_hosts_are_cut_from_each_other)
{
    run_world("cut " SERVER " from " CLIENT " after 1s within 100ms for 3s", ask_across_a_cut);
    run_world("cut " CLIENT " after 1s for 3s", ask_across_a_cut);
}

static int ask_from_a_third_host(void)
{
    weft_stream *stream;
    WEFT_TRY(connect_from(THIRD, &stream));
    WEFT_TRY(weft_sleep(2 * WEFT_SEC));
    CHECK_LT(ask(stream, 10), 200 * WEFT_MS);
    return weft_stream_close(stream);
}

TEST(test_Z04_a_cut_is_between_two_hosts_only)
{
    run_world("cut " SERVER " from " CLIENT, ask_from_a_third_host);
}

static int connect_across_a_cut(void)
{
    weft_stream *stream;
    weft_time begin = weft_now();
    CHECK_EQ(connect_from(CLIENT, &stream), -ETIMEDOUT);
    CHECK_EQ(weft_now() - begin > 120 * WEFT_SEC, true);
    CHECK_LT(weft_now() - begin, 130 * WEFT_SEC);
    return 0;
}

TEST(test_Z04_a_connect_to_a_host_that_is_cut_off_times_out)
{
    run_world("cut " SERVER, connect_across_a_cut);
}

static int connect_when_it_heals(void)
{
    weft_stream *stream;
    weft_time begin = weft_now();
    WEFT_TRY(connect_from(CLIENT, &stream));
    CHECK_GE(weft_now() - begin, 5 * WEFT_SEC);
    CHECK_LT(weft_now() - begin, 20 * WEFT_SEC);
    return weft_stream_close(stream);
}

TEST(test_Z04_a_connect_gets_through_when_the_cut_heals)
{
    run_world("cut " SERVER " for 5s", connect_when_it_heals);
}

static int send_until_given_up(void)
{
    weft_stream *stream;
    WEFT_TRY(connect_from(CLIENT, &stream));
    WEFT_TRY(weft_sim_happen(&(weft_sim_fault){.kind = WEFT_SIM_CUT, .a = CLIENT}));
    weft_time begin = weft_now();
    CHECK_EQ(ask(stream, 10), -ETIMEDOUT);
    CHECK_GE(weft_now() - begin, 900 * WEFT_SEC);
    CHECK_LT(weft_now() - begin, 910 * WEFT_SEC);
    weft_stream_abort(stream);
    return 0;
}

TEST(test_Z04_a_sender_that_hears_nothing_gives_up)
{
    run_world("", send_until_given_up);
}

/* ---- slow, broken ---- */

static int ask_slowly(void)
{
    weft_stream *stream;
    WEFT_TRY(connect_from(CLIENT, &stream));
    int64_t took = ask(stream, 50000); /* there and back, and both ways at once */
    CHECK_GT(took, 5 * WEFT_SEC);
    CHECK_LT(took, 11 * WEFT_SEC);
    return weft_stream_close(stream);
}

TEST(test_Z04_a_slow_link_moves_so_many_bytes_a_second)
{
    run_world("slow " CLIENT " from " SERVER " at 10KB", ask_slowly);
}

static int ask_until_it_breaks(void)
{
    for (int round = 0; round < 3; round++) {
        weft_stream *stream;
        int64_t rc = 0;
        WEFT_TRY(connect_from(CLIENT, &stream));
        while (rc >= 0) {
            rc = ask(stream, 10);
            if (rc >= 0)
                WEFT_TRY(weft_sleep(50 * WEFT_MS));
        }
        CHECK(rc == -ECONNRESET || rc == -EPIPE);
        weft_time second = (weft_now() - 1000 * WEFT_SEC) / WEFT_SEC;
        CHECK_EQ(second, 1 + 2 * round);
        weft_stream_abort(stream);
    }
    return 0;
}

TEST(test_Z04_connections_break_at_their_times)
{
    run_world("break " CLIENT " after 1s within 500ms every 2s", ask_until_it_breaks);
    run_world("break after 1s within 500ms every 2s", ask_until_it_breaks);
}

/* A fault that comes again and again keeps nobody waiting who waits for nothing. */
static int wait_for_nothing(void)
{
    weft_event never = {0};
    CHECK_EQ(weft_event_wait(&never), -EDEADLK);
    return 0;
}

static int deadlock_main(void *arg)
{
    (void)arg;
    return wait_for_nothing();
}

TEST(test_F06_a_plan_hides_no_deadlock)
{
    weft_sim_options plan = {.seed = 1};
    CHECK_OK(weft_sim_plan(&plan, "break after 1s every 2s, cut for 1s every 3s"));
    CHECK_OK(weft_sim_run_with(&plan, deadlock_main, NULL));
}

/* ---- datagrams ---- */

struct tally {
    int received, twice, out_of_order;
};

static int send_datagrams(void *arg)
{
    weft_udp *client = arg;
    WEFT_TRY(weft_sim_host(CLIENT));
    for (int i = 0; i < 200; i++) {
        CHECK_EQ(weft_udp_send(client, &i, sizeof i, NULL), (ssize_t)sizeof i);
        WEFT_TRY(weft_sleep(100 * WEFT_US));
    }
    return 0;
}

static int count_datagrams(void *arg)
{
    struct tally *tally = arg;
    bool seen[200] = {false};
    int last = -1;
    weft_addr addr = addr_of("0.0.0.0:53");
    weft_udp *server, *client;
    CHECK_OK(weft_sim_host(SERVER));
    CHECK_OK(weft_udp_open(&server, &addr));
    CHECK_OK(weft_sim_host(CLIENT));
    CHECK_OK(weft_udp_connect(&client, weft_udp_get_addr(server)));
    weft_task sender = weft_spawn(send_datagrams, client);
    WEFT_TIMEOUT(scope, WEFT_SEC);
    int number;
    while (weft_udp_recv(server, &number, sizeof number, NULL) == (ssize_t)sizeof number) {
        CHECK(number >= 0 && number < 200);
        tally->received++;
        tally->twice += seen[number];
        tally->out_of_order += number < last;
        seen[number] = true;
        last = number;
    }
    CHECK_OK(weft_done(sender, NULL));
    weft_udp_close(server);
    weft_udp_close(client);
    return weft_scope_close(&scope, 0);
}

static struct tally datagrams_under(const char *text)
{
    struct tally tally = {0};
    weft_sim_options plan = {.seed = 5};
    CHECK_OK(weft_sim_plan(&plan, text));
    CHECK_OK(weft_sim_run_with(&plan, count_datagrams, &tally));
    return tally;
}

TEST(test_Z04_datagrams_are_lost_doubled_and_overtake_each_other_by_the_plan)
{
    struct tally all = datagrams_under("delay none");
    CHECK_EQ(all.received, 200);
    CHECK_EQ(all.twice + all.out_of_order, 0);

    struct tally late = datagrams_under("delay 2ms");
    CHECK_EQ(late.received, 200);
    CHECK_GT(late.out_of_order, 20);

    struct tally lost = datagrams_under("delay none, lost 20%");
    CHECK_GT(lost.received, 120);
    CHECK_LT(lost.received, 190);

    struct tally doubled = datagrams_under("delay none, doubled 20%");
    CHECK_EQ(doubled.received, 200 + doubled.twice);
    CHECK_GT(doubled.twice, 10);

    struct tally cut = datagrams_under("delay none, cut " SERVER " from " CLIENT " for 10ms");
    CHECK_GT(cut.received, 80);
    CHECK_LT(cut.received, 120);
}
