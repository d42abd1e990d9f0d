/* SPDX-License-Identifier: MIT */

#include "match/hierarchy/listing.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/error.h"
#include "match/model/tape.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define KEY "hierarchy"
#define EDGES_MAX ((size_t)UINT32_MAX - 1) /* an edge has a number of 32 bits */

/* One entity while it is read. */
struct entry {
    wf_listing *listing;
    const wf_catalogue *catalogue;
    const weft_hierarchy_options *options;
    weft_m_error *error;
    const wf_tape *tape;
    uint32_t entity;
};

void wf_listing_fini(wf_listing *listing)
{
    wf_free(listing->edges);
    wf_free(listing->weights);
}

/* Finishes an error whose message is there: whose "hierarchy" it is, and where in it. */
static int blame(const struct entry *it, int rc, const char *key, size_t index)
{
    if (index == SIZE_MAX)
        wf_m_error_field(it->error, KEY "%s%s", key[0] != '\0' ? "." : "", key);
    else
        wf_m_error_field(it->error, KEY ".%s[%zu]", key, index);
    wf_m_error_entity(it->error, &it->catalogue->entities[it->entity], it->entity);
    wf_m_error_suggest(it->error, "A hierarchy is {\"parents\": [ids], \"children\": [ids], "
                                  "\"weights\": {\"a parent's id\": number}, \"level\": integer}");
    return rc;
}

static int refuse(const struct entry *it, const char *key, size_t index, const char *what)
{
    char place[32] = "";
    if (index != SIZE_MAX)
        snprintf(place, sizeof(place), "[%zu]", index);
    wf_m_fail(it->error, -WEFT_M_EVALID, "Entity 'hierarchy%s%s%s' %s (entities[%u])",
              key[0] != '\0' ? "." : "", key, place, what, it->entity);
    return blame(it, -WEFT_M_EVALID, key, index);
}

/* ---- ids ---- */

/* A string, or the digits of a number; ptr NULL: neither. */
static weft_str id_of(const wf_tape *tape, uint32_t at)
{
    const wf_value *value = &tape->values[at];
    if (wf_tape_kind(tape, at) == WF_VALUE_NUMBER)
        return (weft_str){tape->text + value->start, value->bytes};
    return wf_tape_string(tape, at);
}

/* The entity with an id, or UINT32_MAX in *out if there is none and that is allowed. */
static int find(const struct entry *it, weft_str id, const char *key, size_t index, uint32_t *out)
{
    *out = wf_catalogue_find(it->catalogue, id);
    if (*out != UINT32_MAX)
        return 0;
    it->listing->missing_count++;
    if (!it->options->refuses_missing)
        return 0;
    wf_m_fail(it->error, -WEFT_M_EVALID,
              "Entity 'hierarchy.%s' names '%.*s', which no entity has (entities[%u])", key,
              (int)wf_utf8_cut(id.ptr, id.len, 80), id.ptr, it->entity);
    return blame(it, -WEFT_M_EVALID, key, index);
}

/* ---- edges ---- */

static int add_edge(const struct entry *it, uint32_t parent, uint32_t child)
{
    wf_listing *listing = it->listing;
    size_t most = it->options->edge_count_max < EDGES_MAX ? it->options->edge_count_max : EDGES_MAX;
    if (listing->edge_count >= most) {
        wf_m_fail_limit(it->error, KEY, "edge_count_max", most, listing->edge_count + 1);
        return blame(it, -WEFT_ELIMIT, "", SIZE_MAX);
    }
    if (listing->edge_count == listing->edge_capacity) {
        size_t capacity = listing->edge_capacity != 0 ? listing->edge_capacity * 2 : 256;
        wf_edge *edges = wf_grow(listing->edges, capacity, sizeof(*edges));
        if (edges == NULL)
            return wf_m_fail_plain(it->error, -ENOMEM);
        listing->edges = edges;
        listing->edge_capacity = capacity;
    }
    listing->edges[listing->edge_count++] = (wf_edge){parent, child};
    return 0;
}

static int read_ids(const struct entry *it, uint32_t list, const char *key, bool are_parents)
{
    const wf_tape *tape = it->tape;
    enum wf_value_kind kind = wf_tape_kind(tape, list);
    size_t index = 0;
    if (kind == WF_VALUE_NONE || kind == WF_VALUE_NULL)
        return 0;
    if (kind != WF_VALUE_ARRAY)
        return refuse(it, key, SIZE_MAX, "must be a list of ids");
    for (uint32_t at = wf_tape_first(tape, list); at != WF_NO_VALUE;
         at = wf_tape_next(tape, list, at), index++) {
        uint32_t other;
        weft_str id = id_of(tape, at);
        if (id.ptr == NULL)
            return refuse(it, key, index, "must be an id: a string or an integer");
        int rc = find(it, id, key, index, &other);
        if (rc == 0 && other != UINT32_MAX)
            rc = are_parents ? add_edge(it, other, it->entity) : add_edge(it, it->entity, other);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- weights ---- */

static int add_weight(const struct entry *it, uint32_t parent, double weight)
{
    wf_listing *listing = it->listing;
    if (listing->weight_count == listing->weight_capacity) {
        size_t capacity = listing->weight_capacity != 0 ? listing->weight_capacity * 2 : 64;
        wf_edge_weight *weights = wf_grow(listing->weights, capacity, sizeof(*weights));
        if (weights == NULL)
            return wf_m_fail_plain(it->error, -ENOMEM);
        listing->weights = weights;
        listing->weight_capacity = capacity;
    }
    listing->weights[listing->weight_count++] = (wf_edge_weight){it->entity, parent, (float)weight};
    return 0;
}

#define WEIGHT_MAX 1000

static int read_weights(const struct entry *it, uint32_t object)
{
    const wf_tape *tape = it->tape;
    enum wf_value_kind kind = wf_tape_kind(tape, object);
    if (kind == WF_VALUE_NONE || kind == WF_VALUE_NULL)
        return 0;
    if (kind != WF_VALUE_OBJECT)
        return refuse(it, "weights", SIZE_MAX, "must be an object of numbers");
    for (uint32_t key = wf_tape_first(tape, object); key != WF_NO_VALUE;) {
        double weight;
        uint32_t parent, at = wf_tape_next(tape, object, key);
        if (!wf_tape_double(tape, at, &weight) || !(weight >= 0 && weight <= WEIGHT_MAX))
            return refuse(it, "weights", SIZE_MAX, "must be numbers from 0 to 1000");
        int rc = find(it, wf_tape_string(tape, key), "weights", SIZE_MAX, &parent);
        if (rc == 0 && parent != UINT32_MAX)
            rc = add_weight(it, parent, weight);
        if (rc < 0)
            return rc;
        key = wf_tape_next(tape, object, at);
    }
    return 0;
}

/* ---- entities ---- */

static int check_level(const struct entry *it, uint32_t at)
{
    double level;
    enum wf_value_kind kind = wf_tape_kind(it->tape, at);
    if (kind == WF_VALUE_NONE || kind == WF_VALUE_NULL)
        return 0;
    bool is_integer = wf_tape_double(it->tape, at, &level) && level == trunc(level);
    return is_integer ? 0 : refuse(it, "level", SIZE_MAX, "must be an integer");
}

static int read_object(const struct entry *it, uint32_t object)
{
    const wf_tape *tape = it->tape;
    enum wf_value_kind kind = wf_tape_kind(tape, object);
    if (kind == WF_VALUE_NONE || kind == WF_VALUE_NULL)
        return 0;
    if (kind != WF_VALUE_OBJECT)
        return refuse(it, "", SIZE_MAX, "must be an object");
    int rc = read_ids(it, wf_tape_get(tape, object, "parents"), "parents", /* are_parents= */ true);
    if (rc == 0)
        rc = read_ids(it, wf_tape_get(tape, object, "children"), "children",
                      /* are_parents= */ false);
    if (rc == 0)
        rc = read_weights(it, wf_tape_get(tape, object, "weights"));
    return rc < 0 ? rc : check_level(it, wf_tape_get(tape, object, "level"));
}

/* Most extras have no such key, and reading them as JSON costs ten times as much as to see that. */
static bool may_have_hierarchy(weft_str extra)
{
    static const char key[] = "\"" KEY "\"";
    return extra.ptr != NULL && memmem(extra.ptr, extra.len, key, sizeof(key) - 1) != NULL;
}

static int read_entity(struct entry *it)
{
    weft_str extra = it->catalogue->entities[it->entity].extra;
    wf_tape tape = {0};
    wf_reason reason;
    if (!may_have_hierarchy(extra))
        return 0;
    int rc = wf_tape_read(&tape, extra.ptr, extra.len, &reason);
    it->tape = &tape;
    if (rc == -WEFT_M_EMODEL) {
        wf_m_fail(it->error, -WEFT_M_EVALID,
                  "Entity extra keys are no JSON object (entities[%u]): %s", it->entity,
                  reason.text);
        rc = blame(it, -WEFT_M_EVALID, "", SIZE_MAX);
    } else if (rc < 0) {
        wf_m_fail_plain(it->error, rc);
    } else {
        rc = read_object(it, wf_tape_get(&tape, 0, KEY));
    }
    it->tape = NULL;
    wf_tape_fini(&tape);
    return rc;
}

int wf_listing_read(wf_listing *listing, const wf_catalogue *catalogue,
                    const weft_hierarchy_options *options, const wf_job *job, weft_m_error *error)
{
    struct entry entry = {
        .listing = listing, .catalogue = catalogue, .options = options, .error = error};
    int rc = 0;
    for (uint32_t i = 0; i < catalogue->entity_count && rc == 0; i++) {
        rc = wf_job_poll(job);
        if (rc < 0)
            return wf_m_fail_plain(error, rc);
        entry.entity = i;
        rc = read_entity(&entry);
    }
    return rc;
}
