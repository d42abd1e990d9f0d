/* SPDX-License-Identifier: MIT */

/*
 * What does a connection cost without a protocol?  64 bytes go to an echo server on the loopback
 * and come back: by a task that reads and writes, and by callbacks without one.
 *
 * Options as in server_bench.h; both servers are measured, one after the other.
 */

#include "server_bench.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/sys/stream.h>

#define MESSAGE_BYTES 64

/* ---- a task a connection ---- */

static int echo_body(void *arg)
{
    weft_stream *stream = arg;
    char buf[4096];
    ssize_t count;
    int rc = 0;
    while (rc == 0 && (count = weft_stream_read(stream, buf, sizeof buf)) > 0)
        rc = weft_stream_write(stream, buf, (size_t)count);
    (void)weft_stream_close(stream);
    return 0;
}

static int accept_by_task(weft_listener *listener)
{
    WEFT_GROUP(group);
    for (;;) {
        weft_stream *stream;
        WEFT_TRY(weft_listener_accept(listener, &stream));
        if (weft_group_spawn(group, echo_body, stream) < 0)
            weft_stream_abort(stream);
    }
}

/* ---- by callback ---- */

static void echo_input(weft_stream *stream)
{
    weft_str input = weft_stream_get_input(stream);
    if (input.len != 0 && weft_stream_put(stream, input.ptr, input.len) == 0)
        weft_stream_consume(stream, input.len);
    if (weft_stream_is_ended(stream) || weft_stream_get_error(stream) < 0)
        weft_stream_end(stream);
}

static const weft_stream_kind echo_kind = {.input = echo_input};

static void echo_accept(weft_listener *listener, int fd, void *arg)
{
    weft_stream *stream;
    (void)listener;
    (void)arg;
    if (weft_stream_open(&stream, fd, &echo_kind) < 0)
        fprintf(stderr, "echo: a connection is refused\n");
}

static int accept_by_callback(weft_listener *listener)
{
    WEFT_TRY(weft_listener_start(listener, echo_accept, NULL));
    return weft_sleep(WEFT_FOREVER);
}

/* ---- the server ---- */

struct server {
    const struct server_bench *bench;
    int (*accept)(weft_listener *listener);
};

static int server_main(void *arg)
{
    struct server *server = arg;
    char text[32];
    weft_addr addr;
    weft_listener *listener;
    snprintf(text, sizeof text, "127.0.0.1:%d", server->bench->port);
    WEFT_TRY(weft_addr_parse(&addr, text));
    WEFT_TRY(weft_listener_open(&listener, &addr, NULL));
    (void)server_bench_ready(server->bench, weft_addr_get_port(weft_listener_get_addr(listener)));
    int rc = server->accept(listener);
    weft_listener_close(listener);
    return rc;
}

static int serve(const struct server_bench *bench, int (*accept)(weft_listener *listener))
{
    struct server server = {.bench = bench, .accept = accept};
    weft_config config = {.backend = bench->backend};
    int rc = weft_run_with(&config, server_main, &server);
    return rc < 0 && rc != -ECANCELED;
}

static int serve_by_task(const struct server_bench *bench)
{
    return serve(bench, accept_by_task);
}

static int serve_by_callback(const struct server_bench *bench)
{
    return serve(bench, accept_by_callback);
}

int main(int argc, char **argv)
{
    static char message[MESSAGE_BYTES];
    const struct server_bench benches[] = {
        {.name = "echo by task", .serve = serve_by_task},
        {.name = "echo by callback", .serve = serve_by_callback},
    };
    memset(message, 'x', sizeof message);
    int rc = 0;
    for (int i = 0; i < 2 && rc == 0; i++) {
        struct server_bench bench = benches[i];
        bench.load.message = message;
        bench.load.message_bytes = sizeof message;
        rc = server_bench_main(&bench, argc, argv);
    }
    return rc;
}
