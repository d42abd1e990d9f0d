/* SPDX-License-Identifier: MIT */

/* Command line arguments: words out of any bytes, cut at line ends.  What is no option stays in its
 * order, numbers stay in their range, an error is a sentence. */

#include "cmd/args.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { WORDS_MAX = 100 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1), *argv[WORDS_MAX], *before[WORDS_MAX];
    char error[ARGS_ERROR_BYTES] = "";
    int argc = 0;
    assert(text != NULL);
    memcpy(text, data, size);
    text[size] = '\0';
    for (size_t at = 0; at < size && argc < WORDS_MAX; at += strlen(text + at) + 1) {
        text[at + strcspn(text + at, "\n")] = '\0';
        argv[argc++] = text + at;
    }
    memcpy(before, argv, sizeof(char *) * (size_t)argc);

    bool json = false;
    const char *file = NULL;
    int64_t top_k = 1;
    double threshold = 0.5;
    struct args_list entities = {.count = 0};
    const struct args_option options[] = {
        {"json", 'j', NULL, "", ARGS_FLAG, &json, 0, 0},
        {"file", 'f', "FILE", "", ARGS_TEXT, &file, 0, 0},
        {"top-k", 'k', "N", "", ARGS_INTEGER, &top_k, 1, 1000},
        {"threshold", 't', "X", "", ARGS_NUMBER, &threshold, 0, 1},
        {"entities", 'e', "FILE", "", ARGS_LIST, &entities, 0, 0},
    };
    int kept = argc;
    int rc = args_parse(options, sizeof(options) / sizeof(*options), &kept, argv, error);
    assert(top_k >= 1);
    assert(top_k <= 1000);
    assert(threshold >= 0);
    assert(threshold <= 1);
    assert(entities.count <= ARGS_LIST_MAX);
    assert(memchr(error, '\0', sizeof(error)) != NULL);
    assert((rc < 0) == (error[0] != '\0'));
    for (int i = 0, k = 0; rc == 0 && i < kept; i++, k++) {
        while (k < argc && before[k] != argv[i])
            k++;
        assert(k < argc); /* one of those given, behind the one before */
    }
    free(text);
    return 0;
}
