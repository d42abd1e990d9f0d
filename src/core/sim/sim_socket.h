/* SPDX-License-Identifier: MIT */

/*
 * Descriptors in memory, and the life of what they name: bind, listen, connect, accept, close.  A
 * change that may let somebody go on marks the socket dirty (wf_sim_wake); nothing is run from
 * inside a call.  The back end looks at dirty sockets when it polls.
 */
#ifndef WF_SIM_SOCKET_H
#define WF_SIM_SOCKET_H

#include <weft/sys/loop.h>

#include "base/list.h"
#include "core/sim/sim_name.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#define SIM_FD_BASE (1 << 20) /* above every descriptor the kernel gives out */

enum sim_socket_state {
    SIM_FRESH,
    SIM_LISTENING,
    SIM_CONNECTING,
    SIM_CONNECTED, /* has a link, perhaps a dead one */
    SIM_FILE,      /* wraps a real descriptor that is open for reading */
    SIM_DISK,      /* a file or directory of the simulated disk */
    SIM_WATCH,     /* tells what happens to files */
    SIM_DATAGRAM,  /* sends and receives datagrams; connected if it has a peer */
};

struct sim_socket {
    struct sim_world *world;
    int fd;             /* the last number it was given; -1: not accepted yet, or given up */
    uint32_t ref_count; /* its numbers, and descriptors of it on their way */
    int domain;
    int host_fd; /* SIM_FILE */
    uint8_t state;
    bool is_reset, shut_read, shut_write, reset_on_close, reuse_port;
    int error; /* -errno to be told once; 0: none */
    struct sim_addr local, peer;
    struct sim_addr host; /* of the task that made it; bytes 0: none */
    wf_list bound_link, listen_link, dirty_link;
    wf_list waiting; /* operations, by op->link */

    struct sim_node *node; /* SIM_DISK */
    int open_flags;
    int64_t position; /* of a directory: the inode told last */

    wf_list told; /* SIM_WATCH: events to be read */
    uint32_t told_count;
    bool has_lost; /* some, behind those */
    int last_mark; /* the id given last */

    struct sim_link *link; /* SIM_CONNECTED */
    int end;               /* which of its ends */

    weft_timer timer; /* SIM_CONNECTING: when the answer is due */
    wf_list pending;  /* SIM_LISTENING: sockets to be accepted, by pending_link */
    wf_list pending_link;
    uint32_t pending_count, backlog;
    weft_time connect_began; /* SIM_CONNECTING */

    wf_list arrived, flying; /* SIM_DATAGRAM: to be received; sent, and not there yet */
    wf_list mailbox_link;
    size_t arrived_bytes, flying_bytes;
};

/* The numbers that are given out. */
struct sim_numbers {
    struct sim_socket **sockets; /* by number - SIM_FD_BASE */
    uint32_t capacity, open_count;
    uint32_t first_free; /* no number below is free */
};

/* NULL: no such descriptor. */
struct sim_socket *wf_sim_socket_of(struct sim_world *world, int fd);
void wf_sim_wake(struct sim_socket *socket);

int wf_sim_socket_open(struct sim_world *world, int domain, int type);
int wf_sim_socket_pair(struct sim_world *world, int domain, int type, int out_fds[2]);
int wf_sim_pipe(struct sim_world *world, int out_fds[2]);
int wf_sim_watch_open(struct sim_world *world);
int wf_sim_file_open(struct sim_world *world, const char *path, int flags, int mode);

/* Below the directory `dir`, which is of the disk. */
int wf_sim_file_open_beneath(struct sim_world *world, int dir, const char *path, int flags);
int wf_sim_socket_bind(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes);
int wf_sim_socket_listen(struct sim_socket *socket, int backlog);
int wf_sim_socket_connect(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes);
int wf_sim_socket_accept(struct sim_socket *socket, struct sim_addr *out_peer);
int wf_sim_socket_shutdown(struct sim_socket *socket, int how);
int wf_sim_socket_take_error(struct sim_socket *socket);
void wf_sim_socket_close(struct sim_socket *socket);

/* Another number of it, which is the caller's; -EMFILE.  One number is given up; with the last it
 * is closed.  `fd` -1: what was on its way is. */
int wf_sim_socket_number(struct sim_socket *socket);
void wf_sim_socket_drop(struct sim_socket *socket, int fd);
ssize_t wf_sim_socket_recv(struct sim_socket *socket, void *buf, size_t bytes, int flags);
ssize_t wf_sim_socket_send(struct sim_socket *socket, const void *buf, size_t bytes);
int wf_sim_socket_events(const struct sim_socket *socket); /* POLLIN … that are there */

/* Gives a socket without a name one with a port of its own, on the way to `peer`. */
int wf_sim_socket_bind_for(struct sim_socket *socket, const struct sim_addr *peer);

#endif
