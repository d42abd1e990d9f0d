/* SPDX-License-Identifier: MIT */

#include "match/novelty/rehearsal.h"

#include "base/alloc.h"

#include <string.h>

/* With fewer entities none is left out whole: what is left would be no choice. */
#define ENTITIES_MIN 3u

void wf_rehearsal_fini(wf_rehearsal *it)
{
    wf_scorer_unref(it->scorer);
    wf_free(it->round_of);
    wf_free(it->held_out);
    wf_free(it->known);
    wf_free(it->novel);
    wf_free(it->left_out);
    wf_free(it->present);
    *it = (wf_rehearsal){0};
}

/* ---- who is left out when ---- */

static uint32_t entity_of(const wf_rehearsal *it, size_t example)
{
    const weft_m_example *item = &it->examples->items[example];
    return item->is_none ? it->whole->catalogue->entity_count
                         : wf_catalogue_find(it->whole->catalogue, item->label);
}

/* Entities take turns, those with examples among themselves. */
static void place_entities(wf_rehearsal *it, const uint32_t *counts)
{
    uint32_t entities = it->whole->catalogue->entity_count, turns[2] = {0};
    for (uint32_t e = 0; e < entities; e++)
        it->round_of[e] = (uint8_t)(entities < ENTITIES_MIN ? WF_ROUND_WHOLE
                                                            : turns[counts[e] != 0]++ % WF_ROUNDS);
}

/* The examples of an entity take turns in the rounds that it is in. */
static void place_examples(wf_rehearsal *it, uint32_t *counts)
{
    uint32_t entities = it->whole->catalogue->entity_count;
    memset(counts, 0, ((size_t)entities + 1) * sizeof(*counts));
    for (size_t i = 0; i < it->examples->count; i++) {
        uint32_t entity = entity_of(it, i);
        if (entity == WF_NO_ENTITY)
            continue;
        uint32_t turn = counts[entity]++, own = it->round_of[entity];
        it->held_out[i] =
            (uint8_t)(own == WF_ROUND_WHOLE ? turn % WF_ROUNDS
                                            : (own + 1 + turn % (WF_ROUNDS - 1)) % WF_ROUNDS);
    }
}

/* ---- the lines ---- */

static void add_rows(wf_rehearsal *it, uint32_t entity)
{
    const wf_catalogue *catalogue = it->whole->catalogue;
    for (uint32_t row = catalogue->row_start[entity]; row < catalogue->row_start[entity + 1];
         row++) {
        wf_line line = {
            .round = WF_ROUND_WHOLE, .place = row, .absent = {WF_NO_ENTITY, WF_NO_REFERENCE}};
        it->known[it->known_count++] = line;
        line.round = it->round_of[entity];
        line.absent.entity = entity;
        it->novel[it->novel_count++] = line;
    }
}

/* `reference`: its number among those of a ground. */
static void add_example(wf_rehearsal *it, size_t example, uint32_t reference)
{
    bool is_none = it->examples->items[example].is_none;
    uint32_t entity = entity_of(it, example);
    wf_line line = {.round = it->held_out[example],
                    .place = (uint32_t)example,
                    .is_example = true,
                    .absent = {WF_NO_ENTITY, is_none ? WF_NO_REFERENCE : reference}};
    if (is_none) {
        it->novel[it->novel_count++] = line;
        return;
    }
    it->known[it->known_count++] = line;
    line.round = it->round_of[entity];
    line.absent = (wf_absent){entity, WF_NO_REFERENCE};
    it->novel[it->novel_count++] = line;
}

static void add_lines(wf_rehearsal *it, const uint32_t *counts)
{
    const wf_catalogue *catalogue = it->whole->catalogue;
    uint32_t reference = catalogue->row_count;
    for (uint32_t e = 0; e < catalogue->entity_count; e++) {
        if (counts[e] == 0)
            add_rows(it, e);
    }
    for (size_t i = 0; i < it->examples->count; i++) {
        if (entity_of(it, i) == WF_NO_ENTITY)
            continue;
        add_example(it, i, reference);
        reference += !it->examples->items[i].is_none;
    }
}

static size_t thin(wf_line *lines, size_t count, size_t most)
{
    size_t kept = count < most ? count : most;
    for (size_t i = 0; i < kept; i++)
        lines[i] = lines[(uint64_t)i * count / kept];
    return kept;
}

int wf_rehearsal_init(wf_rehearsal *it, wf_scorer *whole, size_t most)
{
    const wf_catalogue *catalogue = whole->catalogue;
    const wf_examples *examples = wf_head_of(whole)->examples;
    uint32_t entities = catalogue->entity_count;
    size_t lines = catalogue->row_count + examples->count;
    *it = (wf_rehearsal){.whole = whole,
                         .examples = examples,
                         .round_of = wf_array((size_t)entities + 1, sizeof(*it->round_of)),
                         .held_out = wf_array(examples->count, sizeof(*it->held_out)),
                         .known = wf_array(lines, sizeof(*it->known)),
                         .novel = wf_array(lines, sizeof(*it->novel)),
                         .left_out = wf_array(examples->count, sizeof(*it->left_out)),
                         .present = wf_array((size_t)entities / 64 + 1, sizeof(*it->present))};
    uint32_t *counts = wf_array((size_t)entities + 1, sizeof(*counts));
    bool has_all = it->round_of != NULL && it->held_out != NULL && it->known != NULL &&
                   it->novel != NULL && it->left_out != NULL && it->present != NULL;
    for (size_t i = 0; has_all && counts != NULL && i < examples->count; i++) {
        uint32_t entity = entity_of(it, i);
        if (entity != WF_NO_ENTITY)
            counts[entity]++;
    }
    if (has_all && counts != NULL) {
        it->round_of[entities] = WF_ROUND_WHOLE; /* "none" is in all */
        place_entities(it, counts);
        place_examples(it, counts);
        add_lines(it, counts);
        it->known_count = thin(it->known, it->known_count, most);
        it->novel_count = thin(it->novel, it->novel_count, most);
    }
    wf_free(counts);
    return has_all && counts != NULL ? 0 : -ENOMEM;
}

/* ---- a round ---- */

static bool has_lines(const wf_line *lines, size_t count, uint32_t round)
{
    for (size_t i = 0; i < count; i++) {
        if (lines[i].round == round)
            return true;
    }
    return false;
}

int wf_rehearsal_begin(wf_rehearsal *it, uint32_t round)
{
    uint32_t entities = it->whole->catalogue->entity_count;
    bool is_used = has_lines(it->known, it->known_count, round) ||
                   has_lines(it->novel, it->novel_count, round);
    wf_scorer_unref(it->scorer);
    it->scorer = NULL;
    it->round = round;
    memset(it->present, 0, ((size_t)entities / 64 + 1) * sizeof(*it->present));
    for (uint32_t e = 0; e < entities; e++) {
        bool is_present = round == WF_ROUND_WHOLE || it->round_of[e] != round;
        it->present[e / 64] |= (uint64_t)is_present << e % 64;
    }
    for (size_t i = 0; i < it->examples->count; i++)
        it->left_out[i] = it->held_out[i] == round;
    if (round == WF_ROUND_WHOLE || !is_used) {
        it->scorer = wf_scorer_ref(it->whole);
        return 0;
    }
    int rc = wf_head_create_without(&it->scorer, wf_head_of(it->whole), it->left_out, it->present);
    return rc < 0 ? rc : 1;
}

weft_str wf_rehearsal_text(const wf_rehearsal *it, const wf_line *line)
{
    return line->is_example ? it->examples->items[line->place].text
                            : wf_catalogue_row(it->whole->catalogue, line->place);
}
