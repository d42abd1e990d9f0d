/* SPDX-License-Identifier: MIT */

/* HTTP/2: what costs a client nothing has a limit, and so has what it keeps waiting. */

#include "h2_peer.h"

#include <weft/http_log.h>

#include <weft/scope.h>

#include <stdlib.h>

#define END NGHTTP2_FLAG_END_STREAM
#define CALM NGHTTP2_ENHANCE_YOUR_CALM

static const uint8_t cancel[4] = {0, 0, 0, NGHTTP2_CANCEL};

static void check_served(struct site *site)
{
    struct h2_peer peer;
    struct h2_answer answer;
    h2_peer_open(&peer, site);
    h2_peer_ask(&peer, 1, "/ok", &answer);
    CHECK_EQ(answer.status, 200);
    h2_peer_close(&peer);
}

/* The connection ends with this GOAWAY, nothing stays behind, and others are served. */
static void check_ended(struct site *site, struct h2_peer *peer, long code)
{
    weft_http_stats stats;
    CHECK_EQ(h2_peer_end(peer), code);
    h2_peer_close(peer);
    CHECK_OK(weft_sleep(3 * WEFT_SEC));
    weft_http_server_get_stats(site->server, &stats);
    CHECK_EQ(stats.connections_open, 0u);
    CHECK_EQ(stats.requests_in_hand, 0u);
    check_served(site);
}

struct flood {
    uint8_t type;
    int32_t id; /* of a stream that has begun a POST; 0: the connection's */
    const void *bytes;
    size_t count;
    const char *path; /* of the POST */
    bool is_answered; /* before the flood begins */
};

static void flood_open(const struct flood *flood, struct site *site, struct h2_peer *peer)
{
    struct h2_answer answer;
    CHECK_OK(site_open(site, NULL));
    h2_peer_open(peer, site);
    if (flood->path == NULL)
        return;
    h2_peer_head(peer, flood->id, 0, "POST", flood->path, "");
    if (!flood->is_answered)
        return;
    h2_peer_answer(peer, flood->id, &answer);
    CHECK(answer.is_whole);
}

static int flood_send(const struct flood *flood, struct h2_peer *peer, int times)
{
    int rc = 0;
    for (int i = 0; i < times && rc == 0; i++)
        rc = h2_peer_frame(peer, flood->type, 0, flood->id, flood->bytes, flood->count);
    return rc;
}

/* Nine hundred at once are fine; two hundred more are not. */
static void check_flood(struct flood flood)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    flood_open(&flood, &site, &peer);
    CHECK_OK(flood_send(&flood, &peer, 900));
    h2_peer_ask(&peer, 3, "/ok", &answer);
    CHECK_EQ(answer.status, 200);
    h2_site_close(&site, &peer);

    flood_open(&flood, &site, &peer);
    (void)flood_send(&flood, &peer, 1100);
    check_ended(&site, &peer, CALM);
    CHECK_OK(site_close(&site));
}

TASK_TEST(class_19_ping_flood)
{
    check_flood((struct flood){.type = NGHTTP2_PING, .bytes = "12345678", .count = 8});
}

TASK_TEST(class_19_settings_flood)
{
    check_flood((struct flood){.type = NGHTTP2_SETTINGS});
}

TASK_TEST(class_19_priority_flood)
{
    check_flood(
        (struct flood){.type = NGHTTP2_PRIORITY, .id = 1, .bytes = "\0\0\0\0\20", .count = 5});
}

TASK_TEST(class_19_flood_of_frames_nobody_knows)
{
    check_flood((struct flood){.type = 0xbb, .bytes = "what", .count = 4});
}

TASK_TEST(class_19_empty_data_flood)
{
    check_flood((struct flood){.type = NGHTTP2_DATA, .id = 1, .path = "/echo"});
}

TASK_TEST(class_19_tiny_data_flood)
{
    check_flood((struct flood){
        .type = NGHTTP2_DATA, .id = 1, .path = "/echo", .bytes = "tiny", .count = 4});
}

/* What is dropped is counted too. */
TASK_TEST(class_19_data_flood_on_a_stream_that_is_over)
{
    struct flood flood = {.type = NGHTTP2_DATA, .id = 1, .path = "/nothing", .is_answered = true};
    check_flood(flood);
    flood.bytes = "tiny";
    flood.count = 4;
    check_flood(flood);
}

/* A hundred a second, for ever, is fine. */
TASK_TEST(class_19_a_budget_fills_again)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    for (int second = 0; second < 30; second++) {
        for (int i = 0; i < 95; i++)
            CHECK_OK(h2_peer_frame(&peer, NGHTTP2_PING, NGHTTP2_FLAG_ACK, 0, "12345678", 8));
        CHECK_OK(weft_sleep(WEFT_SEC));
    }
    h2_peer_ask(&peer, 1, "/ok", &answer);
    CHECK_EQ(answer.status, 200);
    h2_site_close(&site, &peer);
}

/* CVE-2023-44487. */
TASK_TEST(class_15_rapid_reset)
{
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    int rc = 0;
    for (int32_t i = 0; i < 1100 && rc == 0; i++) {
        h2_peer_get(&peer, 1 + 2 * i, "/wait");
        rc = h2_peer_frame(&peer, NGHTTP2_RST_STREAM, 0, 1 + 2 * i, cancel, 4);
    }
    check_ended(&site, &peer, CALM);
    CHECK_OK(site_close(&site));
}

static unsigned running, running_most;

/* Deaf to cancellation, for a while: what a handler that cleans up looks like. */
static int clean_up(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)res;
    (void)arg;
    WEFT_SHIELD(shield, 60 * WEFT_SEC);
    running++;
    running_most = running > running_most ? running : running_most;
    int rc = weft_sleep(10 * WEFT_SEC);
    running--;
    return rc;
}

/* What was reset counts until its handler has returned. */
TASK_TEST(class_15_resets_make_no_room_for_more_handlers)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    weft_http_options options = {.limits.h2_stream_count_max = 10};
    CHECK_OK(site_open(&site, &options));
    site_handler = clean_up;
    running = running_most = 0;
    h2_peer_open(&peer, &site);
    for (int32_t i = 0; i < 30; i++) {
        h2_peer_get(&peer, 1 + 2 * i, "/test");
        CHECK_OK(weft_sleep(WEFT_MS));
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_RST_STREAM, 0, 1 + 2 * i, cancel, 4));
    }
    CHECK_EQ(running_most, 10u);
    h2_peer_ask(&peer, 61, "/ok", &answer);
    CHECK(answer.is_reset);
    CHECK_EQ(answer.code, (uint32_t)NGHTTP2_REFUSED_STREAM);
    CHECK_OK(weft_sleep(11 * WEFT_SEC));
    h2_peer_ask(&peer, 63, "/ok", &answer);
    CHECK_EQ(answer.status, 200);
    h2_site_close(&site, &peer);
}

/* CVE-2025-8671: the client makes us reset. */
TASK_TEST(class_16_provoked_resets)
{
    static const uint8_t too_much[4] = {0x7f, 0xff, 0xff, 0xff};
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    int rc = 0;
    for (int32_t i = 0; i < 1100 && rc == 0; i++) {
        h2_peer_get(&peer, 1 + 2 * i, "/wait");
        rc = h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 1 + 2 * i, too_much, 4);
        if (i % 50 == 0 && rc == 0)
            rc = weft_sleep(WEFT_MS);
    }
    check_ended(&site, &peer, CALM);
    CHECK_OK(site_close(&site));
}

/* CVE-2024-28182. */
static long continuation(struct site *site, int frames)
{
    struct h2_peer peer;
    uint8_t block[64];
    size_t count = h2_block(block, ":method: GET\n:scheme: http\n:authority: a\n:path: /ok\n");
    h2_peer_open(&peer, site);
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_HEADERS, END, 1, block, count));
    int rc = 0;
    for (int i = 0; i < frames && rc == 0; i++)
        rc = h2_peer_frame(&peer, NGHTTP2_CONTINUATION,
                           i == frames - 1 ? NGHTTP2_FLAG_END_HEADERS : 0, 1, NULL, 0);
    struct h2_answer answer;
    h2_peer_answer(&peer, 1, &answer);
    long code = answer.is_whole ? 0 : h2_peer_end(&peer);
    h2_peer_close(&peer);
    return code;
}

TASK_TEST(class_17_continuation_flood)
{
    struct site site;
    CHECK_OK(site_open(&site, NULL));
    CHECK_EQ(continuation(&site, 8), 0);
    CHECK_EQ(continuation(&site, 9), CALM);
    CHECK_EQ(continuation(&site, 10000), CALM);
    check_served(&site);
    CHECK_OK(site_close(&site));
}

/* One large field in the table, then named by one byte again and again: in the head, or in trailers
 * behind a body. */
static void hpack_bomb(size_t named, bool is_trailer, struct h2_answer *out)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer next;
    enum { VALUE = 3900 };
    uint8_t *block = calloc(1, VALUE + named + 128);
    size_t at = 0;
    h2_site_open(&site, &peer, NULL);
    if (is_trailer)
        h2_peer_head(&peer, 1, 0, "POST", "/echo", "");
    else
        at = h2_block(block, ":method: GET\n:scheme: http\n:authority: a\n:path: /ok\n");
    const uint8_t bomb[] = {0x40, 1, 'x', 127, (VALUE - 127) % 128 + 128, (VALUE - 127) / 128};
    memcpy(block + at, bomb, sizeof bomb);
    at += sizeof bomb;
    memset(block + at, 'v', VALUE);
    at += VALUE;
    memset(block + at, 0x80 | 62, named);
    at += named;
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_HEADERS, END | NGHTTP2_FLAG_END_HEADERS, 1, block, at));
    h2_peer_answer(&peer, 1, out);
    CHECK_OK(weft_sleep(15 * WEFT_SEC)); /* the block is over: nothing waits for its end */
    h2_peer_ask(&peer, 3, "/ok", &next);
    CHECK_EQ(next.status, 200);
    check_served(&site);
    free(block);
    h2_site_close(&site, &peer);
}

TASK_TEST(class_18_hpack_bomb)
{
    struct h2_answer answer;
    hpack_bomb(30, false, &answer);
    CHECK_EQ(answer.status, 431);
    hpack_bomb(8000, false, &answer);
    CHECK_EQ(answer.status, 0);
    CHECK(answer.is_reset);
    hpack_bomb(8000, true, &answer);
    CHECK_EQ(answer.status, 0);
    CHECK(answer.is_reset);
}

TASK_TEST(class_14_heads_over_a_limit_get_431)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    char lines[3000] = "";
    h2_site_open(&site, &peer, NULL);
    for (int i = 0; i < 101; i++)
        strcat(lines, "x: y\n");
    h2_peer_head(&peer, 1, END, "GET", "/ok", lines);
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(answer.status, 431);
    check_served(&site);
    h2_site_close(&site, &peer);
}

/* ---- what keeps waiting ---- */

TASK_TEST(class_11_a_header_block_that_stays_open_ends_the_connection_after_ten_seconds)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    uint8_t block[64];
    h2_site_open(&site, &peer, NULL);
    h2_peer_ask(&peer, 1, "/ok", &answer); /* SETTINGS are answered: nothing comes between */
    weft_time from = weft_now();
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_HEADERS, END, 3, block,
                           h2_block(block, ":method: GET\n:scheme: http\n")));
    CHECK_EQ(h2_peer_end(&peer), CALM);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 10);
    h2_site_close(&site, &peer);
}

TASK_TEST(class_12_a_slow_body_gets_408)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    weft_time from = weft_now();
    h2_peer_head(&peer, 1, 0, "POST", "/echo", "");
    h2_peer_head(&peer, 3, 0, "POST", "/stream", "");
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, 0, 1, "a", 1));
    h2_peer_answer(&peer, 1, &answer);
    CHECK_EQ(answer.status, 408);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 10);
    h2_site_close(&site, &peer);
}

/* A closed window holds no handler, and after 30 s no stream. */
TASK_TEST(class_20_a_closed_window_holds_no_handler)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    weft_http_stats stats;
    CHECK_OK(site_open(&site, NULL));
    h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0);
    for (int32_t i = 0; i < 90; i++)
        h2_peer_get(&peer, 1 + 2 * i, "/item/name");
    CHECK_OK(weft_sleep(WEFT_SEC));
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.answers[2], 90u);
    CHECK_EQ(stats.requests_in_hand, 0u);
    weft_time from = weft_now();
    h2_peer_answer(&peer, 179, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(answer.is_reset);
    CHECK_EQ(answer.code, (uint32_t)NGHTTP2_CANCEL);
    CHECK_EQ((weft_now() - from + WEFT_SEC + WEFT_SEC / 2) / WEFT_SEC, 30);
    h2_site_close(&site, &peer);
}

TASK_TEST(class_13_a_large_answer_nobody_takes_ends_after_thirty_seconds)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    CHECK_OK(site_open(&site, NULL));
    h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    weft_time from = weft_now();
    h2_peer_get(&peer, 1, "/large?kib=100");
    struct h2_frame *frame = malloc(sizeof *frame);
    do
        CHECK(h2_peer_read(&peer, frame));
    while (frame->type != NGHTTP2_RST_STREAM);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 30);
    CHECK_EQ(site_seen.cancelled, 1u);
    h2_peer_get(&peer, 3, "/health");
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 3, "\0\0\1\0", 4));
    h2_peer_answer(&peer, 3, &answer);
    CHECK_EQ(answer.status, 200);
    free(frame);
    h2_site_close(&site, &peer);
}

static char told[64];

static void tell_end(const weft_http_record *record, void *arg)
{
    (void)arg;
    snprintf(told, sizeof told, "%d %s", record->is_whole, record->end);
}

static int respond_and_forget(weft_http_request *req, weft_http_response *res, void *arg)
{
    static const char large[100 * 1024];
    (void)req;
    (void)arg;
    (void)!weft_http_respond(res, 200, "a/b", large, sizeof large);
    return 0;
}

/* Whoever does not look at what became of his answer has not made it whole. */
TASK_TEST(class_13_a_large_answer_nobody_takes_ends_whatever_its_handler_returns)
{
    struct site site;
    struct h2_peer peer;
    struct h2_frame *frame = malloc(sizeof *frame);
    CHECK_OK(site_open(&site, &(weft_http_options){.done = tell_end}));
    site_handler = respond_and_forget;
    h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10);
    weft_time from = weft_now();
    h2_peer_get(&peer, 1, "/test");
    do
        CHECK(h2_peer_read(&peer, frame));
    while (frame->type != NGHTTP2_RST_STREAM);
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 30);
    free(frame);
    h2_site_close(&site, &peer);
    CHECK_STR(told, "0 write_timeout");
}

/* A byte of window every 20 s takes a byte of the answer, and keeps neither what is left of a small
 * one nor the handler of a large one. */
TASK_TEST(class_13_an_answer_taken_byte_by_byte_ends)
{
    static const char *const paths[] = {"/large?kib=10", "/large?kib=100"};
    const weft_http_options options = {.limits.handler_time_max = 24 * 3600 * WEFT_SEC,
                                       .limits.keep_alive_max = 24 * 3600 * WEFT_SEC};
    struct h2_frame *frame = malloc(sizeof *frame);
    for (size_t i = 0; i < 2; i++) {
        struct site site;
        struct h2_peer peer;
        note("%s", paths[i]);
        CHECK_OK(site_open(&site, &options));
        h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1);
        h2_peer_get(&peer, 1, paths[i]);
        weft_time from = weft_now();
        do {
            CHECK(h2_peer_read(&peer, frame));
            CHECK_LT(weft_now() - from, 200 * WEFT_SEC);
            if (frame->type != NGHTTP2_DATA)
                continue;
            CHECK_EQ(frame->count, 1u);
            CHECK_OK(weft_sleep(20 * WEFT_SEC));
            CHECK_OK(h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 1, "\0\0\0\1", 4));
        } while (frame->type != NGHTTP2_RST_STREAM);
        CHECK_GE(weft_now() - from, 60 * WEFT_SEC);
        CHECK_EQ(site_seen.cancelled, i);
        h2_site_close(&site, &peer);
    }
    free(frame);
}

/* The windows are wide, but TCP takes nothing: a frame is half-way to the stream when its stream is
 * given up, and its handler's memory with it. */
TASK_TEST(class_13_a_frame_that_waits_for_tcp_goes_with_its_stream)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    CHECK_OK(site_open(&site, NULL));
    h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, INT32_MAX);
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\0\0\0", 4));
    h2_peer_get(&peer, 1, "/large?kib=16384");
    weft_time from = weft_now();
    while (site_seen.ended == 0) {
        CHECK_OK(weft_sleep(WEFT_SEC));
        CHECK_LT(weft_now() - from, 200 * WEFT_SEC);
    }
    CHECK_EQ(site_seen.last_rc, -ECANCELED);
    h2_peer_answer(&peer, 1, &answer);
    CHECK(answer.is_reset);
    h2_peer_ask(&peer, 3, "/health", &answer);
    CHECK_EQ(answer.status, 200);
    h2_site_close(&site, &peer);
}

/* A byte of window at a time gets the answer a byte at a time. */
TASK_TEST(class_20_window_games)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    CHECK_OK(site_open(&site, NULL));
    h2_peer_open_with(&peer, &site, NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 1);
    h2_peer_ask(&peer, 1, "/count?n=4", &answer);
    CHECK(answer.is_whole);
    CHECK_STR(answer.body, "line 0\nline 1\nline 2\nline 3\n");
    h2_peer_close(&peer);

    h2_peer_open(&peer, &site); /* beyond 2^31 - 1 */
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, 0, "\x7f\xff\xff\xff", 4));
    CHECK_EQ(h2_peer_end(&peer), NGHTTP2_FLOW_CONTROL_ERROR);
    h2_site_close(&site, &peer);
}

static const char piece[16384];

static int read_never(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)res;
    (void)arg;
    return weft_sleep(WEFT_FOREVER);
}

/* A stream whose handler reads nothing, with all the bytes in it that were allowed. */
static void fill_stream(struct h2_peer *peer, int32_t id)
{
    h2_peer_head(peer, id, 0, "POST", "/late", "");
    for (size_t sent = 0; sent < (size_t)64 << 10; sent += sizeof piece)
        CHECK_OK(h2_peer_frame(peer, NGHTTP2_DATA, 0, id, piece, sizeof piece));
}

TASK_TEST(class_20_data_past_the_window_of_a_stream)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    site_handler = read_never;
    h2_site_open(&site, &peer, NULL);
    h2_peer_ask(&peer, 1, "/ok", &answer); /* the settings are in force */
    fill_stream(&peer, 3);
    h2_peer_ask(&peer, 5, "/ok", &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(!answer.is_reset);
    CHECK_EQ(site_seen.cancelled, 0u);
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, 0, 3, "x", 1));
    h2_peer_answer(&peer, 3, &answer);
    CHECK(answer.is_reset);
    CHECK_EQ(answer.code, (uint32_t)NGHTTP2_FLOW_CONTROL_ERROR);
    CHECK_EQ(site_seen.cancelled, 1u);
    h2_site_close(&site, &peer);
}

TASK_TEST(class_20_data_past_the_window_of_a_connection)
{
    enum { STREAMS = 16 }; /* of 64 KiB each: a MiB */
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    site_handler = read_never;
    h2_site_open(&site, &peer, NULL);
    h2_peer_ask(&peer, 1, "/ok", &answer);
    for (int32_t i = 0; i < STREAMS; i++)
        fill_stream(&peer, 3 + 2 * i);
    h2_peer_ask(&peer, 101, "/ok", &answer);
    CHECK_EQ(answer.status, 200);
    h2_peer_head(&peer, 103, 0, "POST", "/late", "");
    CHECK_OK(h2_peer_frame(&peer, NGHTTP2_DATA, 0, 103, "x", 1));
    check_ended(&site, &peer, NGHTTP2_FLOW_CONTROL_ERROR);
    CHECK_OK(site_close(&site));
}

/* One byte more than a frame may have. */
TASK_TEST(class_20_a_frame_over_16_kib)
{
    static const char big[sizeof piece + 1];
    struct site site;
    struct h2_peer peer;
    h2_site_open(&site, &peer, NULL);
    h2_peer_head(&peer, 1, 0, "POST", "/echo", "");
    (void)h2_peer_frame(&peer, NGHTTP2_DATA, 0, 1, big, sizeof big);
    check_ended(&site, &peer, NGHTTP2_FRAME_SIZE_ERROR);
    CHECK_OK(site_close(&site));
}

/* A window that grows by nothing is a mistake, of which the first is enough. */
TASK_TEST(class_19_windows_that_grow_by_nothing)
{
    for (int32_t id = 0; id < 2; id++) {
        struct site site;
        struct h2_peer peer;
        h2_site_open(&site, &peer, NULL);
        h2_peer_head(&peer, 1, 0, "POST", "/echo", "");
        note("stream %d", (int)id);
        CHECK_OK(h2_peer_frame(&peer, NGHTTP2_WINDOW_UPDATE, 0, id, "\0\0\0\0", 4));
        check_ended(&site, &peer, NGHTTP2_PROTOCOL_ERROR);
        CHECK_OK(site_close(&site));
    }
}

/* 4 KiB is what a client may make of it, and not a byte more. */
TASK_TEST(class_18_a_table_over_4_kib)
{
    static const uint8_t size_4096[] = {0x3f, 0xe1, 0x1f}, size_4097[] = {0x3f, 0xe2, 0x1f};
    for (int is_over = 0; is_over < 2; is_over++) {
        struct site site;
        struct h2_peer peer;
        struct h2_answer answer;
        uint8_t block[128];
        h2_site_open(&site, &peer, NULL);
        h2_peer_ask(&peer, 1, "/ok", &answer); /* the settings are in force */
        memcpy(block, is_over ? size_4097 : size_4096, sizeof size_4096);
        size_t count =
            sizeof size_4096 + h2_block(block + sizeof size_4096,
                                        ":method: GET\n:scheme: http\n:authority: a\n:path: /ok\n");
        CHECK_OK(
            h2_peer_frame(&peer, NGHTTP2_HEADERS, END | NGHTTP2_FLAG_END_HEADERS, 3, block, count));
        if (is_over) {
            check_ended(&site, &peer, NGHTTP2_COMPRESSION_ERROR);
        } else {
            h2_peer_answer(&peer, 3, &answer);
            CHECK_EQ(answer.status, 200);
            h2_peer_close(&peer);
        }
        CHECK_OK(site_close(&site));
    }
}

static void ask_for_a_hundred(struct h2_peer *peer)
{
    for (int32_t i = 0; i < 100; i++)
        h2_peer_get(peer, 3 + 2 * i, "/wait");
}

/* Who has not heard yet how many there may be is refused one stream. */
TASK_TEST(class_20_the_hundred_and_first_stream_is_refused)
{
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, NULL);
    ask_for_a_hundred(&peer);
    h2_peer_ask(&peer, 203, "/ok", &answer);
    CHECK(answer.is_reset);
    CHECK_EQ(answer.code, (uint32_t)NGHTTP2_REFUSED_STREAM);
    site_gate_open();
    h2_peer_answer(&peer, 201, &answer);
    CHECK_EQ(answer.status, 200);
    h2_site_close(&site, &peer);
}

/* Who has said that he heard it is wrong; nghttp2 ends the connection (RFC 9113 5.4.1 allows it).
 */
TASK_TEST(class_20_a_stream_past_the_settings_that_were_heard)
{
    const weft_http_options options = {.limits.in_hand_max = 200};
    struct site site;
    struct h2_peer peer;
    struct h2_answer answer;
    h2_site_open(&site, &peer, &options);
    h2_peer_ask(&peer, 1, "/ok", &answer);
    ask_for_a_hundred(&peer);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(site_seen.started, 100u);
    CHECK_EQ(site_seen.cancelled, 0u);
    h2_peer_get(&peer, 203, "/ok");
    check_ended(&site, &peer, NGHTTP2_PROTOCOL_ERROR);
    CHECK_EQ(site_seen.cancelled, 100u);
    CHECK_OK(site_close(&site));
}

/* Answers to PINGs that are not taken pile up no further than this.  However the bytes are cut,
 * some piece has more PINGs than that. */
TASK_TEST(class_19_control_frames_nobody_takes)
{
    struct site site;
    struct h2_peer peer;
    weft_http_options options = {
        .limits = {.h2_odd_burst = 1u << 30, .h2_odd_rate = 1u << 20, .h2_control_count_max = 1}};
    h2_site_open(&site, &peer, &options);
    uint8_t pings[100][17];
    for (size_t i = 0; i < 100; i++)
        memcpy(pings[i], "\0\0\10\6\0\0\0\0\0pingping", 17);
    client_send_bytes(peer.stream, pings, sizeof pings);
    check_ended(&site, &peer, CALM);
    CHECK_OK(site_close(&site));
}
