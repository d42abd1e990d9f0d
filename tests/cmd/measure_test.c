/* SPDX-License-Identifier: MIT */

/* Figures of answers whose right ones are known, by hand and against their definitions. */
#include "cmd/match/measure.h"
#include "harness/harness.h"

#include <math.h>

static struct figures of(const struct measured *items, size_t count, double threshold)
{
    struct measure measure = {0};
    for (size_t i = 0; i < count; i++)
        CHECK_OK(measure_add(&measure, items[i]));
    struct figures figures = measure_end(&measure, threshold);
    measure_fini(&measure);
    return figures;
}

TEST(figures_by_hand)
{
    static const struct measured items[] = {
        {.score = 0.9f, .rank = 0, .is_known = true},
        {.score = 0.8f, .rank = 0, .is_known = true},
        {.score = 0.7f, .rank = 2, .is_known = true},
        {.score = 0.4f, .rank = 0, .is_known = true},
        {.score = 0.6f, .rank = 10, .is_known = true},
        {.score = 0.3f, .rank = 10, .is_known = false},
        {.score = 0.7f, .rank = 10, .is_known = false},
        {.score = 0.0f, .rank = 10, .is_known = false},
    };
    struct figures f = of(items, 8, 0.5);
    CHECK_EQ(f.count, 8);
    CHECK_EQ(f.known_count, 5);
    CHECK_NEAR(f.accuracy, 3 / 5.0, 1e-12);
    CHECK_NEAR(f.recall_at_5, 4 / 5.0, 1e-12);
    CHECK_NEAR(f.mrr, (3 + 1 / 3.0) / 5, 1e-12);
    CHECK_NEAR(f.auroc, (5 + 5 + 2.5) / 15, 1e-12); /* 0.7 ties once */
    CHECK_NEAR(f.detection, 2 / 3.0, 1e-12);
    CHECK_NEAR(f.at_threshold, 4 / 8.0, 1e-12); /* .9, .8; .3, .0 */
    CHECK_NEAR(f.open, 5 / 8.0, 1e-12);         /* from 0.4 on all of .9, .8, .4 and two novel */
    CHECK_NEAR(f.open_threshold, 0.4, 1e-6);
    /* bins .9 .8 .7 .6 .4 .3 .0: |.9-1| |.8-1| |1.4-0| .6 |.4-1| .3 0 */
    CHECK_NEAR(f.calibration, (0.1 + 0.2 + 1.4 + 0.6 + 0.6 + 0.3) / 8, 1e-6);
}

/* The rest agrees with scikit-learn 1.9 (roc_auc_score, roc_curve) on random scores with ties. */
TEST(the_best_threshold_is_one_that_can_be_set)
{
    static const struct measured items[] = {
        {.score = 1, .rank = 10, .is_known = false},
        {.score = 1, .rank = 10, .is_known = false},
        {.score = 1, .rank = 0, .is_known = true},
        {.score = 0.5f, .rank = 10, .is_known = false},
    };
    struct figures f = of(items, 4, 1);
    CHECK_NEAR(f.open, 2 / 4.0, 1e-12); /* what scores 1 passes any threshold */
    CHECK_NEAR(f.open_threshold, 1, 1e-12);
    CHECK_NEAR(f.at_threshold, f.open, 1e-12);
}

TEST(coverage_by_hand)
{
    struct measured items[] = {
        {.score = 0.25f, .rank = 0, .is_known = true},
        {.score = 0.5f, .rank = 0, .is_known = true},
        {.score = 0.75f, .rank = 1, .is_known = true},
        {.score = 0.75f, .rank = 0, .is_known = true},
        {.score = 0.75f, .rank = 10, .is_known = false},
        {.score = 0, .rank = 10, .is_known = true},
        {.score = 0, .rank = 10, .is_known = false},
    };
    const struct measure measure = {.items = items, .count = sizeof(items) / sizeof(*items)};
    static const double wanted[][3] = {
        {0.1, 5 / 7.0, 3 / 5.0}, {0.25, 5 / 7.0, 3 / 5.0}, {0.3, 4 / 7.0, 2 / 4.0},
        {0.5, 4 / 7.0, 2 / 4.0}, {0.6, 3 / 7.0, 1 / 3.0},  {0.75, 3 / 7.0, 1 / 3.0},
    };
    for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++) {
        struct coverage it = measure_coverage(&measure, wanted[i][0]);
        CHECK_NEAR(it.answered, wanted[i][1], 1e-12);
        CHECK_NEAR(it.right, wanted[i][2], 1e-12);
    }
    struct coverage it = measure_coverage(&measure, 0.8);
    CHECK(it.answered == 0);
    CHECK(isnan(it.right));
}

TEST(figures_that_have_no_meaning_are_not_numbers)
{
    static const struct measured known[] = {{.score = 1, .rank = 0, .is_known = true},
                                            {.score = 1, .rank = 1, .is_known = true}};
    static const struct measured novel[] = {{.score = 0.2f, .rank = 10, .is_known = false}};
    struct figures f = of(known, 2, 0.5);
    CHECK(isnan(f.auroc));
    CHECK(isnan(f.detection));
    CHECK_NEAR(f.accuracy, 0.5, 1e-12);
    CHECK_NEAR(f.calibration, 0.5, 1e-12);
    f = of(novel, 1, 0.5);
    CHECK(isnan(f.accuracy));
    CHECK(isnan(f.auroc));
    CHECK_NEAR(f.at_threshold, 1, 1e-12);
    CHECK_NEAR(f.open, 1, 1e-12);
    f = of(NULL, 0, 0.5);
    CHECK(isnan(f.open));
}

TEST(auroc_is_the_share_of_pairs_in_order)
{
    struct measured items[300];
    uint64_t state = 5;
    double in_order = 0, pairs = 0;
    for (size_t i = 0; i < 300; i++) {
        state = state * 6364136223846793005u + 1442695040888963407u;
        bool is_known = (state >> 40) % 3 != 0;
        items[i] = (struct measured){.score = (float)((state >> 50) % 40) / 40,
                                     .is_known = is_known,
                                     .is_flagged = (state >> 50) % 40 < 10,
                                     .novelty = 1 - (float)((state >> 50) % 40) / 40};
    }
    for (size_t i = 0; i < 300; i++) {
        for (size_t k = 0; k < 300; k++) {
            if (!items[i].is_known || items[k].is_known)
                continue;
            pairs++;
            in_order += items[k].score < items[i].score    ? 1
                        : items[k].score == items[i].score ? 0.5
                                                           : 0;
        }
    }
    CHECK_NEAR(of(items, 300, 0.5).auroc, in_order / pairs, 1e-12);
}

TEST(the_detector_is_measured_beside_the_score)
{
    static const struct measured items[] = {
        {.score = 0.9f, .is_known = true, .novelty = 0.6f, .is_flagged = true},
        {.score = 0.8f, .is_known = true, .novelty = 0.1f},
        {.score = 0.1f, .rank = 10, .novelty = 0.9f, .is_flagged = true},
        {.score = 0.2f, .rank = 10, .novelty = 0.4f},
    };
    struct figures f = of(items, 4, 0.5);
    CHECK_NEAR(f.auroc, 1, 1e-12);
    CHECK_NEAR(f.novelty_auroc, 3 / 4.0, 1e-12);
    CHECK_NEAR(f.novelty_detection, 1 / 2.0, 1e-12);
    CHECK_NEAR(f.false_alarms, 1 / 2.0, 1e-12);
    CHECK_NEAR(f.found, 1 / 2.0, 1e-12);
}
