/* SPDX-License-Identifier: MIT */

/* One request and its answer, over as many connections as redirects and repeats need. */

#include <weft/error.h>
#include <weft/gather.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "h1/chars.h"
#include "h1/trailer.h"

#include <stdio.h>
#include <string.h>

/* ---- one attempt ---- */

/* A slot at the origin and one of the client's, first come, first served. */
static int slots_take(struct weft_exchange *exchange)
{
    weft_client *client = exchange->client;
    struct phase phase;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_SLOT, client->options.limits.slot_max);
    int rc = weft_sem_take(&exchange->origin->slots);
    if (rc == 0) {
        rc = weft_sem_take(&client->slots);
        if (rc < 0)
            weft_sem_give(&exchange->origin->slots);
    }
    return wf_phase_end(exchange, &phase, rc);
}

/* ---- the request and the head of its answer ---- */

static int head_send(struct weft_exchange *exchange)
{
    struct phase phase;
    exchange->trace.sent_bytes = 0;
    exchange->is_sent = !exchange->has_body;
    exchange->sent_to = 0;
    if (exchange->has_body && exchange->conn->stream != NULL)
        exchange->pace = (struct wf_pace){.taken = weft_stream_get_sent(exchange->conn->stream)};
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_SEND,
                   exchange->client->options.limits.between_max);
    return wf_phase_end(exchange, &phase, exchange->conn->carrier->head_send(exchange));
}

static int ask_conn(struct weft_exchange *exchange)
{
    exchange->trace.attempts++;
    exchange->trace.is_reused = exchange->conn->is_reused;
    exchange->conn->is_reused = true;
    exchange->is_source_failed = exchange->is_unprocessed = exchange->is_body_unwanted = false;
    exchange->is_heard = false;
    wf_free(exchange->head_text);
    exchange->head_text = NULL;
    wf_buf_reset(&exchange->trailers);
    bool is_upload = wf_upload_is_due(exchange);
    WEFT_TRY(head_send(exchange));
    if (exchange->duplex != NULL)
        return 0;
    if (is_upload)
        return wf_upload(exchange);
    int rc = exchange->has_body ? wf_body_send(exchange) : 0;
    if (rc < 0 && !exchange->is_body_unwanted)
        return rc;
    return wf_answer_receive(exchange);
}

/* A slot, a connection, the request, the head of its answer. */
static int attempt(struct weft_exchange *exchange)
{
    weft_client *client = exchange->client;
    WEFT_TRY(slots_take(exchange));
    int rc = wf_conn_take(exchange);
    if (rc < 0) {
        weft_sem_give(&exchange->origin->slots);
        weft_sem_give(&client->slots);
        return rc;
    }
    rc = ask_conn(exchange);
    exchange->is_stale = wf_retry_is_stale(exchange, rc);
    if (rc < 0)
        wf_answer_fail(exchange);
    return rc;
}

/* A cancel, our own limits, what the caller's body came to and the end of a kept connection say
 * nothing about the origin. */
static bool is_telling(const struct weft_exchange *exchange, int rc)
{
    return rc == 0 || (rc != -ECANCELED && rc != -ENOMEM && rc != -EINVAL &&
                       !exchange->is_source_failed && !exchange->is_unprocessed &&
                       !exchange->is_stale && exchange->trace.phase != WEFT_CLIENT_SLOT);
}

static bool is_failure(const struct weft_exchange *exchange, int rc)
{
    return rc < 0 || (exchange->head.status >= 502 && exchange->head.status <= 504);
}

void wf_exchange_judge(weft_exchange *exchange, int rc)
{
    if (!exchange->is_unjudged)
        return;
    exchange->is_unjudged = false;
    struct breaker *breaker = &exchange->origin->breaker;
    if (is_telling(exchange, rc))
        wf_breaker_done(breaker, weft_loop_turn_time(exchange->client->loop), exchange->is_probe,
                        is_failure(exchange, rc));
    else
        wf_breaker_forget(breaker, exchange->is_probe);
}

static int attempt_guarded(struct weft_exchange *exchange)
{
    weft_client *client = exchange->client;
    exchange->is_stale = false;
    exchange->trace.status = 0;
    struct origin *origin = wf_origin_take(client, &exchange->url);
    if (origin == NULL)
        return -ENOMEM;
    if (exchange->origin != NULL)
        wf_origin_release(client, exchange->origin);
    exchange->origin = origin;
    if (!wf_breaker_begin(&origin->breaker, weft_loop_turn_time(client->loop), &exchange->is_probe))
        return weft_fail(-EHOSTDOWN, "%s: most requests failed lately; it is left alone for 5 s",
                         origin->name);
    exchange->is_unjudged = true;
    int rc = attempt(exchange);
    if (rc < 0 || exchange->duplex == NULL)
        wf_exchange_judge(exchange, rc);
    return rc;
}

/* ---- all attempts ---- */

/* What it did not like was the asking (RFC 9110 10.1.1); none of the body was sent. */
static bool expectation_failed(const struct weft_exchange *exchange)
{
    return exchange->head.status == 417 && exchange->expects_continue && !exchange->is_source_used;
}

static int attempts(struct weft_exchange *exchange)
{
    for (;;) {
        int rc = attempt_guarded(exchange);
        if (wf_retry_is_due(exchange, rc)) {
            wf_answer_drop(exchange);
            WEFT_TRY(wf_retry_wait(exchange));
            continue;
        }
        WEFT_TRY(rc);
        if (exchange->duplex != NULL)
            return 0;
        if (expectation_failed(exchange)) {
            wf_answer_drop(exchange);
            exchange->expects_continue = false;
            continue;
        }
        if (!wf_redirect_is_due(exchange))
            return 0;
        wf_answer_drop(exchange);
        WEFT_TRY(wf_redirect_follow(exchange));
    }
}

/* ---- life ---- */

void wf_trace_out(const struct weft_exchange *exchange)
{
    if (exchange->out_trace != NULL)
        *exchange->out_trace = exchange->trace;
}

static weft_time earlier(weft_time a, weft_time b)
{
    return a < b ? a : b;
}

int wf_exchange_new(weft_exchange **out, weft_client *client, const weft_client_request *request,
                    weft_time since)
{
    WEFT_TRY(weft_loop_check(client->loop, "HTTP client"));
    size_t field_count = client->options.limits.field_count_max;
    struct weft_exchange *exchange = wf_alloc(sizeof *exchange);
    struct wf_h1_field *fields = wf_array(field_count, sizeof *fields);
    if (exchange == NULL || fields == NULL) {
        wf_free(exchange);
        wf_free(fields);
        return -ENOMEM;
    }
    bool has_body = request->body.ptr != NULL || request->body_read != NULL;
    bool is_empty = request->body_read == NULL && request->body.len == 0;
    weft_time total =
        request->total_max != 0 ? request->total_max : client->options.limits.total_max;
    weft_time deadline = wf_pace_add(since, total);
    *exchange = (struct weft_exchange){
        .client = client,
        .request = request,
        .method = wf_request_method(request),
        .since = since,
        .deadline = deadline,
        .until = earlier(deadline, weft_deadline()),
        .out_trace = request->trace,
        .has_body = has_body,
        .expects_continue = request->expects_continue && !is_empty,
        .fields = fields,
        .asks_coding = wf_request_asks_coding(request),
    };
    client->exchange_count++;
    *out = exchange;
    return 0;
}

/* The URL is quoted as far as it can hold no secret. */
static int url_take(struct weft_exchange *exchange)
{
    const char *text = exchange->request->url;
    int rc = wf_url_parse(&exchange->url, weft_str_of(text));
    if (rc != -WEFT_ESYNTAX || strchr(text, '@') != NULL)
        return rc; /* a password may have a '?' in it */
    int shown = 0;
    while (text[shown] > ' ' && text[shown] <= '~' && text[shown] != '?' && text[shown] != '#')
        shown++; /* nor does what goes to a log or a terminal write there as it likes */
    return weft_fail(rc, "%s: \"%.*s\"", weft_explain(rc), shown < 60 ? shown : 60, text);
}

int wf_exchange_run(weft_exchange **out, weft_exchange *exchange)
{
    weft_client *client = exchange->client;
    wf_retry_earn(client);
    int rc = url_take(exchange);
    if (rc == 0)
        rc = attempts(exchange);
    if (rc == 0 && exchange->duplex == NULL)
        rc = wf_coded_open(exchange);
    exchange->trace.total = weft_loop_turn_time(client->loop) - exchange->since;
    wf_trace_out(exchange);
    if (rc < 0) {
        weft_exchange_close(exchange);
        return rc;
    }
    *out = exchange;
    return 0;
}

int wf_exchange_open_once(weft_exchange **out, weft_client *client,
                          const weft_client_request *request, weft_time since, weft_time until)
{
    weft_exchange *exchange;
    WEFT_TRY(wf_exchange_new(&exchange, client, request, since));
    exchange->until = earlier(exchange->until, until);
    return wf_exchange_run(out, exchange);
}

static void exchange_name(const void *object, char *out, size_t bytes)
{
    const weft_exchange *exchange = object;
    snprintf(out, bytes, "with %.*s", (int)exchange->url.origin.len, exchange->url.origin.ptr);
}

const weft_open_kind wf_exchange_open_kind = {"exchange", "weft_exchange_close()", exchange_name};

int weft_exchange_open(weft_exchange **out, weft_client *client, const weft_client_request *request)
{
    if (request->trace != NULL)
        *request->trace = (weft_client_trace){.phase = WEFT_CLIENT_CHECK};
    WEFT_TRY(wf_request_check(request));
    int rc = request->hedge_after > 0
                 ? wf_hedge_open(out, client, request)
                 : wf_exchange_open_once(out, client, request, weft_now(), WEFT_FOREVER);
    if (rc == 0)
        weft_opened(*out, &wf_exchange_open_kind);
    return rc;
}

void weft_exchange_close(weft_exchange *exchange)
{
    if (exchange == NULL)
        return;
    weft_closed(exchange, &wf_exchange_open_kind);
    if (exchange->conn != NULL)
        wf_answer_finish(exchange);
    wf_exchange_judge(exchange, -ECANCELED);
    if (exchange->origin != NULL)
        wf_origin_release(exchange->client, exchange->origin);
    exchange->client->exchange_count--;
    wf_duplex_free(exchange->duplex);
    wf_url_fini(&exchange->url);
    wf_free(exchange->head_text);
    wf_buf_fini(&exchange->trailers);
    wf_coded_close(exchange);
    wf_free(exchange->fields);
    wf_free(exchange);
}

/* The client's no more. */
static const weft_open_kind detached_kind = {"stream", "weft_stream_close()", NULL};

int weft_exchange_detach(weft_exchange *exchange, weft_stream **out)
{
    if (exchange->conn == NULL || !exchange->is_upgraded)
        return weft_fail(-EPROTO, "the server has not changed the protocol");
    *out = wf_conn_detach(exchange->client, exchange->conn);
    exchange->conn = NULL;
    weft_sem_give(&exchange->origin->slots);
    weft_sem_give(&exchange->client->slots);
    weft_opened(*out, &detached_kind);
    return 0;
}

/* ---- the answer ---- */

int weft_exchange_status(const weft_exchange *exchange)
{
    return exchange->head.status;
}

int weft_exchange_version(const weft_exchange *exchange)
{
    return exchange->version;
}

weft_str weft_exchange_url(const weft_exchange *exchange)
{
    return (weft_str){exchange->url.text, exchange->url.len};
}

weft_str weft_exchange_place(const weft_exchange *exchange)
{
    return exchange->url.place;
}

weft_str weft_exchange_field(const weft_exchange *exchange, const char *lower)
{
    return wf_h1_head_field(&exchange->head, exchange->head_text, lower);
}

bool weft_exchange_field_at(const weft_exchange *exchange, size_t index, weft_client_field *out)
{
    if (index >= exchange->head.field_count)
        return false;
    const struct wf_h1_field *field = &exchange->fields[index];
    out->name = (weft_str){exchange->head_text + field->name_at, field->name_len};
    out->value = (weft_str){exchange->head_text + field->value_at, field->value_len};
    return true;
}

weft_str weft_exchange_trailer(const weft_exchange *exchange, const char *name)
{
    weft_str lines = {wf_buf_ptr(&exchange->trailers), wf_buf_bytes(&exchange->trailers)};
    return wf_h1_trailer_find(lines, weft_str_of(name));
}

int64_t weft_exchange_length(const weft_exchange *exchange)
{
    return exchange->head.has_length && exchange->decoding == NULL
               ? (int64_t)exchange->head.content_length
               : -1;
}

ssize_t wf_exchange_read(weft_exchange *exchange, void *buf, size_t bytes)
{
    ssize_t got = exchange->decoding != NULL ? wf_coded_read(exchange, buf, bytes)
                                             : wf_answer_read(exchange, buf, bytes);
    wf_trace_out(exchange);
    return got;
}

ssize_t weft_exchange_read(weft_exchange *exchange, void *buf, size_t bytes)
{
    if (bytes == 0)
        return weft_fail(-EINVAL, "a read of no bytes");
    return exchange->duplex != NULL ? wf_duplex_read(exchange, buf, bytes)
                                    : wf_exchange_read(exchange, buf, bytes);
}
