/* SPDX-License-Identifier: MIT */

/* The limits of `weft serve` that have options, for it and for `weft config`. */
#ifndef WF_CMD_SERVE_LIMITS_H
#define WF_CMD_SERVE_LIMITS_H

#include "cmd/args.h"

#define SERVE_BODY_BYTES_MAX (8 << 20)

/* clang-format off */
#define SERVE_LIMITS(body_bytes_max_, matcher_count_max_)                                          \
    {"matchers-max", 0, "N", "matchers at a time (64)", ARGS_INTEGER, (matcher_count_max_),        \
     1, 1000},                                                                                     \
    {"body-max", 0, "BYTES", "of one request (8388608)", ARGS_INTEGER, (body_bytes_max_),          \
     1, 1 << 30}
/* clang-format on */

#endif
