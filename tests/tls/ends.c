/* SPDX-License-Identifier: MIT */

#include "ends.h"

#include "harness/harness.h"

#include <string.h>

weft_tls *ends_client(weft_tls_options options)
{
    weft_tls *tls;
    if (options.trust == NULL)
        options.trust = cert_authority()->pem;
    CHECK_OK(weft_tls_client_new(&tls, &options));
    return tls;
}

weft_tls *ends_server(weft_tls_options options)
{
    weft_tls *tls;
    weft_tls_cert web = {cert_web()->pem, cert_web()->key};
    if (options.cert_count == 0) {
        options.certs = &web;
        options.cert_count = 1;
    }
    CHECK_OK(weft_tls_server_new(&tls, &options));
    return tls;
}

static int accept_into(void *arg)
{
    void **parts = arg;
    return weft_listener_accept(parts[0], parts[1]);
}

int ends_connect(struct ends *ends)
{
    weft_addr any;
    weft_listener *listener;
    *ends = (struct ends){.client = NULL};
    WEFT_TRY(weft_addr_parse(&any, "127.0.0.1:0"));
    WEFT_TRY(weft_listener_open(&listener, &any, NULL));
    void *parts[] = {listener, &ends->server};
    weft_task accepting = weft_spawn(accept_into, parts);
    int rc = weft_stream_connect(&ends->client, weft_listener_get_addr(listener));
    int accepted = weft_await_for(accepting, WEFT_SEC);
    weft_listener_close(listener);
    rc = rc < 0 ? rc : accepted;
    if (rc < 0)
        ends_abort(ends);
    return rc;
}

struct accepting {
    struct ends *ends;
    weft_tls *tls;
};

static int accept_tls(void *arg)
{
    const struct accepting *job = arg;
    struct ends *ends = job->ends;
    ends->server_rc = weft_tls_accept(job->tls, ends->server);
    if (ends->server_rc < 0)
        snprintf(ends->server_text, sizeof ends->server_text, "%s", weft_error_text());
    return 0;
}

const char *ends_client_why(const struct ends *ends)
{
    static const char begin[] = "TLS handshake with ";
    const char *why = strstr(ends->client_text, ": ");
    CHECK_EQ(strncmp(ends->client_text, begin, sizeof begin - 1), 0);
    CHECK(why != NULL);
    return why + 2;
}

void ends_open(struct ends *ends, weft_tls *client, weft_tls *server, const char *name)
{
    CHECK_OK(ends_connect(ends));
    struct accepting job = {ends, server};
    weft_task accepting = weft_spawn(accept_tls, &job);
    ends->client_rc = weft_tls_connect(client, ends->client, name);
    if (ends->client_rc < 0) {
        snprintf(ends->client_text, sizeof ends->client_text, "%s", weft_error_text());
        CHECK_OK(weft_sleep(WEFT_SEC)); /* the other side hears of it */
        weft_stream_abort(ends->client);
        ends->client = NULL;
    }
    CHECK_OK(weft_await(accepting));
}

void ends_abort(struct ends *ends)
{
    weft_stream_abort(ends->client);
    weft_stream_abort(ends->server);
    ends->client = ends->server = NULL;
}
