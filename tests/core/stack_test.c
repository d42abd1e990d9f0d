/* SPDX-License-Identifier: MIT */

/* Stacks: what they cost, what guards them, when their pages go back. */

#include "core/stack/stack_host.h"

#include "harness/harness.h"

#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define KIB ((size_t)1 << 10)

static struct wf_stacks *pool_new(const wf_stacks_options *options)
{
    struct wf_stacks *stacks;
    CHECK_OK(wf_stacks_new(&stacks, options));
    return stacks;
}

static wf_stack take(struct wf_stacks *stacks)
{
    wf_stack stack;
    CHECK_OK(wf_stacks_reserve(stacks));
    wf_stacks_take(stacks, &stack);
    return stack;
}

static void give(struct wf_stacks *stacks, const wf_stack *stack)
{
    wf_stacks_give(stacks, stack);
    wf_stacks_unreserve(stacks);
}

/* ---- sizes and limits ---- */

TEST(test_N01_stacks_are_64_kib_and_at_least_16)
{
    struct wf_stacks *stacks;
    wf_stack mapped;
    CHECK_EQ(wf_stacks_new(&stacks, &(wf_stacks_options){.stack_bytes = 16 * KIB - 1}), -EINVAL);
    CHECK_EQ(wf_stacks_new(&stacks, &(wf_stacks_options){.stack_bytes = SIZE_MAX}), -EINVAL);
    CHECK_EQ(wf_stack_map(&mapped, 16 * KIB - 1), -EINVAL);

    stacks = pool_new(NULL);
    CHECK_EQ(wf_stacks_stack_bytes(stacks), 64 * KIB);
    wf_stack stack = take(stacks);
    CHECK_LE(wf_stack_bytes(&stack), 64 * KIB);
    CHECK_GT(wf_stack_bytes(&stack), 60 * KIB);
    give(stacks, &stack);
    wf_stacks_free(stacks);

    stacks = pool_new(&(wf_stacks_options){.stack_bytes = 16 * KIB + 1});
    CHECK_GT(wf_stacks_stack_bytes(stacks), 16 * KIB);
    CHECK_EQ(wf_stacks_stack_bytes(stacks) % (size_t)sysconf(_SC_PAGESIZE), 0u);
    wf_stacks_free(stacks);
}

TEST(stacks_are_apart_and_wholly_usable)
{
    enum { COUNT = 40 };
    wf_stack held[COUNT];
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){.stack_bytes = 16 * KIB});
    for (int i = 0; i < COUNT; i++) {
        held[i] = take(stacks);
        CHECK_EQ((uintptr_t)held[i].top % 64, 0u);
        memset(held[i].base, i + 1, wf_stack_bytes(&held[i]));
    }
    for (int i = 0; i < COUNT; i++) {
        for (const char *at = held[i].base; at < held[i].top; at += 8)
            CHECK_EQ(*at, i + 1);
        give(stacks, &held[i]);
    }
    wf_stacks_free(stacks);
}

TEST(stack_given_back_last_is_taken_first)
{
    struct wf_stacks *stacks = pool_new(NULL);
    wf_stack first = take(stacks), second = take(stacks);
    give(stacks, &second);
    give(stacks, &first);
    wf_stack again = take(stacks);
    CHECK_EQ(again.base, first.base);
    wf_stack other = take(stacks);
    CHECK_EQ(other.base, second.base);
    give(stacks, &again);
    give(stacks, &other);
    wf_stacks_free(stacks);
}

TEST(stacks_past_the_limit_are_refused_at_reserve)
{
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){.stack_count_max = 3});
    for (int i = 0; i < 3; i++)
        CHECK_OK(wf_stacks_reserve(stacks));
    CHECK_EQ(wf_stacks_reserve(stacks), -EAGAIN);
    wf_stacks_unreserve(stacks);
    CHECK_OK(wf_stacks_reserve(stacks));
    for (int i = 0; i < 3; i++)
        wf_stacks_unreserve(stacks);
    wf_stacks_free(stacks);
}

TEST(stack_counters_count)
{
    struct wf_stacks *stacks = pool_new(NULL);
    wf_stack first = take(stacks), second = take(stacks);
    CHECK_OK(wf_stacks_reserve(stacks));
    give(stacks, &first);
    wf_stacks_stats stats = wf_stacks_get_stats(stacks);
    CHECK_EQ(stats.reserved, 2u);
    CHECK_EQ(stats.used, 1u);
    CHECK_EQ(stats.used_max, 2u);
    CHECK_EQ(stats.pooled, 1u);
    CHECK_GE(stats.slots, 3u);
    CHECK_GE(stats.guards[0] + stats.guards[1] + stats.guards[2], 2u);
    give(stacks, &second);
    wf_stacks_unreserve(stacks);
    wf_stacks_free(stacks);
}

/* ---- failures ---- */

/* Reserves and takes `count` stacks while the nth hit of `classes` fails: what did, or NULL. */
static const char *take_with_fault(unsigned classes, uint64_t nth, int count)
{
    wf_stack held[200];
    struct wf_stacks *stacks;
    weft_fault_plan plan = {.classes = classes, .nth = nth};
    weft_fault_arm(&plan);
    int rc = wf_stacks_new(&stacks, NULL);
    if (rc < 0) {
        weft_fault_arm(NULL);
        CHECK_EQ(rc, -ENOMEM);
        return plan.point;
    }
    for (int reserved = 0; rc == 0 && reserved < count; reserved++) {
        rc = wf_stacks_reserve(stacks);
        if (rc == -ENOMEM)
            rc = wf_stacks_reserve(stacks); /* the fault is over: now it must work */
    }
    CHECK_OK(rc);
    for (int i = 0; i < count; i++) {
        wf_stacks_take(stacks, &held[i]);
        held[i].top[-1] = 1;
    }
    weft_fault_arm(NULL);
    while (count > 0)
        give(stacks, &held[--count]);
    wf_stacks_free(stacks);
    return plan.point;
}

TEST(stacks_survive_every_failing_allocation)
{
    uint64_t nth = 1;
    while (take_with_fault(WEFT_FAULT_ALLOC, nth, 200) != NULL)
        nth++;
    CHECK_GE(nth, 4u);
}

TEST(stacks_survive_every_failing_system_call)
{
    uint64_t nth = 1;
    bool has_populated = false;
    for (const char *point; (point = take_with_fault(WEFT_FAULT_CALL, nth, 200)) != NULL; nth++)
        has_populated |= strcmp(point, "populate") == 0;
    CHECK_GE(nth, 6u);
    CHECK(has_populated);
}

TEST(stack_of_unusual_size_reports_a_failing_map)
{
    wf_stack stack;
    weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = 1};
    weft_fault_arm(&plan);
    CHECK_EQ(wf_stack_map(&stack, 256 * KIB), -ENOMEM);
    weft_fault_arm(NULL);
    CHECK_OK(wf_stack_map(&stack, 256 * KIB));
    CHECK_EQ(wf_stack_bytes(&stack), 256 * KIB);
    memset(stack.base, 1, wf_stack_bytes(&stack));
    wf_stack_unmap(&stack);
}

/* ---- guards ---- */

/* How a child ends that writes one byte at `addr`: the signal, or 0. */
static int signal_of_write(volatile char *addr)
{
    pid_t child = fork();
    CHECK_GE(child, 0);
    if (child == 0) {
        signal(SIGSEGV, SIG_DFL);
        *addr = 1;
        _exit(0);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

static void check_guarded(const wf_stack *stack)
{
    CHECK_EQ(signal_of_write(stack->base), 0);
    CHECK_EQ(signal_of_write(stack->top - 1), 0);
    CHECK_EQ(signal_of_write(stack->base - 1), SIGSEGV);
    size_t bytes = wf_stack_guard_bytes();
    CHECK_EQ(signal_of_write(stack->base - bytes), SIGSEGV);
    CHECK(wf_stack_is_guard(stack, stack->base - 1));
    CHECK(wf_stack_is_guard(stack, stack->base - bytes));
    CHECK(!wf_stack_is_guard(stack, stack->base));
    CHECK(!wf_stack_is_guard(stack, stack->base - bytes - 1));
    CHECK(wf_stack_is_intact(stack));
}

static void check_pool_guarded(enum wf_guard best)
{
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){.guard_best = best});
    wf_stack first = take(stacks), second = take(stacks);
    CHECK_LE(first.guard, WF_GUARD_MPROTECT);
    CHECK_GE((int)first.guard, (int)best);
    check_guarded(&first);
    check_guarded(&second);
    give(stacks, &first);
    first = take(stacks);
    check_guarded(&first); /* still, the second time */
    give(stacks, &first);
    give(stacks, &second);
    wf_stacks_free(stacks);
}

TEST(test_N02_best_guard_stops_a_write)
{
    check_pool_guarded(WF_GUARD_MARKER);
}

TEST(test_N02_protected_page_stops_a_write)
{
    check_pool_guarded(WF_GUARD_MPROTECT);
}

TEST(test_N02_stack_of_unusual_size_is_guarded)
{
    wf_stack stack;
    CHECK_OK(wf_stack_map(&stack, 16 * KIB));
    check_guarded(&stack);
    wf_stack_unmap(&stack);
}

static int said;

static void count_say(void *arg, const char *text)
{
    CHECK_EQ(arg, (void *)&said);
    CHECK(strstr(text, "vm.max_map_count") != NULL);
    said++;
}

TEST(test_N02_canary_tells_of_an_overflow)
{
    enum { COUNT = 100 };
    wf_stack held[COUNT];
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){
        .guard_best = WF_GUARD_CANARY,
        .say = count_say,
        .say_arg = &said,
    });
    for (int i = 0; i < COUNT; i++) {
        held[i] = take(stacks);
        CHECK_EQ(held[i].guard, WF_GUARD_CANARY);
        memset(held[i].base, 0xff, wf_stack_bytes(&held[i])); /* must not reach a canary */
    }
    CHECK_EQ(said, 1);
    for (int i = 0; i < COUNT; i++)
        CHECK(wf_stack_is_intact(&held[i]));

    /* Run on below the end of one, into the end of the one before. */
    uint64_t *below = (void *)(held[50].base - wf_stack_guard_bytes() - sizeof *below);
    uint64_t before = *below;
    *below = 0;
    CHECK(!wf_stack_is_intact(&held[50]));
    CHECK(wf_stack_is_intact(&held[49]));
    *below = before;
    for (int i = 0; i < COUNT; i++)
        give(stacks, &held[i]);
    wf_stacks_free(stacks);
}

/* A host that allows 400 mappings: half of them, two a guard, are 100 guards. */
static int open_map_limit(const char *path, int flags, int mode)
{
    CHECK_STR(path, "/proc/sys/vm/max_map_count");
    (void)flags;
    (void)mode;
    int fds[2];
    CHECK_OK(weft_platform_host.pipe(fds));
    CHECK_EQ(weft_platform_host.write(fds[1], "400\n", 4), 4);
    weft_platform_host.close(fds[1]);
    return fds[0];
}

TEST(test_N02_protects_pages_only_below_half_of_the_map_limit)
{
    enum { COUNT = 200 };
    wf_stack held[COUNT];
    weft_platform platform = *weft_platform_get();
    platform.open = open_map_limit;
    platform.read = weft_platform_host.read;
    platform.close = weft_platform_host.close;
    const weft_platform *before = weft_platform_set(&platform);
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){
        .guard_best = WF_GUARD_MPROTECT,
        .say = count_say,
        .say_arg = &said,
    });
    for (int i = 0; i < COUNT; i++)
        held[i] = take(stacks);
    wf_stacks_stats stats = wf_stacks_get_stats(stacks);
    CHECK_EQ(stats.guards[WF_GUARD_MARKER], 0u);
    CHECK_EQ(stats.guards[WF_GUARD_MPROTECT], 100u);
    CHECK_GE(stats.guards[WF_GUARD_CANARY], 100u);
    CHECK_EQ(said, 1);
    for (int i = 0; i < COUNT; i++)
        give(stacks, &held[i]);
    wf_stacks_free(stacks);

    /* Those mappings are gone: the next loop may have as many. */
    stacks = pool_new(&(wf_stacks_options){.guard_best = WF_GUARD_MPROTECT});
    wf_stack stack = take(stacks);
    CHECK_EQ(stack.guard, WF_GUARD_MPROTECT);
    give(stacks, &stack);
    wf_stacks_free(stacks);
    weft_platform_set(before);
}

/* ---- memory ---- */

TEST(test_N06_high_water_is_exact_on_fresh_and_measured_stacks)
{
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){.is_measured = true});
    wf_stack stack = take(stacks);
    CHECK_EQ(wf_stack_high_water(&stack), 0u);
    memset(stack.top - 10000, 1, 10000);
    CHECK_EQ(wf_stack_high_water(&stack), 10000u);
    give(stacks, &stack);

    wf_stack again = take(stacks);
    CHECK_EQ(again.base, stack.base);
    memset(again.top - 800, 1, 800);
    CHECK_EQ(wf_stack_high_water(&again), 800u);
    give(stacks, &again);
    wf_stacks_free(stacks);

    CHECK_OK(wf_stack_map(&stack, 2048 * KIB));
    CHECK_EQ(wf_stack_high_water(&stack), 0u);
    memset(stack.top - 1500 * KIB, 1, 8);
    CHECK_EQ(wf_stack_high_water(&stack), 1500 * KIB);
    wf_stack_unmap(&stack);
}

/* As stack_host.c asks for them: a kernel has this or not. */
static bool kernel_populates(void)
{
    static _Alignas(1 << 16) char room[1 << 16]; /* whole pages */
    struct iovec range = {.iov_base = room, .iov_len = sizeof room};
    return syscall(SYS_process_madvise, -10000, &range, 1, 23, 0) == (long)sizeof room;
}

static bool has_page(const wf_stack *stack)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    unsigned char in_memory = 0;
    char *last = stack->top - 1 - ((uintptr_t)stack->top - 1) % page;
    CHECK_OK(mincore(last, page, &in_memory));
    return (in_memory & 1) != 0;
}

/* Takes `count` of those reserved; how many have a page before anybody has written to them. */
static int take_reserved(struct wf_stacks *stacks, wf_stack *held, int count)
{
    int with_page = 0;
    for (int i = 0; i < count; i++) {
        wf_stacks_take(stacks, &held[i]);
        with_page += has_page(&held[i]);
        held[i].top[-1] = 1;
    }
    return with_page;
}

static void reserve(struct wf_stacks *stacks, int count)
{
    for (int i = 0; i < count; i++)
        CHECK_OK(wf_stacks_reserve(stacks));
}

TEST(stacks_of_many_tasks_that_begin_at_once_get_their_pages_in_batches)
{
    enum { COUNT = 256 };
    wf_stack held[COUNT];
    struct wf_stacks *stacks = pool_new(NULL);
    reserve(stacks, COUNT);
    CHECK_EQ(take_reserved(stacks, held, WF_STACK_BATCH), 0);
    CHECK_EQ(wf_stacks_get_stats(stacks).touched, 0u); /* these may have been all */

    int with_page = take_reserved(stacks, held + WF_STACK_BATCH, COUNT - WF_STACK_BATCH);
    CHECK_EQ(with_page, kernel_populates() ? COUNT - WF_STACK_BATCH : 0);
    CHECK_EQ(wf_stacks_get_stats(stacks).touched, 0u);
    for (int i = 0; i < COUNT; i++)
        give(stacks, &held[i]);
    wf_stacks_free(stacks);
}

TEST(stacks_get_their_pages_one_by_one_if_the_kernel_refuses_batches)
{
    enum { COUNT = 3 * WF_STACK_BATCH, FIRST = WF_STACK_BATCH + 1 };
    wf_stack held[COUNT];
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){.guard_best = WF_GUARD_CANARY});
    reserve(stacks, COUNT);
    weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = 1};
    weft_fault_arm(&plan);
    CHECK_EQ(take_reserved(stacks, held, FIRST), 0);
    CHECK_STR(plan.point, "populate");
    CHECK_EQ(wf_stacks_get_stats(stacks).touched, 0u);
    CHECK_EQ(take_reserved(stacks, held + FIRST, COUNT - FIRST), 0);
    CHECK_EQ(plan.hits, 1u); /* it is not asked again */
    weft_fault_arm(NULL);
    for (int i = 0; i < COUNT; i++)
        give(stacks, &held[i]);
    wf_stacks_free(stacks);
}

TEST(test_N01_stacks_of_tasks_that_come_one_by_one_hold_no_page_before)
{
    enum { COUNT = 256 };
    wf_stack held[COUNT];
    struct wf_stacks *stacks = pool_new(NULL);
    for (int i = 0; i < COUNT; i++) {
        reserve(stacks, 1);
        CHECK_EQ(take_reserved(stacks, &held[i], 1), 0);
        CHECK_EQ(wf_stacks_get_stats(stacks).touched, 0u);
    }
    for (int i = 0; i < COUNT; i++)
        give(stacks, &held[i]);
    wf_stacks_free(stacks);
}

TEST(test_N01_pages_of_a_batch_that_is_not_used_up_go_back)
{
    enum { TAKEN = WF_STACK_BATCH + 1, COUNT = 2 * WF_STACK_BATCH };
    wf_stack held[COUNT];
    struct wf_stacks *stacks = pool_new(NULL);
    reserve(stacks, COUNT);
    (void)take_reserved(stacks, held, TAKEN);
    uint32_t ahead = kernel_populates() ? COUNT - TAKEN : 0;
    CHECK_EQ(wf_stacks_get_stats(stacks).touched, ahead);

    weft_time now = 1000 * WEFT_SEC;
    CHECK_EQ(wf_stacks_trim(stacks, now), WEFT_FOREVER);
    CHECK_EQ(wf_stacks_get_stats(stacks).touched, 0u);
    CHECK_EQ(take_reserved(stacks, held + TAKEN, COUNT - TAKEN), 0);
    for (int i = 0; i < COUNT; i++)
        give(stacks, &held[i]);
    wf_stacks_free(stacks);
}

/* Sixteen slots of some size are as many bytes as thirty-two of another. */
TEST(slabs_that_are_kept_are_used_again_for_stacks_of_their_size)
{
    const size_t guard = wf_stack_guard_bytes(), small = 64 * KIB;
    wf_stacks_options sizes[] = {{.stack_bytes = small}, {.stack_bytes = 2 * small + guard}};
    wf_stacks_keep(/* is_on= */ true);
    for (int i = 0; i < 4; i++) {
        struct wf_stacks *stacks = pool_new(&sizes[i % 2]);
        wf_stack held[48];
        int count = i % 2 == 0 ? 48 : 16;
        for (int at = 0; at < count; at++) {
            held[at] = take(stacks);
            memset(held[at].base, 1, wf_stack_bytes(&held[at]));
        }
        for (int at = 0; at < count; at++)
            give(stacks, &held[at]);
        wf_stacks_free(stacks);
    }
    wf_stacks_keep(/* is_on= */ false);
}

/* Takes `count`, dirties them, gives them back. */
static void use(struct wf_stacks *stacks, int count)
{
    wf_stack *held = calloc((size_t)count, sizeof *held);
    for (int i = 0; i < count; i++) {
        held[i] = take(stacks);
        memset(held[i].top - 128, 1, 128);
    }
    for (int i = count; i > 0; i--)
        give(stacks, &held[i - 1]);
    free(held);
}

TEST(test_N01_pages_go_back_after_ten_idle_seconds)
{
    struct wf_stacks *stacks = pool_new(NULL);
    weft_time now = 1000 * WEFT_SEC;
    CHECK_EQ(wf_stacks_trim(stacks, now), WEFT_FOREVER);
    use(stacks, 20);
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 20u);

    /* Three stay in use again and again; nothing goes back within ten seconds. */
    weft_time given = now, next = 0;
    while (now < given + 10 * WEFT_SEC) {
        next = wf_stacks_trim(stacks, now);
        CHECK_GE(next, now);
        CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 20u);
        use(stacks, 3);
        now += 100 * WEFT_MS;
    }
    for (; now < given + 20 * WEFT_SEC; now += 100 * WEFT_MS) {
        next = wf_stacks_trim(stacks, now);
        use(stacks, 3);
    }
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 3u);
    CHECK_GT(next, now - 5 * WEFT_SEC);

    /* The cold ones read as fresh. */
    wf_stack held[20];
    for (int i = 0; i < 20; i++)
        held[i] = take(stacks);
    CHECK_EQ(wf_stack_high_water(&held[0]), 128u);
    CHECK_EQ(wf_stack_high_water(&held[3]), 0u);
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 0u);
    for (int i = 0; i < 20; i++)
        give(stacks, &held[i]);
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 20u); /* none is cold any more */

    /* Called only when it says so, it gets to the end, and then wants no more calls. */
    int calls = 0;
    while ((next = wf_stacks_trim(stacks, now)) != WEFT_FOREVER) {
        CHECK_LT(++calls, 10);
        now = next;
    }
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 0u);
    wf_stacks_free(stacks);
}

/* The end of a stack holds the canary of the one above. */
TEST(test_N02_a_canary_outlives_the_pages_below_it)
{
    enum { COUNT = 20 };
    wf_stack held[COUNT];
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){.guard_best = WF_GUARD_CANARY});
    weft_time now = 1000 * WEFT_SEC, next;
    for (int i = 0; i < COUNT; i++) {
        held[i] = take(stacks);
        held[i].top[-1] = 1;
    }
    for (int i = 0; i < COUNT; i += 2)
        give(stacks, &held[i]);
    while ((next = wf_stacks_trim(stacks, now)) != WEFT_FOREVER)
        now = next;
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 0u);
    for (int i = 1; i < COUNT; i += 2)
        CHECK(wf_stack_is_intact(&held[i]));

    /* Of those that nobody uses none is kept. */
    for (int i = 1; i < COUNT; i += 2)
        give(stacks, &held[i]);
    while ((next = wf_stacks_trim(stacks, now)) != WEFT_FOREVER)
        now = next;
    for (int i = 1; i < COUNT; i += 2)
        CHECK(!has_page(&held[i]));
    wf_stacks_free(stacks);
}

TEST(test_N01_pool_is_bounded_and_trimmed_in_steps)
{
    struct wf_stacks *stacks = pool_new(&(wf_stacks_options){
        .stack_bytes = 16 * KIB,
        .pool_count_max = 100,
    });
    use(stacks, 1200);
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 1200u);
    weft_time now = WEFT_SEC;
    CHECK_EQ(wf_stacks_trim(stacks, now), now); /* there is more to do */
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 1200u - 1024u);
    while (wf_stacks_trim(stacks, now) == now)
        ;
    CHECK_EQ(wf_stacks_get_stats(stacks).pooled, 100u);

    /* Guards outlive a trim. */
    wf_stack held[200];
    for (int i = 0; i < 200; i++)
        held[i] = take(stacks);
    check_guarded(&held[199]);
    for (int i = 0; i < 200; i++)
        give(stacks, &held[i]);
    wf_stacks_free(stacks);
}
