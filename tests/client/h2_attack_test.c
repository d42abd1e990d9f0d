/* SPDX-License-Identifier: MIT */

/* Servers of HTTP/2 that break the rules, or that say no. */

#include "h2_liar.h"

#include "client/client_priv.h"

static const weft_client_options once = {.limits = {.retry_count_max = 1}};

static weft_client_options no_repeats(void)
{
    weft_client_options options = once;
    options.limits.total_max = 200 * WEFT_SEC;
    return options;
}

#define POST ((weft_client_request){.body = WEFT_STR("{}")})
#define GET ((weft_client_request){.method = "GET"})

/* ---- an answer is whole, or an error (class 26) ---- */

struct answer_row {
    const char *head; /* lines */
    bool is_ended;    /* with it */
    const char *data; /* NULL: none comes */
    bool is_whole;    /* the data ends the stream; else the connection ends */
    int rc;           /* or the status */
};

static int say_row(struct h2_liar *liar, struct h2_peer *peer)
{
    const struct answer_row *row = liar->bytes;
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_head(peer, id, row->is_ended ? H2_END : 0, row->head));
    if (row->data != NULL)
        WEFT_TRY(h2_peer_frame(peer, NGHTTP2_DATA, row->is_whole ? H2_END : 0, id, row->data,
                               strlen(row->data)));
    if (row->is_whole || row->is_ended || row->rc == -WEFT_ESYNTAX)
        return h2_liar_drain(peer);
    return 0;
}

static void check_rows(const struct answer_row *rows, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        struct h2_liar liar = {.bytes = &rows[i]};
        note("row %zu", i);
        h2_liar_open(&liar, say_row, no_repeats());
        CHECK_EQ(h2_liar_ask(&liar, POST), rows[i].rc);
        h2_liar_close(&liar);
    }
}

TASK_TEST(class_26_h2_a_body_is_what_was_promised)
{
    static const struct answer_row rows[] = {
        {":status: 200\ncontent-length: 2\n", false, "hi", true, 200},
        {":status: 200\n", false, "hi", true, 200},
        {":status: 204\n", true, NULL, false, 204},
        {":status: 200\ncontent-length: 3\n", false, "hi", true, -WEFT_ETRUNCATED},
        {":status: 200\ncontent-length: 1\n", false, "hi", true, -WEFT_ESYNTAX},
        {":status: 200\ncontent-length: 2\n", false, "hi", false, -WEFT_ETRUNCATED},
        {":status: 200\n", false, "hi", false, -WEFT_ETRUNCATED},
        {":status: 200\ncontent-length: 2\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 200\n", false, NULL, false, -WEFT_ETRUNCATED},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

TASK_TEST(class_07_h2_heads_that_are_none)
{
    static const struct answer_row rows[] = {
        {"server: x\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 20\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 2000\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 2x0\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 101\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 100\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\n:status: 204\n", true, NULL, false, -WEFT_ESYNTAX},
        {"server: x\n:status: 204\n", true, NULL, false, -WEFT_ESYNTAX},
        {":path: /\n:status: 204\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\n:what: x\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\nServer: x\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\na b: x\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\nserver: x\ry\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\nconnection: close\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\ntransfer-encoding: chunked\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 200\ncontent-length: 1, 1\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 200\ncontent-length: 0\ncontent-length: 0\n", true, NULL, false, -WEFT_ESYNTAX},
        {":status: 204\nserver: x\n", true, NULL, false, 204},
    };
    check_rows(rows, sizeof rows / sizeof rows[0]);
}

static int say_bytes(struct h2_liar *liar, struct h2_peer *peer)
{
    (void)h2_liar_hear(liar, peer);
    WEFT_TRY(weft_stream_write(peer->stream, liar->bytes, liar->count));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_what_is_no_http_2_at_all)
{
    static const struct {
        weft_str bytes;
        int rc;
    } rows[] = {
        {WEFT_STR("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"), -WEFT_ESYNTAX},
        {WEFT_STR("\0\0\1\0\0\0\0\0\1x"), -WEFT_ESYNTAX},            /* DATA before the head */
        {WEFT_STR("\0\0\1\0\0\0\0\0\0x"), -WEFT_ESYNTAX},            /* ... of stream 0 */
        {WEFT_STR("\0\0\2\0\0\0\0\0\2hi"), -WEFT_ESYNTAX},           /* a stream of the server's */
        {WEFT_STR("\0\0\5\5\4\0\0\0\1\0\0\0\2\210"), -WEFT_ESYNTAX}, /* PUSH_PROMISE */
        {WEFT_STR("\0\0\4\10\0\0\0\0\0\0\0\0\0"), -WEFT_ESYNTAX},    /* a window by nothing */
        {WEFT_STR("\0\0\4\10\0\0\0\0\0\177\377\377\377"), -WEFT_ESYNTAX},    /* window overflow */
        {WEFT_STR("\0\0\6\4\0\0\0\0\0\0\4\377\377\377\377"), -WEFT_ESYNTAX}, /* initial window */
        {WEFT_STR("\0\0\6\4\0\0\0\0\0\0\5\0\0\0\1"), -WEFT_ESYNTAX},         /* frame size */
        {WEFT_STR("\0\0\6\4\0\0\0\0\0\0\2\0\0\0\1"), -WEFT_ESYNTAX}, /* ENABLE_PUSH by a server */
        {WEFT_STR("\1\0\0\0\0\0\0\0\1"), -WEFT_ESYNTAX},             /* a frame that is too large */
        {WEFT_STR("\0\0\1\1\5\0\0\0\1\377"), -WEFT_ESYNTAX},         /* HPACK: no such index */
        {WEFT_STR("\0\0\1\11\4\0\0\0\1\210"), -WEFT_ESYNTAX},        /* CONTINUATION of nothing */
        {WEFT_STR("\0\0\4\3\0\0\0\0\7\0\0\0\0"), -WEFT_ESYNTAX},     /* RST of an idle stream */
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct h2_liar liar = {.bytes = rows[i].bytes.ptr, .count = rows[i].bytes.len};
        note("row %zu", i);
        h2_liar_open(&liar, say_bytes, no_repeats());
        CHECK_EQ(h2_liar_ask(&liar, POST), rows[i].rc);
        CHECK_EQ(liar.client->conn_count, 0);
        CHECK_OK(weft_sleep(5 * WEFT_SEC));
        CHECK_GT(liar.goaway, NGHTTP2_NO_ERROR); /* it was told */
        h2_liar_close(&liar);
    }
}

/* ---- heads too large (classes 14, 17, 18) ---- */

static int say_many_continuations(struct h2_liar *liar, struct h2_peer *peer)
{
    uint8_t block[128];
    int32_t id = h2_liar_hear(liar, peer);
    size_t count = h2_block(block, ":status: 204\n");
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_HEADERS, H2_END, id, block, count));
    count = h2_block(block, "a: b\n");
    for (int i = 1; i < liar->number; i++)
        WEFT_TRY(h2_peer_frame(peer, NGHTTP2_CONTINUATION, 0, id, block, count));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, id, block, count));
    return h2_liar_drain(peer);
}

TASK_TEST(class_17_h2_continuation_flood)
{
    struct h2_liar fair = {.number = 8}, flood = {.number = 9};
    h2_liar_open(&fair, say_many_continuations, no_repeats());
    CHECK_EQ(h2_liar_ask(&fair, POST), 204);
    h2_liar_close(&fair);
    h2_liar_open(&flood, say_many_continuations, no_repeats());
    CHECK_EQ(h2_liar_ask(&flood, POST), -WEFT_ELIMIT);
    h2_liar_close(&flood);
}

/* A field of 4,000 bytes goes into the table, and is named again and again by a byte each. */
static int say_bomb(struct h2_liar *liar, struct h2_peer *peer)
{
    static uint8_t block[8192];
    static char line[4096];
    int32_t id = h2_liar_hear(liar, peer);
    size_t count = h2_block(block, ":status: 204\n"), begin = count;
    snprintf(line, sizeof line, "a: %03900d\n", 0);
    count += h2_block(block + count, line);
    block[begin] = 0x40; /* to be indexed */
    memset(block + count, 0x80 | 62, (size_t)liar->number);
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_HEADERS, H2_END | NGHTTP2_FLAG_END_HEADERS, id, block,
                           count + (size_t)liar->number));
    id = h2_liar_hear(liar, peer); /* the connection goes on */
    if (id != 0)
        WEFT_TRY(h2_liar_answer(peer, id));
    return h2_liar_drain(peer);
}

TASK_TEST(class_18_h2_head_bombs)
{
    static const int counts[] = {10, 20, 1000};
    static const int verdicts[] = {204, -WEFT_ELIMIT, -WEFT_ELIMIT};
    for (int i = 0; i < 3; i++) {
        struct h2_liar liar = {.number = counts[i]};
        h2_liar_open(&liar, say_bomb, no_repeats());
        CHECK_EQ(h2_liar_ask(&liar, POST), verdicts[i]);
        CHECK_EQ(h2_liar_ask(&liar, POST), 200);
        CHECK_EQ(liar.connections, 1);
        h2_liar_close(&liar);
    }
}

/* ---- floods (class 19) ---- */

struct flood {
    uint8_t type, flags;
    const char *bytes;
    size_t count;
    bool is_of_stream; /* behind the head of an answer */
};

static int say_flood(struct h2_liar *liar, struct h2_peer *peer)
{
    const struct flood *flood = liar->bytes;
    int32_t id = h2_liar_hear(liar, peer);
    if (flood->is_of_stream)
        WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 200\n"));
    for (int i = 0; i < liar->number; i++)
        WEFT_TRY(h2_peer_frame(peer, flood->type, flood->flags, flood->is_of_stream ? id : 0,
                               flood->bytes, flood->count));
    if (!flood->is_of_stream)
        WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 200\n"));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_DATA, H2_END, id, "hi", 2));
    return h2_liar_drain(peer);
}

TASK_TEST(class_19_h2_floods_by_a_server)
{
    static const struct flood floods[] = {
        {NGHTTP2_PING, 0, "12345678", 8, false},
        {NGHTTP2_SETTINGS, 0, "", 0, false},
        {0xbb, 0, "what", 4, false},
        {NGHTTP2_DATA, 0, "", 0, true},
        {NGHTTP2_PRIORITY, 0, "\0\0\0\0\20", 5, true},
    };
    for (size_t i = 0; i < sizeof floods / sizeof floods[0]; i++) {
        note("flood %zu", i);
        struct h2_liar fair = {.bytes = &floods[i], .number = 900};
        h2_liar_open(&fair, say_flood, no_repeats());
        CHECK_EQ(h2_liar_ask(&fair, POST), 200);
        h2_liar_close(&fair);
        struct h2_liar many = {.bytes = &floods[i], .number = 1100};
        h2_liar_open(&many, say_flood, no_repeats());
        CHECK_EQ(h2_liar_ask(&many, POST), -WEFT_ELIMIT);
        CHECK_EQ(many.client->conn_count, 0);
        CHECK_OK(weft_sleep(5 * WEFT_SEC));
        CHECK_EQ(many.goaway, NGHTTP2_ENHANCE_YOUR_CALM);
        h2_liar_close(&many);
    }
}

static int say_interim(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    for (int i = 0; i < liar->number; i++)
        WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 103\nlink: </a>\n"));
    WEFT_TRY(h2_liar_answer(peer, id));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_interim_answers_are_passed_over_up_to_a_limit)
{
    for (int number = 16; number <= 17; number++) {
        struct h2_liar liar = {.number = number};
        h2_liar_open(&liar, say_interim, no_repeats());
        CHECK_EQ(h2_liar_ask(&liar, POST), number == 16 ? 200 : -WEFT_ELIMIT);
        h2_liar_close(&liar);
    }
}

/* More than the windows allow. */
static int say_beyond_window(struct h2_liar *liar, struct h2_peer *peer)
{
    static const char data[16384];
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 200\n"));
    for (int i = 0; i < 5; i++)
        WEFT_TRY(h2_peer_frame(peer, NGHTTP2_DATA, 0, id, data, sizeof data));
    return h2_liar_drain(peer);
}

TASK_TEST(class_20_h2_a_server_that_minds_no_window)
{
    struct h2_liar liar = {0};
    weft_exchange *exchange;
    char byte;
    h2_liar_open(&liar, say_beyond_window, no_repeats());
    weft_client_request request = {.url = liar.url};
    CHECK_OK(weft_exchange_open(&exchange, liar.client, &request));
    CHECK_OK(weft_sleep(WEFT_SEC));
    ssize_t got = 1;
    while (got > 0)
        got = weft_exchange_read(exchange, &byte, 1);
    CHECK_EQ(got, -WEFT_ESYNTAX);
    weft_exchange_close(exchange);
    h2_liar_close(&liar);
}

/* ---- a server that says no ---- */

static int refuse_some(struct h2_liar *liar, struct h2_peer *peer)
{
    static const char code[4] = {0, 0, 0, NGHTTP2_REFUSED_STREAM};
    int32_t id;
    while ((id = h2_liar_hear(liar, peer)) != 0) {
        int rc = (int)liar->requests <= liar->number
                     ? h2_peer_frame(peer, NGHTTP2_RST_STREAM, 0, id, code, sizeof code)
                     : h2_liar_answer(peer, id);
        if (rc < 0)
            return rc;
    }
    return weft_check();
}

TASK_TEST(h2_a_refused_request_is_sent_again_whatever_its_method)
{
    struct h2_liar liar = {.number = 2}, never = {.number = 1000};
    h2_liar_open(&liar, refuse_some, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&liar, POST), 200);
    CHECK_EQ(liar.requests, 3);
    CHECK_EQ(liar.connections, 1);
    h2_liar_close(&liar);
    h2_liar_open(&never, refuse_some, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&never, POST), -ECONNRESET);
    CHECK_EQ(never.requests, 3);
    h2_liar_close(&never);
}

/* Over the next connection HTTP/1.1 comes. */
static int want_http_1(struct h2_liar *liar, struct h2_peer *peer)
{
    static const char code[4] = {0, 0, 0, NGHTTP2_HTTP_1_1_REQUIRED};
    static const char answer[] = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi";
    liar->has_no_settings = true;
    if (liar->connections > 1) {
        WEFT_TRY(weft_stream_write(peer->stream, answer, sizeof answer - 1));
        return weft_sleep(WEFT_FOREVER);
    }
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_RST_STREAM, 0, id, code, sizeof code));
    return 0;
}

TASK_TEST(h2_a_server_that_wants_http_1_gets_it)
{
    struct h2_liar liar = {0};
    weft_client_response page;
    h2_liar_open(&liar, want_http_1, (weft_client_options){0});
    weft_client_request request = {.url = liar.url, .body = WEFT_STR("{}")};
    CHECK_OK(weft_client_fetch(liar.client, &request, &page));
    CHECK_EQ(page.status, 200);
    CHECK_EQ(page.version, 11);
    weft_client_response_free(&page);
    CHECK_EQ(liar.connections, 2);
    h2_liar_close(&liar);
}

static int reset_first(struct h2_liar *liar, struct h2_peer *peer)
{
    static const char code[4] = {0, 0, 0, NGHTTP2_INTERNAL_ERROR};
    int32_t id;
    while ((id = h2_liar_hear(liar, peer)) != 0) {
        int rc = liar->requests == 1
                     ? h2_peer_frame(peer, NGHTTP2_RST_STREAM, 0, id, code, sizeof code)
                     : h2_liar_answer(peer, id);
        if (rc < 0)
            return rc;
    }
    return weft_check();
}

TASK_TEST(h2_a_reset_request_is_sent_again_if_that_does_no_harm)
{
    struct h2_liar get = {0}, post = {0};
    h2_liar_open(&get, reset_first, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&get, GET), 200);
    h2_liar_close(&get);
    h2_liar_open(&post, reset_first, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&post, POST), -ECONNRESET);
    CHECK(strstr(weft_error_text(), "(INTERNAL_ERROR) before it answered") != NULL);
    CHECK_EQ(h2_liar_ask(&post, POST), 200);
    CHECK_EQ(post.connections, 1);
    h2_liar_close(&post);
}

/* Takes one of two requests and goes away, politely; the next connection takes all. */
static int say_goaway(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    if (liar->connections > 1) {
        for (; id != 0; id = h2_liar_hear(liar, peer))
            WEFT_TRY(h2_liar_answer(peer, id));
        return weft_check();
    }
    (void)h2_liar_hear(liar, peer);
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_GOAWAY, 0, 0, "\0\0\0\1\0\0\0\0", 8));
    liar->fn = say_goaway;
    WEFT_TRY(weft_sleep(WEFT_SEC));
    WEFT_TRY(h2_liar_answer(peer, id));
    return h2_liar_drain(peer);
}

static int post_body(void *arg)
{
    return h2_liar_ask(arg, POST);
}

TASK_TEST(h2_goaway_lets_finish_what_it_names_and_the_rest_goes_elsewhere)
{
    struct h2_liar liar = {0};
    h2_liar_open(&liar, say_goaway, (weft_client_options){0});
    weft_task tasks[] = {weft_spawn(post_body, &liar), weft_spawn(post_body, &liar)};
    CHECK_OK(weft_gather_n(tasks, 2));
    CHECK_EQ(liar.connections, 2);
    CHECK_EQ(liar.requests, 3);
    h2_liar_close(&liar);
}

static int say_goaway_and_go(struct h2_liar *liar, struct h2_peer *peer)
{
    char calm[8] = {0, 0, 0, (char)liar->count, 0, 0, 0, NGHTTP2_ENHANCE_YOUR_CALM};
    (void)h2_liar_hear(liar, peer);
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_GOAWAY, 0, 0, calm, sizeof calm));
    WEFT_TRY(weft_sleep(WEFT_SEC));
    return liar->number;
}

TASK_TEST(h2_a_goaway_is_told_in_words)
{
    static const struct {
        size_t last_id;
        int end, rc; /* of the connection, and of the request */
        const char *text;
    } rows[] = {
        {0, 0, -ECONNRESET, "did not take the request over HTTP/2"},
        {1, 0, -WEFT_ETRUNCATED, "ended without an answer"},
        {1, -EIO, -ECONNRESET, "reset the connection before it answered"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct h2_liar liar = {.count = rows[i].last_id, .number = rows[i].end};
        char text[200];
        h2_liar_open(&liar, say_goaway_and_go, no_repeats());
        CHECK_EQ(h2_liar_ask(&liar, POST), rows[i].rc);
        snprintf(text, sizeof text, "%.*s %s, after GOAWAY (ENHANCE_YOUR_CALM)",
                 (int)strlen(liar.url), liar.url, rows[i].text);
        CHECK_STR(weft_explain(rows[i].rc), text);
        h2_liar_close(&liar);
    }
}

/* ---- SETTINGS ---- */

static int answer_all(struct h2_liar *liar, struct h2_peer *peer)
{
    for (int32_t id; (id = h2_liar_hear(liar, peer)) != 0;)
        WEFT_TRY(h2_liar_answer(peer, id));
    return weft_check();
}

TASK_TEST(h2_a_server_that_never_says_its_settings_gets_one_request)
{
    struct h2_liar liar = {.has_no_settings = true};
    h2_liar_open(&liar, answer_all, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&liar, POST), -WEFT_ESYNTAX); /* RFC 9113 3.4: they come first */
    h2_liar_close(&liar);
}

/* A window of nothing, opened later byte by byte. */
static int open_slowly(struct h2_liar *liar, struct h2_peer *peer)
{
    static struct h2_frame frame;
    size_t seen = 0;
    WEFT_TRY(h2_liar_answer(peer, h2_liar_hear(liar, peer))); /* it knows the SETTINGS now */
    int32_t id = h2_liar_hear(liar, peer);
    while (seen < 2) {
        WEFT_TRY(weft_sleep(WEFT_SEC));
        WEFT_TRY(h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, id, "\0\0\0\1", 4));
        do {
            if (!h2_peer_read(peer, &frame))
                return -ECONNRESET;
        } while (frame.type != NGHTTP2_DATA);
        CHECK_EQ(frame.count, 1);
        seen += frame.count;
    }
    WEFT_TRY(h2_liar_answer(peer, id));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_a_body_goes_as_the_window_opens)
{
    struct h2_liar liar = {.setting = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 0};
    h2_liar_open(&liar, open_slowly, no_repeats());
    CHECK_EQ(h2_liar_ask(&liar, GET), 200);
    CHECK_EQ(h2_liar_ask(&liar, POST), 200);
    h2_liar_close(&liar);
}

/* Its SETTINGS change under way: more of the body may go. */
static int open_by_settings(struct h2_liar *liar, struct h2_peer *peer)
{
    static struct h2_frame frame;
    size_t seen = 0;
    WEFT_TRY(h2_liar_answer(peer, h2_liar_hear(liar, peer)));
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(weft_sleep(WEFT_SEC));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_SETTINGS, 0, 0, "\0\4\0\1\0\0", 6));
    while (seen < 60000) {
        if (!h2_peer_read(peer, &frame))
            return -ECONNRESET;
        seen += frame.type == NGHTTP2_DATA ? frame.count : 0;
    }
    CHECK_EQ(seen, 60000);
    WEFT_TRY(h2_liar_answer(peer, id));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_settings_that_change_under_way_open_windows)
{
    static const char body[60000];
    struct h2_liar liar = {.setting = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 1000};
    h2_liar_open(&liar, open_by_settings, no_repeats());
    CHECK_EQ(h2_liar_ask(&liar, GET), 200);
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){.body = {body, sizeof body}}), 200);
    h2_liar_close(&liar);
}

/* Refuses the body of which it takes nothing: its answer is heard. */
static int refuse_body(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_head(peer, id, H2_END, ":status: 413\n"));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_RST_STREAM, 0, id, "\0\0\0\0", 4));
    id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_answer(peer, id));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_a_refused_body_is_not_sent)
{
    static const char large[100000];
    struct h2_liar liar = {.setting = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 0};
    h2_liar_open(&liar, refuse_body, no_repeats());
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){.body = {large, sizeof large}}), 413);
    CHECK_EQ(h2_liar_ask(&liar, GET), 200);
    CHECK_EQ(liar.connections, 1);
    h2_liar_close(&liar);
}

/* ---- silence ---- */

static int be_silent(struct h2_liar *liar, struct h2_peer *peer)
{
    (void)peer;
    (void)liar;
    return weft_sleep(WEFT_FOREVER);
}

/* Answers pings, and the request after a while. */
static int be_slow(struct h2_liar *liar, struct h2_peer *peer)
{
    static struct h2_frame frame;
    int32_t id = h2_liar_hear(liar, peer);
    while (peer->pings < 2) {
        if (!h2_peer_read(peer, &frame))
            return -ECONNRESET;
    }
    WEFT_TRY(h2_liar_answer(peer, id));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_a_silent_server_is_asked_by_a_ping)
{
    struct h2_liar silent = {0}, slow = {0};
    weft_client_options options = {.limits = {.first_byte_max = 100 * WEFT_SEC}};
    weft_time since = weft_now();
    h2_liar_open(&silent, be_silent, options);
    CHECK_EQ(h2_liar_ask(&silent, GET), -ETIMEDOUT);
    CHECK_GE(weft_now() - since, 20 * WEFT_SEC);
    CHECK_LT(weft_now() - since, 22 * WEFT_SEC);
    h2_liar_close(&silent);
    h2_liar_open(&slow, be_slow, options);
    CHECK_EQ(h2_liar_ask(&slow, GET), 200);
    h2_liar_close(&slow);
}

/* A header block that does not come to its end stops everything else on the connection. */
static int say_half_a_head(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_HEADERS, 0, id, "\210", 1));
    return weft_sleep(WEFT_FOREVER);
}

TASK_TEST(class_11_h2_a_head_that_never_ends)
{
    struct h2_liar liar = {0};
    weft_time since = weft_now();
    weft_client_options options = {
        .limits = {.h2_silence_max = 100 * WEFT_SEC, .retry_count_max = 1}};
    h2_liar_open(&liar, say_half_a_head, options);
    CHECK_EQ(h2_liar_ask(&liar, POST), -WEFT_ELIMIT);
    CHECK_GE(weft_now() - since, 10 * WEFT_SEC);
    CHECK_LT(weft_now() - since, 12 * WEFT_SEC);
    h2_liar_close(&liar);
}

/* ---- a header block whose stream is over before it ---- */

/* Of the first request's answer the trailers are too many, or it is given up in the middle of its
 * head; the second is answered a minute later. */
static int end_blocks_late(struct h2_liar *liar, struct h2_peer *peer)
{
    static char lines[4096];
    int32_t first = h2_liar_hear(liar, peer), second = h2_liar_hear(liar, peer);
    char *at = lines;
    if (liar->number != 0) {
        for (int i = 0; i < liar->number; i++)
            at += sprintf(at, "x-%d: y\n", i);
        WEFT_TRY(h2_liar_head(peer, first, 0, ":status: 200\n"));
        WEFT_TRY(h2_liar_head(peer, first, H2_END, lines));
    } else {
        WEFT_TRY(h2_peer_frame(peer, NGHTTP2_HEADERS, H2_END, first, "\210", 1));
        WEFT_TRY(weft_sleep(2 * WEFT_SEC)); /* the client has reset it */
        WEFT_TRY(
            h2_peer_frame(peer, NGHTTP2_CONTINUATION, NGHTTP2_FLAG_END_HEADERS, first, NULL, 0));
    }
    for (int i = 0; i < 12; i++) {
        WEFT_TRY(weft_sleep(5 * WEFT_SEC));
        WEFT_TRY(h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\0\0\1", 4));
    }
    WEFT_TRY(h2_liar_answer(peer, second));
    return h2_liar_drain(peer);
}

static int ask_for_a_second(void *arg)
{
    struct h2_liar *liar = arg;
    weft_client_request request = POST;
    request.total_max = WEFT_SEC;
    return h2_liar_ask(liar, request);
}

static int ask_patiently(void *arg)
{
    return h2_liar_ask(arg, POST);
}

TASK_TEST(class_11_h2_the_end_of_a_head_is_seen_also_if_its_stream_is_over)
{
    static const int numbers[] = {0, 33};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct h2_liar liar = {.number = numbers[i]};
        weft_client_options options = no_repeats();
        note("number %d", numbers[i]);
        options.limits.first_byte_max = 100 * WEFT_SEC;
        h2_liar_open(&liar, end_blocks_late, options);
        weft_task first = weft_spawn(ask_for_a_second, &liar);
        while (liar.requests == 0)
            CHECK_OK(weft_sleep(WEFT_MS));
        weft_task second = weft_spawn(ask_patiently, &liar);
        CHECK_EQ(weft_await(first), numbers[i] != 0 ? -WEFT_ELIMIT : -ETIMEDOUT);
        CHECK_EQ(weft_await(second), 200);
        CHECK_EQ(liar.connections, 1);
        h2_liar_close(&liar);
    }
}

/* ---- connections that are over as soon as they are open ---- */

/* Over what looks like a connection, and was ended by the server before anybody could ask. */
static int connect_ended(weft_stream **out, weft_str host, uint16_t port, bool is_https, void *arg)
{
    weft_stream *ends[2];
    unsigned *count = arg;
    (void)host;
    (void)port;
    (void)is_https;
    WEFT_TRY(weft_stream_pair(ends));
    ++*count;
    int rc = weft_stream_close(ends[1]);
    if (rc == 0)
        rc = weft_sleep(WEFT_SEC);
    if (rc < 0)
        weft_stream_abort(ends[0]);
    else
        *out = ends[0];
    return rc;
}

TASK_TEST(h2_a_connection_that_has_ended_when_it_is_open_is_an_error)
{
    unsigned count = 0;
    weft_client *client;
    weft_client_response page;
    weft_client_options options = {
        .assumes_h2 = true, .connect = connect_ended, .connect_arg = &count};
    CHECK_OK(weft_client_new(&client, &options));
    CHECK_LT(weft_client_get(client, "http://h/", &page), 0);
    CHECK_EQ(count, 3); /* nothing was asked: it is tried again */
    CHECK_EQ(client->conn_count, 0);
    weft_client_free(client);
}
