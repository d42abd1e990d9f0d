/* SPDX-License-Identifier: MIT */

/*
 * What a peer may do too often because it costs nothing.  Frames are counted by their heads, before
 * nghttp2 sees them: it says nothing of those it drops, such as DATA of a stream that is over.
 */

#include "http/h2/h2_priv.h"

#include <string.h>

/* A DATA frame shorter than this, with more to come, is more frame than data. */
#define DATA_BYTES_FAIR 16

/* ---- budgets ---- */

static bool budget_take(struct wf_h2_budget *budget, weft_time now, uint32_t burst, uint32_t rate)
{
    weft_time each = WEFT_SEC / rate;
    if (budget->spent_until < now)
        budget->spent_until = now;
    budget->spent_until += each;
    return budget->spent_until - now <= each * burst;
}

bool wf_h2_spend_reset(struct wf_h2 *h2)
{
    const weft_http_limits *limits = &h2->conn->server->limits;
    return budget_take(&h2->resets, wf_h2_now(h2), limits->h2_reset_burst, limits->h2_reset_rate);
}

static bool spend_odd(struct wf_h2 *h2)
{
    const weft_http_limits *limits = &h2->conn->server->limits;
    return budget_take(&h2->odd, wf_h2_now(h2), limits->h2_odd_burst, limits->h2_odd_rate);
}

/* ---- frames ---- */

static bool count_frame(struct wf_h2 *h2, uint32_t payload_bytes, uint8_t type, uint8_t flags)
{
    uint32_t *continuation_count = &h2->frames.continuation_count;
    switch (type) {
    case NGHTTP2_HEADERS:
        *continuation_count = 0;
        return true;
    case NGHTTP2_CONTINUATION:
        return ++*continuation_count <= h2->conn->server->limits.h2_continuation_count_max;
    case NGHTTP2_RST_STREAM:
        return wf_h2_spend_reset(h2);
    case NGHTTP2_DATA:
        return payload_bytes >= DATA_BYTES_FAIR || (flags & NGHTTP2_FLAG_END_STREAM) != 0 ||
               spend_odd(h2);
    case NGHTTP2_WINDOW_UPDATE:
    case NGHTTP2_GOAWAY:
        return true;
    default: /* PING, SETTINGS, PRIORITY, and what nobody knows */
        return spend_odd(h2);
    }
}

static size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

bool wf_h2_count_frames(struct wf_h2 *h2, weft_str input)
{
    struct wf_h2_frames *frames = &h2->frames;
    for (;;) {
        size_t count = size_min(frames->left, input.len);
        frames->left -= (uint32_t)count;
        input.ptr += count;
        input.len -= count;
        if (input.len == 0)
            return true;

        uint8_t *head = frames->head;
        count = size_min(sizeof frames->head - frames->head_bytes, input.len);
        memcpy(head + frames->head_bytes, input.ptr, count);
        frames->head_bytes += (uint8_t)count;
        input.ptr += count;
        input.len -= count;
        if (frames->head_bytes < sizeof frames->head)
            return true;
        frames->head_bytes = 0;
        frames->left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
        if (!count_frame(h2, frames->left, /* type= */ head[3], /* flags= */ head[4]))
            return false;
    }
}
