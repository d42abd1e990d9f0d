/* SPDX-License-Identifier: MIT */

#include "service/match_metrics.h"

#include "base/alloc.h"

#include <assert.h>
#include <string.h>

/* ---- measurements ---- */

static const char *const known[][2] = {
    {"match_latency", "seconds"},
    {"match_batch_size", "count"},
    {"cache_hits", "count"},
    {"embeddings_generated", "count"},
    {"evidence_latency", "seconds"},
    {"novelty_rate", "ratio"},
    {"novelty_calibration", "seconds"},
    {"ood_detection_latency", "seconds"},
    {"novel_samples_count", "count"},
    {"clusters_found", "count"},
    {"clustering_duration", "seconds"},
    {"fit_duration", "seconds"},
    {"fit_progress", "ratio"},
    {"queue_wait", "seconds"},
};

static uint64_t bits_of(double value)
{
    uint64_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits;
}

static double read_double(const uint64_t *at)
{
    uint64_t bits = __atomic_load_n(at, __ATOMIC_RELAXED);
    double value;
    memcpy(&value, &bits, sizeof(value));
    return value;
}

void measures_init(struct measures *measures)
{
    *measures = (struct measures){0};
    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++) {
        struct measured *item = &measures->items[i];
        item->name = known[i][0];
        item->unit = known[i][1];
        item->min = bits_of(1e300);
        item->max = bits_of(-1e300);
    }
}

/* Takes `from` for what stands at `at`, unless it changes meanwhile; then `from` is that. */
static bool exchange(uint64_t *at, double *from, double to)
{
    uint64_t old = bits_of(*from);
    bool is_done = __atomic_compare_exchange_n(at, &old, bits_of(to), /* weak= */ false,
                                               __ATOMIC_RELAXED, __ATOMIC_RELAXED);
    memcpy(from, &old, sizeof(old));
    return is_done;
}

static void measured_add(struct measured *item, double value)
{
    double sum = read_double(&item->sum), min = read_double(&item->min);
    double max = read_double(&item->max);
    while (!exchange(&item->sum, &sum, sum + value))
        ;
    while (value < min && !exchange(&item->min, &min, value))
        ;
    while (value > max && !exchange(&item->max, &max, value))
        ;
    __atomic_add_fetch(&item->count, 1, __ATOMIC_RELEASE);
}

void measures_add(struct measures *measures, const char *name, double value)
{
    for (struct measured *item = measures->items; item->name != NULL; item++) {
        if (strcmp(item->name, name) == 0) {
            measured_add(item, value);
            return;
        }
    }
}

void measures_take(const weft_m_metric *metric, void *arg)
{
    measures_add(arg, metric->name, metric->value);
}

static void put_doubles(const struct measures *measures, weft_metrics *metrics,
                        enum weft_metric_kind kind, const char *family, const char *help, size_t at)
{
    weft_metrics_family(metrics, kind, family, help);
    for (const struct measured *item = measures->items; item->name != NULL; item++) {
        if (__atomic_load_n(&item->count, __ATOMIC_ACQUIRE) == 0)
            continue;
        weft_metrics_value(metrics, WEFT_LABELS("event", item->name, "unit", item->unit),
                           read_double((const uint64_t *)(const void *)((const char *)item + at)));
    }
}

void measures_put(const struct measures *measures, weft_metrics *metrics)
{
    weft_metrics_family(metrics, WEFT_COUNTER, "weft_match_events_total",
                        "Measurements of matchers, by their name.");
    for (const struct measured *item = measures->items; item->name != NULL; item++)
        weft_metrics_value(metrics, WEFT_LABELS("event", item->name),
                           (double)__atomic_load_n(&item->count, __ATOMIC_ACQUIRE));
    put_doubles(measures, metrics, WEFT_COUNTER, "weft_match_event_sum_total",
                "The sum of what was measured.", offsetof(struct measured, sum));
    put_doubles(measures, metrics, WEFT_GAUGE, "weft_match_event_min", "The least of it.",
                offsetof(struct measured, min));
    put_doubles(measures, metrics, WEFT_GAUGE, "weft_match_event_max", "The greatest of it.",
                offsetof(struct measured, max));
}

/* ---- matchers ---- */

static const struct {
    enum weft_metric_kind kind;
    const char *name, *help;
    size_t at; /* of a uint64_t of weft_m_info */
} families[] = {
    {WEFT_COUNTER, "weft_match_queries_total", "Texts looked up.",
     offsetof(weft_m_info, query_count)},
    {WEFT_COUNTER, "weft_match_cache_hits_total", "Answers from the cache.",
     offsetof(weft_m_info, cache_hits)},
    {WEFT_COUNTER, "weft_match_cache_misses_total", "Answers not from the cache.",
     offsetof(weft_m_info, cache_misses)},
    {WEFT_GAUGE, "weft_match_entities", "Entities.", offsetof(weft_m_info, entity_count)},
    {WEFT_GAUGE, "weft_match_rows", "Texts of entities.", offsetof(weft_m_info, row_count)},
    {WEFT_GAUGE, "weft_match_snapshot_bytes", "Encoder and index of the snapshot.",
     offsetof(weft_m_info, index_bytes)},
    {WEFT_GAUGE, "weft_match_bytes", "All memory of the matcher.", offsetof(weft_m_info, bytes)},
    {WEFT_GAUGE, "weft_match_snapshot", "Number of the snapshot; grows with changes.",
     offsetof(weft_m_info, snapshot)},
};

static void put_family(struct named *const *list, const weft_m_info *infos, size_t count, size_t f,
                       weft_metrics *metrics)
{
    weft_metrics_family(metrics, families[f].kind, families[f].name, families[f].help);
    for (size_t i = 0; i < count; i++) {
        uint64_t value;
        memcpy(&value, (const char *)&infos[i] + families[f].at, sizeof(value));
        weft_metrics_value(metrics, WEFT_LABELS("matcher", list[i]->name), (double)value);
    }
}

static void put_ready(struct named *const *list, const weft_m_info *infos, size_t count,
                      weft_metrics *metrics)
{
    weft_metrics_family(metrics, WEFT_GAUGE, "weft_match_ready", "1 when questions are answered.");
    for (size_t i = 0; i < count; i++)
        weft_metrics_value(metrics, WEFT_LABELS("matcher", list[i]->name), infos[i].is_ready);
}

static void put_calls(struct named *const *list, const weft_m_info *infos, size_t count,
                      weft_metrics *metrics)
{
    weft_metrics_family(metrics, WEFT_COUNTER, "weft_match_calls_total",
                        "Calls of the matcher that succeeded.");
    for (size_t i = 0; i < count; i++) {
        for (unsigned op = 0; op < WEFT_M_OP_COUNT; op++)
            weft_metrics_value(
                metrics,
                WEFT_LABELS("matcher", list[i]->name, "call", weft_m_op_name((enum weft_m_op)op)),
                (double)infos[i].ops[op].count);
    }
}

int match_metrics_put(struct registry *registry, weft_metrics *metrics)
{
    struct named **list;
    int count = registry_list(registry, &list);
    if (count < 0)
        return count;
    weft_m_info *infos = wf_array((size_t)count + 1, sizeof(*infos));
    for (int i = 0; i < count && infos != NULL; i++) {
        infos[i].size = sizeof(infos[i]);
        int rc = weft_m_info_get(list[i]->matcher, &infos[i]);
        assert(rc == 0); /* held, so not closed */
    }
    if (infos != NULL) {
        put_ready(list, infos, (size_t)count, metrics);
        put_calls(list, infos, (size_t)count, metrics);
        for (size_t f = 0; f < sizeof(families) / sizeof(*families); f++)
            put_family(list, infos, (size_t)count, f, metrics);
    }
    int rc = infos != NULL ? 0 : -ENOMEM;
    wf_free(infos);
    registry_list_free(list, (size_t)count);
    return rc;
}
