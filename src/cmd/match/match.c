/* SPDX-License-Identifier: MIT */

/* weft match: what can be done with a matcher. */
#include "cmd/command.h"
#include "cmd/say.h"

#include <stdio.h>
#include <string.h>

static const struct command match_commands[] = {
    {"fit", "build an index, learn from examples, and save both", cmd_match_fit},
    {"query", "find the entity each text means", cmd_match_query},
    {"explain", "show the candidates of a text and why they score as they do", cmd_match_explain},
    {"diagnose", "say why a text is not found and what to try", cmd_match_diagnose},
    {"info", "say what a matcher is made of, or a model", cmd_match_info},
    {"hierarchy", "find entities with what lies above and below", cmd_match_hierarchy},
    {"novelty", "say which texts mean nothing the catalogue has", cmd_match_novelty},
    {"discover", "name what the new texts have in common", cmd_match_discover},
    {"review", "say what becomes of proposed entities", cmd_match_review},
    {"drift", "say whether texts still look as they did", cmd_match_drift},
    {"eval", "say how often the answers are right", cmd_match_eval},
    {"ingest", "make a catalogue of files with columns of any names", cmd_match_ingest},
    {"bench", "measure what a matcher costs here", cmd_match_bench},
};
#define MATCH_COUNT (sizeof(match_commands) / sizeof(*match_commands))

static int match_help(void)
{
    fputs("Usage: weft match COMMAND [OPTIONS] [TEXT...]\n\nCommands:\n", stdout);
    for (size_t i = 0; i < MATCH_COUNT; i++)
        fprintf(stdout, "  %-10s %s\n", match_commands[i].name, match_commands[i].about);
    fputs("\n'weft match COMMAND --help' shows its options.\n", stdout);
    return say_printed();
}

static int help_of(int argc, char **argv)
{
    char help[] = "--help";
    char *words[] = {argc > 0 ? argv[0] : help, help, NULL};
    return argc > 0 ? command_run(match_commands, MATCH_COUNT, "match", 2, words) : match_help();
}

int cmd_match(int argc, char **argv)
{
    if (argc > 0 && (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0))
        return match_help();
    if (argc > 0 && strcmp(argv[0], "help") == 0) /* "help query" is "query --help" */
        return help_of(argc - 1, argv + 1);
    return command_run(match_commands, MATCH_COUNT, "match", argc, argv);
}
