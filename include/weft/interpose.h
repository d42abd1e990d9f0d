/* SPDX-License-Identifier: MIT */

/*
 * Interpose: lets tasks call libraries that know nothing of Weft and block.
 *
 * A program that is linked with libweft-interpose (pkg-config weft-interpose), or runs under
 * LD_PRELOAD=libweft-interpose.so, has the waiting calls of the C library replaced:
 *
 *     poll ppoll select pselect epoll_wait epoll_pwait
 *     read readv recv recvfrom recvmsg recvmmsg        write writev send sendto sendmsg sendmmsg
 *     connect accept accept4 close
 *     sleep usleep nanosleep clock_nanosleep           getaddrinfo getnameinfo
 *
 * Called inside a task they suspend that task: others run, deadlines and cancels reach it, a
 * virtual clock moves.  So a hundred tasks on one thread can call PQexec() or curl_easy_perform()
 * at once.  Everywhere else (other threads, callbacks, before and after a run, Weft's own calls)
 * they do what they always did.
 *
 * A call that need not wait is made at once, also in a cancelled task.  One that has to:
 *
 *     a descriptor that blocks       the task waits, at most SO_RCVTIMEO or SO_SNDTIMEO
 *     one that does not (O_NONBLOCK) EAGAIN, EINPROGRESS at once, as ever
 *     poll and its kin               the task waits, at most the timeout
 *     a regular file                 never has to: it is read and written as without us
 *     getaddrinfo, getnameinfo       on a thread for bodies that block, unless the name is a number
 *
 * In a cancelled scope, or one past its deadline, such a call fails with ECANCELED (getaddrinfo:
 * EAI_SYSTEM and that errno) until the scope is left.  Not with EINTR, which libraries take for
 * "again" and would repeat for ever; ECANCELED is an error to them like any other.  If bytes were
 * moved their count is returned first.  To let a library say goodbye in a cancelled task, put a
 * WEFT_SHIELD around it.
 *
 * What it cannot see: calls that libc makes inside itself (a FILE *, system(), waitpid()), raw
 * system calls, condition variables and semaphores.  These block the thread, and the loop says so
 * when it takes 100 ms.  A library that keeps state for the thread (errno is kept apart) finds it
 * shared by all tasks, as with any code that is called again before it has returned.
 *
 * Locks.  A task that waits while it holds a pthread mutex is reported, once for each place:
 * another thread that wants the mutex has to wait as long.  Another task of this thread that wants
 * it waits as a task, so two tasks cannot block their own thread.
 *
 * Stack.  libpq and libcurl, with TLS too, were measured to use less than 10 KiB (Debian 12), so
 * the default of 64 KiB is enough.  A library with large buffers on the stack needs a task with
 * more: weft_spawn_stack(), or weft_config.stack_bytes for all.  Only what is touched takes memory,
 * and an overflow is reported with the task's name.
 *
 * Library: weft-interpose.
 */
#ifndef WEFT_INTERPOSE_H
#define WEFT_INTERPOSE_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

/* Switches the replacement of these calls on or off for the calling task, and for tasks it spawns
 * from now on.  It is on by default.  0; -EPERM outside a task, -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_interpose(bool is_on);

/* Counts of all threads so far. */
typedef struct weft_interpose_stats {
    uint64_t waits;           /* calls that waited as a task */
    uint64_t waits_with_lock; /* of these, while their task held a pthread mutex */
    uint64_t lock_waits;      /* tasks that waited for a mutex another task held */
} weft_interpose_stats;
WEFT_API void weft_interpose_stats_get(weft_interpose_stats *out);

WEFT_END_DECLS

#endif
