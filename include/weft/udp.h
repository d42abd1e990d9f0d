/* SPDX-License-Identifier: MIT */

/*
 * Datagrams, for tasks: UDP over IPv4 and IPv6, and Unix datagram sockets.
 *
 *     weft_udp *udp;
 *     WEFT_TRY(weft_udp_open(&udp, &addr));
 *     char buf[1500];
 *     weft_addr from;
 *     ssize_t n = weft_udp_recv(udp, buf, sizeof buf, &from);
 *     if (n >= 0)
 *         n = weft_udp_send(udp, buf, (size_t)n, &from);
 *     weft_udp_close(udp);
 *
 * A datagram is sent and received whole or not at all.  The system drops what a receiver does not
 * take in time.  Any number of tasks of the loop may send and receive on one socket at once (rule
 * I04).  A call that fails with -ECANCELED has sent and taken nothing.
 *
 * Library: weft-net.
 */
#ifndef WEFT_UDP_H
#define WEFT_UDP_H

#include <weft/base.h>
#include <weft/net.h>

WEFT_BEGIN_DECLS

#define WEFT_UDP_BATCH_MAX 64 /* datagrams that one system call moves */

typedef struct weft_udp weft_udp;

/* One of a batch. */
typedef struct weft_datagram {
    void *buf;
    size_t bytes;   /* send: of `buf`.  Receive: room in `buf`, then what came */
    weft_addr addr; /* send: to whom; .bytes 0: the peer.  Receive: from whom */
    bool is_cut;    /* receive: there was more than room */
} weft_datagram;

/* Makes a socket in *out, bound to `addr`: with port 0 the system chooses one; the file of a
 * "unix:PATH" is removed by weft_udp_close().  It belongs to the calling thread's loop.  0,
 * -EADDRINUSE, -EACCES, -EMFILE, -ENOMEM; -EPERM without a loop. */
WEFT_API WEFT_MUST_USE int weft_udp_open(weft_udp **out, const weft_addr *addr);

/* Makes a socket in *out that talks to `peer` only: sending needs no address, datagrams of others
 * are not received, and if nobody receives there a later call returns -ECONNREFUSED.  Never waits.
 * Errors as weft_udp_open(); also -ENETUNREACH. */
WEFT_API WEFT_MUST_USE int weft_udp_connect(weft_udp **out, const weft_addr *peer);

/* The address it is bound to, with the port that was chosen.  Borrowed while the socket lives. */
WEFT_API const weft_addr *weft_udp_get_addr(const weft_udp *udp);

/* Sends one datagram to `to`, or to the peer if that is NULL; waits while the system has no room.
 * Returns its bytes, or -EMSGSIZE, -EDESTADDRREQ, -ECONNREFUSED, -ENETUNREACH …; -EBADF if the
 * socket is closed meanwhile. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_udp_send(weft_udp *udp, const void *buf,
                                                        size_t bytes, const weft_addr *to);

/* Waits for a datagram and returns its bytes, 0 for an empty one.  What does not fit into `buf` is
 * lost: give room for the largest that may come.  *out_from (may be NULL) gets the sender's
 * address. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_udp_recv(weft_udp *udp, void *buf, size_t bytes,
                                                        weft_addr *out_from);

/* Sends `count` datagrams, up to WEFT_UDP_BATCH_MAX with one system call.  Returns how many were
 * sent, fewer than `count` if one after the first failed; if the first failed, its error. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_udp_send_many(weft_udp *udp, const weft_datagram *datagrams, size_t count);

/* Waits for a datagram, takes it and those that are there too, at most `count` and
 * WEFT_UDP_BATCH_MAX, and returns how many. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_udp_recv_many(weft_udp *udp, weft_datagram *datagrams,
                                                         size_t count);

/* Closes the socket and frees; tasks that wait on it get -EBADF.  Never waits.  NULL is fine. */
WEFT_API void weft_udp_close(weft_udp *udp);

WEFT_END_DECLS

#endif
