/* SPDX-License-Identifier: MIT */

/* Repeats: which requests, how often, after which pause, and how many of all. */

#include <weft/error.h>
#include <weft/task.h>

#include "base/sys.h"
#include "client/client_priv.h"
#include "h1/chars.h"

#include <string.h>

#define PAUSE_FIRST (100 * WEFT_MS)
#define PAUSE_MAX (2 * WEFT_SEC)
#define RETRY_AFTER_CEILING 100000000 /* seconds */

void wf_retry_earn(weft_client *client)
{
    const weft_client_limits *limits = &client->options.limits;
    uint64_t most = (uint64_t)limits->retry_burst * WF_RETRY_CENTS;
    client->retry_cents += limits->retry_percent;
    if (client->retry_cents > most)
        client->retry_cents = most;
}

bool wf_retry_pay(weft_client *client)
{
    if (client->retry_cents < WF_RETRY_CENTS)
        return false;
    client->retry_cents -= WF_RETRY_CENTS;
    return true;
}

bool wf_is_idempotent(const weft_client_request *request, const char *method)
{
    static const char *const methods[] = {"GET", "HEAD", "OPTIONS", "PUT", "DELETE"};
    if (request->is_sent_once || request->is_idempotent)
        return !request->is_sent_once;
    for (size_t i = 0; i < sizeof methods / sizeof methods[0]; i++) {
        if (strcmp(method, methods[i]) == 0)
            return true;
    }
    return false;
}

/* No connection came about, or it broke before an answer. */
static bool is_lost(int rc)
{
    switch (-rc) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EPIPE:
    case ENETUNREACH:
    case EHOSTUNREACH:
    case WEFT_ETRUNCATED:
        return true;
    default:
        return false;
    }
}

static weft_str retry_after_of(const struct weft_exchange *exchange)
{
    return wf_h1_head_field(&exchange->head, exchange->head_text, "retry-after");
}

/* 429 is no failure of the server; it says when to come again, or does not want us. */
static bool is_overloaded(const struct weft_exchange *exchange)
{
    uint16_t status = exchange->head.status;
    return status == 502 || status == 503 || status == 504 ||
           (status == 429 && retry_after_of(exchange).ptr != NULL);
}

/* The same request may go out again: its body is here still, and it does no harm. */
static bool is_repeatable(const struct weft_exchange *exchange)
{
    bool has_source = exchange->has_body && exchange->request->body_read != NULL;
    if (exchange->is_unprocessed) /* RFC 9113 8.7 */
        return !has_source || !exchange->is_source_used;
    return !has_source && wf_is_idempotent(exchange->request, exchange->method);
}

int wf_retry_after(const struct weft_exchange *exchange, int most)
{
    weft_str value = retry_after_of(exchange);
    int seconds = 0;
    for (size_t i = 0; i < value.len; i++) {
        if (!wf_http_is(value.ptr[i], WF_DIGIT) || seconds > most)
            return -1;
        seconds = seconds * 10 + (value.ptr[i] - '0');
    }
    return value.len > 0 && seconds <= most ? seconds : -1;
}

/* Servers end connections that they have kept for long enough, and a request may be on its way by
 * then (RFC 9112 9.3.1).  Over HTTP/2 they say which they have not begun. */
bool wf_retry_is_stale(const struct weft_exchange *exchange, int rc)
{
    return rc < 0 && is_lost(rc) && !exchange->is_heard && exchange->conn != NULL &&
           exchange->conn->mux == NULL && exchange->trace.is_reused;
}

/* How long to wait before the next attempt.  False: longer than the caller would, or than
 * retry_after_max; what has come of this one is of more use then than a timeout. */
static bool pause_choose(struct weft_exchange *exchange, int rc)
{
    weft_time pause = PAUSE_FIRST, most = exchange->client->options.limits.retry_after_max;
    for (uint32_t i = 0; i < exchange->repeats && pause < PAUSE_MAX; i++)
        pause *= 2;
    exchange->pause = pause < PAUSE_MAX ? pause : PAUSE_MAX;
    exchange->retry_after = 0;
    if (rc == 0 && retry_after_of(exchange).ptr != NULL) {
        most /= WEFT_SEC;
        int seconds =
            wf_retry_after(exchange, most < RETRY_AFTER_CEILING ? (int)most : RETRY_AFTER_CEILING);
        if (seconds < 0)
            return false;
        exchange->retry_after = seconds * WEFT_SEC;
    }
    return weft_after(exchange->pause + exchange->retry_after) < exchange->until;
}

bool wf_retry_is_due(struct weft_exchange *exchange, int rc)
{
    weft_client *client = exchange->client;
    exchange->wants_fresh = exchange->is_stale && is_repeatable(exchange);
    if (exchange->wants_fresh) /* so at most once for each request that went well */
        return true;
    if (exchange->repeats == client->options.limits.retry_count_max || !is_repeatable(exchange))
        return false;
    if (rc == 0 ? !is_overloaded(exchange) : !is_lost(rc))
        return false;
    if (!pause_choose(exchange, rc))
        return false;
    if (!exchange->is_unprocessed && !wf_retry_pay(client)) {
        exchange->trace.is_over_budget = true;
        if (rc < 0)
            (void)weft_fail(rc, "%s; not sent again: over the budget (retry_percent %u)",
                            weft_explain(rc), client->options.limits.retry_percent);
        return false;
    }
    exchange->repeats++;
    return true;
}

/* Half of the pause is by chance, so that those who failed together do not come back together. */
static int jittered(weft_time pause, weft_time *out)
{
    uint32_t random;
    WEFT_TRY(wf_sys_random(&random, sizeof random));
    *out = pause / 2 + (weft_time)((uint64_t)(pause / 2) * random >> 32);
    return 0;
}

int wf_retry_wait(struct weft_exchange *exchange)
{
    if (exchange->is_stale)
        return 0;
    weft_time pause;
    WEFT_TRY(jittered(exchange->pause, &pause));
    struct phase phase;
    wf_phase_begin(exchange, &phase, exchange->trace.phase, WEFT_FOREVER);
    return wf_phase_end(exchange, &phase, weft_sleep(exchange->retry_after + pause));
}
