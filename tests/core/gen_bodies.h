/* SPDX-License-Identifier: MIT */

/* Bodies that the tests of generators share. */
#ifndef WF_TESTS_CORE_GEN_BODIES_H
#define WF_TESTS_CORE_GEN_BODIES_H

#include <weft.h>

#include "harness/harness.h"

/* Yields 0 … count-1, sleeping before each; notes what becomes of it. */
struct counter {
    int count;
    weft_time pause;
    int result;      /* what the body returns at the end of the values */
    int clean_up_rc; /* …and if it is told to stop; 0: what it was told */
    weft_time clean_up_pause;
    int started, told, cleaned;
};

static inline int counter_clean_up(struct counter *counter, int rc)
{
    counter->told = rc;
    if (counter->clean_up_pause != 0) {
        WEFT_SHIELD(shield, 10 * WEFT_SEC);
        CHECK_OK(weft_sleep(counter->clean_up_pause));
    }
    counter->cleaned++;
    return counter->clean_up_rc != 0 ? counter->clean_up_rc : rc;
}

static inline int count_up(weft_gen *self, void *arg)
{
    struct counter *counter = arg;
    counter->started++;
    for (int i = 0; i < counter->count; i++) {
        int rc = counter->pause != 0 ? weft_sleep(counter->pause) : 0;
        if (rc == 0)
            rc = weft_gen_yield(self, &i);
        if (rc < 0)
            return counter_clean_up(counter, rc);
    }
    counter->cleaned++;
    return counter->result;
}

static inline int add_up(weft_gen *gen, int *out_sum)
{
    int rc, value;
    weft_foreach(rc, value, gen) *out_sum += value;
    return rc;
}

static inline int tick(void *arg)
{
    for (int i = 0; i < 8; i++) {
        WEFT_TRY(weft_sleep(WEFT_SEC / 2));
        ++*(int *)arg;
    }
    return 0;
}

#endif
