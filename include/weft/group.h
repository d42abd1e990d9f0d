/* SPDX-License-Identifier: MIT */

/*
 * Group (nursery, task group): tasks that belong together.  The first failure cancels the others,
 * and the owner's own waits inside the group's block; the block is not left before all have ended.
 *
 *     WEFT_GROUP(group);
 *     for (int i = 0; i < 3; i++)
 *         WEFT_TRY(weft_group_spawn(group, fetch, &pages[i]));
 *     return weft_group_wait(group);
 */
#ifndef WEFT_GROUP_H
#define WEFT_GROUP_H

#include <weft/error.h>

WEFT_BEGIN_DECLS

typedef struct weft_group {
    uint64_t id; /* 0: could not be opened */
} weft_group;

/* Opens a group, which is a scope of the calling task too.  Without memory, and outside a task, it
 * has id 0, and spawning into it returns -ENOMEM; so no check is needed here. */
WEFT_API weft_group weft_group_open(void);

/* Starts fn(arg) as a member of the group; its record is freed as soon as it ends.  From any task
 * of the loop while the group is open.  -ECANCELED once the group is cancelled, -ESRCH once it has
 * ended, -ENOMEM, -EAGAIN.  On failure the body does not run. */
#define weft_group_spawn(group, fn, arg) weft_group_spawn_at((group), (fn), (arg), WEFT_SITE(#fn))
WEFT_API WEFT_MUST_USE int weft_group_spawn_at(weft_group group, weft_fn *fn, void *arg,
                                               const char *site);

/* Like weft_group_spawn(), but returns a handle that stays valid until the group ends, and carries
 * the error if the spawn failed. */
#define weft_group_task(group, fn, arg) weft_group_task_at((group), (fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_group_task_at(weft_group group, weft_fn *fn, void *arg, const char *site);

/* Starts fn(arg) as a member of the group and waits until it calls weft_started(): 0.  If it ends
 * without having done so: its error, which then does not count as the group's failure; -EPROTO if
 * it ended without an error. */
#define weft_group_start(group, fn, arg) weft_group_start_at((group), (fn), (arg), WEFT_SITE(#fn))
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_group_start_at(weft_group group, weft_fn *fn, void *arg,
                                                          const char *site);
WEFT_API void weft_started(void);

/* Cancels every member, and the owner's waits inside the block.  `why` must stay valid (use a
 * literal). */
WEFT_API void weft_group_cancel(weft_group group, const char *why);

/* Waits until all members have ended, also if the caller is cancelled, and ends the group.  Returns
 * the error of the member that failed first; else -ECANCELED if the owner was cancelled from
 * outside the group; else 0.  A second call returns the same.  For the group's owner only (-EPERM).
 */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_group_wait(weft_group group);

/* After weft_group_wait(): copies the first `count` failures to `out`, in order of time, and
 * returns how many there were (at most 64 are kept). */
WEFT_API size_t weft_group_errors(weft_group group, struct weft_error out[], size_t count);

/* Leaving the block: without a wait, cancels and joins the members; then frees the group. */
WEFT_API WEFT_WAITS void weft_group_end_(weft_group *group);

#if defined(__GNUC__)
#define WEFT_GROUP(group)                                                                          \
    weft_group group __attribute__((cleanup(weft_group_end_))) = weft_group_open()
#endif

WEFT_END_DECLS

#endif
