/* SPDX-License-Identifier: MIT */

/* Profiles of texts, and how far apart they are. */
#include "make.h"

#include "match/drift/gaussian.h"
#include "match/matcher_priv.h"

#include <math.h>
#include <stdio.h>
#include <unistd.h>
#include <weft/drift.h>

enum { COUNT = 400 };

static int open_rc_with(weft_matcher **out, const weft_m_options *options)
{
    const weft_m_entity entities[] = {
        {.id = STR("parcel"), .name = STR("where is my parcel")},
        {.id = STR("lunch"), .name = STR("what is for lunch")},
        {.id = STR("rate"), .name = STR("exchange rate")},
    };
    return weft_m_open(out, entities, 3, options, NULL);
}

static int open_rc(weft_matcher **out)
{
    return open_rc_with(out, NULL);
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
            CHECK(!report->is_detected);
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

/* That is for calls whose answers somebody gets. */
TEST(a_profile_has_more_texts_than_a_call_may_ask)
{
    weft_m_options options;
    weft_m_options_init(&options);
    options.query_count_max = COUNT / 4;
    weft_matcher *few, *many = open_three();
    CHECK_OK(open_rc_with(&few, &options));
    weft_m_profile *of_few = profile_of(few, 1, COUNT, 50, 0);
    weft_m_profile *of_many = profile_of(many, 1, COUNT, 50, 0);
    CHECK_EQ(weft_m_profile_text_count(of_few), (size_t)COUNT);
    CHECK_EQ(of_few->class_count, of_many->class_count);
    for (size_t i = 0; i < of_many->class_count; i++)
        CHECK_EQ(of_few->classes[i].count, of_many->classes[i].count);
    weft_m_profile_free(of_few);
    weft_m_profile_free(of_many);
    weft_m_close(few);
    weft_m_close(many);
}

/* ---- the maths, against matrices written out ---- */

enum { DIM = WF_SPACE_DIM };
typedef double matrix[DIM][DIM];

static size_t place_of(size_t row, size_t column)
{
    size_t r = row > column ? row : column, c = row > column ? column : row;
    return r * (r + 1) / 2 + c;
}

static void write_out(const wf_spread *spread, matrix out)
{
    for (size_t r = 0; r < DIM; r++) {
        for (size_t c = 0; c < DIM; c++)
            out[r][c] = (double)spread->covariance[place_of(r, c)];
    }
}

static double trace_of(matrix a)
{
    double sum = 0;
    for (size_t i = 0; i < DIM; i++)
        sum += a[i][i];
    return sum;
}

/* row += factor * other.  All the time of these matrices goes by here. */
static void add_row(double *row, const double *other, double factor, size_t count)
{
    for (size_t c = 0; c < count; c++)
        row[c] += factor * other[c];
}

static void multiply(matrix a, matrix b, matrix out)
{
    memset(out, 0, sizeof(matrix));
    for (size_t r = 0; r < DIM; r++) {
        for (size_t k = 0; k < DIM; k++)
            add_row(out[r], b[k], a[r][k], DIM);
    }
}

/* That of the product, which need not be made for it. */
static double trace_of_product(matrix a, matrix b)
{
    double sum = 0;
    for (size_t r = 0; r < DIM; r++) {
        for (size_t k = 0; k < DIM; k++)
            sum += a[r][k] * b[k][r];
    }
    return sum;
}

/* In its place by Gauss and Jordan; it is positive definite, so any pivots do.  The logarithm of
 * the determinant. */
static double invert(matrix a)
{
    double log_determinant = 0;
    for (size_t k = 0; k < DIM; k++) {
        double pivot = a[k][k];
        log_determinant += log(pivot);
        a[k][k] = 1;
        for (size_t c = 0; c < DIM; c++)
            a[k][c] /= pivot;
        for (size_t r = 0; r < DIM; r++) {
            double factor = a[r][k];
            if (r == k)
                continue;
            a[r][k] = 0;
            add_row(a[r], a[k], -factor, DIM);
        }
    }
    return log_determinant;
}

/* The mean and covariance of `count` points drawn at random, of unequal variances and dependent. */
static void draw_spread(wf_spread *out, uint64_t seed, size_t count, double wide)
{
    static matrix products;
    double sum[DIM] = {0};
    dice d = {seed};
    memset(products, 0, sizeof(products));
    for (size_t i = 0; i < count; i++) {
        double point[DIM], last = 0;
        for (size_t k = 0; k < DIM; k++) {
            double fresh = ((double)roll(&d, 2001) - 1000) / 1000;
            last = point[k] = (0.05 + wide * (double)k / DIM) * fresh + 0.5 * last;
            sum[k] += point[k];
        }
        for (size_t r = 0; r < DIM; r++)
            add_row(products[r], point, point[r], r + 1);
    }
    out->count = count;
    out->covariance = malloc(WF_SPREAD_NUMBERS * sizeof(float));
    for (size_t r = 0; r < DIM; r++) {
        out->mean[r] = (float)(sum[r] / (double)count);
        for (size_t c = 0; c <= r; c++)
            out->covariance[place_of(r, c)] =
                (float)((products[r][c] - sum[r] * sum[c] / (double)count) / ((double)count - 1));
    }
}

/* Equation 23 of the paper, by the square of the matrix. */
static double shrinkage_of(const wf_spread *spread)
{
    static matrix s;
    write_out(spread, s);
    double one = trace_of(s), two = trace_of_product(s, s), p = DIM, n = (double)spread->count;
    double share = ((1 - 2 / p) * two + one * one) / ((n + 1 - 2 / p) * (two - one * one / p));
    return share < 1 ? share : 1;
}

/* The divergence, and what the header says of chance, by inverses and products written out. */
static double divergence_of(const wf_spread *before, const wf_spread *after)
{
    static matrix b, c, a, c_shrunk, ignored, ab;
    double share = fmax(fmax(shrinkage_of(before), shrinkage_of(after)), 0.1);
    write_out(before, b);
    write_out(after, c);
    double n = (double)before->count, m = (double)after->count;
    double mean = (n * trace_of(b) + m * trace_of(c)) / (n + m) / DIM;
    for (size_t r = 0; r < DIM; r++) {
        for (size_t k = 0; k < DIM; k++) {
            double added = r == k ? share * mean + 1e-6 : 0;
            a[r][k] = (1 - share) * b[r][k] + added;
            c_shrunk[r][k] = (1 - share) * c[r][k] + added;
        }
    }
    memcpy(ignored, c_shrunk, sizeof(matrix));
    double log_after = invert(ignored), log_before = invert(a);
    multiply(a, b, ab);
    double of_b = trace_of(ab), of_c = trace_of_product(a, c), way = 0;
    for (size_t r = 0; r < DIM; r++) {
        for (size_t k = 0; k < DIM; k++)
            way += ((double)after->mean[r] - (double)before->mean[r]) * a[r][k] *
                   ((double)after->mean[k] - (double)before->mean[k]);
    }
    double all = (trace_of_product(a, c_shrunk) - DIM + way + log_before - log_after) / 2;
    double kept = (1 - share) * (1 - share);
    double chance =
        (1 / n + 1 / m) * (of_c / 2 + kept * (of_b * of_c + trace_of_product(ab, ab)) / 4);
    return (all - chance) / DIM;
}

TEST(M77_the_gaussian_divergence_is_that_of_matrices_written_out)
{
    static const struct {
        size_t before, after;
        double wide;
    } cases[] = {{300, 40, 0.3}, {12, 300, 0.1}};
    for (size_t i = 0; i < test_amount(sizeof(cases) / sizeof(*cases), 1); i++) {
        static wf_spread before, after;
        double found;
        draw_spread(&before, 3 + i, cases[i].before, 0.1);
        draw_spread(&after, 77 + i, cases[i].after, cases[i].wide);
        CHECK_NEAR(wf_shrinkage(before.covariance, before.count), shrinkage_of(&before), 1e-9);
        CHECK_OK(wf_gaussian_divergence(&before, &after, &found));
        double expected = divergence_of(&before, &after);
        note("%zu, %zu: %.9f, %.9f", cases[i].before, cases[i].after, found, expected);
        CHECK_NEAR(found, expected, 1e-7 * (1 + fabs(expected)));
        free(before.covariance);
        free(after.covariance);
    }
}

/* Of many points, whose covariances need little shrinking, with the closed form by hand. */
TEST(M77_methods_are_the_formulas)
{
    static wf_spread a, b;
    double score;
    a = (wf_spread){.count = 1000000000};
    b = (wf_spread){.count = 1000000000};
    a.covariance = calloc(WF_SPREAD_NUMBERS, sizeof(float));
    b.covariance = calloc(WF_SPREAD_NUMBERS, sizeof(float));
    for (size_t k = 0; k < DIM; k++)
        a.covariance[place_of(k, k)] = b.covariance[place_of(k, k)] = 0.5f;
    a.mean[0] = 0.6f;
    b.mean[1] = 0.8f;
    double slack = 1e-3;
    CHECK_NEAR(wf_spread_trace(&a), DIM / 2.0, 1e-9);
    CHECK_OK(wf_drift_method_of(STR("mmd_linear"))->measure(&a, &b, &score));
    CHECK_NEAR(score, 1, slack);
    CHECK_OK(wf_drift_method_of(STR("cosine_centroid"))->measure(&a, &b, &score));
    CHECK_NEAR(score, 1, slack);
    /* Spheres stay what they are, however much they are shrunk.  Means: (0.36 + 0.64) / 0.5 / 2. */
    CHECK_NEAR(wf_shrinkage(a.covariance, a.count), 1, 1e-12);
    CHECK_OK(wf_drift_method_of(STR("kl_gaussian"))->measure(&a, &b, &score));
    CHECK_NEAR(score * DIM, 1, slack);
    free(a.covariance);
    free(b.covariance);
}

/* Variances are as before, only numbers that were independent go together now. */
TEST(M77_the_gaussian_divergence_sees_what_variances_do_not)
{
    static wf_spread before, after;
    double same, other, mean;
    draw_spread(&before, 5, 1200, 0);
    draw_spread(&after, 6, 1200, 0);
    CHECK_OK(wf_gaussian_divergence(&before, &after, &same));
    for (size_t r = 0; r < DIM; r++) { /* each with the one before it, the other way round */
        for (size_t c = 0; c < r; c++)
            after.covariance[place_of(r, c)] *= (r - c) % 2 != 0 ? -1 : 1;
    }
    CHECK_OK(wf_gaussian_divergence(&before, &after, &other));
    CHECK_OK(wf_drift_method_of(STR("mmd_linear"))->measure(&before, &after, &mean));
    note("%g %g %g", same, other, mean);
    CHECK(same < 0.01);
    CHECK(other > 0.2);
    CHECK(mean < 0.01);
    free(before.covariance);
    free(after.covariance);
}

TEST(M77_a_covariance_that_is_none_is_refused_and_named)
{
    weft_matcher *matcher = open_three();
    weft_m_profile *before = profile_of(matcher, 1, COUNT, 50, 0);
    weft_m_profile *after = profile_of(matcher, 2, COUNT, 50, 0);
    weft_m_drift_report *report;
    weft_m_drift_options options;
    weft_m_error error;
    CHECK_GT(after->class_count, 0u);
    weft_m_drift_options_init(&options);
    options.method = STR("kl_gaussian");
    after->classes[0].covariance[place_of(9, 4)] = 3; /* more than both variances allow */
    CHECK_EQ(weft_m_drift(&report, before, after, &options, &error), -WEFT_M_EVALID);
    CHECK(strstr(error.message, "not positive definite: that of entity ") != NULL);
    CHECK(strstr(error.message, after->classes[0].id.ptr) != NULL);
    after->all.covariance[place_of(9, 4)] = 3;
    CHECK_EQ(weft_m_drift(&report, before, after, &options, &error), -WEFT_M_EVALID);
    CHECK(strstr(error.message, "that of all texts") != NULL);
    weft_m_profile_free(before);
    weft_m_profile_free(after);
    weft_m_close(matcher);
}

/* The points are placed twice here: by the profile and by hand. */
TEST(M77_a_profile_has_the_covariance_of_its_points)
{
    static const char *const words[] = {"where is my parcel", "my parcel", "parcel",   "parcel now",
                                        "a parcel",           "lunch",     "for lunch"};
    enum { TEXTS = 7 };
    weft_str texts[TEXTS];
    static float points[TEXTS][DIM];
    weft_matcher *matcher = open_three();
    weft_m_profile *profile;
    wf_space space;
    for (size_t i = 0; i < TEXTS; i++)
        texts[i] = str_of(words[i]);
    CHECK_OK(weft_m_profile_take(&profile, matcher, texts, TEXTS, NULL));
    wf_seeker *seeker = wf_seekers_take(&matcher->seekers);
    CHECK_OK(wf_space_init(&space));
    wf_space_weigh(&space);
    for (size_t i = 0; i < TEXTS; i++)
        CHECK_OK(wf_space_place(&space, seeker, texts[i], points[i]));
    CHECK_EQ(profile->class_count, 1u);
    for (size_t kind = 0; kind < 2; kind++) { /* all; the parcels, which are the first five */
        const wf_spread *spread = kind == 0 ? &profile->all : &profile->classes[0];
        size_t count = kind == 0 ? TEXTS : 5;
        CHECK_EQ(spread->count, count);
        for (size_t r = 0; r < DIM; r++) {
            for (size_t c = 0; c <= r; c++) {
                double mean_r = 0, mean_c = 0, sum = 0;
                for (size_t i = 0; i < count; i++) {
                    mean_r += (double)points[i][r] / (double)count;
                    mean_c += (double)points[i][c] / (double)count;
                }
                for (size_t i = 0; i < count; i++)
                    sum += ((double)points[i][r] - mean_r) * ((double)points[i][c] - mean_c);
                double expected = sum / ((double)count - 1);
                CHECK(fabs((double)spread->covariance[place_of(r, c)] - expected) < 1e-7);
                CHECK(fabs((double)spread->mean[r] - mean_r) < 1e-6);
            }
        }
    }
    wf_space_fini(&space);
    wf_seekers_give(&matcher->seekers, seeker);
    weft_m_profile_free(profile);
    weft_m_close(matcher);
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

/* As everywhere: an id that was given as an integer is shown as one, also out of a file. */
TEST(M77_ids_are_strings_or_integers_as_given)
{
    const weft_m_entity entities[] = {
        {.id = STR("7"), .name = STR("where is my parcel"), .id_is_integer = true},
        {.id = STR("8"), .name = STR("what is for lunch")},
    };
    static const char *const forged[] = {"\"id\":07,", "\"id\":7.0,", "\"id\":7e0,", "\"id\":[7],"};
    weft_matcher *matcher;
    weft_m_profile *taken, *read = NULL;
    weft_text json;
    wf_buf file = {0};
    wf_reason reason;
    CHECK_OK(weft_m_open(&matcher, entities, 2, NULL, NULL));
    taken = profile_of(matcher, 1, COUNT, 50, 0);
    wf_profile_write(taken, &file);
    CHECK_OK(wf_profile_read(&read, wf_buf_ptr(&file), wf_buf_bytes(&file), &reason));
    weft_m_drift_report *report = compare(read, read, "mmd_linear");
    CHECK_OK(weft_m_drift_report_json(report, &json));
    CHECK(strstr(json.ptr, "{\"id\":7,") != NULL && strstr(json.ptr, "{\"id\":\"8\",") != NULL);
    weft_m_profile_free(read);
    for (size_t i = 0; i < sizeof(forged) / sizeof(*forged); i++) {
        const char *at = memmem(wf_buf_ptr(&file), wf_buf_bytes(&file), "\"id\":7,", 7);
        wf_buf other = {0};
        CHECK(at != NULL);
        wf_buf_append(&other, wf_buf_ptr(&file), (size_t)(at - wf_buf_ptr(&file)));
        wf_buf_puts(&other, forged[i]);
        at += 7;
        wf_buf_append(&other, at, (size_t)(wf_buf_ptr(&file) + wf_buf_bytes(&file) - at));
        CHECK(wf_profile_read(&read, wf_buf_ptr(&other), wf_buf_bytes(&other), &reason) < 0);
        wf_buf_fini(&other);
    }
    weft_text_free(&json);
    weft_m_drift_report_free(report);
    wf_buf_fini(&file);
    weft_m_profile_free(taken);
    weft_m_close(matcher);
}

/* A byte changed, the end missing: refused, or what was there before. */
TEST(M77_a_spoilt_profile_is_refused)
{
    weft_matcher *matcher = open_three();
    weft_m_profile *profile = profile_of(matcher, 1, 60, 50, 0), *loaded;
    wf_buf buf = {0};
    wf_profile_write(profile, &buf);
    size_t bytes = wf_buf_bytes(&buf);
    wf_reason reason = {""};
    char *text = malloc(bytes);
    memcpy(text, wf_buf_ptr(&buf), bytes);
    dice d = {9};
    for (size_t i = 0; i < 40;
         i++) { /* what comes before all the numbers is seldom met by chance */
        size_t at = roll(&d, i % 4 == 0 ? 120 : bytes);
        char old = text[at];
        text[at] = "0123456789.,:[]{}\"e-x"[roll(&d, 21)];
        int rc = wf_profile_read(&loaded, text, bytes, &reason);
        CHECK(rc == -WEFT_M_EPERSIST || rc == 0);
        if (rc == 0) { /* a digit beyond the last that counts */
            CHECK(memcmp(loaded->all.mean, profile->all.mean, sizeof(profile->all.mean)) == 0);
            CHECK_EQ(loaded->time, profile->time);
            weft_m_profile_free(loaded);
        }
        text[at] = old;
        CHECK_EQ(wf_profile_read(&loaded, text, at > bytes - 2 ? bytes - 2 : at, &reason),
                 -WEFT_M_EPERSIST);
    }
    free(text);
    wf_buf_fini(&buf);
    weft_m_profile_free(profile);
    weft_m_close(matcher);
}

static int load_text(const char *text, weft_m_error *error)
{
    char path[] = "/tmp/weft-drift-XXXXXX";
    weft_m_profile *loaded;
    int fd = mkstemp(path);
    CHECK(fd >= 0);
    CHECK_EQ(write(fd, text, strlen(text)), (ssize_t)strlen(text));
    close(fd);
    int rc = weft_m_profile_load(&loaded, path, error);
    unlink(path);
    return rc;
}

TEST(M77_a_file_that_is_no_profile_of_this_version_says_so)
{
    static const struct {
        const char *text, *why;
    } cases[] = {
        {"{\"weft_profile\":1,\"time\":1,\"texts\":2}",
         ": a profile of version 1; this program reads version 2: take it again"},
        {"{\"weft_profile\":3}", ": a profile of version 3; this program reads version 2"},
        {"{\"weft_profile\":2,\"time\":1}", ": a profile of texts that was changed"},
        {"{}", ": no profile of texts"},
        {"[", ": no profile of texts, or one that was changed"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        weft_m_error error;
        CHECK_EQ(load_text(cases[i].text, &error), -WEFT_M_EPERSIST);
        note("%s", error.message);
        CHECK(strstr(error.message, cases[i].why) != NULL);
        CHECK(strncmp(error.message, "/tmp/weft-drift-", 16) == 0);
    }
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
    options.method = STR("\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5"
                         "\u65e5\u65e5\u65e5");
    CHECK_EQ(weft_m_drift(&report, profile, profile, &options, &error), -WEFT_M_EVALID);
    CHECK_STR(error.message, "Unknown drift method: \u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5"
                             "\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5");
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
    weft_m_drift_options options;
    weft_m_drift_options_init(&options);
    options.method = STR("kl_gaussian"); /* needs memory */
    int rc = open_rc(&matcher);
    if (rc == 0)
        rc = weft_m_profile_take(&profile, matcher, texts, 7, &error);
    if (rc == 0)
        rc = weft_m_drift(&report, profile, profile, &options, &error);
    if (rc == 0)
        rc = weft_m_drift_report_json(report, &text);
    weft_text_free(&text);
    weft_m_drift_report_free(report);
    weft_m_profile_free(profile);
    weft_m_close(matcher);
    return rc;
}

WORK_SCENARIO(drift_survives_every_failure)
{
    return all_calls();
}

static int save_and_load(const char *path)
{
    const weft_str texts[] = {STR("parcel"),   STR("my parcel"), STR("the parcel"),
                              STR("parcel ?"), STR("parcels"),   STR("lunch")};
    weft_matcher *matcher = NULL;
    weft_m_profile *profile = NULL, *loaded = NULL;
    weft_m_error error;
    int rc = open_rc(&matcher);
    if (rc == 0)
        rc = weft_m_profile_take(&profile, matcher, texts, 6, &error);
    if (rc == 0)
        rc = weft_m_profile_save(profile, path, &error);
    if (rc == 0)
        rc = weft_m_profile_load(&loaded, path, &error);
    if (rc == 0) {
        CHECK_EQ(loaded->class_count, 1u);
        CHECK_EQ(memcmp(loaded->classes[0].covariance, profile->classes[0].covariance,
                        WF_SPREAD_NUMBERS * sizeof(float)),
                 0);
    }
    weft_m_profile_free(loaded);
    weft_m_profile_free(profile);
    weft_m_close(matcher);
    return rc;
}

WORK_SCENARIO(profile_files_survive_every_failure)
{
    char path[64];
    snprintf(path, sizeof(path), "/tmp/weft-drift-%d", (int)getpid());
    int rc = save_and_load(path);
    unlink(path);
    return rc;
}
