/* SPDX-License-Identifier: MIT */

#include "match/embed/sort.h"

#include <string.h>

#define DIGIT_BITS 8
#define DIGIT_COUNT (1u << DIGIT_BITS)

/* Up to here none, a small or one whole digit from the top leaves so little disorder among hashes
 * that insertion ends it. */
#define NO_DIGIT_MAX 32
#define SMALL_DIGIT_MAX 128
#define ONE_DIGIT_MAX 512
#define SMALL_DIGIT_BITS 6

/* Keys of one digit that insertion may have to end. */
#define ALIKE_MAX 64

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

/* By the highest `bits` of each key; false: most share them, for these are no hashes. */
static bool deal(const uint64_t *from, uint64_t *to, size_t count, unsigned bits)
{
    uint32_t at[DIGIT_COUNT], sum = 0, most = 0;
    unsigned digits = 1U << bits, shift = 64 - bits;
    memset(at, 0, digits * sizeof(*at));
    for (size_t i = 0; i < count; i++)
        at[from[i] >> shift]++;
    for (unsigned i = 0; i < digits; i++) {
        uint32_t here = at[i];
        most = here > most ? here : most;
        at[i] = sum;
        sum += here;
    }
    for (size_t i = 0; i < count && most <= ALIKE_MAX; i++)
        to[at[from[i] >> shift]++] = from[i];
    return most <= ALIKE_MAX;
}

/* False: they are not sorted. */
static bool sort_few(uint64_t *keys, uint64_t *spare, size_t count)
{
    if (count > NO_DIGIT_MAX) {
        unsigned bits = count <= SMALL_DIGIT_MAX ? SMALL_DIGIT_BITS : DIGIT_BITS;
        if (!deal(keys, spare, count, bits))
            return false;
        memcpy(keys, spare, count * sizeof(*keys));
    }
    insert(keys, count);
    return true;
}

int wf_sort_keys_job(uint64_t *keys, uint64_t *spare, size_t count, unsigned low_bit,
                     const wf_job *job)
{
    if (count <= ONE_DIGIT_MAX && sort_few(keys, spare, count))
        return 0;
    uint64_t *from = keys, *to = spare;
    for (unsigned shift = low_bit; shift < 64; shift += DIGIT_BITS) {
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
    return 0;
}

void wf_sort_keys(uint64_t *keys, uint64_t *spare, size_t count, unsigned low_bit)
{
    (void)wf_sort_keys_job(keys, spare, count, low_bit, /* job= */ NULL);
}
