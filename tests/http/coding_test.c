/* SPDX-License-Identifier: MIT */

/* Content coding of answers and of the bodies of requests. */

#include "site.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/exec.h>
#include <weft/gather.h>
#include <weft/http_sse.h>
#include <weft/stats.h>

#include "base/buf.h"
#include "coding/coding.h"

#include <semaphore.h>
#include <stdlib.h>
#include <unistd.h>

#define H "Host: a\r\n"
#define END "\r\n"
#define BODY_BYTES ((size_t)150 * 1024)

static const weft_http_options compressing = {.compress_bytes_min = 1024};

static void need_codings(void)
{
    if (strcmp(wf_coding_list(), "zstd, br, gzip, deflate") != 0)
        SKIP("a content coding is not built in");
}

/* ---- both ways by hand ---- */

static void encode(enum wf_coding coding, weft_str text, wf_buf *out)
{
    struct wf_encoder *encoder;
    struct wf_coding_io io = {.in = text.ptr, .in_len = text.len};
    int rc = 0;
    CHECK_OK(wf_encoder_new(&encoder, coding, text.len));
    while (rc == 0) {
        CHECK_OK(wf_buf_reserve(out, 4096, &io.out));
        io.room = 4096;
        rc = wf_encoder_step(encoder, &io, WF_CODING_FINISH);
        wf_buf_commit(out, 4096 - io.room);
    }
    CHECK_EQ(rc, 1);
    wf_encoder_free(encoder);
}

static void check_decodes(const char *name, const char *bytes, size_t count, weft_str text)
{
    struct wf_decoder *decoder;
    static const struct wf_coding_limits none;
    char *plain = malloc(text.len + 1);
    CHECK_OK(wf_decoder_new(&decoder, wf_coding_named(weft_str_of(name)), &none));
    struct wf_coding_io io = {bytes, count, plain, text.len + 1};
    CHECK_OK(wf_decoder_step(decoder, &io));
    CHECK(wf_decoder_is_whole(decoder));
    CHECK_BYTES(plain, text.len + 1 - io.room, text.ptr, text.len);
    wf_decoder_free(decoder);
    free(plain);
}

static char *text_new(size_t bytes)
{
    char *text = malloc(bytes + 32);
    for (size_t at = 0, i = 0; at < bytes; i++)
        at += (size_t)snprintf(text + at, 32, "{\"number\":%zu},", i * i);
    return text;
}

/* ---- answers ---- */

/* What the handlers below answer with. */
static struct {
    const char *type, *tag, *coding, *vary;
    int status;
    size_t bytes, piece; /* piece 0: all at once */
    bool has_length;
} plan;
static char *plan_text;

static int put_field(weft_http_response *res, const char *name, const char *value)
{
    return value == NULL ? 0 : weft_http_set_field(res, name, weft_str_of(value));
}

static int answer_pieces(weft_http_response *res)
{
    WEFT_TRY(put_field(res, "Content-Type", plan.type));
    if (plan.has_length)
        WEFT_TRY(weft_http_set_length(res, plan.bytes));
    for (size_t at = 0; at < plan.bytes; at += plan.piece) {
        size_t left = plan.bytes - at;
        WEFT_TRY(weft_http_write(res, plan_text + at, left < plan.piece ? left : plan.piece));
    }
    return 0;
}

static int answer_plan(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(put_field(res, "ETag", plan.tag));
    WEFT_TRY(put_field(res, "Content-Encoding", plan.coding));
    WEFT_TRY(put_field(res, "Vary", plan.vary));
    if (plan.piece != 0)
        return answer_pieces(res);
    return weft_http_respond(res, plan.status != 0 ? plan.status : 200, plan.type, plan_text,
                             plan.bytes);
}

static int ask_accepting(struct site *site, const char *accept, struct answer *out)
{
    char request[256];
    snprintf(request, sizeof request, "GET /test HTTP/1.1\r\n" H "%s%s%s" END,
             accept != NULL ? "Accept-Encoding: " : "", accept != NULL ? accept : "",
             accept != NULL ? "\r\n" : "");
    return ask(site, request, out);
}

static bool field_is(const struct answer *answer, const char *name, const char *value)
{
    const char *has = answer_field(answer, name);
    return value == NULL ? has == NULL : has != NULL && strcmp(has, value) == 0;
}

static void plan_begin(struct site *site)
{
    CHECK_OK(site_open(site, &compressing));
    memset(&plan, 0, sizeof plan); /* another run may have left something */
    site_handler = answer_plan;
    plan_text = text_new(BODY_BYTES);
}

static void plan_end(struct site *site)
{
    CHECK_OK(site_close(site));
    free(plan_text);
}

TASK_TEST(answers_come_in_the_coding_that_is_asked_for)
{
    struct site site;
    need_codings();
    static const char *const names[] = {"zstd", "br", "gzip", "deflate"};
    static const size_t sizes[] = {1024, 20000, BODY_BYTES};
    plan_begin(&site);
    for (size_t i = 0; i < 4 * 3 * 3; i++) {
        struct answer answer;
        plan.type = "application/json";
        plan.tag = "\"v1\"";
        plan.bytes = sizes[i / 4 % 3];
        plan.piece = i / 12 == 0 ? 0 : i / 12 == 1 ? 700 : 70000;
        plan.has_length = i / 12 == 2;
        note("%s, %zu bytes in %zu", names[i % 4], plan.bytes, plan.piece);
        CHECK_EQ(ask_accepting(&site, names[i % 4], &answer), 200);
        CHECK(field_is(&answer, "Content-Encoding", names[i % 4]));
        CHECK(field_is(&answer, "Vary", "Accept-Encoding"));
        CHECK(field_is(&answer, "ETag", "W/\"v1\""));
        CHECK(field_is(&answer, "Content-Type", "application/json"));
        CHECK_LT(answer.body_bytes, plan.bytes);
        check_decodes(names[i % 4], answer.body, answer.body_bytes,
                      (weft_str){plan_text, plan.bytes});
        answer_fini(&answer);
    }
    plan_end(&site);
}

TASK_TEST(answers_are_coded_only_where_it_helps)
{
    static const struct {
        const char *accept, *type, *coding_given, *tag, *expected, *vary, *tag_expected;
        size_t bytes;
    } rows[] = {
        {NULL, "application/json", NULL, "\"a\"", NULL, "Accept-Encoding", "\"a\"", 2000},
        {"gzip", "application/json", NULL, "W/\"a\"", "gzip", "Accept-Encoding", "W/\"a\"", 2000},
        {"gzip", "application/json", NULL, "\"a\"", NULL, NULL, "\"a\"", 1023},
        {"gzip", "application/json", NULL, NULL, "gzip", "Accept-Encoding", NULL, 1024},
        {"gzip", "TEXT/html; charset=utf-8", NULL, NULL, "gzip", "Accept-Encoding", NULL, 2000},
        {"gzip", "application/problem+json", NULL, NULL, "gzip", "Accept-Encoding", NULL, 2000},
        {"gzip", "image/svg+xml", NULL, NULL, "gzip", "Accept-Encoding", NULL, 2000},
        {"gzip", "image/png", NULL, NULL, NULL, NULL, NULL, 2000},
        {"gzip", "application/jsonx", NULL, NULL, NULL, NULL, NULL, 2000},
        {"gzip", NULL, NULL, NULL, NULL, NULL, NULL, 2000},
        {"gzip", "text/plain", "identity", "\"a\"", "identity", NULL, "\"a\"", 2000},
        {"gzip", "text/plain", "br", NULL, "br", NULL, NULL, 2000},
        {"gzip;q=0", "text/plain", NULL, NULL, NULL, "Accept-Encoding", NULL, 2000},
        {"compress", "text/plain", NULL, NULL, NULL, "Accept-Encoding", NULL, 2000},
        {"identity;q=0, gzip", "image/png", NULL, NULL, "gzip", "Accept-Encoding", NULL, 10},
    };
    struct site site;
    need_codings();
    plan_begin(&site);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer;
        note("row %zu", i);
        plan.type = rows[i].type;
        plan.coding = rows[i].coding_given;
        plan.tag = rows[i].tag;
        plan.bytes = rows[i].bytes;
        CHECK_EQ(ask_accepting(&site, rows[i].accept, &answer), 200);
        CHECK(field_is(&answer, "Content-Encoding", rows[i].expected));
        CHECK(field_is(&answer, "Vary", rows[i].vary));
        CHECK(field_is(&answer, "ETag", rows[i].tag_expected));
        if (rows[i].expected == NULL)
            CHECK_EQ(answer.body_bytes, plan.bytes);
        answer_fini(&answer);
    }
    plan_end(&site);
}

TASK_TEST(a_client_that_takes_no_coding_and_not_none_gets_406)
{
    struct site site;
    struct answer answer;
    need_codings();
    plan_begin(&site);
    plan.type = "text/plain";
    plan.tag = "\"of what is not sent\"";
    plan.bytes = 2000;
    for (int i = 0; i < 2; i++) {
        plan.piece = i == 0 ? 0 : 500;
        CHECK_EQ(ask_accepting(&site, "identity;q=0, compress", &answer), 406);
        CHECK(field_is(&answer, "ETag", NULL));
        CHECK(field_is(&answer, "Vary", "Accept-Encoding"));
        CHECK(strstr(answer.body, "\"not_acceptable\"") != NULL);
        answer_fini(&answer);
    }
    plan.piece = 0;
    plan.status = 500; /* an error is said in any case */
    CHECK_EQ(ask_accepting(&site, "identity;q=0, compress", &answer), 500);
    CHECK_EQ(answer.body_bytes, 2000u);
    answer_fini(&answer);
    plan_end(&site);
}

TASK_TEST(a_head_request_gets_the_fields_of_the_coded_answer)
{
    struct site site;
    struct answer whole;
    char head[1024];
    need_codings();
    plan_begin(&site);
    plan.type = "text/plain";
    plan.bytes = 4000;
    CHECK_EQ(ask_accepting(&site, "gzip", &whole), 200);
    weft_stream *client = client_open(&site);
    client_send(client,
                "HEAD /test HTTP/1.1\r\n" H "Accept-Encoding: gzip\r\nConnection: close\r\n" END);
    ssize_t count = weft_stream_read(client, head, sizeof head - 1), more;
    CHECK_GT(count, 0);
    while ((more = weft_stream_read(client, head + count, sizeof head - 1 - (size_t)count)) > 0)
        count += more;
    head[count] = 0;
    char length[64];
    snprintf(length, sizeof length, "Content-Length: %zu\r\n", whole.body_bytes);
    CHECK(strstr(head, length) != NULL);
    CHECK(strstr(head, "Content-Encoding: gzip\r\n") != NULL);
    CHECK_STR(head + count - 4, "\r\n\r\n");
    weft_stream_close(client);
    answer_fini(&whole);
    plan_end(&site);
}

TASK_TEST(without_the_option_no_answer_is_coded)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(ask(&site, "GET /large?kib=4 HTTP/1.1\r\n" H "Accept-Encoding: gzip\r\n" END, &answer),
             200);
    CHECK(field_is(&answer, "Content-Encoding", NULL));
    CHECK(field_is(&answer, "Vary", NULL));
    CHECK_EQ(answer.body_bytes, 4096u);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

/* ---- events ---- */

static weft_event next_event;

static int answer_events(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    WEFT_TRY(weft_http_sse_begin(res));
    for (int i = 0; i < 3; i++) {
        weft_sse_event event = {.data = WEFT_STR("token")};
        WEFT_TRY(weft_http_sse_send(res, &event));
        WEFT_TRY(weft_event_wait(&next_event));
        weft_event_clear(&next_event);
    }
    return 0;
}

/* The data of the next chunk. */
static size_t read_chunk(weft_stream *client, char *out, size_t room)
{
    weft_str shown;
    ssize_t line = weft_stream_peek_until(client, (weft_str){"\r\n", 2}, 64, &shown);
    CHECK_GT(line, 0);
    size_t count = strtoul(shown.ptr, NULL, 16);
    CHECK_LE(count + 2, room);
    weft_stream_consume(client, (size_t)line);
    CHECK_OK(weft_stream_read_exact(client, out, count + 2));
    return count;
}

TASK_TEST(each_event_of_a_coded_stream_arrives_at_once)
{
    struct site site;
    weft_str shown;
    need_codings();
    CHECK_OK(site_open(&site, &compressing));
    site_handler = answer_events;
    for (enum wf_coding coding = WF_CODING_ZSTD; coding < WF_CODING_COUNT; coding++) {
        static const struct wf_coding_limits none;
        struct wf_decoder *decoder;
        char request[128], chunk[512], plain[64];
        note("%s", wf_coding_name(coding));
        next_event = (weft_event){0};
        CHECK_OK(wf_decoder_new(&decoder, coding, &none));
        weft_stream *client = client_open(&site);
        snprintf(request, sizeof request, "GET /test HTTP/1.1\r\n" H "Accept-Encoding: %s\r\n" END,
                 wf_coding_name(coding));
        client_send(client, request);
        ssize_t head = weft_stream_peek_until(client, (weft_str){"\r\n\r\n", 4}, 1024, &shown);
        CHECK_GT(head, 0);
        weft_stream_consume(client, (size_t)head);
        for (int i = 0; i < 3; i++) {
            size_t count = read_chunk(client, chunk, sizeof chunk);
            struct wf_coding_io io = {chunk, count, plain, sizeof plain};
            CHECK_OK(wf_decoder_step(decoder, &io));
            CHECK_BYTES(plain, sizeof plain - io.room, "data: token\n\n", 13);
            weft_event_set(&next_event);
        }
        size_t count = read_chunk(client, chunk, sizeof chunk);
        struct wf_coding_io io = {chunk, count, plain, sizeof plain};
        CHECK_OK(wf_decoder_step(decoder, &io));
        CHECK(wf_decoder_is_whole(decoder));
        CHECK_EQ(read_chunk(client, chunk, sizeof chunk), 0u);
        wf_decoder_free(decoder);
        weft_stream_close(client);
    }
    CHECK_OK(site_close(&site));
}

/* ---- bodies of requests ---- */

static int post_coded(struct site *site, const char *path, const char *coding, weft_str body,
                      struct answer *out)
{
    wf_buf request = {0};
    (void)wf_buf_printf(&request,
                        "POST %s HTTP/1.1\r\n" H "Connection: close\r\nContent-Encoding: "
                        "%s\r\nContent-Length: %zu\r\n" END,
                        path, coding, body.len);
    CHECK_OK(wf_buf_append(&request, body.ptr, body.len));
    weft_stream *client = client_open(site);
    client_send_bytes(client, wf_buf_ptr(&request), wf_buf_bytes(&request));
    int rc = client_read(client, out);
    weft_stream_close(client);
    wf_buf_fini(&request);
    return rc < 0 ? rc : out->status;
}

TASK_TEST(coded_bodies_are_decoded_whole_and_piece_by_piece)
{
    struct site site;
    char *text = text_new(BODY_BYTES);
    need_codings();
    CHECK_OK(site_open(&site, NULL));
    for (enum wf_coding coding = WF_CODING_ZSTD; coding < WF_CODING_COUNT; coding++) {
        static const size_t sizes[] = {1, 3000, BODY_BYTES};
        for (size_t i = 0; i < 6; i++) {
            struct answer answer;
            wf_buf coded = {0};
            weft_str plain = {text, sizes[i / 2]};
            note("%s, %zu bytes", wf_coding_name(coding), plain.len);
            encode(coding, plain, &coded);
            weft_str body = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
            CHECK_EQ(post_coded(&site, i % 2 == 0 ? "/echo" : "/stream", wf_coding_name(coding),
                                body, &answer),
                     200);
            CHECK_BYTES(answer.body, answer.body_bytes, plain.ptr, plain.len);
            answer_fini(&answer);
            wf_buf_fini(&coded);
        }
    }
    weft_http_stats stats;
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.bodies_bytes, 0u);
    CHECK_OK(site_close(&site));
    free(text);
}

static int look_at_the_length(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    CHECK_EQ(weft_http_length(req), -1); /* Content-Length is that of the coded body */
    return weft_http_respond_text(res, 200, "ok\n");
}

TASK_TEST(a_coded_body_that_is_read_in_pieces_has_no_known_length)
{
    struct site site;
    wf_buf coded = {0};
    need_codings();
    encode(WF_CODING_GZIP, (weft_str)WEFT_STR("hello"), &coded);
    site_handler = look_at_the_length;
    CHECK_OK(site_open(&site, NULL));
    struct answer answer;
    CHECK_EQ(post_coded(&site, "/late", "gzip",
                        (weft_str){wf_buf_ptr(&coded), wf_buf_bytes(&coded)}, &answer),
             200);
    CHECK_OK(site_close(&site));
    answer_fini(&answer);
    wf_buf_fini(&coded);
}

TASK_TEST(rows_of_content_encoding)
{
    struct site site;
    wf_buf coded = {0}, twice = {0};
    need_codings();
    encode(WF_CODING_GZIP, (weft_str)WEFT_STR("hello"), &coded);
    weft_str hello = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
    encode(WF_CODING_GZIP, hello, &twice);
    weft_str hello_twice = {wf_buf_ptr(&twice), wf_buf_bytes(&twice)};
    weft_str cut = {hello.ptr, hello.len - 1};
    const struct {
        const char *path, *coding;
        weft_str body;
        int status;
        const char *said; /* in the body */
    } rows[] = {
        {"/echo", "identity", WEFT_STR("plain"), 200, "plain"},
        {"/echo", "GZIP", hello, 200, "hello"},
        {"/echo", "x-gzip", hello, 200, "hello"},
        {"/echo", "identity, gzip", hello, 200, "hello"},
        {"/echo", "gzip", {"", 0}, 200, ""},
        {"/echo", "compress", hello, 415, "unsupported"},
        {"/stream", "compress", hello, 415, "unsupported"},
        {"/echo", "gzip, gzip", hello_twice, 415, "unsupported"},
        {"/echo", "gzip", WEFT_STR("no gzip"), 400, "Content-Encoding"},
        {"/echo", "gzip", cut, 400, "Content-Encoding"},
        {"/drain", "gzip", cut, 400, "Content-Encoding"},
        {"/drain", "br", hello, 400, "Content-Encoding"},
        {"/nothing", "gzip", hello, 404, "not_found"},
    };
    CHECK_OK(site_open(&site, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer;
        note("row %zu", i);
        CHECK_EQ(post_coded(&site, rows[i].path, rows[i].coding, rows[i].body, &answer),
                 rows[i].status);
        CHECK(rows[i].said[0] == 0 || strstr(answer.body, rows[i].said) != NULL);
        CHECK_EQ(field_is(&answer, "Accept-Encoding", "zstd, br, gzip, deflate"),
                 rows[i].status == 415);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
    wf_buf_fini(&coded);
    wf_buf_fini(&twice);
}

TASK_TEST(class_21_a_bomb_is_refused_by_413)
{
    struct site site;
    need_codings();
    size_t size = (size_t)9 << 20;
    char *zeros = calloc(1, size);
    CHECK_OK(site_open(&site, NULL));
    for (enum wf_coding coding = WF_CODING_ZSTD; coding < WF_CODING_COUNT; coding++) {
        static const char *const paths[] = {"/echo", "/drain", "/small"};
        wf_buf coded = {0};
        encode(coding, (weft_str){zeros, size}, &coded);
        for (size_t i = 0; i < 3; i++) {
            struct answer answer;
            weft_str bomb = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
            if (i == 2) {
                wf_buf_reset(&coded);
                encode(coding, (weft_str){zeros, 17}, &coded);
                bomb = (weft_str){wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
                if (bomb.len > 16)
                    continue;
            }
            note("%s, %s", wf_coding_name(coding), paths[i]);
            CHECK_EQ(post_coded(&site, paths[i], wf_coding_name(coding), bomb, &answer), 413);
            CHECK(strstr(answer.body, i == 2 ? "body_bytes_max" : "decoded_ratio_max") != NULL);
            answer_fini(&answer);
        }
        wf_buf_fini(&coded);
    }
    CHECK_OK(site_close(&site));
    free(zeros);
}

static sem_t held;
static unsigned handled;

static int hold_thread(void *arg)
{
    (void)arg;
    return sem_wait(&held);
}

static int hold_one(void *arg)
{
    return weft_run_cpu(hold_thread, arg);
}

static int count_handled(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    handled++;
    return weft_http_respond_text(res, weft_http_body(req).len == 0 ? 200 : 500, "");
}

static void wait_for_bodies(struct site *site, uint64_t bytes)
{
    weft_http_stats stats;
    do {
        CHECK_OK(weft_yield()); /* no clock goes on while a thread runs */
        weft_http_server_get_stats(site->server, &stats);
    } while (handled == 0 && (stats.bodies_bytes != bytes || stats.requests_in_hand != 1));
}

/* Many empty members, one behind the other: the threads are taken, so that who decodes there is
 * behind who comes later. */
TASK_TEST(class_21_a_long_body_that_is_nothing_decoded_does_not_hold_the_loop)
{
    static const char member[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03\x03\0\0\0\0\0\0\0\0\0";
    weft_task tasks[64];
    weft_run_snapshot run;
    struct site site;
    struct answer answer;
    wf_buf request = {0};
    size_t threads = (size_t)sysconf(_SC_NPROCESSORS_CONF), count = 5000, bytes = count * 20;
    need_codings();
    CHECK_OK(weft_run_snapshot_get(&run));
    if (strcmp(run.backend, "sim") == 0 || threads > 64)
        return; /* bodies run on the loop's thread there */
    CHECK_OK(sem_init(&held, 0, 0));
    handled = 0;
    CHECK_OK(site_open(&site, NULL));
    site_handler = count_handled;
    for (size_t i = 0; i < threads; i++)
        tasks[i] = weft_spawn(hold_one, NULL);
    (void)wf_buf_printf(&request,
                        "POST /test HTTP/1.1\r\n" H "Content-Encoding: gzip\r\n"
                        "Connection: close\r\nContent-Length: %zu\r\n" END,
                        bytes);
    for (size_t i = 0; i < count; i++)
        CHECK_OK(wf_buf_append(&request, member, 20));
    weft_stream *client = client_open(&site);
    client_send_bytes(client, wf_buf_ptr(&request), wf_buf_bytes(&request));
    wait_for_bodies(&site, bytes);
    CHECK_EQ(ask(&site, "GET /ok HTTP/1.1\r\n" H END, NULL), 200);
    CHECK_EQ(handled, 0u);
    for (size_t i = 0; i < threads; i++)
        CHECK_OK(sem_post(&held));
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    CHECK_EQ(handled, 1u);
    CHECK_OK(weft_gather_n(tasks, threads));
    for (size_t i = 0; i < threads; i++)
        weft_release(tasks[i]);
    answer_fini(&answer);
    weft_stream_close(client);
    wf_buf_fini(&request);
    CHECK_OK(site_close(&site));
}

/* ---- what goes wrong ---- */

/* Coded both ways, streamed and whole, with one thing failing each time: the answer is whole or is
 * seen not to be. */
SCENARIO(coded_exchanges_with_anything_failing)
{
    struct site site;
    static const char post[] =
        "POST /echo HTTP/1.1\r\n" H "Accept-Encoding: gzip\r\nContent-Encoding: gzip\r\n"
        "Content-Length: 25\r\n" END "\x1f\x8b\x08\0\0\0\0\0\0\x03"
        "\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10\x36\x05\0\0\0";
    int rc = site_open(&site, &(weft_http_options){.compress_bytes_min = 1});
    if (rc < 0)
        return rc;
    weft_stream *client = NULL;
    rc = weft_stream_connect(&client, &site.addr);
    if (rc == 0)
        rc = weft_stream_write(client, post, sizeof post - 1);
    if (rc == 0)
        rc = weft_stream_flush(client);
    struct answer answer = {0};
    if (rc == 0)
        rc = client_read(client, &answer);
    if (rc == 0 && answer.status == 200)
        CHECK_BYTES(answer.body, answer.body_bytes, "hello", 5);
    answer_fini(&answer);
    if (client != NULL)
        weft_stream_abort(client);
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
