/* SPDX-License-Identifier: MIT */

/*
 * A stream's record and how its parts call each other.
 *
 *     socket -> receive operation -> [chunk | in] -> input callback or reading task
 *     put or writing task -> out -> (end of the turn) -> sending -> send operation -> socket
 *
 * Life:   OPEN -> FLUSHING -> LINGERING -> RELEASING -> GONE
 *         (weft_stream_abort goes straight to RELEASING)
 *
 * Invariants.
 * - While the kernel sends from `sending` nobody touches it; new bytes go to `out`.
 * - `chunk` is set only inside the input callback, and then `in` is empty.
 * - While a task holds the output (stream_hold.c) nobody else sends; what is put gathers in `out`.
 * - The record is freed from its deferred call only, when the descriptor is closed and no task is
 *   inside a wait on it (`users`).
 * - User callbacks are called from completions, timers and the deferred call, never from inside a
 *   call on the stream.
 */
#ifndef WF_STREAM_PRIV_H
#define WF_STREAM_PRIV_H

#include <weft/sys/park.h>
#include <weft/sys/stream.h>

#include "base/pace.h"
#include "net/filter_priv.h"
#include "net/stream_bytes.h"

enum wf_stream_state {
    WF_STREAM_OPEN,
    WF_STREAM_FLUSHING,  /* weft_stream_end: what is unsent goes first */
    WF_STREAM_LINGERING, /* our direction is ended, what still comes is dropped */
    WF_STREAM_RELEASING, /* the descriptor is being closed */
    WF_STREAM_GONE,      /* it is closed; the record goes when nobody is inside */
};

/* A task that waits for input: for bytes into `buf` (then it is woken with their count), or, with
 * NULL, for any change (0). */
struct wf_stream_reader {
    weft_waiter waiter;
    weft_stream *stream;
    void *buf;
    size_t bytes;
};

/* A task that waits until at most `until` bytes are unsent. */
struct wf_stream_writer {
    weft_waiter waiter;
    weft_stream *stream;
    size_t until;
};

/* What only some streams need stands first, what each turn of each of them needs behind it, beside
 * the beginning of its owner's bytes: among many connections each line of them is a miss. */
struct weft_stream {
    weft_waiter *closer;       /* the task in weft_stream_close */
    struct wf_stream_fds *fds; /* NULL: it takes no descriptors */
    uint64_t acked_bytes;      /* when somebody last asked; see weft_stream_get_acked */
    uint64_t held_bytes;       /* what the task that holds the output has still to send */
    struct wf_pace end_pace;   /* of the peer's taking them, after weft_stream_end */
    weft_time hear_until;      /* while it is hearing, else WEFT_FOREVER; the timer is for both */
    uint32_t dropped;          /* bytes that came after weft_stream_end */
    uint16_t users;            /* tasks inside a wait */
    weft_timer timer;          /* its links first, which stay as they are */
    weft_time deadline;        /* the true one; the timer may run to an earlier point */
    weft_loop *loop;
    const weft_stream_kind *kind;
    weft_op *recv_op; /* under way, or NULL; `is_watching` tells what it is */
    weft_op *send_op; /* the same, or WF_STREAM_HELD */
    struct wf_stream_reader *reader;
    struct wf_stream_writer *writer;
    weft_filter *filter; /* NULL: the user's bytes are the socket's */
    struct wf_stream_bytes in, out, sending;
    uint64_t sent_bytes; /* that the kernel has taken */
    const char *chunk;   /* the loop's own buffer, being told to the input callback */
    uint32_t chunk_bytes;
    int fd;
    weft_defer defer;
    int error;       /* first failure, or 0 */
    int send_error;  /* of the last send; it becomes `error` when what is here has been read */
    uint8_t state;   /* enum wf_stream_state */
    bool is_ended;   /* the peer sends no more */
    bool wants_more; /* what is unread is not enough for its owner */
    bool
        is_watching; /* recv_op does not receive: reading pauses, and it waits for the peer's end */
    bool has_hung_up;    /* that end was seen, and may still be behind unread bytes */
    bool is_shut;        /* we send no more */
    bool has_said_error; /* a task knows `error`, and its text */
    bool is_closing;     /* a task is in weft_stream_close */
    bool is_finished;    /* and do not wait for the peer's end */
    bool is_full;        /* put returned -EAGAIN: `output` must be called */
    bool tells;          /* the deferred call has to call `input` */
};

#define WF_STREAM_INPUT_HIGH 65536u
#define WF_STREAM_INPUT_LOW 16384u
#define WF_STREAM_OUTPUT_HIGH 262144u
#define WF_STREAM_OUTPUT_LOW 65536u

static inline uint32_t wf_stream_mark(uint32_t of_kind, uint32_t usual)
{
    return of_kind != 0 ? of_kind : usual;
}

static inline uint32_t wf_stream_unsent(const weft_stream *stream)
{
    uint32_t unsent = wf_stream_bytes_count(&stream->out) + wf_stream_bytes_count(&stream->sending);
    if (__builtin_expect(stream->filter != NULL, 0))
        unsent += wf_stream_bytes_count(&stream->filter->sealed);
    return unsent;
}

/* A stream that has failed sends nothing more, except its filter's last words. */
static inline bool wf_stream_may_send(const weft_stream *stream)
{
    return stream->send_error == 0 &&
           (stream->error == 0 || (stream->filter != NULL && stream->filter->has_last_words));
}

/* A send has failed, and what the peer said before may still come. */
static inline bool wf_stream_is_hearing(const weft_stream *stream)
{
    return stream->send_error != 0 && stream->error == 0;
}

static inline uint32_t wf_stream_unread(const weft_stream *stream)
{
    return wf_stream_bytes_count(&stream->in) + stream->chunk_bytes;
}

/* ---- stream.c ---- */

/* Fails the stream: nothing more is sent or read; those that wait are told at the end of the turn.
 */
void wf_stream_fail(weft_stream *stream, int rc);

/* Its one timer runs to `at` at the latest. */
void wf_stream_arm(weft_stream *stream, weft_time at);

/* Closes the descriptor and, when that is done, ends the record. */
void wf_stream_release(weft_stream *stream);

/* Its user is done with it, so debug mode must not report it as left open. */
void wf_stream_not_open(const weft_stream *stream);

/* Called when a task leaves its wait: the last one frees a stream that is released. */
void wf_stream_leave(weft_stream *stream);

/* ---- stream_input.c ---- */

/* Starts or stops to read, by the marks. */
void wf_stream_update_reading(weft_stream *stream);

/* Bytes for the user: to the task that reads, the callback, or `in`. */
void wf_stream_take_input(weft_stream *stream, const char *data, uint32_t count);

/* Wakes the reading task or calls `input`. */
void wf_stream_tell_input(weft_stream *stream);

/* ---- stream_task.c ---- */

/* Parks as the reader until something changes: 0; -ECANCELED, -EBUSY, -EBADF, or the stream's
 * failure with its text. */
WEFT_WAITS int wf_stream_wait_change(weft_stream *stream);

/* After the entry checks of a suspension point: 0, -ECANCELED, -EBADF, or -EBUSY if a task writes.
 */
WEFT_WAITS int wf_stream_writer_enter(weft_stream *stream);

/* The stream's failure, with the words for it that it may have: for who meets it in a call. Without
 * words an earlier failure's text does not explain it. */
int wf_stream_say_error(weft_stream *stream);

int wf_stream_connect_as(weft_stream **out, const weft_addr *addr, const weft_stream_kind *kind);
int wf_stream_pair_as(weft_stream *out[2], const weft_stream_kind *kind);

/* ---- unix.c ---- */

int wf_stream_fds_open(weft_stream *stream, uint32_t room);
void wf_stream_fds_close(weft_stream *stream);
uint32_t wf_stream_fds_count(const weft_stream *stream); /* that wait to be taken */

/* Like recv(), and keeps the descriptors that came. */
ssize_t wf_stream_fds_recv(weft_stream *stream, void *buf, size_t bytes);

/* ---- stream_hold.c ---- */

#define WF_STREAM_HELD ((weft_op *)1)

/* Makes the calling task the only one who sends on the socket, by system calls of its own, until
 * wf_stream_unhold.  What was unsent goes first, with `flags` for send.  0, -EBUSY, -EBADF,
 * -ECANCELED, or the stream's failure: then it is not held. */
WEFT_WAITS int wf_stream_hold(weft_stream *stream, int flags);
void wf_stream_unhold(weft_stream *stream);

/* A suspension point: 0 if the task may go on. */
WEFT_WAITS int wf_stream_hold_enter(weft_stream *stream);

/* Called with the failure `rc` of a system call.  -EAGAIN: waits until the socket takes bytes
 * again, and returns 0.  Any other failure becomes the stream's. */
WEFT_WAITS int wf_stream_hold_wait(weft_stream *stream, int rc);

/* Sends all of it; *done counts. */
WEFT_WAITS int wf_stream_hold_send(weft_stream *stream, const char *bytes, size_t count, int flags,
                                   uint64_t *done);

/* ---- stream_output.c ---- */

/* Hands the kernel what is unsent, and wakes those that wait for room. */
void wf_stream_flush(weft_stream *stream);

/* A send failed with `rc`, and so does the stream: at once, or, if the peer has reset the
 * connection, when what it said before has been read, and after a short while at the latest. */
void wf_stream_send_failed(weft_stream *stream, int rc);

/* ---- stream_end.c ---- */

/* Called when all is sent, or sending has failed: half-closes and lingers, or releases. */
void wf_stream_flushed(weft_stream *stream);

/* The deadline of a stream that is ending. */
void wf_stream_end_expired(weft_stream *stream);

#endif
