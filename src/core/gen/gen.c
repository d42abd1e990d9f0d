/* SPDX-License-Identifier: MIT */

/*
 * Generators.  A generator has a stack and two fibers: its body's, suspended in a yield, and its
 * consumer's, suspended in a next.  A step passes from one to the other and back, within the
 * consumer's task: for the scheduler nothing happens.  If the body waits, the task is parked on the
 * generator's stack and later found there.
 *
 * Whoever passes control has everything in order before: behind a pass there is no code, so that
 * the processor goes straight from one user's frame into the other's.
 */

#include "core/gen/gen_priv.h"

#include "base/alloc.h"
#include "core/look/debug.h"
#include "core/look/trace.h"
#include "core/task/park_priv.h"

#include <assert.h>
#include <string.h>

/* Out of line, so that the usual path needs no frame. */
#define GEN_RARE __attribute__((noinline, cold))

/* ---- records ---- */

/* The newest comes first. */
static void gen_own(weft_gen **list, weft_gen *gen)
{
    gen->next = *list;
    gen->link = list;
    if (gen->next != NULL)
        gen->next->link = &gen->next;
    *list = gen;
}

static void gen_disown(weft_gen *gen)
{
    *gen->link = gen->next;
    if (gen->next != NULL)
        gen->next->link = gen->link;
}

/* A generator that ends leaves its reserve for the next, as a task's record keeps its own. */
static bool gen_reserve_stack(struct wf_sched *sched)
{
    if (sched->stacks.gen_reserves == 0)
        return wf_stacks_reserve(sched->stacks.pool) == 0;
    sched->stacks.gen_reserves--;
    return true;
}

static weft_gen *gen_new(weft_gen_fn *fn, size_t copy_bytes, const char *site)
{
    struct wf_sched *sched = wf_sched_self();
    size_t bytes;
    if (sched == NULL || sched->current == NULL || !wf_add_ok(copy_bytes, sizeof(weft_gen), &bytes))
        return NULL;
    weft_gen *gen = wf_alloc(bytes);
    if (gen == NULL)
        return NULL;
    if (!gen_reserve_stack(sched)) {
        wf_free(gen);
        return NULL;
    }
    gen->sched = sched;
    gen->fn = fn;
    gen->site = site;
    wf_task *opener = sched->current;
    gen_own(opener->body->gen != NULL ? &opener->body->gen->gens : &opener->body->gens, gen);
    return gen;
}

static void gen_free(weft_gen *gen)
{
    assert(gen->task == NULL);
    assert(gen->gens == NULL);
    gen->sched->stacks.gen_reserves++;
    gen_disown(gen);
    wf_free(gen);
}

weft_gen *weft_gen_open_at(weft_gen_fn *fn, void *arg, const char *site)
{
    weft_gen *gen = gen_new(fn, 0, site);
    if (gen != NULL)
        gen->arg = arg;
    return gen;
}

weft_gen *wf_gen_open_room(weft_gen_fn *fn, size_t bytes, const char *site, void **out_room)
{
    weft_gen *gen = gen_new(fn, bytes, site);
    if (gen != NULL) {
        gen->arg = gen->copy;
        *out_room = gen->copy;
    }
    return gen;
}

weft_gen *weft_gen_open_sized_at(weft_gen_fn *fn, const void *arg, size_t bytes, const char *site)
{
    void *room;
    weft_gen *gen = wf_gen_open_room(fn, bytes, site, &room);
    if (gen != NULL && bytes != 0)
        memcpy(room, arg, bytes);
    return gen;
}

/* ---- passing ---- */

static bool gen_is_open(const weft_gen *gen)
{
    return gen->state == WF_GEN_OPEN || gen->state == WF_GEN_OPEN_CXX;
}

/* Before control changes sides: each may stand in a handler of its own, which it may leave before
 * the other does, and the C++ runtime takes those of a thread for a stack. */
static void gen_exchange_exceptions(weft_gen *gen)
{
    struct wf_exceptions *at = gen->sched->home.exceptions_at;
    if (at == NULL)
        return;
    struct wf_exceptions others = gen->exceptions;
    gen->exceptions = *at;
    *at = others;
}

/* Into the body; its pending yield returns `answer`.  Returns what the consumer is answered. */
static inline int gen_enter(weft_gen *gen, wf_task *task, int answer)
{
    gen->outer = task->body->gen;
    gen->scope = task->scope;
    task->body->gen = gen;
    wf_fiber_stand_for(&gen->caller, &task->fiber);
    wf_fiber_stand_for(&task->fiber, &gen->fiber);
    return wf_fiber_pass_in(&gen->caller, &gen->fiber, answer);
}

/* Restores what the task had before it passed into the body. */
static inline void gen_left(weft_gen *gen, wf_task *task)
{
    task->body->gen = gen->outer;
    gen->task = NULL;
    wf_fiber_stand_for(&task->fiber, &gen->caller);
}

/* ---- what a generator owns ---- */

static void gen_report_open(const weft_gen *gen)
{
    if (!gen->is_given)
        wf_sched_log(gen->sched, "a generator is still open when its opener ends; opened: %s",
                     gen->site);
}

/* A task is in the middle of a step of this generator: it owns it from now on. */
static void gen_hand_over(weft_gen *gen)
{
    gen_disown(gen);
    gen_own(&gen->task->body->gens, gen);
}

/* On the task that ends the owner. */
static void gen_close_owned(weft_gen *owner)
{
    while (owner->gens != NULL) {
        weft_gen *gen = owner->gens;
        gen_report_open(gen);
        if (gen->task != NULL)
            gen_hand_over(gen);
        else
            (void)weft_gen_close(gen);
    }
}

void weft_gen_give(weft_gen *gen, weft_gen *owner)
{
    if (gen == NULL || owner == NULL)
        return;
    assert(gen != owner);
    gen_disown(gen);
    gen_own(&owner->gens, gen);
    gen->is_given = true;
}

/* ---- the body's life ---- */

/* Scopes the body left open are closed; the consumer's stay. */
static void gen_close_scopes(weft_gen *gen, wf_task *task)
{
    for (const struct wf_node *at = task->scope; at != NULL && at->task == task; at = at->up) {
        if (at == gen->scope) {
            wf_scope_pop_to(task, gen->scope, "generator");
            return;
        }
    }
    wf_sched_log(gen->sched, "a generator closed a scope of its consumer's; opened: %s", gen->site);
}

static int gen_main(void *arg)
{
    weft_gen *gen = arg;
    int rc = gen->fn(gen, gen->arg);
    wf_task *task = gen->task;
    if (task->scope != gen->scope)
        gen_close_scopes(gen, task);
    if (gen->gens != NULL)
        gen_close_owned(gen);
    if (gen->is_orphan) { /* nobody waits in a next: the end leads home, as a task's does */
        wf_fiber_stand_for(&task->fiber, &gen->caller);
        gen->caller = gen->sched->home.fiber;
    }
    return rc;
}

static int gen_result(const weft_gen *gen, int rc)
{
    if (gen->is_mismatch)
        return -EINVAL;
    if (rc >= -4095)
        return rc;
    wf_sched_log(gen->sched, "a generator returned %d, which is no error code; opened: %s", rc,
                 gen->site);
    return -EPROTO;
}

/* The body has returned.  Runs on the consumer's stack, or on home's. */
static void gen_exit(wf_fiber *fiber, int rc)
{
    weft_gen *gen = wf_container(fiber, weft_gen, fiber);
    struct wf_sched *sched = gen->sched;
    wf_task *task = gen->task;
    wf_task_verify_stack(sched, task);
    gen->result = gen_result(gen, rc);
    gen->state = WF_GEN_DONE;
    wf_fiber_end(&gen->fiber);
    if (WF_DEBUG_CHECKS) {
        wf_debug_gen_ended(gen);
        wf_debug_stack_ended(gen->body);
    }
    if (__builtin_expect(gen->body->stack.is_special, 0))
        wf_sched_end_body(sched, gen->body, gen->site);
    else
        wf_sched_give_body(sched, gen->body);
    if (!gen->is_orphan) {
        gen_exchange_exceptions(gen);
        gen_left(gen, task);
        wf_fiber_return(&gen->caller, gen->result < 0 ? gen->result : 0);
    }
    task->body->gen = NULL;
    gen->task = NULL;
    gen_free(gen);
    wf_task_exit(&task->fiber, task->result);
}

static void gen_start(weft_gen *gen)
{
    gen->body = wf_sched_take_body(gen->sched);
    wf_fiber_make(&gen->fiber, &gen->body->stack, gen_main, gen, &gen->caller, gen_exit);
    gen->state = gen->sched->home.exceptions_at != NULL ? WF_GEN_OPEN_CXX : WF_GEN_OPEN;
}

/* ---- next ---- */

/* Why the generator is NULL: -ENOMEM or -EPERM. */
static int gen_missing(void)
{
    return wf_current() != NULL ? -ENOMEM : -EPERM;
}

/* All of it; what follows is only the usual case. */
static GEN_RARE int gen_next(weft_gen *gen, void *out, size_t bytes)
{
    if (gen == NULL)
        return gen_missing();
    struct wf_sched *sched = wf_sched_self();
    if (sched != gen->sched || sched->current == NULL)
        return -EPERM;
    if (gen->task != NULL)
        return -EBUSY;
    gen->task = sched->current; /* before the check for a cancel, which may let others run */
    int rc = wf_sp_enter(sched);
    if (rc == 0 && gen->state != WF_GEN_DONE) {
        if (gen->state == WF_GEN_FRESH)
            gen_start(gen);
        gen->out = out;
        gen->out_bytes = bytes;
        gen_exchange_exceptions(gen);
        return gen_enter(gen, gen->task, 0);
    }
    gen->task = NULL;
    return rc < 0 ? rc : gen->result < 0 ? gen->result : 0;
}

/* Without a call, so without a frame. */
int weft_gen_next_sized(weft_gen *gen, void *out, size_t bytes)
{
    struct wf_sched *sched = wf_sched_self();
    if (gen == NULL || sched != gen->sched || gen->task != NULL || gen->state != WF_GEN_OPEN)
        return gen_next(gen, out, bytes);
    wf_task *task = sched->current;
    if (task == NULL || wf_sp_is_rare(sched))
        return gen_next(gen, out, bytes);
    sched->streak++;
    gen->task = task;
    gen->out = out;
    gen->out_bytes = bytes;
    return gen_enter(gen, task, 0);
}

/* ---- yield ---- */

/* The body hands the value over, which has been copied. */
static inline int gen_leave(weft_gen *gen, wf_task *task)
{
    gen_left(gen, task);
    return wf_fiber_pass_out(&gen->fiber, &gen->caller, 1);
}

static int gen_yields_in_scope(const weft_gen *gen)
{
    char place[WF_TRACE_TEXT_BYTES] = "";
    if (gen->sched->debug != NULL)
        wf_trace_text(place, sizeof place);
    wf_sched_log(gen->sched,
                 "a generator yields with a scope or group of its own open; "
                 "opened: %s; consumed by a task spawned: %s%s%s",
                 gen->site, wf_task_site(gen->task), place[0] != '\0' ? "; at: " : "", place);
    return -EBUSY;
}

static int gen_yields_other_size(weft_gen *gen, size_t bytes)
{
    wf_sched_log(gen->sched, "a generator yields %zu bytes where %zu are wanted; opened: %s", bytes,
                 gen->out_bytes, gen->site);
    gen->is_closing = true;
    gen->is_mismatch = true;
    return -EINVAL;
}

static GEN_RARE int gen_yield(weft_gen *gen, const void *value, size_t bytes)
{
    wf_task *task = wf_current();
    if (task == NULL || gen == NULL || task->body->gen != gen)
        return -EPERM;
    if (gen->is_closing)
        return -EPROTO;
    if (task->scope != gen->scope)
        return gen_yields_in_scope(gen);
    if (bytes != gen->out_bytes)
        return gen_yields_other_size(gen, bytes);
    wf_task_verify_stack(gen->sched, task);
    if (bytes != 0)
        memcpy(gen->out, value, bytes);
    gen_exchange_exceptions(gen);
    return gen_leave(gen, task);
}

int weft_gen_yield_sized(weft_gen *gen, const void *value, size_t bytes)
{
    struct wf_sched *sched = wf_sched_self();
    if (gen == NULL || sched != gen->sched || sched->has_switch_hook)
        return gen_yield(gen, value, bytes);
    wf_task *task = sched->current;
    if (task == NULL || task->body->gen != gen || task->scope != gen->scope || gen->is_closing ||
        bytes != gen->out_bytes)
        return gen_yield(gen, value, bytes);
    if (bytes == sizeof(uint64_t))
        memcpy(gen->out, value, sizeof(uint64_t));
    else if (bytes == sizeof(uint32_t))
        memcpy(gen->out, value, sizeof(uint32_t));
    else
        return gen_yield(gen, value, bytes);
    return gen_leave(gen, task);
}

/* ---- the end ---- */

int weft_gen_close(weft_gen *gen)
{
    if (gen == NULL)
        return 0;
    struct wf_sched *sched = wf_sched_self();
    if (sched != gen->sched || sched->current == NULL)
        return -EPERM;
    if (gen->task != NULL)
        return -EBUSY;
    (void)WEFT_FAULT(WEFT_FAULT_WAIT, "generator close");
    if (gen_is_open(gen)) {
        gen->task = sched->current;
        gen->is_closing = true;
        gen_exchange_exceptions(gen);
        (void)gen_enter(gen, gen->task, -ECANCELED);
        assert(gen->state == WF_GEN_DONE);
    }
    gen_close_owned(gen); /* of one that never started */
    int rc = gen->result == -ECANCELED ? 0 : gen->result;
    gen_free(gen);
    return rc;
}

void weft_iter_end_(struct weft_iter_ *iter)
{
    int rc = weft_gen_close(iter->gen);
    if (*iter->rc >= 0)
        *iter->rc = rc < 0 ? rc : 0;
}

/* On home's stack.  The task goes on as the consumer, without a frame of its own: its body's stays
 * as it was (rule T06). */
static void gen_close_as_orphan(struct wf_sched *sched, wf_task *task, weft_gen *gen)
{
    task->state = WF_TASK_LIVE;
    sched->current = task;
    gen->is_orphan = true;
    gen->is_closing = true;
    gen->task = task;
    gen->outer = NULL;
    gen->scope = task->scope;
    task->body->gen = gen;
    gen_exchange_exceptions(gen);
    wf_fiber_stand_for(&gen->caller, &task->fiber);
    wf_fiber_stand_for(&task->fiber, &gen->fiber);
    wf_fiber_return(&gen->fiber, -ECANCELED);
}

/* It never started: what it was given is closed first, as the task's own. */
static void gen_inherit(wf_task *task, weft_gen *owner)
{
    weft_gen *gen = owner->gens;
    gen_disown(gen);
    gen_own(&task->body->gens, gen);
    owner->is_given = true; /* reported already */
}

void wf_gens_end(struct wf_sched *sched, wf_task *task)
{
    assert(task->scope == &task->root);
    while (task->body->gens != NULL) {
        weft_gen *gen = task->body->gens;
        gen_report_open(gen);
        if (gen->task != NULL)
            gen_hand_over(gen);
        else if (gen_is_open(gen))
            gen_close_as_orphan(sched, task, gen);
        else if (gen->gens != NULL)
            gen_inherit(task, gen);
        else
            gen_free(gen);
    }
}

const wf_stack *wf_gen_stack(const weft_gen *gen)
{
    return &gen->body->stack;
}
