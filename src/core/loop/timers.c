/* SPDX-License-Identifier: MIT */

/*
 * Wheel: Varghese and Lauck, "Hashed and Hierarchical Timing Wheels", 1987, scheme 7; but a slot is
 * found by the highest digit that differs, so that no slot is visited only because time passes it,
 * and the order within a tick is kept by a heap.
 *
 * Heap: Fredman, Sedgewick, Sleator and Tarjan, "The Pairing Heap", 1986, two passes.
 */

#include "core/loop/timers.h"

#include <assert.h>
#include <string.h>

#define DIGIT_BITS 6
#define PREFETCH_AHEAD 8                /* timers */
#define SLOT_HEAP (WF_TIMERS_SLOTS + 1) /* priv_slot: 0 not running, else 1 + its slot */

static uint64_t tick_of(weft_time deadline)
{
    return deadline > 0 ? (uint64_t)deadline >> WF_TIMERS_TICK_BITS : 0;
}

/* ---- the heap: priv_child the first child, priv_next the next sibling, priv_prev the sibling
 * before or, of a first child, the parent ---- */

static bool is_before(const weft_timer *a, const weft_timer *b)
{
    return a->deadline != b->deadline ? a->deadline < b->deadline : a->priv_seq < b->priv_seq;
}

/* Two roots become one. */
static weft_timer *heap_meld(weft_timer *a, weft_timer *b)
{
    if (is_before(b, a)) {
        weft_timer *swap = a;
        a = b;
        b = swap;
    }
    b->priv_prev = a;
    b->priv_next = a->priv_child;
    if (b->priv_next != NULL)
        b->priv_next->priv_prev = b;
    a->priv_child = b;
    a->priv_next = NULL;
    a->priv_prev = NULL;
    return a;
}

/* Siblings become one heap: melded in pairs from the left, the pairs from the right. */
static weft_timer *heap_meld_siblings(weft_timer *first)
{
    weft_timer *pairs = NULL; /* by priv_next, the rightmost first */
    while (first != NULL) {
        weft_timer *a = first, *b = a->priv_next;
        first = b != NULL ? b->priv_next : NULL;
        a = b != NULL ? heap_meld(a, b) : a;
        a->priv_next = pairs;
        pairs = a;
    }
    weft_timer *root = pairs;
    if (root == NULL)
        return NULL;
    pairs = root->priv_next;
    root->priv_next = NULL;
    root->priv_prev = NULL;
    while (pairs != NULL) {
        weft_timer *next = pairs->priv_next;
        root = heap_meld(root, pairs);
        pairs = next;
    }
    return root;
}

static void heap_insert(struct wf_timers *timers, weft_timer *timer)
{
    timer->priv_slot = SLOT_HEAP;
    timer->priv_child = timer->priv_next = timer->priv_prev = NULL;
    timers->due = timers->due != NULL ? heap_meld(timers->due, timer) : timer;
}

static void heap_remove(struct wf_timers *timers, weft_timer *timer)
{
    weft_timer *below = heap_meld_siblings(timer->priv_child);
    if (timer == timers->due) {
        timers->due = below;
        return;
    }
    if (timer->priv_prev->priv_child == timer)
        timer->priv_prev->priv_child = timer->priv_next;
    else
        timer->priv_prev->priv_next = timer->priv_next;
    if (timer->priv_next != NULL)
        timer->priv_next->priv_prev = timer->priv_prev;
    if (below != NULL)
        timers->due = heap_meld(timers->due, below);
}

/* ---- the wheel ---- */

/* Where a timer of a tick after `tick` belongs. */
static unsigned slot_of(const struct wf_timers *timers, uint64_t tick)
{
    unsigned bit = 63 - (unsigned)__builtin_clzll(tick ^ timers->tick);
    unsigned level = bit / DIGIT_BITS;
    return level * 64 + (unsigned)(tick >> (level * DIGIT_BITS) & 63);
}

/* `lower`: a timer of the slot now has this deadline.  `loosen`: one has it no longer. */
static void lower(struct wf_timers *timers, unsigned slot, weft_time deadline)
{
    if (timers->lowest[slot] >= deadline) {
        timers->lowest[slot] = deadline;
        timers->loose[slot / 64] &= ~(1ull << slot % 64);
    }
}

static void loosen(struct wf_timers *timers, unsigned slot, weft_time deadline)
{
    if (timers->lowest[slot] == deadline)
        timers->loose[slot / 64] |= 1ull << slot % 64;
}

static void wheel_insert(struct wf_timers *timers, weft_timer *timer, unsigned slot)
{
    weft_timer **head = &timers->slots[slot];
    uint64_t bit = 1ull << slot % 64;
    timer->priv_slot = (uint16_t)(1 + slot);
    if (*head == NULL) {
        timers->occupied[slot / 64] |= bit;
        timers->loose[slot / 64] &= ~bit;
        timer->priv_next = timer->priv_prev = timer;
        timers->lowest[slot] = timer->deadline;
    } else {
        timer->priv_next = *head;
        timer->priv_prev = (*head)->priv_prev;
        timer->priv_prev->priv_next = timer;
        (*head)->priv_prev = timer;
        lower(timers, slot, timer->deadline);
    }
    *head = timer;
}

static void wheel_remove(struct wf_timers *timers, weft_timer *timer)
{
    unsigned slot = timer->priv_slot - 1u;
    if (timer->priv_next == timer) {
        timers->slots[slot] = NULL;
        timers->occupied[slot / 64] &= ~(1ull << slot % 64);
        return;
    }
    if (timers->slots[slot] == timer)
        timers->slots[slot] = timer->priv_next;
    loosen(timers, slot, timer->deadline);
    timer->priv_next->priv_prev = timer->priv_prev;
    timer->priv_prev->priv_next = timer->priv_next;
}

static void place(struct wf_timers *timers, weft_timer *timer)
{
    uint64_t tick = tick_of(timer->deadline);
    if (tick <= timers->tick)
        heap_insert(timers, timer);
    else
        wheel_insert(timers, timer, slot_of(timers, tick));
}

/* The first slot in time, or -1 if the wheel is empty. */
static int first_slot(const struct wf_timers *timers)
{
    for (int level = 0; level < WF_TIMERS_LEVELS; level++) {
        if (timers->occupied[level] != 0)
            return level * 64 + __builtin_ctzll(timers->occupied[level]);
    }
    return -1;
}

/* The first tick that belongs to a slot. */
static uint64_t first_tick(const struct wf_timers *timers, unsigned slot)
{
    unsigned shift = slot / 64 * DIGIT_BITS;
    uint64_t above = timers->tick >> shift >> DIGIT_BITS;
    return (above << DIGIT_BITS | slot % 64) << shift;
}

/* Walking the list misses the caches at each timer, and only that timer says where the next one is.
 * But timers of tasks that began one after the other are evenly spaced, as their stacks are.  Where
 * two distances were equal, one further on is prefetched at the same distance, so that several
 * misses are under way at once. */
static void prefetch_later(const weft_timer *timer, const weft_timer *before, uintptr_t *apart)
{
    uintptr_t distance = (uintptr_t)before - (uintptr_t)timer;
    if (distance == *apart)
        __builtin_prefetch((const void *)((uintptr_t)before + PREFETCH_AHEAD * distance));
    *apart = distance;
}

/* Moves the wheel to the beginning of its first slot and puts that slot's timers where they belong
 * then.  Oldest first: each goes in front of those before it, so their order stays. */
static void open_slot(struct wf_timers *timers, unsigned slot)
{
    timers->tick = first_tick(timers, slot);
    weft_timer *newest = timers->slots[slot], *timer = newest->priv_prev;
    timers->slots[slot] = NULL;
    timers->occupied[slot / 64] &= ~(1ull << slot % 64);
    uintptr_t apart = 0;
    for (;;) {
        weft_timer *before = timer->priv_prev;
        prefetch_later(timer, before, &apart);
        place(timers, timer);
        if (timer == newest)
            break;
        timer = before;
    }
}

/* Fills the heap from the wheel if anything there may be due. */
static void advance(struct wf_timers *timers, uint64_t tick)
{
    while (timers->due == NULL && timers->tick < tick) {
        int slot = first_slot(timers);
        if (slot < 0 || first_tick(timers, (unsigned)slot) > tick)
            timers->tick = tick; /* no slot begins in between: all stay where they are */
        else
            open_slot(timers, (unsigned)slot);
    }
}

/* ---- timers ---- */

void wf_timers_init(struct wf_timers *timers, weft_time now)
{
    memset(timers, 0, sizeof *timers);
    timers->tick = tick_of(now);
}

static void take_off(struct wf_timers *timers, weft_timer *timer)
{
    if (timer->priv_slot == SLOT_HEAP)
        heap_remove(timers, timer);
    else
        wheel_remove(timers, timer);
}

/* A timer in the wheel whose deadline moves to the same slot or a later one may stay where it is:
 * its slot comes up first, and it is put where it belongs then.  So a timeout that is pushed
 * forward again and again touches no other timer. */
static bool may_stay(const struct wf_timers *timers, const weft_timer *timer, uint64_t tick)
{
    return timer->priv_slot != 0 && timer->priv_slot != SLOT_HEAP && tick > timers->tick &&
           slot_of(timers, tick) >= timer->priv_slot - 1u;
}

static void stay(struct wf_timers *timers, weft_timer *timer, weft_time deadline)
{
    unsigned slot = timer->priv_slot - 1u;
    loosen(timers, slot, timer->deadline);
    timer->deadline = deadline;
    lower(timers, slot, deadline);
}

void wf_timers_start(struct wf_timers *timers, weft_timer *timer, weft_time deadline)
{
    if (deadline == WEFT_FOREVER) {
        wf_timers_stop(timers, timer);
        return;
    }
    timer->priv_seq = ++timers->seq;
    if (may_stay(timers, timer, tick_of(deadline))) {
        stay(timers, timer, deadline);
        return;
    }
    if (timer->priv_slot != 0)
        take_off(timers, timer);
    else
        timers->count++;
    timer->deadline = deadline;
    place(timers, timer);
}

void wf_timers_stop(struct wf_timers *timers, weft_timer *timer)
{
    if (timer->priv_slot == 0)
        return;
    take_off(timers, timer);
    timer->priv_slot = 0;
    timers->count--;
}

weft_timer *wf_timers_pop(struct wf_timers *timers, weft_time now)
{
    if (timers->due == NULL)
        advance(timers, tick_of(now));
    weft_timer *timer = timers->due;
    if (timer == NULL || timer->deadline > now)
        return NULL;
    wf_timers_stop(timers, timer);
    timers->fired++;
    return timer;
}

weft_time wf_timers_next_bound(const struct wf_timers *timers)
{
    if (timers->due != NULL)
        return timers->due->deadline;
    int slot = first_slot(timers);
    return slot < 0 ? WEFT_FOREVER : timers->lowest[slot];
}

/* Moves the timers that stayed in this slot though they belong in a later one, and finds the
 * earliest of the others. */
static void settle(struct wf_timers *timers, unsigned slot)
{
    weft_time lowest = WEFT_FOREVER;
    weft_timer *timer = timers->slots[slot]->priv_prev, *newest = timers->slots[slot];
    for (bool is_last = false; !is_last;) {
        weft_timer *before = timer->priv_prev;
        is_last = timer == newest;
        unsigned right = slot_of(timers, tick_of(timer->deadline));
        if (right != slot) {
            wheel_remove(timers, timer);
            wheel_insert(timers, timer, right);
        } else if (timer->deadline < lowest) {
            lowest = timer->deadline;
        }
        timer = before;
    }
    timers->lowest[slot] = lowest;
    timers->loose[slot / 64] &= ~(1ull << slot % 64);
}

weft_time wf_timers_next(struct wf_timers *timers)
{
    while (timers->due == NULL) {
        int slot = first_slot(timers);
        if (slot < 0)
            return WEFT_FOREVER;
        if ((timers->loose[slot / 64] >> slot % 64 & 1) == 0)
            return timers->lowest[slot];
        settle(timers, (unsigned)slot);
    }
    return timers->due->deadline;
}
