/* SPDX-License-Identifier: MIT */

#include "ends.h"

/* ---- the server ---- */

int ends_echo(weft_ws *ws, void *arg)
{
    struct ends *ends = arg;
    weft_ws_message message;
    int rc;
    while ((rc = weft_ws_receive(ws, &message)) > 0) {
        ends->messages++;
        ends->bytes += message.data.len;
        WEFT_TRY(weft_ws_send(ws, message.type, message.data));
    }
    return rc;
}

static int talk(weft_ws *ws, void *arg)
{
    struct ends *ends = arg;
    weft_str reason;
    ends->begun++;
    ends->was_deflated = weft_ws_is_deflated(ws);
    ends->rc = ends->fn(ws, ends);
    ends->code = weft_ws_get_close(ws, &reason);
    snprintf(ends->reason, sizeof ends->reason, "%.*s", (int)reason.len, reason.ptr);
    return ends->rc;
}

static int handler(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct ends *ends = arg;
    if (ends->by_message != NULL)
        return weft_ws_answer(req, res, &ends->options, ends->by_message, ends);
    int rc = weft_ws_serve(req, res, &ends->options, talk, ends);
    ends->ended = ends->begun;
    return rc;
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static int ends_begin(struct ends *ends, const weft_http_options *http)
{
    const weft_http_route route = {.method = "GET", .path = "/ws", .handler = handler, .arg = ends};
    WEFT_TRY(weft_http_server_new(&ends->server, http));
    WEFT_TRY(weft_http_server_add(ends->server, &route));
    WEFT_TRY(weft_http_server_listen(ends->server, "127.0.0.1:0"));
    WEFT_TRY(weft_client_new(&ends->client, NULL));
    ends->addr = *weft_http_server_get_addr(ends->server, 0);
    snprintf(ends->url, sizeof ends->url, "ws://127.0.0.1:%d/ws", weft_addr_get_port(&ends->addr));
    ends->serving = weft_spawn(serve, ends->server);
    return 0;
}

int ends_open(struct ends *ends, const weft_http_options *http, weft_ws_fn *fn)
{
    *ends = (struct ends){.fn = fn};
    int rc = ends_begin(ends, http);
    if (rc < 0) {
        weft_client_free(ends->client);
        weft_http_server_free(ends->server);
    }
    return rc;
}

int ends_close(struct ends *ends)
{
    weft_http_server_stop(ends->server);
    int rc = weft_gather(ends->serving);
    weft_client_free(ends->client);
    weft_http_server_free(ends->server);
    return rc;
}

int ends_connect(struct ends *ends, weft_ws **out, const weft_ws_options *options)
{
    return weft_ws_connect(out, ends->client, ends->url, options);
}

void ends_wait(const struct ends *ends, unsigned count)
{
    for (int i = 0; ends->ended < count; i++) {
        CHECK_LT(i, 1000);
        CHECK_OK(weft_sleep(i < 20 ? WEFT_MS : 100 * WEFT_MS));
    }
}

void expect_message(weft_ws *ws, enum weft_ws_type type, const void *bytes, size_t count)
{
    weft_ws_message message;
    CHECK_EQ(weft_ws_receive(ws, &message), 1);
    CHECK_EQ(message.type, type);
    CHECK_BYTES(message.data.ptr, message.data.len, bytes, count);
}

void expect_text(weft_ws *ws, const char *text)
{
    expect_message(ws, WEFT_WS_TEXT, text, strlen(text));
}

/* ---- raw ---- */

int raw_ask(weft_stream *stream, const char *head, char *out, size_t out_bytes)
{
    weft_str answer;
    int status = 0;
    CHECK_OK(weft_stream_write(stream, head, strlen(head)));
    CHECK_OK(weft_stream_peek_until(stream, (weft_str){"\r\n\r\n", 4}, 8192, &answer));
    CHECK_LT(answer.len, out_bytes);
    memcpy(out, answer.ptr, answer.len);
    out[answer.len] = 0;
    weft_stream_consume(stream, answer.len);
    CHECK_EQ(sscanf(out, "HTTP/1.1 %d", &status), 1);
    return status;
}

weft_stream *raw_open(struct ends *ends, const char *fields)
{
    weft_stream *stream;
    char head[1024], answer[1024];
    snprintf(head, sizeof head, RAW_ASK "%s\r\n", fields);
    CHECK_OK(weft_stream_connect(&stream, &ends->addr));
    CHECK_EQ(raw_ask(stream, head, answer, sizeof answer), 101);
    CHECK(strstr(answer, "\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n") != NULL);
    return stream;
}

static size_t from_hex(const char *hex, char *out, size_t out_bytes)
{
    size_t count = 0;
    for (unsigned byte; *hex != 0; hex += *hex == ' ' ? 1 : 2) {
        if (*hex == ' ')
            continue;
        CHECK_EQ(sscanf(hex, "%2x", &byte), 1);
        CHECK_LT(count, out_bytes);
        out[count++] = (char)byte;
    }
    return count;
}

void raw_send(weft_stream *stream, const char *hex)
{
    char bytes[512];
    size_t count = from_hex(hex, bytes, sizeof bytes);
    CHECK_OK(weft_stream_write(stream, bytes, count));
}

void raw_expect(weft_stream *stream, const char *hex)
{
    char bytes[512], seen[512];
    size_t count = from_hex(hex, bytes, sizeof bytes);
    CHECK_EQ(weft_stream_read_exact(stream, seen, count), (ssize_t)count);
    CHECK_BYTES(seen, count, bytes, count);
}

int raw_close_code(weft_stream *stream)
{
    for (;;) {
        unsigned char head[2], payload[126];
        CHECK_EQ(weft_stream_read_exact(stream, head, 2), 2);
        CHECK_LT(head[1], 126);
        CHECK_EQ(weft_stream_read_exact(stream, payload, head[1]), head[1]);
        if (head[0] != 0x88)
            continue;
        CHECK_EQ(weft_stream_read(stream, payload + 2, 1), 0);
        return head[1] < 2 ? 1005 : payload[0] << 8 | payload[1];
    }
}
