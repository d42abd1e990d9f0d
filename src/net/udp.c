/* SPDX-License-Identifier: MIT */

/*
 * Datagram sockets.  A call tries at once, many datagrams by one system call; if there is nothing
 * to move it waits for the descriptor to be ready and tries again.  No operation of the kernel ever
 * holds a buffer, so a cancel has nothing to take back, and any number of tasks may wait.
 */

#include <weft/udp.h>

#include <weft/error.h>
#include <weft/sys/loop.h>
#include <weft/sys/opened.h>
#include <weft/sys/park.h>

#include "base/alloc.h"
#include "base/sys.h"

#include <assert.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define UDP_STACK_BATCH 8 /* message heads on the stack of a task; more go to the heap */

struct weft_udp {
    weft_loop *loop;
    weft_addr addr;
    int fd;
    uint32_t users;   /* tasks inside a call */
    bool is_closed;   /* by weft_udp_close */
    bool is_released; /* the descriptor is closed */
    bool owns_path;   /* the Unix socket file is ours to remove */
};

/* ---- life ---- */

static void udp_drop(weft_udp *udp)
{
    if (udp->is_closed && udp->is_released && udp->users == 0)
        wf_free(udp);
}

static void udp_released(void *arg)
{
    weft_udp *udp = arg;
    udp->is_released = true;
    udp_drop(udp);
}

static bool addr_has_path(const weft_addr *addr)
{
    struct sockaddr_un un = {0};
    memcpy(&un, &addr->storage, addr->bytes < sizeof un ? addr->bytes : sizeof un);
    return un.sun_family == AF_UNIX && un.sun_path[0] != '\0';
}

static void udp_remove_path(const weft_udp *udp)
{
    struct sockaddr_un un = {0};
    if (!udp->owns_path)
        return;
    memcpy(&un, &udp->addr.storage, sizeof un);
    (void)wf_sys_unlink(un.sun_path);
}

static void udp_name(const void *object, char *out, size_t bytes)
{
    char addr[WEFT_ADDR_TEXT_BYTES];
    if (weft_addr_format(&((const weft_udp *)object)->addr, addr, sizeof addr) >= 0)
        snprintf(out, bytes, "on %s", addr);
}

static const weft_open_kind udp_kind = {"datagram socket", "weft_udp_close()", udp_name};

/* A socket of the address' family; `bind_or_connect` gives it its place. */
static int udp_make(weft_udp **out, const weft_addr *addr,
                    int (*bind_or_connect)(int fd, const struct sockaddr *addr, socklen_t bytes))
{
    weft_loop *loop = weft_loop_self();
    if (loop == NULL)
        return -EPERM;
    weft_udp *udp = wf_alloc(sizeof *udp);
    if (udp == NULL)
        return -ENOMEM;
    udp->loop = loop;
    int rc = wf_sys_socket(addr->storage.ss_family, SOCK_DGRAM, 0);
    udp->fd = rc;
    if (rc >= 0)
        rc = bind_or_connect(udp->fd, (const struct sockaddr *)&addr->storage, addr->bytes);
    if (rc < 0)
        goto fail;
    udp->owns_path = bind_or_connect == wf_sys_bind && addr_has_path(addr);
    udp->addr = *addr;
    socklen_t bytes = sizeof udp->addr.storage;
    rc = wf_sys_getsockname(udp->fd, (struct sockaddr *)&udp->addr.storage, &bytes);
    if (rc < 0)
        goto fail;
    udp->addr.bytes = bytes;
    weft_opened(udp, &udp_kind);
    *out = udp;
    return 0;
fail:
    udp_remove_path(udp);
    wf_sys_close(udp->fd);
    wf_free(udp);
    return rc;
}

int weft_udp_open(weft_udp **out, const weft_addr *addr)
{
    return udp_make(out, addr, wf_sys_bind);
}

int weft_udp_connect(weft_udp **out, const weft_addr *peer)
{
    return udp_make(out, peer, wf_sys_connect);
}

const weft_addr *weft_udp_get_addr(const weft_udp *udp)
{
    return &udp->addr;
}

void weft_udp_close(weft_udp *udp)
{
    if (udp == NULL)
        return;
    assert(!udp->is_closed);
    weft_closed(udp, &udp_kind);
    udp->is_closed = true;
    udp_remove_path(udp);
    if (weft_fd_close(udp->loop, udp->fd, udp_released, udp) != 0)
        udp_released(udp);
}

/* ---- moving ---- */

typedef int udp_call(int fd, struct mmsghdr *messages, unsigned count);

/* Calls until something moved or failed: how many messages did, or -errno.  The socket may be gone
 * after. */
static int udp_move(weft_udp *udp, udp_call *call, short events, struct mmsghdr *messages,
                    unsigned count)
{
    int rc = weft_loop_check(udp->loop, "datagram socket");
    if (rc == 0)
        rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    udp->users++;
    do {
        rc = udp->is_closed ? -EBADF : call(udp->fd, messages, count);
        if (rc < 0 && rc != -EAGAIN)
            (void)weft_fail(rc, "%s", ""); /* an earlier failure's text does not explain it */
        if (rc != -EAGAIN)
            break;
        rc = weft_op_wait(
            &(weft_op_args){.kind = WEFT_OP_POLL, .fd = udp->fd, .flags = (uint32_t)events});
    } while (rc >= 0);
    udp->users--;
    udp_drop(udp);
    return rc;
}

/* ---- one ---- */

ssize_t weft_udp_send(weft_udp *udp, const void *buf, size_t bytes, const weft_addr *to)
{
    struct iovec part = {.iov_base = (void *)buf, .iov_len = bytes};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    if (to != NULL) {
        message.msg_hdr.msg_name = (void *)&to->storage;
        message.msg_hdr.msg_namelen = to->bytes;
    }
    int rc = udp_move(udp, wf_sys_send_many, POLLOUT, &message, 1);
    return rc < 0 ? rc : (ssize_t)message.msg_len;
}

ssize_t weft_udp_recv(weft_udp *udp, void *buf, size_t bytes, weft_addr *out_from)
{
    struct iovec part = {.iov_base = buf, .iov_len = bytes};
    struct mmsghdr message = {.msg_hdr = {.msg_iov = &part, .msg_iovlen = 1}};
    if (out_from != NULL) {
        message.msg_hdr.msg_name = &out_from->storage;
        message.msg_hdr.msg_namelen = sizeof out_from->storage;
    }
    int rc = udp_move(udp, wf_sys_recv_many, POLLIN, &message, 1);
    if (rc < 0)
        return rc;
    if (out_from != NULL)
        out_from->bytes = message.msg_hdr.msg_namelen;
    return (ssize_t)message.msg_len;
}

/* ---- many ---- */

struct udp_batch {
    struct mmsghdr *messages;
    struct iovec *parts;
    struct mmsghdr few_messages[UDP_STACK_BATCH];
    struct iovec few_parts[UDP_STACK_BATCH];
};

static int batch_open(struct udp_batch *batch, size_t count)
{
    batch->messages = batch->few_messages;
    batch->parts = batch->few_parts;
    if (count > UDP_STACK_BATCH) {
        batch->messages = wf_array(count, sizeof *batch->messages + sizeof *batch->parts);
        if (batch->messages == NULL)
            return -ENOMEM;
        batch->parts = (struct iovec *)(batch->messages + count);
    }
    return 0;
}

static void batch_close(struct udp_batch *batch)
{
    if (batch->messages != batch->few_messages)
        wf_free(batch->messages);
}

static void batch_put(struct udp_batch *batch, size_t at, const weft_datagram *datagram,
                      size_t addr_bytes)
{
    batch->parts[at] = (struct iovec){.iov_base = datagram->buf, .iov_len = datagram->bytes};
    batch->messages[at] = (struct mmsghdr){
        .msg_hdr = {.msg_iov = &batch->parts[at], .msg_iovlen = 1},
    };
    if (addr_bytes != 0) {
        batch->messages[at].msg_hdr.msg_name = (void *)&datagram->addr.storage;
        batch->messages[at].msg_hdr.msg_namelen = (socklen_t)addr_bytes;
    }
}

static size_t batch_count(size_t count)
{
    return count < WEFT_UDP_BATCH_MAX ? count : WEFT_UDP_BATCH_MAX;
}

int weft_udp_send_many(weft_udp *udp, const weft_datagram *datagrams, size_t count)
{
    struct udp_batch batch;
    size_t sent = 0;
    int rc = batch_open(&batch, batch_count(count));
    if (rc < 0)
        return rc;
    while (rc >= 0 && sent < count) {
        size_t step = batch_count(count - sent);
        for (size_t i = 0; i < step; i++)
            batch_put(&batch, i, &datagrams[sent + i], datagrams[sent + i].addr.bytes);
        rc = udp_move(udp, wf_sys_send_many, POLLOUT, batch.messages, (unsigned)step);
        sent += rc > 0 ? (size_t)rc : 0;
    }
    batch_close(&batch);
    return sent != 0 ? (int)sent : rc;
}

int weft_udp_recv_many(weft_udp *udp, weft_datagram *datagrams, size_t count)
{
    struct udp_batch batch;
    count = batch_count(count);
    int rc = batch_open(&batch, count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < count; i++)
        batch_put(&batch, i, &datagrams[i], sizeof datagrams[i].addr.storage);
    rc = count != 0 ? udp_move(udp, wf_sys_recv_many, POLLIN, batch.messages, (unsigned)count) : 0;
    for (int i = 0; i < rc; i++) {
        datagrams[i].bytes = batch.messages[i].msg_len;
        datagrams[i].addr.bytes = batch.messages[i].msg_hdr.msg_namelen;
        datagrams[i].is_cut = (batch.messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    }
    batch_close(&batch);
    return rc;
}
