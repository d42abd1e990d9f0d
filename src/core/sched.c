/* SPDX-License-Identifier: MIT */

/*
 * Who runs: a FIFO of ready tasks and passes over it.
 *
 * A pass runs every task that was ready at its start; what becomes ready meanwhile is for the next.
 * Tasks switch straight to one another.  The thread's own context ("home") is only visited when
 * nothing is ready, or when input and output must be polled again (rule F04).
 */

#include "core/sched_priv.h"

#include "base/alloc.h"
#include "base/sys.h"
#include "core/group_priv.h"
#include "core/posts.h"
#include "core/sim_trace.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define SCHED_PASSES_MAX 64
#define SCHED_STEPS_MAX 256
#define SCHED_TASKS_MAX 4000000
#define SCHED_GROUPS_MAX 4000000
#define SCHED_CREDIT_MAX 65536
#define SCHED_CHOICE_MAX 64 /* the seed chooses among this many at the head */

static void sched_drop_stacks(struct wf_sched *sched);

static void sched_say(void *arg, const char *text)
{
    wf_sched_log(arg, "%s", text);
}

int wf_sched_new(weft_loop *loop, const weft_config *config)
{
    if (config->task_count_max > 1u << WF_HANDLE_SLOT_BITS)
        return -EINVAL;
    struct wf_sched *sched = wf_alloc(sizeof *sched);
    if (sched == NULL)
        return -ENOMEM;
    sched->loop = loop;
    sched->config = *config;
    sched->errno_at = &errno;
    sched->is_seeded = loop->backend == &wf_backend_sim;
    uint32_t number = wf_loop_number(loop);
    sched->loop_number = number & WF_HANDLE_LOOP_MASK;
    /* Loops whose numbers agree in the low bits still make different handles. */
    sched->generation_base = (number >> WF_HANDLE_LOOP_BITS) * 0x9e3779u;
    uint32_t task_max = config->task_count_max != 0 ? config->task_count_max : SCHED_TASKS_MAX;
    wf_slab_init(&sched->tasks, sizeof(wf_task), task_max);
    wf_slab_init(&sched->groups, sizeof(struct wf_group), SCHED_GROUPS_MAX);
    wf_list_init(&sched->execs);
    wf_list_init(&sched->processes);
    wf_node_init(&sched->top, NULL, NULL, 0);
    wf_fiber_home_init(&sched->home);
    wf_stacks_options options = {
        .stack_bytes = config->stack_bytes,
        .stack_count_max = task_max,
        .say = sched_say,
        .say_arg = sched,
    };
    int rc = wf_stacks_new(&sched->stacks, &options);
    if (rc < 0) {
        wf_free(sched);
        return rc;
    }
    loop->sched = sched;
    return 0;
}

void wf_sched_free(struct wf_sched *sched)
{
    if (sched == NULL)
        return;
    sched->loop->sched = NULL;
    wf_task_drop_ended(sched, &sched->detached_ended);
    sched_drop_stacks(sched);
    wf_stacks_free(sched->stacks);
    wf_slab_fini(&sched->tasks);
    wf_slab_fini(&sched->groups);
    wf_free(sched);
}

/* ---- stacks ---- */

void wf_sched_take_stack(struct wf_sched *sched, wf_task *task)
{
    task->flags |= WF_TASK_HAS_STACK;
    if (sched->has_hot_stack) {
        sched->has_hot_stack = false;
        task->stack = sched->hot_stack;
    } else {
        wf_stacks_take(sched->stacks, &task->stack);
        sched->has_canaries |= task->stack.guard == WF_GUARD_CANARY;
    }
}

void wf_sched_give_stack(struct wf_sched *sched, wf_task *task)
{
    if (sched->has_hot_stack)
        wf_stacks_give(sched->stacks, &sched->hot_stack);
    sched->hot_stack = task->stack;
    sched->has_hot_stack = true;
    if (sched->stack_credit < SCHED_CREDIT_MAX)
        sched->stack_credit++;
    else
        wf_stacks_unreserve(sched->stacks);
}

static void sched_drop_stacks(struct wf_sched *sched)
{
    if (sched->has_hot_stack)
        wf_stacks_give(sched->stacks, &sched->hot_stack);
    sched->has_hot_stack = false;
    for (; sched->stack_credit != 0; sched->stack_credit--)
        wf_stacks_unreserve(sched->stacks);
}

/* ---- the ready queue ---- */

/* How many tasks from the head on may run next: of this pass, and not past one that yielded to
 * those before it. */
static uint32_t sched_choices(const struct wf_sched *sched)
{
    uint32_t most = sched->pass_left < SCHED_CHOICE_MAX ? sched->pass_left : SCHED_CHOICE_MAX;
    uint32_t count = 0;
    for (wf_task *task = sched->ready_head; count < most && !task->is_yielding;
         task = task->ready_next)
        count++;
    return count;
}

/* Under the simulator the seed chooses among the tasks that were ready when the pass began (rule
 * Z03): the chosen one is moved to the head. */
static void sched_shuffle(struct wf_sched *sched)
{
    if (sched->pass_left == 0)
        sched->pass_left = sched->ready_count;
    uint32_t among = sched_choices(sched);
    sched->pass_left--;
    uint32_t choice = among > 1 ? (uint32_t)(wf_loop_random(sched->loop) % among) : 0;
    if (choice != 0) {
        wf_task *before = sched->ready_head;
        for (uint32_t i = 1; i < choice; i++)
            before = before->ready_next;
        wf_task *chosen = before->ready_next;
        before->ready_next = chosen->ready_next;
        if (sched->ready_tail == chosen)
            sched->ready_tail = before;
        chosen->ready_next = sched->ready_head;
        sched->ready_head = chosen;
    }
    const wf_task *first = sched->ready_head;
    wf_sim_trace(sched->loop, WF_SIM_TRACE_SWITCH, first->slot, first->generation);
}

/* Gives a task its stack, just before it first runs. */
static void sched_start(struct wf_sched *sched, wf_task *task);

wf_task *wf_sched_next(struct wf_sched *sched)
{
    if (sched->ready_count == 0 || sched->steps_left == 0)
        return NULL;
    if (__builtin_expect(sched->is_seeded, 0))
        sched_shuffle(sched);
    wf_task *task = sched->ready_head;
    sched->ready_head = task->ready_next;
    sched->ready_count--;
    sched->steps_left--;
    if (sched->ready_head != NULL)
        __builtin_prefetch(sched->ready_head->fiber.sp);
    if ((task->flags & WF_TASK_EVER_RAN) == 0)
        sched_start(sched, task);
    return task;
}

static void sched_start(struct wf_sched *sched, wf_task *task)
{
    task->flags |= WF_TASK_EVER_RAN;
    *sched->errno_at = 0; /* not its predecessor's (rule E02) */
    if ((task->flags & WF_TASK_HAS_STACK) == 0)
        wf_sched_take_stack(sched, task);
    char *top = task->stack.top;
    if ((task->flags & WF_TASK_COPIED) != 0)
        task->stack.top = (char *)((uintptr_t)task->arg & ~(uintptr_t)63);
    wf_fiber_make(&task->fiber, &task->stack, task->fn, task->arg, &sched->home, wf_task_exit);
    task->stack.top = top;
}

/* The FIFO makes the passes: nobody runs twice before everybody who was ready has run.  After 64 of
 * them, or 256 steps, the loop looks around (rule F04). */
void wf_sched_pass(struct wf_sched *sched)
{
    uint32_t ready = sched->ready_count;
    sched->stats.passes++;
    sched->steps_left =
        ready < SCHED_STEPS_MAX / SCHED_PASSES_MAX ? ready * SCHED_PASSES_MAX : SCHED_STEPS_MAX;
    for (wf_task *next; (next = wf_sched_next(sched)) != NULL;) {
        sched->current = next;
        sched->stats.switches++;
        wf_fiber_switch(&sched->home, &next->fiber);
        assert(sched->current == NULL);
    }
}

void wf_sched_log(struct wf_sched *sched, const char *format, ...)
{
    char line[512];
    va_list args;
    va_start(args, format);
    vsnprintf(line, sizeof line, format, args);
    va_end(args);
    if (sched->config.log != NULL) {
        sched->config.log(line, sched->config.log_arg);
        return;
    }
    char out[sizeof line + 8];
    int len = snprintf(out, sizeof out, "weft: %s\n", line);
    (void)wf_sys_write(STDERR_FILENO, out, (size_t)len);
}
