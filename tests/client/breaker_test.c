/* SPDX-License-Identifier: MIT */

#include "client/exchange/breaker.h"

#include "harness/harness.h"

static bool last_is_probe; /* of those that may */

static bool begin(struct breaker *breaker, weft_time now)
{
    bool is_probe, may = wf_breaker_begin(breaker, now, &is_probe);
    if (may)
        last_is_probe = is_probe;
    return may;
}

static void requests(struct breaker *breaker, weft_time now, int count, bool has_failed)
{
    for (int i = 0; i < count; i++) {
        CHECK(begin(breaker, now));
        wf_breaker_done(breaker, now, last_is_probe, has_failed);
    }
}

TEST(half_of_twenty_failures_open_it_for_five_seconds)
{
    struct breaker breaker = {0};
    requests(&breaker, 0, 10, false);
    requests(&breaker, 0, 9, true);
    CHECK(begin(&breaker, 0));
    wf_breaker_done(&breaker, 0, last_is_probe, true);
    CHECK(!begin(&breaker, 0));
    CHECK(!begin(&breaker, 5 * WEFT_SEC - 1));
    CHECK(!wf_breaker_is_quiet(&breaker, WEFT_SEC));
}

TEST(nineteen_failures_are_too_few)
{
    struct breaker breaker = {0};
    requests(&breaker, 0, 19, true);
    CHECK(begin(&breaker, 0));
}

TEST(less_than_half_does_not_open_it)
{
    struct breaker breaker = {0};
    requests(&breaker, 0, 51, false);
    requests(&breaker, 0, 49, true);
    CHECK(begin(&breaker, 0));
}

TEST(failures_of_long_ago_do_not_count)
{
    struct breaker breaker = {0};
    requests(&breaker, 0, 18, true);
    requests(&breaker, 6 * WEFT_SEC, 1, false); /* they are in the half before */
    requests(&breaker, 12 * WEFT_SEC, 18, true);
    CHECK(begin(&breaker, 12 * WEFT_SEC)); /* one more would be enough */
    CHECK(wf_breaker_is_quiet(&breaker, 30 * WEFT_SEC));
}

TEST(one_request_decides_after_the_pause)
{
    struct breaker breaker = {0};
    requests(&breaker, 0, 20, true);
    weft_time then = 5 * WEFT_SEC;
    CHECK(begin(&breaker, then));
    CHECK(!begin(&breaker, then)); /* one at a time */
    wf_breaker_done(&breaker, then, last_is_probe, true);
    CHECK(!begin(&breaker, then + 5 * WEFT_SEC - 1));

    then += 5 * WEFT_SEC;
    CHECK(begin(&breaker, then));
    wf_breaker_forget(&breaker, last_is_probe); /* cancelled: another may try */
    CHECK(begin(&breaker, then));
    wf_breaker_done(&breaker, then, last_is_probe, false);
    requests(&breaker, then, 30, false);
}

TEST(what_began_before_it_opened_does_not_prolong_it)
{
    struct breaker breaker = {0};
    CHECK(begin(&breaker, 0));
    requests(&breaker, 0, 20, true);
    wf_breaker_done(&breaker, WEFT_SEC, false, true);
    CHECK(begin(&breaker, 5 * WEFT_SEC));
}

TEST(what_began_before_it_opened_does_not_decide_for_the_one_that_does)
{
    struct breaker breaker = {0};
    requests(&breaker, 0, 20, true);
    weft_time then = 5 * WEFT_SEC;
    CHECK(begin(&breaker, then));
    wf_breaker_done(&breaker, then, false, false);
    CHECK(!begin(&breaker, then));
    wf_breaker_forget(&breaker, false);
    CHECK(!begin(&breaker, then));
    wf_breaker_done(&breaker, then, true, false);
    CHECK(begin(&breaker, then));
}
