/* SPDX-License-Identifier: MIT */

#include "http/files/conditional.h"

#include "base/str.h"
#include "h1/chars.h"
#include "http/files/date.h"

/* ---- entity tags ---- */

static bool tag_is_weak(weft_str tag)
{
    return tag.len >= 2 && tag.ptr[0] == 'W' && tag.ptr[1] == '/';
}

static weft_str tag_opaque(weft_str tag)
{
    return tag_is_weak(tag) ? (weft_str){tag.ptr + 2, tag.len - 2} : tag;
}

/* RFC 9110 8.8.3.2 */
static bool tags_equal(weft_str a, weft_str b, bool is_strong)
{
    if (is_strong && (tag_is_weak(a) || tag_is_weak(b)))
        return false;
    return wf_str_equals(tag_opaque(a), tag_opaque(b));
}

/* The tag at the head of the text, or one with ptr NULL.  Commas may stand in it. */
static weft_str tag_take(weft_str text)
{
    size_t at = tag_is_weak(text) ? 2 : 0;
    if (at >= text.len || text.ptr[at] != '"')
        return (weft_str){NULL, 0};
    const char *end = memchr(text.ptr + at + 1, '"', text.len - at - 1);
    if (end == NULL)
        return (weft_str){NULL, 0};
    return (weft_str){text.ptr, (size_t)(end + 1 - text.ptr)};
}

static weft_str skip(weft_str text, const char *bytes)
{
    while (text.len > 0 && strchr(bytes, text.ptr[0]) != NULL && text.ptr[0] != 0)
        text = (weft_str){text.ptr + 1, text.len - 1};
    return text;
}

/* True if a tag of the list, or "*", is `tag`.  Behind what is no list nothing counts. */
static bool list_has_tag(weft_str list, weft_str tag, bool is_strong)
{
    list = skip(list, " \t");
    if (list.len == 1 && list.ptr[0] == '*')
        return true;
    for (;;) {
        list = skip(list, " \t,");
        weft_str item = tag_take(list);
        if (item.ptr == NULL)
            return false;
        if (tags_equal(item, tag, is_strong))
            return true;
        list = skip((weft_str){list.ptr + item.len, list.len - item.len}, " \t");
        if (list.len > 0 && list.ptr[0] != ',')
            return false;
    }
}

/* ---- fields ---- */

/* A date, or a tag that is ours in the strong sense (RFC 9110 13.1.5). */
static bool range_is_valid(const struct wf_validators *of, weft_str value)
{
    int64_t date;
    weft_str tag = tag_take(value);
    if (tag.ptr != NULL)
        return tag.len == value.len && tags_equal(tag, of->tag, /* is_strong= */ true);
    return of->is_date_strong && wf_http_date_parse(value, of->now, &date) && date == of->modified;
}

void wf_conditions_init(struct wf_conditions *conditions, const struct wf_validators *validators)
{
    *conditions = (struct wf_conditions){.of = validators};
}

void wf_conditions_add(struct wf_conditions *conditions, weft_str name, weft_str value)
{
    const struct wf_validators *of = conditions->of;
    int64_t date;
    if (name.len < 8 || wf_str_lower(name.ptr[0]) != 'i' || wf_str_lower(name.ptr[1]) != 'f')
        return;
    if (WF_HTTP_EQUAL(name.ptr, name.len, "if-match")) {
        conditions->has_match = true;
        conditions->is_matched |= list_has_tag(value, of->tag, /* is_strong= */ true);
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "if-none-match")) {
        conditions->has_none_match = true;
        conditions->is_none_matched |= list_has_tag(value, of->tag, /* is_strong= */ false);
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "if-modified-since")) {
        conditions->is_modified_late =
            wf_http_date_parse(value, of->now, &date) && of->modified <= date;
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "if-unmodified-since")) {
        conditions->is_unmodified_broken =
            wf_http_date_parse(value, of->now, &date) && of->modified > date;
    } else if (WF_HTTP_EQUAL(name.ptr, name.len, "if-range")) {
        conditions->is_range_valid = !conditions->has_if_range && range_is_valid(of, value);
        conditions->has_if_range = true;
    }
}

/* ---- the verdict ---- */

enum wf_verdict wf_conditions_judge(const struct wf_conditions *conditions, bool reads)
{
    bool fails = conditions->has_match ? !conditions->is_matched : conditions->is_unmodified_broken;
    if (fails)
        return WF_PRECONDITION_FAILED;
    bool is_known = conditions->has_none_match ? conditions->is_none_matched
                                               : reads && conditions->is_modified_late;
    if (!is_known)
        return WF_PROCEED;
    return reads ? WF_NOT_MODIFIED : WF_PRECONDITION_FAILED;
}

bool wf_conditions_allow_range(const struct wf_conditions *conditions)
{
    return !conditions->has_if_range || conditions->is_range_valid;
}
