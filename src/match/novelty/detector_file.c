/* SPDX-License-Identifier: MIT */

/* What a saved matcher keeps of a detector: its plan and its samples. */
#include "match/novelty/detector.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#define TAG_PLAN WF_TAG('N', 'O', 'V', 'L')
#define TAG_KNOWN WF_TAG('N', 'O', 'V', 'K')
#define TAG_NOVEL WF_TAG('N', 'O', 'V', 'N')
#define TAG_KIN WF_TAG('N', 'O', 'V', 'X')

/* A change of what a strategy's score means is a new version: the samples are taken again. */
#define VERSION 10u
#define ID_BYTES 24

/* Beyond what any strategy says; sums of them are finite. */
#define SCORE_MAX 1e100

struct plan {
    uint32_t version, count, combining, neighbours;
    uint64_t known_count, novel_count;
    char ids[WF_STRATEGIES_MAX][ID_BYTES]; /* each ends with NUL */
};

void wf_detector_save(const wf_detector *detector, wf_pack *pack)
{
    const wf_detector_plan *plan = &detector->plan;
    const wf_samples *samples = &detector->samples;
    struct plan kept = {.version = VERSION,
                        .count = (uint32_t)plan->count,
                        .combining = plan->combining,
                        .neighbours = plan->params.neighbours,
                        .known_count = samples->known_count,
                        .novel_count = samples->novel_count};
    for (size_t i = 0; i < plan->count; i++)
        snprintf(kept.ids[i], ID_BYTES, "%s", plan->classes[i]->id);
    wf_pack_copy(pack, TAG_PLAN, &kept, sizeof(kept));
    wf_pack_add(pack, TAG_KNOWN, samples->known, samples->known_count * plan->count,
                sizeof(double));
    wf_pack_add(pack, TAG_NOVEL, samples->novel, samples->novel_count * plan->count,
                sizeof(double));
    wf_pack_add(pack, TAG_KIN, samples->kin, samples->known_count, sizeof(wf_kin));
}

/* False: a strategy is not known here. */
static bool take_plan(const struct plan *kept, wf_detector_plan *out)
{
    *out = (wf_detector_plan){.count = kept->count,
                              .combining = (enum wf_combining)kept->combining,
                              .params.neighbours = kept->neighbours};
    for (size_t i = 0; i < kept->count; i++) {
        weft_str id = {kept->ids[i], strnlen(kept->ids[i], ID_BYTES)};
        out->classes[i] = wf_novel_class_of(id);
        if (out->classes[i] == NULL)
            return false;
    }
    return true;
}

static int copy(const wf_image *image, uint32_t tag, size_t item_bytes, size_t count, void **out)
{
    const void *items = NULL;
    int rc = wf_image_get_exactly(image, tag, item_bytes, count, &items);
    if (rc < 0)
        return rc;
    *out = wf_array(count, item_bytes);
    if (*out == NULL)
        return -ENOMEM;
    if (count != 0)
        memcpy(*out, items, count * item_bytes);
    return 0;
}

static bool are_scores(const double *values, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (!(fabs(values[i]) <= SCORE_MAX))
            return false;
    }
    return true;
}

static int take_samples(const wf_image *image, const struct plan *kept, wf_samples *out)
{
    size_t known = (size_t)kept->known_count, novel = (size_t)kept->novel_count;
    void *items[3] = {NULL};
    int rc = copy(image, TAG_KNOWN, sizeof(double), known * kept->count, &items[0]);
    if (rc == 0)
        rc = copy(image, TAG_NOVEL, sizeof(double), novel * kept->count, &items[1]);
    if (rc == 0)
        rc = copy(image, TAG_KIN, sizeof(wf_kin), known, &items[2]);
    *out = (wf_samples){.known = items[0],
                        .novel = items[1],
                        .kin = items[2],
                        .known_count = known,
                        .novel_count = novel};
    if (rc == 0 && (!are_scores(out->known, known * kept->count) ||
                    !are_scores(out->novel, novel * kept->count)))
        rc = -WEFT_M_EPERSIST;
    if (rc < 0)
        wf_samples_fini(out);
    return rc;
}

void wf_detector_kept_free(wf_detector_kept *kept)
{
    if (kept == NULL)
        return;
    wf_samples_fini(&kept->samples);
    wf_free(kept);
}

static bool is_sound(const struct plan *kept)
{
    return kept->count != 0 && kept->count <= WF_STRATEGIES_MAX &&
           kept->combining < WF_COMBINE_COUNT && kept->neighbours != 0 &&
           kept->neighbours <= WF_NEAR_MAX && kept->known_count <= WF_SAMPLE_MAX &&
           kept->novel_count <= WF_SAMPLE_MAX;
}

int wf_detector_load(wf_detector_kept **out, const wf_image *image)
{
    struct plan kept;
    const void *at;
    size_t bytes;
    *out = NULL;
    if (wf_image_get(image, TAG_PLAN, 1, &at, &bytes) < 0 || bytes < sizeof(kept.version))
        return 0;
    memcpy(&kept.version, at, sizeof(kept.version));
    if (kept.version != VERSION)
        return 0;
    if (bytes != sizeof(kept))
        return -WEFT_M_EPERSIST;
    memcpy(&kept, at, sizeof(kept));
    if (!is_sound(&kept))
        return -WEFT_M_EPERSIST;
    wf_detector_kept *made = wf_alloc(sizeof(*made));
    if (made == NULL)
        return -ENOMEM;
    bool is_known = take_plan(&kept, &made->plan);
    int rc = is_known ? take_samples(image, &kept, &made->samples) : 0;
    if (rc < 0 || !is_known)
        wf_detector_kept_free(made);
    else
        *out = made;
    return rc;
}
