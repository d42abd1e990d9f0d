/* SPDX-License-Identifier: MIT */

/* Group: nobody leaves before the last member, and the first failure in time is the result. */

#include "property.h"

#include <weft/group.h>

enum { MEMBERS_MAX = 6, TEAMS = PROPERTY_ACTORS * PROPERTY_STEPS };

struct team;

struct member {
    struct team *team;
    uint64_t random;
    int rc; /* what it came to */
    bool is_spawned, has_ended, has_failed;
};

/* One group, from open to end.  They outlive their actor's frames. */
struct team {
    weft_group group;
    int count; /* of members that were asked for */
    struct member members[MEMBERS_MAX];
    int running;
    bool was_left; /* without a wait */
    int failed;
    int first_rc; /* of the first that failed */
};

static struct {
    struct team teams[TEAMS];
    int count;
    bool some_cancel; /* members cancel their group */
} league;

static void league_begin(int some_cancel)
{
    memset(&league, 0, sizeof league);
    league.some_cancel = some_cancel != 0;
}

static int play(void *arg);

static void team_add(struct team *team, uint64_t *random)
{
    if (team->count == MEMBERS_MAX)
        return;
    struct member *member = &team->members[team->count++];
    *member = (struct member){.team = team, .random = next_random(random)};
    int rc = weft_group_spawn(team->group, play, member);
    if (rc < 0)
        return;
    member->is_spawned = true;
    team->running++;
}

/* Sleeps, perhaps brings somebody along or ends the game for all, and comes to some end. */
static int member_do(struct member *self)
{
    struct team *team = self->team;
    int rc = weft_sleep((weft_time)random_below(&self->random, 40) * WEFT_US);
    int dice = (int)random_below(&self->random, 12);
    if (dice == 0)
        team_add(team, &self->random);
    if (dice == 1 && league.some_cancel)
        weft_group_cancel(team->group, "at random");
    if (dice == 2 || dice == 3)
        return -EIO - dice; /* also when it is cancelled: that is a failure */
    if (dice == 4)
        return 7; /* in spite of a cancel */
    return rc;
}

static int play(void *arg)
{
    struct member *self = arg;
    struct team *team = self->team;
    self->rc = member_do(self);
    bool is_told = (wf_current()->root.flags & WF_NODE_EFFECTIVE) != 0;
    CHECK(is_told || (team->failed == 0 && !team->was_left)); /* rules G03, G01 */
    self->has_failed = self->rc < 0 && !(self->rc == -ECANCELED && is_told);
    if (self->has_failed && team->failed++ == 0)
        team->first_rc = self->rc;
    self->has_ended = true;
    team->running--;
    return self->rc;
}

static void team_verify(const struct team *team)
{
    CHECK_EQ(team->running, 0);
    for (int i = 0; i < team->count; i++)
        CHECK_EQ(team->members[i].has_ended, team->members[i].is_spawned);
}

/* Rule G04. */
static void team_verify_result(const struct team *team, const struct actor *owner, int rc)
{
    team_verify(team);
    if (team->failed > 0)
        CHECK_EQ(rc, team->first_rc);
    else if (rc != 0) {
        CHECK_EQ(rc, -ECANCELED);
        CHECK(actor_is_cancelled(owner));
    }
    CHECK_EQ(weft_group_wait(team->group), rc); /* rule G12 */
    struct weft_error errors[MEMBERS_MAX];
    CHECK_EQ(weft_group_errors(team->group, errors, MEMBERS_MAX), team->failed);
    if (team->failed > 0)
        CHECK_EQ(errors[0].rc, team->first_rc);
    CHECK_EQ(weft_group_spawn(team->group, play, NULL), -ESRCH); /* rule G09 */
}

static int league_step(struct actor *self)
{
    struct team *team = &league.teams[league.count++];
    team->group = weft_group_open();
    if (team->group.id == 0)
        return ACTOR_ENDS;
    int wanted = actor_random(self, 4);
    for (int i = 0; i < wanted; i++)
        team_add(team, &self->random);
    if (actor_random(self, 3) == 0)
        (void)weft_sleep((weft_time)actor_random(self, 30) * WEFT_US);
    team->was_left = actor_random(self, 5) == 0;
    int rc = team->was_left ? 0 : weft_group_wait(team->group);
    if (!team->was_left)
        team_verify_result(team, self, rc);
    weft_group_end_(&team->group);
    team_verify(team); /* rule G01 */
    return rc;
}

static void league_end(void)
{
    for (int i = 0; i < league.count; i++)
        team_verify(&league.teams[i]);
}

#define LEAGUE_PROPERTY(name_, some_cancel_)                                                       \
    PROPERTY(name_, .begin = league_begin, .step = league_step, .end = league_end,                 \
             .shape = (some_cancel_))

LEAGUE_PROPERTY(test_G04_the_first_failure_in_time_is_the_result, 0)
LEAGUE_PROPERTY(test_G02_nobody_leaves_a_group_that_its_members_cancel_before_all_have_ended, 1)
