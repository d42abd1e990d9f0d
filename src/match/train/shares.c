/* SPDX-License-Identifier: MIT */

#include "match/train/shares.h"

#include <assert.h>
#include <math.h>

void wf_share_out(float *scores, size_t count)
{
    float most = scores[0];
    double sum = 0;
    for (size_t i = 1; i < count; i++)
        most = scores[i] > most ? scores[i] : most;
    for (size_t i = 0; i < count; i++) {
        scores[i] = expf(scores[i] - most);
        sum += (double)scores[i];
    }
    for (size_t i = 0; i < count; i++)
        scores[i] = (float)((double)scores[i] / sum);
}

double wf_share_out_off(float *scores, size_t count, uint32_t label)
{
    assert(count > 0);
    wf_share_out(scores, count);
    double loss = -log(fmax((double)scores[label], 1e-30));
    scores[label] -= 1;
    return loss;
}
