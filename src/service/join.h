/* SPDX-License-Identifier: MIT */

#ifndef WF_SERVICE_JOIN_H
#define WF_SERVICE_JOIN_H

#include <weft/task.h>

/* Waits for the end of a child that works on our memory, also when this task is cancelled: the
 * child is then too, so that it ends soon.  Its result. */
WEFT_WAITS int join(weft_task task);

#endif
