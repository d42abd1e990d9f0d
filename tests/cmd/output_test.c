/* SPDX-License-Identifier: MIT */
#include "cmd/io/output.h"

#include "harness/harness.h"

#include <fcntl.h>
#include <string.h>
#include <unistd.h>
#include <weft/error.h>
#include <weft/task.h>

static int make_line(void *lines)
{
    return wf_buf_puts(lines, "what was answered\n");
}

/* As when a signal comes between the answers and their lines. */
static void cancel_self(void)
{
    weft_cancel(weft_self(), "a signal has come");
}

static int make_in_cancelled_task(void *lines)
{
    cancel_self();
    int rc = output_make(make_line, lines);
    return rc < 0 ? rc : 7;
}

TASK_TEST(lines_are_made_of_what_was_answered_when_a_signal_comes)
{
    wf_buf lines = {0};
    weft_task task = weft_spawn(make_in_cancelled_task, &lines);
    CHECK_EQ(weft_await(task), 7);
    CHECK_EQ(wf_buf_bytes(&lines), strlen("what was answered\n"));
    wf_buf_fini(&lines);
}

static int write_in_cancelled_task(void *lines)
{
    cancel_self();
    return output_answers(lines, make_line, lines);
}

/* Of what was written on standard output meanwhile; what the run returned is in *out_rc. */
static size_t capture(weft_fn *fn, char *out, size_t bytes, int *out_rc)
{
    wf_buf lines = {0};
    int ends[2], saved = fcntl(STDOUT_FILENO, F_DUPFD_CLOEXEC, 3);
    CHECK_OK(saved);
    CHECK_OK(pipe2(ends, O_CLOEXEC));
    CHECK_OK(dup2(ends[1], STDOUT_FILENO));
    *out_rc = weft_run(fn, &lines);
    CHECK_OK(dup2(saved, STDOUT_FILENO));
    close(saved);
    close(ends[1]);
    ssize_t count = read(ends[0], out, bytes);
    close(ends[0]);
    CHECK_EQ(wf_buf_bytes(&lines), 0u);
    wf_buf_fini(&lines);
    CHECK_GE(count, 0);
    return (size_t)count;
}

TEST(lines_are_written_of_what_was_answered_when_a_signal_comes)
{
    char text[64] = "";
    int rc;
    CHECK_EQ(capture(write_in_cancelled_task, text, sizeof(text), &rc),
             strlen("what was answered\n"));
    CHECK_EQ(strncmp(text, "what was answered\n", 18), 0);
    CHECK_EQ(rc, -ECANCELED);
}

static int fail_in_making(void *lines)
{
    (void)wf_buf_puts(lines, "half a line");
    return -ENOMEM;
}

static int write_what_fails(void *lines)
{
    int rc = output_answers(lines, fail_in_making, lines);
    wf_buf_reset(lines);
    return rc;
}

TEST(nothing_is_written_of_lines_that_could_not_be_made)
{
    char text[64];
    int rc;
    CHECK_EQ(capture(write_what_fails, text, sizeof(text), &rc), 0u);
    CHECK_EQ(rc, -ENOMEM);
}

TEST(a_text_is_put_as_a_line_and_freed_or_its_failure_told)
{
    wf_buf lines = {0};
    weft_text none = {0};
    CHECK_EQ(output_put(&lines, -ENOMEM, &none), -ENOMEM);
    CHECK_EQ(wf_buf_bytes(&lines), 0u);
    CHECK_EQ(output_put(&lines, 0, &none), 0);
    CHECK_EQ(wf_buf_bytes(&lines), 1u);
    wf_buf_fini(&lines);
}
