/* SPDX-License-Identifier: MIT */

/* What the tests of operations share: a loop on each back end, and what an operation told. */
#ifndef WF_TESTS_OPS_FIXTURE_H
#define WF_TESTS_OPS_FIXTURE_H

#include "base/sys.h"
#include "core/backend/backend_priv.h"
#include "core/loop/loop_priv.h"
#include "harness/harness.h"
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- on each back end, and what it can do without ---- */

struct variant {
    const char *backend, *mask;
};

static const struct variant variants[] = {
    {"sim", ""},
    {"auto", ""},
    {"epoll", ""},
    {"io_uring", ""},
    {"io_uring", "no_sqarray"},
    {"io_uring", "defer"},
    {"io_uring", "defer,coop"},
    {"io_uring", "recv_multishot"},
    {"io_uring", "accept_multishot"},
    {"io_uring", "buffers"},
    {"io_uring", "registered,cqe_skip"},
    {"io_uring", "files"},
    {"io_uring",
     "no_sqarray,defer,coop,registered,accept_multishot,recv_multishot,buffers,cqe_skip"},
};
#define VARIANTS_COUNT (sizeof variants / sizeof variants[0])

static uint32_t queue_depth;

static inline void on_each(void (*body)(weft_loop *loop))
{
    use_real_time();
    for (size_t i = 0; i < VARIANTS_COUNT; i++) {
        if (strcmp(variants[i].backend, test_backend()) != 0)
            continue;
        note("without '%s'", variants[i].mask);
        setenv("WEFT_URING_MASK", variants[i].mask, 1);
        weft_loop_options options = {
            .backend = test_config().backend, .seed = test_seed(), .queue_depth = queue_depth};
        weft_loop *loop;
        CHECK_OK(weft_loop_new(&loop, &options));
        body(loop);
        CHECK_EQ(loop->ops.used, 0u);
        weft_loop_free(loop);
    }
}

#define LOOP_TEST(name_)                                                                           \
    static void loop_##name_(weft_loop *loop);                                                     \
    RUN_TEST(name_)                                                                                \
    {                                                                                              \
        on_each(loop_##name_);                                                                     \
    }                                                                                              \
    static void loop_##name_(weft_loop *loop)

/* Of descriptors that are really the kernel's. */
#define KERNEL_LOOP_TEST(name_)                                                                    \
    static void loop_##name_(weft_loop *loop);                                                     \
    KERNEL_TEST(name_)                                                                             \
    {                                                                                              \
        on_each(loop_##name_);                                                                     \
    }                                                                                              \
    static void loop_##name_(weft_loop *loop)

/* ---- what an operation told ---- */

struct outcome {
    int told, finals, result; /* of the last */
    int64_t total;            /* bytes, or descriptors, of those before the final */
    unsigned char *bytes;     /* RECV_MANY: what came; NULL: not kept */
    int fds[64];
    bool is_starting; /* a completion now would come from inside the call */
};

static inline void on_told(weft_op *op, const weft_completion *completion, void *arg)
{
    struct outcome *outcome = arg;
    (void)op;
    CHECK(!outcome->is_starting);
    CHECK_EQ(outcome->finals, 0);
    if (completion->data != NULL) {
        if (outcome->bytes != NULL)
            memcpy(outcome->bytes + outcome->total, completion->data, (size_t)completion->result);
        outcome->total += completion->result;
    } else if (!completion->is_final) {
        if (outcome->total < 64)
            outcome->fds[outcome->total] = completion->result;
        outcome->total++;
    }
    outcome->told++;
    outcome->result = completion->result;
    outcome->finals += completion->is_final;
}

static inline int start_args(weft_loop *loop, struct outcome *outcome, weft_op **out,
                             const weft_op_args *args)
{
    unsigned char *bytes = outcome->bytes;
    weft_op *op = NULL;
    *outcome = (struct outcome){.is_starting = true, .bytes = bytes};
    int rc = weft_op_start(loop, args, on_told, outcome, &op);
    outcome->is_starting = false;
    if (rc == 0 && out != NULL)
        *out = op;
    return rc;
}

#define START(loop_, outcome_, out_, ...)                                                          \
    CHECK_OK(start_args((loop_), (outcome_), (out_), &(weft_op_args){__VA_ARGS__}))

/* Turns until the operation is over. */
static inline int finish(weft_loop *loop, const struct outcome *outcome)
{
    for (int turns = 0; outcome->finals == 0; turns++) {
        CHECK_LT(turns, 10000);
        weft_loop_turn(loop, WEFT_SEC);
    }
    return outcome->result;
}

static inline void turn_some(weft_loop *loop, int count)
{
    for (int i = 0; i < count; i++)
        weft_loop_turn(loop, 0);
}

static inline void turn_until_total(weft_loop *loop, const struct outcome *outcome, int64_t total)
{
    for (int turns = 0; outcome->total < total; turns++) {
        CHECK_LT(turns, 100000);
        weft_loop_turn(loop, WEFT_SEC);
    }
}

/* A simulated socket takes as much at a time as the seed says. */
static inline void send_all(weft_loop *loop, int fd, const void *bytes, size_t count)
{
    for (size_t sent = 0; sent < count;) {
        ssize_t now = wf_sys_send(fd, (const char *)bytes + sent, count - sent, 0);
        if (now == -EAGAIN)
            weft_loop_turn(loop, WEFT_SEC);
        else
            CHECK_OK(now);
        sent += now > 0 ? (size_t)now : 0;
    }
}

static inline void check_moved(int result, int all)
{
    CHECK_LE(result, all);
    CHECK_GE(result, test_is_simulated() ? 1 : all);
}

static inline bool is_open(int fd)
{
    int type;
    return wf_sys_getsockopt(fd, SOL_SOCKET, SO_TYPE, &type, &(socklen_t){sizeof type}) == 0;
}

static inline void make_pair(int out[2])
{
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, out));
}

static inline void close_pair(weft_loop *loop, const int pair[2])
{
    for (int i = 0; i < 2; i++)
        CHECK_EQ(weft_fd_close(loop, pair[i], NULL, NULL), 1);
}

static inline int make_listener(struct sockaddr_in *addr)
{
    int fd = wf_sys_socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(fd);
    *addr = (struct sockaddr_in){.sin_family = AF_INET};
    addr->sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    socklen_t bytes = sizeof *addr;
    CHECK_OK(wf_sys_bind(fd, (struct sockaddr *)addr, bytes));
    CHECK_OK(wf_sys_listen(fd, 128));
    CHECK_OK(wf_sys_getsockname(fd, (struct sockaddr *)addr, &bytes));
    return fd;
}

#endif
