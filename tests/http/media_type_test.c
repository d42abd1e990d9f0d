/* SPDX-License-Identifier: MIT */

#include "http/files/media_type.h"

#include "harness/harness.h"

TEST(media_type_is_told_by_the_ending)
{
    static const struct {
        const char *path, *type;
    } rows[] = {
        {"index.html", "text/html; charset=utf-8"},
        {"a/b.JS", "text/javascript; charset=utf-8"},
        {"7z.7z", "application/x-7z-compressed"},
        {"x.zst", "application/zstd"},
        {"x.woff", "font/woff"},
        {"x.woff2", "font/woff2"},
        {"x.woff3", "application/octet-stream"},
        {"x.wof", "application/octet-stream"},
        {"x.tar.gz", "application/gzip"},
        {"a.html/b", "application/octet-stream"},
        {"html", "application/octet-stream"},
        {"x.", "application/octet-stream"},
        {"", "application/octet-stream"},
    };
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        note("%s", rows[i].path);
        CHECK_STR(wf_media_type_of(weft_str_of(rows[i].path)), rows[i].type);
    }
    static const weft_str odd = WEFT_STR("x.c\0c");
    CHECK_STR(wf_media_type_of(odd), "application/octet-stream");
}
