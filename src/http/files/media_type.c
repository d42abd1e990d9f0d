/* SPDX-License-Identifier: MIT */

#include "http/files/media_type.h"

#include "base/str.h"
#include "h1/chars.h"

#include <string.h>

/* In order of the endings, for the binary search. */
static const struct {
    const char *ending, *type;
} media_types[] = {
    {"7z", "application/x-7z-compressed"},
    {"aac", "audio/aac"},
    {"apng", "image/apng"},
    {"avif", "image/avif"},
    {"bin", "application/octet-stream"},
    {"bmp", "image/bmp"},
    {"br", "application/octet-stream"},
    {"bz2", "application/x-bzip2"},
    {"c", "text/plain; charset=utf-8"},
    {"cjs", "text/javascript; charset=utf-8"},
    {"css", "text/css; charset=utf-8"},
    {"csv", "text/csv; charset=utf-8"},
    {"eot", "application/vnd.ms-fontobject"},
    {"epub", "application/epub+zip"},
    {"flac", "audio/flac"},
    {"gif", "image/gif"},
    {"gltf", "model/gltf+json"},
    {"gz", "application/gzip"},
    {"h", "text/plain; charset=utf-8"},
    {"htm", "text/html; charset=utf-8"},
    {"html", "text/html; charset=utf-8"},
    {"ico", "image/x-icon"},
    {"ics", "text/calendar; charset=utf-8"},
    {"jpeg", "image/jpeg"},
    {"jpg", "image/jpeg"},
    {"js", "text/javascript; charset=utf-8"},
    {"json", "application/json"},
    {"jsonl", "application/x-ndjson"},
    {"jsonld", "application/ld+json"},
    {"log", "text/plain; charset=utf-8"},
    {"m4a", "audio/mp4"},
    {"m4v", "video/mp4"},
    {"map", "application/json"},
    {"md", "text/markdown; charset=utf-8"},
    {"mjs", "text/javascript; charset=utf-8"},
    {"mov", "video/quicktime"},
    {"mp3", "audio/mpeg"},
    {"mp4", "video/mp4"},
    {"mpeg", "video/mpeg"},
    {"ndjson", "application/x-ndjson"},
    {"oga", "audio/ogg"},
    {"ogg", "audio/ogg"},
    {"ogv", "video/ogg"},
    {"onnx", "application/octet-stream"},
    {"opus", "audio/opus"},
    {"otf", "font/otf"},
    {"parquet", "application/vnd.apache.parquet"},
    {"pdf", "application/pdf"},
    {"png", "image/png"},
    {"py", "text/x-python; charset=utf-8"},
    {"rss", "application/rss+xml"},
    {"rtf", "application/rtf"},
    {"safetensors", "application/octet-stream"},
    {"sh", "application/x-sh"},
    {"sql", "application/sql"},
    {"svg", "image/svg+xml"},
    {"tar", "application/x-tar"},
    {"tif", "image/tiff"},
    {"tiff", "image/tiff"},
    {"toml", "application/toml"},
    {"ts", "video/mp2t"},
    {"tsv", "text/tab-separated-values; charset=utf-8"},
    {"ttf", "font/ttf"},
    {"txt", "text/plain; charset=utf-8"},
    {"wasm", "application/wasm"},
    {"wav", "audio/wav"},
    {"webm", "video/webm"},
    {"webmanifest", "application/manifest+json"},
    {"webp", "image/webp"},
    {"woff", "font/woff"},
    {"woff2", "font/woff2"},
    {"xhtml", "application/xhtml+xml"},
    {"xml", "application/xml"},
    {"yaml", "application/yaml"},
    {"yml", "application/yaml"},
    {"zip", "application/zip"},
    {"zst", "application/zstd"},
};

weft_str wf_path_ending(weft_str path)
{
    for (size_t i = path.len; i > 0 && path.ptr[i - 1] != '/'; i--) {
        if (path.ptr[i - 1] == '.')
            return (weft_str){path.ptr + i, path.len - i};
    }
    return (weft_str){"", 0};
}

/* As strcmp, of the ending in any case. */
static int compare(weft_str ending, const char *lower)
{
    for (size_t i = 0; i < ending.len; i++) {
        int rc = (unsigned char)wf_str_lower(ending.ptr[i]) - (unsigned char)lower[i];
        if (rc != 0 || lower[i] == 0)
            return rc != 0 ? rc : 1;
    }
    return lower[ending.len] == 0 ? 0 : -1;
}

const char *wf_media_type_of(weft_str path)
{
    weft_str ending = wf_path_ending(path);
    size_t low = 0, high = sizeof media_types / sizeof media_types[0];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        int rc = compare(ending, media_types[middle].ending);
        if (rc == 0)
            return media_types[middle].type;
        if (rc < 0)
            high = middle;
        else
            low = middle + 1;
    }
    return "application/octet-stream";
}
