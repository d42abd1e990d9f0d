/* SPDX-License-Identifier: MIT */

#include "interpose/waits.h"

#include <weft/interpose.h>
#include <weft/io.h>
#include <weft/local.h>
#include <weft/scope.h>
#include <weft/select.h>

#include "base/alloc.h"
#include "interpose/mutex.h"

#define UNWAITED_MAX 128 /* calls in a row that did not wait */
#define CASES_ON_STACK 4

struct wf_interpose_counts wf_interpose_counts;

static weft_local waits_off; /* set: this task's calls are left alone */
static _Thread_local unsigned unwaited_count;

int weft_interpose(bool is_on)
{
    return weft_local_set(&waits_off, is_on ? NULL : &waits_off);
}

void weft_interpose_stats_get(weft_interpose_stats *out)
{
    struct wf_interpose_counts *counts = &wf_interpose_counts;
    out->waits = __atomic_load_n(&counts->waits, __ATOMIC_RELAXED);
    out->waits_with_lock = __atomic_load_n(&counts->waits_with_lock, __ATOMIC_RELAXED);
    out->lock_waits = __atomic_load_n(&counts->lock_waits, __ATOMIC_RELAXED);
}

bool wf_inside(void)
{
    return weft_self().id != 0 && weft_local_get(&waits_off) == NULL;
}

bool wf_loop_knows_descriptors(void)
{
    const weft_loop *loop = weft_loop_self();
    return loop != NULL && strcmp(weft_loop_backend(loop), "sim") != 0;
}

weft_time wf_time_of(const struct timespec *time)
{
    weft_time ns;
    if (__builtin_mul_overflow((weft_time)time->tv_sec, WEFT_SEC, &ns) ||
        __builtin_add_overflow(ns, (weft_time)time->tv_nsec, &ns))
        return WEFT_FOREVER;
    return ns;
}

weft_time wf_time_of_timeval(const struct timeval *time)
{
    weft_time seconds = wf_time_of(&(struct timespec){.tv_sec = time->tv_sec}), rest, ns;
    if (__builtin_mul_overflow((weft_time)time->tv_usec, WEFT_US, &rest) ||
        __builtin_add_overflow(seconds, rest, &ns))
        return WEFT_FOREVER;
    return ns;
}

bool wf_time_is_valid(const struct timespec *time)
{
    return time->tv_sec >= 0 && time->tv_nsec >= 0 && time->tv_nsec < WEFT_SEC;
}

/* A negative code as errno: what cannot be waited for is no "try again". */
static int as_errno(int rc)
{
    if (rc >= 0)
        return rc;
    errno = rc == -EAGAIN ? ENOMEM : -rc;
    return -1;
}

void wf_wait_begins(const char *call)
{
    unwaited_count = 0;
    wf_count(&wf_interpose_counts.waits);
    wf_mutex_report_held(call);
}

static int wait_one(int fd, short events, weft_time deadline)
{
    weft_scope limit;
    int rc = weft_scope_open(&limit, deadline, 0);
    if (rc == 0)
        rc = weft_scope_close(&limit, weft_wait_fd(fd, events));
    if (rc == -ETIMEDOUT)
        return 0;
    return rc < 0 ? rc : 1;
}

int wf_wait_ready(int fd, short events, weft_time deadline, const char *call)
{
    wf_wait_begins(call);
    return as_errno(wait_one(fd, events, deadline));
}

static int wait_cases(weft_case *cases, const struct pollfd *entries, size_t count,
                      weft_time deadline)
{
    int outcome;
    size_t used = 0;
    for (size_t i = 0; i < count; i++) {
        if (entries[i].fd >= 0)
            cases[used++] = (weft_case)WEFT_CASE_READY(entries[i].fd, entries[i].events, &outcome);
    }
    cases[used++] = (weft_case)WEFT_CASE_DEADLINE(deadline);
    int rc = weft_select_at(cases, used, NULL);
    if (rc < 0)
        return rc;
    return (size_t)rc == used - 1 ? 0 : 1; /* an error of a case is found by who looks again */
}

static int wait_several(const struct pollfd *entries, size_t count, weft_time deadline)
{
    weft_case few[CASES_ON_STACK], *cases = few;
    if (count >= CASES_ON_STACK)
        cases = wf_array(count + 1, sizeof *cases);
    if (cases == NULL)
        return -ENOMEM;
    int rc = wait_cases(cases, entries, count, deadline);
    if (cases != few)
        wf_free(cases);
    return rc;
}

int wf_wait_any(const struct pollfd *entries, size_t count, weft_time deadline, const char *call)
{
    wf_wait_begins(call);
    if (count == 1 && entries[0].fd >= 0)
        return as_errno(wait_one(entries[0].fd, entries[0].events, deadline));
    return as_errno(wait_several(entries, count, deadline));
}

int wf_wait_pause(weft_time duration, const char *call)
{
    wf_wait_begins(call);
    return as_errno(weft_sleep(duration));
}

void wf_went_on(void)
{
    if (++unwaited_count < UNWAITED_MAX || wf_mutex_is_held())
        return;
    int before = errno;
    unwaited_count = 0;
    (void)weft_yield();
    errno = before;
}
