/* SPDX-License-Identifier: MIT */

/*
 * Hangup: at SIGHUP a service opens its access log anew, which may have been moved away, and reads
 * its certificate again.  The signal never ends it, whether there is anything to do or not.
 */
#ifndef WF_CMD_HANGUP_H
#define WF_CMD_HANGUP_H

#include "cmd/serve/loop_server.h"

#include <weft/event.h>

struct hangup {
    struct loop_plan *plan;
    const char *access_log; /* NULL: none */
    weft_event is_open;     /* set by others: the loops listen */
    int next_log_fd;        /* while loops move to it; < 0: none */
};

/* Opens the access log.  Appended to, so that several loops may write to it.  A descriptor, or why
 * there is none. */
WEFT_WAITS int hangup_open_log(const char *path);

/* The task. */
WEFT_WAITS int hangup_body(void *hangup);

#endif
