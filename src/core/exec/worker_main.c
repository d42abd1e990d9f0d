/* SPDX-License-Identifier: MIT */

/* The children: the nursery, which forks and reaps, and the worker, which runs bodies. */

#include "core/exec/worker_priv.h"

#include "base/alloc.h"
#include "core/exec/exec_priv.h"

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_FD 3 /* the one descriptor a child keeps besides 0, 1 and 2 */

/* ---- whole transfers on a socket that blocks ---- */

static bool child_read(void *buf, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t count = read(CHILD_FD, (char *)buf + at, bytes - at);
        if (count == 0 || (count < 0 && errno != EINTR))
            return false;
        at += count > 0 ? (size_t)count : 0;
    }
    return true;
}

static bool child_write(const void *buf, size_t bytes)
{
    for (size_t at = 0; at < bytes;) {
        ssize_t count = send(CHILD_FD, (const char *)buf + at, bytes - at, MSG_NOSIGNAL);
        if (count < 0 && errno != EINTR)
            return false;
        at += count > 0 ? (size_t)count : 0;
    }
    return true;
}

/* The first bytes of a message, and the descriptor that came with them or -1.  Their count; -1 at
 * the end. */
static ssize_t child_receive(void *buf, size_t bytes, int *out_fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } control;
    struct iovec part = {.iov_base = buf, .iov_len = bytes};
    struct msghdr envelope = {.msg_iov = &part,
                              .msg_iovlen = 1,
                              .msg_control = control.bytes,
                              .msg_controllen = sizeof control.bytes};
    ssize_t count;
    do
        count = recvmsg(CHILD_FD, &envelope, MSG_CMSG_CLOEXEC);
    while (count < 0 && errno == EINTR);
    const struct cmsghdr *head = CMSG_FIRSTHDR(&envelope);
    *out_fd = -1;
    if (count > 0 && head != NULL && head->cmsg_type == SCM_RIGHTS)
        memcpy(out_fd, CMSG_DATA(head), sizeof *out_fd);
    return count > 0 ? count : -1;
}

/* ---- the worker ---- */

static int worker_run(const struct wf_worker_request *request, void *buf, char *text)
{
    struct wf_exec_batch batch = {.fn = request->fn, .arg = buf};
    struct wf_exec_job job = {.batch = &batch};
    wf_exec_job_run(&job);
    memcpy(text, job.text, sizeof job.text);
    return job.result;
}

void *wf_shared_map(int fd, size_t bytes)
{
    void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
    return map != MAP_FAILED ? map : NULL;
}

/* In place: the answer is all that goes back. */
static bool worker_serve_shared(const struct wf_worker_request *request, int fd)
{
    struct wf_worker_answer answer = {.result = -ENOMEM};
    void *map = wf_shared_map(fd, request->bytes);
    close(fd);
    if (map != NULL) {
        answer.result = worker_run(request, map, answer.text);
        munmap(map, request->bytes);
    }
    return child_write(&answer, sizeof answer);
}

/* One request: false when there is nobody to answer. */
static bool worker_serve(void)
{
    struct wf_worker_request request;
    struct wf_worker_answer answer = {.result = -ENOMEM};
    int fd;
    ssize_t count = child_receive(&request, sizeof request, &fd);
    if (count < 0 || !child_read((char *)&request + count, sizeof request - (size_t)count))
        return false;
    if (request.is_shared != 0)
        return worker_serve_shared(&request, fd);
    void *buf = wf_alloc(request.bytes != 0 ? request.bytes : 1);
    if (buf == NULL)
        return false; /* what it would send cannot be read: told by our end */
    bool is_there = child_read(buf, request.bytes);
    if (is_there) {
        answer.result = worker_run(&request, buf, answer.text);
        is_there = child_write(&answer, sizeof answer) && child_write(buf, request.bytes);
    }
    wf_free(buf);
    return is_there;
}

_Noreturn static void worker_main(void)
{
    int32_t pid = getpid();
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (child_write(&pid, sizeof pid)) {
        while (worker_serve())
            continue;
    }
    _exit(0);
}

/* ---- the nursery ---- */

/* What a terminal sends to all is the run's to answer; we end when it does. */
static void child_ignore_signals(void)
{
    static const int numbers[] = {SIGINT, SIGQUIT, SIGTERM, SIGHUP, SIGPIPE};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++)
        signal(numbers[i], SIG_IGN);
}

/* Keeps `fd` as CHILD_FD and closes all others but the standard ones. */
static void child_keep_only(int fd)
{
    if (fd != CHILD_FD)
        dup2(fd, CHILD_FD);
#ifdef SYS_close_range
    if (syscall(SYS_close_range, CHILD_FD + 1, ~0u, 0) == 0)
        return;
#endif
    for (int other = CHILD_FD + 1; other < 65536; other++)
        close(other);
}

static void nursery_fork_worker(int socket)
{
    pid_t pid = fork();
    if (pid == 0) {
        child_keep_only(socket);
        worker_main();
    }
    close(socket); /* without a worker the run finds it ended */
}

static bool nursery_reap(pid_t pid)
{
    int status = 0;
    int32_t told = -ECHILD;
    pid_t got;
    do
        got = waitpid(pid, &status, 0);
    while (got < 0 && errno == EINTR);
    if (got == pid)
        told = WIFSIGNALED(status) ? 256 + WTERMSIG(status) : WEXITSTATUS(status);
    return child_write(&told, sizeof told);
}

_Noreturn static void nursery_main(void)
{
    struct wf_nursery_message message;
    int socket;
    while (child_receive(&message, sizeof message, &socket) > 0) {
        if (message.ask == WF_NURSERY_FORK && socket >= 0)
            nursery_fork_worker(socket);
        else if (message.ask == WF_NURSERY_REAP)
            (void)nursery_reap(message.pid);
        else
            break;
    }
    while (message.ask == WF_NURSERY_QUIT && (waitpid(-1, NULL, 0) > 0 || errno == EINTR))
        continue;
    _exit(0); /* workers that the run left behind die with us */
}

int wf_nursery_fork(int *out_pid, int *out_control)
{
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
        return -errno;
    pid_t pid = fork();
    if (pid == 0) {
        child_ignore_signals();
        child_keep_only(ends[1]);
        nursery_main();
    }
    int rc = pid < 0 ? -errno : 0;
    close(ends[1]);
    if (rc < 0) {
        close(ends[0]);
        return rc;
    }
    *out_pid = pid;
    *out_control = ends[0];
    return 0;
}

/* With a descriptor unless that is -1. */
static int socket_send(int socket, const void *bytes, size_t count, int fd)
{
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(sizeof(int))];
    } rights = {.head = {.cmsg_len = CMSG_LEN(sizeof(int)),
                         .cmsg_level = SOL_SOCKET,
                         .cmsg_type = SCM_RIGHTS}};
    struct iovec part = {.iov_base = (void *)(uintptr_t)bytes, .iov_len = count};
    struct msghdr envelope = {.msg_iov = &part, .msg_iovlen = 1};
    if (fd >= 0) {
        memcpy(CMSG_DATA(&rights.head), &fd, sizeof fd);
        envelope.msg_control = rights.bytes;
        envelope.msg_controllen = sizeof rights.bytes;
    }
    ssize_t sent;
    do
        sent = sendmsg(socket, &envelope, MSG_NOSIGNAL | MSG_DONTWAIT);
    while (sent < 0 && errno == EINTR);
    if (sent < 0)
        return -errno;
    return (size_t)sent == count ? 0 : -EPIPE;
}

int wf_nursery_send(int control, enum wf_nursery_ask ask, int pid, int fd)
{
    struct wf_nursery_message message = {.ask = ask, .pid = pid};
    return socket_send(control, &message, sizeof message, fd);
}

/* An idle worker's socket is empty, so the head never has to wait for room. */
int wf_worker_send_shared(int socket, const struct wf_worker_request *request, int fd)
{
    return socket_send(socket, request, sizeof *request, fd);
}
