/* SPDX-License-Identifier: MIT */

/*
 * A wire between two network namespaces that a test holds in its hand: each end is a TUN device in
 * a process of its own, and every packet of the kernels' TCP passes wire_run(), which delays,
 * drops, doubles, reorders and cuts, or makes a reset of it.  Chance is seeded; the kernels' timers
 * are not, so a test says what must hold for every run.
 */
#ifndef WF_TESTS_WIRE_H
#define WF_TESTS_WIRE_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define WIRE_SERVER "10.9.0.1"
#define WIRE_CLIENT "10.9.0.2"

struct wire_plan {
    const char *what;
    unsigned delay_ms, jitter_ms;       /* of each packet; jitter reorders */
    unsigned loss, twice, reset;        /* of a thousand packets */
    unsigned cut_from_ms, cut_until_ms; /* nothing passes; 0, 0: never */
};

/* One end: what runs in the process; `control` is its side of a stream to the test, which ends when
 * the test wants no more.  Its result is the process' exit code. */
typedef int wire_main(int control);

struct wire_end {
    pid_t pid;
    int tun, control;
};

/* Starts a process in a namespace of its own with the address; 0, or -EPERM where that is not
 * permitted.  It waits for a byte over `control` before it runs. */
int wire_end_start(struct wire_end *out, const char *address, wire_main *main);
void wire_end_go(const struct wire_end *end);

/* Carries packets between the ends until `until` has sent a byte or ended, for at most `limit_ms`.
 * False: the time was up. */
bool wire_run(const struct wire_end ends[2], const struct wire_plan *plan, uint64_t seed,
              const struct wire_end *until, unsigned limit_ms);

/* Ends `control` and waits for the process for `limit_ms`: its exit code; -1: it was killed. */
int wire_end_stop(struct wire_end *end, unsigned limit_ms);

#endif
