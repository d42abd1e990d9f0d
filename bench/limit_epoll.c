/* SPDX-License-Identifier: MIT */

/*
 * What does the kernel allow a plain-text HTTP server on epoll?  One thread, edge-triggered, one
 * receive and one send for all requests that have come; no parser, no limits, no timeouts.
 */

#include "limit.h"

static unsigned matched[1 << 16]; /* by descriptor */

static void accept_all(int epoll, int listener)
{
    for (int fd; (fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC)) >= 0;) {
        struct epoll_event event = {.events = EPOLLIN | EPOLLRDHUP | EPOLLET, .data.fd = fd};
        if (fd >= 1 << 16 || epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event) < 0)
            http_load_die("accept");
        matched[fd] = 0;
    }
}

static void answer(int fd)
{
    static char bytes[65536];
    ssize_t count;
    do {
        count = recv(fd, bytes, sizeof bytes, 0);
        if (count == 0 || (count < 0 && errno != EAGAIN)) {
            close(fd);
            return;
        }
        size_t requests = count > 0 ? limit_count(bytes, (size_t)count, &matched[fd]) : 0;
        size_t size = requests * LIMIT_ANSWER_BYTES;
        if (size != 0 && send(fd, limit_answers, size, MSG_NOSIGNAL) != (ssize_t)size) {
            close(fd);
            return;
        }
    } while (count == (ssize_t)sizeof bytes);
}

static int serve(const struct server_bench *bench)
{
    struct epoll_event events[256];
    int port, listener = limit_listen(bench->port, &port);
    int epoll = epoll_create1(EPOLL_CLOEXEC);
    struct epoll_event event = {.events = EPOLLIN, .data.fd = listener};
    if (epoll_ctl(epoll, EPOLL_CTL_ADD, listener, &event) < 0 ||
        server_bench_ready(bench, port) < 0)
        return 1;
    for (;;) {
        int count = epoll_wait(epoll, events, 256, -1);
        for (int i = 0; i < count; i++) {
            if (events[i].data.fd == listener)
                accept_all(epoll, listener);
            else
                answer(events[i].data.fd);
        }
    }
}

int main(int argc, char **argv)
{
    struct server_bench bench = {.name = "limit epoll", .serve = serve};
    return server_bench_main(&bench, argc, argv);
}
