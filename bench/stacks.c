/* SPDX-License-Identifier: MIT */

/*
 * What do N guarded stacks cost at once?  Reserve, take and first touch of one page each; resident
 * memory a stack; giving all back; taking and touching them again while their pages are still
 * there; handing the pages back.  No task runs on them.
 */

#include "bench.h"
#include "core/stack/stack.h"

static void fail(const char *what)
{
    fprintf(stderr, "stacks: %s failed\n", what);
    exit(1);
}

static double since(double *at, size_t count)
{
    double now = bench_wall(), each = (now - *at) / (double)count;
    *at = now;
    return each;
}

static void take_and_touch(struct wf_stacks *stacks, wf_stack *held, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        wf_stacks_take(stacks, &held[i]);
        held[i].top[-64] = 1;
    }
}

static void give_all(struct wf_stacks *stacks, const wf_stack *held, size_t count)
{
    for (size_t i = count; i > 0; i--)
        wf_stacks_give(stacks, &held[i - 1]);
}

/* As a loop that turns once a second would. */
static void trim_all(struct wf_stacks *stacks)
{
    weft_time now = WEFT_SEC, next;
    while ((next = wf_stacks_trim(stacks, now)) != WEFT_FOREVER)
        now = next;
}

int main(int argc, char **argv)
{
    size_t count = bench_count(argc, argv, 100000);
    wf_stack *held = calloc(count, sizeof *held);
    struct wf_stacks *stacks;
    if (held == NULL || wf_stacks_new(&stacks, NULL) < 0)
        fail("memory");
    memset(held, 1, count * sizeof *held); /* resident before we look */

    double resident = bench_resident(), at = bench_wall();
    for (size_t i = 0; i < count; i++) {
        if (wf_stacks_reserve(stacks) < 0)
            fail("reserve");
    }
    bench_print_one("stacks_reserve", "ns", since(&at, count));
    take_and_touch(stacks, held, count);
    bench_print_one("stacks_take_and_touch_first", "ns", since(&at, count));
    bench_print_one("stacks_resident", "bytes", (bench_resident() - resident) / (double)count);
    bench_print_one("stacks_guarded_by_markers", "stacks",
                    (double)wf_stacks_get_stats(stacks).guards[WF_GUARD_MARKER]);

    at = bench_wall();
    give_all(stacks, held, count);
    bench_print_one("stacks_give", "ns", since(&at, count));
    take_and_touch(stacks, held, count);
    bench_print_one("stacks_take_and_touch_warm", "ns", since(&at, count));
    give_all(stacks, held, count);
    at = bench_wall();
    trim_all(stacks);
    bench_print_one("stacks_trim", "ns", since(&at, count));
    bench_print_one("stacks_resident_after_trim", "bytes",
                    (bench_resident() - resident) / (double)count);

    for (size_t i = 0; i < count; i++)
        wf_stacks_unreserve(stacks);
    wf_stacks_free(stacks);
    free(held);
    return 0;
}
