/* SPDX-License-Identifier: MIT */

/*
 * Properties: random programs, made from the seed, whose every result is compared with a model.
 *
 *     static void begin(int shape);               // the world anew: the object and its model
 *     static int step(struct actor *self);        // one random operation, checked
 *     static void end(void);                      // all are gone: what must be left
 *     PROPERTY(test_P05_…, .begin = begin, .step = step, .end = end, .shape = 3)
 *
 * A few actors, tasks each, take random steps; between steps and around them the engine sleeps,
 * opens scopes with deadlines and shields, and cancels actors.  Then it lets everything come to
 * rest, calls `at_rest`, cancels whoever still waits, and joins them.
 *
 * The model is exact.  Tasks of a loop change places only where they wait, so an operation that
 * need not wait happens between two lines of its step; who waits stands in a `waitlist`, the
 * model's queue, until another step grants it what it waits for.  A waiter whose scope is cancelled
 * is no more in line from that instant, whether it has run yet or not: see waitlist_grant().
 *
 * Each property is a SCENARIO too: cancels, deadlines and failures are put at each point of it.
 */
#ifndef WF_TESTS_CORE_PROPERTY_H
#define WF_TESTS_CORE_PROPERTY_H

#include "core/task/sched_priv.h"

#include "sync_helpers.h"

enum { PROPERTY_ACTORS = 6, PROPERTY_STEPS = 9, PROPERTY_REST_MS = 10 };

enum { ACTOR_ENDS = -4095 }; /* from a step: the actor's body returns now */

struct actor {
    int id;
    weft_task task;
    wf_task *record; /* once it runs */
    uint64_t random;
    struct actor *next; /* in a waitlist */
    bool is_granted;
    int granted_rc;
    uint64_t item; /* of a channel: offered, or to be received */
};

struct property {
    void (*begin)(int shape);
    int (*step)(struct actor *self); /* -ECANCELED and ACTOR_ENDS end the actor */
    void (*at_rest)(void);           /* may be NULL: who is not done can never go on by itself */
    void (*end)(void);
    int shape;
    bool has_no_peers; /* nobody's scopes and cancels but what the steps do themselves */
};

static struct {
    const struct property *property; /* NULL: not begun */
    struct actor actors[PROPERTY_ACTORS];
} property_world;

static inline int actor_random(struct actor *self, int limit)
{
    return (int)random_below(&self->random, (uint64_t)limit);
}

/* Its current scope is cancelled: no wait of it can succeed that has not been granted yet. */
static inline bool actor_is_cancelled(const struct actor *self)
{
    return (self->record->scope->flags & WF_NODE_EFFECTIVE) != 0;
}

/* The same as before a call: the call has not waited. */
static inline uint64_t actor_switches(void)
{
    return wf_sched_self()->stats.switches;
}

/* What an operation that need not wait has returned: `expected`, or that the actor is cancelled.
 * True if it has happened. */
static inline bool actor_did(const struct actor *self, int rc, int expected)
{
    if (rc == -ECANCELED && expected != -ECANCELED) {
        CHECK(actor_is_cancelled(self));
        return false;
    }
    CHECK(!actor_is_cancelled(self)); /* rule C02 */
    CHECK_EQ(rc, expected);
    return true;
}

/* ---- who waits ---- */

struct waitlist {
    struct actor *first;
};

static inline void waitlist_enter(struct waitlist *list, struct actor *self)
{
    struct actor **end = &list->first;
    while (*end != NULL)
        end = &(*end)->next;
    self->next = NULL;
    self->is_granted = false;
    *end = self;
}

/* The first who still waits; who was cancelled meanwhile leaves the line. */
static inline struct actor *waitlist_first(struct waitlist *list)
{
    while (list->first != NULL && actor_is_cancelled(list->first))
        list->first = list->first->next;
    return list->first;
}

/* The first who still waits gets `rc`, whatever happens to it from now on; NULL: nobody. */
static inline struct actor *waitlist_grant(struct waitlist *list, int rc)
{
    struct actor *first = waitlist_first(list);
    if (first == NULL)
        return NULL;
    list->first = first->next;
    first->is_granted = true;
    first->granted_rc = rc;
    return first;
}

static inline void waitlist_grant_all(struct waitlist *list, int rc)
{
    while (waitlist_grant(list, rc) != NULL)
        ;
}

/* The wait has returned `rc`: what was granted, or else the actor is cancelled. */
static inline bool waitlist_leave(struct waitlist *list, struct actor *self, int rc)
{
    for (struct actor **at = &list->first; *at != NULL; at = &(*at)->next) {
        if (*at == self) {
            *at = self->next;
            break;
        }
    }
    if (self->is_granted) {
        CHECK_EQ(rc, self->granted_rc);
        return true;
    }
    CHECK_EQ(rc, -ECANCELED);
    CHECK(actor_is_cancelled(self));
    return false;
}

/* ---- the random program ---- */

static inline void property_cancel_somebody(uint64_t *random)
{
    struct actor *victim = &property_world.actors[random_below(random, PROPERTY_ACTORS)];
    if (victim->task.id != 0)
        (void)weft_cancel(victim->task, "at random");
}

static inline int property_step(struct actor *self)
{
    const struct property *property = property_world.property;
    if (property->has_no_peers)
        return property->step(self);
    int dice = actor_random(self, 16);
    if (dice < 3)
        return weft_sleep((weft_time)actor_random(self, 40) * WEFT_US);
    if (dice == 3)
        return weft_yield();
    if (dice == 4 && actor_random(self, 2) == 0)
        property_cancel_somebody(&self->random);
    if (dice < 8 || dice > 11)
        return property->step(self);

    weft_scope scope;
    weft_time deadline = weft_after((weft_time)actor_random(self, 60) * WEFT_US);
    CHECK_OK(weft_scope_open(&scope, deadline, dice == 8 ? WEFT_SCOPE_SHIELD : 0));
    int rc = property->step(self);
    rc = weft_scope_close(&scope, rc);
    return rc == -ETIMEDOUT ? 0 : rc;
}

static inline int property_actor(void *arg)
{
    struct actor *self = arg;
    self->record = wf_current();
    for (int i = 0; i < PROPERTY_STEPS; i++) {
        int rc = property_step(self);
        if (rc == ACTOR_ENDS)
            return 0;
        if (rc == -ECANCELED && actor_is_cancelled(self))
            return rc;
    }
    return 0;
}

static inline int property_play(uint64_t *random)
{
    const struct property *property = property_world.property;
    if (!property->has_no_peers) {
        for (int i = 0; i < 2; i++) {
            WEFT_TRY(weft_sleep((weft_time)random_below(random, 100) * WEFT_US));
            property_cancel_somebody(random);
        }
    }
    WEFT_TRY(weft_sleep(PROPERTY_REST_MS * WEFT_MS));
    if (property->at_rest != NULL)
        property->at_rest();
    return 0;
}

static inline int property_run(const struct property *property)
{
    uint64_t random = test_seed() * 31 + (uint64_t)property->shape;
    memset(&property_world, 0, sizeof property_world);
    property->begin(property->shape);
    property_world.property = property;
    for (int i = 0; i < PROPERTY_ACTORS; i++) {
        struct actor *actor = &property_world.actors[i];
        actor->id = i;
        actor->random = next_random(&random);
        actor->task = weft_spawn(property_actor, actor);
    }
    int rc = property_play(&random);
    for (int i = 0; i < PROPERTY_ACTORS; i++)
        (void)weft_cancel(property_world.actors[i].task, "the end");
    for (int i = 0; i < PROPERTY_ACTORS && rc == 0; i++) {
        int result = weft_await(property_world.actors[i].task);
        if (result < 0 && weft_check() < 0)
            return -ECANCELED; /* us; the others are joined behind us */
    }
    return rc;
}

static inline void property_end(void)
{
    if (property_world.property != NULL)
        property_world.property->end();
    property_world.property = NULL;
}

#define PROPERTY(name_, ...)                                                                       \
    static void end_##name_(int rc)                                                                \
    {                                                                                              \
        (void)rc;                                                                                  \
        property_end();                                                                            \
    }                                                                                              \
    SCENARIO_WITH(name_, end_##name_)                                                              \
    {                                                                                              \
        static const struct property property = {__VA_ARGS__};                                     \
        return property_run(&property);                                                            \
    }

#endif
