/* SPDX-License-Identifier: MIT */

/* weft stack: where the tasks of another process are. */
#include "cmd/command.h"
#include "cmd/look/look.h"
#include "cmd/say.h"

#include <stdio.h>

static const char stack_about[] =
    "Usage: weft stack PID [TASK]\n\n"
    "Shows the backtraces of the tasks of a running process that is built with Weft; those that\n"
    "are in the same place are shown once.  TASK is a number as weft ps shows it (12.3, or 12) or\n"
    "a name; that there is none is an error.  The process goes on meanwhile.\n";

static const char stack_examples[] = "  weft stack $(pidof weft)\n"
                                     "  weft stack $(pidof weft) 12.3\n";

int cmd_stack(int argc, char **argv)
{
    bool is_help = false;
    const struct args_option options[] = {
        {"help", 'h', NULL, "this text", ARGS_FLAG, &is_help, 0, 0},
    };
    char error[ARGS_ERROR_BYTES], question[40];
    if (args_parse(options, 1, &argc, argv, error) < 0)
        return say_usage("stack", "%s", error);
    if (is_help)
        return say_help(stack_about, options, 1, stack_examples);
    if (argc == 0 || argc > 2)
        return say_usage("stack", argc == 0 ? "no process; give its PID" : "more than one task");
    pid_t pid = look_pid("stack", argv[0]);
    if (pid == 0)
        return EXIT_USAGE;
    const char *task = argc == 2 ? argv[1] : NULL;
    int len = snprintf(question, sizeof(question), "stack %s", task != NULL ? task : "");
    if (len >= (int)sizeof(question))
        return say_usage("stack", "\"%.32s...\" is too long for a task", task);
    return look_print(pid, question, task);
}
