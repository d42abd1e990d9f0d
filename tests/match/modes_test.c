/* SPDX-License-Identifier: MIT */

/* Modes full and bert, and what auto makes of examples: what each learns, what it says of itself,
 * and that its file answers the same. */
#include "make.h"

#include "base/alloc.h"
#include "match/matcher_priv.h"
#include "match/train/adam.h"
#include "match/train/body.h"
#include "match/train/head.h"
#include "match/train/trial.h"

#include <math.h>
#include <weft/scope.h>
#include <weft/task.h>

/* ---- parts ---- */

/* (x - 3)^2 for one row of two; the other row is never touched. */
TEST(adam_finds_the_bottom_and_leaves_other_rows)
{
    float table[4] = {1, 1, 0, 0};
    wf_adam adam;
    CHECK_OK(wf_adam_init(&adam, table, 2, 2, 0));
    for (int i = 0; i < 2000; i++) {
        float *slope = wf_adam_touch(&adam, 1);
        slope[0] = 2 * (table[2] - 3);
        slope[1] = 2 * (table[3] + 5);
        wf_adam_step(&adam, 0.02);
    }
    CHECK_NEAR((double)table[2], 3, 1e-2);
    CHECK_NEAR((double)table[3], -5, 1e-2);
    CHECK(table[0] == 1);
    CHECK(table[1] == 1);
    wf_adam_fini(&adam);
}

/* Two labels whose texts share a row each, and rows of their own. */
struct toy {
    wf_sparse texts;
    uint32_t label[8];
    wf_body body;
};

static void make_toy(struct toy *toy)
{
    *toy = (struct toy){.body = {.dim = 4, .row_count = 10, .label_count = 2, .is_unit = true}};
    CHECK_OK(wf_sparse_init(&toy->texts, 8, 16));
    for (uint32_t i = 0; i < 8; i++) {
        toy->label[i] = i % 2;
        toy->texts.indexes[2 * i] = i % 2;
        toy->texts.indexes[2 * i + 1] = 2 + i;
        toy->texts.values[2 * i] = toy->texts.values[2 * i + 1] = 0.7f;
        toy->texts.start[i + 1] = 2 * (i + 1);
    }
    toy->body.table = wf_array(40, sizeof(float));
    dice d = {5};
    for (size_t i = 0; i < 40; i++)
        toy->body.table[i] = (float)roll(&d, 1000) / 500 - 1;
}

static double cosine(const struct toy *toy, size_t a, size_t b)
{
    float left[4], right[4];
    double sum = 0;
    wf_body_place(&toy->body, toy->texts.indexes + 2 * a, toy->texts.values + 2 * a, 2, left);
    wf_body_place(&toy->body, toy->texts.indexes + 2 * b, toy->texts.values + 2 * b, 2, right);
    for (size_t d = 0; d < 4; d++)
        sum += (double)left[d] * (double)right[d];
    return sum;
}

static void train_toy(struct toy *toy, bool is_contrast)
{
    const wf_job job = {0};
    wf_training *training;
    const wf_lesson lesson = {
        .texts = &toy->texts,
        .text_label = toy->label,
        .label_count = 2,
        .plan = {.head_c = 1, .seed = 7, .epochs = 30, .iterations = 10, .batch = 4}};
    CHECK_OK(wf_training_new(&training, &toy->body, &lesson, is_contrast));
    int rc, steps = 0;
    do {
        rc = wf_training_step(training, &job);
        CHECK_GE(rc, 0);
        steps++;
    } while (rc > 0);
    CHECK_GE(WF_BODY_STEPS, steps);
    wf_training_free(training);
}

static void toy_fini(struct toy *toy)
{
    wf_sparse_fini(&toy->texts);
    wf_body_fini(&toy->body);
}

TEST(contrast_draws_texts_of_one_label_together_and_others_apart)
{
    struct toy toy;
    make_toy(&toy);
    train_toy(&toy, /* is_contrast= */ true);
    for (size_t i = 1; i < 8; i++) {
        note("texts 0 and %zu: %g", i, cosine(&toy, 0, i));
        if (i % 2 == 0)
            CHECK_GT(cosine(&toy, 0, i), 0.8);
        else
            CHECK_GT(0.3, fabs(cosine(&toy, 0, i)));
    }
    toy_fini(&toy);
}

TEST(a_network_gives_each_text_its_label)
{
    struct toy toy;
    make_toy(&toy);
    toy.body.is_unit = false;
    train_toy(&toy, /* is_contrast= */ false);
    for (size_t i = 0; i < 8; i++) {
        float point[4], scores[2] = {0};
        wf_body_place(&toy.body, toy.texts.indexes + 2 * i, toy.texts.values + 2 * i, 2, point);
        wf_body_add_scores(&toy.body, point, scores);
        CHECK_GT(scores[toy.label[i]], scores[1 - toy.label[i]]);
    }
    toy_fini(&toy);
}

/* ---- by what auto decides ---- */

static const wf_scorer_class *resolved(const size_t *each, size_t labels)
{
    static const weft_m_entity entities[] = {{.id = {"A", 1}, .name = {"a", 1}},
                                             {.id = {"B", 1}, .name = {"b", 1}}};
    weft_m_example items[200];
    const wf_limits limits = {.entity_count_max = 10, .text_bytes_max = 100};
    const wf_plan plan = {.head_c = 1};
    wf_catalogue *catalogue;
    wf_examples *examples;
    size_t count = 0;
    for (size_t l = 0; l < labels; l++) {
        for (size_t i = 0; i < each[l]; i++)
            items[count++] = (weft_m_example){.text = STR("x"), .label = entities[l].id};
    }
    CHECK_OK(wf_catalogue_new(&catalogue, entities, 2, &limits, NULL));
    CHECK_OK(wf_examples_new(&examples, items, count, &plan));
    const wf_scorer_class *cls = wf_trial_resolve(catalogue, examples);
    wf_examples_unref(examples);
    wf_catalogue_unref(catalogue);
    return cls;
}

TEST(auto_resolves_by_the_number_of_examples)
{
    CHECK(resolved((size_t[]){2, 2}, 2) == &wf_scorer_head);
    CHECK(resolved((size_t[]){1, 3}, 2) == &wf_scorer_full);
    CHECK(resolved((size_t[]){8, 91}, 2) == &wf_scorer_full);
    CHECK(resolved((size_t[]){8, 92}, 2) == &wf_scorer_bag);
    CHECK(resolved((size_t[]){100}, 1) == &wf_scorer_bag); /* labels without any do not count */
}

/* ---- matchers ---- */

#define LABELS 6u
#define EACH 12u

/* Texts of a label are of its own words among words of all; names say nothing of them. */
struct school {
    weft_m_entity entities[LABELS];
    weft_m_example examples[LABELS * EACH], tests[LABELS * EACH];
    char bytes[LABELS * EACH * 2 * 40], ids[LABELS][8];
};

static weft_str write_text(char *out, dice *d, unsigned label)
{
    int len = snprintf(out, 40, "common%u word%u%u filler%u", (unsigned)roll(d, 4), label,
                       (unsigned)roll(d, 3), (unsigned)roll(d, 9));
    return (weft_str){out, (size_t)len};
}

/* `strays` in a hundred texts have a word of any label, so that nobody could be sure. */
static struct school *make_school_with(unsigned strays)
{
    struct school *school = calloc(1, sizeof(*school));
    dice d = {77};
    for (unsigned l = 0; l < LABELS; l++) {
        int len = snprintf(school->ids[l], 8, "L%u", l);
        weft_str id = {school->ids[l], (size_t)len};
        school->entities[l] = (weft_m_entity){.id = id, .name = id};
        for (unsigned i = 0; i < EACH; i++) {
            size_t at = l * EACH + i;
            weft_m_example *pair[] = {&school->examples[at], &school->tests[at]};
            for (size_t k = 0; k < 2; k++) {
                char *bytes = school->bytes + (2 * at + k) * 40;
                unsigned of =
                    strays != 0 && roll(&d, 100) < strays ? (unsigned)roll(&d, LABELS) : l;
                *pair[k] = (weft_m_example){.text = write_text(bytes, &d, of), .label = id};
            }
        }
    }
    return school;
}

static struct school *make_school(void)
{
    return make_school_with(0);
}

static weft_matcher *fit_school(const struct school *school, const char *mode, size_t count,
                                uint64_t seed)
{
    weft_matcher *matcher;
    weft_m_fit_options options;
    weft_m_error error = {0};
    CHECK_OK(weft_m_open(&matcher, school->entities, LABELS, NULL, NULL));
    weft_m_fit_options_init(&options);
    options.mode = str_of(mode);
    options.seed = seed;
    int rc = weft_m_fit(matcher, school->examples, count, &options, &error);
    note("%s", error.message);
    CHECK_OK(rc);
    return matcher;
}

/* How many of the tests it gets right; how many it believes to, into *out_believed. */
static size_t judge(weft_matcher *matcher, const struct school *school, double *out_believed)
{
    size_t right = 0, count;
    weft_m_query query;
    *out_believed = 0;
    weft_m_query_init(&query);
    query.threshold = 0;
    for (size_t i = 0; i < LABELS * EACH; i++) {
        weft_m_results *results;
        CHECK_OK(weft_m_match(matcher, &school->tests[i].text, 1, &query, &results, NULL));
        const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
        right += count != 0 && hits[0].id.len == school->tests[i].label.len &&
                 memcmp(hits[0].id.ptr, school->tests[i].label.ptr, hits[0].id.len) == 0;
        *out_believed += count != 0 ? (double)hits[0].score : 0;
        weft_m_results_free(results);
    }
    return right;
}

static size_t right_of(weft_matcher *matcher, const struct school *school)
{
    double believed;
    return judge(matcher, school, &believed);
}

static weft_m_info info_of(weft_matcher *matcher)
{
    weft_m_info info = {.size = sizeof(info)};
    CHECK_OK(weft_m_info_get(matcher, &info));
    return info;
}

static weft_text answers_of(weft_matcher *matcher, const struct school *school)
{
    weft_str texts[4];
    weft_m_query query;
    weft_text out;
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = LABELS;
    for (size_t i = 0; i < 4; i++)
        texts[i] = school->tests[i * 17].text;
    CHECK_OK(weft_m_batch_json(matcher, texts, 4, &query, 4, &out, NULL));
    return out;
}

TEST(bert_learns_and_says_what_it_is)
{
    struct school *school = make_school();
    weft_matcher *matcher = fit_school(school, "bert", LABELS * EACH, 1);
    weft_m_info info = info_of(matcher);
    CHECK_STR(info.active_mode, "bert");
    CHECK_STR(info.mode, "auto");
    CHECK_STR(info.backend, "supervised-bag");
    CHECK_STR(info.active_matcher, "_EntityMatcher");
    CHECK_EQ(info.example_count, LABELS * EACH);
    CHECK_GE(right_of(matcher, school), LABELS * EACH - 2);
    const weft_str query = STR("anything");
    weft_text text;
    CHECK_OK(weft_m_metadata_json(matcher, &query, 1, NULL, /* is_single= */ true, &text, NULL));
    CHECK(strstr(text.ptr, "\"match_method\":\"bert\"") != NULL);
    weft_text_free(&text);
    weft_m_close(matcher);
    free(school);
}

/* Of 2, 4 and 8 examples a label, where some have the words of others: with the weights of the
 * regression it believes to get 18 % more than it does. */
TEST(bert_is_about_as_sure_as_it_is_right)
{
    struct school *school = make_school_with(15), few = *school;
    double sum_believed = 0;
    size_t sum_right = 0;
    for (size_t shots = 2; shots <= 8; shots *= 2) {
        double believed;
        size_t count = 0;
        for (size_t i = 0; i < LABELS * EACH; i++) {
            if (i % EACH < shots)
                few.examples[count++] = school->examples[i];
        }
        weft_matcher *matcher = fit_school(&few, "bert", count, 1);
        sum_right += judge(matcher, school, &believed);
        sum_believed += believed;
        weft_m_close(matcher);
    }
    note("%zu right, %.1f believed", sum_right, sum_believed);
    CHECK_NEAR(sum_believed / (double)sum_right, 1, 0.1);
    free(school);
}

/* What cannot be better than a head that is always right is not tried. */
static bool is_full_tried(const weft_m_trial *trial)
{
    return trial->full.asked > 0 || trial->head_only.right == trial->head_only.asked;
}

TEST(full_is_better_than_a_head_on_held_out_examples_or_is_a_head)
{
    struct school *school = make_school();
    weft_matcher *matcher = fit_school(school, "full", LABELS * EACH, 1);
    weft_m_info info = info_of(matcher);
    note("of %d: head %d, full %d", (int)info.trial.held_out, (int)info.trial.head_only.right,
         (int)info.trial.full.right);
    CHECK_EQ(info.trial.held_out, LABELS * EACH);
    CHECK_EQ(info.trial.slips, 0); /* names of two letters */
    CHECK_EQ(info.trial.head_only.asked, LABELS * EACH);
    CHECK(is_full_tried(&info.trial));
    CHECK_EQ(info.trial.zero_shot.asked, 0);
    CHECK_EQ(info.trial.bert.asked, 0);
    CHECK_STR(info.active_mode,
              info.trial.full.right > info.trial.head_only.right ? "full" : "head-only");
    CHECK_STR(info.active_mode, info.trial.winner);
    CHECK_GE(right_of(matcher, school), LABELS * EACH - 4);
    weft_m_close(matcher);
    free(school);
}

/* A scorer of mode full, whatever a trial would say. */
static wf_scorer *full_scorer(const struct school *school, const weft_m_options *options,
                              wf_seeker *seeker)
{
    const wf_limits limits = {.entity_count_max = 100, .text_bytes_max = 1000};
    const wf_plan plan = {.head_c = 100, .seed = 3};
    const wf_job job = {0};
    wf_catalogue *catalogue;
    wf_examples *examples;
    wf_scorer *scorer;
    CHECK_OK(wf_catalogue_new(&catalogue, school->entities, LABELS, &limits, NULL));
    CHECK_OK(wf_examples_new(&examples, school->examples, LABELS * EACH, &plan));
    CHECK_OK(wf_head_create(&scorer, &wf_scorer_full, catalogue, examples, NULL, NULL, options));
    size_t before = 0;
    int rc;
    while ((rc = scorer->cls->build(scorer, seeker, &job)) > 0) {
        CHECK_GT(scorer->done, before);
        before = scorer->done;
    }
    CHECK_OK(rc);
    CHECK_EQ(scorer->done, scorer->total);
    wf_catalogue_unref(catalogue);
    wf_examples_unref(examples);
    return scorer;
}

TEST(a_full_scorer_is_the_same_to_the_bit_each_time_and_out_of_a_file)
{
    struct school *school = make_school();
    weft_m_options options;
    const wf_job job = {0};
    wf_seekers seekers;
    wf_image *image;
    weft_bytes bytes;
    char reason[WF_REASON_BYTES];
    weft_m_options_init(&options);
    wf_seekers_init(&seekers);
    wf_seeker *seeker = wf_seekers_take(&seekers);
    wf_scorer *a = full_scorer(school, &options, seeker),
              *b = full_scorer(school, &options, seeker);
    wf_pack *pack = calloc(1, sizeof(*pack));
    CHECK_OK(a->cls->save(a, pack));
    CHECK_OK(wf_pack_make(pack, &bytes));
    CHECK_OK(wf_image_of(&image, bytes.ptr, bytes.len));
    CHECK_OK(wf_image_check(image, &job, reason));
    wf_scorer *c;
    CHECK_OK(wf_head_create(&c, &wf_scorer_full, a->catalogue, NULL, NULL, NULL, &options));
    CHECK_OK(c->cls->load(c, image));
    for (size_t i = 0; i < LABELS * EACH; i++) {
        wf_scorer *const all[] = {a, b, c};
        float scores[3];
        for (size_t k = 0; k < 3; k++) {
            wf_ask ask = {.raw = school->tests[i].text, .top_k = 1, .job = &job};
            CHECK_OK(wf_seeker_read(seeker, &options, ask.raw));
            CHECK_OK(all[k]->cls->find(all[k], seeker, &ask));
            scores[k] = seeker->rank.found[0].score;
        }
        CHECK(scores[0] == scores[1]);
        CHECK(scores[0] == scores[2]);
    }
    wf_scorer_unref(a);
    wf_scorer_unref(b);
    wf_scorer_unref(c);
    wf_image_unref(image);
    weft_bytes_free(&bytes);
    wf_pack_fini(pack);
    free(pack);
    wf_seekers_give(&seekers, seeker);
    wf_seekers_fini(&seekers);
    free(school);
}

TEST(seeds_give_the_same_answers_and_other_seeds_others)
{
    struct school *school = make_school();
    weft_matcher *a = fit_school(school, "bert", LABELS * EACH, 1);
    weft_matcher *b = fit_school(school, "bert", LABELS * EACH, 1);
    weft_matcher *c = fit_school(school, "bert", LABELS * EACH, 2);
    weft_text left = answers_of(a, school), right = answers_of(b, school);
    weft_text other = answers_of(c, school);
    CHECK_STR(left.ptr, right.ptr);
    CHECK(strcmp(left.ptr, other.ptr) != 0);
    weft_text_free(&left);
    weft_text_free(&right);
    weft_text_free(&other);
    weft_m_close(a);
    weft_m_close(b);
    weft_m_close(c);
    free(school);
}

/* As its file has it. */
static weft_matcher *loaded_of(weft_matcher *matcher)
{
    weft_matcher *loaded;
    weft_bytes bytes;
    wf_pack *pack = calloc(1, sizeof(*pack));
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    CHECK_OK(wf_matcher_pack(matcher, snapshot, NULL, pack));
    CHECK_OK(wf_pack_make(pack, &bytes));
    CHECK_OK(wf_matcher_of_bytes(&loaded, bytes.ptr, bytes.len, NULL));
    weft_bytes_free(&bytes);
    wf_pack_fini(pack);
    free(pack);
    wf_snapshot_unref(snapshot);
    return loaded;
}

TEST(what_has_learnt_goes_on_learning_out_of_its_file)
{
    struct school *school = make_school();
    const weft_m_entity more = {.id = STR("new"), .name = STR("borrow a sum")};
    weft_matcher *matcher = fit_school(school, "bert", LABELS * EACH, 1);
    weft_matcher *loaded = loaded_of(matcher);
    weft_text left = answers_of(matcher, school), right = answers_of(loaded, school);
    CHECK_STR(left.ptr, right.ptr);
    CHECK_OK(weft_m_add(loaded, &more, 1, NULL));
    CHECK_STR(info_of(loaded).active_mode, "bert");
    CHECK_EQ(info_of(loaded).example_count, LABELS * EACH);
    CHECK_GE(right_of(loaded, school), LABELS * EACH - 2);
    weft_text_free(&left);
    weft_text_free(&right);
    weft_m_close(matcher);
    weft_m_close(loaded);
    free(school);
}

TEST(auto_tries_what_the_examples_ask_for)
{
    struct school *school = make_school();
    weft_matcher *matcher = fit_school(school, "auto", LABELS * EACH, 1); /* 72: full */
    weft_m_trial trial = info_of(matcher).trial;
    CHECK_EQ(trial.zero_shot.asked, LABELS * EACH);
    CHECK(is_full_tried(&trial));
    CHECK_EQ(trial.bert.asked, 0);
    CHECK_STR(info_of(matcher).mode, "auto");
    CHECK(strcmp(info_of(matcher).active_mode, "zero-shot") != 0);
    weft_matcher *loaded = loaded_of(matcher); /* what was tried is in the file too */
    weft_m_trial kept = info_of(loaded).trial;
    CHECK_EQ(kept.held_out, LABELS * EACH);
    CHECK_EQ(kept.slips, trial.slips);
    CHECK_BYTES(&kept.zero_shot, sizeof(weft_m_tried), &trial.zero_shot, sizeof(weft_m_tried));
    CHECK_BYTES(&kept.full, sizeof(weft_m_tried), &trial.full, sizeof(weft_m_tried));
    CHECK_STR(kept.winner, trial.winner);
    CHECK_STR(kept.why, trial.why);
    weft_m_close(loaded);
    weft_m_close(matcher);
    free(school);
}

TEST(settings_of_learning_are_checked)
{
    struct school *school = make_school();
    weft_matcher *matcher;
    weft_m_fit_options options;
    weft_m_error error;
    CHECK_OK(weft_m_open(&matcher, school->entities, LABELS, NULL, NULL));
    weft_m_fit_options_init(&options);
    options.mode = STR("full");
    options.num_epochs = 5000;
    CHECK_EQ(weft_m_fit(matcher, school->examples, 20, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "num_epochs");
    weft_m_fit_options_init(&options);
    options.mode = STR("bert");
    options.weight_decay = (double)NAN;
    CHECK_EQ(weft_m_fit(matcher, school->examples, 20, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "weight_decay");
    CHECK_EQ(weft_m_fit(matcher, NULL, 0, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "training_data");
    weft_m_close(matcher);
    free(school);
}

/* The first match fits, and that needs examples too. */
TASK_TEST(no_match_is_made_of_a_mode_that_has_not_learnt)
{
    static const char *const modes[] = {"head-only", "full", "bert"};
    struct school *school = make_school();
    for (size_t i = 0; i < 3; i++) {
        weft_matcher *matcher;
        weft_m_options options;
        weft_m_error error;
        weft_text text;
        weft_m_options_init(&options);
        options.mode = weft_str_of(modes[i]);
        CHECK_OK(weft_m_open(&matcher, school->entities, LABELS, &options, NULL));
        CHECK_EQ(weft_m_match_json(matcher, STR("x"), NULL, &text, &error), -WEFT_M_EVALID);
        CHECK_STR(error.field, "training_data");
        CHECK_OK(weft_m_fit(matcher, school->examples, 20, NULL, &error));
        CHECK_OK(weft_m_match_json(matcher, STR("x"), NULL, &text, &error));
        weft_text_free(&text);
        weft_m_close(matcher);
    }
    free(school);
}

struct lesson {
    const struct school *school;
    weft_matcher *matcher;
    const char *mode;
};

static int learn(void *arg)
{
    const struct lesson *lesson = arg;
    weft_m_fit_options options;
    weft_m_fit_options_init(&options);
    options.mode = str_of(lesson->mode);
    return weft_m_fit(lesson->matcher, lesson->school->examples, LABELS * EACH, &options, NULL);
}

TASK_TEST(training_ends_when_its_task_is_cancelled)
{
    static const char *const modes[] = {"full", "bert"};
    struct school *school = make_school();
    for (size_t i = 0; i < 2; i++) {
        struct lesson lesson = {school, NULL, modes[i]};
        CHECK_OK(weft_m_open(&lesson.matcher, school->entities, LABELS, NULL, NULL));
        for (size_t turns = 2; turns < 100; turns *= 3) {
            weft_task task = weft_spawn(learn, &lesson);
            for (size_t k = 0; k < turns; k++)
                CHECK_OK(weft_yield());
            weft_cancel(task, "enough");
            int rc = weft_await(task);
            CHECK(rc == 0 || rc == -ECANCELED);
        }
        weft_m_close(lesson.matcher);
    }
    free(school);
}
