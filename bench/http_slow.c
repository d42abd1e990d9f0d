/* SPDX-License-Identifier: MIT */

/*
 * How late are answers while others are slow?  Requests at a fixed rate (open_load.h), beside slow
 * clients (slow_clients.h) if there are any; prints the quantiles of their times, how late the load
 * itself was, and the server's CPU time a request, what the slow clients cost included.
 *
 *     http_slow --port PORT [--server PID] [--rate N] [--seconds S] [--connections N] [--spin]
 *               [--slow N] [--pace MS]
 *     http_slow --serve [--backend B]
 *
 * The second prints its port and serves, with the limits that a server has by default, what is
 * asked for: /plaintext, /large of 8 MiB (more than the kernel takes at once), and /body.
 * tools/bench-slow puts it beside nginx.
 */

#include "http_serve.h"
#include "open_load.h"

#include <weft.h>
#include <weft/http.h>
#include <weft/run.h>

#include <sys/prctl.h>

static int small(weft_http_request *req, weft_http_response *res, void *arg)
{
    (void)req;
    (void)arg;
    return weft_http_respond(res, 200, "text/plain", "Hello, World!", 13);
}

static int large(weft_http_request *req, weft_http_response *res, void *arg)
{
    static char bytes[8 << 20];
    (void)req;
    (void)arg;
    return weft_http_respond(res, 200, "application/octet-stream", bytes, sizeof bytes);
}

static const weft_http_route routes[] = {
    {.method = "GET", .path = "/plaintext", .handler = small},
    {.method = "GET", .path = "/large", .handler = large},
    {.method = "POST", .path = "/body", .handler = small},
};

static int server_main(void *arg)
{
    weft_http_server *server = NULL;
    weft_http_options options = {.limits.requests_per_connection_max = UINT32_MAX};
    (void)arg;
    WEFT_TRY(weft_http_server_new(&server, &options));
    int rc = 0;
    for (size_t i = 0; i < sizeof routes / sizeof *routes && rc == 0; i++)
        rc = weft_http_server_add(server, &routes[i]);
    if (rc == 0)
        rc = http_serve(server);
    weft_http_server_free(server);
    return rc;
}

static int serve(const char *backend)
{
    weft_config config = {.backend = backend};
    int rc = weft_run_with(&config, server_main, NULL);
    if (rc < 0 && rc != -ECANCELED)
        fprintf(stderr, "http_slow: %s\n", weft_strerror(rc));
    return rc < 0 && rc != -ECANCELED;
}

static void print(const struct open_load *load)
{
    static const struct {
        const char *name;
        double part;
    } quantiles[] = {{"p50", .5}, {"p90", .9}, {"p99", .99}, {"p99.9", .999}};
    for (size_t i = 0; i < sizeof quantiles / sizeof *quantiles; i++)
        bench_print_one(quantiles[i].name, "us",
                        (double)histogram_quantile(&load->times, quantiles[i].part) / 1e3);
    bench_print_one("load late, p99", "us", (double)histogram_quantile(&load->late, .99) / 1e3);
    bench_print_one("answered", "requests", (double)load->answered);
    bench_print_one("without an answer", "requests", (double)(load->due - load->answered));
    bench_print_one("slow bytes", "bytes", (double)load->slow.bytes);
    bench_print_one("slow clients sent away", "clients", (double)load->slow.came_again);
    if (load->server != 0 && load->answered != 0)
        bench_print_one("server CPU", "us a request", load->cpu / (double)load->answered / 1e3);
}

/* An option's value goes where it belongs; false: it is none of the load's. */
static bool take_option(struct open_load *load, const char *option, const char *value)
{
    if (strcmp(option, "--port") == 0)
        load->port = (int)strtol(value, NULL, 10);
    else if (strcmp(option, "--server") == 0)
        load->server = (int)strtol(value, NULL, 10);
    else if (strcmp(option, "--rate") == 0)
        load->rate = strtod(value, NULL);
    else if (strcmp(option, "--seconds") == 0)
        load->measure = strtod(value, NULL) * 1e9;
    else if (strcmp(option, "--connections") == 0)
        load->connections = strtoul(value, NULL, 10);
    else if (strcmp(option, "--slow") == 0)
        load->slow.count = strtoul(value, NULL, 10);
    else if (strcmp(option, "--pace") == 0)
        load->slow.pace = strtod(value, NULL) * 1e6;
    else
        return false;
    return true;
}

int main(int argc, char **argv)
{
    static struct open_load load = {
        .connections = 64, .rate = 10000, .warm = 1e9, .measure = 2e9, .slow.pace = 1e8};
    const char *backend = NULL;
    bool is_serving = false;
    for (int i = 1; i < argc; i++) {
        const char *value = i + 1 < argc ? argv[i + 1] : "";
        if (strcmp(argv[i], "--serve") == 0)
            is_serving = true;
        else if (strcmp(argv[i], "--spin") == 0)
            load.spins = true;
        else if (strcmp(argv[i], "--backend") == 0)
            backend = argv[++i];
        else if (take_option(&load, argv[i], value))
            i++;
        else
            return 2;
    }
    if (is_serving)
        return serve(backend);
    (void)prctl(PR_SET_TIMERSLACK, 1);
    open_load_open(&load);
    open_load_run(&load);
    open_load_close(&load);
    print(&load);
    return 0;
}
