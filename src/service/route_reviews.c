/* SPDX-License-Identifier: MIT */

/* …/reviews: what discoveries have proposed, and what is said to it. */
#include "base/json_write.h"
#include "base/str.h"
#include "service/ask.h"

#include <weft/error.h>
#include <weft/review.h>
#include <weft/task.h>

#include <string.h>

/* ---- what is asked ---- */

static void check_state(weft_issues *issues, const char *path, const void *member)
{
    enum weft_m_review_state state;
    weft_str name = *(const weft_str *)member;
    if (name.ptr != NULL && !weft_m_review_state_of(name, &state))
        weft_issue(issues, path, "must be pending_review, approved, rejected or promoted");
}

struct list_asked {
    weft_str state, discovery_id;
    int64_t limit, offset;
};
static const weft_field list_fields[] = {
    {WEFT_FIELD_STRING(struct list_asked, state), .check = check_state,
     .about = "Those in this state: pending_review, approved, rejected or promoted."},
    {WEFT_FIELD_STRING(struct list_asked, discovery_id), .about = "Those of one discovery."},
    {WEFT_FIELD_INTEGER(struct list_asked, limit), .range = WEFT_RANGE(1, 1000)},
    {WEFT_FIELD_INTEGER(struct list_asked, offset), .range = WEFT_FROM(0)},
};
static const struct list_asked list_preset = {.limit = 100};
const weft_schema ask_reviews = {.name = "ReviewsAsked",
                                 .bytes = sizeof(struct list_asked),
                                 .fields = list_fields,
                                 .field_count = sizeof(list_fields) / sizeof(*list_fields),
                                 .preset = &list_preset};

struct decision_asked {
    weft_str state, notes;
};
static void check_decision(weft_issues *issues, const char *path, const void *member)
{
    enum weft_m_review_state state;
    weft_str name = *(const weft_str *)member;
    if (!weft_m_review_state_of(name, &state) || state == WEFT_M_REVIEW_PENDING)
        weft_issue(issues, path, "must be approved, rejected or promoted");
}
/* The library takes them as C has texts. */
static void check_notes(weft_issues *issues, const char *path, const void *member)
{
    weft_str notes = *(const weft_str *)member;
    if (notes.len != 0 && memchr(notes.ptr, '\0', notes.len) != NULL)
        weft_issue(issues, path, "must not have the character U+0000");
}
static const weft_field decision_fields[] = {
    {WEFT_FIELD_STRING(struct decision_asked, state), .flags = WEFT_REQUIRED,
     .check = check_decision, .about = "approved, rejected or promoted."},
    {WEFT_FIELD_STRING(struct decision_asked, notes), .flags = WEFT_NULLABLE,
     .range = WEFT_UP_TO(10000), .check = check_notes, .about = "Why."},
};
const weft_schema ask_decision = {.name = "Decision",
                                  .bytes = sizeof(struct decision_asked),
                                  .fields = decision_fields,
                                  .field_count = 2};

/* ---- the store ---- */

static int answer_failed(weft_http_request *req, weft_http_response *res,
                         const struct target *target, int rc, const weft_m_error *error)
{
    const weft_http_error none = {
        .status = 404, .message = error->message, .field = "review_id", .offset = -1};
    const weft_http_error conflict = {
        .status = 409, .message = error->message, .field = error->field, .offset = -1};
    if (rc == -ENOENT && strcmp(error->field, "review_id") == 0)
        return weft_http_respond_error(res, &none);
    bool is_conflict = rc == -WEFT_M_EVALID && strcmp(error->field, "notes") != 0;
    return is_conflict ? weft_http_respond_error(res, &conflict)
                       : answer_kept(req, res, &target->service->store, rc, error);
}

/* The reviews of the matcher; 1 after saying that there can be none. */
static int open_reviews(weft_http_request *req, weft_http_response *res,
                        const struct target *target, weft_m_reviews **out)
{
    const struct store *store = &target->service->store;
    char path[PATH_MAX];
    weft_m_error error = {0};
    int rc = store_path(store, weft_str_of(target->named->name), STORE_REVIEWS, path);
    if (rc == 0)
        rc = weft_m_reviews_open(out, path, &error);
    if (rc == 0)
        return 0;
    rc = answer_kept(req, res, store, rc, &error);
    return rc < 0 ? rc : 1;
}

/* ---- looking ---- */

static int put_review(wf_json *json, const weft_m_review *review)
{
    weft_text text;
    WEFT_TRY(weft_m_review_json(review, &text));
    wf_json_raw(json, (weft_str){text.ptr, text.len});
    weft_text_free(&text);
    return 0;
}

static bool is_asked(const struct list_asked *asked, const weft_m_review *it)
{
    enum weft_m_review_state state;
    bool is_state = asked->state.ptr == NULL ||
                    (weft_m_review_state_of(asked->state, &state) && it->state == state);
    return is_state && (asked->discovery_id.ptr == NULL ||
                        wf_str_equals(asked->discovery_id, it->discovery_id));
}

/* {"reviews":[…],"total":N}: of those that are asked for, from `offset` on. */
static int put_list(wf_json *json, const weft_m_reviews *reviews, const weft_http_request *req)
{
    const struct list_asked *asked = weft_http_params(req);
    size_t count, total = 0;
    const weft_m_review *all = weft_m_reviews_list(reviews, &count);
    uint64_t from = (uint64_t)asked->offset, to = from + (uint64_t)asked->limit;
    int rc = 0;
    wf_json_object(json);
    wf_json_key(json, "reviews");
    wf_json_array(json);
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (!is_asked(asked, &all[i]))
            continue;
        if (total >= from && total < to)
            rc = put_review(json, &all[i]);
        total++;
    }
    wf_json_array_end(json);
    wf_json_put_uint(json, "total", total);
    wf_json_object_end(json);
    return rc;
}

/* -ENOENT: there is none of this id. */
static int put_one(wf_json *json, const weft_m_reviews *reviews, const weft_http_request *req)
{
    const weft_m_review *it = weft_m_reviews_find(reviews, weft_http_path_param(req, "review"));
    return it != NULL ? put_review(json, it) : -ENOENT;
}

/* What is asked for of the reviews. */
typedef int put_fn(wf_json *json, const weft_m_reviews *reviews, const weft_http_request *req);

static int look(weft_http_request *req, weft_http_response *res, const struct target *target,
                put_fn *put)
{
    weft_m_reviews *reviews;
    wf_buf body = {0};
    int rc = open_reviews(req, res, target, &reviews);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = put(&(wf_json){.out = &body}, reviews, req);
    weft_m_reviews_close(reviews);
    if (rc == 0)
        return answer_buf(res, &body);
    wf_buf_fini(&body);
    return rc == -ENOENT ? weft_http_fail(res, 404, /* code= */ NULL, "there is no such review")
                         : rc;
}

int route_reviews(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    return look(req, res, target, put_list);
}

int route_get_review(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    return look(req, res, target, put_one);
}

/* ---- deciding ---- */

static int decide(weft_m_reviews *reviews, const struct target *target, weft_str id,
                  const struct decision_asked *asked, weft_m_promotion *out, weft_m_error *error)
{
    enum weft_m_review_state state = WEFT_M_REVIEW_PENDING;
    char path[PATH_MAX];
    wf_buf notes = {0};
    (void)weft_m_review_state_of(asked->state, &state); /* the table has seen to it */
    wf_buf_append(&notes, asked->notes.ptr, asked->notes.len);
    wf_buf_putc(&notes, '\0');
    const char *why = asked->notes.ptr != NULL ? wf_buf_ptr(&notes) : NULL;
    int rc = notes.rc < 0 ? notes.rc
                          : store_path(&target->service->store, weft_str_of(target->named->name),
                                       STORE_MATCHER, path);
    if (rc == 0 && state == WEFT_M_REVIEW_PROMOTED)
        rc = weft_m_reviews_promote(reviews, id, why, target->matcher, path, out, error);
    else if (rc == 0)
        rc = weft_m_reviews_decide(reviews, id, state, why, error);
    wf_buf_fini(&notes);
    return rc;
}

/* What became of a promotion, else the review. */
static int answer_decided(weft_http_response *res, const weft_m_review *it,
                          const weft_m_promotion *promotion)
{
    weft_text text;
    int rc = it->state == WEFT_M_REVIEW_PROMOTED ? weft_m_promotion_json(it, promotion, &text)
                                                 : weft_m_review_json(it, &text);
    return rc < 0 ? rc : answer_text(res, &text);
}

/* In the store's turn, as saving is: promoting saves the matcher. */
int route_decide(weft_http_request *req, weft_http_response *res, const struct target *target)
{
    weft_str id = weft_http_path_param(req, "review");
    weft_m_promotion promotion = {0};
    weft_m_reviews *reviews;
    weft_m_error error = {0};
    int rc = open_reviews(req, res, target, &reviews);
    if (rc != 0)
        return rc < 0 ? rc : 0;
    rc = store_enter(&target->service->store, target->named);
    if (rc == 0) {
        rc = decide(reviews, target, id, weft_http_input(req), &promotion, &error);
        store_leave(&target->service->store);
    }
    if (rc == 0)
        rc = answer_decided(res, weft_m_reviews_find(reviews, id), &promotion);
    else
        rc = answer_failed(req, res, target, rc, &error);
    weft_m_reviews_close(reviews);
    return rc;
}
