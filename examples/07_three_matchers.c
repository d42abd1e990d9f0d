/* SPDX-License-Identifier: MIT */

/*
 * Lesson: three matchers work at the same time.  Each has a catalogue of its own; fitting and
 * matching run on the executor's threads, and the tasks that wait for them cost next to nothing.
 */

#include <weft.h>
#include <weft/match.h>

#include <stdio.h>

#define TEXT "berlin office chair"

struct search {
    const char *category;
    const char *names[3];
    char found[64];
    float score;
};

static void keep_best(struct search *self, const weft_m_results *results)
{
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    if (count == 0)
        return;
    snprintf(self->found, sizeof self->found, "%.*s", (int)hits[0].name.len, hits[0].name.ptr);
    self->score = hits[0].score;
}

static int search(void *arg)
{
    struct search *self = arg;
    weft_m_entity entities[3] = {0};
    for (int i = 0; i < 3; i++) {
        entities[i].id = weft_str_of(self->names[i]);
        entities[i].name = entities[i].id;
    }
    weft_matcher *matcher;
    WEFT_TRY(weft_m_open(&matcher, entities, 3, NULL, NULL));
    weft_str text = WEFT_STR(TEXT);
    weft_m_results *results = NULL;
    int rc = weft_m_match(matcher, &text, 1, NULL, &results, NULL); /* fits it first */
    if (rc == 0)
        keep_best(self, results);
    weft_m_results_free(results);
    weft_m_close(matcher);
    return rc;
}

static int search_all(void *arg)
{
    (void)arg;
    struct search searches[] = {
        {.category = "products", .names = {"office chair", "desk lamp", "paper shredder"}},
        {.category = "locations", .names = {"Berlin", "Lisbon", "Porto"}},
        {.category = "people", .names = {"Ada Lovelace", "Grace Hopper", "Alan Turing"}},
    };
    WEFT_TRY(weft_map(search, searches, 3));

    printf("%s\n", TEXT);
    for (int i = 0; i < 3; i++) {
        const struct search *one = &searches[i];
        if (one->found[0] != '\0')
            printf("  %-10s %s (%.2f)\n", one->category, one->found, (double)one->score);
        else
            printf("  %-10s nothing like it\n", one->category);
    }
    return 0;
}

int main(void)
{
    return weft_main(search_all, NULL);
}
