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

/* A shield: cancellation from outside does not reach the waits inside.  The scope's own deadline
 * and weft_scope_cancel() on it still work. */
#define WEFT_SCOPE_SHIELD 1u

/* With WEFT_SCOPE_SHIELD and WEFT_FOREVER: says that no deadline is intended, because what is
 * waited for ends by itself.  Debug mode reports every other shield without a deadline. */
#define WEFT_SCOPE_ENDLESS 2u

/* When the deadline passes, the log names the task. */
#define WEFT_SCOPE_CLEANUP 64u

/* Opens a scope in the calling task, in the caller's memory, which must stay where it is until the
 * scope is closed.  A deadline is a point on the loop's clock (weft_after()), or WEFT_FOREVER for
 * none; one in the past cancels at the next wait.  `flags`: WEFT_SCOPE_…, or-ed.  0; -EPERM outside
 * a task, and then every other call on the scope does nothing.
 *
 * Scopes and groups are closed in reverse order.  Closing one before those that were opened inside
 * it closes them too, and logs it; a debug build aborts. */
WEFT_API int weft_scope_open(weft_scope *scope, weft_time deadline, uint32_t flags);

/* Closes the scope and translates `rc`, the result of the work inside: an -ECANCELED that this
 * scope caused becomes -ETIMEDOUT (by its deadline) or 0 (by weft_scope_cancel()); everything else
 * is returned as it is. */
WEFT_API WEFT_MUST_USE int weft_scope_close(weft_scope *scope, int rc);

/* Cancels the scope: from now on every wait inside it returns -ECANCELED.  `why` must stay valid
 * (use a literal).  From any task of the loop. */
WEFT_API void weft_scope_cancel(weft_scope *scope, const char *why);

/* Moves the deadline, and reads it.  A scope that is cancelled stays cancelled. */
WEFT_API void weft_scope_set_deadline(weft_scope *scope, weft_time deadline);
WEFT_API weft_time weft_scope_deadline(const weft_scope *scope);

/* When the calling task will be cut off: the nearest deadline of its scopes, and of those around
 * the groups that it and its owners are members of, up to a shield; in a handler of HTTP and its
 * children that of the request, too.  WEFT_FOREVER: never.  For who tells others how long an answer
 * is of use, or asks whether another attempt pays.  It may have passed already.
 *
 * Not known here: when an owner will lose its patience that only waits, as by weft_gather() inside
 * a WEFT_TIMEOUT(), or that is on another loop. */
WEFT_API weft_time weft_deadline(void);

/* True if the scope was cancelled by its own deadline. */
WEFT_API bool weft_scope_expired(const weft_scope *scope);

/* Calls fn(arg) in this task, in a scope with this timeout, and returns its result; -ETIMEDOUT if
 * it was cut off. */
WEFT_API WEFT_WAITS int weft_wait_for(weft_fn *fn, void *arg, weft_time timeout);

/* Why the last wait of this task returned -ECANCELED: the text, and the kind.  "" and
 * WEFT_REASON_NONE if none has.  The text is the very one that the cancel was given: borrowed, and
 * valid as long as that is. */
WEFT_API const char *weft_why(void);
WEFT_API enum weft_reason weft_why_kind(void);

WEFT_API void weft_scope_end_(weft_scope *scope);

#if defined(__GNUC__)
#define WEFT_SCOPE_(scope, deadline, flags)                                                        \
    weft_scope scope __attribute__((cleanup(weft_scope_end_)));                                    \
    (void)weft_scope_open(&scope, (deadline), (flags))

/* Declares and opens a scope that lasts to the end of the enclosing block, with a timeout.  After
 * it the waits inside return -ECANCELED; weft_scope_close() turns that into -ETIMEDOUT, while
 * leaving the block in another way, as by WEFT_TRY, hands the -ECANCELED up.  weft_wait_for() does
 * both around a function. */
#define WEFT_TIMEOUT(scope, duration) WEFT_SCOPE_(scope, weft_after(duration), 0)

/* Like WEFT_TIMEOUT(), but a shield: for what must be waited for even in a cancelled task, and not
 * for ever.
 */
#define WEFT_SHIELD(scope, duration) WEFT_SCOPE_(scope, weft_after(duration), WEFT_SCOPE_SHIELD)

/* A WEFT_SHIELD() for cleanup: five seconds for all of it.  After them its waits return -ECANCELED,
 * and the log names the task. */
#define WEFT_CLEANUP_TIME (5 * WEFT_SEC)
#define WEFT_CLEANUP(scope)                                                                        \
    WEFT_SCOPE_(scope, weft_after(WEFT_CLEANUP_TIME), WEFT_SCOPE_SHIELD | WEFT_SCOPE_CLEANUP)
#endif

WEFT_END_DECLS

#endif
