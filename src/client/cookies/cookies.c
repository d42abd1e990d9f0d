/* SPDX-License-Identifier: MIT */

/* The jar: which cookies are kept, and which go with a request (RFC 6265, 5.3 and 5.4). */

#include <weft/cookies.h>
#include <weft/error.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/list.h"
#include "base/str.h"
#include "base/sys.h"
#include "client/cookies/cookie_parse.h"
#include "client/cookies/cookies_priv.h"
#include "client/cookies/suffix.h"
#include "h1/chars.h"

#include <errno.h>
#include <string.h>

#define COUNT_MAX 3000
#define DOMAIN_COUNT_MAX 64
#define DAYS_MAX 400 /* a cookie lives no longer, whatever it says */
#define HEADER_BYTES_MAX ((size_t)16 * 1024)

struct kept {
    wf_list link;
    weft_cookie cookie; /* its strings are behind it */
};

struct weft_cookies {
    wf_list kept; /* in the order of setting */
    unsigned count;
};

/* ---- life ---- */

int weft_cookies_new(weft_cookies **out)
{
    weft_cookies *jar = wf_alloc(sizeof *jar);
    if (jar == NULL)
        return -ENOMEM;
    wf_list_init(&jar->kept);
    *out = jar;
    return 0;
}

static void drop(weft_cookies *jar, struct kept *kept)
{
    wf_list_remove(&kept->link);
    jar->count--;
    wf_free(kept);
}

void weft_cookies_free(weft_cookies *jar)
{
    if (jar == NULL)
        return;
    weft_cookies_clear(jar, NULL);
    wf_free(jar);
}

static void drop_expired(weft_cookies *jar)
{
    weft_time now = wf_sys_wall();
    wf_list_each_safe (at, &jar->kept) {
        struct kept *kept = wf_container(at, struct kept, link);
        if (kept->cookie.expires <= now)
            drop(jar, kept);
    }
}

/* ---- who gets what ---- */

/* Of a URL's host, which is a name or an address. */
static bool is_address(weft_str host)
{
    for (size_t i = 0; i < host.len; i++) {
        if (host.ptr[i] == ':')
            return true;
        if (host.ptr[i] != '.' && !wf_http_is(host.ptr[i], WF_DIGIT))
            return false;
    }
    return true;
}

/* `host` is `domain` or a name below it, whatever the case of either. */
static bool domain_covers(weft_str domain, weft_str host)
{
    if (domain.len == 0 || domain.len > host.len)
        return false;
    size_t above = host.len - domain.len;
    for (size_t i = 0; i < domain.len; i++) {
        if (wf_str_lower(domain.ptr[i]) != wf_str_lower(host.ptr[above + i]))
            return false;
    }
    return above == 0 || host.ptr[above - 1] == '.';
}

static bool path_covers(weft_str path, weft_str asked)
{
    return asked.len >= path.len && memcmp(asked.ptr, path.ptr, path.len) == 0 &&
           (asked.len == path.len || path.ptr[path.len - 1] == '/' || asked.ptr[path.len] == '/');
}

static weft_str path_of(const struct wf_url *url)
{
    const char *query = memchr(url->target.ptr, '?', url->target.len);
    return (weft_str){url->target.ptr,
                      query != NULL ? (size_t)(query - url->target.ptr) : url->target.len};
}

static bool is_for(const weft_cookie *cookie, const struct wf_url *url)
{
    bool is_host = cookie->is_host_only ? wf_str_equals(cookie->domain, url->host)
                                        : domain_covers(cookie->domain, url->host);
    return is_host && path_covers(cookie->path, path_of(url)) &&
           (!cookie->is_secure || url->is_https);
}

/* Up to its last '/': what a cookie without a path is for. */
static weft_str default_path(const struct wf_url *url)
{
    weft_str path = path_of(url);
    while (path.len > 1 && path.ptr[path.len - 1] != '/')
        path.len--;
    path.len -= path.len > 1;
    return path;
}

/* ---- setting ---- */

/* What its name promises. */
static bool keeps_promise(const weft_cookie *cookie, bool has_path)
{
    static const char secure[] = "__secure-", host[] = "__host-";
    weft_str name = cookie->name;
    bool is_host = name.len >= sizeof host - 1 &&
                   wf_http_equal(name.ptr, sizeof host - 1, host, sizeof host - 1);
    bool is_secure = name.len >= sizeof secure - 1 &&
                     wf_http_equal(name.ptr, sizeof secure - 1, secure, sizeof secure - 1);
    if (is_host)
        return cookie->is_secure && cookie->is_host_only && has_path && cookie->path.len == 1;
    return !is_secure || cookie->is_secure;
}

/* 0 days and less ago is gone at once. */
static weft_time expiry(const struct wf_cookie_line *line)
{
    int64_t now = wf_sys_wall() / WEFT_SEC, most = now + (int64_t)DAYS_MAX * 86400;
    if (!line->has_max_age && !line->has_expires)
        return WEFT_FOREVER;
    int64_t at = line->has_max_age ? (line->max_age > 0 ? now + line->max_age : 0) : line->expires;
    return at <= now ? 0 : (at < most ? at : most) * WEFT_SEC;
}

/* Not for a site of others: only the host itself or what is above it and belongs to one party. */
static bool may_say_domain(const struct wf_url *url, weft_str domain)
{
    bool is_own = domain.len == url->host.len;
    return domain_covers(domain, url->host) &&
           (is_own || (!is_address(url->host) && !wf_is_public_suffix(domain)));
}

/* The cookie the line sets at `url`; false if it is refused. */
static bool cookie_of(weft_cookie *out, const struct wf_cookie_line *line, const struct wf_url *url)
{
    bool has_domain = line->domain.len > 0;
    if (has_domain && !may_say_domain(url, line->domain))
        return false;
    size_t above = has_domain ? url->host.len - line->domain.len : 0;
    *out = (weft_cookie){
        .name = line->name,
        .value = line->value,
        .domain = {url->host.ptr + above, url->host.len - above},
        .path = line->path.ptr != NULL ? line->path : default_path(url),
        .expires = expiry(line),
        .is_host_only = !has_domain || is_address(url->host) || wf_is_public_suffix(line->domain),
        .is_secure = line->is_secure,
    };
    return (!out->is_secure || url->is_https) && keeps_promise(out, line->path.ptr != NULL);
}

static bool is_same(const weft_cookie *a, const weft_cookie *b)
{
    return wf_str_equals(a->name, b->name) && wf_str_equals(a->domain, b->domain) &&
           wf_str_equals(a->path, b->path) && a->is_host_only == b->is_host_only;
}

static weft_str put(char **at, weft_str text)
{
    weft_str own = {*at, text.len};
    if (text.len > 0)
        memcpy(*at, text.ptr, text.len);
    *at += text.len;
    return own;
}

static struct kept *kept_new(const weft_cookie *cookie)
{
    size_t bytes = cookie->name.len + cookie->value.len + cookie->domain.len + cookie->path.len;
    struct kept *kept = wf_alloc(sizeof *kept + bytes);
    if (kept == NULL)
        return NULL;
    char *at = (char *)(kept + 1);
    kept->cookie = *cookie;
    kept->cookie.name = put(&at, cookie->name);
    kept->cookie.value = put(&at, cookie->value);
    kept->cookie.domain = put(&at, cookie->domain);
    kept->cookie.path = put(&at, cookie->path);
    return kept;
}

/* Those that were set longest ago make room. */
static void make_room(weft_cookies *jar, weft_str domain)
{
    unsigned of_domain = 0;
    struct kept *oldest = NULL;
    wf_list_each (at, &jar->kept) {
        struct kept *kept = wf_container(at, struct kept, link);
        if (wf_str_equals(kept->cookie.domain, domain) && of_domain++ == 0)
            oldest = kept;
    }
    if (of_domain < DOMAIN_COUNT_MAX && jar->count >= COUNT_MAX)
        oldest = wf_container(jar->kept.next, struct kept, link);
    if (of_domain >= DOMAIN_COUNT_MAX || jar->count >= COUNT_MAX)
        drop(jar, oldest);
}

/* Over http nothing is put in the place of a cookie that is for https (RFC 6265bis, 5.6). */
static bool would_hide(const weft_cookies *jar, const weft_cookie *cookie, const struct wf_url *url)
{
    if (url->is_https)
        return false;
    wf_list_each (at, &jar->kept) {
        const weft_cookie *old = &wf_container(at, struct kept, link)->cookie;
        if (old->is_secure && wf_str_equals(old->name, cookie->name) &&
            (domain_covers(old->domain, cookie->domain) ||
             domain_covers(cookie->domain, old->domain)) &&
            path_covers(old->path, cookie->path))
            return true;
    }
    return false;
}

int wf_cookies_set(weft_cookies *jar, const struct wf_url *url, weft_str set_cookie)
{
    struct wf_cookie_line line;
    weft_cookie cookie;
    drop_expired(jar);
    if (!wf_cookie_parse(&line, set_cookie) || !cookie_of(&cookie, &line, url) ||
        would_hide(jar, &cookie, url))
        return 0;
    struct kept *kept = kept_new(&cookie);
    if (kept == NULL)
        return -ENOMEM;
    wf_list *before =
        &jar->kept; /* where it goes: to the end, or where the one was that it replaces */
    wf_list_each_safe (at, &jar->kept) {
        struct kept *old = wf_container(at, struct kept, link);
        if (is_same(&old->cookie, &cookie)) {
            before = at_next;
            drop(jar, old);
        }
    }
    if (cookie.expires == 0) {
        wf_free(kept);
        return 1;
    }
    make_room(jar, cookie.domain);
    wf_list_append(before, &kept->link);
    jar->count++;
    return 1;
}

int weft_cookies_set(weft_cookies *jar, const char *url, weft_str set_cookie)
{
    struct wf_url parsed;
    WEFT_TRY(wf_url_parse(&parsed, weft_str_of(url)));
    int rc = wf_cookies_set(jar, &parsed, set_cookie);
    wf_url_fini(&parsed);
    return rc;
}

/* ---- saying ---- */

/* Longer paths first; then what was set first. */
static void collect(const weft_cookies *jar, const struct wf_url *url, wf_buf *out)
{
    size_t longest = SIZE_MAX;
    for (;;) {
        size_t next = 0; /* the longest path below `longest` */
        wf_list_each (at, &jar->kept) {
            const weft_cookie *cookie = &wf_container(at, struct kept, link)->cookie;
            if (cookie->path.len < longest && cookie->path.len > next && is_for(cookie, url))
                next = cookie->path.len;
        }
        if (next == 0)
            return;
        wf_list_each (at, &jar->kept) {
            const weft_cookie *cookie = &wf_container(at, struct kept, link)->cookie;
            if (cookie->path.len != next || !is_for(cookie, url))
                continue;
            if (wf_buf_bytes(out) + cookie->name.len + cookie->value.len > HEADER_BYTES_MAX)
                return; /* a server would refuse the request */
            (void)wf_buf_puts(out, wf_buf_bytes(out) > 0 ? "; " : "");
            (void)wf_buf_append(out, cookie->name.ptr, cookie->name.len);
            (void)wf_buf_putc(out, '=');
            (void)wf_buf_append(out, cookie->value.ptr, cookie->value.len);
        }
        longest = next;
    }
}

int wf_cookies_for(weft_cookies *jar, const struct wf_url *url, wf_buf *out)
{
    drop_expired(jar);
    collect(jar, url, out);
    return out->rc;
}

int weft_cookies_for(weft_cookies *jar, const char *url, weft_bytes *out)
{
    struct wf_url parsed;
    wf_buf text = {0};
    WEFT_TRY(wf_url_parse(&parsed, weft_str_of(url)));
    int rc = wf_cookies_for(jar, &parsed, &text);
    wf_url_fini(&parsed);
    if (rc == 0)
        rc = wf_buf_append(&text, "", 1);
    if (rc < 0) {
        wf_buf_fini(&text);
        return rc;
    }
    *out = (weft_bytes){text.mem, wf_buf_bytes(&text) - 1};
    return 0;
}

/* ---- looking, forgetting ---- */

bool weft_cookies_at(weft_cookies *jar, size_t index, weft_cookie *out)
{
    drop_expired(jar);
    wf_list_each (at, &jar->kept) {
        if (index-- == 0) {
            *out = wf_container(at, struct kept, link)->cookie;
            return true;
        }
    }
    return false;
}

void weft_cookies_clear(weft_cookies *jar, const char *domain)
{
    wf_list_each_safe (at, &jar->kept) {
        struct kept *kept = wf_container(at, struct kept, link);
        if (domain == NULL || domain_covers(weft_str_of(domain), kept->cookie.domain))
            drop(jar, kept);
    }
}
