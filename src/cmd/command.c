/* SPDX-License-Identifier: MIT */

#include "cmd/command.h"

#include "base/names.h"
#include "cmd/say.h"

#include <string.h>

#define COMMAND_COUNT_MAX 32

int command_run(const struct command *commands, size_t count, const char *group, int argc,
                char **argv)
{
    const char *names[COMMAND_COUNT_MAX];
    char list[256];
    if (argc == 0)
        return say_usage(group, "no command given");
    for (size_t i = 0; i < count && i < COMMAND_COUNT_MAX; i++) {
        if (strcmp(argv[0], commands[i].name) == 0)
            return commands[i].run(argc - 1, argv + 1);
        names[i] = commands[i].name;
    }
    if (argv[0][0] == '-')
        return say_usage(group, "unknown option %.64s; a command comes first", argv[0]);
    const char *nearest = wf_names_nearest(weft_str_of(argv[0]), names, count);
    const char *space = group[0] != '\0' ? " " : "";
    if (nearest != NULL)
        return say_usage(group, "unknown command %.64s; did you mean '%s%s%s'?", argv[0], group,
                         space, nearest);
    wf_names_list(names, count, list, sizeof(list));
    return say_usage(group, "unknown command %.64s; there are %s", argv[0], list);
}
