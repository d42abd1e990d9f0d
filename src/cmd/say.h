/* SPDX-License-Identifier: MIT */

/* What the program says to people: errors, usage, help.  Text from outside is shown with its
 * control, direction and invisible characters escaped, so that no file can play with the terminal.
 */
#ifndef WF_CMD_SAY_H
#define WF_CMD_SAY_H

#include "base/buf.h"
#include "cmd/args.h"

enum exit_code {
    EXIT_OK = 0,
    EXIT_FAILED = 1,
    EXIT_USAGE = 2,
    EXIT_INTERRUPTED = 130, /* SIGINT */
    EXIT_TERMINATED = 143,  /* SIGTERM */
};

/* Appends `text` with what could confuse a terminal as \x1b or \u202e. */
void say_escaped(wf_buf *out, weft_str text);

/* "weft: …" on standard error. */
void say(const char *format, ...) WEFT_PRINTF(1, 2);

/* The same, for a failure: returns EXIT_FAILED. */
int say_failed(const char *format, ...) WEFT_PRINTF(1, 2);

/* The same and how to get help on `command` ("match query"); returns EXIT_USAGE. */
int say_usage(const char *command, const char *format, ...) WEFT_PRINTF(2, 3);

/* The help of a command on standard output: `text`, the options of the table, `examples`. */
int say_help(const char *text, const struct args_option *options, size_t option_count,
             const char *examples);

/* Sends off what was printed on standard output: EXIT_OK, or EXIT_FAILED after saying why not. */
int say_printed(void);

/* What writing on standard output came to, output_lines() above all: 0 or -ECANCELED as they are,
 * else EXIT_FAILED after saying why. */
int say_written(int rc);

#endif
