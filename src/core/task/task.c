/* SPDX-License-Identifier: MIT */

/* Task records, handles, and the calls that make, name, cancel and release tasks. */

#include <weft/error.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "base/str.h"
#include "core/gen/gen_priv.h"
#include "core/loops/far.h"
#include "core/loops/guest.h"
#include "core/loops/loops_priv.h"
#include "core/task/group_priv.h"
#include "core/task/sched_priv.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

/* ---- making ---- */

/* A record that was never used before, with the fields that never change.  Reserves a stack with
 * it, so that using the record again needs no reserve. */
static __attribute__((noinline)) int task_fresh(struct wf_sched *sched, wf_task **out)
{
    uint32_t slot;
    void *item;
    int rc = wf_stacks_reserve(sched->stacks.pool);
    if (rc < 0)
        return rc;
    rc = wf_slab_fresh(&sched->records.tasks, sizeof(wf_task), &slot, &item);
    if (rc < 0) {
        wf_stacks_unreserve(sched->stacks.pool);
        return rc;
    }
    wf_task *task = item;
    uint32_t generation = wf_generation_next(0, sched->records.generation_base);
    __atomic_store_n(&task->id, wf_handle_make(sched->records.loop_number, slot, generation),
                     __ATOMIC_RELEASE); /* see far.c */
    wf_node_init(&task->root, NULL, task, 0);
    task->scope = &task->root;
    task->loop = (uint16_t)sched->records.loop_number;
    *out = task;
    return 0;
}

/* The child sees what its spawner has set (rule V01). */
static inline void task_inherit(wf_task *task, const wf_task *spawner)
{
    if (__builtin_expect(spawner->body->locals == NULL, 1))
        return;
    task->inherited = spawner->body->locals;
    task->inherited->ref_count++;
}

/* What is not set here is empty already: a task ends with empty lists and no texts. */
static inline void task_begin(wf_task *task, weft_fn *fn, void *arg, const char *site)
{
    task->fn = fn;
    task->arg = arg;
    wf_task_note_given(task, arg);
    task->site = site;
    task->flags = 0;
    task->state = WF_TASK_LIVE;
}

/* Puts it into the tree and on the ready queue: from here on it will run. */
static inline void task_enter(struct wf_sched *sched, wf_task *task, struct wf_node *up)
{
    wf_node_renew(&task->root, up);
    sched->stats.tasks_made++;
    wf_sched_ready(sched, task);
}

/* An unusual stack and a copied argument need the body at once. */
static int task_embody(struct wf_sched *sched, wf_task *task, const struct wf_spawn *spawn)
{
    if (spawn->stack_bytes != 0) {
        wf_stack stack;
        int rc = wf_stack_map(&stack, spawn->stack_bytes);
        if (rc < 0)
            return rc;
        wf_sched_embody_on(sched, task, &stack);
    }
    if (spawn->copy != NULL)
        wf_sched_embody_with(sched, task, spawn->copy, spawn->copy_bytes);
    return 0;
}

static inline void task_count_in(struct wf_sched *sched, struct wf_node *up)
{
    if (up != &sched->top) {
        WF_KNOWN(up->task != NULL); /* only the top is nobody's */
        up->task->body->live++;
        if ((up->flags & WF_NODE_GROUP) != 0)
            wf_group_of_node(up)->live++;
    } else if (sched->index == 0 && sched->main.task == NULL) { /* this will be the main task */
        sched->main.live = 1;
    } else if (sched->detached.live++ == 0) {
        wf_loops_enter(sched->loops);
    }
}

/* The caller's mistake, which would be a jump to nowhere on a stack that tells nothing of him. */
static __attribute__((noinline, cold)) void spawn_nothing(const char *site)
{
    (void)weft_fail(-EINVAL, "spawn: there is no function to run (%s)", site);
}

static inline int task_take(struct wf_sched *sched, const struct wf_spawn *spawn, wf_task **out)
{
    if (spawn->fn == NULL) {
        spawn_nothing(spawn->site);
        return -EINVAL;
    }
    wf_task *task = wf_slab_reuse(&sched->records.tasks);
    int rc = task != NULL ? 0 : task_fresh(sched, &task);
    if (rc < 0)
        return rc;
    task_begin(task, spawn->fn, spawn->arg, spawn->site);
    const wf_task *spawner = sched->current != NULL ? sched->current : spawn->up->task;
    if (spawner != NULL)
        task_inherit(task, spawner);
    *out = task;
    return 0;
}

/* It was not in the tree yet. */
static void task_give_back(struct wf_sched *sched, wf_task *task)
{
    wf_locals_drop(&task->inherited);
    task->state = WF_TASK_FREE;
    wf_slab_give(&sched->records.tasks, task);
}

int wf_task_new(struct wf_sched *sched, const struct wf_spawn *spawn, wf_task **out)
{
    wf_task *task;
    int rc = task_take(sched, spawn, &task);
    if (rc < 0)
        return rc;
    rc = task_embody(sched, task, spawn);
    if (rc < 0) {
        task_give_back(sched, task);
        return rc;
    }
    if (spawn->is_released)
        task->flags |= WF_TASK_RELEASED;
    task_count_in(sched, spawn->up);
    task_enter(sched, task, spawn->up);
    *out = task;
    return 0;
}

static int task_new_abroad(struct wf_sched *sched, weft_loop *host, const struct wf_spawn *spawn,
                           wf_task **out)
{
    wf_task *task;
    int rc = task_take(sched, spawn, &task);
    if (rc < 0)
        return rc;
    rc = wf_guest_make(sched, task, spawn, host);
    if (rc < 0) {
        task_give_back(sched, task);
        return rc;
    }
    task_count_in(sched, spawn->up);
    wf_node_renew(&task->root, spawn->up);
    sched->stats.tasks_made++;
    wf_guest_send(task);
    *out = task;
    return 0;
}

weft_task wf_task_new_on(weft_loop *loop, const struct wf_spawn *spawn)
{
    struct wf_sched *sched = wf_sched_self();
    wf_task *task = NULL;
    int rc = wf_loops_check(sched, loop);
    if (rc == 0)
        rc = loop == sched->loop ? wf_task_new(sched, spawn, &task)
                                 : task_new_abroad(sched, loop, spawn, &task);
    assert(rc < 0 || task != NULL);
    return rc < 0 ? wf_handle_error(rc) : wf_task_handle(task);
}

static weft_task spawn(struct wf_spawn *how, bool is_detached)
{
    struct wf_sched *sched = wf_sched_self();
    if (sched == NULL || sched->current == NULL)
        return wf_handle_error(-EPERM);
    how->up = is_detached ? &sched->top : &sched->current->root;
    wf_task *task;
    int rc = wf_task_new(sched, how, &task);
    return rc < 0 ? wf_handle_error(rc) : wf_task_handle(task);
}

/* The usual spawn, without the detour through a struct wf_spawn. */
weft_task weft_spawn_at(weft_fn *fn, void *arg, const char *site)
{
    struct wf_sched *sched = wf_sched_self();
    if (sched == NULL || sched->current == NULL)
        return wf_handle_error(-EPERM);
    if (__builtin_expect(fn == NULL, 0)) {
        spawn_nothing(site);
        return wf_handle_error(-EINVAL);
    }
    wf_task *task = wf_slab_reuse(&sched->records.tasks);
    if (__builtin_expect(task == NULL, 0))
        return spawn(&(struct wf_spawn){.fn = fn, .arg = arg, .site = site}, false);
    task_begin(task, fn, arg, site);
    task_inherit(task, sched->current);
    sched->current->body->live++;
    task_enter(sched, task, &sched->current->root);
    return wf_task_handle(task);
}

weft_task weft_spawn_stack_at(weft_fn *fn, void *arg, size_t stack_bytes, const char *site)
{
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = site, .stack_bytes = stack_bytes};
    return spawn(&how, /* is_detached= */ false);
}

weft_task weft_spawn_sized_at(weft_fn *fn, const void *arg, size_t bytes, const char *site)
{
    struct wf_sched *sched = wf_sched_self();
    if (sched != NULL && bytes > wf_stacks_stack_bytes(sched->stacks.pool) / 4)
        return wf_handle_error(-E2BIG);
    struct wf_spawn how = {.fn = fn, .site = site, .copy = arg, .copy_bytes = bytes};
    return spawn(&how, /* is_detached= */ false);
}

weft_task weft_detach_at(weft_fn *fn, void *arg, const char *site)
{
    return spawn(&(struct wf_spawn){.fn = fn, .arg = arg, .site = site}, /* is_detached= */ true);
}

weft_task weft_spawn_on_at(weft_loop *loop, weft_fn *fn, void *arg, const char *site)
{
    wf_task *self = wf_current();
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = site};
    if (wf_loop_current == NULL)
        return wf_spawn_from_outside(loop, &how);
    if (self == NULL)
        return wf_handle_error(-EPERM);
    how.up = &self->root;
    return wf_task_new_on(loop, &how);
}

/* ---- asking ---- */

wf_task *wf_task_self(void)
{
    return wf_current();
}

wf_overflow wf_task_overflow(const wf_task *task)
{
    static char name[WEFT_ERROR_NAME_BYTES]; /* the process is about to die */
    wf_task_name(task, name, sizeof name);
    return (wf_overflow){
        .name = name,
        .site = task->body->gen != NULL ? task->body->gen->site : wf_task_site(task),
        .stack_bytes = wf_stack_bytes(wf_task_running_stack(task)),
    };
}

void wf_task_die_of_overflow(const wf_task *task)
{
    wf_overflow overflow = wf_task_overflow(task);
    wf_overflow_die(&overflow);
}

size_t wf_task_progress(const wf_task *task)
{
    return task->body->has_progress ? task->body->progress : 0;
}

void wf_task_set_progress(wf_task *task, size_t bytes)
{
    task->body->has_progress = true;
    task->body->progress = bytes;
}

weft_task weft_self(void)
{
    struct wf_sched *sched = wf_sched_self();
    if (sched == NULL || sched->current == NULL)
        return (weft_task){0};
    return wf_task_handle(sched->current);
}

int weft_done(weft_task handle, int *out_result)
{
    int rc = wf_handle_rc(handle);
    wf_task *task = wf_task_of(wf_sched_self(), handle);
    if (rc == 0 && task == NULL)
        return wf_is_far(handle) ? wf_far_done(handle, out_result) : -ESRCH;
    if (rc == 0 && task->state != WF_TASK_DONE)
        return 0;
    if (rc == 0) {
        rc = task->result;
        task->flags |= WF_TASK_RECEIVED;
        wf_task *self = wf_current();
        if (self != NULL)
            wf_note_receive(self, rc, task->note);
    }
    if (out_result != NULL)
        *out_result = rc;
    return 1;
}

bool wf_task_has_ended(weft_task handle)
{
    const wf_task *task = wf_task_of(wf_sched_self(), handle);
    if (task != NULL)
        return task->state == WF_TASK_DONE;
    return !wf_is_far(handle) || wf_far_has_ended(handle);
}

void wf_task_holders(const weft_waiter *waiter, void (*tell)(const weft_task *holder, void *arg),
                     void *arg)
{
    if (waiter->priv_queue == NULL)
        return;
    weft_task handle = wf_task_handle(wf_container(waiter->priv_queue, wf_task, done_waiters));
    tell(&handle, arg);
}

int wf_task_watch(weft_task handle, weft_waiter *waiter)
{
    if (wf_handle_rc(handle) < 0)
        return 1;
    wf_task *task = wf_task_of(wf_sched_self(), handle);
    if (task == NULL)
        return wf_is_far(handle) ? -EPERM : -ESRCH;
    if (task->state == WF_TASK_DONE)
        return 1;
    waiter->object = task;
    weft_waitq_push(&task->done_waiters, waiter);
    return 0;
}

/* ---- cancelling ---- */

static int task_cancel(struct wf_sched *sched, weft_task handle, const char *why)
{
    wf_task *task = wf_task_of(sched, handle);
    if (task == NULL)
        return -ESRCH;
    if (task->state == WF_TASK_DONE)
        return 0;
    wf_node_cancel(&task->root, WEFT_REASON_TASK, why != NULL ? why : "");
    return 1;
}

int weft_cancel(weft_task handle, const char *why)
{
    struct wf_sched *sched = wf_sched_self();
    if (wf_handle_rc(handle) < 0)
        return 0;
    if (handle.id == 0)
        return -ESRCH;
    if (sched != NULL && wf_handle_loop(handle.id) == sched->records.loop_number)
        return task_cancel(sched, handle, why);
    wf_task *self = wf_current();
    if (self != NULL && self->id == handle.id) { /* a guest here; home hears of it at the end */
        wf_node_cancel(&self->root, WEFT_REASON_TASK, why != NULL ? why : "");
        return 1;
    }
    return wf_far_cancel(handle, why);
}

/* ---- names and errors ---- */

void weft_set_name(const char *name)
{
    wf_task *self = wf_current();
    if (self == NULL || name == NULL)
        return;
    if ((self->flags & WF_TASK_NAMED) == 0) {
        struct wf_slab *names = &wf_sched_current->records.names;
        struct wf_task_name *own = wf_slab_reuse(names);
        uint32_t slot;
        void *fresh;
        if (own == NULL && wf_slab_fresh(names, sizeof *own, &slot, &fresh) == 0)
            own = fresh;
        if (own == NULL)
            return;
        own->site = self->site;
        self->own_name = own;
        self->flags |= WF_TASK_NAMED;
    }
    snprintf(self->own_name->text, sizeof self->own_name->text, "%s", name);
    wf_text_flatten(self->own_name->text);
}

void weft_set_namer(const weft_namer *namer)
{
    const wf_task *self = wf_current();
    if (self == NULL)
        return;
    self->body->namer = namer;
    self->body->has_namer = namer != NULL;
}

void weft_get_name(char *out, size_t out_bytes)
{
    const wf_task *self = wf_current();
    if (self != NULL)
        wf_task_name(self, out, out_bytes);
    else if (out_bytes != 0)
        out[0] = '\0';
}

/* Async-signal-safe: the overflow report uses it. */
void wf_task_name(const wf_task *task, char *out, size_t out_bytes)
{
    bool is_named = (task->flags & WF_TASK_NAMED) != 0;
    bool has_namer = (task->flags & WF_TASK_HAS_BODY) != 0 && task->body->has_namer;
    if (!is_named && has_namer && out_bytes != 0 &&
        task->body->namer->put(task->body->namer, out, out_bytes))
        return;
    const char *text = is_named ? task->own_name->text : task->site;
    size_t len = is_named ? strlen(text) : strcspn(text, " ");
    if (len >= out_bytes)
        len = out_bytes - 1;
    memcpy(out, text, len);
    out[len] = '\0';
}

/* Async-signal-safe, as dumps are. */
weft_time wf_task_deadline(const wf_task *task)
{
    const weft_namer *namer =
        (task->flags & WF_TASK_HAS_BODY) != 0 && task->body->has_namer ? task->body->namer : NULL;
    return namer != NULL && namer->deadline != NULL ? namer->deadline(namer) : WEFT_FOREVER;
}

void wf_task_error(const wf_task *task, struct weft_error *out)
{
    *out = (struct weft_error){
        .task = wf_task_handle(task),
        .rc = task->result,
        .site = wf_task_site(task),
    };
    wf_task_name(task, out->name, sizeof out->name);
    if (task->note != NULL && task->note->rc == task->result)
        memcpy(out->text, task->note->text, sizeof out->text);
}
