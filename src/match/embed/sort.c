/* SPDX-License-Identifier: MIT */

#include "match/embed/sort.h"

#include <string.h>

#define DIGIT_BITS 8
#define DIGIT_COUNT (1u << DIGIT_BITS)

/* Up to here, so many digits from the top leave so little disorder that insertion ends it. */
#define NO_DIGIT_MAX 32
#define ONE_DIGIT_MAX 128
#define TWO_DIGITS_MAX 512

/* Keys moved between two looks at whether to go on. */
#define KEYS_A_PART ((size_t)1 << 17)

static size_t part_end(size_t at, size_t count)
{
    return count - at < KEYS_A_PART ? count : at + KEYS_A_PART;
}

/* One stable pass of a radix sort: 1, or 0 if all keys share the digit and nothing was moved, or
 * why it must end. */
static int pass(const uint64_t *from, uint64_t *to, size_t count, unsigned shift, const wf_job *job)
{
    size_t at[DIGIT_COUNT] = {0};
    for (size_t i = 0; i < count; i++)
        at[from[i] >> shift & (DIGIT_COUNT - 1)]++;
    if (at[from[0] >> shift & (DIGIT_COUNT - 1)] == count)
        return 0;
    for (size_t sum = 0, i = 0; i < DIGIT_COUNT; i++) {
        size_t here = at[i];
        at[i] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count;) {
        int rc = job != NULL ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        for (size_t end = part_end(i, count); i < end; i++)
            to[at[from[i] >> shift & (DIGIT_COUNT - 1)]++] = from[i];
    }
    return 1;
}

static void insert(uint64_t *keys, size_t count)
{
    for (size_t i = 1; i < count; i++) {
        uint64_t key = keys[i];
        size_t at = i;
        for (; at > 0 && keys[at - 1] > key; at--)
            keys[at] = keys[at - 1];
        keys[at] = key;
    }
}

int wf_sort_keys_job(uint64_t *keys, uint64_t *spare, size_t count, unsigned low_bit,
                     const wf_job *job)
{
    if (count < 2)
        return 0;
    bool is_short = count <= TWO_DIGITS_MAX;
    uint64_t *from = keys, *to = spare;
    unsigned first = count <= NO_DIGIT_MAX ? 64 : count <= ONE_DIGIT_MAX ? 56 : 48;
    for (unsigned shift = is_short ? first : low_bit; shift < 64; shift += DIGIT_BITS) {
        int rc = pass(from, to, count, shift, job);
        if (rc < 0)
            return rc;
        if (rc == 0)
            continue;
        uint64_t *swap = from;
        from = to;
        to = swap;
    }
    if (from != keys)
        memcpy(keys, from, count * sizeof(*keys));
    if (is_short)
        insert(keys, count);
    return 0;
}

void wf_sort_keys(uint64_t *keys, uint64_t *spare, size_t count, unsigned low_bit)
{
    (void)wf_sort_keys_job(keys, spare, count, low_bit, /* job= */ NULL);
}
