/* SPDX-License-Identifier: MIT */

/* What a score of novelty is worth among texts of the known sample, by their length; and how many
 * slips the texts of that sample have. */
#include "make.h"

#include "match/novelty/calibration.h"
#include "match/novelty/combine.h"
#include "match/novelty/perturb.h"

#define COUNT 200u

/* Half of the sample are codes, whose scores are 0 to 99, half are names of three words, whose
 * scores are 100 less. */
static void make_sample(wf_calibration *out)
{
    static const wf_extent code = {3, 1}, name = {18, 3};
    double known[COUNT], novel[COUNT];
    wf_extent extents[COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        bool is_code = i % 2 == 0;
        known[i] = (double)(i / 2) - (is_code ? 0 : 100);
        extents[i] = is_code ? code : name;
        novel[i] = known[i] + 50;
    }
    CHECK_OK(wf_calibration_make(out, known, extents, COUNT, novel, COUNT));
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
    const wf_extent sentence = {90, 20};
    make_sample(&calibration);
    CHECK(wf_calibration_p(&calibration, 1000, WF_PEERS_NEAR, sentence) > 0.9);
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
