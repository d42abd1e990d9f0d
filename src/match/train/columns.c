/* SPDX-License-Identifier: MIT */

#include "match/train/columns.h"

#include "base/alloc.h"
#include "match/embed/sort.h"

#include <errno.h>
#include <math.h>
#include <string.h>

#define TEXTS_A_POLL 256u

void wf_columns_fini(wf_columns *it)
{
    wf_free(it->of);
    wf_free(it->parts);
    wf_sparse_fini(&it->texts);
    *it = (wf_columns){0};
}

/* Groups of features, which each text divides further: those that it has with one value from the
 * others. */
struct groups {
    uint32_t *of; /* of each feature */
    uint32_t next;
    uint64_t *keys, *spare; /* of the features of a text: group above, value below */
};

static uint64_t key_of(uint32_t group, float value)
{
    uint32_t bits;
    memcpy(&bits, &value, sizeof(bits));
    return (uint64_t)group << 32 | bits;
}

static size_t keep_different(uint64_t *keys, size_t count)
{
    size_t kept = 0;
    for (size_t i = 0; i < count; i++) {
        if (kept == 0 || keys[i] != keys[kept - 1])
            keys[kept++] = keys[i];
    }
    return kept;
}

static uint32_t place_of(const uint64_t *keys, size_t count, uint64_t key)
{
    size_t low = 0;
    while (count > 1) { /* it is among keys[low, low + count) */
        size_t half = count / 2;
        low = keys[low + half] <= key ? low + half : low;
        count -= half;
    }
    return (uint32_t)low;
}

/* What no other text has is one group. */
static void divide(struct groups *groups, const wf_sparse *texts, const wf_sparse *features,
                   size_t text)
{
    size_t from = texts->start[text], end = texts->start[text + 1], count = 0;
    uint32_t alone = groups->next++;
    for (size_t i = from; i < end; i++) {
        uint32_t feature = texts->indexes[i];
        bool is_alone = features->start[feature + 1] - features->start[feature] == 1;
        if (is_alone)
            groups->of[feature] = alone;
        else
            groups->keys[count++] = key_of(groups->of[feature], texts->values[i]);
    }
    wf_sort_keys(groups->keys, groups->spare, count, 0);
    count = keep_different(groups->keys, count);
    for (size_t i = from; i < end; i++) {
        uint32_t feature = texts->indexes[i];
        uint32_t group = groups->of[feature];
        if (group != alone)
            groups->of[feature] =
                groups->next + place_of(groups->keys, count, key_of(group, texts->values[i]));
    }
    groups->next += (uint32_t)count;
}

static size_t longest_of(const wf_sparse *texts)
{
    size_t longest = 0;
    for (size_t i = 0; i < texts->row_count; i++) {
        size_t count = texts->start[i + 1] - texts->start[i];
        longest = count > longest ? count : longest;
    }
    return longest;
}

static int group(struct groups *groups, const wf_sparse *texts, const wf_sparse *features,
                 const wf_job *job)
{
    int rc = 0;
    for (size_t text = 0; text < texts->row_count && rc == 0; text++) {
        rc = text % TEXTS_A_POLL == 0 ? wf_job_poll(job) : 0;
        divide(groups, texts, features, text);
    }
    return rc;
}

/* Columns are numbered by their first features. */
static int number(wf_columns *it, const struct groups *groups, size_t feature_count)
{
    uint32_t *column_of = wf_array((size_t)groups->next + 1, sizeof(*column_of)); /* and 1 */
    for (size_t f = 0; f < feature_count && column_of != NULL; f++) {
        uint32_t *column = &column_of[groups->of[f]];
        if (*column == 0)
            *column = (uint32_t)++it->count;
        it->of[f] = *column - 1;
    }
    wf_free(column_of);
    return column_of != NULL ? 0 : -ENOMEM;
}

/* A text has all features of a column or none, so its columns ascend as their first features do. */
static void sum_text(wf_columns *it, const wf_sparse *texts, size_t text, double *squares)
{
    wf_sparse *out = &it->texts;
    size_t from = texts->start[text], end = texts->start[text + 1], at = out->start[text];
    for (size_t i = from; i < end; i++) {
        uint32_t column = it->of[texts->indexes[i]];
        if (squares[column] == 0)
            out->indexes[at++] = column;
        squares[column] += (double)texts->values[i] * (double)texts->values[i];
    }
    for (size_t i = from; i < end; i++) {
        uint32_t feature = texts->indexes[i];
        it->parts[feature] = (float)((double)texts->values[i] / sqrt(squares[it->of[feature]]));
    }
    for (size_t i = out->start[text]; i < at; i++) {
        out->values[i] = (float)sqrt(squares[out->indexes[i]]);
        squares[out->indexes[i]] = 0;
    }
    out->start[text + 1] = at;
}

static int sum(wf_columns *it, const wf_sparse *texts, const wf_job *job)
{
    double *squares = wf_array(it->count, sizeof(*squares));
    int rc = wf_sparse_init(&it->texts, texts->row_count, texts->count);
    if (squares == NULL)
        rc = -ENOMEM;
    for (size_t text = 0; text < texts->row_count && rc == 0; text++) {
        rc = text % TEXTS_A_POLL == 0 ? wf_job_poll(job) : 0;
        if (rc == 0)
            sum_text(it, texts, text, squares);
    }
    it->texts.count = rc == 0 ? it->texts.start[texts->row_count] : 0;
    wf_free(squares);
    return rc;
}

int wf_columns_init(wf_columns *it, const wf_sparse *texts, const wf_sparse *features,
                    const wf_job *job)
{
    size_t feature_count = features->row_count, longest = longest_of(texts);
    struct groups groups = {.next = 1,
                            .of = wf_array(feature_count, sizeof(*groups.of)),
                            .keys = wf_array(longest, sizeof(*groups.keys)),
                            .spare = wf_array(longest, sizeof(*groups.spare))};
    *it = (wf_columns){.of = wf_array(feature_count, sizeof(*it->of)),
                       .parts = wf_array(feature_count, sizeof(*it->parts))};
    bool has_all = groups.of != NULL && groups.keys != NULL && groups.spare != NULL &&
                   it->of != NULL && it->parts != NULL;
    int rc = has_all ? group(&groups, texts, features, job) : -ENOMEM;
    if (rc == 0)
        rc = number(it, &groups, feature_count);
    wf_free(groups.of);
    wf_free(groups.keys);
    wf_free(groups.spare);
    return rc == 0 ? sum(it, texts, job) : rc;
}
