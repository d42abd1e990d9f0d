/* SPDX-License-Identifier: MIT */

/*
 * How fast does the HTTP server answer a small fixed text, with routing, limits and timeouts on?
 * Options as in server_bench.h.  limit_epoll and limit_uring are the same without all of that.
 */

#include "server_bench.h"

#include <weft.h>
#include <weft/http.h>
#include <weft/run.h>

static int plaintext(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", "Hello, World!", 13);
}

static int server_main(void *arg)
{
    const struct server_bench *bench = arg;
    weft_http_server *server = NULL;
    weft_http_options options = {.limits.requests_per_connection_max = UINT32_MAX};
    weft_http_route route = {.method = "GET", .path = "/plaintext", .handler = plaintext};
    char address[32];
    snprintf(address, sizeof address, "127.0.0.1:%d", bench->port);
    WEFT_TRY(weft_http_server_new(&server, &options));
    int rc = weft_http_server_add(server, &route);
    if (rc == 0)
        rc = weft_http_server_listen(server, address);
    if (rc == 0)
        rc = server_bench_ready(bench, weft_addr_get_port(weft_http_server_get_addr(server, 0)));
    if (rc == 0)
        rc = weft_http_serve(server);
    weft_http_server_free(server);
    return rc;
}

static int serve(const struct server_bench *bench)
{
    weft_config config = {.backend = bench->backend};
    int rc = weft_run_with(&config, server_main, (void *)(uintptr_t)bench);
    if (rc < 0 && rc != -ECANCELED)
        fprintf(stderr, "http_plain: %s\n", weft_strerror(rc));
    return rc < 0 && rc != -ECANCELED;
}

int main(int argc, char **argv)
{
    struct server_bench bench = {.name = "http plain", .serve = serve};
    return server_bench_main(&bench, argc, argv);
}
