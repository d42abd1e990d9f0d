/* SPDX-License-Identifier: MIT */

/*
 * Who runs: a FIFO of ready tasks and passes over it.
 *
 * A pass runs every task that was ready at its start; what becomes ready meanwhile is for the next.
 * Tasks switch straight to one another.  The thread's own context ("home") is only visited when
 * nothing is ready, or when input and output must be polled again (rule F04).
 */

#include "core/task/sched_priv.h"

#include "base/alloc.h"
#include "base/str.h"
#include "base/sys.h"
#include "core/look/debug.h"
#include "core/loop/posts.h"
#include "core/loops/far.h"
#include "core/platform/setting.h"
#include "core/sim/sim_trace.h"
#include "core/stack/stack_use.h"
#include "core/task/group_priv.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SCHED_PASSES_MAX 64
#define SCHED_STEPS_MAX 256u
#define SCHED_POLL_AFTER (250 * WEFT_US)
#define SCHED_TASKS_MAX 4000000
#define SCHED_GROUPS_MAX 4000000
#define SCHED_CHOICE_MAX 64 /* the seed chooses among this many at the head */

_Thread_local struct wf_sched *wf_sched_current;

/* There if the program has C++ in it. */
extern struct wf_exceptions *__cxa_get_globals(void) __attribute__((weak));

static void sched_say(void *arg, const char *text)
{
    wf_sched_log(arg, "%s", text);
}

int wf_sched_new(weft_loop *loop, const weft_config *config)
{
    bool is_measured = (config->flags & WEFT_RUN_MEASURE_STACKS) != 0;
    weft_time hog = config->hog;
    WEFT_TRY(wf_setting_read_switch("WEFT_MEASURE_STACKS", &is_measured));
    WEFT_TRY(wf_setting_read_time("WEFT_HOG", &hog));
    struct wf_sched *sched = wf_alloc(sizeof *sched);
    if (sched == NULL)
        return -ENOMEM;
    sched->loop = loop;
    sched->config = *config;
    sched->config.hog = hog;
    sched->home.errno_at = &errno;
    sched->pass.steps_max = SCHED_STEPS_MAX;
    sched->is_seeded = loop->backend == &wf_backend_sim;
    if (__cxa_get_globals != NULL)
        sched->home.exceptions_at = __cxa_get_globals();
    sched->has_switch_hook = sched->home.exceptions_at != NULL;
    uint32_t number = wf_loop_number(loop);
    sched->records.loop_number = number & WF_HANDLE_LOOP_MASK;
    /* Loops whose numbers agree in the low bits still make different handles. */
    sched->records.generation_base = (number >> WF_HANDLE_LOOP_BITS) * 0x9e3779u;
    uint32_t task_max = config->task_count_max != 0 ? config->task_count_max : SCHED_TASKS_MAX;
    wf_slab_init(&sched->records.tasks, task_max, sizeof(struct wf_far_request));
    wf_slab_init(&sched->records.groups, SCHED_GROUPS_MAX, 0);
    wf_slab_init(&sched->records.names, task_max, 0);
    wf_list_init(&sched->execs.all);
    wf_list_init(&sched->processes);
    wf_list_init(&sched->terminals);
    wf_node_init(&sched->top, NULL, NULL, 0);
    wf_fiber_home_init(&sched->home.fiber);
    wf_stacks_options options = {
        .stack_bytes = config->stack_bytes,
        .stack_count_max = task_max,
        .is_measured = is_measured,
        .say = sched_say,
        .say_arg = sched,
    };
    int rc = wf_debug_new(&sched->debug, config);
    if (rc == 0 && options.is_measured)
        rc = wf_stack_uses_new(&sched->stacks.uses);
    if (rc == 0)
        rc = wf_stacks_new(&sched->stacks.pool, &options);
    if (rc < 0) {
        wf_free(sched->stacks.uses);
        wf_debug_free(sched->debug);
        wf_free(sched);
        return rc;
    }
    loop->sched = sched;
    wf_loop_make_current(loop);
    return 0;
}

void wf_sched_free(struct wf_sched *sched)
{
    if (sched == NULL)
        return;
    wf_task_drop_ended(sched, &sched->detached.ended);
    if (sched->stacks.hot_body != NULL)
        wf_sched_drop_body(sched, sched->stacks.hot_body);
    wf_stacks_free(sched->stacks.pool);
    wf_free(sched->stacks.uses);
    wf_debug_free(sched->debug);
    wf_slab_fini(&sched->records.tasks);
    wf_slab_fini(&sched->records.groups);
    wf_slab_fini(&sched->records.names);
    sched->loop->sched = NULL;
    wf_loop_make_current(sched->loop);
    wf_free(sched);
}

/* ---- bodies ---- */

#define BODY_BYTES ((sizeof(struct wf_body) + 63) & ~(size_t)63)

/* A body at the top of a stack; what is left below is its `stack` from now on. */
static WF_IN_PLACE struct wf_body *body_at(struct wf_sched *sched, const wf_stack *stack)
{
    struct wf_body *body = (void *)(stack->top - BODY_BYTES);
    body->stack = *stack;
    body->stack.top = (char *)body;
    body->stack.is_special = stack->is_mapped || sched->stacks.uses != NULL;
    body->parked_on = NULL;
    body->live = 0;
    body->is_yielding = false;
    body->has_progress = body->has_namer = false;
    body->why_kind = WEFT_REASON_NONE;
    body->is_deadlocked = false;
    body->ended = NULL;
    body->owned_mutexes = NULL;
    body->gens = NULL;
    body->locals = NULL;
    memset(body->earlier, 0, sizeof body->earlier);
    body->gen = NULL;
    body->starter = NULL;
    body->exceptions = (struct wf_exceptions){0};
    if (stack->guard == WF_GUARD_CANARY)
        sched->stacks.has_canaries = sched->has_switch_hook = true;
    return body;
}

/* The stack as it came from the pool. */
static wf_stack body_stack(const struct wf_body *body)
{
    wf_stack stack = body->stack;
    stack.top += BODY_BYTES;
    return stack;
}

static __attribute__((noinline)) struct wf_body *body_new(struct wf_sched *sched)
{
    wf_stack stack;
    wf_stacks_take(sched->stacks.pool, &stack);
    return body_at(sched, &stack);
}

static inline struct wf_body *body_take(struct wf_sched *sched)
{
    struct wf_body *body = sched->stacks.hot_body;
    sched->stacks.hot_body = NULL;
    return __builtin_expect(body != NULL, 1) ? body : body_new(sched);
}

struct wf_body *wf_sched_take_body(struct wf_sched *sched)
{
    return body_take(sched);
}

void wf_sched_take_stack(struct wf_sched *sched, wf_stack *out)
{
    if (sched->stacks.hot_body != NULL)
        *out = body_stack(sched->stacks.hot_body);
    else
        wf_stacks_take(sched->stacks.pool, out);
    sched->stacks.hot_body = NULL;
}

void wf_sched_drop_body(struct wf_sched *sched, struct wf_body *body)
{
    wf_stack stack = body_stack(body);
    if (stack.is_mapped)
        wf_stack_unmap(&stack);
    else
        wf_stacks_give(sched->stacks.pool, &stack);
}

void wf_sched_end_body(struct wf_sched *sched, struct wf_body *body, const char *site)
{
    if (sched->stacks.uses != NULL)
        wf_stack_use_add(sched->stacks.uses, site, &body->stack, /* has_ended= */ true);
    wf_sched_drop_body(sched, body);
}

static inline void body_enter(struct wf_sched *sched, wf_task *task, struct wf_body *body,
                              void *arg, const wf_stack *stack)
{
    wf_fiber_make(&task->fiber, stack, task->fn, arg, &sched->home.fiber, wf_task_exit);
    if (__builtin_expect(task->inherited != NULL, 0)) {
        body->locals = task->inherited;
        task->inherited = NULL;
    }
    task->body = body;
    task->flags |= WF_TASK_HAS_BODY;
}

void wf_sched_embody(struct wf_sched *sched, wf_task *task)
{
    struct wf_body *body = body_take(sched);
    body_enter(sched, task, body, task->arg, &body->stack);
}

void wf_sched_embody_with(struct wf_sched *sched, wf_task *task, const void *arg, size_t bytes)
{
    struct wf_body *body = body_take(sched);
    wf_stack below = body->stack;
    char *copy = (char *)((uintptr_t)(below.top - bytes) & ~(uintptr_t)15);
    if (bytes != 0)
        memcpy(copy, arg, bytes);
    wf_task_note_given(task, copy);
    below.top = (char *)((uintptr_t)copy & ~(uintptr_t)63);
    body_enter(sched, task, body, copy, &below);
}

void wf_sched_embody_on(struct wf_sched *sched, wf_task *task, const wf_stack *stack)
{
    struct wf_body *body = body_at(sched, stack);
    if (WF_DEBUG_CHECKS)
        wf_debug_stack_begun(body);
    body_enter(sched, task, body, task->arg, &body->stack);
}

void wf_sched_start(struct wf_sched *sched, wf_task *task)
{
    *sched->home.errno_at = 0; /* not its predecessor's (rule E02) */
    if (__builtin_expect((task->flags & WF_TASK_HAS_BODY) == 0, 1))
        wf_sched_embody(sched, task);
    task->flags |= WF_TASK_EVER_RAN;
}

/* ---- the ready queue ---- */

static bool sched_is_yielding(const wf_task *task)
{
    return (task->flags & WF_TASK_HAS_BODY) != 0 && task->body->is_yielding;
}

static uint32_t sched_count_ready(const struct wf_sched *sched, uint32_t most)
{
    uint32_t count = 0;
    for (wf_task *task = sched->ready.head; count < most && task != NULL; task = task->ready_next)
        count++;
    return count;
}

/* How many tasks from the head on may run next: of this pass, and not past one that yielded to
 * those before it. */
static uint32_t sched_choices(const struct wf_sched *sched)
{
    uint32_t most =
        sched->pass.choices_left < SCHED_CHOICE_MAX ? sched->pass.choices_left : SCHED_CHOICE_MAX;
    uint32_t count = 0;
    for (wf_task *task = sched->ready.head; count < most && !sched_is_yielding(task);
         task = task->ready_next)
        count++;
    return count;
}

/* Under the simulator the seed chooses among the tasks that were ready when the pass began (rule
 * Z03): the chosen one is moved to the head. */
void wf_sched_shuffle(struct wf_sched *sched)
{
    if (sched->pass.choices_left == 0)
        sched->pass.choices_left = sched_count_ready(sched, UINT32_MAX);
    uint32_t among = sched_choices(sched);
    sched->pass.choices_left--;
    uint32_t choice = among > 1 ? (uint32_t)(wf_loop_random(sched->loop) % among) : 0;
    if (choice != 0) {
        wf_task *before = sched->ready.head;
        for (uint32_t i = 1; i < choice; i++)
            before = before->ready_next;
        wf_task *chosen = before->ready_next;
        before->ready_next = chosen->ready_next;
        if (sched->ready.tail == chosen)
            sched->ready.tail = before;
        chosen->ready_next = sched->ready.head;
        sched->ready.head = chosen;
    }
    const wf_task *first = sched->ready.head;
    /* How often the slot was used: the generation itself depends on the loops there were before. */
    uint32_t use = wf_handle_generation(first->id) - sched->records.generation_base;
    wf_sim_trace(sched->loop, WF_SIM_TRACE_SWITCH, wf_handle_slot(first->id),
                 use & WF_HANDLE_GENERATION_MASK);
}

void wf_sched_switch_hook(struct wf_sched *sched, wf_task *self, wf_task *next)
{
    if (self != NULL)
        wf_task_verify_stack(sched, self);
    if (sched->home.exceptions_at == NULL)
        return;
    if (self != NULL)
        self->body->exceptions = *sched->home.exceptions_at;
    if (next == NULL) {
        *sched->home.exceptions_at = sched->home.exceptions;
        return;
    }
    *sched->home.exceptions_at = next->body->exceptions;
    next->body->exceptions = (struct wf_exceptions){0}; /* as its end leaves them */
}

/* The clock is not read at each step, that would cost more than the step.  The length of the steps
 * that were done says how many to do before the next look. */
static void sched_adapt(struct wf_sched *sched, uint32_t steps, weft_time took)
{
    if (took > SCHED_POLL_AFTER)
        sched->pass.steps_max = (uint32_t)(steps * SCHED_POLL_AFTER / took) + 1;
    else if (took <= SCHED_POLL_AFTER / 2 && sched->pass.steps_max < SCHED_STEPS_MAX)
        sched->pass.steps_max *= 2;
}

/* Runs at most so many tasks; how many there were. */
static uint32_t sched_run(struct wf_sched *sched, uint32_t steps)
{
    sched->pass.steps_left = steps;
    for (wf_task *next; (next = wf_sched_next(sched)) != NULL;) {
        sched->current = next;
        sched->streak = 0;
        sched->stats.switches++;
        if (sched->has_switch_hook)
            wf_sched_switch_hook(sched, NULL, next);
        wf_fiber_switch(&sched->home.fiber, &next->fiber);
        assert(sched->current == NULL);
    }
    uint32_t done = steps - sched->pass.steps_left;
    sched->meter.ran += done;
    return done;
}

/* The same, with a look at the clock before the task that the meter watches. */
static uint32_t sched_run_metered(struct wf_sched *sched, uint32_t steps, weft_time now)
{
    uint32_t done = 0;
    if (!sched->is_seeded) /* where it is no FIFO */
        wf_meter_begin(&sched->meter, sched->stats.passes, sched->ready.count, now);
    uint64_t ahead = wf_meter_ahead(&sched->meter);
    if (ahead < steps) {
        if (ahead != 0) {
            done = sched_run(sched, (uint32_t)ahead);
            now = sched->loop->platform->now();
        }
        wf_meter_end(&sched->meter, now);
    }
    return done + sched_run(sched, steps - done);
}

/* The FIFO makes the passes: nobody runs twice before everybody who was ready has run.  After 64 of
 * them, 256 steps, or about 250 us, the loop looks around (rule F04).  It begins with the loop's
 * last look at the clock, if there was one in this turn. */
void wf_sched_pass(struct wf_sched *sched)
{
    const weft_loop *loop = sched->loop;
    uint32_t steps =
        sched_count_ready(sched, SCHED_STEPS_MAX / SCHED_PASSES_MAX) * SCHED_PASSES_MAX;
    steps = steps < sched->pass.steps_max ? steps : sched->pass.steps_max;
    weft_time began = loop->is_now_old ? loop->platform->now() : loop->now;
    sched->pass.began = began;
    sched->stats.passes++;
    wf_meter_pass(&sched->meter, began);
    if (sched->home.exceptions_at != NULL)
        sched->home.exceptions = *sched->home.exceptions_at;
    uint32_t done = sched_run_metered(sched, steps, began);
    if (done == steps) {
        weft_time now = loop->platform->now();
        wf_meter_pass_over(&sched->meter, now);
        sched_adapt(sched, steps, now - began);
    }
}

/* `sched` may be NULL. */
static void log_format(const struct wf_sched *sched, const char *format, va_list args)
{
    char line[512];
    if (vsnprintf(line, sizeof line, format, args) < 0)
        return; /* a wide character that is none */
    wf_text_flatten(line);
    if (sched != NULL && sched->config.log != NULL) {
        sched->config.log(line, sched->config.log_arg);
        return;
    }
    char out[sizeof line + 8];
    int len = snprintf(out, sizeof out, "weft: %s\n", line);
    (void)wf_sys_write(STDERR_FILENO, out, (size_t)len);
}

void wf_sched_log(struct wf_sched *sched, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_format(sched, format, args);
    va_end(args);
}

void weft_log(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    log_format(wf_sched_current, format, args);
    va_end(args);
}
