/* SPDX-License-Identifier: MIT */

#include "catalog/format.h"

#include <string.h>
#include <strings.h>

static const struct {
    const char *name;
    enum weft_file_format format;
} format_names[] = {
    {"csv", WEFT_FILE_CSV},       {"tsv", WEFT_FILE_TSV},      {"json", WEFT_FILE_JSON},
    {"ndjson", WEFT_FILE_NDJSON}, {"jsonl", WEFT_FILE_NDJSON}, {"lines", WEFT_FILE_LINES},
    {"txt", WEFT_FILE_LINES},
};

int weft_file_format_parse(weft_str name, enum weft_file_format *out)
{
    for (size_t i = 0; i < sizeof(format_names) / sizeof(*format_names); i++) {
        const char *known = format_names[i].name;
        if (strlen(known) == name.len && strncasecmp(known, name.ptr, name.len) == 0) {
            *out = format_names[i].format;
            return 0;
        }
    }
    return -EINVAL;
}

const char *weft_file_format_name(enum weft_file_format format)
{
    for (size_t i = 0; i < sizeof(format_names) / sizeof(*format_names); i++) {
        if (format_names[i].format == format)
            return format_names[i].name;
    }
    return "auto";
}

enum weft_file_format wf_format_of_name(const char *name)
{
    enum weft_file_format format = WEFT_FILE_AUTO;
    const char *slash = strrchr(name, '/');
    const char *dot = strrchr(slash != NULL ? slash : name, '.');
    if (dot == NULL || weft_file_format_parse((weft_str){dot + 1, strlen(dot + 1)}, &format) < 0)
        return WEFT_FILE_AUTO;
    return format;
}

enum weft_file_format wf_format_of_bytes(const char *bytes, size_t count)
{
    size_t at = 0;
    while (at < count && strchr(" \t\r\n", bytes[at]) != NULL && bytes[at] != '\0')
        at++;
    if (at < count && bytes[at] == '[')
        return WEFT_FILE_JSON;
    if (at < count && bytes[at] == '{')
        return WEFT_FILE_NDJSON;
    for (; at < count && bytes[at] != '\n'; at++) {
        if (bytes[at] == ',' || bytes[at] == '\t')
            return bytes[at] == ',' ? WEFT_FILE_CSV : WEFT_FILE_TSV;
    }
    return at < count ? WEFT_FILE_CSV : WEFT_FILE_AUTO;
}
