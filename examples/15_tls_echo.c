/* SPDX-License-Identifier: MIT */

/*
 * Lesson: TLS is put on a stream, and everything that takes a stream goes on as before.  A server
 * that says again what it is told; a client that believes the server's certificate, comes a second
 * time, which is quicker, and then learns that the certificate is not for whom it wanted.
 */

#include "self_signed.h"

#include <weft.h>
#include <weft/net.h>
#include <weft/tls.h>

#include <stdio.h>
#include <string.h>

/* ---- the server ---- */

struct server {
    weft_listener *listener;
    weft_tls *tls;
};

struct talk {
    weft_tls *tls;
    weft_stream *stream;
};

static int echo_lines(weft_tls *tls, weft_stream *stream)
{
    WEFT_TRY(weft_tls_accept(tls, stream)); /* the only line that TLS needs here */
    for (;;) {
        weft_str line;
        ssize_t bytes = weft_stream_peek_until(stream, (weft_str){"\n", 1}, 1000, &line);
        if (bytes <= 0)
            return (int)bytes;
        WEFT_TRY(weft_stream_write(stream, line.ptr, (size_t)bytes));
        weft_stream_consume(stream, (size_t)bytes);
    }
}

/* One client's failure is its own: the others do not hear of it. */
static int talk(void *arg)
{
    const struct talk *talk = arg;
    if (echo_lines(talk->tls, talk->stream) == 0)
        (void)weft_stream_close(talk->stream);
    else
        weft_stream_abort(talk->stream);
    return weft_check();
}

static int serve(void *arg)
{
    const struct server *server = arg;
    for (;;) {
        struct talk next = {.tls = server->tls};
        WEFT_TRY(weft_listener_accept(server->listener, &next.stream));
        weft_task task = weft_spawn_copy(talk, next);
        if (weft_done(task, NULL) != 0) /* so soon: it could not be started */
            weft_stream_abort(next.stream);
        weft_release(task);
    }
}

/* ---- the client ---- */

static int say_hello(weft_tls *tls, weft_stream *stream, const char *name)
{
    static const char hello[] = "hello\n";
    char answer[sizeof hello] = "";
    weft_tls_info info;
    WEFT_TRY(weft_tls_connect(tls, stream, name));
    WEFT_TRY(weft_stream_write(stream, hello, sizeof hello - 1));
    WEFT_TRY(weft_stream_read_exact(stream, answer, sizeof hello - 1));
    WEFT_TRY(weft_tls_info_get(stream, &info));
    printf("%s, %s, %s: %s", name, info.version, info.is_resumed ? "again" : "anew", answer);
    return 0;
}

static int visit(weft_tls *tls, const weft_addr *addr, const char *name)
{
    weft_stream *stream;
    WEFT_TRY(weft_stream_connect(&stream, addr));
    int rc = say_hello(tls, stream, name);
    if (rc < 0)
        weft_stream_abort(stream);
    return rc < 0 ? rc : weft_stream_close(stream);
}

static int visit_three_times(weft_tls *tls, const weft_addr *addr)
{
    WEFT_TRY(visit(tls, addr, "localhost"));
    WEFT_TRY(visit(tls, addr, "localhost"));
    int rc = visit(tls, addr, "example.com");
    const char *why = strstr(weft_error_text(), ": "); /* behind host and port */
    printf("example.com%s\n", why != NULL ? why : " is believed");
    return rc == -WEFT_ETLS ? 0 : -EPROTO;
}

/* ---- both ---- */

static int open_all(struct server *server, weft_tls **client)
{
    struct self_signed self;
    weft_addr any;
    if (!self_signed_make(&self, "localhost"))
        return weft_fail(-ENOMEM, "no certificate could be made");
    const weft_tls_cert cert = {self.cert, self.key};
    const weft_tls_options ours = {.certs = &cert, .cert_count = 1};
    const weft_tls_options theirs = {.trust = self.cert};
    WEFT_TRY(weft_tls_server_new(&server->tls, &ours));
    WEFT_TRY(weft_tls_client_new(client, &theirs));
    WEFT_TRY(weft_addr_parse(&any, "127.0.0.1:0"));
    return weft_listener_open(&server->listener, &any, NULL);
}

static int program(void *arg)
{
    struct server server = {0};
    weft_tls *client = NULL;
    (void)arg;
    int rc = open_all(&server, &client);
    if (rc == 0) {
        weft_task serving = weft_spawn(serve, &server);
        rc = visit_three_times(client, weft_listener_get_addr(server.listener));
        weft_cancel(serving, "that was all");
        (void)weft_await(serving);
    }
    weft_listener_close(server.listener);
    weft_tls_free(client);
    weft_tls_free(server.tls);
    return rc;
}

int main(void)
{
    return weft_main(program, NULL);
}
