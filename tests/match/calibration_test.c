/* SPDX-License-Identifier: MIT */

/* What a score of novelty is worth among texts of the known sample, by their length; and how many
 * slips the texts of that sample have. */
#include "make.h"

#include "match/novelty/calibration.h"
#include "match/novelty/combine.h"
#include "match/novelty/perturb.h"

#include <math.h>

#define COUNT 200u

/* Half of the sample are codes, whose scores are 0 to 99, half are names of three words, whose
 * scores are 100 less. */
static void make_sample(wf_calibration *out)
{
    static const wf_extent code = {3, 1}, name = {18, 3};
    double known[COUNT], novel[COUNT];
    wf_kin kin[COUNT] = {0};
    for (size_t i = 0; i < COUNT; i++) {
        bool is_code = i % 2 == 0;
        known[i] = (double)(i / 2) - (is_code ? 0 : 100);
        kin[i].extent = is_code ? code : name;
        novel[i] = known[i] + 50;
    }
    CHECK_OK(wf_calibration_make(out, known, kin, COUNT, novel, COUNT));
}

TEST(p_value_among_all_counts_texts_at_least_as_novel)
{
    wf_calibration calibration;
    const wf_extent any = {0};
    make_sample(&calibration);
    CHECK_NEAR(wf_calibration_p(&calibration, 1000, WF_PEERS_ALL, any), 1.0 / 201, 1e-12);
    CHECK_NEAR(wf_calibration_p(&calibration, 90, WF_PEERS_ALL, any), 11.0 / 201, 1e-12);
    CHECK_NEAR(wf_calibration_p(&calibration, -1000, WF_PEERS_ALL, any), 1, 1e-12);
    wf_calibration_fini(&calibration);
}

/* Between the scores of codes and of names: usual for a code, unheard of for a name. */
TEST(a_text_is_compared_with_texts_of_its_length)
{
    wf_calibration calibration;
    const wf_extent code = {4, 1}, name = {16, 3};
    make_sample(&calibration);
    CHECK(wf_calibration_p(&calibration, 2, WF_PEERS_ALL, name) > 0.4);
    CHECK(wf_calibration_p(&calibration, 2, WF_PEERS_NEAR, name) < 0.05);
    CHECK(wf_calibration_p(&calibration, 2, WF_PEERS_NEAR, code) > 0.9);
    CHECK_NEAR(wf_calibration_p(&calibration, 2, WF_PEERS_WORDS, name), 1.0 / 101, 1e-12);
    wf_calibration_fini(&calibration);
}

TEST(a_text_of_a_length_that_no_known_one_has_is_not_called_novel)
{
    wf_calibration calibration;
    const wf_extent sentence = {90, 20}, initials = {18, 30}, long_words = {120, 3};
    make_sample(&calibration);
    CHECK(wf_calibration_p(&calibration, 1000, WF_PEERS_NEAR, sentence) > 0.9);
    CHECK(wf_calibration_p(&calibration, 1000, WF_PEERS_NEAR, initials) > 0.9);
    CHECK(wf_calibration_p(&calibration, 1000, WF_PEERS_NEAR, long_words) > 0.9);
    CHECK_NEAR(wf_calibration_p(&calibration, 1000, WF_PEERS_ALL, sentence), 1.0 / 201, 1e-12);
    wf_calibration_fini(&calibration);
}

/* No name of two words is in the sample: in the Mondrian form all are asked. */
TEST(too_few_texts_of_as_many_words_are_no_sample)
{
    wf_calibration calibration;
    const wf_extent two = {9, 2};
    make_sample(&calibration);
    CHECK_NEAR(wf_calibration_p(&calibration, 90, WF_PEERS_WORDS, two), 11.0 / 201, 1e-12);
    wf_calibration_fini(&calibration);
}

/* As where every alias is the name in another order: half the sample is no news at all. */
TEST(rows_that_are_no_news_do_not_make_slips_novel)
{
    enum { HALF = 100 };
    const wf_extent any = {9, 2};
    wf_calibration calibration;
    double known[2 * HALF];
    wf_kin kin[2 * HALF];
    for (size_t i = 0; i < 2 * HALF; i++) {
        kin[i] = (wf_kin){any, i >= HALF};
        known[i] = i >= HALF ? (double)i : -1000;
    }
    CHECK_OK(wf_calibration_make(&calibration, known, kin, 2 * HALF, known, 2 * HALF));
    for (int peers = WF_PEERS_NEAR; peers <= WF_PEERS_WORDS; peers++)
        CHECK_NEAR(wf_calibration_p(&calibration, 190, (enum wf_peers)peers, any), 11.0 / 101,
                   1e-12);
    wf_calibration_fini(&calibration);

    /* Among 19 with slips nothing is below a twentieth: all are asked. */
    CHECK_OK(wf_calibration_make(&calibration, known, kin, HALF + 19, known, 2 * HALF));
    CHECK_NEAR(wf_calibration_p(&calibration, 110, WF_PEERS_ALL, any), 10.0 / 120, 1e-12);
    CHECK(wf_calibration_p(&calibration, 1000, WF_PEERS_ALL, any) < 0.05);
    wf_calibration_fini(&calibration);
    CHECK_OK(wf_calibration_make(&calibration, known, kin, HALF + 20, known, 2 * HALF));
    CHECK_NEAR(wf_calibration_p(&calibration, 110, WF_PEERS_ALL, any), 11.0 / 21, 1e-12);
    CHECK(wf_calibration_p(&calibration, 1000, WF_PEERS_ALL, any) < 0.05);
    wf_calibration_fini(&calibration);

    /* Slips that are less new than names not told: the names count. */
    for (size_t i = 0; i < 2 * HALF; i++)
        known[i] = i >= HALF ? -1000 : (double)i;
    CHECK_OK(wf_calibration_make(&calibration, known, kin, 2 * HALF, known, 2 * HALF));
    CHECK_NEAR(wf_calibration_p(&calibration, 90, WF_PEERS_ALL, any), 11.0 / 201, 1e-12);
    wf_calibration_fini(&calibration);
}

static double even(dice *d)
{
    return ((double)roll(d, 1u << 20) + 0.5) / (1u << 20);
}

/* A text of the kind that the sample is of: a slip, or a name not told, which is less or more new;
 * long texts are newer. */
static double draw(dice *d, bool is_slip, double rows_add, wf_kin *kin)
{
    size_t words = 1 + roll(d, 3);
    *kin = (wf_kin){{(uint16_t)(6 * words), (uint16_t)words}, is_slip};
    double novelty = -log(even(d)) + (is_slip ? 0 : rows_add) + (double)words;
    return round(novelty * 8) / 8; /* with ties */
}

static const double alphas[] = {0.01, 0.05, 0.1, 0.2};
#define ALPHA_COUNT (sizeof(alphas) / sizeof(*alphas))

/* A sample of half slips and half rows, and one text more: its p-values go to the counts. */
static void count_rejected(dice *d, double rows_add, bool is_slip,
                           size_t counts[WF_PEERS_WORDS + 1][ALPHA_COUNT])
{
    enum { EACH = 120 };
    wf_calibration calibration;
    double known[2 * EACH];
    wf_kin kin[2 * EACH], text;
    for (size_t i = 0; i < (size_t)2 * EACH; i++)
        known[i] = draw(d, i % 2 == 0, rows_add, &kin[i]);
    double score = draw(d, is_slip, rows_add, &text);
    CHECK_OK(wf_calibration_make(&calibration, known, kin, 2 * EACH, known, 0));
    for (int peers = WF_PEERS_NEAR; peers <= WF_PEERS_WORDS; peers++) {
        double p = wf_calibration_p(&calibration, score, (enum wf_peers)peers, text.extent);
        for (size_t a = 0; a < ALPHA_COUNT; a++)
            counts[peers][a] += p <= alphas[a];
    }
    wf_calibration_fini(&calibration);
}

/* Exchangeable texts: p-values at or below alpha are at most alpha of all (Vovk and others,
 * proposition 2.4), of slips and rows mixed as they are in the sample, and of slips alone. */
static void check_rejected(dice *d, double rows_add, unsigned slips_in_two)
{
    const size_t times = test_amount(1500, 300);
    size_t counts[WF_PEERS_WORDS + 1][ALPHA_COUNT] = {0};
    for (size_t i = 0; i < times; i++)
        count_rejected(d, rows_add, roll(d, 2) < slips_in_two, counts);
    for (int peers = WF_PEERS_NEAR; peers <= WF_PEERS_WORDS; peers++) {
        for (size_t a = 0; a < ALPHA_COUNT; a++) {
            double sigma = sqrt(alphas[a] * (1 - alphas[a]) / (double)times);
            double share = (double)counts[peers][a] / (double)times;
            note("alpha %g, rows %+g, slips %u/2, peers %d: %g", alphas[a], rows_add, slips_in_two,
                 peers, share);
            CHECK(share <= alphas[a] + 3.5 * sigma);
        }
    }
}

TEST(p_values_of_texts_drawn_as_the_sample_are_at_most_alpha_as_often)
{
    const double rows_add[] = {-9, 0, 2};
    dice d = {29};
    for (size_t i = 0; i < 3; i++) {
        check_rejected(&d, rows_add[i], 1);
        check_rejected(&d, rows_add[i], 2);
    }
}

/* The newest of the sample is as new as what is newer than all of it. */
TEST(a_text_of_the_sample_is_ranked_as_one_that_comes_to_it)
{
    wf_calibration calibration;
    make_sample(&calibration);
    CHECK_NEAR(wf_calibration_rank(&calibration, 99, /* is_one= */ true), 1.0 / 201, 1e-12);
    CHECK_NEAR(wf_calibration_rank(&calibration, 1000, false), 1.0 / 201, 1e-12);
    CHECK_NEAR(wf_calibration_rank(&calibration, 90, true), 10.0 / 201, 1e-12);
    CHECK_NEAR(wf_calibration_rank(&calibration, 90, false), 11.0 / 201, 1e-12);
    wf_calibration_fini(&calibration);
}

TEST(an_empty_sample_says_nothing)
{
    wf_calibration calibration;
    const wf_extent any = {5, 1};
    CHECK_OK(wf_calibration_make(&calibration, NULL, NULL, 0, NULL, 0));
    for (int peers = WF_PEERS_NEAR; peers <= WF_PEERS_WORDS; peers++)
        CHECK_NEAR(wf_calibration_p(&calibration, 7, (enum wf_peers)peers, any), 1, 1e-12);
    wf_calibration_fini(&calibration);
}

TEST(extents_count_characters_and_words)
{
    static const struct {
        const char *text;
        unsigned letters, words;
    } table[] = {
        {"", 0, 0}, {"  ", 0, 0}, {"Peru", 4, 1}, {" a  bc d ", 4, 3}, {"Āā 日本", 4, 2},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        wf_extent extent = wf_extent_of(weft_str_of(table[i].text));
        note("'%s'", table[i].text);
        CHECK_EQ(extent.letters, table[i].letters);
        CHECK_EQ(extent.words, table[i].words);
    }
}

static size_t words_of(const char *text, const char *other, uint64_t seed)
{
    wf_buf out = {0};
    CHECK_OK(wf_perturb(weft_str_of(text), weft_str_of(other), WF_POINTS_A_SLIP, seed, &out));
    size_t words = wf_extent_of((weft_str){wf_buf_ptr(&out), wf_buf_bytes(&out)}).words;
    wf_buf_fini(&out);
    return words;
}

/* Of long texts some lose many words, and most hardly any. */
TEST(haste_differs_from_text_to_text)
{
    const char *text = "one two three four five six seven eight nine ten eleven twelve";
    size_t hardly = 0, many = 0;
    for (uint64_t seed = 0; seed < 1000; seed++) {
        size_t words = words_of(text, text, seed);
        hardly += words >= 11;
        many += words <= 8;
    }
    note("%zu %zu", hardly, many);
    CHECK(hardly > 500);
    CHECK(many > 20);
    CHECK_EQ(words_of(text, text, 7), words_of(text, text, 7));
}

/* ---- combining ---- */

/* Whatever the weights add up to, the mean of probabilities is one, and each says its part. */
TEST(M74_weighted_is_the_weighted_mean)
{
    const wf_combiner combiner = {.way = WF_COMBINE_WEIGHTED,
                                  .count = 3,
                                  .weights = {0.35, 0.45, 0.2}},
                      heavy = {.way = WF_COMBINE_WEIGHTED, .count = 3, .weights = {35, 45, 20}};
    const wf_opinion certain[] = {{9, 0.01, 1}, {9, 0.01, 1}, {9, 0.01, 1}},
                     mixed[] = {{1, 0.5, 0.1}, {2, 0.2, 0.7}, {3, 0.3, 0.4}};
    CHECK_NEAR(wf_combine(&combiner, certain), 1, 1e-12);
    CHECK_NEAR(wf_combine(&combiner, mixed), 0.43, 1e-12);
    CHECK_NEAR(wf_combine(&heavy, mixed), 0.43, 1e-12);
}
