/* SPDX-License-Identifier: MIT */

/*
 * The simulated world: clock, chance, trace, and descriptors in memory.
 *
 *     sim.c           the world: options, seeded numbers, weft_sim_run
 *     sim_trace.c     what happened: its hash, and the last steps for a human
 *     sim_plan.c      plans as text
 *     sim_fault.c     what goes wrong at a time, and between which hosts
 *     sim_sweep.c     many seeds, the first failure made small, and the main() of a test
 *     sim_socket.c    descriptors and the life of sockets: bind, listen, connect, accept, close
 *     sim_name.c      addresses: ports, names of Unix sockets
 *     sim_link.c      one connection: bytes on their way, end of stream, reset
 *     sim_datagram.c  datagrams on their way, lost, doubled and out of order
 *     sim_platform.c  the platform table, which is how everybody else sees the world
 *     sim_disk.c      files and directories in memory
 *     sim_crash.c     what a power failure leaves of them
 *     sim_watch.c     who is told what happens to them
 *     backend/sim.c   operations that wait
 *
 * One world a thread, for all loops of its run.  A change that may let somebody go on marks the
 * socket dirty (wf_sim_wake); nothing is run from inside a call.  The back end looks at dirty
 * sockets when it polls.
 */
#ifndef WF_SIM_PRIV_H
#define WF_SIM_PRIV_H

#include <weft/sim.h>
#include <weft/sys/loop.h>
#include <weft/sys/platform.h>

#include "base/buf.h"
#include "base/list.h"
#include "core/sim/sim_trace.h"

#define SIM_FD_BASE (1 << 20)       /* above every descriptor the kernel gives out */
#define SIM_START (1000 * WEFT_SEC) /* the clock at the beginning; any number that is not 0 */
#define SIM_FDS_MAX 253             /* that one send takes along, as in the system */
#define SIM_CHUNK_BYTES 16384       /* the most a RECV_MANY gets at once */

enum sim_chance_kind {
    SIM_CHANCE_SHORT,
    SIM_CHANCE_WAIT,
    SIM_CHANCE_SLOW,
    SIM_CHANCE_RESET,
    SIM_CHANCE_LOST,
    SIM_CHANCE_DOUBLE,
    SIM_CHANCE_MEMORY,
    SIM_CHANCE_DISK,
};

/* Sockets with an internet address, by the last bits of their port: so many buckets that few share
 * one, however many sockets there are. */
struct sim_ports {
    wf_list *buckets; /* NULL: `first`, which are enough for most */
    uint32_t bucket_count, count;
    wf_list first[16];
};

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

/* Below `below` (> 0), evenly; true with the probability: then it goes wrong, and is counted; a
 * delay from 0 to the plan's limit. */
uint64_t wf_sim_below(struct sim_world *world, uint64_t below);
bool wf_sim_chance(struct sim_world *world, uint32_t ppm, enum sim_chance_kind what);
weft_time wf_sim_delay(struct sim_world *world);

/* Part of a transfer: `bytes`, or by chance fewer, but at least 1. */
size_t wf_sim_shorten(struct sim_world *world, size_t bytes);

/* The table: `host` serves memory. */
void wf_sim_platform_fill(weft_platform *table, const weft_platform *host);

void wf_sim_advance(weft_time to);
void wf_sim_random_bytes(struct sim_world *world, void *out, size_t bytes);

uint64_t wf_sim_hash_bytes(const void *bytes, size_t count);
uint64_t wf_sim_mix(uint64_t z);

/* The next world of this thread is made by this plan (borrowed; NULL: as its loop says); the plan
 * before. */
const weft_sim_options *wf_sim_plan_next(const weft_sim_options *plan);

/* Nothing is written to the outside by simulations of this thread; what was so before. */
bool wf_sim_set_quiet(bool is_quiet);
bool wf_sim_is_quiet(void);

/* ---- trace ---- */

int wf_sim_trace_open(struct sim_world *world);
void wf_sim_trace_close(struct sim_world *world);
void wf_sim_trace_add(struct sim_world *world, enum wf_sim_trace_kind kind, uint64_t a, uint64_t b);

/* Tells what is kept of it on standard error, under a line with seed, step and `what`. */
void wf_sim_trace_tell(const struct sim_world *world, const char *what);

/* ---- plan ---- */

/* As weft_sim_plan; `why` gets what is wrong. */
int wf_sim_plan_parse(weft_sim_options *plan, const char *text, char *why, size_t why_bytes);

/* ---- sockets ---- */

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

struct sim_addr {
    struct sockaddr_storage store;
    socklen_t bytes; /* 0: none */
};

/* True if they are the same host.  `a` and `b` are internet addresses. */
bool wf_sim_addr_same_host(const struct sim_addr *a, const struct sim_addr *b);

/* "10.0.0.1", "::1", with port 0; "" is no address (bytes 0).  -EINVAL. */
int wf_sim_addr_parse_host(const char *text, struct sim_addr *out);

struct sim_path {
    wf_list link;
    struct sim_addr addr;
    struct sim_socket *socket; /* NULL: closed, but the name is still there */
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
int wf_sim_unlink(struct sim_world *world, const char *path);

/* The host of the calling task; bytes 0: it has none. */
struct sim_addr wf_sim_host_self(void);

/* Gives a socket without a name one with a port of its own, on the way to `peer`. */
int wf_sim_socket_bind_for(struct sim_socket *socket, const struct sim_addr *peer);

/* ---- faults ---- */

/* -EINVAL: a fault of the plan makes no sense. */
int wf_sim_faults_check(const weft_sim_options *plan);
int wf_sim_faults_open(struct sim_world *world);
void wf_sim_faults_close(struct sim_world *world);

/* True while such a fault is on between two internet addresses (both NULL: it has no place); ends
 * at *out_until (may be NULL). */
bool wf_sim_fault_is_on(struct sim_world *world, int kind, const struct sim_addr *a,
                        const struct sim_addr *b, weft_time *out_until);

/* Bytes a second that travel between them; 0: no limit. */
uint64_t wf_sim_fault_rate(struct sim_world *world, const struct sim_addr *a,
                           const struct sim_addr *b);

/* There is a connection: those that break some are waited for. */
void wf_sim_faults_watch_links(struct sim_world *world);

/* ---- datagrams ---- */

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

/* ---- disk ---- */

/* A file or directory.  It lives as long as it has a name, a descriptor or a change that may be
 * undone.  Invariant: `durable` is what a power failure cannot take. */
struct sim_node {
    struct sim_node *parent; /* NULL: the root, or without a name */
    wf_list sibling, children;
    char *name;
    uint64_t inode;
    weft_time modified;
    uint32_t ref_count, mode, open_count;
    bool is_dir;
    char *data, *durable;
    size_t bytes, capacity, durable_bytes;
};

struct sim_node *wf_sim_node_ref(struct sim_node *node);
void wf_sim_node_unref(struct sim_world *world, struct sim_node *node);
void wf_sim_node_attach(struct sim_node *node, struct sim_node *parent, char *name);
char *wf_sim_node_detach(struct sim_node *node); /* its name, which is the caller's */
int wf_sim_node_resize(struct sim_world *world, struct sim_node *node, size_t bytes);

/* As the system calls.  -EIO and -ENOSPC by the plan. */
int wf_sim_disk_open(struct sim_socket *file, const char *path, int flags, int mode);

/* Below the directory `dir`: -EXDEV out of it. */
int wf_sim_disk_open_beneath(struct sim_socket *file, const struct sim_socket *dir,
                             const char *path, int flags);
ssize_t wf_sim_disk_read(struct sim_socket *file, void *buf, size_t bytes, int64_t offset);
ssize_t wf_sim_disk_write(struct sim_socket *file, const void *buf, size_t bytes, int64_t offset);
int wf_sim_disk_sync(struct sim_socket *file);
int wf_sim_disk_truncate(struct sim_socket *file, int64_t bytes);
ssize_t wf_sim_disk_readdir(struct sim_socket *file, void *buf, size_t bytes);
int wf_sim_disk_rename(struct sim_world *world, const char *from, const char *to);
int wf_sim_disk_unlink(struct sim_world *world, const char *path, int flags);
int wf_sim_disk_mkdir(struct sim_world *world, const char *path, int mode);
int wf_sim_disk_statx(struct sim_world *world, const char *path, struct statx *out);
int wf_sim_disk_find(struct sim_world *world, const char *path, struct sim_node **out);
void wf_sim_disk_leave(struct sim_socket *file); /* it is closed */
void wf_sim_node_statx(const struct sim_node *node, struct statx *out);
void wf_sim_disk_close(struct sim_world *world);

/* ---- watches of it ---- */

/* Something (IN_…) happened to the node, of which its directory is told too or not; to the name
 * `name` of it in `dir`; it may be gone now. */
void wf_sim_watch_node(struct sim_world *world, const struct sim_node *node, uint32_t mask);
void wf_sim_watch_self(struct sim_world *world, const struct sim_node *node, uint32_t mask);
void wf_sim_watch_name(struct sim_world *world, const struct sim_node *dir, const char *name,
                       const struct sim_node *node, uint32_t mask);
void wf_sim_watch_gone(struct sim_world *world, struct sim_node *node);

/* As the system calls, of a SIM_WATCH. */
int wf_sim_watch_add(struct sim_socket *watch, const char *path, uint32_t mask);
int wf_sim_watch_remove(struct sim_socket *watch, int id);
ssize_t wf_sim_watch_read(struct sim_socket *watch, void *buf, size_t bytes);
int wf_sim_watch_events(const struct sim_socket *watch);
void wf_sim_watch_close(struct sim_socket *watch);

/* ---- what a power failure leaves ---- */

/* Remembers that `node` is about to change its name: it comes from where it is (nowhere if new) to
 * `name` in `parent` (NULL: nowhere), where it takes the place of `replaced` (or NULL).  -ENOMEM.
 */
int wf_sim_change_note(struct sim_world *world, struct sim_node *node, struct sim_node *parent,
                       const char *name, struct sim_node *replaced);

void wf_sim_change_settle(struct sim_world *world, const struct sim_node *dir); /* it was synced */
void wf_sim_change_settle_all(struct sim_world *world);
int wf_sim_node_settle(struct sim_node *node); /* its bytes were */

/* ---- names ---- */

/* Gives the socket its address; port 0 picks one.  -EADDRINUSE, -EINVAL, -EAFNOSUPPORT, -ENOMEM. */
int wf_sim_name_bind(struct sim_socket *socket, const struct sockaddr *addr, socklen_t bytes);

void wf_sim_ports_init(struct sim_ports *ports);
void wf_sim_ports_fini(struct sim_ports *ports);
void wf_sim_name_release(struct sim_socket *socket);
void wf_sim_name_forget_all(struct sim_world *world); /* no socket has a name any more */

/* The socket that listens there: 0, -ECONNREFUSED, -ENOENT (no such path), -EINVAL, -EAFNOSUPPORT.
 * *out_addr is the address, also with the first two errors. */
int wf_sim_name_find(struct sim_world *world, int domain, const struct sockaddr *addr,
                     socklen_t bytes, struct sim_addr *out_addr, struct sim_socket **out);

/* Who receives datagrams for `to` from `from`, or NULL. */
struct sim_socket *wf_sim_name_find_receiver(struct sim_world *world, struct sim_addr *to,
                                             struct sim_addr *from);

/* Checks and copies.  -EINVAL, -EAFNOSUPPORT. */
int wf_sim_addr_read(int domain, const struct sockaddr *addr, socklen_t bytes,
                     struct sim_addr *out);

/* ---- links ---- */

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
struct sim_fault;
void wf_sim_links_break(struct sim_world *world, const struct sim_fault *fault);
bool wf_sim_fault_covers(const struct sim_fault *fault, const struct sim_addr *a,
                         const struct sim_addr *b);
int wf_sim_link_events(const struct sim_socket *socket);

#endif
