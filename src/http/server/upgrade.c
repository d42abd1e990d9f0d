/* SPDX-License-Identifier: MIT */

/* A connection that is handed to its handler, and speaks another protocol from then on. */

#include <weft/error.h>
#include <weft/group.h>
#include <weft/http_upgrade.h>
#include <weft/sys/stream.h>
#include <weft/task.h>

#include "base/buf.h"
#include "base/list.h"
#include "h1/body.h"
#include "h1/list.h"
#include "h1/write.h"
#include "http/exchange/request.h"
#include "http/exchange/response.h"
#include "http/server/conn.h"
#include "http/server/serve.h"
#include "http/server/server.h"

#include <assert.h>
#include <string.h>

/* ---- what the client offers ---- */

/* True if a list field (RFC 9110 5.6.1), in one line or several, has the token. */
static bool list_has(const weft_http_request *req, weft_str name, weft_str token)
{
    for (uint32_t i = 0; i < req->head.field_count; i++) {
        const struct wf_h1_field *field = &req->fields[i];
        weft_str field_name = {req->text + field->name_at, field->name_len};
        weft_str value = {req->text + field->value_at, field->value_len};
        if (wf_http_same(field_name, name) && wf_http_list_has(value, token))
            return true;
    }
    return false;
}

bool weft_http_wants_upgrade(const weft_http_request *req, const char *protocol)
{
    weft_str connection = WEFT_STR("connection"), upgrade = WEFT_STR("upgrade");
    return req->head.minor == 1 && wf_h1_body_is_done(&req->framing) && !req->is_collecting &&
           list_has(req, connection, upgrade) && list_has(req, upgrade, weft_str_of(protocol));
}

/* ---- the answer ---- */

static int upgrade_answer(weft_http_response *res, const char *protocol)
{
    weft_stream *stream = res->req->conn->stream;
    weft_str name = WEFT_STR("Upgrade"), none = {NULL, 0};
    struct wf_h1_opening opening;
    char *room = NULL;
    WEFT_TRY(wf_h1_write_field(&res->fields, name, weft_str_of(protocol)));
    wf_h1_opening_make(&opening, 101, NULL, none);
    struct wf_h1_answer answer = {
        .opening = &opening,
        .fields = {wf_buf_ptr(&res->fields), wf_buf_bytes(&res->fields)},
        .framing = WF_H1_BODY_NONE,
        .connection = "Upgrade",
    };
    WEFT_TRY(weft_stream_reserve(stream, wf_h1_answer_bytes_max(0, answer.fields.len), &room));
    assert(room != NULL);
    size_t count = wf_h1_write_answer(room, &answer);
    weft_stream_commit(stream, count);
    res->req->conn->server->stats.bytes_sent += count;
    return 0;
}

/* The request is over, and its handler goes on as something else: without a slot, and without the
 * deadlines of requests. */
static void upgrade_leave(weft_http_request *req)
{
    struct wf_conn *conn = req->conn;
    weft_http_server *server = conn->server;
    req->res.has_begun = true;
    req->res.status = 101;
    req->will_close = true;
    server->status_counts[101]++;
    wf_request_time(req);
    conn->gone_deadline = WEFT_FOREVER;
    req->deadline = WEFT_FOREVER;
    wf_conn_arm(conn);
    wf_http_slot_leave(req);
}

int weft_http_take_over(weft_http_response *res, const char *protocol, void (*stop)(void *arg),
                        void *arg, weft_stream **out)
{
    weft_http_request *req = res->req;
    struct wf_conn *conn = req->conn;
    WEFT_TRY(weft_check());
    if (res->has_begun)
        return -EALREADY;
    if (!weft_http_wants_upgrade(req, protocol))
        return weft_fail(-EPROTONOSUPPORT, "the client does not offer to speak %s", protocol);
    WEFT_TRY(weft_stream_flush(conn->stream)); /* answers before this one */
    if (conn->server->stops != 0)
        return -ESHUTDOWN;
    WEFT_TRY(upgrade_answer(res, protocol));
    req->is_upgraded = true;
    req->ready = NULL;
    req->stop = stop;
    req->stop_arg = arg;
    upgrade_leave(req);
    *out = conn->stream;
    return 0;
}

void wf_upgrades_stop(weft_http_server *server)
{
    wf_list_each_safe (link, &server->conns) {
        struct wf_conn *conn = wf_container(link, struct wf_conn, link);
        if (conn->req != NULL && conn->req->is_upgraded && conn->req->stop != NULL)
            conn->req->stop(conn->req->stop_arg);
        else if (conn->state == WF_CONN_DETACHED && conn->stop != NULL)
            conn->stop(conn->stop_arg);
    }
}

/* ---- without a task ---- */

void weft_http_detach(weft_http_response *res, void (*ready)(void *arg))
{
    assert(res->req->is_upgraded);
    res->req->ready = ready;
}

static struct wf_conn *detached_of(weft_stream *stream)
{
    struct wf_conn *conn = weft_stream_get_user(stream);
    assert(conn->state == WF_CONN_DETACHED);
    return conn;
}

/* What it ended goes at the end of the turn, not before. */
static int detached_task(void *arg)
{
    struct wf_conn *conn = arg;
    int rc = conn->task_fn(conn->task_arg);
    conn->task_fn = NULL;
    return rc;
}

int weft_http_detached_spawn(weft_stream *stream, weft_fn *fn, void *arg)
{
    struct wf_conn *conn = detached_of(stream);
    assert(conn->task_fn == NULL);
    int rc = weft_group_spawn(conn->server->handlers, detached_task, conn);
    if (rc == 0) {
        conn->task_fn = fn;
        conn->task_arg = arg;
    }
    return rc;
}

void weft_http_detached_end(weft_stream *stream, int rc)
{
    struct wf_conn *conn = detached_of(stream);
    if (rc < 0 || weft_stream_get_error(stream) < 0)
        wf_conn_abort(conn);
    else
        wf_conn_end(conn);
}
