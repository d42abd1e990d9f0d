/* SPDX-License-Identifier: MIT */

#include "ws/frame.h"

#include "ws/mask.h"
#include "ws/text.h"

#include <assert.h>
#include <string.h>

#define FINAL 0x80u
#define COMPRESSED 0x40u /* RSV1: permessage-deflate (RFC 7692 6) */
#define RESERVED 0x30u
#define OPCODE 0x0fu
#define MASKED 0x80u
#define LENGTH 0x7fu
#define LENGTH_16 126u
#define LENGTH_64 127u

void wf_ws_parser_init(struct wf_ws_parser *parser, const struct wf_ws_frame_limits *limits,
                       bool is_server)
{
    *parser = (struct wf_ws_parser){.limits = limits, .is_server = is_server};
}

static bool is_control(uint8_t opcode)
{
    return (opcode & 8) != 0;
}

/* ---- faults ---- */

static int parser_fail(struct wf_ws_parser *parser, uint16_t code, const char *reason)
{
    parser->fault = (struct wf_ws_fault){code, reason};
    return code == WF_WS_TOO_BIG ? -WEFT_ELIMIT : -WEFT_ESYNTAX;
}

static int parser_refuse(struct wf_ws_parser *parser, const char *reason)
{
    return parser_fail(parser, WF_WS_PROTOCOL, reason);
}

/* ---- the head, byte by byte ---- */

static int check_opcode(struct wf_ws_parser *parser, const struct wf_ws_head *head)
{
    bool is_message = parser->opcode != 0;
    switch (head->opcode) {
    case WF_WS_CONTINUATION:
        return is_message ? 0 : parser_refuse(parser, "continuation of no message");
    case WF_WS_TEXT:
    case WF_WS_BINARY:
        return is_message ? parser_refuse(parser, "a message inside a message") : 0;
    case WF_WS_OP_CLOSE:
    case WF_WS_OP_PING:
    case WF_WS_OP_PONG:
        return head->is_final ? 0 : parser_refuse(parser, "fragmented control frame");
    default:
        return parser_refuse(parser, "reserved opcode");
    }
}

static int take_first_byte(struct wf_ws_parser *parser, uint8_t byte)
{
    struct wf_ws_head *head = &parser->frame;
    head->is_final = (byte & FINAL) != 0;
    head->is_compressed = (byte & COMPRESSED) != 0;
    head->opcode = byte & OPCODE;
    if ((byte & RESERVED) != 0)
        return parser_refuse(parser, "reserved bit");
    int rc = check_opcode(parser, head);
    bool may_compress = head->opcode == WF_WS_TEXT || head->opcode == WF_WS_BINARY;
    if (rc == 0 && head->is_compressed && !(parser->has_deflate && may_compress))
        return parser_refuse(parser, "reserved bit");
    return rc;
}

static int take_second_byte(struct wf_ws_parser *parser, uint8_t byte)
{
    struct wf_ws_head *head = &parser->frame;
    head->is_masked = (byte & MASKED) != 0;
    head->length = byte & LENGTH;
    if (head->is_masked != parser->is_server)
        return parser_refuse(parser, head->is_masked ? "masked frame" : "frame without mask");
    if (is_control(head->opcode) && head->length > WF_WS_CONTROL_BYTES_MAX)
        return parser_refuse(parser, "long control frame");
    return 0;
}

/* Bytes of the length behind the second byte. */
static size_t length_bytes(uint8_t second)
{
    uint8_t length = second & LENGTH;
    return length == LENGTH_16 ? 2 : length == LENGTH_64 ? 8 : 0;
}

static int check_limits(struct wf_ws_parser *parser)
{
    const struct wf_ws_head *head = &parser->frame;
    const struct wf_ws_frame_limits *limits = parser->limits;
    bool is_first = head->opcode != WF_WS_CONTINUATION;
    uint64_t before = is_first ? 0 : parser->message_bytes;
    if (is_control(head->opcode))
        return 0;
    if (head->length > limits->frame_bytes_max)
        return parser_fail(parser, WF_WS_TOO_BIG, "frame too big");
    if (before > limits->message_bytes_max || head->length > limits->message_bytes_max - before)
        return parser_fail(parser, WF_WS_TOO_BIG, "message too big");
    if (!is_first && parser->fragment_count >= limits->fragment_count_max)
        return parser_fail(parser, WF_WS_TOO_BIG, "too many fragments");
    return 0;
}

/* A length has one form only, the shortest. */
static int take_length(struct wf_ws_parser *parser, const uint8_t *bytes, size_t count)
{
    uint64_t length = count == 0 ? parser->frame.length : 0;
    for (size_t i = 0; i < count; i++)
        length = length << 8 | bytes[i];
    if ((count == 2 && length < LENGTH_16) || (count == 8 && length <= UINT16_MAX))
        return parser_refuse(parser, "length not in its shortest form");
    if (length > INT64_MAX)
        return parser_refuse(parser, "length with its highest bit set");
    parser->frame.length = length;
    return check_limits(parser);
}

static void begin_payload(struct wf_ws_parser *parser)
{
    const struct wf_ws_head *head = &parser->frame;
    parser->left = head->length;
    parser->is_in_frame = true;
    parser->control_bytes = 0;
    if (is_control(head->opcode))
        return;
    if (head->opcode != WF_WS_CONTINUATION) {
        parser->opcode = head->opcode;
        parser->is_compressed = head->is_compressed;
        parser->message_bytes = 0;
        parser->fragment_count = 0;
    }
    parser->message_bytes += head->length;
    parser->fragment_count++;
}

/* A whole head stands at `head`: how many bytes it has is known from its second one. */
static int take_tail(struct wf_ws_parser *parser, const uint8_t *head)
{
    size_t count = length_bytes(head[1]);
    int rc = take_length(parser, head + 2, count);
    if (rc < 0)
        return rc;
    if (parser->frame.is_masked)
        memcpy(parser->frame.key, head + 2 + count, sizeof parser->frame.key);
    else
        memset(parser->frame.key, 0, sizeof parser->frame.key);
    begin_payload(parser);
    return 0;
}

static size_t head_needs(const struct wf_ws_parser *parser, uint8_t second)
{
    return 2 + length_bytes(second) + (parser->is_server ? 4 : 0);
}

/* Most heads come in one piece. */
static int parse_whole_head(struct wf_ws_parser *parser, const uint8_t *bytes, size_t *used)
{
    int rc = take_first_byte(parser, bytes[0]);
    if (rc == 0)
        rc = take_second_byte(parser, bytes[1]);
    if (rc == 0)
        rc = take_tail(parser, bytes);
    if (rc == 0)
        *used = head_needs(parser, bytes[1]);
    return rc;
}

static int parse_head_byte(struct wf_ws_parser *parser, uint8_t byte)
{
    int rc = 0;
    parser->head[parser->head_bytes++] = byte;
    size_t have = parser->head_bytes;
    if (have == 1)
        return take_first_byte(parser, byte);
    if (have == 2)
        rc = take_second_byte(parser, byte);
    size_t count = length_bytes(parser->head[1]);
    if (rc == 0 && count > 0 && have == 2 + count)
        rc = take_length(parser, parser->head + 2, count);
    if (rc == 0 && have == head_needs(parser, parser->head[1])) {
        parser->head_bytes = 0;
        rc = take_tail(parser, parser->head);
    }
    return rc;
}

/* Takes bytes of a head until it is whole or all are used. */
static int parse_head(struct wf_ws_parser *parser, const char *bytes, size_t count, size_t *used)
{
    const uint8_t *at = (const uint8_t *)bytes;
    if (parser->head_bytes == 0 && count >= 2 && count >= head_needs(parser, at[1]))
        return parse_whole_head(parser, at, used);
    int rc = 0;
    size_t i = 0;
    while (i < count && rc == 0 && !parser->is_in_frame)
        rc = parse_head_byte(parser, at[i++]);
    *used = i;
    return rc;
}

/* ---- the payload ---- */

static int parse_data(struct wf_ws_parser *parser, const char *bytes, size_t count,
                      size_t *out_used, struct wf_ws_piece *out)
{
    size_t taken = parser->left < count ? (size_t)parser->left : count;
    *out_used += taken;
    *out = (struct wf_ws_piece){
        .bytes = {bytes, taken},
        .at = parser->frame.length - parser->left,
        .opcode = parser->opcode,
        .is_compressed = parser->is_compressed,
    };
    memcpy(out->key, parser->frame.key, sizeof out->key);
    parser->left -= taken;
    if (parser->left > 0)
        return taken > 0 ? WF_WS_DATA : WF_WS_NOTHING;
    parser->is_in_frame = false;
    out->is_end = parser->frame.is_final;
    if (out->is_end)
        parser->opcode = 0;
    return taken > 0 || out->is_end ? WF_WS_DATA : WF_WS_NOTHING;
}

static int parse_control(struct wf_ws_parser *parser, const char *bytes, size_t count,
                         size_t *out_used)
{
    size_t taken = parser->left < count ? (size_t)parser->left : count;
    assert(parser->control_bytes + taken <= sizeof parser->control);
    if (taken > 0)
        wf_ws_mask(parser->control + parser->control_bytes, bytes, taken, parser->frame.key,
                   parser->control_bytes);
    parser->control_bytes += (uint8_t)taken;
    *out_used += taken;
    parser->left -= taken;
    if (parser->left > 0)
        return WF_WS_NOTHING;
    parser->is_in_frame = false;
    switch (parser->frame.opcode) {
    case WF_WS_OP_PING:
        return WF_WS_PING;
    case WF_WS_OP_PONG:
        return WF_WS_PONG;
    default:
        return WF_WS_CLOSE;
    }
}

int wf_ws_parse(struct wf_ws_parser *parser, const char *bytes, size_t count, size_t *out_used,
                struct wf_ws_piece *out)
{
    *out_used = 0;
    if (parser->fault.code != 0)
        return parser->fault.code == WF_WS_TOO_BIG ? -WEFT_ELIMIT : -WEFT_ESYNTAX;
    for (;;) {
        size_t used = 0;
        int event = 0;
        if (!parser->is_in_frame)
            event = parse_head(parser, bytes + *out_used, count - *out_used, &used);
        *out_used += used;
        if (event < 0 || !parser->is_in_frame)
            return event;
        if (is_control(parser->frame.opcode))
            event = parse_control(parser, bytes + *out_used, count - *out_used, out_used);
        else
            event = parse_data(parser, bytes + *out_used, count - *out_used, out_used, out);
        if (event != WF_WS_NOTHING || *out_used == count)
            return event;
    }
}

/* ---- close frames ---- */

bool wf_ws_code_is_sayable(unsigned code)
{
    if (code >= 3000 && code <= 4999)
        return true; /* registered, and private ones */
    return code >= 1000 && code <= 1014 && code != 1004 && code != WF_WS_NO_CODE &&
           code != WF_WS_LOST;
}

bool wf_ws_close_read(weft_str payload, struct wf_ws_close *out, struct wf_ws_fault *fault)
{
    *out = (struct wf_ws_close){.code = WF_WS_NO_CODE, .reason = {"", 0}};
    if (payload.len == 0)
        return true;
    struct wf_ws_text text = {0};
    const uint8_t *bytes = (const uint8_t *)payload.ptr;
    unsigned code = payload.len >= 2 ? (unsigned)(bytes[0] << 8 | bytes[1]) : 0;
    if (!wf_ws_code_is_sayable(code)) {
        *fault = (struct wf_ws_fault){WF_WS_PROTOCOL, "close without a valid code"};
        return false;
    }
    out->code = (uint16_t)code;
    out->reason = (weft_str){payload.ptr + 2, payload.len - 2};
    if (wf_ws_text_feed(&text, out->reason.ptr, out->reason.len) && wf_ws_text_is_whole(&text))
        return true;
    *fault = (struct wf_ws_fault){WF_WS_NOT_UTF8, "close with a reason that is not UTF-8"};
    return false;
}

/* ---- writing ---- */

size_t wf_ws_write_head(char out[WF_WS_HEAD_BYTES_MAX], const struct wf_ws_head *head)
{
    size_t at = 2, count = head->length < LENGTH_16 ? 0 : head->length <= UINT16_MAX ? 2 : 8;
    unsigned first = head->opcode | (head->is_final ? FINAL : 0);
    unsigned second = head->is_masked ? MASKED : 0;
    first |= head->is_compressed ? COMPRESSED : 0;
    second |= count == 0 ? (unsigned)head->length : count == 2 ? LENGTH_16 : LENGTH_64;
    out[0] = (char)first;
    out[1] = (char)second;
    for (size_t i = count; i > 0; i--)
        out[at++] = (char)(head->length >> (8 * (i - 1)));
    if (!head->is_masked)
        return at;
    memcpy(out + at, head->key, sizeof head->key);
    return at + sizeof head->key;
}
