/* SPDX-License-Identifier: MIT */

/* What the condition needs of the mutex. */
#ifndef WF_MUTEX_PRIV_H
#define WF_MUTEX_PRIV_H

#include <weft/mutex.h>

/* Locks it, deaf to cancellation.  The caller owns it afterwards in every case: 0, or -EOWNERDEAD
 * if an owner ended without unlocking meanwhile. */
int wf_mutex_lock_shielded(weft_mutex *mutex);

#endif
