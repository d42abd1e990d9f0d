/* SPDX-License-Identifier: MIT */

#include "cmd/io/progress.h"

#include <weft/task.h>

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#define STEP_TIME (100 * WEFT_MS)
#define BAR_WIDTH 24

void progress_init(struct progress *progress, bool is_wanted, bool is_for_file)
{
    *progress = (struct progress){.begun_at = weft_now()};
    if (isatty(STDERR_FILENO) && (is_for_file || is_wanted))
        progress->mode = PROGRESS_BAR;
    else if (is_wanted)
        progress->mode = PROGRESS_LINES;
}

void progress_begin_at(struct progress *progress, uint64_t done)
{
    progress->done = progress->done_before = done;
    progress->begun_at = weft_now();
}

static void show_line(const struct progress *progress)
{
    if (progress->total != 0)
        fprintf(stderr, "%" PRIu64 "/%" PRIu64 "\n", progress->done, progress->total);
    else
        fprintf(stderr, "%" PRIu64 "/?\n", progress->done);
}

static void put_time_left(char *out, size_t bytes, double seconds)
{
    uint64_t left = seconds < 359999 ? (uint64_t)(seconds + 0.5) : 359999;
    if (left >= 3600)
        snprintf(out, bytes, "%" PRIu64 ":%02" PRIu64 ":%02" PRIu64, left / 3600, left / 60 % 60,
                 left % 60);
    else
        snprintf(out, bytes, "%" PRIu64 ":%02" PRIu64, left / 60, left % 60);
}

static void show_bar(struct progress *progress, weft_time now)
{
    double seconds = (double)(now - progress->begun_at) / WEFT_SEC;
    double done = (double)(progress->done - progress->done_before);
    double rate = seconds > 0 ? done / seconds : 0;
    progress->is_on_screen = true;
    if (progress->total == 0) {
        fprintf(stderr, "\r\033[K%" PRIu64 "  %.0f/s", progress->done, rate);
        fflush(stderr);
        return;
    }
    double part = (double)progress->done / (double)progress->total;
    int filled = (int)(part * BAR_WIDTH);
    char bar[BAR_WIDTH + 1], left[24] = "-";
    memset(bar, ' ', BAR_WIDTH);
    memset(bar, '#', (size_t)(filled < BAR_WIDTH ? filled : BAR_WIDTH));
    bar[BAR_WIDTH] = '\0';
    if (rate > 0)
        put_time_left(left, sizeof(left), (double)(progress->total - progress->done) / rate);
    fprintf(stderr, "\r\033[K[%s] %" PRIu64 "/%" PRIu64 " %3.0f%%  %.0f/s  %s left", bar,
            progress->done, progress->total, part * 100, rate, left);
    fflush(stderr);
}

void progress_step(struct progress *progress, uint64_t done)
{
    weft_time now = weft_now();
    bool is_end = done == progress->total;
    progress->done = done;
    if (progress->total != 0 && done > progress->total)
        progress->total = done; /* the file has grown since it was counted */
    if (progress->mode == PROGRESS_SILENT)
        return;
    if (!is_end && progress->shown_at != 0 && now - progress->shown_at < STEP_TIME)
        return;
    progress->shown_at = now;
    if (progress->mode == PROGRESS_LINES)
        show_line(progress);
    else
        show_bar(progress, now);
}

void progress_end(struct progress *progress)
{
    if (progress->done == progress->total)
        return;
    progress->total = progress->done;
    if (progress->mode == PROGRESS_LINES)
        show_line(progress);
}

void progress_hide(struct progress *progress)
{
    if (!progress->is_on_screen)
        return;
    fputs("\r\033[K", stderr);
    fflush(stderr);
    progress->is_on_screen = false;
}

int progress_show(size_t done, size_t total, void *arg)
{
    struct progress *progress = arg;
    progress->total = total;
    progress_step(progress, done);
    return 0;
}
