/* SPDX-License-Identifier: MIT */

/*
 * The switch on x86-64 (System V ABI).
 *
 * A suspended fiber's `sp` points at this frame:
 *
 *      0  MXCSR (4 bytes), x87 control word (2), unused (2)
 *      8  r12, r13, r14, r15, rbx, rbp
 *     56  where to continue; its caller's stack begins above
 *
 * It is left by pop and indirect jump: `ret` would be mispredicted every time, because the return
 * stack of the processor belongs to the fiber we come from.  `notrack` stands for the landing pad
 * that compilers do not put behind a call.
 *
 * MXCSR is loaded only if its control bits differ from those that hold, or if wf_fiber_always_loads:
 * on Intel's processors a load takes 45 ns when it changes the flags of past operations, which are
 * nobody's after a call and so not kept; on a Zen 4 it takes 1.1 ns of 5.1 in any case, and reading
 * back what was just stored, to compare, 2.7 ns.
 */

#define FRAME_BYTES 64
#define WF_MXCSR_CONTROL 0xffc0

#if defined(__CET__)
#define LANDING endbr64
#else
#define LANDING
#endif

    .text

    .macro pop_frame_and_go
    addq    $8, %rsp
    .cfi_adjust_cfa_offset -8
    popq    %r12
    .cfi_adjust_cfa_offset -8
    .cfi_restore r12
    popq    %r13
    .cfi_adjust_cfa_offset -8
    .cfi_restore r13
    popq    %r14
    .cfi_adjust_cfa_offset -8
    .cfi_restore r14
    popq    %r15
    .cfi_adjust_cfa_offset -8
    .cfi_restore r15
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    popq    %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbp
    popq    %rcx
    .cfi_adjust_cfa_offset -8
    .cfi_register rip, rcx
    notrack jmp *%rcx
    .endm

    /* eax: MXCSR of the flow we leave, whose stack is not read any more. */
    .macro load_control
    cmpb    $0, wf_fiber_always_loads(%rip)
    jne     1f
    xorl    (%rsp), %eax
    testl   $WF_MXCSR_CONTROL, %eax
    jz      2f
1:  ldmxcsr (%rsp)
2:  fldcw   4(%rsp)
    .endm

    .macro describe_frame
    .cfi_def_cfa rsp, FRAME_BYTES
    .cfi_offset rip, -8
    .cfi_offset rbp, -16
    .cfi_offset rbx, -24
    .cfi_offset r15, -32
    .cfi_offset r14, -40
    .cfi_offset r13, -48
    .cfi_offset r12, -56
    .endm

    .macro push_callee_saved reg
    pushq   %\reg
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset \reg, 0
    .endm

    .macro begin_function name
    .globl  \name
    .hidden \name
    .type   \name, @function
    .balign 32
    .cfi_startproc
    .endm

    .macro function name
    begin_function \name
\name:
    LANDING
    .endm

    .macro end_function name
    .cfi_endproc
    .size   \name, . - \name
    .endm

/* void wf_fiber_swap(wf_fiber *from, wf_fiber *to) */
    function wf_fiber_swap
    push_callee_saved rbp
    push_callee_saved rbx
    push_callee_saved r15
    push_callee_saved r14
    push_callee_saved r13
    push_callee_saved r12
    subq    $8, %rsp
    .cfi_adjust_cfa_offset 8
    stmxcsr (%rsp)
    fnstcw  4(%rsp)
    movl    (%rsp), %eax
    movq    %rsp, (%rdi)
    movq    (%rsi), %rsp            /* the same layout: the unwind rules still hold */
    load_control
    pop_frame_and_go
    end_function wf_fiber_swap

/* _Noreturn void wf_fiber_jump(wf_fiber *to) */
    function wf_fiber_jump
    stmxcsr -8(%rsp)
    movl    -8(%rsp), %eax
    movq    (%rdi), %rsp
    describe_frame
    load_control
    pop_frame_and_go
    end_function wf_fiber_jump

/*
 * int wf_fiber_swap_in(wf_fiber *from, wf_fiber *to, int rc), and wf_fiber_swap_out, the same: within
 * one task, so the control words stay as they are, as in a call; their place in the frame stays
 * empty.  Where `to` called either, it returns rc.
 *
 * Two, one for each way, because then each jump nearly always goes to the same place: a generator's
 * step takes 7 ns instead of 11.
 */
    .irp name, wf_fiber_swap_in, wf_fiber_swap_out
    function \name
    push_callee_saved rbp
    push_callee_saved rbx
    push_callee_saved r15
    push_callee_saved r14
    push_callee_saved r13
    push_callee_saved r12
    subq    $8, %rsp
    .cfi_adjust_cfa_offset 8
    movq    %rsp, (%rdi)
    movq    (%rsi), %rsp
    movl    %edx, %eax
    pop_frame_and_go
    end_function \name
    .endr

/* _Noreturn void wf_fiber_jump_rc(wf_fiber *to, int rc): the same, one way. */
    function wf_fiber_jump_rc
    movq    (%rdi), %rsp
    describe_frame
    movl    %esi, %eax
    pop_frame_and_go
    end_function wf_fiber_jump_rc

/*
 * The first instruction of a fiber; wf_fiber_make() wrote its frame:
 * r12 = fn, r13 = arg, r14 = home, r15 = exit_fn, rbx = fiber, rbp = 0.
 *
 * Backtraces end here: the caller is undefined, the frame pointer zero.  Nothing is pushed between
 * the return of fn and the move to home's stack.
 */
    begin_function wf_fiber_entry
    .cfi_undefined rip
    .cfi_undefined rbp
    nop                             /* to a fresh fiber's frame this is where it was called from */
wf_fiber_entry:
    LANDING
    movq    %r13, %rdi
    call    *%r12
    movq    (%r14), %rsp            /* below home's saved frame, which need not be aligned: a */
    andq    $-16, %rsp              /* switch in place is no call to the compiler */
    movq    %rbx, %rdi
    movl    %eax, %esi
    xorl    %ebp, %ebp
    pushq   $0                      /* as if called from nowhere: it does not return */
    notrack jmp *%r15
    end_function wf_fiber_entry

/*
 * void wf_fiber_call_above(const void *sp, void (*fn)(void *arg), void *arg): calls fn(arg) on the
 * running stack.  To who unwinds from there the caller is not ours but what is suspended at `sp`: its
 * stack is read, never written.
 */
    function wf_fiber_call_above
    push_callee_saved rbx
    movq    %rdi, %rbx
    movq    %rdx, %rdi
    .cfi_remember_state
    describe_frame
    .cfi_def_cfa rbx, FRAME_BYTES
    call    *%rsi
    .cfi_restore_state
    popq    %rbx
    .cfi_adjust_cfa_offset -8
    .cfi_restore rbx
    ret
    end_function wf_fiber_call_above

/* bool wf_fiber_has_shadow_stack(void): the shadow stack pointer, 0 where there is none; processors
 * without shadow stacks take rdsspq for a nop. */
    function wf_fiber_has_shadow_stack
    xorl    %eax, %eax
    rdsspq  %rax
    testq   %rax, %rax
    setne   %al
    movzbl  %al, %eax
    ret
    end_function wf_fiber_has_shadow_stack

#if defined(__CET__) && (__CET__ & 1)
/* Fit for indirect branch tracking, not for shadow stacks: a loader that enforces them refuses. */
    .section .note.gnu.property, "a"
    .balign 8
    .long   4, 16, 5                /* name bytes, value bytes, NT_GNU_PROPERTY_TYPE_0 */
    .asciz  "GNU"
    .long   0xc0000002, 4, 1, 0     /* GNU_PROPERTY_X86_FEATURE_1_AND: IBT */
#endif

    .section .note.GNU-stack, "", @progbits
