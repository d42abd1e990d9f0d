/* SPDX-License-Identifier: MIT */

/* GET /metrics: what Prometheus collects. */
#include "base/alloc.h"
#include "service/service.h"

#include <weft/error.h>
#include <weft/gather.h>
#include <weft/http_metrics.h>
#include <weft/loops.h>

#include <stdio.h>

/* ---- of all loops ---- */

/* What a loop has counted, collected there. */
struct loop_counts {
    weft_http_server *const *from; /* only its own loop may look */
    weft_run_snapshot run;
    weft_http_snapshot http; /* zeroed if its server has ended */
};

static int collect_body(void *arg)
{
    struct loop_counts *counts = arg;
    if (*counts->from != NULL)
        weft_http_snapshot_get(*counts->from, &counts->http);
    return weft_run_snapshot_get(&counts->run);
}

static int collect(const struct service *service, struct loop_counts *loops, weft_task *tasks)
{
    for (size_t i = 0; i < service->server_count; i++) {
        loops[i].from = &service->servers[i];
        tasks[i] = weft_spawn_on(weft_loop_at((unsigned)i), collect_body, &loops[i]);
    }
    int rc = weft_gather_n(tasks, service->server_count);
    for (size_t i = 0; i < service->server_count; i++)
        weft_release(tasks[i]);
    return rc;
}

static void put_by_loop(const struct loop_counts *loops, size_t count, weft_metrics *metrics)
{
    char number[12];
    weft_metrics_family(metrics, WEFT_COUNTER, "weft_http_loop_requests_total",
                        "Requests understood, by the loop that served them.");
    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof(number), "%u", loops[i].run.loop);
        weft_metrics_value(metrics, WEFT_LABELS("loop", number),
                           (double)loops[i].http.stats.requests);
    }
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_http_loop_connections",
                        "Open connections, by their loop.");
    for (size_t i = 0; i < count; i++) {
        snprintf(number, sizeof(number), "%u", loops[i].run.loop);
        weft_metrics_value(metrics, WEFT_LABELS("loop", number),
                           (double)loops[i].http.stats.connections_open);
    }
}

/* The last of `loops` becomes the sum. */
static void put_loops(struct loop_counts *loops, const weft_run_snapshot **runs, size_t count,
                      weft_metrics *metrics)
{
    weft_http_snapshot *sum = &loops[count].http;
    for (size_t i = 0; i < count; i++) {
        runs[i] = &loops[i].run;
        weft_http_snapshot_add(sum, &loops[i].http);
    }
    weft_metrics_loops(metrics, runs, count);
    weft_http_snapshot_put_metrics(sum, metrics);
    put_by_loop(loops, count, metrics);
}

static int collect_and_put(const struct service *service, weft_metrics *metrics)
{
    size_t count = service->server_count;
    struct loop_counts *loops = wf_array(count + 1, sizeof(*loops));
    const weft_run_snapshot **runs = wf_array(count, sizeof(*runs));
    weft_task *tasks = wf_array(count, sizeof(*tasks));
    int rc = loops != NULL && runs != NULL && tasks != NULL ? 0 : -ENOMEM;
    if (rc == 0)
        rc = collect(service, loops, tasks);
    if (rc == 0)
        put_loops(loops, runs, count, metrics);
    wf_free(tasks);
    wf_free(runs);
    wf_free(loops);
    return rc;
}

int route_metrics(weft_http_request *req, weft_http_response *res, void *arg)
{
    struct service *service = arg;
    weft_metrics *metrics;
    weft_str text;
    (void)req;
    WEFT_TRY(weft_metrics_new(&metrics));
    int rc = collect_and_put(service, metrics);
    if (rc == 0)
        rc = match_metrics_put(&service->registry, metrics);
    if (rc == 0) {
        measures_put(&service->measures, metrics);
        rc = weft_metrics_get_text(metrics, &text);
    }
    if (rc == 0)
        rc = weft_http_respond(res, 200, WEFT_METRICS_MEDIA_TYPE, text.ptr, text.len);
    weft_metrics_free(metrics);
    return rc;
}
