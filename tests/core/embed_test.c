/* SPDX-License-Identifier: MIT */

/* A run that a foreign loop drives, by hand with poll(2). */

#include "harness/harness.h"

#include <weft.h>
#include <weft/sys/embed.h>

#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

/* The foreign loop of these tests: polls the run's descriptor and one of its own.  How often it
 * turned. */
struct foreign {
    weft_embed *embed;
    int own_fd; /* -1: none */
    int turns, own_events;
    void (*on_turn)(struct foreign *foreign); /* may be NULL */
};

static int foreign_timeout_ms(const struct foreign *foreign)
{
    weft_time timeout = weft_embed_timeout(foreign->embed);
    return timeout == WEFT_FOREVER ? 10000 : (int)((timeout + WEFT_MS - 1) / WEFT_MS);
}

static void foreign_loop(struct foreign *foreign)
{
    do {
        struct pollfd polled[2] = {
            {.fd = weft_embed_descriptor(foreign->embed), .events = POLLIN},
            {.fd = foreign->own_fd, .events = POLLIN},
        };
        int timeout = foreign_timeout_ms(foreign);
        int count = poll(polled, 2, timeout);
        if (count == 0 && timeout == 10000)
            FAIL("nothing came for ten seconds");
        if (polled[1].revents != 0) {
            char byte;
            CHECK_EQ(read(foreign->own_fd, &byte, 1), 1);
            foreign->own_events++;
        }
        foreign->turns++;
        if (foreign->on_turn != NULL)
            foreign->on_turn(foreign);
    } while (weft_embed_turn(foreign->embed) > 0);
}

static void open_on(struct foreign *foreign, const char *backend, weft_fn *fn, void *arg)
{
    weft_config config = {.backend = backend};
    foreign->own_fd = -1;
    CHECK_OK(weft_embed_open(&foreign->embed, &config, fn, arg));
}

static const char *const backends[] = {"epoll", "io_uring"};

#define ON_EACH(backend)                                                                           \
    use_real_time();                                                                               \
    for (int at_ = 0; at_ < 2; at_++)                                                              \
        for (const char *backend = backends[at_]; backend != NULL; backend = NULL)                 \
            if (backend_is_there(backend))

static int drive(const char *backend, weft_fn *fn, void *arg)
{
    struct foreign foreign = {.turns = 0};
    open_on(&foreign, backend, fn, arg);
    foreign_loop(&foreign);
    return weft_embed_close(foreign.embed);
}

/* ---- what runs ---- */

static int sleep_and_count(void *arg)
{
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_sleep(2 * WEFT_MS));
        ++*(int *)arg;
    }
    return 0;
}

static int talk(void *arg)
{
    const int *ends = arg;
    char byte = 0;
    for (int i = 0; i < 50; i++) {
        WEFT_TRY(weft_write(ends[0], &byte, 1));
        WEFT_TRY(weft_read(ends[0], &byte, 1));
    }
    return byte;
}

static int echo(void *arg)
{
    const int *ends = arg;
    char byte;
    for (ssize_t got; (got = weft_read(ends[1], &byte, 1)) != 0; byte++) {
        if (got < 0)
            return (int)got;
        byte++;
        WEFT_TRY(weft_write(ends[1], &byte, 1));
    }
    return 0;
}

static int block(void *arg)
{
    const struct timespec moment = {.tv_nsec = 3000000};
    nanosleep(&moment, NULL);
    return *(int *)arg += 100;
}

static int everything(void *arg)
{
    int *count = arg, ends[2];
    CHECK_OK(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends));
    weft_task sleeper = weft_spawn(sleep_and_count, count), other = weft_spawn(echo, ends);
    weft_task talker = weft_spawn(talk, ends);
    CHECK_EQ(weft_await(talker), 50);
    CHECK_OK(weft_close(ends[0]));
    CHECK_OK(weft_await(other));
    CHECK_OK(weft_close(ends[1]));
    CHECK_OK(weft_await(sleeper));
    CHECK_EQ(weft_run_blocking(block, count), 103);
    CHECK_EQ(weft_wait_for(sleep_and_count, count, WEFT_MS), -ETIMEDOUT);
    return 7;
}

TEST(tasks_timers_io_and_threads_go_on)
{
    ON_EACH(backend)
    {
        int count = 0;
        CHECK_EQ(drive(backend, everything, &count), 7);
        CHECK_EQ(count, 103);
        CHECK(weft_loop_self() == NULL);
    }
}

static int end_at_once(void *arg)
{
    ++*(int *)arg;
    return -ENOENT;
}

TEST(a_run_may_be_over_when_it_is_opened)
{
    ON_EACH(backend)
    {
        weft_embed *embed;
        int count = 0;
        weft_config config = {.backend = backend};
        CHECK_OK(weft_embed_open(&embed, &config, end_at_once, &count));
        CHECK_EQ(count, 1);
        for (int i = 0; i < 10 && weft_embed_turn(embed) > 0; i++)
            ;
        CHECK_EQ(weft_embed_turn(embed), 0);
        CHECK_EQ(weft_embed_timeout(embed), 0);
        CHECK(weft_embed_loop(embed) == NULL);
        CHECK_EQ(weft_spawn(end_at_once, &count).id >> 63, 1);
        CHECK_EQ(weft_done(weft_embed_spawn(embed, end_at_once, &count), NULL), 1);
        CHECK_EQ(weft_embed_close(embed), -ENOENT);
        CHECK_EQ(count, 1);
    }
}

/* ---- the foreign loop lives on ---- */

static int spin(void *arg)
{
    for (int i = 0; i < 1000000 && *(volatile int *)arg == 0; i++)
        WEFT_TRY(weft_yield());
    return *(int *)arg;
}

static int spin_stop;

static void stop_at_twenty(struct foreign *foreign)
{
    spin_stop = foreign->turns >= 20;
}

TEST(tasks_that_are_always_ready_do_not_keep_the_foreign_loop)
{
    ON_EACH(backend)
    {
        struct foreign foreign = {.on_turn = stop_at_twenty};
        spin_stop = 0;
        open_on(&foreign, backend, spin, &spin_stop);
        foreign_loop(&foreign);
        CHECK_GE(foreign.turns, 20);
        CHECK_EQ(weft_embed_close(foreign.embed), 1);
    }
}

static int wait_for_event(void *arg)
{
    return weft_event_wait(arg);
}

static weft_event foreign_event;

static void set_event(struct foreign *foreign)
{
    if (foreign->own_events == 1) {
        weft_event_set(&foreign_event); /* seen by the turn right behind it */
        CHECK_EQ(weft_embed_timeout(foreign->embed), 0);
    }
}

TEST(a_foreign_callback_wakes_a_task)
{
    ON_EACH(backend)
    {
        int ends[2];
        struct foreign foreign = {.on_turn = set_event};
        foreign_event = (weft_event){0};
        CHECK_OK(pipe(ends));
        open_on(&foreign, backend, wait_for_event, &foreign_event);
        foreign.own_fd = ends[0];
        CHECK_EQ(weft_embed_timeout(foreign.embed), WEFT_FOREVER);
        CHECK_EQ(write(ends[1], "x", 1), 1);
        foreign_loop(&foreign);
        CHECK_EQ(foreign.own_events, 1);
        CHECK_OK(weft_embed_close(foreign.embed));
        CHECK_OK(close(ends[0]));
        CHECK_OK(close(ends[1]));
    }
}

/* ---- descriptors that the foreign loop closes ---- */

static int nothing_comes(void *arg)
{
    char byte;
    return (int)weft_read(*(const int *)arg, &byte, 1);
}

static int write_later(void *arg)
{
    WEFT_TRY(weft_sleep(2 * WEFT_MS));
    return (int)weft_write(*(const int *)arg, "y", 1);
}

/* Its number means another pipe from one read to the next, and nobody has told the loop. */
static int read_twice(void *arg)
{
    int *ends = arg, before = ends[0];
    char byte;
    CHECK_EQ(write(ends[1], "x", 1), 1);
    CHECK_EQ(weft_read(ends[0], &byte, 1), 1);
    CHECK_EQ(weft_wait_for(nothing_comes, ends, WEFT_MS), -ETIMEDOUT);
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
    CHECK_OK(pipe2(ends, O_NONBLOCK));
    CHECK_EQ(ends[0], before);
    weft_task writer = weft_spawn(write_later, &ends[1]);
    CHECK_EQ(weft_read(ends[0], &byte, 1), 1);
    CHECK_OK(weft_await(writer));
    CHECK_OK(weft_close(ends[0]));
    return weft_close(ends[1]);
}

TEST(a_number_that_others_close_and_use_again_is_noticed)
{
    ON_EACH(backend)
    {
        int ends[2];
        CHECK_OK(pipe2(ends, O_NONBLOCK));
        CHECK_OK(drive(backend, read_twice, ends));
    }
}

static int sleep_to_the_end_of_time(void *arg)
{
    (void)arg;
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, WEFT_FOREVER - 1, 0));
    return weft_scope_close(&limit, weft_sleep(WEFT_FOREVER));
}

/* It was taken for one that had passed, and the foreign loop never slept. */
TEST(a_deadline_at_the_end_of_time_is_not_due)
{
    ON_EACH(backend)
    {
        weft_config config = {.backend = backend};
        weft_embed *embed;
        CHECK_OK(weft_embed_open(&embed, &config, sleep_to_the_end_of_time, NULL));
        for (int i = 0; i < 5; i++)
            CHECK_EQ(weft_embed_turn(embed), 1);
        CHECK_GT(weft_embed_timeout(embed), WEFT_SEC);
        CHECK_EQ(weft_embed_close(embed), -ECANCELED);
    }
}

/* ---- other threads ---- */

struct sender {
    weft_future future;
    _Atomic bool may_send;
};

static void *set_future(void *arg)
{
    struct sender *sender = arg;
    while (!sender->may_send)
        sched_yield();
    const struct timespec moment = {.tv_nsec = 2000000};
    nanosleep(&moment, NULL); /* the foreign loop is in its poll by then, mostly */
    (void)weft_future_set(&sender->future, 5, NULL);
    return NULL;
}

static int wait_for_future(void *arg)
{
    struct sender *sender = arg;
    sender->may_send = true;
    return weft_future_wait(&sender->future, NULL);
}

TEST(what_a_thread_sends_shows_at_the_descriptor)
{
    ON_EACH(backend)
    {
        for (int round = 0; round < 20; round++) {
            struct sender sender = {.may_send = false};
            pthread_t thread;
            CHECK_EQ(pthread_create(&thread, NULL, set_future, &sender), 0);
            CHECK_EQ(drive(backend, wait_for_future, &sender), 5);
            CHECK_EQ(pthread_join(thread, NULL), 0);
        }
    }
}

/* ---- the end ---- */

static int clean_up_slowly(void *arg)
{
    int rc = weft_sleep(WEFT_FOREVER);
    WEFT_SHIELD(time, WEFT_SEC);
    CHECK_OK(weft_sleep(3 * WEFT_MS));
    ++*(int *)arg;
    return rc;
}

static int with_detached(void *arg)
{
    weft_release(weft_detach(clean_up_slowly, arg));
    WEFT_TRY(weft_yield());
    return 3;
}

TEST(detached_tasks_are_seen_out_by_turns)
{
    ON_EACH(backend)
    {
        struct foreign foreign = {.turns = 0};
        int count = 0;
        open_on(&foreign, backend, with_detached, &count);
        weft_release(weft_embed_spawn(foreign.embed, clean_up_slowly, &count));
        foreign_loop(&foreign);
        CHECK_EQ(count, 2);
        CHECK_EQ(weft_embed_close(foreign.embed), 3);
    }
}

/* The main task is done; an operation that it left, and a timer, keep the run a little. */
struct leftover {
    int fds[2];
    weft_timer timer;
    bool is_over;
};

static void leftover_ended(weft_op *op, const weft_completion *completion, void *arg)
{
    (void)op;
    CHECK(completion->is_final);
    ((struct leftover *)arg)->is_over = true;
}

static void nothing_on_time(weft_timer *timer)
{
    (void)timer;
}

static int leaves_an_operation(void *arg)
{
    struct leftover *leftover = arg;
    weft_loop *loop = weft_loop_self();
    const weft_op_args args = {.kind = WEFT_OP_POLL, .fd = leftover->fds[0], .flags = POLLIN};
    weft_op *op;
    CHECK_OK(weft_op_start(loop, &args, leftover_ended, leftover, &op));
    weft_timer_init(&leftover->timer, nothing_on_time);
    weft_timer_start(loop, &leftover->timer, weft_after(5 * WEFT_MS));
    return 7;
}

static int never_runs(void *arg)
{
    (void)arg;
    FAIL("a task began while the run ended");
}

static void spawn_too_late(struct foreign *foreign)
{
    int rc = 0;
    CHECK_EQ(weft_done(weft_embed_spawn(foreign->embed, never_runs, NULL), &rc), 1);
    CHECK_EQ(rc, -ESRCH);
}

TEST(test_L05_no_task_begins_while_an_embedded_run_ends)
{
    ON_EACH(backend)
    {
        struct leftover leftover = {.is_over = false};
        struct foreign foreign = {.on_turn = spawn_too_late};
        CHECK_OK(pipe(leftover.fds));
        open_on(&foreign, backend, leaves_an_operation, &leftover);
        foreign_loop(&foreign);
        CHECK(leftover.is_over);
        CHECK_GT(foreign.turns, 1);
        CHECK_EQ(weft_embed_close(foreign.embed), 7);
        CHECK_OK(close(leftover.fds[0]));
        CHECK_OK(close(leftover.fds[1]));
    }
}

TEST(close_cancels_and_waits)
{
    ON_EACH(backend)
    {
        struct foreign foreign = {.turns = 0};
        int count = 0;
        open_on(&foreign, backend, clean_up_slowly, &count);
        CHECK_EQ(weft_embed_turn(foreign.embed), 1);
        CHECK_EQ(weft_embed_close(foreign.embed), -ECANCELED);
        CHECK_EQ(count, 1);
    }
    CHECK_EQ(weft_embed_close(NULL), 0);
}

TEST(a_cancel_from_the_foreign_loop_ends_the_run)
{
    ON_EACH(backend)
    {
        struct foreign foreign = {.turns = 0};
        int count = 0;
        open_on(&foreign, backend, clean_up_slowly, &count);
        weft_embed_cancel(foreign.embed, "the window was closed");
        foreign_loop(&foreign);
        CHECK_EQ(count, 1);
        CHECK_EQ(weft_embed_close(foreign.embed), -ECANCELED);
    }
}

/* ---- nesting ---- */

static int nothing(void *arg)
{
    return arg == NULL ? 11 : -EINVAL;
}

static int run_inside(void *arg)
{
    CHECK_EQ(weft_run(nothing, arg), 11); /* rule L02 */
    return weft_sleep(WEFT_MS);
}

static void run_beside(struct foreign *foreign)
{
    weft_embed *second;
    weft_loop *loop;
    (void)foreign;
    CHECK_EQ(weft_run(nothing, NULL), -EBUSY);
    CHECK_EQ(weft_embed_open(&second, NULL, nothing, NULL), -EBUSY);
    CHECK_EQ(weft_loop_new(&loop, NULL), -EBUSY);
    CHECK_EQ(weft_sleep(1), -EPERM);
    CHECK_EQ(weft_await(weft_spawn(nothing, NULL)), -EPERM);
}

TEST(test_L02_L03_runs_nest_in_tasks_and_not_beside)
{
    ON_EACH(backend)
    {
        struct foreign foreign = {.on_turn = run_beside};
        open_on(&foreign, backend, run_inside, NULL);
        foreign_loop(&foreign);
        CHECK_OK(weft_embed_close(foreign.embed));
        CHECK_EQ(weft_run(nothing, NULL), 11); /* and again behind it */
    }
}

static int open_inside(void *arg)
{
    weft_embed *embed;
    return weft_embed_open(&embed, NULL, nothing, arg);
}

TEST(a_run_is_not_embedded_in_a_run_or_in_virtual_time)
{
    weft_embed *embed;
    weft_config config = {.backend = "sim"};
    CHECK_EQ(weft_embed_open(&embed, &config, nothing, NULL), -ENOTSUP);
    config = (weft_config){.flags = WEFT_RUN_VIRTUAL_CLOCK};
    CHECK_EQ(weft_embed_open(&embed, &config, nothing, NULL), -ENOTSUP);
    CHECK_EQ(weft_embed_open(&embed, NULL, nothing, NULL), -ENOTSUP); /* the harness's clock */
    CHECK_OK(setenv("WEFT_CLOCK", "bogus", 1));
    CHECK_EQ(weft_embed_open(&embed, NULL, nothing, NULL), -EINVAL);
    CHECK_STR(weft_error_text(), "WEFT_CLOCK: bogus is none of real, virtual");
    CHECK_OK(unsetenv("WEFT_CLOCK"));
    use_real_time();
    config = (weft_config){.backend = "no such"};
    CHECK_OK(weft_embed_open(&embed, &config, nothing, NULL));
    CHECK_EQ(weft_embed_turn(embed), 0);
    CHECK_EQ(weft_embed_close(embed), -EINVAL);
    CHECK_EQ(weft_run(open_inside, NULL), -EBUSY);
}

/* Memory or a system call fails at its k-th use while the run is opened; then none does. */
TEST(an_embedded_run_that_cannot_start_leaves_nothing)
{
    ON_EACH(backend)
    {
        bool failed = true;
        for (uint64_t k = 1; failed; k++) {
            note("%s, k = %d", backend, (int)k);
            size_t blocks = live_blocks();
            weft_embed *embed = NULL;
            weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC | WEFT_FAULT_CALL, .nth = k};
            weft_config config = {.platform = test_platform(), .backend = backend};
            weft_fault_arm(&plan);
            int rc = weft_embed_open(&embed, &config, nothing, NULL);
            weft_fault_arm(NULL);
            failed = plan.point != NULL;
            CHECK(rc == 0 || (rc < 0 && failed && embed == NULL));
            rc = weft_embed_close(embed);
            CHECK(failed || rc == 11);
            CHECK_EQ(live_blocks(), blocks);
            CHECK(k < 1000);
        }
    }
}
