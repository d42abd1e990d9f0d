/* SPDX-License-Identifier: MIT */

/*
 * Lesson: answers as exact as they are certain.  Some products are hard to tell apart, and what
 * they have in common is an answer too: the last entity on the way down that is likely enough. What
 * lies around a product that was found comes with it.
 */

#include <weft.h>
#include <weft/hierarchy.h>

#include <stdio.h>

#define BELOW(parent_) WEFT_STR("{\"hierarchy\":{\"parents\":[\"" parent_ "\"]}}")

static const weft_m_entity products[] = {
    {.id = WEFT_STR("shop"), .name = WEFT_STR("everything for sale")},
    {.id = WEFT_STR("phones"), .name = WEFT_STR("telephones"), .extra = BELOW("shop")},
    {.id = WEFT_STR("z10"), .name = WEFT_STR("Zephyr 10 black"), .extra = BELOW("phones")},
    {.id = WEFT_STR("z12"), .name = WEFT_STR("Zephyr 12 black"), .extra = BELOW("phones")},
    {.id = WEFT_STR("pans"), .name = WEFT_STR("pans and pots"), .extra = BELOW("shop")},
    {.id = WEFT_STR("wok"), .name = WEFT_STR("carbon steel wok"), .extra = BELOW("pans")},
};
#define PRODUCT_COUNT (sizeof(products) / sizeof(*products))

static void print(const char *text, const weft_m_hierarchy_result *it)
{
    if (it->certain != NULL)
        printf("%-14s is certain to be %.*s\n", text, (int)it->certain->name.len,
               it->certain->name.ptr);
    else
        printf("%-14s could be anything\n", text);
    for (size_t i = 0; i < it->hit_count; i++)
        printf("    %.2f %-9s %.*s\n", (double)it->hits[i].score,
               weft_m_relation_name(it->hits[i].relation), (int)it->hits[i].name.len,
               it->hits[i].name.ptr);
}

static int ask(weft_matcher *matcher, const char *text)
{
    weft_str query = weft_str_of(text);
    weft_m_hierarchy_options options;
    weft_m_results *results;
    weft_m_hierarchy_options_init(&options);
    options.match_level = weft_str_of("ancestors");
    options.top_k = 3;
    WEFT_TRY(weft_m_hierarchy_match(matcher, &query, 1, &options, &results, NULL));
    print(text, weft_m_results_hierarchy(results, 0));
    weft_m_results_free(results);
    return 0;
}

static int ask_all(weft_matcher *matcher)
{
    WEFT_TRY(ask(matcher, "zephyr 12"));
    WEFT_TRY(ask(matcher, "Zephyr black"));
    WEFT_TRY(ask(matcher, "wok"));
    return ask(matcher, "sofa");
}

static int match(void *arg)
{
    (void)arg;
    weft_matcher *matcher;
    WEFT_TRY(weft_m_open(&matcher, products, PRODUCT_COUNT, NULL, NULL));
    int rc = ask_all(matcher);
    weft_m_close(matcher);
    return rc;
}

int main(void)
{
    return weft_main(match, NULL);
}
