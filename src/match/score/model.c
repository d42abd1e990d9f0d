/* SPDX-License-Identifier: MIT */

#include "match/score/model.h"

#include <math.h>

/* The smallest catalogues it was measured on. */
#define ENTITIES_MIN 8

static const struct {
    const char *name;
    double weight;
} signs_table[WF_SIGN_COUNT] = {
    [WF_SIGN_RUNS] = {"runs", 3.289},
    [WF_SIGN_SOLID] = {"letters without spaces", -0.860},
    [WF_SIGN_LETTERS] = {"letters", -2.258},
    [WF_SIGN_LETTERS_NEAR] = {"letters nearly equal", 1.420},
    [WF_SIGN_QUERY_WORDS] = {"words of the query", 1.639},
    [WF_SIGN_ROW_WORDS] = {"words of the name", 2.725},
    [WF_SIGN_QUERY_NEAR] = {"words of the query nearly all", 0.448},
    [WF_SIGN_ROW_NEAR] = {"words of the name nearly all", -0.080},
    [WF_SIGN_ENTITY] = {"all names together", 2.715},
    [WF_SIGN_INITIALS] = {"initials", 11.861},
    [WF_SIGN_INITIALS_MAYBE] = {"perhaps initials", 5.564},
    [WF_SIGN_NUMBERS] = {"numbers differ", -1.354},
    [WF_SIGN_START] = {"beginning", 1.989},
    [WF_SIGN_BEST] = {"nearly equal", 1.110},
};

/* Of "none of them": constant; ln(1 + letters); what of it is above 2.2; ln(1 + words);
 * ln(entities) - 7. */
static const double none_weights[] = {7.363, 0.577, 0.882, -0.845, 0.557};

const char *wf_sign_name(enum wf_sign sign)
{
    return signs_table[sign].name;
}

double wf_sign_weight(enum wf_sign sign)
{
    return signs_table[sign].weight;
}

double wf_nearness(double value)
{
    return -log(1.02 - value);
}

double wf_model_score(const double signs[WF_SIGN_COUNT])
{
    double sum = 0;
    for (size_t i = 0; i < WF_SIGN_COUNT; i++)
        sum += signs_table[i].weight * signs[i];
    return sum;
}

double wf_model_none(size_t letters, size_t words, size_t entities)
{
    entities = entities > ENTITIES_MIN ? entities : ENTITIES_MIN;
    double length = log(1 + (double)letters);
    return none_weights[0] + none_weights[1] * length + none_weights[2] * fmax(0, length - 2.2) +
           none_weights[3] * log(1 + (double)words) + none_weights[4] * (log((double)entities) - 7);
}

double wf_model_doubt(double probability, double lead, double fifth)
{
    double p = fmin(fmax(probability, 1e-6), 1 - 1e-6);
    return -0.316 * log(p / (1 - p)) - 0.366 * lead + 0.165 * fifth - 1.625;
}
