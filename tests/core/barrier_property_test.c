/* SPDX-License-Identifier: MIT */

/* Barrier: all of a generation leave together, or it breaks for all of them. */

#include "property.h"

#include <weft/barrier.h>

/* The model: who has come in this generation.  A cancel breaks it at once, but the model sees that
 * only when somebody looks: every operation does so first. */
static struct {
    weft_barrier barrier;
    int parties, arrived;
    struct waitlist waiters;
    int broken; /* generations */
} meeting;

static void meeting_begin(int parties)
{
    memset(&meeting, 0, sizeof meeting);
    meeting.barrier = (weft_barrier)WEFT_BARRIER((uint32_t)parties);
    meeting.parties = parties;
}

/* If one who waits is cancelled, nobody waits any more: the cancelled leave, the others learn. */
static void meeting_look(void)
{
    bool is_broken = false;
    for (struct actor *at = meeting.waiters.first; at != NULL; at = at->next)
        is_broken |= actor_is_cancelled(at);
    if (!is_broken)
        return;
    waitlist_grant_all(&meeting.waiters, -EPIPE);
    meeting.arrived = 0;
    meeting.broken++;
}

/* One cancel may hit several, each before or after the first of them broke the generation. */
static bool is_outcome_of_a_cancel(const struct actor *self, int rc)
{
    return rc == -EPIPE && actor_is_cancelled(self) && meeting.broken > 0;
}

/* Everybody but the last: waits. */
static int meeting_come(struct actor *self)
{
    uint64_t switches = actor_switches();
    waitlist_enter(&meeting.waiters, self);
    meeting.arrived++;
    int rc = weft_barrier_wait(&meeting.barrier);
    if (actor_switches() == switches)
        meeting.arrived--; /* cancelled before it came, which breaks nothing */
    else
        meeting_look();
    if (!self->is_granted && is_outcome_of_a_cancel(self, rc))
        rc = -ECANCELED;
    waitlist_leave(&meeting.waiters, self, rc);
    return rc == -EPIPE ? 0 : rc;
}

static int meeting_step(struct actor *self)
{
    meeting_look();
    CHECK_EQ((int)meeting.barrier.priv_arrived, meeting.arrived);
    CHECK_LT(meeting.arrived, meeting.parties);
    if (meeting.arrived + 1 < meeting.parties)
        return meeting_come(self);
    int rc = weft_barrier_wait(&meeting.barrier);
    if (!actor_did(self, rc, 1))
        return rc;
    waitlist_grant_all(&meeting.waiters, 0);
    meeting.arrived = 0;
    return 0;
}

static void meeting_at_rest(void)
{
    meeting_look();
    int waiting = 0;
    for (struct actor *at = meeting.waiters.first; at != NULL; at = at->next)
        waiting++;
    CHECK_EQ(waiting, meeting.arrived);
}

static void meeting_end(void)
{
    CHECK_EQ((int)meeting.barrier.priv_arrived, 0);
    CHECK(weft_waitq_first(&meeting.barrier.priv_waiters) == NULL);
}

#define MEETING_PROPERTY(name_, parties_)                                                          \
    PROPERTY(name_, .begin = meeting_begin, .step = meeting_step, .at_rest = meeting_at_rest,      \
             .end = meeting_end, .shape = (parties_))

MEETING_PROPERTY(test_P08_two_leave_together_or_neither, 2)
MEETING_PROPERTY(test_P08_three_leave_together_or_none, 3)
MEETING_PROPERTY(test_P08_all_are_needed, PROPERTY_ACTORS)
