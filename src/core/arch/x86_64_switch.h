/* SPDX-License-Identifier: MIT */

/*
 * The switch on x86-64, in place.  Same frame as in x86_64.S, so that either continues what the
 * other suspended.
 *
 * In place because of the processor's return stack: a call that is left by a jump leaves its return
 * address there, and every return that follows in the continued task is then predicted one off.
 * Tasks mostly wait in the same calls; without the extra entry their returns are predicted right
 * (a yield: 17 ns instead of 30).
 */
#ifndef WF_ARCH_X86_64_SWITCH_H
#define WF_ARCH_X86_64_SWITCH_H

#ifdef __AVX512F__
#define WF_SWITCH_AVX512_REGISTERS                                                                 \
    , "xmm16", "xmm17", "xmm18", "xmm19", "xmm20", "xmm21", "xmm22", "xmm23", "xmm24", "xmm25",    \
        "xmm26", "xmm27", "xmm28", "xmm29", "xmm30", "xmm31", "k1", "k2", "k3", "k4", "k5", "k6",  \
        "k7"
#else
#define WF_SWITCH_AVX512_REGISTERS
#endif

struct wf_fiber_frame {
    uint64_t control; /* mxcsr in the low half, above it the x87 control word */
    weft_fn *r12;
    void *r13, *r14;
    wf_fiber_exit_fn *r15;
    void *rbx, *rbp;
    void (*rip)(void);
};
_Static_assert(sizeof(struct wf_fiber_frame) == 64, "as in arch/x86_64.S");

/* Whether the processor loads MXCSR as fast as it compares: see x86_64.S. */
extern _Atomic(bool) wf_fiber_always_loads __attribute__((visibility("hidden")));

/* Of a fiber that has not begun. */
static inline void wf_fiber_frame_fill(struct wf_fiber_frame *frame, wf_fiber *fiber, weft_fn *fn,
                                       void *arg, wf_fiber *home, wf_fiber_exit_fn *exit_fn)
{
    frame->control = wf_fiber_control;
    frame->r12 = fn;
    frame->r13 = arg;
    frame->r14 = home;
    frame->r15 = exit_fn;
    frame->rbx = fiber;
    frame->rbp = NULL; /* backtraces end here */
    frame->rip = wf_fiber_entry;
}

/*
 * Who is interrupted here may be unwound from any instruction.  The functions around have a frame
 * pointer (meson.build sees to that), so the stack pointer may be anywhere, but with rbp of the
 * other flow, which is 0 in a fresh one, their tables are wrong: from there on nobody has called.
 */
#ifdef __GCC_HAVE_DWARF2_CFI_ASM
#define WF_SWITCH_NO_CALLER ".cfi_remember_state\n\t.cfi_undefined rip\n\t"
#define WF_SWITCH_CALLER_AGAIN "\n\t.cfi_restore_state\n\t"
#else
#define WF_SWITCH_NO_CALLER
#define WF_SWITCH_CALLER_AGAIN "\n\t"
#endif

/* eax: MXCSR of the flow we leave, whose stack is not read any more. */
#define WF_SWITCH_LOAD_CONTROL                                                                     \
    "cmpb $0, wf_fiber_always_loads(%%rip)\n\t"                                                    \
    "jne 2f\n\t"                                                                                   \
    "xorl (%%rsp), %%eax\n\t"                                                                      \
    "testl $0xffc0, %%eax\n\t"                                                                     \
    "jz 3f\n"                                                                                      \
    "2:\tldmxcsr (%%rsp)\n"                                                                        \
    "3:\tfldcw 4(%%rsp)\n\t"

/* rbx and rbp are pushed because the compiler takes neither for clobbered; the others are
 * clobbered, and their places in the frame stay empty.  The first step keeps clear of the red zone.
 */
static inline __attribute__((always_inline)) void wf_fiber_swap_in_place(void *from, void *to)
{
    __asm__ volatile("leaq -128(%%rsp), %%rsp\n\t"
                     "leaq 1f(%%rip), %%rax\n\t"
                     "pushq %%rax\n\t"
                     "pushq %%rbp\n\t"
                     "pushq %%rbx\n\t"
                     "subq $40, %%rsp\n\t"
                     "stmxcsr (%%rsp)\n\t"
                     "fnstcw 4(%%rsp)\n\t"
                     "movl (%%rsp), %%eax\n\t"
                     "movq %%rsp, (%0)\n\t"
                     "movq (%1), %%rsp\n\t" WF_SWITCH_LOAD_CONTROL "addq $8, %%rsp\n\t"
                     "popq %%r12\n\t"
                     "popq %%r13\n\t"
                     "popq %%r14\n\t"
                     "popq %%r15\n\t"
                     "popq %%rbx\n\t"
                     "popq %%rbp\n\t" WF_SWITCH_NO_CALLER "popq %%rax\n\t"
                     "notrack jmp *%%rax" WF_SWITCH_CALLER_AGAIN
                     "nop\n" /* a caller is looked up by the byte before its return address */
                     "1:\n\t"
                     "leaq 128(%%rsp), %%rsp"
                     : "+D"(from), "+S"(to)
                     :
                     : "rax", "rcx", "rdx", "r8", "r9", "r10", "r11", "r12", "r13", "r14", "r15",
                       "memory", "cc", "xmm0", "xmm1", "xmm2", "xmm3", "xmm4", "xmm5", "xmm6",
                       "xmm7", "xmm8", "xmm9", "xmm10", "xmm11", "xmm12", "xmm13", "xmm14", "xmm15",
                       "st", "st(1)", "st(2)", "st(3)", "st(4)", "st(5)", "st(6)",
                       "st(7)" WF_SWITCH_AVX512_REGISTERS);
}

/* For the same reason the way from a body's end to the next task has no call that does not return.
 */
static inline __attribute__((always_inline)) _Noreturn void wf_fiber_jump_in_place(void *to)
{
    __asm__ volatile("stmxcsr -8(%%rsp)\n\t"
                     "movl -8(%%rsp), %%eax\n\t"
                     "movq (%0), %%rsp\n\t" WF_SWITCH_LOAD_CONTROL "addq $8, %%rsp\n\t"
                     "popq %%r12\n\t"
                     "popq %%r13\n\t"
                     "popq %%r14\n\t"
                     "popq %%r15\n\t"
                     "popq %%rbx\n\t"
                     "popq %%rbp\n\t" WF_SWITCH_NO_CALLER "popq %%rax\n\t"
                     "notrack jmp *%%rax" WF_SWITCH_CALLER_AGAIN
                     :
                     : "D"(to)
                     : "memory");
    __builtin_unreachable();
}

#endif
