/* SPDX-License-Identifier: MIT */

/* The program as a child: given words and standard input, its output, errors and exit code. */
#ifndef WF_TESTS_CHILD_H
#define WF_TESTS_CHILD_H

#include "harness/harness.h"

#include "base/buf.h"

#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#define CHILD_WORDS_MAX 24

struct child {
    pid_t pid;
    int in, out, err; /* -1: closed */
};

/* `words` end with NULL; the program's own name is added in front. */
void child_start(struct child *child, const char *const *words);

/* Starts /bin/sh with this command, in which "$weft" is the program and "$1" is `arg`. */
void child_start_shell(struct child *child, const char *command, const char *arg);

/* Reads some into `buf`.  At the end closes *fd, makes it -1 and is false. */
bool child_read(int *fd, wf_buf *buf);

/* Writes what there is to write and reads what there is to read.  True while there is more. */
bool child_turn(struct child *child, weft_str *input, wf_buf *out, wf_buf *err);

/* The exit code, or 1000 + the signal that ended it. */
int child_wait(struct child *child);

/* A whole run. */
struct run {
    int code;
    wf_buf out_buf, err_buf;
    const char *out, *err; /* the same, NUL-terminated */
};

void run_words(struct run *run, weft_str input, const char *const *words);
void run_shell(struct run *run, const char *command, const char *arg);
void run_fini(struct run *run);

#define RUN_WITH(run_, input_, ...)                                                                \
    run_words((run_), (weft_str){(input_), strlen(input_)},                                        \
              (const char *const[]){__VA_ARGS__, NULL})
#define RUN(run_, ...) RUN_WITH((run_), "", __VA_ARGS__)

/* A file of this text in a directory of its own; its path, static storage for four. */
const char *make_file(const char *name, const char *text);
void drop_file(const char *path);

bool text_begins(const char *text, const char *beginning);

/* The ids of the answers in `out`, a line each, or "-"; static storage. */
const char *answer_ids(const char *out);

#endif
