/* SPDX-License-Identifier: MIT */

#include "match/review/record.h"

#include "base/alloc.h"
#include "base/calendar.h"
#include "base/str.h"
#include "base/utf8.h"
#include "match/model/tape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define DAY_SECONDS 86400
#define TIME_MAX INT64_C(253402300799) /* the last second of the year 9999 */

static const char *const state_names[WEFT_M_REVIEW_STATE_COUNT] = {"pending_review", "approved",
                                                                   "rejected", "promoted"};

const char *weft_m_review_state_name(enum weft_m_review_state state)
{
    return state_names[state];
}

bool weft_m_review_state_of(weft_str name, enum weft_m_review_state *out)
{
    for (unsigned i = 0; i < WEFT_M_REVIEW_STATE_COUNT; i++) {
        if (wf_str_is(name, state_names[i])) {
            *out = (enum weft_m_review_state)i;
            return true;
        }
    }
    return false;
}

void wf_records_fini(wf_records *records)
{
    wf_arena_fini(&records->arena);
    wf_free(records->items);
    *records = (wf_records){0};
}

int wf_records_reserve(wf_records *records)
{
    if (records->count < records->capacity)
        return 0;
    size_t capacity = records->capacity != 0 ? 2 * records->capacity : 16;
    weft_m_review *items = wf_grow(records->items, capacity, sizeof(*items));
    if (items == NULL)
        return -ENOMEM;
    records->items = items;
    records->capacity = capacity;
    return 0;
}

/* ---- writing ---- */

static void put_time(wf_json *json, const char *key, int64_t seconds)
{
    char text[48];
    wf_date date = wf_date_of_days(seconds / DAY_SECONDS);
    int of_day = (int)(seconds % DAY_SECONDS);
    snprintf(text, sizeof(text), "%04d-%02d-%02dT%02d:%02d:%02dZ", date.year, date.month, date.day,
             of_day / 3600, of_day / 60 % 60, of_day % 60);
    wf_json_put_text(json, key, seconds != 0 ? text : NULL);
}

static void put_proposal(wf_json *json, const weft_m_review *it)
{
    wf_json_key(json, "proposal");
    wf_json_object(json);
    wf_json_put_str(json, "name", it->name);
    wf_json_put_str(json, "description", it->description);
    wf_json_put_double(json, "confidence", it->confidence);
    wf_json_put_uint(json, "sample_count", it->sample_count);
    wf_json_put_strs(json, "example_samples", it->examples, it->example_count);
    wf_json_put_strs(json, "keywords", it->keywords, it->keyword_count);
    wf_json_object_end(json);
}

void wf_record_write(const weft_m_review *it, wf_json *json)
{
    wf_json_object(json);
    wf_json_put_str(json, "review_id", it->review_id);
    wf_json_put_str(json, "discovery_id", it->discovery_id);
    wf_json_put_uint(json, "proposal_index", it->proposal_index);
    wf_json_put_str(json, "proposal_name", it->name);
    wf_json_put_text(json, "state", weft_m_review_state_name(it->state));
    put_proposal(json, it);
    wf_json_put_str(json, "provenance", it->provenance);
    wf_json_put_str(json, "notes", it->notes);
    put_time(json, "created_at", it->created_at);
    put_time(json, "updated_at", it->updated_at);
    put_time(json, "reviewed_at", it->reviewed_at);
    put_time(json, "promoted_at", it->promoted_at);
    wf_json_object_end(json);
}

/* ---- reading ---- */

struct reading {
    const wf_tape *tape;
    wf_records *records;
    int rc; /* the first failure */
    const char *key;
};

static void fail(struct reading *it, int rc, const char *key)
{
    if (it->rc == 0) {
        it->rc = rc;
        it->key = key;
    }
}

static void copy_text(struct reading *it, weft_str text, const char *key, weft_str *out)
{
    if (text.ptr == NULL || text.len > WF_RECORD_TEXT_MAX)
        fail(it, -WEFT_M_EPERSIST, key);
    else if (!wf_arena_copy(&it->records->arena, text, out))
        fail(it, -ENOMEM, key);
}

static void take_text(struct reading *it, uint32_t object, const char *key, size_t least,
                      weft_str *out)
{
    weft_str text = wf_tape_string(it->tape, wf_tape_get(it->tape, object, key));
    copy_text(it, text, key, out);
    if (text.len < least)
        fail(it, -WEFT_M_EPERSIST, key);
}

static void take_size(struct reading *it, uint32_t object, const char *key, size_t *out)
{
    if (!wf_tape_size(it->tape, wf_tape_get(it->tape, object, key), out) || *out > UINT32_MAX)
        fail(it, -WEFT_M_EPERSIST, key);
}

static void take_list(struct reading *it, uint32_t object, const char *key, const weft_str **out,
                      size_t *out_count)
{
    uint32_t array = wf_tape_get(it->tape, object, key);
    size_t count = wf_tape_count(it->tape, array);
    if (wf_tape_kind(it->tape, array) != WF_VALUE_ARRAY || count > WF_RECORD_LIST_MAX) {
        fail(it, -WEFT_M_EPERSIST, key);
        return;
    }
    weft_str *texts = wf_arena_array(&it->records->arena, count, sizeof(*texts));
    if (texts == NULL) {
        fail(it, -ENOMEM, key);
        return;
    }
    *out = texts;
    for (uint32_t at = wf_tape_first(it->tape, array); at != WF_NO_VALUE && it->rc == 0;
         at = wf_tape_next(it->tape, array, at))
        copy_text(it, wf_tape_string(it->tape, at), key, &texts[(*out_count)++]);
}

/* Two digits, or four; -1 for anything else. */
static int digits(const char *at, size_t count)
{
    int value = 0;
    for (size_t i = 0; i < count; i++) {
        if (at[i] < '0' || at[i] > '9')
            return -1;
        value = value * 10 + at[i] - '0';
    }
    return value;
}

/* 2026-11-21T17:40:00Z */
static bool read_time(weft_str text, int64_t *out)
{
    static const char form[] = "dddd-dd-ddTdd:dd:ddZ";
    if (text.ptr == NULL || text.len != sizeof(form) - 1)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (form[i] == 'd' ? digits(text.ptr + i, 1) < 0 : text.ptr[i] != form[i])
            return false;
    }
    wf_date date = {digits(text.ptr, 4), digits(text.ptr + 5, 2), digits(text.ptr + 8, 2)};
    int hour = digits(text.ptr + 11, 2), minute = digits(text.ptr + 14, 2);
    int second = digits(text.ptr + 17, 2);
    wf_date again = wf_date_of_days(wf_days_of_date(date));
    bool is_date = again.year == date.year && again.month == date.month && again.day == date.day;
    if (!is_date || hour > 23 || minute > 59 || second > 59)
        return false;
    *out =
        wf_days_of_date(date) * DAY_SECONDS + (int64_t)hour * 3600 + (int64_t)minute * 60 + second;
    return *out > 0 && *out <= TIME_MAX;
}

static void take_time(struct reading *it, uint32_t object, const char *key, int64_t *out)
{
    uint32_t at = wf_tape_get(it->tape, object, key);
    if (wf_tape_kind(it->tape, at) != WF_VALUE_NULL &&
        !read_time(wf_tape_string(it->tape, at), out))
        fail(it, -WEFT_M_EPERSIST, key);
}

static void take_proposal(struct reading *it, uint32_t object, weft_m_review *out)
{
    if (wf_tape_kind(it->tape, object) != WF_VALUE_OBJECT) {
        fail(it, -WEFT_M_EPERSIST, "proposal");
        return;
    }
    take_text(it, object, "name", 1, &out->name);
    take_text(it, object, "description", 0, &out->description);
    if (!wf_tape_double(it->tape, wf_tape_get(it->tape, object, "confidence"), &out->confidence) ||
        !(out->confidence >= 0 && out->confidence <= 1))
        fail(it, -WEFT_M_EPERSIST, "confidence");
    take_size(it, object, "sample_count", &out->sample_count);
    take_list(it, object, "example_samples", &out->examples, &out->example_count);
    take_list(it, object, "keywords", &out->keywords, &out->keyword_count);
}

static void take_record(struct reading *it, uint32_t object, weft_m_review *out)
{
    *out = (weft_m_review){0};
    take_text(it, object, "review_id", 1, &out->review_id);
    take_text(it, object, "discovery_id", 1, &out->discovery_id);
    take_size(it, object, "proposal_index", &out->proposal_index);
    weft_str state = wf_tape_string(it->tape, wf_tape_get(it->tape, object, "state"));
    if (state.ptr == NULL || !weft_m_review_state_of(state, &out->state))
        fail(it, -WEFT_M_EPERSIST, "state");
    take_proposal(it, wf_tape_get(it->tape, object, "proposal"), out);
    take_text(it, object, "provenance", 0, &out->provenance);
    take_text(it, object, "notes", 0, &out->notes);
    take_time(it, object, "created_at", &out->created_at);
    take_time(it, object, "updated_at", &out->updated_at);
    take_time(it, object, "reviewed_at", &out->reviewed_at);
    take_time(it, object, "promoted_at", &out->promoted_at);
}

/* ---- ids ---- */

static int by_id(const void *left, const void *right)
{
    const weft_m_review *a = *(const weft_m_review *const *)left;
    const weft_m_review *b = *(const weft_m_review *const *)right;
    size_t len = a->review_id.len < b->review_id.len ? a->review_id.len : b->review_id.len;
    int order = memcmp(a->review_id.ptr, b->review_id.ptr, len);
    return order != 0
               ? order
               : (a->review_id.len > b->review_id.len) - (a->review_id.len < b->review_id.len);
}

static int check_ids(const wf_records *records)
{
    const weft_m_review **sorted = wf_array(records->count, sizeof(const weft_m_review *));
    int rc = sorted != NULL ? 0 : -ENOMEM;
    for (size_t i = 0; i < records->count && rc == 0; i++)
        sorted[i] = &records->items[i];
    if (rc == 0)
        qsort(sorted, records->count, sizeof(*sorted), by_id);
    for (size_t i = 1; i < records->count && rc == 0; i++)
        rc = by_id(&sorted[i - 1], &sorted[i]) == 0 ? -WEFT_M_EPERSIST : 0;
    wf_free(sorted);
    return rc;
}

/* ---- the list ---- */

static int read_list(const wf_tape *tape, wf_records *records, char *reason)
{
    struct reading it = {.tape = tape, .records = records};
    if (wf_tape_kind(tape, 0) != WF_VALUE_ARRAY || wf_tape_count(tape, 0) > WF_RECORDS_MAX) {
        snprintf(reason, WF_RECORD_REASON_BYTES, "it is no list of at most %u records",
                 WF_RECORDS_MAX);
        return -WEFT_M_EPERSIST;
    }
    for (uint32_t at = wf_tape_first(tape, 0); at != WF_NO_VALUE; at = wf_tape_next(tape, 0, at)) {
        int rc = wf_records_reserve(records);
        if (rc < 0)
            return rc;
        if (wf_tape_kind(tape, at) != WF_VALUE_OBJECT)
            fail(&it, -WEFT_M_EPERSIST, "object");
        else
            take_record(&it, at, &records->items[records->count]);
        if (it.rc < 0) {
            snprintf(reason, WF_RECORD_REASON_BYTES, "record %zu: bad or no %s", records->count + 1,
                     it.key);
            return it.rc;
        }
        records->count++;
    }
    snprintf(reason, WF_RECORD_REASON_BYTES, "a review_id stands twice");
    return check_ids(records);
}

int wf_records_read(wf_records *records, const char *text, size_t bytes,
                    char reason[WF_RECORD_REASON_BYTES])
{
    wf_reason broken;
    wf_tape tape = {0};
    int rc = wf_tape_read(&tape, text, bytes, &broken);
    if (rc == -WEFT_M_EMODEL) {
        snprintf(reason, WF_RECORD_REASON_BYTES, "%s", broken.text);
        rc = -WEFT_M_EPERSIST;
    }
    if (rc == 0)
        rc = read_list(&tape, records, reason);
    wf_tape_fini(&tape);
    return rc;
}
