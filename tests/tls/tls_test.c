/* SPDX-License-Identifier: MIT */

/* Connections over TLS: what they carry, whom they believe, how they end. */

#include "harness/harness.h"

#include "ends.h"

#include <weft/file.h>
#include <weft/io.h>
#include <weft/sys/stream.h>

#include "base/sys.h"
#include "core/scratch.h"

#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

/* ---- what they carry ---- */

struct pair {
    weft_tls *client, *server;
    struct ends ends;
};

static struct pair open_pair(weft_tls_options client, weft_tls_options server)
{
    struct pair pair = {ends_client(client), ends_server(server), {.client = NULL}};
    ends_open(&pair.ends, pair.client, pair.server, "web.test");
    return pair;
}

static struct pair open_usual(void)
{
    struct pair pair = open_pair((weft_tls_options){0}, (weft_tls_options){0});
    CHECK_OK(pair.ends.client_rc);
    CHECK_OK(pair.ends.server_rc);
    return pair;
}

static void close_pair(struct pair *pair)
{
    ends_abort(&pair->ends);
    weft_tls_free(pair->client);
    weft_tls_free(pair->server);
}

static void say(weft_stream *from, weft_stream *to, const char *text)
{
    char buf[64] = "";
    size_t bytes = strlen(text);
    CHECK_OK(weft_stream_write(from, text, bytes));
    CHECK_EQ(weft_stream_read_exact(to, buf, bytes), (ssize_t)bytes);
    CHECK_STR(buf, text);
}

TASK_TEST(tls_carries_bytes_both_ways)
{
    struct pair pair = open_usual();
    weft_tls_info info;
    say(pair.ends.client, pair.ends.server, "hello");
    say(pair.ends.server, pair.ends.client, "and welcome");
    CHECK_OK(weft_tls_info_get(pair.ends.client, &info));
    CHECK_STR(info.version, "TLSv1.3");
    CHECK_STR(info.peer_subject, "CN=web");
    CHECK(info.has_peer_cert);
    CHECK(!info.is_resumed);
    CHECK_EQ(info.protocol.len, 0u);
    CHECK_OK(weft_tls_info_get(pair.ends.server, &info));
    CHECK_STR(info.name, "web.test");
    CHECK(!info.has_peer_cert);
    close_pair(&pair);
}

static int send_much(void *arg)
{
    enum { COUNT = 100000 };
    weft_stream *stream = arg;
    uint32_t *numbers = malloc(COUNT * sizeof *numbers);
    for (uint32_t i = 0; i < COUNT; i++)
        numbers[i] = i;
    int rc = weft_stream_write(stream, numbers, COUNT * sizeof *numbers);
    free(numbers);
    return rc == 0 ? weft_stream_shutdown(stream) : rc;
}

static void check_much(weft_stream *stream)
{
    uint32_t number, wanted = 0;
    ssize_t count;
    while ((count = weft_stream_read(stream, &number, 1)) == 1) {
        CHECK_EQ(weft_stream_read_exact(stream, (char *)&number + 1, 3), 3);
        CHECK_EQ(number, wanted);
        wanted++;
    }
    CHECK_EQ(count, 0);
    CHECK_EQ(wanted, 100000u);
}

TASK_TEST(tls_carries_much_both_ways_at_once_and_ends)
{
    struct pair pair = open_usual();
    weft_task to = weft_spawn(send_much, pair.ends.client);
    weft_task from = weft_spawn(send_much, pair.ends.server);
    check_much(pair.ends.server);
    check_much(pair.ends.client);
    CHECK_OK(weft_await(to));
    CHECK_OK(weft_await(from));
    CHECK_OK(weft_stream_close(pair.ends.client));
    CHECK_OK(weft_stream_close(pair.ends.server));
    pair.ends = (struct ends){.client = NULL};
    close_pair(&pair);
}

/* Nothing of it may reach the socket as it is. */
TASK_TEST(tls_carries_a_file)
{
    enum { COUNT = 150000 };
    static char text[COUNT], got[COUNT];
    struct pair pair = open_usual();
    for (size_t i = 0; i < COUNT; i++)
        text[i] = (char)('a' + i * 7 % 26);
    scratch_make();
    CHECK_OK(weft_file_save(scratch("file"), text, COUNT, 0600));
    int fd = weft_open(scratch("file"), O_RDONLY, 0);
    CHECK_OK(fd);
    CHECK_OK(weft_stream_write(pair.ends.server, "head", 4));
    CHECK_OK(weft_stream_send_file(pair.ends.server, fd, 1, COUNT - 1));
    CHECK_EQ(weft_stream_read_exact(pair.ends.client, got, 4), 4);
    CHECK_BYTES(got, 4, "head", 4);
    CHECK_EQ(weft_stream_read_exact(pair.ends.client, got, COUNT - 1), COUNT - 1);
    CHECK_BYTES(got, COUNT - 1, text + 1, COUNT - 1);
    CHECK_OK(weft_close(fd));
    close_pair(&pair);
    scratch_clean(0);
}

TASK_TEST(tls_writes_before_the_handshake_is_over_go_after_it)
{
    struct ends ends;
    weft_tls *client = ends_client((weft_tls_options){0}),
             *server = ends_server((weft_tls_options){0});
    char buf[8] = "";
    CHECK_OK(ends_connect(&ends));
    CHECK_OK(weft_tls_start_client(client, ends.client, "web.test"));
    CHECK_OK(weft_stream_write(ends.client, "early", 5));
    CHECK_OK(weft_sleep(WEFT_SEC)); /* its first bytes wait when the server's TLS comes */
    CHECK_OK(weft_tls_start_server(server, ends.server));
    weft_tls_free(client); /* connections go on */
    weft_tls_free(server);
    CHECK_EQ(weft_stream_read_exact(ends.server, buf, 5), 5);
    CHECK_STR(buf, "early");
    ends_abort(&ends);
}

struct sizes {
    weft_stream *stream;
    size_t count; /* of writes */
    int rc;       /* of the first one that failed */
};

/* Large ones are sealed where they are, small ones gather first, and some come when much is unsent:
 * the bytes count up. */
static int write_sizes(void *arg)
{
    static const size_t sizes[] = {1,     8191, 8192,   3, 70000, 16384,
                                   16384, 100,  262144, 5, 8192,  9000};
    struct sizes *job = arg;
    uint8_t *bytes = malloc(262144);
    uint8_t next = 0;
    for (size_t i = 0; i < job->count && job->rc == 0; i++) {
        size_t count = sizes[i % (sizeof sizes / sizeof *sizes)];
        for (size_t k = 0; k < count; k++)
            bytes[k] = next++;
        job->rc = weft_stream_write(job->stream, bytes, count);
    }
    free(bytes);
    return job->rc == 0 ? weft_stream_shutdown(job->stream) : job->rc;
}

static size_t count_up(weft_stream *stream, size_t bytes_max)
{
    uint8_t buf[5000];
    size_t seen = 0;
    ssize_t count;
    while (seen < bytes_max && (count = weft_stream_read(stream, buf, sizeof buf)) > 0) {
        for (ssize_t i = 0; i < count; i++)
            CHECK_EQ(buf[i], (uint8_t)seen++);
    }
    return seen;
}

/* On the smallest stack there is. */
TASK_TEST(tls_writes_of_all_sizes_stay_in_order)
{
    struct pair pair = open_usual();
    struct sizes job = {pair.ends.client, 60, 0};
    weft_task writing = weft_spawn_stack(write_sizes, &job, 16384);
    CHECK_EQ(count_up(pair.ends.server, SIZE_MAX), 5u * 398596);
    CHECK_OK(weft_await(writing));
    close_pair(&pair);
}

TASK_TEST(tls_write_to_a_peer_that_goes_away_fails)
{
    struct pair pair = open_usual();
    struct sizes job = {pair.ends.client, SIZE_MAX, 0};
    weft_task writing = weft_spawn(write_sizes, &job);
    CHECK_GE(count_up(pair.ends.server, 100000), 100000u);
    weft_stream_abort(pair.ends.server);
    pair.ends.server = NULL;
    CHECK_LT(weft_await(writing), 0);
    CHECK_LT(job.rc, 0);
    CHECK_EQ(weft_stream_write(pair.ends.client, "x", 1), job.rc);
    close_pair(&pair);
}

/* ---- how they end ---- */

TASK_TEST(tls_end_that_is_announced_is_the_end)
{
    struct pair pair = open_usual();
    char buf[8];
    CHECK_OK(weft_stream_write(pair.ends.server, "bye", 3));
    CHECK_OK(weft_stream_close(pair.ends.server));
    CHECK_EQ(weft_stream_read_exact(pair.ends.client, buf, 3), 3);
    CHECK_EQ(weft_stream_read(pair.ends.client, buf, 8), 0);
    CHECK_EQ(weft_stream_read(pair.ends.client, buf, 8), 0);
    pair.ends.server = NULL;
    close_pair(&pair);
}

TASK_TEST(tls_half_close_lets_the_other_direction_go_on)
{
    struct pair pair = open_usual();
    char buf[8];
    CHECK_OK(weft_stream_shutdown(pair.ends.client));
    CHECK_EQ(weft_stream_write(pair.ends.client, "x", 1), -EPIPE);
    CHECK_EQ(weft_stream_read(pair.ends.server, buf, 8), 0);
    say(pair.ends.server, pair.ends.client, "still here");
    close_pair(&pair);
}

TASK_TEST(class_37_tls_end_that_is_not_announced_is_a_failure)
{
    struct pair pair = open_usual();
    char buf[8];
    CHECK_OK(weft_stream_write(pair.ends.server, "half", 4));
    CHECK_OK(weft_stream_flush(pair.ends.server));
    CHECK_OK(wf_sys_shutdown(weft_stream_get_fd(pair.ends.server), SHUT_WR));
    CHECK_EQ(weft_stream_read_exact(pair.ends.client, buf, 4), 4);
    CHECK_EQ(weft_stream_read(pair.ends.client, buf, 8), -WEFT_ETRUNCATED);
    CHECK(strstr(weft_error_text(), "without the peer's announcing it") != NULL);
    CHECK_EQ(weft_stream_read(pair.ends.client, buf, 8), -WEFT_ETRUNCATED);
    close_pair(&pair);
}

/* ---- what a failed handshake is called ---- */

static int answer_http(void *arg)
{
    return weft_stream_write(arg, "HTTP/1.1 400 Bad Request\r\n\r\n", 28);
}

TASK_TEST(tls_client_says_with_whom_and_why_it_failed)
{
    static const char *const names[] = {"web.test", "::1"};
    weft_tls *client = ends_client((weft_tls_options){0});
    for (int i = 0; i < 2; i++) {
        struct ends ends;
        weft_addr peer;
        char text[128];
        CHECK_OK(ends_connect(&ends));
        CHECK_OK(weft_stream_get_peer(ends.client, &peer));
        weft_task answering = weft_spawn(answer_http, ends.server);
        CHECK_EQ(weft_tls_connect(client, ends.client, names[i]), -WEFT_ETLS);
        snprintf(text, sizeof text, "TLS handshake with %s:%d: the peer does not speak TLS",
                 i == 0 ? "web.test" : "[::1]", weft_addr_get_port(&peer));
        CHECK_STR(weft_error_text(), text);
        CHECK_OK(weft_await(answering));
        ends_abort(&ends);
    }
    weft_tls_free(client);
}

/* ---- whom they believe ---- */

static void check_refused(const struct cert *cert, const char *name, const char *wanted)
{
    weft_tls_cert shown = {cert->pem, cert->key};
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){.certs = &shown, .cert_count = 1});
    struct ends ends;
    ends_open(&ends, client, server, name);
    if (wanted == NULL) {
        CHECK_OK(ends.client_rc);
        CHECK_OK(ends.server_rc);
    } else {
        CHECK_EQ(ends.client_rc, -WEFT_ETLS);
        CHECK_STR(ends_client_why(&ends), wanted);
    }
    ends_abort(&ends);
    weft_tls_free(client);
    weft_tls_free(server);
}

TASK_TEST(class_38_tls_client_believes_a_name_of_the_certificate_only)
{
    check_refused(cert_web(), "web.test", NULL);
    check_refused(cert_web(), "WEB.test.", NULL);
    check_refused(cert_web(), "a.wild.test", NULL);
    check_refused(cert_web(), "127.0.0.1", NULL);
    check_refused(cert_web(), "other.test",
                  "the certificate is for web.test, *.wild.test, 127.0.0.1, not for 'other.test'");
    check_refused(
        cert_web(), "a.b.wild.test",
        "the certificate is for web.test, *.wild.test, 127.0.0.1, not for 'a.b.wild.test'");
    check_refused(cert_web(), "127.0.0.2",
                  "the certificate is for web.test, *.wild.test, 127.0.0.1, not for '127.0.0.2'");
}

TASK_TEST(class_38_tls_client_believes_certificates_of_their_time_only)
{
    struct cert cert;
    struct cert_wish wish = {.subject = "old",
                             .names = "DNS:web.test",
                             .ends = "19950102030405Z",
                             .signer = cert_authority(),
                             .signer_subject = "Test Authority"};
    cert_make(&cert, &wish);
    check_refused(&cert, "web.test",
                  "the certificate of 'web.test' has expired on 1995-01-02 03:04 UTC");
    wish.begins = "20800101000000Z";
    wish.ends = NULL;
    cert_make(&cert, &wish);
    check_refused(&cert, "web.test",
                  "the certificate of 'web.test' begins only on 2080-01-01 00:00 UTC");
}

TASK_TEST(class_38_tls_client_believes_whom_it_trusts_only)
{
    struct cert cert;
    cert_make(&cert, &(struct cert_wish){.subject = "self", .names = "DNS:web.test"});
    check_refused(&cert, "web.test",
                  "the certificate of 'web.test' is not trusted: it is signed by itself");
}

TASK_TEST(tls_server_hears_why_it_is_refused)
{
    struct cert other;
    cert_make(&other, &(struct cert_wish){.subject = "Other Authority"});
    struct pair pair = open_pair((weft_tls_options){.trust = other.pem}, (weft_tls_options){0});
    CHECK_EQ(pair.ends.client_rc, -WEFT_ETLS);
    CHECK(strstr(pair.ends.client_text, "is not trusted: it is signed by 'Test Authority'") !=
          NULL);
    CHECK_EQ(pair.ends.server_rc, -WEFT_ETLS);
    CHECK_STR(pair.ends.server_text, "tls: the peer refuses: unknown CA");
    close_pair(&pair);
}

TASK_TEST(tls_client_that_believes_anybody_must_say_so)
{
    struct cert other;
    cert_make(&other, &(struct cert_wish){.subject = "Other Authority"});
    struct pair pair =
        open_pair((weft_tls_options){.trust = other.pem, .peer = WEFT_TLS_PEER_ANYBODY},
                  (weft_tls_options){0});
    CHECK_OK(pair.ends.client_rc);
    weft_tls_info info;
    CHECK_OK(weft_tls_info_get(pair.ends.client, &info));
    CHECK(!info.has_peer_cert);
    close_pair(&pair);
}

TASK_TEST(tls_names_that_cannot_be_read_are_not_taken_for_none)
{
    struct cert cert;
    cert_for(&cert, "odd", "DER:30:05:82:09:61");
    weft_tls_cert shown = {cert.pem, cert.key};
    struct pair pair = open_pair((weft_tls_options){.peer = WEFT_TLS_PEER_ANYBODY},
                                 (weft_tls_options){.certs = &shown, .cert_count = 1});
    CHECK_OK(pair.ends.client_rc);
    weft_tls_peer_cert *got;
    CHECK_EQ(weft_tls_peer_cert_get(pair.ends.client, &got), -WEFT_ESYNTAX);
    CHECK_STR(weft_error_text(),
              "tls: the names (subjectAltName) of the peer's certificate are malformed");
    say(pair.ends.client, pair.ends.server, "it goes on");
    close_pair(&pair);

    /* Where it is checked it is refused, whoever has signed it. */
    pair = open_pair(
        (weft_tls_options){.certs = &shown, .cert_count = 1},
        (weft_tls_options){.trust = cert_authority()->pem, .peer = WEFT_TLS_PEER_OPTIONAL});
    CHECK_EQ(pair.ends.server_rc, -WEFT_ETLS);
    close_pair(&pair);
}

/* ---- clients with certificates ---- */

struct refusal {
    weft_tls *tls;
    weft_stream *stream;
};

static int accept_and_abort(void *arg)
{
    const struct refusal *refusal = arg;
    CHECK_EQ(weft_tls_accept(refusal->tls, refusal->stream), -WEFT_ETLS);
    weft_stream_abort(refusal->stream);
    return 0;
}

TASK_TEST(tls_server_may_require_a_certificate)
{
    struct cert cert, foreign;
    cert_for(&cert, "client 7", "DNS:client.test");
    cert_make(&foreign, &(struct cert_wish){.subject = "foreign", .names = "DNS:client.test"});
    weft_tls_cert shown = {cert.pem, cert.key}, wrong = {foreign.pem, foreign.key};
    weft_tls_options required = {.trust = cert_authority()->pem, .peer = WEFT_TLS_PEER_REQUIRED};
    weft_tls_options optional = {.trust = cert_authority()->pem, .peer = WEFT_TLS_PEER_OPTIONAL};
    weft_tls_info info;

    struct pair pair = open_pair((weft_tls_options){.certs = &shown, .cert_count = 1}, required);
    CHECK_OK(pair.ends.server_rc);
    CHECK_OK(weft_tls_info_get(pair.ends.server, &info));
    CHECK(info.has_peer_cert);
    CHECK_STR(info.peer_subject, "CN=client 7");
    close_pair(&pair);

    pair = open_pair((weft_tls_options){0}, required);
    CHECK_EQ(pair.ends.server_rc, -WEFT_ETLS);
    CHECK_STR(pair.ends.server_text, "tls: the peer shows no certificate");
    char byte;
    CHECK_EQ(weft_stream_read(pair.ends.client, &byte, 1), -WEFT_ETLS); /* 1.3: it hears later */
    CHECK_STR(weft_error_text(), "tls: the peer refuses: certificate required");
    (void)weft_fail(-WEFT_ETLS, "GET /: it is refused");
    CHECK_EQ(weft_stream_close(pair.ends.client), -WEFT_ETLS);
    CHECK_STR(weft_error_text(), "GET /: it is refused"); /* on its way up, told once */
    pair.ends.client = NULL;
    close_pair(&pair);

    pair = open_pair((weft_tls_options){0}, required);
    CHECK_OK(weft_sleep(WEFT_SEC));
    CHECK_EQ(weft_stream_close(pair.ends.client), -WEFT_ETLS); /* nobody has told before */
    CHECK_STR(weft_error_text(), "tls: the peer refuses: certificate required");
    pair.ends.client = NULL;
    close_pair(&pair);

    pair = open_pair((weft_tls_options){0}, optional);
    CHECK_OK(pair.ends.server_rc);
    CHECK_OK(weft_tls_info_get(pair.ends.server, &info));
    CHECK(!info.has_peer_cert);
    close_pair(&pair);

    pair = open_pair((weft_tls_options){.certs = &wrong, .cert_count = 1}, optional);
    CHECK_EQ(pair.ends.server_rc, -WEFT_ETLS);
    CHECK(strstr(pair.ends.server_text, "tls: the certificate of the peer is not trusted") != NULL);
    close_pair(&pair);
}

/* It is refused when it has long begun to talk (1.3), and its bytes lie unread at the server. */
TASK_TEST(tls_client_that_talks_hears_why_it_is_refused)
{
    static const size_t amounts[] = {1, 20000, 1 << 20};
    static char much[1 << 20];
    weft_tls_options required = {.trust = cert_authority()->pem, .peer = WEFT_TLS_PEER_REQUIRED};
    weft_tls *client = ends_client((weft_tls_options){0}), *server = ends_server(required);
    for (size_t i = 0; i < 3; i++) {
        struct ends ends;
        char byte;
        note("%zu bytes", amounts[i]);
        CHECK_OK(ends_connect(&ends));
        CHECK_OK(weft_tls_start_client(client, ends.client, "web.test"));
        struct refusal refusal = {server, ends.server};
        weft_task talking = weft_spawn(accept_and_abort, &refusal);
        int rc = weft_stream_write(ends.client, much, amounts[i]);
        if (rc >= 0)
            rc = (int)weft_stream_read(ends.client, &byte, 1);
        CHECK_EQ(rc, -WEFT_ETLS);
        CHECK_STR(weft_error_text(), "tls: the peer refuses: certificate required");
        CHECK_OK(weft_await(talking));
        weft_stream_abort(ends.client);
    }
    weft_tls_free(client);
    weft_tls_free(server);
}

/* ---- names and protocols ---- */

TASK_TEST(tls_server_shows_the_certificate_that_is_asked_for)
{
    struct cert second;
    cert_for(&second, "second", "DNS:second.test,DNS:*.second.test");
    weft_tls_cert certs[] = {{cert_web()->pem, cert_web()->key}, {second.pem, second.key}};
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){.certs = certs, .cert_count = 2});
    static const char *const rows[][2] = {{"web.test", "CN=web"},
                                          {"second.test", "CN=second"},
                                          {"a.second.test", "CN=second"},
                                          {"127.0.0.1", "CN=web"}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct ends ends;
        weft_tls_info info;
        ends_open(&ends, client, server, rows[i][0]);
        CHECK_OK(ends.client_rc);
        CHECK_OK(weft_tls_info_get(ends.client, &info));
        CHECK_STR(info.peer_subject, rows[i][1]);
        ends_abort(&ends);
    }
    weft_tls_free(client);
    weft_tls_free(server);
}

TASK_TEST(tls_agrees_on_a_protocol)
{
    static const struct {
        const char *client, *server, *chosen;
    } rows[] = {{"h2,http/1.1", "h2,http/1.1", "h2"},
                {"http/1.1,h2", "h2,http/1.1", "h2"}, /* the server's order */
                {"http/1.1", "h2,http/1.1", "http/1.1"},
                {NULL, "h2", ""},
                {"h2", NULL, ""},
                {"h3", "h2", NULL}};
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        weft_tls_info info;
        struct pair pair = open_pair((weft_tls_options){.alpn = rows[i].client},
                                     (weft_tls_options){.alpn = rows[i].server});
        if (rows[i].chosen == NULL) {
            CHECK_STR(ends_client_why(&pair.ends), "the peer refuses: no application protocol");
        } else {
            CHECK_OK(weft_tls_info_get(pair.ends.client, &info));
            CHECK_BYTES(info.protocol.ptr, info.protocol.len, rows[i].chosen,
                        strlen(rows[i].chosen));
        }
        close_pair(&pair);
    }
}

/* ---- resumption, reload, keys ---- */

static bool is_resumed(struct ends *ends)
{
    weft_tls_info client, server;
    CHECK_OK(ends->client_rc);
    CHECK_OK(ends->server_rc);
    say(ends->server, ends->client, "the ticket comes with it");
    CHECK_OK(weft_tls_info_get(ends->client, &client));
    CHECK_OK(weft_tls_info_get(ends->server, &server));
    CHECK_EQ(client.is_resumed, server.is_resumed);
    ends_abort(ends);
    return client.is_resumed;
}

TASK_TEST(tls_second_connection_resumes_the_first)
{
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){0});
    struct ends ends;
    for (int i = 0; i < 4; i++) {
        ends_open(&ends, client, server, "web.test");
        CHECK_EQ(is_resumed(&ends), i != 0);
        if (i == 2)
            CHECK_OK(weft_tls_reload(server)); /* which takes nothing back */
    }
    ends_open(&ends, client, server, "a.wild.test"); /* another name, another session */
    CHECK(!is_resumed(&ends));
    weft_tls_free(client);
    weft_tls_free(server);
}

static void save(const char *path, const char *text)
{
    CHECK_OK(weft_file_save(path, text, strlen(text), 0600));
}

/* Who is trusted no more is not let in by a session from before. */
TASK_TEST(class_38_tls_reload_of_whom_to_trust_ends_what_could_be_resumed)
{
    struct cert other, shown;
    char path[64];
    struct ends ends;
    snprintf(path, sizeof path, "/tmp/weft-tls-%s-%d-trust.pem", test_backend(), (int)getpid());
    cert_make(&other, &(struct cert_wish){.subject = "Other Authority"});
    cert_for(&shown, "client 7", "DNS:client.test");
    weft_tls_cert cert = {shown.pem, shown.key};
    for (int is_server = 0; is_server < 2; is_server++) {
        note("server %d", is_server);
        save(path, cert_authority()->pem);
        weft_tls *client = ends_client(
            (weft_tls_options){.certs = &cert, .cert_count = 1, .trust = is_server ? NULL : path});
        weft_tls *server = ends_server((weft_tls_options){
            .trust = is_server ? path : cert_authority()->pem, .peer = WEFT_TLS_PEER_REQUIRED});
        ends_open(&ends, client, server, "web.test");
        CHECK(!is_resumed(&ends));
        CHECK_OK(weft_tls_reload(is_server ? server : client)); /* the same as before */
        ends_open(&ends, client, server, "web.test");
        CHECK(is_resumed(&ends));
        save(path, other.pem);
        CHECK_OK(weft_tls_reload(is_server ? server : client));
        ends_open(&ends, client, server, "web.test");
        CHECK_EQ(is_server ? ends.server_rc : ends.client_rc, -WEFT_ETLS);
        ends_abort(&ends);
        weft_tls_free(client);
        weft_tls_free(server);
    }
    CHECK_OK(weft_unlink(path));
}

TASK_TEST(tls_reload_reads_new_certificates_and_keeps_connections)
{
    struct cert renewed;
    char cert_path[64], key_path[64];
    weft_tls_info info;
    struct ends old, new;
    snprintf(cert_path, sizeof cert_path, "/tmp/weft-tls-%s-%d.pem", test_backend(), (int)getpid());
    snprintf(key_path, sizeof key_path, "/tmp/weft-tls-%s-%d.key", test_backend(), (int)getpid());
    cert_for(&renewed, "renewed", "DNS:web.test");
    save(cert_path, cert_web()->pem);
    save(key_path, cert_web()->key);
    weft_tls_cert cert = {cert_path, key_path};
    weft_tls *client = ends_client((weft_tls_options){0});
    weft_tls *server = ends_server((weft_tls_options){.certs = &cert, .cert_count = 1});
    ends_open(&old, client, server, "web.test");
    save(cert_path, renewed.pem);
    CHECK_EQ(weft_tls_reload(server), -WEFT_ETLS); /* the key is the old one: all stays */
    CHECK(strstr(weft_error_text(), "has no key that fits the certificate") != NULL);
    save(key_path, renewed.key);
    CHECK_OK(weft_tls_reload(server));
    weft_tls *stranger = ends_client((weft_tls_options){0}); /* which has nothing to resume */
    ends_open(&new, stranger, server, "web.test");
    CHECK_OK(weft_tls_info_get(new.client, &info));
    CHECK_STR(info.peer_subject, "CN=renewed");
    say(old.client, old.server, "as before");
    ends_abort(&old);
    ends_abort(&new);
    CHECK_OK(weft_unlink(cert_path));
    CHECK_OK(weft_unlink(key_path));
    weft_tls_free(client);
    weft_tls_free(stranger);
    weft_tls_free(server);
}

TASK_TEST(tls_keys_are_written_down_only_when_asked)
{
    char path[64];
    weft_bytes text;
    snprintf(path, sizeof path, "/tmp/weft-tls-keys-%s-%d", test_backend(), (int)getpid());
    struct pair pair = open_pair((weft_tls_options){.key_log = path}, (weft_tls_options){0});
    CHECK_OK(pair.ends.client_rc);
    close_pair(&pair);
    CHECK_OK(weft_file_load(path, 65536, &text));
    CHECK(strstr(text.ptr, "CLIENT_HANDSHAKE_TRAFFIC_SECRET ") != NULL);
    CHECK(strstr(text.ptr, "SERVER_TRAFFIC_SECRET_0 ") != NULL);
    weft_bytes_free(&text);
    CHECK_OK(weft_unlink(path));
}

static int note_turn(void *arg)
{
    bool *was_here = arg;
    *was_here = true;
    return 0;
}

/* There may be hundreds of them. */
TASK_TEST(tls_reads_whom_the_system_trusts_beside_the_loop)
{
    bool was_here = false;
    weft_tls *tls;
    if (strcmp(test_backend(), "sim") == 0)
        return; /* where there is no system */
    weft_task other = weft_spawn(note_turn, &was_here);
    CHECK_OK(weft_tls_client_new(&tls, NULL));
    CHECK(was_here);
    CHECK_OK(weft_await(other));
    weft_tls_free(tls);
}

TASK_TEST(tls_settings_that_make_no_sense_are_refused)
{
    weft_tls *tls;
    weft_tls_cert swapped = {cert_web()->key, cert_web()->pem}, lost = {"/nowhere/x.pem", "y"};
    weft_tls_cert foreign = {cert_web()->pem, cert_authority()->key};
    CHECK_EQ(weft_tls_server_new(&tls, NULL), -EINVAL);
    CHECK_EQ(weft_tls_server_new(&tls, &(weft_tls_options){.certs = &swapped, .cert_count = 1}),
             -WEFT_ETLS);
    CHECK_STR(weft_error_text(), "tls: there is no certificate in the text given");
    CHECK_EQ(weft_tls_server_new(&tls, &(weft_tls_options){.certs = &foreign, .cert_count = 1}),
             -WEFT_ETLS);
    CHECK_EQ(weft_tls_server_new(&tls, &(weft_tls_options){.certs = &lost, .cert_count = 1}),
             -ENOENT);
    CHECK_STR(weft_error_text(), "tls: /nowhere/x.pem: No such file or directory");
    CHECK_EQ(weft_tls_client_new(&tls, &(weft_tls_options){.alpn = "h2,,x"}), -EINVAL);
    CHECK_EQ(weft_tls_client_new(&tls, &(weft_tls_options){.trust = cert_web()->key}), -WEFT_ETLS);
}

/* What stands behind it would be left out, too, and who connects would be told of a certificate
 * that nobody has signed. */
TASK_TEST(tls_certificates_that_cannot_be_read_are_not_passed_over)
{
    static const char *const ends[] = {
        "-----BEGIN CERTIFICATE-----\n!\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n",
        "-----BEGIN CERTIFICATE-----\nMIIB",
    };
    for (size_t i = 0; i < sizeof ends / sizeof ends[0]; i++) {
        char text[2 * CERT_PEM_BYTES];
        weft_tls *tls;
        note("end %zu", i);
        snprintf(text, sizeof text, "%s%s%s", cert_web()->pem, ends[i], cert_authority()->pem);
        weft_tls_cert cert = {text, cert_web()->key};
        CHECK_EQ(weft_tls_server_new(&tls, &(weft_tls_options){.certs = &cert, .cert_count = 1}),
                 -WEFT_ETLS);
        CHECK_STR(weft_error_text(),
                  "tls: a certificate of the chain in the text given cannot be read");
        CHECK_EQ(weft_tls_client_new(&tls, &(weft_tls_options){.trust = text}), -WEFT_ETLS);
        CHECK_STR(weft_error_text(), "tls: a certificate in what is to be trusted cannot be read");
    }
}
