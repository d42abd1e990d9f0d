/* SPDX-License-Identifier: MIT */

#include "match/tokenize/charsmap.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/utf8.h"
#include "match/text/chars.h"

#include <string.h>

/* Graphemes of more bytes are looked up character by character. */
#define WHOLE_BYTES_MAX 5u

/* ---- reading ---- */

static uint32_t unit_at(const uint8_t *bytes)
{
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static int take(wf_charsmap *map, const uint8_t *bytes, size_t count, wf_reason *reason)
{
    size_t trie_bytes = count >= 4 ? unit_at(bytes) : 0;
    if (count < 4 || trie_bytes % 4 != 0 || trie_bytes > count - 4 || trie_bytes == 0)
        return wf_reason_set(reason, "its precompiled_charsmap is damaged");
    const uint8_t *texts = bytes + 4 + trie_bytes;
    map->text_bytes = count - 4 - trie_bytes;
    map->unit_count = trie_bytes / 4;
    map->units = wf_array(map->unit_count, sizeof(*map->units));
    map->texts = wf_alloc(map->text_bytes + 1);
    if (map->units == NULL || map->texts == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < map->unit_count; i++)
        map->units[i] = unit_at(bytes + 4 + i * 4);
    memcpy(map->texts, texts, map->text_bytes);
    if (!wf_utf8_is_valid(map->texts, map->text_bytes))
        return wf_reason_set(reason, "its precompiled_charsmap is not UTF-8");
    return 0;
}

int wf_charsmap_read(wf_charsmap *map, weft_str base64, wf_reason *reason)
{
    *map = (wf_charsmap){0};
    uint8_t *bytes = wf_alloc(base64.len + 1);
    if (bytes == NULL)
        return -ENOMEM;
    size_t count = wf_base64_read(base64, bytes);
    int rc = count == SIZE_MAX ? wf_reason_set(reason, "its precompiled_charsmap is no Base64")
                               : take(map, bytes, count, reason);
    wf_free(bytes);
    return rc;
}

void wf_charsmap_fini(wf_charsmap *map)
{
    wf_free(map->units);
    wf_free(map->texts);
    *map = (wf_charsmap){0};
}

/* ---- looking up ---- */

/* How far from a unit its children are. */
static size_t offset_of(uint32_t unit)
{
    return (size_t)(unit >> 10) << ((unit & 1u << 9) >> 6);
}

/* What takes the place of the shortest text of the table that `text` begins with, as the public
 * implementation has it; NULL: none. */
static const char *replacement(const wf_charsmap *map, const char *text, size_t count)
{
    size_t node = offset_of(map->units[0]);
    for (size_t i = 0; i < count && text[i] != '\0'; i++) {
        uint8_t byte = (uint8_t)text[i];
        node ^= byte;
        if (node >= map->unit_count)
            return NULL;
        uint32_t unit = map->units[node];
        if ((unit & (1u << 31 | 0xFF)) != byte)
            return NULL;
        node ^= offset_of(unit);
        if ((unit >> 8 & 1) == 0)
            continue;
        size_t value = node < map->unit_count ? map->units[node] & 0x7FFFFFFF : SIZE_MAX;
        return value < map->text_bytes ? map->texts + value : NULL;
    }
    return NULL;
}

/* ---- applying ---- */

struct applying {
    const wf_charsmap *map;
    wf_scalars *out;
    wf_origin *origin;
    size_t takes; /* of the last one put, which may yet take more */
    bool has_last;
};

static void end_last(struct applying *it)
{
    if (it->has_last)
        wf_origin_put(it->origin, it->takes);
    it->has_last = false;
}

/* `count` characters of the source became those of `out` from `start` on, one each.  What is left
 * over of the source is taken by the last one put, also before; at the beginning by none, and then
 * all that follows stands too early, as the public implementation has it. */
static void tell(struct applying *it, size_t count, size_t start)
{
    for (size_t i = start; i < it->out->count; i++) {
        end_last(it);
        it->takes = count > 0;
        it->has_last = true;
        count -= count > 0;
    }
    it->takes += count;
}

/* A place inside a character would not be UTF-8; a good table has none. */
static int put(struct applying *it, const char *text, size_t source_count)
{
    size_t len = strlen(text), start = it->out->count;
    int rc = wf_utf8_is_valid(text, len) ? wf_scalars_read(it->out, (weft_str){text, len}) : 0;
    tell(it, source_count, start);
    return rc;
}

static int put_char(struct applying *it, uint32_t c)
{
    int rc = wf_scalars_put(it->out, c);
    if (rc == 0)
        tell(it, 1, it->out->count - 1);
    return rc;
}

static int apply_grapheme(struct applying *it, const uint32_t *text, size_t count)
{
    char bytes[WHOLE_BYTES_MAX + WF_UTF8_BYTES_MAX] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used <= WHOLE_BYTES_MAX; i++)
        used += wf_utf8_write(text[i], bytes + used);
    const char *whole = used <= WHOLE_BYTES_MAX ? replacement(it->map, bytes, used) : NULL;
    if (whole != NULL)
        return put(it, whole, count);
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        const char *part = replacement(it->map, bytes, wf_utf8_write(text[i], bytes));
        rc = part != NULL ? put(it, part, 1) : put_char(it, text[i]);
    }
    return rc;
}

int wf_charsmap_apply(const wf_charsmap *map, const uint32_t *text, size_t count, wf_scalars *out,
                      wf_origin *origin)
{
    struct applying it = {.map = map, .out = out, .origin = origin};
    int rc = 0;
    for (size_t at = 0; at < count && rc == 0;) {
        int32_t state = 0;
        size_t end = at + 1;
        while (end < count && !wf_char_is_border(text[end - 1], text[end], &state))
            end++;
        rc = apply_grapheme(&it, text + at, end - at);
        at = end;
    }
    end_last(&it);
    return rc;
}
