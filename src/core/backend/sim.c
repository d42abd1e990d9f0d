/* SPDX-License-Identifier: MIT */

/*
 * The simulator's back end: operations on simulated descriptors.
 *
 *     submit -> DELAYED (a timer) -> TRYING (waits on its socket)
 *            -> DONE (in world->done) -> delivered
 *
 * An operation has its effect when it becomes DONE and is told of it when the loop polls next, in
 * an order by the seed.  Between the two a cancel comes too late, as with a kernel.  The _MANY
 * kinds have each effect when it is delivered: DONE then means that there is something to do.
 */

#include "core/backend/backend_priv.h"

#include "base/sys.h"
#include "core/backend/file_call.h"
#include "core/loop/loop_priv.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_trace.h"
#include "core/sim/sim_world.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define SIM_CHOICE_MAX 64 /* of how many the next completion is chosen */

enum sim_stage { SIM_OP_DELAYED, SIM_OP_TRYING, SIM_OP_READY, SIM_OP_DONE };

static struct sim_world *world_of(weft_loop *loop)
{
    return loop->backend_state;
}

static uint64_t trace_name(const weft_op_args *args)
{
    return (uint64_t)args->kind << 32 | (uint32_t)args->fd;
}

/* ---- doing one ---- */

static int do_connect(struct sim_socket *socket, const weft_op_args *args, bool is_again)
{
    if (is_again && socket->state == SIM_CONNECTED)
        return 0;
    if (is_again && socket->error != 0)
        return wf_sim_socket_take_error(socket);
    if (is_again && socket->state == SIM_CONNECTING)
        return -EAGAIN;
    int rc = wf_sim_socket_connect(socket, args->buf, (socklen_t)args->bytes);
    return rc == -EINPROGRESS ? -EAGAIN : rc;
}

static int do_poll(const struct sim_socket *socket, uint32_t wanted)
{
    int there = wf_sim_socket_events(socket) & ((int)wanted | POLLERR | POLLHUP);
    return there != 0 ? there : -EAGAIN;
}

/* The result, or -EAGAIN.  `is_again`: it was tried before. */
static int do_args(struct sim_socket *socket, const weft_op_args *args, bool is_again)
{
    struct sim_addr peer;
    bool is_socket_call = args->kind != WEFT_OP_READ && args->kind != WEFT_OP_WRITE;
    if (is_socket_call && args->kind != WEFT_OP_POLL && socket->domain == AF_UNSPEC)
        return -ENOTSOCK;
    switch (args->kind) {
    case WEFT_OP_READ:
        return (int)wf_sim_socket_recv(socket, args->buf, args->bytes, 0);
    case WEFT_OP_RECV:
        return (int)wf_sim_socket_recv(socket, args->buf, args->bytes, (int)args->flags);
    case WEFT_OP_RECV_MANY:
        return (int)wf_sim_socket_recv(socket, socket->world->chunk, SIM_CHUNK_BYTES, 0);
    case WEFT_OP_WRITE:
    case WEFT_OP_SEND:
        return (int)wf_sim_socket_send(socket, args->buf, args->bytes);
    case WEFT_OP_ACCEPT:
    case WEFT_OP_ACCEPT_MANY:
        return wf_sim_socket_accept(socket, &peer);
    case WEFT_OP_CONNECT:
        return do_connect(socket, args, is_again);
    default:
        return do_poll(socket, args->flags);
    }
}

/* ---- buffers: until it is done the sender's bytes are ours to read, nobody's to change ---- */

static bool op_sends(const weft_op *op)
{
    return op->args.kind == WEFT_OP_SEND || op->args.kind == WEFT_OP_WRITE;
}

/* Kept in `result`, which is free until there is one. */
static int op_checksum(const weft_op *op)
{
    return (int)(uint32_t)wf_sim_hash_bytes(op->args.buf, op->args.bytes);
}

static void op_verify_buffer(const weft_op *op)
{
    if (!op_sends(op) || op->result == op_checksum(op))
        return;
    char text[96];
    int len = snprintf(text, sizeof text,
                       "weft: the buffer of a send on descriptor %d changed before it was done\n",
                       op->args.fd);
    (void)wf_sys_write(STDERR_FILENO, text, (size_t)len);
    abort();
}

/* ---- stages ---- */

static void op_settle(struct sim_world *world, weft_op *op, int result)
{
    wf_list_remove(&op->link);
    op->stage = SIM_OP_DONE;
    op->result = result;
    wf_list_append(&world->done, &op->link);
}

/* What ends at once is ready, too. */
static bool op_is_ready(struct sim_socket *socket, const weft_op *op)
{
    if (op->args.kind == WEFT_OP_ACCEPT_MANY && socket->state != SIM_LISTENING)
        return true;
    int events = wf_sim_socket_events(socket);
    return (events & (POLLIN | POLLERR | POLLHUP)) != 0;
}

/* Tries an operation that waits; it stays where it is or becomes READY or DONE. */
static void op_attempt(struct sim_world *world, weft_op *op, bool is_again)
{
    struct sim_socket *socket = wf_sim_socket_of(world, op->args.fd);
    assert(socket != NULL);
    if (op->stage == SIM_OP_DELAYED)
        return;
    if (wf_op_is_many(op)) {
        if (!op_is_ready(socket, op))
            return;
        wf_list_remove(&op->link);
        op->stage = SIM_OP_READY;
        wf_list_append(&world->done, &op->link);
        return;
    }
    op_verify_buffer(op);
    int result = do_args(socket, &op->args, is_again);
    if (result != -EAGAIN)
        op_settle(world, op, result);
}

static void op_do_file(struct sim_world *world, weft_op *op)
{
    op_verify_buffer(op);
    op_settle(world, op, wf_file_call(&world->table, &op->args));
}

static void op_begin(struct sim_world *world, weft_op *op)
{
    op->stage = SIM_OP_TRYING;
    if (op->args.kind == WEFT_OP_NOP)
        op_settle(world, op, 0);
    else if (wf_op_is_file(&op->args))
        op_do_file(world, op);
    else
        op_attempt(world, op, /* is_again= */ false);
}

static void op_timer(weft_timer *timer)
{
    op_begin(wf_sim_world_self(), wf_container(timer, weft_op, timer));
}

static int sim_submit(weft_loop *loop, weft_op *op)
{
    struct sim_world *world = world_of(loop);
    bool has_fd = op->args.kind != WEFT_OP_NOP && op->args.path == NULL;
    struct sim_socket *socket = has_fd ? wf_sim_socket_of(world, op->args.fd) : NULL;
    if (has_fd && socket == NULL)
        return -EBADF;
    int fault = wf_op_fault(op->args.kind);
    weft_timer_init(&op->timer, op_timer);
    if (fault != 0) {
        op_settle(world, op, fault);
        return 0;
    }
    if (has_fd)
        wf_list_append(&socket->waiting, &op->link); /* also while it is DELAYED */
    if (op_sends(op))
        op->result = op_checksum(op);
    /* What is ready is ready: a poll takes no time in any kernel. */
    bool may_take_time = op->args.kind != WEFT_OP_POLL;
    if (may_take_time && wf_sim_chance(world, world->options.wait_ppm, SIM_CHANCE_WAIT)) {
        op->stage = SIM_OP_DELAYED;
        weft_timer_start(loop, &op->timer, world->now + wf_sim_delay(world));
    } else {
        op_begin(world, op);
    }
    return 0;
}

static int sim_try(weft_loop *loop, const weft_op_args *args)
{
    struct sim_world *world = world_of(loop);
    bool is_output = args->fd == STDOUT_FILENO || args->fd == STDERR_FILENO;
    if (args->kind == WEFT_OP_WRITE && is_output)
        return (int)world->table.write(args->fd, args->buf, args->bytes);
    struct sim_socket *socket = wf_sim_socket_of(world, args->fd);
    if (socket == NULL)
        return args->fd < 0 || args->fd >= SIM_FD_BASE ? -EBADF : -EPERM;
    if (wf_op_is_file(args))
        return -EAGAIN;
    /* A connect that has begun cannot be begun again by the operation that follows. */
    if (args->kind == WEFT_OP_CONNECT ||
        wf_sim_chance(world, world->options.wait_ppm, SIM_CHANCE_WAIT))
        return -EAGAIN;
    int result = wf_op_fault(args->kind);
    if (result == 0)
        result = do_args(socket, args, /* is_again= */ false);
    if (result != -EAGAIN)
        wf_sim_trace(loop, WF_SIM_TRACE_COMPLETE, trace_name(args), (uint64_t)result);
    return result;
}

static void sim_cancel(weft_loop *loop, weft_op *op)
{
    if (op->stage == SIM_OP_DONE)
        return; /* it has happened */
    weft_timer_stop(loop, &op->timer);
    op_settle(world_of(loop), op, -ECANCELED);
}

/* ---- delivering ---- */

static void trace_completion(weft_loop *loop, const weft_op *op, int result)
{
    wf_sim_trace(loop, WF_SIM_TRACE_COMPLETE, trace_name(&op->args), (uint64_t)result);
    const void *data = op->args.kind == WEFT_OP_RECV_MANY ? world_of(loop)->chunk : op->args.buf;
    bool has_bytes = op->args.kind <= WEFT_OP_SEND || op->args.kind == WEFT_OP_RECV_MANY;
    if (has_bytes && result > 0)
        wf_sim_trace(loop, WF_SIM_TRACE_BYTES, wf_sim_hash_bytes(data, (size_t)result),
                     (uint64_t)result);
}

/* One step of a READY operation. */
static int deliver_step(weft_loop *loop, weft_op *op)
{
    struct sim_world *world = world_of(loop);
    struct sim_socket *socket = wf_sim_socket_of(world, op->args.fd);
    wf_list_remove(&op->link);
    op->stage = SIM_OP_TRYING;
    wf_list_append(&socket->waiting, &op->link);
    int result = do_args(socket, &op->args, /* is_again= */ true);
    if (result == -EAGAIN)
        return 0;
    bool is_end = result < 0 || (result == 0 && op->args.kind == WEFT_OP_RECV_MANY);
    if (is_end && !wf_accept_is_soft(result)) {
        trace_completion(loop, op, result);
        wf_op_finish(loop, op, result);
        return 1;
    }
    op_attempt(world, op, /* is_again= */ true); /* READY again, behind the others? */
    trace_completion(loop, op, result);
    bool has_data = op->args.kind == WEFT_OP_RECV_MANY;
    weft_completion completion = {.result = result, .data = has_data ? world->chunk : NULL};
    wf_op_complete(loop, op, &completion);
    return 1;
}

static int deliver_one(weft_loop *loop, weft_op *op)
{
    if (op->stage == SIM_OP_READY)
        return deliver_step(loop, op);
    trace_completion(loop, op, op->result);
    wf_op_finish(loop, op, op->result);
    return 1;
}

/* Each loop is told of its own. */
static bool is_of_loop(weft_loop *loop, const wf_list *link)
{
    weft_op *op = wf_container((wf_list *)(uintptr_t)link, weft_op, link);
    return wf_op_of_token(loop, wf_op_token(op)) == op;
}

static uint32_t done_count(weft_loop *loop)
{
    uint32_t count = 0;
    wf_list_each (pos, &world_of(loop)->done)
        count += is_of_loop(loop, pos);
    return count;
}

/* One of the first `count`, or of those that are left of them. */
static weft_op *pick(weft_loop *loop, uint32_t count)
{
    struct sim_world *world = world_of(loop);
    uint64_t skip = wf_sim_below(world, count < SIM_CHOICE_MAX ? count : SIM_CHOICE_MAX);
    weft_op *op = NULL;
    wf_list_each (pos, &world->done) {
        if (!is_of_loop(loop, pos))
            continue;
        op = wf_container(pos, weft_op, link);
        if (skip-- == 0)
            break;
    }
    return op;
}

static void try_dirty(struct sim_world *world)
{
    wf_list *pos;
    while ((pos = wf_list_pop(&world->dirty)) != NULL) {
        struct sim_socket *socket = wf_container(pos, struct sim_socket, dirty_link);
        wf_list_each_safe (waiting, &socket->waiting)
            op_attempt(world, wf_container(waiting, weft_op, link), /* is_again= */ true);
    }
}

static int sim_poll(weft_loop *loop, weft_time timeout)
{
    struct sim_world *world = world_of(loop);
    try_dirty(world);
    int told = 0;
    /* What callbacks make ready is for the next time. */
    for (uint32_t left = done_count(loop); left > 0; left--) {
        weft_op *op = pick(loop, left);
        if (op == NULL)
            break;
        told += deliver_one(loop, op);
    }
    bool is_idle = told == 0 && wf_list_is_empty(&world->done) && wf_list_is_empty(&world->dirty);
    if (is_idle && timeout > 0 && timeout != WEFT_FOREVER)
        wf_sim_advance(world->now + timeout);
    return told;
}

bool wf_sim_is_still(const weft_loop *loop)
{
    const struct sim_world *world = loop->backend_state;
    return wf_list_is_empty(&world->done) && wf_list_is_empty(&world->dirty);
}

static int sim_open(weft_loop *loop, const weft_loop_options *options)
{
    return wf_sim_world_open(loop, options->seed);
}

static void sim_forget(weft_loop *loop, struct wf_fd *fd)
{
    (void)loop;
    (void)fd;
}

/* Nothing outside knows this world's clock. */
static int sim_descriptor(weft_loop *loop)
{
    (void)loop;
    return -EPERM;
}

static void sim_wake_up(weft_loop *loop)
{
    (void)loop; /* it never sleeps */
}

const struct wf_backend wf_backend_sim = {
    .name = "sim",
    .fd_base = SIM_FD_BASE,
    .open = sim_open,
    .close = wf_sim_world_close,
    .submit = sim_submit,
    .try = sim_try,
    .cancel = sim_cancel,
    .poll = sim_poll,
    .forget = sim_forget,
    .descriptor = sim_descriptor,
    .wake = sim_wake_up,
};
