/* SPDX-License-Identifier: MIT */

/* Hierarchy: what is asked, and the hierarchy it needs. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/error.h"
#include "match/hierarchy/tree.h"
#include "match/train/head.h"

#include <math.h>
#include <string.h>
#include <weft/error.h>

#define RELATIVES_MAX 100000u

void weft_m_hierarchy_options_init(weft_m_hierarchy_options *options)
{
    *options = (weft_m_hierarchy_options){.size = sizeof(*options),
                                          .top_k = 5,
                                          .max_depth = 3,
                                          .alpha = 0.7,
                                          .beta = 0.3,
                                          .threshold = NAN,
                                          .relative_max = 1000,
                                          .batch_size = 256};
}

/* ---- the matcher's ---- */

static weft_hierarchy *present(weft_matcher *matcher, const wf_catalogue *catalogue)
{
    pthread_mutex_lock(&matcher->lock);
    weft_hierarchy *it = matcher->hierarchy;
    it = it != NULL && it->catalogue == catalogue ? weft_hierarchy_ref(it) : NULL;
    pthread_mutex_unlock(&matcher->lock);
    return it;
}

/* Makes it the matcher's if its catalogue is still the present one. */
static void keep(weft_matcher *matcher, weft_hierarchy *it)
{
    weft_hierarchy *old = NULL;
    pthread_mutex_lock(&matcher->lock);
    if (matcher->catalogue == it->catalogue) {
        old = matcher->hierarchy;
        matcher->hierarchy = weft_hierarchy_ref(it);
    }
    pthread_mutex_unlock(&matcher->lock);
    weft_hierarchy_unref(old);
}

void wf_hierarchy_forget(weft_matcher *matcher)
{
    weft_hierarchy *hierarchy = NULL;
    wf_catalogue *unarranged = NULL;
    pthread_mutex_lock(&matcher->lock);
    if (matcher->hierarchy != NULL && matcher->hierarchy->catalogue != matcher->catalogue) {
        hierarchy = matcher->hierarchy;
        matcher->hierarchy = NULL;
    }
    if (matcher->unarranged != matcher->catalogue) {
        unarranged = matcher->unarranged;
        matcher->unarranged = NULL;
    }
    pthread_mutex_unlock(&matcher->lock);
    weft_hierarchy_unref(hierarchy);
    wf_catalogue_unref(unarranged);
}

int wf_hierarchy_check(const weft_matcher *matcher, wf_catalogue *catalogue, weft_m_error *error)
{
    const wf_job job = {.stop = &matcher->stop};
    weft_hierarchy_options usual;
    weft_hierarchy *it = NULL;
    if (!matcher->options.check_hierarchy)
        return 0;
    weft_hierarchy_options_init(&usual);
    int rc = wf_tree_new(&it, catalogue, &usual, &job, error);
    weft_hierarchy_unref(it);
    return rc;
}

/* 0, or why the hierarchy of this catalogue was refused before. */
static int past_refusal(wf_call *call, const wf_catalogue *catalogue)
{
    weft_matcher *matcher = call->matcher;
    weft_m_error why = {0};
    pthread_mutex_lock(&matcher->lock);
    if (matcher->unarranged == catalogue)
        why = matcher->unarranged_why;
    pthread_mutex_unlock(&matcher->lock);
    if (why.rc == 0)
        return 0;
    if (call->error != NULL)
        *call->error = why;
    return weft_fail(why.rc, "%s", why.message);
}

/* As keep(). */
static void keep_refusal(weft_matcher *matcher, wf_catalogue *catalogue, const weft_m_error *why)
{
    if (why->rc != -WEFT_M_EVALID && why->rc != -WEFT_ELIMIT)
        return;
    wf_catalogue *old = NULL;
    pthread_mutex_lock(&matcher->lock);
    if (matcher->catalogue == catalogue) {
        old = matcher->unarranged;
        matcher->unarranged = wf_catalogue_ref(catalogue);
        matcher->unarranged_why = *why;
    }
    pthread_mutex_unlock(&matcher->lock);
    wf_catalogue_unref(old);
}

struct making {
    wf_call *call;
    wf_catalogue *catalogue;
    weft_hierarchy *made;
    weft_m_error why;
};

static int make(void *arg)
{
    struct making *making = arg;
    weft_hierarchy_options usual;
    wf_job job = wf_call_job(making->call);
    weft_hierarchy_options_init(&usual);
    return wf_tree_new(&making->made, making->catalogue, &usual, &job, &making->why);
}

static int read_hierarchy(struct making *making, weft_hierarchy **out)
{
    wf_call *call = making->call;
    int rc = wf_work_run(make, making);
    if (rc < 0 && (rc == -ECANCELED || rc == -ENOMEM || making->why.rc == 0))
        return wf_m_fail_plain(call->error, rc); /* the work may not have begun */
    if (rc < 0) {
        keep_refusal(call->matcher, making->catalogue, &making->why);
        if (call->error != NULL)
            *call->error = making->why;
        return rc;
    }
    keep(call->matcher, making->made);
    *out = making->made;
    return 0;
}

/* A reference to the hierarchy of this catalogue, read if need be, by one of many. */
static int get(wf_call *call, wf_catalogue *catalogue, weft_hierarchy **out)
{
    weft_matcher *matcher = call->matcher;
    struct making making = {.call = call, .catalogue = catalogue};
    *out = present(matcher, catalogue);
    int rc = *out == NULL ? past_refusal(call, catalogue) : 0;
    if (*out != NULL || rc < 0)
        return rc;
    rc = wf_gate_enter(&matcher->arranging, WF_GATE_EXCLUSIVE);
    if (rc < 0)
        return wf_m_fail_plain(call->error, rc);
    *out = present(matcher, catalogue);
    if (*out == NULL && (rc = past_refusal(call, catalogue)) == 0)
        rc = read_hierarchy(&making, out);
    wf_gate_leave(&matcher->arranging, WF_GATE_EXCLUSIVE);
    return rc;
}

int weft_m_hierarchy(weft_matcher *matcher, weft_hierarchy **out, weft_m_error *error)
{
    wf_call call;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_HIERARCHY, error);
    if (rc < 0)
        return rc;
    wf_catalogue *catalogue = wf_matcher_catalogue(matcher);
    weft_hierarchy *it;
    rc = get(&call, catalogue, &it);
    wf_catalogue_unref(catalogue);
    if (rc == 0)
        *out = it;
    return wf_call_end(&call, rc);
}

/* ---- checks ---- */

static bool is(weft_str text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

static int shown(weft_str text)
{
    return wf_utf8_shown(text.ptr, text.len, 40);
}

static int check_level(weft_str level, wf_kin_plan *plan, weft_m_error *error)
{
    bool is_all = level.ptr == NULL || is(level, "all");
    plan->goes_up = is_all || is(level, "ancestors");
    plan->goes_down = is_all || is(level, "descendants");
    if (plan->goes_up || plan->goes_down || is(level, "self"))
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "Invalid match_level: %.*s", shown(level), level.ptr);
    wf_m_error_field(error, "match_level");
    wf_m_error_suggest(error, "Use 'all', 'self', 'ancestors' or 'descendants'");
    return -WEFT_M_EVALID;
}

static int check_share(double share, const char *name, weft_m_error *error)
{
    if (share >= 0 && share <= 1)
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "%s must be between 0 and 1, got %g", name, share);
    wf_m_error_field(error, "%s", name);
    return -WEFT_M_EVALID;
}

static int check_counts(const weft_m_hierarchy_options *options, wf_kin_plan *plan,
                        weft_m_error *error)
{
    if (options->max_depth < 0) {
        wf_m_fail(error, -WEFT_M_EVALID, "max_depth must be >= 0");
        wf_m_error_field(error, "max_depth");
        return -WEFT_M_EVALID;
    }
    if (options->relative_max > RELATIVES_MAX) {
        wf_m_fail_limit(error, "relative_max", "relatives", RELATIVES_MAX, options->relative_max);
        wf_m_error_field(error, "relative_max");
        return -WEFT_ELIMIT;
    }
    plan->top_k = (size_t)options->top_k;
    plan->relative_max = options->relative_max;
    plan->depth_max = options->max_depth < UINT32_MAX ? (uint32_t)options->max_depth : UINT32_MAX;
    return options->batch_size != 0 ? 0 : wf_check_batch_size(0, error);
}

static int check(const weft_m_hierarchy_options *options, wf_kin_plan *plan, weft_m_error *error)
{
    plan->alpha = options->alpha;
    plan->beta = options->beta;
    int rc = check_level(options->match_level, plan, error);
    if (rc == 0)
        rc = check_share(options->alpha, "alpha", error);
    if (rc == 0)
        rc = check_share(options->beta, "beta", error);
    return rc < 0 ? rc : check_counts(options, plan, error);
}

/* ---- within ---- */

/* One bit for each entity of a part of the hierarchy. */
static int allow_within(wf_request *request, const weft_hierarchy *hierarchy, weft_str id)
{
    const wf_job job = wf_call_job(request->call);
    wf_walk walk = {0};
    uint32_t top = wf_catalogue_find(hierarchy->catalogue, id);
    if (top == UINT32_MAX) {
        wf_m_fail(request->call->error, -WEFT_M_EVALID, "within: '%.*s' is no entity's id",
                  shown(id), id.ptr);
        wf_m_error_field(request->call->error, "within");
        return -WEFT_M_EVALID;
    }
    request->allowed = wf_array(hierarchy->info.entity_count / 64 + 1, sizeof(uint64_t));
    int rc = request->allowed != NULL ? 0 : -ENOMEM;
    if (rc == 0)
        rc = wf_walk_run(&walk, hierarchy, top, WF_DOWN, &WF_REACH_ALL, &job);
    for (size_t i = 0; rc == 0 && i < walk.roster.count; i++) {
        uint32_t entity = walk.roster.entities[i];
        request->allowed[entity / 64] |= UINT64_C(1) << entity % 64;
    }
    wf_walk_fini(&walk);
    return rc < 0 ? wf_m_fail_plain(request->call->error, rc) : 0;
}

/* ---- the call ---- */

/* Scores of what has learnt are probabilities, whatever the kind it would have without. */
static bool is_probability(const weft_matcher *matcher, const wf_snapshot *snapshot)
{
    return wf_head_class(snapshot->scorer->cls->mode) != NULL ||
           (matcher->scoring != &wf_scorer_cosine && matcher->scoring != &wf_scorer_dense);
}

static int prepare(wf_request *request, const weft_m_hierarchy_options *options, wf_kin_plan *plan)
{
    weft_m_results *results = request->results;
    weft_hierarchy *hierarchy;
    size_t bytes;
    int rc = get(request->call, results->snapshot->scorer->catalogue, &hierarchy);
    if (rc < 0)
        return rc;
    bool fits = wf_mul_ok(results->count, sizeof(*results->kinships->items), &bytes) &&
                wf_add_ok(bytes, sizeof(*results->kinships), &bytes);
    results->kinships = fits ? wf_alloc(bytes) : NULL;
    if (results->kinships == NULL) {
        weft_hierarchy_unref(hierarchy);
        return wf_m_fail_plain(request->call->error, -ENOMEM);
    }
    plan->hierarchy = hierarchy;
    plan->scorer = results->snapshot->scorer;
    plan->options = &request->call->matcher->options;
    plan->threshold = results->threshold;
    plan->has_levels = is_probability(request->call->matcher, results->snapshot);
    results->kinships->plan = *plan;
    results->kinships->hierarchy = hierarchy;
    return options->within.ptr != NULL ? allow_within(request, hierarchy, options->within) : 0;
}

static int answer(wf_call *call, const weft_str *queries, size_t query_count,
                  const weft_m_hierarchy_options *options, wf_kin_plan *plan,
                  weft_m_results **out_results)
{
    wf_request request;
    weft_m_query query;
    wf_slices slices = {.size = options->batch_size,
                        .together = 1,
                        .progress = options->progress,
                        .progress_arg = options->progress_arg};
    weft_m_query_init(&query);
    query.top_k = options->top_k;
    query.threshold = options->threshold;
    int rc = wf_m_request_check(call->matcher, queries, query_count, &query, call->error);
    if (rc < 0)
        return rc;
    rc = wf_request_open(&request, call, queries, query_count, &query);
    if (rc == 0)
        rc = prepare(&request, options, plan);
    if (rc == 0)
        rc = wf_request_run(&request, &slices);
    return wf_request_close(&request, rc, out_results);
}

int weft_m_hierarchy_match(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                           const weft_m_hierarchy_options *options, weft_m_results **out_results,
                           weft_m_error *error)
{
    weft_m_hierarchy_options full;
    wf_kin_plan plan = {0};
    wf_call call;
    weft_m_hierarchy_options_init(&full);
    if (options != NULL)
        memcpy(&full, options, options->size < sizeof(full) ? options->size : sizeof(full));
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_HIERARCHY, error);
    if (rc < 0)
        return rc;
    rc = check(&full, &plan, error);
    if (rc == 0)
        rc = answer(&call, queries, query_count, &full, &plan, out_results);
    return wf_call_end(&call, rc);
}
