/* SPDX-License-Identifier: MIT */

#include <weft/metrics.h>

#include "http/server_priv.h"

#include <stdio.h>

static void put(weft_metrics *metrics, enum weft_metric_kind kind, const char *name,
                const char *help, uint64_t value)
{
    weft_metrics_family(metrics, kind, name, help);
    weft_metrics_value(metrics, /* labels= */ NULL, (double)value);
}

static void put_answers(const weft_http_server *server, weft_metrics *metrics)
{
    weft_metrics_family(metrics, WEFT_COUNTER, "weft_http_answers_total", "Answers by status.");
    for (unsigned status = 0; status <= WF_STATUS_MAX; status++) {
        char text[12];
        if (server->status_counts[status] == 0)
            continue;
        snprintf(text, sizeof text, "%u", status);
        weft_metrics_value(metrics, WEFT_LABELS("status", text),
                           (double)server->status_counts[status]);
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

void weft_http_server_put_metrics(const weft_http_server *server, weft_metrics *metrics)
{
    weft_http_stats stats;
    weft_http_server_get_stats(server, &stats);
    put(metrics, WEFT_COUNTER, "weft_http_requests_total", "Requests understood.", stats.requests);
    put_answers(server, metrics);
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_http_requests", "Requests now.");
    weft_metrics_value(metrics, WEFT_LABELS("state", "in_hand"), (double)stats.requests_in_hand);
    weft_metrics_value(metrics, WEFT_LABELS("state", "queued"), (double)stats.requests_queued);
    put(metrics, WEFT_COUNTER, "weft_http_requests_shed_total", "Answered 503 for want of room.",
        stats.requests_shed);
    put(metrics, WEFT_COUNTER, "weft_http_requests_cancelled_total",
        "The client went away, or the time was up.", stats.requests_cancelled);
    put(metrics, WEFT_COUNTER, "weft_http_refused_total", "Bytes that were no request.",
        stats.refused);
    put(metrics, WEFT_COUNTER, "weft_http_timeouts_total",
        "Slow heads, bodies, readers and handlers.", stats.timeouts);
    put(metrics, WEFT_COUNTER, "weft_http_received_bytes_total", "Heads and bodies of requests.",
        stats.bytes_received);
    put(metrics, WEFT_COUNTER, "weft_http_sent_bytes_total", "Answers.", stats.bytes_sent);
    put(metrics, WEFT_GAUGE, "weft_http_bodies_bytes", "Collected bodies held.",
        stats.bodies_bytes);
    put_connections(&stats, metrics);
    weft_metrics_family(metrics, WEFT_HISTOGRAM, "weft_http_request_seconds",
                        "From the end of the head to that of the answer.");
    weft_metrics_times(metrics, /* labels= */ NULL, &server->request_times);
}
