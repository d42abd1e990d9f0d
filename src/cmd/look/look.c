/* SPDX-License-Identifier: MIT */

#include "cmd/look/look.h"

#include "cmd/io/output.h"
#include "cmd/say.h"

#include <weft/error.h>
#include <weft/sys/ask.h>

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#define LOOK_PIECE_BYTES ((size_t)32 << 10)

pid_t look_pid(const char *command, const char *word)
{
    char *end;
    errno = 0;
    long pid = strtol(word, &end, 10);
    if (errno == 0 && end != word && *end == '\0' && pid >= 1 && pid <= INT32_MAX)
        return (pid_t)pid;
    (void)say_usage(command, "\"%.32s\" is no PID", word);
    return 0;
}

int look_failed(pid_t pid, int rc)
{
    switch (rc) {
    case -ECANCELED:
        return rc;
    case -EPIPE:
        return EXIT_FAILED; /* our own output: nobody reads it */
    case -ESRCH:
        return say_failed("no process %d", (int)pid);
    case -ETIMEDOUT:
        return say_failed("process %d does not answer: it runs no Weft loop in real time",
                          (int)pid);
    case -WEFT_ETRUNCATED:
        return say_failed("process %d ended in the middle of its answer", (int)pid);
    default:
        return say_failed("process %d: %s", (int)pid, weft_strerror(rc));
    }
}

/* How a loop says that it has not the task that was asked for. */
static bool look_is_absence(weft_str line)
{
    static const char begin[] = "no task ";
    return line.len >= sizeof begin - 1 && memcmp(line.ptr, begin, sizeof begin - 1) == 0;
}

/* What another process says is escaped like any text from outside.  How many lines that was; a loop
 * that has not what others may have says nothing. */
static int look_copy(weft_ask *ask)
{
    wf_buf lines = {0};
    weft_str line;
    int rc, told = 0;
    while ((rc = weft_ask_read_line(ask, &line)) == 1) {
        if (look_is_absence(line))
            continue;
        told += told < INT_MAX;
        say_escaped(&lines, line);
        wf_buf_putc(&lines, '\n');
        if (wf_buf_bytes(&lines) >= LOOK_PIECE_BYTES && (rc = output_lines(&lines)) < 0)
            break;
    }
    int written = output_lines(&lines);
    wf_buf_fini(&lines);
    return rc < 0 ? rc : written < 0 ? written : told;
}

int look_print(pid_t pid, const char *question, const char *task)
{
    weft_ask *ask;
    int rc = weft_ask_open(&ask, (int)pid, question);
    if (rc == -EADDRINUSE)
        return say_failed("cannot listen for the answer: %s", weft_strerror(rc));
    if (rc < 0)
        return look_failed(pid, rc);
    rc = look_copy(ask);
    weft_ask_close(ask);
    if (rc < 0)
        return look_failed(pid, rc);
    return rc == 0 && task != NULL ? say_failed("process %d has no task %s", (int)pid, task)
                                   : EXIT_OK;
}
