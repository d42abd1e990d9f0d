/* SPDX-License-Identifier: MIT */

#include "match/transformer/cross.h"

#include "base/alloc.h"
#include "base/list.h"
#include "match/model/spares.h"
#include "match/transformer/feed.h"
#include "match/transformer/modules.h"

#include <stdio.h>
#include <string.h>

/* One thread's memory; spare ones wait in a list. */
struct desk {
    wf_spare kept; /* first: see wf_spares */
    wf_tokens tokens, spare;
    wf_pile pile;
    wf_sheet sheet;
    wf_floats row; /* of one pair, behind the first layer of the head */
    float answer[WF_PANEL];
};

struct model {
    wf_feed feed;
    wf_trunk body;
    wf_linear pooler, classifier;
    enum wf_activation activation;
    wf_spares desks;
};

/* ---- memory ---- */

static void desk_free(wf_spare *spare)
{
    struct desk *desk = wf_container(spare, struct desk, kept);
    wf_tokens_fini(&desk->tokens);
    wf_tokens_fini(&desk->spare);
    wf_pile_fini(&desk->pile);
    wf_sheet_fini(&desk->sheet);
    wf_floats_fini(&desk->row);
    wf_free(desk);
}

static struct desk *desk_new(const struct model *model)
{
    struct desk *desk = wf_alloc(sizeof(*desk));
    if (desk == NULL)
        return NULL;
    if (wf_floats_new(&desk->row, wf_stride(model->body.shape.hidden)) < 0) {
        desk_free(&desk->kept);
        return NULL;
    }
    return desk;
}

static struct desk *desk_take(struct model *model)
{
    struct desk *desk = wf_spares_take(&model->desks);
    return desk != NULL ? desk : desk_new(model);
}

/* ---- scoring ---- */

/* The head: what the first token's row says. */
static int judge(const struct model *model, struct desk *desk, size_t text, float *out,
                 const wf_job *job)
{
    const wf_kernel *kernel = model->body.kernel;
    const float *first = desk->sheet.rows.at + desk->pile.starts[text] * desk->sheet.row_stride;
    size_t hidden = model->body.shape.hidden, stride = wf_stride(hidden);
    int rc = wf_linear_run(&model->pooler, kernel, first, stride, 1, desk->row.at, stride, job);
    kernel->activate(desk->row.at, hidden, model->body.shape.family->pooled);
    if (rc == 0)
        rc = wf_linear_run(&model->classifier, kernel, desk->row.at, stride, 1, desk->answer,
                           WF_PANEL, job);
    kernel->activate(desk->answer, 1, model->activation);
    *out = desk->answer[0];
    return rc;
}

/* Fills the pile with pairs; returns how many it took, or -ENOMEM. */
static int fill(const struct model *model, struct desk *desk, weft_str query, const weft_str *texts,
                size_t count)
{
    int taken = 0, rc = 0;
    wf_pile_reset(&desk->pile);
    while ((size_t)taken < count && rc == 0 && desk->pile.token_count < WF_PILE_TOKENS) {
        rc = wf_feed_pair(&model->feed, query, texts[taken], &desk->tokens, &desk->spare,
                          &desk->pile);
        taken++;
    }
    return rc < 0 ? rc : taken;
}

static int score_with(struct model *model, struct desk *desk, weft_str query, const weft_str *texts,
                      size_t count, float *out, const wf_job *job)
{
    for (size_t at = 0; at < count;) {
        int taken = fill(model, desk, query, texts + at, count - at);
        int rc = taken < 0 ? taken : wf_trunk_run(&model->body, &desk->pile, &desk->sheet, job);
        for (int i = 0; i < taken && rc == 0; i++)
            rc = judge(model, desk, (size_t)i, &out[at + (size_t)i], job);
        if (rc < 0)
            return rc;
        at += (size_t)taken;
    }
    return 0;
}

static int score_job(void *self, weft_str query, const weft_str *texts, size_t count, float *out,
                     const wf_job *job)
{
    struct model *model = self;
    struct desk *desk = desk_take(model);
    if (desk == NULL)
        return -ENOMEM;
    int rc = score_with(model, desk, query, texts, count, out, job);
    wf_spares_give(&model->desks, &desk->kept);
    return rc;
}

static int score(void *self, weft_str query, const weft_str *texts, size_t count, float *out)
{
    const wf_job job = {0};
    return score_job(self, query, texts, count, out, &job);
}

static void model_close(void *self)
{
    struct model *model = self;
    wf_spares_fini(&model->desks, desk_free);
    wf_linear_fini(&model->pooler);
    wf_linear_fini(&model->classifier);
    wf_trunk_fini(&model->body);
    wf_feed_fini(&model->feed);
    wf_free(model);
}

static const weft_reranker_class cross_class = {
    .size = sizeof(weft_reranker_class),
    .kind = "cross-encoder",
    .score = score,
    .close = model_close,
};

/* ---- opening ---- */

static int read_head(struct model *model, wf_reason *reason)
{
    const wf_shape *shape = &model->body.shape;
    const wf_tensors *tensors = &model->body.tensors;
    char name[64];
    snprintf(name, sizeof(name), "%s.weight", shape->family->classifier);
    const wf_tensor *last = wf_tensors_find(tensors, name);
    if (last == NULL)
        return wf_reason_set(reason, "it is no classifier: it has no tensor '%s'", name);
    if (last->dim_count != 2 || last->dims[0] != 1)
        return wf_reason_set(reason, "it has %zu labels ('%s'); a cross-encoder has one",
                             last->dims[0], name);
    int rc = wf_trunk_linear(&model->pooler, tensors, shape->family->pooler, shape->hidden,
                             shape->hidden, /* has_bias= */ true, reason);
    return rc < 0 ? rc
                  : wf_trunk_linear(&model->classifier, tensors, shape->family->classifier,
                                    shape->hidden, 1, /* has_bias= */ true, reason);
}

/* By its name where it stands; false: there is none. */
static int take_activation(struct model *model, weft_str name, wf_reason *reason)
{
    if (name.ptr == NULL)
        return false;
    if (wf_activation_of_class(name, &model->activation))
        return true;
    return wf_reason_set(reason, "its activation '%.*s' is not known here", wf_reason_shown(name),
                         name.ptr);
}

/* Of the newest versions. */
static int take_own(struct model *model, const wf_tape *config, wf_reason *reason)
{
    return take_activation(model, wf_tape_string(config, wf_tape_get(config, 0, "activation_fn")),
                           reason);
}

/* Of those before, and before these. */
static int take_of_body(struct model *model, const wf_tape *config, wf_reason *reason)
{
    uint32_t ours = wf_tape_get(config, 0, "sentence_transformers");
    weft_str name = wf_tape_string(config, wf_tape_get(config, ours, "activation_fn"));
    if (name.ptr == NULL)
        name =
            wf_tape_string(config, wf_tape_get(config, 0, "sbert_ce_default_activation_function"));
    return take_activation(model, name, reason);
}

/* True if a file, which need not be there, names an activation. */
static int ask_file(struct model *model, wf_folder *folder, const char *inner, const char *name,
                    int (*take)(struct model *model, const wf_tape *config, wf_reason *reason))
{
    wf_tape config;
    wf_image *image;
    int rc = wf_folder_json(folder, inner, name, &config, &image);
    bool is_none = rc == -ENOENT;
    if (rc == 0)
        rc = take(model, &config, folder->reason);
    wf_tape_fini(&config);
    wf_image_unref(image);
    return is_none ? false : wf_folder_blame(folder, inner, name, rc);
}

static int read_activation(struct model *model, wf_folder *folder, const char *inner)
{
    model->activation = WF_ACT_SIGMOID;
    int rc = ask_file(model, folder, "", "config_sentence_transformers.json", take_own);
    if (rc == false)
        rc = ask_file(model, folder, inner, "config.json", take_of_body);
    return rc < 0 ? rc : 0;
}

/* modules.json, which only the newest versions write, has the body alone. */
static int find_body(wf_folder *folder, wf_modules *out)
{
    int rc = wf_modules_find_body(out, folder);
    return rc == 0 && out->listed > 1
               ? wf_reason_set(folder->reason, "modules.json: a cross-encoder has a Transformer "
                                               "and no other module")
               : rc;
}

/* A pair without any token would have no row to judge. */
static int check_pairs(const wf_frame_list *pair, wf_reason *reason)
{
    if (pair->count == 0)
        return wf_reason_set(reason, "tokenizer.json: its post_processor takes no pairs");
    if (wf_frame_tokens(pair) == 0)
        return wf_reason_set(reason, "tokenizer.json: its post_processor puts no special token "
                                     "around pairs");
    return 0;
}

static int read_all(struct model *model, wf_folder *folder)
{
    wf_modules modules;
    int rc = find_body(folder, &modules);
    const char *inner = modules.inner;
    if (rc == 0)
        rc = wf_trunk_open(&model->body, folder, inner);
    if (rc == 0)
        rc = wf_folder_blame(folder, inner, "model.safetensors", read_head(model, folder->reason));
    if (rc == 0)
        rc = read_activation(model, folder, inner);
    if (rc == 0)
        rc = wf_feed_open(&model->feed, folder, inner, &model->body.shape);
    return rc < 0 ? rc : check_pairs(&model->feed.tokenizer.frame.pair, folder->reason);
}

int wf_cross_open(weft_reranker **out, const char *path, wf_reason *reason)
{
    wf_folder folder = wf_folder_of(path, reason);
    struct model *model = wf_alloc(sizeof(*model));
    if (model == NULL)
        return -ENOMEM;
    wf_spares_init(&model->desks);
    reason->text[0] = '\0';
    int rc = read_all(model, &folder);
    if (rc < 0) {
        model_close(model);
        return rc;
    }
    rc = weft_reranker_new(out, &cross_class, path, model);
    if (rc < 0)
        return rc;
    (*out)->score_job = score_job;
    return 0;
}
