/* SPDX-License-Identifier: MIT */

#include "match/error.h"

#include "base/buf.h"
#include "base/json_write.h"
#include "base/utf8.h"

#include <weft/error.h>

#include <stdio.h>
#include <string.h>

/* Cuts between two characters, and marks the cut. */
static void put_text(char *out, size_t capacity, const char *format, va_list args)
{
    int len = vsnprintf(out, capacity, format, args);
    if (len >= 0 && (size_t)len < capacity)
        return;
    static const char mark[] = "\xE2\x80\xA6"; /* … */
    size_t kept = wf_utf8_cut(out, capacity - 1, capacity - sizeof(mark));
    memcpy(out + kept, mark, sizeof(mark));
}

int wf_m_fail(weft_m_error *error, int rc, const char *format, ...)
{
    weft_m_error ignored;
    if (error == NULL)
        error = &ignored;
    *error = (weft_m_error){.rc = rc, .limit = -1, .seen = -1, .offset = -1, .entity_index = -1};
    va_list args;
    va_start(args, format);
    put_text(error->message, sizeof(error->message), format, args);
    va_end(args);
    return rc == -ECANCELED ? rc : weft_fail(rc, "%s", error->message);
}

void wf_m_error_field(weft_m_error *error, const char *format, ...)
{
    if (error == NULL)
        return;
    va_list args;
    va_start(args, format);
    put_text(error->field, sizeof(error->field), format, args);
    va_end(args);
}

void wf_m_error_suggest(weft_m_error *error, const char *format, ...)
{
    if (error == NULL)
        return;
    va_list args;
    va_start(args, format);
    put_text(error->suggestion, sizeof(error->suggestion), format, args);
    va_end(args);
}

static void write_id(wf_json *json, const weft_m_entity *entity)
{
    wf_json_key(json, "id");
    if (entity->id_is_integer && entity->id.len != 0)
        wf_json_raw(json, entity->id);
    else
        wf_json_str(json, entity->id);
}

static void write_entity(wf_json *json, const weft_m_entity *entity)
{
    wf_json_object(json);
    write_id(json, entity);
    wf_json_key(json, "name");
    wf_json_str(json, entity->name);
    if (entity->alias_count != 0 && entity->aliases != NULL)
        wf_json_put_strs(json, "aliases", entity->aliases,
                         entity->alias_count < 8 ? entity->alias_count : 8);
    wf_json_object_end(json);
}

/* Without memory for it the error goes without. */
void wf_m_error_entity(weft_m_error *error, const weft_m_entity *entity, size_t index)
{
    if (error == NULL)
        return;
    error->entity_index = (int64_t)index;
    wf_buf buf = {0};
    write_entity(&(wf_json){.out = &buf}, entity);
    if (buf.rc == 0) {
        size_t kept = wf_utf8_cut(wf_buf_ptr(&buf), wf_buf_bytes(&buf), 200);
        memcpy(error->entity, wf_buf_ptr(&buf), kept);
        error->entity[kept] = '\0';
    }
    wf_buf_fini(&buf);
}

int wf_m_fail_limit(weft_m_error *error, const char *what, const char *name, size_t limit,
                    size_t seen)
{
    wf_m_fail(error, -WEFT_ELIMIT, "%s over the limit: %s is %zu, got %zu", what, name, limit,
              seen);
    if (error != NULL) {
        error->limit = (int64_t)limit;
        error->seen = (int64_t)seen;
    }
    return -WEFT_ELIMIT;
}

int wf_m_fail_plain(weft_m_error *error, int rc)
{
    switch (rc) {
    case -ENOMEM:
        return wf_m_fail(error, rc, "out of memory");
    case -ECANCELED:
        return wf_m_fail(error, rc, "canceled");
    case -WEFT_M_ECLOSED:
        return wf_m_fail(error, rc, "matcher is closed");
    case -WEFT_M_EMODEL: /* one that could be read */
        return wf_m_fail(error, rc, "the model failed, or made a number that is not finite");
    default:
        return wf_m_fail(error, rc, "matching failed: %s", weft_strerror(rc));
    }
}

const char *weft_m_error_name(int rc)
{
    switch (rc) {
    case -WEFT_M_EVALID:
    case -WEFT_ESYNTAX:
        return "validation_error";
    case -WEFT_M_EMODE:
        return "mode_error";
    case -WEFT_M_ENOTREADY:
        return "not_ready";
    case -WEFT_M_ETRAIN:
        return "training_error";
    case -WEFT_M_EMODEL:
        return "model_error";
    case -WEFT_M_EMATCH:
        return "matching_error";
    case -WEFT_M_ECLOSED:
    case -EBUSY:
        return "conflict";
    case -WEFT_ELIMIT:
        return "too_large";
    case -ECANCELED:
        return "cancelled";
    case -ETIMEDOUT:
        return "timeout";
    default:
        return "internal";
    }
}

int weft_m_error_text(const weft_m_error *error, weft_text *out)
{
    wf_buf buf = {0};
    wf_buf_puts(&buf, error->message);
    if (error->field[0] != '\0')
        wf_buf_printf(&buf, "\n  Problem field: %s", error->field);
    if (error->entity[0] != '\0')
        wf_buf_printf(&buf, "\n  Entity: %s", error->entity);
    if (error->suggestion[0] != '\0')
        wf_buf_printf(&buf, "\n  \xF0\x9F\x92\xA1 Suggestion: %s", error->suggestion);
    wf_buf_putc(&buf, '\0');
    if (buf.rc < 0) {
        int rc = buf.rc;
        wf_buf_fini(&buf);
        return rc;
    }
    *out = (weft_text){.ptr = buf.mem, .len = wf_buf_bytes(&buf) - 1};
    return 0;
}
