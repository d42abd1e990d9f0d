/* SPDX-License-Identifier: MIT */

/* Select: exactly one case happens, or none; what did not happen has left no trace. */

#include "property.h"

#include <weft/select.h>

enum { LINES = 2, OFFERS_MAX = 4 * PROPERTY_ACTORS * PROPERTY_STEPS, CASES_MAX = 4 };

/* Of an item: it may be received once, from the offer on, unless the offer came to nothing. */
struct offer {
    bool is_made, is_sent, is_withdrawn, is_received;
};

static struct {
    weft_chan *lines[LINES];
    weft_event bell;
    uint64_t last;
    struct offer offers[OFFERS_MAX];
    weft_case cases[PROPERTY_ACTORS][CASES_MAX]; /* what an actor waits for */
    int case_count[PROPERTY_ACTORS];             /* 0: it does not wait */
    bool with_others;                            /* cases besides channels */
} hub;

static void hub_begin(int with_others)
{
    memset(&hub, 0, sizeof hub);
    hub.with_others = with_others != 0;
}

static int hub_open(void)
{
    for (size_t i = 0; i < LINES; i++)
        if (hub.lines[i] == NULL)
            WEFT_TRY(weft_chan_new(&hub.lines[i], sizeof(uint64_t), i)); /* capacity 0 and 1 */
    return 0;
}

static void receive(uint64_t item)
{
    CHECK(item > 0 && item <= hub.last);
    struct offer *offer = &hub.offers[item];
    CHECK(offer->is_made && !offer->is_withdrawn && !offer->is_received);
    offer->is_received = true;
}

static weft_case hub_case(struct actor *self, uint64_t *item, int *got)
{
    weft_chan *line = hub.lines[actor_random(self, LINES)];
    switch (actor_random(self, hub.with_others ? 8 : 5)) {
    case 0:
    case 1:
    case 2:
        *item = ++hub.last;
        hub.offers[*item].is_made = true;
        return (weft_case)WEFT_CASE_SEND(line, item, got);
    case 5:
        return (weft_case)WEFT_CASE_EVENT(&hub.bell);
    case 6:
        return (weft_case)WEFT_CASE_DEADLINE(
            weft_after((weft_time)actor_random(self, 50) * WEFT_US));
    case 7: {
        weft_task other = property_world.actors[(self->id + 1) % PROPERTY_ACTORS].task;
        return (weft_case)WEFT_CASE_DONE(other, got);
    }
    default:
        *item = 0;
        return (weft_case)WEFT_CASE_RECV(line, item, got);
    }
}

/* The case that happened, and the others, which did not. */
static void hub_verify(const weft_case *each, bool is_winner, uint64_t item, int got)
{
    switch (each->kind) {
    case WEFT_CASE_KIND_SEND:
        if (is_winner)
            CHECK_EQ(got, 0);
        hub.offers[item].is_sent = is_winner;
        hub.offers[item].is_withdrawn = !is_winner;
        CHECK(is_winner || !hub.offers[item].is_received);
        break;
    case WEFT_CASE_KIND_RECV:
        if (!is_winner) {
            CHECK_EQ(item, 0); /* nobody wrote there */
            break;
        }
        CHECK_EQ(got, 1);
        receive(item);
        break;
    case WEFT_CASE_KIND_DONE:
        if (is_winner)
            CHECK_NE(weft_done((weft_task){(uint64_t)each->value}, NULL), 0);
        break;
    case WEFT_CASE_KIND_DEADLINE:
        if (is_winner)
            CHECK_LE(each->value, weft_now());
        break;
    default:
        break;
    }
}

static int hub_select(struct actor *self)
{
    uint64_t items[CASES_MAX];
    int got[CASES_MAX];
    int count = 1 + actor_random(self, CASES_MAX - 1);
    weft_case *cases = hub.cases[self->id];
    for (int i = 0; i < count; i++)
        cases[i] = hub_case(self, &items[i], &got[i]);
    if (actor_random(self, 6) == 0)
        cases[count++] = (weft_case)WEFT_NONE_READY;
    hub.case_count[self->id] = count;
    int rc = weft_select_n(cases, (size_t)count);
    hub.case_count[self->id] = 0;
    CHECK_LT(rc, count);
    if (rc < 0) {
        CHECK_EQ(rc, -ECANCELED);
        CHECK(actor_is_cancelled(self));
    }
    for (int i = 0; i < count; i++)
        hub_verify(&cases[i], i == rc, items[i], got[i]);
    return rc;
}

static int hub_step(struct actor *self)
{
    if (hub_open() < 0)
        return ACTOR_ENDS;
    int dice = actor_random(self, 12);
    if (hub.with_others && dice == 0)
        weft_event_set(&hub.bell);
    if (hub.with_others && dice == 1)
        weft_event_clear(&hub.bell);
    return hub_select(self);
}

/* Nobody waits for what could happen. */
static void hub_at_rest(void)
{
    for (int id = 0; id < PROPERTY_ACTORS; id++) {
        for (int i = 0; i < hub.case_count[id]; i++) {
            const weft_case *each = &hub.cases[id][i];
            size_t line = each->object == hub.lines[1];
            if (each->kind == WEFT_CASE_KIND_RECV)
                CHECK_EQ(weft_chan_count(hub.lines[line]), 0);
            if (each->kind == WEFT_CASE_KIND_SEND)
                CHECK_EQ(weft_chan_count(hub.lines[line]), line);
            if (each->kind == WEFT_CASE_KIND_EVENT)
                CHECK(!weft_event_is_set(&hub.bell));
            CHECK_NE(each->kind, WEFT_CASE_KIND_NONE);
        }
    }
}

static void hub_end(void)
{
    size_t stored = 0;
    for (uint64_t item = 1; item <= hub.last; item++) {
        const struct offer *offer = &hub.offers[item];
        CHECK(!offer->is_received || offer->is_sent);
        stored += offer->is_sent && !offer->is_received;
    }
    for (size_t i = 0; i < LINES; i++) {
        if (hub.lines[i] != NULL)
            stored -= weft_chan_count(hub.lines[i]);
        weft_chan_free(hub.lines[i]);
    }
    CHECK_EQ(stored, 0); /* what was sent and not received lies in a channel, and nothing else */
    CHECK(weft_waitq_first(&hub.bell.priv_waiters) == NULL);
}

#define HUB_PROPERTY(name_, with_others_)                                                          \
    PROPERTY(name_, .begin = hub_begin, .step = hub_step, .at_rest = hub_at_rest, .end = hub_end,  \
             .shape = (with_others_))

HUB_PROPERTY(test_Q05_of_several_channels_exactly_one_case_happens, 0)
HUB_PROPERTY(test_Q06_of_channels_events_tasks_and_deadlines_one_happens, 1)
