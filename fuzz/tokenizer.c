/* SPDX-License-Identifier: MIT */

/* A tokenizer.json out of any bytes, or a vocab.txt with a NUL and its tokenizer_config.json behind
 * it: refused with a reason in UTF-8, or read; a good one makes ids that it has of any text, the
 * same each time. */

#include "match/tokenize/tokenizer.h"
#include "match/tokenize/vocab_txt.h"

#include "base/alloc.h"
#include "base/utf8.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint32_t id_max(const wf_tokenizer *it)
{
    uint32_t max = it->vocab.id_max;
    for (size_t i = 0; i < it->added_count; i++)
        max = it->added[i].id > max ? it->added[i].id : max;
    return max;
}

static void check(const wf_tokenizer *it, weft_str text, wf_tokens *tokens)
{
    if (wf_tokenize(it, text, tokens) < 0)
        return;
    size_t count = tokens->count;
    uint32_t sum = 0, again = 0;
    for (size_t i = 0; i < count; i++) {
        assert(tokens->ids[i] <= id_max(it));
        sum = sum * 31 + tokens->ids[i];
    }
    if (wf_tokenize(it, text, tokens) < 0)
        return;
    assert(tokens->count == count);
    for (size_t i = 0; i < count; i++)
        again = again * 31 + tokens->ids[i];
    assert(again == sum);
}

static int read_vocab_txt(wf_tokenizer *it, const char *text, size_t size, wf_reason *reason)
{
    const char *end = memchr(text, '\0', size), *config = end + 1;
    wf_tape tape;
    wf_buf json = {0};
    int rc = wf_tape_read(&tape, config, size - (size_t)(config - text), reason);
    if (rc == 0)
        rc = wf_vocab_txt_write((weft_str){text, (size_t)(end - text)}, &tape, &json, reason);
    if (rc == 0)
        rc = wf_tokenizer_read(it, wf_buf_ptr(&json), wf_buf_bytes(&json), reason);
    wf_buf_fini(&json);
    wf_tape_fini(&tape);
    return rc;
}

static int read_any(wf_tokenizer *it, const char *text, size_t size, wf_reason *reason)
{
    return size > 0 && memchr(text, '\0', size) != NULL ? read_vocab_txt(it, text, size, reason)
                                                        : wf_tokenizer_read(it, text, size, reason);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static const char *const texts[] = {
        "", " ", "a", "ab aba [M] b\xC3\xA9.", "\xF0\x9F\x98\x80 12 \xE2\x96\x81x\t\xCC\x81",
    };
    wf_reason reason = {""};
    wf_tokens tokens = {0};
    wf_tokenizer *it = wf_alloc(sizeof(*it));
    if (it == NULL)
        return 0;
    int rc = read_any(it, (const char *)data, size, &reason);
    assert(rc != -WEFT_M_EMODEL || reason.text[0] != '\0');
    assert(wf_utf8_is_valid(reason.text, strlen(reason.text)));
    if (rc == 0) {
        for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
            check(it, (weft_str){texts[i], strlen(texts[i])}, &tokens);
        if (wf_utf8_is_valid((const char *)data, size))
            check(it, (weft_str){(const char *)data, size}, &tokens);
        wf_tokenizer_fini(it);
    }
    wf_tokens_fini(&tokens);
    wf_free(it);
    return 0;
}
