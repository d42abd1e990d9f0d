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

/* ---- servers that take their time ---- */

/* What we send lies in the kernel, which says that it has room only when a good part of it is gone:
 * minutes, with a slow server.  So it is looked at, so many times in a limit and the last time just
 * before its end, how much the server has taken. */
#define LOOKS 4

static bool is_for_server(const struct phase *phase)
{
    const struct weft_exchange *exchange = phase->exchange;
    return exchange->has_body && exchange->conn != NULL && exchange->conn->stream != NULL &&
           (phase->number == WEFT_CLIENT_SEND || phase->number == WEFT_CLIENT_HEAD);
}

/* Bytes of ours wait: to be taken, or in front of the last of the request. */
static bool has_more(const struct phase *phase)
{
    const struct weft_exchange *exchange = phase->exchange;
    return is_for_server(phase) &&
           (phase->number == WEFT_CLIENT_SEND ? weft_stream_get_unsent(exchange->conn->stream) != 0
                                              : exchange->pace.taken < exchange->sent_to);
}

/* Who has all to answer, or stops to take, has no more time than the phase's; who is still taking
 * the request may make the pauses that it has paid for. */
static weft_time time_for_answer(const struct phase *phase, const struct wf_pace_limits *limits,
                                 bool has_taken)
{
    const struct wf_pace *pace = &phase->exchange->pace;
    weft_time own = has_taken ? weft_after(phase->limit) : 0;
    weft_time free = wf_pace_times(limits->idle_max, WF_PACE_FREE);
    weft_time pause = (pace->paid_to - pace->moved_at - free) / WF_PACE_PART;
    weft_time end = pause > 0 && has_more(phase) ? wf_pace_add(pace->moved_at, pause) : 0;
    return own > end ? own : end;
}

/* Until when the server may go on as it does; 0: it has no more time than it had. */
static weft_time time_for_server(const struct phase *phase)
{
    struct weft_exchange *exchange = phase->exchange;
    const struct wf_pace_limits limits = wf_client_pace_limits(exchange->client);
    uint64_t before = exchange->pace.taken;
    if (!has_more(phase) || wf_pace_is_too_slow(&exchange->pace, &limits, weft_now(),
                                                weft_stream_get_acked(exchange->conn->stream)))
        return 0;
    return phase->number == WEFT_CLIENT_HEAD
               ? time_for_answer(phase, &limits, exchange->pace.taken > before)
               : wf_pace_end(&exchange->pace, &limits);
}

static void look_arm(struct phase *phase)
{
    weft_timer_start(phase->exchange->client->loop, &phase->look,
                     weft_after((phase->limit - 1) / LOOKS));
}

static void look(weft_timer *timer)
{
    struct phase *phase = wf_container(timer, struct phase, look);
    weft_time until = time_for_server(phase), total = phase->exchange->deadline;
    if (until > weft_scope_deadline(&phase->scope)) {
        phase->is_total = total <= until;
        weft_scope_set_deadline(&phase->scope, phase->is_total ? total : until);
    }
    look_arm(phase);
}

static void look_begin(struct phase *phase)
{
    struct weft_exchange *exchange = phase->exchange;
    const struct wf_pace_limits limits = wf_client_pace_limits(exchange->client);
    if (phase->limit == WEFT_FOREVER || phase->limit < LOOKS * WEFT_MS || !is_for_server(phase))
        return;
    wf_pace_begin(&exchange->pace, &limits, weft_now());
    look_arm(phase);
}

static void look_end(struct phase *phase)
{
    if (is_for_server(phase))
        wf_pace_rest(&phase->exchange->pace, weft_now());
    weft_timer_stop(phase->exchange->client->loop, &phase->look);
}

/* ---- a phase ---- */

static weft_time phase_deadline(struct phase *phase)
{
    weft_time own = weft_after(phase->limit), total = phase->exchange->deadline;
    phase->is_total = total <= own;
    return phase->is_total ? total : own;
}

void wf_phase_begin(struct weft_exchange *exchange, struct phase *phase,
                    enum weft_client_phase number, weft_time limit)
{
    exchange->trace.phase = number;
    phase->exchange = exchange;
    phase->number = number;
    phase->limit = limit;
    phase->limit_name = phases[number].limit;
    (void)weft_scope_open(&phase->scope, phase_deadline(phase), 0);
    weft_timer_init(&phase->look, look);
    look_begin(phase);
}

void wf_phase_limit(struct weft_exchange *exchange, struct phase *phase, weft_time limit)
{
    exchange->trace.phase = phase->number;
    phase->limit = limit;
    weft_scope_set_deadline(&phase->scope, phase_deadline(phase));
    look_begin(phase);
}

int wf_phase_end(struct weft_exchange *exchange, struct phase *phase, int rc)
{
    look_end(phase);
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
