/* SPDX-License-Identifier: MIT */

/*
 * Stacks of one loop.  A task costs address space from spawn to end (reserve, unreserve), but a
 * stack only from its first run to its end (take, give): the stack that was given back last, still
 * in the caches, is the next one taken.  When many tasks begin at once, and wait, their stacks get
 * the page at their top from the kernel in batches, which is cheaper than a fault each; of a last
 * batch that is not used up, the pages go back at the next trim.
 *
 * A slot is a guard and `stack_bytes` above it.  Slots are a page more than a power of two apart
 * and their tops differ by a cache colour, so that equal places of different stacks do not fall
 * into the same sets of the caches and the TLB.
 */
#ifndef WF_STACK_H
#define WF_STACK_H

#include <weft/base.h>

#define WF_STACK_BYTES_DEFAULT ((size_t)64 << 10)
#define WF_STACK_BYTES_MIN ((size_t)16 << 10)
#define WF_STACK_CANARY_BYTES 64

/* What stops a task that runs past the low end of its stack; the weaker come later. */
enum wf_guard {
    WF_GUARD_MARKER,   /* MADV_GUARD_INSTALL: costs no mapping, so any number is possible */
    WF_GUARD_MPROTECT, /* splits the mapping: used below half of vm.max_map_count */
    WF_GUARD_CANARY,   /* nothing stops it; wf_stack_is_intact() tells afterwards */
};

typedef struct wf_stack {
    char *base, *top; /* usable bytes [base, top); top is aligned to 64 */
    uint32_t slot;    /* number within its pool; of an own mapping: Valgrind's id of it */
    uint8_t guard;    /* enum wf_guard */
    bool is_mapped;   /* made by wf_stack_map() */
    bool is_special;  /* mapped or measured: does not go on to the next task as it is */
} wf_stack;

/* Zero means "choose for me" in every field. */
typedef struct wf_stacks_options {
    size_t stack_bytes;       /* at least 16 KiB; rounded up to pages; 0: 64 KiB */
    uint32_t stack_count_max; /* 0: 4,194,304.  Past it wf_stacks_reserve() says -EAGAIN */
    uint32_t pool_count_max;  /* given-back stacks that keep their pages; 0: 1,048,576 */
    enum wf_guard guard_best; /* no better guard than this; 0: the best the kernel has */
    bool is_measured;         /* wipe on give, so that wf_stack_high_water() is per task; slow */
    void (*say)(void *arg,
                const char *text); /* called once if stacks have to go unguarded; or NULL */
    void *say_arg;
} wf_stacks_options;

typedef struct wf_stacks_stats {
    uint32_t reserved;  /* tasks that may need a stack */
    uint32_t used;      /* taken now */
    uint32_t used_max;  /* the most at once so far */
    uint32_t pooled;    /* given back and still holding pages */
    uint32_t touched;   /* never used yet and holding a page already */
    uint32_t slots;     /* address space there is, in stacks */
    uint32_t guards[3]; /* slots prepared so far, by enum wf_guard */
} wf_stacks_stats;

struct wf_stacks;

/* -ENOMEM; -EINVAL if `stack_bytes` is not 0 and below 16 KiB, or above 1 GiB. */
int wf_stacks_new(struct wf_stacks **out, const wf_stacks_options *options);

/* Every stack must have been given back.  NULL is fine. */
void wf_stacks_free(struct wf_stacks *stacks);

/* While on, what a pool of this thread had mapped at its end, up to a few MiB, is there for the
 * next one: a sweep of short runs spends half its time mapping stacks.  Off unmaps what is kept. */
void wf_stacks_keep(bool is_on);

/* Makes sure that one more task can have a stack.  -ENOMEM, -EAGAIN (stack_count_max). */
int wf_stacks_reserve(struct wf_stacks *stacks);
void wf_stacks_unreserve(struct wf_stacks *stacks);

/* Never fails: the reserve did.  The bytes are as the last user left them. */
void wf_stacks_take(struct wf_stacks *stacks, wf_stack *out);
void wf_stacks_give(struct wf_stacks *stacks, const wf_stack *stack);

/* True if `addr` lies in the space of its stacks. */
bool wf_stacks_own(const struct wf_stacks *stacks, const void *addr);

/* Hands pages of stacks back that were not used for 10 s or that are too many, a bounded number a
 * call.  Returns when to call again, WEFT_FOREVER if the pool is empty. */
weft_time wf_stacks_trim(struct wf_stacks *stacks, weft_time now);

size_t wf_stacks_stack_bytes(const struct wf_stacks *stacks);
wf_stacks_stats wf_stacks_get_stats(const struct wf_stacks *stacks);

/* A stack of another size: its own mapping and guard.  -ENOMEM, -EINVAL as above. */
int wf_stack_map(wf_stack *out, size_t bytes);
void wf_stack_unmap(const wf_stack *stack);

static inline size_t wf_stack_bytes(const wf_stack *stack)
{
    return (size_t)(stack->top - stack->base);
}

/* The most bytes of it in use at once since its pages were last fresh; exact to the word in a
 * measured pool and on an own mapping, else at least that many.  Makes system calls. */
size_t wf_stack_high_water(const wf_stack *stack);

/* Bytes of guard below each stack. */
size_t wf_stack_guard_bytes(void);

/* True if `addr` lies in the guard below the stack.  Async-signal-safe. */
bool wf_stack_is_guard(const wf_stack *stack, const void *addr);

/* Stacks with a canary only; the others are always intact.  Cheap enough for every switch. */
bool wf_stack_canary_is_intact(const wf_stack *stack);

static inline bool wf_stack_is_intact(const wf_stack *stack)
{
    return __builtin_expect(stack->guard != WF_GUARD_CANARY, 1) || wf_stack_canary_is_intact(stack);
}

#endif
