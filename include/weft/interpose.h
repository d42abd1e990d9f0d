/* SPDX-License-Identifier: MIT */

/*
 * Interpose: libraries that know nothing of Weft and block, called from tasks.
 *
 * A program that is linked with libweft-interpose (pkg-config weft-interpose), or runs under
 * LD_PRELOAD=libweft-interpose.so, has the waiting calls of the C library replaced:
 *
 *     poll ppoll select pselect epoll_wait epoll_pwait
 *     read readv recv recvfrom recvmsg recvmmsg        write writev send sendto sendmsg sendmmsg
 *     connect accept accept4 close
 *     sleep usleep nanosleep clock_nanosleep           getaddrinfo getnameinfo
 *
 * Called inside a task they wait as that task: others run, deadlines and cancels reach it, a
 * virtual clock moves.  So PQexec() or curl_easy_perform() can be called by a hundred tasks at once
 * on one thread.  Everywhere else (other threads, callbacks, before and after a run, Weft's own
 * calls) they are what they were.
 *
 * A call that need not wait is made at once, also in a cancelled task.  One that has to:
 *
 *     a descriptor that blocks       the task waits, at most SO_RCVTIMEO or SO_SNDTIMEO
 *     one that does not (O_NONBLOCK) EAGAIN, EINPROGRESS at once, as ever
 *     poll and its kin               the task waits, at most the timeout
 *     a regular file                 never has to: it is read and written as without us
 *     getaddrinfo, getnameinfo       on a thread for bodies that block, unless the name is a number
 *
 * Cancelled, by a deadline too, such a call fails with ECANCELED (getaddrinfo: EAI_SYSTEM and that
 * errno) until the scope is left.  Not with EINTR: libraries take that for "again" and would try
 * for ever; ECANCELED they hand up as a failure like any other.  Bytes that were moved are returned
 * first.  To let a library say goodbye in a cancelled task, wrap that in a WEFT_SHIELD.
 *
 * What it cannot see: calls that libc makes inside itself (a FILE *, system(), waitpid()), raw
 * system calls, condition variables and semaphores.  These block the thread, and the loop says so
 * when it takes 100 ms.  A library that keeps state for the thread (errno is kept apart) finds it
 * shared by all tasks, as with any code that is called again before it has returned.
 *
 * Locks.  A pthread mutex that a task holds while it waits is reported, once a place: another
 * thread that wants it waits as long.  Another task of this thread that wants it waits as a task,
 * so two tasks cannot block their own thread.
 *
 * Stack.  libpq and libcurl, with TLS too, were measured to use less than 10 KiB (Debian 12), so
 * the usual 64 KiB do.  A library that keeps large buffers on the stack needs a task with more of
 * it: weft_spawn_stack(), or weft_config.stack_bytes for all.  Only what is touched takes memory,
 * and one that overflows is named.
 *
 * Library: weft-interpose.
 */
#ifndef WEFT_INTERPOSE_H
#define WEFT_INTERPOSE_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* Whether the calls of this task wait as a task; they do unless this says otherwise.  Holds for
 * tasks it spawns from now on too.  0; -EPERM outside a task, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_interpose(bool is_on);

/* What all threads came to so far. */
typedef struct weft_interpose_stats {
    uint64_t waits;           /* calls that waited as a task */
    uint64_t waits_with_lock; /* of these, while their task held a pthread mutex */
    uint64_t lock_waits;      /* tasks that waited for a mutex another task held */
} weft_interpose_stats;
WEFT_API void weft_interpose_stats_get(weft_interpose_stats *out);

WEFT_END_DECLS

#endif
