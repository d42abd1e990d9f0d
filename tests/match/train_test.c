/* SPDX-License-Identifier: MIT */

/* Learning from examples: what it gives, that it is the same every time, and that it can be left.
 */
#include "make.h"

#include "match/train/bag.h"
#include "match/train/minimise.h"
#include "match/train/proximity.h"
#include "match/train/regression.h"

#include <math.h>
#include <weft/scope.h>
#include <weft/task.h>

/* ---- parts ---- */

struct bowl {
    size_t count, evaluations;
};

/* Sum of (i + 1) * (x[i] - i / 10)^2 / 2. */
static int slope_of_bowl(const float *at, float *gradient, double *out_value, void *arg)
{
    struct bowl *bowl = arg;
    *out_value = 0;
    for (size_t i = 0; i < bowl->count; i++) {
        double off = (double)at[i] - (double)i / 10;
        gradient[i] = (float)((double)(i + 1) * off);
        *out_value += (double)(i + 1) * off * off / 2;
    }
    bowl->evaluations++;
    return 0;
}

TEST(minimise_finds_the_bottom_of_a_bowl)
{
    struct bowl bowl = {.count = 53};
    const wf_job job = {0};
    wf_minimum minimum;
    CHECK_OK(wf_minimise_begin(&minimum, bowl.count, false, slope_of_bowl, &bowl));
    double before = minimum.value;
    int rc = 1;
    while (rc > 0) {
        rc = wf_minimise_step(&minimum, 1e-5, &job);
        CHECK_GE(rc, 0);
        CHECK(minimum.value <= before);
        before = minimum.value;
    }
    for (size_t i = 0; i < bowl.count; i++)
        CHECK_NEAR((double)minimum.at[i], (double)i / 10, 2e-3);
    CHECK_GT(60, bowl.evaluations);
    wf_minimise_fini(&minimum);
}

/* Texts of random features, some of which always come together and some alone, and the same by
 * feature. */
struct lesson {
    wf_sparse texts, features;
    uint32_t label[64];
};

enum { LABELS = 5, FEATURES = 60 };

static void put(wf_sparse *sparse, uint32_t index, float value)
{
    sparse->indexes[sparse->count] = index;
    sparse->values[sparse->count++] = value;
}

static void make_lesson(struct lesson *it, dice *d, size_t texts, size_t words)
{
    static float has[64][FEATURES];
    *it = (struct lesson){0};
    memset(has, 0, sizeof(has));
    CHECK_OK(wf_sparse_init(&it->texts, texts, texts * FEATURES));
    CHECK_OK(wf_sparse_init(&it->features, FEATURES, texts * FEATURES));
    it->texts.count = it->features.count = 0;
    for (size_t t = 0; t < texts; t++) {
        it->label[t] = (uint32_t)roll(d, LABELS);
        for (size_t k = 0; k < 4; k++) {
            size_t word = roll(d, words) * 3; /* two features of each word are always the same */
            for (size_t f = word; f < word + 3; f++)
                has[t][f] = f == word + 2 ? 0.1f + (float)t / 100 : 0.4f;
        }
        for (size_t f = 0; f < FEATURES; f++) {
            if (has[t][f] > 0)
                put(&it->texts, (uint32_t)f, has[t][f]);
        }
        it->texts.start[t + 1] = it->texts.count;
    }
    for (size_t f = 0; f < FEATURES; f++) {
        for (size_t t = 0; t < texts; t++) {
            if (has[t][f] > 0)
                put(&it->features, (uint32_t)t, has[t][f]);
        }
        it->features.start[f + 1] = it->features.count;
    }
}

/* The squared norm of the slope at `weights`, by the definition. */
static double slope_at(const struct lesson *it, const float *weights, double cost)
{
    static double slope[FEATURES + 1][LABELS];
    double sum = 0;
    memset(slope, 0, sizeof(slope));
    for (size_t t = 0; t < it->texts.row_count; t++) {
        double scores[LABELS], total = 0;
        for (size_t l = 0; l < LABELS; l++) {
            scores[l] = (double)weights[FEATURES * LABELS + l];
            for (size_t i = it->texts.start[t]; i < it->texts.start[t + 1]; i++)
                scores[l] += (double)it->texts.values[i] *
                             (double)weights[it->texts.indexes[i] * LABELS + l];
            scores[l] = exp(scores[l]);
            total += scores[l];
        }
        for (size_t l = 0; l < LABELS; l++) {
            double off = scores[l] / total - (l == it->label[t] ? 1 : 0);
            slope[FEATURES][l] += off;
            for (size_t i = it->texts.start[t]; i < it->texts.start[t + 1]; i++)
                slope[it->texts.indexes[i]][l] += off * (double)it->texts.values[i];
        }
    }
    for (size_t i = 0; i < (FEATURES + 1) * LABELS; i++) {
        double held = i < FEATURES * LABELS ? cost * (double)weights[i] : 0;
        double one = slope[i / LABELS][i % LABELS] + held;
        sum += one * one;
    }
    return sum;
}

/* Few texts of many words, and many of few: at the weights that are found the slope is none. */
TEST(a_regression_ends_where_the_slope_does)
{
    static const struct {
        size_t texts, words;
    } table[] = {{7, 20}, {64, 5}, {64, 20}, {1, 20}};
    const wf_job job = {0};
    dice d = {5};
    bool was[2] = {false};
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        float weights[(FEATURES + 1) * LABELS] = {0};
        struct lesson lesson;
        make_lesson(&lesson, &d, table[i].texts, table[i].words);
        wf_regression it = {.texts = &lesson.texts,
                            .features = &lesson.features,
                            .text_label = lesson.label,
                            .label_count = LABELS,
                            .cost = 0.01};
        double before = slope_at(&lesson, weights, it.cost);
        CHECK_OK(wf_regression_begin(&it, &job));
        CHECK_LE(it.columns.count, 2 * table[i].words + 1);
        was[it.is_of_texts] = true;
        size_t steps = 0;
        while (wf_regression_step(&it, &job) > 0)
            CHECK_LT(++steps, 300);
        CHECK_OK(wf_regression_end(&it, weights, &job));
        note("%zu texts of %zu words, %zu columns, %zu steps", table[i].texts, table[i].words,
             it.columns.count, steps);
        CHECK_GT(1e-5 * before, slope_at(&lesson, weights, it.cost));
        wf_regression_fini(&it);
        wf_sparse_fini(&lesson.texts);
        wf_sparse_fini(&lesson.features);
    }
    CHECK(was[0] && was[1]);
}

/* scikit-learn 1.9, LogisticRegression with tol=1e-12: its C, and shares of the labels of some of
 * 50 texts, the first ten of which come twice.  Text t has the features t % 7, 7 + t % 5 and 12 + t
 * % 3; label 1 has one text and label 2 two. */
static const struct {
    double c;
    size_t text;
    double shares[3];
} learnt_elsewhere[] = {
    {1, 0, {0.9737478, 0.0099610, 0.0162912}},    {1, 13, {0.8673432, 0.0675328, 0.0651241}},
    {1, 22, {0.8634974, 0.0307203, 0.1057823}},   {1, 31, {0.8604588, 0.0310940, 0.1084472}},
    {100, 0, {0.9999997, 0.0000003, 0.0000000}},  {100, 13, {0.0892631, 0.9048538, 0.0058830}},
    {100, 22, {0.2083847, 0.0042391, 0.7873762}}, {100, 31, {0.1999762, 0.0031887, 0.7968351}},
    {100, 8, {0.9988457, 0.0011140, 0.0000404}},
};

enum { RARE_TEXTS = 50, RARE_FEATURES = 15, RARE_LABELS = 3 };

static bool has_feature(size_t t, size_t f)
{
    return f == t % 7 || f == 7 + t % 5 || f == 12 + t % 3;
}

static void make_rare(struct lesson *it)
{
    *it = (struct lesson){0};
    CHECK_OK(wf_sparse_init(&it->texts, RARE_TEXTS, 3u * RARE_TEXTS));
    CHECK_OK(wf_sparse_init(&it->features, RARE_FEATURES, 3u * RARE_TEXTS));
    it->texts.count = it->features.count = 0;
    for (size_t row = 0; row < RARE_TEXTS; row++) {
        size_t t = row % 40;
        it->label[row] = t == 13 ? 1 : t == 22 || t == 31 ? 2 : 0;
        for (uint32_t f = 0; f < RARE_FEATURES; f++) {
            if (has_feature(t, f))
                put(&it->texts, f, f < 12 ? 0.6f : 0.5f);
        }
        it->texts.start[row + 1] = it->texts.count;
    }
    for (size_t f = 0; f < RARE_FEATURES; f++) {
        for (uint32_t row = 0; row < RARE_TEXTS; row++) {
            if (has_feature(row % 40, f))
                put(&it->features, row, f < 12 ? 0.6f : 0.5f);
        }
        it->features.start[f + 1] = it->features.count;
    }
}

static void learn_rare(const struct lesson *lesson, double c, float *weights)
{
    const wf_job job = {0};
    wf_regression it = {.texts = &lesson->texts,
                        .features = &lesson->features,
                        .text_label = lesson->label,
                        .label_count = RARE_LABELS,
                        .cost = 1 / c};
    size_t steps = 0;
    CHECK_OK(wf_regression_begin(&it, &job));
    while (wf_regression_step(&it, &job) > 0)
        CHECK_LT(++steps, 300);
    CHECK_OK(wf_regression_end(&it, weights, &job));
    wf_regression_fini(&it);
}

TEST(a_regression_of_rare_labels_is_that_of_others)
{
    struct lesson lesson;
    make_rare(&lesson);
    for (size_t i = 0; i < sizeof(learnt_elsewhere) / sizeof(*learnt_elsewhere); i++) {
        float weights[(RARE_FEATURES + 1) * RARE_LABELS] = {0};
        double shares[RARE_LABELS], sum = 0;
        learn_rare(&lesson, learnt_elsewhere[i].c, weights);
        for (size_t l = 0; l < RARE_LABELS; l++) {
            double score = (double)weights[RARE_FEATURES * RARE_LABELS + l];
            for (size_t f = 0; f < RARE_FEATURES; f++) {
                if (has_feature(learnt_elsewhere[i].text, f))
                    score += (f < 12 ? 0.6 : 0.5) * (double)weights[f * RARE_LABELS + l];
            }
            shares[l] = exp(score);
            sum += shares[l];
        }
        note("row %zu", i);
        for (size_t l = 0; l < RARE_LABELS; l++)
            CHECK_NEAR(shares[l] / sum, learnt_elsewhere[i].shares[l], 1e-3);
    }
    wf_sparse_fini(&lesson.texts);
    wf_sparse_fini(&lesson.features);
}

/* ---- how near a text is to what was learnt ---- */

enum { CLASSES = 9, KINDS = 400 };

struct learnt {
    wf_sparse texts, features;
    uint32_t label[1500];
    wf_proximity proximity;
};

static int ascending(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* A text 1 long: `common` of the ten features that most have, `rare` of the others. */
static size_t make_point(dice *d, size_t common, size_t rare, uint32_t *indexes, float *values)
{
    size_t count = 0;
    double squares = 0;
    for (size_t i = 0; i < common + rare; i++)
        indexes[i] = (uint32_t)(i < common ? roll(d, 10) : 10 + roll(d, KINDS - 10));
    qsort(indexes, common + rare, sizeof(*indexes), ascending);
    for (size_t i = 0; i < common + rare; i++) {
        if (count == 0 || indexes[i] != indexes[count - 1])
            indexes[count++] = indexes[i];
    }
    for (size_t i = 0; i < count; i++) {
        values[i] = (float)(1 + roll(d, 100)) * (indexes[i] < 10 ? 0.01f : 0.04f);
        squares += (double)values[i] * (double)values[i];
    }
    for (size_t i = 0; i < count; i++)
        values[i] = (float)((double)values[i] / sqrt(squares));
    return count;
}

static void learn_texts(struct learnt *it, dice *d, size_t texts, size_t common, size_t rare)
{
    const wf_job job = {0};
    *it = (struct learnt){0};
    CHECK_OK(wf_sparse_init(&it->texts, texts, texts * (common + rare)));
    it->texts.count = 0;
    for (size_t t = 0; t < texts; t++) {
        it->label[t] = (uint32_t)roll(d, CLASSES - 1); /* nobody learns the last */
        it->texts.count += make_point(d, common, rare, it->texts.indexes + it->texts.count,
                                      it->texts.values + it->texts.count);
        it->texts.start[t + 1] = it->texts.count;
    }
    CHECK_OK(wf_sparse_turn(&it->features, &it->texts, KINDS, &job));
    CHECK_OK(
        wf_proximity_init(&it->proximity, &it->texts, &it->features, it->label, CLASSES, &job));
}

/* By the definitions: cosines are sums in the order of features. */
static void measure(const struct learnt *it, const wf_pupil *query, double *text, double *label)
{
    double sums[CLASSES] = {0}, norms[CLASSES] = {0};
    static double all[CLASSES][KINDS];
    float most = 0, at[KINDS] = {0};
    memset(all, 0, sizeof(all));
    for (size_t i = 0; i < query->count; i++)
        at[query->indexes[i]] = query->values[i];
    for (size_t t = 0; t < it->texts.row_count; t++) {
        float sum = 0;
        for (size_t i = it->texts.start[t]; i < it->texts.start[t + 1]; i++) {
            sum += at[it->texts.indexes[i]] * it->texts.values[i];
            all[it->label[t]][it->texts.indexes[i]] += (double)it->texts.values[i];
        }
        most = sum > most ? sum : most;
        sums[it->label[t]] += (double)sum;
    }
    *text = (double)most;
    *label = 0;
    for (size_t l = 0; l < CLASSES; l++) {
        for (size_t f = 0; f < KINDS; f++)
            norms[l] += all[l][f] * all[l][f];
        *label = norms[l] > 0 ? fmax(*label, sums[l] / sqrt(norms[l])) : *label;
    }
}

static void compare_nearness(const struct learnt *it, wf_pupil *work)
{
    double text, label;
    measure(it, work, &text, &label);
    CHECK(wf_nearest_text(&it->proximity, work) == text);
    CHECK_NEAR(wf_nearest_label(&it->proximity, work), label, 1e-5);
    for (size_t i = 0; i < KINDS; i++)
        CHECK(work->at[i] == 0);
    for (size_t i = 0; i < it->texts.row_count; i++)
        CHECK(work->texts[i] == 0);
}

/* Of few features all texts are so near that they are summed one and all; where all are rare, none
 * has to be. */
TEST(the_nearest_text_is_that_of_all_cosines)
{
    static const struct {
        size_t texts, common, rare;
    } table[] = {{1500, 8, 6}, {1500, 2, 20}, {600, 10, 1}, {40, 5, 5}, {1, 3, 3}, {1500, 9, 0}};
    static struct learnt learnt;
    dice d = {5};
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        wf_pupil work = {0};
        learn_texts(&learnt, &d, table[i].texts, table[i].common, table[i].rare);
        CHECK_OK(wf_pupil_reserve(&work, 40, KINDS, table[i].texts, CLASSES));
        for (size_t k = 0; k < test_amount(120, 12); k++) {
            note("%zu texts, query %zu", table[i].texts, k);
            work.count = make_point(&d, k % 11, k % 7, work.indexes, work.values);
            compare_nearness(&learnt, &work);
        }
        for (size_t t = 0; t < table[i].texts; t += 100) {
            const size_t *start = learnt.texts.start + t;
            work.count = start[1] - start[0];
            memcpy(work.indexes, learnt.texts.indexes + start[0], work.count * sizeof(uint32_t));
            memcpy(work.values, learnt.texts.values + start[0], work.count * sizeof(float));
            compare_nearness(&learnt, &work);
            CHECK_NEAR(wf_nearest_text(&learnt.proximity, &work), 1, 1e-6);
        }
        wf_pupil_fini(&work);
        wf_proximity_fini(&learnt.proximity);
        wf_sparse_fini(&learnt.texts);
        wf_sparse_fini(&learnt.features);
    }
}

TEST(stems_lose_common_endings)
{
    static const struct {
        const char *word;
        size_t left;
    } table[] = {{"cards", 4},  {"card", 4}, {"pass", 3},   {"topping", 3},
                 {"topped", 3}, {"ring", 4}, {"status", 6}, {"quickly", 5},
                 {"used", 4},   {"a", 1},    {"verify", 6}};
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        uint32_t points[16];
        size_t count = strlen(table[i].word);
        for (size_t k = 0; k < count; k++)
            points[k] = (unsigned char)table[i].word[k];
        note("%s", table[i].word);
        CHECK_EQ(wf_stem((wf_points){points, count}), table[i].left);
    }
}

/* ---- three intents, whose names say little ---- */

static const weft_m_entity intents[] = {
    {.id = {"lost", 4}, .name = {"card_missing", 12}},
    {.id = {"top", 3}, .name = {"top_up", 6}},
    {.id = {"rate", 4}, .name = {"exchange_rate", 13}},
    {.id = {"pin", 3}, .name = {"change_pin", 10}}, /* nobody gives an example */
};

#define EXAMPLE(text_, label_)                                                                     \
    {                                                                                              \
        .text = WEFT_STR_INIT(text_), .label = WEFT_STR_INIT(label_)                               \
    }
#define WEFT_STR_INIT(literal_)                                                                    \
    {                                                                                              \
        (literal_), sizeof(literal_) - 1                                                           \
    }

static const weft_m_example lessons[] = {
    EXAMPLE("somebody stole my wallet", "lost"),
    EXAMPLE("I cannot find it anywhere, it was stolen", "lost"),
    EXAMPLE("my purse was stolen on the bus", "lost"),
    EXAMPLE("how do I add money", "top"),
    EXAMPLE("put money into my account", "top"),
    EXAMPLE("adding money by phone", "top"),
    EXAMPLE("how many dollars do I get for a euro", "rate"),
    EXAMPLE("euro to dollar", "rate"),
    EXAMPLE("what are dollars worth today", "rate"),
};
#define LESSON_COUNT (sizeof(lessons) / sizeof(*lessons))

static weft_matcher *open_intents(void)
{
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, intents, 4, NULL, NULL));
    return matcher;
}

static int fit_as(weft_matcher *matcher, const char *mode, const weft_m_example *examples,
                  size_t count)
{
    weft_m_fit_options options;
    weft_m_fit_options_init(&options);
    options.mode = str_of(mode);
    return weft_m_fit(matcher, examples, count, &options, NULL);
}

static weft_text ask(weft_matcher *matcher, const char *text)
{
    weft_m_query query;
    weft_text out;
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = 4;
    CHECK_OK(weft_m_match_json(matcher, str_of(text), &query, &out, NULL));
    return out;
}

/* The best entity's id, or "". */
static const char *best(weft_matcher *matcher, const char *text, float *out_score)
{
    static char id[16];
    weft_m_query query;
    weft_m_results *results;
    size_t count;
    weft_str asked = str_of(text);
    weft_m_query_init(&query);
    query.threshold = 0;
    CHECK_OK(weft_m_match(matcher, &asked, 1, &query, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    snprintf(id, sizeof(id), "%.*s", count != 0 ? (int)hits[0].id.len : 0,
             count != 0 ? hits[0].id.ptr : "");
    if (out_score != NULL)
        *out_score = count != 0 ? hits[0].score : 0;
    weft_m_results_free(results);
    return id;
}

static const char *active_mode(weft_matcher *matcher)
{
    weft_m_info info = {.size = sizeof(info)};
    CHECK_OK(weft_m_info_get(matcher, &info));
    return info.active_mode;
}

TEST(a_head_knows_what_it_was_shown)
{
    weft_matcher *matcher = open_intents();
    float score;
    CHECK_OK(fit_as(matcher, "head-only", lessons, LESSON_COUNT));
    CHECK_EQ(strcmp(active_mode(matcher), "head-only"), 0);
    CHECK_EQ(strcmp(best(matcher, "they have stolen my wallet", NULL), "lost"), 0);
    CHECK_EQ(strcmp(best(matcher, "can I add some money", NULL), "top"), 0);
    CHECK_EQ(strcmp(best(matcher, "dollars for euros", NULL), "rate"), 0);
    CHECK_EQ(strcmp(best(matcher, "changing my pin", NULL), "pin"), 0); /* its name alone */
    CHECK_EQ(strcmp(best(matcher, "Change PIN", &score), "pin"), 0);
    CHECK(score == 1); /* the name itself */
    best(matcher, "zzz qqq", &score);
    CHECK_GT(0.5, score); /* nothing it knows */
    weft_m_close(matcher);
}

/* A fit without examples does not make a later one with examples untrained, nor the other way. */
TEST(auto_is_decided_anew_at_every_fit)
{
    weft_matcher *matcher = open_intents();
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    CHECK_EQ(strcmp(active_mode(matcher), "zero-shot"), 0);
    CHECK_OK(weft_m_fit(matcher, lessons, LESSON_COUNT, NULL, NULL));
    CHECK_EQ(strcmp(active_mode(matcher), "head-only"), 0);
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    CHECK_EQ(strcmp(active_mode(matcher), "zero-shot"), 0);
    weft_m_close(matcher);
}

/* Names that say it all, and examples that are mostly wrong. */
TEST(auto_does_not_learn_what_makes_it_worse)
{
    enum { COUNT = 30 };
    dice d = {21};
    made m = make_random(&d, COUNT, 20, 9, 0);
    weft_m_example examples[2 * COUNT];
    for (size_t i = 0; i < COUNT; i++) {
        m.entities[i].name = make_text(&m, &d, 20, 9); /* none twice */
        examples[2 * i] = (weft_m_example){.text = m.entities[i].name, .label = m.entities[i].id};
        examples[2 * i + 1] = (weft_m_example){.text = m.entities[i].name,
                                               .label = m.entities[(i * 7 + 3) % COUNT].id};
    }
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, m.entities, COUNT, NULL, NULL));
    weft_text before = ask(matcher, "abc");
    CHECK_OK(weft_m_fit(matcher, examples, 2 * COUNT, NULL, NULL));
    note("%s", active_mode(matcher));
    weft_text after = ask(matcher, "abc");
    bool is_learnt = strcmp(active_mode(matcher), "zero-shot") != 0;
    CHECK(is_learnt || strcmp(before.ptr, after.ptr) == 0);
    weft_text_free(&before);
    weft_text_free(&after);
    weft_m_close(matcher);
    make_free(&m);
}

static void check_same_answers(weft_matcher *a, weft_matcher *b)
{
    static const char *const texts[] = {"stolen money", "euro account", "pin"};
    for (size_t i = 0; i < 3; i++) {
        weft_text left = ask(a, texts[i]), right = ask(b, texts[i]);
        CHECK_STR(left.ptr, right.ptr);
        weft_text_free(&left);
        weft_text_free(&right);
    }
}

TEST(the_same_lessons_give_the_same_answers)
{
    static const char *const modes[] = {"head-only", "bert", "auto"};
    for (size_t i = 0; i < 3; i++) {
        weft_matcher *a = open_intents(), *b = open_intents();
        note("%s", modes[i]);
        CHECK_OK(fit_as(a, modes[i], lessons, LESSON_COUNT));
        CHECK_OK(fit_as(b, modes[i], lessons, LESSON_COUNT));
        check_same_answers(a, b);
        weft_m_close(a);
        weft_m_close(b);
    }
}

TEST(examples_of_none_make_their_like_novel)
{
    weft_matcher *matcher = open_intents();
    weft_m_example examples[LESSON_COUNT + 4];
    memcpy(examples, lessons, sizeof(lessons));
    static const char *const others[] = {"what is the weather like", "weather of tomorrow",
                                         "will it rain, weather please", "weather report"};
    for (size_t i = 0; i < 4; i++)
        examples[LESSON_COUNT + i] = (weft_m_example){.text = str_of(others[i]), .is_none = true};
    float before, after;
    CHECK_OK(fit_as(matcher, "head-only", lessons, LESSON_COUNT));
    best(matcher, "the weather today", &before);
    CHECK_OK(fit_as(matcher, "head-only", examples, LESSON_COUNT + 4));
    best(matcher, "the weather today", &after);
    CHECK_GT(before, 2 * after);
    CHECK_EQ(strcmp(best(matcher, "my wallet was stolen", NULL), "lost"), 0);
    weft_m_close(matcher);
}

/* A text that is like a name too, but was said to mean none. */
TEST(examples_of_none_count_against_names)
{
    weft_matcher *matcher = open_intents();
    weft_m_example examples[LESSON_COUNT + 3];
    memcpy(examples, lessons, sizeof(lessons));
    static const char *const others[] = {"exchange rate of gifts", "exchanging gifts, a rate",
                                         "gifts exchange rated"};
    for (size_t i = 0; i < 3; i++)
        examples[LESSON_COUNT + i] = (weft_m_example){.text = str_of(others[i]), .is_none = true};
    float before, after;
    CHECK_OK(fit_as(matcher, "head-only", lessons, LESSON_COUNT));
    best(matcher, "gifts exchange rates", &before);
    CHECK_OK(fit_as(matcher, "head-only", examples, LESSON_COUNT + 3));
    best(matcher, "gifts exchange rates", &after);
    note("%g, %g", (double)before, (double)after);
    CHECK_GT(before, 0.5);
    CHECK_GT(before, 2 * after);
    weft_m_close(matcher);
}

/* What was learnt knows names with a slip as well as what has not learnt. */
TEST(learning_does_not_forget_how_names_are_spelt)
{
    static const char *const modes[] = {"zero-shot", "head-only", "full", "bert"};
    static const char *const slips[] = {"exchagne rate", "excange rate",  "chnge pin",
                                        "chagne pin",    "card misssing", "crad missing"};
    static const char *const right[] = {"rate", "rate", "pin", "pin", "lost", "lost"};
    weft_matcher *matcher = open_intents();
    float plain[6];
    for (size_t k = 0; k < 4; k++) {
        CHECK_OK(fit_as(matcher, modes[k], lessons, LESSON_COUNT));
        for (size_t i = 0; i < 6; i++) {
            float score;
            note("%s: %s", modes[k], slips[i]);
            CHECK_STR(best(matcher, slips[i], &score), right[i]);
            plain[i] = k == 0 ? score : plain[i];
            CHECK_GE((double)score, pow((double)plain[i], 1.5) - 1e-6);
        }
    }
    weft_m_close(matcher);
}

TEST(a_change_of_the_catalogue_learns_again)
{
    weft_matcher *matcher = open_intents();
    const weft_m_entity more = {.id = STR("loan"), .name = STR("borrow a sum")};
    const weft_str gone = STR("lost");
    CHECK_OK(fit_as(matcher, "head-only", lessons, LESSON_COUNT));
    CHECK_OK(weft_m_add(matcher, &more, 1, NULL));
    CHECK_EQ(strcmp(active_mode(matcher), "head-only"), 0);
    CHECK_EQ(strcmp(best(matcher, "borrowing", NULL), "loan"), 0);
    CHECK_EQ(strcmp(best(matcher, "stolen wallet", NULL), "lost"), 0);
    CHECK_OK(weft_m_remove(matcher, &gone, 1, NULL));
    CHECK(strcmp(best(matcher, "stolen wallet", NULL), "lost") != 0);
    CHECK_EQ(strcmp(best(matcher, "add money", NULL), "top"), 0);
    weft_m_close(matcher);
}

TEST(a_trained_hit_shows_the_name_and_obeys_candidates)
{
    weft_matcher *matcher = open_intents();
    const weft_str ids[] = {STR("top"), STR("rate")};
    weft_str asked = STR("my wallet was stolen");
    weft_m_query query;
    weft_m_results *results;
    size_t count;
    CHECK_OK(fit_as(matcher, "head-only", lessons, LESSON_COUNT));
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = 4;
    query.candidates = ids;
    query.candidate_count = 2;
    CHECK_OK(weft_m_match(matcher, &asked, 1, &query, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    CHECK_EQ(count, 2);
    for (size_t i = 0; i < count; i++) {
        CHECK(hits[i].entity == 1 || hits[i].entity == 2);
        CHECK_EQ(hits[i].text.len, hits[i].name.len);
        CHECK(hits[i].score >= 0 && hits[i].score <= 1);
    }
    weft_m_results_free(results);
    weft_m_close(matcher);
}

/* Learning a large catalogue is refused, and auto leaves it.  The more words a text has, the sooner
 * it is large. */
TEST(a_catalogue_too_large_to_learn_is_not_learnt)
{
    enum { COUNT = 12000, WORDS = 200 };
    weft_m_entity *entities = calloc(COUNT, sizeof(*entities));
    char(*ids)[8] = calloc(COUNT, sizeof(*ids));
    for (size_t i = 0; i < COUNT; i++) {
        size_t len = (size_t)snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        entities[i] = (weft_m_entity){.id = {ids[i], len}, .name = {ids[i], len}};
    }
    char text[WORDS * 8 + 1] = "";
    dice d = {17};
    for (size_t i = 0; i < WORDS * 8; i++)
        text[i] = (char)(i % 8 == 7 ? ' ' : 'a' + (char)roll(&d, 26));
    const weft_m_example examples[] = {{.text = str_of(text), .label = STR("1")},
                                       EXAMPLE("another text of several other words", "2")};
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, COUNT, NULL, NULL));
    weft_m_fit_options options;
    weft_m_error error;
    weft_m_fit_options_init(&options);
    options.mode = STR("head-only");
    CHECK_EQ(weft_m_fit(matcher, examples, 2, &options, &error), -WEFT_ELIMIT);
    CHECK(strstr(error.message, "training over the limit: weights") != NULL);
    CHECK_EQ(error.limit, 8 << 20);
    CHECK_GT(error.seen, error.limit + COUNT); /* one more row of them at least */
    CHECK_OK(weft_m_fit(matcher, examples, 2, NULL, NULL));
    CHECK_EQ(strcmp(active_mode(matcher), "zero-shot"), 0);
    weft_m_close(matcher);
    free(entities);
    free(ids);
}

/* ---- progress and ends ---- */

struct watch {
    size_t last, total, calls, stop_at;
    bool is_wrong;
};

static int watch_progress(size_t done, size_t total, void *arg)
{
    struct watch *watch = arg;
    watch->is_wrong |= done <= watch->last || done > total;
    watch->is_wrong |= watch->total != 0 && watch->total != total;
    watch->last = done;
    watch->total = total;
    return ++watch->calls == watch->stop_at ? -ECANCELED : 0;
}

static int fit_watched(weft_matcher *matcher, const char *mode, struct watch *watch)
{
    weft_m_fit_options options;
    weft_m_fit_options_init(&options);
    options.mode = str_of(mode);
    options.progress = watch_progress;
    options.progress_arg = watch;
    return weft_m_fit(matcher, lessons, LESSON_COUNT, &options, NULL);
}

TEST(progress_of_learning_only_grows_and_ends_at_the_total)
{
    static const char *const modes[] = {"head-only", "auto", "zero-shot", "full", "bert"};
    for (size_t i = 0; i < 5; i++) {
        weft_matcher *matcher = open_intents();
        struct watch watch = {0};
        note("%s", modes[i]);
        CHECK_OK(fit_watched(matcher, modes[i], &watch));
        CHECK(!watch.is_wrong);
        CHECK_EQ(watch.last, watch.total);
        weft_m_close(matcher);
    }
}

TEST(learning_that_is_stopped_changes_nothing)
{
    weft_matcher *matcher = open_intents();
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    weft_text before = ask(matcher, "add money");
    int rc = -ECANCELED;
    for (size_t at = 1; rc == -ECANCELED; at += at / 2 + 1) {
        struct watch watch = {.stop_at = at};
        rc = fit_watched(matcher, "auto", &watch);
        CHECK(rc == 0 || rc == -ECANCELED);
        if (rc == 0)
            break;
        weft_text after = ask(matcher, "add money");
        CHECK_EQ(strcmp(before.ptr, after.ptr), 0);
        weft_text_free(&after);
    }
    CHECK_EQ(strcmp(active_mode(matcher), "head-only"), 0);
    weft_text_free(&before);
    weft_m_close(matcher);
}

static int learn(void *arg)
{
    return fit_as(arg, "head-only", lessons, LESSON_COUNT);
}

TASK_TEST(learning_ends_when_its_task_is_cancelled)
{
    weft_matcher *matcher = open_intents();
    for (size_t turns = 0; turns < 12; turns++) {
        weft_task task = weft_spawn(learn, matcher);
        for (size_t i = 0; i < turns; i++)
            CHECK_OK(weft_yield());
        weft_cancel(task, "enough");
        int rc = weft_await(task);
        CHECK(rc == 0 || rc == -ECANCELED);
    }
    CHECK_OK(fit_as(matcher, "head-only", lessons, LESSON_COUNT));
    CHECK_EQ(strcmp(best(matcher, "wallet stolen", NULL), "lost"), 0);
    weft_m_close(matcher);
}
