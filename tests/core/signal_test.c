/* SPDX-License-Identifier: MIT */

/* Signals: waiting for them, and how they end a run. */

#include <weft/signal.h>

#include "harness/harness.h"

#include <weft/gather.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/sim.h>
#include <weft/sys/loop.h>
#include <weft/sys/platform.h>

#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* The signal comes, from outside or as the simulator makes it. */
static void arrive(int number)
{
    if (test_is_simulated())
        CHECK_OK(weft_sim_signal(number));
    else
        CHECK_EQ(kill(getpid(), number), 0);
}

static bool has_default_action(int number)
{
    struct sigaction action;
    CHECK_EQ(sigaction(number, NULL, &action), 0);
    return (action.sa_flags & SA_SIGINFO) == 0 && action.sa_handler == SIG_DFL;
}

/* Whoever started the tests may have had others. */
static void use_default_actions(void)
{
    signal(SIGINT, SIG_DFL);
    signal(SIGTERM, SIG_DFL);
    signal(SIGPIPE, SIG_DFL);
}

static int signal_wait(void *arg)
{
    return weft_signal_wait(*(int *)arg);
}

/* ---- waiting ---- */

TASK_TEST(test_K02_a_signal_wakes_all_who_wait_for_it)
{
    int number = SIGUSR1, other = SIGUSR2;
    weft_task tasks[2] = {weft_spawn(signal_wait, &number), weft_spawn(signal_wait, &number)};
    weft_task third = weft_spawn(signal_wait, &other);
    CHECK_OK(weft_yield());
    arrive(SIGUSR1);
    CHECK_EQ(weft_await(tasks[0]), SIGUSR1);
    CHECK_EQ(weft_await(tasks[1]), SIGUSR1);
    CHECK_EQ(weft_done(third, NULL), 0);
    arrive(SIGUSR2);
    CHECK_EQ(weft_await(third), SIGUSR2);
}

TASK_TEST(test_K02_a_burst_between_two_waits_is_told_once)
{
    int number = SIGUSR1;
    weft_task first = weft_spawn(signal_wait, &number);
    CHECK_OK(weft_yield());
    arrive(SIGUSR1);
    CHECK_EQ(weft_await(first), SIGUSR1);
    for (int i = 0; i < 5; i++) {
        arrive(SIGUSR1);
        CHECK_OK(weft_sleep(WEFT_MS)); /* nobody waits */
    }
    CHECK_EQ(weft_signal_wait(SIGUSR1), SIGUSR1);
    weft_task last = weft_spawn(signal_wait, &number);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_EQ(weft_done(last, NULL), 0);
    CHECK_EQ(weft_cancel(last, "no more"), 1);
    CHECK_EQ(weft_await(last), -ECANCELED);
}

TASK_TEST(test_K02_signals_arrive_in_order)
{
    int numbers[] = {SIGUSR2, SIGHUP, SIGUSR1};
    weft_task tasks[3];
    int results[3];
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(signal_wait, &numbers[i]);
    CHECK_OK(weft_yield());
    for (int i = 0; i < 3; i++) {
        arrive(numbers[i]);
        CHECK_EQ(weft_any_n(tasks + i, 3 - (size_t)i), 0); /* the others still wait */
        CHECK_EQ(weft_done(tasks[i], &results[i]), 1);
        CHECK_EQ(results[i], numbers[i]);
    }
}

TASK_TEST(test_K02_a_waiter_keeps_SIGINT_from_ending_the_run)
{
    int number = SIGINT;
    for (int i = 0; i < 3; i++) {
        weft_task task = weft_spawn(signal_wait, &number);
        CHECK_OK(weft_yield());
        arrive(SIGINT);
        CHECK_EQ(weft_await(task), SIGINT);
        CHECK_OK(weft_sleep(100 * WEFT_MS)); /* the next is another one */
    }
    CHECK_OK(weft_check());
}

TASK_TEST(test_K02_SIGTERM_twice_at_once_is_one_for_who_waits)
{
    int number = SIGTERM;
    for (int i = 0; i < 3; i++) {
        weft_task task = weft_spawn(signal_wait, &number);
        CHECK_OK(weft_yield());
        arrive(SIGTERM);
        CHECK_EQ(weft_await(task), SIGTERM);
        task = weft_spawn(signal_wait, &number);
        CHECK_OK(weft_yield());
        arrive(SIGTERM);
        CHECK_OK(weft_sleep(99 * WEFT_MS));
        CHECK_EQ(weft_done(task, NULL), 0);
        CHECK_EQ(weft_cancel(task, "no more"), 1);
        CHECK_EQ(weft_await(task), -ECANCELED);
        arrive(SIGTERM); /* nobody waits: it does not end the run either */
        CHECK_OK(weft_sleep(WEFT_MS));
        CHECK_OK(weft_check());
    }
}

TASK_TEST(test_C02_a_cancelled_wait_takes_no_signal)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_MS), 0));
    int rc = weft_signal_wait(SIGUSR1);
    CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
    arrive(SIGUSR1);
    CHECK_EQ(weft_signal_wait(SIGUSR1), SIGUSR1);
}

TASK_TEST(signals_that_cannot_be_waited_for_are_refused)
{
    static const int bad[] = {-1, 0, 65, SIGKILL, SIGSTOP, SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGURG};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        CHECK_EQ(weft_signal_wait(bad[i]), -EINVAL);
}

TEST(test_L04_waiting_for_a_signal_needs_a_task)
{
    CHECK_EQ(weft_signal_wait(SIGUSR1), -EPERM);
    CHECK_EQ(weft_sim_signal(SIGUSR1), -EPERM);
}

TEST(signals_have_names)
{
    CHECK_STR(weft_signal_name(SIGINT), "SIGINT");
    CHECK_STR(weft_signal_name(SIGTERM), "SIGTERM");
    CHECK_STR(weft_signal_name(63), "SIG?");
    CHECK_STR(weft_signal_name(0), "SIG?");
    CHECK_STR(weft_signal_name(-3), "SIG?");
}

/* A signal whose default is to be ignored: the sweep may send it when nobody has come to wait. */
SCENARIO(a_task_waits_for_a_signal)
{
    static int number = SIGWINCH;
    weft_task task = weft_spawn(signal_wait, &number);
    int rc = weft_yield();
    if (rc < 0)
        return rc;
    arrive(SIGWINCH);
    rc = weft_await_for(task, WEFT_SEC);
    CHECK(rc < 0 || rc == SIGWINCH);
    return rc;
}

/* ---- the end of a run ---- */

static int sleep_until_signalled(void *arg)
{
    arrive(*(int *)arg);
    int rc = weft_sleep(3600 * WEFT_SEC);
    CHECK_EQ(rc, -ECANCELED);
    CHECK_STR(weft_why(), weft_signal_name(*(int *)arg));
    CHECK_EQ(weft_why_kind(), WEFT_REASON_SHUTDOWN);
    return rc;
}

static int run_with_flags(uint32_t flags, weft_fn *fn, void *arg)
{
    weft_config config = test_config();
    config.flags = flags;
    return weft_run_with(&config, fn, arg);
}

RUN_TEST(test_K01_the_first_signal_cancels_the_main_task)
{
    int numbers[] = {SIGINT, SIGTERM};
    use_default_actions();
    for (size_t i = 0; i < 2; i++) {
        CHECK_EQ(run_with_flags(0, sleep_until_signalled, &numbers[i]), -ECANCELED);
        CHECK(has_default_action(SIGINT));
        CHECK(has_default_action(SIGTERM));
        CHECK(has_default_action(SIGPIPE));
    }
}

/* As timeout(1) sends it. */
static int sleep_through_the_same_signal(void *arg)
{
    int number = *(int *)arg;
    WEFT_SHIELD(shield, WEFT_FOREVER);
    weft_time began = weft_now();
    arrive(number);
    CHECK_OK(weft_sleep(WEFT_MS)); /* taken */
    for (int i = 0; i < 5; i++) {
        arrive(number);
        CHECK_OK(weft_sleep(10 * WEFT_MS));
    }
    CHECK_OK(weft_sleep(began + 99 * WEFT_MS - weft_now()));
    arrive(number);
    CHECK_OK(weft_yield());
    return 7;
}

RUN_TEST(test_K01_the_same_signal_again_within_100_ms_is_one)
{
    int numbers[] = {SIGINT, SIGTERM};
    use_default_actions();
    for (size_t i = 0; i < 2; i++)
        CHECK_EQ(run_with_flags(0, sleep_through_the_same_signal, &numbers[i]), 7);
}

/* Runs it in a child process; its wait status.  What it wrote to stderr goes to `out`. */
static int end_in_child(uint32_t flags, weft_fn *fn, char *out, size_t out_bytes)
{
    int pipe_fds[2];
    CHECK_EQ(pipe(pipe_fds), 0);
    pid_t child = fork();
    CHECK_GE(child, 0);
    if (child == 0) {
        use_default_actions();
        dup2(pipe_fds[1], STDERR_FILENO);
        close(pipe_fds[0]);
        close(pipe_fds[1]);
        (void)run_with_flags(flags, fn, NULL);
        _exit(1);
    }
    close(pipe_fds[1]);
    size_t at = 0;
    for (ssize_t got = 1; got > 0 && at + 1 < out_bytes; at += got > 0 ? (size_t)got : 0)
        got = read(pipe_fds[0], out + at, out_bytes - 1 - at);
    out[at] = '\0';
    close(pipe_fds[0]);
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return status;
}

/* Run in a child process, it is ended by the signal, and `said` is in what it wrote to stderr. */
static void check_ended_by(int number, uint32_t flags, weft_fn *fn, const char *said)
{
    char text[4096];
    int status = end_in_child(flags, fn, text, sizeof text);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), number);
    CHECK(strstr(text, said) != NULL);
}

static int clean_up_for_ever(void *arg)
{
    (void)arg;
    weft_set_name("stubborn");
    WEFT_SHIELD(shield, WEFT_FOREVER);
    arrive(SIGINT);
    CHECK_OK(weft_sleep(WEFT_MS)); /* cancelled, and deaf to it */
    arrive(SIGTERM);
    return weft_sleep(WEFT_SEC);
}

RUN_TEST(test_K01_class_49_the_second_signal_dumps_and_ends_the_process)
{
    check_ended_by(SIGTERM, 0, clean_up_for_ever, "stubborn");
}

static int clean_up_too_long(void *arg)
{
    (void)arg;
    weft_set_name("stubborn");
    WEFT_SHIELD(shield, WEFT_FOREVER);
    arrive(SIGTERM);
    CHECK_OK(weft_sleep(WEFT_MS));
    arrive(SIGTERM); /* the same */
    CHECK_OK(weft_sleep(100 * WEFT_MS));
    arrive(SIGTERM);
    return weft_sleep(WEFT_SEC);
}

RUN_TEST(test_K01_the_same_signal_100_ms_later_is_the_second)
{
    check_ended_by(SIGTERM, 0, clean_up_too_long, "stubborn");
}

static int hog_for_ever(void *arg)
{
    (void)arg;
    while (weft_check() != 1)
        arrive(SIGINT); /* the loop never gets to look */
    return 0;
}

KERNEL_TEST(a_loop_that_does_not_turn_ends_with_the_third_signal)
{
    check_ended_by(SIGINT, 0, hog_for_ever, "");
}

#define TOO_SLOW 77

static int hog_through_a_burst(void *arg)
{
    (void)arg;
    weft_time began = weft_platform_host.now();
    for (int i = 0; i < 5; i++)
        arrive(SIGTERM);
    if (weft_platform_host.now() - began >= 100 * WEFT_MS)
        _exit(TOO_SLOW); /* that was no burst */
    CHECK_EQ(weft_sleep(WEFT_SEC), -ECANCELED);
    return 0;
}

KERNEL_TEST(a_burst_of_one_signal_is_one_for_a_loop_that_does_not_turn_too)
{
    char text[4096];
    int status;
    do
        status = end_in_child(0, hog_through_a_burst, text, sizeof text);
    while (WIFEXITED(status) && WEXITSTATUS(status) == TOO_SLOW);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 1); /* behind its run */
}

static int interrupt(void *arg)
{
    (void)arg;
    arrive(SIGINT);
    return weft_sleep(WEFT_SEC);
}

KERNEL_TEST(signals_are_left_alone_if_the_run_is_told_so)
{
    check_ended_by(SIGINT, WEFT_RUN_KEEP_SIGNALS, interrupt, "");
}

static volatile sig_atomic_t own_calls;

static void own_handler(int number)
{
    (void)number;
    own_calls++;
}

static int interrupt_twice(void *arg)
{
    (void)arg;
    CHECK_EQ(kill(getpid(), SIGINT), 0);
    CHECK_EQ(own_calls, 1);
    CHECK_OK(weft_sleep(WEFT_MS)); /* the program's handler stands: nobody is cancelled */

    int number = SIGINT;
    weft_task task = weft_spawn(signal_wait, &number); /* until somebody waits */
    CHECK_OK(weft_yield());
    CHECK_EQ(kill(getpid(), SIGINT), 0);
    CHECK_EQ(weft_await(task), SIGINT);
    CHECK_EQ(own_calls, 1);
    return 0;
}

KERNEL_TEST(handlers_of_the_program_stand_and_come_back)
{
    struct sigaction own = {.sa_handler = own_handler}, after;
    CHECK_EQ(sigaction(SIGINT, &own, NULL), 0);
    CHECK_OK(run_with_flags(0, interrupt_twice, NULL));
    CHECK_EQ(sigaction(SIGINT, NULL, &after), 0);
    CHECK(after.sa_handler == own_handler);
}

static int write_to_nobody(void *arg)
{
    int fds[2];
    (void)arg;
    CHECK_OK(weft_platform_get()->pipe(fds));
    CHECK_OK(weft_platform_get()->close(fds[0]));
    CHECK_EQ(weft_platform_get()->write(fds[1], "x", 1), -EPIPE);
    CHECK_OK(weft_platform_get()->close(fds[1]));
    return 0;
}

RUN_TEST(test_I07_class_49_SIGPIPE_is_never_raised)
{
    use_default_actions();
    CHECK_OK(run_with_flags(0, write_to_nobody, NULL));
}

/* ---- a dump from a handler ---- */

static int dump_fd;

static void on_dump(int number)
{
    (void)number;
    weft_dump(dump_fd);
}

static size_t dumped(char *text, size_t max)
{
    ssize_t bytes = pread(dump_fd, text, max - 1, 0);
    CHECK_GE(bytes, 0);
    text[bytes] = '\0';
    CHECK_OK(ftruncate(dump_fd, 0));
    CHECK_OK(lseek(dump_fd, 0, SEEK_SET));
    return (size_t)bytes;
}

static int dump_in_a_handler(void *arg)
{
    char text[4096];
    struct sigaction action = {.sa_handler = on_dump, .sa_flags = *(const int *)arg};
    struct sigaction before;
    CHECK_OK(sigaction(SIGUSR2, &action, &before));
    WEFT_TIMEOUT(limit, 60 * WEFT_SEC);
    CHECK_OK(raise(SIGUSR2));
    CHECK_EQ(dumped(text, sizeof text), 0u); /* what it interrupted may be half done */
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_GT(dumped(text, sizeof text), 0u);
    CHECK(strncmp(text, "loop on ", 8) == 0);
    CHECK(strstr(text, ": 1 tasks\n") != NULL);
    CHECK(strstr(text, "task main #0.1 [sleep] for ") != NULL);
    CHECK(strstr(text, "    scope deadline in ") != NULL);
    weft_dump(dump_fd);
    CHECK_GT(dumped(text, sizeof text), 0u); /* no handler: at once */
    CHECK_OK(sigaction(SIGUSR2, &before, NULL));
    return 0;
}

KERNEL_TEST(test_O02_a_dump_from_a_handler_on_the_loops_own_thread)
{
    FILE *file = tmpfile();
    int flags[] = {0, SA_ONSTACK, SA_ONSTACK | SA_NODEFER};
    dump_fd = fileno(file);
    for (size_t i = 0; i < 3; i++)
        CHECK_OK(run_with_flags(0, dump_in_a_handler, &flags[i]));
    fclose(file);
}

/* ---- two loops ---- */

struct second_loop {
    int rcs[2];
    weft_loop *first;
};

static int wait_for_a_taken_signal(void *arg)
{
    struct second_loop *second = arg;
    second->rcs[0] = weft_signal_wait(SIGUSR1);
    CHECK_EQ(kill(getpid(), SIGUSR1), 0); /* whichever thread gets it, the first loop is told */
    return 0;
}

static void *second_main(void *arg)
{
    struct second_loop *second = arg;
    weft_config config = {.backend = test_config().backend};
    second->rcs[1] = weft_run_with(&config, wait_for_a_taken_signal, second);
    return NULL;
}

static int share_a_signal(void *arg)
{
    struct second_loop second = {.rcs = {1, 1}};
    int number = SIGUSR1;
    (void)arg;
    weft_task task = weft_spawn(signal_wait, &number);
    CHECK_OK(weft_yield());
    pthread_t id;
    CHECK_EQ(pthread_create(&id, NULL, second_main, &second), 0);
    CHECK_EQ(weft_await(task), SIGUSR1);
    CHECK_EQ(pthread_join(id, NULL), 0);
    CHECK_EQ(second.rcs[0], -EBUSY);
    CHECK_EQ(second.rcs[1], 0);
    return 0;
}

KERNEL_TEST(class_49_a_signal_belongs_to_one_loop)
{
    CHECK_OK(run_with_flags(0, share_a_signal, NULL));
    CHECK(has_default_action(SIGUSR1));
}
