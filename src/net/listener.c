/* SPDX-License-Identifier: MIT */

/*
 * Listeners.  Told by callback or asked by a task, never both.
 *
 * Out of descriptors, an accept fails and the connection stays in the kernel's queue: without care
 * a loop would try again at once, for ever.  Here the descriptor held in reserve is given up to
 * take one peer and close it, so that it learns, and then the listener rests until a descriptor of
 * the loop is closed, at most 100 ms, doubling to 1 s.  The log says so once a second.
 */

#include "net/stream_priv.h"

#include <weft/error.h>
#include <weft/sys/opened.h>
#include <weft/task.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/sys.h"
#include "net/addr_priv.h"
#include "net/task_kind.h"

#include <assert.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/un.h>

#define LISTENER_BACKLOG 4096
#define LISTENER_REST_MIN (100 * WEFT_MS)
#define LISTENER_REST_MAX WEFT_SEC
#define LISTENER_QUIET WEFT_SEC /* between two lines in the log */

struct weft_listener {
    weft_loop *loop;
    weft_addr addr;
    int fd;
    int reserve_fd; /* given up to close a peer politely; -1: lost */
    weft_op *op;    /* ACCEPT_MANY under way, or NULL */
    weft_listener_fn *fn;
    void *arg;
    weft_timer timer;      /* the rest is over by its time ... */
    weft_defer freed;      /* ... or because a descriptor was closed */
    weft_time rest;        /* the last one; 0: none since a connection */
    weft_time quiet_until; /* nothing goes to the log before */
    weft_waiter *sleeper;  /* the task that rests */
    uint16_t users;        /* tasks inside accept */
    bool is_started;       /* tells `fn` */
    bool is_closed;        /* by weft_listener_close */
    bool is_released;      /* the descriptor is closed */
    bool owns_path;        /* the Unix socket file is ours to remove */
    bool takes_fds;
};

/* ---- shortage ---- */

static bool is_shortage(int rc)
{
    return rc == -EMFILE || rc == -ENFILE || rc == -ENOMEM || rc == -ENOBUFS || rc == -EAGAIN;
}

static int reserve_make(void)
{
    return wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
}

/* Takes one waiting peer with the reserve and closes it. */
static void shed_one(weft_listener *listener)
{
    if (listener->reserve_fd < 0)
        return;
    wf_sys_close(listener->reserve_fd);
    int peer = wf_sys_accept(listener->fd, NULL, NULL);
    if (peer >= 0)
        wf_sys_close(peer);
    listener->reserve_fd = reserve_make();
}

static void say_shortage(weft_listener *listener, int rc)
{
    char name[WEFT_ADDR_TEXT_BYTES];
    weft_time now = weft_loop_now(listener->loop);
    if (now < listener->quiet_until)
        return;
    listener->quiet_until = now + LISTENER_QUIET;
    if (weft_addr_format(&listener->addr, name, sizeof name) < 0)
        name[0] = 0;
    if (rc == -EMFILE)
        weft_log("%s takes no connections for now: %s; the limit is %d descriptors", name,
                 weft_strerror(rc), wf_sys_fd_limit());
    else
        weft_log("%s takes no connections for now: %s", name, weft_strerror(rc));
}

static weft_time next_rest(weft_listener *listener)
{
    weft_time rest = listener->rest != 0 ? listener->rest * 2 : LISTENER_REST_MIN;
    listener->rest = rest < LISTENER_REST_MAX ? rest : LISTENER_REST_MAX;
    return listener->rest;
}

static void accepted(weft_listener *listener)
{
    listener->rest = 0;
    if (listener->reserve_fd < 0)
        listener->reserve_fd = reserve_make();
}

static void listener_rest(weft_listener *listener)
{
    weft_time at = weft_loop_now(listener->loop) + next_rest(listener);
    weft_timer_start(listener->loop, &listener->timer, at);
    weft_defer_until_close(listener->loop, &listener->freed);
}

static void listener_rest_stop(weft_listener *listener)
{
    weft_timer_stop(listener->loop, &listener->timer);
    weft_defer_stop(listener->loop, &listener->freed);
}

static void listener_arm(weft_listener *listener);

static void sleeper_wake(weft_listener *listener, int rc)
{
    weft_waiter *sleeper = listener->sleeper;
    listener->sleeper = NULL;
    weft_wake(sleeper, rc);
}

static void listener_rested(weft_listener *listener)
{
    listener_rest_stop(listener);
    if (listener->sleeper != NULL)
        sleeper_wake(listener, 0);
    else
        listener_arm(listener);
}

static void listener_timer(weft_timer *timer)
{
    listener_rested(wf_container(timer, weft_listener, timer));
}

static void listener_freed(weft_defer *defer)
{
    listener_rested(wf_container(defer, weft_listener, freed));
}

/* ---- by callback ---- */

static void listener_failed(weft_listener *listener, int rc)
{
    if (is_shortage(rc)) {
        say_shortage(listener, rc);
        shed_one(listener);
    }
    listener_rest(listener);
}

static void listener_told(weft_op *op, const weft_completion *completion, void *arg)
{
    weft_listener *listener = arg;
    (void)op;
    if (completion->is_final)
        listener->op = NULL;
    if (completion->result >= 0) {
        accepted(listener);
        if (!listener->is_closed) /* also when stopped while it was on its way */
            listener->fn(listener, completion->result, listener->arg);
        else
            wf_sys_close(completion->result);
    } else if (listener->is_closed || !listener->is_started) {
        return; /* ended because we asked */
    } else if (completion->result == -ECANCELED) {
        listener_arm(listener); /* stopped and started again meanwhile */
    } else {
        listener_failed(listener, completion->result);
    }
}

static void listener_arm(weft_listener *listener)
{
    weft_op_args args = {.kind = WEFT_OP_ACCEPT_MANY, .fd = listener->fd};
    int rc = weft_op_start(listener->loop, &args, listener_told, listener, &listener->op);
    if (rc < 0) {
        listener->op = NULL;
        listener_failed(listener, rc);
    }
}

int weft_listener_start(weft_listener *listener, weft_listener_fn *fn, void *arg)
{
    if (listener->is_started || listener->users != 0)
        return -EBUSY;
    listener->is_started = true;
    listener->fn = fn;
    listener->arg = arg;
    if (listener->op == NULL)
        listener_arm(listener);
    return 0;
}

void weft_listener_stop(weft_listener *listener)
{
    listener->is_started = false;
    listener_rest_stop(listener);
    if (listener->op != NULL)
        weft_op_cancel(listener->loop, listener->op);
}

/* ---- by a task ---- */

static void rest_cancel(weft_waiter *waiter)
{
    weft_listener *listener = waiter->object;
    listener_rest_stop(listener);
    sleeper_wake(listener, -ECANCELED);
}

static const weft_wait_class rest_class = {.what = "accept (resting)", .cancel = rest_cancel};

static int sleep_at(weft_listener *listener, weft_waiter *sleeper)
{
    listener->sleeper = sleeper;
    listener_rest(listener);
    return weft_park(sleeper);
}

/* A sleep that weft_listener_close ends. */
static int task_rest(weft_listener *listener)
{
    int rc = weft_sp_enter();
    if (rc < 0 || listener->is_closed)
        return rc < 0 ? rc : -EBADF;
    weft_waiter self = WEFT_WAITER(&rest_class, listener);
    return sleep_at(listener, &self);
}

static int task_accept(weft_listener *listener, weft_stream **out)
{
    for (;;) {
        int rc = weft_op_wait(&(weft_op_args){.kind = WEFT_OP_ACCEPT, .fd = listener->fd});
        if (rc >= 0) {
            accepted(listener);
            rc = weft_stream_open(
                out, rc, listener->takes_fds ? wf_stream_unix_kind() : wf_stream_task_kind());
        }
        if (!is_shortage(rc))
            return rc;
        say_shortage(listener, rc);
        shed_one(listener);
        rc = task_rest(listener);
        if (rc < 0)
            return rc;
    }
}

static void listener_drop(weft_listener *listener)
{
    if (!listener->is_closed || !listener->is_released || listener->users != 0)
        return;
    wf_sys_close(listener->reserve_fd);
    wf_free(listener);
}

int weft_listener_accept(weft_listener *listener, weft_stream **out)
{
    WEFT_TRY(weft_loop_check(listener->loop, "listener"));
    if (listener->is_started || listener->users != 0)
        return -EBUSY;
    listener->users++;
    int rc = task_accept(listener, out);
    listener->users--;
    listener_drop(listener);
    return rc;
}

/* ---- open and close ---- */

static bool is_socket_file(const char *path)
{
    struct stat status;
    int fd = wf_sys_open(path, O_PATH | O_NOFOLLOW, 0);
    if (fd < 0)
        return false;
    int rc = wf_sys_fstat(fd, &status);
    wf_sys_close(fd);
    return rc == 0 && S_ISSOCK(status.st_mode);
}

/* The file that a dead process left: nobody answers there.  0 if it is gone now. */
static int unlink_left_over(const weft_addr *addr)
{
    struct sockaddr_un un = {0};
    memcpy(&un, &addr->storage, addr->bytes < sizeof un ? addr->bytes : sizeof un);
    if (!is_socket_file(un.sun_path)) /* a connect would be refused there too */
        return -EADDRINUSE;
    int fd = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int rc = wf_sys_connect(fd, (const struct sockaddr *)&addr->storage, addr->bytes);
    wf_sys_close(fd);
    return rc == -ECONNREFUSED ? wf_sys_unlink(un.sun_path) : -EADDRINUSE;
}

static bool has_path(const weft_addr *addr)
{
    struct sockaddr_un un = {0};
    memcpy(&un, &addr->storage, addr->bytes < sizeof un ? addr->bytes : sizeof un);
    return un.sun_family == AF_UNIX && un.sun_path[0] != '\0';
}

static int listener_bind(int fd, const weft_addr *addr, const weft_listen_options *options)
{
    int on = 1, rc;
    if (addr->storage.ss_family != AF_UNIX) {
        rc = wf_sys_setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
        if (rc < 0)
            return rc;
        if (options->is_port_shared) {
            rc = wf_sys_setsockopt(fd, SOL_SOCKET, SO_REUSEPORT, &on, sizeof on);
            if (rc < 0)
                return rc;
        }
        /* Connections inherit it: no call for each. */
        rc = wf_stream_no_delay(fd, addr->storage.ss_family);
        if (rc < 0)
            return rc;
    }
    const struct sockaddr *name = (const struct sockaddr *)&addr->storage;
    rc = wf_sys_bind(fd, name, addr->bytes);
    if (rc == -EADDRINUSE && has_path(addr) && unlink_left_over(addr) == 0)
        rc = wf_sys_bind(fd, name, addr->bytes);
    return rc;
}

/* Before it listens nobody can connect, so nobody gets in whom the final permissions keep out. */
static int listener_set_access(const weft_addr *addr, const weft_listen_options *options)
{
    struct sockaddr_un un = {0};
    if (!has_path(addr) || (options->mode == 0 && !options->has_owner))
        return 0;
    memcpy(&un, &addr->storage, addr->bytes < sizeof un ? addr->bytes : sizeof un);
    return wf_sys_set_access(un.sun_path, options->mode != 0 ? (int)options->mode : -1,
                             options->has_owner ? options->owner : (uid_t)-1,
                             options->has_owner ? options->group : (gid_t)-1);
}

static int listener_begin(weft_listener *listener, const weft_addr *addr,
                          const weft_listen_options *options)
{
    int rc = wf_sys_socket(addr->storage.ss_family, SOCK_STREAM, 0);
    if (rc < 0)
        return rc;
    listener->fd = rc;
    rc = listener_bind(listener->fd, addr, options);
    if (rc < 0)
        return rc;
    listener->owns_path = has_path(addr);
    rc = listener_set_access(addr, options);
    if (rc < 0)
        return rc;
    rc = wf_sys_listen(listener->fd, options->backlog != 0 ? options->backlog : LISTENER_BACKLOG);
    if (rc < 0)
        return rc;
    socklen_t bytes = sizeof listener->addr.storage;
    rc = wf_sys_getsockname(listener->fd, (struct sockaddr *)&listener->addr.storage, &bytes);
    if (rc < 0)
        return rc;
    listener->addr.bytes = bytes;
    rc = reserve_make();
    if (rc < 0)
        return rc;
    listener->reserve_fd = rc;
    return 0;
}

static void listener_remove_path(const weft_listener *listener)
{
    struct sockaddr_un un = {0};
    if (!listener->owns_path)
        return;
    memcpy(&un, &listener->addr.storage, sizeof un);
    (void)wf_sys_unlink(un.sun_path);
}

static void listener_name(const void *object, char *out, size_t bytes)
{
    const weft_listener *listener = object;
    char addr[WEFT_ADDR_TEXT_BYTES];
    if (weft_addr_format(&listener->addr, addr, sizeof addr) >= 0)
        snprintf(out, bytes, "on %s", addr);
}

static const weft_open_kind listener_kind = {"listener", "weft_listener_close()", listener_name};

int weft_listener_open(weft_listener **out, const weft_addr *addr,
                       const weft_listen_options *options)
{
    weft_listen_options chosen = options != NULL ? *options : (weft_listen_options){0};
    weft_loop *loop = weft_loop_self();
    if (loop == NULL)
        return -EPERM;
    weft_listener *listener = wf_alloc(sizeof *listener);
    if (listener == NULL)
        return -ENOMEM;
    listener->loop = loop;
    listener->fd = -1;
    listener->reserve_fd = -1;
    listener->addr = *addr;
    listener->takes_fds = chosen.takes_fds;
    weft_timer_init(&listener->timer, listener_timer);
    listener->freed.fn = listener_freed;
    int rc = listener_begin(listener, addr, &chosen);
    if (rc < 0) {
        listener_remove_path(listener);
        wf_sys_close(listener->fd);
        wf_free(listener);
        return wf_addr_fail(rc, "listen on", addr);
    }
    weft_opened(listener, &listener_kind);
    *out = listener;
    return 0;
}

const weft_addr *weft_listener_get_addr(const weft_listener *listener)
{
    return &listener->addr;
}

static void listener_released(void *arg)
{
    weft_listener *listener = arg;
    listener->is_released = true;
    listener_drop(listener);
}

void weft_listener_close(weft_listener *listener)
{
    if (listener == NULL)
        return;
    assert(!listener->is_closed);
    weft_closed(listener, &listener_kind);
    listener->is_closed = true;
    listener_rest_stop(listener);
    listener_remove_path(listener);
    if (listener->sleeper != NULL)
        sleeper_wake(listener, -EBADF);
    if (weft_fd_close(listener->loop, listener->fd, listener_released, listener) != 0)
        listener_released(listener);
}
