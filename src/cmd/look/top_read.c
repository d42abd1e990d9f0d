/* SPDX-License-Identifier: MIT */

/* Out of the lines of weft/metrics.h, those of all loops added up. */
#include "cmd/look/top.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const number_names[TOP_NUMBERS] = {
    [TOP_TASKS_MADE] = "weft_tasks_made_total",
    [TOP_TASKS_DONE] = "weft_tasks_done_total",
    [TOP_TASKS_LIVE] = "weft_tasks_live",
    [TOP_SWITCHES] = "weft_switches_total",
    [TOP_PASSES] = "weft_passes_total",
    [TOP_TURNS] = "weft_turns_total",
    [TOP_CANCELS] = "weft_cancels_total",
    [TOP_HOGS] = "weft_hogs_total",
    [TOP_TIMERS_FIRED] = "weft_timers_fired_total",
    [TOP_OPS] = "weft_operations_total",
    [TOP_OPS_LIVE] = "weft_operations_live",
};

/* A sample: "NAME{LABELS} VALUE" in pieces. */
struct sample {
    char name[64];
    char labels[400];
    double value;
};

static bool split(weft_str line, struct sample *out)
{
    char text[512];
    if (line.len == 0 || line.ptr[0] == '#' || line.len >= sizeof(text))
        return false;
    memcpy(text, line.ptr, line.len);
    text[line.len] = '\0';
    char *space = strrchr(text, ' '), *brace = strchr(text, '{');
    if (space == NULL)
        return false;
    *space = '\0';
    out->value = strtod(space + 1, NULL);
    snprintf(out->labels, sizeof(out->labels), "%.399s", brace != NULL ? brace + 1 : "");
    if (brace != NULL)
        *brace = '\0';
    snprintf(out->name, sizeof(out->name), "%.63s", text);
    return true;
}

/* The value of a label, its escapes undone. */
static void label_of(const struct sample *sample, const char *name, char *out, size_t out_bytes)
{
    char start[32];
    size_t len = 0;
    snprintf(start, sizeof(start), "%s=\"", name);
    const char *at = strstr(sample->labels, start);
    for (at = at != NULL ? at + strlen(start) : ""; *at != '\0' && *at != '"'; at++) {
        if (*at == '\\' && at[1] != '\0')
            at++;
        if (len + 1 < out_bytes)
            out[len++] = *at;
    }
    out[len] = '\0';
}

static void add_row(struct top_row *rows, size_t *count, const char *text, double value)
{
    for (size_t i = 0; i < *count; i++) {
        if (strcmp(rows[i].text, text) == 0) {
            rows[i].count += value;
            return;
        }
    }
    if (*count == TOP_ROWS)
        return;
    struct top_row *row = &rows[(*count)++];
    snprintf(row->text, sizeof(row->text), "%s", text);
    row->count = value;
}

static void add_labelled(const struct sample *sample, const char *label, struct top_row *rows,
                         size_t *count)
{
    char text[TOP_TEXT_BYTES];
    label_of(sample, label, text, sizeof(text));
    add_row(rows, count, text, sample->value);
}

static void add_bucket(struct top_times *times, const struct sample *sample)
{
    char text[32];
    label_of(sample, "le", text, sizeof(text));
    double bound = strtod(text, NULL); /* "+Inf" too */
    for (size_t i = 0; i < TOP_BOUNDS; i++) {
        if (times->bounds[i] == 0 || times->bounds[i] == bound) {
            times->bounds[i] = bound;
            times->below[i] += sample->value;
            return;
        }
    }
}

void top_read_line(struct top_look *look, weft_str line)
{
    struct sample sample;
    if (memmem(line.ptr, line.len, " does not answer: ", 18) != NULL)
        snprintf(look->silent, sizeof(look->silent), "%.*s", (int)(line.len < 199 ? line.len : 199),
                 line.ptr);
    if (!split(line, &sample))
        return;
    for (size_t i = 0; i < TOP_NUMBERS; i++) {
        if (strcmp(sample.name, number_names[i]) == 0)
            look->numbers[i] += sample.value;
    }
    if (strcmp(sample.name, "weft_loop_info") == 0) {
        look->loops++;
        label_of(&sample, "backend", look->backend, sizeof(look->backend));
    } else if (strcmp(sample.name, "weft_pass_seconds_bucket") == 0) {
        add_bucket(&look->passes, &sample);
    } else if (strcmp(sample.name, "weft_ready_wait_seconds_bucket") == 0) {
        add_bucket(&look->waits, &sample);
    } else if (strcmp(sample.name, "weft_top_samples") == 0) {
        look->samples += sample.value;
        add_labelled(&sample, "site", look->sites, &look->site_count);
    } else if (strcmp(sample.name, "weft_top_tasks") == 0) {
        add_labelled(&sample, "state", look->states, &look->state_count);
    }
}

static int by_count(const void *a, const void *b)
{
    const struct top_row *left = a, *right = b;
    if (left->count != right->count)
        return left->count > right->count ? -1 : 1;
    return strcmp(left->text, right->text);
}

void top_read_end(struct top_look *look)
{
    qsort(look->sites, look->site_count, sizeof(look->sites[0]), by_count);
    qsort(look->states, look->state_count, sizeof(look->states[0]), by_count);
}
