/* SPDX-License-Identifier: MIT */

#include "cmd/io/output.h"

#include <weft/exec.h>
#include <weft/io.h>
#include <weft/scope.h>

#include <sys/ioctl.h>
#include <unistd.h>

/* A reader that takes nothing must not hold up the end of an interrupted program. */
#define REST_TIME WEFT_SEC

/* Far more than the lines of a chunk take. */
#define MAKE_TIME (10 * WEFT_SEC)

bool output_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
}

size_t output_columns(void)
{
    struct winsize size = {0};
    return ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) == 0 ? size.ws_col : 0;
}

int output_put(wf_buf *lines, int rc, weft_text *text)
{
    if (rc < 0)
        return rc;
    wf_buf_append(lines, text->ptr, text->len);
    weft_text_free(text);
    return wf_buf_putc(lines, '\n');
}

/* Off the loop, since many long answers take a while. */
int output_make(weft_fn *fn, void *arg)
{
    WEFT_SHIELD(whole, MAKE_TIME);
    return weft_scope_close(&whole, weft_run_cpu(fn, arg));
}

static ssize_t write_rest(const char *bytes, size_t count)
{
    WEFT_SHIELD(rest, REST_TIME);
    ssize_t rc = weft_write_all(STDOUT_FILENO, bytes, count);
    int ended = weft_scope_close(&rest, rc < 0 ? (int)rc : 0);
    return ended < 0 ? ended : rc;
}

int output_lines(wf_buf *lines)
{
    if (lines->rc < 0)
        return lines->rc;
    size_t count = wf_buf_bytes(lines);
    ssize_t rc = weft_write_all(STDOUT_FILENO, wf_buf_ptr(lines), count);
    if (rc == -ECANCELED) {
        size_t done = weft_progress();
        if (done < count)
            (void)write_rest(wf_buf_ptr(lines) + done, count - done);
    }
    wf_buf_reset(lines);
    return rc < 0 ? (int)rc : 0;
}

int output_answers(wf_buf *lines, weft_fn *fn, void *arg)
{
    int rc = output_make(fn, arg);
    return rc < 0 ? rc : output_lines(lines);
}
