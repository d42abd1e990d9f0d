/* SPDX-License-Identifier: MIT */

/* A client's WebSocket that is made again when it has ended. */

#include <weft/error.h>
#include <weft/random.h>
#include <weft/task.h>

#include "ws/frame.h"
#include "ws/ws_priv.h"

#define PAUSE_FIRST WEFT_SEC
#define PAUSE_MAX (30 * WEFT_SEC)

struct keeper {
    weft_client *client;
    const char *url;
    weft_ws_options options; /* with a trace in any case */
    weft_ws_fn *fn;
    void *arg;
    uint32_t failures; /* in a row */
};

/* ---- what may pass ---- */

static bool is_lost(int rc)
{
    switch (-rc) {
    case ECONNREFUSED:
    case ECONNRESET:
    case EHOSTDOWN:
    case EHOSTUNREACH:
    case ENETDOWN:
    case ENETUNREACH:
    case EPIPE:
    case ETIMEDOUT:
    case WEFT_EDNS:
    case WEFT_ETRUNCATED:
        return true;
    default:
        return false;
    }
}

static bool is_busy(const weft_client_trace *trace)
{
    return trace->status == 429 || trace->status >= 500;
}

/* Codes by which a server says that the client is wrong, and will be the next time (RFC 6455
 * 7.4.1). */
static bool is_verdict(int code)
{
    return code == 1002 || code == 1003 || (code >= 1007 && code <= 1010);
}

/* ---- one connection ---- */

/* fn() has not ended because the connection has, but for a reason of its own. */
static bool is_own(const weft_ws *ws, int rc)
{
    return weft_ws_get_close(ws, NULL) == 0 || rc > 0 || rc == -ECANCELED ||
           (rc < 0 && rc != ws->rc && rc != -WEFT_ECLOSED);
}

/* What is left to return when the connection has ended first; *out_again: nothing. */
static int judge_end(const struct keeper *keeper, const weft_ws *ws, bool *out_again)
{
    weft_str reason;
    int code = weft_ws_get_close(ws, &reason);
    if (ws->rc != 0 && !is_lost(ws->rc))
        return weft_fail(ws->rc, "%.*s", (int)reason.len, reason.ptr);
    if (ws->rc == 0 && is_verdict(code))
        return weft_fail(-EPROTO, "%.60s: the server closes with %d%s%.*s", keeper->url, code,
                         reason.len > 0 ? ": " : "", (int)reason.len, reason.ptr);
    *out_again = code != WF_WS_NORMAL;
    return 0;
}

static int talk(struct keeper *keeper, weft_ws *ws, bool *out_again)
{
    weft_time from = weft_now();
    int rc = keeper->fn(ws, keeper->arg);
    if (!is_own(ws, rc))
        rc = judge_end(keeper, ws, out_again);
    if (weft_now() - from >= PAUSE_MAX)
        keeper->failures = 0;
    weft_ws_close(ws, wf_ws_code_of(rc), NULL);
    return rc;
}

static int connect_and_talk(struct keeper *keeper, bool *out_again)
{
    weft_ws *ws;
    int rc = weft_ws_connect(&ws, keeper->client, keeper->url, &keeper->options);
    if (rc == 0)
        return talk(keeper, ws, out_again);
    *out_again = rc == -EPROTO ? is_busy(keeper->options.trace) : is_lost(rc);
    return rc;
}

/* ---- all of them ---- */

/* Half of it by chance: those whom a server has lost together do not come back together. */
static int pause_before_next(struct keeper *keeper)
{
    weft_time pause = PAUSE_FIRST;
    for (uint32_t i = 0; i < keeper->failures && pause < PAUSE_MAX; i++)
        pause *= 2;
    pause = pause < PAUSE_MAX ? pause : PAUSE_MAX;
    keeper->failures++;
    int64_t chance = weft_random_below(pause / 2);
    return chance < 0 ? (int)chance : weft_sleep(pause / 2 + chance);
}

int weft_ws_keep(weft_client *client, const char *url, const weft_ws_options *options,
                 weft_ws_fn *fn, void *arg)
{
    struct keeper keeper = {.client = client, .url = url, .fn = fn, .arg = arg};
    weft_client_trace trace;
    if (options != NULL)
        keeper.options = *options;
    if (keeper.options.trace == NULL)
        keeper.options.trace = &trace;
    for (;;) {
        bool is_again = false;
        int rc = connect_and_talk(&keeper, &is_again);
        if (!is_again)
            return rc;
        WEFT_TRY(pause_before_next(&keeper));
    }
}
