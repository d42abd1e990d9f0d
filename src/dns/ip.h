/* SPDX-License-Identifier: MIT */

/* An IPv4 or IPv6 address as answers carry it. */
#ifndef WF_DNS_IP_H
#define WF_DNS_IP_H

#include <weft/net.h>

#define WF_DNS_IPS_MAX 64 /* of one name and family */

struct wf_dns_ip {
    uint8_t family; /* AF_INET, AF_INET6 */
    uint8_t bytes[16];
};

struct wf_dns_ips {
    struct wf_dns_ip items[WF_DNS_IPS_MAX];
    uint32_t count;
};

/* False when there is no room. */
bool wf_dns_ips_add(struct wf_dns_ips *ips, int family, const void *bytes);

/* "192.0.2.1", "2001:db8::1"; false if it is neither. */
bool wf_dns_ip_read(struct wf_dns_ip *out, const char *text);

void wf_dns_ip_addr(weft_addr *out, const struct wf_dns_ip *ip, uint16_t port);

#endif
