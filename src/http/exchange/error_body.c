/* SPDX-License-Identifier: MIT */

#include "http/exchange/error_body.h"

#include "base/json_write.h"
#include "h1/status.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static void write_optional(wf_json *json, const char *key, const char *text)
{
    if (text == NULL)
        return;
    wf_json_key(json, key);
    wf_json_text(json, text);
}

static void write_message(wf_json *json, const weft_http_error *error)
{
    const char *message =
        error->message != NULL ? error->message : wf_http_status_phrase(error->status);
    char full[512];
    wf_json_key(json, "message");
    if (error->limit_name == NULL) {
        wf_json_text(json, message);
        return;
    }
    size_t len = strlen(message);
    const char *stop = len != 0 && message[len - 1] == '.' ? "" : ".";
    snprintf(full, sizeof full, "%s%s Limit %s is %" PRIu64 ", seen %" PRIu64 ".", message, stop,
             error->limit_name, error->limit, error->seen);
    wf_json_text(json, full);
}

static void write_details(wf_json *json, const weft_http_error *error)
{
    wf_json_key(json, "details");
    wf_json_object(json);
    if (error->limit_name != NULL) {
        wf_json_key(json, "limit");
        wf_json_uint(json, error->limit);
        wf_json_key(json, "seen");
        wf_json_uint(json, error->seen);
    }
    if (error->offset >= 0) {
        wf_json_key(json, "offset");
        wf_json_int(json, error->offset);
    }
    wf_json_object_end(json);
}

void wf_http_write_error(wf_buf *out, const weft_http_error *error, const char *request_id)
{
    wf_json json = {.out = out};
    wf_json_object(&json);
    wf_json_key(&json, "error");
    wf_json_object(&json);
    wf_json_key(&json, "code");
    wf_json_text(&json, error->code != NULL ? error->code : wf_http_status_code(error->status));
    write_message(&json, error);
    write_optional(&json, "field", error->field);
    write_optional(&json, "suggestion", error->suggestion);
    write_details(&json, error);
    write_optional(&json, "request_id", request_id);
    wf_json_object_end(&json);
    wf_json_object_end(&json);
}

/* What is wrong with the body as a whole has no path in it. */
static const char *field_of(const weft_issue_item *issue)
{
    return issue->path[0] != '\0' ? issue->path : "body";
}

static void write_issue(wf_json *json, const weft_issue_item *issue)
{
    wf_json_object(json);
    wf_json_key(json, "field");
    wf_json_text(json, field_of(issue));
    wf_json_key(json, "message");
    wf_json_text(json, issue->text);
    write_optional(json, "in", issue->in);
    wf_json_object_end(json);
}

static void write_issue_details(wf_json *json, const weft_issues *issues)
{
    wf_json_key(json, "details");
    wf_json_object(json);
    wf_json_key(json, "error_count");
    wf_json_uint(json, issues->count);
    wf_json_key(json, "errors");
    wf_json_array(json);
    for (size_t i = 0; i < issues->count && i < WEFT_ISSUE_MAX; i++)
        write_issue(json, &issues->items[i]);
    wf_json_array_end(json);
    wf_json_object_end(json);
}

void wf_http_write_issues(wf_buf *out, const weft_issues *issues, const char *request_id)
{
    const weft_issue_item *first = &issues->items[0];
    wf_json json = {.out = out};
    char message[224];
    snprintf(message, sizeof message, "%s: %s", field_of(first), first->text);
    wf_json_object(&json);
    wf_json_key(&json, "error");
    wf_json_object(&json);
    wf_json_key(&json, "code");
    wf_json_text(&json, "validation_error");
    wf_json_key(&json, "message");
    wf_json_text(&json, message);
    wf_json_key(&json, "field");
    wf_json_text(&json, field_of(first));
    write_issue_details(&json, issues);
    write_optional(&json, "request_id", request_id);
    wf_json_object_end(&json);
    wf_json_object_end(&json);
}

weft_http_error wf_http_error_of_fault(const struct wf_http_fault *fault)
{
    return (weft_http_error){
        .status = fault->status,
        .code = fault->code,
        .message = fault->message,
        .limit_name = fault->limit_name,
        .limit = fault->limit,
        .seen = fault->seen,
        .offset = fault->offset,
    };
}
