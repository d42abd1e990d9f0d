/* SPDX-License-Identifier: MIT */

#include <weft/error.h>
#include <weft/task.h>

#include "client/client_priv.h"

static const char *const phase_verbs[] = {
    [WEFT_CLIENT_CHECK] = "the request",
    [WEFT_CLIENT_SLOT] = "a free connection to",
    [WEFT_CLIENT_CONNECT] = "connecting to",
    [WEFT_CLIENT_TLS] = "the TLS handshake with",
    [WEFT_CLIENT_SEND] = "sending to",
    [WEFT_CLIENT_HEAD] = "the answer of",
    [WEFT_CLIENT_BODY] = "the next piece of the answer of",
    [WEFT_CLIENT_DONE] = "",
};

void wf_phase_begin(struct weft_exchange *exchange, struct phase *phase,
                    enum weft_client_phase number, weft_time limit)
{
    exchange->trace.phase = number;
    phase->number = number;
    weft_time own = weft_after(limit);
    phase->is_total = exchange->deadline <= own;
    phase->limit = limit;
    (void)weft_scope_open(&phase->scope, phase->is_total ? exchange->deadline : own, 0);
}

void wf_phase_limit(struct weft_exchange *exchange, struct phase *phase, weft_time limit)
{
    exchange->trace.phase = phase->number;
    weft_time own = weft_after(limit);
    phase->is_total = exchange->deadline <= own;
    phase->limit = limit;
    weft_scope_set_deadline(&phase->scope, phase->is_total ? exchange->deadline : own);
}

int wf_phase_end(struct weft_exchange *exchange, struct phase *phase, int rc)
{
    int closed = weft_scope_close(&phase->scope, rc);
    if (rc != -ECANCELED || closed != -ETIMEDOUT)
        return closed;
    const weft_str *origin = &exchange->url.origin;
    exchange->trace.phase = phase->number;
    if (phase->is_total)
        return weft_fail(-ETIMEDOUT, "the request to %.*s took more than %.3g s in all",
                         (int)origin->len, origin->ptr,
                         (double)(exchange->deadline - exchange->since) / (double)WEFT_SEC);
    return weft_fail(-ETIMEDOUT, "%s %.*s took more than %.3g s", phase_verbs[phase->number],
                     (int)origin->len, origin->ptr, (double)phase->limit / (double)WEFT_SEC);
}
