/* SPDX-License-Identifier: MIT */

/* Streams that only tasks use, and what every TCP socket of ours gets. */
#ifndef WF_TASK_KIND_H
#define WF_TASK_KIND_H

#include <weft/sys/stream.h>

const weft_stream_kind *wf_stream_task_kind(void);

/* The same; they take descriptors. */
const weft_stream_kind *wf_stream_unix_kind(void);

/* Small writes leave at once: we gather them ourselves.  Nothing on other families. */
int wf_stream_no_delay(int fd, int family);

#endif
