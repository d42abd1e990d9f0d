/* SPDX-License-Identifier: MIT */

/*
 * What does the kernel allow a plain-text HTTP server on io_uring?  One thread, multishot accept
 * and receive, sends as submissions, one system call a turn; no parser, no limits, no timeouts. The
 * ring is opened by the same code as the runtime's.
 */

#include "limit.h"

#include "core/backend/uring_buffers.h"
#include "core/backend/uring_ring.h"

enum { ACCEPT, RECEIVE, SEND };

static struct wf_ring ring;
static struct wf_uring_buffers buffers;
static unsigned matched[1 << 16]; /* by descriptor */

static struct io_uring_sqe *submit(uint8_t opcode, int fd, uint64_t kind)
{
    struct io_uring_sqe *sqe = wf_ring_get_sqe(&ring);
    if (sqe == NULL)
        http_load_die("the ring is full");
    sqe->opcode = opcode;
    sqe->fd = fd;
    sqe->user_data = kind << 32 | (uint32_t)fd;
    return sqe;
}

static void arm_accept(int listener)
{
    struct io_uring_sqe *sqe = submit(IORING_OP_ACCEPT, listener, ACCEPT);
    sqe->ioprio = IORING_ACCEPT_MULTISHOT;
    sqe->accept_flags = SOCK_NONBLOCK | SOCK_CLOEXEC;
}

static void arm_receive(int fd)
{
    struct io_uring_sqe *sqe = submit(IORING_OP_RECV, fd, RECEIVE);
    sqe->ioprio = IORING_RECV_MULTISHOT;
    sqe->flags = IOSQE_BUFFER_SELECT;
    sqe->buf_group = WF_URING_BUFFER_GROUP;
}

static void answer(int fd, size_t requests)
{
    struct io_uring_sqe *sqe = submit(IORING_OP_SEND, fd, SEND);
    sqe->addr = (uint64_t)(uintptr_t)limit_answers;
    sqe->len = (uint32_t)(requests * LIMIT_ANSWER_BYTES);
    sqe->msg_flags = MSG_NOSIGNAL | MSG_WAITALL;
    if (ring.features & WF_RING_CQE_SKIP)
        sqe->flags = IOSQE_CQE_SKIP_SUCCESS;
}

static void received(int fd, const struct io_uring_cqe *cqe)
{
    if (cqe->res > 0) {
        uint16_t id = (uint16_t)(cqe->flags >> IORING_CQE_BUFFER_SHIFT);
        const char *bytes = wf_uring_buffers_get(&buffers, id);
        size_t requests = limit_count(bytes, (size_t)cqe->res, &matched[fd]);
        wf_uring_buffers_put(&buffers, id);
        if (requests != 0)
            answer(fd, requests);
    } else if (cqe->res != -ENOBUFS) {
        close(fd);
        return;
    }
    if (!(cqe->flags & IORING_CQE_F_MORE))
        arm_receive(fd);
}

static void completed(const struct io_uring_cqe *cqe)
{
    int fd = (int)(uint32_t)cqe->user_data;
    switch (cqe->user_data >> 32) {
    case ACCEPT:
        if (cqe->res < 0 || cqe->res >= 1 << 16)
            http_load_die("accept");
        matched[cqe->res] = 0;
        arm_receive(cqe->res);
        if (!(cqe->flags & IORING_CQE_F_MORE))
            arm_accept(fd);
        break;
    case RECEIVE:
        received(fd, cqe);
        break;
    default:
        break; /* a send that failed: its receive says so too */
    }
}

static int serve(const struct server_bench *bench)
{
    int port, listener = limit_listen(bench->port, &port);
    int rc = wf_ring_open(&ring, 1024, 0);
    if (rc == 0)
        rc = wf_uring_buffers_open(&buffers, &ring);
    if (rc < 0) {
        fprintf(stderr, "io_uring: %s\n", strerror(-rc));
        return 1;
    }
    arm_accept(listener);
    if (server_bench_ready(bench, port) < 0)
        return 1;
    for (;;) {
        (void)wf_ring_enter(&ring, WEFT_FOREVER);
        for (uint32_t count = wf_ring_completed(&ring); count > 0; count--) {
            struct io_uring_cqe cqe;
            wf_ring_take(&ring, &cqe);
            completed(&cqe);
        }
    }
}

int main(int argc, char **argv)
{
    struct server_bench bench = {.name = "limit io_uring", .serve = serve};
    return server_bench_main(&bench, argc, argv);
}
