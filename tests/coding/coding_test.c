/* SPDX-License-Identifier: MIT */

/* Each coding: what went in comes out, however it is cut, and never more than allowed. */

#include "coding/coding.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "harness/harness.h"

#include <stdlib.h>

#define FIRST (WF_CODING_IDENTITY + 1)

static const struct wf_coding_limits no_limits = {0, 0};

/* Sentences with something random in each, which no coding makes vanish. */
static char *text_new(size_t bytes)
{
    char *text = malloc(bytes + 64);
    uint32_t random = 1;
    CHECK(text != NULL);
    for (size_t at = 0; at < bytes;) {
        random = random * 1664525 + 1013904223;
        at += (size_t)snprintf(text + at, 64, "{\"id\":%u,\"name\":\"item\"},", random >> 12);
    }
    return text;
}

/* Codes `text` in pieces of `in_step`, each flushed, into `out` through a room of `out_step`. */
static void encode(enum wf_coding coding, weft_str text, size_t in_step, size_t out_step,
                   wf_buf *out)
{
    struct wf_encoder *encoder;
    size_t at = 0;
    out_step = out_step < WF_CODING_ROOM_MIN ? WF_CODING_ROOM_MIN : out_step;
    char *room = malloc(out_step);
    CHECK_OK(
        wf_encoder_new(&encoder, coding, in_step >= text.len ? text.len : WF_CODING_UNKNOWN_BYTES));
    for (int rc = 0; rc == 0 || at < text.len;) {
        size_t count = text.len - at < in_step ? text.len - at : in_step;
        enum wf_coding_flush flush = at + count == text.len ? WF_CODING_FINISH : WF_CODING_FLUSH;
        struct wf_coding_io io = {text.ptr + at, count, NULL, 0};
        do {
            io.out = room;
            io.room = out_step;
            rc = wf_encoder_step(encoder, &io, flush);
            CHECK_GE(rc, 0);
            CHECK_OK(wf_buf_append(out, room, out_step - io.room));
        } while (rc == 0);
        CHECK_EQ(io.in_len, 0u);
        at += count;
    }
    wf_encoder_free(encoder);
    free(room);
}

/* The result of the last step; what came out is in `out`. */
static int decode(enum wf_coding coding, weft_str coded, size_t in_step, size_t out_step,
                  const struct wf_coding_limits *limits, wf_buf *out, bool *out_is_whole)
{
    struct wf_decoder *decoder;
    char *room = malloc(out_step);
    int rc = 0;
    CHECK_OK(wf_decoder_new(&decoder, coding, limits));
    for (size_t at = 0; at < coded.len && rc == 0;) {
        size_t count = coded.len - at < in_step ? coded.len - at : in_step;
        char *copy = malloc(count); /* so that a checker sees who reads on */
        memcpy(copy, coded.ptr + at, count);
        struct wf_coding_io io = {copy, count, room, out_step};
        do {
            io.out = room;
            io.room = out_step;
            rc = wf_decoder_step(decoder, &io);
            CHECK_OK(wf_buf_append(out, room, out_step - io.room));
        } while (rc == 0 && (io.room == 0 || io.in_len != 0));
        at += count;
        free(copy);
    }
    if (rc < 0) {
        struct wf_coding_io io = {"x", 1, room, 1};
        CHECK_EQ(wf_decoder_step(decoder, &io), rc);
    }
    *out_is_whole = wf_decoder_is_whole(decoder);
    wf_decoder_free(decoder);
    free(room);
    return rc;
}

static void check_round(enum wf_coding coding, weft_str text, size_t in_step, size_t out_step)
{
    wf_buf coded = {0}, plain = {0};
    bool is_whole;
    note("%s, %zu bytes in %zu, room %zu", wf_coding_name(coding), text.len, in_step, out_step);
    encode(coding, text, in_step, out_step, &coded);
    weft_str bytes = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
    CHECK_OK(decode(coding, bytes, in_step, out_step, &no_limits, &plain, &is_whole));
    CHECK(is_whole);
    CHECK_BYTES(wf_buf_ptr(&plain), wf_buf_bytes(&plain), text.ptr, text.len);
    wf_buf_fini(&coded);
    wf_buf_fini(&plain);
}

#define EACH_CODING(coding_)                                                                       \
    for (enum wf_coding coding_ = FIRST; coding_ < WF_CODING_COUNT; coding_++)                     \
        if (wf_coding_is_there(coding_))

TEST(coding_gives_back_what_went_in_however_it_is_cut)
{
    static const size_t sizes[] = {0, 1, 100, 5000};
    char *text = text_new(300000);
    EACH_CODING(coding)
    {
        for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
            check_round(coding, (weft_str){text, sizes[i]}, SIZE_MAX, 4096);
            check_round(coding, (weft_str){text, sizes[i]}, 1, 1);
            check_round(coding, (weft_str){text, sizes[i]}, 7, 3);
        }
        check_round(coding, (weft_str){text, 300000}, SIZE_MAX, 65536);
        check_round(coding, (weft_str){text, 300000}, 9973, 777);
    }
    free(text);
}

TEST(coding_makes_text_smaller)
{
    char *text = text_new(4096);
    EACH_CODING(coding)
    {
        wf_buf coded = {0};
        note("%s", wf_coding_name(coding));
        encode(coding, (weft_str){text, 4096}, SIZE_MAX, 4096, &coded);
        CHECK_LT(wf_buf_bytes(&coded), 2048u);
        wf_buf_fini(&coded);
    }
    free(text);
}

TEST(coding_flush_lets_the_other_end_read_all_so_far)
{
    EACH_CODING(coding)
    {
        struct wf_encoder *encoder;
        struct wf_decoder *decoder;
        char coded[512], plain[64];
        note("%s", wf_coding_name(coding));
        CHECK_OK(wf_encoder_new(&encoder, coding, WF_CODING_UNKNOWN_BYTES));
        CHECK_OK(wf_decoder_new(&decoder, coding, &no_limits));
        for (int i = 0; i < 3; i++) {
            struct wf_coding_io in = {"data: token\n\n", 13, coded, sizeof coded};
            CHECK_EQ(wf_encoder_step(encoder, &in, WF_CODING_FLUSH), 1);
            struct wf_coding_io out = {coded, sizeof coded - in.room, plain, sizeof plain};
            CHECK_OK(wf_decoder_step(decoder, &out));
            CHECK_BYTES(plain, sizeof plain - out.room, "data: token\n\n", 13);
            CHECK(!wf_decoder_is_whole(decoder));
        }
        wf_encoder_free(encoder);
        wf_decoder_free(decoder);
    }
}

TEST(coding_cut_off_is_not_whole)
{
    char *text = text_new(2000);
    EACH_CODING(coding)
    {
        wf_buf coded = {0};
        encode(coding, (weft_str){text, 2000}, SIZE_MAX, 4096, &coded);
        for (size_t len = 1; len < wf_buf_bytes(&coded); len++) {
            wf_buf plain = {0};
            bool is_whole;
            note("%s, %zu bytes", wf_coding_name(coding), len);
            int rc = decode(coding, (weft_str){wf_buf_ptr(&coded), len}, 64, 4096, &no_limits,
                            &plain, &is_whole);
            CHECK_EQ(rc, 0);
            CHECK(!is_whole);
            wf_buf_fini(&plain);
        }
        wf_buf_fini(&coded);
    }
    free(text);
}

TEST(coding_refuses_what_is_none_and_what_stands_behind_it)
{
    EACH_CODING(coding)
    {
        wf_buf coded = {0}, plain = {0};
        bool is_whole;
        note("%s", wf_coding_name(coding));
        static const weft_str junk = WEFT_STR("\xff\xfe this is nothing");
        CHECK_EQ(decode(coding, junk, 3, 64, &no_limits, &plain, &is_whole), -WEFT_ESYNTAX);
        encode(coding, (weft_str)WEFT_STR("hello"), SIZE_MAX, 64, &coded);
        CHECK_OK(wf_buf_append(&coded, "tail", 4));
        weft_str bytes = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
        for (size_t step = 1; step <= bytes.len; step++) {
            wf_buf_reset(&plain);
            CHECK_EQ(decode(coding, bytes, step, 64, &no_limits, &plain, &is_whole), -WEFT_ESYNTAX);
            CHECK(!is_whole);
            CHECK_BYTES(wf_buf_ptr(&plain), wf_buf_bytes(&plain), "hello", 5);
        }
        wf_buf_fini(&coded);
        wf_buf_fini(&plain);
    }
}

TEST(coding_takes_members_that_follow_one_another)
{
    static const enum wf_coding codings[] = {WF_CODING_GZIP, WF_CODING_ZSTD};
    for (size_t i = 0; i < 2; i++) {
        wf_buf coded = {0}, plain = {0};
        bool is_whole;
        if (!wf_coding_is_there(codings[i]))
            continue;
        encode(codings[i], (weft_str)WEFT_STR("one"), SIZE_MAX, 64, &coded);
        encode(codings[i], (weft_str)WEFT_STR("two"), SIZE_MAX, 64, &coded);
        weft_str bytes = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
        CHECK_OK(decode(codings[i], bytes, 5, 2, &no_limits, &plain, &is_whole));
        CHECK(is_whole);
        CHECK_BYTES(wf_buf_ptr(&plain), wf_buf_bytes(&plain), "onetwo", 6);
        wf_buf_fini(&coded);
        wf_buf_fini(&plain);
    }
}

/* libzstd may know formats from before RFC 8878; whatever it thinks of them, they are refused. */
TEST(coding_knows_no_zstd_but_that_of_the_standard)
{
    static const weft_str old = WEFT_STR("\x27\xb5\x2f\xfd\xff\x19");
    static const weft_str skipped = WEFT_STR("\x5f\x2a\x4d\x18\x03\x00\x00\x00"
                                             "abc");
    if (!wf_coding_is_there(WF_CODING_ZSTD))
        SKIP("a content coding is not built in");
    for (size_t step = 1; step <= old.len; step++) {
        wf_buf coded = {0}, plain = {0};
        bool is_whole;
        note("in pieces of %zu bytes", step);
        CHECK_EQ(decode(WF_CODING_ZSTD, old, step, 64, &no_limits, &plain, &is_whole),
                 -WEFT_ESYNTAX);
        CHECK_OK(wf_buf_append(&coded, skipped.ptr, skipped.len)); /* says nothing, and may stand */
        encode(WF_CODING_ZSTD, (weft_str)WEFT_STR("one"), SIZE_MAX, 64, &coded);
        weft_str bytes = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
        CHECK_OK(decode(WF_CODING_ZSTD, bytes, step, 64, &no_limits, &plain, &is_whole));
        CHECK(is_whole);
        CHECK_BYTES(wf_buf_ptr(&plain), wf_buf_bytes(&plain), "one", 3);
        CHECK_OK(wf_buf_append(&coded, old.ptr, old.len));
        bytes = (weft_str){wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
        CHECK_EQ(decode(WF_CODING_ZSTD, bytes, step, 64, &no_limits, &plain, &is_whole),
                 -WEFT_ESYNTAX);
        wf_buf_fini(&coded);
        wf_buf_fini(&plain);
    }
}

/* What libzstd notices or not, as the bytes come: a head that says 256 bytes where there are none,
 * and a block larger than a window of no bytes. */
TEST(coding_zstd_that_is_wrong_is_refused_however_it_comes)
{
    static const weft_str wrong[] = {
        WEFT_STR("\x28\xb5\x2f\xfd\x40\x00\x00\x00\x00\x00\x00\x01\x00\x00"),
        WEFT_STR("\x28\xb5\x2f\xfd\x30\x00\x02\x00\x00\x00\x01\x00\x00"),
    };
    if (!wf_coding_is_there(WF_CODING_ZSTD))
        SKIP("a content coding is not built in");
    for (size_t at = 0; at < 4 * wrong[0].len; at++) {
        const weft_str *coded = &wrong[at % 2];
        size_t step = 1 + at / 4, room = at / 2 % 2 == 0 ? 1 : 300;
        wf_buf plain = {0};
        bool is_whole;
        note("frame %zu in pieces of %zu bytes, room %zu", at % 2, step, room);
        CHECK_EQ(decode(WF_CODING_ZSTD, *coded, step, room, &no_limits, &plain, &is_whole),
                 -WEFT_ESYNTAX);
        CHECK(!is_whole);
        wf_buf_fini(&plain);
    }
}

TEST(coding_deflate_is_understood_without_its_frame_too)
{
    static const weft_str bare = WEFT_STR("\xcb\x48\xcd\xc9\xc9\x07\x00"); /* "hello" */
    wf_buf plain = {0};
    bool is_whole;
    if (!wf_coding_is_there(WF_CODING_DEFLATE))
        SKIP("a content coding is not built in");
    CHECK_OK(decode(WF_CODING_DEFLATE, bare, 1, 64, &no_limits, &plain, &is_whole));
    CHECK(is_whole);
    CHECK_BYTES(wf_buf_ptr(&plain), wf_buf_bytes(&plain), "hello", 5);
    wf_buf_fini(&plain);
}

/* ---- limits ---- */

TEST(class_21_decoding_stops_at_its_limit_of_bytes)
{
    char *text = text_new(100000);
    EACH_CODING(coding)
    {
        wf_buf coded = {0};
        encode(coding, (weft_str){text, 100000}, SIZE_MAX, 4096, &coded);
        weft_str bytes = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
        static const uint64_t limits[] = {1, 4095, 99999, 100000};
        for (size_t i = 0; i < 4; i++) {
            wf_buf plain = {0};
            bool is_whole;
            struct wf_coding_limits limit = {.bytes_max = limits[i]};
            note("%s, %llu", wf_coding_name(coding), (unsigned long long)limits[i]);
            int rc = decode(coding, bytes, 1000, 512, &limit, &plain, &is_whole);
            CHECK_EQ(rc, limits[i] < 100000 ? -WEFT_ELIMIT : 0);
            CHECK_LE(wf_buf_bytes(&plain), limits[i] + 512);
            wf_buf_fini(&plain);
        }
        wf_buf_fini(&coded);
    }
    free(text);
}

TEST(class_21_a_bomb_is_told_by_its_ratio)
{
    size_t size = (size_t)8 << 20;
    char *zeros = calloc(1, size);
    EACH_CODING(coding)
    {
        wf_buf coded = {0}, plain = {0};
        bool is_whole;
        struct wf_coding_limits limit = {.ratio_max = 200};
        note("%s", wf_coding_name(coding));
        encode(coding, (weft_str){zeros, size}, SIZE_MAX, 65536, &coded);
        CHECK_LT(wf_buf_bytes(&coded), size / 500);
        weft_str bytes = {wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
        CHECK_EQ(decode(coding, bytes, 256, 4096, &limit, &plain, &is_whole), -WEFT_ELIMIT);
        CHECK_LE(wf_buf_bytes(&plain), 200 * wf_buf_bytes(&coded) + 65536 + 4096);
        wf_buf_reset(&plain);
        wf_buf_reset(&coded);
        encode(coding, (weft_str){zeros, 60000}, SIZE_MAX, 65536, &coded); /* no attack */
        bytes = (weft_str){wf_buf_ptr(&coded), wf_buf_bytes(&coded)};
        CHECK_OK(decode(coding, bytes, 256, 4096, &limit, &plain, &is_whole));
        wf_buf_fini(&coded);
        wf_buf_fini(&plain);
    }
    free(zeros);
}

TEST(coding_says_which_limit_was_passed)
{
    char zeros[1000] = {0};
    EACH_CODING(coding)
    {
        struct wf_decoder *decoder;
        wf_buf coded = {0};
        uint64_t limit, seen;
        encode(coding, (weft_str){zeros, sizeof zeros}, SIZE_MAX, 4096, &coded);
        CHECK_OK(wf_decoder_new(&decoder, coding, &(struct wf_coding_limits){.bytes_max = 999}));
        struct wf_coding_io io = {wf_buf_ptr(&coded), wf_buf_bytes(&coded), zeros, sizeof zeros};
        CHECK_EQ(wf_decoder_step(decoder, &io), -WEFT_ELIMIT);
        CHECK_STR(wf_decoder_limit(decoder, &limit, &seen), "body_bytes_max");
        CHECK_EQ(limit, 999u);
        CHECK_EQ(seen, 1000u);
        wf_decoder_free(decoder);
        wf_buf_fini(&coded);
        memset(zeros, 0, sizeof zeros);
    }
}

/* ---- memory ---- */

/* Every allocation of a round trip refused once. */
TEST(coding_without_memory_is_an_error_and_leaves_nothing)
{
    EACH_CODING(coding)
    {
        size_t blocks = live_blocks();
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC};
        for (uint64_t nth = 1; nth == 1 || plan.hits >= nth - 1; nth++) {
            struct wf_encoder *encoder = NULL;
            struct wf_decoder *decoder = NULL;
            char coded[256], plain[64];
            note("%s, allocation %llu", wf_coding_name(coding), (unsigned long long)nth);
            plan = (weft_fault_plan){.classes = WEFT_FAULT_ALLOC, .nth = nth};
            (void)weft_fault_arm(&plan);
            int rc = wf_encoder_new(&encoder, coding, WF_CODING_UNKNOWN_BYTES);
            struct wf_coding_io io = {"hello", 5, coded, sizeof coded};
            if (rc == 0)
                rc = wf_encoder_step(encoder, &io, WF_CODING_FINISH);
            if (rc == 1)
                rc = wf_decoder_new(&decoder, coding, &no_limits);
            struct wf_coding_io back = {coded, sizeof coded - io.room, plain, sizeof plain};
            if (rc == 0)
                rc = wf_decoder_step(decoder, &back);
            (void)weft_fault_arm(NULL);
            CHECK(rc == 0 || rc == -ENOMEM);
            CHECK_EQ(rc == 0, plan.hits < nth);
            wf_encoder_free(encoder);
            wf_decoder_free(decoder);
            CHECK_EQ(live_blocks(), blocks);
        }
    }
}
