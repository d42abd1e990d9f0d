/* SPDX-License-Identifier: MIT */

/* Executors: a body runs once and is waited for, or never runs; and never more than allowed. */

#include "property.h"

#include <weft/exec.h>

#include <stdatomic.h>

enum { ORDERS_MAX = PROPERTY_ACTORS * PROPERTY_STEPS };

/* A body's argument; the thread writes it, and the task reads it when the call has returned. */
struct order {
    int result;
    bool gives_up; /* when it is told that nobody wants it */
    int ran, returned;
    bool is_over; /* the call has returned: hands off */
};

static struct {
    weft_exec *exec;
    uint32_t threads;
    struct order orders[ORDERS_MAX];
    int count;
    _Atomic int inside, inside_max;
} kitchen;

static void kitchen_begin(int threads)
{
    memset(&kitchen, 0, sizeof kitchen);
    kitchen.threads = (uint32_t)threads;
}

static int cook(void *arg)
{
    struct order *order = arg;
    CHECK(!order->is_over);
    int inside = atomic_fetch_add(&kitchen.inside, 1) + 1;
    int max = atomic_load(&kitchen.inside_max);
    while (max < inside && !atomic_compare_exchange_weak(&kitchen.inside_max, &max, inside))
        ;
    CHECK_EQ(weft_sleep(0), -EPERM); /* rule B02: no waits here */
    order->ran++;
    order->returned = order->gives_up && weft_blocking_cancelled() ? -ECANCELED : order->result;
    atomic_fetch_sub(&kitchen.inside, 1);
    return order->returned;
}

static int kitchen_open(void)
{
    weft_exec_options options = {.thread_max = kitchen.threads, .queue_max = 1};
    return kitchen.exec != NULL ? 0 : weft_exec_new(&kitchen.exec, &options);
}

/* Rule B01. */
static void order_verify(const struct order *order, const struct actor *self, int rc, bool may_wait)
{
    CHECK_LE(order->ran, 1);
    if (order->ran == 1) {
        CHECK_EQ(rc, order->returned);
    } else if (rc == -ECANCELED) {
        CHECK(actor_is_cancelled(self));
    } else {
        bool is_plain = rc == -EAGAIN && !may_wait;
        CHECK(is_plain || weft_fault_armed_ != 0); /* no thread, no memory: it never ran */
    }
}

static int kitchen_step(struct actor *self)
{
    if (kitchen_open() < 0)
        return ACTOR_ENDS;
    struct order *order = &kitchen.orders[kitchen.count++];
    order->result = actor_random(self, 4) == 0 ? -EIO : actor_random(self, 9);
    order->gives_up = actor_random(self, 2) == 0;
    bool may_wait = actor_random(self, 4) != 0;
    int rc = may_wait ? weft_exec_run(kitchen.exec, cook, order)
                      : weft_exec_run_try(kitchen.exec, cook, order);
    order->is_over = true;
    order_verify(order, self, rc, may_wait);
    return rc;
}

static void kitchen_end(void)
{
    CHECK_EQ(kitchen.inside, 0);
    CHECK_LE((uint32_t)kitchen.inside_max, kitchen.threads);
    for (int i = 0; i < kitchen.count; i++)
        CHECK(kitchen.orders[i].is_over);
}

#define KITCHEN_PROPERTY(name_, threads_)                                                          \
    PROPERTY(name_, .begin = kitchen_begin, .step = kitchen_step, .end = kitchen_end,              \
             .shape = (threads_))

KITCHEN_PROPERTY(test_B01_a_body_runs_once_and_is_waited_for_or_never_runs, 1)
KITCHEN_PROPERTY(test_B02_no_more_bodies_run_than_there_may_be_threads, 2)
