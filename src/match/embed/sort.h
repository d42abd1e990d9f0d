/* SPDX-License-Identifier: MIT */

/* Sorting of 64-bit keys without recursion, allocation or a bad case. */
#ifndef WF_MATCH_SORT_H
#define WF_MATCH_SORT_H

#include "match/work.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ascending; `spare` has room for `count` keys.  Linear time.  Bits below `low_bit` are in order
 * already among keys that are equal above (0: nothing is known). */
void wf_sort_keys(uint64_t *keys, uint64_t *spare, size_t count, unsigned low_bit);

/* The same for millions: asks the job every 131,072 keys that it moves.  0, or why it must end;
 * then the keys are in no order. */
int wf_sort_keys_job(uint64_t *keys, uint64_t *spare, size_t count, unsigned low_bit,
                     const wf_job *job);

#endif
