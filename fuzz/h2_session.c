/* SPDX-License-Identifier: MIT */

/*
 * A whole session of HTTP/2: a server, its routes and handlers, and a client that sends whatever
 * the input is behind the preface.  The server's limits are so small that few frames reach them.
 * Whatever comes: the server's frames are frames, the client's end is the connection's, and nothing
 * of it stays behind: no request, no handler, no body, no descriptor.
 *
 * Input: a byte that says how large the first pieces are (0: all is one), and frames.
 */

#include "world.h"

#include <weft/error.h>
#include <weft/http.h>
#include <weft/scope.h>
#include <weft/task.h>

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PIECES_MAX = 4, FRAME_BYTES_MAX = 16384, HEAD_BYTES = 9, TYPE_GOAWAY = 7 };

struct session {
    const uint8_t *frames;
    size_t bytes, piece_bytes;
    weft_addr addr;
};

/* ---- what there is to ask for ---- */

static int get_ok(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond_text(res, 200, "ok\n");
}

static int post_echo(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str body = weft_http_body(req);
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", body.ptr, body.len);
}

/* Piece by piece both ways, with trailers both ways. */
static int post_stream(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[64];
    ssize_t count;
    (void)arg;
    WEFT_TRY(weft_http_promise_trailers(res, "x"));
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        WEFT_TRY(weft_http_write(res, piece, (size_t)count));
    if (count < 0)
        return (int)count;
    weft_str x = weft_http_trailer(req, "x");
    WEFT_TRY(weft_http_write(res, "", 0));
    return x.ptr != NULL ? weft_http_set_trailer(res, "x", x) : 0;
}

static int get_large(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const char text[100 * 1024];
    (void)req;
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", text, sizeof text);
}

static int get_slow(weft_http_request *req, weft_http_response *res, void *arg)
{
    WEFT_TRY(weft_sleep(WEFT_SEC));
    return get_ok(req, res, arg);
}

static const weft_http_route routes[] = {
    {.method = "GET", .path = "/", .handler = get_ok},
    {.method = "POST", .path = "/", .handler = post_echo, .body_bytes_max = 256},
    {.method = "POST", .path = "/s", .handler = post_stream, .flags = WEFT_HTTP_STREAM_BODY},
    {.method = "GET", .path = "/l", .handler = get_large},
    {.method = "GET", .path = "/w", .handler = get_slow},
};

/* ---- the two ends ---- */

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static void send_all(const struct session *session, weft_stream *stream)
{
    static const char preface[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";
    int rc = weft_stream_write(stream, preface, sizeof preface - 1);
    size_t step = session->piece_bytes != 0 ? session->piece_bytes : SIZE_MAX,
           left = session->bytes;
    for (int piece = 1; left != 0 && rc == 0; piece++) {
        size_t count = left < step || piece == PIECES_MAX ? left : step;
        rc = weft_stream_write(stream, session->frames + session->bytes - left, count);
        left -= count;
        if (rc == 0)
            rc = weft_sleep(WEFT_MS);
    }
}

/* To its end, or until nothing comes for long: a reset may cut the last frame, and all behind it.
 */
static void read_all(weft_stream *stream)
{
    static char payload[FRAME_BYTES_MAX];
    uint8_t head[HEAD_BYTES];
    while (weft_stream_read_exact(stream, head, sizeof head) > 0) {
        size_t count = (size_t)head[0] << 16 | (size_t)head[1] << 8 | head[2];
        assert(count <= sizeof payload);
        assert(head[3] <= 9); /* none of another type */
        assert((head[5] & 0x80) == 0);
        if (count != 0 && weft_stream_read_exact(stream, payload, count) <= 0)
            return;
        assert(head[3] != TYPE_GOAWAY || count >= 8);
    }
}

static int talk(const struct session *session)
{
    weft_stream *stream;
    WEFT_TRY(weft_stream_connect(&stream, &session->addr));
    send_all(session, stream);
    (void)!weft_sleep(2 * WEFT_SEC); /* handlers that take their time end */
    (void)!weft_stream_shutdown(stream);
    read_all(stream);
    weft_stream_abort(stream);
    return 0;
}

static void check_over(const weft_http_server *server, uint64_t accepted)
{
    weft_http_stats stats;
    weft_http_server_get_stats(server, &stats);
    assert(stats.connections_accepted == accepted);
    assert(stats.connections_open == 0);
    assert(stats.requests_in_hand == 0);
    assert(stats.requests_queued == 0);
    assert(stats.bodies_bytes == 0);
}

/* ---- the world ---- */

static weft_http_server *server_open(void)
{
    static const weft_http_options options = {.limits = {.head_bytes_max = 1024,
                                                         .h2_stream_count_max = 4,
                                                         .h2_stream_window = 512,
                                                         .h2_window = 100000,
                                                         .h2_table_bytes_max = 256,
                                                         .h2_continuation_count_max = 3,
                                                         .h2_reset_burst = 4,
                                                         .h2_odd_burst = 8,
                                                         .h2_control_count_max = 4}};
    weft_http_server *server;
    int rc = weft_http_server_new(&server, &options);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && rc == 0; i++)
        rc = weft_http_server_add(server, &routes[i]);
    if (rc == 0)
        rc = weft_http_server_listen(server, "127.0.0.1:0");
    assert(rc == 0);
    return server;
}

static int live(void *arg)
{
    weft_http_server *server = server_open();
    weft_task serving = weft_spawn(serve, server);
    struct session *session;
    (void)arg;
    int rc = weft_sleep(WEFT_MS); /* it has begun */
    assert(rc == 0);
    uint32_t descriptors = world_descriptors();
    for (uint64_t count = 1; (session = world_next()) != NULL; count++) {
        session->addr = *weft_http_server_get_addr(server, 0);
        rc = talk(session);
        assert(rc == 0);
        rc = weft_sleep(3 * WEFT_SEC); /* the server lingers for at most two */
        assert(rc == 0);
        check_over(server, count);
        assert(world_descriptors() == descriptors);
    }
    weft_http_server_stop(server);
    rc = weft_await(serving);
    assert(rc == 0);
    weft_http_server_free(server);
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    struct session session = {
        .frames = data + 1,
        .bytes = size - 1,
        .piece_bytes = data[0],
    };
    world_try(live, &session);
    return 0;
}
