/* SPDX-License-Identifier: MIT */

/* Sockets: what is known of one, and the calls that make a connection or end it. */

#include "interpose/socket.h"

#include <weft/io.h>
#include <weft/task.h>

#include "interpose/next.h"
#include "interpose/waits.h"

#include <fcntl.h>

#define FULL_PAUSE_MIN WEFT_MS /* before a Unix listener whose queue is full is tried again */
#define FULL_PAUSE_MAX (32 * WEFT_MS)

static int process_id; /* not of a child that shares our memory */

static void note_process(void)
{
    process_id = getpid();
}

__attribute__((constructor)) static void note_process_and_its_forks(void)
{
    note_process();
    (void)pthread_atfork(NULL, NULL, note_process);
}

bool wf_fd_blocks(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    return flags >= 0 && (flags & O_NONBLOCK) == 0;
}

weft_time wf_fd_deadline(int fd, int option)
{
    struct timeval limit = {0};
    socklen_t bytes = sizeof limit;
    if (option == 0 || getsockopt(fd, SOL_SOCKET, option, &limit, &bytes) < 0 ||
        (limit.tv_sec == 0 && limit.tv_usec == 0))
        return WEFT_FOREVER;
    return weft_after(wf_time_of_timeval(&limit));
}

bool wf_attempt_again(struct wf_attempts *attempts)
{
    if (errno != EAGAIN || !wf_fd_blocks(attempts->fd)) {
        return false;
    }
    if (attempts->deadline == 0)
        attempts->deadline = wf_fd_deadline(attempts->fd, attempts->option);
    int rc = wf_wait_ready(attempts->fd, attempts->events, attempts->deadline, attempts->call);
    if (rc == 0)
        errno = EAGAIN;
    return rc > 0;
}

/* ---- connect ---- */

/* For the time of one call: it cannot say itself that it is not to wait. */
static void set_blocking(int fd, bool blocks)
{
    int before = errno, flags = fcntl(fd, F_GETFL);
    if (flags >= 0)
        (void)fcntl(fd, F_SETFL, blocks ? flags & ~O_NONBLOCK : flags | O_NONBLOCK);
    errno = before;
}

static int connect_once(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    set_blocking(fd, false);
    int rc = wf_next()->connect(fd, addr, addr_bytes);
    set_blocking(fd, true);
    return rc;
}

/* A Unix listener whose queue is full tells nobody when it has room. */
static int connect_when_there_is_room(int fd, const struct sockaddr *addr, socklen_t addr_bytes,
                                      weft_time deadline)
{
    for (weft_time pause = FULL_PAUSE_MIN;; pause = pause < FULL_PAUSE_MAX ? 2 * pause : pause) {
        int rc = connect_once(fd, addr, addr_bytes);
        if (rc == 0 || errno != EAGAIN || weft_now() >= deadline)
            return rc;
        if (wf_wait_pause(pause, "connect") < 0)
            return -1;
    }
}

static int connect_outcome(int fd)
{
    int error = 0;
    socklen_t bytes = sizeof error;
    if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &bytes) < 0)
        return -1;
    errno = error != 0 ? error : errno;
    return error != 0 ? -1 : 0;
}

static int connect_waiting(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    weft_time deadline = wf_fd_deadline(fd, SO_SNDTIMEO);
    int rc = connect_when_there_is_room(fd, addr, addr_bytes, deadline);
    if (rc == 0 || errno != EINPROGRESS)
        return rc;
    rc = wf_wait_ready(fd, POLLOUT, deadline, "connect");
    if (rc > 0)
        return connect_outcome(fd);
    if (rc == 0)
        errno = EINPROGRESS; /* as socket(7) has it */
    return -1;
}

WEFT_API int wf_connect(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
    WF_SYMBOL(connect);

int wf_connect(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    if (!wf_inside() || !wf_fd_blocks(fd))
        return wf_next()->connect(fd, addr, addr_bytes);
    return connect_waiting(fd, addr, addr_bytes);
}

/* ---- accept ---- */

static int accept_once(int fd, struct sockaddr *out, socklen_t *addr_bytes, int flags)
{
    struct pollfd entry = {.fd = fd, .events = POLLIN};
    if (wf_next()->poll(&entry, 1, 0) == 0) {
        errno = EAGAIN;
        return -1;
    }
    set_blocking(fd, false); /* somebody else may be quicker */
    int rc = wf_next()->accept4(fd, out, addr_bytes, flags);
    set_blocking(fd, true);
    return rc;
}

WEFT_API int wf_accept4(int fd, struct sockaddr *out, socklen_t *addr_bytes, int flags)
    WF_SYMBOL(accept4);

int wf_accept4(int fd, struct sockaddr *out, socklen_t *addr_bytes, int flags)
{
    if (!wf_inside() || !wf_fd_blocks(fd))
        return wf_next()->accept4(fd, out, addr_bytes, flags);
    struct wf_attempts attempts = {
        .fd = fd, .events = POLLIN, .option = SO_RCVTIMEO, .call = "accept"};
    for (;;) {
        int rc = accept_once(fd, out, addr_bytes, flags);
        if (rc >= 0)
            wf_went_on();
        if (rc >= 0 || !wf_attempt_again(&attempts))
            return rc;
    }
}

WEFT_API int wf_accept(int fd, struct sockaddr *out, socklen_t *addr_bytes) WF_SYMBOL(accept);

int wf_accept(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    return wf_accept4(fd, out, addr_bytes, 0);
}

/* ---- close ---- */

/* A call under way, on the stack of who makes it: tasks that wait in theirs end in any order. */
struct closing {
    int fd;
    struct closing *next;
};

static _Thread_local struct closing *closings;

static bool is_being_closed(int fd)
{
    const struct closing *at = closings;
    while (at != NULL && at->fd != fd)
        at = at->next;
    return at != NULL;
}

static int close_for_loop(int fd)
{
    struct closing self = {fd, closings}, **at = &closings;
    closings = &self;
    int rc = weft_close(fd);
    while (*at != &self)
        at = &(*at)->next;
    *at = self.next;
    return rc;
}

/* The loop must hear of it, or it takes the number's next owner for this one.  Not in a child of
 * vfork(): the loop it would tell is its parent's.  A call for the number that is being closed is
 * the loop's own. */
WEFT_API int close(int fd)
{
    if (fd < 0 || is_being_closed(fd) || !wf_loop_knows_descriptors() || getpid() != process_id)
        return wf_next()->close(fd);
    int rc = close_for_loop(fd);
    if (rc == 0)
        return 0;
    errno = -rc;
    return -1;
}
