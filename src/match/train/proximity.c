/* SPDX-License-Identifier: MIT */

#include "match/train/proximity.h"

#include "base/alloc.h"

#include <errno.h>
#include <math.h>
#include <string.h>

/* A feature is common if more than one text in so many has it, and more than a few. */
#define COMMON_PART 64u
#define COMMON_MIN 8u

#define FEATURES_A_LOOK 65536u

/* ---- making ---- */

static size_t count_texts(const wf_proximity *it, size_t feature)
{
    return it->features->start[feature + 1] - it->features->start[feature];
}

static bool is_common(const wf_proximity *it, size_t feature)
{
    size_t count = count_texts(it, feature);
    return count > COMMON_MIN && count > it->texts->row_count / COMMON_PART;
}

/* One label's sums at a time would be random reads; so feature by feature, with the labels met. */
struct adding {
    double *sums, *squares;
    const uint32_t *text_label;
};

static void add_feature(wf_proximity *it, struct adding *adding, size_t feature)
{
    const wf_sparse *features = it->features;
    wf_sparse *out = &it->sums;
    size_t from = features->start[feature], to = features->start[feature + 1];
    for (size_t i = from; i < to; i++)
        adding->sums[adding->text_label[features->indexes[i]]] += (double)features->values[i];
    for (size_t i = from; i < to; i++) {
        uint32_t label = adding->text_label[features->indexes[i]];
        double sum = adding->sums[label];
        if (!(sum > 0))
            continue;
        out->indexes[out->count] = label;
        out->values[out->count++] = (float)sum;
        adding->squares[label] += sum * sum;
        adding->sums[label] = 0;
    }
    out->start[feature + 1] = out->count;
}

static int add_features(wf_proximity *it, struct adding *adding, const wf_job *job)
{
    for (size_t f = 0; f < it->features->row_count; f++) {
        int rc = f % FEATURES_A_LOOK == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        add_feature(it, adding, f);
    }
    for (size_t i = 0; i < it->label_count; i++)
        it->norms[i] = (float)sqrt(adding->squares[i]);
    return 0;
}

static int sum_labels(wf_proximity *it, const uint32_t *text_label, const wf_job *job)
{
    struct adding adding = {.sums = wf_array(it->label_count, sizeof(double)),
                            .squares = wf_array(it->label_count, sizeof(double)),
                            .text_label = text_label};
    it->norms = wf_array(it->label_count, sizeof(*it->norms));
    int rc = wf_sparse_init(&it->sums, it->features->row_count, it->features->count);
    if (adding.sums == NULL || adding.squares == NULL || it->norms == NULL)
        rc = -ENOMEM;
    it->sums.count = 0;
    if (rc == 0)
        rc = add_features(it, &adding, job);
    wf_free(adding.sums);
    wf_free(adding.squares);
    return rc;
}

static int measure_common(wf_proximity *it)
{
    const wf_sparse *texts = it->texts;
    it->common = wf_array(texts->row_count, sizeof(*it->common));
    if (it->common == NULL)
        return -ENOMEM;
    for (size_t t = 0; t < texts->row_count; t++) {
        double squares = 0;
        for (size_t i = texts->start[t]; i < texts->start[t + 1]; i++) {
            if (is_common(it, texts->indexes[i]))
                squares += (double)texts->values[i] * (double)texts->values[i];
        }
        it->common[t] = (float)sqrt(squares);
        it->common_max = it->common[t] > it->common_max ? it->common[t] : it->common_max;
    }
    return 0;
}

int wf_proximity_init(wf_proximity *it, const wf_sparse *texts, const wf_sparse *features,
                      const uint32_t *text_label, size_t label_count, const wf_job *job)
{
    *it = (wf_proximity){.texts = texts, .features = features, .label_count = label_count};
    int rc = sum_labels(it, text_label, job);
    return rc < 0 ? rc : measure_common(it);
}

void wf_proximity_fini(wf_proximity *it)
{
    wf_sparse_fini(&it->sums);
    wf_free(it->norms);
    wf_free(it->common);
    *it = (wf_proximity){0};
}

size_t wf_proximity_bytes(const wf_proximity *it)
{
    return it->sums.count * (sizeof(uint32_t) + sizeof(float)) +
           it->features->row_count * sizeof(size_t) + it->texts->row_count * sizeof(float) +
           it->label_count * sizeof(float);
}

/* ---- the nearest text ---- */

static float greater(float a, float b)
{
    return a > b ? a : b;
}

/* By the definition. */
static float sum_all(const wf_proximity *it, wf_pupil *work)
{
    const wf_sparse *features = it->features;
    float nearest = 0;
    for (size_t i = 0; i < work->count; i++) {
        size_t end = features->start[work->indexes[i] + 1];
        for (size_t k = features->start[work->indexes[i]]; k < end; k++)
            work->texts[features->indexes[k]] += work->values[i] * features->values[k];
    }
    for (size_t t = 0; t < it->texts->row_count; t++) {
        nearest = greater(nearest, work->texts[t]);
        work->texts[t] = 0;
    }
    return nearest;
}

/* A query on its way. */
struct course {
    const wf_proximity *it;
    wf_pupil *work;
    size_t met_count; /* texts that have a rare feature of it: work->met */
    double common;    /* its length in common features */
    double error;     /* that rounding can make of a sum */
    float nearest;
    size_t read, read_max; /* numbers of texts */
};

/* Reads the lists of rare features; counts the numbers in those of common ones. */
static void sum_rare(struct course *course)
{
    const wf_sparse *features = course->it->features;
    wf_pupil *work = course->work;
    double squares = 0;
    for (size_t i = 0; i < work->count; i++) {
        size_t feature = work->indexes[i], end = features->start[feature + 1];
        if (is_common(course->it, feature)) {
            squares += (double)work->values[i] * (double)work->values[i];
            course->read_max += count_texts(course->it, feature);
            continue;
        }
        for (size_t k = features->start[feature]; k < end; k++) {
            uint32_t text = features->indexes[k];
            if (work->texts[text] == 0)
                work->met[course->met_count++] = text;
            work->texts[text] += work->values[i] * features->values[k];
        }
    }
    course->common = sqrt(squares);
    course->error = ((double)work->count + 16) * 0x1p-22;
}

/* At least the cosine with a text. */
static double bound(const struct course *course, uint32_t text)
{
    return (double)course->work->texts[text] + course->common * (double)course->it->common[text] +
           course->error;
}

/* Sums what a text shares with the query, in the order of features as sum_all does. */
static void sum_text(struct course *course, uint32_t text)
{
    const wf_sparse *texts = course->it->texts;
    float sum = 0;
    for (size_t i = texts->start[text]; i < texts->start[text + 1]; i++)
        sum += course->work->at[texts->indexes[i]] * texts->values[i];
    course->nearest = greater(course->nearest, sum);
    course->read += texts->start[text + 1] - texts->start[text];
}

/* The likeliest first, for it leaves the fewest others. */
static void sum_met(struct course *course)
{
    const uint32_t *met = course->work->met;
    size_t best = 0;
    for (size_t i = 1; i < course->met_count; i++)
        best = bound(course, met[i]) > bound(course, met[best]) ? i : best;
    if (course->met_count > 0)
        sum_text(course, met[best]);
    for (size_t i = 0; i < course->met_count && course->read <= course->read_max; i++) {
        if (i != best && bound(course, met[i]) > (double)course->nearest)
            sum_text(course, met[i]);
    }
}

/* Those that have common features alone, if one of them could be nearer. */
static void sum_others(struct course *course)
{
    const wf_proximity *it = course->it;
    double most = course->common * (double)it->common_max + course->error;
    if (!(most > (double)course->nearest))
        return;
    for (uint32_t t = 0; t < it->texts->row_count && course->read <= course->read_max; t++) {
        if (course->work->texts[t] == 0 && bound(course, t) > (double)course->nearest)
            sum_text(course, t);
    }
}

double wf_nearest_text(const wf_proximity *it, wf_pupil *work)
{
    struct course course = {.it = it, .work = work};
    sum_rare(&course);
    for (size_t i = 0; i < work->count; i++)
        work->at[work->indexes[i]] = work->values[i];
    sum_met(&course);
    sum_others(&course);
    for (size_t i = 0; i < work->count; i++)
        work->at[work->indexes[i]] = 0;
    for (size_t i = 0; i < course.met_count; i++)
        work->texts[work->met[i]] = 0;
    /* So many are near that all are summed sooner. */
    return (double)(course.read > course.read_max ? sum_all(it, work) : course.nearest);
}

/* ---- the nearest label ---- */

double wf_nearest_label(const wf_proximity *it, wf_pupil *work)
{
    float nearest = 0;
    memset(work->labels, 0, it->label_count * sizeof(*work->labels));
    for (size_t i = 0; i < work->count; i++) {
        size_t end = it->sums.start[work->indexes[i] + 1];
        for (size_t k = it->sums.start[work->indexes[i]]; k < end; k++)
            work->labels[it->sums.indexes[k]] += work->values[i] * it->sums.values[k];
    }
    for (size_t i = 0; i < it->label_count; i++) {
        if (it->norms[i] > 0)
            nearest = greater(nearest, work->labels[i] / it->norms[i]);
    }
    return (double)nearest;
}
