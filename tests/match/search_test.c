/* SPDX-License-Identifier: MIT */

/* Exact search against the same in double precision, by brute force and without any index. */

#include "make.h"
#include "match/score/scorer.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <math.h>

static const wf_job no_job = {0};

/* ---- the oracle ---- */

typedef struct oracle {
    const made *made;
    wf_lexicon lexicon;
    wf_encoder encoder;
    double *scores; /* an entity */
    uint32_t *order;
} oracle;

static weft_str row_of(const weft_m_entity *entity, size_t row)
{
    return row == 0 ? entity->name : entity->aliases[row - 1];
}

static void oracle_init(oracle *o, const made *m)
{
    *o = (oracle){.made = m};
    CHECK_OK(wf_lexicon_init(&o->lexicon));
    for (size_t i = 0; i < m->count; i++) {
        for (size_t row = 0; row <= m->entities[i].alias_count; row++) {
            CHECK_OK(wf_features_extract(&o->encoder.features, row_of(&m->entities[i], row)));
            CHECK_OK(wf_lexicon_count(&o->lexicon, &o->encoder.features, &no_job));
        }
    }
    CHECK_OK(wf_lexicon_weigh(&o->lexicon, &no_job));
    o->scores = calloc(m->count, sizeof(*o->scores));
    o->order = calloc(m->count, sizeof(*o->order));
}

static void oracle_fini(oracle *o)
{
    wf_lexicon_fini(&o->lexicon);
    wf_encoder_fini(&o->encoder);
    free(o->scores);
    free(o->order);
}

static double dense[WF_DIM_COUNT];

static double length(const wf_vector *vector)
{
    double squares = 0;
    for (size_t i = 0; i < vector->count; i++)
        squares += (double)vector->weights[i].value * (double)vector->weights[i].value;
    return sqrt(squares);
}

static double cosine(const wf_vector *row, double query_length)
{
    double dot = 0, lengths = query_length * length(row);
    for (size_t i = 0; i < row->count; i++)
        dot += dense[row->weights[i].dim] * (double)row->weights[i].value;
    return lengths > 0 ? dot / lengths : 0;
}

static const double *compared;

static int by_score(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;
    if (compared[x] != compared[y])
        return compared[x] < compared[y] ? 1 : -1;
    return x < y ? -1 : 1;
}

static void oracle_ask(oracle *o, weft_str query)
{
    wf_vector vector = {0};
    CHECK_OK(wf_encode(&o->encoder, &o->lexicon, query, &vector));
    memset(dense, 0, sizeof(dense));
    for (size_t i = 0; i < vector.count; i++)
        dense[vector.weights[i].dim] = (double)vector.weights[i].value;
    double query_length = length(&vector);
    for (size_t i = 0; i < o->made->count; i++) {
        const weft_m_entity *entity = &o->made->entities[i];
        o->order[i] = (uint32_t)i;
        o->scores[i] = -2;
        for (size_t row = 0; row <= entity->alias_count; row++) {
            CHECK_OK(wf_encode(&o->encoder, &o->lexicon, row_of(entity, row), &vector));
            o->scores[i] = fmax(o->scores[i], cosine(&vector, query_length));
        }
    }
    compared = o->scores;
    qsort(o->order, o->made->count, sizeof(*o->order), by_score);
    wf_vector_fini(&vector);
}

/* ---- comparing ---- */

typedef struct subject {
    wf_catalogue *catalogue;
    wf_scorer *scorer;
    wf_seeker *seeker;
    weft_m_options options;
} subject;

static void subject_init(subject *s, const made *m)
{
    weft_m_options_init(&s->options);
    s->options.normalize = false; /* the oracle does not */
    wf_limits limits = {.entity_count_max = 1000000, .text_bytes_max = 65536};
    CHECK_OK(wf_catalogue_new(&s->catalogue, m->entities, m->count, &limits, NULL));
    CHECK_OK(wf_scorer_cosine.create(&s->scorer, s->catalogue, &s->options));
    s->seeker = wf_alloc(sizeof(*s->seeker));
    int rc;
    do {
        rc = s->scorer->cls->build(s->scorer, s->seeker, &(wf_job){0});
    } while (rc > 0);
    CHECK_OK(rc);
    CHECK_EQ(s->scorer->done, s->scorer->total);
}

static void subject_fini(subject *s)
{
    wf_seekers pool;
    wf_seekers_init(&pool);
    wf_seekers_give(&pool, s->seeker);
    wf_seekers_fini(&pool);
    wf_scorer_unref(s->scorer);
    wf_catalogue_unref(s->catalogue);
}

static const wf_rank *subject_ask(subject *s, weft_str query, size_t top_k, float threshold)
{
    wf_job job = {0};
    wf_ask ask = {.raw = query, .top_k = top_k, .threshold = threshold, .job = &job};
    CHECK_OK(wf_seeker_read(s->seeker, &s->options, query));
    CHECK_OK(s->scorer->cls->find(s->scorer, s->seeker, &ask));
    return &s->seeker->rank;
}

/* Scores to 1e-5; ids and order, but pairs closer than 1e-6 may change places unless equal. */
static void compare(const oracle *o, const wf_rank *rank, size_t top_k, float threshold)
{
    size_t wanted = 0;
    while (wanted < o->made->count && wanted < top_k &&
           o->scores[o->order[wanted]] >= (double)threshold + 1e-6)
        wanted++;
    size_t most = wanted;
    while (most < o->made->count && most < top_k &&
           o->scores[o->order[most]] >= (double)threshold - 1e-6)
        most++;
    CHECK_GE(rank->count, wanted);
    CHECK_LE(rank->count, most);
    for (size_t i = 0; i < rank->count; i++) {
        double score = o->scores[rank->found[i].entity];
        note("place %zu: entity %u, score %.9g, should be %.9g", i, rank->found[i].entity,
             (double)rank->found[i].score, score);
        CHECK_NEAR((double)rank->found[i].score, score, 1e-5);
        CHECK_NEAR(score, o->scores[o->order[i]], 1e-6);
        if (i == 0)
            continue;
        double before = o->scores[rank->found[i - 1].entity];
        CHECK(before > score - 1e-6);
        if (rank->found[i - 1].score == rank->found[i].score)
            CHECK_LT(rank->found[i - 1].entity, rank->found[i].entity);
    }
}

/* Entities with the very same best row have the very same score, and those past the end are told.
 */
static void check_tied(const oracle *o, const wf_rank *rank)
{
    if (rank->count == 0 || rank->count < rank->top_k)
        return;
    double last = o->scores[rank->found[rank->count - 1].entity];
    size_t equal = 0, inside = 0;
    for (size_t i = 0; i < o->made->count; i++)
        equal += o->scores[i] == last;
    for (size_t i = 0; i < rank->count; i++)
        inside += o->scores[rank->found[i].entity] == last;
    size_t listed = rank->tied_count;
    CHECK_GE(listed, equal - inside < WF_TIED_MAX ? equal - inside : WF_TIED_MAX);
    for (size_t i = 0; i < listed; i++) {
        CHECK_NEAR(o->scores[rank->tied[i]], last, 1e-6);
        CHECK(i == 0 || rank->tied[i - 1] < rank->tied[i]);
    }
}

static weft_str vary(dice *d, weft_str name, char *out)
{
    memcpy(out, name.ptr, name.len);
    if (roll(d, 3) != 0)
        out[roll(d, name.len)] = (char)('a' + roll(d, 26));
    return (weft_str){out, name.len};
}

static void compare_random(size_t count, unsigned letters, unsigned word_max, unsigned aliases_max,
                           size_t questions)
{
    static const size_t ks[] = {1, 2, 5, 10, 1000};
    static const float thresholds[] = {0, 0.1f, 0.5f, 0.7f, 1};
    dice d = {test_seed() * 977 + count};
    made m = make_random(&d, count, letters, word_max, aliases_max);
    oracle o;
    subject s;
    char text[256];
    oracle_init(&o, &m);
    subject_init(&s, &m);
    for (size_t i = 0; i < questions; i++) {
        weft_str query = vary(&d, m.entities[roll(&d, count)].name, text);
        oracle_ask(&o, query);
        for (size_t k = 0; k < 25; k++) {
            const wf_rank *rank = subject_ask(&s, query, ks[k % 5], thresholds[k / 5]);
            compare(&o, rank, ks[k % 5], thresholds[k / 5]);
            check_tied(&o, rank);
        }
    }
    subject_fini(&s);
    oracle_fini(&o);
    make_free(&m);
}

TEST(search_is_exact_on_everyday_names)
{
    compare_random(300, 26, 8, 3, 60);
}

TEST(search_is_exact_where_nearly_everything_ties)
{
    compare_random(300, 2, 3, 2, 40);
}

TEST(search_is_exact_with_one_entity)
{
    compare_random(1, 26, 8, 0, 5);
}

TEST(search_is_exact_over_the_end_of_a_segment)
{
    compare_random(9000, 12, 5, 3, 3); /* about 22,500 rows: two segments */
}

/* ---- what is left out ---- */

/* Rows that tie, that differ by their end, that have all in common or nothing, and lengths of one
 * letter and of ten thousand. */
#define HOSTILE_ROWS 700u
#define LONG_BYTES 10000u

struct hostile {
    weft_str rows[HOSTILE_ROWS];
    char texts[HOSTILE_ROWS][64];
    char giant[LONG_BYTES];
    uint32_t row_entity[HOSTILE_ROWS];
    uint64_t allowed[HOSTILE_ROWS / 64 + 1];
    wf_lexicon lexicon;
    wf_encoder encoder;
    wf_postings postings;
    wf_finder finder;
    wf_vector query;
    wf_rank all, some;
    uint32_t without; /* a row that is not found among entities */
    dice d;
};

typedef size_t row_maker(dice *d, uint32_t row, char *out);

static size_t make_equal(dice *d, uint32_t row, char *out)
{
    (void)d, (void)row;
    return (size_t)snprintf(out, 64, "the same name");
}

static size_t make_letter(dice *d, uint32_t row, char *out)
{
    (void)row;
    out[0] = (char)('a' + roll(d, 26));
    return 1;
}

static size_t make_end(dice *d, uint32_t row, char *out)
{
    return (size_t)snprintf(out, 64, "international company no %c%c", (char)('a' + roll(d, 26)),
                            (char)('a' + row % 26));
}

/* The first words are in nearly every row, the last in one. */
static size_t make_zipf(dice *d, uint32_t row, char *out)
{
    size_t len = 0;
    (void)row;
    for (size_t words = 1 + roll(d, 4); words > 0; words--)
        len += (size_t)snprintf(out + len, 12, "w%llu ",
                                (unsigned long long)(1000 / (1 + roll(d, 1000))));
    return len;
}

/* A letter of any of a hundred and fifty blocks of Unicode. */
static size_t make_scripts(dice *d, uint32_t row, char *out)
{
    size_t len = 0;
    uint32_t block = 0x80 * (1 + (uint32_t)roll(d, 150));
    (void)row;
    for (size_t points = 1 + roll(d, 9); points > 0; points--)
        len += wf_utf8_write(block + (uint32_t)roll(d, 0x80), out + len);
    return len;
}

static size_t make_everyday(dice *d, uint32_t row, char *out)
{
    (void)row;
    return make_name(d, out, 20, 6);
}

static struct hostile *make_hostile(row_maker *maker, uint32_t rows, bool has_giant)
{
    struct hostile *it = calloc(1, sizeof(*it));
    it->d = (dice){test_seed() * 31 + 7};
    for (uint32_t row = 0, entity = 0; row < rows; row++) {
        it->rows[row] = (weft_str){it->texts[row], maker(&it->d, row, it->texts[row])};
        entity += row != 0 && roll(&it->d, 3) != 0;
        it->row_entity[row] = entity;
        it->allowed[entity / 64] |= (uint64_t)(roll(&it->d, 4) != 0) << entity % 64;
    }
    for (size_t i = 0; i < LONG_BYTES; i++)
        it->giant[i] = (char)('a' + roll(&it->d, 26));
    if (has_giant)
        it->rows[rows / 2] = (weft_str){it->giant, LONG_BYTES};
    CHECK_OK(wf_lexicon_init(&it->lexicon));
    for (uint32_t row = 0; row < rows; row++) {
        CHECK_OK(wf_features_extract(&it->encoder.features, it->rows[row]));
        CHECK_OK(wf_lexicon_count(&it->lexicon, &it->encoder.features, &no_job));
    }
    CHECK_OK(wf_lexicon_weigh(&it->lexicon, &no_job));
    for (uint32_t row = 0; row < rows; row++) {
        CHECK_OK(wf_encode(&it->encoder, &it->lexicon, it->rows[row], &it->query));
        CHECK_OK(wf_postings_add(&it->postings, &it->query, &no_job));
    }
    CHECK_OK(wf_postings_seal(&it->postings, &no_job));
    it->without = rows / 3;
    return it;
}

static void hostile_free(struct hostile *it)
{
    wf_lexicon_fini(&it->lexicon);
    wf_encoder_fini(&it->encoder);
    wf_postings_fini(&it->postings);
    wf_finder_fini(&it->finder);
    wf_vector_fini(&it->query);
    wf_rank_fini(&it->all);
    wf_rank_fini(&it->some);
    free(it);
}

static void find_into(struct hostile *it, const wf_search *search, wf_rank *rank, size_t top_k,
                      float threshold)
{
    CHECK_OK(wf_rank_begin(rank, top_k, it->postings.row_count, threshold));
    CHECK_OK(wf_find(&it->finder, search, &it->query, rank, &no_job));
    wf_rank_end(rank);
}

/* All entities at no threshold leave nothing out; fewer of them, or those above a threshold, are
 * the beginning of that, to the bit. */
static void check_beginning(struct hostile *it, const wf_search *search, size_t top_k,
                            float threshold)
{
    const wf_rank *all = &it->all, *some = &it->some;
    find_into(it, search, &it->some, top_k, threshold);
    size_t wanted = 0, tied = 0;
    while (wanted < all->count && wanted < top_k && all->found[wanted].score >= threshold)
        wanted++;
    CHECK_EQ(some->count, wanted);
    for (size_t i = 0; i < wanted; i++) {
        CHECK_EQ(some->found[i].entity, all->found[i].entity);
        CHECK_EQ(some->found[i].row, all->found[i].row);
        CHECK_EQ(memcmp(&some->found[i].score, &all->found[i].score, sizeof(float)), 0);
    }
    for (size_t i = wanted; wanted == top_k && i < all->count; i++, tied++) {
        if (all->found[i].score != all->found[wanted - 1].score)
            break;
        CHECK_EQ(some->tied[tied], all->found[i].entity);
    }
    CHECK_EQ(some->tied_count, tied);
}

static void check_hostile(row_maker *maker, uint32_t rows, bool has_giant)
{
    static const size_t ks[] = {1, 2, 5, 24, 64, 65};
    static const float thresholds[] = {0, 0.2f, 0.7f, 1};
    struct hostile *it = make_hostile(maker, rows, has_giant);
    const wf_search searches[] = {
        {.postings = &it->postings},
        {.postings = &it->postings, .row_entity = it->row_entity, .allowed = it->allowed},
        {.postings = &it->postings, .row_entity = it->row_entity, .without = &it->without},
    };
    for (size_t i = 0; i < 36; i++) {
        char text[64];
        uint32_t row = (uint32_t)roll(&it->d, rows);
        weft_str query = it->rows[row];
        if (i % 3 != 0) /* another, which may be that of no row */
            query = (weft_str){text, maker(&it->d, row, text)};
        CHECK_OK(wf_encode(&it->encoder, &it->lexicon, query, &it->query));
        find_into(it, &searches[i % 3], &it->all, rows, 0);
        for (size_t k = 0; k < 24; k++)
            check_beginning(it, &searches[i % 3], ks[k % 6], thresholds[k / 6]);
    }
    hostile_free(it);
}

TEST(what_a_search_leaves_out_changes_nothing)
{
    static row_maker *const makers[] = {make_equal, make_letter,  make_end,
                                        make_zipf,  make_scripts, make_everyday};
    for (size_t i = 0; i < sizeof(makers) / sizeof(*makers); i++) {
        note("kind %zu", i);
        check_hostile(makers[i], test_amount(HOSTILE_ROWS, 150), false);
        check_hostile(makers[i], 120, true);
        for (uint32_t rows = 1; rows < 4; rows++)
            check_hostile(makers[i], rows, false);
    }
}

/* ---- edges ---- */

static made of_names(const char *const *names, size_t count)
{
    static char ids[16][24];
    made m = {.entities = calloc(count, sizeof(*m.entities)), .count = count};
    for (size_t i = 0; i < count; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        m.entities[i] = (weft_m_entity){.id = str_of(ids[i]), .name = str_of(names[i])};
    }
    return m;
}

TEST(search_gives_equal_names_equal_scores_in_their_order)
{
    static const char *const names[] = {"air line", "sea line", "line air", "air line", "air line"};
    made m = of_names(names, 5);
    subject s;
    subject_init(&s, &m);
    const wf_rank *rank = subject_ask(&s, STR("air line"), 2, 0.5f);
    CHECK_EQ(rank->count, 2);
    CHECK_EQ(rank->found[0].entity, 0);
    CHECK_EQ(rank->found[1].entity, 2); /* the same words */
    CHECK(rank->found[0].score == 1);
    CHECK(rank->found[1].score == 1);
    CHECK_EQ(rank->tied_count, 2);
    CHECK_EQ(rank->tied[0], 3);
    CHECK_EQ(rank->tied[1], 4);
    subject_fini(&s);
    make_free(&m);
}

TEST(search_without_anything_in_common_scores_zero)
{
    static const char *const names[] = {"aaaa", "bbbb", "cccc"};
    made m = of_names(names, 3);
    subject s;
    subject_init(&s, &m);
    CHECK_EQ(subject_ask(&s, STR("xyz"), 5, 0.01f)->count, 0);
    const wf_rank *rank = subject_ask(&s, STR("xyz"), 2, 0);
    CHECK_EQ(rank->count, 2);
    CHECK(rank->found[0].score == 0);
    CHECK_EQ(rank->found[0].entity, 0);
    CHECK_EQ(rank->found[1].entity, 1);
    CHECK_EQ(rank->tied_count, 1);
    subject_fini(&s);
    make_free(&m);
}

TEST(search_keeps_entities_with_many_aliases_from_crowding_out_others)
{
    weft_str aliases[10];
    for (size_t i = 0; i < 10; i++)
        aliases[i] = STR("grand hotel");
    weft_m_entity entities[] = {
        {.id = STR("a"), .name = STR("grand hotel"), .aliases = aliases, .alias_count = 10},
        {.id = STR("b"), .name = STR("grand hostel")},
    };
    made m = {.entities = entities, .count = 2};
    subject s;
    subject_init(&s, &m);
    const wf_rank *rank = subject_ask(&s, STR("grand hotel"), 2, 0.1f);
    CHECK_EQ(rank->count, 2);
    CHECK_EQ(rank->found[0].entity, 0);
    CHECK_EQ(rank->found[0].row, 0); /* the first of equal rows */
    CHECK_EQ(rank->found[1].entity, 1);
    subject_fini(&s);
}

TEST(search_is_exact_beside_a_row_of_sixty_four_kilobytes)
{
    enum { BYTES = 65000 };
    char *giant = malloc(BYTES);
    dice d = {7};
    for (size_t i = 0; i < BYTES; i++)
        giant[i] = i % 7 == 6 ? ' ' : (char)('a' + roll(&d, 26));
    made m = make_random(&d, 50, 26, 6, 1);
    m.entities[20].name = (weft_str){giant, BYTES};
    oracle o;
    subject s;
    oracle_init(&o, &m);
    subject_init(&s, &m);
    for (size_t i = 0; i < 50; i++) {
        oracle_ask(&o, m.entities[i].name);
        compare(&o, subject_ask(&s, m.entities[i].name, 10, 0.05f), 10, 0.05f);
    }
    subject_fini(&s);
    oracle_fini(&o);
    make_free(&m);
    free(giant);
}

static int stop_now = -WEFT_M_ECLOSED;

/* What is done behind the last row takes long too. */
TEST(building_ends_behind_its_last_row_when_its_job_is_stopped)
{
    const wf_job job = {.stop = &stop_now};
    wf_postings postings = {0};
    wf_weight weight = {.dim = 1, .value = 1};
    wf_vector row = {.weights = &weight, .count = 1, .norm = 1};
    CHECK_OK(wf_postings_add(&postings, &row, &no_job));
    CHECK_EQ(wf_postings_seal(&postings, &job), -WEFT_M_ECLOSED);
    wf_postings_fini(&postings);
}

TEST(search_ends_when_its_job_is_stopped)
{
    static const char *const names[] = {"aaaa", "bbbb"};
    made m = of_names(names, 2);
    subject s;
    subject_init(&s, &m);
    wf_job job = {.stop = &stop_now};
    wf_ask ask = {.top_k = 1, .threshold = 0, .job = &job};
    CHECK_OK(wf_seeker_read(s.seeker, &s.options, STR("aaaa")));
    CHECK_EQ(s.scorer->cls->find(s.scorer, s.seeker, &ask), -WEFT_M_ECLOSED);
    subject_fini(&s);
    make_free(&m);
}
