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
 * A datagram is sent and received whole or not at all.  What a receiver does not take in time the
 * system drops.  Any number of tasks of the loop may send and receive on one socket at once (rule
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

/* Opens a socket that is bound to `addr`: port 0 is one the system chooses, "unix:PATH" a file that
 * close removes.  It belongs to the calling thread's loop.  0, -EADDRINUSE, -EACCES, -EMFILE,
 * -ENOMEM; -EPERM without a loop. */
WEFT_API WEFT_MUST_USE int weft_udp_open(weft_udp **out, const weft_addr *addr);

/* Opens a socket that talks to `peer` only: send needs no address, others are not heard, and that
 * nobody receives there shows as -ECONNREFUSED of a later call.  Never waits.  As open; also
 * -ENETUNREACH. */
WEFT_API WEFT_MUST_USE int weft_udp_connect(weft_udp **out, const weft_addr *peer);

/* The address it is bound to, with the port that was chosen. */
WEFT_API const weft_addr *weft_udp_get_addr(const weft_udp *udp);

/* Sends one datagram to `to`, or to the peer if it is NULL; waits while the system has no room. Its
 * bytes, or -EMSGSIZE, -EDESTADDRREQ, -ECONNREFUSED, -ENETUNREACH …; -EBADF if it is closed
 * meanwhile. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_udp_send(weft_udp *udp, const void *buf,
                                                        size_t bytes, const weft_addr *to);

/* Waits for a datagram: its bytes, 0 for an empty one.  What does not fit into `buf` is lost: give
 * room for the largest that may come.  *out_from (may be NULL) is whom it is from. */
WEFT_API WEFT_WAITS WEFT_MUST_USE ssize_t weft_udp_recv(weft_udp *udp, void *buf, size_t bytes,
                                                        weft_addr *out_from);

/* Sends `count` datagrams, up to WEFT_UDP_BATCH_MAX by one system call.  How many were sent, all
 * unless one failed behind others; of the first the error. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int
weft_udp_send_many(weft_udp *udp, const weft_datagram *datagrams, size_t count);

/* Waits for a datagram and takes those that are there with it, at most `count` and
 * WEFT_UDP_BATCH_MAX: how many. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_udp_recv_many(weft_udp *udp, weft_datagram *datagrams,
                                                         size_t count);

/* Releases and frees; tasks that wait on it get -EBADF.  Never waits.  NULL is fine. */
WEFT_API void weft_udp_close(weft_udp *udp);

WEFT_END_DECLS

#endif
