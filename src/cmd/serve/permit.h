/* SPDX-License-Identifier: MIT */

/* Permit: the options of serve that say who may change things. */
#ifndef WF_CMD_PERMIT_H
#define WF_CMD_PERMIT_H

#include "service/access.h"

struct permit {
    const char *token_path; /* NULL: none */
    bool is_open;
    weft_bytes priv_token;
};

bool permit_is_given(const struct permit *permit);

/* Changes without a token are for addresses that no other machine reaches.  0, or EXIT_USAGE after
 * saying why. */
int permit_check(const struct permit *permit, const weft_addr *addrs, size_t addr_count,
                 const char *command);

/* Reads the token.  0; else an exit code after saying why, or -ECANCELED.  `out` has pointers into
 * the permit, until permit_fini(). */
WEFT_WAITS int permit_read(struct permit *permit, struct access *out);
void permit_fini(struct permit *permit);

#endif
