/* SPDX-License-Identifier: MIT */

/* Records of requests, the access log, ids and traces. */

#include "site.h"

#include <weft/error.h>
#include <weft/group.h>
#include <weft/http_layer.h>
#include <weft/http_log.h>
#include <weft/io.h>

#include "http/log/log_line.h"

#include <stdlib.h>
#include <unistd.h>

#define H "Host: a\r\n"
#define TRACE "4bf92f3577b34da6a3ce929d0e0e4736"
#define PARENT "00f067aa0ba902b7"

/* ---- lines ---- */

TEST(times_are_those_of_the_calendar)
{
    static const struct {
        int64_t seconds;
        const char *text;
    } rows[] = {
        {0, "1970-01-01T00:00:00.007Z"},          {951782399, "2000-02-28T23:59:59.007Z"},
        {951782400, "2000-02-29T00:00:00.007Z"},  {951868800, "2000-03-01T00:00:00.007Z"},
        {1709164800, "2024-02-29T00:00:00.007Z"}, {4102444799, "2099-12-31T23:59:59.007Z"},
        {4107542400, "2100-03-01T00:00:00.007Z"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[WF_LOG_TIME_BYTES];
        wf_log_time(text, rows[i].seconds * WEFT_SEC + 7 * WEFT_MS);
        CHECK_STR(text, rows[i].text);
    }
}

/* Class 31: a path cannot write a line, or to a terminal. */
TEST(a_path_cannot_write_lines_of_its_own)
{
    weft_http_record record = {
        .method = WEFT_STR("GET"),
        .path =
            WEFT_STR("/a\n{\"x\":1}\x1b[2J\"\xc2\x9b\xe2\x80\xae\xe2\x80\x8b\xf3\xa0\x81\x81\xff"),
        .status = 200,
        .is_whole = true,
        .took = 1234567,
        .sent_bytes = 5,
        .request_id = "r1",
    };
    wf_buf out = {0};
    wf_log_line_text(&out, &record);
    wf_buf_putc(&out, 0);
    CHECK_STR(wf_buf_ptr(&out),
              "1970-01-01T00:00:00.000Z - \"GET /a\\u000a{\\u0022x\\u0022:1}\\u001b[2J\\u0022"
              "\\u009b\\u202e\\u200b\\udb40\\udc41\\ufffd\" 200 5 1.235ms r1\n");
    wf_buf_reset(&out);
    wf_log_line_json(&out, &record);
    const char *end = wf_buf_ptr(&out) + wf_buf_bytes(&out) - 1;
    CHECK_EQ((const char *)memchr(wf_buf_ptr(&out), '\n', wf_buf_bytes(&out)), end);
    wf_buf_putc(&out, 0);
    CHECK(strstr(wf_buf_ptr(&out), "\"path\":\"/a\\n{\\\"x\\\":1}\\u001b[2J\\\""
                                   "\\u009b\\u202e\\u200b\\udb40\\udc41\xEF\xBF\xBD\"") != NULL);
    wf_buf_fini(&out);
}

/* ---- records ---- */

static char seen[2048];

static void record_put(const weft_http_record *record, void *arg)
{
    (void)arg;
    CHECK(record->request_id[0] != 0);
    snprintf(seen + strlen(seen), sizeof seen - strlen(seen), "%.*s %.*s %s %d %d %llu %llu\n",
             (int)record->method.len, record->method.ptr != NULL ? record->method.ptr : "",
             (int)record->path.len, record->path.ptr != NULL ? record->path.ptr : "",
             record->route != NULL ? record->route : "-", record->status, record->is_whole,
             (unsigned long long)record->received_bytes, (unsigned long long)record->sent_bytes);
}

TASK_TEST(every_request_leaves_one_record)
{
    static const struct {
        const char *text, *record;
    } rows[] = {
        {"GET /ok?token=x HTTP/1.1\r\n" H "\r\n", "GET /ok /ok 200 1 0 3\n"},
        {"POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\nbody",
         "POST /echo /echo 200 1 4 4\n"},
        {"GET /count?n=2 HTTP/1.1\r\n" H "\r\n", "GET /count /count 200 1 0 14\n"},
        {"GET /item/x HTTP/1.1\r\n" H "\r\n", "GET /item/x /item/{name} 200 1 0 2\n"},
    };
    struct site site;
    const weft_http_options options = {.done = record_put};
    CHECK_OK(site_open(&site, &options));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i].text);
        seen[0] = 0;
        CHECK_EQ(ask(&site, rows[i].text, NULL), 200);
        CHECK_STR(seen, rows[i].record);
    }
    seen[0] = 0;
    CHECK_EQ(ask(&site, "GET /nowhere HTTP/1.1\r\n" H "\r\n", NULL), 404);
    CHECK_EQ(strncmp(seen, "GET /nowhere - 404 1 0 ", 23), 0);
    seen[0] = 0;
    CHECK_EQ(ask(&site, "BREW /tea HTTP/1.1\r\n" H "\r\n", NULL), 501);
    CHECK_EQ(strncmp(seen, "BREW  - 501 1 0 ", 16), 0); /* no path of the request before */
    seen[0] = 0;
    CHECK_EQ(ask(&site, "GET\r\n\r\n", NULL), 400);
    CHECK_EQ(strncmp(seen, "  - 400 1 0 ", 12), 0);
    seen[0] = 0;
    CHECK_OK(site_close(&site));
    CHECK_STR(seen, "");
}

/* How one ended, with its client's address, which is asked for when it may be gone. */
static char ended[256];

static void end_put(const weft_http_record *record, void *arg)
{
    char peer[WEFT_ADDR_TEXT_BYTES] = "";
    (void)arg;
    if (record->peer != NULL)
        CHECK_GE(weft_addr_format(record->peer, peer, sizeof peer), 0);
    peer[strcspn(peer, ":")] = 0;
    snprintf(ended, sizeof ended, "%s %s %d %d %s", peer, record->version, record->status,
             record->is_whole, record->end);
}

static int begin_and_wait(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(weft_http_write(res, "a", 1));
    return weft_sleep(WEFT_FOREVER);
}

static int begin_and_read(weft_http_request *req, weft_http_response *res, void *arg)
{
    char byte;
    (void)arg;
    WEFT_TRY(weft_http_write(res, "a", 1));
    return weft_http_read(req, &byte, 1) < 0 ? -EIO : 0;
}

static int begin_and_fail(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(weft_http_write(res, "a", 1));
    return -EIO;
}

static int begin_and_write(weft_http_request *req, weft_http_response *res, void *arg)
{
    static char large[64 * 1024];
    int rc = 0;
    (void)req;
    (void)arg;
    while (rc == 0)
        rc = weft_http_write(res, large, sizeof large);
    return rc;
}

TASK_TEST(a_record_says_why_an_answer_is_not_whole)
{
    static const struct {
        const char *text;
        weft_http_handler *handler;
        bool leaves; /* the client */
        const char *ended;
    } rows[] = {
        {"GET /ok HTTP/1.0\r\n\r\n", NULL, false, "127.0.0.1 HTTP/1.0 200 1 complete"},
        {"GET /test HTTP/1.1\r\n" H "\r\n", begin_and_wait, true,
         "127.0.0.1 HTTP/1.1 200 0 client_closed"},
        {"GET /wait HTTP/1.1\r\n" H "\r\n", NULL, true, "127.0.0.1 HTTP/1.1 0 0 client_closed"},
        {"POST /echo HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\n", NULL, true,
         "127.0.0.1 HTTP/1.1 0 0 client_closed"},
        {"GET /test HTTP/1.1\r\n" H "\r\n", begin_and_wait, false,
         "127.0.0.1 HTTP/1.1 200 0 handler_timeout"},
        {"POST /late HTTP/1.1\r\n" H "Content-Length: 4\r\n\r\n", begin_and_read, false,
         "127.0.0.1 HTTP/1.1 200 0 body_timeout"},
        {"GET /test HTTP/1.1\r\n" H "\r\n", begin_and_fail, false,
         "127.0.0.1 HTTP/1.1 200 0 handler_error"},
        {"GET /test HTTP/1.1\r\n" H "\r\n", begin_and_write, false,
         "127.0.0.1 HTTP/1.1 200 0 write_timeout"},
    };
    /* A kernel that takes megabytes of an answer gives its reader two minutes. */
    static const weft_http_options options = {.done = end_put,
                                              .limits = {.handler_time_max = 300 * WEFT_SEC}};
    struct site site;
    CHECK_OK(site_open(&site, &options));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu", i);
        site_handler = rows[i].handler;
        weft_stream *client = client_open(&site);
        client_send(client, rows[i].text);
        CHECK_OK(weft_sleep(WEFT_SEC));
        if (rows[i].leaves)
            weft_stream_abort(client);
        CHECK_OK(weft_sleep(400 * WEFT_SEC));
        CHECK_STR(ended, rows[i].ended);
        if (!rows[i].leaves)
            weft_stream_abort(client);
    }
    site_handler = begin_and_wait;
    weft_stream *client = client_open(&site);
    client_send(client, "GET /test HTTP/1.1\r\n" H "\r\n");
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_http_server_stop(site.server);
    weft_http_server_stop(site.server);
    CHECK_OK(site_close(&site));
    CHECK_STR(ended, "127.0.0.1 HTTP/1.1 200 0 server_stopped");
    weft_stream_abort(client);
}

TASK_TEST(an_answer_that_breaks_off_is_told_as_such)
{
    struct site site;
    struct answer answer;
    const weft_http_options options = {.done = record_put};
    CHECK_OK(site_open(&site, &options));
    seen[0] = 0;
    weft_stream *client = client_open(&site);
    client_send(client, "GET /length?n=3 HTTP/1.1\r\n" H "\r\n");
    CHECK_LT(client_read(client, &answer), 0);
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_STR(seen, "GET /length /length 200 0 0 3\n");
    CHECK_OK(site_close(&site));
}

/* ---- ids and traces ---- */

static int show(weft_http_request *req, weft_http_response *res, void *arg)
{
    char text[512], parent[WEFT_TRACE_BYTES];
    const weft_trace *trace = weft_trace_get();
    (void)arg;
    CHECK(trace != NULL);
    CHECK_STR(weft_http_current_id(), weft_http_request_id(req));
    weft_trace_format(trace, parent);
    snprintf(text, sizeof text, "%s %s %d %zu %d", trace->trace_id, trace->parent_id, trace->flags,
             strlen(trace->span_id), strcmp(trace->span_id, trace->parent_id) != 0);
    return weft_http_respond_text(res, 200, text);
}

static int child(void *arg)
{
    snprintf(arg, 130, "%s", weft_http_current_id());
    return 0;
}

static int show_child(weft_http_request *req, weft_http_response *res, void *arg)
{
    char id[130] = "";
    (void)req;
    (void)arg;
    int rc = weft_await(weft_spawn(child, id));
    return rc < 0 ? rc : weft_http_respond_text(res, 200, id);
}

static char later_id[130];

static int deferring(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    int rc = weft_http_defer(req, child, later_id);
    return rc < 0 ? rc : weft_http_respond_text(res, 200, "later");
}

static const weft_http_route trace_routes[] = {
    {.method = "GET", .path = "/trace", .handler = show},
    {.method = "GET", .path = "/child", .handler = show_child},
    {.method = "GET", .path = "/later", .handler = deferring},
};

TASK_TEST(a_trace_goes_on_and_the_tasks_of_a_request_know_it)
{
    struct site site;
    struct answer answer;
    const weft_http_options options = {.takes_trace = true, .gives_ids = true};
    CHECK_OK(site_open_with(&site, &options, trace_routes, 3));
    CHECK_EQ(ask(&site,
                 "GET /trace HTTP/1.1\r\n" H "traceparent: 00-" TRACE "-" PARENT "-01\r\n\r\n",
                 &answer),
             200);
    CHECK_STR(answer.body, TRACE " " PARENT " 1 16 1");
    CHECK_EQ(strlen(answer_field(&answer, "X-Request-Id")), 16u);
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "GET /trace HTTP/1.1\r\n" H "traceparent: nonsense\r\n\r\n", &answer), 200);
    CHECK_EQ(strlen(answer.body), strlen(TRACE "  0 16 1"));
    answer_fini(&answer);

    CHECK_EQ(ask(&site, "GET /child HTTP/1.1\r\n" H "X-Request-Id: mine\r\n\r\n", &answer), 200);
    CHECK_STR(answer.body, "mine");
    CHECK_STR(answer_field(&answer, "X-Request-Id"), "mine");
    answer_fini(&answer);

    later_id[0] = 0;
    CHECK_EQ(ask(&site, "GET /later HTTP/1.1\r\n" H "X-Request-Id: afterwards\r\n\r\n", NULL), 200);
    CHECK_OK(site_close(&site));
    CHECK_STR(later_id, "afterwards");
}

TASK_TEST(an_id_is_made_where_the_clients_is_not_sane)
{
    struct site site;
    struct answer answer;
    const weft_http_options options = {.gives_ids = true};
    CHECK_OK(site_open(&site, &options));
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H "X-Request-Id: a b\r\n\r\n", &answer), 200);
    CHECK_EQ(strlen(answer_field(&answer, "X-Request-Id")), 16u);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

/* ---- the log ---- */

static const weft_http_record line = {
    .method = WEFT_STR("GET"), .path = WEFT_STR("/"), .status = 200, .request_id = "0"};

/* The simulator knows only descriptors it has made. */
static bool has_no_pipes(void)
{
    return strcmp(test_backend(), "sim") == 0;
}

static size_t read_all(int fd, char *out, size_t room)
{
    size_t count = 0;
    ssize_t rc;
    while ((rc = weft_read(fd, out + count, room - 1 - count)) > 0)
        count += (size_t)rc;
    out[count] = 0;
    return count;
}

TASK_TEST(the_log_writes_all_lines_at_its_end)
{
    int ends[2];
    static char text[8192];
    weft_http_log *log;
    if (has_no_pipes())
        return;
    CHECK_OK(pipe(ends));
    CHECK_OK(weft_http_log_open(&log, ends[1], WEFT_HTTP_LOG_TEXT, 0));
    for (int i = 0; i < 50; i++)
        weft_http_log_put(&line, log);
    weft_http_log_close(log);
    CHECK_OK(weft_close(ends[1]));
    CHECK_EQ(read_all(ends[0], text, sizeof text),
             50 * strlen("1970-01-01T00:00:00.000Z - \"GET /\" 200 0 0.000ms 0 broken\n"));
    CHECK_OK(weft_close(ends[0]));
}

/* Nobody reads the pipe: the log is full at last, counts, and nobody waited. */
TASK_TEST(a_full_log_drops_and_tells)
{
    int ends[2];
    static char text[1 << 20];
    weft_http_log *log;
    if (has_no_pipes())
        return;
    CHECK_OK(pipe(ends));
    CHECK_OK(weft_http_log_open(&log, ends[1], WEFT_HTTP_LOG_JSON, 4096));
    for (int i = 0; i < 4096; i++) {
        weft_http_log_put(&line, log);
        if (i % 16 == 0)
            CHECK_OK(weft_yield());
    }
    uint64_t dropped = weft_http_log_dropped(log);
    CHECK_GT(dropped, 0u);
    size_t count = 0;
    ssize_t rc = weft_read(ends[0], text, sizeof text); /* now somebody does */
    CHECK_OK(rc);
    count += (size_t)rc;
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_http_log_put(&line, log);
    weft_http_log_close(log);
    CHECK_OK(weft_close(ends[1]));
    count += read_all(ends[0], text + count, sizeof text - count);
    CHECK_OK(weft_close(ends[0]));
    size_t lines = 0, gaps = 0;
    for (size_t i = 0; i < count; i++)
        lines += text[i] == '\n';
    for (const char *at = text; (at = strstr(at, "{\"dropped\":")) != NULL; at++)
        gaps++;
    CHECK_GT(gaps, 0u);
    CHECK_EQ(lines - gaps + dropped, 4097u);
}

/* Each line is in one of the two, none in the old one after the move, which then may be closed. */
TASK_TEST(a_log_moves_to_another_file)
{
    int old[2], new[2];
    static char text[8192];
    static const char *const one = "1970-01-01T00:00:00.000Z - \"GET /\" 200 0 0.000ms 0 broken\n";
    weft_http_log *log;
    if (has_no_pipes())
        return;
    CHECK_OK(pipe(old));
    CHECK_OK(pipe(new));
    CHECK_OK(weft_http_log_open(&log, old[1], WEFT_HTTP_LOG_TEXT, 0));
    weft_http_log_put(&line, log);
    CHECK_OK(weft_yield());
    CHECK_OK(weft_http_log_move(log, new[1]));
    CHECK_OK(weft_close(old[1]));
    weft_http_log_put(&line, log);
    weft_http_log_close(log);
    CHECK_OK(weft_close(new[1]));
    size_t count = read_all(old[0], text, sizeof text);
    CHECK_LE(count, strlen(one));
    count += read_all(new[0], text, sizeof text);
    CHECK(count >= strlen(one));
    CHECK_EQ(count, 2 * strlen(one));
    CHECK_OK(weft_close(old[0]));
    CHECK_OK(weft_close(new[0]));
}

static int move_log(void *log)
{
    return weft_http_log_move(log, 1000);
}

/* A write that does not end holds up a move, which can be given up: the old file stays. */
TASK_TEST(a_move_that_is_cancelled_leaves_the_log_where_it_is)
{
    int ends[2];
    static char text[1 << 20];
    weft_http_log *log;
    if (has_no_pipes())
        return;
    CHECK_OK(pipe(ends));
    CHECK_OK(weft_http_log_open(&log, ends[1], WEFT_HTTP_LOG_JSON, 1 << 18));
    for (int i = 0; i < 500; i++)
        weft_http_log_put(&line, log);
    CHECK_OK(weft_sleep(WEFT_SEC)); /* the pipe is full */
    weft_task mover = weft_spawn(move_log, log);
    CHECK_OK(weft_yield());
    CHECK_EQ(weft_http_log_move(log, 1001), -EBUSY);
    (void)weft_cancel(mover, "test");
    CHECK_EQ(weft_await(mover), -ECANCELED);
    ssize_t rc = weft_read(ends[0], text, sizeof text);
    CHECK_OK(rc);
    size_t count = (size_t)rc;
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_http_log_dropped(log), 0u);
    weft_http_log_close(log);
    CHECK_OK(weft_close(ends[1]));
    (void)read_all(ends[0], text + count, sizeof text - count);
    CHECK_OK(weft_close(ends[0]));
    size_t lines = 0;
    for (const char *at = text; (at = strchr(at, '\n')) != NULL; at++)
        lines++;
    CHECK_EQ(lines, 500u);
}

SCENARIO(a_log_is_opened_written_and_closed)
{
    int ends[2];
    weft_http_log *log;
    if (pipe(ends) < 0)
        return -errno;
    int rc = weft_http_log_open(&log, ends[1], WEFT_HTTP_LOG_JSON, 0);
    if (rc == 0) {
        weft_http_log_put(&line, log);
        rc = weft_yield();
        weft_http_log_put(&line, log);
        int moved = weft_http_log_move(log, ends[1]);
        rc = rc == 0 ? moved : rc;
        weft_http_log_close(log);
    }
    close(ends[0]);
    close(ends[1]);
    return rc;
}
