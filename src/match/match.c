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

/* What is asked of a query.  Verdicts rest on as many entities as the samples did, however many are
 * shown: of more there is a second question. */
enum question { HITS, VERDICT, KINSHIP };

static enum question question_of(const wf_request *request)
{
    if (request->results->kinships != NULL)
        return KINSHIP;
    return request->verdicts != NULL ? VERDICT : HITS;
}

static bool asks_again(const wf_request *request)
{
    return question_of(request) == VERDICT && request->results->top_k > WF_NOVEL_FOUND;
}

static wf_ask ask_of(const wf_request *request, enum question question, size_t index,
                     const wf_job *job)
{
    wf_ask ask = {.raw = request->queries[index],
                  .allowed = request->allowed,
                  .top_k = request->results->top_k,
                  .threshold = request->results->threshold,
                  .blocking_top_k = request->blocking_top_k,
                  .retrieval_top_k = request->retrieval_top_k,
                  .final_top_k = request->final_top_k,
                  .job = job};
    if (question == VERDICT)
        ask.top_k = WF_NOVEL_FOUND;
    return question == KINSHIP ? wf_kin_ask(&request->results->kinships->plan, &ask) : ask;
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

/* Takes the answer that is in seeker->rank; `other` may be asked more. */
static int take(const wf_request *request, enum question question, size_t index, const wf_ask *ask,
                wf_seeker *seeker, wf_seeker *other)
{
    weft_m_results *results = request->results;
    int rc = 0;
    if (question == KINSHIP)
        return wf_kin_answer(&results->kinships->plan, seeker, other, ask,
                             &results->kinships->items[index]);
    if (question == VERDICT)
        rc = wf_detector_judge(request->detector, seeker, ask, request->peers,
                               &request->verdicts[index]);
    if (rc < 0 || (question == VERDICT && asks_again(request)))
        return rc;
    wf_rank_cut(&seeker->rank, results->top_k);
    return wf_results_fill(results, index, seeker, &request->call->matcher->options);
}

static int ask_one(const wf_request *request, enum question question, size_t index,
                   wf_seeker *seeker)
{
    wf_scorer *scorer = request->results->snapshot->scorer;
    wf_job job = wf_call_job(request->call);
    wf_ask ask = ask_of(request, question, index, &job);
    int rc = read_one(request, index, seeker);
    if (rc <= 0)
        return rc;
    rc = scorer->cls->find(scorer, seeker, &ask);
    return rc < 0 ? rc : take(request, question, index, &ask, seeker, seeker);
}

static int answer_one(const wf_request *request, size_t index, wf_seeker *seeker)
{
    int rc = ask_one(request, question_of(request), index, seeker);
    return rc == 0 && asks_again(request) ? ask_one(request, HITS, index, seeker) : rc;
}

/* Questions asked together, and which queries they are. */
struct crowd {
    const wf_request *request;
    enum question question;
    wf_ask asks[WF_VOLLEY_MAX];
    size_t indices[WF_VOLLEY_MAX];
    size_t count;
    wf_seeker *other; /* of kinships, who ask more while the others wait for their answers */
};

static int take_answer(void *arg, size_t at, wf_seeker *seeker)
{
    const struct crowd *crowd = arg;
    return take(crowd->request, crowd->question, crowd->indices[at], &crowd->asks[at], seeker,
                crowd->other);
}

static int ask_crowd(struct crowd *crowd, size_t first, size_t end, wf_seeker *seeker)
{
    const wf_request *request = crowd->request;
    wf_scorer *scorer = request->results->snapshot->scorer;
    wf_job job = wf_call_job(request->call);
    crowd->count = 0;
    for (size_t at = first; at < end; at++) {
        int rc = read_one(request, at, seeker);
        if (rc < 0)
            return rc;
        if (rc == 0)
            continue;
        crowd->asks[crowd->count] = ask_of(request, crowd->question, at, &job);
        crowd->indices[crowd->count++] = at;
    }
    if (crowd->count == 0)
        return 0;
    return scorer->cls->find_each(scorer, seeker, crowd->asks, crowd->count, take_answer, crowd);
}

/* Lends the crowd its other seeker, whose work counts as that of `seeker`. */
static int ask_kinships(struct crowd *crowd, size_t first, size_t end, wf_seeker *seeker)
{
    wf_seekers *seekers = &crowd->request->call->matcher->seekers;
    wf_seeker *other = wf_seekers_take(seekers);
    if (other == NULL)
        return -ENOMEM;
    uint64_t cached = other->cached_count, encoded = other->encoded_count;
    crowd->other = other;
    int rc = ask_crowd(crowd, first, end, seeker);
    seeker->cached_count += other->cached_count - cached;
    seeker->encoded_count += other->encoded_count - encoded;
    wf_seekers_give(seekers, other);
    return rc;
}

/* Queries [first, end), at most WF_VOLLEY_MAX. */
static int answer_together(const wf_request *request, size_t first, size_t end, wf_seeker *seeker)
{
    struct crowd *crowd = wf_alloc(sizeof(*crowd));
    if (crowd == NULL)
        return -ENOMEM;
    crowd->request = request;
    crowd->question = question_of(request);
    int rc = crowd->question == KINSHIP ? ask_kinships(crowd, first, end, seeker)
                                        : ask_crowd(crowd, first, end, seeker);
    if (rc == 0 && asks_again(request)) {
        crowd->question = HITS;
        rc = ask_crowd(crowd, first, end, seeker);
    }
    wf_free(crowd);
    return rc;
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
    size_t most = wf_scorer_together(request->results->snapshot->scorer), at, end;
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
