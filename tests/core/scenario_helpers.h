/* SPDX-License-Identifier: MIT */

/*
 * What the files of scenarios share.  A scenario that fails must not leave tasks behind that work
 * on its frame: gather joins them, also when it fails.
 */
#ifndef WF_TESTS_CORE_SCENARIO_HELPERS_H
#define WF_TESTS_CORE_SCENARIO_HELPERS_H

#include "harness/harness.h"

#include <weft.h>

static inline int both(weft_fn *a, weft_fn *b, void *arg)
{
    return weft_gather(weft_spawn(a, arg), weft_spawn(b, arg));
}

static inline int all_three(weft_fn *a, weft_fn *b, weft_fn *c, void *arg)
{
    return weft_gather(weft_spawn(a, arg), weft_spawn(b, arg), weft_spawn(c, arg));
}

/* For clean-up that must be waited for: its result, unless there is an error already. */
static inline int first_error(int rc, int later)
{
    return rc < 0 ? rc : later < 0 ? later : rc;
}

#endif
