/* SPDX-License-Identifier: MIT */

/* Save and load. */
#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/json_write.h"
#include "match/check.h"
#include "match/error.h"
#include "match/file/whole.h"
#include "match/model/encoder.h"
#include "match/score/hybrid.h"
#include "match/train/head.h"
#include "match/train/verdict.h"

#include <stdio.h>
#include <string.h>
#include <weft/error.h>

#define TAG_SETTINGS WF_TAG('S', 'E', 'T', 'T')
#define TAG_ABOUT WF_TAG('A', 'B', 'O', 'U')

#define TAG_MODEL WF_TAG('M', 'O', 'D', 'H')
#define TAG_MODEL_CRC WF_TAG('M', 'O', 'D', 'L') /* in its place, before 0.1.0 was released */
#define TAG_MODEL_NAME WF_TAG('M', 'O', 'D', 'N')

#define NAME_BYTES 16

/* The settings that answers depend on.  Names end with NUL. */
struct settings {
    char score_kind[NAME_BYTES], mode[NAME_BYTES], active_mode[NAME_BYTES], unicode[NAME_BYTES];
    char blocking[NAME_BYTES];
    uint64_t mark_run_max;
    float threshold;
    uint32_t normalize;
};

/* Of a matcher with vectors: which encoder they are by.  Its name stands by itself. */
struct model {
    uint32_t dimension, zero;
    uint8_t sum[WF_SHA256_BYTES]; /* of a model's files; zeros: the caller's, known by its name */
};

/* ---- save ---- */

struct saving {
    wf_call *call;
    wf_snapshot *snapshot;
    weft_bytes bytes;
};

static void set_name(char out[NAME_BYTES], const char *name)
{
    snprintf(out, NAME_BYTES, "%s", name);
}

static void save_settings(const weft_matcher *matcher, const wf_snapshot *snapshot, wf_pack *pack)
{
    struct settings settings = {.mark_run_max = matcher->options.mark_run_max,
                                .threshold = snapshot->threshold,
                                .normalize = matcher->options.normalize};
    set_name(settings.score_kind, matcher->scoring->kind);
    set_name(settings.mode, matcher->mode);
    set_name(settings.active_mode, wf_snapshot_mode(snapshot));
    set_name(settings.blocking, wf_blocking_name(matcher->blocking));
    set_name(settings.unicode, weft_norm_unicode_version());
    wf_pack_copy(pack, TAG_SETTINGS, &settings, sizeof(settings));
}

/* For people who look into the file; never read. */
static void save_about(const weft_matcher *matcher, const wf_snapshot *snapshot, wf_pack *pack)
{
    const wf_catalogue *catalogue = wf_snapshot_catalogue(snapshot);
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    wf_json_object(&json);
    wf_json_key(&json, "weft");
    wf_json_text(&json, weft_version());
    wf_json_key(&json, "mode");
    wf_json_text(&json, wf_snapshot_mode(snapshot));
    wf_json_key(&json, "model");
    wf_json_text(&json, wf_scorer_class_is_dense(snapshot->scorer->cls)
                            ? matcher->options.encoder->name
                            : "lexical");
    wf_json_key(&json, "score_kind");
    wf_json_text(&json, matcher->scoring->kind);
    wf_json_key(&json, "unicode");
    wf_json_text(&json, weft_norm_unicode_version());
    wf_json_key(&json, "entities");
    wf_json_uint(&json, catalogue->entity_count);
    wf_json_key(&json, "rows");
    wf_json_uint(&json, catalogue->row_count);
    wf_json_object_end(&json);
    pack->rc = buf.rc < 0 ? buf.rc : pack->rc;
    wf_pack_copy(pack, TAG_ABOUT, wf_buf_ptr(&buf), wf_buf_bytes(&buf));
    wf_buf_fini(&buf);
}

static void save_model(const weft_matcher *matcher, const wf_snapshot *snapshot, wf_pack *pack)
{
    if (!wf_scorer_class_is_dense(matcher->scoring))
        return;
    bool is_head = wf_head_class(snapshot->scorer->cls->mode) != NULL;
    if (!is_head || wf_head_of(snapshot->scorer)->body.encoder != NULL) {
        const weft_encoder *encoder = matcher->options.encoder;
        struct model model = {.dimension = (uint32_t)encoder->dimension};
        memcpy(model.sum, encoder->sum, sizeof(model.sum));
        wf_pack_copy(pack, TAG_MODEL, &model, sizeof(model));
    }
    /* One that has learnt has no vectors, and may not have read its model yet. */
    const char *name = matcher->model != NULL ? matcher->model : matcher->options.encoder->name;
    wf_pack_copy(pack, TAG_MODEL_NAME, name, strlen(name));
}

/* Why it learnt or did not. */
static void save_trial(weft_matcher *matcher, wf_pack *pack)
{
    pthread_mutex_lock(&matcher->lock);
    weft_m_trial trial = matcher->trial;
    pthread_mutex_unlock(&matcher->lock);
    wf_trial_save(&trial, pack);
}

int wf_matcher_pack(weft_matcher *matcher, const wf_snapshot *snapshot, const wf_detector *detector,
                    wf_pack *pack)
{
    wf_scorer *scorer = snapshot->scorer;
    save_about(matcher, snapshot, pack);
    save_settings(matcher, snapshot, pack);
    save_model(matcher, snapshot, pack);
    save_trial(matcher, pack);
    int rc = wf_catalogue_save(scorer->catalogue, pack);
    if (rc == 0)
        rc = scorer->cls->save(scorer, pack);
    if (rc == 0 && detector != NULL)
        wf_detector_save(detector, pack);
    return rc;
}

static int make_bytes(void *arg)
{
    struct saving *saving = arg;
    wf_pack *pack = wf_alloc(sizeof(*pack));
    if (pack == NULL)
        return -ENOMEM;
    pack->job = wf_call_job(saving->call);
    wf_detector *detector = wf_matcher_detector(saving->call->matcher, saving->snapshot);
    int rc = wf_matcher_pack(saving->call->matcher, saving->snapshot, detector, pack);
    if (rc == 0)
        rc = wf_pack_make(pack, &saving->bytes);
    wf_pack_fini(pack);
    wf_free(pack);
    wf_detector_unref(detector);
    return rc;
}

static int fail_path(weft_m_error *error, int rc, const char *path)
{
    if (rc == -ECANCELED || rc == -WEFT_M_ECLOSED)
        return wf_m_fail_plain(error, rc);
    return wf_m_fail(error, rc, "%.300s: %s", path, weft_strerror(rc));
}

static int save(wf_call *call, const char *path)
{
    struct saving saving = {.call = call};
    int rc = wf_matcher_ready(call, &saving.snapshot);
    if (rc < 0)
        return rc;
    rc = wf_work_run(make_bytes, &saving);
    wf_snapshot_unref(saving.snapshot);
    rc = rc < 0 ? fail_path(call->error, rc, path)
                : wf_whole_save(path, saving.bytes.ptr, saving.bytes.len, call->error);
    weft_bytes_free(&saving.bytes);
    return rc;
}

int weft_m_save(weft_matcher *matcher, const char *path, weft_m_error *error)
{
    wf_call call;
    int rc = wf_call_begin(&call, matcher, WEFT_M_OP_SAVE, error);
    return rc < 0 ? rc : wf_call_end(&call, save(&call, path));
}

/* ---- load ---- */

struct loading {
    const char *path; /* NULL: image is there already */
    const weft_m_options *given;
    weft_m_error *error;
    weft_m_options options;
    struct settings settings;
    struct model model;
    char *model_name; /* owned; NULL: the matcher needs none */
    wf_image *image;
    weft_matcher *matcher;
    const wf_scorer_class *learnt; /* NULL: it has not */
    bool is_hybrid;
    char reason[WF_REASON_BYTES]; /* of -WEFT_M_EPERSIST; empty: the parts contradict each other */
};

static bool is_name(const char name[NAME_BYTES])
{
    return memchr(name, '\0', NAME_BYTES) != NULL;
}

/* What the file was made with is what it is used with. */
static int take_settings(struct loading *loading)
{
    struct settings *settings = &loading->settings;
    int rc = wf_image_get_one(loading->image, TAG_SETTINGS, settings, sizeof(*settings));
    if (rc < 0)
        return rc;
    if (!is_name(settings->score_kind) || !is_name(settings->mode) ||
        !is_name(settings->active_mode) || !is_name(settings->blocking) ||
        !is_name(settings->unicode))
        return -WEFT_M_EPERSIST;
    if (strcmp(settings->unicode, weft_norm_unicode_version()) != 0) {
        snprintf(loading->reason, sizeof(loading->reason),
                 "it was made with Unicode %s, and this program has %s", settings->unicode,
                 weft_norm_unicode_version());
        return -WEFT_M_EPERSIST;
    }
    weft_m_options *options = &loading->options;
    wf_m_options_take(options, loading->given);
    options->score_kind = weft_str_of(settings->score_kind);
    options->mode = weft_str_of(settings->mode);
    options->blocking = weft_str_of(settings->blocking);
    options->threshold = settings->threshold;
    options->normalize = settings->normalize != 0;
    options->mark_run_max = settings->mark_run_max;
    options->model_fallback = weft_str_of("none"); /* the file's vectors are of a model */
    loading->learnt = wf_head_class(settings->active_mode);
    loading->is_hybrid = strcmp(settings->active_mode, wf_scorer_hybrid.mode) == 0;
    bool is_known = loading->learnt != NULL || loading->is_hybrid ||
                    strcmp(settings->active_mode, "zero-shot") == 0;
    return is_known ? 0 : -WEFT_M_EPERSIST;
}

/* What has learnt needs no vectors of its model, unless its body is made of them. */
static bool needs_model(const struct loading *loading)
{
    return loading->learnt == NULL || wf_body_needs_model(loading->image);
}

/* Which model it was. */
static int take_model_sum(struct loading *loading)
{
    const void *old;
    size_t bytes;
    int rc = wf_image_get_one(loading->image, TAG_MODEL, &loading->model, sizeof(loading->model));
    if (rc < 0 && wf_image_get(loading->image, TAG_MODEL_CRC, 1, &old, &bytes) == 0)
        snprintf(loading->reason, sizeof(loading->reason),
                 "an older version made it, which did not keep the SHA-256 of its model");
    return rc;
}

/* The caller's model, or else that of the file. */
static int take_model(struct loading *loading)
{
    const void *name = NULL;
    size_t bytes = 0;
    int rc = 0;
    if (!wf_scorer_class_is_dense(wf_scorer_class_of(loading->options.score_kind, false)))
        return 0;
    if (needs_model(loading))
        rc = take_model_sum(loading);
    if (rc == 0)
        rc = wf_image_get(loading->image, TAG_MODEL_NAME, 1, &name, &bytes);
    if (rc < 0)
        return rc;
    loading->model_name = wf_strdup(name, bytes);
    if (loading->model_name == NULL)
        return -ENOMEM;
    if (loading->options.encoder == NULL && !wf_is_model_name(loading->options.model))
        loading->options.model = (weft_str){loading->model_name, bytes};
    return 0;
}

static bool is_model(const struct model *model, const weft_encoder *encoder, const char *name)
{
    static const uint8_t none[WF_SHA256_BYTES];
    bool has_files = memcmp(encoder->sum, none, sizeof(none)) != 0;
    return encoder->dimension == model->dimension &&
           memcmp(encoder->sum, model->sum, sizeof(model->sum)) == 0 &&
           (has_files || strcmp(encoder->name, name) == 0);
}

/* Reads the model; vectors of another one mean nothing.  Without vectors it is read when a fit
 * wants it. */
static int load_model(struct loading *loading)
{
    if (loading->model_name == NULL || !needs_model(loading))
        return 0;
    weft_m_error broken;
    int rc = wf_matcher_read_model(loading->matcher, &broken);
    if (rc == -WEFT_M_EMODEL && loading->error != NULL)
        *loading->error = broken;
    if (rc < 0)
        return rc;
    if (is_model(&loading->model, loading->matcher->options.encoder, loading->model_name))
        return 0;
    snprintf(loading->reason, sizeof(loading->reason), "it was made with another model, '%.60s'",
             loading->model_name);
    return -WEFT_M_EPERSIST;
}

static int create_scorer(const struct loading *loading, wf_catalogue *catalogue, wf_scorer **out)
{
    weft_matcher *matcher = loading->matcher;
    if (loading->learnt != NULL)
        return wf_head_create(out, loading->learnt, catalogue, NULL, NULL, NULL, &matcher->options);
    if (loading->is_hybrid)
        return wf_hybrid_create(out, matcher->scoring, catalogue, &matcher->options,
                                matcher->blocking);
    return matcher->scoring->create(out, catalogue, &matcher->options);
}

static int load_scorer(struct loading *loading, wf_catalogue *catalogue)
{
    weft_matcher *matcher = loading->matcher;
    wf_scorer *scorer;
    int rc = create_scorer(loading, catalogue, &scorer);
    if (rc < 0)
        return rc;
    rc = scorer->cls->load(scorer, loading->image);
    if (rc == 0)
        rc = wf_matcher_publish(matcher, scorer);
    if (rc == 0)
        rc = wf_detector_load(&matcher->loaded, loading->image);
    matcher->is_hybrid = loading->is_hybrid;
    if (rc == 0 && loading->learnt != NULL) {
        matcher->learnt = loading->learnt;
        matcher->examples = wf_examples_ref(wf_head_of(scorer)->examples);
        matcher->example_count = matcher->examples->count;
    }
    if (rc == 0)
        wf_trial_load(&matcher->trial, loading->image);
    wf_scorer_unref(scorer);
    return rc;
}

/* A rule that an entity or a setting breaks makes the file a bad one. */
static int as_bad_file(struct loading *loading, int rc, const weft_m_error *broken)
{
    if (rc != -WEFT_M_EVALID && rc != -WEFT_M_EMODE)
        return rc;
    snprintf(loading->reason, sizeof(loading->reason), "it breaks a rule: %.100s", broken->message);
    return -WEFT_M_EPERSIST;
}

static int load_catalogue(struct loading *loading)
{
    weft_m_error broken;
    wf_catalogue *catalogue;
    const wf_limits limits = {.entity_count_max = loading->options.entity_count_max,
                              .text_bytes_max = SIZE_MAX};
    int rc = wf_catalogue_load(&catalogue, loading->image, &limits, &broken);
    if (rc < 0)
        return as_bad_file(loading, rc, &broken);
    rc = load_scorer(loading, catalogue);
    wf_catalogue_unref(catalogue);
    return rc;
}

static int load_image(struct loading *loading)
{
    const wf_job job = {0};
    weft_m_error broken;
    int rc = wf_image_check(loading->image, &job, loading->reason);
    if (rc == 0)
        rc = take_settings(loading);
    if (rc == 0)
        rc = take_model(loading);
    if (rc < 0)
        return rc;
    rc = wf_matcher_new(&loading->matcher, &loading->options, &broken);
    if (rc < 0)
        return as_bad_file(loading, rc, &broken);
    rc = load_model(loading);
    return rc < 0 ? rc : load_catalogue(loading);
}

static int load_file(void *arg)
{
    struct loading *loading = arg;
    int rc = loading->image == NULL ? wf_image_open(&loading->image, loading->path) : 0;
    return rc < 0 ? rc : load_image(loading);
}

static int fail_load(const struct loading *loading, int rc)
{
    const char *path = loading->path != NULL ? loading->path : "image";
    if (rc == -WEFT_M_EMODEL)
        return rc; /* the error is that of the model */
    if (rc != -WEFT_M_EPERSIST)
        return fail_path(loading->error, rc, path);
    wf_m_fail(loading->error, rc, "%.300s: %s", path,
              loading->reason[0] != '\0' ? loading->reason : "its parts contradict each other");
    wf_m_error_suggest(loading->error, "Save the matcher again, or load an older copy");
    return rc;
}

static int load(struct loading *loading, weft_matcher **out)
{
    int rc = wf_work_run(load_file, loading);
    wf_image_unref(loading->image); /* those who use it have references */
    wf_free(loading->model_name);
    if (rc == 0) {
        wf_matcher_opened(loading->matcher);
        *out = loading->matcher;
        return 0;
    }
    weft_m_close(loading->matcher);
    return fail_load(loading, rc);
}

int weft_m_load(weft_matcher **out, const char *path, const weft_m_options *options,
                weft_m_error *error)
{
    struct loading loading = {.path = path, .given = options, .error = error};
    return load(&loading, out);
}

int wf_matcher_of_bytes(weft_matcher **out, const void *bytes, size_t count, weft_m_error *error)
{
    struct loading loading = {.error = error};
    int rc = wf_image_of(&loading.image, bytes, count);
    return rc < 0 ? wf_m_fail_plain(error, rc) : load(&loading, out);
}
