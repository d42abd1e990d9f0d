/* SPDX-License-Identifier: MIT */

/*
 * Cache of query vectors by normalised text: the least recently used goes first, at a number of
 * entries and at a number of bytes.  Any thread.  Forgetting is its only way to fail.
 */
#ifndef WF_MATCH_CACHE_H
#define WF_MATCH_CACHE_H

#include "base/hash.h"
#include "base/list.h"
#include "match/embed/lexical.h"

#include <pthread.h>

struct cache_entry;

typedef struct wf_cache {
    pthread_mutex_t lock;
    wf_list recent; /* the least recent first */
    struct cache_entry **chains;
    unsigned chain_bits;
    size_t count, count_max, bytes, bytes_max;
    uint64_t hits, misses;
    wf_hash_key key;
} wf_cache;

int wf_cache_init(wf_cache *cache, size_t count_max); /* 0, -ENOMEM, -EIO */
void wf_cache_fini(wf_cache *cache);

/* 1 and a copy in *out; 0 if it is not there; -ENOMEM. */
int wf_cache_get(wf_cache *cache, weft_str text, wf_vector *out);
void wf_cache_put(wf_cache *cache, weft_str text, const wf_vector *vector);

typedef struct wf_cache_stats {
    uint64_t hits, misses, count, bytes;
} wf_cache_stats;
void wf_cache_stats_get(wf_cache *cache, wf_cache_stats *out);

#endif
