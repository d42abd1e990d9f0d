/* SPDX-License-Identifier: MIT */

/*
 * Pattern: how unlike the names of the catalogue a text is written: runs of three and four
 * characters that no name has (W. Cavnar and J. Trenkle, "N-gram-based text categorization", 1994),
 * an unusual length, an unusual use of capitals and digits, beginnings and endings that no name
 * has.
 */
#include "match/novelty/strategy.h"

#include "base/alloc.h"
#include "base/utf8.h"
#include "match/embed/gram.h"
#include "match/score/probability.h"
#include "match/text/chars.h"

#include <math.h>

#define BITS 16
#define EDGE 3u /* characters of a beginning or an ending */

enum sign { RUNS_3, RUNS_4, LENGTH, CASE, START, END, SIGN_COUNT };

static const double sign_weights[SIGN_COUNT] = {
    [RUNS_3] = 0.25, [RUNS_4] = 0.2, [LENGTH] = 0.15, [CASE] = 0.1, [START] = 0.15, [END] = 0.15,
};

/* Names with something, by its hash; what meets in one place counts together. */
struct pattern {
    uint32_t names;
    double length_sum, length_squares;
    uint32_t cases[16];
    uint32_t counts[4][1u << BITS]; /* of RUNS_3, RUNS_4, START, END */
};

static uint32_t *count_of(struct pattern *it, unsigned table, wf_points points)
{
    return &it->counts[table][wf_hash_word(points) >> (64 - BITS)];
}

/* Which of capitals, small letters, digits and other signs there are: four bits. */
static unsigned case_of(weft_str raw)
{
    unsigned found = 0;
    for (size_t at = 0; at < raw.len;) {
        uint32_t c = wf_utf8_next(raw.ptr, &at);
        bool is_capital = c >= 'A' && c <= 'Z', is_small = c >= 'a' && c <= 'z';
        bool is_digit = c >= '0' && c <= '9';
        found |= is_capital ? 1u : is_small ? 2u : is_digit ? 4u : c > ' ' && c < 128 ? 8u : 0;
    }
    return found;
}

static wf_points edge_of(wf_points text, bool is_end)
{
    size_t count = text.count < EDGE ? text.count : EDGE;
    return (wf_points){is_end ? text.at + text.count - count : text.at, count};
}

static void count_runs(struct pattern *it, unsigned table, wf_points text, size_t length)
{
    for (size_t i = 0; i + length <= text.count; i++)
        *count_of(it, table, (wf_points){text.at + i, length}) += 1;
}

static void count_name(struct pattern *it, weft_str raw, wf_points text)
{
    double length = log(1 + (double)text.count);
    it->names++;
    it->length_sum += length;
    it->length_squares += length * length;
    it->cases[case_of(raw)]++;
    count_runs(it, 0, text, 3);
    count_runs(it, 1, text, 4);
    *count_of(it, 2, edge_of(text, false)) += 1;
    *count_of(it, 3, edge_of(text, true)) += 1;
}

static int pattern_make(void **out, const wf_ground *ground, wf_seeker *seeker, const wf_job *job)
{
    struct pattern *it = wf_alloc(sizeof(*it));
    int rc = it != NULL ? 0 : -ENOMEM;
    *out = it;
    for (uint32_t row = 0; rc == 0 && row < ground->catalogue->row_count; row++) {
        weft_str raw = wf_catalogue_row(ground->catalogue, row);
        rc = wf_job_poll(job);
        if (rc == 0)
            rc = wf_probability_fold(seeker, raw);
        if (rc == 0)
            count_name(it, raw,
                       (wf_points){seeker->judge.folded.points, seeker->judge.folded.count});
    }
    return rc;
}

/* The part of the runs that no name has; of one that is left out `own` does not count. */
static double strange_runs(const struct pattern *it, unsigned table, wf_points text, size_t length,
                           uint32_t own)
{
    size_t strange = 0, all = 0;
    for (size_t i = 0; i + length <= text.count; i++, all++)
        strange += *count_of((struct pattern *)it, table, (wf_points){text.at + i, length}) <= own;
    return all != 0 ? (double)strange / (double)all : 0;
}

/* 1 for what no name has, less the more have it. */
static double rarity(const struct pattern *it, uint32_t count, uint32_t own)
{
    count = count > own ? count - own : 0;
    return 1 - log(1 + (double)count) / log(2 + (double)it->names);
}

static double strange_length(const struct pattern *it, size_t count)
{
    double mean = it->length_sum / (double)it->names;
    double variance = it->length_squares / (double)it->names - mean * mean;
    double away = fabs(log(1 + (double)count) - mean) / sqrt(fmax(variance, 0.01));
    return fmin(away / 3, 1);
}

static int pattern_score(const void *state, const wf_novel_query *query, double *out)
{
    const struct pattern *it = state;
    struct pattern *table = (struct pattern *)it;
    wf_points text = query->folded;
    uint32_t own = query->absent.entity != WF_NO_ENTITY || query->is_row;
    const double signs[SIGN_COUNT] = {
        [RUNS_3] = strange_runs(it, 0, text, 3, own),
        [RUNS_4] = strange_runs(it, 1, text, 4, own),
        [LENGTH] = strange_length(it, text.count),
        [CASE] = rarity(it, it->cases[case_of(query->raw)], own),
        [START] = rarity(it, *count_of(table, 2, edge_of(text, false)), own),
        [END] = rarity(it, *count_of(table, 3, edge_of(text, true)), own),
    };
    *out = 0;
    for (size_t i = 0; i < SIGN_COUNT; i++)
        *out += sign_weights[i] * signs[i];
    return 0;
}

const wf_novel_class wf_novel_pattern = {.id = "pattern",
                                         .weight = 0.2,
                                         .needs_text = true,
                                         .make = pattern_make,
                                         .score = pattern_score,
                                         .destroy = wf_free};
