/* SPDX-License-Identifier: MIT */

/* Which media types are worth a coding: text in all its forms, not what is compressed already. */

#include "h1/chars.h"
#include "http/coded/coded_answer.h"

#include <string.h>

static bool begins(weft_str text, const char *lower)
{
    size_t len = strlen(lower);
    return text.len >= len && wf_http_equal(text.ptr, len, lower, len);
}

static bool ends(weft_str text, const char *lower)
{
    size_t len = strlen(lower);
    return text.len >= len && wf_http_equal(text.ptr + text.len - len, len, lower, len);
}

static weft_str without_parameters(weft_str type)
{
    const char *end = type.len == 0 ? NULL : memchr(type.ptr, ';', type.len);
    if (end != NULL)
        type.len = (size_t)(end - type.ptr);
    while (type.len > 0 && (type.ptr[type.len - 1] == ' ' || type.ptr[type.len - 1] == '\t'))
        type.len--;
    return type;
}

bool wf_type_is_compressible(weft_str type)
{
    static const char *const types[] = {
        "application/graphql",
        "application/javascript",
        "application/json",
        "application/json-seq",
        "application/ndjson",
        "application/sql",
        "application/toml",
        "application/wasm",
        "application/x-javascript",
        "application/x-ndjson",
        "application/x-sh",
        "application/xml",
        "application/yaml",
        "font/otf",
        "font/ttf",
        "image/bmp",
        "image/x-icon",
        "model/gltf+json",
    };
    type = without_parameters(type);
    if (begins(type, "text/") || ends(type, "+json") || ends(type, "+xml") || ends(type, "+yaml"))
        return true;
    for (size_t i = 0; i < sizeof types / sizeof types[0]; i++) {
        if (wf_http_equal(type.ptr, type.len, types[i], strlen(types[i])))
            return true;
    }
    return false;
}
