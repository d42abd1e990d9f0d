/* SPDX-License-Identifier: MIT */

/*
 * A profile as JSON:
 * {"weft_profile":2,"time","texts","sha256","mean":[numbers],"covariance","classes":
 * [{"id","texts","mean","covariance"}]}, an id being a string or an integer.  A covariance is the
 * Base64 of its floats, little-endian, as in wf_spread.  The sum is that of all numbers and ids, as
 * they are in memory.
 */
#include "match/drift/profile.h"

#include "base/alloc.h"
#include "base/base64.h"
#include "base/json_write.h"
#include "base/str.h"
#include "match/check.h"
#include "match/file/sha256.h"
#include "match/json.h"
#include "match/model/tape.h"
#include "match/work.h"

#include <math.h>
#include <stdio.h>

#define FORMAT 2u /* 1 had variances alone */
#define NUMBER_MAX 4
#define COVARIANCE_BYTES (WF_SPREAD_NUMBERS * sizeof(float))
#define SUM_CHARS (2 * WF_SHA256_BYTES)

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "floats are written as they are");

static void sum_spread(wf_sha256 *sum, const wf_spread *spread)
{
    const uint64_t sizes[] = {spread->count, spread->id.len};
    wf_sha256_add(sum, sizes, sizeof(sizes));
    wf_sha256_add(sum, spread->id.ptr, spread->id.len);
    wf_sha256_add(sum, spread->mean, sizeof(spread->mean));
    wf_sha256_add(sum, spread->covariance, COVARIANCE_BYTES);
}

/* Between two parts, of 132 KB each. */
static int poll_part(void)
{
    const wf_job job = {0};
    return wf_job_poll(&job);
}

/* 0, or why an executor is to end. */
static int sum_of(const weft_m_profile *profile, char out[SUM_CHARS + 1])
{
    wf_sha256 sum;
    uint8_t digest[WF_SHA256_BYTES];
    wf_sha256_init(&sum);
    wf_sha256_add(&sum, &profile->time, sizeof(profile->time));
    sum_spread(&sum, &profile->all);
    int rc = 0;
    for (size_t i = 0; i < profile->class_count && rc == 0; i++) {
        sum_spread(&sum, &profile->classes[i]);
        rc = poll_part();
    }
    wf_sha256_end(&sum, digest);
    for (size_t i = 0; i < WF_SHA256_BYTES; i++)
        snprintf(out + 2 * i, 3, "%02x", digest[i]);
    return rc;
}

/* ---- writing ---- */

static void put_numbers(wf_json *json, const char *key, const float numbers[WF_SPACE_DIM])
{
    wf_json_key(json, key);
    wf_json_array(json);
    for (size_t k = 0; k < WF_SPACE_DIM; k++)
        wf_json_float(json, numbers[k]);
    wf_json_array_end(json);
}

static void put_covariance(wf_json *json, const float *covariance)
{
    const size_t bytes = WF_BASE64_BYTES(COVARIANCE_BYTES);
    char *room;
    wf_json_key(json, "covariance");
    wf_json_raw(json, weft_str_of("\""));
    if (wf_buf_reserve(json->out, bytes, &room) == 0) {
        wf_base64_write(covariance, COVARIANCE_BYTES, room);
        wf_buf_commit(json->out, bytes);
    }
    wf_buf_putc(json->out, '"');
}

static void put_spread(wf_json *json, const wf_spread *spread)
{
    put_numbers(json, "mean", spread->mean);
    put_covariance(json, spread->covariance);
}

void wf_profile_write(const weft_m_profile *profile, wf_buf *out)
{
    wf_json json = {.out = out};
    char sum[SUM_CHARS + 1];
    int rc = sum_of(profile, sum);
    wf_json_object(&json);
    wf_json_put_uint(&json, "weft_profile", FORMAT);
    wf_json_key(&json, "time");
    wf_json_int(&json, profile->time);
    wf_json_put_uint(&json, "texts", profile->all.count);
    wf_json_put_text(&json, "sha256", sum);
    put_spread(&json, &profile->all);
    wf_json_key(&json, "classes");
    wf_json_array(&json);
    for (size_t i = 0; i < profile->class_count && rc == 0; i++) {
        wf_json_object(&json);
        wf_json_key(&json, "id");
        wf_m_json_id(&json, profile->classes[i].id, profile->classes[i].id_is_integer);
        wf_json_put_uint(&json, "texts", profile->classes[i].count);
        put_spread(&json, &profile->classes[i]);
        wf_json_object_end(&json);
        rc = poll_part();
    }
    wf_json_array_end(&json);
    wf_json_object_end(&json);
    wf_buf_putc(out, '\n');
    if (rc < 0 && out->rc == 0)
        out->rc = rc;
}

/* ---- reading ---- */

static bool is_number(double number, double least)
{
    return number >= least && number <= NUMBER_MAX;
}

static bool take_mean(const wf_tape *tape, uint32_t array, float out[WF_SPACE_DIM])
{
    size_t k = 0;
    if (wf_tape_kind(tape, array) != WF_VALUE_ARRAY || wf_tape_count(tape, array) != WF_SPACE_DIM)
        return false;
    for (uint32_t at = wf_tape_first(tape, array); at != WF_NO_VALUE;
         at = wf_tape_next(tape, array, at)) {
        double number;
        if (!wf_tape_double(tape, at, &number) || !is_number(number, -NUMBER_MAX))
            return false;
        out[k++] = (float)number;
    }
    return true;
}

/* No variance is below 0; whether it is a covariance is seen where one is needed. */
static int take_covariance(const wf_tape *tape, uint32_t at, wf_arena *arena, wf_spread *out)
{
    weft_str text = wf_tape_string(tape, at);
    if (text.ptr == NULL || text.len != WF_BASE64_BYTES(COVARIANCE_BYTES))
        return -WEFT_M_EPERSIST;
    float *numbers = wf_arena_array(arena, text.len / sizeof(*numbers), sizeof(*numbers));
    if (numbers == NULL)
        return -ENOMEM;
    if (wf_base64_read(text, numbers) != COVARIANCE_BYTES)
        return -WEFT_M_EPERSIST;
    for (size_t r = 0, k = 0; r < WF_SPACE_DIM; r++) {
        for (size_t c = 0; c <= r; c++, k++) {
            if (!is_number((double)numbers[k], c < r ? -NUMBER_MAX : 0))
                return -WEFT_M_EPERSIST;
        }
    }
    out->covariance = numbers;
    return 0;
}

static int take_spread(const wf_tape *tape, uint32_t object, wf_arena *arena, wf_spread *out)
{
    size_t count;
    if (!wf_tape_size(tape, wf_tape_get(tape, object, "texts"), &count) ||
        count < WF_PROFILE_TEXTS_MIN ||
        !take_mean(tape, wf_tape_get(tape, object, "mean"), out->mean))
        return -WEFT_M_EPERSIST;
    out->count = count;
    return take_covariance(tape, wf_tape_get(tape, object, "covariance"), arena, out);
}

/* A string or an integer, in *out; of the tape. */
static bool take_id(const wf_tape *tape, uint32_t at, wf_spread *out)
{
    weft_str number = wf_tape_number(tape, at);
    out->id_is_integer = number.ptr != NULL;
    out->id = out->id_is_integer ? number : wf_tape_string(tape, at);
    return out->id_is_integer ? wf_check_is_integer(number) : out->id.ptr != NULL;
}

static int take_class(const wf_tape *tape, uint32_t at, wf_arena *arena, wf_spread *out)
{
    *out = (wf_spread){0};
    if (!take_id(tape, wf_tape_get(tape, at, "id"), out))
        return -WEFT_M_EPERSIST;
    int rc = take_spread(tape, at, arena, out);
    if (rc == 0 && !wf_arena_copy(arena, out->id, &out->id))
        rc = -ENOMEM;
    return rc;
}

static int take_classes(const wf_tape *tape, uint32_t array, weft_m_profile *out)
{
    size_t count = wf_tape_count(tape, array);
    if (wf_tape_kind(tape, array) != WF_VALUE_ARRAY || count > WF_PROFILE_CLASSES_MAX)
        return -WEFT_M_EPERSIST;
    out->classes = wf_arena_array(&out->arena, count, sizeof(*out->classes));
    if (out->classes == NULL)
        return -ENOMEM;
    for (uint32_t at = wf_tape_first(tape, array); at != WF_NO_VALUE;
         at = wf_tape_next(tape, array, at)) {
        int rc = take_class(tape, at, &out->arena, &out->classes[out->class_count++]);
        if (rc == 0)
            rc = poll_part();
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int take_profile(const wf_tape *tape, weft_m_profile *out)
{
    char sum[SUM_CHARS + 1];
    double when;
    if (!wf_tape_double(tape, wf_tape_get(tape, 0, "time"), &when) || !(fabs(when) < 1e15))
        return -WEFT_M_EPERSIST;
    out->time = (int64_t)when;
    int rc = take_spread(tape, 0, &out->arena, &out->all);
    if (rc == 0)
        rc = take_classes(tape, wf_tape_get(tape, 0, "classes"), out);
    if (rc < 0)
        return rc;
    rc = sum_of(out, sum);
    if (rc < 0)
        return rc;
    return wf_tape_is(tape, wf_tape_get(tape, 0, "sha256"), sum) ? 0 : -WEFT_M_EPERSIST;
}

static int take_any(const wf_tape *tape, weft_m_profile *out, wf_reason *reason)
{
    size_t format;
    int rc = -WEFT_M_EPERSIST;
    if (!wf_tape_size(tape, wf_tape_get(tape, 0, "weft_profile"), &format)) {
        (void)wf_reason_set(reason, "no profile of texts");
    } else if (format != FORMAT) {
        (void)wf_reason_set(
            reason, "a profile of version %zu; this program reads version %u: take it again",
            format, FORMAT);
    } else {
        rc = take_profile(tape, out);
        if (rc == -WEFT_M_EPERSIST)
            (void)wf_reason_set(reason, "a profile of texts that was changed");
    }
    return rc;
}

int wf_profile_read(weft_m_profile **out, const char *text, size_t bytes, wf_reason *reason)
{
    wf_tape tape = {0};
    weft_m_profile *it = wf_alloc(sizeof(*it));
    int rc = it != NULL ? wf_tape_read(&tape, text, bytes, reason) : -ENOMEM;
    if (rc == -WEFT_M_EMODEL) {
        (void)wf_reason_set(reason, "no profile of texts, or one that was changed");
        rc = -WEFT_M_EPERSIST;
    } else if (rc == 0) {
        rc = take_any(&tape, it, reason);
    }
    wf_tape_fini(&tape);
    if (rc < 0)
        weft_m_profile_free(it);
    else
        *out = it;
    return rc;
}
