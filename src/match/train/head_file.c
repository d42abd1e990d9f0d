/* SPDX-License-Identifier: MIT */

#include "match/train/head.h"

#include "match/score/probability.h"

#include <assert.h>
#include <string.h>

#define TAG_HEAD WF_TAG('H', 'E', 'H', 'D')
#define TAG_KEYS WF_TAG('H', 'E', 'K', 'E')
#define TAG_IDF WF_TAG('H', 'E', 'I', 'D')
#define TAG_LABELS WF_TAG('H', 'E', 'L', 'A')
#define TAG_START WF_TAG('H', 'E', 'S', 'T')
#define TAG_TEXTS WF_TAG('H', 'E', 'T', 'E')
#define TAG_VALUES WF_TAG('H', 'E', 'V', 'A')
#define TAG_WEIGHTS WF_TAG('H', 'E', 'W', 'E')

#define IDF_MAX 1000.0f
#define VALUE_MAX 2.0f
#define WEIGHT_MAX 1e6f

struct head {
    uint64_t feature_count, text_count;
    uint32_t label_count, learnt_count;
};

int wf_head_save(wf_scorer *scorer, wf_pack *pack)
{
    const wf_head *it = wf_head_of(scorer);
    const struct head head = {.feature_count = it->feature_count,
                              .text_count = it->texts.row_count,
                              .label_count = it->label_count,
                              .learnt_count = it->learnt_count};
    const wf_sparse *features = &it->features;
    wf_pack_copy(pack, TAG_HEAD, &head, sizeof(head));
    wf_examples_save(it->examples, pack);
    wf_pack_add(pack, TAG_KEYS, it->keys, it->feature_count, sizeof(*it->keys));
    wf_pack_add(pack, TAG_IDF, it->idf, it->feature_count, sizeof(*it->idf));
    wf_pack_add(pack, TAG_LABELS, it->text_label, it->texts.row_count, sizeof(*it->text_label));
    wf_pack_add(pack, TAG_START, features->start, it->feature_count + 1, sizeof(*features->start));
    wf_pack_add(pack, TAG_TEXTS, features->indexes, features->count, sizeof(*features->indexes));
    wf_pack_add(pack, TAG_VALUES, features->values, features->count, sizeof(*features->values));
    if (it->weights != NULL)
        wf_pack_add(pack, TAG_WEIGHTS, it->weights, (it->feature_count + 1) * it->label_count,
                    sizeof(*it->weights));
    if (it->body.dim != 0)
        wf_body_save(&it->body, pack);
    return it->names->cls->save(it->names, pack);
}

/* ---- loading ---- */

static bool are_within(const float *values, size_t count, float least, float most)
{
    bool is_sound = true;
    for (size_t i = 0; i < count; i++)
        is_sound &= values[i] >= least && values[i] <= most;
    return is_sound;
}

static bool are_sound_features(const wf_head *it)
{
    const wf_sparse *features = &it->features;
    bool is_sound =
        features->start[0] == 0 && features->start[it->feature_count] == features->count;
    for (size_t i = 0; i < it->feature_count; i++)
        is_sound &= features->start[i] <= features->start[i + 1];
    assert(features->indexes != NULL || features->count == 0);
    for (size_t i = 0; i < features->count; i++)
        is_sound &= features->indexes[i] < it->texts.row_count;
    for (size_t i = 0; i < it->texts.row_count; i++)
        is_sound &= it->text_label[i] < it->label_count;
    return is_sound;
}

static bool are_sound_numbers(const wf_head *it)
{
    size_t weights = it->weights != NULL ? (it->feature_count + 1) * it->label_count : 0;
    return are_within(it->idf, it->feature_count, 0, IDF_MAX) &&
           are_within(it->features.values, it->features.count, 0, VALUE_MAX) &&
           are_within(it->weights, weights, -WEIGHT_MAX, WEIGHT_MAX);
}

static int load_arrays(wf_head *it, const wf_image *image)
{
    const void *at = NULL;
    size_t features = it->feature_count, texts = it->texts.row_count;
    int rc = wf_image_get_exactly(image, TAG_KEYS, sizeof(*it->keys), features, &it->keys);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_IDF, sizeof(float), features, &it->idf);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_LABELS, sizeof(uint32_t), texts, &it->text_label);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_START, sizeof(size_t), features + 1,
                                  &it->features.start);
    if (rc == 0)
        rc = wf_image_get(image, TAG_TEXTS, sizeof(uint32_t), &at, &it->features.count);
    it->features.indexes = (uint32_t *)at;
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_VALUES, sizeof(float), it->features.count,
                                  &it->features.values);
    if (rc == 0 && it->head.cls != &wf_scorer_bag)
        rc = wf_image_get_exactly(image, TAG_WEIGHTS, sizeof(float),
                                  (features + 1) * it->label_count, &it->weights);
    if (rc == 0 && it->head.cls != &wf_scorer_head)
        rc = wf_body_load(&it->body, image, features, it->label_count);
    if (rc < 0)
        return rc;
    it->features.row_count = features;
    return are_sound_features(it) && are_sound_numbers(it) ? 0 : -WEFT_M_EPERSIST;
}

static int build_names(wf_scorer *names)
{
    const wf_job job = {0};
    wf_seekers seekers;
    wf_seekers_init(&seekers);
    wf_seeker *seeker = wf_seekers_take(&seekers);
    int rc = seeker != NULL ? 1 : -ENOMEM;
    while (rc > 0)
        rc = names->cls->build(names, seeker, &job);
    wf_seekers_give(&seekers, seeker);
    wf_seekers_fini(&seekers);
    return rc;
}

/* What a file need not hold, for it follows from the features. */
static int make_rest(wf_head *it)
{
    const wf_job job = {0};
    size_t texts = it->texts.row_count;
    int rc = wf_head_index_keys(it);
    if (rc == 0)
        rc = wf_sparse_turn(&it->texts, &it->features, texts, &job);
    if (rc == 0)
        rc = wf_proximity_init(&it->proximity, &it->texts, &it->features, it->text_label,
                               it->label_count, &job);
    return rc;
}

/* A file of before heads minded how names are spelt has none: they are made of the catalogue. */
static int load_names(wf_head *it, wf_image *image)
{
    const void *at;
    size_t count;
    bool is_there = wf_image_get(image, WF_PROBABILITY_TAG, 1, &at, &count) == 0;
    return is_there ? it->names->cls->load(it->names, image) : build_names(it->names);
}

int wf_head_load(wf_scorer *scorer, wf_image *image)
{
    wf_head *it = wf_head_of(scorer);
    uint32_t entities = scorer->catalogue->entity_count;
    struct head head;
    scorer->image = wf_image_ref(image);
    int rc = wf_image_get_one(image, TAG_HEAD, &head, sizeof(head));
    if (rc < 0)
        return rc;
    if ((head.label_count != entities && head.label_count != entities + 1) ||
        head.feature_count > WF_HEAD_WEIGHTS_MAX || head.text_count > image->count)
        return -WEFT_M_EPERSIST;
    it->feature_count = head.feature_count;
    it->texts.row_count = head.text_count;
    it->label_count = head.label_count;
    it->learnt_count = head.learnt_count;
    rc = wf_examples_load(&it->examples, image);
    if (rc == 0)
        rc = load_arrays(it, image);
    if (rc == 0)
        rc = make_rest(it);
    return rc == 0 ? load_names(it, image) : rc;
}
