/* SPDX-License-Identifier: MIT */

/* Mutex: one owner at a time, in the order of asking, also when owners die. */

#include "property.h"

#include <weft/mutex.h>

enum { ROOMS_MAX = 2 };

/* Of the model: who owns it, and whether the next who asks must be told of a death. */
struct room {
    weft_mutex mutex;
    struct actor *owner;
    bool is_abandoned;
    struct waitlist waiters;
};

static struct {
    int count;
    bool some_die;
    struct room rooms[ROOMS_MAX];
} house;

static void house_begin(int shape)
{
    memset(&house, 0, sizeof house);
    house.count = shape % 10;
    house.some_die = shape >= 10;
}

static int room_trylock(struct room *room, struct actor *self)
{
    int expected = room->owner == self   ? -EDEADLK
                   : room->owner != NULL ? -EAGAIN
                   : room->is_abandoned  ? -EOWNERDEAD
                                         : 0;
    int rc = weft_trylock(&room->mutex);
    CHECK_EQ(rc, expected);
    if (rc == 0)
        room->owner = self;
    if (rc == -EOWNERDEAD)
        room->is_abandoned = false;
    return rc;
}

static int room_lock(struct room *room, struct actor *self)
{
    if (room->owner != NULL && room->owner != self) {
        waitlist_enter(&room->waiters, self);
        int rc = weft_lock(&room->mutex);
        waitlist_leave(&room->waiters, self, rc);
        return rc; /* room->owner was set by who granted it */
    }
    int expected = room->owner == self ? -EDEADLK : room->is_abandoned ? -EOWNERDEAD : 0;
    int rc = weft_lock(&room->mutex);
    if (actor_did(self, rc, expected)) {
        room->is_abandoned = false;
        if (rc == 0)
            room->owner = self;
    }
    return rc;
}

static void room_unlock(struct room *room)
{
    CHECK_EQ(weft_unlock(&room->mutex), 0);
    room->owner = waitlist_grant(&room->waiters, 0);
}

/* The owner has ended: the first who waits is told, the second gets it. */
static void room_abandon(struct room *room)
{
    room->is_abandoned = waitlist_grant(&room->waiters, -EOWNERDEAD) == NULL;
    room->owner = waitlist_grant(&room->waiters, 0);
}

static int house_step(struct actor *self)
{
    struct room *room = &house.rooms[actor_random(self, house.count)];
    CHECK_EQ(weft_mutex_is_locked(&room->mutex), room->owner != NULL);
    if (room->owner != self && actor_random(self, 8) == 0)
        CHECK_EQ(weft_unlock(&room->mutex), -EPERM);
    int rc = actor_random(self, 4) == 0 ? room_trylock(room, self) : room_lock(room, self);
    if (rc < 0)
        return rc == -EDEADLK ? 0 : rc;
    CHECK(room->owner == self);
    rc = weft_lock(&room->mutex);
    actor_did(self, rc, -EDEADLK);
    rc = weft_sleep((weft_time)actor_random(self, 30) * WEFT_US);
    CHECK(room->owner == self);
    if (house.some_die && actor_random(self, 6) == 0) {
        room_abandon(room);
        return ACTOR_ENDS; /* nobody runs between here and its end */
    }
    room_unlock(room);
    return rc;
}

static void house_at_rest(void)
{
    for (int i = 0; i < house.count; i++)
        CHECK(house.rooms[i].owner != NULL || waitlist_first(&house.rooms[i].waiters) == NULL);
}

static void house_end(void)
{
    for (int i = 0; i < house.count; i++) {
        CHECK(house.rooms[i].owner == NULL);
        CHECK(!weft_mutex_is_locked(&house.rooms[i].mutex));
        CHECK_EQ(house.rooms[i].mutex.priv_is_abandoned, house.rooms[i].is_abandoned);
    }
}

#define HOUSE_PROPERTY(name_, shape_)                                                              \
    PROPERTY(name_, .begin = house_begin, .step = house_step, .at_rest = house_at_rest,            \
             .end = house_end, .shape = (shape_))

HOUSE_PROPERTY(test_P03_one_owner_at_a_time_in_the_order_of_asking, 1)
HOUSE_PROPERTY(test_P03_two_mutexes_do_not_touch_each_other, 2)
HOUSE_PROPERTY(test_P04_owners_that_die_are_told_of_once, 11)
HOUSE_PROPERTY(test_P04_owners_of_two_mutexes_die, 12)
