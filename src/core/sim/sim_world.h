/* SPDX-License-Identifier: MIT */

/*
 * The simulated world: clock, chance, trace, and descriptors in memory.  One a thread, for all
 * loops of its run.  backend/sim.c has the operations that wait.
 */
#ifndef WF_SIM_WORLD_H
#define WF_SIM_WORLD_H

#include <weft/sim.h>
#include <weft/sys/loop.h>
#include <weft/sys/platform.h>

#include "base/list.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_datagram.h"
#include "core/sim/sim_disk.h"
#include "core/sim/sim_fault.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_trace.h"

#define SIM_START (1000 * WEFT_SEC) /* the clock at the beginning; any number that is not 0 */
#define SIM_CHUNK_BYTES 16384       /* the most a RECV_MANY gets at once */

/* The sum of what the files of this folder own, each described in its header. */
struct sim_world {
    weft_loop *loop;           /* the first, which lives longest: timers of the network are its */
    uint32_t loop_count;       /* that live in it */
    bool admits;               /* a loop that opens now may live in it */
    bool has_begun;            /* the main task runs: memory may fail */
    weft_platform table;       /* installed for the thread while the world stands */
    const weft_platform *host; /* the one before: memory and files */
    weft_sim_options options;
    weft_time now;
    struct sim_chances chances;
    struct sim_trace trace;
    struct sim_numbers numbers;
    struct sim_names names;
    struct sim_datagrams datagrams;
    wf_list links; /* see sim_link.c */
    struct sim_faults faults;
    struct sim_disk disk;
    wf_list marks; /* what is watched of the disk, see sim_watch.c */

    /* of backend/sim.c */
    wf_list dirty; /* sockets whose waiting operations must be tried again */
    wf_list done;  /* operations with an outcome, by op->link */
    char chunk[SIM_CHUNK_BYTES];
};

/* The calling thread's, or NULL. */
struct sim_world *wf_sim_world_self(void);

/* Makes the world of a loop and installs its platform table.  -ENOMEM. */
int wf_sim_world_open(weft_loop *loop, uint64_t seed);
void wf_sim_world_close(weft_loop *loop);
void wf_sim_world_admit(bool others);

void wf_sim_advance(weft_time to);

/* The next world of this thread is made by this plan (borrowed; NULL: as its loop says); the plan
 * before. */
const weft_sim_options *wf_sim_plan_next(const weft_sim_options *plan);

/* Nothing is written to the outside by simulations of this thread; what was so before. */
bool wf_sim_set_quiet(bool is_quiet);
bool wf_sim_is_quiet(void);

#endif
