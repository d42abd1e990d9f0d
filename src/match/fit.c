/* SPDX-License-Identifier: MIT */

/* Fit and what else makes a snapshot: add, remove, set_threshold. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "match/check.h"
#include "match/error.h"
#include "match/score/hybrid.h"
#include "match/train/head.h"
#include "match/train/trial.h"

#include <string.h>

void weft_m_fit_options_init(weft_m_fit_options *options)
{
    *options = (weft_m_fit_options){
        .size = sizeof(*options), .head_c = 100, .weight_decay = 0.01, .seed = 42};
}

/* What a fit is to make. */
struct aim {
    const wf_scorer_class *cls; /* one that learns; NULL: none */
    wf_examples *examples;      /* NULL with that */
    bool is_tried, is_auto, is_hybrid;
};

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
static int tell(const wf_course *course, size_t done)
{
    if (course->total != 0)
        wf_metric(course->call->matcher, "fit_progress",
                  (double)(course->before + done) / (double)course->total, "ratio", "fit");
    int rc = course->progress != NULL
                 ? course->progress(course->before + done, course->total, course->progress_arg)
                 : 0;
    return rc > 0 ? -ECANCELED : rc;
}

int wf_course_build(wf_course *course, wf_scorer *scorer)
{
    wf_seekers *seekers = &course->call->matcher->seekers;
    struct part part = {.scorer = scorer, .job = wf_call_job(course->call)};
    part.seeker = wf_seekers_take(seekers);
    if (part.seeker == NULL)
        return -ENOMEM;
    int rc;
    do {
        rc = wf_work_run(build_part, &part);
        int told = rc >= 0 ? tell(course, scorer->done) : 0;
        rc = told < 0 ? told : rc;
    } while (rc > 0);
    wf_seekers_give(seekers, part.seeker);
    course->before += scorer->total;
    course->weights_over = scorer->weights_over != 0 ? scorer->weights_over : course->weights_over;
    return rc;
}

int wf_course_end(wf_course *course)
{
    bool is_told = course->before >= course->total;
    course->before = course->total;
    return is_told ? 0 : tell(course, 0);
}

/* The threshold is that of this moment. */
int wf_matcher_publish(weft_matcher *matcher, wf_scorer *scorer)
{
    wf_snapshot *snapshot = wf_snapshot_new(scorer, 0, 0);
    if (snapshot == NULL)
        return -ENOMEM;
    wf_catalogue *catalogue = wf_catalogue_ref(scorer->catalogue);
    pthread_mutex_lock(&matcher->lock);
    snapshot->threshold = matcher->threshold;
    snapshot->number = ++matcher->snapshot_number;
    wf_snapshot *old_snapshot = matcher->snapshot;
    wf_catalogue *old_catalogue = matcher->catalogue;
    wf_detector *old_detector = matcher->detector; /* of the old one */
    matcher->snapshot = snapshot;
    matcher->catalogue = catalogue;
    matcher->detector = NULL;
    wf_detector_kept *old_loaded = matcher->loaded;
    matcher->loaded = NULL;
    pthread_mutex_unlock(&matcher->lock);
    wf_detector_unref(old_detector);
    wf_hierarchy_forget(matcher);
    wf_detector_kept_free(old_loaded);
    __atomic_store_n(&matcher->active_mode, scorer->cls->mode, __ATOMIC_RELAXED);
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

/* What a scorer of the catalogue is: one that learns if there is something to learn from. */
static int create_scorer(weft_matcher *matcher, wf_catalogue *catalogue, const struct aim *aim,
                         wf_scorer **out)
{
    if (aim->is_hybrid)
        return wf_hybrid_create(out, matcher->scoring, catalogue, &matcher->options,
                                matcher->blocking);
    return aim->cls != NULL
               ? wf_head_create(out, aim->cls, catalogue, aim->examples,
                                /* left_out= */ NULL, /* names= */ NULL, &matcher->options)
               : matcher->scoring->create(out, catalogue, &matcher->options);
}

/* What is known of rows that stay need not be found again. */
static void inherit(weft_matcher *matcher, wf_scorer *scorer)
{
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    if (snapshot != NULL && snapshot->scorer->cls == scorer->cls && scorer->cls->inherit != NULL)
        scorer->cls->inherit(scorer, snapshot->scorer);
    wf_snapshot_unref(snapshot);
}

/* A scorer that is built, or the best of those that are tried. */
static int make_scorer(wf_course *course, wf_catalogue *catalogue, const struct aim *aim,
                       wf_scorer **out, weft_m_trial *out_trial)
{
    wf_scorer *scorer;
    if (aim->is_tried)
        return wf_trial_run(course, catalogue, aim->examples, aim->cls, aim->is_auto, out,
                            out_trial);
    int rc = create_scorer(course->call->matcher, catalogue, aim, &scorer);
    if (rc < 0)
        return rc;
    inherit(course->call->matcher, scorer);
    course->total = scorer->total;
    rc = wf_course_build(course, scorer);
    if (rc < 0)
        wf_scorer_unref(scorer);
    else
        *out = scorer;
    return rc;
}

/* A caller's encoder may have a limit, too, and knows best what it is. */
static int fail_build(const wf_course *course, int rc)
{
    weft_m_error *error = course->call->error;
    if (rc != -WEFT_ELIMIT || course->weights_over == 0)
        return wf_m_fail_plain(error, rc);
    wf_m_fail_limit(error, "training", "weights, features times entities,", WF_HEAD_WEIGHTS_MAX,
                    course->weights_over);
    wf_m_error_field(error, "training_data");
    wf_m_error_suggest(error, "Use mode 'zero-shot' for catalogues as large as this one");
    return rc;
}

/* Remembers what was learnt from and how, so that a change of the catalogue can learn again. */
static void keep_aim(weft_matcher *matcher, const wf_scorer *scorer, const struct aim *aim,
                     const weft_m_trial *trial)
{
    wf_examples *old = matcher->examples;
    matcher->learnt = wf_head_class(scorer->cls->mode);
    matcher->is_hybrid = scorer->cls == &wf_scorer_hybrid;
    matcher->examples = matcher->learnt != NULL ? wf_examples_ref(aim->examples) : NULL;
    wf_examples_unref(old);
    pthread_mutex_lock(&matcher->lock);
    matcher->example_count = matcher->examples != NULL ? matcher->examples->count : 0;
    matcher->trial = *trial;
    pthread_mutex_unlock(&matcher->lock);
}

static int build(wf_course *course, wf_catalogue *catalogue, const struct aim *aim)
{
    wf_call *call = course->call;
    weft_matcher *matcher = call->matcher;
    weft_time started = wf_sys_now();
    weft_m_trial trial = {0};
    wf_scorer *scorer = NULL;
    set_fitting(matcher, true);
    int rc = wf_matcher_read_model(matcher, call->error);
    if (rc < 0) {
        set_fitting(matcher, false);
        return rc;
    }
    rc = make_scorer(course, catalogue, aim, &scorer, &trial);
    if (rc == 0)
        rc = wf_matcher_publish(matcher, scorer);
    if (rc == 0)
        keep_aim(matcher, scorer, aim, &trial);
    set_fitting(matcher, false);
    wf_scorer_unref(scorer);
    if (rc < 0)
        return fail_build(course, rc);
    wf_metric(matcher, "fit_duration", (double)(wf_sys_now() - started) / (double)WEFT_SEC,
              "seconds", "fit");
    return 0;
}

int wf_matcher_build(wf_call *call, wf_catalogue *catalogue)
{
    wf_course course = {.call = call};
    weft_matcher *matcher = call->matcher;
    bool is_first = matcher->snapshot_number == 0; /* nothing is kept: the mode of open decides */
    const struct aim aim = {.cls = matcher->learnt,
                            .examples = matcher->examples,
                            .is_hybrid = is_first ? strcmp(matcher->mode, "hybrid") == 0
                                                  : matcher->is_hybrid};
    return build(&course, catalogue, &aim);
}

/* ---- the first fit ---- */

static int fail_no_data(weft_m_error *error)
{
    wf_m_fail(error, -WEFT_M_EVALID,
              "training_data is required for modes 'head-only', 'full', and 'bert'");
    wf_m_error_field(error, "training_data");
    wf_m_error_suggest(error, "Give examples, or use mode 'zero-shot'");
    return -WEFT_M_EVALID;
}

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
    if (*out == NULL && wf_head_class(matcher->mode) != NULL)
        rc = fail_no_data(call->error);
    else if (*out == NULL) {
        wf_catalogue *catalogue = wf_matcher_catalogue(matcher);
        rc = wf_matcher_build(call, catalogue);
        wf_catalogue_unref(catalogue);
        if (rc == 0)
            *out = wf_matcher_snapshot(matcher);
    }
    wf_gate_leave(&matcher->changes, WF_GATE_EXCLUSIVE);
    return rc;
}

/* ---- fit ---- */

/* Zero-shot and hybrid ignore examples; auto with examples tries, and so does full. */
static int read_mode(wf_call *call, const char *mode, const weft_m_example *examples,
                     size_t example_count, struct aim *aim)
{
    aim->is_hybrid = strcmp(mode, "hybrid") == 0;
    aim->cls = wf_head_class(mode);
    aim->is_auto = strcmp(mode, "auto") == 0 && examples != NULL;
    aim->is_tried = aim->is_auto || aim->cls == &wf_scorer_full;
    if (aim->cls == NULL && !aim->is_auto)
        return 0;
    if (examples == NULL)
        return fail_no_data(call->error);
    wf_catalogue *catalogue = wf_matcher_catalogue(call->matcher);
    int rc = wf_check_examples(examples, example_count, catalogue, call->error);
    wf_catalogue_unref(catalogue);
    return rc;
}

static int check_number(const char *name, double value, double least, double most,
                        weft_m_error *error)
{
    if (value >= least && value <= most)
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "%s must be between %g and %g, got %g", name, least, most,
              value);
    wf_m_error_field(error, "%s", name);
    return -WEFT_M_EVALID;
}

static int read_plan(const weft_m_fit_options *options, wf_plan *out, weft_m_error *error)
{
    int rc = check_number("head_c", options->head_c, 1e-9, WF_PLAN_C_MAX, error);
    if (rc == 0)
        rc = check_number("weight_decay", options->weight_decay, 0, WF_PLAN_DECAY_MAX, error);
    if (rc == 0)
        rc = check_number("num_epochs", options->num_epochs, 0, WF_PLAN_EPOCHS_MAX, error);
    if (rc == 0)
        rc = check_number("num_iterations", options->num_iterations, 0, WF_PLAN_EPOCHS_MAX, error);
    if (rc == 0)
        rc = check_number("batch_size", options->batch_size, 0, WF_PLAN_BATCH_MAX, error);
    *out = (wf_plan){.head_c = options->head_c,
                     .weight_decay = options->weight_decay,
                     .seed = options->seed,
                     .epochs = options->num_epochs,
                     .iterations = options->num_iterations,
                     .batch = options->batch_size};
    return rc;
}

static int fit_alone(wf_course *course, struct aim *aim)
{
    wf_call *call = course->call;
    int rc = wf_gate_enter(&call->matcher->changes, WF_GATE_EXCLUSIVE);
    if (rc < 0)
        return wf_m_fail_plain(call->error, rc);
    wf_catalogue *catalogue = wf_matcher_catalogue(call->matcher);
    if (aim->is_auto)
        aim->cls = wf_trial_resolve(catalogue, aim->examples);
    rc = build(course, catalogue, aim);
    wf_catalogue_unref(catalogue);
    wf_gate_leave(&call->matcher->changes, WF_GATE_EXCLUSIVE);
    return rc;
}

static int fit(wf_call *call, const weft_m_example *examples, size_t example_count,
               const weft_m_fit_options *options)
{
    const char *mode = call->matcher->mode;
    struct aim aim = {0};
    wf_plan plan;
    int rc = 0;
    if (options->mode.ptr != NULL)
        rc = wf_check_mode(options->mode, &mode, call->error);
    if (rc == 0)
        rc = read_mode(call, mode, examples, example_count, &aim);
    if (rc == 0)
        rc = read_plan(options, &plan, call->error);
    if (rc == 0 && (aim.cls != NULL || aim.is_auto)) {
        rc = wf_examples_new(&aim.examples, examples, example_count, &plan);
        rc = rc < 0 ? wf_m_fail_plain(call->error, rc) : 0;
    }
    if (rc < 0)
        return rc;
    wf_course course = {
        .call = call, .progress = options->progress, .progress_arg = options->progress_arg};
    rc = fit_alone(&course, &aim);
    wf_examples_unref(aim.examples);
    return rc;
}

int weft_m_fit(weft_matcher *matcher, const weft_m_example *examples, size_t example_count,
               const weft_m_fit_options *options, weft_m_error *error)
{
    weft_m_fit_options full;
    weft_m_fit_options_init(&full);
    if (options != NULL)
        memcpy(&full, options, options->size < sizeof(full) ? options->size : sizeof(full));
    wf_call call;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_FIT, error);
    return rc < 0 ? rc : wf_call_end(&call, fit(&call, examples, example_count, &full));
}
