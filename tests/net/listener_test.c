/* SPDX-License-Identifier: MIT */

/* Listeners: shortage, sharing, Unix socket files, closing. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/sys/stream.h>

#include "base/sys.h"

#include <stdlib.h>
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
    CHECK_EQ(weft_listener_open(&second, weft_listener_get_addr(first), NULL), -EADDRINUSE);
    weft_listener_close(first);
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
TASK_TEST(listener_out_of_descriptors_rests_and_goes_on)
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
    weft_time begin = weft_now();
    char buf[1];
    CHECK_OK(weft_stream_connect(&unlucky, weft_listener_get_addr(listener)));
    CHECK_LE(weft_stream_read(unlucky, buf, 1), 0);
    CHECK_EQ(weft_done(task, NULL), 0);
    CHECK_OK(weft_stream_close(unlucky));
    hoard_drop(&hoard);
    CHECK_OK(weft_stream_connect(&lucky, weft_listener_get_addr(listener)));
    CHECK_OK(weft_await(task));
    CHECK_GE(weft_now() - begin, 100 * WEFT_MS);
    CHECK_OK(weft_stream_close(ours));
    CHECK_OK(weft_stream_close(lucky));
    weft_listener_close(listener);
}

TASK_TEST(listener_out_of_descriptors_rests_by_callback_too)
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
