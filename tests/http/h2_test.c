/* SPDX-License-Identifier: MIT */

/* HTTP/2: what the same server does over it, by a client that writes the frames itself. */

#include "h2_peer.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/file.h>
#include <weft/http_files.h>
#include <weft/http_layer.h>
#include <weft/io.h>
#include <weft/scope.h>

#include "core/scratch.h"

#include <fcntl.h>
#include <stdlib.h>

#define END NGHTTP2_FLAG_END_STREAM

static void check_get(struct h2_peer *peer, int32_t id, const char *path, int status,
                      const char *body)
{
    struct h2_answer answer;
    h2_peer_ask(peer, id, path, &answer);
    CHECK(answer.is_whole);
    CHECK_EQ(answer.status, status);
    if (body != NULL)
        CHECK_STR(answer.body, body);
}

TASK_TEST(h2_serves_what_http1_does)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    check_get(&peer, 1, "/ok", 200, "ok\n");
    check_get(&peer, 3, "/item/a%20b?q=c+d", 200, "a b|c d");
    check_get(&peer, 5, "/nothing", 404, NULL);
    check_get(&peer, 7, "/count?n=3", 200, "line 0\nline 1\nline 2\n");
    check_get(&peer, 9, "/fail?rc=22", 500, NULL);
    h2_peer_ask(&peer, 11, "/large?kib=300", &answer);
    CHECK(answer.is_whole);
    CHECK_EQ(answer.body_bytes, 300u * 1024);
    CHECK(strstr(answer.fields, "content-length: 307200\n") != NULL);
    h2_peer_head(&peer, 13, END, "HEAD", "/ok", "");
    h2_peer_answer(&peer, 13, &answer);
    CHECK(answer.is_whole);
    CHECK_EQ(answer.status, 200);
    CHECK_EQ(answer.body_bytes, 0u);
    h2_peer_head(&peer, 15, END, "PUT", "/ok", "x-request-id: mine\n");
    h2_peer_answer(&peer, 15, &answer);
    CHECK_EQ(answer.status, 405);
    CHECK(strstr(answer.fields, "allow: GET, HEAD, OPTIONS\n") != NULL);
    CHECK(strstr(answer.fields, "x-request-id: mine\n") != NULL);
    CHECK(strstr(answer.fields, "connection") == NULL);
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_bodies_come_whole_and_in_pieces)
{
    static const char *const paths[] = {"/echo", "/stream"};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    for (int32_t i = 0; i < 2; i++) {
        h2_peer_head(&peer, 1 + 2 * i, 0, "POST", paths[i], "");
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, 0, 1 + 2 * i, "the first, ", 11));
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, 1 + 2 * i, "the rest", 8));
        h2_peer_answer(&peer, 1 + 2 * i, &answer);
        CHECK_EQ(answer.status, 200);
        CHECK_STR(answer.body, "the first, the rest");
    }
    h2_site_close(&site, &peer);
}

static int look_at_the_length(weft_http_request *req, weft_http_response *res, void *arg)
{
    char text[32];
    (void)arg;
    snprintf(text, sizeof text, "%lld", (long long)weft_http_length(req));
    return weft_http_respond_text(res, 200, text);
}

TASK_TEST(h2_a_body_has_a_length_where_one_is_known)
{
    static const struct {
        const char *fields;
        bool has_body;
        const char *length;
    } rows[] = {{"", false, "0"}, {"", true, "-1"}, {"content-length: 3\n", true, "3"}};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    site_handler = look_at_the_length;
    h2_site_open(&site, &peer, NULL);
    for (int32_t i = 0; i < 3; i++) {
        int32_t id = 1 + 2 * i;
        h2_peer_head(&peer, id, rows[i].has_body ? 0 : END, "POST", "/late", rows[i].fields);
        if (rows[i].has_body)
            CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, id, "abc", 3));
        h2_peer_answer(&peer, id, &answer);
        CHECK_STR(answer.body, rows[i].length);
    }
    h2_site_close(&site, &peer);
}

static int answer_then_read(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[16];
    ssize_t count;
    (void)arg;
    WEFT_TRY(weft_http_write(res, "first ", 6));
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        WEFT_TRY(weft_http_write(res, piece, (size_t)count));
    return (int)count;
}

TASK_TEST(h2_expect_continue_is_not_answered_behind_the_beginning_of_an_answer)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    site_handler = answer_then_read;
    h2_site_open(&site, &peer, NULL);
    h2_peer_head(&peer, 1, 0, "POST", "/late", "expect: 100-continue\n");
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, 1, "hello", 5));
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK_STR(answer.body, "first hello");
    CHECK(answer.is_whole);
    h2_site_close(&site, &peer);
}

/* What a layer refuses by its head is answered before any of its body; what it lets pass is told to
 * go on, and collected behind it. */
TASK_TEST(h2_a_layer_comes_before_the_body)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    h2_peer_head(&peer, 1, 0, "POST", "/layered", "expect: 100-continue\nx-refuse: 1\n");
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(answer.status, 401);
    CHECK(answer.is_whole);
    h2_peer_head(&peer, 3, 0, "POST", "/layered", "");
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, 0, 3, "hel", 3));
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, 3, "lo", 2));
    h2_peer_answer(&peer, 3, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK_STR(answer.body, "hello");
    h2_site_close(&site, &peer);
}

static int read_then_wait(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)res;
    (void)arg;
    WEFT_TRY(weft_http_collect(req));
    return weft_sleep(WEFT_FOREVER);
}

TASK_TEST(h2_the_time_of_a_handler_is_without_its_wait_for_the_body)
{
    static const weft_http_options options = {.limits.handler_time_max = 2 * WEFT_SEC};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    site_handler = read_then_wait;
    h2_site_open(&site, &peer, &options);
    weft_time from = weft_now();
    h2_peer_head(&peer, 1, 0, "POST", "/late", "");
    CHECK_OK(weft_sleep(9 * WEFT_SEC));
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, 1, "hello", 5));
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(answer.status, 504);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 11);
    h2_site_close(&site, &peer);
}

static int send_file(weft_http_request *req, weft_http_response *res, void *arg)
{
    int fd = weft_open(arg, O_RDONLY, 0);
    (void)req;
    if (fd < 0)
        return fd;
    int rc = weft_http_set_length(res, 99999);
    if (rc == 0)
        rc = weft_http_write_file(res, fd, 1, 99999);
    int closed = weft_close(fd);
    return rc < 0 ? rc : closed;
}

/* Between frames: they are read and written. */
TASK_TEST(h2_carries_a_file)
{
    static char text[100000];
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    weft_http_route route = {.method = "GET", .path = "/file", .handler = send_file};
    memset(text, 'x', sizeof text);
    memcpy(text, "-begin", 6);
    scratch_make();
    CHECK_OK(weft_file_save(scratch("file"), text, sizeof text, 0600));
    route.arg = (void *)(uintptr_t)scratch("file");
    CHECK_OK(site_open(&site, NULL));
    CHECK_OK(weft_http_server_add(site.server, &route));
    h2_peer_open(&peer, &site);
    h2_peer_ask(&peer, 1, "/file", &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(answer.is_whole);
    CHECK_EQ(answer.body_bytes, 99999u);
    CHECK_BYTES(answer.body, 7, "beginxx", 7);
    h2_site_close(&site, &peer);
    scratch_clean(0);
}

TASK_TEST(h2_answers_come_as_they_are_ready)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    h2_peer_get(&peer, 1, "/sleep?ms=1000");
    check_get(&peer, 3, "/ok", 200, "ok\n");
    h2_peer_answer(&peer, 1, &answer);
    CHECK_STR(answer.body, "slept\n");
    h2_site_close(&site, &peer);
}

/* A conversation, byte by byte as it goes to the wire. */
struct text {
    uint8_t bytes[512];
    size_t count;
};

static void text_frame(struct text *text, uint8_t type, uint8_t flags, uint8_t id,
                       const void *bytes, size_t count)
{
    const uint8_t head[9] = {0, 0, (uint8_t)count, type, flags, 0, 0, 0, id};
    CHECK_LE(text->count + sizeof head + count, sizeof text->bytes);
    memcpy(text->bytes + text->count, head, sizeof head);
    if (count > 0)
        memcpy(text->bytes + text->count + sizeof head, bytes, count);
    text->count += sizeof head + count;
}

static void text_head(struct text *text, uint8_t flags, uint8_t id, const char *lines)
{
    uint8_t block[128];
    text_frame(text, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id, block,
               h2_block(block, lines));
}

#define POST(path_) ":method: POST\n:scheme: http\n:authority: a\n:path: " path_ "\n"

static void text_begin(struct text *text, const char *lines)
{
    *text = (struct text){.bytes = H2_PREFACE, .count = sizeof H2_PREFACE - 1};
    text_frame(text, NGHTTP2_SETTINGS, 0, 0, NULL, 0);
    text_head(text, 0, 1, lines);
}

/* It is cut in two at each of its bytes; the answer is the same, and has this among its fields. */
static void cut_everywhere(const struct text *text, int status, const char *body, const char *field)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    for (size_t cut = 1; cut < text->count; cut++) {
        struct h2_peer peer;
        struct h2_answer answer;
        note("cut %zu", cut);
        h2_peer_begin(&peer, client_open(&site));
        client_send_bytes(peer.stream, text->bytes, cut);
        CHECK_OK(weft_sleep(WEFT_MS));
        client_send_bytes(peer.stream, text->bytes + cut, text->count - cut);
        h2_peer_answer(&peer, 1, &answer);
        CHECK_EQ(answer.status, status);
        if (body != NULL)
            CHECK_STR(answer.body, body);
        CHECK(strstr(answer.fields, field) != NULL);
        h2_peer_close(&peer);
    }
    CHECK_OK(site_close(&site));
}

TASK_TEST(h2_does_not_depend_on_how_its_bytes_are_cut)
{
    struct text text;
    text_begin(&text, POST("/echo"));
    text_frame(&text, NGHTTP2_DATA, END, 1, "hi", 2);
    cut_everywhere(&text, 200, "hi", ":status: 200\n");
}

/* A method may begin as the preface does; half of a preface is no request. */
TASK_TEST(h2_is_known_by_its_first_bytes)
{
    struct site site;
    struct answer answer;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(ask(&site, "PRINT /ok HTTP/1.1\r\nHost: a\r\n\r\n", NULL), 501);
    CHECK_EQ(ask(&site, "PRI * HTTP/2.0\r\n\r\nSX\r\n\r\n", NULL), 505);
    weft_stream *client = client_open(&site);
    weft_time from = weft_now();
    client_send(client, "PRI * HT");
    CHECK(client_is_closed(client));
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 10);
    weft_stream_close(client);
    client = client_open(&site);
    client_send(client, "P");
    CHECK_OK(weft_sleep(WEFT_MS));
    client_send(client, "OST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\nhi");
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_OK(site_close(&site));
}

TASK_TEST(h2_is_left_out_where_it_is_not_wanted)
{
    struct site site;
    CHECK_OK(site_open(&site, &(weft_http_options){.is_h1_only = true}));
    CHECK_EQ(ask(&site, H2_PREFACE, NULL), 505);
    CHECK_OK(site_close(&site));
}

/* ---- strictness ---- */

/* 0: answered; else a reset with PROTOCOL_ERROR.  The connection stands. */
TASK_TEST(h2_refuses_fields_that_http_forbids)
{
#define PSEUDO ":method: GET\n:scheme: http\n:authority: a\n:path: /ok\n"
    static const struct {
        const char *lines;
        int status; /* 0: reset */
    } rows[] = {
        {PSEUDO, 200},
        {PSEUDO "te: trailers\n", 200},
        {PSEUDO "host: a\n", 200},
        {":method: GET\n:scheme: http\n:path: /ok\nhost: a\n", 200},
        {":method: OPTIONS\n:scheme: http\n:authority: a\n:path: *\n", 204},
        {PSEUDO "X-Upper: a\n", 0},
        {PSEUDO "x y: a\n", 0},
        {PSEUDO "x\x01: a\n", 0},
        {PSEUDO "x\xe4: a\n", 0},
        {PSEUDO "connection: close\n", 0},
        {PSEUDO "transfer-encoding: chunked\n", 0},
        {PSEUDO "upgrade: x\n", 0},
        {PSEUDO "te: gzip\n", 0},
        {PSEUDO "host: b\n", 0},
        {PSEUDO "host: ab\n", 0},
        {":method: GET\n:scheme: http\n:authority: ab\n:path: /ok\nhost: a\n", 0},
        {PSEUDO "x: a\rb\n", 0},
        {PSEUDO "x: a\x01\n", 0},
        {PSEUDO "x: a \n", 0},
        {PSEUDO ":path: /ok\n", 0},
        {PSEUDO "x: y\n:path: /ok\n", 0},
        {PSEUDO ":odd: x\n", 0},
        {":method: GET\n:scheme: http\n:authority: a\n", 0},
        {":method: GET\n:authority: a\n:path: /ok\n", 0},
        {":method: GET\n:scheme: http\n:authority: a\n:path: \n", 0},
        {":method: GET\n:scheme: http\n:authority: a\n:path: ok\n", 0},
        {":method: GET\n:scheme: http\n:authority: a\n:path: /o k\n", 0},
        {":method: GET\n:scheme: x\n:authority: a\n:path: http://b/ok\n", 0},
        {":method: GET\n:scheme: x\n:authority: a\n:path: ok\n", 0},
        {PSEUDO "content-length: 5\n", 0},
        {":method: GET\n:scheme: http\n:path: /ok\n", 0},
        {":method: GET\n:scheme: http\n:authority: a b\n:path: /ok\n", 0},
        {":method: GET\n:scheme: http\n:authority: a:x\n:path: /ok\n", 400},
        {":method: BREW\n:scheme: http\n:authority: a\n:path: /ok\n", 501},
        {":method: CONNECT\n:authority: a:80\n", 405},
    };
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        uint8_t block[512];
        struct h2_answer answer;
        int32_t id = 1 + 2 * (int32_t)i;
        note("row %zu: %s", i, rows[i].lines);
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_HEADERS, END | NGHTTP2_FLAG_END_HEADERS, id, block,
                               h2_block(block, rows[i].lines)));
        h2_peer_answer(&peer, id, &answer);
        CHECK_EQ(answer.status, rows[i].status);
        CHECK_EQ(answer.is_reset, rows[i].status == 0);
        if (answer.is_reset)
            CHECK_EQ(answer.code, (uint32_t)NGHTTP2_PROTOCOL_ERROR);
    }
    h2_site_close(&site, &peer);
}

static int show_cookie(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str cookie = weft_http_field(req, "Cookie");
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", cookie.ptr, cookie.len);
}

TASK_TEST(h2_crumbs_of_a_cookie_are_one_field)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    site_handler = show_cookie;
    h2_site_open(&site, &peer, NULL);
    h2_peer_head(&peer, 1, END, "GET", "/test", "cookie: a=b\nx: y\ncookie: c=d\n");
    h2_peer_answer(&peer, 1, &answer);
    CHECK_STR(answer.body, "a=b; c=d");
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_a_body_that_is_not_as_long_as_promised_is_an_error)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    h2_peer_head(&peer, 1, 0, "POST", "/echo", "content-length: 5\n");
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, 1, "four", 4));
    h2_peer_answer(&peer, 1, &answer);
    CHECK(answer.is_reset);
    CHECK_EQ(answer.code, (uint32_t)NGHTTP2_PROTOCOL_ERROR);
    check_get(&peer, 3, "/ok", 200, "ok\n");
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_bodies_over_the_limit_get_413)
{
    static const char *const lines[] = {"content-length: 17\n", ""};
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    for (int32_t i = 0; i < 2; i++) {
        struct h2_answer answer;
        h2_peer_head(&peer, 1 + 2 * i, 0, "POST", "/small", lines[i]);
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, i == 0 ? 0 : END, 1 + 2 * i,
                               "seventeen bytes !", 17));
        h2_peer_answer(&peer, 1 + 2 * i, &answer);
        CHECK_EQ(answer.status, 413);
    }
    check_get(&peer, 5, "/ok", 200, "ok\n");
    h2_site_close(&site, &peer);
}

/* ---- windows and resets ---- */

/* 64 KiB are taken, and no more until the handler reads. */
static weft_event may_read;

static int read_late(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[4096];
    size_t total = 0;
    ssize_t count;
    (void)arg;
    WEFT_TRY(weft_event_wait(&may_read));
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        total += (size_t)count;
    snprintf(piece, sizeof piece, "%zu", total);
    return count < 0 ? (int)count : weft_http_respond_text(res, 200, piece);
}

static bool has_window_update(struct h2_peer *peer, int32_t id)
{
    struct h2_frame *frame = malloc(sizeof *frame);
    bool has = false;
    weft_scope scope;
    (void)weft_scope_open(&scope, weft_after(WEFT_SEC), 0);
    while (!has && h2_peer_read(peer, frame))
        has = frame->type == NGHTTP2_WINDOW_UPDATE && frame->id == id;
    (void)!weft_scope_close(&scope, 0);
    free(frame);
    return has;
}

TASK_TEST(h2_a_handler_that_does_not_read_holds_the_client_back)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    static const char piece[16384];
    CHECK_OK(site_open(&site, NULL));
    may_read = (weft_event){0};
    site_handler = read_late;
    h2_peer_open(&peer, &site);
    check_get(&peer, 1, "/ok", 200, "ok\n"); /* the settings are in force */
    h2_peer_head(&peer, 3, 0, "POST", "/late", "");
    for (int i = 0; i < 4; i++)
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, 0, 3, piece, sizeof piece));
    CHECK(!has_window_update(&peer, 3));
    weft_event_set(&may_read);
    CHECK(has_window_update(&peer, 3));
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, 3, piece, sizeof piece));
    h2_peer_answer(&peer, 3, &answer);
    CHECK_STR(answer.body, "81920");
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_slow_bodies_that_handlers_read_do_not_keep_others_out)
{
    enum { SLOW = 5, FIRST = 3, LAST = FIRST + 2 * SLOW };
    const weft_http_options one = {.limits = {.in_hand_max = 1}};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, &one);
    for (int32_t id = FIRST; id < LAST; id += 2)
        h2_peer_head(&peer, id, 0, "POST", "/drain", "");
    check_get(&peer, LAST, "/ok", 200, "ok\n");
    CHECK_EQ(site_seen.started, SLOW);
    for (int32_t id = FIRST; id < LAST; id += 2) {
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, id, "x", 1));
        h2_peer_answer(&peer, id, &answer);
        CHECK_EQ(answer.status, 200);
    }
    h2_site_close(&site, &peer);
}

/* A window that opens by a piece now and then: each is a wait of its own, and all of them together
 * have the free time once. */
TASK_TEST(h2_a_window_that_opens_by_crumbs_holds_no_handler_for_ever)
{
    static const weft_time pauses[] = {25 * WEFT_SEC, 400 * WEFT_MS};
    const weft_http_options options = {.limits.handler_time_max = 100000 * WEFT_SEC};
    for (size_t i = 0; i < sizeof pauses / sizeof pauses[0]; i++) {
        struct site site;
        struct h2_peer peer;
        note("pause %zu", i);
        site_seen = (struct site_seen){0};
        CHECK_OK(site_open(&site, &options));
        h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
        h2_peer_get(&peer, 1, "/count?n=100000");
        weft_time from = weft_now();
        while (site_seen.ended == 0) {
            CHECK_OK(weft_sleep(pauses[i]));
            (void)h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 1, "\0\0\0\x08", 4);
            CHECK_LE(weft_now() - from, 200 * WEFT_SEC);
        }
        CHECK_GE(weft_now() - from, 60 * WEFT_SEC);
        CHECK_STR(site_seen.why, "the client does not read");
        h2_peer_close(&peer);
        CHECK_OK(site_close(&site));
    }
}

TASK_TEST(h2_a_reset_cancels_the_handler)
{
    static const uint8_t cancel[4] = {0, 0, 0, NGHTTP2_CANCEL};
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    h2_peer_get(&peer, 1, "/wait");
    check_get(&peer, 3, "/ok", 200, "ok\n");
    CHECK_EQ(site_seen.started, 1u);
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_RST_STREAM, 0, 1, cancel, 4));
    check_get(&peer, 5, "/ok", 200, "ok\n");
    CHECK_EQ(site_seen.cancelled, 1u);
    CHECK_STR(site_seen.why, "client disconnected");
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_a_client_that_goes_cancels_all_its_handlers)
{
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    for (int32_t id = 1; id < 20; id += 2)
        h2_peer_get(&peer, id, "/wait");
    check_get(&peer, 21, "/ok", 200, "ok\n");
    h2_peer_close(&peer);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(site_seen.cancelled, 10u);
    CHECK_OK(site_close(&site));
}

TASK_TEST(h2_an_answer_before_the_body_ends_the_stream_without_error)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    struct h2_frame *frame = malloc(sizeof *frame);
    h2_site_open(&site, &peer, NULL);
    h2_peer_head(&peer, 1, 0, "POST", "/nothing", "");
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(answer.status, 404);
    CHECK(h2_peer_read(&peer, frame));
    CHECK_EQ(frame->type, NGHTTP2_RST_STREAM);
    CHECK_EQ(frame->bytes[3], NGHTTP2_NO_ERROR);
    check_get(&peer, 3, "/ok", 200, "ok\n");

    /* Who sends the rest within two seconds is not told that nobody wanted it. */
    h2_peer_head(&peer, 5, 0, "POST", "/nothing", "");
    h2_peer_answer(&peer, 5, &answer);
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, 0, 5, "the first, ", 11));
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, END, 5, "the rest", 8));
    h2_peer_get(&peer, 7, "/ok");
    CHECK(h2_peer_read(&peer, frame));
    CHECK_EQ(frame->type, NGHTTP2_HEADERS);
    CHECK_EQ(frame->id, 7);
    free(frame);
    h2_site_close(&site, &peer);
}

static weft_event gate;

static int wait_gate(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    int rc = weft_event_wait(&gate);
    return rc < 0 ? rc : weft_http_respond_text(res, 200, "waited\n");
}

TASK_TEST(h2_streams_wait_for_their_route_and_may_leave)
{
    static const weft_http_route route = {.method = "GET",
                                          .path = "/one",
                                          .handler = wait_gate,
                                          .in_hand_max = 1,
                                          .queue_max = 1,
                                          .queue_time_max = 5 * WEFT_SEC};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    gate = (weft_event){0};
    CHECK_OK(site_open_with(&site, NULL, &route, 1));
    h2_peer_open(&peer, &site);
    for (int32_t id = 1; id <= 5; id += 2)
        h2_peer_get(&peer, id, "/one");
    h2_peer_answer(&peer, 5, &answer);
    CHECK_EQ(answer.status, 503);
    CHECK(strstr(answer.fields, "retry-after: ") != NULL);
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_RST_STREAM, 0, 3, "\0\0\0\10", 4));
    h2_peer_get(&peer, 7, "/one"); /* has the room of 3 */
    weft_time since = weft_now();
    h2_peer_answer(&peer, 7, &answer);
    CHECK_EQ(answer.status, 503);
    CHECK_EQ((weft_now() - since + WEFT_SEC / 2) / WEFT_SEC, 5);
    h2_peer_get(&peer, 9, "/one");
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_RST_STREAM, 0, 1, "\0\0\0\10", 4)); /* 9 has its place */
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_event_set(&gate);
    h2_peer_answer(&peer, 9, &answer);
    CHECK_EQ(answer.status, 200);
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_a_route_without_room_refuses_before_the_body)
{
    static const weft_http_group group = {.in_hand_max = 1};
    static const weft_http_route routes[] = {
        {.method = "GET", .path = "/one", .handler = wait_gate, .group = &group},
        {.method = "POST", .path = "/two", .handler = wait_gate, .group = &group},
    };
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    gate = (weft_event){0};
    CHECK_OK(site_open_with(&site, NULL, routes, 2));
    h2_peer_open(&peer, &site);
    h2_peer_get(&peer, 1, "/one");
    CHECK_OK(weft_sleep(WEFT_SEC));
    h2_peer_head(&peer, 3, 0, "POST", "/two", "");
    h2_peer_answer(&peer, 3, &answer);
    CHECK_EQ(answer.status, 503);
    CHECK(strstr(answer.fields, "retry-after: ") != NULL);
    weft_event_set(&gate);
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(answer.status, 200);
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_an_answer_that_breaks_off_is_a_reset)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    h2_peer_ask(&peer, 1, "/length?n=7", &answer);
    CHECK(answer.is_reset);
    CHECK(!answer.is_whole);
    CHECK_EQ(answer.code, (uint32_t)NGHTTP2_INTERNAL_ERROR);
    check_get(&peer, 3, "/length?n=10", 200, "xxxxxxxxxx");
    h2_site_close(&site, &peer);
}

static unsigned effects;

static int run_out_of_memory(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)res;
    (void)arg;
    effects++;
    return -ENOMEM;
}

/* REFUSED_STREAM would say that nothing was done, and that whatever was asked may be sent again
 * (RFC 9113 8.7). */
TASK_TEST(h2_a_handler_that_ran_out_of_memory_did_not_refuse_its_request)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    site_handler = run_out_of_memory;
    effects = 0;
    h2_peer_head(&peer, 1, NGHTTP2_FLAG_END_STREAM, "POST", "/test", "");
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(effects, 1);
    CHECK(answer.is_reset);
    CHECK_EQ(answer.code, (uint32_t)NGHTTP2_INTERNAL_ERROR);
    check_get(&peer, 3, "/ok", 200, "ok\n");
    h2_site_close(&site, &peer);
}

/* ---- the end ---- */

TASK_TEST(h2_silence_is_ended_by_goaway)
{
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    check_get(&peer, 1, "/ok", 200, "ok\n");
    weft_time from = weft_now();
    CHECK_EQ(h2_peer_end(&peer), NGHTTP2_NO_ERROR);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 60);
    CHECK_EQ(peer.last_id, 1);
    h2_site_close(&site, &peer);
}

/* Two GOAWAYs, the first without a last stream; what is in hand is answered. */
TASK_TEST(h2_shutdown_answers_what_is_in_hand)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    h2_peer_get(&peer, 1, "/sleep?ms=3000");
    check_get(&peer, 3, "/ok", 200, "ok\n");
    weft_http_server_stop(site.server);
    h2_peer_answer(&peer, 1, &answer);
    CHECK_STR(answer.body, "slept\n");
    CHECK_EQ(h2_peer_end(&peer), NGHTTP2_NO_ERROR);
    CHECK_EQ(peer.goaways, 2u);
    CHECK_EQ(peer.last_id, 3);
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_a_connection_of_many_requests_ends_politely)
{
    struct site site;
    struct h2_peer peer;
    weft_http_options options = {.limits.requests_per_connection_max = 3};
    h2_site_open(&site, &peer, &options);
    check_get(&peer, 1, "/ok", 200, "ok\n");
    check_get(&peer, 3, "/ok", 200, "ok\n");
    CHECK_EQ(peer.goaways, 0u);
    check_get(&peer, 5, "/ok", 200, "ok\n");
    CHECK_EQ(h2_peer_end(&peer), NGHTTP2_NO_ERROR);
    CHECK_EQ(peer.last_id, 5);
    h2_site_close(&site, &peer);
}

/* ---- trailers ---- */

static int answer_trailers(weft_http_request *req, weft_http_response *res, void *arg)
{
    char piece[8];
    ssize_t count;
    (void)arg;
    while ((count = weft_http_read(req, piece, sizeof piece)) > 0)
        continue;
    if (count < 0)
        return (int)count;
    weft_str digest = weft_http_trailer(req, "Digest");
    CHECK(weft_http_trailer(req, "authorization").ptr == NULL);
    CHECK_EQ(weft_http_promise_trailers(res, "Digest, Took"), 1);
    WEFT_TRY(weft_http_write(res, "hello", 5));
    WEFT_TRY(weft_http_set_trailer(res, "Digest", digest));
    return 0;
}

static void ask_with_trailers(struct h2_peer *peer, int32_t id, const char *path, const char *lines,
                              struct h2_answer *out)
{
    uint8_t block[4096];
    h2_peer_head(peer, id, 0, "POST", path, "");
    CHECK_OK(h2_peer_frame(peer, NGHTTP2_DATA, 0, id, "a body", 6));
    CHECK_OK(h2_peer_frame(peer, NGHTTP2_HEADERS, END | NGHTTP2_FLAG_END_HEADERS, id, block,
                           h2_block(block, lines)));
    h2_peer_answer(peer, id, out);
}

TASK_TEST(class_10_trailers_over_h2_come_and_go)
{
    static const char *const paths[] = {"/test", "/late"};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    char many[512] = "";
    site_handler = answer_trailers;
    h2_site_open(&site, &peer, NULL);
    for (int i = 0; i < 33; i++)
        strcat(many, "x: y\n");
    for (int32_t i = 0; i < 2; i++) {
        ask_with_trailers(&peer, 1 + 6 * i, paths[i], "authorization: me\ndigest: abc\n", &answer);
        CHECK(answer.is_whole);
        CHECK_EQ(answer.status, 200);
        CHECK_STR(answer.body, "hello");
        CHECK(strstr(answer.fields, "digest: abc\n") != NULL);
        ask_with_trailers(&peer, 3 + 6 * i, paths[i], many, &answer);
        CHECK_EQ(answer.status, 400);
        ask_with_trailers(&peer, 5 + 6 * i, paths[i], ":path: /ok\n", &answer);
        CHECK(answer.is_reset);
        CHECK_EQ(answer.code, (uint32_t)NGHTTP2_PROTOCOL_ERROR);
    }
    h2_site_close(&site, &peer);
}

TASK_TEST(h2_trailers_and_expectations_may_be_cut_anywhere)
{
    struct text text;
    site_handler = answer_trailers;
    text_begin(&text, POST("/late") "expect: 100-continue\n");
    text_frame(&text, NGHTTP2_DATA, 0, 1, "a body", 6);
    text_head(&text, END, 1, "digest: abc\n");
    cut_everywhere(&text, 200, "hello", "digest: abc\n");
}

/* Some of what follows comes when the answer has gone. */
TASK_TEST(h2_an_answer_before_the_body_may_be_cut_anywhere)
{
    struct text text;
    text_begin(&text, POST("/nothing"));
    text_frame(&text, NGHTTP2_DATA, 0, 1, "a body", 6);
    text_head(&text, END, 1, "digest: abc\n");
    cut_everywhere(&text, 404, NULL, "content-type: application/json");
}

TASK_TEST(h2_refuses_trailers_that_http_forbids)
{
    static const char *const rows[] = {"x y: a\n",   "X: a\n",          "x: a\rb\n",
                                       "x: a\x01\n", "connection: a\n", "digest: a\nx\x7f: a\n"};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    site_handler = answer_trailers;
    h2_site_open(&site, &peer, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("row %zu: %s", i, rows[i]);
        ask_with_trailers(&peer, 1 + 2 * (int32_t)i, "/test", rows[i], &answer);
        CHECK(answer.is_reset);
        CHECK_EQ(answer.code, (uint32_t)NGHTTP2_PROTOCOL_ERROR);
    }
    h2_site_close(&site, &peer);
}

/* ---- with anything failing ---- */

static int talk(struct site *site)
{
    struct h2_peer peer;
    struct h2_answer answer;
    WEFT_TRY(h2_peer_try(&peer, site));
    h2_peer_head(&peer, 1, 0, "POST", "/stream", "");
    int rc = h2_peer_frame(&peer, NGHTTP2_DATA, END, 1, "hello", 5);
    h2_peer_get(&peer, 3, "/count?n=2");
    if (rc == 0)
        h2_peer_answer(&peer, 1, &answer);
    if (rc == 0 && answer.is_whole && answer.status == 200)
        CHECK_STR(answer.body, "hello");
    h2_peer_close(&peer);
    return rc;
}

SCENARIO(h2_requests_and_answers_with_anything_failing)
{
    struct site site;
    WEFT_TRY(site_open(&site, NULL));
    int rc = talk(&site), closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
