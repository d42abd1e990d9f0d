/* SPDX-License-Identifier: MIT */

/* The table of codings, and their names. */

#include "coding/codec.h"

#include "base/str.h"

#include <string.h>

static const struct wf_codec *const codecs[WF_CODING_COUNT] = {
    [WF_CODING_IDENTITY] = NULL,
#if WF_HAS_ZSTD
    [WF_CODING_ZSTD] = &wf_codec_zstd,
#endif
#if WF_HAS_BROTLI
    [WF_CODING_BR] = &wf_codec_br,
#endif
#if WF_HAS_ZLIB
    [WF_CODING_GZIP] = &wf_codec_gzip, [WF_CODING_DEFLATE] = &wf_codec_deflate,
#endif
};

const struct wf_codec *wf_codec_of(enum wf_coding coding)
{
    return coding < WF_CODING_COUNT ? codecs[coding] : NULL;
}

const char *wf_coding_name(enum wf_coding coding)
{
    const struct wf_codec *codec = wf_codec_of(coding);
    return codec != NULL ? codec->name : "identity";
}

bool wf_coding_is_there(enum wf_coding coding)
{
    return coding == WF_CODING_IDENTITY || wf_codec_of(coding) != NULL;
}

static bool name_is(weft_str text, const char *name)
{
    if (name == NULL || text.len != strlen(name))
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (wf_str_lower(text.ptr[i]) != name[i])
            return false;
    }
    return true;
}

enum wf_coding wf_coding_named(weft_str name)
{
    if (name_is(name, "identity"))
        return WF_CODING_IDENTITY;
    for (int i = WF_CODING_IDENTITY + 1; i < WF_CODING_COUNT; i++) {
        const struct wf_codec *codec = codecs[i];
        if (codec != NULL && (name_is(name, codec->name) || name_is(name, codec->alias)))
            return (enum wf_coding)i;
    }
    return WF_CODING_NONE;
}

#if WF_HAS_ZSTD
#define LIST_ZSTD ", zstd"
#else
#define LIST_ZSTD ""
#endif
#if WF_HAS_BROTLI
#define LIST_BR ", br"
#else
#define LIST_BR ""
#endif
#if WF_HAS_ZLIB
#define LIST_ZLIB ", gzip, deflate"
#else
#define LIST_ZLIB ""
#endif

const char *wf_coding_list(void)
{
    static const char list[] = LIST_ZSTD LIST_BR LIST_ZLIB;
    return list + (sizeof list > 2 ? strlen(", ") : 0);
}

enum wf_coding wf_coding_add_field(enum wf_coding so_far, weft_str field)
{
    weft_str item;
    while (wf_str_next_item(&field, ',', &item)) {
        enum wf_coding coding = item.len == 0 ? WF_CODING_IDENTITY : wf_coding_named(item);
        if (coding == WF_CODING_IDENTITY)
            continue;
        so_far = so_far == WF_CODING_IDENTITY ? coding : WF_CODING_NONE;
    }
    return so_far;
}
