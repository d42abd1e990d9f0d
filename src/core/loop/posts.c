/* SPDX-License-Identifier: MIT */

#include "core/loop/posts.h"

#include "base/alloc.h"
#include "base/list.h"
#include "core/loop/loop_priv.h"
#include "core/loop/registry.h"

#include <assert.h>
#include <stdatomic.h>

#define POST_COUNT_DEFAULT 4096u

struct post_node {
    weft_msg msg;
    void (*fn)(void *arg);
    void *arg;
    struct wf_posts *posts;
    _Atomic uint32_t next_free; /* index + 1; read by threads that may lose the race for the node */
};

/*
 * `inbound` is one word that says everything a poster must know:
 *
 *     NULL          nothing has arrived, the loop is awake
 *     &posts_asleep nothing has arrived, the loop waits or is about to
 *     a message     the newest arrival, linked to the older ones; the loop is awake or being woken
 *
 * Why no wake-up is lost.  The loop says that it sleeps by changing this word from NULL to asleep,
 * which fails if anything has arrived.  A poster replaces whatever it finds by its message, in one
 * atomic step; the one that replaced `asleep`, and only that one, wakes the loop.  All changes of
 * one word have one order, so every message lands either before the loop falls asleep (then it does
 * not) or on the mark (then its poster wakes it) or behind a message that did.  No second word is
 * read, so nothing depends on the order of a store and a later load, and acquire and release are
 * enough: a push releases what the message points at, taking the list acquires it.
 *
 * A poster touches the loop after its push only to wake it.  The message itself may be what ends
 * the loop, therefore it pins the loop (registry.h) before it pushes onto the mark.
 *
 * Nodes of weft_post come from `nodes`: fresh ones by counting up, so that making a loop does not
 * touch the whole array, used ones from a free list.  Its head carries a tag that changes with
 * every node given back, because a thread may read a head, be stopped, and come back when the same
 * node is first again with another one behind it.
 */
struct wf_posts {
    _Atomic(weft_msg *) inbound;
    _Atomic uint64_t free_head; /* tag << 32 | index + 1 of the first free node, 0 if none */
    _Atomic uint32_t fresh_count;
    uint32_t node_count;
    uint32_t number; /* in the registry */
    bool is_closed;
    struct post_node nodes[];
};

static weft_msg posts_asleep;

/* ---- nodes ---- */

static struct post_node *node_take_used(struct wf_posts *posts)
{
    uint64_t head = atomic_load_explicit(&posts->free_head, memory_order_acquire);
    while ((uint32_t)head != 0) {
        struct post_node *node = &posts->nodes[(uint32_t)head - 1];
        uint64_t next = atomic_load_explicit(&node->next_free, memory_order_relaxed);
        uint64_t tag = head >> 32;
        if (atomic_compare_exchange_weak_explicit(&posts->free_head, &head, tag << 32 | next,
                                                  memory_order_acquire, memory_order_acquire))
            return node;
    }
    return NULL;
}

static struct post_node *node_take(struct wf_posts *posts)
{
    struct post_node *node = node_take_used(posts);
    if (node != NULL)
        return node;
    uint32_t fresh = atomic_load_explicit(&posts->fresh_count, memory_order_relaxed);
    while (fresh < posts->node_count) {
        if (atomic_compare_exchange_weak_explicit(&posts->fresh_count, &fresh, fresh + 1,
                                                  memory_order_relaxed, memory_order_relaxed))
            return &posts->nodes[fresh];
    }
    return NULL;
}

static void node_give(struct wf_posts *posts, struct post_node *node)
{
    uint32_t index = (uint32_t)(node - posts->nodes);
    uint64_t head = atomic_load_explicit(&posts->free_head, memory_order_relaxed);
    uint64_t next;
    do {
        atomic_store_explicit(&node->next_free, (uint32_t)head, memory_order_relaxed);
        next = ((head >> 32) + 1) << 32 | (index + 1);
    } while (!atomic_compare_exchange_weak_explicit(&posts->free_head, &head, next,
                                                    memory_order_release, memory_order_relaxed));
}

/* ---- posting: any thread, signal handlers ---- */

static void posts_wake(weft_loop *loop)
{
    int before = errno; /* we may be in a signal handler */
    loop->backend->wake(loop);
    errno = before;
}

static void posts_pin(const struct wf_posts *posts)
{
    weft_loop *loop = wf_loop_ref(posts->number);
    assert(loop != NULL); /* the caller said that it lives */
}

/* `is_pinned`: the caller has pinned the loop. */
static void posts_push(weft_loop *loop, weft_msg *msg, bool is_pinned)
{
    struct wf_posts *posts = loop->posts;
    uint32_t number = posts->number;
    bool must_unpin = false;

    weft_msg *before = atomic_load_explicit(&posts->inbound, memory_order_relaxed);
    do {
        if (before == &posts_asleep && !is_pinned) {
            posts_pin(posts);
            is_pinned = true;
            must_unpin = true;
        }
        msg->priv_next = before == &posts_asleep ? NULL : before;
    } while (!atomic_compare_exchange_weak_explicit(&posts->inbound, &before, msg,
                                                    memory_order_release, memory_order_relaxed));
    if (before == &posts_asleep)
        posts_wake(loop);
    if (must_unpin)
        wf_loop_unref(number);
}

static void node_run(weft_msg *msg)
{
    struct post_node *node = wf_container(msg, struct post_node, msg);
    void (*fn)(void *arg) = node->fn;
    void *arg = node->arg;
    node_give(node->posts, node); /* first: fn may post */
    fn(arg);
}

int weft_post(weft_loop *loop, void (*fn)(void *arg), void *arg)
{
    uint32_t number;
    int rc = wf_registry_pin(loop, &number);
    if (rc < 0)
        return rc;

    assert(loop->posts != NULL); /* from before it is in the registry until after */
    struct post_node *node = node_take(loop->posts);
    if (node == NULL) {
        rc = -EAGAIN;
        goto out;
    }
    node->msg.fn = node_run;
    node->fn = fn;
    node->arg = arg;
    node->posts = loop->posts;
    posts_push(loop, &node->msg, /* is_pinned= */ true);
out:
    wf_loop_unref(number);
    return rc;
}

void weft_post_msg(weft_loop *loop, weft_msg *msg)
{
    posts_push(loop, msg, /* is_pinned= */ false);
}

void weft_loop_hold(weft_loop *loop)
{
    loop->hold_count++;
    assert(loop->hold_count != 0);
}

void weft_loop_unhold(weft_loop *loop)
{
    assert(loop->hold_count != 0);
    loop->hold_count--;
}

void weft_loop_ending(weft_loop *loop, int by)
{
    assert(by > 0 || loop->ending_count >= (uint32_t)-by);
    loop->ending_count += (uint32_t)by;
}

/* ---- the loop's side ---- */

int wf_posts_init(weft_loop *loop, uint32_t count_max)
{
    uint32_t count = count_max != 0 ? count_max : POST_COUNT_DEFAULT;
    size_t bytes;
    if (!wf_mul_ok(count, sizeof(struct post_node), &bytes) ||
        !wf_add_ok(bytes, sizeof(struct wf_posts), &bytes))
        return -ENOMEM;
    struct wf_posts *posts = wf_grow(NULL, 1, bytes); /* a node is written when it is first taken */
    if (posts == NULL)
        return -ENOMEM;
    *posts = (struct wf_posts){.node_count = count};

    loop->posts = posts; /* before the registry shows the loop to others */
    int rc = wf_registry_add(loop, &posts->number);
    if (rc < 0) {
        loop->posts = NULL;
        wf_free(posts);
    }
    return rc;
}

void wf_posts_close(weft_loop *loop)
{
    if (loop->posts->is_closed)
        return;
    loop->posts->is_closed = true;
    wf_registry_remove(loop->posts->number);
    /* What runs now may send messages of its own with weft_post_msg. */
    while (wf_posts_run(loop) > 0)
        ;
}

void wf_posts_fini(weft_loop *loop)
{
    if (loop->posts == NULL)
        return;
    wf_posts_close(loop);
    while (wf_posts_run(loop) > 0)
        ;
    wf_free(loop->posts);
    loop->posts = NULL;
}

/* Newest first becomes oldest first, which keeps each poster's order. */
static weft_msg *posts_reverse(weft_msg *newest)
{
    weft_msg *oldest = NULL;
    while (newest != NULL) {
        weft_msg *older = newest->priv_next;
        newest->priv_next = oldest;
        oldest = newest;
        newest = older;
    }
    return oldest;
}

bool wf_posts_pending(const weft_loop *loop)
{
    weft_msg *head = atomic_load_explicit(&loop->posts->inbound, memory_order_relaxed);
    return head != NULL && head != &posts_asleep;
}

int wf_posts_run(weft_loop *loop)
{
    if (!wf_posts_pending(loop)) /* spares a busy loop the write to a shared line */
        return 0;
    weft_msg *msg = atomic_exchange_explicit(&loop->posts->inbound, NULL, memory_order_acquire);
    int count = 0;
    for (msg = posts_reverse(msg); msg != NULL; count++) {
        weft_msg *next = msg->priv_next;
        msg->fn(msg); /* may free msg */
        msg = next;
    }
    return count;
}

bool wf_posts_sleep(weft_loop *loop)
{
    weft_msg *expected = NULL;
    /* Released: who sees that we sleep sees that we had risen before (loops.c). */
    return atomic_compare_exchange_strong_explicit(&loop->posts->inbound, &expected, &posts_asleep,
                                                   memory_order_release, memory_order_relaxed) ||
           expected == &posts_asleep;
}

void wf_posts_awake(weft_loop *loop)
{
    weft_msg *expected = &posts_asleep;
    /* In one order with the look that follows: does who watches us need to be woken? */
    atomic_compare_exchange_strong_explicit(&loop->posts->inbound, &expected, NULL,
                                            memory_order_seq_cst, memory_order_seq_cst);
}

bool wf_posts_is_asleep(const weft_loop *loop)
{
    return atomic_load_explicit(&loop->posts->inbound, memory_order_seq_cst) == &posts_asleep;
}

uint32_t wf_loop_number(const weft_loop *loop)
{
    return loop->posts->number;
}
