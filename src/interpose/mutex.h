/* SPDX-License-Identifier: MIT */

/* The pthread mutexes that tasks of this thread hold. */
#ifndef WF_MUTEX_H
#define WF_MUTEX_H

#include <stdbool.h>

/* Says, once a place that locks, that the calling task waits in `call` while it holds a mutex. */
void wf_mutex_report_held(const char *call);

/* True if the calling task holds one. */
bool wf_mutex_is_held(void);

#endif
