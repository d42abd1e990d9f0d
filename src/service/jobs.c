/* SPDX-License-Identifier: MIT */

#include "service/jobs_priv.h"

#include "base/alloc.h"
#include "base/sys.h"

#include <stdio.h>
#include <string.h>

void jobs_init(struct jobs *jobs, struct registry *registry, struct measures *measures)
{
    *jobs = (struct jobs){.registry = registry, .measures = measures};
    pthread_mutex_init(&jobs->lock, NULL);
    bell_init(&jobs->work);
    wf_list_init(&jobs->items);
}

static void job_free(struct job *job)
{
    weft_text_free(&job->result);
    wf_free(job);
}

void jobs_fini(struct jobs *jobs)
{
    (void)jobs_stop(jobs);
    for (wf_list *link; (link = wf_list_pop(&jobs->items)) != NULL;)
        job_free(wf_container(link, struct job, link));
    pthread_mutex_destroy(&jobs->lock);
}

/* ---- life ---- */

/* It is over, so there is no order any more. */
static void job_unref(struct job *job)
{
    if (--job->holders == 0)
        job_free(job);
}

void job_drop(struct jobs *jobs, struct job *job)
{
    wf_arena_fini(&job->order.arena);
    registry_release(job->named);
    job->named = NULL;
    jobs_release(jobs, job);
}

void job_change(struct job *job)
{
    job->view.sequence++;
    bell_ring(&job->changed);
}

void job_end(struct jobs *jobs, struct job *job, enum job_state state)
{
    jobs->queued -= job->view.state == JOB_QUEUED;
    jobs->over++;
    job->view.state = state;
    job->view.ended_at = wf_sys_wall();
    job->ended = wf_sys_now();
    job->task = (weft_task){0};
    job_change(job);
}

void job_say(struct job *job, int rc, const char *text)
{
    job->view.error =
        (weft_m_error){.rc = rc, .limit = -1, .seen = -1, .offset = -1, .entity_index = -1};
    snprintf(job->view.error.message, sizeof(job->view.error.message), "%s", text);
}

/* Forgets what was over long ago, and the oldest of what is too many.  The lock is held. */
static void forget(struct jobs *jobs)
{
    weft_time now = wf_sys_now();
    wf_list_each_safe (link, &jobs->items) {
        struct job *job = wf_container(link, struct job, link);
        if (!job_is_over(job->view.state) ||
            (jobs->over <= JOBS_KEPT_MAX && now - job->ended <= JOBS_AGE_MAX))
            continue;
        wf_list_remove(link);
        jobs->over--;
        job_unref(job);
    }
}

/* ---- adding ---- */

static int job_new(struct job **out, struct named *named, struct job_order *order)
{
    uint64_t number;
    struct job *job = wf_alloc(sizeof(*job));
    if (job == NULL)
        return -ENOMEM;
    int rc = wf_sys_random(&number, sizeof(number));
    if (rc < 0) {
        wf_free(job);
        return rc;
    }
    *job = (struct job){.order = *order, .named = named, .holders = 1, .view.sequence = 1};
    bell_init(&job->changed);
    snprintf(job->view.id, sizeof(job->view.id), "%016llx", (unsigned long long)number);
    memcpy(job->view.matcher, named->name, sizeof(job->view.matcher));
    job->view.kind = order->kind;
    job->view.queued_at = wf_sys_wall();
    *out = job;
    return 0;
}

static int enter(struct jobs *jobs, struct job *job)
{
    forget(jobs);
    if (jobs->is_stopping)
        return -ECONNREFUSED;
    if (jobs->queued >= JOBS_QUEUE_MAX)
        return -EAGAIN;
    wf_list_append(&jobs->items, &job->link);
    jobs->queued++;
    bell_ring(&jobs->work);
    return 0;
}

int jobs_add(struct jobs *jobs, struct named *named, struct job_order *order,
             char out[JOBS_ID_BYTES])
{
    struct job *job;
    int rc = job_new(&job, named, order);
    if (rc < 0) {
        wf_arena_fini(&order->arena);
        registry_release(named);
        return rc;
    }
    memcpy(out, job->view.id, JOBS_ID_BYTES);
    pthread_mutex_lock(&jobs->lock);
    rc = enter(jobs, job);
    pthread_mutex_unlock(&jobs->lock);
    if (rc < 0)
        job_drop(jobs, job);
    return rc;
}

/* ---- looking ---- */

struct job *jobs_get(struct jobs *jobs, weft_str id)
{
    struct job *found = NULL;
    if (id.len != JOBS_ID_BYTES - 1)
        return NULL;
    pthread_mutex_lock(&jobs->lock);
    forget(jobs);
    wf_list_each (link, &jobs->items) {
        struct job *job = wf_container(link, struct job, link);
        if (memcmp(job->view.id, id.ptr, id.len) == 0)
            found = job;
    }
    if (found != NULL)
        found->holders++;
    pthread_mutex_unlock(&jobs->lock);
    return found;
}

void jobs_release(struct jobs *jobs, struct job *job)
{
    pthread_mutex_lock(&jobs->lock);
    job_unref(job);
    pthread_mutex_unlock(&jobs->lock);
}

void jobs_look(struct jobs *jobs, const struct job *job, struct job_view *out)
{
    pthread_mutex_lock(&jobs->lock);
    *out = job->view;
    pthread_mutex_unlock(&jobs->lock);
}

int jobs_watch(struct jobs *jobs, struct job *job, uint64_t sequence, struct job_view *out)
{
    int rc = 0;
    pthread_mutex_lock(&jobs->lock);
    while (rc == 0 && job->view.sequence <= sequence && !job_is_over(job->view.state))
        rc = bell_wait(&job->changed, &jobs->lock);
    *out = job->view;
    pthread_mutex_unlock(&jobs->lock);
    return rc;
}

size_t jobs_list(struct jobs *jobs, struct job_view *out, size_t count)
{
    size_t taken = 0;
    pthread_mutex_lock(&jobs->lock);
    forget(jobs);
    for (wf_list *link = jobs->items.prev; link != &jobs->items && taken < count; link = link->prev)
        out[taken++] = wf_container(link, struct job, link)->view;
    pthread_mutex_unlock(&jobs->lock);
    return taken;
}

/* ---- ending ---- */

/* One that waits is over at once, and stands in `ended` with a reference.  The lock is held. */
static bool cancel(struct jobs *jobs, struct job *job, const char *why, wf_list *ended)
{
    if (job_is_over(job->view.state) || job->why != NULL)
        return false;
    job->why = why;
    if (job->view.state == JOB_RUNNING) {
        weft_cancel(job->task, why);
        return true;
    }
    job_say(job, -ECANCELED, why);
    job_end(jobs, job, JOB_CANCELLED);
    job->holders++;
    wf_list_append(ended, &job->ended_link);
    return true;
}

static void drop_all(struct jobs *jobs, wf_list *ended)
{
    for (wf_list *link; (link = wf_list_pop(ended)) != NULL;)
        job_drop(jobs, wf_container(link, struct job, ended_link));
}

void jobs_cancel(struct jobs *jobs, struct job *job, const char *why)
{
    wf_list ended;
    wf_list_init(&ended);
    pthread_mutex_lock(&jobs->lock);
    (void)cancel(jobs, job, why, &ended);
    pthread_mutex_unlock(&jobs->lock);
    drop_all(jobs, &ended);
}

void jobs_cancel_stale(struct jobs *jobs)
{
    wf_list ended;
    wf_list_init(&ended);
    pthread_mutex_lock(&jobs->lock);
    wf_list_each (link, &jobs->items) {
        struct job *job = wf_container(link, struct job, link);
        if (!job_is_over(job->view.state) && !registry_has(jobs->registry, job->named))
            (void)cancel(jobs, job, "the matcher was replaced or deleted", &ended);
    }
    pthread_mutex_unlock(&jobs->lock);
    drop_all(jobs, &ended);
}

size_t jobs_stop(struct jobs *jobs)
{
    wf_list ended;
    size_t count = 0;
    wf_list_init(&ended);
    pthread_mutex_lock(&jobs->lock);
    jobs->is_stopping = true;
    wf_list_each (link, &jobs->items)
        count += cancel(jobs, wf_container(link, struct job, link), "the service ends", &ended);
    bell_ring(&jobs->work);
    pthread_mutex_unlock(&jobs->lock);
    drop_all(jobs, &ended);
    return count;
}
