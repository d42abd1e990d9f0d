/* SPDX-License-Identifier: MIT */

/*
 * Lesson: ten thousand texts against a thousand products, on all processors, with progress.  The
 * callback is called in the task that waits for the batch, so it may print, wait, or end it all.
 */

#include <weft.h>
#include <weft/match.h>

#include <stdio.h>
#include <stdlib.h>

enum { PRODUCTS = 1000, QUERIES = 10000, BATCH = 100, TEXT_BYTES = 16 };

struct texts {
    char products[PRODUCTS][TEXT_BYTES], queries[QUERIES][TEXT_BYTES];
    weft_m_entity entities[PRODUCTS];
    weft_str asked[QUERIES];
};

/* "Product 7" has the id "7"; every query names one of them. */
static void fill(struct texts *texts)
{
    for (int i = 0; i < PRODUCTS; i++) {
        snprintf(texts->products[i], TEXT_BYTES, "Product %d", i);
        texts->entities[i].name = weft_str_of(texts->products[i]);
        texts->entities[i].id = weft_str_of(texts->products[i] + 8);
    }
    for (int i = 0; i < QUERIES; i++) {
        snprintf(texts->queries[i], TEXT_BYTES, "product %d", i % PRODUCTS);
        texts->asked[i] = weft_str_of(texts->queries[i]);
    }
}

static int show_progress(size_t done, size_t total, void *arg)
{
    (void)arg;
    if (done % 2000 == 0)
        printf("%5zu of %zu (%.0f%%)\n", done, total, 100.0 * (double)done / (double)total);
    return 0;
}

static int count_found(const weft_m_results *results)
{
    int found = 0;
    for (size_t i = 0; i < weft_m_results_count(results); i++) {
        size_t count;
        (void)weft_m_results_hits(results, i, &count);
        found += count != 0;
    }
    return found;
}

static int match_all(void *arg)
{
    struct texts *texts = arg;
    weft_matcher *matcher;
    weft_m_results *results;
    WEFT_TRY(weft_m_open(&matcher, texts->entities, PRODUCTS, NULL, NULL));
    int rc = weft_m_batch(matcher, texts->asked, QUERIES, NULL, BATCH, &results, NULL,
                          show_progress, NULL);
    if (rc == 0) {
        printf("found %d\n", count_found(results));
        weft_m_results_free(results);
    }
    weft_m_close(matcher);
    return rc;
}

int main(void)
{
    struct texts *texts = calloc(1, sizeof *texts);
    if (texts == NULL)
        return 1;
    fill(texts);
    int code = weft_main(match_all, texts);
    free(texts);
    return code;
}
