/* SPDX-License-Identifier: MIT */

/* Streams for tasks: the same record, and a task parked on one of its sides. */

#include "net/stream_priv.h"

#include <weft/error.h>
#include <weft/task.h>

#include "base/list.h"
#include "base/sys.h"
#include "net/addr_priv.h"
#include "net/task_kind.h"

#include <assert.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <string.h>

#define CLOSE_FLUSH_MAX (5 * WEFT_SEC)

/* Of streams that only tasks use. */
static const weft_stream_kind task_kind;

const weft_stream_kind *wf_stream_task_kind(void)
{
    return &task_kind;
}

/* ---- waiting ---- */

static void reader_cancel(weft_waiter *waiter)
{
    struct wf_stream_reader *reader = wf_container(waiter, struct wf_stream_reader, waiter);
    reader->stream->reader = NULL;
    weft_wake(waiter, -ECANCELED);
}

static void writer_cancel(weft_waiter *waiter)
{
    struct wf_stream_writer *writer = wf_container(waiter, struct wf_stream_writer, waiter);
    writer->stream->writer = NULL;
    weft_wake(waiter, -ECANCELED);
}

static const weft_wait_class reader_class = {.what = "stream read", .cancel = reader_cancel};
static const weft_wait_class writer_class = {.what = "stream write", .cancel = writer_cancel};
static const weft_wait_class closer_class = {.what = "stream close"};

/* Parks until somebody wakes the reader or writer.  After an error the stream may be gone. */
static int park_at(weft_stream *stream, weft_waiter *waiter)
{
    stream->users++;
    int rc = weft_park(waiter);
    bool is_open = stream->state == WF_STREAM_OPEN;
    if (rc < 0 && rc == stream->error)
        (void)wf_stream_say_error(stream);
    wf_stream_leave(stream);
    return rc == 0 && !is_open ? -EBADF : rc;
}

static int park_reader(weft_stream *stream, struct wf_stream_reader *reader)
{
    assert(stream->reader == NULL);
    stream->reader = reader;
    weft_stream_read_on(stream);
    return park_at(stream, &reader->waiter);
}

static int park_writer(weft_stream *stream, struct wf_stream_writer *writer)
{
    assert(stream->writer == NULL);
    stream->writer = writer;
    return park_at(stream, &writer->waiter);
}

/* Parks until there is input: > 0 that many bytes are in `buf`, 0 look again, or an error. */
static int wait_for_input(weft_stream *stream, void *buf, size_t bytes)
{
    struct wf_stream_reader self = {
        .waiter = WEFT_WAITER(&reader_class, stream),
        .stream = stream,
        .buf = buf,
        .bytes = bytes,
    };
    return park_reader(stream, &self);
}

/* Parks until at most `until` bytes are unsent: 0, or an error. */
static int wait_for_room(weft_stream *stream, size_t until)
{
    struct wf_stream_writer self = {
        .waiter = WEFT_WAITER(&writer_class, stream),
        .stream = stream,
        .until = until,
    };
    return park_writer(stream, &self);
}

static int reader_enter(weft_stream *stream)
{
    WEFT_TRY(weft_loop_check(stream->loop, "stream"));
    WEFT_TRY(weft_sp_enter());
    if (stream->state != WF_STREAM_OPEN)
        return -EBADF;
    return stream->reader != NULL ? -EBUSY : 0;
}

int wf_stream_writer_enter(weft_stream *stream)
{
    WEFT_TRY(weft_loop_check(stream->loop, "stream"));
    WEFT_TRY(weft_sp_enter());
    if (stream->state != WF_STREAM_OPEN)
        return -EBADF;
    return stream->writer != NULL ? -EBUSY : 0;
}

int wf_stream_say_error(weft_stream *stream)
{
    stream->has_said_error = true;
    return weft_fail(stream->error, "%s", weft_stream_get_error_text(stream));
}

int wf_stream_wait_change(weft_stream *stream)
{
    int rc = reader_enter(stream);
    if (rc == 0 && stream->error == 0)
        rc = wait_for_input(stream, NULL, 0);
    return rc == 0 && stream->error != 0 ? wf_stream_say_error(stream) : rc;
}

/* ---- reading ---- */

/* What has arrived, without waiting: a count, 0 at the end, an error, or -EAGAIN. */
static ssize_t take_input(weft_stream *stream, void *buf, size_t bytes)
{
    weft_str input = weft_stream_get_input(stream);
    if (input.len != 0) {
        size_t count = bytes < input.len ? bytes : input.len;
        memcpy(buf, input.ptr, count);
        weft_stream_consume(stream, count);
        return (ssize_t)count;
    }
    if (stream->is_ended)
        return 0;
    return stream->error != 0 ? wf_stream_say_error(stream) : -EAGAIN;
}

/* After the entry checks of a suspension point. */
static ssize_t read_some(weft_stream *stream, void *buf, size_t bytes)
{
    for (;;) {
        ssize_t count = take_input(stream, buf, bytes);
        if (count != -EAGAIN)
            return count;
        int rc = wait_for_input(stream, buf, bytes < INT32_MAX ? bytes : INT32_MAX);
        if (rc != 0)
            return rc;
    }
}

ssize_t weft_stream_read(weft_stream *stream, void *buf, size_t bytes)
{
    int rc = reader_enter(stream);
    if (rc < 0 || bytes == 0)
        return rc;
    return read_some(stream, buf, bytes);
}

ssize_t weft_stream_read_exact(weft_stream *stream, void *buf, size_t bytes)
{
    size_t done = 0;
    ssize_t rc = 0;
    weft_progress_set(0);
    while (done < bytes) {
        rc = weft_stream_read(stream, (char *)buf + done, bytes - done);
        if (rc <= 0)
            break;
        done += (size_t)rc;
    }
    weft_progress_set(done);
    if (done == bytes)
        return (ssize_t)bytes;
    if (rc < 0)
        return rc;
    return weft_fail(-WEFT_ETRUNCATED, "stream: ended after %zu of %zu bytes", done, bytes);
}

/* Waits until there is more input than `seen`: 1; 0 at the end; or an error. */
static int wait_for_more(weft_stream *stream, size_t seen)
{
    for (;;) {
        if (wf_stream_unread(stream) > seen)
            return 1;
        if (stream->is_ended)
            return 0;
        if (stream->error != 0)
            return wf_stream_say_error(stream);
        int rc = wait_for_input(stream, NULL, 0);
        if (rc < 0)
            return rc;
    }
}

ssize_t weft_stream_peek(weft_stream *stream, size_t bytes, weft_str *out)
{
    if (bytes > wf_stream_mark(stream->kind->input_high, WF_STREAM_INPUT_HIGH))
        return -EINVAL;
    int rc = reader_enter(stream);
    if (rc < 0)
        return rc;
    while (wf_stream_unread(stream) < bytes) {
        rc = wait_for_more(stream, wf_stream_unread(stream));
        if (rc < 0)
            return rc;
        if (rc == 0)
            break;
    }
    *out = weft_stream_get_input(stream);
    return (ssize_t)out->len;
}

/* Bytes up to and with the delimiter in the first `limit`, or 0.  Looks from `from` on. */
static size_t find_delimiter(weft_str input, size_t from, weft_str delim, size_t limit)
{
    size_t end = input.len < limit ? input.len : limit;
    if (from > end)
        return 0;
    const char *at = memmem(input.ptr + from, end - from, delim.ptr, delim.len);
    return at != NULL ? (size_t)(at - input.ptr) + delim.len : 0;
}

ssize_t weft_stream_peek_until(weft_stream *stream, weft_str delim, size_t limit, weft_str *out)
{
    uint32_t high = wf_stream_mark(stream->kind->input_high, WF_STREAM_INPUT_HIGH);
    size_t seen = 0;
    if (delim.len == 0 || limit > high)
        return -EINVAL;
    int rc = reader_enter(stream);
    if (rc < 0)
        return rc;
    for (;;) {
        weft_str input = weft_stream_get_input(stream);
        size_t from = seen >= delim.len ? seen - delim.len + 1 : 0;
        size_t found = input.len != 0 ? find_delimiter(input, from, delim, limit) : 0;
        if (found != 0) {
            *out = (weft_str){input.ptr, found};
            return (ssize_t)found;
        }
        seen = input.len;
        if (seen >= limit)
            return weft_fail(-WEFT_ELIMIT, "stream: no delimiter in %zu bytes, the limit is %zu",
                             seen, limit);
        rc = wait_for_more(stream, seen);
        if (rc < 0)
            return rc;
        if (rc == 0 && seen == 0)
            return 0;
        if (rc == 0)
            return weft_fail(-WEFT_ETRUNCATED, "stream: ended after %zu bytes of a line", seen);
    }
}

/* ---- writing ---- */

/* Takes a part that fits under the high mark, after waiting for room if there is none. */
static ssize_t write_part(weft_stream *stream, const char *bytes, size_t count)
{
    uint32_t high = wf_stream_mark(stream->kind->output_high, WF_STREAM_OUTPUT_HIGH);
    uint32_t low = wf_stream_mark(stream->kind->output_low, WF_STREAM_OUTPUT_LOW);
    int rc = wf_stream_writer_enter(stream);
    if (rc == 0 && wf_stream_unsent(stream) >= high && stream->error == 0)
        rc = wait_for_room(stream, low);
    if (rc < 0)
        return rc;
    ssize_t sealed = stream->filter != NULL ? wf_filter_write(stream, bytes, count) : 0;
    if (sealed != 0)
        return sealed > 0 ? sealed : wf_stream_say_error(stream);
    uint32_t unsent = wf_stream_unsent(stream);
    size_t room = unsent < high ? high - unsent : 0;
    if (count > room && room != 0)
        count = room;
    rc = weft_stream_put(stream, bytes, count);
    if (rc < 0)
        return rc == stream->error ? wf_stream_say_error(stream) : rc;
    return (ssize_t)count;
}

int weft_stream_write(weft_stream *stream, const void *buf, size_t bytes)
{
    const char *at = buf;
    size_t left = bytes;
    ssize_t rc = 0;
    weft_progress_set(0);
    do {
        rc = write_part(stream, at, left);
        if (rc > 0) {
            at += rc;
            left -= (size_t)rc;
        }
    } while (left > 0 && (rc >= 0 || rc == -EAGAIN));
    weft_progress_set(bytes - left);
    return rc < 0 ? (int)rc : 0;
}

int weft_stream_flush(weft_stream *stream)
{
    int rc = wf_stream_writer_enter(stream);
    if (rc == 0 && stream->error != 0)
        return wf_stream_say_error(stream);
    if (rc == 0 && (wf_stream_unsent(stream) != 0 || wf_stream_is_hearing(stream)))
        rc = wait_for_room(stream, 0);
    return rc;
}

int weft_stream_shutdown(weft_stream *stream)
{
    int rc = weft_stream_flush(stream);
    if (rc < 0 || stream->is_shut)
        return rc;
    if (wf_filter_finish(stream)) {
        rc = wait_for_room(stream, 0);
        if (rc < 0)
            return rc;
    }
    rc = wf_sys_shutdown(stream->fd, SHUT_WR);
    if (rc < 0)
        return rc;
    stream->is_shut = true;
    return 0;
}

/* ---- the end ---- */

struct close_wait {
    struct wf_stream_writer writer;
    weft_timer timer;
};

static void close_timer(weft_timer *timer)
{
    struct close_wait *wait = wf_container(timer, struct close_wait, timer);
    wait->writer.stream->writer = NULL;
    weft_wake(&wait->writer.waiter, -ETIMEDOUT);
}

/* Flushes, also if the task is cancelled, but for a bounded time. */
static int park_flush(weft_stream *stream, struct close_wait *wait)
{
    weft_timer_init(&wait->timer, close_timer);
    weft_timer_start(stream->loop, &wait->timer, weft_after(CLOSE_FLUSH_MAX));
    stream->writer = &wait->writer;
    stream->users++;
    int rc = weft_park_shielded(&wait->writer.waiter);
    weft_timer_stop(stream->loop, &wait->timer);
    wf_stream_leave(stream);
    return rc;
}

static int close_flush(weft_stream *stream)
{
    struct close_wait wait = {
        .writer = {.waiter = WEFT_WAITER(&closer_class, stream), .stream = stream, .until = 0}};
    if (stream->writer != NULL) { /* another task: it must not write what we will not wait for */
        weft_wake(&stream->writer->waiter, -EBADF);
        stream->writer = NULL;
    }
    bool was_shut = stream->is_shut;
    stream->is_shut = true;
    if (stream->error != 0 || stream->send_error != 0)
        return stream->error != 0 ? stream->error : stream->send_error;
    bool has_more = !was_shut && wf_filter_finish(stream);
    if (!has_more && wf_stream_unsent(stream) == 0)
        return 0;
    return park_flush(stream, &wait);
}

static void park_release(weft_stream *stream, weft_waiter *closer)
{
    stream->closer = closer;
    wf_stream_release(stream);
    (void)weft_park_shielded(closer);
}

/* Who was told why may be on its way up with that, in words of its own (rule E05). */
static int close_say(weft_stream *stream, int rc)
{
    bool has_words = rc == stream->error && weft_stream_get_error_text(stream)[0] != '\0';
    return has_words && !stream->has_said_error ? wf_stream_say_error(stream) : rc;
}

int weft_stream_close(weft_stream *stream)
{
    if (stream == NULL)
        return 0;
    if (weft_self().id == 0) {
        weft_stream_end(stream);
        return 0;
    }
    int rc = weft_loop_check(stream->loop, "stream");
    if (rc < 0)
        return rc;
    if (stream->is_closing || stream->state >= WF_STREAM_RELEASING)
        return weft_fail(-EBADF, "stream: it is being closed, or was aborted");
    stream->is_closing = true;
    if (stream->state == WF_STREAM_OPEN)
        rc = close_flush(stream);
    if (rc < 0)
        rc = close_say(stream, rc);
    if (stream->state >= WF_STREAM_RELEASING)
        return rc; /* somebody else released it meanwhile */
    weft_waiter self = WEFT_WAITER(&closer_class, stream);
    park_release(stream, &self);
    return rc;
}

/* ---- making ---- */

int wf_stream_no_delay(int fd, int family)
{
    int on = 1;
    if (family != AF_INET && family != AF_INET6)
        return 0;
    return wf_sys_setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
}

int wf_stream_connect_as(weft_stream **out, const weft_addr *addr, const weft_stream_kind *kind)
{
    weft_loop *loop = weft_loop_self();
    int rc = weft_sp_enter();
    if (rc < 0)
        return rc;
    int family = addr->storage.ss_family;
    int fd = wf_sys_socket(family, SOCK_STREAM, 0);
    if (fd < 0)
        return wf_addr_fail(fd, "connect to", addr);
    rc = wf_stream_no_delay(fd, family);
    if (rc < 0)
        goto out;
    rc = weft_op_wait(&(weft_op_args){
        .kind = WEFT_OP_CONNECT,
        .fd = fd,
        .buf = (void *)(uintptr_t)&addr->storage,
        .bytes = addr->bytes,
    });
    if (rc < 0) {
        rc = wf_addr_fail(rc, "connect to", addr);
        goto out;
    }
    rc = weft_stream_open(out, fd, kind);
    fd = -1; /* the stream's, also on failure */
out:
    if (fd >= 0)
        (void)weft_fd_close(loop, fd, NULL, NULL);
    return rc;
}

int weft_stream_connect(weft_stream **out, const weft_addr *addr)
{
    return wf_stream_connect_as(out, addr, &task_kind);
}

int wf_stream_pair_as(weft_stream *out[2], const weft_stream_kind *kind)
{
    int fds[2];
    weft_stream *first, *second;
    int rc = wf_sys_socketpair(AF_UNIX, SOCK_STREAM, 0, fds);
    if (rc < 0)
        return rc;
    rc = weft_stream_open(&first, fds[0], kind);
    if (rc < 0) {
        wf_sys_close(fds[1]);
        return rc;
    }
    rc = weft_stream_open(&second, fds[1], kind);
    if (rc < 0) {
        weft_stream_abort(first);
        return rc;
    }
    out[0] = first;
    out[1] = second;
    return 0;
}

int weft_stream_pair(weft_stream *out[2])
{
    return wf_stream_pair_as(out, &task_kind);
}
