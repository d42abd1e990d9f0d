/* SPDX-License-Identifier: MIT */

/* One service and two loops, each on its thread: they see the same matchers, jobs and locks. */
#include "service/desk.h"
#include "service/fit_order.h"

#include <weft/gather.h>
#include <weft/loops.h>

struct visitor {
    struct service *service;
    weft_str name; /* of its matcher */
    unsigned done, cancelled;
};

/* A job of its own, followed to its end; each third is cancelled on the way. */
static void visit_job(struct visitor *self, int round)
{
    struct jobs *jobs = &self->service->jobs;
    struct job_order order = {.kind = &fit_kind};
    struct job_view view;
    char id[JOBS_ID_BYTES];
    struct named *named = registry_get(&self->service->registry, self->name);
    CHECK(named != NULL);
    weft_m_fit_options_init(&order.fit.options);
    CHECK_OK(jobs_add(jobs, named, &order, id));
    struct job *job = jobs_get(jobs, weft_str_of(id));
    CHECK(job != NULL);
    if (round % 3 == 0) {
        CHECK_OK(jobs_watch(jobs, job, (uint64_t)(round % 4), &view));
        jobs_cancel(jobs, job, "the test");
    }
    CHECK_OK(jobs_watch(jobs, job, UINT64_MAX, &view));
    CHECK(view.state == JOB_DONE || (view.state == JOB_CANCELLED && round % 3 == 0));
    self->done += view.state == JOB_DONE;
    self->cancelled += view.state == JOB_CANCELLED;
    jobs_release(jobs, job);
}

static void put(struct service *service, weft_str name)
{
    static const weft_m_entity entities[] = {{.id = WEFT_STR("a"), .name = WEFT_STR("Apple")},
                                             {.id = WEFT_STR("b"), .name = WEFT_STR("Banana")}};
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.metric = measures_take;
    options.metric_arg = &service->measures;
    CHECK_OK(weft_m_open(&matcher, entities, 2, &options, NULL));
    CHECK_OK(registry_put(&service->registry, name, matcher));
}

/* A matcher that both replace and ask all the time. */
static void visit_shared(struct service *service, int round)
{
    weft_str text = WEFT_STR("banana");
    weft_m_results *results;
    size_t count;
    if (round % 5 == 0)
        put(service, weft_str_of("shared"));
    struct named *named = registry_get(&service->registry, weft_str_of("shared"));
    CHECK(named != NULL);
    CHECK_OK(weft_m_match(named->matcher, &text, 1, NULL, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    CHECK(count == 1 && hits[0].id.ptr[0] == 'b');
    weft_m_results_free(results);
    registry_release(named);
}

static int visitor_body(void *arg)
{
    struct visitor *self = arg;
    for (int round = 0; round < 30; round++) {
        visit_shared(self->service, round);
        visit_job(self, round);
    }
    return 0;
}

LOOPS_TEST(service_is_the_same_on_every_loop, 2)
{
    static struct service service;
    struct visitor visitors[4] = {0};
    weft_task tasks[4];
    service = (struct service){0};
    service_init(&service, 8);
    put(&service, weft_str_of("shared"));
    put(&service, weft_str_of("one"));
    put(&service, weft_str_of("two"));
    weft_task work = weft_spawn(jobs_run, &service.jobs);
    for (unsigned i = 0; i < 4; i++) {
        visitors[i] =
            (struct visitor){.service = &service, .name = weft_str_of(i < 2 ? "one" : "two")};
        tasks[i] = weft_spawn_on(weft_loop_at(i % 2), visitor_body, &visitors[i]);
    }
    CHECK_OK(weft_gather_n(tasks, 4));
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(visitors[i].done + visitors[i].cancelled, 30u);
        CHECK_GE(visitors[i].done, 20u);
    }
    CHECK_EQ(jobs_stop(&service.jobs), 0u);
    CHECK_OK(weft_await(work));
    service_fini(&service);
}
