/* SPDX-License-Identifier: MIT */

#include "match/novelty/ground.h"

#include "base/alloc.h"

#include <math.h>
#include <string.h>

#define SCANNED_BETWEEN_POLLS 4096u

/* The square of a sum of references, each 1 long, that is taken for none at all: spots are rounded.
 */
#define LEFT_MIN 0.01f

void wf_ground_fini(wf_ground *ground)
{
    wf_space_fini(&ground->space);
    wf_free(ground->spots);
    wf_free(ground->entity_of);
    wf_free(ground->centres);
    wf_free(ground->lengths);
    *ground = (wf_ground){0};
}

/* ---- references ---- */

/* The references, one by one. */
struct references {
    const wf_catalogue *catalogue;
    const wf_examples *examples;
    size_t row_count, count;
};

static weft_str reference_text(const struct references *all, size_t i, uint32_t *out_entity)
{
    if (i < all->row_count) {
        *out_entity = all->catalogue->row_entity[i];
        return wf_catalogue_row(all->catalogue, (uint32_t)i);
    }
    const weft_m_example *example = &all->examples->items[i - all->row_count];
    *out_entity =
        example->is_none ? WF_NO_ENTITY : wf_catalogue_find(all->catalogue, example->label);
    return example->text;
}

static int count_all(wf_ground *ground, const struct references *all, wf_seeker *seeker,
                     const wf_job *job)
{
    int rc = 0;
    for (size_t i = 0; i < all->count && rc == 0; i++) {
        uint32_t entity;
        weft_str text = reference_text(all, i, &entity);
        rc = wf_job_poll(job);
        if (rc == 0 && entity != WF_NO_ENTITY)
            rc = wf_space_count(&ground->space, seeker, text);
    }
    wf_space_weigh(&ground->space);
    return rc;
}

static int place_all(wf_ground *ground, const struct references *all, wf_seeker *seeker,
                     const wf_job *job)
{
    float vector[WF_SPACE_DIM];
    int rc = 0;
    for (size_t i = 0; i < all->count && rc == 0; i++) {
        uint32_t entity;
        weft_str text = reference_text(all, i, &entity);
        rc = wf_job_poll(job);
        if (rc < 0 || entity == WF_NO_ENTITY)
            continue;
        rc = wf_space_place(&ground->space, seeker, text, vector);
        ground->entity_of[ground->count] = entity;
        wf_spot_of(vector, &ground->spots[ground->count++]);
    }
    return rc;
}

/* ---- centres ---- */

static int sum_centres(wf_ground *ground, float *sums, const wf_job *job)
{
    float vector[WF_SPACE_DIM];
    for (size_t i = 0; i < ground->count; i++) {
        int rc = i % SCANNED_BETWEEN_POLLS == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        float *sum = sums + (size_t)ground->entity_of[i] * WF_SPACE_DIM;
        wf_spot_read(&ground->spots[i], vector);
        for (size_t k = 0; k < WF_SPACE_DIM; k++)
            sum[k] += vector[k];
    }
    return 0;
}

static float length_of(const float vector[WF_SPACE_DIM])
{
    float squares = 0;
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        squares += vector[k] * vector[k];
    return sqrtf(squares);
}

static int make_centres(wf_ground *ground, const wf_job *job)
{
    size_t entities = ground->catalogue->entity_count;
    float *sums = wf_array(entities, WF_SPACE_DIM * sizeof(*sums));
    ground->centres = wf_array(entities, sizeof(*ground->centres));
    ground->lengths = wf_array(entities, sizeof(*ground->lengths));
    bool has_all = sums != NULL && ground->centres != NULL && ground->lengths != NULL;
    int rc = has_all ? sum_centres(ground, sums, job) : -ENOMEM;
    for (size_t e = 0; e < entities && rc == 0; e++) {
        wf_spot_of(sums + e * WF_SPACE_DIM, &ground->centres[e]);
        ground->lengths[e] = length_of(sums + e * WF_SPACE_DIM);
        rc = e % SCANNED_BETWEEN_POLLS == 0 ? wf_job_poll(job) : 0;
    }
    wf_free(sums);
    return rc;
}

int wf_ground_make(wf_ground *ground, const wf_catalogue *catalogue, const wf_examples *examples,
                   wf_seeker *seeker, const wf_job *job)
{
    struct references all = {
        .catalogue = catalogue, .examples = examples, .row_count = catalogue->row_count};
    all.count = all.row_count + (examples != NULL ? examples->count : 0);
    *ground = (wf_ground){.catalogue = catalogue,
                          .spots = wf_array(all.count, sizeof(wf_spot)),
                          .entity_of = wf_array(all.count, sizeof(uint32_t)),
                          .capacity = all.count};
    if (ground->spots == NULL || ground->entity_of == NULL)
        return -ENOMEM;
    int rc = wf_space_init(&ground->space);
    if (rc == 0)
        rc = count_all(ground, &all, seeker, job);
    if (rc == 0)
        rc = place_all(ground, &all, seeker, job);
    return rc == 0 ? make_centres(ground, job) : rc;
}

/* ---- asking ---- */

/* There are few, and few get in. */
size_t wf_near_put(wf_near *out, size_t count, size_t most, wf_near item)
{
    if (count == most && out[count - 1].cosine >= item.cosine)
        return count;
    size_t at = count < most ? count++ : count - 1;
    for (; at > 0 && out[at - 1].cosine < item.cosine; at--)
        out[at] = out[at - 1];
    out[at] = item;
    return count;
}

int wf_ground_near(const wf_ground *ground, const wf_spot *spot, wf_absent absent, wf_near *out,
                   size_t most, const wf_job *job)
{
    size_t count = 0;
    for (size_t i = 0; i < ground->count; i++) {
        int rc = i % SCANNED_BETWEEN_POLLS == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        if (wf_ground_lacks(ground, absent, i))
            continue;
        wf_near item = {(uint32_t)i, wf_spot_cosine(spot, &ground->spots[i])};
        count = wf_near_put(out, count, most, item);
    }
    return (int)count;
}

/* Without a reference, whose spot this is: the centre's sum is that much shorter. */
static bool cosine_without(float cosine, float length, float *out)
{
    float squares = length * length - 2 * length * cosine + 1;
    if (squares < LEFT_MIN)
        return false;
    *out = (length * cosine - 1) / sqrtf(squares);
    return true;
}

static bool is_own(const wf_ground *ground, wf_absent absent, uint32_t entity)
{
    return absent.reference != WF_NO_REFERENCE && ground->entity_of[absent.reference] == entity;
}

void wf_ground_read_centre(const wf_ground *ground, uint32_t entity, wf_absent absent,
                           float out[WF_SPACE_DIM])
{
    float reference[WF_SPACE_DIM];
    wf_spot_read(&ground->centres[entity], out);
    if (!is_own(ground, absent, entity))
        return;
    wf_spot_read(&ground->spots[absent.reference], reference);
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        out[k] = out[k] * ground->lengths[entity] - reference[k];
    float length = length_of(out);
    for (size_t k = 0; k < WF_SPACE_DIM && length > 0; k++)
        out[k] /= length;
}

bool wf_ground_cosine(const wf_ground *ground, const wf_spot *spot, uint32_t entity,
                      wf_absent absent, float *out)
{
    if (entity == absent.entity)
        return false;
    *out = wf_spot_cosine(spot, &ground->centres[entity]);
    return !is_own(ground, absent, entity) || cosine_without(*out, ground->lengths[entity], out);
}

int wf_ground_centre(const wf_ground *ground, const wf_spot *spot, wf_absent absent, wf_near *out,
                     const wf_job *job)
{
    *out = (wf_near){WF_NO_ENTITY, -1};
    for (uint32_t e = 0; e < ground->catalogue->entity_count; e++) {
        int rc = e % SCANNED_BETWEEN_POLLS == 0 ? wf_job_poll(job) : 0;
        if (rc < 0)
            return rc;
        float cosine;
        if (wf_ground_cosine(ground, spot, e, absent, &cosine) && cosine > out->cosine)
            *out = (wf_near){e, cosine};
    }
    return 0;
}
