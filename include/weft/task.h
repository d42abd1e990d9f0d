/* SPDX-License-Identifier: MIT */

/*
 * Task: a body that runs on its own stack, on one loop, for ever on that loop's thread.
 *
 * A task is owned by the task that spawned it (or by a group, see group.h) and never outlives its
 * owner: when a body returns, its children are joined, after being cancelled if it failed.
 *
 * A handle is a value.  Copy it, keep it, drop it: a handle whose record is gone is stale, and
 * every call says so with -ESRCH instead of touching another task.  A handle can also carry the
 * error that kept its task from being made; await returns that error, so spawn needs no check of
 * its own.
 *
 * What a task came to is kept until its owner ends, or until weft_release().  An owner that starts
 * tasks for ever releases the handles it will not ask again, or uses weft_group_spawn(), which
 * keeps nothing; the same with weft_detach(), where the owner is the loop.
 *
 * A wait keeps what any call keeps, of floating point too: each task has its own rounding and
 * traps.  errno and the flags of past operations (fetestexcept()) are the thread's: read them
 * before you wait.
 */
#ifndef WEFT_TASK_H
#define WEFT_TASK_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

typedef struct weft_task {
    uint64_t id;
} weft_task;

#define WEFT_TEXT_(x) #x
#define WEFT_TEXT(x) WEFT_TEXT_(x)

/* "name at file:line": where a task was spawned, for dumps and error texts. */
#define WEFT_SITE(name) name " at " __FILE__ ":" WEFT_TEXT(__LINE__)

/* Starts fn(arg) as a child of this task.  It returns before the child runs; children start in the
 * order they were spawned.  A body that was created always runs, even if it was cancelled first
 * (its first wait then fails), since it owns its argument.
 *
 * In the handle, and then the body never runs and `arg` stays the caller's: -ENOMEM, -EAGAIN
 * (task_count_max), -EPERM (outside a task). */
#define weft_spawn(fn, arg) weft_spawn_at((fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_spawn_at(weft_fn *fn, void *arg, const char *site);

/* The same with a stack of `stack_bytes` (at least 16 KiB) instead of the loop's usual. */
#define weft_spawn_stack(fn, arg, stack_bytes)                                                     \
    weft_spawn_stack_at((fn), (arg), (stack_bytes), WEFT_SITE(#fn))
WEFT_API weft_task weft_spawn_stack_at(weft_fn *fn, void *arg, size_t stack_bytes,
                                       const char *site);

/* Copies `bytes` bytes from `arg` to the child's stack (aligned to 16) and hands it their address
 * there; the source may go at once.  More than a quarter of the stack: -E2BIG in the handle. */
#define weft_spawn_sized(fn, arg, bytes) weft_spawn_sized_at((fn), (arg), (bytes), WEFT_SITE(#fn))
#ifndef __cplusplus
#define weft_spawn_copy(fn, ...) weft_spawn_sized((fn), &(__VA_ARGS__), sizeof(__VA_ARGS__))
#else
#define weft_spawn_copy(fn, ...) weft_spawn_copy_at_((fn), (__VA_ARGS__), WEFT_SITE(#fn))
#endif
WEFT_API weft_task weft_spawn_sized_at(weft_fn *fn, const void *arg, size_t bytes,
                                       const char *site);

/* Starts a task that the loop owns: it may outlive this one and is cancelled at the end of the run.
 * Its error goes to the hook when it ends.  Release the handle, unless the result is wanted. */
#define weft_detach(fn, arg) weft_detach_at((fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_detach_at(weft_fn *fn, void *arg, const char *site);

/* The calling task; id 0 outside. */
WEFT_API weft_task weft_self(void);

/* Waits until the task is done and returns its result.  Cancelling the waiter does not cancel the
 * task, which may still run then: weft_gather() is the wait that leaves nothing running.  Any
 * number may wait, from other loops too.  -EDEADLK for oneself or a task that waits for us, -ESRCH
 * for a stale handle. */
WEFT_API WEFT_WAITS int weft_await(weft_task task);

/* The same with an end: at the deadline it cancels the task, waits for it without limit and returns
 * -ETIMEDOUT, unless the task ended with a value or with another error all the same.  If the waiter
 * is cancelled, before or meanwhile, the task is cancelled and awaited too. */
WEFT_API WEFT_WAITS int weft_await_for(weft_task task, weft_time timeout);

/* Asks the task to end: its waits fail with -ECANCELED from now on, and so do those of everything
 * below it.  `why` must stay valid (a literal); NULL is fine.  Any thread.
 * 1: asked; 0: it is done; -ESRCH: stale; -EPERM: of the process that forked this one. */
WEFT_API int weft_cancel(weft_task task, const char *why);

/* 1 and the result in *out (may be NULL) if it is done, 0 if not, -ESRCH if stale, -EPERM as
 * weft_cancel().  Any thread; the text of an error comes only to its own loop. */
WEFT_API int weft_done(weft_task task, int *out_result);

/* Drops the record early; the handle is stale once the task is done.  Does not stop the task.  Any
 * thread; off its loop it happens soon. */
WEFT_API void weft_release(weft_task task);

/* Names the calling task (copied, 31 bytes, control characters as blanks).  By default it has the
 * name of its body. */
WEFT_API void weft_set_name(const char *name);

/* Copies the name to `out`, cut to fit; "" outside a task. */
WEFT_API void weft_get_name(char *out, size_t out_bytes);

/* ---- pauses ---- */

/* Lets every other ready task run once.  0 or -ECANCELED. */
WEFT_API WEFT_WAITS int weft_yield(void);

/* Waits until every other task of the loop waits too: on several loops of a simulation, every other
 * task of them all.  What is ready has run then, messages and completions that are there have been
 * taken, and no time has passed under a virtual clock.  For tests: "now it must stand at the lock".
 * Several may wait so; all are told.  0 or -ECANCELED; -EPERM outside a task. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_wait_idle(void);

/* Waits for `duration`; <= 0 is weft_yield().  0 or -ECANCELED. */
WEFT_API WEFT_WAITS int weft_sleep(weft_time duration);

/* 0, or -ECANCELED if the current scope is cancelled or past its deadline.  Never switches. */
WEFT_API int weft_check(void);

/* The loop's clock, in nanoseconds; never runs backwards.  Outside a loop the platform's. */
WEFT_API weft_time weft_now(void);

/* now + duration, saturating. */
WEFT_API weft_time weft_after(weft_time duration);

WEFT_END_DECLS

#ifdef __cplusplus
template <typename Arg> weft_task weft_spawn_copy_at_(weft_fn *fn, const Arg &arg, const char *site)
{
    static_assert(__is_trivially_copyable(Arg), "it is copied byte by byte and never destroyed");
    return weft_spawn_sized_at(fn, &arg, sizeof(arg), site);
}
#endif

#endif
