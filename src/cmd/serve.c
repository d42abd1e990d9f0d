/* SPDX-License-Identifier: MIT */

/* weft serve: a matcher over HTTP, until a signal asks for the end. */
#include "cmd/command.h"
#include "cmd/join.h"
#include "cmd/load.h"
#include "cmd/say.h"
#include "cmd/secure.h"
#include "cmd/service.h"

#include <weft/error.h>
#include <weft/signal.h>
#include <weft/task.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define LISTEN_DEFAULT "127.0.0.1:8080"

static const char serve_about[] =
    "Usage: weft serve -e FILE [OPTIONS]\n\n"
    "Answers over HTTP/1.1 which entity a text means.  GET / says how to call it.\n"
    "With a certificate over HTTPS alone; SIGHUP reads its files again.\n"
    "SIGINT or SIGTERM ends it: requests in hand are answered first.\n";

static const char serve_examples[] =
    "  weft serve -e countries.csv\n"
    "  weft serve -e countries.csv --listen 127.0.0.1:0 --listen unix:/run/weft.sock\n"
    "  weft serve -e countries.csv --listen [::]:8443 --tls-cert chain.pem --tls-key key.pem\n"
    "  curl -X POST 'http://127.0.0.1:8080/match?query=Deutschland'\n";

/* SIGINT and SIGTERM, which count together. */
#define SIGNAL_KINDS 2

struct ending {
    struct serve_job *job;
    int number;
};

struct serve_job {
    struct load load;
    struct args_list addresses;
    struct secure secure;
    double grace, drain_delay; /* seconds */
    int64_t body_bytes_max;
    bool is_help;
    struct service service;
    struct ending endings[SIGNAL_KINDS];
    int signal_count; /* that asked for the end */
    char name[160];
};

/* ---- setting up ---- */

static int add_routes(struct service *service)
{
    const weft_http_route routes[] = {
        {.method = "GET", .path = "/", .handler = route_page},
        {.method = "GET", .path = "/healthz", .handler = route_health, .flags = WEFT_HTTP_RESERVED},
        {.method = "GET", .path = "/readyz", .handler = route_ready, .flags = WEFT_HTTP_RESERVED},
        {.method = "GET",
         .path = "/metrics",
         .handler = route_metrics,
         .flags = WEFT_HTTP_RESERVED},
        {.method = "POST", .path = "/match", .handler = route_seed_match},
        {.method = "POST", .path = "/batch", .handler = route_seed_batch},
        {.method = "POST", .path = "/v1/match", .handler = route_match},
        {.method = "POST", .path = "/v1/batch", .handler = route_batch},
        {.method = "POST", .path = "/v1/explain", .handler = route_explain},
        {.method = "POST", .path = "/v1/diagnose", .handler = route_diagnose},
        {.method = "GET", .path = "/v1/info", .handler = route_info},
        {.method = "GET", .path = "/v1/stats", .handler = route_stats},
    };
    int rc = 0;
    for (size_t i = 0; i < sizeof(routes) / sizeof(*routes) && rc == 0; i++) {
        weft_http_route route = routes[i];
        route.arg = service;
        rc = weft_http_server_add(service->server, &route);
    }
    return rc;
}

static int listen_all(struct serve_job *job)
{
    if (job->addresses.count == 0)
        job->addresses.items[job->addresses.count++] = LISTEN_DEFAULT;
    for (size_t i = 0; i < job->addresses.count; i++) {
        const char *address = job->addresses.items[i];
        int rc = weft_http_server_listen(job->service.server, address);
        if (rc == -WEFT_ESYNTAX)
            return say_usage("serve", "--listen %s: %s", address, weft_error_text());
        if (rc < 0)
            return say_failed("cannot listen on %s: %s", address, weft_strerror(rc));
    }
    return 0;
}

static int server_new(struct serve_job *job)
{
    weft_http_options options = {
        .limits.body_bytes_max = (uint64_t)job->body_bytes_max,
        .grace = (weft_time)(job->grace * WEFT_SEC),
        .drain_delay = (weft_time)(job->drain_delay * WEFT_SEC),
    };
    int rc = secure_open(&job->secure, &options);
    if (rc != 0)
        return rc;
    job->service.scheme = options.secure != NULL ? "https://" : "http://";
    rc = weft_http_server_new(&job->service.server, &options);
    if (rc == 0)
        rc = add_routes(&job->service);
    return rc < 0 ? say_failed("%s", weft_strerror(rc)) : listen_all(job);
}

/* "countries.csv", "countries.csv and 2 more". */
static void make_name(struct serve_job *job)
{
    bool is_saved = job->load.matcher != NULL;
    const char *path = is_saved ? job->load.matcher : job->load.files.items[0];
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL && slash[1] != '\0' ? slash + 1 : path;
    if (is_saved || job->load.files.count == 1)
        snprintf(job->name, sizeof(job->name), "%.100s", base);
    else
        snprintf(job->name, sizeof(job->name), "%.100s and %zu more", base,
                 job->load.files.count - 1);
    job->service.name = job->name;
    job->service.entity_count = job->load.entity_count;
}

/* One line an address on standard output: what a script waits for, with the port that was chosen.
 */
static int announce(const struct serve_job *job)
{
    const weft_addr *addr;
    for (size_t i = 0; (addr = weft_http_server_get_addr(job->service.server, i)) != NULL; i++) {
        char text[WEFT_ADDR_TEXT_BYTES];
        wf_buf name = {0};
        int rc = weft_addr_format(addr, text, sizeof(text));
        if (rc < 0)
            return say_failed("%s", weft_strerror(rc));
        say_escaped(&name, (weft_str){job->name, strlen(job->name)});
        fprintf(stdout, "weft: serving %.*s (%zu entities) on %s%s\n", (int)wf_buf_bytes(&name),
                wf_buf_ptr(&name), job->service.entity_count,
                strncmp(text, "unix:", 5) == 0 ? "" : job->service.scheme, text);
        wf_buf_fini(&name);
    }
    return say_printed();
}

/* ---- running ---- */

/* Questions that come before this is done wait for it; readiness says no. */
static int fit_body(void *arg)
{
    struct service *service = arg;
    weft_m_error error;
    int rc = load_fit(service->matcher, &error);
    if (rc == 0)
        service->is_ready = true;
    else if (rc != -ECANCELED) {
        load_say(&error);
        weft_http_server_stop(service->server);
    }
    return rc;
}

/* The first signal begins the shutdown, the second goes at once to its last step, the third ends
 * the program where it stands. */
static int ending_body(void *arg)
{
    const struct ending *ending = arg;
    struct serve_job *job = ending->job;
    for (;;) {
        int rc = weft_signal_wait(ending->number);
        if (rc < 0)
            return rc;
        if (++job->signal_count > 2)
            _Exit(ending->number == SIGTERM ? EXIT_TERMINATED : EXIT_INTERRUPTED);
        weft_http_server_stop(job->service.server);
    }
}

/* A signal that is ignored, as a shell does for what it starts with &, stays so. */
static bool is_ignored(int number)
{
    struct sigaction action;
    return sigaction(number, NULL, &action) == 0 && (action.sa_flags & SA_SIGINFO) == 0 &&
           action.sa_handler == SIG_IGN;
}

static void watch_signals(struct serve_job *job, weft_task tasks[SIGNAL_KINDS])
{
    static const int numbers[SIGNAL_KINDS] = {SIGINT, SIGTERM};
    for (size_t i = 0; i < SIGNAL_KINDS; i++) {
        job->endings[i] = (struct ending){job, numbers[i]};
        tasks[i] = (weft_task){0};
        if (!is_ignored(numbers[i]))
            tasks[i] = weft_spawn(ending_body, &job->endings[i]);
    }
}

/* Serves until the end that a signal asks for. */
static int serve_until_signal(struct serve_job *job)
{
    weft_task tasks[SIGNAL_KINDS];
    watch_signals(job, tasks);
    int rc = weft_http_serve(job->service.server);
    for (size_t i = 0; i < SIGNAL_KINDS; i++) {
        weft_cancel(tasks[i], "the service has ended");
        (void)join(tasks[i]);
    }
    return rc;
}

static int serve_run(struct serve_job *job)
{
    struct service *service = &job->service;
    int rc = load_matcher(&job->load, &service->matcher);
    if (rc == 0) {
        make_name(job);
        rc = server_new(job);
    }
    if (rc == 0)
        rc = announce(job);
    if (rc == 0) {
        weft_task fit = weft_spawn(fit_body, service);
        rc = serve_until_signal(job);
        weft_cancel(fit, "the service ends");
        int fitted = join(fit);
        if (rc == -ECANCELED)
            rc = EXIT_OK; /* asked to end, and ended in order */
        else if (rc < 0)
            rc = say_failed("%s", weft_strerror(rc));
        else if (fitted < 0 && fitted != -ECANCELED)
            rc = EXIT_FAILED;
    }
    weft_http_server_free(service->server);
    secure_close(&job->secure);
    weft_m_close(service->matcher);
    return rc;
}

int cmd_serve(int argc, char **argv)
{
    struct serve_job job = {
        .load = LOAD_DEFAULTS,
        .grace = 30,
        .body_bytes_max = 8 << 20,
    };
    const struct args_option options[] = {
        LOAD_OPTIONS(&job.load),
        {"listen", 'l', "ADDR",
         "HOST:PORT, [IPV6]:PORT or unix:PATH; again for more (" LISTEN_DEFAULT ")", ARGS_LIST,
         &job.addresses, 0, 0},
        {"tls-cert", 0, "FILE", "HTTPS with this certificate and those behind it, PEM", ARGS_TEXT,
         &job.secure.cert, 0, 0},
        {"tls-key", 0, "FILE", "its key, PEM (in the certificate's file)", ARGS_TEXT,
         &job.secure.key, 0, 0},
        {"grace", 0, "S", "seconds that requests in hand get at the end (30)", ARGS_NUMBER,
         &job.grace, 0.001, 86400},
        {"drain-delay", 0, "S", "seconds between 'not ready' and closing at the end (0)",
         ARGS_NUMBER, &job.drain_delay, 0, 86400},
        {"body-max", 0, "BYTES", "of one request (8388608)", ARGS_INTEGER, &job.body_bytes_max, 1,
         1 << 30},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job.is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("serve", "%s", error);
    if (job.is_help)
        return say_help(serve_about, options, count, serve_examples);
    int rc = load_check(&job.load, /* texts= */ NULL, "serve");
    if (rc == 0)
        rc = secure_check(&job.secure, "serve");
    if (rc != 0)
        return rc;
    if (argc != 0)
        return say_usage("serve", "unexpected word %.64s", argv[0]);
    return serve_run(&job);
}
