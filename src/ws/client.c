/* SPDX-License-Identifier: MIT */

/* The client's side of the opening handshake (RFC 6455 4.1). */

#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "base/sys.h"
#include "h1/chars.h"
#include "h1/list.h"
#include "ws/key.h"
#include "ws/ws_priv.h"

#include <stdio.h>
#include <string.h>

#define OWN_FIELDS 4

/* What the client sends, and checks the answer against. */
struct opening {
    const weft_ws_options *options;
    char *url; /* for HTTP */
    weft_client_field *fields;
    size_t field_count;
    wf_buf protocols; /* as a list */
    char key[WF_WS_KEY_BYTES];
    char deflate[WF_WS_TERMS_BYTES];
    bool keeps; /* the window, as offered */
    bool offers_deflate;
};

static void opening_fini(struct opening *opening)
{
    wf_buf_fini(&opening->protocols);
    wf_free(opening->fields);
    wf_free(opening->url);
}

/* ---- the request ---- */

/* "ws://…" is asked for as "http://…", "wss://…" as "https://…". */
static int write_url(struct opening *opening, const char *url)
{
    size_t len = url != NULL ? strlen(url) : 0;
    bool is_plain = len >= 5 && WF_HTTP_EQUAL(url, 5, "ws://");
    bool is_secure = len >= 6 && WF_HTTP_EQUAL(url, 6, "wss://");
    if (!is_plain && !is_secure)
        return weft_fail(-WEFT_ESYNTAX, "the URL of a WebSocket begins with ws:// or wss://");
    opening->url = wf_alloc(len + 3);
    if (opening->url == NULL)
        return -ENOMEM;
    snprintf(opening->url, len + 3, "http%s", url + 2);
    return 0;
}

static int write_protocols(struct opening *opening)
{
    const weft_ws_options *options = opening->options;
    for (size_t i = 0; i < options->protocol_count; i++) {
        const char *name = options->protocols[i];
        for (const char *at = name; *at != 0; at++) {
            if (!wf_http_is(*at, WF_TOKEN))
                return weft_fail(-EINVAL, "a subprotocol is no token");
        }
        if (name[0] == 0)
            return weft_fail(-EINVAL, "a subprotocol has no name");
        (void)wf_buf_printf(&opening->protocols, "%s%s", i > 0 ? ", " : "", name);
    }
    return opening->protocols.rc;
}

static int write_key(struct opening *opening)
{
    uint8_t random[16];
    WEFT_TRY(wf_sys_random(random, sizeof random));
    wf_ws_key_write(random, opening->key);
    return 0;
}

static void add_field(struct opening *opening, weft_str name, const char *value, size_t len)
{
    opening->fields[opening->field_count++] = (weft_client_field){name, {value, len}};
}

static int write_fields(struct opening *opening)
{
    static const weft_str prefix = WEFT_STR("sec-websocket-");
    const weft_ws_options *options = opening->options;
    size_t count = options->field_count;
    opening->fields = wf_array(count + OWN_FIELDS, sizeof opening->fields[0]);
    if (opening->fields == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count; i++) {
        weft_str name = options->fields[i].name;
        weft_str head = {name.ptr, name.len < prefix.len ? name.len : prefix.len};
        if (wf_http_same(head, prefix))
            return weft_fail(-EINVAL, "the fields Sec-WebSocket-… are the client's own to set");
        opening->fields[opening->field_count++] = options->fields[i];
    }
    add_field(opening, (weft_str)WEFT_STR("Sec-WebSocket-Version"), "13", 2);
    add_field(opening, (weft_str)WEFT_STR("Sec-WebSocket-Key"), opening->key, WF_WS_KEY_BYTES);
    if (wf_buf_bytes(&opening->protocols) > 0)
        add_field(opening, (weft_str)WEFT_STR("Sec-WebSocket-Protocol"),
                  wf_buf_ptr(&opening->protocols), wf_buf_bytes(&opening->protocols));
    if (opening->offers_deflate)
        add_field(opening, (weft_str)WEFT_STR("Sec-WebSocket-Extensions"), opening->deflate,
                  wf_ws_deflate_offer(opening->keeps, opening->deflate));
    return 0;
}

static int opening_write(struct opening *opening, const char *url)
{
    const weft_ws_options *options = opening->options;
    opening->offers_deflate = options->deflate != WEFT_WS_PLAIN && wf_ws_deflate_is_there();
    opening->keeps = options->deflate == WEFT_WS_DEFLATE_KEEPS;
    WEFT_TRY(write_url(opening, url));
    WEFT_TRY(write_protocols(opening));
    WEFT_TRY(write_key(opening));
    return write_fields(opening);
}

/* ---- the answer ---- */

static int check_accept(const struct opening *opening, const weft_exchange *exchange)
{
    char want[WF_WS_ANSWER_BYTES];
    weft_str said = weft_exchange_field(exchange, "sec-websocket-accept");
    wf_ws_key_answer(opening->key, want);
    if (said.len == sizeof want && memcmp(said.ptr, want, sizeof want) == 0)
        return 0;
    return weft_fail(-EPROTO, "the server's Sec-WebSocket-Accept is not that of our key");
}

static int take_protocol(weft_ws *ws, const struct opening *opening, const weft_exchange *exchange)
{
    weft_str said = weft_exchange_field(exchange, "sec-websocket-protocol");
    if (said.ptr == NULL)
        return 0;
    for (size_t i = 0; i < opening->options->protocol_count; i++) {
        const char *name = opening->options->protocols[i];
        if (strlen(name) == said.len && memcmp(name, said.ptr, said.len) == 0) {
            ws->protocol = name;
            return 0;
        }
    }
    return weft_fail(-EPROTO, "the server chose a subprotocol that was not offered");
}

static int take_deflate(weft_ws *ws, const struct opening *opening, const weft_exchange *exchange)
{
    weft_str said = weft_exchange_field(exchange, "sec-websocket-extensions");
    struct wf_ws_deflate_terms terms;
    if (said.ptr == NULL)
        return 0;
    if (!opening->offers_deflate || !wf_ws_deflate_agree(said, opening->keeps, &terms))
        return weft_fail(-EPROTO, "the server chose an extension that was not offered");
    ws->deflate = wf_ws_deflate_new(&terms);
    return ws->deflate == NULL ? -ENOMEM : 0;
}

static int take_answer(weft_ws *ws, const struct opening *opening, weft_exchange *exchange)
{
    weft_stream *stream;
    int status = weft_exchange_status(exchange);
    if (status != 101)
        return weft_fail(-EPROTO, "the server answers with status %d instead of a WebSocket",
                         status);
    WEFT_TRY(check_accept(opening, exchange));
    WEFT_TRY(take_protocol(ws, opening, exchange));
    WEFT_TRY(take_deflate(ws, opening, exchange));
    WEFT_TRY(weft_exchange_detach(exchange, &stream));
    wf_ws_start(ws, stream);
    return 0;
}

/* ---- both ---- */

static int ask(weft_ws *ws, weft_client *client, const struct opening *opening)
{
    weft_exchange *exchange;
    const weft_client_request request = {
        .url = opening->url,
        .fields = opening->fields,
        .field_count = opening->field_count,
        .upgrade = "websocket",
        .keeps_redirects = true,
        .trace = opening->options->trace,
    };
    WEFT_TRY(weft_exchange_open(&exchange, client, &request));
    int rc = take_answer(ws, opening, exchange);
    weft_str place = weft_exchange_place(exchange);
    if (rc == -EPROTO)
        rc = weft_fail(rc, "%.*s: %s", (int)place.len, place.ptr, weft_explain(rc));
    weft_exchange_close(exchange);
    return rc;
}

int weft_ws_connect(weft_ws **out, weft_client *client, const char *url,
                    const weft_ws_options *options)
{
    static const weft_ws_options usual;
    struct opening opening = {.options = options != NULL ? options : &usual};
    weft_ws *ws = wf_ws_new(options, /* is_server= */ false);
    int rc = ws == NULL ? -ENOMEM : opening_write(&opening, url);
    if (rc == 0)
        rc = ask(ws, client, &opening);
    opening_fini(&opening);
    if (rc < 0) {
        wf_ws_free(ws);
        return rc;
    }
    weft_closed(ws->stream, NULL); /* it is told by the WebSocket */
    weft_opened(ws, &wf_ws_open_kind);
    *out = ws;
    return 0;
}
