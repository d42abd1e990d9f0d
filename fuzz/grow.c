/* SPDX-License-Identifier: MIT */

/*
 * Is anything in a parser quadratic?  An input of the corpus is made longer by repeating a piece of
 * it where it stands: the whole, or a few bytes taken at random.  Of some hundred such shapes the
 * dearest at 64 KiB and the one whose cost a byte rises most from 16 KiB to there are measured at
 * more sizes, in nanoseconds of CPU time a byte.  tools/bench-growth makes exponents of them.
 */

#include "replay.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { SHAPES = 300, PIECE_BYTES_MAX = 64, SMALLEST = 1 << 10, LARGEST = 1 << 18 };
enum { PROBE_SMALL = 1 << 14, PROBE_LARGE = 1 << 16, PROBE_RUNS = 2, RUNS = 5 };

#define DEAR_NS 1e9        /* who costs so much is not made longer */
#define NOTICEABLE_NS 20e3 /* below, a rise is chance */

struct shape {
    const struct input *seed;
    size_t from, to; /* the piece that is repeated */
};

static double cpu_now(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec * 1e9 + (double)now.tv_nsec;
}

/* At most `size` bytes, and less than a piece fewer. */
static size_t shape_fill(const struct shape *shape, uint8_t *out, size_t size)
{
    size_t piece = shape->to - shape->from, tail = shape->seed->size - shape->to, at = shape->from;
    memcpy(out, shape->seed->data, shape->from);
    for (; at + piece + tail <= size; at += piece)
        memcpy(out + at, shape->seed->data + shape->from, piece);
    memcpy(out + at, shape->seed->data + shape->to, tail);
    return at + tail;
}

/* The least of some runs, in nanoseconds. */
static double shape_cost(const struct shape *shape, size_t size, int runs)
{
    double least = -1;
    uint8_t *data = malloc(size);
    if (data == NULL)
        abort();
    size_t filled = shape_fill(shape, data, size);
    for (int run = 0; run < runs; run++) {
        double start = cpu_now();
        (void)LLVMFuzzerTestOneInput(data, filled);
        double took = cpu_now() - start;
        if (least < 0 || took < least)
            least = took;
    }
    free(data);
    return least;
}

/* False: there is none of a size below half of the least. */
static bool shape_make(const struct input *seeds, size_t count, struct shape *out)
{
    const struct input *seed = &seeds[random_below(count)];
    if (seed->size == 0 || seed->size > SMALLEST / 2)
        return false;
    *out = (struct shape){.seed = seed, .from = 0, .to = seed->size};
    if (random_below(8) != 0) {
        size_t most = seed->size < PIECE_BYTES_MAX ? seed->size : PIECE_BYTES_MAX;
        size_t piece = 1 + random_below(most);
        out->from = random_below(seed->size - piece + 1);
        out->to = out->from + piece;
    }
    return true;
}

static void shape_tell(const char *name, const char *which, const struct shape *shape)
{
    double cost = 0;
    for (size_t size = SMALLEST; size <= LARGEST && cost < DEAR_NS; size *= 4) {
        cost = shape_cost(shape, size, RUNS);
        printf("{\"name\":\"%s_%s_%zu\",\"unit\":\"ns/"
               "byte\",\"value\":%.6g,\"spread\":0,\"runs\":%d}\n",
               name, which, size, cost / (double)size, RUNS);
        fflush(stdout);
    }
}

void grow(const char *name, const struct input *seeds, size_t count)
{
    struct shape dearest = {.seed = NULL}, steepest = {.seed = NULL};
    double most = 0, rise_most = 0;
    for (int i = 0; i < SHAPES; i++) {
        struct shape shape;
        if (!shape_make(seeds, count, &shape))
            continue;
        double small = shape_cost(&shape, PROBE_SMALL, PROBE_RUNS);
        double large = small > DEAR_NS ? small : shape_cost(&shape, PROBE_LARGE, PROBE_RUNS);
        if (large > most) {
            most = large;
            dearest = shape;
        }
        if (large > NOTICEABLE_NS && large / small > rise_most) {
            rise_most = large / small;
            steepest = shape;
        }
    }
    if (dearest.seed != NULL)
        shape_tell(name, "dearest", &dearest);
    if (steepest.seed != NULL)
        shape_tell(name, "steepest", &steepest);
}
