/* SPDX-License-Identifier: MIT */

/*
 * The back-end table: what io_uring, epoll and the simulator each give the loop, and the operation
 * records they share.
 *
 * Life of an operation:   start -> PENDING -> (CANCELLING) -> final completion -> free slot
 *
 * Invariants.  A record is in the slab `loop->ops`; its token (generation << 32 | index) is what a
 * kernel completion carries, and a token whose generation is stale is dropped.  A record is on the
 * list of its descriptor from start to final completion, or until the number turns up again as
 * another descriptor.  Only wf_op_complete() ends one.
 */
#ifndef WF_BACKEND_PRIV_H
#define WF_BACKEND_PRIV_H

#include <weft/sys/loop.h>

#include "base/list.h"
#include "core/exec/pool.h"

struct weft_op {
    uint32_t index, generation; /* generation is never 0 */
    uint8_t state;              /* enum wf_op_state */
    uint8_t stage;              /* the back end's own: where the operation is */
    uint8_t is_waiting : 1;     /* sim: on its readiness list */
    uint8_t is_of_disk : 1;     /* holds the loop */
    uint8_t fd_side;            /* enum wf_fd_side */
    uint32_t next_free;         /* index + 1 of the next free record */
    weft_op_fn *fn;
    void *arg;
    wf_list fd_link; /* in its descriptor's list */
    wf_list link;    /* the back end's own: completion queue, retry queue … */
    weft_op_args args;
    union {
        weft_timer timer; /* the simulator's own: when the outcome is due */
        struct {
            struct wf_pool_job job;
            weft_msg msg; /* from the thread: it is done */
            weft_loop *loop;
        } work; /* while it is the file pool's, see file_pool.h */
        struct {
            uint32_t pass, told;
        } share; /* io_uring's: how many of its completions were told in which pass; not cleared at
                    the start, since a wrong number only puts one off to the next pass */
    };
    int result;   /* outcome held until it is delivered */
    int end_code; /* what a cancelled one reports: -ECANCELED, or -EBADF when closing */
};

enum wf_op_state { WF_OP_FREE, WF_OP_PENDING, WF_OP_CANCELLING };

/* A descriptor has at most one operation on its READ and one on its WRITE side.  ANY does not
 * exclude: polls, and transfers at an offset. */
enum wf_fd_side { WF_FD_READ, WF_FD_WRITE, WF_FD_ANY };

struct wf_fd;

struct wf_backend {
    const char *name;
    int fd_base; /* descriptors below it are not this back end's */

    /* Makes and ends the back end's state in loop->backend_state. */
    int (*open)(weft_loop *loop, const weft_loop_options *options);
    void (*close)(weft_loop *loop);

    /* Takes a PENDING operation.  Negative: refused, nothing happened. */
    int (*submit)(weft_loop *loop, weft_op *op);

    /* Tries an operation without waiting and without a record: its result, or -EAGAIN.  NULL:
     * always -EAGAIN. */
    int (*try)(weft_loop *loop, const weft_op_args *args);

    /* Asks a PENDING operation to end; its own final completion follows. */
    void (*cancel)(weft_loop *loop, weft_op *op);

    /* Submits what is queued, waits until something completes or `timeout` passes (0: no wait;
     * WEFT_FOREVER), and calls wf_op_complete for all there is.  Returns how many it called. */
    int (*poll)(weft_loop *loop, weft_time timeout);

    /* The descriptor has no operation left and is about to be closed, or was closed by others. */
    void (*forget)(weft_loop *loop, struct wf_fd *fd);

    /* For a foreign loop to poll.  From then on it is readable whenever poll has something to do,
     * operations to submit included. */
    int (*descriptor)(weft_loop *loop);

    /* Makes a poll that waits, or the next one, return at once.  Any thread and signal handlers. */
    void (*wake)(weft_loop *loop);
};

extern const struct wf_backend wf_backend_uring;
extern const struct wf_backend wf_backend_epoll;
extern const struct wf_backend wf_backend_sim;

/* True if nothing changes in the simulated world by itself: no operation in flight will end. */
bool wf_sim_is_still(const weft_loop *loop);

/* What the loop knows of one descriptor: from its first operation until weft_fd_close, or until the
 * number turns up again as a new connection. */
struct wf_fd {
    wf_list ops; /* every operation on this descriptor */
    int number;
    uint32_t generation; /* tells it from those that had the number before; never 0 */
    uint32_t state;      /* the back end's own: registered, readable, writable, hung up … */
    bool is_closing;
    void (*closed)(void *arg); /* told when a close that had to wait is done; may be NULL */
    void *closed_arg;
};

/* Operations and descriptors of one loop.  Owned by ops.c. */
struct wf_ops {
    weft_op **chunks; /* slabs of records, never moved */
    uint32_t chunk_count, chunk_capacity;
    uint32_t free_head; /* index + 1 of a free record; 0: none */
    uint32_t used, used_max;
    bool is_over;       /* none can be started any more; used_max is 0 */
    uint32_t idle;      /* those of the used that are marked is_idle */
    struct wf_fd **fds; /* by descriptor number - fd_base, made on demand */
    int fd_count;       /* entries of `fds` */
    uint32_t fd_generation;
    uint64_t made[WEFT_OP_KIND_COUNT]; /* so far, those done at once included */
};

int wf_ops_init(weft_loop *loop, uint32_t count_max);
void wf_ops_fini(weft_loop *loop);

/* How many operations are in flight that nobody has cancelled.  O(records). */
uint32_t wf_ops_count_pending(const weft_loop *loop);

/* The loop is about to end: ends these with -EBADF, and refuses every start from now on with it. */
void wf_ops_end(weft_loop *loop);

/* The live operation of a token, or NULL if it is stale. */
weft_op *wf_op_of_token(weft_loop *loop, uint64_t token);

static inline uint64_t wf_op_token(const weft_op *op)
{
    return (uint64_t)op->generation << 32 | op->index;
}

/* The descriptor's number turned out to mean another file than before: gives its record a new
 * generation and no state. */
void wf_fd_renew(weft_loop *loop, struct wf_fd *fd);

/* Delivers a completion to its callback; if it is final, frees the record first, and ends a close
 * that waited for it. */
void wf_op_complete(weft_loop *loop, weft_op *op, const weft_completion *completion);

/* wf_op_complete() with a final result and no data. */
void wf_op_finish(weft_loop *loop, weft_op *op, int result);

/* A fault point for back ends that make no system call at the start of an operation: the result to
 * end it with, or 0. */
int wf_op_fault(int kind);

/* True for the kinds that complete many times. */
static inline bool wf_op_is_many(const weft_op *op)
{
    return op->args.kind == WEFT_OP_ACCEPT_MANY || op->args.kind == WEFT_OP_RECV_MANY;
}

/* A connection that broke before it was accepted: take the next. */
static inline bool wf_accept_is_soft(int result)
{
    return result == -ECONNABORTED || result == -EPROTO;
}

#endif
