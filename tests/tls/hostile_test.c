/* SPDX-License-Identifier: MIT */

/* Peers that stall, lie, cut and flood; and everything going wrong on our side. */

#include "harness/harness.h"

#include "ends.h"

#include "tls/tls_priv.h"

#include <stdlib.h>

/* ---- stalling and lying ---- */

TASK_TEST(class_37_tls_handshake_has_a_time)
{
    for (int is_server = 0; is_server < 2; is_server++) {
        struct ends ends;
        weft_tls *client = ends_client((weft_tls_options){0});
        weft_tls *server = ends_server((weft_tls_options){.handshake_max = 3 * WEFT_SEC});
        CHECK_OK(ends_connect(&ends));
        weft_time begun = weft_now();
        CHECK_EQ(is_server ? weft_tls_accept(server, ends.server)
                           : weft_tls_connect(client, ends.client, "web.test"),
                 -ETIMEDOUT);
        CHECK_EQ(weft_now() - begun, (is_server ? 3 : 10) * WEFT_SEC);
        CHECK(strstr(weft_error_text(), is_server ? "tls: it took more than 3 s (handshake_max)"
                                                  : ": it took more than 10 s (handshake_max)"));
        ends_abort(&ends);
        weft_tls_free(client);
        weft_tls_free(server);
    }
}

static void check_server_says(const void *bytes, size_t count, int wanted_rc, const char *wanted)
{
    struct ends ends;
    weft_tls *server = ends_server((weft_tls_options){0});
    CHECK_OK(ends_connect(&ends));
    CHECK_OK(weft_stream_write(ends.client, bytes, count));
    CHECK_OK(weft_stream_shutdown(ends.client));
    CHECK_EQ(weft_tls_accept(server, ends.server), wanted_rc);
    CHECK_STR(weft_error_text(), wanted);
    ends_abort(&ends);
    weft_tls_free(server);
}

TASK_TEST(tls_server_of_a_peer_that_speaks_something_else)
{
    static const char http[] = "GET / HTTP/1.1\r\nHost: web.test\r\n\r\n";
    static const char zeros[64];
    static const char huge[] = "\x16\x03\x01\xff\xff\x01\x00\xff\xfb";
    check_server_says(http, sizeof http - 1, -WEFT_ETLS, "tls: the peer speaks HTTP, not TLS");
    check_server_says(zeros, sizeof zeros, -WEFT_ETLS, "tls: the peer does not speak TLS");
    check_server_says(huge, sizeof huge - 1, -WEFT_ETLS, "tls: packet length too long");
    check_server_says("", 0, -WEFT_ETRUNCATED,
                      "tls: the peer ended the connection in the handshake");
    check_server_says(huge, 3, -WEFT_ETRUNCATED,
                      "tls: the peer ended the connection in the handshake");
}

/* ---- renegotiation, old versions, early data ---- */

/* Both ends of TLS 1.2; the client's contexts are changed by `change`. */
static void open_as(struct ends *ends, weft_tls **client, weft_tls **server,
                    void (*change)(SSL_CTX *context))
{
    *client = ends_client((weft_tls_options){0});
    *server = ends_server((weft_tls_options){0});
    change((*client)->set.contexts[0]);
    ends_open(ends, *client, *server, "web.test");
}

static void close_all(struct ends *ends, weft_tls *client, weft_tls *server)
{
    ends_abort(ends);
    weft_tls_free(client);
    weft_tls_free(server);
}

static void be_1_2(SSL_CTX *context)
{
    CHECK_EQ(SSL_CTX_set_max_proto_version(context, TLS1_2_VERSION), 1);
}

static void be_1_2_and_renegotiate(SSL_CTX *context)
{
    be_1_2(context);
    SSL_CTX_clear_options(context, SSL_OP_NO_RENEGOTIATION);
}

/* Each costs a server a handshake and a client nothing. */
TASK_TEST(class_37_tls_server_does_not_renegotiate)
{
    struct ends ends;
    weft_tls *client, *server;
    char buf[8];
    open_as(&ends, &client, &server, be_1_2_and_renegotiate);
    CHECK_OK(ends.client_rc);
    SSL *theirs = wf_tls_conn_of(ends.client)->ssl, *ours = wf_tls_conn_of(ends.server)->ssl;
    CHECK_STR(SSL_get_version(theirs), "TLSv1.2");
    CHECK_EQ(SSL_renegotiate(theirs), 1);
    CHECK_LE(SSL_do_handshake(theirs), 0); /* asks, and waits for the answer */
    weft_filter_push(wf_tls_conn_of(ends.client)->filter);
    CHECK_EQ(weft_stream_read(ends.client, buf, sizeof buf), -WEFT_ETLS);
    CHECK_STR(weft_error_text(), "tls: no renegotiation");
    CHECK_EQ(SSL_num_renegotiations(ours), 0);
    close_all(&ends, client, server);
}

TASK_TEST(class_37_tls_client_does_not_renegotiate)
{
    struct ends ends;
    weft_tls *client, *server;
    char buf[8];
    open_as(&ends, &client, &server, be_1_2);
    CHECK_OK(ends.client_rc);
    SSL *theirs = wf_tls_conn_of(ends.server)->ssl, *ours = wf_tls_conn_of(ends.client)->ssl;
    SSL_clear_options(theirs, SSL_OP_NO_RENEGOTIATION);
    CHECK_EQ(SSL_renegotiate(theirs), 1);
    CHECK_EQ(SSL_do_handshake(theirs), 1); /* it is only a word to the client */
    CHECK_OK(weft_stream_write(ends.server, "hello", 5));
    CHECK_EQ(weft_stream_read_exact(ends.client, buf, 5), 5);
    CHECK_BYTES(buf, 5, "hello", 5);
    CHECK_EQ(SSL_num_renegotiations(ours), 0);
    close_all(&ends, client, server);
}

static void be_1_1(SSL_CTX *context)
{
    SSL_CTX_set_security_level(context, 0);
    CHECK_EQ(SSL_CTX_set_min_proto_version(context, TLS1_VERSION), 1);
    CHECK_EQ(SSL_CTX_set_max_proto_version(context, TLS1_1_VERSION), 1);
}

TASK_TEST(class_37_tls_before_1_2_is_refused)
{
    struct ends ends;
    weft_tls *client, *server;
    open_as(&ends, &client, &server, be_1_1);
    CHECK_EQ(ends.server_rc, -WEFT_ETLS);
    CHECK_STR(ends.server_text, "tls: the peer speaks no version of TLS that is allowed");
    CHECK_EQ(ends.client_rc, -WEFT_ETLS);
    close_all(&ends, client, server);
}

/* What comes before the handshake is over could have been recorded and said again. */
TASK_TEST(class_37_tls_takes_no_early_data)
{
    struct ends ends;
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){0});
    for (int i = 0; i < 2; i++) {
        ends_open(&ends, client, server, "web.test");
        CHECK_OK(weft_stream_write(ends.server, "x", 1)); /* tickets come before it */
        CHECK_EQ(weft_stream_read(ends.client, (char[1]){0}, 1), 1);
        SSL *ssl = wf_tls_conn_of(ends.client)->ssl;
        CHECK_STR(SSL_get_version(ssl), "TLSv1.3");
        CHECK_EQ(SSL_session_reused(ssl), i);
        CHECK_EQ(SSL_SESSION_get_max_early_data(SSL_get_session(ssl)), 0u);
        CHECK_EQ(SSL_get_max_early_data(wf_tls_conn_of(ends.server)->ssl), 0u);
        ends_abort(&ends);
    }
    weft_tls_free(client);
    weft_tls_free(server);
}

/* ---- flooding ---- */

/* Warnings before the handshake, which nobody has sealed. */
TASK_TEST(class_37_tls_warnings_without_a_handshake_are_few)
{
    char flood[1000 * 7];
    for (size_t i = 0; i < sizeof flood; i += 7)
        memcpy(flood + i, "\x15\x03\x01\x00\x02\x01\x5a", 7); /* user_canceled */
    check_server_says(flood, sizeof flood, -WEFT_ETLS, "tls: unexpected message");
}

/* A byte a record: who does not read holds the bytes, and nothing for each record. */
TASK_TEST(class_37_tls_tiny_records_cost_no_more_than_their_bytes)
{
    struct ends ends;
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){0});
    ends_open(&ends, client, server, "web.test");
    CHECK_OK(ends.client_rc);
    size_t live = live_bytes();
    for (int i = 0; i < 8000; i++) {
        CHECK_OK(weft_stream_write(ends.client, "x", 1));
        CHECK_OK(weft_stream_flush(ends.client));
    }
    while (weft_stream_get_input(ends.server).len < 8000)
        CHECK_OK(weft_sleep(WEFT_MS));
    CHECK_LT(live_bytes(), live + (size_t)64 * 1024);
    ends_abort(&ends);
    weft_tls_free(client);
    weft_tls_free(server);
}

/* ---- bytes in any pieces ---- */

struct wire {
    weft_stream *from, *to;
    size_t piece;
    size_t changed; /* which byte, from 1 on; 0: none */
};

static int wire_run(void *arg)
{
    const struct wire *wire = arg;
    size_t seen = 0;
    char buf[4096];
    for (;;) {
        ssize_t count = weft_stream_read(wire->from, buf, wire->piece);
        if (count <= 0)
            return count < 0 ? (int)count : weft_stream_shutdown(wire->to);
        size_t at = wire->changed - seen - 1;
        if (wire->changed > seen && at < (size_t)count)
            buf[at] = (char)(buf[at] ^ 1);
        seen += (size_t)count;
        WEFT_TRY(weft_stream_write(wire->to, buf, (size_t)count));
        WEFT_TRY(weft_stream_flush(wire->to));
    }
}

static int serve_echo(void *arg)
{
    void **parts = arg;
    char buf[100];
    ssize_t count;
    WEFT_TRY(weft_tls_accept(parts[0], parts[1]));
    while ((count = weft_stream_read(parts[1], buf, sizeof buf)) > 0)
        WEFT_TRY(weft_stream_write(parts[1], buf, (size_t)count));
    return count < 0 ? (int)count : weft_stream_shutdown(parts[1]);
}

static void check_pieces(size_t piece)
{
    struct ends left, right; /* client - wire - server */
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){0});
    char text[3000], buf[sizeof text];
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)('a' + i % 26);
    CHECK_OK(ends_connect(&left));
    CHECK_OK(ends_connect(&right));
    struct wire to = {left.server, right.client, piece, 0};
    struct wire from = {right.client, left.server, piece, 0};
    void *parts[] = {server, right.server};
    weft_task tasks[] = {weft_spawn(wire_run, &to), weft_spawn(wire_run, &from),
                         weft_spawn(serve_echo, parts)};
    CHECK_OK(weft_tls_connect(client, left.client, "web.test"));
    CHECK_OK(weft_stream_write(left.client, text, sizeof text));
    CHECK_OK(weft_stream_shutdown(left.client));
    CHECK_EQ(weft_stream_read_exact(left.client, buf, sizeof buf), (ssize_t)sizeof buf);
    CHECK_BYTES(buf, sizeof buf, text, sizeof text);
    CHECK_EQ(weft_stream_read(left.client, buf, 1), 0);
    CHECK_OK(weft_gather_n(tasks, 3));
    ends_abort(&left);
    ends_abort(&right);
    weft_tls_free(client);
    weft_tls_free(server);
}

TASK_TEST(tls_does_not_mind_how_bytes_are_cut)
{
    check_pieces(1);
    check_pieces(2);
    check_pieces(5);
    check_pieces(4096);
}

struct asking {
    weft_tls *tls;
    weft_stream *stream;
};

static int ask_for_echo(void *arg)
{
    static const char text[] = "the very same bytes";
    const struct asking *asking = arg;
    char buf[sizeof text];
    WEFT_TRY(weft_tls_connect(asking->tls, asking->stream, "web.test"));
    WEFT_TRY(weft_stream_write(asking->stream, text, sizeof text));
    WEFT_TRY(weft_stream_read_exact(asking->stream, buf, sizeof buf));
    CHECK_BYTES(buf, sizeof buf, text, sizeof text);
    return 0;
}

/* 0 if the client got back what it said. */
static int ask_through_a_changed_byte(weft_tls *client, weft_tls *server, size_t changed)
{
    struct ends left, right; /* client - wire - server */
    CHECK_OK(ends_connect(&left));
    CHECK_OK(ends_connect(&right));
    struct wire to = {left.server, right.client, 4096, changed};
    struct wire from = {right.client, left.server, 4096, 0};
    void *parts[] = {server, right.server};
    struct asking asking = {client, left.client};
    weft_task tasks[] = {weft_spawn(wire_run, &to), weft_spawn(wire_run, &from),
                         weft_spawn(serve_echo, parts)};
    int rc = weft_wait_for(ask_for_echo, &asking, 20 * WEFT_SEC);
    ends_abort(&left);
    ends_abort(&right);
    for (int i = 0; i < 3; i++) {
        (void)weft_await(tasks[i]);
        weft_release(tasks[i]);
    }
    return rc;
}

/* A failure, and never other bytes than were said.  What cannot matter is one byte of the first
 * record's version, which nobody is to look at. */
TASK_TEST(class_37_tls_notices_any_byte_that_was_changed)
{
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){0});
    int unnoticed = 0;
    CHECK_OK(ask_through_a_changed_byte(client, server, 0));
    for (size_t at = 1; at < 400; at += 37)
        unnoticed += ask_through_a_changed_byte(client, server, at) == 0;
    CHECK_LE(unnoticed, 1);
    weft_tls_free(client);
    weft_tls_free(server);
}

TASK_TEST(class_37_tls_notices_a_record_that_nobody_sealed)
{
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){0});
    for (size_t at = 0; at < 4; at++) {
        struct ends ends;
        char buf[16];
        ends_open(&ends, client, server, "web.test");
        CHECK_OK(ends.client_rc);
        struct wf_tls_conn *conn = wf_tls_conn_of(ends.server);
        CHECK_OK(weft_sleep(WEFT_MS));
        /* a record that nobody sealed: of the right form, and from the wrong hand */
        char forged[40] = "\x17\x03\x03\x00\x23";
        memset(forged + 5, (int)at, sizeof forged - 5);
        CHECK_OK(weft_filter_send(wf_tls_conn_of(ends.client)->filter, forged, sizeof forged));
        CHECK_EQ(weft_stream_read(ends.server, buf, sizeof buf), -WEFT_ETLS);
        CHECK_STR(conn->text, "tls: decryption failed or bad record mac");
        ends_abort(&ends);
    }
    weft_tls_free(client);
    weft_tls_free(server);
}

/* ---- everything going wrong ---- */

static int accept_and_echo(void *arg)
{
    void **parts = arg;
    int rc = serve_echo(arg);
    weft_stream_abort(parts[1]);
    return rc == -ECANCELED ? rc : 0; /* what the client does wrong is its own matter */
}

/* A little, and what is sealed where it is. */
static int talk(weft_tls *client, struct ends *ends)
{
    static char text[9000], buf[sizeof text];
    WEFT_TRY(weft_tls_connect(client, ends->client, "web.test"));
    for (size_t bytes = 5; bytes <= sizeof text; bytes += sizeof text - 5) {
        WEFT_TRY(weft_stream_write(ends->client, text, bytes));
        WEFT_TRY(weft_stream_read_exact(ends->client, buf, bytes));
        CHECK_BYTES(buf, bytes, text, bytes);
    }
    WEFT_TRY(weft_stream_shutdown(ends->client));
    return (int)weft_stream_read(ends->client, buf, 1);
}

DEAR_SCENARIO(tls_client_and_server_talk)
{
    weft_tls *client = NULL, *server = NULL;
    weft_tls_cert web = {cert_web()->pem, cert_web()->key};
    weft_tls_options theirs = {.trust = cert_authority()->pem, .alpn = "h2"};
    weft_tls_options ours = {.certs = &web, .cert_count = 1, .alpn = "h2"};
    struct ends ends = {.client = NULL};
    int rc = weft_tls_client_new(&client, &theirs);
    if (rc == 0)
        rc = weft_tls_server_new(&server, &ours);
    if (rc == 0)
        rc = ends_connect(&ends);
    if (rc == 0) {
        void *parts[] = {server, ends.server};
        weft_task echo = weft_spawn(accept_and_echo, parts);
        int made;
        if (weft_done(echo, &made) == 0)
            ends.server = NULL; /* it is the task's */
        rc = talk(client, &ends);
        weft_stream_abort(ends.client);
        ends.client = NULL;
        int served = weft_await_for(echo, 20 * WEFT_SEC);
        rc = rc < 0 ? rc : served;
    }
    ends_abort(&ends);
    weft_tls_free(client);
    weft_tls_free(server);
    return rc;
}
