/* SPDX-License-Identifier: MIT */

/* The run: makes a loop and a scheduler, turns the loop until the main task is done, and gives
 * everything back. */

#include <weft/run.h>

#include "core/exec/exec_priv.h"
#include "core/exec/worker_priv.h"
#include "core/look/opened.h"
#include "core/look/survey.h"
#include "core/look/watcher.h"
#include "core/loop/posts.h"
#include "core/loops/loops_priv.h"
#include "core/platform/virtual_clock.h"
#include "core/process/process_priv.h"
#include "core/process/signals_priv.h"
#include "core/process/terminal_priv.h"
#include "core/stack/stack_overflow.h"
#include "core/task/sched_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define RUN_GRACE_DEFAULT (10 * WEFT_SEC)
#define RUN_REPORT_MAX (10 * WEFT_SEC) /* a loop may wait to write its tree */
#define RUN_DRAIN_MAX (40 * WEFT_SEC)  /* a stream that is being closed takes less */
#define RUN_DRAIN_OPEN (1 * WEFT_SEC)  /* what is not being closed, but has a timer */

/* For the overflow report: is the faulting address in the guard of the running task's stack? */
static bool run_find_overflow(void *arg, const void *addr, wf_overflow *out)
{
    const wf_task *task = wf_current();
    (void)arg;
    if (task == NULL || !wf_stack_is_guard(wf_task_running_stack(task), addr))
        return false;
    *out = wf_task_overflow(task);
    return true;
}

/* ---- the main task and what goes wrong around it ---- */

static int run_spawn_main(struct wf_sched *sched, weft_fn *fn, void *arg)
{
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = "main at weft_run", .up = &sched->top};
    return wf_task_new(sched, &how, &sched->main.task);
}

void wf_run_interrupt(weft_loop *loop, const char *why)
{
    struct wf_sched *sched = loop->sched;
    if (sched != NULL && sched->main.live != 0)
        wf_node_cancel(&sched->main.task->root, WEFT_REASON_SHUTDOWN, why);
}

/* True if a thread from outside may still set a future that is waited for.  Once there was one it
 * is not asked again, so that waiting for threads costs nothing; that it ends without setting the
 * future is not noticed.  In simulation there is no outside. */
static bool run_may_be_told(weft_loop *loop)
{
    if (loop->future_count == 0 || loop->sched->is_seeded)
        return false;
    if (!loop->has_outside)
        loop->has_outside = wf_loop_has_outside(loop);
    return loop->has_outside || wf_posts_pending(loop); /* who has just ended said it before */
}

/* True if nothing is ready, and nothing that we know of can make anything ready.  Several loops
 * find it out together (loops.c). */
static bool run_is_deadlocked(struct wf_sched *sched)
{
    weft_loop *loop = sched->loop;
    if (sched->loops->count > 1 || wf_loop_is_moving(loop))
        return false;
    if (!sched->is_seeded && (loop->ops.used != 0 || loop->watch_count != 0))
        return false;
    return !run_may_be_told(loop);
}

/* Asks the wait of the main task to end; it then returns -EDEADLK.  False if there is none that
 * would hear it, or if nothing has run since it was asked before. */
static bool run_end_wait(struct wf_sched *sched)
{
    wf_task *main = sched->main.live != 0 ? sched->main.task : NULL;
    weft_waiter *waiter = main != NULL ? wf_task_parked_on(main) : NULL;
    bool is_again = sched->deadlock.switches == sched->stats.switches;
    if (waiter == NULL || is_again || (main->flags & WF_TASK_SHIELDED) != 0)
        return false;
    sched->deadlock.switches = sched->stats.switches;
    main->body->is_deadlocked = true;
    if (waiter->wait_class->cancel != NULL)
        waiter->wait_class->cancel(waiter);
    else
        weft_wake(waiter, -ECANCELED);
    return true;
}

/* Ends the main task's wait.  If that is not possible, since it waits for its children only or
 * cannot be cancelled, everything is cancelled. */
static void run_end_deadlock(struct wf_sched *sched)
{
    if (run_end_wait(sched))
        return;
    struct wf_node *rest = sched->main.live != 0 ? &sched->main.task->root : &sched->top;
    if (sched->deadlock.cancelled == rest)
        abort(); /* what waits is deaf to cancellation: nothing could ever end this run */
    sched->deadlock.cancelled = rest;
    wf_node_cancel(rest, WEFT_REASON_DEADLOCK, "deadlock");
}

static void run_dump(struct wf_sched *sched)
{
    (void)sched;
    wf_dump_here(STDERR_FILENO);
}

/* If tasks have run meanwhile, somebody from outside has ended a wait.  If they all wait for ever
 * again, that will be found again. */
static void run_deadlock_told(struct wf_survey *survey)
{
    bool has_moved = false;
    for (uint32_t i = 0; i < survey->count; i++)
        has_moved |= !survey->visits[i].is_late && survey->visits[i].has_moved;
    wf_graph_report(survey, STDERR_FILENO);
    wf_survey_free(survey);
    if (!has_moved)
        run_end_deadlock(wf_sched_current);
}

/* The main task gets -EDEADLK from its wait, when all loops have said who waits for whom (rule
 * F06). */
void wf_run_break_deadlock(struct wf_sched *sched)
{
    wf_sched_log(sched, "deadlock: every task waits and nothing can wake one");
    struct wf_survey *survey = wf_survey_new(sched->loops);
    if (survey == NULL) {
        run_dump(sched);
        run_end_deadlock(sched);
        return;
    }
    survey->patience = RUN_REPORT_MAX;
    survey->meet = run_dump;
    survey->over = run_deadlock_told;
    wf_survey_begin(survey);
}

/* Gives back pages of idle stacks and says how long the next turn may wait: a loop that sleeps
 * gives them back too (rule N01).  A virtual clock does not move for that. */
static weft_time run_trim(const struct wf_sched *sched)
{
    const weft_loop *loop = sched->loop;
    weft_time trim_at = wf_stacks_trim(sched->stacks.pool, loop->now);
    if (trim_at == WEFT_FOREVER || loop->platform->advance != NULL)
        return WEFT_FOREVER;
    return trim_at > loop->now ? trim_at - loop->now : 0;
}

/* In simulation of several loops they turn together. */
void wf_run_turns(struct wf_sched *sched, const uint32_t *live)
{
    while (*live != 0) {
        if (sched->loops->is_one_thread) {
            wf_loops_turn(sched->loops);
            continue;
        }
        if (weft_waitq_first(&sched->idle_waiters) != NULL) {
            if (weft_loop_turn(sched->loop, 0) == 0)
                wf_sched_tell_idle(sched);
            continue;
        }
        bool is_deadlocked = run_is_deadlocked(sched);
        if (is_deadlocked)
            wf_run_break_deadlock(sched);
        (void)weft_loop_turn(sched->loop, is_deadlocked ? 0 : run_trim(sched));
    }
}

/* ---- the end ---- */

static void run_grace_over(weft_timer *timer)
{
    (void)timer;
    wf_sched_log(wf_sched_current, "tasks still run after the grace time");
    weft_dump(STDERR_FILENO);
    if ((wf_sched_current->config.flags & WEFT_RUN_ABORT) != 0)
        abort();
}

/* Detached tasks, and any that are still to come, are cancelled. */
void wf_run_see_out(struct wf_sched *sched)
{
    weft_timer_init(&sched->detached.grace, run_grace_over);
    if (sched->top.child == NULL && sched->loops->count == 1)
        return;
    wf_node_cancel(&sched->top, WEFT_REASON_SHUTDOWN, "the run ends");
    if (sched->top.child == NULL)
        return;
    weft_time duration = sched->config.grace != 0 ? sched->config.grace : RUN_GRACE_DEFAULT;
    weft_timer_start(sched->loop, &sched->detached.grace, weft_after(duration));
}

static void run_drain_over(weft_timer *timer)
{
    (void)timer;
    weft_loop *loop = wf_sched_current->loop;
    uint32_t count = wf_ops_count_pending(loop);
    if (count == 0)
        return; /* only such as are being cancelled */
    wf_sched_log(wf_sched_current, "operations of what was never closed end with the run: %u%s",
                 count, wf_sched_current->debug == NULL ? "; WEFT_DEBUG=1 names it" : "");
    wf_ops_end(loop);
}

/* True if nothing pending will end by itself: what does has a deadline, is being cancelled, or
 * belongs to a disk. */
static bool run_drain_is_stuck(const weft_loop *loop)
{
    bool has_timer = loop->timers.count > 1; /* one is ours */
    return !has_timer && loop->hold_count == 0 && wf_list_is_empty(&loop->deferred) &&
           !wf_posts_pending(loop) && wf_ops_count_pending(loop) == loop->ops.used;
}

/* Something is being closed, or the answer of a thread or a disk is still to come. */
static bool run_is_ending(const weft_loop *loop)
{
    return loop->ending_count != 0 || loop->hold_count != 0;
}

static void run_drain_until(struct wf_sched *sched, bool is_ending, weft_time end)
{
    weft_time soon = weft_after(RUN_DRAIN_OPEN);
    weft_timer_start(sched->loop, &sched->detached.grace, is_ending || end < soon ? end : soon);
}

/* Turns the loop until what callbacks began is over: closes under way, last bytes.  What waits for
 * others without a deadline was left open, and would never end; neither would what has a deadline
 * again and again, like a ping.  Messages that lie here go first, since they may begin such things;
 * those that are still to come run when nothing turns the loop any more, and can begin nothing. */
static void run_drain(struct wf_sched *sched)
{
    weft_loop *loop = sched->loop;
    (void)wf_posts_run(loop);
    weft_time end = weft_after(RUN_DRAIN_MAX);
    bool is_ending = run_is_ending(loop);
    weft_timer_init(&sched->detached.grace, run_drain_over);
    run_drain_until(sched, is_ending, end);
    while (loop->ops.used != 0 || !wf_list_is_empty(&loop->deferred) ||
           (loop->ending_count != 0 && weft_timer_is_running(&sched->detached.grace))) {
        bool is_still = weft_loop_turn(loop, 0) == 0;
        if (run_is_ending(loop) != is_ending) {
            is_ending = !is_ending;
            run_drain_until(sched, is_ending, end);
        }
        if (is_still && !loop->ops.is_over && run_drain_is_stuck(loop))
            run_drain_over(&sched->detached.grace);
        else if (is_still)
            (void)weft_loop_turn(loop, WEFT_FOREVER);
    }
    weft_timer_stop(loop, &sched->detached.grace);
    wf_ops_end(loop);
}

static int run_main(struct wf_sched *sched, weft_fn *fn, void *arg)
{
    int rc = run_spawn_main(sched, fn, arg);
    if (rc == 0) {
        wf_watcher_begin(sched);
        wf_run_turns(sched, &sched->main.live);
        rc = sched->main.result;
    }
    wf_loops_end(sched->loops);
    wf_run_turns(sched, &sched->is_open);
    wf_watcher_end(sched);
    return rc;
}

/* ---- one loop of the run ---- */

int wf_run_open(struct wf_member *member)
{
    const weft_config *config = member->loops->config;
    weft_loop_options options = {
        .backend = config->backend,
        .seed = config->seed,
        .file_thread_max = config->file_thread_max,
    };
    weft_loop *loop;
    int rc = weft_loop_new(&loop, &options);
    if (rc < 0)
        return rc;
    rc = wf_sched_new(loop, config);
    if (rc < 0) {
        weft_loop_free(loop);
        return rc;
    }
    struct wf_sched *sched = loop->sched;
    sched->loops = member->loops;
    sched->index = member->index;
    sched->is_open = 1;
    sched->workers = member->workers;
    member->loop = loop;
    member->loop_number = wf_loop_number(loop);
    bool is_first = member->index == 0;
    rc = wf_signals_install(loop, !is_first || (config->flags & WEFT_RUN_KEEP_SIGNALS) != 0);
    if (rc == 0 && (is_first || !member->loops->is_one_thread))
        rc = wf_overflow_thread_begin(run_find_overflow, NULL);
    return rc;
}

/* Also for a member that was not opened, or only in part. */
void wf_run_close(struct wf_member *member)
{
    weft_loop *loop = member->loop;
    if (loop == NULL)
        return;
    struct wf_sched *sched = loop->sched;
    weft_timer_stop(loop, &sched->detached.grace);
    wf_opened_end(sched); /* while the objects are there */
    wf_exec_fini(sched);
    wf_process_fini(sched);
    wf_terminal_fini(sched);
    if (loop->embed != NULL)
        weft_loop_unhold(loop); /* there is no task that the foreign loop could wake */
    run_drain(sched);
    if (member->index == 0 || !member->loops->is_one_thread)
        wf_overflow_thread_end();
    wf_signals_remove(loop);
    wf_posts_close(loop); /* before the records: messages are about them */
    wf_opened_end(sched); /* what callbacks have opened since */
    wf_sched_free(sched);
    weft_loop_free(loop);
    member->loop = NULL;
}

static int run_fresh(const weft_config *config, weft_fn *fn, void *arg)
{
    struct wf_loops *loops = NULL;
    wf_note_leave(NULL);
    int rc = wf_fiber_check_host();
    if (rc == 0 && weft_loop_self() != NULL)
        rc = -EBUSY;
    if (rc == 0)
        rc = wf_loops_start(&loops, config);
    if (rc != 0)
        return rc;
    assert(loops != NULL);
    rc = run_main(loops->members[0].loop->sched, fn, arg);
    wf_loops_finish(loops);
    return rc;
}

/* Inside a task it is a call in a new scope (rule L02). */
static int run_nested(weft_fn *fn, void *arg)
{
    weft_scope scope;
    int rc = weft_scope_open(&scope, WEFT_FOREVER, 0);
    return rc < 0 ? rc : weft_scope_close(&scope, fn(arg));
}

int weft_run_with(const weft_config *config, weft_fn *fn, void *arg)
{
    if (wf_current() != NULL)
        return run_nested(fn, arg);
    static const weft_config nothing;
    if (config == NULL)
        config = &nothing;
    bool is_virtual;
    WEFT_TRY(wf_virtual_clock_is_wanted(config, &is_virtual));
    const weft_platform *before = weft_platform_get();
    const weft_platform *platform = config->platform != NULL ? config->platform : before;
    struct wf_virtual_clock clock;
    if (is_virtual && platform->advance == NULL) {
        wf_virtual_clock_init(&clock, platform);
        platform = &clock.platform;
    }
    weft_platform_set(platform);
    int rc = run_fresh(config, fn, arg);
    weft_platform_set(before);
    return rc;
}

int weft_run(weft_fn *fn, void *arg)
{
    return weft_run_with(NULL, fn, arg);
}
