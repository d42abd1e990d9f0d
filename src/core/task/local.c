/* SPDX-License-Identifier: MIT */

/* Task locals: a table a task, shared with its children until one of them writes. */

#include <weft/error.h>

#include "base/alloc.h"
#include "core/exec/exec_priv.h"
#include "core/task/local_priv.h"
#include "core/task/sched_priv.h"

#include <string.h>

#define LOCALS_ROUND 4 /* tables grow by so many */

/* How many locals the program has used so far.  Numbers begin with 1: a zeroed one has none. */
static uint32_t local_count;

void wf_locals_free(struct wf_locals *locals)
{
    wf_free(locals);
}

static uint32_t local_number(const weft_local *local)
{
    return __atomic_load_n(&local->priv_number, __ATOMIC_ACQUIRE);
}

/* Any thread may be the first to use a local; a number that loses the race stays unused.  0: there
 * are too many. */
static uint32_t local_make_number(weft_local *local)
{
    uint32_t number = __atomic_load_n(&local_count, __ATOMIC_RELAXED);
    do {
        if (number == WEFT_LOCALS_MAX)
            return 0;
    } while (!__atomic_compare_exchange_n(&local_count, &number, number + 1, /* weak= */ true,
                                          __ATOMIC_RELAXED, __ATOMIC_RELAXED));
    uint32_t mine = number + 1, seen = 0;
    bool is_mine = __atomic_compare_exchange_n(&local->priv_number, &seen, mine, /* weak= */ false,
                                               __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE);
    return is_mine ? mine : seen;
}

void *weft_local_get(const weft_local *local)
{
    const wf_task *self = wf_current();
    const struct wf_locals *locals = self != NULL ? self->body->locals : wf_exec_locals();
    uint32_t number = local_number(local);
    bool is_there = locals != NULL && number - 1 < locals->count; /* number 0: no */
    return is_there ? locals->values[number - 1] : NULL;
}

/* A table of the task's own with room for `number`. */
static int locals_make_own(wf_task *task, uint32_t number)
{
    const struct wf_locals *old = task->body->locals;
    uint32_t count = old != NULL ? old->count : 0;
    if (old != NULL && old->ref_count == 1 && number <= count)
        return 0;
    uint32_t wanted = (number + LOCALS_ROUND - 1) / LOCALS_ROUND * LOCALS_ROUND;
    if (wanted < count)
        wanted = count;
    struct wf_locals *own = wf_alloc(sizeof *own + wanted * sizeof own->values[0]);
    if (own == NULL)
        return -ENOMEM;
    own->ref_count = 1;
    own->count = wanted;
    if (count != 0)
        memcpy(own->values, old->values, count * sizeof own->values[0]);
    wf_locals_drop(&task->body->locals);
    task->body->locals = own;
    return 0;
}

int weft_local_set(weft_local *local, void *value)
{
    wf_task *self = wf_current();
    if (self == NULL)
        return -EPERM;
    if (value == weft_local_get(local))
        return 0;
    uint32_t number = local_number(local);
    if (number == 0)
        number = local_make_number(local);
    if (number == 0)
        return weft_fail(-WEFT_ELIMIT, "more than %d task locals", WEFT_LOCALS_MAX);
    int rc = locals_make_own(self, number);
    if (rc == 0)
        self->body->locals->values[number - 1] = value;
    return rc;
}
