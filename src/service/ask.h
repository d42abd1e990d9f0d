/* SPDX-License-Identifier: MIT */

/* Ask: the body of a request, checked and taken apart. */
#ifndef WF_SERVICE_ASK_H
#define WF_SERVICE_ASK_H

#include "base/arena.h"
#include "service/service.h"

#include <weft/http_api.h>

struct ask {
    const weft_str *texts;
    size_t text_count;
    bool is_list;          /* they came as a list ... */
    const char *list_name; /* ... of this field; "": which is the body */
    bool wants_metadata;
    weft_m_query query;
    int64_t batch_size;

    wf_arena priv_arena; /* what does not stand in the body as it is needed */
};

/* The bodies of the routes.  Match: {"query": text or list, "top_k", "threshold", "candidates",
 * "metadata"}; batch: {"queries": list, …, "batch_size"}; explain and diagnose: {"query": text,
 * "top_k"}; list: [text, …]; ids, taken as candidates: {"ids": list}. */
extern const weft_schema ask_match, ask_batch, ask_explain, ask_diagnose, ask_list, ask_ids;
extern const weft_schema ask_entities, ask_threshold;         /* route_change.c */
extern const weft_schema ask_novelty;                         /* route_novelty.c */
extern const weft_schema ask_hierarchy, ask_hierarchy_entity; /* route_hierarchy.c */
extern const weft_schema ask_reviews, ask_decision; /* route_reviews.c; the first: parameters */
extern const weft_schema ask_profile, ask_drift;    /* route_drift.c */
extern const weft_schema ask_seed;                  /* parameters: ?query=TEXT */

/* Takes the body, which the server has read by one of these, apart; into *ask, to be freed by
 * ask_fini in each case.  It points into the body.  0, -ENOMEM. */
int ask_take(struct ask *ask, const weft_http_request *req);
void ask_fini(struct ask *ask);

/* Stages that the matcher does not have are not counted: 0; 1 after answering 422; or negative. */
WEFT_WAITS int ask_check_stages(const struct ask *ask, weft_http_response *res,
                                weft_matcher *matcher);

/* Takes the texts of a body that has `query`, a text, or else `queries`, a list; what is not given
 * is NULL.  There is nothing to be freed.  0; 1 after answering 422, or 413 for too many hits. */
WEFT_WAITS int ask_take_texts(struct ask *ask, weft_http_response *res, const weft_str *query,
                              const weft_items *queries, int64_t top_k);

/* Sends `rc` of the matcher as answer_error() does, with each text by its name in the body:
 * "query", "query[2]", "queries[2]". */
WEFT_WAITS int ask_answer_error(const struct ask *ask, weft_http_request *req,
                                weft_http_response *res, int rc, weft_m_error *error);

/* Ids in a body are strings or integers, as the entities have them.  The schemas, without the
 * description, and the checks of a field that holds a list of them, or objects with one, or null;
 * and of a field that is one.  What has passed is taken into the arena, an integer as its digits:
 * 0 or -ENOMEM, and without a list *out stays as it is; true, or false without memory. */
#define ASK_IDS_JSON                                                                               \
    "\"type\":[\"array\",\"null\"],\"items\":{\"type\":[\"string\",\"integer\",\"object\"]}"
#define ASK_ID_JSON "\"type\":[\"string\",\"integer\"]"
void ask_check_ids(weft_issues *issues, const char *path, const void *member);
void ask_check_id(weft_issues *issues, const char *path, const void *member);
int ask_take_ids(wf_arena *arena, const weft_json *list, const weft_str **out, size_t *out_count);
bool ask_take_id(wf_arena *arena, const weft_json *value, weft_str *out);

/* The check of a field: a chance, above 0 and below 1. */
void ask_check_alpha(weft_issues *issues, const char *path, const void *member);

/* Answers 413, naming the limit, and returns 1; or negative. */
WEFT_WAITS int ask_refuse(weft_http_response *res, const char *field, const char *limit_name,
                          uint64_t limit, uint64_t seen);

/* Refuses more "texts" than are looked at together: 0 if not; as ask_refuse. */
WEFT_WAITS int ask_check_texts(weft_http_response *res, size_t count, size_t max);

/* Refuses what could have more hits than an answer that is collected in memory may: 0 if not. */
WEFT_WAITS int ask_check_hits(const struct ask *ask, weft_http_response *res);

#endif
