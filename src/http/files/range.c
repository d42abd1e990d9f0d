/* SPDX-License-Identifier: MIT */

#include "http/files/range.h"

#include "base/str.h"
#include "h1/chars.h"

/* Digits alone.  What does not fit 64 bits lies behind every end. */
static bool number(weft_str text, uint64_t *out)
{
    uint64_t value = 0;
    for (size_t i = 0; i < text.len; i++) {
        if (!wf_http_is(text.ptr[i], WF_DIGIT))
            return false;
        if (__builtin_mul_overflow(value, 10, &value) ||
            __builtin_add_overflow(value, (uint64_t)(text.ptr[i] - '0'), &value))
            value = UINT64_MAX;
    }
    *out = value;
    return text.len > 0;
}

/* "0-99", "100-", "-5".  False: not of that form.  *out empty: behind the end. */
static bool range_one(weft_str text, uint64_t length, struct wf_range *out)
{
    uint64_t first, last = UINT64_MAX;
    const char *dash = text.len == 0 ? NULL : memchr(text.ptr, '-', text.len);
    if (dash == NULL)
        return false;
    weft_str left = {text.ptr, (size_t)(dash - text.ptr)};
    weft_str right = {dash + 1, text.len - left.len - 1};
    *out = (struct wf_range){0, 0};
    if (left.len == 0) {
        if (!number(right, &last))
            return false;
        out->count = last < length ? last : length;
        out->first = length - out->count;
        return true;
    }
    if (!number(left, &first) || (right.len > 0 && !number(right, &last)) || last < first)
        return false;
    if (first < length) {
        out->first = first;
        out->count = (last < length ? last : length - 1) - first + 1;
    }
    return true;
}

static bool ranges_touch(const struct wf_range *a, const struct wf_range *b)
{
    return a->first <= b->first + b->count && b->first <= a->first + a->count;
}

static void range_join(struct wf_range *into, const struct wf_range *other)
{
    uint64_t a = into->first + into->count, b = other->first + other->count;
    into->first = into->first < other->first ? into->first : other->first;
    into->count = (a > b ? a : b) - into->first;
}

/* Takes the place of those it touches, the first one's.  At most 16 times 16 steps. */
static int range_add(struct wf_range *ranges, int count, struct wf_range range)
{
    int place = count;
    for (int i = 0; i < count;) {
        if (!ranges_touch(&ranges[i], &range)) {
            i++;
            continue;
        }
        range_join(&range, &ranges[i]);
        place = i < place ? i : place;
        count--;
        memmove(&ranges[i], &ranges[i + 1], (size_t)(count - i) * sizeof *ranges);
        i = 0; /* the larger one may touch what it did not before */
    }
    place = place < count ? place : count;
    memmove(&ranges[place + 1], &ranges[place], (size_t)(count - place) * sizeof *ranges);
    ranges[place] = range;
    return count + 1;
}

int wf_range_parse(weft_str field, uint64_t length, struct wf_range out[WF_RANGE_COUNT_MAX])
{
    int count = 0, seen = 0;
    if (field.len < 6 || !WF_HTTP_EQUAL(field.ptr, 6, "bytes=") || length == 0)
        return 0;
    weft_str rest = {field.ptr + 6, field.len - 6}, item;
    while (wf_str_next_item(&rest, ',', &item)) {
        struct wf_range range;
        if (item.len == 0)
            continue;
        if (seen++ == WF_RANGE_COUNT_MAX || !range_one(item, length, &range))
            return 0;
        if (range.count != 0)
            count = range_add(out, count, range);
    }
    if (seen == 0)
        return 0;
    return count == 0 ? WF_RANGE_NONE_SATISFIABLE : count;
}
