/* SPDX-License-Identifier: MIT */

/*
 * Generators made of generators, and what else shortens a loop over one.
 *
 *     weft_gen *sources[] = {weft_gen_open(rows, &east), weft_gen_open(rows, &west)};
 *     weft_gen *all = weft_gen_merge(sources, 2, sizeof(struct row));
 *     struct weft_batch batch;
 *     weft_foreach(rc, batch, weft_gen_batch(all, sizeof(struct row), 32, 5 * WEFT_MS))
 *         embed(batch.items, batch.count);       // 32 rows, or those of 5 ms
 *
 * Each takes the generators it is given, also when it fails: they are closed with it, or at once.
 * A source that could not be opened (NULL) may be handed in; asking for a value then says -ENOMEM.
 * What a source fails with is what the generator made of it fails with, text included.
 */
#ifndef WEFT_GEN_OPS_H
#define WEFT_GEN_OPS_H

#include <weft/chan.h>
#include <weft/gen.h>
#include <weft/reader.h>

WEFT_BEGIN_DECLS

/* ---- generators, NULL if they cannot be opened, as with weft_gen_open() ---- */

/* The items of a channel, until it is closed and drained.  The channel stays the caller's; items of
 * another size than its own are -EINVAL. */
WEFT_API weft_gen *weft_gen_of_chan(weft_chan *chan, size_t item_bytes);

/* What is read, as `weft_str`: lines without their ends, or blocks of `bytes` bytes, the last one
 * as long as it is.  Of a file, a stream, a process: whatever the reader reads.  Borrowed until the
 * next step.  The reader stays the caller's; left early, or cancelled, it goes on where it was. */
WEFT_API weft_gen *weft_gen_of_lines(weft_reader *reader);
WEFT_API weft_gen *weft_gen_of_blocks(weft_reader *reader, size_t bytes);

/* Makes *out of *in.  1: yield it; 0: skip this one; negative: fail.  It may wait. */
typedef int weft_gen_map_fn(const void *in, void *out, void *arg);

/* What `fn` makes of the source's values, one at a time. */
WEFT_API WEFT_WAITS weft_gen *weft_gen_map(weft_gen *source, size_t in_bytes, size_t out_bytes,
                                           weft_gen_map_fn *fn, void *arg);

/* The values of all sources in the order they arrive.  The sources run at the same time, each in a
 * task of its own, at most one value ahead; these tasks are children of the task that asks first,
 * so ask from one task.  The first source to fail ends the others. */
WEFT_API WEFT_WAITS weft_gen *weft_gen_merge(weft_gen *const sources[], size_t count,
                                             size_t item_bytes);

/* Some values at once.  Borrowed until the next step. */
struct weft_batch {
    void *items;
    size_t count; /* at least 1 */
};

/* The source's values in batches, as `struct weft_batch`: of `count_max`, or of what has come
 * within `linger` of the first.  The source runs in a task of its own, as with merge, at most a
 * batch ahead; the time limit never interrupts it. */
WEFT_API WEFT_WAITS weft_gen *weft_gen_batch(weft_gen *source, size_t item_bytes, size_t count_max,
                                             weft_time linger);

/* ---- loops in one call ---- */

/* A value of each: 1; 0 as soon as one has ended; or the first error.  Takes neither. */
#define weft_gen_zip(a, a_out, b, b_out)                                                           \
    weft_gen_zip_sized((a), (a_out), sizeof *(a_out), (b), (b_out), sizeof *(b_out))
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gen_zip_sized(weft_gen *a, void *a_out, size_t a_bytes,
                                                         weft_gen *b, void *b_out, size_t b_bytes);

/* All values as an array in *out, which the caller frees with weft_bytes_free(), and their number.
 * -WEFT_ELIMIT: there were more than `count_max`; -ENOMEM; what the generator failed with.  On
 * failure *out is not touched. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gen_collect(weft_gen *gen, weft_bytes *out,
                                                       size_t item_bytes, size_t count_max);

WEFT_END_DECLS

#endif
