/* SPDX-License-Identifier: MIT */

#include "harness/harness.h"

#include "cmd/args.h"

#include "base/buf.h"

struct given {
    bool json;
    const char *file;
    int64_t top_k;
    double threshold;
    const char *mode;
    struct args_list entities;
};

static int parse(struct given *given, int *argc, char **argv, char *error)
{
    const struct args_option options[] = {
        {"json", 'j', NULL, "", ARGS_FLAG, &given->json, 0, 0},
        {"file", 'f', "FILE", "", ARGS_TEXT, &given->file, 0, 0},
        {"top-k", 'k', "N", "", ARGS_INTEGER, &given->top_k, 1, 1000},
        {"threshold", 't', "X", "", ARGS_NUMBER, &given->threshold, 0, 1},
        {"mode", 'm', "auto|full|a", "", ARGS_CHOICE, &given->mode, 0, 0},
        {"entities", 'e', "FILE", "", ARGS_LIST, &given->entities, 0, 0},
    };
    return args_parse(options, sizeof(options) / sizeof(*options), argc, argv, error);
}

/* Splits at spaces; what came of it, or "! error".  Static storage. */
static const char *said(const char *line)
{
    static char text[512], words[256];
    char *argv[32], error[ARGS_ERROR_BYTES];
    int argc = 0;
    struct given given = {.top_k = 5, .threshold = 0.5};
    snprintf(words, sizeof(words), "%s", line);
    for (char *at = words; *at != '\0';) {
        argv[argc++] = at;
        at += strcspn(at, " ");
        if (*at != '\0')
            *at++ = '\0';
    }
    if (parse(&given, &argc, argv, error) < 0) {
        snprintf(text, sizeof(text), "! %s", error);
        return text;
    }
    wf_buf out = {0};
    wf_buf_printf(&out, "%d %s %d %g", given.json, given.file != NULL ? given.file : "-",
                  (int)given.top_k, given.threshold);
    if (given.mode != NULL)
        wf_buf_printf(&out, " m=%s", given.mode);
    for (size_t i = 0; i < given.entities.count; i++)
        wf_buf_printf(&out, " e=%s", given.entities.items[i]);
    for (int i = 0; i < argc; i++)
        wf_buf_printf(&out, " %s", argv[i]);
    wf_buf_putc(&out, '\0');
    snprintf(text, sizeof(text), "%s", wf_buf_ptr(&out));
    wf_buf_fini(&out);
    return text;
}

static const char *const lines[][2] = {
    {"", "0 - 5 0.5"},
    {"a b", "0 - 5 0.5 a b"},
    {"a --json b -f x c", "1 x 5 0.5 a b c"},
    {"--top-k 7 --threshold=0.25", "0 - 7 0.25"},
    {"-k7 -t1 -j", "1 - 7 1"},
    {"-jk 3", "1 - 3 0.5"},
    {"-e a --entities b --entities=c -ed", "0 - 5 0.5 e=a e=b e=c e=d"},
    {"-f - x", "0 - 5 0.5 x"},
    {"- x", "0 - 5 0.5 - x"},
    {"-- --json -x", "0 - 5 0.5 --json -x"},
    {"--file --json", "0 --json 5 0.5"},
    {"--file=a --file=b", "0 b 5 0.5"},

    {"--mode auto", "0 - 5 0.5 m=auto"},
    {"-mfull", "0 - 5 0.5 m=full"},
    {"--mode=a x", "0 - 5 0.5 m=a x"},

    {"--mode aut", "! --mode: aut is none of auto, full, a"},
    {"--mode auto|full", "! --mode: auto|full is none of auto, full, a"},
    {"--mode=", "! --mode: '' is none of auto, full, a"},
    {"--mode Full", "! --mode: Full is none of auto, full, a"},
    {"--mode", "! --mode needs a value: auto|full|a"},
    {"--topk 3", "! unknown option --topk; did you mean --top-k?"},
    {"--thershold 1", "! unknown option --thershold; did you mean --threshold?"},
    {"--zzzzzz", "! unknown option --zzzzzz"},
    {"-x", "! unknown option -x"},
    {"--json=1", "! --json takes no value"},
    {"--file", "! --file needs a value: FILE"},
    {"-k", "! --top-k needs a value: N"},
    {"-k 0", "! --top-k: must be an integer from 1 to 1000, is 0"},
    {"-k 1001", "! --top-k: must be an integer from 1 to 1000, is 1001"},
    {"-k 1x", "! --top-k: must be an integer from 1 to 1000, is 1x"},
    {"-k 99999999999999999999",
     "! --top-k: must be an integer from 1 to 1000, is 99999999999999999999"},
    {"-k -1", "! --top-k: must be an integer from 1 to 1000, is -1"},
    {"-t 1.5", "! --threshold: must be a number from 0 to 1, is 1.5"},
    {"-t nan", "! --threshold: must be a number from 0 to 1, is nan"},
    {"-t 0x1", "! --threshold: must be a number from 0 to 1, is 0x1"},
    {"-t .", "! --threshold: must be a number from 0 to 1, is ."},

/* What is too long is cut between two characters. */
#define DAYS7 "\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5\u65e5"
#define DAYS21 DAYS7 DAYS7 DAYS7
    {"-k " DAYS21 "\u65e5", "! --top-k: must be an integer from 1 to 1000, is " DAYS21},
    {"--mode " DAYS21 "\u65e5", "! --mode: " DAYS21 " is none of auto, full, a"},
    {"--" DAYS21, "! unknown option --" DAYS7 "\u65e5\u65e5\u65e5"},
    {"-" DAYS21, "! unknown option -\u65e5\u65e5\u65e5\u65e5\u65e5"},
};

TEST(args_are_read_by_the_table)
{
    for (size_t i = 0; i < sizeof(lines) / sizeof(*lines); i++) {
        note("%s", lines[i][0]);
        CHECK_STR(said(lines[i][0]), lines[i][1]);
    }
}

/* Choices there is no room for are left out whole. */
TEST(args_say_choices_that_are_whole)
{
    static const char many[] = DAYS21 "|" DAYS7 DAYS7 "|" DAYS21 "|a";
    const char *mode;
    const struct args_option option = {"mode", 'm', many, "", ARGS_CHOICE, &mode, 0, 0};
    char word[] = "-mx", *argv[] = {word}, error[ARGS_ERROR_BYTES];
    int argc = 1;
    CHECK_EQ(args_parse(&option, 1, &argc, argv, error), -EINVAL);
    CHECK_STR(error, "--mode: x is none of " DAYS21 ", " DAYS7 DAYS7);
}

TEST(args_list_has_a_limit)
{
    char *argv[ARGS_LIST_MAX + 1], word[] = "-ex", error[ARGS_ERROR_BYTES];
    int argc = ARGS_LIST_MAX + 1;
    struct given given = {0};
    for (int i = 0; i < argc; i++)
        argv[i] = word;
    CHECK_EQ(parse(&given, &argc, argv, error), -EINVAL);
    CHECK_STR(error, "--entities stands more than 64 times");
    CHECK_EQ(given.entities.count, (size_t)ARGS_LIST_MAX);
}
