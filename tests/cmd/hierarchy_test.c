/* SPDX-License-Identifier: MIT */

/* weft match hierarchy says what the library says, to the byte. */
#include "child.h"

#include <weft/catalog.h>
#include <weft/hierarchy.h>

#define PRODUCTS test_source("examples/data/products.csv")

static weft_matcher *open_products(void)
{
    weft_catalog *catalog;
    weft_matcher *matcher;
    size_t count;
    CHECK_OK(weft_catalog_new(&catalog));
    CHECK_OK(weft_catalog_read_file(catalog, PRODUCTS, NULL, NULL));
    const weft_m_entity *entities = weft_catalog_entities(catalog, &count);
    CHECK_OK(weft_m_open(&matcher, entities, count, NULL, NULL));
    weft_catalog_free(catalog);
    return matcher;
}

/* A line of the program; the library's list of one has brackets around it. */
static void check_line(const struct run *run, const char *ptr, size_t len)
{
    CHECK_EQ(run->code, 0);
    CHECK_GT(len, 0u);
    CHECK_BYTES(run->out, strlen(run->out) - 1, ptr, len);
}

TEST(match_hierarchy_answers_as_the_library_does)
{
    static const struct {
        const char *text, *level, *within;
    } asked[] = {
        {"Zephyr black", "all", "shop"},
        {"knife", "ancestors", "kitchen"},
        {"pan 24 cm", "descendants", "kitchen"},
    };
    weft_matcher *matcher = open_products();
    weft_hierarchy *hierarchy;
    struct run run;
    weft_text json;
    for (size_t i = 0; i < sizeof(asked) / sizeof(*asked); i++) {
        const weft_str query = weft_str_of(asked[i].text);
        weft_m_hierarchy_options options;
        weft_m_hierarchy_options_init(&options);
        options.top_k = 4;
        options.match_level = weft_str_of(asked[i].level);
        options.within = weft_str_of(asked[i].within);
        CHECK_OK(weft_m_hierarchy_json(matcher, &query, 1, &options, &json, NULL));
        RUN(&run, "match", "hierarchy", "-e", PRODUCTS, "-k", "4", "--level", asked[i].level,
            "--within", asked[i].within, asked[i].text);
        check_line(&run, json.ptr + 1, json.len - 2);
        run_fini(&run);
        weft_text_free(&json);
    }
    CHECK_OK(weft_m_hierarchy(matcher, &hierarchy, NULL));
    CHECK_OK(weft_hierarchy_entity_json(hierarchy, weft_str_of("phones"), 3, &json));
    RUN(&run, "match", "hierarchy", "-e", PRODUCTS, "--show", "phones");
    check_line(&run, json.ptr, json.len);
    run_fini(&run);
    weft_text_free(&json);
    weft_hierarchy_unref(hierarchy);
    weft_m_close(matcher);
}
