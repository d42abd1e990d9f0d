/* SPDX-License-Identifier: MIT */

/*
 * Net: addresses, listeners and byte streams over TCP and Unix sockets, for tasks.
 *
 * A stream reads ahead into a bounded buffer and sends what was written in one system call a turn
 * of the loop.  Reading stops at a high mark of unread bytes, and a writer waits while too much is
 * unsent, so a slow peer or a slow reader never makes memory grow.
 *
 * One task may read a stream while another writes it; a second reader or writer gets -EBUSY.
 * A stream belongs to the loop it was made on.  The half of it that needs no tasks is in
 * <weft/sys/stream.h>.
 *
 * Cancel.  Every call marked WEFT_WAITS that fails with -ECANCELED has done nothing, except where
 * its comment says otherwise (rule C04); bytes that had arrived stay in the buffer for the next
 * read.
 *
 * Library: weft-net.
 */
#ifndef WEFT_NET_H
#define WEFT_NET_H

#include <weft/base.h>
#include <weft/reader.h>

#include <sys/socket.h>
#include <sys/types.h>

WEFT_BEGIN_DECLS

/* ---- addresses ---- */

/* An IPv4, IPv6 or Unix address, as the system wants it. */
typedef struct weft_addr {
    struct sockaddr_storage storage;
    uint32_t bytes; /* of storage that count; 0: none */
} weft_addr;

#define WEFT_ADDR_TEXT_BYTES 128 /* enough for any formatted address and its NUL */

/* Reads "127.0.0.1:8080", "[::1]:80", "localhost:80" (127.0.0.1), "unix:PATH" or "unix:@NAME" (not
 * in the file system).  Strict: no spaces, no names to look up, no leading zeros, a port in
 * 0-65535. 0, or -WEFT_ESYNTAX with a text that says what is wrong; then *out is not touched. */
WEFT_API WEFT_MUST_USE int weft_addr_parse(weft_addr *out, const char *text);

/* The form that weft_addr_parse reads, NUL-terminated.  Its length, or -ENOSPC; an address without
 * a name (an unbound Unix socket) is "unix:". */
WEFT_API WEFT_MUST_USE int weft_addr_format(const weft_addr *addr, char *out, size_t out_bytes);

/* The port, or 0 for an address that has none. */
WEFT_API int weft_addr_get_port(const weft_addr *addr);

/* ---- listeners ---- */

typedef struct weft_listener weft_listener;
typedef struct weft_stream weft_stream;

/* Zero means "choose for me" in every field. */
typedef struct weft_listen_options {
    int backlog;         /* connections the kernel keeps for us; 0: 4,096 */
    bool is_port_shared; /* several listeners, one a loop, share the port (SO_REUSEPORT) */

    /* Of "unix:PATH": permissions of the file, which decide who may connect (0: 0777 less the
     * umask), and whose it is.  They hold before the first connection can be made. */
    unsigned mode;
    bool has_owner; /* the next two count; -1: as it is */
    uid_t owner;
    gid_t group;

    bool takes_fds; /* accepted streams take descriptors (<weft/unix.h>) */
} weft_listen_options;

/* Binds and listens.  A left-over Unix socket file that nobody listens on is replaced.  `options`
 * may be NULL.  0, -EADDRINUSE, -EACCES, -EMFILE, -ENOMEM …, with the address in the text. */
WEFT_API WEFT_MUST_USE int weft_listener_open(weft_listener **out, const weft_addr *addr,
                                              const weft_listen_options *options);

/* Waits for a connection.  Out of descriptors or memory it closes one waiting peer politely, says
 * so in the log (once a second), and tries on when a descriptor of this loop is closed, or after
 * 100 ms doubling to 1 s.  0, -ECANCELED, -EBADF when the listener is closed meanwhile, -EBUSY when
 * another task accepts. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_listener_accept(weft_listener *listener,
                                                           weft_stream **out);

/* The address it is bound to, with the port the system chose for port 0. */
WEFT_API const weft_addr *weft_listener_get_addr(const weft_listener *listener);

/* Stops listening and frees; an accept that waits gets -EBADF.  Never waits.  NULL is fine. */
WEFT_API void weft_listener_close(weft_listener *listener);

/* ---- streams ---- */

/* Connects.  0, -ECONNREFUSED, -ENETUNREACH …, with the address in the text; cancelled: the attempt
 * is taken back. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_connect(weft_stream **out, const weft_addr *addr);

/* Two ends, connected to each other. */
WEFT_API WEFT_MUST_USE int weft_stream_pair(weft_stream *out[2]);

/* Reads at least one and at most `bytes` bytes: their count; 0 at the end of the stream. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_read(weft_stream *stream, void *buf,
                                                           size_t bytes);

/* Reads exactly `bytes` bytes and returns that; -WEFT_ETRUNCATED if the stream ends before.  On any
 * failure weft_progress() tells how many are in `buf`. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_read_exact(weft_stream *stream, void *buf,
                                                                 size_t bytes);

/* Waits until at least `bytes` unread bytes are there (at most the input high mark, else -EINVAL)
 * and shows all that are, without taking them: *out is borrowed until the next call on the stream
 * and the next wait of this task.  Their count; less than `bytes` only at the end of the stream. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_peek(weft_stream *stream, size_t bytes,
                                                           weft_str *out);

/* Waits until `delim` is there and shows the bytes up to and with it, as peek does; take them by
 * weft_stream_consume.  Their count; 0 at the end of the stream; -WEFT_ETRUNCATED if it ends
 * between; -WEFT_ELIMIT if no delimiter is in the first `limit` bytes (at most the high mark). */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_peek_until(weft_stream *stream,
                                                                 weft_str delim, size_t limit,
                                                                 weft_str *out);

/* A reader of lines and blocks (<weft/reader.h>) of the stream, which outlives it. */
WEFT_API WEFT_MUST_USE int weft_stream_reader_new(weft_reader **out, weft_stream *stream,
                                                  const weft_reader_options *options);

/* Takes `bytes` of the unread bytes, at most what is there. */
WEFT_API void weft_stream_consume(weft_stream *stream, size_t bytes);

/* Takes all of `buf` for sending; waits while too much is unsent.  The bytes leave at the end of
 * the turn; a failure of the peer shows at a later call.  0, -EPIPE, -ECONNRESET, -ECANCELED; after
 * a failure weft_progress() tells how many bytes were taken. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_write(weft_stream *stream, const void *buf,
                                                        size_t bytes);

/* Sends `bytes` bytes of the open file `file` from `offset` on, behind what was written, and waits
 * until the kernel has them.  From the page cache to a plain socket they go without a copy through
 * the program; what is not in memory, and what goes over TLS or in the simulator, is read by
 * weft_pread first, so that no disk holds up the loop.  What is put meanwhile goes behind them.  0;
 * -WEFT_ETRUNCATED if the file is or becomes shorter; as weft_stream_write.  After a failure
 * weft_progress() tells how many bytes were taken. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_send_file(weft_stream *stream, int file,
                                                            uint64_t offset, uint64_t bytes);

/* Waits until the kernel has all that was written. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_flush(weft_stream *stream);

/* Flushes and ends our direction: the peer reads to its end; reading goes on. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_shutdown(weft_stream *stream);

/* Flushes for at most 5 s, deaf to cancellation (rule C10), releases and frees.  The first failure
 * of the stream's sending, or 0.  Tasks that wait on the stream get -EBADF.  NULL is fine. */
WEFT_API WEFT_WAITS int weft_stream_close(weft_stream *stream);

/* Drops what is unsent, resets a TCP peer, releases and frees.  Never waits.  NULL is fine. */
WEFT_API void weft_stream_abort(weft_stream *stream);

/* The other end's address; -ENOTCONN. */
WEFT_API WEFT_MUST_USE int weft_stream_get_peer(const weft_stream *stream, weft_addr *out);

WEFT_END_DECLS

#endif
