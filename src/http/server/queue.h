/* SPDX-License-Identifier: MIT */

/* Queue: requests that wait for room, first come first. */
#ifndef WF_HTTP_QUEUE_H
#define WF_HTTP_QUEUE_H

#include <weft/base.h>

#include "base/list.h"

struct wf_queue {
    wf_list requests; /* by queue_link */
    size_t count;
    weft_time time_max; /* that one waits */
};

#endif
