/* SPDX-License-Identifier: MIT */

/* The program `weft`. */
#include "base/sys.h"
#include "cmd/command.h"
#include "cmd/say.h"
#include "cmd/serve/secure.h"

#include <weft/http.h>
#include <weft/run.h>
#include <weft/scope.h>
#include <weft/text.h>

#include <fcntl.h>
#include <stdio.h>
#include <string.h>

static const struct command commands[] = {
    {"config", "show the limits of serve", cmd_config},
    {"match", "find the entities that texts mean", cmd_match},
    {"ps", "show the tasks of a running process", cmd_ps},
    {"serve", "answer over HTTP which entity a text means", cmd_serve},
    {"stack", "show where the tasks of a running process are", cmd_stack},
    {"top", "watch a running process", cmd_top},
};
#define COMMAND_COUNT (sizeof(commands) / sizeof(*commands))

struct program {
    int argc;
    char **argv;
    bool is_terminated; /* SIGTERM rather than SIGINT */
};

static int show_help(void)
{
    fputs("Usage: weft COMMAND [OPTIONS]\n\nCommands:\n", stdout);
    for (size_t i = 0; i < COMMAND_COUNT; i++)
        fprintf(stdout, "  %-10s %s\n", commands[i].name, commands[i].about);
    fputs("  help       this text, or that of a command\n\n"
          "Options:\n"
          "  --version  version, features and back end\n"
          "  -h, --help this text\n\n"
          "Examples:\n"
          "  weft match query -e countries.csv Deutchland\n"
          "  weft serve -e countries.csv\n\n"
          "Exit codes: 0 done, 1 failed, 2 wrong usage, 130 interrupted, 143 terminated.\n",
          stdout);
    return say_printed();
}

static int show_version(void)
{
    const weft_loop *loop = weft_loop_self();
    fprintf(
        stdout,
        "weft %s\nback end: %s\nfeatures: match (lexical, learning, models), serve (HTTP/1.1%s%s), "
        "csv, tsv, json, ndjson\ncontent codings: %s\nunicode: %s\n",
        weft_version(), weft_loop_backend(loop),
        strncmp(weft_http_alpn(), "h2", 2) == 0 ? ", HTTP/2" : "", secure_is_there() ? ", TLS" : "",
        weft_http_codings(), weft_norm_unicode_version());
    return say_printed();
}

static bool is_word(const char *word, const char *a, const char *b)
{
    return strcmp(word, a) == 0 || strcmp(word, b) == 0;
}

/* "help match query" is "match query --help"; "help", "help help" and "help --help" are of all. */
static int show_help_of(int argc, char **argv)
{
    if (argc == 0 || strcmp(argv[0], "help") == 0 || is_word(argv[0], "--help", "-h"))
        return show_help();
    char help[] = "--help";
    char *words[4] = {NULL};
    int count = 0;
    for (; count < argc && count < 3; count++)
        words[count] = argv[count];
    words[count++] = help;
    return command_run(commands, COMMAND_COUNT, "", count, words);
}

static int program_body(void *arg)
{
    struct program *program = arg;
    int argc = program->argc;
    char **argv = program->argv;
    int rc;
    if (argc > 0 && is_word(argv[0], "--version", "version"))
        rc = show_version();
    else if (argc > 0 && is_word(argv[0], "--help", "-h"))
        rc = show_help();
    else if (argc > 0 && strcmp(argv[0], "help") == 0)
        rc = show_help_of(argc - 1, argv + 1);
    else if (argc > 0 && argv[0][0] == '-')
        rc = say_usage("", "unknown option %.64s", argv[0]);
    else
        rc = command_run(commands, COMMAND_COUNT, "", argc, argv);
    program->is_terminated = rc == -ECANCELED && strcmp(weft_why(), "SIGTERM") == 0;
    return rc;
}

/* Closed standard descriptors would be the numbers of the next files opened, and answers would go
 * into those.  What stands here instead can be neither read nor written: whoever tries is told. */
static void hold_standard_descriptors(void)
{
    struct stat info;
    for (int fd = 0; fd <= 2; fd++) {
        if (wf_sys_fstat(fd, &info) == -EBADF)
            (void)wf_sys_open("/dev/null", fd == 0 ? O_WRONLY : O_RDONLY, 0);
    }
}

int main(int argc, char **argv)
{
    hold_standard_descriptors();
    struct program program = {.argc = argc - 1, .argv = argv + 1};
    weft_config config = {0};
    if (argc > 1 && strcmp(argv[1], "serve") == 0)
        cmd_serve_prepare(argc - 2, argv + 2, &config);
    int rc = weft_run_with(&config, program_body, &program);
    if (rc == -ECANCELED)
        return program.is_terminated ? EXIT_TERMINATED : EXIT_INTERRUPTED;
    return rc < 0 ? say_failed("%s", weft_explain(rc)) : rc;
}
