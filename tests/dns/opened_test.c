/* SPDX-License-Identifier: MIT */

/* A resolver that was never closed. */

#include "net/left_open.h"

#include <weft/dns.h>

static weft_resolver *resolver;

static int body_opens(void *arg)
{
    (void)arg;
    return weft_resolver_open(&resolver, &(weft_resolver_options){.servers = "", .hosts = ""});
}

static int body_closes(void *arg)
{
    weft_addr addr;
    WEFT_TRY(body_opens(arg));
    weft_resolver_close(resolver);
    return weft_resolve(NULL, "127.0.0.1", 80, 0, &addr, 1) == 1 ? 0 : -EIO; /* by the run's own */
}

TEST(a_resolver_left_open_is_named)
{
    static const char *const texts[] = {
        "debug: resolver was never closed: weft_resolver_close() it; opened: body_opens+0x", NULL};
    check_left(body_opens, texts);
}

TEST(resolvers_that_were_closed_are_not_told)
{
    check_nothing_left(body_closes);
}
