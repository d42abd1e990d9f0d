/* SPDX-License-Identifier: MIT */

#include "catalog/source.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <fcntl.h>
#include <string.h>

#define SOURCE_BYTES ((size_t)64 * 1024)

static ssize_t source_read_file(void *buf, size_t bytes, void *arg)
{
    const wf_source *source = arg;
    return wf_sys_read(source->fd, buf, bytes);
}

int wf_source_open(wf_source *source, const char *path, weft_catalog_read_fn *read, void *arg)
{
    *source = (wf_source){.read = read, .arg = arg, .fd = -1};
    source->mem = wf_alloc(SOURCE_BYTES);
    if (source->mem == NULL)
        return -ENOMEM;
    if (read != NULL)
        return 0;
    source->read = source_read_file;
    source->arg = source;
    source->fd = wf_sys_open(path, O_RDONLY, 0);
    return source->fd < 0 ? source->fd : 0;
}

void wf_source_close(wf_source *source)
{
    wf_sys_close(source->fd);
    source->fd = -1;
    wf_free(source->mem);
    source->mem = NULL;
}

static int source_read(wf_source *source)
{
    ssize_t count =
        source->read(source->mem + source->end, SOURCE_BYTES - source->end, source->arg);
    if (count < 0)
        return (int)count;
    source->is_ended = count == 0;
    source->end += (size_t)count;
    source->bytes += (uint64_t)count;
    return 0;
}

/* A mark of its own, or ASCII in two bytes each. */
static bool is_utf16(const char *bytes)
{
    bool has_mark = memcmp(bytes, "\xFF\xFE", 2) == 0 || memcmp(bytes, "\xFE\xFF", 2) == 0;
    bool is_little = bytes[0] != '\0' && bytes[1] == '\0' && bytes[2] != '\0';
    bool is_big = bytes[0] == '\0' && bytes[1] != '\0' && bytes[2] == '\0';
    return has_mark || is_little || is_big;
}

/* What is given for a table by mistake, by the first bytes, which no text has. */
static const struct {
    weft_str magic;
    const char *what;
} aliens[] = {
    {WEFT_STR("PK\x03"), "is a zip archive, as .xlsx and .ods are; save the sheet as CSV"},
    {WEFT_STR("\xD0\xCF\x11"), "is a file of an old office program, as .xls is; save it as CSV"},
    {WEFT_STR("\x1F\x8B\x08"), "is compressed by gzip; unpack it"},
    {WEFT_STR("\x28\xB5\x2F"), "is compressed by zstd; unpack it"},
    {WEFT_STR("\xFD\x37\x7A"), "is compressed by xz; unpack it"},
    {WEFT_STR("PAR1\x15"), "is Parquet; write it as CSV or NDJSON"},
    {WEFT_STR("WEFTM\r\n\x1A"), "is a saved matcher, and no table"},
};

/* Fewer bytes than a mark has may be the beginning of one. */
static bool begins_like(const wf_source *source, weft_str magic)
{
    size_t bytes = source->end < magic.len ? source->end : magic.len;
    return memcmp(source->mem, magic.ptr, bytes) == 0;
}

static const char *alien_of(const wf_source *source)
{
    if (is_utf16(source->mem))
        return "is UTF-16; save it as UTF-8";
    for (size_t i = 0; i < sizeof(aliens) / sizeof(*aliens); i++) {
        if (source->end >= aliens[i].magic.len && begins_like(source, aliens[i].magic))
            return aliens[i].what;
    }
    return NULL;
}

/* Three bytes are the mark of UTF-8.  More are waited for where they may be a longer one: who types
 * a text and sees the answer has nothing to wait for. */
static bool needs_more(const wf_source *source)
{
    bool may_be_longer = false;
    for (size_t i = 0; i < sizeof(aliens) / sizeof(*aliens); i++)
        may_be_longer |= source->end < aliens[i].magic.len && begins_like(source, aliens[i].magic);
    return !source->is_ended && (source->end < 3 || may_be_longer);
}

static int source_begin(wf_source *source)
{
    while (needs_more(source)) {
        int rc = source_read(source);
        if (rc < 0)
            return rc;
    }
    source->is_begun = true;
    if (source->end >= 3 && memcmp(source->mem, "\xEF\xBB\xBF", 3) == 0)
        source->at = 3;
    source->alien = source->end >= 3 ? alien_of(source) : NULL;
    return 0;
}

int wf_source_fill(wf_source *source)
{
    int rc = source->is_begun ? 0 : source_begin(source);
    if (rc < 0)
        return rc;
    if (source->at == source->end && !source->is_ended) {
        source->at = 0;
        source->end = 0;
        rc = source_read(source);
    }
    return rc < 0 ? rc : source->at < source->end;
}

int wf_source_more(wf_source *source)
{
    if (source->is_ended || source->end == SOURCE_BYTES)
        return 0;
    int rc = source_read(source);
    return rc < 0 ? rc : !source->is_ended;
}
