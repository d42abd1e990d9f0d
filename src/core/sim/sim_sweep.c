/* SPDX-License-Identifier: MIT */

/* Many seeds: the first that fails, made small, and the main() of a program that does so. */

#include "core/sim/sim_fault.h"
#include "core/sim/sim_plan.h"
#include "core/sim/sim_trace.h"
#include "core/sim/sim_world.h"
#include "core/stack/stack.h"

#include <weft/error.h>

#include <getopt.h>
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define SWEEP_SEEDS 1000
#define SWEEP_TRACE_STEPS 40
#define SWEEP_STEPS_MAX 10000000 /* of one run: more is taken for one that never ends */

/* What is run, and how. */
struct sweep {
    weft_sim_options options;
    weft_fn *fn;
    void *arg;
};

static bool sweep_fails(const struct sweep *sweep, weft_sim_failure *out)
{
    weft_sim_stats stats;
    int rc = weft_sim_run_with(&sweep->options, sweep->fn, sweep->arg);
    weft_sim_stats_get(&stats);
    out->seed = stats.seed;
    out->step = stats.end_step;
    out->rc = rc;
    snprintf(out->text, sizeof out->text, "%s", rc < 0 ? weft_error_text() : "");
    out->descriptors = stats.descriptor_count;
    out->chances = stats.chances;
    return rc < 0 || stats.descriptor_count != 0;
}

/* ---- making a failure small ---- */

static bool is_on(uint32_t ppm)
{
    return ppm != 0 && ppm != WEFT_SIM_NEVER;
}

/* What of a plan can be left out, and the clause that does. */
struct plan_part {
    const char *clause;
    bool is_there, is_chance;
};

/* Adds a clause to what makes the failure small, if it still fails and there is room. */
static void shrink_by(struct sweep *sweep, weft_sim_failure *failure, const char *clause)
{
    struct sweep smaller = *sweep;
    weft_sim_failure seen = *failure;
    char why[120];
    size_t used = strlen(failure->plan);
    if (used + strlen(clause) + 3 > sizeof failure->plan ||
        wf_sim_plan_parse(&smaller.options, clause, why, sizeof why) < 0 ||
        !sweep_fails(&smaller, &seen))
        return;
    snprintf(seen.plan + used, sizeof seen.plan - used, "%s%s", used != 0 ? ", " : "", clause);
    *failure = seen;
    *sweep = smaller;
}

/* The fewest things that must go wrong by chance: fewer of them is the same run up to there. */
static void shrink_chances(struct sweep *sweep, weft_sim_failure *failure)
{
    uint64_t enough = failure->chances, too_few = 0;
    while (enough - too_few > 1) {
        struct sweep smaller = *sweep;
        weft_sim_failure seen = *failure;
        smaller.options.chance_max = too_few + (enough - too_few) / 2;
        if (sweep_fails(&smaller, &seen))
            enough = smaller.options.chance_max;
        else
            too_few = smaller.options.chance_max;
    }
    if (enough == failure->chances)
        return;
    char clause[40];
    snprintf(clause, sizeof clause, "chances %" PRIu64, enough);
    shrink_by(sweep, failure, clause);
}

/* Runs it again with less going wrong, silently. */
static void shrink(struct sweep *sweep, weft_sim_failure *failure)
{
    const weft_sim_options *plan = &sweep->options;
    const struct plan_part parts[] = {
        {"reset none", is_on(plan->reset_ppm), true},
        {"lost none", is_on(plan->lost_ppm), true},
        {"doubled none", is_on(plan->double_ppm), true},
        {"memory-errors none", is_on(plan->memory_error_ppm), true},
        {"disk-errors none", is_on(plan->disk_error_ppm), true},
        {"slow none", is_on(plan->slow_ppm), true},
        {"short none", plan->short_ppm != WEFT_SIM_NEVER, true},
        {"wait none", plan->wait_ppm != WEFT_SIM_NEVER, true},
        {"delay none", plan->delay_max > 0, false},
        {"without 1", plan->faults[0].kind != WEFT_SIM_NOTHING, false},
        {"without 2", plan->faults[1].kind != WEFT_SIM_NOTHING, false},
        {"without 3", plan->faults[2].kind != WEFT_SIM_NOTHING, false},
        {"without 4", plan->faults[3].kind != WEFT_SIM_NOTHING, false},
        {"without 5", plan->faults[4].kind != WEFT_SIM_NOTHING, false},
        {"without 6", plan->faults[5].kind != WEFT_SIM_NOTHING, false},
        {"without 7", plan->faults[6].kind != WEFT_SIM_NOTHING, false},
        {"without 8", plan->faults[7].kind != WEFT_SIM_NOTHING, false},
    };
    bool was_quiet = wf_sim_set_quiet(true);
    for (size_t i = 0; i < sizeof parts / sizeof parts[0]; i++)
        if (parts[i].is_there && (failure->chances != 0 || !parts[i].is_chance))
            shrink_by(sweep, failure, parts[i].clause);
    shrink_chances(sweep, failure);
    wf_sim_set_quiet(was_quiet);
}

/* ---- the sweep ---- */

int weft_sim_sweep(const weft_sim_options *options, uint64_t count, weft_fn *fn, void *arg,
                   weft_sim_failure *out)
{
    struct sweep sweep = {.fn = fn, .arg = arg};
    weft_sim_failure failure = {.rc = 0};
    if (weft_loop_self() != NULL)
        return -EBUSY;
    if (options != NULL)
        sweep.options = *options;
    int rc = wf_sim_faults_check(&sweep.options);
    if (rc < 0)
        return rc;
    uint64_t first = sweep.options.seed != 0 ? sweep.options.seed : 1;
    bool has_failed = false;
    wf_stacks_keep(true);
    for (uint64_t i = 0; i < count && !has_failed; i++) {
        sweep.options.seed = first + i;
        has_failed = sweep_fails(&sweep, &failure);
    }
    if (has_failed && out != NULL) {
        shrink(&sweep, &failure);
        *out = failure;
    }
    wf_stacks_keep(false);
    return has_failed;
}

/* ---- main ---- */

static const char sweep_usage[] =
    "usage: %s [--seeds N] [--from SEED] [--plan TEXT]\n"
    "       %s --replay SEED [--step N] [--plan TEXT]\n"
    "       %s --help\n"
    "Runs a test in simulated worlds: under N seeds (1,000) until one fails; or under one, with\n"
    "what happened, also at step N, where a debugger has it.  A plan says what goes wrong, on top\n"
    "of what the test plans itself:\n"
    "  delay 20ms, lost 5%%, reset 0.1%%, cut 10.0.0.1 from 10.0.0.2 after 2s within 1s for 3s\n";

struct sweep_args {
    uint64_t count, replay, step;
    const char *plan;
    bool is_replay;
};

/* For the handlers below: whom to name.  Set once, by weft_sim_main. */
static struct {
    const char *program;
    const char *plan;
} sweep_self;

/* "'": the plans that were given and that make it small. */
static void say_again(const char *plan, uint64_t seed, uint64_t step)
{
    const char *given = sweep_self.plan != NULL ? sweep_self.plan : "";
    const char *comma = given[0] != '\0' && plan[0] != '\0' ? ", " : "";
    bool has_plan = given[0] != '\0' || plan[0] != '\0';
    fprintf(stderr, "weft: again: %s --replay %" PRIu64 " --step %" PRIu64 "%s%s%s%s%s\n",
            sweep_self.program, seed, step, has_plan ? " --plan '" : "", given, comma, plan,
            has_plan ? "'" : "");
}

/* A failed assert in the body.  The signal is the thread's own and the program at its end. */
static void on_abort(int number)
{
    struct sim_world *world = wf_sim_world_self();
    if (world != NULL) {
        wf_sim_trace_tell(world, "aborted");
        say_again("", world->options.seed, world->trace.steps);
    }
    sigaction(number, &(struct sigaction){.sa_handler = SIG_DFL}, NULL);
    raise(number);
}

static bool read_number(const char *program, const char *option, const char *text, uint64_t *out)
{
    char *end;
    errno = 0;
    *out = strtoull(text, &end, 10);
    if (text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0)
        return true;
    fprintf(stderr, "%s: --%s: \"%s\" is no number\n", program, option, text);
    return false;
}

static void say_usage(FILE *out, const char *program)
{
    fprintf(out, sweep_usage, program, program, program);
}

/* 1: to be run; 0: that was all; -EINVAL after saying what is wrong. */
static int read_args(int argc, char **argv, struct sweep_args *args, weft_sim_options *options)
{
    static const struct option known[] = {
        {"seeds", required_argument, NULL, 's'},
        {"from", required_argument, NULL, 'f'},
        {"replay", required_argument, NULL, 'r'},
        {"step", required_argument, NULL, 'n'},
        {"plan", required_argument, NULL, 'p'},
        {"help", no_argument, NULL, 'h'},
        {NULL, 0, NULL, 0},
    };
    char why[120];
    bool is_right = true;
    int index = 0;
    optind = 0; /* from the first one, whoever has read options before */
    for (int c; is_right && (c = getopt_long(argc, argv, "", known, &index)) != -1;) {
        uint64_t *number = c == 's'   ? &args->count
                           : c == 'f' ? &options->seed
                           : c == 'r' ? &args->replay
                                      : &args->step;
        args->is_replay |= c == 'r';
        if (c == 'h') {
            say_usage(stdout, argv[0]);
            return 0;
        }
        if (c == 'p') {
            args->plan = optarg;
            is_right = wf_sim_plan_parse(options, optarg, why, sizeof why) == 0;
            if (!is_right)
                fprintf(stderr, "%s: plan: %s\n", argv[0], why);
        } else {
            is_right = c != '?' && read_number(argv[0], known[index].name, optarg, number);
        }
    }
    if (is_right && optind == argc)
        return 1;
    if (is_right)
        fprintf(stderr, "%s: \"%s\" is no option\n", argv[0], argv[optind]);
    say_usage(stderr, argv[0]);
    return -EINVAL;
}

/* One run that tells what happened, also at `step` (0: only at its end). */
static int replay(struct sweep *sweep, uint64_t seed, uint64_t step)
{
    weft_sim_failure failure = {.rc = 0};
    sweep->options.seed = seed;
    sweep->options.break_step = step;
    sweep->options.trace_steps = SWEEP_TRACE_STEPS;
    bool fails = sweep_fails(sweep, &failure);
    if (fails && failure.rc >= 0)
        fprintf(stderr, "weft: seed %" PRIu64 ": %u descriptors are left open\n", seed,
                failure.descriptors);
    if (!fails)
        fprintf(stderr, "weft: seed %" PRIu64 ": ok, %" PRIu64 " steps, trace %016" PRIx64 "\n",
                seed, failure.step, weft_sim_trace_hash());
    return fails;
}

static int sweep_main(struct sweep *sweep, uint64_t count)
{
    weft_sim_failure failure = {.rc = 0};
    char why[120];
    int rc = weft_sim_sweep(&sweep->options, count, sweep->fn, sweep->arg, &failure);
    if (rc < 0)
        fprintf(stderr, "weft: the plan of the test makes no sense: %s\n", weft_strerror(rc));
    if (rc == 0)
        fprintf(stderr, "weft: %" PRIu64 " seed%s, none failed\n", count, count == 1 ? "" : "s");
    if (rc <= 0)
        return rc < 0;
    (void)wf_sim_plan_parse(&sweep->options, failure.plan, why, sizeof why);
    (void)replay(sweep, failure.seed, 0);
    say_again(failure.plan, failure.seed, failure.step);
    return 1;
}

int weft_sim_main(int argc, char **argv, const weft_sim_options *options, weft_fn *fn, void *arg)
{
    struct sweep sweep = {.fn = fn, .arg = arg};
    struct sweep_args args = {.count = SWEEP_SEEDS};
    if (options != NULL)
        sweep.options = *options;
    if (sweep.options.step_max == 0)
        sweep.options.step_max = SWEEP_STEPS_MAX;
    int rc = read_args(argc, argv, &args, &sweep.options);
    if (rc <= 0)
        return rc < 0 ? 2 : 0;
    sweep_self.program = argv[0];
    sweep_self.plan = args.plan;
    sigaction(SIGABRT, &(struct sigaction){.sa_handler = on_abort}, NULL);
    /* Where no debugger takes the step the run goes on, to say whether it fails. */
    sigaction(SIGTRAP, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
    return args.is_replay ? replay(&sweep, args.replay, args.step) : sweep_main(&sweep, args.count);
}
