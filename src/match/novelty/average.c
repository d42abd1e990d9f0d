/* SPDX-License-Identifier: MIT */

/*
 * Average linkage: clusters whose texts are alike by an absolute measure, however many texts and
 * kinds there are.  The two clusters with the greatest mean cosine between their spots are joined,
 * again and again, down to a mean of 0.2.  Found by chains of nearest neighbours (F. Murtagh, "A
 * survey of recent advances in hierarchical clustering algorithms", 1983): who is each other's
 * nearest may be joined at once, since no later joint comes nearer to either.
 *
 * The mean cosine of two clusters is the product of the means of their spots: each cluster is one
 * spot of a crowd, as long as that mean.
 */
#include "base/alloc.h"
#include "match/novelty/cluster.h"
#include "match/novelty/crowd.h"

#include <assert.h>
#include <math.h>
#include <string.h>

#define ALIKE_MIN 0.2f
#define NONE UINT32_MAX

/* Of who is as near as the one before in the chain that one counts, and what is rounded is as near:
 * else a chain could turn in a circle. */
#define TIE 1e-6f

/* How often the nearest is looked for in a part: below a tenth of a second among 10,000. */
#define PART_STEPS 256u

/* Clusters go by the name of one of their spots. */
struct wf_average {
    wf_crowd crowd; /* those that may still be joined */
    size_t count;   /* spots */
    wf_spot *means; /* from here on of each name */
    float (*sums)[WF_SPACE_DIM];
    uint32_t *sizes, *roots; /* the name it was joined with, or its own */
    uint32_t *chain;         /* of names, each the nearest of the one before */
    size_t depth;
};

void wf_average_free(wf_average *it)
{
    if (it == NULL)
        return;
    wf_crowd_fini(&it->crowd);
    wf_free(it->means);
    wf_free(it->sums);
    wf_free(it->sizes);
    wf_free(it->roots);
    wf_free(it->chain);
    wf_free(it);
}

static int average_init(wf_average *it, const wf_spot *spots, size_t count)
{
    *it = (wf_average){.count = count,
                       .means = wf_array(count, sizeof(*it->means)),
                       .sums = wf_array(count, sizeof(*it->sums)),
                       .sizes = wf_array(count, sizeof(*it->sizes)),
                       .roots = wf_array(count, sizeof(*it->roots)),
                       .chain = wf_array(count, sizeof(*it->chain))};
    bool has_all = it->means != NULL && it->sums != NULL && it->sizes != NULL &&
                   it->roots != NULL && it->chain != NULL;
    int rc = has_all ? wf_crowd_init(&it->crowd, spots, count) : -ENOMEM;
    for (size_t i = 0; i < count && rc == 0; i++) {
        it->means[i] = spots[i];
        wf_spot_read(&spots[i], it->sums[i]);
        it->sizes[i] = 1;
        it->roots[i] = (uint32_t)i;
    }
    return rc;
}

struct nearest {
    size_t place, own_place; /* in the crowd */
    float likeness;
};

static struct nearest find_nearest(const wf_average *it, uint32_t name, uint32_t before)
{
    const wf_crowd *crowd = &it->crowd;
    struct nearest found = {.likeness = -1};
    float cosines[WF_CROWD_BLOCK];
    for (size_t block = 0; block < crowd->count; block += WF_CROWD_BLOCK) {
        size_t left = crowd->count - block, count = left < WF_CROWD_BLOCK ? left : WF_CROWD_BLOCK;
        wf_crowd_cosines(crowd, &it->means[name], block, count, cosines);
        for (size_t i = block; i < block + count; i++) {
            float likeness = cosines[i - block] + (crowd->names[i] == before ? TIE : 0);
            if (crowd->names[i] == name) {
                found.own_place = i;
            } else if (likeness > found.likeness) {
                found.place = i;
                found.likeness = likeness;
            }
        }
    }
    return found;
}

/* The cluster at this place takes in the other. */
static void join(wf_average *it, size_t place, uint32_t other)
{
    uint32_t name = it->crowd.names[place];
    float *sum = it->sums[name];
    double square = 0;
    for (size_t i = 0; i < WF_SPACE_DIM; i++) {
        sum[i] += it->sums[other][i];
        square += (double)sum[i] * (double)sum[i];
    }
    it->sizes[name] += it->sizes[other];
    it->roots[other] = name;
    wf_spot_of(sum, &it->means[name]);
    it->means[name].inverse *= (float)(sqrt(square) / it->sizes[name]);
    wf_crowd_put(&it->crowd, place, &it->means[name]);
}

/* One more of the chain, or its end is joined or dropped. */
static void step(wf_average *it)
{
    if (it->depth == 0)
        it->chain[it->depth++] = it->crowd.names[0];
    uint32_t name = it->chain[it->depth - 1];
    uint32_t before = it->depth > 1 ? it->chain[it->depth - 2] : NONE;
    struct nearest nearest = find_nearest(it, name, before);
    if (nearest.likeness < ALIKE_MIN) {
        wf_crowd_drop(&it->crowd, nearest.own_place);
        it->depth--;
    } else if (it->crowd.names[nearest.place] == before) {
        join(it, nearest.place, name);
        wf_crowd_drop(&it->crowd, nearest.own_place);
        it->depth -= 2;
    } else {
        assert(it->depth < it->count);
        it->chain[it->depth++] = it->crowd.names[nearest.place];
    }
}

int wf_average_part(wf_average *it, const wf_job *job)
{
    for (unsigned i = 0; i < PART_STEPS && it->crowd.count > 0; i++) {
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        step(it);
    }
    return it->crowd.count > 0;
}

double wf_average_done(const wf_average *it)
{
    double left = it->count != 0 ? (double)it->crowd.count / (double)it->count : 0;
    return 1 - left * left; /* each looks at all that are left */
}

static uint32_t find_root(uint32_t *roots, uint32_t at)
{
    while (roots[at] != at) {
        roots[at] = roots[roots[at]];
        at = roots[at];
    }
    return at;
}

int wf_average_new(wf_average **out, const wf_spot *spots, size_t count)
{
    wf_average *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return -ENOMEM;
    int rc = average_init(it, spots, count);
    if (rc < 0)
        wf_average_free(it);
    else
        *out = it;
    return rc;
}

int wf_average_end(wf_average *it, wf_clusters *clusters, size_t size_min)
{
    *clusters =
        (wf_clusters){.labels = wf_array(it->count, sizeof(int32_t)), .spot_count = it->count};
    if (clusters->labels == NULL)
        return -ENOMEM;
    for (uint32_t i = 0; i < it->count; i++)
        clusters->labels[i] = (int32_t)find_root(it->roots, i);
    wf_clusters_keep_large(clusters, size_min, it->sizes, it->chain);
    return 0;
}
