/* SPDX-License-Identifier: MIT */

/* Answers whose Content-Encoding is undone while they are read. */

#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "h1/chars.h"

#define IN_BYTES ((size_t)8 * 1024)

struct wf_decoding {
    struct wf_decoder *decoder;
    size_t at, end; /* of in: not decoded yet */
    bool is_ended;  /* no more comes */
    size_t in_row;  /* bytes given since the loop was last let go */
    char in[IN_BYTES];
};

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
                         (int)exchange->url.origin.len, exchange->url.origin.ptr);
    struct wf_decoding *decoding = wf_alloc(sizeof *decoding);
    if (decoding == NULL)
        return -ENOMEM;
    exchange->decoding = decoding;
    return wf_decoder_new(&decoding->decoder, coding,
                          &(struct wf_coding_limits){.ratio_max = limits->decoded_ratio_max});
}

void wf_coded_close(struct weft_exchange *exchange)
{
    if (exchange->decoding == NULL)
        return;
    wf_decoder_free(exchange->decoding->decoder);
    wf_free(exchange->decoding);
    exchange->decoding = NULL;
}

/* ---- reading ---- */

/* From now on every read says so, and the connection is not kept. */
static int coded_fail(struct weft_exchange *exchange, int rc)
{
    const weft_str *origin = &exchange->url.origin;
    uint64_t limit, seen;
    exchange->rc = rc;
    if (rc == -WEFT_ELIMIT) {
        const char *name = wf_decoder_limit(exchange->decoding->decoder, &limit, &seen);
        return weft_fail(rc, "%.*s: the answer grows %llu times when it is decoded (%s %llu)",
                         (int)origin->len, origin->ptr, (unsigned long long)seen, name,
                         (unsigned long long)limit);
    }
    if (rc == -WEFT_ETRUNCATED)
        return weft_fail(rc, "%.*s: the coded answer ends in its middle", (int)origin->len,
                         origin->ptr);
    if (rc == -WEFT_ESYNTAX)
        return weft_fail(rc, "%.*s: the answer is not of the coding it names", (int)origin->len,
                         origin->ptr);
    return rc;
}

static int coded_fill(struct weft_exchange *exchange)
{
    struct wf_decoding *decoding = exchange->decoding;
    ssize_t got = wf_answer_read(exchange, decoding->in, sizeof decoding->in);
    if (got < 0)
        return (int)got;
    decoding->at = 0;
    decoding->end = (size_t)got;
    decoding->is_ended = got == 0;
    return 0;
}

/* A step's room is at most 64 KiB, and then others have their turn. */
ssize_t wf_coded_read(struct weft_exchange *exchange, char *buf, size_t bytes)
{
    struct wf_decoding *decoding = exchange->decoding;
    size_t room = bytes < WF_CODING_STEP_BYTES ? bytes : WF_CODING_STEP_BYTES;
    if (decoding->in_row >= WF_CODING_STEP_BYTES) {
        decoding->in_row = 0;
        WEFT_TRY(weft_yield());
    }
    for (;;) {
        struct wf_coding_io io = {decoding->in + decoding->at, decoding->end - decoding->at, buf,
                                  room};
        if (exchange->rc < 0)
            return exchange->rc;
        int rc = wf_decoder_step(decoding->decoder, &io);
        decoding->at = decoding->end - io.in_len;
        decoding->in_row += room - io.room;
        if (room != io.room)
            return (ssize_t)(room - io.room); /* an error comes again */
        if (rc < 0)
            return coded_fail(exchange, rc);
        if (decoding->is_ended)
            return wf_decoder_is_whole(decoding->decoder) ? 0
                                                          : coded_fail(exchange, -WEFT_ETRUNCATED);
        WEFT_TRY(coded_fill(exchange));
    }
}
