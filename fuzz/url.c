/* SPDX-License-Identifier: MIT */

/*
 * URLs: what is accepted is plain and means the same when read again; nothing in it could end a
 * line or a request's target.  The second half of the input is a reference, resolved at the first.
 */

#include "client/url.h"
#include "h1/chars.h"
#include "h1/host.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_plain(const struct wf_url *url)
{
    assert(url->text[url->len] == 0);
    assert(strlen(url->text) == url->len);
    assert(url->target.len > 0 && url->target.ptr[0] == '/');
    assert(url->origin.len + url->target.len == url->len);
    for (size_t i = 0; i < url->len; i++)
        assert(wf_http_is(url->text[i], WF_VISIBLE) && url->text[i] != '#');
    assert(wf_http_host_is_valid(url->authority.ptr, url->authority.len));
    assert(url->port > 0);
}

static void check_again(const struct wf_url *url)
{
    struct wf_url again;
    if (url->len > WF_URL_BYTES_MAX) /* its escapes made it longer */
        return;
    assert(wf_url_parse(&again, (weft_str){url->text, url->len}) == 0);
    assert(again.len == url->len);
    assert(memcmp(again.text, url->text, url->len) == 0);
    assert(again.port == url->port);
    assert(wf_url_same_origin(&again, url));
    wf_url_fini(&again);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t half = size / 2;
    char *first = malloc(half + 1), *second = malloc(size - half + 1);
    assert(first != NULL && second != NULL);
    memcpy(first, data, half);
    memcpy(second, data + half, size - half);
    struct wf_url base, url;
    if (wf_url_parse(&base, (weft_str){first, half}) == 0) {
        check_plain(&base);
        check_again(&base);
        if (wf_url_join(&url, &base, (weft_str){second, size - half}) == 0) {
            check_plain(&url);
            check_again(&url);
            wf_url_fini(&url);
        }
        wf_url_fini(&base);
    }
    if (wf_url_parse(&url, (weft_str){(const char *)data, size}) == 0) {
        check_plain(&url);
        check_again(&url);
        wf_url_fini(&url);
    }
    free(first);
    free(second);
    return 0;
}
