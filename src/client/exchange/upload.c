/* SPDX-License-Identifier: MIT */

/* A body that may take its time: sent by a task of its own, while we wait for the answer. */

#include <weft/error.h>
#include <weft/gather.h>
#include <weft/task.h>

#include "client/client_priv.h"

#include <stdio.h>

struct upload {
    struct weft_exchange *exchange;
    weft_scope waiting; /* for the head */
    bool is_over;       /* the task has done what it could */
};

/* Not a quick one: a body that is on its way without a wait. */
bool wf_upload_is_due(const struct weft_exchange *exchange)
{
    const weft_client_request *request = exchange->request;
    return exchange->has_body &&
           (request->body_read != NULL || exchange->expects_continue ||
            !exchange->conn->carrier->takes_at_once(exchange, request->body.len));
}

/* ---- the task that sends ---- */

/* Until the server wants the body, or has said nothing for so long that it may not know how. */
static int go_on_wait(struct weft_exchange *exchange)
{
    struct phase phase;
    if (!exchange->awaits_continue)
        return 0;
    wf_phase_begin(exchange, &phase, WEFT_CLIENT_SEND,
                   exchange->client->options.limits.continue_max);
    int rc = wf_phase_end(exchange, &phase, weft_event_wait(&exchange->go_on));
    if (rc == -ETIMEDOUT && !phase.is_total)
        rc = 0;
    if (rc == 0)
        exchange->awaits_continue = false;
    return rc;
}

static int body_send(struct upload *upload)
{
    struct weft_exchange *exchange = upload->exchange;
    int rc = go_on_wait(exchange);
    if (rc == 0)
        rc = wf_body_send(exchange);
    if (rc == 0 && exchange->awaiting != NULL) /* now it is the server's turn */
        wf_phase_limit(exchange, exchange->awaiting,
                       exchange->client->options.limits.first_byte_max);
    if (rc < 0 && rc != -EPIPE && rc != -ECONNRESET) /* else its answer may say why */
        weft_scope_cancel(&upload->waiting, "the body cannot be sent");
    return rc;
}

static int upload_task(void *arg)
{
    struct upload *upload = arg;
    int rc = body_send(upload);
    upload->is_over = true;
    weft_event_set(&upload->exchange->stream.moved);
    return rc;
}

/* ---- the answer ---- */

/* The head of the answer, and, if more of the body may be of use to it, the end of the sending. */
static int answer_wait(struct upload *upload)
{
    struct weft_exchange *exchange = upload->exchange;
    WEFT_TRY(weft_scope_open(&upload->waiting, WEFT_FOREVER, 0));
    int rc = wf_answer_receive(exchange);
    rc = weft_scope_close(&upload->waiting, rc);
    if (rc < 0 || exchange->head_text == NULL)
        return rc;
    /* What it was to decide is decided, and nothing was sent. */
    exchange->is_body_unwanted |= exchange->head.status >= 300 || exchange->awaits_continue;
    return exchange->is_body_unwanted
               ? 0
               : exchange->conn->carrier->sending_wait(exchange, &upload->is_over);
}

/* The server of HTTP/1 has answered and then closed its ears. */
static bool is_unheard(const struct weft_exchange *exchange, int rc)
{
    return exchange->conn->mux == NULL && (rc == -EPIPE || rc == -ECONNRESET) &&
           !exchange->is_source_failed;
}

int wf_upload(struct weft_exchange *exchange)
{
    struct upload upload = {.exchange = exchange};
    exchange->go_on = (weft_event){0};
    exchange->awaits_continue = exchange->expects_continue;
    weft_task sender = weft_spawn(upload_task, &upload);
    int rc;
    if (weft_done(sender, &rc) == 1) /* it could not be made */
        return rc;
    rc = answer_wait(&upload);
    bool has_head = rc == 0 && exchange->head_text != NULL;
    if (rc < 0 || exchange->is_body_unwanted)
        weft_cancel(sender, "the server has answered");
    char text[WEFT_ERROR_TEXT_BYTES]; /* ours; the gathering brings the sender's */
    snprintf(text, sizeof text, "%s", weft_error_text());
    int ended = weft_gather(sender), sent = ended; /* joins it, whatever happens */
    (void)weft_done(sender, &sent);
    weft_release(sender);
    if (rc < 0)
        return weft_fail(rc, "%s", text);
    if (!has_head)
        return sent < 0 ? sent : -EPROTO;
    if (exchange->is_body_unwanted || is_unheard(exchange, sent))
        return ended == -ECANCELED ? weft_check() : 0;
    return sent;
}
