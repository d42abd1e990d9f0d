/* SPDX-License-Identifier: MIT */

/* One question to whoever can answer it: a name server, or the system's own resolver. */
#ifndef WF_DNS_QUERY_H
#define WF_DNS_QUERY_H

#include "dns/ip.h"

/* Asks one server once, and gives the bytes of its answer, which are the caller's.  The answer came
 * from that server and has the question's id.  0; -ETIMEDOUT after `timeout`; -ECANCELED; -ENOMEM;
 * the error of the socket; -WEFT_EDNS with a text for anything else; -ENOTSUP: built without. */
WEFT_WAITS int wf_dns_query_server(const weft_addr *server, const char *name, int type,
                                   bool is_by_tcp, weft_time timeout, weft_bytes *out);

/* Is it built with what asks servers? */
extern const bool wf_dns_query_has_servers;

/* getaddrinfo(): blocks, so call it on a thread.  0, -WEFT_ENONAME, -WEFT_EDNS …; out is filled. */
int wf_dns_query_system(const char *name, int family, struct wf_dns_ips *out);

#endif
