/* SPDX-License-Identifier: MIT */

/* Generators made of generators, and loops over them. */

#include "harness/harness.h"

#include "gen_bodies.h"

#include <weft.h>

static weft_gen *counting(struct counter *counter)
{
    return weft_gen_open(count_up, counter);
}

/* ---- channel ---- */

static int send_all(void *arg)
{
    weft_chan *chan = arg;
    int rc = 0;
    for (int i = 0; i < 5 && rc == 0; i++) {
        rc = weft_sleep(WEFT_MS);
        if (rc == 0)
            rc = weft_send(chan, &i);
    }
    (void)weft_chan_close(chan, WEFT_CHAN_KEEP);
    return rc;
}

TASK_TEST(test_gen_of_chan_yields_until_it_is_closed_and_drained)
{
    weft_chan *chan;
    CHECK_OK(weft_chan_new(&chan, sizeof(int), 2));
    weft_task sender = weft_spawn(send_all, chan);
    int sum = 0;
    CHECK_OK(add_up(weft_gen_of_chan(chan, sizeof(int)), &sum));
    CHECK_EQ(sum, 10);
    CHECK_OK(weft_await(sender));
    weft_chan_free(chan);
}

TASK_TEST(test_gen_of_chan_wants_the_size_of_the_channels_items)
{
    weft_chan *chan;
    int sum = 0;
    CHECK_OK(weft_chan_new(&chan, sizeof(weft_str), 2));
    CHECK_EQ(add_up(weft_gen_of_chan(chan, sizeof(int)), &sum), -EINVAL);
    CHECK_STR(weft_error_text(), "items of 4 bytes from a channel of 16");
    weft_chan_free(chan);
}

/* ---- reader ---- */

static const char text[] = "one\ntwo\r\n\nfour and more\nlast";

/* Three bytes at a time, each after a wait. */
static ssize_t read_text(void *buf, size_t bytes, void *arg)
{
    size_t *at = arg, left = sizeof text - 1 - *at;
    size_t count = bytes < 3 ? bytes : 3;
    count = count < left ? count : left;
    int rc = weft_sleep(WEFT_MS);
    if (rc < 0)
        return rc;
    memcpy(buf, text + *at, count);
    *at += count;
    return (ssize_t)count;
}

/* The values with a bar after each. */
static int join(weft_gen *gen, char *out, size_t bytes, int count_max)
{
    weft_str value;
    int rc, count = 0;
    out[0] = '\0';
    weft_foreach(rc, value, gen)
    {
        size_t used = strlen(out);
        snprintf(out + used, bytes - used, "%.*s|", (int)value.len, value.ptr);
        if (++count == count_max)
            break;
    }
    return rc;
}

TASK_TEST(test_gen_of_lines_yields_each_line_and_goes_on_where_it_was_left)
{
    weft_reader *reader;
    size_t at = 0;
    char got[64];
    CHECK_OK(weft_reader_new(&reader, NULL, read_text, &at));
    CHECK_OK(join(weft_gen_of_lines(reader), got, sizeof got, 2));
    CHECK_STR(got, "one|two|");
    CHECK_EQ(weft_reader_get_line(reader), 2);
    WEFT_SCOPE_(limit, weft_after(WEFT_MS / 2), 0);
    CHECK_EQ(weft_scope_close(&limit, join(weft_gen_of_lines(reader), got, sizeof got, 0)),
             -ETIMEDOUT);
    CHECK_STR(got, "");
    CHECK_OK(join(weft_gen_of_lines(reader), got, sizeof got, 0));
    CHECK_STR(got, "|four and more|last|");
    weft_reader_close(reader);
}

TASK_TEST(test_gen_of_lines_fails_with_the_line_that_is_too_long)
{
    weft_reader *reader;
    size_t at = 0;
    char got[64];
    CHECK_OK(weft_reader_new(&reader, &(weft_reader_options){.bytes_max = 8}, read_text, &at));
    CHECK_EQ(join(weft_gen_of_lines(reader), got, sizeof got, 0), -WEFT_ELIMIT);
    CHECK_STR(got, "one|two||");
    CHECK(strstr(weft_error_text(), "line 4") != NULL);
    CHECK_OK(join(weft_gen_of_lines(reader), got, sizeof got, 0));
    CHECK_STR(got, "last|");
    weft_reader_close(reader);
}

TASK_TEST(test_gen_of_blocks_yields_blocks_and_a_shorter_last_one)
{
    weft_reader *reader;
    size_t at = 0;
    char got[64];
    CHECK_OK(weft_reader_new(&reader, NULL, read_text, &at));
    CHECK_OK(join(weft_gen_of_blocks(reader, 12), got, sizeof got, 0));
    CHECK_STR(got, "one\ntwo\r\n\nfo|ur and more\n|last|");
    CHECK_EQ(join(weft_gen_of_blocks(reader, 0), got, sizeof got, 0), -EINVAL);
    weft_reader_close(reader);
}

/* ---- map ---- */

static int halve_even(const void *in, void *out, void *arg)
{
    int value = *(const int *)in;
    if (value == *(int *)arg)
        return weft_fail(-EDOM, "not %d", value);
    *(double *)out = value / 2.0;
    return value % 2 == 0;
}

TASK_TEST(test_gen_map_maps_and_filters)
{
    struct counter counter = {.count = 7, .pause = WEFT_MS};
    int rc, never = -1, i = 0;
    double value;
    weft_foreach(rc, value,
                 weft_gen_map(counting(&counter), sizeof(int), sizeof(double), halve_even, &never))
        CHECK_NEAR(value, (double)i++, 0);
    CHECK_OK(rc);
    CHECK_EQ(i, 4);
    CHECK_EQ(counter.cleaned, 1);
}

TASK_TEST(test_gen_map_ends_when_its_function_fails)
{
    struct counter counter = {.count = 7};
    int rc, bad = 3;
    double value;
    weft_foreach(
        rc, value,
        weft_gen_map(counting(&counter), sizeof(int), sizeof(double), halve_even, &bad)) continue;
    CHECK_EQ(rc, -EDOM);
    CHECK_STR(weft_error_text(), "not 3");
    CHECK_EQ(counter.told, -ECANCELED);
}

/* ---- merge ---- */

struct arrival {
    int source, number;
};

struct ticker {
    int source, count;
    weft_time pause;
    int result;
    int started, ended;
};

#define TICKER(number, count_, pause_)                                                             \
    {                                                                                              \
        .source = (number), .count = (count_), .pause = (pause_)                                   \
    }

static int tick_on(weft_gen *self, void *arg)
{
    struct ticker *ticker = arg;
    int rc = 0;
    ticker->started++;
    for (int i = 0; i < ticker->count && rc == 0; i++) {
        rc = weft_sleep(ticker->pause);
        struct arrival arrival = {ticker->source, i};
        if (rc == 0)
            rc = weft_gen_yield(self, &arrival);
    }
    ticker->ended++;
    if (rc == 0 && ticker->result < 0)
        return weft_fail(ticker->result, "ticker %d failed", ticker->source);
    return rc;
}

static weft_gen *merged(struct ticker *tickers, size_t count)
{
    weft_gen *sources[8];
    for (size_t i = 0; i < count; i++)
        sources[i] = weft_gen_open(tick_on, &tickers[i]);
    return weft_gen_merge(sources, count, sizeof(struct arrival));
}

TASK_TEST(test_gen_merge_yields_in_order_of_arrival)
{
    /* At 4, 5, 8, 10, 12, 15 ms. */
    struct ticker tickers[] = {TICKER(0, 3, 4 * WEFT_MS), TICKER(1, 3, 5 * WEFT_MS)};
    static const struct arrival wanted[] = {{0, 0}, {1, 0}, {0, 1}, {1, 1}, {0, 2}, {1, 2}};
    struct arrival arrival;
    int rc, i = 0;
    weft_time start = weft_now();
    weft_foreach(rc, arrival, merged(tickers, 2))
    {
        CHECK_EQ(arrival.source, wanted[i].source);
        CHECK_EQ(arrival.number, wanted[i].number);
        i++;
    }
    CHECK_OK(rc);
    CHECK_EQ(i, 6);
    CHECK_LT(weft_now() - start, 20 * WEFT_MS);
    CHECK_EQ(tickers[0].ended + tickers[1].ended, 2);
}

TASK_TEST(test_gen_merge_of_nothing_ends_at_once)
{
    struct arrival arrival;
    weft_gen *gen = weft_gen_merge(NULL, 0, sizeof arrival);
    CHECK_EQ(weft_gen_next(gen, &arrival), 0);
    CHECK_OK(weft_gen_close(gen));
}

TASK_TEST(test_gen_merge_fails_with_the_first_source_that_does)
{
    struct ticker tickers[] = {TICKER(0, 1000, 5 * WEFT_MS), TICKER(1, 3, 4 * WEFT_MS),
                               TICKER(2, 1000, 7 * WEFT_MS)};
    tickers[1].result = -EIO;
    struct arrival arrival;
    int rc, seen = 0;
    weft_foreach(rc, arrival, merged(tickers, 3)) seen += arrival.source == 1;
    CHECK_EQ(rc, -EIO);
    CHECK_STR(weft_error_text(), "ticker 1 failed");
    CHECK_EQ(seen, 3); /* what came before the failure */
    for (int i = 0; i < 3; i++)
        CHECK_EQ(tickers[i].ended, 1);
}

TASK_TEST(test_gen_merge_left_early_ends_its_sources)
{
    struct ticker tickers[] = {TICKER(0, 1000, 5 * WEFT_MS), TICKER(1, 1000, 4 * WEFT_MS)};
    struct arrival arrival;
    int rc;
    weft_foreach(rc, arrival, merged(tickers, 2))
    {
        if (arrival.number == 3)
            break;
    }
    CHECK_OK(rc);
    CHECK_EQ(tickers[0].ended + tickers[1].ended, 2);
}

static int merge_without_tasks(void *arg)
{
    struct ticker *tickers = arg;
    struct arrival arrival;
    int rc, seen = 0;
    weft_foreach(rc, arrival, merged(tickers, 3)) seen++;
    CHECK_EQ(rc, -EAGAIN);
    return seen;
}

/* A source that got no task ends the merge, and the others with it. */
TEST(test_gen_merge_that_finds_no_room_for_a_task_says_so)
{
    struct ticker tickers[] = {TICKER(0, 3, 4 * WEFT_MS), TICKER(1, 3, 5 * WEFT_MS),
                               TICKER(2, 3, 6 * WEFT_MS)};
    weft_config config = {.platform = test_platform(),
                          .task_count_max = 7}; /* stacks: main, four generators, two feeders */
    CHECK_OK(weft_run_with(&config, merge_without_tasks, tickers));
    CHECK_EQ(tickers[2].started, 0);
    for (int i = 0; i < 2; i++)
        CHECK_EQ(tickers[i].started, tickers[i].ended);
}

TASK_TEST(test_gen_batch_of_none_is_a_batch_of_one)
{
    struct ticker ticker = TICKER(0, 2, WEFT_MS);
    struct weft_batch batch;
    weft_gen *gen = weft_gen_batch(weft_gen_open(tick_on, &ticker), sizeof(struct arrival), 0, 0);
    CHECK_EQ(weft_gen_next(gen, &batch), 1);
    CHECK_EQ(batch.count, (size_t)1);
    CHECK_OK(weft_gen_close(gen));
}

TASK_TEST(test_gen_merge_never_asked_closes_what_it_was_given)
{
    struct ticker tickers[] = {TICKER(0, 10, WEFT_MS), TICKER(1, 10, WEFT_MS)};
    struct arrival arrival;
    weft_gen *sources[2] = {weft_gen_open(tick_on, &tickers[0]),
                            weft_gen_open(tick_on, &tickers[1])};
    CHECK_EQ(weft_gen_next(sources[1], &arrival), 1);
    CHECK_OK(weft_gen_close(weft_gen_merge(sources, 2, sizeof arrival)));
    CHECK_EQ(tickers[0].ended, 0);
    CHECK_EQ(tickers[1].ended, 1);
}

TASK_TEST(test_gen_merge_with_a_source_that_could_not_be_opened)
{
    struct ticker ticker = TICKER(0, 10, WEFT_MS);
    weft_gen *sources[2] = {weft_gen_open(tick_on, &ticker), NULL};
    struct arrival arrival;
    int rc;
    weft_foreach(rc, arrival, weft_gen_merge(sources, 2, sizeof arrival)) continue;
    CHECK_EQ(rc, -ENOMEM);
}

/* ---- batches ---- */

TASK_TEST(test_recv_batch_takes_what_is_there_and_lingers_for_the_rest)
{
    weft_chan *chan;
    int items[8];
    CHECK_OK(weft_chan_new(&chan, sizeof(int), 8));
    for (int i = 0; i < 5; i++)
        CHECK_OK(weft_send(chan, &i));
    weft_time start = weft_now();
    CHECK_EQ(weft_recv_batch(chan, items, 3, WEFT_SEC), 3); /* full: no lingering */
    CHECK_EQ(weft_recv_batch(chan, items, 8, 0), 2);
    CHECK_EQ(items[1], 4);
    CHECK_LT(weft_now() - start, WEFT_MS);

    weft_task sender = weft_spawn(send_all, chan); /* one a millisecond, then it closes */
    CHECK_EQ(weft_recv_batch(chan, items, 8, 2 * WEFT_MS + WEFT_MS / 2), 3);
    CHECK_EQ(weft_recv_batch(chan, items, 8, WEFT_SEC), 2); /* closed: no more lingering */
    CHECK_EQ(weft_recv_batch(chan, items, 8, WEFT_SEC), 0);
    CHECK_EQ(weft_recv_batch(chan, items, 0, WEFT_SEC), -EINVAL);
    CHECK_OK(weft_await(sender));
    weft_chan_free(chan);
}

static int take_batch(void *arg)
{
    int items[4];
    return weft_recv_batch(arg, items, 4, 10 * WEFT_SEC);
}

TASK_TEST(test_C03_a_cancelled_batch_keeps_what_it_took)
{
    weft_chan *chan;
    CHECK_OK(weft_chan_new(&chan, sizeof(int), 4));
    weft_task taker = weft_spawn(take_batch, chan);
    CHECK_OK(weft_send(chan, &(int){1}));
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_cancel(taker, "test"), 1);
    CHECK_EQ(weft_await(taker), 1);
    taker = weft_spawn(take_batch, chan);
    CHECK_EQ(weft_cancel(taker, "test"), 1);
    CHECK_OK(weft_send(chan, &(int){1}));
    CHECK_EQ(weft_await(taker), -ECANCELED);
    CHECK_EQ(weft_chan_count(chan), 1);
    weft_chan_free(chan);
}

TASK_TEST(test_gen_batch_by_count_and_by_time)
{
    struct counter counter = {.count = 7, .pause = WEFT_MS};
    static const int by_count[] = {3, 3, 1}, by_time[] = {2, 2, 2, 1};
    struct weft_batch batch;
    int rc, i = 0, next = 0;
    weft_foreach(rc, batch, weft_gen_batch(counting(&counter), sizeof(int), 3, WEFT_SEC))
    {
        CHECK_EQ(batch.count, by_count[i++]);
        for (size_t k = 0; k < batch.count; k++)
            CHECK_EQ(((int *)batch.items)[k], next++);
    }
    CHECK_OK(rc);
    CHECK_EQ(next, 7);
    i = 0;
    weft_foreach(rc, batch,
                 weft_gen_batch(counting(&counter), sizeof(int), 100, WEFT_MS + WEFT_MS / 2))
        CHECK_EQ(batch.count, by_time[i++]);
    CHECK_OK(rc);
    CHECK_EQ(i, 4);
}

/* ---- zip, collect ---- */

TASK_TEST(test_gen_zip_ends_with_the_shorter)
{
    struct counter three = {.count = 3}, five = {.count = 5};
    weft_gen *a = counting(&five), *b = counting(&three);
    int rc, x, y, count = 0;
    while ((rc = weft_gen_zip(a, &x, b, &y)) > 0) {
        CHECK_EQ(x, y);
        count++;
    }
    CHECK_EQ(rc, 0);
    CHECK_EQ(count, 3);
    CHECK_OK(weft_gen_close(a));
    CHECK_OK(weft_gen_close(b));
}

TASK_TEST(test_gen_collect_gives_an_array)
{
    struct counter counter = {.count = 100};
    weft_bytes all = {0};
    CHECK_EQ(weft_gen_collect(counting(&counter), &all, sizeof(int), 100), 100);
    CHECK_EQ(all.len, 100 * sizeof(int));
    CHECK_EQ(all.ptr[all.len], '\0');
    const int *items = (const int *)(const void *)all.ptr;
    for (int i = 0; i < 100; i++)
        CHECK_EQ(items[i], i);
    weft_bytes_free(&all);

    struct counter none = {.count = 0};
    CHECK_EQ(weft_gen_collect(counting(&none), &all, sizeof(int), 100), 0);
    CHECK_EQ(all.len, 0);
    weft_bytes_free(&all);
}

TASK_TEST(test_gen_collect_has_a_limit_and_closes_whatever_happens)
{
    struct counter counter = {.count = 100}, failing = {.count = 2, .result = -EIO};
    weft_bytes all = {0};
    CHECK_EQ(weft_gen_collect(counting(&counter), &all, sizeof(int), 99), -WEFT_ELIMIT);
    CHECK_STR(weft_error_text(), "more than 99 values to collect");
    CHECK_EQ(counter.cleaned, 1);
    CHECK_EQ(weft_gen_collect(counting(&failing), &all, sizeof(int), 99), -EIO);
    CHECK_EQ(weft_gen_collect(NULL, &all, sizeof(int), 99), -ENOMEM);
    CHECK(all.ptr == NULL);
}

/* ---- sweeps ---- */

static struct ticker swept[3];

static void all_that_started_ended(int rc)
{
    (void)rc;
    for (int i = 0; i < 3; i++)
        CHECK_EQ(swept[i].ended, swept[i].started);
}

/* What is merged, mapped and batched ends as a whole, wherever it is cut. */
static int keep_all(const void *in, void *out, void *arg)
{
    (void)arg;
    *(int *)out = ((const struct arrival *)in)->number;
    return 1;
}

SCENARIO_WITH(test_Y01_merge_map_batch, all_that_started_ended)
{
    for (int i = 0; i < 3; i++)
        swept[i] = (struct ticker)TICKER(i, 2, (i + 2) * WEFT_MS);
    weft_gen *mapped =
        weft_gen_map(merged(swept, 3), sizeof(struct arrival), sizeof(int), keep_all, NULL);
    struct weft_batch batch;
    int rc, count = 0;
    weft_foreach(rc, batch, weft_gen_batch(mapped, sizeof(int), 2, 3 * WEFT_MS)) count +=
        (int)batch.count;
    if (rc == 0)
        CHECK_EQ(count, 6);
    return rc;
}

SCENARIO(test_Y01_collect)
{
    weft_bytes all = {0};
    struct counter counter = {.count = 40, .pause = WEFT_US};
    int rc = weft_gen_collect(counting(&counter), &all, sizeof(int), 40);
    weft_bytes_free(&all);
    return rc;
}
