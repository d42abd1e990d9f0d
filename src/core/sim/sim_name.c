/* SPDX-License-Identifier: MIT */

/* Addresses of the simulated world: ports, and names of Unix sockets. */

#include "core/sim/sim_name.h"

#include "base/alloc.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_world.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/un.h>

#define NAME_PORT_FIRST 49152

struct sim_path {
    wf_list link;
    struct sim_addr addr;
    struct sim_socket *socket; /* NULL: closed, but the name is still there */
};

static int addr_check(int domain, const struct sockaddr *addr, socklen_t bytes)
{
    if (bytes < sizeof addr->sa_family || bytes > sizeof(struct sockaddr_storage))
        return -EINVAL;
    if (addr->sa_family != domain)
        return domain == AF_UNIX ? -EINVAL : -EAFNOSUPPORT;
    size_t wanted = domain == AF_INET    ? sizeof(struct sockaddr_in)
                    : domain == AF_INET6 ? sizeof(struct sockaddr_in6)
                                         : offsetof(struct sockaddr_un, sun_path) + 1;
    return bytes < wanted ? -EINVAL : 0;
}

static in_port_t *addr_port(struct sim_addr *addr)
{
    return addr->store.ss_family == AF_INET ? &((struct sockaddr_in *)&addr->store)->sin_port
                                            : &((struct sockaddr_in6 *)&addr->store)->sin6_port;
}

/* The host part, and how long it is. */
static const void *addr_host(const struct sim_addr *addr, size_t *out_bytes)
{
    if (addr->store.ss_family == AF_INET) {
        *out_bytes = sizeof(struct in_addr);
        return &((const struct sockaddr_in *)&addr->store)->sin_addr;
    }
    *out_bytes = sizeof(struct in6_addr);
    return &((const struct sockaddr_in6 *)&addr->store)->sin6_addr;
}

static bool addr_is_any(const struct sim_addr *addr)
{
    static const char zeros[sizeof(struct in6_addr)];
    size_t bytes;
    const void *host = addr_host(addr, &bytes);
    return memcmp(host, zeros, bytes) == 0;
}

/* True if what is sent to one of them may be meant for the other. */
static bool addr_overlaps(struct sim_addr *a, struct sim_addr *b)
{
    if (a->store.ss_family != b->store.ss_family || *addr_port(a) != *addr_port(b))
        return false;
    size_t bytes;
    const void *host = addr_host(a, &bytes);
    return addr_is_any(a) || addr_is_any(b) || memcmp(host, addr_host(b, &bytes), bytes) == 0;
}

static void addr_copy(struct sim_addr *out, const struct sockaddr *addr, socklen_t bytes)
{
    memset(out, 0, sizeof *out);
    memcpy(&out->store, addr, bytes);
    out->bytes = bytes;
}

int wf_sim_addr_read(int domain, const struct sockaddr *addr, socklen_t bytes, struct sim_addr *out)
{
    int rc = addr_check(domain, addr, bytes);
    if (rc == 0)
        addr_copy(out, addr, bytes);
    return rc;
}

bool wf_sim_addr_same_host(const struct sim_addr *a, const struct sim_addr *b)
{
    size_t bytes;
    if (a->store.ss_family != b->store.ss_family)
        return false;
    const void *host = addr_host(a, &bytes);
    return memcmp(host, addr_host(b, &bytes), bytes) == 0;
}

int wf_sim_addr_parse_host(const char *text, struct sim_addr *out)
{
    memset(out, 0, sizeof *out);
    struct sockaddr_in *in = (struct sockaddr_in *)&out->store;
    struct sockaddr_in6 *in6 = (struct sockaddr_in6 *)&out->store;
    if (text[0] == '\0')
        return 0;
    if (memchr(text, '\0', WEFT_SIM_HOST_BYTES) == NULL)
        return -EINVAL;
    if (inet_pton(AF_INET, text, &in->sin_addr) == 1) {
        in->sin_family = AF_INET;
        out->bytes = sizeof *in;
        return 0;
    }
    if (inet_pton(AF_INET6, text, &in6->sin6_addr) != 1)
        return -EINVAL;
    in6->sin6_family = AF_INET6;
    out->bytes = sizeof *in6;
    return 0;
}

/* ---- sockets by their port ---- */

#define PORTS_A_BUCKET 4 /* in the mean, before there are more buckets */

static void ports_init(struct sim_ports *ports)
{
    *ports = (struct sim_ports){.bucket_count = sizeof ports->first / sizeof ports->first[0]};
    for (uint32_t i = 0; i < ports->bucket_count; i++)
        wf_list_init(&ports->first[i]);
}

static wf_list *ports_bucket(struct sim_ports *ports, struct sim_addr *addr)
{
    wf_list *buckets = ports->buckets != NULL ? ports->buckets : ports->first;
    return &buckets[ntohs(*addr_port(addr)) & (ports->bucket_count - 1)];
}

/* Each keeps its place among those of its port.  Without memory the buckets just grow longer. */
static void ports_widen(struct sim_ports *ports)
{
    struct sim_ports wide = {.bucket_count = ports->bucket_count * 4, .count = ports->count};
    wide.buckets = wf_array(wide.bucket_count, sizeof *wide.buckets);
    if (wide.buckets == NULL)
        return;
    for (uint32_t i = 0; i < wide.bucket_count; i++)
        wf_list_init(&wide.buckets[i]);
    wf_list *old = ports->buckets != NULL ? ports->buckets : ports->first, *pos;
    for (uint32_t i = 0; i < ports->bucket_count; i++) {
        while ((pos = wf_list_pop(&old[i])) != NULL) {
            struct sim_socket *socket = wf_container(pos, struct sim_socket, bound_link);
            wf_list_append(ports_bucket(&wide, &socket->local), pos);
        }
    }
    wf_free(ports->buckets);
    ports->buckets = wide.buckets;
    ports->bucket_count = wide.bucket_count;
}

static void ports_add(struct sim_ports *ports, struct sim_socket *socket)
{
    if (ports->count >= ports->bucket_count * PORTS_A_BUCKET && ports->bucket_count <= UINT16_MAX)
        ports_widen(ports);
    wf_list_append(ports_bucket(ports, &socket->local), &socket->bound_link);
    ports->count++;
}

static void ports_remove(struct sim_ports *ports, struct sim_socket *socket)
{
    if (wf_list_is_empty(&socket->bound_link))
        return;
    wf_list_remove(&socket->bound_link);
    ports->count--;
}

/* ---- internet ---- */

static bool name_is_taken(struct sim_socket *socket, struct sim_addr *addr)
{
    bool is_datagram = socket->state == SIM_DATAGRAM;
    wf_list *bucket = ports_bucket(&socket->world->names.ports, addr);
    wf_list_each (pos, bucket) {
        struct sim_socket *other = wf_container(pos, struct sim_socket, bound_link);
        if (is_datagram == (other->state == SIM_DATAGRAM) && addr_overlaps(&other->local, addr) &&
            !(other->reuse_port && socket->reuse_port))
            return true;
    }
    return false;
}

static int name_pick_port(struct sim_socket *socket, struct sim_addr *addr)
{
    struct sim_world *world = socket->world;
    for (int tries = NAME_PORT_FIRST; tries <= UINT16_MAX; tries++) {
        *addr_port(addr) = htons(world->names.next_port);
        world->names.next_port =
            world->names.next_port == UINT16_MAX ? NAME_PORT_FIRST : world->names.next_port + 1;
        if (!name_is_taken(socket, addr))
            return 0;
    }
    return -EADDRINUSE;
}

/* "Anywhere" means anywhere on the host of the task. */
static void name_choose_host(const struct sim_socket *socket, struct sim_addr *addr)
{
    in_port_t port = *addr_port(addr);
    if (!addr_is_any(addr) || socket->host.store.ss_family != addr->store.ss_family)
        return;
    *addr = socket->host;
    *addr_port(addr) = port;
}

static int name_bind_inet(struct sim_socket *socket, struct sim_addr *addr)
{
    name_choose_host(socket, addr);
    if (*addr_port(addr) != 0) {
        if (name_is_taken(socket, addr))
            return -EADDRINUSE;
    } else {
        int rc = name_pick_port(socket, addr);
        if (rc < 0)
            return rc;
    }
    socket->local = *addr;
    ports_add(&socket->world->names.ports, socket);
    return 0;
}

static int name_find_inet(struct sim_world *world, struct sim_addr *addr, struct sim_socket **out)
{
    wf_list_each (pos, &world->names.listeners) {
        struct sim_socket *listener = wf_container(pos, struct sim_socket, listen_link);
        if (addr_overlaps(&listener->local, addr)) {
            *out = listener;
            return 0;
        }
    }
    return -ECONNREFUSED;
}

static bool receiver_wants(struct sim_socket *socket, struct sim_addr *to, struct sim_addr *from)
{
    return socket->state == SIM_DATAGRAM && addr_overlaps(&socket->local, to) &&
           (socket->peer.bytes == 0 || addr_overlaps(&socket->peer, from));
}

/* ---- Unix ---- */

/* A name that starts with NUL is no file. */
static bool path_is_abstract(const struct sim_addr *addr)
{
    return ((const struct sockaddr_un *)&addr->store)->sun_path[0] == '\0';
}

/* An abstract name is as long as it was said to be; a path ends at its NUL. */
static size_t path_bytes(const struct sim_addr *addr)
{
    const char *path = ((const struct sockaddr_un *)&addr->store)->sun_path;
    size_t bytes = addr->bytes - offsetof(struct sockaddr_un, sun_path);
    return path_is_abstract(addr) ? bytes : strnlen(path, bytes);
}

static struct sim_path *path_find(struct sim_world *world, const struct sim_addr *addr)
{
    const char *path = ((const struct sockaddr_un *)&addr->store)->sun_path;
    wf_list_each (pos, &world->names.paths) {
        struct sim_path *entry = wf_container(pos, struct sim_path, link);
        const char *other = ((const struct sockaddr_un *)&entry->addr.store)->sun_path;
        if (path_bytes(&entry->addr) == path_bytes(addr) &&
            memcmp(other, path, path_bytes(addr)) == 0)
            return entry;
    }
    return NULL;
}

static int name_bind_unix(struct sim_socket *socket, struct sim_addr *addr)
{
    if (path_find(socket->world, addr) != NULL)
        return -EADDRINUSE;
    struct sim_path *entry = wf_alloc(sizeof *entry);
    if (entry == NULL)
        return -ENOMEM;
    entry->addr = *addr;
    entry->socket = socket;
    wf_list_append(&socket->world->names.paths, &entry->link);
    socket->local = *addr;
    return 0;
}

static void path_free(struct sim_path *entry)
{
    wf_list_remove(&entry->link);
    wf_free(entry);
}

int wf_sim_name_unlink(struct sim_world *world, const char *path)
{
    struct sim_addr addr = {.bytes = sizeof(struct sockaddr_un)};
    struct sockaddr_un *name = (struct sockaddr_un *)&addr.store;
    name->sun_family = AF_UNIX;
    if (path[0] == '\0' || strlen(path) >= sizeof name->sun_path)
        return -ENOENT;
    memcpy(name->sun_path, path, strlen(path));
    struct sim_path *entry = path_find(world, &addr);
    if (entry == NULL)
        return -ENOENT;
    path_free(entry);
    return 0;
}

/* ---- either ---- */

void wf_sim_names_init(struct sim_names *names)
{
    wf_list_init(&names->paths);
    wf_list_init(&names->listeners);
    ports_init(&names->ports);
    names->next_port = NAME_PORT_FIRST;
}

void wf_sim_names_fini(struct sim_names *names)
{
    while (!wf_list_is_empty(&names->paths))
        path_free(wf_container(names->paths.next, struct sim_path, link));
    wf_free(names->ports.buckets);
}

int wf_sim_name_bind(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes)
{
    int rc = addr_check(socket->domain, addr, bytes);
    if (rc < 0)
        return rc;
    if (socket->local.bytes != 0)
        return -EINVAL;
    struct sim_addr copy;
    addr_copy(&copy, addr, bytes);
    return socket->domain == AF_UNIX ? name_bind_unix(socket, &copy)
                                     : name_bind_inet(socket, &copy);
}

void wf_sim_name_release(struct sim_socket *socket)
{
    ports_remove(&socket->world->names.ports, socket);
    if (socket->domain != AF_UNIX || socket->local.bytes == 0)
        return;
    struct sim_path *entry = path_find(socket->world, &socket->local);
    if (entry == NULL || entry->socket != socket)
        return;
    entry->socket = NULL; /* the file stays */
    if (path_is_abstract(&socket->local))
        path_free(entry);
}

int wf_sim_name_find(struct sim_world *world, int domain, const struct sockaddr *addr,
                     socklen_t bytes, struct sim_addr *out_addr, struct sim_socket **out)
{
    int rc = addr_check(domain, addr, bytes);
    if (rc < 0)
        return rc;
    addr_copy(out_addr, addr, bytes);
    if (domain != AF_UNIX)
        return name_find_inet(world, out_addr, out);
    struct sim_path *entry = path_find(world, out_addr);
    if (entry == NULL)
        return path_is_abstract(out_addr) ? -ECONNREFUSED : -ENOENT;
    if (entry->socket != NULL && entry->socket->state == SIM_DATAGRAM)
        return -EPROTOTYPE;
    if (entry->socket == NULL || entry->socket->state != SIM_LISTENING)
        return -ECONNREFUSED;
    *out = entry->socket;
    return 0;
}

struct sim_socket *wf_sim_name_find_receiver(struct sim_world *world, struct sim_addr *to,
                                             struct sim_addr *from)
{
    if (to->store.ss_family == AF_UNIX) {
        struct sim_path *entry = path_find(world, to);
        bool is_there = entry != NULL && entry->socket != NULL;
        return is_there && entry->socket->state == SIM_DATAGRAM ? entry->socket : NULL;
    }
    wf_list *bucket = ports_bucket(&world->names.ports, to);
    wf_list_each (pos, bucket) {
        struct sim_socket *socket = wf_container(pos, struct sim_socket, bound_link);
        if (receiver_wants(socket, to, from))
            return socket;
    }
    return NULL;
}
