/* SPDX-License-Identifier: MIT */

/*
 * Worker processes (rule B03).
 *
 *     the run  ── control ──  nursery   forked before the run has threads or descriptors; forks
 *        └─────── socket ───  worker    a worker on request, and reaps it on request
 *
 * worker_main.c is what the two kinds of children do; workers.c is the run's side.  A worker is
 * known by its socket: when that ends, it ends.  Its pid is its own until the nursery was asked to
 * reap it, so that no signal meets a stranger.
 */
#ifndef WF_WORKER_PRIV_H
#define WF_WORKER_PRIV_H

#include <weft/error.h>
#include <weft/run.h>

struct wf_sched;
struct wf_workers;

/* ---- what is said ---- */

enum wf_nursery_ask {
    WF_NURSERY_FORK, /* with the worker's socket */
    WF_NURSERY_REAP, /* of `pid`; answered by its status, an int32_t as in <weft/process.h> */
    WF_NURSERY_QUIT, /* reap all, who are about to end, and end */
};

struct wf_nursery_message {
    int32_t ask; /* enum wf_nursery_ask */
    int32_t pid;
};

/* A worker says its pid (int32_t), then answers requests: head, then `bytes` bytes, both ways. */
struct wf_worker_request {
    weft_fn *fn; /* the same address there: it was forked */
    uint64_t bytes;
    uint64_t is_shared; /* they do not follow: a descriptor of them came with the head */
};

struct wf_worker_answer {
    int32_t result;
    char text[WEFT_ERROR_TEXT_BYTES];
};

#define WF_WORKER_BYTES_MAX ((size_t)1 << 30)

/* ---- worker_main.c ---- */

/* Maps a file in memory: NULL if that cannot be. */
void *wf_shared_map(int fd, size_t bytes);

/* Sends the head of a request that has its bytes in `fd`.  -EAGAIN, -EPIPE …. */
int wf_worker_send_shared(int socket, const struct wf_worker_request *request, int fd);

/* Forks the nursery: 0, its pid and our end of the control socket, which does not block. */
int wf_nursery_fork(int *out_pid, int *out_control);

/* Sends a message, with a descriptor unless that is -1.  -EAGAIN, -EPIPE …. */
int wf_nursery_send(int control, enum wf_nursery_ask ask, int pid, int fd);

/* ---- workers.c ---- */

/* Before the loop is made, if the configuration wants workers; *out is NULL if not. */
int wf_workers_new(struct wf_workers **out, const weft_config *config);

/* What a body works on: copied there and back, or shared. */
struct wf_worker_buf {
    void *bytes;
    size_t byte_count;
    int fd; /* of what is shared */
    bool is_shared;
};

/* Runs fn on it in a worker. */
int wf_workers_run(weft_fn *fn, const struct wf_worker_buf *buf);

/* Ends all.  No task runs any more.  NULL is fine. */
void wf_workers_free(struct wf_workers *workers);

#endif
