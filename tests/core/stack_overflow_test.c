/* SPDX-License-Identifier: MIT */

/* A task that overflows its stack: what is said, how the process dies, and whose faults are not
 * ours. */

#include "core/stack/stack_overflow.h"

#include <weft/gather.h>
#include <weft/gen.h>
#include <weft/run.h>
#include <weft/task.h>

#include "base/checkers.h"
#include "core/gen/gen_priv.h"
#include "core/stack/fiber.h"
#include "core/stack/stack_host.h"
#include "core/task/sched_priv.h"
#include "harness/harness.h"

#if WF_HAS_ASAN
#include <sanitizer/asan_interface.h>
#endif
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

/* The only task of these tests. */
static wf_fiber home, fiber;
static wf_stack stack;

static bool find(void *arg, const void *addr, wf_overflow *out)
{
    if (!wf_stack_is_guard(&stack, addr))
        return false;
    *out = (wf_overflow){
        .name = arg,
        .site = "greedy.c:12",
        .stack_bytes = (size_t)64 << 10,
    };
    return true;
}

static void leave(wf_fiber *self, int rc)
{
    (void)rc;
    wf_fiber_end(self);
    wf_fiber_resume(&home);
}

static void run_on_stack(weft_fn *fn)
{
    CHECK_OK(wf_stack_map(&stack, (size_t)64 << 10));
    wf_fiber_home_init(&home);
    wf_fiber_make(&fiber, &stack, fn, NULL, &home, leave);
    wf_fiber_switch(&home, &fiber);
    wf_stack_unmap(&stack);
}

/* ---- a child process and what it left ---- */

struct end {
    int status;
    char text[2048];
};

static void run_child(void (*fn)(void), struct end *out)
{
    int fds[2];
    CHECK_OK(pipe(fds));
    pid_t child = fork();
    CHECK_GE(child, 0);
    if (child == 0) {
        dup2(fds[1], STDERR_FILENO);
        close(fds[0]);
        close(fds[1]);
        signal(SIGSEGV, SIG_DFL);
        fn();
        _exit(0);
    }
    close(fds[1]);
    size_t len = 0;
    ssize_t got;
    while ((got = read(fds[0], out->text + len, sizeof out->text - 1 - len)) > 0)
        len += (size_t)got;
    out->text[len] = '\0';
    close(fds[0]);
    CHECK_EQ(waitpid(child, &out->status, 0), child);
    note("child wrote: %s", out->text);
}

static void check_died_of(const struct end *end, int signal_number)
{
    CHECK(WIFSIGNALED(end->status));
    CHECK_EQ(WTERMSIG(end->status), signal_number);
}

static const char greedy_line[] = "stack overflow in task greedy (64 KiB); spawned: greedy.c:12; "
                                  "weft_spawn_stack() or weft_config.stack_bytes gives more\n";

/* Emulators and checkers have something to say after it. */
static void check_overflow(const struct end *end)
{
    CHECK_EQ(strncmp(end->text, greedy_line, strlen(greedy_line)), 0);
    check_died_of(end, SIGSEGV);
}

/* ---- overflows ---- */

static volatile int depth_max = 1 << 30;

static int recurse(int depth)
{
    volatile char bytes[200];
    bytes[0] = (char)depth;
    if (depth == depth_max)
        return depth;
    return recurse(depth + 1) + bytes[0];
}

static int recurse_for_ever(void *arg)
{
    (void)arg;
    return recurse(0);
}

static void overflow_by_recursion(void)
{
    CHECK_OK(wf_overflow_thread_begin(find, "greedy"));
    run_on_stack(recurse_for_ever);
}

TEST(test_N02_overflow_names_task_stack_and_spawn_site)
{
    struct end end;
    run_child(overflow_by_recursion, &end);
    check_overflow(&end);
}

/* A frame of twice the stack, of which only the far end is used: without probes it would jump over
 * the guard into the stack of somebody else. */
__attribute__((noinline)) static int use_far_end(void)
{
    volatile char bytes[128 << 10];
    bytes[0] = 1;
    __asm__ volatile("" : : "r"(bytes) : "memory"); /* all of it is needed */
    return bytes[0];
}

static int jump_far(void *arg)
{
    (void)arg;
    return use_far_end();
}

static void overflow_by_one_frame(void)
{
    CHECK_OK(wf_overflow_thread_begin(find, "greedy"));
    run_on_stack(jump_far);
}

TEST(test_N02_one_huge_frame_does_not_jump_the_guard)
{
    struct end end;
    run_child(overflow_by_one_frame, &end);
    check_overflow(&end);
}

static void *overflow_in_thread(void *arg)
{
    (void)arg;
    overflow_by_recursion();
    return NULL;
}

static void overflow_in_second_thread(void)
{
    pthread_t thread;
    CHECK_OK(wf_overflow_thread_begin(find, "other"));
    pthread_create(&thread, NULL, overflow_in_thread, NULL);
    pthread_join(thread, NULL);
}

TEST(test_N02_each_thread_reports_its_own_overflow)
{
    struct end end;
    run_child(overflow_in_second_thread, &end);
    check_overflow(&end);
}

static void die_of_canary(void)
{
    char name[2000];
    memset(name, 'x', sizeof name - 1);
    name[sizeof name - 1] = '\0';
    wf_overflow_die(&(wf_overflow){.name = name, .stack_bytes = (size_t)16 << 10});
}

TEST(test_N02_broken_canary_is_reported_in_one_line_and_aborts)
{
    struct end end;
    run_child(die_of_canary, &end);
    CHECK_EQ(strncmp(end.text, "stack overflow in task xxxx", 27), 0);
    CHECK_EQ(strchr(end.text, '\n'), end.text + 511); /* cut, but a whole line */
    check_died_of(&end, SIGABRT);
}

/* ---- a canary, seen at the next switch ---- */

static void break_canary(wf_stack *of)
{
    of->guard = WF_GUARD_CANARY;
    wf_sched_self()->stacks.has_canaries = true;
    wf_stack_canary_write(of->base);
    CHECK(wf_stack_is_intact(of));
    memset(of->base - wf_stack_guard_bytes() - WF_STACK_CANARY_BYTES, 0, WF_STACK_CANARY_BYTES);
}

static int yield_without_canary(void *arg)
{
    (void)arg;
    break_canary(&wf_current()->body->stack);
    return weft_yield();
}

static int end_without_canary(void *arg)
{
    (void)arg;
    break_canary(&wf_current()->body->stack);
    return 0;
}

static int return_zero(void *arg)
{
    (void)arg;
    return 0;
}

/* Beside another task, so that there is somebody to switch to. */
static int run_beside(void *arg)
{
    return weft_gather(weft_spawn(*(weft_fn **)arg, NULL), weft_spawn(return_zero, NULL));
}

static void run_here(weft_fn *fn, void *arg)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, fn, arg));
}

static void yield_in_a_run(void)
{
    weft_fn *fn = yield_without_canary;
    run_here(run_beside, &fn);
}

static void end_in_a_run(void)
{
    weft_fn *fn = end_without_canary;
    run_here(run_beside, &fn);
}

static void check_canary(void (*fn)(void))
{
    static const char line[] = "stack overflow in task ";
    struct end end;
    run_child(fn, &end);
    CHECK_EQ(strncmp(end.text, line, strlen(line)), 0);
    CHECK(strstr(end.text, "spawned: *(weft_fn **)arg at ") != NULL);
    CHECK(strstr(end.text, "stack_overflow_test.c:") != NULL);
    check_died_of(&end, SIGABRT);
}

RUN_TEST(test_N02_a_broken_canary_stops_the_process_at_the_next_switch)
{
    check_canary(yield_in_a_run);
}

RUN_TEST(test_N02_a_broken_canary_stops_the_process_at_the_end_of_its_task)
{
    check_canary(end_in_a_run);
}

/* ---- in a run ---- */

static int await_greedy(void *arg)
{
    return weft_await(weft_spawn_at(recurse_for_ever, arg, "greedy at a.c:1"));
}

static void overflow_in_task(void)
{
    run_here(await_greedy, NULL);
}

RUN_TEST(test_N02_overflow_in_a_task_names_it_and_its_spawn_site)
{
    struct end end;
    run_child(overflow_in_task, &end);
    CHECK(strstr(end.text, "stack overflow in task greedy (") != NULL);
    CHECK(strstr(end.text, "spawned: greedy at a.c:1; ") != NULL);
    check_died_of(&end, SIGSEGV);
}

/* ---- in a generator ---- */

static int recursing_generator(weft_gen *self, void *arg)
{
    (void)self;
    return recurse_for_ever(arg);
}

static int consume_overflow(void *arg)
{
    int value;
    return weft_gen_next(weft_gen_open(recursing_generator, arg), &value);
}

static void overflow_in_generator(void)
{
    run_here(consume_overflow, NULL);
}

RUN_TEST(test_N02_overflow_in_a_generator_names_task_and_generator)
{
    struct end end;
    run_child(overflow_in_generator, &end);
    CHECK(strstr(end.text, "stack overflow in task main (") != NULL);
    CHECK(strstr(end.text, "spawned: recursing_generator at ") != NULL);
    check_died_of(&end, SIGSEGV);
}

static int yield_without_canary_in_generator(weft_gen *self, void *arg)
{
    (void)arg;
    break_canary(&self->body->stack);
    return weft_gen_yield(self, &(int){1});
}

static int consume_without_canary(void *arg)
{
    int value;
    return weft_gen_next(weft_gen_open(yield_without_canary_in_generator, arg), &value);
}

static void yield_broken_in_generator(void)
{
    run_here(consume_without_canary, NULL);
}

RUN_TEST(test_N02_a_broken_canary_of_a_generator_stops_the_process_at_its_yield)
{
    struct end end;
    run_child(yield_broken_in_generator, &end);
    CHECK(strstr(end.text, "spawned: yield_without_canary_in_generator at ") != NULL);
    check_died_of(&end, SIGABRT);
}

/* ---- a stack that is nobody's any more ---- */

#if WF_HAS_ASAN
static int tell_frame(void *arg)
{
    volatile int here = 0;
    *(uintptr_t *)arg = (uintptr_t)&here;
    return 0;
}

TASK_TEST(the_stack_of_a_task_that_has_ended_is_poisoned)
{
    uintptr_t frame = 0;
    CHECK_OK(weft_await(weft_spawn(tell_frame, &frame)));
    CHECK(__asan_address_is_poisoned((const void *)frame) != 0);
}
#endif

/* ---- faults that are not ours ---- */

static volatile char *volatile nowhere = (char *)8;

static int write_to_nowhere(void *arg)
{
    (void)arg;
    *nowhere = 1;
    return 0;
}

static void fault_in_task(void)
{
    CHECK_OK(wf_overflow_thread_begin(find, "greedy"));
    run_on_stack(write_to_nowhere);
}

TEST(other_faults_end_the_process_without_our_line)
{
    struct end end;
    run_child(fault_in_task, &end);
    CHECK(strstr(end.text, "stack overflow") == NULL);
    check_died_of(&end, SIGSEGV);
}

static void fault_sent(void)
{
    CHECK_OK(wf_overflow_thread_begin(find, "greedy"));
    raise(SIGSEGV);
}

TEST(sent_fault_ends_the_process)
{
    struct end end;
    run_child(fault_sent, &end);
    CHECK(strstr(end.text, "stack overflow") == NULL);
    check_died_of(&end, SIGSEGV);
}

static sigjmp_buf back;

static void on_fault(int signal_number, siginfo_t *info, void *context)
{
    (void)context;
    if (signal_number == SIGSEGV && info->si_addr == (void *)8)
        siglongjmp(back, 1);
    _exit(9);
}

static void fault_of_the_program(void)
{
    struct sigaction theirs = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    sigaction(SIGSEGV, &theirs, NULL);
    CHECK_OK(wf_overflow_thread_begin(find, "greedy"));
    if (sigsetjmp(back, 1) == 0)
        write_to_nowhere(NULL);
    else
        _exit(7);
}

TEST(other_faults_go_to_the_handler_there_was)
{
    struct end end;
    run_child(fault_of_the_program, &end);
    CHECK(WIFEXITED(end.status));
    CHECK_EQ(WEXITSTATUS(end.status), 7);
}

static void on_fault_plain(int signal_number)
{
    _exit(signal_number == SIGSEGV ? 6 : 9);
}

static void fault_of_the_program_plain(void)
{
    signal(SIGSEGV, on_fault_plain);
    CHECK_OK(wf_overflow_thread_begin(find, "greedy"));
    write_to_nowhere(NULL);
}

TEST(other_faults_go_to_a_handler_of_the_old_kind)
{
    struct end end;
    run_child(fault_of_the_program_plain, &end);
    CHECK(WIFEXITED(end.status));
    CHECK_EQ(WEXITSTATUS(end.status), 6);
}

/* ---- threads ---- */

static bool has_alternate(void)
{
    stack_t present;
    CHECK_OK(sigaltstack(NULL, &present));
    return !(present.ss_flags & SS_DISABLE);
}

TEST(thread_gets_an_alternate_stack_and_loses_it)
{
    bool had = has_alternate(); /* a checker's */
    CHECK_OK(wf_overflow_thread_begin(find, NULL));
    CHECK(has_alternate());
    CHECK_EQ(wf_overflow_thread_begin(find, NULL), -EBUSY);
    wf_overflow_thread_end();
    CHECK_EQ(has_alternate(), had);
    CHECK_OK(wf_overflow_thread_begin(find, NULL));
    wf_overflow_thread_end();
}

TEST(thread_keeps_the_alternate_stack_it_had)
{
    static char own[64 << 10];
    stack_t theirs = {.ss_sp = own, .ss_size = sizeof own}, present;
    CHECK_OK(sigaltstack(&theirs, NULL));
    CHECK_OK(wf_overflow_thread_begin(find, NULL));
    wf_overflow_thread_end();
    CHECK_OK(sigaltstack(NULL, &present));
    CHECK_EQ(present.ss_sp, (void *)own);
    theirs.ss_flags = SS_DISABLE;
    CHECK_OK(sigaltstack(&theirs, NULL));
}

TEST(thread_without_memory_for_it_is_told)
{
    if (has_alternate())
        SKIP("a checker has made an alternate stack");
    for (uint64_t nth = 1; nth <= 2; nth++) {
        weft_fault_plan plan = {.classes = WEFT_FAULT_CALL, .nth = nth};
        weft_fault_arm(&plan);
        CHECK_EQ(wf_overflow_thread_begin(find, NULL), -ENOMEM);
        weft_fault_arm(NULL);
        CHECK(!has_alternate());
    }
    CHECK_OK(wf_overflow_thread_begin(find, NULL));
    wf_overflow_thread_end();
}
