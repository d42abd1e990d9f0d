/* SPDX-License-Identifier: MIT */

/* weft serve over HTTPS, asked by our own client. */

#include "core/scratch.h"
#include "tls/ends.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#define COUNTRIES test_source("examples/data/countries.csv")

/* ---- files ---- */

static void save(const char *name, const char *text)
{
    CHECK_OK(weft_file_save(scratch(name), text, strlen(text), 0600));
}

/* A certificate and its key in one file. */
static void save_both(const char *name, const struct cert *cert)
{
    char text[2 * CERT_PEM_BYTES];
    snprintf(text, sizeof text, "%s%s", cert->pem, cert->key);
    save(name, text);
}

/* False where programs cannot be started. */
static bool is_possible(void)
{
    if (scratch_is_simulated())
        return false;
    scratch_make();
    return true;
}

/* ---- the service ---- */

struct service {
    weft_process *process;
    weft_reader *err;
    weft_addr addr;
};

/* `key` may be NULL. */
static void service_start_on(struct service *service, const char *cert, const char *key,
                             const char *loops)
{
    static const char head[] = "weft: serving countries.csv (249 entities) on https://";
    const char *argv[] = {WEFT_PROGRAM,
                          "serve",
                          "-e",
                          COUNTRIES,
                          "--listen",
                          "127.0.0.1:0",
                          "--loops",
                          loops,
                          "--tls-cert",
                          cert,
                          key != NULL ? "--tls-key" : NULL,
                          key,
                          NULL};
    const weft_process_options options = {
        .argv = argv, .in = WEFT_STDIO_NULL, .out = WEFT_STDIO_PIPE, .err = WEFT_STDIO_PIPE};
    weft_reader *out;
    weft_str line;
    char text[64];
    CHECK_OK(weft_process_open(&service->process, &options));
    CHECK_OK(weft_reader_new_fd(&service->err, weft_process_get_fd(service->process, 2), NULL));
    CHECK_OK(weft_reader_new_fd(&out, weft_process_get_fd(service->process, 1), NULL));
    CHECK_GT(weft_reader_read_line(out, &line), 0);
    note("%.*s", (int)line.len, line.ptr);
    CHECK(line.len > sizeof head - 1 && memcmp(line.ptr, head, sizeof head - 1) == 0);
    snprintf(text, sizeof text, "%.*s", (int)(line.len - sizeof head + 1),
             line.ptr + sizeof head - 1);
    CHECK_OK(weft_addr_parse(&service->addr, text));
    weft_reader_close(out);
}

static void service_start(struct service *service, const char *cert, const char *key)
{
    service_start_on(service, cert, key, "1");
}

static void service_end(struct service *service)
{
    CHECK_OK(weft_process_signal(service->process, SIGTERM));
    CHECK_EQ(weft_process_wait(service->process), 0);
    weft_reader_close(service->err);
    weft_process_close(service->process);
}

/* Makes it read its files; what it says of them. */
static void check_reload(struct service *service, const char *said)
{
    weft_str line;
    CHECK_OK(weft_process_signal(service->process, SIGHUP));
    CHECK_GT(weft_reader_read_line(service->err, &line), 0);
    CHECK_BYTES(line.ptr, line.len, said, strlen(said));
}

/* ---- who asks ---- */

/* A new client each time: it resumes nothing. */
static weft_stream *connect_to(const struct service *service, const char *subject)
{
    weft_stream *stream;
    weft_tls_info info;
    weft_tls *tls = ends_client((weft_tls_options){.alpn = "http/1.1"});
    CHECK_OK(weft_stream_connect(&stream, &service->addr));
    CHECK_OK(weft_tls_connect(tls, stream, "web.test"));
    CHECK_OK(weft_tls_info_get(stream, &info));
    CHECK_STR(info.peer_subject, subject);
    CHECK_BYTES(info.protocol.ptr, info.protocol.len, "http/1.1", 8);
    weft_tls_free(tls);
    return stream;
}

/* The last request of a connection: `part` is in the answer, which ends in order. */
static void check_answer(weft_stream *stream, const char *line, const char *part)
{
    char request[256], answer[8192];
    int bytes = snprintf(request, sizeof request,
                         "%s HTTP/1.1\r\nHost: web.test\r\nConnection: close\r\n\r\n", line);
    CHECK_OK(weft_stream_write(stream, request, (size_t)bytes));
    ssize_t count = weft_stream_read_exact(stream, answer, sizeof answer - 1);
    CHECK_EQ(count, -WEFT_ETRUNCATED); /* shorter than there is room */
    count = weft_progress();
    answer[count] = '\0';
    note("%s", answer);
    CHECK(strncmp(answer, "HTTP/1.1 200 ", 13) == 0);
    CHECK(strstr(answer, part) != NULL);
    CHECK_OK(weft_stream_close(stream));
}

TASK_TEST(serve_with_a_certificate_answers_over_https)
{
    struct service service;
    if (!is_possible())
        return;
    save("cert.pem", cert_web()->pem);
    save("key.pem", cert_web()->key);
    service_start(&service, scratch("cert.pem"), scratch("key.pem"));
    check_answer(connect_to(&service, "CN=web"), "POST /match?query=Deutschland",
                 "\"name\":\"Germany\"");
    check_answer(connect_to(&service, "CN=web"), "GET /", "https://web.test/match?query=");
    service_end(&service);
    scratch_clean(0);
}

/* Who speaks plain HTTP to it is told so, and nothing else. */
TASK_TEST(serve_with_a_certificate_answers_nobody_else)
{
    static const char request[] = "GET /healthz HTTP/1.1\r\nHost: web.test\r\n\r\n";
    struct service service;
    weft_stream *stream;
    char answer[512];
    if (!is_possible())
        return;
    save_both("both.pem", cert_web());
    service_start(&service, scratch("both.pem"), NULL);
    CHECK_OK(weft_stream_connect(&stream, &service.addr));
    CHECK_OK(weft_stream_write(stream, request, sizeof request - 1));
    CHECK_EQ(weft_stream_read_exact(stream, answer, sizeof answer - 1), -WEFT_ETRUNCATED);
    answer[weft_progress()] = '\0';
    CHECK(strncmp(answer, "HTTP/1.1 400 ", 13) == 0);
    CHECK(strstr(answer, "This port speaks HTTPS") != NULL);
    weft_stream_abort(stream);
    service_end(&service);
    scratch_clean(0);
}

TASK_TEST(serve_reads_its_certificate_again_at_sighup)
{
    struct service service;
    struct cert next;
    char said[256];
    if (!is_possible())
        return;
    save_both("both.pem", cert_web());
    service_start(&service, scratch("both.pem"), NULL);
    weft_stream *stream = connect_to(&service, "CN=web");

    cert_for(&next, "next", "DNS:web.test");
    save_both("both.pem", &next);
    check_reload(&service, "weft: the certificate was read again");
    check_answer(connect_to(&service, "CN=next"), "GET /healthz", "ok");
    check_answer(stream, "GET /healthz", "ok"); /* it goes on */

    save("both.pem", "no certificate");
    snprintf(said, sizeof said,
             "weft: tls: there is no certificate in %s; the old certificate stays",
             scratch("both.pem"));
    check_reload(&service, said);
    check_answer(connect_to(&service, "CN=next"), "GET /healthz", "ok");
    service_end(&service);
    scratch_clean(0);
}

/* Whichever loop a connection comes to: eight miss one of two once in 128 times, if at all. */
TASK_TEST(serve_with_two_loops_reads_its_certificate_again_on_both)
{
    struct service service;
    struct cert next;
    if (!is_possible())
        return;
    save_both("both.pem", cert_web());
    service_start_on(&service, scratch("both.pem"), NULL, "2");
    cert_for(&next, "next", "DNS:web.test");
    save_both("both.pem", &next);
    check_reload(&service, "weft: the certificate was read again");
    for (int i = 0; i < 8; i++)
        check_answer(connect_to(&service, "CN=next"), "GET /healthz", "ok");
    service_end(&service);
    scratch_clean(0);
}

/* ---- what it refuses ---- */

static void check_refused(const char *cert, const char *key, int status, const char *said)
{
    const char *argv[] = {WEFT_PROGRAM, "serve",    "-e",
                          COUNTRIES,    "--listen", "127.0.0.1:0",
                          "--tls-key",  key,        cert != NULL ? "--tls-cert" : NULL,
                          cert,         NULL};
    const weft_process_options options = {
        .argv = argv, .in = WEFT_STDIO_NULL, .out = WEFT_STDIO_PIPE, .err = WEFT_STDIO_PIPE};
    weft_process_output output;
    CHECK_OK(weft_process_run(&options, (weft_str){"", 0}, 65536, &output));
    note("%.*s", (int)output.err.len, output.err.ptr);
    CHECK_EQ(output.status, status);
    CHECK_EQ(output.out.len, 0u);
    CHECK(output.err.len >= strlen(said) && memcmp(output.err.ptr, said, strlen(said)) == 0);
    weft_process_output_free(&output);
}

TASK_TEST(serve_says_what_is_wrong_with_a_certificate)
{
    char said[256];
    struct cert other;
    if (!is_possible())
        return;
    cert_for(&other, "other", "DNS:web.test");
    save("cert.pem", cert_web()->pem);
    save("key.pem", cert_web()->key);
    save("other.pem", other.key);
    check_refused(NULL, scratch("key.pem"), 2, "weft: --tls-key without --tls-cert\n");
    check_refused("", scratch("key.pem"), 2, "weft: --tls-cert, --tls-key: the name of the file");
    snprintf(said, sizeof said, "weft: tls: %s: No such file or directory\n", scratch("none"));
    check_refused(scratch("none"), scratch("key.pem"), 1, said);
    snprintf(said, sizeof said, "weft: tls: there is no certificate in %s\n", scratch("key.pem"));
    check_refused(scratch("key.pem"), scratch("key.pem"), 1, said);
    snprintf(said, sizeof said,
             "weft: tls: %s has no key that fits the certificate, without passphrase\n",
             scratch("other.pem"));
    check_refused(scratch("cert.pem"), scratch("other.pem"), 1, said);
    scratch_clean(0);
}
