/* SPDX-License-Identifier: MIT */

/* How weft serve begins, what it survives, how it ends. */
#include "served.h"

#include <sys/stat.h>

/* ---- where it listens ---- */

TEST(serve_listens_on_a_unix_socket_and_leaves_no_file)
{
    char directory[] = "/tmp/weft-serve-XXXXXX", listen[64];
    struct service service;
    struct answer answer = {0};
    CHECK(mkdtemp(directory) != NULL);
    snprintf(listen, sizeof(listen), "unix:%s/s", directory);
    service_start_on(&service, listen, "1");
    struct stat file;
    CHECK_OK(stat(listen + 5, &file));
    CHECK_EQ(file.st_mode & 0777u, 0640u);
    service_call(&service, "POST /match?query=Deutschland", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    CHECK(strstr(answer.body, GERMANY) != NULL);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
    CHECK_OK(rmdir(directory)); /* empty */
}

TEST(serve_says_why_it_cannot_listen)
{
    struct run run;
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", "nowhere");
    CHECK_EQ(run.code, 2);
    CHECK(strncmp(run.err, "weft: --listen nowhere: ", 24) == 0);
    run_fini(&run);
    RUN(&run, "serve", "-e", COUNTRIES, "--listen", "unix:/nonexistent/s");
    CHECK_EQ(run.code, 1);
    CHECK_STR(run.err, "weft: cannot listen on unix:/nonexistent/s: No such file or directory\n");
    run_fini(&run);
}

/* ---- bad surroundings, and the end ---- */

/* Clients that go away in the middle leave a service that answers. */
TEST(serve_survives_clients_that_go_away)
{
    struct service service;
    struct answer answer = {0};
    static const char half[] =
        "POST /v1/match HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\n{\"query";
    service_start(&service);
    for (size_t cut = 0; cut < sizeof(half); cut += 7) {
        int fd = service_connect(&service);
        CHECK_EQ(write(fd, half, cut), (ssize_t)cut);
        close(fd);
    }
    service_call(&service, "POST /match?query=Deutschland", NULL, &answer);
    CHECK_EQ(answer.status, 200);
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}

/* The end comes while the matcher is still being fitted: that work is waited for, not run over. */
TEST(serve_ends_in_order_before_it_is_ready)
{
    wf_buf text = {0};
    wf_buf_puts(&text, "id,name,aliases\n");
    for (size_t i = 0; i < test_amount(20000, 4000); i++)
        wf_buf_printf(&text, "%zu,entity number %zu of many,also %zu|called %zu\n", i, i * 7,
                      i * 11, i);
    wf_buf_putc(&text, '\0');
    const char *path = make_file("many.csv", wf_buf_ptr(&text));
    for (int i = 0; i < 5; i++) {
        struct service service;
        SERVICE_START(&service, "-e", path, "--listen", "127.0.0.1:0", "--loops",
                      i < 3 ? "1" : "2");
        CHECK_EQ(service_end(&service, i & 1 ? SIGINT : SIGTERM), 0);
    }
    drop_file(path);
    wf_buf_fini(&text);
}

/* A client that asks for much and takes nothing. */
static int ask_and_not_read(const struct service *service)
{
    int fd = service_connect(service), small = 4096;
    wf_buf request = {0}, body = {0};
    CHECK_OK(setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &small, sizeof(small)));
    wf_buf_puts(&body, "{\"top_k\":100,\"threshold\":0,\"queries\":[\"a\"");
    for (int i = 0; i < 599; i++) /* answers of 6 MB: more than sockets hold */
        wf_buf_puts(&body, ",\"a\"");
    wf_buf_puts(&body, "]}");
    wf_buf_printf(&request,
                  "POST /v1/batch HTTP/1.1\r\nHost: a\r\nAccept: application/x-ndjson\r\n"
                  "Content-Length: %zu\r\n\r\n",
                  wf_buf_bytes(&body));
    wf_buf_append(&request, wf_buf_ptr(&body), wf_buf_bytes(&body));
    CHECK_EQ(write(fd, wf_buf_ptr(&request), wf_buf_bytes(&request)),
             (ssize_t)wf_buf_bytes(&request));
    CHECK_EQ(recv(fd, &small, 1, 0), 1); /* the answer has begun */
    wf_buf_fini(&request);
    wf_buf_fini(&body);
    return fd;
}

/* The first signal lets requests in hand finish; the second cancels them and still ends in order.
 */
TEST(serve_ends_in_order_at_once_when_signalled_again)
{
    static const int numbers[][2] = {{SIGTERM, SIGINT}, {SIGINT, SIGTERM}};
    for (size_t i = 0; i < 3; i++) {
        struct service service;
        service_start_on(&service, "127.0.0.1:0", i < 2 ? "1" : "2");
        int fd = ask_and_not_read(&service), probe = -1;
        kill(service.child.pid, numbers[i % 2][0]);
        do { /* until the shutdown has closed the listener */
            if (probe >= 0)
                close(probe);
            probe = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        } while (connect(probe, (struct sockaddr *)&service.addr, service.addr_bytes) == 0);
        close(probe);
        CHECK_EQ(service_end(&service, numbers[i % 2][1]), 0);
        close(fd);
    }
}

/* A terminal that goes away does not take the service along, even if there is nothing to reload. */
TEST(serve_lives_on_after_sighup)
{
    struct service service;
    struct answer answer = {0};
    service_start(&service);
    for (int i = 0; i < 3; i++) {
        kill(service.child.pid, SIGHUP);
        service_call(&service, "GET /healthz", NULL, &answer);
        CHECK_EQ(answer.status, 200);
    }
    wf_buf_fini(&answer.buf);
    CHECK_EQ(service_end(&service, SIGTERM), 0);
}
