/* SPDX-License-Identifier: MIT */

/* The harness itself: that its checks do fail, told by the exit of a process of their own. */

#include "harness/bad.h"
#include "harness/harness.h"

#include "base/alloc.h"

#include <weft.h>

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* Each bad_… test fails when run by run_bad(), and does nothing otherwise. */
#define BAD_TEST(name_, text_)                                                                     \
    TEST(harness_catches_##name_)                                                                  \
    {                                                                                              \
        expect_failure("bad_" #name_, text_);                                                      \
    }                                                                                              \
    static void bad_body_##name_(void);                                                            \
    TEST(bad_##name_)                                                                              \
    {                                                                                              \
        if (is_bad_run())                                                                          \
            bad_body_##name_();                                                                    \
    }                                                                                              \
    static void bad_body_##name_(void)

BAD_TEST(a_false_condition, "CHECK(1 + 1 == 3)")
{
    CHECK(1 + 1 == 3);
}

BAD_TEST(unequal_numbers, "left  -22 (Invalid argument)")
{
    CHECK_EQ(-EINVAL, (size_t)7);
}

BAD_TEST(minus_one_taken_for_a_huge_number, "right 18446744073709551615")
{
    CHECK_EQ(-1, UINT64_MAX);
}

BAD_TEST(unequal_bytes, "differ at byte 2")
{
    CHECK_BYTES("abc", 3, "abd", 3);
}

BAD_TEST(bytes_cut_short, "differ at byte 3")
{
    CHECK_BYTES("abc", 3, "abcd", 4);
}

BAD_TEST(unequal_text, "right \"there\"")
{
    CHECK_STR("here", "there");
}

BAD_TEST(an_abort_that_does_not_come, "should have aborted and printed: too late")
{
    expect_abort("too late");
}

BAD_TEST(an_abort_without_its_text, "should have aborted and printed: too late")
{
    expect_abort("too late");
    fputs("too early\n", stderr);
    abort();
}

TEST(an_expected_abort_is_no_failure)
{
    expect_abort("in time");
    fputs("in time\n", stderr);
    abort();
}

BAD_TEST(a_leaked_block, "1 blocks, 24 bytes were not freed")
{
    CHECK(wf_alloc(24) != NULL);
}

BAD_TEST(a_double_free, "never gave or already took back")
{
    void *ptr = test_platform()->alloc(8);
    uintptr_t address = (uintptr_t)ptr;
    wf_free(ptr);
    wf_free((void *)address);
}

BAD_TEST(a_leaked_descriptor, "was not closed: /dev/null")
{
    CHECK_OK(open("/dev/null", O_RDONLY | O_CLOEXEC));
}

BAD_TEST(a_child_left_behind, "a child process was not waited for")
{
    if (fork() == 0)
        _exit(0);
}

BAD_TEST(a_crash, "killed by signal 6")
{
    abort();
}

static void sleep_forever(void *arg)
{
    (void)arg;
    for (;;)
        pause();
}

BAD_TEST(a_leaked_thread, "1 threads were not joined")
{
    weft_thread thread;
    CHECK_OK(test_platform()->thread_start(&thread, sleep_forever, NULL, 0));
}

TEST(harness_compares_across_types)
{
    CHECK_EQ((uint8_t)5, 5L);
    CHECK_LT(-1, (size_t)0);
    CHECK_GT(UINT64_MAX, INT64_MAX);
    CHECK_LE(2, 2.0);
    CHECK_NE(0.0 / 0.0, 0.0 / 0.0);
    CHECK_EQ(environ, environ);
}

TEST(harness_clock_moves_only_when_told)
{
    weft_time before = test_platform()->now();
    test_platform()->advance(before + 5 * WEFT_SEC);
    CHECK_EQ(test_platform()->now(), before + 5 * WEFT_SEC);
    test_platform()->advance(before);
    CHECK_EQ(test_platform()->now(), before + 5 * WEFT_SEC);
}

/* On a machine that has been up for some minutes only, the test's clock is ahead of it. */
TASK_TEST(the_real_clock_goes_on_where_the_virtual_one_stopped)
{
    CHECK_OK(weft_sleep(365 * 24 * 3600 * WEFT_SEC));
    if (test_is_simulated())
        return;
    weft_time before = weft_now();
    use_real_time();
    CHECK_GE(weft_now(), before);
    CHECK_OK(weft_sleep(WEFT_MS)); /* for a year, if the clock went back */
}

TEST(harness_counts_blocks)
{
    void *first = wf_alloc(10);
    void *second = wf_grow(NULL, 5, 4);
    CHECK_EQ(live_blocks(), 2);
    CHECK_EQ(live_bytes(), 30);
    second = wf_grow(second, 50, 4);
    CHECK_EQ(live_bytes(), 210);
    wf_free(first);
    wf_free(second);
    CHECK_EQ(live_blocks(), 0);
}
