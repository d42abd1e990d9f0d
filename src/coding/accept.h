/* SPDX-License-Identifier: MIT */

/* Accept-Encoding (RFC 9110 12.5.3): which coding a client wants.  Pure. */
#ifndef WF_CODING_ACCEPT_H
#define WF_CODING_ACCEPT_H

#include "coding/coding.h"

/* Weights in thousandths; -1: not named. */
struct wf_accept_coding {
    int16_t weights[WF_CODING_COUNT];
    int16_t any; /* of "*" */
};

/* As if the field had not come: no coding is asked for, none is refused. */
void wf_accept_coding_init(struct wf_accept_coding *accept);

/* Takes a field of that name; several are one list.  What is not well-formed in it is passed over.
 */
void wf_accept_coding_add(struct wf_accept_coding *accept, weft_str field);

/* The coding with the greatest weight among those in `offered` (bit c: enum wf_coding c), of equals
 * the first in the enum but identity last.  IDENTITY if none is wanted; NONE if identity is refused
 * too. */
enum wf_coding wf_accept_coding_choose(const struct wf_accept_coding *accept, unsigned offered);

/* True if identity is refused ("identity;q=0", or "*;q=0" alone). */
bool wf_accept_coding_refuses_identity(const struct wf_accept_coding *accept);

/* All that are built in. */
unsigned wf_coding_offer(void);

#endif
