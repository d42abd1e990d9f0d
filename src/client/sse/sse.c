/* SPDX-License-Identifier: MIT */

/* A source of events: connects, reads, and connects again. */

#include <weft/client_sse.h>
#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "client/sse/sse_parse.h"
#include "h1/chars.h"
#include "h1/write.h"

#include <string.h>

#define PAUSE_DEFAULT (3 * WEFT_SEC)
#define PAUSE_MIN (10 * WEFT_MS) /* a server may say "at once", and end each connection */
#define PAUSE_MAX (30 * WEFT_SEC)
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
    bool is_ended;
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
    weft_exchange_close(source->exchange);
    source->exchange = NULL;
    source->not_before = weft_after(pause < most ? pause : most);
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
    const char *url = weft_exchange_url(source->exchange).ptr;
    int shown = (int)strcspn(url, "?"); /* behind it is what may be nobody's business */
    if (status != 200)
        return weft_fail(-EPROTO, "%.*s answers with status %d, not with events", shown, url,
                         status);
    if (!is_event_stream(weft_exchange_field(source->exchange, "content-type")))
        return weft_fail(-WEFT_ESYNTAX, "%.*s answers with another type than text/event-stream",
                         shown, url);
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

/* One step: 1: an event, 0: go on. */
static int step(weft_event_source *source, weft_sse_event *out)
{
    if (source->exchange == NULL) {
        int rc = connect_source(source);
        if (rc == 0) {
            source->is_ended = true;
            disconnect(source);
        }
        if (rc < 0 && rc != -ECANCELED) {
            source->failures++;
            disconnect(source);
        }
        return rc < 0 && !is_worth_again(rc) ? rc : 0;
    }
    int rc = parse(source, out);
    if (rc < 0)
        disconnect(source);
    if (rc != 0) {
        source->failures = 0;
        return rc;
    }
    ssize_t got = weft_exchange_read(source->exchange, source->piece, sizeof source->piece);
    source->at = 0;
    source->end = got > 0 ? (size_t)got : 0;
    if (got > 0)
        return 0;
    if (got == -ECANCELED)
        return -ECANCELED;
    source->failures += got < 0;
    disconnect(source);
    return is_lost(got) ? 0 : (int)got;
}

int weft_event_source_next(weft_event_source *source, weft_sse_event *out)
{
    int rc = 0;
    while (rc == 0 && !source->is_ended)
        rc = step(source, out);
    return rc;
}
