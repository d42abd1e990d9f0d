/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include <weft.h>
#include <weft/interpose.h>

#include <poll.h>
#include <sys/epoll.h>
#include <sys/select.h>
#include <time.h>
#include <unistd.h>

static bool has_descriptors(void)
{
    return strcmp(test_backend(), "sim") != 0;
}

static int write_later(void *arg)
{
    WEFT_TRY(weft_sleep(5 * WEFT_MS));
    return write(*(const int *)arg, "x", 1) == 1 ? 0 : -errno;
}

#define PIPE_COUNT 20 /* more than fit on the stack of a wait */

struct pipes {
    int ends[PIPE_COUNT][2];
};

static void pipes_open(struct pipes *pipes)
{
    for (int i = 0; i < PIPE_COUNT; i++)
        CHECK_OK(pipe(pipes->ends[i]));
}

static void pipes_close(const struct pipes *pipes)
{
    for (int i = 0; i < PIPE_COUNT; i++) {
        CHECK_OK(close(pipes->ends[i][0]));
        CHECK_OK(close(pipes->ends[i][1]));
    }
}

TASK_TEST(poll_waits_for_the_first_of_many)
{
    struct pipes pipes;
    struct pollfd entries[PIPE_COUNT];
    if (!has_descriptors())
        return;
    pipes_open(&pipes);
    for (int count = 1; count <= PIPE_COUNT; count += 6) {
        for (int i = 0; i < count; i++)
            entries[i] = (struct pollfd){.fd = pipes.ends[i][0], .events = POLLIN};
        if (count > 2)
            entries[0].fd = -1; /* does not count */
        weft_task writer = weft_spawn(write_later, &pipes.ends[count - 1][1]);
        weft_time begin = weft_now();
        CHECK_EQ(poll(entries, (nfds_t)count, 1000), 1);
        CHECK_EQ(weft_now() - begin, 5 * WEFT_MS);
        CHECK_EQ(entries[count - 1].revents, POLLIN);
        CHECK_EQ(entries[count - 1].fd, pipes.ends[count - 1][0]);
        CHECK_OK(weft_await(writer));
        char byte;
        CHECK_EQ(read(pipes.ends[count - 1][0], &byte, 1), 1);
    }
    pipes_close(&pipes);
}

TASK_TEST(poll_ends_at_its_timeout_or_at_once)
{
    struct pipes pipes;
    if (!has_descriptors())
        return;
    pipes_open(&pipes);
    struct pollfd entries[2] = {{.fd = pipes.ends[0][0], .events = POLLIN},
                                {.fd = pipes.ends[1][0], .events = POLLIN}};
    const struct timespec limit = {.tv_sec = 1, .tv_nsec = 500};
    weft_time begin = weft_now();
    CHECK_EQ(poll(entries, 1, 30), 0);
    CHECK_EQ(poll(entries, 2, 30), 0);
    CHECK_EQ(poll(NULL, 0, 40), 0);
    CHECK_EQ(weft_now() - begin, 100 * WEFT_MS);
    CHECK_EQ(ppoll(entries, 2, &limit, NULL), 0);
    CHECK_EQ(weft_now() - begin, 1100 * WEFT_MS + 500);
    CHECK_EQ(poll(entries, 2, 0), 0);
    CHECK_EQ(weft_now() - begin, 1100 * WEFT_MS + 500);
    entries[1].fd = 99999;
    CHECK_EQ(poll(entries, 2, -1), 1);
    CHECK_EQ(entries[1].revents, POLLNVAL);
    pipes_close(&pipes);
}

TASK_TEST(a_timeout_beyond_all_time_is_none_and_one_that_is_no_time_is_refused)
{
    const struct timespec endless = {.tv_sec = INT64_MAX / 2}, none = {.tv_nsec = WEFT_SEC};
    struct timeval before = {.tv_usec = -1};
    fd_set set;
    int ends[2];
    if (!has_descriptors())
        return;
    CHECK_OK(pipe(ends));
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    for (int i = 0; i < 3; i++) {
        struct timeval left = {.tv_sec = INT64_MAX / 2};
        char byte;
        weft_task writer = weft_spawn(write_later, &ends[1]);
        FD_ZERO(&set);
        FD_SET(ends[0], &set);
        CHECK_EQ(i == 0   ? ppoll(&entry, 1, &endless, NULL)
                 : i == 1 ? pselect(ends[0] + 1, &set, NULL, NULL, &endless, NULL)
                          : select(ends[0] + 1, &set, NULL, NULL, &left),
                 1);
        CHECK_OK(weft_await(writer));
        CHECK_EQ(read(ends[0], &byte, 1), 1);
    }
    CHECK_EQ(ppoll(&entry, 1, &none, NULL), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(pselect(ends[0] + 1, &set, NULL, NULL, &none, NULL), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_EQ(select(ends[0] + 1, &set, NULL, NULL, &before), -1);
    CHECK_EQ(errno, EINVAL);
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
}

TASK_TEST(poll_can_be_cancelled)
{
    int ends[2];
    if (!has_descriptors())
        return;
    CHECK_OK(pipe(ends));
    struct pollfd entries[2] = {{.fd = ends[0], .events = POLLIN},
                                {.fd = ends[0], .events = POLLPRI}};
    for (nfds_t count = 0; count <= 2; count++) {
        WEFT_TIMEOUT(limit, WEFT_MS);
        CHECK_EQ(poll(entries, count, -1), -1);
        CHECK_EQ(errno, ECANCELED);
        CHECK_EQ(weft_scope_close(&limit, -ECANCELED), -ETIMEDOUT);
    }
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
}

TASK_TEST(select_keeps_what_has_come)
{
    struct pipes pipes;
    fd_set to_read, to_write;
    struct timeval limit = {.tv_sec = 10};
    if (!has_descriptors())
        return;
    pipes_open(&pipes);
    FD_ZERO(&to_read);
    for (int i = 0; i < PIPE_COUNT; i++)
        FD_SET(pipes.ends[i][0], &to_read);
    weft_task writer = weft_spawn(write_later, &pipes.ends[7][1]);
    int top = pipes.ends[PIPE_COUNT - 1][1] + 1;
    CHECK_EQ(select(top, &to_read, NULL, NULL, &limit), 1);
    CHECK_OK(weft_await(writer));
    for (int i = 0; i < PIPE_COUNT; i++)
        CHECK_EQ(FD_ISSET(pipes.ends[i][0], &to_read) != 0, i == 7);
    CHECK_EQ(limit.tv_sec * WEFT_SEC + limit.tv_usec * WEFT_US, 9995 * WEFT_MS);

    FD_ZERO(&to_write);
    FD_SET(pipes.ends[0][1], &to_write);
    FD_SET(pipes.ends[7][0], &to_read);
    CHECK_EQ(select(top, &to_read, &to_write, NULL, NULL), 2);
    CHECK(FD_ISSET(pipes.ends[0][1], &to_write));

    const struct timespec short_limit = {.tv_nsec = 1000000};
    FD_ZERO(&to_read);
    FD_SET(pipes.ends[0][0], &to_read);
    CHECK_EQ(pselect(top, &to_read, NULL, NULL, &short_limit, NULL), 0);
    CHECK(!FD_ISSET(pipes.ends[0][0], &to_read));
    limit = (struct timeval){.tv_usec = 7000};
    weft_time begin = weft_now();
    CHECK_EQ(select(0, NULL, NULL, NULL, &limit), 0);
    CHECK_EQ(weft_now() - begin, 7 * WEFT_MS);
    CHECK_EQ(limit.tv_usec, 0);
    pipes_close(&pipes);
    FD_ZERO(&to_read);
    FD_SET(1000, &to_read);
    CHECK_EQ(select(1001, &to_read, NULL, NULL, NULL), -1);
    CHECK_EQ(errno, EBADF);
}

TASK_TEST(a_foreign_epoll_loop_waits_as_a_task)
{
    int ends[2];
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = 42};
    if (!has_descriptors())
        return;
    CHECK_OK(pipe(ends));
    int epoll_fd = epoll_create1(EPOLL_CLOEXEC);
    CHECK_OK(epoll_ctl(epoll_fd, EPOLL_CTL_ADD, ends[0], &event));
    weft_time begin = weft_now();
    CHECK_EQ(epoll_wait(epoll_fd, &event, 1, 20), 0);
    CHECK_EQ(weft_now() - begin, 20 * WEFT_MS);
    weft_task writer = weft_spawn(write_later, &ends[1]);
    CHECK_EQ(epoll_wait(epoll_fd, &event, 1, -1), 1);
    CHECK_EQ(event.data.u32, 42);
    CHECK_OK(weft_await(writer));
    CHECK_OK(close(epoll_fd));
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
}

/* ---- sleeping, in the simulated world too ---- */

TASK_TEST(sleeping_takes_no_real_time)
{
    weft_time begin = weft_now();
    const struct timespec time = {.tv_sec = 3600, .tv_nsec = 1};
    CHECK_EQ(sleep(3600), 0);
    CHECK_EQ(weft_now() - begin, 3600 * WEFT_SEC);
    CHECK_EQ(usleep(5), 0);
    CHECK_EQ(nanosleep(&time, NULL), 0);
    CHECK_EQ(weft_now() - begin, 7200 * WEFT_SEC + 5001);
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, 0, &time, NULL), 0);
    CHECK_EQ(weft_now() - begin, 10800 * WEFT_SEC + 5002);
    struct timespec then;
    CHECK_OK(clock_gettime(CLOCK_MONOTONIC, &then)); /* the real one: an hour from now */
    then.tv_sec += 3600;
    CHECK_EQ(clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &then, NULL), 0);
    weft_time slept = weft_now() - begin - 10800 * WEFT_SEC;
    CHECK_GT(slept, 3500 * WEFT_SEC);
    CHECK_LT(slept, 3601 * WEFT_SEC);
    const struct timespec bad = {.tv_nsec = -1};
    CHECK_EQ(nanosleep(&bad, NULL), -1);
    CHECK_EQ(errno, EINVAL);
}

TASK_TEST(a_cancelled_sleep_says_what_was_left)
{
    struct timespec time = {.tv_sec = 10, .tv_nsec = 0}, left = {0};
    WEFT_TIMEOUT(limit, 2500 * WEFT_MS);
    CHECK_EQ(nanosleep(&time, &left), -1);
    CHECK_EQ(errno, ECANCELED);
    CHECK_EQ(left.tv_sec * WEFT_SEC + left.tv_nsec, 7500 * WEFT_MS);
    CHECK_EQ(sleep(10), 10);
    errno = 0;
    CHECK_EQ(clock_nanosleep(CLOCK_REALTIME, 0, &time, &left), ECANCELED);
    CHECK_EQ(errno, 0);
    CHECK_EQ(weft_scope_close(&limit, -ECANCELED), -ETIMEDOUT);
}

static int set_errno(void *arg)
{
    for (int i = 0; i < 10; i++) {
        errno = *(const int *)arg;
        CHECK_EQ(usleep(10), 0);
        CHECK_EQ(errno, *(const int *)arg);
    }
    return 0;
}

TASK_TEST(errno_is_the_tasks_own)
{
    int one = 1, two = 2;
    CHECK_OK(weft_gather(weft_spawn(set_errno, &one), weft_spawn(set_errno, &two)));
}

static int count_steps(void *arg)
{
    for (;;) {
        ++*(int *)arg;
        WEFT_TRY(weft_yield());
    }
}

TASK_TEST(who_finds_everything_ready_lets_others_run)
{
    int ends[2], steps = 0;
    if (!has_descriptors())
        return;
    CHECK_OK(pipe(ends));
    CHECK_EQ(write(ends[1], "x", 1), 1);
    weft_task beside = weft_spawn(count_steps, &steps);
    struct pollfd entry = {.fd = ends[0], .events = POLLIN};
    for (int i = 0; i < 1000; i++)
        CHECK_EQ(poll(&entry, 1, -1), 1);
    CHECK_GE(steps, 5);
    weft_cancel(beside, NULL);
    CHECK_EQ(weft_await(beside), -ECANCELED);
    CHECK_OK(close(ends[0]));
    CHECK_OK(close(ends[1]));
}
