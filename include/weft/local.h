/* SPDX-License-Identifier: MIT */

/*
 * Task local: a value that goes with a task and with everything it spawns from then on, such as the
 * id of the request that all of it is for.  It spares handing the value through every call.
 *
 *     static weft_local request_id;                // one for the whole program
 *
 *     WEFT_TRY(weft_local_set(&request_id, id));
 *     weft_spawn(fetch, url);                      // sees it, and so do the tasks it spawns
 *     ...
 *     const char *id = weft_local_get(&request_id);
 *
 * A task begins with the values its spawner had at that moment; what either sets later the other
 * does not see.  A generator has its consumer's.  A blocking body (exec.h) reads those of the task
 * that waits for it, and can set none.
 *
 * Only the pointer is kept.  What it points to must outlive the tasks that can see it: memory of
 * the task that sets it does, since its children end first, but a detached task may outlive that.
 */
#ifndef WEFT_LOCAL_H
#define WEFT_LOCAL_H

#include <weft/base.h>

WEFT_BEGIN_DECLS

#define WEFT_LOCALS_MAX 64

/* Static and zeroed; shared by all loops. */
typedef struct weft_local {
    uint32_t priv_number;
} weft_local;

/* The calling task's value; NULL if it has none, and outside a task.  Never fails. */
WEFT_API void *weft_local_get(const weft_local *local);

/* Sets the calling task's value; NULL unsets it.  Constant time, but the first call after a spawn
 * copies all values that are set, at most WEFT_LOCALS_MAX pointers.  0; -ENOMEM; -EPERM outside a
 * task; -WEFT_ELIMIT: the program has more than WEFT_LOCALS_MAX locals.  On failure nothing has
 * changed. */
WEFT_API WEFT_MUST_USE int weft_local_set(weft_local *local, void *value);

WEFT_END_DECLS

#endif
