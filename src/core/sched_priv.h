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
 * - A node's EFFECTIVE flag says "cancelled itself, or no shield and the parent is EFFECTIVE"; it
 * is written down the tree when a scope is cancelled, so a suspension point reads one word.
 */
#ifndef WF_SCHED_PRIV_H
#define WF_SCHED_PRIV_H

#include <weft/gather.h>
#include <weft/group.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/sys/fault.h>
#include <weft/sys/park.h>

#include "base/list.h"
#include "core/fiber.h"
#include "core/loop_priv.h"
#include "core/stack.h"
#include "core/task_priv.h"

/* Flags of a wf_node.  The low bit is the public WEFT_SCOPE_SHIELD. */
enum wf_node_flag {
    WF_NODE_SHIELD = WEFT_SCOPE_SHIELD,
    WF_NODE_CANCELLED = 2,  /* itself */
    WF_NODE_EFFECTIVE = 4,  /* itself or from above */
    WF_NODE_DUE = 8,        /* a deadline here or above may have passed: look at the clock */
    WF_NODE_HAS_TIMER = 16, /* the node of a weft_scope */
    WF_NODE_GROUP = 32,     /* the node of a group */
};

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

/* The text of a failure; shared by the tasks it travels through. */
struct wf_note {
    uint32_t ref_count;
    char text[WEFT_ERROR_TEXT_BYTES];
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

struct wf_group {
    struct wf_node node;
    struct wf_sched *sched;
    uint32_t slot, generation;
    uint32_t live; /* members that are not done */
    uint32_t error_count;
    int first_error;
    int wait_rc;
    bool has_ended, is_abandoned, errors_read;
    weft_waiter *joiner;       /* the owner, waiting */
    wf_task *ended;            /* members' records kept for their handles */
    struct weft_error *errors; /* 64 of them, made at the first failure */
    struct weft_error first;   /* kept even without memory */
    struct wf_note *note;      /* the text of the first failure */
};

#define WF_GROUP_ERRORS_MAX 64

/* Records in chunks that never move; a slot's generation outlives its record. */
struct wf_slab {
    void **chunks; /* aligned to cache lines */
    uint32_t chunk_count, chunk_max;
    uint32_t free_head; /* slot + 1 */
    uint32_t used, used_max;
    size_t item_bytes;
};

struct wf_sched {
    weft_loop *loop;
    wf_task *current;
    wf_task *ready_head, *ready_tail;
    uint32_t ready_count;
    uint32_t steps_left;   /* until the loop must look around */
    uint32_t pass_left;    /* under the simulator: tasks of this pass that have not run */
    uint32_t stack_credit; /* stacks reserved for nobody: of tasks that have ended */
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
    uint32_t loop_number;     /* in handles: the low bits of the registry's */
    uint32_t generation_base; /* of records used for the first time */
    struct wf_exec *exec;     /* thread pool, or NULL until first used */
    struct wf_signals *signals;
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
    wf_task *next = wf_sched_next(sched);
    sched->current = next;
    if (next != self) {
        int saved_errno = *sched->errno_at;
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

/* Waits until the waiter is woken; with WF_TASK_SHIELDED in `flags` deaf to cancellation. */
static inline int wf_park(struct wf_sched *sched, weft_waiter *waiter, unsigned flags)
{
    wf_task *self = sched->current;
    waiter->task = self;
    if (!waiter->is_woken) {
        self->parked_on = waiter;
        self->flags |= flags;
        wf_sched_leave(sched, self);
        self->parked_on = NULL;
        self->flags &= (uint8_t)~flags;
    }
    return waiter->rc;
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

/* ---- slab.c ---- */
void wf_slab_init(struct wf_slab *slab, size_t item_bytes, uint32_t used_max);
void wf_slab_fini(struct wf_slab *slab);
int wf_slab_refill(struct wf_slab *slab); /* -ENOMEM, -EAGAIN */
#define WF_SLAB_CHUNK_BITS 8
#define WF_SLAB_CHUNK_ITEMS (1u << WF_SLAB_CHUNK_BITS)

static inline void *wf_slab_item(const struct wf_slab *slab, uint32_t slot)
{
    char *chunk = slab->chunks[slot >> WF_SLAB_CHUNK_BITS];
    return chunk + (size_t)(slot & (WF_SLAB_CHUNK_ITEMS - 1)) * slab->item_bytes;
}

/* -ENOMEM, -EAGAIN. */
static inline int wf_slab_take(struct wf_slab *slab, uint32_t *out_slot, void **out)
{
    if (__builtin_expect(slab->free_head == 0 || slab->used >= slab->used_max, 0)) {
        int rc = wf_slab_refill(slab);
        if (rc < 0)
            return rc;
    }
    uint32_t slot = slab->free_head - 1;
    uint32_t *item = (uint32_t *)wf_slab_item(slab, slot);
    slab->free_head = *item;
    slab->used++;
    *out_slot = slot;
    *out = item;
    return 0;
}

static inline void wf_slab_give(struct wf_slab *slab, uint32_t slot)
{
    *(uint32_t *)wf_slab_item(slab, slot) = slab->free_head;
    slab->free_head = slot + 1;
    slab->used--;
}

/* NULL if the slot was never used. */
static inline void *wf_slab_at(const struct wf_slab *slab, uint32_t slot)
{
    return slot >> WF_SLAB_CHUNK_BITS < slab->chunk_count ? wf_slab_item(slab, slot) : NULL;
}

/* ---- task.c: records and handles ----
 * A handle, from the low bits: 22 slot, 24 generation, 17 loop; or bit 63 and an error. */
#define WF_HANDLE_SLOT_BITS 22
#define WF_HANDLE_GENERATION_BITS 24
#define WF_HANDLE_LOOP_BITS 17
#define WF_HANDLE_GENERATION_MASK ((1u << WF_HANDLE_GENERATION_BITS) - 1)
#define WF_HANDLE_LOOP_MASK ((1u << WF_HANDLE_LOOP_BITS) - 1)
#define WF_HANDLE_ERROR ((uint64_t)1 << 63)

static inline uint64_t wf_handle_make(const struct wf_sched *sched, uint32_t slot,
                                      uint32_t generation)
{
    return (uint64_t)sched->loop_number << (WF_HANDLE_SLOT_BITS + WF_HANDLE_GENERATION_BITS) |
           (uint64_t)generation << WF_HANDLE_SLOT_BITS | slot;
}

static inline uint32_t wf_handle_slot(uint64_t id)
{
    return (uint32_t)id & ((1u << WF_HANDLE_SLOT_BITS) - 1);
}

static inline uint32_t wf_handle_generation(uint64_t id)
{
    return (uint32_t)(id >> WF_HANDLE_SLOT_BITS) & WF_HANDLE_GENERATION_MASK;
}

/* Above every loop's number if it carries an error. */
static inline uint32_t wf_handle_loop(uint64_t id)
{
    return (uint32_t)(id >> (WF_HANDLE_SLOT_BITS + WF_HANDLE_GENERATION_BITS));
}

/* NULL: stale, an error, or not of this loop. */
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

/* Never 0, so that no live handle is 0. */
static inline uint32_t wf_generation_next(const struct wf_sched *sched, uint32_t generation)
{
    if (__builtin_expect(generation == 0, 0))
        generation = sched->generation_base & WF_HANDLE_GENERATION_MASK;
    generation = (generation + 1) & WF_HANDLE_GENERATION_MASK;
    return generation + (generation == 0);
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
weft_task wf_handle_error(int rc);
int wf_handle_rc(weft_task task); /* the error a handle carries, or 0 */
void wf_task_error(const struct wf_sched *sched, const wf_task *task, struct weft_error *out);
void wf_task_unhandled(struct wf_sched *sched, wf_task *task);

/* ---- finish.c: the end of a task ---- */
_Noreturn void wf_task_exit(wf_fiber *fiber, int rc); /* where a body's return leads */
void wf_task_free(struct wf_sched *sched, wf_task *task);
void wf_task_keep_ended(wf_task **list, wf_task *task);
void wf_task_drop_ended(struct wf_sched *sched, wf_task **list);
struct wf_node *wf_task_owner_node(const wf_task *task);

/* ---- scope.c: the tree ---- */
static inline void wf_node_link(struct wf_node *node, struct wf_node *up)
{
    node->up = up;
    node->prev = NULL;
    node->next = up->child;
    if (up->child != NULL)
        up->child->prev = node;
    up->child = node;
}

static inline void wf_node_unlink(struct wf_node *node)
{
    if (node->up == NULL)
        return;
    if (node->prev != NULL)
        node->prev->next = node->next;
    else
        node->up->child = node->next;
    if (node->next != NULL)
        node->next->prev = node->prev;
    node->up = NULL;
}

/* `up` may be NULL: a tree of its own. */
static inline void wf_node_init(struct wf_node *node, struct wf_node *up, wf_task *task,
                                unsigned flags)
{
    node->task = task;
    node->child = NULL;
    node->why = NULL;
    node->ignored = 0;
    node->reason = WEFT_REASON_NONE;
    node->flags = (uint8_t)flags;
    node->up = NULL;
    if (up == NULL)
        return;
    if ((flags & WF_NODE_SHIELD) == 0)
        node->flags |= up->flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE);
    wf_node_link(node, up);
}
void wf_node_cancel(struct wf_node *node, enum weft_reason reason, const char *why);
void wf_scope_pop_to(wf_task *task, struct wf_node *node, const char *what); /* closes inner ones */
void wf_scope_splice_out(wf_task *task, struct wf_node *node); /* inner ones stay open */
int wf_cancelled(wf_task *task); /* -ECANCELED, its reason noted, ignoring it noticed (C09) */
int wf_check_slow(wf_task *task);

/* 0 or wf_cancelled(); looks at deadlines that are due. */
static inline int wf_check(wf_task *task)
{
    unsigned flags = task->scope->flags;
    return __builtin_expect((flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE)) == 0, 1)
               ? 0
               : wf_check_slow(task);
}

/* ---- group.c ---- */
struct wf_group *wf_group_of_node(struct wf_node *node);
void wf_group_abandon(struct wf_group *group); /* its owner left it open */
/* Where the member's record is to be kept, if it is; the group may be gone after this. */
wf_task **wf_group_member_done(struct wf_group *group, wf_task *task);
void wf_group_start_ended(wf_task *task); /* it ended before it called weft_started() */

/* Successful waits in a row before a task must let others run (rule F03). */
#define WF_STREAK_MAX 128

/* weft_sp_enter, inline but for what is rare. */
int wf_sp_enter_slow(struct wf_sched *sched);
static inline int wf_sp_enter(struct wf_sched *sched)
{
    if (__builtin_expect(sched == NULL || sched->current == NULL, 0))
        return -EPERM;
    wf_task *self = sched->current;
    bool is_rare = ++self->streak >= WF_STREAK_MAX || weft_fault_armed_ != 0 ||
                   (self->scope->flags & (WF_NODE_EFFECTIVE | WF_NODE_DUE)) != 0;
    return __builtin_expect(is_rare, 0) ? wf_sp_enter_slow(sched) : 0;
}

/* weft_park, inline: an -ECANCELED from our own scope notes its reason. */
static inline int wf_park_cancellable(struct wf_sched *sched, weft_waiter *waiter)
{
    int rc = wf_park(sched, waiter, 0);
    if (rc == -ECANCELED && (sched->current->scope->flags & WF_NODE_EFFECTIVE) != 0)
        (void)wf_cancelled(sched->current);
    return rc;
}

/* ---- error.c ---- */
void wf_note_free(struct wf_note *note);
static inline void wf_note_drop(struct wf_note **note)
{
    struct wf_note *old = *note;
    *note = NULL;
    if (old != NULL && --old->ref_count == 0)
        wf_note_free(old);
}
void wf_note_share(struct wf_note **to, struct wf_note *from);

/* ---- mutex.c: the task ends while owning mutexes (rule P04) ---- */
void wf_mutex_abandon_all(wf_task *task);

/* ---- run.c ---- */
void wf_run_interrupt(weft_loop *loop, const char *why); /* a signal asks for the end */

#endif
