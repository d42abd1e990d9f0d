/* SPDX-License-Identifier: MIT */

#include "core/exec/pool.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <assert.h>
#include <pthread.h>
#include <time.h>

struct pool_thread {
    struct wf_pool *pool;
    weft_thread id;
};

/* `lock` protects everything below it.  `wanted` is signalled once a job, and to all at the end. */
struct wf_pool {
    struct wf_pool_options options;
    pthread_mutex_t lock;
    pthread_cond_t wanted;
    wf_list queue; /* jobs, first come first served */
    pthread_cond_t all_ended;
    uint32_t queued_count, idle_count, thread_count;
    struct pool_thread *ended; /* the last that ended; it has joined the one before it */
    bool must_stop;
};

/* In real time, whatever the clock of the loop. */
static struct timespec pool_idle_end(const struct wf_pool *pool)
{
    weft_time end = 0;
    if (__builtin_add_overflow(weft_platform_host.now(), pool->options.idle, &end))
        end = WEFT_FOREVER;
    if (end < 0) /* no time for the system; less than none has passed as well */
        end = 0;
    return (struct timespec){.tv_sec = end / WEFT_SEC, .tv_nsec = end % WEFT_SEC};
}

/* Waits for a job, with the lock held.  NULL: end the thread. */
static struct wf_pool_job *pool_next(struct wf_pool *pool)
{
    struct timespec end = pool_idle_end(pool);
    int rc = 0;
    while (wf_list_is_empty(&pool->queue)) {
        if (pool->must_stop || rc == ETIMEDOUT)
            return NULL;
        pool->idle_count++;
        rc = pthread_cond_timedwait(&pool->wanted, &pool->lock, &end);
        pool->idle_count--;
    }
    pool->queued_count--;
    return wf_container(wf_list_pop(&pool->queue), struct wf_pool_job, link);
}

static void pool_join(struct pool_thread *thread)
{
    if (thread == NULL)
        return;
    wf_sys_thread_join(thread->id);
    wf_free(thread);
}

/* With the lock held, which it gives back.  Nobody has to come by for an ended thread to be joined:
 * the next one that ends does it, so that at most one waits for that. */
static void pool_thread_end(struct wf_pool *pool, struct pool_thread *self)
{
    struct pool_thread *before = pool->ended;
    pool->ended = self;
    if (--pool->thread_count == 0)
        pthread_cond_signal(&pool->all_ended);
    pthread_mutex_unlock(&pool->lock); /* the pool may be gone from here on, once we are joined */
    pool_join(before);
}

static void pool_thread_main(void *arg)
{
    struct pool_thread *self = arg;
    struct wf_pool *pool = self->pool;
    weft_platform_set(pool->options.platform);

    pthread_mutex_lock(&pool->lock);
    struct wf_pool_job *job;
    while ((job = pool_next(pool)) != NULL) {
        pthread_mutex_unlock(&pool->lock);
        job->fn(job);
        pthread_mutex_lock(&pool->lock);
    }
    pool_thread_end(pool, self);
}

/* ---- threads ---- */

/* With the lock held, so that it cannot end, and be joined, before `id` is written. */
static int pool_start_thread(struct wf_pool *pool)
{
    struct pool_thread *thread = wf_alloc(sizeof *thread);
    if (thread == NULL)
        return -ENOMEM;
    thread->pool = pool;
    int rc = wf_sys_thread_start(&thread->id, pool_thread_main, thread, pool->options.stack_bytes);
    if (rc < 0)
        wf_free(thread);
    else
        pool->thread_count++;
    return rc;
}

/* ---- jobs ---- */

/* With the lock held. */
static void pool_unqueue(struct wf_pool *pool, struct wf_pool_job *job)
{
    wf_list_remove(&job->link);
    pool->queued_count--;
}

int wf_pool_submit(struct wf_pool *pool, struct wf_pool_job *job)
{
    /* In one go: an idle thread does not end while a job is queued. */
    pthread_mutex_lock(&pool->lock);
    wf_list_append(&pool->queue, &job->link);
    pool->queued_count++;
    pthread_cond_signal(&pool->wanted);
    bool wants_thread =
        pool->queued_count > pool->idle_count && pool->thread_count < pool->options.thread_max;
    int rc = wants_thread ? pool_start_thread(pool) : 0;
    if (pool->thread_count != 0)
        rc = 0; /* those there are will come to it */
    if (rc < 0)
        pool_unqueue(pool, job);
    pthread_mutex_unlock(&pool->lock);
    return rc;
}

bool wf_pool_withdraw(struct wf_pool *pool, struct wf_pool_job *job)
{
    pthread_mutex_lock(&pool->lock);
    bool is_queued = !wf_list_is_empty(&job->link);
    if (is_queued)
        pool_unqueue(pool, job);
    pthread_mutex_unlock(&pool->lock);
    return is_queued;
}

uint32_t wf_pool_thread_count(struct wf_pool *pool)
{
    pthread_mutex_lock(&pool->lock);
    uint32_t count = pool->thread_count;
    pthread_mutex_unlock(&pool->lock);
    return count;
}

/* ---- life ---- */

int wf_pool_new(struct wf_pool **out, const struct wf_pool_options *options)
{
    struct wf_pool *pool = wf_alloc(sizeof *pool);
    if (pool == NULL)
        return -ENOMEM;
    pool->options = *options;
    wf_list_init(&pool->queue);

    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&pool->wanted, &attr);
    pthread_cond_init(&pool->all_ended, NULL);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&pool->lock, NULL);
    *out = pool;
    return 0;
}

void wf_pool_free(struct wf_pool *pool)
{
    if (pool == NULL)
        return;
    pthread_mutex_lock(&pool->lock);
    assert(wf_list_is_empty(&pool->queue));
    pool->must_stop = true;
    pthread_cond_broadcast(&pool->wanted);
    while (pool->thread_count != 0)
        pthread_cond_wait(&pool->all_ended, &pool->lock);
    pthread_mutex_unlock(&pool->lock);

    pool_join(pool->ended);
    pthread_cond_destroy(&pool->wanted);
    pthread_cond_destroy(&pool->all_ended);
    pthread_mutex_destroy(&pool->lock);
    wf_free(pool);
}
