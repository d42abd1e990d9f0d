/* SPDX-License-Identifier: MIT */

/* A short query is compared by bits: every sign must be that of the plain way, to the last bit. */
#include "make.h"

#include "match/embed/probe.h"
#include "match/index/search.h"
#include "match/score/compare.h"

#include <math.h>

static const wf_job no_job = {0};

#define POINTS_MAX 640u
#define RAREST 2.5

static double by_length(wf_points word, void *arg)
{
    (void)arg;
    return 1 + (double)word.count / 7;
}

/* Words with one space between them, of letters, digits and characters beyond ASCII. */
static wf_points make_points(dice *d, uint32_t *out, size_t length, unsigned letters)
{
    static const uint32_t others[] = {'1', '7', 0xDF, 0x65E5, 0x1F600};
    size_t count = 0;
    while (count < length) {
        bool can_end = count > 0 && out[count - 1] != ' ' && count + 1 < length;
        if (can_end && roll(d, 6) == 0)
            out[count++] = ' ';
        else
            out[count++] = roll(d, 12) == 0 ? others[roll(d, 5)] : 'a' + (uint32_t)roll(d, letters);
    }
    return (wf_points){out, count};
}

/* A row near to the query: some characters are other ones, some are left out. */
static wf_points make_near(dice *d, uint32_t *out, wf_points from, unsigned letters)
{
    size_t count = 0;
    for (size_t i = 0; i < from.count; i++) {
        if (roll(d, 9) == 0)
            continue;
        bool after_space = count == 0 || out[count - 1] == ' ';
        uint32_t c = roll(d, 9) == 0 ? 'a' + (uint32_t)roll(d, letters) : from.at[i];
        if (c != ' ' || !after_space)
            out[count++] = c;
    }
    while (count > 0 && out[count - 1] == ' ')
        count--;
    if (count == 0)
        out[count++] = 'z';
    return (wf_points){out, count};
}

static double sounds_alike(const wf_phrase *a, const wf_phrase *b)
{
    uint32_t left[WF_SOUND_MAX], right[WF_SOUND_MAX];
    for (size_t i = 0; i < a->sound_count; i++)
        left[i] = a->sounds[i];
    for (size_t i = 0; i < b->sound_count; i++)
        right[i] = b->sounds[i];
    return wf_alikeness((wf_points){left, a->sound_count}, (wf_points){right, b->sound_count});
}

/* The mean rarity of its words, as a part of the greatest. */
static double nameness(const wf_phrase *phrase)
{
    double sum = 0;
    for (size_t i = 0; i < phrase->word_count; i++)
        sum += phrase->words[i].rarity;
    return fmin(1, sum / (double)phrase->word_count / RAREST);
}

static void check_signs(const wf_phrase *query, const wf_phrase *row, const wf_phrase *plain_query,
                        const wf_phrase *plain_row)
{
    double signs[WF_SIGN_COUNT] = {0}, wanted[WF_SIGN_COUNT] = {0};
    wf_compare(query, row, 0.25, RAREST, signs);
    wf_compare(plain_query, plain_row, 0.25, RAREST, wanted);
    for (unsigned i = 0; i < WF_SIGN_COUNT; i++) {
        note("%s", wf_sign_name(i));
        CHECK(signs[i] == wanted[i]);
    }
    double names = (nameness(query) + nameness(row)) / 2;
    CHECK_NEAR(wanted[WF_SIGN_SOUND],
               wf_nearness((wanted[WF_SIGN_SOLID] + sounds_alike(query, row)) / 2) * names * names,
               1e-9);
}

/* A query that does not know where its words stand. */
static void place_plainly(wf_phrase *query)
{
    wf_phrase_place(query);
    query->places.has_text = false;
    for (size_t i = 0; i < query->word_count; i++)
        query->words[i].places = NULL;
}

TEST(a_short_query_has_the_signs_of_the_plain_way)
{
    wf_phrase *phrases = calloc(4, sizeof(*phrases));
    uint32_t left[POINTS_MAX], right[POINTS_MAX];
    dice d = {11};
    for (size_t round = 0; round < 4000; round++) {
        unsigned letters = 2 + (unsigned)roll(&d, 20);
        bool is_longest = round % 16 == 0;
        size_t length = is_longest ? WF_PLACES_MAX : 1 + roll(&d, WF_PLACES_MAX);
        wf_points query = make_points(&d, left, length, letters), row;
        if (roll(&d, 3) != 0)
            row = make_near(&d, right, query, letters);
        else
            row = make_points(&d, right, 1 + roll(&d, round % 8 == 0 ? POINTS_MAX : 40), letters);
        wf_phrase_read(&phrases[0], query, by_length, NULL);
        wf_phrase_read(&phrases[1], row, by_length, NULL);
        wf_phrase_read(&phrases[2], query, by_length, NULL);
        wf_phrase_read(&phrases[3], row, by_length, NULL);
        wf_phrase_place(&phrases[0]);
        place_plainly(&phrases[2]);
        CHECK(phrases[0].places.has_text);
        wf_phrase_number(&phrases[1], &phrases[0].places);
        note("round %zu, %zu and %zu characters", round, query.count, row.count);
        check_signs(&phrases[0], &phrases[1], &phrases[2], &phrases[3]);
    }
    free(phrases);
}

TEST(a_longer_query_has_no_places)
{
    wf_phrase *phrase = calloc(1, sizeof(*phrase));
    uint32_t points[WF_PLACES_MAX + 1];
    for (size_t i = 0; i <= WF_PLACES_MAX; i++)
        points[i] = 'a' + (uint32_t)i; /* all different */
    wf_phrase_read(phrase, (wf_points){points, WF_PLACES_MAX}, by_length, NULL);
    wf_phrase_place(phrase);
    CHECK(phrase->places.has_text);
    CHECK_EQ(wf_places_number(&phrase->places, points[WF_PLACES_MAX - 1]), WF_PLACES_MAX + 1);
    wf_phrase_read(phrase, (wf_points){points, WF_PLACES_MAX + 1}, by_length, NULL);
    wf_phrase_place(phrase);
    CHECK(!phrase->places.has_text);
    free(phrase);
}

/* ---- with a lexicon ---- */

typedef struct corpus {
    wf_lexicon lexicon;
    wf_encoder encoder;
    wf_postings postings;
    wf_vector vector;
    made rows;
} corpus;

static corpus corpus_make(size_t count)
{
    corpus c = {.encoder.features.is_whole = true};
    dice d = {5};
    c.rows = make_random(&d, count, 6, 7, 0);
    CHECK_OK(wf_lexicon_init(&c.lexicon));
    for (size_t i = 0; i < count; i++) {
        CHECK_OK(wf_features_extract(&c.encoder.features, c.rows.entities[i].name));
        CHECK_OK(wf_lexicon_count(&c.lexicon, &c.encoder.features, &no_job));
    }
    CHECK_OK(wf_lexicon_weigh(&c.lexicon, &no_job));
    c.lexicon.idf_unseen = 0;
    for (size_t i = 0; i < count; i++) {
        CHECK_OK(wf_encode(&c.encoder, &c.lexicon, c.rows.entities[i].name, &c.vector));
        CHECK_OK(wf_postings_add(&c.postings, &c.vector, &no_job));
    }
    CHECK_OK(wf_postings_seal(&c.postings, &no_job));
    return c;
}

static void corpus_free(corpus *c)
{
    wf_lexicon_fini(&c->lexicon);
    wf_encoder_fini(&c->encoder);
    wf_postings_fini(&c->postings);
    wf_vector_fini(&c->vector);
    make_free(&c->rows);
}

static size_t pad(weft_str text, uint32_t *out)
{
    size_t count = 0;
    out[count++] = ' ';
    for (size_t i = 0; i < text.len; i++)
        out[count++] = (unsigned char)text.ptr[i];
    out[count++] = ' ';
    return count;
}

TEST(a_short_query_has_the_cosines_of_the_plain_way)
{
    corpus c = corpus_make(300);
    wf_probe plain = {0}, by_bits = {0};
    wf_places places;
    uint32_t query[POINTS_MAX], row[POINTS_MAX];
    uint8_t numbers[POINTS_MAX];
    dice d = {23};
    for (size_t round = 0; round < 100; round++) {
        char text[64];
        weft_str asked = {text, make_name(&d, text, 8, 7)};
        size_t count = pad(asked, query);
        wf_points inner = {query + 1, count - 2};
        CHECK_OK(wf_encode(&c.encoder, &c.lexicon, asked, &c.vector));
        CHECK_OK(wf_probe_take(&plain, &c.encoder));
        wf_probe_take_short(&by_bits, &c.encoder, inner);
        wf_places_take(&places, inner);
        CHECK(plain.norm == by_bits.norm);
        for (size_t i = 0; i < c.rows.count; i++) {
            size_t length = pad(c.rows.entities[i].name, row);
            for (size_t k = 0; k < length; k++)
                numbers[k] = wf_places_number(&places, row[k]);
            double wanted = wf_probe_cosine(&plain, (wf_points){row, length}, 3);
            CHECK(wf_probe_cosine_short(&by_bits, &places, (wf_numbered){numbers, length}, 3) ==
                  wanted);
        }
    }
    wf_probe_fini(&plain);
    wf_probe_fini(&by_bits);
    corpus_free(&c);
}

/* Few answers have a bar before the first row; many have none, and must begin with the same. */
TEST(an_early_bar_loses_no_row)
{
    corpus c = corpus_make(3000);
    wf_finder finder = {0};
    wf_rank few = {0}, many = {0};
    const wf_search search = {.postings = &c.postings};
    const wf_job job = {0};
    dice d = {31};
    for (size_t round = 0; round < 200; round++) {
        char text[64];
        weft_str asked = {text, make_name(&d, text, round % 2 == 0 ? 6 : 20, 7)};
        size_t top_k = 1 + roll(&d, 64);
        CHECK_OK(wf_encode(&c.encoder, &c.lexicon, asked, &c.vector));
        CHECK_OK(wf_rank_begin(&few, top_k, c.rows.count, 0));
        CHECK_OK(wf_find(&finder, &search, &c.vector, &few, &job));
        CHECK_OK(wf_rank_begin(&many, 500, c.rows.count, 0));
        CHECK_OK(wf_find(&finder, &search, &c.vector, &many, &job));
        wf_rank_end(&few);
        wf_rank_end(&many);
        CHECK_EQ(few.count, top_k < many.count ? top_k : many.count);
        for (size_t i = 0; i < few.count; i++) {
            CHECK_EQ(few.found[i].row, many.found[i].row);
            CHECK(few.found[i].score == many.found[i].score);
        }
    }
    wf_finder_fini(&finder);
    wf_rank_fini(&few);
    wf_rank_fini(&many);
    corpus_free(&c);
}
