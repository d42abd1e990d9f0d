/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a service that finds one text or a list of them.  The matcher is fitted before anybody
 * can ask and closed when the last request has been answered; a list that a client does not wait
 * for is not worked on any more.
 *
 *     curl -X POST 'http://127.0.0.1:8080/match?query=lissbon'
 *     curl -X POST http://127.0.0.1:8080/batch -H 'Content-Type: application/json' -d '["porto"]'
 */

#include <weft.h>
#include <weft/http_api.h>
#include <weft/match.h>

#include <stdio.h>

static const weft_m_entity cities[] = {
    {.id = WEFT_STR("BER"), .name = WEFT_STR("Berlin")},
    {.id = WEFT_STR("LIS"), .name = WEFT_STR("Lisbon")},
    {.id = WEFT_STR("OPO"), .name = WEFT_STR("Porto")},
};

/* Sends {"KEY":VALUE} and frees the value. */
static int respond(weft_http_response *res, const char *key, weft_text *value)
{
    weft_json_writer *json;
    weft_str text;
    int rc = weft_json_writer_new(&json, 0);
    if (rc == 0) {
        weft_json_begin_object(json);
        weft_json_put_key(json, key);
        weft_json_put_raw(json, (weft_str){value->ptr, value->len});
        weft_json_end_object(json);
        rc = weft_json_writer_get(json, &text);
        rc = rc < 0 ? rc : weft_http_respond_json(res, 200, text);
        weft_json_writer_free(json);
    }
    weft_text_free(value);
    return rc;
}

struct match_params {
    weft_str query;
};
static const weft_field match_fields[] = {
    {WEFT_FIELD_STRING(struct match_params, query), .flags = WEFT_REQUIRED}};
static const weft_schema match_schema = {WEFT_SCHEMA(struct match_params, match_fields)};
static const weft_http_api match_api = {.params = &match_schema};

static int match(weft_http_request *req, weft_http_response *res, void *matcher)
{
    const struct match_params *params = weft_http_params(req);
    weft_text answer;
    WEFT_TRY(weft_m_match_json(matcher, params->query, NULL, &answer, NULL));
    return respond(res, "matched", &answer);
}

struct batch_input {
    weft_items queries; /* of weft_str */
};
static const weft_field query = {.type = WEFT_TYPE_STRING};
static const weft_field batch_fields[] = {
    {WEFT_FIELD_ARRAY(struct batch_input, queries, &query), .range = WEFT_UP_TO(10000)}};
static const weft_schema batch_schema = {WEFT_SCHEMA(struct batch_input, batch_fields),
                                         .is_bare = true}; /* the body is the list */
static const weft_http_api batch_api = {.input = &batch_schema};

static int batch(weft_http_request *req, weft_http_response *res, void *matcher)
{
    const weft_items *queries = &((const struct batch_input *)weft_http_input(req))->queries;
    weft_text answer;
    WEFT_TRY(weft_m_batch_json(matcher, queries->ptr, queries->count, NULL, 100, &answer, NULL));
    return respond(res, "results", &answer);
}

static int serve_matcher(weft_matcher *matcher, const char *address)
{
    const weft_http_route routes[] = {
        {.method = "POST", .path = "/match", .handler = match, .arg = matcher, .api = &match_api},
        {.method = "POST", .path = "/batch", .handler = batch, .arg = matcher, .api = &batch_api},
    };
    weft_http_server *server;
    WEFT_TRY(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    WEFT_TRY(weft_http_server_new(&server, NULL));
    int rc = weft_http_server_add(server, &routes[0]);
    rc = rc < 0 ? rc : weft_http_server_add(server, &routes[1]);
    rc = rc < 0 ? rc : weft_http_server_listen(server, address);
    if (rc == 0)
        fprintf(stderr, "serving at %s; Ctrl-C ends it\n", address);
    rc = rc < 0 ? rc : weft_http_serve(server); /* until SIGINT or SIGTERM */
    weft_http_server_free(server);
    return rc == -ECANCELED ? 0 : rc;
}

static int serve(void *address)
{
    weft_matcher *matcher;
    WEFT_TRY(weft_m_open(&matcher, cities, 3, NULL, NULL));
    int rc = serve_matcher(matcher, address);
    weft_m_close(matcher);
    return rc;
}

int main(int argc, char **argv)
{
    return weft_main(serve, argc > 1 ? argv[1] : "127.0.0.1:8080");
}
