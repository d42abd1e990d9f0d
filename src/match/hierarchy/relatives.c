/* SPDX-License-Identifier: MIT */

/* What can be asked of a hierarchy by itself. */
#include "base/alloc.h"
#include "match/hierarchy/walk.h"
#include "match/json.h"

static const wf_job no_job;

void weft_relatives_free(weft_relatives *relatives)
{
    wf_free(relatives);
}

/* A list of `count` items to be filled; NULL: no memory. */
static weft_relatives *list_new(size_t count, weft_relative **out_items)
{
    size_t bytes;
    if (!wf_mul_ok(count, sizeof(weft_relative), &bytes) ||
        !wf_add_ok(bytes, sizeof(weft_relatives), &bytes))
        return NULL;
    weft_relatives *list = wf_alloc(bytes);
    if (list == NULL)
        return NULL;
    *out_items = (weft_relative *)(void *)(list + 1);
    *list = (weft_relatives){.count = count, .items = *out_items};
    return list;
}

static weft_relative relative_of(const weft_hierarchy *it, uint32_t entity, uint32_t depth)
{
    const weft_m_entity *from = &it->catalogue->entities[entity];
    return (weft_relative){.id = from->id,
                           .name = from->name,
                           .id_is_integer = from->id_is_integer,
                           .entity = entity,
                           .depth = depth};
}

static int list_empty(weft_relatives **out)
{
    weft_relative *items;
    *out = list_new(0, &items);
    return *out != NULL ? 0 : -ENOMEM;
}

/* ---- around ---- */

static int list_walk(const weft_hierarchy *it, const wf_walk *walk, weft_relatives **out)
{
    weft_relative *items;
    weft_relatives *list = list_new(walk->roster.count - 1, &items);
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < list->count; i++)
        items[i] = relative_of(it, walk->roster.entities[i + 1], walk->steps[i + 1].depth);
    *out = list;
    return 0;
}

static int list_around(const weft_hierarchy *it, weft_str id, int64_t depth_max, enum wf_way way,
                       weft_relatives **out)
{
    uint32_t entity = wf_catalogue_find(it->catalogue, id);
    wf_reach reach = WF_REACH_ALL;
    wf_walk walk = {0};
    if (entity == UINT32_MAX)
        return list_empty(out);
    if (depth_max >= 0 && depth_max < UINT32_MAX)
        reach.depth_max = (uint32_t)depth_max;
    int rc = wf_walk_run(&walk, it, entity, way, &reach, &no_job);
    if (rc == 0)
        rc = list_walk(it, &walk, out);
    wf_walk_fini(&walk);
    return rc;
}

int weft_hierarchy_ancestors(const weft_hierarchy *hierarchy, weft_str id, int64_t depth_max,
                             weft_relatives **out)
{
    return list_around(hierarchy, id, depth_max, WF_UP, out);
}

int weft_hierarchy_descendants(const weft_hierarchy *hierarchy, weft_str id, int64_t depth_max,
                               weft_relatives **out)
{
    return list_around(hierarchy, id, depth_max, WF_DOWN, out);
}

/* ---- from one to another ---- */

/* Walks from `from` up or down, whichever way `to` lies; its number in *out, or WF_NOT_THERE. */
static int walk_to(const weft_hierarchy *it, wf_walk *walk, uint32_t from, uint32_t to, size_t *out)
{
    int rc = 0;
    *out = WF_NOT_THERE;
    for (enum wf_way way = WF_UP; way <= WF_DOWN && rc == 0 && *out == WF_NOT_THERE; way++) {
        rc = wf_walk_run(walk, it, from, way, &WF_REACH_ALL, &no_job);
        if (rc == 0)
            *out = wf_roster_find(&walk->roster, to);
    }
    return rc;
}

static int list_way(const weft_hierarchy *it, const wf_walk *walk, size_t end, weft_relatives **out)
{
    weft_relative *items;
    size_t count = (size_t)walk->steps[end].depth + 1;
    weft_relatives *list = list_new(count, &items);
    if (list == NULL)
        return -ENOMEM;
    for (size_t i = count, at = end; i-- > 0; at = walk->steps[at].from)
        items[i] = relative_of(it, walk->roster.entities[at], (uint32_t)i);
    *out = list;
    return 0;
}

static uint32_t first_parent(const weft_hierarchy *it, uint32_t entity)
{
    uint32_t start = it->up.start[entity];
    return start < it->up.start[entity + 1] ? it->up.to[start] : UINT32_MAX;
}

static int list_to_top(const weft_hierarchy *it, uint32_t from, weft_relatives **out)
{
    weft_relative *items;
    uint32_t count = 0;
    for (uint32_t at = from; at != UINT32_MAX; at = first_parent(it, at))
        count++;
    weft_relatives *list = list_new(count, &items);
    if (list == NULL)
        return -ENOMEM;
    for (uint32_t i = 0, at = from; i < count; i++, at = first_parent(it, at))
        items[i] = relative_of(it, at, i);
    *out = list;
    return 0;
}

int weft_hierarchy_path(const weft_hierarchy *it, weft_str from, weft_str to, weft_relatives **out)
{
    uint32_t start = wf_catalogue_find(it->catalogue, from);
    uint32_t end = to.ptr != NULL ? wf_catalogue_find(it->catalogue, to) : UINT32_MAX;
    wf_walk walk = {0};
    size_t found;
    if (start == UINT32_MAX || (to.ptr != NULL && end == UINT32_MAX))
        return list_empty(out);
    if (to.ptr == NULL)
        return list_to_top(it, start, out);
    int rc = walk_to(it, &walk, start, end, &found);
    if (rc == 0)
        rc = found != WF_NOT_THERE ? list_way(it, &walk, found, out) : list_empty(out);
    wf_walk_fini(&walk);
    return rc;
}

int weft_hierarchy_distance(const weft_hierarchy *it, weft_str a, weft_str b, int64_t *out_distance)
{
    uint32_t from = wf_catalogue_find(it->catalogue, a), to = wf_catalogue_find(it->catalogue, b);
    wf_walk walk = {0};
    size_t found = WF_NOT_THERE;
    int rc = from != UINT32_MAX && to != UINT32_MAX ? walk_to(it, &walk, from, to, &found) : 0;
    if (rc == 0)
        *out_distance = found != WF_NOT_THERE ? (int64_t)walk.steps[found].depth : -1;
    wf_walk_fini(&walk);
    return rc;
}

int weft_hierarchy_is_ancestor(const weft_hierarchy *it, weft_str above, weft_str below,
                               bool *out_is_ancestor)
{
    uint32_t up = wf_catalogue_find(it->catalogue, above);
    uint32_t from = wf_catalogue_find(it->catalogue, below);
    wf_walk walk = {0};
    bool is_there = up != UINT32_MAX && from != UINT32_MAX && up != from;
    int rc = is_there ? wf_walk_run(&walk, it, from, WF_UP, &WF_REACH_ALL, &no_job) : 0;
    if (rc == 0)
        *out_is_ancestor = is_there && wf_roster_find(&walk.roster, up) != WF_NOT_THERE;
    wf_walk_fini(&walk);
    return rc;
}

/* ---- as JSON ---- */

static void put_relatives(wf_json *json, const char *key, weft_relatives *list)
{
    wf_json_key(json, key);
    wf_json_array(json);
    for (size_t i = 0; i < list->count; i++) {
        const weft_relative *it = &list->items[i];
        wf_json_object(json);
        wf_json_key(json, "id");
        wf_m_json_id(json, it->id, it->id_is_integer);
        wf_json_put_str(json, "name", it->name);
        wf_json_put_uint(json, "depth", it->depth);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
    weft_relatives_free(list);
}

int weft_hierarchy_entity_json(const weft_hierarchy *hierarchy, weft_str id, int64_t depth_max,
                               weft_text *out)
{
    uint32_t entity = wf_catalogue_find(hierarchy->catalogue, id);
    wf_buf buf = {0};
    wf_json json = {.out = &buf};
    weft_relatives *list;
    if (entity == UINT32_MAX)
        return -ENOENT;
    const weft_m_entity *about = &hierarchy->catalogue->entities[entity];
    wf_json_object(&json);
    wf_json_key(&json, "id");
    wf_m_json_id(&json, about->id, about->id_is_integer);
    wf_json_put_str(&json, "name", about->name);
    int rc = weft_hierarchy_path(hierarchy, id, (weft_str){0}, &list);
    if (rc == 0) {
        put_relatives(&json, "path", list);
        rc = weft_hierarchy_ancestors(hierarchy, id, depth_max, &list);
    }
    if (rc == 0) {
        put_relatives(&json, "ancestors", list);
        rc = weft_hierarchy_descendants(hierarchy, id, depth_max, &list);
    }
    if (rc == 0) {
        put_relatives(&json, "descendants", list);
        wf_json_object_end(&json);
        return wf_m_json_end(&buf, out);
    }
    wf_buf_fini(&buf);
    return rc;
}
