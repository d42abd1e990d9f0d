/* SPDX-License-Identifier: MIT */

/* /openapi.json says of every route how it answers when all is well: neither less nor more. */
#include "service/desk.h"

#include <weft/http_api.h>
#include <weft/json.h>

#include <stdio.h>
#include <string.h>

#define FRUIT                                                                                      \
    "{\"entities\":[{\"id\":\"a\",\"name\":\"Apple\"},{\"id\":2,\"name\":\"Banana\"},"             \
    "{\"id\":\"c\",\"name\":\"Cherry\"}]}"
#define TEXTS                                                                                      \
    "\"where is my parcel\",\"the parcel is late\",\"late parcel again\",\"parcel is lost\","      \
    "\"my parcel never came\",\"parcel late by a week\",\"vegan lunch\",\"lunch for vegans\","     \
    "\"is lunch vegan\",\"vegan lunch on monday\",\"lunch vegan please\",\"no vegan lunch\""
#define DISCOVERY "{\"texts\":[" TEXTS "],\"all\":true,\"review\":true,\"clustering\":\"louvain\"}"
#define JOB "/v1/jobs/{id}"

/* In this order.  "…" is /v1, and then once more /v1/matchers/default. */
static const struct call {
    const char *method, *path; /* as the document has it */
    const char *query;         /* "?a=b" or "" */
    const char *body;          /* NULL: none */
    int status;
} calls[] = {
    {"PUT", "/v1/matchers/{name}", "", FRUIT, 201},
    {"PUT", "/v1/matchers/{name}", "", FRUIT, 200},
    {"GET", "/v1/matchers/{name}", "", NULL, 200},
    {"GET", "/v1/matchers", "", NULL, 200},
    {"GET", "/", "?from=mail", NULL, 200},
    {"GET", "/healthz", "?probe", NULL, 200},
    {"GET", "/readyz", "", NULL, 200},
    {"GET", "/metrics", "", NULL, 200},
    {"POST", "/match", "?query=apple", NULL, 200},
    {"POST", "/batch", "", "[\"apple\"]", 200},
    {"POST", "…/match", "", "{\"query\":\"apple\"}", 200},
    {"POST", "…/batch", "", "{\"queries\":[\"apple\"]}", 200},
    {"POST", "…/explain", "", "{\"query\":\"apple\"}", 200},
    {"POST", "…/diagnose", "", "{\"query\":\"apple\"}", 200},
    {"POST", "…/novelty", "", "{\"query\":\"apple\"}", 200},
    {"POST", "…/hierarchy", "", "{\"query\":\"apple\"}", 200},
    {"GET", "…/hierarchy", "?id=a", NULL, 200},
    {"GET", "…/info", "", NULL, 200},
    {"GET", "…/stats", "", NULL, 200},
    {"POST", "…/entities", "", "{\"entities\":[{\"id\":\"d\",\"name\":\"Damson\"}]}", 200},
    {"DELETE", "…/entities", "", "{\"ids\":[\"d\"]}", 200},
    {"PUT", "…/threshold", "", "{\"threshold\":0.25}", 200},
    {"POST", "…/save", "", NULL, 200},
    {"POST", "…/fit", "", "{\"mode\":\"zero-shot\"}", 202},
    {"POST", "…/discover", "", DISCOVERY, 202},
    {"GET", JOB "/events", "", NULL, 200},
    {"GET", JOB "/events", "", NULL, 204}, /* nothing is new */
    {"GET", JOB "/result", "", NULL, 200},
    {"GET", JOB, "", NULL, 200},
    {"DELETE", JOB, "", NULL, 200},
    {"GET", "/v1/jobs", "", NULL, 200},
    {"GET", "…/reviews", "?state=pending_review", NULL, 200},
    {"GET", "…/reviews/{review}", "", NULL, 200},
    {"POST", "…/reviews/{review}", "", "{\"state\":\"approved\"}", 200},
    {"PUT", "…/profile", "", "{\"texts\":[" TEXTS "]}", 200},
    {"GET", "…/profile", "", NULL, 200},
    {"POST", "…/drift", "", "{\"texts\":[" TEXTS "]}", 200},
};
#define CALL_COUNT (sizeof(calls) / sizeof(*calls))

/* ---- what is known of the answers so far ---- */

struct guide {
    struct desk desk;
    weft_json *document;
    char job[20], event[24], review[16];
    char seen[128][96]; /* "get /v1/info 200" */
    size_t seen_count;
};

/* The text of the last answer between `head` and a character of `ends`, the last one there is. */
static void keep(const struct guide *guide, const char *head, const char *ends, char *out,
                 size_t room)
{
    const char *at = guide->desk.answer.body, *last = NULL;
    while (at != NULL && (at = strstr(at, head)) != NULL)
        last = at += strlen(head);
    if (last != NULL)
        snprintf(out, room, "%.*s", (int)strcspn(last, ends), last);
}

/* Puts `value` for the first `name` in the text. */
static void fill(char *text, size_t room, const char *name, const char *value)
{
    char before[160];
    const char *at = strstr(text, name);
    snprintf(before, sizeof(before), "%s", text);
    if (at != NULL)
        snprintf(text, room, "%.*s%s%s", (int)(at - text), before, value,
                 before + (at - text) + strlen(name));
}

static bool is_success(const char *status)
{
    return status[0] == '2';
}

static const weft_json *responses_of(const struct guide *guide, const char *method,
                                     const char *path)
{
    char lower[8] = "";
    for (size_t i = 0; method[i] != '\0'; i++)
        lower[i] = (char)(method[i] | 0x20);
    const weft_json *paths = weft_json_get(guide->document, "paths");
    const weft_json *operation = weft_json_get(weft_json_get(paths, path), lower);
    return weft_json_get(operation, "responses");
}

static void mark(struct guide *guide, const char *method, const char *path, int status)
{
    CHECK_LT(guide->seen_count, sizeof(guide->seen) / sizeof(*guide->seen));
    snprintf(guide->seen[guide->seen_count++], sizeof(*guide->seen), "%s %s %d", method, path,
             status);
}

/* ---- one call ---- */

static void make_call(struct guide *guide, const struct call *call, const char *prefix)
{
    char path[160], line[256], status[12], head[64] = "";
    snprintf(path, sizeof(path), "%s", call->path);
    fill(path, sizeof(path), "…", prefix);
    snprintf(line, sizeof(line), "%s %s%s", call->method, path, call->query);
    fill(line, sizeof(line), "{name}", "default");
    fill(line, sizeof(line), "{id}", guide->job);
    fill(line, sizeof(line), "{review}", guide->review);
    if (call->status == 204)
        snprintf(head, sizeof(head), "Last-Event-ID: %s\r\n", guide->event);
    CHECK_EQ(desk_call_with(&guide->desk, line, head, call->body), call->status);
    keep(guide, "{\"job\":\"", "\"", guide->job, sizeof(guide->job));
    keep(guide, "\nid: ", "\n", guide->event, sizeof(guide->event));
    keep(guide, "{\"review_id\":\"", "\"", guide->review, sizeof(guide->review));

    snprintf(status, sizeof(status), "%d", call->status);
    CHECK(weft_json_get(responses_of(guide, call->method, path), status) != NULL);
    mark(guide, call->method, path, call->status);
}

static void call_all(struct guide *guide)
{
    static const char *const prefixes[] = {"/v1", "/v1/matchers/{name}"};
    static const struct call end = {"DELETE", "/v1/matchers/{name}", "", NULL, 204};
    for (size_t k = 0; k < 2; k++) {
        for (size_t i = 0; i < CALL_COUNT; i++)
            make_call(guide, &calls[i], prefixes[k]);
        make_call(guide, &end, "");
    }
}

/* ---- the document ---- */

static bool was_seen(const struct guide *guide, const char *what)
{
    for (size_t i = 0; i < guide->seen_count; i++) {
        if (strcasecmp(guide->seen[i], what) == 0)
            return true;
    }
    return false;
}

static void check_operation(const struct guide *guide, const char *path, const char *method,
                            const weft_json *operation)
{
    weft_json_member reply = {0};
    char what[160];
    while (weft_json_next(weft_json_get(operation, "responses"), &reply)) {
        if (!is_success(reply.key.ptr))
            continue;
        snprintf(what, sizeof(what), "%s %s %.*s", method, path, (int)reply.key.len, reply.key.ptr);
        note("%s", what);
        CHECK(was_seen(guide, what));
    }
}

static void check_document(const struct guide *guide)
{
    weft_json_member path = {0};
    size_t operation_count = 0;
    while (weft_json_next(weft_json_get(guide->document, "paths"), &path)) {
        weft_json_member operation = {0};
        while (weft_json_next(path.value, &operation)) {
            char name[96], method[8];
            snprintf(name, sizeof(name), "%.*s", (int)path.key.len, path.key.ptr);
            snprintf(method, sizeof(method), "%.*s", (int)operation.key.len, operation.key.ptr);
            check_operation(guide, name, method, operation.value);
            operation_count++;
        }
    }
    CHECK_GT(operation_count, 50u);
}

TASK_TEST(document_says_how_each_route_answers)
{
    static struct guide guide;
    weft_bytes text;
    const weft_http_openapi about = {0};
    const char *dir = desk_make_dir();
    desk_open(&guide.desk, 4);
    guide.desk.service.store.dir = dir;
    desk_work(&guide.desk);
    CHECK_OK(weft_http_openapi_text(guide.desk.site.server, &about, &text));
    CHECK_OK(weft_json_read(&guide.document, text.ptr, text.len, NULL, NULL));
    call_all(&guide);
    check_document(&guide);
    weft_json_free(guide.document);
    weft_bytes_free(&text);
    desk_close(&guide.desk);
    desk_drop_dir(dir);
}
