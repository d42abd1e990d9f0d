/* SPDX-License-Identifier: MIT */

/* Cross-encoders: a sequence classifier with one label as a weft_reranker. */
#ifndef WF_MATCH_CROSS_H
#define WF_MATCH_CROSS_H

#include "match/model/reranker.h"

/* 0, -errno, -ENOMEM, -ECANCELED, -WEFT_M_EMODEL. */
int wf_cross_open(weft_reranker **out, const char *path, wf_reason *reason);

#endif
