/* SPDX-License-Identifier: MIT */

/*
 * A name server's answer, read from its bytes (RFC 1035, section 4).  Pure, and the server is not
 * trusted: what does not answer the question that was asked is not looked at.
 */
#ifndef WF_DNS_REPLY_H
#define WF_DNS_REPLY_H

#include "dns/ip.h"

#define WF_DNS_CHAIN_MAX 8 /* names that stand for another one */

#define WF_DNS_TYPE_A 1
#define WF_DNS_TYPE_AAAA 28

struct wf_dns_reply {
    struct wf_dns_ips ips;
    uint32_t ttl_s;    /* how long this holds, also that there is none; 0 if it does not say */
    bool is_truncated; /* ask again by TCP; nothing else is set */
};

/* Reads the answer to the question for `name` (as wf_dns_name_read left it) and `type`.
 * 0: addresses, or truncated; -WEFT_ENONAME: the name does not exist, or has none; -WEFT_EDNS: the
 * server cannot say; -WEFT_ELIMIT, -WEFT_ESYNTAX: it is not to be used.  With a text. */
int wf_dns_reply_read(struct wf_dns_reply *out, const void *bytes, size_t count, const char *name,
                      int type);

#endif
