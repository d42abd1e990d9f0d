/* SPDX-License-Identifier: MIT */

/* Gather, settle, race, any and map: whom they wait for, whom they cancel, and what they return. */

#include "property.h"

#include <weft/gather.h>

enum { RUNNERS_MAX = 5, HEATS = PROPERTY_ACTORS * PROPERTY_STEPS };
enum { GATHER, SETTLE, RACE, ANY, MAP };

struct heat;

struct runner {
    struct heat *heat;
    weft_time takes;
    int wants; /* the result, if it is not cancelled; with `is_deaf` also then */
    bool is_deaf;
    bool has_begun, has_ended;
    int rc;
    int place; /* in the order of ending, from 1 */
};

/* One call with its tasks; they outlive the actor's frames. */
struct heat {
    const struct actor *owner;
    struct runner runners[RUNNERS_MAX];
    weft_task tasks[RUNNERS_MAX];
    int count, ended;
    int running, running_max;
    bool is_called;  /* who waits has begun to */
    bool lacks_some; /* a task could not be made */
    bool has_won, has_failed;
};

static struct {
    struct heat heats[HEATS];
    int count;
    int kind;
} track;

static void track_begin(int kind)
{
    memset(&track, 0, sizeof track);
    track.kind = kind;
}

static bool is_told(void)
{
    return (wf_current()->root.flags & WF_NODE_EFFECTIVE) != 0;
}

/* Once the outcome is known, what is left has been cancelled, and nothing else begins.  An owner
 * that was cancelled itself tells them when it runs. */
static void heat_verify_told(const struct heat *heat)
{
    bool is_decided = track.kind == RACE ? heat->has_won : heat->has_failed;
    if (heat->is_called && is_decided && !actor_is_cancelled(heat->owner) &&
        (track.kind != SETTLE && track.kind != ANY))
        CHECK(is_told());
}

static int run(void *arg)
{
    struct runner *self = arg;
    struct heat *heat = self->heat;
    self->has_begun = true;
    heat_verify_told(heat);
    if (++heat->running > heat->running_max)
        heat->running_max = heat->running;
    int rc = weft_sleep(self->takes);
    self->rc = rc < 0 && !self->is_deaf ? rc : self->wants;
    heat_verify_told(heat);
    heat->has_won |= self->rc >= 0;
    heat->has_failed |= self->rc < 0;
    heat->running--;
    self->has_ended = true;
    self->place = ++heat->ended;
    return self->rc;
}

static struct heat *heat_new(struct actor *self)
{
    struct heat *heat = &track.heats[track.count++];
    heat->owner = self;
    heat->count = 1 + actor_random(self, RUNNERS_MAX);
    for (int i = 0; i < heat->count; i++) {
        struct runner *runner = &heat->runners[i];
        runner->heat = heat;
        runner->takes = (weft_time)actor_random(self, 40) * WEFT_US;
        runner->is_deaf = actor_random(self, 6) == 0;
        runner->wants = actor_random(self, 4) == 0 ? -EIO - i : 10 + i;
        if (track.kind == MAP)
            continue;
        heat->tasks[i] = weft_spawn(run, runner);
        heat->lacks_some |= weft_done(heat->tasks[i], NULL) == 1;
    }
    return heat;
}

/* ---- the model: by the order in which they ended ---- */

static const struct runner *heat_at(const struct heat *heat, int place)
{
    for (int i = 0; i < heat->count; i++)
        if (heat->runners[i].has_ended && heat->runners[i].place == place)
            return &heat->runners[i];
    return NULL;
}

/* The first of those that ended whose success is `wants_success`, or the last. */
static const struct runner *heat_find(const struct heat *heat, bool wants_success, bool wants_last)
{
    const struct runner *found = NULL;
    for (int place = 1; place <= heat->ended; place++) {
        const struct runner *at = heat_at(heat, place);
        if ((at->rc >= 0) == wants_success && (found == NULL || wants_last))
            found = at;
    }
    return found;
}

static void heat_verify_all_ended(const struct heat *heat)
{
    CHECK_EQ(heat->running, 0);
    for (int i = 0; i < heat->count; i++)
        CHECK_EQ(heat->runners[i].has_ended, heat->runners[i].has_begun);
}

static void verify_gather(const struct heat *heat, const struct actor *self, int rc)
{
    heat_verify_all_ended(heat);
    const struct runner *failed = heat_find(heat, false, false);
    if (rc == -ECANCELED && actor_is_cancelled(self))
        return;
    CHECK_EQ(rc, failed != NULL ? failed->rc : 0);
}

static void verify_settle(const struct heat *heat, const struct actor *self, int rc,
                          const int results[])
{
    heat_verify_all_ended(heat);
    int negative = 0;
    for (int i = 0; i < heat->count; i++) {
        CHECK_EQ(results[i], heat->runners[i].rc);
        negative += results[i] < 0;
    }
    if (rc == -ECANCELED)
        CHECK(actor_is_cancelled(self));
    else
        CHECK_EQ(rc, negative);
}

static void verify_race(const struct heat *heat, const struct actor *self, int rc)
{
    heat_verify_all_ended(heat);
    if (rc == -ECANCELED && actor_is_cancelled(self))
        return;
    const struct runner *won = heat_find(heat, true, false);
    if (won != NULL)
        CHECK_EQ(rc, won - heat->runners);
    else
        CHECK_EQ(rc, heat_find(heat, false, true)->rc);
}

/* `was_ended`: when the call began, in which case the oldest of these is taken. */
static void verify_any(const struct heat *heat, const struct actor *self, int rc)
{
    if (rc < 0) {
        CHECK_EQ(rc, -ECANCELED);
        CHECK(actor_is_cancelled(self));
        return;
    }
    CHECK_EQ(heat->runners[rc].place, 1);
}

/* ---- the steps ---- */

static int heat_map(struct heat *heat, struct actor *self)
{
    size_t limit = (size_t)actor_random(self, 4);
    heat->is_called = true;
    int rc = weft_map_limit(run, heat->runners, (size_t)heat->count, limit);
    if (limit != 0)
        CHECK_LE((size_t)heat->running_max, limit);
    for (int i = 1; i < heat->count; i++)
        CHECK(heat->runners[i - 1].has_begun || !heat->runners[i].has_begun);
    if (rc != -ENOMEM)
        verify_gather(heat, self, rc);
    if (rc >= 0)
        CHECK_EQ(heat->ended, heat->count);
    return rc;
}

static int heat_call(struct heat *heat, struct actor *self)
{
    size_t count = (size_t)heat->count;
    int rc, results[RUNNERS_MAX];
    heat->is_called = true;
    switch (track.kind) {
    case GATHER:
        rc = weft_gather_n(heat->tasks, count);
        break;
    case SETTLE:
        rc = weft_settle_n(heat->tasks, count, results);
        break;
    case RACE:
        rc = weft_race_n(heat->tasks, count);
        break;
    default:
        rc = weft_any_n(heat->tasks, count);
        break;
    }
    if (heat->lacks_some)
        return ACTOR_ENDS;
    if (track.kind == GATHER)
        verify_gather(heat, self, rc);
    else if (track.kind == SETTLE)
        verify_settle(heat, self, rc, results);
    else if (track.kind == RACE)
        verify_race(heat, self, rc);
    else
        verify_any(heat, self, rc);
    return rc;
}

static int track_step(struct actor *self)
{
    struct heat *heat = heat_new(self);
    if (track.kind == MAP)
        return heat_map(heat, self);
    int slept = actor_random(self, 3) == 0 ? weft_sleep(20 * WEFT_US) : 0;
    int rc = heat_call(heat, self);
    for (int i = 0; i < heat->count; i++)
        weft_release(heat->tasks[i]);
    return slept < 0 ? slept : rc;
}

static void track_end(void)
{
    for (int i = 0; i < track.count; i++)
        heat_verify_all_ended(&track.heats[i]);
}

#define TRACK_PROPERTY(name_, kind_)                                                               \
    PROPERTY(name_, .begin = track_begin, .step = track_step, .end = track_end, .shape = (kind_))

TRACK_PROPERTY(test_M01_gather_returns_the_first_failure_when_all_have_ended, GATHER)
TRACK_PROPERTY(test_M05_settle_has_every_result, SETTLE)
TRACK_PROPERTY(test_M06_race_returns_the_first_success_when_all_have_ended, RACE)
TRACK_PROPERTY(test_M07_any_returns_the_oldest_completion, ANY)
TRACK_PROPERTY(test_M08_map_starts_in_order_and_no_more_than_its_limit, MAP)
