/* SPDX-License-Identifier: MIT */

/* Conditional requests (RFC 9110 13): what a client's conditions come to.  Pure. */
#ifndef WF_HTTP_CONDITIONAL_H
#define WF_HTTP_CONDITIONAL_H

#include <weft/base.h>

/* What a representation is known by. */
struct wf_validators {
    weft_str tag;        /* "\"…\"" or "W/\"…\"" */
    int64_t modified;    /* seconds since 1970 */
    bool is_date_strong; /* it cannot have changed twice within that second */
    int64_t now;         /* for years of two digits */
};

struct wf_conditions {
    const struct wf_validators *of;
    bool has_match, is_matched;
    bool has_none_match, is_none_matched; /* a tag of If-None-Match is ours */
    bool is_modified_late;                /* If-Modified-Since: not since */
    bool is_unmodified_broken;            /* If-Unmodified-Since: since */
    bool has_if_range, is_range_valid;
};

enum wf_verdict { WF_PROCEED, WF_NOT_MODIFIED, WF_PRECONDITION_FAILED };

/* `validators` is borrowed. */
void wf_conditions_init(struct wf_conditions *conditions, const struct wf_validators *validators);

/* Takes a field of the request; others than the five are passed over. */
void wf_conditions_add(struct wf_conditions *conditions, weft_str name, weft_str value);

/* In the order of RFC 9110 13.2.2.  `reads`: the method is GET or HEAD. */
enum wf_verdict wf_conditions_judge(const struct wf_conditions *conditions, bool reads);

/* True if Range is to be looked at: no If-Range, or one that holds. */
bool wf_conditions_allow_range(const struct wf_conditions *conditions);

#endif
