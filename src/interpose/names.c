/* SPDX-License-Identifier: MIT */

/* Names and addresses, which libc looks up with calls of its own: on a thread for bodies that
 * block, with a task that waits for it. */

#include "interpose/next.h"
#include "interpose/waits.h"

#include <weft/exec.h>

#include <arpa/inet.h>
#include <errno.h>

/* A lookup under way, on the stack of the task that waits. */
struct lookup {
    const char *node, *service;
    const struct addrinfo *hints;
    struct addrinfo **out;
    int result, error;
};

static int lookup_body(void *arg)
{
    struct lookup *self = arg;
    errno = 0;
    self->result = wf_next()->getaddrinfo(self->node, self->service, self->hints, self->out);
    self->error = errno;
    return 0;
}

/* How a lookup that could not be made fails: as the resolver's codes have it. */
static int lookup_failed(int rc)
{
    errno = -rc;
    return rc == -ENOMEM ? EAI_MEMORY : EAI_SYSTEM;
}

static bool is_number(const char *node)
{
    unsigned char addr[sizeof(struct in6_addr)];
    return inet_pton(AF_INET, node, addr) == 1 || inet_pton(AF_INET6, node, addr) == 1;
}

WEFT_API int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints,
                         struct addrinfo **out)
{
    bool is_quick = node == NULL || is_number(node) ||
                    (hints != NULL && (hints->ai_flags & AI_NUMERICHOST) != 0);
    if (is_quick || !wf_inside())
        return wf_next()->getaddrinfo(node, service, hints, out);
    struct lookup self = {node, service, hints, out, 0, 0};
    wf_wait_begins("getaddrinfo");
    int rc = weft_run_blocking(lookup_body, &self);
    if (rc < 0)
        return lookup_failed(rc);
    if (self.error != 0)
        errno = self.error;
    return self.result;
}

/* The same the other way. */
struct naming {
    const struct sockaddr *addr;
    char *host, *service;
    socklen_t addr_bytes, host_bytes, service_bytes;
    int flags, result, error;
};

static int naming_body(void *arg)
{
    struct naming *self = arg;
    errno = 0;
    self->result =
        wf_next()->getnameinfo(self->addr, self->addr_bytes, self->host, self->host_bytes,
                               self->service, self->service_bytes, self->flags);
    self->error = errno;
    return 0;
}

WEFT_API int getnameinfo(const struct sockaddr *addr, socklen_t addr_bytes, char *host,
                         socklen_t host_bytes, char *service, socklen_t service_bytes, int flags)
{
    bool is_quick = host == NULL || (flags & NI_NUMERICHOST) != 0;
    if (is_quick || !wf_inside())
        return wf_next()->getnameinfo(addr, addr_bytes, host, host_bytes, service, service_bytes,
                                      flags);
    struct naming self = {
        .addr = addr,
        .host = host,
        .service = service,
        .addr_bytes = addr_bytes,
        .host_bytes = host_bytes,
        .service_bytes = service_bytes,
        .flags = flags,
    };
    wf_wait_begins("getnameinfo");
    int rc = weft_run_blocking(naming_body, &self);
    if (rc < 0)
        return lookup_failed(rc);
    if (self.error != 0)
        errno = self.error;
    return self.result;
}
