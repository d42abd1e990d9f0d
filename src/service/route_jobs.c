/* SPDX-License-Identifier: MIT */

/* POST …/fit and …/discover make a job; /v1/jobs shows, follows and cancels jobs. */
#include "base/alloc.h"
#include "base/calendar.h"
#include "base/json_write.h"
#include "service/discover_order.h"
#include "service/fit_order.h"
#include "service/service.h"

#include <weft/error.h>
#include <weft/http_sse.h>
#include <weft/scope.h>

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- a job as JSON ---- */

static void put_time(wf_json *json, const char *key, weft_time wall)
{
    char text[40];
    int64_t ms = wall / WEFT_MS, second = ms / 1000 % 86400;
    wf_date date = wf_date_of_days(ms / 86400000);
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02d.%03dZ", date.year, date.month,
             date.day, (int)(second / 3600), (int)(second / 60 % 60), (int)(second % 60),
             (int)(ms % 1000));
    wf_json_put_text(json, key, wall != 0 ? text : NULL);
}

static const char *state_name(enum job_state state)
{
    static const char *const names[] = {
        [JOB_QUEUED] = "queued", [JOB_RUNNING] = "running",     [JOB_DONE] = "done",
        [JOB_FAILED] = "failed", [JOB_CANCELLED] = "cancelled",
    };
    return names[state];
}

/* null, or what stands in the error body of a request: without {"error": and }. */
static int put_error(wf_json *json, const struct job_view *view)
{
    weft_text text;
    wf_json_key(json, "error");
    if (view->error.rc == 0) {
        wf_json_null(json);
        return 0;
    }
    WEFT_TRY(weft_m_error_json(&view->error, (weft_str){NULL, 0}, &text));
    wf_json_raw(json, (weft_str){text.ptr + 9, text.len - 10});
    weft_text_free(&text);
    return 0;
}

static int put_job(wf_json *json, const struct job_view *view)
{
    wf_json_object(json);
    wf_json_put_text(json, "job", view->id);
    wf_json_put_text(json, "kind", view->kind->name);
    wf_json_put_text(json, "matcher", view->matcher);
    wf_json_put_text(json, "state", state_name(view->state));
    wf_json_put_uint(json, "completed", view->completed);
    wf_json_put_uint(json, "total", view->total);
    WEFT_TRY(put_error(json, view));
    put_time(json, "queued_at", view->queued_at);
    put_time(json, "began_at", view->began_at);
    put_time(json, "ended_at", view->ended_at);
    wf_json_object_end(json);
    return 0;
}

static int answer_job(weft_http_response *res, const struct job_view *view)
{
    wf_buf body = {0};
    int rc = put_job(&(wf_json){.out = &body}, view);
    if (rc == 0)
        return answer_buf(res, &body);
    wf_buf_fini(&body);
    return rc;
}

/* ---- making one ---- */

static int refuse(weft_http_response *res, int rc)
{
    if (rc != -EAGAIN && rc != -ECONNREFUSED)
        return rc;
    bool is_full = rc == -EAGAIN;
    WEFT_TRY(weft_http_set_field(res, "Retry-After", weft_str_of(is_full ? "1" : "10")));
    return weft_http_fail(res, is_full ? 429 : 503, /* code= */ NULL, "%s",
                          is_full ? "as many jobs wait as may" : "the service ends");
}

/* Queues it, and says its id. */
static int make(weft_http_response *res, const struct target *target, struct job_order *order)
{
    struct service *service = target->service;
    char id[JOBS_ID_BYTES], text[64];
    int rc = jobs_add(&service->jobs, registry_hold(target->named), order, id);
    if (rc < 0)
        return refuse(res, rc);
    jobs_cancel_stale(&service->jobs); /* the matcher may have gone meanwhile */
    snprintf(text, sizeof(text), "/v1/jobs/%s", id);
    WEFT_TRY(weft_http_set_field(res, "Location", weft_str_of(text)));
    int bytes = snprintf(text, sizeof(text), "{\"job\":\"%s\"}", id);
    return weft_http_respond_json(res, 202, (weft_str){text, (size_t)bytes});
}

int route_fit(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    struct job_order order = {0};
    weft_m_error error;
    int bad = fit_order_check(weft_http_input(req), &error);
    if (bad < 0)
        return answer_error(req, res, bad, &error);
    WEFT_TRY(fit_order_take(&order, weft_http_input(req)));
    return make(res, target, &order);
}

int route_discover(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    struct job_order order = {0};
    struct store *store = &target->service->store;
    if (discover_order_wants_review(weft_http_input(req)) && store->dir == NULL)
        return answer_keeps_nothing(res);
    int refused = discover_order_check(weft_http_input(req), res);
    if (refused != 0)
        return refused < 0 ? refused : 0;
    WEFT_TRY(discover_order_take(&order, weft_http_input(req), store));
    return make(res, target, &order);
}

/* ---- looking ---- */

int route_jobs(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct service *service = arg;
    size_t count_max = JOBS_QUEUE_MAX + JOBS_WORKERS + JOBS_KEPT_MAX;
    struct job_view *views = wf_array(count_max, sizeof(*views));
    wf_buf body = {0};
    wf_json json = {.out = &body};
    (void)req;
    if (views == NULL)
        return -ENOMEM;
    size_t count = jobs_list(&service->jobs, views, count_max);
    int rc = 0;
    wf_json_object(&json);
    wf_json_key(&json, "jobs");
    wf_json_array(&json);
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = put_job(&json, &views[i]);
    wf_json_array_end(&json);
    wf_json_object_end(&json);
    wf_free(views);
    if (rc == 0)
        return answer_buf(res, &body);
    wf_buf_fini(&body);
    return rc;
}

/* A call about one job, which is held meanwhile and stood as in `view` when it began. */
struct job_call {
    weft_http_request *req;
    weft_http_response *res;
    struct jobs *jobs;
    struct job *job;
    struct job_view view;
};

static int with_job(weft_http_request *req, weft_http_response *res, void *arg,
                    int (*handle)(struct job_call *call))
{
    struct service *service = arg;
    struct job_call call = {.req = req, .res = res, .jobs = &service->jobs};
    call.job = jobs_get(call.jobs, weft_http_path_param(req, "id"));
    if (call.job == NULL)
        return weft_http_fail(res, 404, /* code= */ NULL,
                              "there is no such job, or it was over long ago");
    jobs_look(call.jobs, call.job, &call.view);
    int rc = handle(&call);
    jobs_release(call.jobs, call.job);
    return rc;
}

static int show(struct job_call *call)
{
    return answer_job(call->res, &call->view);
}

int route_get_job(weft_http_request *req, weft_http_response *res, void *arg)
{
    return with_job(req, res, arg, show);
}

/* A job that is done has its result until it is forgotten. */
static int show_result(struct job_call *call)
{
    const struct job_view *view = &call->view;
    const weft_text *result = &call->job->result;
    if (!view->kind->has_result)
        return weft_http_fail(call->res, 409, /* code= */ NULL, "a %s has no result",
                              view->kind->name);
    if (view->state != JOB_DONE)
        return weft_http_fail(call->res, 409, /* code= */ NULL, "the job is %s",
                              state_name(view->state));
    return weft_http_respond_json(call->res, 200, (weft_str){result->ptr, result->len});
}

int route_job_result(weft_http_request *req, weft_http_response *res, void *arg)
{
    return with_job(req, res, arg, show_result);
}

/* Answers when it is over, which is soon. */
static int cancel(struct job_call *call)
{
    jobs_cancel(call->jobs, call->job, "somebody asked for it");
    int rc = jobs_watch(call->jobs, call->job, UINT64_MAX, &call->view);
    return rc < 0 ? rc : show(call);
}

int route_delete_job(weft_http_request *req, weft_http_response *res, void *arg)
{
    return with_job(req, res, arg, cancel);
}

/* ---- following ---- */

/* Between two events; then a comment keeps proxies from closing the stream. */
#define QUIET_MAX (15 * WEFT_SEC)

static int watch(struct job_call *call, uint64_t seen)
{
    WEFT_TIMEOUT(quiet, QUIET_MAX);
    int rc = jobs_watch(call->jobs, call->job, seen, &call->view);
    return weft_scope_close(&quiet, rc);
}

static int send_event(weft_http_response *res, const struct job_view *view)
{
    const char *name = view->state == JOB_RUNNING ? "progress" : state_name(view->state);
    wf_buf data = {0};
    char id[24];
    int bytes = snprintf(id, sizeof(id), "%" PRIu64, view->sequence);
    int rc = put_job(&(wf_json){.out = &data}, view);
    if (rc == 0)
        rc = data.rc;
    if (rc == 0) {
        const weft_sse_event event = {.data = {wf_buf_ptr(&data), wf_buf_bytes(&data)},
                                      .event = weft_str_of(name),
                                      .id = {id, (size_t)bytes}};
        rc = weft_http_sse_send(res, &event);
    }
    wf_buf_fini(&data);
    return rc;
}

static int follow(struct job_call *call, uint64_t seen)
{
    WEFT_TRY(weft_http_sse_begin(call->res));
    do {
        int rc = watch(call, seen);
        if (rc == 0)
            rc = send_event(call->res, &call->view);
        else if (rc == -ETIMEDOUT)
            rc = weft_http_sse_keep_alive(call->res);
        if (rc < 0)
            return rc;
        seen = call->view.sequence;
    } while (!job_is_over(call->view.state));
    return 0;
}

/* What the client has seen before; 0: nothing, or of another life of the service. */
static uint64_t seen_of(const weft_http_request *req, uint64_t sequence)
{
    weft_str last = weft_http_sse_last_id(req);
    uint64_t seen = 0;
    for (size_t i = 0; i < last.len; i++) {
        if (last.ptr[i] < '0' || last.ptr[i] > '9' || seen > sequence)
            return 0;
        seen = seen * 10 + (uint64_t)(last.ptr[i] - '0');
    }
    return seen <= sequence ? seen : 0;
}

static int show_events(struct job_call *call)
{
    uint64_t seen = seen_of(call->req, call->view.sequence);
    if (job_is_over(call->view.state) && seen == call->view.sequence)
        return weft_http_respond(call->res, 204, /* type= */ NULL, "",
                                 0); /* no need to come again */
    return follow(call, seen);
}

int route_job_events(weft_http_request *req, weft_http_response *res, void *arg)
{
    return with_job(req, res, arg, show_events);
}
