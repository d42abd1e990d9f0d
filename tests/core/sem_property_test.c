/* SPDX-License-Identifier: MIT */

/* Semaphore: units are never lost nor doubled, and are handed out in the order of asking. */

#include "property.h"

#include <weft/sem.h>

static struct {
    weft_sem sem;
    int64_t units, units_max; /* the model */
    struct waitlist waiters;
    int64_t held;
} gate;

static void gate_begin(int units)
{
    memset(&gate, 0, sizeof gate);
    gate.sem = (weft_sem)WEFT_SEM(units, units);
    gate.units = gate.units_max = units;
}

static void gate_verify(void)
{
    CHECK_EQ(weft_sem_units(&gate.sem), gate.units);
    CHECK_EQ(gate.units + gate.held, gate.units_max);
}

static int gate_enter(struct actor *self)
{
    if (gate.units > 0) {
        int rc = weft_sem_take(&gate.sem);
        if (actor_did(self, rc, 0)) {
            gate.units--;
            gate.held++;
        }
        return rc;
    }
    waitlist_enter(&gate.waiters, self);
    int rc = weft_sem_take(&gate.sem);
    waitlist_leave(&gate.waiters, self, rc);
    return rc;
}

/* The unit is the next waiter's at once, so as many are held as before. */
static void gate_leave(void)
{
    CHECK_EQ(weft_sem_give(&gate.sem), 0);
    if (waitlist_grant(&gate.waiters, 0) != NULL)
        return;
    gate.units++;
    gate.held--;
}

static int gate_step(struct actor *self)
{
    gate_verify();
    if (actor_random(self, 8) == 0) {
        int rc = weft_sem_try(&gate.sem); /* no wait, so it works in a cancelled task too */
        CHECK_EQ(rc, gate.units > 0 ? 0 : -EAGAIN);
        if (rc < 0)
            return 0;
        gate.units--;
        gate.held++;
        gate_leave();
        return 0;
    }
    if (gate.held == 0)
        CHECK_EQ(weft_sem_give(&gate.sem), -EOVERFLOW);
    int rc = gate_enter(self);
    if (rc < 0)
        return rc;
    rc = weft_sleep((weft_time)actor_random(self, 30) * WEFT_US);
    gate_verify();
    gate_leave();
    return rc;
}

static void gate_end(void)
{
    gate_verify();
    CHECK_EQ(gate.held, 0);
}

#define GATE_PROPERTY(name_, units_)                                                               \
    PROPERTY(name_, .begin = gate_begin, .step = gate_step, .end = gate_end, .shape = (units_))

GATE_PROPERTY(test_P05_one_unit_is_handed_from_task_to_task, 1)
GATE_PROPERTY(test_P05_two_units_are_never_lost_nor_doubled, 2)
GATE_PROPERTY(test_P05_with_units_for_nearly_all_few_wait, 5)
