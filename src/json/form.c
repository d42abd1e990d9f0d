/* SPDX-License-Identifier: MIT */

#include <weft/json_form.h>

#include "base/utf8.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

void weft_json_form_issue(weft_json_form *form, const char *path, const char *format, ...)
{
    if (form->issue_count++ >= WEFT_JSON_ISSUE_MAX)
        return;
    weft_json_issue *issue = &form->issues[form->issue_count - 1];
    va_list args;
    va_start(args, format);
    snprintf(issue->path, sizeof(issue->path), "%s", path);
    vsnprintf(issue->text, sizeof(issue->text), format, args);
    va_end(args);
}

void weft_json_form_open(weft_json_form *form, const weft_json *object)
{
    memset(form, 0, sizeof(*form));
    if (weft_json_kind(object) == WEFT_JSON_OBJECT)
        form->object = object;
    else
        weft_json_form_issue(form, "", "must be an object");
}

bool weft_json_form_any(weft_json_form *form, const char *name, unsigned flags,
                        const weft_json **out)
{
    assert(form->priv_field_count < WEFT_JSON_FIELD_MAX);
    form->priv_fields[form->priv_field_count++] = name;
    if (form->object == NULL)
        return false;

    const weft_json *value = weft_json_get(form->object, name);
    if (value != NULL && !(flags & WEFT_JSON_NULLABLE && weft_json_kind(value) == WEFT_JSON_NULL)) {
        *out = value;
        return true;
    }
    if (flags & WEFT_JSON_REQUIRED)
        weft_json_form_issue(form, name, "is required");
    return false;
}

bool weft_json_form_string(weft_json_form *form, const char *name, unsigned flags, size_t bytes_max,
                           weft_str *out)
{
    const weft_json *value;
    if (!weft_json_form_any(form, name, flags, &value))
        return false;
    weft_str string = weft_json_string(value);
    if (string.ptr == NULL)
        weft_json_form_issue(form, name, "must be a string, is %s",
                             weft_json_kind_name(weft_json_kind(value)));
    else if (string.len > bytes_max)
        weft_json_form_issue(form, name, "must have at most %zu bytes, has %zu", bytes_max,
                             string.len);
    else {
        *out = string;
        return true;
    }
    return false;
}

bool weft_json_form_integer(weft_json_form *form, const char *name, unsigned flags, int64_t min,
                            int64_t max, int64_t *out)
{
    const weft_json *value;
    if (!weft_json_form_any(form, name, flags, &value))
        return false;
    int64_t number = weft_json_integer(value);
    if (weft_json_kind(value) != WEFT_JSON_INTEGER || number < min || number > max) {
        weft_json_form_issue(form, name, "must be an integer from %lld to %lld", (long long)min,
                             (long long)max);
        return false;
    }
    *out = number;
    return true;
}

bool weft_json_form_double(weft_json_form *form, const char *name, unsigned flags, double min,
                           double max, double *out)
{
    const weft_json *value;
    if (!weft_json_form_any(form, name, flags, &value))
        return false;
    enum weft_json_kind kind = weft_json_kind(value);
    double number = weft_json_double(value);
    if ((kind != WEFT_JSON_INTEGER && kind != WEFT_JSON_DOUBLE) || number < min || number > max) {
        weft_json_form_issue(form, name, "must be a number from %g to %g", min, max);
        return false;
    }
    *out = number;
    return true;
}

bool weft_json_form_bool(weft_json_form *form, const char *name, unsigned flags, bool *out)
{
    const weft_json *value;
    if (!weft_json_form_any(form, name, flags, &value))
        return false;
    if (weft_json_kind(value) != WEFT_JSON_BOOL) {
        weft_json_form_issue(form, name, "must be true or false");
        return false;
    }
    *out = weft_json_bool(value);
    return true;
}

bool weft_json_form_strings(weft_json_form *form, const char *name, unsigned flags,
                            size_t count_max, size_t bytes_max, const weft_json **out)
{
    const weft_json *value;
    if (!weft_json_form_any(form, name, flags, &value))
        return false;
    size_t count = weft_json_count(value), issues_before = form->issue_count;
    if (weft_json_kind(value) != WEFT_JSON_ARRAY)
        weft_json_form_issue(form, name, "must be an array of strings");
    else if (count > count_max)
        weft_json_form_issue(form, name, "must have at most %zu items, has %zu", count_max, count);
    else
        weft_json_form_check_strings(form, name, value, bytes_max);
    if (form->issue_count != issues_before)
        return false;
    *out = value;
    return true;
}

void weft_json_form_check_strings(weft_json_form *form, const char *name, const weft_json *array,
                                  size_t bytes_max)
{
    for (size_t i = 0; i < weft_json_count(array); i++) {
        const weft_json *item = weft_json_item(array, i);
        weft_str string = weft_json_string(item);
        if (string.ptr != NULL && string.len <= bytes_max)
            continue;
        char path[64];
        snprintf(path, sizeof(path), "%s[%zu]", name, i);
        if (string.ptr == NULL)
            weft_json_form_issue(form, path, "must be a string, is %s",
                                 weft_json_kind_name(weft_json_kind(item)));
        else
            weft_json_form_issue(form, path, "must have at most %zu bytes, has %zu", bytes_max,
                                 string.len);
    }
}

static bool form_knows(const weft_json_form *form, weft_str key)
{
    for (size_t i = 0; i < form->priv_field_count; i++) {
        const char *name = form->priv_fields[i];
        if (strlen(name) == key.len && memcmp(name, key.ptr, key.len) == 0)
            return true;
    }
    return false;
}

int weft_json_form_close(weft_json_form *form)
{
    weft_json_member member = {0};
    while (form->object != NULL && weft_json_next(form->object, &member)) {
        if (form_knows(form, member.key))
            continue;
        char path[64];
        size_t shown = wf_utf8_cut(member.key.ptr, member.key.len, sizeof(path) - 1);
        snprintf(path, sizeof(path), "%.*s", (int)shown, member.key.ptr);
        weft_json_form_issue(form, path, "is not a field of this request");
    }
    return form->issue_count == 0 ? 0 : -EINVAL;
}
