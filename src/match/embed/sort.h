/* SPDX-License-Identifier: MIT */

/* Sorting of 64-bit keys without recursion, allocation or a bad case. */
#ifndef WF_MATCH_SORT_H
#define WF_MATCH_SORT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Ascending; `spare` has room for `count` keys.  Linear time.  Bits below `low_bit` are in order
 * already among keys that are equal above (0: nothing is known). */
void wf_sort_keys(uint64_t *keys, uint64_t *spare, size_t count, unsigned low_bit);

#endif
