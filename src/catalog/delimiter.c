/* SPDX-License-Identifier: MIT */

#include "catalog/delimiter.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

void wf_delimiter_init(wf_delimiter *it, size_t row_bytes_max)
{
    *it = (wf_delimiter){0};
    for (size_t i = 0; i < WF_DELIMITER_COUNT; i++)
        wf_csv_init(&it->heads[i].csv, WF_DELIMITERS[i], /* has_quotes= */ true, row_bytes_max);
}

void wf_delimiter_fini(wf_delimiter *it)
{
    for (size_t i = 0; i < WF_DELIMITER_COUNT; i++)
        wf_csv_fini(&it->heads[i].csv);
}

int wf_delimiter_feed(wf_delimiter *it, const char *bytes, size_t count)
{
    int all = 1;
    for (size_t i = 0; i < WF_DELIMITER_COUNT; i++) {
        struct wf_delimiter_head *head = &it->heads[i];
        wf_piece_error error;
        size_t used;
        if (head->rc == 0)
            head->rc = wf_csv_feed(&head->csv, bytes, count, &used, &error);
        if (head->rc == -ENOMEM)
            return -ENOMEM;
        all = head->rc == 0 ? 0 : all;
    }
    return all;
}

int wf_delimiter_end(wf_delimiter *it)
{
    for (size_t i = 0; i < WF_DELIMITER_COUNT; i++) {
        struct wf_delimiter_head *head = &it->heads[i];
        wf_piece_error error;
        if (head->rc == 0)
            head->rc = wf_csv_end(&head->csv, &error);
        if (head->rc == -ENOMEM)
            return -ENOMEM;
    }
    return 0;
}

static bool has_column(const wf_csv *csv, weft_str name)
{
    for (size_t i = 0; i < csv->field_count; i++) {
        weft_str column = wf_csv_field(csv, i);
        if (column.len == name.len && strncasecmp(column.ptr, name.ptr, name.len) == 0)
            return true;
    }
    return false;
}

static bool splits(const struct wf_delimiter_head *head)
{
    return head->rc > 0 && head->csv.field_count > 1;
}

static bool fits(const struct wf_delimiter_head *head, const wf_wanted *wanted)
{
    size_t found = 0;
    if (!splits(head))
        return false;
    for (size_t i = 0; i < wanted->count; i++)
        found += has_column(&head->csv, wanted->names[i]);
    return wf_delimiter_is_told(&head->csv) || found == wanted->count ||
           (wanted->is_any && found != 0);
}

bool wf_delimiter_choose(const wf_delimiter *it, const wf_wanted *wanted, char *out,
                         char *out_rival)
{
    char fit[WF_DELIMITER_COUNT + 2] = "", split[WF_DELIMITER_COUNT + 2] = "";
    size_t fit_count = 0, split_count = 0;
    for (size_t i = 0; i < WF_DELIMITER_COUNT; i++) {
        if (fits(&it->heads[i], wanted))
            fit[fit_count++] = WF_DELIMITERS[i];
        if (splits(&it->heads[i]))
            split[split_count++] = WF_DELIMITERS[i];
    }
    const char *best = fit_count != 0 ? fit : split;
    *out = best[0] != '\0' ? best[0] : WF_DELIMITERS[0];
    *out_rival = best[1];
    return fit_count != 0;
}

bool wf_delimiter_is_told(const wf_csv *csv)
{
    return csv->field_count == 2 && wf_str_is(wf_csv_field(csv, 0), "sep=") &&
           wf_csv_field(csv, 1).len == 0;
}

const char *wf_delimiter_name(char delimiter)
{
    static const char *const names[WF_DELIMITER_COUNT] = {"commas", "semicolons", "tabs", "bars"};
    const char *at = delimiter != '\0' ? strchr(WF_DELIMITERS, delimiter) : NULL;
    return at != NULL ? names[at - WF_DELIMITERS] : NULL;
}

bool wf_delimiter_is_valid(char delimiter)
{
    bool is_sign = delimiter >= ' ' && delimiter < '\x7F' && !isalnum((unsigned char)delimiter);
    return delimiter == '\t' || (is_sign && strchr("\".+-", delimiter) == NULL);
}
