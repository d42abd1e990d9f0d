/* SPDX-License-Identifier: MIT */

/* Numbers from the seed, by splitmix64 (Steele, Lea, Flood 2014). */

#include "core/sim/sim_chance.h"

#include "core/loop/loop_priv.h"
#include "core/sim/sim_trace.h"
#include "core/sim/sim_world.h"

#include <string.h>

uint64_t wf_sim_mix(uint64_t z)
{
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

uint64_t wf_sim_random_next(uint64_t *state)
{
    *state += 0x9e3779b97f4a7c15u;
    return wf_sim_mix(*state);
}

uint64_t wf_sim_below(struct sim_world *world, uint64_t below)
{
    return wf_sim_random_next(&world->chances.random) %
           below; /* its bias is below what a test could see */
}

bool wf_sim_chance(struct sim_world *world, uint32_t ppm, enum sim_chance_kind what)
{
    uint64_t max = world->options.chance_max;
    if (ppm == 0 || wf_sim_below(world, 1000000) >= ppm ||
        (max != 0 && world->chances.count >= max))
        return false;
    world->chances.count++;
    wf_sim_trace_add(world, WF_SIM_TRACE_CHANCE, what, 0);
    return true;
}

weft_time wf_sim_delay(struct sim_world *world)
{
    weft_time max = world->options.delay_max;
    return max > 0 ? (weft_time)wf_sim_below(world, (uint64_t)max + 1) : 0;
}

weft_time wf_sim_blocking_delay(weft_loop *loop)
{
    const struct sim_world *world = loop->backend_state;
    return (weft_time)(wf_loop_random(loop) % (uint64_t)world->options.blocking_max);
}

size_t wf_sim_shorten(struct sim_world *world, size_t bytes)
{
    if (bytes <= 1 || !wf_sim_chance(world, world->options.short_ppm, SIM_CHANCE_SHORT))
        return bytes;
    return 1 + (size_t)wf_sim_below(world, bytes - 1);
}

void wf_sim_random_bytes(struct sim_world *world, void *out, size_t bytes)
{
    for (size_t at = 0; at < bytes; at += sizeof(uint64_t)) {
        uint64_t number = wf_sim_random_next(&world->chances.app_random);
        size_t left = bytes - at;
        memcpy((char *)out + at, &number, left < sizeof number ? left : sizeof number);
    }
}
