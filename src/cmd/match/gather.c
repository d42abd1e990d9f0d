/* SPDX-License-Identifier: MIT */

#include "cmd/match/gather.h"

#include "base/alloc.h"
#include "cmd/say.h"

void gather_fini(struct gather *it)
{
    wf_arena_fini(&it->arena);
    wf_free(it->texts);
    *it = (struct gather){0};
}

static int reserve(struct gather *it, size_t count)
{
    if (count <= it->capacity)
        return 0;
    size_t capacity = count + count / 2;
    weft_str *texts = wf_grow(it->texts, capacity, sizeof(*texts));
    if (texts == NULL)
        return -ENOMEM;
    it->texts = texts;
    it->capacity = capacity;
    return 0;
}

static int gather_chunk(struct chunk *chunk, void *arg)
{
    struct gather *it = arg;
    if (chunk->count > it->most - it->count)
        return say_failed("%s: more than %zu texts", it->path, it->most);
    int rc = reserve(it, it->count + chunk->count);
    for (size_t i = 0; i < chunk->count && rc == 0; i++)
        rc = wf_arena_copy(&it->arena, chunk->texts[i], &it->texts[it->count++]) ? 0 : -ENOMEM;
    return rc;
}

int gather_texts(struct gather *it, const char *path, const weft_catalog_options *options)
{
    struct texts texts = {.input.fd = -1};
    it->path = path;
    int rc = texts_open(&texts, path, options, NULL, 0);
    if (rc == 0)
        rc = texts_each(&texts, gather_chunk, it);
    texts_close(&texts);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s", weft_strerror(rc)) : rc;
}
