/* SPDX-License-Identifier: MIT */

/*
 * Simulated datagrams.  Those of internet sockets travel one by one, each for a time of its own, so
 * they overtake each other; by the plan some are lost, and some arrive twice.  Unix ones are there
 * at once, in order, and a full receiver stops the sender.
 */

#include "core/sim/sim_datagram.h"

#include "base/alloc.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_fault.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_world.h"

#include <poll.h>
#include <string.h>

#define DATAGRAM_BYTES_MAX 65507

struct sim_packet {
    wf_list link;       /* in its receiver's `arrived` */
    wf_list world_link; /* on its way: in the world's `packets` ... */
    wf_list sent_link;  /* ... and in its sender's `flying` */
    struct sim_world *world;
    struct sim_socket *sender; /* on its way; NULL: closed meanwhile */
    weft_timer timer;
    struct sim_addr from, to;
    size_t bytes;
    char data[];
};

static void packet_arrives(weft_timer *timer);

static struct sim_packet *packet_new(struct sim_socket *sender, const struct sim_addr *to,
                                     const void *buf, size_t bytes)
{
    struct sim_packet *packet = wf_alloc(sizeof *packet + bytes);
    if (packet == NULL)
        return NULL;
    wf_list_init(&packet->link);
    wf_list_init(&packet->world_link);
    wf_list_init(&packet->sent_link);
    packet->world = sender->world;
    packet->from = sender->local;
    packet->to = *to;
    packet->bytes = bytes;
    if (bytes != 0)
        memcpy(packet->data, buf, bytes);
    weft_timer_init(&packet->timer, packet_arrives);
    return packet;
}

/* ---- arriving ---- */

static bool receiver_has_room(const struct sim_socket *socket, size_t bytes)
{
    return wf_list_is_empty(&socket->arrived) ||
           socket->arrived_bytes + bytes <= socket->world->options.buffer_bytes;
}

static void receiver_take(struct sim_socket *socket, struct sim_packet *packet)
{
    wf_list_append(&socket->arrived, &packet->link);
    socket->arrived_bytes += packet->bytes;
    wf_sim_wake(socket);
}

/* A connected sender is told that nobody receives there, as by ICMP. */
static void packet_is_refused(struct sim_packet *packet)
{
    struct sim_socket *sender = packet->sender;
    if (sender == NULL || sender->peer.bytes == 0)
        return;
    sender->error = -ECONNREFUSED;
    wf_sim_wake(sender);
}

static bool packet_is_cut(const struct sim_packet *packet)
{
    return wf_sim_fault_is_on(packet->world, WEFT_SIM_CUT, &packet->from, &packet->to, NULL);
}

static void packet_land(struct sim_packet *packet)
{
    struct sim_socket *sender = packet->sender;
    wf_list_remove(&packet->world_link);
    wf_list_remove(&packet->sent_link);
    if (sender == NULL)
        return;
    packet->sender = NULL;
    sender->flying_bytes -= packet->bytes;
    wf_sim_wake(sender);
}

static void packet_arrives(weft_timer *timer)
{
    struct sim_packet *packet = wf_container(timer, struct sim_packet, timer);
    struct sim_socket *receiver =
        packet_is_cut(packet)
            ? NULL
            : wf_sim_name_find_receiver(packet->world, &packet->to, &packet->from);
    if (receiver == NULL && !packet_is_cut(packet))
        packet_is_refused(packet);
    packet_land(packet);
    if (receiver != NULL && receiver_has_room(receiver, packet->bytes))
        receiver_take(receiver, packet);
    else
        wf_free(packet);
}

/* ---- sending ---- */

static bool receiver_is_full(const struct sim_socket *socket)
{
    return socket->arrived_bytes >= socket->world->options.buffer_bytes;
}

/* Whatever is to be sent: what a poll says and what a send does must agree, or who asks in turn
 * asks for ever. */
static bool sender_is_full(const struct sim_socket *socket)
{
    return socket->flying_bytes >= socket->world->options.buffer_bytes;
}

/* They wait for room at a receiver, and none knows who else does. */
static void wake_unix_senders(struct sim_world *world)
{
    wf_list_each (pos, &world->datagrams.mailboxes)
        wf_sim_wake(wf_container(pos, struct sim_socket, mailbox_link));
}

static int packet_launch(struct sim_socket *sender, const struct sim_addr *to, const void *buf,
                         size_t bytes)
{
    struct sim_world *world = sender->world;
    struct sim_packet *packet = packet_new(sender, to, buf, bytes);
    if (packet == NULL)
        return -ENOBUFS;
    weft_time at = world->now + wf_sim_delay(world);
    uint64_t rate = wf_sim_fault_rate(world, &sender->local, to);
    if (rate != 0)
        at += (weft_time)((double)bytes * (double)WEFT_SEC / (double)rate);
    packet->sender = sender;
    sender->flying_bytes += bytes;
    wf_list_append(&world->datagrams.packets, &packet->world_link);
    wf_list_append(&sender->flying, &packet->sent_link);
    weft_timer_start(world->loop, &packet->timer, at);
    return 0;
}

static ssize_t send_inet(struct sim_socket *socket, const struct sim_addr *to, const void *buf,
                         size_t bytes)
{
    struct sim_world *world = socket->world;
    int rc = wf_sim_socket_bind_for(socket, to);
    if (rc < 0)
        return rc;
    if (sender_is_full(socket))
        return -EAGAIN;
    if (wf_sim_chance(world, world->options.lost_ppm, SIM_CHANCE_LOST))
        return (ssize_t)bytes;
    rc = packet_launch(socket, to, buf, bytes);
    if (rc == 0 && wf_sim_chance(world, world->options.double_ppm, SIM_CHANCE_DOUBLE))
        (void)packet_launch(socket, to, buf, bytes);
    return rc < 0 ? rc : (ssize_t)bytes;
}

static ssize_t send_unix(struct sim_socket *socket, struct sim_addr *to, const void *buf,
                         size_t bytes)
{
    struct sim_world *world = socket->world;
    struct sim_socket *receiver = wf_sim_name_find_receiver(world, to, &socket->local);
    if (receiver == NULL)
        return -ECONNREFUSED;
    if (receiver_is_full(receiver))
        return -EAGAIN;
    struct sim_packet *packet = packet_new(socket, to, buf, bytes);
    if (packet == NULL)
        return -ENOBUFS;
    receiver_take(receiver, packet);
    return (ssize_t)bytes;
}

ssize_t wf_sim_datagram_send(struct sim_socket *socket, const void *buf, size_t bytes,
                             const struct sockaddr *to, socklen_t to_bytes)
{
    struct sim_addr addr = socket->peer;
    if (socket->error != 0)
        return wf_sim_socket_take_error(socket);
    if (to != NULL) {
        int rc = wf_sim_addr_read(socket->domain, to, to_bytes, &addr);
        if (rc < 0)
            return rc;
    }
    if (addr.bytes == 0)
        return -EDESTADDRREQ;
    if (bytes > DATAGRAM_BYTES_MAX)
        return -EMSGSIZE;
    return socket->domain == AF_UNIX ? send_unix(socket, &addr, buf, bytes)
                                     : send_inet(socket, &addr, buf, bytes);
}

/* ---- receiving ---- */

ssize_t wf_sim_datagram_recv(struct sim_socket *socket, void *buf, size_t bytes, int flags,
                             struct sim_addr *out_from, bool *out_is_cut)
{
    if (socket->error != 0)
        return wf_sim_socket_take_error(socket);
    if (wf_list_is_empty(&socket->arrived))
        return -EAGAIN;
    struct sim_packet *packet = wf_container(socket->arrived.next, struct sim_packet, link);
    size_t count = bytes < packet->bytes ? bytes : packet->bytes;
    if (count != 0)
        memcpy(buf, packet->data, count);
    *out_from = packet->from;
    *out_is_cut = count < packet->bytes;
    if ((flags & MSG_PEEK) == 0) {
        bool was_full = receiver_is_full(socket);
        socket->arrived_bytes -= packet->bytes;
        wf_list_remove(&packet->link);
        wf_free(packet);
        if (was_full && socket->domain == AF_UNIX)
            wake_unix_senders(socket->world);
    }
    return (ssize_t)count;
}

int wf_sim_datagram_events(const struct sim_socket *socket)
{
    int events = wf_list_is_empty(&socket->arrived) ? 0 : POLLIN;
    struct sim_addr peer = socket->peer, local = socket->local;
    const struct sim_socket *receiver =
        socket->domain == AF_UNIX && peer.bytes != 0
            ? wf_sim_name_find_receiver(socket->world, &peer, &local)
            : NULL;
    if (!sender_is_full(socket) && (receiver == NULL || !receiver_is_full(receiver)))
        events |= POLLOUT;
    return socket->error != 0 ? events | POLLERR | POLLIN : events;
}

/* ---- life ---- */

void wf_sim_datagram_open(struct sim_socket *socket)
{
    socket->state = SIM_DATAGRAM;
    if (socket->domain == AF_UNIX)
        wf_list_append(&socket->world->datagrams.mailboxes, &socket->mailbox_link);
}

int wf_sim_datagram_connect(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes)
{
    struct sim_addr peer;
    int rc = wf_sim_addr_read(socket->domain, addr, bytes, &peer);
    if (rc < 0)
        return rc;
    if (socket->domain == AF_UNIX) {
        if (wf_sim_name_find_receiver(socket->world, &peer, &socket->local) == NULL)
            return -ECONNREFUSED;
    } else {
        rc = wf_sim_socket_bind_for(socket, &peer);
        if (rc < 0)
            return rc;
    }
    socket->peer = peer;
    return 0;
}

void wf_sim_datagram_close(struct sim_socket *socket)
{
    wf_list *pos;
    while ((pos = wf_list_pop(&socket->flying)) != NULL)
        wf_container(pos, struct sim_packet, sent_link)->sender = NULL;
    while ((pos = wf_list_pop(&socket->arrived)) != NULL)
        wf_free(wf_container(pos, struct sim_packet, link));
    if (!wf_list_is_empty(&socket->mailbox_link)) {
        wf_list_remove(&socket->mailbox_link);
        wake_unix_senders(socket->world); /* nobody receives there any more */
    }
}

void wf_sim_packets_drop(struct sim_world *world)
{
    wf_list *pos;
    while ((pos = wf_list_pop(&world->datagrams.packets)) != NULL) {
        struct sim_packet *packet = wf_container(pos, struct sim_packet, world_link);
        weft_timer_stop(world->loop, &packet->timer);
        wf_list_remove(&packet->sent_link);
        wf_free(packet);
    }
}
