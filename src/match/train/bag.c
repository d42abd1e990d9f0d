/* SPDX-License-Identifier: MIT */

#include "match/train/bag.h"

#include "base/alloc.h"
#include "match/embed/sort.h"

#include <errno.h>

#define RUN_MIN 2u
#define RUN_MAX 5u

/* What is left of a word must be at least so long. */
#define STEM_MIN 3u

void wf_bag_fini(wf_bag *bag)
{
    wf_free(bag->keys);
    wf_free(bag->spare);
    wf_free(bag->counts);
    *bag = (wf_bag){0};
}

static int reserve(wf_bag *bag, size_t count)
{
    if (count <= bag->capacity)
        return 0;
    wf_bag_fini(bag);
    bag->keys = wf_array(count, sizeof(*bag->keys));
    bag->spare = wf_array(count, sizeof(*bag->spare));
    bag->counts = wf_array(count, sizeof(*bag->counts));
    if (bag->keys == NULL || bag->spare == NULL || bag->counts == NULL) {
        wf_bag_fini(bag);
        return -ENOMEM;
    }
    bag->capacity = count;
    return 0;
}

static bool ends_with(wf_points word, const char *end, size_t len)
{
    if (word.count < STEM_MIN + len)
        return false;
    for (size_t i = 0; i < len; i++) {
        if (word.at[word.count - len + i] != (unsigned char)end[i])
            return false;
    }
    return true;
}

size_t wf_stem(wf_points word)
{
    uint32_t before_last = word.count > STEM_MIN ? word.at[word.count - 2] : 's';
    bool keeps_s = before_last == 's' || before_last == 'u' || before_last == 'i';
    if (ends_with(word, "s", 1) && !keeps_s)
        word.count--;
    if (ends_with(word, "ing", 3))
        word.count -= 3;
    else if (ends_with(word, "ed", 2) || ends_with(word, "ly", 2))
        word.count -= 2;
    bool is_double = word.count > STEM_MIN && word.at[word.count - 1] == word.at[word.count - 2];
    if (ends_with(word, "e", 1) || is_double)
        word.count--;
    return word.count;
}

static void put(wf_bag *bag, uint64_t hash, enum wf_bag_block block)
{
    bag->keys[bag->count++] = (hash & ~UINT64_C(3)) | block;
}

static uint32_t padded_at(wf_points word, size_t at)
{
    return at == 0 || at > word.count ? ' ' : word.at[at - 1];
}

static void put_runs(wf_bag *bag, wf_points word)
{
    size_t end = word.count + 2;
    for (size_t i = 0; i + RUN_MIN <= end; i++) {
        uint64_t state = wf_hash_step(WF_HASH_GRAM, padded_at(word, i));
        for (size_t n = RUN_MIN; n <= RUN_MAX && i + n <= end; n++) {
            state = wf_hash_step(state, padded_at(word, i + n - 1));
            put(bag, wf_hash_end(state + n), WF_BAG_RUNS);
        }
    }
}

/* Equal keys become one with a count. */
static void merge(wf_bag *bag)
{
    size_t kept = 0;
    wf_sort_keys(bag->keys, bag->spare, bag->count, 0);
    for (size_t i = 0; i < bag->count;) {
        size_t same = i + 1;
        while (same < bag->count && bag->keys[same] == bag->keys[i])
            same++;
        bag->keys[kept] = bag->keys[i];
        bag->counts[kept++] = (uint32_t)(same - i);
        i = same;
    }
    bag->count = kept;
}

int wf_bag_take(wf_bag *bag, wf_points text)
{
    /* A word of n characters has 4n runs at most, a stem and a pair. */
    int rc = reserve(bag, 6 * (text.count + 2));
    if (rc < 0)
        return rc;
    uint64_t before = 0;
    bag->count = bag->word_count = 0;
    for (size_t start = 0, at = 0; at <= text.count; at++) {
        if (at < text.count && text.at[at] != ' ')
            continue;
        wf_points word = {text.at + start, at - start};
        start = at + 1;
        if (word.count == 0)
            continue;
        put_runs(bag, word);
        word.count = wf_stem(word);
        uint64_t stem = wf_hash_word(word);
        put(bag, stem, WF_BAG_STEMS);
        if (bag->word_count++ != 0)
            put(bag, wf_hash_end(before * 3 + stem), WF_BAG_PAIRS);
        before = stem;
    }
    merge(bag);
    return 0;
}
