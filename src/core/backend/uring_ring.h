/* SPDX-License-Identifier: MIT */

/*
 * An io_uring by its three system calls: set up with the best flags the kernel takes, a queue to
 * submit to, one to reap from.  Knows nothing of operations.
 */
#ifndef WF_URING_RING_H
#define WF_URING_RING_H

#include <weft/base.h>

#include "core/backend/uring_abi.h"

#include <stddef.h>

/* What a kernel may lack, and a test may pretend that it lacks ($WEFT_URING_MASK). */
enum wf_ring_feature {
    WF_RING_DEFER = 1u << 0, /* completions are worked off inside our enter only */
    WF_RING_COOP = 1u << 1,  /* … or at our next system call */
    WF_RING_NO_SQARRAY = 1u << 2,
    WF_RING_REGISTERED = 1u << 3, /* the ring's descriptor needs no look-up */
    WF_RING_ACCEPT_MULTISHOT = 1u << 4,
    WF_RING_RECV_MULTISHOT = 1u << 5,
    WF_RING_BUFFERS = 1u << 6,  /* a ring of buffers for receives */
    WF_RING_CQE_SKIP = 1u << 7, /* a success may stay silent */
    WF_RING_FILES = 1u << 8,    /* file operations, those of `ops` */
};

struct wf_ring {
    int fd;       /* -1: closed */
    int enter_fd; /* the number enter wants: fd, or its registered index */
    uint32_t enter_flags;
    uint32_t features; /* enum wf_ring_feature: what there is, less what is masked */
    uint64_t ops;      /* by number: operations the kernel knows */

    uint32_t sq_mask, sq_entries;
    uint32_t *sq_head, *sq_tail, *sq_flags;
    uint32_t sq_local_tail; /* entries filled, not yet shown to the kernel */
    struct io_uring_sqe *sqes;

    uint32_t cq_mask;
    uint32_t *cq_head, *cq_tail;
    struct io_uring_cqe *cqes;

    void *map;
    size_t map_bytes, sqes_bytes;
};

/* `masked` features are left alone.  -ENOSYS (none, or too old), -EPERM (forbidden), -ENOMEM. */
int wf_ring_open(struct wf_ring *ring, uint32_t depth, uint32_t masked);
void wf_ring_close(struct wf_ring *ring);

/* The features named in a comma-separated list, or none for NULL.  0; -WEFT_ESYNTAX, with a text,
 * for an unknown name. */
int wf_ring_read_features(const char *names, uint32_t *out);

/* A zeroed submission.  Submits at once if the queue is full; NULL if the kernel takes none now. */
struct io_uring_sqe *wf_ring_get_sqe(struct wf_ring *ring);

/* Submits all and waits for a completion for at most `timeout` (0: not at all, WEFT_FOREVER).
 * 0, or -EINTR, -ETIME, -EBUSY, -EAGAIN: nothing is lost, come again. */
int wf_ring_enter(struct wf_ring *ring, weft_time timeout);

int wf_ring_register(struct wf_ring *ring, unsigned what, void *arg, unsigned count);

static inline bool wf_ring_has_op(const struct wf_ring *ring, unsigned op)
{
    return (ring->ops >> op & 1) != 0;
}

static inline uint32_t wf_ring_unsubmitted(const struct wf_ring *ring)
{
    return ring->sq_local_tail - __atomic_load_n(ring->sq_head, __ATOMIC_ACQUIRE);
}

static inline uint32_t wf_ring_completed(const struct wf_ring *ring)
{
    return __atomic_load_n(ring->cq_tail, __ATOMIC_ACQUIRE) - *ring->cq_head;
}

/* True if an enter would bring completions that are not in the queue yet. */
static inline bool wf_ring_needs_enter(const struct wf_ring *ring)
{
    uint32_t flags = __atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED);
    return (flags & (IORING_SQ_CQ_OVERFLOW | IORING_SQ_TASKRUN)) != 0;
}

/* True if completions did not fit into the queue: an enter brings them. */
static inline bool wf_ring_has_overflow(const struct wf_ring *ring)
{
    return (__atomic_load_n(ring->sq_flags, __ATOMIC_RELAXED) & IORING_SQ_CQ_OVERFLOW) != 0;
}

/* Takes the oldest completion; there must be one. */
static inline void wf_ring_take(struct wf_ring *ring, struct io_uring_cqe *out)
{
    uint32_t head = *ring->cq_head;
    *out = ring->cqes[head & ring->cq_mask];
    __atomic_store_n(ring->cq_head, head + 1, __ATOMIC_RELEASE);
}

#endif
