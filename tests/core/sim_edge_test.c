/* SPDX-License-Identifier: MIT */

/*
 * The edges of a simulated world: its limits, no memory inside it, what it does not simulate, plans
 * that cannot be had.
 */

#include "base/sys.h"
#include "harness/harness.h"

#include <weft.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/inotify.h>
#include <sys/un.h>
#include <unistd.h>

#define ADDR(addr_) ((struct sockaddr *)&(addr_)), sizeof(addr_)

static const weft_platform *table(void)
{
    return weft_platform_get();
}

static struct sockaddr_in loopback(uint16_t port)
{
    return (struct sockaddr_in){
        .sin_family = AF_INET, .sin_port = htons(port), .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
}

/* Runs the body in a world where nothing goes wrong by chance. */
static void run_calmly(weft_fn *body, void *arg)
{
    weft_sim_options plan = {.seed = test_seed()};
    CHECK_OK(weft_sim_plan(&plan, "short none, wait none, delay none"));
    CHECK_OK(weft_sim_run_with(&plan, body, arg));
    weft_sim_stats stats;
    weft_sim_stats_get(&stats);
    CHECK_EQ(stats.descriptor_count, 0u);
}

/* ---- numbers run out ---- */

static int take_all_descriptors(void *arg)
{
    int fds[6], pair[2];
    (void)arg;
    for (int i = 0; i < 6; i++)
        CHECK_OK(fds[i] = table()->socket(AF_INET, SOCK_STREAM, 0));
    CHECK_EQ(table()->socket(AF_INET, SOCK_STREAM, 0), -EMFILE);
    CHECK_EQ(table()->pipe(pair), -EMFILE);
    CHECK_EQ(table()->open("/file", O_RDWR | O_CREAT, 0600), -EMFILE);
    CHECK_OK(table()->close(fds[0]));
    CHECK_EQ(table()->socketpair(AF_UNIX, SOCK_STREAM, 0, pair), -EMFILE); /* room for one end */
    CHECK_OK(fds[0] = table()->socket(AF_INET, SOCK_STREAM, 0));           /* which came back */
    for (int i = 0; i < 6; i++)
        CHECK_OK(table()->close(fds[i]));
    return 0;
}

TEST(test_Z04_a_world_has_as_many_descriptors_as_its_plan_says)
{
    weft_sim_options plan = {.descriptor_max = 6};
    CHECK_OK(weft_sim_run_with(&plan, take_all_descriptors, NULL));
}

/* The connection stays in line, and is accepted when there is a number for it. */
static int accept_without_descriptors(void *arg)
{
    struct sockaddr_in addr = loopback(7);
    int listener, client, spare[2];
    (void)arg;
    CHECK_OK(listener = table()->socket(AF_INET, SOCK_STREAM, 0));
    CHECK_OK(table()->bind(listener, ADDR(addr)));
    CHECK_OK(table()->listen(listener, 4));
    CHECK_OK(client = table()->socket(AF_INET, SOCK_STREAM, 0));
    CHECK_OK(table()->pipe(spare));
    CHECK_EQ(table()->connect(client, ADDR(addr)), -EINPROGRESS);
    CHECK_EQ(table()->connect(client, ADDR(addr)), -EALREADY);
    CHECK_EQ(weft_wait_fd(client, POLLOUT), POLLOUT);
    CHECK_EQ(weft_accept(listener), -EMFILE);
    CHECK_OK(table()->close(spare[0]));
    int fd = weft_accept(listener);
    CHECK_OK(fd);
    CHECK_OK(weft_close(fd));
    CHECK_OK(weft_close(spare[1]));
    CHECK_OK(weft_close(client));
    return weft_close(listener);
}

TEST(a_connection_that_finds_no_descriptor_waits_in_line)
{
    weft_sim_options plan = {.descriptor_max = 4};
    CHECK_OK(weft_sim_run_with(&plan, accept_without_descriptors, NULL));
}

/* ---- no memory ---- */

/* Something of all that a world keeps records of. */
static int use_memory(void *arg)
{
    struct sockaddr_in addr = loopback(7), nobody = loopback(8);
    weft_sim_fault fault = {.kind = WEFT_SIM_CUT, .a = "10.0.0.9", .after = WEFT_SEC};
    int fds[2] = {-1, -1}, rc;
    (void)arg;
    WEFT_TRY(weft_sim_host("10.0.0.1"));
    WEFT_TRY(weft_sim_happen(&fault));
    WEFT_TRY(fds[0] = table()->socket(AF_INET, SOCK_DGRAM, 0));
    rc = table()->bind(fds[0], ADDR(addr));
    if (rc == 0)
        rc = table()->connect(fds[0], ADDR(nobody));
    if (rc == 0)
        rc = (int)table()->send(fds[0], "abc", 3, 0);
    (void)table()->close(fds[0]);
    if (rc < 0)
        return rc;
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/name"};
    WEFT_TRY(fds[0] = table()->socket(AF_UNIX, SOCK_DGRAM, 0));
    rc = fds[1] = table()->socket(AF_UNIX, SOCK_DGRAM, 0);
    if (rc >= 0)
        rc = table()->bind(fds[0], ADDR(name));
    if (rc == 0)
        rc = table()->connect(fds[1], ADDR(name));
    if (rc == 0)
        rc = (int)table()->send(fds[1], "abc", 3, 0);
    (void)table()->close(fds[0]);
    if (fds[1] >= 0)
        (void)table()->close(fds[1]);
    return rc;
}

/* The k-th allocation of a run is refused, the world's own included, until none is left. */
TEST(test_Y02_a_world_without_memory_leaves_nothing)
{
    weft_sim_options plan = {.seed = test_seed(), .trace_steps = 10};
    CHECK_OK(weft_sim_plan(&plan, "lost none, cut 10.0.0.1 after 1h, slow 10.0.0.2 at 1KB"));
    size_t before = live_blocks();
    int rc = 0, failed = 0;
    for (uint64_t k = 1; k < 500; k++) {
        weft_fault_plan fault = {.classes = WEFT_FAULT_ALLOC, .nth = k};
        note("allocation %d", (int)k);
        weft_fault_arm(&fault);
        weft_sim_options quiet = plan;
        quiet.trace_steps = k % 2 == 0 ? 10 : 0; /* with a trace it tells how the body failed */
        rc = weft_sim_run_with(&quiet, use_memory, NULL);
        weft_fault_arm(NULL);
        failed += rc < 0;
        CHECK(rc >= 0 || rc == -ENOMEM || rc == -ENFILE || rc == -ENOBUFS);
        CHECK_EQ(live_blocks(), before);
        if (fault.point == NULL)
            break; /* as many as there are */
    }
    CHECK_OK(rc);
    CHECK_GT(failed, 10);
}

/* ---- what is not simulated ---- */

static int do_what_is_not_simulated(void *arg)
{
    struct mmsghdr message = {.msg_hdr = {.msg_iovlen = 0}};
    struct statx status;
    int pair[2], pid, pidfd;
    char buf[64];
    (void)arg;
    CHECK_EQ(table()->socketpair(AF_UNIX, SOCK_DGRAM, 0, pair), -ESOCKTNOSUPPORT);
    CHECK_OK(table()->socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK_EQ(table()->recv_many(pair[0], &message, 1), -EOPNOTSUPP);
    CHECK_EQ(table()->send_many(pair[0], &message, 1), -EOPNOTSUPP);
    CHECK_EQ(table()->recv_many(-1, &message, 1), -EBADF);
    CHECK_EQ(table()->statx(pair[0], "", AT_EMPTY_PATH, &status), -EPERM);
    CHECK_EQ(table()->fsync(pair[0]), -EINVAL);
    CHECK_EQ(table()->readdir(pair[0], buf, sizeof buf), -ENOTDIR);
    CHECK_EQ(table()->pwrite(pair[0], "x", 1, 0), -ESPIPE);
    CHECK_EQ(table()->process_start(NULL, &pid, &pidfd), -EPERM);
    CHECK_EQ(table()->watch_add(pair[0], "/tmp", IN_CREATE), -EINVAL);
    CHECK_EQ(table()->watch_remove(-1, 1), -EBADF);
    CHECK_OK(table()->close(pair[0]));
    return table()->close(pair[1]);
}

TEST(test_Z05_what_is_not_simulated_says_so)
{
    run_calmly(do_what_is_not_simulated, NULL);
}

static int use_operations_wrongly(void *arg)
{
    int pipe_ends[2], pair[2];
    char byte = 'x';
    (void)arg;
    weft_loop *loop = weft_loop_self();
    CHECK_OK(table()->pipe(pipe_ends));
    CHECK_OK(table()->socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    weft_op_args args = {.kind = WEFT_OP_SEND, .fd = pipe_ends[1], .buf = &byte, .bytes = 1};
    CHECK_EQ(weft_op_try(loop, &args), -ENOTSOCK);
    args.kind = WEFT_OP_WRITE;
    args.fd = 1 << 25; /* no number of this world's */
    CHECK_EQ(weft_op_try(loop, &args), -EBADF);
    CHECK_EQ(weft_write(STDERR_FILENO, "", 0), 0); /* the outside hears, and cannot answer */
    CHECK_EQ(weft_sim_reset(pipe_ends[0] + 1000), -EBADF);
    CHECK_EQ(weft_sim_signal(0), -EINVAL);
    CHECK_EQ(weft_sim_signal(65), -EINVAL);
    CHECK_OK(weft_close(pipe_ends[0]));
    CHECK_OK(weft_close(pipe_ends[1]));
    CHECK_OK(weft_close(pair[0]));
    CHECK_OK(weft_close(pair[1]));
    int fresh = table()->socket(AF_INET, SOCK_STREAM, 0);
    CHECK_OK(fresh);
    CHECK_EQ(weft_sim_reset(fresh), -ENOTCONN);
    CHECK_EQ(weft_wait_fd(fresh, POLLIN) & POLLHUP, POLLHUP);
    return weft_close(fresh);
}

TEST(operations_that_make_no_sense_are_refused)
{
    run_calmly(use_operations_wrongly, NULL);
}

/* ---- hosts and faults from inside ---- */

static int name_hosts_wrongly(void *arg)
{
    char long_name[WEFT_SIM_HOST_BYTES + 10];
    weft_sim_fault fault = {.kind = WEFT_SIM_CUT, .lasts = -1};
    (void)arg;
    memset(long_name, '1', sizeof long_name);
    long_name[sizeof long_name - 1] = '\0';
    CHECK_EQ(weft_sim_host(""), -EINVAL);
    CHECK_EQ(weft_sim_host("localhost"), -EINVAL);
    CHECK_EQ(weft_sim_host("10.0.0.256"), -EINVAL);
    CHECK_EQ(weft_sim_host(long_name), -EINVAL);
    CHECK_EQ(weft_sim_happen(&fault), -EINVAL);
    fault = (weft_sim_fault){.kind = 99};
    CHECK_EQ(weft_sim_happen(&fault), -EINVAL);
    fault = (weft_sim_fault){.kind = WEFT_SIM_CUT, .a = "nowhere"};
    CHECK_EQ(weft_sim_happen(&fault), -EINVAL);
    fault = (weft_sim_fault){.kind = WEFT_SIM_SLOW, .a = "10.0.0.1"};
    CHECK_EQ(weft_sim_happen(&fault), -EINVAL); /* how slow? */
    fault = (weft_sim_fault){
        .kind = WEFT_SIM_CUT, .lasts = WEFT_SEC, .within = WEFT_SEC, .every = WEFT_SEC};
    CHECK_EQ(weft_sim_happen(&fault), -EINVAL); /* would overlap itself */
    return 0;
}

TEST(hosts_and_faults_that_make_no_sense_are_refused)
{
    CHECK_EQ(weft_sim_host("10.0.0.1"), -EPERM); /* of which world? */
    weft_sim_fault fault = {.kind = WEFT_SIM_CUT};
    CHECK_EQ(weft_sim_happen(&fault), -EPERM);
    CHECK_EQ(weft_sim_signal(15), -EPERM);
    CHECK_EQ(weft_sim_power_failure(), -EPERM);
    run_calmly(name_hosts_wrongly, NULL);
}

static int run_in_a_world(void *arg)
{
    (void)arg;
    return weft_sim_run(2, use_operations_wrongly, NULL);
}

static int run_from_a_blocking_body(void *arg)
{
    return weft_run_blocking(run_in_a_world, arg);
}

TEST(plans_that_cannot_be_had_are_refused)
{
    weft_sim_options plan = {.trace_steps = 100001};
    CHECK_EQ(weft_sim_run_with(&plan, use_operations_wrongly, NULL), -EINVAL);
    CHECK_LT(weft_sim_run(1, run_from_a_blocking_body, NULL), 0); /* one world a thread */
}

/* ---- datagrams ---- */

static char block[1000];

static int wait_to_send(void *fd)
{
    return weft_wait_fd(*(int *)fd, POLLOUT);
}

static int write_block(void *fd)
{
    return (int)weft_write(*(int *)fd, block, sizeof block);
}

static int flood_unix(void *arg)
{
    struct sockaddr_un name = {.sun_family = AF_UNIX, .sun_path = "/name"};
    static char got[1000];
    int to = table()->socket(AF_UNIX, SOCK_DGRAM, 0), from, sent = 0;
    (void)arg;
    CHECK_OK(to);
    CHECK_OK(from = table()->socket(AF_UNIX, SOCK_DGRAM, 0));
    CHECK_OK(table()->bind(to, ADDR(name)));
    CHECK_OK(table()->connect(from, ADDR(name)));
    while (table()->send(from, block, sizeof block, 0) > 0)
        sent++;
    CHECK_EQ(sent, 5); /* until its buffer is full */
    CHECK_EQ(table()->send(from, block, sizeof block, 0), -EAGAIN);
    CHECK_EQ(weft_wait_for(wait_to_send, &from, WEFT_SEC), -ETIMEDOUT);
    weft_task writer = weft_spawn(write_block, &from);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_done(writer, NULL), 0);
    CHECK_EQ(table()->recv(to, got, sizeof got, 0), (int)sizeof got);
    CHECK_EQ(weft_await(writer), (int)sizeof block);
    writer = weft_spawn(write_block, &from);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_OK(weft_close(to)); /* who waited for room learns that nobody is there */
    CHECK_EQ(weft_await(writer), -ECONNREFUSED);
    return weft_close(from);
}

TEST(datagrams_wait_for_room_at_a_unix_receiver)
{
    weft_sim_options plan = {.buffer_bytes = 4096, .short_ppm = WEFT_SIM_NEVER};
    CHECK_OK(weft_sim_run_with(&plan, flood_unix, NULL));
}

static int flood_inet(void *arg)
{
    struct sockaddr_in addr = loopback(7);
    int to = table()->socket(AF_INET, SOCK_DGRAM, 0), from, sent = 0;
    (void)arg;
    CHECK_OK(to);
    CHECK_OK(from = table()->socket(AF_INET, SOCK_DGRAM, 0));
    CHECK_OK(table()->bind(to, ADDR(addr)));
    CHECK_OK(table()->connect(from, ADDR(addr)));
    ssize_t rc;
    while ((rc = table()->send(from, block, sizeof block, 0)) > 0)
        sent++;
    CHECK_EQ(rc, -EAGAIN);
    CHECK_EQ(sent, 5); /* until as many are under way as its buffer holds */
    CHECK_EQ(weft_wait_fd(from, POLLOUT), POLLOUT);
    CHECK_EQ(table()->send(from, block, sizeof block, 0), (int)sizeof block);
    CHECK_OK(weft_close(to));
    return weft_close(from);
}

TEST(datagrams_under_way_are_bounded)
{
    weft_sim_options plan = {.buffer_bytes = 4096, .short_ppm = WEFT_SIM_NEVER};
    CHECK_OK(weft_sim_run_with(&plan, flood_inet, NULL));
}

static int look_ahead(void *arg)
{
    int pair[2];
    char bytes[3] = "";
    (void)arg;
    CHECK_OK(table()->socketpair(AF_UNIX, SOCK_STREAM, 0, pair));
    CHECK_EQ(table()->send(pair[1], "ab", 2, 0), 2);
    CHECK_EQ(weft_wait_fd(pair[0], POLLIN), POLLIN);
    CHECK_EQ(table()->recv(pair[0], bytes, 2, MSG_PEEK), 2);
    CHECK_EQ(table()->recv(pair[0], bytes, 0, 0), 0);
    CHECK_EQ(table()->recv(pair[0], bytes, 2, 0), 2);
    CHECK_STR(bytes, "ab");
    CHECK_OK(table()->close(pair[0]));
    return table()->close(pair[1]);
}

TEST(what_is_looked_at_stays)
{
    run_calmly(look_ahead, NULL);
}

/* Slow: a datagram takes as long as its bytes. */
static int send_one_slowly(void *arg)
{
    struct sockaddr_in addr = loopback(7);
    int to = table()->socket(AF_INET, SOCK_DGRAM, 0), from;
    CHECK_OK(to);
    CHECK_OK(from = table()->socket(AF_INET, SOCK_DGRAM, 0));
    CHECK_OK(table()->bind(to, ADDR(addr)));
    CHECK_OK(table()->connect(from, ADDR(addr)));
    weft_time begin = weft_now();
    CHECK_EQ(table()->send(from, block, sizeof block, 0), (int)sizeof block);
    CHECK_EQ(weft_read(to, block, sizeof block), (int)sizeof block);
    *(weft_time *)arg = weft_now() - begin;
    CHECK_OK(weft_close(to));
    return weft_close(from);
}

TEST(test_Z04_a_datagram_on_a_slow_link_takes_as_long_as_its_bytes)
{
    weft_time took = 0;
    weft_sim_options plan = {.seed = test_seed(), .delay_max = -1, .wait_ppm = WEFT_SIM_NEVER};
    CHECK_OK(weft_sim_plan(&plan, "slow at 100B"));
    CHECK_OK(weft_sim_run_with(&plan, send_one_slowly, &took));
    CHECK_GE(took, 10 * WEFT_SEC);
    CHECK_LT(took, 11 * WEFT_SEC);
}

/* Sent to nobody: the sender is told by its next call, as by ICMP. */
static int send_to_nobody(void *arg)
{
    struct sockaddr_in nobody = loopback(9), any = loopback(0);
    struct sockaddr_in6 other = {.sin6_family = AF_INET6};
    int from = table()->socket(AF_INET, SOCK_DGRAM, 0);
    char byte;
    (void)arg;
    CHECK_OK(from);
    struct iovec part = {.iov_base = &byte, .iov_len = 1};
    struct mmsghdr message = {
        .msg_hdr = {
            .msg_name = &other, .msg_namelen = sizeof other, .msg_iov = &part, .msg_iovlen = 1}};
    CHECK_EQ(table()->send_many(from, &message, 1), -EAFNOSUPPORT);
    message.msg_hdr.msg_name = &nobody;
    message.msg_hdr.msg_namelen = sizeof nobody;
    CHECK_EQ(table()->send_many(from, &message, 1), 1); /* not connected: never told */
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(table()->recv(from, &byte, 1, 0), -EAGAIN);
    CHECK_OK(table()->connect(from, ADDR(nobody)));
    for (int i = 0; i < 2; i++) { /* whoever asks first, the receiver or the sender */
        CHECK_EQ(table()->send(from, "x", 1, 0), 1);
        CHECK_EQ(weft_wait_fd(from, POLLIN) & POLLERR, POLLERR);
        CHECK_EQ(i == 0 ? table()->recv(from, &byte, 1, 0) : table()->send(from, "x", 1, 0),
                 -ECONNREFUSED);
    }
    CHECK_EQ(table()->connect(from, ADDR(any)), 0);
    return weft_close(from);
}

TEST(a_datagram_to_nobody_comes_back_as_an_error)
{
    run_calmly(send_to_nobody, NULL);
}

/* ---- without tasks ---- */

TEST(an_idle_loop_lets_its_virtual_time_pass)
{
    weft_loop *loop;
    CHECK_OK(weft_loop_new(&loop, &(weft_loop_options){.backend = "sim", .seed = test_seed()}));
    weft_time begin = weft_loop_now(loop);
    CHECK_EQ(weft_loop_descriptor(loop), -EPERM); /* nothing outside knows its clock */
    weft_loop_turn(loop, WEFT_SEC);
    CHECK_EQ(weft_loop_now(loop) - begin, WEFT_SEC);
    weft_loop_free(loop);
}
