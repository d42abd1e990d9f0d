/* SPDX-License-Identifier: MIT */

/*
 * One attempt at an operation with plain system calls on a non-blocking descriptor: what the epoll
 * back end always does, and io_uring where the kernel has nothing better.
 */
#ifndef WF_ATTEMPT_H
#define WF_ATTEMPT_H

#include <weft/sys/loop.h>

#include <limits.h>

/* Not ready: try again when the descriptor is. */
#define WF_ATTEMPT_WAIT INT_MIN

/* Result or -errno of the operation, or WF_ATTEMPT_WAIT.  A connect is attempted again to learn how
 * it went.  Not for the _MANY kinds and for files. */
int wf_attempt(const weft_op_args *args);

/* Events of `events` that are there now (error and hang-up always count), or -errno. */
int wf_attempt_poll(int fd, short events);

#endif
