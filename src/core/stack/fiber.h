/* SPDX-License-Identifier: MIT */

/*
 * Fiber: a suspended flow of control, that is a saved stack pointer, and the switch between two.
 *
 * A switch keeps what the ABI says a call keeps: callee-saved registers and the control parts of
 * the floating-point state (rounding, traps, denormals), not its sticky exception flags.  The
 * signal mask is the thread's, not the fiber's.  All fibers of a thread stay on that thread.
 */
#ifndef WF_FIBER_H
#define WF_FIBER_H

#include <weft/base.h>

#include "base/checkers.h"
#include "core/stack/stack.h"

#define WF_FIBER_HOOKS (WF_HAS_ASAN || WF_HAS_TSAN)

typedef struct wf_fiber wf_fiber;
typedef void wf_fiber_exit_fn(wf_fiber *fiber, int rc);

struct wf_fiber {
    void *sp; /* of the saved registers, while suspended; first: the assembly knows */
#if WF_FIBER_HOOKS
    /* What sanitizers must be told at a switch. */
    weft_fn *fn;
    void *arg;
    wf_fiber *home;
    wf_fiber_exit_fn *exit_fn;
    const void *stack_base; /* ASan: [stack_base, stack_base + stack_bytes) */
    size_t stack_bytes;
    void *fake_stack; /* ASan: kept while suspended */
    void *shadow;     /* TSan: its own record of the fiber */
#endif
};

void wf_fiber_entry(void); /* where a fiber begins: in arch/<cpu>.S */

/* The thread's rounding and traps when its home began: every new fiber starts with them, whoever
 * runs when it is made.  Kept because reading them costs as much as half a switch. */
extern _Thread_local uint64_t wf_fiber_control __attribute__((tls_model("initial-exec")));

#if defined(__x86_64__)
#include "core/arch/x86_64_switch.h" /* needs what stands above */
#endif

/* 0, or -ENOTSUP if the host enforces shadow stacks, which this switch does not keep. */
int wf_fiber_check_host(void);

/* Makes `home` stand for the thread's own flow of control, which is running now.  Its rounding and
 * traps are those that fibers made later start with. */
void wf_fiber_home_init(wf_fiber *home);

/* Homes made from now on run on the stack of `flow`; NULL: on the thread's, as usual. */
#if WF_FIBER_HOOKS
void wf_fiber_home_on(const wf_fiber *flow);
#else
static inline void wf_fiber_home_on(const wf_fiber *flow)
{
    (void)flow;
}
#endif

/*
 * Makes `fiber` ready to run fn(arg) on `stack`.  When fn returns rc, nothing below the frame of
 * its caller is written on that stack any more: control goes onto the stack of `home`, which is
 * suspended then, below its saved registers, and exit_fn(fiber, rc) runs there, with the fiber's
 * control words.  It may end the fiber and give its stack away; it ends in wf_fiber_resume().
 */
#if !WF_FIBER_HOOKS && defined(__x86_64__)
static inline void wf_fiber_make(wf_fiber *fiber, const wf_stack *stack, weft_fn *fn, void *arg,
                                 wf_fiber *home, wf_fiber_exit_fn *exit_fn)
{
    struct wf_fiber_frame *frame = (void *)(stack->top - sizeof *frame);
    wf_fiber_frame_fill(frame, fiber, fn, arg, home, exit_fn);
    fiber->sp = frame;
}
#else
void wf_fiber_make(wf_fiber *fiber, const wf_stack *stack, weft_fn *fn, void *arg, wf_fiber *home,
                   wf_fiber_exit_fn *exit_fn);
#endif

/* Drops what sanitizers keep for a fiber that has exited or never ran. */
#if WF_FIBER_HOOKS
void wf_fiber_end(wf_fiber *fiber);
#else
static inline void wf_fiber_end(wf_fiber *fiber)
{
    fiber->sp = NULL;
}
#endif

/* The switch itself, in arch/<cpu>.S. */
void wf_fiber_swap(wf_fiber *from, wf_fiber *to);
_Noreturn void wf_fiber_jump(wf_fiber *to);
int wf_fiber_swap_in(wf_fiber *from, wf_fiber *to, int rc);
int wf_fiber_swap_out(wf_fiber *from, wf_fiber *to, int rc);
_Noreturn void wf_fiber_jump_rc(wf_fiber *to, int rc);

/* Calls fn(arg) here and now; who unwinds from there finds, instead of us, what is suspended in a
 * fiber whose `sp` this is.  In arch/<cpu>.S. */
void wf_fiber_call_above(const void *sp, void (*fn)(void *arg), void *arg);

/*
 * A task may go on on another stack than the one it began with: its generators have their own.
 * Between those it passes rather than switches.  A pass is like a call and a return: the control
 * words stay as they are, and an answer is handed over.
 *
 * wf_fiber_pass_in() and wf_fiber_pass_out() suspend the running flow in `from` and continue `to`,
 * whose own pass then returns `rc`; they return what they are answered.  They do the same: one for
 * each way.  As the last call of a function a pass costs no return, which the processor would
 * mispredict, since it goes elsewhere than the last call came from.
 *
 * wf_fiber_stand_for() comes before every pass: `fiber`, where the task is put when it waits, is
 * from now on found on the stack of `flow`.
 */
#if WF_FIBER_HOOKS
int wf_fiber_pass_in(wf_fiber *from, wf_fiber *to, int rc);
int wf_fiber_pass_out(wf_fiber *from, wf_fiber *to, int rc);
_Noreturn void wf_fiber_return(wf_fiber *to, int rc);
void wf_fiber_stand_for(wf_fiber *fiber, const wf_fiber *flow);
#else
static inline int wf_fiber_pass_in(wf_fiber *from, wf_fiber *to, int rc)
{
    return wf_fiber_swap_in(from, to, rc);
}

static inline int wf_fiber_pass_out(wf_fiber *from, wf_fiber *to, int rc)
{
    return wf_fiber_swap_out(from, to, rc);
}

/* A pass that forgets the running flow of control.  Only from an exit function. */
static inline _Noreturn void wf_fiber_return(wf_fiber *to, int rc)
{
    wf_fiber_jump_rc(to, rc);
}

static inline void wf_fiber_stand_for(wf_fiber *fiber, const wf_fiber *flow)
{
    (void)fiber;
    (void)flow;
}
#endif

#if WF_FIBER_HOOKS
void wf_fiber_switch(wf_fiber *from, wf_fiber *to);
_Noreturn void wf_fiber_resume(wf_fiber *to);
#else

/* Suspends the running flow of control in `from` and continues `to`.  Returns when somebody
 * continues `from`. */
static inline void wf_fiber_switch(wf_fiber *from, wf_fiber *to)
{
#if defined(__x86_64__)
    wf_fiber_swap_in_place(from, to);
#else
    wf_fiber_swap(from, to);
#endif
}

/* Continues `to` and forgets the running flow of control.  Only from an exit function. */
static inline _Noreturn void wf_fiber_resume(wf_fiber *to)
{
#if defined(__x86_64__)
    wf_fiber_jump_in_place(to);
#else
    wf_fiber_jump(to);
#endif
}
#endif

#endif
