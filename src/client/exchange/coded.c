/* SPDX-License-Identifier: MIT */

/* Answers whose Content-Encoding is undone while they are read. */

#include <weft/error.h>

#include "client/client_priv.h"
#include "coding/read/decoding.h"
#include "h1/chars.h"

/* ---- what comes ---- */

static enum wf_coding coding_of(const struct weft_exchange *exchange)
{
    enum wf_coding coding = WF_CODING_IDENTITY;
    weft_client_field field;
    for (size_t i = 0; weft_exchange_field_at(exchange, i, &field); i++) {
        if (WF_HTTP_EQUAL(field.name.ptr, field.name.len, "content-encoding"))
            coding = wf_coding_add_field(coding, field.value);
    }
    return coding;
}

static ssize_t coded_source(void *arg, char *buf, size_t bytes)
{
    return wf_answer_read(arg, buf, bytes);
}

int wf_coded_open(struct weft_exchange *exchange)
{
    const weft_client_limits *limits = &exchange->client->options.limits;
    if (!exchange->asks_coding || wf_answer_is_read(exchange))
        return 0;
    enum wf_coding coding = coding_of(exchange);
    if (coding == WF_CODING_IDENTITY)
        return 0;
    if (coding == WF_CODING_NONE)
        return weft_fail(-WEFT_ESYNTAX, "%.*s answered in a coding that was not asked for",
                         (int)exchange->url.place.len, exchange->url.place.ptr);
    return wf_decoding_new(&exchange->decoding, coding,
                           &(struct wf_coding_limits){.ratio_max = limits->decoded_ratio_max},
                           coded_source, exchange);
}

void wf_coded_close(struct weft_exchange *exchange)
{
    wf_decoding_free(exchange->decoding);
    exchange->decoding = NULL;
}

/* ---- reading ---- */

/* From now on every read says so, and the connection is not kept. */
static int coded_fail(struct weft_exchange *exchange, int rc)
{
    const weft_str *place = &exchange->url.place;
    uint64_t limit, seen;
    exchange->rc = rc;
    exchange->trace.phase = WEFT_CLIENT_BODY; /* all of it may have come, and is not read */
    if (rc == -WEFT_ELIMIT) {
        const char *name = wf_decoder_limit(wf_decoding_failed(exchange->decoding), &limit, &seen);
        return weft_fail(rc, "%.*s: the answer grows %llu times when it is decoded (%s %llu)",
                         (int)place->len, place->ptr, (unsigned long long)seen, name,
                         (unsigned long long)limit);
    }
    if (rc == -WEFT_ETRUNCATED)
        return weft_fail(rc, "%.*s: the coded answer ends in its middle", (int)place->len,
                         place->ptr);
    if (rc == -WEFT_ESYNTAX)
        return weft_fail(rc, "%.*s: the answer is not of the coding it names", (int)place->len,
                         place->ptr);
    return rc;
}

ssize_t wf_coded_read(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    if (exchange->rc < 0)
        return exchange->rc;
    ssize_t got = wf_decoding_read(exchange->decoding, buf, bytes);
    if (got < 0 && wf_decoding_failed(exchange->decoding) != NULL)
        return coded_fail(exchange, (int)got);
    return got;
}
