/* SPDX-License-Identifier: MIT */

/* GET /metrics: what Prometheus collects. */
#include "cmd/service.h"

#include <weft/error.h>
#include <weft/metrics.h>

static void put(weft_metrics *metrics, enum weft_metric_kind kind, const char *name,
                const char *help, uint64_t value)
{
    weft_metrics_family(metrics, kind, name, help);
    weft_metrics_value(metrics, /* labels= */ NULL, (double)value);
}

static void put_calls(const weft_m_info *info, weft_metrics *metrics)
{
    weft_metrics_family(metrics, WEFT_COUNTER, "weft_match_calls_total",
                        "Calls of the matcher that succeeded.");
    for (unsigned op = 0; op < WEFT_M_OP_COUNT; op++)
        weft_metrics_value(metrics, WEFT_LABELS("call", weft_m_op_name((enum weft_m_op)op)),
                           (double)info->ops[op].count);
}

static void put_matcher(const weft_m_info *info, weft_metrics *metrics)
{
    put(metrics, WEFT_GAUGE, "weft_match_ready", "1 when questions are answered.", info->is_ready);
    put(metrics, WEFT_COUNTER, "weft_match_queries_total", "Texts looked up.", info->query_count);
    put_calls(info, metrics);
    put(metrics, WEFT_COUNTER, "weft_match_cache_hits_total", "Answers from the cache.",
        info->cache_hits);
    put(metrics, WEFT_COUNTER, "weft_match_cache_misses_total", "Answers not from the cache.",
        info->cache_misses);
    put(metrics, WEFT_GAUGE, "weft_match_entities", "Entities.", info->entity_count);
    put(metrics, WEFT_GAUGE, "weft_match_rows", "Texts of entities.", info->row_count);
    put(metrics, WEFT_GAUGE, "weft_match_snapshot_bytes", "Encoder and index of the snapshot.",
        info->index_bytes);
    put(metrics, WEFT_GAUGE, "weft_match_bytes", "All memory of the matcher.", info->bytes);
    put(metrics, WEFT_GAUGE, "weft_match_snapshot", "Number of the snapshot; grows with changes.",
        info->snapshot);
}

int route_metrics(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct service *service = arg;
    weft_m_info info = {.size = sizeof(info)};
    weft_metrics *metrics;
    weft_str text;
    (void)req;
    WEFT_TRY(weft_metrics_new(&metrics));
    int rc = weft_m_info_get(service->matcher, &info);
    if (rc == 0) {
        weft_metrics_loop(metrics);
        weft_http_server_put_metrics(service->server, metrics);
        put_matcher(&info, metrics);
        rc = weft_metrics_get_text(metrics, &text);
    }
    if (rc == 0)
        rc = weft_http_respond(res, 200, WEFT_METRICS_MEDIA_TYPE, text.ptr, text.len);
    weft_metrics_free(metrics);
    return rc;
}
