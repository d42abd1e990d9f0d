/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a reverse proxy with limits.  Bodies pass piece by piece, so that no one waits for
 * memory: who reads slowly is written to slowly.  A client that goes away cuts its request behind.
 * 17_reverse_proxy LISTEN BACKEND: "unix:PATH" or "HOST:PORT", and "http://127.0.0.1:9000".
 *
 *     python3 -m http.server -b 127.0.0.1 9000 & 17_reverse_proxy & curl http://127.0.0.1:8080/
 */

#include <weft.h>
#include <weft/client.h>
#include <weft/http_layer.h>
#include <weft/http_log.h>

#include <stdio.h>
#include <string.h>
#include <unistd.h>

struct proxy {
    weft_client *client;
    const char *listen, *backend;
};

/* What concerns one connection alone (RFC 9110 7.6.1), and what each side says for itself. */
static bool is_hop_field(const char *name)
{
    static const char hops[] = "|connection|keep-alive|proxy-connection|te|trailer|upgrade|host|"
                               "transfer-encoding|content-length|content-encoding|accept-encoding|"
                               "expect|date|x-request-id|traceparent|";
    char entry[132];
    snprintf(entry, sizeof entry, "|%s|", name);
    return strcasestr(hops, entry) != NULL;
}

struct body {
    weft_http_request *req;
    ssize_t got; /* by the last read */
};

static ssize_t read_body(void *buf, size_t bytes, void *arg)
{
    struct body *body = arg;
    return body->got = weft_http_read(body->req, buf, bytes);
}

/* The fields that go on, with the id and the trace of this request. */
static size_t put_fields(weft_http_request *req, weft_client_field out[], char trace[])
{
    static const char *const passed[] = {"accept",     "authorization", "content-type",  "cookie",
                                         "user-agent", "range",         "if-none-match", NULL};
    size_t count = 0;
    for (size_t i = 0; passed[i] != NULL; i++) {
        out[count] = (weft_client_field){weft_str_of(passed[i]), weft_http_field(req, passed[i])};
        count += out[count].value.ptr != NULL;
    }
    const char *id = weft_http_request_id(req);
    out[count++] = (weft_client_field){WEFT_STR("X-Request-Id"), weft_str_of(id)};
    weft_trace_format(weft_trace_get(), trace);
    out[count++] = (weft_client_field){WEFT_STR("traceparent"), weft_str_of(trace)};
    return count;
}

static int pass_back(weft_exchange *exchange, weft_http_response *res)
{
    char piece[16 * 1024];
    weft_client_field field;
    ssize_t count;
    WEFT_TRY(weft_http_set_status(res, weft_exchange_status(exchange)));
    for (size_t i = 0; weft_exchange_field_at(exchange, i, &field); i++) {
        char name[128];
        snprintf(name, sizeof name, "%.*s", (int)field.name.len, field.name.ptr);
        if (!is_hop_field(name))
            WEFT_TRY(weft_http_set_field(res, name, field.value));
    }
    if (weft_exchange_length(exchange) >= 0)
        WEFT_TRY(weft_http_set_length(res, (uint64_t)weft_exchange_length(exchange)));
    while ((count = weft_exchange_read(exchange, piece, sizeof piece)) > 0)
        WEFT_TRY(weft_http_write(res, piece, (size_t)count));
    return (int)count; /* cut off behind: cut off here, never a short success */
}

static int pass_on(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct proxy *proxy = arg;
    weft_client_field fields[16];
    struct body body = {.req = req};
    char url[9000], method[16], trace[WEFT_TRACE_BYTES];
    weft_str target = weft_http_target(req), name = weft_http_method(req);
    int64_t bytes = weft_http_length(req);
    snprintf(url, sizeof url, "%.800s%.*s", proxy->backend, (int)target.len, target.ptr);
    snprintf(method, sizeof method, "%.*s", (int)name.len, name.ptr);
    weft_client_request request = {
        .method = method,
        .url = url,
        .fields = fields,
        .field_count = put_fields(req, fields, trace),
        .body_read = bytes != 0 ? read_body : NULL,
        .body_arg = &body,
        .body_bytes = bytes > 0 ? bytes : 0, /* else in chunks */
        .keeps_redirects = true,
    };
    weft_exchange *exchange;
    int rc = weft_exchange_open(&exchange, proxy->client, &request);
    if (rc == -ECANCELED || body.got < 0) /* then the server says what is wrong with the body */
        return rc;
    if (rc < 0)
        return weft_http_fail(res, rc == -ETIMEDOUT ? 504 : 502, NULL, "%s", weft_error_text());
    rc = pass_back(exchange, res);
    weft_exchange_close(exchange);
    return rc;
}

static int serve(void *arg)
{
    static const char *const methods[] = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"};
    static const weft_http_group limits = {
        .body_bytes_max = 64 << 20, .handler_time_max = 30 * WEFT_SEC, .in_hand_max = 48};
    struct proxy *proxy = arg;
    weft_http_options options = {.done = weft_http_log_put, .gives_ids = true, .takes_trace = true};
    weft_http_log *log = NULL;
    weft_http_server *server = NULL;
    int rc = weft_http_log_open(&log, STDOUT_FILENO, WEFT_HTTP_LOG_TEXT, 0);
    options.done_arg = log;
    rc = rc < 0 ? rc : weft_client_new(&proxy->client, NULL);
    rc = rc < 0 ? rc : weft_http_server_new(&server, &options);
    weft_http_route route = {.path = "/{path*}", .handler = pass_on, .arg = proxy};
    route.flags = WEFT_HTTP_STREAM_BODY;
    route.group = &limits;
    for (size_t i = 0; i < 6 && rc == 0; i++) {
        route.method = methods[i];
        rc = weft_http_server_add(server, &route);
    }
    rc = rc < 0 ? rc : weft_http_server_listen(server, proxy->listen);
    if (rc == 0)
        fprintf(stderr, "serving at %s; Ctrl-C ends it\n", proxy->listen);
    rc = rc < 0 ? rc : weft_http_serve(server); /* until SIGINT or SIGTERM */
    weft_http_server_free(server);
    weft_client_free(proxy->client);
    weft_http_log_close(log);
    return rc == -ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    struct proxy proxy = {.listen = argc > 1 ? argv[1] : "127.0.0.1:8080",
                          .backend = argc > 2 ? argv[2] : "http://127.0.0.1:9000"};
    return weft_main(serve, &proxy);
}
