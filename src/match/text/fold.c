/* SPDX-License-Identifier: MIT */

#include "match/text/fold.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/text/chars.h"

#define OMICRON 0x03BFu
#define UPSILON 0x03C5u
#define LATIN_MAX 4

void wf_folded_fini(wf_folded *folded)
{
    wf_free(folded->points);
    *folded = (wf_folded){0};
}

static int reserve(wf_folded *folded, size_t count)
{
    if (count <= folded->capacity)
        return 0;
    size_t capacity = count < 64 ? 64 : count + count / 2;
    uint32_t *points = wf_grow(folded->points, capacity, sizeof(*points));
    if (points == NULL)
        return -ENOMEM;
    folded->points = points;
    folded->capacity = capacity;
    return 0;
}

static inline bool is_ascii_alnum(uint32_t c)
{
    return (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
}

/* What stands in a word after the first steps. */
static inline bool is_of_word(uint32_t c)
{
    return c < 0x80 ? is_ascii_alnum(c) : wf_char_is_alnum(c) || wf_char_is_mark(c);
}

static inline bool is_apostrophe(uint32_t c)
{
    return c == '\'' || c == 0x2019 || c == 0x2018 || c == 0x02BC || c == '`' || c == 0xB4;
}

/* ---- letters ---- */

/* Appends one decomposed character; room is there.  `before` is the one before it, in lower case.
 */
static uint32_t put_part(wf_folded *folded, uint32_t c, uint32_t before)
{
    c = wf_char_lower(c);
    const char *latin = c < 0x80 ? NULL : wf_latin_of(c);
    if (c == UPSILON && before == OMICRON)
        latin = "u";
    if (latin == NULL)
        folded->points[folded->count++] = c;
    else
        for (; *latin != '\0'; latin++)
            folded->points[folded->count++] = (unsigned char)*latin;
    return c;
}

/* The characters one by one; signs are still there. */
static int put_letters(wf_folded *folded, weft_str text, bool keeps_marks)
{
    uint32_t parts[WF_CHAR_PARTS_MAX], before = 0;
    folded->count = 0;
    for (size_t at = 0; at < text.len;) {
        uint32_t c = wf_utf8_next(text.ptr, &at);
        int rc = reserve(folded, folded->count + (size_t)WF_CHAR_PARTS_MAX * LATIN_MAX);
        if (rc < 0)
            return rc;
        size_t count = is_apostrophe(c) ? 0 : wf_char_decompose(c, parts);
        for (size_t i = 0; i < count; i++) {
            bool is_mark = parts[i] >= 0x300 && wf_char_class(parts[i]) != 0;
            if (keeps_marks || !is_mark)
                before = put_part(folded, parts[i], before);
        }
        if (count == 0)
            folded->points[folded->count++] = '\'';
    }
    return 0;
}

/* ---- signs ---- */

static bool is_letter_at(const wf_folded *folded, size_t at)
{
    if (at >= folded->count)
        return false;
    uint32_t c = folded->points[at];
    return is_of_word(c) && !(c >= '0' && c <= '9');
}

static bool is_word_at(const wf_folded *folded, size_t at)
{
    return at < folded->count && is_of_word(folded->points[at]);
}

/* A dot between two letters that each stand alone. */
static bool is_inner_dot(const wf_folded *folded, size_t at)
{
    return folded->points[at] == '.' && at > 0 && is_letter_at(folded, at - 1) &&
           (at == 1 || !is_word_at(folded, at - 2)) && is_letter_at(folded, at + 1) &&
           !is_word_at(folded, at + 2);
}

static bool is_inner_apostrophe(const wf_folded *folded, size_t at)
{
    return folded->points[at] == '\'' && at > 0 && is_word_at(folded, at - 1) &&
           is_word_at(folded, at + 1);
}

/* From a copy: each "&" becomes five characters. */
static size_t put_words(wf_folded *out, const wf_folded *in)
{
    bool wants_space = false;
    size_t count = 0;
    for (size_t i = 0; i < in->count; i++) {
        uint32_t c = in->points[i];
        bool is_and = c == '&';
        if (!is_and && !is_of_word(c)) {
            wants_space |= !is_inner_dot(in, i) && !is_inner_apostrophe(in, i);
            continue;
        }
        if ((wants_space || is_and) && count != 0)
            out->points[count++] = ' ';
        wants_space = is_and;
        for (const char *word = "and"; is_and && *word != '\0'; word++)
            out->points[count++] = (unsigned char)*word;
        if (!is_and)
            out->points[count++] = c;
    }
    return count;
}

/* For a text of signs only: they stay, spaces are made one. */
static void keep_signs(wf_folded *folded)
{
    bool wants_space = false;
    size_t count = 0;
    for (size_t i = 0; i < folded->count; i++) {
        uint32_t c = folded->points[i];
        if (wf_utf8_is_space(c)) {
            wants_space = count != 0;
            continue;
        }
        if (wants_space)
            folded->points[count++] = ' ';
        wants_space = false;
        folded->points[count++] = c;
    }
    folded->count = count;
}

int wf_fold(wf_folded *folded, weft_str text)
{
    int rc = put_letters(folded, text, /* keeps_marks= */ false);
    size_t letters = 0, ands = 0;
    for (size_t i = 0; rc == 0 && i < folded->count; i++) {
        letters += is_of_word(folded->points[i]);
        ands += folded->points[i] == '&';
    }
    if (rc < 0)
        return rc;
    if (letters == 0) {
        rc = put_letters(folded, text, /* keeps_marks= */ true);
        if (rc == 0)
            keep_signs(folded);
        return rc;
    }
    /* Signs behind the words: the words never overtake what is still to be read, unless an "&"
     * makes room, which is found by moving the text to the end first. */
    rc = reserve(folded, 2 * folded->count + 5 * ands);
    if (rc < 0)
        return rc;
    wf_folded in = {.points = folded->points + folded->count + 5 * ands, .count = folded->count};
    for (size_t i = in.count; i-- > 0;)
        in.points[i] = folded->points[i];
    folded->count = put_words(folded, &in);
    return 0;
}
