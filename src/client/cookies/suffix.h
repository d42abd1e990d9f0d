/* SPDX-License-Identifier: MIT */

/*
 * Names that many parties share, as "com" or "co.uk": who has one below it must not set cookies for
 * all of them.  There is a list of thousands, which changes weekly; what is known here without it
 * is a name of one label, and two where the first says a kind of owner and the second a country.
 * Pure.
 */
#ifndef WF_CLIENT_SUFFIX_H
#define WF_CLIENT_SUFFIX_H

#include <weft/base.h>

/* `domain` in any case, perhaps with the root's dot. */
bool wf_is_public_suffix(weft_str domain);

#endif
