/* SPDX-License-Identifier: MIT */

/*
 * Lesson: vectors that come from elsewhere.  They are put into a store under ids, with tags; the
 * nearest to a query are asked for, among all or among those with a tag, while others are
 * exchanged.
 */

#include <weft.h>
#include <weft/vec.h>

#include <stdio.h>

/* Sweet, sour, red. */
static const float apple[] = {0.7f, 0.3f, 0.8f}, lemon[] = {0.1f, 0.9f, 0.0f},
                   cherry[] = {0.8f, 0.3f, 0.9f}, tomato[] = {0.3f, 0.3f, 1.0f},
                   green_apple[] = {0.5f, 0.7f, 0.0f};

static const weft_vec_tag fruit[] = {{WEFT_STR("kind"), WEFT_STR("fruit")}},
                          vegetable[] = {{WEFT_STR("kind"), WEFT_STR("vegetable")}};

static const weft_vec_item items[] = {
    {.id = WEFT_STR("apple"), .numbers = apple, .tags = fruit, .tag_count = 1},
    {.id = WEFT_STR("lemon"), .numbers = lemon, .tags = fruit, .tag_count = 1},
    {.id = WEFT_STR("cherry"), .numbers = cherry, .tags = fruit, .tag_count = 1},
    {.id = WEFT_STR("tomato"), .numbers = tomato, .tags = vegetable, .tag_count = 1},
};

static int show(weft_vec *store, const char *what, const weft_vec_tag *filter)
{
    static const float sweet_and_red[] = {0.7f, 0.2f, 1.0f};
    weft_vec_query query;
    weft_vec_results *results;
    size_t count;
    weft_vec_query_init(&query);
    query.top_k = 2;
    query.filter = filter;
    query.filter_count = filter != NULL;
    WEFT_TRY(weft_vec_find(store, sweet_and_red, 1, &query, &results, NULL));
    const weft_vec_hit *hits = weft_vec_results_hits(results, 0, &count);
    printf("%s:", what);
    for (size_t i = 0; i < count; i++)
        printf(" %.*s %.3f", (int)hits[i].id.len, hits[i].id.ptr, (double)hits[i].score);
    printf("\n");
    weft_vec_results_free(results);
    return 0;
}

static int use(weft_vec *store)
{
    const weft_vec_item now_green = {
        .id = WEFT_STR("apple"), .numbers = green_apple, .tags = fruit, .tag_count = 1};
    const weft_str gone = WEFT_STR("tomato");
    WEFT_TRY(weft_vec_put(store, items, 4, NULL));
    WEFT_TRY(show(store, "all", NULL));
    WEFT_TRY(show(store, "vegetables", vegetable));
    WEFT_TRY(weft_vec_put(store, &now_green, 1, NULL)); /* in the place of the red one */
    WEFT_TRY(weft_vec_remove(store, &gone, 1, NULL, NULL));
    return show(store, "later", NULL);
}

static int body(void *arg)
{
    (void)arg;
    weft_vec *store;
    WEFT_TRY(weft_vec_new(&store, 3, NULL, NULL));
    int rc = use(store);
    weft_vec_free(store);
    return rc;
}

int main(void)
{
    return weft_main(body, NULL);
}
