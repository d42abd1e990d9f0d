/* SPDX-License-Identifier: MIT */

/* Connections that end after an error: the answer arrives although the client goes on sending. */

#include "site.h"

#include <weft.h>
#include <weft/http_files.h>

#include "core/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>

#define H "Host: test\r\n"
#define END "\r\n"

enum { UPLOAD_BYTES = 8 * 1024 * 1024 };

/* A client that looks at no answer before all is sent. */
static int upload(void *arg)
{
    char *bytes = calloc(1, UPLOAD_BYTES);
    CHECK(bytes != NULL);
    int rc = weft_stream_write(arg, bytes, UPLOAD_BYTES);
    free(bytes);
    return rc;
}

static void check_answer_of_upload(struct site *site, const char *head, int status)
{
    struct answer answer;
    weft_stream *client = client_open(site);
    client_send(client, head);
    weft_task task = weft_spawn(upload, client);
    CHECK_OK(weft_sleep(WEFT_SEC)); /* it reads late, too */
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, status);
    CHECK_STR(answer_field(&answer, "connection"), "close");
    answer_fini(&answer);
    (void)weft_await(task); /* cut off when the server has waited long enough */
    weft_stream_abort(client);
}

TASK_TEST(a_refused_upload_gets_its_answer)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    check_answer_of_upload(&site, "POST /small HTTP/1.1\r\n" H "Content-Length: 8388608\r\n" END,
                           413);
    check_answer_of_upload(&site, "POST /echo HTTP/1.1\r\n" H "Content-Length: x\r\n" END, 400);
    check_answer_of_upload(&site, "POST /echo HTTP/1.1\r\n" H "Transfer-Encoding: gzip\r\n" END,
                           501);
    CHECK_OK(site_close(&site));
}

/* Connections that linger do not keep a server that stops for longer than they linger, and a
 * cancel of the serving task changes nothing about it. */
TASK_TEST(a_server_that_is_cancelled_while_connections_linger_ends)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "POST /small HTTP/1.1\r\n" H "Content-Length: 8388608\r\n" END);
    weft_task task = weft_spawn(upload, client);
    CHECK_OK(weft_sleep(100 * WEFT_MS));
    weft_time from = weft_now();
    (void)weft_cancel(site.task, "enough");
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 413);
    answer_fini(&answer);
    CHECK_EQ(weft_await(site.task), -ECANCELED);
    CHECK_LE(weft_now() - from, 2 * WEFT_SEC + 20 * WEFT_MS);
    (void)weft_await(task);
    weft_stream_abort(client);
    CHECK_EQ(site_close(&site), -ECANCELED);
}

/* The kernel would let clients in, and nobody would answer. */
TASK_TEST(a_server_that_cannot_begin_does_not_listen)
{
    weft_http_server *server;
    weft_stream *client;
    CHECK_OK(weft_http_server_new(&server, NULL));
    CHECK_OK(weft_http_server_listen(server, "127.0.0.1:0"));
    weft_addr addr = *weft_http_server_get_addr(server, 0);
    weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = 1};
    weft_fault_plan *before = weft_fault_arm(&plan);
    int rc = weft_http_serve(server);
    weft_fault_arm(before);
    CHECK_EQ(rc, -ENOMEM);
    CHECK_EQ(weft_stream_connect(&client, &addr), -ECONNREFUSED);
    weft_http_server_free(server);
}

/* ---- handlers that take a failed write for a whole answer ---- */

static char large[16 << 20]; /* more than the kernel keeps */

static int stop_in_the_middle(weft_http_response *res, int (*send)(weft_http_response *res))
{
    weft_scope limit;
    CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_SEC), 0));
    CHECK_EQ(weft_scope_close(&limit, send(res)), -ETIMEDOUT);
    return 0;
}

static int write_large(weft_http_response *res)
{
    return weft_http_write(res, large, sizeof large);
}

static int respond_large(weft_http_response *res)
{
    return weft_http_respond(res, 200, NULL, large, sizeof large);
}

static int cut_chunk(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return stop_in_the_middle(res, write_large);
}

static int cut_length(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    CHECK_OK(weft_http_set_length(res, sizeof large));
    return stop_in_the_middle(res, write_large);
}

static int cut_respond(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return stop_in_the_middle(res, respond_large);
}

static int cut_file(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    scratch_make();
    int fd = weft_open(scratch("short"), O_RDWR | O_CREAT, 0600);
    CHECK_OK(fd);
    CHECK_OK(weft_truncate(fd, 100));
    CHECK_OK(weft_http_set_length(res, 4096));
    CHECK_EQ(weft_http_write_file(res, fd, 0, 4096), -WEFT_ETRUNCATED);
    CHECK_OK(weft_close(fd));
    scratch_clean(0);
    return 0;
}

/* What comes, to its end, which may be a reset. */
static unsigned count_answers(weft_stream *client)
{
    static char text[sizeof large + 65536];
    size_t bytes = 0;
    unsigned count = 0;
    ssize_t got;
    while ((got = weft_stream_read(client, text + bytes, sizeof text - bytes)) > 0)
        bytes += (size_t)got;
    for (char *at = text; (at = memmem(at, bytes - (size_t)(at - text), "HTTP/1.1 ", 9)); at++)
        count++;
    return count;
}

/* The next answer on the connection would be taken for the rest of this one's body. */
TASK_TEST(class_26_an_answer_of_which_a_piece_is_missing_is_the_last)
{
    static weft_http_handler *const handlers[] = {cut_chunk, cut_length, cut_respond, cut_file};
    for (size_t i = 0; i < sizeof handlers / sizeof handlers[0]; i++) {
        struct site site;
        note("handler %zu", i);
        site_handler = handlers[i];
        CHECK_OK(site_open(&site, NULL));
        weft_stream *client = client_open(&site);
        client_send(client, "GET /test HTTP/1.1\r\n" H END "GET /ok HTTP/1.1\r\n" H END);
        CHECK_OK(weft_sleep(3 * WEFT_SEC));
        CHECK_LE(count_answers(client), 1u);
        weft_stream_abort(client);
        CHECK_OK(site_close(&site));
    }
}

/* ---- answers that are on their way ---- */

/* Sixteen of these fill what a connection keeps; they and what is behind them come at once. */
#define LARGE "GET /large?kib=16 HTTP/1.1\r\n" H END
#define FOUR LARGE LARGE LARGE LARGE

/* Answers on their way are as good as those that have arrived: what is wrong behind them does not
 * take them back. */
TASK_TEST(class_09_what_is_refused_behind_answers_on_their_way_takes_none_back)
{
    static const struct {
        const char *text;
        int status;
    } rows[] = {
        {"GET / HTTP/1.1\r\n X: y\r\n" END, 400},
        {"POST /small HTTP/1.1\r\n" H "Content-Length: 17\r\n" END, 413},
        {"POST /small HTTP/1.1\r\n" H "Transfer-Encoding: chunked\r\n" END "11\r\n", 413},
        {"POST /echo HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1\r\n" END, 100},
        {"POST /drain HTTP/1.1\r\n" H "Expect: 100-continue\r\nContent-Length: 1\r\n" END, 100},
    };
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char text[2048];
        struct answer answer;
        weft_stream *client = client_open(&site);
        note("row %zu", i);
        snprintf(text, sizeof text, FOUR FOUR FOUR FOUR "%s", rows[i].text);
        client_send(client, text);
        for (int count = 0; count < 16; count++) {
            CHECK_OK(client_read(client, &answer));
            CHECK_EQ(answer.body_bytes, (size_t)16 * 1024);
            answer_fini(&answer);
        }
        CHECK_OK(client_read(client, &answer));
        CHECK_EQ(answer.status, rows[i].status);
        answer_fini(&answer);
        weft_stream_abort(client);
    }
    CHECK_OK(site_close(&site));
}
