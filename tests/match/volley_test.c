/* SPDX-License-Identifier: MIT */

/* Many questions at once, of which a model makes the vectors together: each answer is what it is
 * alone. */
#include "make.h"

#include <stdio.h>
#include <weft/encoder.h>
#include <weft/hierarchy.h>
#include <weft/novelty.h>

/* Letters counted in five groups, so that many texts are as near as others; of digits alone nothing
 * is known. */
static int group_encode(void *self, const weft_str *texts, size_t count, float *out)
{
    (void)self;
    memset(out, 0, count * 5 * sizeof(*out));
    for (size_t i = 0; i < count; i++) {
        for (size_t k = 0; k < texts[i].len; k++) {
            unsigned letter = (unsigned char)texts[i].ptr[k];
            if (letter < '0' || letter > '9')
                out[i * 5 + letter % 5] += 1;
        }
    }
    return 0;
}

static const weft_encoder_class group_class = {
    .size = sizeof(group_class), .kind = "groups", .encode = group_encode};

static int open_groups(weft_matcher **out, const made *m, const char *mode, const char *score_kind,
                       size_t ann_rows_min)
{
    weft_m_options options;
    weft_encoder *encoder;
    int rc = weft_encoder_new(&encoder, &group_class, "groups", 5, NULL);
    if (rc < 0)
        return rc;
    weft_m_options_init(&options);
    options.encoder = encoder;
    options.mode = str_of(mode);
    options.score_kind = str_of(score_kind);
    options.ann_rows_min = ann_rows_min;
    rc = weft_m_open(out, m->entities, m->count, &options, NULL);
    weft_encoder_unref(encoder);
    return rc;
}

enum { MANY = 70 };

/* One way to ask: `count` queries into a list. */
typedef int ask_fn(weft_matcher *matcher, const weft_str *queries, size_t count,
                   const weft_m_query *query, weft_text *out);

static int ask_hits(weft_matcher *matcher, const weft_str *queries, size_t count,
                    const weft_m_query *query, weft_text *out)
{
    return weft_m_batch_json(matcher, queries, count, query, MANY, out, NULL);
}

static int ask_novelty(weft_matcher *matcher, const weft_str *queries, size_t count,
                       const weft_m_query *query, weft_text *out)
{
    static const weft_str strategies[] = {WEFT_STR("calibrated"), WEFT_STR("knn_distance"),
                                          WEFT_STR("pattern")};
    weft_m_novelty_options options;
    weft_m_novelty_options_init(&options);
    options.strategies = strategies;
    options.strategy_count = sizeof(strategies) / sizeof(strategies[0]);
    options.top_k = query->top_k;
    options.existing = query->candidates;
    options.existing_count = query->candidate_count;
    return weft_m_novelty_json(matcher, queries, count, &options, out, NULL);
}

static int ask_hierarchy(weft_matcher *matcher, const weft_str *queries, size_t count,
                         const weft_m_query *query, weft_text *out)
{
    weft_m_hierarchy_options options;
    weft_m_hierarchy_options_init(&options);
    options.top_k = query->top_k;
    options.threshold = query->threshold;
    options.within = query->candidates != NULL ? query->candidates[0] : (weft_str){0};
    return weft_m_hierarchy_json(matcher, queries, count, &options, out, NULL);
}

static void check_together(weft_matcher *matcher, const weft_str *queries,
                           const weft_m_query *query, ask_fn *ask)
{
    weft_text all, one;
    CHECK_OK(ask(matcher, queries, MANY, query, &all));
    const char *at = all.ptr + 1;
    for (size_t i = 0; i < MANY; i++) {
        CHECK_OK(ask(matcher, &queries[i], 1, query, &one));
        note("%zu: %.*s", i, (int)queries[i].len, queries[i].ptr);
        CHECK_BYTES(at, one.len - 2, one.ptr + 1, one.len - 2);
        at += one.len - 1;
        weft_text_free(&one);
    }
    weft_text_free(&all);
}

/* Four below each, from the first on. */
static void put_in_order(made *m, char (*extras)[64])
{
    for (size_t i = 1; i < m->count; i++) {
        snprintf(extras[i], sizeof(extras[i]), "{\"hierarchy\":{\"parents\":[\"%zu\"]}}",
                 (i - 1) / 4);
        m->entities[i].extra = str_of(extras[i]);
    }
}

TEST(questions_asked_together_are_answered_as_each_alone)
{
    static const struct {
        const char *mode, *kind;
        size_t ann_rows_min;
    } ways[] = {{"zero-shot", "dense", 1000},
                {"zero-shot", "fused", 1000},
                {"zero-shot", "dense", 10},
                {"hybrid", "dense", 1000},
                {"hybrid", "fused", 10}};
    static ask_fn *const asks[] = {ask_hits, ask_novelty, ask_hierarchy};
    static const int64_t top_ks[] = {4, 9};
    static char extras[150][64];
    dice d = {21};
    made m = make_random(&d, 150, 6, 6, 2);
    weft_str queries[MANY], ids[40];
    put_in_order(&m, extras);
    for (size_t i = 0; i < MANY; i++)
        queries[i] = m.entities[i * 2].name;
    queries[3] = STR(" ");
    queries[40] = STR("2026");
    queries[41] = STR("zzz");
    for (size_t i = 0; i < 40; i++)
        ids[i] = m.entities[i * 3].id;
    for (size_t i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
        weft_matcher *matcher;
        weft_m_query query;
        weft_m_query_init(&query);
        query.threshold = 0.2f;
        CHECK_OK(open_groups(&matcher, &m, ways[i].mode, ways[i].kind, ways[i].ann_rows_min));
        for (size_t k = 0; k < 6; k++) {
            query.top_k = top_ks[k / 3];
            query.candidates = k < 3 ? ids : NULL;
            query.candidate_count = k < 3 ? 40 : 0;
            note("%s, %s, way %zu to ask, top_k %d", ways[i].mode, ways[i].kind, k % 3,
                 (int)query.top_k);
            check_together(matcher, queries, &query, asks[k % 3]);
        }
        weft_m_close(matcher);
    }
    make_free(&m);
}

/* Where few may be found their rows are computed one by one, else all are swept. */
TEST(the_few_that_may_be_found_have_the_scores_they_have_among_all)
{
    dice d = {23};
    made m = make_random(&d, 300, 6, 6, 3);
    const weft_str few[] = {m.entities[7].id, m.entities[64].id, m.entities[150].id,
                            m.entities[299].id};
    weft_matcher *matcher = NULL;
    weft_m_query query;
    weft_m_query_init(&query);
    query.threshold = 0;
    query.top_k = 300;
    query.candidate_count = 4;
    CHECK_OK(open_groups(&matcher, &m, "zero-shot", "dense", 1000));
    for (size_t i = 0; i < 300; i += 10) {
        weft_m_results *all, *some;
        size_t all_count, some_count, at = 0;
        query.candidates = NULL;
        CHECK_OK(weft_m_match(matcher, &m.entities[i].name, 1, &query, &all, NULL));
        query.candidates = few;
        CHECK_OK(weft_m_match(matcher, &m.entities[i].name, 1, &query, &some, NULL));
        const weft_m_hit *every = weft_m_results_hits(all, 0, &all_count);
        const weft_m_hit *found = weft_m_results_hits(some, 0, &some_count);
        for (size_t k = 0; k < all_count && at < some_count; k++) {
            if (every[k].entity != found[at].entity)
                continue;
            CHECK(every[k].score == found[at].score);
            CHECK_BYTES(every[k].matched.ptr, every[k].matched.len, found[at].matched.ptr,
                        found[at].matched.len);
            at++;
        }
        CHECK_GE(some_count, 2);
        CHECK_EQ(at, some_count);
        weft_m_results_free(all);
        weft_m_results_free(some);
    }
    weft_m_close(matcher);
    make_free(&m);
}

/* Hybrid, so that each question has a set of its own. */
SCENARIO(questions_asked_together_survive_every_failure)
{
    static char extras[12][64];
    dice d = {22};
    made m = make_random(&d, 12, 6, 6, 1);
    weft_str queries[18];
    weft_matcher *matcher;
    weft_m_query query;
    weft_m_query_init(&query);
    query.retrieval_top_k = 2;
    for (size_t i = 0; i < 18; i++)
        queries[i] = m.entities[i % 12].name;
    put_in_order(&m, extras);
    int rc = open_groups(&matcher, &m, "hybrid", "fused", 1000);
    if (rc == 0) {
        weft_text out = {0};
        rc = weft_m_batch_json(matcher, queries, 18, &query, 18, &out, NULL);
        weft_text_free(&out);
        out = (weft_text){0};
        if (rc == 0)
            rc = ask_hierarchy(matcher, queries, 18, &query, &out);
        weft_text_free(&out);
        weft_m_close(matcher);
    }
    make_free(&m);
    return rc;
}
