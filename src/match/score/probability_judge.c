/* SPDX-License-Identifier: MIT */

/* The judgement: the candidates' signs, the entities that have them, their probabilities. */
#include "match/score/probability.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/embed/sort.h"
#include "match/score/ambiguity.h"
#include "match/score/compare.h"

#include <assert.h>
#include <math.h>
#include <string.h>

/* ---- signs ---- */

double wf_probability_rarity(wf_points word, void *arg)
{
    const wf_probability *it = arg;
    double idf = (double)wf_lexicon_idf(&it->lexicon, wf_hash_tagged(wf_hash_word(word), true));
    return idf > 0 ? idf : it->word_unseen;
}

/* The same of a row's words one after the other, from what was kept. */
static double next_rarity(wf_points word, void *arg)
{
    const float **next = arg;
    (void)word;
    return (double)*(*next)++;
}

static bool is_short(const wf_judge *judge)
{
    return judge->query.places.has_text;
}

static int reserve_padded(wf_judge *judge, size_t count)
{
    wf_folded *padded = &judge->padded;
    void *points = padded->points, *letters = judge->numbered;
    int rc = wf_judge_grow(&points, &padded->capacity, count, sizeof(*padded->points));
    if (rc == 0)
        rc = wf_judge_grow(&letters, &judge->numbered_capacity, count, sizeof(*judge->numbered));
    padded->points = points;
    judge->numbered = letters;
    return rc;
}

int wf_probability_pad(const wf_probability *it, wf_judge *judge, uint32_t number)
{
    weft_str text = wf_texts_get(&it->texts, number);
    wf_folded *padded = &judge->padded;
    int rc = reserve_padded(judge, text.len + 2);
    if (rc < 0)
        return rc;
    size_t count = 0;
    padded->points[count++] = ' ';
    for (size_t at = 0; at < text.len;)
        padded->points[count++] = wf_utf8_next(text.ptr, &at);
    padded->points[count++] = ' ';
    padded->count = count;
    for (size_t i = 0; i < count && is_short(judge); i++)
        judge->numbered[i] = wf_places_number(&judge->query.places, padded->points[i]);
    return 0;
}

/* The cosine of the query with the text that was padded. */
static double cosine_with(const wf_probability *it, wf_judge *judge, uint32_t text)
{
    wf_points points = {judge->padded.points, judge->padded.count};
    wf_numbered letters = {judge->numbered, points.count};
    double norm = (double)it->text_norms[text];
    return is_short(judge)
               ? wf_probe_cosine_short(&judge->probe, &judge->query.places, letters, norm)
               : wf_probe_cosine(&judge->probe, points, norm);
}

/* Reads a text of the catalogue into judge->row. */
static int read_row(const wf_probability *it, wf_judge *judge, uint32_t text)
{
    int rc = wf_probability_pad(it, judge, text);
    if (rc < 0)
        return rc;
    wf_points inner = {judge->padded.points + 1, judge->padded.count - 2};
    const float *rarities = it->word_rarities + it->word_start[text];
    wf_phrase_read(&judge->row, inner, next_rarity, &rarities);
    if (is_short(judge))
        wf_phrase_number(&judge->row, &judge->query.places);
    return 0;
}

static int compare_candidate(wf_probability *it, wf_judge *judge, wf_candidate *candidate)
{
    int rc = read_row(it, judge, candidate->text);
    if (rc < 0)
        return rc;
    wf_compare(&judge->query, &judge->row, cosine_with(it, judge, candidate->text), it->word_unseen,
               candidate->signs);
    candidate->score = wf_model_score(candidate->signs);
    return 0;
}

static int compare_all(wf_probability *it, wf_judge *judge, const wf_job *job)
{
    for (size_t i = 0; i < judge->candidate_count; i++) {
        int rc = wf_job_poll(job);
        if (rc == 0)
            rc = compare_candidate(it, judge, &judge->candidates[i]);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* ---- entities ---- */

static int reserve_keys(wf_judge *judge, size_t count)
{
    if (count <= judge->key_capacity)
        return 0;
    size_t capacity = judge->key_capacity;
    void *keys = judge->keys, *spare = judge->spare;
    int rc = wf_judge_grow(&keys, &capacity, count, sizeof(*judge->keys));
    if (rc == 0)
        rc = wf_judge_grow(&spare, &judge->key_capacity, count, sizeof(*judge->spare));
    judge->keys = keys;
    judge->spare = spare;
    return rc;
}

static bool is_without(const wf_ask *ask, uint32_t row)
{
    return ask->without != NULL && *ask->without == row;
}

/* Entity above, candidate below, each pair once for each row; sorted. */
static int list_pairs(wf_probability *it, wf_judge *judge, const wf_ask *ask)
{
    judge->key_count = 0;
    for (size_t i = 0; i < judge->candidate_count; i++) {
        uint32_t row = it->texts.first_row[judge->candidates[i].text];
        for (; row != WF_NO_ROW; row = it->texts.next_row[row]) {
            uint32_t entity = it->head.catalogue->row_entity[row];
            if (!wf_is_in(ask->allowed, entity) || is_without(ask, row))
                continue;
            int rc = reserve_keys(judge, judge->key_count + 1);
            if (rc < 0)
                return rc;
            judge->keys[judge->key_count++] = (uint64_t)entity << 32 | i;
        }
    }
    wf_sort_keys(judge->keys, judge->spare, judge->key_count, 0);
    return 0;
}

/* The cosine of the query with the sum of the entity's rows, which is `sum` / `norm`, if the query
 * is one of those rows and not to be among them. */
static double without_itself(double sum, double norm)
{
    double rest = norm * norm - 2 * sum + 1;
    return rest > 0 ? (sum - 1) / sqrt(rest) : 0;
}

/* The cosine with the sum of the entity's rows. */
static int entity_cosine(wf_probability *it, wf_judge *judge, wf_entrant *entrant,
                         const wf_ask *ask)
{
    const uint32_t *row_start = it->head.catalogue->row_start;
    uint32_t first = row_start[entrant->entity], end = row_start[entrant->entity + 1];
    entrant->entity_cosine = judge->candidates[entrant->candidate].signs[WF_SIGN_RUNS];
    if (end - first == 1)
        return 0;
    bool has_left = ask->without != NULL && *ask->without >= first && *ask->without < end;
    double sum = 0;
    for (uint32_t row = first; row < end; row++) {
        int rc = wf_job_poll(ask->job);
        if (rc == 0)
            rc = wf_probability_pad(it, judge, it->texts.row_text[row]);
        if (rc < 0)
            return rc;
        sum += cosine_with(it, judge, it->texts.row_text[row]);
    }
    double norm = (double)it->entity_norms[entrant->entity];
    if (has_left)
        entrant->entity_cosine = without_itself(sum, norm);
    else
        entrant->entity_cosine = norm > 0 ? sum / norm : 0;
    return 0;
}

/* ln(exp a + exp b). */
static double log_add(double a, double b)
{
    double high = a > b ? a : b, low = a > b ? b : a;
    return low == -INFINITY ? high : high + log1p(exp(low - high));
}

/* The first row of the entity with a text. */
static uint32_t row_with(const wf_probability *it, uint32_t entity, uint32_t text)
{
    uint32_t row = it->head.catalogue->row_start[entity];
    while (it->texts.row_text[row] != text)
        row++;
    return row;
}

/* One entity from its pairs keys[0, count).  Its candidates of the tail count only if it has no
 * other. */
static int judge_entity(wf_probability *it, wf_judge *judge, const uint64_t *keys, size_t count,
                        const wf_ask *ask, wf_entrant *out)
{
    double score = -INFINITY;
    *out = (wf_entrant){.entity = (uint32_t)(keys[0] >> 32), .is_tail = true};
    for (size_t i = 0; i < count; i++)
        out->is_tail &= judge->candidates[(uint32_t)keys[i]].is_tail;
    const wf_candidate *best = NULL;
    for (size_t i = 0; i < count; i++) {
        const wf_candidate *candidate = &judge->candidates[(uint32_t)keys[i]];
        if ((i > 0 && keys[i] == keys[i - 1]) || (candidate->is_tail && !out->is_tail))
            continue;
        out->is_exact |= candidate->is_exact;
        score = log_add(score, candidate->score);
        bool is_better = best == NULL || candidate->is_exact ||
                         (!best->is_exact && candidate->score > best->score);
        best = is_better ? candidate : best;
    }
    assert(best !=
           NULL); /* an entity has a candidate, and the last of its kind is not passed over */
    out->candidate = (uint32_t)(best - judge->candidates);
    out->row = row_with(it, out->entity, best->text);
    int rc = entity_cosine(it, judge, out, ask);
    out->score = score + wf_sign_weight(WF_SIGN_ENTITY) * out->entity_cosine;
    return rc;
}

static int judge_entities(wf_probability *it, wf_judge *judge, const wf_ask *ask)
{
    void *entrants = judge->entrants;
    int rc =
        wf_judge_grow(&entrants, &judge->entrant_capacity, judge->key_count, sizeof(wf_entrant));
    judge->entrants = entrants;
    judge->entrant_count = 0;
    for (size_t at = 0; at < judge->key_count && rc == 0;) {
        size_t end = at + 1;
        while (end < judge->key_count && judge->keys[end] >> 32 == judge->keys[at] >> 32)
            end++;
        rc = judge_entity(it, judge, judge->keys + at, end - at, ask,
                          &judge->entrants[judge->entrant_count++]);
        at = end;
    }
    return rc;
}

/* ---- probabilities ---- */

/* ln(1540 / 6): see below. */
#define EXACT_LEAD 5.5

/* A query that is equal to a row means an entity that has the row, for certain: of 1,546 such
 * queries in the development sets none was novel and 1,540 were right.  Several that have it are
 * equal; all others, whose initials it may be, are left what those six were. */
static void favour_exact(wf_judge *judge)
{
    double exact = -INFINITY, other = -INFINITY;
    for (size_t i = 0; i < judge->entrant_count; i++) {
        double *best = judge->entrants[i].is_exact ? &exact : &other;
        *best = fmax(*best, judge->entrants[i].score);
    }
    if (exact == -INFINITY)
        return;
    judge->none = -INFINITY;
    for (size_t i = 0; i < judge->entrant_count; i++) {
        if (judge->entrants[i].is_exact)
            judge->entrants[i].score = fmax(exact, other + EXACT_LEAD);
    }
}

/* A number as an integer of the same order. */
static uint64_t order_of(float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return bits >> 31 != 0 ? ~bits : bits | UINT32_C(0x80000000);
}

/* Entities with one score share one probability: that it is one of them. */
static int share_ties(wf_judge *judge)
{
    int rc = reserve_keys(judge, judge->entrant_count);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < judge->entrant_count; i++)
        judge->keys[i] = order_of((float)judge->entrants[i].score) << 32 | i;
    wf_sort_keys(judge->keys, judge->spare, judge->entrant_count, 0);
    for (size_t at = 0; at < judge->entrant_count;) {
        size_t end = at + 1;
        while (end < judge->entrant_count && (judge->keys[end] ^ judge->keys[at]) >> 32 == 0)
            end++;
        double sum = 0;
        for (size_t i = at; i < end; i++)
            sum += judge->entrants[(uint32_t)judge->keys[i]].probability;
        for (size_t i = at; i < end; i++)
            judge->entrants[(uint32_t)judge->keys[i]].probability = fmin(sum, 1);
        at = end;
    }
    return 0;
}

/* The best of those that share the probability; NULL: there is none. */
static const wf_entrant *best_entrant(const wf_judge *judge)
{
    const wf_entrant *best = NULL;
    for (size_t i = 0; i < judge->entrant_count; i++) {
        const wf_entrant *entrant = &judge->entrants[i];
        if (!entrant->is_tail && (best == NULL || entrant->score > best->score))
            best = entrant;
    }
    return best;
}

/* Is the query as well in the entity's row as in the best one's? */
static bool has_as_much(const wf_judge *judge, const wf_entrant *entrant, const wf_entrant *best)
{
    const double *signs = judge->candidates[entrant->candidate].signs;
    return signs[WF_SIGN_QUERY_WORDS] >=
           0.9 * judge->candidates[best->candidate].signs[WF_SIGN_QUERY_WORDS];
}

/* A part of the probability is shared equally by those that have the query's word.  If only some
 * are allowed, the others are out of the question. */
static void spread(wf_judge *judge, const wf_ask *ask, const wf_entrant *best,
                   wf_ambiguity ambiguity)
{
    double sum = 0, found = 0;
    for (size_t i = 0; i < judge->entrant_count; i++) {
        const wf_entrant *entrant = &judge->entrants[i];
        if (entrant->is_tail)
            continue;
        sum += entrant->probability;
        found += has_as_much(judge, entrant, best);
    }
    double count = ask->allowed == NULL ? ambiguity.count : found;
    double each = ambiguity.weight * sum / fmax(count, found);
    for (size_t i = 0; i < judge->entrant_count; i++) {
        wf_entrant *entrant = &judge->entrants[i];
        entrant->probability *= 1 - ambiguity.weight;
        if (has_as_much(judge, entrant, best))
            entrant->probability += each;
    }
}

static int spread_if_ambiguous(const wf_probability *it, wf_judge *judge, const wf_ask *ask)
{
    const wf_entrant *best = best_entrant(judge);
    if (best == NULL || judge->none == -INFINITY || !wf_may_be_ambiguous(&judge->query))
        return 0;
    int rc = read_row(it, judge, judge->candidates[best->candidate].text);
    if (rc < 0)
        return rc;
    wf_ambiguity ambiguity = wf_ambiguity_of(&judge->query, &judge->row, it->word_unseen);
    if (ambiguity.weight > 0)
        spread(judge, ask, best, ambiguity);
    return 0;
}

static int weigh(const wf_probability *it, wf_judge *judge, const wf_ask *ask)
{
    judge->total = judge->none;
    for (size_t i = 0; i < judge->entrant_count; i++) {
        if (!judge->entrants[i].is_tail)
            judge->total = log_add(judge->total, judge->entrants[i].score);
    }
    for (size_t i = 0; i < judge->entrant_count; i++) {
        wf_entrant *entrant = &judge->entrants[i];
        double total = entrant->is_tail ? log_add(judge->total, entrant->score) : judge->total;
        entrant->probability = exp(entrant->score - total);
    }
    int rc = spread_if_ambiguous(it, judge, ask);
    if (rc == 0)
        rc = share_ties(judge);
    for (size_t i = 0; i < judge->entrant_count; i++) {
        if (judge->entrants[i].is_exact)
            judge->entrants[i].probability = 1;
    }
    return rc;
}

static double none_of(const wf_probability *it, const wf_judge *judge)
{
    size_t entities = it->head.catalogue->entity_count;
    double best[WF_JUDGE_BEST];
    wf_judge_find_best(judge, best);
    return wf_model_none(judge->query.solid_count, judge->query.word_count, entities) +
           wf_model_none_here(it->usual_lead, best[WF_JUDGE_BEST - 1], entities);
}

int wf_probability_judge(wf_probability *it, wf_seeker *seeker, const wf_ask *ask)
{
    int rc = wf_probability_fold(seeker, ask->raw);
    return rc < 0 ? rc : wf_probability_judge_folded(it, seeker, ask);
}

int wf_probability_judge_folded(wf_probability *it, wf_seeker *seeker, const wf_ask *ask)
{
    wf_judge *judge = &seeker->judge;
    int rc = wf_probability_candidates(it, seeker, ask);
    if (rc == 0)
        rc = compare_all(it, judge, ask->job);
    if (rc == 0)
        rc = list_pairs(it, judge, ask);
    if (rc == 0)
        rc = judge_entities(it, judge, ask);
    if (rc < 0)
        return rc;
    judge->none = none_of(it, judge);
    favour_exact(judge);
    return weigh(it, judge, ask);
}
