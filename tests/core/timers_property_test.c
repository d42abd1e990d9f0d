/* SPDX-License-Identifier: MIT */

/* Timers: each fires once, not early, in order of deadline and then of starting. */

#include "property.h"

#include <weft/sys/loop.h>

enum { ALARMS = 12 };

struct alarm {
    weft_timer timer;
    bool is_running; /* the model */
    weft_time deadline;
    uint64_t order; /* of starting */
    int restarts;   /* it starts itself again so often */
};

static struct {
    struct alarm alarms[ALARMS];
    uint64_t started;
    weft_time spread; /* of deadlines: the smaller, the more at one instant */
} clock_room;

static void alarm_start(struct alarm *alarm, weft_time deadline)
{
    weft_timer_start(weft_loop_self(), &alarm->timer, deadline);
    alarm->is_running = deadline != WEFT_FOREVER;
    alarm->deadline = deadline;
    alarm->order = ++clock_room.started;
}

static bool alarm_is_before(const struct alarm *a, const struct alarm *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->order < b->order;
}

static void alarm_rings(weft_timer *timer)
{
    struct alarm *self = wf_container(timer, struct alarm, timer);
    CHECK(self->is_running);
    CHECK_LE(self->deadline, weft_now());
    CHECK(!weft_timer_is_running(timer));
    for (int i = 0; i < ALARMS; i++)
        if (clock_room.alarms[i].is_running)
            CHECK(!alarm_is_before(&clock_room.alarms[i], self));
    self->is_running = false;
    if (self->restarts > 0) {
        self->restarts--;
        alarm_start(self, weft_now() + (self->restarts % 2 == 0 ? clock_room.spread : -1));
    }
}

static void clock_begin(int spread)
{
    memset(&clock_room, 0, sizeof clock_room);
    clock_room.spread = (weft_time)spread * WEFT_US;
    for (int i = 0; i < ALARMS; i++)
        weft_timer_init(&clock_room.alarms[i].timer, alarm_rings);
}

static int clock_step(struct actor *self)
{
    for (int i = 0; i < 3; i++) {
        struct alarm *alarm = &clock_room.alarms[actor_random(self, ALARMS)];
        CHECK_EQ(weft_timer_is_running(&alarm->timer), alarm->is_running);
        int dice = actor_random(self, 8);
        if (dice == 0) {
            weft_timer_stop(weft_loop_self(), &alarm->timer);
            alarm->is_running = false;
        } else if (dice == 1) {
            alarm_start(alarm, WEFT_FOREVER);
        } else {
            alarm->restarts = actor_random(self, 3);
            int ticks = actor_random(self, (int)(clock_room.spread / WEFT_US) + 1);
            alarm_start(alarm, weft_now() + (weft_time)(ticks - 1) * WEFT_US);
        }
    }
    return weft_sleep((weft_time)actor_random(self, 20) * WEFT_US);
}

static void clock_at_rest(void)
{
    for (int i = 0; i < ALARMS; i++)
        CHECK(!clock_room.alarms[i].is_running); /* all deadlines lie behind us */
}

/* A run that failed leaves some running; their memory stays, and the loop has forgotten them. */
static void clock_end(void)
{
}

#define CLOCK_PROPERTY(name_, spread_)                                                             \
    PROPERTY(name_, .begin = clock_begin, .step = clock_step, .at_rest = clock_at_rest,            \
             .end = clock_end, .shape = (spread_))

CLOCK_PROPERTY(test_H02_timers_fire_in_order_of_deadline, 60)
CLOCK_PROPERTY(test_H02_timers_of_one_instant_fire_in_the_order_of_starting, 2)
