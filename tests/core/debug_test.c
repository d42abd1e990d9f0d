/* SPDX-License-Identifier: MIT */

/* Debug mode and debug builds: what they say, and that release is silent. */

#include "harness/harness.h"

#include <weft.h>

#include <stdlib.h>

/* What a run logged. */
struct said {
    int lines;
    char text[4096];
};

static void keep_line(const char *line, void *arg)
{
    struct said *said = arg;
    size_t used = strlen(said->text);
    snprintf(said->text + used, sizeof said->text - used, "%s\n", line);
    said->lines++;
    note("said: %s", line);
}

static struct said run_with_flags(unsigned flags, weft_fn *fn, void *arg)
{
    struct said said = {0};
    weft_config config = {
        .platform = test_platform(), .flags = flags, .log = keep_line, .log_arg = &said};
    CHECK_OK(weft_run_with(&config, fn, arg));
    return said;
}

static struct said run_in_debug_mode(weft_fn *fn, void *arg)
{
    return run_with_flags(WEFT_RUN_DEBUG, fn, arg);
}

static void check_said(const struct said *said, const char *text)
{
    CHECK_EQ(said->lines, 1);
    note("looked for: %s", text);
    CHECK(strstr(said->text, text) != NULL);
}

/* ---- S10 ---- */

static void shield_for(weft_time deadline, unsigned flags)
{
    weft_scope scope;
    CHECK_OK(weft_scope_open(&scope, deadline, WEFT_SCOPE_SHIELD | flags));
    weft_scope_end_(&scope);
}

static int body_shields(void *arg)
{
    for (int i = 0; i < 3; i++)
        shield_for(WEFT_FOREVER, *(unsigned *)arg);
    shield_for(weft_after(WEFT_SEC), 0);
    return 0;
}

TEST(test_S10_a_shield_without_a_deadline_is_told_once_a_place)
{
    unsigned nothing = 0;
    struct said said = run_in_debug_mode(body_shields, &nothing);
    check_said(&said, "task main opened a shield without a deadline");
    CHECK(strstr(said.text, "spawned: main at weft_run") != NULL);
}

TEST(test_S10_a_shield_that_is_meant_to_be_endless_is_not_told)
{
    unsigned meant = WEFT_SCOPE_ENDLESS;
    CHECK_EQ(run_in_debug_mode(body_shields, &meant).lines, 0);
}

TEST(test_S10_without_debug_mode_nothing_is_told)
{
    unsigned nothing = 0;
    CHECK_EQ(run_with_flags(0, body_shields, &nothing).lines, WF_DEBUG_CHECKS);
    CHECK_OK(setenv("WEFT_DEBUG", "0", 1));
    CHECK_EQ(run_in_debug_mode(body_shields, &nothing).lines, 0);
    CHECK_OK(setenv("WEFT_DEBUG", "1", 1));
    CHECK_EQ(run_with_flags(0, body_shields, &nothing).lines, 1);
}

/* ---- T06 ---- */

static int body_sleeps(void *arg)
{
    (void)arg;
    return weft_sleep(WEFT_SEC);
}

/* The child may read the frame, which stays as it is; but it is no object of C any more. */
static int body_lends_its_frame(void *arg)
{
    int lent = 1;
    (void)arg;
    weft_release(weft_spawn(body_sleeps, &lent));
    return 0;
}

static int body_lends_it_to_a_group(void *arg)
{
    int lent = 1;
    WEFT_GROUP(group);
    (void)arg;
    CHECK_OK(weft_group_spawn(group, body_lends_its_frame, &lent));
    return weft_group_wait(group);
}

/* A child's child. */
static int body_hands_on(void *arg)
{
    weft_release(weft_spawn(body_sleeps, arg));
    return 0;
}

static int body_lends_it_far(void *arg)
{
    int lent = 1;
    (void)arg;
    weft_release(weft_spawn(body_hands_on, &lent));
    return weft_yield();
}

struct letter {
    int number;
};

static int body_lends_what_it_was_given(void *arg)
{
    weft_release(weft_spawn(body_sleeps, arg));
    return 0;
}

static int body_spawns_the_innocent(void *arg)
{
    struct letter letter = {1};
    WEFT_TRY(weft_await(weft_spawn_copy(body_sleeps, letter)));
    WEFT_TRY(weft_await(weft_spawn_copy(body_lends_what_it_was_given, letter)));
    weft_release(weft_spawn_copy(body_sleeps, letter));
    return weft_await(weft_spawn(body_hands_on, arg));
}

TEST(test_T06_in_debug_builds_a_pointer_into_a_finished_frame_is_told)
{
    static const struct {
        weft_fn *fn;
        const char *spawned;
    } table[] = {
        {body_lends_its_frame, "spawned: body_sleeps at "},
        {body_lends_it_to_a_group, "spawned: body_sleeps at "},
        {body_lends_it_far, "spawned: body_sleeps at "},
    };
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        note("row %zu", i);
        struct said said = run_with_flags(0, table[i].fn, NULL);
        CHECK_EQ(said.lines, WF_DEBUG_CHECKS);
        if (!WF_DEBUG_CHECKS)
            continue;
        CHECK(strstr(said.text, "was given a pointer into the frame of its spawner's body") !=
              NULL);
        CHECK(strstr(said.text, table[i].spawned) != NULL);
    }
}

TEST(test_T06_what_lives_longer_than_the_frame_is_not_told)
{
    int lives = 1;
    CHECK_EQ(run_in_debug_mode(body_spawns_the_innocent, &lives).lines, 0);
}
