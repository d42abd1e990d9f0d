/* SPDX-License-Identifier: MIT */

#include "match/tokenize/vocab_txt.h"

#include "base/json_write.h"
#include "base/str.h"
#include "base/utf8.h"

#include <string.h>

enum special { UNKNOWN, SEPARATOR, PADDING, FIRST, MASK, SPECIALS };

/* What the settings say, or what they mean by saying nothing. */
struct settings {
    weft_str specials[SPECIALS];
    uint64_t ids[SPECIALS]; /* lines; NO_LINE: it is not in the vocabulary */
    bool lowers, strips_accents, spaces_ideographs;
};

#define NO_LINE UINT64_MAX

/* ---- settings ---- */

/* A token is its text, or an object with it. */
static weft_str token_of(const wf_tape *config, const char *key, const char *otherwise)
{
    uint32_t value = wf_tape_get(config, 0, key);
    if (wf_tape_kind(config, value) == WF_VALUE_OBJECT)
        value = wf_tape_get(config, value, "content");
    weft_str text = wf_tape_string(config, value);
    return text.ptr != NULL ? text : weft_str_of(otherwise);
}

/* Only the classes that put [CLS] and [SEP] around a text as BERT does. */
static int check_class(const wf_tape *config, wf_reason *reason)
{
    static const char *const known[] = {"BertTokenizer", "BertTokenizerFast", "DistilBertTokenizer",
                                        "DistilBertTokenizerFast"};
    uint32_t value = wf_tape_get(config, 0, "tokenizer_class");
    weft_str name = wf_tape_string(config, value);
    bool is_known = wf_tape_kind(config, value) <= WF_VALUE_NULL;
    for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
        is_known |= wf_tape_is(config, value, known[i]);
    if (!is_known)
        return wf_reason_set(reason,
                             "without tokenizer.json its tokenizer_class '%.*s' is not known",
                             wf_reason_shown(name), name.ptr != NULL ? name.ptr : "");
    if (!wf_tape_bool(config, wf_tape_get(config, 0, "do_basic_tokenize"), true))
        return wf_reason_set(reason, "its do_basic_tokenize false is not supported");
    if (wf_tape_count(config, wf_tape_get(config, 0, "never_split")) != 0)
        return wf_reason_set(reason, "its never_split is not supported");
    return 0;
}

static int read_settings(const wf_tape *config, struct settings *out, wf_reason *reason)
{
    static const struct {
        const char *key, *otherwise;
    } specials[SPECIALS] = {[UNKNOWN] = {"unk_token", "[UNK]"},
                            [SEPARATOR] = {"sep_token", "[SEP]"},
                            [PADDING] = {"pad_token", "[PAD]"},
                            [FIRST] = {"cls_token", "[CLS]"},
                            [MASK] = {"mask_token", "[MASK]"}};
    if (wf_tape_kind(config, 0) != WF_VALUE_OBJECT)
        return wf_reason_set(reason, "it is no object");
    for (size_t i = 0; i < SPECIALS; i++) {
        out->specials[i] = token_of(config, specials[i].key, specials[i].otherwise);
        out->ids[i] = NO_LINE;
    }
    out->lowers = wf_tape_bool(config, wf_tape_get(config, 0, "do_lower_case"), true);
    out->strips_accents =
        wf_tape_bool(config, wf_tape_get(config, 0, "strip_accents"), out->lowers);
    out->spaces_ideographs =
        wf_tape_bool(config, wf_tape_get(config, 0, "tokenize_chinese_chars"), true);
    return check_class(config, reason);
}

/* ---- writing ---- */

/* Lines end as Python reads them: \n, \r or both. */
static weft_str next_line(weft_str text, size_t *at)
{
    size_t start = *at, end = start;
    while (end < text.len && text.ptr[end] != '\n' && text.ptr[end] != '\r')
        end++;
    bool is_pair = end + 1 < text.len && text.ptr[end] == '\r' && text.ptr[end + 1] == '\n';
    *at = end + (is_pair ? 2 : 1);
    return (weft_str){text.ptr + start, end - start};
}

static size_t count_lines(weft_str text)
{
    size_t count = 0;
    for (size_t at = 0; at < text.len; count++)
        (void)next_line(text, &at);
    return count;
}

/* A token that stands twice has its last line's number. */
static void put_vocab(wf_json *json, weft_str vocab, struct settings *settings)
{
    uint64_t line = 0;
    wf_json_key(json, "vocab");
    wf_json_object(json);
    for (size_t at = 0; at < vocab.len; line++) {
        weft_str token = next_line(vocab, &at);
        wf_json_key_str(json, token);
        wf_json_uint(json, line);
        for (size_t i = 0; i < SPECIALS; i++) {
            if (wf_str_equals(token, settings->specials[i]))
                settings->ids[i] = line;
        }
    }
    wf_json_object_end(json);
}

static void put_model(wf_json *json, weft_str vocab, struct settings *settings)
{
    wf_json_key(json, "model");
    wf_json_object(json);
    wf_json_put_text(json, "type", "WordPiece");
    wf_json_put_str(json, "unk_token", settings->specials[UNKNOWN]);
    put_vocab(json, vocab, settings);
    wf_json_object_end(json);
}

static void put_steps(wf_json *json, const struct settings *settings)
{
    wf_json_key(json, "normalizer");
    wf_json_object(json);
    wf_json_put_text(json, "type", "BertNormalizer");
    wf_json_put_bool(json, "handle_chinese_chars", settings->spaces_ideographs);
    wf_json_put_bool(json, "strip_accents", settings->strips_accents);
    wf_json_put_bool(json, "lowercase", settings->lowers);
    wf_json_object_end(json);
    wf_json_key(json, "pre_tokenizer");
    wf_json_object(json);
    wf_json_put_text(json, "type", "BertPreTokenizer");
    wf_json_object_end(json);
}

static void put_added(wf_json *json, const struct settings *settings)
{
    wf_json_key(json, "added_tokens");
    wf_json_array(json);
    for (size_t i = 0; i < SPECIALS; i++) {
        if (settings->ids[i] == NO_LINE)
            continue;
        wf_json_object(json);
        wf_json_put_uint(json, "id", settings->ids[i]);
        wf_json_put_str(json, "content", settings->specials[i]);
        wf_json_put_bool(json, "special", true);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
}

static void put_end(wf_json *json, const char *key, weft_str token, uint64_t id)
{
    wf_json_key(json, key);
    wf_json_array(json);
    wf_json_str(json, token);
    wf_json_uint(json, id);
    wf_json_array_end(json);
}

static void put_frame(wf_json *json, const struct settings *settings)
{
    wf_json_key(json, "post_processor");
    wf_json_object(json);
    wf_json_put_text(json, "type", "BertProcessing");
    put_end(json, "sep", settings->specials[SEPARATOR], settings->ids[SEPARATOR]);
    put_end(json, "cls", settings->specials[FIRST], settings->ids[FIRST]);
    wf_json_object_end(json);
}

int wf_vocab_txt_write(weft_str vocab, const wf_tape *config, wf_buf *out, wf_reason *reason)
{
    struct settings settings = {0};
    wf_json json = {.out = out};
    if (vocab.len > WF_VOCAB_TXT_BYTES_MAX)
        return wf_reason_set(reason, "it has more than %zu bytes", WF_VOCAB_TXT_BYTES_MAX);
    if (count_lines(vocab) > WF_VOCAB_TXT_LINES_MAX)
        return wf_reason_set(reason, "it has more than %zu lines", WF_VOCAB_TXT_LINES_MAX);
    if (!wf_utf8_is_valid(vocab.ptr, vocab.len))
        return wf_reason_set(reason, "it is not UTF-8");
    int rc = read_settings(config, &settings, reason);
    if (rc < 0)
        return rc;
    wf_json_object(&json);
    put_model(&json, vocab, &settings);
    if (settings.ids[SEPARATOR] == NO_LINE || settings.ids[FIRST] == NO_LINE)
        return wf_reason_set(reason, "it has no cls_token or no sep_token");
    put_steps(&json, &settings);
    put_added(&json, &settings);
    put_frame(&json, &settings);
    wf_json_object_end(&json);
    return out->rc;
}
