/* SPDX-License-Identifier: MIT */

/*
 * Typed routes: the input and output of a route, declared by the tables of <weft/schema.h>.  The
 * server checks the input before the handler is called, and describes both as OpenAPI.
 *
 *     struct search { weft_str q; int64_t limit; };
 *     static const weft_field search_fields[] = {
 *         {WEFT_FIELD_STRING(struct search, q), .flags = WEFT_REQUIRED},
 *         {WEFT_FIELD_INTEGER(struct search, limit), .range = WEFT_RANGE(1, 100)},
 *     };
 *     static const struct search search_preset = {.limit = 10};
 *     static const weft_schema search_params = {WEFT_SCHEMA(struct search, search_fields),
 *                                               .preset = &search_preset};
 *     static const weft_http_api search_api = {.params = &search_params, .output = &item_list};
 *
 *     static int search(weft_http_request *req, weft_http_response *res, void *arg)
 *     {
 *         const struct search *want = weft_http_params(req); // never NULL here
 *         ...
 *         return weft_http_respond_as(res, 200, &item_list, &found);
 *     }
 *
 *     weft_http_route route = {
 *         .method = "GET", .path = "/items", .handler = search, .api = &search_api};
 *
 * A request that does not fit is answered without calling the handler.  415: another Content-Type;
 * 406: Accept allows none of the types of the answer; 400: the body is not JSON, with the offset;
 * 422: values that are not valid, all of them at once, of parameters and body:
 *
 *     {"error":{"code":"validation_error","message":"limit: must be an integer from 1 to 100",
 *      "field":"limit","details":{"error_count":2,"errors":[
 *          {"field":"limit","message":"must be …","in":"query"},
 *          {"field":"tags[3]","message":"must be …"}]},"request_id":"…"}}
 *
 * Library: weft-http.
 */
#ifndef WEFT_HTTP_API_H
#define WEFT_HTTP_API_H

#include <weft/http.h>
#include <weft/schema.h>

WEFT_BEGIN_DECLS

/* An answer, for the document. */
typedef struct weft_http_reply {
    int status;
    const char *about;
    const weft_schema *schema; /* of its JSON body; NULL: not said */
} weft_http_reply;

/* Zero means "not said" in every field. */
typedef struct weft_http_api {
    const weft_schema *params; /* query, path, headers, cookies; see weft_field.in.  Others in
                                  the query are 422, unless it is_open, and so is one that is there
                                  twice and no array */
    const weft_schema *input;  /* the body; without one it is the handler's to read */
    bool is_form;              /* the body is application/x-www-form-urlencoded, not JSON */
    const char *const *gives;  /* types of the answer, NULL behind the last; NULL: any Accept */

    /* For the document alone: */
    int status;                /* of the answer when all is well; 0: 200 */
    const weft_schema *output; /* its body */
    const weft_http_reply *replies;
    size_t reply_count; /* others, or what that one means; 422 and errors are said without */
    const char *summary, *about;
    const char *id;  /* operationId; NULL: made of method and path, and a number if it is taken */
    const char *tag; /* under which it stands */
    bool is_hidden;  /* not in the document */
} weft_http_api;

/* The structures that were read by `params` and `input`; NULL for a route without.  Borrowed until
 * the handler returns. */
WEFT_API const void *weft_http_params(const weft_http_request *req);
WEFT_API const void *weft_http_input(const weft_http_request *req);

/* Sends a complete answer: a structure, written as JSON by its schema.  As weft_http_respond(). */
WEFT_API WEFT_WAITS int weft_http_respond_as(weft_http_response *res, int status,
                                             const weft_schema *schema, const void *structure);

/* Sends the 422 shown above, for what only the handler can find; there must be at least one issue.
 */
WEFT_API WEFT_WAITS int weft_http_respond_issues(weft_http_response *res,
                                                 const weft_issues *issues);

/* The OpenAPI document: where it is served, and what its head says.  It describes all routes but
 * the hidden ones.  Of security it says nothing: who is let in is what layers decide, by code that
 * a document could only repeat, and might contradict; tell it in `about`. */
typedef struct weft_http_openapi {
    const char *path; /* GET of it is the document; NULL: "/openapi.json" */
    const char *title, *version, *about;
} weft_http_openapi;

/* Writes the OpenAPI 3.1 document of the routes added so far, as JSON, to *out, which the caller
 * frees with weft_bytes_free().  The same routes give the same bytes.  0, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_http_openapi_text(const weft_http_server *server,
                                                  const weft_http_openapi *about, weft_bytes *out);

WEFT_END_DECLS

#endif
