/* SPDX-License-Identifier: MIT */

#include "match/catalogue.h"

#include "base/alloc.h"
#include "base/buf.h"
#include "base/sys.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/error.h"
#include "match/work.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define ROWS_MAX ((size_t)1 << 31)

/* Entities gone through between two looks at whether to go on. */
#define ENTITIES_A_PART 4096u

/* Asked by an executor that was told to end, or else never. */
static int poll_at(size_t entity)
{
    const wf_job job = {0};
    return entity % ENTITIES_A_PART == 0 ? wf_job_poll(&job) : 0;
}

/* ---- making ---- */

static size_t bytes_of(weft_str text)
{
    return text.ptr != NULL ? text.len : 0;
}

static int count_parts(wf_catalogue *catalogue, const weft_m_entity *entities, size_t count)
{
    size_t bytes = 0, aliases = 0;
    bool fits = true;
    for (size_t i = 0; i < count; i++) {
        const weft_m_entity *e = &entities[i];
        fits &= wf_add_ok(bytes, bytes_of(e->id), &bytes);
        fits &= wf_add_ok(bytes, bytes_of(e->name), &bytes);
        fits &= wf_add_ok(bytes, bytes_of(e->text), &bytes);
        fits &= wf_add_ok(bytes, bytes_of(e->extra), &bytes);
        fits &= wf_add_ok(aliases, e->alias_count, &aliases);
        for (size_t k = 0; k < e->alias_count; k++)
            fits &= wf_add_ok(bytes, bytes_of(e->aliases[k]), &bytes);
    }
    if (!fits || aliases + count >= ROWS_MAX)
        return -ENOMEM;
    catalogue->entity_count = (uint32_t)count;
    catalogue->alias_count = aliases;
    catalogue->row_count = (uint32_t)(count + aliases);
    catalogue->byte_count = bytes;
    return 0;
}

static unsigned place_bits_for(size_t count)
{
    unsigned bits = 4;
    while (((size_t)3 << bits) / 4 < count)
        bits++;
    return bits;
}

static int allocate(wf_catalogue *catalogue)
{
    catalogue->place_bits = place_bits_for(catalogue->entity_count);
    catalogue->entities = wf_array(catalogue->entity_count, sizeof(*catalogue->entities));
    catalogue->aliases = wf_array(catalogue->alias_count, sizeof(*catalogue->aliases));
    catalogue->row_start =
        wf_array((size_t)catalogue->entity_count + 1, sizeof(*catalogue->row_start));
    catalogue->row_entity = wf_array(catalogue->row_count, sizeof(*catalogue->row_entity));
    catalogue->bytes = wf_alloc(catalogue->byte_count);
    catalogue->places = wf_array((size_t)1 << catalogue->place_bits, sizeof(*catalogue->places));
    bool has_all = catalogue->entities != NULL && catalogue->aliases != NULL &&
                   catalogue->row_start != NULL && catalogue->row_entity != NULL &&
                   catalogue->bytes != NULL && catalogue->places != NULL;
    return has_all ? wf_sys_random(&catalogue->key, sizeof(catalogue->key)) : -ENOMEM;
}

static weft_str copy_text(char **to, weft_str text)
{
    if (text.ptr == NULL)
        return (weft_str){0};
    if (text.len != 0)
        memcpy(*to, text.ptr, text.len);
    weft_str copy = {*to, text.len};
    *to += text.len;
    return copy;
}

static int copy_all(wf_catalogue *catalogue, const weft_m_entity *entities)
{
    char *to = catalogue->bytes;
    weft_str *alias = catalogue->aliases;
    uint32_t row = 0;
    for (uint32_t i = 0; i < catalogue->entity_count; i++) {
        int rc = poll_at(i);
        if (rc < 0)
            return rc;
        weft_m_entity *copy = &catalogue->entities[i];
        *copy = entities[i];
        copy->id = copy_text(&to, entities[i].id);
        copy->name = copy_text(&to, entities[i].name);
        copy->text = copy_text(&to, entities[i].text);
        copy->extra = copy_text(&to, entities[i].extra);
        copy->aliases = alias;
        for (size_t k = 0; k < copy->alias_count; k++)
            *alias++ = copy_text(&to, entities[i].aliases[k]);
        catalogue->row_start[i] = row;
        for (size_t k = 0; k < copy->alias_count + 1; k++)
            catalogue->row_entity[row++] = i;
    }
    catalogue->row_start[catalogue->entity_count] = row;
    assert(to == catalogue->bytes + catalogue->byte_count);
    return 0;
}

/* ---- ids ---- */

/* The place of `id`, or the empty one where it would be. */
static uint32_t *find_place(const wf_catalogue *catalogue, weft_str id)
{
    size_t mask = ((size_t)1 << catalogue->place_bits) - 1;
    size_t at = (size_t)wf_hash(&catalogue->key, id.ptr, id.len) & mask;
    for (;; at = (at + 1) & mask) {
        uint32_t *place = &catalogue->places[at];
        if (*place == 0)
            return place;
        weft_str other = catalogue->entities[*place - 1].id;
        if (other.len == id.len && memcmp(other.ptr, id.ptr, id.len) == 0)
            return place;
    }
}

uint32_t wf_catalogue_find(const wf_catalogue *catalogue, weft_str id)
{
    return *find_place(catalogue, id) - 1; /* empty: UINT32_MAX */
}

uint64_t *wf_catalogue_mark(const wf_catalogue *catalogue, const weft_str *ids, size_t count)
{
    uint64_t *bits = wf_array((size_t)catalogue->entity_count / 64 + 1, sizeof(*bits));
    for (size_t i = 0; bits != NULL && i < count; i++) {
        uint32_t entity = wf_catalogue_find(catalogue, ids[i]);
        if (entity != UINT32_MAX)
            bits[entity / 64] |= UINT64_C(1) << entity % 64;
    }
    return bits;
}

/* Lists each id that is there more than once, once.  The catalogue is thrown away after this: the
 * first entity with a listed id loses its row's number as a mark. */
static int fail_duplicates(wf_catalogue *catalogue, weft_m_error *error)
{
    char list[400] = "";
    size_t at = 0;
    for (uint32_t i = 0; i < catalogue->entity_count && at + 8 < sizeof(list); i++) {
        weft_str id = catalogue->entities[i].id;
        uint32_t first = wf_catalogue_find(catalogue, id);
        uint32_t *mark = &catalogue->row_entity[catalogue->row_start[first]];
        if (first == i || *mark == UINT32_MAX)
            continue;
        *mark = UINT32_MAX;
        size_t shown = wf_utf8_cut(id.ptr, id.len, sizeof(list) - at - 6);
        at += (size_t)snprintf(list + at, sizeof(list) - at, "%s'%.*s'", at != 0 ? ", " : "",
                               (int)shown, id.ptr);
    }
    wf_m_fail(error, -WEFT_M_EVALID, "Entity IDs must be unique. Found duplicates: [%s]", list);
    wf_m_error_field(error, "id");
    wf_m_error_suggest(error, "Give every entity an id of its own, or join the entities and list "
                              "the names as aliases");
    return -WEFT_M_EVALID;
}

static int enter_ids(wf_catalogue *catalogue, weft_m_error *error)
{
    bool has_duplicates = false;
    for (uint32_t i = 0; i < catalogue->entity_count; i++) {
        int rc = poll_at(i);
        if (rc < 0)
            return wf_m_fail_plain(error, rc);
        uint32_t *place = find_place(catalogue, catalogue->entities[i].id);
        if (*place == 0)
            *place = i + 1;
        else
            has_duplicates = true;
    }
    return has_duplicates ? fail_duplicates(catalogue, error) : 0;
}

/* ---- life ---- */

static int check_all(const weft_m_entity *entities, size_t count, const wf_limits *limits,
                     weft_m_error *error)
{
    if (entities == NULL || count == 0) {
        wf_m_fail(error, -WEFT_M_EVALID, "entities list cannot be empty");
        wf_m_error_field(error, "entities");
        wf_m_error_suggest(error, "Give at least one entity with 'id' and 'name'");
        return -WEFT_M_EVALID;
    }
    if (count > limits->entity_count_max) {
        wf_m_fail_limit(error, "entities", "entity_count_max", limits->entity_count_max, count);
        wf_m_error_field(error, "entities");
        return -WEFT_ELIMIT;
    }
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = poll_at(i);
        rc = rc < 0 ? wf_m_fail_plain(error, rc) : wf_check_entity(&entities[i], i, limits, error);
    }
    return rc;
}

int wf_catalogue_new(wf_catalogue **out, const weft_m_entity *entities, size_t count,
                     const wf_limits *limits, weft_m_error *error)
{
    int rc = check_all(entities, count, limits, error);
    if (rc < 0)
        return rc;
    wf_catalogue *catalogue = wf_alloc(sizeof(*catalogue));
    if (catalogue == NULL)
        return wf_m_fail_plain(error, -ENOMEM);
    catalogue->refs = 1;
    rc = count_parts(catalogue, entities, count);
    if (rc == 0)
        rc = allocate(catalogue);
    if (rc == 0)
        rc = copy_all(catalogue, entities);
    if (rc < 0) {
        wf_m_fail_plain(error, rc);
        goto out;
    }
    rc = enter_ids(catalogue, error);
    if (rc < 0)
        goto out;
    *out = catalogue;
    catalogue = NULL;
out:
    wf_catalogue_unref(catalogue);
    return rc;
}

wf_catalogue *wf_catalogue_ref(wf_catalogue *catalogue)
{
    __atomic_add_fetch(&catalogue->refs, 1, __ATOMIC_RELAXED);
    return catalogue;
}

void wf_catalogue_unref(wf_catalogue *catalogue)
{
    if (catalogue == NULL || __atomic_sub_fetch(&catalogue->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    wf_free(catalogue->entities);
    wf_free(catalogue->aliases);
    wf_free(catalogue->row_start);
    wf_free(catalogue->row_entity);
    wf_free(catalogue->bytes);
    wf_free(catalogue->places);
    wf_free(catalogue);
}

weft_str wf_catalogue_row(const wf_catalogue *catalogue, uint32_t row)
{
    uint32_t index = catalogue->row_entity[row];
    const weft_m_entity *entity = &catalogue->entities[index];
    uint32_t within = row - catalogue->row_start[index];
    return within == 0 ? entity->name : entity->aliases[within - 1];
}

size_t wf_catalogue_bytes(const wf_catalogue *catalogue)
{
    return sizeof(*catalogue) + catalogue->entity_count * sizeof(*catalogue->entities) +
           catalogue->alias_count * sizeof(*catalogue->aliases) +
           ((size_t)catalogue->entity_count + 1) * sizeof(*catalogue->row_start) +
           catalogue->row_count * sizeof(*catalogue->row_entity) + catalogue->byte_count +
           ((size_t)1 << catalogue->place_bits) * sizeof(*catalogue->places);
}
