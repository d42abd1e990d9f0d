/* SPDX-License-Identifier: MIT */

/*
 * POST /v1/batch and POST /batch: many texts, in steps.
 *
 * Each step is matched on all processors and written before the next begins.  As one JSON object
 * the answer is collected; as NDJSON a line a text, or as server-sent events with progress, it
 * leaves step by step and the writer waits for a slow client, so that memory holds one step.
 */
#include "base/json_write.h"
#include "service/ask.h"

#include <stdio.h>
#include <string.h>

#define STEP_HITS_MAX 65536
#define STEP_COUNT_MAX 2048
#define STEP_COUNT_MIN 64

enum batch_form { BATCH_JSON, BATCH_NDJSON, BATCH_EVENTS };

struct batch {
    const struct target *target;
    weft_http_request *req;
    weft_http_response *res;
    const struct ask *ask;
    enum batch_form form;
    wf_buf body; /* JSON, EVENTS: the results so far.  NDJSON: the lines of this step */
};

/* True if the client names this type, rather than take anything. */
static bool is_named(const weft_http_request *req, const char *type)
{
    weft_str accept = weft_http_field(req, "Accept");
    return accept.ptr != NULL && memmem(accept.ptr, accept.len, type, strlen(type)) != NULL &&
           weft_http_accepts(req, type);
}

/* A form that is named goes before plain JSON, and that before what is merely accepted. */
static enum batch_form form_of(const weft_http_request *req)
{
    static const char ndjson[] = "application/x-ndjson", events[] = "text/event-stream";
    if (is_named(req, ndjson))
        return BATCH_NDJSON;
    if (is_named(req, events))
        return BATCH_EVENTS;
    if (weft_http_accepts(req, "application/json"))
        return BATCH_JSON;
    return weft_http_accepts(req, ndjson) ? BATCH_NDJSON : BATCH_EVENTS;
}

/* ---- what is refused before any work ---- */

static int batch_check(struct batch *batch)
{
    const struct ask *ask = batch->ask;
    const char *name = ask->list_name;
    weft_m_options limits;
    weft_m_options_init(&limits);
    if (ask->text_count > limits.query_count_max)
        return ask_refuse(batch->res, name[0] != '\0' ? name : "body", "queries",
                          limits.query_count_max, ask->text_count);
    int rc = batch->form != BATCH_NDJSON ? ask_check_hits(ask, batch->res) : 0;
    if (rc != 0)
        return rc;
    for (size_t i = 0; i < ask->text_count; i++) {
        char field[40];
        if (ask->texts[i].len <= limits.query_bytes_max)
            continue;
        snprintf(field, sizeof(field), "%s[%zu]", name, i);
        return ask_refuse(batch->res, field, "query_bytes", limits.query_bytes_max,
                          ask->texts[i].len);
    }
    return 0;
}

/* ---- one step ---- */

static int put_lines(struct batch *batch, const weft_m_results *results, size_t first, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        weft_text text;
        int rc = weft_m_result_json(results, i, &text);
        if (rc < 0)
            return rc;
        wf_buf_printf(&batch->body, "{\"index\":%zu,\"result\":", first + i);
        wf_buf_append(&batch->body, text.ptr, text.len);
        wf_buf_puts(&batch->body, "}\n");
        weft_text_free(&text);
    }
    return batch->body.rc;
}

static int send_body(struct batch *batch)
{
    int rc = weft_http_write(batch->res, wf_buf_ptr(&batch->body), wf_buf_bytes(&batch->body));
    wf_buf_reset(&batch->body);
    return rc;
}

static int send_progress(const struct batch *batch, size_t done)
{
    char event[128];
    int bytes = snprintf(event, sizeof(event),
                         "event: progress\ndata: {\"completed\":%zu,\"total\":%zu}\n\n", done,
                         batch->ask->text_count);
    return weft_http_write(batch->res, event, (size_t)bytes);
}

static int put_step(struct batch *batch, const weft_m_results *results, size_t first, size_t count)
{
    if (batch->form == BATCH_NDJSON) {
        int rc = put_lines(batch, results, first, count);
        return rc < 0 ? rc : send_body(batch);
    }
    if (first != 0)
        wf_buf_putc(&batch->body, ',');
    int rc = answer_put_results(&batch->body, results, count, weft_m_result_json);
    return rc < 0 || batch->form == BATCH_JSON ? rc : send_progress(batch, first + count);
}

/* 0, or negative; *out_error is the matcher's. */
static int batch_step(struct batch *batch, size_t first, size_t count, weft_m_error *error)
{
    weft_m_results *results;
    *error = (weft_m_error){0};
    int rc = weft_m_batch(batch->target->matcher, batch->ask->texts + first, count,
                          &batch->ask->query, batch->ask->batch_size, &results, error, NULL, NULL);
    if (rc < 0)
        return rc;
    rc = put_step(batch, results, first, count);
    weft_m_results_free(results);
    return rc;
}

static size_t step_count(const struct ask *ask)
{
    size_t count = STEP_HITS_MAX / (size_t)ask->query.top_k;
    if (count > STEP_COUNT_MAX)
        return STEP_COUNT_MAX;
    return count > STEP_COUNT_MIN ? count : STEP_COUNT_MIN;
}

/* ---- all of it ---- */

static int batch_begin(struct batch *batch)
{
    static const char *const types[] = {
        [BATCH_NDJSON] = "application/x-ndjson",
        [BATCH_EVENTS] = "text/event-stream",
    };
    if (batch->form == BATCH_JSON)
        return 0;
    const char *type = types[batch->form];
    int rc = weft_http_set_field(batch->res, "Content-Type", (weft_str){type, strlen(type)});
    if (rc == 0)
        rc = weft_http_set_field(batch->res, "Cache-Control", (weft_str){"no-store", 8});
    return rc;
}

static int batch_end(struct batch *batch)
{
    wf_buf_puts(&batch->body, "]}");
    if (batch->form == BATCH_JSON)
        return answer_buf(batch->res, &batch->body);
    if (batch->form == BATCH_NDJSON)
        return weft_http_write(batch->res, "", 0); /* an empty batch still has a head */
    wf_buf_puts(&batch->body, "\n\nevent: done\ndata: {}\n\n");
    static const char head[] = "event: results\ndata: ";
    int rc = batch->body.rc;
    if (rc == 0)
        rc = weft_http_write(batch->res, head, sizeof(head) - 1);
    return rc < 0 ? rc : send_body(batch);
}

static int batch_run(struct batch *batch)
{
    weft_m_error error = {0};
    size_t total = batch->ask->text_count, step = step_count(batch->ask);
    int rc = batch_check(batch);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = batch_begin(batch);
    if (rc == 0 && batch->form != BATCH_NDJSON)
        rc = wf_buf_puts(&batch->body, "{\"results\":[");
    for (size_t at = 0; at < total && rc == 0; at += step)
        rc = batch_step(batch, at, total - at < step ? total - at : step, &error);
    if (rc == 0)
        return batch_end(batch);
    /* Too late for another status: the connection breaks off, so that the answer is not taken for
     * whole. */
    if (error.rc == 0 || weft_http_has_begun(batch->res))
        return rc;
    return answer_error(batch->req, batch->res, rc, &error);
}

/* `list_name` as that of struct ask. */
static int batch_route(weft_http_request *req, weft_http_response *res, const struct target *target,
                       const char *list_name, enum batch_form form)
{
    struct ask ask;
    struct batch batch = {.target = target, .req = req, .res = res, .ask = &ask, .form = form};
    int rc = ask_take(&ask, req);
    ask.list_name = list_name;
    if (rc == 0)
        rc = ask_check_stages(&ask, res, target->matcher);
    if (rc == 0)
        rc = batch_run(&batch);
    wf_buf_fini(&batch.body);
    ask_fini(&ask);
    return rc < 0 ? rc : 0;
}

int route_batch(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    return batch_route(req, res, target, "queries", form_of(req));
}

int route_seed_batch(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    return batch_route(req, res, target, /* list_name= */ "", BATCH_JSON);
}
