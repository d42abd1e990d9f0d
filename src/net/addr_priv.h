/* SPDX-License-Identifier: MIT */

/* Error texts that name an address. */
#ifndef WF_ADDR_PRIV_H
#define WF_ADDR_PRIV_H

#include <weft/net.h>

/* Returns `rc` with the text "WHAT ADDRESS: REASON", so that an operator sees which of a program's
 * addresses it was.  A cancel and want of memory say nothing of the address. */
int wf_addr_fail(int rc, const char *what, const weft_addr *addr);

#endif
