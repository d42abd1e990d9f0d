/* SPDX-License-Identifier: MIT */

/* Rule L07: what the child of a fork finds of its parent's tasks; the beginning is in run_test.c.
 */

#include "base/checkers.h"
#include "harness/harness.h"

#include <weft.h>

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

static int body_value(void *arg)
{
    return (int)(intptr_t)arg;
}

static void say_nothing(const char *line, void *arg)
{
    (void)line;
    (void)arg;
}

/* What tasks of the parent wait for when it forks. */
struct awaited {
    weft_task task;
    weft_group group;
    weft_scope scope;
    weft_event event;
    weft_sem sem;
    weft_mutex mutex;
    weft_cond cond;
    weft_future future;
    weft_chan *chan, *shared;
};

static int waits_for_event(void *arg)
{
    return weft_event_wait(&((struct awaited *)arg)->event);
}

static int waits_for_sem(void *arg)
{
    return weft_sem_take(&((struct awaited *)arg)->sem);
}

static int waits_for_cond(void *arg)
{
    struct awaited *awaited = arg;
    WEFT_TRY(weft_lock(&awaited->mutex));
    int rc = weft_cond_wait(&awaited->cond, &awaited->mutex);
    CHECK_OK(weft_unlock(&awaited->mutex));
    return rc;
}

static int waits_for_future(void *arg)
{
    return weft_future_wait(&((struct awaited *)arg)->future, NULL);
}

static int waits_for_chan(void *arg)
{
    int item;
    return weft_recv(((struct awaited *)arg)->chan, &item);
}

static int waits_for_shared(void *arg)
{
    int item;
    return weft_recv(((struct awaited *)arg)->shared, &item);
}

/* The handles, in a run of the child's or outside one. */
static int try_handles(struct awaited *awaited)
{
    if (weft_done(awaited->task, NULL) != -EPERM || weft_cancel(awaited->task, "") != -EPERM)
        return 10;
    if (weft_group_spawn(awaited->group, body_value, NULL) != -EPERM ||
        weft_group_wait(awaited->group) != -EPERM)
        return 11;
    weft_release(awaited->task);
    weft_group_cancel(awaited->group, "");
    return 0;
}

static int try_objects(struct awaited *awaited)
{
    int item = 1;
    if (weft_sem_give(&awaited->sem) != -EPERM)
        return 12;
    if (weft_send(awaited->chan, &item) != -EPERM || weft_send(awaited->shared, &item) != -EPERM)
        return 13;
    weft_event_set(&awaited->event);
    weft_cond_notify(&awaited->cond, 1);
    weft_chan_close(awaited->chan, WEFT_CHAN_KEEP);
    weft_chan_close(awaited->shared, WEFT_CHAN_KEEP);
    weft_scope_set_deadline(&awaited->scope, 0);
    weft_scope_cancel(&awaited->scope, "");
    return weft_scope_close(&awaited->scope, 14) == 14 ? 0 : 14;
}

static int body_tries_all(void *arg)
{
    struct awaited *awaited = arg;
    if (weft_await(awaited->task) != -EPERM || weft_await_for(awaited->task, 1) != -EPERM)
        return 15;
    if (weft_gather(awaited->task) != -EPERM || weft_race(awaited->task) != -EPERM)
        return 16;
    int rc = try_handles(awaited);
    return rc != 0 ? rc : try_objects(awaited);
}

static int try_in_child(struct awaited *awaited)
{
    if (weft_future_set(&awaited->future, 0, NULL) != -EPERM)
        return 17;
    int rc = try_handles(awaited);
    if (rc == 0)
        rc = try_objects(awaited);
    if (rc != 0 || test_is_simulated() || WF_HAS_ASAN) /* see run_test.c */
        return rc;
    weft_config config = {.platform = test_platform(), .log = say_nothing};
    return weft_run_with(&config, body_tries_all, awaited);
}

TASK_TEST(test_L07_class_49_the_child_of_a_fork_reaches_nothing_that_the_parent_waits_for)
{
    weft_fn *const waits[] = {waits_for_event,  waits_for_sem,  waits_for_cond,
                              waits_for_future, waits_for_chan, waits_for_shared};
    static struct awaited awaited; /* its tasks outlive the body */
    awaited = (struct awaited){.task = {0}};
    CHECK_OK(weft_chan_new(&awaited.chan, sizeof(int), 0));
    CHECK_OK(weft_chan_new_shared(&awaited.shared, sizeof(int), 0));
    awaited.group = weft_group_open();
    CHECK_OK(weft_scope_open(&awaited.scope, WEFT_FOREVER, 0));
    for (size_t i = 0; i < sizeof waits / sizeof waits[0]; i++)
        awaited.task = weft_group_task(awaited.group, waits[i], &awaited);
    CHECK_OK(weft_wait_idle());
    pid_t child = fork();
    CHECK_OK(child);
    if (child == 0)
        _exit(try_in_child(&awaited));
    int status = -1;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(WEXITSTATUS(status), 0);
    CHECK(WIFEXITED(status));
    CHECK_OK(weft_check());
    CHECK_EQ(weft_done(awaited.task, NULL), 0); /* here all wait on */
    CHECK_OK(weft_scope_close(&awaited.scope, 0));
    weft_group_cancel(awaited.group, "");
    CHECK_OK(weft_group_wait(awaited.group));
    weft_group_end_(&awaited.group);
    weft_chan_free(awaited.chan);
    weft_chan_free(awaited.shared);
}

/* It must not; but it is told. */
static int body_forks_and_returns(void *arg)
{
    int status = -1;
    pid_t child = fork();
    (void)arg;
    CHECK_OK(child);
    if (child == 0)
        return 0;
    CHECK_EQ(waitpid(child, &status, 0), child);
    return WIFSIGNALED(status) ? WTERMSIG(status) : 0;
}

KERNEL_TEST(class_49_a_body_that_returns_in_the_child_of_a_fork_aborts_it)
{
    CHECK_EQ(weft_run(body_forks_and_returns, NULL), SIGABRT);
}
