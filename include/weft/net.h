/* SPDX-License-Identifier: MIT */

/*
 * Net: addresses, listeners and byte streams over TCP and Unix sockets, for tasks.
 *
 * A stream reads ahead into a bounded buffer, and sends what was written with one system call a
 * turn of the loop.  Reading stops at a high mark of unread bytes, and a writer waits while too
 * much is unsent, so neither a slow peer nor a slow reader makes memory grow.
 *
 * One task may read a stream while another writes it; a second reader or writer gets -EBUSY. A
 * stream belongs to the loop it was made on; tasks of other loops get -EPERM.  The same streams
 * without tasks, by callbacks, are in <weft/sys/stream.h>.
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

/* Reads "127.0.0.1:8080", "[::1]:80", "localhost:80" (127.0.0.1), "unix:PATH" or "unix:@NAME" (an
 * abstract name, not in the file system).  Strict: no spaces, no names to look up, no leading
 * zeros, a port in 0-65535. 0, or -WEFT_ESYNTAX (-EINVAL: NULL) with a text that says what is
 * wrong; then *out is not touched. */
WEFT_API WEFT_MUST_USE int weft_addr_parse(weft_addr *out, const char *text);

/* Writes an address in the form that weft_addr_parse() reads, NUL-terminated, and returns its
 * length, or -ENOSPC.  An address without a name (an unbound Unix socket) is "unix:". */
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

/* Makes a listener in *out, bound to `addr`.  A left-over Unix socket file on which nobody listens
 * is replaced.  `options` may be NULL.  0, -EADDRINUSE, -EACCES, -EMFILE, -ENOMEM …, with the
 * address in the text. */
WEFT_API WEFT_MUST_USE int weft_listener_open(weft_listener **out, const weft_addr *addr,
                                              const weft_listen_options *options);

/* Waits for a connection and makes a stream of it in *out.  When descriptors or memory run out it
 * closes one waiting connection politely, says so in the log (once a second), and tries again when
 * a descriptor of this loop is closed, or after 100 ms, doubling to 1 s.  0, -ECANCELED, -EBADF
 * when the listener is closed meanwhile, -EBUSY when another task accepts. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_listener_accept(weft_listener *listener,
                                                           weft_stream **out);

/* The address it is bound to, with the port the system chose for port 0.  Borrowed while the
 * listener lives. */
WEFT_API const weft_addr *weft_listener_get_addr(const weft_listener *listener);

/* Stops listening and frees; a task in weft_listener_accept() gets -EBADF.  Never waits.  NULL is
 * fine. */
WEFT_API void weft_listener_close(weft_listener *listener);

/* ---- streams ---- */

/* Connects to `addr` and makes a stream of it in *out.  0, -ECONNREFUSED, -ENETUNREACH …, with the
 * address in the text; -ECANCELED: the attempt is taken back.  For host names see <weft/dns.h>. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_connect(weft_stream **out, const weft_addr *addr);

/* Makes two streams that are connected to each other.  0, -ENOMEM, -EMFILE; -EPERM without a loop.
 */
WEFT_API WEFT_MUST_USE int weft_stream_pair(weft_stream *out[2]);

/* Reads at least one and at most `bytes` bytes and returns how many; 0 at the end of the stream. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_read(weft_stream *stream, void *buf,
                                                           size_t bytes);

/* Reads exactly `bytes` bytes and returns that; -WEFT_ETRUNCATED if the stream ends before.  On any
 * failure weft_progress() tells how many are in `buf`. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_read_exact(weft_stream *stream, void *buf,
                                                                 size_t bytes);

/* Waits until at least `bytes` unread bytes are there (at most the input high mark, else -EINVAL)
 * and shows all unread bytes in *out without taking them; borrowed until the next call on the
 * stream or the next wait of this task.  Returns their count, less than `bytes` only at the end of
 * the stream. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_peek(weft_stream *stream, size_t bytes,
                                                           weft_str *out);

/* Like weft_stream_peek(), but waits for the delimiter `delim` and shows the bytes up to its end;
 * take them with weft_stream_consume().  Returns their count; 0 at the end of the stream;
 * -WEFT_ETRUNCATED if that comes before a delimiter; -WEFT_ELIMIT if there is no delimiter in the
 * first `limit` bytes (at most the high mark). */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_stream_peek_until(weft_stream *stream,
                                                                 weft_str delim, size_t limit,
                                                                 weft_str *out);

/* Makes a reader of lines and blocks (<weft/reader.h>) in *out; the stream must outlive it.  0,
 * -ENOMEM. */
WEFT_API WEFT_MUST_USE int weft_stream_reader_new(weft_reader **out, weft_stream *stream,
                                                  const weft_reader_options *options);

/* Takes `bytes` of the unread bytes, or all if there are fewer. */
WEFT_API void weft_stream_consume(weft_stream *stream, size_t bytes);

/* Queues all of `buf` for sending; waits only while too much is unsent.  The bytes are sent at the
 * end of the turn; if that fails, a later call says so.  0, -EPIPE, -ECONNRESET, -ECANCELED; after
 * a failure weft_progress() tells how many bytes were queued. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_write(weft_stream *stream, const void *buf,
                                                        size_t bytes);

/* Sends `bytes` bytes of the open file `file`, from `offset` on, after what was written before, and
 * waits until the kernel has them; what is written meanwhile is sent after them.  From the page
 * cache to a plain socket they go without a copy through the program (sendfile).  What is not in
 * memory, and over TLS or in simulation everything, is read with weft_pread() first, so that no
 * disk holds up the loop.  0; -WEFT_ETRUNCATED if the file is or becomes shorter; else as
 * weft_stream_write().  After a failure weft_progress() tells how many bytes were queued. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_send_file(weft_stream *stream, int file,
                                                            uint64_t offset, uint64_t bytes);

/* Waits until the kernel has taken everything that was written.  Errors as weft_stream_write(). */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_flush(weft_stream *stream);

/* Flushes and ends our side: the peer reads what is left and then the end.  Reading goes on.  0,
 * also if it was ended before; errors as weft_stream_write(), and -ENOTCONN if the peer has reset
 * the connection. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_stream_shutdown(weft_stream *stream);

/* Flushes, for at most 5 s and in a cancelled task too (rule C10), then closes and frees.  Returns
 * the first failure to send on the stream, or 0.  Tasks that wait on the stream get -EBADF, and so
 * does who closes it while another task does, or in the turn in which it was aborted: the first end
 * stands, and afterwards the stream is no more.  NULL is fine. */
WEFT_API WEFT_WAITS int weft_stream_close(weft_stream *stream);

/* Drops what is unsent, resets a TCP connection, closes and frees.  Never waits.  A stream whose
 * TLS has failed is not reset before the peer has heard why, for at most 2 s.  NULL is fine. */
WEFT_API void weft_stream_abort(weft_stream *stream);

/* Copies the address of the other end to *out.  0, -ENOTCONN. */
WEFT_API WEFT_MUST_USE int weft_stream_get_peer(const weft_stream *stream, weft_addr *out);

WEFT_END_DECLS

#endif
