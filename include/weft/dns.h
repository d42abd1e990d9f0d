/* SPDX-License-Identifier: MIT */

/*
 * Names: from host names to addresses, and to connections.
 *
 *     weft_stream *stream;
 *     WEFT_TRY(weft_connect_host(&stream, "example.com", 80, NULL));
 *
 * A name is looked up in the hosts file, then in a cache, then at the system's name servers, by UDP
 * and, for long answers, TCP.  Answers are cached for their TTL, within limits; so is the answer
 * that a name does not exist.  Tasks that ask the same at the same time share one query.  When no
 * server answers, an expired answer is used a while longer.
 *
 * A run has one resolver, made when the first name is looked up.  Make one yourself for servers,
 * limits or a hosts file of your own.  In simulation there are the names of `hosts` and of an
 * /etc/hosts on the simulated disk, and servers only where `servers` names some; nothing leaves the
 * process.
 *
 * Library: weft-dns.
 */
#ifndef WEFT_DNS_H
#define WEFT_DNS_H

#include <weft/net.h>

WEFT_BEGIN_DECLS

typedef struct weft_resolver weft_resolver;

/* Zero means "choose for me" in every field. */
typedef struct weft_resolver_options {
    const char *servers;   /* "192.0.2.1:53 [2001:db8::1]:53", at most 8, asked in this order; NULL:
                              those of /etc/resolv.conf */
    const char *search;    /* domains that are tried behind a name, at most 6; NULL: those of
                              /etc/resolv.conf */
    const char *hosts;     /* the text of a hosts file; NULL: /etc/hosts */
    weft_time attempt_max; /* one server has this long for one answer; 0: 5 s */
    uint32_t round_count;  /* how often the servers are gone through; 0: 2 */
    uint32_t query_max;    /* questions in flight; the others wait; 0: 256 */
    uint32_t cache_max;    /* answers kept; 0: 1,024 */
    weft_time ttl_min;     /* answers are kept at least so long; 0: 1 s */
    weft_time ttl_max;     /* and at most, whatever they say; 0: 300 s */
    weft_time stale_max;   /* and used so long after that while no server answers; 0: 1 h; < 0: not
                              at all */
    bool asks_system; /* getaddrinfo() on threads instead of name servers.  Chosen by itself where
                         /etc/nsswitch.conf has other sources than files and DNS */
} weft_resolver_options;

/* Makes a resolver in *out, which belongs to the calling thread's loop.  `options` (may be NULL)
 * and its texts are copied.  0, -ENOMEM, -EPERM outside a task, -WEFT_ESYNTAX for a server address
 * that is not valid. */
WEFT_API WEFT_MUST_USE int weft_resolver_open(weft_resolver **out,
                                              const weft_resolver_options *options);

/* Cancels its queries (tasks that wait for one get -WEFT_ECLOSED), waits for their end, also in a
 * cancelled task, and frees it.  NULL is fine. */
WEFT_API WEFT_WAITS void weft_resolver_close(weft_resolver *resolver);

/* Makes it the resolver of the calling task, and of all tasks it spawns from now on, wherever no
 * other is given; it must outlive them.  NULL: the run's own again.  0; -ENOMEM,
 * -EPERM outside a task, -WEFT_ELIMIT, as weft_local_set(). */
WEFT_API WEFT_MUST_USE int weft_resolver_use(weft_resolver *resolver);

/* Looks up a host: stores at most `count` of its addresses, each with `port`, in `out`, and returns
 * how many.  `host` is a name, or an address without brackets, which is not looked up.  `family` is
 * AF_INET, AF_INET6, or AF_UNSPEC for both, in turn.  To a name that ends in a dot no search domain
 * is added.  `resolver` NULL: the task's.
 *
 * -WEFT_ENONAME: the name does not exist or has no such address; -WEFT_EDNS: the servers did not
 * say; -WEFT_ESYNTAX: it is no host name (-EINVAL: NULL); -WEFT_ELIMIT: an answer passed a limit;
 * -ECANCELED. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_resolve(weft_resolver *resolver, const char *host,
                                                   uint16_t port, int family, weft_addr out[],
                                                   size_t count);

/* What a resolver has done so far. */
typedef struct weft_resolver_stats {
    uint64_t asked;     /* look-ups that were not answered by the hosts file */
    uint64_t hits;      /* of these, answered by the cache */
    uint64_t shared;    /* waited for a question that was under way already */
    uint64_t queries;   /* sent to a server, or to the system */
    uint64_t stale;     /* answered with what was too old */
    uint32_t in_flight; /* questions under way now */
    uint32_t cached;    /* answers kept now */
} weft_resolver_stats;
WEFT_API void weft_resolver_stats_get(const weft_resolver *resolver, weft_resolver_stats *out);

/* ---- connecting ---- */

/* Zero means "choose for me" in every field. */
typedef struct weft_connect_options {
    weft_resolver *resolver; /* NULL: the task's */
    int family;              /* AF_INET or AF_INET6 only; 0: both */
    weft_time head_start;    /* an attempt has so long before the next address is tried besides;
                                0: 250 ms */
} weft_connect_options;

/* Connects to the first address of a host that answers ("Happy Eyeballs", RFC 8305).  Families take
 * turns; the next address is tried when the one before has failed or has not answered within its
 * head start; the first connection wins, and the other attempts are taken back.  It begins as soon
 * as one family's addresses are known.  Put a deadline around it: an address that never answers
 * takes minutes.
 *
 * 0; the errors of weft_resolve(); or that of the last attempt, with a text that has them all.
 * Cancelled: every attempt is taken back. */
WEFT_API WEFT_WAITS WEFT_MUST_USE int weft_connect_host(weft_stream **out, const char *host,
                                                        uint16_t port,
                                                        const weft_connect_options *options);

WEFT_END_DECLS

#endif
