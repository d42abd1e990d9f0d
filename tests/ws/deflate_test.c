/* SPDX-License-Identifier: MIT */

/* Compressed messages: the RFC's own, those that were cut anywhere, and bombs. */

#include "harness/harness.h"

#include "ws/deflate.h"

#include <stdlib.h>

static const struct wf_ws_inflate_limits usual = {.message_bytes_max = 1u << 20, .ratio_max = 200};

static struct wf_ws_deflate *open_deflate(bool keeps)
{
    const struct wf_ws_deflate_terms terms = {
        .is_on = true, .out_keeps = keeps, .in_keeps = keeps, .out_bits = 15};
    if (!wf_ws_deflate_is_there())
        SKIP("no zlib");
    struct wf_ws_deflate *deflate = wf_ws_deflate_new(&terms);
    CHECK(deflate != NULL);
    return deflate;
}

static int inflate_cut(struct wf_ws_deflate *deflate, weft_str message, size_t cut, wf_buf *out,
                       struct wf_ws_fault *fault)
{
    int rc = wf_ws_inflate(deflate, (weft_str){message.ptr, cut}, false, &usual, out, fault);
    if (rc < 0)
        return rc;
    weft_str rest = {message.ptr + cut, message.len - cut};
    return wf_ws_inflate(deflate, rest, true, &usual, out, fault);
}

static void check_hello(struct wf_ws_deflate *deflate, const char *bytes, size_t count, size_t cut)
{
    struct wf_ws_fault fault = {0, NULL};
    wf_buf out = {0};
    CHECK_OK(inflate_cut(deflate, (weft_str){bytes, count}, cut, &out, &fault));
    CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), "Hello", 5);
    wf_buf_fini(&out);
}

/* RFC 7692 7.2.3.1 to 7.2.3.5. */
TEST(deflate_examples_of_the_rfc)
{
    static const struct {
        const char *bytes;
        size_t count;
    } table[] = {
        {"\xf2\x48\xcd\xc9\xc9\x07\x00", 7},
        {"\x00\x05\x00\xfa\xff\x48\x65\x6c\x6c\x6f\x00", 11},
        {"\xf3\x48\xcd\xc9\xc9\x07\x00\x00", 8}, /* its last block says so */
        {"\xf2\x48\x05\x00\x00\x00\xff\xff\xca\xc9\xc9\x07\x00", 13},
    };
    struct wf_ws_deflate *deflate = open_deflate(true);
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (size_t cut = 0; cut <= table[i].count; cut++) {
            note("row %zu, cut at %zu", i, cut);
            check_hello(deflate, table[i].bytes, table[i].count, cut);
        }
    }
    wf_ws_deflate_free(deflate);
}

TEST(deflate_with_what_came_before)
{
    struct wf_ws_deflate *deflate = open_deflate(true);
    check_hello(deflate, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 3);
    check_hello(deflate, "\xf2\x00\x11\x00\x00", 5, 2);
    wf_ws_deflate_free(deflate);

    /* Where that was not agreed on, it means nothing. */
    struct wf_ws_fault fault = {0, NULL};
    wf_buf out = {0};
    deflate = open_deflate(false);
    check_hello(deflate, "\xf2\x48\xcd\xc9\xc9\x07\x00", 7, 3);
    CHECK_EQ(inflate_cut(deflate, (weft_str){"\xf2\x00\x11\x00\x00", 5}, 2, &out, &fault),
             -WEFT_ESYNTAX);
    wf_buf_fini(&out);
    wf_ws_deflate_free(deflate);
}

static void check_round(bool keeps)
{
    struct wf_ws_deflate *deflate = open_deflate(keeps);
    char *text = malloc(200000);
    CHECK(text != NULL);
    unsigned random = 1;
    for (size_t i = 0; i < 200000; i++) {
        random = random * 1103515245 + 12345;
        text[i] = (char)(i % 1000 < 500 ? 'a' + (int)(random >> 28) : (int)(random >> 20));
    }
    size_t before = 0;
    for (size_t count = 0; count <= 200000; count = count * 3 + 1) {
        struct wf_ws_fault fault = {0, NULL};
        wf_buf small = {0}, out = {0};
        note("%zu bytes", count);
        CHECK_OK(wf_ws_compress(deflate, (weft_str){text, count}, &small));
        weft_str piece = {wf_buf_ptr(&small), wf_buf_bytes(&small)};
        CHECK_OK(inflate_cut(deflate, piece, piece.len / 3, &out, &fault));
        CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), text, count);
        wf_buf_fini(&small);
        wf_buf_fini(&out);
        if (count == 0)
            before = live_bytes();
        CHECK_EQ(keeps ? before : live_bytes(), before); /* no memory between messages */
    }
    free(text);
    wf_ws_deflate_free(deflate);
}

TEST(deflate_there_and_back_each_message_by_itself)
{
    check_round(false);
}

TEST(deflate_there_and_back_with_what_came_before)
{
    check_round(true);
}

/* zlib has nothing to say where nothing came since it last did. */
TEST(deflate_of_empty_messages_behind_others)
{
    static const char *const texts[] = {"", "", "hello", "", "", "hello"};
    struct wf_ws_deflate *deflate = open_deflate(true);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct wf_ws_fault fault = {0, NULL};
        wf_buf small = {0}, out = {0};
        note("message %zu", i);
        CHECK_OK(wf_ws_compress(deflate, weft_str_of(texts[i]), &small));
        weft_str piece = {wf_buf_ptr(&small), wf_buf_bytes(&small)};
        CHECK(texts[i][0] != 0 || (piece.len == 1 && piece.ptr[0] == 0));
        CHECK_OK(inflate_cut(deflate, piece, piece.len, &out, &fault));
        CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), texts[i], strlen(texts[i]));
        wf_buf_fini(&small);
        wf_buf_fini(&out);
    }
    wf_ws_deflate_free(deflate);
}

/* A peer that keeps only 256 bytes of what came before can be referred to none of them. */
TEST(deflate_for_the_smallest_window_refers_to_nothing)
{
    static const struct wf_ws_deflate_terms tiny = {
        .is_on = true, .out_keeps = true, .in_keeps = true, .out_bits = 8};
    static char text[5000];
    struct wf_ws_deflate *deflate = wf_ws_deflate_is_there() ? wf_ws_deflate_new(&tiny) : NULL;
    if (deflate == NULL)
        SKIP("no zlib");
    for (int i = 0; i < 2; i++) {
        wf_buf plain = {0}, out = {0};
        struct wf_ws_fault fault = {0, NULL};
        CHECK_OK(wf_ws_compress(deflate, (weft_str){text, sizeof text}, &plain));
        CHECK_GT(wf_buf_bytes(&plain), sizeof text);
        weft_str piece = {wf_buf_ptr(&plain), wf_buf_bytes(&plain)};
        CHECK_OK(wf_ws_inflate(deflate, piece, true, &usual, &out, &fault));
        CHECK_BYTES(wf_buf_ptr(&out), wf_buf_bytes(&out), text, sizeof text);
        wf_buf_fini(&plain);
        wf_buf_fini(&out);
    }
    wf_ws_deflate_free(deflate);
}

TEST(deflate_of_broken_data_is_refused)
{
    static const weft_str broken[] = {
        {"\xff\xff\xff", 3}, {"\x07", 1}, {"\x00\x05\x00\x00\x00", 5}};
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++) {
        struct wf_ws_deflate *deflate = open_deflate(false);
        struct wf_ws_fault fault = {0, NULL};
        wf_buf out = {0};
        note("row %zu", i);
        CHECK_EQ(wf_ws_inflate(deflate, broken[i], true, &usual, &out, &fault), -WEFT_ESYNTAX);
        CHECK_EQ(fault.code, 1007);
        wf_buf_fini(&out);
        wf_ws_deflate_free(deflate);
    }
}

/* A megabyte of zeros is a kilobyte: class 21. */
TEST(deflate_bomb_is_refused_before_it_goes_off)
{
    static char zeros[1u << 20];
    struct wf_ws_deflate *deflate = open_deflate(false);
    struct wf_ws_fault fault = {0, NULL};
    wf_buf bomb = {0}, out = {0};
    CHECK_OK(wf_ws_compress(deflate, (weft_str){zeros, sizeof zeros}, &bomb));
    CHECK_LT(wf_buf_bytes(&bomb), 2000u);
    weft_str piece = {wf_buf_ptr(&bomb), wf_buf_bytes(&bomb)};
    CHECK_EQ(wf_ws_inflate(deflate, piece, true, &usual, &out, &fault), -WEFT_ELIMIT);
    CHECK_EQ(fault.code, 1009);
    CHECK_STR(fault.reason, "message compressed too much");
    CHECK_LT(wf_buf_bytes(&out), 400000u);
    wf_buf_fini(&out);
    wf_ws_deflate_free(deflate);

    static const struct wf_ws_inflate_limits lax = {.message_bytes_max = 100000,
                                                    .ratio_max = 10000};
    deflate = open_deflate(false);
    CHECK_EQ(wf_ws_inflate(deflate, piece, true, &lax, &out, &fault), -WEFT_ELIMIT);
    CHECK_STR(fault.reason, "message too big");
    CHECK_LT(wf_buf_bytes(&out), 200000u);
    wf_buf_fini(&out);
    wf_buf_fini(&bomb);
    wf_ws_deflate_free(deflate);
}

TEST(deflate_without_memory_says_so)
{
    static const char text[] = "a text that is long enough to be compressed";
    for (uint64_t n = 1; n < 20; n++) {
        struct wf_ws_deflate *deflate = open_deflate(false);
        wf_buf small = {0};
        weft_fault_plan plan = {.classes = WEFT_FAULT_ALLOC, .nth = n};
        weft_fault_arm(&plan);
        int rc = wf_ws_compress(deflate, (weft_str){text, sizeof text}, &small);
        weft_fault_arm(NULL);
        CHECK(rc == 0 || rc == -ENOMEM);
        wf_buf_fini(&small);
        wf_ws_deflate_free(deflate);
        if (rc == 0)
            break;
        CHECK_LT(n, 19u);
    }
}
