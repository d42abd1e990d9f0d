/* SPDX-License-Identifier: MIT */

/* Two profiles compared; the report. */
#include "base/alloc.h"
#include "base/str.h"
#include "base/utf8.h"
#include "match/drift/profile.h"
#include "match/error.h"
#include "match/file/whole.h"
#include "match/json.h"
#include "match/work.h"

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
                  wf_utf8_shown(options->method.ptr, options->method.len, 40), options->method.ptr);
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

/* The comparing. */
struct comparing {
    struct report *out;
    const weft_m_profile *before, *after;
    const wf_drift_method *method;
    weft_str id; /* of the entity at hand; empty: all texts */
};

static int compare_class(struct comparing *it, const wf_spread *old, const wf_spread *new)
{
    weft_m_drift_report *shown = &it->out->shown;
    weft_m_class_drift *item = (weft_m_class_drift *)&shown->classes[shown->class_count];
    *item = (weft_m_class_drift){.id_is_integer = old->id_is_integer || new->id_is_integer,
                                 .count_before = (size_t)old->count,
                                 .count_after = (size_t) new->count};
    it->id = old->id;
    int rc = it->method->measure(old, new, &item->score);
    if (rc < 0)
        return rc;
    item->is_detected = item->score > shown->threshold;
    shown->class_count++;
    return wf_arena_copy(&it->out->arena, old->id, &item->id) ? 0 : -ENOMEM;
}

static int compare_classes(struct comparing *it, const wf_job *job)
{
    const weft_m_profile *before = it->before;
    weft_m_drift_report *shown = &it->out->shown;
    weft_m_class_drift *classes =
        wf_arena_array(&it->out->arena, before->class_count, sizeof(*classes));
    int rc = classes != NULL ? 0 : -ENOMEM;
    shown->classes = classes;
    for (size_t i = 0; i < before->class_count && rc == 0; i++) {
        const wf_spread *new = class_of(it->after, before->classes[i].id);
        rc = wf_job_poll(job);
        if (rc == 0 && new != NULL)
            rc = compare_class(it, &before->classes[i], new);
    }
    if (rc == 0 && shown->class_count != 0)
        qsort(classes, shown->class_count, sizeof(*classes), by_score);
    return rc;
}

static const char *recommend(double score, double threshold)
{
    if (score <= threshold)
        return "monitor";
    return score > RETRAIN_TIMES * threshold ? "retrain" : "add_entities";
}

/* A class takes some milliseconds by kl_gaussian. */
static int compare_here(void *arg)
{
    struct comparing *it = arg;
    const wf_job job = {0};
    weft_m_drift_report *shown = &it->out->shown;
    int rc = it->method->measure(&it->before->all, &it->after->all, &shown->score);
    shown->is_detected = shown->score > shown->threshold;
    shown->recommendation = recommend(shown->score, shown->threshold);
    return rc == 0 ? compare_classes(it, &job) : rc;
}

/* Of no profile that was taken here. */
static int fail_covariance(const struct comparing *it, weft_m_error *error)
{
    bool is_of_all = it->id.len == 0;
    int len = wf_utf8_shown(it->id.ptr, it->id.len, 80);
    wf_m_fail(error, -WEFT_M_EVALID, "a covariance is not positive definite: that of %s%.*s",
              is_of_all ? "all texts" : "entity ", is_of_all ? 0 : len,
              is_of_all ? "" : it->id.ptr);
    wf_m_error_suggest(error, "Take the profile again");
    return -WEFT_M_EVALID;
}

int weft_m_drift(weft_m_drift_report **out, const weft_m_profile *before,
                 const weft_m_profile *after, const weft_m_drift_options *options,
                 weft_m_error *error)
{
    struct comparing it = {.before = before, .after = after};
    weft_m_drift_options full;
    weft_m_drift_options_init(&full);
    if (options != NULL)
        memcpy(&full, options, options->size < sizeof(full) ? options->size : sizeof(full));
    int rc = check(&full, &it.method, error);
    if (rc < 0)
        return rc;
    it.out = wf_alloc(sizeof(*it.out));
    if (it.out == NULL)
        return wf_m_fail_plain(error, -ENOMEM);
    it.out->shown = (weft_m_drift_report){.threshold = full.threshold,
                                          .method = it.method->name,
                                          .count_before = (size_t)before->all.count,
                                          .count_after = (size_t)after->all.count};
    rc = wf_work_run(compare_here, &it);
    if (rc < 0) {
        weft_m_drift_report_free(&it.out->shown);
        return rc == -EDOM ? fail_covariance(&it, error) : wf_m_fail_plain(error, rc);
    }
    *out = &it.out->shown;
    return 0;
}

static void put_class(wf_json *json, const weft_m_class_drift *item)
{
    wf_json_object(json);
    wf_json_key(json, "id");
    wf_m_json_id(json, item->id, item->id_is_integer);
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

/* A profile as bytes takes as long as its megabytes: not on the loop. */
struct coding {
    const weft_m_profile *given; /* to be written into `buf` … */
    wf_buf buf;

    weft_bytes bytes; /* … or to be read into `taken` */
    weft_m_profile *taken;
    wf_reason reason;
};

static int write_here(void *arg)
{
    struct coding *it = arg;
    wf_profile_write(it->given, &it->buf);
    return it->buf.rc;
}

static int read_here(void *arg)
{
    struct coding *it = arg;
    return wf_profile_read(&it->taken, (const char *)it->bytes.ptr, it->bytes.len, &it->reason);
}

int weft_m_profile_save(const weft_m_profile *profile, const char *path, weft_m_error *error)
{
    struct coding it = {.given = profile};
    int rc = wf_work_run(write_here, &it);
    rc = rc < 0 ? wf_m_fail_plain(error, rc)
                : wf_whole_save(path, wf_buf_ptr(&it.buf), wf_buf_bytes(&it.buf), error);
    wf_buf_fini(&it.buf);
    return rc;
}

int weft_m_profile_load(weft_m_profile **out, const char *path, weft_m_error *error)
{
    struct coding it = {0};
    int rc = wf_whole_load(path, FILE_BYTES_MAX, &it.bytes, error);
    if (rc < 0)
        return rc;
    rc = wf_work_run(read_here, &it);
    weft_bytes_free(&it.bytes);
    if (rc == 0)
        *out = it.taken;
    if (rc == -WEFT_M_EPERSIST)
        return wf_m_fail(error, rc, "%.200s: %s", path, it.reason.text);
    return rc < 0 ? wf_m_fail_plain(error, rc) : 0;
}
