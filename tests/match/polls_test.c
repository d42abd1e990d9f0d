/* SPDX-License-Identifier: MIT */

/*
 * Every look at a job, in turn, says that the work is to end, and no other one does: what one of
 * them says must reach the caller, leave nothing behind, and leave what was there as it was.
 */
#include "make.h"

#include "match/matcher_priv.h"
#include "match/novelty/strategy.h"

#include <stdlib.h>
#include <unistd.h>
#include <weft/blocking.h>
#include <weft/discover.h>
#include <weft/novelty.h>

/* ---- the looks ---- */

static size_t looks, halted_at; /* atomic: threads look too */

/* The linker puts one in the place of the other (--wrap). */
int poll_truly(const wf_job *job) __asm__("__real_wf_job_poll");
int poll_here(const wf_job *job) __asm__("__wrap_wf_job_poll");

int poll_here(const wf_job *job)
{
    size_t look = __atomic_add_fetch(&looks, 1, __ATOMIC_RELAXED);
    return look == halted_at ? -ECANCELED : poll_truly(job);
}

static void halt_at(size_t look)
{
    looks = 0;
    halted_at = look;
}

/* `work` frees what it makes.  The first looks are halted at one by one, after `dense` ever fewer.
 * Returns how many looks there are. */
static size_t sweep(const char *name, int (*work)(void), size_t dense)
{
    halt_at(0);
    CHECK_OK(work()); /* what is made once for all */
    size_t count = looks, blocks = live_blocks();
    for (size_t look = 1; look <= count; look += look < dense ? 1 : 1 + look / 4) {
        note("%s, look %zu of %zu", name, look, count);
        halt_at(look);
        int rc = work();
        CHECK_EQ(rc, looks < look ? 0 : -ECANCELED);
        CHECK_EQ(live_blocks(), blocks);
    }
    halt_at(0);
    return count;
}

/* ---- blocking ---- */

#define ROWS 3u
#define WORDS 12000u /* of a row, each with a space behind it */

static const char *kind;
static weft_m_entity long_rows[ROWS];

static void write_rows(void)
{
    static char text[ROWS][WORDS * 3];
    dice d = {7};
    for (size_t row = 0; row < ROWS; row++) {
        for (size_t i = 0; i < WORDS; i++) {
            text[row][3 * i] = (char)('a' + roll(&d, 26));
            text[row][3 * i + 1] = (char)('a' + roll(&d, 26));
            text[row][3 * i + 2] = ' ';
        }
        long_rows[row] =
            (weft_m_entity){.id = {&"012"[row], 1}, .name = {text[row], sizeof(text[row]) - 1}};
    }
}

static int make_blocker(void)
{
    weft_blocker *blocker = NULL;
    weft_m_error error = {0};
    int rc = weft_blocker_new(&blocker, kind, long_rows, ROWS, NULL, &error);
    CHECK_EQ(blocker != NULL, rc == 0);
    CHECK_EQ(error.rc, rc);
    weft_blocker_free(blocker);
    return rc;
}

/* A look while rows are read, and more than one each in listing, weighing and measuring 36,000
 * words and more. */
TEST(every_look_of_a_blocker_ends_it)
{
    static const char *const kinds[] = {"ngram", "bm25", "tfidf", "fuzzy"};
    write_rows();
    for (size_t i = 0; i < 4; i++) {
        kind = kinds[i];
        CHECK_GE(sweep(kind, make_blocker, 100), i < 3 ? 5 : 1);
    }
}

/* ---- mahalanobis ---- */

#define POINTS 40u

static wf_spot spots[POINTS];

static int make_mahalanobis(void)
{
    static uint32_t entity_of[POINTS];
    static float lengths[POINTS];
    const wf_job job = {0};
    wf_catalogue catalogue = {.entity_count = POINTS};
    wf_ground ground = {.catalogue = &catalogue,
                        .spots = spots,
                        .entity_of = entity_of,
                        .count = POINTS,
                        .centres = spots,
                        .lengths = lengths};
    void *state = NULL;
    int rc = wf_novel_mahalanobis.make(&state, &ground, NULL, &job);
    wf_novel_mahalanobis.destroy(state);
    return rc;
}

TEST(every_look_of_a_covariance_ends_it)
{
    for (size_t i = 0; i < POINTS; i++)
        spots[i] = (wf_spot){.at = {[0] = 50, [1] = (int8_t)i}, .inverse = 0.02f};
    CHECK_GE(sweep("mahalanobis", make_mahalanobis, 2 * POINTS + 2), 2 * POINTS + WF_SPACE_DIM);
}

/* ---- a matcher ---- */

static const weft_m_entity wares[] = {
    {.id = {"a", 1}, .name = {"green apple", 11}},
    {.id = {"b", 1}, .name = {"yellow banana", 13}},
    {.id = {"c", 1},
     .name = {"red cherry", 10},
     .extra = {"{\"hierarchy\":{\"parents\":[\"a\"]}}", 31}},
};
#define WARES 3u

static const weft_m_example examples[] = {
    {.text = {"an apple", 8}, .label = {"a", 1}}, {.text = {"granny smith", 12}, .label = {"a", 1}},
    {.text = {"bananas", 7}, .label = {"b", 1}},  {.text = {"plantain", 8}, .label = {"b", 1}},
    {.text = {"cherries", 8}, .label = {"c", 1}}, {.text = {"morello", 7}, .label = {"c", 1}},
};
#define EXAMPLES 6u

static const char *mode;

static weft_matcher *open_wares(void)
{
    weft_matcher *matcher;
    weft_m_options options;
    weft_m_options_init(&options);
    options.mode = str_of(mode);
    size_t at = halted_at;
    halt_at(0);
    CHECK_OK(weft_m_open(&matcher, wares, WARES, &options, NULL));
    halt_at(at);
    return matcher;
}

static int fit(void)
{
    weft_m_error error = {0};
    weft_m_fit_options options;
    weft_matcher *matcher = open_wares();
    bool learns = strcmp(mode, "hybrid") != 0;
    weft_m_fit_options_init(&options);
    options.mode = str_of(mode);
    int rc = weft_m_fit(matcher, learns ? examples : NULL, learns ? EXAMPLES : 0,
                        learns ? &options : NULL, &error);
    CHECK_EQ(error.rc, rc);
    if (rc < 0)
        CHECK(wf_matcher_snapshot(matcher) == NULL);
    weft_m_close(matcher);
    return rc;
}

TEST(every_look_of_a_fit_ends_it)
{
    static const char *const modes[] = {"hybrid", "head-only", "full", "bert"};
    for (size_t i = 0; i < 4; i++) {
        mode = modes[i];
        CHECK_GE(sweep(mode, fit, 40), 5);
    }
}

static char path[64];

static weft_matcher *fit_wares(void)
{
    weft_matcher *matcher = open_wares();
    size_t at = halted_at;
    halt_at(0);
    CHECK_OK(weft_m_fit(matcher, NULL, 0, NULL, NULL));
    halt_at(at);
    return matcher;
}

static int save(void)
{
    weft_m_error error = {0};
    weft_matcher *matcher = fit_wares();
    unlink(path);
    int rc = weft_m_save(matcher, path, &error);
    CHECK_EQ(error.rc, rc);
    CHECK_EQ(access(path, F_OK) == 0, rc == 0);
    weft_m_close(matcher);
    return rc;
}

static int load(void)
{
    weft_m_error error = {0};
    weft_matcher *matcher = NULL;
    int rc = weft_m_load(&matcher, path, NULL, &error);
    CHECK_EQ(error.rc, rc);
    CHECK_EQ(matcher != NULL, rc == 0);
    weft_m_close(matcher);
    return rc;
}

TEST(every_look_of_a_save_and_a_load_ends_it)
{
    snprintf(path, sizeof(path), "/tmp/weft-polls-%d.weftm", (int)getpid());
    mode = "zero-shot";
    CHECK_GE(sweep("save", save, 100), 5);
    halt_at(0);
    CHECK_OK(save());
    CHECK_GE(sweep("load", load, 100), 5);
    unlink(path);
}

#define TEXTS 6u

static int discover(void)
{
    static const weft_str texts[TEXTS] = {
        {"where is my parcel", 18}, {"where is the parcel", 19}, {"a parcel is where", 17},
        {"vegan lunch menu", 16},   {"vegan menu", 10},          {"lunch menu", 10},
    };
    weft_m_error error = {0};
    weft_m_discovery *found = NULL;
    weft_m_discover_options options;
    weft_matcher *matcher = fit_wares();
    weft_m_discover_options_init(&options);
    options.all_are_novel = true;
    int rc = weft_m_discover(matcher, texts, TEXTS, &options, &found, &error);
    CHECK_EQ(error.rc, rc);
    CHECK_EQ(found != NULL, rc == 0);
    weft_m_discovery_free(found);
    weft_m_close(matcher);
    return rc;
}

TEST(every_look_of_a_discovery_ends_it)
{
    mode = "zero-shot";
    CHECK_GE(sweep("discover", discover, 40), 40);
}

static int open_checked(void)
{
    weft_m_error error = {0};
    weft_matcher *matcher = NULL;
    weft_m_options options;
    weft_m_options_init(&options);
    options.check_hierarchy = true;
    int rc = weft_m_open(&matcher, wares, WARES, &options, &error);
    CHECK_EQ(error.rc, rc);
    CHECK_EQ(matcher != NULL, rc == 0);
    weft_m_close(matcher);
    return rc;
}

TEST(every_look_of_a_checked_hierarchy_ends_it)
{
    CHECK_GE(sweep("open", open_checked, 100), 2);
}
