/* SPDX-License-Identifier: MIT */

/*
 * Frames on the wire (RFC 6455 5): bytes become pieces of messages and control frames, strictly.
 *
 *     while (at < count) {
 *         event = wf_ws_parse(&parser, bytes + at, count - at, &used, &piece);
 *         at += used;
 *         WF_WS_DATA: piece, masked as it came, of a message; WF_WS_PING … : parser.control
 *         < 0: parser.fault says why; the connection must end
 *     }
 *
 * Pure: no I/O, no clock, no memory of its own.  What comes out does not depend on how the bytes
 * were cut, but for the borders between the pieces of a message: every rule is about the bytes up
 * to one place, and is judged there.
 */
#ifndef WF_WS_FRAME_H
#define WF_WS_FRAME_H

#include <weft/base.h>

/* Four bits of the first byte. */
enum wf_ws_opcode {
    WF_WS_CONTINUATION = 0,
    WF_WS_TEXT = 1,
    WF_WS_BINARY = 2,
    WF_WS_OP_CLOSE = 8,
    WF_WS_OP_PING = 9,
    WF_WS_OP_PONG = 10,
};

/* Codes of a close (RFC 6455 7.4.1). */
enum wf_ws_code {
    WF_WS_NORMAL = 1000,
    WF_WS_GOING_AWAY = 1001,
    WF_WS_PROTOCOL = 1002,
    WF_WS_NO_CODE = 1005,
    WF_WS_LOST = 1006,
    WF_WS_NOT_UTF8 = 1007,
    WF_WS_TOO_BIG = 1009,
    WF_WS_BROKEN = 1011,
    WF_WS_LATER = 1013,
};

#define WF_WS_CONTROL_BYTES_MAX 125
#define WF_WS_HEAD_BYTES_MAX 14

struct wf_ws_frame_limits {
    uint64_t frame_bytes_max;
    uint64_t message_bytes_max;
    uint32_t fragment_count_max;
};

struct wf_ws_head {
    uint64_t length;
    uint8_t opcode; /* enum wf_ws_opcode */
    uint8_t key[4]; /* if is_masked */
    bool is_final, is_compressed, is_masked;
};

enum wf_ws_event {
    WF_WS_NOTHING, /* all bytes are taken */
    WF_WS_DATA,    /* a piece of a message; perhaps empty at its end */
    WF_WS_PING,
    WF_WS_PONG,
    WF_WS_CLOSE, /* whatever follows is no frame */
};

/* What is wrong, and what the peer is told. */
struct wf_ws_fault {
    uint16_t code; /* 0: nothing */
    const char *reason;
};

/* A part of a message as it came. */
struct wf_ws_piece {
    weft_str bytes;
    uint8_t key[4]; /* zero without a mask */
    uint64_t at;    /* of bytes in the frame's payload, for the mask */
    uint8_t opcode; /* of the message: WF_WS_TEXT or WF_WS_BINARY */
    bool is_compressed;
    bool is_end; /* of the message */
};

struct wf_ws_parser {
    const struct wf_ws_frame_limits *limits;
    bool is_server;   /* the peer's frames must be masked; else they must not */
    bool has_deflate; /* a message may be compressed */

    /* The message under way. */
    uint8_t opcode; /* 0: none */
    bool is_compressed;
    uint32_t fragment_count;
    uint64_t message_bytes; /* of its frames so far */

    /* The frame under way. */
    struct wf_ws_head frame;
    uint64_t left; /* of its payload */
    bool is_in_frame;
    uint8_t head_bytes; /* of a head that is not whole yet */
    uint8_t control_bytes;
    uint8_t head[WF_WS_HEAD_BYTES_MAX];
    char control[WF_WS_CONTROL_BYTES_MAX]; /* payload of a control frame, without its mask */

    struct wf_ws_fault fault;
};

void wf_ws_parser_init(struct wf_ws_parser *parser, const struct wf_ws_frame_limits *limits,
                       bool is_server);

/* Takes bytes up to the next event.  The piece is borrowed from `bytes`.  -WEFT_ESYNTAX or
 * -WEFT_ELIMIT: see fault; the same again for ever. */
int wf_ws_parse(struct wf_ws_parser *parser, const char *bytes, size_t count, size_t *out_used,
                struct wf_ws_piece *out);

/* ---- close frames ---- */

/* What a close frame says. */
struct wf_ws_close {
    uint16_t code; /* WF_WS_NO_CODE: it says nothing */
    weft_str reason;
};

/* Takes the payload of a close frame apart.  False, with a fault: it is not well-formed. */
bool wf_ws_close_read(weft_str payload, struct wf_ws_close *out, struct wf_ws_fault *fault);

/* True if an end may send this code (RFC 6455 7.4, and the registry it opened). */
bool wf_ws_code_is_sayable(unsigned code);

/* ---- writing ---- */

/* Writes the head of a frame into `out`; returns its bytes. */
size_t wf_ws_write_head(char out[WF_WS_HEAD_BYTES_MAX], const struct wf_ws_head *head);

#endif
