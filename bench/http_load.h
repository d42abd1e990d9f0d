/* SPDX-License-Identifier: MIT */

/*
 * Load for an HTTP server on the loopback: keep-alive connections in one epoll loop, each sending
 * the next request when the answer to the last has come whole.  Every answer's size is checked, the
 * first one's status too.  The server's CPU time is read from outside, by its process id.
 */
#ifndef WF_BENCH_HTTP_LOAD_H
#define WF_BENCH_HTTP_LOAD_H

#include "bench.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define HTTP_LOAD_REQUEST "GET /plaintext HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"

struct http_load {
    int port;
    pid_t server;
    size_t connections, pipeline;
    const char *message; /* not HTTP: these bytes come back as they are; NULL: HTTP */
    size_t message_bytes;
    const char
        *opening;      /* a request that is answered by a head alone, once a connection; or NULL */
    size_t echo_bytes; /* what comes back for a message; 0: message_bytes */

    int epoll;
    int *fds;
    size_t *missing; /* bytes of answers still to come, by connection */
    char *request;
    size_t request_bytes, answer_bytes; /* of `pipeline` requests and answers */
};

struct http_load_result {
    double per_second;
    double server_cpu_us; /* a request */
};

static inline void http_load_die(const char *what)
{
    fprintf(stderr, "http load: %s: %s\n", what, strerror(errno));
    exit(1);
}

static inline int http_load_connect(int port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, (struct sockaddr *)&addr, sizeof addr) < 0)
        http_load_die("connect");
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    return fd;
}

/* How long one answer is: head, and the body its Content-Length says. */
static inline size_t http_load_answer_bytes(int port)
{
    char text[4096];
    size_t len = 0;
    int fd = http_load_connect(port);
    if (send(fd, HTTP_LOAD_REQUEST, sizeof HTTP_LOAD_REQUEST - 1, 0) < 0)
        http_load_die("send");
    for (;;) {
        ssize_t count = recv(fd, text + len, sizeof text - 1 - len, 0);
        if (count <= 0)
            http_load_die("recv");
        len += (size_t)count;
        text[len] = 0;
        const char *end = strstr(text, "\r\n\r\n"), *length = strcasestr(text, "content-length:");
        if (end == NULL || length == NULL)
            continue;
        size_t whole = (size_t)(end + 4 - text) + strtoul(length + 15, NULL, 10);
        if (len < whole)
            continue;
        if (len > whole || strncmp(text, "HTTP/1.1 200 ", 13) != 0)
            http_load_die("the answer is not 200");
        close(fd);
        return whole;
    }
}

/* Sends the request and takes the head of its answer. */
static inline void http_load_greet(int fd, const char *opening)
{
    char text[2048];
    size_t len = 0;
    if (send(fd, opening, strlen(opening), MSG_NOSIGNAL) < 0)
        http_load_die("send");
    for (text[0] = 0; strstr(text, "\r\n\r\n") == NULL; text[len] = 0) {
        ssize_t count = len < sizeof text - 1 ? recv(fd, text + len, 1, 0) : 0;
        if (count <= 0)
            http_load_die("the opening is not answered");
        len += (size_t)count;
    }
}

static inline void http_load_send(struct http_load *load, size_t i)
{
    load->missing[i] = load->answer_bytes;
    if (send(load->fds[i], load->request, load->request_bytes, MSG_NOSIGNAL) !=
        (ssize_t)load->request_bytes)
        http_load_die("send");
}

/* Connects; `port`, `server`, `connections` and `pipeline` are set. */
static inline void http_load_open(struct http_load *load)
{
    bool is_http = load->message == NULL;
    const char *request = is_http ? HTTP_LOAD_REQUEST : load->message;
    size_t one = is_http ? sizeof HTTP_LOAD_REQUEST - 1 : load->message_bytes;
    size_t echo = load->echo_bytes != 0 ? load->echo_bytes : load->message_bytes;
    size_t answer = is_http ? http_load_answer_bytes(load->port) : echo;
    load->request_bytes = one * load->pipeline;
    load->answer_bytes = answer * load->pipeline;
    load->request = malloc(load->request_bytes);
    for (size_t i = 0; i < load->pipeline; i++)
        memcpy(load->request + i * one, request, one);
    load->fds = calloc(load->connections, sizeof *load->fds);
    load->missing = calloc(load->connections, sizeof *load->missing);
    load->epoll = epoll_create1(EPOLL_CLOEXEC);
    for (size_t i = 0; i < load->connections; i++) {
        struct epoll_event event = {.events = EPOLLIN, .data.u64 = i};
        load->fds[i] = http_load_connect(load->port);
        if (load->opening != NULL)
            http_load_greet(load->fds[i], load->opening);
        if (epoll_ctl(load->epoll, EPOLL_CTL_ADD, load->fds[i], &event) < 0)
            http_load_die("epoll_ctl");
    }
}

static inline void http_load_close(struct http_load *load)
{
    for (size_t i = 0; i < load->connections; i++)
        close(load->fds[i]);
    close(load->epoll);
    free(load->fds);
    free(load->missing);
    free(load->request);
}

static inline double http_load_server_cpu(pid_t server)
{
    clockid_t id;
    return clock_getcpuclockid(server, &id) == 0 ? bench_clock(id) : 0;
}

/* Takes what came on connection i; 1 if its answers are whole. */
static inline int http_load_take(struct http_load *load, size_t i)
{
    static char sink[256 * 1024];
    ssize_t count = recv(load->fds[i], sink, sizeof sink, 0);
    if (count <= 0)
        http_load_die("recv");
    if ((size_t)count > load->missing[i])
        http_load_die("more came than was asked for");
    load->missing[i] -= (size_t)count;
    return load->missing[i] == 0;
}

/* All connections busy for `ns`; at the end every answer under way is waited for. */
static inline struct http_load_result http_load_run(struct http_load *load, double ns)
{
    struct epoll_event events[256];
    double cpu = http_load_server_cpu(load->server), from = bench_wall(), end = from;
    size_t answers = 0, open = load->connections;
    for (size_t i = 0; i < load->connections; i++)
        http_load_send(load, i);
    while (open > 0) {
        int count = epoll_wait(load->epoll, events, 256, -1);
        end = bench_wall();
        for (int k = 0; k < count; k++) {
            size_t i = events[k].data.u64;
            if (!http_load_take(load, i))
                continue;
            answers += load->pipeline;
            if (end - from < ns)
                http_load_send(load, i);
            else
                open--;
        }
    }
    cpu = http_load_server_cpu(load->server) - cpu;
    return (struct http_load_result){
        .per_second = (double)answers / (end - from) * 1e9,
        .server_cpu_us = cpu / (double)answers / 1e3,
    };
}

#endif
