/* SPDX-License-Identifier: MIT */

/* Channel: every item arrives once, in order, at whoever asked first; nothing of a cancelled. */

#include "property.h"

#include <weft/chan.h>

enum { STORE_MAX = 4, ITEMS_MAX = PROPERTY_ACTORS * PROPERTY_STEPS + 1, BATCH = 3 };

static struct {
    weft_chan *chan;
    uint64_t last;             /* item, numbered as they are offered */
    uint64_t store[STORE_MAX]; /* the model: what is stored, the oldest first */
    size_t stored, capacity;
    bool is_closed, is_never_closed;
    struct waitlist senders, receivers; /* an actor's item: what it offers, or is to get */
    uint8_t delivered[ITEMS_MAX];
} pipe;

static void pipe_begin(int shape)
{
    memset(&pipe, 0, sizeof pipe);
    pipe.capacity = (size_t)(shape % 10);
    pipe.is_never_closed = shape >= 10;
}

/* Made by whoever comes first: making one may fail. */
static int pipe_open(void)
{
    return pipe.chan != NULL ? 0 : weft_chan_new(&pipe.chan, sizeof(uint64_t), pipe.capacity);
}

/* ---- the model ---- */

static uint64_t model_unstore(void)
{
    uint64_t item = pipe.store[0];
    memmove(pipe.store, pipe.store + 1, sizeof pipe.store - sizeof *pipe.store);
    pipe.stored--;
    return item;
}

/* What a send gives without waiting: 0, -EPIPE; -EAGAIN: it has to wait. */
static int model_can_send(void)
{
    if (pipe.is_closed)
        return -EPIPE;
    bool goes_on = waitlist_first(&pipe.receivers) != NULL || pipe.stored < pipe.capacity;
    return goes_on ? 0 : -EAGAIN;
}

static void model_send(uint64_t item)
{
    struct actor *receiver = waitlist_grant(&pipe.receivers, 1);
    if (receiver != NULL)
        receiver->item = item;
    else
        pipe.store[pipe.stored++] = item;
}

static int model_can_recv(void)
{
    if (pipe.stored > 0 || waitlist_first(&pipe.senders) != NULL)
        return 1;
    return pipe.is_closed ? 0 : -EAGAIN;
}

static uint64_t model_recv(void)
{
    if (pipe.stored == 0)
        return waitlist_grant(&pipe.senders, 0)->item;
    uint64_t item = model_unstore();
    struct actor *sender = waitlist_grant(&pipe.senders, 0);
    if (sender != NULL)
        pipe.store[pipe.stored++] = sender->item;
    return item;
}

static void deliver(uint64_t got, uint64_t expected)
{
    CHECK_EQ(got, expected);
    CHECK_EQ(pipe.delivered[got]++, 0);
}

/* ---- the steps ---- */

static int pipe_send(struct actor *self)
{
    uint64_t item = ++pipe.last;
    int now = actor_random(self, 4) == 0 ? weft_try_send(pipe.chan, &item) : 1;
    if (now != 1) {
        CHECK_EQ(now, model_can_send());
        if (now == 0)
            model_send(item);
        return 0;
    }
    int expected = model_can_send();
    if (expected != -EAGAIN) {
        int rc = weft_send(pipe.chan, &item);
        if (actor_did(self, rc, expected) && rc == 0)
            model_send(item);
        return rc;
    }
    self->item = item;
    waitlist_enter(&pipe.senders, self);
    int rc = weft_send(pipe.chan, &item);
    waitlist_leave(&pipe.senders, self, rc);
    return rc;
}

/* One or, as a batch that does not linger, up to BATCH. */
static int pipe_call(uint64_t got[], bool is_batch)
{
    return is_batch ? weft_recv_batch(pipe.chan, got, BATCH, 0) : weft_recv(pipe.chan, got);
}

/* What a batch takes behind its first, in the same instant. */
static void pipe_verify_rest(const uint64_t got[], int count, bool is_batch)
{
    int taken = 1;
    for (; is_batch && taken < BATCH && model_can_recv() == 1; taken++)
        deliver(got[taken], model_recv());
    CHECK_EQ(count, taken);
}

static int pipe_recv(struct actor *self)
{
    bool is_batch = actor_random(self, 4) == 0;
    uint64_t got[BATCH] = {0};
    int expected = model_can_recv();
    int rc;
    if (expected != -EAGAIN) {
        rc = pipe_call(got, is_batch);
        if (!actor_did(self, rc > 0 ? 1 : rc, expected) || rc == 0)
            return rc;
        deliver(got[0], model_recv());
    } else {
        waitlist_enter(&pipe.receivers, self);
        rc = pipe_call(got, is_batch);
        if (!waitlist_leave(&pipe.receivers, self, rc > 0 ? 1 : rc) || rc == 0) {
            CHECK_EQ(got[0], 0);
            return rc;
        }
        deliver(got[0], self->item);
    }
    pipe_verify_rest(got, rc, is_batch);
    return rc;
}

static int pipe_close(struct actor *self)
{
    bool discards = actor_random(self, 2) == 0;
    size_t dropped = discards && !pipe.is_closed ? pipe.stored : 0;
    CHECK_EQ(weft_chan_close(pipe.chan, discards ? WEFT_CHAN_DISCARD : WEFT_CHAN_KEEP), dropped);
    if (pipe.is_closed)
        return 0;
    pipe.is_closed = true;
    pipe.stored -= dropped;
    waitlist_grant_all(&pipe.senders, -EPIPE);
    waitlist_grant_all(&pipe.receivers, 0);
    return 0;
}

static int pipe_step(struct actor *self)
{
    int rc = pipe_open();
    if (rc < 0)
        return ACTOR_ENDS;
    CHECK_EQ(weft_chan_count(pipe.chan), pipe.stored);
    CHECK_EQ(weft_chan_is_closed(pipe.chan), pipe.is_closed);
    int dice = actor_random(self, 30);
    if (dice == 0 && !pipe.is_never_closed)
        return pipe_close(self);
    return dice % 2 == 0 ? pipe_send(self) : pipe_recv(self);
}

static void pipe_at_rest(void)
{
    bool has_sender = waitlist_first(&pipe.senders) != NULL;
    bool has_receiver = waitlist_first(&pipe.receivers) != NULL;
    CHECK(!(has_sender && has_receiver));
    CHECK(!has_sender || pipe.stored == pipe.capacity);
    CHECK(!has_receiver || pipe.stored == 0);
}

static void pipe_end(void)
{
    if (pipe.chan != NULL)
        CHECK_EQ(weft_chan_count(pipe.chan), pipe.stored);
    weft_chan_free(pipe.chan);
}

#define PIPE_PROPERTY(name_, shape_)                                                               \
    PROPERTY(name_, .begin = pipe_begin, .step = pipe_step, .at_rest = pipe_at_rest,               \
             .end = pipe_end, .shape = (shape_))

PIPE_PROPERTY(test_Q01_without_a_store_every_item_goes_from_hand_to_hand, 10)
PIPE_PROPERTY(test_Q01_a_store_of_one_keeps_the_order, 11)
PIPE_PROPERTY(test_Q02_each_item_arrives_once_whatever_is_cancelled, 10 + STORE_MAX)
PIPE_PROPERTY(test_Q03_a_close_ends_what_goes_from_hand_to_hand, 0)
PIPE_PROPERTY(test_Q03_a_close_ends_senders_and_drains_or_drops, 2)
