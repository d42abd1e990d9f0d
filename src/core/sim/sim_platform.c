/* SPDX-License-Identifier: MIT */

/* The platform table of a simulated world. */

#include "core/sim/sim_platform.h"

#include "core/sim/sim_chance.h"
#include "core/sim/sim_datagram.h"
#include "core/sim/sim_disk.h"
#include "core/sim/sim_link.h"
#include "core/sim/sim_name.h"
#include "core/sim/sim_socket.h"
#include "core/sim/sim_trace.h"
#include "core/sim/sim_watch.h"
#include "core/sim/sim_world.h"

#include <weft/file.h>

#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>
#include <unistd.h>

#define SIM_EPOCH (946684800 * WEFT_SEC) /* the wall clock began at 2000-01-01 */
#define SIM_FDS_MAX 253                  /* that one send takes along, as in the system */

static struct sim_world *world_self(void)
{
    return wf_sim_world_self();
}

static weft_time sim_now(void)
{
    return world_self()->now;
}

static weft_time sim_wall(void)
{
    return SIM_EPOCH + world_self()->now;
}

static int sim_random(void *out, size_t bytes)
{
    wf_sim_random_bytes(world_self(), out, bytes);
    return 0;
}

/* ---- descriptors ---- */

/* A real descriptor is none of this world's (rule Z05). */
static int socket_get(int fd, struct sim_socket **out)
{
    *out = wf_sim_socket_of(world_self(), fd);
    if (*out != NULL)
        return 0;
    return fd < 0 || fd >= SIM_FD_BASE ? -EBADF : -EPERM;
}

static int socket_get_real(int fd, struct sim_socket **out)
{
    int rc = socket_get(fd, out);
    return rc == 0 && (*out)->domain == AF_UNSPEC ? -ENOTSOCK : rc;
}

static int sim_socket(int domain, int type, int protocol)
{
    (void)protocol;
    return wf_sim_socket_open(world_self(), domain, type);
}

static int sim_socketpair(int domain, int type, int protocol, int out_fds[2])
{
    (void)protocol;
    return wf_sim_socket_pair(world_self(), domain, type, out_fds);
}

static int sim_bind(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    return rc < 0 ? rc : wf_sim_socket_bind(socket, addr, addr_bytes);
}

static int sim_listen(int fd, int backlog)
{
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    return rc < 0 ? rc : wf_sim_socket_listen(socket, backlog);
}

/* Cut to the caller's room, as the kernel does. */
static void addr_tell(const struct sim_addr *addr, int domain, struct sockaddr *out,
                      socklen_t *bytes)
{
    struct sim_addr unnamed = {.store.ss_family = (sa_family_t)domain,
                               .bytes = domain == AF_INET    ? sizeof(struct sockaddr_in)
                                        : domain == AF_INET6 ? sizeof(struct sockaddr_in6)
                                                             : sizeof(sa_family_t)};
    const struct sim_addr *from = addr->bytes != 0 ? addr : &unnamed;
    if (out == NULL || bytes == NULL)
        return;
    memcpy(out, &from->store, *bytes < from->bytes ? *bytes : from->bytes);
    *bytes = from->bytes;
}

static int sim_getsockname(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    if (rc < 0)
        return rc;
    addr_tell(&socket->local, socket->domain, out, addr_bytes);
    return 0;
}

static int sim_getpeername(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    if (rc < 0)
        return rc;
    bool has_peer = socket->state == SIM_DATAGRAM && socket->peer.bytes != 0;
    if (socket->state != SIM_CONNECTED && !has_peer)
        return -ENOTCONN;
    addr_tell(&socket->peer, socket->domain, out, addr_bytes);
    return 0;
}

static bool option_is_known(int level, int name)
{
    switch (level) {
    case SOL_SOCKET:
        return name == SO_REUSEADDR || name == SO_REUSEPORT || name == SO_KEEPALIVE ||
               name == SO_SNDBUF || name == SO_RCVBUF || name == SO_LINGER || name == SO_BROADCAST;
    case IPPROTO_TCP:
        return name == TCP_NODELAY || name == TCP_CORK || name == TCP_QUICKACK ||
               name == TCP_KEEPIDLE || name == TCP_KEEPINTVL || name == TCP_KEEPCNT ||
               name == TCP_USER_TIMEOUT || name == TCP_DEFER_ACCEPT || name == TCP_FASTOPEN ||
               name == TCP_NOTSENT_LOWAT;
    case IPPROTO_IPV6:
        return name == IPV6_V6ONLY;
    default:
        return false;
    }
}

static int sim_setsockopt(int fd, int level, int name, const void *value, socklen_t bytes)
{
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    if (rc < 0)
        return rc;
    if (!option_is_known(level, name))
        return -ENOPROTOOPT;
    bool is_linger = level == SOL_SOCKET && name == SO_LINGER;
    if (bytes < (is_linger ? sizeof(struct linger) : sizeof(int)))
        return -EINVAL;
    int number;
    memcpy(&number, value, sizeof number);
    if (level == SOL_SOCKET && name == SO_REUSEPORT)
        socket->reuse_port = number != 0;
    if (is_linger) {
        struct linger linger;
        memcpy(&linger, value, sizeof linger);
        socket->reset_on_close = linger.l_onoff != 0 && linger.l_linger == 0;
    }
    return 0;
}

static int option_value(struct sim_socket *socket, int name, int *out)
{
    switch (name) {
    case SO_ERROR:
        *out = -wf_sim_socket_take_error(socket);
        return 0;
    case SO_TYPE:
        *out = socket->state == SIM_DATAGRAM ? SOCK_DGRAM : SOCK_STREAM;
        return 0;
    case SO_DOMAIN:
        *out = socket->domain;
        return 0;
    case SO_ACCEPTCONN:
        *out = socket->state == SIM_LISTENING;
        return 0;
    case SO_SNDBUF:
    case SO_RCVBUF:
        *out = (int)socket->world->options.buffer_bytes;
        return 0;
    default:
        return -ENOPROTOOPT;
    }
}

/* All processes are one. */
static int peer_tell(const struct sim_socket *socket, void *out, socklen_t *bytes)
{
    struct ucred peer = {.pid = 1};
    if (socket->domain != AF_UNIX || socket->state != SIM_CONNECTED)
        peer = (struct ucred){.uid = (uid_t)-1, .gid = (gid_t)-1};
    *bytes = *bytes < sizeof peer ? *bytes : (socklen_t)sizeof peer;
    memcpy(out, &peer, *bytes);
    return 0;
}

static int sim_getsockopt(int fd, int level, int name, void *out, socklen_t *bytes)
{
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    if (rc < 0)
        return rc;
    if (level == SOL_SOCKET && name == SO_PEERCRED)
        return peer_tell(socket, out, bytes);
    int value;
    rc = level == SOL_SOCKET ? option_value(socket, name, &value) : -ENOPROTOOPT;
    if (rc < 0)
        return rc;
    *bytes = *bytes < sizeof value ? *bytes : (socklen_t)sizeof value;
    memcpy(out, &value, *bytes);
    return 0;
}

static int sim_unacked(int fd)
{
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    if (rc < 0)
        return rc;
    return socket->state == SIM_CONNECTED ? wf_sim_link_unacked(socket) : -EINVAL;
}

static int sim_shutdown(int fd, int how)
{
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    return rc < 0 ? rc : wf_sim_socket_shutdown(socket, how);
}

static int sim_close(int fd)
{
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    if (rc == 0)
        wf_sim_socket_drop(socket, fd);
    return rc;
}

static int sim_pipe_open(int out_fds[2])
{
    return wf_sim_pipe(world_self(), out_fds);
}

/* ---- transfers ---- */

static ssize_t trace_transfer(const void *buf, ssize_t count)
{
    uint64_t hash = count > 0 ? wf_sim_hash_bytes(buf, (size_t)count) : 0;
    wf_sim_trace(world_self()->loop, WF_SIM_TRACE_BYTES, hash, (uint64_t)count);
    return count;
}

/* The one end of a pipe is for reading only, and the other for writing. */
static int pipe_check(const struct sim_socket *socket, bool is_closed)
{
    bool is_pipe = socket->domain == AF_UNSPEC && socket->state == SIM_CONNECTED;
    return is_pipe && is_closed ? -EBADF : 0;
}

static ssize_t sim_read(int fd, void *buf, size_t bytes)
{
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    if (rc == 0)
        rc = pipe_check(socket, socket->shut_read);
    return rc < 0 ? rc : trace_transfer(buf, wf_sim_socket_recv(socket, buf, bytes, 0));
}

static ssize_t sim_write(int fd, const void *buf, size_t bytes)
{
    /* What is said to the outside cannot change the run. */
    if (fd == STDOUT_FILENO || fd == STDERR_FILENO)
        return wf_sim_is_quiet() ? (ssize_t)bytes : world_self()->host->write(fd, buf, bytes);
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    if (rc == 0)
        rc = pipe_check(socket, socket->shut_write);
    return rc < 0 ? rc : trace_transfer(buf, wf_sim_socket_send(socket, buf, bytes));
}

static ssize_t sim_recv(int fd, void *buf, size_t bytes, int flags)
{
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    return rc < 0 ? rc : trace_transfer(buf, wf_sim_socket_recv(socket, buf, bytes, flags));
}

static ssize_t sim_send(int fd, const void *buf, size_t bytes, int flags)
{
    (void)flags;
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    return rc < 0 ? rc : trace_transfer(buf, wf_sim_socket_send(socket, buf, bytes));
}

static int linked_get(int fd, struct sim_socket **out)
{
    int rc = socket_get_real(fd, out);
    return rc == 0 && (*out)->state != SIM_CONNECTED ? -ENOTCONN : rc;
}

static ssize_t sim_send_fds(int fd, const void *buf, size_t bytes, const int *fds, size_t count)
{
    struct sim_socket *socket, *passed[SIM_FDS_MAX];
    int rc = linked_get(fd, &socket);
    if (rc == 0 && count > SIM_FDS_MAX)
        rc = -EINVAL;
    for (size_t i = 0; rc == 0 && i < count; i++)
        rc = socket_get(fds[i], &passed[i]);
    return rc < 0 ? rc
                  : trace_transfer(buf, wf_sim_link_send_fds(socket, buf, bytes, passed, count));
}

static ssize_t sim_recv_fds(int fd, void *buf, size_t bytes, int *fds, size_t *count)
{
    struct sim_socket *socket;
    int rc = linked_get(fd, &socket);
    return rc < 0 ? rc : trace_transfer(buf, wf_sim_link_recv_fds(socket, buf, bytes, fds, count));
}

/* One buffer a message. */
static ssize_t recv_message(struct sim_socket *socket, struct mmsghdr *message)
{
    struct msghdr *head = &message->msg_hdr;
    const struct iovec *part = &head->msg_iov[0];
    struct sim_addr from = {0};
    bool is_cut = false;
    ssize_t count = wf_sim_datagram_recv(socket, part->iov_base, part->iov_len, 0, &from, &is_cut);
    if (trace_transfer(part->iov_base, count) < 0)
        return count;
    message->msg_len = (unsigned)count;
    head->msg_flags = is_cut ? MSG_TRUNC : 0;
    if (from.bytes == 0)
        head->msg_namelen = 0; /* a Unix socket without a name */
    else
        addr_tell(&from, socket->domain, head->msg_name, &head->msg_namelen);
    return count;
}

static ssize_t send_message(struct sim_socket *socket, struct mmsghdr *message)
{
    const struct msghdr *head = &message->msg_hdr;
    const struct iovec *part = &head->msg_iov[0];
    ssize_t count = wf_sim_datagram_send(socket, part->iov_base, part->iov_len, head->msg_name,
                                         head->msg_namelen);
    if (trace_transfer(part->iov_base, count) >= 0)
        message->msg_len = (unsigned)count;
    return count;
}

static int message_loop(int fd, struct mmsghdr *messages, unsigned count,
                        ssize_t (*step)(struct sim_socket *socket, struct mmsghdr *message))
{
    struct sim_socket *socket;
    int rc = socket_get_real(fd, &socket);
    if (rc == 0 && socket->state != SIM_DATAGRAM)
        rc = -EOPNOTSUPP;
    unsigned done = 0;
    while (rc >= 0 && done < count) {
        rc = (int)step(socket, &messages[done]);
        done += rc >= 0;
    }
    return done != 0 ? (int)done : rc;
}

static int sim_recv_many(int fd, struct mmsghdr *messages, unsigned count)
{
    return message_loop(fd, messages, count, recv_message);
}

static int sim_send_many(int fd, struct mmsghdr *messages, unsigned count)
{
    return message_loop(fd, messages, count, send_message);
}

static int sim_accept(int fd, struct sockaddr *out, socklen_t *addr_bytes)
{
    struct sim_socket *socket;
    struct sim_addr peer;
    int rc = socket_get(fd, &socket);
    if (rc == 0)
        rc = wf_sim_socket_accept(socket, &peer);
    if (rc >= 0)
        addr_tell(&peer, socket->domain, out, addr_bytes);
    return rc;
}

static int sim_connect(int fd, const struct sockaddr *addr, socklen_t addr_bytes)
{
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    return rc < 0 ? rc : wf_sim_socket_connect(socket, addr, addr_bytes);
}

/* ---- files and threads: the outside ---- */

static int sim_open(const char *path, int flags, int mode)
{
    return wf_sim_file_open(world_self(), path, flags, mode);
}

static int sim_open_beneath(int dir, const char *path, int flags, unsigned how)
{
    if (how & WEFT_BENEATH_CACHED)
        return -EAGAIN;
    return wf_sim_file_open_beneath(world_self(), dir, path, flags);
}

/* A descriptor of the disk; `otherwise` for one of another kind. */
static int disk_get(int fd, int otherwise, struct sim_socket **out)
{
    int rc = socket_get(fd, out);
    return rc == 0 && (*out)->state != SIM_DISK ? otherwise : rc;
}

static int sim_fstat(int fd, struct stat *out)
{
    struct sim_socket *socket;
    int rc = socket_get(fd, &socket);
    if (rc < 0)
        return rc;
    if (socket->state == SIM_FILE)
        return world_self()->host->fstat(socket->host_fd, out);
    memset(out, 0, sizeof *out);
    out->st_mode = socket->domain == AF_UNSPEC ? S_IFIFO : S_IFSOCK;
    if (socket->state == SIM_DISK) {
        out->st_mode = socket->node->mode;
        out->st_size = (off_t)socket->node->bytes;
        out->st_ino = socket->node->inode;
    }
    return 0;
}

static ssize_t sim_pread(int fd, void *buf, size_t bytes, int64_t offset)
{
    struct sim_socket *socket;
    int rc = offset < 0 ? -EINVAL : socket_get(fd, &socket);
    if (rc < 0)
        return rc;
    if (socket->state == SIM_DISK)
        return trace_transfer(buf, wf_sim_disk_read(socket, buf, bytes, offset));
    if (socket->state != SIM_FILE)
        return -ESPIPE;
    bytes = wf_sim_shorten(world_self(), bytes);
    return trace_transfer(buf, world_self()->host->pread(socket->host_fd, buf, bytes, offset));
}

static ssize_t sim_pwrite(int fd, const void *buf, size_t bytes, int64_t offset)
{
    struct sim_socket *file;
    int rc = offset < 0 ? -EINVAL : disk_get(fd, -ESPIPE, &file);
    return rc < 0 ? rc : trace_transfer(buf, wf_sim_disk_write(file, buf, bytes, offset));
}

static int sim_fsync(int fd)
{
    struct sim_socket *file;
    int rc = disk_get(fd, -EINVAL, &file);
    return rc < 0 ? rc : wf_sim_disk_sync(file);
}

/* There are no users. */
static int sim_set_access(const char *path, int mode, uid_t owner, gid_t group)
{
    (void)path;
    (void)mode;
    (void)owner;
    (void)group;
    return 0;
}

static int sim_truncate(int fd, int64_t bytes)
{
    struct sim_socket *file;
    int rc = disk_get(fd, -EINVAL, &file);
    return rc < 0 ? rc : wf_sim_disk_truncate(file, bytes);
}

static ssize_t sim_readdir(int fd, void *buf, size_t bytes)
{
    struct sim_socket *file;
    int rc = disk_get(fd, -ENOTDIR, &file);
    return rc < 0 ? rc : trace_transfer(buf, wf_sim_disk_readdir(file, buf, bytes));
}

static int sim_rename(const char *from, const char *to)
{
    return wf_sim_disk_rename(world_self(), from, to);
}

static int sim_mkdir(const char *path, int mode)
{
    return wf_sim_disk_mkdir(world_self(), path, mode);
}

static int sim_statx(int fd, const char *path, int flags, struct statx *out)
{
    struct sim_socket *file;
    if ((flags & AT_EMPTY_PATH) == 0 || path[0] != '\0')
        return wf_sim_disk_statx(world_self(), path, out);
    int rc = disk_get(fd, -EPERM, &file);
    if (rc == 0)
        wf_sim_node_statx(file->node, out);
    return rc;
}

static int sim_unlink_path(const char *path, int flags)
{
    int rc = wf_sim_disk_unlink(world_self(), path, flags);
    return rc == -ENOENT && flags == 0 ? wf_sim_name_unlink(world_self(), path) : rc;
}

static int sim_set_blocking(int fd, bool blocks)
{
    (void)blocks; /* calls never block, operations always wait */
    struct sim_socket *socket;
    return socket_get(fd, &socket);
}

static int sim_watch_make(void)
{
    return wf_sim_watch_open(world_self());
}

static int watch_get(int fd, struct sim_socket **out)
{
    int rc = socket_get(fd, out);
    return rc == 0 && (*out)->state != SIM_WATCH ? -EINVAL : rc;
}

static int sim_watch_put(int fd, const char *path, uint32_t mask)
{
    struct sim_socket *watch;
    int rc = watch_get(fd, &watch);
    return rc < 0 ? rc : wf_sim_watch_add(watch, path, mask);
}

static int sim_watch_drop(int fd, int id)
{
    struct sim_socket *watch;
    int rc = watch_get(fd, &watch);
    return rc < 0 ? rc : wf_sim_watch_remove(watch, id);
}

static int sim_process_start(const struct weft_process_plan *plan, int *out_pid, int *out_pidfd)
{
    (void)plan;
    (void)out_pid;
    (void)out_pidfd;
    return -EPERM;
}

static int sim_thread_start(weft_thread *out, void (*fn)(void *arg), void *arg, size_t stack_bytes)
{
    (void)out;
    (void)fn;
    (void)arg;
    (void)stack_bytes;
    return -EPERM;
}

static int sim_cpu_count(void)
{
    return 1;
}

static int sim_fd_limit(void)
{
    return 65536;
}

void wf_sim_platform_fill(weft_platform *table, const weft_platform *host)
{
    *table = (weft_platform){
        .name = "sim",
        .alloc = host->alloc,
        .realloc = host->realloc,
        .free = host->free,
        .now = sim_now,
        .wall = sim_wall,
        .random = sim_random,
        .advance = wf_sim_advance,
        .socket = sim_socket,
        .socketpair = sim_socketpair,
        .bind = sim_bind,
        .listen = sim_listen,
        .getsockname = sim_getsockname,
        .getpeername = sim_getpeername,
        .setsockopt = sim_setsockopt,
        .getsockopt = sim_getsockopt,
        .unacked = sim_unacked,
        .shutdown = sim_shutdown,
        .close = sim_close,
        .pipe = sim_pipe_open,
        .read = sim_read,
        .write = sim_write,
        .recv = sim_recv,
        .send = sim_send,
        .send_many = sim_send_many,
        .recv_many = sim_recv_many,
        .send_fds = sim_send_fds,
        .recv_fds = sim_recv_fds,
        .accept = sim_accept,
        .connect = sim_connect,
        .open = sim_open,
        .open_beneath = sim_open_beneath,
        .fstat = sim_fstat,
        .pread = sim_pread,
        .pwrite = sim_pwrite,
        .fsync = sim_fsync,
        .rename = sim_rename,
        .unlink = sim_unlink_path,
        .mkdir = sim_mkdir,
        .set_access = sim_set_access,
        .truncate = sim_truncate,
        .statx = sim_statx,
        .readdir = sim_readdir,
        .set_blocking = sim_set_blocking,
        .watch_open = sim_watch_make,
        .watch_add = sim_watch_put,
        .watch_remove = sim_watch_drop,
        .process_start = sim_process_start,
        .process_signal = host->process_signal, /* there are none */
        .process_reap = host->process_reap,
        .thread_start = sim_thread_start,
        .thread_join = host->thread_join, /* threads of before */
        .thread_yield = host->thread_yield,
        .cpu_count = sim_cpu_count,
        .fd_limit = sim_fd_limit,
    };
}
