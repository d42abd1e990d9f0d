/* SPDX-License-Identifier: MIT */

/* Rule F06: whatever the main task waits with, a deadlock ends that wait with -EDEADLK. */

#include "harness/harness.h"

#include "base/checkers.h"
#include "base/sys.h"
#include "core/emulated.h"

#include <weft.h>

#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

static void count_line(const char *line, void *arg)
{
    note("said: %s", line);
    ++*(int *)arg;
}

/* ---- tasks that wait for ever ---- */

static int body_waits(void *arg)
{
    weft_event never = {0};
    (void)arg;
    return weft_event_wait(&never);
}

static weft_task spawn_waiting(void)
{
    return weft_spawn(body_waits, NULL);
}

/* For waits that do not end what they wait for. */
static int end_waiting(weft_task task, int rc)
{
    (void)weft_cancel(task, "the test is over");
    CHECK_EQ(weft_await(task), -ECANCELED);
    return rc;
}

/* ---- one wait each ---- */

static int wait_await(void)
{
    weft_task task = spawn_waiting();
    return end_waiting(task, weft_await(task));
}

static int wait_await_for(void)
{
    return weft_await_for(spawn_waiting(), WEFT_FOREVER);
}

static int wait_wait_for(void)
{
    return weft_wait_for(body_waits, NULL, WEFT_FOREVER);
}

static int wait_nested_run(void)
{
    return weft_run(body_waits, NULL);
}

static int wait_gather(void)
{
    return weft_gather(spawn_waiting(), spawn_waiting());
}

static int wait_settle(void)
{
    const weft_task tasks[] = {spawn_waiting(), spawn_waiting()};
    int results[2] = {0};
    int rc = weft_settle_n(tasks, 2, results);
    CHECK_EQ(results[0], -ECANCELED);
    CHECK_EQ(results[1], -ECANCELED);
    return rc;
}

static int wait_race(void)
{
    return weft_race(spawn_waiting(), spawn_waiting());
}

static int wait_any(void)
{
    const weft_task tasks[] = {spawn_waiting(), spawn_waiting()};
    int rc = weft_any_n(tasks, 2);
    return end_waiting(tasks[0], end_waiting(tasks[1], rc));
}

static int wait_map(void)
{
    int items[3] = {0};
    return weft_map_limit(body_waits, items, 3, 2);
}

static int wait_group(void)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_waits, NULL));
    CHECK_OK(weft_group_spawn(group, body_waits, NULL));
    int rc = weft_group_wait(group);
    CHECK_EQ(weft_group_wait(group), rc); /* G12 */
    return rc;
}

static int wait_group_start(void)
{
    WEFT_GROUP(group);
    int rc = weft_group_start(group, body_waits, NULL);
    CHECK_OK(weft_group_wait(group));
    return rc;
}

static int wait_event(void)
{
    return body_waits(NULL);
}

static int body_owns(void *arg)
{
    weft_mutex *mutex = arg;
    WEFT_TRY(weft_lock(mutex));
    int rc = body_waits(NULL);
    (void)weft_unlock(mutex);
    return rc;
}

static int wait_mutex(void)
{
    weft_mutex mutex = {0};
    weft_task owner = weft_spawn(body_owns, &mutex);
    CHECK_OK(weft_yield());
    return end_waiting(owner, weft_lock(&mutex));
}

static int wait_sem(void)
{
    weft_sem sem = WEFT_SEM(0, 1);
    return weft_sem_take(&sem);
}

static int wait_cond(void)
{
    weft_mutex mutex = {0};
    weft_cond cond = {0};
    WEFT_TRY(weft_lock(&mutex));
    int rc = weft_cond_wait(&cond, &mutex);
    CHECK_OK(weft_unlock(&mutex)); /* P07: held again */
    return rc;
}

static int wait_barrier(void)
{
    weft_barrier barrier = WEFT_BARRIER(2);
    return weft_barrier_wait(&barrier);
}

static int with_chan(size_t capacity, int (*wait)(weft_chan *chan))
{
    weft_chan *chan;
    CHECK_OK(weft_chan_new(&chan, sizeof(int), capacity));
    int rc = wait(chan);
    weft_chan_free(chan);
    return rc;
}

static int send_twice(weft_chan *chan)
{
    int item = 1;
    CHECK_OK(weft_send(chan, &item));
    return weft_send(chan, &item);
}

static int recv_once(weft_chan *chan)
{
    int item;
    return weft_recv(chan, &item);
}

static int recv_some(weft_chan *chan)
{
    int items[4];
    return weft_recv_batch(chan, items, 4, 0);
}

static int select_recv(weft_chan *chan)
{
    weft_event never = {0};
    int item, rc;
    return weft_select(WEFT_CASE_RECV(chan, &item, &rc), WEFT_CASE_EVENT(&never));
}

static int next_of_chan(weft_chan *chan)
{
    int item;
    weft_gen *gen = weft_gen_of_chan(chan, sizeof item);
    int rc = weft_gen_next(gen, &item);
    CHECK_EQ(weft_gen_close(gen), rc);
    return rc;
}

static int wait_send(void)
{
    return with_chan(1, send_twice);
}

static int wait_recv(void)
{
    return with_chan(0, recv_once);
}

static int wait_recv_batch(void)
{
    return with_chan(2, recv_some);
}

static int wait_select(void)
{
    return with_chan(0, select_recv);
}

static int wait_next_of_chan(void)
{
    return with_chan(0, next_of_chan);
}

static int gen_waits(weft_gen *self, void *arg)
{
    int value = 1;
    WEFT_TRY(weft_gen_yield(self, &value));
    return body_waits(arg);
}

static int wait_next(void)
{
    int value;
    weft_gen *gen = weft_gen_open(gen_waits, NULL);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    int rc = weft_gen_next(gen, &value);
    CHECK_EQ(weft_gen_close(gen), rc); /* the body's result */
    return rc;
}

static int gen_waits_when_closed(weft_gen *self, void *arg)
{
    int value = 1;
    (void)!weft_gen_yield(self, &value);
    return body_waits(arg);
}

static int wait_gen_close(void)
{
    int value;
    weft_gen *gen = weft_gen_open(gen_waits_when_closed, NULL);
    CHECK_EQ(weft_gen_next(gen, &value), 1);
    return weft_gen_close(gen);
}

static int wait_merge(void)
{
    int value;
    weft_gen *sources[] = {weft_gen_open(gen_waits_when_closed, NULL)};
    weft_gen *merged = weft_gen_merge(sources, 1, sizeof value);
    CHECK_EQ(weft_gen_next(merged, &value), 1);
    int rc = weft_gen_next(merged, &value);
    (void)weft_gen_close(merged);
    return rc;
}

/* Where other programs cannot put an end to it: a socket of the simulator's. */
static int wait_read(void)
{
    int fds[2];
    char byte;
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    int rc = (int)weft_read(fds[0], &byte, 1);
    CHECK_OK(weft_close(fds[0]));
    CHECK_OK(weft_close(fds[1]));
    return rc;
}

static int wait_select_descriptor(void)
{
    int fds[2], rc;
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    int index = weft_select(WEFT_CASE_READY(fds[0], POLLIN, &rc));
    CHECK_OK(weft_close(fds[0]));
    CHECK_OK(weft_close(fds[1]));
    return index;
}

static int wait_in_shield(void)
{
    WEFT_SCOPE_(shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    return body_waits(NULL);
}

static int future_wait(void)
{
    weft_future never = {0};
    return weft_future_wait(&never, NULL);
}

static const struct row {
    const char *what;
    int (*wait)(void);
    bool only_sim; /* elsewhere somebody outside could end it */
} rows[] = {
    {"await", wait_await, false},
    {"await_for", wait_await_for, false},
    {"wait_for", wait_wait_for, false},
    {"nested run", wait_nested_run, false},
    {"gather", wait_gather, false},
    {"settle", wait_settle, false},
    {"race", wait_race, false},
    {"any", wait_any, false},
    {"map", wait_map, false},
    {"group", wait_group, false},
    {"group start", wait_group_start, false},
    {"event", wait_event, false},
    {"mutex", wait_mutex, false},
    {"semaphore", wait_sem, false},
    {"condition", wait_cond, false},
    {"barrier", wait_barrier, false},
    {"future", future_wait, false},
    {"send", wait_send, false},
    {"receive", wait_recv, false},
    {"receive a batch", wait_recv_batch, false},
    {"select", wait_select, false},
    {"generator", wait_next, false},
    {"generator of a channel", wait_next_of_chan, false},
    {"close of a generator", wait_gen_close, false},
    {"merged generators", wait_merge, false},
    {"read", wait_read, true},
    {"select of a descriptor", wait_select_descriptor, true},
    {"shielded", wait_in_shield, false},
};

/* Twice: a deadlock that was ended does not count for the next. */
static int main_waits(void *arg)
{
    const struct row *row = arg;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(row->wait(), -EDEADLK);
        CHECK_OK(weft_yield()); /* the wait has failed; nobody has cancelled us */
        CHECK_OK(weft_check());
    }
    return 0;
}

/* Checkers and emulators have threads of their own, which could set a future. */
static bool is_only_for_sim(const struct row *row)
{
    return row->only_sim || (row->wait == future_wait && (WF_HAS_TSAN || is_emulated()));
}

RUN_TEST(test_F06_every_wait_of_the_main_task_ends_with_edeadlk)
{
    for (const struct row *row = rows; row < rows + sizeof rows / sizeof rows[0]; row++) {
        int lines = 0;
        weft_config config = test_config();
        config.log = count_line;
        config.log_arg = &lines;
        if (is_only_for_sim(row) && !test_is_simulated())
            continue;
        note("%s", row->what);
        CHECK_OK(weft_run_with(&config, main_waits, (void *)(uintptr_t)row));
        CHECK_EQ(lines, 2);
    }
}

/* ---- loops with a thread each ---- */

/* How often a deadlock was told.  Threads have no virtual time in common, but in simulation. */
static int run_on_loops(weft_fn *fn, void *arg)
{
    int lines = 0;
    if (!test_is_simulated())
        use_real_time();
    weft_config config = test_config();
    config.loops = 3;
    config.log = count_line;
    config.log_arg = &lines;
    CHECK_OK(weft_run_with(&config, fn, arg));
    return lines;
}

RUN_TEST(test_F06_every_wait_of_the_main_task_ends_with_edeadlk_on_several_loops)
{
    for (const struct row *row = rows; row < rows + sizeof rows / sizeof rows[0]; row++) {
        if (is_only_for_sim(row) && !test_is_simulated())
            continue;
        note("%s", row->what);
        CHECK_EQ(run_on_loops(main_waits, (void *)(uintptr_t)row), 2);
    }
}

static int body_of_last_loop(void *arg)
{
    return body_waits(arg);
}

static int body_of_middle_loop(void *arg)
{
    return weft_await(weft_spawn_on(weft_loop_at(2), body_of_last_loop, arg));
}

/* From loop to loop, and through a channel of another one. */
static int main_waits_over_loops(void *arg)
{
    weft_task task = weft_spawn_on(weft_loop_at(1), body_of_middle_loop, arg);
    CHECK_EQ(weft_await(task), -EDEADLK);
    CHECK_OK(weft_check());
    CHECK_EQ(weft_gather(task, weft_spawn(body_waits, NULL)), -EDEADLK);
    return 0;
}

static int make_chan(void *out)
{
    return weft_chan_new_shared(out, sizeof(int), 1);
}

static int main_receives_over_loops(void *arg)
{
    weft_chan *chan;
    int item;
    (void)arg;
    CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(2), make_chan, &chan)));
    CHECK_EQ(weft_recv(chan, &item), -EDEADLK);
    weft_chan_free(chan);
    return 0;
}

static void read_file(const char *path, char *text, size_t bytes)
{
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    text[fread(text, 1, bytes - 1, file)] = '\0';
    fclose(file);
}

/* What a run says on standard error. */
static void run_told(weft_fn *fn, char *text, size_t bytes)
{
    char path[] = "/tmp/weft-deadlock-XXXXXX";
    int fd = mkstemp(path), before = dup(STDERR_FILENO);
    CHECK_OK(fd);
    CHECK_OK(dup2(fd, STDERR_FILENO));
    (void)run_on_loops(fn, NULL);
    CHECK_OK(dup2(before, STDERR_FILENO));
    close(before);
    close(fd);
    read_file(path, text, bytes);
    unlink(path);
}

RUN_TEST(test_F06_a_deadlock_through_several_loops_is_found_and_names_the_tasks_of_each)
{
    CHECK_EQ(run_on_loops(main_waits_over_loops, NULL), 2);
    CHECK_EQ(run_on_loops(main_receives_over_loops, NULL), 1);
    char text[8192];
    run_told(main_waits_over_loops, text, sizeof text);
    note("%s", text);
    CHECK(strstr(text, "loop 0 of 3 on ") != NULL);
    CHECK(strstr(text, "task main #") != NULL);
    CHECK(strstr(text, "loop 1 of 3 on ") != NULL);
    CHECK(strstr(text, "task body_of_middle_loop #") != NULL);
    CHECK(strstr(text, "loop 2 of 3 on ") != NULL);
    CHECK(strstr(text, "task body_of_last_loop #") != NULL);
    CHECK(strstr(text, "[event]") != NULL);
}

/* ---- and what is none ---- */

#define ROUNDS 2000

struct relay {
    weft_chan *from, *to;
};

static int body_relays(void *arg)
{
    const struct relay *relay = arg;
    int item, rc;
    while ((rc = weft_recv(relay->from, &item)) == 1)
        WEFT_TRY(weft_send(relay->to, &item));
    return rc;
}

/* One item goes round over all loops, each of which sleeps but for it. */
static int main_sends_round(void *arg)
{
    weft_chan *chans[3];
    struct relay relays[2] = {{0}};
    weft_task tasks[2];
    (void)arg;
    for (unsigned i = 0; i < 3; i++)
        CHECK_OK(weft_await(weft_spawn_on(weft_loop_at(i), make_chan, &chans[i])));
    for (unsigned i = 0; i < 2; i++) {
        relays[i] = (struct relay){chans[i], chans[i + 1]};
        tasks[i] = weft_spawn_on(weft_loop_at(i + 1), body_relays, &relays[i]);
    }
    for (int i = 0; i < ROUNDS; i++) {
        int item = i;
        CHECK_OK(weft_send(chans[0], &item));
        CHECK_EQ(weft_recv(chans[2], &item), 1);
        CHECK_EQ(item, i);
    }
    for (unsigned i = 0; i < 2; i++) {
        weft_cancel(tasks[i], "the test is over");
        CHECK_EQ(weft_await(tasks[i]), -ECANCELED);
    }
    for (unsigned i = 0; i < 3; i++)
        weft_chan_free(chans[i]);
    return 0;
}

static int blocks_a_thread(void *arg)
{
    usleep(*(int *)arg);
    return 0;
}

static int body_blocks_a_thread(void *arg)
{
    return weft_run_blocking(blocks_a_thread, arg);
}

static int body_sleeps(void *arg)
{
    return weft_sleep(*(int *)arg * WEFT_US);
}

static void *set_future(void *arg)
{
    usleep(2000);
    weft_future_set(arg, 7, NULL);
    return NULL;
}

static int body_awaits_future(void *arg)
{
    return weft_future_wait(arg, NULL);
}

static int main_waits_for_a_thread(void *arg)
{
    weft_future future = {0};
    pthread_t thread;
    (void)arg;
    for (int i = 0; i < 2; i++) {
        future = (weft_future){0};
        CHECK_OK(pthread_create(&thread, NULL, set_future, &future));
        CHECK_EQ(weft_future_wait(&future, NULL), 7);
        CHECK_OK(pthread_join(thread, NULL));
    }
    return 0;
}

KERNEL_TEST(test_F06_a_future_that_a_thread_of_the_program_may_set_is_no_deadlock)
{
    int lines = 0;
    weft_config config = test_config();
    config.log = count_line;
    config.log_arg = &lines;
    use_real_time();
    CHECK_OK(weft_run_with(&config, main_waits_for_a_thread, NULL));
    CHECK_EQ(lines, 0);
}

/* A thread of a pool, a timer, and a thread of somebody else's: on another loop. */
static int main_waits_for_others(void *arg)
{
    weft_loop *there = weft_loop_at(1);
    weft_future future = {0};
    pthread_t thread;
    int micros = 2000;
    (void)arg;
    CHECK_OK(weft_await(weft_spawn_on(there, body_blocks_a_thread, &micros)));
    CHECK_OK(weft_await(weft_spawn_on(there, body_sleeps, &micros)));
    weft_task task = weft_spawn_on(there, body_awaits_future, &future);
    CHECK_OK(pthread_create(&thread, NULL, set_future, &future));
    CHECK_EQ(weft_await(task), 7);
    CHECK_OK(pthread_join(thread, NULL));
    return 0;
}

RUN_TEST(test_F06_several_loops_that_move_are_in_no_deadlock)
{
    CHECK_EQ(run_on_loops(main_sends_round, NULL), 0);
}

KERNEL_TEST(test_F06_several_threads_that_can_be_moved_are_in_no_deadlock)
{
    CHECK_EQ(run_on_loops(main_waits_for_others, NULL), 0);
}

/* ---- what is deaf ---- */

static int body_is_deaf_once(void *arg)
{
    int *told = arg;
    int rc = wait_in_shield(); /* the cancel of the group does not come in here */
    *told = rc;
    return rc;
}

static int main_waits_for_the_deaf(void *arg)
{
    WEFT_GROUP(group);
    CHECK_OK(weft_group_spawn(group, body_is_deaf_once, arg));
    return weft_group_wait(group);
}

RUN_TEST(test_F06_a_run_that_nothing_can_end_aborts)
{
    int told = 0;
    expect_abort("deadlock: every task waits and nothing can wake one");
    weft_config config = test_config();
    (void)weft_run_with(&config, main_waits_for_the_deaf, &told);
}
