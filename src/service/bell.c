/* SPDX-License-Identifier: MIT */

#include "service/bell.h"

#include <weft/future.h>

/* On the stack of the task that waits.  A set happens under the mutex alone, so that none is under
 * way when the waiter has taken itself off the list. */
struct bell_waiter {
    wf_list link;
    weft_future rung;
};

void bell_init(struct bell *bell)
{
    wf_list_init(&bell->waiters);
}

int bell_wait(struct bell *bell, pthread_mutex_t *lock)
{
    struct bell_waiter self = {0};
    wf_list_append(&bell->waiters, &self.link);
    pthread_mutex_unlock(lock);
    int rc = weft_future_wait(&self.rung, /* out_value= */ NULL);
    pthread_mutex_lock(lock);
    wf_list_remove(&self.link);
    return rc;
}

void bell_ring(struct bell *bell)
{
    for (wf_list *link; (link = wf_list_pop(&bell->waiters)) != NULL;)
        weft_future_set(&wf_container(link, struct bell_waiter, link)->rung, 0, /* value= */ NULL);
}
