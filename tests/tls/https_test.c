/* SPDX-License-Identifier: MIT */

/* The HTTP server over TLS: the same server, unchanged. */

#include "harness/harness.h"

#include "ends.h"

#include "http/site.h"

static int secure(weft_stream *stream, void *arg)
{
    return weft_tls_start_server(arg, stream);
}

static weft_stream *connect_to(struct site *site, weft_tls *tls)
{
    weft_stream *stream = client_open(site);
    weft_tls_info info;
    CHECK_OK(weft_tls_connect(tls, stream, "web.test"));
    CHECK_OK(weft_tls_info_get(stream, &info));
    CHECK_BYTES(info.protocol.ptr, info.protocol.len, "http/1.1", 8);
    return stream;
}

static void check_answer(weft_stream *stream, const char *request, int status, const char *body)
{
    struct answer answer;
    client_send(stream, request);
    CHECK_OK(client_read(stream, &answer));
    CHECK_EQ(answer.status, status);
    CHECK_BYTES(answer.body, answer.body_bytes, body, strlen(body));
    answer_fini(&answer);
}

TASK_TEST(https_serves_as_http_does)
{
    struct site site;
    weft_tls *client = ends_client((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *server = ends_server((weft_tls_options){.alpn = "http/1.1"});
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    weft_stream *stream = connect_to(&site, client);
    check_answer(stream, "GET /ok HTTP/1.1\r\nHost: web.test\r\n\r\n", 200, "ok\n");
    check_answer(stream, "POST /echo HTTP/1.1\r\nHost: web.test\r\nContent-Length: 5\r\n\r\nhello",
                 200, "hello");
    struct answer answer;
    client_send(stream, "GET /large?kib=300 HTTP/1.1\r\nHost: web.test\r\n\r\n");
    CHECK_OK(client_read(stream, &answer));
    CHECK_EQ(answer.body_bytes, 300u * 1024);
    answer_fini(&answer);
    client_send(stream, "GET /ok HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n");
    CHECK_OK(client_read(stream, &answer));
    CHECK_EQ(answer.status, 200);
    answer_fini(&answer);
    CHECK(client_is_closed(stream)); /* announced: it is an end, not a cut */
    CHECK_OK(weft_stream_close(stream));
    CHECK_OK(site_close(&site));
    weft_tls_free(client);
    weft_tls_free(server);
}

/* Each allocation of the copy, in turn. */
static void check_copies_fail_cleanly(const weft_stream *stream)
{
    weft_tls_peer_cert *cert;
    weft_fault_plan plan = {0};
    int rc;
    do {
        cert = NULL;
        plan = (weft_fault_plan){.classes = WEFT_FAULT_ALLOC, .nth = plan.nth + 1};
        weft_fault_plan *before = weft_fault_arm(&plan);
        rc = weft_tls_peer_cert_get(stream, &cert);
        weft_fault_arm(before);
        CHECK_EQ(rc, plan.point != NULL ? -ENOMEM : 0);
        CHECK((cert != NULL) == (rc == 0));
        weft_tls_peer_cert_free(cert);
    } while (rc == -ENOMEM);
    CHECK_GE(plan.nth, 3u); /* the object and its arena at least */
}

static int tell_client(weft_http_request *req, weft_http_response *res, void *arg)
{
    weft_tls_peer_cert *cert;
    char text[512] = "";
    (void)arg;
    int rc = weft_tls_peer_cert_get(weft_http_get_stream(req), &cert);
    if (rc == -ENOENT || rc == -ENOTCONN)
        return weft_http_respond_text(res, 401, rc == -ENOENT ? "none" : "no TLS");
    if (rc < 0)
        return rc;
    check_copies_fail_cleanly(weft_http_get_stream(req));
    CHECK(cert->is_checked);
    CHECK_EQ(((const uint8_t *)cert->der.ptr)[0], 0x30); /* a SEQUENCE */
    for (size_t i = 0; i < cert->name_count; i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s:%s ", cert->names[i].kind,
                 cert->names[i].text.ptr);
    snprintf(text + strlen(text), sizeof text - strlen(text), "%s by %s", cert->subject,
             cert->issuer);
    weft_tls_peer_cert_free(cert);
    return weft_http_respond_text(res, 200, text);
}

/* Its client's certificate is the handler's to judge; a resumed session has that of its first. */
TASK_TEST(https_handlers_know_their_clients_by_their_certificates)
{
    static const char ask_test[] = "GET /test HTTP/1.1\r\nHost: web.test\r\n\r\n";
    struct site site;
    struct cert cert;
    cert_for(&cert, "client 7",
             "DNS:c7.test,URI:spiffe://test/c7,IP:10.0.0.7,IP:fd00::7,email:c@c7.test,RID:1.2.3");
    weft_tls_cert shown = {cert.pem, cert.key};
    weft_tls *known =
        ends_client((weft_tls_options){.alpn = "http/1.1", .certs = &shown, .cert_count = 1});
    weft_tls *unknown = ends_client((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *server = ends_server((weft_tls_options){
        .alpn = "http/1.1", .trust = cert_authority()->pem, .peer = WEFT_TLS_PEER_OPTIONAL});
    site_handler = tell_client;
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    for (int i = 0; i < 2; i++) {
        weft_tls_info info;
        weft_stream *stream = connect_to(&site, known);
        check_answer(stream, ask_test, 200,
                     "DNS:c7.test URI:spiffe://test/c7 IP:10.0.0.7 IP:fd00::7 email:c@c7.test "
                     "CN=client 7 by CN=Test Authority");
        CHECK_OK(weft_tls_info_get(stream, &info));
        CHECK_EQ(info.is_resumed, i == 1);
        CHECK_OK(weft_stream_close(stream));
        stream = connect_to(&site, unknown);
        check_answer(stream, ask_test, 401, "none");
        CHECK_OK(weft_stream_close(stream));
    }
    CHECK_OK(site_close(&site));
    CHECK_OK(site_open(&site, NULL));
    weft_stream *plain = client_open(&site);
    check_answer(plain, ask_test, 401, "no TLS");
    weft_stream_abort(plain);
    CHECK_OK(site_close(&site));
    weft_tls_free(known);
    weft_tls_free(unknown);
    weft_tls_free(server);
}

static void check_told(struct site *site, const char *request)
{
    struct answer answer;
    weft_stream *plain = client_open(site);
    client_send(plain, request);
    CHECK_OK(client_read(plain, &answer));
    CHECK_EQ(answer.status, 400);
    CHECK_STR(answer_field(&answer, "Content-Type"), "text/plain; charset=utf-8");
    CHECK_STR(answer.body, "This port speaks HTTPS, and the request came as plain HTTP text.\n");
    CHECK(client_is_closed(plain));
    answer_fini(&answer);
    weft_stream_abort(plain);
}

/* Who speaks plain HTTP to it is told so, who says nothing or leaves in the handshake goes, and
 * none does the others any harm. */
TASK_TEST(https_of_clients_that_do_not_speak_it)
{
    struct site site;
    weft_http_stats stats;
    weft_tls *client = ends_client((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *server = ends_server((weft_tls_options){.alpn = "http/1.1"});
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    check_told(&site, "GET /ok HTTP/1.1\r\nHost: web.test\r\n\r\n");
    check_told(&site, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    weft_http_server_get_stats(site.server, &stats);
    CHECK_EQ(stats.requests, 0u);
    CHECK_EQ(stats.refused, 2u);
    weft_time from = weft_now();
    weft_stream *silent = client_open(&site);
    CHECK(client_is_closed(silent));
    CHECK_EQ((weft_now() - from + WEFT_SEC / 2) / WEFT_SEC, 10);
    weft_stream_abort(silent);
    weft_stream *gone = client_open(&site);
    client_send(gone, "\x16\x03\x01");
    weft_stream_abort(gone);
    weft_stream *stream = connect_to(&site, client);
    check_answer(stream, "GET /ok HTTP/1.1\r\nHost: web.test\r\n\r\n", 200, "ok\n");
    CHECK_OK(weft_stream_close(stream));
    CHECK_OK(site_close(&site));
    weft_tls_free(client);
    weft_tls_free(server);
}

/* ---- HTTP/2 ---- */

static weft_stream *connect_by(struct site *site, weft_tls *tls)
{
    weft_stream *stream = client_open(site);
    weft_tls_info info;
    CHECK_OK(weft_tls_connect(tls, stream, "web.test"));
    CHECK_OK(weft_tls_info_get(stream, &info));
    CHECK_BYTES(info.protocol.ptr, info.protocol.len, "h2", 2);
    return stream;
}

/* Who has agreed on HTTP/2 gets nothing else, whatever it sends. */
TASK_TEST(https_speaks_what_was_agreed_on)
{
    static const char ask_ok[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
                                 "\0\0\0\4\0\0\0\0\0"        /* SETTINGS */
                                 "\0\0\12\1\5\0\0\0\1"       /* HEADERS, END_STREAM */
                                 "\202\206\101\1a\104\3/ok"; /* GET, http, a, /ok */
    struct site site;
    uint8_t head[9], bytes[64];
    if (strcmp(weft_http_alpn(), "http/1.1") == 0)
        SKIP("no nghttp2");
    weft_tls *client = ends_client((weft_tls_options){.alpn = "h2"});
    weft_tls *server = ends_server((weft_tls_options){.alpn = weft_http_alpn()});
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    weft_stream *stream = connect_by(&site, client);
    client_send_bytes(stream, ask_ok, 24 + 9 + 9 + 10);
    do { /* up to the body */
        CHECK_EQ(weft_stream_read_exact(stream, head, sizeof head), (ssize_t)sizeof head);
        CHECK_LE((size_t)head[2], sizeof bytes);
        if (head[2] != 0)
            CHECK_EQ(weft_stream_read_exact(stream, bytes, head[2]), (ssize_t)head[2]);
    } while (head[3] != 0);
    CHECK_BYTES((const char *)bytes, head[2], "ok\n", 3);
    weft_stream_abort(stream);

    stream = connect_by(&site, client);
    client_send(stream, "GET /ok HTTP/1.1\r\nHost: web.test\r\n\r\n");
    uint8_t last = 0;
    while (weft_stream_read_exact(stream, head, sizeof head) > 0) {
        last = head[3];
        CHECK_LE((size_t)head[2], sizeof bytes);
        if (head[2] != 0 && weft_stream_read_exact(stream, bytes, head[2]) <= 0)
            break;
    }
    CHECK_EQ(last, 7);     /* GOAWAY ... */
    CHECK_EQ(bytes[7], 1); /* ... PROTOCOL_ERROR */
    weft_stream_abort(stream);
    CHECK_OK(site_close(&site));
    weft_tls_free(client);
    weft_tls_free(server);
}

/* Who has agreed on HTTP/1.1 does not get HTTP/2 by its first bytes. */
TASK_TEST(https_speaks_no_h2_where_http_1_was_agreed_on)
{
    struct site site;
    weft_tls *client = ends_client((weft_tls_options){.alpn = "http/1.1"});
    weft_tls *server = ends_server((weft_tls_options){.alpn = weft_http_alpn()});
    CHECK_OK(site_open(&site, &(weft_http_options){.secure = secure, .secure_arg = server}));
    weft_stream *stream = connect_to(&site, client);
    struct answer answer;
    client_send(stream, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    CHECK_OK(client_read(stream, &answer));
    CHECK_EQ(answer.status, 505);
    answer_fini(&answer);
    CHECK(client_is_closed(stream));
    weft_stream_abort(stream);
    CHECK_OK(site_close(&site));
    weft_tls_free(client);
    weft_tls_free(server);
}
