/* SPDX-License-Identifier: MIT */

/*
 * The scheduler of one loop: task records, the ready queue, the tree of scopes.  "Home" is the
 * thread's own context, as opposed to that of a task.
 *
 * A task's life:   spawn -> READY (fresh: no stack yet) -> RUNNING <-> PARKED
 *                  body returns -> FINISHING (children are joined; nothing runs on its stack)
 *                  -> DONE (record only) -> free slot, generation raised
 *
 * Invariants.
 * - A task is on the ready queue, running, parked on exactly one waiter, finishing or done; or
 *   away, while its body runs on another loop (guest.h).
 * - A task is never DONE before its children; `live` counts them, its groups' members included.
 */
#ifndef WF_SCHED_PRIV_H
#define WF_SCHED_PRIV_H

#include <weft/run.h>
#include <weft/scope.h>
#include <weft/stats.h>
#include <weft/sys/park.h>

#include "base/checkers.h"
#include "base/list.h"
#include "core/look/meter.h"
#include "core/loop/loop_priv.h"
#include "core/stack/fiber.h"
#include "core/stack/stack.h"
#include "core/stack/stack_overflow.h"
#include "core/task/handle.h"
#include "core/task/local_priv.h"
#include "core/task/node.h"
#include "core/task/note.h"
#include "core/task/slab.h"
#include "core/task/task_priv.h"

enum wf_task_state { WF_TASK_FREE, WF_TASK_LIVE, WF_TASK_FINISHING, WF_TASK_DONE };

enum wf_task_flag {
    WF_TASK_RECEIVED = 1,       /* somebody has received the result */
    WF_TASK_RELEASED = 2,       /* weft_release(): the record is freed at the end */
    WF_TASK_SHIELDED = 4,       /* parked, and a cancel does not wake it */
    WF_TASK_ABROAD = 8,         /* its body runs on another loop than its owner's, see guest.h */
    WF_TASK_WAS_CANCELLED = 16, /* its root scope was, when the body returned */
    WF_TASK_HAS_BODY = 32,      /* from just before its first run until it is done */
    WF_TASK_NAMED = 64,         /* `own_name` is set */
    WF_TASK_EVER_RAN = 128,
};

/* The C++ exceptions that are being handled, which the ABI keeps for the thread (Itanium C++ ABI,
 * __cxa_eh_globals) and which are the task's: it may wait in a handler. */
struct wf_exceptions {
    void *caught;
    unsigned uncaught_count;
};

/* What a task has only while it has a stack.  It lies at the top of that stack, and is handed on
 * with it, empty and still in the caches, to the next fresh task.  Most tasks touch its first cache
 * line only. */
struct wf_body {
    wf_stack stack; /* below the body */
    weft_waiter *parked_on;
    uint32_t live;         /* children that are not done */
    bool is_yielding;      /* ready, but behind everybody who was ready before it (rule C11) */
    bool has_progress : 1; /* `progress` is this task's */
    bool has_namer : 1;    /* `namer` is */
    uint8_t why_kind;      /* `why` is this task's if it is not WEFT_REASON_NONE */
    bool is_deadlocked;    /* its wait was ended since nothing else could end it */
    struct wf_task *ended; /* children that are done and keep a record */
    struct weft_gen *gens; /* opened by it and still open */
    struct weft_mutex *owned_mutexes;

    struct wf_locals *locals;
    struct wf_note *earlier[WF_NOTES_EARLIER]; /* see note.h; the newest first, no gaps */
    struct weft_gen *gen; /* the generator the task runs in; NULL: its own body */
    weft_waiter *starter; /* who waits for weft_started() */
    const char *why;      /* of the -ECANCELED it saw last */
    size_t progress;      /* weft_progress() */
    const weft_namer *namer;
    struct wf_exceptions exceptions; /* while others run */
    weft_time returned_at;           /* the body, if its children are waited for */
    uint8_t parked;                  /* then: 1, or a mark, as that of a waiter */
};
_Static_assert(offsetof(struct wf_body, locals) == 64, "a cache line");

/* A name of its own, given with weft_set_name().  In memory that lives as long as the scheduler and
 * with the text first, because a thread that looks from outside may take one for a site. */
struct wf_task_name {
    char text[32];
    const char *site;
};

/* Two cache lines, so that a million tasks that wait for their first run or have ended are small,
 * and making one touches little. */
struct wf_task {
    struct wf_node root;   /* up: the owner's node */
    struct wf_node *scope; /* innermost open one */

    uint64_t id; /* the handle's: raised when the record is free again */
    union {
        struct { /* before it has a body */
            weft_fn *fn;
            void *arg;
        };
        struct {
            wf_fiber fiber;
            struct wf_body *body;
        };
        struct { /* once done: its place in the owner's list, if it keeps a record */
            struct wf_task *ended_next, **ended_link;
        };
    };
    union {
        struct wf_task *ready_next;
        uint64_t done_order; /* once done */
    };
    weft_waitq done_waiters;
    union {
        const char *site;              /* "name at file:line" */
        struct wf_task_name *own_name; /* if it is WF_TASK_NAMED */
    };
    union {
        struct wf_note *note;
        struct wf_locals *inherited; /* before it has a body */
    };
    int32_t result;
    uint8_t state, flags;
    uint16_t loop; /* that it runs on: of the number in handles what fits */
#if WF_DEBUG_CHECKS
    const void *given; /* its argument */
#endif
};
#if !WF_FIBER_HOOKS && !WF_DEBUG_CHECKS
_Static_assert(sizeof(struct wf_task) == 128, "two cache lines");
#endif

/* Who runs next: a FIFO, by ready_next. */
struct wf_ready_queue {
    wf_task *head, *tail;
    uint64_t count; /* became ready so far */
};

/* A pass over it: what was ready when it began. */
struct wf_pass {
    uint32_t steps_left;   /* until the loop must look around */
    uint32_t steps_max;    /* before it does; fewer if steps are long */
    uint32_t choices_left; /* under the simulator: tasks of this pass that have not run */
    weft_time began;       /* that runs, or ran last: since when tasks wait */
};

/* The thread's own context, and what it has only one of, though each task needs its own. */
struct wf_home {
    int *errno_at;
    struct wf_exceptions *exceptions_at; /* NULL: no C++ in this program */
    struct wf_exceptions exceptions;     /* home's, while tasks run */
    wf_fiber fiber;
};

struct wf_stack_supply {
    struct wf_body *hot_body; /* of the task that ended last: the next fresh one gets it; or NULL */
    struct wf_stacks *pool;
    struct wf_stack_uses *uses; /* see stack_use.h; NULL: stacks are not measured */
    uint32_t gen_reserves;      /* stacks reserved by generators that are gone */
    bool has_canaries;          /* some stacks have no better guard */
};

/* What handles lead to. */
struct wf_records {
    struct wf_slab tasks, groups, names;
    uint32_t loop_number;     /* in handles: the low bits of the registry's */
    uint32_t generation_base; /* of records used for the first time */
};

/* The task that the run was started for. */
struct wf_main {
    wf_task *task;
    uint32_t live; /* 1 until it is done */
    int result;
};

/* The tasks that no task owns; the main task is none of them. */
struct wf_detached {
    struct wf_task *ended; /* and keep a record */
    uint32_t live;
    weft_timer grace; /* runs while they are seen out */
};

/* Executors of this run; see exec_priv.h. */
struct wf_execs {
    wf_list all;
    struct weft_exec *blocking, *cpu; /* two of them; NULL until first used */
};

/* The last one that was ended. */
struct wf_deadlock {
    uint64_t switches;               /* so many there were before */
    const struct wf_node *cancelled; /* what was cancelled to end it; or NULL */
};

/* What a switch touches comes first. */
struct wf_sched {
    weft_loop *loop;
    wf_task *current;
    uint32_t streak;      /* its waits that succeeded without a switch */
    bool is_seeded;       /* sim: the seed chooses among the ready */
    bool has_switch_hook; /* stacks.has_canaries, or home.exceptions_at is set */
    struct wf_ready_queue ready;
    struct wf_pass pass;
    struct wf_home home;
    struct wf_stack_supply stacks;
    struct wf_records records;

    struct wf_node top; /* above the main task and the detached ones */
    struct wf_main main;
    struct wf_detached detached;
    weft_waitq idle_waiters; /* of weft_wait_idle() */

    struct wf_loops *loops; /* of the run, this one among them */
    uint32_t index;         /* of this loop in the run */
    uint32_t is_open;       /* 1 until the run ends, see loops_priv.h */

    weft_config config;
    struct wf_execs execs;
    struct wf_signals *signals;
    struct wf_workers *workers; /* see worker_priv.h; NULL: none wanted */
    wf_list terminals;          /* open ones, see terminal.c */
    wf_list processes;          /* started and not closed; see process_priv.h */

    weft_run_stats stats; /* those that nobody else counts */
    uint64_t done_count;
    struct wf_meter meter;
    struct wf_deadlock deadlock;
    struct wf_debug *debug; /* see debug.h; NULL: not in debug mode */
};

/* The calling thread's scheduler, or NULL. */
static inline struct wf_sched *wf_sched_self(void)
{
    return wf_sched_current;
}

/* The running task, or NULL. */
static inline wf_task *wf_current(void)
{
    struct wf_sched *sched = wf_sched_self();
    return sched != NULL ? sched->current : NULL;
}

const wf_stack *wf_gen_stack(const struct weft_gen *gen); /* gen.c */

/* The stack it runs on: its own, or that of the generator it is in. */
static inline const wf_stack *wf_task_running_stack(const wf_task *task)
{
    const struct wf_body *body = task->body;
    return __builtin_expect(body->gen == NULL, 1) ? &body->stack : wf_gen_stack(body->gen);
}

/* ---- task.c: an overflow of its stack (rule N02) ----
 * What there is to say of it; the name is good until the next call.  Async-signal-safe. */
wf_overflow wf_task_overflow(const wf_task *task);
_Noreturn void wf_task_die_of_overflow(const wf_task *task);

/* Where no guard stops an overflow, each switch looks for one. */
static inline void wf_task_verify_stack(const struct wf_sched *sched, const wf_task *task)
{
    if (__builtin_expect(sched->stacks.has_canaries, 0) &&
        !wf_stack_is_intact(wf_task_running_stack(task)))
        wf_task_die_of_overflow(task);
}

/* True if it runs on another loop (rule P10), or we are on none. */
static inline bool wf_task_is_foreign(const struct wf_sched *sched, const wf_task *task)
{
    return sched == NULL || task->loop != (uint16_t)sched->records.loop_number;
}

/* What it waits for, or NULL. */
static inline weft_waiter *wf_task_parked_on(const wf_task *task)
{
    return (task->flags & WF_TASK_HAS_BODY) != 0 ? task->body->parked_on : NULL;
}

static inline const char *wf_task_site(const wf_task *task)
{
    return (task->flags & WF_TASK_NAMED) == 0 ? task->site : task->own_name->site;
}

/* What a debug build remembers of its argument (rule T06). */
static inline void wf_task_note_given(wf_task *task, const void *arg)
{
#if WF_DEBUG_CHECKS
    task->given = arg;
#endif
    (void)task;
    (void)arg;
}

/* ---- sched.c: who runs ---- */
int wf_sched_new(weft_loop *loop, const weft_config *config);
void wf_sched_free(struct wf_sched *sched);
void wf_sched_pass(struct wf_sched *sched); /* from the loop: runs what is ready */

static inline bool wf_sched_has_ready(const struct wf_sched *sched)
{
    return sched->ready.head != NULL;
}

static inline void wf_sched_ready(struct wf_sched *sched, wf_task *task)
{
    WF_KNOWN(task != NULL);
    task->ready_next = NULL;
    sched->ready.count++;
    if (sched->ready.head == NULL)
        sched->ready.head = task;
    else
        sched->ready.tail->ready_next = task;
    sched->ready.tail = task;
}

/* Gives a task its body, at the latest when it first runs: on a pooled stack, with an argument
 * copied to it, or on a mapped stack, which goes with the body. */
void wf_sched_embody(struct wf_sched *sched, wf_task *task);
void wf_sched_embody_with(struct wf_sched *sched, wf_task *task, const void *arg, size_t bytes);
void wf_sched_embody_on(struct wf_sched *sched, wf_task *task, const wf_stack *stack);

/* An empty body on a reserved stack, for a task or a generator; wf_sched_give_body() takes it back.
 */
struct wf_body *wf_sched_take_body(struct wf_sched *sched);

/* ---- debug_queues.c: what tasks wait for outlives the waits (rule P01); debug builds only ---- */
void wf_debug_queue_joined(const weft_waitq *queue);   /* by one more waiter */
void wf_debug_queue_left(const weft_waitq *queue);     /* by one */
void wf_debug_queue_verify(const weft_waiter *waiter); /* the queue that it is in still knows it */
void wf_debug_frames_verify(const wf_task *task, const void *frame); /* it switches away from */
void wf_debug_stack_begun(const struct wf_body *body); /* one that is not of the pool */
void wf_debug_stack_ended(const struct wf_body *body); /* nothing of its stack is in use */

/* Takes back a body whose stack is_special, which served a task or generator made at `site`. */
void wf_sched_end_body(struct wf_sched *sched, struct wf_body *body, const char *site);
void wf_sched_drop_body(struct wf_sched *sched,
                        struct wf_body *body); /* to the pool, or unmapped */

/* A stack that was reserved, without a body; wf_stacks_give() takes it back. */
void wf_sched_take_stack(struct wf_sched *sched, wf_stack *out);

static inline void wf_sched_give_body(struct wf_sched *sched, struct wf_body *body)
{
    if (WF_DEBUG_CHECKS)
        wf_debug_stack_ended(body);
    if (WF_HAS_ASAN) { /* what the pool holds is poisoned */
        wf_sched_drop_body(sched, body);
        return;
    }
    if (__builtin_expect(sched->stacks.hot_body != NULL, 0))
        wf_sched_drop_body(sched, sched->stacks.hot_body);
    sched->stacks.hot_body = body;
}

void wf_sched_start(struct wf_sched *sched, wf_task *task); /* just before it first runs */
void wf_sched_shuffle(struct wf_sched *sched);

/* What only some runs have to do at a switch from `self` to `next`: check canaries, exchange C++
 * exceptions.  `self` NULL: from home, or from a task that has ended; `next` NULL: to home. */
void wf_sched_switch_hook(struct wf_sched *sched, wf_task *self, wf_task *next);

/* For every function between a primitive and the switch: after a switch the processor's
 * return-address stack is wrong, so each call level on the way costs a mispredicted return. */
#define WF_IN_PLACE inline __attribute__((always_inline))

/* The next task to run, which is then on its own; NULL: go home. */
static WF_IN_PLACE wf_task *wf_sched_next(struct wf_sched *sched)
{
    wf_task *task = sched->ready.head;
    if (task == NULL || sched->pass.steps_left == 0)
        return NULL;
    if (__builtin_expect(sched->is_seeded, 0)) {
        wf_sched_shuffle(sched);
        task = sched->ready.head;
    }
    sched->ready.head = task->ready_next;
    sched->pass.steps_left--;
    if (sched->ready.head != NULL)
        __builtin_prefetch(sched->ready.head->fiber.sp);
    if ((task->flags & WF_TASK_EVER_RAN) == 0)
        wf_sched_start(sched, task);
    return task;
}

/* Suspends `self` until somebody has made it ready. */
static WF_IN_PLACE void wf_sched_leave(struct wf_sched *sched, wf_task *self)
{
    int saved_errno = *sched->home.errno_at;
    wf_task *next = wf_sched_next(sched);
    sched->current = next;
    sched->streak = 0;
    if (next == self)
        return;
    if (__builtin_expect(sched->has_switch_hook, 0))
        wf_sched_switch_hook(sched, self, next);
    if (WF_DEBUG_CHECKS)
        wf_debug_frames_verify(self, __builtin_frame_address(0));
    sched->stats.switches++;
    wf_fiber_switch(&self->fiber, next != NULL ? &next->fiber : &sched->home.fiber);
    *sched->home.errno_at = saved_errno;
}

static WF_IN_PLACE void wf_sched_yield(struct wf_sched *sched, wf_task *self)
{
    self->body->is_yielding = true;
    wf_sched_ready(sched, self);
    wf_sched_leave(sched, self);
    self->body->is_yielding = false;
}

/* pause.c: every task waits.  True if one waited for that (weft_wait_idle) and is ready now. */
bool wf_sched_tell_idle(struct wf_sched *sched);

/* dump.c: what it does, or waits for; a literal. */
const char *wf_task_state_text(const struct wf_sched *sched, const wf_task *task);

/* Since when, to a pass of the loop; -1 for what is no wait. */
weft_time wf_task_waits_since(const struct wf_sched *sched, const wf_task *task);

/* The task tree of this thread's loop. */
void wf_dump_here(int fd);

/* stats.c */
void wf_stats_snapshot(const struct wf_sched *sched, weft_run_snapshot *out);

void wf_sched_log(struct wf_sched *sched, const char *format, ...) WEFT_PRINTF(2, 3);

/* ---- task.c: records ----
 * NULL: stale, an error, or not of this loop. */
static inline wf_task *wf_task_of(struct wf_sched *sched, weft_task handle)
{
    if (sched == NULL)
        return NULL;
    wf_task *task =
        (wf_task *)wf_slab_at(&sched->records.tasks, wf_handle_slot(handle.id), sizeof *task);
    return task != NULL && task->id == handle.id ? task : NULL;
}

static inline weft_task wf_task_handle(const wf_task *task)
{
    return (weft_task){task->id};
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
weft_task wf_task_new_on(weft_loop *loop, const struct wf_spawn *spawn); /* of this thread's run */

/* outside.c: by a thread without a loop; the loop owns it. */
weft_task wf_spawn_from_outside(weft_loop *loop, const struct wf_spawn *spawn);
void wf_task_error(const wf_task *task, struct weft_error *out);
void wf_task_unhandled(struct wf_sched *sched, wf_task *task); /* if nobody received it */

/* Tells the hook of an error that nobody received (rule T08). */
void wf_error_unhandled(struct wf_sched *sched, const struct weft_error *error);

/* ---- finish.c: the end of a task ---- */
_Noreturn void wf_task_exit(wf_fiber *fiber, int rc); /* where a body's return leads */
void wf_task_free(struct wf_sched *sched, wf_task *task);
void wf_task_keep_ended(wf_task **list, wf_task *task);
void wf_task_drop_ended(struct wf_sched *sched, wf_task **list);

/* ---- scope.c ---- */
void wf_scope_pop_to(wf_task *task, struct wf_node *node, const char *what); /* closes inner ones */
void wf_scope_splice_out(wf_task *task, struct wf_node *node); /* inner ones stay open */
int wf_scope_close(weft_scope *scope, int rc); /* weft_scope_close(), and leaves the texts */
int wf_cancelled(wf_task *task); /* -ECANCELED, its reason noted, ignoring it noticed (C09) */
int wf_cancelled_at_end(wf_task *task); /* the same of a wait that must be, and does its work */

/* ---- gen.c: the task ends while generators are open (rule A10) ----
 * Returns when none is; else the task goes on inside one, and comes to wf_task_exit() again. */
void wf_gens_end(struct wf_sched *sched, wf_task *task);

/* ---- mutex.c: the task ends while owning mutexes (rule P04) ---- */
void wf_mutex_abandon_all(wf_task *task);

/* ---- run.c ---- */
void wf_run_interrupt(weft_loop *loop, const char *why); /* a signal asks for the end */

#endif
