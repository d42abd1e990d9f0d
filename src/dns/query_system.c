/* SPDX-License-Identifier: MIT */

#include "dns/query.h"

#include <weft/error.h>

#include <netdb.h>
#include <netinet/in.h>
#include <string.h>

static int code_of(int status, const char *name)
{
    switch (status) {
    case EAI_NONAME:
#if defined(EAI_NODATA)
    case EAI_NODATA:
#endif
    case EAI_ADDRFAMILY:
        return weft_fail(-WEFT_ENONAME, "dns: there is no host %.64s of this kind", name);
    case EAI_MEMORY:
        return -ENOMEM;
    default:
        return weft_fail(-WEFT_EDNS, "dns: the system does not say what %.64s is: %s", name,
                         gai_strerror(status));
    }
}

int wf_dns_query_system(const char *name, int family, struct wf_dns_ips *out)
{
    struct addrinfo *found = NULL, hints = {.ai_family = family, .ai_socktype = SOCK_STREAM};
    int status = getaddrinfo(name, NULL, &hints, &found);
    if (status != 0)
        return code_of(status, name);
    for (const struct addrinfo *at = found; at != NULL; at = at->ai_next) {
        struct sockaddr_in in;
        struct sockaddr_in6 in6;
        if (at->ai_family == AF_INET && at->ai_addrlen >= sizeof in) {
            memcpy(&in, at->ai_addr, sizeof in);
            (void)wf_dns_ips_add(out, AF_INET, &in.sin_addr);
        } else if (at->ai_family == AF_INET6 && at->ai_addrlen >= sizeof in6) {
            memcpy(&in6, at->ai_addr, sizeof in6);
            (void)wf_dns_ips_add(out, AF_INET6, &in6.sin6_addr);
        }
    }
    freeaddrinfo(found);
    return out->count != 0 ? 0 : code_of(EAI_NONAME, name);
}
