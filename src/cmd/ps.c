/* SPDX-License-Identifier: MIT */

/* weft ps: the task tree of another process. */
#include "cmd/command.h"
#include "cmd/look.h"
#include "cmd/say.h"

static const char ps_about[] =
    "Usage: weft ps [OPTIONS] PID\n\n"
    "Shows the tasks of a running process that is built with Weft: what each does or waits for,\n"
    "its deadlines, and where it was spawned.  The process goes on meanwhile.  A loop that does\n"
    "not answer within a second is described by the task that keeps it.\n";

static const char ps_examples[] = "  weft ps $(pidof weft)\n"
                                  "  weft ps --graph $(pidof weft)\n"
                                  "  weft ps --dot $(pidof weft) | dot -Tsvg > waits.svg\n";

int cmd_ps(int argc, char **argv)
{
    bool is_help = false, is_graph = false, is_dot = false;
    const struct args_option options[] = {
        {"graph", 'g', NULL, "which task waits for which, and the cycles", ARGS_FLAG, &is_graph, 0,
         0},
        {"dot", 0, NULL, "the same in the language of Graphviz", ARGS_FLAG, &is_dot, 0, 0},
        {"help", 'h', NULL, "this text", ARGS_FLAG, &is_help, 0, 0},
    };
    const size_t count = sizeof(options) / sizeof(*options);
    char error[ARGS_ERROR_BYTES];
    if (args_parse(options, count, &argc, argv, error) < 0)
        return say_usage("ps", "%s", error);
    if (is_help)
        return say_help(ps_about, options, count, ps_examples);
    if (argc != 1)
        return say_usage("ps", argc == 0 ? "no process; give its PID" : "more than one PID");
    pid_t pid = look_pid("ps", argv[0]);
    return pid != 0 ? look_print(pid, is_dot ? "dot" : is_graph ? "graph" : "ps") : EXIT_USAGE;
}
