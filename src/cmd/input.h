/* SPDX-License-Identifier: MIT */

/*
 * Input: bytes of a file or of standard input, for readers that pull.  Standard input ("-") is read
 * by the task, which waits; a file by a thread of the pool, which looks whether it is still wanted.
 */
#ifndef WF_CMD_INPUT_H
#define WF_CMD_INPUT_H

#include <weft/base.h>

#include <sys/types.h>

struct input {
    int fd;
    bool is_stdin;
    bool is_regular; /* can be read twice */
};

int input_open(struct input *input, const char *path);
void input_close(struct input *input);

/* A weft_catalog_read_fn; `arg` is the input. */
ssize_t input_read(void *buf, size_t bytes, void *arg);

/* Runs a body that reads this input: here, or on the pool. */
WEFT_WAITS int input_run(const struct input *input, weft_fn *body, void *arg);

#endif
