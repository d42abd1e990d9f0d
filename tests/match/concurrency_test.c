/* SPDX-License-Identifier: MIT */

/* The matcher in tasks: progress, cancel, changes under load, every failure. */

#include "make.h"

#include <weft.h>

#include <math.h>

/* ---- parity ---- */

static int ask_all(weft_matcher *matcher, const made *m, int64_t batch_size, weft_text *out)
{
    weft_str queries[64];
    weft_m_query query;
    weft_m_query_init(&query);
    query.top_k = 3;
    query.threshold = 0.3f;
    for (size_t i = 0; i < 64; i++)
        queries[i] = m->entities[i * 3 % m->count].name;
    return weft_m_batch_json(matcher, queries, 64, &query, batch_size, out, NULL);
}

static int ask_in_task(void *arg)
{
    weft_text *text = arg;
    dice d = {3};
    made m = make_random(&d, 100, 6, 6, 2);
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, m.entities, m.count, NULL, NULL));
    CHECK_OK(ask_all(matcher, &m, 7, text));
    weft_m_close(matcher);
    make_free(&m);
    return 0;
}

/* One by one, in slices of every size, in a task and out of one: the same bytes. */
TEST(answers_do_not_depend_on_how_they_were_asked)
{
    dice d = {3};
    made m = make_random(&d, 100, 6, 6, 2);
    weft_matcher *matcher;
    weft_text first, next;
    CHECK_OK(weft_m_open(&matcher, m.entities, m.count, NULL, NULL));
    CHECK_OK(ask_all(matcher, &m, 1, &first));
    static const int64_t sizes[] = {2, 7, 32, 64, 1000};
    for (size_t i = 0; i < 5; i++) {
        CHECK_OK(ask_all(matcher, &m, sizes[i], &next));
        CHECK_STR(next.ptr, first.ptr);
        weft_text_free(&next);
    }
    static const char *const backends[] = {"sim", "epoll"};
    for (size_t i = 0; i < 2; i++) {
        weft_config config = {.backend = backends[i]};
        CHECK_OK(weft_run_with(&config, ask_in_task, &next));
        CHECK_STR(next.ptr, first.ptr);
        weft_text_free(&next);
    }
    weft_str query = m.entities[5].name;
    weft_m_query one;
    weft_m_query_init(&one);
    one.threshold = 0.3f;
    CHECK_OK(weft_m_match_json(matcher, query, &one, &next, NULL));
    weft_text list;
    CHECK_OK(weft_m_batch_json(matcher, &query, 1, &one, 32, &list, NULL));
    CHECK_BYTES(list.ptr + 1, list.len - 2, next.ptr, next.len);
    weft_text_free(&next);
    weft_text_free(&list);
    weft_text_free(&first);
    weft_m_close(matcher);
    make_free(&m);
}

/* ---- progress ---- */

struct steps {
    size_t calls, last, total, stop_at;
    int rc;
};

static int step(size_t done, size_t total, void *arg)
{
    struct steps *steps = arg;
    CHECK_GT(done, steps->last);
    CHECK_LE(done, total);
    steps->last = done;
    steps->total = total;
    steps->calls++;
    return steps->calls == steps->stop_at ? steps->rc : 0;
}

static weft_matcher *open_random(size_t count)
{
    dice d = {count};
    made m = make_random(&d, count, 20, 8, 1);
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, m.entities, m.count, NULL, NULL));
    make_free(&m);
    return matcher;
}

enum { QUERIES = 100 };
static weft_str queries[QUERIES];

static void fill_queries(void)
{
    static char text[QUERIES * 48];
    dice d = {5};
    size_t used = 0;
    for (size_t i = 0; i < QUERIES; i++) {
        queries[i] = (weft_str){text + used, make_name(&d, text + used, 20, 8)};
        used += queries[i].len;
    }
}

static int batch(weft_matcher *matcher, size_t count, int64_t size, struct steps *steps,
                 weft_m_error *error)
{
    weft_m_results *results = NULL;
    int rc = weft_m_batch(matcher, queries, count, NULL, size, &results, error, step, steps);
    CHECK_EQ(rc < 0, results == NULL);
    weft_m_results_free(results);
    return rc;
}

TASK_TEST(progress_of_a_batch_grows_to_its_total)
{
    weft_matcher *matcher = open_random(50);
    fill_queries();
    static const struct {
        size_t count;
        int64_t size;
        size_t calls;
    } table[] = {{100, 32, 4}, {100, 100, 1}, {100, 1000, 1}, {3, 1, 3}, {0, 32, 0}};
    for (size_t i = 0; i < 5; i++) {
        struct steps steps = {0};
        note("row %zu", i);
        CHECK_OK(batch(matcher, table[i].count, table[i].size, &steps, NULL));
        CHECK_EQ(steps.calls, table[i].calls);
        CHECK_EQ(steps.last, table[i].count);
        CHECK_EQ(steps.total, table[i].count);
    }
    weft_m_close(matcher);
}

TASK_TEST(progress_can_end_a_batch_and_a_fit)
{
    weft_matcher *matcher = open_random(50);
    weft_m_error error;
    struct steps steps = {.stop_at = 2, .rc = -EIO};
    fill_queries();
    CHECK_EQ(batch(matcher, 100, 10, &steps, &error), -EIO);
    CHECK_EQ(steps.calls, 2);
    CHECK_STR(error.message, "stopped by the caller after 20 of 100 queries");
    steps = (struct steps){.stop_at = 3, .rc = 1};
    CHECK_EQ(batch(matcher, 100, 10, &steps, &error), -ECANCELED);
    CHECK_EQ(steps.calls, 3);
    weft_m_close(matcher);

    matcher = open_random(3000);
    weft_m_fit_options options;
    weft_m_info info = {.size = sizeof(info)};
    weft_m_fit_options_init(&options);
    steps = (struct steps){.stop_at = 2, .rc = 1};
    options.progress = step;
    options.progress_arg = &steps;
    CHECK_EQ(weft_m_fit(matcher, NULL, 0, &options, &error), -ECANCELED);
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK(!info.is_ready);
    CHECK(!info.is_fitting);
    steps = (struct steps){0};
    CHECK_OK(weft_m_fit(matcher, NULL, 0, &options, &error));
    CHECK_GT(steps.calls, 2);
    CHECK_EQ(steps.last, steps.total);
    weft_m_close(matcher);
}

/* ---- together ---- */

static int match_germany(void *arg)
{
    weft_m_results *results;
    weft_str text = STR("germany");
    WEFT_TRY(weft_m_match(arg, &text, 1, NULL, &results, NULL));
    weft_m_results_free(results);
    return 0;
}

TASK_TEST(a_new_matcher_is_fitted_once_by_many_callers)
{
    weft_matcher *matcher = open_random(3000);
    weft_m_info info = {.size = sizeof(info)};
    weft_task tasks[20];
    for (size_t i = 0; i < 20; i++)
        tasks[i] = weft_spawn(match_germany, matcher);
    CHECK_OK(weft_gather_n(tasks, 20));
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_EQ(info.snapshot, 1);
    CHECK_EQ(info.query_count, 20);
    weft_m_close(matcher);
}

/* Two entities that come and go together, and calls that ask for both many times over: within one
 * call they are always there or never. */
struct pair {
    weft_matcher *matcher;
    bool is_over;
    size_t answers, with, without;
};

static const weft_m_entity both[] = {{.id = {"x", 1}, .name = {"xanadu", 6}},
                                     {.id = {"y", 1}, .name = {"yonder", 6}}};

static int ask_both(void *arg)
{
    struct pair *pair = arg;
    weft_str texts[40];
    for (size_t i = 0; i < 40; i++)
        texts[i] = both[i % 2].name;
    while (!__atomic_load_n(&pair->is_over, __ATOMIC_RELAXED)) {
        weft_m_results *results;
        WEFT_TRY(weft_m_match(pair->matcher, texts, 40, NULL, &results, NULL));
        size_t found = 0, count;
        for (size_t i = 0; i < 40; i++) {
            weft_m_results_hits(results, i, &count);
            found += count;
        }
        weft_m_results_free(results);
        CHECK(found == 0 || found == 40);
        pair->answers++;
        pair->with += found == 40;
        pair->without += found == 0;
    }
    return 0;
}

static int change_both(void *arg)
{
    struct pair *pair = arg;
    weft_str ids[] = {both[0].id, both[1].id};
    for (size_t i = 0; i < test_amount(12, 4) || pair->with == 0 || pair->without == 0; i++) {
        WEFT_TRY(weft_m_add(pair->matcher, both, 2, NULL));
        WEFT_TRY(weft_m_set_threshold(pair->matcher, i % 2 == 0 ? 0.9f : 0.8f, NULL));
        WEFT_TRY(weft_yield());
        WEFT_TRY(weft_m_remove(pair->matcher, ids, 2, NULL));
        WEFT_TRY(weft_m_fit(pair->matcher, NULL, 0, NULL, NULL));
        WEFT_TRY(weft_yield());
    }
    __atomic_store_n(&pair->is_over, true, __ATOMIC_RELAXED);
    return 0;
}

TASK_TEST(an_answer_is_from_before_or_after_a_change_never_both)
{
    struct pair pair = {.matcher = open_random(test_amount(200, 50))};
    weft_task tasks[] = {weft_spawn(ask_both, &pair), weft_spawn(ask_both, &pair),
                         weft_spawn(change_both, &pair)};
    CHECK_OK(weft_gather_n(tasks, 3));
    CHECK_GT(pair.with, 0);
    CHECK_GT(pair.without, 0);
    weft_m_close(pair.matcher);
}

/* ---- the loop goes on ---- */

static int note_turn(void *arg)
{
    int *turns = arg;
    (*turns)++;
    return 0;
}

/* To copy millions of entities takes long, so the executor does it, also where nothing is to be
 * built from them. */
TASK_TEST(a_catalogue_is_changed_where_no_task_waits_for_it)
{
    dice d = {5};
    made m = make_random(&d, 20, 6, 6, 2);
    weft_matcher *matcher;
    int turns = 0;
    CHECK_OK(weft_m_open(&matcher, m.entities, 10, NULL, NULL));
    weft_task task = weft_spawn(note_turn, &turns);
    CHECK_OK(weft_m_add(matcher, m.entities + 10, 10, NULL));
    CHECK_EQ(turns, 1);
    CHECK_OK(weft_await(task));
    task = weft_spawn(note_turn, &turns);
    CHECK_OK(weft_m_remove(matcher, &m.entities[3].id, 1, NULL));
    CHECK_EQ(turns, 2);
    CHECK_OK(weft_await(task));
    CHECK(!weft_m_has(matcher, m.entities[3].id));
    weft_m_close(matcher);
    make_free(&m);
}

/* ---- cancel ---- */

static int batch_for_ever(void *arg)
{
    struct steps steps = {0};
    return batch(arg, QUERIES, 3, &steps, NULL);
}

static int fit_again(void *arg)
{
    return weft_m_fit(arg, NULL, 0, NULL, NULL);
}

static int explain_one(void *arg)
{
    weft_m_explanation *explanation;
    WEFT_TRY(weft_m_explain(arg, queries[0], 5, &explanation, NULL));
    weft_m_explanation_free(explanation);
    return 0;
}

/* A thousand times in simulation at some point of some call; what is left behind the harness would
 * tell. */
TASK_TEST(a_thousand_cancels_leave_nothing_behind)
{
    weft_fn *const kinds[] = {batch_for_ever, fit_again, match_germany, explain_one};
    weft_matcher *matcher = open_random(30);
    dice d = {test_seed() + 77};
    size_t cancelled = 0, done = 0, count = strcmp(test_backend(), "sim") == 0 ? 1000 : 100;
    fill_queries();
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    for (size_t i = 0; i < count; i++) {
        weft_task task = weft_spawn(kinds[roll(&d, 4)], matcher);
        for (uint64_t steps = roll(&d, 40); steps > 0; steps--)
            CHECK_OK(weft_yield());
        if (roll(&d, 2) == 0)
            CHECK_OK(weft_sleep((weft_time)roll(&d, 2000) * WEFT_US));
        CHECK_GE(weft_cancel(task, "test"), 0);
        int rc = weft_await(task);
        CHECK(rc == 0 || rc == -ECANCELED);
        cancelled += rc < 0;
        done += rc == 0;
    }
    CHECK_GT(cancelled, count / 10);
    CHECK_GT(done, 0);
    CHECK_OK(match_germany(matcher));
    weft_m_close(matcher);
}

static int stop_matcher(void *arg)
{
    weft_m_stop(arg);
    return 0;
}

TASK_TEST(stop_ends_the_calls_under_way)
{
    fill_queries();
    for (int yields = 0; yields < 30; yields++) {
        weft_matcher *matcher = open_random(300);
        weft_task tasks[] = {weft_spawn(batch_for_ever, matcher), weft_spawn(fit_again, matcher),
                             weft_spawn(batch_for_ever, matcher), weft_spawn(fit_again, matcher)};
        for (int i = 0; i < yields; i++)
            CHECK_OK(weft_yield());
        weft_task stops[] = {weft_spawn(stop_matcher, matcher), weft_spawn(stop_matcher, matcher)};
        int rcs[4];
        CHECK_OK(weft_gather_n(stops, 2));
        CHECK_OK(weft_settle_n(tasks, 4, rcs));
        for (size_t i = 0; i < 4; i++)
            CHECK(rcs[i] == 0 || rcs[i] == -WEFT_M_ECLOSED);
        CHECK_EQ(match_germany(matcher), -WEFT_M_ECLOSED);
        weft_m_close(matcher);
    }
}

/* ---- plain threads ---- */

static void ask_on_thread(void *arg)
{
    CHECK_OK(ask_both(arg));
}

TEST(plain_threads_share_a_matcher)
{
    const weft_platform *platform = weft_platform_get();
    struct pair pair = {.matcher = open_random(test_amount(200, 50))},
                other = {.matcher = pair.matcher};
    weft_thread threads[2];
    CHECK_OK(platform->thread_start(&threads[0], ask_on_thread, &pair, 0));
    CHECK_OK(platform->thread_start(&threads[1], ask_on_thread, &other, 0));
    weft_str ids[] = {both[0].id, both[1].id};
    for (size_t i = 0; i < 20; i++) {
        CHECK_OK(weft_m_add(pair.matcher, both, 2, NULL));
        CHECK_OK(weft_m_remove(pair.matcher, ids, 2, NULL));
    }
    __atomic_store_n(&pair.is_over, true, __ATOMIC_RELAXED);
    __atomic_store_n(&other.is_over, true, __ATOMIC_RELAXED);
    platform->thread_join(threads[0]);
    platform->thread_join(threads[1]);
    weft_m_close(pair.matcher);
}

/* ---- every failure ---- */

static int use_everything(weft_matcher *matcher)
{
    weft_m_explanation *explanation;
    weft_str texts[] = {STR("germany"), STR("Fran\xC3\xA7"
                                            "e")};
    weft_m_results *results;
    weft_text text;
    WEFT_TRY(weft_m_match(matcher, texts, 2, NULL, &results, NULL));
    weft_m_results_free(results);
    WEFT_TRY(weft_m_explain(matcher, texts[1], 2, &explanation, NULL));
    weft_m_explanation_free(explanation);
    WEFT_TRY(weft_m_add(matcher, both, 2, NULL));
    WEFT_TRY(weft_m_set_threshold(matcher, 0.5f, NULL));
    WEFT_TRY(weft_m_diagnose_json(matcher, texts[1], 3, &text, NULL));
    weft_text_free(&text);
    WEFT_TRY(weft_m_metadata_json(matcher, texts, 2, NULL, /* is_single= */ false, &text, NULL));
    weft_text_free(&text);
    WEFT_TRY(weft_m_remove(matcher, &both[0].id, 1, NULL));
    WEFT_TRY(weft_m_batch_json(matcher, texts, 2, NULL, 1, &text, NULL));
    weft_text_free(&text);
    WEFT_TRY(weft_m_stats_json(matcher, &text));
    weft_text_free(&text);
    return 0;
}

static int use_with(const weft_m_options *options)
{
    static const weft_str aliases[] = {{"Deutschland", 11}};
    static const weft_m_entity entities[] = {
        {.id = {"DE", 2}, .name = {"Germany", 7}, .aliases = aliases, .alias_count = 1},
        {.id = {"FR", 2}, .name = {"France", 6}},
    };
    weft_matcher *matcher;
    WEFT_TRY(weft_m_open(&matcher, entities, 2, options, NULL));
    int rc = use_everything(matcher);
    weft_m_close(matcher);
    return rc;
}

SCENARIO(every_call_of_the_matcher_survives_every_failure)
{
    return use_with(NULL);
}

SCENARIO(every_call_by_cosine_survives_every_failure)
{
    weft_m_options options;
    weft_m_options_init(&options);
    options.score_kind = STR("cosine");
    return use_with(&options);
}
