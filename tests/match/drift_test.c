/* SPDX-License-Identifier: MIT */

/* Profiles of texts, and how far apart they are. */
#include "make.h"

#include "match/drift/profile.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include <weft/drift.h>

enum { COUNT = 400 };

static int open_rc(weft_matcher **out)
{
    const weft_m_entity entities[] = {
        {.id = STR("parcel"), .name = STR("where is my parcel")},
        {.id = STR("lunch"), .name = STR("what is for lunch")},
        {.id = STR("rate"), .name = STR("exchange rate")},
    };
    return weft_m_open(out, entities, 3, NULL, NULL);
}

/* Of `texts`, the first entity's in one part, new ones in another, the rest is lunch. */
static weft_m_profile *profile_of(weft_matcher *matcher, uint64_t seed, size_t count,
                                  size_t parcels, size_t strange)
{
    static const char *const words[] = {"please", "now", "today", "still", "my", "the", "again"};
    static char texts[COUNT][80];
    weft_str queries[COUNT];
    weft_m_profile *profile;
    dice d = {seed};
    for (size_t i = 0; i < count; i++) {
        size_t at = roll(&d, 100);
        const char *what = at < strange             ? "qzx jvvk wwpy xxq"
                           : at < strange + parcels ? "where is my parcel"
                                                    : "what is for lunch";
        snprintf(texts[i], sizeof(texts[i]), "%s %s %s", words[roll(&d, 7)], what,
                 words[roll(&d, 7)]);
        queries[i] = str_of(texts[i]);
    }
    CHECK_OK(weft_m_profile_take(&profile, matcher, queries, count, NULL));
    return profile;
}

static weft_m_drift_report *compare(const weft_m_profile *before, const weft_m_profile *after,
                                    const char *method)
{
    weft_m_drift_report *report;
    weft_m_drift_options options;
    weft_m_drift_options_init(&options);
    options.method = str_of(method);
    CHECK_OK(weft_m_drift(&report, before, after, &options, NULL));
    return report;
}

static weft_matcher *open_three(void)
{
    weft_matcher *matcher;
    CHECK_OK(open_rc(&matcher));
    return matcher;
}

static const char *const methods[] = {"mmd_linear", "kl_gaussian", "cosine_centroid"};

TEST(M77_texts_of_one_kind_do_not_drift_and_few_of_them_neither)
{
    weft_matcher *matcher = open_three();
    weft_m_profile *before = profile_of(matcher, 1, COUNT, 50, 0);
    static const size_t counts[] = {COUNT, 40, 12};
    for (size_t i = 0; i < 3; i++) {
        weft_m_profile *after = profile_of(matcher, 90 + i, counts[i], 50, 0);
        for (size_t m = 0; m < 3; m++) {
            weft_m_drift_report *report = compare(before, after, methods[m]);
            CHECK(m == 1 || !report->is_detected); /* a dozen texts have no variance to speak of */
            CHECK(i != 0 || strcmp(report->recommendation, "monitor") == 0);
            CHECK_EQ(report->count_after, counts[i]);
            CHECK(i != 0 || report->class_count == 2);
            weft_m_drift_report_free(report);
        }
        weft_m_profile_free(after);
    }
    weft_m_profile_free(before);
    weft_m_close(matcher);
}

TEST(M77_the_more_texts_are_new_the_further_they_have_drifted)
{
    weft_matcher *matcher = open_three();
    weft_m_profile *before = profile_of(matcher, 1, COUNT, 50, 0);
    for (size_t m = 0; m < 3; m++) {
        double last = 0;
        for (size_t strange = 20; strange <= 100; strange += 40) {
            weft_m_profile *after = profile_of(matcher, 7, COUNT, 0, strange);
            weft_m_drift_report *report = compare(before, after, methods[m]);
            CHECK(report->score > last);
            last = report->score;
            if (strange == 100)
                CHECK_STR(report->recommendation, "retrain");
            weft_m_drift_report_free(report);
            weft_m_profile_free(after);
        }
    }
    weft_m_profile_free(before);
    weft_m_close(matcher);
}

/* Two spreads of which everything is known. */
TEST(M77_methods_are_the_formulas)
{
    static wf_spread a, b;
    a = (wf_spread){.count = 1000000};
    b = (wf_spread){.count = 1000000};
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        a.variance[k] = b.variance[k] = 0.5f;
    a.mean[0] = 0.6f;
    b.mean[1] = 0.8f;
    double slack = 1e-3;
    CHECK(fabs(wf_drift_method_of(STR("mmd_linear"))->measure(&a, &b) - 1) < slack);
    CHECK(fabs(wf_drift_method_of(STR("cosine_centroid"))->measure(&a, &b) - 1) < slack);
    /* Means: (0.36 + 0.64) / 0.5 / 2 over 256 numbers. */
    CHECK(fabs(wf_drift_method_of(STR("kl_gaussian"))->measure(&a, &b) * 256 - 1) < slack);
    b.variance[2] = 1; /* and (ln(0.5 / 1) + 1 / 0.5 - 1) / 2 */
    CHECK(fabs(wf_drift_method_of(STR("kl_gaussian"))->measure(&a, &b) * 256 -
               (1 + (1 - log(2)) / 2)) < slack);
}

TEST(M77_a_profile_is_the_same_after_its_file)
{
    char path[] = "/tmp/weft-drift-XXXXXX";
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    close(fd);
    weft_matcher *matcher = open_three();
    weft_m_profile *before = profile_of(matcher, 1, COUNT, 50, 0), *loaded;
    CHECK_OK(weft_m_profile_save(before, path, NULL));
    CHECK_OK(weft_m_profile_load(&loaded, path, NULL));
    CHECK_EQ(weft_m_profile_text_count(loaded), COUNT);
    CHECK_EQ(weft_m_profile_time(loaded), weft_m_profile_time(before));
    wf_buf a = {0}, b = {0};
    wf_profile_write(before, &a);
    wf_profile_write(loaded, &b);
    CHECK_EQ(wf_buf_bytes(&a), wf_buf_bytes(&b));
    CHECK(memcmp(wf_buf_ptr(&a), wf_buf_ptr(&b), wf_buf_bytes(&a)) == 0);
    wf_buf_fini(&a);
    wf_buf_fini(&b);
    weft_m_profile_free(loaded);
    weft_m_profile_free(before);
    weft_m_close(matcher);
    unlink(path);
}

/* A byte changed, the end missing: refused, or what was there before. */
TEST(M77_a_spoilt_profile_is_refused)
{
    weft_matcher *matcher = open_three();
    weft_m_profile *profile = profile_of(matcher, 1, 60, 50, 0), *loaded;
    wf_buf buf = {0};
    wf_profile_write(profile, &buf);
    size_t bytes = wf_buf_bytes(&buf);
    char *text = malloc(bytes);
    memcpy(text, wf_buf_ptr(&buf), bytes);
    dice d = {9};
    for (size_t i = 0; i < 300; i++) {
        size_t at = roll(&d, bytes);
        char old = text[at];
        text[at] = "0123456789.,:[]{}\"e-x"[roll(&d, 21)];
        int rc = wf_profile_read(&loaded, text, bytes);
        CHECK(rc == -WEFT_M_EPERSIST || rc == 0);
        if (rc == 0) { /* a digit beyond the last that counts, or the time */
            CHECK(memcmp(loaded->all.mean, profile->all.mean, sizeof(profile->all.mean)) == 0);
            weft_m_profile_free(loaded);
        }
        text[at] = old;
        CHECK_EQ(wf_profile_read(&loaded, text, at > bytes - 2 ? bytes - 2 : at), -WEFT_M_EPERSIST);
    }
    free(text);
    wf_buf_fini(&buf);
    weft_m_profile_free(profile);
    weft_m_close(matcher);
}

TEST(M77_options_that_make_no_sense_are_refused)
{
    weft_matcher *matcher = open_three();
    weft_m_profile *profile = profile_of(matcher, 1, 10, 50, 0);
    weft_m_drift_report *report;
    weft_m_drift_options options;
    weft_m_error error;
    weft_m_drift_options_init(&options);
    options.method = STR("wasserstein");
    CHECK_EQ(weft_m_drift(&report, profile, profile, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.field, "method");
    weft_m_drift_options_init(&options);
    options.threshold = 0;
    CHECK_EQ(weft_m_drift(&report, profile, profile, &options, &error), -WEFT_M_EVALID);
    weft_m_profile *none;
    const weft_str one = STR("one");
    CHECK_EQ(weft_m_profile_take(&none, matcher, &one, 1, &error), -WEFT_M_EVALID);
    CHECK_EQ(weft_m_profile_load(&none, "/nowhere/at all", &error), -ENOENT);
    weft_m_profile_free(profile);
    weft_m_close(matcher);
}

static int all_calls(void)
{
    const weft_str texts[] = {STR("where is it"),       STR("lunch"),  STR("the parcel"),
                              STR("my parcel"),         STR("parcel"), STR("parcel?"),
                              STR("where is my parcel")};
    weft_matcher *matcher = NULL;
    weft_m_profile *profile = NULL;
    weft_m_drift_report *report = NULL;
    weft_m_error error;
    weft_text text = {0};
    int rc = open_rc(&matcher);
    if (rc == 0)
        rc = weft_m_profile_take(&profile, matcher, texts, 7, &error);
    if (rc == 0)
        rc = weft_m_drift(&report, profile, profile, NULL, &error);
    if (rc == 0)
        rc = weft_m_drift_report_json(report, &text);
    weft_text_free(&text);
    weft_m_drift_report_free(report);
    weft_m_profile_free(profile);
    weft_m_close(matcher);
    return rc;
}

SCENARIO(drift_survives_every_failure)
{
    return all_calls();
}
