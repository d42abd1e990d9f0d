/* SPDX-License-Identifier: MIT */

#include <weft/http_metrics.h>
#include <weft/stats.h>

#include "http/server/server.h"

#include <stdio.h>
#include <string.h>

_Static_assert(WEFT_HTTP_STATUS_COUNT == WF_STATUS_MAX + 1, "a place for each status");

/* ---- what was counted ---- */

/* The times of all requests, those that ended in this turn included.  (Adding those to the
 * histogram changes the server, but not what it has counted.) */
static const weft_histogram *request_times(const weft_http_server *server)
{
    wf_http_count_times((weft_http_server *)(uintptr_t)server);
    return &server->request_times;
}

void weft_http_snapshot_get(const weft_http_server *server, weft_http_snapshot *out)
{
    weft_http_server_get_stats(server, &out->stats);
    out->request_times = *request_times(server);
    memcpy(out->answers, server->status_counts, sizeof out->answers);
}

static void add_words(void *to, const void *from, size_t bytes)
{
    uint64_t *sums = to;
    const uint64_t *words = from;
    for (size_t i = 0; i < bytes / sizeof *sums; i++)
        sums[i] += words[i];
}

_Static_assert(sizeof(weft_http_snapshot) % sizeof(uint64_t) == 0, "nothing but counts");

void weft_http_snapshot_add(weft_http_snapshot *to, const weft_http_snapshot *from)
{
    add_words(to, from, sizeof *to);
}

/* ---- as text ---- */

/* Where the numbers stand: in a server, or in a snapshot. */
struct counts {
    const weft_http_stats *stats;
    const uint64_t *answers;
    const weft_histogram *request_times;
};

static void put(weft_metrics *metrics, enum weft_metric_kind kind, const char *name,
                const char *help, uint64_t value)
{
    weft_metrics_family(metrics, kind, name, help);
    weft_metrics_value(metrics, /* labels= */ NULL, (double)value);
}

static void put_answers(const struct counts *counts, weft_metrics *metrics)
{
    weft_metrics_family(metrics, WEFT_COUNTER, "weft_http_answers_total", "Answers by status.");
    for (unsigned status = 0; status < WEFT_HTTP_STATUS_COUNT; status++) {
        char text[12];
        if (counts->answers[status] == 0)
            continue;
        snprintf(text, sizeof text, "%u", status);
        weft_metrics_value(metrics, WEFT_LABELS("status", text), (double)counts->answers[status]);
    }
}

static void put_connections(const weft_http_stats *stats, weft_metrics *metrics)
{
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_http_connections", "Open connections.");
    weft_metrics_value(metrics, WEFT_LABELS("state", "busy"),
                       (double)(stats->connections_open - stats->connections_idle));
    weft_metrics_value(metrics, WEFT_LABELS("state", "idle"), (double)stats->connections_idle);
    put(metrics, WEFT_COUNTER, "weft_http_connections_accepted_total", "Connections accepted.",
        stats->connections_accepted);
    put(metrics, WEFT_COUNTER, "weft_http_connections_refused_total",
        "Connections for which there was no memory.", stats->connections_refused);
}

static void put_requests(const struct counts *counts, weft_metrics *metrics)
{
    const weft_http_stats *stats = counts->stats;
    put(metrics, WEFT_COUNTER, "weft_http_requests_total", "Requests understood.", stats->requests);
    put_answers(counts, metrics);
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_http_requests", "Requests now.");
    weft_metrics_value(metrics, WEFT_LABELS("state", "in_hand"), (double)stats->requests_in_hand);
    weft_metrics_value(metrics, WEFT_LABELS("state", "queued"), (double)stats->requests_queued);
    put(metrics, WEFT_COUNTER, "weft_http_requests_shed_total", "Answered 503 for want of room.",
        stats->requests_shed);
    put(metrics, WEFT_COUNTER, "weft_http_requests_cancelled_total",
        "The client went away, or the time was up.", stats->requests_cancelled);
    put(metrics, WEFT_COUNTER, "weft_http_refused_total", "Bytes that were no request.",
        stats->refused);
    put(metrics, WEFT_COUNTER, "weft_http_timeouts_total",
        "Slow heads, bodies, readers and handlers.", stats->timeouts);
}

static void put_counts(const struct counts *counts, weft_metrics *metrics)
{
    const weft_http_stats *stats = counts->stats;
    put_requests(counts, metrics);
    put(metrics, WEFT_COUNTER, "weft_http_received_bytes_total", "Heads and bodies of requests.",
        stats->bytes_received);
    put(metrics, WEFT_COUNTER, "weft_http_sent_bytes_total", "Answers.", stats->bytes_sent);
    put(metrics, WEFT_GAUGE, "weft_http_bodies_bytes", "Collected bodies held.",
        stats->bodies_bytes);
    put_connections(stats, metrics);
    weft_metrics_family(metrics, WEFT_HISTOGRAM, "weft_http_request_seconds",
                        "From the end of the head to that of the answer.");
    weft_metrics_times(metrics, /* labels= */ NULL, counts->request_times);
}

void weft_http_snapshot_put_metrics(const weft_http_snapshot *snapshot, weft_metrics *metrics)
{
    const struct counts counts = {&snapshot->stats, snapshot->answers, &snapshot->request_times};
    put_counts(&counts, metrics);
}

void weft_http_server_put_metrics(const weft_http_server *server, weft_metrics *metrics)
{
    weft_http_stats stats;
    weft_http_server_get_stats(server, &stats);
    const struct counts counts = {&stats, server->status_counts, request_times(server)};
    put_counts(&counts, metrics);
}
