/* SPDX-License-Identifier: MIT */

/*
 * An embedded run: one that a foreign loop drives.
 *
 * It is weft_run_with() as it is, on a stack of its own.  Where its loop would wait, it switches to
 * the foreign loop's stack, which returns from weft_embed_turn(); the next weft_embed_turn()
 * switches back.  So the end of a run, which turns the loop in many places, is the same code in
 * both cases.
 */

#include "core/loop/embed.h"

#include "base/alloc.h"
#include "core/look/watcher.h"
#include "core/loop/posts.h"
#include "core/loops/loops_priv.h"
#include "core/platform/virtual_clock.h"
#include "core/stack/fiber.h"
#include "core/stack/stack.h"
#include "core/task/sched_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define EMBED_STACK_BYTES ((size_t)256 * 1024) /* callbacks run on it, and the log's */

struct weft_embed {
    wf_fiber foreign, run; /* where each goes on */
    wf_stack stack;        /* of the run */
    weft_config config;
    weft_fn *fn;
    void *arg;
    weft_loop *loop; /* NULL before and after */
    int descriptor;
    weft_time wait_until; /* what it would have waited for, besides timers */
    bool is_inside;       /* the run is what runs */
    bool is_over, must_block;
    int result;
};

/* ---- the run's side ---- */

weft_time wf_embed_give_way(weft_embed *embed, weft_time timeout)
{
    weft_loop *loop = embed->loop;
    if (embed->must_block)
        return timeout;
    (void)wf_posts_sleep(loop); /* also if it would not wait: what passes now is not its time */
    weft_time now = weft_loop_now(loop);
    wf_meter_pass_over(&loop->sched->meter, now);
    embed->wait_until = timeout < WEFT_FOREVER - now ? now + timeout : WEFT_FOREVER;
    embed->is_inside = false;
    wf_fiber_switch(&embed->run, &embed->foreign);
    loop->is_now_old = true;
    wf_posts_awake(loop);
    if (loop->watcher != NULL)
        wf_watcher_awake(loop->watcher);
    return 0; /* much may have happened */
}

static int embed_main(void *arg)
{
    weft_embed *embed = arg;
    wf_fiber_home_on(NULL);
    embed->loop = weft_loop_self();
    embed->descriptor = weft_loop_descriptor(embed->loop);
    if (embed->descriptor < 0)
        return embed->descriptor;
    weft_loop_hold(embed->loop); /* the foreign loop may wake anything */
    embed->loop->embed = embed;
    return embed->fn(embed->arg);
}

static int embed_run(void *arg)
{
    weft_embed *embed = arg;
    wf_fiber_home_on(&embed->run);
    int rc = weft_run_with(&embed->config, embed_main, embed);
    wf_fiber_home_on(NULL);
    return rc;
}

/* On the stack of the foreign flow. */
static void embed_exit(wf_fiber *fiber, int rc)
{
    weft_embed *embed = wf_container(fiber, weft_embed, run);
    embed->result = rc;
    embed->is_over = true;
    embed->is_inside = false;
    embed->loop = NULL;
    wf_fiber_resume(&embed->foreign);
}

/* ---- the foreign side ---- */

static void embed_enter(weft_embed *embed)
{
    embed->is_inside = true;
    wf_fiber_switch(&embed->foreign, &embed->run);
}

/* 0, -ENOTSUP if time would not be that of the foreign loop, or -EINVAL. */
static int embed_check_clock(const weft_config *config)
{
    const char *backend = config->backend != NULL ? config->backend : getenv("WEFT_BACKEND");
    const weft_platform *platform =
        config->platform != NULL ? config->platform : weft_platform_get();
    bool is_virtual;
    WEFT_TRY(wf_virtual_clock_is_wanted(config, &is_virtual));
    is_virtual |= platform->advance != NULL || (backend != NULL && strcmp(backend, "sim") == 0);
    return is_virtual ? -ENOTSUP : 0;
}

int weft_embed_open(weft_embed **out, const weft_config *config, weft_fn *fn, void *arg)
{
    weft_config chosen = config != NULL ? *config : (weft_config){0};
    WEFT_TRY(embed_check_clock(&chosen));
    if (weft_loop_self() != NULL)
        return -EBUSY;
    int rc = wf_fiber_check_host();
    if (rc < 0)
        return rc;
    weft_embed *embed = wf_alloc(sizeof *embed);
    if (embed == NULL)
        return -ENOMEM;
    rc = wf_stack_map(&embed->stack, EMBED_STACK_BYTES);
    if (rc < 0) {
        wf_free(embed);
        return rc;
    }
    embed->config = chosen;
    embed->config.flags |= WEFT_RUN_KEEP_SIGNALS;
    embed->fn = fn;
    embed->arg = arg;
    embed->descriptor = -1;
    wf_fiber_home_init(&embed->foreign);
    wf_fiber_make(&embed->run, &embed->stack, embed_run, embed, &embed->foreign, embed_exit);
    embed_enter(embed);
    *out = embed;
    return 0;
}

int weft_embed_descriptor(const weft_embed *embed)
{
    return embed->descriptor;
}

weft_loop *weft_embed_loop(const weft_embed *embed)
{
    return embed->loop;
}

weft_time weft_embed_timeout(const weft_embed *embed)
{
    weft_loop *loop = embed->loop;
    if (embed->is_over)
        return 0;
    weft_time next = weft_loop_next_deadline(loop);
    next = next < embed->wait_until ? next : embed->wait_until;
    if (next == WEFT_FOREVER)
        return WEFT_FOREVER;
    weft_time now = weft_loop_now(loop);
    return next > now ? next - now : 0;
}

int weft_embed_turn(weft_embed *embed)
{
    assert(!embed->is_inside);
    if (!embed->is_over)
        embed_enter(embed);
    return !embed->is_over;
}

weft_task weft_embed_spawn_at(weft_embed *embed, weft_fn *fn, void *arg, const char *site)
{
    assert(!embed->is_inside);
    struct wf_sched *sched = embed->is_over ? NULL : embed->loop->sched;
    if (sched == NULL || !wf_loops_try_enter(sched->loops))
        return wf_handle_error(-ESRCH); /* over, or about to be: nobody would join it */
    struct wf_spawn how = {.fn = fn, .arg = arg, .site = site, .up = &sched->top};
    wf_task *task;
    int rc = wf_task_new(sched, &how, &task);
    wf_loops_leave(sched->loops); /* if it was made it counts itself */
    return rc < 0 ? wf_handle_error(rc) : wf_task_handle(task);
}

void weft_embed_cancel(weft_embed *embed, const char *why)
{
    assert(!embed->is_inside);
    if (!embed->is_over)
        wf_run_interrupt(embed->loop, why != NULL ? why : "");
}

int weft_embed_close(weft_embed *embed)
{
    if (embed == NULL)
        return 0;
    weft_embed_cancel(embed, "the foreign loop ends it");
    embed->must_block = true;
    while (weft_embed_turn(embed) > 0)
        ;
    int rc = embed->result;
    wf_fiber_end(&embed->run);
    wf_stack_unmap(&embed->stack);
    wf_free(embed);
    return rc;
}
