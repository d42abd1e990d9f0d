/* SPDX-License-Identifier: MIT */

/* The trace of a simulated run is the same everywhere (rule Z01). */

#include "harness/harness.h"

#include <weft.h>

#include "base/sys.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>

static int yield_twice(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_yield());
    return weft_yield();
}

static int gather_many_times(void *arg)
{
    (void)arg;
    for (int i = 0; i < 20; i++)
        WEFT_TRY(weft_gather(weft_spawn(yield_twice, NULL), weft_spawn(yield_twice, NULL)));
    return 0;
}

/* Handles carry the loop's number, which grows with every loop of the process. */
TEST(test_Z01_the_trace_does_not_depend_on_the_loops_before)
{
    CHECK_OK(weft_sim_run(3, gather_many_times, NULL));
    uint64_t first = weft_sim_trace_hash();
    for (int i = 0; i < 20000; i++)
        CHECK_OK(weft_sim_run(4, yield_twice, NULL));
    CHECK_OK(weft_sim_run(3, gather_many_times, NULL));
    CHECK_EQ(weft_sim_trace_hash(), first);
}

/* ---- a world with a bit of everything ---- */

static weft_chan *numbers;
static struct sockaddr_in where;

static int produce(void *arg)
{
    for (int i = 0; i < *(int *)arg; i++) {
        WEFT_TRY(weft_send(numbers, &i));
        WEFT_TRY(weft_sleep(i * WEFT_US));
    }
    return 0;
}

static int add_up(void *arg)
{
    int number, sum = 0;
    (void)arg;
    while (weft_recv(numbers, &number) > 0)
        sum += number;
    return sum;
}

static int triple(void *arg)
{
    *(int *)arg *= 3;
    return 0;
}

static int keep(void *arg)
{
    char buf[600];
    (void)arg;
    memset(buf, 'k', sizeof buf);
    int fd = weft_open("/tmp/kept", O_CREAT | O_RDWR, 0644);
    for (int i = 0; fd >= 0 && i < 20; i++)
        if (weft_pwrite(fd, buf, sizeof buf, i * 100) < 0 || weft_fsync(fd) < 0)
            weft_yield();
    return weft_close(fd);
}

static int echo_datagrams(void *arg)
{
    int fd = *(int *)arg;
    for (;;) {
        char buf[64];
        struct sockaddr_in from;
        struct iovec part = {.iov_base = buf, .iov_len = sizeof buf};
        struct mmsghdr message = {
            .msg_hdr = {
                .msg_name = &from, .msg_namelen = sizeof from, .msg_iov = &part, .msg_iovlen = 1}};
        int rc = wf_sys_recv_many(fd, &message, 1);
        if (rc == -EAGAIN) {
            WEFT_TRY(weft_wait_fd(fd, POLLIN));
            continue;
        }
        part.iov_len = message.msg_len;
        (void)wf_sys_send_many(fd, &message, 1);
    }
}

static int ask_datagrams(void *arg)
{
    int answers = 0;
    char buf[64];
    (void)arg;
    WEFT_TRY(weft_sim_host("10.0.0.2"));
    int fd = wf_sys_socket(AF_INET, SOCK_DGRAM, 0);
    WEFT_TRY(wf_sys_connect(fd, (struct sockaddr *)&where, sizeof where));
    for (int i = 0; i < 50; i++) {
        WEFT_TRY(wf_sys_send(fd, &i, sizeof i, 0));
        WEFT_TRY(weft_sleep(WEFT_MS));
        while (wf_sys_recv(fd, buf, sizeof buf, 0) > 0)
            answers++;
    }
    WEFT_TRY(weft_close(fd));
    return answers;
}

static int bit_of_everything(void *arg)
{
    int counts[2] = {30, 40}, number = 5;
    socklen_t bytes = sizeof where;
    (void)arg;
    WEFT_TRY(weft_chan_new(&numbers, sizeof(int), 4));
    WEFT_TRY(weft_sim_host("10.0.0.1"));
    int fd = wf_sys_socket(AF_INET, SOCK_DGRAM, 0);
    where = (struct sockaddr_in){.sin_family = AF_INET};
    WEFT_TRY(wf_sys_bind(fd, (struct sockaddr *)&where, sizeof where));
    WEFT_TRY(wf_sys_getsockname(fd, (struct sockaddr *)&where, &bytes));
    weft_task server = weft_spawn(echo_datagrams, &fd), sum = weft_spawn(add_up, NULL);
    weft_task disk = weft_spawn(keep, NULL), client = weft_spawn(ask_datagrams, NULL);
    int rc = weft_gather(weft_spawn(produce, &counts[0]), weft_spawn(produce, &counts[1]));
    weft_chan_close(numbers, /* discard= */ false);
    WEFT_TRY(weft_run_blocking(triple, &number));
    CHECK_EQ(weft_await(sum), 30 * 29 / 2 + 40 * 39 / 2);
    CHECK_GT(weft_await(client), 5);
    CHECK_OK(weft_await(disk));
    weft_cancel(server, "enough");
    (void)weft_await(server);
    weft_chan_free(numbers);
    weft_close(fd);
    return rc;
}

/* One number for every machine, compiler and build.  Only a change of the simulator, or of what
 * these tasks wait for, changes it; then it is copied from the failure. */
TEST(test_Z01_a_bit_of_everything_leaves_the_same_trace_everywhere)
{
    weft_sim_options plan = {.seed = 2026};
    CHECK_OK(weft_sim_plan(&plan, "lost 5%, doubled 5%, disk-errors 5%, disk 1KiB,"
                                  "cut 10.0.0.1 from 10.0.0.2 after 5ms within 5ms for 10ms"));
    CHECK_OK(weft_sim_run_with(&plan, bit_of_everything, NULL));
    CHECK_EQ(weft_sim_trace_hash(), 16032431264621818927u);
}
