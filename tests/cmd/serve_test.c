/* SPDX-License-Identifier: MIT */

/* weft serve, asked over real sockets. */
#include "child.h"

#include "harness/exposition.h"

#include <weft/catalog.h>
#include <weft/match.h>

#include <netinet/in.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#define COUNTRIES test_source("examples/data/countries.csv")

/* ---- a service and a client ---- */

struct service {
    struct child child;
    struct sockaddr_storage addr;
    socklen_t addr_bytes;
    wf_buf out;
};

/* Waits for the line that says where it listens. */
static void service_begin(struct service *service, const char *entities, const char *listen,
                          const char *loops)
{
    *service = (struct service){0};
    const char *unix_mode = strncmp(listen, "unix:", 5) == 0 ? "--unix-mode" : NULL;
    child_start(&service->child, (const char *const[]){"serve", "-e", entities, "--listen", listen,
                                                       "--loops", loops, unix_mode, "640", NULL});
    while (memchr(wf_buf_ptr(&service->out), '\n', wf_buf_bytes(&service->out)) == NULL)
        CHECK(child_read(&service->child.out, &service->out));
    wf_buf_putc(&service->out, '\0');
}

/* Of the line that says it. */
static void service_take_address(struct service *service)
{
    static const char head[] = "weft: serving countries.csv (249 entities) on http://127.0.0.1:";
    const char *line = wf_buf_ptr(&service->out);
    CHECK(strncmp(line, head, sizeof(head) - 1) == 0);
    struct sockaddr_in *addr = (struct sockaddr_in *)&service->addr;
    addr->sin_family = AF_INET;
    addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    addr->sin_port = htons((uint16_t)strtol(line + sizeof(head) - 1, NULL, 10));
    service->addr_bytes = sizeof(*addr);
}

static void service_start_on(struct service *service, const char *listen, const char *loops)
{
    service_begin(service, COUNTRIES, listen, loops);
    const char *line = wf_buf_ptr(&service->out);
    note("%s", line);
    if (strncmp(listen, "unix:", 5) == 0) {
        struct sockaddr_un *addr = (struct sockaddr_un *)&service->addr;
        CHECK(strstr(line, listen) != NULL);
        addr->sun_family = AF_UNIX;
        snprintf(addr->sun_path, sizeof(addr->sun_path), "%s", listen + 5);
        service->addr_bytes = sizeof(*addr);
        return;
    }
    service_take_address(service);
}

static void service_start(struct service *service, const char *listen)
{
    service_start_on(service, listen, "1");
}

static int service_end(struct service *service, int signo)
{
    weft_str nothing = {"", 0};
    wf_buf err = {0};
    kill(service->child.pid, signo);
    while (child_turn(&service->child, &nothing, &service->out, &err))
        ;
    int code = child_wait(&service->child);
    wf_buf_putc(&err, '\0');
    note("%s", wf_buf_ptr(&err));
    wf_buf_fini(&err);
    wf_buf_fini(&service->out);
    return code;
}

static int connect_to(const struct service *service)
{
    int fd = socket(service->addr.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    CHECK_OK(fd);
    CHECK_OK(connect(fd, (const struct sockaddr *)&service->addr, service->addr_bytes));
    return fd;
}

/* Sends a whole request and reads to the end of the connection. */
static void exchange(const struct service *service, const char *request, size_t bytes, wf_buf *out)
{
    int fd = connect_to(service);
    wf_buf_reset(out);
    while (bytes != 0) {
        ssize_t count = write(fd, request, bytes);
        CHECK_GT(count, 0);
        request += count;
        bytes -= (size_t)count;
    }
    while (child_read(&fd, out))
        ;
    wf_buf_putc(out, '\0');
}

struct answer {
    int status;
    const char *head, *body; /* in `buf` */
    wf_buf buf;
};

/* One call; `head` are further lines of the request's head. */
static void call_with(const struct service *service, const char *line, const char *head,
                      const char *body, struct answer *answer)
{
    wf_buf request = {0};
    wf_buf_printf(&request, "%s HTTP/1.1\r\nHost: test\r\nConnection: close\r\n%s", line, head);
    if (body != NULL)
        wf_buf_printf(&request, "Content-Type: application/json\r\nContent-Length: %zu\r\n",
                      strlen(body));
    wf_buf_puts(&request, "\r\n");
    wf_buf_puts(&request, body != NULL ? body : "");
    exchange(service, wf_buf_ptr(&request), wf_buf_bytes(&request), &answer->buf);
    wf_buf_fini(&request);
    answer->head = wf_buf_ptr(&answer->buf);
    CHECK(strncmp(answer->head, "HTTP/1.1 ", 9) == 0);
    answer->status = (int)strtol(answer->head + 9, NULL, 10);
    answer->body = strstr(answer->head, "\r\n\r\n");
    CHECK(answer->body != NULL);
    answer->body += 4;
}

static void call(const struct service *service, const char *line, const char *body,
                 struct answer *answer)
{
    call_with(service, line, "", body, answer);
}

/* Readiness comes when the matcher is fitted. */
static void wait_ready(const struct service *service)
{
    struct answer answer = {0};
    do {
        call(service, "GET /readyz", NULL, &answer);
    } while (answer.status == 503);
    CHECK_EQ(answer.status, 200);
    wf_buf_fini(&answer.buf);
}

/* ---- answers ---- */

static const char germany[] = "{\"id\":\"DE\",\"score\":1.0,\"text\":\"deutschland\","
                              "\"name\":\"Germany\",\"matched\":\"Deutschland\"}";

static const struct {
    const char *line, *body;
    int status;
    const char *answer; /* how it begins; "%" stands for the answer about Germany */
} calls[] = {
    {"GET /healthz", NULL, 200, "{\"status\":\"ok\"}"},
    {"GET /readyz", NULL, 200, "{\"status\":\"ready\"}"},
    {"GET /v1/info", NULL, 200, "{\"mode\":\"zero-shot\""},
    {"GET /v1/stats", NULL, 200, "{\"num_entities\":249"},
    {"GET /", NULL, 200, "<!doctype html>"},
    {"GET /nothing", NULL, 404, "{\"error\":{\"code\":\"not_found\""},
    {"GET /match", NULL, 405, "{\"error\":{\"code\":\"method_not_allowed\""},

    {"POST /match?query=Deutschland", NULL, 200, "{\"matched\":%}"},
    {"POST /match?query=xyzzy+plugh", NULL, 200, "{\"matched\":null}"},
    {"POST /match", NULL, 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: is req"},
    {"POST /batch", "[\"Deutschland\",\"\",\"xyzzy plugh\"]", 200, "{\"results\":[%,null,null]}"},
    {"POST /batch", "[]", 200, "{\"results\":[]}"},
    {"POST /batch", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"body: must be"},
    {"POST /batch", "[\"a\",5]", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"[1]: must be a string, is an "
     "integer\","
     "\"field\":\"[1]\""},

    {"POST /v1/match", "{\"query\":\"Deutschland\"}", 200,
     "{\"result\":%,\"mode\":\"zero-shot\",\"th"},
    {"POST /v1/match", "{\"query\":[\"Deutschland\"]}", 200,
     "{\"results\":[%],\"mode\":\"zero-shot\""},
    {"POST /v1/match", "{\"query\":[]}", 200, "{\"results\":[],\"mode\""},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"top_k\":2,\"candidates\":[\"DE\",\"FR\"]}",
     200, "{\"result\":[%"},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"candidates\":[{\"id\":\"FR\"}]}", 200,
     "{\"result\":null"},
    {"POST /v1/match", "{\"query\":\"Deutschland\",\"threshold\":null,\"metadata\":false}", 200,
     "{\"result\":%"},
    {"POST /v1/batch", "{\"queries\":[\"Deutschland\",\"xyzzy plugh\"],\"batch_size\":1}", 200,
     "{\"results\":[%,null]}"},
    {"POST /v1/explain", "{\"query\":\"Deutschland\",\"top_k\":1}", 200,
     "{\"query\":\"Deutschland\",\"query_normalized\":\"deutschland\",\"matched\":true,"
     "\"best_match\":%,\"top_k\":[%]"},
    {"POST /v1/diagnose", "{\"query\":\"\"}", 200, "{\"query\":\"\",\"matcher_ready\":true"},
    {"POST /v1/diagnose", "{\"query\":\"Deutschland\",\"top_k\":1}", 200,
     "{\"query\":\"Deutschland\",\"matcher_ready\":true,\"active_matcher\":\"EmbeddingMatcher\","
     "\"query_normalized\":\"deutschland\",\"matched\":true,\"best_match\":%,\"top_k\":[%]"},
    {"POST /v1/diagnose", "{\"query\":\"a\",\"top_k\":0}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"top_k: must be an integer"},
    {"POST /v1/novelty", "{\"query\":\"Deutschland\"}", 200,
     "{\"id\":\"DE\",\"score\":1.0,\"is_match\":true,\"is_novel\":false,\"novel_score\":0.0,"
     "\"match_method\":\"accepted_known\",\"alternatives\":[{\"id\":\"DE\""},
    {"POST /v1/novelty", "{\"queries\":[\"\"],\"alpha\":0.1,\"existing\":[]}", 200,
     "{\"results\":[{\"id\":null,\"score\":0.0,\"is_match\":false,\"is_novel\":false,"},
    {"POST /v1/novelty", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either query"},
    {"POST /v1/novelty", "{\"query\":\"a\",\"strategies\":[\"setfit\"]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"unsupported strategy: setfit\","
     "\"field\":\"strategies\""},
    {"POST /v1/hierarchy", "{\"query\":\"Deutschland\",\"top_k\":1}", 200,
     "{\"matches\":[{\"id\":\"DE\",\"score\":0.85,\"relationship\":\"self\",\"depth\":0,"},
    {"POST /v1/hierarchy", "{\"queries\":[\"\"],\"match_level\":\"self\"}", 200,
     "{\"results\":[{\"matches\":[],\"certain\":null,\"levels\":[],\"relatives_cut\":false}]}"},
    {"POST /v1/hierarchy", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either query"},
    {"POST /v1/hierarchy", "{\"query\":\"a\",\"match_level\":\"up\"}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"Invalid match_level: up\","
     "\"field\":\"match_level\""},
    {"POST /v1/hierarchy", "{\"query\":\"a\",\"within\":\"Oz\"}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"within: 'Oz' is no entity's id\","
     "\"field\":\"within\""},
    {"GET /v1/hierarchy?id=DE", "", 200,
     "{\"id\":\"DE\",\"name\":\"Germany\",\"path\":[{\"id\":\"DE\",\"name\":\"Germany\","
     "\"depth\":0}],\"ancestors\":[],\"descendants\":[]}"},
    {"GET /v1/hierarchy?id=Oz", "", 404, "{\"error\":{\"code\":\"not_found\""},

    /* 400: no JSON */
    {"POST /v1/match", "", 400, "{\"error\":{\"code\":\"bad_request\""},
    {"POST /v1/match", "{\"query\":\"a\",}", 400,
     "{\"error\":{\"code\":\"bad_request\",\"message\":\"the body is not the JSON expected: a key "
     "in "
     "quotes must stand here, line 1 column 14\",\"details\":{\"offset\":13}"},
    {"POST /v1/match", "{\"query\":\"a\",\"query\":\"b\"}", 400,
     "{\"error\":{\"code\":\"bad_request\""},
    {"POST /v1/match", "{\"query\":\"\xFF\"}", 400, "{\"error\":{\"code\":\"bad_request\""},

    /* 422: JSON, but not what was asked for */
    {"POST /v1/match", "[]", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"body: must be an object, is an "
     "array\",\"field\":\"body\",\"details\":{\"error_count\":1,\"errors\":[{\"field\":\"body\","},
    {"POST /batch", "{\"queries\":[]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"body: must be an array of "
     "strings\",\"field\":\"body\""},
    {"POST /v1/novelty", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either query, a text, or "
     "queries, a list of texts\",\"field\":\"query\""},
    {"POST /v1/hierarchy", "{\"query\":\"a\",\"queries\":[]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: give either"},
    {"POST /v1/novelty", "{\"query\":\"a\",\"alpha\":1}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"alpha: must be a number above 0 and "
     "below 1\",\"field\":\"alpha\""},
    {"GET /v1/hierarchy?id=nobody", NULL, 404,
     "{\"error\":{\"code\":\"not_found\",\"message\":\"no entity has the id "
     "nobody\",\"field\":\"id\""},
    {"POST /v1/match", "{}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"query: is "
     "required\",\"field\":\"query\""},
    {"POST /v1/match", "{\"query\":\"a\",\"topk\":1}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"topk: is not a field of this "
     "request\""},
    {"POST /v1/match", "{\"query\":\"a\",\"top_k\":0}", 422,
     "{\"error\":{\"code\":\"validation_error\""},
    {"POST /v1/match", "{\"query\":\"a\",\"top_k\":1001}", 422,
     "{\"error\":{\"code\":\"validation_error\""},
    {"POST /v1/match", "{\"query\":\"a\",\"threshold\":1.1}", 422,
     "{\"error\":{\"code\":\"validation_e"},
    {"POST /v1/match", "{\"query\":\"a\",\"candidates\":[null]}", 422,
     "{\"error\":{\"code\":\"validation_error\",\"message\":\"candidates[0]: must be an id"},
    {"POST /v1/match", "{\"query\":\"a\",\"metadata\":1}", 422,
     "{\"error\":{\"code\":\"validation_e"},
    {"POST /v1/explain", "{\"query\":[\"a\"]}", 422, "{\"error\":{\"code\":\"validation_error\""},
    {"POST /v1/batch", "{\"queries\":\"a\"}", 422, "{\"error\":{\"code\":\"validation_error\""},
};

/* True if `text` begins with `pattern`, in which % is the answer about Germany. */
static bool begins(const char *text, const char *pattern)
{
    for (; *pattern != '\0'; pattern++) {
        size_t bytes = *pattern == '%' ? sizeof(germany) - 1 : 1;
        if (strncmp(text, *pattern == '%' ? germany : pattern, bytes) != 0)
            return false;
        text += bytes;
    }
    return true;
}

TEST(serve_answers_every_route)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    wait_ready(&service);
    for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++) {
        call(&service, calls[i].line, calls[i].body, &answer);
        note("%s %s: %s", calls[i].line, calls[i].body != NULL ? calls[i].body : "", answer.body);
        CHECK_EQ(answer.status, calls[i].status);
        CHECK(begins(answer.body, calls[i].answer));
    }
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* The usual answer, and behind it all that is known about it. */
TEST(serve_tells_metadata_if_asked)
{
    static const char one[] = "{\"query\":\"Deutschland\",\"metadata\":true}";
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    call(&service, "POST /v1/match", one, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(begins(answer.body, "{\"result\":%,\"mode\":\"zero-shot\",\"threshold\":"));
    CHECK(strstr(answer.body, ",\"predictions\":[\"DE\"],\"confidences\":[1.0],") != NULL);
    CHECK(strstr(answer.body, ",\"single_input\":true,\"texts\":[\"Deutschland\"],") != NULL);
    CHECK(strstr(answer.body, ",\"records\":[{\"text\":\"Deutschland\",\"predicted_id\":\"DE\"") !=
          NULL);

    wf_buf body = {0};
    wf_buf_puts(&body, "{\"metadata\":true,\"top_k\":1000,\"query\":[\"\"");
    for (int i = 0; i < 10; i++)
        wf_buf_puts(&body, ",\"\"");
    wf_buf_puts(&body, "]}");
    wf_buf_putc(&body, '\0');
    call(&service, "POST /v1/match", wf_buf_ptr(&body), &answer);
    CHECK_EQ(answer.status, 413);
    CHECK(strstr(answer.body, "\"limit\":10000,\"seen\":11000") != NULL);
    wf_buf_fini(&body);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_streams_a_batch_as_lines_or_events)
{
    static const char body[] = "{\"queries\":[\"Deutschland\",\"xyzzy plugh\"]}";
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    call_with(&service, "POST /v1/batch", "Accept: application/x-ndjson\r\n", body, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.head, "\r\nContent-Type: application/x-ndjson\r\n") != NULL);
    CHECK(strstr(answer.body, "{\"index\":0,\"result\":") != NULL);
    CHECK(strstr(answer.body, germany) != NULL);
    CHECK(strstr(answer.body, "{\"index\":1,\"result\":null}\n") != NULL);

    call_with(&service, "POST /v1/batch", "Accept: text/event-stream\r\n", body, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.body, "event: progress\ndata: {\"completed\":2,\"total\":2}\n\n") != NULL);
    CHECK(strstr(answer.body, "event: results\ndata: ") != NULL);
    CHECK(strstr(answer.body, "event: done\ndata: {}\n\n") != NULL);

    call_with(&service, "POST /v1/batch", "Content-Type: text/plain\r\n", NULL, &answer);
    CHECK_EQ(answer.status, 415);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGINT), 0);
}

static const struct {
    const char *line, *accept;
    int status;
    const char *type; /* of the answer */
} forms[] = {
    {"POST /v1/batch", "Accept: image/png\r\n", 406, "application/json"},
    {"POST /v1/batch", "Accept: */*\r\n", 200, "application/json"},
    {"POST /v1/batch", "Accept: */*, application/json;q=0\r\n", 200, "application/x-ndjson"},
    {"POST /v1/batch", "Accept: text/*\r\n", 200, "text/event-stream"},
    {"POST /v1/batch", "Accept: text/xml\r\nAccept: application/x-ndjson\r\n", 200,
     "application/x-ndjson"},
    {"POST /v1/match", "Accept: application/x-ndjson\r\n", 406, "application/json"},
    {"POST /v1/match", "Accept: */*, application/json;q=0\r\n", 406, "application/json"},
    {"POST /v1/match", "Accept: text/xml\r\nAccept: application/json\r\n", 200, "application/json"},
    {"POST /v1/explain", "Accept: text/event-stream\r\n", 406, "application/json"},
};

TEST(serve_answers_in_a_form_the_client_accepts)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        bool is_batch = strstr(forms[i].line, "batch") != NULL;
        char field[64];
        note("%s, %s", forms[i].line, forms[i].accept);
        call_with(&service, forms[i].line, forms[i].accept,
                  is_batch ? "{\"queries\":[\"a\"]}" : "{\"query\":\"a\"}", &answer);
        CHECK_EQ(answer.status, forms[i].status);
        snprintf(field, sizeof(field), "\r\nContent-Type: %s\r\n", forms[i].type);
        CHECK(strstr(answer.head, field) != NULL);
    }
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_refuses_what_is_too_large)
{
    struct service service;
    struct answer answer = {0};
    wf_buf body = {0};
    service_start(&service, "127.0.0.1:0");

    wf_buf_puts(&body, "{\"query\":\"");
    for (int i = 0; i < 70000; i++)
        wf_buf_putc(&body, 'a');
    wf_buf_puts(&body, "\"}");
    wf_buf_putc(&body, '\0');
    call(&service, "POST /v1/match", wf_buf_ptr(&body), &answer);
    CHECK_EQ(answer.status, 413);
    CHECK(strstr(answer.body, "\"code\":\"too_large\"") != NULL);
    CHECK(strstr(answer.body, "\"limit\":65536") != NULL);

    wf_buf_reset(&body);
    wf_buf_puts(&body, "{\"queries\":[\"\"");
    for (int i = 0; i < 10000; i++)
        wf_buf_puts(&body, ",\"\"");
    wf_buf_puts(&body, "]}");
    wf_buf_putc(&body, '\0');
    call(&service, "POST /v1/batch", wf_buf_ptr(&body), &answer);
    CHECK_EQ(answer.status, 413);
    CHECK(strstr(answer.body, "\"seen\":10001") != NULL);

    /* The answers to as many texts as may be asked for must not fill the memory. */
    wf_buf_reset(&body);
    wf_buf_puts(&body, "{\"top_k\":1000,\"query\":[\"\"");
    for (int i = 0; i < 1000; i++)
        wf_buf_puts(&body, ",\"\"");
    wf_buf_puts(&body, "]}");
    wf_buf_putc(&body, '\0');
    call(&service, "POST /v1/match", wf_buf_ptr(&body), &answer);
    CHECK_EQ(answer.status, 413);
    CHECK(strstr(answer.body, "\"seen\":1001000") != NULL);

    call_with(&service, "POST /v1/match", "Content-Length: 9000000\r\n", NULL, &answer);
    CHECK_EQ(answer.status, 413);
    wf_buf_fini(&body);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_echoes_the_request_id)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    call_with(&service, "POST /v1/match", "X-Request-Id: abc-123\r\n", "{}", &answer);
    CHECK(strstr(answer.head, "\r\nX-Request-Id: abc-123\r\n") != NULL);
    CHECK(strstr(answer.body, "\"request_id\":\"abc-123\"}}") != NULL);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_listens_on_a_unix_socket_and_leaves_no_file)
{
    char directory[] = "/tmp/weft-serve-XXXXXX", listen[64];
    struct service service;
    struct answer answer = {0};
    CHECK(mkdtemp(directory) != NULL);
    snprintf(listen, sizeof(listen), "unix:%s/s", directory);
    service_start(&service, listen);
    struct stat file;
    CHECK_OK(stat(listen + 5, &file));
    CHECK_EQ(file.st_mode & 0777u, 0640u);
    call(&service, "POST /match?query=Deutschland", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.body, germany) != NULL);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
    CHECK_OK(rmdir(directory)); /* empty */
}

/* ---- one answer, three ways ---- */

static weft_matcher *open_countries(void)
{
    weft_catalog *catalog;
    weft_matcher *matcher;
    weft_m_options options;
    size_t count;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_OK(weft_catalog_read_file(catalog, COUNTRIES, NULL, NULL));
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    weft_m_options_init(&options);
    options.threshold = 0.3f;
    CHECK_OK(weft_m_open(&matcher, entities, count, &options, NULL));
    weft_catalog_free(catalog);
    return matcher;
}

/* Command line, HTTP and library say the same bytes. */
TEST(serve_says_what_the_program_and_the_library_say)
{
    static const char *const texts[] = {"Korea", "Untied Kingdom", "republik", "日本", "zzz"};
    struct service service;
    struct answer answer = {0};
    weft_matcher *matcher = open_countries();
    service_start(&service, "127.0.0.1:0");
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        char body[128], expected[4096];
        weft_m_query query;
        weft_text json;
        struct run run;
        weft_m_query_init(&query);
        query.top_k = 3;
        CHECK_OK(weft_m_match_json(matcher, (weft_str){texts[i], strlen(texts[i])}, &query, &json,
                                   NULL));
        snprintf(body, sizeof(body), "{\"queries\":[\"%s\"],\"top_k\":3,\"threshold\":0.3}",
                 texts[i]);
        call(&service, "POST /v1/batch", body, &answer);
        snprintf(expected, sizeof(expected), "{\"results\":[%s]}", json.ptr);
        CHECK_STR(answer.body, expected);
        RUN(&run, "match", "query", "-e", COUNTRIES, "-t", "0.3", "-k", "3", texts[i]);
        snprintf(expected, sizeof(expected), "%s\n", json.ptr);
        CHECK_STR(run.out, expected);
        run_fini(&run);
        weft_text_free(&json);
    }
    weft_m_close(matcher);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* ---- bad surroundings ---- */

TEST(serve_says_why_it_cannot_listen)
{
    struct run run;
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", "nowhere");
    CHECK_EQ(run.code, 2);
    CHECK(strncmp(run.err, "weft: --listen nowhere: ", 24) == 0);
    run_fini(&run);
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", "unix:/nonexistent/s");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: cannot listen on unix:/nonexistent/s: No such file or directory\n");
    run_fini(&run);
}

/* Clients that go away in the middle leave a service that answers. */
TEST(serve_survives_clients_that_go_away)
{
    struct service service;
    struct answer answer = {0};
    static const char half[] =
        "POST /v1/match HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"query";
    service_start(&service, "127.0.0.1:0");
    for (size_t cut = 0; cut < sizeof(half); cut += 7) {
        int fd = connect_to(&service);
        CHECK_EQ(write(fd, half, cut), (ssize_t)cut);
        close(fd);
    }
    call(&service, "POST /match?query=Deutschland", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* The end comes while the matcher is still being fitted: that work is waited for, not run over. */
TEST(serve_ends_in_order_before_it_is_ready)
{
    wf_buf text = {0};
    wf_buf_puts(&text, "id,name,aliases\n");
    for (int i = 0; i < 20000; i++)
        wf_buf_printf(&text, "%d,entity number %d of many,also %d|called %d\n", i, i * 7, i * 11,
                      i);
    wf_buf_putc(&text, '\0');
    const char *path = make_file("many.csv", wf_buf_ptr(&text));
    for (int i = 0; i < 5; i++) {
        struct service service;
        service_begin(&service, path, "127.0.0.1:0", i < 3 ? "1" : "2");
        CHECK_EQ(service_end(&service, i & 1 ? SIGINT : SIGTERM), 0);
    }
    drop_file(path);
    wf_buf_fini(&text);
}

/* A client that asks for much and takes nothing. */
static int ask_and_not_read(const struct service *service)
{
    int fd = connect_to(service), small = 4096;
    wf_buf request = {0}, body = {0};
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
    wf_buf_puts(&body, "{\"top_k\":100,\"threshold\":0,\"queries\":[\"a\"");
    for (int i = 0; i < 599; i++) /* answers of 6 MB: more than sockets hold */
        wf_buf_puts(&body, ",\"a\"");
    wf_buf_puts(&body, "]}");
    wf_buf_printf(&request,
                  "POST /v1/batch HTTP/1.1\r\nHost: a\r\nAccept: application/x-ndjson\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  wf_buf_bytes(&body));
    wf_buf_append(&request, wf_buf_ptr(&body), wf_buf_bytes(&body));
    CHECK_EQ(write(fd, wf_buf_ptr(&request), wf_buf_bytes(&request)),
             (ssize_t)wf_buf_bytes(&request));
    CHECK_EQ(recv(fd, &small, 1, 0), 1); /* the answer has begun */
    wf_buf_fini(&request);
    wf_buf_fini(&body);
    return fd;
}

/* The first signal lets requests in hand finish; the second cancels them and still ends in order.
 */
TEST(serve_ends_in_order_at_once_when_signalled_again)
{
    static const int numbers[][2] = {{SIGTERM, SIGTERM}, {SIGINT, SIGTERM}};
    for (size_t i = 0; i < 3; i++) {
        struct service service;
        service_start_on(&service, "127.0.0.1:0", i < 2 ? "1" : "2");
        int fd = ask_and_not_read(&service), probe = -1;
        kill(service.child.pid, numbers[i % 2][0]);
        do { /* until the shutdown has closed the listener */
            if (probe >= 0)
                close(probe);
            probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        } while (connect(probe, (struct sockaddr *)&service.addr, service.addr_bytes) == 0);
        close(probe);
        CHECK_EQ(service_end(&service, numbers[i % 2][1]), 0);
        close(fd);
    }
}

/* ---- for Prometheus ---- */

static double metric(const struct answer *answer, const char *name)
{
    note("%s", name);
    return exposition_value(answer->body, strlen(answer->body), name);
}

TEST(test_O03_metrics_of_the_loop_the_server_and_the_matcher)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    wait_ready(&service);
    for (int i = 0; i < 3; i++)
        call(&service, "POST /match?query=Deutschland", NULL, &answer);
    call(&service, "GET /nothing", NULL, &answer);
    call(&service, "GET /metrics", NULL, &answer);
    note("%s", answer.head);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.head, "text/plain; version=0.0.4; charset=utf-8\r\n") != NULL);
    const char *error = exposition_check(answer.body, strlen(answer.body));
    CHECK_STR(error != NULL ? error : "", "");
    CHECK_EQ(metric(&answer, "weft_match_calls_total{matcher=\"default\",call=\"match\"}"), 3.0);
    CHECK_EQ(metric(&answer, "weft_match_queries_total{matcher=\"default\"}"), 3.0);
    CHECK_EQ(metric(&answer, "weft_match_entities{matcher=\"default\"}"), 249.0);
    CHECK_GT(metric(&answer, "weft_match_snapshot_bytes{matcher=\"default\"}"), 1000.0);
    CHECK_EQ(metric(&answer, "weft_match_ready{matcher=\"default\"}"), 1.0);
    CHECK_EQ(metric(&answer, "weft_http_answers_total{status=\"404\"}"), 1.0);
    CHECK_GE(metric(&answer, "weft_http_answers_total{status=\"200\"}"), 4.0);
    double requests = metric(&answer, "weft_http_requests_total");
    CHECK_EQ(metric(&answer, "weft_http_request_seconds_count"), requests - 1); /* but this one */
    CHECK_GT(metric(&answer, "weft_http_request_seconds_sum"), 0.0);
    CHECK_GT(metric(&answer, "weft_http_received_bytes_total"), requests * 40);
    CHECK_GT(metric(&answer, "weft_http_sent_bytes_total"), requests * 40);
    CHECK_EQ(metric(&answer, "weft_http_requests{state=\"in_hand\"}"), 1.0);
    CHECK_GE(metric(&answer, "weft_tasks_made_total{loop=\"0\"}"), 5.0);
    CHECK_GT(metric(&answer, "weft_pass_seconds_count{loop=\"0\"}"), 0.0);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* ---- several loops ---- */

/* Connections on both, so that both have something to end. */
static void ask_both(const struct service *service, struct answer *answer)
{
    do {
        call(service, "POST /match?query=Deutschland", NULL, answer);
        CHECK(strstr(answer->body, germany) != NULL);
        call(service, "GET /metrics", NULL, answer);
    } while (metric(answer, "weft_http_loop_requests_total{loop=\"0\"}") < 1 ||
             metric(answer, "weft_http_loop_requests_total{loop=\"1\"}") < 1);
}

TEST(serve_with_two_loops_deals_connections_out_and_adds_up_its_counters)
{
    struct service service;
    struct answer answer = {0};
    service_start_on(&service, "127.0.0.1:0", "2");
    wait_ready(&service);
    ask_both(&service, &answer);
    const char *error = exposition_check(answer.body, strlen(answer.body));
    CHECK_STR(error != NULL ? error : "", "");
    double requests = metric(&answer, "weft_http_requests_total");
    CHECK_EQ(requests, metric(&answer, "weft_http_loop_requests_total{loop=\"0\"}") +
                           metric(&answer, "weft_http_loop_requests_total{loop=\"1\"}"));
    CHECK_EQ(metric(&answer, "weft_http_request_seconds_count"), requests - 1);
    CHECK_EQ(metric(&answer, "weft_http_requests{state=\"in_hand\"}"), 1.0);
    CHECK_GT(metric(&answer, "weft_tasks_made_total{loop=\"1\"}"), 0.0);
    call(&service, "GET /v1/stats", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGINT), 0);
}

/* All loops share the port among them, and with nobody else. */
TEST(serve_with_two_loops_refuses_a_port_that_another_service_shares)
{
    struct service service;
    struct run run;
    char listen[64], said[160];
    service_start_on(&service, "127.0.0.1:0", "2");
    const struct sockaddr_in *addr = (const struct sockaddr_in *)&service.addr;
    snprintf(listen, sizeof(listen), "127.0.0.1:%d", ntohs(addr->sin_port));
    snprintf(said, sizeof(said), "weft: cannot listen on %s: Address already in use\n", listen);
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", listen, "--loops", "2");
    CHECK_STR(run.err, said);
    CHECK_EQ(run.code, 1);
    run_fini(&run);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_refuses_no_loops_and_too_many)
{
    static const char *const counts[] = {"0", "257", "many"};
    for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++) {
        struct run run;
        RUN(&run, "serve", "-e", COUNTRIES, "--loops", counts[i]);
        CHECK_EQ(run.code, 2);
        CHECK(strncmp(run.err, "weft: --loops: ", 15) == 0);
        run_fini(&run);
    }
}

/* ---- what it says of itself, and of its requests ---- */

TEST(serve_gives_every_answer_an_id)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    call(&service, "GET /healthz", NULL, &answer);
    CHECK(strstr(answer.head, "\r\nX-Request-Id: ") != NULL);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* A validator by others, if there is one, has nothing against the document. */
TEST(serve_describes_itself_as_openapi)
{
    static const char validate[] = "import json, sys\n"
                                   "try:\n"
                                   "    import openapi_spec_validator\n"
                                   "except ImportError:\n"
                                   "    sys.exit(77)\n"
                                   "openapi_spec_validator.validate(json.load(sys.stdin))\n";
    struct service service;
    struct answer answer = {0};
    char command[512];
    service_start(&service, "127.0.0.1:0");
    call(&service, "GET /openapi.json", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.body, "\"/v1/match\":{\"post\":{") != NULL);
    CHECK(strstr(answer.body, "\"Match\":{\"type\":\"object\"") != NULL);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
    snprintf(command, sizeof(command), "python3 -c '%s'", validate);
    FILE *validator = popen(command, "w");
    CHECK(validator != NULL);
    fputs(answer.body, validator);
    int status = pclose(validator);
    wf_buf_fini(&answer.buf);
    if (WIFEXITED(status) && (WEXITSTATUS(status) == 77 || WEXITSTATUS(status) == 127))
        SKIP("no openapi_spec_validator");
    CHECK_EQ(status, 0);
}

TEST(serve_writes_a_line_for_each_request)
{
    char path[] = "/tmp/weft-serve-log-XXXXXX", log[2048] = "";
    struct service service = {0};
    struct answer answer = {0};
    int fd = mkstemp(path);
    CHECK_OK(fd);
    child_start(&service.child, (const char *const[]){"serve", "-e", COUNTRIES, "--listen",
                                                      "127.0.0.1:0", "--access-log", path, NULL});
    while (memchr(wf_buf_ptr(&service.out), '\n', wf_buf_bytes(&service.out)) == NULL)
        CHECK(child_read(&service.child.out, &service.out));
    wf_buf_putc(&service.out, '\0');
    service_take_address(&service);
    call(&service, "GET /healthz?token=secret", NULL, &answer);
    call(&service, "GET /nowhere", NULL, &answer);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
    CHECK_GT(read(fd, log, sizeof(log) - 1), 0);
    close(fd);
    unlink(path);
    note("%s", log);
    CHECK(strstr(log, "\"path\":\"/healthz\",\"route\":\"/healthz\",\"status\":200,") != NULL);
    CHECK(strstr(log, "\"path\":\"/nowhere\",\"route\":null,\"status\":404,") != NULL);
    CHECK(strstr(log, "secret") == NULL);
    CHECK(strstr(log, "\"trace_id\":\"") != NULL);
}

static void hang_up(struct service *service, const char *said)
{
    wf_buf err = {0};
    kill(service->child.pid, SIGHUP);
    while (memchr(wf_buf_ptr(&err), '\n', wf_buf_bytes(&err)) == NULL)
        CHECK(child_read(&service->child.err, &err));
    CHECK_BYTES(wf_buf_ptr(&err), wf_buf_bytes(&err), said, strlen(said));
    wf_buf_fini(&err);
}

static void check_logged(const char *path, const char *part, const char *other)
{
    char log[2048] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    CHECK_OK(fd);
    CHECK_OK(read(fd, log, sizeof(log) - 1));
    close(fd);
    note("%s", log);
    CHECK(strstr(log, part) != NULL);
    CHECK(strstr(log, other) == NULL);
}

/* As logrotate does it: move the file, then SIGHUP. */
TEST(serve_opens_its_log_anew_at_sighup)
{
    for (int loops = 1; loops <= 2; loops++) {
        char path[] = "/tmp/weft-serve-log-XXXXXX", moved[64];
        struct service service = {0};
        struct answer answer = {0};
        int fd = mkstemp(path);
        CHECK_OK(fd);
        close(fd);
        snprintf(moved, sizeof(moved), "%s.1", path);
        child_start(&service.child, (const char *const[]){"serve", "-e", COUNTRIES, "--listen",
                                                          "127.0.0.1:0", "--access-log", path,
                                                          "--loops", loops == 1 ? "1" : "2", NULL});
        while (memchr(wf_buf_ptr(&service.out), '\n', wf_buf_bytes(&service.out)) == NULL)
            CHECK(child_read(&service.child.out, &service.out));
        wf_buf_putc(&service.out, '\0');
        service_take_address(&service);
        wait_ready(&service);
        call(&service, "GET /before", NULL, &answer);
        CHECK_OK(rename(path, moved));
        hang_up(&service, "weft: the access log was opened again\n");
        call(&service, "GET /after", NULL, &answer);
        wf_buf_fini(&answer.buf);
        CHECK_EQ(service_end(&service, SIGTERM), 0);
        check_logged(path, "\"path\":\"/after\"", "\"path\":\"/never\"");
        check_logged(moved, "", "\"path\":\"/after\"");
        unlink(path);
        unlink(moved);
    }
}

/* A terminal that goes away does not take the service along, even if there is nothing to reload. */
TEST(serve_lives_on_after_sighup)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service, "127.0.0.1:0");
    for (int i = 0; i < 3; i++) {
        kill(service.child.pid, SIGHUP);
        call(&service, "GET /healthz", NULL, &answer);
        CHECK_EQ(answer.status, 200);
    }
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

TEST(serve_says_why_it_cannot_log)
{
    struct run run;
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", "127.0.0.1:0", "--access-log", "/nowhere/x");
    CHECK_STR(run.err, "weft: cannot open /nowhere/x: No such file or directory\n");
    CHECK_EQ(run.code, 1);
    run_fini(&run);
}
