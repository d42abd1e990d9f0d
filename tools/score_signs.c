/* SPDX-License-Identifier: MIT */

/*
 * Writes what tools/fit-score fits: for each query of a development set and each row that is a
 * candidate for it, one record of 32-bit floats to standard output.
 *
 *     score_signs FOLDER > signs
 *     score_signs FOLDER COUNT ROUNDS > signs
 *
 * The second form shows what small catalogues are like: in each round COUNT entities, drawn at
 * random, are the catalogue, and queries for others are novel, one to three known ones.
 *
 * A record: number of the query; is it known; its letters; its words; entities of the catalogue;
 * number of the entity; is it right; is the row equal to the query; then the signs.
 */
#include "dev_set.h"

#include "match/score/probability.h"

#include <stdlib.h>
#include <string.h>

#define HEAD_COUNT 8

static void put_row(const wf_probability *it, const wf_judge *judge, const char *ids, size_t number,
                    const wf_entrant *entrant, const wf_candidate *candidate)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    float record[HEAD_COUNT + WF_SIGN_COUNT] = {
        (float)number,
        ids[0] != '\0',
        (float)judge->query.solid_count,
        (float)judge->query.word_count,
        (float)catalogue->entity_count,
        (float)entrant->entity,
        dev_is_right(catalogue->entities[entrant->entity].id, ids),
        candidate->is_exact,
    };
    for (unsigned i = 0; i < WF_SIGN_COUNT; i++)
        record[HEAD_COUNT + i] =
            (float)(i == WF_SIGN_ENTITY ? entrant->entity_cosine : candidate->signs[i]);
    fwrite(record, sizeof(record), 1, stdout);
}

static const wf_entrant *entrant_of(const wf_judge *judge, uint32_t entity)
{
    for (size_t i = 0; i < judge->entrant_count; i++) {
        if (judge->entrants[i].entity == entity)
            return &judge->entrants[i];
    }
    abort();
}

static void put_query(wf_scorer *scorer, wf_seeker *seeker, const char *text, const char *ids,
                      size_t number)
{
    const wf_probability *it = wf_probability_of(scorer);
    const wf_job job = {0};
    const wf_ask ask = {.raw = {text, strlen(text)}, .top_k = 1, .job = &job};
    dev_check(wf_probability_judge(wf_probability_of(scorer), seeker, &ask), "judge");
    for (size_t i = 0; i < seeker->judge.candidate_count; i++) {
        const wf_candidate *candidate = &seeker->judge.candidates[i];
        uint32_t row = it->texts.first_row[candidate->text];
        for (; row != WF_NO_ROW; row = it->texts.next_row[row])
            put_row(it, &seeker->judge, ids, number,
                    entrant_of(&seeker->judge, scorer->catalogue->row_entity[row]), candidate);
    }
    if (seeker->judge.candidate_count == 0) {
        float record[HEAD_COUNT + WF_SIGN_COUNT] = {
            (float)number,
            ids[0] != '\0',
            (float)seeker->judge.query.solid_count,
            (float)seeker->judge.query.word_count,
            (float)scorer->catalogue->entity_count,
            -1,
        };
        fwrite(record, sizeof(record), 1, stdout);
    }
}

/* ---- runs ---- */

static uint64_t roll(void)
{
    static uint64_t state = 1;
    state ^= state << 13;
    state ^= state >> 7;
    state ^= state << 17;
    return state >> 11;
}

static void run_whole(const dev_set *set, wf_seeker *seeker)
{
    size_t count;
    const weft_m_entity *entities = weft_catalog_entities(set->catalog, &count);
    wf_scorer *scorer = dev_scorer(entities, count);
    dev_build(scorer, seeker);
    for (size_t i = 0; i < set->count; i++)
        put_query(scorer, seeker, set->questions[i].text, set->questions[i].ids, i);
    wf_scorer_unref(scorer);
}

static bool any_is_right(const weft_m_entity *entities, size_t count, const char *ids)
{
    for (size_t i = 0; i < count; i++) {
        if (dev_is_right(entities[i].id, ids))
            return true;
    }
    return false;
}

static size_t run_part(const dev_set *set, wf_seeker *seeker, size_t part, size_t number)
{
    size_t count;
    const weft_m_entity *entities = weft_catalog_entities(set->catalog, &count);
    weft_m_entity *drawn = malloc(count * sizeof(*drawn));
    memcpy(drawn, entities, count * sizeof(*drawn));
    for (size_t i = 0; i < part; i++) {
        size_t other = i + roll() % (count - i);
        weft_m_entity swap = drawn[i];
        drawn[i] = drawn[other];
        drawn[other] = swap;
    }
    wf_scorer *scorer = dev_scorer(drawn, part);
    dev_build(scorer, seeker);
    size_t known = 0;
    for (size_t i = 0; i < set->count; i++) {
        if (!any_is_right(drawn, part, set->questions[i].ids))
            continue;
        put_query(scorer, seeker, set->questions[i].text, set->questions[i].ids, number++);
        known++;
    }
    for (size_t left = known / 3; left > 0;) {
        const dev_question *question = &set->questions[roll() % set->count];
        if (any_is_right(drawn, part, question->ids))
            continue;
        put_query(scorer, seeker, question->text, "", number++);
        left--;
    }
    wf_scorer_unref(scorer);
    free(drawn);
    return number;
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 4)
        return 2;
    dev_set set = {0};
    wf_seeker *seeker = calloc(1, sizeof(*seeker));
    dev_set_read(&set, argv[1]);
    if (argc == 2)
        run_whole(&set, seeker);
    size_t number = 0;
    for (int round = 0; argc == 4 && round < atoi(argv[3]); round++)
        number = run_part(&set, seeker, (size_t)atoi(argv[2]), number);
    return 0;
}
