/* SPDX-License-Identifier: MIT */

/* The OpenAPI 3.1 document of a server's routes. */

#include <weft/http_api.h>

#include "base/alloc.h"
#include "h1/status.h"
#include "http/exchange/chain.h"
#include "http/route/router.h"
#include "http/server/server.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

#define PATH_DEFAULT "/openapi.json"

/* Schemas that the document names: their references hang together by name. */
struct schemas {
    const weft_schema **items;
    size_t count;
    int rc;
};

/* ---- which schemas there are ---- */

static void collect(struct schemas *all, const weft_schema *schema);

static void collect_field(struct schemas *all, const weft_field *field)
{
    for (; field->type == WEFT_TYPE_ARRAY; field = field->item)
        continue;
    if (field->type == WEFT_TYPE_OBJECT)
        collect(all, field->schema);
}

/* Recursive, as the tables nest; each schema once. */
static void collect(struct schemas *all, const weft_schema *schema)
{
    if (schema == NULL || all->rc < 0)
        return;
    for (size_t i = 0; i < all->count; i++) {
        if (all->items[i] == schema)
            return;
    }
    const weft_schema **items = wf_grow(all->items, all->count + 1, sizeof *items);
    if (items == NULL) {
        all->rc = -ENOMEM;
        return;
    }
    all->items = items;
    items[all->count++] = schema;
    for (size_t i = 0; i < schema->field_count; i++)
        collect_field(all, &schema->fields[i]);
}

static void collect_route(struct schemas *all, const weft_http_api *api)
{
    if (api == NULL || api->is_hidden)
        return;
    collect(all, api->input);
    collect(all, api->output);
    for (size_t i = 0; i < api->reply_count; i++)
        collect(all, api->replies[i].schema);
}

/* ---- small pieces ---- */

static void put(weft_json_writer *json, const char *key, const char *text)
{
    if (text == NULL)
        return;
    weft_json_put_key(json, key);
    weft_json_put_text(json, text);
}

static void begin(weft_json_writer *json, const char *key)
{
    weft_json_put_key(json, key);
    weft_json_begin_object(json);
}

static const char *schema_name(const weft_schema *schema)
{
    return schema->alias != NULL ? schema->alias : schema->name;
}

static void put_reference(weft_json_writer *json, const char *name)
{
    char reference[160];
    snprintf(reference, sizeof reference, "#/components/schemas/%s", name);
    begin(json, "schema");
    put(json, "$ref", reference);
    weft_json_end_object(json);
}

/* "content":{TYPE:{"schema":…}} */
static void put_content(weft_json_writer *json, const char *type, const char *schema)
{
    begin(json, "content");
    begin(json, type);
    if (schema != NULL)
        put_reference(json, schema);
    weft_json_end_object(json);
    weft_json_end_object(json);
}

/* ---- templates ---- */

/* Templates there know no "{rest*}", and take "/a/{b}" and "/a/{c}" for one: what differs in the
 * names alone, or in a '*', is told under the path that comes first, with its names. */
struct template
{
    const char *own;   /* the route's path */
    const char *shown; /* the one it is told under */
};

/* The next parameter of a path, or NULL: as strchr(). */
static const char *param_next(const char *at)
{
    return strchr(at, '{');
}

static weft_str param_name(const char *at)
{
    return (weft_str){at + 1, strcspn(at + 1, "*}")};
}

static bool is_same_template(const char *a, const char *b)
{
    for (;; a++, b++) {
        if (*a == '{' && *b == '{') {
            a = strchr(a, '}');
            b = strchr(b, '}');
        }
        if (*a != *b)
            return false;
        if (*a == 0)
            return true;
    }
}

static void begin_path(weft_json_writer *json, const char *path)
{
    char text[512];
    size_t len = strlen(path);
    if (len < 2 || len >= sizeof text || path[len - 2] != '*') {
        begin(json, path);
        return;
    }
    memcpy(text, path, len - 2);
    memcpy(text + len - 2, "}", 2);
    begin(json, text);
}

/* What a parameter of the route's path is called where it is told. */
static weft_str shown_name(const struct template *path, weft_str name)
{
    const char *shown = param_next(path->shown);
    for (const char *at = param_next(path->own); at != NULL && shown != NULL;
         at = param_next(at + 1), shown = param_next(shown + 1)) {
        weft_str own = param_name(at);
        if (own.len == name.len && memcmp(own.ptr, name.ptr, name.len) == 0)
            return param_name(shown);
    }
    return name;
}

/* ---- parameters ---- */

static const char *field_name(const weft_field *field)
{
    return field->alias != NULL ? field->alias : field->name;
}

static void put_parameter(weft_json_writer *json, const struct template *path,
                          const weft_field *field, const void *preset)
{
    static const char *const places[] = {"query", "path", "header", "cookie"};
    bool is_required = field->in == WEFT_IN_PATH || (field->flags & WEFT_REQUIRED) != 0;
    weft_str name = weft_str_of(field_name(field));
    weft_json_begin_object(json);
    weft_json_put_key(json, "name");
    weft_json_put_str(json, field->in == WEFT_IN_PATH ? shown_name(path, name) : name);
    put(json, "in", places[field->in]);
    put(json, "description", field->about);
    weft_json_put_key(json, "required");
    weft_json_put_bool(json, is_required);
    weft_json_put_key(json, "schema");
    weft_field plain = *field;
    plain.about = NULL; /* said above */
    weft_field_describe(&plain, preset, json);
    weft_json_end_object(json);
}

static bool is_described(const weft_schema *params, weft_str name)
{
    for (size_t i = 0; params != NULL && i < params->field_count; i++) {
        const char *known = field_name(&params->fields[i]);
        if (params->fields[i].in == WEFT_IN_PATH && strlen(known) == name.len &&
            memcmp(known, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

/* Parameters of the path that no table describes are texts. */
static void put_plain_parameters(weft_json_writer *json, const struct template *path,
                                 const weft_schema *params)
{
    static const weft_field text = {.type = WEFT_TYPE_STRING};
    for (const char *at = param_next(path->own); at != NULL; at = param_next(at + 1)) {
        weft_str name = param_name(at);
        if (is_described(params, name))
            continue;
        weft_json_begin_object(json);
        weft_json_put_key(json, "name");
        weft_json_put_str(json, shown_name(path, name));
        put(json, "in", "path");
        weft_json_put_key(json, "required");
        weft_json_put_bool(json, true);
        weft_json_put_key(json, "schema");
        weft_field_describe(&text, NULL, json);
        weft_json_end_object(json);
    }
}

static void put_parameters(weft_json_writer *json, const struct template *path,
                           const weft_schema *params)
{
    if (params == NULL && param_next(path->own) == NULL)
        return;
    weft_json_put_key(json, "parameters");
    weft_json_begin_array(json);
    for (size_t i = 0; params != NULL && i < params->field_count; i++)
        put_parameter(json, path, &params->fields[i], params->preset);
    put_plain_parameters(json, path, params);
    weft_json_end_array(json);
}

/* ---- one operation ---- */

static void put_body(weft_json_writer *json, const weft_http_api *api)
{
    if (api->input == NULL)
        return;
    begin(json, "requestBody");
    weft_json_put_key(json, "required");
    weft_json_put_bool(json, true);
    put_content(json, api->is_form ? "application/x-www-form-urlencoded" : "application/json",
                schema_name(api->input));
    weft_json_end_object(json);
}

static const weft_http_reply *reply_of(const weft_http_api *api, int status)
{
    for (size_t i = 0; i < api->reply_count; i++) {
        if (api->replies[i].status == status)
            return &api->replies[i];
    }
    return NULL;
}

static void begin_status(weft_json_writer *json, int status)
{
    char text[12];
    snprintf(text, sizeof text, "%d", status);
    begin(json, text);
}

static int status_of(const weft_http_api *api)
{
    return api->status != 0 ? api->status : 200;
}

/* When all is well. */
static void put_ok(weft_json_writer *json, const weft_http_api *api)
{
    int status = status_of(api);
    const weft_http_reply *reply = reply_of(api, status);
    const weft_schema *output =
        reply != NULL && reply->schema != NULL ? reply->schema : api->output;
    begin_status(json, status);
    put(json, "description",
        reply != NULL && reply->about != NULL ? reply->about : "What was asked for.");
    if (output != NULL) {
        put_content(json, "application/json", schema_name(output));
    } else if (api->gives != NULL && status != 204) {
        begin(json, "content");
        for (size_t i = 0; api->gives[i] != NULL; i++) {
            begin(json, api->gives[i]);
            weft_json_end_object(json);
        }
        weft_json_end_object(json);
    }
    weft_json_end_object(json);
}

static void put_reply(weft_json_writer *json, const weft_http_reply *reply)
{
    begin_status(json, reply->status);
    put(json, "description",
        reply->about != NULL ? reply->about : wf_http_status_phrase(reply->status));
    if (reply->schema != NULL)
        put_content(json, "application/json", schema_name(reply->schema));
    weft_json_end_object(json);
}

static void put_error(weft_json_writer *json, const char *status, const char *about)
{
    begin(json, status);
    put(json, "description", about);
    put_content(json, "application/json", "Error");
    weft_json_end_object(json);
}

/* Of a route that is bounded. */
static void put_full(weft_json_writer *json)
{
    static const weft_field seconds = {.type = WEFT_TYPE_INTEGER};
    begin(json, "503");
    put(json, "description", "There is no room for the request now.");
    begin(json, "headers");
    begin(json, "Retry-After");
    put(json, "description", "Seconds after which to ask again.");
    weft_json_put_key(json, "schema");
    weft_field_describe(&seconds, NULL, json);
    weft_json_end_object(json);
    weft_json_end_object(json);
    put_content(json, "application/json", "Error");
    weft_json_end_object(json);
}

static void put_responses(weft_json_writer *json, const weft_http_api *api, bool is_bounded)
{
    bool has_invalid = api->input != NULL || api->params != NULL;
    begin(json, "responses");
    put_ok(json, api);
    for (size_t i = 0; i < api->reply_count; i++) {
        if (api->replies[i].status != status_of(api))
            put_reply(json, &api->replies[i]);
    }
    if (has_invalid && reply_of(api, 422) == NULL)
        put_error(json, "422", "Values that are not accepted.");
    if (is_bounded && reply_of(api, 503) == NULL)
        put_full(json);
    put_error(json, "default", "An error.");
    weft_json_end_object(json);
}

static bool is_shown(const struct wf_http_route *route)
{
    const weft_http_api *api = route->public.api;
    return api == NULL || !api->is_hidden;
}

#define ID_BYTES 256

/* "get_items_item_id" */
static void make_id(char id[ID_BYTES], const weft_http_route *route)
{
    size_t used = 0;
    for (const char *at = route->method; *at != 0 && used < ID_BYTES - 1; at++)
        id[used++] = (char)(*at | 0x20);
    for (const char *at = route->path; *at != 0 && used < ID_BYTES - 1; at++) {
        bool is_word =
            (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') || (*at >= '0' && *at <= '9');
        if (is_word)
            id[used++] = *at;
        else if (used > 0 && id[used - 1] != '_')
            id[used++] = '_';
    }
    while (used > 0 && id[used - 1] == '_')
        used--;
    id[used] = 0;
}

/* How many of the first `count` routes would have this id. */
static size_t count_id(const struct wf_http_router *router, size_t count, const char *id)
{
    size_t found = 0;
    for (size_t i = 0; i < count; i++) {
        const weft_http_route *route = &router->routes[i].public;
        const char *given = route->api != NULL ? route->api->id : NULL;
        char made[ID_BYTES];
        if (given == NULL)
            make_id(made, route);
        found += is_shown(&router->routes[i]) && strcmp(given != NULL ? given : made, id) == 0;
    }
    return found;
}

/* No two are alike, as "/a/{b}" and "/a/b" would be: the later one gets a number. */
static void put_id(weft_json_writer *json, const struct wf_http_router *router, size_t index)
{
    char id[ID_BYTES], numbered[ID_BYTES + 24];
    make_id(id, &router->routes[index].public);
    snprintf(numbered, sizeof numbered, "%s", id);
    size_t before = count_id(router, index, id);
    for (size_t number = 2; before > 0; number++) { /* each takes the next number that is free */
        snprintf(numbered, sizeof numbered, "%s_%zu", id, number);
        before -= count_id(router, router->count, numbered) == 0;
    }
    put(json, "operationId", numbered);
}

/* `shown`: the path that it is told under. */
static void put_operation(weft_json_writer *json, const struct wf_http_router *router, size_t index,
                          const char *shown)
{
    static const weft_http_api nothing = {0};
    const weft_http_route *route = &router->routes[index].public;
    const struct template path = {route->path, shown};
    const weft_http_api *api = route->api != NULL ? route->api : &nothing;
    char method[12] = "";
    for (size_t i = 0; i < sizeof method - 1 && route->method[i] != 0; i++)
        method[i] = (char)(route->method[i] | 0x20);
    begin(json, method);
    if (api->tag != NULL) {
        weft_json_put_key(json, "tags");
        weft_json_begin_array(json);
        weft_json_put_text(json, api->tag);
        weft_json_end_array(json);
    }
    put(json, "summary", api->summary);
    put(json, "description", api->about);
    if (api->id != NULL)
        put(json, "operationId", api->id);
    else
        put_id(json, router, index);
    put_parameters(json, &path, api->params);
    put_body(json, api);
    put_responses(json, api, (route->flags & WF_ROUTE_BOUNDED) != 0);
    weft_json_end_object(json);
}

/* ---- the document ---- */

/* Each path once, with the methods of all its routes. */
static void put_paths(weft_json_writer *json, const struct wf_http_router *router)
{
    begin(json, "paths");
    for (size_t i = 0; i < router->count; i++) {
        const char *path = router->routes[i].public.path;
        bool is_done = !is_shown(&router->routes[i]), is_open = false;
        for (size_t k = 0; k < i && !is_done; k++)
            is_done = is_shown(&router->routes[k]) &&
                      is_same_template(router->routes[k].public.path, path);
        uint32_t methods = 0;
        for (size_t k = i; k < router->count && !is_done; k++) {
            const struct wf_http_route *route = &router->routes[k];
            if (!is_shown(route) || !is_same_template(route->public.path, path) ||
                (methods & 1u << route->method) != 0) /* of another host, or found first */
                continue;
            if (!is_open)
                begin_path(json, path);
            is_open = true;
            methods |= 1u << route->method;
            put_operation(json, router, k, path);
        }
        if (is_open)
            weft_json_end_object(json);
    }
    weft_json_end_object(json);
}

static const char error_schema[] =
    "{\"type\":\"object\",\"properties\":{\"error\":{\"type\":\"object\",\"properties\":{"
    "\"code\":{\"type\":\"string\"},\"message\":{\"type\":\"string\"},"
    "\"field\":{\"type\":\"string\"},\"suggestion\":{\"type\":\"string\"},"
    "\"details\":{\"type\":\"object\",\"properties\":{\"limit\":{\"type\":\"integer\"},"
    "\"seen\":{\"type\":\"integer\"},\"offset\":{\"type\":\"integer\"},"
    "\"error_count\":{\"type\":\"integer\"},\"errors\":{\"type\":\"array\",\"items\":{"
    "\"type\":\"object\",\"properties\":{\"field\":{\"type\":\"string\"},"
    "\"message\":{\"type\":\"string\"},\"in\":{\"type\":\"string\"}},"
    "\"required\":[\"field\",\"message\"]}}}},\"request_id\":{\"type\":\"string\"}},"
    "\"required\":[\"code\",\"message\",\"details\"]}},\"required\":[\"error\"]}";

static void put_components(weft_json_writer *json, const struct schemas *all)
{
    begin(json, "components");
    begin(json, "schemas");
    weft_json_put_key(json, "Error");
    weft_json_put_raw(json, weft_str_of(error_schema));
    for (size_t i = 0; i < all->count; i++) {
        weft_json_put_key(json, schema_name(all->items[i]));
        weft_schema_describe(all->items[i], json);
    }
    weft_json_end_object(json);
    weft_json_end_object(json);
}

static void put_document(weft_json_writer *json, const struct wf_http_router *router,
                         const weft_http_openapi *about, const struct schemas *all)
{
    weft_json_begin_object(json);
    put(json, "openapi", "3.1.0");
    begin(json, "info");
    put(json, "title", about->title != NULL ? about->title : "Weft");
    put(json, "version", about->version != NULL ? about->version : "0");
    put(json, "description", about->about);
    weft_json_end_object(json);
    put_paths(json, router);
    put_components(json, all);
    weft_json_end_object(json);
}

static int copy_text(const weft_json_writer *json, weft_bytes *out)
{
    weft_str text;
    int rc = weft_json_writer_get(json, &text);
    char *copy = rc == 0 ? wf_strdup(text.ptr, text.len) : NULL;
    if (copy == NULL)
        return rc < 0 ? rc : -ENOMEM;
    *out = (weft_bytes){copy, text.len};
    return 0;
}

int weft_http_openapi_text(const weft_http_server *server, const weft_http_openapi *about,
                           weft_bytes *out)
{
    struct schemas all = {0};
    weft_json_writer *json = NULL;
    for (size_t i = 0; i < server->router.count; i++)
        collect_route(&all, server->router.routes[i].public.api);
    int rc = all.rc;
    if (rc == 0)
        rc = weft_json_writer_new(&json, /* bytes_max= */ 0);
    if (rc == 0) {
        put_document(json, &server->router, about, &all);
        rc = copy_text(json, out);
    }
    weft_json_writer_free(json);
    wf_free(all.items);
    return rc;
}

/* ---- served ---- */

static int serve_document(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_http_server *server = arg;
    int rc = 0;
    (void)req;
    if (server->openapi_text.ptr == NULL)
        rc = weft_http_openapi_text(server, server->openapi, &server->openapi_text);
    if (rc < 0)
        return rc;
    return weft_http_respond_json(res, 200,
                                  (weft_str){server->openapi_text.ptr, server->openapi_text.len});
}

int wf_openapi_add(weft_http_server *server)
{
    static const weft_http_api hidden = {.is_hidden = true};
    const weft_http_route route = {
        .method = "GET",
        .path = server->openapi->path != NULL ? server->openapi->path : PATH_DEFAULT,
        .handler = serve_document,
        .arg = server,
        .api = &hidden,
    };
    return wf_chains_add(server, &route);
}
