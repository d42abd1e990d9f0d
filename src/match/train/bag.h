/* SPDX-License-Identifier: MIT */

/*
 * Bag: what a trained head sees of a text: runs of 2 to 5 characters of each word with a space at
 * both ends, words without their endings, and pairs of such words that are neighbours.  A key is a
 * hash whose two lowest bits tell these three blocks apart.
 */
#ifndef WF_MATCH_BAG_H
#define WF_MATCH_BAG_H

#include "match/embed/gram.h"

enum wf_bag_block { WF_BAG_RUNS, WF_BAG_STEMS, WF_BAG_PAIRS, WF_BAG_BLOCKS };

/* Reusable memory and the last text.  Keys ascend strictly; counts[i] is how often keys[i] was
 * there. */
typedef struct wf_bag {
    uint64_t *keys, *spare;
    uint32_t *counts;
    size_t count, capacity;
    size_t word_count;
} wf_bag;

void wf_bag_fini(wf_bag *bag);

/* Takes a folded text.  0 or -ENOMEM. */
int wf_bag_take(wf_bag *bag, wf_points text);

static inline enum wf_bag_block wf_bag_block_of(uint64_t key)
{
    return (enum wf_bag_block)(key & 3);
}

/* The length of the word without a common ending of English. */
size_t wf_stem(wf_points word);

#endif
