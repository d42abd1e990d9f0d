/* SPDX-License-Identifier: MIT */

/* Fit order: the body of …/fit as what a job keeps. */
#ifndef WF_SERVICE_FIT_ORDER_H
#define WF_SERVICE_FIT_ORDER_H

#include "service/jobs.h"

#include <weft/http_api.h>

extern const struct job_kind fit_kind;

/* {"training_data": [{"text","label"}], "mode", "options": those of weft_m_fit_options} */
extern const weft_schema ask_fit;

/* What the table does not say of a body that was read by it: 0, or negative with *error. */
int fit_order_check(const void *asked, weft_m_error *error);

/* Copies a body that was read by it, on the pool.  0, -ENOMEM, -ECANCELED; then there is none. */
WEFT_WAITS int fit_order_take(struct job_order *order, const void *asked);

#endif
