/* SPDX-License-Identifier: MIT */

#include "match/novelty/detector.h"

#include "base/alloc.h"
#include "match/novelty/work.h"
#include "match/score/probability.h"

#include <math.h>
#include <string.h>

/* A score from here on is that of an equal text: a cosine is rounded. */
#define EXACT_MIN (1 - 1e-6f)

/* Of the known sample: the least, and of a row. */
#define KNOWN_MIN ((size_t)200)
#define KNOWN_EACH 10u

/* Slips tried until one shows. */
#define ATTEMPTS 4u

#define ROWS_A_POLL 256u

/* From a row to the one that lends it a word, times the seed. */
#define OTHER_STEP 7919u

/* ---- life ---- */

bool wf_detector_plan_equals(const wf_detector_plan *a, const wf_detector_plan *b)
{
    return a->count == b->count && a->combining == b->combining &&
           a->params.neighbours == b->params.neighbours &&
           memcmp(a->classes, b->classes, a->count * sizeof(*a->classes)) == 0;
}

void wf_samples_fini(wf_samples *samples)
{
    wf_free(samples->known);
    wf_free(samples->novel);
    wf_free(samples->kin);
    *samples = (wf_samples){0};
}

int wf_detector_new(wf_detector **out, wf_scorer *scorer, const wf_detector_plan *plan,
                    const weft_m_options *options)
{
    wf_detector *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->refs = 1;
    it->scorer = wf_scorer_ref(scorer);
    it->plan = *plan;
    it->options = *options;
    it->points_a_slip = WF_POINTS_A_SLIP;
    it->ground.catalogue = scorer->catalogue;
    it->combiner = (wf_combiner){.way = plan->combining, .count = plan->count};
    for (size_t i = 0; i < plan->count; i++) {
        it->combiner.weights[i] = plan->classes[i]->weight;
        it->needs_text |= plan->classes[i]->needs_text;
        it->needs_space |= plan->classes[i]->needs_space;
        it->needs_near |= plan->classes[i]->needs_near;
    }
    *out = it;
    return 0;
}

wf_detector *wf_detector_ref(wf_detector *it)
{
    __atomic_add_fetch(&it->refs, 1, __ATOMIC_RELAXED);
    return it;
}

void wf_detector_unref(wf_detector *it)
{
    if (it == NULL || __atomic_sub_fetch(&it->refs, 1, __ATOMIC_ACQ_REL) != 0)
        return;
    for (size_t i = 0; i < it->plan.count; i++) {
        if (it->plan.classes[i]->destroy != NULL)
            it->plan.classes[i]->destroy(it->states[i]);
        wf_calibration_fini(&it->calibrations[i]);
    }
    wf_calibration_fini(&it->combined);
    wf_samples_fini(&it->samples);
    wf_ground_fini(&it->ground);
    wf_texts_fini(&it->texts);
    wf_scorer_unref(it->scorer);
    wf_free(it);
}

/* ---- states ---- */

static weft_str folded_text(const wf_seeker *seeker)
{
    return (weft_str){wf_buf_ptr(&seeker->judge.text), wf_buf_bytes(&seeker->judge.text)};
}

static int list_texts(wf_detector *it, wf_seeker *seeker, const wf_job *job)
{
    const wf_catalogue *catalogue = it->scorer->catalogue;
    if (it->scorer->cls->folds)
        return 0;
    int rc = wf_texts_init(&it->texts, catalogue->row_count);
    for (uint32_t row = 0; row < catalogue->row_count && rc == 0; row++) {
        rc = row % ROWS_A_POLL == 0 ? wf_job_poll(job) : 0;
        if (rc == 0)
            rc = wf_probability_fold(seeker, wf_catalogue_row(catalogue, row));
        if (rc == 0)
            rc = wf_texts_add(&it->texts, folded_text(seeker));
    }
    return rc;
}

int wf_detector_make(wf_detector *it, const wf_examples *examples, wf_seeker *seeker,
                     const wf_job *job)
{
    int rc = list_texts(it, seeker, job);
    if (rc == 0 && it->needs_space)
        rc = wf_ground_make(&it->ground, it->scorer->catalogue, examples, seeker, job);
    for (size_t i = 0; i < it->plan.count && rc == 0; i++) {
        const wf_novel_class *cls = it->plan.classes[i];
        if (cls->make != NULL)
            rc = cls->make(&it->states[i], &it->ground, seeker, job);
    }
    return rc;
}

/* ---- a text ---- */

static int read_query(const wf_detector *it, wf_seeker *seeker, wf_novel_query *query)
{
    int rc = 0;
    if (it->needs_space) {
        rc = wf_space_place(&it->ground.space, seeker, query->raw, query->vector);
        wf_spot_of(query->vector, &query->spot);
    }
    if (rc == 0 && it->needs_text) {
        rc = wf_probability_fold(seeker, query->raw);
        query->folded = (wf_points){seeker->judge.folded.points, seeker->judge.folded.count};
    }
    if (rc == 0 && it->needs_near) {
        rc = wf_ground_near(&it->ground, &query->spot, query->absent, query->near,
                            it->plan.params.neighbours, query->job);
        query->near_count = rc > 0 ? (size_t)rc : 0;
    }
    return rc < 0 ? rc : 0;
}

/* The doubt of a scorer that has none of its own: how far the score is from 1. */
static double plain_doubt(const wf_seeker *seeker)
{
    double best = seeker->rank.count != 0 ? (double)seeker->rank.found[0].score : 0;
    best = fmin(fmax(best, 1e-6), 1 - 1e-6);
    return -log(best / (1 - best));
}

static int score_text(const wf_detector *it, const wf_scorer *scorer, wf_seeker *seeker,
                      wf_novel_query *query, double *scores)
{
    const wf_scorer_class *cls = scorer->cls;
    size_t found = seeker->rank.count;
    query->ground = &it->ground;
    query->params = &it->plan.params;
    query->found = seeker->rank.found;
    query->found_count = found < WF_NOVEL_FOUND ? found : WF_NOVEL_FOUND;
    query->doubt = cls->doubt != NULL ? cls->doubt(seeker) : plain_doubt(seeker);
    int rc = read_query(it, seeker, query);
    for (size_t i = 0; i < it->plan.count && rc == 0; i++)
        rc = it->plan.classes[i]->score(it->states[i], query, &scores[i]);
    return rc;
}

static bool is_exact(const wf_seeker *seeker)
{
    return seeker->rank.count != 0 && seeker->rank.found[0].score >= EXACT_MIN;
}

/* ---- samples ---- */

/* Few rows are perturbed in several ways each. */
static size_t known_wanted(uint32_t rows)
{
    size_t many = (size_t)rows * KNOWN_EACH;
    many = many > KNOWN_MIN ? many : KNOWN_MIN;
    return many < WF_SAMPLE_MAX ? many : WF_SAMPLE_MAX;
}

size_t wf_detector_sample_count(const wf_detector *it)
{
    return it->samples.known_count + it->samples.novel_count;
}

int wf_detector_begin_samples(wf_detector *it, const wf_rehearsal *rehearsal)
{
    uint32_t rows = it->scorer->catalogue->row_count;
    size_t each = it->plan.count * sizeof(double), known = known_wanted(rows);
    size_t novel = rows < WF_SAMPLE_MAX ? rows : WF_SAMPLE_MAX;
    if (rehearsal != NULL) {
        known = rehearsal->known_count;
        novel = rehearsal->novel_count;
    }
    it->samples = (wf_samples){.known = wf_array(known, each),
                               .novel = wf_array(novel, each),
                               .kin = wf_array(known, sizeof(wf_kin)),
                               .known_count = known,
                               .novel_count = novel};
    bool has_all =
        it->samples.known != NULL && it->samples.novel != NULL && it->samples.kin != NULL;
    return has_all ? 0 : -ENOMEM;
}

/* A text of a sample on its way. */
struct taking {
    wf_detector *detector;
    wf_scorer *scorer;
    wf_seeker *seeker;
    wf_ask ask;
    wf_absent absent;
    bool is_slip;
};

static double *known_at(struct taking *it, size_t index)
{
    it->detector->samples.kin[index] = (wf_kin){wf_extent_of(it->ask.raw), it->is_slip};
    return it->detector->samples.known + index * it->detector->plan.count;
}

static double *novel_at(struct taking *it, size_t index)
{
    return it->detector->samples.novel + index * it->detector->plan.count;
}

/* Asks the scorer. */
static int ask_sample(struct taking *it, double *scores)
{
    wf_novel_query *query = &it->seeker->novel->query;
    int rc = wf_seeker_read(it->seeker, &it->detector->options, it->ask.raw);
    if (rc == 0)
        rc = it->scorer->cls->find(it->scorer, it->seeker, &it->ask);
    if (rc == 0 && it->absent.entity != WF_NO_ENTITY && is_exact(it->seeker)) {
        scores[0] = NAN; /* somebody else has this name: it is not novel */
        return 0;
    }
    *query = (wf_novel_query){.raw = it->ask.raw,
                              .job = it->ask.job,
                              .absent = it->absent,
                              .is_row = it->ask.without != NULL};
    return rc < 0 ? rc : score_text(it->detector, it->scorer, it->seeker, query, scores);
}

/* Is there another row of its entity that it could be known by? */
static bool has_other_rows(const wf_scorer *scorer, uint32_t row)
{
    const uint32_t *row_start = scorer->catalogue->row_start;
    uint32_t entity = scorer->catalogue->row_entity[row];
    return scorer->cls->leaves_out_rows && row_start[entity + 1] - row_start[entity] > 1;
}

/* 1: the row is asked as if the catalogue did not know it; 0: it does all the same; or negative. */
static int take_alias(struct taking *it, size_t index, uint32_t row)
{
    it->ask.raw = wf_catalogue_row(it->scorer->catalogue, row);
    it->ask.without = &row;
    it->absent.reference = row;
    int rc = ask_sample(it, known_at(it, index));
    it->ask.without = NULL;
    it->absent.reference = WF_NO_REFERENCE;
    return rc < 0 ? rc : !is_exact(it->seeker);
}

/* Slips that do not show say nothing of those that do. */
static int take_perturbed(struct taking *it, size_t index, uint32_t row)
{
    const wf_catalogue *catalogue = it->scorer->catalogue;
    wf_buf *text = &it->seeker->novel->text;
    it->is_slip = true;
    for (unsigned attempt = 0; attempt < ATTEMPTS; attempt++) {
        uint64_t seed = (uint64_t)attempt << 32 | index;
        uint32_t other = (uint32_t)((row + seed * OTHER_STEP) % catalogue->row_count);
        int rc = wf_perturb(wf_catalogue_row(catalogue, row), wf_catalogue_row(catalogue, other),
                            it->detector->points_a_slip, seed, text);
        it->ask.raw = (weft_str){wf_buf_ptr(text), wf_buf_bytes(text)};
        if (rc == 0)
            rc = ask_sample(it, known_at(it, index));
        if (rc < 0 || !is_exact(it->seeker))
            return rc;
    }
    return 0;
}

static uint32_t row_of(const struct taking *it, size_t index, size_t count)
{
    return (uint32_t)((uint64_t)index * it->scorer->catalogue->row_count / count);
}

static int take_known(struct taking *it, size_t index)
{
    uint32_t row = row_of(it, index, it->detector->samples.known_count);
    int rc = 0;
    if (index % 2 == 0 && has_other_rows(it->scorer, row))
        rc = take_alias(it, index, row);
    if (rc == 0)
        rc = take_perturbed(it, index, row);
    return rc < 0 ? rc : 0;
}

static int take_novel(struct taking *it, size_t index, weft_str text, uint32_t entity)
{
    struct wf_novel_work *work = it->seeker->novel;
    int rc = wf_novel_work_allow(work, it->scorer->catalogue->entity_count, entity);
    it->ask.raw = text;
    it->ask.allowed = work->allowed;
    it->absent.entity = entity;
    return rc < 0 ? rc : ask_sample(it, novel_at(it, index));
}

static int take_line(struct taking *it, size_t index, const wf_rehearsal *rehearsal)
{
    size_t known = rehearsal->known_count;
    bool is_known = index < known;
    const wf_line *line = is_known ? &rehearsal->known[index] : &rehearsal->novel[index - known];
    if (line->round != rehearsal->round)
        return 0;
    if (is_known && !line->is_example)
        return take_perturbed(it, index, line->place);
    it->absent = line->absent;
    it->ask.raw = wf_rehearsal_text(rehearsal, line);
    it->ask.allowed = rehearsal->present;
    if (is_known)
        return ask_sample(it, known_at(it, index));
    return line->round == WF_ROUND_WHOLE
               ? take_novel(it, index - known, it->ask.raw, line->absent.entity)
               : ask_sample(it, novel_at(it, index - known));
}

int wf_detector_take_sample(wf_detector *it, size_t index, const wf_rehearsal *rehearsal,
                            wf_seeker *seeker, const wf_job *job)
{
    struct taking taking = {.detector = it,
                            .scorer = rehearsal != NULL ? rehearsal->scorer : it->scorer,
                            .seeker = seeker,
                            .ask = {.top_k = WF_NOVEL_FOUND, .job = job},
                            .absent = {WF_NO_ENTITY, WF_NO_REFERENCE}};
    size_t known = it->samples.known_count;
    int rc = wf_novel_work_of(seeker) != NULL ? wf_job_poll(job) : -ENOMEM;
    if (rc < 0)
        return rc;
    if (rehearsal != NULL)
        return take_line(&taking, index, rehearsal);
    if (index < known)
        return take_known(&taking, index);
    const wf_catalogue *catalogue = it->scorer->catalogue;
    uint32_t row = row_of(&taking, index - known, it->samples.novel_count);
    return take_novel(&taking, index - known, wf_catalogue_row(catalogue, row),
                      catalogue->row_entity[row]);
}

/* Texts that are no part of the novel sample go. */
static void drop_empty(wf_detector *it)
{
    size_t each = it->plan.count, kept = 0;
    double *novel = it->samples.novel;
    for (size_t i = 0; i < it->samples.novel_count; i++) {
        if (isnan(novel[i * each]))
            continue;
        memmove(novel + kept++ * each, novel + i * each, each * sizeof(*novel));
    }
    it->samples.novel_count = kept;
}

/* ---- calibrations ---- */

/* One strategy's scores, or the combined ones, of both samples. */
struct columns {
    double *known, *novel;
};

static int calibrate_one(wf_detector *it, size_t strategy, struct columns *columns)
{
    const wf_samples *samples = &it->samples;
    size_t each = it->plan.count;
    for (size_t i = 0; i < samples->known_count; i++)
        columns->known[i] = samples->known[i * each + strategy];
    for (size_t i = 0; i < samples->novel_count; i++)
        columns->novel[i] = samples->novel[i * each + strategy];
    return wf_calibration_make(&it->calibrations[strategy], columns->known, samples->kin,
                               samples->known_count, columns->novel, samples->novel_count);
}

/* To be combined, p-values are among all: the combination has peers of its own. */
static void form_opinions(const wf_detector *it, const double *scores, bool is_known_sample,
                          wf_opinion *out)
{
    for (size_t i = 0; i < it->plan.count; i++) {
        const wf_calibration *calibration = &it->calibrations[i];
        out[i] =
            (wf_opinion){scores[i], wf_calibration_rank(calibration, scores[i], is_known_sample),
                         wf_calibration_value(calibration, scores[i])};
    }
}

/* The opinions on all texts of both samples. */
static wf_opinion *read_samples(const wf_detector *it)
{
    const wf_samples *samples = &it->samples;
    size_t each = it->plan.count;
    wf_opinion *all = wf_array(samples->known_count + samples->novel_count, each * sizeof(*all));
    for (size_t i = 0; all != NULL && i < samples->known_count; i++)
        form_opinions(it, samples->known + i * each, /* is_known_sample= */ true, all + i * each);
    for (size_t i = 0; all != NULL && i < samples->novel_count; i++)
        form_opinions(it, samples->novel + i * each, false,
                      all + (samples->known_count + i) * each);
    return all;
}

static int calibrate_combined(wf_detector *it, struct columns *columns)
{
    const wf_samples *samples = &it->samples;
    wf_opinion *all = read_samples(it);
    size_t each = it->plan.count;
    if (all == NULL)
        return -ENOMEM;
    if (it->combiner.way == WF_COMBINE_META && samples->novel_count != 0)
        wf_combiner_learn(&it->combiner, all, samples->known_count, samples->novel_count);
    for (size_t i = 0; i < samples->known_count; i++)
        columns->known[i] = wf_combine(&it->combiner, all + i * each);
    for (size_t i = 0; i < samples->novel_count; i++)
        columns->novel[i] = wf_combine(&it->combiner, all + (samples->known_count + i) * each);
    wf_free(all);
    return wf_calibration_make(&it->combined, columns->known, samples->kin, samples->known_count,
                               columns->novel, samples->novel_count);
}

int wf_detector_calibrate(wf_detector *it)
{
    drop_empty(it);
    struct columns columns = {wf_array(it->samples.known_count, sizeof(double)),
                              wf_array(it->samples.novel_count + 1, sizeof(double))};
    int rc = columns.known != NULL && columns.novel != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < it->plan.count && rc == 0; i++)
        rc = calibrate_one(it, i, &columns);
    if (rc == 0)
        rc = calibrate_combined(it, &columns);
    wf_free(columns.known);
    wf_free(columns.novel);
    return rc;
}

/* ---- verdicts ---- */

/* A scorer that minds accents or script finds another row best, or none, and a reranker puts one
 * first; so it is looked up. */
static int find_exact(const wf_detector *it, wf_seeker *seeker, weft_str raw, bool *out)
{
    *out = is_exact(seeker);
    if (*out || it->texts.count == 0)
        return 0;
    int rc = wf_probability_fold(seeker, raw);
    weft_str text = folded_text(seeker);
    *out = rc == 0 && text.len != 0 && wf_texts_find(&it->texts, text) != WF_NO_TEXT;
    return rc;
}

int wf_detector_judge(const wf_detector *it, wf_seeker *seeker, const wf_ask *ask,
                      enum wf_peers peers, wf_verdict *out)
{
    double scores[WF_STRATEGIES_MAX] = {0};
    const wf_extent extent = wf_extent_of(ask->raw);
    if (wf_novel_work_of(seeker) == NULL)
        return -ENOMEM;
    wf_novel_query *query = &seeker->novel->query;
    *query = (wf_novel_query){
        .raw = ask->raw, .job = ask->job, .absent = {WF_NO_ENTITY, WF_NO_REFERENCE}};
    *out = (wf_verdict){0};
    int rc = find_exact(it, seeker, ask->raw, &out->is_exact);
    if (rc == 0)
        rc = score_text(it, it->scorer, seeker, query, scores);
    if (rc < 0)
        return rc;
    form_opinions(it, scores, false, out->opinions);
    double combined = wf_combine(&it->combiner, out->opinions);
    for (size_t i = 0; i < it->plan.count; i++)
        out->opinions[i].p = wf_calibration_p(&it->calibrations[i], scores[i], peers, extent);
    out->p = out->is_exact ? 1 : wf_calibration_p(&it->combined, combined, peers, extent);
    out->value = out->is_exact ? 0 : wf_calibration_value(&it->combined, combined);
    return 0;
}
