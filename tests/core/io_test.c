/* SPDX-License-Identifier: MIT */

/* Rules I and C at plain descriptors. */

#include "harness/harness.h"

#include <weft.h>

#include "base/sys.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

static void make_pair(int out[2])
{
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, out));
}

struct io {
    int fd;
    char buf[16];
    int rc;
};

static int read_body(void *arg)
{
    struct io *io = arg;
    return (int)weft_read(io->fd, io->buf, sizeof io->buf);
}

static int wait_body(void *arg)
{
    struct io *io = arg;
    return weft_wait_fd(io->fd, POLLIN);
}

static int accept_body(void *arg)
{
    struct io *io = arg;
    return weft_accept(io->fd);
}

static int write_all_body(void *arg)
{
    struct io *io = arg;
    static char block[1024 * 1024];
    int rc = (int)weft_write_all(io->fd, block, sizeof block);
    io->rc = (int)weft_progress();
    return rc;
}

TASK_TEST(io_read_and_write_meet_in_a_socket)
{
    int pair[2];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    weft_task reader = weft_spawn(read_body, &io);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_write(pair[1], "h", 1), 1);
    CHECK_EQ(weft_await(reader), 1);
    CHECK_BYTES(io.buf, 1, "h", 1);
    CHECK_EQ(weft_write(pair[1], "", 0), 0);
    CHECK_OK(weft_close(pair[1]));
    CHECK_EQ(weft_read(pair[0], io.buf, 5), 0);
    CHECK_EQ(weft_write(pair[0], "x", 1), -EPIPE);
    CHECK_OK(weft_close(pair[0]));
    CHECK_EQ(weft_close(pair[0]), -EBADF);
    CHECK_EQ(weft_close(-1), -EBADF);
    CHECK_EQ(weft_read(-1, io.buf, 1), -EBADF);
}

TASK_TEST(test_I09_a_reader_that_does_not_read_stops_the_writer)
{
    int pair[2];
    make_pair(pair);
    struct io io = {.fd = pair[1]};
    weft_task writer = weft_spawn(write_all_body, &io);
    size_t held = live_bytes();
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_done(writer, NULL), 0);
    if (!test_is_simulated()) /* which has the kernel's buffers in our memory */
        CHECK_LE(live_bytes(), held + 64 * 1024);
    static char block[64 * 1024];
    size_t total = 0;
    for (ssize_t got; total < 1024 * 1024; total += (size_t)got) {
        got = weft_read(pair[0], block, sizeof block);
        CHECK_GT(got, 0);
    }
    CHECK_OK(weft_await(writer));
    CHECK_EQ(io.rc, 1024 * 1024);
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(wait_fd_tells_how_a_socket_ends)
{
    int pair[2];
    char byte;
    make_pair(pair);
    CHECK_EQ(weft_wait_fd(pair[0], POLLIN | POLLOUT), POLLOUT);
    CHECK_EQ(weft_write(pair[1], "x", 1), 1);
    CHECK_EQ(weft_wait_fd(pair[0], POLLIN), POLLIN);
    CHECK_OK(wf_sys_shutdown(pair[1], SHUT_WR));
    CHECK_EQ(weft_wait_fd(pair[0], POLLRDHUP), POLLRDHUP);
    CHECK_EQ(weft_wait_fd(pair[0], POLLIN | POLLRDHUP), POLLIN | POLLRDHUP);
    CHECK_EQ(weft_read(pair[0], &byte, 1), 1);
    CHECK_EQ(weft_read(pair[0], &byte, 1), 0);
    CHECK_EQ(weft_write(pair[0], "y", 1), 1); /* the other way stays */
    CHECK_EQ(weft_read(pair[1], &byte, 1), 1);
    CHECK_OK(wf_sys_shutdown(pair[0], SHUT_WR));
    CHECK_EQ(weft_wait_fd(pair[0], POLLIN) & POLLHUP, POLLHUP);
    CHECK_OK(weft_close(pair[0]));
    CHECK_EQ(weft_wait_fd(pair[1], 0), POLLHUP);
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(wait_fd_tells_how_a_pipe_ends)
{
    int ends[2];
    CHECK_OK(weft_platform_get()->pipe(ends));
    CHECK_EQ(weft_wait_fd(ends[1], POLLOUT), POLLOUT);
    CHECK_OK(weft_close(ends[1]));
    CHECK_EQ(weft_wait_fd(ends[0], POLLIN), POLLHUP);
    CHECK_OK(weft_close(ends[0]));

    CHECK_OK(weft_platform_get()->pipe(ends));
    CHECK_OK(weft_close(ends[0]));
    CHECK_EQ(weft_wait_fd(ends[1], POLLOUT), POLLOUT | POLLERR);
    CHECK_EQ(weft_write(ends[1], "x", 1), -EPIPE);
    CHECK_OK(weft_close(ends[1]));
}

/* The writer waits for room that will never be.  (Linux tells epoll nothing when a Unix socket's
 * peer shuts only its reading side.) */
TASK_TEST(io_a_writer_learns_that_its_peer_has_shut_down)
{
    int pair[2];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    weft_task writer = weft_spawn(write_all_body, &io);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_done(writer, NULL), 0);
    CHECK_OK(wf_sys_shutdown(pair[1], SHUT_RDWR));
    CHECK_EQ(weft_await(writer), -EPIPE);
    CHECK_GT(io.rc, 0);
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(io_write_all_goes_on_until_all_is_written)
{
    int pair[2];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    char *got = malloc(1024 * 1024);
    CHECK(got != NULL);
    weft_task writer = weft_spawn(write_all_body, &io);
    size_t total = 0;
    while (total < 1024 * 1024) {
        ssize_t count = weft_read(pair[1], got, 1024 * 1024);
        CHECK_GT(count, 0);
        total += (size_t)count;
    }
    CHECK_EQ(weft_await(writer), 1024 * 1024);
    CHECK_EQ(io.rc, 1024 * 1024);
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
    free(got);
}

TASK_TEST(test_C02_a_cancelled_task_touches_no_descriptor)
{
    int pair[2];
    char buf[8];
    make_pair(pair);
    CHECK_EQ(weft_write(pair[0], "d", 1), 1);
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "test");
    CHECK_EQ(weft_read(pair[1], buf, 8), -ECANCELED);
    CHECK_EQ(weft_write(pair[1], "x", 1), -ECANCELED);
    CHECK_EQ(weft_write_all(pair[1], "x", 1), -ECANCELED);
    CHECK_EQ(weft_progress(), 0u);
    CHECK_EQ(weft_wait_fd(pair[1], POLLIN), -ECANCELED);
    CHECK_OK(weft_scope_close(&scope, -ECANCELED));
    CHECK_EQ(weft_read(pair[1], buf, 8), 1);
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
}

static int body_sets_progress(void *arg)
{
    (void)arg;
    weft_progress_set(7);
    return (int)weft_progress();
}

static int body_gets_progress(void *arg)
{
    (void)arg;
    return (int)weft_progress();
}

/* The second may well have the stack of the first. */
TASK_TEST(test_C04_progress_is_the_tasks_own)
{
    CHECK_EQ(weft_await(weft_spawn(body_sets_progress, NULL)), 7);
    CHECK_EQ(weft_await(weft_spawn(body_gets_progress, NULL)), 0);
}

TASK_TEST(test_C03_a_blocked_read_ends_when_it_is_cancelled)
{
    int pair[2];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    weft_fn *const bodies[] = {read_body, wait_body};
    for (int i = 0; i < 2; i++) {
        weft_task task = weft_spawn(bodies[i], &io);
        CHECK_OK(weft_sleep(WEFT_MS));
        weft_cancel(task, "test");
        CHECK_EQ(weft_await(task), -ECANCELED);
    }
    CHECK_EQ(weft_write(pair[1], "x", 1), 1);
    CHECK_EQ(weft_read(pair[0], io.buf, 8), 1); /* nothing was lost */
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(test_C04_write_all_that_is_cancelled_tells_how_far_it_got)
{
    int pair[2];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    char *got = malloc(1024 * 1024);
    CHECK(got != NULL);
    weft_task writer = weft_spawn(write_all_body, &io);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_cancel(writer, "test");
    CHECK_EQ(weft_await(writer), -ECANCELED);
    CHECK_GT(io.rc, 0);
    CHECK_LT(io.rc, 1024 * 1024);
    CHECK_OK(weft_close(pair[0]));
    int total = 0;
    for (ssize_t count; (count = weft_read(pair[1], got, 1024 * 1024)) > 0;)
        total += (int)count;
    CHECK_EQ(total, io.rc);
    CHECK_OK(weft_close(pair[1]));
    free(got);
}

/* Bytes come, so many yields later a cancel: either it finds them read, and so they are told, or
 * they are still there. */
static void read_or_cancel(int yields)
{
    int pair[2];
    char buf[16];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    weft_task reader = weft_spawn(read_body, &io);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_write_all(pair[1], "hello", 5), 5);
    for (int i = 0; i < yields; i++)
        CHECK_OK(weft_yield());
    (void)weft_cancel(reader, "test");
    int rc = weft_await(reader);
    CHECK(rc == -ECANCELED || rc > 0);
    int rest = rc > 0 ? 5 - rc : 5;
    for (int got; rest > 0; rest -= got) {
        got = (int)weft_read(pair[0], buf, sizeof buf);
        CHECK_GT(got, 0);
    }
    CHECK_EQ(rest, 0);
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(test_I03_a_read_that_moved_bytes_returns_their_count_whenever_the_cancel_comes)
{
    for (int yields = 0; yields < 8; yields++)
        read_or_cancel(yields);
}

/* The reader takes some of it and then nothing more. */
TASK_TEST(test_I03_a_write_that_moved_bytes_returns_their_count_to_a_cancelled_task)
{
    int pair[2];
    static char block[1024 * 1024];
    make_pair(pair);
    ssize_t count = weft_write(pair[1], block, sizeof block);
    CHECK_GT(count, 0);
    (void)weft_cancel(weft_self(), "after");
    CHECK_EQ(weft_write(pair[1], block, 1), -ECANCELED);
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(test_I04_a_second_reading_task_of_a_descriptor_is_busy)
{
    int pair[2];
    make_pair(pair);
    struct io first = {.fd = pair[0]}, second = {.fd = pair[0]};
    weft_task reader = weft_spawn(read_body, &first);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_task other = weft_spawn(read_body, &second);
    CHECK_EQ(weft_await(other), -EBUSY);
    CHECK_EQ(weft_write(pair[1], "x", 1), 1);
    CHECK_EQ(weft_await(reader), 1);
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(test_I05_close_gives_those_who_wait_ebadf)
{
    int pair[2];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    weft_task reader = weft_spawn(read_body, &io);
    weft_task waiter = weft_spawn(wait_body, &io);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_OK(weft_close(pair[0]));
    CHECK_EQ(weft_await(reader), -EBADF);
    CHECK_EQ(weft_await(waiter), -EBADF);
    CHECK_OK(weft_close(pair[1]));
}

TASK_TEST(test_C10_close_releases_the_descriptor_in_a_cancelled_task)
{
    int pair[2];
    char buf[1];
    make_pair(pair);
    struct io io = {.fd = pair[0]};
    weft_task reader = weft_spawn(read_body, &io);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "test");
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_scope_close(&scope, -ECANCELED));
    CHECK_EQ(weft_await(reader), -EBADF);
    CHECK_EQ(weft_read(pair[1], buf, 1), 0);
    CHECK_OK(weft_close(pair[1]));
}

KERNEL_TASK_TEST(test_I08_descriptors_from_accept_are_close_on_exec)
{
    struct sockaddr_storage name = {.ss_family = AF_UNIX};
    struct io io = {.fd = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0)};
    CHECK_OK(io.fd);
    CHECK_OK(wf_sys_bind(io.fd, (struct sockaddr *)&name, sizeof(sa_family_t)));
    CHECK_OK(wf_sys_listen(io.fd, 1));
    socklen_t bytes = sizeof name;
    CHECK_OK(wf_sys_getsockname(io.fd, (struct sockaddr *)&name, &bytes));
    weft_task accepting = weft_spawn(accept_body, &io);
    int client = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_OK(wf_sys_connect(client, (struct sockaddr *)&name, bytes));
    int server = weft_await(accepting);
    CHECK_OK(server);
    CHECK(fcntl(server, F_GETFD) & FD_CLOEXEC);
    CHECK(fcntl(server, F_GETFL) & O_NONBLOCK);
    CHECK_OK(weft_close(server));
    CHECK_OK(weft_close(client));
    CHECK_OK(weft_close(io.fd));
}

TEST(io_outside_a_loop_says_so)
{
    char buf[1];
    CHECK_EQ(weft_read(0, buf, 1), -EPERM);
    CHECK_EQ(weft_write(1, buf, 0), -EPERM);
    CHECK_EQ(weft_wait_fd(0, POLLIN), -EPERM);
    CHECK_EQ(weft_progress(), 0u);
    int fd = dup(0);
    CHECK_OK(weft_close(fd));
    CHECK_EQ(fcntl(fd, F_GETFD), -1);
}

SCENARIO(io_moves_bytes_between_tasks)
{
    int pair[2], rc = wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, pair);
    if (rc < 0)
        return rc;
    struct io io = {.fd = pair[0]};
    {
        WEFT_TIMEOUT(limit, WEFT_SEC);
        WEFT_GROUP(group);
        rc = weft_group_spawn(group, read_body, &io);
        if (rc == 0)
            rc = (int)weft_write_all(pair[1], "hello", 5);
        int waited = weft_group_wait(group);
        rc = rc < 0 ? rc : waited;
    }
    int closed = weft_close(pair[0]);
    int other = weft_close(pair[1]);
    return rc < 0 ? rc : closed < 0 ? closed : other;
}
