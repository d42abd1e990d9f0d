/* SPDX-License-Identifier: MIT */

/* Event: a set releases exactly those who wait then; a clear takes nothing back. */

#include "property.h"

#include <weft/event.h>

enum { FLAGS_MAX = 3 };

static struct {
    int count;
    struct {
        weft_event event;
        bool is_set; /* the model */
        struct waitlist waiters;
    } flags[FLAGS_MAX];
} board;

static void board_begin(int count)
{
    memset(&board, 0, sizeof board);
    board.count = count;
}

static int board_step(struct actor *self)
{
    int i = actor_random(self, board.count);
    CHECK_EQ(weft_event_is_set(&board.flags[i].event), board.flags[i].is_set);
    int dice = actor_random(self, 5);
    if (dice == 0) {
        weft_event_set(&board.flags[i].event);
        board.flags[i].is_set = true;
        waitlist_grant_all(&board.flags[i].waiters, 0);
        return 0;
    }
    if (dice == 1) {
        weft_event_clear(&board.flags[i].event);
        board.flags[i].is_set = false;
        return 0;
    }
    if (board.flags[i].is_set) {
        int rc = weft_event_wait(&board.flags[i].event);
        actor_did(self, rc, 0);
        return rc;
    }
    waitlist_enter(&board.flags[i].waiters, self);
    int rc = weft_event_wait(&board.flags[i].event);
    waitlist_leave(&board.flags[i].waiters, self, rc);
    return rc;
}

static void board_at_rest(void)
{
    for (int i = 0; i < board.count; i++)
        if (board.flags[i].is_set)
            CHECK(waitlist_first(&board.flags[i].waiters) == NULL);
}

static void board_end(void)
{
    for (int i = 0; i < board.count; i++) {
        CHECK_EQ(weft_event_is_set(&board.flags[i].event), board.flags[i].is_set);
        CHECK(weft_waitq_first(&board.flags[i].event.priv_waiters) == NULL);
    }
}

#define BOARD_PROPERTY(name_, count_)                                                              \
    PROPERTY(name_, .begin = board_begin, .step = board_step, .at_rest = board_at_rest,            \
             .end = board_end, .shape = (count_))

BOARD_PROPERTY(test_P06_a_set_releases_all_who_wait_and_a_clear_takes_nothing_back, 1)
BOARD_PROPERTY(test_P06_events_do_not_touch_each_other, FLAGS_MAX)
