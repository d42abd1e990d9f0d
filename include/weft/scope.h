/* SPDX-License-Identifier: MIT */

/*
 * Scope: a stretch of a task's execution that can be cancelled or given a deadline.
 *
 *     {
 *         WEFT_TIMEOUT(limit, 2 * WEFT_SEC);            // to the end of the block
 *         int rc = weft_await(task);
 *         rc = weft_scope_close(&limit, rc);            // -ETIMEDOUT if this deadline passed
 *     }
 *
 * Cancellation is a state, not an event: from the moment a scope is cancelled, itself or from
 * outside, every wait inside it returns -ECANCELED until the scope is left.  It cannot get lost.
 */
#ifndef WEFT_SCOPE_H
#define WEFT_SCOPE_H

#include <weft/sys/loop.h>
#include <weft/task.h>

WEFT_BEGIN_DECLS

/* Why a scope is cancelled. */
enum weft_reason {
    WEFT_REASON_NONE,
    WEFT_REASON_TASK,        /* weft_cancel() on the task or one above it */
    WEFT_REASON_SCOPE,       /* weft_scope_cancel() */
    WEFT_REASON_DEADLINE,    /* a deadline passed */
    WEFT_REASON_GROUP,       /* a member of the group failed, or weft_group_cancel() */
    WEFT_REASON_OWNER_ENDED, /* the owner ended with an error */
    WEFT_REASON_SHUTDOWN,    /* the run ends, or a signal asked for it */
    WEFT_REASON_DEADLOCK,    /* nothing could ever become ready */
};

/* A place in the tree of scopes.  Private; here because scopes are the caller's memory. */
struct wf_node {
    struct wf_node *up, *child, *next, *prev;
    struct wf_task *task; /* whose execution; NULL: the loop's own */
    const char *why;      /* with `reason`, if cancelled itself */
    uint32_t ignored;     /* -ECANCELED returns so far */
    uint8_t flags, reason;
};

typedef struct weft_scope {
    struct wf_node priv_node;
    weft_timer priv_timer;
} weft_scope;

/* Cancellation from outside stops here; an own deadline and an own cancel still work. */
#define WEFT_SCOPE_SHIELD 1u

/* With it and WEFT_FOREVER: meant so, since what is waited for has a bound of its own.  Debug mode
 * names every other shield without a deadline. */
#define WEFT_SCOPE_ENDLESS 2u

/* With it: when the deadline passes, the log names the task. */
#define WEFT_SCOPE_CLEANUP 64u

/* Opens a scope in the calling task, in memory that stays in place until it is closed.  Deadlines
 * are points on the loop's clock (weft_after()); WEFT_FOREVER for none.  A deadline in the past
 * cancels at the next wait.  Outside a task: -EPERM, and every other call on the scope does
 * nothing.
 *
 * Scopes and groups close in reverse order.  One that is closed before those opened inside it
 * closes them too, and says so; a debug build aborts. */
WEFT_API int weft_scope_open(weft_scope *scope, weft_time deadline, uint32_t flags);

/* Closes it and translates `rc`, the value the work inside came to: an -ECANCELED that this scope
 * caused becomes -ETIMEDOUT (deadline) or 0 (weft_scope_cancel); everything else stays as it is. */
WEFT_API WEFT_MUST_USE int weft_scope_close(weft_scope *scope, int rc);

/* Cancels what runs inside.  `why` must stay valid (a literal).  From any task of the loop. */
WEFT_API void weft_scope_cancel(weft_scope *scope, const char *why);

/* Moves the deadline.  Once the scope is cancelled it stays so. */
WEFT_API void weft_scope_set_deadline(weft_scope *scope, weft_time deadline);
WEFT_API weft_time weft_scope_deadline(const weft_scope *scope);

/* True if its deadline passed and was noticed. */
WEFT_API bool weft_scope_expired(const weft_scope *scope);

/* Runs fn(arg) in this task under a deadline: open, call, close. */
WEFT_API WEFT_WAITS int weft_wait_for(weft_fn *fn, void *arg, weft_time timeout);

/* After an -ECANCELED: the reason's text, and its kind.  "" and NONE before any. */
WEFT_API const char *weft_why(void);
WEFT_API enum weft_reason weft_why_kind(void);

WEFT_API void weft_scope_end_(weft_scope *scope);

#if defined(__GNUC__)
#define WEFT_SCOPE_(scope, deadline, flags)                                                        \
    weft_scope scope __attribute__((cleanup(weft_scope_end_)));                                    \
    (void)weft_scope_open(&scope, (deadline), (flags))

/* Until the end of the enclosing block, at most `duration`.  The waits inside return
 * -ECANCELED; weft_scope_close() makes -ETIMEDOUT of it, and who leaves the block otherwise, as by
 * WEFT_TRY, hands the -ECANCELED up.  weft_wait_for() opens and closes around a function. */
#define WEFT_TIMEOUT(scope, duration) WEFT_SCOPE_(scope, weft_after(duration), 0)

/* Time for what must be waited for all the same: deaf to cancellation from outside, itself bounded.
 */
#define WEFT_SHIELD(scope, duration) WEFT_SCOPE_(scope, weft_after(duration), WEFT_SCOPE_SHIELD)

/* The same for cleanup: five seconds for all of it.  What has not ended by then is cut off, by
 * waits that say -ECANCELED, and the log names the task. */
#define WEFT_CLEANUP_TIME (5 * WEFT_SEC)
#define WEFT_CLEANUP(scope)                                                                        \
    WEFT_SCOPE_(scope, weft_after(WEFT_CLEANUP_TIME), WEFT_SCOPE_SHIELD | WEFT_SCOPE_CLEANUP)
#endif

WEFT_END_DECLS

#endif
