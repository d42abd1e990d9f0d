/* SPDX-License-Identifier: MIT */

/* The ids are those of the public implementation: tests/match/models/golden.txt, made by
 * tools/golden-tokens. */
#include "match/tokenize/tokenizer.h"

#include "harness/harness.h"
#include "token_texts.h"

#include <stdio.h>
#include <stdlib.h>

#define TEXTS 10000u
#define BLOCK 100u

static char *read_file(const char *name, size_t *bytes)
{
    char path[128];
    snprintf(path, sizeof(path), "tests/match/models/%s", name);
    FILE *file = fopen(test_source(path), "rb");
    CHECK(file != NULL);
    char *text = malloc(1 << 16);
    *bytes = fread(text, 1, 1 << 16, file);
    fclose(file);
    return text;
}

static void open_model(const char *name, wf_tokenizer *out)
{
    char file[64];
    size_t bytes;
    wf_reason reason = {""};
    snprintf(file, sizeof(file), "%s.json", name);
    char *text = read_file(file, &bytes);
    int rc = wf_tokenizer_read(out, text, bytes, &reason);
    note("%s: %s", name, reason.text);
    CHECK_OK(rc);
    free(text);
}

static uint64_t fnv(uint64_t value, uint32_t number)
{
    for (int i = 0; i < 4; i++, number >>= 8)
        value = (value ^ (number & 0xFF)) * UINT64_C(0x100000001B3);
    return value;
}

static uint64_t hash_block(const wf_tokenizer *it, wf_tokens *tokens, size_t first)
{
    uint64_t value = UINT64_C(0xCBF29CE484222325);
    char text[TOKEN_TEXT_BYTES];
    for (size_t i = first; i < first + BLOCK; i++) {
        CHECK_OK(wf_tokenize(it, (weft_str){text, token_text(i, text)}, tokens));
        value = fnv(value, (uint32_t)tokens->count);
        for (size_t k = 0; k < tokens->count; k++)
            value = fnv(value, tokens->ids[k]);
    }
    return value;
}

/* The hashes of one tokenizer in golden.txt; returns how many blocks differ. */
static void check_golden(const char *name)
{
    wf_tokenizer it;
    wf_tokens tokens = {0};
    size_t bytes, blocks = 0;
    char *golden = read_file("golden.txt", &bytes), *save = NULL;
    bool is_mine = false;
    golden[bytes] = '\0';
    open_model(name, &it);
    for (char *line = strtok_r(golden, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        bool is_name = strlen(line) != 16;
        if (is_name) {
            is_mine = strcmp(line, name) == 0;
        } else if (is_mine) {
            note("%s: texts from %zu on", name, blocks * BLOCK);
            CHECK_EQ(hash_block(&it, &tokens, blocks * BLOCK), strtoull(line, NULL, 16));
            blocks++;
        }
    }
    CHECK_EQ(blocks, TEXTS / BLOCK);
    wf_tokens_fini(&tokens);
    wf_tokenizer_fini(&it);
    free(golden);
}

TEST(wordpiece_gives_the_ids_of_the_public_implementation)
{
    check_golden("bert");
    check_golden("cased");
}

TEST(unigram_gives_the_ids_of_the_public_implementation)
{
    check_golden("xlmr");
    check_golden("albert");
}

TEST(byte_level_bpe_gives_the_ids_of_the_public_implementation)
{
    check_golden("gpt2");
    check_golden("roberta");
    check_golden("pieces");
}
