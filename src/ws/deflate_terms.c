/* SPDX-License-Identifier: MIT */

#include "ws/deflate_terms.h"

#include "base/str.h"
#include "h1/list.h"

#include <stdio.h>
#include <string.h>

#define NAME "permessage-deflate"
#define BITS_MAX 15u

/* ---- one offer or answer ---- */

enum param {
    SERVER_NO_CONTEXT = 1,
    CLIENT_NO_CONTEXT = 2,
    SERVER_BITS = 4,
    CLIENT_BITS = 8,
};

struct params {
    unsigned seen; /* of enum param */
    unsigned server_bits, client_bits;
};

static const struct {
    weft_str name;
    enum param param;
} known[] = {
    {WEFT_STR("server_no_context_takeover"), SERVER_NO_CONTEXT},
    {WEFT_STR("client_no_context_takeover"), CLIENT_NO_CONTEXT},
    {WEFT_STR("server_max_window_bits"), SERVER_BITS},
    {WEFT_STR("client_max_window_bits"), CLIENT_BITS},
};

/* "8" to "15", perhaps quoted; 0: something else. */
static unsigned read_bits(weft_str value)
{
    if (value.len >= 2 && value.ptr[0] == '"' && value.ptr[value.len - 1] == '"')
        value = (weft_str){value.ptr + 1, value.len - 2};
    if (value.len == 1 && (value.ptr[0] == '8' || value.ptr[0] == '9'))
        return (unsigned)(value.ptr[0] - '0');
    if (value.len == 2 && value.ptr[0] == '1' && value.ptr[1] >= '0' && value.ptr[1] <= '5')
        return 10 + (unsigned)(value.ptr[1] - '0');
    return 0;
}

static bool params_add(struct params *params, enum param param, bool has_value, weft_str value)
{
    unsigned bits = has_value ? read_bits(value) : 0;
    if ((params->seen & param) != 0)
        return false;
    params->seen |= param;
    switch (param) {
    case SERVER_NO_CONTEXT:
    case CLIENT_NO_CONTEXT:
        return !has_value;
    case SERVER_BITS:
        params->server_bits = bits;
        return bits != 0;
    case CLIENT_BITS: /* in an offer also without a value */
        params->client_bits = bits;
        return !has_value || bits != 0;
    }
    return false;
}

static bool params_take(struct params *params, weft_str text)
{
    weft_str rest = text, name, value = {NULL, 0};
    (void)wf_str_next_item(&rest, '=', &name);
    bool has_value = wf_str_next_item(&rest, '=', &value);
    if (rest.ptr != NULL)
        return false;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (wf_http_same(name, known[i].name))
            return params_add(params, known[i].param, has_value, value);
    }
    return false;
}

/* True if it is about our extension, and well-formed. */
static bool params_read(struct params *params, weft_str element)
{
    weft_str piece, name = WEFT_STR(NAME);
    *params = (struct params){0};
    if (!wf_str_next_item(&element, ';', &piece) || !wf_http_same(piece, name))
        return false;
    while (wf_str_next_item(&element, ';', &piece)) {
        if (!params_take(params, piece))
            return false;
    }
    return true;
}

/* ---- the server's side ---- */

/* zlib has no window of 256 bytes for raw data: such an offer cannot be met. */
#define BITS_MIN 9u

void wf_ws_deflate_choose(weft_str offers, bool keeps, struct wf_ws_deflate_terms *out)
{
    weft_str offer;
    struct params params;
    *out = (struct wf_ws_deflate_terms){.is_on = false};
    while (wf_str_next_item(&offers, ',', &offer)) {
        if (!params_read(&params, offer))
            continue;
        bool has_bits = (params.seen & SERVER_BITS) != 0;
        if (has_bits && params.server_bits < BITS_MIN)
            continue;
        *out = (struct wf_ws_deflate_terms){
            .is_on = true,
            .out_keeps = keeps && (params.seen & SERVER_NO_CONTEXT) == 0,
            .in_keeps = keeps && (params.seen & CLIENT_NO_CONTEXT) == 0,
            .out_bits = (uint8_t)(has_bits ? params.server_bits : BITS_MAX),
            .says_bits = has_bits,
        };
        return;
    }
}

size_t wf_ws_deflate_answer(const struct wf_ws_deflate_terms *terms, char out[WF_WS_TERMS_BYTES])
{
    int bytes = snprintf(out, WF_WS_TERMS_BYTES, "%s%s%s", NAME,
                         terms->out_keeps ? "" : "; server_no_context_takeover",
                         terms->in_keeps ? "" : "; client_no_context_takeover");
    if (terms->says_bits)
        bytes += snprintf(out + bytes, WF_WS_TERMS_BYTES - (size_t)bytes,
                          "; server_max_window_bits=%u", terms->out_bits);
    return (size_t)bytes;
}

/* ---- the client's side ---- */

size_t wf_ws_deflate_offer(bool keeps, char out[WF_WS_TERMS_BYTES])
{
    const char *params = keeps ? "; client_max_window_bits"
                               : "; server_no_context_takeover; client_no_context_takeover"
                                 "; client_max_window_bits";
    return (size_t)snprintf(out, WF_WS_TERMS_BYTES, "%s%s", NAME, params);
}

bool wf_ws_deflate_agree(weft_str answer, bool keeps, struct wf_ws_deflate_terms *out)
{
    weft_str element;
    struct params params;
    if (!wf_str_next_item(&answer, ',', &element) || answer.ptr != NULL ||
        !params_read(&params, element))
        return false;
    bool server_keeps = (params.seen & SERVER_NO_CONTEXT) == 0;
    bool has_bits = (params.seen & CLIENT_BITS) != 0;
    if ((has_bits && params.client_bits == 0) || (server_keeps && !keeps))
        return false; /* an answer says how many; was asked for and is not granted */
    *out = (struct wf_ws_deflate_terms){
        .is_on = true,
        .out_keeps = keeps && (params.seen & CLIENT_NO_CONTEXT) == 0,
        .in_keeps = server_keeps,
        .out_bits = (uint8_t)(has_bits ? params.client_bits : BITS_MAX),
    };
    return true;
}
