/* SPDX-License-Identifier: MIT */

/*
 * What a client says of a file: ranges lie within it, apart from one another, and cover each byte
 * that was asked for; a date that is read is written and read again the same; conditions are
 * judged without reading on.
 */

#include "h1/write.h"
#include "http/files/conditional.h"
#include "http/files/date.h"
#include "http/files/media_type.h"
#include "http/files/range.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define NOW 1700000000

static void check_range(weft_str field, uint64_t length)
{
    struct wf_range ranges[WF_RANGE_COUNT_MAX];
    int count = wf_range_parse(field, length, ranges);
    uint64_t sum = 0;
    assert(count >= WF_RANGE_NONE_SATISFIABLE && count <= WF_RANGE_COUNT_MAX);
    for (int i = 0; i < count; i++) {
        assert(ranges[i].count > 0);
        assert(ranges[i].first < length && ranges[i].count <= length - ranges[i].first);
        sum += ranges[i].count;
        for (int k = 0; k < i; k++)
            assert(ranges[i].first > ranges[k].first + ranges[k].count ||
                   ranges[k].first > ranges[i].first + ranges[i].count);
    }
    assert(sum <= length);
}

static void check_date(weft_str text)
{
    int64_t seconds, again;
    char written[WF_H1_DATE_BYTES];
    if (!wf_http_date_parse(text, NOW, &seconds))
        return;
    if (seconds >= 253402300800) /* the leap second behind the year 9999 */
        return;
    wf_h1_write_date(written, seconds);
    assert(wf_http_date_parse((weft_str){written, sizeof written}, NOW, &again));
    assert(again == seconds);
}

static void check_conditions(weft_str value)
{
    static const char *const names[] = {"If-Match", "If-None-Match", "If-Modified-Since",
                                        "If-Unmodified-Since", "If-Range"};
    struct wf_validators of = {
        .tag = WEFT_STR("\"a,b\""), .modified = 784111777, .is_date_strong = true, .now = NOW};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        struct wf_conditions conditions;
        wf_conditions_init(&conditions, &of);
        wf_conditions_add(&conditions, weft_str_of(names[i]), value);
        enum wf_verdict reads = wf_conditions_judge(&conditions, true);
        enum wf_verdict writes = wf_conditions_judge(&conditions, false);
        assert(writes != WF_NOT_MODIFIED);
        assert((reads == WF_PRECONDITION_FAILED) <= (writes == WF_PRECONDITION_FAILED));
        (void)wf_conditions_allow_range(&conditions);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    assert(copy != NULL);
    memcpy(copy, data, size);
    weft_str text = {copy, size};
    check_range(text, 0);
    check_range(text, 10);
    check_range(text, 100000);
    check_range(text, UINT64_MAX);
    check_date(text);
    check_conditions(text);
    assert(wf_media_type_of(text)[0] != 0);
    free(copy);
    return 0;
}
