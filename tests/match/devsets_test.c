/* SPDX-License-Identifier: MIT */

/*
 * How often is the best entity the right one?  The development sets in ../shared/data, where they
 * are: entities.jsonl, and queries.tsv with query, right ids and kind.  Prints a line a set; the
 * floors are what the weights of src/match/score/model.c reached, less half of one in a hundred.
 */

#include "make.h"

#include <sys/stat.h>
#include <weft/catalog.h>

static const struct {
    const char *name;
    double floor;
} sets[] = {
    {"amazon_google", 0.855},   {"banking77", 0.468}, {"banking77_open", 0.512},
    {"cities", 0.785},          {"clinc_a", 0.608},   {"companies_exchange", 0.960},
    {"companies_sec", 0.980},   {"countries", 0.854}, {"currencies", 0.783},
    {"dblp_acm", 0.988},        {"diseases", 0.732},  {"fodors_zagats", 0.995},
    {"goemotions_open", 0.100}, {"mcc", 0.985},       {"occupations", 0.761},
    {"reference_mix", 0.974},   {"spelling", 0.970},
};

/* Looks in the folders above the source tree too. */
static bool find_set(const char *name, char *out, size_t bytes)
{
    static const char *const ups[] = {"..", "../..", "../../.."};
    for (size_t i = 0; i < sizeof(ups) / sizeof(ups[0]); i++) {
        char path[256];
        struct stat found;
        snprintf(path, sizeof(path), "%s/shared/data/%s", ups[i], name);
        snprintf(out, bytes, "%s", test_source(path));
        if (stat(out, &found) == 0)
            return true;
    }
    return false;
}

static weft_matcher *open_set(const char *folder)
{
    char path[600];
    weft_catalog *catalog;
    weft_catalog_error error;
    weft_matcher *matcher;
    size_t count;
    snprintf(path, sizeof(path), "%s/entities.jsonl", folder);
    CHECK_OK(weft_catalog_new(&catalog));
    int rc = weft_catalog_read_file(catalog, path, NULL, &error);
    if (rc < 0)
        FAIL("%s:%zu: %s", path, error.line, error.text);
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    CHECK_OK(weft_m_open(&matcher, entities, count, NULL, NULL));
    weft_catalog_free(catalog);
    return matcher;
}

/* `ids` may be "a|b": either is right. */
static bool is_right(weft_str id, const char *ids)
{
    while (*ids != '\0') {
        size_t len = strcspn(ids, "|");
        if (len == id.len && memcmp(ids, id.ptr, len) == 0)
            return true;
        ids += len + (ids[len] == '|');
    }
    return false;
}

static bool answer_is_right(weft_matcher *matcher, const char *text, const char *ids)
{
    weft_m_query query;
    weft_m_results *results;
    weft_str asked = str_of(text);
    size_t count;
    weft_m_query_init(&query);
    query.threshold = 0;
    CHECK_OK(weft_m_match(matcher, &asked, 1, &query, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    bool right = count != 0 && is_right(hits[0].id, ids);
    weft_m_results_free(results);
    return right;
}

static double accuracy(weft_matcher *matcher, const char *folder)
{
    char path[600], line[8192];
    size_t known = 0, right = 0;
    snprintf(path, sizeof(path), "%s/queries.tsv", folder);
    FILE *file = fopen(path, "r");
    CHECK(file != NULL);
    while (fgets(line, sizeof(line), file) != NULL) {
        char *ids = strchr(line, '\t'), *kind = ids != NULL ? strchr(ids + 1, '\t') : NULL;
        if (kind == NULL || kind == ids + 1)
            continue; /* of no entity in the catalogue */
        *ids++ = *kind = '\0';
        known++;
        right += answer_is_right(matcher, line, ids);
    }
    fclose(file);
    return known != 0 ? (double)right / (double)known : 0;
}

TEST(the_best_is_as_often_right_on_the_development_sets_as_it_was)
{
    char folder[512];
    size_t tried = 0;
    for (size_t i = 0; i < sizeof(sets) / sizeof(sets[0]); i++) {
        if (!find_set(sets[i].name, folder, sizeof(folder)))
            continue;
        weft_matcher *matcher = open_set(folder);
        double acc1 = accuracy(matcher, folder);
        printf("# %-20s acc1 %.3f\n", sets[i].name, acc1);
        note("%s", sets[i].name);
        CHECK_GE(acc1, sets[i].floor);
        weft_m_close(matcher);
        tried++;
    }
    if (tried == 0)
        SKIP("no development sets");
}
