/* SPDX-License-Identifier: MIT */

/*
 * How fast do messages of a WebSocket come back?  Masked binary messages of --bytes N (64) go to an
 * echo server on the loopback, by a task a connection, and come back unmasked.  Not compressed.
 *
 * Other options as in server_bench.h: with --port and --server it measures another echo server,
 * which takes a WebSocket at /ws.
 */

#include "server_bench.h"

#include <weft.h>
#include <weft/http.h>
#include <weft/run.h>
#include <weft/ws.h>

#define OPENING                                                                                    \
    "GET /ws HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"         \
    "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"

/* ---- the server ---- */

static int echo(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    int rc;
    (void)arg;
    while ((rc = weft_ws_receive(ws, &message)) > 0)
        WEFT_TRY(weft_ws_send(ws, message.type, message.data));
    return rc;
}

static int open_echo(weft_http_request *req, weft_http_response *res, void *arg)
{
    return weft_ws_serve(req, res, NULL, echo, arg);
}

static int server_main(void *arg)
{
    const struct server_bench *bench = arg;
    weft_http_server *server = NULL;
    const weft_http_route route = {.method = "GET", .path = "/ws", .handler = open_echo};
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", bench->port);
    WEFT_TRY(weft_http_server_new(&server, NULL));
    int rc = weft_http_server_add(server, &route);
    if (rc == 0)
        rc = weft_http_server_listen(server, address);
    if (rc == 0)
        rc = server_bench_ready(bench, weft_addr_get_port(weft_http_server_get_addr(server, 0)));
    if (rc == 0)
        rc = weft_http_serve(server);
    weft_http_server_free(server);
    return rc;
}

static int serve(const struct server_bench *bench)
{
    weft_config config = {.backend = bench->backend};
    int rc = weft_run_with(&config, server_main, (void *)(uintptr_t)bench);
    if (rc < 0 && rc != -ECANCELED)
        fprintf(stderr, "ws_echo: %s\n", weft_strerror(rc));
    return rc < 0 && rc != -ECANCELED;
}

/* ---- the load ---- */

/* The head of a binary frame, with a mask or without; returns its bytes. */
static size_t put_head(char *out, size_t bytes, bool is_masked)
{
    size_t at = 2, count = bytes < 126 ? 0 : bytes < 65536 ? 2 : 8;
    out[0] = (char)0x82;
    out[1] = (char)((is_masked ? 0x80u : 0) | (count == 0 ? bytes : count == 2 ? 126 : 127));
    for (size_t i = count; i > 0; i--)
        out[at++] = (char)(bytes >> (8 * (i - 1)));
    if (is_masked)
        memcpy(out + at, "\x37\xfa\x21\x3d", 4);
    return at + (is_masked ? 4 : 0);
}

int main(int argc, char **argv)
{
    static char message[1 << 20];
    char head[16];
    size_t bytes = 64;
    for (int i = 1; i + 1 < argc; i++) {
        if (strcmp(argv[i], "--bytes") == 0)
            bytes = strtoul(argv[i + 1], NULL, 10);
    }
    if (bytes > sizeof message - sizeof head)
        return 2;
    size_t at = put_head(message, bytes, true);
    struct server_bench bench = {
        .name = "WebSocket echo",
        .serve = serve,
        .load = {.message = message,
                 .message_bytes = at + bytes,
                 .opening = OPENING,
                 .echo_bytes = put_head(head, bytes, false) + bytes},
    };
    return server_bench_main(&bench, argc, argv);
}
