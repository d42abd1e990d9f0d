/* SPDX-License-Identifier: MIT */

/*
 * Lesson: a hundred thousand texts in chunks.  A generator hands them out, as one would read them
 * from a file; memory holds one chunk and its answers, however many texts there are.
 */

#include <weft.h>
#include <weft/match.h>

#include <stdio.h>

enum { TEXTS = 100000, CHUNK = 10000, CITIES = 4 };

static const weft_m_entity cities[CITIES] = {
    {.id = WEFT_STR("BER"), .name = WEFT_STR("Berlin")},
    {.id = WEFT_STR("LIS"), .name = WEFT_STR("Lisbon")},
    {.id = WEFT_STR("OPO"), .name = WEFT_STR("Porto")},
    {.id = WEFT_STR("FIH"), .name = WEFT_STR("Kinshasa")},
};

/* Each fifth text is of no city. */
static int each_text(weft_gen *self, void *arg)
{
    weft_str nowhere = WEFT_STR("Atlantis");
    (void)arg;
    for (int i = 0; i < TEXTS; i++)
        WEFT_TRY(weft_gen_yield(self, i % 5 < CITIES ? &cities[i % 5].name : &nowhere));
    return 0;
}

struct chunk {
    weft_matcher *matcher;
    weft_str texts[CHUNK];
    size_t count;        /* in it */
    size_t asked, found; /* so far */
};

static int match_chunk(struct chunk *chunk)
{
    weft_m_results *results;
    WEFT_TRY(weft_m_batch(chunk->matcher, chunk->texts, chunk->count, NULL, 500, &results, NULL,
                          NULL, NULL));
    for (size_t i = 0; i < chunk->count; i++) {
        size_t hits;
        (void)weft_m_results_hits(results, i, &hits);
        chunk->found += hits != 0;
    }
    weft_m_results_free(results);
    chunk->asked += chunk->count;
    chunk->count = 0;
    return printf("%6zu texts, %zu found\n", chunk->asked, chunk->found);
}

static int match_all(struct chunk *chunk)
{
    int rc;
    weft_str text;
    weft_foreach(rc, text, weft_gen_open(each_text, NULL))
    {
        chunk->texts[chunk->count++] = text;
        if (chunk->count == CHUNK)
            WEFT_TRY(match_chunk(chunk));
    }
    WEFT_TRY(rc);
    return chunk->count != 0 ? match_chunk(chunk) : 0;
}

static int match(void *arg)
{
    struct chunk *chunk = arg;
    WEFT_TRY(weft_m_open(&chunk->matcher, cities, CITIES, NULL, NULL));
    int rc = match_all(chunk);
    weft_m_close(chunk->matcher);
    return rc;
}

int main(void)
{
    static struct chunk chunk;
    return weft_main(match, &chunk);
}
