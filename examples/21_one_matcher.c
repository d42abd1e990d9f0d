/* SPDX-License-Identifier: MIT */

/*
 * Lesson: one matcher.  It is made of entities with their other names, fitted, and asked; the loop
 * goes on meanwhile.  What was opened is closed on the way out.
 */

#include <weft.h>
#include <weft/match.h>

#include <stdio.h>

static const weft_str german[] = {WEFT_STR("Deutschland"), WEFT_STR("Allemagne")};
static const weft_str american[] = {WEFT_STR("USA"), WEFT_STR("United States of America")};

static const weft_m_entity countries[] = {
    {.id = WEFT_STR("DE"), .name = WEFT_STR("Germany"), .aliases = german, .alias_count = 2},
    {.id = WEFT_STR("US"),
     .name = WEFT_STR("United States"),
     .aliases = american,
     .alias_count = 2},
};

static int show(weft_matcher *matcher, const char *text)
{
    weft_str query = weft_str_of(text);
    weft_m_results *results;
    size_t count;
    WEFT_TRY(weft_m_match(matcher, &query, 1, NULL, &results, NULL));
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    if (count != 0)
        printf("%-12s %.*s (%.2f, by its name %.*s)\n", text, (int)hits->id.len, hits->id.ptr,
               (double)hits->score, (int)hits->matched.len, hits->matched.ptr);
    else
        printf("%-12s nothing like it\n", text);
    weft_m_results_free(results);
    return 0;
}

static int ask(void *arg)
{
    weft_matcher *matcher = arg;
    WEFT_TRY(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    WEFT_TRY(show(matcher, "usa"));
    WEFT_TRY(show(matcher, "Deutschlnd"));
    return show(matcher, "Atlantis");
}

static int match(void *arg)
{
    (void)arg;
    weft_matcher *matcher;
    WEFT_TRY(weft_m_open(&matcher, countries, 2, NULL, NULL));
    int rc = ask(matcher);
    weft_m_close(matcher);
    return rc;
}

int main(void)
{
    return weft_main(match, NULL);
}
