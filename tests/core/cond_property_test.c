/* SPDX-License-Identifier: MIT */

/* Condition: the mutex is held again however a wait ends, and no notification is lost. */

#include "property.h"

#include <weft/cond.h>

/* A shelf of goods under a mutex.  A notification goes to one who waits; if that one leaves with an
 * error, on to the next.  So nobody sleeps beside goods. */
static struct {
    weft_mutex mutex;
    weft_cond filled;
    struct actor *inside; /* who believes to hold the mutex */
    int goods, brought, taken;
    int sleeping; /* in weft_cond_wait */
    bool wakes_all;
} shelf;

static void shelf_begin(int wakes_all)
{
    memset(&shelf, 0, sizeof shelf);
    shelf.wakes_all = wakes_all != 0;
}

static int shelf_enter(struct actor *self)
{
    int rc = weft_lock(&shelf.mutex);
    if (rc < 0)
        return rc;
    CHECK(shelf.inside == NULL);
    shelf.inside = self;
    return 0;
}

static void shelf_leave(struct actor *self)
{
    CHECK(shelf.inside == self);
    shelf.inside = NULL;
    CHECK_EQ(weft_unlock(&shelf.mutex), 0);
}

static int shelf_wait(struct actor *self)
{
    shelf.inside = NULL;
    shelf.sleeping++;
    int rc = weft_cond_wait(&shelf.filled, &shelf.mutex);
    shelf.sleeping--;
    CHECK(shelf.inside == NULL);
    shelf.inside = self;
    CHECK(rc == 0 || rc == -ECANCELED);
    if (rc < 0)
        CHECK(actor_is_cancelled(self));
    return rc;
}

static int shelf_take(struct actor *self)
{
    int rc = shelf_enter(self);
    if (rc < 0)
        return rc;
    while (rc == 0 && shelf.goods == 0)
        rc = shelf_wait(self);
    if (rc == 0) {
        CHECK_GT(shelf.goods, 0);
        shelf.goods--;
        shelf.taken++;
        if (actor_random(self, 2) == 0)
            rc = weft_sleep((weft_time)actor_random(self, 20) * WEFT_US);
    }
    shelf_leave(self);
    return rc;
}

static int shelf_bring(struct actor *self)
{
    int rc = shelf_enter(self);
    if (rc < 0)
        return rc;
    shelf.goods++;
    shelf.brought++;
    weft_cond_notify(&shelf.filled, shelf.wakes_all ? WEFT_NOTIFY_ALL : 1);
    if (actor_random(self, 2) == 0)
        rc = weft_sleep((weft_time)actor_random(self, 20) * WEFT_US);
    shelf_leave(self);
    return rc;
}

static int shelf_step(struct actor *self)
{
    if (shelf.inside != self)
        CHECK_EQ(weft_cond_wait(&shelf.filled, &shelf.mutex), -EPERM);
    return actor_random(self, 2) == 0 ? shelf_take(self) : shelf_bring(self);
}

static void shelf_at_rest(void)
{
    CHECK(shelf.inside == NULL);
    CHECK(shelf.goods == 0 || shelf.sleeping == 0);
}

static void shelf_end(void)
{
    CHECK_EQ(shelf.brought, shelf.taken + shelf.goods);
    CHECK_EQ(shelf.sleeping, 0);
    CHECK(!weft_mutex_is_locked(&shelf.mutex));
    CHECK(weft_waitq_first(&shelf.filled.priv_waiters) == NULL);
}

#define SHELF_PROPERTY(name_, wakes_all_)                                                          \
    PROPERTY(name_, .begin = shelf_begin, .step = shelf_step, .at_rest = shelf_at_rest,            \
             .end = shelf_end, .shape = (wakes_all_))

SHELF_PROPERTY(test_P07_no_notification_is_lost_whoever_is_cancelled, 0)
SHELF_PROPERTY(test_P07_a_notification_to_all_reaches_all, 1)
