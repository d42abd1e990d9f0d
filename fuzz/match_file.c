/* SPDX-License-Identifier: MIT */

/*
 * A matcher's file out of any bytes.  With an empty first byte the bytes are the file; else they
 * are changes to a good one, whose check sums are then made right, so that what lies behind them is
 * reached.  It is refused with a reason, or answers within its bounds.  One in eight is also asked
 * what is new and where it stands in the hierarchy: what that needs is made of the file first,
 * which takes as long as all the rest.
 */

#include "cut.h"
#include "weftm.h"

#include "match/matcher_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <weft/hierarchy.h>
#include <weft/novelty.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define DERIVED_PART 8u /* one in so many inputs */

static const weft_str aliases[] = {{"FRG", 3}, {"Deutschland", 11}};
static const weft_m_entity entities[] = {
    {.id = {"DE", 2}, .name = {"Germany", 7}, .aliases = aliases, .alias_count = 2},
    {.id = {"1", 1}, .name = {"Guinea", 6}, .id_is_integer = true, .text = {"GN", 2}},
    {.id = {"GQ", 2},
     .name = {"Equatorial Guinea", 17},
     .extra = {"{\"hierarchy\":{\"parents\":[\"DE\",1]}}", 34}},
};

static weft_bytes make_good_file(void)
{
    weft_matcher *matcher;
    weft_bytes bytes = {0};
    int rc = weft_m_open(&matcher, entities, 3, NULL, NULL);
    assert(rc == 0);
    rc = weft_m_fit(matcher, NULL, 0, NULL, NULL);
    assert(rc == 0);
    rc = weft_m_novelty_prepare(matcher, NULL, NULL);
    assert(rc == 0);
    wf_snapshot *snapshot = wf_matcher_snapshot(matcher);
    wf_detector *detector = wf_matcher_detector(matcher, snapshot);
    assert(detector != NULL);
    wf_pack *pack = calloc(1, sizeof(*pack));
    rc = wf_matcher_pack(matcher, snapshot, detector, pack);
    assert(rc == 0);
    rc = wf_pack_make(pack, &bytes);
    assert(rc == 0);
    wf_pack_fini(pack);
    free(pack);
    wf_snapshot_unref(snapshot);
    wf_detector_unref(detector);
    weft_m_close(matcher);
    return bytes;
}

/* A copy; it is made once, for that takes longer than all the rest. */
static uint8_t *good_file(size_t *out_bytes)
{
    static weft_bytes kept;
    if (kept.ptr == NULL)
        kept = make_good_file();
    uint8_t *copy = malloc(kept.len);
    assert(copy != NULL);
    memcpy(copy, kept.ptr, kept.len);
    *out_bytes = kept.len;
    return copy;
}

static void check_answers(weft_matcher *matcher, weft_str text)
{
    weft_m_query query;
    weft_m_results *results;
    size_t count;
    weft_m_query_init(&query);
    query.top_k = 3;
    query.threshold = 0;
    if (weft_m_match(matcher, &text, 1, &query, &results, NULL) < 0)
        return;
    const weft_m_hit *hits = weft_m_results_hits(results, 0, &count);
    assert(count <= 3);
    for (size_t i = 0; i < count; i++)
        assert(hits[i].score >= 0 && hits[i].score <= 1);
    weft_m_results_free(results);
}

static void check_novelty(weft_matcher *matcher, weft_str text)
{
    weft_m_results *results;
    if (weft_m_novelty(matcher, &text, 1, NULL, &results, NULL) < 0)
        return;
    const weft_m_novelty_result *it = weft_m_results_novelty(results, 0);
    assert(it->p_value > 0 && it->p_value <= 1);
    weft_m_results_free(results);
}

static void check_hierarchy(weft_matcher *matcher, weft_str text)
{
    weft_m_results *results;
    if (weft_m_hierarchy_match(matcher, &text, 1, NULL, &results, NULL) < 0)
        return;
    const weft_m_hierarchy_result *it = weft_m_results_hierarchy(results, 0);
    assert(it->hit_count <= 5 && it->level_count <= 3);
    for (size_t i = 0; i < it->hit_count; i++)
        assert(it->hits[i].score >= 0 && it->hits[i].score <= 1);
    weft_m_results_free(results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_matcher *matcher;
    weft_m_error error;
    size_t bytes = size > 0 ? size - 1 : 0;
    uint8_t *file = NULL;
    if (size > 0 && data[0] != 0) {
        file = good_file(&bytes);
        weftm_change(file, data + 1, size - 1);
        weftm_seal(file);
    }
    const void *from = file != NULL ? file : size > 0 ? data + 1 : data;
    int rc = wf_matcher_of_bytes(&matcher, from, bytes, &error);
    free(file);
    if (rc < 0) {
        assert(rc == -WEFT_M_EPERSIST);
        assert(error.message[0] != '\0');
        return 0;
    }
    check_answers(matcher, weft_str_of("guinea"));
    check_answers(matcher, weft_str_of("FRG"));
    if (input_hash(data, size) % DERIVED_PART == 0) {
        check_novelty(matcher, weft_str_of("guinee"));
        check_hierarchy(matcher, weft_str_of("guinee"));
    }
    weft_m_close(matcher);
    return 0;
}
