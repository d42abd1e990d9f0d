/* SPDX-License-Identifier: MIT */

/*
 * LOF: how much sparser the surroundings of a text are than those of its neighbours (M. Breunig and
 * others, "LOF: identifying density-based local outliers", 2000).  Distances are one minus the
 * cosine.  At most WF_PICKED_MAX references are looked at, for the making compares all with all.
 */
#include "match/novelty/strategy.h"

#include "base/alloc.h"

#include <math.h>

#define NEIGHBOURS 20u
#define DISTANCE_MIN 1e-4 /* equal references would be infinitely dense */

struct picked {
    float reach;   /* distance of the last neighbour */
    float density; /* inverse of the mean distance that neighbours see */
};

struct lof {
    size_t count;
    wf_near *near; /* NEIGHBOURS of each, while it is made */
    struct picked items[];
};

/* The nearest of the picked, without `self` and what is absent. */
static size_t find_near(const wf_ground *ground, const wf_spot *spot, size_t self, wf_absent absent,
                        wf_near out[NEIGHBOURS])
{
    size_t picked = wf_ground_picked(ground), count = 0;
    for (size_t i = 0; i < picked; i++) {
        size_t reference = wf_ground_pick(ground, i);
        if (i == self || wf_ground_lacks(ground, absent, reference))
            continue;
        wf_near item = {(uint32_t)i, wf_spot_cosine(spot, &ground->spots[reference])};
        count = wf_near_put(out, count, NEIGHBOURS, item);
    }
    return count;
}

static double density(const struct lof *it, const wf_near *near, size_t count)
{
    double sum = 0;
    for (size_t i = 0; i < count; i++)
        sum += fmax(fmax((double)it->items[near[i].reference].reach, 1 - (double)near[i].cosine),
                    DISTANCE_MIN);
    return sum > 0 ? (double)count / sum : 0;
}

static int make_items(struct lof *it, const wf_ground *ground, const wf_job *job)
{
    const wf_absent none = {WF_NO_ENTITY, WF_NO_REFERENCE};
    size_t counted = it->count > NEIGHBOURS ? NEIGHBOURS : it->count - 1;
    for (size_t i = 0; i < it->count; i++) {
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        wf_near *near = it->near + i * NEIGHBOURS;
        find_near(ground, &ground->spots[wf_ground_pick(ground, i)], i, none, near);
        it->items[i].reach = counted != 0 ? 1 - near[counted - 1].cosine : 1;
    }
    for (size_t i = 0; i < it->count; i++)
        it->items[i].density = (float)density(it, it->near + i * NEIGHBOURS, counted);
    return 0;
}

static int lof_make(void **out, const wf_ground *ground, wf_seeker *seeker, const wf_job *job)
{
    size_t count = wf_ground_picked(ground);
    struct lof *it = wf_alloc(sizeof(*it) + count * sizeof(*it->items));
    (void)seeker;
    if (it == NULL)
        return -ENOMEM;
    *out = it;
    it->count = count;
    it->near = wf_array(count * NEIGHBOURS, sizeof(*it->near));
    int rc = it->near != NULL ? make_items(it, ground, job) : -ENOMEM;
    wf_free(it->near);
    it->near = NULL;
    return rc;
}

static int lof_score(const void *state, const wf_novel_query *query, double *out)
{
    const struct lof *it = state;
    wf_near near[NEIGHBOURS];
    size_t count = find_near(query->ground, &query->spot, SIZE_MAX, query->absent, near);
    double own = density(it, near, count), theirs = 0;
    for (size_t i = 0; i < count; i++)
        theirs += (double)it->items[near[i].reference].density / (double)count;
    *out = own > 0 ? theirs / own : 1;
    return wf_job_poll(query->job);
}

const wf_novel_class wf_novel_lof = {.id = "lof",
                                     .weight = 0.15,
                                     .needs_space = true,
                                     .make = lof_make,
                                     .score = lof_score,
                                     .destroy = wf_free};
