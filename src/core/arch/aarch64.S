/* SPDX-License-Identifier: MIT */

/*
 * The switch on AArch64 (AAPCS64).
 *
 * A suspended fiber's `sp` points at this frame:
 *
 *      0  x19 … x28
 *     80  x29, x30 (where to continue)
 *     96  d8 … d15 (of the vector registers a call keeps only these halves)
 *    160  FPCR, unused
 *
 * It is left by `ret`, so that the processor's return stack keeps its height, and because with branch
 * target identification nothing else may land behind a call.
 *
 * Writing FPCR stalls; nearly always it is the same on both sides, so it is compared first.
 */

#define FRAME_BYTES 176

#if defined(__ARM_FEATURE_BTI_DEFAULT)
#define LANDING hint #36            /* bti j, c */
#else
#define LANDING
#endif

    .text

    .macro begin_function name
    .globl  \name
    .hidden \name
    .type   \name, %function
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

    .macro describe_frame
    .cfi_def_cfa sp, FRAME_BYTES
    .cfi_offset x19, -176
    .cfi_offset x20, -168
    .cfi_offset x21, -160
    .cfi_offset x22, -152
    .cfi_offset x23, -144
    .cfi_offset x24, -136
    .cfi_offset x25, -128
    .cfi_offset x26, -120
    .cfi_offset x27, -112
    .cfi_offset x28, -104
    .cfi_offset x29, -96
    .cfi_offset x30, -88
    .cfi_offset d8, -80
    .cfi_offset d9, -72
    .cfi_offset d10, -64
    .cfi_offset d11, -56
    .cfi_offset d12, -48
    .cfi_offset d13, -40
    .cfi_offset d14, -32
    .cfi_offset d15, -24
    .endm

    .macro load_frame_and_go
    ldp     x19, x20, [sp]
    ldp     x21, x22, [sp, #16]
    ldp     x23, x24, [sp, #32]
    ldp     x25, x26, [sp, #48]
    ldp     x27, x28, [sp, #64]
    ldp     x29, x30, [sp, #80]
    ldp     d8, d9, [sp, #96]
    ldp     d10, d11, [sp, #112]
    ldp     d12, d13, [sp, #128]
    ldp     d14, d15, [sp, #144]
    add     sp, sp, #FRAME_BYTES
    .cfi_def_cfa sp, 0
    .irp reg, x19, x20, x21, x22, x23, x24, x25, x26, x27, x28, x29, x30
    .cfi_same_value \reg
    .endr
    .irp reg, d8, d9, d10, d11, d12, d13, d14, d15
    .cfi_same_value \reg
    .endr
    ret
    .endm

/* Pushes the frame and leaves its address in x0's fiber. */
    .macro suspend
    sub     sp, sp, #FRAME_BYTES
    .cfi_def_cfa_offset FRAME_BYTES
    stp     x19, x20, [sp]
    stp     x21, x22, [sp, #16]
    stp     x23, x24, [sp, #32]
    stp     x25, x26, [sp, #48]
    stp     x27, x28, [sp, #64]
    stp     x29, x30, [sp, #80]
    stp     d8, d9, [sp, #96]
    stp     d10, d11, [sp, #112]
    stp     d12, d13, [sp, #128]
    stp     d14, d15, [sp, #144]
    describe_frame
    mrs     x9, fpcr
    str     x9, [sp, #160]
    mov     x10, sp
    str     x10, [x0]
    .endm

/* void wf_fiber_swap(wf_fiber *from, wf_fiber *to) */
    function wf_fiber_swap
    suspend
    ldr     x10, [x1]
    mov     sp, x10                 /* the same layout: the unwind rules still hold */
    ldr     x10, [sp, #160]
    cmp     x9, x10
    b.ne    .Lload_control_word
.Lload_frame:
    .cfi_remember_state
    load_frame_and_go
    .cfi_restore_state
.Lload_control_word:
    msr     fpcr, x10
    b       .Lload_frame
    end_function wf_fiber_swap

/* _Noreturn void wf_fiber_jump(wf_fiber *to) */
    function wf_fiber_jump
    ldr     x10, [x0]
    mov     sp, x10
    describe_frame
    ldr     x10, [sp, #160]
    msr     fpcr, x10
    load_frame_and_go
    end_function wf_fiber_jump

/* int wf_fiber_swap_in(wf_fiber *from, wf_fiber *to, int rc), and wf_fiber_swap_out, the same: within
 * one task, so the control word stays as it is, as in a call.  Where `to` called either, it returns
 * rc. */
    .irp name, wf_fiber_swap_in, wf_fiber_swap_out
    function \name
    suspend
    ldr     x10, [x1]
    mov     w0, w2
    mov     sp, x10
    load_frame_and_go
    end_function \name
    .endr

/* _Noreturn void wf_fiber_jump_rc(wf_fiber *to, int rc): the same, one way. */
    function wf_fiber_jump_rc
    ldr     x10, [x0]
    mov     w0, w1
    mov     sp, x10
    describe_frame
    load_frame_and_go
    end_function wf_fiber_jump_rc

/*
 * The first instruction of a fiber; wf_fiber_make() wrote its frame:
 * x19 = fn, x20 = arg, x21 = home, x22 = exit_fn, x23 = fiber, x29 = 0.
 *
 * Backtraces end here: the caller is undefined, the frame pointer zero.  Nothing is stored between
 * the return of fn and the move to home's stack.
 */
    begin_function wf_fiber_entry
    .cfi_undefined x30
    nop                             /* to a fresh fiber's frame this is where it was called from */
wf_fiber_entry:
    LANDING
    mov     x0, x20
    blr     x19
    mov     w1, w0
    mov     x0, x23
    ldr     x10, [x21]
    mov     sp, x10                 /* below home's saved frame */
    ldr     x10, [sp, #160]
    msr     fpcr, x10
    mov     x29, xzr
    blr     x22
    brk     #1
    end_function wf_fiber_entry

/*
 * void wf_fiber_call_above(const void *sp, void (*fn)(void *arg), void *arg): calls fn(arg) on the
 * running stack.  To who unwinds from there the caller is not ours but what is suspended at `sp`: its
 * stack is read, never written.
 */
    function wf_fiber_call_above
    stp     x29, x30, [sp, #-32]!
    .cfi_def_cfa_offset 32
    .cfi_offset x29, -32
    .cfi_offset x30, -24
    str     x19, [sp, #16]
    .cfi_offset x19, -16
    mov     x19, x0
    mov     x9, x1
    mov     x0, x2
    .cfi_remember_state
    describe_frame
    .cfi_def_cfa x19, FRAME_BYTES
    blr     x9
    .cfi_restore_state
    ldr     x19, [sp, #16]
    ldp     x29, x30, [sp], #32
    .cfi_def_cfa_offset 0
    .cfi_restore x19
    .cfi_restore x29
    .cfi_restore x30
    ret
    end_function wf_fiber_call_above

/* bool wf_fiber_has_shadow_stack(void): chkfeat clears bit 0 of x16 where guarded control stacks
 * are in force; older processors take it for a nop. */
    function wf_fiber_has_shadow_stack
    mov     x16, #1
    hint    #40
    eor     w0, w16, #1
    ret
    end_function wf_fiber_has_shadow_stack

#if defined(__ARM_FEATURE_BTI_DEFAULT)
    .section .note.gnu.property, "a"
    .balign 8
    .long   4, 16, 5                /* name bytes, value bytes, NT_GNU_PROPERTY_TYPE_0 */
    .asciz  "GNU"
    .long   0xc0000000, 4, 1, 0     /* GNU_PROPERTY_AARCH64_FEATURE_1_AND: BTI */
#endif

    .section .note.GNU-stack, "", %progbits
