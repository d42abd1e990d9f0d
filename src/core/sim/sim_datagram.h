/* SPDX-License-Identifier: MIT */

/* Datagrams on their way, lost, doubled and out of order. */
#ifndef WF_SIM_DATAGRAM_H
#define WF_SIM_DATAGRAM_H

#include "core/sim/sim_socket.h"

struct sim_datagrams {
    wf_list packets;   /* on their way */
    wf_list mailboxes; /* sockets that send and receive by Unix names */
};

/* As the system calls; `to` NULL: to the peer. */
ssize_t wf_sim_datagram_send(struct sim_socket *socket, const void *buf, size_t bytes,
                             const struct sockaddr *to, socklen_t to_bytes);
ssize_t wf_sim_datagram_recv(struct sim_socket *socket, void *buf, size_t bytes, int flags,
                             struct sim_addr *out_from, bool *out_is_cut);
int wf_sim_datagram_connect(struct sim_socket *socket, const struct sockaddr *addr,
                            socklen_t bytes);
int wf_sim_datagram_events(const struct sim_socket *socket);
void wf_sim_datagram_open(struct sim_socket *socket);
void wf_sim_datagram_close(struct sim_socket *socket);
void wf_sim_packets_drop(struct sim_world *world); /* all that are on their way */

#endif
