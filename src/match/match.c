/* SPDX-License-Identifier: MIT */

/* Match and batch. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/error.h"

#include <math.h>
#include <string.h>

/* Fewer queries than this for each thread are not worth a second one. */
#define QUERIES_EACH_MIN 8u

/* Queries a thread takes at a time that are answered one by one, and, of those that are asked
 * together, the fewest: as many as a panel has. */
#define QUERIES_TAKEN 4u
#define TOGETHER_MIN 16u

/* ---- answering ---- */

/* Shared by the threads that answer one range of queries. */
struct range {
    wf_request *request;
    size_t next, end; /* `next` is atomic */
    size_t pieces;    /* threads, at most */
};

/* A verdict rests on as many entities as the samples did, however many are shown. */
static int judge_one(const wf_request *request, size_t index, wf_seeker *seeker, const wf_ask *ask)
{
    const weft_m_options *options = &request->call->matcher->options;
    wf_scorer *scorer = request->results->snapshot->scorer;
    wf_ask judged = *ask;
    judged.top_k = WF_NOVEL_FOUND;
    int rc = scorer->cls->find(scorer, seeker, &judged);
    if (rc == 0)
        rc = wf_detector_judge(request->detector, seeker, &judged, request->peers,
                               &request->verdicts[index]);
    wf_rank_cut(&seeker->rank, ask->top_k);
    if (rc < 0 || ask->top_k <= WF_NOVEL_FOUND)
        return rc;
    rc = wf_seeker_read(seeker, options, ask->raw);
    return rc < 0 ? rc : scorer->cls->find(scorer, seeker, ask);
}

static wf_ask ask_of(const wf_request *request, size_t index, const wf_job *job)
{
    return (wf_ask){.raw = request->queries[index],
                    .allowed = request->allowed,
                    .top_k = request->results->top_k,
                    .threshold = request->results->threshold,
                    .blocking_top_k = request->blocking_top_k,
                    .retrieval_top_k = request->retrieval_top_k,
                    .final_top_k = request->final_top_k,
                    .job = job};
}

/* 1 if there is something to ask, 0 if the query is blank and so its answer empty. */
static int read_one(const wf_request *request, size_t index, wf_seeker *seeker)
{
    const weft_m_options *options = &request->call->matcher->options;
    int rc = wf_seeker_read(seeker, options, request->queries[index]);
    if (rc < 0)
        return rc;
    request->results->answers[index].was_cut = seeker->was_cut;
    bool is_blank = wf_utf8_is_blank(seeker->text);
    if (is_blank && request->verdicts != NULL)
        request->verdicts[index].is_blank = true;
    return !is_blank;
}

static int answer_one(const wf_request *request, size_t index, wf_seeker *seeker)
{
    weft_m_results *results = request->results;
    const weft_m_options *options = &request->call->matcher->options;
    wf_scorer *scorer = results->snapshot->scorer;
    wf_job job = wf_call_job(request->call);
    wf_ask ask = ask_of(request, index, &job);
    int rc = read_one(request, index, seeker);
    if (rc <= 0)
        return rc;
    if (results->kinships != NULL)
        return wf_kin_answer(&results->kinships->plan, scorer, seeker, options, &ask,
                             &results->kinships->items[index]);
    rc = request->verdicts != NULL ? judge_one(request, index, seeker, &ask)
                                   : scorer->cls->find(scorer, seeker, &ask);
    return rc < 0 ? rc : wf_results_fill(results, index, seeker, options);
}

/* Questions asked together, and which queries they are. */
struct crowd {
    const wf_request *request;
    wf_ask asks[WF_VOLLEY_MAX];
    size_t indices[WF_VOLLEY_MAX];
};

static int take_answer(void *arg, size_t at, wf_seeker *seeker)
{
    const struct crowd *crowd = arg;
    const wf_request *request = crowd->request;
    return wf_results_fill(request->results, crowd->indices[at], seeker,
                           &request->call->matcher->options);
}

/* Queries [first, end), at most WF_VOLLEY_MAX. */
static int answer_together(const wf_request *request, size_t first, size_t end, wf_seeker *seeker)
{
    wf_scorer *scorer = request->results->snapshot->scorer;
    wf_job job = wf_call_job(request->call);
    struct crowd *crowd = wf_alloc(sizeof(*crowd));
    size_t count = 0;
    int rc = crowd != NULL ? 0 : -ENOMEM;
    for (size_t at = first; at < end && rc >= 0; at++) {
        rc = read_one(request, at, seeker);
        if (rc > 0) {
            crowd->asks[count] = ask_of(request, at, &job);
            crowd->indices[count++] = at;
        }
    }
    if (rc >= 0)
        crowd->request = request;
    rc = rc < 0 || count == 0
             ? rc
             : scorer->cls->find_each(scorer, seeker, crowd->asks, count, take_answer, crowd);
    wf_free(crowd);
    return rc < 0 ? rc : 0;
}

/* Verdicts and kinships ask more than one question a query. */
static size_t together(const wf_request *request)
{
    bool is_plain = request->verdicts == NULL && request->results->kinships == NULL;
    return is_plain ? wf_scorer_together(request->results->snapshot->scorer) : 1;
}

/* Takes the next queries of a range, [*out_first, returned end): fewer near its end, so that all
 * threads end at once. */
static size_t take_queries(struct range *range, size_t most, size_t *out_first)
{
    size_t first = __atomic_load_n(&range->next, __ATOMIC_RELAXED), end;
    do {
        size_t left = first < range->end ? range->end - first : 0;
        size_t count = most > 1 ? left / (2 * range->pieces) : QUERIES_TAKEN;
        count = most > 1 && count < TOGETHER_MIN ? TOGETHER_MIN : count;
        count = most > 1 && count > most ? most : count;
        end = first + (count < left ? count : left);
    } while (!__atomic_compare_exchange_n(&range->next, &first, end, /* weak= */ true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    *out_first = first;
    return end;
}

static int answer_some(struct range *range, wf_seeker *seeker)
{
    const wf_request *request = range->request;
    uint64_t cached = seeker->cached_count, encoded = seeker->encoded_count;
    size_t most = together(request), at, end;
    int rc = 0;
    while (rc == 0 && (end = take_queries(range, most, &at)) > at) {
        bool is_crowd = most > 1 && end - at > 1;
        if (is_crowd)
            rc = answer_together(request, at, end, seeker);
        for (; !is_crowd && at < end && rc == 0; at++)
            rc = answer_one(request, at, seeker);
    }
    __atomic_add_fetch(&range->request->cached, seeker->cached_count - cached, __ATOMIC_RELAXED);
    __atomic_add_fetch(&range->request->encoded, seeker->encoded_count - encoded, __ATOMIC_RELAXED);
    return rc;
}

static int answer_piece(void *arg)
{
    struct range *range = arg;
    wf_seekers *seekers = &range->request->call->matcher->seekers;
    wf_seeker *seeker = wf_seekers_take(seekers);
    if (seeker == NULL)
        return -ENOMEM;
    int rc = answer_some(range, seeker);
    wf_seekers_give(seekers, seeker);
    return rc;
}

int wf_request_match(wf_request *request, size_t first, size_t count)
{
    size_t pieces = count / QUERIES_EACH_MIN, width = wf_work_width();
    pieces = pieces < width ? pieces : width;
    struct range range = {
        .request = request, .next = first, .end = first + count, .pieces = pieces > 1 ? pieces : 1};
    if (pieces > 1)
        return wf_work_spread(answer_piece, &range, pieces);
    return wf_work_run(answer_piece, &range);
}

/* ---- asking ---- */

int wf_m_request_check(const weft_matcher *matcher, const weft_str *queries, size_t query_count,
                       const weft_m_query *query, weft_m_error *error)
{
    const weft_m_options *options = &matcher->options;
    int rc = wf_check_top_k(query->top_k, options->top_k_max, error);
    if (rc == 0 && !isnan(query->threshold))
        rc = wf_check_threshold(query->threshold, error);
    if (rc == 0)
        rc = wf_check_queries(queries, query_count, options, error);
    return rc;
}

static int allow(wf_request *request, const weft_m_query *query)
{
    if (query->candidates == NULL)
        return 0;
    const wf_catalogue *catalogue = wf_snapshot_catalogue(request->results->snapshot);
    request->allowed = wf_catalogue_mark(catalogue, query->candidates, query->candidate_count);
    return request->allowed != NULL ? 0 : -ENOMEM;
}

int wf_request_open(wf_request *request, wf_call *call, const weft_str *queries, size_t query_count,
                    const weft_m_query *query)
{
    wf_snapshot *snapshot;
    *request = (wf_request){.call = call,
                            .queries = queries,
                            .blocking_top_k = query->blocking_top_k,
                            .retrieval_top_k = query->retrieval_top_k,
                            .final_top_k = query->final_top_k};
    int rc = wf_matcher_ready(call, &snapshot);
    if (rc < 0)
        return rc;
    float threshold = isnan(query->threshold) ? snapshot->threshold : query->threshold;
    request->results = wf_results_new(snapshot, query_count, (size_t)query->top_k, threshold);
    wf_snapshot_unref(snapshot);
    rc = request->results != NULL ? allow(request, query) : -ENOMEM;
    return rc < 0 ? wf_m_fail_plain(call->error, rc) : 0;
}

static void tell_metrics(const wf_request *request)
{
    weft_matcher *matcher = request->call->matcher;
    const char *stage = weft_m_op_name(request->call->op);
    weft_time took = wf_sys_now() - request->call->started;
    wf_metric(matcher, "match_latency", (double)took / (double)WEFT_SEC, "seconds", stage);
    wf_metric(matcher, "match_batch_size", (double)request->results->count, "count", stage);
    if (request->cached != 0)
        wf_metric(matcher, "cache_hits", (double)request->cached, "count", stage);
    if (request->encoded != 0)
        wf_metric(matcher, "embeddings_generated", (double)request->encoded, "count", stage);
}

int wf_request_close(wf_request *request, int rc, weft_m_results **out_results)
{
    wf_free(request->allowed);
    if (rc < 0) {
        weft_m_results_free(request->results);
        return rc;
    }
    __atomic_add_fetch(&request->call->matcher->stats.query_count, request->results->count,
                       __ATOMIC_RELAXED);
    tell_metrics(request);
    *out_results = request->results;
    return 0;
}

/* Slices that take less than this go two by two, and so on: a hop to the threads costs as much as
 * ten queries. */
#define TOGETHER_TIME WEFT_MS
#define TOGETHER_MAX 64u

/* Tells of each slice of the queries [from, done). */
static int tell_slices(const wf_request *request, const wf_slices *slices, size_t from, size_t done)
{
    size_t total = request->results->count;
    while (slices->progress != NULL && from < done) {
        from = slices->size < done - from ? from + slices->size : done;
        int rc = slices->progress(from, total, slices->progress_arg);
        if (rc != 0)
            return wf_m_fail(request->call->error, rc < 0 ? rc : -ECANCELED,
                             "stopped by the caller after %zu of %zu queries", from, total);
    }
    return 0;
}

int wf_request_run(wf_request *request, wf_slices *slices)
{
    size_t total = request->results->count;
    int rc = 0;
    for (size_t done = 0; done < total && rc == 0;) {
        size_t count = total - done;
        if (slices->progress != NULL && slices->size < count / slices->together)
            count = slices->size * slices->together;
        weft_time started = wf_sys_now();
        rc = wf_request_match(request, done, count);
        if (rc < 0)
            return wf_m_fail_plain(request->call->error, rc);
        if (wf_sys_now() - started < TOGETHER_TIME && slices->together < TOGETHER_MAX)
            slices->together *= 2;
        rc = tell_slices(request, slices, done, done + count);
        done += count;
    }
    return rc;
}

int weft_m_match(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                 const weft_m_query *query, weft_m_results **out_results, weft_m_error *error)
{
    weft_m_query defaults;
    weft_m_query_init(&defaults);
    query = query != NULL ? query : &defaults;
    wf_call call;
    wf_request request;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_MATCH, error);
    if (rc < 0)
        return rc;
    rc = wf_m_request_check(matcher, queries, query_count, query, error);
    if (rc == 0) {
        rc = wf_request_open(&request, &call, queries, query_count, query);
        if (rc == 0)
            rc = wf_request_run(&request, &(wf_slices){.size = query_count, .together = 1});
        rc = wf_request_close(&request, rc, out_results);
    }
    return wf_call_end(&call, rc);
}

int weft_m_batch(weft_matcher *matcher, const weft_str *queries, size_t query_count,
                 const weft_m_query *query, int64_t batch_size, weft_m_results **out_results,
                 weft_m_error *error, weft_m_progress_fn *progress, void *progress_arg)
{
    weft_m_query defaults;
    weft_m_query_init(&defaults);
    query = query != NULL ? query : &defaults;
    wf_slices slices = {.size = (size_t)batch_size,
                        .together = 1,
                        .progress = progress,
                        .progress_arg = progress_arg};
    wf_call call;
    wf_request request;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_BATCH, error);
    if (rc < 0)
        return rc;
    rc = wf_check_batch_size(batch_size, error);
    if (rc == 0)
        rc = wf_m_request_check(matcher, queries, query_count, query, error);
    if (rc == 0) {
        rc = wf_request_open(&request, &call, queries, query_count, query);
        if (rc == 0)
            rc = wf_request_run(&request, &slices);
        rc = wf_request_close(&request, rc, out_results);
    }
    return wf_call_end(&call, rc);
}
