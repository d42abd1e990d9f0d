/* SPDX-License-Identifier: MIT */

/* Trailers over HTTP/1.1; h2_test.c has those of HTTP/2. */

#include "site.h"

#include <weft/error.h>
#include <weft/scope.h>

#define H "Host: a\r\n"
#define CHUNKED "Transfer-Encoding: chunked\r\n"
#define END "\r\n"
#define BODY "2\r\nhi\r\n0\r\n"

static char seen[128];

static void see(const weft_http_request *req)
{
    weft_str digest = weft_http_trailer(req, "digest"), host = weft_http_trailer(req, "Host");
    snprintf(seen, sizeof seen, "%s|%.*s|%s", digest.ptr != NULL ? "there" : "none",
             (int)digest.len, digest.ptr, host.ptr != NULL ? "there" : "none");
}

static int look(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[8];
    ssize_t count;
    (void)arg;
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        continue;
    if (count < 0)
        return (int)count;
    see(req);
    return weft_http_respond_text(res, 200, "ok\n");
}

static void check_seen(const char *request, int status, const char *expected)
{
    struct site site;
    snprintf(seen, sizeof seen, "-");
    site_handler = look;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(ask(&site, request, NULL), status);
    CHECK_STR(seen, expected);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_10_trailers_can_be_read_behind_the_body)
{
    static const char *const paths[] = {"/test", "/late"};
    for (size_t i = 0; i < 2; i++) {
        char text[512];
        snprintf(text, sizeof text, "POST %s HTTP/1.1\r\n" H CHUNKED END BODY "Digest: abc\r\n" END,
                 paths[i]);
        check_seen(text, 200, "there|abc|none");
        snprintf(text, sizeof text, "POST %s HTTP/1.1\r\n" H CHUNKED END BODY END, paths[i]);
        check_seen(text, 200, "none||none");
        snprintf(text, sizeof text,
                 "POST %s HTTP/1.1\r\n" H CHUNKED END BODY "Host: b\r\nDIGEST: \r\n" END, paths[i]);
        check_seen(text, 200, "there||none");
        snprintf(text, sizeof text,
                 "POST %s HTTP/1.1\r\n" H CHUNKED END BODY "Digest: a\x01\r\n" END, paths[i]);
        check_seen(text, 400, "-");
    }
}

/* What one request left behind is not the next one's. */
TASK_TEST(class_10_trailers_are_of_their_request_alone)
{
    struct site site;
    struct answer answer;
    site_handler = look;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    client_send(client, "POST /test HTTP/1.1\r\n" H CHUNKED END BODY "Digest: abc\r\n" END);
    CHECK_OK(client_read(client, &answer));
    answer_fini(&answer);
    client_send(client, "GET /test HTTP/1.1\r\n" H END);
    CHECK_OK(client_read(client, &answer));
    answer_fini(&answer);
    CHECK_STR(seen, "none||none");
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

/* ---- of answers ---- */

static int promised;

static int tell(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const weft_str value = {"abc", 3}, split = {"a\r\nb: c", 7};
    (void)req;
    (void)arg;
    CHECK_EQ(weft_http_set_trailer(res, "Digest", value), -EINVAL); /* not promised */
    CHECK_EQ(weft_http_promise_trailers(res, "Digest, Content-Length"), -EINVAL);
    CHECK_EQ(weft_http_promise_trailers(res, "Digest, no name"), -EINVAL);
    CHECK_EQ(weft_http_promise_trailers(res, ""), -EINVAL);
    promised = weft_http_promise_trailers(res, "Digest, Took");
    WEFT_TRY(promised);
    CHECK_EQ(weft_http_promise_trailers(res, "Digest"), -EALREADY);
    WEFT_TRY(weft_http_write(res, "hello", 5));
    WEFT_TRY(weft_http_set_trailer(res, "digest", value));
    CHECK_EQ(weft_http_set_trailer(res, "Other", value), -EINVAL);
    CHECK_EQ(weft_http_set_trailer(res, "Took", split), -EINVAL);
    return weft_http_write(res, " you", 4);
}

static void check_told(const char *request, int is_taken, const char *trailers)
{
    struct site site;
    struct answer answer;
    site_handler = tell;
    promised = -1;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(ask(&site, request, &answer), 200);
    CHECK_EQ(promised, is_taken);
    CHECK_STR(answer.trailers, trailers);
    if (answer.body_bytes != 0)
        CHECK_STR(answer.body, "hello you");
    const char *names = answer_field(&answer, "Trailer");
    if (is_taken)
        CHECK_STR(names, "Digest, Took");
    else
        CHECK(names == NULL);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_10_trailers_of_an_answer_go_to_clients_that_take_them)
{
    check_told("GET /test HTTP/1.1\r\n" H "TE: deflate, trailers\r\n" END, 1, "digest: abc\r\n");
    check_told("GET /test HTTP/1.1\r\n" H END, 0, "");
    check_told("GET /test HTTP/1.1\r\n" H "TE: trailersX\r\n" END, 0, "");
    check_told("GET /test HTTP/1.0\r\n" H "TE: trailers\r\n" END, 0, "");
}

static int tell_at_once(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(weft_http_promise_trailers(res, "Digest"));
    WEFT_TRY(weft_http_set_trailer(res, "Digest", weft_str_of("abc")));
    int rc = weft_http_respond_text(res, 200, "whole\n");
    CHECK_EQ(weft_http_set_trailer(res, "Digest", weft_str_of("late")), -EALREADY);
    CHECK_EQ(weft_http_promise_trailers(res, "Digest"), -EALREADY);
    return rc;
}

/* A length leaves no place for them, and the next answer on the connection is where it must be. */
TASK_TEST(class_10_an_answer_with_a_length_has_no_trailers)
{
    struct site site;
    struct answer answer;
    site_handler = tell_at_once;
    CHECK_OK(site_open(&site, NULL));
    weft_stream *client = client_open(&site);
    for (int i = 0; i < 2; i++) {
        client_send(client, "GET /test HTTP/1.1\r\n" H "TE: trailers\r\n" END);
        CHECK_OK(client_read(client, &answer));
        CHECK_STR(answer.body, "whole\n");
        answer_fini(&answer);
    }
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

/* ---- with anything failing ---- */

static int tell_what_came(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    weft_str digest = weft_http_trailer(req, "Digest");
    WEFT_TRY(weft_http_promise_trailers(res, "Digest"));
    WEFT_TRY(weft_http_write(res, "hello", 5));
    return weft_http_set_trailer(res, "Digest", digest);
}

SCENARIO(class_10_trailers_with_anything_failing)
{
    static const char text[] =
        "POST /test HTTP/1.1\r\n" H CHUNKED "TE: trailers\r\n" END BODY "Digest: abc\r\n" END;
    struct site site;
    struct answer answer = {0};
    weft_stream *client = NULL;
    weft_scope patience; /* the server may have failed to serve */
    site_handler = tell_what_came;
    WEFT_TRY(site_open(&site, NULL));
    (void)weft_scope_open(&patience, weft_after(100 * WEFT_SEC), 0);
    int rc = weft_stream_connect(&client, &site.addr);
    if (rc == 0)
        rc = weft_stream_write(client, text, sizeof text - 1);
    if (rc == 0)
        rc = client_read(client, &answer);
    if (rc == 0 && answer.status == 200)
        CHECK_STR(answer.trailers, "Digest: abc\r\n");
    answer_fini(&answer);
    weft_stream_close(client);
    rc = weft_scope_close(&patience, rc);
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
