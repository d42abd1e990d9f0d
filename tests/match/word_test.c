/* SPDX-License-Identifier: MIT */

/* Words that stand for each other, and the initials of names. */
#include "make.h"

#include "match/score/initials.h"
#include "match/score/word.h"
#include "match/text/common.h"

#include <math.h>

static double same_rarity(wf_points word, void *arg)
{
    (void)arg;
    return word.count == 0 ? 0 : 1;
}

static void read_phrase(wf_phrase *phrase, const char *text)
{
    uint32_t points[256];
    size_t count = strlen(text);
    for (size_t i = 0; i < count; i++)
        points[i] = (unsigned char)text[i];
    wf_phrase_read(phrase, (wf_points){points, count}, same_rarity, NULL);
}

TEST(words_are_alike_by_the_table)
{
    static const struct {
        const char *a, *b;
        double wanted;
    } table[] = {
        {"bank", "bank", 1},
        {"bank", "bakn", 0.64},                    /* one exchange: .80 squared */
        {"germny", "germany", 0.5 + 0.35 * 6 / 7}, /* letters left out, rather than .80 squared */
        {"international", "internatonal", 144 / 169.0},
        {"intl", "international", 0.5 + 0.35 * 4 / 13},
        {"inter", "international", 0.78},
        {"in", "incorporated", 0.6}, /* two letters say little */
        {"in", "ink", 0.6},
        {"inc", "ink", 4 / 9.0},
        {"b", "bank", 0.35},
        {"mgmt", "management", 0.5 + 0.35 * 0.4},
        {"industrial", "industries", 0.45 + 0.45 * 8 / 10},
        {"industry", "industrialisation", 0.45 + 0.45 * 7 / 17},
        {"cat", "dog", 0},
        {"737", "747", 0},
        {"1234", "12345", 0.7},
        {"1234", "1235", 0.6},
        {"a320", "b320", 0.6},
    };
    wf_phrase *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        note("%s %s", table[i].a, table[i].b);
        read_phrase(a, table[i].a);
        read_phrase(b, table[i].b);
        CHECK_NEAR(wf_word_alikeness(&a->words[0], &b->words[0]), table[i].wanted, 1e-9);
        CHECK_NEAR(wf_word_alikeness(&b->words[0], &a->words[0]), table[i].wanted, 1e-9);
    }
    free(a);
    free(b);
}

TEST(common_words_are_those_of_the_list)
{
    static const struct {
        const char *word;
        bool wanted;
    } table[] = {
        {"a", true},         {"y", true},         {"bank", false},     {"company", true},
        {"gmbh", true},      {"the", true},       {"works", false},    {"worldwide", true},
        {"", false},         {"compan", false},   {"companys", false}, {"siemens", false},
        {"deutsche", false}, {"zz", false},       {"0", false},        {"ag", true},
        {"world", true},     {"worldwid", false}, {"museum", false},   {"quality", false},
        {"zone", false},     {"g", false},        {"{", false},
    };
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        uint32_t points[16];
        size_t count = strlen(table[i].word);
        for (size_t k = 0; k < count; k++)
            points[k] = (unsigned char)table[i].word[k];
        note("%s", table[i].word);
        CHECK(wf_is_common((wf_points){points, count}) == table[i].wanted);
    }
}

TEST(phrases_cover_each_other_word_by_word)
{
    wf_phrase *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    read_phrase(a, "bank of america");
    read_phrase(b, "america bank");
    wf_coverage cover = wf_cover(a, b);
    CHECK_NEAR(cover.query, 2 / 3.0, 1e-9);
    CHECK_NEAR(cover.alias, 1, 1e-9);
    CHECK_NEAR(cover.unmatched, 0, 1e-9);

    read_phrase(a, "fire stone tires"); /* two words written as one */
    read_phrase(b, "firestone tires");
    cover = wf_cover(a, b);
    CHECK_NEAR(cover.query, 1, 1e-9);
    CHECK_NEAR(cover.alias, 1, 1e-9);
    cover = wf_cover(b, a);
    CHECK_NEAR(cover.query, 1, 1e-9);

    read_phrase(a, "boeing 737 max"); /* numbers that differ, on both sides */
    read_phrase(b, "boeing 747");
    CHECK_NEAR(wf_cover(a, b).unmatched, 1, 1e-9);
    read_phrase(b, "boeing");
    CHECK_NEAR(wf_cover(a, b).unmatched, 0, 1e-9);
    free(a);
    free(b);
}

static void lift(double *value, double to)
{
    *value = fmax(*value, to);
}

/* The best of each word, as the header says: of the other side's words, and of two neighbours
 * written as one, if they are at least .75 alike and as long but for one letter. */
static void cover_by_definition(const wf_phrase *a, const wf_phrase *b, double *best_a,
                                double *best_b)
{
    static wf_phrase both;
    for (size_t i = 0; i < a->word_count; i++) {
        for (size_t k = 0; k < b->word_count; k++) {
            double t = wf_word_alikeness(&a->words[i], &b->words[k]);
            lift(&best_a[i], t);
            lift(&best_b[k], t);
        }
    }
    for (size_t i = 0; i + 1 < a->word_count; i++) {
        wf_points one = a->words[i].points, next = a->words[i + 1].points;
        wf_phrase_read(&both, (wf_points){one.at, one.count + next.count}, same_rarity, NULL);
        for (size_t k = 0; k < b->word_count; k++) {
            double t = wf_word_alikeness(&both.words[0], &b->words[k]);
            size_t x = both.count, y = b->words[k].points.count;
            if (x > y + 1 || y > x + 1 || t < 0.75)
                continue;
            lift(&best_a[i], t);
            lift(&best_a[i + 1], t);
            lift(&best_b[k], t);
        }
    }
}

static double mean_of(const wf_phrase *phrase, const double *best)
{
    double sum = 0, weights = 0;
    for (size_t i = 0; i < phrase->word_count; i++) {
        sum += phrase->words[i].weight * best[i];
        weights += phrase->words[i].weight;
    }
    return weights > 0 ? sum / weights : 0;
}

/* Words of few letters, so that many are nearly alike; `spaces` of them in a hundred. */
static void make_words(dice *d, char *text, unsigned letters, unsigned spaces)
{
    size_t at = 0, count = 1 + roll(d, 36);
    for (size_t i = 0; i < count; i++) {
        if (at > 0 && text[at - 1] != ' ' && roll(d, 100) < spaces)
            text[at++] = ' ';
        text[at++] = roll(d, 50) == 0 ? '7' : (char)('b' + roll(d, letters));
    }
    text[at] = '\0';
}

/* The same with letters exchanged, left out and run together. */
static void make_alike(dice *d, char *out, const char *text)
{
    size_t at = 0;
    for (; *text != '\0'; text++) {
        uint64_t fate = roll(d, 30);
        if (fate == 0 || (*text == ' ' && fate < 12))
            continue;
        out[at++] = fate == 1 && *text != ' ' ? 'b' : *text;
    }
    out[at] = '\0';
}

TEST(what_covers_is_found_without_comparing_all)
{
    wf_phrase *a = malloc(sizeof(*a)), *b = malloc(sizeof(*b));
    dice d = {8};
    size_t joined = 0;
    for (size_t i = 0; i < test_amount(20000, 2000); i++) {
        char left[128], right[128];
        double best_a[WF_PHRASE_WORDS_MAX] = {0}, best_b[WF_PHRASE_WORDS_MAX] = {0};
        make_words(&d, left, 2 + (unsigned)roll(&d, 20), 5 + (unsigned)roll(&d, 40));
        if (roll(&d, 3) == 0)
            make_words(&d, right, 6, 20);
        else
            make_alike(&d, right, left);
        read_phrase(a, left);
        read_phrase(b, right);
        cover_by_definition(a, b, best_a, best_b);
        double before = mean_of(b, best_b);
        cover_by_definition(b, a, best_b, best_a);
        joined += mean_of(b, best_b) > before;
        wf_coverage cover = wf_cover(a, b);
        note("\"%s\" \"%s\"", left, right);
        CHECK(cover.query == mean_of(a, best_a));
        CHECK(cover.alias == mean_of(b, best_b));
    }
    CHECK_GT(joined, 0);
    free(a);
    free(b);
}

static bool has_form(const wf_short *forms, size_t count, const char *wanted)
{
    for (size_t f = 0; f < count; f++) {
        size_t i = 0;
        while (i < forms[f].count && forms[f].points[i] == (unsigned char)wanted[i])
            i++;
        if (i == forms[f].count && wanted[i] == '\0')
            return true;
    }
    return false;
}

TEST(initials_leave_out_small_words_or_not)
{
    static const struct {
        const char *text, *wanted[6];
    } table[] = {
        {"union of south america", {"uosa", "usa"}},
        {"union", {NULL}},
        {"pen and pencil 205 e 45th st", {"pap2e4s", "pp2e4s", "pap24s", "pp24s", "pp24st", NULL}},
        {"ferrari nv", {"fn", "fnv"}},
        {"casa e figli", {"cef", "cf"}},
        {"formula 21 racing", {"f2r", "f21r"}},
    };
    for (size_t t = 0; t < sizeof(table) / sizeof(*table); t++) {
        uint32_t points[64];
        wf_short forms[WF_INITIALS_WAYS];
        size_t len = strlen(table[t].text);
        for (size_t i = 0; i < len; i++)
            points[i] = (unsigned char)table[t].text[i];
        size_t count = wf_initials_of((wf_points){points, len}, forms);
        for (size_t w = 0; w < 6 && table[t].wanted[w] != NULL; w++) {
            note("%s: %s", table[t].text, table[t].wanted[w]);
            CHECK(has_form(forms, count, table[t].wanted[w]));
        }
        CHECK(table[t].wanted[0] != NULL || count == 0);
    }
}

TEST(initials_find_every_text_that_has_them)
{
    static const char *const texts[] = {"central bank of iceland", "central bank", "cold beer",
                                        "formula 21 racing"};
    wf_initials initials = {0};
    uint32_t points[64], found[8];
    for (uint32_t t = 0; t < 4; t++) {
        for (size_t i = 0; texts[t][i] != '\0'; i++)
            points[i] = (unsigned char)texts[t][i];
        CHECK_OK(wf_initials_add(&initials, (wf_points){points, strlen(texts[t])}, t));
    }
    CHECK_OK(wf_initials_seal(&initials, &(wf_job){0}));
    static const uint32_t cb[] = {'c', 'b'}, f21r[] = {'f', '2', '1', 'r'}, f2r[] = {'f', '2', 'r'};
    CHECK_EQ(wf_initials_find(&initials, (wf_points){cb, 2}, found, 8), 2);
    CHECK_EQ(found[0], 1);
    CHECK_EQ(found[1], 2);
    CHECK_EQ(wf_initials_find(&initials, (wf_points){cb, 2}, found, 1), 1);
    CHECK_EQ(wf_initials_find(&initials, (wf_points){f21r, 4}, found, 8), 1);
    CHECK_EQ(wf_initials_find(&initials, (wf_points){f2r, 3}, found, 8), 1);
    CHECK_EQ(wf_initials_find(&initials, (wf_points){f2r, 2}, found, 8), 0);
    wf_initials_fini(&initials);
}
