/* SPDX-License-Identifier: MIT */

#include "match/score/probability.h"

#include "base/alloc.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define TAG_TEXT_NORMS WF_TAG('P', 'R', 'T', 'N')
#define TAG_ENTITY_NORMS WF_TAG('P', 'R', 'E', 'N')
#define TAG_WORD_START WF_TAG('P', 'R', 'W', 'S')
#define TAG_WORD_RARITIES WF_TAG('P', 'R', 'W', 'R')
#define TAG_INITIALS WF_TAG('P', 'R', 'I', 'N')

#define NORM_MAX 1e9f
#define RARITY_MAX 1000

struct head {
    double word_unseen;
};

int wf_probability_save(wf_scorer *scorer, wf_pack *pack)
{
    const wf_probability *it = wf_probability_of(scorer);
    struct head head = {.word_unseen = it->word_unseen};
    wf_pack_copy(pack, WF_PROBABILITY_TAG, &head, sizeof(head));
    wf_texts_save(&it->texts, pack);
    int rc = wf_lexicon_save(&it->lexicon, pack);
    wf_postings_save(&it->postings, pack);
    wf_pack_add(pack, TAG_INITIALS, it->initials.keys, it->initials.count,
                sizeof(*it->initials.keys));
    wf_pack_add(pack, TAG_TEXT_NORMS, it->text_norms, it->texts.count, sizeof(*it->text_norms));
    wf_pack_add(pack, TAG_ENTITY_NORMS, it->entity_norms, it->head.catalogue->entity_count,
                sizeof(*it->entity_norms));
    wf_pack_add(pack, TAG_WORD_START, it->word_start, it->texts.count, sizeof(*it->word_start));
    wf_pack_add(pack, TAG_WORD_RARITIES, it->word_rarities, it->word_count,
                sizeof(*it->word_rarities));
    return rc;
}

/* ---- loading ---- */

static bool are_below(const float *values, size_t count, float most)
{
    bool is_sound = true;
    assert(values != NULL || count == 0);
    for (size_t i = 0; i < count; i++)
        is_sound &= values[i] >= 0 && values[i] <= most;
    return is_sound;
}

static bool are_sound_initials(const wf_probability *it)
{
    assert(it->initials.keys != NULL || it->initials.count == 0);
    for (size_t i = 0; i < it->initials.count; i++) {
        if ((uint32_t)it->initials.keys[i] >= it->texts.count)
            return false;
    }
    return true;
}

/* Each text's rarities begin where those of the one before end, as many as it has words. */
static bool are_sound_words(const wf_probability *it)
{
    size_t at = 0;
    for (uint32_t i = 0; i < it->texts.count; i++) {
        if (it->word_start[i] != at)
            return false;
        at += wf_phrase_count_words(wf_texts_get(&it->texts, i));
    }
    return at == it->word_count;
}

static int load_arrays(wf_probability *it, const wf_image *image)
{
    size_t texts = it->texts.count, entities = it->head.catalogue->entity_count;
    const void *at = NULL;
    int rc = wf_image_get_exactly(image, TAG_TEXT_NORMS, sizeof(float), texts, &it->text_norms);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_ENTITY_NORMS, sizeof(float), entities,
                                  &it->entity_norms);
    if (rc == 0)
        rc = wf_image_get_exactly(image, TAG_WORD_START, sizeof(uint32_t), texts, &it->word_start);
    if (rc == 0)
        rc = wf_image_get(image, TAG_WORD_RARITIES, sizeof(float), &at, &it->word_count);
    it->word_rarities = (float *)at;
    if (rc == 0)
        rc = wf_image_get(image, TAG_INITIALS, sizeof(uint64_t), &at, &it->initials.count);
    it->initials.keys = (uint64_t *)at;
    if (rc < 0)
        return rc;
    bool is_sound = are_below(it->text_norms, texts, NORM_MAX) &&
                    are_below(it->entity_norms, entities, NORM_MAX) &&
                    are_below(it->word_rarities, it->word_count, RARITY_MAX) &&
                    are_sound_words(it) && are_sound_initials(it);
    return is_sound ? 0 : -WEFT_M_EPERSIST;
}

int wf_probability_load(wf_scorer *scorer, wf_image *image)
{
    const wf_job job = {0};
    wf_probability *it = wf_probability_of(scorer);
    struct head head;
    wf_texts_fini(&it->texts); /* those of create */
    wf_lexicon_fini(&it->lexicon);
    scorer->image = wf_image_ref(image);
    int rc = wf_image_get_one(image, WF_PROBABILITY_TAG, &head, sizeof(head));
    if (rc < 0)
        return rc;
    it->word_unseen = head.word_unseen;
    if (!(head.word_unseen >= 0 && head.word_unseen <= RARITY_MAX))
        return -WEFT_M_EPERSIST;
    rc = wf_texts_load(&it->texts, image, scorer->catalogue->row_count);
    if (rc == 0)
        rc = wf_job_poll(&job);
    if (rc == 0)
        rc = wf_lexicon_load(&it->lexicon, image);
    if (rc == 0)
        rc = wf_postings_load(&it->postings, image, it->texts.count);
    if (rc == 0)
        rc = wf_job_poll(&job);
    if (rc == 0)
        rc = load_arrays(it, image);
    if (rc == 0) {
        wf_probability_find_usual(it);
        wf_probability_find_short(it);
    }
    scorer->done = scorer->total;
    return rc;
}
