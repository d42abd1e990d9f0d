/* SPDX-License-Identifier: MIT */

/*
 * Fault points: places where a test makes something fail.
 *
 * Every allocation, system call and suspension point passes such a point.  A plan counts how often
 * the points it selects are hit, and makes the n-th hit fail; with nth = 0 it only counts.  A test
 * runs a scenario once to count, and then once for every hit.  Without a plan a point costs one
 * load.
 *
 * Plans are process-wide and for tests: arm and disarm while no other thread of ours runs.
 */
#ifndef WEFT_SYS_FAULT_H
#define WEFT_SYS_FAULT_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

enum weft_fault_class {
    WEFT_FAULT_ALLOC = 1u, /* memory */
    WEFT_FAULT_CALL = 2u,  /* system calls and backend submissions */
    WEFT_FAULT_WAIT = 4u,  /* suspension points: `act` is called, nothing fails by itself */
};

typedef struct weft_fault_plan {
    unsigned classes;       /* which classes count, or-ed */
    uint64_t nth;           /* the hit to fail, from 1; 0: count only */
    void (*act)(void *arg); /* called at the n-th hit of a WAIT point; may be NULL */
    void *arg;
    uint64_t hits;     /* out: hits so far */
    const char *point; /* out: name of the point that failed, or NULL */
} weft_fault_plan;

/* Arms `plan` (borrowed) or, with NULL, disarms.  Returns the plan armed before. */
WEFT_API weft_fault_plan *weft_fault_arm(weft_fault_plan *plan);

/* True if the hit of `point` must fail.  Call through WEFT_FAULT. */
WEFT_API bool weft_fault_hit(enum weft_fault_class cls, const char *point);
WEFT_API extern int weft_fault_armed_;

#define WEFT_FAULT(cls, point)                                                                     \
    (__builtin_expect(weft_fault_armed_ != 0, 0) && weft_fault_hit((cls), (point)))

WEFT_END_DECLS

#endif
