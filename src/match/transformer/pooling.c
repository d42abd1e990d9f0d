/* SPDX-License-Identifier: MIT */

/* The configuration of a Pooling. */
#include "match/transformer/modules.h"

#include <string.h>

static const struct {
    const char *key, *name;
    enum wf_pool pool;
} pools[] = {
    {"pooling_mode_cls_token", "cls", WF_POOL_CLS},
    {"pooling_mode_max_tokens", "max", WF_POOL_MAX},
    {"pooling_mode_mean_tokens", "mean", WF_POOL_MEAN},
    {"pooling_mode_mean_sqrt_len_tokens", "mean_sqrt_len_tokens", WF_POOL_MEAN_SQRT},
    {"pooling_mode_weightedmean_tokens", "weightedmean", WF_POOL_WEIGHTED},
    {"pooling_mode_lasttoken", "lasttoken", WF_POOL_LAST},
};

#define POOLS (sizeof(pools) / sizeof(pools[0]))

static int add_pool(wf_modules *out, enum wf_pool pool, wf_reason *reason)
{
    if (out->pool_count == WF_POOLS_MAX)
        return wf_reason_set(reason, "it has more than %u pooling_modes", WF_POOLS_MAX);
    out->pools[out->pool_count++] = pool;
    return 0;
}

/* "mean", or one of a list. */
static int take_pool_name(wf_modules *out, const wf_tape *tape, uint32_t at, wf_reason *reason)
{
    for (size_t i = 0; i < POOLS; i++) {
        if (wf_tape_is(tape, at, pools[i].name))
            return add_pool(out, pools[i].pool, reason);
    }
    weft_str name = wf_tape_string(tape, at);
    return wf_reason_set(reason, "its pooling_mode '%.*s' is not known here", wf_reason_shown(name),
                         name.ptr != NULL ? name.ptr : "");
}

/* "pooling_mode" of newer versions: a name, or a list of them in the order of their vectors. */
static int take_pool_names(wf_modules *out, const wf_tape *tape, uint32_t at, wf_reason *reason)
{
    if (wf_tape_kind(tape, at) != WF_VALUE_ARRAY)
        return take_pool_name(out, tape, at, reason);
    int rc = 0;
    for (uint32_t item = wf_tape_first(tape, at); item != WF_NO_VALUE && rc == 0;
         item = wf_tape_next(tape, at, item))
        rc = take_pool_name(out, tape, item, reason);
    return rc;
}

/* Every key of a way to pool is known, or the vectors would be others. */
static int check_pool_keys(const wf_tape *tape, wf_reason *reason)
{
    static const char start[] = "pooling_mode_";
    for (uint32_t key = wf_tape_first(tape, 0); key != WF_NO_VALUE;) {
        uint32_t value = wf_tape_next(tape, 0, key);
        weft_str text = wf_tape_string(tape, key);
        bool is_pool =
            text.len >= sizeof(start) - 1 && memcmp(text.ptr, start, sizeof(start) - 1) == 0;
        for (size_t i = 0; i < POOLS; i++)
            is_pool &= !wf_tape_is(tape, key, pools[i].key);
        if (is_pool && wf_tape_bool(tape, value, false))
            return wf_reason_set(reason, "its '%.*s' is not known here", wf_reason_shown(text),
                                 text.ptr);
        key = wf_tape_next(tape, 0, value);
    }
    return 0;
}

/* "pooling_mode_mean_tokens": true, and so on, of older versions. */
static int take_pool_keys(wf_modules *out, const wf_tape *tape, wf_reason *reason)
{
    int rc = check_pool_keys(tape, reason);
    for (size_t i = 0; i < POOLS && rc == 0; i++) {
        if (wf_tape_bool(tape, wf_tape_get(tape, 0, pools[i].key), false))
            rc = add_pool(out, pools[i].pool, reason);
    }
    return rc;
}

int wf_pooling_read(wf_modules *out, const wf_tape *tape, wf_reason *reason)
{
    uint32_t named = wf_tape_get(tape, 0, "pooling_mode");
    int rc = named != WF_NO_VALUE ? take_pool_names(out, tape, named, reason)
                                  : take_pool_keys(out, tape, reason);
    if (rc < 0)
        return rc;
    if (out->pool_count == 0)
        return wf_reason_set(reason, "no pooling_mode is set");
    out->leaves_out_prompt =
        !wf_tape_bool(tape, wf_tape_get(tape, 0, "include_prompt"), /* otherwise= */ true);
    uint32_t at = wf_tape_get(tape, 0, "word_embedding_dimension");
    if (at == WF_NO_VALUE)
        at = wf_tape_get(tape, 0, "embedding_dimension");
    size_t width;
    if (!wf_tape_size(tape, at, &width) || width != out->hidden)
        return wf_reason_set(reason, "its word_embedding_dimension is not that of the model, %zu",
                             out->hidden);
    out->width = out->pool_count * out->hidden;
    return 0;
}
