/* SPDX-License-Identifier: MIT */

#include "cmd/match/run_lines.h"

#include "base/json_write.h"
#include "cmd/say.h"

#include <weft/file.h>
#include <weft/run.h>

#include <inttypes.h>
#include <string.h>

void run_lines_text(wf_buf *out, const char *name, const char *text)
{
    if (text == NULL)
        return;
    wf_buf_printf(out, "%s: ", name);
    say_escaped(out, (weft_str){text, strlen(text)}); /* a line end would make two of it */
    wf_buf_putc(out, '\n');
}

void run_lines_file(wf_buf *out, const char *name, const char *path, int *rc)
{
    struct stat info;
    if (path == NULL || *rc < 0)
        return;
    *rc = weft_stat(path, &info);
    if (*rc < 0)
        return;
    wf_buf_printf(out, "%s: ", name);
    say_escaped(out, (weft_str){path, strlen(path)});
    wf_buf_printf(out, ", %" PRId64 " bytes, changed at %" PRId64 ".%09ld\n", (int64_t)info.st_size,
                  (int64_t)info.st_mtim.tv_sec, info.st_mtim.tv_nsec);
}

/* As people write it: 0.6, and not 0.600000024. */
static void put_threshold(wf_buf *out, float threshold)
{
    wf_json number = {.out = out};
    wf_buf_puts(out, "threshold: ");
    wf_json_float(&number, threshold);
    wf_buf_putc(out, '\n');
}

void run_lines_load(wf_buf *out, const struct load *load, int *rc)
{
    run_lines_text(out, "weft", weft_version());
    for (size_t i = 0; i < load->files.count; i++)
        run_lines_file(out, "entities", load->files.items[i], rc);
    run_lines_text(out, "entities-format", load->format_name);
    run_lines_text(out, "delimiter", load->delimiter_name);
    run_lines_file(out, "matcher", load->matcher, rc);
    run_lines_file(out, "examples", load->examples, rc);
    run_lines_file(out, "model", load->model, rc);
    run_lines_text(out, "mode", load->mode);
    run_lines_text(out, "score", load->score_kind);
    if (!isnan(load->threshold))
        put_threshold(out, (float)load->threshold);
    if (load->skip_bad)
        wf_buf_puts(out, "skip-bad: yes\n");
}
