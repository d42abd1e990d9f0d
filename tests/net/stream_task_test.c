/* SPDX-License-Identifier: MIT */

/* Streams and listeners as tasks use them, on every back end. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/net.h>

#include <stdlib.h>

/* ---- a pair of tasks ---- */

static weft_addr loopback(void)
{
    weft_addr addr;
    CHECK_OK(weft_addr_parse(&addr, "127.0.0.1:0"));
    return addr;
}

static int echo_one(void *arg)
{
    weft_stream *stream = arg;
    char buf[4096];
    ssize_t count = 0;
    int rc = 0;
    while (rc >= 0 && (count = weft_stream_read(stream, buf, sizeof buf)) > 0)
        rc = weft_stream_write(stream, buf, (size_t)count);
    if (count < 0)
        rc = (int)count;
    int closed = weft_stream_close(stream);
    return rc < 0 ? rc : closed;
}

static int echo_serve(void *arg)
{
    weft_listener *listener = arg;
    WEFT_GROUP(group);
    for (;;) {
        weft_stream *stream;
        int rc = weft_listener_accept(listener, &stream);
        if (rc < 0)
            return rc;
        rc = weft_group_spawn(group, echo_one, stream);
        if (rc < 0) {
            weft_stream_abort(stream);
            return rc;
        }
    }
}

static void echo_once(const weft_addr *addr)
{
    weft_stream *stream;
    char buf[6] = "";
    CHECK_OK(weft_stream_connect(&stream, addr));
    CHECK_OK(weft_stream_write(stream, "hello", 5));
    CHECK_EQ(weft_stream_read_exact(stream, buf, 5), 5);
    CHECK_STR(buf, "hello");
    CHECK_OK(weft_stream_shutdown(stream));
    CHECK_EQ(weft_stream_read(stream, buf, 5), 0);
    CHECK_OK(weft_stream_close(stream));
}

TASK_TEST(stream_echo_over_tcp)
{
    weft_addr any = loopback();
    weft_listener *listener;
    CHECK_OK(weft_listener_open(&listener, &any, NULL));
    const weft_addr *addr = weft_listener_get_addr(listener);
    CHECK_GT(weft_addr_get_port(addr), 0);
    weft_task server = weft_spawn(echo_serve, listener);
    for (int i = 0; i < 3; i++)
        echo_once(addr);
    weft_cancel(server, "done");
    CHECK_EQ(weft_await(server), -ECANCELED);
    weft_listener_close(listener);
}
