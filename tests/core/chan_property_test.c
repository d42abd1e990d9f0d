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
} duct;

static void duct_begin(int shape)
{
    memset(&duct, 0, sizeof duct);
    duct.capacity = (size_t)(shape % 10);
    duct.is_never_closed = shape >= 10;
}

/* Made by whoever comes first: making one may fail. */
static int duct_open(void)
{
    return duct.chan != NULL ? 0 : weft_chan_new(&duct.chan, sizeof(uint64_t), duct.capacity);
}

/* ---- the model ---- */

static uint64_t model_unstore(void)
{
    uint64_t item = duct.store[0];
    memmove(duct.store, duct.store + 1, sizeof duct.store - sizeof *duct.store);
    duct.stored--;
    return item;
}

/* What a send gives without waiting: 0, -EPIPE; -EAGAIN: it has to wait. */
static int model_can_send(void)
{
    if (duct.is_closed)
        return -EPIPE;
    bool goes_on = waitlist_first(&duct.receivers) != NULL || duct.stored < duct.capacity;
    return goes_on ? 0 : -EAGAIN;
}

static void model_send(uint64_t item)
{
    struct actor *receiver = waitlist_grant(&duct.receivers, 1);
    if (receiver != NULL)
        receiver->item = item;
    else
        duct.store[duct.stored++] = item;
}

static int model_can_recv(void)
{
    if (duct.stored > 0 || waitlist_first(&duct.senders) != NULL)
        return 1;
    return duct.is_closed ? 0 : -EAGAIN;
}

static uint64_t model_recv(void)
{
    if (duct.stored == 0)
        return waitlist_grant(&duct.senders, 0)->item;
    uint64_t item = model_unstore();
    struct actor *sender = waitlist_grant(&duct.senders, 0);
    if (sender != NULL)
        duct.store[duct.stored++] = sender->item;
    return item;
}

static void deliver(uint64_t got, uint64_t expected)
{
    CHECK_EQ(got, expected);
    CHECK_EQ(duct.delivered[got]++, 0);
}

/* ---- the steps ---- */

static int duct_send(struct actor *self)
{
    uint64_t item = ++duct.last;
    int now = actor_random(self, 4) == 0 ? weft_try_send(duct.chan, &item) : 1;
    if (now != 1) {
        CHECK_EQ(now, model_can_send());
        if (now == 0)
            model_send(item);
        return 0;
    }
    int expected = model_can_send();
    if (expected != -EAGAIN) {
        int rc = weft_send(duct.chan, &item);
        if (actor_did(self, rc, expected) && rc == 0)
            model_send(item);
        return rc;
    }
    self->item = item;
    waitlist_enter(&duct.senders, self);
    int rc = weft_send(duct.chan, &item);
    waitlist_leave(&duct.senders, self, rc);
    return rc;
}

/* One or, as a batch that does not linger, up to BATCH. */
static int duct_call(uint64_t got[], bool is_batch)
{
    return is_batch ? weft_recv_batch(duct.chan, got, BATCH, 0) : weft_recv(duct.chan, got);
}

/* What a batch takes behind its first, in the same instant. */
static void duct_verify_rest(const uint64_t got[], int count, bool is_batch)
{
    int taken = 1;
    for (; is_batch && taken < BATCH && model_can_recv() == 1; taken++)
        deliver(got[taken], model_recv());
    CHECK_EQ(count, taken);
}

static int duct_recv(struct actor *self)
{
    bool is_batch = actor_random(self, 4) == 0;
    uint64_t got[BATCH] = {0};
    int expected = model_can_recv();
    int rc;
    if (expected != -EAGAIN) {
        rc = duct_call(got, is_batch);
        if (!actor_did(self, rc > 0 ? 1 : rc, expected) || rc == 0)
            return rc;
        deliver(got[0], model_recv());
    } else {
        waitlist_enter(&duct.receivers, self);
        rc = duct_call(got, is_batch);
        if (!waitlist_leave(&duct.receivers, self, rc > 0 ? 1 : rc) || rc == 0) {
            CHECK_EQ(got[0], 0);
            return rc;
        }
        deliver(got[0], self->item);
    }
    duct_verify_rest(got, rc, is_batch);
    return rc;
}

static int duct_close(struct actor *self)
{
    bool discards = actor_random(self, 2) == 0;
    size_t dropped = discards && !duct.is_closed ? duct.stored : 0;
    CHECK_EQ(weft_chan_close(duct.chan, discards ? WEFT_CHAN_DISCARD : WEFT_CHAN_KEEP), dropped);
    if (duct.is_closed)
        return 0;
    duct.is_closed = true;
    duct.stored -= dropped;
    waitlist_grant_all(&duct.senders, -EPIPE);
    waitlist_grant_all(&duct.receivers, 0);
    return 0;
}

static int duct_step(struct actor *self)
{
    int rc = duct_open();
    if (rc < 0)
        return ACTOR_ENDS;
    CHECK_EQ(weft_chan_count(duct.chan), duct.stored);
    CHECK_EQ(weft_chan_is_closed(duct.chan), duct.is_closed);
    int dice = actor_random(self, 30);
    if (dice == 0 && !duct.is_never_closed)
        return duct_close(self);
    return dice % 2 == 0 ? duct_send(self) : duct_recv(self);
}

static void duct_at_rest(void)
{
    bool has_sender = waitlist_first(&duct.senders) != NULL;
    bool has_receiver = waitlist_first(&duct.receivers) != NULL;
    CHECK(!(has_sender && has_receiver));
    CHECK(!has_sender || duct.stored == duct.capacity);
    CHECK(!has_receiver || duct.stored == 0);
}

static void duct_end(void)
{
    if (duct.chan != NULL)
        CHECK_EQ(weft_chan_count(duct.chan), duct.stored);
    weft_chan_free(duct.chan);
}

#define DUCT_PROPERTY(name_, shape_)                                                               \
    PROPERTY(name_, .begin = duct_begin, .step = duct_step, .at_rest = duct_at_rest,               \
             .end = duct_end, .shape = (shape_))

DUCT_PROPERTY(test_Q01_without_a_store_every_item_goes_from_hand_to_hand, 10)
DUCT_PROPERTY(test_Q01_a_store_of_one_keeps_the_order, 11)
DUCT_PROPERTY(test_Q02_each_item_arrives_once_whatever_is_cancelled, 10 + STORE_MAX)
DUCT_PROPERTY(test_Q03_a_close_ends_what_goes_from_hand_to_hand, 0)
DUCT_PROPERTY(test_Q03_a_close_ends_senders_and_drains_or_drops, 2)
