/* SPDX-License-Identifier: MIT */

#include "match/drift/gaussian.h"

#include "base/alloc.h"

#include <math.h>

#define DIM WF_SPACE_DIM

/* Symmetric and lower triangular matrices are rows of their lower triangles, one behind the other.
 */
static size_t row_start(size_t row)
{
    return row * (row + 1) / 2;
}

/* ---- shrinking ---- */

struct traces {
    double one, square; /* of the matrix, of its square */
};

static struct traces traces_of(const float *covariance)
{
    struct traces out = {0};
    for (size_t r = 0; r < DIM; r++) {
        const float *row = covariance + row_start(r);
        for (size_t c = 0; c < r; c++)
            out.square += 2 * (double)row[c] * (double)row[c];
        out.square += (double)row[r] * (double)row[r];
        out.one += (double)row[r];
    }
    return out;
}

double wf_shrinkage(const float *covariance, uint64_t count)
{
    const double dim = DIM, n = (double)count;
    struct traces t = traces_of(covariance);
    double uneven = t.square - t.one * t.one / dim; /* 0: it is that already */
    double needed = (1 - 2 / dim) * t.square + t.one * t.one;
    double has = (n + 1 - 2 / dim) * uneven;
    return needed < has ? needed / has : 1;
}

/* What is done to both. */
struct shrinking {
    double kept;  /* of the covariance */
    double added; /* to each variance */
};

static struct shrinking shrinking_of(const wf_spread *before, const wf_spread *after)
{
    double counts = (double)before->count + (double)after->count;
    double mean = (traces_of(before->covariance).one * (double)before->count +
                   traces_of(after->covariance).one * (double)after->count) /
                  counts / DIM;
    double share = fmax(wf_shrinkage(before->covariance, before->count),
                        wf_shrinkage(after->covariance, after->count));
    share = fmax(share, WF_SHRINK_MIN);
    return (struct shrinking){1 - share, share * mean + WF_GAUSSIAN_RIDGE};
}

/* ---- triangles ---- */

static double dot(const double *a, const double *b, size_t count)
{
    double sums[4] = {0};
    size_t i = 0;
    for (; i + 4 <= count; i += 4) {
        for (size_t k = 0; k < 4; k++)
            sums[k] += a[i + k] * b[i + k];
    }
    for (; i < count; i++)
        sums[0] += a[i] * b[i];
    return (sums[0] + sums[1]) + (sums[2] + sums[3]);
}

/* The Cholesky factor of the shrunk covariance, and the logarithm of its determinant.  0 or -EDOM.
 */
static int factor(const float *covariance, struct shrinking shrinking, double *lower,
                  double *out_log_determinant)
{
    *out_log_determinant = 0;
    for (size_t r = 0; r < DIM; r++) {
        double *row = lower + row_start(r);
        const float *from = covariance + row_start(r);
        for (size_t c = 0; c < r; c++) {
            const double *other = lower + row_start(c);
            row[c] = (shrinking.kept * (double)from[c] - dot(row, other, c)) / other[c];
        }
        double rest = shrinking.kept * (double)from[r] + shrinking.added - dot(row, row, r);
        if (!(rest > 0) || !isfinite(rest))
            return -EDOM;
        row[r] = sqrt(rest);
        *out_log_determinant += log(rest);
    }
    return 0;
}

/* Column `c` of the inverse of a lower triangle, from its diagonal on, into out[0, DIM - c). */
static void invert_column(const double *lower, size_t c, double *out)
{
    out[0] = 1 / lower[row_start(c) + c];
    for (size_t r = c + 1; r < DIM; r++) {
        const double *row = lower + row_start(r);
        out[r - c] = -dot(row + c, out, r - c) / row[r];
    }
}

/* ---- divergence ---- */

/* Of the inverse A of what was before, B and C being the covariances before and after, unshrunk,
 * and d the way between the means. */
struct products {
    double one, square;   /* traces of A and AA */
    double before, after; /* of AB and AC */
    double way;           /* dAd */
};

/* The inverse is the product of the inverse factor with itself, of which `columns` has the columns,
 * the last and shortest first; so each is a dot product of two ends. */
static struct products multiply(const double *columns, const wf_spread *before,
                                const wf_spread *after)
{
    struct products sum = {0};
    for (size_t r = 0; r < DIM; r++) {
        const double *of_row = columns + row_start(DIM - 1 - r);
        double away = (double)after->mean[r] - (double)before->mean[r];
        for (size_t c = 0; c <= r; c++) {
            const double *of_column = columns + row_start(DIM - 1 - c);
            double item = dot(of_row, of_column + (r - c), DIM - r);
            double twice = c < r ? 2 * item : item;
            size_t at = row_start(r) + c;
            sum.one += c < r ? 0 : item;
            sum.square += twice * item;
            sum.before += twice * (double)before->covariance[at];
            sum.after += twice * (double)after->covariance[at];
            sum.way += twice * away * ((double)after->mean[c] - (double)before->mean[c]);
        }
    }
    return sum;
}

/*
 * What the divergence of two spreads of texts of one kind is, in the mean: half the expected square
 * of the way between their means, and a quarter of that of the way between their covariances, each
 * in units of the spread (the second order of the divergence, with Wishart's variances).
 *
 * The trace of A times the true covariance is needed twice.  That of AB is too small, for A was
 * made of B, and that of AC too great; their product is what random halves of texts want.
 */
static double chance(const struct products *p, struct shrinking shrinking, const wf_spread *before,
                     const wf_spread *after)
{
    double each = 1 / (double)before->count + 1 / (double)after->count;
    double added = shrinking.added, kept = shrinking.kept * shrinking.kept;
    double squares = DIM - 2 * added * p->one + added * added * p->square; /* kept, of ABAB */
    return each * (p->after / 2 + (kept * p->before * p->after + squares) / 4);
}

static int diverge(const wf_spread *before, const wf_spread *after, double *lower, double *columns,
                   double *out)
{
    struct shrinking shrinking = shrinking_of(before, after);
    double log_before, log_after;
    int rc = factor(after->covariance, shrinking, lower, &log_after);
    if (rc == 0)
        rc = factor(before->covariance, shrinking, lower, &log_before);
    if (rc < 0)
        return rc;
    for (size_t c = 0; c < DIM; c++)
        invert_column(lower, c, columns + row_start(DIM - 1 - c));
    struct products p = multiply(columns, before, after);
    double spread = shrinking.kept * p.after + shrinking.added * p.one - DIM;
    double sum = (spread + p.way + log_before - log_after) / 2;
    *out = (sum - chance(&p, shrinking, before, after)) / DIM;
    return isfinite(*out) ? 0 : -EDOM;
}

int wf_gaussian_divergence(const wf_spread *before, const wf_spread *after, double *out)
{
    double *lower = wf_array(WF_SPREAD_NUMBERS, sizeof(*lower));
    double *columns = wf_array(WF_SPREAD_NUMBERS, sizeof(*columns));
    int rc =
        lower != NULL && columns != NULL ? diverge(before, after, lower, columns, out) : -ENOMEM;
    wf_free(lower);
    wf_free(columns);
    return rc;
}
