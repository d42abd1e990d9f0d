/* SPDX-License-Identifier: MIT */

#include <weft/cond.h>

#include "sync_helpers.h"

struct shop {
    weft_mutex mutex;
    weft_cond filled;
    int goods;
    int notified; /* waits that returned 0 */
};

/* Waits once, without a loop around it: shows who was woken. */
static int wait_once(void *arg)
{
    struct shop *shop = arg;
    int rc = weft_lock(&shop->mutex);
    if (rc < 0)
        return rc;
    rc = weft_cond_wait(&shop->filled, &shop->mutex);
    shop->notified += rc == 0;
    CHECK_EQ(weft_unlock(&shop->mutex), 0); /* owns it whatever the wait returned */
    return rc;
}

TASK_TEST(test_P07_wait_without_the_mutex_is_refused)
{
    struct shop shop = {0};
    CHECK_EQ(weft_cond_wait(&shop.filled, &shop.mutex), -EPERM);
    CHECK(!weft_mutex_is_locked(&shop.mutex));
}

static int wait_with_a_mutex_of_ones_own(void *arg)
{
    struct shop *shop = arg;
    weft_mutex own = {0};
    CHECK_EQ(weft_lock(&own), 0);
    int rc = weft_cond_wait(&shop->filled, &own);
    CHECK_EQ(weft_unlock(&own), 0);
    return rc;
}

static int notify_all(void *arg)
{
    weft_cond_notify(&((struct shop *)arg)->filled, WEFT_NOTIFY_ALL);
    return 0;
}

TASK_TEST(test_P10_condition_of_another_loop_is_refused_while_somebody_waits)
{
    struct shop shop = {0};
    weft_task here = start(wait_once, &shop);
    CHECK_EQ(run_elsewhere(wait_with_a_mutex_of_ones_own, &shop), -EPERM);
    CHECK_EQ(run_elsewhere(notify_all, &shop), 0); /* tells nobody, and the log so */
    settle();
    CHECK_EQ(weft_done(here, NULL), 0);
    weft_cond_notify(&shop.filled, 1);
    CHECK_EQ(weft_await(here), 0);
}

TEST(test_L04_condition_outside_a_loop_is_refused)
{
    struct shop shop = {0};
    CHECK_EQ(weft_cond_wait(&shop.filled, &shop.mutex), -EPERM);
}

TASK_TEST(test_P07_wait_releases_the_mutex_and_holds_it_again)
{
    struct shop shop = {0};
    weft_task task = start(wait_once, &shop);
    CHECK(!weft_mutex_is_locked(&shop.mutex));
    CHECK_EQ(weft_lock(&shop.mutex), 0);
    weft_cond_notify(&shop.filled, 1);
    settle();
    CHECK_EQ(weft_done(task, NULL), 0); /* notified, but the mutex is ours */
    CHECK_EQ(weft_unlock(&shop.mutex), 0);
    CHECK_EQ(weft_await(task), 0);
    CHECK(!weft_mutex_is_locked(&shop.mutex));
}

TASK_TEST(condition_notifies_as_many_as_asked_in_order_of_coming)
{
    struct shop shop = {0};
    weft_task tasks[4];
    for (int i = 0; i < 4; i++)
        tasks[i] = start(wait_once, &shop);
    weft_cond_notify(&shop.filled, 2);
    settle();
    for (int i = 0; i < 4; i++)
        CHECK_EQ(weft_done(tasks[i], NULL), i < 2 ? 1 : 0);
    weft_cond_notify(&shop.filled, WEFT_NOTIFY_ALL);
    for (int i = 0; i < 4; i++)
        CHECK_EQ(weft_await(tasks[i]), 0);
}

TASK_TEST(condition_forgets_a_notification_that_nobody_waits_for)
{
    struct shop shop = {0};
    weft_cond_notify(&shop.filled, WEFT_NOTIFY_ALL);
    weft_task task = start(wait_once, &shop);
    settle();
    CHECK_EQ(weft_done(task, NULL), 0);
    weft_cond_notify(&shop.filled, 1);
    CHECK_EQ(weft_await(task), 0);
}

TASK_TEST(test_P07_cancelled_waiter_holds_the_mutex_when_it_returns)
{
    struct shop shop = {0};
    weft_task task = start(wait_once, &shop);
    CHECK_EQ(weft_lock(&shop.mutex), 0);
    CHECK_EQ(weft_cancel(task, "test"), 1);
    settle();
    CHECK_EQ(weft_done(task, NULL), 0); /* even a cancelled one waits for the mutex */
    CHECK_EQ(weft_unlock(&shop.mutex), 0);
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK(!weft_mutex_is_locked(&shop.mutex));
}

TASK_TEST(test_P07_waiter_cancelled_after_the_notify_passes_it_to_the_next)
{
    struct shop shop = {0};
    weft_task first = start(wait_once, &shop);
    weft_task second = start(wait_once, &shop);
    weft_cond_notify(&shop.filled, 1);
    CHECK_EQ(weft_cancel(first, "too late"), 1);
    CHECK_EQ(weft_await(first), -ECANCELED);
    CHECK_EQ(weft_await(second), 0); /* else it would sleep for ever */
    CHECK_EQ(shop.notified, 1);
}

TASK_TEST(test_P07_waiter_cancelled_while_it_waits_for_the_mutex_passes_the_notify_on)
{
    struct shop shop = {0};
    weft_task first = start(wait_once, &shop);
    weft_task second = start(wait_once, &shop);
    CHECK_EQ(weft_lock(&shop.mutex), 0);
    weft_cond_notify(&shop.filled, 1);
    settle(); /* the first has left the condition and wants the mutex */
    CHECK_EQ(weft_cancel(first, "test"), 1);
    settle();
    CHECK_EQ(weft_unlock(&shop.mutex), 0);
    CHECK_EQ(weft_await(first), -ECANCELED);
    CHECK_EQ(weft_await(second), 0);
}

TASK_TEST(test_C02_wait_of_a_cancelled_task_does_not_release_the_mutex)
{
    struct shop shop = {0};
    CHECK_EQ(weft_lock(&shop.mutex), 0);
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, WEFT_FOREVER, 0));
    weft_scope_cancel(&scope, "test");
    int rc = weft_cond_wait(&shop.filled, &shop.mutex);
    CHECK_EQ(rc, -ECANCELED);
    CHECK(weft_mutex_is_locked(&shop.mutex));
    CHECK_EQ(weft_scope_close(&scope, rc), 0);
    CHECK_EQ(weft_unlock(&shop.mutex), 0);
}

static int lock_and_end(void *mutex)
{
    int rc = weft_lock(mutex);
    return rc < 0 ? rc : weft_sleep(WEFT_MS);
}

TASK_TEST(test_P04_condition_waiter_owns_the_mutex_though_its_last_owner_ended)
{
    struct shop shop = {0};
    weft_task waiter = start(wait_once, &shop);
    weft_task owner = start(lock_and_end, &shop.mutex);
    weft_cond_notify(&shop.filled, 1);
    settle(); /* the waiter wants the mutex, whose owner ends with it */
    CHECK_EQ(weft_await(owner), 0);
    CHECK_EQ(weft_await(waiter), -EOWNERDEAD);
    CHECK(!weft_mutex_is_locked(&shop.mutex));
}

/* ---- property: a bounded store with many producers and consumers loses and doubles nothing ----
 */

struct store {
    weft_mutex mutex;
    weft_cond not_empty, not_full;
    int count, capacity;
    long put, taken;
    bool is_over;
    uint64_t random;
};

static int produce(void *arg)
{
    struct store *store = arg;
    for (int i = 0; i < 12; i++) {
        int rc = weft_lock(&store->mutex);
        if (rc < 0)
            return rc;
        while (rc == 0 && store->count == store->capacity)
            rc = weft_cond_wait(&store->not_full, &store->mutex);
        if (rc == 0) {
            store->count++;
            store->put++;
            weft_cond_notify(&store->not_empty, 1);
        }
        CHECK_EQ(weft_unlock(&store->mutex), 0);
        if (rc == 0 && random_below(&store->random, 3) == 0)
            rc = weft_sleep((weft_time)random_below(&store->random, 30) * WEFT_US);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int consume(void *arg)
{
    struct store *store = arg;
    for (;;) {
        int rc = weft_lock(&store->mutex);
        if (rc < 0)
            return rc;
        while (rc == 0 && store->count == 0 && !store->is_over)
            rc = weft_cond_wait(&store->not_empty, &store->mutex);
        bool is_end = rc < 0 || store->count == 0;
        if (!is_end) {
            store->count--;
            store->taken++;
            weft_cond_notify(&store->not_full, 1);
        }
        CHECK_EQ(weft_unlock(&store->mutex), 0);
        if (is_end)
            return rc;
    }
}

TASK_TEST(test_P07_no_notification_is_lost_whatever_is_cancelled)
{
    enum { SIDE = 5 };
    uint64_t random = test_seed();
    for (int round = 0; round < 40; round++) {
        note("round %d", round);
        struct store store = {.capacity = 2, .random = next_random(&random)};
        weft_task producers[SIDE], consumers[SIDE];
        for (int i = 0; i < SIDE; i++) {
            consumers[i] = weft_spawn(consume, &store);
            producers[i] = weft_spawn(produce, &store);
        }
        /* One of each side is spared: it must be able to finish alone. */
        for (int i = 1; i < SIDE; i++) {
            CHECK_OK(weft_sleep((weft_time)random_below(&random, 30) * WEFT_US));
            CHECK_OK(weft_cancel(random_below(&random, 2) == 0 ? producers[i] : consumers[i],
                                 "at random"));
        }
        for (int i = 0; i < SIDE; i++) {
            int rc = weft_await(producers[i]);
            CHECK(rc == 0 || (rc == -ECANCELED && i > 0));
        }
        CHECK_EQ(weft_lock(&store.mutex), 0);
        store.is_over = true;
        weft_cond_notify(&store.not_empty, WEFT_NOTIFY_ALL);
        CHECK_EQ(weft_unlock(&store.mutex), 0);
        for (int i = 0; i < SIDE; i++) {
            int rc = weft_await(consumers[i]);
            CHECK(rc == 0 || (rc == -ECANCELED && i > 0));
            weft_release(producers[i]);
            weft_release(consumers[i]);
        }
        CHECK_EQ(store.put, store.taken);
        CHECK(!weft_mutex_is_locked(&store.mutex));
    }
}

/* ---- sweeps ---- */

static struct shop swept;

static void shop_is_closed(int rc)
{
    (void)rc;
    CHECK(!weft_mutex_is_locked(&swept.mutex));
}

static int buy(void *arg)
{
    struct shop *shop = arg;
    int rc = weft_lock(&shop->mutex);
    if (rc < 0)
        return rc;
    while (rc == 0 && shop->goods == 0)
        rc = weft_cond_wait(&shop->filled, &shop->mutex);
    shop->goods -= rc == 0;
    weft_unlock(&shop->mutex);
    return rc;
}

SCENARIO_WITH(two_tasks_wait_for_goods, shop_is_closed)
{
    swept = (struct shop){0};
    weft_task first = weft_spawn(buy, &swept);
    weft_task second = weft_spawn(buy, &swept);
    int rc = weft_sleep(WEFT_MS);
    if (rc == 0)
        rc = weft_lock(&swept.mutex);
    if (rc < 0)
        return rc; /* the children are cancelled */
    swept.goods = 2;
    weft_cond_notify(&swept.filled, 2);
    weft_unlock(&swept.mutex);
    rc = weft_await(first);
    int other = weft_await(second);
    return rc < 0 ? rc : other;
}
