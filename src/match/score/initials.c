/* SPDX-License-Identifier: MIT */

#include "match/score/initials.h"

#include "base/alloc.h"
#include "match/embed/sort.h"

#include <string.h>

#define WORDS_MAX 64u

/* ---- short forms ---- */

static bool is_word(wf_points word, const char *text)
{
    size_t i = 0;
    for (; i < word.count && text[i] != '\0'; i++) {
        if (word.at[i] != (unsigned char)text[i])
            return false;
    }
    return i == word.count && text[i] == '\0';
}

/* Words that short forms leave out, in the languages that names are often in. */
static bool is_function_word(wf_points word)
{
    static const char *const words[] = {"of",  "and", "the", "for", "in", "on", "at",  "to",
                                        "a",   "an",  "de",  "la",  "le", "du", "des", "der",
                                        "die", "das", "und", "et",  "y",  "e",  "del", "di"};
    for (size_t i = 0; i < sizeof(words) / sizeof(*words); i++) {
        if (is_word(word, words[i]))
            return true;
    }
    return false;
}

static bool is_digit(uint32_t c)
{
    return c >= '0' && c <= '9';
}

/* Appends; false if it does not fit. */
static bool put(wf_short *out, wf_points part)
{
    if (out->count + part.count > WF_INITIALS_MAX)
        return false;
    memcpy(out->points + out->count, part.at, part.count * sizeof(*part.at));
    out->count += part.count;
    return true;
}

static size_t split(wf_points text, wf_points words[WORDS_MAX])
{
    size_t count = 0, start = 0;
    for (size_t i = 0; i <= text.count && count < WORDS_MAX; i++) {
        if (i < text.count && text.at[i] != ' ')
            continue;
        if (i > start)
            words[count++] = (wf_points){text.at + start, i - start};
        start = i + 1;
    }
    return count;
}

/* What a way leaves out, and which words it takes whole. */
enum { SKIPS_LONG = 1, SKIPS_LETTERS = 2, KEEPS_NUMBERS = 4, KEEPS_PAIRS = 8 };

/* What of that a word would show: function words of several letters ("of") or of one ("e" is "and",
 * or an initial), numbers, pairs of letters (N.V. is folded to "nv"). */
static unsigned kind_of(wf_points word)
{
    if (is_function_word(word))
        return word.count > 1 ? SKIPS_LONG : SKIPS_LETTERS;
    if (is_digit(word.at[0]))
        return word.count > 1 ? KEEPS_NUMBERS : 0;
    return word.count == 2 ? KEEPS_PAIRS : 0;
}

static bool shorten(const wf_points *words, size_t count, unsigned way, wf_short *out)
{
    out->count = 0;
    for (size_t i = 0; i < count; i++) {
        wf_points part = words[i];
        unsigned kind = kind_of(part) & way;
        if ((kind & (SKIPS_LONG | SKIPS_LETTERS)) != 0)
            continue;
        if (kind == 0)
            part.count = 1;
        if (!put(out, part))
            return false;
    }
    return out->count >= WF_INITIALS_MIN;
}

static bool is_same(const wf_short *a, const wf_short *b)
{
    return a->count == b->count && memcmp(a->points, b->points, a->count * sizeof(*a->points)) == 0;
}

size_t wf_initials_of(wf_points text, wf_short out[WF_INITIALS_WAYS])
{
    wf_points words[WORDS_MAX];
    size_t word_count = split(text, words), count = 0;
    unsigned kinds = 0;
    for (size_t i = 0; i < word_count; i++)
        kinds |= kind_of(words[i]);
    for (unsigned way = 0; way < WF_INITIALS_WAYS && word_count > 1; way++) {
        if ((way & kinds) != way)
            continue; /* as another way */
        bool is_new = shorten(words, word_count, way, &out[count]);
        for (size_t i = 0; i < count && is_new; i++)
            is_new = !is_same(&out[i], &out[count]);
        count += is_new;
    }
    return count;
}

/* ---- the index ---- */

void wf_initials_fini(wf_initials *initials)
{
    wf_free(initials->keys);
    *initials = (wf_initials){0};
}

static uint64_t key_of(wf_points form)
{
    return wf_hash_word(form) & ~(uint64_t)UINT32_MAX;
}

static int reserve(wf_initials *initials)
{
    if (initials->count + WF_INITIALS_WAYS <= initials->capacity)
        return 0;
    size_t capacity = initials->capacity + initials->capacity / 2 + 64;
    uint64_t *keys = wf_grow(initials->keys, capacity, sizeof(*keys));
    if (keys == NULL)
        return -ENOMEM;
    initials->keys = keys;
    initials->capacity = capacity;
    return 0;
}

int wf_initials_add(wf_initials *initials, wf_points text, uint32_t number)
{
    wf_short forms[WF_INITIALS_WAYS];
    size_t count = wf_initials_of(text, forms);
    int rc = reserve(initials);
    for (size_t i = 0; i < count && rc == 0; i++)
        initials->keys[initials->count++] =
            key_of((wf_points){forms[i].points, forms[i].count}) | number;
    return rc;
}

int wf_initials_seal(wf_initials *initials, const wf_job *job)
{
    uint64_t *spare = wf_array(initials->count, sizeof(*spare));
    if (spare == NULL)
        return -ENOMEM;
    int rc = wf_sort_keys_job(initials->keys, spare, initials->count, 0, job);
    wf_free(spare);
    return rc;
}

size_t wf_initials_find(const wf_initials *initials, wf_points form, uint32_t *out, size_t out_max)
{
    uint64_t key = key_of(form);
    size_t low = 0, high = initials->count, count = 0;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (initials->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < initials->count && count < out_max; low++) {
        if ((initials->keys[low] ^ key) >> 32 != 0)
            break;
        out[count++] = (uint32_t)initials->keys[low];
    }
    return count;
}
