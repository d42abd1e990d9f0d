/* SPDX-License-Identifier: MIT */

/* Contexts of TLS, and streams that speak it, which were never closed. */

#include "ends.h"
#include "net/left_open.h"

static weft_tls *client, *server;
static struct ends ends;

static int body_makes_contexts(void *arg)
{
    (void)arg;
    client = ends_client((weft_tls_options){0});
    server = ends_server((weft_tls_options){0});
    return 0;
}

static int body_connects(void *arg)
{
    WEFT_TRY(body_makes_contexts(arg));
    ends_open(&ends, client, server, "web.test");
    weft_tls_free(client); /* the streams keep what they need */
    weft_tls_free(server);
    return ends.client_rc < 0 ? ends.client_rc : ends.server_rc;
}

static int body_closes(void *arg)
{
    WEFT_TRY(body_connects(arg));
    ends_abort(&ends);
    return 0;
}

TEST(contexts_of_tls_left_open_are_named)
{
    static const char *const texts[] = {
        "debug: TLS context for clients was never closed: weft_tls_free() it; opened: ",
        "debug: TLS context for servers was never closed: weft_tls_free() it; opened: ", NULL};
    check_left(body_makes_contexts, texts);
}

TEST(test_L06_streams_of_tls_left_open_are_named_and_do_not_keep_the_run)
{
    static const char *const texts[] = {
        " was never closed: weft_stream_close() it; opened: ",
        "operations of what was never closed end with the run: 2",
        NULL,
    };
    check_left(body_connects, texts);
}

TEST(what_of_tls_was_closed_is_not_told)
{
    check_nothing_left(body_closes);
}
