/* SPDX-License-Identifier: MIT */

/*
 * The same request once more when the first is slow; who is answered first wins, and the other is
 * cut (Dean and Barroso, "The Tail at Scale", 2013).
 */

#include <weft/error.h>
#include <weft/event.h>
#include <weft/gather.h>
#include <weft/task.h>

#include "client/client_priv.h"

#include <stdio.h>

struct hedge;

/* One of the two. */
struct side {
    struct hedge *hedge;
    weft_client_request request;
    weft_client_trace trace;
    weft_exchange *exchange;
};

struct hedge {
    weft_client *client;
    struct side first, second;
    weft_event first_ended;
    int first_rc;
    char first_text[WEFT_ERROR_TEXT_BYTES];
    bool is_sent;    /* the second was */
    weft_time since; /* the time of both */
    weft_time until; /* the caller's deadline, which its children do not see */
};

static int side_open(struct side *side)
{
    return wf_exchange_open_once(&side->exchange, side->hedge->client, &side->request,
                                 side->hedge->since, side->hedge->until);
}

static int first_body(void *arg)
{
    struct hedge *hedge = arg;
    int rc = side_open(&hedge->first);
    hedge->first_rc = rc;
    if (rc < 0)
        snprintf(hedge->first_text, sizeof hedge->first_text, "%s", weft_error_text());
    weft_event_set(&hedge->first_ended);
    return rc;
}

/* What the first came to; its success ends us before we see it. */
static int follow_first(struct hedge *hedge)
{
    WEFT_TRY(weft_event_wait(&hedge->first_ended));
    return hedge->first_rc < 0 ? weft_fail(hedge->first_rc, "%s", hedge->first_text) : -ECANCELED;
}

static int second_body(void *arg)
{
    struct hedge *hedge = arg;
    weft_scope patience;
    WEFT_TRY(weft_scope_open(&patience, weft_after(hedge->first.request.hedge_after), 0));
    int rc = weft_scope_close(&patience, weft_event_wait(&hedge->first_ended));
    if (rc == 0 || (rc == -ETIMEDOUT && !wf_retry_pay(hedge->client)))
        return follow_first(hedge);
    if (rc != -ETIMEDOUT)
        return rc;
    hedge->is_sent = true;
    return side_open(&hedge->second);
}

static void trace_out(const struct hedge *hedge, const struct side *side, weft_client_trace *out)
{
    if (side->exchange != NULL)
        side->exchange->out_trace = out;
    if (out == NULL)
        return;
    *out = side->trace;
    out->is_hedged = hedge->is_sent;
    if (side->exchange != NULL)
        side->exchange->trace.is_hedged = hedge->is_sent;
}

int wf_hedge_open(weft_exchange **out, weft_client *client, const weft_client_request *request)
{
    struct hedge hedge = {.client = client, .since = weft_now(), .until = weft_deadline()};
    struct side *sides[] = {&hedge.first, &hedge.second};
    for (int i = 0; i < 2; i++) {
        *sides[i] = (struct side){.hedge = &hedge, .request = *request};
        sides[i]->request.trace = &sides[i]->trace;
    }
    weft_task tasks[] = {weft_spawn(first_body, &hedge), weft_spawn(second_body, &hedge)};
    int rc = weft_race_n(tasks, 2);
    weft_release(tasks[0]);
    weft_release(tasks[1]);
    struct side *winner = rc == 1 ? &hedge.second : &hedge.first;
    trace_out(&hedge, winner, request->trace);
    for (int i = 0; i < 2; i++) {
        if (rc < 0 || sides[i] != winner)
            weft_exchange_close(sides[i]->exchange);
    }
    if (rc < 0)
        return rc;
    *out = winner->exchange;
    return 0;
}
