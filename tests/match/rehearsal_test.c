/* SPDX-License-Identifier: MIT */

/* What a trained head takes for new: it is asked for what it has not learnt. */
#include "make.h"

#include "match/matcher_priv.h"
#include "match/novelty/rehearsal.h"

#include <math.h>
#include <stdio.h>
#include <weft/novelty.h>

enum { LABELS = 12, EACH = 8, ASKED = 40, WORDS = 8 };

/* Labels have words of their own; a text has some of its label's and some that all use. */
struct course {
    char names[2 * LABELS][16], words[2 * LABELS][WORDS][12];
    weft_m_entity entities[LABELS];
    char texts[LABELS * EACH][80];
    weft_m_example examples[LABELS * EACH];
};

static void write_text(const struct course *course, dice *d, size_t label, char out[80])
{
    static const char *const common[] = {"please", "how", "do", "i", "the", "my", "can", "it"};
    snprintf(out, 80, "%s %s %s %s %s", common[roll(d, 8)], course->words[label][roll(d, WORDS)],
             common[roll(d, 8)], course->words[label][roll(d, WORDS)],
             course->words[label][roll(d, WORDS)]);
}

static struct course *make_course(dice *d)
{
    struct course *it = calloc(1, sizeof(*it));
    for (size_t l = 0; l < 2 * LABELS; l++) {
        snprintf(it->names[l], sizeof(it->names[l]), "topic %zu", l);
        for (size_t w = 0; w < WORDS; w++) {
            for (size_t i = 0; i < 7; i++)
                it->words[l][w][i] = (char)('a' + roll(d, 26));
        }
    }
    for (size_t l = 0; l < LABELS; l++)
        it->entities[l] = (weft_m_entity){.id = str_of(it->names[l]), .name = str_of(it->names[l])};
    for (size_t i = 0; i < LABELS * EACH; i++) {
        write_text(it, d, i % LABELS, it->texts[i]);
        it->examples[i] =
            (weft_m_example){.text = str_of(it->texts[i]), .label = str_of(it->names[i % LABELS])};
    }
    return it;
}

static weft_matcher *open_trained(const struct course *course, size_t example_count)
{
    weft_matcher *matcher;
    weft_m_fit_options options;
    weft_m_fit_options_init(&options);
    options.mode = STR("head-only");
    CHECK_OK(weft_m_open(&matcher, course->entities, LABELS, NULL, NULL));
    CHECK_OK(weft_m_fit(matcher, course->examples, example_count, &options, NULL));
    return matcher;
}

static size_t count_novel(weft_matcher *matcher, const struct course *course, dice *d, size_t first,
                          double alpha)
{
    size_t found = 0;
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.alpha = alpha;
    for (size_t i = 0; i < LABELS * ASKED; i++) {
        char text[80];
        weft_m_results *results;
        write_text(course, d, first + i % LABELS, text);
        const weft_str query = str_of(text);
        CHECK_OK(weft_m_novelty(matcher, &query, 1, &options, &results, NULL));
        found += weft_m_results_novelty(results, 0)->is_novel;
        weft_m_results_free(results);
    }
    return found;
}

TEST(M72_a_trained_head_raises_alpha_false_alarms_and_finds_other_topics)
{
    const double alpha = 0.1, asked = LABELS * ASKED;
    dice d = {3};
    struct course *course = make_course(&d);
    weft_matcher *matcher = open_trained(course, LABELS * EACH);
    double alarms = (double)count_novel(matcher, course, &d, 0, alpha) / asked;
    double found = (double)count_novel(matcher, course, &d, LABELS, alpha) / asked;
    /* Its sample is its 96 examples. */
    CHECK(alarms <= alpha + 3 * sqrt(alpha * (1 - alpha) * (1 / asked + 1.0 / (LABELS * EACH))));
    CHECK(found > 0.9);
    weft_m_close(matcher);
    free(course);
}

/* Every example is known once, in a round that has its entity but not it, and new once, in the
 * round that lacks its entity. */
TEST(M72_no_head_is_asked_for_what_it_has_learnt)
{
    dice d = {3};
    struct course *course = make_course(&d);
    const size_t count = LABELS * EACH - EACH; /* not all have as many */
    weft_matcher *matcher = open_trained(course, count);
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    wf_rehearsal rehearsal;
    size_t known = 0, novel = 0;
    CHECK_OK(wf_rehearsal_init(&rehearsal, snapshot->scorer, 1000));
    CHECK_EQ(rehearsal.known_count, count);
    CHECK_EQ(rehearsal.novel_count, count);
    for (uint32_t round = 0; round < WF_ROUNDS; round++) {
        CHECK_EQ(wf_rehearsal_begin(&rehearsal, round), 1);
        CHECK(rehearsal.present[0] != 0);
        for (size_t i = 0; i < count; i++) {
            const wf_line *line = &rehearsal.known[i];
            uint32_t entity = (uint32_t)(line->place % LABELS);
            bool is_present = (rehearsal.present[0] >> entity & 1) != 0;
            if (line->round == round) {
                CHECK(rehearsal.left_out[line->place] == 1);
                CHECK(is_present);
                known++;
            }
            if (rehearsal.novel[i].round == round) {
                CHECK((rehearsal.present[0] >> rehearsal.novel[i].absent.entity & 1) == 0);
                novel++;
            }
        }
    }
    CHECK_EQ(known, count);
    CHECK_EQ(novel, count);
    wf_rehearsal_fini(&rehearsal);
    wf_snapshot_unref(snapshot);
    weft_m_close(matcher);
    free(course);
}

/* One example of one entity; the others have their names, and a name with a slip is known. */
TEST(M72_entities_without_examples_are_rehearsed_by_their_names)
{
    dice d = {3};
    struct course *course = make_course(&d);
    weft_matcher *matcher = open_trained(course, 2); /* of the first two */
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    wf_rehearsal rehearsal;
    size_t rows = 0;
    CHECK_OK(wf_rehearsal_init(&rehearsal, snapshot->scorer, 1000));
    CHECK_EQ(rehearsal.known_count, LABELS);
    for (size_t i = 0; i < rehearsal.known_count; i++) {
        rows += !rehearsal.known[i].is_example;
        CHECK(rehearsal.known[i].is_example || rehearsal.known[i].round == WF_ROUND_WHOLE);
    }
    CHECK_EQ(rows, LABELS - 2);
    wf_rehearsal_fini(&rehearsal);
    wf_snapshot_unref(snapshot);
    const weft_str query = STR("topic 3");
    weft_m_results *results;
    CHECK_OK(weft_m_novelty(matcher, &query, 1, NULL, &results, NULL));
    CHECK(!weft_m_results_novelty(results, 0)->is_novel);
    weft_m_results_free(results);
    weft_m_close(matcher);
    free(course);
}

static int trained(void)
{
    const weft_m_entity entities[] = {
        {.id = STR("a"), .name = STR("alpha")},
        {.id = STR("b"), .name = STR("beta")},
        {.id = STR("c"), .name = STR("gamma")},
    };
    const weft_m_example examples[] = {
        {.text = STR("first letter"), .label = STR("a")},
        {.text = STR("second letter"), .label = STR("b")},
        {.text = STR("something else"), .is_none = true},
    };
    const weft_str text = STR("third letter");
    weft_matcher *matcher = NULL;
    weft_m_fit_options options;
    weft_m_results *results;
    weft_m_error error;
    weft_m_fit_options_init(&options);
    options.mode = STR("head-only");
    int rc = weft_m_open(&matcher, entities, 3, NULL, &error);
    if (rc == 0)
        rc = weft_m_fit(matcher, examples, 3, &options, &error);
    if (rc == 0)
        rc = weft_m_novelty(matcher, &text, 1, NULL, &results, &error);
    if (rc == 0)
        weft_m_results_free(results);
    weft_m_close(matcher);
    return rc;
}

WORK_SCENARIO(a_rehearsal_survives_every_failure)
{
    return trained();
}
