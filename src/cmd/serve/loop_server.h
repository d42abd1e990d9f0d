/* SPDX-License-Identifier: MIT */

/*
 * Loop server: what one loop has of the service, its listeners and its connections.
 *
 * Each is a task on its loop, which opens the server, says so, waits until it may begin, serves,
 * and gives back what it has.  Others reach it by futures alone, which need no memory: a stop
 * cannot fail.  All of them listen on the same ports, and the kernel deals the connections out;
 * Unix sockets, which cannot be shared so, are the first loop's.
 */
#ifndef WF_CMD_LOOP_SERVER_H
#define WF_CMD_LOOP_SERVER_H

#include "cmd/serve/secure.h"
#include "service/service.h"

#include <weft/future.h>
#include <weft/http_log.h>

/* The same for all loops. */
struct loop_plan {
    struct service *service;
    struct loop_server *servers; /* one a loop */
    const struct secure *secure;
    weft_http_options http;
    weft_addr *addrs; /* once the first has listened with the ports that the system chose */
    size_t addr_count;
    unsigned unix_mode; /* permissions of the files of Unix sockets; 0: the umask's */
    int log_fd;         /* of the access log; < 0: none */
};

/* What a loop is to read and to open again. */
struct reload {
    struct loop_server *server;
    int log_fd; /* where its access log goes on; < 0: where it is */
};

struct loop_server {
    const struct loop_plan *plan;
    unsigned index;
    weft_future opened;   /* set by it: it listens */
    weft_future begin;    /* set by others: it may serve */
    weft_future stops[2]; /* set by others: the shutdown; its last step */

    /* Of its own loop. */
    weft_http_server *server; /* NULL: not open */
    weft_tls *tls;            /* NULL: plain */
    weft_http_log *log;       /* NULL: none */
    weft_task reloading;      /* is in loop_server_reload */
};

/* The task.  0 after a stop; a failure has its text. */
WEFT_WAITS int loop_server_body(void *loop_server);

/* Begins the shutdown; again: at once to its last step.  From the first loop. */
void loop_server_stop(struct loop_server *server);

/* A task on its loop that moves its access log and reads its certificate again, of which only the
 * latter fails but for -ECANCELED. */
WEFT_WAITS int loop_server_reload(void *reload);

#endif
