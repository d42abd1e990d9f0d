/* SPDX-License-Identifier: MIT */

/* What a run says of misuse and of what goes wrong, line by line, on every back end. */

#include "harness/harness.h"

#include <weft.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

struct report {
    int lines, unhandled;
    char text[4096];
};

static void keep_line(const char *line, void *arg)
{
    struct report *report = arg;
    size_t used = strlen(report->text);
    snprintf(report->text + used, sizeof report->text - used, "%s\n", line);
    report->lines++;
    note("said: %s", line);
}

static void count_unhandled(const struct weft_error *error, void *arg)
{
    struct report *report = arg;
    report->unhandled++;
    note("unhandled: %s of %s", weft_strerror(error->rc), error->name);
}

static int run_reporting(unsigned flags, weft_fn *fn, void *arg, struct report *out)
{
    *out = (struct report){0};
    weft_config config = test_config();
    config.flags = flags;
    config.log = keep_line;
    config.log_arg = out;
    config.unhandled = count_unhandled;
    config.unhandled_arg = out;
    return weft_run_with(&config, fn, arg);
}

/* Without debug mode, also in a debug build. */
static void check_reports(weft_fn *fn, void *arg, const char *const wanted[])
{
    struct report report;
    CHECK_OK(setenv("WEFT_DEBUG", "0", 1));
    CHECK_OK(run_reporting(0, fn, arg, &report));
    int count = 0;
    const char *at = report.text;
    for (; wanted[count] != NULL; count++) {
        note("looked for: %s", wanted[count]);
        at = strstr(at, wanted[count]);
        CHECK(at != NULL);
        at += strlen(wanted[count]);
    }
    CHECK_EQ(report.lines, count);
    CHECK_EQ(report.unhandled, 0);
}

/* ---- C09 ---- */

static int body_is_deaf(void *count)
{
    for (int i = 0; i < *(int *)count; i++)
        CHECK_EQ(weft_sleep(WEFT_SEC), -ECANCELED);
    return -ECANCELED;
}

static int main_C09(void *count)
{
    weft_task deaf = weft_spawn(body_is_deaf, count);
    CHECK_EQ(weft_cancel(deaf, "hello?"), 1);
    CHECK_EQ(weft_await(deaf), -ECANCELED);
    return 0;
}

RUN_TEST(test_C09_it_is_told_at_64_and_then_every_4096)
{
    int count = 64 + 2 * 4096;
    check_reports(main_C09, &count,
                  (const char *const[]){"task body_is_deaf ignores its cancellation (64 waits",
                                        "(4160 waits", "(8256 waits", NULL});
    count = 64 + 4095;
    check_reports(main_C09, &count, (const char *const[]){"(64 waits", NULL});
}

RUN_TEST(test_C09_the_line_has_the_backtrace)
{
    struct report report;
    int count = 64;
    CHECK_OK(run_reporting(0, main_C09, &count, &report));
    const char *at = strstr(report.text, "; at: ");
    CHECK(at != NULL);
    CHECK(strstr(at, " < body_is_deaf+0x") != NULL);
}

/* ---- E04 ---- */

static int body_returns_nonsense(void *arg)
{
    (void)arg;
    weft_set_name("joker");
    return -5000;
}

static int main_E04(void *arg)
{
    (void)arg;
    CHECK_EQ(weft_await(weft_spawn(body_returns_nonsense, NULL)), -EPROTO);
    return 0;
}

RUN_TEST(test_E04_the_report_names_the_task)
{
    check_reports(
        main_E04, NULL,
        (const char *const[]){
            "task joker returned -5000, which is no error code; spawned: body_returns_", NULL});
}

/* ---- S01 ---- */

#if !WF_DEBUG_CHECKS /* which ends the process */
static int main_S01(void *arg)
{
    weft_scope outer, inner;
    (void)arg;
    CHECK_OK(weft_scope_open(&outer, WEFT_FOREVER, 0));
    CHECK_OK(weft_scope_open(&inner, WEFT_FOREVER, 0));
    return weft_scope_close(&outer, 0);
}

RUN_TEST(test_S01_scopes_that_close_in_the_wrong_order_are_told)
{
    check_reports(
        main_S01, NULL,
        (const char *const[]){"scope closed while an inner scope is still open; task", NULL});
}
#endif

/* ---- A05 ---- */

static int yield_in_scope(weft_gen *self, void *arg)
{
    int value = 1;
    (void)arg;
    WEFT_TIMEOUT(scope, WEFT_SEC);
    CHECK_EQ(weft_gen_yield(self, &value), -EBUSY);
    return 0;
}

static int main_A05(void *arg)
{
    int value;
    (void)arg;
    weft_gen *gen = weft_gen_open(yield_in_scope, NULL);
    CHECK_EQ(weft_gen_next(gen, &value), 0);
    return weft_gen_close(gen);
}

RUN_TEST(test_A05_the_misuse_is_told)
{
    check_reports(
        main_A05, NULL,
        (const char *const[]){
            "a generator yields with a scope or group of its own open; opened: yield_in_", NULL});
}

RUN_TEST(test_A05_debug_mode_tells_both_places)
{
    struct report report;
    CHECK_OK(run_reporting(WEFT_RUN_DEBUG, main_A05, NULL, &report));
    CHECK_EQ(report.lines, 1);
    CHECK(strstr(report.text, "opened: yield_in_scope at ") != NULL);
    const char *at = strstr(report.text, "; at: ");
    CHECK(at != NULL);
    CHECK(strstr(at, "yield_in_scope+0x") != NULL);
}

/* ---- G06, G10 ---- */

static int body_fails(void *arg)
{
    (void)arg;
    return -EIO;
}

static int main_G06(void *arg)
{
    (void)arg;
    WEFT_GROUP(group);
    for (int i = 0; i < 70; i++)
        CHECK_OK(weft_group_spawn(group, body_fails, NULL));
    CHECK_EQ(weft_group_wait(group), -EIO);
    CHECK_EQ(weft_group_errors(group, NULL, 0), 70);
    return 0;
}

RUN_TEST(test_G06_failures_past_the_64th_are_told_once)
{
    check_reports(main_G06, NULL,
                  (const char *const[]){"a group has more than 64 failures; the others are", NULL});
}

static int main_G10(void *arg)
{
    (void)arg;
    WEFT_GROUP(group);
    CHECK_EQ(weft_group_start(group, body_fails, NULL), -EIO);
    return weft_group_wait(group);
}

RUN_TEST(test_G10_an_error_that_start_returns_is_told_to_nobody_else)
{
    check_reports(main_G10, NULL, (const char *const[]){NULL});
}

/* ---- P03, P04 ---- */

static int body_unlocks(void *mutex)
{
    CHECK_EQ(weft_unlock(mutex), -EPERM);
    return 0;
}

static int main_P03(void *arg)
{
    weft_mutex mutex = {0};
    (void)arg;
    CHECK_OK(weft_lock(&mutex));
    CHECK_OK(weft_await(weft_spawn(body_unlocks, &mutex)));
    CHECK_OK(weft_unlock(&mutex));
    return 0;
}

RUN_TEST(test_P03_an_unlock_by_another_is_told)
{
    check_reports(
        main_P03, NULL,
        (const char *const[]){"unlocked by somebody who does not own it, by task body_unlocks; "
                              "spawned: body_unlocks at",
                              NULL});
}

static int body_keeps(void *mutex)
{
    return weft_lock(mutex);
}

static int main_P04(void *arg)
{
    weft_mutex mutex = {0};
    (void)arg;
    CHECK_OK(weft_await(weft_spawn(body_keeps, &mutex)));
    CHECK_EQ(weft_lock(&mutex), -EOWNERDEAD);
    return 0;
}

RUN_TEST(test_P04_a_task_that_ends_with_a_mutex_is_told)
{
    check_reports(main_P04, NULL, (const char *const[]){": its owner body_keeps has ended", NULL});
}

/* ---- K03 ---- */

static int body_cleans_up_slowly(void *arg)
{
    (void)arg;
    int rc = weft_sleep(1000 * WEFT_SEC);
    WEFT_SHIELD(cleanup, 100 * WEFT_SEC);
    CHECK_OK(weft_sleep(25 * WEFT_SEC));
    return rc;
}

static int main_K03(void *arg)
{
    (void)arg;
    weft_release(weft_detach(body_cleans_up_slowly, NULL));
    return weft_yield();
}

/* In a child, with what it writes to standard error in `out`; its status. */
static int run_K03_apart(unsigned flags, char *out, size_t bytes)
{
    int status, fds[2];
    CHECK_OK(pipe(fds));
    pid_t pid = fork();
    CHECK_OK(pid);
    if (pid == 0) {
        weft_config config = test_config();
        config.flags = flags;
        dup2(fds[1], STDERR_FILENO);
        _exit(weft_run_with(&config, main_K03, NULL));
    }
    close(fds[1]);
    size_t length = 0;
    for (ssize_t n; (n = read(fds[0], out + length, bytes - 1 - length)) > 0;)
        length += (size_t)n;
    out[length] = '\0';
    close(fds[0]);
    CHECK_EQ(waitpid(pid, &status, 0), pid);
    note("status %d: %s", status, out);
    return status;
}

static void check_K03_told(const char *text)
{
    const char *at = strstr(text, "tasks still run after the grace time");
    CHECK(at != NULL);
    CHECK(strstr(at, "body_cleans_up_slowly") != NULL); /* the tree */
}

RUN_TEST(test_K03_who_runs_past_the_grace_time_is_dumped_and_waited_for)
{
    static char text[16384];
    int status = run_K03_apart(0, text, sizeof text);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 0);
    check_K03_told(text);
}

RUN_TEST(test_K03_past_the_grace_time_a_run_aborts_if_it_is_told_to)
{
    static char text[16384];
    int status = run_K03_apart(WEFT_RUN_ABORT, text, sizeof text);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGABRT);
    check_K03_told(text);
}
