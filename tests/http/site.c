/* SPDX-License-Identifier: MIT */

#include "site.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/gather.h>
#include <weft/http_layer.h>
#include <weft/scope.h>

#include <assert.h>
#include <stdlib.h>
#include <strings.h>

struct site_seen site_seen;
weft_http_handler *site_handler;
static weft_event site_gate;

void site_gate_open(void)
{
    weft_event_set(&site_gate);
}

/* ---- handlers ---- */

static long number(const weft_http_request *req, const char *name)
{
    char text[16] = "";
    weft_str value = weft_http_query_param(req, name);
    if (value.len < sizeof text)
        memcpy(text, value.ptr, value.len);
    return atol(text);
}

static int seen(int rc)
{
    site_seen.ended++;
    site_seen.last_rc = rc;
    if (rc == -ECANCELED) {
        site_seen.cancelled++;
        snprintf(site_seen.why, sizeof site_seen.why, "%s", weft_why());
    }
    return rc;
}

static int get_ok(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", "ok\n", 3);
}

static int post_echo(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str body = weft_http_body(req);
    (void)arg;
    CHECK_EQ((size_t)weft_http_length(req), body.len);
    return weft_http_respond(res, 200, "application/octet-stream", body.ptr, body.len);
}

static int post_stream(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[512];
    ssize_t count;
    (void)arg;
    site_seen.started++;
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0) {
        int rc = weft_http_write(res, piece, (size_t)count);
        if (rc < 0)
            return seen(rc);
    }
    return seen((int)count);
}

static int post_drain(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[512];
    ssize_t count;
    (void)arg;
    site_seen.started++;
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        continue;
    return seen(count < 0 ? (int)count : weft_http_respond_text(res, 200, "drained\n"));
}

static int get_item(weft_http_request *req, weft_http_response *res, void *arg)
{
    char text[256];
    weft_str name = weft_http_path_param(req, "name"), q = weft_http_query_param(req, "q");
    (void)arg;
    snprintf(text, sizeof text, "%.*s|%.*s", (int)name.len, name.ptr, (int)q.len,
             q.ptr != NULL ? q.ptr : "");
    return weft_http_respond_text(res, 200, text);
}

static int get_sleep(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    site_seen.started++;
    int rc = weft_sleep(number(req, "ms") * WEFT_MS);
    if (rc == 0)
        rc = weft_http_respond_text(res, 200, "slept\n");
    return seen(rc);
}

static int get_wait(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    site_seen.started++;
    int rc = weft_event_wait(&site_gate);
    if (rc == 0)
        rc = weft_http_respond_text(res, 200, "waited\n");
    return seen(rc);
}

static int get_count(weft_http_request *req, weft_http_response *res, void *arg)
{
    char line[32];
    (void)arg;
    for (long i = 0, n = number(req, "n"); i < n; i++) {
        int len = snprintf(line, sizeof line, "line %ld\n", i);
        int rc = weft_http_write(res, line, (size_t)len);
        if (rc < 0)
            return seen(rc);
    }
    return seen(0);
}

static int get_large(weft_http_request *req, weft_http_response *res, void *arg)
{
    size_t bytes = (size_t)number(req, "kib") * 1024;
    char *body = malloc(bytes + 1);
    (void)arg;
    for (size_t i = 0; i < bytes; i++)
        body[i] = (char)('a' + i % 23);
    site_seen.started++;
    int rc = weft_http_respond(res, 200, "text/plain", body, bytes);
    free(body);
    return seen(rc);
}

static int get_length(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    int rc = weft_http_set_length(res, 10);
    for (long i = 0, n = number(req, "n"); i < n && rc == 0; i++)
        rc = weft_http_write(res, "x", 1);
    return seen(rc);
}

static int get_fail(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)res;
    (void)arg;
    return weft_fail(-(int)number(req, "rc"), "it \"failed\"");
}

static int get_split(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_str evil = {"a\r\nSet-Cookie: b", 16}, fine = {"fine", 4};
    (void)req;
    (void)arg;
    CHECK_EQ(weft_http_set_field(res, "X-Evil", evil), -EINVAL);
    CHECK_EQ(weft_http_set_field(res, "X-Evil: a\r\nSet-Cookie", fine), -EINVAL);
    CHECK_EQ(weft_http_set_field(res, "Content-Length", fine), -EINVAL);
    CHECK_EQ(weft_http_set_field(res, "transfer-encoding", fine), -EINVAL);
    CHECK_EQ(weft_http_set_status(res, 99), -EINVAL);
    CHECK_EQ(weft_http_respond(res, 200, "text/plain\r\nX: y", "", 0), -EINVAL);
    CHECK_OK(weft_http_set_field(res, "X-Fine", fine));
    int rc = weft_http_respond_text(res, 200, "whole\n");
    CHECK_EQ(weft_http_set_field(res, "X-Late", fine), -EALREADY);
    CHECK_EQ(weft_http_respond_text(res, 200, "again\n"), -EALREADY);
    CHECK_EQ(weft_http_write(res, "more", 4), -EALREADY);
    return rc;
}

static int get_health(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    bool stops = weft_http_server_is_stopping(weft_http_get_server(req));
    return weft_http_respond_text(res, stops ? 503 : 200, stops ? "stopping\n" : "healthy\n");
}

static int any_test(weft_http_request *req, weft_http_response *res, void *arg)
{
    return seen(site_handler(req, res, arg));
}

static int refuse_some(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    CHECK_EQ(weft_http_body(req).len, 0);
    return weft_http_field(req, "X-Refuse").ptr != NULL ? weft_http_fail(res, 401, NULL, "not you")
                                                        : 0;
}

static const weft_http_layer guard = {.before = refuse_some};
static const weft_http_group guarded = {.layers = &guard, .layer_count = 1};

static const weft_http_route routes[] = {
    {.method = "GET", .path = "/ok", .handler = get_ok},
    {.method = "POST", .path = "/echo", .handler = post_echo},
    {.method = "POST", .path = "/layered", .handler = post_echo, .group = &guarded},
    {.method = "POST", .path = "/small", .handler = post_echo, .body_bytes_max = 16},
    {.method = "POST", .path = "/stream", .handler = post_stream, .flags = WEFT_HTTP_STREAM_BODY},
    {.method = "POST", .path = "/drain", .handler = post_drain, .flags = WEFT_HTTP_STREAM_BODY},
    {.method = "GET", .path = "/item/{name}", .handler = get_item},
    {.method = "GET", .path = "/sleep", .handler = get_sleep},
    {.method = "GET", .path = "/wait", .handler = get_wait},
    {.method = "GET", .path = "/count", .handler = get_count},
    {.method = "GET", .path = "/large", .handler = get_large},
    {.method = "GET", .path = "/length", .handler = get_length},
    {.method = "GET", .path = "/fail", .handler = get_fail},
    {.method = "GET", .path = "/split", .handler = get_split},
    {.method = "GET", .path = "/test", .handler = any_test},
    {.method = "POST", .path = "/test", .handler = any_test},
    {.method = "POST", .path = "/late", .handler = any_test, .flags = WEFT_HTTP_STREAM_BODY},
    {.method = "GET", .path = "/health", .handler = get_health, .flags = WEFT_HTTP_RESERVED},
};

/* ---- the server ---- */

static int serve(void *arg)
{
    struct site *site = arg;
    return weft_http_serve(site->server);
}

int site_open(struct site *site, const weft_http_options *options)
{
    return site_open_with(site, options, NULL, 0);
}

int site_open_with(struct site *site, const weft_http_options *options, const weft_http_route *more,
                   size_t more_count)
{
    *site = (struct site){0};
    site_seen = (struct site_seen){0};
    site_gate = (weft_event){0};
    int rc = weft_http_server_new(&site->server, options);
    for (size_t i = 0; i < sizeof routes / sizeof routes[0] && rc == 0; i++)
        rc = weft_http_server_add(site->server, &routes[i]);
    for (size_t i = 0; i < more_count && rc == 0; i++)
        rc = weft_http_server_add(site->server, &more[i]);
    if (rc == 0)
        rc = weft_http_server_listen(site->server, "127.0.0.1:0");
    if (rc < 0) {
        weft_http_server_free(site->server);
        site->server = NULL;
        return rc;
    }
    site->addr = *weft_http_server_get_addr(site->server, 0);
    site->task = weft_spawn(serve, site);
    return 0;
}

int site_close(struct site *site)
{
    if (site->server == NULL)
        return 0;
    weft_http_server_stop(site->server);
    int rc = weft_await(site->task);
    while (weft_done(site->task, NULL) == 0) { /* this task is cancelled; the other is not */
        WEFT_SHIELD(shield, 3600 * WEFT_SEC);
        rc = weft_await(site->task);
    }
    weft_http_server_free(site->server);
    site->server = NULL;
    return rc;
}

static int forgive(int rc)
{
    return rc == -ENOMEM || rc == -ENFILE || rc == -ENOBUFS ? 0 : rc;
}

int site_meet(weft_fn *client, size_t client_count)
{
    /* So that handlers and requests have to wait for one another; three may wait for their clients.
     */
    static const weft_http_options scarce = {.limits = {.in_hand_max = 1, .waiting_max = 3}};
    struct site site;
    weft_task clients[8];
    assert(client_count <= sizeof clients / sizeof *clients);
    int rc = site_open(&site, &scarce);
    if (rc < 0)
        return forgive(rc);
    for (size_t i = 0; i < client_count; i++)
        clients[i] = weft_spawn(client, &site);
    rc = weft_gather_n(clients, client_count);
    int closed = site_close(&site);
    return forgive(rc < 0 ? rc : closed);
}

/* ---- clients ---- */

weft_stream *client_open(struct site *site)
{
    weft_stream *client = NULL;
    CHECK_OK(weft_stream_connect(&client, &site->addr));
    return client;
}

void client_send_bytes(weft_stream *client, const void *bytes, size_t count)
{
    CHECK_OK(weft_stream_write(client, bytes, count));
    CHECK_OK(weft_stream_flush(client));
}

void client_send(weft_stream *client, const char *text)
{
    client_send_bytes(client, text, strlen(text));
}

void answer_fini(struct answer *answer)
{
    free(answer->body);
    answer->body = NULL;
}

const char *answer_field(const struct answer *answer, const char *name)
{
    static char value[512];
    size_t len = strlen(name);
    for (const char *line = strstr(answer->head, "\r\n"); line != NULL;
         line = strstr(line + 2, "\r\n")) {
        if (strncasecmp(line + 2, name, len) != 0 || line[2 + len] != ':')
            continue;
        const char *end = strstr(line + 2, "\r\n"), *at = line + 2 + len + 2;
        snprintf(value, sizeof value, "%.*s", (int)(end - at), at);
        return value;
    }
    return NULL;
}

static int body_append(struct answer *out, weft_stream *client, size_t count)
{
    out->body = realloc(out->body, out->body_bytes + count + 1);
    ssize_t rc =
        count == 0 ? 0 : weft_stream_read_exact(client, out->body + out->body_bytes, count);
    if (rc < 0)
        return (int)rc;
    out->body_bytes += count;
    out->body[out->body_bytes] = 0;
    return 0;
}

static int read_line(weft_stream *client, char *line, size_t room)
{
    weft_str shown;
    ssize_t count = weft_stream_peek_until(client, (weft_str){"\r\n", 2}, room - 1, &shown);
    if (count <= 0)
        return count == 0 ? -WEFT_ETRUNCATED : (int)count;
    memcpy(line, shown.ptr, (size_t)count);
    line[count] = 0;
    weft_stream_consume(client, (size_t)count);
    return (int)count;
}

static int read_trailers(weft_stream *client, struct answer *out)
{
    char line[256];
    for (;;) {
        int rc = read_line(client, line, sizeof line);
        if (rc < 0 || strcmp(line, "\r\n") == 0)
            return rc < 0 ? rc : 0;
        CHECK_LT(strlen(out->trailers) + strlen(line), sizeof out->trailers);
        strcat(out->trailers, line);
    }
}

static int read_chunks(weft_stream *client, struct answer *out)
{
    char line[64];
    for (;;) {
        int rc = read_line(client, line, sizeof line);
        if (rc < 0)
            return rc;
        size_t count = strtoul(line, NULL, 16);
        rc = count == 0 ? read_trailers(client, out) : body_append(out, client, count);
        if (rc < 0 || count == 0)
            return rc < 0 ? rc : body_append(out, client, 0);
        if (rc == 0)
            rc = read_line(client, line, sizeof line);
        if (rc < 0)
            return rc;
        CHECK_STR(line, "\r\n");
    }
}

static int read_to_end(weft_stream *client, struct answer *out)
{
    char piece[4096];
    ssize_t count;
    out->is_to_end = true;
    while ((count = weft_stream_read(client, piece, sizeof piece)) > 0) {
        out->body = realloc(out->body, out->body_bytes + (size_t)count + 1);
        memcpy(out->body + out->body_bytes, piece, (size_t)count);
        out->body_bytes += (size_t)count;
        out->body[out->body_bytes] = 0;
    }
    return (int)count;
}

int client_read(weft_stream *client, struct answer *out)
{
    weft_str shown;
    *out = (struct answer){0};
    ssize_t count =
        weft_stream_peek_until(client, (weft_str){"\r\n\r\n", 4}, sizeof out->head - 1, &shown);
    if (count <= 0)
        return count == 0 ? -WEFT_ETRUNCATED : (int)count;
    memcpy(out->head, shown.ptr, (size_t)count);
    weft_stream_consume(client, (size_t)count);
    CHECK_EQ(strncmp(out->head, "HTTP/1.1 ", 9), 0);
    out->status = atoi(out->head + 9);

    const char *length = answer_field(out, "Content-Length");
    if (out->status < 200 || out->status == 204)
        return 0;
    if (length != NULL)
        return body_append(out, client, strtoul(length, NULL, 10));
    if (answer_field(out, "Transfer-Encoding") != NULL)
        return read_chunks(client, out);
    return read_to_end(client, out);
}

bool client_is_closed(weft_stream *client)
{
    char byte;
    ssize_t count = weft_stream_read(client, &byte, 1);
    return count == 0 || count == -ECONNRESET;
}

int ask(struct site *site, const char *text, struct answer *out)
{
    struct answer answer;
    weft_stream *client = client_open(site);
    client_send(client, text);
    CHECK_OK(client_read(client, &answer));
    weft_stream_close(client);
    int status = answer.status;
    if (out != NULL)
        *out = answer;
    else
        answer_fini(&answer);
    return status;
}
