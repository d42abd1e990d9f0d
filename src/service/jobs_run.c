/* SPDX-License-Identifier: MIT */

/* The workers: tasks that do jobs, one after the other. */
#include "base/sys.h"
#include "service/jobs_priv.h"
#include "service/join.h"

#include <weft/error.h>
#include <weft/group.h>

#include <string.h>

/* A job in the hands of a worker. */
struct shift {
    struct jobs *jobs;
    struct job *job;
    weft_text result;
    weft_m_error error;
};

/* ---- one job ---- */

static int on_progress(size_t done, size_t total, void *arg)
{
    struct shift *shift = arg;
    struct job_view *view = &shift->job->view;
    pthread_mutex_lock(&shift->jobs->lock);
    if (done > view->completed) {
        view->completed = done;
        view->total = total;
        job_change(shift->job);
    }
    pthread_mutex_unlock(&shift->jobs->lock);
    return 0;
}

static int work_body(void *arg)
{
    struct shift *shift = arg;
    const struct job_order *order = &shift->job->order;
    const struct job_work work = {.order = order,
                                  .named = shift->job->named,
                                  .progress = on_progress,
                                  .progress_arg = shift,
                                  .result = &shift->result,
                                  .error = &shift->error};
    return order->kind->run(&work);
}

static void say_end(struct shift *shift, int rc)
{
    struct job *job = shift->job;
    if (rc == 0) {
        job->result = shift->result;
        shift->result = (weft_text){0};
        job_end(shift->jobs, job, JOB_DONE);
        return;
    }
    if (rc == -ECANCELED)
        job_say(job, rc, job->why != NULL ? job->why : "the service ends");
    else if (shift->error.rc == 0)
        job_say(job, rc, weft_strerror(rc));
    else
        job->view.error = shift->error;
    job_end(shift->jobs, job, rc == -ECANCELED ? JOB_CANCELLED : JOB_FAILED);
}

static void do_job(struct jobs *jobs, struct job *job)
{
    struct shift shift = {.jobs = jobs, .job = job};
    weft_task task = weft_spawn(work_body, &shift);
    pthread_mutex_lock(&jobs->lock);
    job->task = task;
    if (job->why != NULL)
        weft_cancel(task, job->why);
    pthread_mutex_unlock(&jobs->lock);
    int rc = join(task); /* also when the worker is cancelled */
    pthread_mutex_lock(&jobs->lock);
    say_end(&shift, rc);
    bell_ring(&jobs->work); /* another of this matcher may begin */
    pthread_mutex_unlock(&jobs->lock);
    weft_text_free(&shift.result);
    job_drop(jobs, job);
}

/* ---- workers ---- */

static bool is_busy(struct jobs *jobs, const struct named *named)
{
    wf_list_each (link, &jobs->items) {
        const struct job *job = wf_container(link, struct job, link);
        if (job->view.state == JOB_RUNNING && job->named == named)
            return true;
    }
    return false;
}

/* What can begin.  The lock is held. */
static struct job *find_work(struct jobs *jobs)
{
    wf_list_each (link, &jobs->items) {
        struct job *job = wf_container(link, struct job, link);
        if (job->view.state == JOB_QUEUED && !is_busy(jobs, job->named))
            return job;
    }
    return NULL;
}

static void begin(struct jobs *jobs, struct job *job)
{
    jobs->queued--;
    job->holders++;
    job->view.state = JOB_RUNNING;
    job->view.began_at = wf_sys_wall();
    job_change(job);
    measures_add(jobs->measures, "queue_wait",
                 (double)(job->view.began_at - job->view.queued_at) / (double)WEFT_SEC);
}

/* Waits for work, and takes it with a reference.  1 and *out; 0: the end; negative. */
static int take_work(struct jobs *jobs, struct job **out)
{
    int rc = 0;
    pthread_mutex_lock(&jobs->lock);
    while ((*out = find_work(jobs)) == NULL && !jobs->is_stopping && rc == 0)
        rc = bell_wait(&jobs->work, &jobs->lock);
    if (*out != NULL)
        begin(jobs, *out);
    pthread_mutex_unlock(&jobs->lock);
    return *out != NULL ? 1 : rc;
}

static int worker_body(void *arg)
{
    struct jobs *jobs = arg;
    struct job *job;
    int rc;
    while ((rc = take_work(jobs, &job)) > 0)
        do_job(jobs, job);
    return rc;
}

static int run_workers(struct jobs *jobs)
{
    WEFT_GROUP(group);
    for (int i = 0; i < JOBS_WORKERS; i++)
        WEFT_TRY(weft_group_spawn(group, worker_body, jobs));
    return weft_group_wait(group);
}

int jobs_run(void *arg)
{
    int rc = run_workers(arg);
    (void)jobs_stop(arg); /* nobody is left who would do them */
    return rc;
}
