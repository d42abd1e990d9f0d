/* SPDX-License-Identifier: MIT */

#include "match/matcher_priv.h"

#include <string.h>
#include <weft/encoder.h>

const char *weft_m_op_name(enum weft_m_op op)
{
    static const char *const names[WEFT_M_OP_COUNT] = {
        [WEFT_M_OP_FIT] = "fit",           [WEFT_M_OP_MATCH] = "match",
        [WEFT_M_OP_BATCH] = "batch",       [WEFT_M_OP_EXPLAIN] = "explain",
        [WEFT_M_OP_DIAGNOSE] = "diagnose", [WEFT_M_OP_ADD] = "add",
        [WEFT_M_OP_REMOVE] = "remove",     [WEFT_M_OP_SAVE] = "save",
        [WEFT_M_OP_NOVELTY] = "novelty",   [WEFT_M_OP_HIERARCHY] = "hierarchy",
    };
    return names[op];
}

static void read_state(weft_matcher *matcher, weft_m_info *info, wf_snapshot **out_snapshot,
                       wf_catalogue **out_catalogue)
{
    pthread_mutex_lock(&matcher->lock);
    info->threshold = matcher->threshold;
    info->is_fitting = matcher->is_fitting;
    info->snapshot = matcher->snapshot_number;
    info->example_count = matcher->example_count;
    info->trial = matcher->trial;
    *out_snapshot = matcher->snapshot != NULL ? wf_snapshot_ref(matcher->snapshot) : NULL;
    *out_catalogue = matcher->catalogue != NULL ? wf_catalogue_ref(matcher->catalogue) : NULL;
    pthread_mutex_unlock(&matcher->lock);
}

static void read_scorer(const wf_snapshot *snapshot, weft_m_info *info)
{
    wf_scorer_stats stats;
    snapshot->scorer->cls->stats(snapshot->scorer, &stats);
    info->is_ready = true;
    info->active_mode = wf_snapshot_mode(snapshot);
    info->active_matcher = wf_snapshot_matcher(snapshot);
    info->encoder = stats.encoder;
    info->backend = stats.backend != NULL ? stats.backend : stats.encoder;
    info->dimension = stats.dimension;
    info->index_bytes = stats.bytes;
    info->bytes += stats.bytes + stats.cache_bytes;
    info->cache_hits = stats.cache_hits;
    info->cache_misses = stats.cache_misses;
    info->cache_count = stats.cache_count;
    info->cache_bytes = stats.cache_bytes;
}

/* Lives as long as the matcher. */
static const char *model_of(const weft_matcher *matcher)
{
    weft_encoder *encoder = matcher->options.encoder;
    if (matcher->model != NULL)
        return matcher->model;
    return encoder != NULL ? weft_encoder_name(encoder) : "lexical";
}

int weft_m_info_get(weft_matcher *matcher, weft_m_info *out)
{
    weft_m_info info = {.size = out->size,
                        .mode = matcher->mode,
                        .model = model_of(matcher),
                        .missing_model = matcher->missing_model,
                        .encoder = "lexical",
                        .score_kind = matcher->scoring->kind,
                        .unicode = weft_norm_unicode_version(),
                        .normalize = matcher->options.normalize,
                        .bytes = sizeof(*matcher)};
    wf_snapshot *snapshot;
    wf_catalogue *catalogue;
    read_state(matcher, &info, &snapshot, &catalogue);
    if (catalogue != NULL) {
        info.entity_count = catalogue->entity_count;
        info.row_count = catalogue->row_count;
        info.bytes += wf_catalogue_bytes(catalogue);
    }
    if (snapshot != NULL)
        read_scorer(snapshot, &info);
    wf_snapshot_unref(snapshot);
    wf_catalogue_unref(catalogue);

    info.query_count = __atomic_load_n(&matcher->stats.query_count, __ATOMIC_RELAXED);
    info.metric_count = __atomic_load_n(&matcher->stats.metric_count, __ATOMIC_RELAXED);
    for (unsigned op = 0; op < WEFT_M_OP_COUNT; op++)
        wf_stats_read(&matcher->stats, (enum weft_m_op)op, &info.ops[op]);
    memcpy(out, &info, info.size < sizeof(info) ? info.size : sizeof(info));
    return catalogue != NULL ? 0 : -WEFT_M_ECLOSED;
}

bool weft_m_has(weft_matcher *matcher, weft_str id)
{
    wf_catalogue *catalogue = wf_matcher_catalogue(matcher);
    bool has = catalogue != NULL && wf_catalogue_find(catalogue, id) != UINT32_MAX;
    wf_catalogue_unref(catalogue);
    return has;
}
