/* SPDX-License-Identifier: MIT */

#include "cmd/match/sink.h"

#include "cmd/io/output.h"
#include "cmd/io/rows.h"
#include "cmd/io/table.h"
#include "cmd/say.h"

#include <inttypes.h>
#include <string.h>

bool sink_form_parse(const char *name, enum sink_form *out)
{
    static const struct {
        const char *name;
        enum sink_form form;
    } forms[] = {{"ndjson", SINK_NDJSON},
                 {"json", SINK_NDJSON},
                 {"jsonl", SINK_NDJSON},
                 {"csv", SINK_CSV},
                 {"tsv", SINK_TSV}};
    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        if (strcmp(name, forms[i].name) == 0) {
            *out = forms[i].form;
            return true;
        }
    }
    return false;
}

/* ---- one chunk's answers ---- */

#define TIED_SHOWN_MAX 3
#define ID_COLUMNS 12u
#define FIXED_COLUMNS (ID_COLUMNS + 13u) /* the id, the score, and what is between the columns */

/* Who may be meant as well, for all that the text says. */
static void put_tied(wf_buf *lines, const weft_m_results *results, const weft_m_hit *hit)
{
    if (hit->tied_count == 0)
        return;
    wf_buf_puts(lines, "  or ");
    for (uint32_t i = 0; i < hit->tied_count && i < TIED_SHOWN_MAX; i++) {
        wf_buf_puts(lines, i == 0 ? "" : ", ");
        table_cell(lines, weft_m_results_entity(results, hit->tied[i])->id, 0);
    }
    if (hit->tied_count > TIED_SHOWN_MAX)
        wf_buf_printf(lines, " and %" PRIu32 " more", hit->tied_count - TIED_SHOWN_MAX);
}

static void put_table_row(struct sink *sink, weft_str query, const weft_m_results *results,
                          const weft_m_hit *hit)
{
    wf_buf *lines = &sink->lines;
    table_cell(lines, query, sink->width.text);
    wf_buf_puts(lines, "  ");
    table_cell(lines, hit->id, ID_COLUMNS);
    wf_buf_printf(lines, "  %.3f  ", (double)hit->score);
    table_cell(lines, hit->name, sink->width.text);
    wf_buf_puts(lines, "  ");
    table_last(lines, hit->matched, sink->width.matched);
    put_tied(lines, results, hit);
    wf_buf_putc(lines, '\n');
}

static void put_table(struct sink *sink, weft_str query, const weft_m_results *results,
                      size_t index)
{
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(results, index, &count);
    for (size_t i = 0; i < count; i++)
        put_table_row(sink, i == 0 ? query : (weft_str){"", 0}, results, &hits[i]);
    if (count == 0) {
        table_cell(&sink->lines, query, sink->width.text);
        wf_buf_puts(&sink->lines, "  -             -      no match\n");
    }
}

/* What the texts leave is for the row that matched. */
static void put_table_head(struct sink *sink)
{
    wf_buf *lines = &sink->lines;
    size_t columns = output_columns(), text = table_share(columns, FIXED_COLUMNS, 3);
    size_t before = FIXED_COLUMNS + 2 * text;
    sink->width.text = text;
    sink->width.matched = columns == 0 ? 0 : columns > before + text ? columns - before : text;
    table_text(lines, "QUERY", text + 2);
    table_text(lines, "ID", ID_COLUMNS + 2);
    table_text(lines, "SCORE", 7);
    table_text(lines, "NAME", text + 2);
    wf_buf_puts(lines, "MATCHED\n");
}

static struct rows rows_of(const struct sink *sink)
{
    return sink->form == SINK_CSV ? (struct rows){sink->delimiter, true}
                                  : (struct rows){'\t', false};
}

static void put_head(struct sink *sink)
{
    wf_buf *lines = &sink->lines;
    if (sink->form == SINK_CSV || sink->form == SINK_TSV)
        rows_head(rows_of(sink), lines);
    if (sink->form == SINK_TABLE)
        put_table_head(sink);
}

static int put_answer(struct sink *sink, weft_str query, const weft_m_results *results,
                      size_t index)
{
    weft_text text;
    size_t count;
    const weft_m_hit *hits = weft_m_results_hits(results, index, &count);
    switch (sink->form) {
    case SINK_TABLE:
        put_table(sink, query, results, index);
        break;
    case SINK_NDJSON:
        return output_put(&sink->lines, weft_m_result_json(results, index, &text), &text);
    case SINK_CSV:
    case SINK_TSV:
        rows_put(rows_of(sink), &sink->lines, query, hits, count);
        break;
    }
    return sink->lines.rc;
}

/* Answers on their way to be lines. */
struct making {
    struct sink *sink;
    const struct chunk *chunk;
    const weft_m_results *results;
};

static int make_body(void *arg)
{
    const struct making *making = arg;
    struct sink *sink = making->sink;
    int rc = 0;
    if (sink->done == 0)
        put_head(sink);
    for (size_t i = 0; i < making->chunk->count && rc == 0; i++)
        rc = put_answer(sink, making->chunk->texts[i], making->results, i);
    return rc;
}

int sink_put(struct sink *sink, const struct chunk *chunk, const weft_m_results *results)
{
    struct making making = {sink, chunk, results};
    int rc = output_make(make_body, &making);
    if (rc < 0)
        return rc;
    rc = sink->path == NULL ? output_lines(&sink->lines)
                            : outfile_write(&sink->file, &sink->lines, chunk->count);
    if (rc == 0)
        sink->done += chunk->count;
    return rc;
}

/* ---- its life ---- */

int sink_open(struct sink *sink, weft_str run, bool is_anew)
{
    if (sink->path == NULL)
        return 0;
    int rc = outfile_open(&sink->file, sink->path, run, is_anew);
    sink->done = sink->file.texts;
    return rc;
}

int sink_finish(struct sink *sink)
{
    if (sink->path == NULL || sink->file.is_whole)
        return 0;
    int rc = 0;
    if (sink->done == 0) { /* a table without rows still has its columns */
        put_head(sink);
        rc = outfile_write(&sink->file, &sink->lines, 0);
    }
    if (rc == 0)
        rc = outfile_finish(&sink->file);
    return rc == 0 || rc == -ECANCELED ? rc : say_failed("%s: %s", sink->path, weft_strerror(rc));
}

void sink_close(struct sink *sink)
{
    outfile_close(&sink->file);
    wf_buf_fini(&sink->lines);
}
