/* SPDX-License-Identifier: MIT */

/* weft ps: the task tree of another process. */
#include "cmd/command.h"
#include "cmd/look/look.h"
#include "cmd/say.h"

static const char ps_about[] =
    "Usage: weft ps [OPTIONS] PID\n\n"
    "Shows the tasks of a running process that is built with Weft: what each does or waits for\n"
    "and how long already, its deadlines, and where it was spawned.  The process goes on\n"
    "meanwhile.  A loop that does not answer within a second is described by the task that\n"
    "keeps it.\n";

static const char ps_examples[] = "  weft ps $(pidof weft)\n"
                                  "  weft ps --json $(pidof weft) | jq 'select(.waits_s > 60)'\n"
                                  "  weft ps --graph $(pidof weft)\n"
                                  "  weft ps --dot $(pidof weft) | dot -Tsvg > waits.svg\n";

int cmd_ps(int argc, char **argv)
{
    bool is_help = false, is_graph = false, is_dot = false, is_json = false, has_stacks = false;
    const struct args_option options[] = {
        {"graph", 'g', NULL, "which task waits for which, and the cycles", ARGS_FLAG, &is_graph, 0,
         0},
        {"dot", 0, NULL, "the same in the language of Graphviz", ARGS_FLAG, &is_dot, 0, 0},
        {"json", 'j', NULL, "the tasks as JSON, a line each", ARGS_FLAG, &is_json, 0, 0},
        {"verbose", 'v', NULL, "the stacks too, as weft stack shows them", ARGS_FLAG, &has_stacks,
         0, 0},
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
    if (pid == 0)
        return EXIT_USAGE;
    int code = look_print(pid,
                          is_dot     ? "dot"
                          : is_graph ? "graph"
                          : is_json  ? "ps-json"
                                     : "ps",
                          /* task= */ NULL);
    return code == EXIT_OK && has_stacks ? look_print(pid, "stack", /* task= */ NULL) : code;
}
