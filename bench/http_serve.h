/* SPDX-License-Identifier: MIT */

/* A server for the load of another process, which reads its port. */
#ifndef WF_BENCH_HTTP_SERVE_H
#define WF_BENCH_HTTP_SERVE_H

#include <weft/http.h>

#include <stdio.h>

/* Listens on a free port of the loopback, prints it in a line, and serves until it is stopped.  0,
 * or a negative code. */
static inline int http_serve(weft_http_server *server)
{
    int rc = weft_http_server_listen(server, "127.0.0.1:0");
    if (rc < 0)
        return rc;
    printf("%d\n", weft_addr_get_port(weft_http_server_get_addr(server, 0)));
    fflush(stdout);
    return weft_http_serve(server);
}

#endif
