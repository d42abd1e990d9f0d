/* SPDX-License-Identifier: MIT */

#include "match/text/normalise.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/text/chars.h"

#include <string.h>

#define SIGMA_CAPITAL 0x3A3
#define SIGMA_FINAL 0x3C2
#define SIGMA 0x3C3
#define I_WITH_DOT 0x130
#define DOT_ABOVE 0x307

/* Up to here ordering by insertion is quicker than counting. */
#define MARKS_INSERTED_MAX 16

void wf_norm_fini(wf_norm *norm)
{
    wf_free(norm->points);
    wf_free(norm->spare);
    *norm = (wf_norm){0};
}

static int points_reserve(uint32_t **points, size_t *capacity, size_t needed)
{
    if (needed <= *capacity)
        return 0;
    size_t larger = *capacity < 128 ? 256 : *capacity;
    while (larger < needed) {
        if (!wf_mul_ok(larger, 2, &larger))
            return -ENOMEM;
    }
    uint32_t *mem = wf_grow(*points, larger, sizeof(**points));
    if (mem == NULL)
        return -ENOMEM;
    *points = mem;
    *capacity = larger;
    return 0;
}

/* White space is stripped before the decomposition, as it is after it: what decomposes into a space
 * and a mark must not lose its space here. */
static weft_str strip(weft_str text)
{
    size_t start = 0, end = 0, at = 0;
    bool is_leading = true;
    while (at < text.len) {
        size_t begin = at;
        bool is_space = wf_utf8_is_space(wf_utf8_next(text.ptr, &at));
        if (is_space)
            continue;
        if (is_leading)
            start = begin;
        is_leading = false;
        end = at;
    }
    return (weft_str){text.ptr + start, end - start};
}

static int decompose(wf_norm *norm, weft_str text)
{
    norm->count = 0;
    size_t at = 0;
    while (at < text.len) {
        int rc =
            points_reserve(&norm->points, &norm->point_capacity, norm->count + WF_CHAR_PARTS_MAX);
        if (rc < 0)
            return rc;
        norm->count += wf_char_decompose(wf_utf8_next(text.ptr, &at), norm->points + norm->count);
    }
    return 0;
}

static unsigned class_of(uint32_t point)
{
    return wf_char_class(point & ~WF_NORM_MARK);
}

static void order_by_insertion(uint32_t *marks, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint32_t mark = marks[i];
        size_t at = i;
        for (; at > 0 && class_of(marks[at - 1]) > class_of(mark); at--)
            marks[at] = marks[at - 1];
        marks[at] = mark;
    }
}

/* A run of any length in linear time: the classes are below 256. */
static int order_by_counting(wf_norm *norm, uint32_t *marks, size_t count)
{
    int rc = points_reserve(&norm->spare, &norm->spare_capacity, count);
    if (rc < 0)
        return rc;
    size_t ends[256] = {0};
    for (size_t i = 0; i < count; i++)
        ends[class_of(marks[i])]++;
    for (size_t sum = 0, i = 0; i < 256; i++) {
        sum += ends[i];
        ends[i] = sum;
    }
    for (size_t i = count; i-- > 0;)
        norm->spare[--ends[class_of(marks[i])]] = marks[i];
    memcpy(marks, norm->spare, count * sizeof(*marks));
    return 0;
}

/* Canonical ordering: each run of marks (class not 0) by class, equal classes in their order. */
static int order_marks(wf_norm *norm)
{
    for (size_t at = 0; at < norm->count;) {
        size_t start = at;
        while (at < norm->count && class_of(norm->points[at]) != 0)
            at++;
        size_t run = at - start;
        if (run > MARKS_INSERTED_MAX) {
            int rc = order_by_counting(norm, norm->points + start, run);
            if (rc < 0)
                return rc;
        } else if (run > 1) {
            order_by_insertion(norm->points + start, run);
        }
        at += run == 0;
    }
    return 0;
}

static void drop_accents(wf_norm *norm)
{
    size_t kept = 0;
    for (size_t i = 0; i < norm->count; i++) {
        if (wf_char_class(norm->points[i]) == 0)
            norm->points[kept++] = norm->points[i];
    }
    norm->count = kept;
}

/* Unicode, Final_Sigma (table 3-17): a cased letter before it and none after it, case-ignorable
 * ones between.  The letters before `at` are lower already, which changes neither property.  Linear
 * in all: two sigmas never look over the same gap from the same side. */
static bool is_final_sigma(const wf_norm *norm, size_t at)
{
    size_t before = at;
    while (before > 0 && wf_char_is_case_ignorable(norm->points[before - 1]))
        before--;
    if (before == 0 || !wf_char_is_cased(norm->points[before - 1]))
        return false;
    size_t after = at + 1;
    while (after < norm->count && wf_char_is_case_ignorable(norm->points[after]))
        after++;
    return after == norm->count || !wf_char_is_cased(norm->points[after]);
}

/* U+0130 is the one character whose lower-case form has two; it is there only when composed. */
static int lower_dotted(wf_norm *norm)
{
    size_t dotted = 0;
    for (size_t i = 0; i < norm->count; i++)
        dotted += norm->points[i] == I_WITH_DOT;
    if (dotted == 0)
        return 0;
    int rc = points_reserve(&norm->points, &norm->point_capacity, norm->count + dotted);
    if (rc < 0)
        return rc;
    size_t to = norm->count + dotted;
    for (size_t i = norm->count; i-- > 0;) {
        bool is_dotted = norm->points[i] == I_WITH_DOT;
        if (is_dotted)
            norm->points[--to] = DOT_ABOVE;
        norm->points[--to] = is_dotted ? 'i' : norm->points[i];
    }
    norm->count += dotted;
    return 0;
}

static int lower(wf_norm *norm)
{
    for (size_t i = 0; i < norm->count; i++) {
        uint32_t c = norm->points[i];
        if (c == SIGMA_CAPITAL)
            norm->points[i] = is_final_sigma(norm, i) ? SIGMA_FINAL : SIGMA;
        else if (c != I_WITH_DOT)
            norm->points[i] = wf_char_lower(c);
    }
    return lower_dotted(norm);
}

static bool is_punctuation(uint32_t c)
{
    return c != '_' && !wf_char_is_alnum(c) && !wf_char_is_mark(c) && !wf_utf8_is_space(c);
}

static void space_punctuation(wf_norm *norm)
{
    for (size_t i = 0; i < norm->count; i++) {
        if (is_punctuation(norm->points[i]))
            norm->points[i] = ' ';
    }
}

/* One space for each run of white space inside, none at the ends. */
int wf_norm_reserve(wf_norm *norm, size_t count)
{
    return points_reserve(&norm->points, &norm->point_capacity, count);
}

int wf_norm_order(wf_norm *norm, bool composes)
{
    int rc = order_marks(norm);
    if (rc == 0 && composes)
        norm->count = wf_chars_compose(norm->points, norm->count);
    return rc;
}

static int append_points(const wf_norm *norm, wf_buf *out)
{
    size_t bytes;
    char *room;
    if (!wf_mul_ok(norm->count, WF_UTF8_BYTES_MAX, &bytes))
        return -ENOMEM;
    int rc = wf_buf_reserve(out, bytes, &room);
    if (rc < 0)
        return rc;
    char *to = room;
    bool is_gap = false;
    for (size_t i = 0; i < norm->count; i++) {
        if (wf_utf8_is_space(norm->points[i])) {
            is_gap = to != room;
            continue;
        }
        if (is_gap)
            *to++ = ' ';
        is_gap = false;
        to += wf_utf8_write(norm->points[i], to);
    }
    wf_buf_commit(out, (size_t)(to - room));
    return 0;
}

static int append_any(wf_norm *norm, const weft_norm_options *options, weft_str text, wf_buf *out)
{
    int rc = decompose(norm, strip(text));
    if (rc == 0)
        rc = order_marks(norm);
    if (rc < 0)
        return rc;
    if (options->remove_accents)
        drop_accents(norm); /* before they are hidden in a composed letter */
    if (options->form == WEFT_NORM_NFKC)
        norm->count = wf_chars_compose(norm->points, norm->count);
    if (!options->keep_case)
        rc = lower(norm);
    if (rc < 0)
        return rc;
    if (options->remove_punctuation)
        space_punctuation(norm);
    return append_points(norm, out);
}

static bool is_ascii(weft_str text)
{
    unsigned char all = 0;
    for (size_t i = 0; i < text.len; i++)
        all |= (unsigned char)text.ptr[i];
    return all < 0x80;
}

/* The same steps where each character stands for itself. */
static int append_ascii(const weft_norm_options *options, weft_str text, wf_buf *out)
{
    char *room;
    int rc = wf_buf_reserve(out, text.len, &room);
    if (rc < 0)
        return rc;
    char *to = room;
    bool is_gap = false;
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        bool is_upper = c >= 'A' && c <= 'Z';
        if (wf_utf8_is_space(c) || (options->remove_punctuation && is_punctuation(c))) {
            is_gap = to != room;
            continue;
        }
        if (is_gap)
            *to++ = ' ';
        is_gap = false;
        *to++ = (char)(is_upper && !options->keep_case ? c + 32 : c);
    }
    wf_buf_commit(out, (size_t)(to - room));
    return 0;
}

int wf_norm_append(wf_norm *norm, const weft_norm_options *options, weft_str text, wf_buf *out)
{
    static const weft_norm_options defaults = {0};
    if (options == NULL)
        options = &defaults;
    if (is_ascii(text))
        return append_ascii(options, text, out);
    return append_any(norm, options, text, out);
}

/* Appends text[*from, to) and moves *from. */
static int append_part(weft_str text, size_t *from, size_t to, wf_buf *out)
{
    int rc = wf_buf_append(out, text.ptr + *from, to - *from);
    *from = to;
    return rc;
}

int wf_norm_cut_marks(weft_str text, size_t run_max, wf_buf *out)
{
    if (is_ascii(text))
        return 0;
    size_t run = 0, from = 0, at = 0;
    bool is_cut = false;
    while (at < text.len) {
        size_t begin = at;
        uint32_t c = wf_utf8_next(text.ptr, &at);
        run = c >= 0x300 && wf_char_is_mark(c) ? run + 1 : 0;
        if (run <= run_max)
            continue;
        is_cut = true;
        int rc = append_part(text, &from, begin, out);
        if (rc < 0)
            return rc;
        from = at;
    }
    if (!is_cut)
        return 0;
    int rc = append_part(text, &from, text.len, out);
    return rc < 0 ? rc : 1;
}
