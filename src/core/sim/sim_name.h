/* SPDX-License-Identifier: MIT */

/* Addresses of the simulated world: ports, and names of Unix sockets. */
#ifndef WF_SIM_NAME_H
#define WF_SIM_NAME_H

#include "base/list.h"

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

struct sim_socket;
struct sim_world;

struct sim_addr {
    struct sockaddr_storage store;
    socklen_t bytes; /* 0: none */
};

/* True if they are the same host.  `a` and `b` are internet addresses. */
bool wf_sim_addr_same_host(const struct sim_addr *a, const struct sim_addr *b);

/* "10.0.0.1", "::1", with port 0; "" is no address (bytes 0).  -EINVAL. */
int wf_sim_addr_parse_host(const char *text, struct sim_addr *out);

/* Checks and copies.  -EINVAL, -EAFNOSUPPORT. */
int wf_sim_addr_read(int domain, const struct sockaddr *addr, socklen_t bytes,
                     struct sim_addr *out);

/* Sockets with an internet address, by the last bits of their port: so many buckets that few share
 * one, however many sockets there are. */
struct sim_ports {
    wf_list *buckets; /* NULL: `first`, which are enough for most */
    uint32_t bucket_count, count;
    wf_list first[16];
};

struct sim_names {
    wf_list paths;     /* struct sim_path: names of Unix sockets */
    wf_list listeners; /* sockets that listen on an internet address */
    struct sim_ports ports;
    uint16_t next_port;
};

void wf_sim_names_init(struct sim_names *names);
void wf_sim_names_fini(struct sim_names *names); /* no socket has a name any more */

/* Gives the socket its address; port 0 picks one.  -EADDRINUSE, -EINVAL, -EAFNOSUPPORT, -ENOMEM. */
int wf_sim_name_bind(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes);
void wf_sim_name_release(struct sim_socket *socket);
int wf_sim_name_unlink(struct sim_world *world, const char *path);

/* The socket that listens there: 0, -ECONNREFUSED, -ENOENT (no such path), -EINVAL, -EAFNOSUPPORT.
 * *out_addr is the address, also with the first two errors. */
int wf_sim_name_find(struct sim_world *world, int domain, const struct sockaddr *addr,
                     socklen_t bytes, struct sim_addr *out_addr, struct sim_socket **out);

/* Who receives datagrams for `to` from `from`, or NULL. */
struct sim_socket *wf_sim_name_find_receiver(struct sim_world *world, struct sim_addr *to,
                                             struct sim_addr *from);

#endif
