/* SPDX-License-Identifier: MIT */

/* What libcurl makes of our codings and ranges: it asks from a thread, and we answer. */

#include <weft.h>
#include <weft/http_files.h>

#include "core/scratch.h"
#include "harness/harness.h"

#include <curl/curl.h>
#include <stdlib.h>

#define FILE_BYTES ((size_t)300000)

struct site {
    weft_http_server *server;
    weft_http_files *files;
    weft_task task;
    char url[160];
};

static char text[FILE_BYTES];

/* ---- what curl asks and gets ---- */

struct question {
    const char *url, *accept, *range, *fields;
    const char *body; /* sent, gzip */
    size_t body_bytes;
    long status;
    double wire_bytes; /* of the answer, before it was decoded */
    char *got;
    size_t got_bytes;
    CURLcode rc;
};

static size_t take(char *bytes, size_t size, size_t count, void *arg)
{
    struct question *question = arg;
    question->got = realloc(question->got, question->got_bytes + size * count + 1);
    memcpy(question->got + question->got_bytes, bytes, size * count);
    question->got_bytes += size * count;
    return size * count;
}

static int ask(void *arg)
{
    struct question *question = arg;
    CURL *curl = curl_easy_init();
    struct curl_slist *fields =
        question->fields != NULL ? curl_slist_append(NULL, question->fields) : NULL;
    curl_off_t wire = 0;
    curl_easy_setopt(curl, CURLOPT_URL, question->url);
    curl_easy_setopt(curl, CURLOPT_PROXY, "");
    curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, take);
    curl_easy_setopt(curl, CURLOPT_WRITEDATA, question);
    curl_easy_setopt(curl, CURLOPT_ACCEPT_ENCODING, question->accept);
    curl_easy_setopt(curl, CURLOPT_RANGE, question->range);
    curl_easy_setopt(curl, CURLOPT_HTTPHEADER, fields);
    if (question->body != NULL) {
        curl_easy_setopt(curl, CURLOPT_POSTFIELDSIZE, (long)question->body_bytes);
        curl_easy_setopt(curl, CURLOPT_POSTFIELDS, question->body);
    }
    question->rc = curl_easy_perform(curl);
    curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &question->status);
    curl_easy_getinfo(curl, CURLINFO_SIZE_DOWNLOAD_T, &wire);
    question->wire_bytes = (double)wire;
    curl_slist_free_all(fields);
    curl_easy_cleanup(curl);
    return 0;
}

static void check(struct question *question, long status, const void *body, size_t bytes)
{
    note("%s, %s, %s", question->url, question->accept, question->range);
    question->got = NULL;
    question->got_bytes = 0;
    CHECK_OK(weft_run_blocking(ask, question));
    CHECK_EQ((int)question->rc, (int)CURLE_OK);
    CHECK_EQ(question->status, status);
    CHECK_BYTES(question->got != NULL ? question->got : "", question->got_bytes, body, bytes);
    free(question->got);
}

/* ---- what answers ---- */

static int pieces(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str type = WEFT_STR("text/plain");
    (void)req;
    (void)arg;
    WEFT_TRY(weft_http_set_field(res, "Content-Type", type));
    for (size_t at = 0; at < FILE_BYTES; at += 10000)
        WEFT_TRY(weft_http_write(res, text + at, 10000));
    return 0;
}

static int echo(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_str body = weft_http_body(req);
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", body.ptr, body.len);
}

static int serve(void *arg)
{
    return weft_http_serve(arg);
}

static void site_open(struct site *site)
{
    char addr[WEFT_ADDR_TEXT_BYTES];
    scratch_make();
    for (size_t i = 0; i < FILE_BYTES; i++)
        text[i] = (char)('a' + i % 23);
    CHECK_OK(weft_file_save(scratch("a.txt"), text, FILE_BYTES, 0600));
    CHECK_OK(weft_http_files_open(&site->files, scratch(""), NULL));
    CHECK_OK(weft_http_server_new(&site->server, &(weft_http_options){.compress_bytes_min = 1024}));
    const weft_http_route routes[] = {
        {.method = "GET",
         .path = "/files/{path*}",
         .handler = weft_http_files_handler,
         .arg = site->files},
        {.method = "GET", .path = "/pieces", .handler = pieces},
        {.method = "POST", .path = "/echo", .handler = echo},
    };
    for (size_t i = 0; i < 3; i++)
        CHECK_OK(weft_http_server_add(site->server, &routes[i]));
    CHECK_OK(weft_http_server_listen(site->server, "127.0.0.1:0"));
    CHECK_OK(weft_addr_format(weft_http_server_get_addr(site->server, 0), addr, sizeof addr));
    snprintf(site->url, sizeof site->url, "http://%s", addr);
    site->task = weft_spawn(serve, site->server);
}

static void site_close(struct site *site)
{
    weft_http_server_stop(site->server);
    CHECK_OK(weft_await(site->task));
    weft_http_server_free(site->server);
    weft_http_files_close(site->files);
    scratch_clean(0);
}

static const char *url_of(const struct site *site, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "%s%s", site->url, path);
    return url;
}

/* ---- tests ---- */

TASK_TEST(curl_decodes_our_codings)
{
    static const char *const accepts[] = {"gzip", "deflate", "br", "zstd", ""};
    struct site site;
    const curl_version_info_data *info = curl_version_info(CURLVERSION_NOW);
    if (strcmp(test_backend(), "sim") == 0)
        return;
    site_open(&site);
    for (size_t i = 0; i < 10; i++) {
        struct question question = {.url = url_of(&site, i < 5 ? "/files/a.txt" : "/pieces"),
                                    .accept = accepts[i % 5]};
        if (i % 5 == 2 && !(info->features & CURL_VERSION_BROTLI))
            continue;
        if (i % 5 == 3 && !(info->features & CURL_VERSION_ZSTD))
            continue;
        check(&question, 200, text, FILE_BYTES);
        CHECK_LT(question.wire_bytes, 30000);
    }
    site_close(&site);
}

TASK_TEST(curl_gets_ranges_and_sends_what_is_coded)
{
    static const char hello[] = "\x1f\x8b\x08\0\0\0\0\0\0\x03\xcb\x48\xcd\xc9\xc9\x07\0\x86\xa6\x10"
                                "\x36\x05\0\0";
    struct site site;
    if (strcmp(test_backend(), "sim") == 0)
        return;
    site_open(&site);
    struct question question = {.url = url_of(&site, "/files/a.txt"), .range = "1000-200999"};
    check(&question, 206, text + 1000, 200000);
    question.range = "-5";
    check(&question, 206, text + FILE_BYTES - 5, 5);
    question = (struct question){.url = url_of(&site, "/echo"),
                                 .fields = "Content-Encoding: gzip",
                                 .body = hello,
                                 .body_bytes = 25};
    check(&question, 200, "hello", 5);
    site_close(&site);
}
