/* SPDX-License-Identifier: MIT */

/* How much stack a body needs, in a run that measures. */
#ifndef WF_TESTS_STACK_USE_H
#define WF_TESTS_STACK_USE_H

#include "harness/harness.h"

#include <weft.h>

#define STACK_USUAL_BYTES ((size_t)64 * 1024) /* of a task */

/* Spawns the body and waits for it; the most bytes it used at once. */
static size_t stack_use(weft_fn *fn, void *arg)
{
    weft_stack_use uses[16];
    CHECK_OK(weft_await(weft_spawn_stack_at(fn, arg, 4 * STACK_USUAL_BYTES, "measured at here")));
    size_t count = weft_stack_uses(uses, 16);
    for (size_t i = 0; i < count && i < 16; i++)
        if (strcmp(uses[i].site, "measured at here") == 0)
            return uses[i].bytes_max;
    FAIL("it was not measured");
}

#endif
