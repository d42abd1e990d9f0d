/* SPDX-License-Identifier: MIT */

/* Sink: where the answers of 'match query' go, and in which form: standard output or an outfile; a
 * JSON value a text, rows for other programs, or a table for people. */
#ifndef WF_CMD_SINK_H
#define WF_CMD_SINK_H

#include "cmd/io/outfile.h"
#include "cmd/match/texts.h"

#include <weft/match.h>

enum sink_form { SINK_TABLE, SINK_NDJSON, SINK_CSV, SINK_TSV };

struct sink {
    enum sink_form form;
    char delimiter;      /* of CSV */
    const char *path;    /* NULL: standard output */
    struct outfile file; /* of `path` */
    wf_buf lines;        /* on their way */
    struct {
        size_t text, matched; /* columns of a table; matched 0: as it is */
    } width;
    uint64_t done; /* texts whose answers were written, by earlier runs too */
};

/* "ndjson", "csv", "tsv" (also as the ending of a path).  False for another name. */
bool sink_form_parse(const char *name, enum sink_form *out);

/* Opens `sink->path`, if there is one, for a run of these lines (see outfile_open).  0; an exit
 * code after saying why, or -ECANCELED. */
WEFT_WAITS int sink_open(struct sink *sink, weft_str run, bool is_anew);

/* Writes the answers to a chunk.  0, -ECANCELED, or what writing failed with. */
WEFT_WAITS int sink_put(struct sink *sink, const struct chunk *chunk,
                        const weft_m_results *results);

/* All is written.  0; an exit code after saying why, or -ECANCELED. */
WEFT_WAITS int sink_finish(struct sink *sink);

WEFT_WAITS void sink_close(struct sink *sink);

#endif
