/* SPDX-License-Identifier: MIT */

/*
 * Writes what tools/fit-novelty looks at: for each text that a detector's samples are made of and
 * for each query of a development set, one record of 32-bit floats to standard output.
 *
 *     novelty_signs FOLDER [CHARACTERS A SLIP] > signs
 *
 * A record: what it is (0 known query, 1 novel query, 2 known sample: a row seen as absent, 3 known
 * sample: perturbed, 4 novel sample); is it equal to a row; letters; words; the probability, lead
 * and fifth score that wf_model_doubt is made of; the doubt.
 */
#include "dev_set.h"

#include "match/novelty/detector.h"
#include "match/novelty/work.h"
#include "match/score/probability.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* As in a record. */
enum what { KNOWN_QUERY, NOVEL_QUERY, KNOWN_ROW, KNOWN_SLIP, NOVEL_ROW };

static void put(const wf_seeker *seeker, enum what what, weft_str text, double doubt)
{
    const wf_judge *judge = &seeker->judge;
    const wf_extent extent = wf_extent_of(text);
    double five[5] = {-5, -5, -5, -5, -5}, p = 0;
    for (size_t i = 0; i < judge->entrant_count; i++) {
        const wf_entrant *it = &judge->entrants[i];
        if (it->is_tail)
            continue;
        p = fmax(p, it->probability);
        for (size_t k = 0; k < 5; k++) {
            if (it->score > five[k]) {
                memmove(five + k + 1, five + k, (4 - k) * sizeof(*five));
                five[k] = it->score;
                break;
            }
        }
    }
    bool is_exact = seeker->rank.count != 0 && seeker->rank.found[0].score >= 1 - 1e-6F;
    float record[] = {
        (float)what,    is_exact,     extent.letters,
        extent.words,   (float)p,     (float)(five[0] - judge->none),
        (float)five[4], (float)doubt,
    };
    fwrite(record, sizeof(record), 1, stdout);
}

static void put_samples(wf_scorer *scorer, wf_seeker *seeker, double points_a_slip)
{
    const wf_job job = {0};
    const wf_detector_plan plan = {
        .classes = {&wf_novel_calibrated}, .count = 1, .params.neighbours = 1};
    wf_detector *detector;
    weft_m_options options;
    weft_m_options_init(&options);
    dev_check(wf_detector_new(&detector, scorer, &plan, &options), "detector");
    detector->points_a_slip = points_a_slip;
    dev_check(wf_detector_begin_samples(detector, NULL), "samples");
    size_t known = detector->samples.known_count;
    for (size_t i = 0; i < wf_detector_sample_count(detector); i++) {
        dev_check(wf_detector_take_sample(detector, i, NULL, seeker, &job), "sample");
        double doubt = i < known ? detector->samples.known[i] : detector->samples.novel[i - known];
        const wf_novel_query *query = &seeker->novel->query;
        enum what what = query->is_row ? KNOWN_ROW : KNOWN_SLIP;
        if (!isnan(doubt))
            put(seeker, i < known ? what : NOVEL_ROW, query->raw, doubt);
    }
    wf_detector_unref(detector);
}

static void put_query(wf_scorer *scorer, wf_seeker *seeker, const dev_question *question)
{
    const wf_job job = {0};
    const wf_ask ask = {.raw = weft_str_of(question->text), .top_k = 5, .job = &job};
    weft_m_options options;
    weft_m_options_init(&options);
    dev_check(wf_seeker_read(seeker, &options, ask.raw), "query");
    dev_check(scorer->cls->find(scorer, seeker, &ask), "query");
    enum what what = question->ids[0] != '\0' ? KNOWN_QUERY : NOVEL_QUERY;
    put(seeker, what, ask.raw, scorer->cls->doubt(seeker));
}

int main(int argc, char **argv)
{
    if (argc != 2 && argc != 3)
        return 2;
    size_t count;
    dev_set set = {0};
    wf_seeker *seeker = calloc(1, sizeof(*seeker));
    dev_set_read(&set, argv[1]);
    const weft_m_entity *entities = weft_catalog_entities(set.catalog, &count);
    wf_scorer *scorer = dev_scorer(entities, count);
    dev_build(scorer, seeker);
    put_samples(scorer, seeker, argc == 3 ? atof(argv[2]) : WF_POINTS_A_SLIP);
    for (size_t i = 0; i < set.count; i++)
        put_query(scorer, seeker, &set.questions[i]);
    wf_scorer_unref(scorer);
    return 0;
}
