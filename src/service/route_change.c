/* SPDX-License-Identifier: MIT */

/* Changes of a matcher: entities added, updated and removed, the threshold, saving. */
#include "base/json_write.h"
#include "base/str.h"
#include "service/ask.h"
#include "service/make.h"

#include <weft/error.h>

#include <math.h>
#include <stdio.h>
#include <string.h>

/* ---- bodies ---- */

struct entities_asked {
    const weft_json *entities;
    bool update;
};
static const weft_field entities_fields[] = {
    MAKE_FIELD_ENTITIES(struct entities_asked),
    {WEFT_FIELD_BOOL(struct entities_asked, update),
     .about = "An entity whose id is there takes that one's place; else it is a conflict."},
};
const weft_schema ask_entities = {.name = "Entities",
                                  .bytes = sizeof(struct entities_asked),
                                  .fields = entities_fields,
                                  .field_count = 2};

struct threshold_asked {
    double threshold;
};
static const weft_field threshold_fields[] = {
    {WEFT_FIELD_DOUBLE(struct threshold_asked, threshold), .flags = WEFT_REQUIRED,
     .interval = WEFT_INTERVAL(0, 1)},
};
const weft_schema ask_threshold = {.name = "Threshold",
                                   .bytes = sizeof(struct threshold_asked),
                                   .fields = threshold_fields,
                                   .field_count = 1};

/* ---- entities ---- */

/* {"entities":N}: how many there are now. */
static int answer_count(weft_http_response *res, const struct target *target)
{
    weft_m_info info = {.size = sizeof(info)};
    char text[48];
    WEFT_TRY(weft_m_info_get(target->matcher, &info));
    int bytes =
        snprintf(text, sizeof(text), "{\"entities\":%llu}", (unsigned long long)info.entity_count);
    return weft_http_respond_json(res, 200, (weft_str){text, (size_t)bytes});
}

/* Those of the body differ: make_catalog() has seen to it.  So what is there twice is one of the
 * body and one of the matcher. */
static int answer_refused(weft_http_request *req, weft_http_response *res, int rc,
                          const weft_m_error *error)
{
    bool is_twice =
        rc == -WEFT_M_EVALID && strcmp(error->field, "id") == 0 && error->entity_index < 0;
    const weft_http_error conflict = {
        .status = 409,
        .message = error->message,
        .field = "entities",
        .suggestion = "with \"update\": true they take the places of those that are there",
        .offset = -1,
    };
    return is_twice ? weft_http_respond_error(res, &conflict) : answer_error(req, res, rc, error);
}

/* 0; 1 after answering 422; or negative with *error. */
static int take(weft_matcher *matcher, weft_http_response *res, const struct entities_asked *asked,
                weft_m_error *error)
{
    weft_catalog *catalog;
    size_t count;
    int rc = make_catalog(res, asked->entities, &catalog, error);
    if (rc == 0) {
        const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
        rc = asked->update ? weft_m_update(matcher, entities, count, error)
                           : weft_m_add(matcher, entities, count, error);
    }
    weft_catalog_free(catalog);
    return rc;
}

int route_add_entities(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    weft_m_error error;
    int rc = take(target->matcher, res, weft_http_input(req), &error);
    if (rc < 0)
        return answer_refused(req, res, rc, &error);
    return rc == 0 ? answer_count(res, target) : 0;
}

/* All or none; an id that is not there is not found. */
int route_remove_entities(weft_http_request *req, weft_http_response *res,
                          const struct target *target)
{
    struct ask ask;
    weft_m_error error;
    int rc = ask_take(&ask, req);
    if (rc < 0)
        return rc;
    rc = weft_m_remove(target->matcher, ask.query.candidates, ask.query.candidate_count, &error);
    ask_fini(&ask);
    if (rc == -WEFT_M_EVALID && strncmp(error.field, "ids[", 4) == 0) {
        const weft_http_error none = {
            .status = 404, .message = error.message, .field = error.field, .offset = -1};
        return weft_http_respond_error(res, &none);
    }
    return rc < 0 ? answer_error(req, res, rc, &error) : answer_count(res, target);
}

/* ---- settings and file ---- */

int route_threshold(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    const struct threshold_asked *asked = weft_http_input(req);
    weft_m_error error;
    int rc = weft_m_set_threshold(target->matcher, (float)asked->threshold, &error);
    if (rc < 0)
        return answer_error(req, res, rc, &error);
    wf_buf body = {0};
    wf_json json = {.out = &body};
    wf_json_object(&json);
    wf_json_put_float(&json, "threshold", (float)asked->threshold);
    wf_json_object_end(&json);
    return answer_buf(res, &body);
}

/* Where it is saved is not the client's choice: who names a path would believe that it was. */
static bool says_nothing(weft_str body)
{
    static const weft_str nothing = WEFT_STR("{}");
    return body.len == 0 || wf_str_equals(body, nothing);
}

int route_save(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    weft_m_error error;
    if (!says_nothing(weft_http_body(req)))
        return weft_http_fail(res, 422, /* code= */ NULL, "body: saving takes no fields");
    int rc = store_save(&target->service->store, target->named, &error);
    if (rc < 0)
        return answer_kept(req, res, &target->service->store, rc, &error);
    static const char saved[] = "{\"saved\":true}";
    return weft_http_respond_json(res, 200, (weft_str){saved, sizeof(saved) - 1});
}
