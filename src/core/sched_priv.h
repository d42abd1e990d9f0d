/* SPDX-License-Identifier: MIT */

/*
 * The scheduler of one loop: task records, the ready queue, the tree of scopes.
 *
 * A task's life:   spawn -> READY (fresh: no stack yet) -> RUNNING <-> PARKED
 *                  body returns -> FINISHING (children are joined; nothing runs on its stack)
 *                  -> DONE (record only) -> free slot, generation raised
 *
 * Invariants.
 * - A task is on the ready queue, running, parked on exactly one waiter, finishing or done.
 * - A task is never DONE before its children; `live` counts them, its groups' members included.
 */
#ifndef WF_SCHED_PRIV_H
#define WF_SCHED_PRIV_H

#include <weft/run.h>
#include <weft/scope.h>
#include <weft/sys/park.h>

#include "base/list.h"
#include "core/fiber.h"
#include "core/handle.h"
#include "core/loop_priv.h"
#include "core/node.h"
#include "core/note.h"
#include "core/slab.h"
#include "core/stack.h"
#include "core/stack_overflow.h"
#include "core/task_priv.h"

enum wf_task_state { WF_TASK_FREE, WF_TASK_LIVE, WF_TASK_FINISHING, WF_TASK_DONE };

enum wf_task_flag {
    WF_TASK_RECEIVED = 1,       /* somebody has the result */
    WF_TASK_RELEASED = 2,       /* no record after the end */
    WF_TASK_SHIELDED = 4,       /* parked deaf to cancellation */
    WF_TASK_OWN_STACK = 8,      /* a stack of unusual size */
    WF_TASK_WAS_CANCELLED = 16, /* its root scope was, when the body returned */
    WF_TASK_HAS_STACK = 32,
    WF_TASK_EVER_RAN = 64,
    WF_TASK_COPIED = 128, /* its argument lies at the top of its stack */
};

/* Four cache lines, in the order of the paths that touch them. */
struct wf_task {
    struct wf_node root;   /* up: the owner's node */
    struct wf_node *scope; /* innermost open one */

    wf_fiber fiber;
    struct wf_task *ready_next;
    weft_fn *fn;
    void *arg;
    const char *site; /* "name at file:line" */
    weft_waiter *parked_on;
    weft_waitq done_waiters;
    uint32_t slot, generation;

    uint32_t live; /* children that are not done */
    int32_t result;
    uint32_t streak; /* waits that succeeded without a switch */
    uint8_t state, flags, why_kind;
    bool is_yielding; /* ready, but behind everybody who was ready before it (rule C11) */
    struct wf_task *ended_next, **ended_link; /* in the owner's list, once done */
    struct wf_task *ended;                    /* children that are done and keep a record */
    struct weft_mutex *owned_mutexes;
    struct wf_note *note;
    char *name; /* own copy, or NULL: from the site */

    wf_stack stack;
    struct wf_sched *sched;
    weft_waiter *starter; /* who waits for weft_started() */
    const char *why;      /* of the -ECANCELED it saw last */
    size_t progress;      /* weft_progress() */
    uint64_t done_order;
};

struct wf_sched {
    weft_loop *loop;
    wf_task *current;
    wf_task *ready_head, *ready_tail;
    uint32_t ready_count;
    uint32_t steps_left;   /* until the loop must look around */
    uint32_t pass_left;    /* under the simulator: tasks of this pass that have not run */
    uint32_t stack_credit; /* stacks reserved for nobody: of tasks that have ended */
    bool has_canaries;     /* some stacks have no better guard */
    bool has_hot_stack;
    wf_stack hot_stack; /* of the task that ended last: the next fresh one gets it */
    int *errno_at;      /* the thread's */
    bool is_seeded;     /* sim: the seed chooses among the ready */
    wf_fiber home;      /* the thread's own context */
    struct wf_stacks *stacks;
    struct wf_slab tasks, groups;
    struct wf_node top; /* above the main task and the detached ones */
    struct wf_task *detached_ended;
    wf_task *main;
    uint32_t main_live; /* 1 until main is done */
    uint32_t detached_live;
    int main_result;
    uint64_t done_count;
    weft_run_stats stats;
    weft_config config;
    uint32_t loop_number;                       /* in handles: the low bits of the registry's */
    uint32_t generation_base;                   /* of records used for the first time */
    wf_list execs;                              /* executors of this run; see exec_priv.h */
    struct weft_exec *exec_blocking, *exec_cpu; /* two of them; NULL until first used */
    struct wf_signals *signals;
    struct wf_workers *workers; /* see worker_priv.h; NULL: none wanted */
    wf_list processes; /* started and not closed; see process_priv.h */
    bool deadlock_reported;
};

/* The calling thread's scheduler, or NULL. */
static inline struct wf_sched *wf_sched_self(void)
{
    weft_loop *loop = wf_loop_current;
    return loop != NULL ? loop->sched : NULL;
}

/* The running task, or NULL. */
static inline wf_task *wf_current(void)
{
    struct wf_sched *sched = wf_sched_self();
    return sched != NULL ? sched->current : NULL;
}

/* ---- task.c: an overflow of its stack (rule N02) ----
 * What there is to say of it; the name is good until the next call.  Async-signal-safe. */
wf_overflow wf_task_overflow(const wf_task *task);
_Noreturn void wf_task_die_of_overflow(const wf_task *task);

/* Where no guard stops an overflow, each switch looks for one. */
static inline void wf_task_verify_stack(const wf_task *task)
{
    if (!wf_stack_is_intact(&task->stack))
        wf_task_die_of_overflow(task);
}

/* ---- sched.c: who runs ---- */
int wf_sched_new(weft_loop *loop, const weft_config *config);
void wf_sched_free(struct wf_sched *sched);
void wf_sched_pass(struct wf_sched *sched); /* from the loop: runs what is ready */

static inline bool wf_sched_has_ready(const struct wf_sched *sched)
{
    return sched->ready_count != 0;
}

static inline void wf_sched_ready(struct wf_sched *sched, wf_task *task)
{
    task->ready_next = NULL;
    if (sched->ready_count++ == 0)
        sched->ready_head = task;
    else
        sched->ready_tail->ready_next = task;
    sched->ready_tail = task;
}

/* The next task to run, which is then on its own; NULL: go home. */
wf_task *wf_sched_next(struct wf_sched *sched);

/* Suspends `self` until somebody has made it ready.  Inline, like what is built on it: a switch
 * leaves the processor's stack of return addresses behind, so that every call level between a
 * primitive and the switch costs a mispredicted return. */
static inline void wf_sched_leave(struct wf_sched *sched, wf_task *self)
{
    int saved_errno = *sched->errno_at;
    wf_task *next = wf_sched_next(sched);
    sched->current = next;
    if (next != self) {
        if (__builtin_expect(sched->has_canaries, 0))
            wf_task_verify_stack(self);
        sched->stats.switches++;
        wf_fiber_switch(&self->fiber, next != NULL ? &next->fiber : &sched->home);
        *sched->errno_at = saved_errno;
    }
    self->streak = 0;
}

static inline void wf_sched_yield(struct wf_sched *sched, wf_task *self)
{
    self->is_yielding = true;
    wf_sched_ready(sched, self);
    wf_sched_leave(sched, self);
    self->is_yielding = false;
}

void wf_sched_log(struct wf_sched *sched, const char *format, ...) WEFT_PRINTF(2, 3);

/* Stacks by way of the last one used. */
static inline int wf_sched_reserve_stack(struct wf_sched *sched)
{
    if (__builtin_expect(sched->stack_credit == 0, 0))
        return wf_stacks_reserve(sched->stacks);
    sched->stack_credit--;
    return 0;
}
void wf_sched_take_stack(struct wf_sched *sched, wf_task *task);
void wf_sched_give_stack(struct wf_sched *sched, wf_task *task);

/* ---- task.c: records ----
 * NULL: stale, an error, or not of this loop. */
static inline wf_task *wf_task_of(struct wf_sched *sched, weft_task handle)
{
    if (sched == NULL || wf_handle_loop(handle.id) != sched->loop_number)
        return NULL;
    wf_task *task = (wf_task *)wf_slab_at(&sched->tasks, wf_handle_slot(handle.id));
    if (task == NULL || task->state == WF_TASK_FREE ||
        task->generation != wf_handle_generation(handle.id))
        return NULL;
    return task;
}

struct wf_spawn {
    weft_fn *fn;
    void *arg;
    const char *site;
    struct wf_node *up; /* owner's node */
    size_t stack_bytes; /* 0: usual */
    const void *copy;   /* bytes for the child's stack, or NULL */
    size_t copy_bytes;
    bool is_released;
};
int wf_task_new(struct wf_sched *sched, const struct wf_spawn *spawn, wf_task **out);
weft_task wf_task_handle(const struct wf_sched *sched, const wf_task *task);
void wf_task_error(const struct wf_sched *sched, const wf_task *task, struct weft_error *out);
void wf_task_unhandled(struct wf_sched *sched, wf_task *task);

/* ---- finish.c: the end of a task ---- */
_Noreturn void wf_task_exit(wf_fiber *fiber, int rc); /* where a body's return leads */
void wf_task_free(struct wf_sched *sched, wf_task *task);
void wf_task_keep_ended(wf_task **list, wf_task *task);
void wf_task_drop_ended(struct wf_sched *sched, wf_task **list);

/* ---- scope.c ---- */
void wf_scope_pop_to(wf_task *task, struct wf_node *node, const char *what); /* closes inner ones */
void wf_scope_splice_out(wf_task *task, struct wf_node *node); /* inner ones stay open */
int wf_cancelled(wf_task *task); /* -ECANCELED, its reason noted, ignoring it noticed (C09) */
/* ---- mutex.c: the task ends while owning mutexes (rule P04) ---- */
void wf_mutex_abandon_all(wf_task *task);

/* ---- run.c ---- */
void wf_run_interrupt(weft_loop *loop, const char *why); /* a signal asks for the end */

#endif
