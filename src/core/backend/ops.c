/* SPDX-License-Identifier: MIT */

/* Records of operations and of descriptors, for every back end: which operation is in flight on
 * which descriptor. */

#include "core/backend/backend_priv.h"
#include "core/look/opened.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/backend/file_call.h"
#include "core/loop/loop_priv.h"
#include "core/process/signals_priv.h"

#include <assert.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#define OPS_PER_CHUNK 256u
#define OPS_COUNT_MAX (1u << 20)
#define FDS_COUNT_MIN 64

/* ---- records ---- */

static weft_op *op_at(const struct wf_ops *ops, uint32_t index)
{
    return &ops->chunks[index / OPS_PER_CHUNK][index % OPS_PER_CHUNK];
}

static void op_push_free(struct wf_ops *ops, weft_op *op)
{
    op->state = WF_OP_FREE;
    op->next_free = ops->free_head;
    ops->free_head = op->index + 1;
}

static int ops_add_chunk(struct wf_ops *ops)
{
    if (ops->chunk_count == ops->chunk_capacity) {
        uint32_t capacity = ops->chunk_capacity != 0 ? ops->chunk_capacity * 2 : 4;
        weft_op **chunks = wf_grow(ops->chunks, capacity, sizeof *chunks);
        if (chunks == NULL)
            return -ENOMEM;
        ops->chunks = chunks;
        ops->chunk_capacity = capacity;
    }
    weft_op *chunk = wf_array(OPS_PER_CHUNK, sizeof *chunk);
    if (chunk == NULL)
        return -ENOMEM;
    uint32_t base = ops->chunk_count * OPS_PER_CHUNK;
    ops->chunks[ops->chunk_count++] = chunk;
    for (uint32_t i = OPS_PER_CHUNK; i-- > 0;) { /* the lowest index is handed out first */
        chunk[i].index = base + i;
        chunk[i].generation = 1;
        op_push_free(ops, &chunk[i]);
    }
    return 0;
}

static int op_new(struct wf_ops *ops, weft_op **out)
{
    if (ops->used >= ops->used_max)
        return ops->is_over ? -EBADF : -EAGAIN;
    if (ops->free_head == 0) {
        int rc = ops_add_chunk(ops);
        if (rc < 0)
            return rc;
    }
    weft_op *op = op_at(ops, ops->free_head - 1);
    ops->free_head = op->next_free;
    ops->used++;
    *out = op;
    return 0;
}

/* The new generation makes every token of the old life stale. */
static void op_free(weft_loop *loop, weft_op *op)
{
    struct wf_ops *ops = &loop->ops;
    if (++op->generation == 0)
        op->generation = 1;
    ops->used--;
    if (op->args.is_idle)
        ops->idle--;
    if (op->is_of_disk)
        weft_loop_unhold(loop);
    op_push_free(ops, op);
}

weft_op *wf_op_of_token(weft_loop *loop, uint64_t token)
{
    uint32_t index = (uint32_t)token;
    if (index >= loop->ops.chunk_count * OPS_PER_CHUNK)
        return NULL;
    weft_op *op = op_at(&loop->ops, index);
    return op->state != WF_OP_FREE && op->generation == (uint32_t)(token >> 32) ? op : NULL;
}

int wf_ops_init(weft_loop *loop, uint32_t count_max)
{
    wf_signals_hold_pipe();
    loop->ops = (struct wf_ops){.used_max = count_max != 0 ? count_max : OPS_COUNT_MAX};
    return 0;
}

void wf_ops_fini(weft_loop *loop)
{
    struct wf_ops *ops = &loop->ops;
    assert(ops->used == 0);
    for (uint32_t i = 0; i < ops->chunk_count; i++)
        wf_free(ops->chunks[i]);
    wf_free(ops->chunks);
    for (int fd = 0; fd < ops->fd_count; fd++)
        wf_free(ops->fds[fd]);
    wf_free(ops->fds);
    *ops = (struct wf_ops){0};
    wf_signals_release_pipe();
}

/* ---- descriptors ---- */

/* A number that is no descriptor must not cost memory in proportion to it. */
static int fds_make_room(weft_loop *loop, int number)
{
    struct wf_ops *ops = &loop->ops;
    struct stat status;
    int index = number - loop->backend->fd_base;
    if (index < ops->fd_count)
        return 0;
    if (index >= FDS_COUNT_MIN && loop->platform->fstat(number, &status) == -EBADF)
        return -EBADF;
    int count = ops->fd_count != 0 ? ops->fd_count : FDS_COUNT_MIN;
    while (count <= index) {
        if (count > INT32_MAX / 2)
            return -EBADF;
        count *= 2;
    }
    struct wf_fd **fds = wf_grow(ops->fds, (size_t)count, sizeof(struct wf_fd *));
    if (fds == NULL)
        return -ENOMEM;
    memset(fds + ops->fd_count, 0, (size_t)(count - ops->fd_count) * sizeof(struct wf_fd *));
    ops->fds = fds;
    ops->fd_count = count;
    return 0;
}

static uint32_t fd_next_generation(struct wf_ops *ops)
{
    if (++ops->fd_generation == 0)
        ops->fd_generation = 1;
    return ops->fd_generation;
}

void wf_fd_renew(weft_loop *loop, struct wf_fd *fd)
{
    fd->generation = fd_next_generation(&loop->ops);
    fd->state = 0;
}

static int fd_get(weft_loop *loop, int number, struct wf_fd **out)
{
    struct wf_ops *ops = &loop->ops;
    int index = number - loop->backend->fd_base;
    if (number < 0)
        return -EBADF;
    if (index < 0)
        return -EPERM;
    int rc = fds_make_room(loop, number);
    if (rc < 0)
        return rc;
    struct wf_fd *fd = ops->fds[index];
    if (fd == NULL) {
        fd = wf_alloc(sizeof *fd);
        if (fd == NULL)
            return -ENOMEM;
        wf_list_init(&fd->ops);
        fd->number = number;
        fd->generation = fd_next_generation(ops);
        ops->fds[index] = fd;
    }
    *out = fd;
    return fd->is_closing ? -EBADF : 0;
}

static void fd_drop(weft_loop *loop, struct wf_fd *fd)
{
    assert(wf_list_is_empty(&fd->ops));
    loop->backend->forget(loop, fd);
    loop->ops.fds[fd->number - loop->backend->fd_base] = NULL;
    wf_free(fd);
}

static void fd_cancel_all(weft_loop *loop, struct wf_fd *fd, int end_code)
{
    wf_list_each_safe (pos, &fd->ops) {
        weft_op *op = wf_container(pos, weft_op, fd_link);
        op->end_code = end_code;
        weft_op_cancel(loop, op);
    }
}

/* The kernel just gave us this number as new: what we know of it is about a descriptor that others
 * have closed.  What waits on that one ends by itself, and is none of the new one's: it must
 * neither keep its sides busy nor lend it a registration that is gone. */
static void fd_forget_predecessor(weft_loop *loop, int number)
{
    struct wf_fd *fd = wf_fd_find(loop, number);
    if (fd == NULL || fd->is_closing) /* which ends with the last of them */
        return;
    fd_cancel_all(loop, fd, -EBADF);
    while (wf_list_pop(&fd->ops) != NULL)
        ;
    fd_drop(loop, fd);
}

/* Closes the number, and wakes those that wait for a free one (weft_defer_until_close). */
static int fd_release(weft_loop *loop, int number)
{
    wf_list_splice(&loop->deferred, &loop->until_close);
    return wf_sys_close(number);
}

static void fd_finish_close(weft_loop *loop, struct wf_fd *fd)
{
    void (*closed)(void *arg) = fd->closed;
    void *arg = fd->closed_arg;
    int number = fd->number;
    fd_drop(loop, fd);
    (void)fd_release(loop, number);
    if (closed != NULL)
        closed(arg);
}

int weft_fd_close(weft_loop *loop, int number, void (*done)(void *arg), void *arg)
{
    struct wf_fd *fd = wf_fd_find(loop, number);
    if (number < 0 || (fd != NULL && fd->is_closing))
        return -EBADF;
    wf_closed_fd(number);
    if (fd != NULL && !wf_list_is_empty(&fd->ops)) {
        fd->is_closing = true;
        fd->closed = done;
        fd->closed_arg = arg;
        fd_cancel_all(loop, fd, -EBADF);
        return 0;
    }
    if (fd != NULL)
        fd_drop(loop, fd);
    int rc = fd_release(loop, number);
    return rc < 0 ? rc : 1;
}

/* ---- operations ---- */

static bool args_have_fd(const weft_op_args *args)
{
    return args->kind != WEFT_OP_NOP && args->path == NULL;
}

static enum wf_fd_side args_side(const weft_op_args *args)
{
    switch (args->kind) {
    case WEFT_OP_READ:
        return args->offset >= 0 ? WF_FD_ANY : WF_FD_READ;
    case WEFT_OP_WRITE:
        return args->offset >= 0 ? WF_FD_ANY : WF_FD_WRITE;
    case WEFT_OP_RECV:
    case WEFT_OP_RECV_MANY:
    case WEFT_OP_ACCEPT:
    case WEFT_OP_ACCEPT_MANY:
        return WF_FD_READ;
    case WEFT_OP_SEND:
    case WEFT_OP_CONNECT:
        return WF_FD_WRITE;
    default:
        return WF_FD_ANY;
    }
}

static bool fd_side_is_busy(const struct wf_fd *fd, enum wf_fd_side side)
{
    if (side == WF_FD_ANY)
        return false;
    wf_list_each (pos, &fd->ops) {
        if (wf_container(pos, weft_op, fd_link)->fd_side == side)
            return true;
    }
    return false;
}

static int op_attach(weft_loop *loop, weft_op *op)
{
    wf_list_init(&op->fd_link);
    if (!args_have_fd(&op->args))
        return 0;
    struct wf_fd *fd;
    int rc = fd_get(loop, op->args.fd, &fd);
    if (rc < 0)
        return rc;
    if (fd_side_is_busy(fd, op->fd_side))
        return -EBUSY;
    wf_list_append(&fd->ops, &op->fd_link);
    return 0;
}

int wf_op_fault(int kind)
{
    static const struct {
        const char *point;
        int rc;
    } faults[WEFT_OP_KIND_COUNT] = {
        [WEFT_OP_READ] = {"read", -EIO},
        [WEFT_OP_WRITE] = {"write", -EIO},
        [WEFT_OP_RECV] = {"recv", -ECONNRESET},
        [WEFT_OP_SEND] = {"send", -ECONNRESET},
        [WEFT_OP_ACCEPT] = {"accept", -EMFILE},
        [WEFT_OP_CONNECT] = {"connect", -ECONNREFUSED},
        [WEFT_OP_ACCEPT_MANY] = {"accept", -EMFILE},
        [WEFT_OP_RECV_MANY] = {"recv", -ECONNRESET},
        [WEFT_OP_OPEN] = {"open", -EMFILE},
        [WEFT_OP_FSYNC] = {"fsync", -EIO},
        [WEFT_OP_TRUNCATE] = {"truncate", -EIO},
        [WEFT_OP_STAT] = {"stat", -EIO},
        [WEFT_OP_RENAME] = {"rename", -EIO},
        [WEFT_OP_UNLINK] = {"unlink", -EIO},
        [WEFT_OP_MKDIR] = {"mkdir", -ENOSPC},
        [WEFT_OP_READDIR] = {"readdir", -EIO},
        [WEFT_OP_OPEN_BENEATH] = {"open_beneath", -EMFILE},
    };
    if (faults[kind].point != NULL && WEFT_FAULT(WEFT_FAULT_CALL, faults[kind].point))
        return faults[kind].rc;
    return 0;
}

/* True if the operation is about a file.  A transfer at the descriptor's own position may be
 * either; only a virtual clock needs to know. */
static bool is_of_disk(const weft_loop *loop, const weft_op_args *args)
{
    struct stat status;
    if (wf_op_is_file(args))
        return true;
    if (args->kind > WEFT_OP_WRITE || loop->platform->advance == NULL || args->kind == WEFT_OP_NOP)
        return false;
    return loop->platform->fstat(args->fd, &status) == 0 && S_ISREG(status.st_mode);
}

int weft_op_start(weft_loop *loop, const weft_op_args *args, weft_op_fn *fn, void *arg,
                  weft_op **out)
{
    if (args->kind < WEFT_OP_NOP || args->kind >= WEFT_OP_KIND_COUNT)
        return -EINVAL;
    if (WEFT_FAULT(WEFT_FAULT_CALL, "op_start"))
        return -EAGAIN;
    weft_op *op;
    int rc = op_new(&loop->ops, &op);
    if (rc < 0)
        return rc;

    loop->ops.made[args->kind]++;
    op->state = WF_OP_PENDING;
    op->stage = 0;
    op->is_waiting = false;
    op->fd_side = (uint8_t)args_side(args);
    op->args = *args;
    op->fn = fn;
    op->arg = arg;
    op->result = 0;
    op->end_code = -ECANCELED;
    wf_list_init(&op->link);
    if (args->is_idle)
        loop->ops.idle++;
    op->is_of_disk = is_of_disk(loop, args);
    if (op->is_of_disk)
        weft_loop_hold(loop); /* a disk always answers: a virtual clock waits for it */

    rc = op_attach(loop, op);
    if (rc < 0)
        goto fail;
    rc = loop->backend->submit(loop, op);
    if (rc < 0)
        goto fail;
    *out = op;
    return 0;
fail:
    wf_list_remove(&op->fd_link);
    op_free(loop, op);
    return rc;
}

/* Opens and stats that need no disk are done at once; -EAGAIN for all else. */
static int file_try(weft_loop *loop, const weft_op_args *args)
{
    int rc = -EAGAIN;
    if (args->kind == WEFT_OP_OPEN_BENEATH) {
        rc = wf_file_open_cached(args);
        if (rc >= 0)
            fd_forget_predecessor(loop, rc);
    } else if (args->kind == WEFT_OP_STAT && args->path == NULL &&
               (args->flags & AT_STATX_DONT_SYNC) != 0) {
        rc = wf_file_stat_cached(args);
    }
    return rc;
}

int weft_op_try(weft_loop *loop, const weft_op_args *args)
{
    if (args->kind >= WEFT_OP_OPEN && args->kind < WEFT_OP_KIND_COUNT) {
        int done = file_try(loop, args);
        loop->ops.made[args->kind] += done != -EAGAIN;
        return done;
    }
    bool is_file_read =
        args->kind == WEFT_OP_READ && args->offset >= 0 && loop->platform->read_cached != NULL;
    if ((loop->backend->try == NULL && !is_file_read) || (unsigned)args->kind >= WEFT_OP_POLL)
        return -EAGAIN;
    struct wf_fd *fd = wf_fd_find(loop, args->fd);
    if (fd != NULL) {
        if (fd->is_closing)
            return -EBADF;
        if (fd_side_is_busy(fd, args_side(args)))
            return -EBUSY;
    }
    int rc = is_file_read ? wf_file_read_cached(args) : loop->backend->try(loop, args);
    loop->ops.made[args->kind] += rc != -EAGAIN;
    return rc;
}

void weft_op_cancel(weft_loop *loop, weft_op *op)
{
    assert(op->state != WF_OP_FREE);
    if (op->state != WF_OP_PENDING)
        return;
    op->state = WF_OP_CANCELLING;
    loop->backend->cancel(loop, op);
}

uint32_t wf_ops_count_pending(const weft_loop *loop)
{
    uint32_t count = 0;
    for (uint32_t i = 0; i < loop->ops.chunk_count * OPS_PER_CHUNK; i++)
        count += op_at(&loop->ops, i)->state == WF_OP_PENDING;
    return count;
}

/* To their users it looks as if every descriptor were closed, but they are not ours to close. */
void wf_ops_end(weft_loop *loop)
{
    loop->ops.is_over = true;
    loop->ops.used_max = 0;
    for (uint32_t i = 0; i < loop->ops.chunk_count * OPS_PER_CHUNK; i++) {
        weft_op *op = op_at(&loop->ops, i);
        if (op->state != WF_OP_PENDING)
            continue;
        op->end_code = -EBADF;
        weft_op_cancel(loop, op);
    }
}

void wf_op_complete(weft_loop *loop, weft_op *op, const weft_completion *completion)
{
    assert(op->state != WF_OP_FREE);
    if (op->args.kind == WEFT_OP_RECV_MANY && !completion->is_final && completion->result > 0) {
        op->fn(op, completion, op->arg); /* nothing ends with it, and no descriptor is new */
        return;
    }
    weft_completion told = *completion;
    weft_op_fn *fn = op->fn;
    void *arg = op->arg;
    int number = args_have_fd(&op->args) ? op->args.fd : -1;
    bool is_opening = op->args.kind == WEFT_OP_ACCEPT || op->args.kind == WEFT_OP_ACCEPT_MANY ||
                      op->args.kind == WEFT_OP_OPEN || op->args.kind == WEFT_OP_OPEN_BENEATH;

    if (told.result == -ECANCELED && op->state == WF_OP_CANCELLING)
        told.result = op->end_code;
    if (told.is_final) {
        wf_list_remove(&op->link);
        wf_list_remove(&op->fd_link);
        op_free(loop, op);
    }
    if (is_opening && told.result >= 0)
        fd_forget_predecessor(loop, told.result);

    fn(op, &told, arg);

    struct wf_fd *fd = told.is_final ? wf_fd_find(loop, number) : NULL;
    if (fd != NULL && fd->is_closing && wf_list_is_empty(&fd->ops))
        fd_finish_close(loop, fd);
}

void wf_op_finish(weft_loop *loop, weft_op *op, int result)
{
    weft_completion completion = {.result = result, .is_final = true};
    wf_op_complete(loop, op, &completion);
}
