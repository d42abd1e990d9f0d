/* SPDX-License-Identifier: MIT */

/* What is new, over HTTP: discovery as a job, reviews of what it proposes, drift. */
#include "service/desk.h"

#include <weft/discover.h>
#include <weft/drift.h>
#include <weft/file.h>
#include <weft/io.h>

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>

#define FRUIT                                                                                      \
    "{\"entities\":[{\"id\":\"a\",\"name\":\"Apple\"},{\"id\":2,\"name\":\"Banana\"},"             \
    "{\"id\":\"c\",\"name\":\"Cherry\"}]}"

#define TEXT_COUNT 12
static const weft_str texts[TEXT_COUNT] = {
    WEFT_STR("where is my parcel now"),       WEFT_STR("where is the parcel today"),
    WEFT_STR("where is my parcel please"),    WEFT_STR("where is the parcel then"),
    WEFT_STR("where is my parcel at last"),   WEFT_STR("where is the other parcel"),
    WEFT_STR("vegan lunch menu on monday"),   WEFT_STR("vegan lunch menu on tuesday"),
    WEFT_STR("vegan lunch menu on thursday"), WEFT_STR("vegan lunch menu on friday"),
    WEFT_STR("vegan lunch menu on saturday"), WEFT_STR("vegan lunch menu on sunday"),
};

/* {"texts":[…]` tail `} */
static const char *body_of(const char *tail)
{
    static char body[2048];
    size_t at = (size_t)snprintf(body, sizeof(body), "{\"texts\":[");
    for (size_t i = 0; i < TEXT_COUNT; i++)
        at += (size_t)snprintf(body + at, sizeof(body) - at, "%s\"%s\"", i != 0 ? "," : "",
                               texts[i].ptr);
    snprintf(body + at, sizeof(body) - at, "]%s}", tail);
    return body;
}

static void open_with_fruit(struct desk *desk, const char *dir)
{
    desk_open(desk, 8);
    desk->service.store.dir = dir;
    CHECK_EQ(desk_call(desk, "PUT /v1/matchers/default", FRUIT), 201);
    desk_work(desk);
}

/* Makes the job, follows it to its end; "GET /v1/jobs/ID" and `tail`. */
static const char *discover(struct desk *desk, const char *tail)
{
    static char line[96];
    CHECK_EQ(desk_call(desk, "POST /v1/discover", body_of(tail)), 202);
    char job[20];
    snprintf(job, sizeof(job), "%.16s", desk->answer.body + strlen("{\"job\":\""));
    snprintf(line, sizeof(line), "GET /v1/jobs/%s/events", job);
    CHECK_EQ(desk_call(desk, line, NULL), 200);
    snprintf(line, sizeof(line), "GET /v1/jobs/%s/result", job);
    return line;
}

/* The id of the n-th review of the last answer. */
static const char *review_line(struct desk *desk, const char *method)
{
    static char line[96];
    const char *id = strstr(desk->answer.body, "{\"review_id\":\"");
    CHECK(id != NULL);
    snprintf(line, sizeof(line), "%s /v1/reviews/%.10s", method, id + strlen("{\"review_id\":\""));
    return line;
}

/* As the library says it, to the byte. */
TASK_TEST(discover_is_a_job_whose_result_is_the_librarys)
{
    static struct desk desk;
    open_with_fruit(&desk, NULL);
    const char *result = discover(&desk, ",\"all\":true");
    CHECK(desk_says(&desk, "event: done\n"));
    CHECK(desk_says(&desk, "\"kind\":\"discover\""));
    CHECK(desk_says(&desk, "\"completed\":120,\"total\":120,\"error\":null"));

    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_text text;
    weft_m_discover_options_init(&options);
    options.all_are_novel = true;
    struct named *named = registry_get(&desk.service.registry, weft_str_of("default"));
    CHECK_OK(weft_m_discover(named->matcher, texts, TEXT_COUNT, &options, &found, NULL));
    CHECK_OK(weft_m_discovery_json(found, texts, &text));
    CHECK_EQ(found->cluster_count, 2);
    CHECK_EQ(desk_call(&desk, result, NULL), 200);
    CHECK_STR(desk.answer.body, text.ptr);
    weft_text_free(&text);
    weft_m_discovery_free(found);
    registry_release(named);
    desk_close(&desk);
}

#define UNFITTED "{\"entities\":[{\"id\":1,\"name\":\"Red\"}],\"options\":{\"mode\":\"head-only\"}}"

TASK_TEST(discover_that_is_wrong_is_refused_or_says_why)
{
    static struct desk desk;
    open_with_fruit(&desk, NULL);
    CHECK_EQ(desk_call(&desk, "POST /v1/discover", "{\"texts\":[]}"), 422);
    CHECK_EQ(desk_call(&desk, "POST /v1/discover", "{\"texts\":[\"a\"],\"cluster_size\":1}"), 422);
    CHECK(desk_says(&desk, "cluster_size: must be 0 or from 2 to 10000"));
    CHECK_EQ(desk_call(&desk, "POST /v1/discover", "{\"texts\":[\"a\"],\"alpha\":0}"), 422);
    CHECK(desk_says(&desk, "alpha: must be a number above 0 and below 1"));
    CHECK_EQ(desk_call(&desk, "POST /v1/discover", "{\"texts\":[\"a\"],\"review\":true}"), 409);
    CHECK(desk_says(&desk, "--data"));
    CHECK_EQ(desk_call(&desk, "POST /v1/discover", "{\"texts\":[\"a\"],\"clustering\":\"kmeans\"}"),
             422);
    CHECK(desk_says(&desk, "clustering: must be average, hdbscan, components or louvain"));
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", UNFITTED), 200);
    const char *result = discover(&desk, "");
    CHECK(desk_says(&desk, "event: failed\n"));
    CHECK_EQ(desk_call(&desk, result, NULL), 409);
    CHECK(desk_says(&desk, "the job is failed"));
    CHECK_EQ(desk_call(&desk, "GET /v1/jobs/0123456789abcdef/result", NULL), 404);
    CHECK_EQ(desk_call(&desk, "POST /v1/fit", "{\"mode\":\"zero-shot\"}"), 202);
    char line[64];
    snprintf(line, sizeof(line), "GET /v1/jobs/%.16s", desk.answer.body + 8);
    char tail[96];
    snprintf(tail, sizeof(tail), "%s/events", line);
    CHECK_EQ(desk_call(&desk, tail, NULL), 200);
    snprintf(tail, sizeof(tail), "%s/result", line);
    CHECK_EQ(desk_call(&desk, tail, NULL), 409);
    CHECK(desk_says(&desk, "a fit has no result"));
    desk_close(&desk);
}

/* As a batch of too many is. */
TASK_TEST(too_many_texts_are_over_a_limit)
{
    static const char *const lines[] = {"POST /v1/discover", "POST /v1/drift", "PUT /v1/profile"};
    static struct desk desk;
    const char *dir = desk_make_dir();
    const size_t count = 100001;
    char *body = malloc(4 * count + 32), *at = body;
    open_with_fruit(&desk, dir);
    at += sprintf(at, "{\"texts\":[");
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s\"a\"", i == 0 ? "" : ",");
    sprintf(at, "]}");
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        CHECK_EQ(desk_call(&desk, lines[i], body), 413);
        CHECK(desk_says(&desk, "\"code\":\"too_large\""));
        CHECK(desk_says(&desk, "\"field\":\"texts\""));
        CHECK(desk_says(&desk, "\"seen\":100001"));
    }
    free(body);
    desk_close(&desk);
    CHECK_OK(weft_rmdir(dir));
}

TASK_TEST(reviews_are_listed_decided_and_promoted)
{
    static struct desk desk;
    const char *dir = desk_make_dir();
    open_with_fruit(&desk, dir);
    CHECK_EQ(desk_call(&desk, "GET /v1/reviews", NULL), 200);
    CHECK_STR(desk.answer.body, "{\"reviews\":[],\"total\":0}");
    (void)discover(&desk, ",\"all\":true,\"review\":true");
    CHECK_EQ(desk_call(&desk, "GET /v1/reviews?state=pending_review&limit=1", NULL), 200);
    CHECK(desk_says(&desk, "],\"total\":2}"));
    char line[96];
    snprintf(line, sizeof(line), "%s", review_line(&desk, "POST"));
    CHECK_EQ(desk_call(&desk, review_line(&desk, "GET"), NULL), 200);
    CHECK(strncmp(desk.answer.body, "{\"review_id\":\"", 14) == 0);

    CHECK_EQ(desk_call(&desk, line, "{\"state\":\"approved\",\"notes\":\"we sell them\"}"), 200);
    CHECK(strncmp(desk.answer.body, "{\"review_id\":\"", 14) == 0);
    CHECK(desk_says(&desk, "\"state\":\"approved\""));
    CHECK(desk_says(&desk, "\"notes\":\"we sell them\""));
    CHECK_EQ(desk_call(&desk, line, "{\"state\":\"rejected\"}"), 409);
    CHECK(desk_says(&desk, "approved -> rejected"));
    CHECK_EQ(desk_call(&desk, line, "{\"state\":\"promoted\",\"notes\":\"since May\"}"), 200);
    CHECK(desk_says(&desk, "\"notes\":\"since May\""));
    CHECK(strncmp(desk.answer.body, "{\"review_record\":{\"review_id\":\"", 31) == 0);
    CHECK(desk_says(&desk, "},\"entities_added\":1,\"index_updated\":true,"
                           "\"retrain_required\":false}"));
    CHECK_EQ(desk_call(&desk, "POST /v1/match", "{\"query\":\"parcel\"}"), 200);
    CHECK(!desk_says(&desk, "\"result\":null"));
    CHECK_EQ(desk_call(&desk, "GET /v1/reviews?state=promoted", NULL), 200);
    CHECK(desk_says(&desk, "],\"total\":1}"));
    struct stat info;
    char path[128];
    snprintf(path, sizeof(path), "%s/default.weftm", dir);
    CHECK_OK(weft_stat(path, &info)); /* saved with it */

    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/default", NULL), 204);
    desk_close(&desk);
    CHECK_OK(weft_rmdir(dir)); /* its reviews are gone with it */
}

static const struct {
    const char *line, *body;
    int status;
    const char *says;
} refused[] = {
    {"GET /v1/reviews?state=odd", NULL, 422, "pending_review"},
    {"GET /v1/reviews?limit=0", NULL, 422, "limit"},
    {"GET /v1/reviews/none", NULL, 404, "no such review"},
    {"POST /v1/reviews/none", "{\"state\":\"approved\"}", 404, "no review none"},
    {"POST /v1/reviews/none", "{\"state\":\"pending_review\"}", 422, "\"field\":\"state\""},
    {"POST /v1/reviews/none", "{}", 422, "\"field\":\"state\""},
    {"GET /v1/profile", NULL, 404, "no profile"},
    {"POST /v1/drift", "{\"texts\":[\"a\",\"b\"]}", 404, "no profile"},
    {"POST /v1/drift", "{\"texts\":[\"a\"]}", 422, "\"field\":\"texts\""},
    {"PUT /v1/profile", "{\"texts\":[\"a\"]}", 422, "\"field\":\"texts\""},
    {"POST /v1/reviews/none", "{\"state\":\"approved\",\"notes\":\"a\\u0000b\"}", 422,
     "notes: must not have the character U+0000"},
};

TASK_TEST(reviews_and_drift_refuse_what_makes_no_sense)
{
    static struct desk desk;
    const char *dir = desk_make_dir();
    open_with_fruit(&desk, dir);
    for (size_t i = 0; i < sizeof(refused) / sizeof(*refused); i++) {
        CHECK_EQ(desk_call(&desk, refused[i].line, refused[i].body), refused[i].status);
        CHECK(desk_says(&desk, refused[i].says));
    }
    desk.service.store.dir = NULL;
    CHECK_EQ(desk_call(&desk, "GET /v1/reviews", NULL), 409);
    CHECK_EQ(desk_call(&desk, "PUT /v1/profile", "{\"texts\":[\"a\",\"b\"]}"), 409);
    desk.service.access = (struct access){0};
    CHECK_EQ(desk_call(&desk, "POST /v1/discover", "{\"texts\":[\"a\"]}"), 403);
    CHECK_EQ(desk_call(&desk, "POST /v1/reviews/x", "{\"state\":\"approved\"}"), 403);
    CHECK_EQ(desk_call(&desk, "PUT /v1/profile", "{\"texts\":[\"a\",\"b\"]}"), 403);
    desk_close(&desk);
    desk_drop_dir(dir);
}

/* Reviews and what a discovery found hold texts that users wrote. */
TASK_TEST(texts_of_users_are_shown_to_those_who_may_change_things)
{
    static const char *const lines[] = {"GET /v1/reviews", "GET /v1/matchers/default/reviews",
                                        "GET /v1/reviews/x",
                                        "GET /v1/jobs/0123456789abcdef/result"};
    static struct desk desk;
    const char *dir = desk_make_dir();
    open_with_fruit(&desk, dir);
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        desk.service.access = (struct access){0};
        CHECK_EQ(desk_call(&desk, lines[i], NULL), 403);
        desk.service.access = (struct access){.token = "0123456789abcdef", .token_bytes = 16};
        CHECK_EQ(desk_call(&desk, lines[i], NULL), 401);
        CHECK_EQ(
            desk_call_with(&desk, lines[i], "Authorization: Bearer 0123456789abcdef\r\n", NULL),
            i < 2 ? 200 : 404);
    }
    CHECK_EQ(desk_call(&desk, "GET /v1/jobs", NULL), 200); /* how they stand is free */
    desk_close(&desk);
    desk_drop_dir(dir);
}

static void save_as(const char *dir, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    CHECK_OK(weft_file_save(path, text, strlen(text), 0600));
}

TASK_TEST(what_is_wrong_with_a_file_is_said_without_its_directory)
{
    static struct desk desk;
    const char *dir = desk_make_dir();
    open_with_fruit(&desk, dir);
    save_as(dir, "default.reviews.json", "no list");
    save_as(dir, "default.profile.json", "no profile");
    CHECK_EQ(desk_call(&desk, "GET /v1/reviews", NULL), 500);
    CHECK(desk_says(&desk, "\"message\":\"default.reviews.json: no list of reviews"));
    CHECK_EQ(desk_call(&desk, "POST /v1/reviews/x", "{\"state\":\"approved\"}"), 500);
    CHECK(desk_says(&desk, "\"message\":\"default.reviews.json: "));
    CHECK_EQ(desk_call(&desk, "GET /v1/profile", NULL), 500);
    CHECK(desk_says(&desk, "\"message\":\"default.profile.json: "));
    (void)discover(&desk, ",\"all\":true,\"review\":true");
    CHECK(desk_says(&desk, "event: failed\n"));
    CHECK(desk_says(&desk, "\"message\":\"default.reviews.json: "));
    CHECK(!desk_says(&desk, dir));
    desk_close(&desk);
    desk_drop_dir(dir);
}

/* A program on the command line is at work on them. */
TASK_TEST(a_matcher_whose_reviews_are_being_changed_is_not_deleted)
{
    static struct desk desk;
    const char *dir = desk_make_dir();
    char path[128];
    open_with_fruit(&desk, dir);
    (void)discover(&desk, ",\"all\":true,\"review\":true");
    snprintf(path, sizeof(path), "%s/default.reviews.json.lock", dir);
    int fd = weft_open(path, O_RDWR, 0);
    CHECK_OK(fd);
    if (flock(fd, LOCK_EX) == 0) { /* simulated files have none */
        CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/default", NULL), 409);
        CHECK(
            desk_says(&desk, "\"code\":\"conflict\",\"message\":\"default.reviews.json is being"));
        CHECK_EQ(desk_call(&desk, "GET /v1/reviews", NULL), 200);
        CHECK(desk_says(&desk, "\"total\":2}"));
    }
    CHECK_OK(weft_close(fd));
    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/default", NULL), 204);
    desk_close(&desk);
    CHECK_OK(weft_rmdir(dir));
}

TASK_TEST(drift_compares_with_the_profile_that_was_kept)
{
    static struct desk desk;
    const char *dir = desk_make_dir();
    open_with_fruit(&desk, dir);
    CHECK_EQ(desk_call(&desk, "PUT /v1/profile", body_of("")), 200);
    CHECK(desk_says(&desk, "{\"texts\":12,\"time\":"));
    CHECK_EQ(desk_call(&desk, "GET /v1/profile", NULL), 200);
    CHECK(desk_says(&desk, "{\"texts\":12,\"time\":"));
    CHECK_EQ(desk_call(&desk, "POST /v1/drift", body_of("")), 200);
    CHECK(desk_says(&desk, "\"drift_detected\":false,\"method\":\"mmd_linear\""));
    CHECK_EQ(desk_call(&desk, "POST /v1/drift",
                       "{\"texts\":[\"apple\",\"apple\",\"apple\",\"apple\"],"
                       "\"method\":\"cosine_centroid\"}"),
             200);
    CHECK(desk_says(&desk, "\"drift_detected\":true,\"method\":\"cosine_centroid\""));
    CHECK_EQ(desk_call(&desk, "POST /v1/drift", body_of(",\"method\":\"chance\"")), 422);
    CHECK(desk_says(&desk, "method: must be mmd_linear, kl_gaussian or cosine_centroid"));
    desk_close(&desk);
    desk_drop_dir(dir);
}
