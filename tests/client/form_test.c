/* SPDX-License-Identifier: MIT */

/* Forms, read by our own server. */

#include <weft.h>
#include <weft/client_form.h>
#include <weft/file.h>
#include <weft/http_multipart.h>

#include "site.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

struct fixture {
    struct site site;
    weft_client *client;
    weft_client_form *form;
    char url[64];
};

static int fixture_open(struct fixture *self, weft_http_handler *handler)
{
    *self = (struct fixture){0};
    site_handler = handler;
    int rc = site_open(&self->site, NULL);
    if (rc == 0)
        rc = weft_client_new(&self->client, NULL);
    if (rc == 0)
        rc = weft_client_form_new(&self->form);
    snprintf(self->url, sizeof self->url, "http://127.0.0.1:%d/late",
             weft_addr_get_port(&self->site.addr));
    return rc;
}

static int fixture_close(struct fixture *self)
{
    weft_client_form_free(self->form);
    weft_client_free(self->client);
    return self->site.server != NULL ? site_close(&self->site) : 0;
}

/* Sends it, and expects 200 with this text. */
static int send_form(struct fixture *self, const char *want)
{
    weft_client_request request = {.url = self->url};
    weft_client_response page;
    WEFT_TRY(weft_client_form_apply(self->form, &request));
    WEFT_TRY(weft_client_fetch(self->client, &request, &page));
    int status = page.status;
    if (status == 200)
        CHECK_STR(page.body.ptr, want);
    weft_client_response_free(&page);
    return status;
}

/* ---- urlencoded ---- */

static int echo_body(weft_http_request *req, weft_http_response *res, void *arg)
{
    char body[512];
    ssize_t got;
    size_t count = 0;
    (void)arg;
    while ((got = weft_http_read(req, body + count, sizeof body - count)) > 0)
        count += (size_t)got;
    WEFT_TRY((int)got);
    weft_str type = weft_http_field(req, "content-type");
    CHECK_BYTES(type.ptr, type.len, "application/x-www-form-urlencoded", 33);
    return weft_http_respond(res, 200, "text/plain", body, count);
}

TASK_TEST(values_alone_are_urlencoded)
{
    struct fixture self;
    CHECK_OK(fixture_open(&self, echo_body));
    CHECK_EQ(send_form(&self, ""), 200);
    CHECK_OK(weft_client_form_add(self.form, "a b", weft_str_of("1&2=3+4")));
    CHECK_OK(weft_client_form_add(self.form, "k\xc3\xa4se", weft_str_of("-._*~")));
    CHECK_OK(weft_client_form_add(self.form, "", weft_str_of("")));
    static const char want[] = "a+b=1%262%3D3%2B4&k%C3%A4se=-._*%7E&=";
    CHECK_EQ(send_form(&self, want), 200);
    CHECK_EQ(send_form(&self, want), 200); /* again */
    CHECK_OK(fixture_close(&self));
}

/* ---- multipart ---- */

/* "name|filename|type|bytes\n" of each part, the bytes as their count when there are many. */
static int list_parts(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_http_multipart *form;
    weft_http_part part;
    char text[2048];
    size_t at = 0;
    (void)arg;
    WEFT_TRY(weft_http_multipart_open(&form, req, NULL));
    int rc;
    while ((rc = weft_http_multipart_next(form, &part)) > 0) {
        char name[64], filename[64];
        weft_bytes bytes;
        snprintf(name, sizeof name, "%.*s", (int)part.name.len, part.name.ptr);
        snprintf(filename, sizeof filename, "%.*s|%.*s", (int)part.file_name.len,
                 part.file_name.ptr, (int)part.type.len, part.type.ptr);
        rc = weft_http_multipart_load(form, 1 << 20, &bytes);
        if (rc < 0)
            break;
        at += (size_t)snprintf(text + at, sizeof text - at, "%s|%s|", name, filename);
        if (bytes.len > 100)
            at += (size_t)snprintf(text + at, sizeof text - at, "%zu\n", bytes.len);
        else
            at +=
                (size_t)snprintf(text + at, sizeof text - at, "%.*s\n", (int)bytes.len, bytes.ptr);
        weft_bytes_free(&bytes);
    }
    weft_http_multipart_close(form);
    return rc < 0 ? rc : weft_http_respond(res, 200, "text/plain", text, at);
}

TASK_TEST(parts_hold_values_and_bytes)
{
    struct fixture self;
    CHECK_OK(fixture_open(&self, list_parts));
    weft_client_form_set_multipart(self.form);
    CHECK_OK(weft_client_form_add(self.form, "title", weft_str_of("a\r\n--weft-b")));
    CHECK_EQ(send_form(&self, "title|||a\r\n--weft-b\n"), 200);
    CHECK_OK(weft_client_form_add_bytes(self.form, "up", "x.txt", "text/plain",
                                        (weft_str)WEFT_STR("y\0z")));
    CHECK_OK(weft_client_form_add_bytes(self.form, "raw", "r\"\r\n.bin", NULL, weft_str_of("")));
    CHECK_EQ(weft_client_form_add_bytes(self.form, "n", "f", "a\r\nb", weft_str_of("")), -EINVAL);
    weft_client_request request = {.url = self.url};
    CHECK_OK(weft_client_form_apply(self.form, &request));
    CHECK(request.body_read == NULL);
    CHECK(memmem(request.body.ptr, request.body.len, "filename=\"r%22%0D%0A.bin\"", 25) != NULL);
    CHECK_OK(fixture_close(&self));
}

/* A file of so many bytes; false if the test cannot have one. */
static int make_file(const char *path, size_t bytes)
{
    char *body = calloc(1, bytes + 1);
    int rc = weft_file_save(path, body, bytes, 0600);
    free(body);
    return rc;
}

static const char *scratch(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/weft-form-%ld.bin", (long)getpid());
    return path;
}

TASK_TEST(files_are_read_while_they_are_sent)
{
    struct fixture self;
    char want[128];
    CHECK_OK(fixture_open(&self, list_parts));
    CHECK_OK(make_file(scratch(), 300000));
    CHECK_OK(weft_client_form_add(self.form, "before", weft_str_of("1")));
    CHECK_OK(weft_client_form_add_file(self.form, "file", scratch(), "image/x"));
    CHECK_OK(weft_client_form_add(self.form, "after", weft_str_of("2")));
    snprintf(want, sizeof want, "before|||1\nfile|%s|image/x|300000\nafter|||2\n",
             strrchr(scratch(), '/') + 1);
    CHECK_EQ(send_form(&self, want), 200);
    CHECK_EQ(send_form(&self, want), 200); /* opened anew */

    weft_client_request request = {.url = self.url};
    weft_client_response none;
    CHECK_OK(weft_client_form_apply(self.form, &request));
    CHECK_OK(make_file(scratch(), 10)); /* another file under that name: the one opened stays */
    CHECK_OK(weft_client_fetch(self.client, &request, &none));
    weft_client_response_free(&none);
    CHECK_OK(make_file(scratch(), 300000));
    CHECK_OK(weft_client_form_apply(self.form, &request));
    int fd = weft_open(scratch(), O_WRONLY, 0);
    CHECK_OK(fd);
    CHECK_OK(weft_truncate(fd, 1000));
    CHECK_OK(weft_close(fd));
    CHECK_EQ(weft_client_fetch(self.client, &request, &none), -WEFT_ETRUNCATED);
    CHECK_OK(weft_unlink(scratch()));
    CHECK_EQ(weft_client_form_apply(self.form, &request), -ENOENT);
    CHECK_OK(fixture_close(&self));
}

SCENARIO(a_form_with_a_file_under_everything)
{
    struct fixture self;
    int rc = fixture_open(&self, list_parts);
    if (rc == 0)
        rc = weft_client_form_add(self.form, "a", weft_str_of("b"));
    if (rc == 0)
        rc = weft_client_form_add_file(self.form, "f", test_source("LICENSE"), NULL);
    weft_client_request request = {.url = self.url};
    weft_client_response page;
    if (rc == 0)
        rc = weft_client_form_apply(self.form, &request);
    if (rc == 0)
        rc = weft_client_fetch(self.client, &request, &page);
    if (rc == 0)
        weft_client_response_free(&page);
    int closed = fixture_close(&self);
    return rc == -ENOENT ? closed : rc < 0 ? rc : closed; /* the simulated disk is empty */
}
