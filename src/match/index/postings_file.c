/* SPDX-License-Identifier: MIT */

#include "match/index/postings.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define TAG_HEAD WF_TAG('P', 'O', 'H', 'D')
#define TAG_SEGMENTS WF_TAG('P', 'O', 'S', 'E')
#define TAG_FIRST WF_TAG('P', 'O', 'F', 'I')
#define TAG_RUNS WF_TAG('P', 'O', 'R', 'U')
#define TAG_ROWS WF_TAG('P', 'O', 'R', 'O')
#define TAG_NORMS WF_TAG('P', 'O', 'N', 'O')
#define TAG_SHARES WF_TAG('P', 'O', 'S', 'H')

/* Beyond what any text can have; below what could overflow, and so are quotients. */
#define VALUE_MAX 1e9f
#define NORM_MIN 1e-9

#define FIRST_COUNT (WF_DIM_COUNT + 1)

struct head {
    uint64_t row_count;
    double norm_max;
    uint64_t heavy[WF_DIM_COUNT / 64];
};

struct part {
    uint32_t row_count, run_count, posting_count, zero;
};

/* ---- saving ---- */

static void save_segments(const wf_postings *postings, wf_pack *pack)
{
    size_t runs = 0, rows = 0, count = postings->segment_count;
    for (size_t i = 0; i < count; i++) {
        runs += (size_t)postings->segments[i].run_count + 1;
        rows += postings->segments[i].posting_count;
    }
    struct part *part = wf_pack_new(pack, TAG_SEGMENTS, count, sizeof(*part));
    uint32_t *first = wf_pack_new(pack, TAG_FIRST, count * FIRST_COUNT, sizeof(*first));
    wf_run *run = wf_pack_new(pack, TAG_RUNS, runs, sizeof(*run));
    uint16_t *row = wf_pack_new(pack, TAG_ROWS, rows, sizeof(*row));
    for (size_t i = 0; i < count && wf_pack_goes_on(pack); i++) {
        const wf_segment *segment = &postings->segments[i];
        size_t run_count = (size_t)segment->run_count + 1;
        *part++ = (struct part){.row_count = segment->row_count,
                                .run_count = segment->run_count,
                                .posting_count = segment->posting_count};
        memcpy(first, segment->first, FIRST_COUNT * sizeof(*first));
        memcpy(run, segment->runs, run_count * sizeof(*run));
        memcpy(row, segment->rows, segment->posting_count * sizeof(*row));
        first += FIRST_COUNT;
        run += run_count;
        row += segment->posting_count;
    }
}

void wf_postings_save(const wf_postings *postings, wf_pack *pack)
{
    struct head *head = wf_pack_new(pack, TAG_HEAD, 1, sizeof(*head));
    if (head == NULL)
        return;
    head->row_count = postings->row_count;
    head->norm_max = postings->norm_max;
    memcpy(head->heavy, postings->heavy, sizeof(head->heavy));
    save_segments(postings, pack);
    wf_pack_add(pack, TAG_NORMS, postings->inverse_norms, postings->row_count,
                sizeof(*postings->inverse_norms));
    wf_pack_add(pack, TAG_SHARES, postings->heavy_shares, postings->row_count,
                sizeof(*postings->heavy_shares));
}

/* ---- loading ---- */

/* A slice of a section's array. */
struct rest {
    const char *at;
    size_t count;
};

static int get_rest(const wf_image *image, uint32_t tag, size_t item_bytes, struct rest *out)
{
    const void *at = NULL;
    int rc = wf_image_get(image, tag, item_bytes, &at, &out->count);
    out->at = at;
    return rc;
}

static const void *take(struct rest *rest, size_t count, size_t item_bytes)
{
    if (count > rest->count)
        return NULL;
    const void *at = rest->at;
    rest->at += count * item_bytes;
    rest->count -= count;
    return at;
}

static bool are_sound_runs(const wf_segment *segment)
{
    bool is_sound = segment->runs[0].start == 0 &&
                    segment->runs[segment->run_count].start == segment->posting_count;
    for (uint32_t i = 0; i < segment->run_count; i++) {
        is_sound &= segment->runs[i].start < segment->runs[i + 1].start;
        is_sound &= fabsf(segment->runs[i].value) <= VALUE_MAX;
    }
    return is_sound;
}

static bool is_sound_segment(const wf_segment *segment)
{
    bool is_sound = segment->first[0] == 0 && segment->first[WF_DIM_COUNT] == segment->run_count;
    for (uint32_t dim = 0; dim < WF_DIM_COUNT; dim++)
        is_sound &= segment->first[dim] <= segment->first[dim + 1];
    uint16_t greatest = 0;
    for (uint32_t i = 0; i < segment->posting_count; i++)
        greatest = segment->rows[i] > greatest ? segment->rows[i] : greatest;
    is_sound &= segment->row_count > 0 && segment->row_count <= WF_SEGMENT_ROWS;
    return is_sound && greatest < segment->row_count && are_sound_runs(segment);
}

/* A row's norm is 0 or within bounds. */
static bool is_inverse_norm(float value)
{
    return value == 0 || (value >= 1 / VALUE_MAX && value <= VALUE_MAX);
}

static bool are_sound_rows(const wf_postings *postings)
{
    bool is_sound = true;
    for (size_t i = 0; i < postings->row_count; i++)
        is_sound &= is_inverse_norm(postings->inverse_norms[i]);
    return is_sound;
}

static int load_segments(wf_postings *postings, const wf_image *image)
{
    struct rest first = {0}, runs = {0}, rows = {0};
    const struct part *parts = NULL;
    const void *at = NULL;
    size_t row_at = 0;
    int rc = wf_image_get(image, TAG_SEGMENTS, sizeof(*parts), &at, &postings->segment_count);
    parts = at;
    if (rc == 0)
        rc = get_rest(image, TAG_FIRST, sizeof(uint32_t), &first);
    if (rc == 0)
        rc = get_rest(image, TAG_RUNS, sizeof(wf_run), &runs);
    if (rc == 0)
        rc = get_rest(image, TAG_ROWS, sizeof(uint16_t), &rows);
    if (rc < 0)
        return rc;
    postings->segments = wf_array(postings->segment_count, sizeof(*postings->segments));
    if (postings->segments == NULL)
        return -ENOMEM;
    const wf_job job = {0};
    for (size_t i = 0; i < postings->segment_count; i++) {
        wf_segment *segment = &postings->segments[i];
        rc = wf_job_poll(&job); /* one may have millions of postings */
        if (rc < 0)
            return rc;
        *segment = (wf_segment){.row_start = (uint32_t)row_at,
                                .row_count = parts[i].row_count,
                                .run_count = parts[i].run_count,
                                .posting_count = parts[i].posting_count};
        segment->first = (uint32_t *)take(&first, FIRST_COUNT, sizeof(*segment->first));
        segment->runs =
            (wf_run *)take(&runs, (size_t)segment->run_count + 1, sizeof(*segment->runs));
        segment->rows = (uint16_t *)take(&rows, segment->posting_count, sizeof(*segment->rows));
        if (segment->first == NULL || segment->runs == NULL || segment->rows == NULL ||
            !is_sound_segment(segment))
            return -WEFT_M_EPERSIST;
        row_at += segment->row_count;
    }
    bool is_all = first.count == 0 && runs.count == 0 && rows.count == 0;
    return is_all && row_at == postings->row_count ? 0 : -WEFT_M_EPERSIST;
}

int wf_postings_load(wf_postings *postings, const wf_image *image, size_t row_count)
{
    const void *at;
    size_t bytes;
    int rc = wf_image_get(image, TAG_HEAD, 1, &at, &bytes);
    if (rc < 0 || bytes != sizeof(struct head))
        return -WEFT_M_EPERSIST;
    const struct head *head = at;
    if (head->row_count != row_count || !isfinite(head->norm_max) || head->norm_max < 0 ||
        (head->norm_max > 0 && head->norm_max < NORM_MIN))
        return -WEFT_M_EPERSIST;
    *postings =
        (wf_postings){.row_count = row_count, .norm_max = head->norm_max, .is_of_image = true};
    memcpy(postings->heavy, head->heavy, sizeof(postings->heavy));
    rc = wf_image_get_exactly(image, TAG_NORMS, sizeof(float), row_count, &postings->inverse_norms);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_SHARES, 1, row_count, &postings->heavy_shares);
    if (rc < 0)
        return rc;
    return are_sound_rows(postings) ? load_segments(postings, image) : -WEFT_M_EPERSIST;
}
