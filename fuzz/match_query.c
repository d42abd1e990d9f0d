/* SPDX-License-Identifier: MIT */

/*
 * A catalogue and queries out of any bytes: lines; those up to an empty one are names, the rest
 * queries.  Bad input is refused with its place; a good name finds itself with score 1; answers are
 * ordered, within their bounds, and the same in a batch as one by one.
 *
 * To fit a matcher takes far longer than to ask it, so 15 of 16 inputs put two of their lines as
 * queries to one that is made once; what is asked leaves no trace in it.
 */

#include "cut.h"

#include "base/utf8.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <weft/match.h>

#define LINES_MAX 40u
#define OWN_PART 16u /* one in so many inputs has a matcher of its own */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t take_lines(const char **at, const char *end, weft_str *out)
{
    size_t count = 0;
    while (*at < end && count < LINES_MAX) {
        const char *line = *at, *stop = memchr(line, '\n', (size_t)(end - line));
        *at = stop != NULL ? stop + 1 : end;
        out[count] = (weft_str){line, (size_t)((stop != NULL ? stop : end) - line)};
        if (out[count].len == 0)
            break;
        count++;
    }
    return count;
}

static weft_matcher *open_names(const weft_str *names, size_t count)
{
    static char ids[LINES_MAX][4];
    weft_m_entity entities[LINES_MAX];
    weft_m_error error;
    weft_matcher *matcher = NULL;
    memset(entities, 0, sizeof(entities));
    for (size_t i = 0; i < count; i++) {
        int len = snprintf(ids[i], sizeof(ids[i]), "%zu", i);
        entities[i].id = (weft_str){ids[i], (size_t)len};
        entities[i].name = names[i];
    }
    int rc = weft_m_open(&matcher, entities, count, NULL, &error);
    if (rc < 0) {
        assert(error.rc == rc);
        assert(error.message[0] != '\0');
        assert(wf_utf8_is_valid(error.message, strlen(error.message)));
        assert(wf_utf8_is_valid(error.entity, strlen(error.entity)));
    }
    return matcher;
}

static void check_hits(const weft_m_hit *hits, size_t count, size_t top_k)
{
    assert(count <= top_k);
    for (size_t i = 0; i < count; i++) {
        assert(hits[i].score >= 0);
        assert(hits[i].score <= 1);
        assert(i == 0 || hits[i - 1].score > hits[i].score ||
               (hits[i - 1].score == hits[i].score && hits[i - 1].entity < hits[i].entity));
    }
}

static void check_self(weft_matcher *matcher, weft_str name)
{
    weft_m_results *results;
    size_t count;
    if (weft_m_match(matcher, &name, 1, NULL, &results, NULL) < 0)
        return;
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    assert(count == 1);
    assert(hits[0].score == 1);
    weft_m_results_free(results);
}

static void check_explanation(weft_matcher *matcher, weft_str text, const weft_m_hit *hits,
                              size_t count)
{
    weft_m_explanation *explanation;
    if (weft_m_explain(matcher, text, 5, &explanation, NULL) < 0)
        return;
    assert(explanation->hit_count == count);
    for (size_t i = 0; i < count; i++)
        assert(explanation->hits[i].score == hits[i].score);
    weft_m_explanation_free(explanation);
}

static void check_query(weft_matcher *matcher, weft_str text, bool is_explained)
{
    weft_m_query query;
    weft_m_query_init(&query);
    query.top_k = 5;
    query.threshold = 0;
    weft_m_results *results;
    weft_m_error error;
    size_t count;
    int rc = weft_m_match(matcher, &text, 1, &query, &results, &error);
    if (rc < 0) {
        assert(rc == -WEFT_M_EVALID || rc == -WEFT_ELIMIT);
        assert(rc == -WEFT_ELIMIT || (size_t)error.offset == wf_utf8_check(text.ptr, text.len));
        return;
    }
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    check_hits(hits, count, 5);
    if (is_explained)
        check_explanation(matcher, text, hits, count);
    weft_m_results_free(results);
}

static void check_batch(weft_matcher *matcher, const weft_str *queries, size_t count)
{
    weft_text together, alone;
    if (weft_m_batch_json(matcher, queries, count, NULL, 3, &together, NULL) < 0)
        return;
    size_t at = 1;
    for (size_t i = 0; i < count; i++) {
        int rc = weft_m_match_json(matcher, queries[i], NULL, &alone, NULL);
        assert(rc == 0);
        assert(memcmp(together.ptr + at, alone.ptr, alone.len) == 0);
        at += alone.len + 1;
        weft_text_free(&alone);
    }
    weft_text_free(&together);
}

static void check_own(const weft_str *names, size_t name_count, const weft_str *queries,
                      size_t query_count)
{
    weft_matcher *matcher = open_names(names, name_count);
    if (matcher == NULL)
        return;
    for (size_t i = 0; i < name_count; i++)
        check_self(matcher, names[i]);
    for (size_t i = 0; i < query_count; i++)
        check_query(matcher, queries[i], /* is_explained= */ true);
    check_batch(matcher, queries, query_count);
    weft_m_close(matcher);
}

/* ---- the matcher that is made once ---- */

static weft_matcher *shared;

static void shared_close(void)
{
    weft_m_close(shared);
}

static weft_matcher *shared_open(void)
{
    static const weft_str names[] = {
        WEFT_STR("Germany"),
        WEFT_STR("Guinea"),
        WEFT_STR("Guinea-Bissau"),
        WEFT_STR("M\xC3\xBCller & S\xC3\xB6hne GmbH"),
        WEFT_STR("Mueller Soehne"),
        WEFT_STR("\xE6\x9D\xB1\xE4\xBA\xAC"),
        WEFT_STR("a"),
        WEFT_STR("A 12-34"),
        WEFT_STR("the the the"),
        WEFT_STR("\xD0\x9C\xD0\xB8\xD1\x80"),
    };
    if (shared == NULL) {
        shared = open_names(names, sizeof(names) / sizeof(names[0]));
        assert(shared != NULL);
        int rc = atexit(shared_close);
        assert(rc == 0);
    }
    return shared;
}

/* Two neighbours, which the input chooses without a byte of it being spent on that. */
static void check_shared(const weft_str *lines, size_t count, uint64_t hash)
{
    size_t from = count < 2 ? 0 : (size_t)(hash % (count - 1));
    weft_matcher *matcher = shared_open();
    for (size_t i = from; i < count && i < from + 2; i++)
        check_query(matcher, lines[i], (hash >> 40) % 4 == 0);
    if ((hash >> 40) % 16 == 0)
        check_batch(matcher, lines, count);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    weft_str lines[2 * LINES_MAX];
    uint64_t hash = input_hash(data, size);
    size_t name_count = take_lines(&at, end, lines);
    size_t query_count = take_lines(&at, end, lines + name_count);
    if (hash % OWN_PART == 0)
        check_own(lines, name_count, lines + name_count, query_count);
    else
        check_shared(lines, name_count + query_count, hash / OWN_PART);
    return 0;
}
