/* SPDX-License-Identifier: MIT */

/* The hosts file: names known without a question. */
#ifndef WF_DNS_HOSTS_H
#define WF_DNS_HOSTS_H

#include "dns/ip.h"

#define WF_DNS_HOSTS_BYTES_MAX ((size_t)4 << 20)

struct wf_dns_host; /* a name and one of its addresses */

/* Sorted by name, and for one name in the order of the file. */
struct wf_dns_hosts {
    struct wf_dns_host *items;
    size_t count, capacity;
    char *text; /* ours; the names stand in it */
};

/* Reads hosts(5); lines that make no sense are left out.  0 or -ENOMEM; then it is empty. */
int wf_dns_hosts_read(struct wf_dns_hosts *out, weft_str text);
void wf_dns_hosts_fini(struct wf_dns_hosts *hosts);

/* Adds the addresses of the family; true if the name stands there at all. */
bool wf_dns_hosts_find(const struct wf_dns_hosts *hosts, const char *name, int family,
                       struct wf_dns_ips *out);

#endif
