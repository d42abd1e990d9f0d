/* SPDX-License-Identifier: MIT */

/* The ids are those of the public implementation: tests/match/models/golden.txt, made by
 * tools/golden-tokens. */
#include "match/tokenize/tokenizer.h"
#include "match/tokenize/vocab_txt.h"

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

/* Makes the ids that golden.txt has of a name. */
static void check_tokenizer(const wf_tokenizer *it, const char *name)
{
    wf_tokens tokens = {0};
    size_t bytes, blocks = 0;
    char *golden = read_file("golden.txt", &bytes), *save = NULL;
    bool is_mine = false;
    golden[bytes] = '\0';
    for (char *line = strtok_r(golden, "\n", &save); line != NULL;
         line = strtok_r(NULL, "\n", &save)) {
        bool is_name = strlen(line) != 16;
        if (is_name) {
            is_mine = strcmp(line, name) == 0;
        } else if (is_mine) {
            note("%s: texts from %zu on", name, blocks * BLOCK);
            CHECK_EQ(hash_block(it, &tokens, blocks * BLOCK), strtoull(line, NULL, 16));
            blocks++;
        }
    }
    CHECK_EQ(blocks, TEXTS / BLOCK);
    wf_tokens_fini(&tokens);
    free(golden);
}

static void check_golden(const char *name)
{
    wf_tokenizer it;
    open_model(name, &it);
    check_tokenizer(&it, name);
    wf_tokenizer_fini(&it);
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
    check_golden("spaced");
    check_golden("digits");
}

TEST(byte_level_bpe_gives_the_ids_of_the_public_implementation)
{
    check_golden("gpt2");
    check_golden("roberta");
    check_golden("pieces");
}

/* ---- vocab.txt ---- */

static int read_vocab_txt(weft_str vocab, const char *config, wf_tokenizer *out, wf_reason *reason)
{
    wf_tape tape;
    wf_buf json = {0};
    CHECK_OK(wf_tape_read(&tape, config, strlen(config), reason));
    int rc = wf_vocab_txt_write(vocab, &tape, &json, reason);
    if (rc == 0)
        rc = wf_tokenizer_read(out, wf_buf_ptr(&json), wf_buf_bytes(&json), reason);
    wf_buf_fini(&json);
    wf_tape_fini(&tape);
    return rc;
}

/* The tokens of a tokenizer, a line each. */
static void write_lines(const wf_tokenizer *it, const char *line_end, wf_buf *out)
{
    for (uint32_t id = 0; id <= it->vocab.id_max; id++) {
        size_t i = 0;
        while (i < it->vocab.count && it->vocab.tokens[i].id != id)
            i++;
        CHECK(i < it->vocab.count);
        weft_str text = wf_vocab_text(&it->vocab, &it->vocab.tokens[i]);
        wf_buf_append(out, text.ptr, text.len);
        CHECK_OK(wf_buf_puts(out, line_end));
    }
}

TEST(a_vocab_txt_gives_the_ids_of_the_tokenizer_json_that_says_the_same)
{
    static const char *const line_ends[] = {"\n", "\r\n"};
    wf_tokenizer bert, old;
    wf_reason reason = {""};
    open_model("bert", &bert);
    for (size_t i = 0; i < 2; i++) {
        wf_buf lines = {0};
        write_lines(&bert, line_ends[i], &lines);
        weft_str vocab = {wf_buf_ptr(&lines), wf_buf_bytes(&lines)};
        int rc = read_vocab_txt(vocab, "{\"tokenizer_class\":\"BertTokenizer\"}", &old, &reason);
        note("%s", reason.text);
        CHECK_OK(rc);
        wf_buf_fini(&lines);
        CHECK_EQ(old.vocab.id_max, bert.vocab.id_max);
        CHECK_EQ(old.frame.single.count, 3);
        if (i == 0)
            check_tokenizer(&old, "bert");
        wf_tokenizer_fini(&old);
    }
    wf_tokenizer_fini(&bert);
}

static void check_ids(const wf_tokenizer *it, const char *text, const uint32_t *ids, size_t count)
{
    wf_tokens tokens = {0};
    CHECK_OK(wf_tokenize(it, weft_str_of(text), &tokens));
    note("%s", text);
    CHECK_EQ(tokens.count, count);
    for (size_t i = 0; i < count; i++)
        CHECK_EQ(tokens.ids[i], ids[i]);
    wf_tokens_fini(&tokens);
}

TEST(the_settings_of_a_vocab_txt_are_those_of_its_tokenizer_config)
{
    static const char vocab[] = "?\n<\n>\n\303\211t\nEt\net\n\303\251t\n\344\272\254\n"
                                "\344\272\254\344\272\254\nEt";
    static const struct {
        const char *config; /* besides the special tokens */
        uint32_t ids[3];
        size_t count;
    } cases[] = {
        {"", {5, 7, 7}, 3},
        {",\"do_lower_case\":false", {3, 7, 7}, 3},
        {",\"do_lower_case\":false,\"strip_accents\":true", {9, 7, 7}, 3}, /* the later line */
        {",\"strip_accents\":false,\"tokenize_chinese_chars\":false", {6, 8}, 2},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        char config[256];
        wf_tokenizer it;
        wf_reason reason = {""};
        snprintf(config, sizeof(config),
                 "{\"unk_token\":{\"content\":\"?\"},\"cls_token\":\"<\",\"sep_token\":\">\"%s}",
                 cases[i].config);
        CHECK_OK(read_vocab_txt((weft_str){vocab, sizeof(vocab) - 1}, config, &it, &reason));
        check_ids(&it, "\303\211t \344\272\254\344\272\254", cases[i].ids, cases[i].count);
        check_ids(&it, "<", (uint32_t[]){1}, 1); /* a special token wherever it stands */
        wf_tokenizer_fini(&it);
    }
}

/* What it becomes in memory is bounded by its lines as well as by its bytes. */
TEST(a_vocab_txt_has_no_more_lines_than_the_limit)
{
    const char head[] = "[CLS]\n[SEP]\n[UNK]\n";
    size_t count = WF_VOCAB_TXT_LINES_MAX - 3, bytes = sizeof(head) - 1 + count;
    char *lines = malloc(bytes + 1);
    wf_reason reason = {""};
    wf_tokenizer it;
    memcpy(lines, head, sizeof(head) - 1);
    memset(lines + sizeof(head) - 1, '\n', count + 1);
    CHECK_OK(read_vocab_txt((weft_str){lines, bytes}, "{}", &it, &reason));
    wf_tokenizer_fini(&it);
    CHECK_EQ(read_vocab_txt((weft_str){lines, bytes + 1}, "{}", &it, &reason), -WEFT_M_EMODEL);
    CHECK_STR(reason.text, "it has more than 1048576 lines");
    free(lines);
}

TEST(a_vocab_txt_that_is_not_berts_is_refused)
{
    static const struct {
        const char *vocab, *config, *why;
    } cases[] = {
        {"a\n", "{}", "cls_token"},
        {"", "{}", "cls_token"},
        {"[CLS]\n[SEP]\na\n", "{}", "unk_token"},
        {"[CLS]\n[SEP]\n[UNK]\n\377\n", "{}", "UTF-8"},
        {"[CLS]\n[SEP]\n[UNK]\n", "[]", "no object"},
        {"[CLS]\n[SEP]\n[UNK]\n", "{\"tokenizer_class\":\"XLNetTokenizer\"}", "XLNetTokenizer"},
        {"[CLS]\n[SEP]\n[UNK]\n", "{\"tokenizer_class\":1}", "tokenizer_class"},
        {"[CLS]\n[SEP]\n[UNK]\n", "{\"do_basic_tokenize\":false}", "do_basic_tokenize"},
        {"[CLS]\n[SEP]\n[UNK]\n", "{\"never_split\":[\"a\"]}", "never_split"},
    };
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        wf_tokenizer it;
        wf_reason reason = {""};
        int rc = read_vocab_txt(weft_str_of(cases[i].vocab), cases[i].config, &it, &reason);
        note("%s: %s", cases[i].why, reason.text);
        CHECK_EQ(rc, -WEFT_M_EMODEL);
        CHECK(strstr(reason.text, cases[i].why) != NULL);
    }
}

/* ---- what a model's files make of a text ---- */

#define WORDS_HEAD "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"u\",\"vocab\":{\"u\":0}}"

static int tokenize_by(const char *steps, weft_str text)
{
    char json[8192];
    wf_tokenizer it;
    wf_tokens tokens = {0};
    wf_reason reason = {""};
    int bytes = snprintf(json, sizeof(json), "{%s," WORDS_HEAD "}", steps);
    CHECK(bytes > 0 && (size_t)bytes < sizeof(json));
    int rc = wf_tokenizer_read(&it, json, (size_t)bytes, &reason);
    note("%s", reason.text);
    CHECK_OK(rc);
    rc = wf_tokenize(&it, text, &tokens);
    wf_tokens_fini(&tokens);
    wf_tokenizer_fini(&it);
    return rc;
}

static char *repeated(char *out, const char *head, const char *step, size_t count, const char *tail)
{
    char *at = stpcpy(out, head);
    for (size_t i = 0; i < count; i++)
        at += sprintf(at, "%s%s", i != 0 ? "," : "", step);
    strcpy(at, tail);
    return out;
}

TEST(a_text_grows_in_a_tokenizer_by_what_honest_ones_need_and_no_more)
{
    static const char replace[] =
        "{\"type\":\"Replace\",\"pattern\":{\"String\":\"x\"},\"content\":\"xxxxxxxx\"}";
    static const char bytes[] =
        "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":false}";
    static const char nfkc[] = "\"normalizer\":{\"type\":\"NFKC\"}";
    static const char normaliser[] = "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[",
                      splitter[] = "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[";
    char text[4096], steps[4096];
    memset(text, 'x', sizeof(text));
    const weft_str many = {text, sizeof(text)};
    CHECK_OK(tokenize_by(repeated(steps, normaliser, replace, 1, "]}"), many));
    CHECK_EQ(tokenize_by(repeated(steps, normaliser, replace, 2, "]}"), many), -WEFT_M_EMODEL);
    CHECK_EQ(tokenize_by(repeated(steps, normaliser, replace, 30, "]}"), weft_str_of("x")),
             -WEFT_M_EMODEL);
    CHECK_EQ(tokenize_by(repeated(steps, splitter, bytes, 30, "]}"), weft_str_of("\xC3\xA4")),
             -WEFT_M_EMODEL);
    for (size_t i = 0; i + 3 <= sizeof(text); i += 3)
        memcpy(text + i, "\xEF\xB7\xBA", 3); /* becomes 18 characters */
    CHECK_OK(tokenize_by(nfkc, (weft_str){text, sizeof(text) / 3 * 3}));
}
