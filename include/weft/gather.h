/* SPDX-License-Identifier: MIT */

/*
 * Gather: waiting for several tasks at once.  None of these takes the tasks' records; read single
 * results with weft_done().  A stale handle counts as a task that failed with -ESRCH.  Handles may
 * be of any loop (loops.h); what ended on others counts as ended when the news comes.
 *
 * When gather, settle or race return, every member has ended, whatever they return: also if the
 * caller was cancelled before, or if memory is short (it is taken on entry, for more than 8
 * members, or members spawned on other loops by others; -ENOMEM), where the members are cancelled
 * first.  So what members point to may stand on the caller's stack, which weft_await() alone does
 * not promise.
 */
#ifndef WEFT_GATHER_H
#define WEFT_GATHER_H

#include <weft/task.h>

WEFT_BEGIN_DECLS

/* Waits for all.  The first failure in time cancels the others, waits for them, and is the result;
 * else 0.  If the waiter is cancelled: cancels all, waits, -ECANCELED (0 if all had succeeded).
 * weft_gather(a, b, c) takes the tasks one by one. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_gather_n(const weft_task tasks[], size_t count);
#ifndef __cplusplus
#define weft_gather(...) weft_gather_n(WEFT_TASKS_(__VA_ARGS__), WEFT_COUNT_(__VA_ARGS__))
#endif

/* Waits for all and never fails early: rc[i] is the result of tasks[i]; returns how many are
 * negative.  If the waiter is cancelled: cancels all, waits, fills, -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_settle_n(const weft_task tasks[], size_t count,
                                                    int out_rc[]);

/* Index of the first to succeed; the others are cancelled and joined before it returns.  If all
 * fail, the last failure.  count 0: -EINVAL.  weft_race(a, b, c) takes the tasks one by one. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_race_n(const weft_task tasks[], size_t count);
#ifndef __cplusplus
#define weft_race(...) weft_race_n(WEFT_TASKS_(__VA_ARGS__), WEFT_COUNT_(__VA_ARGS__))
#endif

/* Index of a task that is done, the oldest completion first; waits if there is none; cancels
 * nobody.  count 0: -EINVAL. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_any_n(const weft_task tasks[], size_t count);

/* Runs fn(items + i * item_bytes) for every i, at most `limit` at a time (0: no limit), started in
 * order of index; error and cancel as gather.  What has not started at the first error never
 * starts. */
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
