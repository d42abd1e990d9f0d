/* SPDX-License-Identifier: MIT */

#include "match/transformer/sentence.h"

#include "base/alloc.h"
#include "base/list.h"
#include "match/index/vectors.h"
#include "match/model/spares.h"
#include "match/transformer/feed.h"
#include "match/transformer/modules.h"

/* One thread's memory; spare ones wait in a list. */
struct desk {
    wf_spare kept; /* first: see wf_spares */
    wf_tokens tokens;
    wf_pile pile;
    wf_sheet sheet;
    wf_modules_memory modules;
};

struct model {
    wf_feed feed;
    wf_trunk body;
    wf_modules modules;
    size_t dim; /* of what is given out */
    wf_spares desks;
};

/* ---- memory ---- */

static struct desk *desk_take(struct model *model)
{
    struct desk *desk = wf_spares_take(&model->desks);
    return desk != NULL ? desk : wf_alloc(sizeof(*desk));
}

static void desk_free(wf_spare *spare)
{
    struct desk *desk = wf_container(spare, struct desk, kept);
    wf_tokens_fini(&desk->tokens);
    wf_pile_fini(&desk->pile);
    wf_sheet_fini(&desk->sheet);
    wf_modules_memory_fini(&desk->modules);
    wf_free(desk);
}

/* ---- encoding ---- */

/* Fills the pile from texts; returns how many it took, or -ENOMEM. */
static int fill(const struct model *model, struct desk *desk, const weft_str *texts, size_t count)
{
    int taken = 0, rc = 0;
    wf_pile_reset(&desk->pile);
    while ((size_t)taken < count && rc == 0 && desk->pile.token_count < WF_PILE_TOKENS) {
        rc = wf_feed_text(&model->feed, texts[taken], &desk->tokens, &desk->pile);
        taken++;
    }
    return rc < 0 ? rc : taken;
}

static int encode_with(struct model *model, struct desk *desk, const weft_str *texts, size_t count,
                       float *out, const wf_job *job)
{
    for (size_t at = 0; at < count;) {
        int taken = fill(model, desk, texts + at, count - at);
        int rc = taken < 0 ? taken : wf_trunk_run(&model->body, &desk->pile, &desk->sheet, job);
        if (rc == 0)
            rc = wf_modules_run(&model->modules, model->body.kernel, &desk->pile, &desk->sheet,
                                &desk->modules, model->dim, out + at * model->dim, job);
        if (rc < 0)
            return rc;
        at += (size_t)taken;
    }
    return 0;
}

static int encode_job(void *self, const weft_str *texts, size_t count, float *out,
                      const wf_job *job)
{
    struct model *model = self;
    struct desk *desk = desk_take(model);
    if (desk == NULL)
        return -ENOMEM;
    int rc = encode_with(model, desk, texts, count, out, job);
    wf_spares_give(&model->desks, &desk->kept);
    return rc;
}

static int encode(void *self, const weft_str *texts, size_t count, float *out)
{
    const wf_job job = {0};
    return encode_job(self, texts, count, out, &job);
}

static void model_close(void *self)
{
    struct model *model = self;
    wf_spares_fini(&model->desks, desk_free);
    wf_modules_fini(&model->modules);
    wf_trunk_fini(&model->body);
    wf_feed_fini(&model->feed);
    wf_free(model);
}

static const weft_encoder_class sentence_class = {
    .size = sizeof(weft_encoder_class),
    .kind = "transformer",
    .encode = encode,
    .close = model_close,
};

/* ---- opening ---- */

static int read_all(struct model *model, wf_folder *folder, size_t dimension)
{
    int rc = wf_modules_find_body(&model->modules, folder);
    const char *inner = model->modules.inner;
    if (rc == 0)
        rc = wf_trunk_open(&model->body, folder, inner);
    if (rc == 0)
        rc = wf_feed_open(&model->feed, folder, inner, &model->body.shape);
    if (rc == 0)
        rc = wf_modules_read(&model->modules, folder, model->body.shape.hidden);
    if (rc == 0 && model->modules.leaves_out_prompt)
        rc = wf_feed_prompt_tokens(&model->feed, &model->modules.prompt_tokens);
    if (rc < 0)
        return rc;
    model->dim = dimension != 0 ? dimension : model->modules.width;
    if (model->dim > model->modules.width)
        return wf_reason_set(folder->reason, "its vectors have %zu numbers, fewer than asked for",
                             model->modules.width);
    return model->dim <= WF_VECTOR_DIM_MAX
               ? 0
               : wf_reason_set(folder->reason, "its vectors have %zu numbers; %u are allowed",
                               model->dim, WF_VECTOR_DIM_MAX);
}

int wf_sentence_open(weft_encoder **out, const char *path, size_t dimension, wf_reason *reason)
{
    wf_folder folder = wf_folder_of(path, reason);
    struct model *model = wf_alloc(sizeof(*model));
    if (model == NULL)
        return -ENOMEM;
    wf_spares_init(&model->desks);
    int rc = read_all(model, &folder, dimension);
    if (rc < 0) {
        model_close(model);
        return rc;
    }
    rc = weft_encoder_new(out, &sentence_class, path, model->dim, model);
    if (rc < 0)
        return rc;
    wf_sha256_end(&folder.sum, (*out)->sum);
    (*out)->encode_job = encode_job;
    return 0;
}
