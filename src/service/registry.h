/* SPDX-License-Identifier: MIT */

/*
 * Registry: the matchers of a service, by their names.  Any thread.
 *
 * Who uses a matcher holds a reference, so that one that is replaced or taken away meanwhile goes
 * on for those who have it and closes behind the last of them.
 */
#ifndef WF_SERVICE_REGISTRY_H
#define WF_SERVICE_REGISTRY_H

#include "base/list.h"

#include <pthread.h>
#include <weft/match.h>

#define REGISTRY_NAME_MAX 64
#define REGISTRY_DEFAULT "default" /* that of the routes without a name */

struct named {
    char name[REGISTRY_NAME_MAX + 1];
    weft_matcher *matcher;
    wf_list link;     /* under the registry's lock; alone: not there any more */
    unsigned holders; /* atomic */
};

/* Invariant, under `lock`: in the order of their names, which differ. */
struct registry {
    pthread_mutex_t lock;
    wf_list items;
    size_t count, count_max;
};

void registry_init(struct registry *registry, size_t count_max);

/* Closes all that nobody holds. */
WEFT_WAITS void registry_fini(struct registry *registry);

/* True of 1 to 64 letters, digits, '-', '_' and '.', the first a letter or digit: such a name is a
 * file's too. */
bool registry_is_name(weft_str name);

/* The matcher of this name with a reference; NULL: there is none. */
struct named *registry_get(struct registry *registry, weft_str name);

/* Another reference. */
struct named *registry_hold(struct named *named);

/* True if `named` is what one gets under its name now. */
bool registry_has(struct registry *registry, const struct named *named);

/* Gives the reference back; the last one closes the matcher.  NULL is fine. */
WEFT_WAITS void registry_release(struct named *named);

/* True if a matcher could be put under this name. */
bool registry_has_room(struct registry *registry, weft_str name);

/* Puts a matcher, which the registry takes in each case, under a name that is one; in the place of
 * another in one step.  1: of another, 0: of none; -WEFT_ELIMIT over count_max, -ENOMEM. */
WEFT_WAITS int registry_put(struct registry *registry, weft_str name, weft_matcher *matcher);

/* 0, or -ENOENT. */
WEFT_WAITS int registry_remove(struct registry *registry, weft_str name);

/* All of them, each with a reference, in *out, an array of the caller's: registry_list_free().  The
 * count or -ENOMEM. */
int registry_list(struct registry *registry, struct named ***out);
WEFT_WAITS void registry_list_free(struct named **list, size_t count);

#endif
