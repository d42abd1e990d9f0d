/* SPDX-License-Identifier: MIT */

/* Both ways at once: the caller writes the body of the request while he reads the answer. */

#include <weft/error.h>

#include "base/alloc.h"
#include "client/client_priv.h"

#include <assert.h>

struct duplex {
    weft_client_request request; /* the caller's, with a body that is ours */
    uint64_t unwritten;          /* of body_bytes */
    int write_rc;                /* what has cut off the body */
    bool is_answered;            /* the head of the answer is there */
    bool is_writing, is_reading; /* a task is inside */
};

/* Stands for a body that comes by weft_exchange_write(). */
static ssize_t body_is_written(void *buf, size_t bytes, void *arg)
{
    (void)buf;
    (void)bytes;
    (void)arg;
    return -EINVAL;
}

bool wf_duplex_is_open(const struct weft_exchange *exchange)
{
    return exchange->duplex != NULL && !exchange->is_sent;
}

void wf_duplex_free(struct duplex *duplex)
{
    assert(duplex == NULL || (!duplex->is_writing && !duplex->is_reading));
    wf_free(duplex);
}

/* ---- the head of the request ---- */

static int request_check(const weft_client_request *request)
{
    if (request->body.ptr != NULL || request->body_read != NULL)
        return weft_fail(-EINVAL, "the body of this request is written by weft_exchange_write()");
    if (request->expects_continue || request->upgrade != NULL || request->hedge_after != 0)
        return weft_fail(-EINVAL,
                         "expects_continue, upgrade and hedge_after are for weft_exchange_open()");
    return 0;
}

int weft_exchange_begin(weft_exchange **out, weft_client *client,
                        const weft_client_request *request)
{
    if (request->trace != NULL)
        *request->trace = (weft_client_trace){.phase = WEFT_CLIENT_CHECK};
    WEFT_TRY(request_check(request));
    struct duplex *duplex = wf_alloc(sizeof *duplex);
    if (duplex == NULL)
        return -ENOMEM;
    *duplex = (struct duplex){.request = *request, .unwritten = (uint64_t)request->body_bytes};
    duplex->request.body_read = body_is_written;
    weft_exchange *exchange;
    int rc = wf_request_check(&duplex->request);
    if (rc == 0)
        rc = wf_exchange_new(&exchange, client, &duplex->request, weft_now());
    if (rc != 0) {
        wf_duplex_free(duplex);
        return rc;
    }
    exchange->duplex = duplex;
    rc = wf_exchange_run(out, exchange);
    if (rc == 0)
        weft_opened(*out, &wf_exchange_open_kind);
    return rc;
}

/* ---- the body of the request ---- */

static bool has_length(const struct duplex *duplex)
{
    return duplex->request.body_bytes != 0;
}

static int write_check(const struct weft_exchange *exchange)
{
    const struct duplex *duplex = exchange->duplex;
    if (duplex == NULL)
        return weft_fail(-EINVAL, "the body was given to weft_exchange_open()");
    if (duplex->is_writing)
        return weft_fail(-EBUSY, "another task writes the body");
    if (exchange->is_sent)
        return weft_fail(-EINVAL, "the body has ended");
    return duplex->write_rc;
}

static int body_write(struct weft_exchange *exchange, weft_str bytes, bool is_last)
{
    struct duplex *duplex = exchange->duplex;
    duplex->is_writing = true;
    int rc = wf_pieces_send(exchange, bytes, is_last);
    duplex->is_writing = false;
    duplex->write_rc = rc;
    wf_trace_out(exchange);
    if (rc == -EPIPE && exchange->is_body_unwanted)
        return weft_fail(rc, "%.*s has answered, and takes no more of the body",
                         (int)exchange->url.place.len, exchange->url.place.ptr);
    return rc;
}

int weft_exchange_write(weft_exchange *exchange, const void *bytes, size_t count)
{
    WEFT_TRY(write_check(exchange));
    struct duplex *duplex = exchange->duplex;
    if (has_length(duplex) && count > duplex->unwritten)
        return weft_fail(-EINVAL, "the body has %llu bytes left, of which %zu would be more",
                         (unsigned long long)duplex->unwritten, count);
    if (has_length(duplex))
        duplex->unwritten -= count;
    return count > 0 ? body_write(exchange, (weft_str){bytes, count}, /* is_last= */ false) : 0;
}

int weft_exchange_write_end(weft_exchange *exchange)
{
    WEFT_TRY(write_check(exchange));
    struct duplex *duplex = exchange->duplex;
    if (duplex->unwritten != 0)
        return weft_fail(-WEFT_ETRUNCATED, "the body ends %llu bytes before it said",
                         (unsigned long long)duplex->unwritten);
    WEFT_TRY(body_write(exchange, (weft_str){"", 0}, /* is_last= */ true));
    wf_request_set_sent(exchange);
    if (exchange->awaiting != NULL) /* now it is the server's turn */
        wf_phase_limit(exchange, exchange->awaiting,
                       exchange->client->options.limits.first_byte_max);
    if (duplex->is_answered && !duplex->is_reading && wf_answer_is_read(exchange))
        wf_answer_finish(exchange);
    return 0;
}

/* ---- the answer ---- */

static int answer_take(struct weft_exchange *exchange)
{
    WEFT_TRY(wf_answer_receive(exchange));
    return wf_coded_open(exchange);
}

int weft_exchange_answer(weft_exchange *exchange)
{
    struct duplex *duplex = exchange->duplex;
    if (duplex == NULL || duplex->is_answered)
        return 0;
    if (duplex->is_reading)
        return weft_fail(-EBUSY, "another task waits for the answer");
    if (exchange->rc < 0)
        return exchange->rc;
    duplex->is_reading = true;
    int rc = answer_take(exchange);
    duplex->is_reading = false;
    wf_trace_out(exchange);
    if (rc == -ECANCELED)
        return rc;
    wf_exchange_judge(exchange, rc);
    duplex->is_answered = rc == 0;
    exchange->rc = rc;
    return rc;
}

ssize_t wf_duplex_read(struct weft_exchange *exchange, void *buf, size_t bytes)
{
    struct duplex *duplex = exchange->duplex;
    if (duplex->is_reading)
        return weft_fail(-EBUSY, "another task reads the answer");
    if (exchange->rc < 0)
        return exchange->rc;
    if (!duplex->is_answered)
        return weft_fail(-EPROTO, "the answer is read behind weft_exchange_answer()");
    duplex->is_reading = true;
    ssize_t got = wf_exchange_read(exchange, buf, bytes);
    duplex->is_reading = false;
    return got;
}
