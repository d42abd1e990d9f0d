/* SPDX-License-Identifier: MIT */

#include "core/loops/errand.h"

#include "base/list.h"
#include "core/loop/loop_priv.h"
#include "core/loop/posts.h"
#include "core/loop/registry.h"
#include "core/task/sched_priv.h"

#include <assert.h>

/* ---- on the host ---- */

static void errand_arrived(weft_msg *msg)
{
    struct wf_errand *errand = wf_container(msg, struct wf_errand, out);
    errand->errand_class->arrive(errand);
}

/* ---- at home ---- */

/* Another run is outside; the loops of ours are in a deadlock together or not at all. */
static void errand_count(struct wf_errand *errand, int change)
{
    weft_loop *home = errand->home;
    uint32_t *count = errand->is_outside ? &home->hold_count : &home->errand_count;
    *count += (uint32_t)change;
}

static void errand_over(struct wf_errand *errand)
{
    errand_count(errand, -1);
    errand->errand_class->back(errand);
}

static void errand_came_back(weft_msg *msg)
{
    struct wf_errand *errand = wf_container(msg, struct wf_errand, out);
    errand->is_home = true;
    if (!errand->is_recalled || errand->was_heard)
        errand_over(errand);
}

/* It came too late; the answer was sent before it, and is home. */
static void recall_came_back(weft_msg *msg)
{
    struct wf_errand *errand = wf_container(msg, struct wf_errand, recall);
    assert(errand->is_home);
    errand_over(errand);
}

static bool errand_leaves_run(const weft_loop *host)
{
    return host->sched == NULL || host->sched->loops != wf_sched_current->loops;
}

void wf_errand_send(struct wf_errand *errand, const struct wf_errand_class *errand_class,
                    weft_loop *host)
{
    *errand = (struct wf_errand){
        .errand_class = errand_class,
        .out.fn = errand_arrived,
        .home = wf_loop_current,
        .host_number = wf_loop_number(host),
        .is_outside = errand_leaves_run(host),
    };
    errand_count(errand, 1);
    weft_post_msg(host, &errand->out);
}

/* ---- on the host again ---- */

static void recall_arrived(weft_msg *msg)
{
    struct wf_errand *errand = wf_container(msg, struct wf_errand, recall);
    if (!errand->is_answered) {
        errand->was_heard = true;
        errand->errand_class->recall(errand);
        return;
    }
    msg->fn = recall_came_back;
    weft_post_msg(errand->home, msg);
}

void wf_errand_answer(struct wf_errand *errand)
{
    assert(!errand->is_answered);
    errand->is_answered = true;
    errand->out.fn = errand_came_back;
    weft_post_msg(errand->home, &errand->out);
}

/* ---- and at home ---- */

void wf_errand_recall(struct wf_errand *errand)
{
    if (errand->is_recalled || errand->is_home)
        return;
    weft_loop *host = wf_loop_ref(errand->host_number);
    if (host == NULL)
        return; /* it has ended, and answers everything before it does */
    errand->is_recalled = true;
    errand->recall.fn = recall_arrived;
    weft_post_msg(host, &errand->recall);
    wf_loop_unref(errand->host_number);
}
