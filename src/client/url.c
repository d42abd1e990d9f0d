/* SPDX-License-Identifier: MIT */

#include "client/url.h"

#include <weft/error.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/str.h"
#include "h1/chars.h"
#include "h1/host.h"

#include <stdint.h>
#include <string.h>

#define PLACE_BYTES_MAX 72u /* half of an error's text */

/* The five pieces of any reference (RFC 3986, appendix B); ptr NULL: not there. */
struct pieces {
    weft_str scheme, authority, path, query;
};

static weft_str between(const char *from, const char *to)
{
    return (weft_str){from, (size_t)(to - from)};
}

/* From `at` up to the first of `stops`, or the end. */
static const char *find_any(const char *at, const char *end, const char *stops)
{
    while (at < end && strchr(stops, *at) == NULL)
        at++;
    return at;
}

static struct pieces split(weft_str text)
{
    struct pieces out = {{NULL, 0}, {NULL, 0}, {NULL, 0}, {NULL, 0}};
    const char *at = text.ptr, *end = at + text.len;
    const char *colon = find_any(at, end, ":/?#");
    if (colon < end && *colon == ':' && colon > at) {
        out.scheme = between(at, colon);
        at = colon + 1;
    }
    if (end - at >= 2 && at[0] == '/' && at[1] == '/') {
        const char *stop = find_any(at + 2, end, "/?#");
        out.authority = between(at + 2, stop);
        at = stop;
    }
    const char *stop = find_any(at, end, "?#");
    out.path = between(at, stop);
    if (stop < end && *stop == '?')
        out.query = between(stop + 1, find_any(stop + 1, end, "#"));
    return out;
}

/* ---- writing ---- */

/* What passes into a target as it is: visible ASCII without the signs that browsers encode. */
static bool is_plain(char c)
{
    return wf_http_is(c, WF_VISIBLE) && strchr("\"<>\\^`{|}", c) == NULL;
}

static void put_encoded(wf_buf *out, weft_str text)
{
    static const char hex[] = "0123456789ABCDEF";
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (is_plain((char)c)) {
            (void)wf_buf_putc(out, (char)c);
            continue;
        }
        char escape[3] = {'%', hex[c >> 4], hex[c & 15]};
        (void)wf_buf_append(out, escape, sizeof escape);
    }
}

/* Takes back the last segment with its '/', if there is one behind `root`. */
static void drop_segment(wf_buf *out, size_t root)
{
    size_t len = wf_buf_bytes(out);
    while (len > root && wf_buf_ptr(out)[len - 1] != '/')
        len--;
    if (len > root)
        wf_buf_drop(out, wf_buf_bytes(out) - len + 1);
}

/* True if a segment is so many dots, each perhaps written as "%2e", which means the same (RFC 3986,
 * 6.2.2.2). */
static bool is_dots(weft_str segment, size_t count)
{
    for (; count > 0; count--) {
        size_t bytes = segment.len >= 3 && WF_HTTP_EQUAL(segment.ptr, 3, "%2e") ? 3 : 1;
        if (segment.len == 0 || (bytes == 1 && segment.ptr[0] != '.'))
            return false;
        segment = (weft_str){segment.ptr + bytes, segment.len - bytes};
    }
    return segment.len == 0;
}

/* Appends an absolute path without its "." and ".." (RFC 3986, 5.2.4), what is before `root` left
 * alone. */
static void put_path(wf_buf *out, weft_str path)
{
    size_t root = wf_buf_bytes(out);
    const char *at = path.ptr, *end = at + path.len;
    bool is_open = true; /* the last segment was "." or "..": the path ends in '/' */
    while (at < end) {   /* *at is the '/' before a segment */
        const char *stop = find_any(at + 1, end, "/");
        weft_str segment = between(at + 1, stop);
        bool is_up = is_dots(segment, 2);
        is_open = is_up || is_dots(segment, 1);
        if (is_up) {
            drop_segment(out, root);
        } else if (!is_open) {
            (void)wf_buf_putc(out, '/');
            put_encoded(out, segment);
        }
        at = stop;
    }
    if (is_open)
        (void)wf_buf_putc(out, '/');
}

/* ---- the authority ---- */

struct authority {
    weft_str host; /* with brackets */
    uint32_t port; /* 0: none given */
};

static int authority_split(struct authority *out, weft_str text)
{
    if (memchr(text.ptr, '@', text.len) != NULL)
        return weft_fail(-WEFT_ESYNTAX, "a URL with a user name is not accepted; use a field");
    if (text.len > 0 && text.ptr[text.len - 1] == ':') /* as good as none (RFC 3986, 6.2.3) */
        text.len--;
    if (!wf_http_host_is_valid(text.ptr, text.len))
        return weft_fail(-WEFT_ESYNTAX,
                         "the host of the URL is not a name, IPv4 or [IPv6] address, "
                         "with a port up to 65535");
    size_t host_len = text.len;
    while (host_len > 0 && wf_http_is(text.ptr[host_len - 1], WF_DIGIT))
        host_len--;
    bool has_port = host_len > 0 && host_len < text.len && text.ptr[host_len - 1] == ':';
    *out = (struct authority){.host = text};
    if (!has_port)
        return 0;
    out->host.len = host_len - 1;
    for (size_t i = host_len; i < text.len; i++)
        out->port = out->port * 10 + (uint32_t)(text.ptr[i] - '0');
    return out->port > 0 ? 0 : weft_fail(-WEFT_ESYNTAX, "port 0 of the URL cannot be asked");
}

/* ---- the whole ---- */

static int check_text(weft_str text)
{
    if (text.len > WF_URL_BYTES_MAX)
        return weft_fail(-WEFT_ELIMIT, "the URL has %zu bytes; the limit is %d", text.len,
                         WF_URL_BYTES_MAX);
    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];
        if (c < 0x20 || c == 0x7f)
            return weft_fail(-WEFT_ESYNTAX, "the URL has a control character at byte %zu", i);
    }
    return 0;
}

static int scheme_of(weft_str scheme, bool *out_is_https)
{
    *out_is_https = WF_HTTP_EQUAL(scheme.ptr, scheme.len, "https");
    if (*out_is_https || WF_HTTP_EQUAL(scheme.ptr, scheme.len, "http"))
        return 0;
    return weft_fail(-WEFT_ESYNTAX, "the URL does not begin with http:// or https://");
}

static void put_origin(wf_buf *out, bool is_https, const struct authority *authority)
{
    (void)wf_buf_puts(out, is_https ? "https://" : "http://");
    for (size_t i = 0; i < authority->host.len; i++)
        (void)wf_buf_putc(out, wf_str_lower(authority->host.ptr[i]));
    if (authority->port != 0 && authority->port != (is_https ? 443u : 80u))
        (void)wf_buf_printf(out, ":%u", (unsigned)authority->port);
}

/* Names the pieces of a text that is complete. */
static void url_point(struct wf_url *url, size_t origin_len, size_t host_len, uint32_t port)
{
    size_t scheme = url->is_https ? 8 : 7;
    url->origin = (weft_str){url->text, origin_len};
    url->authority = (weft_str){url->text + scheme, origin_len - scheme};
    url->target = (weft_str){url->text + origin_len, url->len - origin_len};
    size_t place = strcspn(url->text, "?");
    url->place = (weft_str){url->text, place < PLACE_BYTES_MAX ? place : PLACE_BYTES_MAX};
    url->host = (weft_str){url->authority.ptr, host_len};
    if (url->host.ptr[0] == '[')
        url->host = (weft_str){url->host.ptr + 1, host_len - 2};
    url->port = (uint16_t)(port != 0 ? port : url->is_https ? 443 : 80);
}

static int url_make(struct wf_url *out, const struct pieces *pieces)
{
    struct authority authority = {0};
    *out = (struct wf_url){0};
    if (pieces->scheme.ptr == NULL || pieces->authority.ptr == NULL)
        return weft_fail(-WEFT_ESYNTAX, "the URL does not begin with http:// or https://");
    WEFT_TRY(scheme_of(pieces->scheme, &out->is_https));
    WEFT_TRY(authority_split(&authority, pieces->authority));

    wf_buf text = {0};
    put_origin(&text, out->is_https, &authority);
    size_t origin_len = wf_buf_bytes(&text);
    put_path(&text, pieces->path);
    if (pieces->query.ptr != NULL) {
        (void)wf_buf_putc(&text, '?');
        put_encoded(&text, pieces->query);
    }
    (void)wf_buf_append(&text, "", 1);
    int rc = text.rc;
    if (rc < 0) {
        wf_buf_fini(&text);
        return rc;
    }
    out->text = text.mem;
    out->len = wf_buf_bytes(&text) - 1;
    url_point(out, origin_len, authority.host.len, authority.port);
    return 0;
}

int wf_url_parse(struct wf_url *out, weft_str text)
{
    *out = (struct wf_url){0};
    WEFT_TRY(check_text(text));
    struct pieces pieces = split(text);
    return url_make(out, &pieces);
}

int wf_url_join(struct wf_url *out, const struct wf_url *base, weft_str reference)
{
    *out = (struct wf_url){0};
    WEFT_TRY(check_text(reference));
    struct pieces pieces = split(reference), at = split((weft_str){base->text, base->len});
    if (pieces.scheme.ptr != NULL)
        return url_make(out, &pieces);
    pieces.scheme = at.scheme;
    if (pieces.authority.ptr != NULL)
        return url_make(out, &pieces);
    pieces.authority = at.authority;

    char *merged = NULL;
    if (pieces.path.len == 0) {
        pieces.path = at.path;
        if (pieces.query.ptr == NULL)
            pieces.query = at.query;
    } else if (pieces.path.ptr[0] != '/') { /* behind the last '/' of the base */
        size_t folder = at.path.len;
        while (at.path.ptr[folder - 1] != '/')
            folder--;
        size_t len = folder + pieces.path.len;
        merged = wf_alloc(len);
        if (merged == NULL)
            return -ENOMEM;
        memcpy(merged, at.path.ptr, folder);
        memcpy(merged + folder, pieces.path.ptr, pieces.path.len);
        pieces.path = (weft_str){merged, len};
    }
    int rc = url_make(out, &pieces);
    wf_free(merged);
    return rc;
}

bool wf_url_same_origin(const struct wf_url *a, const struct wf_url *b)
{
    return wf_str_equals(a->origin, b->origin);
}

void wf_url_fini(struct wf_url *url)
{
    wf_free(url->text);
    *url = (struct wf_url){0};
}
