/* SPDX-License-Identifier: MIT */

#include "dev_set.h"

#include <stdlib.h>
#include <string.h>

#define LINE_BYTES 16384

void dev_check(int rc, const char *what)
{
    if (rc >= 0)
        return;
    fprintf(stderr, "%s: %s\n", what, weft_strerror(rc));
    exit(1);
}

void dev_set_read(dev_set *set, const char *folder)
{
    char path[1024], line[LINE_BYTES];
    snprintf(path, sizeof(path), "%s/entities.jsonl", folder);
    dev_check(weft_catalog_new(&set->catalog), "catalogue");
    dev_check(weft_catalog_read_file(set->catalog, path, NULL, NULL), path);
    snprintf(path, sizeof(path), "%s/queries.tsv", folder);
    FILE *file = fopen(path, "r");
    dev_check(file != NULL ? 0 : -ENOENT, path);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *ids = strchr(line, '\t'), *kind = ids != NULL ? strchr(ids + 1, '\t') : NULL;
        if (kind == NULL)
            continue;
        *ids++ = *kind = '\0';
        set->questions = realloc(set->questions, (set->count + 1) * sizeof(*set->questions));
        set->questions[set->count++] = (dev_question){strdup(line), strdup(ids)};
    }
    fclose(file);
}

wf_scorer *dev_scorer(const weft_m_entity *entities, size_t count)
{
    wf_catalogue *catalogue;
    wf_scorer *scorer;
    weft_m_options options;
    const wf_limits limits = {.entity_count_max = SIZE_MAX, .text_bytes_max = SIZE_MAX};
    weft_m_options_init(&options);
    dev_check(wf_catalogue_new(&catalogue, entities, count, &limits, NULL), "entities");
    dev_check(wf_scorer_probability.create(&scorer, catalogue, &options), "scorer");
    wf_catalogue_unref(catalogue);
    return scorer;
}

void dev_build(wf_scorer *scorer, wf_seeker *seeker)
{
    const wf_job job = {0};
    int rc = 1;
    while (rc > 0)
        rc = scorer->cls->build(scorer, seeker, &job);
    dev_check(rc, "build");
}

/* `ids` may be "a|b": either is right. */
bool dev_is_right(weft_str id, const char *ids)
{
    while (*ids != '\0') {
        size_t len = strcspn(ids, "|");
        if (len == id.len && memcmp(ids, id.ptr, len) == 0)
            return true;
        ids += len + (ids[len] == '|');
    }
    return false;
}
