/* SPDX-License-Identifier: MIT */

/*
 * The buffers a ring's receives fill: the kernel takes one when data is there, so a connection that
 * waits holds none.
 */
#ifndef WF_URING_BUFFERS_H
#define WF_URING_BUFFERS_H

#include "core/backend/uring_ring.h"

#define WF_URING_BUFFER_GROUP 1
#define WF_URING_BUFFER_BYTES 8192u

struct wf_uring_buffers {
    struct wf_pbuf *entries; /* the ring shared with the kernel; NULL: none */
    char *memory;
    uint16_t tail;
};

/* Registers them.  -EINVAL if the kernel knows no such thing. */
int wf_uring_buffers_open(struct wf_uring_buffers *buffers, struct wf_ring *ring);
void wf_uring_buffers_close(struct wf_uring_buffers *buffers);

const char *wf_uring_buffers_get(const struct wf_uring_buffers *buffers, uint16_t id);

/* The kernel may fill it again. */
void wf_uring_buffers_put(struct wf_uring_buffers *buffers, uint16_t id);

#endif
