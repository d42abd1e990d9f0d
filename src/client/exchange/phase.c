/* SPDX-License-Identifier: MIT */

#include <weft/error.h>
#include <weft/task.h>

#include "client/client_priv.h"

/* What took too long, and when a connection broke (empty: there is none yet, or any more); the
 * limit's name. */
static const struct {
    const char *work, *moment, *limit;
} phases[] = {
    [WEFT_CLIENT_CHECK] = {"the request", "", "total_max"},
    [WEFT_CLIENT_SLOT] = {"a free connection to", "", "slot_max"},
    [WEFT_CLIENT_CONNECT] = {"connecting to", "while it was connected", "connect_max"},
    [WEFT_CLIENT_TLS] = {"the TLS handshake with", "in the TLS handshake", "tls_max"},
    [WEFT_CLIENT_SEND] = {"sending to", "while the request was sent", "between_max"},
    [WEFT_CLIENT_HEAD] = {"the answer of", "before it answered", "first_byte_max"},
    [WEFT_CLIENT_BODY] = {"the next piece of the answer of", "in the middle of its answer",
                          "between_max"},
    [WEFT_CLIENT_DONE] = {"", "", ""},
};

const char *wf_phase_moment(const struct weft_exchange *exchange)
{
    return phases[exchange->trace.phase].moment;
}

/* With the path, once it is about one request. */
static const weft_str *place_of(const struct weft_exchange *exchange, enum weft_client_phase number)
{
    return number < WEFT_CLIENT_SEND ? &exchange->url.origin : &exchange->url.place;
}

/* The connection broke under a phase.  One of HTTP/2 says itself what happened. */
static int phase_broke(const struct weft_exchange *exchange, const struct phase *phase, int rc)
{
    const struct conn *conn = exchange->conn;
    const weft_str *place = place_of(exchange, phase->number);
    bool is_reset = rc == -ECONNRESET || rc == -EPIPE;
    if (conn != NULL ? conn->mux != NULL || weft_stream_get_error(conn->stream) != rc
                     : phase->number != WEFT_CLIENT_TLS || !is_reset)
        return rc;
    const char *text = conn != NULL ? weft_stream_get_error_text(conn->stream) : "";
    if (is_reset && text[0] == 0)
        return weft_fail(rc, "%.*s reset the connection %s", (int)place->len, place->ptr,
                         phases[phase->number].moment);
    return weft_fail(rc, "the connection to %.*s broke %s: %s", (int)place->len, place->ptr,
                     phases[phase->number].moment, text[0] != 0 ? text : weft_strerror(rc));
}

void wf_phase_begin(struct weft_exchange *exchange, struct phase *phase,
                    enum weft_client_phase number, weft_time limit)
{
    exchange->trace.phase = number;
    phase->number = number;
    weft_time own = weft_after(limit);
    phase->is_total = exchange->deadline <= own;
    phase->limit = limit;
    phase->limit_name = phases[number].limit;
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
        return rc < 0 && closed == rc ? phase_broke(exchange, phase, rc) : closed;
    const weft_str *place =
        phase->is_total ? &exchange->url.place : place_of(exchange, phase->number);
    exchange->trace.phase = phase->number;
    if (phase->is_total)
        return weft_fail(-ETIMEDOUT, "the request to %.*s took more than %.3g s in all (total_max)",
                         (int)place->len, place->ptr,
                         (double)(exchange->deadline - exchange->since) / (double)WEFT_SEC);
    return weft_fail(-ETIMEDOUT, "%s %.*s took more than %.3g s (%s)", phases[phase->number].work,
                     (int)place->len, place->ptr, (double)phase->limit / (double)WEFT_SEC,
                     phase->limit_name);
}
