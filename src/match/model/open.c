/* SPDX-License-Identifier: MIT */

#include "match/model/open.h"

#include "match/error.h"
#include "match/work.h"

#include <weft/error.h>

/* By wf_place_use. */
static const struct {
    const char *field, *suggestion;
} uses[] = {
    {"model",
     "Give the directory of a model: model.safetensors and tokenizer.json, as model2vec and "
     "sentence-transformers write them"},
    {"reranker", "Give the directory of a cross-encoder: config.json, model.safetensors and "
                 "tokenizer.json of a classifier with one label"},
};

static int body(void *arg)
{
    wf_model_opening *it = arg;
    char path[WF_FOLDER_PATH_BYTES];
    int rc = wf_place_find(it->model, it->use, wf_place_path(), path, &it->reason);
    if (rc == -ENOENT)
        rc = -WEFT_M_EMODEL; /* with the places in the reason */
    return rc < 0 ? rc : it->read(it, path);
}

int wf_model_open(wf_model_opening *it, weft_m_error *error)
{
    int rc = wf_work_run(body, it);
    if (rc == 0)
        return 0;
    if (rc == -ECANCELED)
        return wf_m_fail_plain(error, rc);
    wf_m_fail(error, rc, "%.200s: %s", it->model,
              it->reason.text[0] != '\0' ? it->reason.text : weft_strerror(rc));
    wf_m_error_field(error, "%s", uses[it->use].field);
    wf_m_error_suggest(error, "%s", uses[it->use].suggestion);
    return rc;
}
