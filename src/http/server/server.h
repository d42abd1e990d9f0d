/* SPDX-License-Identifier: MIT */

/* The server: what all its connections and requests share. */
#ifndef WF_HTTP_SERVER_H
#define WF_HTTP_SERVER_H

#include <weft/event.h>
#include <weft/group.h>
#include <weft/http_log.h>
#include <weft/stats.h>
#include <weft/sys/loop.h>
#include <weft/sys/stream.h>

#include "base/list.h"
#include "base/pace.h"
#include "h1/head.h"
#include "http/exchange/chain.h"
#include "http/route/router.h"
#include "http/server/openings.h"
#include "http/server/peers.h"
#include "http/server/queue.h"
#include "http/server/slots.h"

#define WF_STATUS_MAX 599

/* Requests that came in one turn and are over in one: their answers leave together at its end, and
 * one look at the clock is enough for all. */
struct wf_ended {
    weft_time came_at;
    uint32_t count;
    weft_defer defer;
};

struct weft_http_server {
    weft_http_limits limits;
    struct wf_h1_limits head_limits;
    weft_stream_kind kind;
    weft_time drain_delay, grace;
    uint64_t compress_bytes_min; /* shorter answers are not coded; 0: none is */
    bool has_h2;
    int (*secure)(weft_stream *stream, void *arg); /* see weft_http_options; or NULL */
    void *secure_arg;
    struct wf_http_router router;
    struct wf_chains chains;
    const weft_http_layer *layers; /* see weft_http_options */
    size_t layer_count;
    void (*done)(const weft_http_record *record, void *arg);
    void *done_arg;
    bool gives_ids, takes_trace;
    const char *timeout_field;
    bool has_extras; /* of every request */
    const weft_http_openapi *openapi;
    weft_bytes openapi_text; /* made when it is first asked for */
    weft_listener **listeners;
    size_t listener_count;

    weft_loop *loop; /* while it serves */
    weft_group handlers;
    wf_list conns;
    struct wf_peers peers;
    struct wf_queue queue; /* exchanges that wait for a slot */
    size_t queue_resumed;  /* of them, those that had waited for a place of their route */
    weft_defer shed;       /* looks at the queue when the ready tasks have run */
    weft_time shed_by;     /* and does not wait for longer; 0: it does not wait */
    wf_list starting;      /* exchanges, by queue_link: BUSY, and their task has not begun */
    bool has_fresh_task;   /* one that will take them */
    struct wf_slots slots;
    size_t deferred_count; /* tasks of weft_http_defer */
    size_t busy_count;     /* connections that have an exchange */
    weft_http_request *free_requests;
    size_t free_count;
    uint64_t random;

    char date[WF_H1_DATE_BYTES];
    weft_time date_until; /* loop's clock */
    struct wf_openings openings;

    weft_event changed; /* a stop was asked for, or the last connection went */
    uint8_t stops;      /* how often a stop was asked for, up to 2 */
    bool is_serving;
    bool is_accepting;
    bool is_draining;                    /* listeners are closed: no new request is served */
    bool is_handing_on, has_more_places; /* wf_http_place_leave */
    weft_http_stats stats;        /* but for what weft_http_server_get_stats looks up elsewhere */
    weft_histogram request_times; /* from the head until the answer leaves */
    struct wf_ended ended;        /* not in there yet */
    uint64_t status_counts[WF_STATUS_MAX + 1];
};

/* ---- server.c ---- */

void wf_http_server_renew_date(weft_http_server *server, weft_time now);

/* The Date of answers, made anew once a second. */
static inline const char *wf_http_server_date(weft_http_server *server, weft_time now)
{
    if (now >= server->date_until)
        wf_http_server_renew_date(server, now);
    return server->date;
}

/* How an answer begins now.  NULL: the type holds a control character. */
static inline const struct wf_h1_opening *
wf_http_server_opening(weft_http_server *server, weft_time now, int status, weft_str type)
{
    const char *date = wf_http_server_date(server, now);
    struct wf_h1_opening *opening = wf_openings_place(&server->openings, status, type);
    return wf_opening_is(opening, status, type) ? opening
                                                : wf_opening_make(opening, status, date, type);
}

uint64_t wf_http_server_random(weft_http_server *server);

/* Counts a connection; stops and resumes accepting at the limit. */
void wf_server_conn_came(weft_http_server *server);
void wf_server_conn_gone(weft_http_server *server);

/* Seconds for Retry-After, 1 to 10. */
unsigned wf_http_server_retry_after(weft_http_server *server);

/* Deadlines here are seconds and more: the time of the turn is exact enough. */
static inline weft_time wf_http_now(const weft_http_server *server)
{
    return weft_loop_turn_time(server->loop);
}

static inline weft_time wf_http_later(weft_time now, weft_time duration)
{
    return duration < WEFT_FOREVER - now ? now + duration : WEFT_FOREVER;
}

static inline weft_time wf_http_earlier(weft_time a, weft_time b)
{
    return a < b ? a : b;
}

static inline weft_time wf_http_after(const weft_http_server *server, weft_time duration)
{
    return wf_http_later(wf_http_now(server), duration);
}

/* How fast clients must take answers. */
static inline struct wf_pace_limits wf_http_pace_limits(const weft_http_server *server)
{
    return (struct wf_pace_limits){server->limits.write_idle_max, server->limits.write_rate_min};
}

/* ---- exchange.c ---- */

/* Counts the times of requests that are over; whoever looks at them asks for it. */
void wf_http_count_times(weft_http_server *server);
void wf_http_turn_ended(weft_defer *defer);

/* ---- upgrade.c ---- */

/* The server stops: tells the handlers that speak another protocol. */
void wf_upgrades_stop(weft_http_server *server);

#endif
