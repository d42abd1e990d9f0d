/* SPDX-License-Identifier: MIT */

/* Clusters of what is new, and their names. */
#include "make.h"

#include "match/novelty/cluster.h"
#include "match/novelty/crowd.h"

#include <stdio.h>
#include <weft/discover.h>

static const weft_m_entity entities[] = {
    {.id = {"card", 4}, .name = {"lost card", 9}},
    {.id = {"pin", 3}, .name = {"forgotten pin code", 18}},
    {.id = {"rate", 4}, .name = {"exchange rate", 13}},
};

static const char *const texts[] = {
    "where is the parcel I ordered",
    "where is my parcel now",
    "where is the parcel today",
    "where is my parcel please",
    "where is the parcel then",
    "where is my parcel at last",
    "where is the other parcel",
    "where is my second parcel",
    "vegan lunch menu on monday",
    "vegan lunch menu on tuesday",
    "vegan lunch menu on wednesday",
    "vegan lunch menu on thursday",
    "vegan lunch menu on friday",
    "vegan lunch menu on saturday",
    "vegan lunch menu on sunday",
    "vegan lunch menu on holidays",
    "Exchange rate",
    "LOST CARD",
};
#define EACH 8u
#define TEXT_COUNT (sizeof(texts) / sizeof(*texts))

static weft_matcher *open_bank(void)
{
    weft_matcher *matcher;
    CHECK_OK(weft_m_open(&matcher, entities, 3, NULL, NULL));
    return matcher;
}

static void take_texts(weft_str out[TEXT_COUNT])
{
    for (size_t i = 0; i < TEXT_COUNT; i++)
        out[i] = str_of(texts[i]);
}

static bool has_keyword(const weft_m_cluster *cluster, const char *word)
{
    for (size_t i = 0; i < cluster->keyword_count; i++) {
        weft_str keyword = cluster->keywords[i];
        if (keyword.len == strlen(word) && memcmp(keyword.ptr, word, keyword.len) == 0)
            return true;
    }
    return false;
}

TEST(M8_new_texts_are_clustered_and_named_by_their_words)
{
    weft_str list[TEXT_COUNT];
    weft_m_discovery *found;
    weft_matcher *matcher = open_bank();
    take_texts(list);
    CHECK_OK(weft_m_discover(matcher, list, TEXT_COUNT, NULL, &found, NULL));
    CHECK_EQ(found->text_count, TEXT_COUNT);
    CHECK_EQ(found->novel_count, 2 * EACH); /* not those the catalogue has */
    CHECK_EQ(found->cluster_count, 2);
    for (size_t c = 0; c < 2; c++) {
        const weft_m_cluster *cluster = &found->clusters[c];
        size_t kind = cluster->members[0] / EACH;
        CHECK(cluster->name.len != 0);
        CHECK(has_keyword(cluster, kind == 0 ? "parcel" : "vegan"));
        CHECK(!has_keyword(cluster, kind == 0 ? "vegan" : "parcel"));
        CHECK(cluster->member_count >= 5);
        for (size_t i = 0; i < cluster->member_count; i++)
            CHECK_EQ(cluster->members[i] / EACH, kind);
    }
    CHECK_NE(found->clusters[0].members[0] / EACH, found->clusters[1].members[0] / EACH);
    weft_m_discovery_free(found);
    weft_m_close(matcher);
}

/* What was heard of the progress; ends the work at `stop_at`, if that is not 0. */
struct heard {
    size_t last, total, count, stop_at;
    size_t while_clustering;
};

static int hear(size_t done, size_t total, void *arg)
{
    struct heard *heard = arg;
    CHECK_GT(done, heard->last);
    CHECK(heard->total == 0 || heard->total == total);
    heard->last = done;
    heard->total = total;
    heard->count++;
    heard->while_clustering += 10 * done > 6 * total && 10 * done < 9 * total;
    return heard->stop_at != 0 && done >= heard->stop_at ? 1 : 0;
}

TEST(M8_progress_grows_to_the_whole_and_can_end_the_work)
{
    struct heard heard = {0};
    weft_str list[TEXT_COUNT];
    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_m_error error;
    weft_matcher *matcher = open_bank();
    take_texts(list);
    weft_m_discover_options_init(&options);
    options.progress = hear;
    options.progress_arg = &heard;
    CHECK_OK(weft_m_discover(matcher, list, TEXT_COUNT, &options, &found, &error));
    weft_m_discovery_free(found);
    CHECK_EQ(heard.last, heard.total);
    CHECK_GE(heard.count, 4u);
    for (size_t stop_at = 1; stop_at < heard.total; stop_at += TEXT_COUNT / 2) {
        struct heard stopped = {.stop_at = stop_at};
        options.progress_arg = &stopped;
        CHECK_EQ(weft_m_discover(matcher, list, TEXT_COUNT, &options, &found, &error), -ECANCELED);
        CHECK_GE(stopped.last, stop_at);
    }
    struct heard nothing = {0};
    options.progress_arg = &nothing;
    CHECK_OK(weft_m_discover(matcher, list, 0, &options, &found, &error));
    weft_m_discovery_free(found);
    CHECK_EQ(nothing.count, 0u);
    weft_m_close(matcher);
}

/* A call of novelty has that limit, and texts are asked of in parts. */
TEST(M8_of_any_number_of_texts_only_the_new_ones_are_limited)
{
    struct heard heard = {0};
    weft_str list[TEXT_COUNT];
    weft_m_options settings;
    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_m_error error;
    weft_matcher *matcher;
    take_texts(list);
    weft_m_options_init(&settings);
    weft_m_discover_options_init(&options);
    options.progress = hear;
    options.progress_arg = &heard;
    settings.query_count_max = TEXT_COUNT - 2; /* two are known */
    CHECK_OK(weft_m_open(&matcher, entities, 3, &settings, NULL));
    CHECK_OK(weft_m_discover(matcher, list, TEXT_COUNT, &options, &found, NULL));
    CHECK_EQ(found->novel_count, TEXT_COUNT - 2);
    CHECK_EQ(found->cluster_count, 2);
    CHECK_EQ(heard.last, heard.total);
    weft_m_discovery_free(found);
    weft_m_close(matcher);

    /* A text's place is that among all, and none is judged before. */
    list[TEXT_COUNT - 1] = STR("no \xFF text");
    options.progress = hear;
    options.progress_arg = &(struct heard){.total = SIZE_MAX}; /* so that it fails */
    CHECK_OK(weft_m_open(&matcher, entities, 3, &settings, NULL));
    CHECK_EQ(weft_m_discover(matcher, list, TEXT_COUNT, &options, &found, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "queries[17]");
    weft_m_close(matcher);
    take_texts(list);

    settings.query_count_max = 0;
    CHECK_OK(weft_m_open(&matcher, entities, 3, &settings, NULL));
    CHECK_EQ(weft_m_discover(matcher, list, 1, &options, &found, &error), -WEFT_ELIMIT);
    weft_m_close(matcher);

    settings.query_count_max = 5;
    options.progress = NULL;
    CHECK_OK(weft_m_open(&matcher, entities, 3, &settings, NULL));
    CHECK_EQ(weft_m_discover(matcher, list, TEXT_COUNT, &options, &found, &error), -WEFT_ELIMIT);
    CHECK_STR(error.message, "new texts over the limit: query_count_max is 5, got 16");
    CHECK_EQ(weft_m_discover(matcher, list + TEXT_COUNT - 7, 7, &options, &found, NULL), 0);
    CHECK_EQ(found->text_count, 7);
    CHECK_EQ(found->novel_count, 5);
    weft_m_discovery_free(found);
    weft_m_close(matcher);
}

TEST(M8_nothing_new_is_no_cluster_and_no_error)
{
    const weft_str list[] = {STR("lost card"), STR("Exchange Rate"), STR("")};
    weft_m_discovery *found;
    weft_text text;
    weft_matcher *matcher = open_bank();
    CHECK_OK(weft_m_discover(matcher, list, 3, NULL, &found, NULL));
    CHECK_EQ(found->novel_count, 0);
    CHECK_EQ(found->cluster_count, 0);
    CHECK_OK(weft_m_discovery_json(found, list, &text));
    CHECK_STR(text.ptr, "{\"texts\":3,\"novel\":0,\"clusters\":[],\"noise\":[]}");
    weft_text_free(&text);
    weft_m_discovery_free(found);
    weft_m_close(matcher);
}

/* As scikit-learn's HDBSCAN labels them: what nothing holds together is noise, not a cluster. */
TEST(M8_new_texts_that_have_nothing_in_common_are_all_noise)
{
    static const char *const odd[] = {"qualm", "zephyr", "oboe",  "kvetch",
                                      "jinx",  "fjord",  "wyvern"};
    enum { ODD = 7 };
    weft_str list[ODD];
    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_text text;
    weft_matcher *matcher = open_bank();
    for (size_t i = 0; i < ODD; i++)
        list[i] = str_of(odd[i]);
    weft_m_discover_options_init(&options);
    options.all_are_novel = true;
    CHECK_OK(weft_m_discover(matcher, list, ODD, &options, &found, NULL));
    CHECK_EQ(found->novel_count, ODD);
    CHECK_EQ(found->cluster_count, 0);
    CHECK_OK(weft_m_discovery_json(found, list, &text));
    CHECK_STR(text.ptr, "{\"texts\":7,\"novel\":7,\"clusters\":[],\"noise\":[0,1,2,3,4,5,6]}");
    weft_text_free(&text);
    weft_m_discovery_free(found);
    weft_m_close(matcher);
}

/* A line a kind, its texts behind one another; what must be found of them. */
#define KINDS_MAX 3u
#define KIND_TEXTS_MAX 20u
static const struct obvious {
    const char *kinds[KINDS_MAX][KIND_TEXTS_MAX];
    size_t cluster_count, member_min; /* of each cluster, all of one kind */
} obvious[] = {
    {{{"solar panel store Berlin", "solar panel store Paris", "solar panel store Madrid",
       "solar panel store Vienna", "solar panel store Oslo"},
      {"electric bike rental Berlin", "electric bike rental Paris", "electric bike rental Madrid",
       "electric bike rental Vienna", "electric bike rental Oslo"},
      {"organic dog food brand 1", "organic dog food brand 2", "organic dog food brand 3",
       "organic dog food brand 4", "organic dog food brand 5"}},
     3,
     5},
    {{{"solar panel store 1",  "solar panel store 2",  "solar panel store 3",
       "solar panel store 4",  "solar panel store 5",  "solar panel store 6",
       "solar panel store 7",  "solar panel store 8",  "solar panel store 9",
       "solar panel store 10", "solar panel store 11", "solar panel store 12",
       "solar panel store 13", "solar panel store 14", "solar panel store 15",
       "solar panel store 16", "solar panel store 17", "solar panel store 18",
       "solar panel store 19", "solar panel store 20"}},
     1,
     20},
    {{{"solar panel store", "solar panels store", "solar panel stores", "solar panels stores",
       "a solar panel store", "the solar panel store"}},
     1,
     6},
    {{{"solar panel store", "solar panel store", "solar panel store", "solar panel store",
       "solar panel store"}},
     1,
     5},
    {{{"where is my parcel", "when will my parcel arrive", "my parcel has not arrived",
       "track my parcel", "where is the parcel"},
      {"how do I get a refund", "I want a refund please", "refund my order",
       "when do I get my refund", "please refund me"}},
     2,
     3},
    {{{"the cat sat on a warm windowsill", "quarterly earnings rose sharply",
       "boil the pasta for nine minutes",  "volcanic ash grounded flights",
       "my bicycle chain snapped",         "Mozart wrote it in Vienna",
       "photosynthesis needs light",       "he forgot his umbrella again",
       "stock prices fell overnight",      "a lighthouse keeper retired",
       "glaciers carve deep valleys",      "she plays chess on Thursdays",
       "tax forms are due in April",       "penguins huddle against wind",
       "the printer is out of toner",      "coffee tastes better fresh",
       "old maps show no bridge",          "drummers need good timing",
       "copper conducts electricity",      "jellyfish have no brains"}},
     0,
     0},
};

/* Their texts and kinds; returns how many. */
static size_t take_obvious(const struct obvious *it, weft_str *list, size_t *kinds)
{
    size_t count = 0;
    for (size_t k = 0; k < KINDS_MAX; k++) {
        for (size_t i = 0; i < KIND_TEXTS_MAX && it->kinds[k][i] != NULL; i++) {
            kinds[count] = k;
            list[count++] = str_of(it->kinds[k][i]);
        }
    }
    return count;
}

TEST(M8_what_is_obvious_in_small_data_is_found_and_nothing_else)
{
    weft_matcher *matcher = open_bank();
    for (size_t at = 0; at < sizeof(obvious) / sizeof(*obvious); at++) {
        weft_str list[KINDS_MAX * KIND_TEXTS_MAX];
        size_t kinds[KINDS_MAX * KIND_TEXTS_MAX], count = take_obvious(&obvious[at], list, kinds);
        weft_m_discover_options options;
        weft_m_discovery *found;
        weft_m_discover_options_init(&options);
        options.all_are_novel = true;
        CHECK_OK(weft_m_discover(matcher, list, count, &options, &found, NULL));
        CHECK_EQ(found->novel_count, count);
        CHECK_EQ(found->cluster_size_min, 3);
        CHECK_EQ(found->cluster_count, obvious[at].cluster_count);
        for (size_t c = 0; c < found->cluster_count; c++) {
            const weft_m_cluster *cluster = &found->clusters[c];
            CHECK_GE(cluster->member_count, obvious[at].member_min);
            for (size_t i = 0; i < cluster->member_count; i++)
                CHECK_EQ(kinds[cluster->members[i]], kinds[cluster->members[0]]);
        }
        weft_m_discovery_free(found);
    }
    weft_m_close(matcher);
}

/* Whoever looks at the first few of a cluster sees different texts. */
TEST(M8_a_text_that_comes_again_stands_behind_the_others_of_its_cluster)
{
    static const char *const asked[] = {
        "where is my parcel now", "Where is my PARCEL now", "where is my parcel now",
        "where is my parcel",     "where is my parcel",     "where is your parcel now",
    };
    enum { COUNT = sizeof(asked) / sizeof(*asked) };
    weft_str list[COUNT];
    weft_matcher *matcher = open_bank();
    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_m_discover_options_init(&options);
    options.all_are_novel = true;
    for (size_t i = 0; i < COUNT; i++)
        list[i] = str_of(asked[i]);
    CHECK_OK(weft_m_discover(matcher, list, COUNT, &options, &found, NULL));
    CHECK_EQ(found->cluster_count, 1);
    const weft_m_cluster *cluster = &found->clusters[0];
    CHECK_EQ(cluster->member_count, COUNT);
    bool is_seen[3] = {false};
    static const size_t kinds[COUNT] = {0, 0, 0, 1, 1, 2};
    for (size_t i = 0; i < 3; i++) {
        CHECK(!is_seen[kinds[cluster->members[i]]]);
        is_seen[kinds[cluster->members[i]]] = true;
    }
    CHECK_GT(cluster->members[4], cluster->members[3]); /* of the same text as they came */
    weft_m_discovery_free(found);
    weft_m_close(matcher);
}

/* The more texts, the more of them may be alike by chance. */
/* Whatever comes first, the largest cluster is shown first. */
TEST(M8_clusters_are_listed_by_their_size)
{
    weft_str all[TEXT_COUNT];
    weft_matcher *matcher = open_bank();
    take_texts(all);
    for (size_t few = 0; few < 2; few++) { /* the kind that has half of its texts */
        weft_str list[2 * EACH];
        size_t count = 0;
        for (size_t i = 0; i < 2 * EACH; i++) {
            if (i / EACH != few || i % EACH < EACH / 2)
                list[count++] = all[i];
        }
        weft_m_discover_options options;
        weft_m_discovery *found;
        weft_m_discover_options_init(&options);
        options.all_are_novel = true;
        CHECK_OK(weft_m_discover(matcher, list, count, &options, &found, NULL));
        CHECK_EQ(found->cluster_count, 2);
        CHECK_GT(found->clusters[0].member_count, found->clusters[1].member_count);
        CHECK(has_keyword(&found->clusters[0], few == 0 ? "vegan" : "parcel"));
        weft_m_discovery_free(found);
    }
    weft_m_close(matcher);
}

TEST(M8_the_least_cluster_grows_with_how_many_texts_are_new)
{
    static const struct {
        size_t count, size;
        int64_t asked;
    } sizes[] = {{0, 3, 0}, {1, 3, 0}, {33, 3, 0}, {34, 4, 0}, {91, 5, 0}, {600, 6, 0}, {91, 2, 2}};
    enum { COUNT = 600 };
    static weft_str list[COUNT];
    weft_matcher *matcher = open_bank();
    for (size_t i = 0; i < COUNT; i++)
        list[i] = str_of(texts[i % TEXT_COUNT]);
    for (size_t i = 0; i < sizeof(sizes) / sizeof(*sizes); i++) {
        weft_m_discover_options options;
        weft_m_discovery *found;
        weft_m_discover_options_init(&options);
        options.all_are_novel = true;
        options.cluster_size_min = sizes[i].asked;
        struct heard heard = {0};
        options.progress = hear;
        options.progress_arg = &heard;
        CHECK_OK(weft_m_discover(matcher, list, sizes[i].count, &options, &found, NULL));
        CHECK_EQ(found->novel_count, sizes[i].count);
        CHECK_EQ(found->cluster_size_min, sizes[i].size);
        for (size_t c = 0; c < found->cluster_count; c++)
            CHECK_GE(found->clusters[c].member_count, sizes[i].size);
        CHECK_EQ(heard.while_clustering != 0, sizes[i].count == COUNT);
        weft_m_discovery_free(found);
    }
    weft_m_close(matcher);
}

TEST(M8_options_that_make_no_sense_are_refused)
{
    const weft_str list[] = {STR("a")};
    weft_m_discover_options options;
    weft_m_discovery *found;
    weft_m_error error;
    weft_matcher *matcher = open_bank();
    weft_m_discover_options_init(&options);
    options.cluster_size_min = 1;
    CHECK_EQ(weft_m_discover(matcher, list, 1, &options, &found, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "cluster_size_min");
    weft_m_discover_options_init(&options);
    options.keyword_max = 33;
    CHECK_EQ(weft_m_discover(matcher, list, 1, &options, &found, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "keyword_max");
    weft_m_discover_options_init(&options);
    options.clustering = STR("a\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5"
                             "\u65e5\u65e5\u65e5\u65e5");
    CHECK_EQ(weft_m_discover(matcher, list, 1, &options, &found, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "Unknown clustering: a\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5"
                             "\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5");
    static const char *const others[] = {"soptics", "leiden", "umap_hdbscan", "auto"};
    for (size_t i = 0; i < sizeof(others) / sizeof(*others); i++) {
        options.clustering = str_of(others[i]);
        CHECK_EQ(weft_m_discover(matcher, list, 1, &options, &found, &error), -WEFT_M_EVALID);
        CHECK_STR(error.field, "clustering");
    }
    weft_m_close(matcher);
}

/* Spots around some directions, and strays. */
TEST(M8_clusters_are_those_the_spots_were_made_of)
{
    enum { GROUPS = 4, SIZE = 12, STRAYS = 6, COUNT = GROUPS * SIZE + STRAYS };
    static wf_spot spots[COUNT];
    const wf_job job = {0};
    wf_clusters clusters;
    dice d = {3};
    for (size_t i = 0; i < COUNT; i++) {
        float vector[WF_SPACE_DIM] = {0};
        size_t group = i % GROUPS;
        for (size_t k = 0; k < WF_SPACE_DIM; k++)
            vector[k] = ((float)roll(&d, 1000) - 500) / (i < GROUPS * SIZE ? 12000 : 500);
        if (i < GROUPS * SIZE)
            vector[group * 50] = vector[WF_SPACE_DIM - 1] = 1; /* all nearer than the strays */
        wf_spot_of(vector, &spots[i]);
    }
    CHECK_OK(wf_cluster(&clusters, spots, COUNT, 5, &job));
    CHECK_EQ(clusters.count, GROUPS);
    for (size_t i = 0; i < GROUPS * SIZE; i++)
        CHECK_EQ(clusters.labels[i], (int32_t)(i % GROUPS));
    for (size_t i = GROUPS * SIZE; i < COUNT; i++)
        CHECK_EQ(clusters.labels[i], -1);
    wf_clusters_fini(&clusters);
}

/* As scikit-learn's HDBSCAN labels them with allow_single_cluster: 0, and what is odd -1. */
TEST(M8_one_text_many_times_is_a_cluster)
{
    static const char *const odd[] = {"qualm", "zephyr oboe", "kvetch"};
    enum { EQUAL = 500, ODD = 3 };
    static weft_str list[EQUAL + ODD];
    weft_m_discover_options options;
    weft_matcher *matcher = open_bank();
    for (size_t i = 0; i < EQUAL + ODD; i++)
        list[i] = i % 200 == 0 ? str_of(odd[i / 200]) : STR("solar panel store");
    weft_m_discover_options_init(&options);
    options.all_are_novel = true;
    options.clustering = STR("hdbscan");
    for (size_t strays = 0; strays <= ODD; strays += ODD) {
        weft_m_discovery *found;
        const weft_str *texts_of = strays == 0 ? list + 1 : list;
        size_t count = strays == 0 ? 199 : EQUAL + ODD;
        CHECK_OK(weft_m_discover(matcher, texts_of, count, &options, &found, NULL));
        CHECK_EQ(found->cluster_count, 1);
        CHECK_EQ(found->clusters[0].member_count, count - strays);
        CHECK_EQ(found->noise_count, strays);
        weft_m_discovery_free(found);
    }
    weft_m_close(matcher);
}

WORK_SCENARIO(discovery_survives_every_failure)
{
    weft_str list[TEXT_COUNT];
    weft_m_discovery *found = NULL;
    weft_matcher *matcher;
    weft_text text = {0};
    take_texts(list);
    int rc = weft_m_open(&matcher, entities, 3, NULL, NULL);
    if (rc < 0)
        return rc;
    rc = weft_m_discover(matcher, list, TEXT_COUNT, NULL, &found, NULL);
    if (rc == 0)
        rc = weft_m_discovery_json(found, list, &text);
    weft_text_free(&text);
    weft_m_discovery_free(found);
    weft_m_close(matcher);
    return rc;
}

TEST(a_crowd_is_compared_as_spots_are_one_by_one)
{
    enum { COUNT = 150 };
    static wf_spot spots[COUNT];
    dice d = {77};
    for (size_t i = 1; i < COUNT; i++) { /* the first is zero */
        float vector[WF_SPACE_DIM];
        for (size_t k = 0; k < WF_SPACE_DIM; k++)
            vector[k] = (float)roll(&d, 2001) - 1000;
        wf_spot_of(vector, &spots[i]);
    }
    spots[7] = spots[8];
    wf_crowd crowd;
    CHECK_OK(wf_crowd_init(&crowd, spots, COUNT));
    while (crowd.count > 3) {
        float cosines[WF_CROWD_BLOCK];
        size_t first = roll(&d, crowd.count), left = crowd.count - first;
        size_t count = left < WF_CROWD_BLOCK ? left : WF_CROWD_BLOCK;
        const wf_spot *spot = &spots[roll(&d, COUNT)];
        wf_crowd_cosines(&crowd, spot, first, count, cosines);
        for (size_t i = 0; i < count; i++)
            CHECK(cosines[i] == wf_spot_cosine(spot, &spots[crowd.names[first + i]]));
        wf_crowd_drop(&crowd, roll(&d, crowd.count));
    }
    wf_crowd_fini(&crowd);
}

TEST(M8_each_clustering_finds_the_two_kinds_of_new_texts)
{
    static const char *const ways[] = {"average", "hdbscan", "components", "louvain", "leiden"};
    weft_str all[TEXT_COUNT];
    weft_matcher *matcher = open_bank();
    for (size_t i = 0; i < 5; i++) {
        weft_m_discover_options options;
        weft_m_discovery *found;
        weft_m_error error;
        take_texts(all);
        weft_m_discover_options_init(&options);
        options.all_are_novel = true;
        options.clustering = str_of(ways[i]);
        for (size_t k = 0; k < 2 * EACH && i == 2; k++)
            all[k] = str_of(texts[k / EACH * EACH]); /* connected is only what is nearly equal */
        int rc = weft_m_discover(matcher, all, 2 * EACH, &options, &found, &error);
        CHECK_EQ(rc, i < 4 ? 0 : -WEFT_M_EVALID);
        CHECK(i < 4 || strcmp(error.field, "clustering") == 0);
        if (rc < 0)
            continue;
        CHECK_STR(found->clustering, ways[i]);
        CHECK_EQ(found->cluster_count, 2);
        for (size_t c = 0; c < 2; c++) {
            CHECK(found->clusters[c].member_count >= 5);
            for (size_t k = 0; k < found->clusters[c].member_count; k++)
                CHECK_EQ(found->clusters[c].members[k] / EACH,
                         found->clusters[c].members[0] / EACH);
        }
        CHECK_NE(found->clusters[0].members[0] / EACH, found->clusters[1].members[0] / EACH);
        weft_m_discovery_free(found);
    }
    weft_m_close(matcher);
}
