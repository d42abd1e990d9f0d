/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include "http/form/multipart.h"

#include <stdlib.h>

#define PART(fields_, data_) "--B\r\n" fields_ "\r\n\r\n" data_ "\r\n"
#define NAMED(name_, data_) PART("Content-Disposition: form-data; name=\"" name_ "\"", data_)
#define END "--B--\r\n"

static const struct wf_multipart_limits limits = {
    .part_count_max = 3, .head_bytes_max = 200, .name_bytes_max = 20, .part_bytes_max = 30};

struct outcome {
    int rc;
    bool is_done;
    const char *message;
    int64_t offset;
    char events[512]; /* "name|file|type:data." for each part */
};

static void see(struct outcome *out, const struct wf_multipart *it, int event, weft_str piece)
{
    size_t used = strlen(out->events), room = sizeof out->events - used;
    char *to = out->events + used;
    if (event == WF_MULTIPART_PART)
        snprintf(to, room, "%.*s|%.*s|%.*s:", (int)it->name.len, it->name.ptr,
                 (int)it->file_name.len, it->file_name.ptr != NULL ? it->file_name.ptr : "",
                 (int)it->type.len, it->type.ptr != NULL ? it->type.ptr : "");
    else if (event == WF_MULTIPART_DATA)
        snprintf(to, room, "%.*s", (int)piece.len, piece.ptr);
    else
        snprintf(to, room, event == WF_MULTIPART_PART_END ? "." : "!");
}

/* Feeds copies of exact size, so that reading past one is seen. */
static void feed(struct outcome *out, struct wf_multipart *it, const char *text, size_t len)
{
    char *copy = malloc(len + 1);
    memcpy(copy, text, len);
    for (size_t at = 0; at < len && out->rc >= 0;) {
        size_t used;
        weft_str piece = {NULL, 0};
        out->rc = wf_multipart_next(it, copy + at, len - at, &used, &piece);
        if (out->rc > 0)
            see(out, it, out->rc, piece);
        at += used;
        if (out->rc == WF_MULTIPART_MORE)
            CHECK_EQ(at, len);
    }
    free(copy);
}

static struct outcome parse(const char *text, size_t len, size_t cut, size_t second)
{
    struct outcome out = {0};
    struct wf_multipart it;
    wf_multipart_init(&it, (weft_str)WEFT_STR("B"), &limits);
    feed(&out, &it, text, cut);
    feed(&out, &it, text + cut, second - cut);
    feed(&out, &it, text + second, len - second);
    out.is_done = wf_multipart_is_done(&it);
    out.message = it.fault.message;
    out.offset = it.fault.offset;
    out.rc = out.rc < 0 ? out.rc : 0;
    wf_multipart_fini(&it);
    return out;
}

static const struct {
    const char *text, *events, *message; /* message NULL: it is right, and done */
} rows[] = {
    {NAMED("a", "1") END, "a||:1.!", NULL},
    {NAMED("a", "1") "--B--", "a||:1.!", NULL},
    {NAMED("a", "") END, "a||:.!", NULL},
    {"--B--\r\n", "!", NULL},
    {NAMED("a", "1") NAMED("b", "2") END, "a||:1.b||:2.!", NULL},
    {NAMED("a", "\r\n-\r\n--\r\n--C\r\r\n") END, "a||:\r\n-\r\n--\r\n--C\r\r\n.!", NULL},
    {NAMED("a", "\r\r\n--\r\n\r") END, "a||:\r\r\n--\r\n\r.!", NULL},
    {PART("content-disposition:form-data;name=a;filename=\"x\\\"y\\z.txt\"\r\n"
          "Content-Type: text/plain ",
          "d") END,
     "a|x\"y\\z.txt|text/plain:d.!", NULL},
    {PART("Content-Disposition: form-data; name=\"\xc3\xa4\"; filename=\"\"; filename*=UTF-8''x",
          "d") END,
     "\xc3\xa4||:d.!", NULL},
    {"--B \t\r\nContent-Disposition: form-data; name=a\r\n\r\nd\r\n--B-- ", "a||:d.!",
     "Something stands behind the last boundary."},
    {NAMED("a", "1") "--B--\r\n\r\n", "a||:1.!", "Something stands behind the last boundary."},
    {"x" NAMED("a", "1") END, "", "The body does not begin with its boundary."},
    {"\r\n" NAMED("a", "1") END, "", "The body does not begin with its boundary."},
    {"--Bx\r\n", "", "A boundary is followed by something else."},
    {"--B-x", "", "A boundary is followed by something else."},
    {"--B\rx", "", "A boundary is followed by something else."},
    {"--B\r\n\r\n", "", "A part has no Content-Disposition."},
    {PART("Content-Type: text/plain", ""), "", "A part has no Content-Disposition."},
    {PART("Content-Disposition: form-data", ""), "", "A part has no name."},
    {PART("Content-Disposition: attachment; name=a", ""), "", "A part is not form-data."},
    {PART("Content-Disposition: form-data; name=a; name=b", ""), "",
     "A parameter of Content-Disposition is given twice."},
    {PART("Content-Disposition: form-data; name=\"a", ""), "",
     "A Content-Disposition is not of the form it must have."},
    {PART("Content-Disposition: form-data; name", ""), "",
     "A Content-Disposition is not of the form it must have."},
    {PART("Content-Disposition: form-data name=a", ""), "",
     "A Content-Disposition is not of the form it must have."},
    {PART("Content-Disposition: form-data; name=a\r\nContent-Disposition: form-data; name=b", ""),
     "", "A part has two Content-Dispositions."},
    {PART("Content-Disposition: form-data; name=\"\xff\"", ""), "",
     "A name of a part is not UTF-8."},
    {PART("Content-Disposition: form-data; name=\"a\x01\"", ""), "",
     "A field of a part holds a control character."},
    {PART("Content-Disposition : form-data; name=a", ""), "",
     "A field of a part is not of the form it must have."},
    {PART(" Content-Disposition: form-data; name=a", ""), "",
     "A field of a part is not of the form it must have."},
    {PART("Content-Disposition: form-data; name=a\r\nContent-Transfer-Encoding: base64", ""), "",
     "Content-Transfer-Encoding of a part is not accepted."},
    {"--B\r\nContent-Disposition: form-data; name=a\n\r\n", "",
     "A line of a part does not end with CR LF."},
    {"--B\r\nContent-Disposition: form-data; name=a\rx", "",
     "A line of a part does not end with CR LF."},
    {NAMED("a", "1") NAMED("b", "2") NAMED("c", "3") NAMED("d", "4"), "a||:1.b||:2.c||:3.",
     "The body has too many parts."},
    {NAMED("a", "012345678901234567890123456789") END, "a||:012345678901234567890123456789.!",
     NULL},
    {NAMED("a", "0123456789012345678901234567890"), "a||:012345678901234567890123456789",
     "A part is too large."},
    {NAMED("a", "01234567890123456789012345678\r\n--x"), "a||:01234567890123456789012345678",
     "A part is too large."},
    {NAMED("012345678901234567890", ""), "", "The name of a part is too long."},
};

static void check_same(const struct outcome *out, size_t i)
{
    bool is_right = rows[i].message == NULL;
    CHECK_STR(out->events, rows[i].events);
    CHECK_EQ(out->rc < 0, !is_right);
    if (is_right)
        CHECK(out->is_done);
    else
        CHECK_STR(out->message, rows[i].message);
}

TEST(a_form_is_the_same_for_every_way_to_cut_it)
{
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        size_t len = strlen(rows[i].text);
        note("row %zu: %s", i, rows[i].text);
        struct outcome whole = parse(rows[i].text, len, len, len);
        check_same(&whole, i);
        for (size_t cut = 0; cut <= len; cut++) {
            for (size_t second = cut; second <= len && second <= cut + 6; second++) {
                struct outcome out = parse(rows[i].text, len, cut, second);
                check_same(&out, i);
                CHECK_EQ(out.offset, whole.offset);
            }
        }
    }
}

TEST(a_form_that_is_cut_off_is_not_done)
{
    static const char text[] = NAMED("a", "12") NAMED("b", "") "--B--";
    for (size_t len = 0; len < sizeof text - 1; len++) {
        struct outcome out = parse(text, len, len, len);
        CHECK_EQ(out.rc, 0);
        CHECK(!out.is_done);
    }
}

TEST(the_fields_of_a_part_have_a_size)
{
    char text[512] = "--B\r\nX: ";
    memset(text + strlen(text), 'x', 300);
    struct outcome out = parse(text, strlen(text), 50, 60);
    CHECK_EQ(out.rc, -WEFT_ELIMIT);
    CHECK_STR(out.message, "The fields of a part are too large.");
}

TEST(a_boundary_is_taken_from_the_type)
{
    static const struct {
        const char *type, *boundary;
    } types[] = {
        {"multipart/form-data; boundary=B", "B"},
        {"Multipart/Form-Data;BOUNDARY=\"a b\"", "a b"},
        {"multipart/form-data; charset=x; boundary=----x", "----x"},
        {"multipart/form-data; x=\"a;boundary=c\"; boundary=B", "B"},
        {"multipart/form-data", NULL},
        {"multipart/form-data; boundary=", NULL},
        {"multipart/form-data; boundary=a; boundary=b", NULL},
        {"multipart/form-data; boundary=\"a \"", NULL},
        {"multipart/form-data; boundary=a\x01", NULL},
        {"multipart/form-data; boundary="
         "01234567890123456789012345678901234567890123456789012345678901234567890",
         NULL},
        {"multipart/mixed; boundary=B", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        weft_str boundary;
        note("%s", types[i].type);
        bool is_right = wf_multipart_boundary(weft_str_of(types[i].type), &boundary);
        CHECK_EQ(is_right, types[i].boundary != NULL);
        if (is_right)
            CHECK_BYTES(boundary.ptr, boundary.len, types[i].boundary, strlen(types[i].boundary));
    }
    weft_str none;
    CHECK(!wf_multipart_boundary((weft_str){NULL, 0}, &none));
}
