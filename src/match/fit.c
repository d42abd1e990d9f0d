/* SPDX-License-Identifier: MIT */

/* Fit and what else makes a snapshot: add, remove, set_threshold. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/check.h"
#include "match/error.h"

#include <string.h>

void weft_m_fit_options_init(weft_m_fit_options *options)
{
    *options = (weft_m_fit_options){.size = sizeof(*options)};
}

/* ---- building ---- */

struct part {
    wf_scorer *scorer;
    wf_seeker *seeker;
    wf_job job;
};

static int build_part(void *arg)
{
    struct part *part = arg;
    return part->scorer->cls->build(part->scorer, part->seeker, &part->job);
}

/* A stop asked for by the caller's callback. */
static int tell(weft_m_progress_fn *progress, void *arg, size_t done, size_t total)
{
    int rc = progress != NULL ? progress(done, total, arg) : 0;
    return rc > 0 ? -ECANCELED : rc;
}

static int build_all(wf_call *call, wf_scorer *scorer, weft_m_progress_fn *progress,
                     void *progress_arg)
{
    struct part part = {.scorer = scorer, .job = wf_call_job(call)};
    part.seeker = wf_seekers_take(&call->matcher->seekers);
    if (part.seeker == NULL)
        return -ENOMEM;
    int rc;
    do {
        rc = wf_work_run(build_part, &part);
        int told = rc >= 0 ? tell(progress, progress_arg, scorer->done, scorer->total) : 0;
        rc = told < 0 ? told : rc;
    } while (rc > 0);
    wf_seekers_give(&call->matcher->seekers, part.seeker);
    return rc;
}

/* The threshold is that of this moment. */
int wf_matcher_publish(weft_matcher *matcher, wf_scorer *scorer)
{
    wf_snapshot *snapshot = wf_snapshot_new(scorer, "zero-shot", 0, 0);
    if (snapshot == NULL)
        return -ENOMEM;
    wf_catalogue *catalogue = wf_catalogue_ref(scorer->catalogue);
    pthread_mutex_lock(&matcher->lock);
    snapshot->threshold = matcher->threshold;
    snapshot->number = ++matcher->snapshot_number;
    wf_snapshot *old_snapshot = matcher->snapshot;
    wf_catalogue *old_catalogue = matcher->catalogue;
    matcher->snapshot = snapshot;
    matcher->catalogue = catalogue;
    pthread_mutex_unlock(&matcher->lock);
    wf_snapshot_unref(old_snapshot);
    wf_catalogue_unref(old_catalogue);
    return 0;
}

static void set_fitting(weft_matcher *matcher, bool is_fitting)
{
    pthread_mutex_lock(&matcher->lock);
    matcher->is_fitting = is_fitting;
    pthread_mutex_unlock(&matcher->lock);
}

int wf_matcher_build(wf_call *call, wf_catalogue *catalogue, weft_m_progress_fn *progress,
                     void *progress_arg)
{
    weft_matcher *matcher = call->matcher;
    weft_time started = wf_sys_now();
    wf_scorer *scorer = NULL;
    set_fitting(matcher, true);
    int rc = matcher->scoring->create(&scorer, catalogue, &matcher->options);
    if (rc == 0)
        rc = build_all(call, scorer, progress, progress_arg);
    if (rc == 0)
        rc = wf_matcher_publish(matcher, scorer);
    set_fitting(matcher, false);
    wf_scorer_unref(scorer);
    if (rc < 0)
        return wf_m_fail_plain(call->error, rc);
    wf_metric(matcher, "fit_duration", (double)(wf_sys_now() - started) / (double)WEFT_SEC,
              "seconds", "fit");
    return 0;
}

/* ---- the first fit ---- */

int wf_matcher_ready(wf_call *call, wf_snapshot **out)
{
    weft_matcher *matcher = call->matcher;
    *out = wf_matcher_snapshot(matcher);
    if (*out != NULL)
        return 0;
    int rc = wf_gate_enter(&matcher->changes, WF_GATE_EXCLUSIVE);
    if (rc < 0)
        return wf_m_fail_plain(call->error, rc);
    *out = wf_matcher_snapshot(matcher); /* another call may have fitted meanwhile */
    if (*out == NULL) {
        wf_catalogue *catalogue = wf_matcher_catalogue(matcher);
        rc = wf_matcher_build(call, catalogue, NULL, NULL);
        wf_catalogue_unref(catalogue);
        if (rc == 0)
            *out = wf_matcher_snapshot(matcher);
    }
    wf_gate_leave(&matcher->changes, WF_GATE_EXCLUSIVE);
    return rc;
}

/* ---- fit ---- */

static int fail_mode(const char *mode, weft_m_error *error)
{
    wf_m_fail(error, -WEFT_M_EMODE, "Mode '%s' is not available in this version", mode);
    wf_m_error_field(error, "mode");
    wf_m_error_suggest(error, "Use 'zero-shot'; it needs no training data");
    return -WEFT_M_EMODE;
}

/* Zero-shot ignores examples; auto with examples would train. */
static int check_fit(wf_call *call, const char *mode, const weft_m_example *examples,
                     size_t example_count)
{
    bool is_zero_shot = strcmp(mode, "zero-shot") == 0, is_auto = strcmp(mode, "auto") == 0;
    bool has_data = examples != NULL;
    if (is_zero_shot || (is_auto && !has_data))
        return 0;
    if (strcmp(mode, "hybrid") == 0)
        return fail_mode(mode, call->error);
    if (!has_data) {
        wf_m_fail(call->error, -WEFT_M_EVALID,
                  "training_data is required for modes 'head-only', 'full', and 'bert'");
        wf_m_error_field(call->error, "training_data");
        return -WEFT_M_EVALID;
    }
    wf_catalogue *catalogue = wf_matcher_catalogue(call->matcher);
    int rc = wf_check_examples(examples, example_count, catalogue, call->error);
    wf_catalogue_unref(catalogue);
    return rc < 0 ? rc : fail_mode(is_auto ? "auto (with training data)" : mode, call->error);
}

static int fit(wf_call *call, const weft_m_example *examples, size_t example_count,
               const weft_m_fit_options *options)
{
    weft_matcher *matcher = call->matcher;
    const char *mode = matcher->mode;
    int rc = 0;
    if (options->mode.ptr != NULL)
        rc = wf_check_mode(options->mode, &mode, call->error);
    if (rc == 0)
        rc = check_fit(call, mode, examples, example_count);
    if (rc < 0)
        return rc;
    rc = wf_gate_enter(&matcher->changes, WF_GATE_EXCLUSIVE);
    if (rc < 0)
        return wf_m_fail_plain(call->error, rc);
    wf_catalogue *catalogue = wf_matcher_catalogue(matcher);
    rc = wf_matcher_build(call, catalogue, options->progress, options->progress_arg);
    wf_catalogue_unref(catalogue);
    wf_gate_leave(&matcher->changes, WF_GATE_EXCLUSIVE);
    return rc;
}

int weft_m_fit(weft_matcher *matcher, const weft_m_example *examples, size_t example_count,
               const weft_m_fit_options *options, weft_m_error *error)
{
    weft_m_fit_options defaults;
    weft_m_fit_options_init(&defaults);
    wf_call call;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_FIT, error);
    if (rc < 0)
        return rc;
    rc = fit(&call, examples, example_count, options != NULL ? options : &defaults);
    return wf_call_end(&call, rc);
}
