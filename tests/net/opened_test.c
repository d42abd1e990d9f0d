/* SPDX-License-Identifier: MIT */

/* Sockets that were never closed: debug mode names them, and the run ends all the same. */

#include "net/left_open.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/sys/stream.h>
#include <weft/udp.h>

#include <stdlib.h>

/* What the bodies leave open. */
static weft_stream *left[2];
static weft_listener *listener;
static weft_udp *udp;

static weft_addr any_port(void)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    return addr;
}

static int body_listens(void *arg)
{
    weft_addr addr = any_port();
    (void)arg;
    return weft_listener_open(&listener, &addr, NULL);
}

static int body_opens_udp(void *arg)
{
    weft_addr addr = any_port();
    (void)arg;
    return weft_udp_open(&udp, &addr);
}

static int body_accepts(void *arg)
{
    (void)arg;
    return weft_listener_accept(listener, &left[0]);
}

__attribute__((noinline)) static int body_connects(void *arg)
{
    WEFT_TRY(body_listens(arg));
    weft_task task = weft_spawn(body_accepts, NULL);
    WEFT_TRY(weft_stream_connect(&left[1], weft_listener_get_addr(listener)));
    WEFT_TRY(weft_await(task));
    weft_listener_close(listener);
    return 0;
}

static void told(weft_listener *of, int fd, void *arg)
{
    (void)of;
    (void)fd;
    (void)arg;
}

static int body_is_told_of_connections(void *arg)
{
    WEFT_TRY(body_listens(arg));
    return weft_listener_start(listener, told, NULL);
}

TEST(a_listener_left_open_is_named)
{
    static const char *const texts[] = {
        "debug: listener on 127.0.0.1:",
        " was never closed: weft_listener_close() it; opened: body_",
        "; by the task spawned: main at weft_run",
        NULL,
    };
    check_left(body_listens, texts);
}

TEST(test_L06_a_listener_that_waits_does_not_keep_the_run)
{
    static const char *const texts[] = {
        "debug: listener on 127.0.0.1:",
        "operations of what was never closed end with the run: 1",
        NULL,
    };
    check_left(body_is_told_of_connections, texts);
}

TEST(a_datagram_socket_left_open_is_named)
{
    static const char *const texts[] = {
        "debug: datagram socket on 127.0.0.1:",
        " was never closed: weft_udp_close() it; opened: ",
        NULL,
    };
    check_left(body_opens_udp, texts);
}

/* Both ends, each where it was opened, and what they wait for ends with the run. */
TEST(test_L06_streams_left_open_are_named_and_do_not_keep_the_run)
{
    static const char *const texts[] = {
        " to 127.0.0.1:",
        " was never closed: weft_stream_close() it; opened: ",
        " was never closed: weft_stream_close() it; opened: body_connects+0x",
        "; by the task spawned: body_accepts at ",
        "operations of what was never closed end with the run: 2",
        NULL,
    };
    check_left(body_connects, texts);
}

/* As something with pings has it. */
static int body_leaves_deadlines(void *arg)
{
    WEFT_TRY(body_connects(arg));
    for (int i = 0; i < 2; i++)
        weft_stream_set_deadline(left[i], weft_after(3600 * WEFT_SEC));
    return 0;
}

TEST(test_L06_streams_left_open_with_a_deadline_do_not_keep_the_run_for_long)
{
    struct said said = run_in_child("sim", WEFT_RUN_DEBUG, body_leaves_deadlines);
    check_contains(&said, "operations of what was never closed end with the run: 2");
    CHECK_EQ(said.last - said.first, WEFT_SEC);
}

/* Streams that were closed politely take their time, and that is waited for. */
static int body_closes(void *arg)
{
    WEFT_TRY(body_connects(arg));
    WEFT_TRY(body_opens_udp(arg));
    weft_udp_close(udp);
    weft_stream_end(left[0]);
    weft_stream_abort(left[1]);
    return 0;
}

TEST(sockets_that_were_closed_are_not_told)
{
    check_nothing_left(body_closes);
}
