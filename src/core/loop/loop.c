/* SPDX-License-Identifier: MIT */

/*
 * The loop: one turn after the other.
 *
 *     messages -> input and output (waiting only if nothing is ready) -> due timers -> ready tasks
 *     -> deferred calls
 *
 * The clock is read once a turn.  Under a virtual clock a turn that would wait moves time instead.
 */

#include "core/loop/loop_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/backend/file_pool.h"
#include "core/look/watcher.h"
#include "core/loop/embed.h"
#include "core/loop/posts.h"
#include "core/loop/registry.h"
#include "core/loops/loops_priv.h"
#include "core/stack/stack_host.h"
#include "core/task/sched_priv.h"

#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Under a virtual clock with real descriptors: how long the kernel gets to deliver what is under
 * way before time moves.  Loopback delivers within the call; this is for the odd late interrupt. */
#define LOOP_SETTLE (3 * WEFT_MS)

_Thread_local weft_loop *wf_loop_current __attribute__((tls_model("initial-exec")));

static const struct wf_backend *const loop_backends[] = {
    &wf_backend_uring,
    &wf_backend_epoll,
    &wf_backend_sim,
};
#define LOOP_BACKEND_COUNT (sizeof loop_backends / sizeof loop_backends[0])

static const struct wf_backend *backend_named(const char *name)
{
    for (size_t i = 0; i < LOOP_BACKEND_COUNT; i++) {
        if (strcmp(loop_backends[i]->name, name) == 0)
            return loop_backends[i];
    }
    return NULL;
}

static int backend_open(weft_loop *loop, const struct wf_backend *backend,
                        const weft_loop_options *options)
{
    loop->backend = backend;
    return backend->open(loop, options);
}

/* The one asked for; else io_uring, or epoll where the kernel does not have or allow that. */
static int backend_choose(weft_loop *loop, const weft_loop_options *options)
{
    const char *name = options->backend != NULL ? options->backend : getenv("WEFT_BACKEND");
    if (name != NULL && name[0] != '\0') {
        const struct wf_backend *backend = backend_named(name);
        if (backend == NULL)
            return weft_fail(-EINVAL, "%s: %.40s is none of io_uring, epoll, sim",
                             options->backend != NULL ? "back end" : "WEFT_BACKEND", name);
        return backend_open(loop, backend, options);
    }
    /* Valgrind (seen with 3.19) holds its lock while a thread waits in io_uring_enter, so that no
     * other thread of the process would ever run. */
    if (wf_stack_on_valgrind())
        return backend_open(loop, &wf_backend_epoll, options);
    int rc = backend_open(loop, &wf_backend_uring, options);
    if (rc == -ENOSYS || rc == -EPERM || rc == -ENOMEM || rc == -EINVAL || rc == -ENOTSUP)
        rc = backend_open(loop, &wf_backend_epoll, options);
    return rc;
}

int weft_loop_new(weft_loop **out, const weft_loop_options *options)
{
    weft_loop_options chosen = options != NULL ? *options : (weft_loop_options){0};
    if (wf_loop_current != NULL)
        return -EBUSY;
    weft_loop *loop = wf_alloc(sizeof *loop);
    if (loop == NULL)
        return -ENOMEM;
    loop->platform = weft_platform_get();
    loop->random = chosen.seed;
    loop->now = loop->platform->now();
    loop->file_thread_max = chosen.file_thread_max;
    wf_list_init(&loop->deferred);
    wf_list_init(&loop->until_close);
    wf_timers_init(&loop->timers, loop->now);

    bool is_open = false;
    int rc = wf_ops_init(loop, chosen.op_count_max);
    if (rc < 0)
        goto out;
    rc = backend_choose(loop, &chosen);
    if (rc < 0)
        goto out;
    is_open = true;
    rc = wf_posts_init(loop, chosen.post_count_max);
    if (rc < 0)
        goto out;

    wf_loop_make_current(loop);
    *out = loop;
    loop = NULL;
out:
    if (loop != NULL) {
        if (is_open)
            loop->backend->close(loop);
        wf_ops_fini(loop);
        wf_free(loop);
    }
    return rc;
}

void weft_loop_free(weft_loop *loop)
{
    if (loop == NULL)
        return;
    wf_file_pool_close(loop);
    wf_ops_end(loop); /* what the last messages begin would meet no turn */
    wf_posts_fini(loop);
    loop->backend->close(loop);
    wf_ops_fini(loop);
    wf_blocks_drop(loop);
    wf_loop_make_current(NULL);
    wf_free(loop);
}

weft_loop *weft_loop_self(void)
{
    return wf_loop_current;
}

const char *weft_loop_backend(const weft_loop *loop)
{
    return loop->backend->name;
}

/* Out of line: who asks for the time of the turn needs no registers for it. */
static __attribute__((noinline)) weft_time loop_read_clock(weft_loop *loop)
{
    weft_time now = loop->platform->now();
    if (now > loop->now)
        loop->now = now;
    loop->is_now_old = false;
    return loop->now;
}

weft_time weft_loop_now(weft_loop *loop)
{
    return loop_read_clock(loop);
}

weft_time weft_loop_turn_time(weft_loop *loop)
{
    /* Completions run before this turn has looked at the clock. */
    return loop->is_now_old ? loop_read_clock(loop) : loop->now;
}

/* splitmix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", 2014. */
uint64_t wf_loop_random(weft_loop *loop)
{
    uint64_t z = (loop->random += 0x9e3779b97f4a7c15u);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

/* ---- timers and deferred calls ---- */

void weft_timer_init(weft_timer *timer, void (*fn)(weft_timer *timer))
{
    *timer = (weft_timer){.fn = fn};
}

void weft_timer_start(weft_loop *loop, weft_timer *timer, weft_time deadline)
{
    if (deadline == WEFT_FOREVER)
        wf_timers_stop(&loop->timers, timer);
    else
        wf_timers_start(&loop->timers, timer, deadline);
}

void weft_timer_stop(weft_loop *loop, weft_timer *timer)
{
    wf_timers_stop(&loop->timers, timer);
}

static wf_list *defer_link(weft_defer *defer)
{
    return (wf_list *)(void *)defer; /* its first two fields are the links */
}

void weft_defer_start(weft_loop *loop, weft_defer *defer)
{
    if (defer->priv_next == NULL)
        wf_list_append(&loop->deferred, defer_link(defer));
}

void weft_defer_until_close(weft_loop *loop, weft_defer *defer)
{
    if (defer->priv_next == NULL)
        wf_list_append(&loop->until_close, defer_link(defer));
}

void weft_defer_stop(weft_loop *loop, weft_defer *defer)
{
    (void)loop;
    if (defer->priv_next == NULL)
        return;
    wf_list_remove(defer_link(defer));
    defer->priv_next = NULL;
    defer->priv_prev = NULL;
}

/* A call that is deferred by a deferred call waits for the next turn. */
static int loop_run_deferred(weft_loop *loop)
{
    wf_list batch;
    wf_list_init(&batch);
    wf_list_splice(&batch, &loop->deferred);
    int count = 0;
    for (wf_list *link; (link = wf_list_pop(&batch)) != NULL; count++) {
        weft_defer *defer = (weft_defer *)(void *)link;
        defer->priv_next = NULL;
        defer->priv_prev = NULL;
        defer->fn(defer);
    }
    return count;
}

static int loop_run_timers(weft_loop *loop)
{
    if (wf_timers_next_bound(&loop->timers) > loop->now)
        return 0;
    /* At most as many as there are now: one that starts itself again in the past is for the next
     * turn, or it would never end. */
    size_t left = loop->timers.count;
    int count = 0;
    for (weft_timer *timer; left != 0 && (timer = wf_timers_pop(&loop->timers, loop->now)) != NULL;
         left--, count++)
        timer->fn(timer);
    return count;
}

/* ---- the turn ---- */

static bool loop_has_ready(const weft_loop *loop)
{
    return !wf_list_is_empty(&loop->deferred) ||
           (loop->sched != NULL && wf_sched_has_ready(loop->sched));
}

weft_time weft_loop_next_deadline(const weft_loop *loop)
{
    if (loop_has_ready(loop) || wf_posts_pending(loop))
        return loop->now;
    return wf_timers_next(&((weft_loop *)loop)->timers);
}

/* In simulation no other program can complete an operation, so one in flight need not mean
 * anything. */
bool wf_loop_is_moving(const weft_loop *loop)
{
    bool is_sim = loop->backend == &wf_backend_sim;
    bool may_complete = is_sim ? !wf_sim_is_still(loop) : loop->ops.used > loop->ops.idle;
    return loop->hold_count != 0 || may_complete || loop->timers.count != 0 ||
           loop_has_ready(loop) || wf_posts_pending(loop);
}

/* A thread that is not the runtime's, or the loop of another run. */
bool wf_loop_has_outside(const weft_loop *loop)
{
    int (*count)(void) = loop->platform->other_thread_count;
    return loop->embed != NULL || count == NULL || count() != 1 ||
           wf_registry_count() != loop->sched->loops->count;
}

bool weft_loop_is_busy(const weft_loop *loop)
{
    bool is_told = loop->backend != &wf_backend_sim && loop->future_count != 0;
    return is_told || loop->ops.used > loop->ops.idle || loop->errand_count != 0 ||
           wf_loop_is_moving(loop);
}

/* While somebody outside works in real time the virtual clock runs as fast as the real one. */
static int loop_poll_real(weft_loop *loop, weft_time deadline)
{
    weft_time start = weft_platform_host.now();
    int count =
        loop->backend->poll(loop, deadline == WEFT_FOREVER ? deadline : deadline - loop->now);
    weft_time passed = weft_platform_host.now() - start;
    bool is_due = deadline != WEFT_FOREVER && passed >= deadline - loop->now;
    loop->platform->advance(is_due ? deadline : loop->now + passed);
    return count;
}

/* How long the kernel gets to deliver what is under way before the clock moves to the deadline.
 * WEFT_FOREVER: the clock stands still, as a thread is working for us. */
static weft_time loop_settle_time(const weft_loop *loop, weft_time deadline)
{
    if (loop->backend == &wf_backend_sim && deadline != WEFT_FOREVER)
        return 0;
    if (loop->hold_count != 0 || deadline == WEFT_FOREVER)
        return WEFT_FOREVER;
    return loop->ops.used > loop->ops.idle ? LOOP_SETTLE : 0;
}

/* Lets the kernel finish what is under way, then moves the virtual clock to the next deadline.  A
 * poll that brings nothing may have returned early: it may have been woken for a message that was
 * taken before, by a thread that had lost its processor. */
static int loop_poll_virtual(weft_loop *loop, weft_time deadline)
{
    int count = loop->backend->poll(loop, 0);
    if (count != 0 || wf_posts_pending(loop))
        return count; /* the poll may have used up the wake of what is pending */
    if (loop->real_count != 0)
        return loop_poll_real(loop, deadline);
    weft_time settle = loop_settle_time(loop, deadline);
    weft_time start = weft_platform_host.now();
    if (settle != 0)
        count = loop->backend->poll(loop, settle);
    bool is_over = settle != WEFT_FOREVER && weft_platform_host.now() - start >= settle;
    if (count == 0 && is_over && !wf_posts_pending(loop))
        loop->platform->advance(deadline);
    return count;
}

/* Where an ordinary loop waits, an embedded one passes control to the foreign loop. */
static int loop_poll(weft_loop *loop, weft_time timeout)
{
    if (__builtin_expect(loop->embed != NULL, 0))
        timeout = wf_embed_give_way(loop->embed, timeout);
    return loop->backend->poll(loop, timeout);
}

static int loop_wait(weft_loop *loop, weft_time timeout)
{
    weft_time deadline = wf_timers_next(&loop->timers);
    (void)loop_read_clock(loop);
    if (loop->sched != NULL)
        wf_meter_pass_over(&loop->sched->meter, loop->now);
    if (timeout != WEFT_FOREVER && loop->now <= WEFT_FOREVER - timeout &&
        loop->now + timeout < deadline)
        deadline = loop->now + timeout;
    if (deadline <= loop->now)
        return loop_poll(loop, 0);
    if (!wf_posts_sleep(loop))
        return 0;
    loop->is_now_old = true;
    bool rests = loop->threads != NULL && wf_loops_rest(loop->threads, loop);
    int count;
    if (loop->platform->advance != NULL)
        count = loop_poll_virtual(loop, deadline);
    else
        count = loop_poll(loop, deadline == WEFT_FOREVER ? deadline : deadline - loop->now);
    if (rests)
        wf_loops_rise(loop->threads, loop); /* before a message is taken */
    wf_posts_awake(loop);
    if (loop->watcher != NULL)
        wf_watcher_awake(loop->watcher);
    return count;
}

int weft_loop_turn(weft_loop *loop, weft_time timeout)
{
    uint64_t turn = atomic_load_explicit(&loop->turn_count, memory_order_relaxed) + 1;
    atomic_store_explicit(&loop->turn_count, turn, memory_order_relaxed);
    loop->is_now_old = true;
    int count = wf_posts_run(loop);
    if (timeout <= 0 || count != 0 || loop_has_ready(loop))
        count += loop_poll(loop, 0);
    else
        count += loop_wait(loop, timeout);
    count += wf_posts_run(loop);
    if (loop->timers.count != 0) {
        (void)loop_read_clock(loop);
        count += loop_run_timers(loop);
    }
    if (loop->sched != NULL && wf_sched_has_ready(loop->sched)) {
        wf_sched_pass(loop->sched);
        count++;
    }
    count += loop_run_deferred(loop);
    return count != 0;
}

int weft_loop_descriptor(weft_loop *loop)
{
    return loop->backend->descriptor(loop);
}
