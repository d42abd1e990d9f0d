/* SPDX-License-Identifier: MIT */

/* What the files of the test library share. */
#ifndef WF_TESTS_HARNESS_PRIV_H
#define WF_TESTS_HARNESS_PRIV_H

#include "harness.h"

enum { HARNESS_EXIT_FAILED = 99, HARNESS_EXIT_SKIPPED = 77 };
enum { HARNESS_SWEEP_MAX = 2000 }; /* runs of one sweep, unless --torture */
/* Of a dear one: the first so many points, then every 2nd, from twice there every 3rd, and so on.
 */
enum { HARNESS_DENSE = 16 };
/* Of one sweep over schedules, unless --torture; a scenario is more likely to differ by them. */
enum { HARNESS_SCHEDULES_MS = 200, HARNESS_SCENARIO_SCHEDULES_MS = 4000 };

/* Shared memory of the runner and the test's process: what the test was doing, should it not be
 * able to say so itself any more. */
struct harness_report {
    char sweep[32]; /* "" outside a sweep */
    uint64_t k;     /* which hit goes wrong */
    uint64_t seed;
    uint64_t step;  /* of the simulation, where it failed; 0: not known */
    uint64_t runs;  /* of a scenario, and of the schedule sweep */
    bool is_capped; /* a sweep stopped at one of the limits above */
    char skip_why[160];
    char abort_text[160]; /* the process must abort, having printed this; "": must not */
};

/* Of this process; set by the runner. */
struct harness_run {
    const struct harness_test *test;
    const char *backend; /* NULL: plain */
    uint64_t seed;
    uint64_t seed_count; /* in simulation: how many seeds, from `seed` on (rule Y03) */
    uint64_t step;       /* in simulation: stop there; 0: never */
    uint64_t sweep_max;
    int64_t schedules_ms;
    bool traces_leaks;
    struct harness_report *report;
};
extern struct harness_run harness_run;

/* The real clock. */
int64_t harness_now_ms(void);

/* ---- ledger.c: what the test holds ---- */

/* What is held at one instant, and the check that no more is held now.  Fails the test if so. */
struct ledger_mark {
    size_t blocks, bytes;
    uint64_t serial;  /* blocks made so far */
    uint64_t fds[64]; /* a bit a descriptor below 4,096 */
    unsigned threads;
};
void ledger_init(void);
void ledger_mark(struct ledger_mark *out);
void ledger_verify(const struct ledger_mark *mark);

/* Only of the blocks: cheap enough for a sweep of a million runs. */
void ledger_mark_memory(struct ledger_mark *out);
void ledger_verify_memory(const struct ledger_mark *mark);

/* ---- task.c: run the body in a task, or as it is ---- */

void harness_run_body(const struct harness_test *test);
void harness_run_task(const struct harness_test *test);
void harness_run_scenario(const struct harness_test *test);

#endif
