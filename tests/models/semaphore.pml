/* SPDX-License-Identifier: MIT */

/*
 * The semaphore with cancel: src/core/sync/sem.c on park and wake (src/core/task/park_priv.h) and the cancel
 * of a scope (src/core/task/scope.c).  Tasks of one loop: a task runs alone until it parks, so all
 * between two waits is one atomic step.  Which of the ready tasks runs next is left open, as under
 * the simulator; the ready queue's order is one of these.
 *
 * Holds: units are never lost nor doubled (P05); free units and waiters never exist together; who
 * is handed a unit has it, even if it is cancelled before it runs (C03), and who gets -ECANCELED
 * has none (C04); units are handed out in the order of asking (P02); and whoever is not cancelled
 * gets in, in the end.
 *
 * BUG == 1: a waiter that was handed a unit and then cancelled says -ECANCELED.
 * BUG == 2: give counts the unit and wakes the waiter, which takes it when it runs.
 * BUG == 3: a cancelled waiter stays in the queue.
 */
#ifndef BUG
#define BUG 0
#endif

#define TASKS 4
#define UNITS 1
#define NOBODY 255

mtype = { RUNNING, PARKED, READY, ENDED };

int units = UNITS;             /* sem->priv_units */
chan waiters = [TASKS] of { byte }; /* sem->priv_waiters */

mtype state[TASKS];
bool is_cancelled[TASKS]; /* WF_NODE_EFFECTIVE of its scope */
bool is_handed[TASKS];    /* waiter->is_woken with rc 0 */
byte held;                /* units that tasks have, in their own view */
byte order_asked[TASKS], asked, order_got[TASKS];
byte last_got;            /* ticket of the one who was handed a unit last */

/* wf_wake(waiter, rc) */
inline wake(who)
{
    assert(state[who] == PARKED);
    state[who] = READY
}

/* weft_sem_give() */
inline give()
{
    if
    :: nempty(waiters) ->
        waiters ? next;
#if BUG == 2
        units++;
#else
        is_handed[next] = true;
        held++;
#endif
        assert(order_asked[next] > last_got); /* first come, first served */
        last_got = order_asked[next];
        wake(next)
    :: empty(waiters) -> units++
    fi;
    next = 0;
    assert(units <= UNITS)
}

/* A body: weft_sem_take(), some waits while it holds the unit, weft_sem_give(). */
proctype task(byte self)
{
    byte next;
    bool has_it;

    atomic {
        if
        :: is_cancelled[self] -> goto out /* weft_sp_enter: rule C02 */
        :: !is_cancelled[self] && units > 0 -> /* weft_sem_try */
            assert(empty(waiters) || BUG == 2);
            units--;
            held++;
            has_it = true
        :: else ->
            asked++;
            order_asked[self] = asked;
            waiters ! self;
            state[self] = PARKED /* wf_sync_park */
        fi
    }
    atomic {
        state[self] == RUNNING || state[self] == READY;
        if
        :: state[self] == READY ->
            state[self] = RUNNING;
#if BUG == 1
            has_it = is_handed[self] && !is_cancelled[self]
#elif BUG == 2
            has_it = !is_cancelled[self] && units > 0;
            units = (has_it -> units - 1 : units);
            held = (has_it -> held + 1 : held);
            assert(has_it || is_cancelled[self])
#else
            has_it = is_handed[self];
            assert(has_it || is_cancelled[self])
#endif
        :: else
        fi
    }
    if
    :: has_it ->
        skip; /* other tasks run */
        atomic { /* works in a cancelled task: rule C10 */
            held--;
            give()
        }
    :: else
    fi;
out:
    state[self] = ENDED
}

/* Others cancel tasks when they like: wf_node_cancel(), then the default of a wait class, which
 * takes the waiter out of its queue and wakes it. */
active proctype canceller()
{
    byte victim;
    do
    :: break
    :: atomic {
        select (victim : 0 .. TASKS - 2); /* the last is spared */
        if
        :: !is_cancelled[victim] ->
            is_cancelled[victim] = true;
            if
            :: state[victim] == PARKED ->
#if BUG != 3
                waiters ?? eval(victim);
#endif
                wake(victim)
            :: else
            fi
        :: else
        fi
    }
    od
}

init
{
    byte i;
    atomic {
        for (i : 0 .. TASKS - 1) {
            state[i] = RUNNING;
            run task(i)
        }
    }
    (state[0] == ENDED && state[1] == ENDED && state[2] == ENDED && state[3] == ENDED);
    assert(units == UNITS && held == 0 && empty(waiters))
}

#define conserved (units + held == UNITS)
#define apart (units == 0 || len(waiters) == 0)

never { /* []conserved && []apart, between the atomic steps */
    do
    :: !(conserved && apart) -> break
    :: else
    od
}
