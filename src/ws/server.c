/* SPDX-License-Identifier: MIT */

/* The server's side of the opening handshake (RFC 6455 4.2). */

#include <weft/error.h>
#include <weft/http_upgrade.h>
#include <weft/task.h>

#include "h1/list.h"
#include "ws/key.h"
#include "ws/ws_priv.h"

#include <string.h>

#define VERSION "13"

/* ---- who may ---- */

/* Behind "scheme://". */
static weft_str authority_of(weft_str origin)
{
    const char *at = memmem(origin.ptr, origin.len, "://", 3);
    if (at == NULL)
        return (weft_str){NULL, 0};
    at += 3;
    return (weft_str){at, origin.len - (size_t)(at - origin.ptr)};
}

static bool origin_may(const weft_http_request *req, const weft_ws_options *options)
{
    weft_str origin = weft_http_field(req, "origin"), any = WEFT_STR("*");
    if (origin.ptr == NULL)
        return true;
    for (size_t i = 0; i < options->origin_count; i++) {
        weft_str allowed = weft_str_of(options->origins[i]);
        if (wf_http_same(allowed, any) || wf_http_same(allowed, origin))
            return true;
    }
    weft_str authority = authority_of(origin), host = weft_http_host(req);
    return options->origin_count == 0 && authority.ptr != NULL && wf_http_same(authority, host);
}

/* ---- refusals ---- */

static int refuse_version(weft_http_response *res)
{
    weft_str version = WEFT_STR(VERSION), upgrade = WEFT_STR("websocket");
    WEFT_TRY(weft_http_set_field(res, "Sec-WebSocket-Version", version));
    WEFT_TRY(weft_http_set_field(res, "Upgrade", upgrade));
    return weft_http_fail(res, 426, NULL, "Here is a WebSocket of version " VERSION " only.");
}

/* 1: it may be opened; 0: it was refused. */
static int judge(const weft_http_request *req, weft_http_response *res,
                 const weft_ws_options *options)
{
    weft_str version = weft_http_field(req, "sec-websocket-version"), ours = WEFT_STR(VERSION);
    weft_str method = weft_http_method(req), get = WEFT_STR("GET");
    if (!weft_http_wants_upgrade(req, "websocket") || !wf_http_same(method, get) ||
        !wf_http_same(version, ours))
        return refuse_version(res);
    if (!wf_ws_key_is_valid(weft_http_field(req, "sec-websocket-key")))
        return weft_http_fail(res, 400, NULL, "Sec-WebSocket-Key must be 16 bytes in base64.");
    if (!origin_may(req, options))
        return weft_http_fail(res, 403, NULL, "Pages of this origin may not connect.");
    if (weft_http_server_is_stopping(weft_http_get_server(req)))
        return weft_http_fail(res, 503, NULL, "The server is stopping.");
    return 1;
}

/* ---- what is agreed on ---- */

/* The next field of that name from *at on: a list may come in several (RFC 6455 11.3.2, 11.3.4). */
static bool next_list(const weft_http_request *req, const char *name, size_t *at, weft_str *out)
{
    weft_str found;
    while (weft_http_field_at(req, (*at)++, &found, out)) {
        if (wf_http_same(found, weft_str_of(name)))
            return true;
    }
    return false;
}

static const char *choose_protocol(const weft_http_request *req, const weft_ws_options *options)
{
    for (size_t i = 0; i < options->protocol_count; i++) {
        weft_str offered;
        for (size_t at = 0; next_list(req, "sec-websocket-protocol", &at, &offered);) {
            if (wf_http_list_has(offered, weft_str_of(options->protocols[i])))
                return options->protocols[i];
        }
    }
    return "";
}

static int choose_deflate(weft_ws *ws, const weft_http_request *req, weft_http_response *res,
                          const weft_ws_options *options)
{
    struct wf_ws_deflate_terms terms = {.is_on = false};
    char text[WF_WS_TERMS_BYTES];
    bool is_wanted = options->deflate != WEFT_WS_PLAIN && wf_ws_deflate_is_there();
    weft_str offers;
    for (size_t at = 0;
         is_wanted && !terms.is_on && next_list(req, "sec-websocket-extensions", &at, &offers);)
        wf_ws_deflate_choose(offers, options->deflate == WEFT_WS_DEFLATE_KEEPS, &terms);
    if (!terms.is_on)
        return 0;
    ws->deflate = wf_ws_deflate_new(&terms);
    if (ws->deflate == NULL)
        return -ENOMEM;
    weft_str answer = {text, wf_ws_deflate_answer(&terms, text)};
    return weft_http_set_field(res, "Sec-WebSocket-Extensions", answer);
}

static int answer(weft_ws *ws, const weft_http_request *req, weft_http_response *res,
                  const weft_ws_options *options)
{
    char text[WF_WS_ANSWER_BYTES];
    weft_stream *stream;
    wf_ws_key_answer(weft_http_field(req, "sec-websocket-key").ptr, text);
    ws->protocol = choose_protocol(req, options);
    WEFT_TRY(weft_http_set_field(res, "Sec-WebSocket-Accept", (weft_str){text, sizeof text}));
    if (ws->protocol[0] != 0)
        WEFT_TRY(weft_http_set_field(res, "Sec-WebSocket-Protocol", weft_str_of(ws->protocol)));
    WEFT_TRY(choose_deflate(ws, req, res, options));
    WEFT_TRY(weft_http_take_over(res, "websocket", wf_ws_stop, ws, &stream));
    wf_ws_start(ws, stream);
    return 1;
}

int weft_ws_accept(weft_ws **out, weft_http_request *req, weft_http_response *res,
                   const weft_ws_options *options)
{
    static const weft_ws_options usual;
    if (options == NULL)
        options = &usual;
    int rc = judge(req, res, options);
    if (rc != 1)
        return rc;
    weft_ws *ws = wf_ws_new(options, /* is_server= */ true);
    if (ws == NULL)
        return -ENOMEM;
    rc = answer(ws, req, res, options);
    if (rc != 1) {
        wf_ws_free(ws);
        return rc;
    }
    weft_opened(ws, &wf_ws_open_kind);
    *out = ws;
    return 1;
}

/* ---- all at once ---- */

int weft_ws_serve(weft_http_request *req, weft_http_response *res, const weft_ws_options *options,
                  weft_ws_fn *fn, void *arg)
{
    weft_ws *ws;
    int rc = weft_ws_accept(&ws, req, res, options);
    if (rc != 1)
        return rc;
    rc = fn(ws, arg);
    (void)weft_ws_close(ws, wf_ws_code_of(rc), NULL);
    return 0;
}
