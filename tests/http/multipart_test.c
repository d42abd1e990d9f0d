/* SPDX-License-Identifier: MIT */

/* Forms with files, over a connection. */

#include "site.h"

#include <weft/error.h>
#include <weft/file.h>
#include <weft/http_multipart.h>
#include <weft/io.h>

#include <stdlib.h>

#define HEAD "POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: multipart/form-data; boundary=B\r\n"
#define FIELD "--B\r\nContent-Disposition: form-data; name=\"text\"\r\n\r\ntea\r\n"
#define FILE_FIELDS                                                                                \
    "--B\r\nContent-Disposition: form-data; name=\"file\"; filename=\"../x\"\r\n\r\n"

static const weft_http_multipart_limits *form_limits;

/* What a file has in it: its bytes, and their sum. */
static int sum_file(int fd, uint64_t bytes, unsigned long *out)
{
    char piece[4096];
    uint64_t at = 0;
    while (at < bytes) {
        ssize_t rc = weft_pread(fd, piece, sizeof piece, (int64_t)at);
        if (rc <= 0)
            return rc < 0 ? (int)rc : -EIO;
        for (ssize_t i = 0; i < rc; i++)
            *out += (unsigned char)piece[i];
        at += (uint64_t)rc;
    }
    return 0;
}

static int take_part(weft_http_multipart *form, const weft_http_part *part, char *text, size_t room)
{
    weft_bytes field = {0};
    uint64_t bytes = 0;
    unsigned long sum = 0;
    int fd = -1, rc;
    if (part->file_name.ptr == NULL) {
        rc = weft_http_multipart_load(form, 100, &field);
        if (rc == 0)
            snprintf(text, room, "%.*s=%s;", (int)part->name.len, part->name.ptr, field.ptr);
        weft_bytes_free(&field);
        return rc;
    }
    if (part->name.ptr[0] == 's') /* skipped */
        return 0;
    rc = weft_http_multipart_save(form, "/tmp", &fd, &bytes);
    if (rc < 0)
        return rc;
    rc = sum_file(fd, bytes, &sum);
    snprintf(text, room, "%.*s:%llu,%lu;", (int)part->name.len, part->name.ptr,
             (unsigned long long)bytes, sum);
    (void)weft_close(fd);
    return rc;
}

static int post_form(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_http_multipart *form;
    weft_http_part part;
    char text[512] = "";
    (void)arg;
    WEFT_TRY(weft_http_multipart_open(&form, req, form_limits));
    int rc;
    while ((rc = weft_http_multipart_next(form, &part)) > 0) {
        rc = take_part(form, &part, text + strlen(text), sizeof text - strlen(text));
        if (rc < 0)
            break;
    }
    weft_http_multipart_close(form);
    return rc < 0 ? rc : weft_http_respond_text(res, 200, text);
}

static const weft_http_route routes[] = {
    {.method = "POST", .path = "/form", .handler = post_form, .flags = WEFT_HTTP_STREAM_BODY},
    {.method = "POST", .path = "/held", .handler = post_form},
};

static int post(struct site *site, const char *head, const char *body, size_t len,
                struct answer *out)
{
    char text[512];
    weft_stream *client = client_open(site);
    snprintf(text, sizeof text, "%sContent-Length: %zu\r\n\r\n", head, len);
    client_send(client, text);
    client_send_bytes(client, body, len);
    CHECK_OK(client_read(client, out));
    weft_stream_close(client);
    return out->status;
}

TASK_TEST(a_file_goes_to_disk_and_a_field_to_memory)
{
    static char body[100000];
    struct site site;
    struct answer answer;
    size_t len = (size_t)snprintf(body, sizeof body, FIELD FILE_FIELDS), data = 90000;
    form_limits = NULL;
    memset(body + len, 1, data);
    body[len + 1000] = '\r'; /* 13 */
    len += data;
    len += (size_t)snprintf(body + len, sizeof body - len, "\r\n--B--\r\n");
    CHECK_OK(site_open_with(&site, NULL, routes, 2));
    CHECK_EQ(post(&site, HEAD, body, len, &answer), 200);
    CHECK_STR(answer.body, "text=tea;file:90000,90012;");
    answer_fini(&answer);
    CHECK_EQ(post(&site,
                  "POST /held HTTP/1.1\r\nHost: a\r\n"
                  "Content-Type: multipart/form-data; boundary=B\r\n",
                  body, len, &answer),
             200);
    CHECK_STR(answer.body, "text=tea;file:90000,90012;");
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_part_nobody_reads_is_passed_over)
{
    static const char body[] =
        "--B\r\nContent-Disposition: form-data; name=\"skip\"; filename=x\r\n"
        "\r\nmuch\r\n" FIELD "--B--\r\n";
    struct site site;
    struct answer answer;
    form_limits = NULL;
    CHECK_OK(site_open_with(&site, NULL, routes, 2));
    CHECK_EQ(post(&site, HEAD, body, sizeof body - 1, &answer), 200);
    CHECK_STR(answer.body, "text=tea;");
    answer_fini(&answer);
    CHECK_OK(site_close(&site));
}

TASK_TEST(a_form_that_is_wrong_is_refused_with_what_is_wrong)
{
    static const weft_http_multipart_limits small = {.part_count_max = 1, .part_bytes_max = 4};
    static const struct {
        const char *head, *body;
        int status;
        const char *text;
    } rows[] = {
        {"POST /form HTTP/1.1\r\nHost: a\r\nContent-Type: text/plain\r\n", "x", 415,
         "Content-Type must be multipart/form-data with a boundary."},
        {HEAD, "x", 400, "The body does not begin with its boundary."},
        {HEAD, FIELD, 400, "The body ends before its last boundary."},
        {HEAD, FIELD FIELD "--B--", 400,
         "The body has too many parts. Limit part_count_max is 1, seen 2."},
        {HEAD, FILE_FIELDS "12345\r\n--B--", 413,
         "A part is too large. Limit part_bytes_max is 4, seen 5."},
    };
    struct site site;
    form_limits = &small;
    CHECK_OK(site_open_with(&site, NULL, routes, 2));
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct answer answer;
        note("%s", rows[i].body);
        CHECK_EQ(post(&site, rows[i].head, rows[i].body, strlen(rows[i].body), &answer),
                 rows[i].status);
        CHECK(strstr(answer.body, rows[i].text) != NULL);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
    form_limits = NULL;
}

TASK_TEST(a_form_has_a_hundred_parts_if_nothing_else_is_said)
{
    static const char part[] =
        "--B\r\nContent-Disposition: form-data; name=\"skip\"; filename=x\r\n\r\n\r\n";
    struct site site;
    CHECK_OK(site_open_with(&site, NULL, routes, 2));
    for (int count = 100; count <= 101; count++) {
        char body[101 * sizeof part + 16];
        struct answer answer;
        size_t len = 0;
        for (int i = 0; i < count; i++)
            len += (size_t)snprintf(body + len, sizeof body - len, "%s", part);
        len += (size_t)snprintf(body + len, sizeof body - len, "--B--\r\n");
        CHECK_EQ(post(&site, HEAD, body, len, &answer), count == 100 ? 200 : 400);
        answer_fini(&answer);
    }
    CHECK_OK(site_close(&site));
}

/* Cancelled or failed anywhere: no file, no descriptor, no memory is left. */
SCENARIO(a_form_is_taken_whole_or_nothing_is_left)
{
    static const char body[] = FIELD FILE_FIELDS "0123456789\r\n--B--\r\n";
    char text[512];
    int len =
        snprintf(text, sizeof text, HEAD "Content-Length: %zu\r\n\r\n%s", sizeof body - 1, body);
    struct site site;
    char piece[512];
    form_limits = NULL;
    int rc = site_open_with(&site, NULL, routes, 2);
    if (rc < 0)
        return rc;
    weft_stream *client = NULL;
    rc = weft_stream_connect(&client, &site.addr);
    if (rc == 0)
        rc = weft_stream_write(client, text, (size_t)len);
    if (rc == 0)
        rc = weft_stream_flush(client);
    if (rc == 0)
        rc = (int)weft_stream_read(client, piece, sizeof piece);
    if (client != NULL)
        weft_stream_close(client);
    int closed = site_close(&site);
    return rc < 0 ? rc : closed;
}
