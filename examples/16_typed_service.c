/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a typed service.  Tables say what is taken; GET /openapi.json says it to others.
 *
 *     curl -X PUT http://127.0.0.1:8080/v1/items/7 -H 'Authorization: me' \
 *         -H 'Content-Type: application/json' -d '{"name":"Sencha"}'
 */

#include <weft.h>
#include <weft/http_api.h>
#include <weft/http_layer.h>

#include <stdio.h>

struct item {
    int64_t id;
    weft_str name, colour;
    double price;
};

static const char *const colours[] = {"green", "black", "white", NULL};
static const weft_field item_fields[] = {
    {WEFT_FIELD_STRING(struct item, name), .flags = WEFT_REQUIRED, .range = WEFT_RANGE(1, 40)},
    {WEFT_FIELD_STRING(struct item, colour), .choices = colours},
    {WEFT_FIELD_DOUBLE(struct item, price), .interval = WEFT_INTERVAL(0, 1000)},
};
static const struct item item_preset = {.colour = WEFT_STR("green"), .price = 1};
static const weft_schema item_schema = {WEFT_SCHEMA(struct item, item_fields),
                                        .preset = &item_preset};

static const weft_field answer_fields[] = {
    {WEFT_FIELD_INTEGER(struct item, id), .flags = WEFT_REQUIRED},
    {WEFT_FIELD_STRING(struct item, name), .flags = WEFT_REQUIRED},
    {WEFT_FIELD_STRING(struct item, colour), .flags = WEFT_REQUIRED},
};
static const weft_schema answer_schema = {WEFT_SCHEMA(struct item, answer_fields)};

struct params {
    int64_t id;
    bool loud;
};
static const weft_field params_fields[] = {
    {WEFT_FIELD_INTEGER(struct params, id), .in = WEFT_IN_PATH, .range = WEFT_RANGE(1, 999)},
    {WEFT_FIELD_BOOL(struct params, loud), .about = "In capitals."},
};
static const weft_schema params_schema = {WEFT_SCHEMA(struct params, params_fields)};

static int put_item(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct params *params = weft_http_params(req); /* checked */
    const struct item *given = weft_http_input(req);     /* checked */
    (void)arg;
    if (params->loud)
        return weft_http_fail(res, 409, NULL, "tea is a quiet thing");
    struct item answer = *given;
    answer.id = params->id;
    return weft_http_respond_as(res, 200, &answer_schema, &answer);
}

static int guard(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str token = weft_http_field(req, "Authorization");
    (void)arg;
    return token.len != 0 ? 0 : weft_http_fail(res, 401, NULL, "who are you?");
}

static const weft_http_layer layers[] = {{.before = guard}};
static const weft_http_group v1 = {
    .prefix = "/v1", .layers = layers, .layer_count = 1, .in_hand_max = 8};
static const weft_http_api put_api = {.params = &params_schema,
                                      .input = &item_schema,
                                      .output = &answer_schema,
                                      .summary = "Keep an item"};
static const weft_http_route put_route = {
    .method = "PUT", .path = "/items/{id}", .handler = put_item, .group = &v1, .api = &put_api};

static int serve(void *address)
{
    static const weft_http_openapi about = {.title = "Tea", .version = "1"};
    static const weft_http_options options = {.openapi = &about, .gives_ids = true};
    weft_http_server *server = NULL;
    int rc = weft_http_server_new(&server, &options);
    rc = rc < 0 ? rc : weft_http_server_add(server, &put_route);
    rc = rc < 0 ? rc : weft_http_server_listen(server, address);
    if (rc == 0)
        fprintf(stderr, "serving at %s; Ctrl-C ends it\n", (char *)address);
    rc = rc < 0 ? rc : weft_http_serve(server); /* until SIGINT or SIGTERM */
    weft_http_server_free(server);
    return rc == -ECANCELED ? 0 : rc;
}

int main(int argc, char **argv)
{
    return weft_main(serve, argc > 1 ? argv[1] : "127.0.0.1:8080");
}
