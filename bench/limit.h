/* SPDX-License-Identifier: MIT */

/*
 * What the bare servers share: a listening socket, the answer, and the counting of requests.  They
 * show what the kernel allows; they check nothing and must serve nobody.
 */
#ifndef WF_BENCH_LIMIT_H
#define WF_BENCH_LIMIT_H

#include "server_bench.h"

#define LIMIT_PIPELINE_MAX 256
#define LIMIT_ANSWER                                                                               \
    "HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\nContent-Length: 13\r\n"                        \
    "Date: Thu, 01 Jan 1970 00:00:00 GMT\r\n\r\nHello, World!"
#define LIMIT_ANSWER_BYTES (sizeof LIMIT_ANSWER - 1)

static char limit_answers[LIMIT_PIPELINE_MAX * LIMIT_ANSWER_BYTES];

static int limit_listen(int port, int *out_port)
{
    struct sockaddr_in addr = {.sin_family = AF_INET,
                               .sin_port = htons((uint16_t)port),
                               .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t bytes = sizeof addr;
    int on = 1, fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    (void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    (void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
    if (bind(fd, (struct sockaddr *)&addr, sizeof addr) < 0 || listen(fd, 4096) < 0 ||
        getsockname(fd, (struct sockaddr *)&addr, &bytes) < 0)
        http_load_die("listen");
    *out_port = ntohs(addr.sin_port);
    for (size_t i = 0; i < LIMIT_PIPELINE_MAX; i++)
        memcpy(limit_answers + i * LIMIT_ANSWER_BYTES, LIMIT_ANSWER, LIMIT_ANSWER_BYTES);
    return fd;
}

/* Requests that end in these bytes: empty lines.  *matched, at most 3, is what of one was seen at
 * the end of the bytes before. */
static size_t limit_count(const char *bytes, size_t count, unsigned *matched)
{
    static const char pattern[] = "\r\n\r\n";
    size_t found = 0;
    for (const char *at = bytes, *end = bytes + count; at < end; at++) {
        if (*matched == 0 && (at = memchr(at, '\r', (size_t)(end - at))) == NULL)
            break;
        if (*at == pattern[*matched])
            ++*matched;
        else
            *matched = *at == '\r';
        if (*matched == 4) {
            *matched = 0;
            found++;
        }
    }
    return found < LIMIT_PIPELINE_MAX ? found : LIMIT_PIPELINE_MAX;
}

#endif
