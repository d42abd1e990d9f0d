/* SPDX-License-Identifier: MIT */

/*
 * Generators whose sources run ahead: each in a task of its own, which feeds a channel.
 *
 * The feeders are children of the task that makes the first step.  The last to end closes the
 * channel; so does the first that fails, and the values that came before the failure are still
 * handed out.  However the generator ends, it first cancels its feeders and waits for them; they
 * close their sources.
 */

#include <weft/gen_ops.h>

#include <weft/error.h>
#include <weft/scope.h>

#include "base/alloc.h"
#include "core/gen/gen_priv.h"

struct feeder {
    struct feeding *feeding;
    weft_gen *source;
    void *item; /* between next and send */
    weft_task task;
};

struct feeding {
    weft_chan *chan;
    size_t item_bytes, count;
    size_t left;           /* feeders that have not ended */
    struct feeder *failed; /* the first */
    weft_time linger;      /* batch */
    size_t batch_max;
    void *items; /* what is handed out: one, or a batch */
    struct feeder feeders[];
};

static int feed_all(struct feeder *feeder)
{
    struct feeding *feeding = feeder->feeding;
    int rc;
    while ((rc = weft_gen_next_sized(feeder->source, feeder->item, feeding->item_bytes)) > 0) {
        rc = weft_send(feeding->chan, feeder->item);
        if (rc < 0)
            break;
    }
    int close_rc = weft_gen_close(feeder->source);
    return rc < 0 ? rc : close_rc;
}

static int feed(void *arg)
{
    struct feeder *feeder = arg;
    struct feeding *feeding = feeder->feeding;
    int rc = feed_all(feeder);
    feeding->left--;
    if (rc < 0 && feeding->failed == NULL)
        feeding->failed = feeder;
    if (rc < 0 || feeding->left == 0)
        (void)weft_chan_close(feeding->chan, WEFT_CHAN_KEEP);
    return rc < 0 ? rc : 0;
}

static void feeding_start(struct feeding *feeding)
{
    for (size_t i = 0; i < feeding->count; i++) {
        struct feeder *feeder = &feeding->feeders[i];
        feeder->task = weft_spawn(feed, feeder);
        if (wf_handle_rc(feeder->task) == 0) {
            feeding->left++;
        } else if (feeding->failed == NULL) {
            feeding->failed = feeder;
            (void)weft_chan_close(feeding->chan, WEFT_CHAN_KEEP);
        }
    }
    if (feeding->count == 0)
        (void)weft_chan_close(feeding->chan, WEFT_CHAN_KEEP);
}

/* Ends the feeders and waits for them, cancelled or not; the error of the one that failed first,
 * with its text. */
static int feeding_end(struct feeding *feeding)
{
    weft_scope shield;
    int rc = 0;
    (void)weft_scope_open(&shield, WEFT_FOREVER, WEFT_SCOPE_SHIELD | WEFT_SCOPE_ENDLESS);
    for (size_t i = 0; i < feeding->count; i++)
        (void)weft_cancel(feeding->feeders[i].task, "the generator it feeds has ended");
    for (size_t i = 0; i < feeding->count; i++) {
        if (&feeding->feeders[i] != feeding->failed)
            (void)weft_await(feeding->feeders[i].task);
    }
    if (feeding->failed != NULL)
        rc = weft_await(feeding->failed->task);
    for (size_t i = 0; i < feeding->count; i++)
        weft_release(feeding->feeders[i].task);
    weft_chan_free(feeding->chan);
    return weft_scope_close(&shield, rc);
}

static int hand_out_one(weft_gen *self, struct feeding *feeding)
{
    int rc = weft_recv(feeding->chan, feeding->items);
    if (rc <= 0)
        return rc;
    rc = weft_gen_yield_sized(self, feeding->items, feeding->item_bytes);
    return rc < 0 ? rc : 1;
}

static int hand_out_batch(weft_gen *self, struct feeding *feeding)
{
    int rc = weft_recv_batch(feeding->chan, feeding->items, feeding->batch_max, feeding->linger);
    if (rc <= 0)
        return rc;
    struct weft_batch batch = {.items = feeding->items, .count = (size_t)rc};
    rc = weft_gen_yield(self, &batch);
    return rc < 0 ? rc : 1;
}

static int hand_out(weft_gen *self, void *arg)
{
    struct feeding *feeding = arg;
    size_t capacity = feeding->batch_max != 0 ? feeding->batch_max : feeding->count;
    WEFT_TRY(weft_chan_new(&feeding->chan, feeding->item_bytes, capacity));
    feeding_start(feeding);
    int rc;
    do {
        rc = feeding->batch_max != 0 ? hand_out_batch(self, feeding) : hand_out_one(self, feeding);
    } while (rc > 0);
    int end_rc = feeding_end(feeding);
    return rc < 0 ? rc : end_rc;
}

/* In one block: the record, the feeders, an item for each, and `items` of what is handed out. */
static weft_gen *feeding_open(weft_gen *const sources[], size_t count, size_t item_bytes,
                              size_t items, const char *site, struct feeding **out)
{
    size_t stride, head = 0, bytes = 0, item_count;
    bool fits = wf_add_ok(item_bytes, 15, &stride) && wf_add_ok(count, items, &item_count) &&
                wf_mul_ok(count, sizeof(struct feeder), &head) &&
                wf_add_ok(head, sizeof(struct feeding) + 15, &head);
    stride &= ~(size_t)15;
    head &= ~(size_t)15;
    fits = fits && wf_mul_ok(item_count, stride, &bytes) && wf_add_ok(bytes, head, &bytes);
    void *room;
    weft_gen *gen =
        wf_gen_open_over(hand_out, fits ? bytes : SIZE_MAX, sources, count, &room, site);
    if (gen == NULL)
        return NULL;
    struct feeding *feeding = room;
    feeding->item_bytes = item_bytes;
    feeding->count = count;
    feeding->items = (char *)room + head;
    for (size_t i = 0; i < count; i++) {
        feeding->feeders[i] = (struct feeder){
            .feeding = feeding,
            .source = sources[i],
            .item = (char *)feeding->items + (items + i) * stride,
        };
    }
    *out = feeding;
    return gen;
}

weft_gen *weft_gen_merge(weft_gen *const sources[], size_t count, size_t item_bytes)
{
    struct feeding *feeding;
    return feeding_open(sources, count, item_bytes, 1, WEFT_SITE("weft_gen_merge"), &feeding);
}

weft_gen *weft_gen_batch(weft_gen *source, size_t item_bytes, size_t count_max, weft_time linger)
{
    struct feeding *feeding;
    if (count_max == 0)
        count_max = 1;
    weft_gen *gen =
        feeding_open(&source, 1, item_bytes, count_max, WEFT_SITE("weft_gen_batch"), &feeding);
    if (gen != NULL) {
        feeding->batch_max = count_max;
        feeding->linger = linger;
    }
    return gen;
}
