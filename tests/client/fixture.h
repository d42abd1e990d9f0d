/* SPDX-License-Identifier: MIT */

/* Our own server and a client that asks it. */
#ifndef TESTS_CLIENT_FIXTURE_H
#define TESTS_CLIENT_FIXTURE_H

#include <weft/client.h>

#include "site.h"

struct fixture {
    struct site site;
    weft_client *client;
};

/* `options` may be NULL.  On failure it is to be closed all the same. */
static inline int fixture_open(struct fixture *self, const weft_client_options *options)
{
    *self = (struct fixture){0};
    int rc = site_open(&self->site, NULL);
    return rc < 0 ? rc : weft_client_new(&self->client, options);
}

/* What the server's task returned. */
static inline int fixture_close(struct fixture *self)
{
    weft_client_free(self->client);
    return site_close(&self->site);
}

/* Static buffer. */
static inline const char *fixture_url(const struct fixture *self, const char *path)
{
    static char url[256];
    snprintf(url, sizeof url, "http://127.0.0.1:%d%s", weft_addr_get_port(&self->site.addr), path);
    return url;
}

#endif
