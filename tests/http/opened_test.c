/* SPDX-License-Identifier: MIT */

/* A server that was never freed: it, and not its listeners. */

#include "net/left_open.h"
#include "site.h"

static weft_http_server *server;

static int body_listens(void *arg)
{
    (void)arg;
    WEFT_TRY(weft_http_server_new(&server, NULL));
    return weft_http_server_listen(server, "127.0.0.1:0");
}

static int body_serves_and_frees(void *arg)
{
    struct site site;
    WEFT_TRY(body_listens(arg));
    weft_http_server_free(server);
    WEFT_TRY(site_open(&site, NULL));
    return site_close(&site);
}

TEST(a_server_left_open_is_named)
{
    static const char *const texts[] = {
        "debug: HTTP server was never closed: weft_http_server_free() it; opened: body_listens+0x",
        NULL,
    };
    check_left(body_listens, texts);
    CHECK_EQ(run_in_child("sim", WEFT_RUN_DEBUG, body_listens).lines, 1);
}

TEST(servers_that_were_freed_are_not_told)
{
    check_nothing_left(body_serves_and_frees);
}
