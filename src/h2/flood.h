/* SPDX-License-Identifier: MIT */

/*
 * What a peer may do too often because it costs nothing.  Frames are counted by their heads, before
 * nghttp2 sees them: it says nothing of those it drops, such as DATA of a stream that is over.
 * Pure.
 */
#ifndef WF_H2_FLOOD_H
#define WF_H2_FLOOD_H

#include <weft/base.h>

#define WF_H2_FRAME_HEAD_BYTES 9

/* What a peer may do `burst` times at once and `rate` times a second for ever. */
struct wf_h2_allowance {
    uint32_t burst, rate;
};

struct wf_h2_flood_limits {
    struct wf_h2_allowance resets; /* streams ended before their time */
    struct wf_h2_allowance odd;    /* PING, SETTINGS, PRIORITY, tiny DATA, what nobody knows */
    uint32_t continuation_count_max;
};

/* The generic cell rate algorithm (ITU-T I.371): one number instead of a bucket and its last
 * filling. */
struct wf_h2_budget {
    weft_time spent_until;
};

struct wf_h2_flood {
    struct wf_h2_flood_limits limits;
    struct wf_h2_budget resets, odd;
    uint32_t left; /* of the preface or of a frame's payload, before the next head */
    uint8_t head[WF_H2_FRAME_HEAD_BYTES], head_bytes;
    uint32_t continuation_count; /* of the header block that is coming */
    uint32_t paid_count;         /* tiny DATA frames that large ones have paid for */
    weft_time block_since;       /* when it began; WEFT_FOREVER: none is coming */
    bool ends_block;             /* the frame under way is its last */
};

/* Before the first frame come so many bytes of the peer's. */
void wf_h2_flood_init(struct wf_h2_flood *flood, const struct wf_h2_flood_limits *limits,
                      uint32_t preface_bytes);

/* The peer's next bytes, before anything is made of them: how many there are before the head of a
 * frame that is too much; all of them if none is. */
size_t wf_h2_flood_count(struct wf_h2_flood *flood, weft_time now, weft_str input);

/* When a header block that is coming is to be whole, if it may take so long; WEFT_FOREVER: none is
 * coming.  nghttp2 does not tell the end of one whose stream is over. */
weft_time wf_h2_flood_block_deadline(const struct wf_h2_flood *flood, weft_time duration);

/* A stream ends before its time, by the peer or by its mistakes.  False: too often. */
bool wf_h2_flood_reset(struct wf_h2_flood *flood, weft_time now);

#endif
