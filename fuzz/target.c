/* SPDX-License-Identifier: MIT */

/*
 * Targets: an accepted path holds no NUL, no '\' and no segment ".."; it comes out the same in
 * place and when encoded again; a query's pieces lie in it in order; hosts are judged without
 * reading on.
 */

#include "h1/target.h"
#include "h1/chars.h"
#include "h1/host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plain(const char *path, size_t len)
{
    assert(memchr(path, 0, len) == NULL);
    assert(memchr(path, '\\', len) == NULL);
    for (size_t i = 0; i + 3 <= len; i++) {
        bool is_last = i + 3 == len;
        if (memcmp(path + i, "/..", 3) == 0)
            assert(!is_last && path[i + 3] != '/');
    }
}

/* Every byte but '/' as an escape gives the same path. */
static void check_encoded(const char *path, size_t len)
{
    static const char hex[] = "0123456789abcdef";
    char *encoded = malloc(3 * len + 1), *again = malloc(3 * len + 1);
    assert(encoded != NULL);
    assert(again != NULL);
    size_t at = 0, again_len = 0;
    for (size_t i = 0; i < len; i++) {
        unsigned char byte = (unsigned char)path[i];
        encoded[at++] = byte == '/' ? '/' : '%';
        if (byte != '/') {
            encoded[at++] = hex[byte >> 4];
            encoded[at++] = hex[byte & 15];
        }
    }
    struct wf_http_fault fault;
    assert(wf_http_path_decode((weft_str){encoded, at}, again, &again_len, &fault) == 0);
    assert(again_len == len);
    assert(memcmp(again, path, len) == 0);
    free(encoded);
    free(again);
}

static void check_path(weft_str path)
{
    char *out = malloc(path.len + 1), *in_place = malloc(path.len + 1);
    assert(out != NULL);
    assert(in_place != NULL);
    size_t len = 0, in_place_len = 0;
    struct wf_http_fault fault = {0};
    int rc = wf_http_path_decode(path, out, &len, &fault);
    memcpy(in_place, path.ptr, path.len);
    assert(wf_http_path_decode((weft_str){in_place, path.len}, in_place, &in_place_len, &fault) ==
           rc);
    if (rc == 0) {
        assert(len <= path.len);
        assert(in_place_len == len);
        assert(memcmp(out, in_place, len) == 0);
        check_plain(out, len);
        check_encoded(out, len);
    } else {
        assert(fault.status == 400);
        assert(fault.offset <= (int64_t)path.len);
    }
    free(out);
    free(in_place);
}

static void check_query(weft_str query)
{
    const char *at = query.ptr, *end = query.ptr + query.len;
    size_t count = wf_http_query_count(query), seen = 0;
    weft_str name, value;
    while (wf_http_query_next(&query, &name, &value)) {
        assert(name.ptr >= at);
        assert(name.ptr + name.len <= value.ptr);
        assert(value.ptr + value.len <= end);
        at = value.ptr + value.len;
        seen++;

        char *out = malloc(name.len + 1);
        assert(out != NULL);
        size_t len = 0;
        (void)wf_http_query_decode(name, out, &len);
        assert(len <= name.len);
        free(out);
    }
    assert(seen == count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    assert(copy != NULL);
    memcpy(copy, data, size);
    weft_str text = {copy, size};

    (void)wf_http_host_is_valid(text.ptr, text.len);
    if (size > 0) {
        struct wf_http_target target = wf_http_target_split(text);
        assert(target.raw_path.len > 0);
        check_path(target.raw_path);
        if (target.query.ptr != NULL)
            check_query(target.query);
    }
    free(copy);
    return 0;
}
