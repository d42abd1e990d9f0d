/* SPDX-License-Identifier: MIT */

/*
 * Park and wake: the two calls from which every waiting primitive is made.
 *
 * A primitive keeps a queue of waiters, each on the stack of the task that waits:
 *
 *     int rc = weft_sp_enter();            // cancelled already?  then nothing has happened
 *     if (rc < 0)
 *         return rc;
 *     ... take it without waiting if that is possible and return 0 ...
 *     weft_waiter self = WEFT_WAITER(&my_wait_class, object);
 *     weft_waitq_push(&object->queue, &self);
 *     rc = weft_park(&self);               // other tasks run here
 *
 * and whoever makes the thing available takes a waiter off the queue, hands the thing over and says
 * weft_wake(waiter, result).  From that instant the operation has happened: a cancel that comes
 * later shows at the task's next suspension point (rule C03).
 */
#ifndef WEFT_SYS_PARK_H
#define WEFT_SYS_PARK_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

struct weft_waiter;
struct weft_task;
typedef struct wf_task wf_task; /* a task's record; opaque here */

typedef struct weft_wait_class {
    const char *what; /* "mutex", "channel send" …: shown in dumps */

    /* The waiter's scope was cancelled while it waits.  NULL: it leaves its queue and its park
     * returns -ECANCELED.  Otherwise this decides: call weft_wake(waiter, -ECANCELED) now, or do
     * nothing and wake it later with the true outcome. */
    void (*cancel)(struct weft_waiter *waiter);

    /* weft_wake() was called on it.  NULL: the task that parked on it becomes ready.  Otherwise
     * this is called instead, with the waiter off its queue and `rc` set: for a wait on several
     * things, which takes its other waiters off their queues and wakes the one it parked on. */
    void (*woken)(struct weft_waiter *waiter);

    /* For the wait graph: tells each task that can end the wait, the owner of what is waited for or
     * the task whose end is.  NULL: nobody knows who will. */
    void (*holders)(const struct weft_waiter *waiter,
                    void (*tell)(const struct weft_task *holder, void *arg), void *arg);
} weft_wait_class;

typedef struct weft_waiter {
    struct weft_waiter *priv_next, *priv_prev;
    struct weft_waitq *priv_queue; /* the queue it is in, or NULL */
    const weft_wait_class *wait_class;
    void *object;         /* what is waited for; for dumps and the wait graph */
    wf_task *task;        /* set by park */
    weft_time priv_since; /* when it was parked, as dumps tell it; set by park */
    int rc;
    bool is_woken;
    uint8_t priv_parked; /* 0: it is not; else 1, or a mark of who has seen it so */
} weft_waiter;

#define WEFT_WAITER(wait_class_, object_)                                                          \
    {                                                                                              \
        NULL, NULL, NULL, (wait_class_), (object_), NULL, 0, 0, false, 0                           \
    }

/* A FIFO of waiters.  Zeroed is empty.  It must stay where it is while anybody waits; a debug build
 * aborts, naming who waits, if it lies on a stack that ends, or was cleared meanwhile. */
typedef struct weft_waitq {
    weft_waiter *priv_head;
} weft_waitq;

/* Put at the end, which takes no memory; taken off; and looked at.  The waiter may be in no other
 * queue. */
WEFT_API void weft_waitq_push(weft_waitq *queue, weft_waiter *waiter);
WEFT_API weft_waiter *weft_waitq_pop(weft_waitq *queue); /* the first, taken off; NULL if empty */
WEFT_API void weft_waitq_remove(weft_waiter *waiter);    /* off its queue, if in one */

/* The first, left where it is; NULL if empty. */
static inline weft_waiter *weft_waitq_first(const weft_waitq *queue)
{
    return queue->priv_head;
}

/* The beginning of every suspension point: -ECANCELED if the current scope, or one around it up to
 * a shield, is cancelled; -EPERM outside a task; else 0.  May let other tasks run before it returns
 * 0 (fairness, rule F03).
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_sp_enter(void);

/* For an object of one loop, before anything of it is touched: 0 on that loop's thread; -EPERM with
 * a text that names `what` ("stream") on another, whose tasks may not use it; -EPERM on no loop's.
 * Never waits. */
struct weft_loop;
WEFT_API WEFT_MUST_USE int weft_loop_check(const struct weft_loop *loop, const char *what);

/* Suspends the calling task until the waiter is woken; returns what it was woken with.  If that is
 * the cancel of its scope (see weft_wait_class.cancel): -ECANCELED, or -EDEADLK where the runtime
 * ended the wait because nothing else could.  The waiter is in no queue then. */
WEFT_API WEFT_WAITS int weft_park(weft_waiter *waiter);

/* Like weft_park(), but a cancel does not end the wait: for work that must finish (rule C10). */
WEFT_API WEFT_WAITS int weft_park_shielded(weft_waiter *waiter);

/* Takes the waiter off its queue, makes its task ready, and lets its weft_park() return `rc`.  Only
 * the first call for a waiter counts; others do nothing.  On the loop's thread only. */
WEFT_API void weft_wake(weft_waiter *waiter, int rc);

/* Runs an operation for the calling task: tries it at once, else starts it and parks until it has
 * completed.  If the task is cancelled, it asks the operation to end and returns what its
 * completion says (rules C03, I02).  Not for the _MANY kinds. */
struct weft_op_args;
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_op_wait(const struct weft_op_args *args);

/* Sets what weft_progress() will return in the calling task. */
WEFT_API void weft_progress_set(size_t bytes);

/* ---- one task for several pieces of work ---- */

/* Makes the calling task as good as new, for one that goes on to unrelated work, as a server's does
 * with the next request: it drops its task locals (also those it was spawned with), the text and
 * reason of failures, its name, and the records of children that are done.  False, with nothing
 * changed, if only the task's end could do that: it has a running child, an open scope, group or
 * generator, or a mutex, or it is cancelled; then another task must do the work.  False outside a
 * task, too.
 */
WEFT_API bool weft_task_renew(void);

/* Says what such a task is at, when somebody asks: its name in dumps and error texts, at no cost
 * while nobody does.  `put` writes it, ended by a NUL, to at most `out_bytes` bytes, and returns
 * true; false: there is nothing to say now.  `deadline` (or NULL) gives the time at which the work
 * will be cancelled, where that is kept outside of scopes, for `weft ps` and weft_deadline();
 * WEFT_FOREVER: none.  Both only read and copy, since a signal handler and the report of a stack
 * overflow call them too. */
typedef struct weft_namer {
    bool (*put)(const struct weft_namer *namer, char *out, size_t out_bytes);
    weft_time (*deadline)(const struct weft_namer *namer);
} weft_namer;

/* Sets the calling task's, borrowed until the task ends or sets another; NULL: none.  A name given
 * with weft_set_name() is shown before it. */
WEFT_API void weft_set_namer(const weft_namer *namer);

WEFT_END_DECLS

#endif
