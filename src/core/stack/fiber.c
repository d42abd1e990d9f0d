/* SPDX-License-Identifier: MIT */

#include "core/stack/fiber.h"

#include <stdatomic.h>
#include <string.h>

#if WF_HAS_ASAN
#include <pthread.h>
#include <sanitizer/common_interface_defs.h>
#endif
#if WF_HAS_TSAN
#include <sanitizer/tsan_interface.h>
#endif

/* What the switch cannot live with: in arch/<cpu>.S. */
int wf_fiber_has_shadow_stack(void);

#if defined(__x86_64__)

_Atomic(bool) wf_fiber_always_loads;

static void fiber_know_processor(void)
{
    __builtin_cpu_init();
    atomic_store_explicit(&wf_fiber_always_loads, __builtin_cpu_is("amd"), memory_order_relaxed);
}

#else
static void fiber_know_processor(void)
{
}
#endif

int wf_fiber_check_host(void)
{
    fiber_know_processor();
    return wf_fiber_has_shadow_stack() ? -ENOTSUP : 0;
}

_Thread_local uint64_t wf_fiber_control;

#if defined(__x86_64__)

static uint64_t fiber_control_now(void)
{
    uint32_t mxcsr;
    uint16_t x87;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    return (uint64_t)x87 << 32 | mxcsr;
}

#elif defined(__aarch64__)

/* The frame that arch/aarch64.S describes. */
struct wf_fiber_frame {
    weft_fn *x19;
    void *x20, *x21;
    wf_fiber_exit_fn *x22;
    void *x23_28[6], *x29;
    void (*x30)(void);
    uint64_t d8_15[8];
    uint64_t fpcr, unused;
};
_Static_assert(sizeof(struct wf_fiber_frame) == 176, "as in arch/aarch64.S");

static void wf_fiber_frame_fill(struct wf_fiber_frame *frame, wf_fiber *fiber, weft_fn *fn,
                                void *arg, wf_fiber *home, wf_fiber_exit_fn *exit_fn)
{
    *frame = (struct wf_fiber_frame){
        .fpcr = wf_fiber_control,
        .x19 = fn,
        .x20 = arg,
        .x21 = home,
        .x22 = exit_fn,
        .x23_28 = {fiber},
        .x30 = wf_fiber_entry,
    };
}

static uint64_t fiber_control_now(void)
{
    uint64_t fpcr;
    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    return fpcr;
}

#else
#error "no switch for this processor: see src/core/arch"
#endif

#if !WF_FIBER_HOOKS

void wf_fiber_home_init(wf_fiber *home)
{
    wf_fiber_control = fiber_control_now();
    home->sp = NULL;
}

#if !defined(__x86_64__) /* there it is inline */
void wf_fiber_make(wf_fiber *fiber, const wf_stack *stack, weft_fn *fn, void *arg, wf_fiber *home,
                   wf_fiber_exit_fn *exit_fn)
{
    struct wf_fiber_frame *frame = (void *)(stack->top - sizeof *frame);
    wf_fiber_frame_fill(frame, fiber, fn, arg, home, exit_fn);
    fiber->sp = frame;
}
#endif

#else

/*
 * With sanitizers every switch is announced.  The exit path tells them only after it has arrived on
 * home's stack, so that a finished body's frame stays as it was there too.
 */

/* TSan keeps a call stack a fiber: a function that switches must not be on it, or it would be
 * entered on one and left on the other. */
#if defined(__clang__)
#define FIBER_UNSEEN __attribute__((disable_sanitizer_instrumentation))
#else
#define FIBER_UNSEEN __attribute__((no_sanitize_thread))
#endif

#if WF_HAS_TSAN
/* A fiber that ended itself while TSan still counted it as running: dropped at the next switch. */
static _Thread_local void *fiber_shadow_ended;
#endif

FIBER_UNSEEN static void leave(void **fake_stack, wf_fiber *to)
{
#if WF_HAS_ASAN
    __sanitizer_start_switch_fiber(fake_stack, to->stack_base, to->stack_bytes);
#else
    (void)fake_stack;
#endif
#if WF_HAS_TSAN
    void *ended = fiber_shadow_ended;
    fiber_shadow_ended = NULL;
    __tsan_switch_to_fiber(to->shadow, 0);
    if (ended != NULL)
        __tsan_destroy_fiber(ended);
#endif
    (void)to;
}

FIBER_UNSEEN static void arrive(void *fake_stack)
{
#if WF_HAS_ASAN
    __sanitizer_finish_switch_fiber(fake_stack, NULL, NULL);
#else
    (void)fake_stack;
#endif
}

static _Thread_local const wf_fiber *fiber_of_home;

void wf_fiber_home_on(const wf_fiber *flow)
{
    fiber_of_home = flow;
}

#if WF_HAS_ASAN
/* The kernel's list of mappings is read for the first thread: long under the checker, so once. */
static void ask_for_own_stack(wf_fiber *home)
{
    static _Thread_local void *base;
    static _Thread_local size_t bytes;
    pthread_attr_t attr;
    if (base == NULL && pthread_getattr_np(pthread_self(), &attr) == 0) {
        pthread_attr_getstack(&attr, &base, &bytes);
        pthread_attr_destroy(&attr);
    }
    home->stack_base = base;
    home->stack_bytes = bytes;
}
#endif

void wf_fiber_home_init(wf_fiber *home)
{
    wf_fiber_control = fiber_control_now();
    memset(home, 0, sizeof *home);
#if WF_HAS_ASAN
    if (fiber_of_home != NULL) {
        home->stack_base = fiber_of_home->stack_base;
        home->stack_bytes = fiber_of_home->stack_bytes;
    } else {
        ask_for_own_stack(home);
    }
#endif
#if WF_HAS_TSAN
    home->shadow = __tsan_get_current_fiber();
#endif
}

static int fiber_begin(void *arg)
{
    wf_fiber *fiber = arg;
    arrive(NULL);
    return fiber->fn(fiber->arg);
}

/* On home's stack.  It is a flow of control of its own: home's fake stack stays put away. */
FIBER_UNSEEN static void fiber_exit(wf_fiber *fiber, int rc)
{
#if WF_HAS_ASAN
    __sanitizer_start_switch_fiber(NULL, fiber->home->stack_base, fiber->home->stack_bytes);
    arrive(NULL);
#endif
    fiber->exit_fn(fiber, rc);
    __builtin_unreachable();
}

void wf_fiber_make(wf_fiber *fiber, const wf_stack *stack, weft_fn *fn, void *arg, wf_fiber *home,
                   wf_fiber_exit_fn *exit_fn)
{
    struct wf_fiber_frame *frame = (void *)(stack->top - sizeof *frame);
    wf_fiber_frame_fill(frame, fiber, fiber_begin, fiber, home, fiber_exit);
    *fiber = (wf_fiber){
        .sp = frame,
        .fn = fn,
        .arg = arg,
        .home = home,
        .exit_fn = exit_fn,
        .stack_base = stack->base,
        .stack_bytes = wf_stack_bytes(stack),
    };
#if WF_HAS_TSAN
    fiber->shadow = __tsan_create_fiber(0);
#endif
}

void wf_fiber_end(wf_fiber *fiber)
{
#if WF_HAS_TSAN
    if (fiber->shadow == __tsan_get_current_fiber())
        fiber_shadow_ended = fiber->shadow;
    else
        __tsan_destroy_fiber(fiber->shadow);
#endif
    memset(fiber, 0, sizeof *fiber);
}

FIBER_UNSEEN void wf_fiber_switch(wf_fiber *from, wf_fiber *to)
{
    leave(&from->fake_stack, to);
    wf_fiber_swap(from, to);
    arrive(from->fake_stack);
}

FIBER_UNSEEN _Noreturn void wf_fiber_resume(wf_fiber *to)
{
    leave(NULL, to);
    wf_fiber_jump(to);
}

FIBER_UNSEEN int wf_fiber_pass_in(wf_fiber *from, wf_fiber *to, int rc)
{
    leave(&from->fake_stack, to);
    rc = wf_fiber_swap_in(from, to, rc);
    arrive(from->fake_stack);
    return rc;
}

FIBER_UNSEEN int wf_fiber_pass_out(wf_fiber *from, wf_fiber *to, int rc)
{
    return wf_fiber_pass_in(from, to, rc);
}

FIBER_UNSEEN _Noreturn void wf_fiber_return(wf_fiber *to, int rc)
{
    leave(NULL, to);
    wf_fiber_jump_rc(to, rc);
}

void wf_fiber_stand_for(wf_fiber *fiber, const wf_fiber *flow)
{
    fiber->stack_base = flow->stack_base;
    fiber->stack_bytes = flow->stack_bytes;
    fiber->shadow = flow->shadow;
}

#endif
