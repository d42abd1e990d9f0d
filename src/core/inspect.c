/* SPDX-License-Identifier: MIT */

#include "core/inspect.h"

#include "base/sys.h"
#include "core/backend/eventfd.h"
#include "core/posts.h"
#include "core/probe.h"
#include "core/sched_priv.h"

#include <poll.h>
#include <stdatomic.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/un.h>
#include <unistd.h>

/* IDLE -> ASKED by the watching thread, which sends the message; -> TOLD by the loop. */
enum inspect_state { INSPECT_IDLE, INSPECT_ASKED, INSPECT_TOLD };

#define INSPECT_PATIENCE_MS 1000 /* for the loop, and for who asks to read */

/* ---- on the loop ---- */

static void inspect_tell(weft_msg *msg)
{
    struct wf_inspect *inspect = (void *)((char *)msg - offsetof(struct wf_inspect, msg));
    wf_dump_tree(inspect->sched, &inspect->tree);
    atomic_store_explicit(&inspect->state, INSPECT_TOLD, memory_order_release);
    wf_eventfd_signal(inspect->wake_fd);
}

void wf_inspect_init(struct wf_inspect *inspect, struct wf_sched *sched, struct wf_probe *probe,
                     int wake_fd)
{
    inspect->sched = sched;
    inspect->probe = probe;
    inspect->wake_fd = wake_fd;
    inspect->msg.fn = inspect_tell;
}

void wf_inspect_fini(struct wf_inspect *inspect)
{
    while (atomic_load_explicit(&inspect->state, memory_order_acquire) == INSPECT_ASKED)
        (void)wf_posts_run(inspect->sched->loop);
    wf_buf_fini(&inspect->tree);
}

/* ---- on the watching thread ---- */

/* Fills the buffer with what the loop, or else the probe, has to say. */
static void inspect_describe(struct wf_inspect *inspect, wf_buf *out)
{
    struct wf_probe_answer answer;
    struct wf_probe_place place;
    wf_probe_find(inspect->probe, &place);
    wf_probe_ask(inspect->probe, place.where, &answer);
    wf_buf_printf(out, "loop on %s does not answer: task %s keeps it, %s; spawned: %s\n",
                  inspect->sched->loop->backend->name, answer.name, place.text, answer.site);
    for (int i = 0; i < answer.frame_count; i++) {
        char text[200];
        wf_probe_frame_text(answer.frames[i], text, sizeof text);
        wf_buf_printf(out, "  at %s\n", text);
    }
}

static bool inspect_is_told(struct wf_inspect *inspect)
{
    return atomic_load_explicit(&inspect->state, memory_order_acquire) == INSPECT_TOLD;
}

/* The tree, or why there is none. */
static const wf_buf *inspect_ask_loop(struct wf_inspect *inspect, wf_buf *instead)
{
    if (atomic_load_explicit(&inspect->state, memory_order_relaxed) == INSPECT_IDLE) {
        wf_buf_reset(&inspect->tree);
        atomic_store_explicit(&inspect->state, INSPECT_ASKED, memory_order_relaxed);
        weft_post_msg(inspect->sched->loop, &inspect->msg);
    }
    weft_time end = wf_sys_now() + INSPECT_PATIENCE_MS * WEFT_MS;
    while (!inspect_is_told(inspect) && wf_sys_now() < end) {
        struct pollfd wake = {.fd = inspect->wake_fd, .events = POLLIN};
        if (poll(&wake, 1, INSPECT_PATIENCE_MS) > 0)
            wf_eventfd_drain(inspect->wake_fd);
    }
    if (!inspect_is_told(inspect)) {
        inspect_describe(inspect, instead);
        return instead;
    }
    atomic_store_explicit(&inspect->state, INSPECT_IDLE, memory_order_relaxed);
    return &inspect->tree;
}

/* A socket connected to who asks, if that is our user or root; or -errno. */
static int inspect_connect(int pid)
{
    struct sockaddr_un addr = {.sun_family = AF_UNIX};
    int len = snprintf(addr.sun_path + 1, sizeof addr.sun_path - 1, WF_INSPECT_NAME, pid);
    socklen_t bytes = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)len);
    struct ucred peer;
    socklen_t peer_bytes = sizeof peer;
    int fd = wf_sys_socket(AF_UNIX, SOCK_STREAM, 0);
    if (fd < 0)
        return fd;
    int rc = wf_sys_connect(fd, (const struct sockaddr *)&addr, bytes);
    if (rc == 0)
        rc = wf_sys_getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &peer_bytes);
    if (rc == 0 && peer.uid != 0 && peer.uid != geteuid())
        rc = -EPERM;
    if (rc == 0)
        return fd;
    (void)wf_sys_close(fd);
    return rc;
}

static void inspect_send(int fd, const wf_buf *text)
{
    const char *at = wf_buf_ptr(text);
    size_t left = wf_buf_bytes(text);
    while (left > 0) {
        struct pollfd room = {.fd = fd, .events = POLLOUT};
        ssize_t count = wf_sys_send(fd, at, left, 0);
        if (count == -EAGAIN && poll(&room, 1, INSPECT_PATIENCE_MS) > 0)
            continue;
        if (count <= 0)
            return; /* who asked has gone, or does not read */
        at += count;
        left -= (size_t)count;
    }
}

void wf_inspect_answer(struct wf_inspect *inspect)
{
    int pid = wf_probe_asked(inspect->probe);
    int fd = pid != 0 ? inspect_connect(pid) : -1;
    if (fd < 0)
        return;
    wf_buf instead = {0};
    inspect_send(fd, inspect_ask_loop(inspect, &instead));
    wf_buf_fini(&instead);
    (void)wf_sys_close(fd);
}
