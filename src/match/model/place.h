/* SPDX-License-Identifier: MIT */

/*
 * Place: where the files of a model are.  A model is named by its directory, or by its name with or
 * without its maker's ("sentence-transformers/all-MiniLM-L6-v2"), or by a short name of ours
 * ("minilm"); names are looked for in the directories of WEFT_MODEL_PATH, which are separated by
 * colons, as <dir>/<maker>/<name> and <dir>/<name>.
 */
#ifndef WF_MATCH_PLACE_H
#define WF_MATCH_PLACE_H

#include "match/model/folder.h"

enum wf_place_use { WF_PLACE_ENCODER, WF_PLACE_RERANKER };

/* The directory of `model`.  `path` is WEFT_MODEL_PATH, or NULL.  0; with a reason -ENOENT, the
 * places that were searched, or -WEFT_M_EMODEL, why that model cannot be used; -ENAMETOOLONG. */
int wf_place_find(const char *model, enum wf_place_use use, const char *path,
                  char out[WF_FOLDER_PATH_BYTES], wf_reason *reason);

/* True if there is no directory with a model of that name, nor by that path. */
bool wf_place_is_empty(const char *model, enum wf_place_use use, const char *path);

/* WEFT_MODEL_PATH. */
const char *wf_place_path(void);

#endif
