/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include "core/loop/loop_priv.h"

#include <weft.h>
#include <weft/interpose.h>

#include <arpa/inet.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <unistd.h>

/* Real descriptors are not in the simulated world. */
static bool has_descriptors(void)
{
    return strcmp(test_backend(), "sim") != 0;
}

#define BIG_BYTES ((size_t)1 << 20)

static char pattern(size_t at)
{
    return (char)(at * 7 + (at >> 9));
}

static char *pattern_new(size_t bytes)
{
    char *data = malloc(bytes);
    CHECK(data != NULL);
    for (size_t i = 0; i < bytes; i++)
        data[i] = pattern(i);
    return data;
}

static size_t first_wrong(const char *data, size_t bytes)
{
    size_t at = 0;
    while (at < bytes && data[at] == pattern(at))
        at++;
    return at;
}

/* A descriptor and what goes over it. */
struct end {
    int fd;
    char *data;
    size_t bytes;
    int steps; /* of a task beside */
};

static int write_later(void *arg)
{
    const struct end *end = arg;
    WEFT_TRY(weft_sleep(WEFT_MS));
    return write(end->fd, "later", 5) == 5 ? 0 : -errno;
}

static int write_big(void *arg)
{
    const struct end *end = arg;
    ssize_t count = write(end->fd, end->data, end->bytes);
    CHECK_EQ(count, end->bytes);
    return 0;
}

static int send_big(void *arg)
{
    const struct end *end = arg;
    CHECK_EQ(send(end->fd, end->data, end->bytes, MSG_NOSIGNAL), end->bytes);
    return 0;
}

static int writev_big(void *arg)
{
    const struct end *end = arg;
    struct iovec parts[4];
    size_t half = end->bytes / 2; /* what is taken at once ends in the third part */
    parts[0] = (struct iovec){end->data, 1000};
    parts[1] = (struct iovec){NULL, 0};
    parts[2] = (struct iovec){end->data + 1000, half};
    parts[3] = (struct iovec){end->data + 1000 + half, end->bytes - 1000 - half};
    CHECK_EQ(writev(end->fd, parts, 4), end->bytes);
    return 0;
}

/* All that comes, by read(). */
static size_t read_all(int fd, char *out, size_t bytes)
{
    size_t done = 0;
    for (ssize_t got; done < bytes && (got = read(fd, out + done, bytes - done)) > 0;)
        done += (size_t)got;
    return done;
}

static void check_passes(int from, int to, weft_fn *body)
{
    char *data = pattern_new(BIG_BYTES), *got = calloc(1, BIG_BYTES);
    struct end end = {.fd = from, .data = data, .bytes = BIG_BYTES};
    weft_task writer = weft_spawn(body, &end);
    CHECK_EQ(read_all(to, got, BIG_BYTES), BIG_BYTES);
    CHECK_OK(weft_await(writer));
    CHECK_EQ(first_wrong(got, BIG_BYTES), BIG_BYTES);
    free(data);
    free(got);
}

static void close_both(const int ends[2])
{
    CHECK_EQ(close(ends[0]), 0);
    CHECK_EQ(close(ends[1]), 0);
}

TASK_TEST(reading_an_empty_pipe_waits_as_a_task)
{
    int ends[2];
    char buf[16];
    weft_interpose_stats stats;
    if (!has_descriptors())
        return;
    CHECK_EQ(pipe(ends), 0);
    struct end end = {.fd = ends[1]};
    weft_task writer = weft_spawn(write_later, &end);
    CHECK_EQ(read(ends[0], buf, sizeof buf), 5);
    CHECK_BYTES(buf, 5, "later", 5);
    CHECK_OK(weft_await(writer));
    weft_interpose_stats_get(&stats);
    CHECK_EQ(stats.waits, 1);
    CHECK_EQ(close(ends[1]), 0);
    CHECK_EQ(read(ends[0], buf, sizeof buf), 0);
    CHECK_EQ(close(ends[0]), 0);
    CHECK_EQ(read(ends[0], buf, sizeof buf), -1);
    CHECK_EQ(errno, EBADF);
}

TASK_TEST(a_write_that_blocks_returns_when_all_is_written)
{
    int ends[2];
    if (!has_descriptors())
        return;
    CHECK_EQ(pipe(ends), 0);
    check_passes(ends[1], ends[0], write_big);
    check_passes(ends[1], ends[0], writev_big);
    close_both(ends);
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    check_passes(ends[1], ends[0], write_big);
    check_passes(ends[0], ends[1], send_big);
    check_passes(ends[1], ends[0], writev_big);
    close_both(ends);
}

TASK_TEST(waitall_waits_for_all_and_dontwait_for_none)
{
    int ends[2];
    char *data = pattern_new(BIG_BYTES), *got = calloc(1, BIG_BYTES);
    if (!has_descriptors())
        goto out;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_EQ(recv(ends[0], got, 1, MSG_DONTWAIT), -1);
    CHECK_EQ(errno, EAGAIN);
    struct end end = {.fd = ends[1], .data = data, .bytes = BIG_BYTES};
    weft_task writer = weft_spawn(send_big, &end);
    CHECK_EQ(recv(ends[0], got, BIG_BYTES, MSG_WAITALL), BIG_BYTES);
    CHECK_OK(weft_await(writer));
    CHECK_EQ(first_wrong(got, BIG_BYTES), BIG_BYTES);
    CHECK_EQ(send(ends[1], "tail", 4, 0), 4);
    CHECK_EQ(close(ends[1]), 0);
    CHECK_EQ(recv(ends[0], got, 100, MSG_WAITALL), 4);
    CHECK_EQ(recv(ends[0], got, 100, MSG_WAITALL), 0);
    CHECK_EQ(close(ends[0]), 0);
out:
    free(data);
    free(got);
}

TASK_TEST(messages_and_vectors_are_received)
{
    int ends[2];
    char a[4], b[16];
    if (!has_descriptors())
        return;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_DGRAM, 0, ends), 0);
    struct end end = {.fd = ends[1]};
    struct iovec parts[] = {{a, 2}, {b, sizeof b}};
    weft_task writer = weft_spawn(write_later, &end);
    CHECK_EQ(readv(ends[0], parts, 2), 5);
    CHECK_BYTES(a, 2, "la", 2);
    CHECK_BYTES(b, 3, "ter", 3);
    CHECK_OK(weft_await(writer));

    struct mmsghdr messages[2] = {{.msg_hdr = {.msg_iov = &parts[1], .msg_iovlen = 1}}};
    memcpy(b, "0123456789abcdef", 16);
    CHECK_EQ(sendmmsg(ends[1], messages, 1, 0), 1);
    CHECK_EQ(messages[0].msg_len, 16);
    memset(b, 0, sizeof b);
    CHECK_EQ(recvmmsg(ends[0], messages, 1, 0, NULL), 1);
    CHECK_EQ(messages[0].msg_len, 16);
    CHECK_BYTES(b, 16, "0123456789abcdef", 16);
    close_both(ends);
}

static int count_steps(void *arg)
{
    struct end *end = arg;
    for (;;) {
        end->steps++;
        WEFT_TRY(weft_yield());
    }
}

TASK_TEST(a_descriptor_that_does_not_block_says_so_at_once)
{
    int ends[2];
    char buf[4096] = {0};
    if (!has_descriptors())
        return;
    struct end end = {.steps = 0};
    weft_task beside = weft_spawn(count_steps, &end);
    for (int kind = 0; kind < 2; kind++) {
        CHECK_EQ(kind == 0 ? pipe2(ends, O_NONBLOCK)
                           : socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, ends),
                 0);
        CHECK_EQ(read(ends[0], buf, sizeof buf), -1);
        CHECK_EQ(errno, EAGAIN);
        ssize_t count = 1;
        for (int i = 0; i < 100 && count > 0; i++)
            count = write(ends[1], buf, sizeof buf);
        CHECK_EQ(count, -1);
        CHECK_EQ(errno, EAGAIN);
        CHECK_EQ(end.steps, 0); /* nobody ran meanwhile */
        close_both(ends);
    }
    weft_cancel(beside, NULL);
    CHECK_EQ(weft_await(beside), -ECANCELED);
}

TASK_TEST(a_socket_time_limit_ends_the_wait)
{
    int ends[2];
    char *data = pattern_new(BIG_BYTES);
    struct timeval limit = {.tv_sec = 2, .tv_usec = 500000};
    if (!has_descriptors())
        goto out;
    CHECK_EQ(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
    CHECK_EQ(setsockopt(ends[0], SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit), 0);
    CHECK_EQ(setsockopt(ends[0], SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof limit), 0);
    weft_time begin = weft_now();
    CHECK_EQ(read(ends[0], data, 1), -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(weft_now() - begin, 2500 * WEFT_MS);
    ssize_t count = send(ends[0], data, BIG_BYTES, 0); /* what there was room for */
    CHECK_GT(count, 0);
    CHECK_LT(count, BIG_BYTES);
    CHECK_EQ(weft_now() - begin, 5000 * WEFT_MS);
    CHECK_EQ(send(ends[0], data, BIG_BYTES, 0), -1);
    CHECK_EQ(errno, EAGAIN);
    close_both(ends);
out:
    free(data);
}

/* ---- cancel ---- */

TASK_TEST(cancelled_it_fails_with_ecanceled_until_the_scope_is_left)
{
    int ends[2];
    char byte;
    if (!has_descriptors())
        return;
    CHECK_EQ(pipe(ends), 0);
    {
        WEFT_TIMEOUT(limit, WEFT_MS);
        for (int i = 0; i < 3; i++) {
            errno = 0;
            CHECK_EQ(read(ends[0], &byte, 1), -1);
            CHECK_EQ(errno, ECANCELED);
        }
        CHECK_EQ(write(ends[1], "x", 1), 1); /* need not wait */
        CHECK_EQ(read(ends[0], &byte, 1), 1);
        CHECK_EQ(weft_scope_close(&limit, -ECANCELED), -ETIMEDOUT);
    }
    struct end end = {.fd = ends[1]};
    weft_task writer = weft_spawn(write_later, &end);
    CHECK_EQ(read(ends[0], &byte, 1), 1);
    CHECK_OK(weft_await(writer));
    close_both(ends);
}

TASK_TEST(what_was_sent_before_a_cancel_is_returned)
{
    int ends[2];
    char *data = pattern_new(BIG_BYTES);
    if (!has_descriptors())
        goto out;
    for (int kind = 0; kind < 2; kind++) {
        CHECK_EQ(kind == 0 ? pipe(ends) : socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
        WEFT_TIMEOUT(limit, WEFT_MS);
        ssize_t count = write(ends[1], data, BIG_BYTES);
        CHECK_GT(count, 0);
        CHECK_LT(count, BIG_BYTES);
        CHECK_EQ(write(ends[1], data, BIG_BYTES), -1);
        CHECK_EQ(errno, ECANCELED);
        CHECK_EQ(weft_scope_close(&limit, -ECANCELED), -ETIMEDOUT);
        close_both(ends);
    }
out:
    free(data);
}

/* ---- connections ---- */

static int listen_on_loopback(struct sockaddr_in *out)
{
    socklen_t bytes = sizeof *out;
    *out = (struct sockaddr_in){.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(bind(fd, (struct sockaddr *)out, bytes));
    CHECK_OK(listen(fd, 8));
    CHECK_OK(getsockname(fd, (struct sockaddr *)out, &bytes));
    return fd;
}

static int accept_and_greet(void *arg)
{
    const struct end *end = arg;
    struct sockaddr_in peer;
    socklen_t bytes = sizeof peer;
    int fd = accept(end->fd, (struct sockaddr *)&peer, &bytes);
    CHECK_OK(fd);
    CHECK_EQ(peer.sin_addr.s_addr, htonl(INADDR_LOOPBACK));
    CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0); /* as without us */
    CHECK_EQ(fcntl(end->fd, F_GETFL) & O_NONBLOCK, 0);
    CHECK_EQ(send(fd, "hello", 5, 0), 5);
    CHECK_EQ(close(fd), 0);
    return 0;
}

TASK_TEST(connect_and_accept_wait_as_tasks)
{
    struct sockaddr_in addr;
    char buf[8];
    if (!has_descriptors())
        return;
    struct end end = {.fd = listen_on_loopback(&addr)};
    weft_task server = weft_spawn(accept_and_greet, &end);
    CHECK_OK(weft_yield());
    int fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(connect(fd, (struct sockaddr *)&addr, sizeof addr));
    CHECK_EQ(fcntl(fd, F_GETFL) & O_NONBLOCK, 0);
    CHECK_EQ(recv(fd, buf, sizeof buf, 0), 5);
    CHECK_OK(weft_await(server));
    CHECK_EQ(close(fd), 0);
    CHECK_EQ(close(end.fd), 0);

    fd = socket(AF_INET, SOCK_STREAM, 0);
    CHECK_EQ(connect(fd, (struct sockaddr *)&addr, sizeof addr), -1);
    CHECK_EQ(errno, ECONNREFUSED);
    CHECK_EQ(close(fd), 0);
}

TASK_TEST(accept_has_a_time_limit_and_can_be_cancelled)
{
    struct sockaddr_in addr;
    struct timeval limit = {.tv_sec = 1};
    if (!has_descriptors())
        return;
    int fd = listen_on_loopback(&addr);
    WEFT_TIMEOUT(scope, WEFT_MS);
    CHECK_EQ(accept(fd, NULL, NULL), -1);
    CHECK_EQ(errno, ECANCELED);
    CHECK_EQ(weft_scope_close(&scope, -ECANCELED), -ETIMEDOUT);
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof limit));
    weft_time begin = weft_now();
    CHECK_EQ(accept(fd, NULL, NULL), -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(weft_now() - begin, WEFT_SEC);
    CHECK_EQ(close(fd), 0);
}

static int accept_later(void *arg)
{
    const struct end *end = arg;
    WEFT_TRY(weft_sleep(10 * WEFT_MS));
    int fd = accept(end->fd, NULL, NULL);
    CHECK_OK(fd);
    return close(fd);
}

TASK_TEST(connect_waits_for_room_in_a_unix_listener)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    socklen_t bytes = sizeof(sa_family_t); /* the kernel chooses an abstract name */
    int fds[3];
    if (!has_descriptors())
        return;
    struct end end = {.fd = socket(AF_UNIX, SOCK_STREAM, 0)};
    CHECK_OK(bind(end.fd, (struct sockaddr *)&addr, bytes));
    bytes = sizeof addr;
    CHECK_OK(getsockname(end.fd, (struct sockaddr *)&addr, &bytes));
    CHECK_OK(listen(end.fd, 0));
    weft_task server = weft_spawn(accept_later, &end);
    for (int i = 0; i < 2; i++) {
        fds[i] = socket(AF_UNIX, SOCK_STREAM, 0);
        CHECK_OK(connect(fds[i], (struct sockaddr *)&addr, bytes));
    }
    CHECK_OK(weft_await(server)); /* the second came in behind the first */
    close_both(fds);
    CHECK_EQ(close(end.fd), 0);
}

TASK_TEST(a_number_that_is_used_again_is_waited_for_anew)
{
    char byte;
    if (!has_descriptors())
        return;
    for (int round = 0; round < 3; round++) {
        int ends[2];
        CHECK_EQ(pipe(ends), 0);
        struct end end = {.fd = ends[1]};
        weft_task writer = weft_spawn(write_later, &end);
        weft_time begin = weft_now();
        CHECK_EQ(read(ends[0], &byte, 1), 1);
        CHECK_EQ(weft_now() - begin, WEFT_MS);
        CHECK_OK(weft_await(writer));
        CHECK(wf_fd_find(weft_loop_self(), ends[0]) != NULL);
        close_both(ends);
        CHECK(wf_fd_find(weft_loop_self(), ends[0]) == NULL); /* the loop has heard of it */
    }
}

static int read_byte(void *arg)
{
    const struct end *end = arg;
    char byte;
    CHECK_EQ(read(end->fd, &byte, 1), -1);
    CHECK_EQ(errno, EBADF);
    return 0;
}

TASK_TEST(close_ends_the_waits_of_other_tasks)
{
    int ends[2];
    if (!has_descriptors())
        return;
    CHECK_EQ(pipe(ends), 0);
    struct end end = {.fd = ends[0]};
    weft_task reader = weft_spawn(read_byte, &end);
    CHECK_OK(weft_yield());
    close_both(ends);
    CHECK_OK(weft_await(reader));
}

static int close_one(void *arg)
{
    return close(((const struct end *)arg)->fd);
}

TASK_TEST(of_numbers_that_are_closed_at_one_time_the_loop_hears_of_each_again)
{
    int ends[2][2];
    struct end closed[2];
    weft_task readers[2], closers[2];
    if (!has_descriptors())
        return;
    for (int i = 0; i < 2; i++) {
        CHECK_EQ(pipe(ends[i]), 0);
        closed[i].fd = ends[i][0];
        readers[i] = weft_spawn(read_byte, &closed[i]);
    }
    CHECK_OK(weft_yield());
    for (int i = 0; i < 2; i++)
        closers[i] = weft_spawn(close_one, &closed[i]);
    CHECK_OK(weft_gather(readers[0], readers[1], closers[0], closers[1]));
    for (int i = 0; i < 2; i++) { /* used again, with the same writer */
        int again[2];
        CHECK_EQ(pipe(again), 0);
        if (again[0] != closed[i].fd) {
            CHECK_EQ(dup2(again[0], closed[i].fd), closed[i].fd);
            CHECK_EQ(close(again[0]), 0);
        }
        weft_task reader = weft_spawn(read_byte, &closed[i]);
        CHECK_OK(weft_yield());
        CHECK_EQ(close(closed[i].fd), 0);
        CHECK(wf_fd_find(weft_loop_self(), closed[i].fd) == NULL);
        CHECK_OK(weft_await(reader));
        CHECK_EQ(close(again[1]), 0);
        CHECK_EQ(close(ends[i][1]), 0);
    }
}

TASK_TEST(a_queue_of_errors_is_not_waited_for)
{
    char byte;
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct msghdr message = {.msg_iov = &part, .msg_iovlen = 1};
    if (!has_descriptors())
        return;
    int fd = socket(AF_INET, SOCK_DGRAM, 0);
    CHECK_OK(fd);
    CHECK_EQ(recvmsg(fd, &message, MSG_ERRQUEUE), -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(recv(fd, &byte, 1, MSG_ERRQUEUE), -1);
    CHECK_EQ(errno, EAGAIN);
    CHECK_EQ(close(fd), 0);
}

TASK_TEST(a_regular_file_is_read_and_written_as_ever)
{
    char path[] = "/tmp/weft-interpose-XXXXXX", buf[32];
    char *data = pattern_new(BIG_BYTES);
    if (!has_descriptors())
        goto out;
    int fd = mkstemp(path);
    CHECK_OK(fd);
    CHECK_OK(unlink(path));
    CHECK_EQ(write(fd, data, BIG_BYTES), BIG_BYTES);
    CHECK_EQ(lseek(fd, 0, SEEK_SET), 0);
    CHECK_EQ(read(fd, buf, sizeof buf), sizeof buf);
    CHECK_EQ(first_wrong(buf, sizeof buf), sizeof buf);
    CHECK_EQ(close(fd), 0);
out:
    free(data);
}
