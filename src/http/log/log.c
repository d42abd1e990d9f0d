/* SPDX-License-Identifier: MIT */

/*
 * The access log: lines are appended to one buffer while a task writes the other.  Neither waits
 * for the other: what has no room is counted instead.
 */

#include <weft/http_log.h>

#include "base/alloc.h"
#include "base/buf.h"
#include "http/log/log_line.h"

#include <weft/event.h>
#include <weft/io.h>
#include <weft/net.h>
#include <weft/scope.h>
#include <weft/task.h>

#define BYTES_MAX_DEFAULT ((size_t)256 * 1024)
#define CLOSE_TIME (5 * WEFT_SEC)

struct weft_http_log {
    wf_buf filling, writing;
    enum weft_http_log_form form;
    int fd;
    int next_fd;        /* in place of `fd`, when nothing is being written; < 0: none */
    weft_event moved;   /* it took the place */
    weft_event changed; /* there is something to write, another descriptor, or the end */
    weft_task task;
    uint64_t dropped, told; /* lines; of them those the log itself tells of */
};

/* A line is whole or not there. */
void weft_http_log_put(const weft_http_record *record, void *arg)
{
    weft_http_log *log = arg;
    wf_buf *out = &log->filling;
    size_t before = wf_buf_bytes(out);
    if (log->dropped != log->told && out->rc == 0) {
        uint64_t dropped = log->dropped;
        (void)wf_buf_printf(out, "{\"dropped\":%llu}\n", (unsigned long long)(dropped - log->told));
        if (out->rc == 0) {
            log->told = dropped;
            before = wf_buf_bytes(out);
        }
    }
    if (log->form == WEFT_HTTP_LOG_JSON)
        wf_log_line_json(out, record);
    else
        wf_log_line_text(out, record);
    if (out->rc < 0) {
        out->rc = 0;
        wf_buf_drop(out, wf_buf_bytes(out) - before);
        log->dropped++;
    }
    weft_event_set(&log->changed);
}

static void swap(weft_http_log *log)
{
    wf_buf filled = log->filling;
    log->filling = log->writing;
    log->writing = filled;
    wf_buf_reset(&log->filling);
}

static uint64_t count_lines(const char *text, size_t len)
{
    uint64_t count = 0;
    for (size_t i = 0; i < len; i++)
        count += text[i] == '\n';
    return count;
}

/* Writes what was swapped out; a cancel leaves the rest of it.  Another failure is no reason to
 * serve no longer. */
static int write_out(weft_http_log *log)
{
    wf_buf *out = &log->writing;
    ssize_t rc = weft_write_all(log->fd, wf_buf_ptr(out), wf_buf_bytes(out));
    if (rc < 0)
        wf_buf_consume(out, weft_progress());
    if (rc == -ECANCELED)
        return -ECANCELED;
    if (rc < 0)
        log->dropped += count_lines(wf_buf_ptr(out), wf_buf_bytes(out));
    wf_buf_reset(out);
    return 0;
}

static void take_next_fd(weft_http_log *log)
{
    if (log->next_fd < 0)
        return;
    log->fd = log->next_fd;
    log->next_fd = -1;
    weft_event_set(&log->moved);
}

/* Writes all there is. */
static int write_all(weft_http_log *log)
{
    int rc = 0;
    if (wf_buf_bytes(&log->writing) == 0)
        take_next_fd(log);
    while (rc == 0 && wf_buf_bytes(&log->writing) + wf_buf_bytes(&log->filling) != 0) {
        if (wf_buf_bytes(&log->writing) == 0)
            swap(log);
        rc = write_out(log);
        if (rc == 0)
            take_next_fd(log);
    }
    return rc;
}

/* Ends by a cancel; what it leaves, close writes. */
static int log_task(void *arg)
{
    weft_http_log *log = arg;
    int rc = 0;
    while (rc == 0) {
        weft_event_clear(&log->changed);
        rc = write_all(log);
        if (rc == 0)
            rc = weft_event_wait(&log->changed);
    }
    return rc == -ECANCELED ? 0 : rc;
}

int weft_http_log_open(weft_http_log **out, int fd, enum weft_http_log_form form, size_t bytes_max)
{
    weft_http_log *log = wf_alloc(sizeof *log);
    if (log == NULL)
        return -ENOMEM;
    log->fd = fd;
    log->next_fd = -1;
    log->form = form;
    log->filling.bytes_max = bytes_max != 0 ? bytes_max : BYTES_MAX_DEFAULT;
    log->writing.bytes_max = log->filling.bytes_max;
    log->task = weft_spawn(log_task, log);
    if (weft_done(log->task, NULL) < 0) { /* it carries the error */
        int rc = weft_await(log->task);
        wf_free(log);
        return rc;
    }
    *out = log;
    return 0;
}

int weft_http_log_move(weft_http_log *log, int fd)
{
    int rc = weft_check();
    if (rc < 0)
        return rc;
    if (log->next_fd >= 0)
        return -EBUSY;
    log->next_fd = fd;
    weft_event_clear(&log->moved);
    weft_event_set(&log->changed);
    rc = weft_event_wait(&log->moved);
    bool is_moved = log->next_fd != fd;
    if (rc < 0 && !is_moved)
        log->next_fd = -1;
    return is_moved ? 0 : rc;
}

uint64_t weft_http_log_dropped(const weft_http_log *log)
{
    return log->dropped;
}

void weft_http_log_close(weft_http_log *log)
{
    if (log == NULL)
        return;
    weft_scope cleanup;
    (void)weft_scope_open(&cleanup, weft_after(CLOSE_TIME), WEFT_SCOPE_SHIELD | WEFT_SCOPE_CLEANUP);
    (void)weft_cancel(log->task, "the access log is closed");
    (void)weft_await_for(log->task, WEFT_FOREVER);
    (void)write_all(log);
    (void)!weft_scope_close(&cleanup, 0);
    weft_release(log->task);
    wf_buf_fini(&log->filling);
    wf_buf_fini(&log->writing);
    wf_free(log);
}
