/* SPDX-License-Identifier: MIT */

/* Listeners: shortage, sharing, Unix socket files, closing. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/sys/fault.h>
#include <weft/sys/stream.h>

#include "base/sys.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static weft_listener *listen_on(const char *text)
{
    weft_addr addr;
    weft_listener *listener;
    CHECK_OK(weft_addr_parse(&addr, text));
    CHECK_OK(weft_listener_open(&listener, &addr, NULL));
    return listener;
}

static bool is_simulated(void)
{
    return strcmp(test_backend(), "sim") == 0;
}

/* ---- closing ---- */

static int accept_one(void *arg)
{
    weft_stream *stream;
    int rc = weft_listener_accept(arg, &stream);
    if (rc == 0)
        rc = weft_stream_close(stream);
    return rc;
}

TASK_TEST(test_I05_close_of_a_listener_wakes_the_accepting_task)
{
    weft_listener *listener = listen_on("127.0.0.1:0");
    weft_task task = weft_spawn(accept_one, listener);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_stream *none;
    CHECK_EQ(weft_listener_accept(listener, &none), -EBUSY);
    weft_listener_close(listener);
    CHECK_EQ(weft_await(task), -EBADF);
}

TASK_TEST(listener_accept_that_is_cancelled_takes_no_connection)
{
    weft_listener *listener = listen_on("127.0.0.1:0");
    weft_task task = weft_spawn(accept_one, listener);
    CHECK_OK(weft_sleep(WEFT_MS));
    weft_cancel(task, "test");
    CHECK_EQ(weft_await(task), -ECANCELED);
    weft_stream *ours, *peer;
    CHECK_OK(weft_stream_connect(&peer, weft_listener_get_addr(listener)));
    CHECK_OK(weft_listener_accept(listener, &ours));
    CHECK_OK(weft_stream_close(ours));
    CHECK_OK(weft_stream_close(peer));
    weft_listener_close(listener);
}

static void count_connection(weft_listener *listener, int fd, void *arg)
{
    (void)listener;
    ++*(int *)arg;
    wf_sys_close(fd);
}

TASK_TEST(listener_that_is_stopped_leaves_connections_in_the_queue)
{
    int told = 0;
    weft_stream *peer, *ours;
    weft_listener *listener = listen_on("127.0.0.1:0");
    CHECK_OK(weft_listener_start(listener, count_connection, &told));
    CHECK_EQ(weft_listener_accept(listener, &ours), -EBUSY);
    CHECK_OK(weft_stream_connect(&peer, weft_listener_get_addr(listener)));
    while (told == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_stream_abort(peer);
    weft_listener_stop(listener);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_OK(weft_stream_connect(&peer, weft_listener_get_addr(listener)));
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_EQ(told, 1);
    CHECK_OK(weft_listener_start(listener, count_connection, &told));
    while (told == 1)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_stream_abort(peer);
    /* Stopped and started within one turn: it goes on. */
    weft_listener_stop(listener);
    CHECK_OK(weft_listener_start(listener, count_connection, &told));
    CHECK_OK(weft_stream_connect(&peer, weft_listener_get_addr(listener)));
    while (told == 2)
        CHECK_OK(weft_sleep(WEFT_MS));
    weft_stream_abort(peer);
    weft_listener_close(listener);
}

/* ---- sharing ---- */

TASK_TEST(listener_on_a_port_that_is_taken_is_refused_unless_shared)
{
    weft_listener *first = listen_on("127.0.0.1:0"), *second;
    char where[WEFT_ADDR_TEXT_BYTES], want[2 * WEFT_ADDR_TEXT_BYTES];
    CHECK(weft_addr_format(weft_listener_get_addr(first), where, sizeof where) > 0);
    CHECK_EQ(weft_listener_open(&second, weft_listener_get_addr(first), NULL), -EADDRINUSE);
    snprintf(want, sizeof want, "listen on %s: %s", where, weft_strerror(-EADDRINUSE));
    CHECK_STR(weft_error_text(), want);
    weft_addr closed = *weft_listener_get_addr(first);
    weft_listener_close(first);
    weft_stream *nobody;
    CHECK_EQ(weft_stream_connect(&nobody, &closed), -ECONNREFUSED);
    snprintf(want, sizeof want, "connect to %s: %s", where, weft_strerror(-ECONNREFUSED));
    CHECK_STR(weft_error_text(), want);
    if (is_simulated())
        return;
    weft_listen_options shared = {.is_port_shared = true};
    weft_addr any;
    CHECK_OK(weft_addr_parse(&any, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&first, &any, &shared));
    CHECK_OK(weft_listener_open(&second, weft_listener_get_addr(first), &shared));
    weft_listener_close(first);
    weft_listener_close(second);
}

/* ---- Unix sockets ---- */

TASK_TEST(listener_on_a_unix_path_replaces_what_a_dead_process_left)
{
    char dir[] = "/tmp/weft-net-XXXXXX", text[80], path[64];
    struct stat status;
    if (is_simulated())
        return;
    CHECK(mkdtemp(dir) != NULL);
    snprintf(path, sizeof path, "%s/sock", dir);
    snprintf(text, sizeof text, "unix:%s", path);
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, text));
    int dead = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    CHECK_OK(wf_sys_bind(dead, (struct sockaddr *)&addr.storage, addr.bytes));
    wf_sys_close(dead);
    CHECK_OK(stat(path, &status));

    weft_listener *listener = listen_on(text), *second;
    CHECK_EQ(weft_listener_open(&second, &addr, NULL), -EADDRINUSE); /* this one lives */
    weft_stream *peer, *probe;
    weft_task task = weft_spawn(accept_one, listener);
    CHECK_OK(weft_stream_connect(&peer, &addr));
    CHECK_OK(weft_await(task));
    CHECK_OK(weft_stream_close(peer));
    weft_listener_close(listener);
    CHECK_EQ(stat(path, &status), -1);
    CHECK_EQ(weft_stream_connect(&probe, &addr), -ENOENT);
    rmdir(dir);
}

TASK_TEST(listener_never_removes_a_file_that_is_no_socket)
{
    char path[] = "/tmp/weft-net-XXXXXX", text[64];
    struct stat status;
    if (is_simulated())
        return;
    int fd = mkstemp(path);
    CHECK_OK(fd);
    close(fd);
    snprintf(text, sizeof text, "unix:%s", path);
    weft_addr addr;
    weft_listener *listener;
    CHECK_OK(weft_addr_parse(&addr, text));
    CHECK_EQ(weft_listener_open(&listener, &addr, NULL), -EADDRINUSE);
    CHECK_OK(stat(path, &status));
    unlink(path);
}

/* ---- out of descriptors ---- */

enum { DESCRIPTORS = 64 };

/* Takes every descriptor but one.  The limit is set before anything is accepted: a kernel may read
 * it when an accept begins to wait. */
static void limit_descriptors(void)
{
    struct rlimit limit;
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &limit), 0);
    limit.rlim_cur = DESCRIPTORS;
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &limit), 0);
}

struct hoard {
    int fds[DESCRIPTORS];
    int count;
};

static void hoard_fill(struct hoard *hoard)
{
    hoard->count = 0;
    for (int fd; (fd = dup(0)) >= 0;)
        hoard->fds[hoard->count++] = fd;
    CHECK_GT(hoard->count, 1);
    close(hoard->fds[--hoard->count]);
}

static void hoard_drop(struct hoard *hoard)
{
    while (hoard->count > 0)
        close(hoard->fds[--hoard->count]);
}

static int accept_and_keep(void *arg)
{
    void **parts = arg;
    return weft_listener_accept(parts[0], (weft_stream **)parts[1]);
}

/* The peer that cannot be served is closed and learns it; the next is served when there is room. */
TASK_TEST(listener_out_of_descriptors_goes_on)
{
    if (is_simulated())
        return;
    struct hoard hoard;
    limit_descriptors();
    weft_listener *listener = listen_on("127.0.0.1:0");
    weft_stream *unlucky, *lucky, *ours = NULL;
    void *parts[] = {listener, &ours};
    weft_task task = weft_spawn(accept_and_keep, parts);
    CHECK_OK(weft_sleep(WEFT_MS));
    hoard_fill(&hoard); /* room for the connecting end only */
    char buf[1];
    CHECK_OK(weft_stream_connect(&unlucky, weft_listener_get_addr(listener)));
    CHECK_LE(weft_stream_read(unlucky, buf, 1), 0);
    CHECK_EQ(weft_done(task, NULL), 0);
    CHECK_OK(weft_stream_close(unlucky));
    hoard_drop(&hoard);
    CHECK_OK(weft_stream_connect(&lucky, weft_listener_get_addr(listener)));
    CHECK_OK(weft_await(task));
    CHECK_OK(weft_stream_close(ours));
    CHECK_OK(weft_stream_close(lucky));
    weft_listener_close(listener);
}

TASK_TEST(listener_out_of_descriptors_goes_on_by_callback_too)
{
    if (is_simulated())
        return;
    int told = 0;
    struct hoard hoard;
    limit_descriptors();
    weft_listener *listener = listen_on("127.0.0.1:0");
    CHECK_OK(weft_listener_start(listener, count_connection, &told));
    CHECK_OK(weft_sleep(WEFT_MS));
    hoard_fill(&hoard);
    weft_stream *unlucky, *lucky;
    char buf[1];
    CHECK_OK(weft_stream_connect(&unlucky, weft_listener_get_addr(listener)));
    CHECK_LE(weft_stream_read(unlucky, buf, 1), 0);
    CHECK_EQ(told, 0);
    CHECK_OK(weft_stream_close(unlucky));
    hoard_drop(&hoard);
    CHECK_OK(weft_stream_connect(&lucky, weft_listener_get_addr(listener)));
    weft_time begin = weft_now();
    while (told == 0)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_LE(weft_now() - begin, 200 * WEFT_MS);
    weft_stream_abort(lucky);
    weft_listener_close(listener);
}

TASK_TEST(listener_that_rests_can_be_closed)
{
    if (is_simulated())
        return;
    struct hoard hoard;
    limit_descriptors();
    weft_listener *listener = listen_on("127.0.0.1:0");
    weft_task task = weft_spawn(accept_one, listener);
    CHECK_OK(weft_sleep(WEFT_MS));
    hoard_fill(&hoard);
    weft_stream *unlucky;
    char buf[1];
    CHECK_OK(weft_stream_connect(&unlucky, weft_listener_get_addr(listener)));
    CHECK_LE(weft_stream_read(unlucky, buf, 1), 0);
    hoard_drop(&hoard);
    weft_listener_close(listener);
    CHECK_EQ(weft_await(task), -EBADF);
    CHECK_OK(weft_stream_close(unlucky));
}

/* A client that does not let the loop run: it stands in the kernel's queue. */
static int connect_at_once(weft_listener *listener)
{
    const weft_addr *addr = weft_listener_get_addr(listener);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_GE(fd, 0);
    CHECK_EQ(connect(fd, (const struct sockaddr *)&addr->storage, addr->bytes), 0);
    return fd;
}

static bool is_ended(int fd)
{
    char byte;
    return recv(fd, &byte, 1, MSG_DONTWAIT) == 0;
}

TASK_TEST(listener_goes_on_as_soon_as_a_connection_is_closed)
{
    if (is_simulated())
        return;
    struct hoard hoard;
    limit_descriptors();
    weft_listener *listener = listen_on("127.0.0.1:0");
    int served_end = connect_at_once(listener);
    weft_stream *served, *ours = NULL;
    CHECK_OK(weft_listener_accept(listener, &served));
    void *parts[] = {listener, &ours};
    weft_task task = weft_spawn(accept_and_keep, parts);
    CHECK_OK(weft_sleep(WEFT_MS));
    int unlucky = socket(AF_INET, SOCK_STREAM, 0); /* its place; hoard_fill leaves another */
    hoard_fill(&hoard);
    close(unlucky);
    unlucky = connect_at_once(listener);
    int lucky = connect_at_once(listener);
    CHECK_OK(weft_sleep(WEFT_MS));
    CHECK(is_ended(unlucky));
    CHECK_EQ(weft_done(task, NULL), 0);
    weft_time begin = weft_now();
    CHECK_OK(weft_stream_close(served));
    CHECK_OK(weft_await(task));
    CHECK_LT(weft_now() - begin, 50 * WEFT_MS); /* the rest would be over after 100 */
    hoard_drop(&hoard);
    CHECK_OK(weft_stream_close(ours));
    close(served_end);
    close(unlucky);
    close(lucky);
    weft_listener_close(listener);
}

static int lines_in(int fd)
{
    char text[4096];
    ssize_t count = read(fd, text, sizeof text);
    int lines = 0;
    for (ssize_t i = 0; i < count; i++)
        lines += text[i] == '\n';
    return lines;
}

enum { WAITING = 12 };

/* Each try takes one of those who wait, so they count the tries. */
static int ended_of(const int *fds)
{
    int count = 0;
    for (int i = 0; i < WAITING; i++)
        count += is_ended(fds[i]);
    return count;
}

/* Twelve connections wait: after a second and a half five of them have been closed, not all in a
 * spin, and the log has two lines, a second between them. */
TASK_TEST(class_46_listener_out_of_descriptors_is_idle_and_says_so_once_a_second)
{
    if (is_simulated())
        return;
    struct hoard hoard;
    int told = 0, log[2], fds[WAITING], keep = dup(STDERR_FILENO);
    CHECK_EQ(pipe2(log, O_NONBLOCK | O_CLOEXEC), 0);
    CHECK_EQ(dup2(log[1], STDERR_FILENO), STDERR_FILENO);
    limit_descriptors();
    weft_listener *listener = listen_on("127.0.0.1:0");
    CHECK_OK(weft_listener_start(listener, count_connection, &told));
    CHECK_OK(weft_sleep(WEFT_MS));
    for (int i = 0; i < WAITING; i++)
        fds[i] = dup(0);
    hoard_fill(&hoard);
    hoard.fds[hoard.count++] = dup(0);
    for (int i = 0; i < WAITING; i++) {
        close(fds[i]);
        fds[i] = connect_at_once(listener);
    }
    CHECK_OK(weft_sleep(1600 * WEFT_MS));
    CHECK_EQ(ended_of(fds), 5);
    CHECK_EQ(lines_in(log[0]), 2);
    CHECK_OK(weft_sleep(10 * WEFT_SEC));
    CHECK_EQ(ended_of(fds), WAITING);
    CHECK_EQ(lines_in(log[0]), 10);
    CHECK_EQ(told, 0);
    CHECK_EQ(dup2(keep, STDERR_FILENO), STDERR_FILENO);
    hoard_drop(&hoard);
    for (int i = 0; i < WAITING; i++)
        close(fds[i]);
    close(keep);
    close(log[0]);
    close(log[1]);
    weft_listener_close(listener);
}

struct attempt {
    weft_listener *listener;
    weft_stream *peer, *ours;
};

static int attempt_accept(void *arg)
{
    struct attempt *attempt = arg;
    return weft_listener_accept(attempt->listener, &attempt->ours);
}

/* One connection, with `plan` armed.  What accepting it came to. */
static int attempt_with(weft_listener *listener, weft_fault_plan *plan)
{
    struct attempt attempt = {.listener = listener};
    weft_fault_arm(plan);
    int rc = weft_stream_connect(&attempt.peer, weft_listener_get_addr(listener));
    if (rc == 0)
        rc = weft_await_for(weft_spawn(attempt_accept, &attempt), 50 * WEFT_MS);
    weft_fault_arm(NULL);
    weft_stream_abort(attempt.peer);
    weft_stream_abort(attempt.ours);
    return rc;
}

/* Every system call of an accept fails once, on the simulator too; the next is none the worse. */
TASK_TEST(listener_accepts_after_an_accept_that_failed)
{
    int failed_accepts = 0;
    weft_listener *listener = listen_on("127.0.0.1:0");
    weft_fault_plan plan = {0};
    do {
        plan = (weft_fault_plan){.classes = WEFT_FAULT_CALL, .nth = plan.nth + 1};
        int rc = attempt_with(listener, &plan);
        if (plan.point != NULL && strcmp(plan.point, "accept") == 0) {
            failed_accepts++;
            CHECK_EQ(rc, -ETIMEDOUT); /* its peer was closed, and no other came */
        }
        CHECK_OK(attempt_with(listener, NULL));
    } while (plan.point != NULL);
    if (test_seed() == 1) /* under others the number of calls may differ from attempt to attempt */
        CHECK_GE(failed_accepts, 1);
    weft_listener_close(listener);
}

SCENARIO(listener_opens_or_leaves_nothing)
{
    weft_addr addr;
    weft_listener *listener;
    WEFT_TRY(weft_addr_parse(&addr, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&listener, &addr, NULL));
    int told = 0;
    int rc = weft_listener_start(listener, count_connection, &told);
    weft_listener_stop(listener);
    weft_listener_close(listener);
    return rc;
}

/* ---- several loops ---- */

struct sharer {
    weft_addr addr;
    weft_listener *listener; /* its loop's */
    weft_future listens;
    int accepted_count;
};

static int serve_greeting(void *arg)
{
    struct sharer *sharer = arg;
    weft_stream *stream;
    int rc;
    while ((rc = weft_listener_accept(sharer->listener, &stream)) == 0) {
        unsigned char index = (unsigned char)weft_loop_index();
        rc = weft_stream_write(stream, &index, 1);
        (void)weft_stream_close(stream);
        if (rc < 0)
            break;
        sharer->accepted_count++;
    }
    return rc;
}

static int open_and_serve(void *arg)
{
    struct sharer *sharer = arg;
    weft_listen_options shared = {.is_port_shared = true};
    CHECK_OK(weft_listener_open(&sharer->listener, &sharer->addr, &shared));
    CHECK_OK(weft_future_set(&sharer->listens, 0, NULL));
    int rc = serve_greeting(sharer);
    weft_listener_close(sharer->listener);
    return rc;
}

static int greeted_by(const weft_addr *addr)
{
    weft_stream *stream;
    unsigned char index = 255;
    CHECK_OK(weft_stream_connect(&stream, addr));
    CHECK_EQ(weft_stream_read(stream, &index, 1), 1);
    weft_stream_abort(stream);
    return index;
}

/* Each connection is served by the loop that took it. */
LOOPS_TEST(listeners_of_several_loops_share_a_port, 2)
{
    struct sharer sharers[2] = {{.accepted_count = 0}};
    int greeted[2] = {0};
    weft_listen_options shared = {.is_port_shared = true};
    weft_listener *first;
    weft_addr any;
    CHECK_OK(weft_addr_parse(&any, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&first, &any, &shared)); /* has the port */
    weft_task tasks[2];
    for (unsigned i = 0; i < 2; i++) {
        sharers[i].addr = *weft_listener_get_addr(first);
        tasks[i] = weft_spawn_on(weft_loop_at(i), open_and_serve, &sharers[i]);
    }
    for (unsigned i = 0; i < 2; i++)
        CHECK_OK(weft_future_wait(&sharers[i].listens, NULL));
    weft_listener_close(first);
    for (int i = 0; i < 64; i++) {
        int index = greeted_by(&sharers[0].addr);
        CHECK(index == 0 || index == 1);
        greeted[index]++;
    }
    for (unsigned i = 0; i < 2; i++) {
        (void)weft_cancel(tasks[i], "enough");
        CHECK_EQ(weft_await(tasks[i]), -ECANCELED);
        CHECK_EQ(sharers[i].accepted_count, greeted[i]);
    }
}
