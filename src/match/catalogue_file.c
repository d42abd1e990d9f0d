/* SPDX-License-Identifier: MIT */

/* The entities in a file: lengths, and all texts one after the other as the catalogue holds them.
 * They are checked and copied when loaded, as if a caller had given them. */
#include "match/catalogue.h"

#include "base/alloc.h"

#include <assert.h>

#define TAG_ENTITIES WF_TAG('E', 'N', 'T', 'I')
#define TAG_ALIASES WF_TAG('E', 'N', 'A', 'L')
#define TAG_BYTES WF_TAG('E', 'N', 'B', 'Y')

/* Entities gone through between two looks at whether to go on. */
#define ENTITIES_A_PART 65536u

#define ABSENT UINT32_MAX /* text and extra: ptr NULL */

struct record {
    uint32_t id, name, text, extra; /* bytes */
    uint32_t alias_count, is_integer;
};

static uint32_t bytes_of(weft_str text)
{
    return text.ptr != NULL ? (uint32_t)text.len : ABSENT;
}

static bool is_long(weft_str text)
{
    return text.ptr != NULL && text.len >= ABSENT;
}

static bool goes_on(wf_pack *pack, size_t entity)
{
    return entity % ENTITIES_A_PART == 0 ? wf_pack_goes_on(pack) : pack->rc == 0;
}

int wf_catalogue_save(const wf_catalogue *catalogue, wf_pack *pack)
{
    struct record *record =
        wf_pack_new(pack, TAG_ENTITIES, catalogue->entity_count, sizeof(*record));
    uint32_t *alias = wf_pack_new(pack, TAG_ALIASES, catalogue->alias_count, sizeof(*alias));
    for (size_t i = 0; i < catalogue->entity_count && goes_on(pack, i); i++) {
        const weft_m_entity *entity = &catalogue->entities[i];
        if (is_long(entity->id) || is_long(entity->name) || is_long(entity->text) ||
            is_long(entity->extra))
            return -WEFT_ELIMIT;
        *record++ = (struct record){.id = bytes_of(entity->id),
                                    .name = bytes_of(entity->name),
                                    .text = bytes_of(entity->text),
                                    .extra = bytes_of(entity->extra),
                                    .alias_count = (uint32_t)entity->alias_count,
                                    .is_integer = entity->id_is_integer};
        for (size_t k = 0; k < entity->alias_count; k++) {
            if (is_long(entity->aliases[k]))
                return -WEFT_ELIMIT;
            *alias++ = bytes_of(entity->aliases[k]);
        }
    }
    wf_pack_add(pack, TAG_BYTES, catalogue->bytes, catalogue->byte_count, 1);
    return 0;
}

/* ---- loading ---- */

/* What is left of the texts; false once a length was wrong. */
struct texts {
    const char *at;
    size_t left;
    bool is_sound;
};

static weft_str take(struct texts *texts, uint32_t bytes)
{
    if (bytes == ABSENT)
        return (weft_str){0};
    if (bytes > texts->left) {
        texts->is_sound = false;
        return (weft_str){0};
    }
    weft_str text = {texts->at, bytes};
    texts->at += bytes;
    texts->left -= bytes;
    return text;
}

struct lists {
    const struct record *records;
    const uint32_t *alias_bytes;
    weft_m_entity *entities;
    weft_str *aliases;
    size_t count, alias_count;
};

static int get_lists(const wf_image *image, struct lists *lists, struct texts *texts)
{
    const void *records = NULL, *alias_bytes = NULL, *bytes = NULL;
    int rc = wf_image_get(image, TAG_ENTITIES, sizeof(struct record), &records, &lists->count);
    if (rc == 0)
        rc = wf_image_get(image, TAG_ALIASES, sizeof(uint32_t), &alias_bytes, &lists->alias_count);
    if (rc == 0)
        rc = wf_image_get(image, TAG_BYTES, 1, &bytes, &texts->left);
    lists->records = records;
    lists->alias_bytes = alias_bytes;
    texts->at = bytes;
    texts->is_sound = true;
    return rc;
}

static bool fill(const struct lists *lists, struct texts *texts)
{
    size_t alias = 0;
    assert(lists->alias_bytes != NULL || lists->alias_count == 0);
    for (size_t i = 0; i < lists->count && texts->is_sound; i++) {
        struct record record = lists->records[i];
        weft_m_entity *entity = &lists->entities[i];
        if (record.is_integer > 1 || record.alias_count > lists->alias_count - alias)
            return false;
        entity->id = take(texts, record.id);
        entity->name = take(texts, record.name);
        entity->text = take(texts, record.text);
        entity->extra = take(texts, record.extra);
        entity->id_is_integer = record.is_integer != 0;
        entity->aliases = lists->aliases + alias;
        entity->alias_count = record.alias_count;
        for (size_t k = 0; k < record.alias_count; k++, alias++)
            lists->aliases[alias] = take(texts, lists->alias_bytes[alias]);
    }
    return texts->is_sound && texts->left == 0 && alias == lists->alias_count;
}

int wf_catalogue_load(wf_catalogue **out, const wf_image *image, const wf_limits *limits,
                      weft_m_error *error)
{
    struct lists lists = {0};
    struct texts texts = {0};
    int rc = get_lists(image, &lists, &texts);
    if (rc < 0)
        return rc;
    lists.entities = wf_array(lists.count, sizeof(*lists.entities));
    lists.aliases = wf_array(lists.alias_count, sizeof(*lists.aliases));
    if (lists.entities == NULL || lists.aliases == NULL)
        rc = -ENOMEM;
    else if (!fill(&lists, &texts))
        rc = -WEFT_M_EPERSIST;
    else
        rc = wf_catalogue_new(out, lists.entities, lists.count, limits, error);
    wf_free(lists.entities);
    wf_free(lists.aliases);
    return rc;
}
