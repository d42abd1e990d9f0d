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

LOOP_TEST(test_I10_one_busy_descriptor_leaves_room_for_others)
{
    int busy[2], quiet[2];
    static char block[64 * 1024];
    struct outcome busy_recv = {0}, quiet_recv = {0};
    weft_op *ops[2] = {0};
    make_pair(busy);
    make_pair(quiet);
    int room = 4 * 1024 * 1024;
    wf_sys_setsockopt(busy[1], SOL_SOCKET, SO_SNDBUF, &room, sizeof room);
    int64_t sent = 0;
    for (ssize_t n; (n = wf_sys_send(busy[1], block, sizeof block, 0)) > 0;)
        sent += n;
    START(loop, &busy_recv, &ops[0], .kind = WEFT_OP_RECV_MANY, .fd = busy[0]);
    START(loop, &quiet_recv, &ops[1], .kind = WEFT_OP_RECV_MANY, .fd = quiet[0]);
    CHECK_EQ(wf_sys_send(quiet[1], "x", 1, 0), 1);
    for (int turns = 0; busy_recv.total < sent; turns++) {
        int64_t before = busy_recv.total;
        weft_loop_turn(loop, WEFT_SEC);
        if (strcmp(weft_loop_backend(loop), "epoll") == 0)
            CHECK_LE(busy_recv.total - before, 256 * 1024 + 64 * 1024);
        CHECK_LT(turns, 10000);
    }
    turn_until_total(loop, &quiet_recv, 1);
    for (int i = 0; i < 2; i++)
        weft_op_cancel(loop, ops[i]);
    finish(loop, &busy_recv);
    finish(loop, &quiet_recv);
    close_pair(loop, busy);
    close_pair(loop, quiet);
}

#define ARRIVALS 60

/* What is small is counted: 16 of them are a descriptor's share of a turn. */
LOOP_TEST(test_I10_many_arrivals_leave_room_for_others)
{
    struct sockaddr_in addr;
    struct outcome accepted = {0};
    weft_op *op = NULL;
    int clients[ARRIVALS], listener = make_listener(&addr);
    for (int i = 0; i < ARRIVALS; i++) {
        clients[i] = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
        (void)wf_sys_connect(clients[i], (struct sockaddr *)&addr, sizeof addr);
    }
    START(loop, &accepted, &op, .kind = WEFT_OP_ACCEPT_MANY, .fd = listener);
    while (accepted.total < ARRIVALS) {
        int64_t before = accepted.total;
        weft_loop_turn(loop, WEFT_SEC);
        if (strcmp(weft_loop_backend(loop), "epoll") == 0)
            CHECK_LE(accepted.total - before, 16);
    }
    weft_op_cancel(loop, op);
    finish(loop, &accepted);
    for (int i = 0; i < ARRIVALS; i++) {
        wf_sys_close(accepted.fds[i]);
        wf_sys_close(clients[i]);
    }
    CHECK_EQ(weft_fd_close(loop, listener, NULL, NULL), 1);
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
