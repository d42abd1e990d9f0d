/* SPDX-License-Identifier: MIT */

/*
 * What does it cost to hand something to another task through a channel?  N round trips between two
 * tasks over two channels: two hops and two switches each, without and with room for one item; N
 * items through one channel with room for 64, where most hand-overs need no switch.  Items are of
 * eight bytes.  Starting tasks and the loop is left out.
 */

#include "bench.h"

#include <weft.h>

static size_t count;

struct table {
    weft_chan *there, *back;
};

static void must(int rc)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "chan: %s\n", weft_strerror(rc));
    exit(1);
}

static int answer(void *arg)
{
    const struct table *table = arg;
    uint64_t ball;
    while (weft_recv(table->there, &ball) == 1)
        must(weft_send(table->back, &ball));
    return 0;
}

static void ping_pong(void *arg)
{
    const struct table *table = arg;
    for (uint64_t i = 0; i < count; i++) {
        uint64_t ball = i;
        must(weft_send(table->there, &ball));
        must(weft_recv(table->back, &ball));
        if (ball != i)
            must(-EPROTO);
    }
}

static int produce(void *arg)
{
    const struct table *table = arg;
    for (uint64_t i = 0; i < count; i++)
        must(weft_send(table->there, &i));
    return 0;
}

static void consume(void *arg)
{
    const struct table *table = arg;
    weft_task producer = weft_spawn(produce, arg);
    for (uint64_t i = 0; i < count; i++) {
        uint64_t item;
        must(weft_recv(table->there, &item));
        if (item != i)
            must(-EPROTO);
    }
    must(weft_await(producer));
    weft_release(producer);
}

static void measure_with(size_t capacity, const char *name, weft_fn *partner, void (*fn)(void *arg))
{
    struct table table;
    must(weft_chan_new(&table.there, sizeof(uint64_t), capacity));
    must(weft_chan_new(&table.back, sizeof(uint64_t), capacity));
    weft_task task = {0};
    if (partner != NULL)
        task = weft_spawn(partner, &table);
    bench_run(name, (double)count, fn, &table);
    weft_chan_close(table.there, WEFT_CHAN_KEEP);
    if (partner != NULL)
        must(weft_await(task));
    weft_chan_free(table.there);
    weft_chan_free(table.back);
}

static int measure(void *arg)
{
    (void)arg;
    measure_with(0, "chan_ping_pong", answer, ping_pong);
    measure_with(1, "chan_ping_pong_1", answer, ping_pong);
    measure_with(64, "chan_stream_64", NULL, consume);
    return 0;
}

int main(int argc, char **argv)
{
    count = bench_count(argc, argv, 300000);
    return weft_run(measure, NULL) < 0;
}
