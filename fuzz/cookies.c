/* SPDX-License-Identifier: MIT */

/*
 * Set-Cookie fields, one a line: what is kept is sent back to its own host and to no other, and can
 * be no more than a field's value.
 */

#include <weft/cookies.h>

#include "h1/write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t said(weft_cookies *jar, const char *url)
{
    weft_bytes text;
    assert(weft_cookies_for(jar, url, &text) == 0);
    assert(strlen(text.ptr) == text.len);
    assert(wf_h1_value_check((weft_str){text.ptr, text.len}) == 0);
    size_t len = text.len;
    weft_bytes_free(&text);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const urls[] = {"http://a.fuzz.example/x/y?z", "https://a.fuzz.example/",
                                       "http://10.0.0.1/"};
    weft_cookies *jar;
    weft_cookie cookie;
    assert(weft_cookies_new(&jar) == 0);
    const char *at = (const char *)data, *end = at + size;
    for (size_t i = 0; at < end; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        char *line = malloc(len + 1); /* to the byte: no read beyond it goes unseen */
        assert(line != NULL);
        memcpy(line, at, len);
        assert(weft_cookies_set(jar, urls[i % 3], (weft_str){line, len}) >= 0);
        free(line);
        at += len + (stop != NULL);
    }
    assert(said(jar, "http://other.example/") == 0);
    assert(said(jar, "https://fuzz.example.evil/x/y") == 0);
    assert(said(jar, "http://110.0.0.1/") == 0);
    (void)said(jar, urls[0]);
    for (size_t i = 0; weft_cookies_at(jar, i, &cookie); i++)
        assert(cookie.name.len > 0 && cookie.path.len > 0 && cookie.path.ptr[0] == '/');
    weft_cookies_free(jar);
    return 0;
}
