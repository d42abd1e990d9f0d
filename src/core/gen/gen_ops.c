/* SPDX-License-Identifier: MIT */

/* Generators made of one other, and loops over them. */

#include <weft/gen_ops.h>

#include <weft/error.h>

#include "base/alloc.h"
#include "core/gen/gen_priv.h"
#include "core/sync/chan_priv.h"

#include <limits.h>
#include <string.h>

#define COLLECT_FIRST 16 /* items that the first block has room for */

weft_gen *wf_gen_open_over(weft_gen_fn *fn, size_t bytes, weft_gen *const sources[], size_t count,
                           void **out_room, const char *site)
{
    weft_gen *gen = wf_gen_open_room(fn, bytes, site, out_room);
    for (size_t i = 0; i < count; i++) {
        if (gen != NULL)
            weft_gen_give(sources[i], gen);
        else
            (void)weft_gen_close(sources[i]);
    }
    return gen;
}

/* ---- channel ---- */

struct over_chan {
    weft_chan *chan;
    size_t item_bytes;
    _Alignas(16) unsigned char item[];
};

static int over_chan(weft_gen *self, void *arg)
{
    struct over_chan *over = arg;
    size_t item_bytes = wf_chan_item_bytes(over->chan);
    int rc;
    if (item_bytes != over->item_bytes)
        return weft_fail(-EINVAL, "items of %zu bytes from a channel of %zu", over->item_bytes,
                         item_bytes);
    while ((rc = weft_recv(over->chan, over->item)) > 0)
        WEFT_TRY(weft_gen_yield_sized(self, over->item, over->item_bytes));
    return rc;
}

weft_gen *weft_gen_of_chan(weft_chan *chan, size_t item_bytes)
{
    void *room;
    size_t bytes;
    if (!wf_add_ok(sizeof(struct over_chan), item_bytes, &bytes))
        return NULL;
    weft_gen *gen =
        wf_gen_open_over(over_chan, bytes, NULL, 0, &room, WEFT_SITE("weft_gen_of_chan"));
    if (gen != NULL) {
        struct over_chan *over = room;
        over->chan = chan;
        over->item_bytes = item_bytes;
    }
    return gen;
}

/* ---- reader ---- */

static int over_lines(weft_gen *self, void *arg)
{
    weft_str line;
    int rc;
    while ((rc = weft_reader_read_line(arg, &line)) > 0)
        WEFT_TRY(weft_gen_yield(self, &line));
    return rc;
}

weft_gen *weft_gen_of_lines(weft_reader *reader)
{
    return weft_gen_open(over_lines, reader);
}

struct over_blocks {
    weft_reader *reader;
    size_t bytes;
};

static int over_blocks(weft_gen *self, void *arg)
{
    const struct over_blocks *over = arg;
    weft_str block;
    int rc;
    while ((rc = weft_reader_read_block(over->reader, over->bytes, &block)) > 0)
        WEFT_TRY(weft_gen_yield(self, &block));
    return rc;
}

weft_gen *weft_gen_of_blocks(weft_reader *reader, size_t bytes)
{
    struct over_blocks over = {.reader = reader, .bytes = bytes};
    return weft_gen_open_sized_at(over_blocks, &over, sizeof over, WEFT_SITE("weft_gen_of_blocks"));
}

/* ---- map ---- */

struct mapping {
    weft_gen *source;
    weft_gen_map_fn *fn;
    void *arg;
    size_t in_bytes, out_bytes, out_at;
    _Alignas(16) unsigned char in[]; /* and at in + out_at: out */
};

static int map_values(weft_gen *self, void *arg)
{
    struct mapping *mapping = arg;
    unsigned char *out = mapping->in + mapping->out_at;
    int rc;
    while ((rc = weft_gen_next_sized(mapping->source, mapping->in, mapping->in_bytes)) > 0) {
        rc = mapping->fn(mapping->in, out, mapping->arg);
        if (rc > 0)
            rc = weft_gen_yield_sized(self, out, mapping->out_bytes);
        if (rc < 0)
            break;
    }
    return rc;
}

weft_gen *weft_gen_map(weft_gen *source, size_t in_bytes, size_t out_bytes, weft_gen_map_fn *fn,
                       void *arg)
{
    size_t out_at = (in_bytes + 15) & ~(size_t)15, bytes;
    bool fits = out_at >= in_bytes && wf_add_ok(out_at, out_bytes, &bytes) &&
                wf_add_ok(bytes, sizeof(struct mapping), &bytes);
    void *room;
    weft_gen *gen = wf_gen_open_over(map_values, fits ? bytes : SIZE_MAX, &source, 1, &room,
                                     WEFT_SITE("weft_gen_map"));
    if (gen != NULL) {
        struct mapping *mapping = room;
        *mapping = (struct mapping){.source = source,
                                    .fn = fn,
                                    .arg = arg,
                                    .in_bytes = in_bytes,
                                    .out_bytes = out_bytes,
                                    .out_at = out_at};
    }
    return gen;
}

/* ---- loops ---- */

int weft_gen_zip_sized(weft_gen *a, void *a_out, size_t a_bytes, weft_gen *b, void *b_out,
                       size_t b_bytes)
{
    int rc = weft_gen_next_sized(a, a_out, a_bytes);
    return rc <= 0 ? rc : weft_gen_next_sized(b, b_out, b_bytes);
}

/* Room for one more item, and the NUL that weft_bytes have. */
static int collect_grow(char **items, size_t *room, size_t count, size_t item_bytes)
{
    if (count < *room)
        return 0;
    size_t wanted = *room == 0 ? COLLECT_FIRST : *room * 2, bytes;
    if (!wf_mul_ok(wanted, item_bytes, &bytes) || !wf_add_ok(bytes, 1, &bytes))
        return -ENOMEM;
    char *more = wf_grow(*items, bytes, 1);
    if (more == NULL)
        return -ENOMEM;
    *items = more;
    *room = wanted;
    return 0;
}

static int collect(weft_gen *gen, char **items, size_t *count, size_t item_bytes, size_t count_max)
{
    size_t room = 0;
    for (;;) {
        WEFT_TRY(collect_grow(items, &room, *count, item_bytes));
        int rc = weft_gen_next_sized(gen, *items + *count * item_bytes, item_bytes);
        if (rc <= 0)
            return rc;
        if (*count == count_max)
            return weft_fail(-WEFT_ELIMIT, "more than %zu values to collect", count_max);
        ++*count;
    }
}

int weft_gen_collect(weft_gen *gen, weft_bytes *out, size_t item_bytes, size_t count_max)
{
    char *items = NULL;
    size_t count = 0;
    int rc = count_max > INT_MAX ? -EINVAL : collect(gen, &items, &count, item_bytes, count_max);
    int close_rc = weft_gen_close(gen);
    if (rc >= 0 && close_rc < 0)
        rc = close_rc;
    if (rc < 0) {
        wf_free(items);
        return rc;
    }
    items[count * item_bytes] = '\0';
    *out = (weft_bytes){.ptr = items, .len = count * item_bytes};
    return (int)count;
}
