/* SPDX-License-Identifier: MIT */

/* What the replaced calls ask of a descriptor. */
#ifndef WF_SOCKET_H
#define WF_SOCKET_H

#include <weft/base.h>

/* True if calls on it wait: no O_NONBLOCK. */
bool wf_fd_blocks(int fd);

/* When a wait that begins now ends by SO_RCVTIMEO or SO_SNDTIMEO; WEFT_FOREVER: never. */
weft_time wf_fd_deadline(int fd, int option);

/* A call in parts: it is made so that it cannot wait, and again after each wait. */
struct wf_attempts {
    int fd;
    short events;       /* what it waits for */
    int option;         /* SO_RCVTIMEO or SO_SNDTIMEO; 0: no such limit */
    const char *call;   /* what the library called */
    weft_time deadline; /* 0: not known yet */
};

/* After an attempt failed: true if it is to be made again.  Otherwise errno says what the library
 * is to see. */
bool wf_attempt_again(struct wf_attempts *attempts);

#endif
