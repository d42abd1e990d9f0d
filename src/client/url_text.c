/* SPDX-License-Identifier: MIT */

/* URLs as texts, for those who write requests. */

#include <weft/error.h>
#include <weft/url.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "client/url.h"
#include "h1/chars.h"

#include <string.h>

/* Those around a link, which HTML lets a page have. */
static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\f' || c == '\r';
}

static weft_str trimmed(weft_str text)
{
    while (text.len > 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    while (text.len > 0 && is_space(text.ptr[0])) {
        text.ptr++;
        text.len--;
    }
    return text.len > 0 ? text : (weft_str){"", 0};
}

int weft_url_join(weft_bytes *out, weft_str base, weft_str reference)
{
    struct wf_url at, url;
    if (base.len == 0) {
        WEFT_TRY(wf_url_parse(&url, trimmed(reference)));
    } else {
        WEFT_TRY(wf_url_parse(&at, base));
        int rc = wf_url_join(&url, &at, trimmed(reference));
        wf_url_fini(&at);
        WEFT_TRY(rc);
    }
    *out = (weft_bytes){url.text, url.len};
    return 0;
}

/* RFC 3986 2.3: what needs no escape anywhere. */
static bool is_unreserved(char c)
{
    return wf_http_is(c, WF_DIGIT) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
           c == '-' || c == '.' || c == '_' || c == '~';
}

/* A space is "%20", which every reader of a query knows, whether it knows '+' or not. */
static void put_encoded(wf_buf *out, weft_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (is_unreserved(c))
            (void)wf_buf_putc(out, c);
        else
            (void)wf_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static const char *separator(const weft_bytes *url)
{
    const char *query = memchr(url->ptr, '?', url->len);
    if (query == NULL)
        return "?";
    char last = url->ptr[url->len - 1];
    return last == '?' || last == '&' ? "" : "&";
}

int weft_url_add(weft_bytes *url, const char *name, weft_str value)
{
    if (memchr(url->ptr, '#', url->len) != NULL)
        return weft_fail(-EINVAL, "a parameter behind the fragment of a URL would not be sent");
    wf_buf text = {0};
    (void)wf_buf_append(&text, url->ptr, url->len);
    (void)wf_buf_puts(&text, separator(url));
    put_encoded(&text, weft_str_of(name));
    (void)wf_buf_putc(&text, '=');
    put_encoded(&text, value);
    size_t len = wf_buf_bytes(&text);
    (void)wf_buf_append(&text, "", 1);
    int rc = text.rc;
    if (rc == 0 && len > WF_URL_BYTES_MAX)
        rc = weft_fail(-WEFT_ELIMIT,
                       "with the parameter %.40s the URL has %zu bytes; the limit is %d", name, len,
                       WF_URL_BYTES_MAX);
    if (rc < 0) {
        wf_buf_fini(&text);
        return rc;
    }
    wf_free(url->ptr);
    *url = (weft_bytes){text.mem, len};
    return 0;
}
