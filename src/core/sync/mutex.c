/* SPDX-License-Identifier: MIT */

#include <weft/mutex.h>

#include "core/sync/mutex_priv.h"
#include "core/sync/sync_priv.h"

#include <assert.h>

/*
 * A mutex that somebody waits for has an owner at every instant: unlock makes the first waiter the
 * owner before that waiter runs.  A task that asks in between finds it locked and queues behind.
 *
 * What a task owns is linked from its record, so that the end of the task can let go of it.
 */
static void mutex_holder(const weft_waiter *waiter,
                         void (*tell)(const weft_task *holder, void *arg), void *arg)
{
    const weft_mutex *mutex = waiter->object;
    weft_task owner = wf_task_handle(mutex->priv_owner);
    tell(&owner, arg);
}

static const weft_wait_class mutex_wait_class = {.what = "mutex", .holders = mutex_holder};

static void mutex_give_to(weft_mutex *mutex, wf_task *task)
{
    weft_mutex **owned = &task->body->owned_mutexes;
    mutex->priv_owner = task;
    mutex->priv_prev = NULL;
    mutex->priv_next = *owned;
    if (*owned != NULL)
        (*owned)->priv_prev = mutex;
    *owned = mutex;
}

static void mutex_take_back(weft_mutex *mutex)
{
    WF_KNOWN(mutex->priv_owner != NULL);
    if (mutex->priv_prev != NULL)
        mutex->priv_prev->priv_next = mutex->priv_next;
    else
        mutex->priv_owner->body->owned_mutexes = mutex->priv_next;
    if (mutex->priv_next != NULL)
        mutex->priv_next->priv_prev = mutex->priv_prev;
    mutex->priv_owner = NULL;
}

static void mutex_pass_on(weft_mutex *mutex)
{
    weft_waiter *waiter = wf_waitq_pop(&mutex->priv_waiters);
    if (waiter == NULL)
        return;
    mutex_give_to(mutex, waiter->task);
    wf_wake(waiter, 0);
}

int weft_trylock(weft_mutex *mutex)
{
    wf_task *self = wf_current();
    if (self == NULL)
        return -EPERM;
    if (mutex->priv_owner == self)
        return -EDEADLK;
    if (mutex->priv_owner != NULL)
        return wf_task_is_foreign(wf_sched_current, mutex->priv_owner) ? -EPERM : -EAGAIN;
    if (mutex->priv_is_abandoned) {
        mutex->priv_is_abandoned = false;
        return -EOWNERDEAD;
    }
    mutex_give_to(mutex, self);
    return 0;
}

int weft_lock(weft_mutex *mutex)
{
    int rc = wf_sync_enter();
    if (rc < 0)
        return rc;
    rc = weft_trylock(mutex);
    if (rc != -EAGAIN)
        return rc;

    weft_waiter self = WEFT_WAITER(&mutex_wait_class, mutex);
    wf_waitq_push(&mutex->priv_waiters, &self);
    return wf_sync_park(&self);
}

int wf_mutex_lock_shielded(weft_mutex *mutex)
{
    bool was_abandoned = false;
    int rc;
    do {
        rc = weft_trylock(mutex);
        if (rc == -EAGAIN) {
            weft_waiter self = WEFT_WAITER(&mutex_wait_class, mutex);
            wf_waitq_push(&mutex->priv_waiters, &self);
            rc = weft_park_shielded(&self);
        }
        was_abandoned |= rc == -EOWNERDEAD;
    } while (rc == -EOWNERDEAD);
    assert(rc == 0);
    return was_abandoned ? -EOWNERDEAD : 0;
}

int weft_unlock(weft_mutex *mutex)
{
    wf_task *self = wf_current();
    if (self == NULL || mutex->priv_owner != self) {
        wf_sync_misuse("mutex", mutex, "unlocked by somebody who does not own it");
        return -EPERM;
    }
    mutex_take_back(mutex);
    mutex_pass_on(mutex);
    return 0;
}

/* The first waiter learns of the death instead of getting the mutex.  The second gets it: it would
 * sleep for ever if the mutex were free while it waits. */
static void mutex_abandon(weft_mutex *mutex)
{
    mutex_take_back(mutex);
    weft_waiter *waiter = wf_waitq_pop(&mutex->priv_waiters);
    mutex->priv_is_abandoned = waiter == NULL;
    if (waiter != NULL)
        wf_wake(waiter, -EOWNERDEAD);
    mutex_pass_on(mutex);
}

void wf_mutex_abandon_all(wf_task *task)
{
    weft_mutex **owned = &task->body->owned_mutexes;
    while (*owned != NULL) {
        char name[WEFT_ERROR_NAME_BYTES];
        wf_task_name(task, name, sizeof name);
        wf_sync_log("mutex %p: its owner %s has ended", (void *)*owned, name);
        mutex_abandon(*owned);
    }
}
