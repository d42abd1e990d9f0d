/* SPDX-License-Identifier: MIT */

/* weft serve: a matcher over HTTP, until a signal asks for the end. */
#include "base/alloc.h"
#include "base/sys.h"
#include "cmd/command.h"
#include "cmd/match/load.h"
#include "cmd/say.h"
#include "cmd/serve/hangup.h"
#include "cmd/serve/limits.h"
#include "cmd/serve/loop_server.h"
#include "cmd/serve/permit.h"
#include "service/join.h"

#include <weft/error.h>
#include <weft/http_api.h>
#include <weft/io.h>
#include <weft/loops.h>
#include <weft/signal.h>

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Shorter answers are in one packet anyway, and coding them costs more than it saves. */
#define COMPRESS_BYTES_MIN 1024

#define LISTEN_DEFAULT "127.0.0.1:8080"

static const char serve_about[] =
    "Usage: weft serve -e FILE [OPTIONS]\n\n"
    "Answers over HTTP which entity a text means.  GET / says how to call it.\n"
    "With --loops N on N threads, which share the connections (a unix: address has one).\n"
    "GET /openapi.json describes all calls for programs.\n"
    "With --token FILE or --allow-changes matchers can be made, changed, fitted and, with --data "
    "DIR,\n"
    "saved over HTTP; what is in DIR is there when it begins again, also without -e.\n"
    "With a certificate over HTTPS alone.\n"
    "SIGHUP reads its files again and opens the access log anew, which may have been moved away.\n"
    "SIGINT or SIGTERM ends it: requests in hand are answered first.\n";

static const char serve_examples[] =
    "  weft serve -e countries.csv\n"
    "  weft serve -e countries.csv --listen 127.0.0.1:0 --listen unix:/run/weft.sock\n"
    "  weft serve --data /var/lib/weft --token token\n"
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
    int64_t body_bytes_max, loop_count;
    const char *access_log; /* NULL: none */
    const char *unix_mode;  /* NULL: the umask's */
    bool is_help;
    struct permit permit;
    const char *data; /* directory of saved matchers; NULL: none */
    int64_t matcher_count_max;
    struct service service;
    struct loop_plan plan;
    struct hangup hangup;
    struct ending endings[SIGNAL_KINDS];
    int signal_count; /* that asked for the end */
    char name[160];
};

#define SERVE_DEFAULTS                                                                             \
    {                                                                                              \
        .load = {.threshold = NAN, .check_hierarchy = true}, .grace = 30,                          \
        .body_bytes_max = SERVE_BODY_BYTES_MAX, .loop_count = 1,                                   \
        .matcher_count_max = SERVICE_MATCHERS_MAX, .plan.log_fd = -1                               \
    }

/* ---- setting up ---- */

static const weft_http_openapi about_service = {
    .title = "weft serve",
    .version = WEFT_VERSION,
    .about = "Answers which entity a text means.",
};

static int open_log(struct serve_job *job)
{
    const char *path = job->access_log;
    if (path == NULL)
        return 0;
    int fd = strcmp(path, "-") == 0 ? STDOUT_FILENO : hangup_open_log(path);
    job->plan.log_fd = fd;
    return fd >= 0 ? 0 : say_failed("cannot open %.256s: %s", path, weft_strerror(fd));
}

static int plan_addresses(struct serve_job *job)
{
    struct args_list *texts = &job->addresses;
    if (texts->count == 0)
        texts->items[texts->count++] = LISTEN_DEFAULT;
    job->plan.addrs = wf_array(texts->count, sizeof(weft_addr));
    if (job->plan.addrs == NULL)
        return say_failed("%s", weft_strerror(-ENOMEM));
    for (; job->plan.addr_count < texts->count; job->plan.addr_count++) {
        const char *text = texts->items[job->plan.addr_count];
        if (weft_addr_parse(&job->plan.addrs[job->plan.addr_count], text) < 0)
            return say_usage("serve", "--listen %s: %s", text, weft_error_text());
    }
    return 0;
}

static bool has_unix_path(const struct args_list *texts)
{
    for (size_t i = 0; i < texts->count; i++) {
        if (strncmp(texts->items[i], "unix:", 5) == 0 && texts->items[i][5] != '@')
            return true;
    }
    return false;
}

/* "660": as chmod has it. */
static int plan_unix_mode(struct serve_job *job)
{
    const char *text = job->unix_mode;
    unsigned mode = 0;
    if (text == NULL)
        return 0;
    size_t digits = strspn(text, "01234567");
    for (size_t i = 0; i < digits && mode <= 0777; i++)
        mode = mode * 8 + (unsigned)(text[i] - '0');
    if (text[digits] != '\0' || mode == 0 || mode > 0777)
        return say_usage("serve", "--unix-mode: must be an octal number from 1 to 777, is %.64s",
                         text[0] != '\0' ? text : "empty");
    if (!has_unix_path(&job->addresses))
        return say_usage("serve", "--unix-mode is for --listen unix:PATH");
    job->plan.unix_mode = mode;
    return 0;
}

static int plan_make(struct serve_job *job)
{
    struct service *service = &job->service;
    service->scheme = job->secure.cert != NULL ? "https://" : "http://";
    service->server_count = weft_loop_count();
    service->servers = wf_array(service->server_count, sizeof(*service->servers));
    job->plan.servers = wf_array(service->server_count, sizeof(struct loop_server));
    if (service->servers == NULL || job->plan.servers == NULL)
        return say_failed("%s", weft_strerror(-ENOMEM));
    job->plan.service = service;
    job->plan.secure = &job->secure;
    job->plan.http = (weft_http_options){
        .limits.body_bytes_max = (uint64_t)job->body_bytes_max,
        .compress_bytes_min = COMPRESS_BYTES_MIN,
        .grace = (weft_time)(job->grace * WEFT_SEC),
        .drain_delay = (weft_time)(job->drain_delay * WEFT_SEC),
        .openapi = &about_service,
        .gives_ids = true,
    };
    for (size_t i = 0; i < service->server_count; i++)
        job->plan.servers[i] = (struct loop_server){.plan = &job->plan, .index = (unsigned)i};
    return 0;
}

/* "countries.csv", "countries.csv and 2 more". */
static void make_name(struct serve_job *job)
{
    bool is_saved = job->load.matcher != NULL;
    job->service.title = job->name;
    if (!load_has_matcher(&job->load)) {
        snprintf(job->name, sizeof(job->name), "%.100s", job->data != NULL ? job->data : "no file");
        return;
    }
    const char *path = is_saved ? job->load.matcher : job->load.files.items[0];
    const char *slash = strrchr(path, '/');
    const char *base = slash != NULL && slash[1] != '\0' ? slash + 1 : path;
    if (is_saved || job->load.files.count == 1)
        snprintf(job->name, sizeof(job->name), "%.100s", base);
    else
        snprintf(job->name, sizeof(job->name), "%.100s and %zu more", base,
                 job->load.files.count - 1);
}

/* One line an address on standard output: what a script waits for, with the port that was chosen.
 */
static int announce(const struct serve_job *job)
{
    for (size_t i = 0; i < job->plan.addr_count; i++) {
        char text[WEFT_ADDR_TEXT_BYTES];
        wf_buf name = {0};
        int rc = weft_addr_format(&job->plan.addrs[i], text, sizeof(text));
        if (rc < 0)
            return say_failed("%s", weft_strerror(rc));
        say_escaped(&name, (weft_str){job->name, strlen(job->name)});
        fprintf(stdout, "weft: serving %.*s (%zu entities) on %s%s\n", (int)wf_buf_bytes(&name),
                wf_buf_ptr(&name), job->load.entity_count,
                strncmp(text, "unix:", 5) == 0 ? "" : job->service.scheme, text);
        wf_buf_fini(&name);
    }
    return say_printed();
}

/* ---- running ---- */

/* Begins the shutdown on all loops; again: at once to its last step. */
static void stop_all(struct serve_job *job)
{
    size_t count = jobs_stop(&job->service.jobs);
    if (count != 0)
        say("%zu job%s cancelled: the service ends", count, count == 1 ? "" : "s");
    for (size_t i = 0; i < job->service.server_count; i++)
        loop_server_stop(&job->plan.servers[i]);
}

/* Questions that come before this is done wait for it; readiness says no. */
static int fit_body(void *arg)
{
    struct serve_job *job = arg;
    struct service *service = &job->service;
    struct named *named = registry_get(&service->registry, weft_str_of(REGISTRY_DEFAULT));
    weft_m_error error;
    int rc = named != NULL ? load_fit(named->matcher, &error) : 0;
    registry_release(named);
    if (rc == 0) {
        __atomic_store_n(&service->is_ready, true, __ATOMIC_RELEASE);
    } else if (rc != -ECANCELED) {
        load_say(&error);
        stop_all(job);
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
        stop_all(job);
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

/* The first alone chooses ports. */
static int open_all(struct serve_job *job, weft_group group)
{
    for (size_t i = 0; i < job->service.server_count; i++) {
        struct loop_server *server = &job->plan.servers[i];
        weft_group_task_on(group, weft_loop_at((unsigned)i), loop_server_body, server);
        int rc = weft_future_wait(&server->opened, /* out_value= */ NULL);
        if (rc < 0)
            return rc;
    }
    return 0;
}

/* Serves until the end that a signal asks for. */
static int serve_until_signal(struct serve_job *job, weft_group group)
{
    struct service *service = &job->service;
    weft_task tasks[SIGNAL_KINDS];
    watch_signals(job, tasks);
    weft_task fit = weft_spawn(fit_body, job);
    weft_task jobs = weft_spawn(jobs_run, &service->jobs);
    if (weft_done(jobs, NULL) != 0)
        (void)jobs_stop(&service->jobs);
    for (size_t i = 0; i < service->server_count; i++)
        weft_future_set(&job->plan.servers[i].begin, 0, /* value= */ NULL);
    int rc = weft_group_wait(group);
    if (rc < 0 && rc != -ECANCELED)
        rc = say_failed("%s", weft_explain(rc));
    for (size_t i = 0; i < SIGNAL_KINDS; i++) {
        weft_cancel(tasks[i], "the service has ended");
        (void)join(tasks[i]);
    }
    weft_cancel(fit, "the service ends");
    int fitted = join(fit);
    weft_cancel(jobs, "the service has ended");
    (void)join(jobs);
    if (rc == -ECANCELED)
        return EXIT_OK; /* asked to end, and ended in order */
    return rc == 0 && fitted < 0 && fitted != -ECANCELED ? EXIT_FAILED : rc;
}

static int serve_on_loops(struct serve_job *job)
{
    weft_group group = weft_group_open();
    int rc = open_all(job, group), announced = 0;
    if (rc == 0) {
        weft_event_set(&job->hangup.is_open);
        announced = announce(job);
    }
    if (rc == 0 && announced == 0) {
        rc = serve_until_signal(job, group);
    } else {
        weft_group_cancel(group, "the service cannot begin");
        rc = weft_group_wait(group);
        rc = announced != 0               ? announced
             : rc < 0 && rc != -ECANCELED ? say_failed("%s", weft_explain(rc))
                                          : rc;
    }
    weft_group_end_(&group);
    return rc;
}

static int load_data(struct serve_job *job)
{
    struct service *service = &job->service;
    weft_m_error error;
    int rc = load_check_directory("--data", job->data);
    if (rc != 0)
        return rc;
    service->store.dir = job->data;
    rc = store_load(&service->store, &service->measures, &error);
    return rc < 0 && rc != -ECANCELED ? load_say(&error) : rc;
}

static bool has_default(struct serve_job *job)
{
    struct named *named = registry_get(&job->service.registry, weft_str_of(REGISTRY_DEFAULT));
    weft_m_info info = {.size = sizeof(info)};
    if (named != NULL && weft_m_info_get(named->matcher, &info) == 0)
        job->load.entity_count = info.entity_count;
    registry_release(named);
    return named != NULL;
}

/* The default matcher, of the files that were named. */
static int make_default(struct serve_job *job)
{
    weft_matcher *matcher = NULL;
    if (has_default(job)) {
        if (load_has_matcher(&job->load))
            say("%s/" REGISTRY_DEFAULT ".weftm stands for the files that are named", job->data);
        return 0;
    }
    job->load.metric = measures_take;
    job->load.metric_arg = &job->service.measures;
    if (!load_has_matcher(&job->load))
        return 0;
    int rc = load_matcher(&job->load, &matcher);
    if (rc != 0) {
        weft_m_close(matcher);
        return rc;
    }
    rc = registry_put(&job->service.registry, weft_str_of(REGISTRY_DEFAULT), matcher);
    if (rc == -WEFT_ELIMIT)
        return say_failed("with what is in %s there are more matchers than --matchers-max %lld",
                          job->service.store.dir, (long long)job->matcher_count_max);
    return rc < 0 ? say_failed("%s", weft_strerror(rc)) : 0;
}

static int serve_matcher(struct serve_job *job)
{
    service_init(&job->service, (size_t)job->matcher_count_max);
    int rc = permit_read(&job->permit, &job->service.access);
    if (rc == 0)
        rc = load_data(job);
    if (rc == 0)
        rc = make_default(job);
    if (rc == 0) {
        make_name(job);
        rc = plan_make(job);
    }
    if (rc == 0)
        rc = open_log(job);
    return rc == 0 ? serve_on_loops(job) : rc;
}

static int serve_run(struct serve_job *job)
{
    job->hangup =
        (struct hangup){.plan = &job->plan, .access_log = job->access_log, .next_log_fd = -1};
    weft_task hangup = weft_spawn(hangup_body, &job->hangup);
    (void)weft_yield(); /* it waits from now on */
    int rc = serve_matcher(job);
    weft_cancel(hangup, "the service has ended");
    (void)join(hangup);
    if (job->plan.log_fd > STDERR_FILENO)
        weft_close(job->plan.log_fd);
    if (job->hangup.next_log_fd >= 0)
        weft_close(job->hangup.next_log_fd);
    wf_free(job->plan.servers);
    wf_free(job->service.servers);
    service_fini(&job->service);
    permit_fini(&job->permit);
    return rc;
}

/* ---- words ---- */

static int read_words(struct serve_job *job, int *argc, char **argv, const char *help,
                      char error[ARGS_ERROR_BYTES])
{
    const struct args_option options[] = {
        LOAD_OPTIONS(&job->load),
        {"listen", 'l', "ADDR",
         "HOST:PORT, [IPV6]:PORT or unix:PATH; again for more (" LISTEN_DEFAULT ")", ARGS_LIST,
         &job->addresses, 0, 0},
        {"unix-mode", 0, "MODE",
         "who may connect to unix:PATH, as chmod has it: 660, 600 (umask's)", ARGS_TEXT,
         &job->unix_mode, 0, 0},
        {"loops", 0, "N", "threads that share the connections (1)", ARGS_INTEGER, &job->loop_count,
         1, WEFT_LOOPS_MAX},
        {"tls-cert", 0, "FILE", "HTTPS with this certificate and those behind it, PEM", ARGS_TEXT,
         &job->secure.cert, 0, 0},
        {"tls-key", 0, "FILE", "its key, PEM (in the certificate's file)", ARGS_TEXT,
         &job->secure.key, 0, 0},
        {"grace", 0, "S", "seconds that requests in hand get at the end (30)", ARGS_NUMBER,
         &job->grace, 0.001, 86400},
        {"drain-delay", 0, "S", "seconds between 'not ready' and closing at the end (0)",
         ARGS_NUMBER, &job->drain_delay, 0, 86400},
        {"access-log", 0, "FILE", "a JSON line for each request, appended; -: standard output",
         ARGS_TEXT, &job->access_log, 0, 0},
        {"token", 0, "FILE", "changes over HTTP for who shows the token that is in this file",
         ARGS_TEXT, &job->permit.token_path, 0, 0},
        {"allow-changes", 0, NULL, "changes without a token; only on addresses of this machine",
         ARGS_FLAG, &job->permit.is_open, 0, 0},
        {"data", 0, "DIR", "where matchers are saved; what is there is loaded first", ARGS_TEXT,
         &job->data, 0, 0},
        SERVE_LIMITS(&job->body_bytes_max, &job->matcher_count_max),
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job->is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    int rc = args_parse(options, count, argc, argv, error);
    if (rc == 0 && job->is_help && help != NULL)
        return say_help(help, options, count, serve_examples);
    return rc;
}

/* Loops are the run's.  Their pools have the processors together, not each. */
void cmd_serve_prepare(int argc, char **argv, weft_config *config)
{
    struct serve_job job = SERVE_DEFAULTS;
    char error[ARGS_ERROR_BYTES];
    char **words = wf_array((size_t)argc + 1, sizeof(*words)); /* they are put in order */
    if (words == NULL)
        return;
    memcpy(words, argv, (size_t)argc * sizeof(*words));
    if (read_words(&job, &argc, words, /* help= */ NULL, error) == 0 && job.loop_count > 1) {
        uint32_t cpu_count = (uint32_t)wf_sys_cpu_count();
        config->loops = (uint32_t)job.loop_count;
        config->cpu_thread_max = (cpu_count + config->loops - 1) / config->loops;
    }
    wf_free(words);
}

/* A shell makes them empty of a variable that is not set. */
static int check_names(const struct serve_job *job)
{
    const struct {
        const char *option, *name;
    } given[] = {{"--data", job->data},
                 {"--token", job->permit.token_path},
                 {"--access-log", job->access_log}};
    for (size_t i = 0; i < sizeof(given) / sizeof(*given); i++) {
        if (given[i].name != NULL && given[i].name[0] == '\0')
            return say_usage("serve", "%s: the name is empty", given[i].option);
    }
    return 0;
}

int cmd_serve(int argc, char **argv)
{
    struct serve_job job = SERVE_DEFAULTS;
    char error[ARGS_ERROR_BYTES];
    int rc = read_words(&job, &argc, argv, serve_about, error);
    if (rc < 0)
        return say_usage("serve", "%s", error);
    if (job.is_help)
        return rc;
    job.load.or_else = ", or saved matchers with --data DIR";
    job.load.may_be_none = permit_is_given(&job.permit) || job.data != NULL;
    rc = load_check(&job.load, /* texts= */ NULL, "serve");
    if (rc == 0)
        rc = secure_check(&job.secure, "serve");
    if (rc == 0)
        rc = check_names(&job);
    if (rc == 0)
        rc = plan_unix_mode(&job);
    if (rc != 0)
        return rc;
    if (argc != 0)
        return say_usage("serve", "unexpected word %.64s", argv[0]);
    rc = plan_addresses(&job);
    if (rc == 0)
        rc = permit_check(&job.permit, job.plan.addrs, job.plan.addr_count, "serve");
    if (rc == 0)
        rc = serve_run(&job);
    wf_free(job.plan.addrs);
    return rc;
}
