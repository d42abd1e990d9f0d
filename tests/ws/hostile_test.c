/* SPDX-License-Identifier: MIT */

/*
 * A client that speaks in raw bytes, right and wrong: the cases of the RFC as a server meets them,
 * each in the middle of a connection that echoes.  Class 22.
 */

#include "ends.h"

#include "ws/deflate.h"

/* Masked with zeros a payload reads as it is. */
#define M "00000000"

static void open_echo(struct ends *ends, weft_stream **out)
{
    CHECK_OK(ends_open(ends, NULL, ends_echo));
    *out = raw_open(ends, "");
}

static void finish(struct ends *ends, weft_stream *stream)
{
    weft_stream_abort(stream);
    CHECK_OK(ends_close(ends));
}

/* What is sent, what must come back, and the code of the close that must follow. */
static void check(const char *sent, const char *answer, int code, int rc)
{
    struct ends ends;
    weft_stream *stream;
    note("%s", sent);
    open_echo(&ends, &stream);
    raw_send(stream, sent);
    raw_expect(stream, answer);
    CHECK_EQ(raw_close_code(stream), code);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.rc, rc);
    finish(&ends, stream);
}

static void is_refused(const char *sent, int code)
{
    check(sent, "", code, code == 1009 ? -WEFT_ELIMIT : -WEFT_ESYNTAX);
}

/* ---- what is right ---- */

TASK_TEST(messages_in_fragments_are_one)
{
    check("0181" M "61 0080" M " 8082" M "6263 8882" M "03e8", "8103616263", 1000, 0);
}

TASK_TEST(messages_with_pings_between_their_fragments)
{
    check("0181" M "61 8982" M "7069 0081" M "62 8a80" M " 8081" M "63 8880" M,
          "8a027069 8103616263", 1005, 0);
}

TASK_TEST(pings_are_answered_with_their_payload)
{
    check("8980" M " 8984" M "00ff7f80 8882" M "0fa0", "8a00 8a0400ff7f80", 4000, 0);
}

TASK_TEST(pongs_that_nobody_asked_for_are_passed_over)
{
    check("8a80" M " 8a83" M "616263 8181" M "78 8882" M "03e8", "810178", 1000, 0);
}

TASK_TEST(text_is_masked_by_the_key)
{
    check("8185 37fa213d 7f9f4d5158 8882" M "03e8", "810548656c6c6f", 1000, 0);
}

TASK_TEST(empty_messages_come_back_empty)
{
    check("8180" M " 8280" M " 0180" M " 8080" M " 8882" M "03e8", "8100 8200 8100", 1000, 0);
}

TASK_TEST(a_close_is_answered_with_its_code)
{
    static const int codes[] = {1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010,
                                1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char sent[64];
        snprintf(sent, sizeof sent, "8885" M "%04x 627965", (unsigned)codes[i]);
        check(sent, "", codes[i], 0);
    }
}

TASK_TEST(what_comes_behind_a_close_is_not_answered)
{
    check("8882" M "03e8 8181" M "78 8980" M, "", 1000, 0);
}

/* ---- what is wrong ---- */

TASK_TEST(class_22_a_frame_without_mask_ends_the_connection)
{
    is_refused("810161", 1002);
}

TASK_TEST(class_22_a_reserved_bit_ends_the_connection)
{
    is_refused("c181" M "61", 1002);
    is_refused("9180" M, 1002);
    is_refused("a980" M, 1002);
}

TASK_TEST(a_reserved_opcode_ends_the_connection)
{
    is_refused("8380" M, 1002);
    is_refused("8b80" M, 1002);
}

TASK_TEST(a_fragmented_ping_ends_the_connection)
{
    is_refused("0980" M, 1002);
}

TASK_TEST(a_long_ping_ends_the_connection)
{
    is_refused("89fe007e" M, 1002);
}

TASK_TEST(class_22_a_continuation_of_nothing_ends_the_connection)
{
    is_refused("8081" M "61", 1002);
}

TASK_TEST(a_message_inside_a_message_ends_the_connection)
{
    is_refused("0181" M "61 8181" M "62", 1002);
}

TASK_TEST(a_close_of_one_byte_ends_the_connection)
{
    is_refused("8881" M "03", 1002);
}

TASK_TEST(a_close_with_a_code_that_is_none_ends_the_connection)
{
    static const unsigned codes[] = {0,    999,  1004, 1005, 1006, 1015,
                                     1016, 1100, 2000, 2999, 5000, 65535};
    for (size_t i = 0; i < sizeof codes / sizeof codes[0]; i++) {
        char sent[64];
        snprintf(sent, sizeof sent, "8882" M "%04x", codes[i]);
        is_refused(sent, 1002);
    }
}

TASK_TEST(a_close_with_a_reason_that_is_no_text_ends_the_connection)
{
    is_refused("8884" M "03e8 c328", 1007);
}

TASK_TEST(class_22_text_that_is_not_utf8_ends_the_connection)
{
    static const char *const sent[] = {
        "8182" M "c328",           /* no continuation */
        "8181" M "80",             /* no beginning */
        "8182" M "c080",           /* overlong */
        "8183" M "eda080",         /* a surrogate */
        "8184" M "f4908080",       /* beyond the last */
        "8181" M "c3",             /* cut off */
        "0181" M "c3 8081" M "28", /* in two fragments */
    };
    for (size_t i = 0; i < sizeof sent / sizeof sent[0]; i++)
        is_refused(sent[i], 1007);
}

/* The rest of the message never comes: its first wrong byte is enough. */
TASK_TEST(text_that_is_not_utf8_is_refused_at_once)
{
    is_refused("0182" M "f490", 1007);
    is_refused("81fe1000" M "61 ff", 1007);
}

TASK_TEST(a_character_may_be_cut_by_fragments)
{
    check("0182" M "e282 8081" M "ac 8882" M "03e8", "8103e282ac", 1000, 0);
}

TASK_TEST(a_frame_that_is_too_big_is_refused_by_its_head)
{
    is_refused("82ff0000000000100001", 1009);
    is_refused("82ff7fffffffffffffff", 1009);
}

TASK_TEST(too_many_fragments_end_the_connection)
{
    struct ends ends;
    weft_stream *stream;
    open_echo(&ends, &stream);
    raw_send(stream, "0180" M);
    for (int i = 0; i < 1024; i++)
        raw_send(stream, "0080" M);
    CHECK_EQ(raw_close_code(stream), 1009);
    finish(&ends, stream);
}

TASK_TEST(a_message_that_grows_too_big_ends_the_connection)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options.limits.message_bytes_max = 10;
    weft_stream *stream = raw_open(&ends, "");
    raw_send(stream, "0288" M "6162636465666768 8083" M);
    CHECK_EQ(raw_close_code(stream), 1009);
    finish(&ends, stream);
}

TASK_TEST(a_connection_that_is_cut_is_told_as_truncated)
{
    struct ends ends;
    weft_stream *stream;
    open_echo(&ends, &stream);
    raw_send(stream, "8181" M "78 8188" M "61");
    raw_expect(stream, "810178");
    CHECK_OK(weft_stream_close(stream));
    ends_wait(&ends, 1);
    CHECK_EQ(ends.rc, -WEFT_ETRUNCATED);
    CHECK_EQ(ends.code, 1006);
    CHECK_EQ(ends.messages, 1u);
    CHECK_OK(ends_close(&ends));
}

TASK_TEST(a_connection_that_is_reset_is_told)
{
    struct ends ends;
    weft_stream *stream;
    open_echo(&ends, &stream);
    raw_send(stream, "8181" M "78");
    raw_expect(stream, "810178");
    weft_stream_abort(stream);
    ends_wait(&ends, 1);
    CHECK_EQ(ends.rc, -ECONNRESET);
    CHECK_EQ(ends.code, 1006);
    CHECK_OK(ends_close(&ends));
}

/* ---- floods ---- */

TASK_TEST(a_flood_of_pings_takes_no_memory)
{
    struct ends ends;
    weft_stream *stream;
    open_echo(&ends, &stream);
    char pings[1000 * 6];
    for (size_t i = 0; i < 1000; i++)
        memcpy(pings + 6 * i, "\x89\x80\0\0\0\0", 6);
    size_t live = live_bytes();
    for (int i = 0; i < 1000; i++) { /* none of the answers is read */
        weft_scope limit;
        CHECK_OK(weft_scope_open(&limit, weft_after(WEFT_MS), 0));
        int rc = weft_stream_write(stream, pings, sizeof pings);
        rc = weft_scope_close(&limit, rc);
        if (rc == -ETIMEDOUT)
            break;
        CHECK_OK(rc);
    }
    CHECK_LT(live_bytes(), live + 16u * 1024 * 1024);
    finish(&ends, stream);
}

#if WF_HAS_ZLIB
/* ---- compressed ---- */

#define OFFER "Sec-WebSocket-Extensions: permessage-deflate\r\n"

TASK_TEST(compressed_messages_of_the_rfc_come_back)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options.deflate = WEFT_WS_DEFLATE_KEEPS;
    weft_stream *stream = raw_open(&ends, OFFER);
    raw_send(stream, "c187" M "f248cdc9c90700 c185" M "f200110000");
    raw_expect(stream, "810548656c6c6f 810548656c6c6f"); /* too short to be compressed */
    raw_send(stream, "4183" M "f248cd 8084" M "c9c90700 8882" M "03e8");
    raw_expect(stream, "810548656c6c6f");
    CHECK_EQ(raw_close_code(stream), 1000);
    finish(&ends, stream);
}

TASK_TEST(compressed_text_that_is_not_utf8_ends_the_connection)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options.deflate = WEFT_WS_DEFLATE;
    weft_stream *stream = raw_open(&ends, OFFER);
    raw_send(stream, "c187" M "000100feffff00"); /* stored: ff */
    CHECK_EQ(raw_close_code(stream), 1007);
    finish(&ends, stream);
}

TASK_TEST(compressed_data_that_is_broken_ends_the_connection)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    ends.options.deflate = WEFT_WS_DEFLATE;
    weft_stream *stream = raw_open(&ends, OFFER);
    raw_send(stream, "c283" M "ffffff");
    CHECK_EQ(raw_close_code(stream), 1007);
    finish(&ends, stream);
}

TASK_TEST(compression_that_was_not_agreed_on_ends_the_connection)
{
    struct ends ends;
    CHECK_OK(ends_open(&ends, NULL, ends_echo));
    weft_stream *stream = raw_open(&ends, OFFER);
    raw_send(stream, "c187" M "f248cdc9c90700");
    CHECK_EQ(raw_close_code(stream), 1002);
    finish(&ends, stream);
}

/* ---- class 21: what is small on the wire ---- */

static char zeros[1u << 20];

static void bomb_make(wf_buf *out)
{
    static const struct wf_ws_deflate_terms terms = {.is_on = true, .out_bits = 15};
    struct wf_ws_deflate *deflate = wf_ws_deflate_new(&terms);
    CHECK_OK(wf_ws_compress(deflate, (weft_str){zeros, sizeof zeros}, out));
    CHECK_LT(wf_buf_bytes(out), 2000u);
    wf_ws_deflate_free(deflate);
}

/* In frames of so many bytes each, masked with zeros. */
static void bomb_send(weft_stream *stream, const wf_buf *bomb, size_t step)
{
    size_t count = wf_buf_bytes(bomb);
    for (size_t at = 0; at < count; at += step) {
        size_t bytes = count - at < step ? count - at : step;
        char head[8] = {(char)((at == 0 ? 0x42 : 0) | (at + bytes == count ? 0x80 : 0)),
                        (char)(0x80 | 126), (char)(bytes >> 8), (char)bytes};
        int rc = weft_stream_write(stream, head, sizeof head);
        if (rc == 0)
            rc = weft_stream_write(stream, wf_buf_ptr(bomb) + at, bytes);
        if (rc < 0) /* it was refused already */
            return;
    }
}

TASK_TEST(class_21_a_server_refuses_a_message_that_grows_too_much)
{
    static const weft_ws_limits limits[] = {
        {0}, {.inflate_ratio_max = 10000, .message_bytes_max = 300000}};
    wf_buf bomb = {0};
    bomb_make(&bomb);
    for (int row = 0; row < 4; row++) {
        struct ends ends;
        CHECK_OK(ends_open(&ends, NULL, ends_echo));
        ends.options = (weft_ws_options){.deflate = WEFT_WS_DEFLATE, .limits = limits[row & 1]};
        weft_stream *stream = raw_open(&ends, OFFER);
        size_t live = live_bytes();
        note("row %d", row);
        bomb_send(stream, &bomb, row < 2 ? 60000 : 130);
        CHECK_EQ(raw_close_code(stream), 1009);
        CHECK_LT(live_bytes(), live + sizeof zeros);
        ends_wait(&ends, 1);
        CHECK_EQ(ends.rc, -WEFT_ELIMIT);
        CHECK_EQ(ends.messages, 0u);
        finish(&ends, stream);
    }
    wf_buf_fini(&bomb);
}

static int bomb_then_hear(weft_ws *ws, void *arg)
{
    weft_ws_message message;
    (void)arg;
    WEFT_TRY(weft_ws_send(ws, WEFT_WS_BINARY, (weft_str){zeros, sizeof zeros}));
    return weft_ws_receive(ws, &message);
}

TASK_TEST(class_21_a_client_refuses_a_message_that_grows_too_much)
{
    const weft_ws_options rows[] = {
        {.deflate = WEFT_WS_DEFLATE},
        {.deflate = WEFT_WS_DEFLATE_KEEPS},
        {.deflate = WEFT_WS_DEFLATE,
         .limits = {.inflate_ratio_max = 10000, .message_bytes_max = 300000}},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ends ends;
        weft_ws *ws;
        weft_ws_message message;
        CHECK_OK(ends_open(&ends, NULL, bomb_then_hear));
        ends.options.deflate = WEFT_WS_DEFLATE_KEEPS;
        CHECK_OK(ends_connect(&ends, &ws, &rows[i]));
        CHECK_EQ(weft_ws_receive(ws, &message), -WEFT_ELIMIT);
        CHECK_EQ(weft_ws_receive(ws, &message), -WEFT_ELIMIT);
        (void)weft_ws_close(ws, 1000, NULL);
        ends_wait(&ends, 1);
        CHECK_EQ(ends.rc, 0); /* it was told */
        CHECK_EQ(ends.code, 1009);
        CHECK_OK(ends_close(&ends));
    }
}
#endif
