/* SPDX-License-Identifier: MIT */

/* A loop's thread is looked at, by a signal: at any instant, and whatever it stands in. */

#include "core/look/peek.h"

#include "base/checkers.h"
#include "core/look/symbol.h"
#include "core/look/trace.h"
#include "core/task/sched_priv.h"
#include "harness/harness.h"

#include <weft.h>

#include <execinfo.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <ucontext.h>
#include <unistd.h>
#if WF_HAS_VALGRIND
#include <valgrind/valgrind.h>
#endif

/* ---- tasks that do all that changes stacks ---- */

static int wait_a_little(void *arg)
{
    weft_event *event = arg;
    WEFT_TRY(weft_yield());
    return weft_event_wait(event);
}

static int count_to_three(weft_gen *gen, void *arg)
{
    (void)arg;
    for (int i = 0; i < 3; i++) {
        WEFT_TRY(weft_gen_yield(gen, &i));
        WEFT_TRY(weft_yield());
    }
    return 0;
}

static int switch_stacks(void)
{
    weft_event event = {0};
    weft_task waits = weft_spawn_at(wait_a_little, &event, "waits in peek_test.c");
    int rc, i;
    WEFT_TRY(weft_yield());
    weft_foreach(rc, i, weft_gen_open(count_to_three, NULL))
    {
        WEFT_TRY(weft_yield());
    }
    weft_event_set(&event);
    WEFT_TRY(weft_await(waits));
    WEFT_TRY(weft_sleep(WEFT_MS)); /* through the loop */
    return rc;
}

/* ---- by a signal, at any instant ---- */

#if !WF_HAS_TSAN /* which keeps signals back until the code calls something */

struct peeker {
    struct wf_peek *peek;
    pthread_t thread;
    int wake_fd, wanted;
    _Atomic int answered;
    struct wf_peek_answer last; /* whoever has joined the thread reads it */
};

static bool is_name(const char *name)
{
    return strcmp(name, "(none)") == 0 || strcmp(name, "main") == 0 || strcmp(name, "waits") == 0;
}

static void *peek_all_the_time(void *arg)
{
    struct peeker *peeker = arg;
    while (peeker->answered < peeker->wanted) {
        wf_peek_ask(peeker->peek, WF_PEEK_RUNS, &peeker->last);
        if (peeker->last.frame_count == 0)
            continue; /* it had no processor for so long */
        if (!is_name(peeker->last.name))
            FAIL("not a task's name: %s", peeker->last.name);
        atomic_fetch_add(&peeker->answered, 1);
    }
    return NULL;
}

static void begin_peeking(struct peeker *peeker)
{
    peeker->wake_fd = eventfd(0, EFD_CLOEXEC);
    CHECK_OK(peeker->wake_fd);
    CHECK_OK(wf_peek_new(&peeker->peek, wf_sched_current, peeker->wake_fd));
    CHECK_EQ(pthread_create(&peeker->thread, NULL, peek_all_the_time, peeker), 0);
}

static void end_peeking(struct peeker *peeker)
{
    CHECK_EQ(pthread_join(peeker->thread, NULL), 0);
    wf_peek_free(peeker->peek);
    CHECK_OK(close(peeker->wake_fd));
}

/* WEFT_PEEKS: how many, for an hour when nobody waits. */
static int be_peeked_at(void *arg)
{
    const char *wanted = getenv("WEFT_PEEKS");
    struct peeker peeker = {.wanted = wanted != NULL ? atoi(wanted) : 300};
    (void)arg;
    begin_peeking(&peeker);
    while (atomic_load(&peeker.answered) < peeker.wanted)
        CHECK_OK(switch_stacks());
    end_peeking(&peeker);
    return 0;
}

/* In virtual time, where nobody else watches the loop. */
RUN_TEST(test_O01_a_thread_is_peeked_at_while_its_tasks_begin_switch_and_end)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, be_peeked_at, NULL));
}

static int frames_of_one_peek(void)
{
    struct peeker peeker = {.wanted = 1};
    begin_peeking(&peeker);
    while (atomic_load(&peeker.answered) == 0)
        continue;
    end_peeking(&peeker);
    return peeker.last.frame_count;
}

static int compare_handlers(void *arg)
{
    struct sigaction theirs = {.sa_handler = SIG_DFL}, ours;
    (void)arg;
    CHECK_GT(frames_of_one_peek(), 1);
    CHECK_OK(sigaction(SIGSEGV, &theirs, &ours));
    CHECK_EQ(frames_of_one_peek(), 1);
    CHECK_OK(sigaction(SIGSEGV, &ours, NULL));
    return 0;
}

/* Then a walk that goes astray would end the process. */
RUN_TEST(test_O01_a_peek_walks_no_stack_where_faults_are_the_programs_to_handle)
{
    weft_config config = test_config();
    CHECK_OK(weft_run_with(&config, compare_handlers, NULL));
}

#endif

/* ---- one instruction after the other ---- */

#if defined(__x86_64__) && !WF_FIBER_HOOKS

#define TRAP_FLAG 0x100
#define STEP_FRAMES 64
#define OUTERMOST_MAX 512

/* What the handler of each step notes. */
static struct {
    bool is_on;
    int count, deepest;
    void *outermost[OUTERMOST_MAX]; /* each once */
    int outermost_count;
} steps;

static void note_outermost(void *frame)
{
    for (int i = 0; i < steps.outermost_count; i++)
        if (steps.outermost[i] == frame)
            return;
    if (steps.outermost_count < OUTERMOST_MAX)
        steps.outermost[steps.outermost_count++] = frame;
}

/* The last instructions of a switch, in place and in arch/x86_64.S: nobody has called. */
static bool is_in_a_switch(const unsigned char *at)
{
    static const unsigned char pop_rax[] = {0x58, 0x3e, 0xff, 0xe0};
    return memcmp(at, pop_rax, 4) == 0 || memcmp(at, pop_rax + 1, 3) == 0;
}

static void on_step(int signal_number, siginfo_t *info, void *context)
{
    void *frames[STEP_FRAMES];
    greg_t *registers = ((ucontext_t *)context)->uc_mcontext.gregs;
    (void)signal_number, (void)info;
    if (!steps.is_on) {
        registers[REG_EFL] &= ~TRAP_FLAG;
        return;
    }
    registers[REG_EFL] |= TRAP_FLAG;
    int count = backtrace(frames, STEP_FRAMES); /* by itself: no probe helps it */
    steps.count++;
    if (count > steps.deepest)
        steps.deepest = count;
    if (is_in_a_switch(frames[count - 1]))
        return;
    /* Names are looked up before an address, as returns want it: behind a call that does not return
     * another function may begin.  What is interrupted stands at its address. */
    bool is_interrupted = (greg_t)frames[count - 1] == registers[REG_RIP];
    note_outermost((char *)frames[count - 1] + is_interrupted);
}

static void step(bool is_on)
{
    steps.is_on = is_on;
    raise(SIGTRAP);
}

static int switch_in_steps(void *arg)
{
    struct sigaction action = {.sa_sigaction = on_step, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    (void)arg;
    wf_trace_prepare();
    CHECK_OK(switch_stacks()); /* whatever is done but once */
    CHECK_OK(sigaction(SIGTRAP, &action, NULL));
    step(true);
    int rc = switch_stacks();
    step(false);
    return rc;
}

/* A body's first frame, the program's, or, once a body has returned, its end. */
static bool is_outermost(void *frame, char *text, size_t bytes)
{
    static const char *const good[] = {"wf_fiber_entry+", "_start+", "wf_task_exit+", "gen_exit+"};
    wf_symbol_text(frame, text, bytes);
    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++)
        if (strncmp(text, good[i], strlen(good[i])) == 0)
            return true;
    return false;
}

/* A fresh body goes back to its entry, not behind a call. */
static void check_outermost(char *frame)
{
    char text[WF_SYMBOL_TEXT_BYTES];
    if (!is_outermost(frame + 1, text, sizeof text) && !is_outermost(frame, text, sizeof text))
        FAIL("a walk ended in %s", text);
}

/* By the processor's own steps, so that no instant is left out.  A signal can come at each. */
TEST(test_O01_a_stack_can_be_walked_from_every_instruction_of_tasks_that_switch)
{
#if WF_HAS_VALGRIND
    if (RUNNING_ON_VALGRIND)
        SKIP("valgrind takes no single steps");
#endif
    weft_sim_options options = {.seed = test_seed()};
    CHECK_OK(weft_sim_run_with(&options, switch_in_steps, NULL));
    note("%d steps, at most %d frames", steps.count, steps.deepest);
    CHECK_GT(steps.count, 1000);
    CHECK_LT(steps.deepest, STEP_FRAMES);
    CHECK_LT(steps.outermost_count, OUTERMOST_MAX);
    for (int i = 0; i < steps.outermost_count; i++)
        check_outermost(steps.outermost[i]);
}

#endif
