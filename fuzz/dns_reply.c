/* SPDX-License-Identifier: MIT */

/* A name server's answer: whatever comes, what is taken from it is within its limits. */

#include <weft/dns.h>

#include "dns/reply.h"

#include <assert.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const uint8_t *data, size_t size, int type, uint8_t family)
{
    struct wf_dns_reply reply;
    int rc = wf_dns_reply_read(&reply, data, size, "a.test", type);
    assert(reply.ips.count <= WF_DNS_IPS_MAX);
    if (rc == 0)
        assert((reply.ips.count != 0) != reply.is_truncated);
    else
        assert(rc == -WEFT_ESYNTAX || rc == -WEFT_ENONAME || rc == -WEFT_EDNS ||
               rc == -WEFT_ELIMIT);
    for (uint32_t i = 0; i < reply.ips.count; i++)
        assert(reply.ips.items[i].family == family);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    check(data, size, WF_DNS_TYPE_A, AF_INET);
    check(data, size, WF_DNS_TYPE_AAAA, AF_INET6);
    return 0;
}
