/* SPDX-License-Identifier: MIT */

#include <weft/error.h>

#include "client/client_priv.h"

#include <string.h>

static weft_str location(const struct weft_exchange *exchange)
{
    return wf_h1_head_field(&exchange->head, exchange->head_text, "location");
}

bool wf_redirect_is_due(const struct weft_exchange *exchange)
{
    switch (exchange->head.status) {
    case 301:
    case 302:
    case 303:
    case 307:
    case 308:
        return !exchange->request->keeps_redirects && location(exchange).ptr != NULL;
    default:
        return false;
    }
}

static bool is_safe(const char *method)
{
    return strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0 ||
           strcmp(method, "OPTIONS") == 0;
}

/* What is asked there: 303, and 301 and 302 of a POST, turn into GET (RFC 9110 15.4). */
static void method_turn(struct weft_exchange *exchange)
{
    bool is_post = strcmp(exchange->method, "POST") == 0;
    uint16_t status = exchange->head.status;
    bool turns = (status == 303 && strcmp(exchange->method, "HEAD") != 0) ||
                 ((status == 301 || status == 302) && is_post);
    if (!turns)
        return;
    exchange->method = "GET";
    exchange->has_body = false;
}

static int redirect_check(const struct weft_exchange *exchange, const struct wf_url *next)
{
    const weft_str *from = &exchange->url.place, *to = &next->place;
    if (exchange->trace.redirects == exchange->client->options.limits.redirect_count_max)
        return weft_fail(
            -ELOOP, "more than %u redirects (redirect_count_max), last from %.*s to %.*s",
            exchange->trace.redirects, (int)from->len, from->ptr, (int)to->len, to->ptr);
    if (exchange->url.is_https && !next->is_https && !exchange->client->options.allows_downgrade)
        return weft_fail(-EPERM, "the redirect of %.*s to %.*s, without TLS, is not followed",
                         (int)from->len, from->ptr, (int)to->len, to->ptr);
    return 0;
}

int wf_redirect_follow(struct weft_exchange *exchange)
{
    struct wf_url next;
    const weft_str *from = &exchange->url.place;
    int rc = wf_url_join(&next, &exchange->url, location(exchange));
    if (rc < 0)
        return weft_fail(rc, "%.*s redirects to what cannot be asked: %s", (int)from->len,
                         from->ptr, weft_explain(rc));
    rc = redirect_check(exchange, &next);
    if (rc < 0) {
        wf_url_fini(&next);
        return rc;
    }
    method_turn(exchange);
    if (!wf_url_same_origin(&exchange->url, &next)) {
        exchange->is_secretive = true;
        exchange->has_body = exchange->has_body && is_safe(exchange->method);
    }
    if (exchange->has_body && exchange->request->body_read != NULL) {
        wf_url_fini(&next);
        return weft_fail(-ESPIPE, "the body was given once and cannot be sent again to %.*s",
                         (int)exchange->url.place.len, exchange->url.place.ptr);
    }
    wf_url_fini(&exchange->url);
    exchange->url = next;
    exchange->trace.redirects++;
    return 0;
}
