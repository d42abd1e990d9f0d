/* SPDX-License-Identifier: MIT */

#include "cmd/io/input.h"

#include <weft/file.h>
#include <weft/io.h>

#include <fcntl.h>
#include <poll.h>
#include <string.h>

static bool is_stdin(const char *path)
{
    return strcmp(path, "-") == 0;
}

const char *input_name(const char *path)
{
    return is_stdin(path) ? "standard input" : path;
}

int input_open(struct input *input, const char *path)
{
    struct stat info;
    *input = (struct input){.fd = 0, .is_stdin = is_stdin(path)};
    if (input->is_stdin)
        return 0;
    input->fd = weft_open(path, O_RDONLY, 0);
    if (input->fd < 0)
        return input->fd;
    int rc = weft_fstat(input->fd, &info);
    if (rc < 0)
        input_close(input);
    input->is_regular = rc == 0 && S_ISREG(info.st_mode);
    input->awaits_writer = rc == 0 && S_ISFIFO(info.st_mode);
    return rc;
}

void input_close(struct input *input)
{
    if (!input->is_stdin && input->fd >= 0)
        (void)weft_close(input->fd);
    input->fd = -1;
}

ssize_t input_read(void *buf, size_t bytes, void *arg)
{
    struct input *input = arg;
    if (input->awaits_writer) {
        int rc = weft_wait_fd(input->fd, POLLIN);
        if (rc < 0)
            return rc;
        input->awaits_writer = false;
    }
    return weft_read(input->fd, buf, bytes);
}

bool input_is_same(const char *path, const char *other)
{
    struct stat a, b;
    return path != NULL && other != NULL && weft_stat(path, &a) == 0 && weft_stat(other, &b) == 0 &&
           a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}
