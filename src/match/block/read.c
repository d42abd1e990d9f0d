/* SPDX-License-Identifier: MIT */

/* What blockers see of a text: terms as hashes, or its words in order. */
#include "match/block/blocker.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/embed/gram.h"
#include "match/text/chars.h"

#include <stdlib.h>
#include <string.h>

#define RUN_MIN 2u
#define RUN_MAX 3u

void wf_block_desk_fini(wf_block_desk *desk)
{
    wf_norm_fini(&desk->norm);
    wf_buf_fini(&desk->text);
    wf_buf_fini(&desk->sorted);
    wf_free(desk->terms);
    wf_free(desk->sums);
    wf_free(desk->line);
    wf_free(desk->points);
    wf_free(desk->other);
    wf_rank_fini(&desk->rank);
    *desk = (wf_block_desk){0};
}

int wf_block_grow(void *array, size_t *capacity, size_t count, size_t item_bytes)
{
    void **at = array;
    if (count <= *capacity)
        return 0;
    size_t wanted = count + count / 2 + 16;
    void *grown = wf_grow(*at, wanted, item_bytes);
    if (grown == NULL)
        return -ENOMEM;
    *at = grown;
    *capacity = wanted;
    return 0;
}

int wf_block_read(wf_block_desk *desk, weft_str raw)
{
    wf_buf_reset(&desk->text);
    return wf_norm_append(&desk->norm, NULL, raw, &desk->text);
}

/* ---- terms ---- */

static int put_term(wf_block_desk *desk, uint64_t hash)
{
    int rc = wf_block_grow(&desk->terms, &desk->term_capacity, desk->term_count + 1,
                           sizeof(*desk->terms));
    if (rc == 0)
        desk->terms[desk->term_count++] = hash;
    return rc;
}

static int put_runs(wf_block_desk *desk, const uint32_t *word, size_t count)
{
    int rc = 0;
    for (size_t i = 0; i + RUN_MIN <= count + 2; i++) {
        uint64_t state = WF_HASH_GRAM;
        for (size_t n = 1; n <= RUN_MAX && i + n <= count + 2 && rc == 0; n++) {
            size_t at = i + n - 1;
            state = wf_hash_step(state, at == 0 || at > count ? ' ' : word[at - 1]);
            if (n >= RUN_MIN)
                rc = put_term(desk, wf_hash_end(state + n));
        }
    }
    return rc;
}

/* A letter and its marks are one. */
static bool is_one_letter(const uint32_t *word, size_t count)
{
    size_t letters = 0;
    for (size_t i = 0; i < count && letters < 2; i++)
        letters += !wf_char_is_mark(word[i]);
    return letters < 2;
}

/* Characters [0, count) of desk->points, a word between white space. */
static int put_word(wf_block_desk *desk, enum wf_blocking kind, size_t count)
{
    if (kind == WF_BLOCK_NGRAM)
        return put_runs(desk, desk->points, count);
    if (kind == WF_BLOCK_TFIDF && is_one_letter(desk->points, count))
        return 0;
    return put_term(desk, wf_hash_word((wf_points){desk->points, count}));
}

static bool is_in_word(enum wf_blocking kind, uint32_t point)
{
    return kind == WF_BLOCK_TFIDF
               ? point == '_' || wf_char_is_alnum(point) || wf_char_is_mark(point)
               : point != ' ';
}

int wf_block_terms(wf_block_desk *desk, enum wf_blocking kind)
{
    const char *text = wf_buf_ptr(&desk->text);
    size_t bytes = wf_buf_bytes(&desk->text), count = 0;
    int rc = wf_block_grow(&desk->points, &desk->point_capacity, bytes + 1, sizeof(*desk->points));
    desk->term_count = 0;
    for (size_t at = 0; at <= bytes && rc == 0;) {
        uint32_t point = at < bytes ? wf_utf8_next(text, &at) : (at++, ' ');
        if (is_in_word(kind, point)) {
            desk->points[count++] = point;
            continue;
        }
        if (count != 0)
            rc = put_word(desk, kind, count);
        count = 0;
    }
    return rc;
}

/* ---- words in order ---- */

static int by_bytes(const void *a, const void *b)
{
    const weft_str *left = a, *right = b;
    size_t shared = left->len < right->len ? left->len : right->len;
    int order = memcmp(left->ptr, right->ptr, shared);
    return order != 0 ? order : left->len < right->len ? -1 : left->len > right->len;
}

static size_t split(weft_str text, weft_str *out)
{
    size_t count = 0;
    for (size_t at = 0, start = 0; at <= text.len; at++) {
        if (at < text.len && text.ptr[at] != ' ')
            continue;
        if (at > start)
            out[count++] = (weft_str){text.ptr + start, at - start};
        start = at + 1;
    }
    return count;
}

int wf_block_sort_words(wf_block_desk *desk)
{
    weft_str text = {wf_buf_ptr(&desk->text), wf_buf_bytes(&desk->text)};
    weft_str *words = wf_array(text.len / 2 + 1, sizeof(*words));
    if (words == NULL)
        return -ENOMEM;
    size_t count = split(text, words), points = 0;
    qsort(words, count, sizeof(*words), by_bytes);
    wf_buf_reset(&desk->sorted);
    for (size_t i = 0; i < count; i++) {
        if (i != 0)
            wf_buf_putc(&desk->sorted, ' ');
        wf_buf_append(&desk->sorted, words[i].ptr, words[i].len);
    }
    wf_free(words);
    size_t bytes = wf_buf_bytes(&desk->sorted);
    int rc = desk->sorted.rc;
    if (rc == 0)
        rc = wf_block_grow(&desk->points, &desk->point_capacity, bytes + 1, sizeof(*desk->points));
    for (size_t at = 0; at < bytes && rc == 0;)
        desk->points[points++] = wf_utf8_next(wf_buf_ptr(&desk->sorted), &at);
    desk->term_count = points; /* how many characters there are */
    return rc;
}
