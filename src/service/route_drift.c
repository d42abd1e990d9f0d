/* SPDX-License-Identifier: MIT */

/* …/profile and …/drift: whether texts still look as they did. */
#include "base/json_write.h"
#include "service/ask.h"

#include <weft/drift.h>
#include <weft/error.h>

/* They are looked at together. */
#define TEXTS_MAX 100000

struct profile_asked {
    weft_items texts;
};
struct drift_asked {
    weft_items texts;
    weft_str method;
    double threshold;
};
static const weft_field text_item = {.type = WEFT_TYPE_STRING};
static const weft_field profile_fields[] = {
    {WEFT_FIELD_ARRAY(struct profile_asked, texts, &text_item), .flags = WEFT_REQUIRED,
     .range = WEFT_FROM(2), .about = "At most 100,000; else 413."},
};
const weft_schema ask_profile = {.name = "Profile",
                                 .bytes = sizeof(struct profile_asked),
                                 .fields = profile_fields,
                                 .field_count = 1};

static const char *const methods[] = {"mmd_linear", "kl_gaussian", "cosine_centroid", NULL};
static const struct drift_asked drift_preset = {.threshold = 0.05};
static const weft_field drift_fields[] = {
    {WEFT_FIELD_ARRAY(struct drift_asked, texts, &text_item), .flags = WEFT_REQUIRED,
     .range = WEFT_FROM(2), .about = "At most 100,000; else 413."},
    {WEFT_FIELD_STRING(struct drift_asked, method), .flags = WEFT_NULLABLE, .choices = methods},
    {WEFT_FIELD_DOUBLE(struct drift_asked, threshold), .interval = WEFT_INTERVAL(0, 1000),
     .about = "What is above this is drift."},
};
const weft_schema ask_drift = {.name = "Drift",
                               .bytes = sizeof(struct drift_asked),
                               .fields = drift_fields,
                               .field_count = 3,
                               .preset = &drift_preset};

/* ---- the profile ---- */

/* {"texts":N,"time":seconds since 1970} */
static int answer_profile(weft_http_response *res, const weft_m_profile *profile)
{
    wf_buf body = {0};
    wf_json json = {.out = &body};
    wf_json_object(&json);
    wf_json_put_uint(&json, "texts", weft_m_profile_text_count(profile));
    wf_json_key(&json, "time");
    wf_json_int(&json, weft_m_profile_time(profile));
    wf_json_object_end(&json);
    return answer_buf(res, &body);
}

static int find_path(const struct target *target, char path[PATH_MAX])
{
    return store_path(&target->service->store, weft_str_of(target->named->name), STORE_PROFILE,
                      path);
}

/* That which was kept; 1 after saying that there is none. */
static int load(weft_http_request *req, weft_http_response *res, const struct target *target,
                weft_m_profile **out)
{
    char path[PATH_MAX];
    weft_m_error error = {0};
    int rc = find_path(target, path);
    if (rc == 0)
        rc = weft_m_profile_load(out, path, &error);
    if (rc == 0)
        return 0;
    rc = rc == -ENOENT ? weft_http_fail(res, 404, /* code= */ NULL,
                                        "there is no profile to compare with; PUT …/profile")
                       : answer_kept(req, res, &target->service->store, rc, &error);
    return rc < 0 ? rc : 1;
}

int route_get_profile(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    weft_m_profile *profile;
    int rc = load(req, res, target, &profile);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = answer_profile(res, profile);
    weft_m_profile_free(profile);
    return rc;
}

static int keep(const struct target *target, const weft_m_profile *profile, weft_m_error *error)
{
    char path[PATH_MAX];
    WEFT_TRY(find_path(target, path));
    WEFT_TRY(store_enter(&target->service->store, target->named));
    int rc = weft_m_profile_save(profile, path, error);
    store_leave(&target->service->store);
    return rc;
}

int route_put_profile(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    const struct profile_asked *asked = weft_http_input(req);
    struct store *store = &target->service->store;
    weft_m_profile *profile;
    weft_m_error error = {0};
    if (store->dir == NULL)
        return answer_keeps_nothing(res);
    int rc = ask_check_texts(res, asked->texts.count, TEXTS_MAX);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = weft_m_profile_take(&profile, target->matcher, asked->texts.ptr, asked->texts.count,
                             &error);
    if (rc < 0)
        return answer_error(req, res, rc, &error);
    rc = keep(target, profile, &error);
    rc = rc == 0 ? answer_profile(res, profile) : answer_kept(req, res, store, rc, &error);
    weft_m_profile_free(profile);
    return rc;
}

/* ---- drift ---- */

static int compare(const struct target *target, const struct drift_asked *asked,
                   const weft_m_profile *before, weft_text *out, weft_m_error *error)
{
    weft_m_drift_options options;
    weft_m_drift_report *report;
    weft_m_profile *now;
    weft_m_drift_options_init(&options);
    options.method = asked->method;
    options.threshold = asked->threshold;
    int rc =
        weft_m_profile_take(&now, target->matcher, asked->texts.ptr, asked->texts.count, error);
    if (rc < 0)
        return rc;
    rc = weft_m_drift(&report, before, now, &options, error);
    weft_m_profile_free(now);
    if (rc < 0)
        return rc;
    rc = weft_m_drift_report_json(report, out);
    weft_m_drift_report_free(report);
    return rc;
}

int route_drift(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    const struct drift_asked *asked = weft_http_input(req);
    weft_m_profile *before;
    weft_m_error error = {0};
    weft_text text;
    int rc = ask_check_texts(res, asked->texts.count, TEXTS_MAX);
    if (rc == 0)
        rc = load(req, res, target, &before);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = compare(target, asked, before, &text, &error);
    weft_m_profile_free(before);
    if (rc < 0)
        return error.rc != 0 ? answer_error(req, res, rc, &error) : rc;
    return answer_text(res, &text);
}
