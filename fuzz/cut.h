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

#endif
