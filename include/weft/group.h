/* SPDX-License-Identifier: MIT */

/*
 * Group: tasks that belong together.  The first failure cancels the others and the owner's own
 * waits inside the group's block; nobody leaves before all have ended.
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

/* Opens a group, a scope of the calling task, or gives one with id 0 (no memory, outside a task):
 * spawning into that returns -ENOMEM. */
WEFT_API weft_group weft_group_open(void);

/* Starts fn(arg) in the group; nothing is kept of it after it ends.  From any task of the loop
 * while the group is open.  -ECANCELED once it is cancelled, -ESRCH once it has ended, -ENOMEM,
 * -EAGAIN. On failure the body does not run. */
#define weft_group_spawn(group, fn, arg) weft_group_spawn_at((group), (fn), (arg), WEFT_SITE(#fn))
WEFT_API WEFT_MUST_USE int weft_group_spawn_at(weft_group group, weft_fn *fn, void *arg,
                                               const char *site);

/* The same with a handle, valid until the group ends. */
#define weft_group_task(group, fn, arg) weft_group_task_at((group), (fn), (arg), WEFT_SITE(#fn))
WEFT_API weft_task weft_group_task_at(weft_group group, weft_fn *fn, void *arg, const char *site);

/* Starts it and waits until it calls weft_started().  If it ends before: its error, which then does
 * not count for the group; -EPROTO for a clean end. */
#define weft_group_start(group, fn, arg) weft_group_start_at((group), (fn), (arg), WEFT_SITE(#fn))
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_group_start_at(weft_group group, weft_fn *fn, void *arg,
                                                          const char *site);
WEFT_API void weft_started(void);

/* Cancels every member and the owner's waits inside the block.  `why` must stay valid. */
WEFT_API void weft_group_cancel(weft_group group, const char *why);

/* Waits for all members; nothing makes it return before.  The first member's error; else -ECANCELED
 * if the owner is cancelled from outside the group; else 0.  Ends the group; a second call returns
 * the same.  The owner's call only (-EPERM). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_group_wait(weft_group group);

/* After the wait: copies up to `count` failures, in order of time, and returns how many there were
 * (64 are kept). */
WEFT_API size_t weft_group_errors(weft_group group, struct weft_error out[], size_t count);

/* Leaving the block: without a wait, cancels and joins the members; then frees the group. */
WEFT_API WEFT_WAITS void weft_group_end_(weft_group *group);

#if defined(__GNUC__)
#define WEFT_GROUP(group)                                                                          \
    weft_group group __attribute__((cleanup(weft_group_end_))) = weft_group_open()
#endif

WEFT_END_DECLS

#endif
