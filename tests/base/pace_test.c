/* SPDX-License-Identifier: MIT */

#include "base/pace.h"
#include "harness/harness.h"

static const struct wf_pace_limits limits = {.idle_max = 30 * WEFT_SEC, .rate_min = 1024};

/* Looks when it is told to, at a peer that takes `bytes` every `every` seconds up to `last`: the
 * second in which it is too slow, or 10,000. */
static long too_slow_at(struct wf_pace *pace, uint64_t bytes, long every, long last)
{
    const weft_time begin = 5 * WEFT_SEC, end = begin + 10000 * WEFT_SEC;
    weft_time now = begin;
    wf_pace_begin(pace, &limits, now);
    now += wf_pace_first(pace, &limits);
    for (; now < end; now = wf_pace_next(pace, &limits, now)) {
        long second = (long)((now - begin) / WEFT_SEC);
        long times = (second < last ? second : last) / every;
        if (wf_pace_is_too_slow(pace, &limits, now, (uint64_t)times * bytes))
            return second;
    }
    return 10000;
}

TEST(pace_of_peers)
{
    static const struct {
        uint64_t bytes;
        long every, last, from, to;
    } rows[] = {
        {0, 1, 0, 30, 30},                 /* takes nothing */
        {1, 1, 100000, 60, 60},            /* a byte a second, or every 20: the rate */
        {1, 20, 100000, 60, 60},           /* … */
        {1023, 1, 100000, 9000, 10000},    /* what it is short of is paid from the beginning */
        {512, 1, 100000, 115, 125},        /* half of the rate: twice the time */
        {1100, 1, 100000, 10000, 10000},   /* slow, but fast enough */
        {20000, 25, 100000, 60, 300},      /* 800 a second: not */
        {40000, 25, 100000, 10000, 10000}, /* 1,600 a second in steps: it is */
        {400000, 40, 100000, 30, 30},      /* the first step is too late */
        {1600000, 1, 1, 90, 110},          /* 1.6 MB at once may last for 98 s */
        {1 << 30, 1, 1, 120, 130},         /* never more than for 120 */
        {10000, 1, 1000, 1120, 1130},      /* also of who took it slowly */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct wf_pace pace = {0};
        note("row %zu", i);
        long at = too_slow_at(&pace, rows[i].bytes, rows[i].every, rows[i].last);
        CHECK_GE(at, rows[i].from);
        CHECK_LE(at, rows[i].to);
    }
}

/* Waits for a piece of `bytes` after the other, each taken after `every`, with `rest` between: the
 * second of waiting in which the peer is too slow, or 10,000. */
static long too_slow_in_waits(uint64_t bytes, weft_time every, weft_time rest)
{
    struct wf_pace pace = {0};
    weft_time now = WEFT_SEC, waited = 0;
    for (uint64_t taken = 0; waited < 10000 * WEFT_SEC; taken += bytes) {
        weft_time end = now + every;
        wf_pace_begin(&pace, &limits, now);
        weft_time look = now + wf_pace_first(&pace, &limits);
        for (; look < end; look = wf_pace_next(&pace, &limits, look)) {
            if (wf_pace_is_too_slow(&pace, &limits, look, taken))
                return (long)((waited + look - now) / WEFT_SEC);
        }
        wf_pace_rest(&pace, end);
        wf_pace_rest(&pace, end + rest / 2);
        waited += every;
        now = end + rest;
    }
    return 10000;
}

/* The free time is once: not again for each of many waits, however short they are, while what is
 * between them costs nothing. */
TEST(pace_of_many_waits)
{
    static const weft_time rests[] = {0, WEFT_SEC, 1000 * WEFT_SEC};
    for (size_t i = 0; i < sizeof rests / sizeof rests[0]; i++) {
        note("rest %zu", i);
        CHECK_LE(too_slow_in_waits(100, 20 * WEFT_SEC, rests[i]), 81);
        CHECK_LE(too_slow_in_waits(1, 100 * WEFT_MS, rests[i]), 61);
        CHECK_LE(too_slow_in_waits(10240, 29 * WEFT_SEC, rests[i]), 120);
        CHECK_EQ(too_slow_in_waits(1200, WEFT_SEC, rests[i]), 10000);
        CHECK_EQ(too_slow_in_waits(32768, 29 * WEFT_SEC, rests[i]), 10000);
        CHECK_EQ(too_slow_in_waits(200, 100 * WEFT_MS, rests[i]), 10000);
    }
}

/* A burst before a wait pays for a pause in it, and begins that end soon take nothing away. */
TEST(pace_keeps_what_was_paid)
{
    struct wf_pace pace = {0};
    weft_time now = WEFT_SEC;
    CHECK(!wf_pace_is_too_slow(&pace, &limits, now, 1600000));
    for (int i = 0; i < 3; i++) {
        wf_pace_rest(&pace, now);
        now += 300 * WEFT_SEC;
        wf_pace_begin(&pace, &limits, now);
    }
    CHECK(!wf_pace_is_too_slow(&pace, &limits, now, 1600000));
    CHECK(!wf_pace_is_too_slow(&pace, &limits, now + 90 * WEFT_SEC, 1600000));
    CHECK(wf_pace_is_too_slow(&pace, &limits, now + 120 * WEFT_SEC, 1600000));
}

TEST(pace_without_an_end_and_without_numbers)
{
    const struct wf_pace_limits forever = {.idle_max = WEFT_FOREVER, .rate_min = 1};
    const struct wf_pace_limits huge = {.idle_max = WEFT_SEC, .rate_min = UINT64_MAX};
    const struct wf_pace_limits any = {.idle_max = WEFT_SEC};
    struct wf_pace pace = {0};
    CHECK(!wf_pace_is_too_slow(&pace, &forever, WEFT_SEC, 0));
    CHECK(!wf_pace_is_too_slow(&pace, &forever, 2 * WEFT_SEC, UINT64_MAX));
    CHECK(!wf_pace_is_too_slow(&pace, &forever, WEFT_FOREVER / 2, UINT64_MAX));
    CHECK_GT(wf_pace_next(&pace, &forever, WEFT_FOREVER / 2), WEFT_FOREVER / 2);
    CHECK_EQ(wf_pace_worth(&huge, UINT64_MAX - 1), 0);
    CHECK_EQ(wf_pace_worth(&any, 1), 64 * WEFT_SEC);
}
