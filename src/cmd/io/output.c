/* SPDX-License-Identifier: MIT */

#include "cmd/io/output.h"

#include <weft/io.h>
#include <weft/scope.h>
#include <weft/task.h>

#include <unistd.h>

/* A reader that takes nothing must not hold up the end of an interrupted program. */
#define REST_TIME (40 * WEFT_MS)

bool output_is_terminal(void)
{
    return isatty(STDOUT_FILENO);
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
