/* SPDX-License-Identifier: MIT */

#include "core/look/survey.h"

#include "base/alloc.h"
#include "base/list.h"
#include "core/loops/loops_priv.h"
#include "core/task/sched_priv.h"

#define SURVEY_MARK_FIRST 2 /* 0 and 1 are no marks */

/* ---- on each loop ---- */

static void visit_look(struct wf_visit *visit, struct wf_sched *sched)
{
    const struct wf_survey *survey = visit->survey;
    if (visit->copies) {
        visit->has_moved = visit->switches != sched->stats.switches;
        wf_graph_take(&visit->graph, sched, survey->mark);
        return;
    }
    visit->backend = sched->loop->backend->name;
    visit->switches = sched->stats.switches;
    if (survey->meet != NULL)
        survey->meet(sched);
    wf_graph_mark(sched, survey->mark);
}

static void visit_arrive(struct wf_errand *errand)
{
    visit_look(wf_container(errand, struct wf_visit, errand), wf_sched_current);
    wf_errand_answer(errand);
}

/* ---- on the first one ---- */

static void survey_ask(struct wf_survey *survey);

static void survey_unref(struct wf_survey *survey)
{
    if (atomic_fetch_sub_explicit(&survey->refs, 1, memory_order_acq_rel) != 1)
        return;
    for (uint32_t i = 0; i < survey->count; i++)
        wf_graph_fini(&survey->visits[i].graph);
    wf_free(survey);
}

/* All have answered, or were given up. */
static void survey_go_on(struct wf_survey *survey)
{
    struct wf_loops *loops = survey->loops;
    struct wf_survey *next = survey->next;
    bool is_entered = survey->is_entered;
    weft_timer_stop(wf_loop_current, &survey->limit);
    if (!survey->is_second) {
        survey->is_second = true;
        survey_ask(survey);
        return;
    }
    loops->surveys = next;
    survey->over(survey); /* may have freed it */
    if (next != NULL)
        survey_ask(next);
    if (is_entered)
        wf_loops_leave(loops);
}

static void survey_is_tired(weft_timer *timer)
{
    struct wf_survey *survey = wf_container(timer, struct wf_survey, limit);
    for (uint32_t i = 0; i < survey->count; i++)
        survey->visits[i].is_late |= survey->visits[i].is_out;
    survey->out_count = 0;
    survey_go_on(survey);
}

static void visit_back(struct wf_errand *errand)
{
    struct wf_visit *visit = wf_container(errand, struct wf_visit, errand);
    struct wf_survey *survey = visit->survey;
    struct wf_loops *loops = survey->loops;
    visit->is_out = false;
    if (!visit->is_late && --survey->out_count == 0)
        survey_go_on(survey);
    survey_unref(survey);
    wf_loops_leave(loops);
}

static void visit_recall(struct wf_errand *errand)
{
    (void)errand; /* never sent: it is answered at once */
}

static const struct wf_errand_class visit_class = {
    .arrive = visit_arrive,
    .recall = visit_recall,
    .back = visit_back,
};

/* The run goes on while a loop is asked, so that all are there to ask and to be answered. */
static void visit_send(struct wf_visit *visit, weft_loop *loop)
{
    struct wf_survey *survey = visit->survey;
    visit->is_out = true;
    survey->out_count++;
    atomic_fetch_add_explicit(&survey->refs, 1, memory_order_relaxed);
    wf_loops_enter(survey->loops);
    wf_errand_send(&visit->errand, &visit_class, loop);
}

static void survey_ask(struct wf_survey *survey)
{
    for (uint32_t i = 0; i < survey->count; i++) {
        struct wf_visit *visit = &survey->visits[i];
        weft_loop *loop = survey->loops->members[i].loop;
        if (visit->is_late)
            continue;
        visit->copies = survey->is_second;
        if (loop == wf_loop_current)
            visit_look(visit, loop->sched);
        else
            visit_send(visit, loop);
    }
    if (survey->out_count == 0)
        survey_go_on(survey);
    else
        weft_timer_start(wf_loop_current, &survey->limit, weft_after(survey->patience));
}

struct wf_survey *wf_survey_new(struct wf_loops *loops)
{
    struct wf_survey *survey = wf_alloc(sizeof *survey + loops->count * sizeof survey->visits[0]);
    if (survey == NULL)
        return NULL;
    survey->loops = loops;
    survey->count = loops->count;
    atomic_init(&survey->refs, 1);
    weft_timer_init(&survey->limit, survey_is_tired);
    for (uint32_t i = 0; i < survey->count; i++)
        survey->visits[i].survey = survey;
    return survey;
}

/* A mark that comes round again was put by a survey long over: what has it has lasted longer. */
void wf_survey_begin(struct wf_survey *survey)
{
    struct wf_loops *loops = survey->loops;
    survey->mark = (uint8_t)(SURVEY_MARK_FIRST + loops->survey_count++ % (256 - SURVEY_MARK_FIRST));
    survey->is_entered = wf_loops_try_enter(loops);
    for (uint32_t i = 0; !survey->is_entered && i < survey->count; i++)
        survey->visits[i].is_late = i != 0; /* the run is over, they may have gone */
    struct wf_survey **end = &loops->surveys;
    while (*end != NULL)
        end = &(*end)->next;
    *end = survey;
    if (loops->surveys == survey)
        survey_ask(survey);
}

void wf_survey_free(struct wf_survey *survey)
{
    if (survey != NULL)
        survey_unref(survey);
}
