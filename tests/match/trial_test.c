/* SPDX-License-Identifier: MIT */

/* The trial before learning: what it asks, who wins and why, and that names are not forgotten. */
#include "make.h"

#include "match/matcher_priv.h"
#include "match/train/questions.h"
#include "match/train/trial.h"

#include <weft/scope.h>
#include <weft/task.h>

TEST(worse_is_what_chance_hardly_makes)
{
    static const struct {
        size_t lost, won;
        bool is_worse;
    } table[] = {{0, 0, false},   {4, 0, false},      {5, 0, true},       {8, 2, false},
                 {9, 2, true},    {0, 5, false},      {5, 5, false},      {60, 40, true},
                 {57, 43, false}, {2600, 2400, true}, {2500, 2450, false}};
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        note("%zu lost, %zu won", table[i].lost, table[i].won);
        CHECK_EQ(wf_trial_is_worse(table[i].lost, table[i].won), table[i].is_worse);
    }
}

/* ---- a catalogue of names that are words, and codes ---- */

#define TOWNS 40u

static const char *const starts[] = {"Wald",  "Ober", "Kirch", "Neu",
                                     "Stein", "Lang", "Eich",  "Fels"};
static const char *const ends[] = {"hausen", "berg", "bruck", "kirchen", "moos"};

struct land {
    weft_m_entity entities[TOWNS];
    weft_str codes[TOWNS];
    char ids[TOWNS][8], names[TOWNS][24];
    weft_m_example examples[4 * TOWNS];
    char texts[4 * TOWNS][40];
    size_t example_count;
};

static struct land *make_land(void)
{
    struct land *land = calloc(1, sizeof(*land));
    for (size_t i = 0; i < TOWNS; i++) {
        size_t id = (size_t)snprintf(land->ids[i], 8, "T%02zu", i);
        size_t name = (size_t)snprintf(land->names[i], 24, "%s%s", starts[i % 8], ends[i / 8]);
        land->codes[i] = (weft_str){land->ids[i], id};
        land->entities[i] = (weft_m_entity){.id = {land->ids[i], id},
                                            .name = {land->names[i], name},
                                            .aliases = &land->codes[i],
                                            .alias_count = 1};
    }
    return land;
}

static void add_example(struct land *land, size_t town, const char *text)
{
    size_t at = land->example_count++;
    size_t len = (size_t)snprintf(land->texts[at], 40, "%s", text);
    land->examples[at] =
        (weft_m_example){.text = {land->texts[at], len}, .label = land->entities[town].id};
}

/* What says nothing that the names do not say. */
static void add_plain_examples(struct land *land, size_t count)
{
    char text[40];
    for (size_t i = 0; i < count; i++) {
        snprintf(text, sizeof(text), "%s %s", i % 2 != 0 ? "town of" : "city",
                 land->names[i * 7 % TOWNS]);
        add_example(land, i * 7 % TOWNS, text);
    }
}

/* What only examples say. */
static void add_nicknames(struct land *land, size_t towns)
{
    static const char *const things[] = {"harbour", "tower", "market", "bridge", "abbey"};
    char text[40];
    for (size_t town = 0; town < towns; town++) {
        for (size_t k = 0; k < 3; k++) {
            snprintf(text, sizeof(text), "%s %c%c %s", k == 0 ? "old" : "the",
                     (int)('a' + town % 20), (int)('p' + town / 20), things[(town + k) % 5]);
            add_example(land, town, text);
        }
    }
}

static weft_matcher *fit_land(const struct land *land, const char *mode)
{
    weft_matcher *matcher;
    weft_m_fit_options options;
    CHECK_OK(weft_m_open(&matcher, land->entities, TOWNS, NULL, NULL));
    weft_m_fit_options_init(&options);
    options.mode = str_of(mode);
    CHECK_OK(weft_m_fit(matcher, land->examples, land->example_count, &options, NULL));
    return matcher;
}

static weft_m_info info_of(weft_matcher *matcher)
{
    weft_m_info info = {.size = sizeof(info)};
    CHECK_OK(weft_m_info_get(matcher, &info));
    return info;
}

/* ---- what is asked ---- */

static void make_questions(wf_questions *out, const struct land *land, uint64_t seed,
                           wf_catalogue **out_catalogue, wf_examples **out_examples)
{
    const wf_limits limits = {.entity_count_max = 100, .text_bytes_max = 1000};
    const wf_plan plan = {.head_c = 1, .seed = seed};
    const wf_job job = {0};
    wf_seekers seekers;
    wf_seekers_init(&seekers);
    wf_seeker *seeker = wf_seekers_take(&seekers);
    CHECK_OK(wf_catalogue_new(out_catalogue, land->entities, TOWNS, &limits, NULL));
    CHECK_OK(wf_examples_new(out_examples, land->examples, land->example_count, &plan));
    CHECK_OK(wf_questions_init(out, *out_catalogue, *out_examples, seeker, &job));
    wf_seekers_give(&seekers, seeker);
    wf_seekers_fini(&seekers);
}

static bool is_row(const struct land *land, weft_str text)
{
    for (size_t i = 0; i < TOWNS; i++) {
        weft_str name = land->entities[i].name;
        if (text.len == name.len && memcmp(text.ptr, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

TEST(every_example_is_asked_once_and_slips_are_of_names)
{
    struct land *land = make_land();
    wf_catalogue *catalogue;
    wf_examples *examples;
    wf_questions it;
    size_t parts[5] = {0}, towns[TOWNS] = {0};
    add_plain_examples(land, 60);
    make_questions(&it, land, 42, &catalogue, &examples);
    CHECK_EQ(it.example_count, 60);
    CHECK_EQ(it.part_count, 5);
    CHECK_GE(it.count, 60 + 2 * TOWNS - 4); /* some slips do not show */
    CHECK_LE(it.count, 60 + 2 * TOWNS);
    for (size_t i = 0; i < it.count; i++) {
        CHECK_LT(it.items[i].part, 5);
        parts[it.items[i].part]++;
        if (i < 60) {
            CHECK_EQ(it.items[i].entity, i * 7 % TOWNS);
            continue;
        }
        towns[it.items[i].entity]++;
        CHECK(!is_row(land, it.items[i].text));
        CHECK_GE(it.items[i].text.len, 5); /* no code */
    }
    for (size_t i = 0; i < 5; i++)
        CHECK_GE(parts[i], it.count / 5 - 2);
    for (size_t i = 0; i < TOWNS; i++)
        CHECK_LE(towns[i], 2);
    wf_questions_fini(&it);
    wf_examples_unref(examples);
    wf_catalogue_unref(catalogue);
    free(land);
}

TEST(the_same_seed_asks_the_same_and_another_others)
{
    struct land *land = make_land();
    static const uint64_t seeds[] = {1, 1, 2};
    wf_catalogue *catalogue[3];
    wf_examples *examples[3];
    wf_questions its[3];
    add_plain_examples(land, 10);
    for (size_t i = 0; i < 3; i++)
        make_questions(&its[i], land, seeds[i], &catalogue[i], &examples[i]);
    CHECK_EQ(its[0].part_count, 10); /* each by itself */
    CHECK_BYTES(wf_buf_ptr(&its[0].bytes), wf_buf_bytes(&its[0].bytes), wf_buf_ptr(&its[1].bytes),
                wf_buf_bytes(&its[1].bytes));
    CHECK(wf_buf_bytes(&its[0].bytes) != wf_buf_bytes(&its[2].bytes) ||
          memcmp(wf_buf_ptr(&its[0].bytes), wf_buf_ptr(&its[2].bytes),
                 wf_buf_bytes(&its[0].bytes)) != 0);
    for (size_t i = 0; i < 3; i++) {
        wf_questions_fini(&its[i]);
        wf_examples_unref(examples[i]);
        wf_catalogue_unref(catalogue[i]);
    }
    free(land);
}

/* ---- who wins ---- */

/* Examples that names alone explain: learning cannot be better, and is not trained to the end. */
TEST(a_tie_is_won_without_learning)
{
    struct land *land = make_land();
    add_plain_examples(land, 70);
    weft_matcher *matcher = fit_land(land, "auto");
    weft_m_info info = info_of(matcher);
    note("of %d: %d, %d", (int)info.trial.held_out, (int)info.trial.zero_shot.right,
         (int)info.trial.head_only.right);
    CHECK_EQ(info.trial.held_out, 70);
    CHECK_EQ(info.trial.zero_shot.asked, 70);
    CHECK_EQ(info.trial.zero_shot.right, 70);
    CHECK_EQ(info.trial.zero_shot.slips_asked, info.trial.slips);
    CHECK_LT(info.trial.head_only.asked, 70);
    CHECK_STR(info.active_mode, "zero-shot");
    CHECK_STR(info.trial.winner, "zero-shot");
    CHECK_STR(info.trial.why, "what costs more was not right more often");
    weft_m_close(matcher);
    free(land);
}

TEST(what_only_examples_say_is_learnt)
{
    struct land *land = make_land();
    add_nicknames(land, TOWNS);
    weft_matcher *matcher = fit_land(land, "auto");
    weft_m_info info = info_of(matcher);
    note("examples %d, %d; slips %d: %d, %d", (int)info.trial.zero_shot.right,
         (int)info.trial.head_only.right, (int)info.trial.slips,
         (int)info.trial.zero_shot.slips_right, (int)info.trial.head_only.slips_right);
    CHECK_GT(info.trial.head_only.right, info.trial.zero_shot.right + 20);
    CHECK_STR(info.trial.why, "it was right more often");
    CHECK_STR(info.trial.winner, info.active_mode);
    CHECK(strcmp(info.active_mode, "zero-shot") != 0);
    weft_m_close(matcher);
    free(land);
}

/* ---- failures and ends ---- */

static int learn(void *arg)
{
    const struct land *land = arg;
    weft_matcher *matcher;
    weft_m_fit_options options;
    weft_m_fit_options_init(&options);
    options.head_c = 0.01; /* few steps */
    int rc = weft_m_open(&matcher, land->entities, 8, NULL, NULL);
    if (rc < 0)
        return rc;
    rc = weft_m_fit(matcher, land->examples, land->example_count, &options, NULL);
    CHECK(rc < 0 || info_of(matcher).trial.head_only.asked > 0);
    weft_m_close(matcher);
    return rc;
}

SCENARIO(a_trial_survives_every_failure)
{
    struct land *land = make_land();
    add_nicknames(land, 2);

    int rc = learn(land);
    free(land);
    return rc;
}

TASK_TEST(a_trial_ends_when_its_task_is_cancelled)
{
    struct land *land = make_land();
    add_nicknames(land, 8);
    for (size_t turns = 0; turns < 200; turns += 1 + turns / 2) {
        weft_task task = weft_spawn(learn, land);
        for (size_t k = 0; k < turns; k++)
            CHECK_OK(weft_yield());
        weft_cancel(task, "enough");
        int rc = weft_await(task);
        CHECK(rc == 0 || rc == -ECANCELED);
    }
    free(land);
}
