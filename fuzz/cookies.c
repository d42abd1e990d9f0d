/* SPDX-License-Identifier: MIT */

/*
 * Set-Cookie fields, one a line: what is kept is sent back to its own host and to no other, and can
 * be no more than a field's value.
 */

#include "client/cookies/cookies_priv.h"
#include "h1/write.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { SETTING_COUNT = 3, URL_COUNT = 6 };

/* The first three set cookies; the others are none of theirs. */
static const char *const texts[URL_COUNT] = {
    "http://a.fuzz.example/x/y?z", "https://a.fuzz.example/",       "http://10.0.0.1/",
    "http://other.example/",       "https://fuzz.example.evil/x/y", "http://110.0.0.1/"};
static struct wf_url urls[URL_COUNT]; /* read once: fuzz/url.c tries that */

static void read_urls(void)
{
    for (size_t i = 0; i < URL_COUNT && urls[i].text == NULL; i++) {
        int rc = wf_url_parse(&urls[i], weft_str_of(texts[i]));
        assert(rc == 0);
    }
}

static size_t said(weft_cookies *jar, const struct wf_url *url)
{
    wf_buf text = {0};
    int rc = wf_cookies_for(jar, url, &text);
    assert(rc == 0);
    size_t len = wf_buf_bytes(&text);
    assert(len == 0 || memchr(wf_buf_ptr(&text), 0, len) == NULL);
    assert(wf_h1_value_check((weft_str){wf_buf_ptr(&text), len}) == 0);
    wf_buf_fini(&text);
    return len;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_cookies *jar;
    weft_cookie cookie;
    read_urls();
    int rc = weft_cookies_new(&jar);
    assert(rc == 0);
    const char *at = (const char *)data, *end = at + size;
    for (size_t i = 0; at < end; i++) {
        const char *stop = memchr(at, '\n', (size_t)(end - at));
        size_t len = (size_t)((stop != NULL ? stop : end) - at);
        char *line = malloc(len + 1); /* to the byte: no read beyond it goes unseen */
        assert(line != NULL);
        memcpy(line, at, len);
        rc = wf_cookies_set(jar, &urls[i % SETTING_COUNT], (weft_str){line, len});
        assert(rc >= 0);
        free(line);
        at += len + (stop != NULL);
    }
    for (size_t i = SETTING_COUNT; i < URL_COUNT; i++)
        assert(said(jar, &urls[i]) == 0);
    (void)said(jar, &urls[0]);
    for (size_t i = 0; weft_cookies_at(jar, i, &cookie); i++)
        assert(cookie.name.len > 0 && cookie.path.len > 0 && cookie.path.ptr[0] == '/');
    weft_cookies_free(jar);
    return 0;
}
