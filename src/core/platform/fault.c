/* SPDX-License-Identifier: MIT */

#include <weft/sys/fault.h>

int weft_fault_armed_;
static weft_fault_plan *fault_plan;

weft_fault_plan *weft_fault_arm(weft_fault_plan *plan)
{
    weft_fault_plan *before = fault_plan;
    fault_plan = plan;
    weft_fault_armed_ = plan != NULL;
    return before;
}

bool weft_fault_hit(enum weft_fault_class cls, const char *point)
{
    weft_fault_plan *plan = fault_plan;
    if (plan == NULL || (plan->classes & cls) == 0)
        return false;
    if (__atomic_add_fetch(&plan->hits, 1, __ATOMIC_RELAXED) != plan->nth)
        return false;
    plan->point = point;
    if (plan->act != NULL)
        plan->act(plan->arg);
    return true;
}
