/* SPDX-License-Identifier: MIT */

/*
 * Mahalanobis: the distance to the centre of an entity that is nearest by cosine, in units of how
 * references vary around theirs (K. Lee and others, "A simple unified framework for detecting
 * out-of-distribution samples and adversarial attacks", 2018).  Where most entities have one
 * reference only, they do not vary, and the covariance is that of all references around their mean.
 * It is shrunk towards a tenth of its mean variance, so that 256 dimensions need no 256 references.
 */
#include "match/novelty/strategy.h"

#include "base/alloc.h"

#include <math.h>

#define DIM WF_SPACE_DIM
#define SHRINK 0.1
#define VARYING_MIN 64u /* references beyond the first of their entity, for them to say enough */

struct mahalanobis {
    double lower[DIM][DIM]; /* the Cholesky factor of the covariance */
};

/* Around the centre of its entity, or the mean. */
static void read_residual(const wf_ground *ground, size_t i, const float *mean, float out[DIM])
{
    float around[DIM];
    wf_spot_read(&ground->spots[i], out);
    if (mean == NULL)
        wf_spot_read(&ground->centres[ground->entity_of[i]], around);
    for (size_t k = 0; k < DIM; k++)
        out[k] -= mean == NULL ? around[k] : mean[k];
}

static int find_mean(const wf_ground *ground, float mean[DIM], const wf_job *job)
{
    float vector[DIM];
    size_t count = wf_ground_picked(ground);
    for (size_t k = 0; k < DIM; k++)
        mean[k] = 0;
    int rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = wf_job_poll(job);
        wf_spot_read(&ground->spots[wf_ground_pick(ground, i)], vector);
        for (size_t k = 0; k < DIM; k++)
            mean[k] += vector[k] / (float)count;
    }
    return rc;
}

static int add_covariance(struct mahalanobis *it, const wf_ground *ground, const wf_job *job)
{
    float mean[DIM], residual[DIM];
    bool varies = ground->count >= ground->catalogue->entity_count + VARYING_MIN;
    size_t count = wf_ground_picked(ground);
    int rc = find_mean(ground, mean, job);
    for (size_t i = 0; i < count && rc == 0; i++) {
        rc = wf_job_poll(job);
        read_residual(ground, wf_ground_pick(ground, i), varies ? NULL : mean, residual);
        for (size_t r = 0; r < DIM; r++) {
            double scaled = (double)residual[r] / (double)count;
            for (size_t c = 0; c <= r; c++)
                it->lower[r][c] += scaled * (double)residual[c];
        }
    }
    return rc;
}

static void shrink(struct mahalanobis *it)
{
    double trace = 0;
    for (size_t i = 0; i < DIM; i++)
        trace += it->lower[i][i];
    for (size_t i = 0; i < DIM; i++)
        it->lower[i][i] += SHRINK * trace / DIM + 1e-4 / DIM;
}

/* The matrix has a positive diagonal added, so no root is of less than nothing. */
static int factor(struct mahalanobis *it, const wf_job *job)
{
    for (size_t r = 0; r < DIM; r++) {
        int rc = wf_job_poll(job);
        if (rc < 0)
            return rc;
        for (size_t c = 0; c <= r; c++) {
            double sum = it->lower[r][c];
            for (size_t k = 0; k < c; k++)
                sum -= it->lower[r][k] * it->lower[c][k];
            it->lower[r][c] = c == r ? sqrt(fmax(sum, 1e-12)) : sum / it->lower[c][c];
        }
    }
    return 0;
}

static int mahalanobis_make(void **out, const wf_ground *ground, wf_seeker *seeker,
                            const wf_job *job)
{
    struct mahalanobis *it = wf_alloc(sizeof(*it));
    (void)seeker;
    if (it == NULL)
        return -ENOMEM;
    *out = it;
    int rc = add_covariance(it, ground, job);
    if (rc < 0)
        return rc;
    shrink(it);
    return factor(it, job);
}

static int mahalanobis_score(const void *state, const wf_novel_query *query, double *out)
{
    const struct mahalanobis *it = state;
    float around[DIM] = {0};
    double solved[DIM] = {0}, sum = 0;
    wf_near best;
    int rc = wf_ground_centre(query->ground, &query->spot, query->absent, &best, query->job);
    if (rc < 0)
        return rc;
    if (best.reference != WF_NO_ENTITY)
        wf_ground_read_centre(query->ground, best.reference, query->absent, around);
    for (size_t r = 0; r < DIM; r++) {
        double value = (double)query->vector[r] - (double)around[r];
        for (size_t c = 0; c < r; c++)
            value -= it->lower[r][c] * solved[c];
        solved[r] = value / it->lower[r][r];
        sum += solved[r] * solved[r];
    }
    *out = sqrt(sum);
    return 0;
}

const wf_novel_class wf_novel_mahalanobis = {.id = "mahalanobis",
                                             .weight = 0.35,
                                             .needs_space = true,
                                             .make = mahalanobis_make,
                                             .score = mahalanobis_score,
                                             .destroy = wf_free};
