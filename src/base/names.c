/* SPDX-License-Identifier: MIT */

#include "base/names.h"

#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define NAME_BYTES_MAX 32 /* of names that are compared */

/* ---- the nearest ---- */

static size_t min3(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

static bool is_same(char a, char b)
{
    return wf_str_lower(a) == wf_str_lower(b);
}

/* Insertions, deletions, exchanges of one letter and swaps of two neighbours from a to b, whatever
 * the case. */
static size_t distance(const char *a, size_t a_len, const char *b, size_t b_len)
{
    size_t rows[3][NAME_BYTES_MAX + 1];
    for (size_t k = 0; k <= b_len; k++)
        rows[0][k] = k;
    for (size_t i = 1; i <= a_len; i++) {
        size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *two_above = rows[(i + 1) % 3];
        row[0] = i;
        for (size_t k = 1; k <= b_len; k++) {
            bool is_equal = is_same(a[i - 1], b[k - 1]);
            row[k] = min3(row[k - 1] + 1, above[k] + 1, above[k - 1] + !is_equal);
            bool is_swap =
                i > 1 && k > 1 && is_same(a[i - 1], b[k - 2]) && is_same(a[i - 2], b[k - 1]);
            if (is_swap && two_above[k - 2] + 1 < row[k])
                row[k] = two_above[k - 2] + 1;
        }
    }
    return rows[a_len % 3][b_len];
}

const char *wf_names_nearest(weft_str text, const char *const *names, size_t count)
{
    size_t least = text.len / 3; /* farther than that is another word */
    const char *nearest = NULL;
    if (text.len > NAME_BYTES_MAX)
        return NULL;
    for (size_t i = 0; i < count; i++) {
        size_t len = strlen(names[i]);
        if (len > NAME_BYTES_MAX)
            continue;
        size_t d = distance(text.ptr, text.len, names[i], len);
        if (d <= least && d < len && (nearest == NULL || d < least)) {
            least = d;
            nearest = names[i];
        }
    }
    return nearest;
}

/* ---- all of them ---- */

static size_t list_bytes(const char *const *names, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += strlen(names[i]) + (i != 0 ? 2 : 0);
    return bytes;
}

void wf_names_list(const char *const *names, size_t count, char *out, size_t room)
{
    char more[32] = "";
    size_t used = 0, shown = 0, end = room;
    assert(room >= sizeof(more));
    if (list_bytes(names, count) >= room) /* what then stands last needs room too */
        end -= (size_t)snprintf(more, sizeof(more), " and %zu more", count);
    out[0] = '\0';
    for (; shown < count && used + (shown != 0 ? 2 : 0) + strlen(names[shown]) < end; shown++)
        used +=
            (size_t)snprintf(out + used, room - used, "%s%s", shown != 0 ? ", " : "", names[shown]);
    if (shown < count)
        snprintf(out + used, room - used, shown != 0 ? " and %zu more" : "%zu", count - shown);
}

void wf_names_hint(weft_str text, const char *const *names, size_t count, char *out, size_t room)
{
    static const char listing[] = "; there are ";
    const char *nearest = wf_names_nearest(text, names, count);
    if (nearest != NULL) {
        snprintf(out, room, "; did you mean %s?", nearest);
        return;
    }
    snprintf(out, room, "%s%s", listing, count == 0 ? "none" : "");
    if (count != 0)
        wf_names_list(names, count, out + sizeof(listing) - 1, room - (sizeof(listing) - 1));
}
