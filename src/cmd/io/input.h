/* SPDX-License-Identifier: MIT */

/* Input: bytes of a file or of standard input ("-"), for readers that pull; the task waits. */
#ifndef WF_CMD_INPUT_H
#define WF_CMD_INPUT_H

#include <weft/base.h>

#include <sys/types.h>

struct input {
    int fd;
    bool is_stdin;
    bool is_regular;    /* can be read twice */
    bool awaits_writer; /* a FIFO: until somebody writes, its end is not the end */
};

/* Waits for nobody: a FIFO opens before its writer comes. */
WEFT_WAITS int input_open(struct input *input, const char *path);

/* What it is called where something is said of it. */
const char *input_name(const char *path);

WEFT_WAITS void input_close(struct input *input);

/* True if both are names of one file; either may be NULL. */
WEFT_WAITS bool input_is_same(const char *path, const char *other);

/* A weft_catalog_read_fn; `arg` is the input. */
WEFT_WAITS ssize_t input_read(void *buf, size_t bytes, void *arg);

#endif
