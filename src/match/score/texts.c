/* SPDX-License-Identifier: MIT */

#include "match/score/texts.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <string.h>

int wf_texts_init(wf_texts *texts, uint32_t row_count)
{
    *texts = (wf_texts){.place_bits = 4};
    while (((size_t)3 << texts->place_bits) / 4 < row_count)
        texts->place_bits++;
    texts->row_text = wf_array(row_count, sizeof(*texts->row_text));
    texts->next_row = wf_array(row_count, sizeof(*texts->next_row));
    texts->places = wf_array((size_t)1 << texts->place_bits, sizeof(*texts->places));
    if (texts->row_text == NULL || texts->next_row == NULL || texts->places == NULL)
        return -ENOMEM;
    return wf_sys_random(&texts->key, sizeof(texts->key));
}

void wf_texts_fini(wf_texts *texts)
{
    if (!texts->is_of_image) {
        wf_free(texts->bytes);
        wf_free(texts->ends);
        wf_free(texts->first_row);
        wf_free(texts->row_text);
        wf_free(texts->next_row);
        wf_free(texts->places);
    }
    *texts = (wf_texts){0};
}

/* The place of a text, or the empty one where it would be. */
static uint32_t *find_place(const wf_texts *texts, weft_str folded)
{
    size_t mask = ((size_t)1 << texts->place_bits) - 1;
    size_t at = (size_t)wf_hash(&texts->key, folded.ptr, folded.len) & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t *place = &texts->places[at];
        if (*place == 0)
            return place;
        weft_str other = wf_texts_get(texts, *place - 1);
        if (other.len == folded.len && memcmp(other.ptr, folded.ptr, folded.len) == 0)
            return place;
    }
}

uint32_t wf_texts_find(const wf_texts *texts, weft_str folded)
{
    return *find_place(texts, folded) - 1; /* empty: WF_NO_TEXT */
}

void wf_texts_place(const wf_texts *texts, uint32_t first, uint32_t end)
{
    for (uint32_t text = first; text < end; text++)
        *find_place(texts, wf_texts_get(texts, text)) = text + 1;
}

static int reserve(wf_texts *texts, size_t bytes)
{
    if (texts->byte_count + bytes > texts->byte_capacity) {
        size_t capacity = texts->byte_capacity + texts->byte_capacity / 2 + bytes + 1024;
        char *grown = wf_grow(texts->bytes, capacity, 1);
        if (grown == NULL)
            return -ENOMEM;
        texts->bytes = grown;
        texts->byte_capacity = capacity;
    }
    if (texts->count < texts->capacity)
        return 0;
    uint32_t capacity = texts->capacity + texts->capacity / 2 + 64;
    size_t *ends = wf_grow(texts->ends, capacity, sizeof(*ends));
    if (ends == NULL)
        return -ENOMEM;
    texts->ends = ends;
    uint32_t *rows = wf_grow(texts->first_row, capacity, sizeof(*rows));
    if (rows == NULL)
        return -ENOMEM;
    texts->first_row = rows;
    texts->capacity = capacity;
    return 0;
}

int wf_texts_add(wf_texts *texts, weft_str folded)
{
    uint32_t row = texts->row_count;
    uint32_t *place = find_place(texts, folded);
    if (*place == 0) {
        int rc = reserve(texts, folded.len);
        if (rc < 0)
            return rc;
        if (folded.len != 0)
            memcpy(texts->bytes + texts->byte_count, folded.ptr, folded.len);
        texts->byte_count += folded.len;
        texts->ends[texts->count] = texts->byte_count;
        texts->first_row[texts->count] = row;
        *place = ++texts->count;
    }
    texts->row_text[row] = *place - 1;
    texts->row_count++;
    return 0;
}

void wf_texts_seal(wf_texts *texts)
{
    for (uint32_t text = 0; text < texts->count; text++)
        texts->first_row[text] = WF_NO_ROW;
    for (uint32_t row = texts->row_count; row-- > 0;) {
        uint32_t text = texts->row_text[row];
        texts->next_row[row] = texts->first_row[text];
        texts->first_row[text] = row;
    }
}

size_t wf_texts_bytes(const wf_texts *texts)
{
    return texts->byte_capacity +
           texts->capacity * (sizeof(*texts->ends) + sizeof(*texts->first_row)) +
           texts->row_count * (sizeof(*texts->row_text) + sizeof(*texts->next_row)) +
           ((size_t)1 << texts->place_bits) * sizeof(*texts->places);
}
