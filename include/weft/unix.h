/* SPDX-License-Identifier: MIT */

/*
 * Unix sockets, and what only they can do: tell who the peer is, and send descriptors with the
 * bytes.
 *
 *     weft_stream *ends[2];
 *     WEFT_TRY(weft_unix_pair(ends));
 *     WEFT_TRY(weft_unix_send_fds(ends[0], "x", 1, &log_fd, 1));
 *     ...
 *     WEFT_TRY(weft_stream_read_exact(ends[1], &byte, 1));
 *     int fd = weft_unix_take_fd(ends[1]);
 *
 * Addresses are "unix:PATH" and "unix:@NAME" (<weft/net.h>); weft_listen_options says who owns a
 * listener's file and who may connect.  Datagrams over Unix sockets are in <weft/udp.h>.
 *
 * Only a stream that was opened for it takes descriptors: by weft_unix_pair, weft_unix_connect, a
 * listener with takes_fds, or a kind with fd_count_max (<weft/sys/stream.h>).  On any other the
 * system closes what comes.  In the simulator a descriptor that travels is a second number of the
 * same thing, as it is in the system; all processes are one, with id 1 and user 0.
 *
 * Library: weft-net.
 */
#ifndef WEFT_UNIX_H
#define WEFT_UNIX_H

#include <weft/base.h>
#include <weft/net.h>

WEFT_BEGIN_DECLS

/* Descriptors with one send, and that wait to be taken: the system's limit. */
#define WEFT_UNIX_FDS_MAX 253

/* The process that connected, or listened, or made the pair, as it was then. */
typedef struct weft_unix_peer {
    pid_t pid; /* 0: not of our process namespace */
    uid_t uid;
    gid_t gid;
} weft_unix_peer;

/* Who is at the other end: the kernel says so, not the peer.  -EOPNOTSUPP: not a Unix socket. */
WEFT_API WEFT_MUST_USE int weft_unix_get_peer(const weft_stream *stream, weft_unix_peer *out);

/* Like weft_stream_connect() and weft_stream_pair(), for streams that take descriptors.
 * Errors as they. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_unix_connect(weft_stream **out, const weft_addr *addr);
WEFT_API WEFT_MUST_USE int weft_unix_pair(weft_stream *out[2]);

/* Sends `bytes` > 0 bytes after what was written before, and with the first of them copies of
 * `fd_count` descriptors; waits until the kernel has all.  The descriptors stay the caller's.  0;
 * -EBADF or -EINVAL for a descriptor that is none or cannot travel, -ETOOMANYREFS for too many
 * under way: then nothing was sent.  Else as weft_stream_write, weft_progress() included; with the
 * first byte all descriptors are gone. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_unix_send_fds(weft_stream *stream, const void *buf,
                                                         size_t bytes, const int *fds,
                                                         size_t fd_count);

/* Returns the next descriptor that came, close-on-exec and the caller's, to be closed by
 * weft_close() of <weft/io.h>; -EAGAIN: none.  Descriptors that were sent with a byte are there
 * when that byte can be read; while some wait, no more are received until a task waits for more
 * bytes, so that the peer waits too.  None is lost silently: if more than the kind's fd_count_max
 * wait the stream fails with -EMSGSIZE, and if the system had no number for one, with -EMFILE. What
 * is not taken is closed with the stream. */
WEFT_API WEFT_MUST_USE int weft_unix_take_fd(weft_stream *stream);

WEFT_END_DECLS

#endif
