/* SPDX-License-Identifier: MIT */

#include "http/form/cookie.h"

#include "h1/chars.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#define SET_BYTES_MAX 4096

/* RFC 6265bis 4.1.1, cookie-octet: visible ASCII without '"', ',', ';' and '\'. */
static bool is_cookie_octet(char c)
{
    return wf_http_is(c, WF_VISIBLE) && c != '"' && c != ',' && c != ';' && c != '\\';
}

static bool is_value(weft_str value)
{
    for (size_t i = 0; i < value.len; i++) {
        if (!is_cookie_octet(value.ptr[i]))
            return false;
    }
    return true;
}

static bool is_token(weft_str name)
{
    for (size_t i = 0; i < name.len; i++) {
        if (!wf_http_is(name.ptr[i], WF_TOKEN))
            return false;
    }
    return name.len > 0;
}

static bool take_pair(weft_str pair, weft_str *out_name, weft_str *out_value)
{
    const char *equals = memchr(pair.ptr, '=', pair.len);
    if (equals == NULL)
        return false;
    weft_str name = {pair.ptr, (size_t)(equals - pair.ptr)};
    weft_str value = {equals + 1, pair.len - name.len - 1};
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = (weft_str){value.ptr + 1, value.len - 2};
    if (!is_token(name) || !is_value(value))
        return false;
    *out_name = name;
    *out_value = value;
    return true;
}

bool wf_cookie_next(weft_str *rest, weft_str *out_name, weft_str *out_value)
{
    while (rest->len > 0) {
        const char *end = memchr(rest->ptr, ';', rest->len);
        size_t len = end != NULL ? (size_t)(end - rest->ptr) : rest->len;
        weft_str pair = {rest->ptr, len};
        size_t used = len + (end != NULL);
        if (end != NULL && used < rest->len && rest->ptr[used] == ' ')
            used++; /* the separator is "; " */
        rest->ptr += used;
        rest->len -= used;
        if (take_pair(pair, out_name, out_value))
            return true;
    }
    return false;
}

/* ---- Set-Cookie ---- */

/* RFC 6265bis 4.1.1, av-octet: any character except controls and ';'. */
static bool is_attribute(const char *text)
{
    for (; text != NULL && *text != 0; text++) {
        if ((unsigned char)*text < 0x20 || *text == 0x7f || *text == ';')
            return false;
    }
    return true;
}

/* What a browser would not take. */
static bool is_refused(const char *name, const weft_http_cookie_options *options)
{
    bool has_own_path = options->path != NULL && strcmp(options->path, "/") != 0;
    bool needs_secure = options->same_site == WEFT_HTTP_SAME_SITE_NONE || options->is_partitioned;
    if (strncasecmp(name, "__Secure-", 9) == 0)
        needs_secure = true;
    if (strncasecmp(name, "__Host-", 7) == 0) {
        needs_secure = true;
        if (options->domain != NULL || has_own_path)
            return true;
    }
    return needs_secure && !options->is_secure;
}

static void put_attributes(wf_buf *out, const weft_http_cookie_options *options)
{
    static const char *const same_site[] = {"Lax", "Strict", "None"};
    (void)wf_buf_printf(out, "; Path=%s", options->path != NULL ? options->path : "/");
    if (options->domain != NULL)
        (void)wf_buf_printf(out, "; Domain=%s", options->domain);
    if (options->max_age != 0)
        (void)wf_buf_printf(out, "; Max-Age=%" PRId64, options->max_age < 0 ? 0 : options->max_age);
    if (options->is_secure)
        (void)wf_buf_puts(out, "; Secure");
    if (!options->is_for_scripts)
        (void)wf_buf_puts(out, "; HttpOnly");
    if (options->is_partitioned)
        (void)wf_buf_puts(out, "; Partitioned");
    (void)wf_buf_printf(out, "; SameSite=%s", same_site[options->same_site]);
}

int wf_cookie_write(wf_buf *out, const char *name, weft_str value,
                    const weft_http_cookie_options *options)
{
    if (!is_token(weft_str_of(name)) || !is_value(value) || !is_attribute(options->path) ||
        !is_attribute(options->domain) || (options->path != NULL && options->path[0] != '/') ||
        (unsigned)options->same_site > WEFT_HTTP_SAME_SITE_NONE || is_refused(name, options))
        return -EINVAL;
    (void)wf_buf_printf(out, "%s=%.*s", name, (int)value.len, value.len != 0 ? value.ptr : "");
    put_attributes(out, options);
    if (out->rc == 0 && wf_buf_bytes(out) > SET_BYTES_MAX)
        return -EINVAL;
    return out->rc;
}
