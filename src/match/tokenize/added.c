/* SPDX-License-Identifier: MIT */

#include "match/tokenize/added.h"

#include <stdlib.h>
#include <string.h>

#define ORDER(a, b) (((a) > (b)) - ((a) < (b)))

/* Of one kind and first character; the longer first. */
static int compare_place(const wf_added *a, bool is_normalised, uint32_t first)
{
    int order = ORDER(a->is_normalised, is_normalised);
    return order != 0 ? order : ORDER(a->text.at[0], first);
}

static int compare_text(const wf_added *a, const wf_added *b)
{
    int order = compare_place(a, b->is_normalised, b->text.at[0]);
    if (order == 0)
        order = ORDER(b->text.count, a->text.count);
    return order != 0 ? order : memcmp(a->text.at, b->text.at, a->text.count * sizeof(*a->text.at));
}

static int compare(const void *left, const void *right)
{
    const wf_added *a = left, *b = right;
    int order = compare_text(a, b);
    return order != 0 ? order : ORDER(a->order, b->order);
}

/* Nothing begins with an empty text. */
static size_t drop_empty(wf_added *added, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (added[i].text.count > 0)
            added[kept++] = added[i];
        else
            wf_scalars_fini(&added[i].text);
    }
    return kept;
}

size_t wf_added_sort(wf_added *added, size_t count)
{
    size_t kept = 0;
    count = drop_empty(added, count);
    if (count > 0)
        qsort(added, count, sizeof(*added), compare);
    for (size_t i = 0; i < count; i++) {
        if (kept > 0 && compare_text(&added[kept - 1], &added[i]) == 0)
            wf_scalars_fini(&added[i].text);
        else
            added[kept++] = added[i];
    }
    return kept;
}

static bool is_start(const wf_added *added, const uint32_t *text, size_t count)
{
    return added->text.count <= count &&
           memcmp(text, added->text.at, added->text.count * sizeof(*text)) == 0;
}

const wf_added *wf_added_find(const wf_added *added, size_t count, bool is_normalised,
                              const uint32_t *text, size_t text_count)
{
    size_t low = 0, high = count;
    while (low < high) { /* the first of its place */
        size_t middle = low + (high - low) / 2;
        if (compare_place(&added[middle], is_normalised, text[0]) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < count && compare_place(&added[low], is_normalised, text[0]) == 0; low++)
        if (is_start(&added[low], text, text_count))
            return &added[low];
    return NULL;
}
