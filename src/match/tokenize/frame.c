/* SPDX-License-Identifier: MIT */

#include "match/tokenize/frame.h"

#include <string.h>

static int list_put(wf_frame_list *list, enum wf_frame_kind kind, size_t id, size_t type,
                    wf_reason *reason)
{
    if (list->count == WF_FRAME_ITEMS_MAX)
        return wf_reason_set(reason, "its post_processor has more than %u items",
                             WF_FRAME_ITEMS_MAX);
    if (type > 1)
        return wf_reason_set(reason, "its post_processor has a type_id above 1");
    list->items[list->count++] =
        (struct wf_frame_item){.kind = kind, .id = (uint32_t)id, .type = (uint8_t)type};
    return 0;
}

/* ---- TemplateProcessing ---- */

struct template
{
    const wf_tape *tape;
    uint32_t specials; /* {name: {ids}} */
    wf_reason *reason;
};

/* The tokens that a name stands for. */
static int put_special(const struct template *it, uint32_t name, size_t type, wf_frame_list *list)
{
    const wf_tape *tape = it->tape;
    weft_str text = wf_tape_string(tape, name);
    uint32_t ids = WF_NO_VALUE;
    for (uint32_t key = wf_tape_first(tape, it->specials); key != WF_NO_VALUE;) {
        uint32_t value = wf_tape_next(tape, it->specials, key);
        weft_str other = wf_tape_string(tape, key);
        if (text.ptr != NULL && other.len == text.len && memcmp(other.ptr, text.ptr, text.len) == 0)
            ids = wf_tape_get(tape, value, "ids");
        key = wf_tape_next(tape, it->specials, value);
    }
    if (wf_tape_kind(tape, ids) != WF_VALUE_ARRAY)
        return wf_reason_set(it->reason, "its post_processor has no ids of '%.*s'",
                             wf_reason_shown(text), text.ptr != NULL ? text.ptr : "");
    int rc = 0;
    for (uint32_t at = wf_tape_first(tape, ids); at != WF_NO_VALUE && rc == 0;
         at = wf_tape_next(tape, ids, at)) {
        size_t id;
        if (!wf_tape_size(tape, at, &id) || id >= WF_TAPE_VALUES_MAX)
            return wf_reason_set(it->reason, "its post_processor has an id that is none");
        rc = list_put(list, WF_FRAME_TOKEN, id, type, it->reason);
    }
    return rc;
}

static int put_item(const struct template *it, uint32_t item, wf_frame_list *list)
{
    const wf_tape *tape = it->tape;
    uint32_t special = wf_tape_get(tape, item, "SpecialToken");
    uint32_t sequence = wf_tape_get(tape, item, "Sequence");
    uint32_t inner = special != WF_NO_VALUE ? special : sequence;
    uint32_t name = wf_tape_get(tape, inner, "id");
    size_t type = 0;
    if (!wf_tape_size(tape, wf_tape_get(tape, inner, "type_id"), &type))
        return wf_reason_set(it->reason, "its post_processor has an item without a type_id");
    if (special != WF_NO_VALUE)
        return put_special(it, name, type, list);
    bool is_second = wf_tape_is(tape, name, "B");
    if (!is_second && !wf_tape_is(tape, name, "A"))
        return wf_reason_set(it->reason, "its post_processor has a text that is neither A nor B");
    return list_put(list, is_second ? WF_FRAME_SECOND : WF_FRAME_FIRST, 0, type, it->reason);
}

/* Each text stands once. */
static int check_list(const wf_frame_list *list, size_t texts, wf_reason *reason)
{
    size_t seen[3] = {0};
    for (size_t i = 0; i < list->count; i++)
        seen[list->items[i].kind]++;
    bool is_good = seen[WF_FRAME_FIRST] == 1 && seen[WF_FRAME_SECOND] == texts - 1;
    return is_good ? 0 : wf_reason_set(reason, "its post_processor does not have each text once");
}

static int put_items(const struct template *it, uint32_t items, size_t texts, wf_frame_list *list)
{
    list->count = 0;
    int rc = 0;
    for (uint32_t at = wf_tape_first(it->tape, items); at != WF_NO_VALUE && rc == 0;
         at = wf_tape_next(it->tape, items, at))
        rc = put_item(it, at, list);
    bool is_none = texts == 2 && list->count == 0;
    return rc < 0 || is_none ? rc : check_list(list, texts, it->reason);
}

static int read_template(wf_frame *frame, const wf_tape *tape, uint32_t value, wf_reason *reason)
{
    const struct template it = {tape, wf_tape_get(tape, value, "special_tokens"), reason};
    int rc = put_items(&it, wf_tape_get(tape, value, "single"), 1, &frame->single);
    return rc < 0 ? rc : put_items(&it, wf_tape_get(tape, value, "pair"), 2, &frame->pair);
}

/* ---- BertProcessing, RobertaProcessing ---- */

/* The id of ["[SEP]", 102]. */
static bool token_id(const wf_tape *tape, uint32_t value, size_t *out)
{
    uint32_t name = wf_tape_first(tape, value);
    return wf_tape_kind(tape, value) == WF_VALUE_ARRAY && wf_tape_count(tape, value) == 2 &&
           wf_tape_size(tape, wf_tape_next(tape, value, name), out) && *out < WF_TAPE_VALUES_MAX;
}

static void put_token(wf_frame_list *list, size_t id, uint8_t type)
{
    list->items[list->count++] =
        (struct wf_frame_item){.kind = WF_FRAME_TOKEN, .id = (uint32_t)id, .type = type};
}

static void put_text(wf_frame_list *list, enum wf_frame_kind kind, uint8_t type)
{
    list->items[list->count++] = (struct wf_frame_item){.kind = kind, .type = type};
}

static int read_ends(wf_frame *frame, const wf_tape *tape, uint32_t value, bool is_roberta,
                     wf_reason *reason)
{
    size_t start, end;
    uint8_t second = is_roberta ? 0 : 1;
    if (!token_id(tape, wf_tape_get(tape, value, "cls"), &start) ||
        !token_id(tape, wf_tape_get(tape, value, "sep"), &end))
        return wf_reason_set(reason, "its post_processor has no cls or no sep");
    *frame = (wf_frame){0};
    put_token(&frame->single, start, 0);
    put_text(&frame->single, WF_FRAME_FIRST, 0);
    put_token(&frame->single, end, 0);
    frame->pair = frame->single;
    if (is_roberta)
        put_token(&frame->pair, end, 0);
    put_text(&frame->pair, WF_FRAME_SECOND, second);
    put_token(&frame->pair, end, second);
    return 0;
}

/* ---- which of them ---- */

static int read_one(wf_frame *frame, const wf_tape *tape, uint32_t value, wf_reason *reason)
{
    uint32_t type = wf_tape_get(tape, value, "type");
    if (wf_tape_is(tape, type, "TemplateProcessing"))
        return read_template(frame, tape, value, reason);
    if (wf_tape_is(tape, type, "BertProcessing"))
        return read_ends(frame, tape, value, /* is_roberta= */ false, reason);
    if (wf_tape_is(tape, type, "RobertaProcessing"))
        return read_ends(frame, tape, value, /* is_roberta= */ true, reason);
    if (wf_tape_is(tape, type, "ByteLevel")) /* moves offsets only */
        return 0;
    weft_str text = wf_tape_string(tape, type);
    return wf_reason_set(reason, "its tokenizer has an unknown post_processor '%.*s'",
                         wf_reason_shown(text), text.ptr != NULL ? text.ptr : "");
}

int wf_frame_read(wf_frame *frame, const wf_tape *tape, uint32_t value, wf_reason *reason)
{
    enum wf_value_kind kind = wf_tape_kind(tape, value);
    *frame = (wf_frame){0};
    put_text(&frame->single, WF_FRAME_FIRST, 0);
    if (kind == WF_VALUE_NONE || kind == WF_VALUE_NULL)
        return 0;
    if (!wf_tape_is(tape, wf_tape_get(tape, value, "type"), "Sequence"))
        return read_one(frame, tape, value, reason);
    uint32_t list = wf_tape_get(tape, value, "processors");
    int rc = 0;
    for (uint32_t at = wf_tape_first(tape, list); at != WF_NO_VALUE && rc == 0;
         at = wf_tape_next(tape, list, at))
        rc = read_one(frame, tape, at, reason);
    return rc;
}

/* ---- asking ---- */

size_t wf_frame_tokens(const wf_frame_list *list)
{
    size_t count = 0;
    for (size_t i = 0; i < list->count; i++)
        count += list->items[i].kind == WF_FRAME_TOKEN;
    return count;
}

static uint32_t list_id_max(const wf_frame_list *list)
{
    uint32_t max = 0;
    for (size_t i = 0; i < list->count; i++)
        max = list->items[i].id > max ? list->items[i].id : max;
    return max;
}

uint32_t wf_frame_id_max(const wf_frame *frame)
{
    uint32_t single = list_id_max(&frame->single), pair = list_id_max(&frame->pair);
    return single > pair ? single : pair;
}

void wf_frame_cut(const wf_frame_list *pair, size_t total, size_t *first, size_t *second)
{
    size_t own = wf_frame_tokens(pair), room = total > own ? total - own : 0;
    if (*first <= room && *second <= room - *first)
        return;
    bool is_first_shorter = *first <= *second;
    size_t shorter = is_first_shorter ? *first : *second;
    size_t longer = shorter > room ? shorter : room - shorter;
    longer = longer > shorter ? longer : shorter;
    if (longer > room || shorter > room - longer) {
        shorter = room / 2;
        longer = shorter + room % 2;
    }
    *first = is_first_shorter ? shorter : longer;
    *second = is_first_shorter ? longer : shorter;
}
