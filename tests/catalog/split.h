/* SPDX-License-Identifier: MIT */

/*
 * Runs a splitter over bytes cut in a given way and writes down all it says, so that two ways of
 * cutting can be compared:  "1|a|b\n" is a row of line 1, "!2:5 what\n" an error.
 */
#ifndef WF_TESTS_SPLIT_H
#define WF_TESTS_SPLIT_H

#include "harness/harness.h"

#include "base/alloc.h"
#include "catalog/piece.h"

#include <weft/base.h>

typedef int split_feed_fn(void *splitter, const char *bytes, size_t count, size_t *used,
                          wf_piece_error *error);
typedef int split_end_fn(void *splitter, wf_piece_error *error);
typedef void split_row_fn(void *splitter, wf_buf *log);

struct split_kind {
    split_feed_fn *feed;
    split_end_fn *end;
    split_row_fn *row;
};

static void split_log(const struct split_kind *kind, void *splitter, int rc,
                      const wf_piece_error *error, wf_buf *log)
{
    if (rc > 0) {
        kind->row(splitter, log);
    } else if (rc < 0) {
        CHECK_EQ(rc, error->rc);
        wf_buf_printf(log, "!%zu:%zu %s", error->place.line, error->place.column, error->what);
        if (error->field != WF_NO_FIELD)
            wf_buf_printf(log, " [%zu]", error->field);
        wf_buf_puts(log, error->is_row ? "\n" : " .\n");
    }
}

/* Feeds one piece, which stands at the end of a block of its own: a byte too far is seen. */
static bool split_piece(const struct split_kind *kind, void *splitter, const char *bytes,
                        size_t count, wf_buf *log)
{
    char *exact = wf_dup(bytes, count);
    size_t at = 0;
    bool can_go_on = true;
    while (at < count && can_go_on) {
        wf_piece_error error = {0};
        size_t used = 0;
        int rc = kind->feed(splitter, exact + at, count - at, &used, &error);
        CHECK_LE(used, count - at);
        CHECK(rc != 0 || used == count - at);
        split_log(kind, splitter, rc, &error, log);
        can_go_on = rc >= 0 || error.is_row;
        at += used;
    }
    wf_free(exact);
    return can_go_on;
}

static void split_finish(const struct split_kind *kind, void *splitter, wf_buf *log)
{
    for (int i = 0; i < 4; i++) {
        wf_piece_error error = {0};
        int rc = kind->end(splitter, &error);
        split_log(kind, splitter, rc, &error, log);
        if (rc == 0 || (rc < 0 && !error.is_row))
            return;
    }
    FAIL("end does not end");
}

/* Everything the splitter says when the text comes in two pieces, or (cut = SIZE_MAX) byte by byte.
 * Static storage, two texts. */
static const char *split_run(const struct split_kind *kind, void *splitter, const char *text,
                             size_t bytes, size_t cut)
{
    static wf_buf logs[2];
    static int turn;
    wf_buf *log = &logs[turn++ & 1];
    bool can_go_on = true;
    wf_buf_reset(log);
    if (cut != SIZE_MAX) {
        can_go_on = split_piece(kind, splitter, text, cut, log) &&
                    split_piece(kind, splitter, text + cut, bytes - cut, log);
    }
    for (size_t i = 0; cut == SIZE_MAX && i < bytes && can_go_on; i++)
        can_go_on = split_piece(kind, splitter, text + i, 1, log);
    if (can_go_on)
        split_finish(kind, splitter, log);
    wf_buf_putc(log, '\0');
    static char copies[2][4096];
    char *copy = copies[turn & 1];
    snprintf(copy, sizeof(copies[0]), "%s", wf_buf_ptr(log));
    wf_buf_fini(log);
    return copy;
}

#endif
