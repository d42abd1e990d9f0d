/* SPDX-License-Identifier: MIT */

/* What is new to a catalogue: the guarantees, whatever the strategy. */
#include "make.h"

#include "match/matcher_priv.h"
#include "match/novelty/perturb.h"

#include <math.h>
#include <stdio.h>
#include <strings.h>
#include <unistd.h>
#include <weft/novelty.h>
#include <weft/run.h>
#include <weft/task.h>

static const char *const strategies[] = {
    "calibrated",  "confidence", "uncertainty", "knn_distance", "setfit_centroid", "energy_ood",
    "mahalanobis", "lof",        "oneclass",    "clustering",   "pattern",
};
#define STRATEGY_COUNT (sizeof(strategies) / sizeof(*strategies))

static weft_matcher *open_made(const made *m)
{
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, m->entities, m->count, NULL, NULL));
    return matcher;
}

static made make_all_names(size_t count)
{
    dice d = {5};
    return make_random(&d, count, 20, 7, 2);
}

/* Fewer, where few are enough: each takes its time to calibrate. */
static made make_names(size_t count)
{
    return make_all_names(test_amount(count, count / 3 + 1));
}

/* Options with this strategy, or all of them. */
static weft_m_novelty_options options_with(const char *strategy, weft_str list[STRATEGY_COUNT])
{
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.strategies = list;
    options.strategy_count = strategy != NULL ? 1 : STRATEGY_COUNT;
    for (size_t i = 0; i < options.strategy_count; i++)
        list[i] = str_of(strategy != NULL ? strategy : strategies[i]);
    return options;
}

static weft_m_results *judge(weft_matcher *matcher, const weft_str *texts, size_t count,
                             const weft_m_novelty_options *options)
{
    weft_m_results *results;
    weft_m_error error;
    int rc = weft_m_novelty(matcher, texts, count, options, &results, &error);
    if (rc < 0)
        fprintf(stderr, "%s\n", error.message);
    CHECK_OK(rc);
    return results;
}

static void check_exact(const char *strategy, const char *combine)
{
    made m = make_names(16);
    weft_matcher *matcher = open_made(&m);
    weft_str list[STRATEGY_COUNT];
    weft_m_novelty_options options = options_with(strategy, list);
    options.alpha = 0.5;
    options.combine = combine != NULL ? str_of(combine) : (weft_str){0};
    for (size_t i = 0; i < m.count; i++) {
        const weft_m_entity *entity = &m.entities[i];
        weft_str texts[3] = {entity->name};
        size_t count = 1 + entity->alias_count;
        for (size_t k = 0; k < entity->alias_count; k++)
            texts[1 + k] = entity->aliases[k];
        weft_m_results *results = judge(matcher, texts, count, &options);
        for (size_t k = 0; k < count; k++) {
            const weft_m_novelty_result *it = weft_m_results_novelty(results, k);
            CHECK(!it->is_novel);
            CHECK(it->is_match);
            CHECK(it->novel_score == 0);
            CHECK_STR(it->method, "accepted_known");
            for (size_t s = 0; s < it->signal_count; s++)
                CHECK(!it->signals[s].is_novel);
        }
        weft_m_results_free(results);
    }
    weft_m_close(matcher);
    make_free(&m);
}

TEST(M72_an_exact_name_or_alias_is_never_novel_by_any_strategy)
{
    check_exact("calibrated", NULL);
    check_exact(NULL, NULL); /* each strategy's own signal is looked at */
}

/* The scorer may find another row best, or none at all: cosines mind accents, signs and script. */
TEST(M72_a_name_in_other_letters_is_never_novel_whatever_scores_it)
{
    static const char *const kinds[] = {"probability", "cosine"}, *const modes[] = {"zero-shot",
                                                                                    "hybrid"};
    const weft_m_entity entities[] = {
        {.id = STR("1"), .name = STR("Pérou")},
        {.id = STR("2"), .name = STR("Москва")},
        {.id = STR("3"), .name = STR("Republic of Nauru")},
        {.id = STR("4"), .name = STR("Banca S.p.A.")},
        {.id = STR("5"), .name = STR("Straße")},
    };
    const weft_str texts[] = {STR("PEROU"), STR("Moskva"), STR("republic-of-nauru!"),
                              STR("banca spa"), STR("STRASSE")};
    for (size_t i = 0; i < 4; i++) {
        weft_m_options options;
        weft_m_novelty_options asked;
        weft_matcher *matcher;
        weft_m_options_init(&options);
        weft_m_novelty_options_init(&asked);
        options.score_kind = str_of(kinds[i % 2]);
        options.mode = str_of(modes[i / 2]);
        asked.alpha = 0.99;
        CHECK_OK(weft_m_open(&matcher, entities, 5, &options, NULL));
        weft_m_results *results = judge(matcher, texts, 5, &asked);
        for (size_t k = 0; k < 5; k++) {
            const weft_m_novelty_result *it = weft_m_results_novelty(results, k);
            note("%s %s: %s", kinds[i % 2], modes[i / 2], texts[k].ptr);
            CHECK(!it->is_novel && it->novel_score == 0 && it->p_value == 1);
        }
        weft_m_results_free(results);
        weft_m_close(matcher);
    }
}

TEST(M72_an_exact_name_is_never_novel_however_signals_are_combined)
{
    check_exact(NULL, "union");
    check_exact(NULL, "intersection");
    check_exact(NULL, "voting");
    check_exact(NULL, "meta_learner");
}

static int perturb(const made *m, size_t entity, uint64_t seed, wf_buf *out)
{
    return wf_perturb(m->entities[entity].name, m->entities[seed % m->count].name, WF_POINTS_A_SLIP,
                      seed, out);
}

/* Fresh perturbations of all rows, judged by the first strategies together; of each, and of the
 * combination, how many are taken for novel. */
static void count_alarms(const weft_m_novelty_options *options, size_t names, size_t count,
                         size_t alarms[STRATEGY_COUNT + 1])
{
    wf_buf *bufs = calloc(count, sizeof(*bufs));
    weft_str *texts = calloc(count, sizeof(*texts));
    made m = make_all_names(names);
    weft_matcher *matcher = open_made(&m);
    for (size_t i = 0; i < count; i++) {
        CHECK_OK(perturb(&m, i * 7 % m.count, 1000000 + i, &bufs[i]));
        texts[i] = (weft_str){wf_buf_ptr(&bufs[i]), wf_buf_bytes(&bufs[i])};
    }
    weft_m_results *results = judge(matcher, texts, count, options);
    for (size_t i = 0; i < count; i++) {
        const weft_m_novelty_result *it = weft_m_results_novelty(results, i);
        for (size_t s = 0; s < options->strategy_count; s++)
            alarms[s] += it->signals[s].is_novel;
        alarms[STRATEGY_COUNT] += it->is_novel;
        wf_buf_fini(&bufs[i]);
    }
    weft_m_results_free(results);
    weft_m_close(matcher);
    make_free(&m);
    free(bufs);
    free(texts);
}

static void check_alarms(const char *combine, const char *calibration, size_t strategy_count)
{
    const size_t count = test_amount(400, 100);
    const double alpha = 0.1;
    size_t alarms[STRATEGY_COUNT + 1] = {0};
    weft_str list[STRATEGY_COUNT];
    weft_m_novelty_options options = options_with(NULL, list);
    options.strategy_count = strategy_count;
    options.alpha = alpha;
    options.combine = str_of(combine);
    options.calibration = str_of(calibration);
    /* Two samples, the 1,000 and these, have an error each. */
    double sigma = sqrt(alpha * (1 - alpha) * (1 / (double)count + 1 / 1000.0));
    count_alarms(&options, test_amount(80, 27), count, alarms);
    for (size_t i = 0; i <= STRATEGY_COUNT; i++)
        CHECK((double)alarms[i] / (double)count <= alpha + 3 * sigma);
}

/* Capitals and signs do not count where texts are compared; most slips must. */
TEST(M72_most_slips_show_in_texts_of_one_word_too)
{
    enum { COUNT = 400 };
    static const char *const words[] = {"germany", "united arab emirates"};
    for (size_t w = 0; w < 2; w++) {
        const weft_str text = str_of(words[w]), other = STR("nowhere");
        size_t equal = 0, added = 0;
        wf_buf buf = {0};
        for (uint64_t seed = 0; seed < COUNT; seed++) {
            CHECK_OK(wf_perturb(text, other, WF_POINTS_A_SLIP, seed, &buf));
            size_t len = wf_buf_bytes(&buf);
            bool has_sign = len == text.len + 1 && wf_buf_ptr(&buf)[text.len] == '.';
            equal += (len == text.len || has_sign) &&
                     strncasecmp(wf_buf_ptr(&buf), text.ptr, text.len) == 0;
            added += memmem(wf_buf_ptr(&buf), len, "nowh", 4) != NULL;
        }
        CHECK(equal > COUNT / 50);
        CHECK(equal < COUNT / 4);
        CHECK((added > 0) == (w == 1));
        wf_buf_fini(&buf);
    }
}

TEST(M72_slips_leave_something_of_any_text)
{
    static const char *const texts[] = {"a", "ab", "a b", " ",
                                        "",  "--", "ü",   "a  b\tc d e f g h i j"};
    wf_buf buf = {0};
    for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
        for (uint64_t seed = 0; seed < 200; seed++) {
            CHECK_OK(wf_perturb(str_of(texts[i]), str_of(texts[seed % 8]), WF_POINTS_A_SLIP, seed,
                                &buf));
            CHECK(strlen(texts[i]) < 3 || wf_buf_bytes(&buf) > 0);
        }
    }
    wf_buf_fini(&buf);
}

static const char *a_word(dice *d, char out[8])
{
    size_t len = 3 + roll(d, 4);
    for (size_t i = 0; i < len; i++)
        out[i] = (char)('a' + roll(d, 20));
    out[len] = '\0';
    return out;
}

/* Entities have three names that share a word; the third is not told. */
TEST(M72_names_that_were_not_told_raise_few_alarms)
{
    enum { COUNT = 300 };
    static char names[COUNT][3][16];
    static weft_m_entity entities[COUNT];
    static weft_str aliases[COUNT], untold[COUNT];
    const double alpha = 0.1;
    dice d = {23};
    for (size_t i = 0; i < COUNT; i++) {
        char shared[8], own[8];
        a_word(&d, shared);
        for (size_t k = 0; k < 3; k++)
            snprintf(names[i][k], sizeof(names[i][k]), "%.7s %.7s", shared, a_word(&d, own));
        aliases[i] = str_of(names[i][1]);
        untold[i] = str_of(names[i][2]);
        entities[i] = (weft_m_entity){.id = str_of(names[i][0]),
                                      .name = str_of(names[i][0]),
                                      .aliases = &aliases[i],
                                      .alias_count = 1};
    }
    weft_matcher *matcher;
    weft_m_novelty_options options;
    size_t alarms = 0;
    weft_m_novelty_options_init(&options);
    options.alpha = alpha;
    CHECK_OK(weft_m_open(&matcher, entities, COUNT, NULL, NULL));
    weft_m_results *results = judge(matcher, untold, COUNT, &options);
    for (size_t i = 0; i < COUNT; i++)
        alarms += weft_m_results_novelty(results, i)->is_novel;
    /* Half of the known sample is like these; the other half may be easier. */
    CHECK((double)alarms / COUNT <= 2 * alpha + 3 * sqrt(2 * alpha / COUNT));
    weft_m_results_free(results);
    weft_m_close(matcher);
}

/* Whoever is "last, first" too is no news in that order, which says nothing of slips: with half the
 * sample such, twice alpha of them would be alarms. */
TEST(M72_a_slip_raises_no_more_alarms_where_aliases_are_names_in_another_order)
{
    enum { COUNT = 150, TEXTS = 300, SOME = 3 };
    static char names[COUNT][2][20], texts[TEXTS][20];
    static weft_m_entity entities[COUNT];
    static weft_str aliases[COUNT], asked[TEXTS];
    weft_str list[] = {STR("knn_distance"), STR("mahalanobis"), STR("pattern")};
    const double alpha = 0.1, sigma = sqrt(alpha * (1 - alpha) * (1.0 / TEXTS + 1 / 500.0));
    dice d = {31};
    for (size_t i = 0; i < COUNT; i++) {
        char first[8], last[8];
        a_word(&d, first);
        a_word(&d, last);
        snprintf(names[i][0], sizeof(names[i][0]), "%.7s %.7s", first, last);
        snprintf(names[i][1], sizeof(names[i][1]), "%.7s, %.7s", last, first);
        aliases[i] = str_of(names[i][1]);
        entities[i] = (weft_m_entity){.id = str_of(names[i][0]),
                                      .name = str_of(names[i][0]),
                                      .aliases = &aliases[i],
                                      .alias_count = 1};
    }
    for (size_t i = 0; i < TEXTS; i++) {
        memcpy(texts[i], names[i % COUNT][0], sizeof(texts[i]));
        char *letter = texts[i] + roll(&d, strlen(texts[i]));
        *letter = (char)(*letter == ' ' ? '-' : 'a' + (*letter - 'a' + 1 + (int)roll(&d, 25)) % 26);
        asked[i] = str_of(texts[i]);
    }
    weft_matcher *matcher;
    weft_m_novelty_options options;
    size_t alarms[SOME + 1] = {0};
    weft_m_novelty_options_init(&options);
    options.alpha = alpha;
    options.strategies = list;
    options.strategy_count = SOME;
    CHECK_OK(weft_m_open(&matcher, entities, COUNT, NULL, NULL));
    weft_m_results *results = judge(matcher, asked, TEXTS, &options);
    for (size_t i = 0; i < TEXTS; i++) {
        const weft_m_novelty_result *it = weft_m_results_novelty(results, i);
        for (size_t s = 0; s < SOME; s++)
            alarms[s] += it->signals[s].is_novel;
        alarms[SOME] += it->is_novel;
    }
    for (size_t s = 0; s <= SOME; s++) {
        note("%zu: %zu", s, alarms[s]);
        CHECK((double)alarms[s] / TEXTS <= alpha + 3 * sigma);
    }
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(M72_false_alarms_stay_at_alpha_for_every_strategy)
{
    check_alarms("weighted", "split", STRATEGY_COUNT);
}

TEST(M75_false_alarms_stay_at_alpha_by_number_of_words)
{
    check_alarms("meta_learner", "mondrian", STRATEGY_COUNT);
}

TEST(M74_false_alarms_stay_at_alpha_however_signals_are_combined)
{
    enum { SOME = 5 };
    check_alarms("union", "split", SOME);
    check_alarms("intersection", "split", SOME);
    check_alarms("voting", "split", SOME);
}

/* Any of many strategies may say that nothing of the sample is as new; a text of the sample must be
 * able to be that text, or each strategy brings 1 / (sample + 1) of alarms at any alpha. */
TEST(M74_false_alarms_stay_at_a_small_alpha_where_the_sample_is_small)
{
    enum { NAMES = 16, SAMPLE = 200 };
    const size_t count = test_amount(1500, 500);
    const double most = (double)count / (SAMPLE + 1);
    size_t alarms[STRATEGY_COUNT + 1] = {0};
    weft_str list[STRATEGY_COUNT];
    weft_m_novelty_options options = options_with(NULL, list);
    options.alpha = 1.5 / (SAMPLE + 1);
    options.combine = STR("union");
    options.calibration = STR("split");
    count_alarms(&options, NAMES, count, alarms);
    note("%zu", alarms[STRATEGY_COUNT]);
    CHECK((double)alarms[STRATEGY_COUNT] <= most + 3 * sqrt(most));
}

/* Names of other letters have nothing in common with those of the catalogue. */
TEST(M73_every_strategy_puts_strangers_above_misspelt_names)
{
    enum { COUNT = 60 };
    static char strange[COUNT][24];
    static wf_buf bufs[COUNT];
    made m = make_all_names(test_amount(200, 120));
    weft_matcher *matcher = open_made(&m);
    weft_str texts[2 * COUNT], list[STRATEGY_COUNT];
    dice d = {11};
    for (size_t i = 0; i < COUNT; i++) {
        unsigned long long first = roll(&d, 9999), second = roll(&d, 99), third = roll(&d, 999);
        snprintf(strange[i], sizeof(strange[i]), "%llu-%llu QZ%llu", first, second, third);
        CHECK_OK(perturb(&m, i, 77 + i, &bufs[i]));
        texts[i] = (weft_str){wf_buf_ptr(&bufs[i]), wf_buf_bytes(&bufs[i])};
        texts[COUNT + i] = str_of(strange[i]);
    }
    weft_m_novelty_options options = options_with(NULL, list);
    weft_m_results *results = judge(matcher, texts, 2 * COUNT, &options);
    for (size_t s = 0; s < STRATEGY_COUNT; s++) {
        double above = 0;
        for (size_t a = 0; a < COUNT; a++) {
            double known = weft_m_results_novelty(results, a)->signals[s].score;
            for (size_t b = 0; b < COUNT; b++) {
                double novel = weft_m_results_novelty(results, COUNT + b)->signals[s].score;
                above += novel > known ? 1 : novel == known ? 0.5 : 0;
            }
        }
        /* Names at random have no clusters to be far from; of half a name it is as uncertain what
         * it means. */
        bool is_weak =
            strcmp(strategies[s], "clustering") == 0 || strcmp(strategies[s], "uncertainty") == 0;
        double least = is_weak ? 0.6 : 0.75;
        note("%s: %.3f", strategies[s], above / COUNT / COUNT);
        CHECK(above >= least * COUNT * COUNT);
    }
    for (size_t i = 0; i < COUNT; i++)
        wf_buf_fini(&bufs[i]);
    weft_m_results_free(results);
    weft_m_close(matcher);
    make_free(&m);
}

/* ---- figures of others ---- */

#define POINTS 40u
#define POINT_DIMS 8

/* A point of whole numbers, the others 0. */
static void put_point(size_t i, wf_spot *out)
{
    int32_t sum = 0;
    *out = (wf_spot){0};
    for (size_t k = 0; k < POINT_DIMS; k++) {
        out->at[k] = (int8_t)((int)((i * 37 + k * 59 + i * k * 13) % 101) - 50);
        sum += out->at[k] * out->at[k];
    }
    out->inverse = (float)(1 / sqrt((double)sum));
}

/* Points, each an entity's only one and so its centre. */
static void make_ground(wf_ground *out, wf_catalogue *catalogue)
{
    static wf_spot spots[POINTS];
    static uint32_t entity_of[POINTS];
    static float lengths[POINTS];
    for (size_t i = 0; i < POINTS; i++) {
        put_point(i, &spots[i]);
        entity_of[i] = (uint32_t)i;
        lengths[i] = 1;
    }
    *catalogue = (wf_catalogue){.entity_count = POINTS};
    *out = (wf_ground){.catalogue = catalogue,
                       .spots = spots,
                       .entity_of = entity_of,
                       .count = POINTS,
                       .centres = spots,
                       .lengths = lengths};
}

static double score_point(const wf_novel_class *cls, const void *state, const wf_ground *ground,
                          size_t point)
{
    static wf_novel_query query;
    const wf_novel_params params = {.neighbours = 3};
    const wf_job job = {0};
    double score = -1;
    query = (wf_novel_query){.ground = ground,
                             .params = &params,
                             .job = &job,
                             .absent = {WF_NO_ENTITY, WF_NO_REFERENCE}};
    put_point(point, &query.spot);
    wf_spot_read(&query.spot, query.vector);
    query.near_count = (size_t)wf_ground_near(ground, &query.spot, query.absent, query.near,
                                              params.neighbours, &job);
    CHECK_OK(cls->score(state, &query, &score));
    return score;
}

/* The same points given to scikit-learn 1.9.1, padded with zeros to 256 numbers and made 1 long:
 * NearestNeighbors(3, metric="cosine"), the mean; LocalOutlierFactor(20, metric="cosine",
 * novelty=True), -score_samples; OneClassSVM(nu=.1, gamma=1 / (1 - |mean|^2), tol=1e-9),
 * -decision_function / (nu * 40); ShrunkCovariance(.1 / 1.1), the root of the distance from the
 * nearest point with its precision / 1.1.  scipy 1.17.1: -logsumexp(25 * cosines). */
TEST(M73_strategies_give_the_figures_of_scikit_learn)
{
    static const size_t points[] = {100, 151, 207};
    static const struct {
        const wf_novel_class *cls;
        double expected[3], within;
    } table[] = {
        {&wf_novel_knn, {0.30710223, 0.29112122, 0.31947727}, 1e-6},
        {&wf_novel_lof, {1.08810269, 1.01825207, 1.10723539}, 1e-6},
        {&wf_novel_oneclass, {3.65797265e-03, 8.09461567e-03, -4.43615727e-10}, 1e-4},
        {&wf_novel_mahalanobis, {0.65556001, 1.26742404, 0}, 1e-3},
        {&wf_novel_energy, {-24.40524331, -23.07865868, -25.00001313}, 1e-5},
        {&wf_novel_centroid, {0.02379293, 0.07690051, 0}, 1e-6},
    };
    const wf_job job = {0};
    wf_catalogue catalogue;
    wf_ground ground;
    make_ground(&ground, &catalogue);
    for (size_t s = 0; s < sizeof(table) / sizeof(*table); s++) {
        const wf_novel_class *cls = table[s].cls;
        void *state = NULL;
        if (cls->make != NULL)
            CHECK_OK(cls->make(&state, &ground, NULL, &job));
        for (size_t i = 0; i < 3; i++) {
            note("%s of point %zu", cls->id, points[i]);
            CHECK_NEAR(score_point(cls, state, &ground, points[i]), table[s].expected[i],
                       table[s].within);
        }
        if (cls->destroy != NULL)
            cls->destroy(state);
    }
}

/* A centre without one of its points is the mean of the others. */
TEST(M72_a_centre_lacks_what_is_seen_as_absent)
{
    enum { POINT = 3, OTHER = 4 };
    static wf_spot centre;
    const wf_absent none = {WF_NO_ENTITY, WF_NO_REFERENCE}, absent = {WF_NO_ENTITY, POINT};
    float sum[WF_SPACE_DIM], other[WF_SPACE_DIM], out[WF_SPACE_DIM];
    double squares = 0, both = 0, alone = 0;
    wf_catalogue catalogue;
    wf_ground ground;
    make_ground(&ground, &catalogue);
    wf_spot_read(&ground.spots[POINT], sum);
    wf_spot_read(&ground.spots[OTHER], other);
    for (size_t k = 0; k < WF_SPACE_DIM; k++) {
        sum[k] += other[k];
        squares += (double)sum[k] * (double)sum[k];
    }
    wf_spot_of(sum, &centre);
    ground.entity_of[POINT] = 0;
    ground.centres = &centre;
    ground.lengths[0] = (float)sqrt(squares);
    wf_ground_read_centre(&ground, 0, none, out);
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        both += (double)out[k] * (double)sum[k];
    CHECK_NEAR(both, sqrt(squares), 1e-3);
    wf_ground_read_centre(&ground, 0, absent, out);
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        alone += (double)out[k] * (double)other[k];
    CHECK_NEAR(alone, 1, 1e-3);
}

/* ---- what is asked ---- */

TEST(M71_decisions_come_in_the_order_of_the_rules)
{
    const weft_m_entity entities[] = {
        {.id = STR("DE"), .name = STR("Germany")},
        {.id = STR("FR"), .name = STR("France")},
        {.id = STR("IT"), .name = STR("Italy")},
    };
    const weft_str texts[] = {STR("Germany"), STR("qqq 123"), STR("  ")};
    const weft_str only[] = {STR("FR")}, both[] = {STR("XX"), STR("DE")};
    weft_matcher *matcher;
    weft_m_novelty_options options;
    CHECK_OK(weft_m_open(&matcher, entities, 3, NULL, NULL));
    weft_m_results *results = judge(matcher, texts, 3, NULL);
    CHECK_STR(weft_m_results_novelty(results, 0)->method, "accepted_known");
    CHECK_STR(weft_m_results_novelty(results, 1)->method, "novelty_detector");
    const weft_m_novelty_result *blank = weft_m_results_novelty(results, 2);
    CHECK_STR(blank->method, "no_match");
    CHECK(!blank->is_novel);
    CHECK(isnan(blank->p_value));
    CHECK_EQ(blank->signal_count, 0);
    weft_m_results_free(results);

    /* Ids that the catalogue does not have are nobody's. */
    weft_m_novelty_options_init(&options);
    options.existing = both;
    options.existing_count = 2;
    results = judge(matcher, texts, 1, &options);
    CHECK_STR(weft_m_results_novelty(results, 0)->method, "accepted_known");
    weft_m_results_free(results);
    options.existing = only;
    options.existing_count = 1;
    results = judge(matcher, texts, 1, &options);
    CHECK_STR(weft_m_results_novelty(results, 0)->method, "outside_existing_classes");
    CHECK(weft_m_results_novelty(results, 0)->is_novel);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

/* How many alternatives are shown is nothing that a verdict may depend on. */
TEST(M71_a_verdict_does_not_depend_on_top_k)
{
    made m = make_names(40);
    weft_matcher *matcher = open_made(&m);
    weft_str list[STRATEGY_COUNT];
    weft_m_novelty_options options = options_with(NULL, list);
    dice d = {11};
    for (size_t i = 0; i < 20; i++) {
        char text[64];
        snprintf(text, sizeof(text), "%.20s %.20s", m.entities[roll(&d, m.count)].name.ptr,
                 m.entities[roll(&d, m.count)].name.ptr);
        const weft_str query = str_of(text);
        weft_m_results *all[3];
        for (size_t k = 0; k < 3; k++) {
            options.top_k = (int64_t[]){1, 5, 30}[k];
            all[k] = judge(matcher, &query, 1, &options);
            const weft_m_novelty_result *it = weft_m_results_novelty(all[k], 0);
            const weft_m_novelty_result *first = weft_m_results_novelty(all[0], 0);
            size_t count;
            weft_m_results_hits(all[k], 0, &count);
            CHECK(count <= (size_t)options.top_k);
            CHECK(it->p_value == first->p_value);
            CHECK(it->novel_score == first->novel_score);
            for (size_t s = 0; s < it->signal_count; s++)
                CHECK(it->signals[s].score == first->signals[s].score);
        }
        for (size_t k = 0; k < 3; k++)
            weft_m_results_free(all[k]);
    }
    weft_m_close(matcher);
    make_free(&m);
}

TEST(M73_strategies_that_are_left_out_or_unknown_are_refused_by_name)
{
    static const char *const bad[] = {"self_knowledge",   "setfit",   "react_energy",
                                      "mixture_gaussian", "nonsense", ""};
    made m = make_names(8);
    weft_matcher *matcher = open_made(&m);
    for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
        weft_str list[STRATEGY_COUNT];
        weft_m_novelty_options options = options_with(bad[i], list);
        weft_m_results *results;
        weft_m_error error;
        CHECK_EQ(weft_m_novelty(matcher, list, 1, &options, &results, &error), -WEFT_M_EVALID);
        CHECK_STR(error.field, "strategies");
        CHECK((strstr(error.message, "unsupported") != NULL) == (i < 4));
    }
    weft_m_close(matcher);
    make_free(&m);
}

#define DAYS13 "\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5"

/* What is shown of a wrong name ends between two characters. */
TEST(M71_a_strategy_that_is_asked_for_is_the_one_that_speaks)
{
    made m = make_names(12);
    weft_matcher *matcher = open_made(&m);
    for (size_t i = 0; i < STRATEGY_COUNT; i++) {
        weft_str list[STRATEGY_COUNT];
        weft_m_novelty_options options = options_with(strategies[i], list);
        weft_m_results *results = judge(matcher, &m.entities[0].name, 1, &options);
        const weft_m_novelty_result *verdict = weft_m_results_novelty(results, 0);
        CHECK_EQ(verdict->signal_count, 1);
        CHECK_STR(verdict->signals[0].strategy, strategies[i]);
        weft_m_results_free(results);
    }
    weft_m_close(matcher);
    make_free(&m);
}

/* Of names that all begin with a capital. */
TEST(M73_pattern_sees_how_a_text_is_capitalised)
{
    const weft_m_entity entities[] = {{.id = STR("DE"), .name = STR("Germany")},
                                      {.id = STR("FR"), .name = STR("France")},
                                      {.id = STR("IT"), .name = STR("Italy")},
                                      {.id = STR("ES"), .name = STR("Spain")},
                                      {.id = STR("PT"), .name = STR("Portugal")}};
    const weft_str texts[] = {STR("Quxzz"), STR("quxzz")};
    weft_str list[STRATEGY_COUNT];
    weft_m_novelty_options options = options_with("pattern", list);
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, 5, NULL, NULL));
    weft_m_results *results = judge(matcher, texts, 2, &options);
    CHECK_GT(weft_m_results_novelty(results, 1)->signals[0].score,
             weft_m_results_novelty(results, 0)->signals[0].score + 0.01);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

static void count_calibrations(const weft_m_metric *metric, void *arg)
{
    *(int *)arg += strcmp(metric->name, "novelty_calibration") == 0;
}

/* Calls with the same plan share what was made for the first, also at another threshold. */
TEST(M74_a_detector_is_made_once_for_a_catalogue)
{
    made m = make_names(12);
    weft_m_options options;
    weft_matcher *matcher;
    int made_count = 0;
    weft_m_options_init(&options);
    options.metric = count_calibrations;
    options.metric_arg = &made_count;
    CHECK_OK(weft_m_open(&matcher, m.entities, m.count, &options, NULL));
    for (size_t i = 0; i < 3; i++) {
        weft_m_results_free(judge(matcher, &m.entities[i].name, 1, NULL));
        CHECK_OK(weft_m_set_threshold(matcher, 0.3f, NULL));
    }
    CHECK_EQ(made_count, 1);
    weft_m_close(matcher);
    make_free(&m);
}

TEST(M71_a_long_wrong_name_is_told_in_whole_characters)
{
    made m = make_names(8);
    weft_matcher *matcher = open_made(&m);
    weft_str text = STR("a"), days = STR(DAYS13 "\u65e5");
    weft_m_results *results;
    weft_m_error error;
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.calibration = days;
    CHECK_EQ(weft_m_novelty(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "Unknown calibration: " DAYS13);
    options.combine = days;
    CHECK_EQ(weft_m_novelty(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "Unknown way to combine: " DAYS13);
    options.strategies = &days;
    options.strategy_count = 1;
    CHECK_EQ(weft_m_novelty(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "Unknown novelty strategy: " DAYS13);
    weft_m_close(matcher);
    make_free(&m);
}

TEST(M71_options_that_make_no_sense_are_refused)
{
    static const double alphas[] = {0, 1, -1, NAN, INFINITY};
    made m = make_names(8);
    weft_matcher *matcher = open_made(&m);
    weft_m_results *results;
    weft_m_error error;
    weft_str text = STR("a");
    weft_m_novelty_options options;
    for (size_t i = 0; i < sizeof(alphas) / sizeof(*alphas); i++) {
        weft_m_novelty_options_init(&options);
        options.alpha = alphas[i];
        CHECK_EQ(weft_m_novelty(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
        CHECK_STR(error.field, "alpha");
    }
    weft_m_novelty_options_init(&options);
    options.combine = STR("sum");
    CHECK_EQ(weft_m_novelty(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
    weft_m_novelty_options_init(&options);
    options.neighbours = 65;
    CHECK_EQ(weft_m_novelty(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
    weft_m_novelty_options_init(&options);
    options.calibration = STR("none");
    CHECK_EQ(weft_m_novelty(matcher, &text, 1, &options, &results, &error), -WEFT_M_EVALID);
    weft_m_close(matcher);
    make_free(&m);
}

/* ---- same bits ---- */

static weft_text verdicts_of(weft_matcher *matcher, const char *combine)
{
    enum { COUNT = 40 };
    static char texts[COUNT][64];
    weft_str queries[COUNT], list[STRATEGY_COUNT];
    weft_m_novelty_options options = options_with(NULL, list);
    weft_text out;
    dice d = {31};
    options.combine = str_of(combine);
    for (size_t i = 0; i < COUNT; i++)
        queries[i] = (weft_str){texts[i], make_name(&d, texts[i], 22, 7)};
    CHECK_OK(weft_m_novelty_json(matcher, queries, COUNT, &options, &out, NULL));
    return out;
}

TEST(M11_a_saved_matcher_keeps_its_calibration_and_answers_with_the_same_bits)
{
    char path[] = "/tmp/weft-novelty-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    made m = make_names(40);
    weft_matcher *matcher = open_made(&m), *loaded;
    weft_text before = verdicts_of(matcher, "meta_learner");
    CHECK_OK(weft_m_save(matcher, path, NULL));
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    CHECK(loaded->loaded != NULL);
    weft_text after = verdicts_of(loaded, "meta_learner");
    CHECK(loaded->loaded == NULL); /* used */
    CHECK_STR(before.ptr, after.ptr);
    weft_text_free(&before);
    weft_text_free(&after);
    weft_m_close(matcher);
    weft_m_close(loaded);
    make_free(&m);
    unlink(path);
}

TEST(M11_a_file_without_calibration_loads_and_is_calibrated_when_asked)
{
    char path[] = "/tmp/weft-novelty-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    made m = make_names(40);
    weft_matcher *matcher = open_made(&m), *loaded;
    CHECK_OK(weft_m_save(matcher, path, NULL));
    CHECK_OK(weft_m_load(&loaded, path, NULL, NULL));
    CHECK(loaded->loaded == NULL);
    weft_text before = verdicts_of(matcher, "voting"), after = verdicts_of(loaded, "voting");
    CHECK_STR(before.ptr, after.ptr);
    weft_text_free(&before);
    weft_text_free(&after);
    weft_m_close(matcher);
    weft_m_close(loaded);
    make_free(&m);
    unlink(path);
}

TEST(M10_a_change_of_the_catalogue_calibrates_anew)
{
    dice d = {5};
    made m = make_random(&d, 40, 20, 7, 0); /* no aliases that could be anything */
    weft_matcher *matcher = open_made(&m);
    const weft_m_entity one = {.id = STR("new"), .name = STR("zyzzyva 42")};
    const weft_str text = STR("zyzzyva 42");
    weft_m_results *results = judge(matcher, &text, 1, NULL);
    CHECK(weft_m_results_novelty(results, 0)->is_novel);
    weft_m_results_free(results);
    CHECK_OK(weft_m_add(matcher, &one, 1, NULL));
    CHECK(matcher->detector == NULL);
    results = judge(matcher, &text, 1, NULL);
    CHECK(!weft_m_results_novelty(results, 0)->is_novel);
    weft_m_results_free(results);
    weft_m_close(matcher);
    make_free(&m);
}

/* ---- failures and cancel ---- */

static int all_calls(void)
{
    const weft_m_entity entities[] = {
        {.id = STR("DE"), .name = STR("Germany")},
        {.id = STR("FR"), .name = STR("France")},
    };
    const weft_str texts[] = {STR("Germny"), STR("Atlantis")};
    const weft_str list[] = {STR("calibrated"), STR("knn_distance"), STR("pattern"),
                             STR("clustering")};
    weft_m_novelty_options options;
    weft_matcher *matcher = NULL;
    weft_m_error error;
    weft_text text = {0};
    weft_m_novelty_options_init(&options);
    options.strategies = list;
    options.strategy_count = 4;
    int rc = weft_m_open(&matcher, entities, 2, NULL, &error);
    if (rc == 0)
        rc = weft_m_novelty_json(matcher, texts, 2, &options, &text, &error);
    if (rc == 0)
        CHECK(text.len > 100);
    weft_text_free(&text);
    weft_m_close(matcher);
    return rc;
}

WORK_SCENARIO(novelty_survives_every_failure)
{
    return all_calls();
}

static int prepare_body(void *arg)
{
    weft_m_novelty_options options;
    weft_str list[STRATEGY_COUNT];
    options = options_with(NULL, list);
    return weft_m_novelty_prepare(arg, &options, NULL);
}

TASK_TEST(cancelled_calibration_leaves_the_matcher_as_it_was)
{
    made m = make_names(200);
    weft_matcher *matcher = open_made(&m);
    const weft_str text = STR("germany");
    weft_task task = weft_spawn(prepare_body, matcher);
    CHECK_OK(weft_yield());
    weft_cancel(task, "no more");
    CHECK_EQ(weft_await(task), -ECANCELED);
    CHECK(matcher->detector == NULL);
    weft_m_results *results = judge(matcher, &text, 1, NULL);
    weft_m_results_free(results);
    weft_m_close(matcher);
    make_free(&m);
}
