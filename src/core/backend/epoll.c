/* SPDX-License-Identifier: MIT */

/*
 * The epoll back end: readiness turned into completions.
 *
 * A descriptor is registered once, edge-triggered, for everything.  What the kernel told of it is
 * kept in its record, so an operation is tried when it may succeed and waits for the next edge when
 * it cannot; no epoll_ctl is made for a wait.
 *
 * Files have no readiness: threads of the loop's file pool work on them.
 *
 * Invariants.  An operation is ready (on the ready list, to be tried in this or the next poll),
 * waiting (for an edge of its side) or the pool's.  A side's bit is cleared only when the kernel
 * said -EAGAIN or a stream was read short, so the next edge is still to come.
 */

#include "core/backend/backend_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/backend/attempt.h"
#include "core/backend/eventfd.h"
#include "core/backend/file_call.h"
#include "core/backend/file_pool.h"
#include "core/backend/recv_batch.h"
#include "core/loop/loop_priv.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/epoll.h>

/* Few, so that what a turn has read is still in the caches when the answers are sent at its end. */
#define EPOLL_EVENTS_PER_POLL 32

/* One descriptor's share of a pass (rule I10). */
#define EPOLL_STEPS_PER_PASS 16
#define EPOLL_BYTES_PER_PASS ((size_t)256 * 1024)

/* A blocking descriptor that polls writable takes this much without blocking. */
#define EPOLL_BLOCKING_WRITE_BYTES 4096u

/* How long a wait may rely on an old registration before the kernel is asked whether it still
 * exists. */
#define EPOLL_VERIFY_AFTER (20 * WEFT_MS)

#define EPOLL_EVENTS (EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLPRI | EPOLLET)

/* Bits of wf_fd.state. */
enum {
    FD_ADDED = 1u,     /* registered */
    FD_READABLE = 2u,  /* a read may succeed */
    FD_WRITABLE = 4u,  /* a write may succeed */
    FD_STICKY = 8u,    /* end, error or urgent data: a short read does not mean drained */
    FD_ALWAYS = 16u,   /* a regular file or the like: no readiness, never waits */
    FD_KNOWN = 32u,    /* whether it blocks has been asked */
    FD_BLOCKING = 64u, /* it would block the thread: ask poll(2) first */
    FD_LISTENS = 128u, /* it was seen to be a listener */
};

/* Bits of weft_op.stage. */
enum {
    STAGE_WAITING = 1u,
    STAGE_OLD = 2u,   /* rests on a registration made for an earlier operation */
    STAGE_POOL = 4u,  /* a thread does it */
    STAGE_FAULT = 8u, /* a test makes it fail with its result */
};

struct epoll_state {
    int fd;
    int wake_fd;
    bool is_embedded;     /* a foreign loop polls `fd` */
    bool has_nanoseconds; /* epoll_pwait2 is there */
    wf_list ready;        /* operations to try */
    wf_list unverified;   /* waiting ones with STAGE_OLD */
    weft_time verify_at;
    weft_timer verify_timer;       /* says it to a foreign loop */
    struct wf_recv_batch received; /* by RECV_MANY; empty outside a pass */
    struct epoll_event events[EPOLL_EVENTS_PER_POLL];
};

static struct epoll_state *state_of(const weft_loop *loop)
{
    return loop->backend_state;
}

/* ---- open, close, wake ---- */

static void epoll_wake(weft_loop *loop)
{
    wf_eventfd_signal(state_of(loop)->wake_fd);
}

static int make_epoll(int *out)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "epoll_create"))
        return -EMFILE;
    int fd = epoll_create1(EPOLL_CLOEXEC);
    if (fd < 0)
        return -errno;
    *out = fd;
    return 0;
}

static int epoll_control(int epoll_fd, int op, int fd, uint64_t data)
{
    if (op != EPOLL_CTL_DEL && WEFT_FAULT(WEFT_FAULT_CALL, "epoll_ctl"))
        return -ENOMEM;
    struct epoll_event event = {.events = EPOLL_EVENTS, .data.u64 = data};
    return epoll_ctl(epoll_fd, op, fd, &event) < 0 ? -errno : 0;
}

static void epoll_close(weft_loop *loop)
{
    struct epoll_state *state = state_of(loop);
    weft_timer_stop(loop, &state->verify_timer);
    wf_sys_close(state->wake_fd);
    wf_sys_close(state->fd);
    wf_recv_batch_close(&state->received);
    wf_free(state);
    loop->backend_state = NULL;
}

static void verify_due(weft_timer *timer);

static int epoll_open(weft_loop *loop, const weft_loop_options *options)
{
    (void)options;
    struct epoll_state *state = wf_alloc(sizeof *state);
    if (state == NULL)
        return -ENOMEM;
    state->fd = -1;
    state->wake_fd = -1;
    state->has_nanoseconds = true;
    wf_list_init(&state->ready);
    wf_list_init(&state->unverified);
    weft_timer_init(&state->verify_timer, verify_due);
    loop->backend_state = state;

    int rc = wf_recv_batch_open(&state->received);
    if (rc < 0)
        goto fail;
    rc = make_epoll(&state->fd);
    if (rc < 0)
        goto fail;
    rc = wf_eventfd_open(&state->wake_fd);
    if (rc < 0)
        goto fail;
    rc = epoll_control(state->fd, EPOLL_CTL_ADD, state->wake_fd, /* data = */ 0);
    if (rc < 0)
        goto fail;
    return 0;
fail:
    epoll_close(loop);
    return rc;
}

static int epoll_descriptor(weft_loop *loop)
{
    struct epoll_state *state = state_of(loop);
    state->is_embedded = true;
    if (!wf_list_is_empty(&state->unverified))
        weft_timer_start(loop, &state->verify_timer, state->verify_at);
    if (!wf_list_is_empty(&state->ready))
        epoll_wake(loop);
    return state->fd;
}

/* ---- registration ---- */

/* Generations are never 0, so 0 stays for the wake descriptor. */
static uint64_t fd_token(const struct wf_fd *fd)
{
    return (uint64_t)fd->generation << 32 | (uint32_t)fd->number;
}

static int fd_register(struct epoll_state *state, struct wf_fd *fd)
{
    int rc = epoll_control(state->fd, EPOLL_CTL_ADD, fd->number, fd_token(fd));
    if (rc == -EEXIST)
        rc = epoll_control(state->fd, EPOLL_CTL_MOD, fd->number, fd_token(fd));
    if (rc == -EPERM) {
        fd->state = FD_ALWAYS;
        return 0;
    }
    if (rc < 0)
        return rc;
    /* The kernel reports at once what is there to read; most descriptors are writable. */
    fd->state = FD_ADDED | FD_WRITABLE;
    return 0;
}

static void epoll_forget(weft_loop *loop, struct wf_fd *fd)
{
    if (fd->state & FD_ADDED)
        (void)epoll_control(state_of(loop)->fd, EPOLL_CTL_DEL, fd->number, 0);
}

/* Asked once, and only for the calls that cannot say "do not block" themselves. */
static bool fd_blocks(struct wf_fd *fd)
{
    if (!(fd->state & FD_KNOWN)) {
        int flags = fcntl(fd->number, F_GETFL);
        fd->state |= FD_KNOWN | (flags >= 0 && !(flags & O_NONBLOCK) ? FD_BLOCKING : 0);
    }
    return (fd->state & FD_BLOCKING) != 0;
}

/* Waiting for readiness makes sense for a listener only; accept on anything else fails at once. */
static bool fd_listens(struct wf_fd *fd)
{
    int listens = 0;
    socklen_t bytes = sizeof listens;
    if (!(fd->state & FD_LISTENS) &&
        wf_sys_getsockopt(fd->number, SOL_SOCKET, SO_ACCEPTCONN, &listens, &bytes) == 0 &&
        listens != 0)
        fd->state |= FD_LISTENS;
    return (fd->state & FD_LISTENS) != 0;
}

static bool kind_accepts(int kind)
{
    return kind == WEFT_OP_ACCEPT || kind == WEFT_OP_ACCEPT_MANY;
}

static bool kind_may_block(int kind)
{
    return kind == WEFT_OP_READ || kind == WEFT_OP_WRITE || kind_accepts(kind);
}

static uint32_t kind_side_bit(int kind)
{
    bool writes = kind == WEFT_OP_WRITE || kind == WEFT_OP_SEND || kind == WEFT_OP_CONNECT;
    return writes ? FD_WRITABLE : FD_READABLE;
}

static uint32_t op_side_bit(const weft_op *op)
{
    return kind_side_bit(op->args.kind);
}

/* ---- ready and waiting ---- */

static void op_make_ready(weft_loop *loop, weft_op *op)
{
    struct epoll_state *state = state_of(loop);
    op->stage &= (uint8_t)~STAGE_WAITING;
    if (state->is_embedded && wf_list_is_empty(&state->ready))
        epoll_wake(loop);
    wf_list_remove(&op->link);
    wf_list_append(&state->ready, &op->link);
}

/* Not tried again before the next edge.  With an old registration that edge may never come:
 * somebody may have closed the descriptor without telling us, and the number may now mean another
 * file that is not registered.  Only the kernel knows; it is asked if the wait lasts. */
static void op_make_waiting(weft_loop *loop, weft_op *op)
{
    struct epoll_state *state = state_of(loop);
    op->stage |= STAGE_WAITING;
    if (!(op->stage & STAGE_OLD))
        return;
    if (wf_list_is_empty(&state->unverified)) {
        state->verify_at = loop->now + EPOLL_VERIFY_AFTER;
        if (state->is_embedded)
            weft_timer_start(loop, &state->verify_timer, state->verify_at);
    }
    wf_list_append(&state->unverified, &op->link);
}

static void op_verify(weft_loop *loop, weft_op *op)
{
    struct epoll_state *state = state_of(loop);
    struct wf_fd *fd = wf_fd_find(loop, op->args.fd);
    int rc = epoll_control(state->fd, EPOLL_CTL_MOD, fd->number, fd_token(fd));
    if (rc == -ENOENT || rc == -EPERM) { /* EPERM: it is a regular file now */
        wf_fd_renew(loop, fd);           /* events of the predecessor are none of ours */
        rc = fd_register(state, fd);
    }
    if (rc == -ENOMEM) {
        op_make_waiting(loop, op); /* ask again later */
        return;
    }
    op->stage &= (uint8_t)~STAGE_OLD;
    if (rc < 0 || (fd->state & FD_ALWAYS))
        op_make_ready(loop, op); /* the next try says what is wrong */
}

static void verify_waiting(weft_loop *loop)
{
    struct epoll_state *state = state_of(loop);
    wf_list batch;
    wf_list_init(&batch);
    wf_list_splice(&batch, &state->unverified);
    for (wf_list *pos; (pos = wf_list_pop(&batch)) != NULL;)
        op_verify(loop, wf_container(pos, weft_op, link));
}

static void verify_due(weft_timer *timer)
{
    (void)timer;
    verify_waiting(wf_loop_current);
}

static bool is_transfer(int kind)
{
    return kind == WEFT_OP_READ || kind == WEFT_OP_WRITE;
}

static int submit_to_pool(weft_loop *loop, weft_op *op)
{
    op->stage = STAGE_POOL;
    int rc = wf_file_pool_submit(loop, op);
    if (rc < 0)
        op->stage = 0;
    return rc;
}

static int submit_file(weft_loop *loop, weft_op *op)
{
    int fault = wf_op_fault(op->args.kind);
    if (fault == 0)
        return submit_to_pool(loop, op);
    op->stage = STAGE_FAULT;
    op->result = fault;
    op_make_ready(loop, op);
    return 0;
}

static int epoll_submit(weft_loop *loop, weft_op *op)
{
    if (op->args.kind == WEFT_OP_NOP) {
        op_make_ready(loop, op);
        return 0;
    }
    if (wf_op_is_file(&op->args))
        return submit_file(loop, op);
    struct wf_fd *fd = wf_fd_find(loop, op->args.fd);
    bool is_alone = fd->ops.next == &op->fd_link;
    if ((fd->state & FD_ADDED) && is_alone)
        op->stage |= STAGE_OLD;
    /* A connect registers once it is under way: before, the socket polls as hung up. */
    bool is_connect = op->args.kind == WEFT_OP_CONNECT;
    if (!(fd->state & (FD_ADDED | FD_ALWAYS)) && !is_connect) {
        int rc = fd_register(state_of(loop), fd);
        if (rc < 0)
            return rc;
    }
    if ((fd->state & FD_ALWAYS) && is_transfer(op->args.kind))
        return submit_file(loop, op);
    bool tries_at_once = is_connect || op->args.kind == WEFT_OP_POLL ||
                         (fd->state & (FD_ALWAYS | op_side_bit(op))) ||
                         (kind_accepts(op->args.kind) && !fd_listens(fd));
    if (tries_at_once)
        op_make_ready(loop, op);
    else
        op_make_waiting(loop, op);
    return 0;
}

static int epoll_try(weft_loop *loop, const weft_op_args *args)
{
    if (wf_op_is_file(args))
        return -EAGAIN;
    struct wf_fd *fd = wf_fd_find(loop, args->fd);
    if (fd != NULL && (fd->state & FD_ALWAYS) && is_transfer(args->kind))
        return args->kind == WEFT_OP_READ ? wf_file_read_cached(args) : -EAGAIN;
    if (kind_may_block(args->kind) && (fd == NULL || fd_blocks(fd)))
        return -EAGAIN;
    bool is_added = fd != NULL && (fd->state & FD_ADDED);
    if (is_added && !(fd->state & kind_side_bit(args->kind)))
        return -EAGAIN;
    int rc = wf_attempt(args);
    if (rc != WF_ATTEMPT_WAIT)
        return rc;
    if (is_added)
        fd->state &= ~kind_side_bit(args->kind);
    return -EAGAIN;
}

static void epoll_cancel(weft_loop *loop, weft_op *op)
{
    if ((op->stage & STAGE_POOL) && !wf_file_pool_withdraw(loop, op))
        return; /* its thread says how it ended */
    if (!(op->stage & STAGE_FAULT))
        op_make_ready(loop, op); /* the step ends it */
}

/* ---- steps ---- */

/* Tries an operation whose descriptor might block the thread only if poll(2) says it will not. */
static int attempt_without_blocking(struct wf_fd *fd, const weft_op_args *args)
{
    if (!kind_may_block(args->kind) || !fd_blocks(fd))
        return wf_attempt(args);
    if (args->kind == WEFT_OP_ACCEPT && !fd_listens(fd))
        return wf_attempt(args);
    bool writes = args->kind == WEFT_OP_WRITE;
    int rc = wf_attempt_poll(fd->number, writes ? POLLOUT : POLLIN);
    if (rc <= 0)
        return rc == 0 ? WF_ATTEMPT_WAIT : rc;
    weft_op_args part = *args;
    if (writes && part.bytes > EPOLL_BLOCKING_WRITE_BYTES)
        part.bytes = EPOLL_BLOCKING_WRITE_BYTES;
    return wf_attempt(&part);
}

/* The operation would block: it waits for the next edge.  Returns how many completions were
 * delivered. */
static int op_blocked(weft_loop *loop, weft_op *op, struct wf_fd *fd)
{
    if (!(fd->state & FD_ADDED)) {
        int rc = fd_register(state_of(loop), fd);
        if (rc == 0 && (fd->state & FD_ALWAYS))
            rc = -EAGAIN; /* says "wait" and has no readiness to wait for */
        if (rc < 0) {
            wf_op_finish(loop, op, rc);
            return 1;
        }
    }
    if (op->args.kind != WEFT_OP_POLL)
        fd->state &= ~op_side_bit(op);
    op_make_waiting(loop, op);
    return 0;
}

/* The number of an old registration turned out to mean a regular file. */
static int step_to_pool(weft_loop *loop, weft_op *op)
{
    int rc = submit_to_pool(loop, op);
    if (rc == 0)
        return 0;
    wf_op_finish(loop, op, rc);
    return 1;
}

static int step_once(weft_loop *loop, weft_op *op, struct wf_fd *fd)
{
    if ((fd->state & FD_ALWAYS) && is_transfer(op->args.kind))
        return step_to_pool(loop, op);
    int rc = attempt_without_blocking(fd, &op->args);
    if (rc == WF_ATTEMPT_WAIT)
        return op_blocked(loop, op, fd);
    wf_op_finish(loop, op, rc);
    return 1;
}

/* After a step of a _MANY operation was delivered: ends the operation if it was cancelled
 * meanwhile. */
static bool op_ends_if_cancelled(weft_loop *loop, weft_op *op)
{
    if (op->state != WF_OP_CANCELLING)
        return false;
    wf_op_finish(loop, op, -ECANCELED);
    return true;
}

static int step_accept_many(weft_loop *loop, weft_op *op, struct wf_fd *fd)
{
    weft_op_args one = op->args;
    one.kind = WEFT_OP_ACCEPT;
    for (int step = 0; step < EPOLL_STEPS_PER_PASS; step++) {
        int rc = attempt_without_blocking(fd, &one);
        if (rc == WF_ATTEMPT_WAIT)
            return op_blocked(loop, op, fd) + step;
        if (rc < 0) {
            wf_op_finish(loop, op, rc);
            return step + 1;
        }
        wf_op_complete(loop, op, &(weft_completion){.result = rc});
        if (op_ends_if_cancelled(loop, op))
            return step + 2;
    }
    op_make_ready(loop, op);
    return EPOLL_STEPS_PER_PASS;
}

/* The bytes are delivered at the end of the pass, or earlier if their room is needed. */
static int step_recv_many(weft_loop *loop, weft_op *op, struct wf_fd *fd)
{
    struct wf_recv_batch *received = &state_of(loop)->received;
    uint64_t token = wf_op_token(op);
    size_t total = 0;
    int told = 0;
    for (int step = 0; step < EPOLL_STEPS_PER_PASS && total < EPOLL_BYTES_PER_PASS; step++) {
        ssize_t got = wf_recv_batch_take(received, op);
        if (got == -EAGAIN)
            return told + op_blocked(loop, op, fd);
        if (got <= 0) {
            wf_op_finish(loop, op, (int)got);
            return told + 1;
        }
        total += (size_t)got;
        bool is_drained = (size_t)got < WF_RECV_BATCH_BYTES && !(fd->state & FD_STICKY);
        if (is_drained && (fd->state & FD_ADDED)) {
            told += op_blocked(loop, op, fd);
            return wf_recv_batch_is_full(received) ? told + wf_recv_batch_tell(loop, received)
                                                   : told;
        }
        told += wf_recv_batch_tell(loop, received);
        if (wf_op_of_token(loop, token) == NULL)
            return told;
    }
    op_make_ready(loop, op);
    return told;
}

/* Tries it once; returns how many completions it delivered. */
static int op_step(weft_loop *loop, weft_op *op)
{
    if (op->stage & STAGE_FAULT) {
        wf_op_finish(loop, op, op->result);
        return 1;
    }
    if (op->state == WF_OP_CANCELLING) {
        wf_op_finish(loop, op, -ECANCELED);
        return 1;
    }
    if (op->args.kind == WEFT_OP_NOP) {
        wf_op_finish(loop, op, 0);
        return 1;
    }
    struct wf_fd *fd = wf_fd_find(loop, op->args.fd);
    switch (op->args.kind) {
    case WEFT_OP_ACCEPT_MANY:
        return step_accept_many(loop, op, fd);
    case WEFT_OP_RECV_MANY:
        return step_recv_many(loop, op, fd);
    default:
        return step_once(loop, op, fd);
    }
}

/* One step of each operation that was ready at the beginning. */
static int run_ready(weft_loop *loop)
{
    wf_list batch;
    wf_list_init(&batch);
    wf_list_splice(&batch, &state_of(loop)->ready);
    int told = 0;
    for (wf_list *pos; (pos = wf_list_pop(&batch)) != NULL;)
        told += op_step(loop, wf_container(pos, weft_op, link));
    return told + wf_recv_batch_tell(loop, &state_of(loop)->received);
}

/* ---- poll ---- */

static uint32_t bits_of_events(uint32_t events)
{
    uint32_t bits = 0;
    if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
        bits |= FD_READABLE;
    if (events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
        bits |= FD_WRITABLE;
    if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR | EPOLLPRI))
        bits |= FD_STICKY;
    return bits;
}

static void note_event(weft_loop *loop, const struct epoll_event *event)
{
    uint64_t token = event->data.u64;
    if (token == 0) {
        wf_eventfd_drain(state_of(loop)->wake_fd);
        return;
    }
    struct wf_fd *fd = wf_fd_find(loop, (int)(uint32_t)token);
    if (fd == NULL || fd_token(fd) != token)
        return; /* of a descriptor that had the number before */
    uint32_t bits = bits_of_events(event->events);
    fd->state |= bits;
    wf_list_each (pos, &fd->ops) {
        weft_op *op = wf_container(pos, weft_op, fd_link);
        if ((op->stage & STAGE_WAITING) &&
            (op->args.kind == WEFT_OP_POLL || (bits & op_side_bit(op))))
            op_make_ready(loop, op);
    }
}

static int wait_for_events(struct epoll_state *state, weft_time timeout)
{
    if (WEFT_FAULT(WEFT_FAULT_CALL, "epoll_wait"))
        return -EINTR;
    if (timeout > 0 && timeout != WEFT_FOREVER && state->has_nanoseconds) {
        struct timespec ts = {.tv_sec = timeout / WEFT_SEC, .tv_nsec = timeout % WEFT_SEC};
        int rc = epoll_pwait2(state->fd, state->events, EPOLL_EVENTS_PER_POLL, &ts, NULL);
        if (rc >= 0 || errno != ENOSYS)
            return rc < 0 ? -errno : rc;
        state->has_nanoseconds = false;
    }
    weft_time ms = timeout == WEFT_FOREVER ? -1 : (timeout + WEFT_MS - 1) / WEFT_MS;
    if (ms > INT32_MAX)
        ms = INT32_MAX;
    int rc = epoll_wait(state->fd, state->events, EPOLL_EVENTS_PER_POLL, (int)ms);
    return rc < 0 ? -errno : rc;
}

/* When old registrations are to be verified, as a timeout. */
static weft_time verify_timeout(const weft_loop *loop)
{
    const struct epoll_state *state = state_of(loop);
    if (wf_list_is_empty(&state->unverified))
        return WEFT_FOREVER;
    return state->verify_at > loop->now ? state->verify_at - loop->now : 0;
}

static int epoll_poll(weft_loop *loop, weft_time timeout)
{
    struct epoll_state *state = state_of(loop);
    weft_time verify_in = verify_timeout(loop);
    if (!wf_list_is_empty(&state->ready))
        timeout = 0;
    bool verifies = verify_in <= timeout;
    int count = wait_for_events(state, verifies ? verify_in : timeout);
    for (int i = 0; i < count; i++)
        note_event(loop, &state->events[i]);
    if (verifies && (count == 0 || verify_in == 0))
        verify_waiting(loop);
    return run_ready(loop);
}

const struct wf_backend wf_backend_epoll = {
    .name = "epoll",
    .open = epoll_open,
    .close = epoll_close,
    .submit = epoll_submit,
    .try = epoll_try,
    .cancel = epoll_cancel,
    .poll = epoll_poll,
    .forget = epoll_forget,
    .descriptor = epoll_descriptor,
    .wake = epoll_wake,
};
