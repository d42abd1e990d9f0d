/* SPDX-License-Identifier: MIT */

#include "cmd/args.h"

#include "base/names.h"
#include "base/utf8.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_BYTES_MAX 32  /* of an unknown option, as it is shown */
#define VALUE_BYTES_MAX 64 /* of a wrong value */

/* For "%.*s"; bytes that are no characters stay: who says it escapes them. */
static int cut(const char *text, size_t bytes_max)
{
    return (int)wf_utf8_cut(text, strlen(text), bytes_max);
}

/* ---- values ---- */

static int fail_value(const struct args_option *option, const char *value, char *error)
{
    const char *shown = value[0] != '\0' ? value : "empty";
    int bytes = cut(shown, VALUE_BYTES_MAX);
    if (option->kind == ARGS_INTEGER)
        snprintf(error, ARGS_ERROR_BYTES, "--%s: must be an integer from %.0f to %.0f, is %.*s",
                 option->name, option->min, option->max, bytes, shown);
    else
        snprintf(error, ARGS_ERROR_BYTES, "--%s: must be a number from %g to %g, is %.*s",
                 option->name, option->min, option->max, bytes, shown);
    return -EINVAL;
}

static int set_integer(const struct args_option *option, const char *value, char *error)
{
    const char *at = value + (value[0] == '-');
    int64_t number = 0;
    bool is_good = *at != '\0';
    for (; *at >= '0' && *at <= '9' && is_good; at++)
        is_good = !__builtin_mul_overflow(number, 10, &number) &&
                  !__builtin_add_overflow(number, *at - '0', &number);
    if (value[0] == '-')
        number = -number;
    if (!is_good || *at != '\0' || (double)number < option->min || (double)number > option->max)
        return fail_value(option, value, error);
    *(int64_t *)option->out = number;
    return 0;
}

static int set_number(const struct args_option *option, const char *value, char *error)
{
    char *end;
    double number = strtod(value, &end);
    bool is_plain = value[strspn(value, "0123456789+-.eE")] == '\0'; /* no hex, no inf, no space */
    if (!is_plain || end == value || *end != '\0' || !(number >= option->min) ||
        !(number <= option->max))
        return fail_value(option, value, error);
    *(double *)option->out = number;
    return 0;
}

/* Copies a|b|c as "a, b, c": as many as there is room for, each whole. */
static void list_choices(const char *choices, char *out, size_t bytes)
{
    size_t used = 0, len;
    for (out[0] = '\0'; choices[0] != '\0'; choices += len + (choices[len] == '|')) {
        len = strcspn(choices, "|");
        if (len + 3 > bytes - used)
            return;
        used += (size_t)snprintf(out + used, bytes - used, "%s%.*s", used != 0 ? ", " : "",
                                 (int)len, choices);
    }
}

static int set_choice(const struct args_option *option, const char *value, char *error)
{
    char choices[ARGS_ERROR_BYTES / 2];
    size_t len = strlen(value);
    for (const char *at = option->value; at != NULL;) {
        size_t bytes = strcspn(at, "|");
        if (bytes == len && memcmp(at, value, len) == 0) {
            *(const char **)option->out = value;
            return 0;
        }
        at = at[bytes] != '\0' ? at + bytes + 1 : NULL;
    }
    list_choices(option->value, choices, sizeof(choices));
    snprintf(error, ARGS_ERROR_BYTES, "--%s: %.*s is none of %s", option->name,
             len != 0 ? cut(value, VALUE_BYTES_MAX) : 2, len != 0 ? value : "''", choices);
    return -EINVAL;
}

static int set_value(const struct args_option *option, const char *value, char *error)
{
    struct args_list *list;
    switch (option->kind) {
    case ARGS_FLAG:
        *(bool *)option->out = true;
        return 0;
    case ARGS_TEXT:
        *(const char **)option->out = value;
        return 0;
    case ARGS_CHOICE:
        return set_choice(option, value, error);
    case ARGS_INTEGER:
        return set_integer(option, value, error);
    case ARGS_NUMBER:
        return set_number(option, value, error);
    case ARGS_LIST:
        break;
    }
    list = option->out;
    if (list->count == ARGS_LIST_MAX) {
        snprintf(error, ARGS_ERROR_BYTES, "--%s stands more than %d times", option->name,
                 ARGS_LIST_MAX);
        return -EINVAL;
    }
    list->items[list->count++] = value;
    return 0;
}

/* ---- options ---- */

/* One parse: what was given and how far it has come. */
struct parser {
    const struct args_option *options;
    size_t option_count;
    int argc, at;
    char **argv;
    char *error;
};

static const struct args_option *find_name(const struct parser *parser, const char *name,
                                           size_t len)
{
    for (size_t i = 0; i < parser->option_count; i++) {
        const char *known = parser->options[i].name;
        if (strlen(known) == len && memcmp(known, name, len) == 0)
            return &parser->options[i];
    }
    return NULL;
}

static const struct args_option *find_letter(const struct parser *parser, char letter)
{
    for (size_t i = 0; i < parser->option_count; i++) {
        if (letter != '\0' && parser->options[i].letter == letter)
            return &parser->options[i];
    }
    return NULL;
}

/* What many a program calls otherwise; NULL: nothing. */
static const char *usual_name(const struct parser *parser, const char *name)
{
    static const char *const usual[][2] = {
        {"port", "listen"}, {"host", "listen"}, {"bind", "listen"}, {"workers", "loops"}};
    for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++) {
        if (strcmp(name, usual[i][0]) == 0 &&
            find_name(parser, usual[i][1], strlen(usual[i][1])) != NULL)
            return usual[i][1];
    }
    return NULL;
}

static int fail_unknown(const struct parser *parser, const char *name, size_t len)
{
    const char *names[64];
    char text[NAME_BYTES_MAX + 1];
    size_t count = 0;
    for (size_t i = 0; i < parser->option_count && count < 64; i++)
        names[count++] = parser->options[i].name;
    snprintf(text, sizeof(text), "%.*s", (int)wf_utf8_cut(name, len, NAME_BYTES_MAX), name);
    const char *usual = usual_name(parser, text);
    const char *nearest = usual != NULL ? usual : wf_names_nearest(weft_str_of(text), names, count);
    int used = snprintf(parser->error, ARGS_ERROR_BYTES, "unknown option --%s", text);
    if (nearest != NULL)
        snprintf(parser->error + used, ARGS_ERROR_BYTES - (size_t)used, "; did you mean --%s?",
                 nearest);
    return -EINVAL;
}

/* `inline_value`: what stands in the same word, or NULL. */
static int take_option(struct parser *parser, const struct args_option *option,
                       const char *inline_value)
{
    if (option->kind == ARGS_FLAG) {
        if (inline_value == NULL)
            return set_value(option, NULL, parser->error);
        snprintf(parser->error, ARGS_ERROR_BYTES, "--%s takes no value", option->name);
        return -EINVAL;
    }
    if (inline_value == NULL && parser->at < parser->argc)
        inline_value = parser->argv[parser->at++];
    if (inline_value != NULL)
        return set_value(option, inline_value, parser->error);
    snprintf(parser->error, ARGS_ERROR_BYTES, "--%s needs a value: %s", option->name,
             option->value);
    return -EINVAL;
}

static int take_long(struct parser *parser, const char *word)
{
    const char *equals = strchr(word, '=');
    size_t len = equals != NULL ? (size_t)(equals - word) : strlen(word);
    const struct args_option *option = find_name(parser, word, len);
    if (option == NULL)
        return fail_unknown(parser, word, len);
    return take_option(parser, option, equals != NULL ? equals + 1 : NULL);
}

/* -abc: flags, of which the last may be an option with a value. */
static int take_short(struct parser *parser, const char *word)
{
    for (; *word != '\0'; word++) {
        const struct args_option *option = find_letter(parser, *word);
        if (option == NULL) {
            snprintf(parser->error, ARGS_ERROR_BYTES, "unknown option -%.*s", cut(word, 16), word);
            return -EINVAL;
        }
        if (option->kind != ARGS_FLAG)
            return take_option(parser, option, word[1] != '\0' ? word + 1 : NULL);
        set_value(option, NULL, parser->error);
    }
    return 0;
}

int args_parse(const struct args_option *options, size_t option_count, int *argc, char **argv,
               char error[ARGS_ERROR_BYTES])
{
    struct parser parser = {
        .options = options,
        .option_count = option_count,
        .argc = *argc,
        .argv = argv,
        .error = error,
    };
    int kept = 0;
    bool is_over = false;
    while (parser.at < parser.argc) {
        char *word = argv[parser.at++];
        int rc = 0;
        if (is_over || word[0] != '-' || word[1] == '\0')
            argv[kept++] = word; /* "-" is standard input */
        else if (strcmp(word, "--") == 0)
            is_over = true;
        else if (word[1] == '-')
            rc = take_long(&parser, word + 2);
        else
            rc = take_short(&parser, word + 1);
        if (rc < 0)
            return rc;
    }
    *argc = kept;
    return 0;
}
