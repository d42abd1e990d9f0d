/* SPDX-License-Identifier: MIT */

/* weft top: a process looked at again and again. */
#include "cmd/look/top.h"

#include "cmd/command.h"
#include "cmd/io/output.h"
#include "cmd/look/look.h"
#include "cmd/say.h"

#include <weft/scope.h>
#include <weft/sys/ask.h>
#include <weft/task.h>

#include "base/alloc.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TOP_LOOK WEFT_SEC /* the longest that the process is watched in one piece */

struct top_job {
    double interval; /* seconds */
    bool is_once, is_json, is_help;
    pid_t pid;
    bool has_screen;
    struct top_look looks[2];
    unsigned look; /* the newest of them */
};

static const char top_about[] =
    "Usage: weft top [OPTIONS] PID\n\n"
    "Shows every second what a process that is built with Weft does: counters as rates, how long\n"
    "passes and ready tasks take, what tasks wait for, and where those were spawned that run.\n"
    "While it is watched, the process is looked at each millisecond by a thread of its own, which\n"
    "takes about 1 % of a processor.  Ctrl-C ends it.\n";

static const char top_examples[] = "  weft top $(pidof weft)\n"
                                   "  weft top --once --json $(pidof weft)\n";

/* ---- the screen ---- */

#define SCREEN_BEGIN "\033[?1049h\033[?25l"
#define SCREEN_END "\033[?25h\033[?1049l"
#define SCREEN_HOME "\033[H"
#define SCREEN_CLEAR_REST "\033[J"

/* Of what is no terminal: without bounds. */
static void screen_size(int *out_width, int *out_height)
{
    struct winsize size = {0};
    *out_width = *out_height = INT_MAX;
    if (!output_is_terminal())
        return;
    bool is_known = ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0;
    *out_width = is_known && size.ws_col >= 20 ? size.ws_col : 80;
    *out_height = is_known && size.ws_row >= 12 ? size.ws_row : 24;
}

/* Also in a task that was cancelled. */
static int screen_put(const char *text)
{
    wf_buf out = {0};
    WEFT_SHIELD(end, WEFT_SEC);
    wf_buf_puts(&out, text);
    int rc = output_lines(&out);
    wf_buf_fini(&out);
    return weft_scope_close(&end, rc);
}

static int top_print(struct top_job *job)
{
    const struct top_look *now = &job->looks[job->look], *before = &job->looks[1 - job->look];
    int width, height;
    wf_buf out = {0}, page = {0};
    screen_size(&width, &height);
    if (job->is_json)
        top_json(before, now, job->pid, &page);
    else
        top_show(before, now, job->pid, width, job->has_screen ? height : INT_MAX, &page);
    if (job->has_screen) { /* each line ends with what clears the rest of it */
        wf_buf_puts(&out, SCREEN_HOME);
        for (size_t i = 0; i < wf_buf_bytes(&page); i++) {
            if (wf_buf_ptr(&page)[i] == '\n')
                wf_buf_puts(&out, "\033[K");
            wf_buf_putc(&out, wf_buf_ptr(&page)[i]);
        }
        wf_buf_puts(&out, SCREEN_CLEAR_REST);
    } else {
        wf_buf_append(&out, wf_buf_ptr(&page), wf_buf_bytes(&page));
    }
    int rc = page.rc < 0 ? page.rc : output_lines(&out);
    wf_buf_fini(&page);
    wf_buf_fini(&out);
    return rc;
}

/* ---- looking ---- */

static int top_ask(struct top_job *job, weft_time watch)
{
    struct top_look *look = &job->looks[1 - job->look];
    char question[32];
    weft_ask *ask;
    weft_str line;
    snprintf(question, sizeof(question), "top %d", (int)(watch / WEFT_MS));
    int rc = weft_ask_open(&ask, (int)job->pid, question);
    if (rc < 0)
        return rc;
    memset(look, 0, sizeof(*look));
    while ((rc = weft_ask_read_line(ask, &line)) == 1)
        top_read_line(look, line);
    weft_ask_close(ask);
    look->at = weft_now();
    top_read_end(look);
    job->look = 1 - job->look;
    return rc;
}

static int top_watch(struct top_job *job)
{
    weft_time interval = (weft_time)(job->interval * WEFT_SEC);
    weft_time watch = interval < TOP_LOOK ? interval : TOP_LOOK;
    int rc = top_ask(job, 0);
    while (rc == 0) {
        rc = interval > watch ? weft_sleep(interval - watch) : 0;
        if (rc == 0)
            rc = top_ask(job, watch);
        if (rc == 0)
            rc = top_print(job);
        if (job->is_once)
            break;
    }
    return rc;
}

static int top_run(struct top_job *job)
{
    job->has_screen = !job->is_once && !job->is_json && output_is_terminal();
    int rc = job->has_screen ? screen_put(SCREEN_BEGIN) : 0;
    if (rc == 0)
        rc = top_watch(job);
    if (job->has_screen)
        (void)screen_put(SCREEN_END);
    return rc < 0 ? look_failed(job->pid, rc) : EXIT_OK;
}

int cmd_top(int argc, char **argv)
{
    struct top_job *job = wf_alloc(sizeof(*job));
    if (job == NULL)
        return say_failed("out of memory");
    job->interval = 1;
    const struct args_option options[] = {
        {"interval", 'i', "S", "seconds between two looks (1)", ARGS_NUMBER, &job->interval, 0.1,
         3600},
        {"once", 0, NULL, "one look, then end", ARGS_FLAG, &job->is_once, 0, 0},
        {"json", 0, NULL, "a line of JSON a look", ARGS_FLAG, &job->is_json, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &job->is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    int rc;
    if (args_parse(options, count, &argc, argv, error) < 0)
        rc = say_usage("top", "%s", error);
    else if (job->is_help)
        rc = say_help(top_about, options, count, top_examples);
    else if (argc != 1)
        rc = say_usage("top", argc == 0 ? "no process; give its PID" : "more than one PID");
    else
        rc = (job->pid = look_pid("top", argv[0])) != 0 ? top_run(job) : EXIT_USAGE;
    wf_free(job);
    return rc;
}
