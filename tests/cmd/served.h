/* SPDX-License-Identifier: MIT */

/* weft serve as a child, and calls of it over real sockets. */
#ifndef WF_TESTS_SERVED_H
#define WF_TESTS_SERVED_H

#include "child.h"

#include <sys/socket.h>

#define COUNTRIES test_source("examples/data/countries.csv")
#define GERMANY                                                                                    \
    "{\"id\":\"DE\",\"score\":1.0,\"text\":\"deutschland\",\"name\":\"Germany\","                  \
    "\"matched\":\"Deutschland\"}"

struct service {
    struct child child;
    struct sockaddr_storage addr;
    socklen_t addr_bytes;
    wf_buf out;
};

/* With these words behind `serve`; waits until it says where it listens. */
void service_start_with(struct service *service, const char *const *words);
#define SERVICE_START(service_, ...)                                                               \
    service_start_with((service_), (const char *const[]){__VA_ARGS__, NULL})

/* The countries; on a Unix socket with mode 640. */
void service_start_on(struct service *service, const char *listen, const char *loops);
void service_start(struct service *service);

/* Its exit code.  What it has said on standard error goes into `err`. */
int service_end_with(struct service *service, int signal_number, char *err, size_t room);
int service_end(struct service *service, int signal_number);

int service_connect(const struct service *service);

struct answer {
    int status;
    const char *head, *body; /* in `buf` */
    wf_buf buf;
};

/* One call on a connection of its own; `head` are further lines of the request's head, `body` NULL:
 * none. */
void service_call_with(const struct service *service, const char *line, const char *head,
                       const char *body, struct answer *answer);
void service_call(const struct service *service, const char *line, const char *body,
                  struct answer *answer);

/* By HTTP/1.0, so that what is streamed is one piece. */
void service_call_whole(const struct service *service, const char *line, const char *head,
                        const char *body, struct answer *answer);

/* Readiness comes when the matcher is fitted. */
void service_wait_ready(const struct service *service);

#endif
