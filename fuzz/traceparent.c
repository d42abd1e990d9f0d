/* SPDX-License-Identifier: MIT */

/*
 * traceparent: what is read is written and read again the same, says ids of lower-case hex digits
 * that are not zero, and what is refused leaves the result alone.
 */

#include <weft/error.h>
#include <weft/trace_context.h>

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_id(const char *id, size_t bytes)
{
    assert(strlen(id) == bytes);
    assert(strspn(id, "0123456789abcdef") == bytes);
    assert(strspn(id, "0") < bytes);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_trace trace, before, again;
    char written[WEFT_TRACE_BYTES];
    char *text = malloc(size != 0 ? size : 1); /* to the byte: no read beyond it goes unseen */
    assert(text != NULL);
    memcpy(text, data, size);
    memset(&trace, 'x', sizeof trace);
    before = trace;
    int rc = weft_trace_parse((weft_str){text, size}, &trace);
    free(text);
    if (rc < 0) {
        assert(rc == -WEFT_ESYNTAX);
        assert(memcmp(&before, &trace, sizeof trace) == 0);
        return 0;
    }
    check_id(trace.trace_id, 32);
    check_id(trace.parent_id, 16);
    assert(trace.span_id[0] == 0);
    memcpy(trace.span_id, trace.parent_id, sizeof trace.span_id);
    weft_trace_format(&trace, written);
    assert(strlen(written) == WEFT_TRACE_BYTES - 1);
    rc = weft_trace_parse((weft_str){written, WEFT_TRACE_BYTES - 1}, &again);
    assert(rc == 0);
    assert(strcmp(again.trace_id, trace.trace_id) == 0);
    assert(strcmp(again.parent_id, trace.parent_id) == 0);
    assert(again.flags == trace.flags);
    return 0;
}
