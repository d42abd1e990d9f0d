/* SPDX-License-Identifier: MIT */

/*
 * Numbers from the seed, and what they decide: what goes wrong by chance, and what takes how long.
 * Every fault by chance asks wf_sim_chance(), which counts and traces those that happen.
 */
#ifndef WF_SIM_CHANCE_H
#define WF_SIM_CHANCE_H

#include <weft/sys/loop.h>

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sim_world;

enum sim_chance_kind {
    SIM_CHANCE_SHORT,
    SIM_CHANCE_WAIT,
    SIM_CHANCE_SLOW,
    SIM_CHANCE_RESET,
    SIM_CHANCE_LOST,
    SIM_CHANCE_DOUBLE,
    SIM_CHANCE_MEMORY,
    SIM_CHANCE_DISK,
};

/* Streams of their own, so that a program that asks for one more random byte does not get another
 * network. */
struct sim_chances {
    uint64_t random;     /* state: decides faults and delays */
    uint64_t app_random; /* state: what the program gets when it asks for random bytes */
    uint64_t count;      /* things that went wrong */
};

uint64_t wf_sim_mix(uint64_t z);
uint64_t wf_sim_random_next(uint64_t *state);

/* Below `below` (> 0), evenly. */
uint64_t wf_sim_below(struct sim_world *world, uint64_t below);

/* True with the probability: then it goes wrong. */
bool wf_sim_chance(struct sim_world *world, uint32_t ppm, enum sim_chance_kind what);

/* From 0 to the plan's limit. */
weft_time wf_sim_delay(struct sim_world *world);

/* How long a blocking body waits to begin, and to be told of. */
weft_time wf_sim_blocking_delay(weft_loop *loop);

/* Part of a transfer: `bytes`, or by chance fewer, but at least 1. */
size_t wf_sim_shorten(struct sim_world *world, size_t bytes);

/* What the program gets when it asks for random bytes. */
void wf_sim_random_bytes(struct sim_world *world, void *out, size_t bytes);

#endif
