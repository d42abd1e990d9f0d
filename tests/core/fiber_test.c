/* SPDX-License-Identifier: MIT */

/* The switch: what it keeps, where a body ends, what unwinders see. */

#include "core/stack/fiber.h"

#include "harness/harness.h"

#include <weft/gather.h>
#include <weft/task.h>

#include <execinfo.h>
#include <fenv.h>
#include <stdlib.h>
#include <string.h>
#include <unwind.h>

#include "base/checkers.h"
#if WF_HAS_VALGRIND
#include <valgrind/memcheck.h>
#endif

void wf_fiber_entry(void); /* arch/<cpu>.S: the outermost frame */

#define STACK_BYTES ((size_t)64 << 10)

/* A fiber with its stack, and what the test wants to know of its end. */
struct flow {
    wf_fiber fiber;
    wf_stack stack;
    int rc;
    bool has_exited;
};

static wf_fiber home;
static wf_fiber *resume_at_exit = &home;
static void (*at_exit_hook)(struct flow *flow);

static void flow_exit(wf_fiber *fiber, int rc)
{
    struct flow *flow = (struct flow *)(void *)((char *)fiber - offsetof(struct flow, fiber));
    flow->rc = rc;
    flow->has_exited = true;
    if (at_exit_hook != NULL)
        at_exit_hook(flow);
    wf_fiber_end(fiber);
    wf_fiber_resume(resume_at_exit);
}

static void flow_init(struct flow *flow, weft_fn *fn, void *arg)
{
    memset(flow, 0, sizeof *flow);
    CHECK_OK(wf_stack_map(&flow->stack, STACK_BYTES));
    wf_fiber_make(&flow->fiber, &flow->stack, fn, arg, &home, flow_exit);
}

static void flow_fini(struct flow *flow)
{
    wf_stack_unmap(&flow->stack);
}

static bool is_on_stack(const struct flow *flow, const void *addr)
{
    return (const char *)addr >= flow->stack.base && (const char *)addr < flow->stack.top;
}

/* ---- running and ending ---- */

static int return_its_argument(void *arg)
{
    return *(int *)arg;
}

TEST(fiber_runs_its_body_and_hands_the_result_to_its_exit_function)
{
    struct flow flow;
    int value = -4095;
    wf_fiber_home_init(&home);
    flow_init(&flow, return_its_argument, &value);
    wf_fiber_switch(&home, &flow.fiber);
    CHECK(flow.has_exited);
    CHECK_EQ(flow.rc, -4095);
    flow_fini(&flow);
}

TEST(fiber_that_never_ran_can_be_ended)
{
    struct flow flow;
    int value = 0;
    wf_fiber_home_init(&home);
    flow_init(&flow, return_its_argument, &value);
    wf_fiber_end(&flow.fiber);
    flow_fini(&flow);
}

static struct flow *ring[3];
static char ring_log[64];

static int go_round(void *arg)
{
    size_t me = (size_t)(uintptr_t)arg;
    for (int round = 0; round < 3; round++) {
        size_t len = strlen(ring_log);
        ring_log[len] = (char)('a' + me);
        ring_log[len + 1] = (char)('0' + round);
        size_t next = (me + 1) % 3;
        if (!ring[next]->has_exited)
            wf_fiber_switch(&ring[me]->fiber, &ring[next]->fiber);
    }
    resume_at_exit = me == 2 ? &home : &ring[me + 1]->fiber;
    return (int)me;
}

TEST(fibers_switch_straight_to_each_other_and_resume_each_other_at_exit)
{
    struct flow flows[3];
    wf_fiber_home_init(&home);
    for (size_t i = 0; i < 3; i++) {
        ring[i] = &flows[i];
        flow_init(&flows[i], go_round, (void *)(uintptr_t)i);
    }
    wf_fiber_switch(&home, &flows[0].fiber);
    CHECK_STR(ring_log, "a0b0c0a1b1c1a2b2c2");
    for (size_t i = 0; i < 3; i++) {
        CHECK(flows[i].has_exited);
        CHECK_EQ(flows[i].rc, (int)i);
        flow_fini(&flows[i]);
    }
}

/* ---- many, in any order ---- */

#define CROWD 50
#define CROWD_STEPS 20000

static struct flow crowd[CROWD];
static size_t crowd_left;
static uint64_t crowd_random;

static uint64_t next_random(void)
{
    crowd_random = crowd_random * 6364136223846793005u + 1442695040888963407u;
    return crowd_random >> 33;
}

/* Somebody who has not exited; the caller knows there is one. */
static wf_fiber *somebody(void)
{
    size_t i = next_random() % CROWD;
    while (crowd[i].has_exited)
        i = (i + 1) % CROWD;
    return &crowd[i].fiber;
}

static int mind_own_bytes(void *arg)
{
    struct flow *self = arg;
    unsigned char mine[200];
    memset(mine, (int)(self - crowd), sizeof mine);
    double sum = 0;
    for (size_t step = 0; step < CROWD_STEPS / CROWD; step++) {
        wf_fiber *to = somebody();
        if (to != &self->fiber)
            wf_fiber_switch(&self->fiber, to);
        for (size_t i = 0; i < sizeof mine; i++)
            CHECK_EQ(mine[i], self - crowd);
        sum += (double)step;
    }
    CHECK_EQ(sum, (CROWD_STEPS / CROWD) * (CROWD_STEPS / CROWD - 1) / 2.0);
    return 0;
}

static void crowd_exit(struct flow *flow)
{
    (void)flow;
    resume_at_exit = --crowd_left == 0 ? &home : somebody();
}

TEST(fibers_in_any_order_keep_their_own_bytes)
{
    wf_fiber_home_init(&home);
    crowd_random = test_seed();
    crowd_left = CROWD;
    at_exit_hook = crowd_exit;
    for (size_t i = 0; i < CROWD; i++)
        flow_init(&crowd[i], mind_own_bytes, &crowd[i]);
    wf_fiber_switch(&home, &crowd[0].fiber);
    CHECK_EQ(crowd_left, 0);
    for (size_t i = 0; i < CROWD; i++)
        flow_fini(&crowd[i]);
}

TEST(fibers_can_come_and_go_many_times_on_one_stack)
{
    struct flow flow;
    int value = 7;
    wf_fiber_home_init(&home);
    flow_init(&flow, return_its_argument, &value);
    for (int i = 0; i < 10000; i++) {
        wf_fiber_switch(&home, &flow.fiber);
        CHECK_EQ(flow.rc, 7);
        wf_fiber_make(&flow.fiber, &flow.stack, return_its_argument, &value, &home, flow_exit);
    }
    wf_fiber_end(&flow.fiber);
    flow_fini(&flow);
}

/* ---- N05: what the checker of this build knows ---- */

#if WF_HAS_ASAN
#include <sanitizer/asan_interface.h>

static bool checker_sees_stack_of(const void *local)
{
    char name[64];
    void *region;
    size_t bytes;
    const char *kind =
        __asan_locate_address((void *)(uintptr_t)local, name, sizeof name, &region, &bytes);
    return strcmp(kind, "stack") == 0;
}
#elif WF_HAS_TSAN
#include <sanitizer/tsan_interface.h>

/* Another fiber for each, and the same one as before for one that comes back. */
static bool checker_sees_stack_of(const void *local)
{
    static struct {
        const void *local;
        void *fiber;
    } known[4];
    for (int i = 0; i < 4; i++) {
        if (known[i].local == local)
            return known[i].fiber == __tsan_get_current_fiber();
        if (known[i].fiber == __tsan_get_current_fiber())
            return false;
        if (known[i].local == NULL) {
            known[i].local = local;
            known[i].fiber = __tsan_get_current_fiber();
            return true;
        }
    }
    return false;
}
#elif WF_HAS_VALGRIND

/* To Valgrind a switch that it does not know is a huge frame, whose bytes it then complains of. */
static bool checker_sees_stack_of(const void *local)
{
    (void)local;
    return VALGRIND_COUNT_ERRORS == 0;
}
#else
static bool checker_sees_stack_of(const void *local)
{
    return local != NULL;
}
#endif

/* Deep enough that a checker which takes it for another stack's frames would notice. */
static int look_at_checker(void *arg)
{
    struct flow *flow = arg;
    volatile char room[20000];
    room[0] = 1;
    for (int i = 0; i < 3; i++) {
        CHECK(checker_sees_stack_of((const void *)(uintptr_t)room));
        memset((void *)(uintptr_t)room, i, sizeof room);
        wf_fiber_switch(&flow->fiber, &home);
        CHECK_EQ(room[sizeof room - 1], i);
    }
    return 0;
}

TEST(test_N05_the_checker_of_this_build_knows_which_stack_runs)
{
    struct flow flows[3];
    volatile char local = 0;
    wf_fiber_home_init(&home);
    for (int i = 0; i < 3; i++)
        flow_init(&flows[i], look_at_checker, &flows[i]);
    for (int round = 0; round < 4; round++) {
        for (int i = 0; i < 3; i++)
            wf_fiber_switch(&home, &flows[i].fiber);
        CHECK(checker_sees_stack_of((const void *)(uintptr_t)&local));
    }
    for (int i = 0; i < 3; i++)
        flow_fini(&flows[i]);
    if (!WF_FIBER_HOOKS)
        CHECK_EQ(sizeof(wf_fiber), sizeof(void *)); /* without a checker nothing is kept for one */
}

/* ---- T06: the frame of a finished body ---- */

/* Two parts of it: an array, and the highest word of the stack, where the caller of the body would
 * push whatever it does next. */
static unsigned char frame_array[256];
static unsigned char *volatile frame_low;
static uint64_t frame_top;

static uint64_t top_word(const struct flow *flow)
{
    return *(const volatile uint64_t *)(const void *)(flow->stack.top - sizeof(uint64_t));
}

static int leave_a_frame(void *arg)
{
    unsigned char bytes[sizeof frame_array];
    for (size_t i = 0; i < sizeof bytes; i++)
        bytes[i] = (unsigned char)(i * 7 + 1);
    frame_low = bytes;
    memcpy(frame_array, frame_low, sizeof bytes);
    frame_top = top_word(arg);
    return 0;
}

/* Valgrind takes what lies below a stack pointer for dead, which is what it is. */
static void check_frame(const struct flow *flow)
{
#if WF_HAS_VALGRIND
    (void)VALGRIND_MAKE_MEM_DEFINED(frame_low, sizeof frame_array);
    (void)VALGRIND_MAKE_MEM_DEFINED(flow->stack.top - sizeof frame_top, sizeof frame_top);
#endif
    CHECK_EQ(memcmp(frame_low, frame_array, sizeof frame_array), 0);
    CHECK_EQ(top_word(flow), frame_top);
}

static void frame_is_intact(struct flow *flow)
{
    if (frame_low == NULL || !is_on_stack(flow, frame_low))
        return;
    check_frame(flow);
    char local;
    CHECK(!is_on_stack(flow, &local));
}

TEST(test_T06_bytes_of_a_finished_bodys_frame_stay_intact)
{
    struct flow flow, other;
    int value = 0;
    wf_fiber_home_init(&home);
    at_exit_hook = frame_is_intact;
    flow_init(&flow, leave_a_frame, &flow);
    wf_fiber_switch(&home, &flow.fiber);
    CHECK(flow.has_exited);
    for (int i = 0; i < 100; i++) {
        flow_init(&other, return_its_argument, &value);
        wf_fiber_switch(&home, &other.fiber);
        flow_fini(&other);
    }
    check_frame(&flow);
    flow_fini(&flow);
}

/* ---- N04: registers and control words ---- */

/* Loads every callee-saved register from `in`, switches, and stores them all to `out`. */
void registers_across(wf_fiber *from, wf_fiber *to, void (*fn)(wf_fiber *, wf_fiber *),
                      const uint64_t *in, uint64_t *out);

#if defined(__x86_64__)
#define REGISTERS 6
__asm__(".text\n"
        "registers_across:\n"
        "push %rbp; push %rbx; push %r12; push %r13; push %r14; push %r15; push %r8\n"
        "mov 0(%rcx), %rbx; mov 8(%rcx), %rbp; mov 16(%rcx), %r12\n"
        "mov 24(%rcx), %r13; mov 32(%rcx), %r14; mov 40(%rcx), %r15\n"
        "call *%rdx\n"
        "pop %r8\n"
        "mov %rbx, 0(%r8); mov %rbp, 8(%r8); mov %r12, 16(%r8)\n"
        "mov %r13, 24(%r8); mov %r14, 32(%r8); mov %r15, 40(%r8)\n"
        "pop %r15; pop %r14; pop %r13; pop %r12; pop %rbx; pop %rbp\n"
        "ret\n");
#else
#define REGISTERS 19
__asm__(".text\n"
        "registers_across:\n"
        "sub sp, sp, #176\n"
        "stp x19, x20, [sp]; stp x21, x22, [sp, #16]; stp x23, x24, [sp, #32]\n"
        "stp x25, x26, [sp, #48]; stp x27, x28, [sp, #64]; stp x29, x30, [sp, #80]\n"
        "stp d8, d9, [sp, #96]; stp d10, d11, [sp, #112]; stp d12, d13, [sp, #128]\n"
        "stp d14, d15, [sp, #144]; str x4, [sp, #160]\n"
        "ldp x19, x20, [x3]; ldp x21, x22, [x3, #16]; ldp x23, x24, [x3, #32]\n"
        "ldp x25, x26, [x3, #48]; ldp x27, x28, [x3, #64]; ldr x29, [x3, #80]\n"
        "ldp d8, d9, [x3, #88]; ldp d10, d11, [x3, #104]; ldp d12, d13, [x3, #120]\n"
        "ldp d14, d15, [x3, #136]\n"
        "blr x2\n"
        "ldr x4, [sp, #160]\n"
        "stp x19, x20, [x4]; stp x21, x22, [x4, #16]; stp x23, x24, [x4, #32]\n"
        "stp x25, x26, [x4, #48]; stp x27, x28, [x4, #64]; str x29, [x4, #80]\n"
        "stp d8, d9, [x4, #88]; stp d10, d11, [x4, #104]; stp d12, d13, [x4, #120]\n"
        "stp d14, d15, [x4, #136]\n"
        "ldp x19, x20, [sp]; ldp x21, x22, [sp, #16]; ldp x23, x24, [sp, #32]\n"
        "ldp x25, x26, [sp, #48]; ldp x27, x28, [sp, #64]; ldp x29, x30, [sp, #80]\n"
        "ldp d8, d9, [sp, #96]; ldp d10, d11, [sp, #112]; ldp d12, d13, [sp, #128]\n"
        "ldp d14, d15, [sp, #144]\n"
        "add sp, sp, #176\n"
        "ret\n");
#endif

static void switch_by_call(wf_fiber *from, wf_fiber *to)
{
    wf_fiber_switch(from, to);
}

static void fill(uint64_t words[REGISTERS], uint64_t value)
{
    for (size_t i = 0; i < REGISTERS; i++)
        words[i] = value + i;
}

static int load_registers(void *arg)
{
    struct flow *flow = arg;
    uint64_t in[REGISTERS], out[REGISTERS] = {0};
    fill(in, 0xbb00);
    registers_across(&flow->fiber, &home, switch_by_call, in, out);
    CHECK_BYTES(out, sizeof out, in, sizeof in);
    return 0;
}

TEST(test_N04_switch_keeps_callee_saved_registers)
{
    struct flow flow;
    uint64_t in[REGISTERS], out[REGISTERS] = {0};
    wf_fiber_home_init(&home);
    flow_init(&flow, load_registers, &flow);

    fill(in, 0xaa00);
    registers_across(&home, &flow.fiber, switch_by_call, in, out); /* comes back by a switch */
    CHECK_BYTES(out, sizeof out, in, sizeof in);
    fill(in, 0xcc00);
    registers_across(&home, &flow.fiber, switch_by_call, in, out); /* comes back by an exit */
    CHECK_BYTES(out, sizeof out, in, sizeof in);
    CHECK(flow.has_exited);
    flow_fini(&flow);
}

#if defined(__x86_64__)
static uint64_t control_words(void)
{
    uint32_t mxcsr;
    uint16_t x87;
    __asm__ volatile("stmxcsr %0\n\tfnstcw %1" : "=m"(mxcsr), "=m"(x87));
    return (mxcsr & ~0x3fu) | (uint64_t)x87 << 32;
}

static void set_control_words(uint64_t words)
{
    uint32_t mxcsr = (uint32_t)words;
    uint16_t x87 = (uint16_t)(words >> 32);
    __asm__ volatile("ldmxcsr %0\n\tfldcw %1" : : "m"(mxcsr), "m"(x87));
}

static const uint64_t odd_words[] = {
    0x1f80 | (uint64_t)0x037f << 32, /* as a process starts */
    0x9f80 | (uint64_t)0x037f << 32, /* flush to zero */
    0x1f80 | (uint64_t)0x0b7f << 32, /* only x87 rounds up */
    0x5f80 | (uint64_t)0x0a7f << 32, /* up, and x87 at double precision */
};
#else
static uint64_t control_words(void)
{
    uint64_t words;
    __asm__ volatile("mrs %0, fpcr" : "=r"(words));
    return words;
}

static void set_control_words(uint64_t words)
{
    __asm__ volatile("msr fpcr, %0" : : "r"(words));
}

static const uint64_t odd_words[] = {
    0,        /* as a process starts */
    1u << 24, /* flush to zero */
    1u << 22, /* up */
    3u << 22, /* to zero */
};
#endif

/* Valgrind's processor has only the rounding. */
static void check_words(uint64_t words)
{
    uint64_t mask = UINT64_MAX;
#if WF_HAS_VALGRIND && defined(__x86_64__)
    if (RUNNING_ON_VALGRIND)
        mask = 0x6000 | (uint64_t)0x0c00 << 32;
#endif
    CHECK_EQ(control_words() & mask, words & mask);
}

static int set_and_expect(void *arg)
{
    struct flow *flow = arg;
    for (size_t i = 0; i < 8; i++) {
        uint64_t words = odd_words[i % 4];
        set_control_words(words);
        wf_fiber_switch(&flow->fiber, &home);
        check_words(words);
    }
    return 0;
}

static void check_words_of_two(void)
{
    struct flow flow;
    wf_fiber_home_init(&home);
    flow_init(&flow, set_and_expect, &flow);
    for (size_t i = 0; !flow.has_exited; i++) {
        uint64_t words = odd_words[i * 3 % 4];
        set_control_words(words);
        wf_fiber_switch(&home, &flow.fiber);
        check_words(words);
    }
    set_control_words(odd_words[0]);
    flow_fini(&flow);
}

TEST(test_N04_control_words_are_kept_per_fiber)
{
    check_words_of_two();
#if defined(__x86_64__)
    bool always_loads = wf_fiber_always_loads;
    wf_fiber_always_loads = !always_loads;
    check_words_of_two();
    wf_fiber_always_loads = always_loads;
#endif
}

static int body_keeps_words(void *arg)
{
    size_t first = *(const size_t *)arg;
    for (size_t i = 0; i < 8; i++) {
        uint64_t words = odd_words[(first + i) % 4];
        set_control_words(words);
        CHECK_OK(i % 2 ? weft_yield() : weft_sleep(WEFT_MS));
        check_words(words);
    }
    return 0;
}

TASK_TEST(test_N04_control_words_are_kept_per_task)
{
    size_t firsts[] = {0, 1, 2};
    uint64_t words = control_words();
    CHECK_OK(weft_map(body_keeps_words, firsts, 3));
    check_words(words);
}

static int note_rounding(void *arg)
{
    *(int *)arg = fegetround();
    return 0;
}

TEST(fiber_starts_with_the_rounding_its_home_began_with)
{
    struct flow flow;
    int rounding = -1;
    fesetround(FE_UPWARD);
    wf_fiber_home_init(&home);
    fesetround(FE_TONEAREST);
    flow_init(&flow, note_rounding, &rounding);
    wf_fiber_switch(&home, &flow.fiber);
    CHECK_EQ(rounding, FE_UPWARD);
    CHECK_EQ(fegetround(), FE_TONEAREST);
    flow_fini(&flow);
}

TEST(test_N04_refuses_shadow_stacks)
{
    char line[256];
    bool is_on = false;
    FILE *status = fopen("/proc/self/status", "r");
    CHECK(status != NULL);
    while (fgets(line, sizeof line, status) != NULL)
        is_on |= strncmp(line, "x86_Thread_features:", 20) == 0 && strstr(line, "shstk") != NULL;
    fclose(status);
    CHECK_EQ(wf_fiber_check_host(), is_on ? -ENOTSUP : 0);
}

/* ---- N03: backtraces ---- */

struct trace {
    void *functions[64];
    size_t count;
};

static _Unwind_Reason_Code trace_frame(struct _Unwind_Context *context, void *arg)
{
    struct trace *trace = arg;
    CHECK_LT(trace->count, 64u);
    trace->functions[trace->count++] = (void *)_Unwind_GetRegionStart(context);
    return _URC_NO_REASON;
}

static bool trace_has(const struct trace *trace, void *function)
{
    for (size_t i = 0; i < trace->count; i++) {
        if (trace->functions[i] == function)
            return true;
    }
    return false;
}

__attribute__((noinline)) static int trace_itself(void *arg)
{
    CHECK_EQ(_Unwind_Backtrace(trace_frame, arg), _URC_END_OF_STACK);
    return 0;
}

__attribute__((noinline)) static int trace_deeper(void *arg)
{
    int rc = trace_itself(arg);
    __asm__ volatile("" : : : "memory"); /* no tail call */
    return rc;
}

static void *address_of(int (*fn)(void *))
{
    void *address;
    memcpy(&address, &fn, sizeof address);
    return address;
}

/* What unwinders take for it has one instruction before it (arch/<cpu>.S). */
static bool is_entry(const void *function)
{
    uintptr_t before = (uintptr_t)wf_fiber_entry - (uintptr_t)function;
    return before > 0 && before <= 4;
}

TEST(test_N03_backtrace_ends_at_the_body)
{
    struct flow flow;
    struct trace trace = {.count = 0};
    wf_fiber_home_init(&home);
    flow_init(&flow, trace_deeper, &trace);
    wf_fiber_switch(&home, &flow.fiber);
    CHECK(trace_has(&trace, address_of(trace_itself)));
    CHECK(trace_has(&trace, address_of(trace_deeper)));
    CHECK(is_entry(trace.functions[trace.count - 1]));
    CHECK_LE(trace.count, 5u);
    flow_fini(&flow);
}

/* Through the same calls, on a task's stack. */
TASK_TEST(test_N03_backtrace_of_a_task_ends_at_its_body)
{
    struct trace trace = {.count = 0};
    CHECK_OK(weft_await(weft_spawn(trace_deeper, &trace)));
    CHECK(trace_has(&trace, address_of(trace_itself)));
    CHECK(trace_has(&trace, address_of(trace_deeper)));
    CHECK(is_entry(trace.functions[trace.count - 1]));
    CHECK_LE(trace.count, 5u);
}

static struct trace exit_trace;

static void trace_at_exit(struct flow *flow)
{
    (void)flow;
    CHECK_EQ(_Unwind_Backtrace(trace_frame, &exit_trace), _URC_END_OF_STACK);
}

TEST(test_N03_backtrace_of_an_exit_function_ends)
{
    struct flow flow;
    int value = 0;
    wf_fiber_home_init(&home);
    at_exit_hook = trace_at_exit;
    flow_init(&flow, return_its_argument, &value);
    wf_fiber_switch(&home, &flow.fiber);
    CHECK_GE(exit_trace.count, 2u);
    CHECK_LE(exit_trace.count, 6u);
    flow_fini(&flow);
}

static int walk_frame_pointers(void *arg)
{
    struct flow *flow = arg;
    const uintptr_t *frame = __builtin_frame_address(0);
    size_t count = 0;
    while (frame != NULL) {
        CHECK(is_on_stack(flow, frame));
        CHECK_LT(count++, 8u);
        frame = (const uintptr_t *)frame[0];
    }
    CHECK_GE(count, 1u);
    void *frames[32];
    CHECK_LE(backtrace(frames, 32), 8);
    return 0;
}

TEST(test_N03_frame_pointers_end_at_the_body)
{
    struct flow flow;
    wf_fiber_home_init(&home);
    flow_init(&flow, walk_frame_pointers, &flow);
    wf_fiber_switch(&home, &flow.fiber);
    flow_fini(&flow);
}
