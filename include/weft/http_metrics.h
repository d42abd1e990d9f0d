/* SPDX-License-Identifier: MIT */

/*
 * HTTP metrics: counts of what servers have done, as snapshots that can be added up and written for
 * Prometheus.
 *
 * A server belongs to its loop, and so do its counters: a task there takes a snapshot, which may
 * then go anywhere.  A service with a server on each loop adds them up:
 *
 *     weft_http_snapshot_add(&sum, &of_loop[i]);      // for each i
 *     weft_http_snapshot_put_metrics(&sum, metrics);
 *
 * For one server alone there is weft_http_server_put_metrics() (weft/http.h).
 */
#ifndef WEFT_HTTP_METRICS_H
#define WEFT_HTTP_METRICS_H

#include <weft/http.h>
#include <weft/metrics.h>

WEFT_BEGIN_DECLS

#define WEFT_HTTP_STATUS_COUNT 600

/* Plain counts; zeroed, those of a server that has done nothing.  It takes 6 KiB: better on the
 * heap than on a task's stack. */
typedef struct weft_http_snapshot {
    weft_http_stats stats;
    weft_histogram request_times;             /* from the end of the head to that of the answer */
    uint64_t answers[WEFT_HTTP_STATUS_COUNT]; /* by status */
} weft_http_snapshot;

/* Fills *out as of now.  On the server's loop. */
WEFT_API void weft_http_snapshot_get(const weft_http_server *server, weft_http_snapshot *out);

/* Adds every count of *from to that of *to. */
WEFT_API void weft_http_snapshot_add(weft_http_snapshot *to, const weft_http_snapshot *from);

/* Adds the families that weft_http_server_put_metrics() writes. */
WEFT_API void weft_http_snapshot_put_metrics(const weft_http_snapshot *snapshot,
                                             weft_metrics *metrics);

WEFT_END_DECLS

#endif
