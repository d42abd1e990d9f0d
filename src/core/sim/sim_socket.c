/* SPDX-License-Identifier: MIT */

/* Simulated descriptors: their numbers, and the life of a socket up to its link. */

#include "core/sim/sim_socket.h"

#include "base/alloc.h"
#include "core/sim/sim_chance.h"
#include "core/sim/sim_datagram.h"
#include "core/sim/sim_disk.h"
#include "core/sim/sim_fault.h"
#include "core/sim/sim_link.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_watch.h"
#include "core/sim/sim_world.h"

#include <assert.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <string.h>

#define SOCKET_BACKLOG_MAX 4096
#define SOCKET_RETRY (100 * WEFT_MS)        /* a full backlog is asked again after */
#define SOCKET_CONNECT_MAX (127 * WEFT_SEC) /* of asking a host that cannot be reached */

/* ---- numbers ---- */

struct sim_socket *wf_sim_socket_of(struct sim_world *world, int fd)
{
    int64_t index = (int64_t)fd - SIM_FD_BASE;
    return index >= 0 && index < world->numbers.capacity ? world->numbers.sockets[index] : NULL;
}

/* The lowest free number, as a kernel gives it, so that numbers come back quickly. */
static int number_take(struct sim_socket *socket)
{
    struct sim_numbers *numbers = &socket->world->numbers;
    if (numbers->open_count >= socket->world->options.descriptor_max)
        return -EMFILE;
    uint32_t index = numbers->first_free;
    while (index < numbers->capacity && numbers->sockets[index] != NULL)
        index++;
    if (index == numbers->capacity) {
        uint32_t capacity = index != 0 ? index * 2 : 16;
        struct sim_socket **grown =
            wf_grow(numbers->sockets, capacity, sizeof(struct sim_socket *));
        if (grown == NULL)
            return -ENFILE;
        memset(grown + index, 0, (capacity - index) * sizeof(struct sim_socket *));
        numbers->sockets = grown;
        numbers->capacity = capacity;
    }
    numbers->sockets[index] = socket;
    numbers->open_count++;
    numbers->first_free = index + 1;
    socket->fd = SIM_FD_BASE + (int)index;
    return 0;
}

static void number_give(struct sim_world *world, int fd)
{
    struct sim_numbers *numbers = &world->numbers;
    if (fd < 0)
        return;
    uint32_t index = (uint32_t)(fd - SIM_FD_BASE);
    numbers->sockets[index] = NULL;
    numbers->open_count--;
    if (index < numbers->first_free)
        numbers->first_free = index;
}

/* ---- making ---- */

static void socket_timer(weft_timer *timer);

/* Without a number yet. */
static struct sim_socket *socket_new(struct sim_world *world, int domain)
{
    struct sim_socket *socket = wf_alloc(sizeof *socket);
    if (socket == NULL)
        return NULL;
    socket->world = world;
    socket->fd = -1;
    socket->ref_count = 1;
    socket->domain = domain;
    socket->host_fd = -1;
    wf_list_init(&socket->bound_link);
    wf_list_init(&socket->listen_link);
    wf_list_init(&socket->dirty_link);
    wf_list_init(&socket->mailbox_link);
    wf_list_init(&socket->waiting);
    wf_list_init(&socket->pending);
    wf_list_init(&socket->pending_link);
    wf_list_init(&socket->arrived);
    wf_list_init(&socket->flying);
    wf_list_init(&socket->told);
    weft_timer_init(&socket->timer, socket_timer);
    return socket;
}

static int socket_new_open(struct sim_world *world, int domain, struct sim_socket **out)
{
    struct sim_socket *socket = socket_new(world, domain);
    if (socket == NULL)
        return -ENOMEM;
    int rc = number_take(socket);
    if (rc < 0)
        wf_free(socket);
    else
        *out = socket;
    return rc;
}

static int type_check(int domain, int type)
{
    if (domain != AF_INET && domain != AF_INET6 && domain != AF_UNIX)
        return -EAFNOSUPPORT;
    return type == SOCK_STREAM || type == SOCK_DGRAM ? 0 : -ESOCKTNOSUPPORT;
}

int wf_sim_socket_open(struct sim_world *world, int domain, int type)
{
    type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    int rc = type_check(domain, type);
    if (rc < 0)
        return rc;
    struct sim_socket *socket;
    rc = socket_new_open(world, domain, &socket);
    if (rc < 0)
        return rc;
    socket->host = wf_sim_host_self(); /* now: an operation may bind it later, outside the task */
    if (type == SOCK_DGRAM)
        wf_sim_datagram_open(socket);
    return socket->fd;
}

static int pair_open(struct sim_world *world, int domain, enum sim_link_kind kind,
                     struct sim_socket *out[2])
{
    struct sim_socket *pair[2] = {NULL, NULL};
    int rc = socket_new_open(world, domain, &pair[0]);
    if (rc < 0)
        return rc;
    rc = socket_new_open(world, domain, &pair[1]);
    if (rc < 0)
        goto out;
    rc = wf_sim_link_new(pair[0], pair[1], kind);
    if (rc < 0)
        goto out;
    out[0] = pair[0];
    out[1] = pair[1];
    return 0;
out:
    for (int i = 0; i < 2; i++)
        if (pair[i] != NULL)
            wf_sim_socket_close(pair[i]);
    return rc;
}

int wf_sim_socket_pair(struct sim_world *world, int domain, int type, int out_fds[2])
{
    type &= ~(SOCK_NONBLOCK | SOCK_CLOEXEC);
    int rc = type_check(domain, type);
    if (rc < 0)
        return rc;
    if (domain != AF_UNIX)
        return -EOPNOTSUPP;
    if (type != SOCK_STREAM)
        return -ESOCKTNOSUPPORT; /* not simulated */
    struct sim_socket *pair[2];
    rc = pair_open(world, domain, SIM_LINK_UNIX, pair);
    if (rc < 0)
        return rc;
    out_fds[0] = pair[0]->fd;
    out_fds[1] = pair[1]->fd;
    return 0;
}

int wf_sim_pipe(struct sim_world *world, int out_fds[2])
{
    struct sim_socket *pair[2];
    int rc = pair_open(world, AF_UNSPEC, SIM_LINK_PIPE, pair);
    if (rc < 0)
        return rc;
    out_fds[0] = pair[0]->fd; /* reads */
    out_fds[1] = pair[1]->fd;
    return 0;
}

static int host_file_open(struct sim_socket *file, const char *path, int flags)
{
    const struct sim_world *world = file->world;
    bool is_read_only =
        (flags & O_ACCMODE) == O_RDONLY && (flags & (O_CREAT | O_TRUNC | O_DIRECTORY)) == 0;
    if (!(world->options.allow & WEFT_SIM_ALLOW_FILES))
        return -ENOENT;
    if (!is_read_only)
        return -EPERM;
    file->state = SIM_FILE;
    file->host_fd = world->host->open(path, flags, 0);
    return file->host_fd < 0 ? file->host_fd : 0;
}

int wf_sim_file_open(struct sim_world *world, const char *path, int flags, int mode)
{
    struct sim_socket *file;
    int rc = socket_new_open(world, AF_UNSPEC, &file);
    if (rc < 0)
        return rc;
    rc = wf_sim_disk_open(file, path, flags, mode);
    if (rc == -ENOENT)
        rc = host_file_open(file, path, flags);
    if (rc == 0)
        return file->fd;
    wf_sim_socket_close(file);
    return rc;
}

int wf_sim_file_open_beneath(struct sim_world *world, int dir, const char *path, int flags)
{
    struct sim_socket *file, *below = wf_sim_socket_of(world, dir);
    if (below == NULL || below->state != SIM_DISK)
        return below == NULL ? -EBADF : -ENOTDIR;
    int rc = socket_new_open(world, AF_UNSPEC, &file);
    if (rc < 0)
        return rc;
    rc = wf_sim_disk_open_beneath(file, below, path, flags);
    if (rc == 0)
        return file->fd;
    wf_sim_socket_close(file);
    return rc;
}

int wf_sim_watch_open(struct sim_world *world)
{
    struct sim_socket *watch;
    int rc = socket_new_open(world, AF_UNSPEC, &watch);
    if (rc < 0)
        return rc;
    watch->state = SIM_WATCH;
    return watch->fd;
}

/* ---- listening and connecting ---- */

void wf_sim_wake(struct sim_socket *socket)
{
    if (wf_list_is_empty(&socket->dirty_link) && !wf_list_is_empty(&socket->waiting))
        wf_list_append(&socket->world->dirty, &socket->dirty_link);
}

int wf_sim_socket_listen(struct sim_socket *socket, int backlog)
{
    if (socket->domain == AF_UNSPEC)
        return -ENOTSOCK;
    if (socket->state == SIM_DATAGRAM)
        return -EOPNOTSUPP;
    if (socket->state != SIM_FRESH && socket->state != SIM_LISTENING)
        return -EINVAL;
    if (socket->local.bytes == 0) {
        struct sim_addr any = {.store.ss_family = (sa_family_t)socket->domain};
        int rc = socket->domain == AF_UNIX
                     ? -EINVAL
                     : wf_sim_name_bind(socket, (struct sockaddr *)&any.store, sizeof any.store);
        if (rc < 0)
            return rc;
    }
    socket->backlog = backlog < 1                    ? 1
                      : backlog > SOCKET_BACKLOG_MAX ? SOCKET_BACKLOG_MAX
                                                     : (uint32_t)backlog;
    if (socket->state == SIM_FRESH && socket->domain != AF_UNIX)
        wf_list_append(&socket->world->names.listeners, &socket->listen_link);
    socket->state = SIM_LISTENING;
    return 0;
}

/* The connection stands, and waits at the listener to be accepted. */
static int connect_to(struct sim_socket *socket, struct sim_socket *listener)
{
    struct sim_socket *server = socket_new(socket->world, socket->domain);
    if (server == NULL)
        return -ENOMEM;
    server->local = socket->domain == AF_UNIX ? listener->local : socket->peer;
    server->peer = socket->local;
    int rc =
        wf_sim_link_new(socket, server, socket->domain == AF_UNIX ? SIM_LINK_UNIX : SIM_LINK_INET);
    if (rc < 0) {
        wf_free(server);
        return rc;
    }
    wf_list_append(&listener->pending, &server->pending_link);
    listener->pending_count++;
    wf_sim_wake(listener);
    return 0;
}

/* A request that is lost is sent again, later and later, for two minutes.  True: it will be. */
static bool connect_is_cut(struct sim_socket *socket)
{
    struct sim_world *world = socket->world;
    weft_time took = world->now - socket->connect_began;
    if (took >= SOCKET_CONNECT_MAX ||
        !wf_sim_fault_is_on(world, WEFT_SIM_CUT, &socket->local, &socket->peer, NULL))
        return false;
    weft_time next =
        took + WEFT_SEC < SOCKET_CONNECT_MAX - took ? took + WEFT_SEC : SOCKET_CONNECT_MAX - took;
    weft_timer_start(world->loop, &socket->timer, world->now + next);
    return true;
}

/* What was asked of an internet address has got there. */
static void connect_arrives(struct sim_socket *socket)
{
    struct sim_addr addr;
    struct sim_socket *listener;
    if (connect_is_cut(socket))
        return;
    bool is_late = socket->world->now - socket->connect_began >= SOCKET_CONNECT_MAX;
    int rc = is_late ? -ETIMEDOUT
                     : wf_sim_name_find(socket->world, socket->domain,
                                        (struct sockaddr *)&socket->peer.store, socket->peer.bytes,
                                        &addr, &listener);
    if (rc == 0 && listener->pending_count >= listener->backlog) {
        weft_timer_start(socket->world->loop, &socket->timer, socket->world->now + SOCKET_RETRY);
        return;
    }
    if (rc == 0)
        rc = connect_to(socket, listener);
    if (rc < 0) {
        socket->state = SIM_FRESH;
        socket->peer.bytes = 0;
        socket->error = rc;
    }
    wf_sim_wake(socket);
}

static void socket_timer(weft_timer *timer)
{
    struct sim_socket *socket = wf_container(timer, struct sim_socket, timer);
    if (socket->state == SIM_CONNECTING)
        connect_arrives(socket);
    else
        wf_sim_wake(socket);
}

static int connect_unix(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes)
{
    struct sim_world *world = socket->world;
    struct sim_socket *listener;
    int rc = wf_sim_name_find(world, AF_UNIX, addr, bytes, &socket->peer, &listener);
    if (rc == 0 && listener->pending_count >= listener->backlog) {
        weft_timer_start(world->loop, &socket->timer, world->now + SOCKET_RETRY);
        rc = -EAGAIN; /* an operation waits until then */
    }
    if (rc == 0)
        rc = connect_to(socket, listener);
    if (rc < 0)
        socket->peer.bytes = 0;
    return rc;
}

/* A client without an address is on its task's host, or else where it goes to. */
int wf_sim_socket_bind_for(struct sim_socket *socket, const struct sim_addr *peer)
{
    if (socket->local.bytes != 0)
        return 0;
    bool has_host = socket->host.store.ss_family == peer->store.ss_family;
    struct sim_addr local = has_host ? socket->host : *peer;
    if (socket->domain == AF_INET)
        ((struct sockaddr_in *)&local.store)->sin_port = 0;
    else
        ((struct sockaddr_in6 *)&local.store)->sin6_port = 0;
    return wf_sim_name_bind(socket, (struct sockaddr *)&local.store, local.bytes);
}

int wf_sim_socket_connect(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes)
{
    if (socket->domain == AF_UNSPEC)
        return -ENOTSOCK;
    if (socket->state == SIM_DATAGRAM)
        return wf_sim_datagram_connect(socket, addr, bytes);
    if (socket->state != SIM_FRESH)
        return socket->state == SIM_CONNECTING                               ? -EALREADY
               : socket->state == SIM_LISTENING && socket->domain == AF_UNIX ? -EINVAL
                                                                             : -EISCONN;
    socket->error = 0;
    if (socket->domain == AF_UNIX)
        return connect_unix(socket, addr, bytes);

    struct sim_socket *listener;
    int rc = wf_sim_name_find(socket->world, socket->domain, addr, bytes, &socket->peer, &listener);
    if (rc < 0 && rc != -ECONNREFUSED) /* who listens is decided when it gets there */
        return rc;
    rc = wf_sim_socket_bind_for(socket, &socket->peer);
    if (rc < 0) {
        socket->peer.bytes = 0;
        return rc;
    }
    socket->state = SIM_CONNECTING;
    socket->connect_began = socket->world->now;
    weft_timer_start(socket->world->loop, &socket->timer,
                     socket->world->now + wf_sim_delay(socket->world));
    return -EINPROGRESS;
}

int wf_sim_socket_accept(struct sim_socket *socket, struct sim_addr *out_peer)
{
    if (socket->domain == AF_UNSPEC)
        return -ENOTSOCK;
    if (socket->state != SIM_LISTENING)
        return socket->state == SIM_DATAGRAM ? -EOPNOTSUPP : -EINVAL;
    if (wf_list_is_empty(&socket->pending))
        return -EAGAIN;
    struct sim_socket *server = wf_container(socket->pending.next, struct sim_socket, pending_link);
    int rc = number_take(server);
    if (rc < 0)
        return rc;
    wf_list_remove(&server->pending_link);
    socket->pending_count--;
    *out_peer = server->peer;
    return server->fd;
}

/* ---- using and closing ---- */

int wf_sim_socket_bind(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes)
{
    if (socket->domain == AF_UNSPEC)
        return -ENOTSOCK;
    bool is_fresh = socket->state == SIM_FRESH || socket->state == SIM_DATAGRAM;
    return is_fresh ? wf_sim_name_bind(socket, addr, bytes) : -EINVAL;
}

int wf_sim_socket_shutdown(struct sim_socket *socket, int how)
{
    if (socket->domain == AF_UNSPEC)
        return -ENOTSOCK;
    if (how != SHUT_RD && how != SHUT_WR && how != SHUT_RDWR)
        return -EINVAL;
    if (socket->state != SIM_CONNECTED || socket->is_reset)
        return -ENOTCONN;
    if (how != SHUT_WR && !socket->shut_read) {
        socket->shut_read = true;
        wf_sim_link_stop_reading(socket);
    }
    if (how != SHUT_RD && !socket->shut_write) {
        socket->shut_write = true;
        wf_sim_link_end_stream(socket);
    }
    wf_sim_wake(socket);
    return 0;
}

int wf_sim_socket_take_error(struct sim_socket *socket)
{
    int rc = socket->error;
    socket->error = 0;
    return rc;
}

ssize_t wf_sim_socket_recv(struct sim_socket *socket, void *buf, size_t bytes, int flags)
{
    if (socket->state == SIM_FILE)
        return socket->world->host->read(socket->host_fd, buf,
                                         wf_sim_shorten(socket->world, bytes));
    if (socket->state == SIM_DISK)
        return wf_sim_disk_read(socket, buf, bytes, -1);
    if (socket->state == SIM_WATCH)
        return wf_sim_watch_read(socket, buf, bytes);
    if (socket->state == SIM_CONNECTED)
        return wf_sim_link_recv(socket, buf, bytes, (flags & MSG_PEEK) != 0);
    struct sim_addr from;
    bool is_cut;
    if (socket->state == SIM_DATAGRAM)
        return wf_sim_datagram_recv(socket, buf, bytes, flags, &from, &is_cut);
    return socket->error != 0 ? wf_sim_socket_take_error(socket) : -ENOTCONN;
}

ssize_t wf_sim_socket_send(struct sim_socket *socket, const void *buf, size_t bytes)
{
    if (socket->state == SIM_FILE || socket->state == SIM_WATCH)
        return -EBADF;
    if (socket->state == SIM_DISK)
        return wf_sim_disk_write(socket, buf, bytes, -1);
    if (socket->state == SIM_CONNECTED)
        return wf_sim_link_send(socket, buf, bytes);
    if (socket->state == SIM_DATAGRAM)
        return wf_sim_datagram_send(socket, buf, bytes, NULL, 0);
    return socket->error != 0 ? wf_sim_socket_take_error(socket) : -EPIPE;
}

int wf_sim_socket_events(const struct sim_socket *socket)
{
    switch (socket->state) {
    case SIM_LISTENING:
        return wf_list_is_empty(&socket->pending) ? 0 : POLLIN;
    case SIM_CONNECTING:
        return 0;
    case SIM_CONNECTED:
        return wf_sim_link_events(socket);
    case SIM_FILE:
    case SIM_DISK:
        return POLLIN | POLLOUT;
    case SIM_WATCH:
        return wf_sim_watch_events(socket);
    case SIM_DATAGRAM:
        return wf_sim_datagram_events(socket);
    default:
        return POLLOUT | POLLHUP | (socket->error != 0 ? POLLERR | POLLIN : 0);
    }
}

void wf_sim_socket_close(struct sim_socket *socket)
{
    struct sim_world *world = socket->world;
    assert(wf_list_is_empty(&socket->waiting)); /* rule 6: reap first, then close */
    wf_list *pos;
    while ((pos = wf_list_pop(&socket->pending)) != NULL) {
        struct sim_socket *server = wf_container(pos, struct sim_socket, pending_link);
        server->reset_on_close = true; /* nobody will ever accept it */
        wf_sim_socket_close(server);
    }
    weft_timer_stop(world->loop, &socket->timer);
    wf_list_remove(&socket->listen_link);
    wf_list_remove(&socket->dirty_link);
    wf_sim_name_release(socket);
    wf_sim_datagram_close(socket);
    if (socket->link != NULL)
        wf_sim_link_leave(socket);
    if (socket->node != NULL)
        wf_sim_disk_leave(socket);
    if (socket->state == SIM_WATCH)
        wf_sim_watch_close(socket);
    if (socket->host_fd >= 0)
        world->host->close(socket->host_fd);
    number_give(world, socket->fd);
    wf_free(socket);
}

int wf_sim_socket_number(struct sim_socket *socket)
{
    int rc = number_take(socket);
    if (rc < 0)
        return rc;
    socket->ref_count++;
    return socket->fd;
}

void wf_sim_socket_drop(struct sim_socket *socket, int fd)
{
    if (socket->ref_count == 1) {
        socket->fd = fd;
        wf_sim_socket_close(socket);
        return;
    }
    socket->ref_count--;
    number_give(socket->world, fd);
    if (socket->fd == fd)
        socket->fd = -1;
}
