/* SPDX-License-Identifier: MIT */

/* The files of a model are believed in nothing. */
#include "match/model/safetensors.h"
#include "match/tokenize/tokenizer.h"

#include "harness/harness.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <weft/exec.h>
#include <weft/run.h>
#include <weft/task.h>

/* ---- tape ---- */

static int read_tape(wf_tape *tape, const char *text)
{
    wf_reason reason = {""};
    int rc = wf_tape_read(tape, text, strlen(text), &reason);
    note("%s: %s", text, reason.text);
    CHECK(rc == 0 || reason.text[0] != '\0');
    return rc;
}

TEST(tape_finds_values_by_key_and_in_order)
{
    wf_tape tape;
    double number = 0;
    size_t size = 0;
    CHECK_OK(read_tape(
        &tape, " {\"a\":[1,-2.5e1,true],\"a\":7,\"b\\u00e9\":\"x\\n\\ud83d\\ude00\",\"c\":{}}"));
    uint32_t list = wf_tape_get(&tape, 0, "a"), at = wf_tape_first(&tape, list);
    CHECK_EQ(wf_tape_count(&tape, list), 3);
    CHECK(wf_tape_size(&tape, at, &size));
    CHECK_EQ(size, 1);
    at = wf_tape_next(&tape, list, at);
    CHECK(wf_tape_double(&tape, at, &number));
    CHECK_NEAR(number, -25, 0);
    CHECK(!wf_tape_size(&tape, at, &size));
    at = wf_tape_next(&tape, list, at);
    CHECK(wf_tape_bool(&tape, at, false));
    CHECK_EQ(wf_tape_next(&tape, list, at), WF_NO_VALUE);
    CHECK(wf_tape_is(&tape, wf_tape_get(&tape, 0, "b\xC3\xA9"), "x\n\xF0\x9F\x98\x80"));
    CHECK_EQ(wf_tape_first(&tape, wf_tape_get(&tape, 0, "c")), WF_NO_VALUE);
    CHECK_EQ(wf_tape_get(&tape, WF_NO_VALUE, "c"), WF_NO_VALUE);
    wf_tape_fini(&tape);
}

TEST(tape_refuses_what_is_no_json)
{
    static const char *const bad[] = {
        "",
        "[",
        "[1",
        "[1,",
        "[1,]",
        "[,1]",
        "{\"a\"}",
        "{\"a\":}",
        "{a:1}",
        "{\"a\":1,}",
        "01",
        "1.",
        "1e",
        "-",
        "+1",
        "nul",
        "\"",
        "\"\\x\"",
        "\"\\u12\"",
        "\"\\ud800\"",
        "\"\\udc00\"",
        "\"\\ud800\\u0041\"",
        "\"\n\"",
        "1 2",
        "[1}",
        "\xFF",
        "\"\xC3\"",
        "NaN",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        wf_tape tape;
        CHECK_EQ(read_tape(&tape, bad[i]), -WEFT_M_EMODEL);
        wf_tape_fini(&tape);
    }
}

TEST(tape_refuses_what_is_too_deep)
{
    char text[2 * WF_TAPE_DEPTH_MAX + 8] = "";
    wf_tape tape;
    memset(text, '[', WF_TAPE_DEPTH_MAX);
    memset(text + WF_TAPE_DEPTH_MAX, ']', WF_TAPE_DEPTH_MAX);
    CHECK_OK(read_tape(&tape, text));
    wf_tape_fini(&tape);
    memset(text, '[', WF_TAPE_DEPTH_MAX + 1);
    CHECK_EQ(read_tape(&tape, text), -WEFT_M_EMODEL);
    wf_tape_fini(&tape);
}

/* ---- safetensors ---- */

/* A file of a head and `data_bytes` bytes that count up. */
static wf_image *make_file(const char *head, size_t data_bytes)
{
    uint8_t bytes[1024] = {0};
    size_t head_bytes = strlen(head);
    wf_image *image;
    bytes[0] = (uint8_t)head_bytes;
    bytes[1] = (uint8_t)(head_bytes >> 8);
    memcpy(bytes + 8, head, head_bytes);
    for (size_t i = 0; i < data_bytes; i++)
        bytes[8 + head_bytes + i] = (uint8_t)i;
    CHECK_OK(wf_image_of(&image, bytes, 8 + head_bytes + data_bytes));
    return image;
}

static int open_file(const char *head, size_t data_bytes)
{
    wf_reason reason = {""};
    wf_tensors tensors;
    wf_image *image = make_file(head, data_bytes);
    int rc = wf_tensors_open(&tensors, image, &reason);
    note("%s: %s", head, reason.text);
    wf_tensors_fini(&tensors);
    wf_image_unref(image);
    return rc;
}

#define F32_4 "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0,16]}"

TEST(safetensors_reads_every_kind_of_number)
{
    static const char head[] = "{\"f\":{\"dtype\":\"F16\",\"shape\":[4],\"data_offsets\":[0,8]},"
                               "\"b\":{\"dtype\":\"BF16\",\"shape\":[1],\"data_offsets\":[8,10]},"
                               "\"i\":{\"dtype\":\"I8\",\"shape\":[2,1],\"data_offsets\":[10,12]},"
                               "\"l\":{\"dtype\":\"I64\",\"shape\":[1],\"data_offsets\":[12,20]}}";
    static const uint8_t data[] = {0x00, 0x3C, 0x01, 0x00, 0x00, 0xFC, 0x00, 0xC2, 0x80, 0x3F,
                                   0xFF, 0x05, 0xFE, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF};
    wf_reason reason = {""};
    wf_tensors tensors;
    float four[4], one;
    wf_image *image = make_file(head, sizeof(data));
    memcpy((uint8_t *)image->bytes + 8 + sizeof(head) - 1, data, sizeof(data));
    CHECK_OK(wf_tensors_open(&tensors, image, &reason));
    wf_tensor_floats(wf_tensors_find(&tensors, "f"), 0, 4, four);
    CHECK_NEAR(four[0], 1, 0);
    CHECK_NEAR(four[1], 0x1p-24, 0);
    CHECK(four[2] < -1e30f);
    CHECK_NEAR(four[3], -3, 0);
    wf_tensor_floats(wf_tensors_find(&tensors, "b"), 0, 1, &one);
    CHECK_NEAR(one, 1, 0);
    wf_tensor_floats(wf_tensors_find(&tensors, "i"), 0, 1, &one);
    CHECK_NEAR(one, -1, 0);
    CHECK_EQ(wf_tensor_integer(wf_tensors_find(&tensors, "l"), 0), -2);
    CHECK(wf_tensors_find(&tensors, "x") == NULL);
    wf_tensors_fini(&tensors);
    wf_image_unref(image);
}

TEST(safetensors_refuses_what_does_not_fit)
{
    CHECK_OK(open_file(F32_4 "}", 16));
    CHECK_EQ(open_file(F32_4 "}", 15), -WEFT_M_EMODEL);
    CHECK_EQ(open_file(F32_4 "}", 17), -WEFT_M_EMODEL); /* a byte that nobody has */
    CHECK_EQ(
        open_file(F32_4 ",\"b\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[12,16]}}", 16),
        -WEFT_M_EMODEL); /* overlaps */
    CHECK_EQ(
        open_file(F32_4 ",\"b\":{\"dtype\":\"I8\",\"shape\":[4],\"data_offsets\":[20,24]}}", 24),
        -WEFT_M_EMODEL); /* a gap */
    static const char *const bad[] = {
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[3],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"X\",\"shape\":[4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[-4],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[16,0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4],\"data_offsets\":[0]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[4294967296,4294967296],\"data_offsets\":[0,16]}}",
        "{\"a\":{\"dtype\":\"F32\",\"shape\":[1,1,1,1,1,1,1,1,4],\"data_offsets\":[0,16]}}",
        "{\"a\":7}",
        "[]",
        "{",
    };
    for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
        CHECK_EQ(open_file(bad[i], 16), -WEFT_M_EMODEL);
}

/* ---- tokenizers ---- */

static const char tiny[] =
    "{\"added_tokens\":[{\"id\":7,\"content\":\"[M]\",\"special\":true}],"
    "\"normalizer\":{\"type\":\"BertNormalizer\"},\"pre_tokenizer\":{\"type\":\"BertPreTokenizer\"}"
    ","
    "\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":0,\"a\":1,\"##b\":2}}}";

static int read_tokenizer(const char *text, size_t bytes, wf_reason *reason)
{
    wf_tokenizer *it = calloc(1, sizeof(*it));
    int rc = wf_tokenizer_read(it, text, bytes, reason);
    if (rc == 0)
        wf_tokenizer_fini(it);
    free(it);
    return rc;
}

/* Of no bytes each, so that only their number can be too high. */
TEST(safetensors_has_a_limit_of_tensors)
{
    for (size_t count = WF_TENSORS_MAX; count <= WF_TENSORS_MAX + 1; count++) {
        wf_buf head = {0}, file = {0};
        wf_image *image;
        wf_tensors tensors;
        wf_reason reason = {""};
        for (size_t i = 0; i < count; i++)
            wf_buf_printf(&head,
                          "%c\"%zu\":{\"dtype\":\"I8\",\"shape\":[0],\"data_offsets\":[0,0]}",
                          i == 0 ? '{' : ',', i);
        wf_buf_putc(&head, '}');
        uint64_t head_bytes = wf_buf_bytes(&head);
        wf_buf_append(&file, &head_bytes, sizeof(head_bytes));
        wf_buf_append(&file, wf_buf_ptr(&head), wf_buf_bytes(&head));
        CHECK_OK(wf_image_of(&image, wf_buf_ptr(&file), wf_buf_bytes(&file)));
        int rc = wf_tensors_open(&tensors, image, &reason);
        CHECK_EQ(rc, count == WF_TENSORS_MAX ? 0 : -WEFT_M_EMODEL);
        wf_tensors_fini(&tensors);
        wf_image_unref(image);
        wf_buf_fini(&head);
        wf_buf_fini(&file);
    }
}

TEST(tokenizer_cut_anywhere_is_refused)
{
    wf_reason reason;
    CHECK_OK(read_tokenizer(tiny, sizeof(tiny) - 1, &reason));
    for (size_t bytes = 0; bytes + 1 < sizeof(tiny); bytes++) {
        reason.text[0] = '\0';
        CHECK_EQ(read_tokenizer(tiny, bytes, &reason), -WEFT_M_EMODEL);
        CHECK(reason.text[0] != '\0');
    }
}

TEST(tokenizer_names_what_it_does_not_know)
{
    static const char *const parts[][2] = {
        {"{\"model\":{\"type\":\"WordLevel\",\"vocab\":{\"a\":0}}}", "WordLevel"},
        {"{\"normalizer\":{\"type\":\"Nmt\"},\"model\":{}}", "Nmt"},
        {"{\"pre_tokenizer\":{\"type\":\"UnicodeScripts\"},\"model\":{}}", "UnicodeScripts"},
        {"{\"pre_tokenizer\":{\"type\":\"Split\",\"pattern\":{\"Regex\":\"a+?\"}},\"model\":{}}",
         "a+?"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[\"a b\"]}}", "merge 0"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":0.5}}",
         "dropout"},
        {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":1,\"vocab\":[[\"a\",0]]}}", "unk_id"},
        {"{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\"]]}}", "at 0"},
        {"{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"a\":0}}}",
         "unk_token"},
        {"{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":-1}}}", "'?'"},
        {"{\"normalizer\":{\"type\":\"Precompiled\",\"precompiled_charsmap\":\"AAA=\"},\"model\":{}"
         "}",
         "charsmap"},
    };
    for (size_t i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
        wf_reason reason = {""};
        CHECK_EQ(read_tokenizer(parts[i][0], strlen(parts[i][0]), &reason), -WEFT_M_EMODEL);
        note("%s: %s", parts[i][0], reason.text);
        CHECK(strstr(reason.text, parts[i][1]) != NULL);
    }
}

/* Time and memory stay in proportion to the text. */
TEST(tokenizer_takes_long_words)
{
    static const char bpe[] =
        "{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"aa\":1,\"aaaa\":2},"
        "\"merges\":[\"a a\",\"aa aa\"]}}";
    static char word[1 << 16];
    wf_tokenizer *it = calloc(1, sizeof(*it));
    wf_tokens tokens = {0};
    wf_reason reason;
    memset(word, 'a', sizeof(word));
    CHECK_OK(wf_tokenizer_read(it, bpe, sizeof(bpe) - 1, &reason));
    CHECK_OK(wf_tokenize(it, (weft_str){word, sizeof(word)}, &tokens));
    CHECK_EQ(tokens.count, sizeof(word) / 4);
    wf_tokens_fini(&tokens);
    wf_tokenizer_fini(it);
    free(it);
}

/* A word of `chars` characters: the count of its tokens; 1 if it is unknown. */
static size_t tokens_of_a_word(const char *limit, size_t chars)
{
    char json[200], word[1100];
    wf_tokenizer it = {0};
    wf_tokens tokens = {0};
    wf_reason reason = {""};
    int bytes = snprintf(json, sizeof(json),
                         "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",%s"
                         "\"vocab\":{\"?\":0,\"a\":1,\"##a\":2}}}",
                         limit);
    CHECK_OK(wf_tokenizer_read(&it, json, (size_t)bytes, &reason));
    memset(word, 'a', chars);
    CHECK_OK(wf_tokenize(&it, (weft_str){word, chars}, &tokens));
    size_t count = tokens.count;
    wf_tokens_fini(&tokens);
    wf_tokenizer_fini(&it);
    return count;
}

TEST(wordpiece_knows_no_word_longer_than_its_limit)
{
    static const char two_hundred[] = "\"max_input_chars_per_word\":200,";
    static const char over[] =
        "{\"model\":{\"type\":\"WordPiece\",\"unk_token\":\"?\",\"vocab\":{\"?\":0},"
        "\"max_input_chars_per_word\":1025}}";
    wf_reason reason = {""};
    CHECK_EQ(tokens_of_a_word(two_hundred, 200), 200u);
    CHECK_EQ(tokens_of_a_word(two_hundred, 201), 1u);
    CHECK_EQ(tokens_of_a_word("", 100), 100u);
    CHECK_EQ(tokens_of_a_word("", 101), 1u);
    CHECK_EQ(read_tokenizer(over, sizeof(over) - 1, &reason), -WEFT_M_EMODEL);
}

TEST(unigram_has_no_piece_longer_than_the_limit)
{
    char piece[1026], json[1200];
    for (int bytes = 1024; bytes <= 1025; bytes++) {
        wf_reason reason = {""};
        memset(piece, 'a', sizeof(piece));
        int count =
            snprintf(json, sizeof(json),
                     "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"%.*s\",0]]}}",
                     bytes, piece);
        int rc = read_tokenizer(json, (size_t)count, &reason);
        CHECK_EQ(rc, bytes == 1024 ? 0 : -WEFT_M_EMODEL);
    }
}

/* Nobody wants its tokens any more when it begins. */
struct unwanted {
    wf_tokenizer *tokenizer;
    bool has_begun; /* atomic */
    int rc;
};

static int tokenize_unwanted(void *arg)
{
    struct unwanted *it = arg;
    wf_tokens tokens = {0};
    __atomic_store_n(&it->has_begun, true, __ATOMIC_RELEASE);
    while (!weft_blocking_cancelled())
        sched_yield();
    it->rc = wf_tokenize(it->tokenizer, weft_str_of("aaaa"), &tokens);
    wf_tokens_fini(&tokens);
    return it->rc;
}

static int tokenize_body(void *arg)
{
    return weft_run_cpu(tokenize_unwanted, arg);
}

static int cancel_tokenize(void *arg)
{
    struct unwanted *it = arg;
    weft_task task = weft_spawn(tokenize_body, it);
    while (!__atomic_load_n(&it->has_begun, __ATOMIC_ACQUIRE))
        CHECK_OK(weft_yield());
    weft_cancel(task, "no more");
    CHECK_EQ(weft_await(task), -ECANCELED);
    return 0;
}

TEST(unigram_ends_within_a_text_when_cancelled)
{
    static const char json[] =
        "{\"model\":{\"type\":\"Unigram\",\"unk_id\":0,\"vocab\":[[\"a\",0]]}}";
    wf_reason reason;
    struct unwanted it = {.tokenizer = calloc(1, sizeof(*it.tokenizer))};
    CHECK_OK(wf_tokenizer_read(it.tokenizer, json, sizeof(json) - 1, &reason));
    CHECK_OK(weft_run(cancel_tokenize, &it));
    CHECK_EQ(it.rc, -ECANCELED);
    wf_tokenizer_fini(it.tokenizer);
    free(it.tokenizer);
}

WORK_SCENARIO(tokenizer_survives_a_lack_of_memory)
{
    wf_reason reason;
    wf_tokens tokens = {0};
    wf_tokenizer *it = calloc(1, sizeof(*it));
    int rc = wf_tokenizer_read(it, tiny, sizeof(tiny) - 1, &reason);
    if (rc == 0) {
        rc = wf_tokenize(it, (weft_str){"ab [M] \xC3\xA9 abb", 13}, &tokens);
        wf_tokenizer_fini(it);
    }
    wf_tokens_fini(&tokens);
    free(it);
    return rc;
}
