/* SPDX-License-Identifier: MIT */

/*
 * The simulated world: clock, chance, trace, and descriptors in memory.  One a thread, for all
 * loops of its run.  backend/sim.c has the operations that wait.
 */
#ifndef WF_SIM_WORLD_H
#define WF_SIM_WORLD_H

#include "core/sim/sim_name.h"

#include <weft/sim.h>
#include <weft/sys/loop.h>
#include <weft/sys/platform.h>

#include "base/list.h"

struct sim_step;
struct sim_node;

#define SIM_START (1000 * WEFT_SEC) /* the clock at the beginning; any number that is not 0 */
#define SIM_CHUNK_BYTES 16384       /* the most a RECV_MANY gets at once */

struct sim_world {
    weft_loop *loop;           /* the first, which lives longest: timers of the network are its */
    uint32_t loop_count;       /* that live in it */
    bool admits;               /* a loop that opens now may live in it */
    weft_platform table;       /* installed for the thread while the world stands */
    const weft_platform *host; /* the one before: memory and files */
    weft_sim_options options;
    weft_time now;
    uint64_t random;     /* state: decides faults and delays */
    uint64_t app_random; /* state: what the program gets when it asks for random bytes */
    uint64_t trace_hash, steps;
    uint64_t end_step;           /* at which the body returned */
    uint64_t step_stop;          /* something is to be done at this one */
    struct sim_step *trace;      /* the last options.trace_steps, or NULL */
    uint64_t chances;            /* things that went wrong by chance */
    bool has_begun;              /* the main task runs: memory may fail */
    struct sim_socket **sockets; /* by number - SIM_FD_BASE */
    uint32_t socket_capacity, open_count;
    uint32_t first_free; /* no number below is free */
    wf_list paths;       /* struct sim_path: names of Unix sockets */
    wf_list listeners;   /* sockets that listen on an internet address */
    struct sim_ports ports;
    wf_list dirty;     /* sockets whose waiting operations must be tried again */
    wf_list done;      /* operations with an outcome, by op->link */
    wf_list packets;   /* datagrams on their way */
    wf_list mailboxes; /* sockets that send and receive datagrams by Unix names */
    wf_list links;     /* connections */
    wf_list faults;    /* of the plan, and those told to happen */
    wf_list hosts;     /* what weft_sim_host made */
    uint32_t fault_count;
    struct sim_node *root; /* of the disk; NULL until first used */
    wf_list marks;         /* what is watched of it, see sim_watch.c */
    wf_list changes;       /* names made, moved and removed since the last sync; see sim_crash.c */
    uint32_t change_count;
    uint64_t disk_used, last_inode;
    uint16_t next_port;
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
