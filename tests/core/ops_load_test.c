/* SPDX-License-Identifier: MIT */

/* Operations in crowds: many at once, little room, wakes from outside, back ends that cannot open.
 */

#include "ops_fixture.h"

/* ---- many, and little room ---- */

static void send_to_each(weft_loop *loop, int pairs[][2], struct outcome *outcomes, char *bufs,
                         int count)
{
    for (int i = 0; i < count; i++) {
        make_pair(pairs[i]);
        START(loop, &outcomes[i], NULL, .kind = WEFT_OP_RECV, .fd = pairs[i][0], .buf = &bufs[i],
              .bytes = 1);
    }
    turn_some(loop, 3);
    for (int i = 0; i < count; i++)
        CHECK_EQ(wf_sys_send(pairs[i][1], &(char){(char)i}, 1, 0), 1);
    for (int i = 0; i < count; i++) {
        CHECK_EQ(finish(loop, &outcomes[i]), 1);
        CHECK_EQ(bufs[i], (char)i);
        close_pair(loop, pairs[i]);
    }
}

LOOP_TEST(ops_on_ten_thousand_descriptors)
{
    enum { COUNT = 5000 };
    static int pairs[COUNT][2];
    static struct outcome outcomes[COUNT];
    static char bufs[COUNT];
    struct rlimit limit;
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    int count = limit.rlim_cur > 10100 ? COUNT : (int)(limit.rlim_cur - 100) / 2;
    if (getenv("WEFT_URING_MASK")[0] != '\0' && count > COUNT / 10)
        count = COUNT / 10; /* an older kernel's ring: more than its queues hold is enough */
    send_to_each(loop, pairs, outcomes, bufs, count);
}

static void overflow_a_small_ring(weft_loop *loop)
{
    enum { COUNT = 400 };
    static int pairs[COUNT][2];
    static struct outcome outcomes[COUNT], nops[4 * COUNT];
    static char bufs[COUNT];
    for (int i = 0; i < 4 * COUNT; i++)
        START(loop, &nops[i], NULL, .kind = WEFT_OP_NOP, .fd = -1);
    send_to_each(loop, pairs, outcomes, bufs, COUNT);
    for (int i = 0; i < 4 * COUNT; i++)
        CHECK_EQ(finish(loop, &nops[i]), 0);
    /* Cancels need room too. */
    weft_op *ops[COUNT];
    for (int i = 0; i < COUNT; i++) {
        make_pair(pairs[i]);
        START(loop, &outcomes[i], &ops[i], .kind = WEFT_OP_RECV_MANY, .fd = pairs[i][0]);
    }
    turn_some(loop, 2);
    for (int i = 0; i < COUNT; i++)
        weft_op_cancel(loop, ops[i]);
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(finish(loop, &outcomes[i]), -ECANCELED);
        close_pair(loop, pairs[i]);
    }
}

/* Fails the n-th system call of a few operations in a ring of two: each that was started ends. */
static void fail_calls_in_a_small_ring(weft_loop *loop)
{
    enum { COUNT = 8 };
    for (uint64_t nth = 1;; nth++) {
        int pairs[COUNT][2], rcs[COUNT];
        struct outcome outcomes[COUNT] = {0};
        char bufs[COUNT];
        for (int i = 0; i < COUNT; i++) {
            make_pair(pairs[i]);
            CHECK_EQ(wf_sys_send(pairs[i][1], "x", 1, 0), 1);
        }
        weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = nth};
        weft_fault_arm(&plan);
        for (int i = 0; i < COUNT; i++) {
            weft_op_args args = {
                .kind = WEFT_OP_RECV, .fd = pairs[i][0], .buf = &bufs[i], .bytes = 1};
            rcs[i] = start_args(loop, &outcomes[i], NULL, &args);
        }
        turn_some(loop, 3);
        weft_fault_arm(NULL);
        int failures = 0;
        for (int i = 0; i < COUNT; i++) {
            failures += rcs[i] < 0 || finish(loop, &outcomes[i]) < 0;
            close_pair(loop, pairs[i]);
        }
        CHECK_LE(failures, 1);
        if (plan.point == NULL)
            break;
        CHECK_LT(nth, 200u);
    }
}

RUN_TEST(ops_end_whatever_call_fails)
{
    queue_depth = 2;
    on_each(fail_calls_in_a_small_ring);
}

/* Likewise while they are cancelled: a cancel that does not get through is sent later. */
static void fail_calls_while_cancelling(weft_loop *loop)
{
    enum { COUNT = 8 };
    for (uint64_t nth = 1;; nth++) {
        int pairs[COUNT][2];
        struct outcome outcomes[COUNT] = {0};
        weft_op *ops[COUNT];
        char bufs[COUNT];
        for (int i = 0; i < COUNT; i++) {
            make_pair(pairs[i]);
            START(loop, &outcomes[i], &ops[i], .kind = WEFT_OP_RECV, .fd = pairs[i][0],
                  .buf = &bufs[i], .bytes = 1);
        }
        turn_some(loop, 3);
        weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = nth};
        weft_fault_arm(&plan);
        for (int i = 0; i < COUNT; i++)
            weft_op_cancel(loop, ops[i]);
        weft_fault_arm(NULL);
        for (int i = 0; i < COUNT; i++) {
            CHECK_EQ(finish(loop, &outcomes[i]), -ECANCELED);
            close_pair(loop, pairs[i]);
        }
        if (plan.point == NULL)
            break;
        CHECK_LT(nth, 200u);
    }
}

RUN_TEST(ops_are_cancelled_whatever_call_fails)
{
    queue_depth = 2;
    on_each(fail_calls_while_cancelling);
}

RUN_TEST(ops_are_never_dropped_when_the_ring_is_full)
{
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){2048, 2048});
    queue_depth = 2;
    on_each(overflow_a_small_ring);
}

/* Rule I10: what a greedy descriptor was told before another one was first told something. */
struct share {
    struct outcome greedy;
    int64_t before;
    int told;
};

static void on_quiet_told(weft_op *op, const weft_completion *completion, void *arg)
{
    struct share *share = arg;
    (void)op;
    if (!completion->is_final && share->told++ == 0)
        share->before = share->greedy.total;
}

/* Both have something from the start, the greedy one first.  On a ring its kernel has done all of
 * it before the first is told, so a turn goes on until all are told.  In simulation the seed says
 * who comes first. */
static void serve_beside(weft_loop *loop, struct share *share, const weft_op_args *greedy,
                         int quiet_fd, int64_t all, int64_t share_max)
{
    bool is_ring = strcmp(weft_loop_backend(loop), "io_uring") == 0;
    weft_op_args quiet = {.kind = WEFT_OP_RECV_MANY, .fd = quiet_fd};
    weft_op *ops[2] = {0};
    *share = (struct share){.told = 0};
    CHECK_OK(start_args(loop, &share->greedy, &ops[0], greedy));
    CHECK_OK(weft_op_start(loop, &quiet, on_quiet_told, share, &ops[1]));
    for (int turns = 0; share->greedy.total < all || share->told == 0; turns++) {
        int64_t before = share->greedy.total;
        weft_loop_turn(loop, WEFT_SEC);
        note("%lld before the other, %lld in turn %d", (long long)share->before,
             (long long)(share->greedy.total - before), turns);
        if (!is_ring)
            CHECK_LE(share->greedy.total - before, share_max);
        CHECK_LT(turns, 20000);
    }
    if (!test_is_simulated())
        CHECK_LE(share->before, share_max);
    for (int i = 0; i < 2; i++)
        weft_op_cancel(loop, ops[i]);
    finish(loop, &share->greedy);
    turn_some(loop, 3);
}

LOOP_TEST(test_I10_a_busy_descriptor_takes_256_kib_before_others_are_served)
{
    int busy[2], quiet[2];
    static char block[64 * 1024];
    struct share share;
    make_pair(busy);
    make_pair(quiet);
    int room = 4 * 1024 * 1024;
    (void)wf_sys_setsockopt(busy[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    int64_t sent = 0;
    for (ssize_t n; (n = wf_sys_send(busy[1], block, sizeof block, 0)) > 0;)
        sent += n;
    if (!test_is_simulated())
        CHECK_GT(sent, 256 * 1024);
    CHECK_EQ(wf_sys_send(quiet[1], "x", 1, 0), 1);
    serve_beside(loop, &share, &(weft_op_args){.kind = WEFT_OP_RECV_MANY, .fd = busy[0]}, quiet[0],
                 sent, 256 * 1024);
    close_pair(loop, busy);
    close_pair(loop, quiet);
}

#define ARRIVALS 60

/* What is small is counted: 16 of them are a share. */
LOOP_TEST(test_I10_many_arrivals_are_16_before_others_are_served)
{
    struct sockaddr_in addr;
    struct share share;
    int clients[ARRIVALS], listener = make_listener(&addr), quiet[2];
    make_pair(quiet);
    for (int i = 0; i < ARRIVALS; i++) {
        clients[i] = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
        (void)wf_sys_connect(clients[i], (struct sockaddr *)&addr, sizeof addr);
    }
    CHECK_EQ(wf_sys_send(quiet[1], "x", 1, 0), 1);
    serve_beside(loop, &share, &(weft_op_args){.kind = WEFT_OP_ACCEPT_MANY, .fd = listener},
                 quiet[0], ARRIVALS, 16);
    for (int i = 0; i < ARRIVALS; i++) {
        wf_sys_close(share.greedy.fds[i]);
        wf_sys_close(clients[i]);
    }
    CHECK_EQ(weft_fd_close(loop, listener, NULL, NULL), 1);
    close_pair(loop, quiet);
}

/* ---- woken from outside ---- */

static void *wake_from_thread(void *arg)
{
    weft_loop *loop = arg;
    usleep(2000);
    loop->backend->wake(loop);
    return NULL;
}

KERNEL_LOOP_TEST(backend_wake_ends_a_wait_of_another_thread)
{
    for (int round = 0; round < 3; round++) {
        pthread_t thread;
        CHECK_EQ(pthread_create(&thread, NULL, wake_from_thread, loop), 0);
        weft_time before = wf_sys_now();
        loop->backend->poll(loop, 20 * WEFT_SEC);
        CHECK_LT(wf_sys_now() - before, 10 * WEFT_SEC);
        pthread_join(thread, NULL);
    }
    /* Before the wait, it ends the next one. */
    loop->backend->wake(loop);
    weft_time before = wf_sys_now();
    loop->backend->poll(loop, 20 * WEFT_SEC);
    CHECK_LT(wf_sys_now() - before, 10 * WEFT_SEC);
}

static void foreign_wait(int epoll_fd)
{
    struct epoll_event event;
    CHECK_EQ(epoll_wait(epoll_fd, &event, 1, 20000), 1);
}

/* A loop that is not ours polls one descriptor and turns us when it is readable. */
KERNEL_LOOP_TEST(loop_descriptor_tells_a_foreign_loop_when_to_turn)
{
    int pair[2];
    struct outcome recv_ = {0}, send_ = {0};
    weft_op *op = NULL;
    int foreign = epoll_create1(EPOLL_CLOEXEC);
    int fd = weft_loop_descriptor(loop);
    CHECK_OK(fd);
    CHECK_EQ(weft_loop_descriptor(loop), fd);
    struct epoll_event event = {.events = EPOLLIN};
    CHECK_EQ(epoll_ctl(foreign, EPOLL_CTL_ADD, fd, &event), 0);
    make_pair(pair);
    START(loop, &recv_, &op, .kind = WEFT_OP_RECV_MANY, .fd = pair[0]);
    turn_some(loop, 5);
    for (int i = 1; i <= 20; i++) {
        /* Sent by an operation: what is only queued must make the descriptor readable too. */
        START(loop, &send_, NULL, .kind = WEFT_OP_SEND, .fd = pair[1], .buf = "abc", .bytes = 3);
        while (recv_.total < 3 * i || send_.finals == 0) {
            foreign_wait(foreign);
            weft_loop_turn(loop, 0);
        }
    }
    send_all(loop, pair[1], "xyz", 3);
    while (recv_.total < 63) {
        foreign_wait(foreign);
        weft_loop_turn(loop, 0);
    }
    weft_op_cancel(loop, op);
    while (recv_.finals == 0) {
        foreign_wait(foreign);
        weft_loop_turn(loop, 0);
    }
    close_pair(loop, pair);
    close(foreign);
}

/* ---- opening ---- */

RUN_TEST(backends_open_cleanly_whatever_fails)
{
    for (uint64_t nth = 1;; nth++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC | WEFT_FAULT_CALL, .nth = nth};
        weft_loop_options options = {.backend = test_config().backend};
        weft_loop *loop = NULL;
        weft_fault_arm(&plan);
        int rc = weft_loop_new(&loop, &options);
        weft_fault_arm(NULL);
        if (rc == 0)
            weft_loop_free(loop);
        else
            CHECK(loop == NULL);
        if (plan.point == NULL)
            break;
        CHECK_LT(nth, 100u);
    }
}

/* No descriptor is left behind if it cannot be had, and it can be had the next time. */
KERNEL_LOOP_TEST(loop_descriptor_may_be_refused)
{
    for (uint64_t nth = 1;; nth++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = nth};
        weft_fault_arm(&plan);
        int fd = weft_loop_descriptor(loop);
        weft_fault_arm(NULL);
        if (plan.point == NULL) {
            CHECK_OK(fd);
            break;
        }
        CHECK_LT(fd, 0);
    }
}
