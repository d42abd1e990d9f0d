/* SPDX-License-Identifier: MIT */

/*
 * Review: what people decide about proposed entities.  A discovery (<weft/discover.h>) proposes one
 * for each cluster; each proposal becomes a record that waits to be approved or rejected, and an
 * approved one is promoted: it becomes an entity of the matcher.
 *
 *     pending_review -> approved -> promoted
 *     pending_review -> rejected
 *
 *     weft_m_reviews *reviews;
 *     if (weft_m_reviews_open(&reviews, "reviews.json", &error) == 0) {
 *         rc = weft_m_reviews_add(reviews, discovery, texts, &error);
 *         rc = weft_m_reviews_decide(reviews, id, WEFT_M_REVIEW_APPROVED, NULL, &error);
 *         rc = weft_m_reviews_promote(reviews, id, NULL, matcher, NULL, &promotion, &error);
 *         weft_m_reviews_close(reviews);
 *     }
 *
 * The records are one JSON list in one file, replaced as a whole with each change, so that a crash
 * leaves the old list or the new one.  A store is one task's at a time.  Several processes, and
 * several stores of one, may change one file: each change locks PATH.lock, and is made to what the
 * file has then.
 *
 * Library: weft-match.
 */
#ifndef WEFT_REVIEW_H
#define WEFT_REVIEW_H

#include <weft/discover.h>

WEFT_BEGIN_DECLS

enum weft_m_review_state {
    WEFT_M_REVIEW_PENDING,
    WEFT_M_REVIEW_APPROVED,
    WEFT_M_REVIEW_REJECTED,
    WEFT_M_REVIEW_PROMOTED,
    WEFT_M_REVIEW_STATE_COUNT,
};

/* "pending_review", "approved", "rejected", "promoted". */
WEFT_API const char *weft_m_review_state_name(enum weft_m_review_state state);

/* The state of that name in *out; false, with *out untouched, if there is none. */
WEFT_API bool weft_m_review_state_of(weft_str name, enum weft_m_review_state *out);

typedef struct weft_m_review {
    weft_str review_id, discovery_id;
    size_t proposal_index; /* of the cluster in its discovery */
    enum weft_m_review_state state;

    /* The proposal. */
    weft_str name, description;
    double confidence; /* 0..1: the cluster's cohesion */
    size_t sample_count;
    const weft_str *keywords, *examples;
    size_t keyword_count, example_count;

    weft_str provenance;                                      /* who proposed it */
    weft_str notes;                                           /* of the reviewer; may be empty */
    int64_t created_at, updated_at, reviewed_at, promoted_at; /* Unix seconds; 0: not yet */
} weft_m_review;

typedef struct weft_m_reviews weft_m_reviews;

/* Reads the file; one that is not there is an empty list.  -WEFT_M_EPERSIST for what is no list of
 * records, -errno.  *out is the caller's. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_reviews_open(weft_m_reviews **out, const char *path,
                                                          weft_m_error *error);
WEFT_API void weft_m_reviews_close(weft_m_reviews *reviews); /* NULL is fine; saves nothing */

/* The records, oldest first; borrowed until the next change.  Find: NULL if there is none. */
WEFT_API const weft_m_review *weft_m_reviews_list(const weft_m_reviews *reviews, size_t *out_count);
WEFT_API const weft_m_review *weft_m_reviews_find(const weft_m_reviews *reviews,
                                                  weft_str review_id);

/* Each of these reads the file again, changes the list and saves it; if it cannot be saved, nothing
 * has changed.  -ENOENT: no record has this id.  -WEFT_M_EVALID: the record is in a state from
 * which there is no way there.  -EBUSY: another process has been changing the file for a second;
 * the error names it. */

/* A record for each cluster of the discovery; `texts` are those it was made of.  A discovery that
 * is in the list already is not added again. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_reviews_add(weft_m_reviews *reviews,
                                                         const weft_m_discovery *discovery,
                                                         const weft_str *texts,
                                                         weft_m_error *error);

/* Approves or rejects.  `notes` may be NULL. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_m_reviews_decide(weft_m_reviews *reviews,
                                                            weft_str review_id,
                                                            enum weft_m_review_state state,
                                                            const char *notes, weft_m_error *error);

typedef struct weft_m_promotion {
    size_t entities_added;                /* 0: the matcher has an entity with this id already */
    bool index_updated, retrain_required; /* the matcher had learnt, and knows no example of it */
} weft_m_promotion;

/* Approves a pending record, and adds its entity to the matcher: id and name are the proposal's
 * name, description and examples are kept with it.  `notes` take the place of those there are; NULL
 * leaves them.  With `save_path` the matcher is saved there before the list is: after a crash in
 * between the promotion is made again and finds the entity.  -WEFT_M_EVALID too if another proposal
 * has become this entity, or the matcher's entity of this id has another name. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_reviews_promote(weft_m_reviews *reviews, weft_str review_id, const char *notes,
                       weft_matcher *matcher, const char *save_path, weft_m_promotion *out,
                       weft_m_error *error);

/* Removes the file of reviews, and then the matcher's, whose path may be NULL, under one lock: a
 * decision, addition or promotion made at the same time has happened before, or finds no record any
 * more and so writes neither file again.  A missing file is no error.  0; -EBUSY, and then all is
 * as it was; -errno. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_m_reviews_remove(const char *path, const char *matcher_path, weft_m_error *error);

/* One record as JSON: {"review_id","discovery_id","proposal_index","proposal_name","state",
 * "proposal":{"name","description","confidence","sample_count","example_samples","keywords"},
 * "provenance","notes","created_at","updated_at","reviewed_at","promoted_at"}; times are RFC 3339,
 * or null. */
WEFT_API WEFT_MUST_USE int weft_m_review_json(const weft_m_review *review, weft_text *out);

/* A promotion as JSON, `review` being the record after it: {"review_record": as
 * weft_m_review_json(), "entities_added","index_updated","retrain_required"}. */
WEFT_API WEFT_MUST_USE int weft_m_promotion_json(const weft_m_review *review,
                                                 const weft_m_promotion *promotion, weft_text *out);

WEFT_END_DECLS

#endif
