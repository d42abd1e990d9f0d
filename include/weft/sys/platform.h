/* SPDX-License-Identifier: MIT */

/*
 * Platform: the one table through which Weft reaches the outside.  Memory, clocks, chance,
 * descriptors, files and threads are called here and nowhere else, so that the simulator can stand
 * in for all of it and a test can fail any of it.
 *
 * Calls that can fail return >= 0 or -errno and never -EINTR.  The host's table is the default;
 * each thread may have another (the simulator installs its own for the time of a run).
 */
#ifndef WEFT_SYS_PLATFORM_H
#define WEFT_SYS_PLATFORM_H

#include <weft/base.h>

#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/types.h>

WEFT_BEGIN_DECLS

struct statx;   /* of <sys/stat.h> */
struct mmsghdr; /* of <sys/socket.h> */

typedef struct weft_thread {
    unsigned long priv_id;
} weft_thread;

/* How to start a program; see <weft/process.h>. */
struct weft_process_plan {
    const char *const *argv, *const *env; /* env NULL: ours */
    const char *cwd;                      /* NULL: ours */
    int fds[3];                           /* what becomes its 0, 1, 2; -1: ours */
    bool has_group, wants_pidfd;
};

typedef struct weft_platform {
    const char *name;

    /* Memory.  alloc gives zeroed bytes; bytes > 0. */
    void *(*alloc)(size_t bytes);
    void *(*realloc)(void *ptr, size_t bytes);
    void (*free)(void *ptr);

    /* Time and chance. */
    weft_time (*now)(void);  /* monotonic */
    weft_time (*wall)(void); /* since 1970-01-01 UTC; for logs and records only */
    int (*random)(void *out, size_t bytes);

    /* NULL: time passes by itself.  Otherwise the clock is virtual: a loop that has nothing to do
     * moves it to the next deadline instead of waiting. */
    void (*advance)(weft_time to);

    /* Descriptors.  What is made here is close-on-exec, and non-blocking where it is a socket. */
    int (*socket)(int domain, int type, int protocol);
    int (*socketpair)(int domain, int type, int protocol, int out_fds[2]);
    int (*bind)(int fd, const struct sockaddr *addr, socklen_t addr_bytes);
    int (*listen)(int fd, int backlog);
    int (*getsockname)(int fd, struct sockaddr *out, socklen_t *addr_bytes);
    int (*getpeername)(int fd, struct sockaddr *out, socklen_t *addr_bytes);
    int (*setsockopt)(int fd, int level, int name, const void *value, socklen_t bytes);
    int (*getsockopt)(int fd, int level, int name, void *out, socklen_t *bytes);
    int (*shutdown)(int fd, int how);
    int (*close)(int fd);
    int (*pipe)(int out_fds[2]); /* both ends non-blocking */

    /* Transfers that may return -EAGAIN; they never raise SIGPIPE. */
    ssize_t (*read)(int fd, void *buf, size_t bytes);
    ssize_t (*write)(int fd, const void *buf, size_t bytes);
    ssize_t (*recv)(int fd, void *buf, size_t bytes, int flags);
    ssize_t (*send)(int fd, const void *buf, size_t bytes, int flags);
    int (*send_many)(int fd, struct mmsghdr *messages, unsigned count); /* datagrams: how many */
    int (*recv_many)(int fd, struct mmsghdr *messages, unsigned count); /* the same */

    /* Bytes with descriptors, over a connected Unix socket.  recv_fds takes at most *count, and
     * says how many came.  -EMSGSIZE: more came; -EMFILE: no number was free.  Then all are closed.
     */
    ssize_t (*send_fds)(int fd, const void *buf, size_t bytes, const int *fds, size_t count);
    ssize_t (*recv_fds)(int fd, void *buf, size_t bytes, int *fds, size_t *count);

    ssize_t (*send_file)(int fd, int file, int64_t offset, size_t bytes); /* a file's bytes to a
                               socket; never waits for a disk: -ENODATA, read them.  May be NULL */
    int (*unacked)(int fd); /* a stream socket's bytes that the kernel holds for the peer: TCP, not
                               acknowledged; a Unix socket, the memory of what is not read */
    int (*accept)(int fd, struct sockaddr *out, socklen_t *addr_bytes);
    int (*connect)(int fd, const struct sockaddr *addr, socklen_t addr_bytes);

    /* Files. */
    int (*open)(const char *path, int flags, int mode);
    int (*open_beneath)(int dir, const char *path, int flags, unsigned how); /* weft_open_beneath;
                               WEFT_BENEATH_CACHED: -EAGAIN rather than wait for a disk */
    int (*fstat)(int fd, struct stat *out);
    ssize_t (*pread)(int fd, void *buf, size_t bytes, int64_t offset);
    ssize_t (*pwrite)(int fd, const void *buf, size_t bytes, int64_t offset);
    ssize_t (*read_cached)(int fd, void *buf, size_t bytes, int64_t offset); /* never waits for a
                               disk: -EAGAIN; offset -1: the descriptor's position.  May be NULL */
    int (*fsync)(int fd);
    int (*rename)(const char *from, const char *to);
    int (*unlink)(const char *path, int flags); /* AT_REMOVEDIR: a directory */
    int (*mkdir)(const char *path, int mode);
    int (*set_access)(const char *path, int mode, uid_t owner, gid_t group); /* -1: as it is */
    int (*truncate)(int fd, int64_t bytes);
    int (*statx)(int fd, const char *path, int flags, struct statx *out); /* basic fields */
    ssize_t (*readdir)(int fd, void *buf, size_t bytes); /* entries as getdents64 gives them */
    int (*set_blocking)(int fd, bool blocks);

    /* Watching files: an inotify descriptor that does not block, and what it watches. */
    int (*watch_open)(void);
    int (*watch_add)(int fd, const char *path, uint32_t mask);
    int (*watch_remove)(int fd, int id);

    /* Processes.  Starting waits until the program runs or cannot.  *out_pidfd may be -1.  Reaping
     * gives -EAGAIN while it runs, unless it waits, and the status as <weft/process.h> has it. */
    int (*process_start)(const struct weft_process_plan *plan, int *out_pid, int *out_pidfd);
    int (*process_signal)(int pid, bool is_group, int signal_number);
    int (*process_reap)(int pid, bool waits, int *out_status);

    /* Threads.  `fn` runs with every signal blocked.  One that will set a future a loop waits for
     * needs weft_loop_hold() meanwhile: these are the run's own. */
    int (*thread_start)(weft_thread *out, void (*fn)(void *arg), void *arg, size_t stack_bytes);
    void (*thread_join)(weft_thread thread);
    void (*thread_yield)(void);      /* lets another thread have the processor */
    int (*other_thread_count)(void); /* of this process, not made by thread_start, the program's
                               first among them; never too few; or -errno.  May be NULL */
    int (*cpu_count)(void);          /* processors this process may use, >= 1 */

    /* Descriptors this process may have open, >= 1. */
    int (*fd_limit)(void);
} weft_platform;

/* The host's table, and the calling thread's current one (any thread). */
WEFT_API extern const weft_platform weft_platform_host;
WEFT_API const weft_platform *weft_platform_get(void);

/* Makes `platform` (borrowed; NULL: the host's) the calling thread's.  Returns the one before. */
WEFT_API const weft_platform *weft_platform_set(const weft_platform *platform);

WEFT_END_DECLS

#endif
