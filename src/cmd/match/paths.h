/* SPDX-License-Identifier: MIT */

/*
 * Paths: "Food > Cheese > Hard", the names above an entity, as a column or key of the sources says
 * them, made into what lies above what.
 *
 * An entity whose path ends in its own name stands there itself: what others say of that path is
 * said of it.  Where no entity stands, one is made: its id is the path to it.
 */
#ifndef WF_CMD_PATHS_H
#define WF_CMD_PATHS_H

#include "base/arena.h"
#include "base/hash.h"

#include <weft/match.h>

#define PATHS_NONE UINT32_MAX

struct paths_place {
    weft_str path; /* with " > " between the names; the id, unless an entity stands there */
    weft_str name;
    const weft_m_entity *entity; /* borrowed; NULL: one is to be made */
    uint32_t above;              /* the place, or PATHS_NONE */
};

struct paths {
    wf_arena arena;
    struct paths_place *places;
    size_t count, capacity;
    uint32_t *above; /* of each entity that was given: the place, or PATHS_NONE */
    uint32_t *slots; /* place + 1, by its path; 0: free.  At most half of them are taken */
    size_t slot_count;
    wf_hash_key key;

    /* What comes of it: the entities that were given, in their order, then those that were made. */
    weft_m_entity *entities;
    size_t entity_count;
};

#define PATHS_NAMES_MAX 64 /* of one path */

/* Reads the key `field` of the entities' extra, and makes `paths->entities`, which borrow from
 * them; an extra that has a key "hierarchy" is left as it is.  `separator` stands between the names
 * of a path.  0; -E2BIG: a path with too many names, of the entity in *out_bad; -ENOMEM, -EIO. fini
 * in any case. */
int paths_make(struct paths *paths, const weft_m_entity *entities, size_t count, weft_str field,
               weft_str separator, size_t *out_bad);
void paths_fini(struct paths *paths);

#endif
