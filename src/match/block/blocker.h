/* SPDX-License-Identifier: MIT */

/*
 * Blocker: the records of <weft/blocking.h>.  An inverted index over the terms of all rows: term t
 * is in the rows rows[start[t]] …, counts[…] times.  Built in parts, then constant.
 */
#ifndef WF_MATCH_BLOCKER_H
#define WF_MATCH_BLOCKER_H

#include "match/catalogue.h"
#include "match/score/rank.h"
#include "match/text/normalise.h"
#include "match/work.h"

#include <weft/blocking.h>

enum wf_blocking { WF_BLOCK_NGRAM, WF_BLOCK_BM25, WF_BLOCK_TFIDF, WF_BLOCK_FUZZY, WF_BLOCK_NONE };

/* One thread's memory.  Zeroed is ready. */
typedef struct wf_block_desk {
    wf_norm norm;
    wf_buf text;     /* normalised */
    wf_buf sorted;   /* its words in order */
    uint64_t *terms; /* of a text */
    size_t term_count, term_capacity;
    float *sums; /* a row each; zero between queries */
    size_t sum_capacity;
    uint32_t *line; /* of a table of common subsequences */
    size_t line_capacity;
    uint32_t *points, *other;
    size_t point_capacity, other_capacity;
    wf_rank rank;
} wf_block_desk;

void wf_block_desk_fini(wf_block_desk *desk);

struct weft_blocker {
    wf_catalogue *catalogue; /* a reference */
    enum wf_blocking kind;
    weft_blocker_options options;
    uint32_t row_done, row_total;

    /* Terms; of all kinds but fuzzy and none. */
    uint64_t *places;  /* open addressing: a term; 0: empty */
    uint32_t *numbers; /* of the term in that place */
    size_t place_count, term_count;
    size_t *start;
    uint32_t *rows, *counts;
    uint32_t *said; /* terms of all rows, one after the other, while it is built … */
    size_t *said_start, said_count, said_capacity;
    uint32_t *lengths; /* of a row, in terms */
    float *idf, *norms;
    double mean_length;

    /* Fuzzy: the rows' words in order, as characters. */
    uint32_t *points;
    size_t *point_start, point_count, point_capacity;
};

/* The kind of a name; false: there is none of that name. */
bool wf_blocking_of(weft_str name, enum wf_blocking *out);
const char *wf_blocking_name(enum wf_blocking kind);

/* A blocker to be built.  0 or -ENOMEM. */
int wf_blocker_create(weft_blocker **out, wf_catalogue *catalogue, enum wf_blocking kind,
                      const weft_blocker_options *options);

/* 1: there is more to do, 0: done; -ENOMEM, or what the job says. */
int wf_blocker_build(weft_blocker *blocker, wf_block_desk *desk, const wf_job *job);

/* Leaves the best entities of a set (NULL: of all) in desk->rank, ended. */
int wf_blocker_find(const weft_blocker *blocker, wf_block_desk *desk, weft_str text, size_t top_k,
                    const uint64_t *allowed, const wf_job *job);

size_t wf_blocker_bytes(const weft_blocker *blocker);

/* ---- between its files ---- */

int wf_block_read(wf_block_desk *desk, weft_str raw);           /* desk->text */
int wf_block_terms(wf_block_desk *desk, enum wf_blocking kind); /* of desk->text */
int wf_block_sort_words(wf_block_desk *desk);                   /* desk->points, of desk->text */
int wf_block_learn_terms(weft_blocker *blocker, const wf_block_desk *desk);
int wf_block_end_terms(weft_blocker *blocker, const wf_job *job);
int wf_block_score_terms(const weft_blocker *blocker, wf_block_desk *desk, const wf_job *job);
int wf_block_learn_words(weft_blocker *blocker, const wf_block_desk *desk);
int wf_block_score_words(const weft_blocker *blocker, wf_block_desk *desk, const wf_job *job);

/* Grows an array to `count` items at least; 0 or -ENOMEM. */
int wf_block_grow(void *array, size_t *capacity, size_t count, size_t item_bytes);

#endif
