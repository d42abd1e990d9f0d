/* SPDX-License-Identifier: MIT */

/* A profile as JSON: {"weft_profile":1,"time","texts","checksum","mean","variance","classes"}.  The
 * sum is that of all numbers, as they are in memory. */
#include "match/drift/profile.h"

#include "base/alloc.h"
#include "base/json_write.h"
#include "match/file/crc.h"
#include "match/model/tape.h"

#include <math.h>

#define FORMAT 1u

static uint32_t sum_spread(uint32_t sum, const wf_spread *spread)
{
    sum = wf_crc32c(sum, &spread->count, sizeof(spread->count));
    sum = wf_crc32c(sum, spread->id.ptr, spread->id.len);
    sum = wf_crc32c(sum, spread->mean, sizeof(spread->mean));
    return wf_crc32c(sum, spread->variance, sizeof(spread->variance));
}

static uint32_t sum_of(const weft_m_profile *profile)
{
    uint32_t sum = sum_spread(0, &profile->all);
    for (size_t i = 0; i < profile->class_count; i++)
        sum = sum_spread(sum, &profile->classes[i]);
    return sum;
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

static void put_spread(wf_json *json, const wf_spread *spread)
{
    wf_json_put_uint(json, "texts", spread->count);
    put_numbers(json, "mean", spread->mean);
    put_numbers(json, "variance", spread->variance);
}

void wf_profile_write(const weft_m_profile *profile, wf_buf *out)
{
    wf_json json = {.out = out};
    wf_json_object(&json);
    wf_json_put_uint(&json, "weft_profile", FORMAT);
    wf_json_key(&json, "time");
    wf_json_int(&json, profile->time);
    wf_json_put_uint(&json, "checksum", sum_of(profile));
    put_spread(&json, &profile->all);
    wf_json_key(&json, "classes");
    wf_json_array(&json);
    for (size_t i = 0; i < profile->class_count; i++) {
        wf_json_object(&json);
        wf_json_put_str(&json, "id", profile->classes[i].id);
        put_spread(&json, &profile->classes[i]);
        wf_json_object_end(&json);
    }
    wf_json_array_end(&json);
    wf_json_object_end(&json);
    wf_buf_putc(out, '\n');
}

/* ---- reading ---- */

static bool take_numbers(const wf_tape *tape, uint32_t array, double least, float out[WF_SPACE_DIM])
{
    size_t k = 0;
    if (wf_tape_kind(tape, array) != WF_VALUE_ARRAY || wf_tape_count(tape, array) != WF_SPACE_DIM)
        return false;
    for (uint32_t at = wf_tape_first(tape, array); at != WF_NO_VALUE;
         at = wf_tape_next(tape, array, at)) {
        double number;
        if (!wf_tape_double(tape, at, &number) || !(number >= least && number <= 4))
            return false;
        out[k++] = (float)number;
    }
    return true;
}

static bool take_spread(const wf_tape *tape, uint32_t object, wf_spread *out)
{
    size_t count;
    if (!wf_tape_size(tape, wf_tape_get(tape, object, "texts"), &count) ||
        count < WF_PROFILE_TEXTS_MIN)
        return false;
    out->count = count;
    return take_numbers(tape, wf_tape_get(tape, object, "mean"), -4, out->mean) &&
           take_numbers(tape, wf_tape_get(tape, object, "variance"), 0, out->variance);
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
        wf_spread *spread = &out->classes[out->class_count++];
        weft_str id = wf_tape_string(tape, wf_tape_get(tape, at, "id"));
        *spread = (wf_spread){0};
        if (id.ptr == NULL || !take_spread(tape, at, spread))
            return -WEFT_M_EPERSIST;
        if (!wf_arena_copy(&out->arena, id, &spread->id))
            return -ENOMEM;
    }
    return 0;
}

static int take_profile(const wf_tape *tape, weft_m_profile *out)
{
    size_t format, sum;
    double when;
    bool is_one = wf_tape_size(tape, wf_tape_get(tape, 0, "weft_profile"), &format) &&
                  format == FORMAT && wf_tape_size(tape, wf_tape_get(tape, 0, "checksum"), &sum) &&
                  wf_tape_double(tape, wf_tape_get(tape, 0, "time"), &when) && fabs(when) < 1e15 &&
                  take_spread(tape, 0, &out->all);
    if (!is_one)
        return -WEFT_M_EPERSIST;
    out->time = (int64_t)when;
    int rc = take_classes(tape, wf_tape_get(tape, 0, "classes"), out);
    return rc == 0 && sum_of(out) != sum ? -WEFT_M_EPERSIST : rc;
}

int wf_profile_read(weft_m_profile **out, const char *text, size_t bytes)
{
    wf_reason reason;
    wf_tape tape = {0};
    weft_m_profile *it = wf_alloc(sizeof(*it));
    int rc = it != NULL ? wf_tape_read(&tape, text, bytes, &reason) : -ENOMEM;
    rc = rc == -WEFT_M_EMODEL ? -WEFT_M_EPERSIST : rc;
    if (rc == 0)
        rc = take_profile(&tape, it);
    wf_tape_fini(&tape);
    if (rc < 0)
        weft_m_profile_free(it);
    else
        *out = it;
    return rc;
}
