/* SPDX-License-Identifier: MIT */

#include "cmd/match/paths.h"

#include "base/alloc.h"
#include "base/json_write.h"
#include "base/str.h"
#include "base/sys.h"

#include <weft/json.h>

#include <errno.h>
#include <string.h>

#define SLOTS_MIN 64
#define BETWEEN " > "

void paths_fini(struct paths *it)
{
    wf_arena_fini(&it->arena);
    wf_free(it->places);
    wf_free(it->above);
    wf_free(it->slots);
    wf_free(it->entities);
    *it = (struct paths){0};
}

/* ---- places by their path ---- */

/* The slot that holds this path, or the free one where it belongs. */
static size_t find_slot(const struct paths *it, weft_str path)
{
    size_t slot = wf_hash(&it->key, path.ptr, path.len) & (it->slot_count - 1);
    while (it->slots[slot] != 0 && !wf_str_equals(it->places[it->slots[slot] - 1].path, path))
        slot = (slot + 1) & (it->slot_count - 1);
    return slot;
}

static int grow_slots(struct paths *it)
{
    size_t count = it->slot_count != 0 ? it->slot_count * 2 : SLOTS_MIN;
    uint32_t *slots = wf_array(count, sizeof(*slots));
    if (slots == NULL)
        return -ENOMEM;
    wf_free(it->slots);
    it->slots = slots;
    it->slot_count = count;
    for (size_t i = 0; i < it->count; i++)
        it->slots[find_slot(it, it->places[i].path)] = (uint32_t)i + 1;
    return 0;
}

static int grow_places(struct paths *it)
{
    size_t capacity = it->capacity != 0 ? it->capacity * 2 : SLOTS_MIN;
    struct paths_place *places = wf_grow(it->places, capacity, sizeof(*places));
    if (places == NULL)
        return -ENOMEM;
    it->places = places;
    it->capacity = capacity;
    return 0;
}

static int add_place(struct paths *it, weft_str path, weft_str name, uint32_t above)
{
    struct paths_place place = {.above = above};
    if (it->count == it->capacity && grow_places(it) < 0)
        return -ENOMEM;
    if (!wf_arena_copy(&it->arena, path, &place.path))
        return -ENOMEM;
    place.name = (weft_str){place.path.ptr + (path.len - name.len), name.len};
    it->slots[find_slot(it, path)] = (uint32_t)it->count + 1;
    it->places[it->count++] = place;
    return 0;
}

/* The place of these names, the last of them in it, made with all above it if need be. */
static int find_place(struct paths *it, const weft_str *names, size_t count, uint32_t *out)
{
    wf_buf path = {0};
    int rc = 0;
    *out = PATHS_NONE;
    for (size_t i = 0; i < count && rc == 0; i++) {
        if (i != 0)
            wf_buf_puts(&path, BETWEEN);
        rc = wf_buf_append(&path, names[i].ptr, names[i].len);
        if (rc == 0 && (it->count + 1) * 2 > it->slot_count)
            rc = grow_slots(it);
        if (rc < 0)
            break;
        const weft_str here = {wf_buf_ptr(&path), wf_buf_bytes(&path)};
        uint32_t found = it->slots[find_slot(it, here)];
        if (found == 0) {
            rc = add_place(it, here, names[i], *out);
            found = (uint32_t)it->count;
        }
        *out = found - 1;
    }
    wf_buf_fini(&path);
    return rc;
}

/* ---- entities ---- */

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static weft_str trim(weft_str text)
{
    while (text.len != 0 && is_space(text.ptr[0]))
        text = (weft_str){text.ptr + 1, text.len - 1};
    while (text.len != 0 && is_space(text.ptr[text.len - 1]))
        text.len--;
    return text;
}

/* The names that are not blank; -E2BIG. */
static int split(weft_str path, weft_str separator, weft_str names[PATHS_NAMES_MAX],
                 size_t *out_count)
{
    *out_count = 0;
    while (path.len != 0) {
        const char *end = memmem(path.ptr, path.len, separator.ptr, separator.len);
        size_t bytes = end != NULL ? (size_t)(end - path.ptr) : path.len;
        size_t used = bytes + (end != NULL ? separator.len : 0);
        weft_str name = trim((weft_str){path.ptr, bytes});
        path = (weft_str){path.ptr + used, path.len - used};
        if (name.len == 0)
            continue;
        if (*out_count == PATHS_NAMES_MAX)
            return -E2BIG;
        names[(*out_count)++] = name;
    }
    return 0;
}

static int take_path(struct paths *it, const weft_m_entity *entity, weft_str path,
                     weft_str separator, uint32_t *out_above)
{
    weft_str names[PATHS_NAMES_MAX];
    size_t count;
    uint32_t own;
    int rc = split(path, separator, names, &count);
    if (rc < 0 || count == 0)
        return rc;
    if (!wf_str_equals(names[count - 1], entity->name))
        return find_place(it, names, count, out_above);
    rc = find_place(it, names, count, &own);
    if (rc < 0)
        return rc;
    *out_above = it->places[own].above;
    if (it->places[own].entity == NULL)
        it->places[own].entity = entity; /* the first of several */
    return 0;
}

static int read_entity(struct paths *it, const weft_m_entity *entity, weft_str field,
                       weft_str separator, uint32_t *out_above)
{
    weft_json *extra;
    *out_above = PATHS_NONE;
    if (entity->extra.len == 0)
        return 0;
    int rc = weft_json_read(&extra, entity->extra.ptr, entity->extra.len, NULL, NULL);
    if (rc < 0)
        return rc;
    if (weft_json_get(extra, "hierarchy") == NULL)
        rc = take_path(it, entity, weft_json_string(weft_json_get_str(extra, field)), separator,
                       out_above);
    weft_json_free(extra);
    return rc;
}

/* An entity whose id is a path stands there. */
static void place_by_id(struct paths *it, const weft_m_entity *entity)
{
    uint32_t found = it->slot_count != 0 ? it->slots[find_slot(it, entity->id)] : 0;
    if (found != 0 && it->places[found - 1].entity == NULL)
        it->places[found - 1].entity = entity;
}

/* ---- what comes of it ---- */

static void put_id(wf_json *json, const struct paths_place *place)
{
    if (place->entity != NULL && place->entity->id_is_integer)
        wf_json_raw(json, place->entity->id);
    else
        wf_json_str(json, place->entity != NULL ? place->entity->id : place->path);
}

/* {"hierarchy":{"parents":[id]}} and what stands in `extra`. */
static int put_above(struct paths *it, uint32_t above, weft_str extra, weft_str *out)
{
    wf_buf text = {0};
    wf_json json = {.out = &text};
    *out = extra;
    if (above == PATHS_NONE)
        return 0;
    wf_json_object(&json);
    wf_json_key(&json, "hierarchy");
    wf_json_object(&json);
    wf_json_key(&json, "parents");
    wf_json_array(&json);
    put_id(&json, &it->places[above]);
    wf_json_array_end(&json);
    wf_json_object_end(&json);
    wf_json_object_end(&json);
    if (extra.len > 2) { /* of both objects one is made */
        wf_buf_drop(&text, 1);
        wf_buf_putc(&text, ',');
        wf_buf_append(&text, extra.ptr + 1, extra.len - 1);
    }
    bool is_copied =
        text.rc == 0 &&
        wf_arena_copy(&it->arena, (weft_str){wf_buf_ptr(&text), wf_buf_bytes(&text)}, out);
    wf_buf_fini(&text);
    return is_copied ? 0 : -ENOMEM;
}

static int make_entities(struct paths *it, const weft_m_entity *entities, size_t count)
{
    int rc = 0;
    it->entities = wf_array(count + it->count, sizeof(*it->entities));
    if (it->entities == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++) {
        weft_m_entity *out = &it->entities[it->entity_count++];
        *out = entities[i];
        rc = put_above(it, it->above[i], entities[i].extra, &out->extra);
    }
    for (size_t i = 0; i < it->count && rc == 0; i++) {
        const struct paths_place *place = &it->places[i];
        if (place->entity != NULL)
            continue;
        weft_m_entity *out = &it->entities[it->entity_count++];
        *out = (weft_m_entity){.id = place->path, .name = place->name};
        rc = put_above(it, place->above, out->extra, &out->extra);
    }
    return rc;
}

int paths_make(struct paths *it, const weft_m_entity *entities, size_t count, weft_str field,
               weft_str separator, size_t *out_bad)
{
    *it = (struct paths){.above = wf_array(count, sizeof(*it->above))};
    int rc = it->above != NULL ? wf_sys_random(&it->key, sizeof(it->key)) : -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++) {
        *out_bad = i;
        rc = read_entity(it, &entities[i], field, separator, &it->above[i]);
    }
    for (size_t i = 0; i < count && rc == 0; i++)
        place_by_id(it, &entities[i]);
    return rc < 0 ? rc : make_entities(it, entities, count);
}
