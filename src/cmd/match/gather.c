/* SPDX-License-Identifier: MIT */

#include "cmd/match/gather.h"

#include "base/alloc.h"
#include "cmd/say.h"

struct gather {
    wf_arena arena;
    weft_str *texts;
    size_t count, capacity, count_max;
    const char *path; /* for what is said of too many */
};

static void gather_fini(struct gather *it)
{
    wf_arena_fini(&it->arena);
    wf_free(it->texts);
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
    if (chunk->count > it->count_max - it->count)
        return say_failed("%s: more than %zu texts, which is the limit", input_name(it->path),
                          it->count_max);
    int rc = reserve(it, it->count + chunk->count);
    for (size_t i = 0; i < chunk->count && rc == 0; i++)
        rc = wf_arena_copy(&it->arena, chunk->texts[i], &it->texts[it->count++]) ? 0 : -ENOMEM;
    return rc;
}

static int gather_texts(struct gather *it, const weft_catalog_options *options)
{
    struct texts texts;
    int rc = texts_open(&texts, it->path, options, NULL, 0);
    if (rc == 0)
        rc = texts_each(&texts, gather_chunk, it);
    texts_close(&texts);
    return rc;
}

int gather_check(struct load *load, struct texts_from *from, int argc, const char *command)
{
    int rc = load_check(load, from->path, command);
    return rc != 0 ? rc : texts_check_file(from, argc, command);
}

int gather_run(struct load *load, const struct texts_from *from, size_t count_max, gather_fn *fn,
               void *arg)
{
    const weft_catalog_options options = texts_options(from, load);
    struct gather all = {.count_max = count_max, .path = from->path};
    weft_matcher *matcher = NULL;
    int rc = load_matcher(load, &matcher);
    if (rc == 0)
        rc = gather_texts(&all, &options);
    if (rc == 0)
        rc = fn(matcher, all.texts, all.count, arg);
    gather_fini(&all);
    weft_m_close(matcher);
    return rc < 0 && rc != -ECANCELED ? say_failed("%s", weft_strerror(rc)) : rc;
}
