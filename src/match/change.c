/* SPDX-License-Identifier: MIT */

#include "match/matcher_priv.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/check.h"
#include "match/error.h"

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

/* A catalogue to be made of the present one: there may be millions of entities, so all that goes
 * through them is the executor's. */
struct change {
    wf_call call;
    wf_catalogue *present;
    const weft_m_entity *entities; /* to be put: `count` of them */
    const weft_str *ids;           /* or to be removed */
    size_t count;
    bool replaces; /* entities with an id that is there take its place */
    bool has_run;  /* what failed has said so */
    wf_catalogue *made;
};

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

static int copy_list(struct change *it, const struct list *list)
{
    wf_limits limits = limits_of(it->call.matcher);
    return wf_catalogue_new(&it->made, list->items, list->count, &limits, it->call.error);
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
static int put(void *arg)
{
    struct change *it = arg;
    const wf_catalogue *present = it->present;
    weft_m_error *error = it->call.error;
    size_t total;
    it->has_run = true;
    int rc = check_added(&it->call, it->entities, it->count);
    if (rc < 0)
        return rc;
    if (!wf_add_ok(present->entity_count, it->count, &total))
        return wf_m_fail_plain(error, -ENOMEM);
    struct list list = {.items = wf_array(total, sizeof(*list.items))};
    bool *is_taken = wf_array(present->entity_count, sizeof(*is_taken));
    if (list.items != NULL && is_taken != NULL) {
        append(present->entities, present->entity_count, &list);
        if (it->replaces)
            rc = put_each(present, it->entities, it->count, &list, is_taken, error);
        else
            append(it->entities, it->count, &list);
        if (rc == 0)
            rc = copy_list(it, &list);
        if (rc == 0)
            rc = wf_hierarchy_check(it->call.matcher, it->made, error);
    } else {
        rc = wf_m_fail_plain(error, -ENOMEM);
    }
    wf_free(list.items);
    wf_free(is_taken);
    return rc;
}

/* Sets the bits of the entities to go. */
static int mark(const struct change *it, bool *gone)
{
    for (size_t i = 0; i < it->count; i++) {
        uint32_t entity = wf_catalogue_find(it->present, it->ids[i]);
        if (entity == UINT32_MAX) {
            wf_m_fail(it->call.error, -WEFT_M_EVALID, "No entity has the id '%.*s'",
                      (int)wf_utf8_cut(it->ids[i].ptr, it->ids[i].len, 64), it->ids[i].ptr);
            wf_m_error_field(it->call.error, "ids[%zu]", i);
            return -WEFT_M_EVALID;
        }
        gone[entity] = true;
    }
    return 0;
}

static int leave_out(void *arg)
{
    struct change *it = arg;
    const wf_catalogue *present = it->present;
    struct list list = {.items = wf_array(present->entity_count, sizeof(*list.items))};
    bool *gone = wf_array(present->entity_count, sizeof(*gone));
    it->has_run = true;
    int rc = -ENOMEM;
    if (list.items == NULL || gone == NULL) {
        wf_m_fail_plain(it->call.error, rc);
        goto out;
    }
    rc = mark(it, gone);
    if (rc < 0)
        goto out;
    for (size_t i = 0; i < present->entity_count; i++) {
        if (!gone[i])
            list.items[list.count++] = present->entities[i];
    }
    rc = copy_list(it, &list);
out:
    wf_free(list.items);
    wf_free(gone);
    return rc;
}

/* Makes the catalogue, and answers from it if the matcher answers at all. */
static int make_change(struct change *it, weft_fn *make)
{
    weft_matcher *matcher = it->call.matcher;
    int rc = wf_work_run(make, it);
    if (rc < 0)
        return it->has_run ? rc : wf_m_fail_plain(it->call.error, rc);
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    if (snapshot != NULL)
        rc = wf_matcher_build(&it->call, it->made);
    else
        take_catalogue(matcher, it->made);
    wf_snapshot_unref(snapshot);
    return rc;
}

/* The call: it is alone in changing the catalogue. */
static int change(weft_matcher *matcher, enum weft_m_op op, struct change *it, weft_fn *make,
                  weft_m_error *error)
{
    int rc = wf_call_begin(&it->call, matcher, op, error);
    if (rc < 0)
        return rc;
    rc = wf_gate_enter(&matcher->changes, WF_GATE_EXCLUSIVE);
    if (rc < 0) {
        wf_m_fail_plain(error, rc);
        return wf_call_end(&it->call, rc);
    }
    it->present = wf_matcher_catalogue(matcher);
    rc = make_change(it, make);
    wf_catalogue_unref(it->made);
    wf_catalogue_unref(it->present);
    wf_gate_leave(&matcher->changes, WF_GATE_EXCLUSIVE);
    return wf_call_end(&it->call, rc);
}

int weft_m_add(weft_matcher *matcher, const weft_m_entity *entities, size_t entity_count,
               weft_m_error *error)
{
    struct change it = {.entities = entities, .count = entity_count};
    return change(matcher, WEFT_M_OP_ADD, &it, put, error);
}

int weft_m_update(weft_matcher *matcher, const weft_m_entity *entities, size_t entity_count,
                  weft_m_error *error)
{
    struct change it = {.entities = entities, .count = entity_count, .replaces = true};
    return change(matcher, WEFT_M_OP_ADD, &it, put, error);
}

int weft_m_remove(weft_matcher *matcher, const weft_str *ids, size_t id_count, weft_m_error *error)
{
    struct change it = {.ids = ids, .count = id_count};
    return change(matcher, WEFT_M_OP_REMOVE, &it, leave_out, error);
}
