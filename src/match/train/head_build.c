/* SPDX-License-Identifier: MIT */

/* The training: texts are read and counted, weighed, and the weights found step by step. */
#include "match/train/building.h"

#include "base/alloc.h"
#include "match/embed/lexical.h"
#include "match/embed/sort.h"
#include "match/score/probability.h"
#include "match/train/lanes.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define TEXTS_A_PART 256u

static const double block_parts[WF_BAG_BLOCKS] = {1, 0.7, 0.4};

void wf_head_building_free(struct wf_head_building *building)
{
    if (building == NULL)
        return;
    wf_free(building->keys);
    wf_free(building->counts);
    wf_free(building->start);
    wf_free(building->shares);
    wf_regression_fini(&building->regression);
    wf_minimise_fini(&building->minimum);
    wf_tokens_learnt_fini(&building->tokens);
    wf_training_free(building->training);
    wf_free(building->points);
    wf_free(building);
}

int wf_head_check_weights(wf_head *it, size_t rows, size_t columns)
{
    size_t weights;
    if (!wf_mul_ok(rows, columns, &weights))
        weights = SIZE_MAX;
    if (weights <= WF_HEAD_WEIGHTS_MAX)
        return 0;
    it->head.weights_over = weights;
    return -WEFT_ELIMIT;
}

/* ---- texts ---- */

static int keep_keys(struct wf_head_building *building, const wf_bag *bag)
{
    size_t needed = building->key_count + bag->count;
    if (needed > building->key_capacity) {
        size_t capacity = needed + needed / 2;
        uint64_t *keys = wf_grow(building->keys, capacity, sizeof(*keys));
        if (keys == NULL)
            return -ENOMEM;
        building->keys = keys;
        uint32_t *counts = wf_grow(building->counts, capacity, sizeof(*counts));
        if (counts == NULL)
            return -ENOMEM;
        building->counts = counts;
        building->key_capacity = capacity;
    }
    memcpy(building->keys + building->key_count, bag->keys, bag->count * sizeof(*bag->keys));
    memcpy(building->counts + building->key_count, bag->counts, bag->count * sizeof(*bag->counts));
    building->key_count = needed;
    return 0;
}

static bool is_present(const wf_head *it, uint32_t entity)
{
    return it->present == NULL || (it->present[entity / 64] >> entity % 64 & 1) != 0;
}

/* An example whose entity has been removed is not learnt from. */
static bool label_of(const wf_head *it, size_t example, uint32_t *out)
{
    const weft_m_example *item = &it->examples->items[example];
    if (it->left_out != NULL && it->left_out[example] != 0)
        return false;
    *out = item->is_none ? it->head.catalogue->entity_count
                         : wf_catalogue_find(it->head.catalogue, item->label);
    return *out != UINT32_MAX && (item->is_none || is_present(it, *out));
}

static int learn_text(wf_head *it, wf_seeker *seeker, weft_str text, uint32_t label)
{
    struct wf_head_building *building = it->building;
    int rc = wf_probability_fold(seeker, text);
    if (rc == 0)
        rc = wf_bag_take(&seeker->bag,
                         (wf_points){seeker->judge.folded.points, seeker->judge.folded.count});
    /* One text has as many features already: no need to read the others. */
    if (rc == 0)
        rc = wf_head_check_weights(it, seeker->bag.count, it->label_count);
    if (rc == 0)
        rc = keep_keys(building, &seeker->bag);
    if (rc == 0)
        rc = wf_head_learn_tokens(it, seeker, text);
    if (rc < 0)
        return rc;
    it->text_label[it->texts.row_count++] = label;
    building->start[it->texts.row_count] = building->key_count;
    return 0;
}

/* Rows first, then examples. */
static int learn_next(wf_head *it, wf_seeker *seeker)
{
    const wf_catalogue *catalogue = it->head.catalogue;
    size_t at = it->head.done - it->building->names_total;
    if (at >= catalogue->row_count) {
        size_t example = at - catalogue->row_count;
        uint32_t label;
        if (!label_of(it, example, &label))
            return 0;
        it->learnt_count++;
        return learn_text(it, seeker, it->examples->items[example].text, label);
    }
    weft_str row = wf_catalogue_row(catalogue, (uint32_t)at);
    uint32_t entity = catalogue->row_entity[at];
    return is_present(it, entity) ? learn_text(it, seeker, row, entity) : 0;
}

/* ---- features ---- */

/* Between two polls of what takes some nanoseconds each. */
#define POLL_STEP 65536u

/* Each of the sorted keys once, and how rare it is. */
static int keep_different(wf_head *it, uint64_t *keys, size_t count)
{
    size_t kept = 0, polled_at = 0;
    double texts = (double)it->texts.row_count;
    for (size_t i = 0; i < count;) {
        size_t same = i + 1;
        while (same < count && keys[same] == keys[i])
            same++;
        it->idf[kept] = (float)(1 + log((1 + texts) / (1 + (double)(same - i))));
        keys[kept++] = keys[i];
        i = same;
        if (i - polled_at < POLL_STEP)
            continue;
        polled_at = i;
        int rc = wf_job_poll(it->building->job);
        if (rc < 0)
            return rc;
    }
    it->feature_count = kept;
    return 0;
}

/* The different keys of all texts, and how rare they are. */
static int count_features(wf_head *it)
{
    struct wf_head_building *building = it->building;
    size_t count = building->key_count;
    uint64_t *keys = wf_array(count, sizeof(*keys)), *spare = wf_array(count, sizeof(*spare));
    it->keys = keys;
    it->idf = wf_array(count, sizeof(*it->idf));
    if (keys == NULL || spare == NULL || it->idf == NULL) {
        wf_free(spare);
        return -ENOMEM;
    }
    memcpy(keys, building->keys, count * sizeof(*keys));
    int rc = wf_sort_keys_job(keys, spare, count, 0, building->job);
    wf_free(spare);
    return rc < 0 ? rc : keep_different(it, keys, count);
}

int wf_head_index_keys(wf_head *it)
{
    it->key_bits = 1;
    while ((size_t)2 << it->key_bits <= it->feature_count)
        it->key_bits++;
    size_t groups = (size_t)1 << it->key_bits;
    it->key_start = wf_array(groups + 1, sizeof(*it->key_start));
    if (it->key_start == NULL)
        return -ENOMEM;
    for (size_t i = 0; i < it->feature_count; i++)
        it->key_start[(it->keys[i] >> (64 - it->key_bits)) + 1]++;
    for (size_t i = 0; i < groups; i++)
        it->key_start[i + 1] += it->key_start[i];
    return 0;
}

/* Keys are hashes: about one has the same top bits. */
static size_t find_key(const wf_head *it, uint64_t key)
{
    const uint32_t *start = it->key_start + (key >> (64 - it->key_bits));
    size_t low = start[0], high = start[1];
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (it->keys[middle] < key)
            low = middle + 1;
        else
            high = middle;
    }
    return low < it->feature_count && it->keys[low] == key ? low : SIZE_MAX;
}

size_t wf_head_read(const wf_head *it, const wf_bag *bag, uint32_t *indexes, float *values,
                    double *out_known)
{
    double squares[WF_BAG_BLOCKS] = {0}, known = 0, total = 0, all = 0;
    double unknown_idf = 1 + log(1 + (double)it->texts.row_count);
    size_t count = 0;
    for (size_t i = 0; i < bag->count; i++) {
        size_t feature = find_key(it, bag->keys[i]);
        enum wf_bag_block block = wf_bag_block_of(bag->keys[i]);
        bool is_known = feature != SIZE_MAX;
        double idf = is_known ? (double)it->idf[feature] : unknown_idf;
        if (block == WF_BAG_STEMS) {
            known += is_known ? idf : 0;
            total += idf;
        }
        if (!is_known)
            continue;
        double value = wf_feature_tf(bag->counts[i]) * idf;
        squares[block] += value * value;
        indexes[count] = (uint32_t)feature;
        values[count++] = (float)value;
    }
    double scales[WF_BAG_BLOCKS] = {0};
    for (unsigned block = 0; block < WF_BAG_BLOCKS; block++) {
        if (squares[block] > 0) {
            scales[block] = block_parts[block] / sqrt(squares[block]);
            all += block_parts[block] * block_parts[block];
        }
    }
    for (size_t i = 0; i < count; i++)
        values[i] *= (float)(scales[wf_bag_block_of(it->keys[indexes[i]])] / sqrt(all));
    *out_known = total > 0 ? known / total : 0;
    return count;
}

static int weigh_texts(wf_head *it)
{
    struct wf_head_building *building = it->building;
    size_t row_count = it->texts.row_count, at = 0;
    int rc = wf_sparse_init(&it->texts, row_count, building->key_count);
    if (rc < 0)
        return rc;
    for (size_t row = 0; row < row_count; row++) {
        rc = row % TEXTS_A_PART == 0 ? wf_job_poll(building->job) : 0;
        if (rc < 0)
            return rc;
        size_t start = building->start[row];
        double known;
        wf_bag bag = {.keys = building->keys + start,
                      .counts = building->counts + start,
                      .count = building->start[row + 1] - start};
        at += wf_head_read(it, &bag, it->texts.indexes + at, it->texts.values + at, &known);
        it->texts.start[row + 1] = at;
    }
    return 0;
}

/* ---- the weights ---- */

static int prepare(wf_head *it)
{
    int rc = count_features(it);
    if (rc == 0)
        rc = wf_head_index_keys(it);
    if (rc == 0)
        rc = weigh_texts(it);
    if (rc == 0)
        rc = wf_sparse_turn(&it->features, &it->texts, it->feature_count, it->building->job);
    if (rc == 0)
        rc = wf_proximity_init(&it->proximity, &it->texts, &it->features, it->text_label,
                               it->label_count, it->building->job);
    if (rc < 0)
        return rc;
    it->building->shares = wf_array(it->label_count, sizeof(float));
    return it->building->shares != NULL ? 0 : -ENOMEM;
}

static int reserve_weights(wf_head *it)
{
    int rc = wf_head_check_weights(it, it->feature_count + 1, it->label_count);
    if (rc < 0)
        return rc;
    it->weights = wf_array((it->feature_count + 1) * it->label_count, sizeof(*it->weights));
    return it->weights != NULL ? 0 : -ENOMEM;
}

static int begin_weights(wf_head *it)
{
    struct wf_head_building *building = it->building;
    int rc = reserve_weights(it);
    building->regression = (wf_regression){.texts = &it->texts,
                                           .features = &it->features,
                                           .text_label = it->text_label,
                                           .label_count = it->label_count,
                                           .cost = 1 / it->examples->plan.head_c};
    return rc < 0 ? rc : wf_regression_begin(&building->regression, building->job);
}

static int step_weights(wf_head *it)
{
    return wf_regression_step(&it->building->regression, it->building->job);
}

static int end_weights(wf_head *it)
{
    struct wf_head_building *building = it->building;
    int rc = wf_regression_end(&building->regression, it->weights, building->job);
    wf_regression_fini(&building->regression);
    return rc;
}

/* ---- the weights of a twin ---- */

static int begin_taking(wf_head *it)
{
    int rc = reserve_weights(it);
    assert(it->twin->feature_count == it->feature_count);
    assert(it->twin->label_count == it->label_count);
    if (rc == 0)
        memcpy(it->weights, it->twin->weights,
               (it->feature_count + 1) * it->label_count * sizeof(*it->weights));
    return rc;
}

static int take_all(wf_head *it)
{
    (void)it;
    return 0;
}

static int end_taking(wf_head *it)
{
    it->twin = NULL;
    return 0;
}

void wf_head_take_weights(wf_scorer *scorer, const wf_scorer *twin)
{
    wf_head_of(scorer)->twin = (const wf_head *)twin;
}

/* ---- the course ---- */

/* A part of the training: begun once, stepped while that gives 1, but at most `steps` times. */
struct phase {
    int (*begin)(wf_head *it);
    int (*step)(wf_head *it);
    int (*end)(wf_head *it);
    size_t steps;
};

static const struct phase weights_phase = {begin_weights, step_weights, end_weights, WF_HEAD_STEPS};
static const struct phase taking_phase = {begin_taking, take_all, end_taking, WF_HEAD_STEPS};
static const struct phase contrast_phase = {wf_head_begin_contrast, wf_head_train,
                                            wf_head_end_training, WF_BODY_STEPS};
static const struct phase points_phase = {wf_head_begin_points, wf_head_minimise,
                                          wf_head_end_points, WF_HEAD_STEPS};
static const struct phase network_phase = {wf_head_begin_network, wf_head_train,
                                           wf_head_end_training, WF_BODY_STEPS};

#define PHASES_MAX 3u

static const struct phase *phase_of(const wf_scorer_class *cls, unsigned number)
{
    static const struct phase *const full[PHASES_MAX + 1] = {&weights_phase, &contrast_phase,
                                                             &points_phase};
    static const struct phase *const head[PHASES_MAX + 1] = {&weights_phase};
    static const struct phase *const bag[PHASES_MAX + 1] = {&network_phase};
    return (cls == &wf_scorer_full ? full : cls == &wf_scorer_bag ? bag : head)[number];
}

size_t wf_head_total(const wf_scorer_class *cls, const wf_catalogue *catalogue,
                     const wf_examples *examples)
{
    size_t total = catalogue->row_count + (examples != NULL ? examples->count : 0);
    for (unsigned i = 0; phase_of(cls, i) != NULL; i++)
        total += phase_of(cls, i)->steps;
    return total;
}

static int build_names(wf_head *it, wf_seeker *seeker, const wf_job *job)
{
    int rc = it->names->cls->build(it->names, seeker, job);
    it->head.done = it->names->done;
    return rc < 0 ? rc : 1;
}

static int build_texts(wf_head *it, wf_seeker *seeker, size_t end)
{
    for (size_t i = 0; i < TEXTS_A_PART && it->head.done < end; i++) {
        int rc = wf_job_poll(it->building->job);
        if (rc == 0)
            rc = learn_next(it, seeker);
        if (rc < 0)
            return rc;
        it->head.done++;
    }
    return 1;
}

static int begin_phase(wf_head *it, const struct phase *phase)
{
    struct wf_head_building *building = it->building;
    int rc = building->phase == 0 ? prepare(it) : 0;
    if (rc == 0)
        rc = phase->begin(it);
    building->phase_end = it->head.done + phase->steps;
    building->has_begun = rc == 0;
    return rc;
}

/* 1: another phase follows. */
static int end_phase(wf_head *it, const struct phase *phase)
{
    struct wf_head_building *building = it->building;
    int rc = phase->end(it);
    if (rc < 0)
        return rc;
    it->head.done = building->phase_end;
    building->has_begun = false;
    if (phase_of(it->head.cls, ++building->phase) != NULL)
        return 1;
    wf_head_building_free(building);
    it->building = NULL;
    return 0;
}

int wf_head_build(wf_scorer *scorer, wf_seeker *seeker, const wf_job *job)
{
    wf_head *it = wf_head_of(scorer);
    struct wf_head_building *building = it->building;
    size_t texts = building->names_total + scorer->catalogue->row_count + it->examples->count;
    building->job = job;
    if (scorer->done < building->names_total)
        return build_names(it, seeker, job);
    if (scorer->done < texts)
        return build_texts(it, seeker, texts);
    const struct phase *phase = phase_of(scorer->cls, building->phase);
    if (phase == &weights_phase && it->twin != NULL)
        phase = &taking_phase;
    int rc = building->has_begun ? 0 : begin_phase(it, phase);
    if (rc == 0)
        rc = phase->step(it);
    if (rc < 0)
        return rc;
    scorer->done++;
    return rc == 0 || scorer->done >= building->phase_end ? end_phase(it, phase) : 1;
}

static bool has_none(const wf_examples *examples)
{
    for (size_t i = 0; examples != NULL && i < examples->count; i++) {
        if (examples->items[i].is_none)
            return true;
    }
    return false;
}

static int begin_building(wf_head *it, size_t texts)
{
    bool has_names = it->names->done == it->names->total;
    it->text_label = wf_array(texts, sizeof(*it->text_label));
    it->building = wf_alloc(sizeof(*it->building));
    if (it->text_label == NULL || it->building == NULL)
        return -ENOMEM;
    it->building->names_total = has_names ? 0 : it->names->total;
    it->head.total += it->building->names_total;
    it->building->start = wf_array(texts + 1, sizeof(*it->building->start));
    return it->building->start != NULL ? 0 : -ENOMEM;
}

int wf_head_create(wf_scorer **out, const wf_scorer_class *cls, wf_catalogue *catalogue,
                   wf_examples *examples, const uint8_t *left_out, wf_scorer *names,
                   const weft_m_options *options)
{
    wf_head *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    it->head = (wf_scorer){.cls = cls,
                           .catalogue = wf_catalogue_ref(catalogue),
                           .refs = 1,
                           .total = wf_head_total(cls, catalogue, examples)};
    it->options = *options;
    it->examples = examples != NULL ? wf_examples_ref(examples) : NULL;
    it->left_out = left_out;
    it->label_count = catalogue->entity_count + has_none(examples);
    it->present_count = catalogue->entity_count;
    if (cls == &wf_scorer_full && options->encoder != NULL &&
        wf_encoder_is_static(options->encoder))
        it->body.encoder = weft_encoder_ref(options->encoder);
    int rc = 0;
    if (names != NULL)
        it->names = wf_scorer_ref(names);
    else
        rc = wf_scorer_probability.create(&it->names, catalogue, options);
    if (rc == 0 && examples != NULL)
        rc = begin_building(it, catalogue->row_count + examples->count);
    if (rc < 0)
        cls->destroy(&it->head);
    else
        *out = &it->head;
    return rc;
}

int wf_head_create_without(wf_scorer **out, const wf_head *like, const uint8_t *left_out,
                           const uint64_t *present)
{
    uint32_t count = 0, entities = like->head.catalogue->entity_count;
    int rc = wf_head_create(out, like->head.cls, like->head.catalogue, like->examples, left_out,
                            like->names, &like->options);
    if (rc < 0)
        return rc;
    for (uint32_t e = 0; e < entities; e++)
        count += (present[e / 64] >> e % 64 & 1) != 0;
    wf_head_of(*out)->present = present;
    wf_head_of(*out)->present_count = count;
    return 0;
}
