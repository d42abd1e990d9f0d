/* SPDX-License-Identifier: MIT */

/* Unix sockets: descriptors that travel, who the peer is, whose the socket's file is. */

#include "harness/harness.h"

#include <weft.h>
#include <weft/io.h>
#include <weft/sys/stream.h>
#include <weft/unix.h>

#include "base/sys.h"
#include "core/scenario_helpers.h"

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

static bool is_simulated(void)
{
    return strcmp(test_backend(), "sim") == 0;
}

static void close_both(weft_stream *ends[2])
{
    CHECK_OK(weft_stream_close(ends[0]));
    CHECK_OK(weft_stream_close(ends[1]));
}

static void check_byte(weft_stream *stream, char want)
{
    char byte = 0;
    CHECK_EQ(weft_stream_read_exact(stream, &byte, 1), 1);
    CHECK_EQ(byte, want);
}

/* A pipe's writing end, which has come as `fd`, writes into it. */
static void check_pipe(int fd, int reading)
{
    char byte = 0;
    CHECK_OK(fd);
    CHECK_EQ(weft_write(fd, "p", 1), 1);
    CHECK_EQ(weft_read(reading, &byte, 1), 1);
    CHECK_EQ(byte, 'p');
    CHECK_OK(weft_close(fd));
}

/* ---- descriptors ---- */

TASK_TEST(a_descriptor_comes_with_the_first_byte_sent_with_it)
{
    weft_stream *ends[2];
    int pipe_fds[2];
    CHECK_OK(weft_unix_pair(ends));
    CHECK_OK(wf_sys_pipe(pipe_fds));
    CHECK_EQ(weft_unix_take_fd(ends[1]), -EAGAIN);
    CHECK_OK(weft_stream_write(ends[0], "a", 1));
    CHECK_OK(weft_unix_send_fds(ends[0], "bc", 2, &pipe_fds[1], 1));
    CHECK_EQ(weft_progress(), 2u);
    CHECK_OK(weft_stream_write(ends[0], "d", 1));
    CHECK_OK(weft_close(pipe_fds[1])); /* the copy is on its way */
    check_byte(ends[1], 'a');
    check_byte(ends[1], 'b');
    int fd = weft_unix_take_fd(ends[1]);
    if (!is_simulated())
        CHECK((fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
    check_pipe(fd, pipe_fds[0]);
    CHECK_EQ(weft_unix_take_fd(ends[1]), -EAGAIN);
    check_byte(ends[1], 'c');
    check_byte(ends[1], 'd');
    char byte;
    CHECK_EQ(weft_read(pipe_fds[0], &byte, 1), 0); /* nobody holds the other end any more */
    CHECK_OK(weft_close(pipe_fds[0]));
    close_both(ends);
}

TASK_TEST(many_descriptors_keep_their_order)
{
    enum { COUNT = 20 };
    weft_stream *ends[2];
    int pipes[COUNT][2], fds[COUNT];
    CHECK_OK(weft_unix_pair(ends));
    for (int i = 0; i < COUNT; i++) {
        CHECK_OK(wf_sys_pipe(pipes[i]));
        fds[i] = pipes[i][1];
    }
    CHECK_OK(weft_unix_send_fds(ends[0], "x", 1, fds, COUNT / 2));
    CHECK_OK(weft_unix_send_fds(ends[0], "y", 1, fds + COUNT / 2, COUNT / 2));
    check_byte(ends[1], 'x');
    check_byte(ends[1], 'y');
    for (int i = 0; i < COUNT; i++) {
        check_pipe(weft_unix_take_fd(ends[1]), pipes[i][0]);
        CHECK_OK(weft_close(pipes[i][0]));
        CHECK_OK(weft_close(pipes[i][1]));
    }
    close_both(ends);
}

/* A connection is handed over whole: who got it reads and writes on. */
TASK_TEST(a_connection_travels)
{
    weft_stream *ends[2], *talk[2], *taken;
    char buf[5];
    static const weft_stream_kind kind;
    CHECK_OK(weft_unix_pair(ends));
    CHECK_OK(weft_stream_pair(talk));
    int fd = weft_stream_get_fd(talk[0]);
    CHECK_OK(weft_unix_send_fds(ends[0], "x", 1, &fd, 1));
    weft_stream_abort(talk[0]);
    check_byte(ends[1], 'x');
    CHECK_OK(weft_stream_open(&taken, weft_unix_take_fd(ends[1]), &kind));
    CHECK_OK(weft_stream_write(taken, "hello", 5));
    CHECK_EQ(weft_stream_read_exact(talk[1], buf, 5), 5);
    CHECK_BYTES(buf, 5, "hello", 5);
    CHECK_OK(weft_stream_close(taken));
    CHECK_OK(weft_stream_close(talk[1]));
    close_both(ends);
}

/* The harness counts descriptors: none may be left. */
TASK_TEST(class_46_descriptors_that_nobody_takes_are_closed)
{
    weft_stream *ends[2];
    int pipe_fds[2];
    CHECK_OK(wf_sys_pipe(pipe_fds));
    CHECK_OK(weft_unix_pair(ends)); /* received, and not taken */
    CHECK_OK(weft_unix_send_fds(ends[0], "x", 1, pipe_fds, 2));
    check_byte(ends[1], 'x');
    close_both(ends);
    CHECK_OK(weft_unix_pair(ends)); /* not even read */
    CHECK_OK(weft_unix_send_fds(ends[0], "x", 1, pipe_fds, 2));
    (void)weft_stream_close(ends[1]);
    (void)weft_stream_close(ends[0]);
    CHECK_OK(weft_stream_pair(ends)); /* to a stream that takes none */
    CHECK_OK(weft_unix_send_fds(ends[0], "x", 1, pipe_fds, 2));
    check_byte(ends[1], 'x');
    CHECK_EQ(weft_unix_take_fd(ends[1]), -EAGAIN);
    close_both(ends);
    CHECK_OK(weft_close(pipe_fds[1]));
    char byte;
    CHECK_EQ(weft_read(pipe_fds[0], &byte, 1), 0);
    CHECK_OK(weft_close(pipe_fds[0]));
}

TASK_TEST(class_46_more_descriptors_than_wanted_fail_the_stream)
{
    static const weft_stream_kind kind = {.fd_count_max = 3};
    weft_stream *ends[2];
    int fds[2], pipe_fds[2];
    char buf[4];
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    CHECK_OK(wf_sys_pipe(pipe_fds));
    for (int i = 0; i < 2; i++)
        CHECK_OK(weft_stream_open(&ends[i], fds[i], &kind));
    CHECK_OK(weft_unix_send_fds(ends[0], "x", 1, pipe_fds, 2));
    CHECK_OK(weft_unix_send_fds(ends[0], "y", 1, pipe_fds, 2));
    check_byte(ends[1], 'x');
    CHECK_EQ(weft_stream_read(ends[1], buf, sizeof buf), -EMSGSIZE);
    weft_stream_abort(ends[1]);
    weft_stream_abort(ends[0]);
    CHECK_OK(weft_close(pipe_fds[0]));
    CHECK_OK(weft_close(pipe_fds[1]));
}

/* Sends so many, each with a byte of its own. */
static int send_one_by_one(void *arg)
{
    weft_stream *stream = arg;
    int pipe_fds[2], rc = wf_sys_pipe(pipe_fds);
    CHECK_OK(rc);
    for (int i = 0; i < 2 * WEFT_UNIX_FDS_MAX && rc == 0; i++)
        rc = weft_unix_send_fds(stream, "x", 1, pipe_fds, 1);
    CHECK_OK(weft_close(pipe_fds[0]));
    CHECK_OK(weft_close(pipe_fds[1]));
    return rc;
}

/* However many the peer sends: who takes them one by one has them one by one. */
TASK_TEST(class_46_descriptors_wait_with_the_peer_until_those_before_are_taken)
{
    weft_stream *ends[2];
    CHECK_OK(weft_unix_pair(ends));
    weft_task sender = weft_spawn(send_one_by_one, ends[0]);
    for (int i = 0; i < 2 * WEFT_UNIX_FDS_MAX; i++) {
        check_byte(ends[1], 'x');
        CHECK_OK(weft_sleep(WEFT_MS)); /* more could come */
        int fd = weft_unix_take_fd(ends[1]);
        CHECK_OK(fd);
        CHECK_OK(weft_close(fd));
        CHECK_EQ(weft_unix_take_fd(ends[1]), -EAGAIN);
    }
    CHECK_OK(weft_await(sender));
    close_both(ends);
}

/* The kernel says so by MSG_CTRUNC. */
TASK_TEST(class_46_a_descriptor_without_a_number_fails_the_stream)
{
    weft_stream *ends[2];
    struct rlimit before, few;
    int pipe_fds[2];
    char byte;
    if (is_simulated())
        return;
    CHECK_OK(weft_unix_pair(ends));
    CHECK_OK(wf_sys_pipe(pipe_fds));
    CHECK_OK(weft_unix_send_fds(ends[0], "x", 1, pipe_fds, 2));
    CHECK_EQ(getrlimit(RLIMIT_NOFILE, &before), 0);
    few = before;
    few.rlim_cur = (rlim_t)pipe_fds[1] + 1; /* all below are taken, or one of two is free */
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &few), 0);
    ssize_t got = weft_stream_read(ends[1], &byte, 1);
    CHECK_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
    CHECK_EQ(got, -EMFILE);
    weft_stream_abort(ends[1]);
    weft_stream_abort(ends[0]);
    CHECK_OK(weft_close(pipe_fds[0]));
    CHECK_OK(weft_close(pipe_fds[1]));
}

TASK_TEST(what_is_no_descriptor_does_not_go)
{
    weft_stream *ends[2];
    int none = is_simulated() ? (1 << 20) + 5000 : 5000;
    CHECK_OK(weft_unix_pair(ends));
    CHECK_EQ(weft_unix_send_fds(ends[0], "x", 1, &none, 1), -EBADF);
    CHECK_STR(weft_error_text(), "descriptors: Bad file descriptor");
    CHECK_EQ(weft_unix_send_fds(ends[0], "x", 0, &none, 0), -EINVAL);
    CHECK_EQ(weft_unix_send_fds(ends[0], "x", 1, &none, WEFT_UNIX_FDS_MAX + 1), -EINVAL);
    CHECK_OK(weft_stream_write(ends[0], "y", 1)); /* the stream is as it was */
    check_byte(ends[1], 'y');
    close_both(ends);
}

/* A peer says why it wants no descriptors, and goes, before either is noticed. */
TASK_TEST(what_the_peer_has_said_is_read_though_descriptors_cannot_be_sent)
{
    static const weft_stream_kind kind = {.fd_count_max = 3};
    weft_stream *stream;
    int fds[2];
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    CHECK_OK(weft_stream_open(&stream, fds[0], &kind));
    CHECK_EQ(wf_sys_send(fds[1], "y", 1, 0), 1);
    wf_sys_close(fds[1]);
    int rc = weft_unix_send_fds(stream, "x", 1, &(int){fds[0]}, 1);
    CHECK(rc == -EPIPE || (rc == 0 && is_simulated())); /* there it takes time to be gone */
    check_byte(stream, 'y');
    CHECK_LE(weft_stream_read(stream, &(char){0}, 1), 0);
    weft_stream_abort(stream);
}

/* The time for that runs from the first send that failed. */
TASK_TEST(who_tries_again_to_send_descriptors_is_not_heard_for_longer)
{
    static const weft_stream_kind kind = {.fd_count_max = 3};
    weft_stream *stream;
    int fds[2];
    CHECK_OK(wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds));
    CHECK_OK(weft_stream_open(&stream, fds[0], &kind));
    CHECK_OK(wf_sys_shutdown(fds[1], SHUT_RD));
    CHECK_OK(weft_sleep(10 * WEFT_MS)); /* the news travels in simulation */
    weft_time since = weft_now();
    CHECK_EQ(weft_unix_send_fds(stream, "x", 1, &(int){fds[0]}, 1), -EPIPE);
    CHECK_OK(weft_sleep(60 * WEFT_MS));
    CHECK_EQ(weft_unix_send_fds(stream, "x", 1, &(int){fds[0]}, 1), -EPIPE);
    CHECK_EQ(weft_stream_read(stream, &(char){0}, 1), -EPIPE);
    CHECK_LE(weft_now() - since, 110 * WEFT_MS);
    weft_stream_abort(stream);
    wf_sys_close(fds[1]);
}

/* ---- back pressure ---- */

struct load {
    weft_stream *ends[2];
    int fd;
    size_t progress;
};

static char large[4 << 20];

static int send_large(void *arg)
{
    struct load *load = arg;
    int rc = weft_unix_send_fds(load->ends[0], large, sizeof large, &load->fd, 1);
    load->progress = weft_progress();
    return rc;
}

TASK_TEST(a_sender_of_descriptors_waits_for_its_reader)
{
    struct load load;
    int pipe_fds[2];
    size_t read = 0;
    CHECK_OK(wf_sys_pipe(pipe_fds));
    load.fd = pipe_fds[1];
    CHECK_OK(weft_unix_pair(load.ends));
    weft_task sending = weft_spawn(send_large, &load);
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    CHECK_EQ(weft_unix_send_fds(load.ends[0], "x", 1, &load.fd, 1), -EBUSY);
    while (read < sizeof large) {
        static char buf[65536];
        ssize_t got = weft_stream_read(load.ends[1], buf, sizeof buf);
        CHECK_GT(got, 0);
        read += (size_t)got;
    }
    CHECK_OK(weft_await(sending));
    CHECK_EQ(load.progress, sizeof large);
    check_pipe(weft_unix_take_fd(load.ends[1]), pipe_fds[0]);
    CHECK_OK(weft_close(pipe_fds[0]));
    CHECK_OK(weft_close(pipe_fds[1]));
    close_both(load.ends);
}

TASK_TEST(test_C04_a_sender_of_descriptors_that_is_cancelled_knows_how_far_it_got)
{
    struct load load;
    int pipe_fds[2];
    CHECK_OK(wf_sys_pipe(pipe_fds));
    load.fd = pipe_fds[1];
    CHECK_OK(weft_unix_pair(load.ends));
    weft_task sending = weft_spawn(send_large, &load);
    CHECK_OK(weft_sleep(10 * WEFT_MS));
    weft_cancel(sending, "test");
    CHECK_EQ(weft_await(sending), -ECANCELED);
    CHECK_GT(load.progress, 0u);
    CHECK_LT(load.progress, sizeof large);
    weft_stream_abort(load.ends[0]);
    weft_stream_abort(load.ends[1]);
    CHECK_OK(weft_close(pipe_fds[0]));
    CHECK_OK(weft_close(pipe_fds[1]));
}

/* ---- listeners and peers ---- */

static const char *socket_path(void)
{
    static char path[64];
    snprintf(path, sizeof path, "/tmp/weft-unix-%d", (int)getpid());
    return path;
}

static weft_addr socket_addr(const char *prefix)
{
    char text[96];
    weft_addr addr;
    snprintf(text, sizeof text, "unix:%s%s", prefix, socket_path());
    CHECK_OK(weft_addr_parse(&addr, text));
    return addr;
}

struct meeting {
    weft_listener *listener;
    weft_stream *ends[2];
};

static int meet_accept(void *arg)
{
    struct meeting *meeting = arg;
    return weft_listener_accept(meeting->listener, &meeting->ends[1]);
}

/* Both ends of a connection over a name. */
static void meet(struct meeting *meeting, const weft_addr *addr, const weft_listen_options *options)
{
    CHECK_OK(weft_listener_open(&meeting->listener, addr, options));
    weft_task accepting = weft_spawn(meet_accept, meeting);
    CHECK_OK(weft_unix_connect(&meeting->ends[0], addr));
    CHECK_OK(weft_await(accepting));
}

TASK_TEST(descriptors_travel_over_names_of_both_kinds)
{
    static const char *const prefixes[] = {"", "@"};
    for (int i = 0; i < 2; i++) {
        struct meeting meeting;
        int pipe_fds[2];
        weft_addr addr = socket_addr(prefixes[i]);
        meet(&meeting, &addr, &(weft_listen_options){.takes_fds = true});
        CHECK_OK(wf_sys_pipe(pipe_fds));
        CHECK_OK(weft_unix_send_fds(meeting.ends[0], "x", 1, &pipe_fds[1], 1));
        check_byte(meeting.ends[1], 'x');
        check_pipe(weft_unix_take_fd(meeting.ends[1]), pipe_fds[0]);
        CHECK_OK(weft_unix_send_fds(meeting.ends[1], "y", 1, &pipe_fds[1], 1)); /* and back */
        check_byte(meeting.ends[0], 'y');
        check_pipe(weft_unix_take_fd(meeting.ends[0]), pipe_fds[0]);
        CHECK_OK(weft_close(pipe_fds[0]));
        CHECK_OK(weft_close(pipe_fds[1]));
        close_both(meeting.ends);
        weft_listener_close(meeting.listener);
    }
}

TASK_TEST(the_peer_of_a_unix_socket_is_known)
{
    struct meeting meeting;
    weft_addr addr = socket_addr("@");
    meet(&meeting, &addr, NULL);
    for (int i = 0; i < 2; i++) {
        weft_unix_peer peer;
        CHECK_OK(weft_unix_get_peer(meeting.ends[i], &peer));
        CHECK_EQ(peer.pid, is_simulated() ? 1 : getpid());
        CHECK_EQ(peer.uid, is_simulated() ? 0 : getuid());
        CHECK_EQ(peer.gid, is_simulated() ? 0 : getgid());
    }
    close_both(meeting.ends);
    weft_listener_close(meeting.listener);
}

TASK_TEST(the_peer_of_another_socket_is_not)
{
    struct meeting meeting;
    weft_unix_peer peer;
    weft_addr any;
    CHECK_OK(weft_addr_parse(&any, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&meeting.listener, &any, NULL));
    weft_task accepting = weft_spawn(meet_accept, &meeting);
    CHECK_OK(weft_stream_connect(&meeting.ends[0], weft_listener_get_addr(meeting.listener)));
    CHECK_OK(weft_await(accepting));
    CHECK_EQ(weft_unix_get_peer(meeting.ends[0], &peer), -EOPNOTSUPP);
    close_both(meeting.ends);
    weft_listener_close(meeting.listener);
}

static unsigned mode_of_socket(void)
{
    struct stat info;
    CHECK_EQ(stat(socket_path(), &info), 0);
    return info.st_mode & 07777;
}

TASK_TEST(the_file_of_a_listener_has_the_permissions_that_were_asked_for)
{
    static const unsigned modes[] = {0600, 0666, 0};
    weft_addr addr = socket_addr("");
    if (is_simulated())
        return; /* no users there */
    for (int i = 0; i < 3; i++) {
        weft_listener *listener;
        weft_listen_options options = {
            .mode = modes[i], .has_owner = true, .owner = getuid(), .group = (gid_t)-1};
        mode_t before = umask(027);
        CHECK_OK(weft_listener_open(&listener, &addr, &options));
        (void)umask(before);
        CHECK_EQ(mode_of_socket(), modes[i] != 0 ? modes[i] : 0750u);
        weft_listener_close(listener);
        CHECK_LT(access(socket_path(), F_OK), 0);
    }
}

/* ---- anything failing ---- */

static int say(void *arg)
{
    struct load *load = arg;
    return weft_unix_send_fds(load->ends[0], "hello", 5, &load->fd, 1);
}

static int hear(void *arg)
{
    struct load *load = arg;
    char text[5];
    ssize_t rc = weft_stream_read_exact(load->ends[1], text, 5);
    if (rc < 0)
        return (int)rc;
    CHECK_BYTES(text, 5, "hello", 5);
    int fd = weft_unix_take_fd(load->ends[1]);
    CHECK_OK(fd); /* never the bytes without it */
    return weft_close(fd);
}

SCENARIO(a_descriptor_travels_with_anything_failing)
{
    struct load load;
    int pipe_fds[2];
    int rc = wf_sys_pipe(pipe_fds);
    if (rc < 0)
        return rc;
    load.fd = pipe_fds[1];
    rc = weft_unix_pair(load.ends);
    if (rc == 0) {
        rc = both(say, hear, &load);
        rc = first_error(rc, weft_stream_close(load.ends[0]));
        rc = first_error(rc, weft_stream_close(load.ends[1]));
    }
    (void)weft_close(pipe_fds[0]);
    (void)weft_close(pipe_fds[1]);
    return rc;
}
