/* SPDX-License-Identifier: MIT */

#include <weft/random.h>

#include "base/sys.h"

/* Of 2^64 numbers as many are left out as would make some results likelier than others. */
int64_t weft_random_below(int64_t bound)
{
    if (bound < 1)
        return -EINVAL;
    uint64_t range = (uint64_t)bound, number;
    uint64_t least = (UINT64_MAX - range + 1) % range; /* 2^64 modulo range */
    do {
        int rc = wf_sys_random(&number, sizeof number);
        if (rc < 0)
            return rc;
    } while (number < least);
    return (int64_t)(number % range);
}
