/* SPDX-License-Identifier: MIT */

/* Finite: what a model made, looked at before anything is reckoned with it. */
#ifndef WF_MATCH_FINITE_H
#define WF_MATCH_FINITE_H

#include <math.h>
#include <stdbool.h>
#include <stddef.h>
#include <weft/match.h>

/* 0, or -WEFT_M_EMODEL if one of the numbers is not finite. */
static inline int wf_check_finite(const float *numbers, size_t count)
{
    bool is_finite = true;
    for (size_t i = 0; i < count; i++)
        is_finite &= isfinite(numbers[i]) != 0;
    return is_finite ? 0 : -WEFT_M_EMODEL;
}

#endif
