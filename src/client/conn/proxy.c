/* SPDX-License-Identifier: MIT */

#include "client/conn/proxy.h"

#include <weft/error.h>

#include "base/buf.h"
#include "base/str.h"
#include "client/client_priv.h"
#include "h1/chars.h"
#include "h1/write.h"

#include <string.h>

/* ---- which one, and for whom ---- */

int wf_proxy_init(struct wf_proxy *proxy, const char *url, const char *auth, const char *except)
{
    *proxy = (struct wf_proxy){.auth = auth, .except = except};
    if (auth != NULL && wf_h1_value_check(weft_str_of(auth)) < 0)
        return weft_fail(-EINVAL, "proxy_auth has a control character");
    if (url == NULL)
        return 0;
    int rc = wf_url_parse(&proxy->url, weft_str_of(url));
    if (rc == -ENOMEM)
        return rc;
    if (rc < 0)
        return weft_fail(-EINVAL, "the proxy \"%.100s\" is no URL like http://host:port", url);
    if (proxy->url.is_https || proxy->url.target.len > 1) {
        wf_proxy_fini(proxy);
        return weft_fail(-EINVAL, "the proxy \"%.100s\" is to be http://host:port, without a path",
                         url);
    }
    return 0;
}

void wf_proxy_fini(struct wf_proxy *proxy)
{
    wf_url_fini(&proxy->url);
}

/* "example.org" and ".example.org" are the host of that name and all below it. */
static bool entry_covers(weft_str entry, weft_str host)
{
    if (entry.len == 1 && entry.ptr[0] == '*')
        return true;
    if (entry.len > 0 && entry.ptr[0] == '.')
        entry = (weft_str){entry.ptr + 1, entry.len - 1};
    if (entry.len == 0 || entry.len > host.len)
        return false;
    size_t above = host.len - entry.len;
    for (size_t i = 0; i < entry.len; i++) {
        if (wf_str_lower(host.ptr[above + i]) != wf_str_lower(entry.ptr[i]))
            return false;
    }
    return above == 0 || host.ptr[above - 1] == '.';
}

bool wf_proxy_serves(const struct wf_proxy *proxy, weft_str host)
{
    if (proxy->url.text == NULL)
        return false;
    const char *at = proxy->except != NULL ? proxy->except : "";
    while (*at != 0) {
        at += strspn(at, ", ");
        size_t len = strcspn(at, ", ");
        if (entry_covers((weft_str){at, len}, host))
            return false;
        at += len;
    }
    return true;
}

/* ---- a tunnel ---- */

static int ask(const struct weft_exchange *exchange, weft_stream *stream)
{
    const weft_str *authority = &exchange->url.authority;
    const char *auth = exchange->client->proxy.auth;
    /* The usual one is left out of an authority, and must be in the target; Host is the same as
     * that (RFC 9112 3.2). */
    const char *port = exchange->url.port == 443 ? ":443" : "";
    wf_buf head = {0};
    (void)wf_buf_printf(&head, "CONNECT %.*s%s HTTP/1.1\r\nHost: %.*s%s\r\n", (int)authority->len,
                        authority->ptr, port, (int)authority->len, authority->ptr, port);
    if (auth != NULL)
        (void)wf_buf_printf(&head, "Proxy-Authorization: %s\r\n", auth);
    (void)wf_buf_puts(&head, "\r\n");
    int rc = head.rc;
    if (rc == 0)
        rc = weft_stream_write(stream, wf_buf_ptr(&head), wf_buf_bytes(&head));
    wf_buf_fini(&head);
    return rc;
}

/* Its answer's head, whatever it says; what stands behind it is the origin's. */
static int hear(struct weft_exchange *exchange, weft_stream *stream)
{
    const weft_str *name = &exchange->client->proxy.url.authority;
    struct wf_h1_head *head = &exchange->head;
    size_t have = 0;
    int rc = 0;
    wf_h1_head_init_answer(head, &exchange->client->head_limits, exchange->fields);
    while (rc == 0) {
        weft_str input;
        ssize_t got = weft_stream_peek(stream, have + 1, &input);
        if (got < 0)
            return (int)got;
        if ((size_t)got == have)
            return weft_fail(-WEFT_ETRUNCATED, "the proxy %.*s closed the connection",
                             (int)name->len, name->ptr);
        have = (size_t)got;
        rc = wf_h1_head_feed(head, input.ptr, have);
        if (rc == 0 && have >= exchange->client->head_limits.head_bytes_max)
            rc = -WEFT_ELIMIT;
    }
    if (rc < 0)
        return weft_fail(rc, "the proxy %.*s answered what is no HTTP, or too much of it",
                         (int)name->len, name->ptr);
    weft_stream_consume(stream, head->bytes);
    return head->status;
}

int wf_proxy_refused(const struct weft_exchange *exchange, int status)
{
    const weft_str *name = &exchange->client->proxy.url.authority, *origin = &exchange->url.origin;
    return weft_fail(status >= 500 ? -ECONNREFUSED : -EACCES,
                     "the proxy %.*s answered %d for %.*s%s", (int)name->len, name->ptr, status,
                     (int)origin->len, origin->ptr,
                     status == 407 ? ": it wants other credentials (proxy_auth)" : "");
}

int wf_proxy_tunnel(struct weft_exchange *exchange, weft_stream *stream)
{
    uint32_t interim_left = exchange->client->options.limits.interim_count_max;
    WEFT_TRY(ask(exchange, stream));
    int status;
    do {
        status = hear(exchange, stream);
        if (status < 0)
            return status;
    } while (status < 200 && status != 101 && interim_left-- > 0);
    if (status >= 200 && status < 300)
        return 0;
    return wf_proxy_refused(exchange, status);
}
