/* SPDX-License-Identifier: MIT */

/* Bodies of requests over HTTP/2, frame by frame: trailers, and servers that have heard enough. */

#include "h2_liar.h"

#include "client/client_priv.h"

#include <assert.h>

/* Reads frames of the stream to its end: how many bytes of data, whether trailers came, and by
 * which code it was reset; -1: it was not. */
struct heard {
    size_t bytes;
    unsigned heads;
    bool is_ended;
    long code;
    char fields[256];
};

static void fields_take(struct h2_peer *peer, const struct h2_frame *frame, struct heard *out)
{
    nghttp2_nv field;
    uint8_t *at = (uint8_t *)(uintptr_t)frame->bytes;
    size_t left = frame->count, len = 0;
    for (int flags = 0; (flags & NGHTTP2_HD_INFLATE_FINAL) == 0;) {
        ssize_t used = nghttp2_hd_inflate_hd2(peer->inflater, &field, &flags, at, left, 1);
        CHECK_OK(used);
        at += used;
        left -= (size_t)used;
        if ((flags & NGHTTP2_HD_INFLATE_EMIT) != 0 && len < sizeof out->fields)
            len += (size_t)snprintf(out->fields + len, sizeof out->fields - len, "%s: %s\n",
                                    (char *)field.name, (char *)field.value);
    }
    nghttp2_hd_inflate_end_headers(peer->inflater);
}

static struct heard hear_all(struct h2_peer *peer, int32_t id)
{
    static struct h2_frame frame;
    struct heard heard = {.code = -1};
    while (!heard.is_ended && heard.code < 0 && h2_peer_read(peer, &frame)) {
        if (frame.id != id)
            continue;
        if (frame.type == NGHTTP2_DATA)
            heard.bytes += frame.count;
        if (frame.type == NGHTTP2_HEADERS) {
            heard.heads++;
            fields_take(peer, &frame, &heard);
        }
        if (frame.type == NGHTTP2_RST_STREAM)
            heard.code = frame.bytes[3];
        else
            heard.is_ended = (frame.flags & H2_END) != 0;
    }
    return heard;
}

/* ---- trailers ---- */

static int want_trailers(struct h2_liar *liar, struct h2_peer *peer)
{
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\1\0\0", 4));
    for (;;) {
        static struct h2_frame frame;
        do {
            if (!h2_peer_read(peer, &frame))
                return 0;
        } while (frame.type != NGHTTP2_HEADERS);
        struct heard head = {0}, heard;
        fields_take(peer, &frame, &head);
        CHECK(strstr(head.fields, "trailer: X-Sum\n") != NULL);
        CHECK_EQ(frame.flags & H2_END, 0);
        heard = hear_all(peer, frame.id);
        CHECK_EQ(heard.bytes, liar->count);
        CHECK_EQ(heard.heads, 1);
        CHECK(heard.is_ended);
        CHECK_STR(heard.fields, "x-sum: a b\n");
        WEFT_TRY(h2_liar_answer(peer, frame.id));
    }
}

TASK_TEST(h2_trailers_end_the_request)
{
    static const weft_client_field sum = {WEFT_STR("X-Sum"), WEFT_STR("a b")};
    static const size_t sizes[] = {0, 1, 16384, 50000};
    static const char body[50000];
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        struct h2_liar liar = {.count = sizes[i]};
        note("%zu bytes", sizes[i]);
        h2_liar_open(&liar, want_trailers, (weft_client_options){0});
        weft_client_request request = {
            .body = {body, sizes[i]}, .trailers = &sum, .trailer_count = 1};
        CHECK_EQ(h2_liar_ask(&liar, request), 200);
        CHECK_EQ(h2_liar_ask(&liar, request), 200);
        CHECK_EQ(liar.connections, 1);
        h2_liar_close(&liar);
    }
}

/* ---- an answer before the body is whole ---- */

#define PART "hi"

/* Answers at once, whole, and takes no more than the windows hold; then as it was told. */
static int answer_early(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_head(peer, id, 0, liar->bytes));
    WEFT_TRY(weft_sleep(liar->number * WEFT_MS)); /* between the head and the end */
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_DATA, H2_END, id, PART, 2));
    struct heard heard = hear_all(peer, id);
    CHECK_EQ(heard.code, NGHTTP2_NO_ERROR);
    CHECK(!heard.is_ended);
    WEFT_TRY(h2_liar_answer(peer, h2_liar_hear(liar, peer)));
    return h2_liar_drain(peer);
}

/* Gives a byte, and no more for a long time. */
static ssize_t stingy_read(void *buf, size_t bytes, void *arg)
{
    unsigned *reads = arg;
    assert(bytes > 0);
    *(char *)buf = 'x';
    int rc = ++*reads == 1 ? 0 : weft_sleep(200 * WEFT_SEC);
    return rc < 0 ? rc : 1;
}

TASK_TEST(h2_a_whole_answer_ends_the_sending_and_the_connection_stays)
{
    static const char *const heads[] = {":status: 200\n", ":status: 413\n"};
    static const char body[100000];
    for (int i = 0; i < 8; i++) {
        struct h2_liar liar = {.bytes = heads[i & 1], .number = (i & 2) * 10};
        unsigned reads = 0;
        weft_client_response page;
        weft_client_request request = {.body = {body, sizeof body}};
        if ((i & 4) != 0)
            request = (weft_client_request){.body_read = stingy_read, .body_arg = &reads};
        note("row %d", i);
        h2_liar_open(&liar, answer_early, (weft_client_options){0});
        request.url = liar.url;
        weft_time since = weft_now();
        CHECK_OK(weft_client_fetch(liar.client, &request, &page));
        CHECK_EQ(page.status, (i & 1) != 0 ? 413 : 200);
        CHECK_BYTES(page.body.ptr, page.body.len, PART, 2);
        CHECK_LT(weft_now() - since, 10 * WEFT_SEC);
        weft_client_response_free(&page);
        CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){0}), 200);
        CHECK_EQ(liar.connections, 1);
        h2_liar_close(&liar);
    }
}

/* A caller that leaves before the end of the answer cancels; the server may still work at it. */
static int answer_for_ever(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 413\n"));
    CHECK_EQ(hear_all(peer, id).code, NGHTTP2_CANCEL);
    WEFT_TRY(h2_liar_answer(peer, h2_liar_hear(liar, peer)));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_a_refusal_that_is_left_is_cancelled)
{
    static const char body[100000];
    struct h2_liar liar = {0};
    weft_exchange *exchange;
    h2_liar_open(&liar, answer_for_ever, (weft_client_options){0});
    weft_client_request request = {.url = liar.url, .body = {body, sizeof body}};
    CHECK_OK(weft_exchange_open(&exchange, liar.client, &request));
    CHECK_EQ(weft_exchange_status(exchange), 413);
    weft_exchange_close(exchange);
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){0}), 200);
    CHECK_EQ(liar.connections, 1);
    h2_liar_close(&liar);
}

/* A 2xx that is not whole may need the rest of the body: it goes on. */
static int answer_as_it_reads(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 200\n"));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\0\1\0\0", 4));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, id, "\0\1\0\0", 4));
    struct heard heard = hear_all(peer, id);
    CHECK_EQ(heard.bytes, 100000);
    CHECK(heard.is_ended);
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_DATA, H2_END, id, "hi", 2));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_an_answer_that_has_only_begun_gets_the_whole_body)
{
    static const char body[100000];
    struct h2_liar liar = {0};
    h2_liar_open(&liar, answer_as_it_reads, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){.body = {body, sizeof body}}), 200);
    h2_liar_close(&liar);
}

/* And if it then is reset, the request has failed. */
static int begin_and_reset(struct h2_liar *liar, struct h2_peer *peer)
{
    int32_t id = h2_liar_hear(liar, peer);
    WEFT_TRY(h2_liar_head(peer, id, 0, ":status: 200\n"));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_RST_STREAM, 0, id, "\0\0\0\2", 4));
    return h2_liar_drain(peer);
}

TASK_TEST(h2_an_answer_that_is_reset_before_the_body_is_whole_is_an_error)
{
    static const char body[100000];
    struct h2_liar liar = {0};
    h2_liar_open(&liar, begin_and_reset, (weft_client_options){0});
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){.body = {body, sizeof body}}), -ECONNRESET);
    CHECK_EQ(liar.client->conn_count, 1);
    h2_liar_close(&liar);
}

/* ---- bytes in any pieces ---- */

struct text {
    uint8_t bytes[256];
    size_t count;
};

static void text_frame(struct text *text, uint8_t type, uint8_t flags, int32_t id,
                       const void *bytes, size_t count)
{
    const uint8_t head[9] = {0, 0, (uint8_t)count,     type,       flags,
                             0, 0, (uint8_t)(id >> 8), (uint8_t)id};
    CHECK_LE(text->count + sizeof head + count, sizeof text->bytes);
    memcpy(text->bytes + text->count, head, sizeof head);
    memcpy(text->bytes + text->count + sizeof head, bytes, count);
    text->count += sizeof head + count;
}

static void text_head(struct text *text, uint8_t flags, int32_t id, const char *lines)
{
    uint8_t block[64];
    text_frame(text, NGHTTP2_HEADERS, flags | NGHTTP2_FLAG_END_HEADERS, id, block,
               h2_block(block, lines));
}

/* Each answer is cut one byte later than the one before. */
static int answer_in_two(struct h2_liar *liar, struct h2_peer *peer)
{
    for (size_t cut = 1;; cut++) {
        struct text text = {0};
        int32_t id = h2_liar_hear(liar, peer);
        if (id == 0)
            return 0;
        if (liar->number == 0)
            text_head(&text, 0, id, ":status: 100\n");
        text_head(&text, 0, id, ":status: 200\n");
        text_frame(&text, NGHTTP2_DATA, 0, id, "hi", 2);
        text_head(&text, H2_END, id, "x-sum: a b\n");
        cut = cut < text.count ? cut : 1;
        WEFT_TRY(weft_stream_write(peer->stream, text.bytes, cut));
        WEFT_TRY(weft_stream_flush(peer->stream));
        WEFT_TRY(weft_sleep(WEFT_MS));
        WEFT_TRY(weft_stream_write(peer->stream, text.bytes + cut, text.count - cut));
        liar->count = text.count;
    }
}

/* The word to go on, or an answer before the body; both end by trailers. */
TASK_TEST(h2_interim_and_early_answers_may_be_cut_anywhere)
{
    for (unsigned row = 0; row < 2; row++) {
        struct h2_liar liar = {.number = row, .count = 2};
        h2_liar_open(&liar, answer_in_two, (weft_client_options){0});
        for (size_t cut = 1; cut < liar.count; cut++) {
            weft_client_response page;
            unsigned reads = 0;
            weft_client_request request = {.url = liar.url, .expects_continue = row == 0};
            if (row == 0)
                request.body = (weft_str)WEFT_STR("a body");
            else
                request.body_read = stingy_read, request.body_arg = &reads;
            note("row %u, cut %zu", row, cut);
            CHECK_OK(weft_client_fetch(liar.client, &request, &page));
            CHECK_EQ(page.status, 200);
            CHECK_BYTES(page.body.ptr, page.body.len, "hi", 2);
            weft_str sum = weft_client_response_trailer(&page, "x-sum");
            CHECK_BYTES(sum.ptr, sum.len, "a b", 3);
            weft_client_response_free(&page);
        }
        CHECK_GT(liar.count, 40u);
        CHECK_EQ(liar.connections, 1);
        h2_liar_close(&liar);
    }
}

/* ---- servers that take it slowly ---- */

#define SLOW_BYTES ((size_t)24 * 1024 * 1024) /* more than kernels hold */

/* Its windows are wide open, and it reads 16 KB a second, up to `count` bytes; so what waits for
 * it, a PING too, waits in the kernel. */
static int read_slowly(struct h2_liar *liar, struct h2_peer *peer)
{
    static struct h2_frame frame = {.bytes = "@"};
    size_t taken = 0;
    WEFT_TRY(h2_liar_answer(peer, h2_liar_hear(liar, peer)));
    WEFT_TRY(h2_peer_frame(peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x40\0\0\0", 4));
    do {
        if (!h2_peer_read(peer, &frame))
            return -ECONNRESET;
        size_t before = taken;
        taken += frame.type == NGHTTP2_DATA ? frame.count : 0;
        if (taken / 65536 != before / 65536)
            WEFT_TRY(weft_sleep(4 * WEFT_SEC));
        if (taken >= liar->count)
            return weft_sleep(WEFT_FOREVER);
    } while (frame.type != NGHTTP2_DATA || (frame.flags & H2_END) == 0);
    CHECK_EQ(taken, SLOW_BYTES);
    WEFT_TRY(h2_liar_answer(peer, frame.id));
    return h2_liar_drain(peer);
}

static int upload_slowly(size_t taken, weft_time *out_took)
{
    struct h2_liar liar = {
        .setting = NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, .value = 0x7fffffff, .count = taken};
    const weft_client_options options = {
        .limits = {.first_byte_max = 300 * WEFT_SEC, /* its kernel has the last of it long before */
                   .total_max = 3600 * WEFT_SEC,
                   .retry_count_max = 1}};
    char *body = calloc(SLOW_BYTES, 1);
    CHECK(body != NULL);
    h2_liar_open(&liar, read_slowly, options);
    CHECK_EQ(h2_liar_ask(&liar, (weft_client_request){0}), 200);
    weft_time from = weft_now();
    int rc =
        h2_liar_ask(&liar, (weft_client_request){.method = "POST", .body = {body, SLOW_BYTES}});
    *out_took = weft_now() - from;
    h2_liar_close(&liar);
    free(body);
    return rc;
}

static int take_slowly(void *arg)
{
    weft_time took;
    (void)arg;
    CHECK_EQ(upload_slowly(SIZE_MAX, &took), 200);
    CHECK_GE(took, 1000 * WEFT_SEC);
    return 0;
}

static int take_nothing_more(void *arg)
{
    weft_time took;
    (void)arg;
    CHECK_EQ(upload_slowly(65536, &took), -ETIMEDOUT);
    CHECK_GE(took, 20 * WEFT_SEC);
    CHECK_LE(took, 120 * WEFT_SEC); /* a pause, for what it took */
    return 0;
}

/* Simulated: a kernel's own clock goes slower than the tests'. */
#define SWEEP(fn_) (void)test_sweep_plan("buffer 4MiB", 4, 10000000, fn_, NULL)

TEST(h2_a_server_that_takes_a_body_slowly_gets_all_of_it)
{
    SWEEP(take_slowly);
}

TEST(h2_a_server_that_takes_nothing_more_is_given_up)
{
    SWEEP(take_nothing_more);
}
