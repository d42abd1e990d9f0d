/* SPDX-License-Identifier: MIT */

/*
 * pthread mutexes locked by tasks.  A mutex is the thread's: one task that waits while it holds it
 * and another that wants it are the same to pthread, which would block the thread for ever, or let
 * both in if it is recursive.  So those that tasks hold are noted, with the task; another task of
 * the thread waits as a task, and a wait with a mutex held is reported.
 *
 * Only a mutex locked in a task is noted, and few are held at a time: the list is searched from its
 * end.  Past HELD_MAX they go unnoted.
 */

#include "interpose/mutex.h"

#include <weft/sys/loop.h>
#include <weft/sys/park.h>
#include <weft/task.h>

#include "interpose/next.h"
#include "interpose/waits.h"

#include <dlfcn.h>
#include <stdio.h>

#define HELD_MAX 256
#define REPORTED_MAX 64

struct held {
    pthread_mutex_t *mutex;
    uint64_t task;
    const void *site; /* where it was locked */
};

static _Thread_local struct held helds[HELD_MAX];
static _Thread_local size_t held_count;
static _Thread_local weft_waitq held_changed; /* tasks that want one of them */

static const void *reported[REPORTED_MAX];
static size_t reported_count;
static pthread_mutex_t reported_mutex = PTHREAD_MUTEX_INITIALIZER;

/* No task goes on in the child: what they hold is the thread's there, and nobody waits as one. */
static void forget_held(void)
{
    held_count = 0;
    held_changed = (weft_waitq){0};
}

__attribute__((constructor)) static void forget_held_after_fork(void)
{
    (void)pthread_atfork(NULL, NULL, forget_held);
}

static struct held *held_find(const pthread_mutex_t *mutex)
{
    for (size_t i = held_count; i-- > 0;)
        if (helds[i].mutex == mutex)
            return &helds[i];
    return NULL;
}

static void held_add(pthread_mutex_t *mutex, const void *site)
{
    if (held_count < HELD_MAX)
        helds[held_count++] = (struct held){.mutex = mutex, .task = weft_self().id, .site = site};
}

static void held_remove(const pthread_mutex_t *mutex)
{
    struct held *held = held_find(mutex);
    if (held == NULL)
        return;
    *held = helds[--held_count];
    for (weft_waiter *waiter; (waiter = weft_waitq_pop(&held_changed)) != NULL;)
        weft_wake(waiter, 0);
}

static bool held_by_other(const pthread_mutex_t *mutex)
{
    const struct held *held = held_find(mutex);
    return held != NULL && held->task != weft_self().id;
}

static const struct held *held_by_self(void)
{
    uint64_t self = weft_self().id;
    for (size_t i = held_count; i-- > 0;)
        if (helds[i].task == self)
            return &helds[i];
    return NULL;
}

/* ---- reports ---- */

/* Also true if too many were. */
static bool was_reported(const void *site)
{
    const struct wf_next *next = wf_next();
    next->pthread_mutex_lock(&reported_mutex);
    bool is_old = reported_count == REPORTED_MAX;
    for (size_t i = 0; i < reported_count && !is_old; i++)
        is_old = reported[i] == site;
    if (!is_old)
        reported[reported_count++] = site;
    next->pthread_mutex_unlock(&reported_mutex);
    return is_old;
}

static void place_text(const void *site, char *out, size_t bytes)
{
    Dl_info info = {0};
    if (dladdr(site, &info) == 0 || info.dli_fname == NULL) {
        snprintf(out, bytes, "%p", site);
        return;
    }
    const char *slash = strrchr(info.dli_fname, '/');
    const char *file = slash != NULL ? slash + 1 : info.dli_fname;
    const void *base = info.dli_sname != NULL ? info.dli_saddr : info.dli_fbase;
    snprintf(out, bytes, "%s%s%s+0x%zx", file, info.dli_sname != NULL ? ":" : "",
             info.dli_sname != NULL ? info.dli_sname : "",
             (size_t)((const char *)site - (const char *)base));
}

void wf_mutex_report_held(const char *call)
{
    if (held_count == 0)
        return;
    const struct held *held = held_by_self();
    if (held == NULL)
        return;
    wf_count(&wf_interpose_counts.waits_with_lock);
    if (was_reported(held->site))
        return;
    char name[32], place[160];
    weft_get_name(name, sizeof name);
    place_text(held->site, place, sizeof place);
    weft_log("interpose: task %s waits in %s() while it holds a pthread mutex, locked at %s", name,
             call, place);
}

bool wf_mutex_is_held(void)
{
    return held_count != 0 && held_by_self() != NULL;
}

/* ---- the calls ---- */

static const weft_wait_class lock_class = {.what = "pthread mutex"};

/* Deaf to cancellation, since a lock cannot say so; who holds it hears of a cancel and lets go. */
static void wait_for_holder(pthread_mutex_t *mutex)
{
    wf_count(&wf_interpose_counts.lock_waits);
    while (held_by_other(mutex)) {
        weft_waiter waiter = WEFT_WAITER(&lock_class, mutex);
        weft_waitq_push(&held_changed, &waiter);
        (void)weft_park_shielded(&waiter);
    }
}

WEFT_API int pthread_mutex_lock(pthread_mutex_t *mutex)
{
    if (!wf_inside())
        return wf_next()->pthread_mutex_lock(mutex);
    if (held_count != 0 && held_by_other(mutex))
        wait_for_holder(mutex);
    int rc = wf_next()->pthread_mutex_lock(mutex);
    if (rc == 0 || rc == EOWNERDEAD)
        held_add(mutex, __builtin_return_address(0));
    return rc;
}

WEFT_API int pthread_mutex_trylock(pthread_mutex_t *mutex)
{
    if (!wf_inside())
        return wf_next()->pthread_mutex_trylock(mutex);
    if (held_count != 0 && held_by_other(mutex))
        return EBUSY;
    int rc = wf_next()->pthread_mutex_trylock(mutex);
    if (rc == 0 || rc == EOWNERDEAD)
        held_add(mutex, __builtin_return_address(0));
    return rc;
}

WEFT_API int pthread_mutex_unlock(pthread_mutex_t *mutex)
{
    int rc = wf_next()->pthread_mutex_unlock(mutex);
    if (rc == 0 && held_count != 0)
        held_remove(mutex);
    return rc;
}
