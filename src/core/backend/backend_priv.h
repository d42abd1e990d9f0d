/* SPDX-License-Identifier: MIT */

/*
 * The back-end table: what io_uring, epoll and the simulator each give the loop, and the operation
 * records they share.
 *
 * Life of an operation:   start -> PENDING -> (CANCELLING) -> final completion -> free slot
 *
 * Invariants.  A record is in the slab `loop->ops`; its token (generation << 32 | index) is what a
 * kernel completion carries, and a token whose generation is stale is dropped.  A record is on the
 * list of its descriptor from start to final completion.  Only wf_op_complete() ends one.
 */
#ifndef WF_BACKEND_PRIV_H
#define WF_BACKEND_PRIV_H

#include <weft/sys/loop.h>

#include "base/list.h"

struct weft_op {
    uint32_t index, generation; /* generation is never 0 while in use */
    uint8_t state;              /* enum wf_op_state */
    uint8_t is_waiting;         /* epoll, sim: on its readiness list */
    int16_t fd_side;            /* enum wf_fd_side */
    weft_op_args args;
    weft_op_fn *fn;
    void *arg;
    wf_list fd_link;   /* in its descriptor's list */
    wf_list link;      /* the back end's own use: completion queue, retry queue … */
    weft_timer timer;  /* the simulator's own use: when the outcome is due */
    int result;        /* outcome held until it is delivered */
    int end_code;      /* what a cancelled one reports: -ECANCELED, or -EBADF when closing */
};

enum wf_op_state { WF_OP_FREE, WF_OP_PENDING, WF_OP_CANCELLING };
enum wf_fd_side { WF_FD_READ, WF_FD_WRITE, WF_FD_POLL };

struct wf_backend {
    const char *name;

    /* Makes and ends the back end's state in loop->backend_state. */
    int (*open)(weft_loop *loop, const weft_loop_options *options);
    void (*close)(weft_loop *loop);

    /* Takes a PENDING operation.  Negative: refused, nothing happened. */
    int (*submit)(weft_loop *loop, weft_op *op);

    /* Without waiting, with no record: result or -EAGAIN.  May be NULL (always -EAGAIN). */
    int (*try)(weft_loop *loop, const weft_op_args *args);

    /* Asks a PENDING operation to end; its own final completion follows. */
    void (*cancel)(weft_loop *loop, weft_op *op);

    /* Submits what is queued, waits until something completes or `timeout` passes (0: no wait;
     * WEFT_FOREVER), and calls wf_op_complete for all there is.  Returns how many it called. */
    int (*poll)(weft_loop *loop, weft_time timeout);

    /* The descriptor has no operation left and is about to be closed. */
    void (*forget)(weft_loop *loop, int fd);

    /* For a foreign loop to poll. */
    int (*descriptor)(weft_loop *loop);

    /* Makes a poll that waits, or the next one, return at once.  Any thread and signal handlers. */
    void (*wake)(weft_loop *loop);
};

extern const struct wf_backend wf_backend_uring;
extern const struct wf_backend wf_backend_epoll;
extern const struct wf_backend wf_backend_sim;

/* Operations of one loop.  Owned by ops.c. */
struct wf_fd {
    wf_list ops;        /* every operation on this descriptor */
    uint32_t epoll_state;   /* epoll's own: registered, readable, writable, hung up */
    void (*closed)(void *arg); /* set while closing */
    void *closed_arg;
    bool is_closing;
};

struct wf_ops {
    weft_op **chunks; /* slabs of WF_OPS_PER_CHUNK records, never moved */
    uint32_t chunk_count;
    uint32_t free_head; /* index + 1 of a free record, linked through `generation`'s neighbour */
    uint32_t used, used_max, idle; /* idle: those with is_idle */
    struct wf_fd **fds; /* by descriptor number, made on demand */
    int fd_count;
};

int wf_ops_init(weft_loop *loop, uint32_t count_max);
void wf_ops_fini(weft_loop *loop);

/* The live operation of a token, or NULL if it is stale. */
weft_op *wf_op_of_token(weft_loop *loop, uint64_t token);
uint64_t wf_op_token(const weft_op *op);

/* Delivers a completion to its callback and, if it is final, frees the record first. */
void wf_op_complete(weft_loop *loop, weft_op *op, const weft_completion *completion);

#endif
