/* SPDX-License-Identifier: MIT */

/*
 * A server's WebSocket that is served message by message.  While nothing comes it is a record whose
 * callbacks answer pings and watch the time; a whole message, or the end, begins a task.
 */

#include <weft/error.h>
#include <weft/http_upgrade.h>
#include <weft/task.h>

#include "ws/ws_priv.h"

#include <assert.h>

static bool has_end(const weft_ws *ws)
{
    return ws->rc != 0 || ws->got_close;
}

/* What is there, one message after the other.  1: nothing is left; else how it is to end. */
static int serve_all(weft_ws *ws)
{
    for (;;) {
        weft_ws_message message;
        wf_ws_pump(ws);
        if (!ws->is_whole && !has_end(ws))
            return 1;
        int rc = weft_ws_receive(ws, &message); /* does not wait */
        if (rc != 1)
            return rc;
        WEFT_TRY(ws->handler->message(ws, &message, ws->handler_arg));
    }
}

/* No task any more, and no memory for messages. */
static void serve_rest(weft_ws *ws)
{
    wf_buf_fini(&ws->given);
    if (!ws->has_message)
        wf_buf_fini(&ws->message);
    ws->is_served = false;
}

static unsigned code_of(int rc)
{
    if (rc >= 0 || rc == -WEFT_ECLOSED)
        return WF_WS_NORMAL;
    return rc == -ECANCELED ? WF_WS_GOING_AWAY : WF_WS_BROKEN;
}

static void serve_end(weft_ws *ws, int rc)
{
    if (ws->handler->closed != NULL)
        ws->handler->closed(ws, rc, ws->handler_arg);
    (void)weft_ws_close(ws, (int)code_of(rc), NULL);
}

static int serve_task(void *arg)
{
    weft_ws *ws = arg;
    weft_stream *stream = ws->stream;
    int rc = serve_all(ws);
    if (rc == 1) {
        serve_rest(ws);
        return 0;
    }
    serve_end(ws, rc);
    weft_http_detached_end(stream, 0);
    return 0;
}

/* Without memory for a task there is none for an answer. */
void wf_ws_serve_more(weft_ws *ws)
{
    if (ws->handler == NULL || ws->is_served || ws->is_gone || !(ws->is_whole || has_end(ws)))
        return;
    ws->is_served = true;
    if (weft_http_detached_spawn(ws->stream, serve_task, ws) < 0)
        weft_stream_abort(ws->stream);
}

/* The stream went while no task served it: the server has stopped, or memory was short. */
static void serve_lost(weft_stream *stream)
{
    const weft_stream_kind *kind = weft_stream_get_kind(stream);
    weft_ws *ws = (weft_ws *)((char *)(uintptr_t)kind - offsetof(weft_ws, kind));
    const weft_stream_kind *home = ws->home;
    if (ws->handler->closed != NULL)
        ws->handler->closed(ws, -ECONNABORTED, ws->handler_arg);
    weft_stream_set_kind(stream, home);
    ws->stream = NULL;
    wf_ws_let_go(ws);
    home->closed(stream);
}

/* The handler and its layers are over; what came meanwhile is served now. */
static void serve_detached(void *arg)
{
    weft_ws *ws = arg;
    serve_rest(ws);
    wf_ws_pump(ws);
}

int weft_ws_answer(weft_http_request *req, weft_http_response *res, const weft_ws_options *options,
                   const weft_ws_handler *handler, void *arg)
{
    weft_ws *ws;
    int rc = weft_ws_accept(&ws, req, res, options);
    if (rc != 1)
        return rc;
    weft_closed(ws, NULL); /* it closes itself */
    ws->handler = handler;
    ws->handler_arg = arg;
    ws->is_served = true;
    ws->ahead = SIZE_MAX; /* the limit of a message holds */
    rc = handler->opened != NULL ? handler->opened(ws, arg) : 0;
    if (rc >= 0)
        rc = serve_all(ws);
    if (rc != 1) {
        serve_end(ws, rc);
        return 0;
    }
    ws->kind.closed = serve_lost;
    weft_http_detach(res, serve_detached);
    return 0;
}
