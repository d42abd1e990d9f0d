/* SPDX-License-Identifier: MIT */

/*
 * Rule B02, the default: a thread of a pool that has had no work for 30 s ends.  Threads wait in
 * real time, whatever the clock of the loop; here that time is skipped, as this program has a
 * pthread_cond_timedwait of its own.
 */

#include "base/checkers.h"
#include "core/exec/exec_priv.h"
#include "harness/harness.h"

#include <weft.h>

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

#if !WF_HAS_TSAN /* which must see the real call */

static struct {
    _Atomic weft_time skipped; /* who would wait no longer has waited already */
    _Atomic weft_time wanted;  /* by the last that waited */
    _Atomic int count;         /* of waits */
} idle;

static weft_time time_until(const struct timespec *end)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (end->tv_sec - now.tv_sec) * WEFT_SEC + (end->tv_nsec - now.tv_nsec);
}

int pthread_cond_timedwait(pthread_cond_t *restrict cond, pthread_mutex_t *restrict mutex,
                           const struct timespec *restrict end)
{
    weft_time wanted = time_until(end);
    idle.wanted = wanted;
    idle.count++;
    if (wanted <= idle.skipped)
        return ETIMEDOUT;
    return pthread_cond_clockwait(cond, mutex, CLOCK_MONOTONIC, end);
}

static int nothing(void *arg)
{
    (void)arg;
    return 0;
}

/* A body, and then its thread has nothing to do. */
static void work_once(void)
{
    int before = idle.count;
    CHECK_OK(weft_run_blocking(nothing, NULL));
    while (idle.count == before)
        CHECK_OK(weft_yield());
}

static int be_idle(void *arg)
{
    (void)arg;
    work_once();
    CHECK_LE(idle.wanted, 30 * WEFT_SEC);
    idle.skipped = 20 * WEFT_SEC;
    work_once();
    for (int i = 0; i < 100; i++)
        CHECK_OK(weft_yield());
    CHECK_EQ(wf_exec_thread_count(weft_loop_self()), 1u);
    idle.skipped = 30 * WEFT_SEC;
    work_once();
    while (wf_exec_thread_count(weft_loop_self()) != 0)
        CHECK_OK(weft_yield());
    work_once(); /* and there is another when one is wanted */
    return 0;
}

KERNEL_TEST(test_B02_a_thread_without_work_ends_after_30_seconds)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, be_idle, NULL));
}

#endif
