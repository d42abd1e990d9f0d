/* SPDX-License-Identifier: MIT */

#include "cmd/command.h"

#include "cmd/say.h"

#include <stdio.h>
#include <string.h>

#define COMMAND_COUNT_MAX 32

static int say_unknown(const struct command *commands, size_t count, const char *group,
                       const char *name)
{
    char list[128] = "";
    size_t used = 0;
    for (size_t i = 0; i < count && used < sizeof(list); i++)
        used += (size_t)snprintf(list + used, sizeof(list) - used, "%s%s", i == 0 ? "" : ", ",
                                 commands[i].name);
    return say_usage(group, "unknown command %.64s; there are %s", name, list);
}

int command_run(const struct command *commands, size_t count, const char *group, int argc,
                char **argv)
{
    const char *names[COMMAND_COUNT_MAX];
    if (argc == 0)
        return say_usage(group, "no command given");
    for (size_t i = 0; i < count && i < COMMAND_COUNT_MAX; i++) {
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
        names[i] = commands[i].name;
    }
    if (argv[0][0] == '-')
        return say_usage(group, "unknown option %.64s; a command comes first", argv[0]);
    const char *nearest = args_nearest(argv[0], names, count);
    const char *space = group[0] != '\0' ? " " : "";
    if (nearest != NULL)
        return say_usage(group, "unknown command %.64s; did you mean '%s%s%s'?", argv[0], group,
                         space, nearest);
    return say_unknown(commands, count, group, argv[0]);
}
