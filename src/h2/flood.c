/* SPDX-License-Identifier: MIT */

#include "h2/flood.h"

#include <string.h>

/* A DATA frame shorter than this, with more to come, is more frame than data. */
#define DATA_BYTES_FAIR 16

/* What a window leaves of a piece goes in a frame of its own, which may be of a byte or two, when
 * the peer has made room: each DATA frame from this length on pays for one such, and so many may
 * be saved up. */
#define DATA_BYTES_PAYING 1024
#define DATA_PAID_MAX 100

/* RFC 9113 6. */
enum {
    TYPE_DATA = 0,
    TYPE_HEADERS = 1,
    TYPE_RST_STREAM = 3,
    TYPE_GOAWAY = 7,
    TYPE_WINDOW_UPDATE = 8,
    TYPE_CONTINUATION = 9,
    FLAG_END_STREAM = 1,
    FLAG_END_HEADERS = 4,
};

/* ---- budgets ---- */

static bool budget_take(struct wf_h2_budget *budget, weft_time now,
                        const struct wf_h2_allowance *allowance)
{
    weft_time each = WEFT_SEC / allowance->rate;
    if (budget->spent_until < now)
        budget->spent_until = now;
    budget->spent_until += each;
    return budget->spent_until - now <= each * allowance->burst;
}

bool wf_h2_flood_reset(struct wf_h2_flood *flood, weft_time now)
{
    return budget_take(&flood->resets, now, &flood->limits.resets);
}

static bool spend_odd(struct wf_h2_flood *flood, weft_time now)
{
    return budget_take(&flood->odd, now, &flood->limits.odd);
}

/* ---- frames ---- */

void wf_h2_flood_init(struct wf_h2_flood *flood, const struct wf_h2_flood_limits *limits,
                      uint32_t preface_bytes)
{
    *flood =
        (struct wf_h2_flood){.limits = *limits, .left = preface_bytes, .block_since = WEFT_FOREVER};
}

weft_time wf_h2_flood_block_deadline(const struct wf_h2_flood *flood, weft_time duration)
{
    return duration < WEFT_FOREVER - flood->block_since ? flood->block_since + duration
                                                        : WEFT_FOREVER;
}

static bool count_data(struct wf_h2_flood *flood, weft_time now, uint8_t flags)
{
    if (flood->left >= DATA_BYTES_PAYING && flood->paid_count < DATA_PAID_MAX)
        flood->paid_count++;
    if (flood->left >= DATA_BYTES_FAIR || (flags & FLAG_END_STREAM) != 0)
        return true;
    if (flood->paid_count == 0)
        return spend_odd(flood, now);
    flood->paid_count--;
    return true;
}

static bool count_frame(struct wf_h2_flood *flood, weft_time now, uint8_t type, uint8_t flags)
{
    bool ends_block = (flags & FLAG_END_HEADERS) != 0;
    switch (type) {
    case TYPE_HEADERS:
        flood->continuation_count = 0;
        flood->block_since = now;
        flood->ends_block = ends_block;
        return true;
    case TYPE_CONTINUATION:
        flood->ends_block = ends_block;
        return ++flood->continuation_count <= flood->limits.continuation_count_max;
    case TYPE_RST_STREAM:
        return wf_h2_flood_reset(flood, now);
    case TYPE_DATA:
        return count_data(flood, now, flags);
    case TYPE_WINDOW_UPDATE:
    case TYPE_GOAWAY:
        return true;
    default: /* PING, SETTINGS, PRIORITY, and what nobody knows */
        return spend_odd(flood, now);
    }
}

static size_t size_min(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t skip_payload(struct wf_h2_flood *flood, size_t bytes)
{
    size_t count = size_min(flood->left, bytes);
    flood->left -= (uint32_t)count;
    if (flood->left == 0 && flood->ends_block) {
        flood->ends_block = false;
        flood->block_since = WEFT_FOREVER;
    }
    return count;
}

size_t wf_h2_flood_count(struct wf_h2_flood *flood, weft_time now, weft_str input)
{
    for (size_t at = 0;;) {
        at += skip_payload(flood, input.len - at);
        if (at == input.len)
            return at;

        uint8_t *head = flood->head;
        size_t head_at = at;
        size_t count = size_min(sizeof flood->head - flood->head_bytes, input.len - at);
        memcpy(head + flood->head_bytes, input.ptr + at, count);
        flood->head_bytes += (uint8_t)count;
        at += count;
        if (flood->head_bytes < sizeof flood->head)
            return at;
        flood->head_bytes = 0;
        flood->left = (uint32_t)head[0] << 16 | (uint32_t)head[1] << 8 | head[2];
        if (!count_frame(flood, now, /* type= */ head[3], /* flags= */ head[4]))
            return head_at;
    }
}
