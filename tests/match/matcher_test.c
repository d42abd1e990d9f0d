/* SPDX-License-Identifier: MIT */

/* The matcher: states, answers, changes, explanations, statistics, JSON. */

#include "make.h"

#include <math.h>
#include <weft/discover.h>

static const weft_str german[] = {{"Deutschland", 11}, {"Federal Republic of Germany", 27}};
static const weft_m_entity lands[] = {
    {.id = {"DE", 2}, .name = {"Germany", 7}, .aliases = german, .alias_count = 2},
    {.id = {"FR", 2}, .name = {"France", 6}, .text = {"R\xC3\xA9publique", 11}},
    {.id = {"42", 2}, .name = {"Ghana", 5}, .id_is_integer = true},
    {.id = {"G2", 2}, .name = {"GHANA", 5}, .extra = {"{\"area\":238533}", 15}},
    {.id = {"IT", 2}, .name = {"Italy", 5}},
};
enum { LANDS = 5 };

static weft_matcher *open_lands(void)
{
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, lands, LANDS, NULL, NULL));
    return matcher;
}

static weft_matcher *open_by_cosine(const weft_m_options *given)
{
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    if (given != NULL)
        options = *given;
    options.score_kind = STR("cosine");
    CHECK_OK(weft_m_open(&matcher, lands, LANDS, &options, NULL));
    return matcher;
}

static weft_m_results *ask(weft_matcher *matcher, weft_str text, int64_t top_k, float threshold)
{
    weft_m_query query;
    weft_m_results *results;
    weft_m_query_init(&query);
    query.top_k = top_k;
    query.threshold = threshold;
    CHECK_OK(weft_m_match(matcher, &text, 1, &query, &results, NULL));
    CHECK_EQ(weft_m_results_count(results), 1);
    return results;
}

/* The best id, or "". */
static const char *best(weft_matcher *matcher, weft_str text)
{
    static char id[32];
    size_t count;
    weft_m_results *results = ask(matcher, text, 1, NAN);
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    snprintf(id, sizeof(id), "%.*s", count != 0 ? (int)hits[0].id.len : 0,
             count != 0 ? hits[0].id.ptr : "");
    weft_m_results_free(results);
    return id;
}

#define CHECK_TEXT(str_, wanted_) CHECK_BYTES((str_).ptr, (str_).len, (wanted_), strlen(wanted_))

/* ---- states ---- */

TASK_TEST(a_matcher_is_new_then_ready_then_closed)
{
    weft_matcher *matcher = open_lands();
    weft_m_explanation *explanation;
    weft_m_error error;
    weft_m_info info = {.size = sizeof(info)};

    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK(!info.is_ready);
    CHECK_STR(info.mode, "auto");
    CHECK(info.active_mode == NULL);
    CHECK_EQ(weft_m_explain(matcher, STR("x"), 5, &explanation, &error), -WEFT_M_ENOTREADY);
    CHECK_STR(error.message, "Matcher not ready. Call fit() first.");
    CHECK_STR(weft_m_error_name(error.rc), "not_ready");

    CHECK_STR(best(matcher, STR("germany")), "DE"); /* fits by itself */
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK(info.is_ready);
    CHECK_STR(info.active_mode, "zero-shot");
    CHECK_EQ(info.snapshot, 1);
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_EQ(info.snapshot, 2);

    weft_m_stop(matcher);
    weft_m_stop(matcher);
    weft_m_results *results;
    weft_str query = STR("x");
    CHECK_EQ(weft_m_match(matcher, &query, 1, NULL, &results, &error), -WEFT_M_ECLOSED);
    CHECK_STR(error.message, "matcher is closed");
    CHECK_EQ(weft_m_fit(matcher, NULL, 0, NULL, &error), -WEFT_M_ECLOSED);
    CHECK_EQ(weft_m_add(matcher, lands, 1, &error), -WEFT_M_ECLOSED);
    CHECK_EQ(weft_m_remove(matcher, &lands[0].id, 1, &error), -WEFT_M_ECLOSED);
    CHECK_EQ(weft_m_set_threshold(matcher, 0.5f, &error), -WEFT_M_ECLOSED);
    CHECK_EQ(weft_m_explain(matcher, query, 1, &explanation, &error), -WEFT_M_ECLOSED);
    CHECK_EQ(weft_m_diagnose(matcher, query, 3, &explanation, &error), -WEFT_M_ECLOSED);
    CHECK_EQ(weft_m_info_get(matcher, &info), -WEFT_M_ECLOSED);
    weft_m_close(matcher);
    weft_m_close(NULL);
}

TEST(results_outlive_changes_and_the_matcher)
{
    weft_matcher *matcher = open_lands();
    weft_m_results *results = ask(matcher, STR("ghana"), 2, NAN);
    CHECK_OK(weft_m_remove(matcher, &lands[2].id, 1, NULL));
    weft_m_close(matcher);
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    CHECK_EQ(count, 2);
    CHECK_TEXT(hits[0].id, "42");
    CHECK_TEXT(hits[0].name, "Ghana");
    weft_m_results_free(results);
    weft_m_results_free(NULL);
}

TEST(open_makes_copies_of_all_it_is_given)
{
    char id[] = "DE", name[] = "Germany", alias[] = "Deutschland", mode[] = "zero-shot";
    weft_str aliases[] = {str_of(alias)};
    weft_m_entity entity = {
        .id = str_of(id), .name = str_of(name), .aliases = aliases, .alias_count = 1};
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_options_init(&options);
    options.mode = str_of(mode);
    CHECK_OK(weft_m_open(&matcher, &entity, 1, &options, NULL));
    memset(id, '?', 2);
    memset(name, '?', 7);
    memset(alias, '?', 11);
    memset(mode, '?', 9);
    memset(aliases, 0, sizeof(aliases));
    memset(&entity, 0, sizeof(entity));
    memset(&options, 0, sizeof(options));
    CHECK_STR(best(matcher, STR("deutschland")), "DE");
    weft_m_close(matcher);
}

/* ---- answers ---- */

TEST(a_hit_says_who_which_row_and_who_else)
{
    weft_matcher *matcher = open_lands();
    size_t count;
    weft_m_results *results = ask(matcher, STR("  FEDERAL republic  of germany"), 1, NAN);
    const weft_m_hit *hit = weft_m_results_hits(results, 0, &count);
    CHECK_EQ(count, 1);
    CHECK(hit->score == 1);
    CHECK_EQ(hit->entity, 0);
    CHECK_EQ(hit->row, 2);
    CHECK_TEXT(hit->id, "DE");
    CHECK_TEXT(hit->name, "Germany");
    CHECK_TEXT(hit->matched, "Federal Republic of Germany");
    CHECK_TEXT(hit->text, "federal republic of germany");
    CHECK_EQ(hit->tied_count, 0);
    weft_m_results_free(results);

    results = ask(matcher, STR("France"), 1, NAN);
    hit = weft_m_results_hits(results, 0, &count);
    CHECK_TEXT(hit->text, "R\xC3\xA9publique"); /* its own text, as given */
    weft_m_results_free(results);

    results = ask(matcher, STR("ghana"), 1, NAN);
    hit = weft_m_results_hits(results, 0, &count);
    CHECK_TEXT(hit->id, "42");
    CHECK(hit->id_is_integer);
    CHECK_EQ(hit->tied_count, 1);
    const weft_m_entity *other = weft_m_results_entity(results, hit->tied[0]);
    CHECK_TEXT(other->id, "G2");
    CHECK_TEXT(other->extra, "{\"area\":238533}");
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(tied_lists_hold_the_others_in_and_past_the_end)
{
    enum { SAME = 70 };
    static char ids[SAME][4];
    weft_m_entity entities[SAME];
    memset(entities, 0, sizeof(entities));
    for (size_t i = 0; i < SAME; i++) {
        snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        entities[i].id = str_of(ids[i]);
        entities[i].name = STR("airline");
    }
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, SAME, NULL, NULL));
    static const struct {
        int64_t top_k;
        uint32_t tied;
    } table[] = {{1, 69}, {3, 69}, {10, 69}, {20, 64}, {70, 64}};
    for (size_t i = 0; i < 5; i++) {
        size_t count;
        note("top_k %d", (int)table[i].top_k);
        weft_m_results *results = ask(matcher, STR("airline"), table[i].top_k, NAN);
        const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
        CHECK_EQ(count, table[i].top_k);
        for (size_t k = 0; k < count; k++) {
            CHECK_EQ(hits[k].entity, k);
            CHECK_EQ(hits[k].tied_count, table[i].tied);
            for (uint32_t t = 0; t < hits[k].tied_count; t++)
                CHECK_EQ(hits[k].tied[t], t < k ? t : t + 1);
        }
        weft_m_results_free(results);
    }
    weft_m_close(matcher);
}

TEST(thresholds_are_the_calls_else_the_matchers)
{
    weft_matcher *matcher = open_lands();
    weft_m_error error;
    CHECK_STR(best(matcher, STR("ergmy")), "");
    weft_m_results *results = ask(matcher, STR("ergmy"), 1, 0.01f);
    size_t count;
    weft_m_results_hits(results, 0, &count);
    CHECK_EQ(count, 1);
    CHECK(weft_m_results_threshold(results) == 0.01f);
    weft_m_results_free(results);
    CHECK_STR(best(matcher, STR("ergmy")), ""); /* the call's did not stay */

    CHECK_OK(weft_m_set_threshold(matcher, 0.2f, &error));
    CHECK_STR(best(matcher, STR("germny")), "DE");
    CHECK_EQ(weft_m_set_threshold(matcher, NAN, &error), -WEFT_M_EVALID);
    CHECK_STR(best(matcher, STR("germny")), "DE");
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL)); /* and stays over a fit */
    CHECK_STR(best(matcher, STR("germny")), "DE");
    weft_m_close(matcher);
}

TEST(candidates_restrict_who_may_be_found)
{
    static const weft_str two[] = {{"IT", 2}, {"G2", 2}};
    static const weft_str strangers[] = {{"XX", 2}};
    static const struct {
        const weft_str *ids;
        size_t count;
        const char *found;
    } table[] = {{NULL, 0, "42"}, {two, 2, "G2"}, {two, 1, ""}, {strangers, 1, ""}, {two, 0, ""}};
    weft_matcher *matcher = open_lands();
    for (size_t i = 0; i < 5; i++) {
        weft_m_query query;
        weft_m_results *results;
        weft_str text = STR("ghana");
        size_t count;
        weft_m_query_init(&query);
        query.candidates = table[i].ids;
        query.candidate_count = table[i].count;
        note("row %zu", i);
        CHECK_OK(weft_m_match(matcher, &text, 1, &query, &results, NULL));
        const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
        CHECK_EQ(count, table[i].found[0] != '\0');
        if (count != 0)
            CHECK_TEXT(hits[0].id, table[i].found);
        weft_m_results_free(results);
    }
    weft_m_close(matcher);
}

TEST(without_normalising_case_counts)
{
    weft_m_options options;
    weft_matcher *matcher;
    size_t count;
    weft_m_options_init(&options);
    options.normalize = false;
    matcher = open_by_cosine(&options);
    weft_m_results *results = ask(matcher, STR("GHANA"), 1, NAN);
    const weft_m_hit *hit = weft_m_results_hits(results, 0, &count);
    CHECK_TEXT(hit->id, "G2");
    CHECK_TEXT(hit->text, "GHANA");
    CHECK_EQ(hit->tied_count, 0);
    weft_m_results_free(results);
    weft_m_close(matcher);
}

TEST(too_many_marks_in_a_row_are_dropped_and_told)
{
    char text[256] = "Ghana";
    for (int i = 0; i < 40; i++)
        strcat(text, "\xCC\x81");
    weft_matcher *matcher = open_lands();
    weft_m_results *results = ask(matcher, str_of(text), 1, NAN);
    CHECK(weft_m_results_was_cut(results, 0));
    weft_m_results_free(results);
    results = ask(matcher, STR("Gh\xC3\xA1na"), 1, NAN);
    CHECK(!weft_m_results_was_cut(results, 0));
    weft_m_results_free(results);
    weft_m_close(matcher);
}

/* ---- changes ---- */

TEST(entities_can_be_added_and_removed)
{
    weft_matcher *matcher = open_lands();
    weft_m_entity spain = {.id = STR("ES"), .name = STR("Spain")};
    weft_m_error error;
    weft_m_info info = {.size = sizeof(info)};

    CHECK_OK(weft_m_add(matcher, &spain, 1, &error)); /* while NEW */
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_EQ(info.entity_count, 6);
    CHECK(!info.is_ready);
    CHECK_STR(best(matcher, STR("spain")), "ES");
    CHECK_EQ(weft_m_add(matcher, &spain, 1, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "Entity IDs must be unique. Found duplicates: ['ES']");
    CHECK_EQ(weft_m_add(matcher, NULL, 0, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "entities list cannot be empty");
    const weft_m_entity bad[] = {spain, {.id = STR("PT"), .name = STR(" ")}};
    CHECK_EQ(weft_m_add(matcher, bad, 2, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "name");
    CHECK_EQ(error.entity_index, 1); /* of those that were given */

    weft_str ids[] = {STR("ES"), STR("nobody")};
    CHECK_EQ(weft_m_remove(matcher, ids, 2, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "No entity has the id 'nobody'");
    CHECK_STR(error.field, "ids[1]");
    CHECK_STR(best(matcher, STR("spain")), "ES"); /* all or none */
    CHECK_OK(weft_m_remove(matcher, ids, 1, &error));
    CHECK_STR(best(matcher, STR("spain")), "");
    CHECK_OK(weft_m_add(matcher, &spain, 1, &error)); /* while READY */
    CHECK_STR(best(matcher, STR("spain")), "ES");

    weft_str all[] = {STR("DE"), STR("FR"), STR("42"), STR("G2"), STR("IT"), STR("ES")};
    CHECK_EQ(weft_m_remove(matcher, all, 6, &error), -WEFT_M_EVALID);
    CHECK_STR(best(matcher, STR("spain")), "ES");
    weft_m_close(matcher);
}

/* In their places, so that the order of the others stays. */
TEST(entities_can_be_updated)
{
    weft_matcher *matcher = open_lands();
    weft_m_entity news[] = {{.id = STR("ES"), .name = STR("Spain")},
                            {.id = STR("FR"), .name = STR("Gaul")},
                            {.id = STR("FR"), .name = STR("Again")}};
    weft_m_error error;
    weft_m_info info = {.size = sizeof(info)};
    CHECK_STR(best(matcher, STR("france")), "FR");
    CHECK_OK(weft_m_update(matcher, news, 2, &error));
    CHECK_STR(best(matcher, STR("gaul")), "FR");
    CHECK_STR(best(matcher, STR("france")), "");
    CHECK_STR(best(matcher, STR("spain")), "ES");
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_EQ(info.entity_count, 6);

    CHECK_EQ(weft_m_update(matcher, news, 3, &error), -WEFT_M_EVALID); /* one twice in the list */
    CHECK_STR(error.message, "Entity IDs must be unique. Found duplicates: ['FR']");
    CHECK_EQ(weft_m_update(matcher, news, 0, &error), -WEFT_M_EVALID);
    news[0].name = STR(" ");
    CHECK_EQ(weft_m_update(matcher, news, 1, &error), -WEFT_M_EVALID);
    CHECK_STR(best(matcher, STR("spain")), "ES"); /* as it was */
    weft_m_close(matcher);
}

/* ---- explanations ---- */

TEST(a_probability_is_explained_by_parts_that_add_up_to_its_logarithm)
{
    const weft_str queries[] = {STR("Italie"), STR("ghana"), STR("Grmany"), STR("FRG")};
    weft_matcher *matcher = open_lands();
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    for (size_t i = 0; i < sizeof(queries) / sizeof(*queries); i++) {
        weft_m_explanation *explanation;
        CHECK_OK(weft_m_explain(matcher, queries[i], 3, &explanation, NULL));
        CHECK_GE(explanation->hit_count, 1);
        for (size_t k = 0; k < explanation->hit_count; k++) {
            const weft_m_evidence *evidence = &explanation->evidence[k];
            double sum = 0;
            CHECK_GE(evidence->part_count, 2);
            for (size_t j = 0; j < evidence->part_count; j++) {
                const weft_m_part *part = &evidence->parts[j];
                CHECK_NEAR(part->part, (double)part->value * (double)part->weight, 1e-4);
                sum += part->part;
            }
            CHECK_NEAR(sum, log((double)explanation->hits[k].score), 1e-4);
        }
        weft_m_explanation_free(explanation);
    }
    weft_m_close(matcher);
}

TEST(an_explanation_adds_up_to_the_cosine)
{
    weft_matcher *matcher = open_by_cosine(NULL);
    weft_m_explanation *explanation;
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    CHECK_OK(weft_m_explain(matcher, STR("Italie"), 3, &explanation, NULL));
    CHECK_TEXT(explanation->query, "Italie");
    CHECK_TEXT(explanation->query_normalized, "italie");
    CHECK(!explanation->is_matched);
    CHECK_EQ(explanation->hit_count, 3);
    CHECK_TEXT(explanation->hits[0].id, "IT");
    const weft_m_evidence *evidence = &explanation->evidence[0];
    CHECK_EQ(evidence->part_count, 0);
    float sum = 0;
    bool has_start = false;
    for (size_t i = 0; i < evidence->shared_count; i++) {
        CHECK(i == 0 || evidence->shared[i - 1].weight >= evidence->shared[i].weight);
        CHECK(!evidence->shared[i].is_word);
        sum += evidence->shared[i].weight;
        has_start |= evidence->shared[i].text.len == 4 &&
                     memcmp(evidence->shared[i].text.ptr, "_ita", 4) == 0;
    }
    CHECK(has_start);
    CHECK_NEAR((double)sum, (double)explanation->hits[0].score, 1e-5);
    CHECK_NEAR((double)evidence->margin,
               (double)(explanation->hits[0].score - explanation->hits[1].score), 1e-6);
    CHECK(isnan(explanation->evidence[2].margin)); /* what is behind it was not asked for */
    weft_m_explanation_free(explanation);

    CHECK_OK(weft_m_explain(matcher, STR(" "), 3, &explanation, NULL));
    CHECK_EQ(explanation->hit_count, 0);
    CHECK(!explanation->is_matched);
    weft_m_explanation_free(explanation);
    weft_m_close(matcher);
}

TEST(a_diagnosis_says_what_to_do)
{
    weft_matcher *matcher = open_lands();
    weft_m_explanation *explanation;
    CHECK_OK(weft_m_diagnose(matcher, STR("x"), 3, &explanation, NULL));
    CHECK(!explanation->is_ready);
    CHECK_TEXT(explanation->issue, "Matcher not ready");
    weft_m_explanation_free(explanation);

    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    CHECK_OK(weft_m_diagnose(matcher, STR("Federal Land"), 3, &explanation, NULL));
    CHECK(explanation->is_ready);
    CHECK_EQ(strncmp(explanation->issue.ptr, "Score 0.", 8), 0);
    CHECK(strstr(explanation->issue.ptr, " below threshold 0.5") != NULL);
    CHECK(strstr(explanation->suggestion.ptr, "Lower the threshold to 0.4 (--threshold ") != NULL);
    CHECK(strstr(explanation->suggestion.ptr, "matcher.") == NULL);
    weft_m_explanation_free(explanation);
    CHECK_OK(weft_m_diagnose(matcher, STR("Gxxxxxxxxx"), 3, &explanation, NULL));
    CHECK(!explanation->is_matched);
    CHECK(strstr(explanation->suggestion.ptr, "hreshold") == NULL);
    CHECK(strstr(explanation->suggestion.ptr, "likely novel") != NULL);
    weft_m_explanation_free(explanation);

    CHECK_OK(weft_m_set_threshold(matcher, 0.4f, NULL)); /* as it was told */
    CHECK_OK(weft_m_diagnose(matcher, STR("Federal Land"), 3, &explanation, NULL));
    CHECK(explanation->is_matched);
    weft_m_explanation_free(explanation);
    CHECK_OK(weft_m_set_threshold(matcher, 0.15f, NULL));
    CHECK_OK(weft_m_diagnose(matcher, STR("Gxxxxxxxxx"), 3, &explanation, NULL));
    CHECK(strstr(explanation->suggestion.ptr, "likely novel") != NULL);
    weft_m_explanation_free(explanation);
    CHECK_OK(weft_m_diagnose(matcher, STR("Germny"), 3, &explanation, NULL));
    CHECK(explanation->is_matched);
    CHECK(explanation->issue.ptr == NULL);
    weft_m_explanation_free(explanation);
    CHECK_OK(weft_m_diagnose(matcher, STR(""), 3, &explanation, NULL));
    CHECK_TEXT(explanation->issue, "No candidates found");
    weft_m_explanation_free(explanation);
    weft_m_close(matcher);
}

/* ---- statistics and metrics ---- */

struct meter {
    double latency, batch, cached, encoded, fits;
    size_t count;
};

static void measure(const weft_m_metric *metric, void *arg)
{
    struct meter *meter = arg;
    double *counter = strcmp(metric->name, "match_latency") == 0          ? &meter->latency
                      : strcmp(metric->name, "match_batch_size") == 0     ? &meter->batch
                      : strcmp(metric->name, "cache_hits") == 0           ? &meter->cached
                      : strcmp(metric->name, "embeddings_generated") == 0 ? &meter->encoded
                                                                          : &meter->fits;
    *counter += metric->value;
    meter->count++;
}

/* Each name that the header has, in the order in which it comes. */
static void list_names(const weft_m_metric *metric, void *arg)
{
    char *names = arg;
    size_t used = strlen(names);
    CHECK(metric->unit != NULL && metric->stage != NULL);
    if (strstr(names, metric->name) == NULL)
        snprintf(names + used, 512 - used, "%s ", metric->name);
    if (strcmp(metric->name, "fit_progress") == 0)
        CHECK(metric->value > 0 && metric->value <= 1);
}

TEST(every_measurement_has_its_name)
{
    char names[512] = "";
    weft_m_options options;
    weft_m_discovery *discovery;
    weft_m_explanation *explanation;
    weft_m_options_init(&options);
    options.metric = list_names;
    options.metric_arg = names;
    weft_matcher *matcher = open_by_cosine(&options);
    weft_m_explanation *early;
    CHECK_OK(weft_m_diagnose(matcher, STR("ghana"), 1, &early, NULL)); /* nothing to measure */
    weft_m_explanation_free(early);
    CHECK_STR(names, "");
    CHECK_STR(best(matcher, STR("ghana")), "42");
    CHECK_OK(weft_m_explain(matcher, STR("ghana"), 1, &explanation, NULL));
    weft_m_explanation_free(explanation);
    weft_str texts[] = {STR("xyzzy"), STR("xyzzy plugh"), STR("plugh xyzzy")};
    CHECK_OK(weft_m_discover(matcher, texts, 3, NULL, &discovery, NULL));
    weft_m_discovery_free(discovery);
    weft_m_close(matcher);
    CHECK_STR(names, "fit_progress fit_duration match_latency match_batch_size "
                     "embeddings_generated evidence_latency novelty_calibration novelty_rate "
                     "novel_samples_count ood_detection_latency clusters_found "
                     "clustering_duration ");
}

TEST(what_happens_is_counted_and_told)
{
    struct meter meter = {0};
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_results *results;
    weft_m_info info = {.size = sizeof(info)};
    weft_m_options_init(&options);
    options.metric = measure;
    options.metric_arg = &meter;
    matcher = open_by_cosine(&options);
    weft_str queries[] = {STR("Ghana"), STR("ghana "), STR("Italy"), STR("")};
    CHECK_OK(weft_m_match(matcher, queries, 4, NULL, &results, NULL));
    weft_m_results_free(results);
    CHECK(meter.batch == 4);
    CHECK(meter.cached == 1); /* keyed by the normalised text */
    CHECK(meter.encoded == 2);
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_EQ(info.query_count, 4);
    CHECK_EQ(info.cache_hits, 1);
    CHECK_EQ(info.cache_misses, 2);
    CHECK_EQ(info.cache_count, 2);
    CHECK_EQ(info.metric_count, meter.count);
    CHECK_EQ(info.ops[WEFT_M_OP_MATCH].count, 1);
    CHECK_EQ(info.ops[WEFT_M_OP_BATCH].count, 0);
    CHECK_EQ(info.row_count, 7);
    CHECK_EQ(info.dimension, 32768);
    CHECK_GT(info.bytes, info.index_bytes);
    weft_m_close(matcher);
}

TEST(the_cache_forgets_the_least_recent)
{
    weft_m_options options;
    weft_matcher *matcher;
    weft_m_info info = {.size = sizeof(info)};
    weft_m_options_init(&options);
    options.cache_count_max = 2;
    matcher = open_by_cosine(&options);
    best(matcher, STR("one"));
    best(matcher, STR("two"));
    best(matcher, STR("one"));   /* hit */
    best(matcher, STR("three")); /* two goes */
    best(matcher, STR("one"));   /* hit */
    best(matcher, STR("two"));
    CHECK_OK(weft_m_info_get(matcher, &info));
    CHECK_EQ(info.cache_hits, 2);
    CHECK_EQ(info.cache_misses, 4);
    CHECK_EQ(info.cache_count, 2);
    weft_m_close(matcher);
}

/* ---- JSON ---- */

/* All of a match, on a matcher whose threshold lets nothing through. */
TEST(match_with_metadata_tells_what_lies_below_the_threshold)
{
    weft_m_options options;
    weft_m_query query;
    weft_m_error error;
    weft_text text;
    const weft_str queries[] = {STR("Itali"), STR("")};
    weft_m_options_init(&options);
    options.threshold = 1;
    weft_matcher *matcher = open_by_cosine(&options);
    CHECK_OK(weft_m_metadata_json(matcher, queries, 2, NULL, /* is_single= */ false, &text, NULL));
    note("%s", text.ptr);
    CHECK(strstr(text.ptr, "{\"predictions\":[\"IT\",\"unknown\"],\"confidences\":[0.") ==
          text.ptr);
    CHECK(strstr(text.ptr, ",0.0],\"embeddings\":null,\"scores\":null,\"metadata\":{\"top_k\":1,"
                           "\"threshold_override\":null,\"evaluation_threshold\":1.0,"
                           "\"model_name\":\"lexical\",\"match_method\":\"zero-shot\","
                           "\"single_input\":false,\"texts\":[\"Itali\",\"\"],"
                           "\"raw_match_results\":[{\"id\":\"IT\",") != NULL);
    CHECK(strstr(text.ptr, ",\"candidate_results\":[[{\"id\":\"IT\",") != NULL);
    CHECK(strstr(text.ptr,
                 ",\"records\":[{\"text\":\"Itali\",\"predicted_id\":\"IT\",\"confidence\":0."));
    CHECK(strstr(text.ptr, "\"candidates\":[],\"raw_result\":null,\"metadata\":{\"index\":1},"
                           "\"match_method\":\"zero-shot\",\"reference_embedding\":null,"
                           "\"distance\":null}]}") != NULL);
    weft_text_free(&text);

    weft_m_query_init(&query);
    query.threshold = 1;
    CHECK_OK(weft_m_metadata_json(matcher, queries, 1, &query, /* is_single= */ true, &text, NULL));
    CHECK(strstr(text.ptr, "{\"predictions\":[\"unknown\"],\"confidences\":[0.0],") == text.ptr);
    CHECK(strstr(text.ptr, "\"threshold_override\":1.0,") != NULL);
    CHECK(strstr(text.ptr, "\"single_input\":true,") != NULL);
    weft_text_free(&text);

    weft_m_query_init(&query);
    query.top_k = 3;
    CHECK_OK(weft_m_metadata_json(matcher, queries, 1, &query, /* is_single= */ true, &text, NULL));
    CHECK(strstr(text.ptr, "{\"predictions\":[\"IT\"],\"confidences\":[0.") == text.ptr);
    CHECK(strstr(text.ptr, "\"candidate_results\":[[{\"id\":\"IT\",") != NULL);
    weft_text_free(&text);

    CHECK_OK(weft_m_metadata_json(matcher, NULL, 0, NULL, /* is_single= */ false, &text, NULL));
    CHECK(strstr(text.ptr, "\"records\":[]}") != NULL);
    weft_text_free(&text);
    query.top_k = 0;
    CHECK_EQ(weft_m_metadata_json(matcher, queries, 1, &query, false, &text, &error),
             -WEFT_M_EVALID);
    weft_m_close(matcher);
}

#define CHECK_JSON(call_, wanted_)                                                                 \
    do {                                                                                           \
        weft_text json_;                                                                           \
        CHECK_OK(call_(&json_));                                                                   \
        CHECK_STR(json_.ptr, (wanted_));                                                           \
        weft_text_free(&json_);                                                                    \
    } while (0)

static weft_matcher *shown;
static weft_m_query shown_query;

static int one_json(weft_text *out)
{
    return weft_m_match_json(shown, STR("ghana"), &shown_query, out, NULL);
}

static int list_json(weft_text *out)
{
    static const weft_str queries[] = {{"", 0}, {"\xC2\xABItaly\xC2\xBB", 9}, {"italy", 5}};
    return weft_m_batch_json(shown, queries, 3, &shown_query, 2, out, NULL);
}

static int blank_json(weft_text *out)
{
    return weft_m_match_json(shown, STR(" "), &shown_query, out, NULL);
}

static int diagnose_json(weft_text *out)
{
    return weft_m_diagnose_json(shown, STR(" \"x\""), 3, out, NULL);
}

static int explain_json(weft_text *out)
{
    return weft_m_explain_json(shown, STR("Gh"), 1, out, NULL);
}

TEST(json_has_the_shapes_of_the_specification)
{
    shown = open_lands();
    weft_m_query_init(&shown_query);
    CHECK_JSON(diagnose_json, "{\"query\":\" \\\"x\\\"\",\"matcher_ready\":false,"
                              "\"active_matcher\":null,\"issue\":\"Matcher not ready\","
                              "\"suggestion\":\"Call fit() first\"}");
    CHECK_JSON(one_json, "{\"id\":42,\"score\":1.0,\"text\":\"ghana\",\"name\":\"Ghana\","
                         "\"matched\":\"Ghana\",\"tied\":[\"G2\"]}");
    CHECK_JSON(blank_json, "null");
    CHECK_JSON(list_json, "[null,{\"id\":\"IT\",\"score\":1.0,\"text\":\"italy\","
                          "\"name\":\"Italy\",\"matched\":\"Italy\"},"
                          "{\"id\":\"IT\",\"score\":1.0,\"text\":\"italy\","
                          "\"name\":\"Italy\",\"matched\":\"Italy\"}]");
    shown_query.top_k = 2;
    CHECK_JSON(blank_json, "[]");
    CHECK_JSON(one_json, "[{\"id\":42,\"score\":1.0,\"text\":\"ghana\",\"name\":\"Ghana\","
                         "\"matched\":\"Ghana\",\"tied\":[\"G2\"]},"
                         "{\"id\":\"G2\",\"score\":1.0,\"text\":\"ghana\",\"name\":\"GHANA\","
                         "\"matched\":\"GHANA\",\"tied\":[42]}]");
    weft_text text;
    CHECK_OK(explain_json(&text));
    static const char head[] = "{\"query\":\"Gh\",\"query_normalized\":\"gh\",\"matched\":true,"
                               "\"best_match\":{\"id\":42,";
    CHECK_BYTES(text.ptr, sizeof(head) - 1, head, sizeof(head) - 1);
    CHECK(strstr(text.ptr, ",\"threshold\":0.5,\"mode\":\"zero-shot\",\"evidence\":[{\"id\":") !=
          NULL);
    CHECK(strstr(text.ptr, "\"shared\":[{\"ngram\":\"_gh\",\"weight\":0.") != NULL);
    weft_text_free(&text);
    weft_m_close(shown);
}

TEST(json_of_an_error_is_the_body_of_an_answer)
{
    weft_m_error error;
    weft_m_results *results;
    weft_text text;
    weft_str query = STR("a\xFF");
    weft_matcher *matcher = open_lands();
    CHECK_EQ(weft_m_match(matcher, &query, 1, NULL, &results, &error), -WEFT_M_EVALID);
    CHECK_OK(weft_m_error_json(&error, STR("r-1"), &text));
    CHECK_STR(text.ptr,
              "{\"error\":{\"code\":\"validation_error\",\"message\":\"query is not UTF-8 "
              "at byte 1\",\"field\":\"queries[0]\",\"details\":{\"offset\":1},"
              "\"request_id\":\"r-1\"}}");
    weft_text_free(&text);
    CHECK_EQ(weft_m_match(matcher, &query, 10001, NULL, &results, &error), -WEFT_ELIMIT);
    CHECK_OK(weft_m_error_json(&error, (weft_str){NULL, 0}, &text));
    CHECK_STR(text.ptr, "{\"error\":{\"code\":\"too_large\",\"message\":\"queries over the limit: "
                        "query_count_max is 10000, got 10001\",\"field\":\"queries\",\"details\":"
                        "{\"limit\":10000,\"seen\":10001}}}");
    weft_text_free(&text);
    weft_m_close(matcher);
}

TEST(json_of_info_and_statistics_has_their_keys)
{
    static const char *const info_keys[] = {"mode",           "detected_mode",     "is_trained",
                                            "active_matcher", "has_training_data", "threshold",
                                            "unicode"};
    static const char *const stats_keys[] = {
        "num_entities", "model_name",     "threshold",      "normalize", "training_mode",
        "is_trained",   "has_embeddings", "rows",           "dimension", "encoder",
        "bytes",        "cache",          "latency_seconds"};
    weft_matcher *matcher = open_lands();
    weft_text text;
    char key[32];
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    CHECK_OK(weft_m_info_json(matcher, &text));
    for (size_t i = 0; i < sizeof(info_keys) / sizeof(info_keys[0]); i++) {
        snprintf(key, sizeof(key), "\"%s\":", info_keys[i]);
        note("%s", key);
        CHECK(strstr(text.ptr, key) != NULL);
    }
    weft_text_free(&text);
    CHECK_OK(weft_m_stats_json(matcher, &text));
    for (size_t i = 0; i < sizeof(stats_keys) / sizeof(stats_keys[0]); i++) {
        snprintf(key, sizeof(key), "\"%s\":", stats_keys[i]);
        note("%s", key);
        CHECK(strstr(text.ptr, key) != NULL);
    }
    weft_text_free(&text);
    weft_m_close(matcher);
}
