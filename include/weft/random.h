/* SPDX-License-Identifier: MIT */

/*
 * Random: numbers by chance, for pauses that should not all end at once, samples and tests.
 *
 *     weft_sleep(pause / 2 + weft_random_below(pause));    // before a request is repeated
 *
 * They are the system's, and in simulation by the seed: rand() and getrandom() know nothing of the
 * seed, and a run that uses them cannot be repeated.
 */
#ifndef WEFT_RANDOM_H
#define WEFT_RANDOM_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* A number from 0 to `bound` - 1, each as likely.  -EINVAL for a bound below 1; what the system's
 * source of random numbers fails with, if it does.  Any thread; never waits. */
WEFT_API int64_t weft_random_below(int64_t bound);

WEFT_END_DECLS

#endif
