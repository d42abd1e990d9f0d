/* SPDX-License-Identifier: MIT */

/*
 * Runs a body inside a task, and scenarios with one thing going wrong at a time.  In simulation the
 * plain run is one of a sweep over schedules: the same body under --seeds seeds (rule Y03).
 */

#include "harness_priv.h"

#include <weft/io.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/sys/loop.h>
#include <weft/task.h>

#include "base/sys.h"
#include "core/sim/sim_world.h"
#include "core/stack/stack.h"

#include <malloc.h>
#include <signal.h>

void test_dump(char *text, size_t room)
{
    int ends[2];
    ssize_t count = 1;
    CHECK_OK(wf_sys_pipe(ends)); /* of the simulated world, there */
    weft_dump(ends[1]);
    CHECK_OK(weft_close(ends[1]));
    for (size_t len = 0; count > 0; len += (size_t)count) {
        count = weft_read(ends[0], text + len, room - 1 - len);
        CHECK_GE(count, 0);
        text[len + (size_t)count] = '\0';
    }
    CHECK_OK(weft_close(ends[0]));
}

weft_config test_config(void)
{
    const char *backend = harness_run.backend;
    bool is_forced = backend != NULL && strcmp(backend, "auto") != 0;
    return (weft_config){
        .backend = is_forced ? backend : NULL,
        .platform = test_platform(),
        .seed = harness_run.report->seed,
        .loops = harness_run.test->loops,
    };
}

/* Threads have no virtual time in common. */
static void choose_clock(void)
{
    if (harness_run.test->loops > 1 && !test_is_simulated())
        use_real_time();
}

static int task_main(void *arg)
{
    const struct harness_test *test = arg;
    test->body();
    return 0;
}

/* What comes next runs, if in simulation, to the step that was asked for. */
static const weft_sim_options *plan_to_step(void)
{
    static weft_sim_options plan;
    plan =
        (weft_sim_options){.seed = test_seed(), .break_step = harness_run.step, .trace_steps = 40};
    return wf_sim_plan_next(harness_run.step != 0 ? &plan : NULL);
}

static int run(const weft_config *config, weft_fn *fn, void *arg)
{
    const weft_sim_options *before = plan_to_step();
    int rc = weft_run_with(config, fn, arg);
    (void)wf_sim_plan_next(before);
    return rc;
}

void harness_run_body(const struct harness_test *test)
{
    const weft_sim_options *before = plan_to_step();
    test->body();
    (void)wf_sim_plan_next(before);
}

static void task_once(const struct harness_test *test)
{
    weft_config config = test_config();
    int rc = run(&config, task_main, (void *)(uintptr_t)test);
    CHECK_OK(rc);
}

/* ---- the schedule sweep ---- */

static uint64_t schedules_wanted(void)
{
    return test_is_simulated() ? harness_run.seed_count : 1;
}

uint64_t test_seed_count(uint64_t usual)
{
    return harness_run.seed_count > 1 ? harness_run.seed_count : usual;
}

bool test_has_time(void)
{
    static int64_t begin;
    if (begin == 0)
        begin = harness_now_ms();
    return harness_now_ms() - begin <= harness_run.schedules_ms;
}

size_t test_amount(size_t usual, size_t few)
{
    return harness_run.sweep_max < HARNESS_SWEEP_MAX ? few : usual;
}

/* With many seeds the thread has a stack for signals, as any program's may: most of a short run's
 * time was the kernel's, for one that is mapped, used never, and unmapped. */
static void signal_stack_keep(bool is_on)
{
    static char space[64 * 1024];
    stack_t stack = {.ss_sp = space, .ss_size = sizeof space};
    if (!is_on)
        stack.ss_flags = SS_DISABLE;
    CHECK_EQ(sigaltstack(&stack, NULL), 0);
}

/* What the runs of a sweep would each ask the kernel for. */
static void schedules_keep(uint64_t wanted, bool is_on)
{
    if (wanted == 1)
        return;
    wf_stacks_keep(is_on);
    signal_stack_keep(is_on);
    mallopt(M_MMAP_THRESHOLD, 32 << 20); /* what was freed is for the next run */
    mallopt(M_TRIM_THRESHOLD, 256 << 20);
}

/* Once, or once a seed; blocks are counted after each run, descriptors and threads at the end. */
static void schedule_sweep(void (*once)(const struct harness_test *test),
                           const struct harness_test *test)
{
    struct harness_report *report = harness_run.report;
    uint64_t wanted = schedules_wanted();
    int64_t begin = harness_now_ms();
    schedules_keep(wanted, true);
    for (uint64_t done = 0; done < wanted; done++) {
        if (done > 0 && harness_now_ms() - begin > harness_run.schedules_ms) {
            report->is_capped = true;
            break;
        }
        struct ledger_mark mark;
        ledger_mark_memory(&mark);
        report->seed = harness_run.seed + done;
        report->runs++;
        once(test);
        ledger_verify_memory(&mark);
    }
    schedules_keep(wanted, false);
    report->seed = harness_run.seed;
}

void harness_run_task(const struct harness_test *test)
{
    choose_clock();
    schedule_sweep(task_once, test);
}

/* ---- scenarios ---- */

/* One run of a scenario with at most one thing going wrong. */
struct scenario_run {
    const struct harness_test *test;
    weft_fault_plan plan;
    weft_scope *scope; /* around the body, while it runs */
    weft_loop *home;   /* the body's loop */
    weft_defer defer;  /* sweep "cancel parked" */
    weft_loop *loop;   /* the victim's */
    weft_task victim;
};

struct sweep {
    const char *name;
    unsigned classes;
    void (*act)(void *arg); /* at the k-th point; NULL: the point itself fails */
};

static void act_cancel(void *arg)
{
    (void)arg;
    (void)weft_cancel(weft_self(), "sweep");
}

static void cancel_victim(weft_defer *defer)
{
    struct scenario_run *run = (void *)((char *)defer - offsetof(struct scenario_run, defer));
    (void)weft_cancel(run->victim, "sweep");
}

/* The task has parked by the time the deferred call runs. */
static void act_cancel_parked(void *arg)
{
    struct scenario_run *run = arg;
    run->victim = weft_self();
    run->loop = weft_loop_self();
    run->defer.fn = cancel_victim;
    weft_defer_start(run->loop, &run->defer);
}

static void act_deadline(void *arg)
{
    struct scenario_run *run = arg;
    if (run->home == weft_loop_self() && run->scope != NULL)
        weft_scope_set_deadline(run->scope, weft_now());
}

static const struct sweep sweeps[] = {
    {"cancel", WEFT_FAULT_WAIT, act_cancel},
    {"cancel while parked", WEFT_FAULT_WAIT, act_cancel_parked},
    {"deadline", WEFT_FAULT_WAIT, act_deadline},
    {"allocation", WEFT_FAULT_ALLOC, NULL},
    {"system call", WEFT_FAULT_CALL, NULL},
};

static int scenario_main(void *arg)
{
    struct scenario_run *run = arg;
    weft_scope scope;
    weft_scope_open(&scope, WEFT_FOREVER, 0);
    run->home = weft_loop_self();
    run->scope = &scope;
    int rc = run->test->scenario();
    run->scope = NULL;
    rc = weft_scope_close(&scope, rc);
    if (run->loop == run->home)
        weft_defer_stop(run->loop, &run->defer);
    return rc;
}

/* True if something went wrong as planned. */
static bool scenario_once(const struct harness_test *test, const struct sweep *sweep, uint64_t k)
{
    struct scenario_run scenario = {.test = test};
    if (sweep != NULL) {
        scenario.plan = (weft_fault_plan){
            .classes = sweep->classes, .nth = k, .act = sweep->act, .arg = &scenario};
        weft_fault_arm(&scenario.plan);
    }
    weft_config config = test_config();
    int rc = run(&config, scenario_main, &scenario);
    weft_fault_arm(NULL);

    bool went_wrong = scenario.plan.point != NULL;
    note("%s, k = %llu, point %s", sweep != NULL ? sweep->name : "plain", (unsigned long long)k,
         went_wrong ? scenario.plan.point : "none");
    if (!went_wrong)
        CHECK_OK(rc);
    if (test->invariant != NULL)
        test->invariant(rc);
    return went_wrong;
}

static uint64_t sweep_next(const struct harness_test *test, uint64_t k)
{
    bool is_sparse = test->is_dear && harness_run.sweep_max != UINT64_MAX;
    return k + 1 + (is_sparse ? k / HARNESS_DENSE : 0);
}

static void scenario_sweep(const struct harness_test *test, const struct sweep *sweep)
{
    struct harness_report *report = harness_run.report;
    snprintf(report->sweep, sizeof report->sweep, "%s", sweep->name);
    for (uint64_t k = 1; k <= harness_run.sweep_max; k = sweep_next(test, k)) {
        report->k = k;
        report->runs++;
        struct ledger_mark mark;
        ledger_mark(&mark);
        bool went_wrong = scenario_once(test, sweep, k);
        ledger_verify(&mark);
        if (!went_wrong) {
            report->sweep[0] = '\0';
            return;
        }
    }
    report->is_capped = true;
    report->sweep[0] = '\0';
}

static void scenario_plain(const struct harness_test *test)
{
    scenario_once(test, NULL, 0);
}

void harness_run_scenario(const struct harness_test *test)
{
    choose_clock();
    schedule_sweep(scenario_plain, test);
    for (size_t i = 0; i < sizeof sweeps / sizeof sweeps[0]; i++)
        scenario_sweep(test, &sweeps[i]);
}
