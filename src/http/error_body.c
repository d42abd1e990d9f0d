/* SPDX-License-Identifier: MIT */

#include "http/error_body.h"

#include "base/json_write.h"
#include "h1/status.h"

#include <inttypes.h>
#include <stdio.h>

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
    snprintf(full, sizeof full, "%s Limit %s is %" PRIu64 ", seen %" PRIu64 ".", message,
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
