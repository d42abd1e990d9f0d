/* SPDX-License-Identifier: MIT */

/* Blocking work: results, cancellation, limits and ends of the pool. */

#include <weft/exec.h>

#include "core/exec/exec_priv.h"
#include "harness/harness.h"

#include <weft/file.h>
#include <weft/gather.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/sys/loop.h>

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

/* A door that bodies wait at, on their threads. */
struct gate {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    int arrived;
    bool is_open;
};

#define GATE_INIT                                                                                  \
    {                                                                                              \
        .lock = PTHREAD_MUTEX_INITIALIZER, .changed = PTHREAD_COND_INITIALIZER                     \
    }

static int gate_pass(void *arg)
{
    struct gate *gate = arg;
    pthread_mutex_lock(&gate->lock);
    gate->arrived++;
    while (!gate->is_open)
        pthread_cond_wait(&gate->changed, &gate->lock);
    pthread_mutex_unlock(&gate->lock);
    return 0;
}

static void gate_open(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    gate->is_open = true;
    pthread_cond_broadcast(&gate->changed);
    pthread_mutex_unlock(&gate->lock);
}

static int gate_arrived(struct gate *gate)
{
    pthread_mutex_lock(&gate->lock);
    int arrived = gate->arrived;
    pthread_mutex_unlock(&gate->lock);
    return arrived;
}

static void gate_await(struct gate *gate, int count)
{
    while (gate_arrived(gate) < count)
        CHECK_OK(weft_yield());
}

/* Runs a body with a pool of its own measures. */
static void run_on_threads(weft_config config, weft_fn *fn, void *arg)
{
    config.backend = test_config().backend;
    config.platform = test_platform();
    CHECK_OK(weft_run_with(&config, fn, arg));
}

/* ---- results ---- */

static int return_number(void *arg)
{
    return *(int *)arg;
}

static int fail_with_text(void *arg)
{
    (void)arg;
    CHECK_STR(weft_error_text(), "");
    weft_fail(-EIO, "sector %d of %s", 7, weft_error_text());
    CHECK_STR(weft_error_text(), "sector 7 of ");
    return weft_fail(-EIO, "%sdisk", weft_error_text());
}

TASK_TEST(test_B01_result_comes_back)
{
    int numbers[] = {0, 42, -EIO, -ECANCELED};
    for (size_t i = 0; i < 4; i++)
        CHECK_EQ(weft_run_blocking(return_number, &numbers[i]), numbers[i]);
    int bug = -5000;
    CHECK_EQ(weft_run_blocking(return_number, &bug), -EPROTO);
}

TASK_TEST(test_E05_text_of_a_body_travels_with_its_code)
{
    int io = -EIO;
    CHECK_EQ(weft_run_blocking(fail_with_text, NULL), -EIO);
    CHECK_STR(weft_error_text(), "sector 7 of disk");
    CHECK_EQ(weft_run_blocking(return_number, &io), -EIO);
    CHECK_STR(weft_error_text(), "");
}

static int look_around(void *arg)
{
    int *rcs = arg;
    rcs[0] = weft_sleep(1);
    rcs[1] = weft_run_blocking(return_number, arg);
    rcs[2] = weft_loop_self() != NULL;
    rcs[3] = weft_blocking_cancelled();
    return 0;
}

TASK_TEST(test_B02_a_body_cannot_wait)
{
    int rcs[4];
    CHECK_OK(weft_run_blocking(look_around, rcs));
    CHECK_EQ(rcs[0], -EPERM);
    CHECK_EQ(rcs[1], -EPERM);
    CHECK_EQ(rcs[2], 0);
    CHECK_EQ(rcs[3], 0);
    CHECK(!weft_blocking_cancelled());
}

TEST(test_L04_blocking_work_needs_a_task)
{
    int number = 1;
    CHECK_EQ(weft_run_blocking(return_number, &number), -EPERM);
    CHECK_EQ(weft_run_blocking_try(return_number, &number), -EPERM);
    CHECK_EQ(weft_run_blocking_n(NULL, NULL, 0), -EPERM);
}

struct mail {
    weft_loop *loop;
    int came;
};

static void mail_arrive(void *arg)
{
    ((struct mail *)arg)->came++;
}

static int mail_send(void *arg)
{
    struct mail *mail = arg;
    for (int i = 0; i < 3; i++)
        CHECK_OK(weft_post(mail->loop, mail_arrive, mail));
    return 0;
}

TASK_TEST(test_X02_a_body_may_post)
{
    struct mail mail = {.loop = weft_loop_self()};
    CHECK_OK(weft_run_blocking(mail_send, &mail));
    CHECK_EQ(mail.came, 3); /* posted before the end was told, so they arrive before it */
}

/* ---- at the same time ---- */

static int pass_on_a_thread(void *arg)
{
    return weft_run_blocking(gate_pass, arg);
}

KERNEL_TASK_TEST(test_B01_other_tasks_run_meanwhile)
{
    struct gate gate = GATE_INIT;
    weft_task task = weft_spawn(pass_on_a_thread, &gate);
    gate_await(&gate, 1);
    CHECK_EQ(weft_done(task, NULL), 0);
    gate_open(&gate);
    CHECK_OK(weft_await(task));
}

static int pool_of_two(void *arg)
{
    (void)arg;
    struct gate gate = GATE_INIT;
    weft_task tasks[3];
    CHECK_EQ(wf_exec_thread_count(weft_loop_self()), 0);
    for (int i = 0; i < 3; i++)
        tasks[i] = weft_spawn(pass_on_a_thread, &gate);
    gate_await(&gate, 2); /* two at once */
    for (int i = 0; i < 100; i++)
        CHECK_OK(weft_yield());
    CHECK_EQ(gate_arrived(&gate), 2); /* and not three */
    CHECK_EQ(wf_exec_thread_count(weft_loop_self()), 2);
    gate_open(&gate);
    for (int i = 0; i < 3; i++)
        CHECK_OK(weft_await(tasks[i]));
    CHECK_EQ(wf_exec_thread_count(weft_loop_self()), 2);
    return 0;
}

KERNEL_TEST(test_B02_the_pool_grows_to_its_limit)
{
    run_on_threads((weft_config){.blocking_thread_max = 2}, pool_of_two, NULL);
}

static int outlive_the_threads(void *arg)
{
    int number = 3;
    (void)arg;
    for (int i = 0; i < 3; i++) {
        CHECK_EQ(weft_run_blocking(return_number, &number), 3);
        while (wf_exec_thread_count(weft_loop_self()) != 0)
            CHECK_OK(weft_yield());
    }
    return 0;
}

KERNEL_TEST(test_B02_threads_without_work_end)
{
    run_on_threads((weft_config){.blocking_idle = WEFT_MS}, outlive_the_threads, NULL);
}

/* Of four threads that ended only the last may wait for its join, whoever comes by or does not. */
static int leave_no_thread_behind(void *arg)
{
    struct gate gate = GATE_INIT;
    weft_task tasks[4];
    int number = 3;
    (void)arg;
    CHECK_EQ(weft_run_blocking(return_number, &number), 3);
    while (wf_exec_thread_count(weft_loop_self()) != 0)
        CHECK_OK(weft_yield());
    size_t blocks = live_blocks(); /* one ended thread's record among them */
    for (int i = 0; i < 4; i++)
        tasks[i] = weft_spawn(pass_on_a_thread, &gate);
    gate_await(&gate, 4);
    gate_open(&gate);
    for (int i = 0; i < 4; i++) {
        CHECK_OK(weft_await(tasks[i]));
        weft_release(tasks[i]);
    }
    while (wf_exec_thread_count(weft_loop_self()) != 0 || live_blocks() > blocks)
        CHECK_OK(weft_yield());
    return 0;
}

KERNEL_TEST(test_B02_threads_that_ended_are_joined_without_a_submit)
{
    weft_config config = {.blocking_idle = WEFT_MS, .blocking_thread_max = 4};
    run_on_threads(config, leave_no_thread_behind, NULL);
}

/* ---- separate executors ---- */

static int queue_of_one(void *arg)
{
    struct gate gate = GATE_INIT;
    int number = 1;
    (void)arg;
    weft_task running = weft_spawn(pass_on_a_thread, &gate);
    gate_await(&gate, 1);
    weft_task queued = weft_spawn(pass_on_a_thread, &gate);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_run_blocking_try(return_number, &number), -EAGAIN);
    CHECK_EQ(weft_run_cpu(return_number, &number), 1);
    struct stat info;
    CHECK_OK(weft_stat("/", &info)); /* files have threads of their own too */
    gate_open(&gate);
    CHECK_OK(weft_await(running));
    CHECK_OK(weft_await(queued));
    return 0;
}

KERNEL_TEST(class_48_a_full_pool_does_not_stop_other_work)
{
    weft_config config = {.blocking_thread_max = 1, .blocking_queue_max = 1};
    run_on_threads(config, queue_of_one, NULL);
}

struct serial {
    weft_exec *exec;
    _Atomic int inside, inside_max;
};

static int serial_body(void *arg)
{
    struct serial *self = arg;
    int inside = ++self->inside;
    if (inside > self->inside_max)
        self->inside_max = inside;
    for (int i = 0; i < 100; i++)
        sched_yield();
    self->inside--;
    return inside;
}

static int serial_on_its_thread(void *arg)
{
    struct serial *self = arg;
    return weft_exec_run(self->exec, serial_body, self);
}

TASK_TEST(exec_of_one_thread_runs_one_body_at_a_time)
{
    struct serial serial = {.inside = 0};
    weft_exec_options options = {.thread_max = 1, .idle = WEFT_FOREVER};
    CHECK_OK(weft_exec_new(&serial.exec, &options));
    weft_task tasks[8];
    for (int i = 0; i < 8; i++)
        tasks[i] = weft_spawn(serial_on_its_thread, &serial);
    CHECK_OK(weft_gather_n(tasks, 8));
    CHECK_EQ(serial.inside_max, 1);
    CHECK_EQ(weft_exec_run_try(serial.exec, serial_body, &serial), 1);
    weft_exec_free(serial.exec);
    weft_exec_free(NULL);
}

/* Their sum must not begin anew at 0, nor may a thread's end lie before all time. */
TASK_TEST(exec_options_may_be_as_large_as_they_can)
{
    weft_exec *exec;
    int number = 5;
    for (uint32_t thread_max = 1; thread_max != 0; thread_max = thread_max == 1 ? UINT32_MAX : 0) {
        weft_exec_options options = {
            .thread_max = thread_max, .queue_max = UINT32_MAX, .idle = INT64_MIN};
        CHECK_OK(weft_exec_new(&exec, &options));
        CHECK_EQ(weft_exec_run_try(exec, return_number, &number), 5);
        CHECK_EQ(weft_exec_run(exec, return_number, &number), 5);
        weft_exec_free(exec);
    }
}

/* ---- a thread that cannot be started ---- */

static struct {
    const weft_platform *host;
    struct gate gate;
    int start_count;
} scarce = {.gate = GATE_INIT};

static int start_one_thread(weft_thread *out, void (*fn)(void *arg), void *arg, size_t stack_bytes)
{
    if (scarce.start_count++ == 0)
        return scarce.host->thread_start(out, fn, arg, stack_bytes);
    gate_open(&scarce.gate);
    return -EAGAIN;
}

static int first_of_two(void *arg)
{
    return weft_exec_run(arg, gate_pass, &scarce.gate);
}

static int two_for_one_thread(void *arg)
{
    weft_exec *exec;
    weft_exec_options options = {.thread_max = 2, .idle = 1};
    int number = 5;
    (void)arg;
    CHECK_OK(weft_exec_new(&exec, &options));
    weft_task first = weft_spawn(first_of_two, exec);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_exec_run(exec, return_number, &number), 5);
    CHECK_OK(weft_await(first));
    weft_exec_free(exec);
    return 0;
}

KERNEL_TEST(test_B02_a_body_is_not_refused_while_there_is_a_thread)
{
    weft_config config = test_config();
    scarce.host = config.platform != NULL ? config.platform : weft_platform_get();
    weft_platform platform = *scarce.host;
    platform.thread_start = start_one_thread;
    config.platform = &platform;
    CHECK_OK(weft_run_with(&config, two_for_one_thread, NULL));
    CHECK_EQ(scarce.start_count, 2);
}

TASK_TEST(exec_left_behind_goes_with_the_run)
{
    weft_exec *exec;
    int number = 5;
    CHECK_OK(weft_exec_new(&exec, NULL));
    CHECK_EQ(weft_exec_run(exec, return_number, &number), 5);
}

TEST(test_L04_an_executor_needs_a_run)
{
    weft_exec *exec;
    CHECK_EQ(weft_exec_new(&exec, NULL), -EPERM);
}

/* ---- time ---- */

static int tell_the_time(void *arg)
{
    *(weft_time *)arg = weft_now();
    return 0;
}

static int ask_the_time(void *arg)
{
    weft_time there = 0;
    (void)arg;
    CHECK_OK(weft_sleep(3600 * WEFT_SEC));
    CHECK_OK(weft_run_blocking(tell_the_time, &there));
    CHECK_EQ(there, weft_now()); /* it stands still meanwhile */
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_time before = there;
    CHECK_OK(weft_run_blocking(tell_the_time, &there)); /* the same thread, later */
    CHECK_EQ(there, before + WEFT_SEC);
    return 0;
}

KERNEL_TEST(test_H01_a_body_sees_the_virtual_clock_of_its_run)
{
    use_real_time();
    run_on_threads((weft_config){.flags = WEFT_RUN_VIRTUAL_CLOCK}, ask_the_time, NULL);
}

/* ---- the limit ---- */

static char order[16];

static int note_a_letter(void *arg)
{
    order[strlen(order)] = *(const char *)arg;
    return 0;
}

static int note_on_a_thread(void *arg)
{
    return weft_run_blocking(note_a_letter, arg);
}

static int fill_the_pool(void *arg)
{
    struct gate gate = GATE_INIT;
    (void)arg;
    memset(order, 0, sizeof order);
    weft_task first = weft_spawn(pass_on_a_thread, &gate);
    gate_await(&gate, 1);
    weft_task tasks[5]; /* a is queued; b, c, d and e wait to get in */
    for (int i = 0; i < 5; i++)
        tasks[i] = weft_spawn(note_on_a_thread, &"abcde"[i]);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_run_blocking_try(note_a_letter, "x"), -EAGAIN);

    CHECK_EQ(weft_cancel(tasks[3], "not needed"), 1);
    CHECK_EQ(weft_await(tasks[3]), -ECANCELED);       /* while it waited to get in */
    CHECK_EQ(weft_cancel(tasks[0], "not needed"), 1); /* withdrawn: b gets its place, and is */
    CHECK_EQ(weft_cancel(tasks[1], "not needed"), 1); /* cancelled before it can use it */
    CHECK_EQ(weft_await(tasks[0]), -ECANCELED);
    CHECK_EQ(weft_await(tasks[1]), -ECANCELED);
    gate_open(&gate);
    CHECK_OK(weft_await(first));
    CHECK_OK(weft_await(tasks[2]));
    CHECK_OK(weft_await(tasks[4]));
    CHECK_STR(order, "ce");
    CHECK_OK(weft_run_blocking_try(note_a_letter, "y"));
    CHECK_STR(order, "cey");
    return 0;
}

enum { USUAL_QUEUE = 1024 };

/* One less than may wait for a thread, then one, and one too many. */
static int fill_the_usual_queue(void *arg)
{
    struct gate gate = GATE_INIT;
    int number = 1;
    (void)arg;
    int cpus = weft_platform_get()->cpu_count(), threads = cpus < 16 ? 2 * cpus : 32;
    static weft_task tasks[32 + USUAL_QUEUE];
    for (int i = 0; i < threads + USUAL_QUEUE; i++)
        tasks[i] = weft_spawn(pass_on_a_thread, &gate);
    gate_await(&gate, threads);
    CHECK_EQ(wf_exec_thread_count(weft_loop_self()), (uint32_t)threads);
    CHECK_EQ(weft_run_blocking_try(return_number, &number), -EAGAIN);
    CHECK_EQ(weft_cancel(tasks[threads + USUAL_QUEUE - 1], "make room"), 1);
    CHECK_EQ(weft_await(tasks[threads + USUAL_QUEUE - 1]), -ECANCELED);
    weft_task fits = weft_spawn(pass_on_a_thread, &gate);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_run_blocking_try(return_number, &number), -EAGAIN);
    CHECK_EQ(gate_arrived(&gate), threads);
    gate_open(&gate);
    CHECK_OK(weft_await(fits));
    CHECK_OK(weft_gather_n(tasks, (size_t)(threads + USUAL_QUEUE - 1)));
    CHECK_EQ(weft_run_blocking_try(return_number, &number), 1);
    return 0;
}

KERNEL_TEST(test_B02_as_many_wait_for_a_thread_as_the_header_says)
{
    run_on_threads((weft_config){0}, fill_the_usual_queue, NULL);
}

KERNEL_TEST(test_B02_past_the_limit_callers_wait_in_order)
{
    weft_config config = {.blocking_thread_max = 1, .blocking_queue_max = 1};
    run_on_threads(config, fill_the_pool, NULL);
}

/* ---- cancellation ---- */

struct worker {
    _Atomic bool has_begun;
    bool has_ended;
    _Atomic int rc; /* what to return; pieces: how many ended */
};

static int work_until_told(void *arg)
{
    struct worker *worker = arg;
    worker->has_begun = true;
    while (!weft_blocking_cancelled())
        sched_yield();
    worker->has_ended = true;
    return worker->rc;
}

static int work_on_a_thread(void *arg)
{
    int rc = weft_run_blocking(work_until_told, arg);
    CHECK_STR(weft_why(), rc == -ECANCELED ? "enough" : "");
    CHECK_EQ(weft_check(), -ECANCELED); /* it shows at the next wait */
    return rc;
}

KERNEL_TASK_TEST(test_B01_a_running_body_is_told_and_waited_for)
{
    int codes[] = {7, -ECANCELED, -EIO};
    for (size_t i = 0; i < 3; i++) {
        struct worker worker = {.rc = codes[i]};
        weft_task task = weft_spawn(work_on_a_thread, &worker);
        while (!worker.has_begun)
            CHECK_OK(weft_yield());
        CHECK_EQ(weft_cancel(task, "enough"), 1);
        CHECK_EQ(weft_await(task), codes[i]);
        CHECK(worker.has_ended);
    }
}

static int count_a_run(void *arg)
{
    ++*(int *)arg;
    return 5;
}

static int count_on_a_thread(void *arg)
{
    return weft_run_blocking(count_a_run, arg);
}

/* Wherever the cancel comes: a body that ran has its result told, one that did not never will. */
TASK_TEST(test_B01_cancelled_means_that_the_body_did_not_run)
{
    int cancelled = 0;
    for (int round = 0; round < 50; round++) {
        int runs = 0;
        weft_task task = weft_spawn(count_on_a_thread, &runs);
        CHECK_OK(test_is_simulated() ? weft_sleep(round * 100 * WEFT_US) : weft_yield());
        weft_cancel(task, "enough");
        int rc = weft_await(task);
        CHECK_EQ(rc, runs == 1 ? 5 : -ECANCELED);
        cancelled += rc < 0;
    }
    if (test_is_simulated()) {
        CHECK_GT(cancelled, 2);
        CHECK_LT(cancelled, 30);
    }
}

TASK_TEST(test_C02_cancelled_before_the_call_nothing_runs)
{
    int runs = 0;
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "before");
    CHECK_EQ(weft_run_blocking(count_a_run, &runs), -ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), 0);
    CHECK_EQ(runs, 0);
}

static int work_under_a_deadline(void *arg)
{
    struct worker worker = {.rc = -ECANCELED};
    weft_scope scope;
    (void)arg;
    CHECK_OK(weft_scope_open(&scope, weft_after(WEFT_MS), 0));
    int rc = weft_run_blocking(work_until_told, &worker);
    CHECK_EQ(weft_scope_close(&scope, rc), -ETIMEDOUT);
    CHECK(worker.has_ended == worker.has_begun);
    return 0;
}

KERNEL_TEST(test_B04_a_deadline_works_as_for_any_wait)
{
    use_real_time();
    run_on_threads((weft_config){0}, work_under_a_deadline, NULL);
}

/* ---- pieces ---- */

#define PIECES 1000

struct pieces {
    _Atomic int runs[PIECES];
    _Atomic int sum;
    size_t fails_at;
};

static int piece_count(void *arg, size_t index)
{
    struct pieces *pieces = arg;
    pieces->runs[index]++;
    if (index >= pieces->fails_at)
        return weft_fail(-EDOM, "piece %zu", index);
    return 1;
}

TASK_TEST(pieces_each_run_once)
{
    static struct pieces pieces;
    memset(&pieces, 0, sizeof pieces);
    pieces.fails_at = PIECES;
    CHECK_EQ(weft_run_blocking_n(piece_count, &pieces, PIECES), 0);
    for (size_t i = 0; i < PIECES; i++)
        CHECK_EQ(pieces.runs[i], 1);
    CHECK_EQ(weft_run_blocking_n(piece_count, &pieces, 0), 0);
}

TASK_TEST(pieces_stop_at_the_first_error)
{
    static struct pieces pieces;
    memset(&pieces, 0, sizeof pieces);
    pieces.fails_at = 10;
    CHECK_EQ(weft_run_blocking_n(piece_count, &pieces, PIECES), -EDOM);
    CHECK_EQ(strncmp(weft_error_text(), "piece ", 6), 0);
    int ran = 0;
    for (size_t i = 0; i < PIECES; i++)
        ran += pieces.runs[i];
    CHECK_GE(ran, 11);
    CHECK_LE(ran, 10 + 64); /* from 10 on each fails: no thread begins a second of those */
}

struct meeting {
    struct gate gate;
    _Atomic int ran;
};

static int piece_meet(void *arg, size_t index)
{
    struct meeting *meeting = arg;
    meeting->ran++;
    if (index >= 2)
        return 0;
    pthread_mutex_lock(&meeting->gate.lock);
    if (++meeting->gate.arrived == 2)
        meeting->gate.is_open = true;
    pthread_cond_broadcast(&meeting->gate.changed);
    while (!meeting->gate.is_open)
        pthread_cond_wait(&meeting->gate.changed, &meeting->gate.lock);
    pthread_mutex_unlock(&meeting->gate.lock);
    return 0;
}

TASK_TEST(pieces_use_all_processors)
{
    struct meeting meeting = {.gate = GATE_INIT};
    if (test_is_simulated() || weft_platform_get()->cpu_count() < 2)
        return;
    CHECK_OK(weft_run_blocking_n(piece_meet, &meeting, 8));
    CHECK_EQ(meeting.ran, 8);
}

static int piece_until_told(void *arg, size_t index)
{
    struct worker *worker = arg;
    (void)index;
    worker->has_begun = true;
    while (!weft_blocking_cancelled())
        sched_yield();
    worker->rc++;
    return 0;
}

static int pieces_until_told(void *arg)
{
    return weft_run_blocking_n(piece_until_told, arg, PIECES);
}

TASK_TEST(pieces_end_soon_when_cancelled)
{
    if (test_is_simulated() || weft_platform_get()->cpu_count() > 8)
        return;
    struct worker worker = {.rc = 0};
    weft_task task = weft_spawn(pieces_until_told, &worker);
    while (!worker.has_begun)
        CHECK_OK(weft_yield());
    CHECK_EQ(weft_cancel(task, "enough"), 1);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK_LT(worker.rc, 9); /* one a processor, then no more */
}

/* ---- sweeps ---- */

struct page {
    int in, out;
};

static int page_fill(void *arg)
{
    struct page *page = arg;
    page->out = page->in * 2;
    return 0;
}

static int page_on_a_thread(void *arg)
{
    struct page *page = arg;
    int rc = weft_run_blocking(page_fill, page);
    CHECK_EQ(page->out, rc == 0 ? page->in * 2 : 0);
    return rc;
}

static int page_on_its_own_thread(void *arg)
{
    struct page *page = arg;
    weft_exec *exec;
    weft_exec_options options = {.thread_max = 1};
    int rc = weft_exec_new(&exec, &options);
    if (rc < 0)
        return rc;
    rc = weft_exec_run(exec, page_fill, page);
    weft_exec_free(exec);
    return rc < 0 ? rc : weft_run_cpu(page_fill, page);
}

SCENARIO(executors_of_a_task_come_and_go)
{
    struct page page = {.in = 4};
    int rc = page_on_its_own_thread(&page);
    CHECK(rc < 0 || page.out == 8);
    return rc;
}

static int piece_nothing(void *arg, size_t index)
{
    (void)arg;
    (void)index;
    return 0;
}

SCENARIO(blocking_work_of_several_tasks)
{
    static struct page pages[3]; /* the children outlive this call when it fails */
    weft_task tasks[3];
    for (int i = 0; i < 3; i++) {
        pages[i] = (struct page){.in = i + 1};
        tasks[i] = weft_spawn(page_on_a_thread, &pages[i]);
    }
    int rc = weft_run_blocking_n(piece_nothing, NULL, 5);
    for (int i = 0; i < 3 && rc >= 0; i++)
        rc = weft_await(tasks[i]);
    return rc;
}
