/* SPDX-License-Identifier: MIT */

/* Discover order: the body of …/discover as what a job keeps. */
#ifndef WF_SERVICE_DISCOVER_ORDER_H
#define WF_SERVICE_DISCOVER_ORDER_H

#include "service/jobs.h"
#include "service/store.h"

#include <weft/http_api.h>

extern const struct job_kind discover_kind;

/* {"texts": list, "all", "cluster_size", "keywords", "clustering", "alpha", "review"} */
extern const weft_schema ask_discover;

/* 0; else as ask_refuse. */
WEFT_WAITS int discover_order_check(const void *asked, weft_http_response *res);

/* True if its clusters are to be added to the reviews. */
bool discover_order_wants_review(const void *asked);

/* Copies a body that was read by it, on the pool.  0, -ENOMEM, -ECANCELED; then there is none. */
WEFT_WAITS int discover_order_take(struct job_order *order, const void *asked, struct store *store);

#endif
