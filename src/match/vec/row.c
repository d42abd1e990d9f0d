/* SPDX-License-Identifier: MIT */

#include "match/vec/row.h"

#include "base/alloc.h"

#include <string.h>

static size_t text_bytes(weft_str id, const weft_vec_tag *tags, size_t tag_count)
{
    size_t bytes = id.len;
    for (size_t i = 0; i < tag_count; i++)
        bytes += tags[i].key.len + tags[i].value.len;
    return bytes;
}

static weft_str copy_text(char **to, weft_str text)
{
    weft_str copy = {*to, text.len};
    if (text.len != 0)
        memcpy(*to, text.ptr, text.len);
    *to += text.len;
    return copy;
}

wf_vec_row *wf_vec_row_new(weft_str id, const weft_vec_tag *tags, size_t tag_count)
{
    size_t head = sizeof(wf_vec_row) + tag_count * sizeof(*tags);
    wf_vec_row *row = wf_alloc(head + text_bytes(id, tags, tag_count));
    if (row == NULL)
        return NULL;
    char *to = (char *)row + head;
    row->refs = 1;
    row->id = copy_text(&to, id);
    row->tag_count = (uint32_t)tag_count;
    for (size_t i = 0; i < tag_count; i++) {
        row->tags[i].key = copy_text(&to, tags[i].key);
        row->tags[i].value = copy_text(&to, tags[i].value);
    }
    return row;
}

wf_vec_row *wf_vec_row_ref(wf_vec_row *row)
{
    __atomic_add_fetch(&row->refs, 1, __ATOMIC_RELAXED);
    return row;
}

void wf_vec_row_unref(wf_vec_row *row)
{
    if (row != NULL && __atomic_sub_fetch(&row->refs, 1, __ATOMIC_ACQ_REL) == 0)
        wf_free(row);
}

static bool is_equal(weft_str a, weft_str b)
{
    return a.len == b.len && (a.len == 0 || memcmp(a.ptr, b.ptr, a.len) == 0);
}

static bool has_tag(const wf_vec_row *row, weft_vec_tag tag)
{
    for (size_t i = 0; i < row->tag_count; i++) {
        if (is_equal(row->tags[i].key, tag.key) && is_equal(row->tags[i].value, tag.value))
            return true;
    }
    return false;
}

bool wf_vec_row_passes(const wf_vec_row *row, const weft_vec_tag *filter, size_t filter_count)
{
    for (size_t i = 0; i < filter_count; i++) {
        if (!has_tag(row, filter[i]))
            return false;
    }
    return true;
}

size_t wf_vec_row_bytes(const wf_vec_row *row)
{
    return sizeof(*row) + row->tag_count * sizeof(*row->tags) +
           text_bytes(row->id, row->tags, row->tag_count);
}
