/* SPDX-License-Identifier: MIT */

/*
 * weft ps: the task tree of another process.  It is asked by a signal that carries our pid, and
 * each of its loops connects to a socket of that name and writes (src/core/inspect.h).
 */
#include "cmd/command.h"
#include "cmd/output.h"
#include "cmd/say.h"

#include <weft/error.h>
#include <weft/net.h>
#include <weft/scope.h>

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#define FIRST_ANSWER (3 * WEFT_SEC)
#define NEXT_ANSWER (200 * WEFT_MS) /* behind the one before: of another loop */
#define LINE_BYTES_MAX ((size_t)64 << 10)

static int ps_listen(weft_listener **out)
{
    char name[64];
    weft_addr addr;
    snprintf(name, sizeof(name), "unix:@weft-ask/%d", (int)getpid());
    int rc = weft_addr_parse(&addr, name);
    return rc < 0 ? rc : weft_listener_open(out, &addr, NULL);
}

static int ps_ask(pid_t pid)
{
    union sigval question = {.sival_int = (int)getpid()};
    return sigqueue(pid, SIGURG, question) == 0 ? 0 : -errno;
}

static int ps_accept(weft_listener *listener, weft_time patience, weft_stream **out)
{
    WEFT_TIMEOUT(limit, patience);
    return weft_scope_close(&limit, weft_listener_accept(listener, out));
}

/* What another process says is escaped like any text from outside. */
static int ps_copy_line(weft_stream *stream, wf_buf *lines)
{
    weft_str line;
    ssize_t count = weft_stream_peek_until(stream, (weft_str){"\n", 1}, LINE_BYTES_MAX, &line);
    if (count <= 0)
        return (int)count;
    say_escaped(lines, (weft_str){line.ptr, line.len - 1});
    wf_buf_putc(lines, '\n');
    weft_stream_consume(stream, line.len);
    return output_lines(lines) < 0 ? -EPIPE : 1;
}

static int ps_copy(weft_stream *stream)
{
    wf_buf lines = {0};
    int rc;
    while ((rc = ps_copy_line(stream, &lines)) > 0)
        continue;
    wf_buf_fini(&lines);
    weft_stream_abort(stream);
    return rc;
}

static int ps_answers(weft_listener *listener, pid_t pid)
{
    weft_stream *stream;
    int rc = ps_accept(listener, FIRST_ANSWER, &stream);
    if (rc == -ETIMEDOUT)
        return say_failed("process %d does not answer: it runs no Weft loop in real time",
                          (int)pid);
    while (rc == 0) {
        rc = ps_copy(stream);
        if (rc == 0)
            rc = ps_accept(listener, NEXT_ANSWER, &stream);
    }
    return rc == -ETIMEDOUT ? EXIT_OK : rc;
}

static int ps_run(pid_t pid)
{
    weft_listener *listener;
    int rc = ps_listen(&listener);
    if (rc < 0)
        return say_failed("cannot listen for the answer: %s", weft_strerror(rc));
    rc = ps_ask(pid);
    if (rc == -ESRCH)
        rc = say_failed("no process %d", (int)pid);
    else if (rc < 0)
        rc = say_failed("process %d: %s", (int)pid, weft_strerror(rc));
    else
        rc = ps_answers(listener, pid);
    weft_listener_close(listener);
    if (rc == -EPIPE)
        return EXIT_FAILED;
    return rc < 0 && rc != -ECANCELED ? say_failed("%s", weft_strerror(rc)) : rc;
}

static const char ps_about[] =
    "Usage: weft ps PID\n\n"
    "Shows the tasks of a running process that is built with Weft: what each does or waits for,\n"
    "its deadlines, and where it was spawned.  The process goes on meanwhile.  A loop that does "
    "not\n"
    "answer within a second is described by the task that keeps it.\n";

static const char ps_examples[] = "  weft ps $(pidof weft)\n";

int cmd_ps(int argc, char **argv)
{
    bool is_help = false;
    const struct args_option options[] = {
        {"help", 'h', NULL, "this text", ARGS_FLAG, &is_help, 0, 0},
    };
    char error[ARGS_ERROR_BYTES], *end;
    if (args_parse(options, 1, &argc, argv, error) < 0)
        return say_usage("ps", "%s", error);
    if (is_help)
        return say_help(ps_about, options, 1, ps_examples);
    if (argc != 1)
        return say_usage("ps", argc == 0 ? "no process; give its PID" : "more than one PID");
    errno = 0;
    long pid = strtol(argv[0], &end, 10);
    if (errno != 0 || end == argv[0] || *end != '\0' || pid < 1 || pid > INT32_MAX)
        return say_usage("ps", "\"%.32s\" is no PID", argv[0]);
    return ps_run((pid_t)pid);
}
