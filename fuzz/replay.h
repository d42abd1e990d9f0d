/* SPDX-License-Identifier: MIT */

/* What the parts of a replay program share. */
#ifndef WF_FUZZ_REPLAY_H
#define WF_FUZZ_REPLAY_H

#include <stddef.h>
#include <stdint.h>

struct input {
    uint8_t *data;
    size_t size;
};

/* The target; a fuzz target defines it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* 0 <= result < bound; 0 if bound is 0. */
size_t random_below(size_t bound);

/* Prints what an input costs as it grows; `name` goes before each result. */
void grow(const char *name, const struct input *seeds, size_t count);

#endif
