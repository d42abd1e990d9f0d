/* SPDX-License-Identifier: MIT */

/* Typed routes: what is taken, what is refused, and in which words. */

#include "site.h"

#include <weft/http_api.h>
#include <weft/http_cookie.h>
#include <weft/json.h>

#include <stdlib.h>

#define H "Host: a\r\n"

/* ---- a service of items ---- */

struct item_params {
    int64_t id, limit;
    weft_items tags;
    bool verbose;
    weft_str session;
};
static const weft_field tag = {.type = WEFT_TYPE_STRING, .range = WEFT_RANGE(1, 5)};
static const weft_field item_params_fields[] = {
    {WEFT_FIELD_INTEGER(struct item_params, id), .in = WEFT_IN_PATH, .range = WEFT_FROM(1),
     .about = "Which."},
    {WEFT_FIELD_INTEGER(struct item_params, limit), .range = WEFT_RANGE(1, 100)},
    {WEFT_FIELD_ARRAY(struct item_params, tags, &tag), .alias = "tag"},
    {WEFT_FIELD_BOOL(struct item_params, verbose), .in = WEFT_IN_HEADER, .alias = "X-Verbose"},
    {WEFT_FIELD_STRING(struct item_params, session), .in = WEFT_IN_COOKIE},
};
static const struct item_params item_params_preset = {.limit = 10};
static const weft_schema item_params = {WEFT_SCHEMA(struct item_params, item_params_fields),
                                        .preset = &item_params_preset};

struct item {
    weft_str name;
    int64_t count;
};
static const weft_field item_fields[] = {
    {WEFT_FIELD_STRING(struct item, name), .flags = WEFT_REQUIRED, .range = WEFT_RANGE(1, 8)},
    {WEFT_FIELD_INTEGER(struct item, count), .range = WEFT_FROM(0)},
};
static const weft_schema item_schema = {WEFT_SCHEMA(struct item, item_fields)};

static const char *const json_alone[] = {"application/json", NULL};
static const weft_http_api put_api = {
    .params = &item_params, .input = &item_schema, .output = &item_schema, .gives = json_alone};
static const weft_http_reply form_replies[] = {{.status = 409, .about = "It is there already."}};
static const weft_http_api form_api = {.input = &item_schema,
                                       .is_form = true,
                                       .status = 201,
                                       .output = &item_schema,
                                       .replies = form_replies,
                                       .reply_count = 1};

static int put_item(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct item_params *params = weft_http_params(req);
    const struct item *item = weft_http_input(req);
    char name[32];
    (void)arg;
    snprintf(name, sizeof name, "%.*s/%zu/%d/%.*s", (int)item->name.len, item->name.ptr,
             params->tags.count, params->verbose, (int)params->session.len,
             params->session.ptr != NULL ? params->session.ptr : "");
    struct item answer = {.name = weft_str_of(name), .count = params->id * 1000 + params->limit};
    return weft_http_respond_as(res, 200, &item_schema, &answer);
}

static int post_form(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)arg;
    CHECK(weft_http_params(req) == NULL);
    return weft_http_respond_as(res, 201, &item_schema, weft_http_input(req));
}

/* Parameters that are known, and others. */
struct open_params {
    int64_t a;
};
static const weft_field open_params_fields[] = {{WEFT_FIELD_INTEGER(struct open_params, a)}};
static const weft_schema open_params = {WEFT_SCHEMA(struct open_params, open_params_fields),
                                        .is_open = true};
static const weft_http_api open_api = {.params = &open_params};
static const weft_schema no_params = {.name = "none", .bytes = 1};
static const weft_http_api none_api = {.params = &no_params};

struct id_params {
    int64_t id;
};
static const weft_field id_params_fields[] = {
    {WEFT_FIELD_INTEGER(struct id_params, id), .in = WEFT_IN_PATH}};
static const weft_schema id_params = {WEFT_SCHEMA(struct id_params, id_params_fields)};
static const weft_http_api id_api = {.params = &id_params};

static int get_open(weft_http_request *req, weft_http_response *res, void *arg)
{
    const struct open_params *params = weft_http_params(req);
    char text[24];
    (void)arg;
    snprintf(text, sizeof text, "%d\n", (int)params->a);
    return weft_http_respond_text(res, 200, text);
}

static int shop_open(struct site *site)
{
    static const weft_http_route routes[] = {
        {.method = "PUT",
         .path = "/items/{id}",
         .handler = put_item,
         .api = &put_api,
         .in_hand_max = 9},
        {.method = "POST", .path = "/form", .handler = post_form, .api = &form_api},
        {.method = "GET", .path = "/rest/{rest*}", .handler = post_form},
        {.method = "GET", .path = "/open", .handler = get_open, .api = &open_api},
        {.method = "GET", .path = "/none", .handler = get_open, .api = &none_api},
    };
    static const weft_http_openapi about = {0};
    static const weft_http_options options = {.openapi = &about};
    return site_open_with(site, &options, routes, sizeof routes / sizeof *routes);
}

/* Sends `head` (request line and fields, without the last empty line) with a body. */
static int ask_with(struct site *site, const char *head, const char *body, struct answer *out)
{
    char text[2048];
    snprintf(text, sizeof text, "%s" H "X-Request-Id: t\r\nContent-Length: %zu\r\n\r\n%s", head,
             strlen(body), body);
    return ask(site, text, out);
}

static const struct {
    const char *head, *body;
    int status;
    const char *answer;
} rows[] = {
    {"PUT /items/7 HTTP/1.1\r\n", "{\"name\":\"tea\"}", 200,
     "{\"name\":\"tea/0/0/\",\"count\":7010}"},
    {"PUT /items/7?limit=3&tag=a&tag=%C3%A4 HTTP/1.1\r\nx-verbose: true\r\n"
     "Cookie: a=b; session=s1\r\n",
     "{\"name\":\"tea\",\"count\":2}", 200, "{\"name\":\"tea/2/1/s1\",\"count\":7003}"},
    {"PUT /items/0?limit=x&tag= HTTP/1.1\r\nX-Verbose: maybe\r\n",
     "{\"name\":\"\",\"count\":-1,\"more\":1}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"id: must be an integer of at least "
     "1\",\"field\":\"id\",\"details\":{\"error_count\":7,\"errors\":["
     "{\"field\":\"id\",\"message\":\"must be an integer of at least 1\",\"in\":\"path\"},"
     "{\"field\":\"limit\",\"message\":\"must be an integer from 1 to 100\",\"in\":\"query\"},"
     "{\"field\":\"tag[0]\",\"message\":\"must have at least 1 character, has "
     "0\",\"in\":\"query\"},"
     "{\"field\":\"X-Verbose\",\"message\":\"must be true or false\",\"in\":\"header\"},"
     "{\"field\":\"name\",\"message\":\"must have at least 1 character, has 0\"},"
     "{\"field\":\"count\",\"message\":\"must be an integer of at least 0\"},"
     "{\"field\":\"more\",\"message\":\"is not a field of this request; there are name, "
     "count\"}]},"
     "\"request_id\":\"t\"}}"},
    {"PUT /items/7?limits=3&tag=a&%C3%A4=1&id=8 HTTP/1.1\r\n", "{\"name\":\"\"}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"limits: is not a parameter of this "
     "request; did you mean "
     "limit?\",\"field\":\"limits\",\"details\":{\"error_count\":4,\"errors\":["
     "{\"field\":\"limits\",\"message\":\"is not a parameter of this request; did you mean "
     "limit?\",\"in\":\"query\"},"
     "{\"field\":\"\xc3\xa4\",\"message\":\"is not a parameter of this request; there are limit, "
     "tag\",\"in\":\"query\"},"
     "{\"field\":\"id\",\"message\":\"is not a parameter of this request; there are limit, "
     "tag\",\"in\":\"query\"},"
     "{\"field\":\"name\",\"message\":\"must have at least 1 character, has 0\"}]},"
     "\"request_id\":\"t\"}}"},
    {"PUT /items/7?limit=3&tag=a&limit=3&tag=b&l%69mit=0 HTTP/1.1\r\n", "{\"name\":\"tea\"}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"limit: is given more than "
     "once\",\"field\":\"limit\",\"details\":{\"error_count\":1,\"errors\":["
     "{\"field\":\"limit\",\"message\":\"is given more than once\",\"in\":\"query\"}]},"
     "\"request_id\":\"t\"}}"},
    {"GET /open?a=1&b=x&b&c HTTP/1.1\r\n", "", 200, "1\n"},
    {"GET /open?a=1&a=1 HTTP/1.1\r\n", "", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"a: is given more than "
     "once\",\"field\":\"a\",\"details\":{\"error_count\":1,\"errors\":["
     "{\"field\":\"a\",\"message\":\"is given more than once\",\"in\":\"query\"}]},"
     "\"request_id\":\"t\"}}"},
    {"GET /none?a=1 HTTP/1.1\r\n", "", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"a: is not a parameter of this "
     "request; there are none\",\"field\":\"a\",\"details\":{\"error_count\":1,\"errors\":["
     "{\"field\":\"a\",\"message\":\"is not a parameter of this request; there are "
     "none\",\"in\":\"query\"}]},\"request_id\":\"t\"}}"},
    {"PUT /items/7 HTTP/1.1\r\n", "", 400,
     "{\"error\":{\"code\":\"bad_request\",\"message\":\"the body is empty; it must be "
     "JSON\",\"details\":{\"offset\":0},\"request_id\":\"t\"}}"},
    {"PUT /items/7 HTTP/1.1\r\n", "{\"name\":", 400,
     "{\"error\":{\"code\":\"bad_request\",\"message\":\"the body is not the JSON expected: the "
     "text ends too early, line 1 column "
     "9\",\"details\":{\"offset\":8},\"request_id\":\"t\"}}"},
    {"PUT /items/7 HTTP/1.1\r\nContent-Type: text/plain\r\n", "{}", 415,
     "{\"error\":{\"code\":\"unsupported_media_type\",\"message\":\"Content-Type must be "
     "application/json, is text/plain\",\"details\":{},\"request_id\":\"t\"}}"},
    {"PUT /items/7 HTTP/1.1\r\nAccept: text/html\r\n", "{}", 406,
     "{\"error\":{\"code\":\"not_acceptable\",\"message\":\"the answer is "
     "application/json\",\"details\":{},\"request_id\":\"t\"}}"},
    {"POST /form HTTP/1.1\r\nContent-Type: application/x-www-form-urlencoded\r\n",
     "name=a%26b+c&count=3&other=1", 201, "{\"name\":\"a&b c\",\"count\":3}"},
    {"POST /form HTTP/1.1\r\n", "count=x", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"name: is "
     "required\",\"field\":\"name\",\"details\":{\"error_count\":2,\"errors\":["
     "{\"field\":\"name\",\"message\":\"is required\"},"
     "{\"field\":\"count\",\"message\":\"must be an integer of at least 0\"}]},"
     "\"request_id\":\"t\"}}"},
    {"POST /form HTTP/1.1\r\n", "name=%f", 400,
     "{\"error\":{\"code\":\"bad_request\",\"message\":\"The form holds a broken escape or bytes "
     "that are not UTF-8.\",\"details\":{\"offset\":0},\"request_id\":\"t\"}}"},
    {"POST /form HTTP/1.1\r\nContent-Type: application/json\r\n", "{}", 415,
     "{\"error\":{\"code\":\"unsupported_media_type\",\"message\":\"Content-Type must be "
     "application/x-www-form-urlencoded, is "
     "application/json\",\"details\":{},\"request_id\":\"t\"}}"},
};

TASK_TEST(a_typed_route_takes_what_fits_and_says_all_that_does_not)
{
    struct site site;
    CHECK_OK(shop_open(&site));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer;
        note("%s%s", rows[i].head, rows[i].body);
        CHECK_EQ(ask_with(&site, rows[i].head, rows[i].body, &answer), rows[i].status);
        CHECK_STR(answer.body, rows[i].answer);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
}

/* A megabyte of JSON is read on the pool, and answered as a short one is. */
TASK_TEST(a_long_body_is_read_elsewhere)
{
    struct site site;
    struct answer answer;
    size_t bytes = 200000;
    char *body = malloc(bytes + 1), head[128];
    CHECK_OK(shop_open(&site));
    memset(body, ' ', bytes);
    memcpy(body + bytes - 14, "{\"name\":\"tea\"}", 15);
    snprintf(head, sizeof head, "PUT /items/1 HTTP/1.1\r\n" H "Content-Length: %zu\r\n\r\n", bytes);
    weft_stream *client = client_open(&site);
    client_send(client, head);
    client_send_bytes(client, body, bytes);
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    weft_stream_close(client);
    answer_fini(&answer);
    free(body);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_path_parameter_must_be_in_the_path)
{
    weft_http_server *server;
    CHECK_OK(weft_http_server_new(&server, NULL));
    const weft_http_route route = {
        .method = "PUT", .path = "/items", .handler = put_item, .api = &put_api};
    CHECK_EQ(weft_http_server_add(server, &route), -EINVAL);
    CHECK_STR(weft_error_text(), "route PUT /items: its api has a path parameter it does not have");
    weft_http_server_free(server);
}

/* ---- the document ---- */

static const weft_json *at(const weft_json *root, const char *keys)
{
    char key[64];
    for (const char *p = keys; root != NULL && *p != 0; p += *p != 0) {
        size_t len = strcspn(p, " ");
        snprintf(key, sizeof key, "%.*s", (int)len, p);
        p += len;
        root = weft_json_kind(root) == WEFT_JSON_ARRAY ? weft_json_item(root, (size_t)atoi(key))
                                                       : weft_json_get(root, key);
    }
    return root;
}

#define CHECK_TEXT(root_, keys_, text_)                                                            \
    do {                                                                                           \
        weft_str seen_ = weft_json_string(at((root_), (keys_)));                                   \
        CHECK_BYTES(seen_.ptr, seen_.len, (text_), strlen(text_));                                 \
    } while (0)

TASK_TEST(the_document_says_what_the_routes_take)
{
    struct site site;
    struct answer answer;
    weft_json *root = NULL;
    CHECK_OK(shop_open(&site));
    for (int i = 0; i < 2; i++) { /* made once, given twice */
        CHECK_EQ(ask(&site, "GET /openapi.json HTTP/1.1\r\n" H "\r\n", &answer), 200);
        CHECK_STR(answer_field(&answer, "Content-Type"), "application/json");
        if (i == 0)
            answer_fini(&answer);
    }
    CHECK_OK(weft_json_read(&root, answer.body, answer.body_bytes, NULL, NULL));
    CHECK_TEXT(root, "openapi", "3.1.0");
    const weft_json *put = at(root, "paths /items/{id} put");
    CHECK_TEXT(put, "operationId", "put_items_id");
    CHECK_TEXT(put, "parameters 0 in", "path");
    CHECK_TEXT(put, "parameters 0 description", "Which.");
    CHECK(at(put, "parameters 0 schema description") == NULL); /* once is enough */
    CHECK(at(put, "parameters 0 schema default") == NULL);     /* it is always there */
    CHECK_EQ(weft_json_integer(at(put, "parameters 1 schema default")), 10);
    CHECK_TEXT(put, "parameters 2 name", "tag");
    CHECK_TEXT(put, "requestBody content application/json schema $ref",
               "#/components/schemas/item_fields");
    CHECK_TEXT(put, "responses 200 content application/json schema $ref",
               "#/components/schemas/item_fields");
    CHECK_TEXT(put, "responses 422 content application/json schema $ref",
               "#/components/schemas/Error");
    CHECK_EQ(
        weft_json_integer(at(root, "components schemas item_fields properties name maxLength")), 8);
    CHECK_TEXT(put, "responses 503 content application/json schema $ref",
               "#/components/schemas/Error");
    CHECK_TEXT(put, "responses 503 headers Retry-After schema type", "integer");
    CHECK(at(root, "paths /item/{name} get responses 503") == NULL); /* not bounded */
    const weft_json *form = at(root, "paths /form post responses");
    CHECK(at(form, "200") == NULL);
    CHECK_TEXT(form, "201 content application/json schema $ref",
               "#/components/schemas/item_fields");
    CHECK_TEXT(form, "409 description", "It is there already.");
    CHECK(at(root, "paths /openapi.json") == NULL);
    /* A route without tables has its path's parameters all the same. */
    CHECK_TEXT(root, "paths /item/{name} get parameters 0 name", "name");
    CHECK_TEXT(root, "paths /rest/{rest} get parameters 0 name", "rest");
    weft_json_free(root);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

/* Tools take a document with two operations of one id, or one path twice, for none. */
TASK_TEST(the_document_has_each_path_and_each_id_once)
{
    static const weft_http_api named = {.id = "get_a_b_2"};
    static const weft_http_route routes[] = {
        {.method = "GET", .path = "/a/{b}", .handler = get_open},
        {.method = "GET", .path = "/a/b", .handler = get_open},
        {.method = "GET", .path = "/a-b/", .handler = get_open},
        {.method = "GET", .path = "/named", .handler = get_open, .api = &named},
        {.method = "GET", .path = "/c/{d}", .handler = get_open},
        {.method = "GET", .path = "/c/{d*}", .handler = get_open},
        {.method = "PUT", .path = "/c/{d*}", .handler = get_open},
        {.method = "GET", .path = "/odd/{a}/of/{b}", .handler = get_open},
        {.method = "PUT", .path = "/odd/{b}/of/{id}", .handler = get_open, .api = &id_api},
        {.method = "GET", .path = "/odd/{a}/of", .handler = get_open},
    };
    struct site site;
    struct answer answer;
    weft_json *root = NULL;
    static const weft_http_openapi openapi = {0};
    CHECK_OK(site_open_with(&site, &(weft_http_options){.openapi = &openapi}, routes,
                            sizeof routes / sizeof routes[0]));
    CHECK_EQ(ask(&site, "GET /openapi.json HTTP/1.1\r\n" H "\r\n", &answer), 200);
    CHECK_OK(weft_json_read(&root, answer.body, answer.body_bytes, NULL, NULL)); /* no name twice */
    CHECK_TEXT(root, "paths /a/b get operationId", "get_a_b");
    CHECK_TEXT(root, "paths /a-b/ get operationId", "get_a_b_3");
    CHECK_TEXT(root, "paths /a/{b} get operationId", "get_a_b_4");
    CHECK_TEXT(root, "paths /named get operationId", "get_a_b_2");
    CHECK_TEXT(root, "paths /c/{d} get operationId", "get_c_d");
    CHECK_TEXT(root, "paths /c/{d} put operationId", "put_c_d");
    /* The names of a template are no part of what it is. */
    CHECK(at(root, "paths /odd/{b}/of/{id}") == NULL);
    CHECK(at(root, "paths /odd/{a}/of get") != NULL);
    const weft_json *put = at(root, "paths /odd/{a}/of/{b} put");
    CHECK_TEXT(put, "operationId", "put_odd_b_of_id");
    CHECK_TEXT(put, "parameters 0 name", "b"); /* its "id" */
    CHECK_TEXT(put, "parameters 0 schema type", "integer");
    CHECK_TEXT(put, "parameters 1 name", "a"); /* its "b" */
    CHECK_TEXT(put, "parameters 1 schema type", "string");
    CHECK(at(put, "parameters 2") == NULL);
    weft_json_free(root);
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

SCENARIO(a_typed_request_fails_whole)
{
    struct site site;
    int rc = shop_open(&site);
    if (rc < 0)
        return rc;
    weft_stream *client = NULL;
    rc = weft_stream_connect(&client, &site.addr);
    if (rc == 0)
        rc = weft_stream_write(client,
                               "PUT /items/7?tag=a HTTP/1.1\r\n" H "Content-Length: 14\r\n\r\n"
                               "{\"name\":\"tea\"}",
                               74);
    char piece[512];
    if (rc == 0)
        rc = weft_stream_flush(client);
    if (rc == 0)
        rc = (int)weft_stream_read(client, piece, sizeof piece);
    if (client != NULL)
        weft_stream_close(client);
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
