/* SPDX-License-Identifier: MIT */

/* Explain and diagnose: a match at threshold 0, and why it came out so. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/json_write.h"
#include "match/check.h"
#include "match/error.h"

#include <math.h>
#include <string.h>

#define SHARES_MAX 20u

/* The explanation and what its pointers lead to. */
struct explanation {
    weft_m_explanation shown; /* first: this is what the caller holds */
    weft_m_results *results;
    char *query, *normal, *shared_text, *issue, *suggestion;
    weft_m_evidence *evidence;
    weft_m_shared *shared;
    weft_m_part *parts;
};

/* What goes to the executor. */
struct search {
    wf_request *request;
    struct explanation *explanation;
    wf_seeker *seeker, *spare;
};

void weft_m_explanation_free(weft_m_explanation *explanation)
{
    struct explanation *all = (struct explanation *)explanation;
    if (all == NULL)
        return;
    weft_m_results_free(all->results);
    wf_free(all->query);
    wf_free(all->normal);
    wf_free(all->shared_text);
    wf_free(all->issue);
    wf_free(all->suggestion);
    wf_free(all->evidence);
    wf_free(all->shared);
    wf_free(all->parts);
    wf_free(all);
}

static int keep_text(char **keep, weft_str *out, const char *text, size_t len)
{
    *keep = wf_strdup(text, len);
    if (*keep == NULL)
        return -ENOMEM;
    *out = (weft_str){*keep, len};
    return 0;
}

static int explanation_new(struct explanation **out, weft_str query, float threshold)
{
    struct explanation *all = wf_alloc(sizeof(*all));
    if (all == NULL)
        return -ENOMEM;
    all->shown.threshold = threshold;
    int rc = keep_text(&all->query, &all->shown.query, query.ptr, query.len);
    if (rc < 0) {
        weft_m_explanation_free(&all->shown);
        return rc;
    }
    *out = all;
    return 0;
}

/* ---- evidence ---- */

/* "_ger" for a run at the start of a word, "germany" for a word. */
static void write_share(wf_buf *buf, weft_str text, const wf_share *share)
{
    if (!share->is_word && share->at_word_start)
        wf_buf_putc(buf, '_');
    wf_buf_append(buf, text.ptr + share->start, share->bytes);
    if (!share->is_word && share->at_word_end)
        wf_buf_putc(buf, '_');
}

/* Of one hit.  Texts go to seeker->shown; until all are there, `ptr` is their offset. */
static int explain_hit(const struct search *search, size_t index)
{
    struct explanation *all = search->explanation;
    wf_snapshot *snapshot = all->results->snapshot;
    wf_seeker *seeker = search->seeker;
    wf_share shares[SHARES_MAX];
    const weft_m_hit *hit = &all->shown.hits[index];
    weft_m_evidence *evidence = &all->evidence[index];
    uint32_t row = wf_snapshot_catalogue(snapshot)->row_start[hit->entity] + hit->row;
    int count = snapshot->scorer->cls->explain(snapshot->scorer, seeker, search->spare, row, shares,
                                               SHARES_MAX);
    if (count < 0)
        return count;
    weft_m_shared *shared = all->shared + index * SHARES_MAX;
    for (int i = 0; i < count; i++) {
        size_t before = wf_buf_bytes(&seeker->shown);
        write_share(&seeker->shown, seeker->text, &shares[i]);
        shared[i] = (weft_m_shared){.weight = shares[i].weight, .is_word = shares[i].is_word};
        shared[i].text.len = wf_buf_bytes(&seeker->shown) - before;
    }
    weft_m_part *parts = all->parts + index * WF_PARTS_MAX;
    if (snapshot->scorer->cls->parts != NULL)
        evidence->part_count =
            snapshot->scorer->cls->parts(snapshot->scorer, seeker, hit->entity, parts);
    evidence->parts = evidence->part_count != 0 ? parts : NULL;
    evidence->shared = shared;
    evidence->shared_count = (size_t)count;
    bool is_last = index + 1 == all->shown.hit_count;
    evidence->margin = is_last ? NAN : hit->score - all->shown.hits[index + 1].score;
    return seeker->shown.rc;
}

/* Gives the texts their place: they stand one after the other. */
static int place_texts(struct explanation *all, const wf_buf *texts)
{
    all->shared_text = wf_strdup(wf_buf_ptr(texts), wf_buf_bytes(texts));
    if (all->shared_text == NULL)
        return -ENOMEM;
    const char *at = all->shared_text;
    for (size_t i = 0; i < all->shown.hit_count; i++) {
        weft_m_shared *shared = all->shared + i * SHARES_MAX;
        for (size_t k = 0; k < all->evidence[i].shared_count; k++) {
            shared[k].text.ptr = at;
            at += shared[k].text.len;
        }
    }
    return 0;
}

static int gather_evidence(const struct search *search)
{
    struct explanation *all = search->explanation;
    size_t count = all->shown.hit_count;
    all->evidence = wf_array(count, sizeof(*all->evidence));
    all->shared = wf_array(count, SHARES_MAX * sizeof(*all->shared));
    all->parts = wf_array(count, WF_PARTS_MAX * sizeof(*all->parts));
    if (all->evidence == NULL || all->shared == NULL || all->parts == NULL)
        return -ENOMEM;
    all->shown.evidence = all->evidence;
    wf_buf_reset(&search->seeker->shown);
    wf_job job = wf_call_job(search->request->call);
    for (size_t i = 0; i < count; i++) {
        int rc = wf_job_poll(&job);
        if (rc == 0)
            rc = explain_hit(search, i);
        if (rc < 0)
            return rc;
    }
    return place_texts(all, &search->seeker->shown);
}

static int explain_found(const struct search *search)
{
    struct explanation *all = search->explanation;
    const weft_m_options *options = &search->request->call->matcher->options;
    int rc = wf_seeker_read(search->seeker, options, all->shown.query);
    if (rc == 0 && options->normalize)
        rc = keep_text(&all->normal, &all->shown.query_normalized, search->seeker->text.ptr,
                       search->seeker->text.len);
    wf_scorer *scorer = all->results->snapshot->scorer;
    wf_job job = wf_call_job(search->request->call);
    wf_ask ask = {.raw = all->shown.query, .top_k = all->results->top_k, .job = &job};
    if (rc == 0)
        rc = scorer->cls->explain_query(scorer, search->seeker, &ask);
    return rc < 0 ? rc : gather_evidence(search);
}

static int explain_here(void *arg)
{
    struct search *search = arg;
    wf_seekers *seekers = &search->request->call->matcher->seekers;
    search->seeker = wf_seekers_take(seekers);
    search->spare = wf_seekers_take(seekers);
    int rc = search->seeker != NULL && search->spare != NULL ? explain_found(search) : -ENOMEM;
    wf_seekers_give(seekers, search->seeker);
    wf_seekers_give(seekers, search->spare);
    return rc;
}

/* ---- explain ---- */

static int explain_in(wf_call *call, wf_snapshot *snapshot, weft_str query, size_t top_k,
                      struct explanation **out)
{
    struct explanation *all;
    int rc = explanation_new(&all, query, snapshot->threshold);
    if (rc < 0)
        return rc;
    wf_request request = {.call = call, .queries = &query};
    struct search search = {.request = &request, .explanation = all};
    weft_m_explanation *shown = &all->shown;
    shown->is_ready = true;
    shown->mode = wf_snapshot_mode(snapshot);
    shown->active_matcher = wf_snapshot_matcher(snapshot);

    rc = -ENOMEM;
    all->results = request.results = wf_results_new(snapshot, 1, top_k, /* threshold= */ 0);
    if (all->results == NULL)
        goto out;
    rc = wf_request_match(&request, 0, 1);
    if (rc < 0)
        goto out;
    shown->results = all->results;
    shown->hits = weft_m_results_hits(all->results, 0, &shown->hit_count);
    shown->is_matched = shown->hit_count != 0 && shown->hits[0].score >= shown->threshold;
    rc = wf_work_run(explain_here, &search);
    if (rc < 0)
        goto out;
    *out = all;
    all = NULL;
out:
    if (all != NULL)
        weft_m_explanation_free(&all->shown);
    return rc;
}

static int check_call(weft_matcher *matcher, weft_str query, int64_t top_k, weft_m_error *error)
{
    int rc = wf_check_top_k(top_k, matcher->options.top_k_max, error);
    return rc < 0 ? rc : wf_check_queries(&query, 1, &matcher->options, error);
}

static int fail_not_ready(weft_m_error *error)
{
    wf_m_fail(error, -WEFT_M_ENOTREADY, "Matcher not ready. Call fit() first.");
    wf_m_error_suggest(error, "Call fit() once, or match(), which fits by itself");
    return -WEFT_M_ENOTREADY;
}

static int explain(wf_call *call, weft_str query, int64_t top_k, weft_m_explanation **out)
{
    int rc = check_call(call->matcher, query, top_k, call->error);
    if (rc < 0)
        return rc;
    wf_snapshot *snapshot = wf_matcher_snapshot(call->matcher);
    if (snapshot == NULL)
        return fail_not_ready(call->error);
    struct explanation *all;
    rc = explain_in(call, snapshot, query, (size_t)top_k, &all);
    wf_snapshot_unref(snapshot);
    if (rc < 0)
        return wf_m_fail_plain(call->error, rc);
    *out = &all->shown;
    wf_metric_took(call, "evidence_latency", weft_m_op_name(call->op));
    return 0;
}

int weft_m_explain(weft_matcher *matcher, weft_str query, int64_t top_k, weft_m_explanation **out,
                   weft_m_error *error)
{
    wf_call call;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_EXPLAIN, error);
    return rc < 0 ? rc : wf_call_end(&call, explain(&call, query, top_k, out));
}

/* ---- diagnose ---- */

static int keep_buf(char **keep, weft_str *out, wf_buf *buf)
{
    int rc = buf->rc;
    if (rc == 0)
        rc = keep_text(keep, out, wf_buf_ptr(buf), wf_buf_bytes(buf));
    wf_buf_fini(buf);
    return rc;
}

static int say(struct explanation *all, wf_buf *issue, wf_buf *suggestion)
{
    int rc = keep_buf(&all->issue, &all->shown.issue, issue);
    int also = keep_buf(&all->suggestion, &all->shown.suggestion, suggestion);
    return rc < 0 ? rc : also;
}

/* A score is a probability by default: with a threshold below this most of what is let in would be
 * wrong by its own word. */
#define TENTHS_SENSIBLE 3

/* Below this the text means none of them, or could mean many. */
#define LIKELY_MIN 0.1f

/* Is the second about as likely as the first? */
static bool has_several(const struct explanation *all)
{
    const weft_m_hit *hits = all->shown.hits;
    return all->shown.hit_count > 1 && hits[0].score >= LIKELY_MIN &&
           2 * hits[1].score >= hits[0].score;
}

static int say_below(struct explanation *all)
{
    wf_buf issue = {0}, suggestion = {0};
    double score = (double)all->shown.hits[0].score;
    int tenths = (int)floor(score * 10);
    wf_buf_printf(&issue, "Score %.2f below threshold ", score);
    wf_json_float(&(wf_json){.out = &issue}, all->shown.threshold);
    if (tenths >= TENTHS_SENSIBLE)
        wf_buf_printf(&suggestion,
                      "Lower the threshold to 0.%d (--threshold of weft match, "
                      "weft_m_set_threshold() in C), or add the text as an alias",
                      tenths);
    else if (has_several(all))
        wf_buf_puts(&suggestion,
                    "Several are about as likely: offer all of them, or add the text as "
                    "an alias of the one it means");
    else
        wf_buf_puts(&suggestion, "The text is likely novel: add it as an entity, or as an alias of "
                                 "the one it means");
    return say(all, &issue, &suggestion);
}

static int say_issue(struct explanation *all)
{
    wf_buf issue = {0}, suggestion = {0};
    if (all->shown.is_matched)
        return 0;
    if (all->shown.hit_count != 0)
        return say_below(all);
    wf_buf_puts(&issue, "No candidates found");
    wf_buf_puts(&suggestion, "Check that the query is not blank and that the catalogue holds "
                             "what is asked for");
    return say(all, &issue, &suggestion);
}

static int say_not_ready(struct explanation *all)
{
    wf_buf issue = {0}, suggestion = {0};
    wf_buf_puts(&issue, "Matcher not ready");
    wf_buf_puts(&suggestion, "Call fit() first");
    return say(all, &issue, &suggestion);
}

static int diagnose_in(wf_call *call, wf_snapshot *snapshot, weft_str query, size_t top_k,
                       struct explanation **out)
{
    int rc = snapshot != NULL ? explain_in(call, snapshot, query, top_k, out)
                              : explanation_new(out, query, call->matcher->options.threshold);
    if (rc < 0)
        return rc;
    (*out)->shown.is_diagnosis = true;
    rc = snapshot != NULL ? say_issue(*out) : say_not_ready(*out);
    if (rc < 0)
        weft_m_explanation_free(&(*out)->shown);
    return rc;
}

static int diagnose(wf_call *call, weft_str query, int64_t top_k, weft_m_explanation **out)
{
    int rc = check_call(call->matcher, query, top_k, call->error);
    if (rc < 0)
        return rc;
    wf_snapshot *snapshot = wf_matcher_snapshot(call->matcher);
    struct explanation *all;
    rc = diagnose_in(call, snapshot, query, (size_t)top_k, &all);
    wf_snapshot_unref(snapshot);
    if (rc < 0)
        return wf_m_fail_plain(call->error, rc);
    *out = &all->shown;
    if (all->shown.is_ready)
        wf_metric_took(call, "evidence_latency", weft_m_op_name(call->op));
    return 0;
}

int weft_m_diagnose(weft_matcher *matcher, weft_str query, int64_t top_k, weft_m_explanation **out,
                    weft_m_error *error)
{
    wf_call call;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_DIAGNOSE, error);
    return rc < 0 ? rc : wf_call_end(&call, diagnose(&call, query, top_k, out));
}
