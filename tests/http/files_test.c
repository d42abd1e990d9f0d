/* SPDX-License-Identifier: MIT */

/* Files over HTTP, against a live server. */

#include "site.h"

#include <weft.h>
#include <weft/http_files.h>

#include "core/scratch.h"

#include <fcntl.h>
#include <stdlib.h>

#define H "Host: a\r\n"
#define END "\r\n"
#define OLD 784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define BIG ((size_t)200000)

struct fixture {
    struct site site;
    weft_http_files *files;
};

static int serve(void *arg)
{
    const struct site *site = arg;
    return weft_http_serve(site->server);
}

/* On a real disk a time long ago, so that tags are strong; the simulated one has another way: its
 * files are two seconds old. */
static void make_old(const char *path)
{
    const struct timespec times[2] = {{.tv_sec = OLD}, {.tv_sec = OLD}};
    if (!scratch_is_simulated())
        CHECK_EQ(utimensat(AT_FDCWD, path, times, 0), 0);
}

static void put(const char *name, const void *bytes, size_t count)
{
    CHECK_OK(weft_file_save(scratch(name), bytes, count, 0600));
    make_old(scratch(name));
}

static char big[BIG];

static void make_tree(void)
{
    scratch_make();
    for (size_t i = 0; i < BIG; i++)
        big[i] = (char)('a' + i * 7 % 26);
    CHECK_OK(weft_mkdir(scratch("www"), 0700));
    CHECK_OK(weft_mkdir(scratch("www/dir"), 0700));
    CHECK_OK(weft_mkdir(scratch("www/bare"), 0700));
    CHECK_OK(weft_mkdir(scratch("www/.well-known"), 0700));
    put("secret", "secret", 6);
    put("www/a.txt", "0123456789", 10);
    put("www/empty", "", 0);
    put("www/big.bin", big, BIG);
    put("www/dir/index.html", "<p>dir", 6);
    put("www/.hidden", "hidden", 6);
    put("www/.well-known/x", "known", 5);
    put("www/a b.txt", "blank", 5);
    if (!scratch_is_simulated()) {
        CHECK_EQ(symlink("a.txt", scratch("www/link")), 0);
        CHECK_EQ(symlink("../secret", scratch("www/escape")), 0);
        CHECK_EQ(mkfifo(scratch("www/fifo"), 0600), 0);
    }
    CHECK_OK(weft_sleep(3 * WEFT_SEC));
}

static int fixture_open(struct fixture *self, const weft_http_files_options *options,
                        const weft_http_options *http)
{
    *self = (struct fixture){0};
    WEFT_TRY(weft_http_files_open(&self->files, scratch("www"), options));
    int rc = weft_http_server_new(&self->site.server, http);
    weft_http_route route = {.method = "GET",
                             .path = "/s/{path*}",
                             .handler = weft_http_files_handler,
                             .arg = self->files};
    if (rc == 0)
        rc = weft_http_server_add(self->site.server, &route);
    if (rc == 0)
        rc = weft_http_server_listen(self->site.server, "127.0.0.1:0");
    if (rc < 0) {
        weft_http_server_free(self->site.server);
        weft_http_files_close(self->files);
        return rc;
    }
    self->site.addr = *weft_http_server_get_addr(self->site.server, 0);
    self->site.task = weft_spawn(serve, &self->site);
    return 0;
}

static int fixture_close(struct fixture *self)
{
    int rc = site_close(&self->site);
    weft_http_files_close(self->files);
    return rc;
}

/* GET of the path with further lines. */
static int get(struct fixture *self, const char *path, const char *lines, struct answer *out)
{
    char request[2048];
    snprintf(request, sizeof request, "GET /s/%s HTTP/1.1\r\n" H "%s" END, path, lines);
    return ask(&self->site, request, out);
}

static bool field_is(const struct answer *answer, const char *name, const char *value)
{
    const char *has = answer_field(answer, name);
    return value == NULL ? has == NULL : has != NULL && strcmp(has, value) == 0;
}

static void check_get(struct fixture *self, const char *path, const char *lines, int status,
                      const void *body, size_t bytes)
{
    struct answer answer;
    note("%s, %s", path, lines);
    CHECK_EQ(get(self, path, lines, &answer), status);
    if (body != NULL)
        CHECK_BYTES(answer.body != NULL ? answer.body : "", answer.body_bytes, body, bytes);
    answer_fini(&answer);
}

/* ---- what a path means ---- */

TASK_TEST(class_23_rows_of_paths_to_files)
{
    static const struct {
        const char *path;
        int status;
        const char *body; /* NULL: whatever */
    } rows[] = {
        {"a.txt", 200, "0123456789"},
        {"empty", 200, ""},
        {"a%20b.txt", 200, "blank"},
        {"dir/", 200, "<p>dir"},
        {"dir/index.html", 200, "<p>dir"},
        {"dir", 301, NULL},
        {"bare/", 404, NULL},
        {"", 404, NULL},
        {"none", 404, NULL},
        {"a.txt/", 404, NULL},
        {"a.txt/x", 404, NULL},
        {".hidden", 404, NULL},
        {"dir/.hidden", 404, NULL},
        {".well-known/x", 200, "known"},
        {"dir/.well-known/x", 404, NULL},
        {"//a.txt", 404, NULL},
        {"dir//index.html", 404, NULL},
        {"./a.txt", 404, NULL},
        {"../secret", 400, NULL},
        {"..%2fsecret", 400, NULL},
        {"%2e%2e/secret", 400, NULL},
        {"dir/..%5csecret", 400, NULL},
        {"a.txt%00", 400, NULL},
        {"%2fetc/passwd", 400, NULL},
        {"/etc/passwd", 404, NULL},
    };
    struct fixture self;
    make_tree();
    CHECK_OK(fixture_open(&self, NULL, NULL));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++)
        check_get(&self, rows[i].path, "", rows[i].status, rows[i].body,
                  rows[i].body != NULL ? strlen(rows[i].body) : 0);
    char deep[1200];
    memset(deep, 'x', sizeof deep);
    deep[500] = deep[900] = '/';
    deep[sizeof deep - 200] = 0;
    check_get(&self, deep, "", 404, NULL, 0);
    if (!scratch_is_simulated()) {
        check_get(&self, "link", "", 200, "0123456789", 10);
        check_get(&self, "escape", "", 404, NULL, 0);
        check_get(&self, "fifo", "", 404, NULL, 0);
    }
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(files_refuse_links_and_show_dotfiles_if_asked)
{
    struct fixture self;
    make_tree();
    weft_http_files_options options = {
        .refuses_links = true, .shows_dotfiles = true, .index = "a.txt"};
    CHECK_OK(fixture_open(&self, &options, NULL));
    check_get(&self, ".hidden", "", 200, "hidden", 6);
    check_get(&self, "", "", 200, "0123456789", 10);
    if (!scratch_is_simulated())
        check_get(&self, "link", "", 404, NULL, 0);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(a_directory_is_redirected_to_itself_alone)
{
    struct fixture self;
    struct answer answer;
    make_tree();
    CHECK_OK(weft_mkdir(scratch("www/dir/:a?b"), 0700));
    CHECK_OK(fixture_open(&self, NULL, NULL));
    CHECK_EQ(get(&self, "dir", "", &answer), 301);
    CHECK(field_is(&answer, "Location", "./dir/"));
    answer_fini(&answer);
    CHECK_EQ(get(&self, "dir?a=%2f&b=?", "", &answer), 301);
    CHECK(field_is(&answer, "Location", "./dir/?a=%2f&b=?"));
    answer_fini(&answer);
    CHECK_EQ(get(&self, "dir/:a%3fb", "", &answer), 301);
    CHECK(field_is(&answer, "Location", "./%3Aa%3Fb/"));
    answer_fini(&answer);
    CHECK_EQ(ask(&self.site, "GET /s?x=/%2f HTTP/1.1\r\n" H END, &answer), 301);
    CHECK(field_is(&answer, "Location", "./s/?x=/%2f"));
    answer_fini(&answer);
    CHECK_EQ(ask(&self.site, "GET /%73 HTTP/1.1\r\n" H END, NULL), 301);
    CHECK_EQ(ask(&self.site, "GET http://a/s HTTP/1.1\r\n" H END, NULL), 301);
    CHECK_EQ(ask(&self.site, "POST /s HTTP/1.1\r\n" H "Content-Length: 2\r\n\r\nab", NULL), 404);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

/* ---- what is said ---- */

TASK_TEST(files_say_what_they_are)
{
    static const weft_http_file_type types[] = {{"bin", "application/x-own"}};
    struct fixture self;
    struct answer answer;
    make_tree();
    weft_http_files_options options = {
        .cache_control = "max-age=60", .types = types, .type_count = 1};
    CHECK_OK(fixture_open(&self, &options, NULL));
    CHECK_EQ(get(&self, "a.txt", "", &answer), 200);
    CHECK(field_is(&answer, "Content-Type", "text/plain; charset=utf-8"));
    CHECK(field_is(&answer, "Content-Length", "10"));
    CHECK(field_is(&answer, "Accept-Ranges", "bytes"));
    CHECK(field_is(&answer, "X-Content-Type-Options", "nosniff"));
    CHECK(field_is(&answer, "Cache-Control", "max-age=60"));
    CHECK(field_is(&answer, "Vary", NULL));
    CHECK_EQ(answer_field(&answer, "ETag")[0], '"');
    if (!scratch_is_simulated())
        CHECK(field_is(&answer, "Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT"));
    answer_fini(&answer);
    CHECK_EQ(get(&self, "big.bin", "", &answer), 200);
    CHECK(field_is(&answer, "Content-Type", "application/x-own"));
    CHECK_BYTES(answer.body, answer.body_bytes, big, BIG);
    answer_fini(&answer);
    weft_http_files *files;
    options.cache_control = "a\r\nb: c";
    CHECK_EQ(weft_http_files_open(&files, scratch("www"), &options), -EINVAL);
    CHECK_EQ(weft_http_files_open(&files, scratch("none"), NULL), -ENOENT);
    CHECK_EQ(weft_http_files_open(&files, scratch("secret"), NULL), -ENOTDIR);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(files_answer_head_without_a_body)
{
    struct fixture self;
    weft_stream *client;
    char head[1024] = "";
    make_tree();
    CHECK_OK(fixture_open(&self, NULL, NULL));
    client = client_open(&self.site);
    client_send(client,
                "HEAD /s/big.bin HTTP/1.1\r\n" H "Range: bytes=0-1\r\nConnection: close\r\n" END);
    size_t at = 0;
    for (ssize_t got = 1; got > 0; at += (size_t)got) {
        got = weft_stream_read(client, head + at, sizeof head - 1 - at);
        CHECK_OK(got);
    }
    CHECK(strncmp(head, "HTTP/1.1 200 ", 13) == 0);
    CHECK(strstr(head, "Content-Length: 200000\r\n") != NULL);
    CHECK(strstr(head, "Content-Type: application/octet-stream\r\n") != NULL);
    CHECK_STR(head + at - 4, "\r\n\r\n");
    weft_stream_close(client);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(files_changed_a_moment_ago_have_a_weak_tag)
{
    struct fixture self;
    struct answer answer;
    make_tree();
    CHECK_OK(fixture_open(&self, NULL, NULL));
    CHECK_OK(weft_file_save(scratch("www/new"), "new", 3, 0600));
    const struct timespec times[2] = {{.tv_sec = (time_t)1 << 33}, {.tv_sec = (time_t)1 << 33}};
    if (!scratch_is_simulated())
        CHECK_EQ(utimensat(AT_FDCWD, scratch("www/new"), times, 0), 0);
    CHECK_EQ(get(&self, "new", "", &answer), 200);
    CHECK(strncmp(answer_field(&answer, "ETag"), "W/\"", 3) == 0);
    answer_fini(&answer);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

/* ---- conditions and ranges ---- */

TASK_TEST(files_that_are_known_are_not_sent_again)
{
    struct fixture self;
    struct answer answer;
    char tag[80], line[160];
    make_tree();
    CHECK_OK(fixture_open(&self, NULL, NULL));
    CHECK_EQ(get(&self, "a.txt", "", &answer), 200);
    snprintf(tag, sizeof tag, "%s", answer_field(&answer, "ETag"));
    answer_fini(&answer);
    static const struct {
        const char *field;
        int same, other;
    } rows[] = {
        {"If-None-Match", 304, 200},
        {"If-Match", 200, 412},
    };
    for (size_t i = 0; i < 2; i++) {
        snprintf(line, sizeof line, "%s: %s\r\n", rows[i].field, tag);
        CHECK_EQ(get(&self, "a.txt", line, &answer), rows[i].same);
        if (rows[i].same == 304) {
            CHECK(field_is(&answer, "ETag", tag));
            CHECK(field_is(&answer, "Content-Length", NULL));
            CHECK_EQ(answer.body_bytes, 0u);
        }
        answer_fini(&answer);
        snprintf(line, sizeof line, "%s: \"other\"\r\n", rows[i].field);
        check_get(&self, "a.txt", line, rows[i].other, NULL, 0);
    }
    check_get(&self, "a.txt", "If-Modified-Since: Fri, 31 Dec 2100 00:00:00 GMT\r\n", 304, NULL, 0);
    check_get(&self, "a.txt", "If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 200, NULL, 0);
    check_get(&self, "a.txt", "If-Unmodified-Since: Thu, 01 Jan 1970 00:00:00 GMT\r\n", 412, NULL,
              0);
    snprintf(line, sizeof line, "Range: bytes=2-4\r\nIf-Range: %s\r\n", tag);
    check_get(&self, "a.txt", line, 206, "234", 3);
    check_get(&self, "a.txt", "Range: bytes=2-4\r\nIf-Range: \"x\"\r\n", 200, "0123456789", 10);
    snprintf(line, sizeof line, "Range: bytes=99-\r\nIf-None-Match: %s\r\n", tag);
    check_get(&self, "a.txt", line, 304, NULL, 0);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(files_are_sent_in_ranges)
{
    struct fixture self;
    struct answer answer;
    make_tree();
    CHECK_OK(fixture_open(&self, NULL, NULL));
    CHECK_EQ(get(&self, "a.txt", "Range: bytes=-3\r\n", &answer), 206);
    CHECK(field_is(&answer, "Content-Range", "bytes 7-9/10"));
    CHECK(field_is(&answer, "Content-Type", "text/plain; charset=utf-8"));
    CHECK_BYTES(answer.body, answer.body_bytes, "789", 3);
    answer_fini(&answer);
    check_get(&self, "big.bin", "Range: bytes=1000-150999\r\n", 206, big + 1000, 150000);
    check_get(&self, "a.txt", "Range: bytes=x\r\n", 200, "0123456789", 10);
    check_get(&self, "empty", "Range: bytes=0-\r\n", 200, "", 0);
    CHECK_EQ(get(&self, "a.txt", "Range: bytes=10-\r\n", &answer), 416);
    CHECK(strstr(answer.head, " 416 Range Not Satisfiable\r\n") != NULL);
    CHECK(field_is(&answer, "Content-Range", "bytes */10"));
    CHECK(field_is(&answer, "ETag", NULL));
    answer_fini(&answer);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(files_are_sent_in_several_ranges_at_once)
{
    struct fixture self;
    struct answer answer;
    make_tree();
    CHECK_OK(fixture_open(&self, NULL, NULL));
    CHECK_EQ(get(&self, "a.txt", "Range: bytes=8-8, 0-1, 4-5\r\n", &answer), 206);
    const char *type = answer_field(&answer, "Content-Type");
    char boundary[64], expected[1024];
    CHECK(strncmp(type, "multipart/byteranges; boundary=", 31) == 0);
    snprintf(boundary, sizeof boundary, "%s", type + 31);
#define PART(range_, bytes_)                                                                       \
    "\r\n--%s\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Range: bytes " range_          \
    "/10\r\n\r\n" bytes_
    snprintf(expected, sizeof expected,
             PART("8-8", "8") PART("0-1", "01") PART("4-5", "45") "\r\n--%s--\r\n", boundary,
             boundary, boundary, boundary);
    CHECK_BYTES(answer.body, answer.body_bytes, expected, strlen(expected));
    CHECK(field_is(&answer, "Content-Range", NULL));
    answer_fini(&answer);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

/* ---- codings ---- */

TASK_TEST(a_compressed_sibling_is_sent_to_who_takes_it)
{
    struct fixture self;
    struct answer answer;
    make_tree();
    put("www/a.txt.gz", "gzipped", 7);
    put("www/a.txt.br", "brotlied", 8);
    put("www/empty.gz", "old", 3);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(weft_file_save(scratch("www/empty"), "", 0, 0600)); /* newer than its sibling */
    CHECK_OK(fixture_open(&self, &(weft_http_files_options){.has_compressed = true}, NULL));
    static const struct {
        const char *path, *accept, *body, *coding;
    } rows[] = {
        {"a.txt", "gzip", "gzipped", "gzip"},
        {"a.txt", "gzip, br", "brotlied", "br"},
        {"a.txt", "br;q=0.5, gzip, zstd", "gzipped", "gzip"},
        {"a.txt", "zstd", "0123456789", NULL},
        {"a.txt", "identity", "0123456789", NULL},
        {"empty", "gzip", "", NULL},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        char line[64];
        snprintf(line, sizeof line, "Accept-Encoding: %s\r\n", rows[i].accept);
        note("row %zu", i);
        CHECK_EQ(get(&self, rows[i].path, line, &answer), 200);
        CHECK(field_is(&answer, "Content-Encoding", rows[i].coding));
        CHECK(field_is(&answer, "Vary", "Accept-Encoding"));
        CHECK_BYTES(answer.body != NULL ? answer.body : "", answer.body_bytes, rows[i].body,
                    strlen(rows[i].body));
        answer_fini(&answer);
    }
    check_get(&self, "a.txt", "Accept-Encoding: gzip\r\nRange: bytes=0-1\r\n", 206, "gz", 2);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(files_are_compressed_on_the_way_but_not_in_ranges)
{
    struct fixture self;
    struct answer answer;
    make_tree();
    put("www/big.txt", big, BIG);
    CHECK_OK(fixture_open(&self, NULL, &(weft_http_options){.compress_bytes_min = 1024}));
    CHECK_EQ(get(&self, "big.txt", "Accept-Encoding: gzip\r\n", &answer), 200);
    CHECK(field_is(&answer, "Content-Encoding", "gzip"));
    CHECK(strncmp(answer_field(&answer, "ETag"), "W/\"", 3) == 0);
    CHECK_LT(answer.body_bytes, BIG / 10);
    answer_fini(&answer);
    check_get(&self, "big.txt", "Accept-Encoding: gzip\r\nRange: bytes=0-4999\r\n", 206, big, 5000);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

/* A 304 has the fields that tell one coding from another, as the 200 had. */
TASK_TEST(files_that_would_be_compressed_are_not_sent_again)
{
    static const char *const accepts[] = {"Accept-Encoding: gzip\r\n", ""};
    struct fixture self;
    struct answer answer;
    make_tree();
    put("www/big.txt", big, BIG);
    CHECK_OK(fixture_open(&self, NULL, &(weft_http_options){.compress_bytes_min = 1024}));
    for (size_t i = 0; i < 2; i++) {
        char tag[80], lines[200];
        note("row %zu", i);
        CHECK_EQ(get(&self, "big.txt", accepts[i], &answer), 200);
        snprintf(tag, sizeof tag, "%s", answer_field(&answer, "ETag"));
        CHECK_EQ(strncmp(tag, "W/", 2) == 0, i == 0);
        answer_fini(&answer);
        snprintf(lines, sizeof lines, "%sIf-None-Match: %s\r\n", accepts[i], tag);
        CHECK_EQ(get(&self, "big.txt", lines, &answer), 304);
        CHECK(field_is(&answer, "ETag", tag));
        CHECK(field_is(&answer, "Vary", "Accept-Encoding"));
        CHECK(field_is(&answer, "Content-Encoding", NULL));
        answer_fini(&answer);
    }
    CHECK_EQ(get(&self, "a.txt", "If-None-Match: *\r\n", &answer), 304); /* too short for it */
    CHECK(field_is(&answer, "Vary", NULL));
    answer_fini(&answer);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(files_that_would_be_compressed_answer_head_and_keep_the_connection)
{
    struct fixture self;
    struct answer answer;
    weft_str head;
    make_tree();
    put("www/big.txt", big, BIG);
    CHECK_OK(fixture_open(&self, NULL, &(weft_http_options){.compress_bytes_min = 1024}));
    weft_stream *client = client_open(&self.site);
    client_send(client, "HEAD /s/big.txt HTTP/1.1\r\n" H "Accept-Encoding: gzip\r\n" END);
    CHECK_GT(weft_stream_peek_until(client, (weft_str){"\r\n\r\n", 4}, 8000, &head), 0);
    CHECK(memmem(head.ptr, head.len, "Content-Encoding: gzip\r\n", 24) != NULL);
    weft_stream_consume(client, head.len);
    client_send(client, "GET /s/big.txt HTTP/1.1\r\n" H END);
    CHECK_OK(client_read(client, &answer));
    CHECK_EQ(answer.status, 200);
    CHECK_EQ(answer.body_bytes, BIG);
    answer_fini(&answer);
    weft_stream_close(client);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

/* ---- what goes wrong ---- */

/* It is long enough that it cannot be on its way whole when its head is. */
TASK_TEST(class_26_a_file_that_shrinks_breaks_the_connection)
{
    struct fixture self;
    struct answer answer;
    weft_str shown;
    make_tree();
    int fd = weft_open(scratch("www/long"), O_RDWR | O_CREAT, 0600);
    CHECK_OK(fd);
    CHECK_OK(weft_truncate(fd, 24 << 20));
    CHECK_OK(fixture_open(&self, NULL, NULL));
    weft_stream *client = client_open(&self.site);
    client_send(client, "GET /s/long HTTP/1.1\r\n" H END);
    CHECK_GT(weft_stream_peek_until(client, (weft_str){"\r\n\r\n", 4}, 8000, &shown), 0);
    CHECK_OK(weft_truncate(fd, 1000));
    CHECK_LT(client_read(client, &answer), 0);
    answer_fini(&answer);
    weft_stream_abort(client);
    CHECK_OK(weft_close(fd));
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(a_client_that_goes_away_ends_the_reading)
{
    struct fixture self;
    weft_http_stats stats;
    weft_str shown;
    make_tree();
    int fd = weft_open(scratch("www/long"), O_RDWR | O_CREAT, 0600);
    CHECK_OK(fd);
    CHECK_OK(weft_truncate(fd, 24 << 20));
    CHECK_OK(weft_close(fd));
    CHECK_OK(fixture_open(&self, NULL, NULL));
    weft_stream *client = client_open(&self.site);
    client_send(client, "GET /s/long HTTP/1.1\r\n" H END);
    CHECK_GT(weft_stream_peek_until(client, (weft_str){"\r\n\r\n", 4}, 8000, &shown), 0);
    weft_stream_abort(client);
    for (;;) {
        weft_http_server_get_stats(self.site.server, &stats);
        if (stats.connections_open == 0)
            break;
        CHECK_OK(weft_sleep(10 * WEFT_MS));
    }
    CHECK_LT(stats.bytes_sent, (uint64_t)24 << 20);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

TASK_TEST(class_13_a_client_that_reads_none_of_a_file_is_reset_after_30_s)
{
    struct fixture self;
    weft_http_stats stats;
    weft_str shown;
    make_tree();
    int fd = weft_open(scratch("www/long"), O_RDWR | O_CREAT, 0600);
    CHECK_OK(fd);
    CHECK_OK(weft_truncate(fd, 24 << 20));
    CHECK_OK(weft_close(fd));
    CHECK_OK(fixture_open(&self, NULL, NULL));
    weft_stream *client = client_open(&self.site);
    client_send(client, "GET /s/long HTTP/1.1\r\n" H END);
    CHECK_GT(weft_stream_peek_until(client, (weft_str){"\r\n\r\n", 4}, 8000, &shown), 0);
    CHECK_OK(weft_sleep(29 * WEFT_SEC));
    weft_http_server_get_stats(self.site.server, &stats);
    CHECK_EQ(stats.connections_open, 1u);
    /* A real client's kernel takes some megabytes, which pay for a longer pause. */
    CHECK_OK(weft_sleep((test_is_simulated() ? 3 : 140) * WEFT_SEC));
    weft_http_server_get_stats(self.site.server, &stats);
    CHECK_EQ(stats.connections_open, 0u);
    CHECK_EQ(stats.timeouts, 1u);
    weft_stream_abort(client);
    CHECK_OK(fixture_close(&self));
    scratch_clean(0);
}

/* Whatever fails: the whole file, or an error that is seen. */
SCENARIO_WITH(files_with_anything_failing, scratch_clean)
{
    struct fixture self;
    scratch_make();
    int rc = weft_mkdir(scratch("www"), 0700);
    if (rc == 0)
        rc = weft_file_save(scratch("www/a.txt"), "0123456789", 10, 0600);
    if (rc == 0)
        rc = fixture_open(&self, &(weft_http_files_options){.has_compressed = true}, NULL);
    if (rc < 0)
        return rc;
    static const char *const lines[] = {"", "Range: bytes=1-2,5-6\r\n",
                                        "Accept-Encoding: gzip\r\n"};
    for (int i = 0; i < 3 && rc == 0; i++) {
        weft_stream *client = NULL;
        struct answer answer = {0};
        char request[256];
        snprintf(request, sizeof request, "GET /s/a.txt HTTP/1.1\r\n" H "%s" END, lines[i]);
        rc = weft_stream_connect(&client, &self.site.addr);
        if (rc == 0)
            rc = weft_stream_write(client, request, strlen(request));
        if (rc == 0)
            rc = weft_stream_flush(client);
        if (rc == 0)
            rc = client_read(client, &answer);
        if (rc == 0 && answer.status == 200)
            CHECK_BYTES(answer.body, answer.body_bytes, "0123456789", 10);
        answer_fini(&answer);
        if (client != NULL)
            weft_stream_abort(client);
    }
    int closed = fixture_close(&self);
    return rc < 0 ? rc : closed;
}
