/* SPDX-License-Identifier: MIT */

#include "match/model/encoder.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/utf8.h"
#include "match/index/vectors.h"
#include "match/model/finite.h"
#include "match/model/open.h"
#include "match/transformer/modules.h"
#include "match/transformer/sentence.h"

#include <assert.h>
#include <string.h>
#include <weft/error.h>

int weft_encoder_new(weft_encoder **out, const weft_encoder_class *cls, const char *name,
                     size_t dimension, void *self)
{
    int rc = dimension >= 1 && dimension <= WF_VECTOR_DIM_MAX ? 0 : -EINVAL;
    weft_encoder *encoder = rc == 0 ? wf_alloc(sizeof(*encoder)) : NULL;
    char *kept = encoder != NULL ? wf_strdup(name, strlen(name)) : NULL;
    if (kept == NULL) {
        wf_free(encoder);
        if (cls->close != NULL)
            cls->close(self);
        return rc < 0 ? rc : -ENOMEM;
    }
    *encoder =
        (weft_encoder){.cls = cls, .self = self, .name = kept, .dimension = dimension, .refs = 1};
    *out = encoder;
    return 0;
}

weft_encoder *weft_encoder_ref(weft_encoder *encoder)
{
    __atomic_add_fetch(&encoder->refs, 1, __ATOMIC_RELAXED);
    return encoder;
}

void weft_encoder_unref(weft_encoder *encoder)
{
    if (encoder == NULL || __atomic_sub_fetch(&encoder->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    if (encoder->cls->close != NULL)
        encoder->cls->close(encoder->self);
    wf_free(encoder->name);
    wf_free(encoder);
}

size_t weft_encoder_dimension(const weft_encoder *encoder)
{
    return encoder->dimension;
}

const char *weft_encoder_kind(const weft_encoder *encoder)
{
    return encoder->cls->kind;
}

const char *weft_encoder_name(const weft_encoder *encoder)
{
    return encoder->name;
}

int wf_encoder_run(weft_encoder *encoder, const weft_str *texts, size_t count, float *out,
                   const wf_job *job)
{
    int rc = encoder->encode_job != NULL
                 ? encoder->encode_job(encoder->self, texts, count, out, job)
                 : encoder->cls->encode(encoder->self, texts, count, out);
    assert(rc <= 0); /* an encoder of one's own returns 0 or a negative code */
    return rc == 0 ? wf_check_finite(out, count * encoder->dimension) : rc;
}

int weft_encoder_encode(weft_encoder *encoder, const weft_str *texts, size_t count, float *out)
{
    const wf_job job = {0};
    for (size_t i = 0; i < count; i++) {
        if (!wf_utf8_is_valid(texts[i].ptr, texts[i].len))
            return weft_fail(-WEFT_M_EVALID, "text %zu is not UTF-8", i);
    }
    return wf_encoder_run(encoder, texts, count, out, &job);
}

/* ---- directories ---- */

void weft_encoder_options_init(weft_encoder_options *options)
{
    *options = (weft_encoder_options){.size = sizeof(*options)};
}

int wf_encoder_open(weft_encoder **out, const char *path, size_t dimension, wf_reason *reason)
{
    wf_folder folder = wf_folder_of(path, reason);
    reason->text[0] = '\0';
    int is_transformer = wf_modules_are_there(&folder);
    if (is_transformer < 0)
        return is_transformer;
    return is_transformer ? wf_sentence_open(out, path, dimension, reason)
                          : wf_static_open(out, path, dimension, reason);
}

struct opening {
    wf_model_opening model;
    size_t dimension;
    weft_encoder *encoder;
};

static int read_model(wf_model_opening *it, const char *path)
{
    struct opening *opening = wf_container(it, struct opening, model);
    return wf_encoder_open(&opening->encoder, path, opening->dimension, &it->reason);
}

bool wf_encoder_is_missing(const char *model)
{
    return wf_place_is_empty(model, WF_PLACE_ENCODER, wf_place_path());
}

int weft_encoder_open(weft_encoder **out, const char *model, const weft_encoder_options *options,
                      weft_m_error *error)
{
    struct opening opening = {
        .model = {.model = model, .use = WF_PLACE_ENCODER, .read = read_model},
        .dimension = options != NULL ? options->dimension : 0};
    int rc = wf_model_open(&opening.model, error);
    if (rc == 0)
        *out = opening.encoder;
    else
        weft_encoder_unref(opening.encoder);
    return rc;
}
