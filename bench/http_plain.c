/* SPDX-License-Identifier: MIT */

/*
 * How fast does the HTTP server answer a small fixed text, with routing, limits and timeouts on?
 *
 *     http_plain [--backend B] [--connections N] [--pipeline P] [--port PORT]
 *     http_plain --serve [--backend B] [--port PORT]
 *
 * The first measures a server in a process of its own: requests a second, and the server's CPU time
 * a request, which is the steadier figure on a shared machine.  With --port it measures whatever
 * listens there (only the requests a second then).  The second prints the port and serves until it
 * is interrupted, for other load programs.
 */

#include "http_load.h"

#include <weft.h>
#include <weft/http.h>
#include <weft/run.h>

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

static const char *backend;
static int port;
static int port_pipe = -1; /* where the serving process tells its port */

static int plaintext(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", "Hello, World!", 13);
}

static int serve(void *arg)
{
    weft_http_server *server = NULL;
    weft_http_options options = {.limits.requests_per_connection_max = UINT32_MAX};
    weft_http_route route = {.method = "GET", .path = "/plaintext", .handler = plaintext};
    char address[32];
    (void)arg;
    snprintf(address, sizeof address, "127.0.0.1:%d", port);
    WEFT_TRY(weft_http_server_new(&server, &options));
    int rc = weft_http_server_add(server, &route);
    if (rc == 0)
        rc = weft_http_server_listen(server, address);
    if (rc == 0) {
        int chosen = weft_addr_get_port(weft_http_server_get_addr(server, 0));
        if (port_pipe < 0)
            printf("%d\n", chosen);
        else if (write(port_pipe, &chosen, sizeof chosen) != sizeof chosen)
            rc = -EPIPE;
        fflush(stdout);
    }
    if (rc == 0)
        rc = weft_http_serve(server);
    weft_http_server_free(server);
    return rc;
}

static int run_server(void)
{
    weft_config config = {.backend = backend};
    int rc = weft_run_with(&config, serve, NULL);
    if (rc < 0 && rc != -ECANCELED)
        fprintf(stderr, "http_plain: %s\n", weft_strerror(rc));
    return rc < 0 && rc != -ECANCELED;
}

/* The server's process; its port goes to *out_port. */
static pid_t start_server(int *out_port)
{
    int ends[2];
    if (pipe(ends) < 0)
        http_load_die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        port_pipe = ends[1];
        exit(run_server());
    }
    close(ends[1]);
    if (pid < 0 || read(ends[0], out_port, sizeof *out_port) != sizeof *out_port)
        http_load_die("the server did not start");
    close(ends[0]);
    return pid;
}

static void measure(struct http_load *load)
{
    double speed[BENCH_RUNS], cpu[BENCH_RUNS];
    char name[64];
    http_load_open(load);
    (void)http_load_run(load, 2e8);
    for (int i = 0; i < BENCH_RUNS; i++) {
        struct http_load_result result = http_load_run(load, 2.5e8);
        speed[i] = result.per_second;
        cpu[i] = result.server_cpu_us;
    }
    http_load_close(load);
    snprintf(name, sizeof name, "http plain, %zu connections, %zu deep", load->connections,
             load->pipeline);
    bench_print(name, "requests/s", speed, NULL, BENCH_RUNS);
    if (load->server != 0)
        bench_print(name, "us of CPU a request", cpu, NULL, BENCH_RUNS);
}

int main(int argc, char **argv)
{
    struct http_load load = {.connections = 64, .pipeline = 1};
    int is_serving = 0;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--serve") == 0) {
            is_serving = 1;
            continue;
        }
        if (strcmp(argv[i], "--backend") == 0)
            backend = value;
        else if (strcmp(argv[i], "--port") == 0)
            port = atoi(value);
        else if (strcmp(argv[i], "--connections") == 0)
            load.connections = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--pipeline") == 0)
            load.pipeline = strtoul(value, NULL, 10);
        i++;
    }
    if (is_serving)
        return run_server();
    if (load.connections == 0 || load.pipeline == 0)
        return 2;
    load.port = port;
    if (port == 0)
        load.server = start_server(&load.port);
    measure(&load);
    if (load.server != 0) {
        kill(load.server, SIGINT);
        waitpid(load.server, NULL, 0);
    }
    return 0;
}
