/* SPDX-License-Identifier: MIT */

/* Blocking by its formulas, and mode hybrid: what its stages leave, and what they must not lose. */
#include "make.h"

#include "match/matcher_priv.h"
#include "match/score/hybrid.h"

#include <math.h>
#include <weft/blocking.h>
#include <weft/reranker.h>

/* ---- blockers ---- */

static const weft_str bank_aliases[] = {{"Kreditanstalt", 13}};

static const weft_m_entity few[] = {
    {.id = {"0", 1}, .name = {"the red house", 13}},
    {.id = {"1", 1}, .name = {"The blue house on a hill", 24}},
    {.id = {"2", 1}, .name = {"a b", 3}},
    {.id = {"3", 1}, .name = {"Bank", 4}, .aliases = bank_aliases, .alias_count = 1},
    {.id = {"4", 1}, .name = {"hidden", 6}, .text = {"red red wine", 12}},
};
#define FEW (sizeof(few) / sizeof(*few))

static size_t block(const char *kind, const char *text, weft_blocked *found)
{
    weft_blocker *blocker;
    weft_m_error error = {0};
    size_t count;
    int rc = weft_blocker_new(&blocker, kind, few, FEW, NULL, &error);
    note("%s, '%s': %s", kind, text, error.message);
    CHECK_OK(rc);
    CHECK_OK(weft_blocker_block(blocker, str_of(text), FEW, found, &count));
    weft_blocker_free(blocker);
    return count;
}

/* Six rows of 3, 6, 2, 1, 1 and 3 words; "red" is in two of them, once and twice. */
TEST(bm25_is_okapis)
{
    weft_blocked found[FEW];
    CHECK_EQ(block("bm25", "RED unknown", found), 2);
    double idf = log(6 - 2 + 0.5) - log(2 + 0.5), mean = 16.0 / 6, k1 = 1.5, b = 0.75;
    double once = idf * 1 * (k1 + 1) / (1 + k1 * (1 - b + b * 3 / mean));
    double twice = idf * 2 * (k1 + 1) / (2 + k1 * (1 - b + b * 3 / mean));
    CHECK_EQ(found[0].entity, 4);
    CHECK_NEAR((double)found[0].score, twice, 1e-5);
    CHECK_EQ(found[1].entity, 0);
    CHECK_NEAR((double)found[1].score, once, 1e-5);
}

/* Words of one letter do not count; row 0 is "the red house". */
TEST(tfidf_is_a_cosine_of_words)
{
    weft_blocked found[FEW];
    CHECK_EQ(block("tfidf", "red house", found), 3);
    double two = log(7.0 / 3) + 1; /* idf of "the", "red" and "house": each in two rows */
    double row = sqrt(3 * two * two), query = sqrt(2 * two * two);
    CHECK_EQ(found[0].entity, 0);
    CHECK_NEAR((double)found[0].score, 2 * two * two / (row * query), 1e-6);
    CHECK_EQ(block("tfidf", "a b", found), 0);
    CHECK_EQ(block("bm25", "a b", found), 2);
}

/* ---- as others have it ---- */

/* Scores of each row by rank_bm25 0.2.2 (BM25Okapi), scikit-learn 1.9 (TfidfVectorizer: of words of
 * two letters and more; analyzer char_wb with ngram_range (2, 3)) and rapidfuzz (ratio of the
 * sorted words), each of texts in lower case and NFKD. */
static const char *const cans[] = {
    "Grüne Öl Kanne", "Öl ö Kanne 3 l", "rote Tonne Tonne", "Tüte grün", "Salz", "co. KG Salz",
};
#define CANS (sizeof(cans) / sizeof(*cans))

static const struct published {
    const char *kind, *text;
    double scores[CANS];
} published[] = {
    {"bm25", "Kanne öl", {1.14526, 0.874606, 0, 0, 0, 0}},
    {"tfidf", "Kanne öl", {0.75732, 1, 0, 0, 0, 0}},
    {"ngram", "Kanne öl", {0.78975, 0.807169, 0.232573, 0.0249209, 0, 0.0348045}},
    {"fuzzy", "Kanne öl", {72, 72, 40, 30, 30.7692, 30}},
    {"bm25", "ö salz kg", {0, 0.966644, 0, 0, 0.829243, 1.83841}},
    {"tfidf", "ö salz kg", {0, 0, 0, 0, 0.634086, 0.79108}},
    {"ngram", "ö salz kg", {0.140184, 0.335654, 0, 0, 0.644964, 0.65942}},
    {"fuzzy", "ö salz kg", {38.4615, 46.1538, 23.0769, 28.5714, 57.1429, 66.6667}},
    {"bm25", "grüne Tüte tüte", {1.26578, 0, 0, 2.99496, 0, 0}},
    {"tfidf", "grüne Tüte tüte", {0.29205, 0, 0, 0.632456, 0, 0}},
    {"ngram", "grüne Tüte tüte", {0.38163, 0.0567787, 0.234726, 0.885156, 0, 0}},
    {"fuzzy", "grüne Tüte tüte", {58.8235, 35.2941, 47.0588, 75.8621, 0, 13.7931}},
};

static weft_blocker *block_cans(const char *kind, size_t count)
{
    weft_m_entity entities[CANS];
    weft_blocker_options options;
    weft_blocker *blocker;
    for (size_t i = 0; i < count; i++)
        entities[i] = (weft_m_entity){.id = {&"012345"[i], 1}, .name = str_of(cans[i])};
    weft_blocker_options_init(&options);
    options.score_cutoff = 1;
    CHECK_OK(weft_blocker_new(&blocker, kind, entities, count, &options, NULL));
    return blocker;
}

TEST(blockers_score_as_others_do)
{
    for (size_t i = 0; i < sizeof(published) / sizeof(*published); i++) {
        const struct published *it = &published[i];
        weft_blocker *blocker = block_cans(it->kind, CANS);
        weft_blocked found[CANS];
        double scores[CANS] = {0};
        size_t count;
        CHECK_OK(weft_blocker_block(blocker, str_of(it->text), CANS, found, &count));
        for (size_t k = 0; k < count; k++)
            scores[found[k].entity] = (double)found[k].score;
        for (size_t k = 0; k < CANS; k++) {
            note("%s, '%s', '%s'", it->kind, it->text, cans[k]);
            CHECK_NEAR(scores[k], it->scores[k], 1e-5 * (1 + it->scores[k]));
        }
        weft_blocker_free(blocker);
    }
}

/* There Okapi's idf is 0 of a word in half of the rows, and its mean negative of the only row. */
TEST(bm25_finds_in_the_smallest_catalogues)
{
    for (size_t rows = 1; rows <= 2; rows++) {
        weft_blocker *blocker = block_cans("bm25", rows);
        weft_blocked found[CANS];
        size_t count;
        CHECK_OK(weft_blocker_block(blocker, STR("Grüne"), CANS, found, &count));
        CHECK_EQ(count, 1);
        CHECK_EQ(found[0].entity, 0);
        weft_blocker_free(blocker);
    }
}

TEST(fuzzy_minds_neither_order_nor_case)
{
    weft_blocked found[FEW];
    CHECK_EQ(block("fuzzy", "HOUSE the red", found), 1);
    CHECK_EQ(found[0].entity, 0);
    CHECK_NEAR((double)found[0].score, 100, 1e-6);
    /* "bank" and "bnk": 2 * 3 / 7 */
    CHECK_EQ(block("fuzzy", "BNK", found), 1);
    CHECK_EQ(found[0].entity, 3);
    CHECK_NEAR((double)found[0].score, 600.0 / 7, 1e-4);
    CHECK_EQ(block("fuzzy", "xyz", found), 0);
}

TEST(runs_find_what_shares_two_characters)
{
    weft_blocked found[FEW];
    CHECK_EQ(block("ngram", "Kreditanstalten", found), 4); /* the others by "ed" and "n " */
    CHECK_EQ(found[0].entity, 3);                          /* by its alias */
    CHECK_EQ(block("ngram", "bnk", found), 3);             /* the others by " b" */
    CHECK_EQ(found[0].entity, 3);
    CHECK_EQ(block("ngram", "the red house", found), 4);
    CHECK_EQ(found[0].entity, 0);
    CHECK_NEAR((double)found[0].score, 1, 1e-6);
}

TEST(no_blocking_is_the_first_entities)
{
    weft_blocked found[FEW];
    CHECK_EQ(block("none", "whatever", found), FEW);
    for (uint32_t i = 0; i < FEW; i++)
        CHECK_EQ(found[i].entity, i);
}

TEST(blockers_refuse_what_they_do_not_know)
{
    weft_blocker *blocker;
    weft_m_error error;
    weft_blocker_options options;
    weft_blocked found[1];
    size_t count;
    CHECK_EQ(weft_blocker_new(&blocker, "magic", few, FEW, NULL, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "blocking");
    weft_blocker_options_init(&options);
    options.b = (double)NAN;
    CHECK_EQ(weft_blocker_new(&blocker, "bm25", few, FEW, &options, &error), -WEFT_M_EVALID);
    CHECK_EQ(weft_blocker_new(&blocker, "bm25", few, 0, NULL, &error), -WEFT_M_EVALID);
    CHECK_OK(weft_blocker_new(&blocker, "bm25", few, FEW, NULL, &error));
    CHECK_EQ(weft_blocker_block(blocker, STR("a"), 0, found, &count), -WEFT_M_EVALID);
    CHECK_EQ(weft_blocker_block(blocker, STR("\xff"), 1, found, &count), -WEFT_M_EVALID);
    CHECK_OK(weft_blocker_block(blocker, STR(""), 1, found, &count));
    CHECK_EQ(count, 0);
    weft_blocker_free(blocker);
}

/* Every posting list against a walk over all rows. */
TEST(runs_are_scored_as_a_walk_over_all_rows_would)
{
    dice d = {3};
    made m = make_random(&d, 200, 4, 5, 2);
    weft_blocker *blocker;
    CHECK_OK(weft_blocker_new(&blocker, "ngram", m.entities, m.count, NULL, NULL));
    weft_blocked *found = calloc(m.count, sizeof(*found));
    for (size_t i = 0; i < m.count; i += 9) {
        size_t count;
        CHECK_OK(weft_blocker_block(blocker, m.entities[i].name, m.count, found, &count));
        CHECK_NEAR((double)found[0].score, 1, 1e-5); /* the name itself is there */
        for (size_t k = 1; k < count; k++) {
            CHECK(found[k - 1].score >= found[k].score);
            CHECK(found[k].score > 0);
        }
    }
    free(found);
    weft_blocker_free(blocker);
    make_free(&m);
}

/* ---- mode hybrid ---- */

#define COUNT 1500u

struct shop {
    weft_m_entity entities[COUNT];
    weft_str aliases[COUNT];
    char bytes[COUNT][64];
};

/* Names of two made-up words; the one at 1400 is known. */
static struct shop *make_shop(void)
{
    struct shop *shop = calloc(1, sizeof(*shop));
    dice d = {11};
    for (size_t i = 0; i < COUNT; i++) {
        char *at = shop->bytes[i];
        int id = snprintf(at, 8, "%zu", i);
        size_t name = make_name(&d, at + 8, 20, 6);
        shop->entities[i] = (weft_m_entity){.id = {at, (size_t)id}, .name = {at + 8, name}};
    }
    shop->entities[1400].name = STR("Germany");
    shop->aliases[0] = STR("Deutschland");
    shop->entities[1400].aliases = shop->aliases;
    shop->entities[1400].alias_count = 1;
    return shop;
}

static weft_matcher *open_shop(const struct shop *shop, const char *blocking, const char *score)
{
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.mode = STR("hybrid");
    options.blocking = str_of(blocking);
    options.score_kind = str_of(score);
    CHECK_OK(weft_m_open(&matcher, shop->entities, COUNT, &options, NULL));
    return matcher;
}

/* The id of the best hit at threshold 0, or "". */
static void check_best(weft_matcher *matcher, const char *text, const char *id)
{
    weft_m_query query;
    weft_m_results *results;
    weft_str asked = str_of(text);
    size_t count;
    weft_m_query_init(&query);
    query.threshold = 0;
    note("'%s' is %s", text, id);
    CHECK_OK(weft_m_match(matcher, &asked, 1, &query, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    CHECK_EQ(count, 1);
    CHECK_EQ(hits[0].id.len, strlen(id));
    CHECK_EQ(memcmp(hits[0].id.ptr, id, hits[0].id.len), 0);
    CHECK(isnan(hits[0].rerank));
    weft_m_results_free(results);
}

/* The defects of the system this one follows, each with every blocker: entities behind the
 * thousandth; aliases; capitals; a slip in a name of one word. */
TEST(hybrid_finds_the_1401st_entity_by_name_alias_capitals_and_with_a_slip)
{
    static const char *const kinds[] = {"ngram", "bm25", "tfidf", "fuzzy", "none"};
    struct shop *shop = make_shop();
    for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
        weft_matcher *matcher = open_shop(shop, kinds[i], "probability");
        note("%s", kinds[i]);
        check_best(matcher, "Germany", "1400");
        check_best(matcher, "Deutschland", "1400");
        check_best(matcher, "GERMANY", "1400");
        check_best(matcher, "Germny", "1400");
        weft_m_close(matcher);
    }
    free(shop);
}

/* What blocking ranks high is not all there is: DECOYS entities share more of a text, as it sees
 * it, than the one that is meant, which is the entity at 1400. */
#define DECOYS 80u

static void put_decoys(struct shop *shop, const char *word)
{
    for (size_t i = 0; i < DECOYS; i++) {
        char *at = shop->bytes[i] + 32;
        int len = snprintf(at, 32, "%s %.*s", word, (int)shop->entities[i].name.len,
                           shop->entities[i].name.ptr);
        shop->entities[i].name = (weft_str){at, (size_t)len};
    }
}

/* Asks with room for fewer than there are decoys; the entity at 1400 is the best. */
static void check_meant(struct shop *shop, const char *blocking, const char *score,
                        const char *text, size_t candidate_count)
{
    weft_matcher *matcher = open_shop(shop, blocking, score);
    weft_str ids[COUNT], asked = str_of(text);
    weft_m_query query;
    weft_m_results *results;
    size_t count;
    weft_m_query_init(&query);
    query.threshold = 0;
    query.blocking_top_k = 60;
    for (size_t i = 0; i < candidate_count; i++)
        ids[i] = i == 0 ? shop->entities[1400].id : shop->entities[i - 1].id;
    query.candidates = candidate_count != 0 ? ids : NULL;
    query.candidate_count = candidate_count;
    note("%s: %s", blocking, text);
    CHECK_OK(weft_m_match(matcher, &asked, 1, &query, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    CHECK(count == 1 && hits[0].entity == 1400);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

/* Blockers see words and letters as they are written.  A row that is equal but for signs, accents
 * and script, and one whose initials a text is, are found all the same. */
TEST(hybrid_loses_nobody_who_is_equal_or_has_these_initials)
{
    static const struct {
        const char *blocking, *decoy, *name, *text;
    } cases[] = {
        {"bm25", "shi", "Chiba-shi", "chiba shi"},
        {"ngram", "Sct", "Santa Cruz Tenerife", "SCT"},
        {"ngram", "мос", "Moskva", "Москва"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct shop *shop = make_shop();
        put_decoys(shop, cases[i].decoy);
        shop->entities[1400].name = str_of(cases[i].name);
        check_meant(shop, cases[i].blocking, "probability", cases[i].text, 0);
        check_meant(shop, cases[i].blocking, "probability", cases[i].text, 56);
        free(shop);
    }
}

/* Blocking looks for the best among the candidates, not for candidates among the best. */
TEST(hybrid_blocks_among_the_candidates)
{
    struct shop *shop = make_shop();
    put_decoys(shop, "alpha");
    shop->entities[1400].name = STR("alpha germanys or whatever else there is");
    check_meant(shop, "bm25", "cosine", "alpha germany", 56);
    free(shop);
}

TEST(hybrid_answers_one_text_as_it_does_a_list)
{
    struct shop *shop = make_shop();
    weft_matcher *matcher = open_shop(shop, "bm25", "cosine");
    const weft_str list[] = {STR("GERMANY"), STR("deutschland"), STR("Germny x")};
    weft_m_query query;
    weft_m_query_init(&query);
    query.threshold = 0;
    weft_text all;
    CHECK_OK(weft_m_batch_json(matcher, list, 3, &query, 2, &all, NULL));
    const char *at = all.ptr + 1;
    for (size_t i = 0; i < 3; i++) {
        weft_text one;
        CHECK_OK(weft_m_match_json(matcher, list[i], &query, &one, NULL));
        note("%s in %s", one.ptr, at);
        CHECK_EQ(strncmp(at, one.ptr, one.len), 0);
        at += one.len + 1;
        weft_text_free(&one);
    }
    weft_text_free(&all);
    weft_m_close(matcher);
    free(shop);
}

TEST(hybrid_has_no_threshold_but_the_callers)
{
    struct shop *shop = make_shop();
    weft_matcher *matcher = open_shop(shop, "ngram", "cosine");
    const weft_str asked = STR("Germ any");
    size_t count[2];
    for (size_t i = 0; i < 2; i++) {
        weft_m_results *results;
        CHECK_OK(weft_m_set_threshold(matcher, i == 0 ? 0.95f : 0.2f, NULL));
        CHECK_OK(weft_m_match(matcher, &asked, 1, NULL, &results, NULL));
        weft_m_results_hits(results, 0, &count[i]);
        weft_m_results_free(results);
    }
    CHECK_EQ(count[0], 0);
    CHECK_EQ(count[1], 1);
    weft_m_close(matcher);
    free(shop);
}

/* Whatever blocking leaves out had less in common; so what it leaves has the same scores. */
TEST(hybrid_gives_the_scores_of_its_score_kind)
{
    struct shop *shop = make_shop();
    weft_matcher *hybrid = open_shop(shop, "ngram", "cosine"), *plain;
    weft_m_options options;
    weft_m_options_init(&options);
    options.score_kind = STR("cosine");
    CHECK_OK(weft_m_open(&plain, shop->entities, COUNT, &options, NULL));
    weft_m_query query;
    weft_m_query_init(&query);
    query.threshold = 0.3f;
    for (size_t i = 0; i < COUNT; i += 101) {
        weft_text left, right;
        CHECK_OK(weft_m_match_json(hybrid, shop->entities[i].name, &query, &left, NULL));
        CHECK_OK(weft_m_match_json(plain, shop->entities[i].name, &query, &right, NULL));
        CHECK_STR(left.ptr, right.ptr);
        weft_text_free(&left);
        weft_text_free(&right);
    }
    weft_m_close(hybrid);
    weft_m_close(plain);
    free(shop);
}

TEST(hybrid_obeys_candidates_and_says_what_it_is)
{
    struct shop *shop = make_shop();
    weft_matcher *matcher = open_shop(shop, "ngram", "auto");
    const weft_str ids[] = {STR("3"), STR("1400")}, asked = shop->entities[7].name;
    weft_m_query query;
    weft_m_results *results;
    size_t count;
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = 5;
    query.candidates = ids;
    query.candidate_count = 2;
    CHECK_OK(weft_m_match(matcher, &asked, 1, &query, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    for (size_t i = 0; i < count; i++)
        CHECK(hits[i].entity == 3 || hits[i].entity == 1400);
    weft_m_results_free(results);
    weft_m_info info = {.size = sizeof(info)};
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_STR(info.active_mode, "hybrid");
    CHECK_STR(info.mode, "hybrid");
    CHECK_STR(info.active_matcher, "HybridMatcher");
    weft_m_close(matcher);
    free(shop);
}

TEST(hybrid_is_the_same_out_of_its_file_and_after_a_change)
{
    struct shop *shop = make_shop();
    weft_matcher *matcher = open_shop(shop, "tfidf", "probability"), *loaded;
    const weft_m_entity more = {.id = STR("new"), .name = STR("Kingdom of Ruritania")};
    const weft_str gone = STR("1400");
    weft_bytes bytes;
    wf_pack *pack = calloc(1, sizeof(*pack));
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    CHECK_OK(wf_matcher_pack(matcher, snapshot, NULL, pack));
    CHECK_OK(wf_pack_make(pack, &bytes));
    CHECK_OK(wf_matcher_of_bytes(&loaded, bytes.ptr, bytes.len, NULL));
    check_best(loaded, "Germny", "1400");
    CHECK_OK(weft_m_add(loaded, &more, 1, NULL));
    check_best(loaded, "ruritania", "new");
    CHECK_OK(weft_m_remove(loaded, &gone, 1, NULL));
    weft_m_info info = {.size = sizeof(info)};
    CHECK_OK(weft_m_info_get(loaded, &info));
    CHECK_STR(info.active_mode, "hybrid");
    CHECK_OK(weft_m_fit(loaded, NULL, 0, &(weft_m_fit_options){.size = sizeof(size_t)}, NULL));
    weft_bytes_free(&bytes);
    wf_pack_fini(pack);
    free(pack);
    wf_snapshot_unref(snapshot);
    weft_m_close(matcher);
    weft_m_close(loaded);
    free(shop);
}

/* ---- reranking ---- */

/* The longer a text, the better. */
static int by_length(void *self, weft_str query, const weft_str *texts, size_t count, float *out,
                     const wf_job *job)
{
    size_t *asked = self;
    (void)query;
    (void)job;
    *asked += count;
    for (size_t i = 0; i < count; i++)
        out[i] = (float)texts[i].len;
    return 0;
}

TEST(a_reranker_orders_what_retrieval_leaves)
{
    static const weft_m_entity houses[] = {
        {.id = {"a", 1}, .name = {"red house", 9}},
        {.id = {"b", 1}, .name = {"red house at the sea", 20}},
        {.id = {"c", 1}, .name = {"a boat", 6}},
        {.id = {"d", 1}, .name = {"red houses", 10}},
    };
    const wf_limits limits = {.entity_count_max = 100, .text_bytes_max = 1000};
    const wf_job job = {0};
    weft_m_options options;
    wf_catalogue *catalogue;
    wf_scorer *scorer;
    wf_seekers seekers;
    size_t asked = 0;
    weft_m_options_init(&options);
    wf_seekers_init(&seekers);
    wf_seeker *seeker = wf_seekers_take(&seekers);
    CHECK_OK(wf_catalogue_new(&catalogue, houses, 4, &limits, NULL));
    CHECK_OK(wf_hybrid_create_with(&scorer, &wf_scorer_cosine, catalogue, &options, WF_BLOCK_NGRAM,
                                   (wf_rerank){by_length, &asked}));
    int rc;
    while ((rc = scorer->cls->build(scorer, seeker, &job)) > 0)
        CHECK_GE(scorer->total, scorer->done);
    CHECK_OK(rc);
    CHECK_EQ(scorer->done, scorer->total);
    wf_ask ask = {.raw = STR("red house"), .top_k = 2, .threshold = 0.3f, .job = &job};
    CHECK_OK(wf_seeker_read(seeker, &options, ask.raw));
    CHECK_OK(scorer->cls->find(scorer, seeker, &ask));
    CHECK(seeker->rank.is_reranked);
    CHECK_EQ(asked, 3); /* those above the threshold by their score */
    CHECK_EQ(seeker->rank.count, 2);
    CHECK_EQ(seeker->rank.found[0].entity, 1);
    CHECK_EQ(seeker->rank.found[1].entity, 3);
    CHECK_NEAR((double)seeker->rank.found[0].rerank, 20, 1e-6);
    ask.final_top_k = 1;
    ask.retrieval_top_k = 2;
    CHECK_OK(wf_seeker_read(seeker, &options, ask.raw));
    CHECK_OK(scorer->cls->find(scorer, seeker, &ask));
    CHECK_EQ(asked, 5);
    CHECK_EQ(seeker->rank.count, 1);
    wf_scorer_unref(scorer);
    wf_catalogue_unref(catalogue);
    wf_seekers_give(&seekers, seeker);
    wf_seekers_fini(&seekers);
}

static int longest_first(void *self, weft_str query, const weft_str *texts, size_t count,
                         float *out)
{
    size_t asked = 0;
    (void)self;
    return by_length(&asked, query, texts, count, out, NULL);
}

static const weft_reranker_class longest = {
    .size = sizeof(weft_reranker_class), .kind = "longest", .score = longest_first};

TEST(a_matcher_with_a_reranker_shows_both_scores)
{
    struct shop *shop = make_shop();
    weft_reranker *reranker;
    weft_matcher *matcher;
    weft_m_options options;
    weft_m_query query;
    weft_text out;
    weft_m_options_init(&options);
    CHECK_OK(weft_reranker_new(&reranker, &longest, "longest", NULL));
    options.mode = STR("hybrid");
    options.reranker = reranker;
    CHECK_OK(weft_m_open(&matcher, shop->entities, COUNT, &options, NULL));
    weft_reranker_unref(reranker);
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = 3;
    CHECK_OK(weft_m_match_json(matcher, STR("Deutschland"), &query, &out, NULL));
    const char *score = strstr(out.ptr, "\"cross_encoder_score\":");
    CHECK(score != NULL);
    CHECK(strstr(score + 1, "\"cross_encoder_score\":") != NULL);
    weft_text_free(&out);
    weft_m_close(matcher);
    free(shop);
}

static int no_numbers(void *self, weft_str query, const weft_str *texts, size_t count, float *out)
{
    (void)self, (void)query, (void)texts;
    for (size_t i = 0; i < count; i++)
        out[i] = i % 2 == 0 ? NAN : 1;
    return 0;
}

static const weft_reranker_class broken = {
    .size = sizeof(weft_reranker_class), .kind = "broken", .score = no_numbers};

/* There is no order among numbers that are none. */
TEST(a_reranker_whose_scores_are_not_finite_ends_the_call)
{
    struct shop *shop = make_shop();
    weft_reranker *reranker;
    weft_matcher *matcher;
    weft_m_options options;
    weft_m_error error;
    weft_text out;
    weft_m_options_init(&options);
    CHECK_OK(weft_reranker_new(&reranker, &broken, "broken", NULL));
    options.mode = STR("hybrid");
    options.reranker = reranker;
    CHECK_OK(weft_m_open(&matcher, shop->entities, COUNT, &options, NULL));
    weft_reranker_unref(reranker);
    CHECK_EQ(weft_m_match_json(matcher, STR("Deutschland"), NULL, &out, &error), -WEFT_M_EMODEL);
    CHECK(strstr(error.message, "not finite") != NULL);
    weft_m_close(matcher);
    free(shop);
}
