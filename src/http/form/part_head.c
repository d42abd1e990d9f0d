/* SPDX-License-Identifier: MIT */

/* The fields of a part of a multipart body: Content-Disposition and Content-Type. */

#include "base/utf8.h"
#include "h1/chars.h"
#include "http/form/multipart.h"

#include <string.h>

#define FIELD_COUNT_MAX 16

static void skip_blanks(const char **at, const char *end)
{
    while (*at < end && (**at == ' ' || **at == '\t'))
        (*at)++;
}

/* The token at `*at`; empty if there is none. */
static weft_str take_token(const char **at, const char *end)
{
    const char *begin = *at;
    while (*at < end && wf_http_is(**at, WF_TOKEN))
        (*at)++;
    return (weft_str){begin, (size_t)(*at - begin)};
}

/* What stands between quotes, escapes undone in place. */
static bool take_quoted(char **at, const char *end, weft_str *out)
{
    char *to = ++*at, *begin = to;
    for (; *at < end; (*at)++) {
        if (**at == '"') {
            (*at)++;
            *out = (weft_str){begin, (size_t)(to - begin)};
            return true;
        }
        if (**at == '\\' && *at + 1 < end && ((*at)[1] == '"' || (*at)[1] == '\\'))
            (*at)++;
        *to++ = **at;
    }
    return false;
}

static bool take_value(char **at, const char *end, weft_str *out)
{
    if (*at < end && **at == '"')
        return take_quoted(at, end, out);
    const char *from = *at;
    *out = take_token(&from, end);
    *at += out->len;
    return out->len != 0;
}

/* ;name=value, each parameter once. */
static const char *take_parameter(struct wf_multipart *it, char **at, const char *end)
{
    static const char bad[] = "A Content-Disposition is not of the form it must have.";
    const char *from = *at;
    weft_str name, value;
    if (*from++ != ';')
        return bad;
    skip_blanks(&from, end);
    name = take_token(&from, end);
    if (name.len == 0 || from == end || *from != '=')
        return bad;
    *at += from + 1 - *at;
    if (!take_value(at, end, &value))
        return bad;
    weft_str *out = WF_HTTP_EQUAL(name.ptr, name.len, "name")       ? &it->name
                    : WF_HTTP_EQUAL(name.ptr, name.len, "filename") ? &it->file_name
                                                                    : NULL;
    if (out == NULL)
        return NULL; /* filename* too, which RFC 7578 forbids */
    if (out->ptr != NULL)
        return "A parameter of Content-Disposition is given twice.";
    *out = value;
    return wf_utf8_is_valid(value.ptr, value.len) ? NULL : "A name of a part is not UTF-8.";
}

static const char *read_disposition(struct wf_multipart *it, char *at, const char *end)
{
    const char *from = at;
    weft_str kind = take_token(&from, end);
    if (it->name.ptr != NULL)
        return "A part has two Content-Dispositions.";
    if (!WF_HTTP_EQUAL(kind.ptr, kind.len, "form-data"))
        return "A part is not form-data.";
    at += kind.len;
    for (;;) {
        while (at < end && (*at == ' ' || *at == '\t'))
            at++;
        if (at == end)
            break;
        const char *what = take_parameter(it, &at, end);
        if (what != NULL)
            return what;
    }
    return it->name.ptr != NULL ? NULL : "A part has no name.";
}

/* Data is given as it comes, so it must come as it is. */
static const char *check_coding(weft_str value)
{
    bool is_plain = WF_HTTP_EQUAL(value.ptr, value.len, "binary") ||
                    WF_HTTP_EQUAL(value.ptr, value.len, "8bit") ||
                    WF_HTTP_EQUAL(value.ptr, value.len, "7bit");
    return is_plain ? NULL : "Content-Transfer-Encoding of a part is not accepted.";
}

static const char *read_field(struct wf_multipart *it, char *line, char *end)
{
    char *colon = memchr(line, ':', (size_t)(end - line));
    const char *from = line;
    weft_str name = take_token(&from, end);
    if (colon == NULL || name.len == 0 || from != colon)
        return "A field of a part is not of the form it must have.";
    for (const char *at = colon; at < end; at++) {
        if (!wf_http_is(*at, WF_VALUE))
            return "A field of a part holds a control character.";
    }
    char *value = colon + 1;
    while (value < end && (*value == ' ' || *value == '\t'))
        value++;
    while (end > value && (end[-1] == ' ' || end[-1] == '\t'))
        end--;
    weft_str text = {value, (size_t)(end - value)};
    if (WF_HTTP_EQUAL(name.ptr, name.len, "content-disposition"))
        return read_disposition(it, value, end);
    if (WF_HTTP_EQUAL(name.ptr, name.len, "content-transfer-encoding"))
        return check_coding(text);
    if (WF_HTTP_EQUAL(name.ptr, name.len, "content-type"))
        it->type = text;
    return NULL;
}

const char *wf_part_head_read(struct wf_multipart *it, char *text, size_t len)
{
    const weft_str none = {NULL, 0};
    char *end = text + len;
    size_t count = 0;
    it->name = it->file_name = it->type = none;
    for (char *line = text; line < end;) {
        char *stop = memchr(line, '\r', (size_t)(end - line));
        if (stop == NULL)
            stop = end;
        const char *what =
            ++count > FIELD_COUNT_MAX ? "A part has too many fields." : read_field(it, line, stop);
        if (what != NULL)
            return what;
        line = stop + 2 < end ? stop + 2 : end;
    }
    if (it->name.ptr == NULL)
        return "A part has no Content-Disposition.";
    return NULL;
}
