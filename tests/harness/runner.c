/* SPDX-License-Identifier: MIT */

/*
 * The runner: every point of the plan (a test on a back end) in a process of its own, watched from
 * here, the outcome told in TAP.  What a test prints is kept back and shown if it fails.
 */

#include "harness_priv.h"

#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    RUNNER_TIMEOUT_S = 60,
    RUNNER_TORTURE_S = 24 * 3600,
    RUNNER_JOBS_MAX = 64,
    RUNNER_SHOWN_BYTES = 64 * 1024
};

struct point {
    const struct harness_test *test;
    const char *backend; /* NULL: plain */
};

struct job {
    const struct point *point; /* NULL: idle */
    pid_t pid;
    int output; /* what the test prints */
    int64_t deadline_ms;
    bool is_hung;
    struct harness_report *report; /* shared with the process */
};

struct harness_run harness_run;

static struct {
    struct harness_test *tests, **tests_end;
    struct point *points;
    size_t point_count;
    struct job jobs[RUNNER_JOBS_MAX];
    size_t told, failed;
    const char *only;
    const char *backends; /* names with commas between; "auto": the loop's own choice */
    const char *program;
    uint64_t seed, seed_count, step, sweep_max;
    int timeout_s;
    int job_count;
    bool lists, is_verbose, traces_leaks;
} runner = {
    .tests_end = &runner.tests,
    .backends = "sim,epoll,io_uring",
    .seed = 1,
    .seed_count = 1,
    .sweep_max = HARNESS_SWEEP_MAX,
    .timeout_s = RUNNER_TIMEOUT_S,
    .job_count = 1,
};

static int64_t runner_schedules_ms(const struct harness_test *test)
{
    if (runner.sweep_max == UINT64_MAX) /* --torture */
        return INT64_MAX;
    return test->kind == HARNESS_SCENARIO ? HARNESS_SCENARIO_SCHEDULES_MS : HARNESS_SCHEDULES_MS;
}

void harness_register(struct harness_test *test)
{
    *runner.tests_end = test;
    runner.tests_end = &test->next;
}

uint64_t test_seed(void)
{
    return harness_run.report->seed;
}

const char *test_backend(void)
{
    return harness_run.backend;
}

bool test_is_simulated(void)
{
    return harness_run.backend != NULL && strcmp(harness_run.backend, "sim") == 0;
}

const char *test_source(const char *path)
{
    static char full[4096];
    snprintf(full, sizeof full, "%s/%s", WEFT_SOURCE_ROOT, path);
    return full;
}

/* ---- the plan ---- */

static bool backend_is_wanted(const char *name)
{
    size_t len = strlen(name);
    for (const char *at = runner.backends; (at = strstr(at, name)) != NULL; at += len)
        if ((at == runner.backends || at[-1] == ',') && (at[len] == '\0' || at[len] == ','))
            return true;
    return false;
}

static void plan_add(const struct harness_test *test, const char *backend)
{
    struct point *points = realloc(runner.points, (runner.point_count + 1) * sizeof *points);
    if (points == NULL)
        abort();
    points[runner.point_count++] = (struct point){test, backend};
    runner.points = points;
}

static void plan_on_backends(const struct harness_test *test)
{
    static const char *const backends[] = {"sim", "epoll", "io_uring", "auto"};
    for (size_t i = 0; i < sizeof backends / sizeof backends[0]; i++) {
        if (!backend_is_wanted(backends[i]) || (test->needs_kernel && i == 0))
            continue;
        plan_add(test, backends[i]);
        if (test->is_work && i > 0)
            return;
    }
}

static void plan_make(void)
{
    for (const struct harness_test *test = runner.tests; test != NULL; test = test->next) {
        if (runner.only != NULL && strcmp(runner.only, test->name) != 0)
            continue;
        if (test->kind == HARNESS_PLAIN)
            plan_add(test, NULL);
        else
            plan_on_backends(test);
    }
}

/* ---- the process of a test ---- */

/* The kernel's answer to a request for a ring: 0 or the reason why there is none. */
static int uring_is_forbidden(void)
{
    char params[120] = {0};
    long fd = syscall(SYS_io_uring_setup, 1, params);
    if (fd < 0)
        return errno;
    close((int)fd);
    return 0;
}

bool backend_is_there(const char *name)
{
    return strcmp(name, "io_uring") != 0 || uring_is_forbidden() == 0;
}

static void run_body(const struct point *point)
{
    if (point->backend != NULL && strcmp(point->backend, "io_uring") == 0) {
        int reason = uring_is_forbidden();
        if (reason != 0)
            SKIP(reason == ENOSYS ? "io_uring: not in this kernel" : "io_uring: not permitted");
    }
    struct ledger_mark mark;
    ledger_mark(&mark);
    if (point->test->kind == HARNESS_PLAIN)
        point->test->body();
    else if (point->test->kind == HARNESS_RUN)
        harness_run_body(point->test);
    else if (point->test->kind == HARNESS_TASK)
        harness_run_task(point->test);
    else
        harness_run_scenario(point->test);
    ledger_verify(&mark);
}

/* A shell starts what runs behind it with SIGINT and SIGQUIT ignored, nohup with SIGHUP: no test
 * should see which it was. */
static void usual_signals(void)
{
    static const int handed_down[] = {SIGHUP, SIGINT, SIGQUIT, SIGTERM, SIGPIPE, SIGCHLD};
    for (size_t i = 0; i < sizeof(handed_down) / sizeof(*handed_down); i++)
        signal(handed_down[i], SIG_DFL);
    sigset_t none;
    sigemptyset(&none);
    sigprocmask(SIG_SETMASK, &none, NULL);
}

_Noreturn static void process_main(const struct job *job)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    setpgid(0, 0);
    usual_signals();
    setrlimit(RLIMIT_CORE, &(struct rlimit){0, 0});
    if (!runner.is_verbose) {
        dup2(job->output, STDOUT_FILENO);
        dup2(job->output, STDERR_FILENO);
    }
    close(job->output);
    harness_run = (struct harness_run){
        .test = job->point->test,
        .backend = job->point->backend,
        .seed = runner.seed,
        .seed_count = runner.seed_count,
        .step = runner.step,
        .sweep_max = runner.sweep_max,
        .schedules_ms = runner_schedules_ms(job->point->test),
        .traces_leaks = runner.traces_leaks,
        .report = job->report,
    };
    job->report->seed = runner.seed;
    ledger_init();
    run_body(job->point);
    fflush(NULL);
    exit(0);
}

/* ---- telling ---- */

static const char *point_name(const struct point *point)
{
    static char name[256];
    if (point->backend == NULL)
        snprintf(name, sizeof name, "%s", point->test->name);
    else
        snprintf(name, sizeof name, "%s [%s]", point->test->name, point->backend);
    return name;
}

static void tell_output(int fd)
{
    char *text = malloc(RUNNER_SHOWN_BYTES);
    ssize_t len = text != NULL ? pread(fd, text, RUNNER_SHOWN_BYTES, 0) : 0;
    bool at_line_start = true;
    for (ssize_t i = 0; i < len; i++) {
        if (at_line_start)
            fputs("# ", stdout);
        putchar(text[i]);
        at_line_start = text[i] == '\n';
    }
    if (!at_line_start)
        putchar('\n');
    free(text);
}

static bool output_contains(int fd, const char *text)
{
    char *output = calloc(1, RUNNER_SHOWN_BYTES + 1);
    bool is_there = output != NULL && pread(fd, output, RUNNER_SHOWN_BYTES, 0) > 0 &&
                    strstr(output, text) != NULL;
    free(output);
    return is_there;
}

/* It ended as expect_abort() said. */
static bool has_aborted(const struct job *job, int status)
{
    const char *text = job->report->abort_text;
    return text[0] != '\0' && WIFSIGNALED(status) && WTERMSIG(status) == SIGABRT &&
           (runner.is_verbose || output_contains(job->output, text));
}

static void tell_failure(const struct job *job, int status)
{
    const struct point *point = job->point;
    printf("not ok %zu %s\n", runner.told, point_name(point));
    if (job->is_hung)
        printf("# hung: killed after %d s\n", runner.timeout_s);
    else if (WIFSIGNALED(status))
        printf("# killed by signal %d (%s)\n", WTERMSIG(status), strsignal(WTERMSIG(status)));
    else if (WEXITSTATUS(status) != HARNESS_EXIT_FAILED)
        printf("# exit code %d\n", WEXITSTATUS(status));
    if (job->report->abort_text[0] != '\0')
        printf("# should have aborted and printed: %s\n", job->report->abort_text);
    if (job->report->sweep[0] != '\0')
        printf("# in sweep \"%s\", k = %llu\n", job->report->sweep,
               (unsigned long long)job->report->k);
    tell_output(job->output);
    printf("# again: %s --only %s%s%s --seed %llu", runner.program, point->test->name,
           point->backend != NULL ? " --backend " : "",
           point->backend != NULL ? point->backend : "", (unsigned long long)job->report->seed);
    bool is_simulated = point->backend != NULL && strcmp(point->backend, "sim") == 0;
    if (is_simulated && job->report->step != 0 && job->report->sweep[0] == '\0')
        printf(" --step %llu", (unsigned long long)job->report->step);
    printf(" --verbose\n");
}

static void tell(const struct job *job, int status)
{
    runner.told++;
    bool has_exited = WIFEXITED(status) && !job->is_hung;
    bool must_abort = job->report->abort_text[0] != '\0';
    if (must_abort ? has_aborted(job, status) : has_exited && WEXITSTATUS(status) == 0) {
        printf("ok %zu %s\n", runner.told, point_name(job->point));
        if (job->report->runs > 1)
            printf("# %llu runs%s\n", (unsigned long long)job->report->runs,
                   job->report->is_capped ? ", a sweep was cut short (--torture runs all)" : "");
    } else if (has_exited && WEXITSTATUS(status) == HARNESS_EXIT_SKIPPED) {
        printf("ok %zu %s # SKIP %s\n", runner.told, point_name(job->point), job->report->skip_why);
    } else {
        runner.failed++;
        tell_failure(job, status);
    }
    fflush(stdout);
}

/* ---- watching ---- */

int64_t harness_now_ms(void)
{
    struct timespec ts;
    clock_gettime(CLOCK_MONOTONIC, &ts);
    return (int64_t)ts.tv_sec * 1000 + ts.tv_nsec / 1000000;
}

static void job_start(struct job *job, const struct point *point)
{
    char path[] = "/tmp/weft-test-XXXXXX";
    *job = (struct job){.point = point, .report = job->report};
    memset(job->report, 0, sizeof *job->report);
    job->output = mkostemp(path, O_CLOEXEC);
    if (job->output < 0) {
        perror("weft test: temporary file");
        exit(1);
    }
    unlink(path);
    job->deadline_ms = harness_now_ms() + (int64_t)runner.timeout_s * 1000;
    fflush(NULL);
    job->pid = fork();
    if (job->pid < 0) {
        perror("weft test: fork");
        exit(1);
    }
    if (job->pid == 0)
        process_main(job);
}

static void job_end(struct job *job, int status)
{
    kill(-job->pid, SIGKILL); /* whatever it left running */
    tell(job, status);
    close(job->output);
    job->point = NULL;
}

/* Waits for a child to end or a while to pass; ends what is over or has run too long. */
static void jobs_watch(const sigset_t *child)
{
    struct timespec while_ts = {.tv_nsec = 200 * 1000000};
    sigtimedwait(child, NULL, &while_ts);
    for (int i = 0; i < runner.job_count; i++) {
        struct job *job = &runner.jobs[i];
        int status;
        if (job->point == NULL)
            continue;
        if (waitpid(job->pid, &status, WNOHANG) == job->pid) {
            job_end(job, status);
        } else if (!job->is_hung && harness_now_ms() > job->deadline_ms) {
            job->is_hung = true;
            kill(job->pid, SIGKILL);
        }
    }
}

static struct job *job_idle(void)
{
    for (int i = 0; i < runner.job_count; i++)
        if (runner.jobs[i].point == NULL)
            return &runner.jobs[i];
    return NULL;
}

static void run_all(void)
{
    struct harness_report *reports =
        mmap(NULL, RUNNER_JOBS_MAX * sizeof *reports, PROT_READ | PROT_WRITE,
             MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (reports == MAP_FAILED)
        abort();
    for (int i = 0; i < RUNNER_JOBS_MAX; i++)
        runner.jobs[i].report = &reports[i];
    sigset_t child;
    sigemptyset(&child);
    sigaddset(&child, SIGCHLD);
    sigprocmask(SIG_BLOCK, &child, NULL);

    printf("TAP version 13\n1..%zu\n", runner.point_count);
    for (size_t at = 0; runner.told < runner.point_count;) {
        struct job *job = job_idle();
        if (job != NULL && at < runner.point_count)
            job_start(job, &runner.points[at++]);
        else
            jobs_watch(&child);
    }
}

/* ---- options ---- */

static const char usage_text[] =
    "usage: %s [--list] [--only NAME] [--backend B[,B…]] [--seed N] [--seeds COUNT] [--torture]\n"
    "          [--jobs N] [--trace-leaks] [--verbose]\n"
    "  --backend      sim, epoll, io_uring, auto (the loop's own choice); also "
    "$WEFT_TEST_BACKENDS\n"
    "  --seed         also $WEFT_TEST_SEED\n"
    "  --seeds        in simulation, run each test under so many seeds, from --seed on; also\n"
    "                 $WEFT_TEST_SEEDS\n"
    "  --step         in simulation, tell the last 40 steps up to this one, and stop there;\n"
    "                 also $WEFT_TEST_STEP\n"
    "  --torture      sweeps without an upper bound of runs and time; $WEFT_TEST_SWEEP_MAX sets\n"
    "                 one (2000)\n"
    "  --trace-leaks  show who made a block that leaked\n"
    "  --verbose      do not keep back what the test prints\n"
    "$WEFT_TEST_TIMEOUT_FACTOR stretches the limit of 60 seconds a test.\n";

static void read_environment(void)
{
    const char *backends = getenv("WEFT_TEST_BACKENDS");
    const char *seed = getenv("WEFT_TEST_SEED");
    const char *seeds = getenv("WEFT_TEST_SEEDS");
    const char *step = getenv("WEFT_TEST_STEP");
    const char *sweep_max = getenv("WEFT_TEST_SWEEP_MAX");
    const char *factor = getenv("WEFT_TEST_TIMEOUT_FACTOR");
    if (backends != NULL && backends[0] != '\0')
        runner.backends = backends;
    if (seed != NULL)
        runner.seed = strtoull(seed, NULL, 0);
    if (seeds != NULL && atoi(seeds) > 0)
        runner.seed_count = strtoull(seeds, NULL, 0);
    if (step != NULL)
        runner.step = strtoull(step, NULL, 0);
    if (factor != NULL && atoi(factor) > 0)
        runner.timeout_s *= atoi(factor);
    if (sweep_max != NULL && atoi(sweep_max) > 0)
        runner.sweep_max = strtoull(sweep_max, NULL, 0);
}

static void read_options(int argc, char **argv)
{
    static const struct option options[] = {
        {"list", no_argument, NULL, 'l'},          {"only", required_argument, NULL, 'o'},
        {"backend", required_argument, NULL, 'b'}, {"seed", required_argument, NULL, 's'},
        {"torture", no_argument, NULL, 't'},       {"jobs", required_argument, NULL, 'j'},
        {"help", no_argument, NULL, 'h'},          {"trace-leaks", no_argument, NULL, 'T'},
        {"verbose", no_argument, NULL, 'v'},       {"seeds", required_argument, NULL, 'S'},
        {"step", required_argument, NULL, 'n'},    {NULL, 0, NULL, 0},
    };
    for (int c; (c = getopt_long(argc, argv, "", options, NULL)) != -1;) {
        switch (c) {
        case 'l':
            runner.lists = true;
            break;
        case 'o':
            runner.only = optarg;
            break;
        case 'b':
            runner.backends = optarg;
            break;
        case 's':
            runner.seed = strtoull(optarg, NULL, 0);
            break;
        case 'S':
            runner.seed_count = strtoull(optarg, NULL, 0);
            break;
        case 'n':
            runner.step = strtoull(optarg, NULL, 0);
            break;
        case 't':
            runner.sweep_max = UINT64_MAX;
            runner.timeout_s = RUNNER_TORTURE_S;
            break;
        case 'j':
            runner.job_count = atoi(optarg);
            break;
        case 'T':
            runner.traces_leaks = true;
            break;
        case 'v':
            runner.is_verbose = true;
            break;
        case 'h':
            printf(usage_text, argv[0]);
            exit(0);
        default:
            fprintf(stderr, usage_text, argv[0]);
            exit(2);
        }
    }
    if (runner.job_count < 1 || runner.job_count > RUNNER_JOBS_MAX || runner.seed_count < 1 ||
        optind != argc) {
        fprintf(stderr, usage_text, argv[0]);
        exit(2);
    }
}

int main(int argc, char **argv)
{
    runner.program = argv[0];
    read_environment();
    read_options(argc, argv);
    plan_make();
    if (runner.lists) {
        for (size_t i = 0; i < runner.point_count; i++)
            puts(point_name(&runner.points[i]));
        return 0;
    }
    if (runner.point_count == 0 && runner.only != NULL) {
        fprintf(stderr, "%s: no test named %s\n", argv[0], runner.only);
        return 2;
    }
    run_all();
    return runner.failed != 0;
}
