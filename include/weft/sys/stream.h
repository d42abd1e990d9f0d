/* SPDX-License-Identifier: MIT */

/*
 * Streams at the callback level: a connection is a small record that waits without a task.  A
 * server keeps thousands of them idle and starts a task at the first byte; that task may use the
 * calls of <weft/net.h> on the same stream.
 *
 * Callbacks are never called from inside a call on the same stream.  From any of them everything
 * here may be called, abort included; the record lives until `closed` has returned.
 *
 * Library: weft-net.
 */
#ifndef WEFT_SYS_STREAM_H
#define WEFT_SYS_STREAM_H

#include <weft/base.h>
#include <weft/net.h>
#include <weft/sys/loop.h>

WEFT_BEGIN_DECLS

/* What all streams of one kind share: callbacks and settings.  Must stay valid as long as a stream
 * of the kind lives. */
typedef struct weft_stream_kind {
    /* There are new unread bytes, or the peer has ended, or the stream has failed.  Take bytes with
     * weft_stream_consume(); what is left stays, and `input` is called again when more has come.
     * While a task waits in a read of <weft/net.h> that is woken instead. */
    void (*input)(weft_stream *stream);

    /* The unsent bytes fell to the low mark after weft_stream_put() had returned -EAGAIN, or after
     * weft_stream_watch_output().  May be NULL. */
    void (*output)(weft_stream *stream);

    /* The deadline of weft_stream_set_deadline passed.  May be NULL. */
    void (*expired)(weft_stream *stream);

    /* The descriptor is released and no task waits; the record goes when this returns.  May be
     * NULL. */
    void (*closed)(weft_stream *stream);

    size_t user_bytes; /* zeroed memory for the owner, see weft_stream_get_user */

    /* Marks in bytes; 0: the default. */
    uint32_t input_high, input_low;   /* stop reading above, go on below; 64 KiB, 16 KiB */
    uint32_t output_high, output_low; /* refuse above, call `output` below; 256 KiB, 64 KiB */

    uint32_t fd_count_max; /* takes so many descriptors that come over a Unix socket and were not
                              taken yet (<weft/unix.h>); 0: none.  Of weft_stream_open only */
} weft_stream_kind;

/* Makes a stream in *out from a connected socket and starts to read.  Takes `fd`, also on failure.
 * The calling thread's loop owns the stream.  0, -ENOMEM, -EPERM without a loop. */
WEFT_API WEFT_MUST_USE int weft_stream_open(weft_stream **out, int fd,
                                            const weft_stream_kind *kind);

/* The owner's memory, kind->user_bytes bytes, aligned to 16; and the way back from it. */
WEFT_API void *weft_stream_get_user(weft_stream *stream);
WEFT_API weft_stream *weft_stream_of_user(void *user);

/* The loop that owns the stream, and its socket, which stays the stream's. */
WEFT_API weft_loop *weft_stream_get_loop(const weft_stream *stream);
WEFT_API int weft_stream_get_fd(const weft_stream *stream);

/* Changes the stream's kind; the owner's memory stays as it is.  Who takes a connection over for a
 * while remembers the kind it had, and sets that again.  If bytes are unread or the peer has ended,
 * the new kind's `input` is called at the end of the turn. */
WEFT_API void weft_stream_set_kind(weft_stream *stream, const weft_stream_kind *kind);
WEFT_API const weft_stream_kind *weft_stream_get_kind(const weft_stream *stream);

/* ---- input ---- */

/* The unread bytes.  Borrowed until the next weft_stream_consume(), and inside `input` until that
 * returns, since they may still be in the loop's own buffer. */
WEFT_API weft_str weft_stream_get_input(const weft_stream *stream);

/* Reads on, up to input_high, although more than input_low is unread, because that is not enough:
 * it is half of a message.  Holds until more has come.  A task that waits in a read needs no call.
 */
WEFT_API void weft_stream_read_on(weft_stream *stream);

/* True if the peer has ended its side: what is unread is the rest. */
WEFT_API bool weft_stream_is_ended(const weft_stream *stream);

/* True if the peer's end has come, or is known to follow bytes that wait in the kernel because too
 * many are unread.  The peer may have ended its side only, or be gone.  `input` is called when this
 * becomes true.
 */
WEFT_API bool weft_stream_has_hung_up(const weft_stream *stream);

/* The first failure of the stream, or 0. */
WEFT_API int weft_stream_get_error(const weft_stream *stream);

/* The first failure in words, if a filter (<weft/sys/filter.h>) has any; else "". */
WEFT_API const char *weft_stream_get_error_text(const weft_stream *stream);

/* True if the stream has a filter (<weft/sys/filter.h>), such as TLS. */
WEFT_API bool weft_stream_is_filtered(const weft_stream *stream);

/* The protocol that both sides agreed on, if a filter knows: "h2" by ALPN; else empty.  Borrowed
 * while the stream lives. */
WEFT_API weft_str weft_stream_get_protocol(const weft_stream *stream);

/* ---- output ---- */

/* Copies bytes, to be sent at the end of the turn.  0; -EAGAIN with nothing taken while the unsent
 * bytes are at or above the high mark: then wait for `output`; -ENOMEM; -EPIPE and the like after a
 * failure or after weft_stream_end(). */
WEFT_API WEFT_MUST_USE int weft_stream_put(weft_stream *stream, const void *bytes, size_t count);

/* weft_stream_put() without a copy: reserve gives room for `count` bytes in *out, to be filled and
 * then committed, all or fewer, before any other call on the stream.  Errors as weft_stream_put().
 */
WEFT_API WEFT_MUST_USE int weft_stream_reserve(weft_stream *stream, size_t count, char **out);
WEFT_API void weft_stream_commit(weft_stream *stream, size_t count);

/* Like weft_stream_reserve(), but also at or above the high mark, so never -EAGAIN: for the few
 * bytes that a callback must send and cannot wait with, such as why the connection ends. */
WEFT_API WEFT_MUST_USE int weft_stream_reserve_above(weft_stream *stream, size_t count, char **out);

/* Asks for `output`, once, as an -EAGAIN does: for an owner with a bound of its own.  If the unsent
 * bytes are at or below the low mark already it is called when the kernel has taken more of them.
 */
WEFT_API void weft_stream_watch_output(weft_stream *stream);

/* Bytes put and not yet taken by the kernel. */
WEFT_API size_t weft_stream_get_unsent(const weft_stream *stream);

/* How many bytes the kernel has taken in all. */
WEFT_API uint64_t weft_stream_get_sent(const weft_stream *stream);

/* How many of them have left it for good: those a TCP peer has acknowledged, those the reader of a
 * Unix socket has read.  Whether a peer takes anything is seen here only: the kernel takes
 * megabytes for it, then none until a third of them is gone, which of a slow reader is minutes.
 * Acknowledged is not read: so much more as its kernel holds for it (net.ipv4.tcp_rmem) a peer
 * takes without reading, and it says that it has room again when a good part of that is free.  A
 * Unix socket counts whole sends, up to 104 KiB.  Asks the kernel, one system call: for deadlines.
 */
WEFT_API uint64_t weft_stream_get_acked(weft_stream *stream);

/* ---- time ---- */

/* Calls kind->expired at `deadline`; WEFT_FOREVER: never.  Moving it later is cheap: no timer is
 * touched until the old deadline has passed. */
WEFT_API void weft_stream_set_deadline(weft_stream *stream, weft_time deadline);

/* ---- end ---- */

/* Closes the stream politely, without waiting: what is unsent is sent, then our side ends.  So that
 * the peer gets all of it, what still comes is read and dropped until the peer ends too, for at
 * most 2 s and 64 KiB, or longer while the peer still takes bytes that the kernel holds for it.
 * Then the stream is released, and `closed` called.  `input` is not called any more, and tasks that
 * read get -EBADF.  weft_stream_abort() cuts it short; so does a peer that takes nothing for 30 s,
 * or less than 1 KiB a second (up to two minutes after it took much at once). */
WEFT_API void weft_stream_end(weft_stream *stream);

/* Like weft_stream_end(), for a peer of whom nothing is expected any more, as on an idle
 * connection: the stream is released once the peer has everything, without waiting for its end.  Of
 * one that ends already and has nothing unsent: at once, and the kernel delivers what it holds. */
WEFT_API void weft_stream_finish(weft_stream *stream);

/* ---- listeners ---- */

/* Called for each connection; `fd` is the callee's, e.g. for weft_stream_open().  The same back-off
 * as in weft_listener_accept(). */
typedef void weft_listener_fn(weft_listener *listener, int fd, void *arg);

/* Starts to accept connections by callback.  0; -EBUSY if it does already, or a task accepts. */
WEFT_API WEFT_MUST_USE int weft_listener_start(weft_listener *listener, weft_listener_fn *fn,
                                               void *arg);

/* Stops accepting; connections then wait in the kernel.  `fn` may still be called for a few that
 * were on their way.
 */
WEFT_API void weft_listener_stop(weft_listener *listener);

WEFT_END_DECLS

#endif
