/* SPDX-License-Identifier: MIT */

/*
 * A matcher's file out of any bytes.  With an empty first byte the bytes are the file; else they
 * are changes to a good one, whose check sums are then made right, so that what lies behind them is
 * reached.  It is refused with a reason, or answers within its bounds.
 */

#include "match/file/crc.h"
#include "match/matcher_priv.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>
#include <weft/novelty.h>

#define HEAD_BYTES 32u
#define ENTRY_BYTES 24u
#define CHANGE_BYTES 8u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const weft_str aliases[] = {{"FRG", 3}, {"Deutschland", 11}};
static const weft_m_entity entities[] = {
    {.id = {"DE", 2}, .name = {"Germany", 7}, .aliases = aliases, .alias_count = 2},
    {.id = {"1", 1}, .name = {"Guinea", 6}, .id_is_integer = true, .text = {"GN", 2}},
    {.id = {"GQ", 2}, .name = {"Equatorial Guinea", 17}, .extra = {"{}", 2}},
};

static weft_bytes make_good_file(void)
{
    weft_matcher *matcher;
    const wf_job job = {0};
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
    rc = wf_pack_make(pack, &job, &bytes);
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

static size_t section_count(const uint8_t *file)
{
    uint32_t count;
    memcpy(&count, file + 12, sizeof(count));
    return count;
}

static void place_of(const uint8_t *file, size_t section, uint64_t *start, uint64_t *bytes)
{
    const uint8_t *entry = file + HEAD_BYTES + section * ENTRY_BYTES;
    memcpy(start, entry + 8, sizeof(*start));
    memcpy(bytes, entry + 16, sizeof(*bytes));
}

/* Each change: a section, a place in it, and four bytes that go there. */
static void change(uint8_t *file, const uint8_t *data, size_t size)
{
    for (; size >= CHANGE_BYTES; data += CHANGE_BYTES, size -= CHANGE_BYTES) {
        uint64_t start, bytes;
        size_t at = data[1] | (size_t)data[2] << 8 | (size_t)data[3] << 16;
        place_of(file, data[0] % section_count(file), &start, &bytes);
        if (bytes >= 4)
            memcpy(file + start + at % (bytes / 4) * 4, data + 4, 4);
    }
}

static void seal(uint8_t *file)
{
    static const uint8_t zero[4] = {0};
    size_t count = section_count(file);
    for (size_t i = 0; i < count; i++) {
        uint64_t start, bytes;
        place_of(file, i, &start, &bytes);
        uint32_t crc = wf_crc32c(0, file + start, bytes);
        memcpy(file + HEAD_BYTES + i * ENTRY_BYTES + 4, &crc, sizeof(crc));
    }
    uint32_t crc = wf_crc32c(0, file, 24);
    crc = wf_crc32c(crc, zero, sizeof(zero));
    crc = wf_crc32c(crc, file + 28, 4 + count * ENTRY_BYTES);
    memcpy(file + 24, &crc, sizeof(crc));
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

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    weft_matcher *matcher;
    weft_m_error error;
    size_t bytes = size > 0 ? size - 1 : 0;
    uint8_t *file = NULL;
    if (size > 0 && data[0] != 0) {
        file = good_file(&bytes);
        change(file, data + 1, size - 1);
        seal(file);
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
    check_novelty(matcher, weft_str_of("guinee"));
    weft_m_close(matcher);
    return 0;
}
