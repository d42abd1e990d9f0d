/* SPDX-License-Identifier: MIT */

/*
 * Does an operation get dearer the more is alive?  The same work beside 1,000, 10,000 … N others:
 * a task spawned and awaited beside N that wait for an event, and each of these woken; a timer of N
 * put off; a byte sent over one of N connections of the simulated network, their opening and end.
 * One result a size, its name ends in the size; tools/bench-growth makes exponents of them.
 */

#include "bench.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/sim.h>
#include <weft/sys/loop.h>

#define OPERATIONS 100000
#define SMALLEST 1000
#define SPREAD (60 * WEFT_SEC)

static void check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "growth: %s: %s\n", what, weft_strerror(rc));
    exit(1);
}

static void *allocate(size_t count, size_t bytes)
{
    void *all = calloc(count, bytes);
    check(all == NULL ? -ENOMEM : 0, "memory");
    return all;
}

static void tell(const char *what, size_t count, double *values, size_t runs)
{
    char name[64];
    snprintf(name, sizeof name, "growth_%s_%zu", what, count);
    bench_print(name, "ns", values, NULL, runs);
}

/* ---- tasks ---- */

static weft_event gate;

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

static int wait_for_gate(void *arg)
{
    (void)arg;
    return weft_event_wait(&gate);
}

static double spawn_and_await(void)
{
    double start = bench_cpu();
    for (size_t i = 0; i < OPERATIONS; i++) {
        weft_task task = weft_spawn(nothing, NULL);
        check(weft_await(task), "await");
        weft_release(task);
    }
    return (bench_cpu() - start) / OPERATIONS;
}

static int beside_tasks(void *arg)
{
    size_t count = *(const size_t *)arg;
    double spawned[BENCH_RUNS];
    gate = (weft_event){0};
    WEFT_GROUP(group);
    for (size_t i = 0; i < count; i++)
        check(weft_group_spawn(group, wait_for_gate, NULL), "spawn");
    check(weft_yield(), "yield");
    for (int i = 0; i < BENCH_RUNS; i++)
        spawned[i] = spawn_and_await();
    tell("spawn_await", count, spawned, BENCH_RUNS);

    double start = bench_cpu();
    weft_event_set(&gate);
    check(weft_group_wait(group), "group");
    double woken = (bench_cpu() - start) / (double)count;
    tell("wake", count, &woken, 1);
    return 0;
}

/* ---- timers ---- */

static void fire(weft_timer *timer)
{
    (void)timer;
}

static int among_timers(void *arg)
{
    size_t count = *(const size_t *)arg;
    weft_loop *loop = weft_loop_self();
    weft_timer *timers = allocate(count, sizeof *timers);
    weft_time now = weft_now() + SPREAD; /* none of them comes while we measure */
    for (size_t i = 0; i < count; i++) {
        weft_timer_init(&timers[i], fire);
        weft_timer_start(loop, &timers[i], now + (weft_time)(bench_random() % SPREAD));
    }
    double put_off[BENCH_RUNS];
    for (int run = 0; run < BENCH_RUNS; run++) {
        double start = bench_cpu();
        for (size_t i = 0; i < OPERATIONS; i++) {
            uint64_t random = bench_random();
            weft_timer_start(loop, &timers[random % count],
                             now + (weft_time)((random >> 20) % SPREAD));
        }
        put_off[run] = (bench_cpu() - start) / OPERATIONS;
    }
    tell("timer", count, put_off, BENCH_RUNS);
    for (size_t i = 0; i < count; i++)
        weft_timer_stop(loop, &timers[i]);
    free(timers);
    return 0;
}

/* ---- connections in simulation ---- */

#define A_HOST 10000           /* connections from one address: it has 16,384 ports */
#define CONNECTIONS_MAX 500000 /* each has two operations, of which a loop has a million */

struct connections {
    weft_stream *(*pairs)[2];
    size_t from, to;
    weft_listener *listener;
};

static int open_from_a_host(void *arg)
{
    const struct connections *these = arg;
    char host[32];
    size_t number = these->from / A_HOST;
    snprintf(host, sizeof host, "10.0.%zu.%zu", number / 250, number % 250 + 1);
    check(weft_sim_host(host), "host");
    for (size_t i = these->from; i < these->to; i++) {
        weft_stream **pair = these->pairs[i];
        check(weft_stream_connect(&pair[0], weft_listener_get_addr(these->listener)), "connect");
        check(weft_listener_accept(these->listener, &pair[1]), "accept");
    }
    return 0;
}

static void open_all(weft_stream *(*pairs)[2], size_t count)
{
    struct connections these = {.pairs = pairs};
    weft_addr any;
    check(weft_addr_parse(&any, "127.0.0.1:0"), "address");
    check(weft_listener_open(&these.listener, &any, NULL), "listener");
    for (; these.from < count; these.from = these.to) {
        these.to = these.from + A_HOST < count ? these.from + A_HOST : count;
        check(weft_await(weft_spawn(open_from_a_host, &these)), "open");
    }
    weft_listener_close(these.listener);
}

static void send_bytes(weft_stream *(*pairs)[2], size_t count)
{
    char byte = 'x';
    for (size_t i = 0; i < OPERATIONS / 10; i++) {
        weft_stream **pair = pairs[bench_random() % count];
        check(weft_stream_write(pair[0], &byte, 1), "write");
        check((int)weft_stream_read_exact(pair[1], &byte, 1), "read");
    }
}

static void close_all(weft_stream *(*pairs)[2], size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weft_stream_abort(pairs[i][0]);
        weft_stream_abort(pairs[i][1]);
    }
}

static int among_connections(void *arg)
{
    size_t count = *(const size_t *)arg;
    weft_stream *(*pairs)[2] = allocate(count, sizeof *pairs);
    double start = bench_cpu();
    open_all(pairs, count);
    double opened = (bench_cpu() - start) / (double)count, sent[BENCH_RUNS];
    tell("connection_open", count, &opened, 1);
    for (int run = 0; run < BENCH_RUNS; run++) {
        start = bench_cpu();
        send_bytes(pairs, count);
        sent[run] = (bench_cpu() - start) / (OPERATIONS / 10);
    }
    tell("connection_byte", count, sent, BENCH_RUNS);
    start = bench_cpu();
    close_all(pairs, count);
    check(weft_sleep(WEFT_SEC), "sleep"); /* they are closed behind us */
    double closed = (bench_cpu() - start) / (double)count;
    tell("connection_close", count, &closed, 1);
    free(pairs);
    return 0;
}

int main(int argc, char **argv)
{
    size_t largest = bench_count(argc, argv, 1000000);
    for (size_t count = SMALLEST; count <= largest; count *= 10) {
        check(weft_run(beside_tasks, &count), "tasks");
        check(weft_run(among_timers, &count), "timers");
        size_t connections = count < CONNECTIONS_MAX ? count : CONNECTIONS_MAX;
        const weft_sim_options plan = {.seed = 1,
                                       .descriptor_max = (uint32_t)(2 * connections + 64)};
        check(weft_sim_run_with(&plan, among_connections, &connections), "connections");
    }
    return 0;
}
