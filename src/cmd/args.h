/* SPDX-License-Identifier: MIT */

/*
 * Arguments of a command, by a table of its options.  Pure: looks at argv, writes where the table
 * says, and leaves what is no option in front.
 *
 *     --name VALUE   --name=VALUE   -n VALUE   -nVALUE   --flag   -f   --  (no options behind it)
 */
#ifndef WF_CMD_ARGS_H
#define WF_CMD_ARGS_H

#include <weft/base.h>

#define ARGS_LIST_MAX 64
#define ARGS_ERROR_BYTES 256

/* The values of an option that may stand more than once. */
struct args_list {
    const char *items[ARGS_LIST_MAX];
    size_t count;
};

enum args_kind {
    ARGS_FLAG,    /* bool * */
    ARGS_TEXT,    /* const char ** */
    ARGS_CHOICE,  /* const char **, one of the words of `value`, which have | between them */
    ARGS_INTEGER, /* int64_t *, min to max */
    ARGS_NUMBER,  /* double *, min to max */
    ARGS_LIST,    /* struct args_list * */
};

struct args_option {
    const char *name;  /* without the dashes */
    char letter;       /* '\0': none */
    const char *value; /* what the help calls it; NULL for flags */
    const char *help;
    enum args_kind kind;
    void *out; /* untouched unless the option is there */
    double min, max;
};

/* Reads the options among argv[0, *argc).  What is none moves to the front in its order, and *argc
 * becomes its count.  0, or -EINVAL with a sentence without its full stop in `error`. */
int args_parse(const struct args_option *options, size_t option_count, int *argc, char **argv,
               char error[ARGS_ERROR_BYTES]);

#endif
