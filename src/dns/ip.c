/* SPDX-License-Identifier: MIT */

#include "dns/ip.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>

bool wf_dns_ips_add(struct wf_dns_ips *ips, int family, const void *bytes)
{
    if (ips->count == WF_DNS_IPS_MAX)
        return false;
    struct wf_dns_ip *ip = &ips->items[ips->count++];
    *ip = (struct wf_dns_ip){.family = (uint8_t)family};
    memcpy(ip->bytes, bytes, family == AF_INET ? sizeof(struct in_addr) : sizeof(struct in6_addr));
    return true;
}

bool wf_dns_ip_read(struct wf_dns_ip *out, const char *text)
{
    struct wf_dns_ip ip = {.family = AF_INET};
    if (inet_pton(AF_INET, text, ip.bytes) != 1) {
        ip.family = AF_INET6;
        if (inet_pton(AF_INET6, text, ip.bytes) != 1)
            return false;
    }
    *out = ip;
    return true;
}

void wf_dns_ip_addr(weft_addr *out, const struct wf_dns_ip *ip, uint16_t port)
{
    struct sockaddr_in in = {.sin_family = AF_INET, .sin_port = htons(port)};
    struct sockaddr_in6 in6 = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    bool is_v6 = ip->family == AF_INET6;
    memcpy(&in.sin_addr, ip->bytes, sizeof in.sin_addr);
    memcpy(&in6.sin6_addr, ip->bytes, sizeof in6.sin6_addr);
    *out = (weft_addr){.bytes = is_v6 ? sizeof in6 : sizeof in};
    memcpy(&out->storage, is_v6 ? (const void *)&in6 : (const void *)&in, out->bytes);
}
