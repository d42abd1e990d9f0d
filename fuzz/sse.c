/* SPDX-License-Identifier: MIT */

/* Event streams: the events are the same for every way to cut the input. */

#include "client/sse/sse_parse.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* A digest of all events, fed in two pieces. */
static uint64_t digest(const char *text, size_t len, size_t cut)
{
    struct wf_sse_parser parser;
    uint64_t sum = 1469598103934665603u;
    size_t at = 0;
    wf_sse_init(&parser);
    while (at < len) {
        size_t end = at < cut ? cut : len, used;
        char *copy = malloc(end - at + 1);
        assert(copy != NULL);
        memcpy(copy, text + at, end - at);
        weft_sse_event event;
        int rc = wf_sse_feed(&parser, copy, end - at, &used, &event);
        free(copy);
        assert(used > 0 && used <= end - at);
        at += used;
        if (rc < 0)
            break;
        const weft_str pieces[] = {event.data, event.event, event.id};
        for (size_t i = 0; rc == 1 && i < 3; i++) {
            for (size_t k = 0; k < pieces[i].len; k++)
                sum = (sum ^ (unsigned char)pieces[i].ptr[k]) * 1099511628211u;
            sum = (sum ^ 0x100) * 1099511628211u;
            assert(i == 0 || memchr(pieces[i].ptr, '\n', pieces[i].len) == NULL);
        }
    }
    wf_sse_fini(&parser);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *text = (const char *)data;
    uint64_t whole = digest(text, size, size);
    for (size_t cut = 1; cut < size; cut += size / 16 + 1)
        assert(digest(text, size, cut) == whole);
    return 0;
}
