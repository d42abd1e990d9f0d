/* SPDX-License-Identifier: MIT */

/* The commands of the program.  Each takes the words behind its name, as a task, and returns an
 * exit code, or -ECANCELED when a signal ended it. */
#ifndef WF_CMD_COMMAND_H
#define WF_CMD_COMMAND_H

#include <weft/run.h>

typedef int command_fn(int argc, char **argv);

WEFT_WAITS int cmd_match(int argc, char **argv);
WEFT_WAITS int cmd_match_bench(int argc, char **argv);
WEFT_WAITS int cmd_match_fit(int argc, char **argv);
WEFT_WAITS int cmd_match_hierarchy(int argc, char **argv);
WEFT_WAITS int cmd_match_novelty(int argc, char **argv);
int cmd_match_query(int argc, char **argv);
WEFT_WAITS int cmd_match_discover(int argc, char **argv);
WEFT_WAITS int cmd_match_drift(int argc, char **argv);
WEFT_WAITS int cmd_match_review(int argc, char **argv);
WEFT_WAITS int cmd_match_explain(int argc, char **argv);
WEFT_WAITS int cmd_match_ingest(int argc, char **argv);
WEFT_WAITS int cmd_match_info(int argc, char **argv);
WEFT_WAITS int cmd_match_eval(int argc, char **argv);
WEFT_WAITS int cmd_match_diagnose(int argc, char **argv);
WEFT_WAITS int cmd_config(int argc, char **argv);
WEFT_WAITS int cmd_ps(int argc, char **argv);
WEFT_WAITS int cmd_serve(int argc, char **argv);

/* Before there is a run: takes from the words what it must know.  Changes none of them, and says
 * nothing of wrong ones; the command will. */
void cmd_serve_prepare(int argc, char **argv, weft_config *config);
WEFT_WAITS int cmd_stack(int argc, char **argv);
WEFT_WAITS int cmd_top(int argc, char **argv);

/* A command among others of its level. */
struct command {
    const char *name;
    const char *about;
    command_fn *run;
};

/* Runs the command argv[0] names.  Says what is wrong if there is none of that name; `group` is the
 * word before ("match"), or "". */
WEFT_WAITS int command_run(const struct command *commands, size_t count, const char *group,
                           int argc, char **argv);

#endif
