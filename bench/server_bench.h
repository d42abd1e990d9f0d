/* SPDX-License-Identifier: MIT */

/*
 * A benchmark of a server: the server in a process of its own, load on the loopback from this one.
 * Prints requests a second, and the server's CPU time a request, which is the steadier figure on a
 * shared machine.
 *
 *     PROGRAM [--backend B] [--connections N] [--pipeline P] [--port PORT [--server PID]]
 *     PROGRAM --serve [--backend B] [--port PORT]
 *
 * With --port the first measures whatever listens there; its CPU time too if its process is given,
 * see tools/bench-http.  The second prints the port and serves until it is interrupted, for other
 * load programs.
 */
#ifndef WF_BENCH_SERVER_BENCH_H
#define WF_BENCH_SERVER_BENCH_H

#include "http_load.h"

#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

struct server_bench {
    const char *name; /* of the results */

    /* Listens on 127.0.0.1:port (0: any), calls server_bench_ready, serves until SIGINT. */
    int (*serve)(const struct server_bench *bench);

    const char *backend;
    int port;
    int port_pipe; /* where the serving process tells its port; -1: it prints it */
    struct http_load load;
};

static inline int server_bench_ready(const struct server_bench *bench, int port)
{
    if (bench->port_pipe < 0) {
        printf("%d\n", port);
        fflush(stdout);
        return 0;
    }
    return write(bench->port_pipe, &port, sizeof port) == sizeof port ? 0 : -1;
}

/* The server's process; its port goes to *out_port. */
static inline pid_t server_bench_start(struct server_bench *bench, int *out_port)
{
    int ends[2];
    if (pipe(ends) < 0)
        http_load_die("pipe");
    pid_t pid = fork();
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        bench->port_pipe = ends[1];
        exit(bench->serve(bench) != 0);
    }
    close(ends[1]);
    if (pid < 0 || read(ends[0], out_port, sizeof *out_port) != sizeof *out_port)
        http_load_die("the server did not start");
    close(ends[0]);
    return pid;
}

static inline void server_bench_measure(const char *what, struct http_load *load)
{
    double speed[BENCH_RUNS], cpu[BENCH_RUNS];
    char name[96];
    http_load_open(load);
    (void)http_load_run(load, 2e8);
    for (int i = 0; i < BENCH_RUNS; i++) {
        struct http_load_result result = http_load_run(load, 2.5e8);
        speed[i] = result.per_second;
        cpu[i] = result.server_cpu_us;
    }
    http_load_close(load);
    snprintf(name, sizeof name, "%s, %zu connections, %zu deep", what, load->connections,
             load->pipeline);
    bench_print(name, "requests/s", speed, NULL, BENCH_RUNS);
    if (load->server != 0)
        bench_print(name, "us of CPU a request", cpu, NULL, BENCH_RUNS);
}

static inline int server_bench_main(struct server_bench *bench, int argc, char **argv)
{
    struct http_load *load = &bench->load;
    int is_serving = 0;
    load->connections = 64;
    load->pipeline = 1;
    bench->port_pipe = -1;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--serve") == 0) {
            is_serving = 1;
            continue;
        }
        if (strcmp(argv[i], "--backend") == 0)
            bench->backend = value;
        else if (strcmp(argv[i], "--port") == 0)
            bench->port = atoi(value);
        else if (strcmp(argv[i], "--server") == 0)
            load->server = atoi(value);
        else if (strcmp(argv[i], "--connections") == 0)
            load->connections = strtoul(value, NULL, 10);
        else if (strcmp(argv[i], "--pipeline") == 0)
            load->pipeline = strtoul(value, NULL, 10);
        i++;
    }
    if (is_serving)
        return bench->serve(bench) != 0;
    if (load->connections == 0 || load->pipeline == 0)
        return 2;
    load->port = bench->port;
    if (bench->port == 0)
        load->server = server_bench_start(bench, &load->port);
    server_bench_measure(bench->name, load);
    if (bench->port == 0) {
        kill(load->server, SIGINT);
        waitpid(load->server, NULL, 0);
    }
    return 0;
}

#endif
