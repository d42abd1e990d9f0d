/* SPDX-License-Identifier: MIT */

#include "core/look/hog.h"

#include "base/sys.h"
#include "core/look/peek.h"
#include "core/look/symbol.h"
#include "core/loop/posts.h"
#include "core/task/sched_priv.h"

#include <stdatomic.h>
#include <stdio.h>

#define HOG_REPORTS_MAX 5 /* a minute */

/* ---- the decision ---- */

enum wf_hog_verdict wf_hog_judge(struct wf_hog_state *state, const struct wf_hog_look *look,
                                 weft_time limit)
{
    if (look->waits || state->waited || look->turn != state->turn) {
        bool was_hog = state->is_hog;
        *state = (struct wf_hog_state){
            .turn = look->turn, .since = look->now, .cpu = look->cpu, .waited = look->waits};
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

static void hog_tell(const struct wf_hog *hog, const struct wf_peek_place *place,
                     weft_time for_so_long)
{
    struct wf_peek_answer answer;
    struct wf_symbols symbols = {0};
    wf_peek_ask(hog->peek, place->where, &answer);
    wf_sched_log(hog->sched, "task %s keeps the loop for %.0f ms, %s; spawned: %s", answer.name,
                 (double)for_so_long / (double)WEFT_MS, place->text, answer.site);
    for (int i = 0; i < answer.frame_count; i++) {
        char text[WF_SYMBOL_TEXT_BYTES];
        wf_symbols_text(&symbols, answer.frames[i], text, sizeof text);
        wf_sched_log(hog->sched, "  at %s", text);
    }
    wf_symbols_fini(&symbols);
}

static void hog_found(struct wf_hog *hog, const struct wf_peek_place *place, weft_time now)
{
    atomic_fetch_add_explicit(&hog->count, 1, memory_order_relaxed);
    hog->is_told = hog_may_tell(hog, now);
    if (hog->is_told)
        hog_tell(hog, place, now - hog->state.since);
}

static void hog_over(const struct wf_hog *hog, weft_time for_so_long)
{
    if (hog->is_told)
        wf_sched_log(hog->sched, "the loop goes on after %.3f s",
                     (double)for_so_long / (double)WEFT_SEC);
}

/* ---- looking ---- */

void wf_hog_init(struct wf_hog *hog, weft_time limit, struct wf_sched *sched, struct wf_peek *peek)
{
    hog->sched = sched;
    hog->peek = peek;
    hog->limit = limit;
    wf_hog_restart(hog);
}

void wf_hog_restart(struct wf_hog *hog)
{
    hog->state.since = wf_sys_now();
    hog->state.cpu = wf_peek_cpu(hog->peek);
}

/* The clock first and the turn last: who loses the processor in between says too little, never too
 * much. */
static struct wf_hog_look hog_look(const struct wf_hog *hog, struct wf_peek_place *out)
{
    const weft_loop *loop = hog->sched->loop;
    struct wf_hog_look look = {.now = wf_sys_now()};
    look.cpu = wf_peek_cpu(hog->peek);
    *out = (struct wf_peek_place){.where = WF_PEEK_RUNS};
    if (look.now - hog->state.since >= hog->limit)
        wf_peek_find(hog->peek, out);
    look.in_call = out->where != WF_PEEK_RUNS;
    look.turn = atomic_load_explicit(&loop->turn_count, memory_order_relaxed);
    look.waits = wf_posts_is_asleep(loop);
    return look;
}

void wf_hog_watch(struct wf_hog *hog)
{
    struct wf_peek_place place;
    weft_time since = hog->state.since;
    struct wf_hog_look look = hog_look(hog, &place);
    if (atomic_load_explicit(&hog->is_over, memory_order_acquire))
        return; /* what it does is wait for us */
    switch (wf_hog_judge(&hog->state, &look, hog->limit)) {
    case WF_HOG_NOTHING:
        break;
    case WF_HOG_FOUND:
        hog_found(hog, &place, look.now);
        break;
    case WF_HOG_OVER:
        hog_over(hog, look.now - since);
        break;
    }
}
