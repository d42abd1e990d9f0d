/* SPDX-License-Identifier: MIT */

#include "core/hog.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/hog_probe.h"
#include "core/posts.h"
#include "core/sched_priv.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <time.h>

#define HOG_STACK_BYTES ((size_t)128 << 10)
#define HOG_LOOKS 4         /* looks a limit */
#define HOG_REPORTS_MAX 5   /* a minute */
#define HOG_FRAMES_UNSEEN 2 /* the handler's own, and the kernel's way into it */

struct wf_hog {
    struct wf_sched
        *sched; /* only what does not change while it runs: its configuration, its loop */
    weft_time limit;
    weft_thread thread;
    struct wf_hog_probe *probe;
    _Atomic uint64_t count;

    pthread_mutex_t lock;
    pthread_cond_t changed; /* must_stop, is_parked */
    bool must_stop;
    _Atomic bool is_parked; /* changed under the lock, read without it */

    /* The thread's own. */
    struct wf_hog_state state;
    weft_time minute_end;
    uint32_t told, untold; /* in this minute */
    bool is_told;          /* the one that goes on */
    enum wf_hog_place place;
};

/* ---- the decision ---- */

enum wf_hog_verdict wf_hog_judge(struct wf_hog_state *state, const struct wf_hog_look *look,
                                 weft_time limit)
{
    if (look->waits || look->turn != state->turn) {
        bool was_hog = state->is_hog;
        *state = (struct wf_hog_state){.turn = look->turn, .since = look->now, .cpu = look->cpu};
        return was_hog ? WF_HOG_OVER : WF_HOG_NOTHING;
    }
    if (state->is_hog || look->now - state->since < limit)
        return WF_HOG_NOTHING;
    if (!look->in_call && look->cpu - state->cpu < limit / 2)
        return WF_HOG_NOTHING;
    state->is_hog = true;
    return WF_HOG_FOUND;
}

/* ---- reports ---- */

/* At most so many a minute; the rest is counted and told with the next minute's first. */
static bool hog_may_tell(struct wf_hog *hog, weft_time now)
{
    if (now >= hog->minute_end) {
        if (hog->untold != 0)
            wf_sched_log(hog->sched, "%u more tasks kept the loop meanwhile", hog->untold);
        hog->minute_end = now + 60 * WEFT_SEC;
        hog->told = hog->untold = 0;
    }
    if (hog->told == HOG_REPORTS_MAX) {
        hog->untold++;
        return false;
    }
    hog->told++;
    return true;
}

static void hog_tell(struct wf_hog *hog, const char *call, weft_time for_so_long)
{
    struct wf_hog_answer answer;
    char doing[64];
    snprintf(doing, sizeof doing, hog->place != WF_HOG_RUNS ? "in system call %s" : "running",
             call);
    double ms = (double)for_so_long / (double)WEFT_MS;
    wf_hog_probe_ask(hog->probe, hog->place, &answer);
    if (answer.site != NULL)
        wf_sched_log(hog->sched, "task %s keeps the loop for %.0f ms, %s; spawned: %s", answer.name,
                     ms, doing, answer.site);
    else
        wf_sched_log(hog->sched, "a callback keeps the loop for %.0f ms, %s", ms, doing);
    for (int i = HOG_FRAMES_UNSEEN; i < answer.frame_count; i++) {
        char text[200];
        wf_hog_frame_text(answer.frames[i], text, sizeof text);
        wf_sched_log(hog->sched, "  at %s", text);
    }
}

static void hog_found(struct wf_hog *hog, const char *call, weft_time now)
{
    atomic_fetch_add_explicit(&hog->count, 1, memory_order_relaxed);
    hog->is_told = hog_may_tell(hog, now);
    if (hog->is_told)
        hog_tell(hog, call, now - hog->state.since);
}

static void hog_over(struct wf_hog *hog, weft_time for_so_long)
{
    if (hog->is_told)
        wf_sched_log(hog->sched, "the loop goes on after %.3f s",
                     (double)for_so_long / (double)WEFT_SEC);
}

static void hog_look(struct wf_hog *hog)
{
    char call[48] = "";
    const weft_loop *loop = hog->sched->loop;
    struct wf_hog_look look = {
        .waits = wf_posts_is_asleep(loop),
        .turn = atomic_load_explicit(&loop->turn_count, memory_order_relaxed),
        .now = wf_sys_now(),
        .cpu = wf_hog_probe_cpu(hog->probe),
    };
    weft_time since = hog->state.since;
    hog->place = WF_HOG_RUNS;
    if (look.turn == hog->state.turn && look.now - since >= hog->limit)
        hog->place = wf_hog_probe_place(hog->probe, call, sizeof call);
    look.in_call = hog->place != WF_HOG_RUNS;
    switch (wf_hog_judge(&hog->state, &look, hog->limit)) {
    case WF_HOG_NOTHING:
        break;
    case WF_HOG_FOUND:
        hog_found(hog, call, look.now);
        break;
    case WF_HOG_OVER:
        hog_over(hog, look.now - since);
        break;
    }
}

/* ---- the thread ---- */

/* With the lock held.  True: the loop is idle and was so at the last look; it says when it is not.
 */
static bool hog_park(struct wf_hog *hog)
{
    const weft_loop *loop = hog->sched->loop;
    if (hog->state.turn != atomic_load_explicit(&loop->turn_count, memory_order_relaxed))
        return false;
    atomic_store_explicit(&hog->is_parked, true, memory_order_seq_cst);
    if (wf_posts_is_asleep(loop))
        return true;
    atomic_store_explicit(&hog->is_parked, false, memory_order_relaxed);
    return false;
}

static struct timespec hog_next_look(const struct wf_hog *hog)
{
    weft_time at = weft_platform_host.now() + hog->limit / HOG_LOOKS;
    return (struct timespec){.tv_sec = at / WEFT_SEC, .tv_nsec = at % WEFT_SEC};
}

static void hog_main(void *arg)
{
    struct wf_hog *hog = arg;
    pthread_mutex_lock(&hog->lock);
    while (!hog->must_stop) {
        if (hog_park(hog)) {
            while (!hog->must_stop && atomic_load_explicit(&hog->is_parked, memory_order_relaxed))
                pthread_cond_wait(&hog->changed, &hog->lock);
            continue;
        }
        struct timespec at = hog_next_look(hog);
        while (!hog->must_stop && pthread_cond_timedwait(&hog->changed, &hog->lock, &at) == 0)
            continue;
        pthread_mutex_unlock(&hog->lock);
        hog_look(hog);
        pthread_mutex_lock(&hog->lock);
    }
    pthread_mutex_unlock(&hog->lock);
}

/* ---- the loop's side ---- */

bool wf_hog_is_parked(const struct wf_hog *hog)
{
    return atomic_load_explicit(&hog->is_parked, memory_order_seq_cst);
}

void wf_hog_awake(struct wf_hog *hog)
{
    if (!wf_hog_is_parked(hog))
        return;
    pthread_mutex_lock(&hog->lock);
    atomic_store_explicit(&hog->is_parked, false, memory_order_relaxed);
    pthread_cond_signal(&hog->changed);
    pthread_mutex_unlock(&hog->lock);
}

uint64_t wf_hog_count(const struct wf_hog *hog)
{
    return atomic_load_explicit(&hog->count, memory_order_relaxed);
}

static void hog_free(struct wf_hog *hog)
{
    wf_hog_probe_free(hog->probe);
    pthread_cond_destroy(&hog->changed);
    pthread_mutex_destroy(&hog->lock);
    wf_free(hog);
}

static int hog_start(struct wf_hog *hog)
{
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_mutex_init(&hog->lock, NULL);
    pthread_cond_init(&hog->changed, &attr);
    pthread_condattr_destroy(&attr);
    int rc = wf_hog_probe_new(&hog->probe, hog->sched);
    if (rc < 0)
        return rc;
    hog->state.since = wf_sys_now();
    hog->state.cpu = wf_hog_probe_cpu(hog->probe);
    return wf_sys_thread_start(&hog->thread, hog_main, hog, HOG_STACK_BYTES);
}

void wf_hog_begin(struct wf_sched *sched)
{
    weft_time limit = sched->config.hog != 0 ? sched->config.hog : WF_HOG_LIMIT_DEFAULT;
    weft_loop *loop = sched->loop;
    if (loop->platform->advance != NULL || limit == WEFT_FOREVER)
        return;
    struct wf_hog *hog = wf_alloc(sizeof *hog);
    if (hog == NULL)
        return;
    hog->sched = sched;
    hog->limit = limit;
    if (hog_start(hog) < 0) {
        hog_free(hog);
        return;
    }
    loop->hog = hog;
}

void wf_hog_end(struct wf_sched *sched)
{
    struct wf_hog *hog = sched->loop->hog;
    if (hog == NULL)
        return;
    sched->loop->hog = NULL;
    pthread_mutex_lock(&hog->lock);
    hog->must_stop = true;
    pthread_cond_signal(&hog->changed);
    pthread_mutex_unlock(&hog->lock);
    wf_sys_thread_join(hog->thread);
    hog_free(hog);
}
