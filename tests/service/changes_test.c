/* SPDX-License-Identifier: MIT */

/* Changes of a matcher over HTTP: entities, threshold, saving and loading. */
#include "service/desk.h"

#include <weft/file.h>
#include <weft/gather.h>

#include <sys/stat.h>
#include <unistd.h>

#define FRUIT                                                                                      \
    "{\"entities\":[{\"id\":\"a\",\"name\":\"Apple\"},{\"id\":2,\"name\":\"Banana\"},"             \
    "{\"id\":\"c\",\"name\":\"Cherry\"}]}"

/* In this order. */
static const struct {
    const char *line, *body;
    int status;
    const char *says;
} steps[] = {
    {"PUT /v1/matchers/default", FRUIT, 201, "\"num_entities\":3"},
    {"POST /v1/entities", "{\"entities\":[{\"id\":\"d\",\"name\":\"Damson\"}]}", 200,
     "{\"entities\":4}"},
    {"POST /match?query=damson", NULL, 200, "{\"matched\":{\"id\":\"d\","},

    /* There already: nothing is added, unless it shall be updated. */
    {"POST /v1/entities",
     "{\"entities\":[{\"id\":\"e\",\"name\":\"Elder\"},{\"id\":2,\"name\":\"Plantain\"}]}", 409,
     "{\"error\":{\"code\":\"conflict\",\"message\":\"Entity IDs must be unique. Found duplicates: "
     "['2']\",\"field\":\"entities\",\"suggestion\":\"with"},
    {"POST /match?query=elder", NULL, 200, "{\"matched\":null}"},
    {"POST /v1/matchers/default/entities",
     "{\"update\":true,\"entities\":[{\"id\":\"e\",\"name\":\"Elder\"},"
     "{\"id\":2,\"name\":\"Plantain\"}]}",
     200, "{\"entities\":5}"},
    {"POST /match?query=plantain", NULL, 200, "{\"matched\":{\"id\":2,"},
    {"POST /match?query=banana", NULL, 200, "{\"matched\":null}"},
    {"POST /v1/entities",
     "{\"update\":true,\"entities\":[{\"id\":\"x\",\"name\":\"X\"},{\"id\":\"x\",\"name\":\"Y\"}]}",
     422, "\"field\":\"entities[1].id\""},

    /* All or none are removed, and one must stay. */
    {"DELETE /v1/entities", "{\"ids\":[\"a\",\"nobody\"]}", 404,
     "{\"error\":{\"code\":\"not_found\",\"message\":\"No entity has the id 'nobody'\","
     "\"field\":\"ids[1]\""},
    {"POST /match?query=apple", NULL, 200, "{\"matched\":{\"id\":\"a\","},
    {"DELETE /v1/entities", "{\"ids\":[2,{\"id\":\"a\"}]}", 200, "{\"entities\":3}"},
    {"POST /match?query=apple", NULL, 200, "{\"matched\":null}"},
    {"DELETE /v1/matchers/default/entities", "{\"ids\":[\"c\",\"d\",\"e\"]}", 422,
     "\"validation_error\""},
    {"DELETE /v1/entities", "{\"ids\":[]}", 422, "\"field\":\"ids\""},
    {"DELETE /v1/entities", "{\"ids\":[1.5]}", 422, "\"field\":\"ids[0]\""},
    {"DELETE /v1/entities", "{}", 422, "\"field\":\"ids\""},

    {"PUT /v1/threshold", "{\"threshold\":0.25}", 200, "{\"threshold\":0.25}"},
    {"GET /v1/info", NULL, 200, "\"threshold\":0.25"},
    {"PUT /v1/threshold", "{\"threshold\":1.5}", 422, "\"field\":\"threshold\""},
    {"PUT /v1/threshold", "{\"threshold\":null}", 422, "\"field\":\"threshold\""},
    {"PUT /v1/matchers/none/threshold", "{\"threshold\":1}", 404, "\"not_found\""},

    {"POST /v1/save", NULL, 409, "this service keeps nothing"},
    {"POST /v1/save", "{}", 409, "this service keeps nothing"},
    {"POST /v1/save", "{\"path\":\"x\"}", 422, "saving takes no fields"},
};

TASK_TEST(matcher_is_changed_step_by_step)
{
    static struct desk desk;
    desk_open(&desk, 4);
    for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++) {
        CHECK_EQ(desk_call(&desk, steps[i].line, steps[i].body), steps[i].status);
        CHECK(desk_says(&desk, steps[i].says));
    }
    desk_close(&desk);
}

TASK_TEST(matcher_is_not_changed_by_who_may_not)
{
    static const char *const calls[][2] = {
        {"POST /v1/entities", "{\"entities\":[{\"id\":1,\"name\":\"x\"}]}"},
        {"DELETE /v1/entities", "{\"ids\":[2]}"},
        {"PUT /v1/threshold", "{\"threshold\":1}"},
        {"POST /v1/save", NULL},
        {"POST /v1/fit", "{}"},
    };
    static struct desk desk;
    desk_open(&desk, 4);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", FRUIT), 201);
    desk.service.access = (struct access){.token = "0123456789abcdef", .token_bytes = 16};
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        char named[64];
        const char *path = strstr(calls[i][0], "/v1/") + 4;
        snprintf(named, sizeof(named), "%.*s/v1/matchers/default/%s", (int)(path - 4 - calls[i][0]),
                 calls[i][0], path);
        CHECK_EQ(desk_call(&desk, calls[i][0], calls[i][1]), 401);
        CHECK_EQ(desk_call(&desk, named, calls[i][1]), 401);
    }
    desk_close(&desk);
}

/* ---- saving ---- */

static void write_file(const char *dir, const char *name, const char *text)
{
    char path[128];
    snprintf(path, sizeof(path), "%s/%s", dir, name);
    CHECK_OK(weft_file_save(path, text, strlen(text), 0600));
}

static int load(struct desk *desk, const char *dir, weft_m_error *error)
{
    desk->service.store.dir = dir;
    return store_load(&desk->service.store, &desk->service.measures, error);
}

TASK_TEST(matcher_that_was_saved_is_there_when_the_service_begins_again)
{
    static struct desk desk;
    weft_m_error error;
    const char *dir = desk_make_dir();
    desk_open(&desk, 4);
    desk.service.store.dir = dir;
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/default", FRUIT), 201);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/b", FRUIT), 201);
    CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/c", FRUIT), 201);
    CHECK_EQ(desk_call(&desk, "PUT /v1/threshold", "{\"threshold\":0.125}"), 200);
    CHECK_EQ(desk_call(&desk, "POST /v1/save", NULL), 200);
    CHECK_STR(desk.answer.body, "{\"saved\":true}");
    CHECK_EQ(desk_call(&desk, "POST /v1/matchers/b/save", NULL), 200);
    CHECK_EQ(desk_call(&desk, "POST /v1/matchers/c/save", NULL), 200);
    CHECK_EQ(desk_call(&desk, "POST /v1/matchers/c/save", NULL), 200); /* over the old one */
    CHECK_EQ(desk_call(&desk, "DELETE /v1/matchers/c", NULL), 204);
    CHECK_EQ(desk_call(&desk, "POST /v1/match", "{\"query\":\"aple\"}"), 200);
    char before[256];
    snprintf(before, sizeof(before), "%.*s",
             (int)(strstr(desk.answer.body, ",\"took") - desk.answer.body), desk.answer.body);
    desk_close(&desk);

    write_file(dir, "notes.txt", "no matcher");
    write_file(dir, "-x.weftm", "no name");
    desk_open(&desk, 4);
    CHECK_OK(load(&desk, dir, &error));
    CHECK_EQ(desk_call(&desk, "GET /v1/matchers", NULL), 200);
    CHECK(desk_says(&desk, "{\"matchers\":[{\"name\":\"b\","));
    CHECK(desk_says(&desk, "},{\"name\":\"default\","));
    CHECK(!desk_says(&desk, "\"name\":\"c\""));
    CHECK_EQ(desk_call(&desk, "POST /v1/match", "{\"query\":\"aple\"}"), 200);
    CHECK(desk_says(&desk, before));
    desk_close(&desk);
    desk_drop_dir(dir);
}

TASK_TEST(matcher_that_is_damaged_is_named_when_the_service_begins)
{
    static struct desk desk;
    weft_m_error error;
    const char *dir = desk_make_dir();
    desk_open(&desk, 4);
    CHECK_EQ(load(&desk, "/no/such/directory", &error), -ENOENT);
    CHECK(strstr(error.message, "/no/such/directory") != NULL);
    write_file(dir, "b.weftm", "this is no matcher at all, is it");
    CHECK_LT(load(&desk, dir, &error), 0);
    CHECK(strstr(error.message, "b.weftm") != NULL);
    desk_close(&desk);
    desk_drop_dir(dir);
}

/* Whoever wins, a file is there only if its matcher is. */
struct racer {
    struct desk *desk;
    const char *line;
    int status;
};

static int racer_body(void *arg)
{
    struct racer *racer = arg;
    char request[256];
    snprintf(request, sizeof(request), "%s", desk_request(racer->line, "", NULL));
    racer->status = ask(&racer->desk->site, request, NULL);
    return 0;
}

TASK_TEST(matcher_is_saved_and_deleted_at_once)
{
    static struct desk desk;
    const char *dir = desk_make_dir();
    desk_open(&desk, 4);
    desk.service.store.dir = dir;
    for (int i = 0; i < 10; i++) {
        struct racer racers[] = {{&desk, "POST /v1/matchers/b/save", 0},
                                 {&desk, "DELETE /v1/matchers/b", 0},
                                 {&desk, "POST /v1/matchers/b/save", 0}};
        weft_task tasks[3];
        char path[128];
        struct stat about;
        CHECK_EQ(desk_call(&desk, "PUT /v1/matchers/b", FRUIT), 201);
        for (int k = 0; k < 3; k++)
            tasks[k] = weft_spawn(racer_body, &racers[k]);
        CHECK_OK(weft_gather_n(tasks, 3));
        CHECK_EQ(racers[1].status, 204);
        for (int k = 0; k < 3; k += 2)
            CHECK(racers[k].status == 200 || racers[k].status == 404 || racers[k].status == 409);
        snprintf(path, sizeof(path), "%s/b.weftm", dir);
        CHECK_EQ(weft_stat(path, &about), -ENOENT);
    }
    desk_close(&desk);
    desk_drop_dir(dir);
}
