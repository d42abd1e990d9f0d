/* SPDX-License-Identifier: MIT */

/* tokenizer.json. */
#include "match/tokenize/tokenizer.h"

#include "base/alloc.h"

#include <string.h>

struct reading {
    wf_tokenizer *out;
    wf_tape tape;
    wf_reason *reason;
    wf_steps_memory memory;
};

/* An object {text: id} into the vocabulary. */
static int read_vocab(struct reading *reading, uint32_t object)
{
    const wf_tape *tape = &reading->tape;
    if (wf_tape_kind(tape, object) != WF_VALUE_OBJECT || wf_tape_count(tape, object) == 0)
        return wf_reason_set(reading->reason, "its tokenizer has no vocabulary");
    for (uint32_t key = wf_tape_first(tape, object); key != WF_NO_VALUE;) {
        uint32_t value = wf_tape_next(tape, object, key);
        weft_str text = wf_tape_string(tape, key);
        size_t id;
        if (!wf_tape_size(tape, value, &id) || id >= WF_TAPE_VALUES_MAX)
            return wf_reason_set(reading->reason, "token '%.*s' of its vocabulary has no id",
                                 wf_reason_shown(text), text.ptr);
        int rc = wf_vocab_add(&reading->out->vocab, text, (uint32_t)id);
        if (rc < 0)
            return rc;
        key = wf_tape_next(tape, object, value);
    }
    return 0;
}

/* "unk_token": a text of the vocabulary; `must_be`: it may not be missing. */
static int read_unknown(struct reading *reading, uint32_t model, bool must_be)
{
    weft_str text = wf_tape_string(&reading->tape, wf_tape_get(&reading->tape, model, "unk_token"));
    if (text.ptr != NULL)
        reading->out->unknown_id = wf_vocab_find(&reading->out->vocab, text);
    bool is_missing = reading->out->unknown_id == WF_NO_TOKEN && (must_be || text.ptr != NULL);
    return is_missing ? wf_reason_set(reading->reason, "its vocabulary has no unk_token") : 0;
}

/* A model without its "type" is known by what it has, as in files of older versions. */
static bool is_model(const struct reading *reading, uint32_t model, const char *type,
                     const char *sign)
{
    uint32_t named = wf_tape_get(&reading->tape, model, "type");
    return named != WF_NO_VALUE ? wf_tape_is(&reading->tape, named, type)
                                : wf_tape_get(&reading->tape, model, sign) != WF_NO_VALUE;
}

static int read_model(struct reading *reading, uint32_t model)
{
    wf_tokenizer *out = reading->out;
    const wf_tape *tape = &reading->tape;
    uint32_t vocab = wf_tape_get(tape, model, "vocab");
    int rc;
    if (is_model(reading, model, "Unigram", "unk_id")) {
        out->kind = WF_MODEL_UNIGRAM;
        return wf_unigram_read(&out->model.unigram, &out->vocab, &out->unknown_id, tape, model,
                               reading->reason);
    }
    if (is_model(reading, model, "BPE", "merges")) {
        out->kind = WF_MODEL_BPE;
        rc = read_vocab(reading, vocab);
        if (rc == 0)
            rc = read_unknown(reading, model, /* must_be= */ false);
        return rc < 0 ? rc
                      : wf_bpe_read(&out->model.bpe, &out->vocab, tape, model, reading->reason);
    }
    if (is_model(reading, model, "WordPiece", "max_input_chars_per_word")) {
        rc = read_vocab(reading, vocab);
        if (rc == 0)
            rc = read_unknown(reading, model, /* must_be= */ true);
        return rc < 0 ? rc : wf_wordpiece_read(&out->model.wordpiece, tape, model, reading->reason);
    }
    weft_str type = wf_tape_string(tape, wf_tape_get(tape, model, "type"));
    return wf_reason_set(reading->reason, "its tokenizer has an unknown model '%.*s'",
                         wf_reason_shown(type), type.ptr != NULL ? type.ptr : "");
}

/* A token that is looked for in normalised text is normalised too. */
static int read_content(struct reading *reading, weft_str content, wf_added *out)
{
    wf_steps_memory *memory = &reading->memory;
    size_t first = 0;
    memory->text.count = 0;
    int rc = wf_scalars_read(&memory->text, content);
    if (rc == 0 && out->is_normalised)
        rc = wf_steps_normalise(&reading->out->normaliser, memory, &first);
    return rc < 0 ? rc : wf_scalars_append(&out->text, memory->text.at, memory->text.count);
}

static int read_added(struct reading *reading, uint32_t value, wf_added *out)
{
    const wf_tape *tape = &reading->tape;
    weft_str content = wf_tape_string(tape, wf_tape_get(tape, value, "content"));
    size_t id;
    if (content.ptr == NULL || !wf_tape_size(tape, wf_tape_get(tape, value, "id"), &id) ||
        id >= WF_TAPE_VALUES_MAX)
        return wf_reason_set(reading->reason, "an added token has no content or no id");
    uint32_t known = wf_vocab_find(&reading->out->vocab, content);
    out->id = known != WF_NO_TOKEN ? known : (uint32_t)id;
    bool is_special = wf_tape_bool(tape, wf_tape_get(tape, value, "special"), false);
    out->is_single_word = wf_tape_bool(tape, wf_tape_get(tape, value, "single_word"), false);
    out->trims_left = wf_tape_bool(tape, wf_tape_get(tape, value, "lstrip"), false);
    out->trims_right = wf_tape_bool(tape, wf_tape_get(tape, value, "rstrip"), false);
    out->is_normalised = wf_tape_bool(tape, wf_tape_get(tape, value, "normalized"), !is_special);
    return read_content(reading, content, out);
}

static int read_all_added(struct reading *reading, uint32_t list)
{
    wf_tokenizer *out = reading->out;
    size_t count = wf_tape_count(&reading->tape, list);
    if (count > WF_ADDED_MAX)
        return wf_reason_set(reading->reason, "it has more than %u added tokens", WF_ADDED_MAX);
    if (wf_tape_kind(&reading->tape, list) != WF_VALUE_ARRAY || count == 0)
        return 0;
    out->added = wf_array(count, sizeof(*out->added));
    int rc = out->added != NULL ? 0 : -ENOMEM;
    for (uint32_t at = wf_tape_first(&reading->tape, list); at != WF_NO_VALUE && rc == 0;
         at = wf_tape_next(&reading->tape, list, at)) {
        out->added[out->added_count].order = (uint32_t)out->added_count;
        rc = read_added(reading, at, &out->added[out->added_count++]);
    }
    if (rc == 0)
        out->added_count = wf_added_sort(out->added, out->added_count);
    return rc;
}

static int read_parts(struct reading *reading)
{
    const wf_tape *tape = &reading->tape;
    wf_tokenizer *out = reading->out;
    if (wf_tape_kind(tape, 0) != WF_VALUE_OBJECT)
        return wf_reason_set(reading->reason, "it is no object");
    uint32_t model = wf_tape_get(tape, 0, "model");
    int rc = wf_vocab_init(&out->vocab, wf_tape_count(tape, wf_tape_get(tape, model, "vocab")));
    if (rc == 0)
        rc = wf_steps_read_normaliser(&out->normaliser, tape, wf_tape_get(tape, 0, "normalizer"),
                                      reading->reason);
    if (rc == 0)
        rc = wf_steps_read_splitter(&out->splitter, tape, wf_tape_get(tape, 0, "pre_tokenizer"),
                                    reading->reason);
    if (rc == 0)
        rc = read_model(reading, model);
    if (rc == 0)
        rc = read_all_added(reading, wf_tape_get(tape, 0, "added_tokens"));
    return rc < 0 ? rc
                  : wf_frame_read(&out->frame, tape, wf_tape_get(tape, 0, "post_processor"),
                                  reading->reason);
}

int wf_tokenizer_read(wf_tokenizer *out, const char *text, size_t bytes, wf_reason *reason)
{
    struct reading reading = {.out = out, .reason = reason};
    memset(out, 0, sizeof(*out));
    out->unknown_id = WF_NO_TOKEN;
    int rc = wf_tape_read(&reading.tape, text, bytes, reason);
    if (rc == 0)
        rc = read_parts(&reading);
    wf_steps_memory_fini(&reading.memory);
    wf_tape_fini(&reading.tape);
    if (rc < 0)
        wf_tokenizer_fini(out);
    return rc;
}

void wf_tokenizer_fini(wf_tokenizer *it)
{
    if (it->kind == WF_MODEL_UNIGRAM)
        wf_unigram_fini(&it->model.unigram);
    if (it->kind == WF_MODEL_BPE)
        wf_bpe_fini(&it->model.bpe);
    for (size_t i = 0; i < it->added_count; i++)
        wf_scalars_fini(&it->added[i].text);
    wf_free(it->added);
    wf_steps_fini(&it->normaliser);
    wf_steps_fini(&it->splitter);
    wf_vocab_fini(&it->vocab);
    memset(it, 0, sizeof(*it));
}

uint32_t wf_tokenizer_id_max(const wf_tokenizer *it)
{
    uint32_t max = wf_frame_id_max(&it->frame);
    max = it->vocab.id_max > max ? it->vocab.id_max : max;
    for (size_t i = 0; i < it->added_count; i++)
        max = it->added[i].id > max ? it->added[i].id : max;
    return max;
}
