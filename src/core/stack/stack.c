/* SPDX-License-Identifier: MIT */

/*
 * The pool of one loop's stacks.
 *
 * Slots are numbered in the order in which they are first used; [0, fresh) have been used, [0,
 * guarded) have their guard; [fresh, touched), if that is not empty, have a page already.  Those in
 * use plus `free` are all of [0, fresh).  `free` is last in, first out; its bottom part [0, cold)
 * has given its pages back.
 *
 * A slab of slots is mapped at reserve, which may fail; a take only moves an index, and sets up the
 * guards of the next few slots now and then, which falls back rather than fail.
 */

#include "core/stack/stack_host.h"

#include <weft/error.h>

#include "base/alloc.h"
#include "base/checkers.h"

#include <assert.h>
#include <string.h>

#define STACK_BYTES_MAX ((size_t)1 << 30)
#define STACK_COUNT_MAX 4194304u
#define POOL_COUNT_MAX 1048576u
#define SLAB_COUNT_MIN 16u
#define SLAB_COUNT_MAX 4096u
#define COLOURS                                                                                    \
    32u /* cache lines by which tops differ: half a page, so that one page is enough               \
         */
#define WINDOW_NS (5 * WEFT_SEC) /* idle for two windows or more: pages go back */
#define TRIM_COUNT_MAX 1024u     /* stacks a call */
#define KEPT_SLABS_MAX 4u        /* between two pools of a sweep */
#define KEPT_SLOTS_MAX 64u       /* of each */

struct slot {
    char *base;
    uint32_t valgrind_id;
    uint8_t guard;
};

struct slab {
    char *space;
    size_t bytes;
    uint32_t first, count; /* its slots */
};

struct wf_stacks {
    wf_stacks_options options;
    size_t guard_bytes, stack_bytes; /* both in pages */
    enum wf_guard guard;             /* the best worth trying */
    bool is_checked;                 /* by ASan or Valgrind */
    bool on_valgrind;
    bool has_said;
    bool touches; /* until the system says that it cannot */

    struct slot *slots;
    uint32_t *free;      /* room for every slot */
    uint32_t slot_room;  /* of both arrays */
    uint32_t slot_count; /* mapped */
    struct slab *slabs;
    uint32_t slab_room, slab_count;

    uint32_t reserved, used, used_max;
    uint32_t fresh, guarded, touched;
    uint32_t free_count, cold;

    /* The low mark of `free` in this window of time and in the one before: what lies below both
     * has not been used for that long. */
    uint32_t low_now, low_before, idle;
    weft_time window_end, trim_at;
    uint32_t guards[3];

    /* Of one call.  Not on the stack: who starts a task stands on that of the one that ran before,
     * which would need a second page for it. */
    struct iovec ranges[WF_STACK_BATCH];
};

/* Slabs of pools that have ended, every slot of them guarded alike, for the thread's next pool. */
static _Thread_local struct {
    struct slab slabs[KEPT_SLABS_MAX];
    uint8_t guards[KEPT_SLABS_MAX]; /* enum wf_guard */
    uint32_t count;
    bool is_on;
} kept;

static size_t round_up(size_t bytes, size_t unit)
{
    return (bytes + unit - 1) & ~(unit - 1);
}

static struct iovec guard_of(char *base, size_t bytes)
{
    return (struct iovec){.iov_base = base - bytes, .iov_len = bytes};
}

static int check_bytes(size_t bytes)
{
    if (bytes >= WF_STACK_BYTES_MIN && bytes <= STACK_BYTES_MAX)
        return 0;
    return weft_fail(-EINVAL, "stack_bytes: %zu, not from %zu to %zu", bytes,
                     (size_t)WF_STACK_BYTES_MIN, (size_t)STACK_BYTES_MAX);
}

int wf_stacks_new(struct wf_stacks **out, const wf_stacks_options *options)
{
    wf_stacks_options opt = options != NULL ? *options : (wf_stacks_options){0};
    if (opt.stack_bytes == 0)
        opt.stack_bytes = WF_STACK_BYTES_DEFAULT;
    if (opt.stack_count_max == 0)
        opt.stack_count_max = STACK_COUNT_MAX;
    if (opt.pool_count_max == 0)
        opt.pool_count_max = POOL_COUNT_MAX;
    int rc = check_bytes(opt.stack_bytes);
    if (rc < 0)
        return rc;

    struct wf_stacks *stacks = wf_alloc(sizeof *stacks);
    if (stacks == NULL)
        return -ENOMEM;
    stacks->options = opt;
    stacks->guard_bytes = wf_stack_guard_bytes();
    stacks->stack_bytes = round_up(opt.stack_bytes, wf_stack_page_bytes());
    stacks->guard = opt.guard_best;
    stacks->on_valgrind = wf_stack_on_valgrind();
    stacks->is_checked = stacks->on_valgrind || WF_HAS_ASAN;
    stacks->touches = true;
    stacks->trim_at = WEFT_FOREVER;
    *out = stacks;
    return 0;
}

static void describe_slot(const struct wf_stacks *stacks, uint32_t number, wf_stack *out)
{
    const struct slot *slot = &stacks->slots[number];
    size_t unusable = WF_STACK_CANARY_BYTES + number % COLOURS * 64; /* the next one's canary */
    *out = (wf_stack){
        .base = slot->base,
        .top = slot->base + stacks->stack_bytes - unusable,
        .slot = number,
        .guard = slot->guard,
    };
}

/* ---- keeping ---- */

static void slab_unmap(struct wf_stacks *stacks, const struct slab *slab)
{
    for (uint32_t i = slab->first; i < slab->first + slab->count && i < stacks->guarded; i++)
        wf_stack_guard_forget(stacks->slots[i].guard);
    wf_stack_space_unmap(slab->space, slab->bytes);
}

static bool slab_keep(const struct wf_stacks *stacks, const struct slab *slab)
{
    const struct slot *slots = &stacks->slots[slab->first];
    if (!kept.is_on || kept.count == KEPT_SLABS_MAX || slab->count > KEPT_SLOTS_MAX ||
        stacks->guarded < slab->first + slab->count || slots[0].guard == WF_GUARD_CANARY ||
        stacks->on_valgrind)
        return false;
    for (uint32_t i = 1; i < slab->count; i++)
        if (slots[i].guard != slots[0].guard)
            return false;
    kept.slabs[kept.count] = *slab;
    kept.guards[kept.count++] = slots[0].guard;
    return true;
}

/* A kept slab of so many slots and bytes, which come guarded: only behind others that are. */
static bool slab_take_kept(struct wf_stacks *stacks, uint32_t count, size_t bytes, struct slab *out,
                           uint8_t *out_guard)
{
    if (stacks->options.is_measured)
        return false; /* their bytes are not fresh */
    for (uint32_t i = 0; i < kept.count && stacks->guarded == stacks->slot_count; i++) {
        if (kept.slabs[i].count != count || kept.slabs[i].bytes != bytes ||
            kept.guards[i] < stacks->options.guard_best)
            continue;
        *out = kept.slabs[i];
        *out_guard = kept.guards[i];
        kept.slabs[i] = kept.slabs[--kept.count];
        kept.guards[i] = kept.guards[kept.count];
        return true;
    }
    return false;
}

void wf_stacks_keep(bool is_on)
{
    kept.is_on = is_on;
    while (!is_on && kept.count != 0) {
        const struct slab *slab = &kept.slabs[--kept.count];
        for (uint32_t i = 0; i < slab->count; i++)
            wf_stack_guard_forget(kept.guards[kept.count]);
        wf_stack_space_unmap(slab->space, slab->bytes);
    }
}

void wf_stacks_free(struct wf_stacks *stacks)
{
    if (stacks == NULL)
        return;
    assert(stacks->used == 0);
    for (uint32_t i = 0; stacks->is_checked && i < stacks->fresh; i++) {
        wf_stack stack;
        describe_slot(stacks, i, &stack);
        wf_stack_unpoison(&stack); /* whoever gets these addresses next knows nothing of it */
        wf_stack_valgrind_deregister(stacks->slots[i].valgrind_id);
    }
    for (uint32_t i = 0; i < stacks->slab_count; i++)
        if (!slab_keep(stacks, &stacks->slabs[i]))
            slab_unmap(stacks, &stacks->slabs[i]);
    wf_free(stacks->slabs);
    wf_free(stacks->slots);
    wf_free(stacks->free);
    wf_free(stacks);
}

/* ---- address space ---- */

/* Room in the arrays for `more` slots and one slab. */
static int make_room(struct wf_stacks *stacks, uint32_t more)
{
    if (stacks->slab_count == stacks->slab_room) {
        uint32_t room = stacks->slab_room * 2 + 8;
        struct slab *slabs = wf_grow(stacks->slabs, room, sizeof *slabs);
        if (slabs == NULL)
            return -ENOMEM;
        stacks->slabs = slabs;
        stacks->slab_room = room;
    }
    if (stacks->slot_room - stacks->slot_count >= more)
        return 0;

    uint32_t room = stacks->slot_room * 2 > stacks->slot_count + more ? stacks->slot_room * 2
                                                                      : stacks->slot_count + more;
    struct slot *slots = wf_grow(stacks->slots, room, sizeof *slots);
    if (slots == NULL)
        return -ENOMEM;
    stacks->slots = slots;
    uint32_t *free_slots = wf_grow(stacks->free, room, sizeof *free_slots);
    if (free_slots == NULL)
        return -ENOMEM;
    stacks->free = free_slots;
    stacks->slot_room = room;
    return 0;
}

/* Maps a slab: room for the first slot's canary, then slots of a guard and a stack each. */
static int add_slab(struct wf_stacks *stacks, uint32_t count)
{
    size_t lead = wf_stack_page_bytes(), spacing = stacks->guard_bytes + stacks->stack_bytes;
    size_t bytes;
    if (!wf_mul_ok(spacing, count, &bytes) || !wf_add_ok(bytes, lead, &bytes))
        return -ENOMEM;
    int rc = make_room(stacks, count);
    if (rc < 0)
        return rc;
    struct slab slab = {.bytes = bytes};
    uint8_t guard = 0;
    bool is_kept = slab_take_kept(stacks, count, bytes, &slab, &guard);
    rc = is_kept ? 0 : wf_stack_space_map(&slab.space, bytes);
    if (rc < 0)
        return rc;

    slab.first = stacks->slot_count;
    slab.count = count;
    stacks->slabs[stacks->slab_count++] = slab;
    for (uint32_t i = 0; i < count; i++) {
        char *base = slab.space + lead + i * spacing + stacks->guard_bytes;
        stacks->slots[stacks->slot_count++] = (struct slot){.base = base, .guard = guard};
    }
    if (is_kept) {
        stacks->guarded = stacks->slot_count;
        stacks->guards[guard] += count;
    }
    return 0;
}

int wf_stacks_reserve(struct wf_stacks *stacks)
{
    if (stacks->reserved >= stacks->options.stack_count_max)
        return -EAGAIN;
    if (stacks->reserved == stacks->slot_count) {
        uint32_t count = stacks->slot_count < SLAB_COUNT_MIN ? SLAB_COUNT_MIN : stacks->slot_count;
        count = count < SLAB_COUNT_MAX ? count : SLAB_COUNT_MAX;
        int rc = add_slab(stacks, count);
        if (rc < 0 && count > SLAB_COUNT_MIN)
            rc = add_slab(stacks, SLAB_COUNT_MIN);
        if (rc < 0)
            return rc;
    }
    stacks->reserved++;
    return 0;
}

void wf_stacks_unreserve(struct wf_stacks *stacks)
{
    assert(stacks->reserved > stacks->used);
    stacks->reserved--;
}

/* ---- take and give ---- */

static void say_unguarded(struct wf_stacks *stacks)
{
    if (stacks->has_said || stacks->options.say == NULL)
        return;
    stacks->has_said = true;
    stacks->options.say(stacks->options.say_arg,
                        "stacks without guard pages from here on: the kernel has no "
                        "MADV_GUARD_INSTALL and half of vm.max_map_count is used; overflows are "
                        "noticed late, by a canary");
}

static void guard_slots(struct wf_stacks *stacks, uint32_t first, uint32_t count)
{
    uint8_t kinds[WF_STACK_BATCH];
    struct slot *slots = &stacks->slots[first];
    for (uint32_t i = 0; i < count; i++)
        stacks->ranges[i] = guard_of(slots[i].base, stacks->guard_bytes);

    stacks->guard = wf_stack_guard(stacks->ranges, count, stacks->guard, kinds);
    for (uint32_t i = 0; i < count; i++) {
        slots[i].guard = kinds[i];
        stacks->guards[kinds[i]]++;
        if (kinds[i] == WF_GUARD_CANARY)
            say_unguarded(stacks);
    }
}

static void trim_soon(struct wf_stacks *stacks)
{
    if (stacks->trim_at == WEFT_FOREVER)
        stacks->trim_at = 0;
}

/* More than a batch of stacks is in use and none is free, and so many tasks more are there that
 * these slots may all be used at once.  Not otherwise: who has not run holds no memory for a stack.
 */
static bool is_burst(const struct wf_stacks *stacks, uint32_t count)
{
    return stacks->used > WF_STACK_BATCH && stacks->reserved - stacks->used >= count - 1;
}

/* The page at its top is all of a stack that most tasks use. */
static void touch_slots(struct wf_stacks *stacks, uint32_t first, uint32_t count)
{
    size_t page = wf_stack_page_bytes();
    for (uint32_t i = 0; i < count; i++) {
        char *base = stacks->slots[first + i].base;
        stacks->ranges[i] = (struct iovec){base + stacks->stack_bytes - page, page};
    }
    stacks->touches = wf_stack_pages_touch(stacks->ranges, count);
    if (!stacks->touches)
        return;
    stacks->touched = first + count;
    trim_soon(stacks);
}

static void prepare_next_slots(struct wf_stacks *stacks)
{
    uint32_t first = stacks->guarded, count = stacks->slot_count - first;
    count = count < WF_STACK_BATCH ? count : WF_STACK_BATCH;
    guard_slots(stacks, first, count);
    stacks->guarded += count;
    if (stacks->touches && is_burst(stacks, count))
        touch_slots(stacks, first, count);
}

static uint32_t take_fresh_slot(struct wf_stacks *stacks)
{
    assert(stacks->fresh < stacks->slot_count);
    uint32_t number = stacks->fresh++;
    if (number == stacks->guarded)
        prepare_next_slots(stacks);
    if (stacks->on_valgrind) {
        wf_stack stack;
        describe_slot(stacks, number, &stack);
        stacks->slots[number].valgrind_id = wf_stack_valgrind_register(&stack);
    }
    return number;
}

static uint32_t take_pooled_slot(struct wf_stacks *stacks)
{
    uint32_t number = stacks->free[--stacks->free_count];
    if (stacks->low_now > stacks->free_count)
        stacks->low_now = stacks->free_count;
    if (stacks->cold > stacks->free_count)
        stacks->cold = stacks->free_count;
    return number;
}

void wf_stacks_take(struct wf_stacks *stacks, wf_stack *out)
{
    assert(stacks->used < stacks->reserved);
    if (++stacks->used > stacks->used_max)
        stacks->used_max = stacks->used;
    uint32_t number = stacks->free_count > 0 ? take_pooled_slot(stacks) : take_fresh_slot(stacks);
    describe_slot(stacks, number, out);
    if (out->guard == WF_GUARD_CANARY)
        wf_stack_canary_write(out->base);
    if (stacks->is_checked)
        wf_stack_unpoison(out);
}

static void wipe(const wf_stack *stack)
{
    size_t bytes = wf_stack_high_water(stack);
    memset(stack->top - bytes, 0, bytes);
}

void wf_stacks_give(struct wf_stacks *stacks, const wf_stack *stack)
{
    assert(stacks->used > 0);
    assert(!stack->is_mapped);
    assert(wf_stack_is_intact(stack));
    if (stacks->options.is_measured)
        wipe(stack);
    if (stacks->is_checked)
        wf_stack_poison(stack);
    if (stack->guard == WF_GUARD_CANARY)
        wf_stack_canary_clear(stack->base);
    stacks->used--;
    stacks->free[stacks->free_count++] = stack->slot;
    trim_soon(stacks);
    if (stacks->free_count > stacks->options.pool_count_max)
        stacks->trim_at = 0;
}

bool wf_stacks_own(const struct wf_stacks *stacks, const void *addr)
{
    for (uint32_t i = 0; i < stacks->slab_count; i++) {
        const struct slab *slab = &stacks->slabs[i];
        if ((const char *)addr >= slab->space && (const char *)addr < slab->space + slab->bytes)
            return true;
    }
    return false;
}

/* ---- giving pages back ---- */

static uint32_t touched_count(const struct wf_stacks *stacks)
{
    return stacks->touched > stacks->fresh ? stacks->touched - stacks->fresh : 0;
}

/* The burst did not use up its last batch. */
static void drop_touched(struct wf_stacks *stacks)
{
    uint32_t count = touched_count(stacks);
    for (uint32_t i = 0; i < count; i++) {
        char *base = stacks->slots[stacks->fresh + i].base;
        stacks->ranges[i] = (struct iovec){base, stacks->stack_bytes};
    }
    if (count != 0)
        wf_stack_pages_drop(stacks->ranges, count);
    stacks->touched = 0;
}

static void next_window(struct wf_stacks *stacks, weft_time now)
{
    drop_touched(stacks);
    stacks->idle = stacks->low_now < stacks->low_before ? stacks->low_now : stacks->low_before;
    stacks->low_before = stacks->low_now;
    stacks->low_now = stacks->free_count;
    stacks->window_end = now + WINDOW_NS;
}

/* The canary at the end of a slot is that of the stack above, if somebody uses that. */
static bool holds_canary(const struct wf_stacks *stacks, uint32_t number)
{
    wf_stack above;
    if (number + 1 >= stacks->fresh || stacks->slots[number + 1].guard != WF_GUARD_CANARY)
        return false;
    describe_slot(stacks, number + 1, &above);
    return wf_stack_canary_is_intact(&above);
}

/* Of the free ones that are not cold yet the first `count`, a batch at most. */
static void drop_batch(struct wf_stacks *stacks, uint32_t count)
{
    char *canaries[WF_STACK_BATCH];
    size_t canary_count = 0;
    for (uint32_t i = 0; i < count; i++) {
        uint32_t number = stacks->free[stacks->cold++];
        stacks->ranges[i] = (struct iovec){stacks->slots[number].base, stacks->stack_bytes};
        if (holds_canary(stacks, number))
            canaries[canary_count++] = stacks->slots[number + 1].base;
    }
    wf_stack_pages_drop(stacks->ranges, count);
    while (canary_count > 0)
        wf_stack_canary_write(canaries[--canary_count]);
}

static void drop_pages(struct wf_stacks *stacks, uint32_t count)
{
    for (uint32_t batch; count > 0; count -= batch) {
        batch = count < WF_STACK_BATCH ? count : WF_STACK_BATCH;
        drop_batch(stacks, batch);
    }
}

weft_time wf_stacks_trim(struct wf_stacks *stacks, weft_time now)
{
    if (now < stacks->trim_at)
        return stacks->trim_at;
    if (now >= stacks->window_end)
        next_window(stacks, now);

    uint32_t unused = stacks->idle < stacks->low_now ? stacks->idle : stacks->low_now;
    uint32_t pool_max = stacks->options.pool_count_max;
    if (stacks->free_count > pool_max && unused < stacks->free_count - pool_max)
        unused = stacks->free_count - pool_max;
    uint32_t count = unused > stacks->cold ? unused - stacks->cold : 0;
    bool is_more = count > TRIM_COUNT_MAX;
    drop_pages(stacks, is_more ? TRIM_COUNT_MAX : count);

    bool is_later = stacks->free_count > stacks->cold || touched_count(stacks) != 0;
    if (is_more)
        stacks->trim_at = now;
    else
        stacks->trim_at = is_later ? stacks->window_end : WEFT_FOREVER;
    return stacks->trim_at;
}

size_t wf_stacks_stack_bytes(const struct wf_stacks *stacks)
{
    return stacks->stack_bytes;
}

wf_stacks_stats wf_stacks_get_stats(const struct wf_stacks *stacks)
{
    return (wf_stacks_stats){
        .reserved = stacks->reserved,
        .used = stacks->used,
        .used_max = stacks->used_max,
        .pooled = stacks->free_count - stacks->cold,
        .touched = touched_count(stacks),
        .slots = stacks->slot_count,
        .guards = {stacks->guards[0], stacks->guards[1], stacks->guards[2]},
    };
}

/* ---- stacks of unusual size ---- */

int wf_stack_map(wf_stack *out, size_t bytes)
{
    int rc = check_bytes(bytes);
    if (rc < 0)
        return rc;
    size_t page = wf_stack_page_bytes(), below = page + wf_stack_guard_bytes();
    bytes = round_up(bytes, page);
    char *space;
    rc = wf_stack_space_map(&space, below + bytes);
    if (rc < 0)
        return rc;

    wf_stack stack = {.base = space + below, .is_mapped = true};
    stack.top = stack.base + bytes;
    struct iovec guard = guard_of(stack.base, wf_stack_guard_bytes());
    (void)wf_stack_guard(&guard, 1, WF_GUARD_MARKER, &stack.guard);
    if (stack.guard == WF_GUARD_CANARY)
        wf_stack_canary_write(stack.base);
    stack.slot = wf_stack_valgrind_register(&stack);
    *out = stack;
    return 0;
}

void wf_stack_unmap(const wf_stack *stack)
{
    assert(stack->is_mapped);
    size_t below = wf_stack_page_bytes() + wf_stack_guard_bytes();
    wf_stack_valgrind_deregister(stack->slot);
    wf_stack_guard_forget(stack->guard);
    wf_stack_unpoison(stack);
    wf_stack_space_unmap(stack->base - below, wf_stack_bytes(stack) + below);
}
