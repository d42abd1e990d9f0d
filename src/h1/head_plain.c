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

/* Each takes the line that begins at `at` and says where the next one does; 0: it is not plain. */

static inline size_t plain_request_line(struct wf_h1_head *head, const char *buf, size_t at,
                                        size_t stop)
{
    static const char get[] = {'G', 'E', 'T', ' '};
    static const char rest[] = {' ', 'H', 'T', 'T', 'P', '/', '1', '.', '1', '\r', '\n'};
    bool is_get = stop - at >= sizeof get && memcmp(buf + at, get, sizeof get) == 0;
    size_t target_at = (is_get ? at + 3 : wf_http_name_end(buf, at, stop)) + 1;
    if (target_at >= stop || target_at - 1 == at || buf[target_at - 1] != ' ' ||
        buf[target_at] != '/')
        return 0;
    size_t end = wf_http_path_end(buf, target_at, stop);
    bool is_plain = end != stop && buf[end] == ' ';
    if (!is_plain)
        end = wf_http_target_end(buf, end, stop);
    if (stop - end < sizeof rest || memcmp(buf + end, rest, sizeof rest) != 0 ||
        end + sizeof rest - 2 - at > head->limits->line_bytes_max)
        return 0;
    head->method_at = (uint32_t)at;
    head->method_len = (uint32_t)(target_at - 1 - at);
    head->method = is_get ? WF_H1_GET : wf_h1_method_of(buf + at, head->method_len);
    head->target_form = WF_H1_ORIGIN;
    head->target_at = (uint32_t)target_at;
    head->target_len = (uint32_t)(end - target_at);
    head->is_target_plain = is_plain;
    head->minor = head->major_seen = head->minor_seen = 1;
    head->state = FIELD;
    return end + sizeof rest;
}

static inline bool is_line_end(const char *text)
{
    return memcmp(text, "\r\n", 2) == 0;
}

static inline size_t plain_field(struct wf_h1_head *head, const char *buf, size_t at, size_t stop)
{
    size_t colon = wf_http_name_end(buf, at, stop), value_at = colon + 2;
    if (colon == at || value_at >= stop || memcmp(buf + colon, ": ", 2) != 0)
        return 0;
    size_t end = wf_http_value_end(buf, value_at, stop);
    if (stop - end < 2 || !is_line_end(buf + end) || (unsigned char)buf[value_at] <= ' ' ||
        (unsigned char)buf[end - 1] <= ' ' || end - at > head->limits->field_bytes_max ||
        head->field_count == head->limits->field_count_max)
        return 0;
    head->fields[head->field_count] = (struct wf_h1_field){
        .name_at = (uint32_t)at,
        .name_len = (uint32_t)(colon - at),
        .value_at = (uint32_t)value_at,
        .value_len = (uint32_t)(end - value_at),
    };
    return end + 2;
}

int wf_h1_head_take_plain(struct wf_h1_head *head, const char *buf, size_t len)
{
    size_t max = head->limits->head_bytes_max, stop = len < max ? len : max, at = head->at, next;
    int rc = 0;
    if (at >= stop)
        return 0;
    if (head->state == EMPTY_LINE && (next = plain_request_line(head, buf, at, stop)) != 0)
        at = next;
    if (head->state != FIELD)
        return 0;
    bool is_over = false;
    while (rc == 0 && stop - at >= 2) {
        is_over = is_line_end(buf + at);
        if (is_over || (next = plain_field(head, buf, at, stop)) == 0)
            break;
        at = next;
        rc = wf_h1_head_take_field(head, buf);
    }
    head->at = head->line_at = (uint32_t)(is_over ? at + 2 : at);
    return is_over ? wf_h1_head_finish(head) : rc;
}
