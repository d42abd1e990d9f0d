/* SPDX-License-Identifier: MIT */

/*
 * Seeker: all the memory one thread needs to encode and to search, kept from query to query.  A
 * pool lends seekers to the calls of a matcher.
 */
#ifndef WF_MATCH_SEEKER_H
#define WF_MATCH_SEEKER_H

#include "match/block/blocker.h"
#include "match/embed/lexical.h"
#include "match/index/hnsw.h"
#include "match/index/search.h"
#include "match/index/volley.h"
#include "match/score/judge.h"
#include "match/score/rank.h"
#include "match/text/normalise.h"
#include "match/train/bag.h"
#include "match/train/pupil.h"

#include <pthread.h>
#include <weft/match.h>

typedef struct wf_seeker {
    struct wf_seeker *next; /* in the pool */
    wf_norm norm;
    wf_buf cut, normal; /* what read wrote */
    wf_buf shown;       /* texts of hits */
    wf_encoder encoder;
    wf_vector vector;
    wf_finder finder;
    wf_rank rank;
    wf_judge judge; /* of the scorer "probability" */
    wf_bag bag;     /* of a trained head, like the next */
    wf_pupil pupil;
    wf_glance glance;  /* of dense vectors */
    wf_volley *volley; /* NULL until queries were asked together */
    wf_hnsw_desk walk; /* among them by a graph */
    wf_block_desk block;
    wf_found *found; /* of two scorers, to be one list */
    size_t found_capacity;
    struct wf_novel_work *novel; /* NULL until novelty was asked for */
    struct wf_kin_desk *kin;     /* NULL until the hierarchy was asked for */

    /* What read left: borrowed from the raw text or from `normal`. */
    weft_str text;
    bool was_cut;

    /* Query vectors taken from the cache, and made, since ever. */
    uint64_t cached_count, encoded_count;
} wf_seeker;

/* Takes a text as the matcher sees it: without too many combining marks in a row, and normalised if
 * `options` say so.  0 or -ENOMEM. */
int wf_seeker_read(wf_seeker *seeker, const weft_m_options *options, weft_str raw);

typedef struct wf_seekers {
    pthread_mutex_t lock;
    wf_seeker *free;
    size_t free_count;
} wf_seekers;

void wf_seekers_init(wf_seekers *seekers);
void wf_seekers_fini(wf_seekers *seekers);

/* Lends one; NULL: no memory. */
wf_seeker *wf_seekers_take(wf_seekers *seekers);
void wf_seekers_give(wf_seekers *seekers, wf_seeker *seeker); /* NULL is fine */

#endif
