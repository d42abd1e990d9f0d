/* SPDX-License-Identifier: MIT */

/*
 * Gather: waiting for several tasks at once.  The handles stay valid; read single results with
 * weft_done().  A stale handle counts as a task that failed with -ESRCH.  Handles may be of any
 * loop (loops.h); a task of another loop counts as ended when the message about it has arrived.
 *
 * When gather, settle or race return, every member has ended, whatever they return.  That holds if
 * the caller was cancelled before the call, and if memory is short (it is allocated on entry for
 * more than 8 members, or for members that others spawned on other loops): then the members are
 * cancelled and waited for, and the result is -ECANCELED or -ENOMEM.  So what members point to may
 * be on the caller's stack, which weft_await() alone does not make safe.
 */
#ifndef WEFT_GATHER_H
#define WEFT_GATHER_H

#include <weft/task.h>

WEFT_BEGIN_DECLS

/* Waits for all tasks.  When one fails, the others are cancelled and waited for, and the result is
 * the error of the first that failed; 0 if none did.  If the caller is cancelled: cancels all,
 * waits for them, and returns -ECANCELED (0 if all had succeeded).  weft_gather(a, b, c) takes the
 * tasks as arguments. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gather_n(const weft_task tasks[], size_t count);
#ifndef __cplusplus
#define weft_gather(...) weft_gather_n(WEFT_TASKS_(__VA_ARGS__), WEFT_COUNT_(__VA_ARGS__))
#endif

/* Waits for all tasks, whether they fail or not: out_rc[i] is the result of tasks[i].  Returns how
 * many are negative.  If the caller is cancelled: cancels all, waits for them, fills out_rc and
 * returns -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_settle_n(const weft_task tasks[], size_t count,
                                                    int out_rc[]);

/* Waits for the first task to succeed and returns its index; the others are cancelled and have
 * ended when it returns.  If all fail, the error of the last.  -EINVAL for count 0.  weft_race(a,
 * b, c) takes the tasks as arguments. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_race_n(const weft_task tasks[], size_t count);
#ifndef __cplusplus
#define weft_race(...) weft_race_n(WEFT_TASKS_(__VA_ARGS__), WEFT_COUNT_(__VA_ARGS__))
#endif

/* Returns the index of a task that is done, the one that ended first; waits if none is.  Cancels no
 * task; an error of the others is still to be received.  -EINVAL for count 0. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_any_n(const weft_task tasks[], size_t count);

/* Runs fn(items + i * item_bytes) for every i in a task of its own, at most `limit` at a time (0:
 * no limit), started in order of index.  Errors and cancel as in weft_gather_n(); what has not
 * started at the first error never starts. */
#define weft_map_sized(fn, items, count, item_bytes, limit)                                        \
    weft_map_at((fn), (items), (count), (item_bytes), (limit), WEFT_SITE(#fn))
#define weft_map(fn, items, count) weft_map_sized((fn), (items), (count), sizeof *(items), 0)
#define weft_map_limit(fn, items, count, limit)                                                    \
    weft_map_sized((fn), (items), (count), sizeof *(items), (limit))
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_map_at(weft_fn *fn, void *items, size_t count,
                                                  size_t item_bytes, size_t limit,
                                                  const char *site);

WEFT_END_DECLS

#ifndef __cplusplus
#define WEFT_TASKS_(...) ((weft_task[]){__VA_ARGS__})
#define WEFT_COUNT_(...) (sizeof(WEFT_TASKS_(__VA_ARGS__)) / sizeof(weft_task))
#else /* which has no compound literals */
template <typename... Tasks> WEFT_WAITS WEFT_MUST_USE int weft_gather(const Tasks &...task)
{
    const weft_task tasks[] = {task...};
    return weft_gather_n(tasks, sizeof...(task));
}
template <typename... Tasks> WEFT_WAITS WEFT_MUST_USE int weft_race(const Tasks &...task)
{
    const weft_task tasks[] = {task...};
    return weft_race_n(tasks, sizeof...(task));
}
#endif

#endif
