/* SPDX-License-Identifier: MIT */

#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/error.h"

#include <assert.h>

/* ---- threshold ---- */

/* Puts `snapshot` in the place of `old` if that is still the present one (NULL: NEW). */
static bool exchange(weft_matcher *matcher, wf_snapshot *old, wf_snapshot *snapshot,
                     float threshold)
{
    pthread_mutex_lock(&matcher->lock);
    bool is_present = matcher->snapshot == old;
    if (is_present) {
        matcher->threshold = threshold;
        matcher->snapshot = snapshot;
        matcher->snapshot_number++;
        if (snapshot != NULL)
            snapshot->number = matcher->snapshot_number;
    }
    pthread_mutex_unlock(&matcher->lock);
    if (is_present)
        wf_snapshot_unref(old); /* the matcher's reference */
    return is_present;
}

/* A snapshot with another threshold and the same scorer.  Does not wait for a fit: that takes the
 * threshold when it ends. */
int weft_m_set_threshold(weft_matcher *matcher, float threshold, weft_m_error *error)
{
    int rc = wf_check_threshold(threshold, error);
    if (rc < 0)
        return rc;
    rc = __atomic_load_n(&matcher->stop, __ATOMIC_ACQUIRE);
    if (rc < 0)
        return wf_m_fail_plain(error, rc);
    for (bool is_done = false; !is_done;) {
        wf_snapshot *old = wf_matcher_snapshot(matcher), *changed = NULL;
        if (old != NULL) {
            changed = wf_snapshot_new(old->scorer, threshold, 0);
            if (changed == NULL) {
                wf_snapshot_unref(old);
                return wf_m_fail_plain(error, -ENOMEM);
            }
        }
        is_done = exchange(matcher, old, changed, threshold);
        if (!is_done)
            wf_snapshot_unref(changed);
        wf_snapshot_unref(old);
    }
    return 0;
}

/* ---- entities ---- */

static wf_limits limits_of(const weft_matcher *matcher)
{
    return (wf_limits){.entity_count_max = matcher->options.entity_count_max,
                       .text_bytes_max = matcher->options.query_bytes_max};
}

/* The entities of a catalogue to be made: borrowed from the present one and from the caller. */
struct list {
    weft_m_entity *items;
    size_t count;
};

static void take_catalogue(weft_matcher *matcher, wf_catalogue *catalogue)
{
    wf_catalogue_ref(catalogue);
    pthread_mutex_lock(&matcher->lock);
    wf_catalogue *old = matcher->catalogue;
    matcher->catalogue = catalogue;
    pthread_mutex_unlock(&matcher->lock);
    wf_hierarchy_forget(matcher);
    wf_catalogue_unref(old);
}

static int replace_with(wf_call *call, const struct list *list)
{
    weft_matcher *matcher = call->matcher;
    wf_limits limits = limits_of(matcher);
    wf_catalogue *catalogue;
    int rc = wf_catalogue_new(&catalogue, list->items, list->count, &limits, call->error);
    if (rc < 0)
        return rc;
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    if (snapshot != NULL)
        rc = wf_matcher_build(call, catalogue);
    else
        take_catalogue(matcher, catalogue);
    wf_snapshot_unref(snapshot);
    wf_catalogue_unref(catalogue);
    return rc;
}

static int check_added(wf_call *call, const weft_m_entity *entities, size_t entity_count)
{
    if (entities == NULL || entity_count == 0) {
        wf_m_fail(call->error, -WEFT_M_EVALID, "entities list cannot be empty");
        wf_m_error_field(call->error, "entities");
        return -WEFT_M_EVALID;
    }
    wf_limits limits = limits_of(call->matcher);
    int rc = 0;
    for (size_t i = 0; i < entity_count && rc == 0; i++)
        rc = wf_check_entity(&entities[i], i, &limits, call->error);
    return rc;
}

static int fail_twice(weft_str id, weft_m_error *error)
{
    wf_m_fail(error, -WEFT_M_EVALID, "Entity IDs must be unique. Found duplicates: ['%.*s']",
              (int)wf_utf8_cut(id.ptr, id.len, 64), id.ptr);
    wf_m_error_field(error, "id");
    return -WEFT_M_EVALID;
}

/* Puts the entities into `list`, which has the present ones and room, in the place of those with
 * the same id, or behind all. */
static int put_each(const wf_catalogue *present, const weft_m_entity *entities, size_t entity_count,
                    struct list *list, bool *is_taken, weft_m_error *error)
{
    for (size_t i = 0; i < entity_count; i++) {
        uint32_t place = wf_catalogue_find(present, entities[i].id);
        if (place == UINT32_MAX) {
            list->items[list->count++] = entities[i];
            continue;
        }
        if (is_taken[place])
            return fail_twice(entities[i].id, error);
        is_taken[place] = true;
        list->items[place] = entities[i];
    }
    return 0;
}

static void append(const weft_m_entity *entities, size_t entity_count, struct list *list)
{
    for (size_t i = 0; i < entity_count; i++)
        list->items[list->count++] = entities[i];
}

/* Add and update: the first has every entity behind all, and one whose id is there is found out
 * with the catalogue. */
static int put(wf_call *call, const wf_catalogue *present, const weft_m_entity *entities,
               size_t entity_count, bool replaces)
{
    assert(present != NULL);
    size_t total;
    int rc = check_added(call, entities, entity_count);
    if (rc < 0)
        return rc;
    if (!wf_add_ok(present->entity_count, entity_count, &total))
        return wf_m_fail_plain(call->error, -ENOMEM);
    struct list list = {.items = wf_array(total, sizeof(*list.items))};
    bool *is_taken = wf_array(present->entity_count, sizeof(*is_taken));
    if (list.items != NULL && is_taken != NULL) {
        append(present->entities, present->entity_count, &list);
        if (replaces)
            rc = put_each(present, entities, entity_count, &list, is_taken, call->error);
        else
            append(entities, entity_count, &list);
        if (rc == 0)
            rc = replace_with(call, &list);
    } else {
        rc = wf_m_fail_plain(call->error, -ENOMEM);
    }
    wf_free(list.items);
    wf_free(is_taken);
    return rc;
}

/* Sets the bits of the entities to go. */
static int mark(const wf_catalogue *present, const weft_str *ids, size_t id_count, bool *gone,
                weft_m_error *error)
{
    for (size_t i = 0; i < id_count; i++) {
        uint32_t entity = wf_catalogue_find(present, ids[i]);
        if (entity == UINT32_MAX) {
            wf_m_fail(error, -WEFT_M_EVALID, "No entity has the id of ids[%zu]", i);
            wf_m_error_field(error, "ids[%zu]", i);
            return -WEFT_M_EVALID;
        }
        gone[entity] = true;
    }
    return 0;
}

static int remove_marked(wf_call *call, const wf_catalogue *present, const weft_str *ids,
                         size_t id_count)
{
    assert(present != NULL);
    struct list list = {.items = wf_array(present->entity_count, sizeof(*list.items))};
    bool *gone = wf_array(present->entity_count, sizeof(*gone));
    int rc = -ENOMEM;
    if (list.items == NULL || gone == NULL) {
        wf_m_fail_plain(call->error, rc);
        goto out;
    }
    rc = mark(present, ids, id_count, gone, call->error);
    if (rc < 0)
        goto out;
    for (size_t i = 0; i < present->entity_count; i++) {
        if (!gone[i])
            list.items[list.count++] = present->entities[i];
    }
    rc = replace_with(call, &list);
out:
    wf_free(list.items);
    wf_free(gone);
    return rc;
}

/* Begins a call that is alone in changing the catalogue; the present one, a reference, in *out. */
static int change_begin(wf_call *call, weft_matcher *matcher, enum weft_m_op op,
                        weft_m_error *error, wf_catalogue **out)
{
    int rc = wf_call_begin(call, matcher, op, error);
    if (rc < 0)
        return rc;
    rc = wf_gate_enter(&matcher->changes, WF_GATE_EXCLUSIVE);
    if (rc < 0) {
        wf_m_fail_plain(error, rc);
        return wf_call_end(call, rc);
    }
    *out = wf_matcher_catalogue(matcher);
    return 0;
}

static int change_end(wf_call *call, wf_catalogue *present, int rc)
{
    wf_catalogue_unref(present);
    wf_gate_leave(&call->matcher->changes, WF_GATE_EXCLUSIVE);
    return wf_call_end(call, rc);
}

static int change_by_put(weft_matcher *matcher, const weft_m_entity *entities, size_t entity_count,
                         bool replaces, weft_m_error *error)
{
    wf_call call;
    wf_catalogue *present = NULL;
    int rc = change_begin(&call, matcher, WEFT_M_OP_ADD, error, &present);
    if (rc < 0)
        return rc;
    return change_end(&call, present, put(&call, present, entities, entity_count, replaces));
}

int weft_m_add(weft_matcher *matcher, const weft_m_entity *entities, size_t entity_count,
               weft_m_error *error)
{
    return change_by_put(matcher, entities, entity_count, /* replaces= */ false, error);
}

int weft_m_update(weft_matcher *matcher, const weft_m_entity *entities, size_t entity_count,
                  weft_m_error *error)
{
    return change_by_put(matcher, entities, entity_count, /* replaces= */ true, error);
}

int weft_m_remove(weft_matcher *matcher, const weft_str *ids, size_t id_count, weft_m_error *error)
{
    wf_call call;
    wf_catalogue *present = NULL;
    int rc = change_begin(&call, matcher, WEFT_M_OP_REMOVE, error, &present);
    if (rc < 0)
        return rc;
    return change_end(&call, present, remove_marked(&call, present, ids, id_count));
}
