/* SPDX-License-Identifier: MIT */

/* The run as a program: exit status and the line on standard error; the text outside of tasks. */

#include "harness/harness.h"

#include <weft.h>

#include <signal.h>
#include <string.h>
#include <unistd.h>

static char said[512];

static const weft_config *main_config; /* of the program; NULL: none */

/* Runs fn as a program and keeps what it says on standard error in `said`. */
static int main_of(weft_fn *fn, void *arg)
{
    int ends[2];
    int before = dup(STDERR_FILENO);
    CHECK_OK(pipe(ends));
    CHECK_OK(dup2(ends[1], STDERR_FILENO));
    const weft_platform *platform = weft_platform_set(test_platform());
    int status = main_config != NULL ? weft_main_with(main_config, fn, arg) : weft_main(fn, arg);
    weft_platform_set(platform);
    CHECK_OK(dup2(before, STDERR_FILENO));
    close(before);
    close(ends[1]);
    ssize_t bytes = read(ends[0], said, sizeof said - 1);
    close(ends[0]);
    CHECK_OK(bytes);
    said[bytes] = '\0';
    return status;
}

static int body_value(void *arg)
{
    return *(int *)arg;
}

static int body_text(void *arg)
{
    return weft_fail(-EIO, "%s is on fire", (char *)arg);
}

static int body_handled(void *arg)
{
    CHECK_EQ(weft_await(weft_spawn(body_text, arg)), -EIO);
    return 3;
}

static int body_fails_otherwise(void *arg)
{
    (void)weft_fail(-EIO, "%s is on fire", (char *)arg);
    return -ENOENT;
}

static int body_signal(void *arg)
{
    kill(getpid(), *(int *)arg);
    return weft_sleep(WEFT_SEC);
}

static int body_cancels_itself(void *arg)
{
    (void)arg;
    weft_cancel(weft_self(), "enough");
    return weft_sleep(WEFT_SEC);
}

TEST(main_gives_0_for_every_success)
{
    for (int value = 0; value < 1000; value += 100) {
        CHECK_EQ(main_of(body_value, &value), 0);
        CHECK_STR(said, "");
    }
}

TEST(main_says_what_failed)
{
    int rc = -ENOENT;
    CHECK_EQ(main_of(body_value, &rc), 1);
    CHECK_STR(said, "core-main_test: No such file or directory\n");
    CHECK_EQ(main_of(body_text, "disk 3"), 1);
    CHECK_STR(said, "core-main_test: disk 3 is on fire\n");
    CHECK_EQ(main_of(body_fails_otherwise, "disk 3"), 1);
    CHECK_STR(said, "core-main_test: No such file or directory\n");
    CHECK_EQ(main_of(body_cancels_itself, NULL), 1);
    CHECK_STR(said, "core-main_test: Operation canceled\n");
}

static int body_deep(void *arg)
{
    volatile char deep[200 * 1024];
    (void)arg;
    for (size_t i = 0; i < sizeof deep; i += 1024)
        deep[i] = 1;
    return deep[1024] == 1 ? 0 : -EIO;
}

TEST(main_takes_a_configuration)
{
    static const weft_config deep = {.stack_bytes = (size_t)512 * 1024};
    static const weft_config bad = {.stack_bytes = 1};
    main_config = &deep;
    CHECK_EQ(main_of(body_deep, NULL), 0);
    main_config = &bad;
    CHECK_EQ(main_of(body_deep, NULL), 1);
    CHECK(strstr(said, "stack_bytes") != NULL);
}

TEST(main_is_silent_about_signals_and_gives_their_status)
{
    int number = SIGINT;
    CHECK_EQ(main_of(body_signal, &number), 130);
    CHECK_STR(said, "");
    number = SIGTERM;
    CHECK_EQ(main_of(body_signal, &number), 143);
    CHECK_STR(said, "");
}

TEST(test_E05_the_text_of_a_run_is_there_when_it_has_ended)
{
    weft_platform_set(test_platform());
    CHECK_EQ(weft_run(body_text, "disk 3"), -EIO);
    CHECK_STR(weft_error_text(), "disk 3 is on fire");
    CHECK_EQ(weft_run(body_handled, "disk 4"), 3);
    CHECK_STR(weft_error_text(), "");
    CHECK_EQ(weft_run(body_text, "disk 5"), -EIO);
    weft_config config = {.backend = "none of these"};
    CHECK_EQ(weft_run_with(&config, body_text, "disk 6"), -EINVAL);
    CHECK_STR(weft_error_text(), "back end: none of these is none of io_uring, epoll, sim");
}

TEST(test_E05_outside_a_run_the_text_is_the_threads)
{
    CHECK_EQ(weft_fail(-EIO, "%d bytes", 7), -EIO);
    CHECK_STR(weft_error_text(), "7 bytes");
    CHECK_EQ(weft_fail(-EIO, "%s of 8", weft_error_text()), -EIO);
    CHECK_STR(weft_error_text(), "7 bytes of 8");
}
