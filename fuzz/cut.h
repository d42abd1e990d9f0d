/* SPDX-License-Identifier: MIT */

/*
 * How an input is cut is chosen by the input itself, so that each run tries one way and many runs
 * try all, without a byte of the input being spent on it (which would make seeds unreadable).
 */
#ifndef FUZZ_CUT_H
#define FUZZ_CUT_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a. */
static inline uint64_t input_hash(const uint8_t *data, size_t size)
{
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < size; i++)
        hash = (hash ^ data[i]) * 1099511628211u;
    return hash ^ hash >> 32;
}

/* A first piece, perhaps of no bytes, and others of `step` bytes, the last of what is left. */
struct cut {
    size_t next, step;
};

#define CUT_NOWHERE ((struct cut){SIZE_MAX, SIZE_MAX})

/* Of `len` bytes: in two, or behind the first piece into short ones. */
static inline struct cut cut_of(uint64_t hash, size_t len)
{
    static const size_t steps[8] = {1, 2, 3, 7, 64, SIZE_MAX, SIZE_MAX, SIZE_MAX};
    return (struct cut){(size_t)(hash % (len + 1)), steps[hash >> 61]};
}

/* The bytes of the next piece. */
static inline size_t cut_take(struct cut *cut, size_t left)
{
    size_t count = cut->next < left ? cut->next : left;
    cut->next = cut->step;
    return count;
}

#endif
