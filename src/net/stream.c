/* SPDX-License-Identifier: MIT */

/* A stream's record: made, failed, released; its deferred call and its deadline. */

#include "net/stream_priv.h"

#include <weft/sys/opened.h>

#include "base/alloc.h"
#include "base/list.h"
#include "base/sys.h"

#include <assert.h>
#include <stdio.h>

/* The owner's bytes follow the record. */
#define STREAM_HEAD_BYTES ((sizeof(struct weft_stream) + 15u) & ~(size_t)15u)

/* ---- what is told of one left open ---- */

static void stream_name(const void *object, char *out, size_t bytes)
{
    const weft_stream *stream = object;
    char peer[WEFT_ADDR_TEXT_BYTES];
    weft_addr addr;
    if (weft_stream_get_peer(stream, &addr) < 0 || weft_addr_format(&addr, peer, sizeof peer) < 0)
        snprintf(out, bytes, "%d", stream->fd);
    else
        snprintf(out, bytes, "%d to %s", stream->fd, peer);
}

static const weft_open_kind stream_kind = {"stream", "weft_stream_close()", stream_name};

void wf_stream_not_open(const weft_stream *stream)
{
    weft_closed(stream, NULL); /* whatever its kind: it may have been handed on */
}

/* ---- the end of the record ---- */

static void stream_wake_all(weft_stream *stream, int rc)
{
    struct wf_stream_reader *reader = stream->reader;
    struct wf_stream_writer *writer = stream->writer;
    stream->reader = NULL;
    stream->writer = NULL;
    if (reader != NULL)
        weft_wake(&reader->waiter, rc);
    if (writer != NULL)
        weft_wake(&writer->waiter, rc);
}

static void stream_free(weft_stream *stream)
{
    weft_waiter *closer = stream->closer;
    if (stream->kind->closed != NULL)
        stream->kind->closed(stream);
    wf_stream_bytes_free(stream->loop, &stream->in);
    wf_stream_bytes_free(stream->loop, &stream->out);
    wf_stream_bytes_free(stream->loop, &stream->sending);
    wf_stream_fds_close(stream);
    wf_filter_free(stream->filter);
    wf_free(stream);
    if (closer != NULL)
        weft_wake(closer, 0);
}

static void stream_gone(void *arg)
{
    weft_stream *stream = arg;
    stream->state = WF_STREAM_GONE;
    stream->fd = -1;
    stream_wake_all(stream, -EBADF);
    if (stream->users == 0)
        weft_defer_start(stream->loop, &stream->defer);
}

void wf_stream_leave(weft_stream *stream)
{
    assert(stream->users > 0);
    stream->users--;
    if (stream->users == 0 && stream->state == WF_STREAM_GONE)
        weft_defer_start(stream->loop, &stream->defer);
}

void wf_stream_release(weft_stream *stream)
{
    if (stream->state >= WF_STREAM_RELEASING)
        return;
    wf_stream_not_open(stream);
    wf_filter_stop(stream);
    if (stream->state != WF_STREAM_OPEN)
        weft_loop_ending(stream->loop, -1);
    stream->state = WF_STREAM_RELEASING;
    stream->chunk_bytes = 0;
    weft_timer_stop(stream->loop, &stream->timer);
    weft_defer_stop(stream->loop, &stream->defer);
    if (weft_fd_close(stream->loop, stream->fd, stream_gone, stream) != 0)
        stream_gone(stream);
}

void wf_stream_fail(weft_stream *stream, int rc)
{
    if (rc == -EAGAIN)
        rc = -ENOBUFS; /* too many operations: for good, and not "wait" */
    if (stream->error == 0)
        stream->error = rc;
    stream->hear_until = WEFT_FOREVER;
    wf_filter_stop(stream);
    wf_stream_bytes_free(stream->loop, &stream->out);
    if (stream->recv_op != NULL)
        weft_op_cancel(stream->loop, stream->recv_op);
    stream->tells = true;
    weft_defer_start(stream->loop, &stream->defer);
}

/* ---- the deferred call ---- */

static void stream_deferred(weft_defer *defer)
{
    weft_stream *stream = wf_container(defer, weft_stream, defer);
    if (stream->state == WF_STREAM_GONE) {
        if (stream->users == 0)
            stream_free(stream);
        return;
    }
    if (__builtin_expect(stream->filter != NULL, 0))
        wf_filter_begin(stream);
    wf_stream_flush(stream);
    if (stream->tells && stream->state == WF_STREAM_OPEN) {
        stream->tells = false;
        wf_stream_tell_input(stream);
    }
}

/* ---- the deadline ---- */

void wf_stream_arm(weft_stream *stream, weft_time at)
{
    if (at == WEFT_FOREVER)
        return;
    if (!weft_timer_is_running(&stream->timer) || at < stream->timer.deadline)
        weft_timer_start(stream->loop, &stream->timer, at);
}

static void stream_timer(weft_timer *timer)
{
    weft_stream *stream = wf_container(timer, weft_stream, timer);
    weft_time now = weft_loop_now(stream->loop);
    bool has_heard = stream->hear_until <= now, is_over = stream->deadline <= now;
    if (has_heard)
        wf_stream_fail(stream, stream->send_error);
    wf_stream_arm(stream, stream->hear_until); /* either may have been moved later meanwhile */
    if (!is_over) {
        wf_stream_arm(stream, stream->deadline);
        return;
    }
    stream->deadline = WEFT_FOREVER;
    if (stream->state != WF_STREAM_OPEN)
        wf_stream_end_expired(stream);
    else if (stream->kind->expired != NULL)
        stream->kind->expired(stream);
}

void weft_stream_set_deadline(weft_stream *stream, weft_time deadline)
{
    if (stream->state >= WF_STREAM_RELEASING)
        return;
    stream->deadline = deadline;
    wf_stream_arm(stream, deadline);
}

/* ---- open ---- */

int weft_stream_open(weft_stream **out, int fd, const weft_stream_kind *kind)
{
    weft_stream *stream = NULL;
    weft_loop *loop = weft_loop_self();
    int rc = -EPERM;
    if (loop == NULL)
        goto fail;
    rc = -ENOMEM;
    stream = wf_alloc(STREAM_HEAD_BYTES + kind->user_bytes);
    if (stream == NULL)
        goto fail;
    stream->loop = loop;
    stream->kind = kind;
    stream->fd = fd;
    stream->deadline = stream->hear_until = WEFT_FOREVER;
    stream->defer.fn = stream_deferred;
    weft_timer_init(&stream->timer, stream_timer);
    rc = kind->fd_count_max != 0 ? wf_stream_fds_open(stream, kind->fd_count_max) : 0;
    if (rc < 0)
        goto fail;
    wf_stream_update_reading(stream);
    rc = stream->error;
    if (rc < 0)
        goto fail;
    weft_opened(stream, &stream_kind);
    *out = stream;
    return 0;
fail:
    if (stream != NULL) {
        weft_defer_stop(loop, &stream->defer);
        wf_stream_fds_close(stream);
    }
    if (loop != NULL)
        (void)weft_fd_close(loop, fd, NULL, NULL);
    else
        wf_sys_close(fd);
    wf_free(stream);
    return rc;
}

/* ---- what it is ---- */

void *weft_stream_get_user(weft_stream *stream)
{
    return (char *)stream + STREAM_HEAD_BYTES;
}

weft_stream *weft_stream_of_user(void *user)
{
    return (weft_stream *)(void *)((char *)user - STREAM_HEAD_BYTES);
}

const weft_stream_kind *weft_stream_get_kind(const weft_stream *stream)
{
    return stream->kind;
}

void weft_stream_set_kind(weft_stream *stream, const weft_stream_kind *kind)
{
    stream->kind = kind;
    if (stream->state != WF_STREAM_OPEN)
        return;
    bool has_news = wf_stream_unread(stream) != 0 || stream->is_ended || stream->has_hung_up ||
                    stream->error != 0;
    if (has_news && kind->input != NULL) {
        stream->tells = true;
        weft_defer_start(stream->loop, &stream->defer);
    }
    wf_stream_update_reading(stream);
}

weft_loop *weft_stream_get_loop(const weft_stream *stream)
{
    return stream->loop;
}

int weft_stream_get_fd(const weft_stream *stream)
{
    return stream->fd;
}

bool weft_stream_is_ended(const weft_stream *stream)
{
    return stream->is_ended;
}

bool weft_stream_has_hung_up(const weft_stream *stream)
{
    return stream->is_ended || stream->has_hung_up;
}

int weft_stream_get_error(const weft_stream *stream)
{
    return stream->error;
}

const char *weft_stream_get_error_text(const weft_stream *stream)
{
    const weft_filter *filter = stream->filter;
    if (stream->error == 0 || filter == NULL || filter->filter_class->text == NULL)
        return "";
    return filter->filter_class->text(filter);
}

weft_str weft_stream_get_protocol(const weft_stream *stream)
{
    const weft_filter *filter = stream->filter;
    if (filter == NULL || filter->filter_class->protocol == NULL)
        return (weft_str){"", 0};
    return filter->filter_class->protocol(filter);
}

bool weft_stream_is_filtered(const weft_stream *stream)
{
    return stream->filter != NULL;
}

int weft_stream_get_peer(const weft_stream *stream, weft_addr *out)
{
    weft_addr peer = {0};
    socklen_t bytes = sizeof peer.storage;
    int rc = wf_sys_getpeername(stream->fd, (struct sockaddr *)&peer.storage, &bytes);
    if (rc < 0)
        return rc;
    peer.bytes = bytes;
    *out = peer;
    return 0;
}
