/* SPDX-License-Identifier: MIT */

/* Novelty: what is asked, the detector it needs, the decision. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/error.h"
#include "match/train/head.h"

#include <assert.h>
#include <math.h>
#include <string.h>
#include <weft/novelty.h>

void weft_m_novelty_options_init(weft_m_novelty_options *options)
{
    *options = (weft_m_novelty_options){
        .size = sizeof(*options), .alpha = 0.05, .neighbours = 1, .top_k = 5, .threshold = NAN};
}

static void take_options(weft_m_novelty_options *out, const weft_m_novelty_options *given)
{
    weft_m_novelty_options_init(out);
    if (given != NULL)
        memcpy(out, given, given->size < sizeof(*out) ? given->size : sizeof(*out));
}

/* ---- checks ---- */

static int shown(weft_str text)
{
    return wf_utf8_shown(text.ptr, text.len, 40);
}

static int check_strategy(weft_str id, wf_detector_plan *plan, weft_m_error *error)
{
    char ids[200];
    const wf_novel_class *cls = id.ptr != NULL ? wf_novel_class_of(id) : NULL;
    for (size_t i = 0; cls != NULL && i < plan->count; i++) {
        if (plan->classes[i] == cls)
            return 0; /* twice says no more than once */
    }
    if (cls != NULL && plan->count < WF_STRATEGIES_MAX) {
        plan->classes[plan->count++] = cls;
        return 0;
    }
    bool is_left_out = id.ptr != NULL && wf_novel_is_left_out(id);
    wf_novel_ids(ids, sizeof(ids));
    wf_m_fail(error, -WEFT_M_EVALID,
              is_left_out ? "unsupported strategy: %.*s" : "Unknown novelty strategy: %.*s",
              shown(id), id.ptr != NULL ? id.ptr : "");
    wf_m_error_field(error, "strategies");
    wf_m_error_suggest(error, "Use %s", ids);
    return -WEFT_M_EVALID;
}

static int check_combine(weft_str name, wf_detector_plan *plan, weft_m_error *error)
{
    if (name.ptr == NULL || wf_combining_of(name, &plan->combining))
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "Unknown way to combine: %.*s", shown(name), name.ptr);
    wf_m_error_field(error, "combine");
    wf_m_error_suggest(error,
                       "Use 'weighted', 'union', 'intersection', 'voting' or 'meta_learner'");
    return -WEFT_M_EVALID;
}

static int check_neighbours(int64_t neighbours, wf_detector_plan *plan, weft_m_error *error)
{
    plan->params.neighbours = (uint32_t)neighbours;
    if (neighbours >= 1 && neighbours <= WF_NEAR_MAX)
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "neighbours must be between 1 and %u", WF_NEAR_MAX);
    wf_m_error_field(error, "neighbours");
    return -WEFT_M_EVALID;
}

static int check_plan(const weft_m_novelty_options *options, wf_detector_plan *plan,
                      weft_m_error *error)
{
    const weft_str usual = WEFT_STR("calibrated");
    int rc = 0;
    *plan = (wf_detector_plan){0};
    for (size_t i = 0; i < options->strategy_count && options->strategies != NULL && rc == 0; i++)
        rc = check_strategy(options->strategies[i], plan, error);
    if (rc == 0 && plan->count == 0)
        rc = check_strategy(usual, plan, error);
    if (rc == 0)
        rc = check_combine(options->combine, plan, error);
    return rc < 0 ? rc : check_neighbours(options->neighbours, plan, error);
}

static bool is(weft_str text, const char *name)
{
    return text.len == strlen(name) && memcmp(text.ptr, name, text.len) == 0;
}

/* "conformal" among the strategies is the scorer's doubt in the Mondrian form. */
static enum wf_peers peers_of(const weft_m_novelty_options *options)
{
    for (size_t i = 0; i < options->strategy_count && options->strategies != NULL; i++) {
        if (is(options->strategies[i], "conformal"))
            return WF_PEERS_WORDS;
    }
    if (options->calibration.ptr == NULL || is(options->calibration, "local"))
        return WF_PEERS_NEAR;
    return is(options->calibration, "mondrian") ? WF_PEERS_WORDS : WF_PEERS_ALL;
}

static bool is_calibration(weft_str name)
{
    return name.ptr == NULL || is(name, "local") || is(name, "split") || is(name, "mondrian");
}

static int check_rest(const weft_m_novelty_options *options, weft_m_error *error)
{
    weft_str calibration = options->calibration;
    if (!(options->alpha > 0) || !(options->alpha < 1)) {
        wf_m_fail(error, -WEFT_M_EVALID, "alpha must be above 0 and below 1, got %g",
                  options->alpha);
        wf_m_error_field(error, "alpha");
        return -WEFT_M_EVALID;
    }
    if (is_calibration(calibration))
        return isnan(options->threshold) ? 0 : wf_check_threshold(options->threshold, error);
    wf_m_fail(error, -WEFT_M_EVALID, "Unknown calibration: %.*s", shown(calibration),
              calibration.ptr);
    wf_m_error_field(error, "calibration");
    wf_m_error_suggest(error, "Use 'local', 'split' or 'mondrian'");
    return -WEFT_M_EVALID;
}

/* ---- the detector ---- */

wf_detector *wf_matcher_detector(weft_matcher *matcher, const wf_snapshot *snapshot)
{
    pthread_mutex_lock(&matcher->lock);
    wf_detector *detector = matcher->detector;
    bool fits = detector != NULL && detector->scorer == snapshot->scorer;
    detector = fits ? wf_detector_ref(detector) : NULL;
    pthread_mutex_unlock(&matcher->lock);
    return detector;
}

/* The making, and what goes to the executor for it. */
struct making {
    wf_call *call;
    wf_detector *detector;
    const wf_examples *examples; /* NULL: it is not trained */
    wf_rehearsal *rehearsal;     /* NULL with that */
    size_t next;                 /* atomic: sample to be taken */
};

static int make_states(void *arg)
{
    struct making *making = arg;
    wf_seekers *seekers = &making->call->matcher->seekers;
    wf_job job = wf_call_job(making->call);
    wf_seeker *seeker = wf_seekers_take(seekers);
    if (seeker == NULL)
        return -ENOMEM;
    int rc = wf_detector_make(making->detector, making->examples, seeker, &job);
    wf_seekers_give(seekers, seeker);
    return rc;
}

static int take_samples(void *arg)
{
    struct making *making = arg;
    wf_seekers *seekers = &making->call->matcher->seekers;
    wf_job job = wf_call_job(making->call);
    size_t count = wf_detector_sample_count(making->detector);
    wf_seeker *seeker = wf_seekers_take(seekers);
    int rc = seeker != NULL ? 0 : -ENOMEM;
    while (rc == 0) {
        size_t index = __atomic_fetch_add(&making->next, 1, __ATOMIC_RELAXED);
        if (index >= count)
            break;
        rc = wf_detector_take_sample(making->detector, index, making->rehearsal, seeker, &job);
    }
    wf_seekers_give(seekers, seeker);
    return rc;
}

static int calibrate(void *arg)
{
    const struct making *making = arg;
    return wf_detector_calibrate(making->detector);
}

/* The samples of the file, if they are of this plan and nothing has changed since: they are used
 * up.
 */
static bool take_loaded(weft_matcher *matcher, wf_detector *detector)
{
    wf_detector_kept *loaded = NULL;
    pthread_mutex_lock(&matcher->lock);
    bool is_present = matcher->snapshot != NULL && matcher->snapshot->scorer == detector->scorer;
    if (is_present && matcher->loaded != NULL &&
        wf_detector_plan_equals(&matcher->loaded->plan, &detector->plan)) {
        loaded = matcher->loaded;
        matcher->loaded = NULL;
    }
    pthread_mutex_unlock(&matcher->lock);
    if (loaded == NULL)
        return false;
    detector->samples = loaded->samples;
    loaded->samples = (wf_samples){0};
    wf_detector_kept_free(loaded);
    return true;
}

static int sample(struct making *making)
{
    int rc = wf_detector_begin_samples(making->detector, NULL);
    return rc < 0 ? rc : wf_work_spread(take_samples, making, wf_work_width());
}

static int run_round(struct making *making, uint32_t round)
{
    wf_course course = {.call = making->call};
    int rc = wf_rehearsal_begin(making->rehearsal, round);
    if (rc > 0)
        rc = wf_course_build(&course, making->rehearsal->scorer);
    making->next = 0;
    return rc < 0 ? rc : wf_work_spread(take_samples, making, wf_work_width());
}

static int rehearse(struct making *making)
{
    wf_rehearsal rehearsal;
    int rc = wf_rehearsal_init(&rehearsal, making->detector->scorer, WF_SAMPLE_MAX);
    making->rehearsal = &rehearsal;
    if (rc == 0)
        rc = wf_detector_begin_samples(making->detector, &rehearsal);
    for (uint32_t round = 0; round <= WF_ROUND_WHOLE && rc == 0; round++)
        rc = run_round(making, round);
    making->rehearsal = NULL;
    wf_rehearsal_fini(&rehearsal);
    return rc;
}

static int make_detector(struct making *making)
{
    weft_matcher *matcher = making->call->matcher;
    weft_time started = wf_sys_now();
    int rc = wf_work_run(make_states, making);
    if (rc == 0 && !take_loaded(matcher, making->detector))
        rc = making->examples != NULL ? rehearse(making) : sample(making);
    if (rc == 0)
        rc = wf_work_run(calibrate, making);
    if (rc == 0)
        wf_metric(matcher, "novelty_calibration", (double)(wf_sys_now() - started) / 1e9, "seconds",
                  "novelty");
    return rc;
}

/* Makes it the matcher's if its snapshot is still the present one. */
static void keep_detector(weft_matcher *matcher, wf_detector *detector)
{
    wf_detector *old = NULL;
    pthread_mutex_lock(&matcher->lock);
    if (matcher->snapshot != NULL && matcher->snapshot->scorer == detector->scorer) {
        old = matcher->detector;
        matcher->detector = wf_detector_ref(detector);
    }
    pthread_mutex_unlock(&matcher->lock);
    wf_detector_unref(old);
}

static wf_detector *present_detector(weft_matcher *matcher, const wf_snapshot *snapshot,
                                     const wf_detector_plan *plan)
{
    wf_detector *detector = wf_matcher_detector(matcher, snapshot);
    if (detector != NULL && !wf_detector_plan_equals(&detector->plan, plan)) {
        wf_detector_unref(detector);
        detector = NULL;
    }
    return detector;
}

static int make_alone(wf_call *call, const wf_snapshot *snapshot, const wf_detector_plan *plan,
                      wf_detector **out)
{
    weft_matcher *matcher = call->matcher;
    *out = present_detector(matcher, snapshot, plan); /* another call may have made it meanwhile */
    if (*out != NULL)
        return 0;
    struct making making = {.call = call};
    if (wf_head_class(snapshot->scorer->cls->mode) != NULL)
        making.examples = wf_head_of(snapshot->scorer)->examples;
    int rc = wf_detector_new(&making.detector, snapshot->scorer, plan, &matcher->options);
    if (rc == 0)
        rc = make_detector(&making);
    if (rc == 0)
        keep_detector(matcher, making.detector);
    if (rc == 0)
        *out = making.detector;
    else
        wf_detector_unref(making.detector);
    return rc;
}

/* The detector of this plan and snapshot, a reference, made if need be. */
static int get_detector(wf_call *call, const wf_snapshot *snapshot, const wf_detector_plan *plan,
                        wf_detector **out)
{
    weft_matcher *matcher = call->matcher;
    *out = present_detector(matcher, snapshot, plan);
    if (*out != NULL)
        return 0;
    int rc = wf_gate_enter(&matcher->detecting, WF_GATE_EXCLUSIVE);
    if (rc < 0)
        return rc;
    rc = make_alone(call, snapshot, plan, out);
    wf_gate_leave(&matcher->detecting, WF_GATE_EXCLUSIVE);
    return rc;
}

/* ---- the decision ---- */

static bool is_among(const uint64_t *existing, const weft_m_hit *hit)
{
    return (existing[hit->entity / 64] >> hit->entity % 64 & 1) != 0;
}

/* `existing`: one bit an entity, or NULL for all. */
static void decide(weft_m_novelty_result *item, const uint64_t *existing, float threshold)
{
    bool is_near = item->best != NULL && item->best->score >= threshold;
    bool is_outside = existing != NULL && item->best != NULL && !is_among(existing, item->best);
    if (is_outside)
        item->method = "outside_existing_classes";
    else if (is_near && !item->is_novel)
        item->method = "accepted_known";
    else if (item->is_novel)
        item->method = "novelty_detector";
    else
        item->method = item->best == NULL ? "no_match" : "below_acceptance_threshold";
    item->is_match = is_near && !item->is_novel && !is_outside;
    item->is_novel |= is_outside;
}

static void fill_signals(const wf_detector *detector, const wf_verdict *verdict, double alpha,
                         weft_m_signal *signals)
{
    for (size_t i = 0; i < detector->plan.count; i++) {
        const wf_opinion *opinion = &verdict->opinions[i];
        signals[i] = (weft_m_signal){.strategy = detector->plan.classes[i]->id,
                                     .score = opinion->score,
                                     .p_value = verdict->is_exact ? 1 : opinion->p,
                                     .novel_score = verdict->is_exact ? 0 : opinion->value};
        signals[i].is_novel = signals[i].p_value < alpha;
    }
}

static size_t fill_items(const wf_request *request, const weft_m_novelty_options *options,
                         const uint64_t *existing, wf_novelties *all)
{
    const weft_m_results *results = request->results;
    size_t each = request->detector->plan.count, novel = 0;
    for (size_t i = 0; i < results->count; i++) {
        assert(request->verdicts != NULL); /* there is a text */
        const wf_verdict *verdict = &request->verdicts[i];
        const wf_answer *answer = &results->answers[i];
        weft_m_novelty_result *item = &all->items[i];
        *item = (weft_m_novelty_result){.best = answer->hit_count != 0 ? answer->hits : NULL,
                                        .novel_score = verdict->is_blank ? 1 : verdict->value,
                                        .p_value = verdict->is_blank ? (double)NAN : verdict->p};
        if (!verdict->is_blank) {
            item->is_novel = verdict->p < options->alpha;
            item->signals = all->signals + i * each;
            item->signal_count = each;
            fill_signals(request->detector, verdict, options->alpha, all->signals + i * each);
        }
        decide(item, existing, all->threshold);
        novel += item->is_novel;
    }
    return novel;
}

static int fill_novelties(const wf_request *request, const weft_m_novelty_options *options)
{
    weft_m_results *results = request->results;
    size_t bytes;
    if (!wf_mul_ok(results->count, sizeof(weft_m_novelty_result), &bytes) ||
        !wf_add_ok(bytes, sizeof(wf_novelties), &bytes))
        return -ENOMEM;
    wf_novelties *all = wf_alloc(bytes);
    if (all == NULL)
        return -ENOMEM;
    results->novelties = all;
    all->alpha = options->alpha;
    all->threshold = isnan(options->threshold) ? results->snapshot->threshold : options->threshold;
    all->signals = wf_array(results->count, request->detector->plan.count * sizeof(*all->signals));
    if (all->signals == NULL)
        return -ENOMEM;
    uint64_t *existing = NULL;
    if (options->existing != NULL) {
        existing = wf_catalogue_mark(wf_snapshot_catalogue(results->snapshot), options->existing,
                                     options->existing_count);
        if (existing == NULL)
            return -ENOMEM;
    }
    size_t novel = fill_items(request, options, existing, all);
    wf_free(existing);
    if (results->count == 0)
        return 0;
    wf_metric(request->call->matcher, "novelty_rate", (double)novel / (double)results->count,
              "ratio", "novelty");
    wf_metric(request->call->matcher, "novel_samples_count", (double)novel, "count", "novelty");
    wf_metric_took(request->call, "ood_detection_latency", "novelty");
    return 0;
}

/* ---- the calls ---- */

static int judge(wf_request *request, const weft_m_novelty_options *options,
                 const wf_detector_plan *plan)
{
    weft_m_results *results = request->results;
    wf_detector *detector = NULL;
    wf_slices slices = {.size = 256,
                        .together = 1,
                        .progress = options->progress,
                        .progress_arg = options->progress_arg};
    int rc = get_detector(request->call, results->snapshot, plan, &detector);
    if (rc < 0)
        return wf_m_fail_plain(request->call->error, rc);
    request->detector = detector;
    request->peers = peers_of(options);
    request->verdicts = wf_array(results->count, sizeof(*request->verdicts));
    rc = request->verdicts != NULL ? wf_request_run(request, &slices)
                                   : wf_m_fail_plain(request->call->error, -ENOMEM);
    if (rc == 0) {
        rc = fill_novelties(request, options);
        rc = rc < 0 ? wf_m_fail_plain(request->call->error, rc) : 0;
    }
    wf_free(request->verdicts);
    wf_detector_unref(detector);
    return rc;
}

static int check_all(const weft_matcher *matcher, const weft_str *queries, size_t query_count,
                     const weft_m_novelty_options *options, weft_m_query *query,
                     wf_detector_plan *plan, weft_m_error *error)
{
    weft_m_query_init(query);
    query->top_k = options->top_k;
    query->threshold = 0;
    int rc = check_plan(options, plan, error);
    if (rc == 0)
        rc = check_rest(options, error);
    return rc < 0 ? rc : wf_m_request_check(matcher, queries, query_count, query, error);
}

int weft_m_novelty(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                   const weft_m_novelty_options *options, weft_m_results **out_results,
                   weft_m_error *error)
{
    weft_m_novelty_options full;
    wf_detector_plan plan;
    weft_m_query query;
    wf_call call;
    wf_request request;
    take_options(&full, options);
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_NOVELTY, error);
    if (rc < 0)
        return rc;
    rc = check_all(matcher, queries, query_count, &full, &query, &plan, error);
    if (rc == 0) {
        rc = wf_request_open(&request, &call, queries, query_count, &query);
        if (rc == 0)
            rc = judge(&request, &full, &plan);
        rc = wf_request_close(&request, rc, out_results);
    }
    return wf_call_end(&call, rc);
}

static int prepare(wf_call *call, const weft_m_novelty_options *options)
{
    wf_detector_plan plan;
    wf_snapshot *snapshot = NULL;
    wf_detector *detector = NULL;
    int rc = check_plan(options, &plan, call->error);
    if (rc == 0)
        rc = wf_matcher_ready(call, &snapshot);
    if (snapshot == NULL)
        return rc;
    rc = get_detector(call, snapshot, &plan, &detector);
    wf_snapshot_unref(snapshot);
    wf_detector_unref(detector);
    return rc < 0 ? wf_m_fail_plain(call->error, rc) : 0;
}

int weft_m_novelty_prepare(weft_matcher *matcher, const weft_m_novelty_options *options,
                           weft_m_error *error)
{
    weft_m_novelty_options full;
    wf_call call;
    take_options(&full, options);
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_NOVELTY, error);
    return rc < 0 ? rc : wf_call_end(&call, prepare(&call, &full));
}
