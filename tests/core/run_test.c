/* SPDX-License-Identifier: MIT */

/* Rules L, H, F and K03: the run, time, scheduling, the end. */

#include "base/checkers.h"
#include "base/sys.h"
#include "core/emulated.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static int body_value(void *arg)
{
    return (int)(intptr_t)arg;
}

static int body_sleep(void *arg)
{
    WEFT_TRY(weft_sleep((weft_time)(intptr_t)arg));
    return 7;
}

static const weft_config *config_with_log(void (*log)(const char *, void *), void *arg)
{
    static weft_config config;
    config = test_config();
    config.log = log;
    config.log_arg = arg;
    return &config;
}

static void log_nothing(const char *line, void *arg)
{
    (void)line;
    ++*(int *)arg;
}

/* ---- L ---- */

RUN_TEST(test_L01_run_returns_the_main_tasks_result)
{
    weft_config config = test_config();
    CHECK_EQ(weft_run_with(&config, body_value, (void *)5), 5);
    CHECK_EQ(weft_run_with(&config, body_value, (void *)-EIO), -EIO);
    CHECK_EQ(weft_run_with(&config, body_sleep, (void *)WEFT_SEC), 7);
}

TEST(test_L01_run_needs_no_configuration)
{
    CHECK_EQ(weft_run(body_value, (void *)5), 5);
    CHECK_EQ(weft_run(body_sleep, (void *)WEFT_SEC), 7);
}

static int body_runs_nested(void *arg)
{
    intptr_t depth = (intptr_t)arg;
    if (depth == 0)
        return weft_run(body_sleep, (void *)WEFT_SEC);
    return weft_run(body_runs_nested, (void *)(depth - 1));
}

static void say_nothing(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

static int body_waits_for_nobody(void *arg)
{
    weft_future future = {0};
    (void)arg;
    return weft_future_wait(&future, NULL);
}

/* What the child of a fork finds; its exit code tells the first that is wrong. */
static int check_in_child(weft_task sibling)
{
    if (weft_self().id != 0 || weft_loop_self() != NULL)
        return 1;
    if (weft_yield() != -EPERM || weft_sleep(WEFT_MS) != -EPERM || weft_check() != -EPERM)
        return 2;
    if (weft_await(weft_spawn(body_value, NULL)) != -EPERM || weft_await(sibling) != -EPERM)
        return 3;
    struct sigaction action;
    if (sigaction(SIGINT, NULL, &action) < 0 || action.sa_handler != SIG_DFL)
        return 4;
    /* A simulated world has one process, and ASan takes this stack for the thread's own. */
    if (test_is_simulated() || WF_HAS_ASAN)
        return 0;
    weft_config config = {.platform = test_platform()}; /* any back end will do */
    if (weft_run_with(&config, body_sleep, (void *)WEFT_SEC) != 7)
        return 5;
    if (weft_run_with(&config, body_value, (void *)3) != 3)
        return 6;
    config.log = say_nothing;
    if (is_emulated()) /* an emulator has a thread of its own, which could set a future */
        return 0;
    if (weft_run_with(&config, body_waits_for_nobody, NULL) != -EDEADLK)
        return 7; /* the parent's loops are no others that could set it */
    return 0;
}

TASK_TEST(test_L07_class_49_the_child_of_a_fork_has_no_loop_and_may_begin_one)
{
    weft_task sibling = weft_spawn(body_sleep, (void *)WEFT_SEC);
    CHECK_OK(weft_yield());
    pid_t child = fork();
    CHECK_OK(child);
    if (child == 0)
        _exit(check_in_child(sibling));
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 0);
    CHECK(WIFEXITED(status));
    CHECK_EQ(weft_await(sibling), 7); /* here nothing has changed */
}

TASK_TEST(test_L02_run_inside_a_task_is_a_call_in_a_new_scope)
{
    weft_task self = weft_self();
    CHECK_EQ(weft_run(body_runs_nested, (void *)10), 7);
    CHECK_EQ(weft_self().id, self.id);
}

static void run_on_thread(void *arg)
{
    weft_config config = test_config();
    *(int *)arg = weft_run_with(&config, body_sleep, (void *)WEFT_SEC);
}

static int main_L03(void *arg)
{
    weft_thread thread;
    if (test_is_simulated()) { /* a simulated world has one thread (Z05) */
        CHECK_EQ(weft_platform_get()->thread_start(&thread, run_on_thread, arg, 0), -EPERM);
    } else {
        CHECK_OK(weft_platform_get()->thread_start(&thread, run_on_thread, arg, 0));
        weft_platform_get()->thread_join(thread);
    }
    weft_loop *second;
    CHECK_EQ(weft_loop_new(&second, NULL), -EBUSY);
    return 0;
}

RUN_TEST(test_L03_each_thread_has_at_most_one_loop)
{
    int rc = 0;
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, main_L03, &rc));
    CHECK_EQ(rc, test_is_simulated() ? 0 : 7);
}

TEST(test_L04_outside_a_loop_calls_say_eperm)
{
    CHECK_EQ(weft_yield(), -EPERM);
    CHECK_EQ(weft_sleep(1), -EPERM);
    CHECK_EQ(weft_check(), -EPERM);
    CHECK_EQ(weft_await(weft_self()), -EPERM);
    int rc = 0;
    CHECK_EQ(weft_done(weft_spawn(body_value, NULL), &rc), 1);
    CHECK_EQ(rc, -EPERM);
    CHECK_EQ(weft_gather_n(NULL, 0), -EPERM);
    weft_group group = weft_group_open();
    CHECK_EQ(weft_group_spawn(group, body_value, NULL), -EPERM);
    CHECK_EQ(weft_group_wait(group), -EPERM);
    CHECK_STR(weft_why(), "");
    CHECK_EQ(weft_wait_for(body_value, NULL, 1), -EPERM);
    weft_run_stats stats;
    CHECK_EQ(weft_run_stats_get(&stats), -EPERM);
}

static int body_on_a_thread(void *arg)
{
    (void)arg;
    return weft_run_blocking(body_value, NULL);
}

/* Something of everything that a run must give back. */
static int main_of_a_thousand(void *arg)
{
    int ends[2];
    weft_release(weft_detach(body_sleep, (void *)(1000 * WEFT_SEC)));
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_sleep, arg));
    CHECK_OK(weft_group_spawn(group, body_on_a_thread, NULL));
    CHECK_OK(weft_group_wait(group));
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, ends));
    CHECK_EQ(weft_write(ends[0], "x", 1), 1);
    CHECK_OK(weft_close(ends[0]));
    CHECK_OK(weft_close(ends[1]));
    return body_sleep(arg);
}

/* Of this process; 0 under a checker, which keeps what is freed, and under an emulator. */
static size_t resident_bytes(void)
{
    char text[64] = "";
    int fd = open("/proc/self/statm", O_RDONLY | O_CLOEXEC);
    CHECK_GE(fd, 0);
    CHECK_GT(read(fd, text, sizeof text - 1), 0);
    close(fd);
    size_t pages = strtoul(strchr(text, ' '), NULL, 10);
    return WF_HAS_ASAN || WF_HAS_TSAN || is_emulated() ? 0 : pages * (size_t)sysconf(_SC_PAGESIZE);
}

/* Descriptors and threads are counted when the test ends, blocks after each run; what is mapped, as
 * stacks and rings are, shows in the memory of the process. */
RUN_TEST(test_L06_a_thousand_runs_leak_nothing)
{
    weft_config config = test_config();
    size_t blocks = live_blocks(), resident = 0;
    for (int i = 0; i < 1000; i++) {
        if (i == 100) /* what is made once has been */
            resident = resident_bytes();
        note("run %d", i);
        CHECK_EQ(weft_run_with(&config, main_of_a_thousand, (void *)WEFT_MS), 7);
        CHECK_EQ(live_blocks(), blocks);
    }
    CHECK_LE(resident_bytes(), resident + 900 * 1024); /* less than a page a run */
}

static int body_names_its_backend(void *arg)
{
    CHECK_STR(weft_loop_backend(weft_loop_self()), arg);
    return 0;
}

RUN_TEST(test_I01_a_run_is_on_the_back_end_it_was_told)
{
    weft_config config = test_config();
    const char *name =
        config.backend != NULL ? config.backend : "epoll"; /* where a ring is refused */
    CHECK_OK(weft_run_with(&config, body_names_its_backend, (void *)(uintptr_t)name));
    CHECK_OK(setenv("WEFT_BACKEND", name, 1));
    config.backend = NULL;
    CHECK_OK(weft_run_with(&config, body_names_its_backend, (void *)(uintptr_t)name));
}

/* A variable that is not what it may be is told, not passed over. */
RUN_TEST(run_refuses_a_bad_environment)
{
    static const struct {
        const char *name, *value, *text;
    } rows[] = {
        {"WEFT_CLOCK", "bogus", "WEFT_CLOCK: bogus is none of real, virtual"},
        {"WEFT_CLOCK", "Virtual", "WEFT_CLOCK: Virtual is none of real, virtual"},
        {"WEFT_DEBUG", "yes", "WEFT_DEBUG: yes is none of 0, 1"},
        {"WEFT_MEASURE_STACKS", "2", "WEFT_MEASURE_STACKS: 2 is none of 0, 1"},
        {"WEFT_HOG", "0", "WEFT_HOG: 0 is neither 1 to 1000000000 milliseconds nor never"},
        {"WEFT_HOG", "1s", "WEFT_HOG: 1s is neither 1 to 1000000000 milliseconds nor never"},
        {"WEFT_HOG", "-1", "WEFT_HOG: -1 is neither 1 to 1000000000 milliseconds nor never"},
        {"WEFT_HOG", "9999999999999999999",
         "WEFT_HOG: 9999999999999999999 is neither 1 to 1000000000 milliseconds nor never"},
        {"WEFT_BACKEND", "kqueue", "WEFT_BACKEND: kqueue is none of io_uring, epoll, sim"},
    };
    weft_config config = test_config();
    config.backend = NULL;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        CHECK_OK(setenv(rows[i].name, rows[i].value, 1));
        CHECK_EQ(weft_run_with(&config, body_value, NULL), -EINVAL);
        CHECK_STR(weft_error_text(), rows[i].text);
        CHECK_OK(unsetenv(rows[i].name));
    }
    config.backend = "io_uring"; /* it is read before the kernel is asked */
    CHECK_OK(setenv("WEFT_URING_MASK", "defer,fast", 1));
    CHECK_EQ(weft_run_with(&config, body_value, NULL), -WEFT_ESYNTAX);
    CHECK_STR(weft_error_text(),
              "WEFT_URING_MASK: fast is none of defer, coop, no_sqarray, registered, "
              "accept_multishot, recv_multishot, buffers, cqe_skip, files");
    CHECK_OK(unsetenv("WEFT_URING_MASK"));
}

TEST(run_refuses_a_bad_configuration)
{
    const struct {
        weft_config config;
        const char *text;
    } rows[] = {
        {{.backend = "kqueue"}, "back end: kqueue is none of io_uring, epoll, sim"},
        {{.stack_bytes = 1000}, "stack_bytes: 1000, not from 16384 to 1073741824"},
        {{.loops = WEFT_LOOPS_MAX + 1}, "loops: 257, the most is 256"},
        {{.task_count_max = (1u << 22) + 1}, "task_count_max: 4194305, the most is 4194304"},
        {{.grace = -1}, "grace: a time below 0"},
        {{.blocking_idle = -1}, "blocking_idle: a time below 0"},
        {{.hog = -1}, "hog: a time below 0"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_config config = rows[i].config;
        config.platform = test_platform();
        CHECK_EQ(weft_run_with(&config, body_value, NULL), -EINVAL);
        CHECK_STR(weft_error_text(), rows[i].text);
    }
}

static int body_spawns_until_refused(void *arg)
{
    (void)arg;
    int rc = 0;
    for (int i = 0; i < 9; i++)
        CHECK_EQ(weft_done(weft_spawn(body_value, NULL), NULL), 0);
    CHECK_EQ(weft_done(weft_spawn(body_value, NULL), &rc), 1);
    return rc;
}

TEST(the_number_of_tasks_has_a_limit)
{
    weft_config config = {.platform = test_platform(), .task_count_max = 10};
    CHECK_EQ(weft_run_with(&config, body_spawns_until_refused, NULL), -EAGAIN);
}

static int body_uses_stacks(void *arg)
{
    weft_task tasks[200];
    (void)arg;
    CHECK_OK(weft_sleep(WEFT_SEC)); /* a first turn without a stack to spare */
    for (int i = 0; i < 200; i++)
        tasks[i] = weft_spawn(body_sleep, (void *)WEFT_SEC);
    CHECK_OK(weft_gather_n(tasks, 200));
    weft_run_stats stats;
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_GE(stats.stacks_pooled, 150);
    for (int i = 0; i < 4; i++)
        CHECK_OK(weft_sleep(5 * WEFT_SEC));
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_LE(stats.stacks_pooled, 1);
    return 0;
}

TASK_TEST(test_N01_a_run_gives_back_the_pages_of_stacks_idle_for_ten_seconds)
{
    CHECK_OK(body_uses_stacks(NULL));
}

/* A clock that no virtual one is, and that is 4.999 s on each time somebody looks: whoever then
 * waits until five seconds are over waits for a millisecond.  It rings when the hour has come. */
static struct {
    _Atomic weft_time now, step, ring_at;
    int bell[2];
} hasty;

static weft_time hasty_read(void)
{
    weft_time step = hasty.step;
    weft_time now = atomic_fetch_add(&hasty.now, step) + step;
    weft_time ring_at = hasty.ring_at;
    if (now >= ring_at && atomic_compare_exchange_strong(&hasty.ring_at, &ring_at, WEFT_FOREVER))
        CHECK_EQ(write(hasty.bell[1], "x", 1), 1);
    return now;
}

static int body_yields(void *arg)
{
    (void)arg;
    return weft_yield();
}

/* The loop has nothing to wake for but its stacks; if it did not, the bell would never ring. */
static int body_idles(void *arg)
{
    weft_task tasks[200];
    weft_run_stats stats;
    (void)arg;
    for (int i = 0; i < 200; i++)
        tasks[i] = weft_spawn(body_yields, NULL);
    CHECK_OK(weft_gather_n(tasks, 200));
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_GE(stats.stacks_pooled, 150);
    hasty.step = 4999 * WEFT_MS;
    hasty.ring_at = hasty.now + 10 * WEFT_SEC;
    CHECK_OK(weft_wait_fd(hasty.bell[0], POLLIN));
    for (int i = 0; i < 3; i++) /* as the windows of time happened to lie */
        CHECK_OK(weft_sleep(5 * WEFT_SEC));
    CHECK_OK(weft_run_stats_get(&stats));
    CHECK_LE(stats.stacks_pooled, 1);
    return 0;
}

KERNEL_TEST(test_N01_a_loop_that_sleeps_in_real_time_wakes_to_give_pages_back)
{
    weft_platform platform = *test_platform();
    platform.now = hasty_read;
    platform.advance = NULL;
    hasty.now = WEFT_SEC;
    hasty.step = 0;
    hasty.ring_at = WEFT_FOREVER;
    CHECK_OK(pipe(hasty.bell));
    weft_config config = test_config();
    config.platform = &platform;
    CHECK_OK(weft_run_with(&config, body_idles, NULL));
    close(hasty.bell[0]);
    close(hasty.bell[1]);
}

/* ---- H ---- */

TASK_TEST(test_H01_now_never_runs_backwards)
{
    weft_time last = weft_now();
    for (int i = 0; i < 100; i++) {
        CHECK_OK(weft_sleep(WEFT_US));
        CHECK_GT(weft_now(), last);
        last = weft_now();
    }
}

struct due {
    char *text;
    char letter;
    weft_time after;
};

static int body_due(void *arg)
{
    const struct due *due = arg;
    WEFT_TRY(weft_sleep(due->after));
    size_t len = strlen(due->text);
    due->text[len] = due->letter;
    return 0;
}

TASK_TEST(test_H02_sleepers_wake_by_deadline_and_not_before)
{
    char text[8] = "";
    struct due dues[] = {
        {text, 'c', 30 * WEFT_MS}, {text, 'a', 10 * WEFT_MS}, {text, 'b', 20 * WEFT_MS}};
    weft_time start = weft_now();
    CHECK_OK(weft_map(body_due, dues, 3));
    CHECK_STR(text, "abc");
    CHECK_EQ(weft_now() - start, 30 * WEFT_MS);
}

TASK_TEST(test_H03_a_sleep_of_nothing_is_a_yield)
{
    weft_run_stats before, after;
    weft_release(weft_spawn(body_value, NULL));
    CHECK_OK(weft_run_stats_get(&before));
    CHECK_OK(weft_sleep(0));
    CHECK_OK(weft_sleep(-5));
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_GT(after.switches, before.switches);
}

/* ---- F ---- */

struct ticks {
    int count;
    bool stop;
};

static int body_ticks(void *arg)
{
    struct ticks *ticks = arg;
    while (!ticks->stop) {
        ticks->count++;
        WEFT_TRY(weft_yield());
    }
    return 0;
}

TASK_TEST(test_F02_a_pass_runs_every_ready_task_once)
{
    struct ticks one = {0}, two = {0};
    weft_task tasks[] = {weft_spawn(body_ticks, &one), weft_spawn(body_ticks, &two)};
    int ahead = test_is_simulated(); /* there the seed chooses who is first in a pass (Z03) */
    for (int i = 0; i < 1000; i++) {
        CHECK_OK(weft_yield());
        CHECK(one.count >= i + 1 && one.count <= i + 1 + ahead);
        CHECK(two.count >= i + 1 && two.count <= i + 1 + ahead);
    }
    one.stop = true;
    two.stop = true;
    CHECK_OK(weft_gather_n(tasks, 2));
}

TASK_TEST(test_F03_a_task_that_never_waits_lets_others_run_after_128_calls)
{
    struct ticks ticks = {0};
    weft_task other = weft_spawn(body_ticks, &ticks);
    weft_task done = weft_spawn(body_value, NULL);
    CHECK_OK(weft_await(done));
    int before = ticks.count, calls = 0;
    while (ticks.count == before) {
        CHECK_OK(weft_await(done)); /* done: never waits */
        calls++;
    }
    CHECK_GE(calls, 120);
    CHECK_LE(calls, 128);
    ticks.stop = true;
    CHECK_OK(weft_await(other));
}

static void post_count(void *arg)
{
    ++*(int *)arg;
}

TASK_TEST(test_F04_messages_and_timers_are_served_while_tasks_are_ready)
{
    struct ticks ticks = {0};
    int posted = 0;
    weft_task busy = weft_spawn(body_ticks, &ticks);
    CHECK_OK(weft_post(weft_loop_self(), post_count, &posted));
    while (posted == 0) {
        CHECK_OK(weft_yield());
        CHECK_LT(ticks.count, 300);
    }
    ticks.stop = true;
    CHECK_OK(weft_await(busy));
}

/* Each step of it takes a millisecond. */
static int body_works_hard(void *arg)
{
    struct ticks *ticks = arg;
    while (!ticks->stop) {
        const weft_platform *platform = weft_platform_get();
        platform->advance(platform->now() + WEFT_MS);
        ticks->count++;
        WEFT_TRY(weft_yield());
    }
    return 0;
}

TASK_TEST(test_F04_messages_are_served_soon_though_steps_are_long)
{
    struct ticks ticks = {0};
    weft_task busy[] = {weft_spawn(body_works_hard, &ticks), weft_spawn(body_works_hard, &ticks)};
    for (int round = 0; round < 10; round++) {
        int posted = 0, before = ticks.count;
        CHECK_OK(weft_post(weft_loop_self(), post_count, &posted));
        while (posted == 0)
            CHECK_OK(weft_yield());
        if (round > 0) /* the first had to find out how long a step is */
            CHECK_LE(ticks.count - before, 4);
    }
    ticks.stop = true;
    CHECK_OK(weft_gather_n(busy, 2));

    /* And many are done between two looks again when they are short. */
    struct ticks quick = {0};
    weft_run_stats before, after;
    weft_task brief = weft_spawn(body_ticks, &quick);
    CHECK_OK(weft_run_stats_get(&before));
    while (quick.count < 2000)
        CHECK_OK(weft_yield());
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_LT(after.passes - before.passes, 500);
    quick.stop = true;
    CHECK_OK(weft_await(brief));
}

static weft_time clock_now = WEFT_SEC;

static weft_time clock_read(void)
{
    return clock_now;
}

/* The machine slept while we did. */
static void clock_advance(weft_time to)
{
    clock_now = to + 3600 * WEFT_SEC;
}

static int body_sleeps_past_a_suspend(void *arg)
{
    (void)arg;
    weft_time start = weft_now();
    for (int i = 0; i < 10; i++) {
        weft_time before = weft_now();
        WEFT_TRY(weft_sleep(WEFT_SEC));
        CHECK_GE(weft_now(), before + WEFT_SEC);
    }
    CHECK_GE(weft_now() - start, 10 * 3601 * WEFT_SEC);
    return 0;
}

KERNEL_TEST(test_H05_a_suspended_machine_makes_timers_late_never_early)
{
    weft_platform platform = *test_platform();
    platform.now = clock_read;
    platform.advance = clock_advance;
    weft_config config = test_config();
    config.platform = &platform;
    CHECK_OK(weft_run_with(&config, body_sleeps_past_a_suspend, NULL));
}

static int body_waits_for_future(void *arg)
{
    (void)arg;
    weft_future never = {0};
    return weft_future_wait(&never, NULL);
}

/* In a process of one thread; deadlock_test has the others. */
RUN_TEST(test_F06_a_future_nobody_can_set_is_a_deadlock)
{
    int lines = 0;
    if (!test_is_simulated() && (WF_HAS_TSAN || is_emulated()))
        return; /* they have threads of their own, which could set it */
    CHECK_EQ(weft_run_with(config_with_log(log_nothing, &lines), body_waits_for_future, NULL),
             -EDEADLK);
    CHECK_EQ(lines, 1);
}

/* In a ring: each waits for the next. */
static weft_task ring[3];

static int body_awaits_next(void *arg)
{
    return weft_await(*(weft_task *)arg);
}

static void start_ring(void)
{
    for (int i = 0; i < 3; i++)
        ring[i] = weft_spawn(body_awaits_next, &ring[(i + 1) % 3]);
}

static int body_gathers_deadlocked(void *arg)
{
    (void)arg;
    start_ring();
    int rc = weft_gather_n(ring, 3);
    CHECK_OK(weft_yield()); /* the wait failed; nobody cancelled us */
    return rc;
}

RUN_TEST(test_F06_a_gather_of_deadlocked_tasks_gets_edeadlk)
{
    int lines = 0;
    CHECK_EQ(weft_run_with(config_with_log(log_nothing, &lines), body_gathers_deadlocked, NULL),
             -EDEADLK);
    CHECK_EQ(lines, 1);
}

static int main_F06(void *arg)
{
    (void)arg;
    start_ring();
    int rc = weft_await(ring[0]);
    CHECK_EQ(rc, -EDEADLK);
    CHECK_EQ(weft_cancel(ring[0], "untie"), 1);
    return rc;
}

RUN_TEST(test_F06_a_deadlock_is_told_to_the_main_task)
{
    int lines = 0;
    CHECK_EQ(weft_run_with(config_with_log(log_nothing, &lines), main_F06, NULL), -EDEADLK);
    CHECK_EQ(lines, 1);
}

static int main_F06_children(void *arg)
{
    (void)arg;
    start_ring();
    return 3; /* its end waits for children that never end */
}

RUN_TEST(test_F06_children_that_are_deadlocked_are_cancelled)
{
    int lines = 0;
    CHECK_EQ(weft_run_with(config_with_log(log_nothing, &lines), main_F06_children, NULL), 3);
    CHECK_GE(lines, 1);
}

struct turn {
    weft_event go;
    char letter;
    char *text;
};

static int body_takes_its_turn(void *arg)
{
    struct turn *turn = arg;
    CHECK_OK(weft_event_wait(&turn->go));
    turn->text[strlen(turn->text)] = turn->letter;
    return 0;
}

KERNEL_TASK_TEST(test_F01_a_wake_puts_a_task_behind_those_that_are_ready)
{
    char text[8] = "";
    struct turn turns[3] = {{.letter = 'a'}, {.letter = 'b'}, {.letter = 'c'}};
    weft_task tasks[3];
    for (int i = 0; i < 3; i++) {
        turns[i].text = text;
        tasks[i] = weft_spawn(body_takes_its_turn, &turns[i]);
    }
    CHECK_OK(weft_yield());
    weft_event_set(&turns[2].go);
    weft_event_set(&turns[0].go);
    weft_event_set(&turns[1].go);
    CHECK_OK(weft_gather_n(tasks, 3));
    CHECK_STR(text, "cab");
}

TASK_TEST(test_F05_an_idle_loop_turns_only_for_what_is_due)
{
    weft_run_stats before, after;
    CHECK_OK(weft_run_stats_get(&before));
    CHECK_OK(weft_sleep(3600 * WEFT_SEC));
    CHECK_OK(weft_run_stats_get(&after));
    CHECK_LE(after.turns - before.turns, 3);
}

static int main_idles(void *arg)
{
    struct rusage before, after;
    (void)arg;
    CHECK_OK(weft_sleep(WEFT_MS)); /* what is started late has been */
    CHECK_EQ(getrusage(RUSAGE_SELF, &before), 0);
    CHECK_OK(weft_sleep(300 * WEFT_MS));
    CHECK_EQ(getrusage(RUSAGE_SELF, &after), 0);
    CHECK_LE(after.ru_nvcsw - before.ru_nvcsw, 30); /* a tick of 10 ms would be as many; a checker's
                                                       own thread is a few */
    return 0;
}

/* No thread of ours wakes up meanwhile: a process gives its processor up as often as it wakes. */
KERNEL_TEST(test_F05_an_idle_process_sleeps)
{
    use_real_time();
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, main_idles, NULL));
}

/* ---- K ---- */

struct slow_end {
    enum weft_reason reason;
    weft_time takes;
};

static int body_slow_cleanup(void *arg)
{
    struct slow_end *end = arg;
    weft_time start = weft_now();
    int rc = weft_sleep(1000 * WEFT_SEC);
    end->reason = weft_why_kind();
    WEFT_SHIELD(cleanup, 100 * WEFT_SEC);
    CHECK_OK(weft_sleep(25 * WEFT_SEC));
    end->takes = weft_now() - start;
    return rc;
}

static int main_K03(void *arg)
{
    weft_release(weft_detach(body_slow_cleanup, arg));
    return weft_yield();
}

RUN_TEST(test_K03_detached_tasks_are_cancelled_and_waited_for_past_the_grace)
{
    int lines = 0;
    struct slow_end end = {0};
    CHECK_OK(weft_run_with(config_with_log(log_nothing, &lines), main_K03, &end));
    CHECK_EQ(end.reason, WEFT_REASON_SHUTDOWN);
    CHECK_EQ(end.takes, 25 * WEFT_SEC);
    CHECK_EQ(lines, 1); /* the grace time was over */
}

static int body_blocks(void *arg)
{
    ++*(int *)arg;
    return 0;
}

/* At the end of the run the pool and the timers still serve the cleanup of detached tasks. */
static int body_cleans_up_with_all(void *arg)
{
    int rc = weft_sleep(1000 * WEFT_SEC);
    WEFT_SHIELD(cleanup, 100 * WEFT_SEC);
    CHECK_OK(weft_run_blocking(body_blocks, arg));
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(weft_run_blocking(body_blocks, arg));
    return rc;
}

static int main_K04(void *arg)
{
    weft_release(weft_detach(body_cleans_up_with_all, arg));
    return weft_yield();
}

RUN_TEST(test_K04_detached_tasks_end_before_the_pool_and_the_timers)
{
    int done = 0;
    CHECK_OK(weft_run_with(config_with_log(log_nothing, &done), main_K04, &done));
    CHECK_EQ(done, 2);
}

static int others_ran;

static void end_at_once(void)
{
    _exit(others_ran == 0 ? 7 : 8);
}

static int body_must_not_run(void *arg)
{
    (void)arg;
    others_ran++;
    return 0;
}

static int main_K05(void *arg)
{
    (void)arg;
    (void)weft_spawn(body_must_not_run, NULL);
    (void)weft_detach(body_must_not_run, NULL);
    exit(3);
}

RUN_TEST(test_K05_exit_in_a_task_runs_no_other_task)
{
    pid_t child = fork();
    CHECK_GE(child, 0);
    if (child == 0) {
        CHECK_EQ(atexit(end_at_once), 0);
        weft_config config = test_config();
        (void)weft_run_with(&config, main_K05, NULL);
        _exit(9);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFEXITED(status));
    CHECK_EQ(WEXITSTATUS(status), 7);
}

/* ---- starting fails cleanly ---- */

RUN_TEST(a_run_that_cannot_start_leaves_nothing)
{
    bool failed = true;
    for (uint64_t k = 1; failed; k++) {
        note("k = %d", (int)k);
        size_t blocks = live_blocks();
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC | WEFT_FAULT_CALL, .nth = k};
        weft_config config = test_config();
        config.flags = WEFT_RUN_DEBUG;
        weft_fault_arm(&plan);
        int rc = weft_run_with(&config, body_value, (void *)5);
        weft_fault_arm(NULL);
        failed = plan.point != NULL;
        CHECK(rc == 5 || (rc < 0 && failed));
        CHECK_EQ(live_blocks(), blocks);
        CHECK(k < 1000);
    }
}

static int started_again;

static void start_again(weft_timer *timer)
{
    started_again++;
    weft_timer_start(weft_loop_self(), timer, weft_now() - 1);
}

/* It is always due, so a virtual clock stands still: no sleeping here. */
TASK_TEST(a_timer_that_starts_itself_in_the_past_does_not_stop_the_loop)
{
    weft_timer timer;
    weft_timer_init(&timer, start_again);
    weft_timer_start(weft_loop_self(), &timer, weft_now());
    while (started_again < 10)
        CHECK_OK(weft_yield());
    weft_timer_stop(weft_loop_self(), &timer);
}
