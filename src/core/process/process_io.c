/* SPDX-License-Identifier: MIT */

/* Talking to a process by all its pipes at once. */

#include "core/process/process_priv.h"

#include <weft/error.h>
#include <weft/group.h>
#include <weft/io.h>

#include "base/alloc.h"
#include "base/buf.h"

#include <string.h>

#define IO_BYTES ((size_t)16 * 1024) /* of one read */

/* One pipe and the task that serves it. */
struct process_pipe {
    weft_process *process;
    int number;
    weft_str input;
    size_t bytes_max;
    wf_buf got;
    bool is_served; /* to its end */
};

static int write_body(void *arg)
{
    struct process_pipe *pipe = arg;
    int fd = weft_process_get_fd(pipe->process, 0);
    ssize_t rc = weft_write_all(fd, pipe->input.ptr, pipe->input.len);
    weft_process_close_fd(pipe->process, 0);
    if (rc < 0 && rc != -EPIPE) /* it need not read all */
        return (int)rc;
    pipe->is_served = true;
    return 0;
}

static int read_body(void *arg)
{
    struct process_pipe *pipe = arg;
    int fd = weft_process_get_fd(pipe->process, pipe->number);
    for (;;) {
        char *room;
        int rc = wf_buf_reserve(&pipe->got, IO_BYTES, &room);
        if (rc < 0)
            return rc;
        ssize_t count = weft_read(fd, room, IO_BYTES);
        pipe->is_served = count == 0;
        if (count <= 0)
            return (int)count;
        wf_buf_commit(&pipe->got, (size_t)count);
        if (wf_buf_bytes(&pipe->got) > pipe->bytes_max)
            return weft_fail(-WEFT_ELIMIT, "process %d: more than %zu bytes on descriptor %d",
                             weft_process_get_pid(pipe->process), pipe->bytes_max, pipe->number);
    }
}

static int serve_pipes(struct process_pipe pipes[3])
{
    static weft_fn *const bodies[] = {write_body, read_body, read_body};
    static const char *const sites[] = {WEFT_SITE("program's input"), WEFT_SITE("program's output"),
                                        WEFT_SITE("program's errors")};
    WEFT_GROUP(group);
    int rc = 0;
    for (int i = 0; i < 3 && rc == 0; i++) {
        pipes[i].is_served = weft_process_get_fd(pipes[i].process, i) < 0;
        if (!pipes[i].is_served)
            rc = weft_group_spawn_at(group, bodies[i], &pipes[i], sites[i]);
    }
    if (rc < 0)
        weft_group_cancel(group, "a pipe has nobody to serve it");
    int waited = weft_group_wait(group);
    if (rc == 0)
        rc = waited;
    /* For a group a member that somebody cancelled by itself is no failure; here bytes are missing.
     */
    bool is_whole = pipes[0].is_served && pipes[1].is_served && pipes[2].is_served;
    return rc == 0 && !is_whole ? -ECANCELED : rc;
}

/* What was read becomes the caller's, with its NUL. */
static int take_bytes(struct process_pipe *pipe, weft_bytes *out)
{
    char *copy = wf_grow(NULL, wf_buf_bytes(&pipe->got) + 1, 1);
    if (copy == NULL)
        return -ENOMEM;
    size_t len = wf_buf_bytes(&pipe->got);
    memcpy(copy, wf_buf_ptr(&pipe->got), len);
    copy[len] = '\0';
    *out = (weft_bytes){copy, len};
    return 0;
}

int weft_process_communicate(weft_process *process, weft_str input, size_t bytes_max,
                             weft_process_output *out)
{
    struct process_pipe pipes[3];
    weft_process_output output = {0};
    for (int i = 0; i < 3; i++)
        pipes[i] = (struct process_pipe){
            .process = process, .number = i, .input = input, .bytes_max = bytes_max};

    int rc = serve_pipes(pipes);
    if (rc == 0)
        rc = weft_process_wait(process);
    output.status = rc;
    if (rc >= 0)
        rc = take_bytes(&pipes[1], &output.out);
    if (rc == 0)
        rc = take_bytes(&pipes[2], &output.err);
    for (int i = 0; i < 3; i++)
        wf_buf_fini(&pipes[i].got);
    if (rc < 0)
        weft_process_output_free(&output);
    else
        *out = output;
    return rc;
}

int weft_process_run(const weft_process_options *options, weft_str input, size_t bytes_max,
                     weft_process_output *out)
{
    weft_process *process;
    int rc = weft_process_open(&process, options);
    if (rc < 0)
        return rc;
    rc = weft_process_communicate(process, input, bytes_max, out);
    weft_process_close(process);
    return rc;
}

void weft_process_output_free(weft_process_output *output)
{
    if (output == NULL)
        return;
    weft_bytes_free(&output->out);
    weft_bytes_free(&output->err);
}
