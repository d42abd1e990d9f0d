/* SPDX-License-Identifier: MIT */

/* Built without c-ares: only the system is asked. */

#include "dns/query.h"

const bool wf_dns_query_has_servers = false;

int wf_dns_query_server(const weft_addr *server, const char *name, int type, bool is_by_tcp,
                        weft_time timeout, weft_bytes *out)
{
    (void)server;
    (void)name;
    (void)type;
    (void)is_by_tcp;
    (void)timeout;
    (void)out;
    return -ENOTSUP;
}
