/* SPDX-License-Identifier: MIT */

/*
 * A server of files for other load programs: http_files DIR [BACKEND] prints its port and serves
 * DIR until it is interrupted; texts of 1 KiB and more are compressed for clients that ask for it.
 * tools/bench-files puts it beside nginx.
 */

#include "http_serve.h"

#include <weft.h>
#include <weft/http_files.h>
#include <weft/run.h>

#include <stdio.h>

struct job {
    const char *dir;
};

static int server_main(void *arg)
{
    const struct job *job = arg;
    weft_http_server *server = NULL;
    weft_http_files *files = NULL;
    weft_http_options options = {
        .limits.requests_per_connection_max = UINT32_MAX,
        .compress_bytes_min = 1024,
    };
    weft_http_route route = {
        .method = "GET", .path = "/{path*}", .handler = weft_http_files_handler};
    WEFT_TRY(weft_http_files_open(&files, job->dir, NULL));
    route.arg = files;
    int rc = weft_http_server_new(&server, &options);
    if (rc == 0)
        rc = weft_http_server_add(server, &route);
    if (rc == 0)
        rc = http_serve(server);
    weft_http_server_free(server);
    weft_http_files_close(files);
    return rc;
}

int main(int argc, char **argv)
{
    struct job job = {.dir = argc > 1 ? argv[1] : "."};
    weft_config config = {.backend = argc > 2 ? argv[2] : NULL};
    int rc = weft_run_with(&config, server_main, &job);
    if (rc < 0 && rc != -ECANCELED)
        fprintf(stderr, "http_files: %s\n", weft_strerror(rc));
    return rc < 0 && rc != -ECANCELED;
}
