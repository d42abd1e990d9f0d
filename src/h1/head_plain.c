/* SPDX-License-Identifier: MIT */

/*
 * The usual lines of a request's head, each taken at once: an origin-form target, fields with one
 * space before the value and none behind it.  What is not there whole, or is any other, or is wrong
 * is left to the steps.
 */

#include "h1/head_priv.h"

#include "h1/chars.h"
#include "h1/run.h"

#include <string.h>

static inline bool plain_request_line(struct wf_h1_head *head, const char *buf, size_t stop)
{
    static const char get[] = {'G', 'E', 'T', ' '};
    static const char rest[] = {' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n'};
    size_t at = head->at, left = stop - at;
    bool is_get = left >= sizeof get && memcmp(buf + at, get, sizeof get) == 0;
    size_t target_at = (is_get ? at + 3 : wf_http_name_end(buf, at, stop)) + 1;
    if (target_at >= stop || target_at - 1 == at || buf[target_at - 1] != ' ' ||
        buf[target_at] != '/')
        return false;
    size_t end = wf_http_path_end(buf, target_at, stop);
    bool is_plain = end != stop && buf[end] == ' ';
    if (!is_plain)
        end = wf_http_target_end(buf, end, stop);
    if (stop - end < sizeof rest || memcmp(buf + end, rest, sizeof rest) != 0 ||
        end + sizeof rest - 2 - at > head->limits->line_bytes_max)
        return false;
    head->method_at = (uint32_t)at;
    head->method_len = (uint32_t)(target_at - 1 - at);
    head->method = is_get ? WF_H1_GET : wf_h1_method_of(buf + at, head->method_len);
    head->target_form = WF_H1_ORIGIN;
    head->target_at = (uint32_t)target_at;
    head->target_len = (uint32_t)(end - target_at);
    head->is_target_plain = is_plain;
    head->minor = head->major_seen = head->minor_seen = 1;
    head->at = head->line_at = (uint32_t)(end + sizeof rest);
    head->state = FIELD;
    return true;
}

static inline bool is_line_end(const char *text)
{
    return memcmp(text, "\r\n", 2) == 0;
}

static inline bool plain_field(struct wf_h1_head *head, const char *buf, size_t stop)
{
    size_t at = head->at, colon = wf_http_name_end(buf, at, stop), value_at = colon + 2;
    if (colon == at || value_at >= stop || memcmp(buf + colon, ": ", 2) != 0)
        return false;
    size_t end = wf_http_value_end(buf, value_at, stop);
    if (stop - end < 2 || !is_line_end(buf + end) || (unsigned char)buf[value_at] <= ' ' ||
        (unsigned char)buf[end - 1] <= ' ' || end - at > head->limits->field_bytes_max ||
        head->field_count == head->limits->field_count_max)
        return false;
    head->fields[head->field_count] = (struct wf_h1_field){
        .name_at = (uint32_t)at,
        .name_len = (uint32_t)(colon - at),
        .value_at = (uint32_t)value_at,
        .value_len = (uint32_t)(end - value_at),
    };
    head->at = head->line_at = (uint32_t)end + 2;
    return true;
}

int wf_h1_head_take_plain(struct wf_h1_head *head, const char *buf, size_t len)
{
    size_t max = head->limits->head_bytes_max, stop = len < max ? len : max;
    int rc = 0;
    if (head->at >= stop || (head->state == EMPTY_LINE && !plain_request_line(head, buf, stop)))
        return 0;
    if (head->state != FIELD)
        return 0;
    while (rc == 0 && stop - head->at >= 2) {
        if (is_line_end(buf + head->at)) {
            head->at += 2;
            head->line_at = head->at;
            return wf_h1_head_finish(head);
        }
        if (!plain_field(head, buf, stop))
            return 0;
        rc = wf_h1_head_take_field(head, buf);
    }
    return rc;
}
