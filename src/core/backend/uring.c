/* SPDX-License-Identifier: MIT */

/*
 * The io_uring back end: operations become submissions, one system call a turn takes them all and
 * brings what has completed.
 *
 * An operation is in one place at a time: in the kernel, in the backlog (waits for room in the
 * submission queue), or done (its outcome is known without the kernel).  Where the kernel ends a
 * multishot operation by itself, or has none, it is submitted again; where it answers -EAGAIN it is
 * preceded by a poll.  In every case the operation ends with the kernel's own answer to it, never
 * with the answer to a cancel.
 */

#include "core/backend/backend_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/backend/eventfd.h"
#include "core/backend/file_call.h"
#include "core/backend/file_pool.h"
#include "core/backend/uring_buffers.h"
#include "core/backend/uring_ring.h"
#include "core/loop/loop_priv.h"

#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <unistd.h>

#define URING_DEPTH 256u
#define URING_CHUNK_BYTES ((size_t)64 * 1024)

/* How many rounds of the whole queue one poll reaps at most after completions overflowed. */
#define URING_ROUNDS_MAX 8

/* How many completions of one operation are delivered before others get theirs (rule I10). */
#define URING_SHARE 16u

/* Bits of weft_op.stage. */
enum {
    STAGE_KERNEL = 1u, /* submitted: its own completion will come */
    STAGE_POLL = 2u,   /* what is submitted, or will be, is a poll before the operation */
    STAGE_DONE = 4u,   /* on the done list with its result */
    STAGE_POOL = 8u,   /* a thread does it: the ring does not know how */
};

/* User data of submissions that are no operations; tokens are never below 2^32. */
enum { TOKEN_NOBODY, TOKEN_WAKE };

struct uring_state {
    struct wf_ring ring;
    struct wf_uring_buffers buffers;
    char *chunk; /* of RECV_MANY where the kernel has no buffer rings */
    int wake_fd;
    int event_fd;      /* told of completions, for a foreign loop; -1: not embedded */
    bool is_signalled; /* event_fd is readable because of us */
    bool is_wake_armed;
    uint32_t pass;              /* over the completions that are there */
    struct io_uring_cqe *later; /* those for the next pass; room for all of the queue */
    wf_list backlog;            /* operations to submit */
    wf_list cancels;            /* operations in the kernel whose cancel is to submit */
    wf_list done;
};

static struct uring_state *state_of(const weft_loop *loop)
{
    return loop->backend_state;
}

/* ---- open, close, wake ---- */

static void uring_wake(weft_loop *loop)
{
    wf_eventfd_signal(state_of(loop)->wake_fd);
}

static void uring_close(weft_loop *loop)
{
    struct uring_state *state = state_of(loop);
    wf_ring_close(&state->ring);
    wf_uring_buffers_close(&state->buffers);
    wf_sys_close(state->wake_fd);
    wf_sys_close(state->event_fd);
    wf_free(state->chunk);
    wf_free(state->later);
    wf_free(state);
    loop->backend_state = NULL;
}

static int open_receive_memory(struct uring_state *state)
{
    if (state->ring.features & WF_RING_BUFFERS) {
        int rc = wf_uring_buffers_open(&state->buffers, &state->ring);
        if (rc != -EINVAL)
            return rc;
        state->ring.features &= ~(uint32_t)WF_RING_BUFFERS;
    }
    state->chunk = wf_grow(NULL, URING_CHUNK_BYTES, 1);
    return state->chunk != NULL ? 0 : -ENOMEM;
}

static int uring_open(weft_loop *loop, const weft_loop_options *options)
{
    uint32_t masked;
    int rc = wf_ring_read_features(getenv("WEFT_URING_MASK"), &masked);
    if (rc < 0)
        return rc;
    struct uring_state *state = wf_alloc(sizeof *state);
    if (state == NULL)
        return -ENOMEM;
    state->ring.fd = -1;
    state->wake_fd = -1;
    state->event_fd = -1;
    wf_list_init(&state->backlog);
    wf_list_init(&state->cancels);
    wf_list_init(&state->done);
    loop->backend_state = state;

    uint32_t depth = options->queue_depth != 0 ? options->queue_depth : URING_DEPTH;
    rc = wf_ring_open(&state->ring, depth, masked);
    if (rc < 0)
        goto fail;
    rc = open_receive_memory(state);
    if (rc < 0)
        goto fail;
    state->later = wf_grow(NULL, state->ring.cq_mask + 1, sizeof *state->later);
    rc = state->later != NULL ? 0 : -ENOMEM;
    if (rc < 0)
        goto fail;
    rc = wf_eventfd_open(&state->wake_fd);
    if (rc < 0)
        goto fail;
    return 0;
fail:
    uring_close(loop);
    return rc;
}

/* ---- embedding ---- */

/* Something waits for the next poll: makes the descriptor readable, for a foreign loop. */
static void note_work(struct uring_state *state)
{
    if (state->event_fd < 0 || state->is_signalled)
        return;
    state->is_signalled = true;
    wf_eventfd_signal(state->event_fd);
}

/* Polling the ring's own descriptor would never wake where completions are worked off only inside
 * our enter; an event descriptor registered with the ring does. */
static int uring_descriptor(weft_loop *loop)
{
    struct uring_state *state = state_of(loop);
    if (state->event_fd >= 0)
        return state->event_fd;
    int fd;
    int rc = wf_eventfd_open(&fd);
    if (rc < 0)
        return rc;
    rc = wf_ring_register(&state->ring, IORING_REGISTER_EVENTFD, &fd, 1);
    if (rc < 0) {
        wf_sys_close(fd);
        return rc;
    }
    state->event_fd = fd;
    note_work(state);
    return fd;
}

/* ---- submitting ---- */

static void sqe_transfer(struct io_uring_sqe *sqe, uint8_t opcode, const weft_op_args *args)
{
    sqe->opcode = opcode;
    sqe->addr = (uint64_t)(uintptr_t)args->buf;
    sqe->len = args->bytes < INT32_MAX ? (uint32_t)args->bytes : INT32_MAX;
}

static void sqe_receive_many(const struct uring_state *state, struct io_uring_sqe *sqe)
{
    sqe->opcode = IORING_OP_RECV;
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = WF_URING_BUFFER_GROUP;
    if (state->ring.features & WF_RING_RECV_MULTISHOT)
        sqe->ioprio = IORING_RECV_MULTISHOT;
}

static bool op_writes(const weft_op *op)
{
    int kind = op->args.kind;
    return kind == WEFT_OP_WRITE || kind == WEFT_OP_SEND || kind == WEFT_OP_CONNECT;
}

static uint32_t poll_mask(uint32_t events)
{
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    return events << 16 | events >> 16; /* the kernel wants the halves swapped */
#else
    return events;
#endif
}

/* The number of a file operation that the ring takes; -1: none. */
static int file_opcode(int kind)
{
    switch (kind) {
    case WEFT_OP_OPEN:
        return IORING_OP_OPENAT;
    case WEFT_OP_FSYNC:
        return IORING_OP_FSYNC;
    case WEFT_OP_TRUNCATE:
        return WF_OP_FTRUNCATE;
    case WEFT_OP_STAT:
        return IORING_OP_STATX;
    case WEFT_OP_RENAME:
        return IORING_OP_RENAMEAT;
    case WEFT_OP_UNLINK:
        return IORING_OP_UNLINKAT;
    case WEFT_OP_MKDIR:
        return IORING_OP_MKDIRAT;
    default:
        return -1;
    }
}

/* Where a write to a file is cut short, by a full disk, the ring leaves the file's position where
 * it was (seen in Linux 6.18): the next write would go over what is there, and succeed. */
static bool writes_at_position(const weft_op_args *args)
{
    return args->kind == WEFT_OP_WRITE && args->offset < 0 && lseek(args->fd, 0, SEEK_CUR) >= 0;
}

static bool ring_takes(const struct uring_state *state, const weft_op_args *args)
{
    int opcode = file_opcode(args->kind);
    if (args->kind < WEFT_OP_OPEN)
        return !writes_at_position(args);
    return (state->ring.features & WF_RING_FILES) && opcode >= 0 &&
           wf_ring_has_op(&state->ring, (unsigned)opcode);
}

/* Paths are relative to the working directory. */
static void sqe_file(struct io_uring_sqe *sqe, const weft_op_args *args)
{
    sqe->opcode = (uint8_t)file_opcode(args->kind);
    if (args->path != NULL)
        sqe->fd = AT_FDCWD;
    sqe->addr = (uint64_t)(uintptr_t)args->path;
    switch (args->kind) {
    case WEFT_OP_OPEN:
        sqe->open_flags = args->flags | O_CLOEXEC;
        sqe->len = (uint32_t)args->bytes;
        break;
    case WEFT_OP_TRUNCATE:
        sqe->off = (uint64_t)args->offset;
        break;
    case WEFT_OP_STAT:
        sqe->addr = (uint64_t)(uintptr_t)(args->path != NULL ? args->path : "");
        sqe->statx_flags = args->flags | (args->path != NULL ? 0 : AT_EMPTY_PATH);
        sqe->len = STATX_BASIC_STATS;
        sqe->off = (uint64_t)(uintptr_t)args->buf;
        break;
    case WEFT_OP_RENAME:
        sqe->len = (uint32_t)AT_FDCWD;
        sqe->off = (uint64_t)(uintptr_t)args->buf;
        break;
    case WEFT_OP_UNLINK:
        sqe->unlink_flags = args->flags;
        break;
    case WEFT_OP_MKDIR:
        sqe->len = (uint32_t)args->bytes;
        break;
    default:
        break;
    }
}

static void sqe_fill(const struct uring_state *state, struct io_uring_sqe *sqe, const weft_op *op)
{
    const weft_op_args *args = &op->args;
    sqe->fd = args->fd;
    sqe->user_data = wf_op_token(op);
    if (op->stage & STAGE_POLL) {
        sqe->opcode = IORING_OP_POLL_ADD;
        sqe->poll32_events = poll_mask(op_writes(op) ? POLLOUT : POLLIN);
        return;
    }
    switch (args->kind) {
    case WEFT_OP_READ:
        sqe_transfer(sqe, IORING_OP_READ, args);
        sqe->off = (uint64_t)args->offset;
        break;
    case WEFT_OP_WRITE:
        sqe_transfer(sqe, IORING_OP_WRITE, args);
        sqe->off = (uint64_t)args->offset;
        break;
    case WEFT_OP_RECV:
        sqe_transfer(sqe, IORING_OP_RECV, args);
        sqe->msg_flags = args->flags;
        break;
    case WEFT_OP_SEND:
        sqe_transfer(sqe, IORING_OP_SEND, args);
        sqe->msg_flags = args->flags | MSG_NOSIGNAL;
        break;
    case WEFT_OP_ACCEPT_MANY:
        if (state->ring.features & WF_RING_ACCEPT_MULTISHOT)
            sqe->ioprio = IORING_ACCEPT_MULTISHOT;
        /* fall through */
    case WEFT_OP_ACCEPT:
        sqe->opcode = IORING_OP_ACCEPT;
        sqe->accept_flags = SOCK_CLOEXEC | SOCK_NONBLOCK;
        break;
    case WEFT_OP_CONNECT:
        sqe->opcode = IORING_OP_CONNECT;
        sqe->addr = (uint64_t)(uintptr_t)args->buf;
        sqe->off = args->bytes;
        break;
    case WEFT_OP_POLL:
        sqe->opcode = IORING_OP_POLL_ADD;
        sqe->poll32_events = poll_mask(args->flags);
        break;
    case WEFT_OP_RECV_MANY:
        sqe_receive_many(state, sqe);
        break;
    case WEFT_OP_NOP:
        sqe->opcode = IORING_OP_NOP;
        sqe->fd = -1;
        break;
    default:
        sqe_file(sqe, args);
        break;
    }
}

static bool op_put_in_queue(struct uring_state *state, weft_op *op)
{
    struct io_uring_sqe *sqe = wf_ring_get_sqe(&state->ring);
    if (sqe == NULL)
        return false;
    sqe_fill(state, sqe, op);
    op->stage |= STAGE_KERNEL;
    return true;
}

/* Submits the operation now, or when the queue has room; it is never dropped. */
static void op_push(struct uring_state *state, weft_op *op)
{
    note_work(state);
    if (!wf_list_is_empty(&state->backlog) || !op_put_in_queue(state, op))
        wf_list_append(&state->backlog, &op->link);
}

static void op_set_done(struct uring_state *state, weft_op *op, int result)
{
    note_work(state);
    op->stage |= STAGE_DONE;
    op->result = result;
    wf_list_remove(&op->link);
    wf_list_append(&state->done, &op->link);
}

static int submit_to_pool(weft_loop *loop, weft_op *op)
{
    op->stage = STAGE_POOL;
    return wf_file_pool_submit(loop, op);
}

static int uring_submit(weft_loop *loop, weft_op *op)
{
    struct uring_state *state = state_of(loop);
    int fault = wf_op_fault(op->args.kind);
    if (fault != 0) {
        op_set_done(state, op, fault);
        return 0;
    }
    if (!ring_takes(state, &op->args))
        return submit_to_pool(loop, op);
    if (op->args.kind == WEFT_OP_RECV_MANY && state->buffers.entries == NULL)
        op->stage = STAGE_POLL;
    op_push(state, op);
    return 0;
}

static bool cancel_put_in_queue(struct uring_state *state, const weft_op *op)
{
    struct io_uring_sqe *sqe = wf_ring_get_sqe(&state->ring);
    if (sqe == NULL)
        return false;
    sqe->opcode = IORING_OP_ASYNC_CANCEL;
    sqe->fd = -1;
    sqe->addr = wf_op_token(op);
    sqe->user_data = TOKEN_NOBODY;
    if (state->ring.features & WF_RING_CQE_SKIP)
        sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
    return true;
}

static void uring_cancel(weft_loop *loop, weft_op *op)
{
    struct uring_state *state = state_of(loop);
    if (op->stage & STAGE_DONE)
        return; /* it has its outcome */
    if ((op->stage & STAGE_POOL) && !wf_file_pool_withdraw(loop, op))
        return; /* its thread says how it ended */
    if (!(op->stage & STAGE_KERNEL)) {
        op_set_done(state, op, -ECANCELED);
        return;
    }
    note_work(state);
    if (!cancel_put_in_queue(state, op))
        wf_list_append(&state->cancels, &op->link);
}

/* ---- completions ---- */

/* Submits a multishot operation again that the kernel ended by itself, unless it was cancelled
 * meanwhile. */
static void op_continue(weft_loop *loop, weft_op *op)
{
    if (op->state == WF_OP_CANCELLING)
        wf_op_finish(loop, op, -ECANCELED);
    else
        op_push(state_of(loop), op);
}

static void on_recv_many(weft_loop *loop, weft_op *op, const struct io_uring_cqe *cqe)
{
    struct uring_state *state = state_of(loop);
    bool is_over = !(cqe->flags & IORING_CQE_F_MORE);
    bool has_buffer = (cqe->flags & IORING_CQE_F_BUFFER) != 0;
    uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
    if (cqe->res > 0) {
        weft_completion chunk = {.result = cqe->res,
                                 .data = wf_uring_buffers_get(&state->buffers, id)};
        wf_op_complete(loop, op, &chunk);
    }
    if (has_buffer)
        wf_uring_buffers_put(&state->buffers, id);
    if (!is_over)
        return;
    /* Out of buffers: those of the completions before this one are back by now. */
    if (cqe->res > 0 || cqe->res == -ENOBUFS || cqe->res == -EINTR)
        op_continue(loop, op);
    else
        wf_op_finish(loop, op, cqe->res);
}

/* One receive after a poll said there is something: for kernels without buffer rings. */
static void recv_many_by_poll(weft_loop *loop, weft_op *op, int polled)
{
    struct uring_state *state = state_of(loop);
    ssize_t got = polled;
    if (polled >= 0)
        got = wf_sys_recv(op->args.fd, state->chunk, URING_CHUNK_BYTES, 0);
    if (got > 0)
        wf_op_complete(loop, op, &(weft_completion){.result = (int)got, .data = state->chunk});
    if (got > 0 || got == -EAGAIN)
        op_continue(loop, op);
    else
        wf_op_finish(loop, op, (int)got);
}

static void on_accept_many(weft_loop *loop, weft_op *op, const struct io_uring_cqe *cqe)
{
    if (cqe->res >= 0)
        wf_op_complete(loop, op, &(weft_completion){.result = cqe->res});
    if (cqe->flags & IORING_CQE_F_MORE)
        return;
    if (cqe->res >= 0 || wf_accept_is_soft(cqe->res) || cqe->res == -EINTR)
        op_continue(loop, op);
    else
        wf_op_finish(loop, op, cqe->res);
}

/* The kernel reports POLLRDHUP unasked.  If it is the only event it is passed on, since another
 * poll for the same events would end with it at once. */
static int poll_result(const weft_op *op, int events)
{
    int others = events & ~POLLRDHUP;
    return (op->args.flags & POLLRDHUP) != 0 || others == 0 ? events : others;
}

static void on_single(weft_loop *loop, weft_op *op, int result)
{
    if (op->args.kind == WEFT_OP_POLL && result > 0)
        result = poll_result(op, result);
    bool is_soft = op->args.kind == WEFT_OP_ACCEPT && wf_accept_is_soft(result);
    if (is_soft || result == -EINTR)
        op_continue(loop, op);
    else
        wf_op_finish(loop, op, result);
}

/* The kernel does not wait for a descriptor that was opened not to block: we poll it first.  A
 * connect to a Unix listener whose queue is full has nothing to poll for. */
static bool must_poll_first(const weft_op *op, int result)
{
    return result == -EAGAIN && op->args.kind != WEFT_OP_CONNECT && op->args.kind != WEFT_OP_POLL &&
           op->args.kind < WEFT_OP_OPEN;
}

static void on_operation(weft_loop *loop, weft_op *op, const struct io_uring_cqe *cqe)
{
    if (!(cqe->flags & IORING_CQE_F_MORE)) {
        op->stage &= (uint8_t)~STAGE_KERNEL;
        wf_list_remove(&op->link); /* a cancel that waits for room is too late */
    }
    if (op->args.kind == WEFT_OP_RECV_MANY && state_of(loop)->buffers.entries == NULL) {
        recv_many_by_poll(loop, op, cqe->res);
    } else if ((op->stage & STAGE_POLL) && cqe->res >= 0) {
        op->stage &= (uint8_t)~STAGE_POLL;
        op_continue(loop, op);
    } else if (must_poll_first(op, cqe->res)) {
        op->stage |= STAGE_POLL;
        op_continue(loop, op);
    } else if (op->args.kind == WEFT_OP_RECV_MANY) {
        on_recv_many(loop, op, cqe);
    } else if (op->args.kind == WEFT_OP_ACCEPT_MANY) {
        on_accept_many(loop, op, cqe);
    } else {
        on_single(loop, op, cqe->res);
    }
}

static bool has_had_share(const struct uring_state *state, weft_op *op)
{
    if (op->share.pass != state->pass) {
        op->share.pass = state->pass;
        op->share.told = 0;
    }
    return ++op->share.told > URING_SHARE;
}

/* False: not in this pass. */
static bool on_completion(weft_loop *loop, const struct io_uring_cqe *cqe, int *told)
{
    struct uring_state *state = state_of(loop);
    if (cqe->user_data == TOKEN_WAKE) {
        wf_eventfd_drain(state->wake_fd);
        state->is_wake_armed = (cqe->flags & IORING_CQE_F_MORE) != 0;
        return true;
    }
    weft_op *op = wf_op_of_token(loop, cqe->user_data);
    if (op == NULL)
        return true; /* the answer to a cancel, which proves nothing */
    if (has_had_share(state, op))
        return false;
    on_operation(loop, op, cqe);
    (*told)++;
    return true;
}

/* ---- poll ---- */

static void arm_wake(struct uring_state *state)
{
    if (state->is_wake_armed)
        return;
    struct io_uring_sqe *sqe = wf_ring_get_sqe(&state->ring);
    if (sqe == NULL)
        return; /* the next poll does */
    sqe->opcode = IORING_OP_POLL_ADD;
    sqe->fd = state->wake_fd;
    sqe->poll32_events = poll_mask(POLLIN);
    sqe->len = IORING_POLL_ADD_MULTI;
    sqe->user_data = TOKEN_WAKE;
    state->is_wake_armed = true;
}

/* Moves what waited for room into the submission queue. */
static void submit_waiting(struct uring_state *state)
{
    arm_wake(state);
    while (!wf_list_is_empty(&state->cancels)) {
        weft_op *op = wf_container(state->cancels.next, weft_op, link);
        if (!cancel_put_in_queue(state, op))
            return;
        wf_list_remove(&op->link);
    }
    while (!wf_list_is_empty(&state->backlog)) {
        weft_op *op = wf_container(state->backlog.next, weft_op, link);
        if (!op_put_in_queue(state, op))
            return;
        wf_list_remove(&op->link);
    }
}

static bool has_waiting(const struct uring_state *state)
{
    return !wf_list_is_empty(&state->cancels) || !wf_list_is_empty(&state->backlog) ||
           !state->is_wake_armed;
}

/* The kernel puts all completions of one operation in a row, so one that has had its share is put
 * off until the others have had theirs. */
static int reap(weft_loop *loop)
{
    struct uring_state *state = state_of(loop);
    uint32_t later_count = 0;
    int told = 0;
    state->pass++;
    for (uint32_t count = wf_ring_completed(&state->ring); count > 0; count--) {
        struct io_uring_cqe cqe;
        wf_ring_take(&state->ring, &cqe);
        if (!on_completion(loop, &cqe, &told))
            state->later[later_count++] = cqe;
    }
    while (later_count > 0) {
        uint32_t count = later_count;
        later_count = 0;
        state->pass++;
        for (uint32_t i = 0; i < count; i++) {
            struct io_uring_cqe cqe = state->later[i];
            if (!on_completion(loop, &cqe, &told))
                state->later[later_count++] = cqe;
        }
    }
    return told;
}

static int finish_done(weft_loop *loop)
{
    wf_list batch;
    wf_list_init(&batch);
    wf_list_splice(&batch, &state_of(loop)->done);
    int told = 0;
    for (wf_list *pos; (pos = wf_list_pop(&batch)) != NULL; told++) {
        weft_op *op = wf_container(pos, weft_op, link);
        wf_op_finish(loop, op, op->result);
    }
    return told;
}

static int uring_poll(weft_loop *loop, weft_time timeout)
{
    struct uring_state *state = state_of(loop);
    struct wf_ring *ring = &state->ring;
    if (state->event_fd >= 0) {
        wf_eventfd_drain(state->event_fd);
        state->is_signalled = false;
    }
    submit_waiting(state);
    if (has_waiting(state) || !wf_list_is_empty(&state->done) || wf_ring_completed(ring) != 0)
        timeout = 0;
    if (timeout > 0 || wf_ring_unsubmitted(ring) != 0 || wf_ring_needs_enter(ring))
        (void)wf_ring_enter(ring, timeout);

    int told = reap(loop) + finish_done(loop);
    /* What did not fit into the queue waits in the kernel and comes before anything new. */
    for (int round = 0; round < URING_ROUNDS_MAX && wf_ring_has_overflow(ring); round++) {
        (void)wf_ring_enter(ring, 0);
        told += reap(loop);
    }
    if (has_waiting(state) || !wf_list_is_empty(&state->done) || wf_ring_completed(ring) != 0)
        note_work(state);
    return told;
}

static void uring_forget(weft_loop *loop, struct wf_fd *fd)
{
    (void)loop;
    (void)fd; /* the ring knows operations, not descriptors */
}

const struct wf_backend wf_backend_uring = {
    .name = "io_uring",
    .open = uring_open,
    .close = uring_close,
    .submit = uring_submit,
    .cancel = uring_cancel,
    .poll = uring_poll,
    .forget = uring_forget,
    .descriptor = uring_descriptor,
    .wake = uring_wake,
};
