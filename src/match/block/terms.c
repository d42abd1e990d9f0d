/* SPDX-License-Identifier: MIT */

/* Blockers of terms: n-grams, BM25, TF-IDF. */
#include "match/block/blocker.h"

#include "base/alloc.h"
#include "match/embed/sort.h"

#include <math.h>
#include <string.h>

#define NONE UINT32_MAX
#define EACH_POLL 32768u /* postings between two looks at whether to go on */
#define COMMON_PART 0.25 /* of the mean idf */
#define COMMON_LEAST 0.01

/* ---- terms have numbers ---- */

static size_t place_of(const weft_blocker *it, uint64_t term)
{
    size_t at = (size_t)(term >> 17) & (it->place_count - 1);
    while (it->places[at] != 0 && it->places[at] != term)
        at = (at + 1) & (it->place_count - 1);
    return at;
}

static int make_places(weft_blocker *it, size_t count)
{
    uint64_t *old = it->places;
    uint32_t *old_numbers = it->numbers;
    size_t old_count = it->place_count;
    uint64_t *places = wf_array(count, sizeof(*places));
    uint32_t *numbers = wf_array(count, sizeof(*numbers));
    if (places == NULL || numbers == NULL) {
        wf_free(places);
        wf_free(numbers);
        return -ENOMEM;
    }
    it->places = places;
    it->numbers = numbers;
    it->place_count = count;
    for (size_t i = 0; i < old_count; i++) {
        if (old[i] == 0)
            continue;
        size_t at = place_of(it, old[i]);
        it->places[at] = old[i];
        it->numbers[at] = old_numbers[i];
    }
    wf_free(old);
    wf_free(old_numbers);
    return 0;
}

static int number_of(weft_blocker *it, uint64_t term, uint32_t *out)
{
    int rc = 0;
    if (2 * (it->term_count + 1) > it->place_count)
        rc = make_places(it, it->place_count != 0 ? 2 * it->place_count : 1024);
    if (rc < 0)
        return rc;
    size_t at = place_of(it, term);
    if (it->places[at] == 0) {
        it->places[at] = term;
        it->numbers[at] = (uint32_t)it->term_count++;
    }
    *out = it->numbers[at];
    return 0;
}

static uint32_t find_number(const weft_blocker *it, uint64_t term)
{
    if (it->place_count == 0)
        return NONE;
    size_t at = place_of(it, term);
    return it->places[at] != 0 ? it->numbers[at] : NONE;
}

/* ---- building ---- */

int wf_block_learn_terms(weft_blocker *it, const wf_block_desk *desk)
{
    int rc = wf_block_grow(&it->said, &it->said_capacity, it->said_count + desk->term_count,
                           sizeof(*it->said));
    for (size_t i = 0; i < desk->term_count && rc == 0; i++)
        rc = number_of(it, desk->terms[i], &it->said[it->said_count + i]);
    if (rc < 0)
        return rc;
    it->lengths[it->row_done] = (uint32_t)desk->term_count;
    it->mean_length += (double)desk->term_count / it->row_total;
    it->said_count += desk->term_count;
    it->said_start[it->row_done + 1] = it->said_count;
    return 0;
}

/* `done` postings were gone through since the last look, and `more` now are. */
static int poll_each(size_t *done, size_t more, const wf_job *job)
{
    *done += more;
    if (*done < EACH_POLL)
        return 0;
    *done = 0;
    return wf_job_poll(job);
}

/* Each term's rows, ascending; one row as often as it says the term, then merged. */
static int list_rows(weft_blocker *it, const wf_job *job)
{
    size_t done = 0;
    int rc = 0;
    for (size_t i = 0; i < it->said_count && rc == 0; i++) {
        it->start[it->said[i] + 1]++;
        rc = poll_each(&done, 1, job);
    }
    for (size_t t = 0; t < it->term_count && rc == 0; t++) {
        it->start[t + 1] += it->start[t];
        rc = poll_each(&done, 1, job);
    }
    size_t *next = wf_array(it->term_count + 1, sizeof(*next));
    if (next == NULL)
        return -ENOMEM;
    memcpy(next, it->start, it->term_count * sizeof(*next));
    for (uint32_t row = 0; row < it->row_total && rc == 0; row++) {
        for (size_t i = it->said_start[row]; i < it->said_start[row + 1]; i++) {
            size_t at = next[it->said[i]];
            bool is_again = at > it->start[it->said[i]] && it->rows[at - 1] == row;
            if (is_again) {
                it->counts[at - 1]++;
                continue;
            }
            it->rows[at] = row;
            it->counts[at] = 1;
            next[it->said[i]]++;
        }
        rc = poll_each(&done, it->said_start[row + 1] - it->said_start[row], job);
    }
    /* What was merged leaves holes behind each list: count 0. */
    wf_free(next);
    return rc;
}

static uint32_t rows_with(const weft_blocker *it, size_t term)
{
    uint32_t rows = 0;
    for (size_t i = it->start[term]; i < it->start[term + 1]; i++)
        rows += it->counts[i] != 0;
    return rows;
}

static int find_idf(weft_blocker *it, const wf_job *job)
{
    double rows = it->row_total, sum = 0;
    bool is_okapi = it->kind == WF_BLOCK_BM25;
    size_t done = 0;
    int rc = 0;
    for (size_t t = 0; t < it->term_count && rc == 0; t++) {
        double with = rows_with(it, t);
        double idf =
            is_okapi ? log(rows - with + 0.5) - log(with + 0.5) : log((1 + rows) / (1 + with)) + 1;
        it->idf[t] = (float)idf;
        sum += idf;
        rc = poll_each(&done, it->start[t + 1] - it->start[t], job);
    }
    /* In a catalogue of one or two rows all words are in half of them, and who has one must be
     * found nevertheless. */
    double least = it->term_count != 0 ? COMMON_PART * sum / (double)it->term_count : 0;
    least = fmax(least, COMMON_LEAST);
    for (size_t t = 0; t < it->term_count && is_okapi; t++)
        it->idf[t] = it->idf[t] <= 0 ? (float)least : it->idf[t];
    return rc;
}

static int find_norms(weft_blocker *it, const wf_job *job)
{
    size_t done = 0;
    int rc = 0;
    for (size_t t = 0; t < it->term_count && rc == 0; t++) {
        for (size_t i = it->start[t]; i < it->start[t + 1] && rc == 0; i++) {
            float value = (float)it->counts[i] * it->idf[t];
            it->norms[it->rows[i]] += value * value;
            rc = poll_each(&done, 1, job);
        }
    }
    for (size_t row = 0; row < it->row_total && rc == 0; row++)
        it->norms[row] = sqrtf(it->norms[row]);
    return rc;
}

int wf_block_end_terms(weft_blocker *it, const wf_job *job)
{
    it->start = wf_array(it->term_count + 2, sizeof(*it->start));
    it->rows = wf_array(it->said_count + 1, sizeof(*it->rows));
    it->counts = wf_array(it->said_count + 1, sizeof(*it->counts));
    it->idf = wf_array(it->term_count + 1, sizeof(*it->idf));
    it->norms = wf_array((size_t)it->row_total + 1, sizeof(*it->norms));
    if (it->start == NULL || it->rows == NULL || it->counts == NULL || it->idf == NULL ||
        it->norms == NULL)
        return -ENOMEM;
    int rc = list_rows(it, job);
    if (rc == 0)
        rc = find_idf(it, job);
    if (rc == 0)
        rc = find_norms(it, job);
    if (rc < 0)
        return rc;
    wf_free(it->said);
    wf_free(it->said_start);
    it->said = NULL;
    it->said_start = NULL;
    return 0;
}

/* ---- asking ---- */

static double weight_in(const weft_blocker *it, size_t posting, uint32_t term)
{
    double count = it->counts[posting], k1 = it->options.k1, b = it->options.b;
    if (it->kind != WF_BLOCK_BM25)
        return count * (double)it->idf[term];
    double length = it->lengths[it->rows[posting]] / it->mean_length;
    return (double)it->idf[term] * count * (k1 + 1) / (count + k1 * (1 - b + b * length));
}

static void add_term(const weft_blocker *it, wf_block_desk *desk, uint32_t term, double times)
{
    double own = it->kind == WF_BLOCK_BM25 ? times : times * (double)it->idf[term];
    for (size_t i = it->start[term]; i < it->start[term + 1]; i++) {
        if (it->counts[i] != 0)
            desk->sums[it->rows[i]] += (float)(own * weight_in(it, i, term));
    }
}

/* The sums become scores: of Okapi they are that already. */
static void divide_sums(const weft_blocker *it, wf_block_desk *desk, double query_norm)
{
    for (size_t row = 0; row < it->row_total && it->kind != WF_BLOCK_BM25; row++) {
        if (desk->sums[row] > 0)
            desk->sums[row] /= (float)((double)it->norms[row] * query_norm);
    }
}

int wf_block_score_terms(const weft_blocker *it, wf_block_desk *desk, const wf_job *job)
{
    uint64_t *spare = wf_array(desk->term_count + 1, sizeof(*spare));
    double square = 0;
    int rc = spare != NULL ? 0 : -ENOMEM;
    if (rc == 0)
        wf_sort_keys(desk->terms, spare, desk->term_count, 0);
    for (size_t i = 0; i < desk->term_count && rc == 0;) {
        size_t same = i + 1;
        while (same < desk->term_count && desk->terms[same] == desk->terms[i])
            same++;
        uint32_t term = find_number(it, desk->terms[i]);
        if (term != NONE) {
            double own = (double)(same - i) * (double)it->idf[term];
            square += own * own;
            add_term(it, desk, term, (double)(same - i));
        }
        i = same;
        rc = wf_job_poll(job);
    }
    if (rc == 0 && square > 0)
        divide_sums(it, desk, sqrt(square));
    wf_free(spare);
    return rc;
}
