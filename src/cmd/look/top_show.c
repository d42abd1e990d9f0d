/* SPDX-License-Identifier: MIT */

#include "cmd/look/top.h"

#include "base/json_write.h"
#include "cmd/say.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#define IDLE "(idle)"

static double seconds(const struct top_look *before, const struct top_look *now)
{
    return (double)(now->at - before->at) / (double)WEFT_SEC;
}

/* A loop did not answer before, or is new: its counters are those of its life. */
static bool is_comparable(const struct top_look *before, const struct top_look *now)
{
    return now->loops != 0 && before->loops >= now->loops;
}

/* What the counters of `now` have grown since. */
static const struct top_look *base_of(const struct top_look *before, const struct top_look *now)
{
    return is_comparable(before, now) ? before : now;
}

/* NAN: not known. */
static double rate(const struct top_look *before, const struct top_look *now, enum top_number what)
{
    double time = seconds(before, now);
    if (!is_comparable(before, now))
        return NAN;
    double count = now->numbers[what] - before->numbers[what];
    return time > 0 && count > 0 ? count / time : 0; /* a loop may have ended */
}

/* So many seconds were not passed by `part` of those that came between the looks; NAN: none came.
 */
static double quantile(const struct top_times *before, const struct top_times *now, double part)
{
    double count = now->below[TOP_BOUNDS - 1] - before->below[TOP_BOUNDS - 1];
    if (!(count > 0))
        return NAN;
    for (size_t i = 0; i < TOP_BOUNDS; i++) {
        if (now->below[i] - before->below[i] >= part * count)
            return now->bounds[i];
    }
    return INFINITY;
}

/* The part of the looks in which the loop did anything; NAN: no loop answers. */
static double busy(const struct top_look *now)
{
    double idle = 0;
    if (now->loops == 0)
        return NAN;
    for (size_t i = 0; i < now->site_count; i++)
        idle += strcmp(now->sites[i].text, IDLE) == 0 ? now->sites[i].count : 0;
    return now->samples > 0 ? 1 - idle / now->samples : 0;
}

/* ---- for a person ---- */

/* "950", "12.3k", "4.56M": at most five characters. */
static const char *short_number(double value, char out[16])
{
    static const char units[] = " kMGT";
    size_t unit = 0;
    if (isnan(value)) {
        snprintf(out, 16, "-");
        return out;
    }
    for (; value >= 999.5 && unit < sizeof(units) - 2; unit++)
        value /= 1000;
    if (unit == 0)
        snprintf(out, 16, "%.0f", value);
    else
        snprintf(out, 16, "%.*f%c", value < 9.995 ? 2 : value < 99.95 ? 1 : 0, value, units[unit]);
    return out;
}

static const char *short_time(double value, char out[16])
{
    if (isnan(value))
        snprintf(out, 16, "-");
    else if (isinf(value))
        snprintf(out, 16, ">17 s");
    else if (value < 1e-3)
        snprintf(out, 16, "%.3g us", value * 1e6);
    else if (value < 1)
        snprintf(out, 16, "%.3g ms", value * 1e3);
    else
        snprintf(out, 16, "%.3g s", value);
    return out;
}

/* One line, no wider than the screen. */
static void put_line(wf_buf *out, int width, const char *format, ...) WEFT_PRINTF(3, 4);

static void put_line(wf_buf *out, int width, const char *format, ...)
{
    char text[512];
    va_list args;
    va_start(args, format);
    int len = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    len = len < (int)sizeof(text) ? len : (int)sizeof(text) - 1;
    say_escaped(out, (weft_str){text, (size_t)(len < width ? len : width)});
    wf_buf_putc(out, '\n');
}

static void put_counters(const struct top_look *before, const struct top_look *now, int width,
                         wf_buf *out)
{
    char a[16], b[16], c[16], d[16];
    const struct top_look *base = base_of(before, now);
    put_line(out, width, "tasks   %s live, %s/s made, %s/s done, %s/s cancels",
             short_number(now->numbers[TOP_TASKS_LIVE], a),
             short_number(rate(before, now, TOP_TASKS_MADE), b),
             short_number(rate(before, now, TOP_TASKS_DONE), c),
             short_number(rate(before, now, TOP_CANCELS), d));
    put_line(out, width, "loop    %s/s switches, %s/s passes, %s/s turns, %s/s timers",
             short_number(rate(before, now, TOP_SWITCHES), a),
             short_number(rate(before, now, TOP_PASSES), b),
             short_number(rate(before, now, TOP_TURNS), c),
             short_number(rate(before, now, TOP_TIMERS_FIRED), d));
    put_line(out, width, "input   %s/s operations, %s in flight",
             short_number(rate(before, now, TOP_OPS), a),
             short_number(now->numbers[TOP_OPS_LIVE], b));
    put_line(out, width, "passes  half below %s, 99 %% below %s; ready tasks wait %s, %s",
             short_time(quantile(&base->passes, &now->passes, 0.5), a),
             short_time(quantile(&base->passes, &now->passes, 0.99), b),
             short_time(quantile(&base->waits, &now->waits, 0.5), c),
             short_time(quantile(&base->waits, &now->waits, 0.99), d));
    double new_hogs =
        is_comparable(before, now) ? now->numbers[TOP_HOGS] - before->numbers[TOP_HOGS] : NAN;
    put_line(out, width, "busy    %.1f %%; hogs: %.0f so far, %s new", 100 * busy(now),
             now->numbers[TOP_HOGS], short_number(new_hogs, a));
}

static void put_states(const struct top_look *now, int width, wf_buf *out)
{
    char text[512] = "";
    size_t used = 0;
    for (size_t i = 0; i < now->state_count && used < sizeof(text); i++) {
        char number[16];
        used += (size_t)snprintf(text + used, sizeof(text) - used, "%s%s %s", i != 0 ? ", " : "",
                                 short_number(now->states[i].count, number), now->states[i].text);
    }
    put_line(out, width, "states  %s", text);
}

static void put_sites(const struct top_look *now, int width, int rows, wf_buf *out)
{
    int shown = 0;
    put_line(out, width, " TIME%%  SPAWNED");
    for (size_t i = 0; i < now->site_count && shown < rows; i++) {
        const struct top_row *row = &now->sites[i];
        if (row->count == 0 || strcmp(row->text, IDLE) == 0)
            continue;
        put_line(out, width, "%6.1f  %s", 100 * row->count / now->samples, row->text);
        shown++;
    }
    if (shown == 0)
        put_line(out, width, "     -  (none was seen to run)");
}

void top_show(const struct top_look *before, const struct top_look *now, pid_t pid, int width,
              int height, wf_buf *out)
{
    if (now->loops == 0)
        put_line(out, width, "weft top: process %d, no loop answers, %.1f s", (int)pid,
                 seconds(before, now));
    else
        put_line(out, width, "weft top: process %d, %u loop%s on %s, %.1f s", (int)pid, now->loops,
                 now->loops == 1 ? "" : "s", now->backend, seconds(before, now));
    if (now->silent[0] != '\0')
        put_line(out, width, "%s", now->silent);
    if (now->loops == 0)
        return; /* nothing is known */
    put_counters(before, now, width, out);
    put_states(now, width, out);
    put_line(out, width, " ");
    put_sites(now, width, height - 10, out);
}

/* ---- for a program ---- */

static void put_rows(wf_json *json, const char *key, const char *what, const struct top_row *rows,
                     size_t count, double all)
{
    wf_json_key(json, key);
    wf_json_array(json);
    for (size_t i = 0; i < count; i++) {
        wf_json_object(json);
        wf_json_key(json, what);
        wf_json_text(json, rows[i].text);
        wf_json_key(json, all > 0 ? "part" : "tasks");
        if (all > 0)
            wf_json_double(json, rows[i].count / all);
        else
            wf_json_uint(json, (uint64_t)rows[i].count);
        wf_json_object_end(json);
    }
    wf_json_array_end(json);
}

static void put_count(wf_json *json, const char *key, double value)
{
    wf_json_key(json, key);
    wf_json_uint(json, value > 0 ? (uint64_t)value : 0);
}

static void put_times(wf_json *json, const char *key, const struct top_times *before,
                      const struct top_times *now)
{
    wf_json_key(json, key);
    wf_json_object(json);
    wf_json_put_double(json, "p50", quantile(before, now, 0.5));
    wf_json_put_double(json, "p99", quantile(before, now, 0.99));
    wf_json_object_end(json);
}

void top_json(const struct top_look *before, const struct top_look *now, pid_t pid, wf_buf *out)
{
    static const struct {
        const char *key;
        enum top_number what;
    } rates[] = {
        {"tasks_made_per_second", TOP_TASKS_MADE}, {"tasks_done_per_second", TOP_TASKS_DONE},
        {"cancels_per_second", TOP_CANCELS},       {"switches_per_second", TOP_SWITCHES},
        {"passes_per_second", TOP_PASSES},         {"turns_per_second", TOP_TURNS},
        {"timers_per_second", TOP_TIMERS_FIRED},   {"operations_per_second", TOP_OPS},
    };
    const struct top_look *base = base_of(before, now);
    wf_json json = {.out = out};
    wf_json_object(&json);
    wf_json_key(&json, "pid");
    wf_json_int(&json, pid);
    wf_json_key(&json, "loops");
    wf_json_uint(&json, now->loops);
    wf_json_key(&json, "backend");
    wf_json_text(&json, now->loops != 0 ? now->backend : NULL);
    wf_json_put_double(&json, "seconds", seconds(before, now));
    wf_json_put_double(&json, "busy", busy(now));
    put_count(&json, "tasks_live", now->numbers[TOP_TASKS_LIVE]);
    put_count(&json, "operations_live", now->numbers[TOP_OPS_LIVE]);
    put_count(&json, "hogs", now->numbers[TOP_HOGS]);
    for (size_t i = 0; i < sizeof(rates) / sizeof(rates[0]); i++)
        wf_json_put_double(&json, rates[i].key, rate(before, now, rates[i].what));
    put_times(&json, "pass_seconds", &base->passes, &now->passes);
    put_times(&json, "ready_wait_seconds", &base->waits, &now->waits);
    put_rows(&json, "states", "state", now->states, now->state_count, 0);
    put_rows(&json, "sites", "site", now->sites, now->site_count, now->samples);
    wf_json_key(&json, "silent");
    wf_json_text(&json, now->silent[0] != '\0' ? now->silent : NULL);
    wf_json_object_end(&json);
    wf_buf_putc(out, '\n');
}
