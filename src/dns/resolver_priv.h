/* SPDX-License-Identifier: MIT */

/*
 * A resolver's record and how its parts call each other.
 *
 *     weft_resolve, weft_connect_host
 *       -> search    which full names, both families at once
 *       -> look-up   hosts file, cache, or a question under way
 *       -> question  a task of the resolver's: servers in turn, or the system on a thread
 *
 * Invariants.
 * - For one name and family at most one question is under way and in `questions`.
 * - A question runs as long as somebody waits for it, or to its end if its old answer was used.
 * - The record goes with the last task inside a call, after its owner has closed it.
 */
#ifndef WF_RESOLVER_PRIV_H
#define WF_RESOLVER_PRIV_H

#include <weft/dns.h>
#include <weft/error.h>
#include <weft/exec.h>
#include <weft/mutex.h>
#include <weft/sem.h>
#include <weft/sys/loop.h>

#include "base/list.h"
#include "dns/cache.h"
#include "dns/config.h"
#include "dns/hosts.h"

/* Inside, and told as -WEFT_EDNS: the last server answered, but not whether there is such a name.
 * It may well say so of another one. */
#define WF_DNS_UNSAID (-EREMOTEIO)

/* What a file was when it was read last. */
struct wf_dns_stamp {
    int64_t changed_ns, bytes;
    uint64_t inode;
    bool is_there;
};

enum wf_dns_file { WF_DNS_FILE_RESOLV, WF_DNS_FILE_SWITCH, WF_DNS_FILE_HOSTS, WF_DNS_FILE_COUNT };

struct weft_resolver {
    weft_loop *loop;
    weft_resolver_options options; /* with every default put in; its texts are not kept */
    bool has_own_servers, has_own_search, has_own_hosts;
    bool is_simulated; /* no default server, and the system is not asked */
    bool is_closed;
    uint32_t user_count; /* tasks inside a call, and the owner until it closes */
    struct wf_dns_config config;
    struct wf_dns_hosts hosts;
    weft_mutex loading;
    weft_time checked_at; /* the files were looked at; 0: never */
    struct wf_dns_stamp stamps[WF_DNS_FILE_COUNT];
    struct wf_dns_cache cache;
    wf_list questions;   /* under way */
    weft_sem free_slots; /* of query_max */
    weft_exec *exec;     /* for getaddrinfo(); made when first needed */
    weft_resolver_stats stats;
};

/* A name and family being asked for. */
struct wf_dns_question {
    wf_list link; /* alone once another one may take its place */
    weft_resolver *resolver;
    weft_task task;
    uint32_t asker_count;
    bool is_running;
    int family;
    int rc;
    char name[WF_DNS_NAME_BYTES];
    char text[WEFT_ERROR_TEXT_BYTES]; /* of the error */
    struct wf_dns_ips ips;
};

/* The task's, or the run's, which is made if need be. */
WEFT_WAITS int wf_dns_resolver_get(weft_resolver *given, weft_resolver **out);

/* Enters and leaves a call; leaving may free. */
int wf_dns_enter(weft_resolver *resolver);
void wf_dns_leave(weft_resolver *resolver);

/* ---- files.c ---- */

/* Reads what of the system's files has changed; looks every 5 s at most. */
WEFT_WAITS int wf_dns_refresh(weft_resolver *resolver);

/* ---- question.c ---- */

/* Joins the question for it, or starts one, and waits for its end: 0 with *out filled, or an error.
 * `patience`: -ETIMEDOUT when it has passed, and the question goes on by itself. */
WEFT_WAITS int wf_dns_question_ask(weft_resolver *resolver, const char *name, int family,
                                   weft_time patience, struct wf_dns_ips *out);

/* Ends all, with -WEFT_ECLOSED for who waits.  Deaf to cancellation. */
WEFT_WAITS void wf_dns_question_end_all(weft_resolver *resolver);

/* ---- lookup.c ---- */

/* Told of a family's addresses as soon as they are known. */
typedef void wf_dns_found_fn(const struct wf_dns_ips *ips, void *arg);

/* Looks a host up, as weft_resolve() says; `found` is called once or twice, or not at all. */
WEFT_WAITS int wf_dns_find(weft_resolver *resolver, const char *host, int family,
                           wf_dns_found_fn *found, void *arg);

#endif
