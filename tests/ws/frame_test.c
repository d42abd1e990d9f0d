/* SPDX-License-Identifier: MIT */

/* Frames, pure: what is accepted, what is refused and with which code, cut at every byte. */

#include "harness/harness.h"

#include "ws/frame.h"
#include "ws/mask.h"
#include "ws/text.h"

#include <stdlib.h>

/* ---- a run over some bytes ---- */

struct seen {
    char log[2048]; /* what came, data of a message joined */
    size_t bytes;
    int rc;
    struct wf_ws_fault fault;
    bool is_in_message;
};

static const struct wf_ws_frame_limits usual = {
    .frame_bytes_max = 70000, .message_bytes_max = 140000, .fragment_count_max = 5};

static void say(struct seen *seen, const char *text, size_t count)
{
    CHECK_LT(seen->bytes + count, sizeof seen->log);
    memcpy(seen->log + seen->bytes, text, count);
    seen->bytes += count;
    seen->log[seen->bytes] = 0;
}

static void say_piece(struct seen *seen, const struct wf_ws_piece *piece)
{
    if (!seen->is_in_message)
        say(seen, piece->is_compressed ? "Z" : piece->opcode == WF_WS_TEXT ? "T" : "B", 1);
    seen->is_in_message = !piece->is_end;
    char byte;
    for (size_t i = 0; i < piece->bytes.len && i < 100; i++) {
        wf_ws_mask(&byte, piece->bytes.ptr + i, 1, piece->key, piece->at + i);
        say(seen, &byte, 1);
    }
    if (piece->is_end)
        say(seen, ";", 1);
}

static void feed(struct wf_ws_parser *parser, struct seen *seen, const char *bytes, size_t count)
{
    size_t at = 0;
    while (at < count && seen->rc >= 0) {
        size_t used;
        struct wf_ws_piece piece;
        /* The bytes alone in their memory: who reads beyond them is caught by the sanitizer. */
        char *copy = malloc(count - at);
        CHECK(copy != NULL);
        memcpy(copy, bytes + at, count - at);
        seen->rc = wf_ws_parse(parser, copy, count - at, &used, &piece);
        CHECK(used > 0 || seen->rc < 0);
        CHECK_LE(used, count - at);
        if (seen->rc == WF_WS_DATA)
            say_piece(seen, &piece);
        free(copy);
        at += used;
        if (seen->rc >= WF_WS_PING) {
            static const char *const names[] = {"", "", "ping ", "pong ", "close "};
            say(seen, names[seen->rc], strlen(names[seen->rc]));
            say(seen, parser->control, parser->control_bytes);
            say(seen, ";", 1);
        }
    }
    seen->fault = parser->fault;
}

static void begin(struct wf_ws_parser *parser, struct seen *seen, bool is_server, bool has_deflate)
{
    memset(seen, 0, sizeof *seen);
    wf_ws_parser_init(parser, &usual, is_server);
    parser->has_deflate = has_deflate;
}

static size_t from_hex(const char *hex, char *out)
{
    size_t count = 0;
    for (unsigned byte; *hex != 0; hex += *hex == ' ' ? 1 : 2) {
        if (*hex == ' ')
            continue;
        CHECK_EQ(sscanf(hex, "%2x", &byte), 1);
        out[count++] = (char)byte;
    }
    return count;
}

/* The same for every cut in two, and byte by byte. */
static void check(const char *hex, bool is_server, bool has_deflate, const char *log, int code)
{
    char bytes[1024];
    size_t count = from_hex(hex, bytes);
    for (size_t cut = 0; cut <= count + 1; cut++) {
        struct wf_ws_parser parser;
        struct seen seen;
        note("%s, cut at %zu", hex, cut);
        begin(&parser, &seen, is_server, has_deflate);
        for (size_t i = 0; cut > count && i < count; i++)
            feed(&parser, &seen, bytes + i, 1);
        if (cut <= count) {
            feed(&parser, &seen, bytes, cut);
            feed(&parser, &seen, bytes + cut, count - cut);
        }
        CHECK_STR(seen.log, log);
        CHECK_EQ(seen.fault.code, code);
        CHECK_EQ(seen.rc < 0, code != 0);
        CHECK_EQ(seen.rc == -WEFT_ELIMIT, code == 1009);
    }
}

static void client_says(const char *hex, const char *log, int code)
{
    check(hex, /* is_server= */ true, false, log, code);
}

static void server_says(const char *hex, const char *log, int code)
{
    check(hex, /* is_server= */ false, false, log, code);
}

#define KEY "37fa213d"

/* ---- what is right ---- */

TEST(frames_of_the_rfc_are_read)
{
    server_says("810548656c6c6f", "THello;", 0); /* RFC 6455 5.7 */
    client_says("8185" KEY "7f9f4d5158", "THello;", 0);
    server_says("010348656c 80026c6f", "THello;", 0);
    server_says("890548656c6c6f", "ping Hello;", 0);
    client_says("8a85" KEY "7f9f4d5158", "pong Hello;", 0);
    server_says("8100", "T;", 0);
    server_says("8200 8800", "B;close ;", 0);
}

TEST(frames_of_control_come_between_fragments)
{
    server_says("010161 890170 000162 8a00 800163", "Taping p;bpong ;c;", 0);
    server_says("010161 8802 03e8", "Taclose \x03\xe8;", 0);
}

TEST(frames_without_bytes_are_fragments_too)
{
    server_says("0100 0000 000161 8000", "Ta;", 0);
    server_says("0100 8000", "T;", 0);
}

TEST(frames_have_lengths_in_three_forms)
{
    char hex[700] = "827e007e", log[130] = "B";
    for (int i = 0; i < 126; i++) {
        memcpy(hex + 8 + (size_t)2 * (size_t)i, "78", 3);
        log[1 + i] = i < 100 ? 'x' : 0;
    }
    strcpy(log + 101, ";");
    char bytes[1024];
    struct wf_ws_parser parser;
    struct seen seen;
    size_t count = from_hex(hex, bytes);
    begin(&parser, &seen, false, false);
    feed(&parser, &seen, bytes, count);
    CHECK_STR(seen.log, log);
    server_says("827f0000000000010000", "", 0); /* its payload is still to come */
}

TEST(frames_may_be_compressed_if_that_was_agreed_on)
{
    check("c10761 62636465 6667", false, true, "Zabcdefg;", 0);
    check("410161 800162", false, true, "Zab;", 0);
    check("c10161 810162", false, true, "Za;Tb;", 0);
}

/* ---- what is wrong ---- */

TEST(frame_with_reserved_bit_is_refused)
{
    server_says("c10161", "", 1002); /* RSV1 that was not agreed on */
    server_says("a10161", "", 1002);
    server_says("910161", "", 1002);
    check("f10161", false, true, "", 1002);
}

TEST(frame_with_reserved_bit_on_control_is_refused)
{
    check("c900", false, true, "", 1002);
    check("c80203e8", false, true, "", 1002);
}

TEST(frame_with_reserved_bit_on_a_continuation_is_refused)
{
    check("410161 c00162", false, true, "Za", 1002);
}

TEST(frame_with_reserved_opcode_is_refused)
{
    static const char *const heads[] = {"8300", "8400", "8500", "8600", "8700",
                                        "8b00", "8c00", "8d00", "8e00", "8f00"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++)
        server_says(heads[i], "", 1002);
}

TEST(frame_of_a_client_without_mask_is_refused)
{
    client_says("810161", "", 1002);
    client_says("8900", "", 1002);
}

TEST(frame_of_a_server_with_mask_is_refused)
{
    server_says("8181" KEY "56", "", 1002);
}

TEST(frame_of_control_that_is_long_is_refused)
{
    server_says("897e007e", "", 1002);
    server_says("887e0002", "", 1002);
    server_says("8a7f", "", 1002);
}

TEST(frame_of_control_that_is_fragmented_is_refused)
{
    server_says("0900", "", 1002);
    server_says("0800", "", 1002);
    server_says("0a0161", "", 1002);
}

TEST(frame_that_continues_nothing_is_refused)
{
    server_says("800161", "", 1002);
    server_says("000161", "", 1002);
    server_says("810161 800162", "Ta;", 1002);
}

TEST(frame_that_begins_inside_a_message_is_refused)
{
    server_says("010161 810162", "Ta", 1002);
    server_says("010161 020162", "Ta", 1002);
}

TEST(frame_with_a_length_in_a_longer_form_is_refused)
{
    server_says("827e0005", "", 1002);
    server_says("827e007d", "", 1002);
    server_says("827f000000000000ffff", "", 1002);
    server_says("827f0000000000000001", "", 1002);
}

TEST(frame_with_the_highest_bit_of_its_length_is_refused)
{
    server_says("827f8000000000000000", "", 1002);
    server_says("827fffffffffffffffff", "", 1002);
}

TEST(frame_over_the_limit_is_refused_before_its_payload)
{
    server_says("827f0000000000011171", "", 1009); /* 70,001 */
    server_says("827f7fffffffffffffff", "", 1009);
}

TEST(frame_with_too_many_before_it_in_its_message_is_refused)
{
    server_says("0100 0000 0000 0000 0000 8000", "", 1009);
    server_says("0100 0000 0000 0000 8000", "T;", 0);
}

TEST(frames_of_a_message_over_the_limit_are_refused)
{
    static const struct wf_ws_frame_limits small = {
        .frame_bytes_max = 10, .message_bytes_max = 15, .fragment_count_max = 5};
    static const char first[] = "\x02\x0a"
                                "0123456789\x80\x05"
                                "abcde";
    static const char more[] = "\x02\x0a"
                               "0123456789\x80\x06";
    struct wf_ws_parser parser;
    struct seen seen;
    begin(&parser, &seen, false, false);
    parser.limits = &small;
    feed(&parser, &seen, first, sizeof first - 1);
    CHECK_STR(seen.log, "B0123456789abcde;");
    feed(&parser, &seen, more, sizeof more - 1);
    CHECK_EQ(seen.rc, -WEFT_ELIMIT);
    CHECK_EQ(seen.fault.code, 1009);
    feed(&parser, &seen, "x", 1); /* for ever */
}

TEST(frames_behind_a_fault_are_not_read)
{
    server_says("8300 810161", "", 1002);
}

/* ---- close frames ---- */

TEST(close_says_a_code_and_a_reason)
{
    static const struct {
        const char *payload;
        size_t count;
        int code, fault;
    } table[] = {
        {"", 0, 1005, 0},
        {"\x03", 1, 1005, 1002},
        {"\x03\xe8", 2, 1000, 0},
        {"\x03\xe8gone", 6, 1000, 0},
        {"\x03\xe8\xff", 3, 1000, 1007},
        {"\x03\xe8\xc3", 3, 1000, 1007},
        {"\x03\xe8\xc3\xbc", 4, 1000, 0},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        struct wf_ws_close said;
        struct wf_ws_fault fault = {0, NULL};
        weft_str payload = {table[i].payload, table[i].count};
        note("row %zu", i);
        CHECK_EQ(wf_ws_close_read(payload, &said, &fault), table[i].fault == 0);
        CHECK_EQ(fault.code, table[i].fault);
        CHECK_EQ(said.code, table[i].code);
    }
}

TEST(close_codes_that_may_be_said)
{
    static const struct {
        unsigned from, to;
        bool is_sayable;
    } table[] = {
        {0, 999, false},     {1000, 1003, true}, {1004, 1006, false}, {1007, 1014, true},
        {1015, 2999, false}, {3000, 4999, true}, {5000, 5001, false}, {65535, 65535, false},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        for (unsigned code = table[i].from; code <= table[i].to; code++) {
            note("%u", code);
            CHECK_EQ(wf_ws_code_is_sayable(code), table[i].is_sayable);
        }
    }
}

/* ---- heads written are heads read ---- */

TEST(frames_written_are_read_again)
{
    static const uint64_t lengths[] = {0, 1, 125, 126, 127, 65535, 65536, 70000};
    for (size_t i = 0; i < 2 * sizeof lengths / sizeof lengths[0]; i++) {
        bool is_masked = i % 2 == 0;
        const struct wf_ws_head head = {.length = lengths[i / 2],
                                        .opcode = WF_WS_BINARY,
                                        .is_final = true,
                                        .is_masked = is_masked,
                                        .key = {1, 2, 3, 4}};
        char bytes[WF_WS_HEAD_BYTES_MAX];
        struct wf_ws_parser parser;
        struct wf_ws_piece piece;
        size_t used, count = wf_ws_write_head(bytes, &head);
        wf_ws_parser_init(&parser, &usual, is_masked);
        int event = wf_ws_parse(&parser, bytes, count, &used, &piece);
        CHECK_EQ(event, head.length == 0 ? WF_WS_DATA : WF_WS_NOTHING);
        CHECK_EQ(used, count);
        CHECK_EQ(parser.frame.length, head.length);
        CHECK(parser.frame.is_final);
        CHECK_BYTES(parser.frame.key, 4, is_masked ? "\1\2\3\4" : "\0\0\0\0", 4);
    }
}

/* ---- the mask ---- */

TEST(mask_is_the_same_at_every_place_and_length)
{
    static const uint8_t key[4] = {0x37, 0xfa, 0x21, 0x3d};
    char in[140], want[140], out[140];
    for (size_t at = 0; at < 5; at++) {
        for (size_t count = 0; count < sizeof in; count++) {
            for (size_t i = 0; i < count; i++) {
                in[i] = (char)(i * 17 + count);
                want[i] = (char)(in[i] ^ (char)key[(at + i) % 4]);
            }
            wf_ws_mask(out, in, count, key, at);
            CHECK_BYTES(out, count, want, count);
            wf_ws_mask(in, in, count, key, at);
            CHECK_BYTES(in, count, want, count);
        }
    }
}
