/* SPDX-License-Identifier: MIT */

#include "match/embed/features.h"

#include "make.h"
#include "match/embed/lexical.h"
#include "match/embed/sort.h"

#include <math.h>

static const wf_job no_job = {0};

static uint32_t total(const wf_features *features)
{
    uint32_t sum = 0;
    for (size_t i = 0; i < features->count; i++)
        sum += features->counts[i];
    return sum;
}

TEST(features_are_words_twice_and_padded_runs_of_two_to_four)
{
    static const struct {
        const char *text;
        size_t distinct;
        uint32_t total;
    } table[] = {
        {"", 0, 0},
        {"   ", 0, 0},
        {"a", 4, 5},                /* a a | _a a_ | _a_ */
        {"ab", 7, 8},               /* ab ab | _a ab b_ | _ab ab_ | _ab_ */
        {"aaa", 9, 11},             /* the run aa occurs twice */
        {"a a", 4, 10},             /* the same word twice */
        {"ab cd", 14, 16},          /* two words share nothing */
        {"abcd", 13, 14},           /* abcd abcd | 5 | 4 | 3 */
        {"\xC3\xA9", 4, 5},         /* characters, not bytes */
        {" \xE3\x80\x80 a ", 4, 5}, /* any white space parts words */
    };
    wf_features features = {0};
    for (size_t i = 0; i < sizeof(table) / sizeof(table[0]); i++) {
        note("'%s'", table[i].text);
        CHECK_OK(wf_features_extract(&features, str_of(table[i].text)));
        CHECK_EQ(features.count, table[i].distinct);
        CHECK_EQ(total(&features), table[i].total);
        for (size_t k = 1; k < features.count; k++)
            CHECK_LT(features.hashes[k - 1], features.hashes[k]);
    }
    wf_features_fini(&features);
}

/* Numbers that must never change: indexes will be saved with them. */
TEST(features_have_the_same_hashes_for_ever)
{
    wf_features features = {0};
    uint64_t all = 0;
    CHECK_OK(wf_features_extract(&features, STR("s\xC3\xA3o tom\xC3\xA9 42")));
    for (size_t i = 0; i < features.count; i++)
        all = all * 31 + features.hashes[i];
    CHECK_EQ(features.count, 30);
    CHECK_EQ(all, UINT64_C(3997098915138296905));
    wf_features_fini(&features);
}

TEST(spans_say_where_a_feature_stands)
{
    wf_features features = {.keeps_spans = true};
    CHECK_OK(wf_features_extract(&features, STR("x \xC3\xA9t")));
    /* x: word, _x _x_ x_ ; et: word, _e _et _et_ et et_ t_ */
    static const struct {
        uint32_t start, bytes;
        bool is_word, at_start, at_end;
    } wanted[] = {
        {0, 1, true, true, true},   {0, 1, false, true, false}, {0, 1, false, true, true},
        {0, 1, false, false, true}, {2, 3, true, true, true},   {2, 2, false, true, false},
        {2, 3, false, true, false}, {2, 3, false, true, true},  {2, 3, false, false, false},
        {2, 3, false, false, true}, {4, 1, false, false, true},
    };
    CHECK_EQ(features.span_count, 11);
    for (size_t i = 0; i < 11; i++) {
        const wf_span *span = &features.spans[i];
        note("span %zu", i);
        CHECK_EQ(span->start, wanted[i].start);
        CHECK_EQ(span->bytes, wanted[i].bytes);
        CHECK_EQ(span->is_word, wanted[i].is_word);
        CHECK_EQ(span->at_word_start, wanted[i].at_start);
        CHECK_EQ(span->at_word_end, wanted[i].at_end);
        size_t known = 0;
        for (size_t k = 0; k < features.count; k++)
            known += features.hashes[k] == span->hash;
        CHECK_EQ(known, 1);
    }
    wf_features_fini(&features);
}

TEST(sort_sorts_any_keys)
{
    enum { MOST = 3000 };
    static uint64_t keys[MOST], spare[MOST];
    dice d = {test_seed() + 1};
    for (size_t turn = 0, count = 0; count < MOST; count += turn++ < 160 ? turn % 4 == 0 : 24) {
        unsigned kind = (unsigned)(turn % 4);
        uint64_t sum = 0;
        for (size_t i = 0; i < count; i++) {
            uint64_t key = roll(&d, UINT64_MAX) << 11 ^ roll(&d, UINT64_MAX);
            keys[i] = kind == 0 ? key : kind == 1 ? key >> 50 : kind == 2 ? count - i : key << 40;
            sum += keys[i];
        }
        wf_sort_keys(keys, spare, count, 0);
        for (size_t i = 0; i < count; i++) {
            sum -= keys[i];
            CHECK(i == 0 || keys[i - 1] <= keys[i]);
        }
        CHECK_EQ(sum, 0);
    }
}

/* The first key that is moved says stop: what is behind the part under way is not moved any more.
 */
TEST(sort_of_many_ends_within_a_pass_when_its_job_is_stopped)
{
    const size_t count = (size_t)1 << 20;
    uint64_t *keys = malloc(count * sizeof(*keys)), *spare = calloc(count, sizeof(*spare));
    for (size_t i = 0; i < count; i++)
        keys[i] = (uint64_t)(i % 2) << 56 | (uint32_t)-ECANCELED;
    const wf_job job = {.stop = (const int *)spare};
    CHECK_EQ(wf_sort_keys_job(keys, spare, count, 56, &job), -ECANCELED);
    CHECK(spare[0] != 0);
    CHECK_EQ(spare[count / 2 - 1], 0);
    free(keys);
    free(spare);
}

TEST(a_lexicon_halted_while_it_grows_is_as_it_was)
{
    const int stop = -ECANCELED;
    const wf_job halted = {.stop = &stop};
    wf_encoder encoder = {0};
    wf_lexicon lexicon;
    char text[8];
    int rc = 0;
    CHECK_OK(wf_lexicon_init(&lexicon));
    size_t before = 0, rows = 0;
    for (; rc == 0; rows++) {
        before = lexicon.count;
        snprintf(text, sizeof(text), "w%zu", rows);
        CHECK_OK(wf_features_extract(&encoder.features, str_of(text)));
        rc = wf_lexicon_count(&lexicon, &encoder.features, &halted);
    }
    CHECK_EQ(rc, -ECANCELED);
    CHECK_EQ(lexicon.count, before);
    CHECK_EQ(lexicon.row_count, rows - 1);
    CHECK_OK(wf_lexicon_count(&lexicon, &encoder.features, &no_job));
    CHECK_GT(lexicon.count, before);
    CHECK_EQ(lexicon.row_count, rows);
    CHECK_EQ(wf_lexicon_weigh(&lexicon, &halted), -ECANCELED);
    wf_lexicon_fini(&lexicon);
    wf_encoder_fini(&encoder);
}

/* Three rows, worked out by hand from the formulas of the specification. */
TEST(weights_are_those_of_the_formulas)
{
    wf_encoder encoder = {0};
    wf_lexicon lexicon;
    CHECK_OK(wf_lexicon_init(&lexicon));
    static const char *const rows[] = {"a", "a", "b"};
    for (size_t i = 0; i < 3; i++) {
        CHECK_OK(wf_features_extract(&encoder.features, str_of(rows[i])));
        CHECK_OK(wf_lexicon_count(&lexicon, &encoder.features, &no_job));
    }
    CHECK_OK(wf_lexicon_weigh(&lexicon, &no_job));

    double word = 1 + log(2), in_two = log(4.0 / 3) + 1, in_none = log(4.0) + 1;
    wf_vector vector = {0};
    CHECK_OK(wf_encode(&encoder, &lexicon, STR("a"), &vector));
    CHECK_EQ(vector.count, 4);
    CHECK_NEAR(vector.norm, in_two * sqrt(word * word + 3), 1e-5);
    CHECK_OK(wf_encode(&encoder, &lexicon, STR("c"), &vector));
    CHECK_NEAR(vector.norm, in_none * sqrt(word * word + 3), 1e-5);
    for (size_t i = 0; i < vector.count; i++) {
        double size = fabs((double)vector.weights[i].value);
        CHECK(fabs(size - in_none) < 1e-5 || fabs(size - word * in_none) < 1e-5);
    }
    wf_vector_fini(&vector);
    wf_lexicon_fini(&lexicon);
    wf_encoder_fini(&encoder);
}
