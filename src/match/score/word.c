/* SPDX-License-Identifier: MIT */

#include "match/score/word.h"

#include <string.h>

#define JOINED_MIN 0.75
#define DIGITS_MIN 0.5

static bool starts_with(wf_points a, wf_points start)
{
    return a.at[0] == start.at[0] && memcmp(a.at, start.at, start.count * sizeof(*a.at)) == 0;
}

static bool is_inside(wf_points in, wf_points a)
{
    for (size_t i = 0; i + a.count <= in.count; i++) {
        if (memcmp(in.at + i, a.at, a.count * sizeof(*a.at)) == 0)
            return true;
    }
    return false;
}

static bool is_subsequence(wf_points in, wf_points a)
{
    size_t found = 0;
    for (size_t i = 0; i < in.count && found < a.count; i++)
        found += in.at[i] == a.at[found];
    return found == a.count;
}

static size_t common_prefix(wf_points a, wf_points b)
{
    size_t count = 0;
    while (count < a.count && count < b.count && a.at[count] == b.at[count])
        count++;
    return count;
}

static size_t count_edits(const wf_word *a, const wf_word *b)
{
    const wf_word *query = a->places != NULL ? a : b, *row = a->places != NULL ? b : a;
    if (query->places == NULL || row->numbers == NULL)
        return wf_distance(a->points, b->points);
    return wf_distance_to((wf_pattern){query->places, query->start, (unsigned)query->points.count},
                          (wf_numbered){row->numbers, row->points.count});
}

/* Numbers are names: 737 is no typing error for 747. */
static double alikeness_of_digits(const wf_word *shorter, const wf_word *longer)
{
    size_t s = shorter->points.count, l = longer->points.count;
    if (s >= 4 && is_inside(longer->points, shorter->points))
        return 0.7;
    return l >= 4 && l - s <= 1 && count_edits(shorter, longer) == 1 ? 0.6 : 0;
}

/* Edits that it takes at least: a letter that one word lacks costs the other one. */
static inline size_t least_edits(const wf_word *a, const wf_word *b)
{
    size_t one = wf_count_bits(a->letters & ~b->letters);
    size_t other = wf_count_bits(b->letters & ~a->letters);
    return one > other ? one : other;
}

/* A bound first. */
static inline double alikeness_of_letters(const wf_word *shorter, const wf_word *longer)
{
    size_t length = longer->points.count;
    if (20 * shorter->points.count < 11 * length) /* below 0.55, without a division */
        return 0;
    if (20 * least_edits(shorter, longer) > 9 * length)
        return 0;
    size_t edits = count_edits(shorter, longer);
    if (20 * edits > 9 * length)
        return 0;
    double r = 1 - (double)edits / (double)length;
    if (edits == 1 && longer->points.count >= 4 && r <= 0.86)
        r = 0.80;
    return r * r;
}

static double alikeness_of_prefix(wf_points shorter, double ratio)
{
    if (shorter.count == 1)
        return 0.35;
    double value = 0.55 + 0.4 * ratio;
    if (shorter.count >= 4 && value < 0.78)
        value = 0.78;
    if (shorter.count == 2 && value > 0.6)
        value = 0.6;
    return value;
}

static double greater(double a, double b)
{
    return a > b ? a : b;
}

/* Of words that begin with the same letter and have no digits. */
static double alikeness_of_kin(const wf_word *shorter, const wf_word *longer)
{
    wf_points s = shorter->points, l = longer->points;
    double best = alikeness_of_letters(shorter, longer);
    double ratio = (double)s.count / (double)l.count;
    size_t prefix = common_prefix(s, l);
    if (prefix == s.count)
        best = greater(best, alikeness_of_prefix(s, ratio));
    if (s.count >= 3 && ratio >= 0.3 && is_subsequence(l, s))
        best = greater(best, 0.5 + 0.35 * ratio);
    if (prefix >= 4)
        best = greater(best, 0.45 + 0.45 * (double)prefix / (double)l.count);
    return best;
}

static inline bool are_of_letters(const wf_word *a, const wf_word *b)
{
    return !a->has_digit && !b->has_digit;
}

static inline bool begin_alike(const wf_word *a, const wf_word *b)
{
    return a->points.at[0] == b->points.at[0];
}

/* In line for most pairs of a query's words and a row's, which are of different letters. */
static inline double alikeness(const wf_word *a, const wf_word *b)
{
    bool in_order = a->points.count <= b->points.count;
    const wf_word *shorter = in_order ? a : b, *longer = in_order ? b : a;
    if (are_of_letters(a, b) && !begin_alike(a, b))
        return alikeness_of_letters(shorter, longer);
    if (a->points.count == b->points.count && starts_with(longer->points, shorter->points))
        return 1;
    return are_of_letters(a, b) ? alikeness_of_kin(shorter, longer)
                                : alikeness_of_digits(shorter, longer);
}

double wf_word_alikeness(const wf_word *a, const wf_word *b)
{
    return alikeness(a, b);
}

/* ---- phrases ---- */

static void lift(double *value, double to)
{
    if (to > *value)
        *value = to;
}

static void cover_by_words(const wf_phrase *a, const wf_phrase *b, double *best_a, double *best_b)
{
    for (size_t i = 0; i < a->word_count; i++) {
        for (size_t k = 0; k < b->word_count; k++) {
            double t = alikeness(&a->words[i], &b->words[k]);
            lift(&best_a[i], t);
            lift(&best_b[k], t);
        }
    }
}

/* Words of different first letters are only alike by edits, which are at least one in that case;
 * one in seven letters makes (6 / 7)^2 or .80^2, and both are below JOINED_MIN. */
static bool cannot_be_joined(const wf_word *a, const wf_word *b)
{
    size_t length = a->points.count > b->points.count ? a->points.count : b->points.count;
    return are_of_letters(a, b) && !begin_alike(a, b) &&
           (length <= 7 || 7 * least_edits(a, b) >= length);
}

/* Two neighbours in `a` written as one word in `b`.  They are neighbours in the solid text too. */
static void cover_joined(const wf_phrase *a, const wf_phrase *b, double *best_a, double *best_b)
{
    for (size_t i = 0; i + 1 < a->word_count; i++) {
        wf_word joined = a->words[i];
        joined.points.count += a->words[i + 1].points.count;
        joined.letters |= a->words[i + 1].letters;
        joined.has_digit |= a->words[i + 1].has_digit;
        for (size_t k = 0; k < b->word_count; k++) {
            size_t other = b->words[k].points.count;
            if (joined.points.count > other + 1 || other > joined.points.count + 1 ||
                cannot_be_joined(&joined, &b->words[k]))
                continue;
            double t = alikeness(&joined, &b->words[k]);
            if (t < JOINED_MIN)
                continue;
            lift(&best_a[i], t);
            lift(&best_a[i + 1], t);
            lift(&best_b[k], t);
        }
    }
}

static double mean(const wf_phrase *phrase, const double *best)
{
    double sum = 0, weights = 0;
    for (size_t i = 0; i < phrase->word_count; i++) {
        sum += phrase->words[i].weight * best[i];
        weights += phrase->words[i].weight;
    }
    return weights > 0 ? sum / weights : 0;
}

static size_t count_digits(const wf_phrase *phrase, const double *best, size_t *unmatched)
{
    size_t count = 0;
    for (size_t i = 0; i < phrase->word_count; i++) {
        count += phrase->words[i].has_digit;
        *unmatched += phrase->words[i].has_digit && best[i] < DIGITS_MIN;
    }
    return count;
}

wf_coverage wf_cover(const wf_phrase *query, const wf_phrase *alias)
{
    double best_q[WF_PHRASE_WORDS_MAX], best_a[WF_PHRASE_WORDS_MAX];
    memset(best_q, 0, query->word_count * sizeof(*best_q));
    memset(best_a, 0, alias->word_count * sizeof(*best_a));
    cover_by_words(query, alias, best_q, best_a);
    cover_joined(query, alias, best_q, best_a);
    cover_joined(alias, query, best_a, best_q);
    wf_coverage cover = {.query = mean(query, best_q), .alias = mean(alias, best_a)};
    size_t unmatched = 0;
    size_t of_query = count_digits(query, best_q, &unmatched);
    size_t of_alias = count_digits(alias, best_a, &unmatched);
    if (of_query != 0 && of_alias != 0)
        cover.unmatched = (double)unmatched / (double)(of_query + of_alias);
    return cover;
}
