/* SPDX-License-Identifier: MIT */

/* The simulated world, seen from the callback level: platform calls and operations. */

#include <weft/io.h>
#include <weft/sim.h>
#include <weft/sys/loop.h>
#include <weft/task.h>

#include "base/sys.h"
#include "harness/harness.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static weft_loop *loop_make(uint64_t seed)
{
    weft_loop_options options = {.backend = "sim", .seed = seed};
    weft_loop *loop;
    CHECK_OK(weft_loop_new(&loop, &options));
    return loop;
}

/* Turns until nothing is left that could happen. */
static void loop_settle(weft_loop *loop)
{
    while (weft_loop_is_busy(loop))
        weft_loop_turn(loop, WEFT_FOREVER);
}

static void loop_pass(weft_loop *loop, weft_time duration)
{
    weft_time end = weft_loop_now(loop) + duration;
    while (weft_loop_now(loop) < end)
        weft_loop_turn(loop, end - weft_loop_now(loop));
}

/* ---- operations that note how they ended ---- */

struct outcome {
    int result, count, ended;
    char data[256]; /* RECV_MANY */
    size_t bytes;
};

static void outcome_note(weft_op *op, const weft_completion *completion, void *arg)
{
    struct outcome *outcome = arg;
    (void)op;
    outcome->result = completion->result;
    outcome->count++;
    outcome->ended += completion->is_final;
    if (completion->data != NULL && completion->result > 0) {
        CHECK_LE(outcome->bytes + (size_t)completion->result, sizeof outcome->data);
        memcpy(outcome->data + outcome->bytes, completion->data, (size_t)completion->result);
        outcome->bytes += (size_t)completion->result;
    }
}

static weft_op *op_begin(weft_loop *loop, int kind, int fd, void *buf, size_t bytes,
                         struct outcome *outcome)
{
    weft_op_args args = {.kind = kind, .fd = fd, .buf = buf, .bytes = bytes, .offset = -1};
    weft_op *op;
    *outcome = (struct outcome){0};
    CHECK_OK(weft_op_start(loop, &args, outcome_note, outcome, &op));
    return op;
}

/* Begins one and turns until it has ended; its result. */
static int op_do(weft_loop *loop, int kind, int fd, void *buf, size_t bytes)
{
    struct outcome outcome;
    op_begin(loop, kind, fd, buf, bytes, &outcome);
    while (!outcome.ended)
        weft_loop_turn(loop, WEFT_FOREVER);
    CHECK_EQ(outcome.count, 1);
    return outcome.result;
}

/* ---- addresses ---- */

static struct sockaddr_in addr_in(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET,
        .sin_port = htons(port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
}

static int listen_in(struct sockaddr_in *addr)
{
    int fd = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(fd);
    CHECK_OK(wf_sys_bind(fd, (struct sockaddr *)addr, sizeof *addr));
    CHECK_OK(wf_sys_listen(fd, 8));
    socklen_t bytes = sizeof *addr;
    CHECK_OK(wf_sys_getsockname(fd, (struct sockaddr *)addr, &bytes));
    CHECK_EQ(bytes, sizeof *addr);
    return fd;
}

/* Two connected internet sockets. */
static void connect_in(weft_loop *loop, int out[2])
{
    struct sockaddr_in addr = addr_in(0);
    int listener = listen_in(&addr);
    out[0] = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(op_do(loop, WEFT_OP_CONNECT, out[0], &addr, sizeof addr), 0);
    out[1] = op_do(loop, WEFT_OP_ACCEPT, listener, NULL, 0);
    CHECK_OK(out[1]);
    CHECK_OK(wf_sys_close(listener));
}

static void send_all(int fd, const char *text)
{
    for (size_t at = 0; at < strlen(text);) {
        ssize_t sent = wf_sys_send(fd, text + at, strlen(text) - at, 0);
        CHECK_GT(sent, 0);
        at += (size_t)sent;
    }
}

static void close_both(const int fds[2])
{
    CHECK_OK(wf_sys_close(fds[0]));
    CHECK_OK(wf_sys_close(fds[1]));
}

static void loop_end(weft_loop *loop)
{
    weft_sim_stats stats;
    weft_sim_stats_get(&stats);
    CHECK_EQ(stats.descriptor_count, 0);
    weft_loop_free(loop);
}

/* ---- time ---- */

static int timers_fired;

static void timer_fire(weft_timer *timer)
{
    (void)timer;
    timers_fired++;
}

TEST(test_Z02_a_year_of_sleep_takes_one_turn)
{
    weft_loop *loop = loop_make(1);
    weft_time start = weft_loop_now(loop);
    weft_time year = 365 * 24 * 3600 * WEFT_SEC;
    weft_timer timer;
    weft_timer_init(&timer, timer_fire);
    weft_timer_start(loop, &timer, start + year);
    CHECK_EQ(weft_loop_turn(loop, WEFT_FOREVER), 1);
    CHECK_EQ(timers_fired, 1);
    CHECK_EQ(weft_loop_now(loop), start + year);
    CHECK_EQ(wf_sys_now(), start + year);
    loop_end(loop);
}

TEST(test_Z02_time_stands_still_while_something_can_go_on)
{
    weft_loop *loop = loop_make(1);
    weft_time start = weft_loop_now(loop);
    int fds[2];
    char buf[4];
    struct outcome outcome;
    CHECK_OK(wf_sys_pipe(fds));
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(weft_loop_turn(loop, 0), 0);
    CHECK_EQ(weft_loop_now(loop), start);
    op_begin(loop, WEFT_OP_READ, fds[0], buf, sizeof buf, &outcome);
    CHECK_EQ(wf_sys_write(fds[1], "x", 1), 1);
    loop_settle(loop);
    CHECK_EQ(outcome.result, 1);
    CHECK_LE(weft_loop_now(loop), start + 2 * WEFT_MS); /* on its way, and made to wait */
    close_both(fds);
    loop_end(loop);
}

/* ---- the trace ---- */

struct echo {
    weft_loop *loop;
    int fd;
    size_t sent, received;
    uint64_t sum;
    char buf[512];
};

#define ECHO_BYTES 20000

static void echo_send(struct echo *echo);
static void echo_recv(struct echo *echo);

static void echo_sent(weft_op *op, const weft_completion *completion, void *arg)
{
    struct echo *echo = arg;
    (void)op;
    CHECK_GT(completion->result, 0);
    echo->sent += (size_t)completion->result;
    echo_send(echo);
}

static void echo_received(weft_op *op, const weft_completion *completion, void *arg)
{
    struct echo *echo = arg;
    (void)op;
    CHECK_OK(completion->result);
    for (int i = 0; i < completion->result; i++)
        CHECK_EQ(echo->buf[i], (char)(echo->received + (size_t)i));
    echo->received += (size_t)completion->result;
    if (completion->result > 0)
        echo_recv(echo);
}

static char echo_pattern[256 + 512];

static void echo_send(struct echo *echo)
{
    size_t left = ECHO_BYTES - echo->sent;
    weft_op_args args = {.kind = WEFT_OP_SEND, .fd = echo->fd, .bytes = left < 512 ? left : 512};
    args.buf = echo_pattern + echo->sent % 256;
    weft_op *op;
    if (left == 0)
        CHECK_OK(wf_sys_shutdown(echo->fd, SHUT_WR));
    else
        CHECK_OK(weft_op_start(echo->loop, &args, echo_sent, echo, &op));
}

static void echo_recv(struct echo *echo)
{
    weft_op_args args = {.kind = WEFT_OP_RECV, .fd = echo->fd, .bytes = sizeof echo->buf};
    args.buf = echo->buf;
    weft_op *op;
    CHECK_OK(weft_op_start(echo->loop, &args, echo_received, echo, &op));
}

/* Three connections, both ways at once; every byte is checked.  The trace's hash. */
static uint64_t echo_run(uint64_t seed)
{
    weft_loop *loop = loop_make(seed);
    int fds[6];
    struct echo echoes[6];
    memset(echoes, 0, sizeof echoes);
    for (size_t i = 0; i < sizeof echo_pattern; i++)
        echo_pattern[i] = (char)i;
    for (int i = 0; i < 6; i += 2)
        connect_in(loop, fds + i);
    for (int i = 0; i < 6; i++) {
        echoes[i].loop = loop;
        echoes[i].fd = fds[i];
        echo_send(&echoes[i]);
        echo_recv(&echoes[i]);
    }
    loop_settle(loop);
    for (int i = 0; i < 6; i++) {
        CHECK_EQ(echoes[i].sent, ECHO_BYTES);
        CHECK_EQ(echoes[i].received, ECHO_BYTES);
        CHECK_OK(wf_sys_close(fds[i]));
    }
    loop_end(loop);
    return weft_sim_trace_hash();
}

TEST(test_Z01_the_same_seed_gives_the_same_trace)
{
    uint64_t first = echo_run(7);
    CHECK_EQ(echo_run(7), first);
    CHECK_NE(echo_run(8), first);
    CHECK_EQ(echo_run(7), first);
}

/* On every machine and with every compiler.  Only a change of the simulator or of the timers'
 * order changes this number; then it is copied from the failure. */
TEST(test_Z01_the_trace_does_not_depend_on_the_machine)
{
    CHECK_EQ(echo_run(42), 8639358229338477806u);
}

TEST(test_Z04_every_byte_arrives_in_order_for_every_seed)
{
    for (uint64_t seed = 1; seed <= 200; seed++) {
        note("seed %llu", (unsigned long long)seed);
        echo_run(seed);
    }
}

TEST(chance_is_seeded_too)
{
    unsigned char a[20], b[20];
    weft_loop *loop = loop_make(5);
    CHECK_OK(wf_sys_random(a, sizeof a));
    loop_end(loop);
    loop = loop_make(5);
    CHECK_OK(wf_sys_random(b, sizeof b));
    CHECK_BYTES(a, sizeof a, b, sizeof b);
    CHECK_OK(wf_sys_random(b, sizeof b));
    CHECK(memcmp(a, b, sizeof a) != 0);
    loop_end(loop);
}

/* ---- what stays outside ---- */

static void thread_nothing(void *arg)
{
    (void)arg;
}

TEST(test_Z05_real_things_are_refused)
{
    int real[2];
    CHECK_OK(wf_sys_pipe(real));
    weft_loop *loop = loop_make(1);
    char byte = 'x';
    weft_op_args args = {.kind = WEFT_OP_READ, .fd = real[0], .buf = &byte, .bytes = 1};
    weft_op *op;
    weft_thread thread;
    CHECK_EQ(wf_sys_write(real[1], "x", 1), -EPERM);
    CHECK_EQ(wf_sys_read(real[0], &byte, 1), -EPERM);
    CHECK_EQ(wf_sys_close(real[0]), -EPERM);
    CHECK_EQ(weft_op_start(loop, &args, outcome_note, NULL, &op), -EPERM);
    CHECK_EQ(weft_op_try(loop, &args), -EPERM);
    CHECK_EQ(wf_sys_thread_start(&thread, thread_nothing, NULL, 0), -EPERM);
    CHECK_EQ(wf_sys_open("/etc/passwd", O_RDONLY, 0), -ENOENT); /* another disk */
    CHECK_EQ(wf_sys_rename("/tmp/a", "/tmp/b"), -ENOENT);
    CHECK_EQ(wf_sys_close(-5), 0);
    CHECK_EQ(wf_sys_close(99999999), -EBADF);
    loop_end(loop);

    int fd = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0); /* the host again */
    CHECK_OK(fd);
    CHECK_LT(fd, 1 << 20);
    CHECK_OK(wf_sys_close(fd));
    close_both(real);
}

TEST(real_calls_reject_simulated_descriptors)
{
    weft_loop *loop = loop_make(1);
    int fds[2];
    CHECK_OK(wf_sys_pipe(fds));
    CHECK_GE(fds[0], 1 << 20);
    CHECK_EQ(write(fds[1], "x", 1), -1);
    CHECK_EQ(errno, EBADF);
    close_both(fds);
    loop_end(loop);
}

/* ---- sockets ---- */

TEST(port_zero_is_picked_and_ports_are_taken_once)
{
    weft_loop *loop = loop_make(1);
    struct sockaddr_in a = addr_in(0), b = addr_in(0);
    int fds[2] = {listen_in(&a), listen_in(&b)};
    CHECK_NE(a.sin_port, 0);
    CHECK_NE(a.sin_port, b.sin_port);

    int third = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(wf_sys_bind(third, (struct sockaddr *)&a, sizeof a), -EADDRINUSE);
    struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = a.sin_port};
    CHECK_EQ(wf_sys_bind(third, (struct sockaddr *)&any, sizeof any), -EADDRINUSE);
    CHECK_EQ(wf_sys_bind(third, (struct sockaddr *)&any, 4), -EINVAL);
    any.sin_family = AF_INET6;
    CHECK_EQ(wf_sys_bind(third, (struct sockaddr *)&any, sizeof any), -EAFNOSUPPORT);
    CHECK_OK(wf_sys_close(fds[0]));
    CHECK_OK(wf_sys_bind(third, (struct sockaddr *)&a, sizeof a));
    CHECK_EQ(wf_sys_bind(third, (struct sockaddr *)&b, sizeof b), -EINVAL);
    CHECK_OK(wf_sys_close(third));
    CHECK_OK(wf_sys_close(fds[1]));
    loop_end(loop);
}

TEST(connecting_to_nobody_is_refused_after_a_while)
{
    weft_loop *loop = loop_make(3);
    struct sockaddr_in addr = addr_in(4711);
    int fd = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(wf_sys_connect(fd, (struct sockaddr *)&addr, sizeof addr), -EINPROGRESS);
    CHECK_EQ(wf_sys_connect(fd, (struct sockaddr *)&addr, sizeof addr), -EALREADY);
    weft_op_args args = {.kind = WEFT_OP_POLL, .fd = fd, .flags = POLLOUT};
    struct outcome outcome = {0};
    weft_op *op;
    CHECK_OK(weft_op_start(loop, &args, outcome_note, &outcome, &op));
    loop_settle(loop);
    CHECK_EQ(outcome.result & POLLERR, POLLERR);
    int error = 0;
    socklen_t bytes = sizeof error;
    CHECK_OK(wf_sys_getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes));
    CHECK_EQ(error, ECONNREFUSED);
    CHECK_EQ(op_do(loop, WEFT_OP_CONNECT, fd, &addr, sizeof addr), -ECONNREFUSED);
    CHECK_OK(wf_sys_close(fd));
    loop_end(loop);
}

TEST(accepted_sockets_know_both_addresses)
{
    weft_loop *loop = loop_make(1);
    int fds[2];
    connect_in(loop, fds);
    struct sockaddr_in names[4];
    for (int i = 0; i < 2; i++) {
        socklen_t bytes = sizeof names[0];
        CHECK_OK(wf_sys_getsockname(fds[i], (struct sockaddr *)&names[i], &bytes));
        CHECK_OK(wf_sys_getpeername(fds[1 - i], (struct sockaddr *)&names[2 + i], &bytes));
        CHECK_EQ(names[i].sin_port, names[2 + i].sin_port);
        CHECK_EQ(names[i].sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    }
    close_both(fds);
    loop_end(loop);
}

TEST(unix_names_outlive_their_socket_until_unlinked)
{
    weft_loop *loop = loop_make(1);
    struct sockaddr_un addr = {.sun_family = AF_UNIX, .sun_path = "/run/simulated.sock"};
    int listener = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    int client = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(wf_sys_connect(client, (struct sockaddr *)&addr, sizeof addr), -ENOENT);
    CHECK_OK(wf_sys_bind(listener, (struct sockaddr *)&addr, sizeof addr));
    CHECK_EQ(wf_sys_connect(client, (struct sockaddr *)&addr, sizeof addr), -ECONNREFUSED);
    CHECK_OK(wf_sys_listen(listener, 1));
    CHECK_OK(wf_sys_connect(client, (struct sockaddr *)&addr, sizeof addr));
    int second = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(wf_sys_connect(second, (struct sockaddr *)&addr, sizeof addr), -EAGAIN);
    int server = wf_sys_accept(listener, NULL, NULL);
    CHECK_OK(server);
    CHECK_OK(wf_sys_connect(second, (struct sockaddr *)&addr, sizeof addr));

    CHECK_OK(wf_sys_close(listener)); /* `second` was never accepted */
    loop_pass(loop, 10 * WEFT_MS);
    char byte;
    CHECK_EQ(wf_sys_recv(second, &byte, 1, 0), -ECONNRESET);
    listener = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_EQ(wf_sys_bind(listener, (struct sockaddr *)&addr, sizeof addr), -EADDRINUSE);
    CHECK_OK(wf_sys_unlink(addr.sun_path));
    CHECK_EQ(wf_sys_unlink(addr.sun_path), -ENOENT);
    CHECK_OK(wf_sys_bind(listener, (struct sockaddr *)&addr, sizeof addr));
    int all[] = {listener, client, second, server};
    for (int i = 0; i < 4; i++)
        CHECK_OK(wf_sys_close(all[i]));
    loop_end(loop);
}

TEST(end_of_stream_comes_behind_the_last_byte_and_the_other_way_stays_open)
{
    for (uint64_t seed = 1; seed <= 50; seed++) {
        weft_loop *loop = loop_make(seed);
        int fds[2];
        char buf[8];
        connect_in(loop, fds);
        CHECK_GT(wf_sys_send(fds[0], "a", 1, 0), 0);
        CHECK_OK(wf_sys_shutdown(fds[0], SHUT_WR));
        CHECK_EQ(wf_sys_send(fds[0], "b", 1, 0), -EPIPE);
        CHECK_EQ(op_do(loop, WEFT_OP_RECV, fds[1], buf, sizeof buf), 1);
        CHECK_EQ(op_do(loop, WEFT_OP_RECV, fds[1], buf, sizeof buf), 0);
        CHECK_EQ(op_do(loop, WEFT_OP_RECV, fds[1], buf, sizeof buf), 0);
        CHECK_EQ(wf_sys_send(fds[1], "c", 1, 0), 1);
        CHECK_EQ(op_do(loop, WEFT_OP_RECV, fds[0], buf, sizeof buf), 1);
        CHECK_EQ(buf[0], 'c');
        close_both(fds);
        loop_end(loop);
    }
}

TEST(closing_with_unread_bytes_resets_the_other_end_once)
{
    weft_loop *loop = loop_make(2);
    int fds[2];
    char buf[8];
    connect_in(loop, fds);
    CHECK_EQ(wf_sys_send(fds[0], "x", 1, 0), 1);
    loop_pass(loop, 10 * WEFT_MS);
    CHECK_OK(wf_sys_close(fds[1]));
    loop_pass(loop, 10 * WEFT_MS);
    CHECK_EQ(wf_sys_recv(fds[0], buf, sizeof buf, 0), -ECONNRESET);
    CHECK_EQ(wf_sys_recv(fds[0], buf, sizeof buf, 0), 0);
    CHECK_EQ(wf_sys_send(fds[0], "y", 1, 0), -EPIPE);
    CHECK_OK(wf_sys_close(fds[0]));
    loop_end(loop);
}

TEST(sending_to_an_internet_peer_that_left_is_told_late)
{
    weft_loop *loop = loop_make(2);
    int fds[2];
    char byte;
    connect_in(loop, fds);
    CHECK_OK(wf_sys_close(fds[1]));
    loop_pass(loop, 10 * WEFT_MS);
    CHECK_EQ(wf_sys_send(fds[0], "x", 1, 0), 1); /* the peer's end answers with a reset */
    loop_pass(loop, 10 * WEFT_MS);
    CHECK_EQ(wf_sys_send(fds[0], "y", 1, 0), -EPIPE);
    CHECK_EQ(wf_sys_recv(fds[0], &byte, 1, 0), 0);
    CHECK_OK(wf_sys_close(fds[0]));
    loop_end(loop);
}

/* Time stands still while a sender can go on: it must not be able to for ever. */
TEST(what_is_sent_to_a_peer_that_left_is_bounded)
{
    weft_loop *loop = loop_make(2);
    int fds[2];
    static char block[4096];
    connect_in(loop, fds);
    CHECK_OK(wf_sys_close(fds[1]));
    size_t sent = 0;
    ssize_t rc;
    while ((rc = wf_sys_send(fds[0], block, sizeof block, 0)) > 0)
        sent += (size_t)rc;
    CHECK_EQ(rc, -EAGAIN);
    CHECK_EQ(sent, 65536);
    CHECK_EQ(op_do(loop, WEFT_OP_SEND, fds[0], block, 1), -EPIPE);
    CHECK_OK(wf_sys_close(fds[0]));
    loop_end(loop);
}

TEST(a_linger_of_zero_resets)
{
    weft_loop *loop = loop_make(2);
    int fds[2];
    char byte;
    struct linger linger = {.l_onoff = 1};
    connect_in(loop, fds);
    CHECK_OK(wf_sys_setsockopt(fds[1], SOL_SOCKET, SO_LINGER, &linger, sizeof linger));
    CHECK_OK(wf_sys_close(fds[1]));
    CHECK_EQ(op_do(loop, WEFT_OP_RECV, fds[0], &byte, 1), -ECONNRESET);
    CHECK_OK(wf_sys_close(fds[0]));
    loop_end(loop);
}

TEST(a_reset_by_the_network_reaches_both_ends)
{
    weft_loop *loop = loop_make(2);
    int fds[2];
    char bytes[2];
    struct outcome outcomes[2];
    connect_in(loop, fds);
    for (int i = 0; i < 2; i++)
        op_begin(loop, WEFT_OP_RECV, fds[i], &bytes[i], 1, &outcomes[i]);
    CHECK_OK(weft_sim_reset(fds[0]));
    loop_settle(loop);
    CHECK_EQ(outcomes[0].result, -ECONNRESET);
    CHECK_EQ(outcomes[1].result, -ECONNRESET);
    close_both(fds);
    CHECK_EQ(weft_sim_reset(fds[0]), -EBADF);
    loop_end(loop);
}

TEST(a_reader_that_does_not_read_stops_the_writer)
{
    weft_loop *loop = loop_make(1);
    int fds[2];
    static char block[4096];
    connect_in(loop, fds);
    size_t sent = 0;
    ssize_t rc;
    while ((rc = wf_sys_send(fds[0], block, sizeof block, 0)) > 0)
        sent += (size_t)rc;
    CHECK_EQ(rc, -EAGAIN);
    CHECK_EQ(sent, 65536);

    struct outcome outcome;
    op_begin(loop, WEFT_OP_SEND, fds[0], block, 1, &outcome);
    loop_pass(loop, WEFT_SEC);
    CHECK_EQ(outcome.ended, 0);
    CHECK_GT(op_do(loop, WEFT_OP_RECV, fds[1], block + 2048, 2048), 0);
    loop_pass(loop, WEFT_SEC);
    CHECK_EQ(outcome.ended, 0); /* it is told when a third is free */
    for (ssize_t read = 0; read < 65536 / 3; read += rc)
        CHECK_GT(rc = op_do(loop, WEFT_OP_RECV, fds[1], block + 2048, 2048), 0);
    loop_settle(loop);
    CHECK_EQ(outcome.result, 1);
    close_both(fds);
    loop_end(loop);
}

TEST(pipes_end_both_ways)
{
    weft_loop *loop = loop_make(1);
    int fds[2];
    char byte;
    CHECK_OK(wf_sys_pipe(fds));
    CHECK_EQ(wf_sys_write(fds[1], "x", 1), 1);
    CHECK_EQ(wf_sys_write(fds[0], "x", 1), -EBADF);
    CHECK_EQ(wf_sys_send(fds[1], "x", 1, 0), -ENOTSOCK);
    CHECK_OK(wf_sys_close(fds[1]));
    CHECK_EQ(op_do(loop, WEFT_OP_READ, fds[0], &byte, 1), 1);
    CHECK_EQ(op_do(loop, WEFT_OP_READ, fds[0], &byte, 1), 0);
    CHECK_OK(wf_sys_close(fds[0]));

    CHECK_OK(wf_sys_pipe(fds));
    CHECK_OK(wf_sys_close(fds[0]));
    CHECK_EQ(wf_sys_write(fds[1], "x", 1), -EPIPE);
    CHECK_OK(wf_sys_close(fds[1]));
    loop_end(loop);
}

/* ---- operations ---- */

TEST(a_cancelled_receive_has_taken_nothing)
{
    int cancelled = 0, received = 0;
    for (uint64_t seed = 1; seed <= 200; seed++) {
        weft_loop *loop = loop_make(seed);
        int fds[2];
        char byte = 0;
        struct outcome outcome;
        connect_in(loop, fds);
        CHECK_EQ(wf_sys_send(fds[0], "x", 1, 0), 1);
        if (seed % 3 == 0)
            loop_pass(loop, 10 * WEFT_MS); /* it is there: the receive may take it at once */
        weft_op *op = op_begin(loop, WEFT_OP_RECV, fds[1], &byte, 1, &outcome);
        loop_pass(loop, (weft_time)(seed % 8) * 250 * WEFT_US);
        if (!outcome.ended) {
            weft_op_cancel(loop, op);
            weft_op_cancel(loop, op);
            CHECK_EQ(outcome.ended, 0); /* never from inside the call */
        }
        loop_settle(loop);
        CHECK_EQ(outcome.count, 1);
        cancelled += outcome.result == -ECANCELED;
        received += outcome.result == 1;
        if (outcome.result == -ECANCELED)
            CHECK_EQ(op_do(loop, WEFT_OP_RECV, fds[1], &byte, 1), 1);
        CHECK_EQ(byte, 'x');
        close_both(fds);
        loop_end(loop);
    }
    CHECK_GT(cancelled, 10);
    CHECK_GT(received, 10);
}

/* A sender that changes its bytes while the kernel has them corrupts what is sent, sometimes. */
TEST(a_buffer_changed_under_way_is_noticed)
{
    int out[2];
    CHECK_EQ(pipe(out), 0);
    pid_t child = fork();
    CHECK_GE(child, 0);
    if (child == 0) {
        dup2(out[1], STDERR_FILENO);
        weft_loop *loop = loop_make(1);
        int fds[2];
        static char block[70000];
        struct outcome outcomes[2];
        CHECK_OK(wf_sys_pipe(fds));
        while (wf_sys_write(fds[1], block, sizeof block) > 0)
            ;
        op_begin(loop, WEFT_OP_WRITE, fds[1], block, 10, &outcomes[0]);
        block[3] = 1;
        op_begin(loop, WEFT_OP_READ, fds[0], block + 1000, 10, &outcomes[1]);
        loop_settle(loop);
        _exit(0);
    }
    int status;
    char text[256] = "";
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    CHECK_EQ(WTERMSIG(status), SIGABRT);
    CHECK_GT(read(out[0], text, sizeof text - 1), 0);
    CHECK(strstr(text, "buffer of a send") != NULL);
    close(out[0]);
    close(out[1]);
}

static int closes_told;

static void close_told(void *arg)
{
    (void)arg;
    closes_told++;
}

TEST(close_ends_what_waits_with_EBADF)
{
    weft_loop *loop = loop_make(1);
    int fds[2];
    char byte;
    struct outcome outcome;
    connect_in(loop, fds);
    op_begin(loop, WEFT_OP_RECV, fds[1], &byte, 1, &outcome);
    CHECK_EQ(weft_fd_close(loop, fds[1], close_told, NULL), 0);
    CHECK_EQ(wf_sys_send(fds[0], "x", 1, 0), 1);
    loop_settle(loop);
    CHECK_EQ(outcome.result, -EBADF);
    CHECK_EQ(closes_told, 1);
    CHECK_OK(wf_sys_close(fds[0]));
    loop_end(loop);
}

TEST(many_connections_and_chunks_come_from_one_operation)
{
    weft_loop *loop = loop_make(9);
    struct sockaddr_in addr = addr_in(0);
    int listener = listen_in(&addr);
    struct outcome accepted;
    weft_op *op = op_begin(loop, WEFT_OP_ACCEPT_MANY, listener, NULL, 0, &accepted);
    int clients[3];
    for (int i = 0; i < 3; i++) {
        clients[i] = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
        CHECK_EQ(op_do(loop, WEFT_OP_CONNECT, clients[i], &addr, sizeof addr), 0);
    }
    loop_pass(loop, 10 * WEFT_MS);
    CHECK_EQ(accepted.count, 3);
    CHECK_EQ(accepted.ended, 0);
    int last = accepted.result;
    weft_op_cancel(loop, op);
    loop_pass(loop, 10 * WEFT_MS);
    CHECK_EQ(accepted.count, 4);
    CHECK_EQ(accepted.ended, 1);
    CHECK_EQ(accepted.result, -ECANCELED);

    struct outcome got;
    op_begin(loop, WEFT_OP_RECV_MANY, last, NULL, 0, &got);
    send_all(clients[2], "hel");
    loop_pass(loop, 10 * WEFT_MS);
    send_all(clients[2], "lo");
    CHECK_OK(wf_sys_close(clients[2]));
    loop_settle(loop);
    CHECK_BYTES(got.data, got.bytes, "hello", 5);
    CHECK_EQ(got.result, 0);
    CHECK_EQ(got.ended, 1);

    CHECK_OK(wf_sys_close(clients[0]));
    CHECK_OK(wf_sys_close(clients[1]));
    for (int fd = 1 << 20; fd < (1 << 20) + 8; fd++)
        wf_sys_close(fd);
    loop_end(loop);
}

TEST(a_second_reader_is_refused)
{
    weft_loop *loop = loop_make(1);
    int fds[2];
    char buf[2];
    struct outcome outcome;
    CHECK_OK(wf_sys_pipe(fds));
    weft_op *op = op_begin(loop, WEFT_OP_READ, fds[0], buf, 1, &outcome);
    weft_op_args args = {.kind = WEFT_OP_READ, .fd = fds[0], .buf = buf + 1, .bytes = 1};
    weft_op *second;
    args.offset = -1;
    CHECK_EQ(weft_op_start(loop, &args, outcome_note, &outcome, &second), -EBUSY);
    weft_op_cancel(loop, op);
    loop_settle(loop);
    CHECK_EQ(outcome.result, -ECANCELED);
    close_both(fds);
    loop_end(loop);
}

/* ---- tasks ---- */

static int sleep_a_year(void *arg)
{
    (void)arg;
    return weft_sleep(365 * 24 * 3600 * WEFT_SEC);
}

TEST(test_Z02_a_task_sleeps_for_a_year)
{
    CHECK_OK(weft_sim_run(1, sleep_a_year, NULL));
    weft_sim_stats stats;
    weft_sim_stats_get(&stats);
    CHECK_GE(stats.now, 365 * 24 * 3600 * WEFT_SEC);
    CHECK_EQ(stats.seed, 1u);
    CHECK_GT(stats.steps, 1u);
}

static char order[8];

static int note_order(void *arg)
{
    order[strlen(order)] = *(const char *)arg;
    return 0;
}

static int start_six(void *arg)
{
    (void)arg;
    memset(order, 0, sizeof order);
    for (const char *name = "abcdef"; *name != '\0'; name++)
        weft_spawn(note_order, (void *)(uintptr_t)name);
    return 0;
}

TEST(test_Z03_the_seed_chooses_among_ready_tasks)
{
    char first[8];
    int different = 0;
    CHECK_OK(weft_sim_run(1, start_six, NULL));
    memcpy(first, order, sizeof order);
    for (uint64_t seed = 1; seed <= 50; seed++) {
        CHECK_OK(weft_sim_run(seed, start_six, NULL));
        uint64_t hash = weft_sim_trace_hash();
        different += strcmp(order, first) != 0;
        char again[8];
        memcpy(again, order, sizeof order);
        CHECK_OK(weft_sim_run(seed, start_six, NULL));
        CHECK_STR(order, again);
        CHECK_EQ(weft_sim_trace_hash(), hash);
    }
    CHECK_GT(different, 30);
}

static int start_world_in_world(void *arg)
{
    (void)arg;
    return weft_sim_run(1, sleep_a_year, NULL);
}

TEST(a_world_inside_a_loop_is_refused)
{
    CHECK_EQ(weft_sim_run(1, start_world_in_world, NULL), -EBUSY);
    CHECK_EQ(weft_sim_reset(1 << 20), -EPERM);
}

/* ---- the plan ---- */

static int send_until_reset(void *arg)
{
    (void)arg;
    weft_loop *loop = weft_loop_self();
    int fds[2], sent = 0;
    char byte = 0;
    weft_op_args args = {.kind = WEFT_OP_SEND, .buf = &byte, .bytes = 1};
    int rc = wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    CHECK_OK(rc);
    args.fd = fds[0];
    while ((rc = weft_op_try(loop, &args)) > 0)
        sent++;
    CHECK_EQ(rc, -ECONNRESET);
    close_both(fds);
    return sent;
}

TEST(the_plan_says_how_much_goes_wrong)
{
    weft_sim_options options = {
        .seed = 1,
        .delay_max = -1,
        .short_ppm = WEFT_SIM_NEVER,
        .wait_ppm = WEFT_SIM_NEVER,
        .reset_ppm = 10000,
    };
    int sum = 0;
    for (; options.seed <= 20; options.seed++)
        sum += weft_sim_run_with(&options, send_until_reset, NULL);
    CHECK_GT(sum, 20 * 30); /* about 100 each */
    CHECK_LT(sum, 20 * 300);
}

static int read_own_source(void *arg)
{
    char start[3];
    int fd = wf_sys_open(arg, O_RDONLY, 0);
    if (fd < 0)
        return fd;
    CHECK_GE(fd, 1 << 20);
    CHECK_EQ(wf_sys_pread(fd, start, 2, 0), 2);
    CHECK_BYTES(start, 2, "/*", 2);
    CHECK_EQ(wf_sys_read(fd, start, 2), 2);
    CHECK_BYTES(start, 2, "/*", 2);
    CHECK_EQ(wf_sys_write(fd, "x", 1), -EBADF);
    struct stat status;
    CHECK_OK(weft_platform_get()->fstat(fd, &status));
    CHECK_GT(status.st_size, 1000);
    CHECK_EQ(weft_wait_fd(fd, POLLIN), POLLIN);
    CHECK_EQ(wf_sys_open(arg, O_RDWR, 0), -EPERM);
    CHECK_OK(wf_sys_close(fd));
    return 0;
}

TEST(test_Z05_files_are_read_if_that_is_allowed)
{
    weft_sim_options options = {.short_ppm = WEFT_SIM_NEVER};
    void *path = (void *)(uintptr_t)test_source("tests/core/sim_test.c");
    CHECK_EQ(weft_sim_run_with(&options, read_own_source, path), -ENOENT);
    options.allow = WEFT_SIM_ALLOW_FILES;
    CHECK_OK(weft_sim_run_with(&options, read_own_source, path));
}
