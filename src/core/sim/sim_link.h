/* SPDX-License-Identifier: MIT */

/* One connection: bytes on their way, end of stream, reset. */
#ifndef WF_SIM_LINK_H
#define WF_SIM_LINK_H

#include "core/sim/sim_socket.h"

struct sim_fault;

enum sim_link_kind { SIM_LINK_INET, SIM_LINK_UNIX, SIM_LINK_PIPE };

/* Joins two sockets, which become SIM_CONNECTED.  In a pipe `a` reads what `b` writes. */
int wf_sim_link_new(struct sim_socket *a, struct sim_socket *b, enum sim_link_kind kind);
ssize_t wf_sim_link_recv(struct sim_socket *socket, void *buf, size_t bytes, bool is_peek);
ssize_t wf_sim_link_send(struct sim_socket *socket, const void *buf, size_t bytes);
ssize_t wf_sim_link_send_fds(struct sim_socket *socket, const void *buf, size_t bytes,
                             struct sim_socket *const *passed, size_t count);
ssize_t wf_sim_link_recv_fds(struct sim_socket *socket, void *buf, size_t bytes, int *fds,
                             size_t *count);
void wf_sim_link_end_stream(struct sim_socket *socket); /* nothing more will be sent */
void wf_sim_link_stop_reading(struct sim_socket *socket);
void wf_sim_link_break(struct sim_socket *socket); /* both ends are reset when the news arrives */
void wf_sim_link_leave(struct sim_socket *socket); /* the socket goes; the other end is told */

/* Breaks every internet connection between the hosts; see wf_sim_fault_is_on. */
void wf_sim_links_break(struct sim_world *world, const struct sim_fault *fault);
int wf_sim_link_events(const struct sim_socket *socket);

/* Sent and not read: the reader's kernel is taken to hold nothing. */
int wf_sim_link_unacked(const struct sim_socket *socket);

#endif
