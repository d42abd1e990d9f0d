/* SPDX-License-Identifier: MIT */

/* Open: a model by its name or its directory, as encoders and rerankers are opened. */
#ifndef WF_MATCH_MODEL_OPEN_H
#define WF_MATCH_MODEL_OPEN_H

#include "match/model/place.h"

/* Part of what is to be made. */
typedef struct wf_model_opening {
    const char *model;
    enum wf_place_use use;
    int (*read)(struct wf_model_opening *it, const char *path);
    wf_reason reason;
} wf_model_opening;

/* Finds the directory and reads it, on the executor if this is a task.  What went wrong is in the
 * error, of field "model" or "reranker".  0, -errno, -ENOMEM, -ECANCELED, -WEFT_M_EMODEL. */
WEFT_WAITS int wf_model_open(wf_model_opening *it, weft_m_error *error);

#endif
