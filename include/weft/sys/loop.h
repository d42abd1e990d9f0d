/* SPDX-License-Identifier: MIT */

/*
 * The callback level: one loop on one thread that runs timers, completions, deferred calls and
 * posts.  It knows nothing of tasks; the tasks stand on it, and so does a foreign loop that embeds
 * it.  Callbacks run on the thread's own stack and never wait.
 *
 * One turn: messages from other threads, then input and output, then due timers, then the tasks
 * that are ready, if there are any, then deferred calls.  A callback may start and stop anything,
 * free the object it belongs to, and post; it may not turn or free the loop.
 */
#ifndef WEFT_SYS_LOOP_H
#define WEFT_SYS_LOOP_H

#include <weft/base.h>

#include <sys/socket.h>

WEFT_BEGIN_DECLS

typedef struct weft_loop weft_loop;

/* Zero means "choose for me" in every field. */
typedef struct weft_loop_options {
    const char *backend;      /* "io_uring", "epoll", "sim"; NULL: $WEFT_BACKEND, else the best */
    uint32_t queue_depth;     /* submissions that can wait for one system call; 0: 256 */
    uint32_t op_count_max;    /* operations in flight; 0: 1,048,576.  Past it: -EAGAIN */
    uint32_t post_count_max;  /* posts in flight; 0: 4,096.  Past it: -EAGAIN */
    uint64_t seed;            /* sim only: drives order, delays and faults */
    uint32_t file_thread_max; /* threads for file operations the kernel does not do; 0: 8 */
} weft_loop_options;

/* Makes a loop in *out for the calling thread; -EBUSY if that has one.  `options` may be NULL.
 * -ENOMEM, -EMFILE; -EINVAL for an unknown backend; if a backend was asked for by name and cannot
 * be used, the reason (-ENOSYS, -EPERM).  On failure *out is not touched. */
WEFT_API WEFT_MUST_USE int weft_loop_new(weft_loop **out, const weft_loop_options *options);

/* Frees the loop.  Every operation must have completed.  Messages that lie there run first, and can
 * start none (-EBADF).  NULL is fine. */
WEFT_API void weft_loop_free(weft_loop *loop);

/* Runs one turn; if there is nothing to do it first waits, for at most `timeout` (0 or less: not at
 * all; WEFT_FOREVER: until there is).  Returns 1 if anything ran, else 0. */
WEFT_API int weft_loop_turn(weft_loop *loop, weft_time timeout);

/* True while a message, a timer, an operation that is not marked idle, a deferred call or a hold is
 * pending. */
WEFT_API bool weft_loop_is_busy(const weft_loop *loop);

/* One descriptor that a foreign loop polls for reading: readable means "call weft_loop_turn(loop,
 * 0) now".  Also turn when weft_loop_next_deadline() passes, and once before going to poll. */
WEFT_API int weft_loop_descriptor(weft_loop *loop);

/* The deadline of the earliest timer, or WEFT_FOREVER; the present time if anything is ready to
 * run. */
WEFT_API weft_time weft_loop_next_deadline(const weft_loop *loop);

/* The calling thread's loop, or NULL. */
WEFT_API weft_loop *weft_loop_self(void);

/* "io_uring", "epoll" or "sim". */
WEFT_API const char *weft_loop_backend(const weft_loop *loop);

/* The loop's clock now; never runs backwards. */
WEFT_API weft_time weft_loop_now(weft_loop *loop);

/* The loop's clock as it was when this turn first asked for it: reads the clock at most once a
 * turn, and is behind by what the turn has taken since. */
WEFT_API weft_time weft_loop_turn_time(weft_loop *loop);

/* One line for the operator, without a newline: to weft_config.log of this thread's loop, else to
 * standard error. */
WEFT_API void weft_log(const char *format, ...) WEFT_PRINTF(1, 2);

/* ---- posts ---- */

/* Calls fn(arg) inside the loop soon.  Any thread, and signal handlers.  Posts of one thread arrive
 * in order.  0: fn will be called, at the latest when the loop ends; -EAGAIN when too many are
 * in flight, -ESRCH when the loop is gone. */
WEFT_API WEFT_MUST_USE int weft_post(weft_loop *loop, void (*fn)(void *arg), void *arg);

/* Like weft_post(), but in the caller's memory, so it cannot fail: calls msg->fn(msg) inside the
 * loop soon; until then `msg` belongs to the loop.  Any thread, and signal handlers; the loop must
 * be alive. */
typedef struct weft_msg {
    struct weft_msg *priv_next;
    void (*fn)(struct weft_msg *msg);
} weft_msg;
WEFT_API void weft_post_msg(weft_loop *loop, weft_msg *msg);

/* Tell the loop that something outside (a thread, a signal) will post to it, so that it is not
 * taken for finished or deadlocked when it is idle; unhold takes that back. */
WEFT_API void weft_loop_hold(weft_loop *loop);
WEFT_API void weft_loop_unhold(weft_loop *loop);

/* Adds `by` (which may be negative) to the count of things that are being closed without a task,
 * such as a stream that sends its last bytes.  The end of a run waits for them, 40 s at most.  It
 * waits a second for other things that have a timer, and not at all for those without. */
WEFT_API void weft_loop_ending(weft_loop *loop, int by);

/* ---- timers ---- */

/* A timer, embedded in the caller's memory and initialised once; no call on it allocates.  Timers
 * that are due in one turn fire in order of deadline, then of start; none fires early.  Start and
 * stop are O(1) or O(log n). */
typedef struct weft_timer {
    struct weft_timer *priv_next, *priv_prev, *priv_child;
    uint64_t priv_seq;
    weft_time deadline; /* read only */
    void (*fn)(struct weft_timer *timer);
    uint16_t priv_slot; /* 0: not running */
} weft_timer;

/* Call it once, before the first start.  fn is called when the timer fires, on the loop's stack; it
 * must not wait, and may start the timer again. */
WEFT_API void weft_timer_init(weft_timer *timer, void (*fn)(weft_timer *timer));

/* Starts a timer, or moves one that runs; a deadline of WEFT_FOREVER stops it. */
WEFT_API void weft_timer_start(weft_loop *loop, weft_timer *timer, weft_time deadline);
WEFT_API void weft_timer_stop(weft_loop *loop, weft_timer *timer);

/* Whether it is started, and has neither fired nor been stopped. */
static inline bool weft_timer_is_running(const weft_timer *timer)
{
    return timer->priv_slot != 0;
}

/* ---- deferred calls ---- */

/* A deferred call, embedded in the caller's memory and zeroed.  fn runs once, at the end of this
 * turn, before the loop waits. */
typedef struct weft_defer {
    struct weft_defer *priv_next, *priv_prev; /* NULL: not pending */
    void (*fn)(struct weft_defer *defer);
} weft_defer;

/* Ask for the call, and take that back.  Stopping what is not pending does nothing. */
WEFT_API void weft_defer_start(weft_loop *loop, weft_defer *defer); /* twice is once */
WEFT_API void weft_defer_stop(weft_loop *loop, weft_defer *defer);

/* Like weft_defer_start(), but the call is not made before weft_fd_close() has closed a descriptor
 * of this loop: for those that ran out of them.  Does not keep the loop busy. */
WEFT_API void weft_defer_until_close(weft_loop *loop, weft_defer *defer);

/* ---- blocks ---- */

/* Blocks of WEFT_BLOCK_BYTES bytes, not zeroed, for what lives from one callback to the end of the
 * turn, such as an answer that is about to be sent.  NULL without memory.  The loop keeps up to 128
 * blocks that are given back, so that the next one needs no allocation. */
#define WEFT_BLOCK_BYTES 4032
WEFT_API void *weft_block_new(weft_loop *loop);
WEFT_API void weft_block_free(weft_loop *loop, void *block); /* NULL is fine */

/* ---- operations ---- */

enum weft_op_kind {
    WEFT_OP_NOP,
    WEFT_OP_READ,        /* fd, buf, bytes; offset -1: the descriptor's own position */
    WEFT_OP_WRITE,       /* the same */
    WEFT_OP_RECV,        /* fd, buf, bytes, flags */
    WEFT_OP_SEND,        /* the same; never raises SIGPIPE */
    WEFT_OP_ACCEPT,      /* fd; result: the new descriptor */
    WEFT_OP_CONNECT,     /* fd, buf = const struct sockaddr *, bytes = its length */
    WEFT_OP_POLL,        /* fd, flags = POLLIN | POLLOUT …; result: the events that are there */
    WEFT_OP_ACCEPT_MANY, /* fd; completes once a connection until cancelled or failed */
    WEFT_OP_RECV_MANY,   /* fd; completes once a chunk with the loop's own buffer: `data`, result =
                            its bytes; 0 at the end of the stream */

    /* Files.  These, and reads and writes of regular files, are the kernel's where io_uring has
     * them and otherwise done by threads of the loop: they never block it (rule I06). */
    WEFT_OP_OPEN,     /* path, flags = O_…, bytes = mode; result: a descriptor, close-on-exec */
    WEFT_OP_FSYNC,    /* fd */
    WEFT_OP_TRUNCATE, /* fd, offset = the new size */
    WEFT_OP_STAT,     /* path, or NULL for fd; flags = AT_…; buf = struct statx * */
    WEFT_OP_RENAME,   /* path, buf = const char *, the new one */
    WEFT_OP_UNLINK,   /* path; flags = AT_REMOVEDIR: a directory */
    WEFT_OP_MKDIR,    /* path, bytes = mode */
    WEFT_OP_READDIR,  /* fd, buf, bytes; result: bytes of the kernel's entries (getdents64) */
    WEFT_OP_OPEN_BENEATH, /* fd = the directory, path, flags = O_…, bytes = enum weft_beneath */
    WEFT_OP_KIND_COUNT
};

typedef struct weft_op_args {
    int kind;
    int fd;
    void *buf;
    size_t bytes;
    int64_t offset;
    uint32_t flags;
    bool is_idle; /* waits for the outside: alone it does not keep the loop busy */
    const char *path;
} weft_op_args;

typedef struct weft_op weft_op;

/* How an operation, or one step of a _MANY operation, ended. */
typedef struct weft_completion {
    int result;       /* >= 0 or -errno; -ECANCELED: it did not happen */
    bool is_final;    /* the operation is gone after this call; else more will come */
    const void *data; /* RECV_MANY: borrowed for the time of this call */
} weft_completion;

typedef void weft_op_fn(weft_op *op, const weft_completion *completion, void *arg);

/* Starts an operation.  Until the final completion the kernel owns `buf`, the address in it, `path`
 * and the descriptor: do not free, reuse or close them.  fn is called exactly once with is_final
 * set, never from inside this call.  One reader and one writer a descriptor (polls and transfers at
 * an offset do not count): a second gives -EBUSY.  -EINVAL for an unknown kind, -ENOMEM, -EAGAIN
 * (op_count_max), -EBADF (also: the loop is ending), -EPERM (not this backend's descriptor); then
 * fn is never called. */
WEFT_API WEFT_MUST_USE int weft_op_start(weft_loop *loop, const weft_op_args *args, weft_op_fn *fn,
                                         void *arg, weft_op **out);

/* Tries an operation at once, without waiting and without a completion: its result, or -EAGAIN if
 * it would have to wait, and always for the _MANY kinds and POLL. */
WEFT_API int weft_op_try(weft_loop *loop, const weft_op_args *args);

/* Asks the operation to end early.  Its completion still comes and says what happened: -ECANCELED,
 * or the result if that was quicker.  A second call does nothing. */
WEFT_API void weft_op_cancel(weft_loop *loop, weft_op *op);

/* Closes a descriptor.  1: it is closed, and `done` is not called.  0: operations were pending on
 * it; they are cancelled and complete with -EBADF first, then the descriptor is closed, then `done`
 * (may be NULL) is called.  -EBADF: not open, or being closed already; another error: it is closed,
 * and an earlier write had failed with that.  Never waits, needs no memory. */
WEFT_API int weft_fd_close(weft_loop *loop, int fd, void (*done)(void *arg), void *arg);

WEFT_END_DECLS

#endif
