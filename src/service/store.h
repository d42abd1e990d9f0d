/* SPDX-License-Identifier: MIT */

/*
 * Store: a directory with a file for each matcher that was saved, NAME.weftm.  What is there when
 * the service begins is what it begins with.
 *
 * Saving and deleting go one after the other, whatever the loop, so that a file never outlives the
 * DELETE of its matcher.
 */
#ifndef WF_SERVICE_STORE_H
#define WF_SERVICE_STORE_H

#include "service/bell.h"
#include "service/match_metrics.h"
#include "service/registry.h"

#include <limits.h>

struct store {
    const char *dir; /* NULL: nothing is kept */
    struct registry *registry;
    pthread_mutex_t lock;
    struct bell left;
    bool is_entered; /* by somebody who writes; under lock */
};

void store_init(struct store *store, struct registry *registry);
void store_fini(struct store *store);

/* Puts a matcher for each file into the registry.  0, or negative with *error, whose message names
 * the file. */
WEFT_WAITS int store_load(struct store *store, struct measures *measures, weft_m_error *error);

/* Saves a matcher under its name.  0; -ENOTDIR: nothing is kept here; -ESTALE: it was replaced or
 * deleted meanwhile; else as weft_m_save(), with *error. */
WEFT_WAITS int store_save(struct store *store, const struct named *named, weft_m_error *error);

/* What is kept of a matcher: itself, what is said to proposed entities, what texts looked like. */
#define STORE_MATCHER "weftm"
#define STORE_REVIEWS "reviews.json"
#define STORE_PROFILE "profile.json"

/* "DIR/NAME.KIND", in `path`.  0; -ENOTDIR: nothing is kept here; -ENAMETOOLONG. */
int store_path(const struct store *store, weft_str name, const char *kind, char path[PATH_MAX]);

/* Takes the directory out of a message that begins with a file in it: those who ask over a network
 * need not know where it is. */
void store_hide(const struct store *store, weft_m_error *error);

/* Files of `named` are written in between: 0, and then leave; -ESTALE: it was replaced or deleted
 * meanwhile; -ECANCELED. */
WEFT_WAITS int store_enter(struct store *store, const struct named *named);
void store_leave(struct store *store);

/* Takes the matcher of this name away, first its files.  0; -ENOENT: there is none; -EBUSY: another
 * process changes them; -errno.  With *error if it is about a file. */
WEFT_WAITS int store_remove(struct store *store, weft_str name, weft_m_error *error);

#endif
