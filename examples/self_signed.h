/* SPDX-License-Identifier: MIT */

/* A certificate for a name, signed by itself and good for a day: enough for an example, and for
 * nothing else.  A service has one from an authority that its clients trust anyway. */
#ifndef WEFT_EXAMPLES_SELF_SIGNED_H
#define WEFT_EXAMPLES_SELF_SIGNED_H

#include <stdbool.h>

struct self_signed {
    char cert[4096], key[4096]; /* PEM */
};

/* False: OpenSSL could not make it. */
bool self_signed_make(struct self_signed *out, const char *name);

#endif
