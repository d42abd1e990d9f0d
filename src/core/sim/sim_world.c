/* SPDX-License-Identifier: MIT */

/* The simulated world: its options, clock, memory and life. */

#include "core/sim/sim_world.h"

#include "base/alloc.h"
#include "core/loop/loop_priv.h"
#include "core/process/signals_priv.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_datagram.h"
#include "core/sim/sim_disk.h"
#include "core/sim/sim_fault.h"
#include "core/sim/sim_link.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_platform.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_trace.h"

#include <weft/error.h>
#include <weft/run.h>

#include <assert.h>
#include <stdio.h>
#include <string.h>

#define SIM_DELAY_MAX WEFT_MS
#define SIM_SHORT_PPM 100000
#define SIM_WAIT_PPM 250000
#define SIM_BUFFER_BYTES 65536
#define SIM_DESCRIPTOR_MAX 65536
#define SIM_DISK_BYTES ((uint64_t)64 << 20)
#define SIM_BLOCKING_MAX (2 * WEFT_MS)

static _Thread_local struct sim_world *sim_current;
static _Thread_local const weft_sim_options *sim_options_next; /* of weft_sim_run_with */
static _Thread_local weft_sim_stats sim_stats_last;
static _Thread_local bool sim_quiet;

struct sim_world *wf_sim_world_self(void)
{
    return sim_current;
}

void wf_sim_advance(weft_time to)
{
    struct sim_world *world = sim_current;
    assert(world != NULL);
    if (to <= world->now)
        return;
    world->now = to;
    wf_sim_trace_add(world, WF_SIM_TRACE_TIME, (uint64_t)to, 0);
}

/* ---- memory ---- */

static bool memory_fails(void)
{
    struct sim_world *world = sim_current;
    return world != NULL && world->has_begun &&
           (wf_sim_chance(world, world->options.memory_error_ppm, SIM_CHANCE_MEMORY) ||
            wf_sim_fault_is_on(world, WEFT_SIM_NO_MEMORY, NULL, NULL, NULL));
}

static void *sim_alloc(size_t bytes)
{
    return memory_fails() ? NULL : sim_current->host->alloc(bytes);
}

static void *sim_realloc(void *ptr, size_t bytes)
{
    return memory_fails() ? NULL : sim_current->host->realloc(ptr, bytes);
}

/* ---- life ---- */

static uint32_t ppm_or(uint32_t ppm, uint32_t usual)
{
    return ppm == 0 ? usual : ppm == WEFT_SIM_NEVER ? 0 : ppm;
}

static weft_sim_options options_complete(const weft_sim_options *given)
{
    weft_sim_options options = *given;
    if (options.delay_max == 0)
        options.delay_max = SIM_DELAY_MAX;
    if (options.buffer_bytes == 0)
        options.buffer_bytes = SIM_BUFFER_BYTES;
    if (options.descriptor_max == 0)
        options.descriptor_max = SIM_DESCRIPTOR_MAX;
    options.short_ppm = ppm_or(options.short_ppm, SIM_SHORT_PPM);
    options.wait_ppm = ppm_or(options.wait_ppm, SIM_WAIT_PPM);
    options.slow_ppm = ppm_or(options.slow_ppm, 0);
    options.reset_ppm = ppm_or(options.reset_ppm, 0);
    options.lost_ppm = ppm_or(options.lost_ppm, 0);
    options.double_ppm = ppm_or(options.double_ppm, 0);
    options.memory_error_ppm = ppm_or(options.memory_error_ppm, 0);
    options.disk_error_ppm = ppm_or(options.disk_error_ppm, 0);
    if (options.blocking_max <= 0)
        options.blocking_max = options.blocking_max == 0 ? SIM_BLOCKING_MAX : 1;
    if (options.disk_bytes == 0)
        options.disk_bytes = SIM_DISK_BYTES;
    return options;
}

void wf_sim_world_admit(bool others)
{
    sim_current->admits = others;
}

/* The loop lives in `world`. */
static void world_enter(struct sim_world *world, weft_loop *loop, uint64_t random)
{
    world->loop_count++;
    loop->random = random;
    loop->platform = &world->table;
    loop->now = world->now; /* another clock than the one the loop began with */
    wf_timers_init(&loop->timers, loop->now);
    loop->backend_state = world;
}

static struct sim_world *world_new(weft_loop *loop, uint64_t seed, uint64_t *out_order)
{
    struct sim_world *world = wf_alloc(sizeof *world);
    if (world == NULL)
        return NULL;
    weft_sim_options plain = {.seed = seed};
    world->options = options_complete(sim_options_next != NULL ? sim_options_next : &plain);
    world->loop = loop;
    world->host = weft_platform_get();
    world->now = SIM_START;

    uint64_t root = world->options.seed;
    world->chances.random = wf_sim_random_next(&root);
    world->chances.app_random = wf_sim_random_next(&root);
    *out_order = wf_sim_random_next(&root);
    world->trace.hash = wf_sim_random_next(&root);

    wf_sim_names_init(&world->names);
    wf_list *const lists[] = {
        &world->datagrams.packets,
        &world->datagrams.mailboxes,
        &world->links,
        &world->faults.list,
        &world->faults.hosts,
        &world->disk.changes,
        &world->marks,
        &world->dirty,
        &world->done,
    };
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++)
        wf_list_init(lists[i]);
    return world;
}

int wf_sim_world_open(weft_loop *loop, uint64_t seed)
{
    if (sim_current != NULL && sim_current->admits) {
        world_enter(sim_current, loop, wf_sim_random_next(&sim_current->chances.random));
        return 0;
    }
    if (sim_current != NULL)
        return -EPERM; /* a blocking body starts a run of its own: one world a thread */
    uint64_t order;
    struct sim_world *world = world_new(loop, seed, &order);
    if (world == NULL)
        return -ENOMEM;
    int rc = wf_sim_trace_open(world);
    if (rc == 0)
        rc = wf_sim_faults_open(world);
    if (rc < 0) {
        wf_sim_faults_close(world);
        wf_sim_trace_close(world);
        wf_free(world);
        return rc;
    }
    wf_sim_platform_fill(&world->table, world->host);
    const weft_sim_options *options = &world->options;
    bool may_lack_memory = options->memory_error_ppm != 0;
    for (size_t i = 0; i < WEFT_SIM_FAULTS_MAX; i++)
        may_lack_memory |= options->faults[i].kind == WEFT_SIM_NO_MEMORY;
    if (may_lack_memory) {
        world->table.alloc = sim_alloc;
        world->table.realloc = sim_realloc;
    }
    weft_platform_set(&world->table);
    world_enter(world, loop, order);
    sim_current = world;
    return 0;
}

static weft_sim_stats world_stats(const struct sim_world *world)
{
    return (weft_sim_stats){
        .seed = world->options.seed,
        .steps = world->trace.steps,
        .trace_hash = world->trace.hash,
        .end_step = world->trace.end_step,
        .chances = world->chances.count,
        .now = world->now,
        .descriptor_count = world->numbers.open_count,
    };
}

void wf_sim_world_close(weft_loop *loop)
{
    struct sim_world *world = loop->backend_state;
    loop->platform = world->host;
    loop->backend_state = NULL;
    if (--world->loop_count != 0)
        return;
    sim_stats_last = world_stats(world);
    for (uint32_t i = 0; i < world->numbers.capacity; i++)
        if (world->numbers.sockets[i] != NULL)
            wf_sim_socket_drop(world->numbers.sockets[i], SIM_FD_BASE + (int)i);
    wf_sim_packets_drop(world);
    wf_sim_faults_close(world);
    wf_sim_trace_close(world);
    wf_sim_names_fini(&world->names);
    wf_sim_disk_close(world);
    wf_free(world->numbers.sockets);

    weft_platform_set(world->host);
    sim_current = NULL;
    wf_free(world);
}

/* ---- public ---- */

const weft_sim_options *wf_sim_plan_next(const weft_sim_options *plan)
{
    const weft_sim_options *before = sim_options_next;
    sim_options_next = plan;
    return before;
}

bool wf_sim_set_quiet(bool is_quiet)
{
    bool was = sim_quiet;
    sim_quiet = is_quiet;
    return was;
}

bool wf_sim_is_quiet(void)
{
    return sim_quiet;
}

struct sim_body {
    weft_fn *fn;
    void *arg;
};

/* The body, and if it fails what led to it. */
static int sim_body_main(void *arg)
{
    const struct sim_body *body = arg;
    char what[WEFT_ERROR_TEXT_BYTES + 80];
    int rc = body->fn(body->arg);
    sim_current->trace.end_step = sim_current->trace.steps;
    if (rc >= 0 || sim_current->trace.kept == NULL)
        return rc;
    const char *text = weft_explain(rc), *kind = weft_strerror(rc);
    bool has_text = strcmp(text, kind) != 0;
    snprintf(what, sizeof what, "failed with %d (%s)%s%s", rc, kind, has_text ? ": " : "",
             has_text ? text : "");
    wf_sim_trace_tell(sim_current, what);
    return rc;
}

int weft_sim_run_with(const weft_sim_options *options, weft_fn *fn, void *arg)
{
    if (weft_loop_self() != NULL)
        return -EBUSY;
    struct sim_body body = {.fn = fn, .arg = arg};
    weft_config config = {.backend = "sim", .seed = options->seed};
    sim_options_next = options;
    int rc = wf_sim_faults_check(options);
    if (rc == 0)
        rc = weft_run_with(&config, sim_body_main, &body);
    sim_options_next = NULL;
    return rc;
}

int weft_sim_run(uint64_t seed, weft_fn *fn, void *arg)
{
    weft_sim_options options = {.seed = seed};
    return weft_sim_run_with(&options, fn, arg);
}

void weft_sim_stats_get(weft_sim_stats *out)
{
    *out = sim_current != NULL ? world_stats(sim_current) : sim_stats_last;
}

uint64_t weft_sim_trace_hash(void)
{
    weft_sim_stats stats;
    weft_sim_stats_get(&stats);
    return stats.trace_hash;
}

static void signal_arrives(void *arg)
{
    wf_signals_arrive(wf_loop_current, (int)(intptr_t)arg);
}

int weft_sim_signal(int signal_number)
{
    if (sim_current == NULL)
        return -EPERM;
    if (signal_number < 1 || signal_number > 64)
        return -EINVAL;
    return weft_post(sim_current->loop, signal_arrives, (void *)(intptr_t)signal_number);
}

int weft_sim_reset(int fd)
{
    if (sim_current == NULL)
        return -EPERM;
    struct sim_socket *socket = wf_sim_socket_of(sim_current, fd);
    if (socket == NULL)
        return -EBADF;
    if (socket->state != SIM_CONNECTED)
        return -ENOTCONN;
    wf_sim_link_break(socket);
    return 0;
}
