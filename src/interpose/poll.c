/* SPDX-License-Identifier: MIT */

/* poll and its kin.  The kernel is asked without waiting, then the task waits, then again. */

#include "interpose/next.h"
#include "interpose/waits.h"

#include <weft/task.h>

#include "base/alloc.h"

#include <errno.h>
#include <stdlib.h>

#define ENTRIES_ON_STACK 16

static weft_time deadline_of_ms(int timeout_ms)
{
    return timeout_ms < 0 ? WEFT_FOREVER : weft_after(timeout_ms * WEFT_MS);
}

static weft_time deadline_of_timespec(const struct timespec *timeout)
{
    return timeout == NULL ? WEFT_FOREVER : weft_after(wf_time_of(timeout));
}

/* Without waiting, and with the signals that come meanwhile by `mask` (may be NULL). */
static int poll_now(struct pollfd *entries, nfds_t count, const sigset_t *mask)
{
    static const struct timespec at_once;
    return mask == NULL ? wf_next()->poll(entries, count, 0)
                        : wf_next()->ppoll(entries, count, &at_once, mask);
}

static int poll_until(const char *call, struct pollfd *entries, nfds_t count, weft_time deadline,
                      const sigset_t *mask)
{
    for (;;) {
        int rc = poll_now(entries, count, mask);
        if (rc != 0) {
            wf_went_on();
            return rc;
        }
        rc = wf_wait_any(entries, count, deadline, call);
        if (rc <= 0)
            return rc;
    }
}

WEFT_API int poll(struct pollfd *entries, nfds_t count, int timeout_ms)
{
    if (timeout_ms == 0 || !wf_inside())
        return wf_next()->poll(entries, count, timeout_ms);
    return poll_until("poll", entries, count, deadline_of_ms(timeout_ms), NULL);
}

WEFT_API int ppoll(struct pollfd *entries, nfds_t count, const struct timespec *timeout,
                   const sigset_t *mask)
{
    if ((timeout != NULL && !wf_time_is_valid(timeout)) || !wf_inside())
        return wf_next()->ppoll(entries, count, timeout, mask);
    return poll_until("ppoll", entries, count, deadline_of_timespec(timeout), mask);
}

/* ---- select ---- */

struct sets {
    fd_set *read, *write, *except;
};

static bool set_has(const fd_set *set, int fd)
{
    return set != NULL && FD_ISSET(fd, set);
}

static short set_events(const struct sets *sets, int fd)
{
    return (short)((set_has(sets->read, fd) ? POLLIN : 0) |
                   (set_has(sets->write, fd) ? POLLOUT : 0) |
                   (set_has(sets->except, fd) ? POLLPRI : 0));
}

/* The sets as entries; how many there are. */
static size_t sets_to_entries(const struct sets *sets, int fd_count, struct pollfd *out)
{
    size_t count = 0;
    for (int fd = 0; fd < fd_count; fd++) {
        short events = set_events(sets, fd);
        if (events != 0 && out != NULL)
            out[count] = (struct pollfd){.fd = fd, .events = events};
        count += events != 0;
    }
    return count;
}

/* Leaves fd in the set if it was there and has come; 1 if so. */
static int set_keep(fd_set *set, int fd, bool has_come)
{
    if (set == NULL || !FD_ISSET(fd, set))
        return 0;
    if (!has_come)
        FD_CLR(fd, set);
    return has_come;
}

/* What poll told as select tells it; how many bits are set. */
static int sets_from_entries(const struct sets *sets, const struct pollfd *entries, size_t count)
{
    int bits = 0;
    for (size_t i = 0; i < count; i++) {
        short events = entries[i].revents;
        int fd = entries[i].fd;
        if (events & POLLNVAL) {
            errno = EBADF;
            return -1;
        }
        bits += set_keep(sets->read, fd, (events & (POLLIN | POLLHUP | POLLERR)) != 0);
        bits += set_keep(sets->write, fd, (events & (POLLOUT | POLLERR)) != 0);
        bits += set_keep(sets->except, fd, (events & POLLPRI) != 0);
    }
    return bits;
}

static int select_until(const char *call, int fd_count, const struct sets *sets, weft_time deadline,
                        const sigset_t *mask)
{
    struct pollfd few[ENTRIES_ON_STACK], *entries = few;
    size_t count = sets_to_entries(sets, fd_count, NULL);
    if (count > ENTRIES_ON_STACK)
        entries = wf_array(count, sizeof *entries);
    if (entries == NULL) {
        errno = ENOMEM;
        return -1;
    }
    (void)sets_to_entries(sets, fd_count, entries);
    int rc = poll_until(call, entries, count, deadline, mask);
    if (rc >= 0)
        rc = sets_from_entries(sets, entries, count);
    if (entries != few)
        wf_free(entries);
    return rc;
}

/* Not at once, and not for less than no time, which is an error. */
static bool waits_for(const struct timeval *timeout)
{
    return timeout == NULL || (timeout->tv_sec >= 0 && timeout->tv_usec >= 0 &&
                               (timeout->tv_sec != 0 || timeout->tv_usec != 0));
}

WEFT_API int select(int fd_count, fd_set *read_set, fd_set *write_set, fd_set *except_set,
                    struct timeval *timeout)
{
    if (!waits_for(timeout) || fd_count < 0 || fd_count > FD_SETSIZE || !wf_inside())
        return wf_next()->select(fd_count, read_set, write_set, except_set, timeout);
    struct sets sets = {read_set, write_set, except_set};
    weft_time deadline = WEFT_FOREVER;
    if (timeout != NULL)
        deadline = weft_after(wf_time_of_timeval(timeout));
    int rc = select_until("select", fd_count, &sets, deadline, NULL);
    if (timeout != NULL) { /* what is left of it, as Linux does */
        weft_time left = deadline - weft_now();
        left = left > 0 ? left : 0;
        *timeout =
            (struct timeval){.tv_sec = left / WEFT_SEC, .tv_usec = left % WEFT_SEC / WEFT_US};
    }
    return rc;
}

WEFT_API int pselect(int fd_count, fd_set *read_set, fd_set *write_set, fd_set *except_set,
                     const struct timespec *timeout, const sigset_t *mask)
{
    bool is_valid = timeout == NULL || wf_time_is_valid(timeout);
    if (!is_valid || fd_count < 0 || fd_count > FD_SETSIZE || !wf_inside())
        return wf_next()->pselect(fd_count, read_set, write_set, except_set, timeout, mask);
    struct sets sets = {read_set, write_set, except_set};
    return select_until("pselect", fd_count, &sets, deadline_of_timespec(timeout), mask);
}

/* ---- epoll ---- */

WEFT_API int epoll_pwait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms,
                         const sigset_t *mask)
{
    if (timeout_ms == 0 || !wf_inside())
        return wf_next()->epoll_pwait(epoll_fd, events, count, timeout_ms, mask);
    struct pollfd entry = {.fd = epoll_fd, .events = POLLIN};
    weft_time deadline = deadline_of_ms(timeout_ms);
    for (;;) {
        int rc = wf_next()->epoll_pwait(epoll_fd, events, count, 0, mask);
        if (rc != 0) {
            wf_went_on();
            return rc;
        }
        rc = wf_wait_any(&entry, 1, deadline, "epoll_wait");
        if (rc <= 0)
            return rc;
    }
}

WEFT_API int epoll_wait(int epoll_fd, struct epoll_event *events, int count, int timeout_ms)
{
    if (timeout_ms == 0 || !wf_inside())
        return wf_next()->epoll_wait(epoll_fd, events, count, timeout_ms);
    return epoll_pwait(epoll_fd, events, count, timeout_ms, NULL);
}

/* ---- as code compiled with _FORTIFY_SOURCE calls them ---- */

WEFT_API int __poll_chk(struct pollfd *entries, nfds_t count, int timeout_ms, size_t room);
WEFT_API int __ppoll_chk(struct pollfd *entries, nfds_t count, const struct timespec *timeout,
                         const sigset_t *mask, size_t room);

WEFT_API int __poll_chk(struct pollfd *entries, nfds_t count, int timeout_ms, size_t room)
{
    if (room / sizeof *entries < count)
        abort();
    return poll(entries, count, timeout_ms);
}

WEFT_API int __ppoll_chk(struct pollfd *entries, nfds_t count, const struct timespec *timeout,
                         const sigset_t *mask, size_t room)
{
    if (room / sizeof *entries < count)
        abort();
    return ppoll(entries, count, timeout, mask);
}
