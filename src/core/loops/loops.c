/* SPDX-License-Identifier: MIT */

#include "core/loops/loops_priv.h"

#include "base/alloc.h"
#include "base/list.h"
#include "base/sys.h"
#include "core/exec/worker_priv.h"
#include "core/look/watcher.h"
#include "core/loop/posts.h"
#include "core/loop/registry.h"
#include "core/process/fork.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_world.h"
#include "core/task/sched_priv.h"

#include <signal.h>

#define LOOPS_CLOSED 0x80000000u
#define LOOPS_SKIP_ONE_IN 4 /* in simulation: turns that a loop misses */

/* ---- messages to a member ---- */

static void member_end(struct wf_member *member)
{
    wf_run_see_out(member->loop->sched);
}

static void member_stop(struct wf_member *member)
{
    member->loop->sched->is_open = 0;
}

static void on_end(weft_msg *msg)
{
    member_end(wf_container(msg, struct wf_member, end));
}

static void on_stop(weft_msg *msg)
{
    member_stop(wf_container(msg, struct wf_member, stop));
}

static bool member_is_here(const struct wf_member *member)
{
    return member->loop == wf_loop_current;
}

/* ---- the end ---- */

void wf_loops_enter(struct wf_loops *loops)
{
    atomic_fetch_add_explicit(&loops->live, 1, memory_order_relaxed);
}

bool wf_loops_try_enter(struct wf_loops *loops)
{
    uint32_t live = atomic_load_explicit(&loops->live, memory_order_relaxed);
    while (live != LOOPS_CLOSED) {
        if (atomic_compare_exchange_weak_explicit(&loops->live, &live, live + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return true;
    }
    return false;
}

/* What is on its way to a loop comes from one that is alive and counts, or from an owner that does:
 * when nothing counts there is nothing on its way either. */
void wf_loops_leave(struct wf_loops *loops)
{
    uint32_t none = 0;
    if (atomic_fetch_sub_explicit(&loops->live, 1, memory_order_acq_rel) != 1 ||
        !atomic_compare_exchange_strong(&loops->live, &none, LOOPS_CLOSED))
        return;
    for (uint32_t i = 0; i < loops->count; i++) {
        struct wf_member *member = &loops->members[i];
        if (member_is_here(member))
            member_stop(member);
        else
            weft_post_msg(member->loop, &member->stop);
    }
}

void wf_loops_end(struct wf_loops *loops)
{
    for (uint32_t i = 0; i < loops->count; i++) {
        struct wf_member *member = &loops->members[i];
        if (member_is_here(member))
            member_end(member);
        else
            weft_post_msg(member->loop, &member->end);
    }
    wf_loops_leave(loops);
}

/* ---- a deadlock of threads ---- */

/*
 * `rests` holds how many loops rest, in its lower half, and how often one has risen, in its upper.
 * A loop rests while it sleeps and has no timer, operation or outside source that could wake it:
 * then only a message can, and of our loops none sends one while all rest.
 *
 * Who finds that it is the last to rest looks whether a message lies with another that sleeps, and
 * then at the word again.  The same word: nobody has risen since the last came to rest, so nobody
 * has sent anything, and what was sent before would have been seen.  If the word has changed or
 * there is a message, whoever rises for it will rest again, and look.
 */
#define RESTS_RISEN ((uint64_t)1 << 32)

static bool loops_all_asleep(const struct wf_loops *loops)
{
    bool is_asleep = true;
    for (uint32_t i = 0; i < loops->count && is_asleep; i++) {
        const weft_loop *loop = wf_loop_ref(loops->members[i].loop_number);
        if (loop == NULL)
            return false; /* woken by somebody outside, for the end of the run */
        is_asleep = wf_posts_is_asleep(loop);
        wf_loop_unref(loops->members[i].loop_number);
    }
    return is_asleep;
}

static void loops_tell_first(struct wf_loops *loops)
{
    weft_loop *first = wf_loop_ref(loops->members[0].loop_number);
    if (first == NULL)
        return;
    weft_post_msg(first, &loops->deadlock);
    wf_loop_unref(loops->members[0].loop_number);
}

/* Threads may come until all loops rest, so the last to rest looks for them, and then for what they
 * may have said before they ended. */
static bool loops_may_be_told(const struct wf_loops *loops, const weft_loop *loop)
{
    return atomic_load(&loops->rests_with_futures) != 0 && wf_loop_has_outside(loop);
}

bool wf_loops_rest(struct wf_loops *loops, const weft_loop *loop)
{
    if (wf_loop_is_moving(loop) || loop->ops.used != 0 || loop->watch_count != 0)
        return false;
    if (loop->future_count != 0)
        atomic_fetch_add(&loops->rests_with_futures, 1);
    uint64_t word = atomic_fetch_add(&loops->rests, 1) + 1;
    if ((uint32_t)word == loops->count && !loops_may_be_told(loops, loop) &&
        loops_all_asleep(loops) && atomic_load(&loops->rests) == word)
        loops_tell_first(loops);
    return true;
}

void wf_loops_rise(struct wf_loops *loops, const weft_loop *loop)
{
    atomic_fetch_add(&loops->rests, RESTS_RISEN - 1);
    if (loop->future_count != 0)
        atomic_fetch_sub(&loops->rests_with_futures, 1);
}

static void on_deadlock(weft_msg *msg)
{
    (void)msg;
    wf_run_break_deadlock(wf_sched_current);
}

/* ---- the start ---- */

/* Threads begin with every signal blocked.  Those that mean this thread must come through: faults,
 * and the probe's question. */
static void unblock_own_signals(void)
{
    static const int own[] = {SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGTRAP, SIGABRT, SIGURG, SIGPROF};
    sigset_t set;
    sigemptyset(&set);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++)
        sigaddset(&set, own[i]);
    pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}

/* Says how it went, and waits for the others: true if all loops are there. */
static bool member_begin(struct wf_member *member, int rc)
{
    struct wf_loops *loops = member->loops;
    pthread_mutex_lock(&loops->lock);
    loops->started_count++;
    if (rc < 0 && loops->start_rc == 0)
        loops->start_rc = rc;
    pthread_cond_broadcast(&loops->changed);
    while (!loops->has_begun)
        pthread_cond_wait(&loops->changed, &loops->lock);
    bool is_on = loops->start_rc == 0;
    pthread_mutex_unlock(&loops->lock);
    return is_on;
}

static void member_main(void *arg)
{
    struct wf_member *member = arg;
    weft_platform_set(member->loops->platform);
    unblock_own_signals();
    int rc = wf_run_open(member);
    if (member_begin(member, rc)) {
        struct wf_sched *sched = member->loop->sched;
        member->loop->threads = member->loops;
        wf_watcher_begin(sched);
        wf_run_turns(sched, &sched->is_open);
        wf_watcher_end(sched);
    }
    wf_run_close(member);
    weft_platform_set(NULL);
}

/* On this thread, beside loop 0. */
static int member_join_world(struct wf_member *member)
{
    weft_loop *first = wf_loop_current;
    wf_sim_world_admit(/* others= */ true);
    wf_loop_make_current(NULL);
    int rc = wf_run_open(member);
    wf_loop_make_current(first);
    wf_sim_world_admit(/* others= */ false);
    return rc;
}

static int member_start(struct wf_member *member)
{
    if (member->loops->is_one_thread)
        return member_join_world(member);
    int rc = wf_sys_thread_start(&member->thread, member_main, member, /* stack_bytes= */ 0);
    member->has_thread = rc == 0;
    return rc;
}

/* Waits for those that were started, and tells them whether the run begins. */
static int loops_begin(struct wf_loops *loops, uint32_t thread_count, int rc)
{
    pthread_mutex_lock(&loops->lock);
    while (loops->started_count < thread_count)
        pthread_cond_wait(&loops->changed, &loops->lock);
    if (loops->start_rc == 0)
        loops->start_rc = rc;
    rc = loops->start_rc;
    loops->has_begun = true;
    pthread_cond_broadcast(&loops->changed);
    pthread_mutex_unlock(&loops->lock);
    return rc;
}

static int loops_start_others(struct wf_loops *loops)
{
    uint32_t thread_count = 0;
    int rc = 0;
    for (uint32_t i = 1; rc == 0 && i < loops->count; i++) {
        rc = member_start(&loops->members[i]);
        thread_count += loops->members[i].has_thread;
    }
    return loops_begin(loops, thread_count, rc);
}

/* Before there is a thread or a descriptor: what is forked off must be clean. */
static int loops_fork_workers(struct wf_loops *loops)
{
    int rc = 0;
    for (uint32_t i = 0; rc == 0 && i < loops->count; i++)
        rc = wf_workers_new(&loops->members[i].workers, loops->config);
    return rc;
}

static struct wf_loops *loops_new(const weft_config *config)
{
    uint32_t count = config->loops != 0 ? config->loops : 1;
    struct wf_loops *loops = wf_alloc(sizeof *loops + count * sizeof loops->members[0]);
    if (loops == NULL)
        return NULL;
    loops->config = config;
    loops->platform = weft_platform_get();
    loops->count = count;
    atomic_init(&loops->live, 1);
    loops->deadlock.fn = on_deadlock;
    pthread_mutex_init(&loops->lock, NULL);
    pthread_cond_init(&loops->changed, NULL);
    for (uint32_t i = 0; i < count; i++)
        loops->members[i] = (struct wf_member){
            .loops = loops,
            .index = i,
            .end.fn = on_end,
            .stop.fn = on_stop,
        };
    return loops;
}

/* One in simulation.  Elsewhere a virtual clock would be moved by each loop on its own. */
static int loops_choose_threads(struct wf_loops *loops)
{
    const weft_loop *first = loops->members[0].loop;
    loops->is_one_thread = loops->count > 1 && first->backend == &wf_backend_sim;
    bool is_torn = loops->count > 1 && !loops->is_one_thread && first->platform->advance != NULL;
    return is_torn ? -ENOTSUP : 0;
}

static int config_check(const weft_config *config)
{
    uint32_t task_max = 1u << WF_HANDLE_SLOT_BITS;
    if (config->loops > WEFT_LOOPS_MAX)
        return weft_fail(-EINVAL, "loops: %u, the most is %d", config->loops, WEFT_LOOPS_MAX);
    if (config->task_count_max > task_max)
        return weft_fail(-EINVAL, "task_count_max: %u, the most is %u", config->task_count_max,
                         task_max);
    if (config->grace < 0 || config->blocking_idle < 0 || config->hog < 0)
        return weft_fail(-EINVAL, "%s: a time below 0",
                         config->grace < 0           ? "grace"
                         : config->blocking_idle < 0 ? "blocking_idle"
                                                     : "hog");
    return 0;
}

int wf_loops_start(struct wf_loops **out, const weft_config *config)
{
    WEFT_TRY(config_check(config));
    struct wf_loops *loops = loops_new(config);
    if (loops == NULL)
        return -ENOMEM;
    int rc = loops_fork_workers(loops);
    if (rc == 0)
        rc = wf_run_open(&loops->members[0]);
    if (rc == 0)
        rc = loops_choose_threads(loops);
    if (rc == 0)
        rc = loops_start_others(loops);
    if (rc == 0 && loops->count > 1 && !loops->is_one_thread)
        loops->members[0].loop->threads = loops;
    if (rc < 0) {
        wf_loops_finish(loops);
        return rc;
    }
    *out = loops;
    return 0;
}

static void member_finish(struct wf_member *member)
{
    if (member->has_thread) {
        wf_sys_thread_join(member->thread);
    } else {
        wf_loop_make_current(member->loop);
        wf_run_close(member);
    }
    wf_workers_free(member->workers);
}

/* The first one last: in simulation the world is its. */
void wf_loops_finish(struct wf_loops *loops)
{
    if (loops == NULL)
        return;
    for (uint32_t i = loops->count; i-- > 0;)
        member_finish(&loops->members[i]);
    pthread_cond_destroy(&loops->changed);
    pthread_mutex_destroy(&loops->lock);
    wf_free(loops);
}

/* ---- one thread for all ---- */

/* Turns each loop at most once, from any on; the seed leaves some out.  True if time may move. */
static bool loops_turn_each(struct wf_loops *loops)
{
    struct sim_world *world = wf_sim_world_self();
    uint64_t first = wf_sim_below(world, loops->count);
    bool is_idle = true;
    for (uint32_t i = 0; i < loops->count; i++) {
        struct wf_member *member = &loops->members[(first + i) % loops->count];
        wf_loop_make_current(member->loop);
        if (wf_sim_below(world, LOOPS_SKIP_ONE_IN) == 0 || weft_loop_turn(member->loop, 0) != 0)
            is_idle = false;
    }
    wf_loop_make_current(loops->members[0].loop);
    return is_idle;
}

/* All loops have nothing to do: those who waited for that. */
static bool loops_tell_idle(struct wf_loops *loops)
{
    bool is_told = false;
    for (uint32_t i = 0; i < loops->count; i++) {
        wf_loop_make_current(loops->members[i].loop);
        is_told |= wf_sched_tell_idle(loops->members[i].loop->sched);
    }
    wf_loop_make_current(loops->members[0].loop);
    return is_told;
}

void wf_loops_turn(struct wf_loops *loops)
{
    if (!loops_turn_each(loops) || loops_tell_idle(loops))
        return;
    weft_time deadline = WEFT_FOREVER;
    bool is_moving = false;
    for (uint32_t i = 0; i < loops->count; i++) {
        const weft_loop *loop = loops->members[i].loop;
        weft_time next = weft_loop_next_deadline(loop);
        deadline = next < deadline ? next : deadline;
        is_moving |= wf_loop_is_moving(loop);
    }
    if (deadline != WEFT_FOREVER)
        loops->members[0].loop->platform->advance(deadline);
    else if (!is_moving)
        wf_run_break_deadlock(loops->members[0].loop->sched);
}

int wf_loops_check(const struct wf_sched *sched, const weft_loop *loop)
{
    const struct wf_loops *loops = sched->loops;
    for (uint32_t i = 0; loop != NULL && i < loops->count; i++)
        if (loops->members[i].loop == loop)
            return 0;
    return -EPERM;
}

/* ---- public ---- */

static struct wf_loops *loops_self(void)
{
    const struct wf_sched *sched = wf_sched_self();
    return sched != NULL ? sched->loops : NULL;
}

unsigned weft_loop_count(void)
{
    const struct wf_loops *loops = loops_self();
    return loops != NULL ? loops->count : 0;
}

int weft_loop_index(void)
{
    const struct wf_sched *sched = wf_sched_self();
    return sched != NULL ? (int)sched->index : -1;
}

weft_loop *weft_loop_at(unsigned index)
{
    const struct wf_loops *loops = loops_self();
    return loops != NULL && index < loops->count ? loops->members[index].loop : NULL;
}
