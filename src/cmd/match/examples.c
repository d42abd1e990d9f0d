/* SPDX-License-Identifier: MIT */

#include "cmd/match/examples.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "cmd/match/labelled.h"
#include "cmd/say.h"

#define LABEL_SHOWN 80

void examples_fini(struct examples *examples)
{
    wf_arena_fini(&examples->arena);
    wf_free(examples->items);
    *examples = (struct examples){0};
}

/* Room for one more, zeroed. */
static weft_m_example *examples_next(struct examples *examples)
{
    weft_m_example *items =
        wf_more(examples->items, examples->count, &examples->capacity, sizeof(*items));
    if (items == NULL)
        return NULL;
    examples->items = items;
    weft_m_example *item = &examples->items[examples->count++];
    *item = (weft_m_example){0};
    return item;
}

static int take(struct examples *examples, weft_str text, weft_str label)
{
    weft_m_example *item = examples_next(examples);
    if (item == NULL || !wf_arena_copy(&examples->arena, text, &item->text) ||
        !wf_arena_copy(&examples->arena, label, &item->label))
        return -ENOMEM;
    item->is_none = label.len == 0;
    return item->is_none || weft_m_has(examples->matcher, label) ? 0 : -ENOENT;
}

static int take_chunk(struct chunk *chunk, void *arg)
{
    struct examples *examples = arg;
    for (size_t i = 0; i < chunk->count; i++) {
        int rc = take(examples, chunk->texts[i], chunk->labels[i]);
        if (rc == -ENOENT)
            return say_failed(
                "%s:%zu: label: no entity has the id %.*s%s", examples->path, chunk->lines[i],
                (int)wf_utf8_cut(chunk->labels[i].ptr, chunk->labels[i].len, LABEL_SHOWN),
                chunk->labels[i].ptr,
                labelled_is_id_with_point(examples->matcher, chunk->labels[i]) ? LABELLED_WITH_POINT
                                                                               : "");
        if (rc < 0)
            return say_failed("%s: %s", examples->path, weft_strerror(rc));
    }
    return 0;
}

int examples_read(struct examples *examples, const char *path, char delimiter)
{
    examples->path = path;
    return labelled_each(path, WEFT_FILE_AUTO, delimiter, take_chunk, examples);
}
