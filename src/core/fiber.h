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
#include "core/stack.h"
#if defined(__x86_64__)
#include "core/arch/x86_64_switch.h"
#endif

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

/* 0, or -ENOTSUP if the host enforces shadow stacks, which this switch does not keep. */
int wf_fiber_check_host(void);

/* Makes `home` stand for the thread's own flow of control, which is running now.  Its rounding and
 * traps are those that fibers made later start with. */
void wf_fiber_home_init(wf_fiber *home);

/*
 * Makes `fiber` ready to run fn(arg) on `stack`.  When fn returns rc, nothing below the frame of
 * its caller is written on that stack any more: control goes onto the stack of `home`, which is
 * suspended then, below its saved registers, and calls exit_fn(fiber, rc) there.  exit_fn may end
 * the fiber and give its stack away; it ends in wf_fiber_resume().
 */
void wf_fiber_make(wf_fiber *fiber, const wf_stack *stack, weft_fn *fn, void *arg, wf_fiber *home,
                   wf_fiber_exit_fn *exit_fn);

/* Drops what sanitizers keep for a fiber that has exited or never ran. */
void wf_fiber_end(wf_fiber *fiber);

#if defined(__x86_64__) && !WF_FIBER_HOOKS

/*
 * The switch itself: what arch/x86_64.S describes, without a call.  A call that is left by a jump
 * would leave the processor's stack of return addresses one too deep, and the caller's own return,
 * which otherwise is predicted right whenever both sides wait in the same place, would be wrong
 * every time.  Registers that a call would keep are the compiler's to save; their places in the
 * frame stay empty.
 */
static inline __attribute__((always_inline)) void wf_fiber_swap(wf_fiber *from, wf_fiber *to)
{
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t" /* past the red zone */
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "pushq %%rbp\n\t"
                     "leaq -48(%%rsp), %%rsp\n\t"
                     "stmxcsr (%%rsp)\n\t"
                     "fnstcw 4(%%rsp)\n\t"
                     "movq %%rsp, (%0)\n\t"
                     "movq (%1), %%rsp\n\t"
                     "ldmxcsr (%%rsp)\n\t"
                     "fldcw 4(%%rsp)\n\t"
                     "addq $8, %%rsp\n\t"
                     "popq %%r12\n\t"
                     "popq %%r13\n\t"
                     "popq %%r14\n\t"
                     "popq %%r15\n\t"
                     "popq %%rbx\n\t"
                     "popq %%rbp\n\t"
                     "popq %%rcx\n\t"
                     "notrack jmp *%%rcx\n"
                     "1:\n\t"
                     "leaq 128(%%rsp), %%rsp"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rbx", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14",
                       "r15", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6", "xmm7",
                       "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
                       "memory", "cc");
}

static inline __attribute__((always_inline)) _Noreturn void wf_fiber_jump(wf_fiber *to)
{
    __asm__ volatile("movq (%0), %%rsp\n\t"
                     "ldmxcsr (%%rsp)\n\t"
                     "fldcw 4(%%rsp)\n\t"
                     "addq $8, %%rsp\n\t"
                     "popq %%r12\n\t"
                     "popq %%r13\n\t"
                     "popq %%r14\n\t"
                     "popq %%r15\n\t"
                     "popq %%rbx\n\t"
                     "popq %%rbp\n\t"
                     "popq %%rcx\n\t"
                     "notrack jmp *%%rcx"
                     :
                     : "D"(to)
                     : "memory");
    __builtin_unreachable();
}

#else

/* The switch itself, in arch/<cpu>.S. */
void wf_fiber_swap(wf_fiber *from, wf_fiber *to);
_Noreturn void wf_fiber_jump(wf_fiber *to);

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
    wf_fiber_jump(to);
}
#endif

#endif
