/* SPDX-License-Identifier: MIT */

/*
 * Generators made of others (map, merge, batch), and calls that save a loop over one (zip,
 * collect).
 *
 *     weft_gen *sources[] = {weft_gen_open(rows, &east), weft_gen_open(rows, &west)};
 *     weft_gen *all = weft_gen_merge(sources, 2, sizeof(struct row));
 *     struct weft_batch batch;
 *     weft_foreach(rc, batch, weft_gen_batch(all, sizeof(struct row), 32, 5 * WEFT_MS))
 *         embed(batch.items, batch.count);       // 32 rows, or those of 5 ms
 *
 * Each takes ownership of the generators it is given, also when it fails: they are closed with it,
 * or at once.  A source that could not be opened (NULL) may be passed; asking for a value then
 * returns -ENOMEM.  When a source fails, the generator made of it fails with the same error and
 * text.
 */
#ifndef WEFT_GEN_OPS_H
#define WEFT_GEN_OPS_H

#include <weft/chan.h>
#include <weft/gen.h>
#include <weft/reader.h>

WEFT_BEGIN_DECLS

/* ---- generators, NULL if they cannot be opened, as with weft_gen_open() ---- */

/* Yields the items of a channel, until it is closed and drained.  The channel stays the caller's.
 * -EINVAL for an item_bytes that is not the channel's. */
WEFT_API weft_gen *weft_gen_of_chan(weft_chan *chan, size_t item_bytes);

/* Yields what a reader (of a file, a stream, a process …) reads, as weft_str, borrowed until the
 * next step: lines without their ends, or blocks of `bytes` bytes, of which the last may be
 * shorter.  The reader stays the caller's; when the loop is left early or cancelled, the reader can
 * be read on from where it was. */
WEFT_API weft_gen *weft_gen_of_lines(weft_reader *reader);
WEFT_API weft_gen *weft_gen_of_blocks(weft_reader *reader, size_t bytes);

/* Makes *out from *in.  1: yield it; 0: skip this value; negative: fail.  It may wait. */
typedef int weft_gen_map_fn(const void *in, void *out, void *arg);

/* Yields what `fn` makes of each of the source's values. */
WEFT_API WEFT_WAITS weft_gen *weft_gen_map(weft_gen *source, size_t in_bytes, size_t out_bytes,
                                           weft_gen_map_fn *fn, void *arg);

/* Yields the values of all sources in the order in which they arrive.  The sources run at the same
 * time, each in a task of its own, at most one value ahead.  These tasks are children of the task
 * that first asks for a value, so let one task do all the asking.  The first source to fail ends
 * the others. */
WEFT_API WEFT_WAITS weft_gen *weft_gen_merge(weft_gen *const sources[], size_t count,
                                             size_t item_bytes);

/* Several values at once.  Borrowed until the next step. */
struct weft_batch {
    void *items;
    size_t count; /* at least 1 */
};

/* Yields the source's values in batches, as struct weft_batch: `count_max` of them, or those that
 * have come within `linger` of the first.  The source runs in a task of its own, as with
 * weft_gen_merge(), at most a batch ahead; the time limit never interrupts it. */
WEFT_API WEFT_WAITS weft_gen *weft_gen_batch(weft_gen *source, size_t item_bytes, size_t count_max,
                                             weft_time linger);

/* ---- loops in one call ---- */

/* Takes one value of each generator.  1: got both; 0: one has ended; or the first error.  The
 * generators stay the caller's. */
#define weft_gen_zip(a, a_out, b, b_out)                                                           \
    weft_gen_zip_sized((a), (a_out), sizeof *(a_out), (b), (b_out), sizeof *(b_out))
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gen_zip_sized(weft_gen *a, void *a_out, size_t a_bytes,
                                                         weft_gen *b, void *b_out, size_t b_bytes);

/* Collects all values in an array in *out, which the caller frees with weft_bytes_free(), and
 * returns how many there are.  -WEFT_ELIMIT: more than `count_max`; -ENOMEM; the generator's error.
 * On failure *out is not touched. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gen_collect(weft_gen *gen, weft_bytes *out,
                                                       size_t item_bytes, size_t count_max);

WEFT_END_DECLS

#endif
