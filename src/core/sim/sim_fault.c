/* SPDX-License-Identifier: MIT */

/*
 * What goes wrong at a time, and where: faults and hosts.
 *
 * A fault is asked whether it is on, and moves to its next occurrence only then: a timer for each
 * would keep a world alive in which nothing else happens any more.  Only breaking connections needs
 * one, and it runs only while there are some.  When the n-th occurrence begins depends on the seed,
 * the fault and n alone.
 */

#include "core/sim/sim_fault.h"

#include "base/alloc.h"
#include "core/loop/loop_priv.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_link.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_trace.h"
#include "core/sim/sim_world.h"

#include <weft/local.h>

#include <string.h>

struct sim_fault {
    wf_list link;
    struct sim_world *world;
    weft_sim_fault spec;
    struct sim_addr a, b;
    uint64_t random;     /* its own */
    uint32_t number;     /* in the plan, from 1 */
    weft_time first;     /* `after`, on the clock */
    uint64_t occurrence; /* which one ... */
    weft_time begin, end;
    bool was_on;      /* when asked last, for the trace */
    weft_timer timer; /* RESET */
};

struct sim_host {
    wf_list link;
    struct sim_addr addr;
};

/* ---- when ---- */

static void fault_set_occurrence(struct sim_fault *fault, uint64_t n)
{
    const weft_sim_fault *spec = &fault->spec;
    weft_time within = spec->within;
    fault->occurrence = n;
    fault->begin = fault->first + (weft_time)n * spec->every;
    if (within > 0)
        fault->begin += (weft_time)(wf_sim_mix(fault->random + n) % ((uint64_t)within + 1));
    fault->end = spec->kind == WEFT_SIM_RESET ? fault->begin + 1
                 : spec->lasts == 0           ? WEFT_FOREVER
                                              : fault->begin + spec->lasts;
}

/* The occurrence that is on or comes next. */
static void fault_move(struct sim_fault *fault)
{
    weft_time now = fault->world->now, every = fault->spec.every;
    if (every == 0 || now < fault->end)
        return;
    uint64_t n = (uint64_t)((now - fault->first) / every);
    n = n > fault->occurrence + 1 ? n - 1 : fault->occurrence;
    while (now >= fault->end)
        fault_set_occurrence(fault, ++n);
}

static bool fault_is_on(struct sim_fault *fault)
{
    struct sim_world *world = fault->world;
    fault_move(fault);
    bool is_on = world->now >= fault->begin && world->now < fault->end;
    if (is_on != fault->was_on)
        wf_sim_trace_add(world, WF_SIM_TRACE_FAULT, fault->number, is_on);
    fault->was_on = is_on;
    return is_on;
}

/* ---- where ---- */

static bool host_is(const struct sim_addr *host, const struct sim_addr *addr)
{
    return host->bytes == 0 || wf_sim_addr_same_host(host, addr);
}

bool wf_sim_fault_covers(const struct sim_fault *fault, const struct sim_addr *a,
                         const struct sim_addr *b)
{
    if (a == NULL || (fault->a.bytes == 0 && fault->b.bytes == 0))
        return true;
    if (a->bytes == 0 || b->bytes == 0 || wf_sim_addr_same_host(a, b))
        return false;
    return (host_is(&fault->a, a) && host_is(&fault->b, b)) ||
           (host_is(&fault->a, b) && host_is(&fault->b, a));
}

bool wf_sim_fault_is_on(struct sim_world *world, int kind, const struct sim_addr *a,
                        const struct sim_addr *b, weft_time *out_until)
{
    weft_time until = 0;
    wf_list_each (pos, &world->faults.list) {
        struct sim_fault *fault = wf_container(pos, struct sim_fault, link);
        if (fault->spec.kind == kind && wf_sim_fault_covers(fault, a, b) && fault_is_on(fault) &&
            fault->end > until)
            until = fault->end;
    }
    if (out_until != NULL)
        *out_until = until;
    return until != 0;
}

uint64_t wf_sim_fault_rate(struct sim_world *world, const struct sim_addr *a,
                           const struct sim_addr *b)
{
    uint64_t rate = 0;
    wf_list_each (pos, &world->faults.list) {
        struct sim_fault *fault = wf_container(pos, struct sim_fault, link);
        if (fault->spec.kind != WEFT_SIM_SLOW || !wf_sim_fault_covers(fault, a, b) ||
            !fault_is_on(fault))
            continue;
        if (rate == 0 || fault->spec.bytes_per_second < rate)
            rate = fault->spec.bytes_per_second;
    }
    return rate;
}

/* ---- breaking connections ---- */

static void fault_wait(struct sim_fault *fault)
{
    fault_move(fault);
    if (fault->world->now < fault->end && !weft_timer_is_running(&fault->timer))
        weft_timer_start(fault->world->loop, &fault->timer, fault->begin);
}

static void fault_timer(weft_timer *timer)
{
    struct sim_fault *fault = wf_container(timer, struct sim_fault, timer);
    struct sim_world *world = fault->world;
    if (fault_is_on(fault)) {
        wf_sim_links_break(world, fault);
        fault->end = world->now; /* once */
        fault->was_on = false;
    }
    if (!wf_list_is_empty(&world->links))
        fault_wait(fault);
}

void wf_sim_faults_watch_links(struct sim_world *world)
{
    wf_list_each (pos, &world->faults.list) {
        struct sim_fault *fault = wf_container(pos, struct sim_fault, link);
        if (fault->spec.kind == WEFT_SIM_RESET && !wf_list_is_empty(&world->links))
            fault_wait(fault);
        else
            weft_timer_stop(world->loop, &fault->timer);
    }
}

/* ---- life ---- */

static int fault_check(const weft_sim_fault *spec)
{
    bool is_known = spec->kind > WEFT_SIM_NOTHING && spec->kind <= WEFT_SIM_NO_MEMORY;
    bool is_endless = spec->lasts == 0 && spec->kind != WEFT_SIM_RESET;
    bool is_timed = spec->after >= 0 && spec->within >= 0 && spec->lasts >= 0 && spec->every >= 0;
    bool overlaps = spec->every != 0 && spec->within + spec->lasts >= spec->every;
    bool has_rate = spec->kind != WEFT_SIM_SLOW || spec->bytes_per_second != 0;
    bool makes_sense =
        is_known && is_timed && has_rate && !overlaps && !(spec->every != 0 && is_endless);
    struct sim_addr addr;
    int rc = makes_sense ? wf_sim_addr_parse_host(spec->a, &addr) : -EINVAL;
    return rc == 0 ? wf_sim_addr_parse_host(spec->b, &addr) : rc;
}

int wf_sim_faults_check(const weft_sim_options *plan)
{
    int rc = 0;
    for (size_t i = 0; i < WEFT_SIM_FAULTS_MAX && rc == 0; i++)
        if (plan->faults[i].kind != WEFT_SIM_NOTHING)
            rc = fault_check(&plan->faults[i]);
    return rc;
}

static int fault_add(struct sim_world *world, const weft_sim_fault *spec)
{
    int rc = fault_check(spec);
    if (rc < 0)
        return rc;
    struct sim_fault *fault = wf_alloc(sizeof *fault);
    if (fault == NULL)
        return -ENOMEM;
    fault->world = world;
    fault->spec = *spec;
    (void)wf_sim_addr_parse_host(spec->a, &fault->a); /* checked */
    (void)wf_sim_addr_parse_host(spec->b, &fault->b);
    fault->number = ++world->faults.count;
    fault->random = wf_sim_mix(world->options.seed ^ wf_sim_mix(fault->number));
    fault->first = world->now + spec->after;
    weft_timer_init(&fault->timer, fault_timer);
    fault_set_occurrence(fault, 0);
    wf_list_append(&world->faults.list, &fault->link);
    wf_sim_faults_watch_links(world);
    return 0;
}

int wf_sim_faults_open(struct sim_world *world)
{
    for (size_t i = 0; i < WEFT_SIM_FAULTS_MAX; i++) {
        const weft_sim_fault *spec = &world->options.faults[i];
        int rc = spec->kind != WEFT_SIM_NOTHING ? fault_add(world, spec) : 0;
        if (rc < 0)
            return rc;
    }
    return 0;
}

void wf_sim_faults_close(struct sim_world *world)
{
    wf_list *pos;
    while ((pos = wf_list_pop(&world->faults.list)) != NULL) {
        struct sim_fault *fault = wf_container(pos, struct sim_fault, link);
        weft_timer_stop(world->loop, &fault->timer);
        wf_free(fault);
    }
    while ((pos = wf_list_pop(&world->faults.hosts)) != NULL)
        wf_free(wf_container(pos, struct sim_host, link));
}

int weft_sim_happen(const weft_sim_fault *fault)
{
    struct sim_world *world = wf_sim_world_self();
    return world != NULL ? fault_add(world, fault) : -EPERM;
}

/* ---- hosts ---- */

static weft_local host_local;

int weft_sim_host(const char *address)
{
    struct sim_world *world = wf_sim_world_self();
    if (world == NULL)
        return -EPERM;
    struct sim_host *host = wf_alloc(sizeof *host);
    if (host == NULL)
        return -ENOMEM;
    int rc = wf_sim_addr_parse_host(address, &host->addr);
    if (rc == 0 && host->addr.bytes == 0)
        rc = -EINVAL;
    if (rc == 0)
        rc = weft_local_set(&host_local, host);
    if (rc < 0)
        wf_free(host);
    else
        wf_list_append(&world->faults.hosts,
                       &host->link); /* as long as the world: children see it */
    return rc;
}

struct sim_addr wf_sim_host_self(void)
{
    const struct sim_host *host = weft_local_get(&host_local);
    return host != NULL ? host->addr : (struct sim_addr){.bytes = 0};
}
