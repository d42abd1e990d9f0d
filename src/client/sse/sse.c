/* SPDX-License-Identifier: MIT */

/* A source of events: connects, reads, and connects again. */

#include <weft/client_sse.h>
#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "client/client_priv.h"
#include "client/sse/sse_parse.h"
#include "h1/chars.h"
#include "h1/write.h"

#define PAUSE_DEFAULT (3 * WEFT_SEC)
#define PAUSE_MIN (10 * WEFT_MS) /* a server may say "at once", and end each connection */
#define PAUSE_MAX (30 * WEFT_SEC)
#define RETRY_AFTER_MAX 3600 /* seconds */
#define PIECE_BYTES 4096
#define ID_BYTES_MAX 4096 /* a longer one is not said: no server takes such a field */
#define OWN_FIELDS 2      /* Accept and Last-Event-ID */

struct weft_event_source {
    weft_client *client;
    weft_client_request request;
    weft_exchange *exchange; /* NULL: not connected */
    struct wf_sse_parser parser;
    char piece[PIECE_BYTES];
    size_t at, end;    /* of piece: not parsed yet */
    uint32_t failures; /* in a row */
    weft_time not_before;
    bool is_once; /* the request may not be sent again */
    bool is_ended;
    int rc;                     /* and then: what every further call returns */
    weft_client_field fields[]; /* the request's, and ours */
};

int weft_event_source_open(weft_event_source **out, weft_client *client,
                           const weft_client_request *request)
{
    if (request->body_read != NULL)
        return weft_fail(-EINVAL, "a source may connect again: its body must stay");
    size_t count = request->field_count;
    weft_event_source *source =
        wf_alloc(sizeof *source + (count + OWN_FIELDS) * sizeof source->fields[0]);
    if (source == NULL)
        return -ENOMEM;
    source->client = client;
    source->request = *request;
    for (size_t i = 0; i < count; i++)
        source->fields[i] = request->fields[i];
    source->fields[count] = (weft_client_field){WEFT_STR("Accept"), WEFT_STR("text/event-stream")};
    source->request.fields = source->fields;
    if (request->total_max == 0)
        source->request.total_max = WEFT_FOREVER;
    source->is_once = !wf_is_idempotent(request, wf_request_method(request));
    wf_sse_init(&source->parser);
    *out = source;
    return 0;
}

void weft_event_source_close(weft_event_source *source)
{
    if (source == NULL)
        return;
    weft_exchange_close(source->exchange);
    wf_sse_fini(&source->parser);
    wf_free(source);
}

/* ---- connecting ---- */

static void disconnect(weft_event_source *source)
{
    weft_time pause = source->parser.has_retry ? source->parser.retry : PAUSE_DEFAULT;
    if (pause < PAUSE_MIN)
        pause = PAUSE_MIN;
    weft_time most = pause > PAUSE_MAX ? pause : PAUSE_MAX; /* no sooner than the server says */
    for (uint32_t i = 1; i < source->failures && pause < most; i++)
        pause *= 2;
    pause = pause < most ? pause : most;
    weft_time asked = source->exchange == NULL || weft_exchange_status(source->exchange) == 200
                          ? 0
                          : wf_retry_after(source->exchange, RETRY_AFTER_MAX) * WEFT_SEC;
    weft_exchange_close(source->exchange);
    source->exchange = NULL;
    source->not_before = weft_after(pause > asked ? pause : asked);
}

static bool is_event_stream(weft_str type)
{
    static const char want[] = "text/event-stream";
    size_t len = sizeof want - 1;
    return type.len >= len && wf_http_equal(type.ptr, len, want, len) &&
           (type.len == len || type.ptr[len] == ';' || type.ptr[len] == ' ');
}

/* 1: connected; 0: the server wants no more. */
static int judge(weft_event_source *source)
{
    int status = weft_exchange_status(source->exchange);
    if (status == 204)
        return 0;
    weft_str place = weft_exchange_place(source->exchange);
    if (status != 200)
        return weft_fail(-EPROTO, "%.*s answers with status %d, not with events", (int)place.len,
                         place.ptr, status);
    if (!is_event_stream(weft_exchange_field(source->exchange, "content-type")))
        return weft_fail(-WEFT_ESYNTAX, "%.*s answers with another type than text/event-stream",
                         (int)place.len, place.ptr);
    return 1;
}

static int connect_source(weft_event_source *source)
{
    weft_time pause = source->not_before - weft_now();
    if (pause > 0)
        WEFT_TRY(weft_sleep(pause));
    size_t count = source->request.field_count;
    weft_client_request request = source->request;
    weft_str last = {wf_buf_ptr(&source->parser.last_id), wf_buf_bytes(&source->parser.last_id)};
    source->fields[count + 1] = (weft_client_field){WEFT_STR("Last-Event-ID"), last};
    bool is_sayable = last.len > 0 && last.len <= ID_BYTES_MAX && wf_h1_value_check(last) == 0;
    request.field_count = count + (is_sayable ? OWN_FIELDS : OWN_FIELDS - 1);
    WEFT_TRY(weft_exchange_open(&source->exchange, source->client, &request));
    wf_sse_restart(&source->parser);
    source->at = 0;
    source->end = 0;
    return judge(source);
}

/* ---- reading ---- */

/* An event out of what was read: 1; 0: more must be read. */
static int parse(weft_event_source *source, weft_sse_event *out)
{
    size_t used;
    int rc = wf_sse_feed(&source->parser, source->piece + source->at, source->end - source->at,
                         &used, out);
    source->at += used;
    if (rc == -WEFT_ELIMIT)
        return weft_fail(rc, "an event or a line of the source is larger than %zu bytes",
                         WF_SSE_EVENT_BYTES_MAX);
    return rc;
}

/* A connection that ended, was cut or was silent for too long is made again. */
static bool is_lost(ssize_t rc)
{
    return rc == 0 || rc == -WEFT_ETRUNCATED || rc == -ECONNRESET || rc == -ETIMEDOUT ||
           rc == -EPIPE;
}

static bool is_worth_again(int rc)
{
    return rc == -ECONNREFUSED || rc == -EHOSTDOWN || rc == -ENETUNREACH || rc == -EHOSTUNREACH ||
           is_lost(rc);
}

/* The source is over, with 0 or a failure. */
static int end_source(weft_event_source *source, int rc)
{
    source->is_ended = true;
    source->rc = rc;
    disconnect(source);
    return rc;
}

/* The server has sent all it wanted.  An event without its end is half of one. */
static int end_once(weft_event_source *source)
{
    const struct wf_sse_parser *parser = &source->parser;
    if (wf_buf_bytes(&parser->line) == 0 && wf_buf_bytes(&parser->data) == 0)
        return end_source(source, 0);
    const char *url = weft_exchange_url(source->exchange).ptr;
    return end_source(source, weft_fail(-WEFT_ETRUNCATED, "%.*s ended in the middle of an event",
                                        (int)strcspn(url, "?"), url));
}

/* 0: go on. */
static int step_connect(weft_event_source *source)
{
    int rc = connect_source(source);
    if (rc == 0 || (rc < 0 && source->is_once))
        return end_source(source, rc);
    if (rc > 0 || rc == -ECANCELED)
        return rc < 0 ? rc : 0;
    source->failures++;
    disconnect(source);
    return is_worth_again(rc) ? 0 : rc;
}

/* 1: an event, 0: go on. */
static int step_parse(weft_event_source *source, weft_sse_event *out)
{
    int rc = parse(source, out);
    if (rc < 0 && source->is_once)
        return end_source(source, rc);
    if (rc < 0)
        disconnect(source);
    if (rc != 0)
        source->failures = 0;
    return rc;
}

/* 0: go on. */
static int step_read(weft_event_source *source)
{
    ssize_t got = weft_exchange_read(source->exchange, source->piece, sizeof source->piece);
    source->at = 0;
    source->end = got > 0 ? (size_t)got : 0;
    if (got > 0)
        return 0;
    if (got == -ECANCELED)
        return -ECANCELED;
    if (source->is_once)
        return got == 0 ? end_once(source) : end_source(source, (int)got);
    source->failures += got < 0;
    disconnect(source);
    return is_lost(got) ? 0 : (int)got;
}

int weft_event_source_next(weft_event_source *source, weft_sse_event *out)
{
    int rc = 0;
    while (rc == 0 && !source->is_ended) {
        if (source->exchange == NULL) {
            rc = step_connect(source);
            continue;
        }
        rc = step_parse(source, out);
        if (rc == 0)
            rc = step_read(source);
    }
    return source->is_ended ? source->rc : rc;
}
