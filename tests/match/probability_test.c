/* SPDX-License-Identifier: MIT */

/* Probabilities: against an oracle in plain loops, and what must always hold. */
#include "make.h"

#include "match/score/probability.h"

#include <math.h>

/* ---- a matcher's inside ---- */

typedef struct subject {
    wf_scorer *scorer;
    wf_seekers pool;
    wf_seeker *seeker;
} subject;

static subject subject_make(const weft_m_entity *entities, size_t count)
{
    const wf_limits limits = {.entity_count_max = 1000000, .text_bytes_max = 65536};
    const wf_job job = {0};
    weft_m_options options;
    wf_catalogue *catalogue;
    subject s = {0};
    wf_seekers_init(&s.pool);
    s.seeker = wf_seekers_take(&s.pool);
    CHECK(s.seeker != NULL);
    weft_m_options_init(&options);
    CHECK_OK(wf_catalogue_new(&catalogue, entities, count, &limits, NULL));
    CHECK_OK(wf_scorer_probability.create(&s.scorer, catalogue, &options));
    wf_catalogue_unref(catalogue);
    int rc = 1;
    while (rc > 0)
        rc = s.scorer->cls->build(s.scorer, s.seeker, &job);
    CHECK_OK(rc);
    return s;
}

static void subject_free(subject *s)
{
    wf_scorer_unref(s->scorer);
    wf_seekers_give(&s->pool, s->seeker);
    wf_seekers_fini(&s->pool);
}

static const wf_judge *judge(subject *s, weft_str query, size_t top_k, const uint64_t *allowed)
{
    const wf_job job = {0};
    const wf_ask ask = {.raw = query, .top_k = top_k, .allowed = allowed, .job = &job};
    CHECK_OK(wf_probability_judge(wf_probability_of(s->scorer), s->seeker, &ask));
    return &s->seeker->judge;
}

/* ---- the oracle: texts of small Latin letters and single spaces ---- */

/* Weights of the runs of one text, by name, in the order they were met. */
typedef struct runs {
    struct run {
        char text[5];
        double count, weight;
    } items[512];
    size_t count;
} runs;

static struct run *run_of(runs *all, const char *text, size_t len)
{
    for (size_t i = 0; i < all->count; i++) {
        if (strlen(all->items[i].text) == len && memcmp(all->items[i].text, text, len) == 0)
            return &all->items[i];
    }
    return NULL;
}

static void runs_read(runs *all, weft_str text)
{
    char padded[300];
    int len = snprintf(padded, sizeof(padded), " %.*s ", (int)text.len, text.ptr);
    all->count = 0;
    for (int n = 2; n <= 4; n++) {
        for (int i = 0; i + n <= len; i++) {
            struct run *run = run_of(all, padded + i, (size_t)n);
            if (run == NULL) {
                run = &all->items[all->count++];
                *run = (struct run){{0}, 0, 0};
                memcpy(run->text, padded + i, (size_t)n);
            }
            run->count++;
        }
    }
}

static bool has_run(const weft_m_entity *entity, const struct run *run)
{
    static runs of_row;
    for (size_t k = 0; k <= entity->alias_count; k++) {
        runs_read(&of_row, k == 0 ? entity->name : entity->aliases[k - 1]);
        if (run_of(&of_row, run->text, strlen(run->text)) != NULL)
            return true;
    }
    return false;
}

/* By definition; a run that no entity has gets no weight. */
static void weigh(runs *all, const weft_m_entity *entities, size_t count)
{
    for (size_t i = 0; i < all->count; i++) {
        size_t having = 0;
        for (size_t e = 0; e < count; e++)
            having += has_run(&entities[e], &all->items[i]);
        double idf = log((1.0 + (double)count) / (1.0 + (double)having)) + 1;
        all->items[i].weight = having != 0 ? (1 + log(all->items[i].count)) * idf : 0;
    }
}

static double dot(runs *a, runs *b)
{
    double sum = 0;
    for (size_t i = 0; i < a->count; i++) {
        const struct run *other = run_of(b, a->items[i].text, strlen(a->items[i].text));
        sum += other != NULL ? a->items[i].weight * other->weight : 0;
    }
    return sum;
}

static double cosine(runs *a, runs *b)
{
    double norms = sqrt(dot(a, a) * dot(b, b));
    return norms > 0 ? dot(a, b) / norms : 0;
}

static weft_str row_of(const weft_m_entity *entity, size_t k)
{
    return k == 0 ? entity->name : entity->aliases[k - 1];
}

/* The cosine with the sum of the entity's rows, each of length 1. */
static double cosine_with_all(runs *query, const weft_m_entity *entity,
                              const weft_m_entity *entities, size_t count)
{
    static runs a, b;
    double sum = 0, squares = 0;
    for (size_t k = 0; k <= entity->alias_count; k++) {
        runs_read(&a, row_of(entity, k));
        weigh(&a, entities, count);
        sum += cosine(query, &a);
        for (size_t j = 0; j <= entity->alias_count; j++) {
            runs_read(&b, row_of(entity, j));
            weigh(&b, entities, count);
            squares += cosine(&a, &b);
        }
    }
    return sum / sqrt(squares);
}

static double exp_sum(const wf_judge *judged)
{
    double sum = exp(judged->none);
    for (size_t i = 0; i < judged->entrant_count; i++)
        sum += judged->entrants[i].is_tail ? 0 : exp(judged->entrants[i].score);
    return sum;
}

static void compare(subject *s, const made *m, weft_str query)
{
    static runs asked, row;
    const wf_judge *judged = judge(s, query, 1, NULL);
    runs_read(&asked, query);
    weigh(&asked, m->entities, m->count);
    for (size_t i = 0; i < judged->entrant_count; i++) {
        const wf_entrant *entrant = &judged->entrants[i];
        const weft_m_entity *entity = &m->entities[entrant->entity];
        const wf_candidate *best = &judged->candidates[entrant->candidate];
        uint32_t first = s->scorer->catalogue->row_start[entrant->entity];
        runs_read(&row, row_of(entity, entrant->row - first));
        weigh(&row, m->entities, m->count);
        CHECK_NEAR(best->signs[WF_SIGN_RUNS], cosine(&asked, &row), 2e-6);
        CHECK_NEAR(entrant->entity_cosine, cosine_with_all(&asked, entity, m->entities, m->count),
                   2e-6);
        CHECK_GE(entrant->score + 1e-9,
                 wf_model_score(best->signs) +
                     wf_sign_weight(WF_SIGN_ENTITY) * entrant->entity_cosine);
    }
    CHECK_NEAR(exp(judged->total), exp_sum(judged), 1e-9 * exp_sum(judged));
}

TEST(cosines_and_sums_are_those_of_plain_loops)
{
    dice d = {11};
    made m = make_random(&d, 12, 4, 4, 2);
    subject s = subject_make(m.entities, m.count);
    for (size_t i = 0; i < 6; i++) {
        char text[64];
        weft_str query = {text, make_name(&d, text, 4, 4)};
        note("query %.*s", (int)query.len, query.ptr);
        compare(&s, &m, query);
    }
    subject_free(&s);
    make_free(&m);
}

/* ---- what must hold ---- */

TEST(a_probability_does_not_depend_on_how_many_are_asked_for)
{
    dice d = {3};
    made m = make_random(&d, 400, 5, 6, 2);
    subject s = subject_make(m.entities, m.count);
    for (size_t i = 0; i < 30; i++) {
        char text[64];
        double few[400] = {0};
        weft_str query = {text, make_name(&d, text, 5, 6)};
        const wf_judge *judged = judge(&s, query, 1, NULL);
        for (size_t k = 0; k < judged->entrant_count; k++)
            few[judged->entrants[k].entity] = judged->entrants[k].probability;
        judged = judge(&s, query, 300, NULL);
        size_t tail = 0;
        for (size_t k = 0; k < judged->entrant_count; k++) {
            const wf_entrant *entrant = &judged->entrants[k];
            CHECK_GE(entrant->probability, 0);
            CHECK_GE(1, entrant->probability);
            tail += entrant->is_tail;
            if (!entrant->is_tail)
                CHECK(entrant->probability == few[entrant->entity]);
        }
        CHECK_GT(tail, 0);
    }
    subject_free(&s);
    make_free(&m);
}

TEST(an_equal_text_is_certain_and_several_that_have_it_are_tied)
{
    static const weft_str same[] = {{"Old  Town", 9}};
    static const weft_m_entity entities[] = {
        {.id = {"1", 1}, .name = {"Newtown", 7}, .aliases = same, .alias_count = 1},
        {.id = {"2", 1}, .name = {"old town", 8}},
        {.id = {"3", 1}, .name = {"Old Town Hall", 13}},
    };
    subject s = subject_make(entities, 3);
    const wf_judge *judged = judge(&s, STR("OLD-TOWN"), 1, NULL);
    CHECK_EQ(judged->entrant_count, 3);
    CHECK(judged->entrants[0].probability == 1);
    CHECK(judged->entrants[1].probability == 1);
    CHECK_GT(0.5, judged->entrants[2].probability);
    CHECK_EQ(judged->entrants[0].row, 1);
    judged = judge(&s, STR("Newtown"), 1, NULL);
    CHECK(judged->entrants[0].probability == 1);
    subject_free(&s);
}

/* Deutsche Bahn has the initials, and they weigh more than the letters; the bank has the name. */
TEST(whose_initials_it_may_be_is_not_tied_with_who_has_the_name)
{
    static const weft_str bank[] = {{"DB", 2}}, railway[] = {{"DB Bahn", 7}};
    static const weft_m_entity entities[] = {
        {.id = {"1", 1}, .name = {"Deutsche Bahn", 13}, .aliases = railway, .alias_count = 1},
        {.id = {"2", 1}, .name = {"Deutsche Bank", 13}, .aliases = bank, .alias_count = 1},
        {.id = {"3", 1}, .name = {"DB", 2}},
    };
    subject s = subject_make(entities, 3);
    const wf_judge *judged = judge(&s, STR("DB"), 1, NULL);
    CHECK_EQ(judged->entrant_count, 3);
    CHECK_EQ(judged->candidates[judged->entrants[0].candidate].signs[WF_SIGN_INITIALS], 1);
    CHECK_GT(0.01, judged->entrants[0].probability);
    CHECK(judged->entrants[1].probability == 1);
    CHECK(judged->entrants[2].probability == 1);
    subject_free(&s);
}

/* More equal names than there are candidates: all are tied, and together they are one answer. */
TEST(entities_with_one_name_share_its_probability)
{
    enum { EQUAL = 60 };
    weft_m_entity entities[EQUAL + 1];
    char ids[EQUAL + 1][8];
    for (size_t i = 0; i <= EQUAL; i++) {
        size_t len = (size_t)snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        entities[i] = (weft_m_entity){.id = {ids[i], len}, .name = {"Springfield", 11}};
    }
    entities[EQUAL].name = STR("Shelbyville");
    subject s = subject_make(entities, EQUAL + 1);
    const wf_judge *judged = judge(&s, STR("Sprngfield"), 1, NULL);
    CHECK_GE(judged->entrant_count, EQUAL);
    CHECK_GT(judged->entrants[0].probability, 0.5);
    for (size_t i = 1; i < EQUAL; i++)
        CHECK(judged->entrants[i].probability == judged->entrants[0].probability);
    subject_free(&s);
}

TEST(only_those_allowed_are_rivals)
{
    static const weft_m_entity entities[] = {
        {.id = {"1", 1}, .name = {"Guinea", 6}},
        {.id = {"2", 1}, .name = {"Equatorial Guinea", 17}},
        {.id = {"3", 1}, .name = {"New Guinea", 10}},
    };
    uint64_t second = 2;
    subject s = subject_make(entities, 3);
    const wf_judge *judged = judge(&s, STR("Guinea"), 5, &second);
    CHECK_EQ(judged->entrant_count, 1);
    CHECK_EQ(judged->entrants[0].entity, 1);
    CHECK(!judged->entrants[0].is_exact);
    subject_free(&s);
}

/* Thirty companies, some of them banks. */
static const char *const companies[] = {
    "Deutsche Bank",    "Bank of America",  "Commerz Bank", "3M Company",
    "Siemens AG",       "Apple Inc",        "Volkswagen",   "Ford",
    "General Motors",   "General Electric", "Toyota",       "Shell plc",
    "Exxon Mobil",      "JPMorgan Chase",   "Coca-Cola",    "PepsiCo",
    "Nestle",           "Unilever",         "BASF",         "Bayer",
    "SAP SE",           "Allianz",          "Munich Re",    "Telekom",
    "DHL Group",        "Renault",          "IBM",          "Norsk Hydro Limited",
    "Philips Electric", "Sony Corporation",
};

static double best_of(subject *s, const char *query, uint32_t *entity)
{
    double best = 0;
    const wf_judge *judged = judge(s, str_of(query), 1, NULL);
    for (size_t i = 0; i < judged->entrant_count; i++) {
        if (judged->entrants[i].probability <= best)
            continue;
        best = judged->entrants[i].probability;
        *entity = judged->entrants[i].entity;
    }
    return best;
}

TEST(a_word_of_several_names_means_each_of_them)
{
    static const struct {
        const char *query;
        uint32_t entity;
        double least, most;
    } table[] = {
        {"IBM", 26, 1, 1},
        {"Deutsche", 0, 0.6, 1}, /* no other has it */
        {"Deutsche Bank AG", 0, 0.9, 1},
        {"hydro", 27, 0.6, 1},
        {"exxon", 12, 0.6, 1},
        {"bank", 0, 0.1, 0.4}, /* three have it */
        {"Bank", 0, 0.1, 0.4},
        {"the bank", 0, 0.1, 0.4},
        {"general", 9, 0.1, 0.4},     /* two have it, and it is common */
        {"company", 3, 0.1, 0.45},    /* one has it, and it is common */
        {"compani", 3, 0.1, 0.8},     /* less so if it is not quite that */
        {"company 3m", 3, 0.6, 1},    /* not that word alone */
        {"general motor", 8, 0.9, 1}, /* two words of it */
        {"limited", 27, 0, 0.45},
    };
    weft_m_entity entities[30];
    subject s;
    for (size_t i = 0; i < 30; i++)
        entities[i] = (weft_m_entity){.id = str_of(companies[i]), .name = str_of(companies[i])};
    s = subject_make(entities, 30);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        uint32_t entity = 0;
        double found = best_of(&s, table[i].query, &entity);
        note("%s: %.3f for %s", table[i].query, found, companies[entity]);
        CHECK_GE(found, table[i].least);
        CHECK_GE(table[i].most, found);
        CHECK(table[i].most < 0.6 || entity == table[i].entity);
    }
    subject_free(&s);
}

TEST(an_ambiguous_word_leaves_order_and_sum_nearly_as_they_are)
{
    static const char *const knives[] = {"paring knife",    "bread knife",   "garden knife",
                                         "chef's knife 20", "digging spade", "hedge shears"};
    weft_m_entity entities[6];
    uint64_t some = 3;
    double sum = 0;
    for (size_t i = 0; i < 6; i++)
        entities[i] = (weft_m_entity){.id = str_of(knives[i]), .name = str_of(knives[i])};
    subject s = subject_make(entities, 6);
    const wf_judge *judged = judge(&s, str_of("knife"), 1, NULL);
    for (size_t i = 0; i < judged->entrant_count; i++) {
        const wf_entrant *one = &judged->entrants[i];
        CHECK_GE(0.4, one->probability);
        for (size_t k = 0; k < judged->entrant_count; k++)
            CHECK(one->score <= judged->entrants[k].score ||
                  one->probability >= judged->entrants[k].probability);
        sum += one->probability;
    }
    CHECK_GE(sum, 0.7); /* one of the knives is meant */

    judged = judge(&s, str_of("knife"), 1, &some); /* of these two */
    CHECK_EQ(judged->entrant_count, 2);
    CHECK_GE(judged->entrants[0].probability, 0.4);
    subject_free(&s);
}

TEST(initials_find_names_as_they_are_written)
{
    static const weft_str ecb[] = {{"ECB", 3}};
    static const weft_m_entity entities[] = {
        {.id = {"1", 1}, .name = {"Federal Bureau of Investigation", 31}},
        {.id = {"2", 1}, .name = {"Frankfurt", 9}, .aliases = ecb, .alias_count = 1},
        {.id = {"3", 1}, .name = {"Faber", 5}},
    };
    static const struct {
        const char *query;
        uint32_t entity;
        enum wf_sign sign;
    } table[] = {
        {"FBI", 0, WF_SIGN_INITIALS},
        {" FBoI ", 0, WF_SIGN_INITIALS},
        {"fbi", 0, WF_SIGN_INITIALS_MAYBE},
        {"european central bank", 1, WF_SIGN_INITIALS_MAYBE},
    };
    subject s = subject_make(entities, 3);
    for (size_t i = 0; i < sizeof(table) / sizeof(*table); i++) {
        note("%s", table[i].query);
        const wf_judge *judged = judge(&s, str_of(table[i].query), 1, NULL);
        bool found = false;
        for (size_t k = 0; k < judged->entrant_count; k++) {
            const wf_entrant *entrant = &judged->entrants[k];
            bool has_sign = judged->candidates[entrant->candidate].signs[table[i].sign] == 1;
            CHECK_EQ(has_sign, entrant->entity == table[i].entity);
            found |= has_sign;
        }
        CHECK(found);
    }
    subject_free(&s);
}

TEST(texts_of_signs_and_marks_find_themselves)
{
    static const char *const names[] = {"!!!", "\xE2\x98\x85", "\xCC\x81", "a", "日本", "12"};
    weft_m_entity entities[6];
    for (size_t i = 0; i < 6; i++)
        entities[i] = (weft_m_entity){.id = str_of(names[i]), .name = str_of(names[i])};
    subject s = subject_make(entities, 6);
    for (uint32_t i = 0; i < 6; i++) {
        const wf_judge *judged = judge(&s, entities[i].name, 1, NULL);
        double best = 0;
        for (size_t k = 0; k < judged->entrant_count; k++) {
            if (judged->entrants[k].entity == i)
                best = judged->entrants[k].probability;
        }
        note("%s", names[i]);
        CHECK(best == 1);
    }
    CHECK_EQ(judge(&s, STR(""), 1, NULL)->entrant_count, 0);
    subject_free(&s);
}

/* ---- "none of them", by what the catalogue's names are like ---- */

/* The names of a table, asked for. */
TEST(the_usual_lead_is_that_of_the_names_that_are_asked_for)
{
    static const char *const first[] = {"red", "large", "new", "steel", "small", "old", "blue"};
    static const char *const second[] = {"lamp", "table knife", "hook", "drill", "b-52 saw"};
    enum { FIRST = 7, SECOND = 5 };
    static char names[FIRST * SECOND][32];
    weft_m_entity entities[FIRST * SECOND] = {0};
    for (size_t i = 0; i < FIRST * SECOND; i++) {
        snprintf(names[i], sizeof(names[i]), "%s %s", first[i / SECOND], second[i % SECOND]);
        entities[i] = (weft_m_entity){.id = str_of(names[i]), .name = str_of(names[i])};
    }
    subject s = subject_make(entities, FIRST * SECOND);
    double sum = 0;
    for (uint32_t i = 0; i < FIRST * SECOND; i++) {
        const wf_judge *judged = judge(&s, str_of(names[i]), 1, NULL);
        const wf_phrase *query = &judged->query;
        for (size_t k = 0; k < judged->entrant_count; k++) {
            if (judged->entrants[k].entity == i)
                sum += judged->entrants[k].score -
                       wf_model_none(query->solid_count, query->word_count, FIRST * SECOND);
        }
    }
    CHECK_NEAR(wf_probability_of(s.scorer)->usual_lead, sum / (FIRST * SECOND), 1e-5);
    subject_free(&s);
}

TEST(none_of_them_is_the_likelier_the_rarer_the_names_and_the_more_are_like_the_text)
{
    for (size_t entities = 9; entities < 100000; entities *= 3) {
        CHECK_GT(wf_model_none_here(15, 1, entities), wf_model_none_here(9, 1, entities));
        CHECK_GT(wf_model_none_here(9, 1, entities), wf_model_none_here(9, -5, entities));
    }
    CHECK_NEAR(wf_model_none_here(9, -5, 199), wf_model_none_here(9, -5, 20000), 1e-12);
    CHECK_GT(fabs(wf_model_none_here(9, -5, 198)), 1); /* nearly all of it … */
    CHECK_GT(fabs(wf_model_none_here(9, -5, 199)), fabs(wf_model_none_here(9, -5, 40)));
    CHECK(wf_model_none_here(9, -5, 8) == 0); /* … and nothing */
    CHECK(wf_model_none_here(9, -5, 1) == 0);
}
