/* SPDX-License-Identifier: MIT */

/* Connections that end after an error: the answer arrives although the client goes on sending. */

#include "site.h"

#include <weft.h>

#include <stdlib.h>

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
