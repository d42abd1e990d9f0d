/* SPDX-License-Identifier: MIT */

#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/check.h"
#include "match/error.h"
#include "match/model/encoder.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <weft/encoder.h>
#include <weft/reranker.h>
#include <weft/sys/opened.h>

void weft_m_options_init(weft_m_options *options)
{
    *options = (weft_m_options){
        .size = sizeof(*options),
        .threshold = 0.5f,
        .normalize = true,
        .entity_count_max = 10000000,
        .query_count_max = 10000,
        .query_bytes_max = 65536,
        .top_k_max = 1000,
        .ann_rows_min = 200000,
        .cache_count_max = 10000,
        .mark_run_max = 30,
    };
}

void weft_m_query_init(weft_m_query *query)
{
    *query = (weft_m_query){.size = sizeof(*query), .top_k = 1, .threshold = NAN};
}

/* ---- open ---- */

/* A caller compiled against an older header has a shorter struct: the rest keeps its default. */
void wf_m_options_take(weft_m_options *options, const weft_m_options *given)
{
    weft_m_options_init(options);
    if (given == NULL)
        return;
    size_t bytes = given->size < sizeof(*options) ? given->size : sizeof(*options);
    memcpy(options, given, bytes);
    options->size = sizeof(*options);
}

/* The encoder, or where it is to be read from: that happens when it is needed. */
static int take_model(weft_matcher *matcher, bool is_named, weft_m_error *error)
{
    weft_m_options *options = &matcher->options;
    weft_encoder *encoder = options->encoder;
    if (options->reranker != NULL)
        weft_reranker_ref(options->reranker);
    options->encoder = NULL; /* until it is certain that it is let go again */
    if (encoder == NULL && !is_named && wf_scorer_class_is_dense(matcher->scoring)) {
        wf_m_fail(error, -WEFT_M_EVALID, "score_kind '%s' needs a model", matcher->scoring->kind);
        wf_m_error_field(error, "score_kind");
        wf_m_error_suggest(error, "Give the directory of a model, or an encoder");
        return -WEFT_M_EVALID;
    }
    if (encoder == NULL && is_named) {
        matcher->model = wf_strdup(options->model.ptr, options->model.len);
        if (matcher->model == NULL)
            return wf_m_fail_plain(error, -ENOMEM);
    }
    options->encoder = encoder != NULL ? weft_encoder_ref(encoder) : NULL;
    return 0;
}

int wf_matcher_read_model(weft_matcher *matcher, weft_m_error *error)
{
    bool is_needed = matcher->options.encoder == NULL && matcher->model != NULL;
    return is_needed ? weft_encoder_open(&matcher->options.encoder, matcher->model, NULL, error)
                     : 0;
}

/* Forgets a model that is nowhere, if that is allowed.  Looking for it is a
 * few system calls, which are made here so that what the matcher is does not change afterwards. */
static int do_without(weft_matcher *matcher, weft_m_error *error)
{
    weft_m_options *options = &matcher->options;
    bool may_lack = false;
    int rc = wf_check_fallback(options->model_fallback, &may_lack, error);
    if (rc < 0 || !may_lack || options->encoder != NULL || !wf_is_model_name(options->model))
        return rc;
    char *name = wf_strdup(options->model.ptr, options->model.len);
    if (name == NULL)
        return wf_m_fail_plain(error, -ENOMEM);
    if (!wf_encoder_is_missing(name)) {
        wf_free(name);
        return 0; /* what is wrong with it is told when it is read */
    }
    matcher->missing_model = name;
    options->model = (weft_str){0};
    options->score_kind = (weft_str){0};
    return 0;
}

static int check_options(weft_matcher *matcher, weft_m_error *error)
{
    weft_m_options *options = &matcher->options;
    int rc = wf_check_threshold(options->threshold, error);
    if (rc == 0)
        rc = wf_check_model(options->model, error);
    if (rc == 0)
        rc = wf_check_mode(options->mode, &matcher->mode, error);
    if (rc == 0)
        rc = wf_check_score_kind(options->score_kind, error);
    if (rc == 0)
        rc = wf_check_blocking(options->blocking, &matcher->blocking, error);
    if (rc == 0)
        rc = do_without(matcher, error);
    bool is_named = wf_is_model_name(options->model);
    matcher->scoring =
        wf_scorer_class_of(options->score_kind, is_named || options->encoder != NULL);
    if (rc == 0)
        rc = take_model(matcher, is_named, error);
    options->model = (weft_str){0}; /* borrowed for this call only */
    options->mode = (weft_str){0};
    options->score_kind = (weft_str){0};
    options->blocking = (weft_str){0};
    options->model_fallback = (weft_str){0};
    matcher->threshold = options->threshold;
    return rc;
}

static void free_settings(weft_matcher *matcher)
{
    weft_encoder_unref(matcher->options.encoder);
    weft_reranker_unref(matcher->options.reranker);
    wf_free(matcher->model);
    wf_free(matcher->missing_model);
    wf_free(matcher);
}

int wf_matcher_new(weft_matcher **out, const weft_m_options *options, weft_m_error *error)
{
    weft_matcher *matcher = wf_alloc(sizeof(*matcher));
    if (matcher == NULL)
        return wf_m_fail_plain(error, -ENOMEM);
    wf_m_options_take(&matcher->options, options);
    int rc = check_options(matcher, error);
    if (rc < 0) {
        free_settings(matcher);
        return rc;
    }
    wf_gate_init(&matcher->calls);
    wf_gate_init(&matcher->changes);
    wf_gate_init(&matcher->detecting);
    wf_gate_init(&matcher->arranging);
    pthread_mutex_init(&matcher->lock, NULL);
    wf_seekers_init(&matcher->seekers);
    matcher->active_mode = "zero-shot";
    *out = matcher;
    return 0;
}

static void matcher_free(weft_matcher *matcher)
{
    wf_gate_fini(&matcher->calls);
    wf_gate_fini(&matcher->changes);
    wf_gate_fini(&matcher->detecting);
    wf_gate_fini(&matcher->arranging);
    wf_detector_kept_free(matcher->loaded);
    pthread_mutex_destroy(&matcher->lock);
    wf_seekers_fini(&matcher->seekers);
    wf_examples_unref(matcher->examples);
    free_settings(matcher);
}

static const weft_open_kind matcher_kind = {"matcher", "weft_m_close()", NULL};

void wf_matcher_opened(weft_matcher *matcher)
{
    weft_opened(matcher, &matcher_kind);
}

int weft_m_open(weft_matcher **out, const weft_m_entity *entities, size_t entity_count,
                const weft_m_options *options, weft_m_error *error)
{
    weft_matcher *matcher = NULL;
    int rc = wf_matcher_new(&matcher, options, error);
    if (rc < 0)
        return rc;
    assert(matcher != NULL);
    wf_limits limits = {.entity_count_max = matcher->options.entity_count_max,
                        .text_bytes_max = matcher->options.query_bytes_max};
    rc = wf_catalogue_new(&matcher->catalogue, entities, entity_count, &limits, error);
    if (rc == 0)
        rc = wf_hierarchy_check(matcher, matcher->catalogue, error);
    if (rc < 0) {
        wf_catalogue_unref(matcher->catalogue);
        matcher_free(matcher);
        return rc;
    }
    wf_matcher_opened(matcher);
    *out = matcher;
    return 0;
}

/* ---- calls ---- */

static int stopped(const weft_matcher *matcher)
{
    return __atomic_load_n(&matcher->stop, __ATOMIC_ACQUIRE);
}

int wf_call_begin(wf_call *call, weft_matcher *matcher, enum weft_m_op op, weft_m_error *error)
{
    *call = (wf_call){.matcher = matcher, .op = op, .started = wf_sys_now(), .error = error};
    int rc = stopped(matcher);
    if (rc == 0)
        rc = wf_gate_enter(&matcher->calls, WF_GATE_SHARED);
    if (rc < 0)
        return wf_m_fail_plain(error, rc);
    rc = stopped(matcher);
    if (rc == 0)
        return 0;
    wf_gate_leave(&matcher->calls, WF_GATE_SHARED);
    return wf_m_fail_plain(error, rc);
}

int wf_call_end(wf_call *call, int rc)
{
    weft_matcher *matcher = call->matcher;
    if (rc >= 0)
        wf_stats_add(&matcher->stats, call->op, wf_sys_now() - call->started);
    wf_gate_leave(&matcher->calls, WF_GATE_SHARED);
    return rc;
}

wf_snapshot *wf_matcher_snapshot(weft_matcher *matcher)
{
    pthread_mutex_lock(&matcher->lock);
    wf_snapshot *snapshot = matcher->snapshot != NULL ? wf_snapshot_ref(matcher->snapshot) : NULL;
    pthread_mutex_unlock(&matcher->lock);
    return snapshot;
}

wf_catalogue *wf_matcher_catalogue(weft_matcher *matcher)
{
    pthread_mutex_lock(&matcher->lock);
    wf_catalogue *catalogue = wf_catalogue_ref(matcher->catalogue);
    pthread_mutex_unlock(&matcher->lock);
    return catalogue;
}

void wf_metric(weft_matcher *matcher, const char *name, double value, const char *unit,
               const char *stage)
{
    const weft_m_options *options = &matcher->options;
    if (options->metric == NULL)
        return;
    weft_m_metric metric = {
        .name = name,
        .value = value,
        .unit = unit,
        .stage = stage,
        .backend = wf_scorer_class_is_dense(matcher->scoring) ? matcher->scoring->kind : "lexical",
        .mode = __atomic_load_n(&matcher->active_mode, __ATOMIC_RELAXED),
        .wall = wf_sys_wall()};
    __atomic_add_fetch(&matcher->stats.metric_count, 1, __ATOMIC_RELAXED);
    options->metric(&metric, options->metric_arg);
}

void wf_metric_took(const wf_call *call, const char *name, const char *stage)
{
    if (call->matcher->options.metric != NULL)
        wf_metric(call->matcher, name, (double)(wf_sys_now() - call->started) / (double)WEFT_SEC,
                  "seconds", stage);
}

/* ---- end ---- */

void weft_m_stop(weft_matcher *matcher)
{
    if (matcher == NULL)
        return;
    __atomic_store_n(&matcher->stop, -WEFT_M_ECLOSED, __ATOMIC_RELEASE);
    wf_gate_enter_shielded(&matcher->calls, WF_GATE_EXCLUSIVE);
    pthread_mutex_lock(&matcher->lock);
    wf_snapshot *snapshot = matcher->snapshot;
    wf_catalogue *catalogue = matcher->catalogue;
    wf_detector *detector = matcher->detector;
    matcher->snapshot = NULL;
    matcher->catalogue = NULL;
    matcher->detector = NULL;
    pthread_mutex_unlock(&matcher->lock);
    wf_gate_leave(&matcher->calls, WF_GATE_EXCLUSIVE);
    wf_detector_unref(detector);
    wf_hierarchy_forget(matcher);
    wf_snapshot_unref(snapshot);
    wf_catalogue_unref(catalogue);
}

void weft_m_close(weft_matcher *matcher)
{
    if (matcher == NULL)
        return;
    weft_closed(matcher, &matcher_kind);
    weft_m_stop(matcher);
    matcher_free(matcher);
}
