/* SPDX-License-Identifier: MIT */

/* Event streams: the events are the same however the input is cut, as it chooses (cut.h). */

#include "client/sse/sse_parse.h"
#include "cut.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct digest {
    struct wf_sse_parser parser;
    uint64_t sum;
    int rc;
};

static void see(struct digest *digest, const weft_sse_event *event)
{
    const weft_str pieces[] = {event->data, event->event, event->id};
    for (size_t i = 0; i < 3; i++) {
        for (size_t k = 0; k < pieces[i].len; k++)
            digest->sum = (digest->sum ^ (unsigned char)pieces[i].ptr[k]) * 1099511628211u;
        digest->sum = (digest->sum ^ 0x100) * 1099511628211u;
        assert(i == 0 || memchr(pieces[i].ptr, '\n', pieces[i].len) == NULL);
    }
}

/* A piece in memory of its own, so that what is read behind it is noticed. */
static void feed(struct digest *digest, const char *text, size_t len)
{
    char *copy = malloc(len);
    assert(copy != NULL);
    memcpy(copy, text, len);
    for (size_t at = 0, used; at < len && digest->rc >= 0; at += used) {
        weft_sse_event event;
        digest->rc = wf_sse_feed(&digest->parser, copy + at, len - at, &used, &event);
        assert(used > 0 && used <= len - at);
        if (digest->rc == 1)
            see(digest, &event);
    }
    free(copy);
}

static uint64_t digest_of(const char *text, size_t len, struct cut cut)
{
    struct digest digest = {.sum = 1469598103934665603u};
    wf_sse_init(&digest.parser);
    for (size_t at = 0, count; at < len && digest.rc >= 0; at += count) {
        count = cut_take(&cut, len - at);
        if (count > 0)
            feed(&digest, text + at, count);
    }
    wf_sse_fini(&digest.parser);
    return digest.sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    uint64_t whole = digest_of(text, size, CUT_NOWHERE);
    assert(digest_of(text, size, cut_of(input_hash(data, size), size)) == whole);
    return 0;
}
