/* SPDX-License-Identifier: MIT */

/* Jobs over HTTP: made, followed, cancelled, forgotten. */
#include "service/desk.h"
#include "service/fit_order.h"

#include <weft/error.h>
#include <weft/event.h>
#include <weft/gather.h>
#include <weft/scope.h>

#include <stdlib.h>

#define FRUIT                                                                                      \
    "{\"entities\":[{\"id\":\"a\",\"name\":\"Apple\"},{\"id\":2,\"name\":\"Banana\"},"             \
    "{\"id\":\"c\",\"name\":\"Cherry\"}]}"
/* "Gala" is an apple, which nobody would guess. */
#define LESSON                                                                                     \
    "{\"mode\":\"head-only\",\"training_data\":[{\"text\":\"gala\",\"label\":\"a\"},"              \
    "{\"text\":\"royal gala\",\"label\":\"a\"},{\"text\":\"cavendish\",\"label\":2},"              \
    "{\"text\":\"morello\",\"label\":\"c\"},{\"text\":\"spanner\",\"label\":null}]}"
#define ZERO_SHOT "{\"mode\":\"zero-shot\"}"
#define GALA "{\"query\":\"gala\",\"threshold\":0.3}"
#define GALA_METADATA "{\"query\":\"gala\",\"threshold\":0.3,\"metadata\":true}"

static void desk_open_with_fruit(struct desk *desk)
{
    desk_open(desk, 8);
    CHECK_EQ(desk_call(desk, "PUT /v1/matchers/default", FRUIT), 201);
}

/* POST of a fit; the job's line for another method: "GET /v1/jobs/…". */
static const char *fit(struct desk *desk, const char *order, const char *method)
{
    static char line[64];
    CHECK_EQ(desk_call(desk, "POST /v1/fit", order), 202);
    CHECK(strncmp(desk->answer.body, "{\"job\":\"", 8) == 0);
    snprintf(line, sizeof(line), "%s /v1/jobs/%.16s", method, desk->answer.body + 8);
    CHECK_EQ(strcmp(answer_field(&desk->answer, "Location"), strchr(line, '/')), 0);
    return line;
}

static const char *with(const char *line, const char *tail)
{
    static char whole[96];
    snprintf(whole, sizeof(whole), "%s%s", line, tail);
    return whole;
}

/* Follows it to its end. */
static void wait_for(struct desk *desk, const char *line)
{
    CHECK_EQ(desk_call(desk, with(line, "/events"), NULL), 200);
    CHECK_STR(answer_field(&desk->answer, "Content-Type"), "text/event-stream");
}

TASK_TEST(job_fits_a_matcher)
{
    static struct desk desk;
    desk_open_with_fruit(&desk);
    desk_work(&desk);
    CHECK_EQ(desk_call(&desk, "POST /v1/match", GALA), 200);
    CHECK(desk_says(&desk, "{\"result\":null,\"mode\":\"zero-shot\""));

    const char *job = fit(&desk, LESSON, "GET");
    wait_for(&desk, job);
    CHECK(desk_says(&desk, "event: done\n"));
    CHECK(strstr(desk.answer.body, "event: failed") == NULL);
    CHECK_EQ(desk_call(&desk, job, NULL), 200);
    CHECK(desk_says(&desk, "\"kind\":\"fit\",\"matcher\":\"default\",\"state\":\"done\","));
    CHECK(desk_says(&desk, ",\"error\":null,\"queued_at\":\"20"));
    size_t completed = strtoul(strstr(desk.answer.body, "\"completed\":") + 12, NULL, 10);
    size_t total = strtoul(strstr(desk.answer.body, "\"total\":") + 8, NULL, 10);
    CHECK_GT(total, 0u);
    CHECK_EQ(completed, total);

    CHECK_EQ(desk_call(&desk, "POST /v1/match", GALA), 200);
    CHECK(desk_says(&desk, "{\"result\":{\"id\":\"a\","));
    CHECK(desk_says(&desk, ",\"mode\":\"head-only\""));
    CHECK_EQ(desk_call(&desk, "GET /v1/jobs", NULL), 200);
    CHECK(desk_says(&desk, "{\"jobs\":[{\"job\":\""));
    desk_close(&desk);
}

TASK_TEST(job_that_cannot_learn_says_why)
{
    static struct desk desk;
    desk_open_with_fruit(&desk);
    desk_work(&desk);
    const char *job = fit(
        &desk, "{\"mode\":\"head-only\",\"training_data\":[{\"text\":\"x\",\"label\":\"nobody\"}]}",
        "GET");
    wait_for(&desk, job);
    CHECK(desk_says(&desk, "event: failed\n"));
    CHECK_EQ(desk_call(&desk, job, NULL), 200);
    CHECK(desk_says(&desk, "\"state\":\"failed\""));
    CHECK(desk_says(&desk, "\"error\":{\"code\":\"validation_error\",\"message\":\""));
    CHECK_EQ(desk_call(&desk, "POST /v1/match", "{\"query\":\"apple\"}"), 200); /* as it was */
    CHECK(desk_says(&desk, "{\"result\":{\"id\":\"a\",\"score\":1.0"));
    desk_close(&desk);
}

static const struct {
    const char *line, *body;
    int status;
    const char *says;
} refused[] = {
    {"POST /v1/matchers/none/fit", "{}", 404, "\"not_found\""},
    {"GET /v1/jobs/0123456789abcdef", NULL, 404, "\"not_found\""},
    {"GET /v1/jobs/x/events", NULL, 404, "\"not_found\""},
    {"DELETE /v1/jobs/x", NULL, 404, "\"not_found\""},
    {"POST /v1/fit", "{\"mode\":\"magic\"}", 422,
     "{\"code\":\"mode_error\",\"message\":\"Invalid mode: magic\",\"field\":\"mode\""},
    {"POST /v1/fit", "{\"training_data\":[]}", 422, "\"field\":\"training_data\""},
    {"POST /v1/fit", "{\"training_data\":[{\"text\":\"a\"}]}", 422,
     "\"field\":\"training_data[0].label\""},
    {"POST /v1/fit", "{\"training_data\":[{\"text\":5,\"label\":[]}]}", 422, "\"error_count\":2"},
    {"POST /v1/fit", "{\"options\":{\"epochs\":1}}", 422, "\"field\":\"options.epochs\""},
    {"POST /v1/fit", "{\"options\":{\"head_c\":0}}", 422, "\"field\":\"options.head_c\""},
    {"POST /v1/fit", "{\"options\":{\"seed\":-1,\"num_epochs\":-1,\"batch_size\":1.5}}", 422,
     "\"error_count\":3"},
};

TASK_TEST(job_that_is_wrong_is_refused_by_its_field)
{
    static struct desk desk;
    desk_open_with_fruit(&desk);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        CHECK_EQ(desk_call(&desk, refused[i].line, refused[i].body), refused[i].status);
        CHECK(desk_says(&desk, refused[i].says));
    }
    CHECK_EQ(desk_call(&desk, "GET /v1/jobs", NULL), 200);
    CHECK_STR(desk.answer.body, "{\"jobs\":[]}");
    desk.service.access = (struct access){0};
    CHECK_EQ(desk_call(&desk, "POST /v1/fit", "{}"), 403);
    CHECK_EQ(desk_call(&desk, "DELETE /v1/jobs/x", NULL), 403);
    desk_close(&desk);
}

/* ---- following ---- */

/* Who comes again with the id of the last event gets what came behind it, and at the end nothing.
 */
TASK_TEST(job_is_followed_on_from_the_last_event)
{
    static struct desk desk;
    desk_open_with_fruit(&desk);
    char job[64];
    snprintf(job, sizeof(job), "%s", fit(&desk, ZERO_SHOT, "GET"));

    weft_stream *client = client_open(&desk.site);
    client_send(client, desk_request(with(job, "/events"), "", NULL));
    weft_str shown;
    CHECK_GT(weft_stream_peek_until(client, (weft_str)WEFT_STR("}\n\n"), 4096, &shown), 0);
    CHECK(memmem(shown.ptr, shown.len, "event: queued\nid: 1\n", 20) != NULL ||
          memmem(shown.ptr, shown.len, "id: 1\n", 6) != NULL);
    weft_stream_abort(client); /* gone; the job waits on */

    desk_work(&desk);
    CHECK_EQ(desk_call_with(&desk, with(job, "/events"), "Last-Event-ID: 1\r\n", NULL), 200);
    CHECK(!desk_says(&desk, "event: queued\n"));
    CHECK(desk_says(&desk, "event: done\n"));

    CHECK_EQ(desk_call_with(&desk, with(job, "/events"), "Last-Event-ID: 99999999999999999999\r\n",
                            NULL),
             200); /* of another life of the service: from the beginning */
    CHECK(desk_says(&desk, "event: done\n"));
    char *id = strstr(desk.answer.body, "id: ");
    char last[64];
    snprintf(last, sizeof(last), "Last-Event-ID: %lu\r\n", strtoul(id + 4, NULL, 10));
    CHECK_EQ(desk_call_with(&desk, with(job, "/events"), last, NULL), 204);
    desk_close(&desk);
}

/* ---- the queue ---- */

TASK_TEST(jobs_have_a_bounded_queue)
{
    static struct desk desk;
    char first[64];
    desk_open_with_fruit(&desk);
    snprintf(first, sizeof(first), "%s", fit(&desk, ZERO_SHOT, "DELETE"));
    for (int i = 1; i < JOBS_QUEUE_MAX; i++)
        (void)fit(&desk, ZERO_SHOT, "GET");
    CHECK_EQ(desk_call(&desk, "POST /v1/fit", ZERO_SHOT), 429);
    CHECK(desk_says(&desk, "\"code\":\"rate_limited\""));
    CHECK_STR(answer_field(&desk.answer, "Retry-After"), "1");

    CHECK_EQ(desk_call(&desk, first, NULL), 200);
    CHECK(desk_says(&desk, "\"state\":\"cancelled\""));
    CHECK(desk_says(&desk,
                    "\"error\":{\"code\":\"cancelled\",\"message\":\"somebody asked for it\""));
    (void)fit(&desk, ZERO_SHOT, "GET");
    desk_close(&desk);
}

TASK_TEST(jobs_that_are_over_are_kept_for_a_while_and_not_too_many)
{
    static struct desk desk;
    static struct job_view views[JOBS_KEPT_MAX + 8];
    struct registry *registry = &desk.service.registry;
    desk_open_with_fruit(&desk);
    desk_work(&desk);
    for (int i = 0; i < JOBS_KEPT_MAX + 5; i++) {
        struct job_order order = {.kind = &fit_kind};
        weft_m_fit_options_init(&order.fit.options);
        struct job_view view;
        char id[JOBS_ID_BYTES];
        CHECK_OK(jobs_add(&desk.service.jobs, registry_get(registry, weft_str_of("default")),
                          &order, id));
        struct job *job = jobs_get(&desk.service.jobs, weft_str_of(id));
        CHECK_OK(jobs_watch(&desk.service.jobs, job, UINT64_MAX, &view));
        CHECK_EQ(view.state, JOB_DONE);
        jobs_release(&desk.service.jobs, job);
    }
    CHECK_EQ(jobs_list(&desk.service.jobs, views, JOBS_KEPT_MAX + 8), JOBS_KEPT_MAX);
    CHECK_OK(weft_sleep(JOBS_AGE_MAX + WEFT_SEC));
    CHECK_EQ(jobs_list(&desk.service.jobs, views, JOBS_KEPT_MAX + 8), 0u);
    desk_close(&desk);
}

/* ---- the end ---- */

/* What waits and what runs is cancelled and said so; who watches is let go; no more are taken. */
TASK_TEST(jobs_end_with_the_service)
{
    static struct desk desk;
    desk_open_with_fruit(&desk);
    char job[64];
    snprintf(job, sizeof(job), "%s", fit(&desk, ZERO_SHOT, "GET"));
    weft_stream *client = client_open(&desk.site);
    client_send(client, desk_request(with(job, "/events"), "", NULL));
    weft_str shown;
    CHECK_GT(weft_stream_peek_until(client, (weft_str)WEFT_STR("}\n\n"), 4096, &shown), 0);

    CHECK_EQ(jobs_stop(&desk.service.jobs), 1u);
    struct answer answer;
    CHECK_OK(client_read(client, &answer));
    CHECK(strstr(answer.body, "event: cancelled\n") != NULL);
    CHECK(strstr(answer.body, "\"message\":\"the service ends\"") != NULL);
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_EQ(desk_call(&desk, "POST /v1/fit", ZERO_SHOT), 503);
    CHECK(answer_field(&desk.answer, "Retry-After") != NULL);
    desk_close(&desk);
}

TASK_TEST(jobs_end_with_their_matcher)
{
    static struct desk desk;
    char first[64];
    desk_open_with_fruit(&desk);
    snprintf(first, sizeof(first), "%s", fit(&desk, ZERO_SHOT, "GET"));
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", FRUIT), 200);
    CHECK_EQ(desk_call(&desk, first, NULL), 200);
    CHECK(desk_says(&desk, "\"message\":\"the matcher was replaced or deleted\""));
    snprintf(first, sizeof(first), "%s", fit(&desk, ZERO_SHOT, "GET"));
    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/default", NULL), 204);
    CHECK_EQ(desk_call(&desk, first, NULL), 200);
    CHECK(desk_says(&desk, "\"state\":\"cancelled\""));
    desk_close(&desk);
}

/* Many times, at another moment each: it ends, nothing is left of it, and the matcher answers as
 * before or after. */
TASK_TEST(job_is_cancelled_at_any_moment)
{
    static struct desk desk;
    struct jobs *jobs = &desk.service.jobs;
    unsigned cancelled = 0, done = 0, count = strcmp(test_backend(), "sim") == 0 ? 300 : 100;
    desk_open_with_fruit(&desk);
    desk_work(&desk);
    for (unsigned i = 0; i < count; i++) {
        struct job_view view;
        struct job *job = jobs_get(jobs, weft_str_of(fit(&desk, LESSON, "GET") + 13));
        CHECK_OK(jobs_watch(jobs, job, i % 97, &view)); /* up to a step of it, then some turns */
        for (unsigned turns = i * 7 % 13; turns > 0; turns--)
            CHECK_OK(weft_yield());
        jobs_cancel(jobs, job, "the test");
        CHECK_OK(jobs_watch(jobs, job, UINT64_MAX, &view));
        cancelled += view.state == JOB_CANCELLED;
        done += view.state == JOB_DONE;
        jobs_release(jobs, job);
    }
    note("%u cancelled, %u done", cancelled, done);
    CHECK_EQ(cancelled + done, count);
    CHECK_GT(cancelled, count / 10);
    CHECK_GT(done, count / 10);
    CHECK_EQ(desk_call(&desk, "POST /v1/match", "{\"query\":\"apple\"}"), 200);
    CHECK(desk_says(&desk, "{\"result\":{\"id\":\"a\","));
    desk_close(&desk);
}

/* ---- refit under load ---- */

struct asker {
    struct desk *desk;
    weft_event *warm;
    bool wants_metadata, is_over;
    unsigned counts[2];
};

/* Each answer is that of the one snapshot or of the other, to the byte. */
static int asker_body(void *arg)
{
    static const char *const answers[] = {"{\"result\":null,\"mode\":\"zero-shot\",",
                                          "{\"result\":{\"id\":\"a\","};
    struct asker *asker = arg;
    char request[512];
    snprintf(request, sizeof(request), "%s",
             desk_request("POST /v1/match", "", asker->wants_metadata ? GALA_METADATA : GALA));
    while (!asker->is_over) {
        struct answer answer;
        CHECK_EQ(ask(&asker->desk->site, request, &answer), 200);
        bool is_first = strncmp(answer.body, answers[0], strlen(answers[0])) == 0;
        bool is_second = strncmp(answer.body, answers[1], strlen(answers[1])) == 0;
        CHECK(is_first != is_second);
        asker->counts[is_second]++;
        if (asker->wants_metadata) /* a match of its own, which must not be of another snapshot */
            CHECK(strstr(answer.body, is_second ? "\"match_method\":\"head-only\""
                                                : "\"match_method\":\"zero-shot\"") != NULL);
        answer_fini(&answer);
        weft_event_set(asker->warm);
    }
    return 0;
}

TASK_TEST(matcher_is_refitted_while_it_is_asked)
{
    static struct desk desk;
    weft_event warm = {0};
    struct asker askers[3];
    weft_task tasks[3];
    desk_open_with_fruit(&desk);
    desk_work(&desk);
    for (int i = 0; i < 3; i++) {
        askers[i] = (struct asker){.desk = &desk, .warm = &warm, .wants_metadata = i == 2};
        tasks[i] = weft_spawn(asker_body, &askers[i]);
    }
    CHECK_OK(weft_event_wait(&warm));
    for (int i = 0; i < 10; i++) {
        const char *job = fit(&desk, i % 2 == 0 ? LESSON : ZERO_SHOT, "GET");
        wait_for(&desk, job);
        CHECK(desk_says(&desk, "event: done\n"));
    }
    for (int i = 0; i < 3; i++)
        askers[i].is_over = true;
    CHECK_OK(weft_gather_n(tasks, 3));
    CHECK_GT(askers[0].counts[0], 0u);
    CHECK_GT(askers[0].counts[1], 0u);
    desk_close(&desk);
}

/* ---- whatever goes wrong ---- */

static int join(weft_task task)
{
    WEFT_SHIELD(shield, 3600 * WEFT_SEC);
    return weft_await(task);
}

static int put_fruit(struct service *service)
{
    static const weft_m_entity fruit[] = {{.id = WEFT_STR("a"), .name = WEFT_STR("Apple")},
                                          {.id = WEFT_STR("b"), .name = WEFT_STR("Banana")}};
    weft_matcher *matcher;
    WEFT_TRY(weft_m_open(&matcher, fruit, 2, NULL, NULL));
    int rc = registry_put(&service->registry, weft_str_of("fruit"), matcher);
    return rc < 0 ? rc : 0;
}

static int do_a_job(struct service *service)
{
    struct job_order order = {.kind = &fit_kind};
    struct job_view view;
    char id[JOBS_ID_BYTES];
    weft_m_fit_options_init(&order.fit.options);
    struct named *named = registry_get(&service->registry, weft_str_of("fruit"));
    WEFT_TRY(jobs_add(&service->jobs, named, &order, id));
    struct job *job = jobs_get(&service->jobs, weft_str_of(id));
    CHECK(job != NULL);
    int rc = jobs_watch(&service->jobs, job, UINT64_MAX, &view);
    jobs_release(&service->jobs, job);
    if (rc < 0)
        return rc;
    CHECK(job_is_over(view.state));
    return view.state == JOB_DONE ? 0 : view.error.rc;
}

SCENARIO(job_leaves_nothing_behind_whatever_fails)
{
    static struct service service;
    service = (struct service){0};
    service_init(&service, 4);
    int rc = put_fruit(&service);
    weft_task work = weft_spawn(jobs_run, &service.jobs);
    if (weft_done(work, NULL) != 0)
        (void)jobs_stop(&service.jobs);
    if (rc == 0)
        rc = do_a_job(&service);
    (void)jobs_stop(&service.jobs);
    int ended = join(work);
    service_fini(&service);
    return rc < 0 ? rc : ended;
}
