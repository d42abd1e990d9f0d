/* SPDX-License-Identifier: MIT */

#include "match/examples.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <string.h>

#define TAG_LENGTHS WF_TAG('E', 'X', 'L', 'E')
#define TAG_BYTES WF_TAG('E', 'X', 'B', 'Y')
#define TAG_PLAN WF_TAG('E', 'X', 'P', 'L')

static size_t bytes_of(const weft_m_example *items, size_t count)
{
    size_t bytes = 0;
    for (size_t i = 0; i < count; i++)
        bytes += items[i].text.len + (items[i].is_none ? 0 : items[i].label.len);
    return bytes;
}

static weft_str copy(char **to, weft_str text)
{
    weft_str copied = {*to, text.len};
    if (text.len != 0)
        memcpy(*to, text.ptr, text.len);
    *to += text.len;
    return copied;
}

int wf_examples_new(wf_examples **out, const weft_m_example *items, size_t count,
                    const wf_plan *plan)
{
    wf_examples *examples = wf_alloc(sizeof(*examples));
    if (examples == NULL)
        return -ENOMEM;
    examples->refs = 1;
    examples->count = count;
    examples->plan = *plan;
    examples->items = wf_array(count, sizeof(*items));
    examples->bytes = wf_alloc(bytes_of(items, count) + 1);
    if (examples->items == NULL || examples->bytes == NULL) {
        wf_examples_unref(examples);
        return -ENOMEM;
    }
    char *to = examples->bytes;
    for (size_t i = 0; i < count; i++) {
        examples->items[i] = items[i];
        examples->items[i].text = copy(&to, items[i].text);
        if (items[i].is_none)
            examples->items[i].label = (weft_str){NULL, 0};
        else
            examples->items[i].label = copy(&to, items[i].label);
    }
    *out = examples;
    return 0;
}

wf_examples *wf_examples_ref(wf_examples *examples)
{
    __atomic_add_fetch(&examples->refs, 1, __ATOMIC_RELAXED);
    return examples;
}

void wf_examples_unref(wf_examples *examples)
{
    if (examples == NULL || __atomic_sub_fetch(&examples->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    wf_free(examples->items);
    wf_free(examples->bytes);
    wf_free(examples);
}

/* ---- files ---- */

_Static_assert(sizeof(wf_plan) == 40, "as the file has it, without padding");

struct lengths {
    uint32_t text, label; /* label UINT32_MAX: none */
};

void wf_examples_save(const wf_examples *examples, wf_pack *pack)
{
    struct lengths *lengths = wf_pack_new(pack, TAG_LENGTHS, examples->count, sizeof(*lengths));
    for (size_t i = 0; i < examples->count && lengths != NULL; i++) {
        const weft_m_example *item = &examples->items[i];
        lengths[i] = (struct lengths){(uint32_t)item->text.len,
                                      item->is_none ? UINT32_MAX : (uint32_t)item->label.len};
    }
    wf_pack_add(pack, TAG_BYTES, examples->bytes, bytes_of(examples->items, examples->count), 1);
    wf_pack_add(pack, TAG_PLAN, &examples->plan, 1, sizeof(examples->plan));
}

/* The next `len` bytes; false if there are not so many or they are no text. */
static bool take(const char **at, const char *end, size_t len, weft_str *out)
{
    if (len > (size_t)(end - *at) || !wf_utf8_is_valid(*at, len))
        return false;
    *out = (weft_str){*at, len};
    *at += len;
    return true;
}

int wf_examples_load(wf_examples **out, const wf_image *image)
{
    const void *found = NULL, *bytes = NULL;
    size_t count = 0, byte_count = 0;
    wf_plan plan = {0};
    int rc = wf_image_get(image, TAG_LENGTHS, sizeof(struct lengths), &found, &count);
    if (rc == 0)
        rc = wf_image_get(image, TAG_BYTES, 1, &bytes, &byte_count);
    if (rc == 0)
        rc = wf_image_get_one(image, TAG_PLAN, &plan, sizeof(plan));
    if (rc < 0)
        return rc;
    if (!wf_plan_is_sound(&plan))
        return -WEFT_M_EPERSIST;
    const struct lengths *lengths = found;
    const char *at = bytes, *end = at + byte_count;
    weft_m_example *items = wf_array(count, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    bool is_sound = true;
    for (size_t i = 0; i < count && is_sound; i++) {
        items[i].is_none = lengths[i].label == UINT32_MAX;
        is_sound = take(&at, end, lengths[i].text, &items[i].text) &&
                   (items[i].is_none || take(&at, end, lengths[i].label, &items[i].label));
    }
    rc = is_sound && at == end ? wf_examples_new(out, items, count, &plan) : -WEFT_M_EPERSIST;
    wf_free(items);
    return rc;
}
