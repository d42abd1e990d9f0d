/* SPDX-License-Identifier: MIT */

/*
 * Forms: urlencoded (WHATWG URL 5.2) or in parts (RFC 7578, with names quoted as WHATWG HTML
 * 4.10.22.8 says).  What stands between the bytes of files is made whole at once.
 */

#include <weft/client_form.h>

#include <weft/error.h>
#include <weft/file.h>
#include <weft/io.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "base/sys.h"
#include "h1/chars.h"
#include "h1/write.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

#define BOUNDARY_TEXT "weft-"
#define BOUNDARY_BYTES (sizeof BOUNDARY_TEXT - 1 + 32)

/* Texts behind each other, the last NUL-terminated, too. */
struct part {
    char *name;
    const char *filename, *type, *path; /* NULL: a value; bytes: no path */
    weft_str value;
    int fd; /* of path, once it is open; -1 */
    uint64_t file_bytes;
    size_t text_to; /* where in `text` the file's bytes belong */
};

struct weft_client_form {
    struct part *parts;
    size_t count, capacity;
    bool is_multipart, has_file;
    wf_buf text; /* the body, but for files' bytes */
    char type[sizeof "multipart/form-data; boundary=" + BOUNDARY_BYTES];

    /* How far it is read. */
    size_t text_at, part_at;
    uint64_t file_at;
};

/* ---- life ---- */

int weft_client_form_new(weft_client_form **out)
{
    weft_client_form *form = wf_alloc(sizeof *form);
    if (form == NULL)
        return -ENOMEM;
    *form = (weft_client_form){0};
    *out = form;
    return 0;
}

static void close_files(weft_client_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        if (form->parts[i].fd >= 0)
            (void)weft_close(form->parts[i].fd);
        form->parts[i].fd = -1;
    }
}

void weft_client_form_free(weft_client_form *form)
{
    if (form == NULL)
        return;
    close_files(form);
    for (size_t i = 0; i < form->count; i++)
        wf_free(form->parts[i].name);
    wf_free(form->parts);
    wf_buf_fini(&form->text);
    wf_free(form);
}

/* ---- what is in it ---- */

static int parts_reserve(weft_client_form *form)
{
    if (form->count < form->capacity)
        return 0;
    size_t capacity = form->capacity != 0 ? 2 * form->capacity : 8;
    struct part *parts = wf_grow(form->parts, capacity, sizeof parts[0]);
    if (parts == NULL)
        return -ENOMEM;
    form->parts = parts;
    form->capacity = capacity;
    return 0;
}

/* The text behind *at, moved on; NULL stays NULL. */
static const char *put_text(char **at, const char *text)
{
    if (text == NULL)
        return NULL;
    size_t bytes = strlen(text) + 1;
    char *out = memcpy(*at, text, bytes);
    *at += bytes;
    return out;
}

static size_t text_bytes(const char *text)
{
    return text != NULL ? strlen(text) + 1 : 0;
}

/* A copy of the part, in one block. */
static int add_part(weft_client_form *form, const struct part *part)
{
    WEFT_TRY(parts_reserve(form));
    size_t bytes = text_bytes(part->name) + text_bytes(part->filename) + text_bytes(part->type) +
                   text_bytes(part->path) + part->value.len + 1;
    char *at = wf_array(bytes, 1);
    if (at == NULL)
        return -ENOMEM;
    struct part copy = {.name = at, .fd = -1};
    (void)put_text(&at, part->name);
    copy.filename = put_text(&at, part->filename);
    copy.type = put_text(&at, part->type);
    copy.path = put_text(&at, part->path);
    copy.value = (weft_str){at, part->value.len};
    if (part->value.len != 0)
        memcpy(at, part->value.ptr, part->value.len);
    form->parts[form->count++] = copy;
    return 0;
}

int weft_client_form_add(weft_client_form *form, const char *name, weft_str value)
{
    return add_part(form, &(struct part){.name = (char *)(uintptr_t)name, .value = value});
}

static int add_file(weft_client_form *form, struct part part)
{
    if (part.type == NULL)
        part.type = "application/octet-stream";
    if (wf_h1_value_check(weft_str_of(part.type)) < 0)
        return weft_fail(-EINVAL, "the type of the form's file has a control character");
    WEFT_TRY(add_part(form, &part));
    form->is_multipart = true;
    return 0;
}

int weft_client_form_add_bytes(weft_client_form *form, const char *name, const char *filename,
                               const char *type, weft_str bytes)
{
    return add_file(form, (struct part){.name = (char *)(uintptr_t)name,
                                        .filename = filename,
                                        .type = type,
                                        .value = bytes});
}

int weft_client_form_add_file(weft_client_form *form, const char *name, const char *path,
                              const char *type)
{
    const char *slash = strrchr(path, '/');
    WEFT_TRY(add_file(form, (struct part){.name = (char *)(uintptr_t)name,
                                          .filename = slash != NULL ? slash + 1 : path,
                                          .type = type,
                                          .path = path}));
    form->has_file = true;
    return 0;
}

void weft_client_form_set_multipart(weft_client_form *form)
{
    form->is_multipart = true;
}

/* ---- urlencoded ---- */

static void put_encoded(wf_buf *out, weft_str text)
{
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];
        if (wf_http_is(c, WF_DIGIT) || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
            c == '*' || c == '-' || c == '.' || c == '_')
            (void)wf_buf_putc(out, c);
        else if (c == ' ')
            (void)wf_buf_putc(out, '+');
        else
            (void)wf_buf_printf(out, "%%%02X", (unsigned)(unsigned char)c);
    }
}

static int encode(weft_client_form *form)
{
    for (size_t i = 0; i < form->count; i++) {
        if (i > 0)
            (void)wf_buf_putc(&form->text, '&');
        put_encoded(&form->text, weft_str_of(form->parts[i].name));
        (void)wf_buf_putc(&form->text, '=');
        put_encoded(&form->text, form->parts[i].value);
    }
    snprintf(form->type, sizeof form->type, "application/x-www-form-urlencoded");
    return form->text.rc;
}

/* ---- in parts ---- */

/* 128 random bits: nobody who writes a value can know it. */
static int boundary_choose(weft_client_form *form, char out[BOUNDARY_BYTES + 1])
{
    uint64_t random[2];
    WEFT_TRY(wf_sys_random(random, sizeof random));
    snprintf(out, BOUNDARY_BYTES + 1, BOUNDARY_TEXT "%016llx%016llx", (unsigned long long)random[0],
             (unsigned long long)random[1]);
    snprintf(form->type, sizeof form->type, "multipart/form-data; boundary=%s", out);
    return 0;
}

static void put_quoted(wf_buf *out, const char *text)
{
    (void)wf_buf_putc(out, '"');
    for (; *text != 0; text++) {
        if (*text == '"')
            (void)wf_buf_puts(out, "%22");
        else if (*text == '\r')
            (void)wf_buf_puts(out, "%0D");
        else if (*text == '\n')
            (void)wf_buf_puts(out, "%0A");
        else
            (void)wf_buf_putc(out, *text);
    }
    (void)wf_buf_putc(out, '"');
}

static void put_part(wf_buf *out, const char *boundary, struct part *part)
{
    (void)wf_buf_printf(out, "--%s\r\nContent-Disposition: form-data; name=", boundary);
    put_quoted(out, part->name);
    if (part->filename != NULL) {
        (void)wf_buf_puts(out, "; filename=");
        put_quoted(out, part->filename);
        (void)wf_buf_printf(out, "\r\nContent-Type: %s", part->type);
    }
    (void)wf_buf_puts(out, "\r\n\r\n");
    (void)wf_buf_append(out, part->value.ptr, part->value.len);
    part->text_to = wf_buf_bytes(out);
    (void)wf_buf_puts(out, "\r\n");
}

static int write_parts(weft_client_form *form)
{
    char boundary[BOUNDARY_BYTES + 1];
    WEFT_TRY(boundary_choose(form, boundary));
    for (size_t i = 0; i < form->count; i++)
        put_part(&form->text, boundary, &form->parts[i]);
    return wf_buf_printf(&form->text, "--%s--\r\n", boundary);
}

/* ---- files ---- */

static int open_file(struct part *part)
{
    struct stat stat;
    int fd = weft_open(part->path, O_RDONLY, 0);
    if (fd < 0)
        return weft_fail(fd, "the form's file %s cannot be opened: %s", part->path,
                         weft_strerror(fd));
    part->fd = fd;
    WEFT_TRY(weft_fstat(fd, &stat));
    if (!S_ISREG(stat.st_mode))
        return weft_fail(-EINVAL, "the form's file %s is none", part->path);
    part->file_bytes = (uint64_t)stat.st_size;
    return 0;
}

static int open_files(weft_client_form *form, uint64_t *bytes)
{
    for (size_t i = 0; i < form->count; i++) {
        if (form->parts[i].path == NULL)
            continue;
        WEFT_TRY(open_file(&form->parts[i]));
        *bytes += form->parts[i].file_bytes;
    }
    return 0;
}

static ssize_t read_file(weft_client_form *form, void *buf, size_t bytes)
{
    const struct part *part = &form->parts[form->part_at];
    uint64_t left = part->file_bytes - form->file_at;
    ssize_t got =
        weft_pread(part->fd, buf, left < bytes ? (size_t)left : bytes, (int64_t)form->file_at);
    if (got == 0)
        return weft_fail(-WEFT_ETRUNCATED, "the form's file %s has become shorter", part->path);
    if (got > 0)
        form->file_at += (uint64_t)got;
    return got;
}

static ssize_t form_read(void *buf, size_t bytes, void *arg)
{
    weft_client_form *form = arg;
    for (;;) {
        bool has_part = form->part_at < form->count;
        const struct part *part = has_part ? &form->parts[form->part_at] : NULL;
        size_t text_to = has_part ? part->text_to : wf_buf_bytes(&form->text);
        size_t left = text_to - form->text_at;
        if (left != 0) {
            size_t count = left < bytes ? left : bytes;
            memcpy(buf, wf_buf_ptr(&form->text) + form->text_at, count);
            form->text_at += count;
            return (ssize_t)count;
        }
        if (!has_part)
            return 0;
        if (part->path != NULL && form->file_at < part->file_bytes)
            return read_file(form, buf, bytes);
        form->part_at++;
        form->file_at = 0;
    }
}

/* ---- onto a request ---- */

int weft_client_form_apply(weft_client_form *form, weft_client_request *request)
{
    uint64_t bytes = 0;
    close_files(form);
    wf_buf_reset(&form->text);
    form->text_at = form->part_at = 0;
    form->file_at = 0;
    WEFT_TRY(form->is_multipart ? write_parts(form) : encode(form));
    WEFT_TRY(open_files(form, &bytes));
    bytes += wf_buf_bytes(&form->text);
    request->type = form->type;
    if (!form->has_file) {
        request->body = (weft_str){wf_buf_ptr(&form->text), (size_t)bytes};
        return 0;
    }
    request->body_read = form_read;
    request->body_arg = form;
    request->body_bytes = (int64_t)bytes;
    return 0;
}
