/* SPDX-License-Identifier: MIT */

/*
 * Catalogue: the matcher's own copy of the entities, constant once made, shared by reference count.
 * A row is one text of an entity: its name, then its aliases; rows are numbered through, in the
 * order of the entities.
 */
#ifndef WF_MATCH_CATALOGUE_H
#define WF_MATCH_CATALOGUE_H

#include "base/hash.h"
#include "match/file/image.h"

#include <weft/match.h>

typedef struct wf_catalogue {
    unsigned refs; /* atomic */
    weft_m_entity *entities;
    uint32_t entity_count, row_count;
    uint32_t *row_start;  /* of entity e: rows row_start[e] … row_start[e + 1] - 1 */
    uint32_t *row_entity; /* of each row; ascending */
    weft_str *aliases;    /* of all entities */
    char *bytes;          /* of all texts */
    size_t byte_count, alias_count;

    uint32_t *places; /* open addressing: entity + 1 by its id; 0: empty */
    unsigned place_bits;
    wf_hash_key key;
} wf_catalogue;

/* What checking needs to know. */
typedef struct wf_limits {
    size_t entity_count_max, text_bytes_max;
} wf_limits;

/* Checks the entities by every rule and copies them.  0; -WEFT_M_EVALID or -WEFT_ELIMIT with the
 * error filled; -ENOMEM; -EIO without random bytes. */
int wf_catalogue_new(wf_catalogue **out, const weft_m_entity *entities, size_t count,
                     const wf_limits *limits, weft_m_error *error);

wf_catalogue *wf_catalogue_ref(wf_catalogue *catalogue);
void wf_catalogue_unref(wf_catalogue *catalogue); /* NULL is fine */

/* The entity with this id, or UINT32_MAX. */
uint32_t wf_catalogue_find(const wf_catalogue *catalogue, weft_str id);

/* One bit an entity, set for these ids; ids that are not there are nobody's.  The caller's, by
 * wf_free; NULL without memory. */
uint64_t *wf_catalogue_mark(const wf_catalogue *catalogue, const weft_str *ids, size_t count);

/* The text of a row as given.  Borrowed. */
weft_str wf_catalogue_row(const wf_catalogue *catalogue, uint32_t row);

/* 0, or -WEFT_ELIMIT for a text of 4 GiB. */
int wf_catalogue_save(const wf_catalogue *catalogue, wf_pack *pack);

/* Checks and copies the entities of an image.  What wf_catalogue_new returns, and
 * -WEFT_M_EPERSIST. */
int wf_catalogue_load(wf_catalogue **out, const wf_image *image, const wf_limits *limits,
                      weft_m_error *error);

size_t wf_catalogue_bytes(const wf_catalogue *catalogue);

#endif
