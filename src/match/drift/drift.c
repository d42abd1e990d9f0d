/* SPDX-License-Identifier: MIT */

/* Two profiles compared; the report. */
#include "base/alloc.h"
#include "base/str.h"
#include "match/drift/profile.h"
#include "match/error.h"
#include "match/file/whole.h"
#include "match/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define RETRAIN_TIMES 3

struct report {
    weft_m_drift_report shown; /* first: this is what the caller holds */
    wf_arena arena;
};

void weft_m_drift_options_init(weft_m_drift_options *options)
{
    *options = (weft_m_drift_options){.size = sizeof(*options), .threshold = 0.05};
}

void weft_m_drift_report_free(weft_m_drift_report *report)
{
    struct report *all = (struct report *)report;
    if (all == NULL)
        return;
    wf_arena_fini(&all->arena);
    wf_free(all);
}

static int check(const weft_m_drift_options *options, const wf_drift_method **out,
                 weft_m_error *error)
{
    *out = wf_drift_method_of(options->method);
    if (*out == NULL) {
        wf_m_fail(error, -WEFT_M_EVALID, "Unknown drift method: %.*s",
                  options->method.len < 40 ? (int)options->method.len : 40, options->method.ptr);
        wf_m_error_field(error, "method");
        wf_m_error_suggest(error, "Use 'mmd_linear', 'kl_gaussian' or 'cosine_centroid'");
        return -WEFT_M_EVALID;
    }
    if (options->threshold > 0 && isfinite(options->threshold))
        return 0;
    wf_m_fail(error, -WEFT_M_EVALID, "threshold must be above 0, got %g", options->threshold);
    wf_m_error_field(error, "threshold");
    return -WEFT_M_EVALID;
}

static const wf_spread *class_of(const weft_m_profile *profile, weft_str id)
{
    for (size_t i = 0; i < profile->class_count; i++) {
        const wf_spread *it = &profile->classes[i];
        if (wf_str_equals(it->id, id))
            return it;
    }
    return NULL;
}

static int by_score(const void *left, const void *right)
{
    const weft_m_class_drift *a = left, *b = right;
    if (a->score != b->score)
        return a->score > b->score ? -1 : 1;
    int order = memcmp(a->id.ptr, b->id.ptr, a->id.len < b->id.len ? a->id.len : b->id.len);
    return order != 0 ? order : (a->id.len > b->id.len) - (a->id.len < b->id.len);
}

static int compare_classes(struct report *it, const weft_m_profile *before,
                           const weft_m_profile *after, const wf_drift_method *method)
{
    weft_m_class_drift *classes = wf_arena_array(&it->arena, before->class_count, sizeof(*classes));
    size_t count = 0;
    if (classes == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < before->class_count; i++) {
        const wf_spread *old = &before->classes[i], *new = class_of(after, old->id);
        if (new == NULL)
            continue;
        weft_m_class_drift *item = &classes[count++];
        *item = (weft_m_class_drift){.count_before = (size_t)old->count,
                                     .count_after = (size_t) new->count,
                                     .score = method->measure(old, new)};
        item->is_detected = item->score > it->shown.threshold;
        if (!wf_arena_copy(&it->arena, old->id, &item->id))
            return -ENOMEM;
    }
    qsort(classes, count, sizeof(*classes), by_score);
    it->shown.classes = classes;
    it->shown.class_count = count;
    return 0;
}

static const char *recommend(double score, double threshold)
{
    if (score <= threshold)
        return "monitor";
    return score > RETRAIN_TIMES * threshold ? "retrain" : "add_entities";
}

int weft_m_drift(weft_m_drift_report **out, const weft_m_profile *before,
                 const weft_m_profile *after, const weft_m_drift_options *options,
                 weft_m_error *error)
{
    const wf_drift_method *method;
    weft_m_drift_options full;
    weft_m_drift_options_init(&full);
    if (options != NULL)
        memcpy(&full, options, options->size < sizeof(full) ? options->size : sizeof(full));
    int rc = check(&full, &method, error);
    if (rc < 0)
        return rc;
    struct report *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return wf_m_fail_plain(error, -ENOMEM);
    it->shown = (weft_m_drift_report){.score = method->measure(&before->all, &after->all),
                                      .threshold = full.threshold,
                                      .method = method->name,
                                      .count_before = (size_t)before->all.count,
                                      .count_after = (size_t)after->all.count};
    it->shown.is_detected = it->shown.score > full.threshold;
    it->shown.recommendation = recommend(it->shown.score, full.threshold);
    rc = compare_classes(it, before, after, method);
    if (rc < 0) {
        weft_m_drift_report_free(&it->shown);
        return wf_m_fail_plain(error, rc);
    }
    *out = &it->shown;
    return 0;
}

static void put_class(wf_json *json, const weft_m_class_drift *item)
{
    wf_json_object(json);
    wf_json_put_str(json, "id", item->id);
    wf_json_put_uint(json, "count_before", item->count_before);
    wf_json_put_uint(json, "count_after", item->count_after);
    wf_json_put_double(json, "score", item->score);
    wf_json_put_bool(json, "drift_detected", item->is_detected);
    wf_json_object_end(json);
}

int weft_m_drift_report_json(const weft_m_drift_report *it, weft_text *out)
{
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_put_double(&json, "global_drift_score", it->score);
    wf_json_key(&json, "per_class_drift");
    wf_json_array(&json);
    for (size_t i = 0; i < it->class_count; i++)
        put_class(&json, &it->classes[i]);
    wf_json_array_end(&json);
    wf_json_put_bool(&json, "drift_detected", it->is_detected);
    wf_json_put_text(&json, "method", it->method);
    wf_json_put_double(&json, "threshold", it->threshold);
    wf_json_put_text(&json, "recommendation", it->recommendation);
    wf_json_put_uint(&json, "count_before", it->count_before);
    wf_json_put_uint(&json, "count_after", it->count_after);
    wf_json_object_end(&json);
    return wf_m_json_end(&buf, out);
}

/* ---- profiles as files ---- */

#define FILE_BYTES_MAX ((size_t)64 << 20)

int weft_m_profile_save(const weft_m_profile *profile, const char *path, weft_m_error *error)
{
    wf_buf buf = {0};
    wf_profile_write(profile, &buf);
    int rc = buf.rc < 0 ? wf_m_fail_plain(error, buf.rc)
                        : wf_whole_save(path, wf_buf_ptr(&buf), wf_buf_bytes(&buf), error);
    wf_buf_fini(&buf);
    return rc;
}

int weft_m_profile_load(weft_m_profile **out, const char *path, weft_m_error *error)
{
    weft_bytes bytes = {0};
    int rc = wf_whole_load(path, FILE_BYTES_MAX, &bytes, error);
    if (rc < 0)
        return rc;
    rc = wf_profile_read(out, (const char *)bytes.ptr, bytes.len);
    weft_bytes_free(&bytes);
    if (rc == -WEFT_M_EPERSIST)
        return wf_m_fail(error, rc, "%.300s: no profile of texts, or one that was changed", path);
    return rc < 0 ? wf_m_fail_plain(error, rc) : 0;
}
