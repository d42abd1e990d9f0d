/* SPDX-License-Identifier: MIT */

/* Against the program `openssl`: both sides, both versions, resumption of 1.2. */

#include "core/scratch.h"
#include "ends.h"

#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

static void save(const char *name, const char *text)
{
    CHECK_OK(weft_file_save(scratch(name), text, strlen(text), 0600));
}

/* False where programs cannot be started or there is none. */
static bool is_possible(void)
{
    if (scratch_is_simulated() || access("/usr/bin/openssl", X_OK) != 0)
        return false;
    scratch_make();
    save("ca.pem", cert_authority()->pem);
    save("web.pem", cert_web()->pem);
    save("web.key", cert_web()->key);
    return true;
}

/* ---- its client ---- */

struct service {
    weft_listener *listener;
    weft_tls *tls;
    bool was_resumed;
    char version[16];
};

static int echo_line(weft_stream *stream, struct service *service)
{
    weft_tls_info info;
    weft_str line;
    WEFT_TRY(weft_tls_accept(service->tls, stream));
    WEFT_TRY(weft_tls_info_get(stream, &info));
    service->was_resumed = info.is_resumed;
    snprintf(service->version, sizeof service->version, "%s", info.version);
    WEFT_TRY(weft_stream_peek_until(stream, (weft_str){"\n", 1}, 100, &line));
    return weft_stream_write(stream, line.ptr, line.len);
}

static int serve(void *arg)
{
    struct service *service = arg;
    for (;;) {
        weft_stream *stream;
        WEFT_TRY(weft_listener_accept(service->listener, &stream));
        int rc = echo_line(stream, service);
        int closed = weft_stream_close(stream);
        if (rc < 0 || closed < 0)
            fprintf(stderr, "serve: %s\n", weft_error_text());
    }
}

/* What the program says to us through it; it ends when we do.  `option` is -sess_out or -sess_in.
 */
static void ask(const struct service *service, const char *version, const char *option)
{
    char connect[64];
    weft_process_output output;
    snprintf(connect, sizeof connect, "127.0.0.1:%d",
             weft_addr_get_port(weft_listener_get_addr(service->listener)));
    const char *argv[] = {"openssl",
                          "s_client",
                          "-quiet",
                          "-verify_return_error",
                          "-verify_quiet",
                          "-servername",
                          "web.test",
                          "-verify_hostname",
                          "web.test",
                          "-CAfile",
                          scratch("ca.pem"),
                          "-connect",
                          connect,
                          version,
                          option,
                          scratch("session"),
                          NULL};
    weft_process_options options = {
        .argv = argv, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE, .err = WEFT_STDIO_PIPE};
    CHECK_OK(weft_process_run(&options, (weft_str){"hello there\n", 12}, 65536, &output));
    note("%s %s: %s", version, option, output.err.ptr);
    CHECK_EQ(output.status, 0);
    CHECK_BYTES(output.out.ptr, output.out.len, "hello there\n", 12);
    weft_process_output_free(&output);
}

TASK_TEST(tls_serves_the_client_of_openssl)
{
    weft_addr any;
    struct service service = {.was_resumed = false};
    if (!is_possible())
        return;
    CHECK_OK(weft_addr_parse(&any, "127.0.0.1:0"));
    CHECK_OK(weft_listener_open(&service.listener, &any, NULL));
    service.tls = ends_server((weft_tls_options){0});
    weft_task server = weft_spawn(serve, &service);
    static const char *const versions[][2] = {{"-tls1_2", "TLSv1.2"}, {"-tls1_3", "TLSv1.3"}};
    for (int i = 0; i < 2; i++) {
        ask(&service, versions[i][0], "-sess_out");
        CHECK_STR(service.version, versions[i][1]);
        CHECK(!service.was_resumed);
        ask(&service, versions[i][0], "-sess_in");
        CHECK_STR(service.version, versions[i][1]);
        CHECK(service.was_resumed);
    }
    weft_cancel(server, "done");
    (void)weft_await(server);
    weft_listener_close(service.listener);
    weft_tls_free(service.tls);
    scratch_clean(0);
}

/* ---- its server ---- */

/* The address it says it is at. */
static void read_address(weft_process *process, weft_addr *out)
{
    weft_reader *reader;
    weft_str line;
    CHECK_OK(weft_reader_new_fd(&reader, weft_process_get_fd(process, 1), NULL));
    do
        CHECK_GT(weft_reader_read_line(reader, &line), 0);
    while (line.len < 7 || memcmp(line.ptr, "ACCEPT ", 7) != 0);
    char text[64];
    snprintf(text, sizeof text, "%.*s", (int)line.len - 7, line.ptr + 7);
    CHECK_OK(weft_addr_parse(out, text));
    weft_reader_close(reader);
}

static void talk(weft_tls *tls, const weft_addr *addr, const char *version, bool is_resumed)
{
    weft_stream *stream;
    weft_tls_info info;
    char buf[8] = "";
    CHECK_OK(weft_stream_connect(&stream, addr));
    CHECK_OK(weft_tls_connect(tls, stream, "web.test"));
    CHECK_OK(weft_stream_write(stream, "abcdef\n", 7));
    CHECK_EQ(weft_stream_read_exact(stream, buf, 7), 7);
    CHECK_STR(buf, "fedcba\n");
    CHECK_OK(weft_tls_info_get(stream, &info));
    CHECK_STR(info.version, version);
    CHECK_EQ(info.is_resumed, is_resumed);
    CHECK_OK(weft_stream_close(stream));
}

TASK_TEST(tls_talks_to_the_server_of_openssl)
{
    static const char *const versions[][2] = {{"-tls1_2", "TLSv1.2"}, {"-tls1_3", "TLSv1.3"}};
    if (!is_possible())
        return;
    for (int i = 0; i < 2; i++) {
        const char *argv[] = {
            "openssl",          "s_server", "-accept",          "127.0.0.1:0",  "-rev", "-cert",
            scratch("web.pem"), "-key",     scratch("web.key"), versions[i][0], NULL};
        weft_process_options options = {
            .argv = argv, .in = WEFT_STDIO_PIPE, .out = WEFT_STDIO_PIPE, .err = WEFT_STDIO_NULL};
        weft_process *process;
        weft_addr addr;
        CHECK_OK(weft_process_open(&process, &options));
        read_address(process, &addr);
        weft_tls *tls = ends_client((weft_tls_options){0});
        talk(tls, &addr, versions[i][1], /* is_resumed= */ false);
        talk(tls, &addr, versions[i][1], /* is_resumed= */ true);
        weft_tls_free(tls);
        CHECK_OK(weft_process_signal(process, SIGKILL));
        weft_process_close(process);
    }
    scratch_clean(0);
}
