/* SPDX-License-Identifier: MIT */

/* Scopes, deadlines and shields, nested at random, against rule S03 read as a program. */

#include "property.h"

enum { DEPTH_MAX = 5 };

/* Waits end at whole microseconds and deadlines lie between, so nothing happens at one instant. */
enum { TICK = WEFT_US, HALF = WEFT_US / 2 };

/* A scope as the rules see it.  The root has no deadline and no shield. */
struct level {
    struct level *up;
    weft_scope *scope;
    weft_time deadline;
    bool is_shield;
    enum weft_reason cause; /* NONE, SCOPE or DEADLINE: whichever came first */
};

static void nothing_to_begin(int shape)
{
    (void)shape;
}

static void nothing_to_end(void)
{
}

/* ---- the rules ---- */

/* Deadlines that lie behind us have cancelled their scopes.  A wait notices on entry (rule S06), as
 * far as it can see; when time has passed, all are noticed. */
static void level_look(struct level *level, bool sees_behind_shields)
{
    for (; level != NULL; level = level->up) {
        if (level->cause == WEFT_REASON_NONE && level->deadline <= weft_now())
            level->cause = WEFT_REASON_DEADLINE;
        if (level->is_shield && !sees_behind_shields)
            break;
    }
}

static bool level_is_cancelled(const struct level *level)
{
    for (; level != NULL; level = level->up) {
        if (level->cause != WEFT_REASON_NONE)
            return true;
        if (level->is_shield)
            return false;
    }
    return false;
}

/* When a wait begun now would be cut off. */
static weft_time level_next_deadline(const struct level *level)
{
    weft_time next = WEFT_FOREVER;
    for (; level != NULL; level = level->up) {
        if (level->deadline < next)
            next = level->deadline;
        if (level->is_shield)
            break;
    }
    return next;
}

/* Rule S03. */
static int level_close_rc(const struct level *level, int rc)
{
    if (rc != -ECANCELED || level_is_cancelled(level->up))
        return rc;
    if (level->cause == WEFT_REASON_DEADLINE)
        return -ETIMEDOUT;
    return level->cause == WEFT_REASON_SCOPE ? 0 : rc;
}

/* ---- the program ---- */

static weft_time ticks_from_now(struct actor *self, int ticks_max)
{
    weft_time whole = (weft_now() + TICK - 1) / TICK;
    return (whole + 1 + actor_random(self, ticks_max)) * TICK;
}

static bool root_is_cancelled(const struct actor *self)
{
    return (self->record->root.flags & WF_NODE_EFFECTIVE) != 0;
}

/* A sleep ends at its time, or at the first deadline before that. */
static int level_sleep(struct actor *self, struct level *level)
{
    weft_time begin = weft_now(), end = ticks_from_now(self, 8);
    level_look(level, /* sees_behind_shields= */ false);
    bool is_cancelled = level_is_cancelled(level);
    weft_time cut = level_next_deadline(level);
    int rc = weft_sleep(end - begin);
    level_look(level, /* sees_behind_shields= */ !is_cancelled);
    if (root_is_cancelled(self))
        return -ECANCELED; /* the sweep's: the actor ends, and no rule here speaks of it */
    if (is_cancelled) {
        CHECK_EQ(rc, -ECANCELED);
        CHECK_EQ(weft_now(), begin);
    } else {
        CHECK_EQ(rc, cut < end ? -ECANCELED : 0);
        CHECK_EQ(weft_now(), cut < end ? cut : end);
    }
    return rc;
}

static void level_move_deadline(struct actor *self, struct level *level)
{
    if (level->cause != WEFT_REASON_NONE || level->up == NULL)
        return;
    level->deadline = actor_random(self, 4) == 0 ? WEFT_FOREVER : ticks_from_now(self, 20) + HALF;
    weft_scope_set_deadline(level->scope, level->deadline);
}

static void level_cancel(struct level *level)
{
    if (level->up == NULL)
        return;
    if (level->cause == WEFT_REASON_NONE)
        level->cause = WEFT_REASON_SCOPE;
    weft_scope_cancel(level->scope, "at random");
}

static struct level *level_pick(struct actor *self, struct level *level)
{
    for (int up = actor_random(self, 3); up > 0 && level->up != NULL; up--)
        level = level->up;
    return level;
}

static int level_run(struct actor *self, struct level *level, int depth);

static int level_open(struct actor *self, struct level *up, int depth)
{
    weft_scope scope;
    struct level level = {.up = up, .scope = &scope, .deadline = WEFT_FOREVER};
    level.is_shield = actor_random(self, 3) == 0;
    int dice = actor_random(self, 8);
    if (dice == 0)
        level.deadline = weft_now() - 1; /* rule S06 */
    else if (dice < 6)
        level.deadline = ticks_from_now(self, 20) + HALF;
    uint32_t flags = level.is_shield ? WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS : 0; /* meant so */
    CHECK_OK(weft_scope_open(&scope, level.deadline, flags));

    int rc = level_run(self, &level, depth + 1);
    int expected = level_close_rc(&level, rc);
    int closed = weft_scope_close(&scope, rc);
    if (!root_is_cancelled(self))
        CHECK_EQ(closed, expected);
    return closed;
}

static int level_run(struct actor *self, struct level *level, int depth)
{
    int rc = 0;
    for (int i = 0; i < 4; i++) {
        int dice = actor_random(self, 10);
        if (dice == 0)
            level_cancel(level_pick(self, level));
        else if (dice == 1)
            level_move_deadline(self, level_pick(self, level));
        else if (dice == 2 && depth > 0)
            return actor_random(self, 2) == 0 ? -EIO : 5; /* rule S04 */
        else if (dice < 7 && depth < DEPTH_MAX)
            rc = level_open(self, level, depth);
        else
            rc = level_sleep(self, level);
        if (rc == -ECANCELED)
            return rc;
    }
    return rc;
}

static int nest_step(struct actor *self)
{
    struct level root = {.deadline = WEFT_FOREVER};
    return level_run(self, &root, 0);
}

PROPERTY(test_S03_scopes_deadlines_and_shields_nest, .begin = nothing_to_begin, .step = nest_step,
         .end = nothing_to_end, .has_no_peers = true)
