/* SPDX-License-Identifier: MIT */

#include "match/score/model.h"

#include <math.h>

/* The smallest catalogues it was measured on. */
#define ENTITIES_MIN 8

/* The smallest that "none of them" was fitted on. */
#define ENTITIES_FITTED 199.0

static const struct {
    const char *name;
    double weight;
} signs_table[WF_SIGN_COUNT] = {
    [WF_SIGN_RUNS] = {"runs", 4.198},
    [WF_SIGN_SOLID] = {"letters without spaces", -1.585},
    [WF_SIGN_LETTERS] = {"letters", -1.953},
    [WF_SIGN_LETTERS_NEAR] = {"letters nearly equal", -0.396},
    [WF_SIGN_QUERY_WORDS] = {"words of the query", 1.739},
    [WF_SIGN_ROW_WORDS] = {"words of the name", 2.140},
    [WF_SIGN_QUERY_NEAR] = {"words of the query nearly all", 0.516},
    [WF_SIGN_ENTITY] = {"all names together", 3.021},
    [WF_SIGN_INITIALS] = {"initials", 12.825},
    [WF_SIGN_INITIALS_MAYBE] = {"perhaps initials", 5.834},
    [WF_SIGN_NUMBERS] = {"numbers differ", -1.596},
    [WF_SIGN_BEST] = {"nearly equal", 0.848},
    [WF_SIGN_SOUND] = {"letters and sounds of names nearly equal", 3.693},
};

/* Of "none of them": constant; ln(1 + letters); what of it is above 2.2; ln(1 + words);
 * ln(entities) - 7. */
static const double none_weights[] = {8.108, 0.297, 1.171, -1.723, 0.515};

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

double wf_model_equal(double names)
{
    double near = wf_nearness(1);
    const double signs[WF_SIGN_COUNT] = {
        [WF_SIGN_RUNS] = 1,          [WF_SIGN_SOLID] = 1,
        [WF_SIGN_LETTERS] = 1,       [WF_SIGN_LETTERS_NEAR] = near,
        [WF_SIGN_QUERY_WORDS] = 1,   [WF_SIGN_ROW_WORDS] = 1,
        [WF_SIGN_QUERY_NEAR] = near, [WF_SIGN_ENTITY] = 1,
        [WF_SIGN_BEST] = near,       [WF_SIGN_SOUND] = near * names * names,
    };
    return wf_model_score(signs);
}

double wf_model_none_here(double usual_lead, double fifth, size_t entities)
{
    double size = log((double)(entities > ENTITIES_MIN ? entities : ENTITIES_MIN) / ENTITIES_MIN);
    double part = fmin(1, size / log(ENTITIES_FITTED / ENTITIES_MIN));
    return part * (0.206 * usual_lead + 0.362 * fifth - 4.100);
}

double wf_model_doubt(double probability, double lead, double fifth)
{
    double p = fmin(fmax(probability, 1e-6), 1 - 1e-6);
    return -0.311 * log(p / (1 - p)) - 0.369 * lead - 0.063 * fifth - 0.433;
}
