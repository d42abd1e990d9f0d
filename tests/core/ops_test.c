/* SPDX-License-Identifier: MIT */

/*
 * Operations at the callback level, on every back end and, for io_uring, on every kernel it can
 * meet: a mask takes features away.
 */
#include "ops_fixture.h"

/* ---- each kind ---- */

LOOP_TEST(op_nop_completes_later_and_once)
{
    struct outcome nop = {0};
    START(loop, &nop, NULL, .kind = WEFT_OP_NOP, .fd = -1);
    CHECK_EQ(nop.told, 0);
    CHECK_EQ(finish(loop, &nop), 0);
    turn_some(loop, 3);
    CHECK_EQ(nop.told, 1);
}

/* As of a caller who is late: what was left until its deadline. */
LOOP_TEST(a_turn_with_less_than_no_time_does_not_wait)
{
    int pair[2];
    char byte;
    struct outcome recv_ = {0};
    make_pair(pair);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = &byte, .bytes = 1);
    turn_some(loop, 3);
    (void)weft_loop_turn(loop, -1);
    (void)weft_loop_turn(loop, INT64_MIN);
    CHECK_EQ(recv_.told, 0);
    CHECK_EQ(wf_sys_send(pair[1], "x", 1, 0), 1);
    CHECK_EQ(finish(loop, &recv_), 1);
    close_pair(loop, pair);
}

LOOP_TEST(op_read_waits_for_a_pipe_that_does_not_block)
{
    int pipe_fds[2];
    char buf[16];
    struct outcome read_ = {0}, write_ = {0};
    CHECK_OK(wf_sys_pipe(pipe_fds));
    START(loop, &read_, NULL, .kind = WEFT_OP_READ, .fd = pipe_fds[0], .buf = buf,
          .bytes = sizeof buf, .offset = -1);
    turn_some(loop, 5);
    CHECK_EQ(read_.told, 0);
    START(loop, &write_, NULL, .kind = WEFT_OP_WRITE, .fd = pipe_fds[1], .buf = "hello", .bytes = 5,
          .offset = -1);
    check_moved(finish(loop, &write_), 5);
    check_moved(finish(loop, &read_), write_.result);
    CHECK_BYTES(buf, read_.result, "hello", read_.result);
    close_pair(loop, pipe_fds);
}

KERNEL_LOOP_TEST(op_read_and_write_never_block_the_loop_on_a_blocking_pipe)
{
    int pipe_fds[2];
    static char big[256 * 1024], got[64 * 1024];
    struct outcome read_ = {0}, write_ = {0};
    CHECK_EQ(pipe2(pipe_fds, O_CLOEXEC), 0);
    START(loop, &read_, NULL, .kind = WEFT_OP_READ, .fd = pipe_fds[0], .buf = got,
          .bytes = sizeof got, .offset = -1);
    turn_some(loop, 5);
    CHECK_EQ(read_.told, 0);
    START(loop, &write_, NULL, .kind = WEFT_OP_WRITE, .fd = pipe_fds[1], .buf = big,
          .bytes = sizeof big, .offset = -1);
    CHECK_GT(finish(loop, &read_), 0);
    while (write_.finals == 0) {
        START(loop, &read_, NULL, .kind = WEFT_OP_READ, .fd = pipe_fds[0], .buf = got,
              .bytes = sizeof got, .offset = -1);
        CHECK_GT(finish(loop, &read_), 0);
    }
    CHECK_GT(write_.result, 0);
    close_pair(loop, pipe_fds);
}

LOOP_TEST(op_send_and_recv_move_bytes)
{
    int pair[2];
    char buf[16];
    struct outcome recv_ = {0}, send_ = {0};
    make_pair(pair);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf, .bytes = sizeof buf);
    START(loop, &send_, NULL, .kind = WEFT_OP_SEND, .fd = pair[1], .buf = "ping", .bytes = 4);
    check_moved(finish(loop, &send_), 4);
    int sent = send_.result, got = finish(loop, &recv_);
    check_moved(got, sent);
    CHECK_BYTES(buf, got, "ping", got);
    CHECK_EQ(weft_fd_close(loop, pair[1], NULL, NULL), 1);
    do {
        START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf,
              .bytes = sizeof buf);
        got += finish(loop, &recv_);
    } while (recv_.result > 0);
    CHECK_EQ(recv_.result, 0);
    CHECK_EQ(got, sent);
    START(loop, &send_, NULL, .kind = WEFT_OP_SEND, .fd = pair[0], .buf = "ping", .bytes = 4);
    CHECK_EQ(finish(loop, &send_), -EPIPE);
    CHECK_EQ(weft_fd_close(loop, pair[0], NULL, NULL), 1);
}

/* Some kernels answer -EAGAIN on a descriptor that was made not to block; here we ask for it. */
LOOP_TEST(op_waits_even_where_the_kernel_would_not)
{
    int pair[2];
    char buf[16];
    struct outcome recv_ = {0};
    weft_op *op = NULL;
    make_pair(pair);
    for (int i = 0; i < 2; i++) {
        START(loop, &recv_, &op, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf,
              .bytes = sizeof buf, .flags = MSG_DONTWAIT);
        turn_some(loop, 5);
        CHECK_EQ(recv_.told, 0);
        if (i == 0)
            CHECK_EQ(wf_sys_send(pair[1], "x", 1, 0), 1);
        else
            weft_op_cancel(loop, op);
        CHECK_EQ(finish(loop, &recv_), i == 0 ? 1 : -ECANCELED);
    }
    close_pair(loop, pair);
}

LOOP_TEST(op_send_waits_until_a_full_socket_has_room)
{
    int pair[2];
    static char block[64 * 1024];
    struct outcome send_ = {0};
    make_pair(pair);
    while (wf_sys_send(pair[0], block, sizeof block, 0) > 0)
        ;
    START(loop, &send_, NULL, .kind = WEFT_OP_SEND, .fd = pair[0], .buf = block,
          .bytes = sizeof block);
    turn_some(loop, 5);
    CHECK_EQ(send_.told, 0);
    for (int turns = 0; send_.finals == 0; turns++) {
        while (wf_sys_recv(pair[1], block, sizeof block, 0) > 0)
            continue;
        weft_loop_turn(loop, WEFT_SEC); /* on the simulated way there may be more */
        CHECK_LT(turns, 1000);
    }
    CHECK_GT(send_.result, 0);
    close_pair(loop, pair);
}

LOOP_TEST(test_I07_a_write_without_reader_is_an_error_and_no_signal)
{
    int pipe_fds[2];
    struct outcome write_ = {0};
    CHECK_OK(wf_sys_pipe(pipe_fds));
    wf_sys_close(pipe_fds[0]);
    START(loop, &write_, NULL, .kind = WEFT_OP_WRITE, .fd = pipe_fds[1], .buf = "x", .bytes = 1,
          .offset = -1);
    CHECK_EQ(finish(loop, &write_), -EPIPE);
    CHECK_EQ(weft_fd_close(loop, pipe_fds[1], NULL, NULL), 1);
}

LOOP_TEST(op_accept_and_connect_meet)
{
    struct sockaddr_in addr;
    struct outcome accept_ = {0}, connect_ = {0};
    int listener = make_listener(&addr);
    START(loop, &accept_, NULL, .kind = WEFT_OP_ACCEPT, .fd = listener);
    turn_some(loop, 3);
    CHECK_EQ(accept_.told, 0);
    int client = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    START(loop, &connect_, NULL, .kind = WEFT_OP_CONNECT, .fd = client, .buf = &addr,
          .bytes = sizeof addr);
    CHECK_EQ(finish(loop, &connect_), 0);
    int server = finish(loop, &accept_);
    CHECK_OK(server);
    CHECK(fcntl(server, F_GETFL) & O_NONBLOCK);
    CHECK(fcntl(server, F_GETFD) & FD_CLOEXEC);
    int pair[2] = {client, server};
    close_pair(loop, pair);
    CHECK_EQ(weft_fd_close(loop, listener, NULL, NULL), 1);
}

LOOP_TEST(op_connect_tells_refusal)
{
    struct sockaddr_in addr;
    struct outcome connect_ = {0};
    CHECK_EQ(weft_fd_close(loop, make_listener(&addr), NULL, NULL), 1);
    int client = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    START(loop, &connect_, NULL, .kind = WEFT_OP_CONNECT, .fd = client, .buf = &addr,
          .bytes = sizeof addr);
    CHECK_EQ(finish(loop, &connect_), -ECONNREFUSED);
    CHECK_EQ(weft_fd_close(loop, client, NULL, NULL), 1);
}

LOOP_TEST(op_poll_tells_the_events_that_are_there)
{
    int pair[2];
    struct outcome poll_ = {0}, other = {0};
    make_pair(pair);
    START(loop, &poll_, NULL, .kind = WEFT_OP_POLL, .fd = pair[0], .flags = POLLIN);
    START(loop, &other, NULL, .kind = WEFT_OP_POLL, .fd = pair[0], .flags = POLLIN | POLLOUT);
    CHECK_EQ(finish(loop, &other), POLLOUT);
    turn_some(loop, 3);
    CHECK_EQ(poll_.told, 0);
    CHECK_EQ(wf_sys_send(pair[1], "x", 1, 0), 1);
    CHECK_EQ(finish(loop, &poll_), POLLIN);
    /* Readiness is a state, not an event: the byte is still there. */
    START(loop, &poll_, NULL, .kind = WEFT_OP_POLL, .fd = pair[0], .flags = POLLIN);
    CHECK_EQ(finish(loop, &poll_), POLLIN);
    CHECK_EQ(weft_fd_close(loop, pair[1], NULL, NULL), 1);
    START(loop, &poll_, NULL, .kind = WEFT_OP_POLL, .fd = pair[0], .flags = POLLOUT);
    int events = finish(loop, &poll_);
    if (!test_is_simulated()) /* there the end is still under way */
        CHECK_EQ(events & POLLHUP, POLLHUP);
    CHECK_EQ(weft_fd_close(loop, pair[0], NULL, NULL), 1);
}

KERNEL_LOOP_TEST(op_read_and_write_a_regular_file)
{
    char path[] = "/tmp/weft-ops-XXXXXX", buf[8];
    struct outcome io = {0};
    int fd = mkostemp(path, O_CLOEXEC);
    CHECK_OK(fd);
    unlink(path);
    START(loop, &io, NULL, .kind = WEFT_OP_WRITE, .fd = fd, .buf = "abcdef", .bytes = 6,
          .offset = -1);
    CHECK_EQ(finish(loop, &io), 6);
    START(loop, &io, NULL, .kind = WEFT_OP_WRITE, .fd = fd, .buf = "XY", .bytes = 2, .offset = 2);
    CHECK_EQ(finish(loop, &io), 2);
    START(loop, &io, NULL, .kind = WEFT_OP_READ, .fd = fd, .buf = buf, .bytes = 8, .offset = 1);
    CHECK_EQ(finish(loop, &io), 5);
    CHECK_BYTES(buf, 5, "bXYef", 5);
    START(loop, &io, NULL, .kind = WEFT_OP_READ, .fd = fd, .buf = buf, .bytes = 8, .offset = -1);
    CHECK_EQ(finish(loop, &io), 0);
    START(loop, &io, NULL, .kind = WEFT_OP_POLL, .fd = fd, .flags = POLLIN);
    CHECK_EQ(finish(loop, &io), POLLIN);
    CHECK_EQ(weft_fd_close(loop, fd, NULL, NULL), 1);
}

KERNEL_LOOP_TEST(test_I01_op_file_calls_answer_the_same_everywhere)
{
    char path[64], other[64];
    _Alignas(8) char entries[1024];
    struct statx info;
    struct outcome io = {0};
    snprintf(path, sizeof path, "/tmp/weft-ops-%d", (int)getpid());
    snprintf(other, sizeof other, "/tmp/weft-ops-%d/b", (int)getpid());
    START(loop, &io, NULL, .kind = WEFT_OP_MKDIR, .path = path, .bytes = 0700);
    CHECK_EQ(finish(loop, &io), 0);
    START(loop, &io, NULL, .kind = WEFT_OP_OPEN, .path = other, .flags = O_RDWR | O_CREAT,
          .bytes = 0600);
    int fd = finish(loop, &io);
    CHECK_OK(fd);
    CHECK(fcntl(fd, F_GETFD) & FD_CLOEXEC);
    START(loop, &io, NULL, .kind = WEFT_OP_TRUNCATE, .fd = fd, .offset = 77);
    CHECK_EQ(finish(loop, &io), 0);
    START(loop, &io, NULL, .kind = WEFT_OP_FSYNC, .fd = fd);
    CHECK_EQ(finish(loop, &io), 0);
    START(loop, &io, NULL, .kind = WEFT_OP_STAT, .fd = fd, .buf = &info);
    CHECK_EQ(finish(loop, &io), 0);
    CHECK_EQ(info.stx_size, 77);
    START(loop, &io, NULL, .kind = WEFT_OP_UNLINK, .path = path, .flags = AT_REMOVEDIR);
    CHECK_EQ(finish(loop, &io), -ENOTEMPTY);
    START(loop, &io, NULL, .kind = WEFT_OP_READDIR, .fd = fd, .buf = entries, .bytes = 1024);
    CHECK_EQ(finish(loop, &io), -ENOTDIR);
    char moved[64];
    snprintf(moved, sizeof moved, "/tmp/weft-ops-%d/c", (int)getpid());
    START(loop, &io, NULL, .kind = WEFT_OP_RENAME, .path = other, .buf = moved);
    CHECK_EQ(finish(loop, &io), 0);
    START(loop, &io, NULL, .kind = WEFT_OP_STAT, .path = other, .buf = &info);
    CHECK_EQ(finish(loop, &io), -ENOENT);
    START(loop, &io, NULL, .kind = WEFT_OP_UNLINK, .path = moved);
    CHECK_EQ(finish(loop, &io), 0);
    START(loop, &io, NULL, .kind = WEFT_OP_UNLINK, .path = path, .flags = AT_REMOVEDIR);
    CHECK_EQ(finish(loop, &io), 0);
    CHECK_EQ(weft_fd_close(loop, fd, NULL, NULL), 1);
}

/* A cancel finds it waiting, running or done: it ends once, and nothing is left of it. */
LOOP_TEST(test_I02_op_file_calls_end_once_when_cancelled)
{
    char path[64], buf[4096];
    struct outcome io[32];
    weft_op *ops[32];
    snprintf(path, sizeof path, "/tmp/weft-ops-%d", (int)getpid());
    START(loop, &io[0], NULL, .kind = WEFT_OP_OPEN, .path = path, .flags = O_RDWR | O_CREAT,
          .bytes = 0600);
    int fd = finish(loop, &io[0]);
    CHECK_OK(fd);
    START(loop, &io[0], NULL, .kind = WEFT_OP_TRUNCATE, .fd = fd, .offset = 1 << 20);
    CHECK_EQ(finish(loop, &io[0]), 0);
    START(loop, &io[0], NULL, .kind = WEFT_OP_UNLINK, .path = path);
    CHECK_EQ(finish(loop, &io[0]), 0);
    for (int round = 0; round < 5; round++) {
        memset(io, 0, sizeof io);
        for (int i = 0; i < 32; i++)
            START(loop, &io[i], &ops[i], .kind = i % 2 ? WEFT_OP_READ : WEFT_OP_FSYNC, .fd = fd,
                  .buf = buf, .bytes = sizeof buf, .offset = i * 4096);
        turn_some(loop, round);
        for (int i = 0; i < 32; i++)
            if (io[i].finals == 0)
                weft_op_cancel(loop, ops[i]);
        for (int i = 0; i < 32; i++) {
            int rc = finish(loop, &io[i]);
            bool is_short = test_is_simulated() && rc > 0 && rc < 4096;
            CHECK(rc == -ECANCELED || rc == (i % 2 ? 4096 : 0) || (i % 2 && is_short));
        }
    }
    CHECK_EQ(weft_fd_close(loop, fd, NULL, NULL), 1);
}

LOOP_TEST(op_accept_many_goes_on_until_cancelled)
{
    struct sockaddr_in addr;
    struct outcome accept_ = {0};
    weft_op *op = NULL;
    int listener = make_listener(&addr), clients[40];
    START(loop, &accept_, &op, .kind = WEFT_OP_ACCEPT_MANY, .fd = listener);
    for (int i = 0; i < 40; i++) {
        clients[i] = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
        (void)wf_sys_connect(clients[i], (struct sockaddr *)&addr, sizeof addr);
    }
    turn_until_total(loop, &accept_, 40);
    CHECK_EQ(accept_.finals, 0);
    weft_op_cancel(loop, op);
    weft_op_cancel(loop, op);
    CHECK_EQ(finish(loop, &accept_), -ECANCELED);
    for (int i = 0; i < 40; i++) {
        wf_sys_close(clients[i]);
        CHECK_EQ(weft_fd_close(loop, accept_.fds[i], NULL, NULL), 1);
    }
    CHECK_EQ(weft_fd_close(loop, listener, NULL, NULL), 1);
}

/* Once or many times, the answer is the same, and nobody has to come. */
static void check_accepts_nothing(weft_loop *loop, int fd, int error)
{
    static const int kinds[] = {WEFT_OP_ACCEPT, WEFT_OP_ACCEPT_MANY};
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++) {
        struct outcome accept_ = {0};
        START(loop, &accept_, NULL, .kind = kinds[i], .fd = fd);
        for (int turns = 0; accept_.finals == 0 && turns < 100; turns++)
            weft_loop_turn(loop, 10 * WEFT_MS);
        CHECK_EQ(accept_.finals, 1);
        CHECK_EQ(accept_.told, 1);
        CHECK_EQ(accept_.result, error);
    }
}

LOOP_TEST(op_accept_of_what_does_not_listen_is_an_error_whoever_is_asked)
{
    int pipe_fds[2], pair[2];
    int fresh = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    int datagrams = wf_sys_socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(wf_sys_pipe(pipe_fds));
    make_pair(pair);
    check_accepts_nothing(loop, fresh, -EINVAL);
    check_accepts_nothing(loop, pair[0], -EINVAL); /* connected */
    check_accepts_nothing(loop, datagrams, -EOPNOTSUPP);
    check_accepts_nothing(loop, pipe_fds[0], -ENOTSOCK);
    check_accepts_nothing(loop, pipe_fds[1], -ENOTSOCK);
    CHECK_EQ(weft_fd_close(loop, fresh, NULL, NULL), 1);
    CHECK_EQ(weft_fd_close(loop, datagrams, NULL, NULL), 1);
    close_pair(loop, pipe_fds);
    close_pair(loop, pair);
}

static void fill_pattern(unsigned char *bytes, size_t count)
{
    for (size_t i = 0; i < count; i++)
        bytes[i] = (unsigned char)(i * 31 + (i >> 8));
}

LOOP_TEST(op_recv_many_brings_every_byte_in_order_then_the_end)
{
    const size_t bytes = test_is_simulated() ? 100 * 1024 : 3 * 1024 * 1024;
    unsigned char *sent = malloc(bytes), *got = malloc(bytes);
    CHECK(sent != NULL && got != NULL);
    fill_pattern(sent, bytes);
    struct outcome recv_ = {.bytes = got}, send_ = {0};
    int pair[2];
    make_pair(pair);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV_MANY, .fd = pair[0]);
    for (size_t at = 0; at < bytes; at += (size_t)send_.result) {
        START(loop, &send_, NULL, .kind = WEFT_OP_SEND, .fd = pair[1], .buf = sent + at,
              .bytes = bytes - at);
        CHECK_GT(finish(loop, &send_), 0);
    }
    CHECK_EQ(weft_fd_close(loop, pair[1], NULL, NULL), 1);
    CHECK_EQ(finish(loop, &recv_), 0);
    CHECK_BYTES(got, recv_.total, sent, bytes);
    CHECK_EQ(weft_fd_close(loop, pair[0], NULL, NULL), 1);
    free(sent);
    free(got);
}

LOOP_TEST(op_recv_many_brings_small_messages_one_by_one)
{
    int pair[2];
    struct outcome recv_ = {0};
    weft_op *op = NULL;
    make_pair(pair);
    START(loop, &recv_, &op, .kind = WEFT_OP_RECV_MANY, .fd = pair[0]);
    for (int i = 1; i <= 2000; i++) { /* more than there are buffers */
        send_all(loop, pair[1], "abc", 3);
        turn_until_total(loop, &recv_, 3 * i);
    }
    weft_op_cancel(loop, op);
    CHECK_EQ(finish(loop, &recv_), -ECANCELED);
    CHECK_EQ(recv_.total, 6000);
    close_pair(loop, pair);
}

/* More connections have data in one turn than the kernel has buffers. */
LOOP_TEST(op_recv_many_survives_running_out_of_buffers)
{
    enum { COUNT = 700 };
    static int pairs[COUNT][2];
    static struct outcome recv_[COUNT];
    setrlimit(RLIMIT_NOFILE, &(struct rlimit){4096, 4096});
    for (int i = 0; i < COUNT; i++) {
        make_pair(pairs[i]);
        START(loop, &recv_[i], NULL, .kind = WEFT_OP_RECV_MANY, .fd = pairs[i][0]);
    }
    turn_some(loop, 3);
    for (int round = 1; round <= 3; round++) {
        for (int i = 0; i < COUNT; i++)
            send_all(loop, pairs[i][1], "0123456789", 10);
        for (int i = 0; i < COUNT; i++)
            turn_until_total(loop, &recv_[i], 10 * round);
    }
    for (int i = 0; i < COUNT; i++) {
        CHECK_EQ(weft_fd_close(loop, pairs[i][1], NULL, NULL), 1);
        CHECK_EQ(finish(loop, &recv_[i]), 0);
        CHECK_EQ(weft_fd_close(loop, pairs[i][0], NULL, NULL), 1);
    }
}

/* ---- refusals ---- */

LOOP_TEST(test_I04_a_second_reader_or_writer_is_busy)
{
    int pair[2];
    char buf[4];
    struct outcome first = {0}, second = {0}, poll_ = {0};
    weft_op *op = NULL, *poll_op = NULL;
    make_pair(pair);
    START(loop, &first, &op, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf, .bytes = 4);
    weft_op_args args = {.kind = WEFT_OP_RECV_MANY, .fd = pair[0]};
    CHECK_EQ(start_args(loop, &second, NULL, &args), -EBUSY);
    CHECK_EQ(weft_op_try(loop, &(weft_op_args){.kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf}),
             loop->backend->try != NULL ? -EBUSY : -EAGAIN);
    START(loop, &poll_, &poll_op, .kind = WEFT_OP_POLL, .fd = pair[0], .flags = POLLIN);
    START(loop, &second, NULL, .kind = WEFT_OP_SEND, .fd = pair[0], .buf = "x", .bytes = 1);
    CHECK_EQ(finish(loop, &second), 1);
    weft_op_cancel(loop, op);
    weft_op_cancel(loop, poll_op);
    CHECK_EQ(finish(loop, &first), -ECANCELED);
    CHECK_EQ(finish(loop, &poll_), -ECANCELED);
    close_pair(loop, pair);
}

/* A table by number, of 2 GB for this one, was made and cleared for it. */
LOOP_TEST(op_start_on_a_number_that_is_no_descriptor_costs_nothing)
{
    struct outcome outcome = {0};
    weft_op_args args = {.kind = WEFT_OP_READ, .fd = INT32_MAX / 8, .offset = -1};
    size_t bytes = live_bytes();
    CHECK_EQ(start_args(loop, &outcome, NULL, &args), -EBADF);
    CHECK_LT(live_bytes() - bytes, 64u * 1024);
}

LOOP_TEST(op_start_refuses_nonsense)
{
    struct outcome outcome = {0};
    weft_op_args args = {.kind = WEFT_OP_RECV, .fd = -1};
    CHECK_EQ(start_args(loop, &outcome, NULL, &args), -EBADF);
    args.kind = WEFT_OP_KIND_COUNT;
    CHECK_EQ(start_args(loop, &outcome, NULL, &args), -EINVAL);
    args.kind = -1;
    CHECK_EQ(start_args(loop, &outcome, NULL, &args), -EINVAL);
}

TEST(op_start_past_the_limit_says_so)
{
    weft_loop_options options = {.backend = "epoll", .op_count_max = 2};
    weft_loop *loop;
    struct outcome outcomes[3] = {0};
    CHECK_OK(weft_loop_new(&loop, &options));
    weft_op_args nop = {.kind = WEFT_OP_NOP, .fd = -1};
    CHECK_OK(start_args(loop, &outcomes[0], NULL, &nop));
    CHECK_OK(start_args(loop, &outcomes[1], NULL, &nop));
    CHECK_EQ(start_args(loop, &outcomes[2], NULL, &nop), -EAGAIN);
    finish(loop, &outcomes[0]);
    finish(loop, &outcomes[1]);
    CHECK_OK(start_args(loop, &outcomes[2], NULL, &nop));
    finish(loop, &outcomes[2]);
    weft_loop_free(loop);
}

LOOP_TEST(op_start_fails_cleanly_whatever_fails)
{
    int pair[2];
    make_pair(pair);
    for (uint64_t nth = 1;; nth++) {
        struct outcome outcome = {0};
        weft_op *op = NULL;
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC | WEFT_FAULT_CALL, .nth = nth};
        weft_fault_arm(&plan);
        weft_op_args args = {.kind = WEFT_OP_RECV_MANY, .fd = pair[0]};
        int rc = start_args(loop, &outcome, &op, &args);
        weft_fault_arm(NULL);
        if (rc == 0) {
            weft_op_cancel(loop, op);
            finish(loop, &outcome);
        }
        CHECK_EQ(loop->ops.used, 0u);
        if (plan.point == NULL)
            break;
        CHECK_LT(nth, 20u);
    }
    close_pair(loop, pair);
}

/* ---- cancel ---- */

LOOP_TEST(op_cancel_before_the_kernel_saw_it)
{
    int pair[2];
    char buf[4] = "...";
    struct outcome recv_ = {0};
    weft_op *op = NULL;
    make_pair(pair);
    START(loop, &recv_, &op, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf, .bytes = 4);
    weft_op_cancel(loop, op);
    CHECK_EQ(recv_.told, 0);
    CHECK_EQ(finish(loop, &recv_), -ECANCELED);
    turn_some(loop, 3);
    CHECK_EQ(recv_.told, 1);
    close_pair(loop, pair);
}

LOOP_TEST(op_cancel_while_the_kernel_waits)
{
    int pair[2], pipe_fds[2];
    char buf[4];
    struct outcome recv_ = {0}, poll_ = {0}, read_ = {0};
    weft_op *ops[3] = {0};
    make_pair(pair);
    CHECK_OK(wf_sys_pipe(pipe_fds));
    START(loop, &recv_, &ops[0], .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf, .bytes = 4);
    START(loop, &poll_, &ops[1], .kind = WEFT_OP_POLL, .fd = pair[1], .flags = POLLIN);
    START(loop, &read_, &ops[2], .kind = WEFT_OP_READ, .fd = pipe_fds[0], .buf = buf, .bytes = 4,
          .offset = -1);
    turn_some(loop, 5);
    for (int i = 0; i < 3; i++)
        weft_op_cancel(loop, ops[i]);
    CHECK_EQ(finish(loop, &recv_), -ECANCELED);
    CHECK_EQ(finish(loop, &poll_), -ECANCELED);
    CHECK_EQ(finish(loop, &read_), -ECANCELED);
    close_pair(loop, pair);
    close_pair(loop, pipe_fds);
}

/* The bytes were there before the cancel: they are told, or they are still in the socket. */
LOOP_TEST(op_cancel_that_races_with_data_loses_none)
{
    for (int turns = 0; turns < 3; turns++) {
        int pair[2];
        struct outcome recv_ = {0};
        weft_op *op = NULL;
        char rest[16];
        make_pair(pair);
        START(loop, &recv_, &op, .kind = WEFT_OP_RECV_MANY, .fd = pair[0]);
        turn_some(loop, turns);
        send_all(loop, pair[1], "12345", 5);
        weft_op_cancel(loop, op);
        CHECK_EQ(finish(loop, &recv_), -ECANCELED);
        ssize_t left;
        while ((left = wf_sys_recv(pair[0], rest, sizeof rest, 0)) > 0 || recv_.total < 5) {
            CHECK(left > 0 || test_is_simulated()); /* there they may be on their way */
            recv_.total += left > 0 ? left : 0;
            weft_loop_turn(loop, WEFT_MS);
        }
        CHECK_EQ(recv_.total, 5);
        close_pair(loop, pair);
    }
}

LOOP_TEST(op_cancel_that_races_with_a_connection_loses_none)
{
    for (int turns = 0; turns < 3; turns++) {
        struct sockaddr_in addr;
        struct outcome accept_ = {0};
        weft_op *op = NULL;
        int listener = make_listener(&addr);
        START(loop, &accept_, &op, .kind = WEFT_OP_ACCEPT, .fd = listener);
        turn_some(loop, turns);
        int client = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
        (void)wf_sys_connect(client, (struct sockaddr *)&addr, sizeof addr);
        weft_op_cancel(loop, op);
        int server = finish(loop, &accept_);
        if (server == -ECANCELED)
            server = wf_sys_accept(listener, NULL, NULL);
        while (server == -EAGAIN && test_is_simulated()) { /* it is on its way */
            weft_loop_turn(loop, WEFT_MS);
            server = wf_sys_accept(listener, NULL, NULL);
        }
        CHECK_OK(server);
        wf_sys_close(client);
        wf_sys_close(server);
        CHECK_EQ(weft_fd_close(loop, listener, NULL, NULL), 1);
    }
}

static weft_loop *cancel_loop;

static void cancel_at_first_chunk(weft_op *op, const weft_completion *completion, void *arg)
{
    struct outcome *outcome = arg;
    outcome->told++;
    outcome->result = completion->result;
    outcome->finals += completion->is_final;
    if (!completion->is_final)
        weft_op_cancel(cancel_loop, op);
}

LOOP_TEST(op_cancel_from_its_own_callback)
{
    int pair[2];
    struct outcome recv_ = {0};
    weft_op *op = NULL;
    cancel_loop = loop;
    make_pair(pair);
    CHECK_OK(weft_op_start(loop, &(weft_op_args){.kind = WEFT_OP_RECV_MANY, .fd = pair[0]},
                           cancel_at_first_chunk, &recv_, &op));
    send_all(loop, pair[1], "12345", 5);
    CHECK_EQ(finish(loop, &recv_), -ECANCELED);
    CHECK_EQ(recv_.told, 2);
    close_pair(loop, pair);
}

LOOP_TEST(op_tokens_of_the_past_name_nobody)
{
    struct outcome nop = {0};
    weft_op *op = NULL;
    START(loop, &nop, &op, .kind = WEFT_OP_NOP, .fd = -1);
    uint64_t token = wf_op_token(op);
    CHECK(wf_op_of_token(loop, token) == op);
    finish(loop, &nop);
    CHECK(wf_op_of_token(loop, token) == NULL);
    START(loop, &nop, &op, .kind = WEFT_OP_NOP, .fd = -1);
    CHECK(wf_op_of_token(loop, token) == NULL); /* the same slot, another life */
    CHECK(wf_op_of_token(loop, 0) == NULL);
    CHECK(wf_op_of_token(loop, UINT64_MAX) == NULL);
    finish(loop, &nop);
}

/* ---- close and reuse ---- */

struct close_watch {
    int fd, told, finals_then;
    const struct outcome *reader, *poller;
};

static void on_closed(void *arg)
{
    struct close_watch *watch = arg;
    watch->told++;
    watch->finals_then = watch->reader->finals + watch->poller->finals;
    CHECK(!is_open(watch->fd)); /* the number is free by now */
}

LOOP_TEST(test_I05_close_while_others_wait)
{
    for (int turns = 0; turns < 3; turns++) {
        int pair[2];
        char buf[4];
        struct outcome recv_ = {0}, poll_ = {0};
        make_pair(pair);
        START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf, .bytes = 4);
        START(loop, &poll_, NULL, .kind = WEFT_OP_POLL, .fd = pair[0], .flags = POLLPRI);
        turn_some(loop, turns);
        struct close_watch watch = {.fd = pair[0], .reader = &recv_, .poller = &poll_};
        CHECK_EQ(weft_fd_close(loop, pair[0], on_closed, &watch), 0);
        CHECK_EQ(weft_fd_close(loop, pair[0], NULL, NULL), -EBADF);
        CHECK(is_open(pair[0])); /* not before they are told */
        weft_op_args late = {.kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf, .bytes = 4};
        struct outcome refused = {0};
        CHECK_EQ(start_args(loop, &refused, NULL, &late), -EBADF);
        CHECK_EQ(finish(loop, &recv_), -EBADF);
        CHECK_EQ(finish(loop, &poll_), -EBADF);
        CHECK_EQ(watch.told, 1);
        CHECK_EQ(watch.finals_then, 2);
        CHECK_EQ(weft_fd_close(loop, pair[1], NULL, NULL), 1);
    }
}

LOOP_TEST(test_I05_a_reused_number_gets_none_of_its_predecessors_events)
{
    int old[2], new[2];
    char buf[4];
    struct outcome recv_ = {0};
    make_pair(old);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = old[0], .buf = buf, .bytes = 4);
    turn_some(loop, 3);
    int twin = test_is_simulated() ? -1 : dup(old[0]); /* keeps the old file alive */
    weft_fd_close(loop, old[0], NULL, NULL);
    CHECK_EQ(finish(loop, &recv_), -EBADF);
    make_pair(new);
    CHECK_EQ(new[0], old[0]);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = new[0], .buf = buf, .bytes = 4);
    CHECK_EQ(wf_sys_send(old[1], "o", 1, 0), twin < 0 ? -EPIPE : 1);
    turn_some(loop, 5);
    CHECK_EQ(recv_.told, 0);
    CHECK_EQ(wf_sys_send(new[1], "n", 1, 0), 1);
    CHECK_EQ(finish(loop, &recv_), 1);
    CHECK_EQ(buf[0], 'n');
    close_pair(loop, new);
    wf_sys_close(twin);
    wf_sys_close(old[1]);
}

LOOP_TEST(test_I05_a_number_closed_behind_our_back_and_reused_does_not_hang)
{
    int old[2], new[2];
    char buf[4];
    struct outcome recv_ = {0};
    make_pair(old);
    CHECK_EQ(wf_sys_send(old[1], "x", 1, 0), 1);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = old[0], .buf = buf, .bytes = 4);
    CHECK_EQ(finish(loop, &recv_), 1);
    wf_sys_close(old[0]); /* not by weft_fd_close */
    wf_sys_close(old[1]);
    make_pair(new);
    CHECK_EQ(new[0], old[0]);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = new[0], .buf = buf, .bytes = 4);
    turn_some(loop, 5);
    CHECK_EQ(recv_.told, 0);
    CHECK_EQ(wf_sys_send(new[1], "n", 1, 0), 1);
    CHECK_EQ(finish(loop, &recv_), 1);
    close_pair(loop, new);
}

/* Who waits on the old descriptor would wait for ever. */
KERNEL_LOOP_TEST(test_I05_a_number_that_comes_again_ends_what_waits_on_the_one_before)
{
    int pair[2];
    char buf[4];
    struct outcome recv_ = {0}, open_ = {0};
    make_pair(pair);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = buf, .bytes = 4);
    turn_some(loop, 3);
    int behind = pair[0];
    wf_sys_close(behind); /* not by weft_fd_close */
    START(loop, &open_, NULL, .kind = WEFT_OP_OPEN, .path = "/dev/null", .flags = O_CLOEXEC);
    CHECK_EQ(finish(loop, &open_), behind);
    CHECK_EQ(finish(loop, &recv_), -EBADF);
    pair[0] = behind;
    close_pair(loop, pair);
}

/* ---- numbers that others close and use again ---- */

/* Before what waits on the descriptor that had the number has ended. */
KERNEL_LOOP_TEST(test_I05_a_number_that_comes_again_is_used_at_once)
{
    struct sockaddr_in addr;
    int pair[2];
    char byte, old_byte;
    struct outcome recv_ = {0}, poll_ = {0}, accept_ = {0}, old_ = {0};
    int listener = make_listener(&addr), client = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    int rc = wf_sys_connect(client, (struct sockaddr *)&addr, sizeof addr);
    CHECK(rc == 0 || rc == -EINPROGRESS);
    make_pair(pair);
    START(loop, &old_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = &old_byte, .bytes = 1);
    turn_some(loop, 3);
    wf_sys_close(pair[0]); /* not by weft_fd_close */
    START(loop, &accept_, NULL, .kind = WEFT_OP_ACCEPT, .fd = listener);
    CHECK_EQ(finish(loop, &accept_), pair[0]);
    START(loop, &poll_, NULL, .kind = WEFT_OP_POLL, .fd = pair[0], .flags = POLLIN);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = &byte, .bytes = 1);
    CHECK_EQ(finish(loop, &old_), -EBADF);
    turn_some(loop, 3);
    CHECK_EQ(recv_.told + poll_.told, 0);
    CHECK_EQ(wf_sys_send(client, "n", 1, 0), 1);
    CHECK(finish(loop, &poll_) & POLLIN);
    CHECK_EQ(finish(loop, &recv_), 1);
    close_pair(loop, pair);
    CHECK_EQ(weft_fd_close(loop, client, NULL, NULL), 1);
    CHECK_EQ(weft_fd_close(loop, listener, NULL, NULL), 1);
}

/* A receive that ends and one that is cancelled: the loop knows the number, and that nothing is
 * there to read. */
static void use_and_drain(weft_loop *loop, const int pair[2])
{
    struct outcome recv_ = {0};
    weft_op *op = NULL;
    char byte;
    CHECK_EQ(wf_sys_send(pair[1], "x", 1, 0), 1);
    START(loop, &recv_, NULL, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = &byte, .bytes = 1);
    CHECK_EQ(finish(loop, &recv_), 1);
    START(loop, &recv_, &op, .kind = WEFT_OP_RECV, .fd = pair[0], .buf = &byte, .bytes = 1);
    turn_some(loop, 2);
    weft_op_cancel(loop, op);
    CHECK_EQ(finish(loop, &recv_), -ECANCELED);
}

KERNEL_LOOP_TEST(ops_notice_that_an_old_number_means_a_file_now)
{
    int pair[2];
    struct outcome read_ = {0};
    char bytes[4] = "";
    FILE *file = tmpfile();
    CHECK_EQ(fputs("abc", file), 1);
    CHECK_EQ(fflush(file), 0);
    CHECK_EQ(lseek(fileno(file), 0, SEEK_SET), 0);
    make_pair(pair);
    use_and_drain(loop, pair);
    CHECK_EQ(dup2(fileno(file), pair[0]), pair[0]);
    START(loop, &read_, NULL, .kind = WEFT_OP_READ, .fd = pair[0], .buf = bytes, .bytes = 3,
          .offset = -1);
    CHECK_EQ(finish(loop, &read_), 3);
    CHECK_STR(bytes, "abc");
    fclose(file);
    close_pair(loop, pair);
}

/* io_uring keeps the file of an operation, epoll only its number. */
TEST(ops_on_epoll_end_when_their_number_is_closed_by_others)
{
    use_real_time();
    int pair[2];
    struct outcome read_ = {0};
    char byte;
    weft_loop *loop;
    CHECK_OK(weft_loop_new(&loop, &(weft_loop_options){.backend = "epoll"}));
    make_pair(pair);
    CHECK_EQ(fcntl(pair[0], F_SETFL, 0), 0); /* blocks */
    use_and_drain(loop, pair);
    START(loop, &read_, NULL, .kind = WEFT_OP_READ, .fd = pair[0], .buf = &byte, .bytes = 1,
          .offset = -1);
    turn_some(loop, 2);
    CHECK_EQ(close(pair[0]), 0);
    CHECK_EQ(finish(loop, &read_), -EBADF);
    CHECK_EQ(close(pair[1]), 0);
    weft_loop_free(loop);
}

/* A regular file is always ready, but not for what it never has. */
TEST(ops_on_epoll_cannot_wait_for_a_file)
{
    use_real_time();
    struct outcome poll_ = {0};
    FILE *file = tmpfile();
    weft_loop *loop;
    CHECK_OK(weft_loop_new(&loop, &(weft_loop_options){.backend = "epoll"}));
    START(loop, &poll_, NULL, .kind = WEFT_OP_POLL, .fd = fileno(file), .flags = POLLIN);
    CHECK_EQ(finish(loop, &poll_), POLLIN);
    START(loop, &poll_, NULL, .kind = WEFT_OP_POLL, .fd = fileno(file), .flags = POLLPRI);
    CHECK_EQ(finish(loop, &poll_), -EAGAIN);
    CHECK_EQ(weft_fd_close(loop, dup(fileno(file)), NULL, NULL), 1);
    fclose(file);
    weft_loop_free(loop);
}
