/* SPDX-License-Identifier: MIT */

/* Rule B03: bodies in processes of their own. */

#include "harness/harness.h"

#include <weft.h>

#include <dirent.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* No more workers than that; 0: as many as usual. */
static void run_with_workers(unsigned worker_max, weft_fn *fn)
{
    weft_config config = test_config();
    config.flags = WEFT_RUN_WORKERS;
    config.worker_max = worker_max;
    CHECK_OK(weft_run_with(&config, fn, NULL));
}

static int outside; /* of the buffer: a worker's change does not come back */

static int add_up(void *arg)
{
    int *numbers = arg;
    outside++;
    numbers[2] = numbers[0] + numbers[1];
    return numbers[2];
}

static int tell_pid(void *arg)
{
    *(pid_t *)arg = getpid();
    return 0;
}

static int fail_with_text(void *arg)
{
    (void)arg;
    return weft_fail(-EDOM, "of process %d", 7);
}

static int bodies_in_workers(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        int numbers[] = {i, 40, 0};
        CHECK_EQ(weft_run_process(add_up, numbers, sizeof numbers), i + 40);
        CHECK_EQ(numbers[2], i + 40);
    }
    CHECK_EQ(outside, 0);
    pid_t pids[2];
    CHECK_OK(weft_run_process(tell_pid, &pids[0], sizeof pids[0]));
    CHECK_OK(weft_run_process(tell_pid, &pids[1], sizeof pids[1]));
    CHECK_EQ(pids[0], pids[1]); /* one worker is enough for one call at a time */
    CHECK_NE(pids[0], getpid());
    CHECK_EQ(weft_run_process(fail_with_text, NULL, 0), -EDOM);
    CHECK_STR(weft_error_text(), "of process 7");
    return 0;
}

KERNEL_TEST(test_B03_a_body_works_on_a_copy_in_another_process)
{
    run_with_workers(0, bodies_in_workers);
}

static int turn_bytes(void *arg)
{
    unsigned char *bytes = arg;
    for (size_t i = 0; i < 3000000; i++)
        bytes[i] = (unsigned char)(bytes[i] + 1);
    return 0;
}

static int large_buffers(void *arg)
{
    unsigned char *bytes = calloc(1, 3000000);
    (void)arg;
    CHECK(bytes != NULL);
    CHECK_OK(weft_run_process(turn_bytes, bytes, 3000000));
    for (size_t i = 0; i < 3000000; i++)
        CHECK_EQ(bytes[i], 1);
    free(bytes);
    CHECK_EQ(weft_run_process(turn_bytes, arg, SIZE_MAX), -E2BIG);
    return 0;
}

KERNEL_TEST(test_B03_large_buffers_go_there_and_back)
{
    run_with_workers(0, large_buffers);
}

/* ---- shared memory ---- */

#define SHARED_BYTES 3000000

static int turn_bytes_and_crash(void *arg)
{
    (void)turn_bytes(arg);
    return raise(SIGKILL);
}

static int shared_buffers(void *arg)
{
    (void)arg;
    weft_shared *shared;
    CHECK_OK(weft_shared_new(&shared, SHARED_BYTES));
    unsigned char *bytes = weft_shared_get(shared);
    CHECK_EQ(weft_shared_bytes(shared), (size_t)SHARED_BYTES);
    bytes[7] = 40;
    CHECK_OK(weft_run_process_shared(turn_bytes, shared));
    CHECK_EQ(bytes[7], 41);
    CHECK_EQ(bytes[SHARED_BYTES - 1], 1);
    int numbers[] = {1, 2, 0}; /* copied and shared go to one worker */
    CHECK_EQ(weft_run_process(add_up, numbers, sizeof numbers), 3);
    CHECK_EQ(weft_run_process_shared(turn_bytes_and_crash, shared), -ECHILD);
    CHECK(strstr(weft_error_text(), "killed by SIGKILL") != NULL);
    CHECK_EQ(bytes[7], 42); /* what it wrote stands */
    CHECK_OK(weft_run_process_shared(turn_bytes, shared));
    CHECK_EQ(bytes[SHARED_BYTES - 1], 3);
    weft_shared_free(shared);
    return 0;
}

KERNEL_TEST(test_B03_shared_memory_is_worked_on_in_place_and_survives_the_worker)
{
    run_with_workers(0, shared_buffers);
}

TASK_TEST(test_B03_shared_memory_has_limits_and_needs_workers)
{
    weft_shared *shared;
    bool is_sim = test_is_simulated();
    CHECK_EQ(weft_shared_new(&shared, 0), -EINVAL);
    CHECK_EQ(weft_shared_new(&shared, SIZE_MAX), -EINVAL);
    CHECK_OK(weft_shared_new(&shared, SHARED_BYTES));
    CHECK_EQ(weft_run_process_shared(turn_bytes, shared), is_sim ? 0 : -EPERM);
    CHECK_EQ(*(char *)weft_shared_get(shared), is_sim);
    weft_shared_free(shared);
    weft_shared_free(NULL);
}

static int crash(void *arg)
{
    (void)arg;
    signal(SIGUSR1, SIG_DFL);
    raise(SIGUSR1);
    return 0;
}

static int end_quietly(void *arg)
{
    (void)arg;
    _exit(3);
}

static int survive_crashes(void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        int numbers[] = {1, 2, 0};
        CHECK_EQ(weft_run_process(crash, NULL, 0), -ECHILD);
        CHECK(strstr(weft_error_text(), "killed by SIGUSR1") != NULL);
        CHECK_EQ(weft_run_process(end_quietly, NULL, 0), -ECHILD);
        CHECK(strstr(weft_error_text(), "ended with status 3") != NULL);
        CHECK_EQ(weft_run_process(add_up, numbers, sizeof numbers), 3);
    }
    return 0;
}

KERNEL_TEST(test_B03_a_worker_that_dies_gives_its_signal_and_is_replaced)
{
    run_with_workers(0, survive_crashes);
}

/* Of its threads those that are not over: the first stays as a zombie.  An emulator has more. */
static int live_thread_count(pid_t pid)
{
    char path[64], text[256];
    snprintf(path, sizeof path, "/proc/%d/task", (int)pid);
    DIR *tasks = opendir(path);
    int count = 0;
    for (struct dirent *task; tasks != NULL && (task = readdir(tasks)) != NULL;) {
        snprintf(path, sizeof path, "/proc/%d/task/%.20s/stat", (int)pid, task->d_name);
        FILE *file = fopen(path, "r");
        if (file == NULL)
            continue;
        text[fread(text, 1, sizeof text - 1, file)] = '\0';
        CHECK_OK(fclose(file));
        const char *end = strrchr(text, ')'); /* of the name, which may have others */
        count += end != NULL && end[2] != 'Z' && end[2] != 'X';
    }
    if (tasks != NULL)
        CHECK_OK(closedir(tasks));
    return count;
}

/* Then its sockets are closed. */
static void wait_until_dead(pid_t pid)
{
    while (live_thread_count(pid) != 0)
        sched_yield();
}

static int tell_parent(void *arg)
{
    *(pid_t *)arg = getppid();
    return tell_pid((pid_t *)arg + 1);
}

static int survive_kills_of_the_idle(void *arg)
{
    (void)arg;
    pid_t pids[2], last; /* of who forks workers, of one */
    CHECK_OK(weft_run_process(tell_parent, pids, sizeof pids));
    CHECK_OK(kill(pids[1], SIGKILL));
    wait_until_dead(pids[1]);
    CHECK_OK(weft_run_process(tell_pid, &last, sizeof last)); /* by another */
    CHECK_NE(last, pids[1]);
    CHECK_OK(kill(pids[0], SIGKILL));
    wait_until_dead(pids[0]);
    wait_until_dead(last); /* it dies with that one */
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(weft_run_process(tell_pid, &last, sizeof last), -EAGAIN);
        CHECK(strstr(weft_error_text(), "that forks workers has ended") != NULL);
    }
    return 0;
}

KERNEL_TEST(test_B03_a_worker_that_was_killed_while_idle_is_nobodys_failure)
{
    run_with_workers(1, survive_kills_of_the_idle);
}

static int wait_for_ever(void *arg)
{
    (void)arg;
    return pause();
}

static int for_ever_elsewhere(void *arg)
{
    return weft_run_process(wait_for_ever, arg, 0);
}

static int cancel_workers(void *arg)
{
    (void)arg;
    pid_t before, after;
    CHECK_OK(weft_run_process(tell_pid, &before, sizeof before));
    weft_task task = weft_spawn(for_ever_elsewhere, NULL);
    for (int i = 0; i < 10; i++)
        CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "test"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_EQ(kill(before, 0), -1); /* killed, and reaped */
    CHECK_OK(weft_run_process(tell_pid, &after, sizeof after));
    CHECK_NE(before, after);
    CHECK_EQ(weft_wait_for(for_ever_elsewhere, NULL, 20 * WEFT_MS), -ETIMEDOUT);
    CHECK_OK(weft_run_process(tell_pid, &after, sizeof after));
    return 0;
}

KERNEL_TEST(test_B03_cancelled_the_worker_is_killed_and_replaced)
{
    run_with_workers(1, cancel_workers);
}

static int two_at_a_time(void *arg)
{
    (void)arg;
    weft_task tasks[] = {weft_spawn(for_ever_elsewhere, NULL),
                         weft_spawn(for_ever_elsewhere, NULL)};
    pid_t pid;
    CHECK_OK(weft_sleep(5 * WEFT_MS));
    weft_scope scope; /* a third waits for a place, which a deadline ends (rule B04) */
    CHECK_OK(weft_scope_open(&scope, weft_after(5 * WEFT_MS), 0));
    int rc = weft_run_process(tell_pid, &pid, sizeof pid);
    CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
    weft_cancel(tasks[0], "test");
    CHECK_OK(weft_run_process(tell_pid, &pid, sizeof pid));
    weft_cancel(tasks[1], "test");
    CHECK_EQ(weft_await(tasks[0]), -ECANCELED);
    CHECK_EQ(weft_await(tasks[1]), -ECANCELED);
    return 0;
}

KERNEL_TEST(test_B04_no_more_workers_than_the_limit)
{
    run_with_workers(2, two_at_a_time);
}

TASK_TEST(test_B03_workers_must_be_asked_for)
{
    int numbers[] = {1, 2, 0};
    if (test_is_simulated()) { /* a body runs here, as blocking work does */
        CHECK_EQ(weft_run_process(add_up, numbers, sizeof numbers), 3);
        return;
    }
    CHECK_EQ(weft_run_process(add_up, numbers, sizeof numbers), -EPERM);
    CHECK(strstr(weft_error_text(), "WEFT_RUN_WORKERS") != NULL);
}

TEST(test_L04_workers_need_a_task)
{
    CHECK_EQ(weft_run_process(add_up, NULL, 0), -EPERM);
}

/* Every call fails once, and every wait is cancelled once: nothing may be left of it. */
static int add_up_elsewhere(void *arg)
{
    int numbers[] = {1, 2, 0};
    (void)arg;
    int rc = weft_run_process(add_up, numbers, sizeof numbers);
    CHECK(rc < 0 || numbers[2] == 3);
    weft_shared *shared;
    if (rc == 3)
        rc = weft_shared_new(&shared, sizeof numbers);
    if (rc < 0)
        return rc;
    memcpy(weft_shared_get(shared), numbers, sizeof numbers);
    rc = weft_run_process_shared(add_up, shared);
    weft_shared_free(shared);
    return rc;
}

static void cancel_me(void *arg)
{
    (void)arg;
    weft_cancel(weft_self(), "sweep");
}

/* One call in a task of its own, which is cancelled at its k-th suspension point. */
struct cut_call {
    uint64_t k, hits; /* k = 0: never */
    int rc, sum, after;
};

static int call_and_be_cut(void *arg)
{
    struct cut_call *call = arg;
    int numbers[] = {1, 2, 0};
    weft_fault_plan plan = {.classes = WEFT_FAULT_WAIT, .nth = call->k, .act = cancel_me};
    weft_fault_arm(&plan);
    call->rc = weft_run_process(add_up, numbers, sizeof numbers);
    weft_fault_arm(NULL);
    call->hits = plan.hits;
    call->sum = numbers[2];
    call->after = weft_check();
    return 0;
}

/* The last thing that a call waits for is its buffer. */
static int cancel_while_the_buffer_arrives(void *arg)
{
    struct cut_call whole = {0};
    pid_t before, after;
    (void)arg;
    CHECK_OK(weft_run_process(tell_pid, &before, sizeof before)); /* there is a worker */
    CHECK_OK(weft_await(weft_spawn(call_and_be_cut, &whole)));
    CHECK_EQ(whole.rc, 3);
    CHECK_OK(whole.after);
    struct cut_call last = {.k = whole.hits};
    CHECK_OK(weft_await(weft_spawn(call_and_be_cut, &last)));
    CHECK_EQ(last.hits, whole.hits);
    CHECK_EQ(last.rc, 3);
    CHECK_EQ(last.sum, 3);
    CHECK_EQ(last.after, -ECANCELED); /* it shows at the next wait */
    CHECK_OK(weft_run_process(tell_pid, &after, sizeof after));
    CHECK_EQ(after, before); /* and the worker lives */
    return 0;
}

KERNEL_TEST(test_C03_an_answer_that_has_come_beats_the_cancel_of_its_buffer)
{
    run_with_workers(1, cancel_while_the_buffer_arrives);
}

KERNEL_TEST(test_Y01_workers_under_each_fault_and_cancel)
{
    static const unsigned classes[] = {WEFT_FAULT_ALLOC, WEFT_FAULT_CALL, WEFT_FAULT_WAIT};
    for (size_t i = 0; i < 3; i++) {
        for (uint64_t k = 1;; k++) {
            weft_fault_plan plan = {.classes = classes[i],
                                    .nth = k,
                                    .act = classes[i] == WEFT_FAULT_WAIT ? cancel_me : NULL};
            weft_config config = test_config();
            config.flags = WEFT_RUN_WORKERS;
            size_t blocks = live_blocks();
            weft_fault_arm(&plan);
            int rc = weft_run_with(&config, add_up_elsewhere, NULL);
            weft_fault_arm(NULL);
            note("class %zu, k = %llu, %s", i, (unsigned long long)k,
                 plan.point != NULL ? plan.point : "none");
            CHECK_EQ(live_blocks(), blocks);
            if (plan.point == NULL) {
                CHECK_EQ(rc, 3);
                break;
            }
        }
    }
}
