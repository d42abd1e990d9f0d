/* SPDX-License-Identifier: MIT */

#include "match/transformer/feed.h"

#include "base/utf8.h"
#include "match/tokenize/kinds.h"

#include <string.h>

/* ---- configuration ---- */

struct reading {
    wf_feed *out;
    wf_folder *folder;
    const char *inner;
    const wf_shape *shape;
};

/* A number of tokens, as far as there are places; the limit of a file read before does not count
 * then.  Without a number, or with the very large one that stands for none, that limit stays. */
static void take_limit(const struct reading *it, const wf_tape *tape, const char *key)
{
    size_t given, most = it->shape->tokens_max;
    if (wf_tape_size(tape, wf_tape_get(tape, 0, key), &given))
        it->out->tokens_max = given < most ? given : most;
}

typedef int take_fn(struct reading *it, const wf_tape *tape, const char *name);

/* Whether a list of inputs is given, and leaves out the types of tokens. */
static bool leaves_out_types(const wf_tape *tape)
{
    uint32_t list = wf_tape_get(tape, 0, "model_input_names");
    bool leaves_out = wf_tape_kind(tape, list) == WF_VALUE_ARRAY;
    for (uint32_t at = wf_tape_first(tape, list); at != WF_NO_VALUE;
         at = wf_tape_next(tape, list, at))
        leaves_out &= !wf_tape_is(tape, at, "token_type_ids");
    return leaves_out;
}

static int take_tokenizer_config(struct reading *it, const wf_tape *tape, const char *name)
{
    (void)name;
    take_limit(it, tape, "model_max_length");
    it->out->is_typeless = leaves_out_types(tape);
    if (wf_tape_is(tape, wf_tape_get(tape, 0, "truncation_side"), "left"))
        return wf_reason_set(it->folder->reason, "its truncation_side 'left' is not supported");
    return 0;
}

/* Lower case before anything else. */
static int lower_first(wf_steps *steps, wf_reason *reason)
{
    if (steps->count == WF_STEPS_MAX)
        return wf_reason_set(reason, "its tokenizer has more than %u steps", WF_STEPS_MAX - 1);
    memmove(&steps->items[1], &steps->items[0], steps->count * sizeof(steps->items[0]));
    steps->items[0] = (wf_step){.kind = WF_STEP_LOWER};
    steps->count++;
    return 0;
}

static int take_sentence_config(struct reading *it, const wf_tape *tape, const char *name)
{
    (void)name;
    take_limit(it, tape, "max_seq_length");
    if (wf_tape_count(tape, wf_tape_get(tape, 0, "processing_kwargs")) != 0)
        return wf_reason_set(it->folder->reason, "its processing_kwargs are not supported");
    bool is_lower = wf_tape_bool(tape, wf_tape_get(tape, 0, "do_lower_case"), false);
    return is_lower ? lower_first(&it->out->tokenizer.normaliser, it->folder->reason) : 0;
}

/* A file that need not be there. */
static int read_config(struct reading *it, const char *name, take_fn *take)
{
    wf_tape tape;
    wf_image *image;
    int rc = wf_folder_json(it->folder, it->inner, name, &tape, &image);
    bool is_none = rc == -ENOENT;
    if (rc == 0)
        rc = take(it, &tape, name);
    wf_tape_fini(&tape);
    wf_image_unref(image);
    return is_none ? 0 : wf_folder_blame(it->folder, it->inner, name, rc);
}

static int check_ids(const struct reading *it)
{
    const wf_tokenizer *tokenizer = &it->out->tokenizer;
    const wf_shape *shape = it->shape;
    if (tokenizer->unknown_id != WF_NO_TOKEN && tokenizer->unknown_id >= shape->words)
        return wf_reason_set(it->folder->reason, "its unknown token has no embedding");
    if (wf_tokenizer_id_max(tokenizer) >= shape->words)
        return wf_reason_set(it->folder->reason, "it has token %u; the model's vocab_size is %zu",
                             wf_tokenizer_id_max(tokenizer), shape->words);
    size_t single = wf_frame_tokens(&tokenizer->frame.single);
    size_t pair = wf_frame_tokens(&tokenizer->frame.pair);
    if ((single > pair ? single : pair) >= it->out->tokens_max)
        return wf_reason_set(it->folder->reason,
                             "%zu tokens a text (max_seq_length, model_max_length) leave no room "
                             "beside the special ones",
                             it->out->tokens_max);
    return 0;
}

int wf_feed_open(wf_feed *feed, wf_folder *folder, const char *inner, const wf_shape *shape)
{
    struct reading it = {feed, folder, inner, shape};
    feed->tokens_max = shape->tokens_max;
    int rc = wf_folder_tokenizer(folder, inner, &feed->tokenizer);
    if (rc == 0)
        rc = read_config(&it, "tokenizer_config.json", take_tokenizer_config);
    if (rc == 0)
        rc = read_config(&it, "sentence_bert_config.json", take_sentence_config);
    if (rc == 0)
        rc = wf_folder_blame(folder, inner, "tokenizer.json", check_ids(&it));
    return rc < 0 ? rc : wf_prompt_read(&feed->prompt, folder);
}

void wf_feed_fini(wf_feed *feed)
{
    wf_prompt_fini(&feed->prompt);
    wf_tokenizer_fini(&feed->tokenizer);
}

/* ---- feeding ---- */

/* White space for Python, which is more than for Unicode: the separators of ASCII too. */
static bool is_space(uint32_t c)
{
    return wf_kind_is_space(c) || (c >= 0x1C && c <= 0x1F) || c == 0x85;
}

static weft_str strip(weft_str text)
{
    size_t start = 0, end = 0;
    for (size_t at = 0; at < text.len && is_space(wf_utf8_next(text.ptr, &at));)
        start = at;
    for (size_t at = start; at < text.len;) {
        if (!is_space(wf_utf8_next(text.ptr, &at)))
            end = at;
    }
    return (weft_str){text.ptr + start, end > start ? end - start : 0};
}

/* Some tokens of one text. */
struct span {
    const uint32_t *ids;
    size_t count;
};

static int put_span(struct span span, uint8_t type, wf_pile *pile)
{
    int rc = 0;
    for (size_t i = 0; i < span.count && rc == 0; i++)
        rc = wf_pile_put(pile, span.ids[i], type);
    return rc;
}

static int put_list(const wf_feed *feed, const wf_frame_list *list, struct span first,
                    struct span second, wf_pile *pile)
{
    int rc = 0;
    for (size_t i = 0; i < list->count && rc == 0; i++) {
        const struct wf_frame_item *item = &list->items[i];
        uint8_t type = feed->is_typeless ? 0 : item->type;
        const struct span spans[] = {{&item->id, 1}, first, second};
        rc = put_span(spans[item->kind], type, pile);
    }
    return rc < 0 ? rc : wf_pile_end_text(pile);
}

int wf_feed_prompt_tokens(const wf_feed *feed, size_t *out)
{
    wf_tokens tokens = {0};
    wf_pile pile = {0};
    const wf_frame_list *list = &feed->tokenizer.frame.single;
    *out = 0;
    if (feed->prompt.text == NULL)
        return 0;
    int rc = wf_feed_text(feed, (weft_str){NULL, 0}, &tokens, &pile);
    bool ends_special = list->count != 0 && list->items[list->count - 1].kind == WF_FRAME_TOKEN;
    *out = pile.token_count - (pile.token_count != 0 && ends_special);
    wf_pile_fini(&pile);
    wf_tokens_fini(&tokens);
    return rc;
}

int wf_feed_text(const wf_feed *feed, weft_str text, wf_tokens *tokens, wf_pile *pile)
{
    const wf_frame_list *list = &feed->tokenizer.frame.single;
    size_t room = feed->tokens_max - wf_frame_tokens(list);
    int rc = wf_prompt_put(&feed->prompt, text, &tokens->prompted, &text);
    if (rc == 0)
        rc = wf_tokenize(&feed->tokenizer, strip(text), tokens);
    struct span span = {tokens->ids, tokens->count < room ? tokens->count : room};
    return rc < 0 ? rc : put_list(feed, list, span, (struct span){NULL, 0}, pile);
}

int wf_feed_pair(const wf_feed *feed, weft_str first, weft_str second, wf_tokens *tokens,
                 wf_tokens *spare, wf_pile *pile)
{
    const wf_frame_list *list = &feed->tokenizer.frame.pair;
    int rc = wf_prompt_put(&feed->prompt, first, &tokens->prompted, &first);
    if (rc == 0)
        rc = wf_tokenize(&feed->tokenizer, strip(first), tokens);
    if (rc == 0)
        rc = wf_tokenize(&feed->tokenizer, strip(second), spare);
    struct span a = {tokens->ids, tokens->count}, b = {spare->ids, spare->count};
    wf_frame_cut(list, feed->tokens_max, &a.count, &b.count);
    return rc < 0 ? rc : put_list(feed, list, a, b, pile);
}
